//! The use cases: sign up, sign in, sign out.
//!
//! No HTTP, no leptos, no SQL text. Both doors call these, with domain values only.

use super::{
    access::SignedIn,
    error::{Fault, Refusal, Result},
    sessions::{Carrier, now},
    state::AppState,
    store::StoredAccount,
};
use crate::domain::{Credentials, NewAccount, Profile};

/// Makes an account.
///
/// The unique indexes of the store decide whether the name is free; the look before it only saves
/// the work of a hash.
pub async fn sign_up(state: &AppState, new: &NewAccount) -> Result<Profile> {
    if state.store.is_taken(&new.username).await? {
        return Err(Refusal::UsernameTaken.into());
    }
    let hash = state.passwords.hash(&new.password).await?;
    let account = state.store.insert_account(&new.username, &new.full_name, &hash, now()).await?;
    account.ok_or(Refusal::UsernameTaken.into())
}

/// Checks credentials. An unknown name and a wrong password are one refusal, and cost the same
/// (AU-01, AU-02).
pub async fn sign_in(state: &AppState, credentials: &Credentials) -> Result<Profile> {
    let account = match &credentials.username {
        Some(username) => state.store.account(username).await?,
        None => None,
    };
    let stored = account.as_ref().map(|account| account.password_hash.as_str());
    let verdict = state.passwords.verify(&credentials.password, stored).await?;
    let Some(account) = account.filter(|_| verdict.right) else {
        return Err(Refusal::InvalidCredentials.into());
    };
    if verdict.outdated
        && let Err(error) = strengthen(state, credentials, &account).await
    {
        // The password was right. The next sign-in tries again.
        tracing::warn!(?error, "a hash could not be made anew");
    }
    Ok(account.profile)
}

/// Puts a hash with today's parameters in the place of an older one. Until then the account may
/// answer in another time than one that does not exist.
async fn strengthen(
    state: &AppState,
    credentials: &Credentials,
    account: &StoredAccount,
) -> Result<()> {
    let hash = state.passwords.hash(&credentials.password).await?;
    let (id, old) = (account.profile.id, &account.password_hash);
    Ok(state.store.replace_password_hash(id, old, &hash).await?)
}

/// Starts a session for somebody who has just signed up or in, and gives the JWT that names it.
/// The session that the same browser had before is over (SE-01).
pub async fn begin_session(
    state: &AppState,
    carrier: Carrier,
    profile: &Profile,
    before: Option<&SignedIn>,
) -> Result<String> {
    let session = state.sessions.begin(carrier, profile.id)?;
    if !state.store.insert_session(&session).await? {
        // The account has gone in this very moment.
        return Err(Refusal::InvalidCredentials.into());
    }
    if let Some(before) = before {
        state.live_sessions.end(before.session()).await?;
    }
    Ok(state.sessions.token(carrier, &session)?)
}

/// Ends the session: whatever names it is dead at once (SE-02).
pub async fn sign_out(state: &AppState, caller: &SignedIn) -> Result<(), Fault> {
    state.live_sessions.end(caller.session()).await
}
