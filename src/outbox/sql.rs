//! The table of the outbox.

use sqlx::FromRow;

use super::{Delivery, LEASE, work::AT_ONCE};
use crate::{
    domain::AccountId,
    keys::{Keys, Sealed},
    platform::error::Fault,
    store::{
        Kind::{Number, Text},
        Store, Table,
        db::{Db, Tx, sql, sql_of},
        dialects::SKIP_LOCKED,
        table,
    },
};

pub(crate) const TABLES: &[Table] = &[table(
    "outbox",
    &[
        ("id", Text),
        ("kind", Text),
        ("account_id", Number),
        ("content", Text),
        ("created_at", Number),
        ("due_at", Number),
        ("tries", Number),
        ("lease", Text),
        ("leased_until", Number),
        ("failed_at", Number),
        ("error", Text),
        ("stream", Text),
        ("place", Number),
    ],
)];

/// Finds the deliveries of one kind that are due: those without a stream, and the first of each stream. It steps from
/// stream to stream, however much waits in one. `kind` is a word of our own, so it needs no quoting.
fn due(kind: &str, now: &str) -> String {
    let is_due = format!(
        "kind = '{kind}' AND failed_at IS NULL AND due_at <= {now} AND leased_until <= {now}"
    );
    format!(
        "WITH RECURSIVE streams (stream) AS \
         (SELECT MIN(stream) FROM outbox WHERE stream IS NOT NULL AND failed_at IS NULL \
         UNION ALL SELECT (SELECT MIN(o.stream) FROM outbox o WHERE o.stream IS NOT NULL \
         AND o.failed_at IS NULL AND o.stream > streams.stream) \
         FROM streams WHERE stream IS NOT NULL), \
         candidates (id) AS \
         (SELECT * FROM (SELECT id FROM outbox WHERE {is_due} AND stream IS NULL \
         ORDER BY due_at LIMIT 100) apart \
         UNION ALL SELECT (SELECT o.id FROM outbox o WHERE o.stream = streams.stream \
         AND o.failed_at IS NULL ORDER BY o.place LIMIT 1) FROM streams WHERE stream IS NOT NULL) \
         SELECT id FROM outbox WHERE id IN (SELECT id FROM candidates) AND {is_due}"
    )
}

#[derive(FromRow)]
struct DeliveryRow {
    id: String,
    kind: String,
    content: String,
    created_at: i64,
    tries: i64,
}

/// A row of the outbox, for the operator: nothing of its content.
#[derive(Debug, FromRow)]
pub struct Listed {
    pub id: String,
    pub kind: String,
    pub account_id: Option<i64>,
    pub created_at: i64,
    pub due_at: i64,
    pub tries: i64,
    pub failed_at: Option<i64>,
    pub error: Option<String>,
}

pub(super) async fn insert(
    tx: &mut Tx,
    id: &str,
    kind: &str,
    account: Option<AccountId>,
    content: &str,
    now: i64,
    in_stream: Option<(&str, i64)>,
) -> Result<(), Fault> {
    let insert = "INSERT INTO outbox (id, kind, account_id, content, created_at, due_at, stream, place) \
                  VALUES ($1, $2, $3, $4, $5, $5, $6, $7)";
    let account = account.map(|account| account.0);
    let (stream, place) = in_stream.unzip();
    let insert = sql(insert).bind(id).bind(kind).bind(account).bind(content).bind(now);
    tx.execute(insert.bind(stream).bind(place)).await?;
    Ok(())
}

pub(super) async fn discard_place(tx: &mut Tx, stream: &str, place: i64) -> Result<(), Fault> {
    let delete = "DELETE FROM outbox WHERE stream = $1 AND place = $2";
    tx.execute(sql(delete).bind(stream).bind(place)).await?;
    Ok(())
}

pub(super) async fn discard_stream(tx: &mut Tx, stream: &str) -> Result<(), Fault> {
    tx.execute(sql("DELETE FROM outbox WHERE stream = $1").bind(stream)).await?;
    Ok(())
}

/// Whether anything is due, without taking a writer's turn.
pub(super) async fn is_due(db: &mut Db, kind: &str, now: i64) -> Result<bool, Fault> {
    let query = format!("{} LIMIT 1", due(kind, "$1"));
    Ok(db.optional::<(String,)>(sql_of(query).bind(now)).await?.is_some())
}

