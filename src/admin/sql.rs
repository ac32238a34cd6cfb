//! The table of requests that may be repeated.

use sqlx::FromRow;

use crate::{
    platform::error::Fault,
    store::{
        Kind::{Number, Text},
        Store, Table,
        db::{Db, sql},
        table,
    },
};

pub(crate) const TABLES: &[Table] = &[table(
    "repeatable_requests",
    &[("hash", Text), ("request", Text), ("status", Number), ("answer", Text), ("made_at", Number)],
)
.only_here()];

/// A request that came before.
#[derive(FromRow)]
pub(super) struct Before {
    pub(super) request: String,
    pub(super) status: Option<i64>,
    pub(super) answer: Option<String>,
}

/// `false`: it came before.
pub(super) async fn begin(db: &mut Db, hash: &str, request: &str, now: i64) -> Result<bool, Fault> {
    let insert = "INSERT INTO repeatable_requests (hash, request, made_at) VALUES ($1, $2, $3) \
                  ON CONFLICT (hash) DO NOTHING";
    Ok(db.execute(sql(insert).bind(hash).bind(request).bind(now)).await? == 1)
}

pub(super) async fn before(db: &mut Db, hash: &str) -> Result<Option<Before>, Fault> {
    let query = "SELECT request, status, answer FROM repeatable_requests WHERE hash = $1";
    db.optional(sql(query).bind(hash)).await
}

pub(super) async fn answered(
    db: &mut Db,
    hash: &str,
    status: i64,
    answer: &str,
) -> Result<(), Fault> {
    let update = "UPDATE repeatable_requests SET status = $2, answer = $3 WHERE hash = $1";
    db.execute(sql(update).bind(hash).bind(status).bind(answer)).await?;
    Ok(())
}

pub(super) async fn forget_one(db: &mut Db, hash: &str) -> Result<(), Fault> {
    db.execute(sql("DELETE FROM repeatable_requests WHERE hash = $1").bind(hash)).await?;
    Ok(())
}

/// Forgets the requests of yesterday. `now`: in seconds since 1970.
pub(crate) async fn forget(store: &Store, now: i64) -> Result<(), Fault> {
    let over = "made_at < $1 - 86400";
    let table = ("repeatable_requests", "hash");
    store.in_pieces("DELETE FROM repeatable_requests", table, over, now).await?;
    Ok(())
}
