//! In what the two databases differ: how they are opened and set up, how long they are waited for,
//! the few statements that are not the same, and what their errors mean.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use sqlx::{
    Sqlite,
    error::DatabaseError,
    pool::PoolOptions,
    postgres::{PgConnectOptions, PgDatabaseError},
    sqlite::{SqliteConnectOptions, SqliteError, SqliteJournalMode, SqliteSynchronous},
};

use super::{Backend, Database, Fault, OpenError, Pool, Pools, Postgres, Store, group_commit};

/// How long one piece of work may take. SQLite waits for another process that has locked the file a
/// little shorter, so that its own error is the one that is told.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// How long SQLite waits for another process that has locked the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// How long to wait for a connection. PostgreSQL's is short: it is either quick or away.
pub(super) const SQLITE_ACQUIRE: Duration = Duration::from_secs(2);
const POSTGRES_ACQUIRE: Duration = Duration::from_secs(1);

/// How long the watcher waits: it must notice soon that the database is away, and that it is back.
const POSTGRES_WATCHER_ACQUIRE: Duration = Duration::from_millis(400);

/// How long a PostgreSQL may take to come up, at the start.
const POSTGRES_START: Duration = Duration::from_secs(10);

/// More would not be quicker, and each holds a page cache.
const SQLITE_READERS: usize = 4;

/// Of each node. PostgreSQL's own default limit is 100, for all nodes together.
const POSTGRES_CONNECTIONS: usize = 16;

/// The oldest PostgreSQL that is supported.
const POSTGRES_VERSION: i32 = 120_000;

/// A statement that each database has in its own words, or need not have.
pub(super) struct Dialects<T> {
    pub(super) sqlite: T,
    pub(super) postgres: T,
}

/// The unique indexes cannot see that one name looks like another one as it was typed; so two
/// sign-ups at once must not both look and then both insert. SQLite has one writer in any case.
pub(super) const SIGN_UPS_ONE_BY_ONE: Dialects<Option<&str>> = Dialects {
    sqlite: None,
    // Any number that nobody else uses; until the end of the transaction.
    postgres: Some("SELECT pg_advisory_xact_lock(7309453471)"),
};

/// An account, and nobody else changes it until the end of the transaction. SQLite has one writer in
/// any case.
pub(super) const LOCKED_ACCOUNT: Dialects<&str> = Dialects {
    sqlite: "SELECT password_hash, disabled_at, delete_at FROM accounts WHERE id = $1",
    postgres: "SELECT password_hash, disabled_at, delete_at FROM accounts WHERE id = $1 FOR UPDATE",
};

/// Keeps others from counting at a counter until the end of the transaction, whether there is one yet
/// or not. SQLite has one writer in any case.
pub(super) const LOCKED_COUNTER: Dialects<Option<&str>> = Dialects {
    sqlite: None,
    postgres: Some(
        "INSERT INTO throttle (key, tat) VALUES ($1, 0) \
         ON CONFLICT (key) DO UPDATE SET tat = throttle.tat",
    ),
};

/// Forgets counters that limit nobody any more. On PostgreSQL those that somebody is counting at
/// this moment are left for the next time: he locks them in another order.
pub(super) const FORGET_COUNTERS: Dialects<&str> = Dialects {
    sqlite: "DELETE FROM throttle WHERE key IN \
             (SELECT key FROM throttle WHERE tat < $1 * 1000 LIMIT $2)",
    postgres: "DELETE FROM throttle WHERE key IN \
               (SELECT key FROM throttle WHERE tat < $1 * 1000 LIMIT $2 FOR UPDATE SKIP LOCKED)",
};

/// Takes what was deleted out of the files. SQLite keeps it in its write-ahead log for a while;
/// PostgreSQL's own vacuum does it.
pub(super) const ERASE: Dialects<Option<&str>> =
    Dialects { sqlite: Some("PRAGMA wal_checkpoint(TRUNCATE)"), postgres: None };

/// Two events at once must not both follow the same one. SQLite has one writer in any case.
pub(super) const EVENTS_ONE_BY_ONE: Dialects<Option<&str>> =
    Dialects { sqlite: None, postgres: Some("SELECT pg_advisory_xact_lock(7309453472)") };

/// Begins a transaction that will write. On SQLite it must say so: one that reads first could find,
/// when it wants to write, that another process has written meanwhile.
pub(super) const BEGIN_WRITING: Dialects<&str> =
    Dialects { sqlite: "BEGIN IMMEDIATE", postgres: "BEGIN" };

/// Begins a transaction that sees one moment of the database from its first statement on.
pub(super) const BEGIN_SNAPSHOT: Dialects<&str> =
    Dialects { sqlite: "BEGIN", postgres: "BEGIN ISOLATION LEVEL REPEATABLE READ" };

/// Whether the table of migrations is there.
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

    /// Whether what is written would still be found: whoever writes looks first. Whoever reads
    /// learns of it by the next look of the watcher.
    pub(super) fn in_place(&self) -> Result<(), Fault> {
        match self {
            Self::Sqlite(_, file, _) => file.check(),
            Self::Postgres(..) => Ok(()),
        }
    }
}

