//! The table of addresses.

use std::collections::HashMap;

use super::{Emails, Reachable, State, former::Former};
use crate::{
    directory::{self, Of},
    domain::AccountId,
    links::SAME_LINK,
    platform::error::Fault,
    store::{
        Kind::{Number, Text},
        Store, Table,
        db::{Db, Tx, listed, sql, sql_of},
        dialects::Dialects,
        table,
    },
};

pub(crate) const TABLES: &[Table] = &[
    table(
        "emails",
        &[
            ("account_id", Number),
            ("address", Text),
            ("address_key", Text),
            ("language", Text),
            ("added_at", Number),
            ("verified_at", Number),
            ("tied_at", Number),
        ],
    ),
    table(
        "former_emails",
        &[
            ("hash", Text),
            ("account_id", Number),
            ("address", Text),
            ("address_key", Text),
            ("language", Text),
            ("expires_at", Number),
            ("used_at", Number),
        ],
    ),
];

/// Two accounts verify one address one after the other. SQLite has only one writer anyway.
const ADDRESSES_ONE_BY_ONE: Dialects<Option<&str>> = Dialects {
    sqlite: None,
    postgres: Some("SELECT pg_advisory_xact_lock(hashtextextended('latchkey email ' || $1, 0))"),
};

/// Stops anybody else from verifying an address until the end of the transaction. It comes after the
/// lock of the account.
pub(super) async fn lock_address(tx: &mut Tx, key: &str) -> Result<(), Fault> {
    if let Some(lock) = tx.dialect(&ADDRESSES_ONE_BY_ONE) {
        tx.execute(sql(lock).bind(key)).await?;
    }
    Ok(())
}

pub(super) async fn of(db: &mut Db, account: AccountId) -> Result<Emails, Fault> {
    let query = "SELECT address, verified_at FROM emails WHERE account_id = $1";
    let rows: Vec<(String, Option<i64>)> = db.all(sql(query).bind(account)).await?;
    let mut emails = Emails::default();
    for (address, verified_at) in rows {
        let place = if verified_at.is_some() { &mut emails.verified } else { &mut emails.pending };
        *place = Some(address);
    }
    let query = "SELECT address FROM former_emails WHERE account_id = $1 AND used_at IS NULL \
                 ORDER BY expires_at";
    let rows: Vec<(String,)> = db.all(sql(query).bind(account)).await?;
    emails.former = rows.into_iter().map(|(address,)| address).collect();
    Ok(emails)
}

/// The verified one of each account, or else the one that waits.
pub(super) async fn between(
    db: &mut Db,
    after: i64,
    last: i64,
) -> Result<HashMap<AccountId, (String, State)>, Fault> {
    let query = "SELECT account_id, address, verified_at, tied_at FROM emails \
                 WHERE account_id > $1 AND account_id <= $2 ORDER BY verified_at IS NOT NULL";
    let rows: Vec<(i64, String, Option<i64>, Option<i64>)> =
        db.all(sql(query).bind(after).bind(last)).await?;
    let one =
        |(account, address, verified_at, tied_at): (i64, String, Option<i64>, Option<i64>)| {
            let state = match (verified_at, tied_at) {
                (None, _) => State::Pending,
                (Some(_), None) => State::Verified,
                (Some(_), Some(_)) => State::Tied,
            };
            (AccountId(account), (address, state))
        };
    // A verified one comes last, and stays.
    Ok(rows.into_iter().map(one).collect())
}

/// The verified one of each of some accounts, or else the one that waits.
pub(super) async fn of_many(
    db: &mut Db,
    accounts: &[AccountId],
) -> Result<HashMap<AccountId, (String, bool)>, Fault> {
    if accounts.is_empty() {
        return Ok(HashMap::new());
    }
    let list = listed(1, accounts.len());
    let query = sql_of(format!(
        "SELECT account_id, address, verified_at FROM emails WHERE account_id IN ({list}) \
         ORDER BY verified_at IS NOT NULL"
    ));
    let rows: Vec<(i64, String, Option<i64>)> =
        db.all(accounts.iter().fold(query, |query, id| query.bind(*id))).await?;
    let one =
        |(id, address, at): (i64, String, Option<i64>)| (AccountId(id), (address, at.is_some()));
    // A verified one comes last, and stays.
    Ok(rows.into_iter().map(one).collect())
}

pub(super) async fn owner(db: &mut Db, key: &str) -> Result<Option<AccountId>, Fault> {
    let query = "SELECT account_id FROM emails WHERE address_key = $1 AND verified_at IS NOT NULL";
    let row: Option<(i64,)> = db.optional(sql(query).bind(key)).await?;
    Ok(row.map(|(id,)| AccountId(id)))
}

