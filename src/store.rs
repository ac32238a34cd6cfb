//! The database: opening, migrating, copying and watching it, and the connections to it.
//!
//! The statements on a table are in the `sql.rs` of the room that owns it. One text serves both
//! databases (migrations/README.md); the differences are in `dialects.rs`. A use case that writes
//! does so in a transaction ([`db::Tx`]), so it can't be cut off halfway.

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

/// The first `most` rows of a query for one more, and whether there are more.
pub(crate) fn page_of<T>(mut rows: Vec<T>, most: i64) -> (Vec<T>, bool) {
    let wanted = usize::try_from(most).unwrap_or(usize::MAX);
    let more = rows.len() > wanted;
    rows.truncate(wanted);
    (rows, more)
}

/// The database, and whether it answers.
#[derive(Clone)]
pub struct Store {
    backend: Backend,
    /// Whether the database is there, as last seen by the [`Lookout`].
    presence: Arc<Presence>,
}

#[derive(Clone)]
enum Backend {
    Sqlite(Pools<Sqlite>, Arc<FileInPlace>),
    Postgres(Pools<Postgres>),
}

/// Connections, by purpose.
struct Pools<DB: SqlDatabase> {
    readers: Pool<DB>,
    /// SQLite has one writer at a time, so there is one connection for writing, for which writers
    /// queue in order; waiting writers never hold up readers. On PostgreSQL both are the same pool.
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

/// Accounts whose data, including their sessions, is out of date if it was read before `revision`.
pub struct Changes {
    /// The newest revision.
    pub revision: i64,
    /// `None`: too many to list. Everything read before is out of date.
    pub accounts: Option<Vec<AccountId>>,
}

/// The reason why there is no usable database, for the operator.
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

    /// The number of open connections, and how many of them are idle.
    #[must_use]
    pub fn connections(&self) -> (usize, usize) {
        let add = |(a, b): (usize, usize), (c, d): (usize, usize)| (a + c, b + d);
        match &self.backend {
            Backend::Sqlite(Pools { readers, writer, .. }, ..) => {
                add(readers.count(), writer.count())
            }
            // Readers use the same pool.
            Backend::Postgres(Pools { writer, .. }) => writer.count(),
        }
    }

    /// Whether the database is known to be away.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.presence.is_away()
    }

    /// The number of outages, and of requests refused because of them.
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

    /// Removes deleted data from the database files, except what is being read right now.
    pub(crate) async fn erase(&self) -> Result<(), Fault> {
        let Some(erase) = self.backend.dialect(&ERASE) else { return Ok(()) };
        self.write().await?.execute(sql(erase)).await?;
        Ok(())
    }

    /// Connections opened before an outage are useless after it.
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
