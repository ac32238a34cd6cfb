//! The answer to a form that was accepted: a redirect, with cookies and a notice for the next page.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    sign_in::Entered,
    web::{notices::Notice, state::AppState},
};

/// An accepted form: where to go next, and what to tell the browser.
pub struct Done {
    pub location: String,
    pub headers: HeaderMap,
    /// The notice on the next page.
    pub notice: Option<Notice>,
    /// The id of the session that loads that page. `None`: nobody will be signed in.
    pub session: Option<String>,
}

/// Continues with the session in the cookie.
#[must_use]
pub fn entered(state: &AppState, entered: Entered, location: &str, notice: Option<Notice>) -> Done {
    let Entered { session, token, device, .. } = entered;
    let cookies = &state.cookies;
    let mut headers = HeaderMap::new();
    let cookie = cookies.set_session(token, session.remembered, session.ends_at);
    headers.append(header::SET_COOKIE, cookie);
    if let Some(device) = device {
        headers.append(header::SET_COOKIE, cookies.set_device(device));
    }
    Done { location: location.to_owned(), headers, notice, session: Some(session.id) }
}

/// Continues without a session.
pub(crate) fn signed_out(
    state: &AppState,
    location: &str,
    notice: Option<Notice>,
    headers: &HeaderMap,
) -> Response {
    let location = location.to_owned();
    let done = Done { location, headers: state.cookies.forget(), notice, session: None };
    accepted(state, done, headers)
}

pub(crate) fn accepted(state: &AppState, done: Done, headers: &HeaderMap) -> Response {
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
