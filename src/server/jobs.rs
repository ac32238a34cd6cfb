//! What the server does by itself: it forgets what is over, deletes the accounts whose time has come, and
//! watches its clock.

use std::time::Duration;

use tokio::sync::watch;

use super::trusted_clock::{SteadyClock, Time, TrustedClock};
use crate::{
    accounts::deletion,
    links,
    platform::{clock::seconds, error::Fault},
    sessions::{self, live, refresh},
    store::{Store, changes},
    throttle,
    web::state::AppState,
};

/// How often what is over is forgotten.
const CLEANING: Duration = Duration::from_secs(600);

/// Forgets what is over, and deletes the accounts whose time has come: at the start and every now
/// and then.
pub(super) async fn clean(state: AppState, mut stopped: watch::Receiver<bool>) {
    let mut clock = TrustedClock::new(state.settings.accounts.deletion_grace);
    loop {
        let mut pause = CLEANING;
        match clean_once(&state, &mut clock).await {
            Ok(true) => {}
            // As soon as the clock may have held.
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
    // A failure to clean up does not keep due accounts from being deleted.
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
    Ok(true)
}

/// Forgets what is over in every room, and tells how many sessions that were.
async fn forget(store: &Store, now: i64) -> Result<u64, Fault> {
    let sessions = sessions::forget(store, now, refresh::GRACE, refresh::REMEMBERED).await?;
    throttle::forget(store, now).await?;
    links::forget(store, now).await?;
    changes::forget(store, now - seconds(live::LISTED_FOR)).await?;
    Ok(sessions)
}

/// Takes back all proofs whenever the clock is set back: nobody knows how old they are. Looks every
/// second.
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
