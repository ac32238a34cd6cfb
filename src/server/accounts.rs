//! The use cases of coming and going: sign up, sign in, refresh, sign out.
//!
//! No HTTP, no leptos, no SQL text. Both doors call these, with domain values only. What somebody
//! does with his own account is in `own_account.rs`.

use super::{
    access::SignedIn,
    audit::{Act, By, Event},
    client::Visit,
    clock::now,
    error::{Error, Fault, Refusal, Result},
    macs::Statement,
    random,
    refresh_tokens::{GRACE, RefreshToken},
    sessions::{Carrier, SessionKind},
    state::AppState,
    store::{Added, Begun, Refreshed, StoredAccount, StoredSession},
    throttle::{Counter, Who},
};
use crate::domain::{Credentials, NewAccount, Profile};

/// How many sessions an account may have. When there are more, those that began first end, down to
/// [`KEPT_SESSIONS`]. Some sign-ins look for that, and not each of them.
const MAX_SESSIONS: i64 = 1000;
const KEPT_SESSIONS: i64 = 900;

/// What somebody gets who has come in.
pub struct Entered {
    pub profile: Profile,
    pub session: StoredSession,
    /// The JWT that names the session, and for how many seconds it is good.
    pub token: String,
    pub expires_in: i64,
    pub refresh_token: Option<RefreshToken>,
    /// Shows later that this device is known. Only browsers keep it.
    pub device: Option<String>,
    /// Whether the account was about to be deleted.
    pub deletion_undone: bool,
}

/// Makes an account.
///
/// The unique indexes of the store decide whether the name is free; the look before it only saves
/// the work of a hash. Sign-ups are counted by network, also those whose name is taken: names are
/// public here, but nobody gets to ask for many (AU-03).
pub async fn sign_up(state: &AppState, new: &NewAccount, visit: &Visit) -> Result<StoredAccount> {
    let counters = state.throttle.counters(&state.macs, Who::Newcomer, visit);
    refuse_if_limited(state, &counters, visit, Act::Limited).await?;
    let id = random::account_id()?;
    let event = Event::of(visit, By::Owner, Act::SignedUp, Some(id), now());
    let taken = async || {
        let event = Event { act: Act::SignUpRefused, account: None, ..event.clone() };
        state.throttle.count(&state.store, &counters, event).await?;
        Err(Refusal::UsernameTaken.into())
    };
    if state.store.is_taken(&new.username).await? {
        return taken().await;
    }
    let password_hash = state.passwords.hash(&new.password).await?;
    let (username, full_name) = (&new.username, &new.full_name);
    let account = state
        .store
        .insert_account(id, username, full_name, &password_hash, &counters, &event)
        .await?;
    match account {
        Added::Yes(profile) => {
            event.log();
            Ok(StoredAccount { profile, password_hash, disabled: false })
        }
        Added::Taken => taken().await,
        Added::Limited => {
            refuse_if_limited(state, &counters, visit, Act::Limited).await?;
            // In this very moment somebody may try again.
            Err(Refusal::TooManyTries { retry_after: 1 }.into())
        }
    }
}

/// Checks credentials, and begins a session. The session that the same browser had before is over
/// (SE-01). An unknown name, a wrong password and a disabled account are one refusal, and cost the
/// same (AU-01, AU-02): each is one look for the account, one hash with the same parameters through
/// the same queue, and one transaction that counts.
pub async fn sign_in(
    state: &AppState,
    credentials: &Credentials,
    kind: SessionKind,
    visit: &Visit,
    before: Option<&SignedIn>,
) -> Result<Entered> {
    let name = credentials.username.as_ref().map_or("", |username| username.as_str());
    let stranger = state.throttle.counters(&state.macs, Who::Stranger { name }, visit);
    if visit.known_device.is_none() {
        // Before anything is asked of the database.
        refuse_if_limited(state, &stranger, visit, Act::SignInLimited).await?;
    }
    let account = match &credentials.username {
        Some(username) => state.store.account(username).await?,
        None => None,
    };
    let counters = match (&account, known_device(state, account.as_ref(), visit)) {
        (Some(account), Some(device)) => {
            let who = Who::KnownDevice { device, account: account.profile.id };
            state.throttle.counters(&state.macs, who, visit)
        }
        _ => stranger,
    };
    if visit.known_device.is_some() {
        refuse_if_limited(state, &counters, visit, Act::SignInLimited).await?;
    }
    let stored = account.as_ref().map(|account| account.password_hash.as_str());
    let verdict = state.passwords.verify(&credentials.password, stored).await?;
    let id = account.as_ref().map(|account| account.profile.id);
    let failed = Event::of(visit, By::Stranger, Act::SignInFailed, id, now());
    let Some(mut account) = account.filter(|account| verdict.right && !account.disabled) else {
        state.throttle.count(&state.store, &counters, failed).await?;
        return Err(Refusal::InvalidCredentials.into());
    };
    if verdict.outdated
        && let Err(error) = strengthen(state, credentials, &mut account).await
    {
        // The password was right. The next sign-in tries again.
        tracing::warn!(?error, "a hash could not be made anew");
    }
    begin_session(state, account, kind, visit, before, Gate { counters: &counters, failed }).await
}

