//! The differences between the two databases: opening and setup, time limits, the few statements
//! that differ, and the meaning of errors.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{FutureExt, future::BoxFuture};
use sqlx::{
    AssertSqlSafe, Connection, PgConnection, Sqlite, SqliteConnection,
    error::DatabaseError,
    postgres::{PgConnectOptions, PgDatabaseError},
    sqlite::{SqliteConnectOptions, SqliteError, SqliteJournalMode, SqliteSynchronous},
};
use tokio::time::sleep;

use crate::store::{
    Backend, Database, Fault, OpenError, Pool, Pools, Postgres, Store, pool::connect,
    postgres_url::PostgresUrl,
};

/// The time limit for one piece of work. SQLite's wait for a file that another process has locked
/// is a little shorter, so that its own error is reported.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// How long SQLite waits for another process that has locked the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// How long to wait for a connection. The look-out decides whether the database is there at all.
const SQLITE_ACQUIRE: Duration = Duration::from_secs(2);
const POSTGRES_ACQUIRE: Duration = Duration::from_secs(3);

/// How long PostgreSQL may take to come up at startup.
const POSTGRES_START: Duration = Duration::from_secs(10);

/// More would be no faster, and each has a page cache.
const SQLITE_READERS: usize = 4;

/// The oldest supported PostgreSQL.
const POSTGRES_VERSION: i64 = 120_000;

/// A statement that differs between the databases, or that only one of them needs.
pub(crate) struct Dialects<T> {
    pub(crate) sqlite: T,
    pub(crate) postgres: T,
}

/// Skips rows that others have locked. SQLite has only one writer anyway.
pub(crate) const SKIP_LOCKED: Dialects<&str> =
    Dialects { sqlite: "", postgres: "FOR UPDATE SKIP LOCKED" };

/// Removes deleted data from the files. SQLite keeps it in its write-ahead log for a while;
/// PostgreSQL's own vacuum removes it.
pub(super) const ERASE: Dialects<Option<&str>> =
    Dialects { sqlite: Some("PRAGMA wal_checkpoint(TRUNCATE)"), postgres: None };

/// Begins a transaction that will write. SQLite must be told so: a transaction that reads first
/// might not be able to write, because another process has written in the meantime.
pub(super) const BEGIN_WRITING: Dialects<&str> =
    Dialects { sqlite: "BEGIN IMMEDIATE", postgres: "BEGIN" };

/// Lets commits on a connection not wait for the disk, and takes that back.
pub(super) const LIGHTLY: Dialects<(&str, &str)> = Dialects {
    sqlite: ("PRAGMA synchronous = NORMAL", "PRAGMA synchronous = FULL"),
    postgres: ("SET synchronous_commit = off", "RESET synchronous_commit"),
};

/// Begins a transaction that sees one snapshot of the database, from its first statement on.
pub(super) const BEGIN_SNAPSHOT: Dialects<&str> =
    Dialects { sqlite: "BEGIN", postgres: "BEGIN ISOLATION LEVEL REPEATABLE READ" };

/// Whether another Latchkey process is connected. On SQLite the lock on the file shows that.
pub(super) const OTHERS_ARE_HERE: Dialects<Option<&str>> = Dialects {
    sqlite: None,
    postgres: Some(
        "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
         AND application_name = 'latchkey' AND pid <> pg_backend_pid()",
    ),
};

/// The columns of all our tables.
pub(super) const COLUMNS: Dialects<&str> = Dialects {
    sqlite: "SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c \
             WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'",
    postgres: "SELECT table_name::text, column_name::text FROM information_schema.columns \
               WHERE table_schema = current_schema()",
};

/// Whether the migrations table exists.
pub(super) const MIGRATIONS_ARE_LISTED: Dialects<&str> = Dialects {
    sqlite: "SELECT COUNT(*) FROM sqlite_master WHERE name = '_sqlx_migrations'",
    postgres: "SELECT COUNT(to_regclass('_sqlx_migrations'))",
};

impl Backend {
    pub(super) fn dialect<T: Copy>(&self, dialects: &Dialects<T>) -> T {
        match self {
            Self::Sqlite(..) => dialects.sqlite,
            Self::Postgres(..) => dialects.postgres,
        }
    }

    /// Whether the database file is still in place. Writers check this first; readers find out at
    /// the next look of the watcher.
    pub(super) fn in_place(&self) -> Result<(), Fault> {
        match self {
            Self::Sqlite(_, file) => file.check(),
            Self::Postgres(..) => Ok(()),
        }
    }
}

