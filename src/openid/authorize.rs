//! What to do with an authorization request: ask the person for something, or send them back to the app.

use std::borrow::Cow;

use super::{
    APP_ENTERED, codes, covers, pushed,
    request::{Bad, Dead, Params, Prompt, Request, with_params},
    sql,
    tokens::read_hint,
    united,
};
use crate::{
    apps,
    audit::{self, By, Event},
    factors, groups,
    keys::Statement,
    platform::{
        clock::now,
        error::{Fault, Refusal, Result},
        visit::Visit,
    },
    services::Services,
    sessions::{
        caller::{OVER, SignedIn},
        grants,
        tokens::CLOCK_SKEW,
    },
    store::changes,
};

/// Reads an authorization request, or the pushed one that it names. `person`: somebody who is signed in here. Only
/// for them is the metadata of an app fetched that nobody has registered.
pub async fn read(
    services: &Services,
    params: &Params,
    person: Option<&SignedIn>,
) -> Result<std::result::Result<Request, Bad>, Fault> {
    let id = params.hint("client_id").unwrap_or_default();
    let person = person.filter(|person| person.by_cookie());
    let app = match person {
        Some(person) => services.apps.learn(id, person.account()).await?,
        None => services.apps.find(id).await?,
    };
    let (apps, issuer) = (services.apps.get().await?, services.issuer());
    let Some(uri) = params.hint("request_uri").filter(|uri| pushed::is_ours(uri)) else {
        return Ok(Request::read(params, app, &apps, issuer));
    };
    let Some(app) = app else { return Ok(Err(Bad::Here(Dead::UnknownApp))) };
    let Some(pushed) = pushed::open(services, &app.id, uri).await? else {
        return Ok(Err(Bad::Here(Dead::Over)));
    };
    // Nothing else in the address counts (RFC 9101, section 6.3).
    let of_app = Params::read(pushed.query.as_bytes());
    let request = Request::read(&of_app, Some(app), &apps, issuer);
    Ok(request.map(|request| request.as_pushed(params, pushed.hash)))
}

/// A step that a person takes on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Signing in, or confirming who they are.
    Login,
    /// Choosing the account.
    Account,
    /// Agreeing to what the app learns.
    Consent,
}

impl Step {
    const ALL: [Self; 3] = [Self::Login, Self::Account, Self::Consent];

    fn word(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Account => "account",
            Self::Consent => "consent",
        }
    }
}

/// How many apps an account may have agreed to, before it agrees to no more that nobody has registered.
const MOST_CONSENTS: usize = 200;

/// How long a step counts, in seconds.
const STEP_TTL: i64 = 3600;

/// The answer to a request.
pub enum Decision {
    /// Back to the app: an address of the app's.
    Back(String),
    /// On to a page of ours: a path.
    Page(String),
    /// Which account is it to be?
    Choose,
    /// May the app learn this?
    Consent,
}

/// A step, when it was taken, and the proof of that.
struct Taken<'a> {
    step: Step,
    at: i64,
    /// As it stands in the address.
    text: Cow<'a, str>,
}

/// Whose step this is. Nobody is signed in before the first; the others are good in one session only, so that
/// nobody takes them for somebody else.
fn whose(step: Step, caller: Option<&SignedIn>) -> &str {
    match step {
        Step::Login => "",
        Step::Account | Step::Consent => caller.map_or("", SignedIn::family),
    }
}

/// The steps that this request says were taken.
fn taken<'a>(
    services: &Services,
    request: &'a Request,
    caller: Option<&SignedIn>,
) -> Vec<Taken<'a>> {
    let read = |text: &'a str| {
        let (named, tag) = text.rsplit_once('.')?;
        let (word, at) = named.split_once('-')?;
        let step = Step::ALL.into_iter().find(|known| known.word() == word)?;
        let digest = request.digest();
        let statement = Statement::AuthorizationStep(named, &digest, whose(step, caller));
        let at: i64 = at.parse().ok().filter(|_| services.keys.fits(statement, tag))?;
        let is_recent = (now() - STEP_TTL..=now() + CLOCK_SKEW).contains(&at);
        is_recent.then_some(Taken { step, at, text: text.into() })
    };
    request.step.as_deref().unwrap_or_default().split('~').filter_map(read).collect()
}

