//! All SQL, and all that is known about a database.
//!
//! Every query is one statement, so each is a transaction of its own and none can be cut off in
//! the middle. The texts are written so that PostgreSQL accepts them too (migrations/README.md):
//! it joins as a second variant behind this interface.

use std::{
    error::Error as StdError,
    fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sqlx::{
    Row, SqlitePool,
    migrate::{Migrate, MigrateError, Migrator},
    sqlite::{
        SqliteConnectOptions, SqliteError, SqliteJournalMode, SqlitePoolOptions, SqliteRow,
        SqliteSynchronous,
    },
};

use super::{config::Database, error::Fault, random};
use crate::domain::{AccountId, FullName, Profile, Username, UsernameKey};

static MIGRATIONS: Migrator = sqlx::migrate!();

/// The name of the table in which sqlx keeps what is applied.
const MIGRATIONS_TABLE: &str = "_sqlx_migrations";

/// More would not be quicker, and each holds a page cache.
const READERS: u32 = 4;

/// How long a statement waits for another process that has locked the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// SQLite has one writer at a time. So there is one connection for writing, for which writers queue
/// in order; readers have their own, and are never held up by writers that wait.
#[derive(Clone)]
pub struct Store {
    readers: SqlitePool,
    writer: SqlitePool,
    file: Arc<FileInPlace>,
}

/// Where the database's file is, and which file that was. A file that was deleted or moved away is
/// still written to, by whoever has it open, and all of it is lost in the end.
struct FileInPlace {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl FileInPlace {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self { path: path.to_owned(), device: metadata.dev(), inode: metadata.ino() })
    }

    fn check(&self) -> Result<(), Fault> {
        match Self::of(&self.path) {
            Ok(now) if (now.device, now.inode) == (self.device, self.inode) => Ok(()),
            _ => Err(Fault::Unavailable("the file of the database is no longer there".into())),
        }
    }
}

/// Held by one process at a time while it sets up its database: SQLite alone does not keep two
/// from making the file, switching it to WAL, or migrating it at the same moment.
pub struct SetUpLock {
    _file: fs::File,
}

/// What sign-in needs to know of an account.
pub struct StoredAccount {
    pub profile: Profile,
    pub password_hash: String,
}

/// A session as it is kept. Times are seconds since 1970, UTC. `alive_until` is never after
/// `ends_at`.
#[derive(Clone, Debug)]
pub struct StoredSession {
    pub id: String,
    pub account_id: AccountId,
    pub created_at: i64,
    pub alive_until: i64,
    pub ends_at: i64,
}

/// A migration, and whether this database has it.
pub struct MigrationState {
    pub version: i64,
    pub description: String,
    pub applied: bool,
}

/// Why there is no usable database. The text is for the operator.
#[derive(Debug)]
pub struct OpenError(String);

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for OpenError {}

impl SetUpLock {
    /// Waits until no other process sets up this database.
    pub fn wait(database: &Database) -> Result<Self, OpenError> {
        let Database::Sqlite(path) = database;
        let lock = || {
            make_folder(path)?;
            let file = open_for_owner(&path.with_extension("lock"))?;
            file.lock()?;
            Ok::<_, io::Error>(file)
        };
        let file = lock().map_err(|error| OpenError(format!("{database}: {error}")))?;
        Ok(Self { _file: file })
    }
}

impl Store {
    /// Opens the database. A file that is not there is made, readable by its owner alone. The lock
    /// shows that nobody else does the same.
    pub async fn open(database: &Database, _lock: &SetUpLock) -> Result<Self, OpenError> {
        let Database::Sqlite(path) = database;
        let fail = |error: &dyn std::fmt::Display| OpenError(format!("{database}: {error}"));
        // SQLite gives the files beside it (-wal, -shm) the same mode.
        open_for_owner(path).map_err(|error| fail(&error))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            // A commit is on the disk before it is answered, also when the power fails.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let pool =
            |size| SqlitePoolOptions::new().max_connections(size).acquire_timeout(BUSY_TIMEOUT);
        let writer = pool(1).connect_with(options.clone()).await.map_err(|error| fail(&error))?;
        let file = FileInPlace::of(path).map_err(|error| fail(&error))?;
        let readers = pool(READERS).connect_lazy_with(options);
        Ok(Self { writer, readers, file: Arc::new(file) })
    }

    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// Applies what is pending, and tells how many migrations that were.
    pub async fn migrate_up(&self) -> Result<usize, OpenError> {
        let pending = |states: &[MigrationState]| states.iter().filter(|s| !s.applied).count();
        let before = pending(&self.migrations().await?);
        MIGRATIONS.run(&self.writer).await.map_err(explain)?;
        Ok(before)
    }

