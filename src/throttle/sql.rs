//! The table of the counters.

use std::collections::HashMap;

use super::counter::Counter;
use crate::{
    platform::{clock::now_ms, error::Fault},
    store::{
        Kind::{Number, Text},
        Store, Table,
        db::{Db, Tx, sql, sql_of},
        dialects::Dialects,
        table,
    },
};

pub(crate) const TABLES: &[Table] = &[table("throttle", &[("key", Text), ("tat", Number)])];

/// Adds one try to a counter. It never gets further ahead than a full period: tries that were under
/// way when the limit was reached do not prolong the wait. A counter further ahead than $5 was
/// written by a wrong clock, and starts again.
const COUNT: &str = "INSERT INTO throttle (key, tat) VALUES ($1, $2 + $3) \
                     ON CONFLICT (key) DO UPDATE SET tat = CASE \
                     WHEN throttle.tat <= $2 OR throttle.tat > $5 THEN $2 + $3 \
                     WHEN throttle.tat + $3 > $2 + $4 THEN $2 + $4 \
                     ELSE throttle.tat + $3 END";

/// Works even if the counter does not exist yet. SQLite has only one writer anyway.
const LOCK: Dialects<Option<&str>> = Dialects {
    sqlite: None,
    postgres: Some(
        "INSERT INTO throttle (key, tat) VALUES ($1, 0) \
         ON CONFLICT (key) DO UPDATE SET tat = throttle.tat",
    ),
};

/// Locks these counters until the end of the transaction.
pub(super) async fn lock(tx: &mut Tx, counters: &[Counter]) -> Result<(), Fault> {
    if let Some(lock) = tx.dialect(&LOCK) {
        for counter in counters {
            tx.execute(sql(lock).bind(&counter.key)).await?;
        }
    }
    Ok(())
}

/// Adds one try to each counter.
pub(super) async fn count(tx: &mut Tx, counters: &[Counter]) -> Result<(), Fault> {
    let now = now_ms();
    for counter in counters {
        let count = sql(COUNT)
            .bind(&counter.key)
            .bind(now)
            .bind(counter.interval)
            .bind(counter.period)
            .bind(counter.furthest(now));
        tx.execute(count).await?;
    }
    Ok(())
}

/// The value of each counter: by its key, in milliseconds since 1970.
pub(super) async fn arrivals(
    db: &mut Db,
    counters: &[Counter],
) -> Result<HashMap<String, i64>, Fault> {
    if counters.is_empty() {
        return Ok(HashMap::new());
    }
    let places: Vec<String> = (1..=counters.len()).map(|place| format!("${place}")).collect();
    let query = format!("SELECT key, tat FROM throttle WHERE key IN ({})", places.join(", "));
    let query = counters.iter().fold(sql_of(query), |query, counter| query.bind(&counter.key));
    let rows: Vec<(String, i64)> = db.all(query).await?;
    Ok(rows.into_iter().collect())
}

/// Forgets the counters that have run down. `now`: in seconds since 1970.
pub(crate) async fn forget(store: &Store, now: i64) -> Result<(), Fault> {
    let over = "tat < $1 * 1000";
    store.in_pieces("DELETE FROM throttle", ("throttle", "key"), over, now).await?;
    Ok(())
}
