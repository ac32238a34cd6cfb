//! The use cases of somebody and his own account: see and change it, prove anew who he is, end
//! sessions, take the data along, delete it.
//!
//! What is dangerous takes a [`Fresh`], the proof that the password was shown a short while ago
//! (SE-08); or it takes the password itself.

use super::{
    access::{Fresh, SignedIn},
    accounts::{Entered, device_cookie, refuse_bearer, refuse_if_limited},
    audit::{Act, By, Event, Row, sha256},
    client::Visit,
    clock::now,
    error::{Fault, Refusal, Result},
    macs::Statement,
    random,
    refresh_tokens::RefreshToken,
    state::AppState,
    store::{AccountRecord, Renewal, Renewed, StoredSession},
    throttle::{Counter, Who},
};
use crate::domain::{
    Code, Field, FieldError, FullName, Password, PasswordChange, Profile, new_password,
};

/// How much of the history is shown.
pub const HISTORY: i64 = 50;

/// How much of it is read at once for a download.
const PAGE: i64 = 1000;

/// Everything that is kept about somebody.
pub struct Data {
    pub account: AccountRecord,
    pub sessions: Vec<StoredSession>,
    pub history: Vec<Row>,
}

pub async fn change_full_name(
    state: &AppState,
    caller: &SignedIn,
    full_name: &FullName,
    visit: &Visit,
) -> Result<Profile> {
    state.throttle.act(caller.account())?;
    let event = event(visit, caller, Act::FullNameChanged);
    let changed = state.store.change_full_name(caller.account(), full_name, &event).await?;
    state.live_sessions.changed(&changed.ok_or(OVER)?);
    event.log();
    Ok(Profile { full_name: full_name.as_str().to_owned(), ..caller.profile().clone() })
}

/// The session or the account is gone since the guard has looked.
const OVER: Refusal = Refusal::Unauthorized { token_came: true };

/// Takes another password. Every other session ends, and this one goes on under a new id (PW-08,
/// SE-01, SE-03).
pub async fn change_password(
    state: &AppState,
    caller: &SignedIn,
    change: &PasswordChange,
    visit: &Visit,
) -> Result<Entered> {
    let failed = Failed { field: Field::CurrentPassword, act: Act::PasswordChangeFailed };
    let proof = prove(state, caller, &change.current, visit, failed).await?;
    let hash = state.passwords.hash(&change.new).await?;
    renew(state, caller, visit, Act::PasswordChanged, proof, Some(&hash)).await
}

/// Proves anew who one is. The session goes on under a new id (SE-01).
pub async fn confirm(
    state: &AppState,
    caller: &SignedIn,
    password: &Password,
    visit: &Visit,
) -> Result<Entered> {
    let failed = Failed { field: Field::Password, act: Act::ProofFailed };
    let proof = prove(state, caller, password, visit, failed).await?;
    renew(state, caller, visit, Act::Proved, proof, None).await
}

/// What is said and written of a proof that fails.
#[derive(Clone, Copy)]
struct Failed {
    field: Field,
    act: Act,
}

/// A password that was right, and what is looked at once more before that counts.
struct Proof {
    password_hash: String,
    counters: Vec<Counter>,
    failed: Failed,
}

/// Checks the password of somebody who is signed in.
async fn prove(
    state: &AppState,
    caller: &SignedIn,
    password: &Password,
    visit: &Visit,
    failed: Failed,
) -> Result<Proof> {
    let counters = state.throttle.counters(&state.macs, Who::Session(caller.session()), visit);
    refuse_if_limited(state, &counters, visit, Act::Limited).await?;
    state.throttle.act(caller.account())?;
    let record = state.store.record(caller.account()).await?.ok_or(OVER)?;
    let verdict = state.passwords.verify(password, Some(&record.password_hash)).await?;
    if !verdict.right {
        let event = event(visit, caller, failed.act);
        state.throttle.count(&state.store, &counters, event).await?;
        let error = FieldError { field: failed.field, code: Code::Wrong };
        return Err(Refusal::InvalidInput(vec![error]).into());
    }
    Ok(Proof { password_hash: record.password_hash, counters, failed })
}

async fn renew(
    state: &AppState,
    caller: &SignedIn,
    visit: &Visit,
    act: Act,
    proof: Proof,
    new_password_hash: Option<&str>,
) -> Result<Entered> {
    let event = event(visit, caller, act);
    let row = state.store.live_session(caller.session(), event.at).await?.ok_or(OVER)?;
    let old = row.session;
    let session = StoredSession {
        id: random::text()?,
        proved_at: event.at,
        seen_at: event.at,
        device: visit.device.clone(),
        network: visit.network(),
        ..old.clone()
    };
    let refresh_token = session.refreshable.then(RefreshToken::new).transpose()?;
    let refresh_hash = refresh_token.as_ref().map(RefreshToken::hash);
    let renewal = Renewal {
        old: &old.id,
        new: &session,
        refresh_token: refresh_hash.as_deref(),
        password_hash: &proof.password_hash,
        new_password_hash,
        counters: &proof.counters,
    };
    match state.store.renew_session(&renewal, &event).await? {
        Renewed::Yes(ended) => state.live_sessions.changed(&ended),
        Renewed::Gone => return Err(OVER.into()),
        // As those that were wrong, so that nobody can tell it from them.
        Renewed::Limited => {
            let event = Event { act: proof.failed.act, ..event };
            state.throttle.count(&state.store, &proof.counters, event).await?;
            return Err(Refusal::TooManyTries { retry_after: 1 }.into());
        }
    }
    event.log();
    let (token, expires_in) = state.sessions.token(&session)?;
    let hash = new_password_hash.unwrap_or(&proof.password_hash);
    let device = device_cookie(state, &session, hash, visit)?;
    Ok(Entered {
        profile: row.profile,
        session,
        token,
        expires_in,
        refresh_token,
        device,
        deletion_undone: false,
    })
}

