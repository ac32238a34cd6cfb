//! A private PostgreSQL for these tests: the first test that needs it starts it, and it stops when
//! the test process ends, for whatever reason.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
};

pub(crate) struct Server {
    /// Its standard input is a pipe from here: when the pipe closes, the server stops.
    _keeper: Child,
    url: String,
}

/// Settings for a server with TLS.
pub(crate) struct Tls {
    pub(crate) port: u16,
    pub(crate) key: String,
    pub(crate) certificate: String,
}

/// PostgreSQL refuses to run as root, so root switches to the user `postgres` of the package.
const KEEPER: &str = r#"
set -eu
PATH="$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1):$PATH"
folder=$(mktemp -d /tmp/latchkey-postgres.XXXXXX)
trap 'rm -rf "$folder"' EXIT
initdb --pgdata="$folder/data" --auth=trust --username=latchkey --encoding=UTF8 --no-sync >/dev/null
set -- -c listen_addresses=
if [ -n "${TLS_KEY:-}" ]; then
    umask 077
    printf '%s' "$TLS_KEY" >"$folder/key"
    printf '%s' "$TLS_CERTIFICATE" >"$folder/certificate"
    set -- -c listen_addresses=127.0.0.1 -c port="$PGPORT" -c ssl=on \
        -c ssl_key_file="$folder/key" -c ssl_cert_file="$folder/certificate"
fi
postgres -D "$folder/data" -k "$folder" -c fsync=off -c max_connections=400 "$@" \
    >"$folder/log" 2>&1 </dev/null &
server=$!
until pg_isready --quiet --host="$folder"; do
    kill -0 "$server" || { cat "$folder/log" >&2; exit 1; }
done
echo "$folder"
cat >/dev/null
kill -INT "$server"
wait "$server" || true
"#;

static SERVER: LazyLock<Server> = LazyLock::new(|| start(None));

/// Starts one. It ends when this is dropped.
pub(crate) fn start(tls: Option<&Tls>) -> Server {
    let is_root = Command::new("id").arg("-u").output().expect("id ran").stdout == b"0\n";
    let mut command = if is_root {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--", "sh", "-c", KEEPER]);
        command
    } else {
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER]);
        command
    };
    if let Some(Tls { port, key, certificate }) = tls {
        command.env("PGPORT", port.to_string());
        command.env("TLS_KEY", key).env("TLS_CERTIFICATE", certificate);
    }
    let mut keeper = command
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("sh ran");
    let mut folder = String::new();
    let output = keeper.stdout.take().expect("its output");
    BufReader::new(output).read_line(&mut folder).expect("a line");
    let folder = folder.trim();
    assert!(!folder.is_empty(), "these tests need PostgreSQL: apt-get install postgresql");
    let url = format!("postgres://latchkey@{}", folder.replace('/', "%2F"));
    Server { _keeper: keeper, url }
}

/// The `DATABASE_URL` of a new, empty database.
pub(crate) async fn new_database() -> String {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let name = format!("test{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let url = url().await;
    sqlx::any::install_default_drivers();
    let pool = sqlx::AnyPool::connect(&format!("{url}/postgres")).await.expect("PostgreSQL");
    let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::query(create).execute(&pool).await.expect("created");
    pool.close().await;
    format!("{url}/{name}")
}

/// The `DATABASE_URL` of an existing database.
pub(crate) async fn url_of(name: &str) -> String {
    format!("{}/{name}", url().await)
}

async fn url() -> String {
    tokio::task::spawn_blocking(|| SERVER.url.clone()).await.expect("PostgreSQL")
}
