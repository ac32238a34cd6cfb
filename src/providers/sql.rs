//! The tables of identities and of visits to other providers.

use sqlx::FromRow;

use crate::{
    domain::AccountId,
    platform::error::Fault,
    store::{
        Kind::{Number, Text},
        Store, Table,
        db::{Db, Sql, Tx, sql, sql_of},
        table,
    },
};

pub(crate) const TABLES: &[Table] = &[
    table(
        "identities",
        &[
            ("id", Text),
            ("account_id", Number),
            ("issuer", Text),
            ("subject", Text),
            ("provider", Text),
            ("label", Text),
            ("created_at", Number),
            ("last_used_at", Number),
        ],
    ),
    table(
        "provider_visits",
        &[
            ("hash", Text),
            ("provider", Text),
            ("browser", Text),
            ("sealed", Text),
            ("identity", Text),
            ("made_at", Number),
            ("expires_at", Number),
            ("used_at", Number),
        ],
    )
    .only_here(),
];

/// An identity that opens an account. Times are seconds since 1970, UTC.
#[derive(Clone, Debug, FromRow)]
pub struct Identity {
    pub id: String,
    pub account_id: i64,
    pub issuer: String,
    pub subject: String,
    /// The id of the provider, as it was in the file.
    pub provider: String,
    /// The name of the identity for people.
    pub label: String,
    pub created_at: i64,
    pub last_used_at: Option<i64>,
}

impl Identity {
    #[must_use]
    pub fn account(&self) -> AccountId {
        AccountId(self.account_id)
    }
}

const COLUMNS: &str = "id, account_id, issuer, subject, provider, label, created_at, last_used_at";

pub(super) async fn identity(
    db: &mut Db,
    issuer: &str,
    subject: &str,
) -> Result<Option<Identity>, Fault> {
    let query = format!("SELECT {COLUMNS} FROM identities WHERE issuer = $1 AND subject = $2");
    db.optional(sql_of(query).bind(issuer).bind(subject)).await
}

pub(super) async fn identities(db: &mut Db, account: AccountId) -> Result<Vec<Identity>, Fault> {
    let query =
        format!("SELECT {COLUMNS} FROM identities WHERE account_id = $1 ORDER BY created_at, id");
    db.all(sql_of(query).bind(account)).await
}

/// Those of the accounts with ids greater than `after`, up to `last`.
pub(super) async fn between(db: &mut Db, after: i64, last: i64) -> Result<Vec<Identity>, Fault> {
    let query = format!(
        "SELECT {COLUMNS} FROM identities WHERE account_id > $1 AND account_id <= $2 \
         ORDER BY created_at, id"
    );
    db.all(sql_of(query).bind(after).bind(last)).await
}

/// How many have one of other issuers than these.
pub(super) async fn strays(db: &mut Db, issuers: &[&str]) -> Result<i64, Fault> {
    let query = "SELECT issuer, COUNT(*) FROM identities GROUP BY issuer";
    let rows: Vec<(String, i64)> = db.all(sql(query)).await?;
    let of_others = rows.iter().filter(|(issuer, _)| !issuers.contains(&&**issuer));
    Ok(of_others.map(|(_, count)| count).sum())
}

/// `false`: it opens an account already.
pub(super) async fn insert(tx: &mut Tx, new: &Identity) -> Result<bool, Fault> {
    let insert = "INSERT INTO identities (id, account_id, issuer, subject, provider, label, created_at) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (issuer, subject) DO NOTHING";
    let insert =
        sql(insert).bind(&new.id).bind(new.account_id).bind(&new.issuer).bind(&new.subject);
    let insert = insert.bind(&new.provider).bind(&new.label).bind(new.created_at);
    Ok(tx.execute(insert).await? == 1)
}

pub(super) async fn note_use(
    tx: &mut Tx,
    id: &str,
    account: AccountId,
    now: i64,
) -> Result<bool, Fault> {
    let update = "UPDATE identities SET last_used_at = $3 WHERE id = $1 AND account_id = $2";
    Ok(tx.execute(sql(update).bind(id).bind(account).bind(now)).await? == 1)
}

pub(super) async fn delete(tx: &mut Tx, account: AccountId, id: &str) -> Result<(), Fault> {
    let delete = "DELETE FROM identities WHERE id = $1 AND account_id = $2";
    tx.execute(sql(delete).bind(id).bind(account)).await?;
    Ok(())
}

pub(super) async fn delete_all(tx: &mut Tx, account: AccountId) -> Result<u64, Fault> {
    tx.execute(sql("DELETE FROM identities WHERE account_id = $1").bind(account)).await
}

#[derive(FromRow)]
pub(super) struct VisitRow {
    pub(super) provider: String,
    pub(super) browser: String,
    pub(super) sealed: String,
    pub(super) identity: Option<String>,
    pub(super) used_at: Option<i64>,
}

pub(super) async fn begin(
    tx: &mut Tx,
    hash: &str,
    provider: &str,
    (browser, sealed): (&str, &str),
    (made_at, expires_at): (i64, i64),
) -> Result<(), Fault> {
    let insert = "INSERT INTO provider_visits (hash, provider, browser, sealed, made_at, expires_at) \
                  VALUES ($1, $2, $3, $4, $5, $6)";
    let insert = sql(insert).bind(hash).bind(provider).bind(browser).bind(sealed);
    tx.execute(insert.bind(made_at).bind(expires_at)).await?;
    Ok(())
}

pub(super) async fn visit(db: &mut Db, hash: &str, now: i64) -> Result<Option<VisitRow>, Fault> {
    let query = "SELECT provider, browser, sealed, identity, used_at FROM provider_visits \
                 WHERE hash = $1 AND expires_at > $2";
    db.optional(sql(query).bind(hash).bind(now)).await
}

pub(super) fn use_up(hash: &str, now: i64) -> Sql {
    let update = "UPDATE provider_visits SET used_at = $2 WHERE hash = $1 AND used_at IS NULL";
    sql(update).bind(hash).bind(now)
}

pub(super) fn keep_newcomer(hash: &str, sealed: &str, expires_at: i64) -> Sql {
    let update = "UPDATE provider_visits SET identity = $2, expires_at = $3 WHERE hash = $1";
    sql(update).bind(hash).bind(sealed).bind(expires_at)
}

pub(super) async fn forget_newcomer(tx: &mut Tx, hash: &str) -> Result<bool, Fault> {
    let update =
        "UPDATE provider_visits SET identity = NULL WHERE hash = $1 AND identity IS NOT NULL";
    Ok(tx.execute(sql(update).bind(hash)).await? == 1)
}

/// Forgets visits that no longer wait.
pub(crate) async fn forget(store: &Store, now: i64) -> Result<(), Fault> {
    let visits = ("provider_visits", "hash");
    store.in_pieces("DELETE FROM provider_visits", visits, "expires_at <= $1", now).await?;
    Ok(())
}
