//! The way of a page's form: to its server function, and back to the page if it is refused.
//!
//! leptos answers a plain form with a redirect to the `Referer`, with any error in the URL (and
//! with 500 to everybody else). That would lose what was typed, and put a stranger's text on our
//! page (CS-09). So the outcome of a server function comes back by a [`FormCall`], and this room
//! makes the answer of it: a redirect, or the form again with its errors and what was typed.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderValue, Request, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};

use percent_encoding::percent_decode;

use super::{
    access::SignedIn,
    audit::Act,
    client::Visit,
    error::{Error, Refusal, Result},
    macs::Statement,
    media_type,
    reply::{Explained, is_for_a_person},
    routes::Door,
    state::AppState,
};
use crate::app::{self, FormState, Viewer};

/// The hidden field that ties a form to a session or a visitor.
pub const TOKEN_FIELD: &str = "form_token";

/// What a server function knows of the request, and where it leaves its outcome.
#[derive(Clone)]
pub struct FormCall {
    pub state: AppState,
    pub caller: Option<SignedIn>,
    pub visit: Visit,
    outcome: Arc<Mutex<Option<Result<Done>>>>,
}

/// A form that was accepted: where to go now, and what to tell the browser on the way.
pub struct Done {
    pub location: String,
    pub headers: HeaderMap,
}

impl FormCall {
    /// The call that the running server function belongs to.
    #[must_use]
    pub fn current() -> Self {
        leptos::prelude::expect_context()
    }

    pub fn finish(&self, outcome: Result<Done>) {
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
    }
}

/// Every server function is served by this (see `router.rs`).
pub(super) async fn serve(State(state): State<AppState>, parts: Parts, body: Bytes) -> Response {
    let path = parts.uri.path().to_owned();
    let headers = parts.headers.clone();
    let viewer = Viewer::of(&state, &parts);
    let fields: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
    let outcome = run(&state, viewer.caller.clone(), parts, body, &fields).await;

    let error = match outcome {
        Ok(done) => {
            let location = HeaderValue::try_from(&done.location);
            let location = location.unwrap_or(HeaderValue::from_static("/"));
            return (StatusCode::SEE_OTHER, [(header::LOCATION, location)], done.headers)
                .into_response();
        }
        Err(error) => error,
    };
    if !is_for_a_person(Some(Door::Form), &headers) {
        return error.into_response();
    }
    if let Error::Refusal(Refusal::ProofTooOld) = error {
        return app::ask_for_proof(app::page_of(&path)).into_response();
    }
    let Some(form) = FormState::again(&path, &fields, &error) else {
        return error.into_response();
    };
    // The status and the headers of the error, with the form in its body.
    let (mut answer, _) = error.into_response().into_parts();
    let page = app::form_page(&state, &form, &viewer, &headers).await;
    if !page.status().is_success() {
        // The page itself could not be made.
        return page;
    }
    let (page, body) = page.into_parts();
    answer.headers.extend(page.headers);
    answer.extensions.extend(page.extensions);
    answer.extensions.insert(Explained);
    Response::from_parts(answer, body)
}

async fn run(
    state: &AppState,
    caller: Option<SignedIn>,
    parts: Parts,
    body: Bytes,
    fields: &[(String, String)],
) -> Result<Done> {
    if media_type(&parts.headers).as_deref() != Some("application/x-www-form-urlencoded") {
        return Err(Refusal::UnsupportedMediaType.into());
    }
    // What is no text would be read as another text, and a password with it.
    if percent_decode(&body).decode_utf8().is_err() {
        return Err(Refusal::MalformedForm.into());
    }
    let visit = Visit::of(state, &parts.headers, &parts.extensions);
    if !token_fits(state, caller.as_ref(), &parts.headers, fields) {
        state.throttle.refused(&state.store, &visit, Act::CrossOrigin).await;
        return Err(Refusal::StaleForm.into());
    }
    let call = FormCall { state: state.clone(), caller, visit, outcome: Arc::default() };
    let context = {
        let call = call.clone();
        move || leptos::prelude::provide_context(call.clone())
    };
    // Its own answer is for leptos clients, and we have none.
    let request = Request::from_parts(parts, Body::from(body));
    _ = leptos_axum::handle_server_fns_with_context(context, request).await.into_response();
    let outcome = call.outcome.lock().unwrap_or_else(PoisonError::into_inner).take();
    // It never ran: its arguments could not be read.
    outcome.unwrap_or(Err(Refusal::MalformedForm.into()))
}

/// The form was made by us, for this session, or for this browser while nobody is signed in
/// (CS-02).
fn token_fits(
    state: &AppState,
    caller: Option<&SignedIn>,
    headers: &HeaderMap,
    fields: &[(String, String)],
) -> bool {
    let mut tokens = fields.iter().filter(|(name, _)| name == TOKEN_FIELD);
    let (Some((_, token)), None) = (tokens.next(), tokens.next()) else { return false };
    let visitor = state.cookies.visitor(headers);
    let form = match (caller, &visitor) {
        (Some(caller), _) => Statement::SessionForm(caller.session()),
        (None, Some(visitor)) => Statement::VisitorForm(visitor),
        (None, None) => return false,
    };
    state.macs.fits(form, token)
}

/// Where to go after signing in: a path of this site, parsed and written anew, or else the
/// profile (CS-07).
#[must_use]
pub fn safe_next(next: &str) -> String {
    const HOME: &str = "/profile";
    const HERE: &str = "http://here.invalid";
    let path = || {
        let first = next.strip_prefix('/')?;
        if first.starts_with(['/', '\\']) || next.chars().any(|c| c.is_control() || c == '\\') {
            return None;
        }
        let url = url::Url::parse(HERE).ok()?.join(next).ok()?;
        let path = url[url::Position::BeforePath..].to_owned();
        let stays = url.origin().ascii_serialization() == HERE && !path.starts_with("//");
        stays.then_some(path)
    };
    path().unwrap_or_else(|| HOME.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_path_of_this_site_is_kept() {
        for (next, path) in [
            ("/profile", "/profile"),
            ("/a/b?c=d&e=f#g", "/a/b?c=d&e=f#g"),
            ("/ü", "/%C3%BC"),
            ("/a/../b", "/b"),
            ("/%0d%0aSet-Cookie:a=b", "/%0d%0aSet-Cookie:a=b"),
            ("/http://evil", "/http://evil"),
        ] {
            assert_eq!(safe_next(next), path);
        }
    }

    #[test]
    fn everything_else_leads_to_the_profile() {
        for next in [
            "",
            "profile",
            "//evil",
            "///evil",
            "/\\evil",
            "\\/evil",
            "\\\\evil",
            "/\t/evil",
            "/\n/evil",
            "http://evil",
            "https:evil",
            "javascript:alert(1)",
            "data:text/html,x",
            "//evil%2f..",
            "/.//evil",
            "/./\\evil",
            "/x/..//evil",
            "/%2e//evil",
            " /evil",
            "@evil",
            "?next=//evil",
            "/\r\nSet-Cookie:a=b",
            "/\0",
            "/\u{7f}",
            "/\u{85}",
        ] {
            assert_eq!(safe_next(next), "/profile", "{next:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_it_stays_on_this_site(next in "[/\\\\.a:@?#%\t\r\n]{0,12}|\\PC{0,40}") {
            let path = safe_next(&next);
            prop_assert!(path.starts_with('/') && !path.starts_with("//") && !path.starts_with("/\\"));
            prop_assert!(HeaderValue::try_from(&path).is_ok());
        }
    }
}
