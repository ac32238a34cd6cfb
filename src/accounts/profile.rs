//! What people say of themselves, and how they change it.

use super::{event, sql};
use crate::{
    audit::{self, Act},
    domain::{Profile, ProfileChange, profile::FIELDS},
    platform::{error::Result, visit::Visit},
    services::Services,
    sessions::{
        self, account,
        caller::{OVER, SignedIn},
    },
    store::changes,
};

/// What the audit trail says of each field that changes.
#[must_use]
pub fn acts() -> Vec<Act> {
    FIELDS.iter().map(|field| Act(field.changed)).collect()
}

/// Changes the profile. Other nodes are told, so that none shows the old one for longer than a second.
/// `false`: it is so already, and nothing was done.
pub async fn change(
    services: &Services,
    caller: &SignedIn,
    change: ProfileChange,
    visit: &Visit,
) -> Result<(Profile, bool)> {
    services.throttle.act(caller.family())?;
    let account = caller.account();
    let mut tx = services.store.begin().await?;
    let revision = changes::next_revision(&mut tx).await?;
    account::lock(&mut tx, account).await?;
    let Some(before) = sql::of(&mut tx, account).await? else {
        tx.rollback().await?;
        return Err(OVER.into());
    };
    let profile = before.profile;
    let change = change.beside(&profile.values);
    if change.is_empty() {
        tx.rollback().await?;
        return Ok((profile, false));
    }
    sql::set_profile(&mut tx, account, &change).await?;
    let events: Vec<_> =
        change.iter().map(|(field, _)| event(visit, account, Act(field.changed))).collect();
    let changed = sessions::tell_of(&mut tx, revision, account, events[0].at).await?;
    for event in &events {
        audit::record(&mut tx, event).await?;
    }
    tx.commit().await?;
    services.live_sessions.changed(&changed);
    events.iter().for_each(audit::Event::log);
    let values = change.applied(&profile.values);
    Ok((Profile { values, ..profile }, true))
}
