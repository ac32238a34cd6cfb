//! Exchanging a refresh token for a new access token.

use super::{Entered, TOKEN_REFRESHED, TOKEN_REUSED};
use crate::{
    audit::{self, By, Event},
    keys::Statement,
    platform::{
        clock::now,
        error::{Error, Refusal, Result},
        visit::Visit,
    },
    services::Services,
    sessions::{
        LiveRow, Which,
        refresh::{self, RefreshToken, Refreshed},
    },
};

/// Exchanges a refresh token for a new access token and its own successor.
pub async fn refresh(services: &Services, token: &str, visit: &Visit) -> Result<Entered> {
    let Services { store, keys, throttle, .. } = services;
    let invalid = || Error::from(Refusal::Unauthorized { token_came: true });
    let Some(token) = RefreshToken::parse(token) else {
        throttle.refuse_bearer(keys, store, visit).await?;
        return Err(invalid());
    };
    let Some(family) = refresh::family(store, &token).await? else {
        throttle.refuse_bearer(keys, store, visit).await?;
        return Err(invalid());
    };
    throttle.refresh(&family)?;
    let (successor, now) = (RefreshToken::new()?, now());
    let idle_until = services.tokens.refreshed_until(now);

    let mut tx = store.begin().await?;
    let refreshed = refresh::rotate(&mut tx, &token, &successor, idle_until, now).await?;
    let Refreshed::Rotated(row) = refreshed else {
        tx.rollback().await?;
        return match refreshed {
            Refreshed::Repeated(row, sealed) => entered(services, *row, token.open(&sealed)?),
            Refreshed::Reused(row) => {
                end_stolen(services, &row, visit).await?;
                Err(invalid())
            }
            Refreshed::Rotated(_) | Refreshed::Unknown => Err(invalid()),
        };
    };
    let event = Event::of(visit, By::Owner, TOKEN_REFRESHED, Some(row.profile.id), now);
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    event.log();
    entered(services, *row, successor)
}

fn entered(services: &Services, row: LiveRow, refresh_token: RefreshToken) -> Result<Entered> {
    let (token, expires_in) = services.tokens.make(&row.session)?;
    Ok(Entered {
        profile: row.profile,
        session: row.session,
        token,
        expires_in,
        refresh_token: Some(refresh_token),
        device: None,
        deletion_undone: false,
        password_removed: false,
        offers_passkey: false,
    })
}

/// Ends the session of a token that was copied.
async fn end_stolen(services: &Services, row: &LiveRow, visit: &Visit) -> Result<()> {
    let (account, id) = (row.profile.id, &row.session.id);
    let mut event = Event::of(visit, By::Stranger, TOKEN_REUSED, Some(account), now());
    event.detail.session = services.keys.tag(Statement::SessionReference(id));
    services.end_sessions(account, Which::One(id), &event).await?;
    Ok(())
}
