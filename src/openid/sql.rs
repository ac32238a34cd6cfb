//! The table of used authorization codes.

use crate::{
    platform::error::Fault,
    store::{
        Kind::{Number, Text},
        Store, Table,
        db::{Db, Sql, Tx, sql},
        table,
    },
};

pub(crate) const TABLES: &[Table] =
    &[table("used_codes", &[("hash", Text), ("expires_at", Number)])];

fn use_of(hash: &str, expires_at: i64) -> Sql {
    let insert = "INSERT INTO used_codes (hash, expires_at) VALUES ($1, $2) \
                  ON CONFLICT (hash) DO NOTHING";
    sql(insert).bind(hash).bind(expires_at)
}

/// Notes the use of a code. `false`: it has been used before.
pub(super) async fn spend(tx: &mut Tx, hash: &str, expires_at: i64) -> Result<bool, Fault> {
    Ok(tx.execute(use_of(hash, expires_at)).await? == 1)
}

/// The same if there is nothing else to write.
pub(super) async fn spend_lightly(
    store: &Store,
    hash: &str,
    expires_at: i64,
) -> Result<bool, Fault> {
    Ok(store.execute_lightly(use_of(hash, expires_at)).await? == 1)
}

pub(super) async fn is_spent(db: &mut Db, hash: &str) -> Result<bool, Fault> {
    let query = "SELECT expires_at FROM used_codes WHERE hash = $1";
    db.exists(sql(query).bind(hash)).await
}

/// Forgets codes that nobody can use any more.
pub(crate) async fn forget(store: &Store, now: i64) -> Result<(), Fault> {
    let codes = ("used_codes", "hash");
    store.in_pieces("DELETE FROM used_codes", codes, "expires_at <= $1", now).await?;
    Ok(())
}