pub(super) async fn reachable(db: &mut Db, account: AccountId) -> Result<Option<Reachable>, Fault> {
    let query = "SELECT e.address, e.language, a.username FROM emails e \
                 JOIN accounts a ON a.id = e.account_id \
                 WHERE e.account_id = $1 AND e.verified_at IS NOT NULL";
    let row: Option<(String, String, String)> = db.optional(sql(query).bind(account)).await?;
    Ok(row.map(|(address, language, username)| Reachable { address, language, username }))
}

/// An address that waits to be verified.
pub(super) struct Waiting {
    pub(super) key: String,
    pub(super) reachable: Reachable,
}

/// The one of an account that has no verified address.
pub(super) async fn waiting(tx: &mut Tx, account: AccountId) -> Result<Option<Waiting>, Fault> {
    let query = "SELECT e.address_key, e.address, e.language, a.username FROM emails e \
                 JOIN accounts a ON a.id = e.account_id \
                 WHERE e.account_id = $1 AND e.verified_at IS NULL AND NOT EXISTS \
                 (SELECT 1 FROM emails v WHERE v.account_id = $1 AND v.verified_at IS NOT NULL)";
    let row: Option<(String, String, String, String)> =
        tx.optional(sql(query).bind(account)).await?;
    Ok(row.map(|(key, address, language, username)| Waiting {
        key,
        reachable: Reachable { address, language, username },
    }))
}

/// The account that was the last to be given this address, which nobody has verified.
pub(super) async fn claimant(db: &mut Db, key: &str) -> Result<Option<AccountId>, Fault> {
    let query = "SELECT account_id FROM emails WHERE address_key = $1 AND verified_at IS NULL \
                 ORDER BY added_at DESC, account_id LIMIT 1";
    let row: Option<(i64,)> = db.optional(sql(query).bind(key)).await?;
    Ok(row.map(|(id,)| AccountId(id)))
}

/// Whether an address of an account waits to be verified.
pub(super) async fn is_waiting(tx: &mut Tx, account: AccountId) -> Result<bool, Fault> {
    let query = "SELECT account_id FROM emails WHERE account_id = $1 AND verified_at IS NULL";
    tx.exists(sql(query).bind(account)).await
}

pub(super) async fn is_tied(tx: &mut Tx, account: AccountId) -> Result<bool, Fault> {
    let query = "SELECT account_id FROM emails WHERE account_id = $1 AND tied_at IS NOT NULL";
    tx.exists(sql(query).bind(account)).await
}

/// Ties the verified address of an account to it.
pub(super) async fn tie(tx: &mut Tx, account: AccountId, now: i64) -> Result<(), Fault> {
    let update = "UPDATE emails SET tied_at = $2 \
                  WHERE account_id = $1 AND verified_at IS NOT NULL AND tied_at IS NULL";
    tx.execute(sql(update).bind(account).bind(now)).await?;
    Ok(())
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
    directory::add(tx, account, Of::Address, &found_by(key)).await
}

/// An address is found by its beginning, and by that of its domain.
fn found_by(key: &str) -> Vec<&str> {
    [key].into_iter().chain(key.rsplit_once('@').map(|(_, domain)| domain)).collect()
}

/// What an account is found by, after some of its addresses have gone.
async fn list_anew(tx: &mut Tx, account: AccountId) -> Result<(), Fault> {
    let query = "SELECT address_key FROM emails WHERE account_id = $1";
    let keys: Vec<(String,)> = tx.all(sql(query).bind(account)).await?;
    let texts: Vec<&str> = keys.iter().flat_map(|(key,)| found_by(key)).collect();
    directory::set(tx, account, Of::Address, &texts).await
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
    list_anew(tx, account).await
}

pub(super) async fn forget_verified(tx: &mut Tx, account: AccountId) -> Result<(), Fault> {
    let delete = "DELETE FROM emails WHERE account_id = $1 AND verified_at IS NOT NULL";
    tx.execute(sql(delete).bind(account)).await?;
    list_anew(tx, account).await
}

/// One claim of an account.
pub(super) async fn forget_claim(tx: &mut Tx, account: AccountId, key: &str) -> Result<(), Fault> {
    let delete = "DELETE FROM emails \
                  WHERE account_id = $1 AND address_key = $2 AND verified_at IS NULL";
    tx.execute(sql(delete).bind(account).bind(key)).await?;
    list_anew(tx, account).await
}

