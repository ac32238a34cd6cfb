//! All SQL.
//!
//! One text serves both databases (migrations/README.md); in what they differ stands in
//! `store/dialects.rs`, and what goes a shorter way on SQLite in `store/group_commit.rs`. Whatever
//! belongs together is one statement or one transaction, so nothing can be cut off in the middle.

/// Runs `$work` on a connection `$db` of either database, for [`PATIENCE`] at most, or as long as is
/// said. Nobody waits for a database that is known to be away.
macro_rules! on {
    ($store:ident . $role:ident, |$db:ident| $work:expr) => {
        on!($store.$role, PATIENCE, |$db| $work)
    };
    ($store:ident . $role:ident, $patience:expr, |$db:ident| $work:expr) => {{
        on!(@check $store.$role);
        match &$store.backend {
            Backend::Sqlite(pools, ..) => on!(@pools.$role, $patience, $db, $work),
            Backend::Postgres(pools) => on!(@pools.$role, $patience, $db, $work),
        }
    }};
    // Finds out whether it is.
    (@check $store:ident . watcher) => { $store.backend.in_place()? };
    (@check $store:ident . readers) => { $store.not_away()? };
    (@check $store:ident . writer) => { $store.not_away()?; $store.backend.in_place()? };
    (@$pool:expr, $patience:expr, $db:ident, $work:expr) => {
        // In a box of its own: sqlx's futures are large, and most requests need none of them.
        Box::pin(async {
            let mut in_use = $pool.acquire().await?;
            let $db = &mut *in_use;
            let Ok(result) = timeout($patience, $work).await else {
                return Err(Fault::Unavailable("the database does not answer".into()));
            };
            let result = result.map_err(Fault::from)?;
            in_use.give_back();
            Ok(result)
        })
        .await
    };
}

mod accounts;
mod archive;
mod audit;
mod copy;
mod dialects;
mod group_commit;
mod import;
mod pool;
mod sessions;
mod steps;
mod throttle;

