//! Verifying an address by the link that was sent to it, or disowning the account it was given for.

use super::{EMAIL_DISOWNED, EMAIL_VERIFIED, former, is_on, sql};
use crate::{
    audit::{self, By, Event},
    domain::AccountId,
    links::{self, Purpose, Repeat},
    passwords,
    platform::{
        clock::now,
        error::{Refusal, Result},
        visit::Visit,
    },
    services::Services,
    sessions::{self, account, caller::SignedIn},
    store::changes,
};

/// The claim behind a link: an account, and the address to verify for it.
pub struct Claim {
    pub account: AccountId,
    pub username: String,
    pub address: String,
    key: String,
    used: bool,
}

/// The claim that a link verifies. Nothing changes.
pub async fn claim_of(
    services: &Services,
    link: &str,
    repeat: Repeat,
    visit: &Visit,
) -> Result<Claim> {
    is_on(services)?;
    let store = &services.store;
    if let Some(found) = links::find(store, Purpose::VerifyEmail, link, repeat, now()).await?
        && let Some(key) = found.sent_to
        && let Some(address) = sql::address(&mut store.read().await?, found.account, &key).await?
        && let Some(holder) = passwords::holder(store, found.account).await?
    {
        let (account, username) = (found.account, holder.profile.username);
        return Ok(Claim { account, username, address, key, used: found.used });
    }
    services.throttle.refuse_bearer(&services.keys, store, visit).await?;
    Err(Refusal::LinkInvalid.into())
}

/// Verifies an address by the link that was sent to it. It replaces the previous one, which gets a
/// notice. Claims of other accounts on it become void. `caller`: the signed-in user, if there is
/// one. `true`: the account is theirs, and the address is tied to it.
pub async fn verify(
    services: &Services,
    link: &str,
    caller: Option<&SignedIn>,
    repeat: Repeat,
    visit: &Visit,
) -> Result<bool> {
    let Claim { account, key, used, .. } = claim_of(services, link, repeat, visit).await?;
    let is_owner = caller.is_some_and(|caller| caller.account() == account);
    if used {
        return Ok(is_owner);
    }
    let by = if is_owner { By::Owner } else { By::Stranger };
    let event = Event::of(visit, by, EMAIL_VERIFIED, Some(account), now());
    let mut tx = services.store.begin().await?;
    let revision = changes::next_revision(&mut tx).await?;
    account::lock(&mut tx, account).await?;
    sql::lock_address(&mut tx, &key).await?;
    let is_free = sql::owner(&mut tx, &key).await?.is_none();
    if !is_free || !links::use_up(&mut tx, Purpose::VerifyEmail, link, event.at).await? {
        tx.rollback().await?;
        // Perhaps the same form, sent twice.
        let claim = claim_of(services, link, repeat, visit).await?;
        return if claim.used { Ok(is_owner) } else { Err(Refusal::LinkInvalid.into()) };
    }
    former::part_with(&mut tx, services, account, "email-changed", event.at).await?;
    sql::forget_verified(&mut tx, account).await?;
    if !sql::set_verified(&mut tx, account, &key, event.at).await? {
        tx.rollback().await?;
        return Err(Refusal::LinkInvalid.into());
    }
    if is_owner {
        sql::tie(&mut tx, account, event.at).await?;
    }
    sql::forget_claims(&mut tx, account, &key).await?;
    // Links and codes that went to the previous address.
    sessions::void(&mut tx, account).await?;
    // Apps behind a proxy are told the address.
    let changed = sessions::tell_of(&mut tx, revision, account, event.at).await?;
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    services.live_sessions.changed(&changed);
    services.wake_outbox();
    event.log();
    Ok(is_owner)
}

/// Takes an address that waits to be verified away from an account: its owner says that the account
/// is somebody else's.
pub async fn disown(services: &Services, link: &str, repeat: Repeat, visit: &Visit) -> Result<()> {
    is_on(services)?;
    let store = &services.store;
    let found = links::find(store, Purpose::VerifyEmail, link, repeat, now()).await?;
    let Some((account, Some(key), used)) =
        found.map(|link| (link.account, link.sent_to, link.used))
    else {
        services.throttle.refuse_bearer(&services.keys, store, visit).await?;
        return Err(Refusal::LinkInvalid.into());
    };
    let event = Event::of(visit, By::Stranger, EMAIL_DISOWNED, Some(account), now());
    let mut tx = store.begin().await?;
    account::lock(&mut tx, account).await?;
    let is_verified = sql::owner(&mut tx, &key).await? == Some(account);
    if used && !is_verified {
        // The same form, sent twice.
        tx.rollback().await?;
        return Ok(());
    }
    if used || !links::use_up(&mut tx, Purpose::VerifyEmail, link, event.at).await? {
        tx.rollback().await?;
        return Err(Refusal::LinkInvalid.into());
    }
    sql::forget_claim(&mut tx, account, &key).await?;
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    event.log();
    Ok(())
}
