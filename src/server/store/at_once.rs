//! Signing in and up on SQLite, as it mostly goes: a whole transaction in one trip.
//!
//! A statement is a trip to SQLite's thread and back, and beside threads that hash, the trips of a
//! transaction cost more than its work (BENCHMARKS.md). Here all its statements are one text. It
//! looks at everything that the long way looks at, and writes all of it or nothing. Why it wrote
//! nothing it does not say: whoever is told so goes the long way.
//!
//! What it cannot ask for on the way is the last row of the audit trail, behind which it writes. So
//! that is remembered, by whoever holds the one connection that writes. Where another process has
//! written meanwhile, nothing is written here.

use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use sqlx::{Sqlite, query::QueryScalar, sqlite::SqliteArguments};

use super::{
    Backend, Fault, PATIENCE, Store,
    accounts::{NewRow, bind_account, new_account},
    sessions::{StoredSession, bind_session, new_session},
    timeout,
};
use crate::server::{
    audit::{Event, Row},
    clock::now_ms,
    throttle::Counter,
};

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

/// `$13` to `$20` are the event, `$21` is the hash of the one that it must follow.
macro_rules! at_once {
    ($first:expr, $then:literal) => {
        concat!(
            "BEGIN IMMEDIATE; ",
            $first,
            "; INSERT INTO audit_events (seq, at, event, digest, hash, salt, account_id, detail) \
             SELECT $13, $14, $15, $16, $17, $18, $19, $20 WHERE changes() = 1; ",
            $then,
            "COMMIT; SELECT COUNT(*) FROM audit_events WHERE seq = $13 AND hash = $17"
        )
    };
}

/// `$22`: the hash of the password that was shown. `$23`: the limits of the counters by their keys.
const SIGN_IN: &str = at_once!(
    new_session!(
        " FROM accounts WHERE id = $2 AND password_hash = $22 \
         AND disabled_at IS NULL AND delete_at IS NULL \
         AND $21 = (SELECT hash FROM audit_events ORDER BY seq DESC LIMIT 1) AND NOT EXISTS \
         (SELECT 1 FROM json_each($23) AS counter JOIN throttle ON throttle.key = counter.key \
          WHERE throttle.tat > counter.value)"
    ),
    ""
);

/// `$11`: interval and period of the counters by their keys. `$12`: now, in milliseconds. What is
/// counted is what `COUNT` in `steps.rs` counts.
const SIGN_UP: &str = at_once!(
    new_account!(
        " AND $21 = (SELECT hash FROM audit_events ORDER BY seq DESC LIMIT 1) AND NOT EXISTS \
         (SELECT 1 FROM json_each($11) AS counter JOIN throttle ON throttle.key = counter.key \
          WHERE throttle.tat > $12 + (counter.value ->> 1) - (counter.value ->> 0))"
    ),
    "INSERT INTO throttle (key, tat) \
     SELECT counter.key, $12 + (counter.value ->> 0) FROM json_each($11) AS counter \
     WHERE changes() = 1 ON CONFLICT (key) DO UPDATE SET tat = MIN( \
     MAX(throttle.tat, $12) + excluded.tat - $12, \
     $12 + (SELECT value ->> 1 FROM json_each($11) WHERE key = excluded.key)); "
);

type Query<'a> = QueryScalar<'a, Sqlite, i64, SqliteArguments>;

impl Store {
    /// Adds a session, and writes down that it was, if nothing at all is unusual. `false`: nothing
    /// was written.
    pub(super) async fn sign_in_at_once(
        &self,
        session: &StoredSession,
        password_hash: &str,
        counters: &[Counter],
        event: &Event,
    ) -> Result<bool, Fault> {
        self.write_at_once(event, |behind, row| {
            let now = now_ms();
            let limits = counters.iter().map(|counter| {
                // Above this one more try is refused: see `Counter::limited_until`.
                (counter.key.clone(), Value::from(now + counter.period - counter.interval))
            });
            let limits = Value::Object(limits.collect()).to_string();
            let query = bind_session!(sqlx::query_scalar(SIGN_IN), session);
            bind_event(query, row).bind(behind).bind(password_hash).bind(limits)
        })
        .await
    }

    /// Adds an account, counts, and writes down that it was added, if nothing at all is unusual.
    /// `false`: nothing was written.
    pub(super) async fn sign_up_at_once(
        &self,
        account: &NewRow<'_>,
        counters: &[Counter],
        event: &Event,
    ) -> Result<bool, Fault> {
        self.write_at_once(event, |behind, row| {
            let counted = counters.iter().map(|counter| {
                (counter.key.clone(), Value::from(vec![counter.interval, counter.period]))
            });
            let counted = Value::Object(counted.collect()).to_string();
            let query = bind_account!(sqlx::query_scalar(SIGN_UP), account);
            bind_event(query.bind(counted).bind(now_ms()), row).bind(behind)
        })
        .await
    }

    /// `query` is given the hash of the last event, and the one that follows it.
    async fn write_at_once<'a>(
        &self,
        event: &Event,
        query: impl FnOnce(String, Row) -> Query<'a>,
    ) -> Result<bool, Fault> {
        let Backend::Sqlite(pools, ..) = &self.backend else { return Ok(false) };
        on!(@check self.writer);
        on!(@pools.writer, PATIENCE, db, async {
            let Some((seq, hash)) = self.last_event.get() else { return Ok::<_, Fault>(false) };
            let row = Row::following(Some((seq, &hash)), event)?;
            let (seq, last) = (row.seq, row.hash.clone());
            let written = query(hash, row).fetch_one(db).await? == 1;
            if written {
                self.last_event.set(seq, last);
            }
            Ok(written)
        })
    }
}

fn bind_event(query: Query<'_>, row: Row) -> Query<'_> {
    let Row { seq, at, event, digest, hash, salt, account_id, detail } = row;
    let query = query.bind(seq).bind(at).bind(event).bind(digest);
    query.bind(hash).bind(salt).bind(account_id).bind(detail)
}