impl Store {
    /// Opens the database. A missing file is created, readable only by its owner. The lock shows
    /// that nobody else is doing the same. `connections`: how many may be open to PostgreSQL.
    pub async fn open(
        database: &Database,
        connections: usize,
        _lock: &SetUpLock,
    ) -> Result<Self, OpenError> {
        let fail = |error: &dyn std::fmt::Display| OpenError(format!("{database}: {error}"));
        let backend = match database {
            Database::Sqlite(path) => {
                // SQLite gives the files beside it (-wal, -shm) the same mode.
                open_for_owner(path).map_err(|error| fail(&why_not_writable(path, &error)))?;
                let pools = sqlite(path).await.map_err(|error| fail(&error))?;
                let file = FileInPlace::of(path).map_err(|error| fail(&error))?;
                Backend::Sqlite(pools, Arc::new(file))
            }
            Database::Postgres(url) => {
                Backend::Postgres(postgres(url, connections).await.map_err(|why| fail(&why))?)
            }
        };
        Ok(Self { backend, presence: Arc::default() })
    }
}

async fn sqlite(path: &Path) -> Result<Pools<Sqlite>, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        // A commit is on disk before it is acknowledged, so it survives a power failure.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        // KiB per connection. The operating system also caches the file.
        .pragma("cache_size", "-500")
        // What is deleted is overwritten (AZ-04).
        .pragma("secure_delete", "ON")
        // There may be no writable folder for temporary files.
        .pragma("temp_store", "MEMORY")
        .busy_timeout(BUSY_TIMEOUT);
    let options: Arc<[_]> = [options].into();
    let accept = |_: &mut SqliteConnection| async { Ok(()) }.boxed();
    let pool = |size| Pool::<Sqlite>::new(options.clone(), accept, size, SQLITE_ACQUIRE, false);
    let pools = Pools {
        readers: pool(SQLITE_READERS),
        writer: pool(1),
        watcher: (options.clone(), accept),
    };
    pools.writer.acquire().await?.give_back();
    Ok(pools)
}

/// The error is the reason, for the operator.
async fn postgres(url: &PostgresUrl, connections: usize) -> Result<Pools<Postgres>, String> {
    let options: Result<Vec<PgConnectOptions>, sqlx::Error> = url
        .expose()
        .iter()
        .map(|url| {
            let options = PgConnectOptions::from_str(url)?.application_name("latchkey");
            // PgBouncer refuses this by default, and none of our numbers has a fraction.
            Ok(options.extra_float_digits(None))
        })
        .collect();
    let options: Arc<[_]> = options.map_err(|_| "cannot be read")?.into();
    let accept = if url.writable_only() { takes_writes } else { is_any };
    let mut first = first_connection(&options, accept).await?;
    let explained = |error: sqlx::Error| explain(&error).unwrap_or_else(|| error.to_string());
    let about = "SELECT current_setting('server_version_num')::bigint, \
                 current_setting('server_encoding')";
    let (version, encoding): (i64, String) =
        sqlx::query_as(about).fetch_one(&mut first).await.map_err(explained)?;
    if version < POSTGRES_VERSION {
        return Err("PostgreSQL 12 or newer is needed".to_owned());
    }
    if encoding != "UTF8" {
        return Err(format!(
            "the database is encoded in {encoding}, and names need UTF8: make another one with \
             CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
        ));
    }
    refuse_transaction_pooling(&mut first, &options, accept).await?;
    _ = first.close().await;
    // One is reserved for the look-out.
    let size = connections.saturating_sub(1).max(1);
    let both = Pool::<Postgres>::new(options.clone(), accept, size, POSTGRES_ACQUIRE, true);
    Ok(Pools { readers: both.clone(), writer: both, watcher: (options, accept) })
}

/// Retries while PostgreSQL is coming up.
async fn first_connection(
    options: &[PgConnectOptions],
    accept: crate::store::Accept<Postgres>,
) -> Result<PgConnection, String> {
    let began = Instant::now();
    let mut said = false;
    loop {
        let error = match connect::<Postgres>(options, accept).await {
            Ok(connection) => return Ok(connection),
            Err(error) => error,
        };
        let comes_up = match &error {
            sqlx::Error::Io(_) => true,
            // Of class 57: cannot_connect_now.
            sqlx::Error::Database(error) => error.code().as_deref() == Some("57P03"),
            _ => false,
        } || crate::store::pool::is_full(&error);
        if !comes_up || began.elapsed() > POSTGRES_START {
            return Err(explain(&error).unwrap_or_else(|| error.to_string()));
        }
        if !said {
            said = true;
            let why = explain(&error).unwrap_or_else(|| error.to_string());
            let seconds = POSTGRES_START.as_secs();
            say_to_operator(&format!("waiting for PostgreSQL, {seconds} seconds at most: {why}"));
        }
        sleep(Duration::from_millis(200)).await;
    }
}