impl Store {
    /// Opens the database. A file that is not there is made, readable by its owner alone. The lock
    /// shows that nobody else does the same.
    pub async fn open(database: &Database, _lock: &SetUpLock) -> Result<Self, OpenError> {
        let fail = |error: &dyn std::fmt::Display| OpenError(format!("{database}: {error}"));
        let backend = match database {
            Database::Sqlite(path) => {
                // SQLite gives the files beside it (-wal, -shm) the same mode.
                open_for_owner(path).map_err(|error| fail(&error))?;
                let pools = sqlite(path).await.map_err(|error| fail(&error))?;
                let file = FileInPlace::of(path).map_err(|error| fail(&error))?;
                let file = Arc::new(file);
                let writer = pools.writer.clone();
                let queue = group_commit::start(writer, file.clone());
                Backend::Sqlite(pools, file, queue)
            }
            Database::Postgres(url) => {
                Backend::Postgres(postgres(url.expose()).await.map_err(|error| fail(&error))?)
            }
        };
        Ok(Self { backend, away: Arc::default() })
    }
}

async fn sqlite(path: &Path) -> Result<Pools<Sqlite>, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        // A commit is on the disk before it is answered, also when the power fails.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        // KiB of each connection. The operating system keeps the file in memory as well.
        .pragma("cache_size", "-500")
        // What is deleted is overwritten (AZ-04).
        .pragma("secure_delete", "ON")
        .busy_timeout(BUSY_TIMEOUT);
    let pool = |size| Pool::<Sqlite>::new(options.clone(), size, SQLITE_ACQUIRE, false);
    let pools = Pools { readers: pool(SQLITE_READERS), writer: pool(1), watcher: pool(1) };
    pools.writer.acquire().await?.give_back();
    Ok(pools)
}

async fn postgres(url: &str) -> Result<Pools<Postgres>, Box<dyn std::error::Error>> {
    let options = PgConnectOptions::from_str(url)?.application_name("latchkey");
    // sqlx's own pool tries again while PostgreSQL is coming up.
    let first = PoolOptions::<Postgres>::new().max_connections(1).acquire_timeout(POSTGRES_START);
    let first = first.connect_with(options.clone()).await?;
    let version: String = sqlx::query_scalar("SHOW server_version_num").fetch_one(&first).await?;
    first.close().await;
    if version.parse::<i32>().is_ok_and(|version| version < POSTGRES_VERSION) {
        return Err("PostgreSQL 12 or newer is needed".into());
    }
    let pool = |size, acquire| Pool::<Postgres>::new(options.clone(), size, acquire, true);
    let both = pool(POSTGRES_CONNECTIONS, POSTGRES_ACQUIRE);
    let watcher = pool(1, POSTGRES_WATCHER_ACQUIRE);
    Ok(Pools { readers: both.clone(), writer: both, watcher })
}

/// Whether sqlx can read it.
#[must_use]
pub fn is_postgres_url(text: &str) -> bool {
    PgConnectOptions::from_str(text).is_ok()
}

/// Where the database's file is, and which file that was. A file that was deleted or moved away is
/// still written to, by whoever has it open, and all of it is lost in the end.
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

/// Held by one process at a time while it sets up its SQLite: SQLite alone does not keep two from
/// making the file, switching it to WAL, or migrating it at the same moment. PostgreSQL needs none:
/// there the migrations have a lock in the database, which all nodes see.
pub struct SetUpLock {
    _file: Option<fs::File>,
}

impl SetUpLock {
    /// Waits until no other process sets up this database.
    pub fn wait(database: &Database) -> Result<Self, OpenError> {
        let Database::Sqlite(path) = database else { return Ok(Self { _file: None }) };
        let lock = || {
            make_folder(path)?;
            let file = open_for_owner(&path.with_extension("lock"))?;
            file.lock()?;
            Ok::<_, io::Error>(file)
        };
        let file = lock().map_err(|error| OpenError(format!("{database}: {error}")))?;
        Ok(Self { _file: Some(file) })
    }
}

fn make_folder(path: &Path) -> io::Result<()> {
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => fs::DirBuilder::new().recursive(true).mode(0o700).create(folder),
        None => Ok(()),
    }
}

/// Opens a file, and makes it if it is not there, for its owner's eyes only.
fn open_for_owner(path: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)
}

/// SQLite's primary result codes for a database that cannot serve now: it is busy, locked, out of
/// memory, read-only, broken off, damaged, full, cannot be opened, or is none any more.
/// <https://www.sqlite.org/rescode.html>
const SQLITE_AWAY: [u32; 10] = [5, 6, 7, 8, 10, 11, 13, 14, 15, 26];

/// PostgreSQL's classes and codes for the same: no connection, not enough of something, stopped or
/// cancelled by its operator, not in a state to serve, read-only after a switch to another server,
/// two that were in each other's way, trouble of its system; a database or role that is not there
/// (any more), or does not let us in.
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
