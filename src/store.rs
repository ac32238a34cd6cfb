//! All SQL.
//!
//! One text serves both databases (migrations/README.md); in what they differ stands in
//! `store/dialects.rs`. Whatever belongs together is one statement or one transaction, so nothing can
//! be cut off in the middle.

/// Runs `$work` on a connection `$db` of either database, for [`PATIENCE`] at most, or as long as is
/// said. Nobody waits for a database that is known to be away.
macro_rules! on {
    ($store:ident . $role:ident, |$db:ident| $work:expr) => {
        on!($store.$role, PATIENCE, |$db| $work)
    };
    ($store:ident . $role:ident, $patience:expr, |$db:ident| $work:expr) => {{
        on!(@check $store.$role);
        match &$store.backend {
            Backend::Sqlite(pools, ..) => on!(@$store, pools.$role, $patience, $db, $work),
            Backend::Postgres(pools) => on!(@$store, pools.$role, $patience, $db, $work),
        }
    }};
    // Finds out whether it is.
    (@check $store:ident . readers) => { $store.presence.check()? };
    (@check $store:ident . writer) => { $store.presence.check()?; $store.backend.in_place()? };
    (@$store:ident, $pool:expr, $patience:expr, $db:ident, $work:expr) => {
        // In a box of its own: sqlx's futures are large, and most requests need none of them.
        Box::pin(async {
            let mut in_use = tokio::select! {
                biased;
                acquired = $pool.acquire() => acquired?,
                away = $store.presence.goes_away() => return Err(away),
            };
            let $db = &mut *in_use;
            let Some(result) = patiently($patience, $work).await else {
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
mod cleaning;
mod copy;
mod dialects;
mod facts;
mod import;
mod lookout;
mod migrate;
mod password_links;
mod patience;
mod pool;
pub mod postgres_url;
mod refresh_tokens;
mod sessions;
mod steps;
mod throttle;

use std::{error::Error as StdError, sync::Arc};

use sqlx::{Database as SqlDatabase, Postgres, Sqlite};

pub use crate::store::accounts::{AccountRecord, Added, Erased, Renamed, StoredAccount};
pub use crate::store::archive::{backup, is_in_use, restore};
pub use crate::store::copy::{NOT_COPIED, Sum, copied, copy};
pub use crate::store::dialects::SetUpLock;
pub use crate::store::facts::Fact;
pub use crate::store::import::ImportedAccount;
pub use crate::store::lookout::Lookout;
pub use crate::store::migrate::{Loss, MigrationState};
pub use crate::store::password_links::PasswordLink;
pub use crate::store::refresh_tokens::Refreshed;
pub use crate::store::sessions::{
    Begun, Ended, LiveRow, MAX_SESSIONS, Renewal, Renewed, StoredSession, Successor,
};

use crate::store::dialects::{BEGIN_WRITING, FileInPlace, PATIENCE};
use crate::store::lookout::Presence;
use crate::store::migrate::{MIGRATIONS, MIGRATIONS_TABLE, explain};
use crate::store::patience::patiently;
use crate::store::pool::{Accept, InUse, Pool};

use crate::domain::AccountId;
use crate::platform::{error::Fault, settings::Database};

/// The database, and whether it answers.
#[derive(Clone)]
pub struct Store {
    backend: Backend,
    /// Whether the database is there: what the [`Lookout`] has seen last.
    presence: Arc<Presence>,
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
    /// How the [`Lookout`] connects.
    watcher: Watcher<DB>,
}

type Watcher<DB> =
    (Arc<[<<DB as SqlDatabase>::Connection as sqlx::Connection>::Options]>, Accept<DB>);

impl<DB: SqlDatabase> Clone for Pools<DB> {
    fn clone(&self) -> Self {
        let Self { readers, writer, watcher } = self;
        Self { readers: readers.clone(), writer: writer.clone(), watcher: watcher.clone() }
    }
}

/// The accounts of which what was read before `revision` must not be believed, nor of their sessions.
pub struct Changes {
    /// The newest revision there is.
    pub revision: i64,
    /// `None`: more than can be told. Whatever was read must not be believed.
    pub accounts: Option<Vec<AccountId>>,
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
            Backend::Sqlite(Pools { readers, writer, .. }, ..) => {
                add(readers.count(), writer.count())
            }
            // Its readers are its writers.
            Backend::Postgres(Pools { writer, .. }) => writer.count(),
        }
    }

    /// Whether it is known that the database does not answer.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.presence.is_away()
    }

    /// How often the database went away, and how many requests were refused for it.
    #[must_use]
    pub fn outages(&self) -> (u64, u64) {
        self.presence.outages()
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Fault> {
        self.backend.in_place()?;
        // Reads the file, which `SELECT 1` would not.
        let one = "SELECT COUNT(*) FROM sessions WHERE id = ''";
        on!(self.readers, |db| sqlx::query_scalar::<_, i64>(one).fetch_one(db))?;
        Ok(())
    }

    /// Connections that were open when the database went away are of no use when it is back.
    fn forget_unused(&self) {
        match &self.backend {
            Backend::Sqlite(pools, ..) => pools.forget_unused(),
            Backend::Postgres(pools) => pools.forget_unused(),
        }
    }
}

impl<DB: SqlDatabase> Pools<DB> {
    fn forget_unused(&self) {
        drop((self.readers.forget(), self.writer.forget()));
    }

    async fn to_migrate(&self) -> Result<InUse<DB>, OpenError> {
        self.writer.acquire().await.map_err(|error| explain(error.into()))
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}
