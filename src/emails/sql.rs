//! The table of addresses.

use super::Emails;
use crate::{
    domain::AccountId,
    platform::error::Fault,
    store::{
        Kind::{Number, Text},
        Table,
        db::{Db, Tx, sql},
        table,
    },
};

pub(crate) const TABLES: &[Table] = &[table(
    "emails",
    &[
        ("account_id", Number),
        ("address", Text),
        ("address_key", Text),
        ("language", Text),
        ("added_at", Number),
        ("verified_at", Number),
    ],
)];

pub(super) async fn of(db: &mut Db, account: AccountId) -> Result<Emails, Fault> {
    let query = "SELECT address, verified_at FROM emails WHERE account_id = $1 ORDER BY added_at";
    let rows: Vec<(String, Option<i64>)> = db.all(sql(query).bind(account)).await?;
    let mut emails = Emails::default();
    for (address, verified_at) in rows {
        let place = if verified_at.is_some() { &mut emails.verified } else { &mut emails.pending };
        *place = Some(address);
    }
    Ok(emails)
}

pub(super) async fn owner(db: &mut Db, key: &str) -> Result<Option<AccountId>, Fault> {
    let query = "SELECT account_id FROM emails WHERE address_key = $1 AND verified_at IS NOT NULL";
    let row: Option<(i64,)> = db.optional(sql(query).bind(key)).await?;
    Ok(row.map(|(id,)| AccountId(id)))
}

/// The verified address of an account, and the language in which its owner is addressed.
pub(super) async fn verified(
    db: &mut Db,
    account: AccountId,
) -> Result<Option<(String, String)>, Fault> {
    let query =
        "SELECT address, language FROM emails WHERE account_id = $1 AND verified_at IS NOT NULL";
    db.optional(sql(query).bind(account)).await
}

pub(super) async fn address(
    db: &mut Db,
    account: AccountId,
    key: &str,
) -> Result<Option<String>, Fault> {
    let query = "SELECT address FROM emails WHERE account_id = $1 AND address_key = $2";
    let row: Option<(String,)> = db.optional(sql(query).bind(account).bind(key)).await?;
    Ok(row.map(|(address,)| address))
}

pub(super) async fn insert(
    tx: &mut Tx,
    account: AccountId,
    address: &str,
    key: &str,
    language: &str,
    now: i64,
) -> Result<(), Fault> {
    let insert = "INSERT INTO emails (account_id, address, address_key, language, added_at) \
                  VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
    let insert = sql(insert).bind(account).bind(address).bind(key).bind(language).bind(now);
    tx.execute(insert).await?;
    Ok(())
}

/// `false`: there is no such claim any more.
pub(super) async fn set_verified(
    tx: &mut Tx,
    account: AccountId,
    key: &str,
    now: i64,
) -> Result<bool, Fault> {
    let update = "UPDATE emails SET verified_at = $3 WHERE account_id = $1 AND address_key = $2";
    Ok(tx.execute(sql(update).bind(account).bind(key).bind(now)).await? == 1)
}

pub(super) async fn forget_pending(tx: &mut Tx, account: AccountId) -> Result<(), Fault> {
    let delete = "DELETE FROM emails WHERE account_id = $1 AND verified_at IS NULL";
    tx.execute(sql(delete).bind(account)).await?;
    Ok(())
}

pub(super) async fn forget_verified(tx: &mut Tx, account: AccountId) -> Result<(), Fault> {
    let delete = "DELETE FROM emails WHERE account_id = $1 AND verified_at IS NOT NULL";
    tx.execute(sql(delete).bind(account)).await?;
    Ok(())
}

/// The claims of others on an address that has an owner now.
pub(super) async fn forget_claims(tx: &mut Tx, owner: AccountId, key: &str) -> Result<(), Fault> {
    let delete = "DELETE FROM emails WHERE address_key = $2 AND account_id <> $1";
    tx.execute(sql(delete).bind(owner).bind(key)).await?;
    Ok(())
}

pub(super) async fn delete(tx: &mut Tx, account: AccountId) -> Result<u64, Fault> {
    tx.execute(sql("DELETE FROM emails WHERE account_id = $1").bind(account)).await
}
