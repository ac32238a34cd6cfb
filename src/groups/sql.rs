//! The tables of groups.

use std::collections::HashMap;

use sqlx::FromRow;

use super::COUNTED;
use crate::{
    domain::AccountId,
    platform::error::Fault,
    store::{
        Kind::{Number, Text},
        Table,
        db::{Db, Sql, Tx, listed, sql, sql_of},
        table,
    },
};

pub(crate) const TABLES: &[Table] = &[
    table("account_groups", &[("account_id", Number), ("name", Text)]),
    table("group_names", &[("name", Text), ("description", Text), ("created_at", Number)]),
];

/// A group.
#[derive(Clone, Debug, FromRow)]
pub struct Group {
    pub name: String,
    pub description: String,
    /// In seconds since 1970; 0 if it was not recorded.
    pub created_at: i64,
    /// Counted up to [`COUNTED`], and one more.
    pub members: i64,
}

fn groups(condition: &str) -> Sql {
    let most = COUNTED + 1;
    sql_of(format!(
        "SELECT n.name, n.description, n.created_at, (SELECT COUNT(*) FROM (SELECT 1 AS one \
         FROM account_groups g WHERE g.name = n.name LIMIT {most}) counted) AS members \
         FROM group_names n {condition} ORDER BY n.name"
    ))
}

pub(super) async fn all(db: &mut Db) -> Result<Vec<Group>, Fault> {
    db.all(groups("")).await
}

pub(super) async fn count(tx: &mut Tx) -> Result<usize, Fault> {
    tx.count(sql("SELECT COUNT(*) FROM group_names")).await
}

pub(super) async fn names(db: &mut Db) -> Result<Vec<String>, Fault> {
    let rows: Vec<(String,)> = db.all(sql("SELECT name FROM group_names ORDER BY name")).await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

pub(super) async fn find(db: &mut Db, name: &str) -> Result<Option<Group>, Fault> {
    db.optional(groups("WHERE n.name = $1").bind(name)).await
}

/// `false`: it exists.
pub(super) async fn make(
    tx: &mut Tx,
    name: &str,
    description: &str,
    now: i64,
) -> Result<bool, Fault> {
    let insert = "INSERT INTO group_names (name, description, created_at) VALUES ($1, $2, $3) \
                  ON CONFLICT (name) DO NOTHING";
    Ok(tx.execute(sql(insert).bind(name).bind(description).bind(now)).await? == 1)
}

/// `false`: it already says so.
pub(super) async fn describe(tx: &mut Tx, name: &str, description: &str) -> Result<bool, Fault> {
    let update = "UPDATE group_names SET description = $2 WHERE name = $1 AND description <> $2";
    Ok(tx.execute(sql(update).bind(name).bind(description)).await? == 1)
}

pub(super) async fn remove(tx: &mut Tx, name: &str) -> Result<bool, Fault> {
    tx.execute(sql("DELETE FROM account_groups WHERE name = $1").bind(name)).await?;
    Ok(tx.execute(sql("DELETE FROM group_names WHERE name = $1").bind(name)).await? == 1)
}

pub(super) async fn is_in(db: &mut Db, account: AccountId, name: &str) -> Result<bool, Fault> {
    let query = "SELECT account_id FROM account_groups WHERE account_id = $1 AND name = $2";
    db.exists(sql(query).bind(account).bind(name)).await
}

/// The condition for administrators who can sign in.
const ACTIVE_ADMIN: &str = "SELECT g.account_id FROM account_groups g JOIN accounts a \
                            ON a.id = g.account_id WHERE g.name = 'admin' \
                            AND a.disabled_at IS NULL AND a.delete_at IS NULL";

/// The condition that whoever a column names, as the actor of an event, still administers this server. The operator,
/// who has no name, always does.
pub(crate) fn still_administers(column: &str) -> String {
    format!("({column} = '' OR EXISTS ({ACTIVE_ADMIN} AND CAST(a.id AS TEXT) = {column}))")
}

pub(super) async fn is_active_admin(db: &mut Db, account: AccountId) -> Result<bool, Fault> {
    db.exists(sql_of(format!("{ACTIVE_ADMIN} AND a.id = $1")).bind(account)).await
}

/// Whether another administrator has a way in: a password, a passkey, an account elsewhere, or an address for a link.
pub(super) async fn has_other_admin(db: &mut Db, account: AccountId) -> Result<bool, Fault> {
    let ways = ["passwords", "passkeys", "identities"];
    let ways =
        ways.map(|table| format!("EXISTS (SELECT 1 FROM {table} w WHERE w.account_id = a.id)"));
    let query = sql_of(format!(
        "{ACTIVE_ADMIN} AND a.id <> $1 AND ({} OR EXISTS (SELECT 1 FROM emails w \
         WHERE w.account_id = a.id AND w.verified_at IS NOT NULL)) LIMIT 1",
        ways.join(" OR ")
    ));
    db.exists(query.bind(account)).await
}

pub(super) async fn of(db: &mut Db, account: AccountId) -> Result<Vec<String>, Fault> {
    let query = "SELECT name FROM account_groups WHERE account_id = $1 ORDER BY name";
    let rows: Vec<(String,)> = db.all(sql(query).bind(account)).await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

pub(super) async fn of_many(
    db: &mut Db,
    accounts: &[AccountId],
) -> Result<HashMap<AccountId, Vec<String>>, Fault> {
    let mut groups: HashMap<AccountId, Vec<String>> = HashMap::new();
    if accounts.is_empty() {
        return Ok(groups);
    }
    let list = listed(1, accounts.len());
    let query = sql_of(format!(
        "SELECT account_id, name FROM account_groups WHERE account_id IN ({list}) ORDER BY name"
    ));
    let rows: Vec<(i64, String)> =
        db.all(accounts.iter().fold(query, |query, id| query.bind(*id))).await?;
    for (account, name) in rows {
        groups.entry(AccountId(account)).or_default().push(name);
    }
    Ok(groups)
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