/// The sessions that are alive, those used last first.
pub async fn sessions(state: &AppState, caller: &SignedIn) -> Result<Vec<StoredSession>> {
    Ok(state.store.sessions_of(caller.account(), now()).await?)
}

/// Ends one of one's own sessions. Another's is not found, as one that does not exist (AZ-02).
pub async fn end_session(
    state: &AppState,
    caller: Fresh<'_>,
    id: &str,
    visit: &Visit,
) -> Result<()> {
    if !random::is_text(id) {
        return Err(Refusal::NotFound.into());
    }
    state.throttle.act(caller.account())?;
    let mut event = event(visit, &caller, Act::SessionEnded);
    event.detail.session = state.macs.tag(Statement::SessionReference(id));
    if !state.live_sessions.end(id, caller.account(), &event).await? {
        return Err(Refusal::NotFound.into());
    }
    event.log();
    Ok(())
}

/// Ends all of one's sessions but this one.
pub async fn end_other_sessions(state: &AppState, caller: Fresh<'_>, visit: &Visit) -> Result<()> {
    state.throttle.act(caller.account())?;
    let event = event(visit, &caller, Act::OtherSessionsEnded);
    let ended = state.store.end_sessions(caller.account(), caller.session(), &event).await?;
    state.live_sessions.changed(&ended);
    event.log();
    Ok(())
}

/// What happened to the account, the newest first.
pub async fn history(state: &AppState, caller: &SignedIn) -> Result<Vec<Row>> {
    Ok(state.store.history(caller.account(), i64::MAX, HISTORY).await?)
}

/// Everything that is kept about the caller. One at a time on this node: it may be much.
pub async fn data(state: &AppState, caller: Fresh<'_>, visit: &Visit) -> Result<Data> {
    state.throttle.act(caller.account())?;
    let _alone = state.downloads.acquire().await.map_err(Fault::internal)?;
    let event = event(visit, &caller, Act::DataRead);
    state.store.append(&event).await?;
    event.log();
    let account = state.store.record(caller.account()).await?.ok_or(OVER)?;
    let (mut history, mut before) = (Vec::new(), i64::MAX);
    loop {
        let page = state.store.history(caller.account(), before, PAGE).await?;
        let Some(last) = page.last() else { break };
        before = last.seq;
        history.extend(page);
    }
    Ok(Data { account, sessions: sessions(state, &caller).await?, history })
}

/// Signs out everywhere, and lets the account be deleted after a time, unless somebody signs in
/// before. Tells when that is.
pub async fn delete(state: &AppState, caller: Fresh<'_>, visit: &Visit) -> Result<i64> {
    let event = event(visit, &caller, Act::DeletionAsked);
    let grace = state.settings.deletion_grace.as_secs().cast_signed();
    let delete_at = event.at + grace;
    let ended = state.store.set_delete_at(caller.account(), delete_at, &event).await?;
    let ended = ended.ok_or(OVER)?;
    state.live_sessions.changed(&ended);
    event.log();
    Ok(delete_at)
}

/// Whose link this is.
pub async fn password_link(state: &AppState, link: &str, visit: &Visit) -> Result<Profile> {
    match state.store.password_link(&sha256(link), now()).await? {
        Some(profile) => Ok(profile),
        None => {
            refuse_bearer(state, visit).await?;
            Err(Refusal::LinkInvalid.into())
        }
    }
}

/// Sets a password by a link of the operator's. It is used up, all sessions end, and nobody is
/// signed in by it (RE-03).
pub async fn set_password(
    state: &AppState,
    link: &str,
    new: &Result<String, Code>,
    visit: &Visit,
) -> Result<()> {
    let profile = password_link(state, link, visit).await?;
    let new = new_password(new, state.settings.passwords, &profile).map_err(|code| {
        Refusal::InvalidInput(vec![FieldError { field: Field::NewPassword, code }])
    })?;
    let hash = state.passwords.hash(&new).await?;
    let account = profile.id;
    let event = Event::of(visit, By::Owner, Act::PasswordSetByLink, Some(account), now());
    let ended = state.store.use_password_link(&sha256(link), account, &hash, &event).await?;
    state.live_sessions.changed(&ended.ok_or(Refusal::LinkInvalid)?);
    event.log();
    Ok(())
}

fn event(visit: &Visit, caller: &SignedIn, act: Act) -> Event {
    Event::of(visit, By::Owner, act, Some(caller.account()), now())
}
