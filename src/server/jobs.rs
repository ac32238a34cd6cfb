//! The server's background jobs: cleaning up, deleting the accounts that are due, and watching the
//! clock.

use std::time::Duration;

use tokio::sync::watch;

use super::trusted_clock::{SteadyClock, Time, TrustedClock};
use crate::{
    accounts::{self, deletion},
    admin,
    apps::{self, logout},
    authority, challenges, emails, factors, figures, invitations, links, openid, outbox,
    platform::{clock::seconds, error::Fault},
    providers,
    sessions::{self, grants, live, refresh},
    store::{Store, changes},
    throttle,
    web::state::AppState,
    webhooks,
};

/// How often the server cleans up.
const CLEANING: Duration = Duration::from_secs(600);

/// Removes what has expired and deletes the accounts that are due: at the start, then at intervals.
pub(super) async fn clean(state: AppState, mut stopped: watch::Receiver<bool>) {
    let mut clock = TrustedClock::new(state.settings.accounts.deletion_grace);
    loop {
        let mut pause = CLEANING;
        match clean_once(&state, &mut clock).await {
            Ok(true) => {}
            // As soon as the clock may be trusted.
            Ok(false) => pause = pause.min(clock.hold()),
            Err(fault) => {
                tracing::warn!(error = fault.source(), "what is over could not be forgotten");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
    }
}

/// `false`: the clock is not trusted with deletions yet.
async fn clean_once(state: &AppState, clock: &mut TrustedClock) -> Result<bool, Fault> {
    let time = clock.now(&state.store).await?;
    let (Time::Trusted(now) | Time::AtLeast(now)) = time;
    // A failed clean-up does not delay the deletion of accounts.
    match forget(&state.store, now).await {
        Ok(sessions) => tracing::debug!(sessions, "what is over was forgotten"),
        Err(fault) => tracing::warn!(error = fault.source(), "what is over is not forgotten yet"),
    }
    state.throttle.forget();
    let Time::Trusted(now) = time else {
        tracing::warn!(
            "the clock has jumped ahead; no account and nothing that is over by it is deleted until it \
             has held"
        );
        return Ok(false);
    };
    deletion::delete_due(&state.store, now).await?;
    accounts::count_all(&state.store).await?;
    Ok(true)
}

/// Removes what has expired in every room, and returns the number of sessions removed.
async fn forget(store: &Store, now: i64) -> Result<u64, Fault> {
    let sessions = sessions::forget(store, now, refresh::GRACE, refresh::REMEMBERED).await?;
    throttle::forget(store, now).await?;
    links::forget(store, now).await?;
    challenges::forget(store, now).await?;
    emails::forget(store, now).await?;
    factors::forget(store, now).await?;
    outbox::forget(store, now).await?;
    openid::forget(store, now).await?;
    apps::forget(store, now).await?;
    authority::forget(store, now).await?;
    invitations::forget(store, now).await?;
    webhooks::forget(store, now).await?;
    figures::forget(store, now).await?;
    admin::forget(store, now).await?;
    providers::forget(store, now).await?;
    grants::forget(store, now, refresh::GRACE, refresh::REMEMBERED).await?;
    changes::forget(store, now - seconds(live::LISTED_FOR)).await?;
    Ok(sessions)
}

/// How often the signing keys are looked after, besides whenever they change.
const KEYS: Duration = Duration::from_secs(3600);

/// When they are tried again.
const KEYS_AGAIN: Duration = Duration::from_secs(1);

/// Reads the signing keys again when something may have changed, and makes the next one in time.
pub(super) async fn look_after_keys(state: AppState, mut stopped: watch::Receiver<bool>) {
    let mut eras = state.live_sessions.eras();
    loop {
        let look_after = async {
            state.signing.read_again().await?;
            // A token of a key that was dropped counts no more.
            state.tokens.forget();
            state.signing.look_after_used().await
        };
        let pause = match look_after.await {
            Ok(()) => KEYS,
            Err(fault) => {
                tracing::warn!(
                    error = fault.source(),
                    "the signing keys can't be looked after now"
                );
                KEYS_AGAIN
            }
        };
        tokio::select! {
            _ = eras.changed() => {}
            () = tokio::time::sleep(pause) => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
    }
}

/// How often ended grants are looked for.
const ENDED: Duration = Duration::from_secs(1);

/// Lets apps be told of the sessions that have ended.
pub(super) async fn tell_apps(state: AppState, mut stopped: watch::Receiver<bool>) {
    loop {
        let pause = match logout::collect(&state.store, &state.keys, &state.apps).await {
            Ok(false) => ENDED,
            Ok(true) => {
                state.wake_outbox();
                Duration::ZERO
            }
            Err(fault) => {
                tracing::debug!(error = fault.source(), "apps can't be told now");
                ENDED
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
    }
}

/// Logs that a job could not be done: a database that is away is logged elsewhere.
fn log(fault: &Fault, what: &str) {
    match fault {
        Fault::Internal(_) => tracing::error!(error = fault.source(), "{what}"),
        _ => tracing::debug!(error = fault.source(), "{what}"),
    }
}

/// How often the trail is read for webhooks.
const TRAIL: Duration = Duration::from_secs(1);

/// Lets endpoints be told of what happens.
pub(super) async fn tell_endpoints(state: AppState, mut stopped: watch::Receiver<bool>) {
    loop {
        let pause = match webhooks::collect(&state.store, &state.keys).await {
            Ok(false) => TRAIL,
            Ok(true) => {
                state.wake_outbox();
                Duration::ZERO
            }
            Err(fault) => {
                log(&fault, "webhooks can't be told now");
                TRAIL
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
    }
}

/// How often what has happened is counted, besides whenever somebody looks.
const COUNTING: Duration = Duration::from_secs(60);

/// Counts what happens.
pub(super) async fn count(state: AppState, mut stopped: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(COUNTING) => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
        loop {
            match figures::collect(&state.store).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(fault) => {
                    log(&fault, "what happened can't be counted now");
                    break;
                }
            }
        }
    }
}

/// Revokes all proofs whenever the clock is set back, because their age is then unknown. Checks
/// every second.
pub(super) async fn watch_clock(
    state: AppState,
    mut clock: SteadyClock,
    mut stopped: watch::Receiver<bool>,
) {
    let mut pause = tokio::time::interval(Duration::from_secs(1));
    let mut set_back = false;
    loop {
        tokio::select! {
            _ = pause.tick() => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
        set_back |= clock.is_set_back();
        if set_back {
            match state.live_sessions.forget_proofs(state.settings.sessions.proof_ttl).await {
                Ok(()) => {
                    tracing::warn!("the clock was set back; passwords are asked for again");
                    set_back = false;
                }
                Err(fault) => {
                    tracing::warn!(error = fault.source(), "proofs could not be taken back yet");
                }
            }
        }
    }
}
