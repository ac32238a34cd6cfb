//! The use cases of coming and going: sign up, sign in, refresh, sign out.
//!
//! No HTTP, no leptos, no SQL text. Both doors call these, with domain values only. What somebody
//! does with his own account is in `own_account.rs`.

pub mod operator;
pub mod own;

use crate::domain::{AccountId, Credentials, NewAccount, Profile};
use crate::{
    audit::{Act, By, Event},
    keys::Statement,
    passwords::{Place, Verdict},
    platform::{
        clock::now,
        error::{Error, Fault, Refusal, Result},
        random,
        visit::Visit,
    },
    sessions::{
        carrier::Carrier,
        refresh::{GRACE, RefreshToken},
        tokens::SessionKind,
    },
    store::{Added, Begun, Refreshed, StoredAccount, StoredSession, Successor},
    throttle::{Who, counter::Counter},
    web::{access::SignedIn, state::AppState},
};

/// For how long, in seconds, the same sign-up may come again and end where the first did.
const SAME_SIGN_UP: i64 = 60;

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

/// Somebody who signs up by a page, and is signed in by it.
pub struct Newcomer<'a> {
    /// The id in the cookie of the browser.
    pub visitor: &'a str,
    pub before: Option<&'a SignedIn>,
}

/// Makes an account.
///
/// The unique indexes of the store decide whether the name is free; the look before it only saves
/// the work of a hash. Sign-ups are counted by network, also those whose name is taken: names are
/// public here, but nobody gets to ask for many (AU-03).
pub async fn sign_up(state: &AppState, new: &NewAccount, visit: &Visit) -> Result<Profile> {
    make_account(state, new, visit, None).await
}

/// Makes an account, and its first session in the same transaction. The same form, sent twice by one
/// browser, ends in the same session.
pub async fn sign_up_and_enter(
    state: &AppState,
    new: &NewAccount,
    visit: &Visit,
    newcomer: Newcomer<'_>,
) -> Result<Entered> {
    let name = new.username.key().as_str();
    let tag = state.macs.tag(Statement::SignUpOf(newcomer.visitor, name));
    // Drawn by the account, which is not yet there.
    let kind = SessionKind::Browser { remembered: false };
    let mut session = state.sessions.begin(kind, random::account_id()?, visit)?;
    session.begun_by = Some(tag.clone());
    match make_account(state, new, visit, Some(&session)).await {
        Ok(profile) => {
            if let Some(before) = newcomer.before
                && let Err(error) = sign_out(state, before, visit).await
            {
                tracing::warn!(?error, "the session before a sign-up could not be ended");
            }
            entered(state, profile, session, visit).await
        }
        Err(Error::Refusal(Refusal::UsernameTaken)) => {
            let same = state.store.successor(&tag, now() - SAME_SIGN_UP).await?;
            let Some(Successor { session, profile }) = same else {
                return Err(Refusal::UsernameTaken.into());
            };
            let hash = state.store.record(profile.id).await?.map(|record| record.password_hash);
            let Some(hash) = hash else { return Err(Refusal::UsernameTaken.into()) };
            let by = Place::of(visit, Some(profile.id));
            if !state.passwords.verify(&new.password, Some(&hash), by).await?.right {
                return Err(Refusal::UsernameTaken.into());
            }
            entered(state, profile, session, visit).await
        }
        Err(error) => Err(error),
    }
}

/// Somebody who has come in by signing up.
async fn entered(
    state: &AppState,
    profile: Profile,
    session: StoredSession,
    visit: &Visit,
) -> Result<Entered> {
    let (token, expires_in) = state.sessions.token(&session)?;
    let record = state.store.record(profile.id).await?;
    let device = match record {
        Some(record) => device_cookie(state, &session, &record.password_hash, visit)?,
        None => None,
    };
    let (refresh_token, deletion_undone) = (None, false);
    Ok(Entered { profile, session, token, expires_in, refresh_token, device, deletion_undone })
}

