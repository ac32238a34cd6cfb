//! Signing in and up on SQLite, as it mostly goes: a group commit.
//!
//! SQLite has one writer, and a statement is a trip to its thread and back. Beside threads that
//! hash, the trips of a transaction and its wait for the disk cost more than its work
//! (BENCHMARKS.md). So one task takes whatever waits to be written at the moment, and writes it as
//! one text. It looks at everything that the long way looks at, and writes all of it or nothing. Why
//! it wrote nothing it does not say: whoever is told so goes the long way, alone. So one of whom
//! something is unusual takes his group along.
//!
//! Who goes away after his group has begun is written all the same.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Instant,
};

use serde::Serialize;
use serde_json::{Value, json};
use sqlx::Sqlite;
use tokio::{
    sync::{mpsc, oneshot},
    task::yield_now,
};

use super::{
    Backend, Fault, PATIENCE, Store,
    accounts::{NewRow, account_columns, bind_account},
    dialects::{FileInPlace, SQLITE_ACQUIRE},
    pool::Pool,
    sessions::{StoredSession, bind_session, session_columns},
    timeout,
};
use crate::server::{
    audit::{Event, Row},
    clock::now_ms,
    throttle::Counter,
};

/// How many are written at once at most: a text of some 100 KB.
const GROUP: usize = 64;

/// How many may wait: as many as there are connections.
const QUEUE: usize = 1024;

/// `$7` and `$8` are number and hash of the last event of the group. Events are written first, and
/// the rest only where they were.
macro_rules! written {
    () => {
        "EXISTS (SELECT 1 FROM audit_events WHERE seq = $7 AND hash = $8)"
    };
}

/// `$1`: the hash of the event that they must follow, or nothing. `$2` to `$5`: events, accounts,
/// sessions with the hash of the password that was shown, and counters, as JSON. `$6`: now, in
/// milliseconds.
///
/// The conditions, in their order: nobody has written behind that event; no counter would go over its
/// limit (what `Counter::limited_until` says, for several tries at once); no name is taken; each
/// password is still the account's own. What is counted is what `COUNT` in `steps.rs` counts.
/// SQLite's JSON ends a text at U+0000: none of ours has one.
const WRITE: &str = concat!(
    "BEGIN IMMEDIATE; ",
    "INSERT INTO audit_events (seq, at, event, digest, hash, salt, account_id, detail) \
     SELECT value ->> 'seq', value ->> 'at', value ->> 'event', value ->> 'digest', \
            value ->> 'hash', value ->> 'salt', value ->> 'accountId', value ->> 'detail' \
     FROM json_each($2) \
     WHERE $1 IS (SELECT hash FROM audit_events ORDER BY seq DESC LIMIT 1) \
     AND NOT EXISTS \
     (SELECT 1 FROM json_each($5) AS counter \
      LEFT JOIN throttle ON throttle.key = counter.value ->> 0 \
      WHERE MAX(COALESCE(tat, $6), $6) + (counter.value ->> 1) > $6 + (counter.value ->> 2)) \
     AND NOT EXISTS \
     (SELECT 1 FROM json_each($3) AS new JOIN accounts ON username_key = new.value ->> 2 \
      OR username_skeleton IN (new.value ->> 3, new.value ->> 4) \
      OR username_typed_skeleton IN (new.value ->> 3, new.value ->> 4)) \
     AND NOT EXISTS \
     (SELECT 1 FROM json_each($4) AS new \
      LEFT JOIN accounts ON accounts.id = new.value ->> 1 AND password_hash = new.value ->> 12 \
      AND disabled_at IS NULL AND delete_at IS NULL \
      WHERE accounts.id IS NULL); ",
    "INSERT INTO accounts (",
    account_columns!(),
    ") SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, \
              value ->> 6, value ->> 7, value ->> 8, value ->> 9 FROM json_each($3) WHERE ",
    written!(),
    "; INSERT INTO sessions (",
    session_columns!(),
    ") SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, \
              value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11 \
       FROM json_each($4) WHERE ",
    written!(),
    "; INSERT INTO throttle (key, tat) SELECT value ->> 0, $6 + (value ->> 1) FROM json_each($5) \
       WHERE (value ->> 3) AND ",
    written!(),
    " ON CONFLICT (key) DO UPDATE SET tat = MAX(throttle.tat, $6) + excluded.tat - $6; \
     COMMIT; SELECT ",
    written!()
);

