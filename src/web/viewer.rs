//! The viewer of a page, and how pages are rendered.
//!
//! A page is rendered once, on the server, from plain values. leptos has no router here, because
//! axum's router and the guard have already decided. So no page can be reached around them, and
//! nothing is looked up twice.

use std::{convert::Infallible, sync::Arc};

use axum::{
    body::{Body, to_bytes},
    extract::{FromRequestParts, Query, rejection::QueryRejection},
    http::{HeaderMap, HeaderValue, Request, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use leptos::{nonce::Nonce, prelude::*};
use serde::Deserialize;

use super::{
    form::FormState,
    guard,
    headers::page_policy,
    next::before,
    notices::Notice,
    page::{Around, shell},
    pending::Pending,
    reply,
    routes::Policy,
    state::AppState,
};
use crate::{
    authority::Admin,
    groups,
    keys::{Sealed, Statement},
    platform::{
        clock::now,
        error::{Fault, Refusal, Result},
        random, settings,
    },
    sessions::caller::{Fresh, SignedIn},
    texts::Language,
};

/// The viewer of a page.
#[derive(Clone)]
pub struct Viewer {
    pub caller: Option<SignedIn>,
    pub(super) language: Language,
    /// The address of the page, to return to it.
    pub(super) here: String,
    /// The notice about what was just done.
    pub(super) notice: Option<Notice>,
    /// Whether they administer this server, if that was looked up.
    pub(super) administers: bool,
    /// Whether the request came in where administration is open.
    pub(super) at_admin: bool,
    /// What is shown only once, sealed.
    pub(super) once: Option<String>,
    /// Whether the request had a notice, for anybody: each is shown only once.
    pub(super) forgets_notice: bool,
}

impl Viewer {
    #[must_use]
    pub fn of(state: &AppState, parts: &Parts) -> Self {
        let caller = parts.extensions.get::<SignedIn>().cloned();
        let visitor = state.cookies.visitor(&parts.headers);
        let whom = [caller.as_ref().map(SignedIn::session), visitor.as_deref()];
        Self {
            notice: Notice::of(state, &parts.headers, whom),
            forgets_notice: state.cookies.notice(&parts.headers).is_some(),
            caller,
            administers: parts.extensions.get::<Admin>().is_some(),
            at_admin: guard::is_open_here(state, &parts.extensions),
            once: state.cookies.once(&parts.headers),
            language: reply::language(state, &parts.headers),
            here: parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        }
    }

    /// A viewer of whom only the language is known.
    pub(super) fn nobody(language: Language, here: &str) -> Self {
        let here = here.to_owned();
        let (administers, at_admin) = (false, false);
        let (caller, notice, once) = (None, None, None);
        Self { caller, language, here, notice, administers, at_admin, once, forgets_notice: false }
    }

    /// The same viewer, who returns to another address.
    #[must_use]
    pub(crate) fn elsewhere(&self, here: &str) -> Self {
        Self { here: here.to_owned(), ..self.clone() }
    }

    /// The same viewer, in another language if there is one.
    #[must_use]
    pub(crate) fn speaking(&self, language: Option<Language>) -> Self {
        Self { language: language.unwrap_or(self.language), ..self.clone() }
    }

    /// The signed-in user. The guard admits nobody else.
    pub(crate) fn caller(&self) -> Result<&SignedIn> {
        self.caller.as_ref().ok_or(Refusal::Unauthorized { token_came: false }.into())
    }

    /// The language of the viewer.
    pub(crate) fn language(&self) -> Language {
        self.language
    }

    /// The same, if they have lately confirmed who they are; otherwise a redirect to do so.
    #[expect(clippy::result_large_err, reason = "it is the answer, and made once for a request")]
    pub(crate) fn fresh(
        &self,
        state: &AppState,
        pending: Option<Pending>,
    ) -> Result<Fresh<'_>, Response> {
        let caller = self.caller.as_ref().ok_or_else(|| Redirect::to("/signin").into_response())?;
        caller.fresh(state.settings.sessions.proof_ttl).map_err(|_| {
            let page = pending.as_ref().map_or(&*self.here, |pending| pending.act.page).to_owned();
            ask_for_proof(state, caller, &page, pending)
        })
    }

    /// Where they confirm who they are before they fill in a form, if they must.
    pub(crate) fn to_confirm(&self, state: &AppState) -> Option<String> {
        self.fresh(state, None).is_err().then(|| before("/confirm", &self.here))
    }

    /// What the last form leaves to be shown once: its kind, and the text.
    pub(crate) fn shown_once(&self, state: &AppState) -> Option<(String, String)> {
        let sealed = self.once.as_deref()?;
        let family = self.caller.as_ref()?.family();
        let text = state.keys.open(Sealed::ShownOnce(family), sealed)?;
        let (at, text) = text.split_once(' ')?;
        let is_new = now() - at.parse::<i64>().ok()? <= SHOWN_FOR;
        let (kind, text) = text.split_once(' ').filter(|_| is_new)?;
        Some((kind.to_owned(), text.to_owned()))
    }

    /// The token for the forms of the signed-in user.
    pub(crate) fn form_token(&self, state: &AppState) -> Result<String> {
        Ok(state.keys.tag(Statement::SessionForm(self.caller()?.family())))
    }
}

impl FromRequestParts<AppState> for Viewer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        Ok(Self::of(state, parts))
    }
}

