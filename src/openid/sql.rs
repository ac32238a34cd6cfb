//! The tables of what was used up (authorization codes, assertions, revoked tokens), of pushed requests, and of
//! devices that wait.

use crate::{
    platform::error::Fault,
    store::{
        Kind::{Number, Text},
        Store, Table,
        db::{Db, Sql, Tx, sql},
        table,
    },
};

pub(crate) const TABLES: &[Table] = &[
    table("used_codes", &[("hash", Text), ("expires_at", Number)]),
    table(
        "pushed_requests",
        &[
            ("hash", Text),
            ("app_id", Text),
            ("query", Text),
            ("expires_at", Number),
            ("opened_at", Number),
        ],
    ),
    table(
        "device_requests",
        &[
            ("hash", Text),
            ("user_code", Text),
            ("app_id", Text),
            ("scope", Text),
            ("resource", Text),
            ("device", Text),
            ("network", Text),
            ("state", Text),
            ("account_id", Number),
            ("family", Text),
            ("approval", Text),
            ("proved_by", Text),
            ("auth_time", Number),
            ("polled_at", Number),
            ("pause", Number),
            ("made_at", Number),
            ("expires_at", Number),
        ],
    ),
];

fn use_of(hash: &str, expires_at: i64) -> Sql {
    let insert = "INSERT INTO used_codes (hash, expires_at) VALUES ($1, $2) \
                  ON CONFLICT (hash) DO NOTHING";
    sql(insert).bind(hash).bind(expires_at)
}

/// Notes the use of a code. `false`: it has been used before.
pub(super) async fn spend(tx: &mut Tx, hash: &str, expires_at: i64) -> Result<bool, Fault> {
    Ok(tx.execute(use_of(hash, expires_at)).await? == 1)
}

/// The same if there is nothing else to write.
pub(super) async fn spend_lightly(
    store: &Store,
    hash: &str,
    expires_at: i64,
) -> Result<bool, Fault> {
    Ok(store.execute_lightly(use_of(hash, expires_at)).await? == 1)
}

pub(super) async fn is_spent(db: &mut Db, hash: &str) -> Result<bool, Fault> {
    let query = "SELECT expires_at FROM used_codes WHERE hash = $1";
    db.exists(sql(query).bind(hash)).await
}

/// Keeps a request that an app has pushed: its `client_id`, and the query.
pub(super) async fn push(
    tx: &mut Tx,
    hash: &str,
    (app, query): (&str, &str),
    expires_at: i64,
) -> Result<(), Fault> {
    let insert =
        "INSERT INTO pushed_requests (hash, app_id, query, expires_at) VALUES ($1, $2, $3, $4)";
    tx.execute(sql(insert).bind(hash).bind(app).bind(query).bind(expires_at)).await?;
    Ok(())
}

/// The query of a pushed request, and when it was opened.
pub(super) async fn pushed(
    db: &mut Db,
    hash: &str,
    app: &str,
    now: i64,
) -> Result<Option<(String, Option<i64>)>, Fault> {
    let query = "SELECT query, opened_at FROM pushed_requests \
                 WHERE hash = $1 AND app_id = $2 AND expires_at > $3";
    db.optional(sql(query).bind(hash).bind(app).bind(now)).await
}

/// Notes that a browser has come with a pushed request.
pub(super) fn opened(hash: &str, now: i64, expires_at: i64) -> Sql {
    let update = "UPDATE pushed_requests SET opened_at = $2, expires_at = $3 \
                  WHERE hash = $1 AND opened_at IS NULL";
    sql(update).bind(hash).bind(now).bind(expires_at)
}

/// Uses a pushed request up.
pub(super) fn used_up(hash: &str) -> Sql {
    sql("DELETE FROM pushed_requests WHERE hash = $1").bind(hash)
}

/// Forgets what nobody can use any more.
pub(crate) async fn forget(store: &Store, now: i64) -> Result<(), Fault> {
    for (delete, table) in [
        ("DELETE FROM used_codes", "used_codes"),
        ("DELETE FROM pushed_requests", "pushed_requests"),
    ] {
        store.in_pieces(delete, (table, "hash"), "expires_at <= $1", now).await?;
    }
    // A device is told for a while that its time is over.
    let (delete, devices) = ("DELETE FROM device_requests", ("device_requests", "hash"));
    store.in_pieces(delete, devices, "expires_at <= $1 - 3600", now).await?;
    Ok(())
}
