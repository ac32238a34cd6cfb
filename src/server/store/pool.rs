//! Connections that are kept for whoever needs one next.
//!
//! Not sqlx's own pool: that one asks each connection that is given back whether it still answers,
//! in a task of its own. On SQLite this was one more trip to its thread for each use, on PostgreSQL
//! one more over the network (BENCHMARKS.md).

use std::{
    ops::{Deref, DerefMut},
    time::Duration,
};

use deadpool::managed::{self, Metrics, Object, PoolError, QueueMode, RecycleError, RecycleResult};
use sqlx::{ConnectOptions, Connection, Database};
use tokio::time::timeout;

/// PostgreSQL's memory for a connection only grows, and what stands in front of it may have moved.
const MAX_AGE: Duration = Duration::from_secs(30 * 60);

/// What nobody has used for longer may have been dropped on the way without a word.
const MAX_UNUSED: Duration = Duration::from_secs(5 * 60);

type Options<DB> = <<DB as Database>::Connection as Connection>::Options;

/// Connections of one kind.
pub(super) struct Pool<DB: Database> {
    connections: managed::Pool<Manager<DB>>,
    acquire: Duration,
}

impl<DB: Database> Clone for Pool<DB> {
    fn clone(&self) -> Self {
        Self { connections: self.connections.clone(), acquire: self.acquire }
    }
}

struct Manager<DB: Database> {
    options: Options<DB>,
    /// Whether the other end may have gone away while nobody looked.
    remote: bool,
}

impl<DB: Database> managed::Manager for Manager<DB> {
    type Type = DB::Connection;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<Self::Type, Self::Error> {
        self.options.connect().await
    }

    async fn recycle(
        &self,
        connection: &mut Self::Type,
        metrics: &Metrics,
    ) -> RecycleResult<Self::Error> {
        if self.remote {
            if metrics.age() > MAX_AGE || metrics.last_used() > MAX_UNUSED {
                return Err(RecycleError::message("too old"));
            }
            connection.ping().await?;
        }
        Ok(())
    }
}

impl<DB: Database> Pool<DB> {
    /// At most `size`, made when they are needed. Whoever needs one waits for as long as `acquire`.
    #[expect(clippy::expect_used, reason = "only time-outs without a runtime are an error")]
    pub(super) fn new(options: Options<DB>, size: usize, acquire: Duration, remote: bool) -> Self {
        let manager = Manager { options, remote };
        // The one that was used last is used next: it has most in its caches.
        let pool = managed::Pool::builder(manager).max_size(size).queue_mode(QueueMode::Lifo);
        Self { connections: pool.build().expect("no time-outs of its own"), acquire }
    }

    pub(super) async fn acquire(&self) -> Result<InUse<DB>, sqlx::Error> {
        match timeout(self.acquire, self.connections.get()).await {
            Ok(Ok(connection)) => Ok(InUse(Some(connection))),
            Ok(Err(PoolError::Backend(error))) => Err(error),
            Ok(Err(PoolError::Closed)) => Err(sqlx::Error::PoolClosed),
            Ok(Err(_)) | Err(_) => Err(sqlx::Error::PoolTimedOut),
        }
    }

    /// How many are open, and how many of them nobody uses.
    pub(super) fn count(&self) -> (usize, usize) {
        let status = self.connections.status();
        (status.size, status.available)
    }

    /// Closes those that nobody uses.
    pub(super) fn forget(&self) -> Vec<DB::Connection> {
        self.connections.retain(|_, _| false).removed
    }

    pub(super) async fn close(&self) {
        let unused = self.forget();
        self.connections.close();
        for connection in unused {
            // It is closed in any case; this waits for it.
            _ = connection.close().await;
        }
    }
}

/// A connection in use. Unless it is given back, it is closed: one on which an answer did not come,
/// was not waited for or was an error may never answer again, or be in the middle of something.
pub(super) struct InUse<DB: Database>(Option<Object<Manager<DB>>>);

impl<DB: Database> InUse<DB> {
    pub(super) fn give_back(mut self) {
        drop(self.0.take());
    }
}

impl<DB: Database> Drop for InUse<DB> {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(Object::take(connection));
        }
    }
}

impl<DB: Database> Deref for InUse<DB> {
    type Target = DB::Connection;

    #[expect(clippy::expect_used, reason = "only giving it back takes it away")]
    fn deref(&self) -> &DB::Connection {
        self.0.as_deref().expect("a connection in use")
    }
}

impl<DB: Database> DerefMut for InUse<DB> {
    #[expect(clippy::expect_used, reason = "only giving it back takes it away")]
    fn deref_mut(&mut self) -> &mut DB::Connection {
        self.0.as_deref_mut().expect("a connection in use")
    }
}
