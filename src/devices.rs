//! The devices that you are signed in on: their sessions, seen and ended.

pub mod json;
pub mod pages;

use crate::{
    audit::Event,
    keys::Statement,
    platform::{
        error::{Refusal, Result},
        random,
        visit::Visit,
    },
    services::Services,
    sessions::{OTHER_SESSIONS_ENDED, SESSION_ENDED, Which, caller::Fresh, end_and_record},
};

/// Ends one of the caller's sessions. Another user's counts as not found (AZ-02).
pub async fn end_one(
    services: &Services,
    caller: Fresh<'_>,
    id: &str,
    visit: &Visit,
) -> Result<()> {
    if !random::is_text(id) {
        return Err(Refusal::NotFound.into());
    }
    let account = caller.account();
    let mut event = Event::by_owner(visit, account, SESSION_ENDED);
    event.detail.session = services.keys.tag(Statement::SessionReference(id));
    let changed = end_and_record(&services.store, account, Which::One(id), &event).await?;
    services.live_sessions.changed(&changed);
    if changed.sessions.is_empty() { Err(Refusal::NotFound.into()) } else { Ok(()) }
}

/// Ends all of the caller's sessions but this one.
pub async fn end_others(services: &Services, caller: Fresh<'_>, visit: &Visit) -> Result<()> {
    let account = caller.account();
    let event = Event::by_owner(visit, account, OTHER_SESSIONS_ENDED);
    let which = Which::AllBut(caller.session());
    let changed = end_and_record(&services.store, account, which, &event).await?;
    services.live_sessions.changed(&changed);
    Ok(())
}
