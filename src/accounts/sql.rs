//! The table of accounts.

use sqlx::FromRow;

use super::{AccountRecord, NewRow};
use crate::{
    domain::{AccountId, Profile, ProfileChange, Username, UsernameKey, profile::FIELDS},
    platform::error::Fault,
    store::{
        Kind::{Number, Text},
        Table,
        db::{Db, Sql, Tx, sql, sql_of},
        dialects::Dialects,
        profile::{NAMED, PROFILE},
        table,
    },
};

pub(crate) const TABLES: &[Table] = &[table(
    "accounts",
    &[
        ("id", Number),
        ("username", Text),
        ("username_key", Text),
        ("username_skeleton", Text),
        ("username_typed_skeleton", Text),
        ("created_at", Number),
        ("disabled_at", Number),
        ("delete_at", Number),
        ("epoch", Number),
    ],
)
.with(profile_columns)];

fn profile_columns() -> Vec<&'static str> {
    FIELDS.iter().map(|field| field.column).collect()
}

/// The unique indexes can't detect that a name looks like another one as it was typed, so two
/// concurrent sign-ups must not both check and then both insert. SQLite has one writer anyway.
const NAMES_ONE_BY_ONE: Dialects<Option<&str>> = Dialects {
    sqlite: None,
    // Any number that nothing else uses. Held until the end of the transaction.
    postgres: Some("SELECT pg_advisory_xact_lock(7309453471)"),
};

#[derive(FromRow)]
struct Record {
    #[sqlx(flatten)]
    profile: Profile,
    disabled_at: Option<i64>,
    delete_at: Option<i64>,
}

impl From<Record> for AccountRecord {
    fn from(Record { profile, disabled_at, delete_at }: Record) -> Self {
        Self { profile, disabled_at, delete_at }
    }
}

fn records(condition: &str) -> Sql {
    let profile = &*PROFILE;
    sql_of(format!(
        "SELECT {profile}, a.disabled_at, a.delete_at FROM accounts a WHERE {condition}"
    ))
}

/// Stops anybody else from taking a name until the end of the transaction.
pub(super) async fn lock_names(tx: &mut Tx) -> Result<(), Fault> {
    if let Some(lock) = tx.dialect(&NAMES_ONE_BY_ONE) {
        tx.execute(sql(lock)).await?;
    }
    Ok(())
}

/// Whether this username, or one that looks the same, is taken. Keys from before case folding
/// count, too.
pub(super) async fn is_taken(db: &mut Db, username: &Username) -> Result<bool, Fault> {
    let query = "SELECT id FROM accounts WHERE username_key IN ($1, $4) \
                 OR username_skeleton IN ($2, $3) OR username_typed_skeleton IN ($2, $3) LIMIT 1";
    let query = sql(query)
        .bind(username.key().as_str())
        .bind(username.skeleton())
        .bind(username.typed_skeleton())
        .bind(username.key().unfolded());
    db.exists(query).await
}

/// Adds an account and returns its epoch. `None`: the name or the id is taken.
pub(super) async fn insert(tx: &mut Tx, account: &NewRow<'_>) -> Result<Option<i64>, Fault> {
    let columns: String = FIELDS.iter().map(|field| format!(", {}", field.column)).collect();
    let values: String = (10..10 + FIELDS.len()).map(|place| format!(", ${place}")).collect();
    let insert = sql_of(format!(
        "INSERT INTO accounts (id, username, username_key, username_skeleton, \
         username_typed_skeleton, created_at, disabled_at, delete_at{columns}) \
         SELECT $1, $2, $3, $4, $5, $6, $7, $8{values} WHERE NOT EXISTS \
         (SELECT 1 FROM accounts WHERE username_skeleton = $5 \
          OR username_typed_skeleton = $4 OR username_key = $9) \
         ON CONFLICT DO NOTHING RETURNING epoch"
    ));
    let insert = insert
        .bind(account.id)
        .bind(account.username.typed())
        .bind(account.username.key().as_str())
        .bind(account.username.skeleton())
        .bind(account.username.typed_skeleton())
        .bind(account.created_at)
        .bind(account.disabled_at)
        .bind(account.delete_at)
        .bind(account.username.key().unfolded());
    let insert = account.values.iter().fold(insert, |insert, (_, value)| insert.bind(value));
    Ok(tx.optional::<(i64,)>(insert).await?.map(|(epoch,)| epoch))
}

