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
    ],
)];

/// The condition for deliveries of one kind that are due. `kind` is a word of our own, so it needs no quoting.
fn due(kind: &str, now: &str) -> String {
    format!("due_at <= {now} AND leased_until <= {now} AND failed_at IS NULL AND kind = '{kind}'")
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
) -> Result<(), Fault> {
    let insert = "INSERT INTO outbox (id, kind, account_id, content, created_at, due_at) \
                  VALUES ($1, $2, $3, $4, $5, $5)";
    let account = account.map(|account| account.0);
    tx.execute(sql(insert).bind(id).bind(kind).bind(account).bind(content).bind(now)).await?;
    Ok(())
}

/// Whether anything is due, without taking a writer's turn.
pub(super) async fn is_due(db: &mut Db, kind: &str, now: i64) -> Result<bool, Fault> {
    let query = format!("SELECT 1 FROM outbox WHERE {} LIMIT 1", due(kind, "$1"));
    Ok(db.optional::<(i32,)>(sql_of(query).bind(now)).await?.is_some())
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
         (SELECT id FROM outbox WHERE {due} ORDER BY due_at LIMIT $4 {skip}) \
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

pub(super) async fn list(db: &mut Db, most: i64) -> Result<Vec<Listed>, Fault> {
    let query = "SELECT id, kind, account_id, created_at, due_at, tries, failed_at, error \
                 FROM outbox ORDER BY created_at DESC, id LIMIT $1";
    db.all(sql(query).bind(most)).await
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