/// Begins a session for somebody who has just signed up.
pub async fn enter(
    state: &AppState,
    account: StoredAccount,
    kind: SessionKind,
    visit: &Visit,
    before: Option<&SignedIn>,
) -> Result<Entered> {
    let failed = Event::of(visit, By::Owner, Act::SignInFailed, Some(account.profile.id), now());
    begin_session(state, account, kind, visit, before, Gate { counters: &[], failed }).await
}

/// What is looked at once more when a session is made, and what is written if it does not hold.
struct Gate<'a> {
    counters: &'a [Counter],
    failed: Event,
}

async fn begin_session(
    state: &AppState,
    account: StoredAccount,
    kind: SessionKind,
    visit: &Visit,
    before: Option<&SignedIn>,
    Gate { counters, failed }: Gate<'_>,
) -> Result<Entered> {
    let StoredAccount { profile, password_hash, .. } = account;
    let session = state.sessions.begin(kind, profile.id, visit)?;
    let refresh_token = session.refreshable.then(RefreshToken::new).transpose()?;
    let refresh_hash = refresh_token.as_ref().map(RefreshToken::hash);
    let (refresh_hash, at) = (refresh_hash.as_deref(), session.created_at);
    let mut event = Event::of(visit, By::Owner, Act::SignedIn, Some(profile.id), at);
    event.detail.session = state.macs.tag(Statement::SessionReference(&session.id));
    let begun = state
        .store
        .insert_session(&session, &password_hash, refresh_hash, counters, &event)
        .await?;
    let deletion_undone = match begun {
        Begun::Yes { deletion_undone } => deletion_undone,
        // In this very moment.
        Begun::Gone => return Err(Refusal::InvalidCredentials.into()),
        // As those that were wrong, so that nobody can tell it from them.
        Begun::Limited => {
            state.throttle.count(&state.store, counters, failed).await?;
            return Err(Refusal::TooManyTries { retry_after: 1 }.into());
        }
    };
    event.log();
    if deletion_undone {
        Event { act: Act::DeletionUndone, ..event.clone() }.log();
    }
    let clear_up = async || -> Result<()> {
        if let Some(before) = before {
            sign_out(state, before, visit).await?;
        }
        // The first letter of an id is drawn at random: in one case of 32 it is one of two.
        if session.id.starts_with(['A', 'B']) {
            let (most, kept) = (MAX_SESSIONS, KEPT_SESSIONS);
            let ended = state.store.end_oldest_sessions(profile.id, most, kept, now()).await?;
            ended.iter().for_each(|ended| state.live_sessions.changed(ended));
        }
        Ok(())
    };
    if let Err(error) = clear_up().await {
        // He has come in, whatever is left over.
        tracing::warn!(?error, "what was before a sign-in could not be ended");
    }
    let (token, expires_in) = state.sessions.token(&session)?;
    let device = device_cookie(state, &session, &password_hash, visit)?;
    Ok(Entered { profile, session, token, expires_in, refresh_token, device, deletion_undone })
}

/// A new access token for a refresh token, and that token's successor.
pub async fn refresh(state: &AppState, token: &str, visit: &Visit) -> Result<Entered> {
    let invalid = || Error::from(Refusal::Unauthorized { token_came: true });
    let Some(token) = RefreshToken::parse(token) else {
        refuse_bearer(state, visit).await?;
        return Err(invalid());
    };
    let Some(account) = state.store.account_of_refresh_token(&token.hash()).await? else {
        refuse_bearer(state, visit).await?;
        return Err(invalid());
    };
    state.throttle.act(account)?;
    let (successor, now) = (RefreshToken::new()?, now());
    let (hash, sealed) = (successor.hash(), token.seal(&successor)?);
    let event = Event::of(visit, By::Owner, Act::TokenRefreshed, None, now);
    let idle_until = state.sessions.idle_until(now);
    let outcome =
        state.store.refresh(&token.hash(), (&hash, &sealed), idle_until, GRACE, &event).await?;
    let (row, successor) = match outcome {
        Refreshed::Rotated(row) => {
            Event { account: Some(row.profile.id), ..event }.log();
            (row, successor)
        }
        Refreshed::Repeated(row, sealed) => (row, token.open(&sealed)?),
        Refreshed::Reused(row) => {
            let account = row.profile.id;
            let mut event = Event::of(visit, By::Stranger, Act::TokenReused, Some(account), now);
            event.detail.session = state.macs.tag(Statement::SessionReference(&row.session.id));
            if state.live_sessions.end(&row.session.id, account, &event).await? {
                event.log();
            }
            return Err(invalid());
        }
        Refreshed::Unknown => return Err(invalid()),
    };
    let (token, expires_in) = state.sessions.token(&row.session)?;
    Ok(Entered {
        profile: row.profile,
        session: row.session,
        token,
        expires_in,
        refresh_token: Some(successor),
        device: None,
        deletion_undone: false,
    })
}