/// The claims of others on an address that has an owner now.
pub(super) async fn forget_claims(tx: &mut Tx, owner: AccountId, key: &str) -> Result<(), Fault> {
    let delete = "DELETE FROM emails WHERE address_key = $2 AND account_id <> $1 \
                  RETURNING account_id";
    let others: Vec<(i64,)> = tx.all(sql(delete).bind(owner).bind(key)).await?;
    for (other,) in others {
        list_anew(tx, AccountId(other)).await?;
    }
    Ok(())
}

pub(super) async fn delete(tx: &mut Tx, account: AccountId) -> Result<u64, Fault> {
    let deleted = tx.execute(sql("DELETE FROM emails WHERE account_id = $1").bind(account)).await?;
    list_anew(tx, account).await?;
    Ok(deleted)
}

/// The keys of the addresses of each account with an id greater than `after`, up to `last`.
pub(super) async fn keys_between(
    db: &mut Db,
    after: i64,
    last: i64,
) -> Result<Vec<(i64, String)>, Fault> {
    let query =
        "SELECT account_id, address_key FROM emails WHERE account_id > $1 AND account_id <= $2";
    db.all(sql(query).bind(after).bind(last)).await
}

/// Lists an address that was there before the directory.
pub(super) async fn list(tx: &mut Tx, account: AccountId, key: &str) -> Result<(), Fault> {
    directory::add(tx, account, Of::Address, &found_by(key)).await
}

/// Notes the verified address of an account as a former one. Later ones expire later.
pub(super) async fn part_with(
    tx: &mut Tx,
    account: AccountId,
    hash: &str,
    expires_at: i64,
) -> Result<(), Fault> {
    let last = "SELECT MAX(expires_at) FROM former_emails WHERE account_id = $1";
    let (last,): (Option<i64>,) = tx.one(sql(last).bind(account)).await?;
    let expires_at = last.map_or(expires_at, |last| expires_at.max(last + 1));
    let insert = "INSERT INTO former_emails \
                  (hash, account_id, address, address_key, language, expires_at) \
                  SELECT $2, account_id, address, address_key, language, $3 FROM emails \
                  WHERE account_id = $1 AND verified_at IS NOT NULL";
    tx.execute(sql(insert).bind(account).bind(hash).bind(expires_at)).await?;
    Ok(())
}

pub(super) async fn former(db: &mut Db, hash: &str, now: i64) -> Result<Option<Former>, Fault> {
    let query = "SELECT f.account_id, f.address, f.address_key, f.language, f.used_at \
                 FROM former_emails f JOIN accounts a ON a.id = f.account_id \
                 WHERE f.hash = $1 AND f.expires_at > $2 AND (f.used_at IS NULL OR f.used_at >= $3) \
                 AND a.disabled_at IS NULL AND (a.delete_at IS NULL OR a.delete_at > $2)";
    let query = sql(query).bind(hash).bind(now).bind(now - SAME_LINK);
    let row: Option<(i64, String, String, String, Option<i64>)> = db.optional(query).await?;
    Ok(row.map(|(account, address, key, language, used_at)| Former {
        account: AccountId(account),
        address,
        key,
        language,
        used: used_at.is_some(),
    }))
}

/// Uses up a former address, and forgets those after it. Those before it can still be brought back:
/// otherwise a thief who changes the address twice could void the owner's link with their own.
pub(super) async fn use_former(
    tx: &mut Tx,
    account: AccountId,
    hash: &str,
    now: i64,
) -> Result<(), Fault> {
    let delete = "DELETE FROM former_emails WHERE account_id = $1 AND expires_at > \
                  (SELECT f.expires_at FROM former_emails f WHERE f.hash = $2)";
    tx.execute(sql(delete).bind(account).bind(hash)).await?;
    let update = "UPDATE former_emails SET used_at = $2 WHERE hash = $1";
    tx.execute(sql(update).bind(hash).bind(now)).await?;
    Ok(())
}

pub(super) async fn forget_former(tx: &mut Tx, account: AccountId) -> Result<(), Fault> {
    tx.execute(sql("DELETE FROM former_emails WHERE account_id = $1").bind(account)).await?;
    Ok(())
}

/// Forgets the former addresses that can no longer be brought back, or have been.
pub(crate) async fn forget(store: &Store, now: i64) -> Result<(), Fault> {
    let over = "expires_at <= $1 OR used_at < $1 - 3600";
    store.in_pieces("DELETE FROM former_emails", ("former_emails", "hash"), over, now).await?;
    Ok(())
}
