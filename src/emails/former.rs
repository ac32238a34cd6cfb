//! Former addresses: for 72 hours, the owner of a mailbox can undo a change that somebody else made.
//!
//! The link that does so survives whatever the new owner of the account does: no other act voids it.

use super::{EMAIL_RESTORED, is_on, reachable, sql};
use crate::{
    audit::{self, By, Event, sha256},
    domain::AccountId,
    links::{self, Purpose, Repeat},
    mail, passwords,
    platform::{
        clock::now,
        error::{Fault, Refusal, Result},
        random,
        visit::Visit,
    },
    services::Services,
    sessions::{self, Which, account},
    store::{changes, db::Tx},
};

/// How long a former address can be brought back, in seconds.
pub const UNDO_TTL: i64 = 72 * 3600;

/// A former address of an account.
pub struct Former {
    pub account: AccountId,
    pub address: String,
    pub(super) key: String,
    pub(super) language: String,
    pub(super) used: bool,
}

/// Makes the verified address of an account a former one, and writes to it: `name` is the message.
/// The caller takes it away from the account.
pub(super) async fn part_with(
    tx: &mut Tx,
    services: &Services,
    account: AccountId,
    name: &str,
    now: i64,
) -> Result<(), Fault> {
    let Some(reachable) = reachable(tx, Some(account)).await? else { return Ok(()) };
    let link = random::token()?;
    sql::part_with(tx, account, &sha256(&link), now + UNDO_TTL).await?;
    let message = reachable.message(name).leading_to(format!("/restore-email?link={link}"));
    mail::post(tx, &services.keys, Some(account), &message).await
}

/// The former address that a link brings back. Nothing changes.
pub async fn find(
    services: &Services,
    link: &str,
    repeat: Repeat,
    visit: &Visit,
) -> Result<Former> {
    is_on(services)?;
    let store = &services.store;
    let former = sql::former(&mut store.read().await?, &sha256(link), now()).await?;
    match former.filter(|former| repeat.allows(former.used)) {
        Some(former) => Ok(former),
        None => {
            services.throttle.refuse_bearer(&services.keys, store, visit).await?;
            Err(Refusal::LinkInvalid.into())
        }
    }
}

/// Brings a former address back. All sessions end, and the password goes, because somebody else may
/// know it. Returns the account, and the token of a link to set a new password.
pub async fn restore(
    services: &Services,
    link: &str,
    repeat: Repeat,
    visit: &Visit,
) -> Result<(AccountId, String)> {
    let account = find(services, link, repeat, visit).await?.account;
    let event = Event::of(visit, By::Owner, EMAIL_RESTORED, Some(account), now());
    let (at, hash) = (event.at, sha256(link));
    let mut tx = services.store.begin().await?;
    let revision = changes::next_revision(&mut tx).await?;
    account::lock(&mut tx, account).await?;
    let former = sql::former(&mut tx, &hash, at).await?;
    let Some(former) = former.filter(|former| repeat.allows(former.used)) else {
        tx.rollback().await?;
        return Err(Refusal::LinkInvalid.into());
    };
    let Former { address, key, language, used, .. } = &former;
    sql::lock_address(&mut tx, key).await?;
    let owner = sql::owner(&mut tx, key).await?;
    if owner.is_some_and(|owner| owner != account) {
        tx.rollback().await?;
        return Err(Refusal::LinkInvalid.into());
    }
    if *used {
        // The same form, sent twice: the first link to set a password may have got lost.
        let link = links::make(&mut tx, Purpose::ResetPassword, account, at, Some(key)).await?;
        tx.commit().await?;
        return Ok((account, link));
    }
    // The address that goes hears of it.
    super::notify(&mut tx, services, account, "email-restored", &[], "/forgot-password").await?;
    sql::delete(&mut tx, account).await?;
    sql::use_former(&mut tx, account, &hash, at).await?;
    sql::insert(&mut tx, account, address, key, language, at).await?;
    sql::set_verified(&mut tx, account, key, at).await?;
    sql::tie(&mut tx, account, at).await?;
    sql::forget_claims(&mut tx, account, key).await?;
    passwords::remove(&mut tx, account).await?;
    let changed = sessions::end(&mut tx, revision, account, Which::All, at).await?;
    let link = links::make(&mut tx, Purpose::ResetPassword, account, at, Some(key)).await?;
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    services.live_sessions.changed(&changed);
    services.wake_outbox();
    event.log();
    Ok((account, link))
}
