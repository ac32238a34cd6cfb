//! Removing all second factors of an account whose owner has lost them: by the operator, by a link
//! that is sent by mail and works a day later, or because somebody else had set them up.

use super::{RESET_BY_OPERATOR, UNPROVEN_REMOVED, sql};
use crate::{
    audit::{self, By, Event},
    domain::AccountId,
    emails,
    keys::Keys,
    mail, passkeys,
    platform::{clock::now, error::Fault},
    sessions::{Which, account, end},
    store::{Store, changes, db::Tx},
};

/// Removes the factors of an account, and ends its sessions. The owner is told, if there is mail:
/// `keys` seal it. `false`: there were none.
pub(crate) async fn by_operator(
    store: &Store,
    keys: Option<&Keys>,
    account: AccountId,
) -> Result<bool, Fault> {
    let event = Event::without_request(By::Operator, RESET_BY_OPERATOR, Some(account), now());
    let mut tx = store.begin().await?;
    let revision = changes::next_revision(&mut tx).await?;
    account::lock(&mut tx, account).await?;
    if !remove_all(&mut tx, account).await? {
        tx.rollback().await?;
        return Ok(false);
    }
    _ = end(&mut tx, revision, account, Which::All, event.at).await?;
    if let (Some(keys), Some(owner)) = (keys, emails::reachable(&mut tx, Some(account)).await?) {
        let message = owner.message("factors-reset").leading_to(emails::SECURITY.to_owned());
        mail::post(&mut tx, keys, Some(account), &message).await?;
    }
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    event.log();
    Ok(true)
}

/// `false`: there were none.
pub(super) async fn remove_all(tx: &mut Tx, account: AccountId) -> Result<bool, Fault> {
    let had_app = sql::delete_totp(tx, account).await?;
    let passkeys = passkeys::remove_all(tx, account).await?;
    sql::delete_codes(tx, account).await?;
    sql::distrust_all(tx, account).await?;
    Ok(had_app || passkeys > 0)
}

/// Removes the factors that were set up while the address waited to be verified (RE-04): somebody may
/// have made the account with the address of somebody else. Log the event after the commit.
pub(crate) async fn forget_unproven(
    tx: &mut Tx,
    account: AccountId,
    event: &Event,
) -> Result<Option<Event>, Fault> {
    let had_app = sql::delete_unproven_totp(tx, account).await?;
    let passkeys = passkeys::remove_unproven(tx, account).await?;
    if !had_app && passkeys == 0 {
        return Ok(None);
    }
    sql::delete_codes(tx, account).await?;
    sql::distrust_all(tx, account).await?;
    let event = Event { act: UNPROVEN_REMOVED, ..event.clone() };
    audit::record(tx, &event).await?;
    Ok(Some(event))
}
