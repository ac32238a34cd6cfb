//! What a session must know of its account.

use sqlx::FromRow;

use crate::{
    domain::AccountId,
    platform::error::Fault,
    store::{
        db::{Tx, sql},
        dialects::Dialects,
    },
};

/// SQLite has one writer in any case.
const LOCK: Dialects<&str> = Dialects {
    sqlite: "SELECT epoch, disabled_at, delete_at FROM accounts WHERE id = $1",
    postgres: "SELECT epoch, disabled_at, delete_at FROM accounts WHERE id = $1 FOR UPDATE",
};

/// An account that nobody else changes until the end of the transaction.
#[derive(FromRow)]
pub(crate) struct LockedAccount {
    /// Rises with every change of a credential.
    pub(crate) epoch: i64,
    pub(crate) disabled_at: Option<i64>,
    pub(crate) delete_at: Option<i64>,
}

/// Keeps others from changing an account until the end of the transaction, and so from giving it a
/// session. `None`: there is none.
pub(crate) async fn lock(tx: &mut Tx, account: AccountId) -> Result<Option<LockedAccount>, Fault> {
    let lock = tx.dialect(&LOCK);
    tx.optional(sql(lock).bind(account)).await
}
