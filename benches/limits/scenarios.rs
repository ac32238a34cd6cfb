//! The measurements, one function each.

use std::{collections::BTreeMap, pin::Pin, time::Duration};

use serde_json::json;
use tempfile::TempDir;

use crate::{
    Run,
    database::{database_work, sessions_of, sizes, writes},
    floods::FLOODS,
    latchkey::{Latchkey, PASSWORD, answer, fill},
    load::{Request, Seen, wrk},
    openid::openid,
    partners::{Bare, argon2id},
    passkey::passkey,
    people::people,
    postgres,
    report::{
        Goal::{AtLeast, AtMost},
        Report,
    },
    silence::{silence, silence_of_mail},
};

type Measure = for<'a> fn(&'a Run, &'a mut Report) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

pub(crate) const ALL: [(&str, Measure); 15] = [
    ("profile", |run, report| Box::pin(profile(run, report))),
    ("pages", |run, report| Box::pin(pages(run, report))),
    ("hashing", |run, report| Box::pin(hashing(run, report))),
    ("reads beside sign-ins", |run, report| Box::pin(reads_beside_sign_ins(run, report))),
    ("overload", |run, report| Box::pin(overload(run, report))),
    ("two nodes", |run, report| Box::pin(two_nodes(run, report))),
    ("sizes", |run, report| Box::pin(sizes(run, report))),
    ("people", |run, report| Box::pin(people(run, report))),
    ("writes", |run, report| Box::pin(writes(run, report))),
    ("memory", |run, report| Box::pin(memory(run, report))),
    ("silence", |run, report| Box::pin(silence(run, report))),
    ("silence-of-mail", |run, report| Box::pin(silence_of_mail(run, report))),
    ("passkey", |run, report| Box::pin(passkey(run, report))),
    ("openid", |run, report| Box::pin(openid(run, report))),
    ("database work", |run, report| Box::pin(database_work(run, report))),
];

/// Connections of readers.
pub(crate) const READERS: usize = 32;

/// Connections that sign in or up.
const SIGNERS: usize = 16;

pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn path(request: &Request) -> &str {
    let (_, rest) = request.url.split_once("//").expect("a URL");
    &rest[rest.find('/').expect("a path")..]
}

/// Each request to Latchkey against the same bytes from a bare handler.
async fn beside_bare(
    run: &Run,
    report: &mut Report,
    latchkey: &Latchkey,
    requests: &[(&str, Request)],
    goal: f64,
) {
    for (name, request) in requests {
        let answers = BTreeMap::from([(path(request).to_owned(), answer(request).await)]);
        let bare = Bare::start(&answers).await;
        let limit = Request { url: format!("{}{}", bare.url, path(request)), ..request.clone() };
        let (mut ratios, mut rates, mut costs) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..run.rounds {
            // The two take turns to go first.
            let mut seen = [(0.0, 0.0); 2];
            for side in [round % 2, 1 - round % 2] {
                let cpu_time = || if side == 0 { bare.cpu_time() } else { latchkey.cpu_time() };
                let before = cpu_time();
                let request = if side == 0 { &limit } else { request };
                let found = good(wrk(request, READERS, run.time).await);
                let cost = (cpu_time() - before) / found.answered as f64;
                seen[side] = (found.per_second, cost);
            }
            let [(limit, limit_cost), (ours, our_cost)] = seen;
            ratios.push(ours / limit);
            rates.push(ours);
            costs.push(limit_cost / our_cost);
        }
        report.goal(&format!("{name} / bare axum"), "", &ratios, AtLeast(goal));
        report.note(&format!("{name}, bare's processor time / ours"), "", &costs);
        report.note(name, "1/s", &rates);
    }
}

pub(crate) fn good(seen: Seen) -> Seen {
    assert_eq!(seen.failed, 0, "no request fails");
    seen
}

async fn profile(run: &Run, report: &mut Report) {
    let folder = folder();
    let latchkey = Latchkey::start(run, folder.path()).await;
    latchkey.sign_up("alice").await;
    let requests = [
        ("GET /user/profile, Bearer", latchkey.with_token("/user/profile", "alice").await),
        ("GET /user/profile, cookie", latchkey.with_cookie("/user/profile", "alice").await),
    ];
    beside_bare(run, report, &latchkey, &requests, 0.8).await;
}