/// Counts a token or a link that is none.
pub(super) async fn refuse_bearer(state: &AppState, visit: &Visit) -> Result<()> {
    let counters = state.throttle.counters(&state.macs, Who::Bearer, visit);
    refuse_if_limited(state, &counters, visit, Act::Limited).await?;
    let event = Event::of(visit, By::Stranger, Act::TokenRefused, None, now());
    state.throttle.count(&state.store, &counters, event).await
}

/// Ends the session: whatever names it is dead at once (SE-02).
pub async fn sign_out(state: &AppState, caller: &SignedIn, visit: &Visit) -> Result<(), Fault> {
    let event = Event::of(visit, By::Owner, Act::SignedOut, Some(caller.account()), now());
    if state.live_sessions.end(caller.session(), caller.account(), &event).await? {
        event.log();
    }
    Ok(())
}

/// Refuses whoever was wrong too often, and writes that down.
pub(super) async fn refuse_if_limited(
    state: &AppState,
    counters: &[Counter],
    visit: &Visit,
    act: Act,
) -> Result<()> {
    let checked = state.throttle.check(&state.store, counters).await;
    if matches!(checked, Err(Error::Refusal(_))) {
        state.throttle.refused(&state.store, visit, act).await;
    }
    checked
}

/// Puts a hash with today's parameters in the place of an older one. Until then the account may
/// answer in another time than one that does not exist. Where somebody else has put one there in
/// this moment, that is the one that counts, if it is of the same password.
async fn strengthen(
    state: &AppState,
    credentials: &Credentials,
    account: &mut StoredAccount,
) -> Result<()> {
    let hash = state.passwords.hash(&credentials.password).await?;
    if state.store.replace_password_hash(account.profile.id, &account.password_hash, &hash).await? {
        account.password_hash = hash;
        return Ok(());
    }
    let Some(username) = &credentials.username else { return Ok(()) };
    let Some(now) = state.store.account(username).await? else { return Ok(()) };
    let verdict = state.passwords.verify(&credentials.password, Some(&now.password_hash)).await?;
    if verdict.right && now.profile.id == account.profile.id && !now.disabled {
        *account = now;
    }
    Ok(())
}

/// How many accounts a device is known to at most.
const MAX_ACCOUNTS: usize = 4;

/// The id of the device, if somebody has signed in to this account from it before.
fn known_device<'a>(
    state: &AppState,
    account: Option<&StoredAccount>,
    visit: &'a Visit,
) -> Option<&'a str> {
    let mut parts = visit.known_device.as_deref()?.split('.');
    let (device, account) = (parts.next()?, account?);
    let statement = Statement::Device(device, account.profile.id, &account.password_hash);
    parts.take(MAX_ACCOUNTS).any(|tag| state.macs.fits(statement, tag)).then_some(device)
}

/// `DEVICE.TAG.TAG…`: the id of the device, and a tag for each account, the last one first. A
/// program keeps none.
pub(super) fn device_cookie(
    state: &AppState,
    session: &StoredSession,
    password_hash: &str,
    visit: &Visit,
) -> Result<Option<String>, Fault> {
    if session.carrier == Carrier::Program {
        return Ok(None);
    }
    let known = visit.known_device.as_deref().unwrap_or_default();
    let is_tag = |tag: &str| {
        tag.len() == 43 && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    let mut parts = known.split('.');
    let device = match parts.next().filter(|device| random::is_text(device)) {
        Some(device) => device.to_owned(),
        None => random::text()?,
    };
    let statement = Statement::Device(&device, session.account_id, password_hash);
    let others = parts.filter(|tag| is_tag(tag) && !state.macs.fits(statement, tag));
    let tag = state.macs.tag(statement);
    let tags: Vec<&str> = std::iter::once(&*tag).chain(others).take(MAX_ACCOUNTS).collect();
    Ok(Some(format!("{device}.{}", tags.join("."))))
}
