//! A pool of connections.
//!
//! Not sqlx's own pool, which pings every returned connection in a separate task: on SQLite one
//! more trip to its thread per use, on PostgreSQL one more over the network (BENCHMARKS.md).
//!
//! A database that refuses more connections is not away: callers share the open ones. The pool
//! tries to open one more every [`TRY_AGAIN`].

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use deadpool::managed::{self, Metrics, Object, PoolError, QueueMode, RecycleError, RecycleResult};
use futures_util::{
    FutureExt,
    future::{BoxFuture, select_ok},
};
use sqlx::{ConnectOptions, Connection, Database};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::sleep,
};

use crate::store::patience::patiently;

/// PostgreSQL's memory for a connection only grows, and a proxy in front of it may have moved.
const MAX_AGE: Duration = Duration::from_secs(30 * 60);

/// A connection that was idle for longer may have been silently dropped on the way.
const MAX_UNUSED: Duration = Duration::from_secs(5 * 60);

/// The pause after the database has refused one more connection.
const TRY_AGAIN: Duration = Duration::from_secs(2);

/// The pause between tries while no connection is open.
const PAUSE: Duration = Duration::from_millis(50);

type Options<DB> = <<DB as Database>::Connection as Connection>::Options;

/// Connections of one kind.
pub(super) struct Pool<DB: Database> {
    connections: managed::Pool<Manager<DB>>,
    /// How many may be open at the moment.
    places: Arc<Semaphore>,
    refused: Arc<Mutex<Refused>>,
    acquire: Duration,
}

impl<DB: Database> Clone for Pool<DB> {
    fn clone(&self) -> Self {
        Self {
            connections: self.connections.clone(),
            places: self.places.clone(),
            refused: self.refused.clone(),
            acquire: self.acquire,
        }
    }
}

/// The places for which the database refused a connection.
struct Refused {
    places: usize,
    last: Instant,
}

struct Manager<DB: Database> {
    /// The servers of the database: the first to let us in is used.
    options: Arc<[Options<DB>]>,
    /// Whether a server is the one to write to.
    accept: Accept<DB>,
    /// Whether the other end may have gone away unnoticed.
    remote: bool,
}

/// Checks that a connection leads to a server that takes writes.
pub(super) type Accept<DB> =
    fn(&mut <DB as Database>::Connection) -> BoxFuture<'_, Result<(), sqlx::Error>>;

/// The delay between contacting one of several servers and the next: a silent one must not hold us
/// up.
const NEXT_SERVER: Duration = Duration::from_millis(150);

/// Connects to the first of several servers that lets us in and takes writes.
pub(super) async fn connect<DB: Database>(
    options: &[Options<DB>],
    accept: Accept<DB>,
) -> Result<DB::Connection, sqlx::Error> {
    let connects = (0..).zip(options).map(|(before, options)| {
        async move {
            if before > 0 {
                sleep(NEXT_SERVER * before).await;
            }
            let mut connection = options.connect().await?;
            accept(&mut connection).await?;
            Ok::<_, sqlx::Error>(connection)
        }
        .boxed()
    });
    let (connection, _) = select_ok(connects).await?;
    Ok(connection)
}

