//! Signing in with a passkey alone: nothing is typed, and it is both factors at once.

use serde_json::Value;

use super::{Proof, Step, attempt::Attempt, enter, leave_by};
use crate::{
    emails::NOBODY,
    factors::{self, Answer},
    passkeys::{self, Assertion, Ceremony},
    passwords,
    platform::{
        clock::now,
        error::{Refusal, Result},
        visit::Visit,
    },
    services::Services,
    sessions::{Second, caller::SignedIn, tokens::SessionKind},
};

/// The options to ask for any passkey with, and the challenge among them. Nothing is written.
pub fn options(services: &Services) -> Result<(String, Value)> {
    let challenge = Ceremony::SignIn.challenge(&services.keys, now())?;
    let options = passkeys::options::request(&services.home, &challenge);
    Ok((challenge, options))
}

/// Begins a session by a passkey. The browser's previous session ends (SE-01). `challenge`: that of the
/// options.
pub async fn sign_in_by_passkey(
    services: &Services,
    challenge: &str,
    assertion: Assertion,
    kind: SessionKind,
    visit: &Visit,
    before: Option<&SignedIn>,
) -> Result<Step> {
    let store = &services.store;
    let is_for_it = assertion.challenge().as_deref() == Some(challenge);
    let id = assertion.id.clone();
    let answer = Answer::Passkey(assertion);
    let answered = match is_for_it {
        true => factors::check(services, None, &answer, None, visit).await?,
        false => None,
    };
    let storage = answered.as_ref().map(|answered| answered.second);
    let (Some(answered), Some(Second::Passkey(storage))) = (answered, storage) else {
        services.throttle.refuse_bearer(&services.keys, store, visit).await?;
        let is_known = passkeys::find(store, &id, &services.home).await?.is_some();
        let refusal = if is_known { Refusal::InvalidCode } else { Refusal::UnknownPasskey };
        return Err(refusal.into());
    };
    let account = answered.passkey().map_or(NOBODY, |key| key.account);
    let holder = passwords::holder(store, account).await?;
    let attempt = Attempt::by_possession(services, holder, visit).await?;
    let proven = attempt.proven_if(true, services, visit).await?;
    let proof = Proof::Passkey(&answered, storage);
    let Some(step) = enter(services, &proven, proof, kind, visit).await? else {
        return proven.attempt.fail(services, visit).await;
    };
    leave_by(services, before, &step, visit).await;
    Ok(step)
}