fn is_any(_: &mut PgConnection) -> BoxFuture<'_, Result<(), sqlx::Error>> {
    async { Ok(()) }.boxed()
}

/// Accepts only a server that takes writes (libpq's `target_session_attrs=read-write`).
fn takes_writes(connection: &mut PgConnection) -> BoxFuture<'_, Result<(), sqlx::Error>> {
    async {
        let query = "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::bool";
        let read_only: bool = sqlx::query_scalar(query).fetch_one(connection).await?;
        if read_only {
            return Err(sqlx::Error::Protocol("this server takes no writes".to_owned()));
        }
        Ok(())
    }
    .boxed()
}

/// A pooler that switches server connections between transactions breaks prepared statements and
/// the locks of migrations. Such a pooler gives the connection that one client has just used to the
/// next, so the second client sees what the first has set.
async fn refuse_transaction_pooling(
    first: &mut PgConnection,
    options: &[PgConnectOptions],
    accept: crate::store::Accept<Postgres>,
) -> Result<(), String> {
    let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let mark = format!("{}-{}", std::process::id(), time.unwrap_or_default().as_nanos());
    let set = format!("SET latchkey.mark = '{mark}'");
    let failed = |error: sqlx::Error| explain(&error).unwrap_or_else(|| error.to_string());
    let mut second = match connect::<Postgres>(options, accept).await {
        Ok(second) => second,
        // A pooler in that mode would share a connection, not run out of them.
        Err(error) if crate::store::pool::is_full(&error) => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    sqlx::raw_sql(AssertSqlSafe(set)).execute(&mut *first).await.map_err(failed)?;
    let look = "SELECT COALESCE(current_setting('latchkey.mark', true), '')";
    let seen = sqlx::raw_sql(look).fetch_one(&mut second).await.map_err(failed)?;
    let seen: String = sqlx::Row::try_get(&seen, 0).map_err(failed)?;
    sqlx::raw_sql("RESET latchkey.mark").execute(first).await.map_err(failed)?;
    _ = second.close().await;
    if seen == mark { Err(TRANSACTION_POOLING.to_owned()) } else { Ok(()) }
}

const TRANSACTION_POOLING: &str = "the connection goes through a pooler in transaction or statement \
    mode, which Latchkey cannot use: set pool_mode = session for this database in PgBouncer (any \
    version), or connect to PostgreSQL directly";

/// Advice for the operator about a PostgreSQL error, if there is any.
pub(super) fn explain(error: &sqlx::Error) -> Option<String> {
    let sqlx::Error::Database(error) = error else { return None };
    let error = error.try_downcast_ref::<PgDatabaseError>()?;
    let message = error.message();
    let advice = match error.code() {
        // prepared statement already exists, or does not exist
        "42P05" | "26000" => return Some(TRANSACTION_POOLING.to_owned()),
        "42501" if message.contains("schema") => {
            "as the owner of the database, run: GRANT USAGE, CREATE ON SCHEMA public TO the role in \
             DATABASE_URL"
        }
        "42501" if message.contains("database") => {
            "as the owner of the database, run: GRANT CONNECT, TEMPORARY ON DATABASE the database TO \
             the role in DATABASE_URL"
        }
        "42501" => {
            "the tables belong to another role: connect as their owner, or make the role in \
             DATABASE_URL their owner with REASSIGN OWNED BY the old role TO the new one"
        }
        "3D000" => "make it with: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0",
        // Without the line of PostgreSQL's source code that sqlx adds.
        _ => return Some(message.to_owned()),
    };
    Some(format!("{message}; {advice}"))
}

/// The path of the database file, and its identity. A process can go on writing to a file that was
/// deleted or moved away, and in the end all of that is lost.
pub(super) struct FileInPlace {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl FileInPlace {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self { path: path.to_owned(), device: metadata.dev(), inode: metadata.ino() })
    }

    pub(super) fn check(&self) -> Result<(), Fault> {
        match Self::of(&self.path) {
            Ok(now) if (now.device, now.inode) == (self.device, self.inode) => Ok(()),
            _ => Err(Fault::Unavailable("the file of the database is no longer there".into())),
        }
    }
}

