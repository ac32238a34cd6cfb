//! The table of groups.

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

pub(crate) const TABLES: &[Table] =
    &[table("account_groups", &[("account_id", Number), ("name", Text)])];

pub(super) async fn of(db: &mut Db, account: AccountId) -> Result<Vec<String>, Fault> {
    let query = "SELECT name FROM account_groups WHERE account_id = $1 ORDER BY name";
    let rows: Vec<(String,)> = db.all(sql(query).bind(account)).await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

pub(super) async fn join(tx: &mut Tx, account: AccountId, name: &str) -> Result<bool, Fault> {
    let insert = "INSERT INTO account_groups (account_id, name) VALUES ($1, $2) \
                  ON CONFLICT (account_id, name) DO NOTHING";
    Ok(tx.execute(sql(insert).bind(account).bind(name)).await? == 1)
}

pub(super) async fn leave(tx: &mut Tx, account: AccountId, name: &str) -> Result<bool, Fault> {
    let delete = "DELETE FROM account_groups WHERE account_id = $1 AND name = $2";
    Ok(tx.execute(sql(delete).bind(account).bind(name)).await? == 1)
}
