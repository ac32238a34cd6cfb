//! The guard: closes every route that isn't declared open.
//!
//! It stands around the whole router and answers before anything else runs. It admits only
//! signed-in users, unless the route's [`Policy`] says otherwise; a test pins the list of open
//! routes (AZ-01). It goes by the matched route, never by the text of the path, so no spelling of a
//! path gets around it.

use std::borrow::Cow;

use axum::{
    extract::{FromRequestParts, MatchedPath, Request},
    http::{Extensions, HeaderMap, Method, Uri, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use tracing::Instrument;

use super::{
    accepted::{self, Done},
    client::bearer,
    form::{Form, FormState, Over},
    next::{before, safe_next},
    notices::notices,
    reply::accepts,
    routes::{Door, Policy},
    state::AppState,
};
use crate::{
    authority::{
        self, Admin,
        api_keys::{self, PREFIX},
    },
    factors, groups,
    platform::{
        error::{Error, Fault, Refusal, Result},
        visit::Visit,
    },
    sessions::{
        caller::{Renewer, Returning, Shown, SignedIn, by_token},
        carrier::Carrier,
    },
};

/// The caller of a request that renews a session. `None`: the guard admits nobody else.
#[must_use]
pub fn renewer(extensions: &Extensions) -> Option<Renewer> {
    let again = || extensions.get::<Returning>().cloned().map(Renewer::Again);
    extensions.get::<SignedIn>().cloned().map(Renewer::Now).or_else(again)
}

impl<S: Sync> FromRequestParts<S> for Renewer {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let none = Refusal::Unauthorized { token_came: false };
        renewer(&parts.extensions).ok_or(none.into())
    }
}

/// Who is signed in, as far as that can be told: for a page about an error.
pub(crate) async fn signed_in(state: &AppState, headers: &HeaderMap) -> Option<SignedIn> {
    match look(state, headers).await {
        Ok(Some(Shown::Good(signed_in))) => Some(signed_in),
        _ => None,
    }
}

pub(crate) async fn guard(state: &AppState, mut request: Request, next: Next) -> Result<Response> {
    let Some(path) = request.extensions().get::<MatchedPath>().cloned() else {
        return Err(Refusal::NotFound.into());
    };
    let form = state.routes.form(path.as_str());
    if state.routes.is_of_admin(path.as_str()) {
        // Not even which methods there are (AZ-03).
        return match state.routes.find(path.as_str(), request.method()) {
            Ok((door, policy)) => admit_admin(state, door, policy, form, request, next).await,
            Err(refusal) => {
                let door = state.routes.door(path.as_str());
                must_administer(state, door, request.headers(), request.extensions()).await?;
                lead_to_page(form, &request).ok_or(refusal.into())
            }
        };
    }
    let (door, policy) = match state.routes.find(path.as_str(), request.method()) {
        Ok(found) => found,
        Err(refusal) => return lead_to_page(form, &request).ok_or(refusal.into()),
    };
    if policy == Policy::Public {
        return Ok(next.run(request).await);
    }
    let shown = look(state, request.headers()).await?;
    let token_came = shown.is_some();
    let by_cookie = !request.headers().contains_key(header::AUTHORIZATION);
    let is_over = by_cookie && matches!(shown, Some(Shown::Ended(_)));
    match shown {
        Some(Shown::Good(signed_in)) => {
            let is_short = state.settings.factors.required && !signed_in.has_second_factor();
            if is_short && policy == Policy::SignedIn {
                return lead_to_factors(door, request.uri());
            }
            request.extensions_mut().insert(signed_in);
            return Ok(next.run(request).await);
        }
        _ if policy.is_open() => return Ok(next.run(request).await),
        Some(Shown::Ended(token)) => {
            if policy == Policy::Renewing
                && let Some(again) = Returning::of(&state.store, &state.keys, &token).await?
            {
                request.extensions_mut().insert(again);
                return Ok(next.run(request).await);
            }
            if let Some(Over::Perhaps(said)) = form.map(|form| form.over)
                && let Some(notice) = said(state, token.account).await?
            {
                let headers = request.headers();
                return Ok(accepted::signed_out(state, "/signin", Some(notice), headers));
            }
        }
        Some(Shown::Bad) | None => {}
    }
    deny(state, door, form, &request, token_came, is_over)
}

/// Refuses everybody but administrators and programs with a key.
async fn must_administer(
    state: &AppState,
    door: Option<Door>,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Result<(), Refusal> {
    if !is_open_here(state, extensions) {
        return Err(Refusal::NotFound);
    }
    let nobody = no_credentials(door, headers);
    if let Some(key) = api_key(headers) {
        let verified = api_keys::verify(&state.store, key).await;
        return if matches!(verified, Ok(Some(_))) { Ok(()) } else { Err(nobody) };
    }
    let caller = signed_in(state, headers).await.ok_or(nobody)?;
    let admin = admin(state, &caller, extensions).await;
    if matches!(admin, Ok(Some(_))) { Ok(()) } else { Err(Refusal::NotFound) }
}

/// The API key that a request shows, valid or not.
fn api_key(headers: &HeaderMap) -> Option<&str> {
    let shown = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    bearer(shown).filter(|token| token.starts_with(PREFIX))
}

/// The refusal of a request without valid credentials: a JSON route asks for some, and a page isn't there.
fn no_credentials(door: Option<Door>, headers: &HeaderMap) -> Refusal {
    let token_came = headers.contains_key(header::AUTHORIZATION);
    match door {
        Some(Door::Json) => Refusal::Unauthorized { token_came },
        _ => Refusal::NotFound,
    }
}

/// Marks the requests that came in at `ADMIN_ADDR`.
#[derive(Clone, Copy)]
pub(crate) struct AtAdminAddress;

/// Whether administration is open to a request, by the listener it came in at.
pub(crate) fn is_open_here(state: &AppState, extensions: &Extensions) -> bool {
    state.settings.admin.address.is_none() || extensions.get::<AtAdminAddress>().is_some()
}

/// The administrator behind a request, if there is one, and if they have shown all that an administrator must.
/// `Err`: a second factor is missing.
pub(crate) async fn admin(
    state: &AppState,
    caller: &SignedIn,
    extensions: &Extensions,
) -> Result<Option<Admin>> {
    if !is_open_here(state, extensions) {
        return Ok(None);
    }
    let Some(admin) = Admin::person(&state.store, caller).await? else { return Ok(None) };
    let settings = &state.settings;
    let needs_second = settings.admin.second_factor || settings.factors.required;
    if needs_second && !caller.has_second_factor() {
        return Err(Refusal::SecondFactorRequired { challenge: None, methods: Vec::new() }.into());
    }
    Ok(Some(admin))
}

/// Admits administrators to a page, a form or a JSON route, and programs to JSON routes that their key allows.
/// To everybody else a page isn't there (AZ-03).
async fn admit_admin(
    state: &AppState,
    door: Door,
    policy: Policy,
    form: Option<&'static Form>,
    mut request: Request,
    next: Next,
) -> Result<Response> {
    if !is_open_here(state, request.extensions()) {
        return Err(Refusal::NotFound.into());
    }
    // PostgreSQL stores no NUL, so nothing has such a name.
    if request.uri().to_string().contains("%00") {
        return Err(Refusal::NotFound.into());
    }
    if let Policy::Api(scope) = policy
        && let Some(shown) = api_key(request.headers())
    {
        let Some(key) = api_keys::verify(&state.store, shown).await? else {
            let visit = Visit::of(state, request.headers(), request.extensions());
            state.throttle.refuse_bearer(&state.keys, &state.store, &visit).await?;
            return Err(Refusal::Unauthorized { token_came: true }.into());
        };
        state.throttle.request(&key.id)?;
        if !key.allows(scope) {
            let visit = Visit::of(state, request.headers(), request.extensions());
            authority::refuse_scope(&state.store, &key, &visit).await?;
            return Err(Refusal::InsufficientScope.into());
        }
        request.extensions_mut().insert(Admin::program(key));
        return run_to_the_end(request, next).await;
    }
    let token_came = request.headers().contains_key(header::AUTHORIZATION);
    match look(state, request.headers()).await? {
        Some(Shown::Good(caller)) => match admin(state, &caller, request.extensions()).await {
            Ok(Some(admin)) => {
                request.extensions_mut().insert(caller);
                request.extensions_mut().insert(admin);
                run_to_the_end(request, next).await
            }
            Ok(None) => Err(Refusal::NotFound.into()),
            Err(Error::Refusal(Refusal::SecondFactorRequired { .. })) => {
                lead_to_second_factor(state, &caller, door, request.uri()).await
            }
            Err(error) => Err(error),
        },
        // An administrator whose session is over is led back by way of the sign-in.
        Some(Shown::Ended(token))
            if door != Door::Json
                && !token_came
                && groups::is_in(&state.store, token.account, groups::ADMIN).await? =>
        {
            deny(state, door, form, &request, true, true)
        }
        _ => Err(no_credentials(Some(door), request.headers()).into()),
    }
}

/// Runs a request that may be repeated to its end, even if the client goes away: its answer is kept for the next
/// time.
async fn run_to_the_end(request: Request, next: Next) -> Result<Response> {
    if !request.headers().contains_key("idempotency-key") {
        return Ok(next.run(request).await);
    }
    let task = async move { next.run(request).await };
    Ok(tokio::spawn(task.in_current_span()).await.map_err(Fault::internal)?)
}

/// An administrator who has a second factor shows it; one who has none sets one up.
async fn lead_to_second_factor(
    state: &AppState,
    caller: &SignedIn,
    door: Door,
    uri: &Uri,
) -> Result<Response> {
    let has_one = factors::of(state, caller.account()).await?.any();
    if door == Door::Json || !has_one {
        return lead_to_factors(door, uri);
    }
    let next = match door {
        Door::Page => uri.path_and_query().map_or("/admin", |path| path.as_str()),
        _ => "/admin",
    };
    Ok(Redirect::to(&before("/confirm", next)).into_response())
}

/// Leads a user who must set up a second factor there, before anything else, and back.
fn lead_to_factors(door: Door, uri: &Uri) -> Result<Response> {
    match door {
        Door::Json | Door::Open | Door::Proxy | Door::Asset => {
            Err(Refusal::SecondFactorRequired { challenge: None, methods: Vec::new() }.into())
        }
        Door::Page => {
            let next = uri.path_and_query().map_or("/", |path| path.as_str());
            Ok(Redirect::to(&before(factors::SET_UP, next)).into_response())
        }
        Door::Sent | Door::Form => Ok(Redirect::to(factors::SET_UP).into_response()),
    }
}

/// Leads a browser that asks for a form by its address to its page: after pressing Enter in the address bar, or on
/// restoring a tab.
fn lead_to_page(form: Option<&'static Form>, request: &Request) -> Option<Response> {
    let is_from_a_browser = [Method::GET, Method::HEAD].contains(request.method())
        && accepts(request.headers(), "text/html");
    let form = form.filter(|_| is_from_a_browser)?;
    Some(Redirect::to(&page_at(form, request.uri())).into_response())
}

/// The page of a form, with the query from the form's address.
fn page_at(form: &'static Form, uri: &Uri) -> String {
    let query = uri.query().unwrap_or_default();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    if let (Some((name, next)), None) = (pairs.next(), pairs.next())
        && name == "next"
    {
        return FormState::new(form).to(&next).here();
    }
    // Hyper accepts only visible ASCII in a query.
    uri.query().map_or_else(|| form.page.to_owned(), |query| format!("{}?{query}", form.page))
}

notices! {
    /// The session that a browser shows is over.
    SESSION_OVER = "over";
}

/// Redirects a person to sign in, with an empty body; answers a program with 401. `is_over`: the
/// session of this browser has ended, and the person is told so. Its cookie stays: by now it may be
/// that of a newer session.
fn deny(
    state: &AppState,
    door: Door,
    form: Option<&Form>,
    request: &Request,
    token_came: bool,
    is_over: bool,
) -> Result<Response> {
    // What a form leads to says where its page was.
    let query = form.and(request.uri().query()).unwrap_or_default();
    let after = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "next");
    let after = after.map(|(_, next)| safe_next(&next));
    let next = match (door, form) {
        (Door::Json | Door::Open | Door::Proxy | Door::Asset, _) => {
            return Err(Refusal::Unauthorized { token_came }.into());
        }
        // Already signed out: by the same form sent twice, or in another tab.
        (_, Some(form)) if matches!(form.over, Over::SignedOut) => {
            return Ok((state.cookies.forget(), Redirect::to(form.page)).into_response());
        }
        (_, Some(form)) => after.as_deref().unwrap_or(form.page),
        (_, None) => request.uri().path_and_query().map_or("/", |path| path.as_str()),
    };
    let done = Done {
        location: before("/signin", next),
        headers: HeaderMap::new(),
        // A form was on a page of a session, even if its cookie is gone.
        notice: (is_over || form.is_some()).then_some(SESSION_OVER),
        session: None,
    };
    Ok(accepted::accepted(state, done, request.headers()))
}

/// The credential that a request shows, if any. If there is an `Authorization`, the cookie is
/// ignored (CS-05).
async fn look(state: &AppState, headers: &HeaderMap) -> Result<Option<Shown>, Fault> {
    let mut authorizations = headers.get_all(header::AUTHORIZATION).iter();
    let (carrier, token) = match (authorizations.next(), authorizations.next()) {
        (Some(_), Some(_)) => return Ok(Some(Shown::Bad)),
        (Some(authorization), None) => {
            let Ok(authorization) = authorization.to_str() else { return Ok(Some(Shown::Bad)) };
            match bearer(authorization) {
                Some(token) => (Carrier::Program, Cow::from(token)),
                None => return Ok(None),
            }
        }
        (None, _) => match state.cookies.session(headers) {
            Some(token) => (Carrier::Browser, Cow::from(token)),
            None => return Ok(None),
        },
    };
    by_token(&state.tokens, &state.live_sessions, carrier, &token).await.map(Some)
}