use std::{
    error::Error as StdError,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use sqlx::{
    Database as SqlDatabase, Postgres, Sqlite,
    migrate::{Migrate, MigrateError, Migrator},
};
use tokio::{sync::mpsc, time::timeout};

pub use accounts::{AccountRecord, Added, StoredAccount};
pub use archive::{backup, restore};
pub use copy::{NOT_COPIED, Sum, copied, copy};
pub use dialects::{SetUpLock, is_postgres_url};
pub use import::ImportedAccount;
pub use sessions::{Begun, Ended, LiveRow, Refreshed, Renewal, Renewed, StoredSession};

use dialects::{BEGIN_WRITING, FileInPlace, MIGRATIONS_ARE_LISTED, PATIENCE};
use group_commit::Waiting;
use pool::{InUse, Pool};

use super::{config::Database, error::Fault};

static MIGRATIONS: Migrator = sqlx::migrate!();

/// The name of the table in which sqlx keeps what is applied.
const MIGRATIONS_TABLE: &str = "_sqlx_migrations";

/// How many changes of sessions are read at once. A node that has missed more asks about every
/// session anew.
const MAX_CHANGES: usize = 10_000;

/// The database, and whether it answers.
#[derive(Clone)]
pub struct Store {
    backend: Backend,
    /// Set while the database does not answer, so that nobody else waits for it: see
    /// [`Store::changes_since`].
    away: Arc<AtomicBool>,
}

#[derive(Clone)]
enum Backend {
    Sqlite(Pools<Sqlite>, Arc<FileInPlace>, mpsc::Sender<Waiting>),
    Postgres(Pools<Postgres>),
}

/// Connections, by what they are for.
struct Pools<DB: SqlDatabase> {
    readers: Pool<DB>,
    /// SQLite has one writer at a time. So there is one connection for writing, for which writers
    /// queue in order; readers are never held up by writers that wait. On PostgreSQL readers and
    /// writers are the same.
    writer: Pool<DB>,
    /// One connection that is never busy with anything else.
    watcher: Pool<DB>,
}

impl<DB: SqlDatabase> Clone for Pools<DB> {
    fn clone(&self) -> Self {
        let Self { readers, writer, watcher } = self;
        Self { readers: readers.clone(), writer: writer.clone(), watcher: watcher.clone() }
    }
}

/// The sessions of which what was read before `revision` must not be believed.
pub struct Changes {
    /// The newest revision there is.
    pub revision: i64,
    /// `None`: more than can be told. Whatever was read must not be believed.
    pub sessions: Option<Vec<String>>,
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

impl Store {
    pub async fn close(&self) {
        match &self.backend {
            Backend::Sqlite(pools, ..) => pools.close().await,
            Backend::Postgres(pools) => pools.close().await,
        }
    }

    /// How many connections are open, and how many of them nobody uses.
    #[must_use]
    pub fn connections(&self) -> (usize, usize) {
        let add = |(a, b): (usize, usize), (c, d): (usize, usize)| (a + c, b + d);
        match &self.backend {
            Backend::Sqlite(Pools { readers, writer, watcher }, ..) => {
                add(add(readers.count(), writer.count()), watcher.count())
            }
            // Its readers are its writers.
            Backend::Postgres(Pools { writer, watcher, .. }) => {
                add(writer.count(), watcher.count())
            }
        }
    }

    /// Whether it is known that the database does not answer.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.away.load(Ordering::Relaxed)
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Fault> {
        self.backend.in_place()?;
        // Reads the file, which `SELECT 1` would not.
        let one = "SELECT COUNT(*) FROM sessions WHERE id = ''";
        on!(self.readers, |db| sqlx::query_scalar::<_, i64>(one).fetch_one(db))?;
        Ok(())
    }

    fn not_away(&self) -> Result<(), Fault> {
        if self.is_away() {
            return Err(Fault::Unavailable("the database is known to be away".into()));
        }
        Ok(())
    }

    /// What has changed after a revision, and by the way whether the database answers: if it does
    /// not, nobody else waits for it until it does again.
    pub async fn changes_since(&self, revision: i64) -> Result<Changes, Fault> {
        let changes = self.read_changes(revision).await;
        let was_away = self.away.swap(changes.is_err(), Ordering::Relaxed);
        match (was_away, &changes) {
            (false, Err(fault)) => {
                tracing::error!(error = fault.source(), "the database does not answer");
                self.forget_unused();
            }
            (true, Ok(_)) => tracing::info!("the database answers again"),
            _ => {}
        }
        changes
    }

    /// Connections that were open when the database went away are of no use when it is back.
    fn forget_unused(&self) {
        match &self.backend {
            Backend::Sqlite(pools, ..) => pools.forget_unused(),
            Backend::Postgres(pools) => pools.forget_unused(),
        }
    }

    async fn read_changes(&self, since: i64) -> Result<Changes, Fault> {
        // One statement, so that all of it was so at the same moment.
        let query = "SELECT r.revision, r.forgotten, c.session_id \
                     FROM session_revision r LEFT JOIN session_changes c ON c.revision > $1 \
                     LIMIT $2";
        let limit = i64::try_from(MAX_CHANGES + 1).unwrap_or(i64::MAX);
        let rows = on!(self.watcher, |db| sqlx::query_as::<_, (i64, i64, Option<String>)>(query)
            .bind(since)
            .bind(limit)
            .fetch_all(db))?;
        let Some(&(revision, forgotten, _)) = rows.first() else {
            return Err(Fault::internal("the row of session_revision is missing"));
        };
        // A revision that went back is that of another database, perhaps of a restored one.
        let all = rows.len() <= MAX_CHANGES && forgotten <= since && since <= revision;
        let sessions = rows.into_iter().filter_map(|(.., session)| session).collect();
        Ok(Changes { revision, sessions: all.then_some(sessions) })
    }

    /// Applies what is pending, and tells how many migrations that were. Others that do the same at
    /// the same moment wait.
    pub async fn migrate_up(&self) -> Result<usize, OpenError> {
        match &self.backend {
            Backend::Sqlite(pools, ..) => migrate_up(pools.to_migrate().await?).await,
            Backend::Postgres(pools) => migrate_up(pools.to_migrate().await?).await,
        }
    }

    /// Reverts the last migration, and tells which that was.
    pub async fn migrate_down(&self) -> Result<Option<MigrationState>, OpenError> {
        let states = self.migrations().await?;
        let Some(last) = states.into_iter().rfind(|state| state.applied) else { return Ok(None) };
        let target = last.version - 1;
        match &self.backend {
            Backend::Sqlite(pools, ..) => {
                MIGRATIONS.undo(&mut *pools.to_migrate().await?, target).await
            }
            Backend::Postgres(pools) => {
                MIGRATIONS.undo(&mut *pools.to_migrate().await?, target).await
            }
        }
        .map_err(explain)?;
        Ok(Some(last))
    }

    /// All migrations of this program, in order. Nothing is made.
    pub async fn migrations(&self) -> Result<Vec<MigrationState>, OpenError> {
        let is_listed = self.backend.dialect(&MIGRATIONS_ARE_LISTED);
        let listed = match &self.backend {
            Backend::Sqlite(pools, ..) => {
                let mut db = pools.to_migrate().await?;
                sqlx::query_scalar(is_listed).fetch_one(&mut *db).await
            }
            Backend::Postgres(pools) => {
                let mut db = pools.to_migrate().await?;
                sqlx::query_scalar(is_listed).fetch_one(&mut *db).await
            }
        };
        let tables: i64 = listed.map_err(|error| explain(error.into()))?;
        if tables == 0 {
            return Ok(Self::known_migrations());
        }
        match &self.backend {
            Backend::Sqlite(pools, ..) => states(&mut *pools.to_migrate().await?).await,
            Backend::Postgres(pools) => states(&mut *pools.to_migrate().await?).await,
        }
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
}

impl<DB: SqlDatabase> Pools<DB> {
    fn forget_unused(&self) {
        // The watcher's own connection was closed when it failed.
        drop((self.readers.forget(), self.writer.forget()));
    }

    async fn to_migrate(&self) -> Result<InUse<DB>, OpenError> {
        self.writer.acquire().await.map_err(|error| explain(error.into()))
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
        self.watcher.close().await;
    }
}

async fn migrate_up<DB: SqlDatabase>(mut connection: InUse<DB>) -> Result<usize, OpenError>
where
    DB::Connection: Migrate,
{
    connection.lock().await.map_err(explain)?;
    let result = async {
        connection.ensure_migrations_table(MIGRATIONS_TABLE).await.map_err(explain)?;
        let pending = states(&mut *connection).await?.iter().filter(|state| !state.applied).count();
        MIGRATIONS.run_direct(None, &mut *connection, false).await.map_err(explain)?;
        Ok(pending)
    };
    let result = result.await;
    connection.unlock().await.map_err(explain)?;
    if result.is_ok() {
        connection.give_back();
    }
    result
}

async fn states<C: Migrate>(connection: &mut C) -> Result<Vec<MigrationState>, OpenError> {
    let applied = connection.list_applied_migrations(MIGRATIONS_TABLE).await.map_err(explain)?;
    let mut states = Store::known_migrations();
    for state in &mut states {
        state.applied = applied.iter().any(|applied| applied.version == state.version);
    }
    Ok(states)
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