async fn pages(run: &Run, report: &mut Report) {
    let folder = folder();
    let latchkey = Latchkey::start(run, folder.path()).await;
    latchkey.sign_up("alice").await;
    let requests = [
        ("GET /profile", latchkey.with_cookie("/profile", "alice").await),
        ("GET /signin", latchkey.request("/signin", Vec::new())),
    ];
    beside_bare(run, report, &latchkey, &requests, 0.35).await;
}

fn sign_in(latchkey: &Latchkey) -> Request {
    latchkey.post("/auth/signin", json!({"username": "alice", "password": PASSWORD}))
}

async fn hashing(run: &Run, report: &mut Report) {
    let folder = folder();
    let latchkey = Latchkey::start(run, folder.path()).await;
    latchkey.sign_up("alice").await;
    let (mut sign_ins, mut sign_ups, mut rates) = (Vec::new(), Vec::new(), Vec::new());
    // wrk does not count sign-ins that are still under way when its time ends.
    let time = run.time * 3;
    let limit = async || tokio::task::spawn_blocking(move || argon2id(time)).await.expect("hashes");
    // Each is measured between two limits, because the speed of the machine varies.
    let mut before = limit().await;
    for round in 0..run.rounds {
        let sign_up = latchkey.post(
            "/auth/signup",
            json!({"username": format!("p{round}y{{n}}"), "password": PASSWORD,
                   "fullName": "Ada Lovelace"}),
        );
        for (request, ratios) in [(&sign_in(&latchkey), &mut sign_ins), (&sign_up, &mut sign_ups)] {
            let rate = good(wrk(request, SIGNERS, time).await).per_second;
            let after = limit().await;
            ratios.push(rate / f64::midpoint(before, after));
            rates.push(after);
            before = after;
        }
    }
    report.goal("sign-in, 16 connections / Argon2id on all cores", "", &sign_ins, AtLeast(0.88));
    report.goal("sign-up, 16 connections / Argon2id on all cores", "", &sign_ups, AtLeast(0.88));
    report.note("Argon2id on all cores", "1/s", &rates);
}

async fn reads_beside_sign_ins(run: &Run, report: &mut Report) {
    let folder = folder();
    let latchkey = Latchkey::start(run, folder.path()).await;
    latchkey.sign_up("alice").await;
    // A separate account: one has at most a hundred sessions, and the sign-ins would end the
    // readers'.
    latchkey.sign_up("reader").await;
    let read = latchkey.with_token("/user/profile", "reader").await;
    let sign_in = sign_in(&latchkey);
    let (mut ratios, mut p50, mut p99) = (Vec::new(), Vec::new(), Vec::new());
    let mut rates = Vec::new();
    for _ in 0..run.rounds {
        let alone = good(wrk(&read, READERS, run.time).await);
        let (beside, signed_in) = tokio::join!(
            wrk(&read, READERS, run.time),
            wrk(&sign_in, SIGNERS, run.time + Duration::from_secs(1)),
        );
        let beside = good(beside);
        ratios.push(beside.per_second / alone.per_second);
        p50.push(beside.p50);
        p99.push(beside.p99);
        rates.push(good(signed_in).per_second);
    }
    report.goal("profile reads beside 16 sign-ins / without them", "", &ratios, AtLeast(0.6));
    report.note("their median", "ms", &p50);
    report.goal("their 99th percentile", "ms", &p99, AtMost(10.0));
    report.note("sign-ins beside the reads", "1/s", &rates);
}

/// More sign-ins than fit in the queue: reads are still served.
async fn overload(run: &Run, report: &mut Report) {
    let folder = folder();
    let latchkey = Latchkey::start(run, folder.path()).await;
    latchkey.sign_up("alice").await;
    // A separate account: one has at most a hundred sessions, and the sign-ins would end the
    // readers'.
    latchkey.sign_up("reader").await;
    let read = latchkey.with_token("/user/profile", "reader").await;
    let sign_in = sign_in(&latchkey);
    let (mut p99, mut shed, mut admitted) = (Vec::new(), Vec::new(), Vec::new());
    let (mut otherwise, time) = (Vec::new(), run.time * 2);
    for _ in 0..run.rounds {
        let probe = latchkey.admitted_sign_ins("alice", time);
        let (flood, read, times) =
            tokio::join!(wrk(&sign_in, 900, time), wrk(&read, READERS, run.time), probe);
        p99.push(good(read).p99);
        shed.push(flood.unavailable as f64 / time.as_secs_f64());
        otherwise.push((flood.failed - flood.unavailable) as f64);
        admitted.extend(times);
    }
    report.note("profile reads beside 900 sign-ins, 99th percentile", "ms", &p99);
    report.note("sign-ins shed with 503", "1/s", &shed);
    report.goal("sign-ins that failed otherwise", "", &otherwise, AtMost(0.0));
    if !admitted.is_empty() {
        report.note("time of those that were admitted", "ms", &admitted);
    }
}