/// How long after a form its secret can be shown, in seconds: to a browser that follows the redirect, and not to
/// whoever puts the cookie back.
const SHOWN_FOR: i64 = 60;

/// Redirects to enter the password again, on the way to a page or a pending act.
pub(crate) fn ask_for_proof(
    state: &AppState,
    caller: &SignedIn,
    next: &str,
    pending: Option<Pending>,
) -> Response {
    let mut answer = Redirect::to(&before("/confirm", next)).into_response();
    let cookie = match pending {
        Some(pending) => state.cookies.set_pending(pending.seal(state, caller.family())),
        None => state.cookies.forget_pending(),
    };
    answer.headers_mut().append(header::SET_COOKIE, cookie);
    answer
}

/// `?next=…`, `?link=…`, `?again` and `?before=…`
#[derive(Default, Deserialize)]
pub struct PageQuery {
    #[serde(default)]
    pub(crate) next: String,
    #[serde(default)]
    pub(crate) link: String,
    /// Whether another code is asked for.
    pub(crate) again: Option<String>,
    /// The number of an event: only earlier ones are shown.
    #[serde(default)]
    pub(crate) before: String,
}

/// A query that can't be read counts as empty.
pub(crate) type AnyQuery = std::result::Result<Query<PageQuery>, QueryRejection>;

pub(crate) fn read(query: AnyQuery) -> PageQuery {
    query.map(|Query(query)| query).unwrap_or_default()
}

/// Renders the page of a form that strangers may send, or that stands alone. A form is tied to the
/// session of the signed-in user, or to the visitor named in a cookie; a visitor without one gets
/// one.
pub(crate) async fn render_form<V: IntoView + 'static>(
    state: &AppState,
    form: FormState,
    viewer: &Viewer,
    headers: &HeaderMap,
    view: impl Fn(&FormState, &str) -> V + Send + Sync + 'static,
) -> Result<Response> {
    let viewer = &Viewer { here: form.here(), ..viewer.clone() };
    let (visitor, new_cookie) = match state.cookies.visitor(headers) {
        Some(visitor) => (visitor, None),
        None => {
            let (visitor, cookie) = state.cookies.new_visitor()?;
            (visitor, Some(cookie))
        }
    };
    let of_session = form.form.policy != Policy::Noticed;
    let token = match viewer.form_token(state) {
        Ok(token) if of_session => token,
        _ => state.keys.tag(Statement::VisitorForm(&visitor)),
    };
    let around = Around::of_form(&form);
    let mut page = render(state, viewer, around, move || view(&form, &token)).await?;
    if let Some(cookie) = new_cookie.filter(|_| !of_session) {
        page.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(page)
}

pub(crate) async fn render<V: IntoView + 'static>(
    state: &AppState,
    viewer: &Viewer,
    around: Around,
    view: impl Fn() -> V + Send + Sync + 'static,
) -> Result<Response> {
    render_any(state, viewer, around, Arc::new(move || view().into_any())).await
}

/// Not generic: with the types of its view, each page would get a copy of leptos of its own, which
/// takes long to compile.
async fn render_any(
    state: &AppState,
    viewer: &Viewer,
    around: Around,
    view: Arc<dyn Fn() -> AnyView + Send + Sync>,
) -> Result<Response> {
    let nonce: Nonce = Nonce::from_value(random::text()?);
    let policy = page_policy(&format!("'nonce-{nonce}'"), settings::reloads());
    let policy = HeaderValue::try_from(policy).map_err(Fault::internal)?;
    let mut viewer = viewer.clone();
    if around.is_of_account()
        && viewer.at_admin
        && let Some(caller) = &viewer.caller
    {
        viewer.administers = groups::is_in(&state.store, caller.account(), groups::ADMIN).await?;
    }
    let viewer = &viewer;
    let language = viewer.language;
    let (of_app, of_context, shown) = (state.clone(), state.clone(), viewer.clone());
    let app = move || shell::page(&of_app, &shown, &around, view());
    let context = move || {
        provide_context(nonce.clone());
        provide_context(language);
        provide_context(of_context.clone());
    };
    let render = leptos_axum::render_app_async_with_context(context, app);
    let (mut parts, body) = render(Request::new(Body::empty())).await.into_parts();
    parts.headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    if viewer.forgets_notice {
        parts.headers.append(header::SET_COOKIE, state.cookies.forget_notice());
    }
    if viewer.once.is_some() {
        parts.headers.append(header::SET_COOKIE, state.cookies.forget_once());
    }
    // In one piece, so that its size is known.
    let body = to_bytes(body, usize::MAX).await.map_err(Fault::internal)?;
    Ok(Response::from_parts(parts, Body::from(body)))
}
