//! Removing the second factors of an account by mail, if the operator allows it.
//!
//! It takes the first factor and the mailbox, and a day: the link works only after [`DELAY`], and the
//! mail that brings it warns the owner at once. Any sign-in with a second factor voids it, and so does
//! a button on the page that it leads to. Where a code by mail is the first factor, the mailbox is
//! enough.

use super::{RESET_ASKED, RESET_BY_MAIL, RESET_STOPPED, notify, reset::remove_all};
use crate::{
    audit::{self, By, Event},
    challenges,
    domain::{AccountId, Email, Profile},
    emails, factors,
    links::{self, Link, Purpose, Repeat},
    mail::{self, Message},
    passwords,
    platform::{
        clock::now,
        error::{Refusal, Result},
        visit::Visit,
    },
    services::Services,
    sessions::{Which, account, end},
    store::changes,
    throttle::Who,
};

/// How long before the link works, in seconds.
pub const DELAY: i64 = 24 * 3600;

/// A link, its account, and the time from which it works.
pub struct Reset {
    pub link: Link,
    pub profile: Profile,
    pub works_from: i64,
}

/// Refuses everything here unless the operator allows it.
pub fn is_on(services: &Services) -> Result<(), Refusal> {
    if services.settings.factors.recovery_by_mail {
        emails::is_on(services)
    } else {
        Err(Refusal::NotFound)
    }
}

/// Sends a link that removes the factors of the account behind a half-open sign-in. The answer is the
/// same if it has no verified address.
pub async fn ask(services: &Services, challenge: &str, visit: &Visit) -> Result<()> {
    is_on(services)?;
    let (store, keys, at) = (&services.store, &services.keys, now());
    let found =
        challenges::find(store, keys, challenges::Purpose::SecondFactor, challenge, at).await?;
    let Some(account) = found.filter(|found| !found.used).and_then(|found| found.account) else {
        services.throttle.refuse_bearer(keys, store, visit).await?;
        return Err(Refusal::InvalidCode.into());
    };
    let event = Event::of(visit, By::Stranger, RESET_ASKED, Some(account), at);
    let mut tx = store.begin().await?;
    account::lock(&mut tx, account).await?;
    let owner = emails::reachable(&mut tx, Some(account)).await?;
    let Some(owner) = owner else {
        tx.rollback().await?;
        return Ok(());
    };
    let key = Email::parse(&owner.address).as_ref().map(emails::key).unwrap_or_default();
    let letter = Who::Letter { kind: RESET_ASKED.0, to: &key };
    let counters = services.throttle.counters(keys, letter, visit);
    if services.throttle.count_in(&mut tx, &counters).await?.is_some() {
        tx.rollback().await?;
        return Ok(());
    }
    // Asking again doesn't begin the wait again.
    let purpose = Purpose::ResetFactors;
    let earlier = links::expiry(&mut tx, purpose, account, &key, at).await?;
    let began = earlier.map_or(at, |expires_at| (expires_at - purpose.ttl()).max(at - DELAY));
    let link = links::make(&mut tx, purpose, account, began, Some(&key)).await?;
    let from = (began + DELAY).to_string();
    let message: Message = owner.message("reset-factors").with("time", &from);
    let message = message.leading_to(format!("/reset-factors?link={link}"));
    mail::post(&mut tx, keys, Some(account), &message).await?;
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    services.wake_outbox();
    event.log();
    Ok(())
}

/// The link that removes factors, whether it works already or not.
pub async fn find(services: &Services, link: &str, repeat: Repeat, visit: &Visit) -> Result<Reset> {
    is_on(services)?;
    let store = &services.store;
    if let Some(found) = links::find(store, Purpose::ResetFactors, link, repeat, now()).await?
        && let Some(holder) = passwords::holder(store, found.account).await?
    {
        let works_from = found.expires_at - Purpose::ResetFactors.ttl() + DELAY;
        return Ok(Reset { link: found, profile: holder.profile, works_from });
    }
    services.throttle.refuse_bearer(&services.keys, store, visit).await?;
    Err(Refusal::LinkInvalid.into())
}

/// Stops a request: its link no longer works.
pub async fn stop(services: &Services, link: &str, repeat: Repeat, visit: &Visit) -> Result<()> {
    let Reset { link: found, .. } = find(services, link, repeat, visit).await?;
    if found.used {
        return done_already(services, found.account, true).await;
    }
    let event = Event::of(visit, By::Owner, RESET_STOPPED, Some(found.account), now());
    let mut tx = services.store.begin().await?;
    account::lock(&mut tx, found.account).await?;
    if !links::use_up(&mut tx, Purpose::ResetFactors, link, event.at).await? {
        tx.rollback().await?;
        find(services, link, repeat, visit).await?;
        return done_already(services, found.account, true).await;
    }
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    event.log();
    Ok(())
}

/// For a link that was used a moment ago: whether it did the same, or the opposite.
async fn done_already(services: &Services, account: AccountId, stopped: bool) -> Result<()> {
    let is_there = factors::of(services, account).await?.any();
    if is_there == stopped { Ok(()) } else { Err(Refusal::LinkInvalid.into()) }
}

/// Removes the factors of the link's account, and ends its sessions. Nobody is signed in.
pub async fn reset(
    services: &Services,
    link: &str,
    repeat: Repeat,
    visit: &Visit,
) -> Result<AccountId> {
    let Reset { link: found, works_from, .. } = find(services, link, repeat, visit).await?;
    let account = found.account;
    if found.used {
        return done_already(services, account, false).await.map(|()| account);
    }
    let event = Event::of(visit, By::Owner, RESET_BY_MAIL, Some(account), now());
    if event.at < works_from {
        return Err(Refusal::LinkInvalid.into());
    }
    let mut tx = services.store.begin().await?;
    let revision = changes::next_revision(&mut tx).await?;
    account::lock(&mut tx, account).await?;
    let is_used_up = links::use_up(&mut tx, Purpose::ResetFactors, link, event.at).await?;
    // Not if the address has changed since the link was sent.
    let key = found.sent_to.unwrap_or_default();
    if !is_used_up || !emails::is_verified(&mut tx, account, &key).await? {
        tx.rollback().await?;
        find(services, link, repeat, visit).await?;
        return done_already(services, account, false).await.map(|()| account);
    }
    remove_all(&mut tx, account).await?;
    let changed = end(&mut tx, revision, account, Which::All, event.at).await?;
    notify(&mut tx, services, account, "factors-reset", &[]).await?;
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    services.live_sessions.changed(&changed);
    services.wake_outbox();
    event.log();
    Ok(account)
}
