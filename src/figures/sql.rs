//! The table of figures.

use crate::{
    platform::error::Fault,
    store::{
        Kind::{Number, Text},
        Store, Table,
        db::{Db, sql},
        table,
    },
};

pub(crate) const TABLES: &[Table] =
    &[table("figures", &[("name", Text), ("hour", Number), ("count", Number)])];

pub(super) async fn add(db: &mut Db, name: &str, hour: i64, count: i64) -> Result<(), Fault> {
    let upsert = "INSERT INTO figures (name, hour, count) VALUES ($1, $2, $3) \
                  ON CONFLICT (name, hour) DO UPDATE SET count = figures.count + excluded.count";
    db.execute(sql(upsert).bind(name).bind(hour).bind(count)).await?;
    Ok(())
}

pub(super) async fn since(db: &mut Db, name: &str, hour: i64) -> Result<Vec<(i64, i64)>, Fault> {
    let query = "SELECT hour, count FROM figures WHERE name = $1 AND hour >= $2 ORDER BY hour";
    db.all(sql(query).bind(name).bind(hour)).await
}

/// Forgets the figures of more than two years ago. `now`: in seconds since 1970.
pub(crate) async fn forget(store: &Store, now: i64) -> Result<(), Fault> {
    let delete = "DELETE FROM figures WHERE hour < $1 - 63244800";
    store.write().await?.execute(sql(delete).bind(now)).await?;
    Ok(())
}
