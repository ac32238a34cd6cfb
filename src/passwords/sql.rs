//! The table of passwords.

use std::collections::HashMap;

use sqlx::FromRow;

use super::{Holder, PasswordHash};
use crate::{
    domain::{AccountId, Profile, UsernameKey},
    platform::{clock::now, error::Fault},
    store::{
        Kind::{Number, Text},
        Store, Table,
        db::{Db, Sql, Tx, sql, sql_of},
        profile::{NAMED, PROFILE},
        table,
    },
};

pub(crate) const TABLES: &[Table] =
    &[table("passwords", &[("account_id", Number), ("hash", Text)])];

#[derive(FromRow)]
struct HolderRow {
    #[sqlx(flatten)]
    profile: Profile,
    disabled_at: Option<i64>,
    delete_at: Option<i64>,
    epoch: i64,
    hash: Option<String>,
}

impl From<HolderRow> for Holder {
    fn from(row: HolderRow) -> Self {
        Self {
            profile: row.profile,
            epoch: row.epoch,
            hash: row.hash.map(PasswordHash::of),
            disabled: row.disabled_at.is_some() || row.delete_at.is_some_and(|at| at <= now()),
        }
    }
}

fn holders(condition: &str) -> Sql {
    let profile = &*PROFILE;
    sql_of(format!(
        "SELECT {profile}, a.disabled_at, a.delete_at, a.epoch, p.hash \
         FROM accounts a LEFT JOIN passwords p ON p.account_id = a.id WHERE {condition}"
    ))
}

pub(super) async fn named(db: &mut Db, username: &UsernameKey) -> Result<Option<Holder>, Fault> {
    let query = holders(NAMED).bind(username.as_str()).bind(username.unfolded());
    Ok(db.optional::<HolderRow>(query).await?.map(Holder::from))
}

pub(super) async fn of(db: &mut Db, account: AccountId) -> Result<Option<Holder>, Fault> {
    let query = holders("a.id = $1").bind(account);
    Ok(db.optional::<HolderRow>(query).await?.map(Holder::from))
}

/// The hashes of the accounts with ids greater than `after`, up to `last`.
pub(super) async fn between(
    db: &mut Db,
    after: i64,
    last: i64,
) -> Result<HashMap<AccountId, PasswordHash>, Fault> {
    let query = "SELECT account_id, hash FROM passwords WHERE account_id > $1 AND account_id <= $2";
    let rows: Vec<(i64, String)> = db.all(sql(query).bind(after).bind(last)).await?;
    Ok(rows.into_iter().map(|(id, hash)| (AccountId(id), PasswordHash::of(hash))).collect())
}

pub(super) async fn insert(
    tx: &mut Tx,
    account: AccountId,
    hash: &PasswordHash,
) -> Result<(), Fault> {
    let insert = "INSERT INTO passwords (account_id, hash) VALUES ($1, $2) \
                  ON CONFLICT (account_id) DO UPDATE SET hash = excluded.hash";
    tx.execute(sql(insert).bind(account).bind(hash.expose())).await?;
    Ok(())
}

pub(super) async fn delete(tx: &mut Tx, account: AccountId) -> Result<(), Fault> {
    let delete = "DELETE FROM passwords WHERE account_id = $1";
    tx.execute(sql(delete).bind(account)).await?;
    Ok(())
}

/// `false`: the password was changed in the meantime.
pub(super) async fn replace(
    store: &Store,
    account: AccountId,
    old: &PasswordHash,
    new: &PasswordHash,
) -> Result<bool, Fault> {
    let replace = "UPDATE passwords SET hash = $1 WHERE account_id = $2 AND hash = $3";
    let replace = sql(replace).bind(new.expose()).bind(account).bind(old.expose());
    Ok(store.write().await?.execute(replace).await? == 1)
}
