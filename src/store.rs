//! The database: how it is opened, migrated, copied and watched, and the connections to it.
//!
//! The statements on a table are in the room that owns it, in its `sql.rs`. One text serves both
//! databases (migrations/README.md); in what they differ stands in `dialects.rs`. A use case that
//! writes holds a transaction ([`db::Tx`]), so nothing can be cut off in the middle.

mod archive;
pub(crate) mod changes;
pub mod cli;
mod copy;
pub(crate) mod db;
pub(crate) mod dialects;
mod facts;
mod lookout;
mod migrate;
mod patience;
mod pieces;
mod pool;
pub mod postgres_url;
pub(crate) mod profile;
pub mod settings;
mod table;

use std::{error::Error as StdError, sync::Arc};

use sqlx::{Database as SqlDatabase, Postgres, Sqlite};

use crate::{domain::AccountId, platform::error::Fault};

pub(crate) use changes::TABLES;

pub use archive::{backup, is_in_use, restore};
pub use copy::{Sum, copy};
pub use dialects::SetUpLock;
pub use facts::Fact;
pub use lookout::Lookout;
pub use migrate::{Loss, MigrationState};
pub use table::Table;
pub(crate) use table::{Kind, table};

use db::sql;
use dialects::{ERASE, FileInPlace};
use lookout::Presence;
use migrate::{MIGRATIONS, MIGRATIONS_TABLE, explain};
use pool::{Accept, InUse, Pool};
use settings::Database;

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
        let _: (i64,) = self.read().await?.one(sql(one)).await?;
        Ok(())
    }

    /// Takes what was deleted out of the files of the database, as far as nobody reads it just now.
    pub(crate) async fn erase(&self) -> Result<(), Fault> {
        let Some(erase) = self.backend.dialect(&ERASE) else { return Ok(()) };
        self.write().await?.execute(sql(erase)).await?;
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
