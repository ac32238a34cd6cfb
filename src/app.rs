//! What people see: one function for each page's address, and the page around them all.
//!
//! A page is rendered once, on the server, from plain values: there is no router in leptos here,
//! because axum's router and the guard have decided before. So a page cannot be reached by a way
//! around them, and nothing is looked up twice.

mod pages;
mod shell;

use axum::{
    Extension,
    body::Body,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{HeaderMap, HeaderValue, Request, header},
    response::{IntoResponse, Redirect, Response},
};
use leptos::{nonce::Nonce, prelude::*};
use serde::Deserialize;

pub use pages::form::FormState;

use crate::server::{
    access::SignedIn,
    config,
    error::{Error, Fault, Refusal, Result},
    form_tokens::Bearer,
    headers::page_policy,
    random,
    reply::{KINDS, ProblemKind},
    state::AppState,
    telemetry::RequestId,
};

/// `/signin?next=…`
#[derive(Deserialize)]
pub struct SignInQuery {
    #[serde(default)]
    next: String,
}

pub(crate) async fn home(
    State(state): State<AppState>,
    caller: Option<Extension<SignedIn>>,
) -> Result<Response> {
    let signed_in = caller.map(|Extension(caller)| {
        let token = state.form_tokens.make(Bearer::Session(caller.session()));
        (caller.profile().clone(), token)
    });
    let title = "Accounts for your app";
    render(&state, title, Scripts::No, move || pages::home(signed_in.clone())).await
}

pub(crate) async fn sign_up(
    State(state): State<AppState>,
    caller: Option<Extension<SignedIn>>,
    headers: HeaderMap,
) -> Response {
    if caller.is_some() {
        return Redirect::to("/profile").into_response();
    }
    form_page(&state, &FormState::sign_up(), None, &headers).await
}

pub(crate) async fn sign_in(
    State(state): State<AppState>,
    caller: Option<Extension<SignedIn>>,
    query: std::result::Result<Query<SignInQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    if caller.is_some() {
        return Redirect::to("/profile").into_response();
    }
    // A query that cannot be read leads nowhere, and so to the profile.
    let next = query.map(|Query(query)| query.next).unwrap_or_default();
    form_page(&state, &FormState::sign_in(&next), None, &headers).await
}

pub(crate) async fn profile(
    State(state): State<AppState>,
    Extension(caller): Extension<SignedIn>,
) -> Result<Response> {
    let token = state.form_tokens.make(Bearer::Session(caller.session()));
    let title = "Your profile";
    render(&state, title, Scripts::No, move || pages::profile(caller.profile(), token.clone()))
        .await
}

pub(crate) async fn docs(State(state): State<AppState>) -> Result<Response> {
    let document = serde_json::to_value(&state.openapi).map_err(Fault::internal)?;
    render(&state, "JSON routes", Scripts::No, move || pages::docs::page(&document)).await
}

pub(crate) async fn problem_kind(
    State(state): State<AppState>,
    slug: std::result::Result<Path<String>, PathRejection>,
) -> Result<Response> {
    let slug = slug.map(|Path(slug)| slug).unwrap_or_default();
    let kind = KINDS.iter().find(|kind| kind.slug == slug).ok_or(Error::from(Refusal::NotFound))?;
    render(&state, kind.title, Scripts::No, || pages::problem_kind(kind)).await
}

/// The body of an error, for a person.
pub(crate) async fn problem_page(
    state: &AppState,
    kind: ProblemKind,
    request_id: &RequestId,
) -> Response {
    let request_id = request_id.to_string();
    let page =
        render(state, kind.title, Scripts::No, move || pages::problem(kind, request_id.clone()));
    // An error page that cannot be made must not try to explain that by an error page.
    page.await.unwrap_or_else(|_| kind.title.into_response())
}

/// A form, new or again with its errors. It belongs to the session of `caller`, or to the visitor
/// that a cookie names; a visitor who has none gets one.
pub(crate) async fn form_page(
    state: &AppState,
    form: &FormState,
    caller: Option<&SignedIn>,
    headers: &HeaderMap,
) -> Response {
    let page = async {
        let (visitor, new_cookie) = match state.cookies.visitor(headers) {
            Some(visitor) => (visitor, None),
            None => {
                let (visitor, cookie) = state.cookies.new_visitor()?;
                (visitor, Some(cookie))
            }
        };
        let bearer =
            caller.map_or(Bearer::Visitor(&visitor), |caller| Bearer::Session(caller.session()));
        let token = state.form_tokens.make(bearer);
        let (form, policy) = (form.clone(), state.settings.passwords);
        let title = form.title();
        let view = move || pages::form::page(&form, token.clone(), policy);
        let mut page = render(state, title, Scripts::Yes, view).await?;
        if let Some(cookie) = new_cookie.filter(|_| caller.is_none()) {
            page.headers_mut().append(header::SET_COOKIE, cookie);
        }
        Ok(page)
    };
    page.await.unwrap_or_else(|error: Error| error.into_response())
}

/// Whether a page has islands, and so needs the browser bundle.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scripts {
    Yes,
    No,
}

async fn render<V: IntoView + 'static>(
    state: &AppState,
    title: &'static str,
    scripts: Scripts,
    view: impl Fn() -> V + Clone + Send + Sync + 'static,
) -> Result<Response> {
    let nonce: Nonce = Nonce::from_value(random::text()?);
    let policy = page_policy(&nonce, config::reloads());
    let policy = HeaderValue::try_from(policy).map_err(Fault::internal)?;
    let state = state.clone();
    let app = move || {
        let bundle = state.assets.bundle.clone().filter(|_| scripts == Scripts::Yes);
        let content = view();
        let (style, options) = (state.assets.style.clone(), state.assets.options.clone());
        shell::page(title, style, bundle, options, content)
    };
    let render =
        leptos_axum::render_app_async_with_context(move || provide_context(nonce.clone()), app);
    let mut page = render(Request::new(Body::empty())).await;
    page.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(page)
}
