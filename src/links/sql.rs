//! The table of links.

use sqlx::FromRow;

use super::{Link, SAME_LINK};
use crate::{
    domain::AccountId,
    platform::error::Fault,
    store::{
        Kind::{Number, Text},
        Store, Table,
        db::{Db, Tx, sql},
        table,
    },
};

pub(crate) const TABLES: &[Table] = &[table(
    "links",
    &[
        ("hash", Text),
        ("purpose", Text),
        ("account_id", Number),
        ("epoch", Number),
        ("sent_to", Text),
        ("expires_at", Number),
        ("used_at", Number),
    ],
)];

#[derive(FromRow)]
struct LinkRow {
    account_id: i64,
    used_at: Option<i64>,
    expires_at: i64,
    sent_to: Option<String>,
}

/// Stores a link with the account's current epoch.
pub(super) async fn insert(
    tx: &mut Tx,
    hash: &str,
    purpose: &str,
    account: AccountId,
    expires_at: i64,
    sent_to: Option<&str>,
) -> Result<(), Fault> {
    let insert = "INSERT INTO links (hash, purpose, account_id, epoch, sent_to, expires_at) \
                  SELECT $1, $2, id, epoch, $5, $4 FROM accounts WHERE id = $3";
    let insert = sql(insert).bind(hash).bind(purpose).bind(account).bind(expires_at);
    tx.execute(insert.bind(sent_to)).await?;
    Ok(())
}

/// Setting a password raises the epoch, so the lookup of a used link ignores it.
pub(super) async fn find(
    db: &mut Db,
    hash: &str,
    purpose: &str,
    now: i64,
) -> Result<Option<Link>, Fault> {
    let query = "SELECT l.account_id, l.used_at, l.expires_at, l.sent_to \
                 FROM links l JOIN accounts a ON a.id = l.account_id WHERE l.hash = $1 AND l.purpose = $2 AND l.expires_at > $3 \
                 AND a.disabled_at IS NULL AND (a.delete_at IS NULL OR a.delete_at > $3) \
                 AND ((l.used_at IS NULL AND l.epoch = a.epoch) OR l.used_at >= $4)";
    let query = sql(query).bind(hash).bind(purpose).bind(now).bind(now - SAME_LINK);
    let row: Option<LinkRow> = db.optional(query).await?;
    Ok(row.map(|LinkRow { account_id, used_at, expires_at, sent_to }| Link {
        account: AccountId(account_id),
        used: used_at.is_some(),
        expires_at,
        sent_to,
    }))
}

pub(super) async fn expiry(
    tx: &mut Tx,
    purpose: &str,
    account: AccountId,
    sent_to: &str,
    now: i64,
) -> Result<Option<i64>, Fault> {
    let query = "SELECT l.expires_at FROM links l JOIN accounts a ON a.id = l.account_id \
                 WHERE l.account_id = $1 AND l.purpose = $2 AND l.sent_to = $3 AND l.expires_at > $4 \
                 AND l.used_at IS NULL AND l.epoch = a.epoch";
    let query = sql(query).bind(account).bind(purpose).bind(sent_to).bind(now);
    let row: Option<(i64,)> = tx.optional(query).await?;
    Ok(row.map(|(expires_at,)| expires_at))
}

pub(super) async fn use_up(
    tx: &mut Tx,
    hash: &str,
    purpose: &str,
    now: i64,
) -> Result<bool, Fault> {
    let used = "UPDATE links SET used_at = $3 WHERE hash = $1 AND purpose = $2 AND expires_at > $3 \
                AND used_at IS NULL AND epoch = (SELECT epoch FROM accounts WHERE id = account_id)";
    Ok(tx.execute(sql(used).bind(hash).bind(purpose).bind(now)).await? == 1)
}

pub(super) async fn delete(tx: &mut Tx, purpose: &str, account: AccountId) -> Result<(), Fault> {
    let delete = "DELETE FROM links WHERE account_id = $1 AND purpose = $2";
    tx.execute(sql(delete).bind(account).bind(purpose)).await?;
    Ok(())
}

pub(super) async fn void(tx: &mut Tx, account: AccountId) -> Result<(), Fault> {
    let void = "DELETE FROM links WHERE account_id = $1 AND used_at IS NULL";
    tx.execute(sql(void).bind(account)).await?;
    Ok(())
}

/// Deletes expired and used links.
pub(crate) async fn forget(store: &Store, now: i64) -> Result<(), Fault> {
    let over = "expires_at <= $1 OR used_at < $1 - 3600";
    store.in_pieces("DELETE FROM links", ("links", "hash"), over, now).await?;
    Ok(())
}
