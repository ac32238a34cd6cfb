//! Signing in with another provider: the way there, the way back, and the outcome.
//!
//! An identity opens the one account it is linked to. Nobody is ever led to an account by an address. A first
//! visit makes a new account, with a username to choose; the address comes along as verified only where the
//! operator trusts the provider with it, and only if nobody here has it. Linking takes both proofs: a fresh one
//! here before one leaves, and the provider's.

use std::time::{Duration, Instant};

use super::{
    Entered, IDENTITY_LINKED, PROVIDER_FAILED, Proof, Step,
    attempt::Attempt,
    confirm::{Evidence, Failed as FailedProof, FullProof, Renewal, renew},
    enter, leave, leave_by, same_again, signed_in,
};
use crate::{
    accounts::{self, Made, settings::SignUpMode},
    audit::{self, Event},
    domain::{Email, Field, NewAccount},
    emails::{self, SECURITY},
    factors,
    keys::Statement,
    passwords,
    platform::{
        error::{Error, Fault, Refusal, Result},
        fetch::short,
        random,
        visit::Visit,
    },
    providers::{
        Failed, Person, Provider,
        identities::{self, Linked},
        upstream::{Answer, Sent},
        visits::{self, Purpose},
    },
    services::Services,
    sessions::{
        self, First, ProvedBy, StoredSession, account,
        caller::{OVER, SignedIn},
        tokens::SessionKind,
    },
    throttle::{LIMITED, Who},
};

/// The session ends with the browser, like others that nobody asked to keep.
const KIND: SessionKind = SessionKind::Browser { remembered: false };

/// How long a second answer waits for what the first one brings.
const IN_PROGRESS: Duration = Duration::from_secs(6);

/// The address that a provider sends people back to.
#[must_use]
pub fn callback(services: &Services, provider: &str) -> String {
    format!("{}/signin/with/{provider}/callback", services.issuer())
}

/// Begins a visit to a provider, of the browser with this cookie. Returns the address to go to.
pub async fn depart(
    services: &Services,
    provider: &Provider,
    browser: &str,
    (purpose, next): (Purpose, &str),
    visit: &Visit,
) -> Result<std::result::Result<String, Failed>> {
    let counters = services.throttle.counters(&services.keys, Who::Departure, visit);
    services.throttle.refuse_if_limited(&services.store, &counters, visit, LIMITED).await?;
    let mut tx = services.store.begin().await?;
    if let Some(limited) = services.throttle.count_in(&mut tx, &counters).await? {
        tx.rollback().await?;
        return Err(limited);
    }
    let (begun, state) =
        visits::begin(&mut tx, &services.keys, provider, browser, (purpose, next)).await?;
    tx.commit().await?;
    let redirect_uri = callback(services, &provider.id);
    let sent = Sent {
        redirect_uri: &redirect_uri,
        state: &state,
        nonce: &begun.nonce,
        verifier: &begun.verifier,
        confirms_since: begun.confirms_since(),
    };
    let address = services.providers.address(provider, &sent).await;
    if let Err(failed) = &address {
        told(provider, failed);
    }
    Ok(address)
}

fn told(provider: &Provider, failed: &Failed) {
    let (Failed::Away(why) | Failed::Wrong(why)) = failed;
    tracing::warn!(provider = provider.id, why, "a sign-in with a provider has failed");
}

/// The parameters with which a person comes back.
pub struct Back<'a> {
    pub state: &'a str,
    pub code: Option<&'a str>,
    pub error: Option<&'a str>,
    pub iss: Option<&'a str>,
}

/// The outcome of a visit.
pub enum Outcome {
    /// Signed in, or on the way.
    In(Box<Step>),
    /// Nobody has an account with this identity yet: a username is chosen next.
    Newcomer,
    Linked(Linked),
    /// It has come back before, and the person is signed in.
    Again,
    /// It is not this browser's, or waited too long, or has come back before.
    Lost,
    /// The person has said no there.
    Cancelled,
    Away,
    Wrong,
    /// The account can't be entered.
    Barred,
    /// It is not the identity of the person who was to confirm who they are.
    NotTheirs,
    /// The provider doesn't say that it has just asked, and there is a better proof.
    NoProof,
    /// Nobody may sign up with this provider.
    NoSignUp,
}