/// The address of the request after a step that is taken now, besides those before.
#[must_use]
pub fn after(
    services: &Services,
    request: &Request,
    step: Step,
    caller: Option<&SignedIn>,
) -> String {
    let at = now();
    let named = format!("{}-{at}", step.word());
    let statement = Statement::AuthorizationStep(&named, &request.digest(), whose(step, caller));
    let tag = services.keys.tag(statement);
    let mut steps = taken(services, request, caller);
    steps.retain(|known| known.step != step);
    steps.push(Taken { step, at, text: format!("{named}.{tag}").into() });
    let steps: Vec<&str> = steps.iter().map(|taken| &*taken.text).collect();
    request.address(Some(&steps.join("~")))
}

/// The address of a page where a step is taken, from which the request goes on.
#[must_use]
pub fn by_way_of(
    page: &str,
    services: &Services,
    request: &Request,
    step: Step,
    caller: Option<&SignedIn>,
) -> String {
    with_params(page, &[("next", Some(&after(services, request, step, caller)))])
}

/// The address of a page where something is done that is no step, from which the request goes on.
fn on_the_way(page: &str, request: &Request) -> String {
    with_params(page, &[("next", Some(&request.address(request.step.as_deref())))])
}

/// Decides about a request.
pub async fn decide(
    services: &Services,
    request: &Request,
    caller: Option<&SignedIn>,
    visit: &Visit,
) -> Result<Decision> {
    let issuer = services.issuer();
    let silent = request.asks(Prompt::None);
    let refuse = |error: &str, why: &str| Ok(Decision::Back(request.refused(issuer, error, why)));
    // A program's token signs nobody in to an app.
    let caller = caller.filter(|caller| caller.by_cookie());
    let to =
        |page: &str, step| Ok(Decision::Page(by_way_of(page, services, request, step, caller)));
    let Some(caller) = caller else {
        return match () {
            () if silent => refuse("login_required", "Nobody is signed in."),
            () if request.asks(Prompt::Create) => to("/signup", Step::Login),
            () => to("/signin", Step::Login),
        };
    };
    let taken = taken(services, request, Some(caller));
    let step_of = |step: Step| taken.iter().find(|known| known.step == step).map(|taken| taken.at);

    let hint = request.id_token_hint.as_deref();
    let hint = hint.and_then(|token| read_hint(services, token));
    let is_other = hint.is_some_and(|hint| hint.sub != caller.account().0.to_string());
    let has_chosen = step_of(Step::Login).or(step_of(Step::Account)).is_some();
    // Nobody gets in under the name of somebody else (OpenID Connect Core 1.0, section 3.1.2.1).
    if is_other && (silent || has_chosen) {
        return refuse("login_required", "Somebody else is signed in.");
    }
    if (is_other || request.asks(Prompt::SelectAccount)) && !has_chosen {
        return Ok(Decision::Choose);
    }

    // Signed in at the wrong time, or too weakly.
    let session = caller.proof();
    let since_step = step_of(Step::Login).is_some_and(|at| session.auth_time >= at);
    let is_old = request.max_age.is_some_and(|age| age == 0 || now() - session.auth_time > age);
    let must_prove = (request.asks(Prompt::Login) || is_old) && !since_step;
    let too_weak = request.wants_second_factor
        && !session.proved_by.is_strong()
        && factors::of(services, caller.account()).await?.any();
    if must_prove || too_weak {
        // The steps before go along.
        return match silent {
            true => refuse("login_required", "The person must confirm who they are."),
            false => to("/confirm", Step::Login),
        };
    }
    if services.settings.factors.required && !caller.has_second_factor() {
        return match silent {
            true => refuse("interaction_required", "The person must set up a second factor."),
            false => Ok(Decision::Page(on_the_way(factors::SET_UP, request))),
        };
    }
    let needs_groups = !request.app.definition.groups.is_empty();
    if needs_groups && !request.app.admits(&groups::of(&services.store, caller.account()).await?) {
        return refuse("access_denied", "The person may not use this app.");
    }
    if needs_consent(services, request, caller, step_of(Step::Consent)).await? {
        return match silent {
            true => refuse("consent_required", "The person has not agreed."),
            false => Ok(Decision::Consent),
        };
    }
    let grant = enter(services, request, caller, visit).await?;
    if !use_up(services, request).await? {
        return refuse("invalid_request", "The pushed request has been used.");
    }
    let code = codes::make(services, request, &grant)?;
    let params =
        [("code", Some(&*code)), ("state", request.state.as_deref()), ("iss", Some(issuer))];
    Ok(Decision::Back(with_params(&request.redirect_uri, &params)))
}