    /// Reverts the last migration, and tells which that was.
    pub async fn migrate_down(&self) -> Result<Option<MigrationState>, OpenError> {
        let states = self.migrations().await?;
        let Some(last) = states.into_iter().rfind(|state| state.applied) else { return Ok(None) };
        MIGRATIONS.undo(&self.writer, last.version - 1).await.map_err(explain)?;
        Ok(Some(last))
    }

    /// All migrations of this program, in order.
    pub async fn migrations(&self) -> Result<Vec<MigrationState>, OpenError> {
        let mut connection = self.writer.acquire().await.map_err(|error| explain(error.into()))?;
        connection.ensure_migrations_table(MIGRATIONS_TABLE).await.map_err(explain)?;
        let applied =
            connection.list_applied_migrations(MIGRATIONS_TABLE).await.map_err(explain)?;
        let mut states = Self::known_migrations();
        for state in &mut states {
            state.applied = applied.iter().any(|applied| applied.version == state.version);
        }
        Ok(states)
    }

    /// The migrations that are in this program, as if none were applied.
    #[must_use]
    pub fn known_migrations() -> Vec<MigrationState> {
        MIGRATIONS
            .iter()
            .filter(|migration| migration.migration_type.is_up_migration())
            .map(|migration| MigrationState {
                version: migration.version,
                description: migration.description.to_string(),
                applied: false,
            })
            .collect()
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Fault> {
        self.file.check()?;
        // Reads the file, which `SELECT 1` would not.
        sqlx::query("SELECT COUNT(*) FROM sessions WHERE id = ''").execute(&self.readers).await?;
        Ok(())
    }

    /// Whether an account has this name already, or one that looks the same.
    ///
    /// Only [`Store::insert_account`] decides; this saves the hash of a password for nothing.
    pub async fn is_taken(&self, username: &Username) -> Result<bool, Fault> {
        let row = sqlx::query(
            "SELECT id FROM accounts WHERE username_key = $1 \
             OR username_skeleton IN ($2, $3) OR username_typed_skeleton IN ($2, $3) LIMIT 1",
        )
        .bind(username.key().as_str())
        .bind(username.skeleton())
        .bind(username.typed_skeleton())
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.is_some())
    }

    /// Adds an account. `None`: the name is taken (IN-07: the unique indexes decide).
    pub async fn insert_account(
        &self,
        username: &Username,
        full_name: &FullName,
        password_hash: &str,
        now: i64,
    ) -> Result<Option<Profile>, Fault> {
        self.file.check()?;
        let id = random::account_id()?;
        let done = sqlx::query(
            "INSERT INTO accounts \
             (id, username, username_key, username_skeleton, username_typed_skeleton, full_name, \
              password_hash, created_at) \
             SELECT $1, $2, $3, $4, $5, $6, $7, $8 WHERE NOT EXISTS \
             (SELECT 1 FROM accounts \
              WHERE username_skeleton = $5 OR username_typed_skeleton = $4) \
             ON CONFLICT DO NOTHING",
        )
        .bind(id.0)
        .bind(username.typed())
        .bind(username.key().as_str())
        .bind(username.skeleton())
        .bind(username.typed_skeleton())
        .bind(full_name.as_str())
        .bind(password_hash)
        .bind(now)
        .execute(&self.writer)
        .await?;
        Ok((done.rows_affected() == 1).then(|| Profile {
            id,
            username: username.typed().to_owned(),
            full_name: full_name.as_str().to_owned(),
            created_at: now,
        }))
    }

    pub async fn account(&self, username: &UsernameKey) -> Result<Option<StoredAccount>, Fault> {
        let row = sqlx::query(
            "SELECT id, username, full_name, created_at, password_hash FROM accounts \
             WHERE username_key = $1",
        )
        .bind(username.as_str())
        .fetch_optional(&self.readers)
        .await?;
        row.map(|row| {
            Ok(StoredAccount {
                profile: profile(&row)?,
                password_hash: row.try_get("password_hash")?,
            })
        })
        .transpose()
    }