/// Receives a person who comes back. Returns the outcome, and the page that was to follow.
pub async fn come_back(
    services: &Services,
    provider: &Provider,
    back: &Back<'_>,
    visit: &Visit,
    caller: Option<&SignedIn>,
) -> Result<(Outcome, String)> {
    let Services { store, keys, .. } = services;
    let browser = visit.visitor.as_deref();
    let found = visits::find(store, keys, &provider.id, back.state, browser).await?;
    let Some(found) = found else {
        services.throttle.audit_refusal(store, visit, PROVIDER_FAILED).await;
        return Ok((Outcome::Lost, String::new()));
    };
    let next = found.visit.next.clone();
    if found.used || !visits::use_up(store, back.state).await? {
        return Ok((come_again(services, provider, back.state, visit, caller).await?, next));
    }
    let redirect_uri = callback(services, &provider.id);
    let sent = Sent {
        redirect_uri: &redirect_uri,
        state: back.state,
        nonce: &found.visit.nonce,
        verifier: &found.visit.verifier,
        confirms_since: found.visit.confirms_since(),
    };
    let person = match (back.code, back.error) {
        (Some(code), None) => {
            services.providers.person(provider, &sent, &Answer { code, iss: back.iss }).await
        }
        (None, Some(error)) => match services.providers.check_issuer(provider, back.iss).await {
            Ok(()) if error == "access_denied" => return Ok((Outcome::Cancelled, next)),
            Ok(()) => Err(Failed::Wrong(format!("it answered {:?}", short(error)))),
            Err(failed) => Err(failed),
        },
        _ => Err(Failed::Wrong("it answered with neither a code nor an error".to_owned())),
    };
    let person = match person {
        Ok(person) => person,
        Err(failed) => {
            told(provider, &failed);
            services.throttle.audit_refusal(store, visit, PROVIDER_FAILED).await;
            let is_away = matches!(failed, Failed::Away(_));
            return Ok((if is_away { Outcome::Away } else { Outcome::Wrong }, next));
        }
    };
    let of_family =
        |family: &str| caller.filter(|caller| caller.by_cookie() && caller.family() == family);
    let outcome = match &found.visit.purpose {
        Purpose::Link(family) => match of_family(family) {
            Some(caller) => {
                Outcome::Linked(link(services, caller, provider, &person, visit).await?)
            }
            None => Outcome::Lost,
        },
        Purpose::Confirm(family) => match of_family(family) {
            Some(caller) => confirm(services, provider, back.state, &person, visit, caller).await?,
            None => Outcome::Lost,
        },
        Purpose::SignIn => sign_in(services, provider, back.state, &person, visit, caller).await?,
    };
    Ok((outcome, next))
}

