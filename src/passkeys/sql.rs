//! The table of passkeys.

use sqlx::FromRow;

use super::{NewKey, Passkey, Verified};
use crate::{
    domain::AccountId,
    platform::error::Fault,
    store::{
        Kind::{Number, Text},
        Table,
        db::{Db, Sql, Tx, sql, sql_of},
        table,
    },
};

pub(crate) const TABLES: &[Table] = &[table(
    "passkeys",
    &[
        ("id", Text),
        ("account_id", Number),
        ("rp_id", Text),
        ("name", Text),
        ("public_key", Text),
        ("counter", Number),
        ("backup_eligible", Number),
        ("backed_up", Number),
        ("aaguid", Text),
        ("transports", Text),
        ("created_at", Number),
        ("last_used_at", Number),
        ("unproven", Number),
    ],
)];

#[derive(FromRow)]
struct PasskeyRow {
    id: String,
    account_id: i64,
    name: String,
    public_key: String,
    counter: i64,
    backup_eligible: i64,
    backed_up: i64,
    transports: String,
    created_at: i64,
    last_used_at: Option<i64>,
}

impl From<PasskeyRow> for Passkey {
    fn from(row: PasskeyRow) -> Self {
        Self {
            id: row.id,
            account: AccountId(row.account_id),
            name: row.name,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            backup_eligible: row.backup_eligible != 0,
            backed_up: row.backed_up != 0,
            public_key: row.public_key,
            counter: row.counter,
            transports: row.transports,
        }
    }
}

fn passkeys(condition: &str) -> Sql {
    sql_of(format!(
        "SELECT id, account_id, name, public_key, counter, backup_eligible, backed_up, transports, \
         created_at, last_used_at FROM passkeys WHERE {condition}"
    ))
}

pub(super) async fn of_account(
    db: &mut Db,
    account: AccountId,
    home: &str,
) -> Result<Vec<Passkey>, Fault> {
    let query = passkeys("account_id = $1 AND rp_id = $2 ORDER BY created_at, id");
    let rows: Vec<PasskeyRow> = db.all(query.bind(account).bind(home)).await?;
    Ok(rows.into_iter().map(Passkey::from).collect())
}

pub(super) async fn count(db: &mut Db, account: AccountId, home: &str) -> Result<i64, Fault> {
    let count = "SELECT COUNT(*) FROM passkeys WHERE account_id = $1 AND rp_id = $2";
    Ok(db.one::<(i64,)>(sql(count).bind(account).bind(home)).await?.0)
}

pub(super) async fn count_all(db: &mut Db, account: AccountId) -> Result<i64, Fault> {
    let count = "SELECT COUNT(*) FROM passkeys WHERE account_id = $1";
    Ok(db.one::<(i64,)>(sql(count).bind(account)).await?.0)
}

pub(super) async fn strays(db: &mut Db, home: &str) -> Result<i64, Fault> {
    let count = "SELECT COUNT(*) FROM passkeys WHERE rp_id <> $1";
    Ok(db.one::<(i64,)>(sql(count).bind(home)).await?.0)
}

pub(super) async fn find(db: &mut Db, id: &str, home: &str) -> Result<Option<Passkey>, Fault> {
    let query = passkeys("id = $1 AND rp_id = $2").bind(id).bind(home);
    Ok(db.optional::<PasskeyRow>(query).await?.map(Passkey::from))
}

pub(super) async fn insert(
    tx: &mut Tx,
    account: AccountId,
    name: &str,
    key: &NewKey,
    (home, unproven): (&str, bool),
    now: i64,
) -> Result<bool, Fault> {
    let insert = "INSERT INTO passkeys (id, account_id, rp_id, name, public_key, counter, \
                  backup_eligible, backed_up, aaguid, transports, created_at, unproven) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (id) DO NOTHING";
    let insert = sql(insert)
        .bind(&key.id)
        .bind(account)
        .bind(home)
        .bind(name)
        .bind(&key.public_key)
        .bind(key.counter)
        .bind(key.backup_eligible)
        .bind(key.backed_up)
        .bind(&key.aaguid)
        .bind(&key.transports)
        .bind(now)
        .bind(unproven);
    Ok(tx.execute(insert).await? == 1)
}

/// Authenticators that count send more each time; the others always send 0.
pub(super) async fn used(tx: &mut Tx, key: &Verified, now: i64) -> Result<bool, Fault> {
    let update = "UPDATE passkeys SET counter = $3, backed_up = $4, last_used_at = $5 \
                  WHERE id = $1 AND account_id = $2 AND (counter < $3 OR (counter = 0 AND $3 = 0))";
    let update = sql(update).bind(&key.id).bind(key.account).bind(key.counter).bind(key.backed_up);
    Ok(tx.execute(update.bind(now)).await? == 1)
}

pub(super) async fn rename(
    tx: &mut Tx,
    account: AccountId,
    id: &str,
    name: &str,
) -> Result<bool, Fault> {
    let update = "UPDATE passkeys SET name = $3 WHERE account_id = $1 AND id = $2";
    Ok(tx.execute(sql(update).bind(account).bind(id).bind(name)).await? == 1)
}

/// Returns its name.
pub(super) async fn remove(
    tx: &mut Tx,
    account: AccountId,
    id: &str,
) -> Result<Option<String>, Fault> {
    let delete = "DELETE FROM passkeys WHERE account_id = $1 AND id = $2 RETURNING name";
    let name: Option<(String,)> = tx.optional(sql(delete).bind(account).bind(id)).await?;
    Ok(name.map(|(name,)| name))
}

pub(super) async fn remove_all(tx: &mut Tx, account: AccountId) -> Result<u64, Fault> {
    let delete = "DELETE FROM passkeys WHERE account_id = $1";
    tx.execute(sql(delete).bind(account)).await
}

pub(super) async fn is_one_proven(tx: &mut Tx, account: AccountId) -> Result<bool, Fault> {
    let query = "SELECT account_id FROM passkeys WHERE account_id = $1 AND unproven = 0";
    tx.exists(sql(query).bind(account)).await
}
