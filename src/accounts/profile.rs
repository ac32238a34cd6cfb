//! Profiles, and how users change them.

use super::sql;
use crate::{
    audit::{self, Act, Authority, Event},
    domain::{AccountId, Profile, ProfileChange, profile::FIELDS},
    groups,
    platform::{error::Result, visit::Visit},
    services::Services,
    sessions::{
        self, Changed, account,
        caller::{OVER, SignedIn},
    },
    store::{Store, changes},
};

/// The audit act for a change of each field.
#[must_use]
pub fn acts() -> Vec<Act> {
    FIELDS.iter().map(|field| Act(field.changed)).collect()
}

/// Changes the profile. Other nodes are notified, so that none shows the old one for more than a
/// second. `false`: nothing changed.
pub async fn change(
    services: &Services,
    caller: &SignedIn,
    change: ProfileChange,
    visit: &Visit,
) -> Result<(Profile, bool)> {
    services.throttle.act(caller.family())?;
    let account = caller.account();
    let event = |act| Event::by_owner(visit, account, act);
    let applied = apply(&services.store, account, change, None, event).await?.ok_or(OVER)?;
    if let Some(changed) = &applied.changed {
        services.live_sessions.changed(changed);
    }
    Ok((applied.profile, applied.changed.is_some()))
}

/// Changes a user's profile, for the operator. `None`: nothing changed, or the account is gone.
pub async fn change_by_operator(
    store: &Store,
    authority: &Authority,
    account: AccountId,
    change: ProfileChange,
) -> Result<Option<Changed>> {
    let event = |act| authority.event(act, Some(account));
    let applied = apply(store, account, change, Some(authority), event).await?;
    Ok(applied.and_then(|applied| applied.changed))
}

/// The profile after a change, and the sessions that show it.
struct Applied {
    profile: Profile,
    /// `None`: nothing changed.
    changed: Option<Changed>,
}

/// `authority`: the operator's. `None`: there is no such account.
async fn apply(
    store: &Store,
    account: AccountId,
    change: ProfileChange,
    authority: Option<&Authority>,
    event: impl Fn(Act) -> Event,
) -> Result<Option<Applied>> {
    let mut tx = store.begin().await?;
    let revision = changes::next_revision(&mut tx).await?;
    account::lock(&mut tx, account).await?;
    let Some(before) = sql::of(&mut tx, account).await? else {
        tx.rollback().await?;
        return Ok(None);
    };
    if let Some(authority) = authority {
        groups::refuse_program(&mut tx, authority, account).await?;
    }
    let profile = before.profile;
    let change = change.beside(&profile.values);
    if change.is_empty() {
        tx.rollback().await?;
        return Ok(Some(Applied { profile, changed: None }));
    }
    sql::set_profile(&mut tx, account, &change).await?;
    let events: Vec<Event> = change.iter().map(|(field, _)| event(Act(field.changed))).collect();
    let changed = sessions::tell_of(&mut tx, revision, account, events[0].at).await?;
    for event in &events {
        audit::record(&mut tx, event).await?;
    }
    tx.commit().await?;
    events.iter().for_each(Event::log);
    let values = change.applied(&profile.values);
    Ok(Some(Applied { profile: Profile { values, ..profile }, changed: Some(changed) }))
}
