//! The use cases of somebody and his own account: see and change it, prove anew who he is, end
//! sessions, take the data along, delete it.
//!
//! What is dangerous takes a [`Fresh`], the proof that the password was shown a short while ago
//! (SE-08); or it takes the password itself.

use std::sync::Arc;

use crate::domain::{
    AccountId, Code, Field, FieldError, FullName, Password, PasswordChange, Profile, new_password,
};
use crate::{
    accounts::{Entered, device_cookie, refuse_bearer, refuse_if_limited},
    audit::{Act, AuditRow, By, Event, sha256},
    keys::Statement,
    passwords::Place,
    platform::{
        clock::now,
        error::{Error, Refusal, Result},
        random,
        visit::Visit,
    },
    sessions::refresh::{GRACE, RefreshToken},
    store::{AccountRecord, PasswordLink, Renamed, Renewal, Renewed, StoredSession, Successor},
    throttle::{Who, counter::Counter},
    web::{
        access::{Fresh, Renewer, Returning, SignedIn},
        sending::Ticket,
        state::AppState,
    },
};

/// How much of the history a page of the JSON routes holds, unless a client asks for another number.
pub const HISTORY: i64 = 50;

/// And at most.
pub const MAX_HISTORY: i64 = 200;

/// For how long, in seconds, a link that was used is known, for the same form sent twice.
const SAME_LINK: i64 = 60;

/// Everything kept about an account, except for its history.
pub struct Data {
    pub account: AccountRecord,
    pub sessions: Vec<StoredSession>,
    /// Held while it is sent.
    pub ticket: Ticket,
}

/// Gives the account another full name. `false`: it has that name already, and nothing was done.
pub async fn change_full_name(
    state: &AppState,
    caller: &SignedIn,
    full_name: &FullName,
    visit: &Visit,
) -> Result<(Profile, bool)> {
    state.throttle.act(caller.family())?;
    let event = event(visit, caller, Act::FullNameChanged);
    let profile = Profile { full_name: full_name.as_str().to_owned(), ..caller.profile().clone() };
    match state.store.change_full_name(caller.account(), full_name, &event).await? {
        Renamed::Yes(changed) => state.live_sessions.changed(&changed),
        Renamed::NotNew => return Ok((profile, false)),
        Renamed::Gone => return Err(OVER.into()),
    }
    event.log();
    Ok((profile, true))
}

/// The session or the account is gone since the guard has looked.
const OVER: Refusal = Refusal::Unauthorized { token_came: true };

/// Takes another password. Every other session ends, and this one goes on under a new id (PW-08,
/// SE-01, SE-03). The same change, sent again because its answer was lost, gets the same session.
pub async fn change_password(
    state: &AppState,
    renewer: &Renewer,
    change: &PasswordChange,
    visit: &Visit,
) -> Result<Entered> {
    let caller = match renewer {
        Renewer::Now(caller) => caller,
        Renewer::Again(returning) => {
            let again = go_on(state, returning, &change.new, visit).await;
            // It is not this change that came before.
            return again.map_err(|error| match error {
                Error::Refusal(Refusal::InvalidInput(_)) => OVER.into(),
                error => error,
            });
        }
    };
    let proof = match &change.current {
        Some(current) => {
            let failed = Failed { field: Field::CurrentPassword, act: Act::PasswordChangeFailed };
            prove(state, caller, current, visit, failed).await?
        }
        None => confirmed(state, caller).await?,
    };
    let by = Place::of(visit, Some(caller.account()));
    let is_same = match &change.current {
        Some(current) => current.is_same_as(&change.new),
        None => {
            let hash = Some(&*proof.password_hash);
            state.passwords.verify(&change.new, hash, by.clone()).await?.right
        }
    };
    if is_same {
        recheck(state, &proof.counters, event(visit, caller, Act::PasswordChangeFailed)).await?;
        let error = FieldError { field: Field::NewPassword, code: Code::Unchanged };
        return Err(Refusal::InvalidInput(vec![error]).into());
    }
    let hash = state.passwords.hash(&change.new, by).await?;
    let act = Act::PasswordChanged;
    renew(state, caller, visit, act, proof, Some(&hash), &change.new).await
}