/// What is bound to a query elsewhere, as an array.
#[derive(Default, Serialize)]
struct Values(Vec<Value>);

impl Values {
    fn bind(mut self, value: impl Serialize) -> Self {
        self.0.push(json!(value));
        self
    }
}

/// What is added.
enum Insert {
    Account {
        row: Values,
        /// Two of which one is the same must not be added at once.
        skeletons: [String; 2],
    },
    Session(Values),
}

/// A sign-in or a sign-up that waits to be written. The answer: whether it was.
pub(super) struct Waiting {
    insert: Insert,
    counters: Vec<Counter>,
    event: Event,
    queued: Instant,
    answer: oneshot::Sender<Result<bool, Fault>>,
}

impl Store {
    /// Adds a session, and writes down that it was, if nothing at all is unusual. `false`: nothing
    /// was written.
    pub(super) async fn sign_in_with_group(
        &self,
        session: &StoredSession,
        password_hash: &str,
        counters: &[Counter],
        event: &Event,
    ) -> Result<bool, Fault> {
        let row = || bind_session!(Values::default(), session).bind(password_hash);
        self.write_with_group(|| Insert::Session(row()), counters, event).await
    }

    /// Adds an account, counts, and writes down that it was added, if nothing at all is unusual.
    /// `false`: nothing was written.
    pub(super) async fn sign_up_with_group(
        &self,
        account: &NewRow<'_>,
        counters: &[Counter],
        event: &Event,
    ) -> Result<bool, Fault> {
        let skeletons = || [account.username.skeleton(), account.username.typed_skeleton()];
        let insert = || Insert::Account {
            row: bind_account!(Values::default(), account),
            skeletons: skeletons().map(str::to_owned),
        };
        self.write_with_group(insert, counters, event).await
    }

    async fn write_with_group(
        &self,
        insert: impl FnOnce() -> Insert,
        counters: &[Counter],
        event: &Event,
    ) -> Result<bool, Fault> {
        let Backend::Sqlite(.., queue) = &self.backend else { return Ok(false) };
        self.not_away()?;
        let (answer, answered) = oneshot::channel();
        let (insert, counters, event) = (insert(), counters.to_vec(), event.clone());
        let waiting = Waiting { insert, counters, event, queued: Instant::now(), answer };
        // Without the task there is still the long way.
        let Ok(()) = queue.send(waiting).await else { return Ok(false) };
        answered.await.map_err(Fault::internal)?
    }
}

/// Starts the task that writes. It ends when nobody is left who could send it anything.
pub(super) fn start(writer: Pool<Sqlite>, file: Arc<FileInPlace>) -> mpsc::Sender<Waiting> {
    let (queue, mut waiting) = mpsc::channel(QUEUE);
    tokio::spawn(async move {
        while let Some(first) = waiting.recv().await {
            let mut group = Group::default();
            group.add(first);
            // Whoever is about to come, comes along.
            yield_now().await;
            while group.answers.len() < GROUP
                && let Ok(next) = waiting.try_recv()
            {
                group.add(next);
            }
            group.commit(&writer, &file).await;
        }
    });
    queue
}

/// What is written at once.
#[derive(Default)]
struct Group {
    accounts: Vec<Values>,
    sessions: Vec<Values>,
    skeletons: HashSet<String>,
    counters: BTreeMap<String, Added>,
    events: Vec<Event>,
    answers: Vec<oneshot::Sender<Result<bool, Fault>>>,
    /// Of those who cannot be in this group.
    alone: Vec<oneshot::Sender<Result<bool, Fault>>>,
}