/// Takes what is due, oldest first. Two nodes never take the same.
pub(super) async fn take(
    db: &mut Db,
    keys: &Keys,
    lease: &str,
    kind: &str,
    now: i64,
) -> Result<Vec<Delivery>, Fault> {
    let (due, skip) = (due(kind, "$2"), db.dialect(&SKIP_LOCKED));
    let take = sql_of(format!(
        "UPDATE outbox SET lease = $1, leased_until = $3 WHERE id IN \
         ({due} ORDER BY due_at LIMIT $4 {skip}) \
         RETURNING id, kind, content, created_at, tries"
    ));
    let take = take.bind(lease).bind(now).bind(now + LEASE).bind(AT_ONCE);
    let rows: Vec<DeliveryRow> = db.all(take).await?;
    let delivery = |DeliveryRow { id, kind, content, created_at, tries }| {
        let content = keys.open(Sealed::Delivery(&id), &content).map(|text| text.to_string());
        Delivery { id, kind, content, created_at, tries, lease: lease.to_owned() }
    };
    Ok(rows.into_iter().map(delivery).collect())
}

/// `false`: the lease has run out, and another node has taken it.
pub(super) async fn done(db: &mut Db, delivery: &Delivery) -> Result<bool, Fault> {
    let delete = "DELETE FROM outbox WHERE id = $1 AND lease = $2";
    Ok(db.execute(sql(delete).bind(&delivery.id).bind(&delivery.lease)).await? == 1)
}

pub(super) async fn try_later(
    db: &mut Db,
    delivery: &Delivery,
    due_at: i64,
    error: &str,
) -> Result<(), Fault> {
    let update = "UPDATE outbox SET due_at = $3, tries = tries + 1, error = $4, lease = NULL, \
                  leased_until = 0 WHERE id = $1 AND lease = $2";
    let update = sql(update).bind(&delivery.id).bind(&delivery.lease).bind(due_at).bind(error);
    db.execute(update).await?;
    Ok(())
}

pub(super) async fn fail(
    db: &mut Db,
    delivery: &Delivery,
    now: i64,
    error: &str,
) -> Result<(), Fault> {
    let update = "UPDATE outbox SET failed_at = $3, tries = tries + 1, error = $4, lease = NULL, \
                  leased_until = 0 WHERE id = $1 AND lease = $2";
    let update = sql(update).bind(&delivery.id).bind(&delivery.lease).bind(now).bind(error);
    db.execute(update).await?;
    Ok(())
}

pub(super) async fn discard(tx: &mut Tx, account: AccountId) -> Result<(), Fault> {
    tx.execute(sql("DELETE FROM outbox WHERE account_id = $1").bind(account)).await?;
    Ok(())
}

pub(super) async fn page(
    db: &mut Db,
    before: Option<(i64, &str)>,
    failed_only: bool,
    most: i64,
) -> Result<Vec<Listed>, Fault> {
    let failed = if failed_only { "AND failed_at IS NOT NULL" } else { "" };
    let place = before.map_or("", |_| "AND (created_at, id) < ($2, $3)");
    let query = sql_of(format!(
        "SELECT id, kind, account_id, created_at, due_at, tries, failed_at, error \
         FROM outbox WHERE 1 = 1 {failed} {place} ORDER BY created_at DESC, id DESC LIMIT $1"
    ));
    let query = query.bind(most);
    db.all(match before {
        Some((created_at, id)) => query.bind(created_at).bind(id),
        None => query,
    })
    .await
}

pub(super) async fn troubles(db: &mut Db) -> Result<(i64, i64), Fault> {
    let query = "SELECT (SELECT COUNT(*) FROM (SELECT 1 AS one FROM outbox \
                 WHERE failed_at IS NOT NULL LIMIT 100) failed) AS failed, \
                 (SELECT COUNT(*) FROM (SELECT 1 AS one FROM outbox \
                 WHERE failed_at IS NULL AND tries > 0 LIMIT 100) deferred) AS deferred";
    db.one(sql(query)).await
}

/// All that has failed, or the one with this id, even if it still waits. It counts as new: it is tried
/// for another day.
pub(super) async fn retry(db: &mut Db, id: Option<&str>, now: i64) -> Result<u64, Fault> {
    let update = "UPDATE outbox SET failed_at = NULL, created_at = $2, due_at = $2, tries = 0 \
                  WHERE id = $1 OR ($1 IS NULL AND failed_at IS NOT NULL)";
    db.execute(sql(update).bind(id).bind(now)).await
}

/// Forgets what failed a month ago. `now`: in seconds since 1970.
pub(crate) async fn forget(store: &Store, now: i64) -> Result<(), Fault> {
    let over = "failed_at < $1 - 2592000";
    store.in_pieces("DELETE FROM outbox", ("outbox", "id"), over, now).await?;
    Ok(())
}
