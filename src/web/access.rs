//! Who may enter.
//!
//! One guard stands around the whole router and answers before anything else runs. It lets
//! nobody pass who is not signed in, unless the route stands in [`PUBLIC`]: the absence of a route
//! from that list is what closes it (AZ-01). It looks at the route that matched, and never at the
//! text of the path, so no spelling of a path gets around it.

use std::{borrow::Cow, sync::Arc, time::Duration};

use axum::{
    extract::{FromRequestParts, MatchedPath, Request},
    http::{Extensions, HeaderMap, Method, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};

use crate::domain::{AccountId, Profile};
use crate::{
    keys::Statement,
    platform::{
        clock::now,
        error::{Error, Fault, Refusal, Result},
    },
    sessions::{
        carrier::Carrier,
        live::LiveSession,
        refresh::GRACE,
        tokens::{CLOCK_SKEW, VerifiedToken},
    },
    store::Successor,
    web::{
        accepted, form_pages,
        notices::Notice,
        reply::accepts,
        routes::{Door, Routes},
        state::AppState,
    },
};

/// Every route that is open to strangers, and whether it is told who is signed in. `GET` includes
/// `HEAD`.
pub const PUBLIC: &[(Method, &str, Identity)] = &[
    (Method::GET, "/", Identity::Noticed),
    (Method::GET, "/signup", Identity::Noticed),
    (Method::GET, "/signin", Identity::Noticed),
    (Method::POST, "/api/sign_up", Identity::Noticed),
    (Method::POST, "/api/sign_in", Identity::Noticed),
    (Method::GET, "/set-password", Identity::Noticed),
    (Method::POST, "/api/set_password", Identity::Noticed),
    (Method::GET, "/language/{tag}", Identity::Ignored),
    (Method::GET, "/.well-known/change-password", Identity::Ignored),
    (Method::POST, "/auth/signup", Identity::Ignored),
    (Method::POST, "/auth/signin", Identity::Ignored),
    (Method::POST, "/auth/refresh", Identity::Ignored),
    (Method::GET, "/healthz", Identity::Ignored),
    (Method::GET, "/readyz", Identity::Ignored),
    (Method::GET, "/openapi.json", Identity::Ignored),
    (Method::GET, "/docs", Identity::Ignored),
    (Method::GET, "/problems/{kind}", Identity::Ignored),
    (Method::GET, "/pkg/{file}", Identity::Ignored),
    (Method::GET, "/favicon.ico", Identity::Ignored),
    (Method::GET, "/favicon.svg", Identity::Ignored),
    (Method::GET, "/robots.txt", Identity::Ignored),
];

/// What a public route is told of somebody who is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The route is told who it is. A bad proof is none.
    Noticed,
    Ignored,
}

/// The proof that a request comes from a signed-in account. Only the guard can make one, so a use
/// case that asks for it cannot be reached without it.
#[derive(Clone, Debug)]
pub struct SignedIn {
    session: Arc<LiveSession>,
    carrier: Carrier,
}

impl SignedIn {
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.session.profile
    }

    /// The id of the first session of the line that this one continues: forms are bound to it, so
    /// that they survive a renewal in another tab.
    #[must_use]
    pub fn family(&self) -> &str {
        &self.session.family
    }

    /// Whether the password was shown once more since the sign-in: the session goes on under a new id
    /// then.
    #[must_use]
    pub fn has_confirmed(&self) -> bool {
        self.session.id != self.session.family
    }

    /// The id of the session.
    #[must_use]
    pub fn session(&self) -> &str {
        &self.session.id
    }

    #[must_use]
    pub fn account(&self) -> AccountId {
        self.session.profile.id
    }

    /// The same, if the password was shown within the last `ttl` (SE-08).
    pub fn fresh(&self, ttl: Duration) -> Result<Fresh<'_>, Refusal> {
        let oldest = now().saturating_sub_unsigned(ttl.as_secs());
        if self.session.proved_at() >= oldest { Ok(Fresh(self)) } else { Err(Refusal::ProofTooOld) }
    }

    /// Whether the cookie was the proof.
    #[must_use]
    pub fn by_cookie(&self) -> bool {
        self.carrier == Carrier::Browser
    }
}

