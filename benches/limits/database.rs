//! The measurements of what the database does.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use latchkey::{
    accounts::{self, SIGNED_UP},
    audit::{Act, By, Event},
    domain::{AccountId, ProfilePolicy, ProfileValues, Username, UsernameKey},
    passwords::{PasswordHash, holder_named},
    platform::random,
    sessions::{self, First, ProvedBy, StoredSession, carrier::Carrier},
    sign_in::SIGNED_IN,
    store::{SetUpLock, Store, settings::Database},
};
use sqlx::Connection;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use crate::{
    Run,
    latchkey::{HASH, Latchkey, fill, name, session_id},
    load::wrk,
    partners::{RawSqlite, argon2id},
    postgres,
    report::{Goal::AtMost, Report},
    scenarios::{READERS, folder, good},
};

pub(crate) async fn open(folder: &Path) -> Store {
    let database = Database::Sqlite(folder.join("latchkey.db"));
    let lock = SetUpLock::wait(&database).await.expect("the lock");
    let store = Store::open(&database, 4, &lock).await.expect("the database");
    store.migrate_up().await.expect("migrated");
    store
}

/// The time with many accounts against that with few: for a profile whose session is not in memory,
/// and for all the database work of a sign-in. Also the start of a server.
pub(crate) async fn sizes(run: &Run, report: &mut Report) {
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

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
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
        proved_by: ProvedBy::of(First::Password),
        auth_time: 1_790_000_000,
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
pub(crate) async fn writes(run: &Run, report: &mut Report) {
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

/// The sessions in a database.
pub(crate) async fn sessions_of(folder: &Path) -> Vec<StoredSession> {
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
pub(crate) async fn database_work(run: &Run, report: &mut Report) {
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