impl<DB: Database> managed::Manager for Manager<DB> {
    type Type = DB::Connection;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<Self::Type, Self::Error> {
        connect::<DB>(&self.options, self.accept).await
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
    /// At most `size` connections, opened on demand. Callers wait up to `acquire` for one.
    #[expect(clippy::expect_used, reason = "only time-outs without a runtime are an error")]
    pub(super) fn new(
        options: Arc<[Options<DB>]>,
        accept: Accept<DB>,
        size: usize,
        acquire: Duration,
        remote: bool,
    ) -> Self {
        let manager = Manager { options, accept, remote };
        // The last used is used next: it has the warmest caches.
        let pool = managed::Pool::builder(manager).max_size(size).queue_mode(QueueMode::Lifo);
        Self {
            connections: pool.build().expect("no time-outs of its own"),
            places: Arc::new(Semaphore::new(size)),
            refused: Arc::new(Mutex::new(Refused { places: 0, last: Instant::now() })),
            acquire,
        }
    }

    pub(super) async fn acquire(&self) -> Result<InUse<DB>, sqlx::Error> {
        let acquired = patiently(self.acquire, self.wait_for_one()).await;
        acquired.unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }

    async fn wait_for_one(&self) -> Result<InUse<DB>, sqlx::Error> {
        loop {
            self.offer_a_place_again();
            let place = self.places.clone().acquire_owned().await;
            let place = place.map_err(|_| sqlx::Error::PoolClosed)?;
            match self.connections.get().await {
                Ok(connection) => return Ok(InUse { connection: Some(connection), _place: place }),
                Err(PoolError::Backend(error)) if is_full(&error) => {
                    if !self.do_without(place) {
                        // There is no connection to wait for.
                        sleep(PAUSE).await;
                    }
                }
                Err(PoolError::Backend(error)) => return Err(error),
                Err(PoolError::Closed) => return Err(sqlx::Error::PoolClosed),
                Err(_) => return Err(sqlx::Error::PoolTimedOut),
            }
        }
    }

    /// Takes a place without a connection out of use. `false`: no connection is open.
    fn do_without(&self, place: OwnedSemaphorePermit) -> bool {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.last = Instant::now();
        if self.connections.status().size == 0 {
            return false;
        }
        if refused.places == 0 {
            tracing::warn!(
                open = self.connections.status().size,
                "the database opens no more connections for this role; sharing those that are open"
            );
        }
        place.forget();
        refused.places += 1;
        true
    }

    /// Puts one place back into use, now and then.
    fn offer_a_place_again(&self) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.places > 0 && refused.last.elapsed() > TRY_AGAIN {
            refused.last = Instant::now();
            refused.places -= 1;
            self.places.add_permits(1);
        }
    }

    /// The number of open connections, and how many of them are idle.
    pub(super) fn count(&self) -> (usize, usize) {
        let status = self.connections.status();
        (status.size, status.available)
    }

    /// Takes idle connections out of the pool.
    pub(super) fn forget(&self) -> Vec<DB::Connection> {
        self.connections.retain(|_, _| false).removed
    }

    pub(super) async fn close(&self) {
        let unused = self.forget();
        self.connections.close();
        for connection in unused {
            // It is closed anyway; this waits for it.
            _ = connection.close().await;
        }
    }
}

/// A connection in use. It is closed unless it is given back: after a time-out, a cancellation or
/// an error, it may never answer again, or be in the middle of something.
pub(super) struct InUse<DB: Database> {
    connection: Option<Object<Manager<DB>>>,
    _place: OwnedSemaphorePermit,
}

/// Whether the database has no connection left for this role, or for anybody.
pub(super) fn is_full(error: &sqlx::Error) -> bool {
    // PostgreSQL: too_many_connections.
    matches!(error, sqlx::Error::Database(error) if error.code().as_deref() == Some("53300"))
}

impl<DB: Database> InUse<DB> {
    pub(super) fn give_back(mut self) {
        drop(self.connection.take());
    }
}

impl<DB: Database> Drop for InUse<DB> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(Object::take(connection));
        }
    }
}

impl<DB: Database> Deref for InUse<DB> {
    type Target = DB::Connection;

    #[expect(clippy::expect_used, reason = "only giving it back takes it away")]
    fn deref(&self) -> &DB::Connection {
        self.connection.as_deref().expect("a connection in use")
    }
}

impl<DB: Database> DerefMut for InUse<DB> {
    #[expect(clippy::expect_used, reason = "only giving it back takes it away")]
    fn deref_mut(&mut self) -> &mut DB::Connection {
        self.connection.as_deref_mut().expect("a connection in use")
    }
}
