//! All SQL.
//!
//! One text serves both databases (migrations/README.md); in what they differ stands in
//! `store/dialects.rs`. Whatever belongs together is one statement or one transaction, so nothing
//! can be cut off in the middle.

mod archive;
mod copy;
mod dialects;

use std::{
    error::Error as StdError,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use sqlx::{
    Connection, Database as SqlDatabase, FromRow, Pool, Postgres, Sqlite,
    migrate::{Migrate, MigrateError, Migrator},
    pool::PoolConnection,
};
use tokio::time::timeout;

pub use archive::{backup, restore};
pub use copy::{NOT_COPIED, Sum, copied, copy};
pub use dialects::{SetUpLock, is_postgres_url};

use dialects::{FileInPlace, MIGRATIONS_ARE_LISTED, PATIENCE, SIGN_UPS_ONE_BY_ONE};

use super::{config::Database, error::Fault, random};
use crate::domain::{AccountId, FullName, Profile, Username, UsernameKey};

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
    Sqlite(Pools<Sqlite>, Arc<FileInPlace>),
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

/// A connection in use. Unless it is given back, it is closed: a connection on which an answer did
/// not come, or was not waited for, may never answer again.
struct InUse<DB: SqlDatabase>(Option<PoolConnection<DB>>);

impl<DB: SqlDatabase> InUse<DB> {
    #[expect(clippy::expect_used, reason = "only giving it back takes it away")]
    fn connection(&mut self) -> &mut DB::Connection {
        self.0.as_deref_mut().expect("a connection in use")
    }
}

impl<DB: SqlDatabase> Drop for InUse<DB> {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(connection.detach());
        }
    }
}

