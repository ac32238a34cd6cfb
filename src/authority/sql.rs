//! The table of API keys.

use sqlx::FromRow;

use super::api_keys::{ApiKey, Scope};
use crate::{
    platform::error::Fault,
    store::{
        Kind::{Number, Text},
        Store, Table,
        db::{Db, Tx, sql},
        table,
    },
};

pub(crate) const TABLES: &[Table] = &[table(
    "api_keys",
    &[
        ("id", Text),
        ("name", Text),
        ("hash", Text),
        ("scopes", Text),
        ("made_by", Text),
        ("created_at", Number),
        ("expires_at", Number),
        ("last_used_at", Number),
    ],
)];

#[derive(FromRow)]
struct KeyRow {
    id: String,
    name: String,
    scopes: String,
    made_by: String,
    created_at: i64,
    expires_at: Option<i64>,
    last_used_at: Option<i64>,
}

impl From<KeyRow> for ApiKey {
    fn from(row: KeyRow) -> Self {
        let KeyRow { id, name, scopes, made_by, created_at, expires_at, last_used_at } = row;
        let scopes = scopes.split(' ').filter_map(Scope::of_word).collect();
        Self { id, name, scopes, made_by, created_at, expires_at, last_used_at }
    }
}

pub(super) async fn count(tx: &mut Tx) -> Result<i64, Fault> {
    let (count,): (i64,) = tx.one(sql("SELECT COUNT(*) FROM api_keys")).await?;
    Ok(count)
}

pub(super) async fn insert(tx: &mut Tx, key: &ApiKey, hash: &str) -> Result<(), Fault> {
    let insert = "INSERT INTO api_keys (id, name, hash, scopes, made_by, created_at, expires_at) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.word()).collect();
    let insert = sql(insert)
        .bind(&key.id)
        .bind(&key.name)
        .bind(hash)
        .bind(&scopes.join(" "))
        .bind(&key.made_by)
        .bind(key.created_at)
        .bind(key.expires_at);
    tx.execute(insert).await?;
    Ok(())
}

pub(super) async fn all(db: &mut Db) -> Result<Vec<ApiKey>, Fault> {
    let query = "SELECT id, name, scopes, made_by, created_at, expires_at, last_used_at \
                 FROM api_keys ORDER BY created_at DESC, id";
    let rows: Vec<KeyRow> = db.all(sql(query)).await?;
    Ok(rows.into_iter().map(ApiKey::from).collect())
}

pub(super) async fn find(db: &mut Db, hash: &str) -> Result<Option<ApiKey>, Fault> {
    let query = "SELECT id, name, scopes, made_by, created_at, expires_at, last_used_at \
                 FROM api_keys WHERE hash = $1";
    let row: Option<KeyRow> = db.optional(sql(query).bind(hash)).await?;
    Ok(row.map(ApiKey::from))
}

pub(super) async fn note_use(db: &mut Db, id: &str, now: i64) -> Result<(), Fault> {
    let update = "UPDATE api_keys SET last_used_at = $2 WHERE id = $1";
    db.execute(sql(update).bind(id).bind(now)).await?;
    Ok(())
}

pub(super) async fn delete(tx: &mut Tx, id: &str) -> Result<bool, Fault> {
    Ok(tx.execute(sql("DELETE FROM api_keys WHERE id = $1").bind(id)).await? == 1)
}

/// Forgets the keys that expired a month ago. `now`: in seconds since 1970.
pub(crate) async fn forget(store: &Store, now: i64) -> Result<(), Fault> {
    let over = "expires_at < $1 - 2592000";
    store.in_pieces("DELETE FROM api_keys", ("api_keys", "id"), over, now).await?;
    Ok(())
}