async fn make_account(
    state: &AppState,
    new: &NewAccount,
    visit: &Visit,
    session: Option<&StoredSession>,
) -> Result<Profile> {
    let counters = state.throttle.counters(&state.macs, Who::Newcomer, visit);
    refuse_if_limited(state, &counters, visit, Act::Limited).await?;
    let id = match session {
        Some(session) => session.account_id,
        None => random::account_id()?,
    };
    let event = Event::of(visit, By::Owner, Act::SignedUp, Some(id), now());
    let taken = async || {
        let event = Event { act: Act::SignUpRefused, account: None, ..event.clone() };
        state.throttle.count(&state.store, &counters, event).await?;
        Err(Refusal::UsernameTaken.into())
    };
    if state.store.is_taken(&new.username).await? {
        return taken().await;
    }
    let password_hash = state.passwords.hash(&new.password, Place::of(visit, None)).await?;
    let (username, full_name) = (&new.username, &new.full_name);
    let signed_in = session.map(|session| signed_in(state, session, visit));
    let account = state
        .store
        .insert_account(
            id,
            username,
            full_name,
            &password_hash,
            &counters,
            &event,
            session.zip(signed_in.as_ref()),
        )
        .await?;
    match account {
        Added::Yes(profile) => {
            event.log();
            if let Some(event) = signed_in {
                event.log();
            }
            Ok(profile)
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
///
/// A right password of a try that is refused for its limit writes what a wrong one writes, and no
/// more: a hash of another program is made anew only after a session has begun.
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
    let mut account = find(state, credentials).await?;
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
    for last in [false, true] {
        let by = Place::of_name(visit, name);
        let stored = account.as_ref().map(|account| account.password_hash.as_str());
        let verdict = state.passwords.verify(&credentials.password, stored, by).await?;
        let id = account.as_ref().map(|account| account.profile.id);
        let failed = Event::of(visit, By::Stranger, Act::SignInFailed, id, now());
        let Some(found) = account.filter(|account| verdict.right && !account.disabled) else {
            state.throttle.count(&state.store, &counters, failed).await?;
            return Err(Refusal::InvalidCredentials.into());
        };
        let gate = Gate { counters: &counters, failed };
        match begin_session(state, found, verdict, credentials, kind, visit, gate).await? {
            Some(entered) => {
                if let Some(before) = before
                    && let Err(error) = sign_out(state, before, visit).await
                {
                    // The new session is there, whatever is left over.
                    tracing::warn!(?error, "the session before a sign-in could not be ended");
                }
                return Ok(entered);
            }
            // In this very moment. Another sign-in may have made the hash anew, of the same password.
            None if !last => account = find(state, credentials).await?,
            None => break,
        }
    }
    Err(Refusal::InvalidCredentials.into())
}

async fn find(state: &AppState, credentials: &Credentials) -> Result<Option<StoredAccount>, Fault> {
    match &credentials.username {
        Some(username) => state.store.account(username).await,
        None => Ok(None),
    }
}

/// What is looked at once more when a session is made, and what is written if it does not hold.
struct Gate<'a> {
    counters: &'a [Counter],
    failed: Event,
}

fn signed_in(state: &AppState, session: &StoredSession, visit: &Visit) -> Event {
    let (account, at) = (session.account_id, session.created_at);
    let mut event = Event::of(visit, By::Owner, Act::SignedIn, Some(account), at);
    event.detail.session = state.macs.tag(Statement::SessionReference(&session.id));
    event
}

/// `None`: the account is gone, disabled, or its hash is another one by now.
async fn begin_session(
    state: &AppState,
    account: StoredAccount,
    verdict: Verdict,
    credentials: &Credentials,
    kind: SessionKind,
    visit: &Visit,
    Gate { counters, failed }: Gate<'_>,
) -> Result<Option<Entered>> {
    let StoredAccount { profile, mut password_hash, .. } = account;
    let session = state.sessions.begin(kind, profile.id, visit)?;
    let refresh_token = session.refreshable.then(RefreshToken::new).transpose()?;
    let refresh_hash = refresh_token.as_ref().map(RefreshToken::hash);
    let event = signed_in(state, &session, visit);
    let begun = state
        .store
        .insert_session(
            &session,
            &password_hash,
            refresh_hash.as_deref(),
            counters,
            &event,
            &failed,
        )
        .await?;
    let deletion_undone = match begun {
        Begun::Yes { deletion_undone, ended } => {
            ended.iter().for_each(|ended| state.live_sessions.changed(ended));
            deletion_undone
        }
        Begun::Gone => return Ok(None),
        Begun::Limited(before) => {
            return Err(state.throttle.overtaken(counters, &before, &failed));
        }
    };
    event.log();
    if deletion_undone {
        Event { act: Act::DeletionUndone, ..event.clone() }.log();
    }
    if verdict.outdated {
        match strengthen(state, credentials, profile.id, &password_hash, visit).await {
            Ok(Some(hash)) => password_hash = hash,
            Ok(None) => {}
            // The password was right. The next sign-in tries again.
            Err(error) => tracing::warn!(?error, "a hash could not be made anew"),
        }
    }
    let (token, expires_in) = state.sessions.token(&session)?;
    let device = device_cookie(state, &session, &password_hash, visit)?;
    Ok(Some(Entered {
        profile,
        session,
        token,
        expires_in,
        refresh_token,
        device,
        deletion_undone,
    }))
}

/// A new access token for a refresh token, and that token's successor.
pub async fn refresh(state: &AppState, token: &str, visit: &Visit) -> Result<Entered> {
    let invalid = || Error::from(Refusal::Unauthorized { token_came: true });
    let Some(token) = RefreshToken::parse(token) else {
        refuse_bearer(state, visit).await?;
        return Err(invalid());
    };
    let Some(family) = state.store.family_of_refresh_token(&token.hash()).await? else {
        refuse_bearer(state, visit).await?;
        return Err(invalid());
    };
    state.throttle.refresh(&family)?;
    let (successor, now) = (RefreshToken::new()?, now());
    let (hash, sealed) = (successor.hash(), token.seal(&successor)?);
    let event = Event::of(visit, By::Owner, Act::TokenRefreshed, None, now);
    let idle_until = state.sessions.refreshed_until(now);
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
pub(crate) async fn refuse_bearer(state: &AppState, visit: &Visit) -> Result<()> {
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
pub(crate) async fn refuse_if_limited(
    state: &AppState,
    counters: &[Counter],
    visit: &Visit,
    act: Act,
) -> Result<()> {
    let checked = state.throttle.check(&state.store, counters).await;
    if matches!(checked, Err(Error::Refusal(_))) {
        state.throttle.audit_refusal(&state.store, visit, act).await;
    }
    checked
}

/// Puts a hash with today's parameters in the place of an older one, and tells the one that is there
/// now. `None`: another sign-in was quicker.
async fn strengthen(
    state: &AppState,
    credentials: &Credentials,
    account: AccountId,
    old: &str,
    visit: &Visit,
) -> Result<Option<String>> {
    let hash = state.passwords.hash(&credentials.password, Place::of(visit, Some(account))).await?;
    Ok(state.store.replace_password_hash(account, old, &hash).await?.then_some(hash))
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
pub(crate) fn device_cookie(
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
