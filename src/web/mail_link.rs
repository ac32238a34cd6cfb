//! Links of mails, on their pages.
//!
//! The token leaves the address bar before anything else is loaded: it moves into a cookie, and the
//! browser goes on to the same page without it (RE-02). Opening the page changes nothing, because
//! programs that look for bad links open it, too.
//!
//! A second link, opened in another tab, takes the cookie's place. So the form says which one it
//! was made for, and is refused if that has gone.

use axum::{
    http::{HeaderMap, header},
    response::{IntoResponse, Redirect, Response},
};
use leptos::prelude::AnyView;

use super::{
    form,
    page::parts::hidden,
    state::AppState,
    viewer::{AnyQuery, read},
};
use crate::{
    audit::sha256,
    platform::error::{Refusal, Result},
};

/// The hidden field that says which link a form was made for: its hash.
const LINK_FIELD: &str = "link";

/// Moves the link of a page into a cookie, if it is in the address.
pub(crate) fn arrival(state: &AppState, page: &str, query: AnyQuery) -> Result<Option<Response>> {
    let link = read(query).link;
    if link.is_empty() {
        return Ok(None);
    }
    let cookie = state.cookies.set_link(page, &link).ok_or(Refusal::LinkInvalid)?;
    Ok(Some(([(header::SET_COOKIE, cookie)], Redirect::to(page)).into_response()))
}

/// The link that a page was opened with.
pub(crate) fn link(state: &AppState, page: &str, headers: &HeaderMap) -> String {
    state.cookies.link(page, headers).unwrap_or_default()
}

/// Ties a form to its link, without the token.
pub(crate) fn link_field(link: &str) -> AnyView {
    hidden(LINK_FIELD, &sha256(link))
}

/// The link of a form that was sent. `None`: it has gone, or another one has taken its place.
pub(crate) fn sent(
    state: &AppState,
    page: &str,
    headers: &HeaderMap,
    fields: &[(String, String)],
) -> Option<String> {
    let kept = state.cookies.link(page, headers);
    match form::field(fields, LINK_FIELD) {
        None => kept,
        Some(field) if kept.as_ref().is_some_and(|kept| field == sha256(kept)) => kept,
        // A page of an older version has the token itself in its form.
        Some(field) => state.cookies.set_link(page, field).map(|_| field.to_owned()),
    }
}
