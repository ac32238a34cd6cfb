//! The measurements, one function each.

use std::{
    collections::BTreeMap,
    path::Path,
    pin::Pin,
    time::{Duration, Instant},
};

use latchkey::{
    accounts::{self, SIGNED_UP},
    audit::{Act, By, Event},
    domain::{AccountId, ProfilePolicy, ProfileValues, Username, UsernameKey},
    passwords::{PasswordHash, holder_named},
    platform::random,
    sessions::{self, ProvedBy, StoredSession, carrier::Carrier},
    sign_in::SIGNED_IN,
    store::{SetUpLock, Store, settings::Database},
};
use serde_json::json;
use sqlx::Connection;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use crate::{
    Run,
    floods::FLOODS,
    latchkey::{HASH, Latchkey, PASSWORD, answer, fill, name, session_id},
    load::{Request, Seen, wrk},
    partners::{Bare, RawSqlite, argon2id},
    postgres,
    report::{
        Goal::{AtLeast, AtMost},
        Report,
    },
    silence::silence,
};

type Measure = for<'a> fn(&'a Run, &'a mut Report) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

pub(crate) const ALL: [(&str, Measure); 11] = [
    ("profile", |run, report| Box::pin(profile(run, report))),
    ("pages", |run, report| Box::pin(pages(run, report))),
    ("hashing", |run, report| Box::pin(hashing(run, report))),
    ("reads beside sign-ins", |run, report| Box::pin(reads_beside_sign_ins(run, report))),
    ("overload", |run, report| Box::pin(overload(run, report))),
    ("two nodes", |run, report| Box::pin(two_nodes(run, report))),
    ("sizes", |run, report| Box::pin(sizes(run, report))),
    ("writes", |run, report| Box::pin(writes(run, report))),
    ("memory", |run, report| Box::pin(memory(run, report))),
    ("silence", |run, report| Box::pin(silence(run, report))),
    ("database work", |run, report| Box::pin(database_work(run, report))),
];

/// Connections of readers.
const READERS: usize = 32;

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