/// Held by one process at a time while it sets up SQLite, which doesn't keep two processes from
/// creating the file, switching it to WAL or migrating it at the same time. PostgreSQL needs none:
/// its migrations take a lock in the database, which all nodes see.
pub struct SetUpLock {
    _file: Option<fs::File>,
}

impl SetUpLock {
    /// Waits until no other process is setting up this database, and says so. Can be cancelled at
    /// any time.
    pub async fn wait(database: &Database) -> Result<Self, OpenError> {
        const PAUSE: Duration = Duration::from_millis(100);
        let Database::Sqlite(path) = database else { return Ok(Self { _file: None }) };
        let fail = |error: &dyn std::fmt::Display| OpenError(format!("{database}: {error}"));
        let lock = path.with_extension("lock");
        make_folder(path).map_err(|error| fail(&why_not_writable(path, &error)))?;
        let file = open_for_owner(&lock).map_err(|error| fail(&why_not_writable(&lock, &error)))?;
        let mut said = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: Some(file) }),
                Err(fs::TryLockError::WouldBlock) => {}
                Err(fs::TryLockError::Error(error)) => return Err(fail(&error)),
            }
            if !said {
                said = true;
                say_to_operator(&format!(
                    "waiting for another process that holds {}",
                    lock.display()
                ));
            }
            sleep(PAUSE).await;
        }
    }
}

/// To the log if there is one, otherwise to standard error: the operator's commands have no log.
fn say_to_operator(text: &str) {
    if tracing::dispatcher::has_been_set() {
        tracing::warn!("{text}");
    } else {
        _ = std::io::Write::write_all(&mut io::stderr(), format!("latchkey: {text}\n").as_bytes());
    }
}

/// The error and, if a file or folder is not writable, its owner and how to fix that.
fn why_not_writable(path: &Path, error: &io::Error) -> String {
    let denied = [io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem];
    if !denied.contains(&error.kind()) {
        return error.to_string();
    }
    let there = path.ancestors().find(|path| path.exists() && !path.as_os_str().is_empty());
    let there = there.unwrap_or(Path::new("."));
    let Ok(metadata) = fs::metadata(there) else { return error.to_string() };
    let us = rustix::process::geteuid().as_raw();
    if error.kind() == io::ErrorKind::ReadOnlyFilesystem {
        return format!(
            "{} is on a read-only file system: mount a volume that can be written to, or set \
             DATABASE_URL to a path on one",
            there.display()
        );
    }
    format!(
        "{} belongs to user {} (mode {:o}), and this process runs as user {us}, who may not write \
         there: chown {us} {}, or set DATABASE_URL to another path",
        there.display(),
        metadata.uid(),
        metadata.mode() & 0o777,
        there.display()
    )
}

fn make_folder(path: &Path) -> io::Result<()> {
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => fs::DirBuilder::new().recursive(true).mode(0o700).create(folder),
        None => Ok(()),
    }
}

/// Opens a file, creating it if needed, readable only by its owner.
fn open_for_owner(path: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)
}

/// SQLite's primary result codes for a database that can't serve now: busy, locked, out of memory,
/// read-only, I/O error, damaged, full, cannot be opened, locking protocol error, or not a
/// database.
/// <https://www.sqlite.org/rescode.html>
const SQLITE_AWAY: [u32; 10] = [5, 6, 7, 8, 10, 11, 13, 14, 15, 26];

/// PostgreSQL's classes and codes for the same: connection lost, insufficient resources, stopped or
/// cancelled by the operator, read-only after a failover, conflicting transactions, not in a state
/// to serve, system error; a database that doesn't exist (any more), or a rejected login.
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
const POSTGRES_AWAY: [&str; 9] = ["08", "53", "57", "25006", "40", "55", "58", "3D000", "28"];

fn is_away(error: &dyn DatabaseError) -> bool {
    let code = error.code().unwrap_or_default();
    if error.try_downcast_ref::<SqliteError>().is_some() {
        code.parse::<u32>().is_ok_and(|code| SQLITE_AWAY.contains(&(code & 0xff)))
    } else if error.try_downcast_ref::<PgDatabaseError>().is_some() {
        POSTGRES_AWAY.iter().any(|away| code.starts_with(away))
    } else {
        false
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        let away = match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => true,
            sqlx::Error::Database(error) => is_away(error.as_ref()),
            _ => false,
        };
        if away { Self::Unavailable(error.into()) } else { Self::Internal(error.into()) }
    }
}
