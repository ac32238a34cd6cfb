//! Signing in by a code that is sent by mail. It takes the place of the password, never that of a
//! second factor.
//!
//! The code has eight digits. It works for ten minutes and five tries, together with the token that
//! only the asking browser or program has.

use super::{
    CODE_ASKED, Proof, Step,
    asking::{Addressee, Request, identifier},
    attempt::Attempt,
    enter, leave_by, same_again,
};
use crate::{
    challenges::{self, NewChallenge, Purpose},
    emails::NOBODY,
    mail::Message,
    passwords,
    platform::{
        clock::now,
        error::{Refusal, Result},
        random,
        visit::Visit,
    },
    services::Services,
    sessions::{caller::SignedIn, tokens::SessionKind},
};

/// How long a code works, in seconds.
pub const CODE_TTL: i64 = 10 * 60;

/// Sends a code to the verified address of an account. `raw`: its username, or that address.
/// Returns the token of the challenge, which is made in every case.
pub async fn ask(services: &Services, raw: &str, visit: &Visit) -> Result<String> {
    let identifier = identifier(raw)?;
    // A token of no challenge, if nothing is done.
    let none = random::token()?;
    let Some(request) = Request::of(services, &identifier, CODE_ASKED, visit).await? else {
        return Ok(none);
    };
    let Some((mut tx, sends)) = request.begin(services, visit).await? else { return Ok(none) };
    let code = random::digits()?;
    let new = NewChallenge {
        purpose: Purpose::EmailCode,
        account: request.account().filter(|_| sends),
        name: &request.name,
        code: &code,
        state: "",
        expires_at: request.event.at + CODE_TTL,
    };
    let challenge = challenges::make(&mut tx, &services.keys, &new).await?;
    let message = match &request.addressee {
        _ if !sends => Message::nothing(),
        Addressee::Owner(_, reachable, _) => {
            let message = reachable.message("sign-in-code").with("code", &code);
            message.until(request.event.at + CODE_TTL)
        }
        _ => request.no_account(services),
    };
    request.finish(tx, services, &message).await?;
    Ok(challenge)
}

/// Begins a session by the code of a challenge. The browser's previous session ends (SE-01). A wrong
/// code, a foreign or an old challenge and a disabled account get the same refusal.
pub async fn sign_in_by_code(
    services: &Services,
    challenge: &str,
    code: &str,
    kind: SessionKind,
    visit: &Visit,
    before: Option<&SignedIn>,
) -> Result<Step> {
    let (store, keys, now) = (&services.store, &services.keys, now());
    let found = challenges::find(store, keys, Purpose::EmailCode, challenge, now).await?;
    let Some(found) = found else {
        services.throttle.refuse_bearer(keys, store, visit).await?;
        return Err(Refusal::InvalidCode.into());
    };
    // The same lookup for a name that nobody has.
    let holder = passwords::holder(store, found.account.unwrap_or(NOBODY));
    let attempt =
        Attempt::begin(services, &found.name, holder, Refusal::InvalidCode, visit).await?;
    // People copy it with the space, or with a hyphen.
    let code: String = code.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    let is_right = challenges::take_try(store, challenge).await? && found.fits(keys, &code);
    let epoch = attempt.holder.as_ref().map(|holder| holder.epoch);
    let is_over = found.used || epoch != Some(found.epoch);
    // The same form may have used the code, and raised the epoch.
    if is_right
        && is_over
        && let Some(entered) = same_again(services, challenge, kind, visit).await?
    {
        return Ok(Step::Entered(Box::new(entered)));
    }
    let proven = attempt.proven_if(is_right && !is_over, services, visit).await?;
    let proof = Proof::Code(challenge);
    let step = match enter(services, &proven, proof, kind, visit).await? {
        Some(step) => step,
        // The same form may have been faster.
        None => match same_again(services, challenge, kind, visit).await? {
            Some(entered) => Step::Entered(Box::new(entered)),
            None => return proven.attempt.fail(services, visit).await,
        },
    };
    leave_by(services, before, &step, visit).await;
    Ok(step)
}