/// Uses a pushed request up: it works once. `false`: it has been used.
pub async fn use_up(services: &Services, request: &Request) -> Result<bool, Fault> {
    match &request.pushed {
        Some(hash) => Ok(services.store.execute_lightly(sql::used_up(hash)).await? == 1),
        None => Ok(true),
    }
}

async fn needs_consent(
    services: &Services,
    request: &Request,
    caller: &SignedIn,
    asked_at: Option<i64>,
) -> Result<bool, Fault> {
    // An app that nobody has registered could be any program on the person's device (RFC 8252, section 8.6).
    let asks_always = request.asks(Prompt::Consent) || request.app.is_dynamic();
    if asks_always && asked_at.is_none() {
        return Ok(true);
    }
    if !request.app.definition.third_party {
        return Ok(false);
    }
    let mut db = services.store.read().await?;
    let given = apps::consent(&mut db, caller.account(), &request.app.id).await?;
    Ok(given.is_none_or(|given| !covers(&given, &request.wish())))
}

/// The grant of this app by this session, which is new at the first sign-in.
async fn enter(
    services: &Services,
    request: &Request,
    caller: &SignedIn,
    visit: &Visit,
) -> Result<String> {
    let (app, family) = (&*request.app.id, caller.family());
    let known = grants::of_session(&mut services.store.read().await?, app, family).await?;
    if let Some((id, scope, used_at)) = known
        && covers(&scope, &request.scope)
    {
        if now() - used_at >= grants::NOTED_EVERY {
            grants::note_use(&services.store, &id, now()).await?;
        }
        return Ok(id);
    }
    let account = caller.account();
    let mut event = Event::of(visit, By::Owner, APP_ENTERED, Some(account), now());
    event.detail.note.clone_from(&request.app.id);
    let mut tx = services.store.begin().await?;
    // Before the session can end, or the app be removed.
    _ = changes::next_revision(&mut tx).await?;
    if !apps::exists(&mut tx, app).await? {
        tx.rollback().await?;
        return Err(Refusal::NotFound.into());
    }
    // All that the app got by this session.
    let known = grants::of_session(&mut tx, app, family).await?;
    let before = known.map(|(_, scope, _)| scope).unwrap_or_default();
    let all = united(&before, &request.scope);
    let of_session = (account, family);
    let (grant, is_new) = grants::begin(&mut tx, app, of_session, &all, event.at).await?;
    // It may have ended since the guard looked.
    if grants::find(&mut tx, &grant, event.at).await?.is_none() {
        tx.rollback().await?;
        return Err(OVER.into());
    }
    if is_new {
        audit::record(&mut tx, &event).await?;
    }
    tx.commit().await?;
    if is_new {
        event.log();
    }
    Ok(grant)
}

/// Remembers that the caller agrees to what a request asks for.
pub async fn agree(
    services: &Services,
    request: &Request,
    caller: &SignedIn,
    visit: &Visit,
) -> Result<()> {
    let (account, app) = (caller.account(), &request.app.id);
    if request.app.is_dynamic() {
        // There are as many of them as anybody likes.
        services.throttle.act(caller.family())?;
        let known = apps::consents(&mut services.store.read().await?, account).await?;
        let is_new = known.iter().all(|(known, _)| known != app);
        if is_new && known.len() >= MOST_CONSENTS {
            return Err(Refusal::TooManyTries { retry_after: 3600 }.into());
        }
    }
    let mut event = Event::by_owner(visit, account, super::CONSENTED);
    event.detail.note.clone_from(app);
    let mut tx = services.store.begin().await?;
    // One after the other, and before the app can be removed.
    _ = changes::next_revision(&mut tx).await?;
    apps::keep(&mut tx, &request.app).await?;
    if !apps::exists(&mut tx, app).await? {
        tx.rollback().await?;
        return Err(Refusal::NotFound.into());
    }
    let before = apps::consent(&mut tx, account, app).await?.unwrap_or_default();
    let all = united(&before, &request.wish());
    apps::write_consent(&mut tx, account, app, &all, event.at).await?;
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    event.log();
    Ok(())
}
