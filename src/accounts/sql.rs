//! The table of accounts.

use std::collections::HashMap;

use sqlx::FromRow;

use super::{
    AccountRecord, NewRow,
    people::{Cursor, Query, Sort, State},
};
use crate::{
    directory::{self, Of},
    domain::{
        AccountId, Profile, ProfileChange, ProfileValues, Username, UsernameKey, profile::FIELDS,
    },
    platform::error::Fault,
    store::{
        Kind::{Number, Text},
        Table,
        db::{Db, Sql, Tx, Value, listed, sql, sql_of},
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
    let Some((epoch,)) = tx.optional(insert).await? else { return Ok(None) };
    let key = account.username.key().as_str();
    directory::add(tx, account.id, Of::Name, &found_by(key, account.values)).await?;
    Ok(Some(epoch))
}

/// An account is found by its username and by its profile.
fn found_by<'a>(key: &'a str, values: &'a ProfileValues) -> Vec<&'a str> {
    [key].into_iter().chain(values.iter().filter_map(|(_, value)| value)).collect()
}

/// Lists the name and the profile of an account anew.
pub(super) async fn list_anew(tx: &mut Tx, account: AccountId) -> Result<(), Fault> {
    let query =
        sql_of(format!("SELECT {}, a.username_key FROM accounts a WHERE a.id = $1", *PROFILE));
    let row: Option<Keyed> = tx.optional(query.bind(account)).await?;
    match row {
        Some(Keyed { profile, username_key }) => {
            let texts = found_by(&username_key, &profile.values);
            directory::set(tx, account, Of::Name, &texts).await
        }
        None => Ok(()),
    }
}

#[derive(FromRow)]
struct Keyed {
    #[sqlx(flatten)]
    profile: Profile,
    username_key: String,
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
    list_anew(tx, account).await
}

/// `false`: it already was.
pub(super) async fn set_disabled(
    tx: &mut Tx,
    account: AccountId,
    at: Option<i64>,
) -> Result<bool, Fault> {
    let update = match at {
        Some(_) => "UPDATE accounts SET disabled_at = $1 WHERE id = $2 AND disabled_at IS NULL",
        None => {
            "UPDATE accounts SET disabled_at = $1, delete_at = NULL \
             WHERE id = $2 AND disabled_at IS NOT NULL"
        }
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

/// Blocks sign-in, and schedules the deletion. `false`: it already was, or there is no such account.
pub(super) async fn dismiss(
    tx: &mut Tx,
    account: AccountId,
    now: i64,
    delete_at: i64,
) -> Result<bool, Fault> {
    let update = "UPDATE accounts SET delete_at = $3, disabled_at = COALESCE(disabled_at, $2) \
                  WHERE id = $1 AND (delete_at IS NULL OR disabled_at IS NULL)";
    Ok(tx.execute(sql(update).bind(account).bind(now).bind(delete_at)).await? == 1)
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

/// The size up to which a group or a state is read whole and then sorted. Larger ones are filtered in the order of
/// the listing.
const FEW: i64 = 50_000;

#[derive(FromRow)]
struct Found {
    #[sqlx(flatten)]
    record: Record,
    sort_key: String,
    sort_number: i64,
}

/// Accounts after a place, each with its own.
pub(super) async fn people(
    db: &mut Db,
    Query { text, group, state, sort }: &Query,
    after: Option<&Cursor>,
    most: i64,
) -> Result<Vec<(Cursor, AccountRecord)>, Fault> {
    let terms = directory::range(text);
    let few = few(db, group.as_deref(), *state).await?;
    let mut values: Vec<Value> = vec![most.into()];
    let mut bind = |value: Value| {
        values.push(value);
        format!("${}", values.len())
    };
    let mut from = Vec::new();
    let mut conditions = Vec::new();
    match few {
        // SQLite keeps the order of a cross join.
        Some(Few::InGroup) => {
            let group = bind(group.as_deref().into());
            from.push(format!(
                "(SELECT account_id AS id FROM account_groups WHERE name = {group}) few"
            ));
            conditions.push("a.id = few.id".to_owned());
        }
        Some(Few::Disabled) => {
            from.push("(SELECT id FROM accounts WHERE disabled_at IS NOT NULL) few".to_owned());
            conditions.push("a.id = few.id".to_owned());
        }
        Some(Few::Leaving) => {
            from.push("(SELECT id FROM accounts WHERE delete_at IS NOT NULL) few".to_owned());
            conditions.push("a.id = few.id".to_owned());
        }
        None => {}
    }
    if let Some(group) = group.as_deref().filter(|_| few != Some(Few::InGroup)) {
        let group = bind(group.into());
        conditions.push(format!(
            "EXISTS (SELECT 1 FROM account_groups g WHERE g.account_id = a.id AND g.name = {group})"
        ));
    }
    conditions.extend(state.map(|state| {
        let condition = match state {
            // The plus keeps SQLite from looking for NULL in an index.
            State::Active => "a.disabled_at IS NULL AND +a.delete_at IS NULL",
            State::Disabled => "a.disabled_at IS NOT NULL AND +a.delete_at IS NULL",
            State::Leaving => "a.delete_at IS NOT NULL",
        };
        condition.to_owned()
    }));
    let (keys, order) = match (&terms, sort) {
        (Some((terms_begin, end)), _) => {
            let (start, end) = (bind(terms_begin.into()), bind(end.into()));
            from.push("search_terms t".to_owned());
            if few.is_some() {
                conditions.push("t.account_id = few.id".to_owned());
            }
            conditions.push(format!("a.id = t.account_id AND t.term < {end}"));
            // Each account once, by the first of its terms that fit.
            conditions.push(format!(
                "NOT EXISTS (SELECT 1 FROM search_terms s WHERE s.account_id = t.account_id \
                 AND s.term >= {start} AND s.term < t.term)"
            ));
            // Only one lower bound: SQLite takes the first one it finds.
            match after.filter(|Cursor { key, .. }| terms_begin <= key) {
                Some(Cursor { key, id, .. }) => {
                    let (key, id) = (bind(key.into()), bind((*id).into()));
                    conditions.push(format!("(t.term, t.account_id) > ({key}, {id})"));
                }
                None => conditions.push(format!("t.term >= {start}")),
            }
            ("t.term AS sort_key, a.id AS sort_number", "t.term, t.account_id")
        }
        (None, Sort::Username) => {
            if let Some(Cursor { key, .. }) = after {
                let key = bind(key.into());
                conditions.push(format!("a.username_key > {key}"));
            }
            ("a.username_key AS sort_key, a.id AS sort_number", "a.username_key")
        }
        (None, Sort::Newest | Sort::Oldest) => {
            let (sign, order) = match sort {
                Sort::Newest => ("<", "a.created_at DESC, a.id DESC"),
                _ => (">", "a.created_at, a.id"),
            };
            if let Some(Cursor { number, id, .. }) = after {
                let (number, id) = (bind((*number).into()), bind((*id).into()));
                conditions.push(format!("(a.created_at, a.id) {sign} ({number}, {id})"));
            }
            ("'' AS sort_key, a.created_at AS sort_number", order)
        }
    };
    from.push("accounts a".to_owned());
    let (profile, from) = (&*PROFILE, from.join(" CROSS JOIN "));
    let conditions = match conditions.is_empty() {
        true => String::new(),
        false => format!("WHERE {}", conditions.join(" AND ")),
    };
    let query = sql_of(format!(
        "SELECT {profile}, a.disabled_at, a.delete_at, {keys} FROM {from} {conditions} \
         ORDER BY {order} LIMIT $1"
    ));
    let rows: Vec<Found> = db.all(values.into_iter().fold(query, Sql::bind)).await?;
    let found = |Found { record, sort_key, sort_number }: Found| {
        let id = record.profile.id.0;
        (Cursor { key: sort_key, number: sort_number, id }, record.into())
    };
    Ok(rows.into_iter().map(found).collect())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Few {
    InGroup,
    Disabled,
    Leaving,
}

/// The small set that a query starts from, if there is one.
async fn few(db: &mut Db, group: Option<&str>, state: Option<State>) -> Result<Option<Few>, Fault> {
    if let Some(group) = group {
        let query = "SELECT COUNT(*) FROM (SELECT 1 AS one FROM account_groups WHERE name = $1 \
                     LIMIT $2) counted";
        let (count,): (i64,) = db.one(sql(query).bind(group).bind(FEW + 1)).await?;
        if count <= FEW {
            return Ok(Some(Few::InGroup));
        }
    }
    let (few, query) = match state {
        Some(State::Disabled) => (
            Few::Disabled,
            "SELECT COUNT(*) FROM (SELECT 1 AS one FROM accounts WHERE disabled_at IS NOT NULL \
             LIMIT $1) counted",
        ),
        Some(State::Leaving) => (
            Few::Leaving,
            "SELECT COUNT(*) FROM (SELECT 1 AS one FROM accounts WHERE delete_at IS NOT NULL \
             LIMIT $1) counted",
        ),
        Some(State::Active) | None => return Ok(None),
    };
    let (count,): (i64,) = db.one(sql(query).bind(FEW + 1)).await?;
    Ok((count <= FEW).then_some(few))
}

/// Counts up to `most` accounts.
pub(super) async fn count(db: &mut Db, most: i64) -> Result<i64, Fault> {
    let query = "SELECT COUNT(*) FROM (SELECT 1 AS one FROM accounts LIMIT $1) counted";
    let (count,): (i64,) = db.one(sql(query).bind(most)).await?;
    Ok(count)
}

pub(super) async fn names(
    db: &mut Db,
    accounts: &[AccountId],
) -> Result<HashMap<AccountId, String>, Fault> {
    if accounts.is_empty() {
        return Ok(HashMap::new());
    }
    let list = listed(1, accounts.len());
    let query = sql_of(format!("SELECT id, username FROM accounts WHERE id IN ({list})"));
    let rows: Vec<(i64, String)> =
        db.all(accounts.iter().fold(query, |query, id| query.bind(*id))).await?;
    Ok(rows.into_iter().map(|(id, name)| (AccountId(id), name)).collect())
}
