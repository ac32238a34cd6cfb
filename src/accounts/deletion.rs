//! How an account goes: its owner asks for it and can come back for a while; then it is erased, part
//! by part.

use super::{DELETION_ASKED, end_all, event, record, sql};
use crate::{
    audit::{self, By, DELETED, ERASED, Event},
    domain::AccountId,
    platform::{
        clock::now,
        error::{Fault, Result},
        visit::Visit,
    },
    services::Services,
    sessions::{
        self, Which, account,
        caller::{Fresh, OVER},
    },
    store::{Store, changes},
};

/// How many rows of an account are erased at once, so that nobody else waits for long.
const PART: i64 = 1000;

/// Signs out everywhere, and lets the account be deleted after a time, unless somebody signs in
/// before. Tells when that is.
pub async fn delete(services: &Services, caller: Fresh<'_>, visit: &Visit) -> Result<i64> {
    let account = caller.account();
    let event = event(visit, account, DELETION_ASKED);
    let delete_at = event.at + services.settings.accounts.deletion_grace.as_secs().cast_signed();
    let mut tx = services.store.begin().await?;
    let revision = changes::next_revision(&mut tx).await?;
    if !sql::set_delete_at(&mut tx, account, delete_at).await? {
        tx.rollback().await?;
        // Asked for in this very moment, perhaps by the same request sent twice.
        return Ok(self::delete_at(&services.store, account).await?.ok_or(OVER)?);
    }
    let changed = end_all(&mut tx, revision, account, &event).await?;
    tx.commit().await?;
    services.live_sessions.changed(&changed);
    event.log();
    Ok(delete_at)
}

/// When an account will be deleted, if that was asked for.
pub async fn delete_at(store: &Store, account: AccountId) -> Result<Option<i64>, Fault> {
    Ok(record(store, account).await?.and_then(|account| account.delete_at))
}

/// Deletes an account for good, now. `false`: there is none.
pub async fn delete_now(store: &Store, account: AccountId) -> Result<bool, Fault> {
    let asked = Event::without_request(By::Operator, DELETION_ASKED, Some(account), now());
    let mut tx = store.begin().await?;
    let revision = changes::next_revision(&mut tx).await?;
    if !sql::condemn(&mut tx, account, asked.at).await? {
        tx.rollback().await?;
        return Ok(false);
    }
    _ = end_all(&mut tx, revision, account, &asked).await?;
    tx.commit().await?;
    let deleted = erase(store, account, asked.at, By::Operator).await?;
    store.erase().await?;
    Ok(deleted)
}

/// Deletes the accounts whose time has come. One that cannot be deleted keeps no other one.
pub(crate) async fn delete_due(store: &Store, now: i64) -> Result<(), Fault> {
    let due = sql::due(&mut store.read().await?, now).await?;
    for account in due {
        if let Err(fault) = erase(store, account, now, By::Server).await {
            tracing::error!(error = fault.source(), "an account is not deleted");
        }
    }
    store.erase().await
}

/// Deletes an account that is due, part by part, so that others can write in between. `false`: there
/// is none.
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

/// How far the deletion of an account has come.
enum Erased {
    /// There is more to erase.
    APart,
    /// Nothing is left. What was written down last.
    All(Event),
    /// There is no such account, or it is not due any more.
    Nothing,
}

/// The last part is the account itself. The events that are erased stay in the audit trail, without
/// what tells of a person.
async fn erase_a_part(
    store: &Store,
    account: AccountId,
    now: i64,
    by: By,
) -> Result<Erased, Fault> {
    let mut tx = store.begin().await?;
    let revision = changes::next_revision(&mut tx).await?;
    let locked = account::lock(&mut tx, account).await?;
    if !locked.is_some_and(|locked| locked.delete_at.is_some_and(|at| at <= now)) {
        tx.rollback().await?;
        return Ok(Erased::Nothing);
    }
    let tokens = sessions::erase_some(&mut tx, account, PART).await?;
    let erased = audit::erase_some(&mut tx, account, PART).await?;
    let all = tokens.max(erased.len() as u64) < PART.cast_unsigned();
    if all {
        _ = sessions::end(&mut tx, revision, account, Which::All, now).await?;
        sql::delete(&mut tx, account).await?;
    }
    let act = if all { DELETED } else { ERASED };
    let mut event = Event::without_request(by, act, None, now);
    event.detail.erased = erased;
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    Ok(if all { Erased::All(event) } else { Erased::APart })
}
