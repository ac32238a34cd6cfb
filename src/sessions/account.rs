//! The account behind a session: locked while it changes, and its epoch.

use super::sql;
use crate::{domain::AccountId, platform::error::Fault, store::db::Tx};

pub(crate) use sql::LockedAccount;

/// Keeps others from changing an account until the end of the transaction, and so from giving it a
/// session. `None`: no such account.
pub(crate) async fn lock(tx: &mut Tx, account: AccountId) -> Result<Option<LockedAccount>, Fault> {
    sql::lock_account(tx, account).await
}

/// Begins a new epoch, and returns it: a credential has changed.
pub(crate) async fn raise_epoch(tx: &mut Tx, account: AccountId) -> Result<i64, Fault> {
    sql::raise_epoch(tx, account).await
}
