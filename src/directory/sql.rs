//! The table of search terms.

use crate::{
    domain::AccountId,
    platform::error::Fault,
    store::{
        Kind::Text,
        Table,
        db::{Sql, Tx, sql, sql_of},
        table,
    },
};

pub(crate) const TABLES: &[Table] =
    &[table("search_terms", &[("kind", Text), ("term", Text)]).only_here()];

pub(super) async fn forget(tx: &mut Tx, account: AccountId, kind: &str) -> Result<(), Fault> {
    let delete = "DELETE FROM search_terms WHERE account_id = $1 AND kind = $2";
    tx.execute(sql(delete).bind(account).bind(kind)).await?;
    Ok(())
}

pub(super) async fn add(
    tx: &mut Tx,
    account: AccountId,
    kind: &str,
    terms: &[String],
) -> Result<(), Fault> {
    if terms.is_empty() {
        return Ok(());
    }
    let rows: Vec<String> =
        (3..3 + terms.len()).map(|place| format!("($1, $2, ${place})")).collect();
    let insert = sql_of(format!(
        "INSERT INTO search_terms (account_id, kind, term) VALUES {} ON CONFLICT DO NOTHING",
        rows.join(", ")
    ));
    tx.execute(terms.iter().fold(insert.bind(account).bind(kind), Sql::bind)).await?;
    Ok(())
}