/// What a group adds to a counter.
struct Added {
    adds: i64,
    period: i64,
    /// Or is it only looked at?
    counts: bool,
}

impl Group {
    fn add(&mut self, waiting: Waiting) {
        let Waiting { insert, counters, event, queued, answer } = waiting;
        if answer.is_closed() {
            return;
        }
        if queued.elapsed() > SQLITE_ACQUIRE {
            let late = Fault::Unavailable("the database has too much to write".into());
            _ = answer.send(Err(late));
            return;
        }
        let counts = matches!(insert, Insert::Account { .. });
        let is_too_many =
            counters.iter().any(|counter| self.adds(counter, counts) > counter.period);
        let is_alike = matches!(&insert, Insert::Account { skeletons, .. }
            if skeletons.iter().any(|skeleton| self.skeletons.contains(skeleton)));
        if is_too_many || is_alike {
            self.alone.push(answer);
            return;
        }
        for counter in counters {
            let (adds, period) = (self.adds(&counter, counts), counter.period);
            self.counters.insert(counter.key, Added { adds, period, counts });
        }
        match insert {
            Insert::Account { row, skeletons } => {
                self.accounts.push(row);
                self.skeletons.extend(skeletons);
            }
            Insert::Session(row) => self.sessions.push(row),
        }
        self.events.push(event);
        self.answers.push(answer);
    }

    /// What the group adds to a counter with one more try.
    fn adds(&self, counter: &Counter, counts: bool) -> i64 {
        let before = self.counters.get(&counter.key).filter(|_| counts);
        before.map_or(0, |added| added.adds) + counter.interval
    }

    /// Writes it, and tells each of it.
    async fn commit(mut self, writer: &Pool<Sqlite>, file: &FileInPlace) {
        let alone = std::mem::take(&mut self.alone);
        let answers = std::mem::take(&mut self.answers);
        if !answers.is_empty() {
            let written = match self.write(writer, file).await {
                // Perhaps because of one of them.
                Err(Fault::Internal(error)) => {
                    tracing::warn!(%error, "a group could not be written");
                    Ok(false)
                }
                written => written,
            };
            for answer in answers {
                _ = answer.send(match &written {
                    Ok(written) => Ok(*written),
                    Err(fault) => Err(Fault::Unavailable(fault.source().to_string().into())),
                });
            }
        }
        for answer in alone {
            _ = answer.send(Ok(false));
        }
    }

    async fn write(&self, writer: &Pool<Sqlite>, file: &FileInPlace) -> Result<bool, Fault> {
        file.check()?;
        let counters = self.counters.iter();
        let counters: Vec<Value> = counters
            .map(|(key, Added { adds, period, counts })| json!([key, adds, period, counts]))
            .collect();
        on!(@writer, PATIENCE, db, async {
            let last = "SELECT seq, hash FROM audit_events ORDER BY seq DESC LIMIT 1";
            let last: Option<(i64, String)> = sqlx::query_as(last).fetch_optional(&mut *db).await?;
            let mut rows: Vec<Row> = Vec::with_capacity(self.events.len());
            for event in &self.events {
                let before = rows.last().map(|row| (row.seq, &*row.hash));
                let before = before.or(last.as_ref().map(|(seq, hash)| (*seq, &**hash)));
                rows.push(Row::following(before, event)?);
            }
            let newest = rows.last();
            let written: bool = sqlx::query_scalar(WRITE)
                .bind(last.map(|(_, hash)| hash))
                .bind(json!(rows).to_string())
                .bind(json!(self.accounts).to_string())
                .bind(json!(self.sessions).to_string())
                .bind(json!(counters).to_string())
                .bind(now_ms())
                .bind(newest.map(|row| row.seq))
                .bind(newest.map(|row| &*row.hash))
                .fetch_one(db)
                .await?;
            Ok::<_, Fault>(written)
        })
    }
}