/// The proof that the caller has shown his password a short while ago. What is dangerous takes one.
#[derive(Clone, Copy, Debug)]
pub struct Fresh<'a>(&'a SignedIn);

impl std::ops::Deref for Fresh<'_> {
    type Target = SignedIn;

    fn deref(&self) -> &SignedIn {
        self.0
    }
}

/// The routes on which a session goes on under a new id.
const RENEWING: [&str; 4] =
    ["/api/change_password", "/api/confirm", "/auth/confirm", "/user/password"];

/// A request whose session ended a moment ago because this very request came before, and whose answer
/// may have been lost: the session that took its place. Only the guard makes one, and only for
/// [`RENEWING`]; nothing is done for it unless it shows the password.
#[derive(Clone)]
pub struct Returning {
    pub old: Arc<str>,
    pub successor: Arc<Successor>,
}

/// A caller who may renew a session.
pub enum Renewer {
    Now(SignedIn),
    Again(Returning),
}

impl Renewer {
    /// `None`: the guard lets nobody else come.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Option<Self> {
        let again = || extensions.get::<Returning>().cloned().map(Self::Again);
        extensions.get::<SignedIn>().cloned().map(Self::Now).or_else(again)
    }

    #[must_use]
    pub fn family(&self) -> &str {
        match self {
            Self::Now(caller) => caller.family(),
            Self::Again(returning) => &returning.successor.session.family,
        }
    }

    #[must_use]
    pub fn profile(&self) -> &Profile {
        match self {
            Self::Now(caller) => caller.profile(),
            Self::Again(returning) => &returning.successor.profile,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Renewer {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let none = Refusal::Unauthorized { token_came: false };
        Self::of(&parts.extensions).ok_or(none.into())
    }
}

/// What a request shows of its sender.
enum Shown {
    Nothing,
    /// A proof that is not good.
    Bad,
    /// A good proof of a session that is over.
    Ended(VerifiedToken),
    Good(SignedIn),
}

pub(crate) async fn guard(
    state: &AppState,
    routes: &Routes,
    mut request: Request,
    next: Next,
) -> Result<Response> {
    let Some(path) = request.extensions().get::<MatchedPath>().cloned() else {
        return Err(Refusal::NotFound.into());
    };
    let path = path.as_str();
    let door = match routes.find(path, request.method()) {
        Err(Refusal::MethodNotAllowed { .. }) if is_form_address(routes, path, &request) => {
            return Ok(Redirect::to(&form_pages::page_at(request.uri())).into_response());
        }
        found => found?,
    };
    let public = policy(request.method(), path);
    if public == Some(Identity::Ignored) {
        return Ok(next.run(request).await);
    }
    let renewing = RENEWING.contains(&path);
    match (look(state, request.headers()).await?, public) {
        (Shown::Good(signed_in), _) => {
            request.extensions_mut().insert(signed_in);
            Ok(next.run(request).await)
        }
        (_, Some(_)) => Ok(next.run(request).await),
        (Shown::Ended(proof), None) => {
            if renewing && let Some(returning) = returning(state, &proof).await? {
                request.extensions_mut().insert(returning);
                return Ok(next.run(request).await);
            }
            match deletion_asked(state, path, request.headers(), &proof).await? {
                Some(answer) => Ok(answer),
                None => deny(state, door, &request, true),
            }
        }
        (shown, None) => deny(state, door, &request, !matches!(shown, Shown::Nothing)),
    }
}

/// Somebody who presses Enter in the address bar after a refused form, or a tab that is restored.
fn is_form_address(routes: &Routes, path: &str, request: &Request) -> bool {
    routes.door(path) == Some(Door::Form)
        && [Method::GET, Method::HEAD].contains(request.method())
        && accepts(request.headers(), "text/html")
}

async fn returning(state: &AppState, proof: &VerifiedToken) -> Result<Option<Returning>, Fault> {
    let tag = state.macs.tag(Statement::Successor(&proof.session));
    let successor = state.store.successor(&tag, now() - GRACE).await?;
    Ok(successor
        .filter(|found| found.session.account_id == proof.account)
        .map(|successor| Returning { old: proof.session.clone(), successor: Arc::new(successor) }))
}

/// `None`: only for those who are signed in.
#[must_use]
pub fn policy(method: &Method, path: &str) -> Option<Identity> {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    PUBLIC.iter().find(|(m, p, _)| m == method && *p == path).map(|(.., identity)| *identity)
}

/// The forms that may ask for the deletion of the account.
const DELETING: [&str; 2] = ["/api/delete_account", "/api/confirm"];

/// The answer to somebody who asks for the deletion of his account a second time: what the first time
/// has done.
async fn deletion_asked(
    state: &AppState,
    path: &str,
    headers: &HeaderMap,
    proof: &VerifiedToken,
) -> Result<Option<Response>, Fault> {
    if !DELETING.contains(&path) {
        return Ok(None);
    }
    let account = state.store.record(proof.account).await?;
    Ok(account
        .and_then(|account| account.delete_at)
        .map(|at| accepted::signed_out(state, "/signin", Some(Notice::DeletionAsked(at)), headers)))
}

/// A person is sent to sign in, with nothing in the body; a program gets 401.
fn deny(state: &AppState, door: Door, request: &Request, token_came: bool) -> Result<Response> {
    let sign_in = |next: &str| {
        let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
        Redirect::to(&format!("/signin?next={next}")).into_response()
    };
    match door {
        Door::Page => Ok(sign_in(request.uri().path_and_query().map_or("/", |path| path.as_str()))),
        // Signed out already: by the same form sent twice, or in another tab.
        Door::Form if request.uri().path() == "/api/sign_out" => {
            Ok((state.cookies.forget(), Redirect::to("/")).into_response())
        }
        Door::Form => Ok(sign_in(form_pages::page_of(request.uri().path()))),
        Door::Json | Door::Asset => Err(Refusal::Unauthorized { token_came }.into()),
    }
}

/// If there is an `Authorization`, the cookie is not looked at (CS-05).
async fn look(state: &AppState, headers: &HeaderMap) -> Result<Shown, Fault> {
    let mut authorizations = headers.get_all(header::AUTHORIZATION).iter();
    let (carrier, token) = match (authorizations.next(), authorizations.next()) {
        (Some(_), Some(_)) => return Ok(Shown::Bad),
        (Some(authorization), None) => {
            let Ok(authorization) = authorization.to_str() else { return Ok(Shown::Bad) };
            match authorization.split_once(' ') {
                Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
                    (Carrier::Program, Cow::from(token))
                }
                _ => return Ok(Shown::Nothing),
            }
        }
        (None, _) => match state.cookies.session(headers) {
            Some(token) => (Carrier::Browser, Cow::from(token)),
            None => return Ok(Shown::Nothing),
        },
    };
    by_token(state, carrier, &token).await
}

/// Somebody who has just got a token and goes on with it.
pub async fn go_on(
    state: &AppState,
    carrier: Carrier,
    token: &str,
) -> Result<Option<SignedIn>, Fault> {
    Ok(match by_token(state, carrier, token).await? {
        Shown::Good(signed_in) => Some(signed_in),
        Shown::Nothing | Shown::Bad | Shown::Ended(_) => None,
    })
}

async fn by_token(state: &AppState, carrier: Carrier, token: &str) -> Result<Shown, Fault> {
    let Some(proof) = state.sessions.read(carrier, token) else { return Ok(Shown::Bad) };
    let found = state.live_sessions.find(&proof).await?;
    let Some(session) = found.filter(|session| session.carrier == carrier) else {
        return Ok(Shown::Ended(proof));
    };
    if session.proved_at() > now() + CLOCK_SKEW {
        state.live_sessions.forget_proof(&session);
    }
    let (remembered, until) = (session.remembered, session.alive_until());
    let extension = state.sessions.extension(carrier, remembered, until, session.ends_at);
    if let Some((alive_until, enough)) = extension {
        state.live_sessions.extend(&session, alive_until, enough);
    }
    Ok(Shown::Good(SignedIn { session, carrier }))
}
