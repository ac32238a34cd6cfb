//! The limits: the same machine doing only the one thing.

use std::{
    collections::BTreeMap,
    path::Path,
    process::Stdio,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use axum::{Router, body::Bytes, http::HeaderMap, response::IntoResponse, routing::get};
use serde::{Deserialize, Serialize};
use sqlx::{
    ConnectOptions, Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use tempfile::NamedTempFile;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpListener,
    process::{Child, Command},
};

/// An answer of Latchkey, for the bare handler to repeat.
#[derive(Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// A process that answers given paths with given bytes, using axum and nothing else.
pub(crate) struct Bare {
    child: Child,
    pub(crate) url: String,
    _answers: NamedTempFile,
}

impl Bare {
    pub(crate) async fn start(answers: &BTreeMap<String, Answer>) -> Self {
        let file = NamedTempFile::new().expect("a file");
        serde_json::to_writer(&file, answers).expect("written");
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .arg("--bare")
            .arg(file.path())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("started");
        let output = child.stdout.take().expect("its output");
        let line = BufReader::new(output).lines().next_line().await.expect("read");
        Self { child, url: line.expect("a line"), _answers: file }
    }

    pub(crate) fn cpu_time(&self) -> f64 {
        cpu_time(&self.child)
    }
}

/// The processor time used by a process, in seconds.
pub(crate) fn cpu_time(child: &Child) -> f64 {
    let pid = child.id().expect("it runs");
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("its figures");
    // After the name, which is in brackets: the 12th and 13th fields are utime and stime.
    let (_, rest) = stat.rsplit_once(") ").expect("a name");
    let fields: Vec<&str> = rest.split(' ').collect();
    let ticks = |index: usize| fields[index].parse::<f64>().expect("a number");
    // Linux reports hundredths of a second, whatever its internal tick.
    (ticks(11) + ticks(12)) / 100.0
}

/// The process itself: prints its address.
pub(crate) async fn serve_bare(answers: &Path) {
    let text = std::fs::read(answers).expect("the file");
    let answers: BTreeMap<String, Answer> = serde_json::from_slice(&text).expect("JSON");
    let mut router = Router::new();
    for (path, answer) in answers {
        let headers: HeaderMap = answer
            .headers
            .iter()
            .map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")))
            .collect();
        let body = Bytes::from(answer.body);
        router = router.route(
            &path,
            get(move || async move { (headers.clone(), body.clone()).into_response() }),
        );
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("http://{}", listener.local_addr().expect("its address"));
    axum::serve(listener, router).await.expect("served");
}

/// Argon2id hashes per second with Latchkey's parameters, on all cores. Each core reuses one memory
/// for all its hashes.
pub(crate) fn argon2id(time: Duration) -> f64 {
    let (count, over) = (AtomicU64::new(0), AtomicBool::new(false));
    let cores = thread::available_parallelism().expect("a number of cores").get();
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT);
                let mut memory = vec![Block::default(); argon2.params().block_count()];
                let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
                while !over.load(Ordering::Relaxed) {
                    argon2
                        .hash_password_into_with_memory(
                            b"correct horse battery staple",
                            b"sixteen bytes...",
                            &mut output,
                            &mut memory,
                        )
                        .expect("a hash");
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        thread::sleep(time);
        over.store(true, Ordering::Relaxed);
    });
    // Hashes still running at the end were finished, and their time counted.
    count.into_inner() as f64 / start.elapsed().as_secs_f64()
}

/// A bare SQLite: one connection, and each insert, the size of an account, a durable transaction.
pub(crate) struct RawSqlite(SqliteConnection);

impl RawSqlite {
    pub(crate) async fn open(file: &Path) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let mut connection = options.connect().await.expect("a file");
        let table = "CREATE TABLE raw (id BIGINT NOT NULL PRIMARY KEY, text TEXT NOT NULL)";
        sqlx::query(table).execute(&mut connection).await.expect("a table");
        Self(connection)
    }

    /// Inserts per second.
    pub(crate) async fn inserts(&mut self, time: Duration) -> f64 {
        let (start, mut count) = (Instant::now(), 0);
        let text = "x".repeat(250);
        while start.elapsed() < time {
            let id = i64::try_from(getrandom::u64().expect("randomness") >> 11).expect("small");
            let mut transaction = self.0.begin().await.expect("begun");
            sqlx::query("INSERT INTO raw (id, text) VALUES ($1, $2)")
                .bind(id)
                .bind(&text)
                .execute(&mut *transaction)
                .await
                .expect("inserted");
            transaction.commit().await.expect("committed");
            count += 1;
        }
        f64::from(count) / start.elapsed().as_secs_f64()
    }
}
