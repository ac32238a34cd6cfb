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
    http::{HeaderMap, HeaderValue, Request, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};

use percent_encoding::percent_decode;

use super::{
    access::{Renewer, SignedIn},
    audit::Act,
    client::Visit,
    error::{Error, Refusal, Result},
    macs::Statement,
    media_type,
    notices::Notice,
    pending::Pending,
    reply::{Explained, is_for_a_person},
    routes::Door,
    state::AppState,
};
use crate::app::{self, FormState, Viewer};

/// The hidden field that ties a form to a session or a visitor.
pub const TOKEN_FIELD: &str = "form_token";

/// The page on which the form of each server function stands.
const PAGES: [(&str, &str); 10] = [
    ("/api/sign_up", "/signup"),
    ("/api/sign_in", "/signin"),
    ("/api/sign_out", "/"),
    ("/api/confirm", "/confirm"),
    ("/api/change_full_name", "/profile"),
    ("/api/change_password", "/account/security"),
    ("/api/end_session", "/account/sessions"),
    ("/api/end_other_sessions", "/account/sessions"),
    ("/api/delete_account", "/account/data"),
    ("/api/set_password", "/set-password"),
];

/// The forms of people who are not signed in. A second tab may send one after the first has signed in.
const OF_VISITORS: [&str; 3] = ["/api/sign_up", "/api/sign_in", "/api/set_password"];

/// The page on which the form of a server function stands.
#[must_use]
pub fn page_of(action: &str) -> &'static str {
    PAGES.iter().find(|(known, _)| *known == action).map_or("/", |(_, page)| page)
}

/// The same, with the query that the form's address had.
#[must_use]
pub fn page_at(uri: &Uri) -> String {
    let page = page_of(uri.path());
    // Hyper takes only visible ASCII for a query.
    uri.query().map_or_else(|| page.to_owned(), |query| format!("{page}?{query}"))
}

/// What a server function knows of the request, and where it leaves its outcome.
#[derive(Clone)]
pub struct FormCall {
    pub state: AppState,
    pub caller: Option<SignedIn>,
    /// The caller who renews a session, perhaps by a request that comes a second time.
    pub renewer: Option<Arc<Renewer>>,
    /// The id in the cookie of somebody who is not signed in.
    pub visitor: Option<String>,
    pub visit: Visit,
    /// The act for which the browser was asked for the password.
    pub pending: Option<String>,
    outcome: Arc<Mutex<Option<Result<Done>>>>,
}

/// A form that was accepted: where to go now, and what to tell the browser on the way.
pub struct Done {
    pub location: String,
    pub headers: HeaderMap,
    /// The notice on the next page.
    pub notice: Option<Notice>,
    /// The id of the session that loads it. `None`: nobody is signed in by then.
    pub session: Option<String>,
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
    let renewer = Renewer::of(&parts.extensions);
    let fields: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
    let outcome = run(&state, viewer.caller.clone(), renewer, parts, body, &fields).await;

    let error = match outcome {
        Ok(done) => return accepted(&state, done, &headers),
        Err(error) => error,
    };
    if !is_for_a_person(Some(Door::Form), &headers) {
        return error.into_response();
    }
    if let (Error::Refusal(Refusal::ProofTooOld), Some(caller)) = (&error, &viewer.caller) {
        let pending = Pending::of_form(&path, &fields);
        return app::ask_for_proof(&state, caller, page_of(&path), pending);
    }
    let Some(form) = FormState::again(&state, &path, &fields, &error, &viewer) else {
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

/// Goes on without a session.
pub(super) fn signed_out(
    state: &AppState,
    location: &str,
    notice: Option<Notice>,
    headers: &HeaderMap,
) -> Response {
    let location = location.to_owned();
    let done = Done { location, headers: state.cookies.forget(), notice, session: None };
    accepted(state, done, headers)
}

fn accepted(state: &AppState, done: Done, headers: &HeaderMap) -> Response {
    let location = HeaderValue::try_from(&done.location);
    let location = location.unwrap_or(HeaderValue::from_static("/"));
    let mut answer =
        (StatusCode::SEE_OTHER, [(header::LOCATION, location)], done.headers).into_response();
    let cookies = answer.headers_mut();
    if let Some(notice) = done.notice {
        match done.session.or_else(|| state.cookies.visitor(headers)) {
            Some(whom) => _ = cookies.append(header::SET_COOKIE, notice.cookie(state, &whom)),
            None => {
                if let Ok((visitor, cookie)) = state.cookies.new_visitor() {
                    cookies.append(header::SET_COOKIE, cookie);
                    cookies.append(header::SET_COOKIE, notice.cookie(state, &visitor));
                }
            }
        }
    }
    if state.cookies.pending(headers).is_some() {
        cookies.append(header::SET_COOKIE, state.cookies.forget_pending());
    }
    answer
}

async fn run(
    state: &AppState,
    caller: Option<SignedIn>,
    renewer: Option<Renewer>,
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
    let visitor = state.cookies.visitor(&parts.headers);
    let family = caller.as_ref().map(SignedIn::family);
    let family = family.or(renewer.as_ref().map(Renewer::family));
    let of_visitors = OF_VISITORS.contains(&parts.uri.path());
    if !token_fits(state, family, visitor.as_deref(), of_visitors, fields) {
        state.throttle.refused(&state.store, &visit, Act::CrossOrigin).await;
        return Err(Refusal::StaleForm.into());
    }
    let pending = state.cookies.pending(&parts.headers);
    let call = FormCall {
        state: state.clone(),
        caller,
        renewer: renewer.map(Arc::new),
        visitor,
        visit,
        pending,
        outcome: Arc::default(),
    };
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
    family: Option<&str>,
    visitor: Option<&str>,
    of_visitors: bool,
    fields: &[(String, String)],
) -> bool {
    let mut tokens = fields.iter().filter(|(name, _)| name == TOKEN_FIELD);
    let (Some((_, token)), None) = (tokens.next(), tokens.next()) else { return false };
    let of_session = family.map(Statement::SessionForm);
    let of_visitor =
        visitor.map(Statement::VisitorForm).filter(|_| of_visitors || family.is_none());
    [of_session, of_visitor].into_iter().flatten().any(|form| state.macs.fits(form, token))
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
