//! The table of API keys.

use sqlx::FromRow;

use super::api_keys::{ApiKey, Scope};
use crate::{
    groups,
    platform::error::Fault,
    store::{
        Kind::{Number, Text},
        Store, Table,
        db::{Db, Sql, Tx, sql, sql_of},
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
    maker_is_there: bool,
}

impl From<KeyRow> for ApiKey {
    fn from(row: KeyRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            scopes: row.scopes.split(' ').filter_map(Scope::of_word).collect(),
            made_by: row.made_by,
            maker_is_there: row.maker_is_there,
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
        }
    }
}

pub(super) async fn count(tx: &mut Tx) -> Result<usize, Fault> {
    tx.count(sql("SELECT COUNT(*) FROM api_keys")).await
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

fn keys(condition: &str) -> Sql {
    let maker_is_there = groups::still_administers("k.made_by");
    sql_of(format!(
        "SELECT k.id, k.name, k.scopes, k.made_by, k.created_at, k.expires_at, k.last_used_at, \
         {maker_is_there} AS maker_is_there FROM api_keys k {condition}"
    ))
}

pub(super) async fn all(db: &mut Db) -> Result<Vec<ApiKey>, Fault> {
    let rows: Vec<KeyRow> = db.all(keys("ORDER BY k.created_at DESC, k.id")).await?;
    Ok(rows.into_iter().map(ApiKey::from).collect())
}

pub(super) async fn find(db: &mut Db, hash: &str) -> Result<Option<ApiKey>, Fault> {
    let row: Option<KeyRow> = db.optional(keys("WHERE k.hash = $1").bind(hash)).await?;
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