pub(super) async fn of(db: &mut Db, account: AccountId) -> Result<Option<AccountRecord>, Fault> {
    let query = records("a.id = $1").bind(account);
    Ok(db.optional::<Record>(query).await?.map(AccountRecord::from))
}

pub(super) async fn named(
    db: &mut Db,
    username: &UsernameKey,
) -> Result<Option<AccountRecord>, Fault> {
    let query = records(NAMED).bind(username.as_str()).bind(username.unfolded());
    Ok(db.optional::<Record>(query).await?.map(AccountRecord::from))
}

/// Accounts with a greater id, ordered by id.
pub(super) async fn after(db: &mut Db, id: i64, most: i64) -> Result<Vec<AccountRecord>, Fault> {
    let query = records("a.id > $1 ORDER BY a.id LIMIT $2").bind(id).bind(most);
    let rows: Vec<Record> = db.all(query).await?;
    Ok(rows.into_iter().map(AccountRecord::from).collect())
}

/// Accounts that are due for deletion.
pub(super) async fn due(db: &mut Db, now: i64) -> Result<Vec<AccountId>, Fault> {
    let due = "SELECT id FROM accounts WHERE delete_at <= $1 LIMIT 1000";
    let rows: Vec<(i64,)> = db.all(sql(due).bind(now)).await?;
    Ok(rows.into_iter().map(|(id,)| AccountId(id)).collect())
}

pub(super) async fn set_profile(
    tx: &mut Tx,
    account: AccountId,
    change: &ProfileChange,
) -> Result<(), Fault> {
    for (field, value) in change.iter() {
        let update = sql_of(format!("UPDATE accounts SET {} = $1 WHERE id = $2", field.column));
        tx.execute(update.bind(value).bind(account)).await?;
    }
    Ok(())
}

/// `false`: it already was.
pub(super) async fn set_disabled(
    tx: &mut Tx,
    account: AccountId,
    at: Option<i64>,
) -> Result<bool, Fault> {
    let update = match at {
        Some(_) => "UPDATE accounts SET disabled_at = $1 WHERE id = $2 AND disabled_at IS NULL",
        None => "UPDATE accounts SET disabled_at = $1 WHERE id = $2 AND disabled_at IS NOT NULL",
    };
    Ok(tx.execute(sql(update).bind(at).bind(account)).await? == 1)
}

/// `false`: it was already scheduled.
pub(super) async fn set_delete_at(tx: &mut Tx, account: AccountId, at: i64) -> Result<bool, Fault> {
    let update = "UPDATE accounts SET delete_at = $1 WHERE id = $2 AND delete_at IS NULL";
    Ok(tx.execute(sql(update).bind(at).bind(account)).await? == 1)
}

pub(super) async fn keep(tx: &mut Tx, account: AccountId) -> Result<(), Fault> {
    let keep = "UPDATE accounts SET delete_at = NULL WHERE id = $1";
    tx.execute(sql(keep).bind(account)).await?;
    Ok(())
}

/// Blocks sign-in and makes the account due for deletion. `false`: no such account.
pub(super) async fn condemn(tx: &mut Tx, account: AccountId, at: i64) -> Result<bool, Fault> {
    let update = "UPDATE accounts SET delete_at = $1, disabled_at = COALESCE(disabled_at, $1) \
                  WHERE id = $2";
    Ok(tx.execute(sql(update).bind(at).bind(account)).await? == 1)
}

/// Its password and its links go with it.
pub(super) async fn delete(tx: &mut Tx, account: AccountId) -> Result<(), Fault> {
    tx.execute(sql("DELETE FROM accounts WHERE id = $1").bind(account)).await?;
    Ok(())
}

/// The typed names and the keys of the accounts with a greater id.
pub(super) async fn names_after(
    db: &mut Db,
    id: i64,
    most: i64,
) -> Result<Vec<(i64, String, String)>, Fault> {
    let names = "SELECT id, username, username_key FROM accounts WHERE id > $1 \
                 ORDER BY id LIMIT $2";
    db.all(sql(names).bind(id).bind(most)).await
}

/// Keeps the old key if another account has the new one.
pub(super) async fn set_key(tx: &mut Tx, id: i64, key: &UsernameKey) -> Result<(), Fault> {
    let update = "UPDATE accounts SET username_key = $1 WHERE id = $2 AND NOT EXISTS \
                  (SELECT 1 FROM accounts WHERE username_key = $1)";
    tx.execute(sql(update).bind(key.as_str()).bind(id)).await?;
    Ok(())
}