/// Enters the password again. The session goes on under a new id (SE-01). The same confirmation, sent
/// again because its answer was lost, gets the same session.
pub async fn confirm(
    state: &AppState,
    renewer: &Renewer,
    password: &Password,
    visit: &Visit,
) -> Result<Entered> {
    let caller = match renewer {
        Renewer::Now(caller) => caller,
        Renewer::Again(returning) => return go_on(state, returning, password, visit).await,
    };
    let failed = Failed { field: Field::Password, act: Act::ProofFailed };
    let proof = prove(state, caller, password, visit, failed).await?;
    renew(state, caller, visit, Act::Proved, proof, None, password).await
}

/// What is said and written of a proof that fails.
#[derive(Clone, Copy)]
struct Failed {
    field: Field,
    act: Act,
}

/// A password that was right, and what is looked at once more before that counts.
struct PasswordProof {
    password_hash: String,
    counters: Vec<Counter>,
    failed: Failed,
}

/// Somebody who has just confirmed the password need not enter it again to change it.
async fn confirmed(state: &AppState, caller: &SignedIn) -> Result<PasswordProof> {
    let missing = FieldError { field: Field::CurrentPassword, code: Code::Missing };
    let fresh = caller.fresh(state.settings.proof_ttl).is_ok();
    if !fresh || !caller.has_confirmed() {
        return Err(Refusal::InvalidInput(vec![missing]).into());
    }
    let record = state.store.record(caller.account()).await?.ok_or(OVER)?;
    let failed = Failed { field: Field::CurrentPassword, act: Act::PasswordChangeFailed };
    Ok(PasswordProof { password_hash: record.password_hash, counters: Vec::new(), failed })
}

/// Checks the password of somebody who is signed in.
async fn prove(
    state: &AppState,
    caller: &SignedIn,
    password: &Password,
    visit: &Visit,
    failed: Failed,
) -> Result<PasswordProof> {
    let (account, family) = (caller.account(), caller.family());
    let failed_event = event(visit, caller, failed.act);
    verify(state, account, family, password, visit, failed, failed_event).await
}

async fn verify(
    state: &AppState,
    account: AccountId,
    family: &str,
    password: &Password,
    visit: &Visit,
    failed: Failed,
    failed_event: Event,
) -> Result<PasswordProof> {
    let counters = state.throttle.counters(&state.macs, Who::Session(family), visit);
    refuse_if_limited(state, &counters, visit, Act::Limited).await?;
    let record = state.store.record(account).await?.ok_or(OVER)?;
    let (hash, by) = (Some(&*record.password_hash), Place::of(visit, Some(account)));
    if !state.passwords.verify(password, hash, by).await?.right {
        state.throttle.count(&state.store, &counters, failed_event).await?;
        let error = FieldError { field: failed.field, code: Code::Wrong };
        return Err(Refusal::InvalidInput(vec![error]).into());
    }
    Ok(PasswordProof { password_hash: record.password_hash, counters, failed })
}

/// Looks at the limits once more, before an answer that shows that a password was right. A try that
/// others have overtaken meanwhile is refused and counted like a wrong one, so nobody can tell it
/// from one.
async fn recheck(state: &AppState, counters: &[Counter], failed: Event) -> Result<()> {
    match state.store.count_if_limited(counters, &failed).await? {
        None => Ok(()),
        Some(before) => Err(state.throttle.overtaken(counters, &before, &failed)),
    }
}

