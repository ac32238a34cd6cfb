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

/// Nobody has written behind the last event, and no counter is over its limit: what
/// `Counter::limited_until` says. `$22`: interval and period of the counters by their keys. `$23`:
/// now, in milliseconds.
macro_rules! nothing_unusual {
    () => {
        " AND $21 = (SELECT hash FROM audit_events ORDER BY seq DESC LIMIT 1) AND NOT EXISTS \
         (SELECT 1 FROM json_each($22) AS counter JOIN throttle ON throttle.key = counter.key \
          WHERE throttle.tat > $23 + (counter.value ->> 1) - (counter.value ->> 0))"
    };
}

/// `$24`: the hash of the password that was shown.
const SIGN_IN: &str = at_once!(
    concat!(
        new_session!(
            " FROM accounts WHERE id = $2 AND password_hash = $24 \
             AND disabled_at IS NULL AND delete_at IS NULL"
        ),
        nothing_unusual!()
    ),
    ""
);

/// What is counted is what `COUNT` in `steps.rs` counts. (`$11` and `$12` are not used.)
const SIGN_UP: &str = at_once!(
    new_account!(nothing_unusual!()),
    "INSERT INTO throttle (key, tat) \
     SELECT counter.key, $23 + (counter.value ->> 0) FROM json_each($22) AS counter \
     WHERE changes() = 1 ON CONFLICT (key) DO UPDATE SET tat = MIN( \
     MAX(throttle.tat, $23) + excluded.tat - $23, \
     $23 + (SELECT value ->> 1 FROM json_each($22) WHERE key = excluded.key)); "
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
        let query = bind_session!(sqlx::query_scalar(SIGN_IN), session);
        self.write_at_once(query, counters, event, Some(password_hash)).await
    }

    /// Adds an account, counts, and writes down that it was added, if nothing at all is unusual.
    /// `false`: nothing was written.
    pub(super) async fn sign_up_at_once(
        &self,
        account: &NewRow<'_>,
        counters: &[Counter],
        event: &Event,
    ) -> Result<bool, Fault> {
        let query = bind_account!(sqlx::query_scalar(SIGN_UP), account);
        let query = query.bind(None::<i64>).bind(None::<i64>);
        self.write_at_once(query, counters, event, None).await
    }

    /// `query` has `$1` to `$12`.
    async fn write_at_once(
        &self,
        query: Query<'_>,
        counters: &[Counter],
        event: &Event,
        password_hash: Option<&str>,
    ) -> Result<bool, Fault> {
        let Backend::Sqlite(pools, ..) = &self.backend else { return Ok(false) };
        on!(@check self.writer);
        let counters = counters.iter().map(|counter| {
            (counter.key.clone(), Value::from(vec![counter.interval, counter.period]))
        });
        let counters = Value::Object(counters.collect()).to_string();
        on!(@pools.writer, PATIENCE, db, async {
            let Some((seq, hash)) = self.last_event.get() else { return Ok::<_, Fault>(false) };
            let row = Row::following(Some((seq, &hash)), event)?;
            let (seq, last) = (row.seq, row.hash.clone());
            let query = bind_event(query, row).bind(hash).bind(counters);
            let query = query.bind(now_ms()).bind(password_hash.map(str::to_owned));
            let written = query.fetch_one(db).await? == 1;
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