/// Runs `$work` on a connection `$db` of either database.
macro_rules! on {
    ($store:ident . $role:ident, |$db:ident| $work:expr) => {
        match &$store.backend {
            Backend::Sqlite(pools, _) => on!(pools.$role, $db, $work),
            Backend::Postgres(pools) => on!(pools.$role, $db, $work),
        }
    };
    ($pool:expr, $db:ident, $work:expr) => {
        // In a box of its own: sqlx's futures are large, and most requests need none of them.
        Box::pin(async {
            let mut in_use = InUse(Some($pool.acquire().await?));
            let $db = in_use.connection();
            let Ok(result) = timeout(PATIENCE, $work).await else {
                return Err(Fault::Unavailable("the database does not answer".into()));
            };
            drop(in_use.0.take());
            result.map_err(Fault::from)
        })
        .await
    };
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

/// A session that is alive, its account, and the revision of all sessions at which that was so.
pub struct LiveRow {
    pub session: StoredSession,
    pub profile: Profile,
    pub revision: i64,
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

#[derive(FromRow)]
struct ProfileRow {
    id: i64,
    username: String,
    full_name: String,
    created_at: i64,
}

impl From<ProfileRow> for Profile {
    fn from(row: ProfileRow) -> Self {
        let ProfileRow { id, username, full_name, created_at } = row;
        Self { id: AccountId(id), username, full_name, created_at }
    }
}

#[derive(FromRow)]
struct AccountRow {
    #[sqlx(flatten)]
    profile: ProfileRow,
    password_hash: String,
}

#[derive(FromRow)]
struct SessionRow {
    #[sqlx(flatten)]
    profile: ProfileRow,
    session_created_at: i64,
    alive_until: i64,
    ends_at: i64,
    revision: i64,
}

/// What all sessions are at after this change. Its row is locked until the change is committed, so
/// changes are committed in the order of their revisions, and whoever sees one sees all before it.
const NEXT_REVISION: &str =
    "UPDATE session_revision SET revision = revision + 1 RETURNING revision";

impl Store {
    pub async fn close(&self) {
        match &self.backend {
            Backend::Sqlite(pools, _) => pools.close().await,
            Backend::Postgres(pools) => pools.close().await,
        }
    }

    /// How many connections are open, and how many of them nobody uses.
    #[must_use]
    pub fn connections(&self) -> (usize, usize) {
        fn count<DB: SqlDatabase>(pool: &Pool<DB>) -> (usize, usize) {
            (usize::try_from(pool.size()).unwrap_or(usize::MAX), pool.num_idle())
        }
        let add = |(a, b): (usize, usize), (c, d): (usize, usize)| (a + c, b + d);
        match &self.backend {
            Backend::Sqlite(Pools { readers, writer, watcher }, _) => {
                add(add(count(readers), count(writer)), count(watcher))
            }
            // Its readers are its writers.
            Backend::Postgres(Pools { writer, watcher, .. }) => add(count(writer), count(watcher)),
        }
    }

    /// Whether it is known that the database does not answer.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.away.load(Ordering::Relaxed)
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Fault> {
        self.usable()?;
        // Reads the file, which `SELECT 1` would not.
        let one = "SELECT COUNT(*) FROM sessions WHERE id = ''";
        on!(self.readers, |db| sqlx::query_scalar::<_, i64>(one).fetch_one(db))?;
        Ok(())
    }

    /// Nobody waits for a database of which it is known that it does not answer.
    fn usable(&self) -> Result<(), Fault> {
        if self.is_away() {
            return Err(Fault::Unavailable("the database is known to be away".into()));
        }
        match &self.backend {
            Backend::Sqlite(_, file) => file.check(),
            Backend::Postgres(_) => Ok(()),
        }
    }

    /// Whether an account has this name already, or one that looks the same.
    ///
    /// Only [`Store::insert_account`] decides; this saves the hash of a password for nothing.
    pub async fn is_taken(&self, username: &Username) -> Result<bool, Fault> {
        self.usable()?;
        let query = "SELECT id FROM accounts WHERE username_key = $1 \
                     OR username_skeleton IN ($2, $3) OR username_typed_skeleton IN ($2, $3) LIMIT 1";
        let found = on!(self.readers, |db| sqlx::query_scalar::<_, i64>(query)
            .bind(username.key().as_str())
            .bind(username.skeleton())
            .bind(username.typed_skeleton())
            .fetch_optional(db))?;
        Ok(found.is_some())
    }

    /// Adds an account. `None`: the name is taken (IN-07: the unique indexes decide, and that no two
    /// are added at once).
    pub async fn insert_account(
        &self,
        username: &Username,
        full_name: &FullName,
        password_hash: &str,
        now: i64,
    ) -> Result<Option<Profile>, Fault> {
        self.usable()?;
        let id = random::account_id()?;
        let insert = "INSERT INTO accounts \
             (id, username, username_key, username_skeleton, username_typed_skeleton, full_name, \
              password_hash, created_at) \
             SELECT $1, $2, $3, $4, $5, $6, $7, $8 WHERE NOT EXISTS \
             (SELECT 1 FROM accounts \
              WHERE username_skeleton = $5 OR username_typed_skeleton = $4) \
             ON CONFLICT DO NOTHING";
        let one_by_one = self.backend.dialect(&SIGN_UPS_ONE_BY_ONE);
        let inserted = on!(self.writer, |db| async {
            let query = sqlx::query(insert)
                .bind(id.0)
                .bind(username.typed())
                .bind(username.key().as_str())
                .bind(username.skeleton())
                .bind(username.typed_skeleton())
                .bind(full_name.as_str())
                .bind(password_hash)
                .bind(now);
            let rows = match one_by_one {
                None => query.execute(db).await?.rows_affected(),
                Some(lock) => {
                    let mut transaction = db.begin().await?;
                    sqlx::query(lock).execute(&mut *transaction).await?;
                    let rows = query.execute(&mut *transaction).await?.rows_affected();
                    transaction.commit().await?;
                    rows
                }
            };
            Ok::<_, sqlx::Error>(rows == 1)
        })?;
        Ok(inserted.then(|| Profile {
            id,
            username: username.typed().to_owned(),
            full_name: full_name.as_str().to_owned(),
            created_at: now,
        }))
    }

    pub async fn account(&self, username: &UsernameKey) -> Result<Option<StoredAccount>, Fault> {
        self.usable()?;
        let query = "SELECT id, username, full_name, created_at, password_hash FROM accounts \
                     WHERE username_key = $1";
        let row = on!(self.readers, |db| sqlx::query_as::<_, AccountRow>(query)
            .bind(username.as_str())
            .fetch_optional(db))?;
        Ok(row.map(|row| StoredAccount {
            profile: row.profile.into(),
            password_hash: row.password_hash,
        }))
    }

    /// Puts a stronger hash of the same password in the place of `old`, unless the password has
    /// been changed in the meantime.
    pub async fn replace_password_hash(
        &self,
        account: AccountId,
        old: &str,
        new: &str,
    ) -> Result<(), Fault> {
        self.usable()?;
        let update = "UPDATE accounts SET password_hash = $1 WHERE id = $2 AND password_hash = $3";
        on!(self.writer, |db| async {
            let query = sqlx::query(update).bind(new).bind(account.0).bind(old);
            query.execute(db).await.map(|done| done.rows_affected())
        })?;
        Ok(())
    }

    /// Adds a session. `false`: there is no such account any more.
    pub async fn insert_session(&self, session: &StoredSession) -> Result<bool, Fault> {
        self.usable()?;
        let insert = "INSERT INTO sessions (id, account_id, created_at, alive_until, ends_at) \
                      SELECT $1, id, $3, $4, $5 FROM accounts WHERE id = $2";
        let rows = on!(self.writer, |db| async {
            let query = sqlx::query(insert)
                .bind(&session.id)
                .bind(session.account_id.0)
                .bind(session.created_at)
                .bind(session.alive_until)
                .bind(session.ends_at);
            query.execute(db).await.map(|done| done.rows_affected())
        })?;
        Ok(rows == 1)
    }

    /// The session, if it is alive, and the account that it belongs to.
    pub async fn live_session(&self, id: &str, now: i64) -> Result<Option<LiveRow>, Fault> {
        self.usable()?;
        // One statement, so that all of it was so at the same moment.
        let query = "SELECT a.id, a.username, a.full_name, a.created_at, \
                            s.created_at AS session_created_at, s.alive_until, s.ends_at, \
                            (SELECT revision FROM session_revision) AS revision \
                     FROM sessions s JOIN accounts a ON a.id = s.account_id \
                     WHERE s.id = $1 AND s.alive_until > $2";
        let row = on!(self.readers, |db| sqlx::query_as::<_, SessionRow>(query)
            .bind(id)
            .bind(now)
            .fetch_optional(db))?;
        Ok(row.map(|row| LiveRow {
            session: StoredSession {
                id: id.to_owned(),
                account_id: AccountId(row.profile.id),
                created_at: row.session_created_at,
                alive_until: row.alive_until,
                ends_at: row.ends_at,
            },
            profile: row.profile.into(),
            revision: row.revision,
        }))
    }

    /// Notes that a session has been used: it stays alive until then. One that stays alive until
    /// `enough` in any case is left as it is, and one that has ended in the meantime stays ended:
    /// then `false`.
    pub async fn extend_session(
        &self,
        id: &str,
        alive_until: i64,
        enough: i64,
    ) -> Result<bool, Fault> {
        self.usable()?;
        let update = "UPDATE sessions SET alive_until = $1 WHERE id = $2 AND alive_until < $3";
        let rows = on!(self.writer, |db| async {
            let query = sqlx::query(update).bind(alive_until).bind(id).bind(enough);
            query.execute(db).await.map(|done| done.rows_affected())
        })?;
        Ok(rows == 1)
    }

    /// Ends a session, and tells the revision from which on it is ended. `None`: it was already.
    pub async fn end_session(&self, id: &str, now: i64) -> Result<Option<i64>, Fault> {
        self.usable()?;
        let end = "DELETE FROM sessions WHERE id = $1";
        let tell =
            "INSERT INTO session_changes (revision, session_id, changed_at) VALUES ($1, $2, $3)";
        on!(self.writer, |db| async {
            let mut transaction = db.begin().await?;
            let revision: i64 =
                sqlx::query_scalar(NEXT_REVISION).fetch_one(&mut *transaction).await?;
            let done = sqlx::query(end).bind(id).execute(&mut *transaction).await?;
            if done.rows_affected() == 0 {
                transaction.rollback().await?;
                return Ok::<_, sqlx::Error>(None);
            }
            let tell = sqlx::query(tell).bind(revision).bind(id).bind(now);
            tell.execute(&mut *transaction).await?;
            transaction.commit().await?;
            Ok(Some(revision))
        })
    }

    /// What has changed after a revision, and by the way whether the database answers: if it does
    /// not, nobody else waits for it until it does again.
    pub async fn changes_since(&self, revision: i64) -> Result<Changes, Fault> {
        let changes = self.read_changes(revision).await;
        let was_away = self.away.swap(changes.is_err(), Ordering::Relaxed);
        match (was_away, &changes) {
            (false, Err(fault)) => {
                tracing::error!(error = fault.source(), "the database does not answer");
            }
            (true, Ok(_)) => tracing::info!("the database answers again"),
            _ => {}
        }
        changes
    }

    async fn read_changes(&self, since: i64) -> Result<Changes, Fault> {
        if let Backend::Sqlite(_, file) = &self.backend {
            file.check()?;
        }
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

    /// Forgets the sessions that are over, and what changed before `changes_before`.
    pub async fn clean(&self, now: i64, changes_before: i64) -> Result<u64, Fault> {
        self.usable()?;
        let over = "DELETE FROM sessions WHERE alive_until <= $1";
        let forget = "UPDATE session_revision SET forgotten = COALESCE( \
                      (SELECT MAX(revision) FROM session_changes WHERE changed_at < $1), forgotten)";
        let forgotten = "DELETE FROM session_changes \
                         WHERE revision <= (SELECT forgotten FROM session_revision)";
        on!(self.writer, |db| async {
            let done = sqlx::query(over).bind(now).execute(&mut *db).await?;
            let mut transaction = db.begin().await?;
            sqlx::query(forget).bind(changes_before).execute(&mut *transaction).await?;
            sqlx::query(forgotten).execute(&mut *transaction).await?;
            transaction.commit().await?;
            Ok::<_, sqlx::Error>(done.rows_affected())
        })
    }

    /// Applies what is pending, and tells how many migrations that were. Others that do the same at
    /// the same moment wait.
    pub async fn migrate_up(&self) -> Result<usize, OpenError> {
        match &self.backend {
            Backend::Sqlite(pools, _) => migrate_up(&mut *pools.for_migrating().await?).await,
            Backend::Postgres(pools) => migrate_up(&mut *pools.for_migrating().await?).await,
        }
    }

    /// Reverts the last migration, and tells which that was.
    pub async fn migrate_down(&self) -> Result<Option<MigrationState>, OpenError> {
        let states = self.migrations().await?;
        let Some(last) = states.into_iter().rfind(|state| state.applied) else { return Ok(None) };
        let target = last.version - 1;
        match &self.backend {
            Backend::Sqlite(pools, _) => MIGRATIONS.undo(&pools.writer, target).await,
            Backend::Postgres(pools) => MIGRATIONS.undo(&pools.writer, target).await,
        }
        .map_err(explain)?;
        Ok(Some(last))
    }

    /// All migrations of this program, in order. Nothing is made.
    pub async fn migrations(&self) -> Result<Vec<MigrationState>, OpenError> {
        let is_listed = self.backend.dialect(&MIGRATIONS_ARE_LISTED);
        let listed = match &self.backend {
            Backend::Sqlite(pools, _) => {
                sqlx::query_scalar(is_listed).fetch_one(&pools.readers).await
            }
            Backend::Postgres(pools) => {
                sqlx::query_scalar(is_listed).fetch_one(&pools.readers).await
            }
        };
        let tables: i64 = listed.map_err(|error| explain(error.into()))?;
        if tables == 0 {
            return Ok(Self::known_migrations());
        }
        match &self.backend {
            Backend::Sqlite(pools, _) => states(&mut *pools.for_migrating().await?).await,
            Backend::Postgres(pools) => states(&mut *pools.for_migrating().await?).await,
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
    async fn for_migrating(&self) -> Result<PoolConnection<DB>, OpenError> {
        self.writer.acquire().await.map_err(|error| explain(error.into()))
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
        self.watcher.close().await;
    }
}

async fn migrate_up<C: Migrate>(connection: &mut C) -> Result<usize, OpenError> {
    connection.lock().await.map_err(explain)?;
    let result = async {
        connection.ensure_migrations_table(MIGRATIONS_TABLE).await.map_err(explain)?;
        let pending = states(connection).await?.iter().filter(|state| !state.applied).count();
        MIGRATIONS.run_direct(None, connection, false).await.map_err(explain)?;
        Ok(pending)
    };
    let result = result.await;
    connection.unlock().await.map_err(explain)?;
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
