//! Removing all second factors of an account whose owner has lost them: by the operator, by a link
//! that is sent by mail and works a day later, or because somebody else had set them up.

use super::{RESET_BY_OPERATOR, UNPROVEN_REMOVED, notify, sql};
use crate::{
    audit::{self, Authority, Event},
    domain::AccountId,
    emails, groups,
    keys::Keys,
    mail, passkeys,
    platform::error::{Fault, Refusal, Result},
    providers::identities,
    services::Services,
    sessions::{Changed, Which, account, end},
    store::{Store, changes, db::Tx},
};

/// Removes the factors of an account, and ends its sessions. The owner is told, if there is mail:
/// `keys` seal it. `None`: there were none.
pub(crate) async fn by_operator(
    store: &Store,
    keys: Option<&Keys>,
    authority: &Authority,
    account: AccountId,
) -> Result<Option<Changed>> {
    let event = authority.event(RESET_BY_OPERATOR, Some(account));
    let mut tx = store.begin().await?;
    let revision = changes::next_revision(&mut tx).await?;
    account::lock(&mut tx, account).await?.ok_or(Refusal::NotFound)?;
    groups::refuse_program(&mut tx, authority, account).await?;
    if !remove_all(&mut tx, account).await? {
        tx.rollback().await?;
        return Ok(None);
    }
    let changed = end(&mut tx, revision, account, Which::All, event.at).await?;
    if let (Some(keys), Some(owner)) = (keys, emails::reachable(&mut tx, Some(account)).await?) {
        let message = owner.message("factors-reset").leading_to(emails::SECURITY.to_owned());
        mail::post(&mut tx, keys, Some(account), &message).await?;
    }
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    event.log();
    Ok(Some(changed))
}

/// Whether a factor was added by somebody who need not be another one than the owner of the address.
pub(crate) async fn is_proven(tx: &mut Tx, account: AccountId) -> Result<bool, Fault> {
    Ok(sql::is_totp_proven(tx, account).await? || passkeys::is_one_proven(tx, account).await?)
}

/// Also what is being set up, which a thief may have seen. `false`: there were none.
pub(super) async fn remove_all(tx: &mut Tx, account: AccountId) -> Result<bool, Fault> {
    let had_app = sql::delete_totp(tx, account).await?;
    let passkeys = passkeys::remove_all(tx, account).await?;
    sql::delete_codes(tx, account).await?;
    sql::distrust_all(tx, account).await?;
    sql::forget_pending(tx, account).await?;
    Ok(had_app || passkeys > 0)
}

/// Removes the factors of an account if all of them were set up while its address waited to be verified
/// (RE-04): somebody may have made the account with the address of somebody else. Identities at other
/// providers go in any case: their owner links them again. Returns the event,
/// to be recorded and logged with the others.
pub(crate) async fn forget_unproven(
    tx: &mut Tx,
    services: &Services,
    account: AccountId,
    event: &Event,
) -> Result<Option<Event>, Fault> {
    let unlinked = identities::unlink_all(tx, account).await? > 0;
    let removed = !is_proven(tx, account).await? && remove_all(tx, account).await?;
    if removed {
        notify(tx, services, account, "factors-reset", &[]).await?;
    }
    if unlinked {
        notify(tx, services, account, "identities-removed", &[]).await?;
    }
    if !removed && !unlinked {
        return Ok(None);
    }
    Ok(Some(Event { act: UNPROVEN_REMOVED, ..event.clone() }))
}