/// Receives a person whose visit has come back before: by the back button, or because the answer was sent twice.
async fn come_again(
    services: &Services,
    provider: &Provider,
    state: &str,
    visit: &Visit,
    caller: Option<&SignedIn>,
) -> Result<Outcome> {
    let browser = visit.visitor.as_deref();
    // The first answer may still be on its way to the provider.
    let until = Instant::now() + IN_PROGRESS;
    loop {
        if let Some(entered) = same_again(services, state, KIND, visit).await? {
            return Ok(Outcome::In(Box::new(Step::Entered(Box::new(entered)))));
        }
        if newcomer(services, provider, state, browser).await?.is_some() {
            return Ok(Outcome::Newcomer);
        }
        let (store, keys) = (&services.store, &services.keys);
        let found = visits::find(store, keys, &provider.id, state, browser).await?;
        let is_new = found.is_some_and(|found| found.is_in_progress());
        if caller.is_some() || !is_new || Instant::now() >= until {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(if caller.is_some() { Outcome::Again } else { Outcome::Lost })
}

async fn sign_in(
    services: &Services,
    provider: &Provider,
    state: &str,
    person: &Person,
    visit: &Visit,
    before: Option<&SignedIn>,
) -> Result<Outcome> {
    let store = &services.store;
    let Some(identity) = identities::find(store, provider, &person.subject).await? else {
        let is_closed = services.settings.accounts.sign_up == SignUpMode::Closed;
        if !provider.sign_up || is_closed {
            return Ok(Outcome::NoSignUp);
        }
        visits::keep_newcomer(store, &services.keys, state, person).await?;
        return Ok(Outcome::Newcomer);
    };
    let holder = passwords::holder(store, identity.account()).await?;
    let attempt = Attempt::by_possession(services, holder, visit).await?;
    let proven = match attempt.proven_if(true, services, visit).await {
        Ok(proven) => proven,
        Err(Error::Refusal(_)) => return Ok(Outcome::Barred),
        Err(fault) => return Err(fault),
    };
    let (strong, at) = (person.second_factor, person.auth_time);
    let proof = Proof::Identity { state, id: &identity.id, strong, at };
    let Some(step) = enter(services, &proven, proof, KIND, visit).await? else {
        return match proven.attempt.fail::<Outcome>(services, visit).await {
            Ok(outcome) => Ok(outcome),
            Err(Error::Refusal(_)) => Ok(Outcome::Barred),
            Err(fault) => Err(fault),
        };
    };
    leave_by(services, before, &step, visit).await;
    Ok(Outcome::In(Box::new(step)))
}

/// Confirms who the caller is, by an identity of theirs. Where that isn't enough, because the account has a second
/// factor, it goes on like a sign-in.
async fn confirm(
    services: &Services,
    provider: &Provider,
    state: &str,
    person: &Person,
    visit: &Visit,
    caller: &SignedIn,
) -> Result<Outcome> {
    let account = caller.account();
    let identity = identities::find(&services.store, provider, &person.subject).await?;
    if identity.is_none_or(|identity| identity.account() != account) {
        return Ok(Outcome::NotTheirs);
    }
    let Some(holder) = passwords::holder(&services.store, account).await? else {
        return Err(OVER.into());
    };
    let passkeys = factors::of(services, account).await?.passkeys;
    if person.auth_time.is_none() && (holder.hash.is_some() || passkeys > 0) {
        return Ok(Outcome::NoProof);
    }
    let event = Event::by_owner(visit, account, super::PROOF_FAILED);
    let proof = FullProof {
        proved_by: Some(ProvedBy::of(First::Identity { strong: person.second_factor })),
        answered: None,
        hash: holder.hash,
        epoch: holder.epoch,
        counters: Vec::new(),
        failed: FailedProof { field: Field::PASSWORD, event },
    };
    let renewal = Renewal { act: super::PROVED, proof, new_hash: None };
    let nothing = Evidence { password: None, answer: None };
    match renew(services, caller, renewal, &nothing, visit).await {
        Ok(entered) => Ok(Outcome::In(Box::new(Step::Entered(Box::new(entered))))),
        Err(Error::Refusal(Refusal::SecondFactorRequired { .. })) => {
            sign_in(services, provider, state, person, visit, Some(caller)).await
        }
        Err(error) => Err(error),
    }
}

/// Lets the identity of a person open the caller's account from now on.
async fn link(
    services: &Services,
    caller: &SignedIn,
    provider: &Provider,
    person: &Person,
    visit: &Visit,
) -> Result<Linked> {
    let account = caller.account();
    let mut event = Event::by_owner(visit, account, IDENTITY_LINKED);
    event.detail.note.clone_from(&provider.id);
    let mut tx = services.store.begin().await?;
    let is_there = account::lock(&mut tx, account).await?.is_some();
    if !is_there || !sessions::is_alive(&mut tx, caller.session(), event.at).await? {
        tx.rollback().await?;
        return Err(OVER.into());
    }
    let linked = identities::link(&mut tx, account, provider, person, event.at).await?;
    if linked != Linked::Now {
        tx.rollback().await?;
        return Ok(linked);
    }
    let values = [("provider", &*provider.name), ("label", &*person.label())];
    emails::notify(&mut tx, services, account, "identity-linked", &values, SECURITY).await?;
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    services.wake_outbox();
    event.log();
    Ok(linked)
}

/// A person who came back from a provider, and chooses a username.
pub struct Newcomer {
    pub person: Person,
    /// The address, if it is known to be theirs and nobody here has it.
    pub verified: Option<Email>,
    /// Whether somebody here has it.
    pub is_taken: bool,
    pub next: String,
}

/// The person whose visit this is. `None`: it is over, or not this browser's.
pub async fn newcomer(
    services: &Services,
    provider: &Provider,
    state: &str,
    visitor: Option<&str>,
) -> Result<Option<Newcomer>, Fault> {
    let found = visits::find(&services.store, &services.keys, &provider.id, state, visitor).await?;
    let Some((person, next)) = found.and_then(|found| Some((found.newcomer?, found.visit.next)))
    else {
        return Ok(None);
    };
    let trusted = provider.trust_email && person.email_verified;
    let email = person.email.as_deref().filter(|_| trusted);
    let email = email.and_then(|email| Email::parse(email).ok());
    let is_taken = match &email {
        Some(email) => emails::holder(&services.store, email).await?.is_some(),
        None => false,
    };
    Ok(Some(Newcomer { person, verified: email.filter(|_| !is_taken), is_taken, next }))
}

/// The outcome of a sign-up with a provider.
pub enum Arrival {
    In(Box<Entered>),
    /// The address must be verified first.
    ToVerify,
    /// The visit is over.
    Lost,
}

/// The same sign-up, sent twice.
async fn arrived_before(services: &Services, state: &str, visit: &Visit) -> Result<Arrival> {
    let same = same_again(services, state, KIND, visit).await?;
    Ok(same.map_or(Arrival::Lost, |entered| Arrival::In(Box::new(entered))))
}

/// Makes an account for a person who came back, and signs in to it. The same form, sent twice by one browser,
/// ends in the same session.
pub async fn sign_up(
    services: &Services,
    provider: &Provider,
    state: &str,
    new: NewAccount,
    visit: &Visit,
    before: Option<&SignedIn>,
) -> Result<Arrival> {
    // Before anything else: in another browser, it means nothing.
    let (store, keys, visitor) = (&services.store, &services.keys, visit.visitor.as_deref());
    if visits::find(store, keys, &provider.id, state, visitor).await?.is_none() {
        return Ok(Arrival::Lost);
    }
    let found = newcomer(services, provider, state, visitor).await?;
    let Some(found) = found.filter(|_| provider.sign_up) else {
        return arrived_before(services, state, visit).await;
    };
    let is_same = |verified: &Email| {
        new.email.as_ref().is_none_or(|email| emails::key(email) == emails::key(verified))
    };
    let verified = found.verified.filter(is_same);
    let new = match &verified {
        // It needs no link.
        Some(_) => NewAccount { email: None, ..new },
        None => new,
    };
    let id = random::account_id()?;
    let session = services.tokens.begin(KIND, id, visit)?;
    let session = StoredSession {
        proved_by: ProvedBy::of(First::Identity { strong: found.person.second_factor }),
        auth_time: found.person.proved_at(session.created_at),
        proved_at: found.person.proved_at(session.created_at),
        begun_by: Some(services.keys.tag(Statement::Answered(state))),
        ..session
    };
    let made = match accounts::make(services, &new, visit, id).await {
        // The same form may have been faster.
        Err(Error::Refusal(Refusal::UsernameTaken)) => {
            return match arrived_before(services, state, visit).await? {
                Arrival::Lost => Err(Refusal::UsernameTaken.into()),
                made => Ok(made),
            };
        }
        made => made?,
    };
    let (mut tx, Made { profile, epoch, event, joined, has_address: is_proved }) = made;
    let is_waiting = visits::end(&mut tx, state).await?;
    let linked = identities::link(&mut tx, id, provider, &found.person, event.at).await?;
    if !is_waiting || linked != Linked::Now {
        tx.rollback().await?;
        return arrived_before(services, state, visit).await;
    }
    let mut has_address = is_proved;
    if let Some(email) = verified.as_ref().filter(|_| !is_proved) {
        if emails::is_taken(&mut tx, email).await? {
            // Somebody was faster: the form says so.
            tx.rollback().await?;
            return Err(Refusal::StaleForm.into());
        }
        // The provider vouches for it, and the same person has both.
        let state = emails::State::Tied;
        emails::import(&mut tx, id, email, state, visit.language, event.at).await?;
        has_address = true;
    }
    let linked = Event { act: IDENTITY_LINKED, ..event.clone() };
    let must_verify = services.settings.mail.required && !has_address;
    let entered = match must_verify {
        true => None,
        false => {
            let entry = signed_in(services, &session, visit);
            sessions::begin(&mut tx, &session, None).await?;
            Some(entry)
        }
    };
    let own = [Some(&event), Some(&linked), entered.as_ref()];
    for event in own.into_iter().flatten().chain(&joined) {
        audit::record(&mut tx, event).await?;
    }
    tx.commit().await?;
    services.wake_outbox();
    own.into_iter().flatten().chain(&joined).for_each(Event::log);
    if must_verify {
        return Ok(Arrival::ToVerify);
    }
    leave(services, before, &session.id, visit).await;
    let entered = Entered::new(services, profile, session, epoch, visit)?;
    Ok(Arrival::In(Box::new(entered)))
}
