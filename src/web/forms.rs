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
    http::{Request, request::Parts},
    response::{IntoResponse, Response},
};

use percent_encoding::percent_decode;

use crate::web::pages::{self, FormState, Viewer};
use crate::{
    audit::Act,
    keys::Statement,
    platform::{
        error::{Error, Refusal, Result},
        visit::Visit,
    },
    web::{
        accepted::{Done, accepted},
        access::{Renewer, SignedIn},
        form_pages::{OF_VISITORS, TOKEN_FIELD, page_of},
        media_type::media_type,
        pending::Pending,
        reply::{Explained, is_for_a_person},
        routes::Door,
        state::AppState,
    },
};

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
pub(crate) async fn serve(State(state): State<AppState>, parts: Parts, body: Bytes) -> Response {
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
        return pages::ask_for_proof(&state, caller, page_of(&path), pending);
    }
    let Some(form) = FormState::again(&state, &path, &fields, &error, &viewer) else {
        return error.into_response();
    };
    // The status and the headers of the error, with the form in its body.
    let (mut answer, _) = error.into_response().into_parts();
    let page = pages::form_page(&state, &form, &viewer, &headers).await;
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
        state.throttle.audit_refusal(&state.store, &visit, Act::CrossOrigin).await;
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
