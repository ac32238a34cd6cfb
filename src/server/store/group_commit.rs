//! Signing in and up on SQLite, as it mostly goes: a group commit, in one trip.
//!
//! SQLite has one writer, and a statement is a trip to its thread and back. Beside threads that
//! hash, the trips of a transaction and its wait for the disk cost more than its work
//! (BENCHMARKS.md). So one task takes whatever waits to be written at the moment, and writes it as
//! one text. It looks at everything that the long way looks at, and writes all of it or nothing. Why
//! it wrote nothing it does not say: whoever is told so goes the long way, alone.
//!
//! What it cannot ask for on the way is the last row of the audit trail, behind which it writes. So
//! that is remembered, by whoever holds the one connection that writes. Where another process has
//! written meanwhile, nothing is written here.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
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

/// How many are written at once at most, and how many may wait.
const GROUP: usize = 64;
const QUEUE: usize = 1024;

/// The number and the hash of the row of the audit trail that this process has written last.
#[derive(Default)]
pub(super) struct LastEvent(Mutex<Option<(i64, String)>>);

impl LastEvent {
    /// Perhaps of a transaction that is not committed in the end. Then the next one finds another
    /// row there.
    pub(super) fn set(&self, seq: i64, hash: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((seq, hash));
    }

    fn get(&self) -> Option<(i64, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// `$7` and `$8` are number and hash of the last event of the group. Events are written first, and
/// the rest only where they were.
macro_rules! written {
    () => {
        "EXISTS (SELECT 1 FROM audit_events WHERE seq = $7 AND hash = $8)"
    };
}

/// `$1`: the hash of the event that they must follow. `$2` to `$5`: events, accounts, sessions with
/// the hash of the password that was shown, and counters, as JSON. `$6`: now, in milliseconds.
///
/// The looks, in their order: nobody has written behind the last event; no counter would go over its
/// limit (what `Counter::limited_until` says, for several tries at once); no name is taken; each
/// password is still the account's own. What is counted is what `COUNT` in `steps.rs` counts.
const WRITE: &str = concat!(
    "BEGIN IMMEDIATE; ",
    "INSERT INTO audit_events (seq, at, event, digest, hash, salt, account_id, detail) \
     SELECT value ->> 'seq', value ->> 'at', value ->> 'event', value ->> 'digest', \
            value ->> 'hash', value ->> 'salt', value ->> 'accountId', value ->> 'detail' \
     FROM json_each($2) \
     WHERE $1 = (SELECT hash FROM audit_events ORDER BY seq DESC LIMIT 1) \
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

enum New {
    Account {
        row: Values,
        /// Two of which one is the same must not be added at once.
        skeletons: [String; 2],
    },
    Session(Values),
}

/// A sign-in or a sign-up that waits to be written. The answer: whether it was.
pub(super) struct Waiting {
    added: New,
    counters: Vec<Counter>,
    event: Event,
    answer: oneshot::Sender<Result<bool, Fault>>,
}

impl Store {
    /// Adds a session, and writes down that it was, if nothing at all is unusual. `false`: nothing
    /// was written.
    pub(super) async fn commit_sign_in(
        &self,
        session: &StoredSession,
        password_hash: &str,
        counters: &[Counter],
        event: &Event,
    ) -> Result<bool, Fault> {
        let row = || bind_session!(Values::default(), session).bind(password_hash);
        self.commit(|| New::Session(row()), counters, event).await
    }

    /// Adds an account, counts, and writes down that it was added, if nothing at all is unusual.
    /// `false`: nothing was written.
    pub(super) async fn commit_sign_up(
        &self,
        account: &NewRow<'_>,
        counters: &[Counter],
        event: &Event,
    ) -> Result<bool, Fault> {
        let added = || New::Account {
            row: bind_account!(Values::default(), account),
            skeletons: [account.username.skeleton(), account.username.typed_skeleton()]
                .map(str::to_owned),
        };
        self.commit(added, counters, event).await
    }

    async fn commit(
        &self,
        added: impl FnOnce() -> New,
        counters: &[Counter],
        event: &Event,
    ) -> Result<bool, Fault> {
        let Backend::Sqlite(.., queue) = &self.backend else { return Ok(false) };
        self.not_away()?;
        let (answer, answered) = oneshot::channel();
        let (added, counters, event) = (added(), counters.to_vec(), event.clone());
        let waiting = Waiting { added, counters, event, answer };
        let written = timeout(SQLITE_ACQUIRE + PATIENCE, async {
            queue.send(waiting).await.map_err(Fault::internal)?;
            answered.await.map_err(Fault::internal)?
        });
        let no_answer = |_| Fault::Unavailable("the database does not answer".into());
        written.await.map_err(no_answer)?
    }
}

/// Starts the task that writes. It ends when nobody is left who could send it anything.
pub(super) fn start(
    writer: Pool<Sqlite>,
    file: Arc<FileInPlace>,
    last_event: Arc<LastEvent>,
) -> mpsc::Sender<Waiting> {
    let (queue, mut waiting) = mpsc::channel(QUEUE);
    tokio::spawn(async move {
        let mut group = Vec::with_capacity(GROUP);
        while let Some(first) = waiting.recv().await {
            group.push(first);
            // Whoever is about to come, comes along.
            yield_now().await;
            while group.len() < GROUP
                && let Ok(next) = waiting.try_recv()
            {
                group.push(next);
            }
            commit(&writer, &file, &last_event, group.drain(..)).await;
        }
    });
    queue
}

/// Commits a group, and tells each of it.
async fn commit(
    writer: &Pool<Sqlite>,
    file: &FileInPlace,
    last_event: &LastEvent,
    group: impl Iterator<Item = Waiting>,
) {
    let mut skeletons = HashSet::new();
    let (mut accounts, mut sessions) = (Vec::new(), Vec::new());
    // What is counted, and what is only looked at.
    let mut counters: BTreeMap<(String, bool), (i64, i64)> = BTreeMap::new();
    let (mut events, mut answers) = (Vec::new(), Vec::new());
    for Waiting { added, counters: its_counters, event, answer } in group {
        if answer.is_closed() {
            continue;
        }
        let counts = matches!(added, New::Account { .. });
        match added {
            New::Account { skeletons: its_skeletons, .. }
                if its_skeletons.iter().any(|skeleton| skeletons.contains(skeleton)) =>
            {
                _ = answer.send(Ok(false));
                continue;
            }
            New::Account { row, skeletons: its_skeletons } => {
                skeletons.extend(its_skeletons);
                accounts.push(row);
            }
            New::Session(row) => sessions.push(row),
        }
        for Counter { key, interval, period } in its_counters {
            let (adds, _) = counters.entry((key, counts)).or_insert((0, period));
            *adds = if counts { *adds + interval } else { interval };
        }
        events.push(event);
        answers.push(answer);
    }
    let written = async {
        file.check()?;
        on!(@writer, PATIENCE, db, async {
            let Some((seq, hash)) = last_event.get() else { return Ok::<_, Fault>(false) };
            let mut rows: Vec<Row> = Vec::with_capacity(events.len());
            for event in &events {
                let before = rows.last().map_or((seq, &*hash), |row| (row.seq, &*row.hash));
                rows.push(Row::following(Some(before), event)?);
            }
            let Some((seq, last)) = rows.last().map(|row| (row.seq, row.hash.clone())) else {
                return Ok(false);
            };
            let counters: Vec<Value> = counters
                .iter()
                .map(|((key, counts), (adds, period))| json!([key, adds, period, counts]))
                .collect();
            let written: bool = sqlx::query_scalar(WRITE)
                .bind(hash)
                .bind(json!(rows).to_string())
                .bind(json!(accounts).to_string())
                .bind(json!(sessions).to_string())
                .bind(json!(counters).to_string())
                .bind(now_ms())
                .bind(seq)
                .bind(&last)
                .fetch_one(db)
                .await?;
            if written {
                last_event.set(seq, last);
            }
            Ok(written)
        })
    };
    let written = match written.await {
        Err(Fault::Internal(error)) => {
            // Perhaps because of one of them.
            tracing::warn!(%error, "a group could not be committed");
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
