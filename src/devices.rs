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
    sessions::{OTHER_SESSIONS_ENDED, SESSION_ENDED, Which, caller::Fresh},
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
    let ended = services.end_sessions(account, Which::One(id), &event).await?;
    if ended { Ok(()) } else { Err(Refusal::NotFound.into()) }
}

/// Ends all of the caller's sessions but this one.
pub async fn end_others(services: &Services, caller: Fresh<'_>, visit: &Visit) -> Result<()> {
    let account = caller.account();
    let event = Event::by_owner(visit, account, OTHER_SESSIONS_ENDED);
    services.end_sessions(account, Which::AllBut(caller.session()), &event).await?;
    Ok(())
}