fn good(seen: Seen) -> Seen {
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

async fn open(folder: &Path) -> Store {
    let database = Database::Sqlite(folder.join("latchkey.db"));
    let lock = SetUpLock::wait(&database).await.expect("the lock");
    let store = Store::open(&database, 4, &lock).await.expect("the database");
    store.migrate_up().await.expect("migrated");
    store
}

/// The time with many accounts against that with few: for a profile whose session is not in memory,
/// and for all the database work of a sign-in. Also the start of a server.
async fn sizes(run: &Run, report: &mut Report) {
    const CALLS: usize = 500;
    const WHAT: [&str; 3] = [
        "sign-in without the hash",
        "profile, not in memory",
        "profile, not in memory: the read alone",
    ];
    let mut stores = Vec::new();
    for accounts in [1000, 100_000, 1_000_000].map(|accounts: usize| accounts.min(run.accounts)) {
        let folder = folder();
        let store = open(folder.path()).await;
        fill(folder.path(), accounts).await;
        stores.push((accounts, folder, store));
    }
    let mut figures: Vec<[Vec<f64>; 3]> = stores.iter().map(|_| Default::default()).collect();
    for _ in 0..run.rounds {
        let mut sides = Vec::new();
        for (accounts, folder, store) in &stores {
            let accounts = *accounts;
            let latchkey = Latchkey::start(run, folder.path()).await;
            let socket = TcpStream::connect(latchkey.address()).await.expect("connected");
            socket.set_nodelay(true).expect("set");
            let first =
                usize::try_from(getrandom::u64().expect("randomness") >> 1).expect("a number");
            // A different one each time, from all over the database.
            let index =
                move |call: usize, of: usize| (first % accounts + call * 7919 + of) % accounts;
            let (mut tokens, signer) = (Vec::new(), latchkey.signer());
            for call in 0..CALLS {
                let session = session_id(index(call, accounts / 3));
                let live =
                    sessions::find(store, &session, 0).await.expect("read").expect("a session");
                tokens.push(signer.make(&live.session).expect("a token").0);
            }
            let times: [Vec<f64>; 3] = Default::default();
            sides.push((index, store, tokens, socket, times, latchkey));
        }
        // In turns, call by call, so that a change in the machine's speed affects all of them.
        for call in 0..CALLS {
            for (index, store, tokens, socket, times, _) in &mut sides {
                let key = UsernameKey::find(&name(index(call, 0))).expect("a name");
                let start = Instant::now();
                let account = holder_named(store, &key).await.expect("read").expect("an account");
                let session = session(&account.profile);
                let event = event(SIGNED_IN, session.account_id);
                sessions::begin_alone(store, &session, &event).await.expect("a session");
                times[0].push(start.elapsed().as_secs_f64() * 1e6);
                // Sessions of other accounts, written long ago.
                times[1].push(read_profile(socket, &tokens[call]).await * 1e6);
                let other = session_id(index(call, 500));
                let start = Instant::now();
                sessions::find(store, &other, 0).await.expect("read").expect("a session");
                times[2].push(start.elapsed().as_secs_f64() * 1e6);
            }
        }
        for ((.., times, _), figures) in sides.into_iter().zip(&mut figures) {
            for (times, figures) in times.into_iter().zip(figures) {
                figures.push(median(times));
            }
        }
    }
    for (index, what) in WHAT.iter().enumerate() {
        let smallest = figures[0][index].clone();
        report.note(&format!("{what}, 1000 accounts"), "µs", &smallest);
        for ((accounts, ..), figures) in stores.iter().zip(&figures).skip(1) {
            let ratios: Vec<f64> =
                figures[index].iter().zip(&smallest).map(|(large, small)| large / small).collect();
            let name = format!("{what}, {accounts} accounts / 1000");
            match index {
                2 => report.note(&name, "", &ratios),
                _ => report.goal(&name, "", &ratios, AtMost(1.2)),
            }
        }
    }
    for (accounts, folder, store) in stores {
        store.close().await;
        let mut times = Vec::new();
        for _ in 0..run.rounds.max(5) {
            let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
            let port = free.local_addr().expect("its address").port();
            drop(free);
            let time = Latchkey::first_answer(run, folder.path(), port).await;
            times.push(time.as_secs_f64() * 1000.0);
        }
        report.goal(
            &format!("start to first 200, {accounts} accounts"),
            "ms",
            &times,
            AtMost(50.0),
        );
    }
}

/// The seconds until `GET /user/profile` is answered, on an open connection.
async fn read_profile(socket: &mut TcpStream, token: &str) -> f64 {
    let request = format!(
        "GET /user/profile HTTP/1.1\r\nHost: localhost:{}\r\nAuthorization: Bearer {token}\r\n\r\n",
        socket.peer_addr().expect("its address").port()
    );
    let (mut answer, start) = (Vec::new(), Instant::now());
    socket.write_all(request.as_bytes()).await.expect("sent");
    // The answer is JSON.
    while !answer.ends_with(b"}") {
        assert!(socket.read_buf(&mut answer).await.expect("an answer") > 0, "all of it");
    }
    let time = start.elapsed().as_secs_f64();
    assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
    time
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn session(profile: &latchkey::domain::Profile) -> StoredSession {
    let id = random::text().expect("randomness");
    StoredSession {
        family: id.clone(),
        begun_by: None,
        sealed_refresh_token: None,
        id,
        account_id: profile.id,
        created_at: 1_790_000_000,
        alive_until: 4_000_000_000,
        ends_at: 4_000_000_000,
        carrier: Carrier::Program,
        seen_at: 1_790_000_000,
        proved_at: 1_790_000_000,
        proved_by: ProvedBy::Password,
        device: "Firefox, Linux".to_owned(),
        network: "203.0.113.0/24".to_owned(),
        remembered: false,
        refreshable: false,
    }
}

fn event(act: Act, account: AccountId) -> Event {
    Event::without_request(By::Owner, act, Some(account), 1_790_000_000)
}

/// The database work of a sign-up, by 64 writers at once, against durable inserts into a bare
/// SQLite, and against the time of a whole sign-up.
async fn writes(run: &Run, report: &mut Report) {
    const WRITERS: usize = 64;
    let (folder, raw_folder) = (folder(), self::folder());
    let store = open(folder.path()).await;
    let cores = std::thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64);
    let mut raw = RawSqlite::open(&raw_folder.path().join("raw.db")).await;
    let (mut ratios, mut shares, mut rates) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..run.rounds {
        let limit = raw.inserts(run.time).await;
        let time = run.time;
        let hashes = tokio::task::spawn_blocking(move || argon2id(time)).await.expect("hashes");
        let start = Instant::now();
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let (store, time) = (store.clone(), run.time);
            writers.spawn(async move {
                let mut done = 0_u32;
                while start.elapsed() < time {
                    sign_up(&store, &format!("r{round}w{writer}n{done}")).await;
                    done += 1;
                }
                done
            });
        }
        let done: u32 = writers.join_all().await.into_iter().sum();
        let ours = f64::from(done) / start.elapsed().as_secs_f64();
        ratios.push(ours / limit);
        // The time of a sign-up: one core for the hash, and the one writer for the database.
        let (hash, database) = (cores / hashes, 1.0 / ours);
        shares.push(100.0 * database / (database + hash));
        rates.push(ours);
    }
    report.note("sign-ups without hash, 64 writers / raw inserts", "", &ratios);
    report.note("sign-ups without hash, 64 writers", "1/s", &rates);
    report.goal("the database's share of a sign-up", "%", &shares, AtMost(5.0));
}