/// Two nodes on one PostgreSQL, each with more requests than the machine can answer: neither
/// reports the database as unavailable.
async fn two_nodes(run: &Run, report: &mut Report) {
    let folders = [folder(), folder()];
    let database_url = postgres::new_database().await;
    let one = Latchkey::start_on(run, folders[0].path(), &database_url).await;
    // The same address, so that a token from one node is valid on the other.
    let host = format!("localhost:{}", one.address().port());
    let public_url = format!("http://{host}");
    let other = [("THROTTLE", "off"), ("PUBLIC_URL", public_url.as_str())];
    let other = Latchkey::start_with(run, folders[1].path(), &database_url, &other).await;
    one.sign_up("alice").await;
    let read = one.with_token("/user/profile", "alice").await;
    let sign_in = sign_in(&one);
    let time = run.time.max(Duration::from_secs(3));
    for (name, request) in [("profile reads", read), ("sign-ins", sign_in)] {
        let mut there = request.clone();
        there.url = format!("{}{}", other.url, path(&request));
        there.headers.push(("Host", host.clone()));
        let (mut rates, mut failed) = (Vec::new(), Vec::new());
        for _ in 0..run.rounds.max(6) {
            let seen = tokio::join!(wrk(&request, SIGNERS, time), wrk(&there, SIGNERS, time));
            rates.push(seen.0.per_second + seen.1.per_second);
            failed.push((seen.0.failed + seen.1.failed) as f64);
        }
        report.note(&format!("{name} on two nodes with one PostgreSQL"), "1/s", &rates);
        report.goal("of these, answered with anything but 200", "", &failed, AtMost(0.0));
    }
}

async fn memory(run: &Run, report: &mut Report) {
    /// More than the memory keeps.
    const SESSIONS: usize = 100_000;
    let folder = folder();
    let latchkey = Latchkey::start(run, folder.path()).await;
    latchkey.sign_up("alice").await;
    drop(latchkey);
    fill(folder.path(), SESSIONS).await;
    let latchkey = Latchkey::start(run, folder.path()).await;
    let read = latchkey.request("/signin", Vec::new());
    good(wrk(&read, 1, run.time).await);
    report.goal("resident memory, idle", "MiB", &[latchkey.memory("VmRSS")], AtMost(25.0));
    let read = latchkey.with_token("/user/profile", "alice").await;
    let page = latchkey.with_cookie("/profile", "alice").await;
    let large = json!({"username": "alice", "password": "x".repeat(16_000)});
    let large = latchkey.post("/auth/signin", large);
    // Most of it is ignored, but it is valid, so it waits for its hash.
    let padded = json!({"username": "alice", "password": PASSWORD, "pad": "x".repeat(15_800)});
    let padded = latchkey.post("/auth/signin", padded);
    let many =
        Request { tokens: latchkey.tokens(sessions_of(folder.path()).await), ..read.clone() };
    let mut told = |what: &str| {
        let name = format!("resident memory after {what}");
        report.goal(&name, "MiB", &[latchkey.memory("VmHWM")], AtMost(120.0));
    };
    // Fills the caches before the floods.
    let seen = good(wrk(&many, READERS, run.time * 4).await);
    assert!(seen.answered as usize > SESSIONS / 2, "most of the sessions were used");
    told("reads with 100,000 sessions");
    for (name, request) in [
        ("profile reads", &many),
        ("pages", &page),
        ("sign-ins", &sign_in(&latchkey)),
        ("large sign-ins", &padded),
        ("large bodies", &large),
    ] {
        let seen = wrk(request, 1000, run.time * 3).await;
        assert!(seen.answered > 0);
        if !std::ptr::eq(request, &raw const large) {
            // A sign-in may find the queue full.
            assert_eq!(seen.failed, seen.unavailable, "{name}");
        }
        told(&format!("1000 connections: {name}"));
    }
    for (name, flood) in FLOODS {
        let held = flood.hold(&latchkey.url, 3000).await;
        latchkey.answers().await;
        told(&format!("3000 connections: {name}"));
        drop(held);
    }
}