    /// Puts a stronger hash of the same password in the place of `old`, unless the password has
    /// been changed in the meantime.
    pub async fn replace_password_hash(
        &self,
        account: AccountId,
        old: &str,
        new: &str,
    ) -> Result<(), Fault> {
        sqlx::query("UPDATE accounts SET password_hash = $1 WHERE id = $2 AND password_hash = $3")
            .bind(new)
            .bind(account.0)
            .bind(old)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    pub async fn insert_session(&self, session: &StoredSession) -> Result<(), Fault> {
        sqlx::query(
            "INSERT INTO sessions (id, account_id, created_at, alive_until, ends_at) \
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(&session.id)
        .bind(session.account_id.0)
        .bind(session.created_at)
        .bind(session.alive_until)
        .bind(session.ends_at)
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// The session, if it is alive, and the account that it belongs to.
    pub async fn live_session(
        &self,
        id: &str,
        now: i64,
    ) -> Result<Option<(StoredSession, Profile)>, Fault> {
        let row = sqlx::query(
            "SELECT a.id, a.username, a.full_name, a.created_at, \
                    s.created_at AS session_created_at, s.alive_until, s.ends_at \
             FROM sessions s JOIN accounts a ON a.id = s.account_id \
             WHERE s.id = $1 AND s.alive_until > $2",
        )
        .bind(id)
        .bind(now)
        .fetch_optional(&self.readers)
        .await?;
        row.map(|row| {
            let profile = profile(&row)?;
            let session = StoredSession {
                id: id.to_owned(),
                account_id: profile.id,
                created_at: row.try_get("session_created_at")?,
                alive_until: row.try_get("alive_until")?,
                ends_at: row.try_get("ends_at")?,
            };
            Ok((session, profile))
        })
        .transpose()
    }

    /// Notes that a session has been used: it stays alive until then. One that stays alive until
    /// `enough` in any case is left as it is, and one that has ended in the meantime stays ended.
    pub async fn extend_session(
        &self,
        id: &str,
        alive_until: i64,
        enough: i64,
    ) -> Result<(), Fault> {
        sqlx::query("UPDATE sessions SET alive_until = $1 WHERE id = $2 AND alive_until < $3")
            .bind(alive_until)
            .bind(id)
            .bind(enough)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    pub async fn delete_session(&self, id: &str) -> Result<(), Fault> {
        sqlx::query("DELETE FROM sessions WHERE id = $1").bind(id).execute(&self.writer).await?;
        Ok(())
    }

    /// Forgets the sessions that are over.
    pub async fn delete_ended_sessions(&self, now: i64) -> Result<u64, Fault> {
        let done = sqlx::query("DELETE FROM sessions WHERE alive_until <= $1")
            .bind(now)
            .execute(&self.writer)
            .await?;
        Ok(done.rows_affected())
    }
}

fn profile(row: &SqliteRow) -> Result<Profile, Fault> {
    Ok(Profile {
        id: AccountId(row.try_get("id")?),
        username: row.try_get("username")?,
        full_name: row.try_get("full_name")?,
        created_at: row.try_get("created_at")?,
    })
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

fn explain(error: MigrateError) -> OpenError {
    OpenError(match error {
        MigrateError::VersionMissing(version) | MigrateError::VersionNotPresent(version) => {
            format!(
                "the database has migration {version}, which this program does not know: \
             it was used by a newer version"
            )
        }
        MigrateError::VersionMismatch(version) => {
            format!("migration {version} was changed after it had been applied to this database")
        }
        MigrateError::Dirty(version) => {
            format!("migration {version} was cut off in the middle; restore a backup")
        }
        other => format!("the database cannot be used: {other}"),
    })
}

/// SQLite's primary result codes for a database that cannot serve now: it is busy, locked,
/// read-only, broken off, damaged, full, cannot be opened, or is none any more.
/// <https://www.sqlite.org/rescode.html>
const AWAY: [u32; 9] = [5, 6, 8, 10, 11, 13, 14, 15, 26];

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        let of_sqlite = |error: &dyn sqlx::error::DatabaseError| {
            error.try_downcast_ref::<SqliteError>().is_some()
        };
        let away = match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => true,
            sqlx::Error::Database(error) if of_sqlite(error.as_ref()) => error
                .code()
                .and_then(|code| code.parse::<u32>().ok())
                .is_some_and(|code| AWAY.contains(&(code & 0xff))),
            _ => false,
        };
        if away { Self::Unavailable(error.into()) } else { Self::Internal(error.into()) }
    }
}