/// The session that took the place of one that ended a moment ago, by this very request. `password`:
/// the one that holds since then.
async fn go_on(
    state: &AppState,
    returning: &Returning,
    password: &Password,
    visit: &Visit,
) -> Result<Entered> {
    let Successor { session, profile } = &*returning.successor;
    let failed = Failed { field: Field::Password, act: Act::ProofFailed };
    let event = Event::of(visit, By::Stranger, failed.act, Some(profile.id), now());
    let proof = verify(state, profile.id, &session.family, password, visit, failed, event.clone());
    let proof = proof.await?;
    recheck(state, &proof.counters, event).await?;
    let key = state.macs.key(Statement::Seal(&returning.old));
    let sealed = session.sealed_refresh_token.as_deref();
    let refresh_token = sealed.map(|sealed| RefreshToken::opened_by(&key, sealed)).transpose()?;
    let (token, expires_in) = state.sessions.token(session)?;
    let device = device_cookie(state, session, &proof.password_hash, visit)?;
    Ok(Entered {
        profile: profile.clone(),
        session: session.clone(),
        token,
        expires_in,
        refresh_token,
        device,
        deletion_undone: false,
    })
}

/// `password`: the one that holds afterwards.
async fn renew(
    state: &AppState,
    caller: &SignedIn,
    visit: &Visit,
    act: Act,
    proof: PasswordProof,
    new_password_hash: Option<&str>,
    password: &Password,
) -> Result<Entered> {
    let event = event(visit, caller, act);
    let successor = state.macs.tag(Statement::Successor(caller.session()));
    // Two that are equal may be under way at once.
    let again = async || {
        let found = state.store.successor(&successor, now() - GRACE).await?.ok_or(OVER)?;
        let returning = Returning { old: caller.session().into(), successor: Arc::new(found) };
        go_on(state, &returning, password, visit).await
    };
    let Some(row) = state.store.live_session(caller.session(), event.at).await? else {
        return again().await;
    };
    let old = row.session;
    let refresh_token = old.refreshable.then(RefreshToken::new).transpose()?;
    let refresh_hash = refresh_token.as_ref().map(RefreshToken::hash);
    let key = state.macs.key(Statement::Seal(&old.id));
    let sealed = refresh_token.as_ref().map(|token| token.sealed_by(&key)).transpose()?;
    let session = StoredSession {
        id: random::text()?,
        proved_at: event.at,
        seen_at: event.at,
        device: visit.device.clone(),
        network: visit.network(),
        begun_by: Some(successor.clone()),
        sealed_refresh_token: sealed,
        ..old.clone()
    };
    let failed = Event { act: proof.failed.act, ..event.clone() };
    let renewal = Renewal {
        old: &old.id,
        new: &session,
        refresh_token: refresh_hash.as_deref(),
        password_hash: &proof.password_hash,
        new_password_hash,
        counters: &proof.counters,
        failed: &failed,
    };
    match state.store.renew_session(&renewal, &event).await? {
        Renewed::Yes(ended) => state.live_sessions.changed(&ended),
        Renewed::Gone => return again().await,
        Renewed::Limited(before) => {
            return Err(state.throttle.overtaken(&proof.counters, &before, &failed));
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
    let event = event(visit, &caller, Act::OtherSessionsEnded);
    let ended = state.store.end_sessions(caller.account(), caller.session(), &event).await?;
    state.live_sessions.changed(&ended);
    if !ended.sessions.is_empty() {
        event.log();
    }
    Ok(())
}

/// A page of what happened to the account, the newest first: what was written before the row `before`.
/// The second: whether there is more.
pub async fn history(
    state: &AppState,
    caller: &SignedIn,
    before: i64,
    most: i64,
) -> Result<(Vec<AuditRow>, bool)> {
    let mut rows = state.store.history(caller.account(), before, most + 1).await?;
    let wanted = usize::try_from(most).unwrap_or(usize::MAX);
    let more = rows.len() > wanted;
    rows.truncate(wanted);
    Ok((rows, more))
}

/// The beginning of a download of everything that is kept. The history follows page by page, while it
/// is sent.
pub async fn data(state: &AppState, caller: Fresh<'_>, visit: &Visit) -> Result<Data> {
    state.throttle.act(caller.family())?;
    let ticket = state.sending.begin_download(&visit.counted_network(), caller.account());
    let ticket = ticket.ok_or(Refusal::TooManyTries { retry_after: 10 })?;
    let event = event(visit, &caller, Act::DataRead);
    state.store.append(&event).await?;
    event.log();
    let account = state.store.record(caller.account()).await?.ok_or(OVER)?;
    Ok(Data { account, sessions: sessions(state, &caller).await?, ticket })
}

/// Signs out everywhere, and lets the account be deleted after a time, unless somebody signs in
/// before. Tells when that is.
pub async fn delete(state: &AppState, caller: Fresh<'_>, visit: &Visit) -> Result<i64> {
    let event = event(visit, &caller, Act::DeletionAsked);
    let grace = state.settings.deletion_grace.as_secs().cast_signed();
    let delete_at = event.at + grace;
    let Some(ended) = state.store.set_delete_at(caller.account(), delete_at, &event).await? else {
        // Asked for in this very moment, perhaps by the same request sent twice.
        return Ok(self::delete_at(state, caller.account()).await?.ok_or(OVER)?);
    };
    state.live_sessions.changed(&ended);
    event.log();
    Ok(delete_at)
}

/// When an account will be deleted, if that was asked for.
pub async fn delete_at(state: &AppState, account: AccountId) -> Result<Option<i64>> {
    Ok(state.store.record(account).await?.and_then(|account| account.delete_at))
}

/// Whose link this is.
pub async fn password_link(state: &AppState, link: &str, visit: &Visit) -> Result<Profile> {
    Ok(find_link(state, link, visit, None).await?.profile)
}

async fn find_link(
    state: &AppState,
    link: &str,
    visit: &Visit,
    used_after: Option<i64>,
) -> Result<PasswordLink> {
    match state.store.password_link(&sha256(link), now(), used_after).await? {
        Some(link) => Ok(link),
        None => {
            refuse_bearer(state, visit).await?;
            Err(Refusal::LinkInvalid.into())
        }
    }
}

/// Sets a password by a link of the operator's. It is used up, all sessions end, and nobody is
/// signed in by it (RE-03). The same form, sent twice, ends where the first did. Tells whose it was.
pub async fn set_password(
    state: &AppState,
    link: &str,
    new: &Result<String, Code>,
    visit: &Visit,
) -> Result<AccountId> {
    let found = find_link(state, link, visit, Some(now() - SAME_LINK)).await?;
    let policy = state.settings.passwords;
    let new = new_password(new, policy, &found.profile).map_err(|code| {
        Refusal::InvalidInput(vec![FieldError { field: Field::NewPassword, code }])
    })?;
    let (account, by) = (found.profile.id, Place::of(visit, Some(found.profile.id)));
    if found.used {
        return set_already(state, &found, &new, visit).await;
    }
    let hash = state.passwords.hash(&new, by).await?;
    let event = Event::of(visit, By::Owner, Act::PasswordSetByLink, Some(account), now());
    let ended = state.store.use_password_link(&sha256(link), account, &hash, &event).await?;
    let Some(ended) = ended else {
        // Used in this very moment, perhaps by this very form.
        let found = find_link(state, link, visit, Some(now() - SAME_LINK)).await?;
        return set_already(state, &found, &new, visit).await;
    };
    state.live_sessions.changed(&ended);
    event.log();
    Ok(account)
}

/// Whether a link that was used a moment ago has set this very password. A wrong one counts like a
/// link that is none, so whoever finds a used link cannot guess by it.
async fn set_already(
    state: &AppState,
    link: &PasswordLink,
    new: &Password,
    visit: &Visit,
) -> Result<AccountId> {
    let counters = state.throttle.counters(&state.macs, Who::Bearer, visit);
    refuse_if_limited(state, &counters, visit, Act::Limited).await?;
    let by = Place::of(visit, Some(link.profile.id));
    if state.passwords.verify(new, Some(&link.password_hash), by).await?.right {
        let failed = Event::of(visit, By::Stranger, Act::TokenRefused, None, now());
        recheck(state, &counters, failed).await?;
        return Ok(link.profile.id);
    }
    refuse_bearer(state, visit).await?;
    Err(Refusal::LinkInvalid.into())
}

fn event(visit: &Visit, caller: &SignedIn, act: Act) -> Event {
    Event::of(visit, By::Owner, act, Some(caller.account()), now())
}
