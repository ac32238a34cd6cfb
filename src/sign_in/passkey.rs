//! Signing in with a passkey alone: nothing is typed, and it is both factors at once.

use serde_json::Value;

use super::{Proof, Step, attempt::Attempt, enter, leave, same_again};
use crate::{
    factors::{self, Answer},
    passkeys::{self, Assertion, Ceremony},
    passwords,
    platform::{
        clock::now,
        error::{Refusal, Result},
        visit::Visit,
    },
    services::Services,
    sessions::{caller::SignedIn, tokens::SessionKind},
};

/// The options to ask for any passkey with, and the challenge among them. Nothing is written.
pub fn options(services: &Services) -> Result<(String, Value)> {
    let challenge = Ceremony::SignIn.challenge(&services.keys, now())?;
    let options = passkeys::options::request(&services.home, &challenge);
    Ok((challenge, options))
}

/// Begins a session by a passkey. The browser's previous session ends (SE-01). `challenge`: what the
/// options came with.
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
    let known = passkeys::find(store, &assertion.id, &services.home).await?;
    let is_known = known.is_some();
    let answer = Answer::Passkey(assertion);
    let answered = match is_for_it {
        true => factors::check(services, None, &answer, None, visit).await?,
        false => None,
    };
    let Some((answered, key)) =
        answered.and_then(|answered| Some((answered.clone(), answered.passkey()?.clone())))
    else {
        services.throttle.refuse_bearer(&services.keys, store, visit).await?;
        let refusal = if is_known { Refusal::InvalidCode } else { Refusal::UnknownPasskey };
        return Err(refusal.into());
    };
    let holder = passwords::holder(store, key.account).await?;
    let attempt = Attempt::by_passkey(services, holder, visit).await?;
    let proven = attempt.proven_if(true, services, visit).await?;
    let step = match enter(services, &proven, Proof::Passkey(&answered), kind, visit).await? {
        Some(step) => step,
        // The same form may have been faster.
        None => match same_again(services, challenge, kind, visit).await? {
            Some(entered) => Step::Entered(Box::new(entered)),
            None => return proven.attempt.fail(services, visit).await,
        },
    };
    leave(services, before, visit).await;
    Ok(step)
}
