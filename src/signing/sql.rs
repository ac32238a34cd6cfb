//! The table of signing keys.

use sqlx::FromRow;

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
    "signing_keys",
    &[
        ("id", Text),
        ("algorithm", Text),
        ("sealed", Text),
        ("public", Text),
        ("made_at", Number),
        ("signs_from", Number),
    ],
)];

#[derive(FromRow)]
pub(super) struct KeyRow {
    pub(super) id: String,
    pub(super) algorithm: String,
    pub(super) sealed: String,
    pub(super) public: String,
    pub(super) made_at: i64,
    pub(super) signs_from: i64,
}

/// The last to sign comes first.
pub(super) async fn all(db: &mut Db) -> Result<Vec<KeyRow>, Fault> {
    let query = "SELECT id, algorithm, sealed, public, made_at, signs_from FROM signing_keys \
                 ORDER BY signs_from DESC, id";
    db.all(sql(query)).await
}

pub(super) async fn insert(tx: &mut Tx, row: &KeyRow) -> Result<(), Fault> {
    let insert = "INSERT INTO signing_keys (id, algorithm, sealed, public, made_at, signs_from) \
                  VALUES ($1, $2, $3, $4, $5, $6)";
    let insert = sql(insert).bind(&row.id).bind(&row.algorithm).bind(&row.sealed);
    tx.execute(insert.bind(&row.public).bind(row.made_at).bind(row.signs_from)).await?;
    Ok(())
}

pub(super) async fn set_signs_from(tx: &mut Tx, id: &str, at: i64) -> Result<(), Fault> {
    let update = "UPDATE signing_keys SET signs_from = $2 WHERE id = $1";
    tx.execute(sql(update).bind(id).bind(at)).await?;
    Ok(())
}

pub(super) async fn delete(tx: &mut Tx, id: &str) -> Result<(), Fault> {
    tx.execute(sql("DELETE FROM signing_keys WHERE id = $1").bind(id)).await?;
    Ok(())
}

pub(super) async fn reseal(store: &Store, id: &str, old: &str, new: &str) -> Result<(), Fault> {
    let update = "UPDATE signing_keys SET sealed = $3 WHERE id = $1 AND sealed = $2";
    store.write().await?.execute(sql(update).bind(id).bind(old).bind(new)).await?;
    Ok(())
}

/// Deletes the keys of an algorithm that signed before this time.
pub(super) async fn forget(store: &Store, algorithm: &str, before: i64) -> Result<(), Fault> {
    let delete = "DELETE FROM signing_keys WHERE algorithm = $1 AND signs_from < $2";
    store.write().await?.execute(sql(delete).bind(algorithm).bind(before)).await?;
    Ok(())
}
