//! The look-out: checks four times a second for changes, and so knows whether the database is
//! there.
//!
//! It has its own thread (`sessions/live.rs`) and its own connection, which nothing else uses and
//! which is not asked twice. So it waits for no request and, however busy this node is, only the
//! database's own silence or refusal counts as an outage.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use sqlx::{PgConnection, Postgres, Sqlite, SqliteConnection};
use tokio::sync::watch;

use crate::{
    domain::AccountId,
    store::{
        Backend, Changes, Fault, Store,
        patience::patiently,
        pool::{connect, is_full},
    },
};

/// How long the database may be silent before it counts as away. SQLite waits that long for another
/// process that has locked its file.
const POSTGRES_SILENCE: Duration = Duration::from_secs(1);
const SQLITE_SILENCE: Duration = Duration::from_secs(3);

/// The same during an outage, whose end must be noticed soon.
const SILENCE_WHILE_AWAY: Duration = Duration::from_millis(400);

/// The most changes read at once. A node that has missed more checks every session again.
const MAX_CHANGES: usize = 10_000;

/// Whether the database is there, and the outages so far.
pub(super) struct Presence {
    away: watch::Sender<bool>,
    outages: AtomicU64,
    refused: AtomicU64,
}

impl Default for Presence {
    fn default() -> Self {
        Self {
            away: watch::Sender::new(false),
            outages: AtomicU64::default(),
            refused: AtomicU64::default(),
        }
    }
}

impl Presence {
    pub(super) fn is_away(&self) -> bool {
        *self.away.borrow()
    }

    /// Refuses while the database is away, and counts the refusals.
    pub(super) fn check(&self) -> Result<(), Fault> {
        if self.is_away() {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Err(Fault::Away);
        }
        Ok(())
    }

    /// Waits until the database goes away.
    pub(super) async fn goes_away(&self) -> Fault {
        _ = self.away.subscribe().wait_for(|away| *away).await;
        self.refused.fetch_add(1, Ordering::Relaxed);
        Fault::Away
    }

    pub(super) fn outages(&self) -> (u64, u64) {
        (self.outages.load(Ordering::Relaxed), self.refused.load(Ordering::Relaxed))
    }
}

/// The reason why a look failed.
enum Miss {
    /// The database is there, but has no connection left for us.
    Full,
    Away(Fault),
}

pub struct Lookout {
    store: Store,
    connection: Option<Watching>,
}

enum Watching {
    Sqlite(Box<SqliteConnection>),
    Postgres(Box<PgConnection>),
}

impl Lookout {
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store, connection: None }
    }

    /// The changes after a revision. `None`: unknown; the log says why when this begins and when it
    /// ends.
    pub async fn changes_since(&mut self, revision: i64) -> Option<Changes> {
        let was_away = self.store.presence.is_away();
        let patience = match &self.store.backend {
            _ if was_away => SILENCE_WHILE_AWAY,
            Backend::Sqlite(..) => SQLITE_SILENCE,
            Backend::Postgres(..) => POSTGRES_SILENCE,
        };
        let had_one = self.connection.is_some();
        let began = Instant::now();
        let mut seen = self.look(revision, patience).await;
        // A connection can break while the database is fine, and so can the next one.
        let mut tries = 0;
        while had_one && seen.is_err() && (tries == 0 || (tries < 4 && began.elapsed() < patience))
        {
            seen = self.look(revision, patience).await;
            tries += 1;
        }
        match seen {
            Ok(changes) => {
                if was_away {
                    let (_, refused) = self.store.presence.outages();
                    tracing::info!(refused, "the database answers again");
                    self.store.presence.away.send_replace(false);
                }
                Some(changes)
            }
            Err(Miss::Full) => {
                // One of ours may be idle.
                self.store.forget_unused();
                if was_away {
                    tracing::info!("the database answers again, and has no connection to spare");
                    self.store.presence.away.send_replace(false);
                }
                None
            }
            Err(Miss::Away(fault)) => {
                if !was_away {
                    tracing::error!(error = fault.source(), "the database does not answer");
                    self.store.presence.outages.fetch_add(1, Ordering::Relaxed);
                    self.store.presence.away.send_replace(true);
                    // They are useless once it is back.
                    self.store.forget_unused();
                }
                None
            }
        }
    }

    async fn look(&mut self, since: i64, patience: Duration) -> Result<Changes, Miss> {
        self.store.backend.in_place().map_err(Miss::Away)?;
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => patiently(patience, self.connect()).await.unwrap_or_else(|| Err(silent()))?,
        };
        let changes = patiently(patience, connection.changes(since)).await;
        let changes = changes.unwrap_or_else(|| Err(silent()))?;
        self.connection = Some(connection);
        Ok(changes)
    }

    async fn connect(&self) -> Result<Watching, Miss> {
        match &self.store.backend {
            Backend::Sqlite(pools, ..) => {
                let (options, accept) = &pools.watcher;
                let db = connect::<Sqlite>(options, *accept).await;
                db.map(|db| Watching::Sqlite(Box::new(db)))
            }
            Backend::Postgres(pools) => {
                let (options, accept) = &pools.watcher;
                let db = connect::<Postgres>(options, *accept).await;
                db.map(|db| Watching::Postgres(Box::new(db)))
            }
        }
        .map_err(|error| if is_full(&error) { Miss::Full } else { Miss::Away(error.into()) })
    }
}

fn silent() -> Miss {
    Miss::Away(Fault::Unavailable("it is silent".into()))
}

impl Watching {
    async fn changes(&mut self, since: i64) -> Result<Changes, Miss> {
        // One statement, so that everything is from the same moment.
        let query = "SELECT r.revision, r.forgotten, c.account_id \
                     FROM session_revision r LEFT JOIN changed_accounts c ON c.revision > $1 \
                     LIMIT $2";
        let limit = i64::try_from(MAX_CHANGES + 1).unwrap_or(i64::MAX);
        let rows = match self {
            Self::Sqlite(db) => {
                sqlx::query_as(query).bind(since).bind(limit).fetch_all(&mut **db).await
            }
            Self::Postgres(db) => {
                sqlx::query_as(query).bind(since).bind(limit).fetch_all(&mut **db).await
            }
        };
        let rows: Vec<(i64, i64, Option<i64>)> = rows.map_err(|error| Miss::Away(error.into()))?;
        let Some(&(revision, forgotten, _)) = rows.first() else {
            return Err(Miss::Away(Fault::internal("the row of session_revision is missing")));
        };
        // A revision that went back means another database, perhaps a restored one.
        let all = rows.len() <= MAX_CHANGES && forgotten <= since && since <= revision;
        let accounts =
            rows.into_iter().filter_map(|(.., account)| account.map(AccountId)).collect();
        Ok(Changes { revision, accounts: all.then_some(accounts) })
    }
}
