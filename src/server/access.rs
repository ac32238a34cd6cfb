//! Who may enter.
//!
//! One guard stands around the whole router and answers before anything else runs. It lets
//! nobody pass who is not signed in, unless the route stands in [`PUBLIC`]: the absence of a route
//! from that list is what closes it (AZ-01). It looks at the route that matched, and never at the
//! text of the path, so no spelling of a path gets around it.

use std::{borrow::Cow, sync::Arc, time::Duration};

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};

use super::{
    clock::now,
    error::{Fault, Refusal, Result},
    live_sessions::LiveSession,
    routes::{Door, Routes},
    sessions::Carrier,
    state::AppState,
};
use crate::domain::{AccountId, Profile};

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
        if self.session.proved_at >= oldest { Ok(Fresh(self)) } else { Err(Refusal::ProofTooOld) }
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

/// What a request shows of its sender.
enum Shown {
    Nothing,
    /// A proof that is not good, or no longer.
    Bad,
    Good(SignedIn),
}

pub(super) async fn guard(
    state: &AppState,
    routes: &Routes,
    mut request: Request,
    next: Next,
) -> Result<Response> {
    let Some(path) = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str) else {
        return Err(Refusal::NotFound.into());
    };
    let door = routes.find(path, request.method())?;
    let public = policy(request.method(), path);
    if public == Some(Identity::Ignored) {
        return Ok(next.run(request).await);
    }
    match (look(state, request.headers()).await?, public) {
        (Shown::Good(signed_in), _) => {
            request.extensions_mut().insert(signed_in);
            Ok(next.run(request).await)
        }
        (_, Some(_)) => Ok(next.run(request).await),
        (shown, None) => deny(door, &request, matches!(shown, Shown::Bad)),
    }
}

/// `None`: only for those who are signed in.
#[must_use]
pub fn policy(method: &Method, path: &str) -> Option<Identity> {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    PUBLIC.iter().find(|(m, p, _)| m == method && *p == path).map(|(.., identity)| *identity)
}

/// A person is sent to sign in, with nothing in the body; a program gets 401.
fn deny(door: Door, request: &Request, token_came: bool) -> Result<Response> {
    match door {
        Door::Page => {
            let next = request.uri().path_and_query().map_or("/", |path| path.as_str());
            let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
            Ok(Redirect::to(&format!("/signin?next={next}")).into_response())
        }
        Door::Form => Ok(Redirect::to("/signin").into_response()),
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
    let Some(proof) = state.sessions.read(carrier, &token) else { return Ok(Shown::Bad) };
    let Some(session) = state.live_sessions.find(&proof).await? else { return Ok(Shown::Bad) };
    if let Some((alive_until, enough)) = state.sessions.extension(carrier, &session) {
        state.live_sessions.extend(&session, alive_until, enough);
    }
    Ok(Shown::Good(SignedIn { session, carrier }))
}