async fn sign_up(store: &Store, username: &str) {
    let username = Username::parse(username).expect("a name");
    let values = ProfileValues::parse(ProfilePolicy::ALL, |_| Ok("Ada Lovelace".to_owned()))
        .expect("a name");
    let event = event(SIGNED_UP, random::account_id().expect("randomness"));
    let hash = PasswordHash::of(HASH.to_owned());
    let added = accounts::add_alone(store, &username, &values, &hash, &event).await;
    assert!(added.expect("written"), "a free name");
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

/// The sessions in a database.
async fn sessions_of(folder: &Path) -> Vec<StoredSession> {
    let store = open(folder).await;
    let mut last = 0;
    let mut all = Vec::new();
    loop {
        let records = accounts::records_after(&store, last, 1000).await.expect("read");
        let Some(end) = records.last() else { break };
        last = end.profile.id.0;
        for record in records {
            all.extend(sessions::of_account(&store, record.profile.id).await.expect("read"));
        }
    }
    store.close().await;
    all
}

/// The queries that PostgreSQL runs while profiles are read.
async fn database_work(run: &Run, report: &mut Report) {
    let folder = folder();
    let database_url = postgres::new_database().await;
    let latchkey = Latchkey::start_on(run, folder.path(), &database_url).await;
    latchkey.sign_up("alice").await;
    let read = latchkey.with_token("/user/profile", "alice").await;
    let mut db = sqlx::PgConnection::connect(&database_url).await.expect("the database");
    let rows_asked_for = "SELECT COALESCE(SUM(seq_scan + COALESCE(idx_scan, 0)), 0)::BIGINT \
                          FROM pg_stat_user_tables WHERE relname IN ('accounts', 'sessions')";
    wrk(&read, READERS, run.time).await;
    let mut settled = async || -> i64 {
        // An idle backend may hold back its statistics for ten seconds.
        tokio::time::sleep(Duration::from_secs(12)).await;
        sqlx::query_scalar(rows_asked_for).fetch_one(&mut db).await.expect("a count")
    };
    let before = settled().await;
    let seen = good(wrk(&read, READERS, run.time * 3).await);
    let scans = (settled().await - before) as f64;
    report.note(
        "profile reads on PostgreSQL",
        "",
        &[seen.per_second * run.time.as_secs_f64() * 3.0],
    );
    report.goal("scans of accounts and sessions meanwhile", "", &[scans], AtMost(0.0));
}
