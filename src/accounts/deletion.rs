//! Deleting accounts: the owner asks for it and can cancel it for a while; then the account is
//! erased in parts.

use super::{DELETION_ASKED, end_all, record, sql};
use crate::{
    audit::{self, Authority, By, DELETED, ERASED, Event},
    domain::AccountId,
    emails, groups, invitations, outbox,
    platform::{
        error::{Fault, Refusal, Result},
        visit::Visit,
    },
    services::Services,
    sessions::{
        self, Changed, Which, account,
        caller::{Fresh, OVER},
    },
    store::{Store, changes},
    webhooks,
};

/// How many rows of an account are erased at once, so that nobody else waits long.
const PART: i64 = 1000;

/// Signs out everywhere and schedules the deletion, which signing in before then cancels. Returns
/// its time.
pub async fn delete(services: &Services, caller: Fresh<'_>, visit: &Visit) -> Result<i64> {
    let account = caller.account();
    let event = Event::by_owner(visit, account, DELETION_ASKED);
    let delete_at = event.at + services.settings.accounts.deletion_grace.as_secs().cast_signed();
    let mut tx = services.store.begin().await?;
    let revision = changes::next_revision(&mut tx).await?;
    account::lock(&mut tx, account).await?;
    if !sessions::is_alive(&mut tx, caller.session(), event.at).await? {
        tx.rollback().await?;
        // Ended a moment ago, perhaps by a repeat of this request.
        return Ok(self::delete_at(&services.store, account).await?.ok_or(OVER)?);
    }
    groups::refuse_last_admin(&mut tx, account).await?;
    if !sql::set_delete_at(&mut tx, account, delete_at).await? {
        tx.rollback().await?;
        // Requested a moment ago, perhaps by a repeat of this request.
        return Ok(self::delete_at(&services.store, account).await?.ok_or(OVER)?);
    }
    let changed = end_all(&mut tx, revision, account, &event).await?;
    let values = [("date", &*delete_at.to_string())];
    emails::notify(&mut tx, services, account, "deletion-asked", &values, "/signin").await?;
    tx.commit().await?;
    services.wake_outbox();
    services.live_sessions.changed(&changed);
    event.log();
    Ok(delete_at)
}

/// When an account will be deleted, if its deletion was requested.
pub async fn delete_at(store: &Store, account: AccountId) -> Result<Option<i64>, Fault> {
    Ok(record(store, account).await?.and_then(|account| account.delete_at))
}

/// Disables an account and schedules its deletion, which enabling it before then cancels. `None`: that had been
/// done already.
pub async fn dismiss(
    services: &Services,
    authority: &Authority,
    account: AccountId,
) -> Result<Option<Changed>> {
    let event = authority.event(DELETION_ASKED, Some(account));
    let delete_at = event.at + services.settings.accounts.deletion_grace.as_secs().cast_signed();
    let mut tx = services.store.begin().await?;
    let revision = changes::next_revision(&mut tx).await?;
    account::lock(&mut tx, account).await?.ok_or(Refusal::NotFound)?;
    groups::refuse_program(&mut tx, authority, account).await?;
    groups::refuse_last_admin(&mut tx, account).await?;
    if !sql::dismiss(&mut tx, account, event.at, delete_at).await? {
        tx.rollback().await?;
        return Ok(None);
    }
    let changed = end_all(&mut tx, revision, account, &event).await?;
    let values = [("date", &*delete_at.to_string())];
    emails::notify(&mut tx, services, account, "deletion-by-operator", &values, "/").await?;
    tx.commit().await?;
    event.log();
    Ok(Some(changed))
}

/// Permanently deletes an account now. `false`: no such account.
pub async fn delete_now(store: &Store, authority: &Authority, account: AccountId) -> Result<bool> {
    let asked = authority.event(DELETION_ASKED, Some(account));
    let mut tx = store.begin().await?;
    let revision = changes::next_revision(&mut tx).await?;
    groups::refuse_last_admin(&mut tx, account).await?;
    if !sql::condemn(&mut tx, account, asked.at).await? {
        tx.rollback().await?;
        return Ok(false);
    }
    _ = end_all(&mut tx, revision, account, &asked).await?;
    tx.commit().await?;
    let deleted = erase(store, account, asked.at, authority.by()).await?;
    store.erase().await?;
    Ok(deleted)
}

/// Deletes the accounts that are due. A failure on one doesn't stop the others.
pub(crate) async fn delete_due(store: &Store, now: i64) -> Result<(), Fault> {
    let due = sql::due(&mut store.read().await?, now).await?;
    for account in due {
        if let Err(fault) = erase(store, account, now, By::Server).await {
            tracing::error!(error = fault.source(), "an account could not be deleted");
        }
    }
    store.erase().await
}

/// Deletes an account that is due, part by part, so that others can write in between. `false`: no
/// such account.
async fn erase(store: &Store, account: AccountId, now: i64, by: By) -> Result<bool, Fault> {
    loop {
        match erase_a_part(store, account, now, by).await? {
            Erased::APart => {}
            Erased::All(event) => {
                event.log();
                return Ok(true);
            }
            Erased::Nothing => return Ok(false),
        }
    }
}

/// The progress of deleting an account.
enum Erased {
    /// There is more to erase.
    APart,
    /// Nothing is left. The last event recorded.
    All(Box<Event>),
    /// There is no such account, or it is no longer due.
    Nothing,
}

/// The last part is the account itself. The erased events stay in the audit trail, without personal
/// data.
async fn erase_a_part(
    store: &Store,
    account: AccountId,
    now: i64,
    by: By,
) -> Result<Erased, Fault> {
    webhooks::catch_up(store).await?;
    let mut tx = store.begin().await?;
    let revision = changes::next_revision(&mut tx).await?;
    let locked = account::lock(&mut tx, account).await?;
    if locked.is_none_or(|locked| locked.delete_at.is_none_or(|at| at > now)) {
        tx.rollback().await?;
        return Ok(Erased::Nothing);
    }
    webhooks::before_erasing(&mut tx).await?;
    let tokens = sessions::erase_some(&mut tx, account, PART).await?;
    // Its sessions ended when the deletion was requested, so locking the trail first keeps nobody
    // waiting in a circle.
    let erased = audit::erase_some(&mut tx, account, PART).await?;
    let all = tokens.max(erased.len() as u64) < PART.cast_unsigned();
    if all {
        _ = sessions::end(&mut tx, revision, account, Which::All, now).await?;
        outbox::discard(&mut tx, account).await?;
        invitations::erase(&mut tx, account).await?;
        webhooks::deleted(&mut tx, account, now).await?;
        sql::delete(&mut tx, account).await?;
    }
    let act = if all { DELETED } else { ERASED };
    let mut event = Event::without_request(by, act, None, now);
    event.detail.erased = erased;
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    Ok(if all { Erased::All(Box::new(event)) } else { Erased::APart })
}
