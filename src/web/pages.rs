//! What people see: one function for each page's address, and the page around them all.
//!
//! A page is rendered once, on the server, from plain values: there is no router in leptos here,
//! because axum's router and the guard have decided before. So a page cannot be reached by a way
//! around them, and nothing is looked up twice.

mod shell;
mod times;
mod views;

use std::convert::Infallible;

use axum::{
    Extension,
    body::{Body, Bytes, to_bytes},
    extract::{
        FromRequestParts, Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{HeaderMap, HeaderValue, Request, StatusCode, header, request::Parts},
    response::{Html, IntoResponse, Redirect, Response},
};
use leptos::{nonce::Nonce, prelude::*};
use serde::Deserialize;

pub use crate::web::pages::views::form::FormState;

use crate::web::pages::shell::{Around, Section};
use crate::web::pages::views::{account::History, form::Form};

use crate::{
    accounts::own,
    domain::Profile,
    keys::Statement,
    platform::{
        error::{Error, Fault, Refusal, Result},
        random, settings,
        visit::{RequestId, Visit},
    },
    texts::Language,
    web::{
        access::{Fresh, SignedIn},
        form_pages::safe_next,
        headers::page_policy,
        json,
        notices::Notice,
        pending::Pending,
        problem_kinds::{KINDS, ProblemKind},
        reply,
        sending::OneCopy,
        state::AppState,
    },
};

/// Who looks at a page, and how.
#[derive(Clone)]
pub struct Viewer {
    pub caller: Option<SignedIn>,
    language: Language,
    /// The address of the page, for the way back to it.
    here: String,
    /// The notice about what was just done.
    notice: Option<Notice>,
    /// Whether a notice came, for whomever it is: it is said once.
    forgets_notice: bool,
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
            language: reply::language(state, &parts.headers),
            here: parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        }
    }

    /// Whoever is here is signed in: the guard lets nobody else come.
    fn caller(&self) -> Result<&SignedIn> {
        self.caller.as_ref().ok_or(Refusal::Unauthorized { token_came: false }.into())
    }

    /// The same, if the password was shown a short while ago; or where to show it.
    #[expect(clippy::result_large_err, reason = "it is the answer, and made once for a request")]
    fn fresh(&self, state: &AppState, pending: Option<Pending>) -> Result<Fresh<'_>, Response> {
        let caller = self.caller.as_ref().ok_or_else(|| Redirect::to("/signin").into_response())?;
        caller.fresh(state.settings.proof_ttl).map_err(|_| {
            let page =
                pending.as_ref().map_or_else(|| self.here.clone(), |it| it.page().to_owned());
            ask_for_proof(state, caller, &page, pending)
        })
    }
}

impl FromRequestParts<AppState> for Viewer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        Ok(Self::of(state, parts))
    }
}

/// Leads to where the password is entered again, on the way to a page or to what was asked for.
pub(crate) fn ask_for_proof(
    state: &AppState,
    caller: &SignedIn,
    next: &str,
    pending: Option<Pending>,
) -> Response {
    let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
    let mut answer = Redirect::to(&format!("/confirm?next={next}")).into_response();
    let cookie = match pending {
        Some(pending) => state.cookies.set_pending(pending.seal(state, caller.family())),
        None => state.cookies.forget_pending(),
    };
    answer.headers_mut().append(header::SET_COOKIE, cookie);
    answer
}

/// `?next=…`, `?link=…` and `?before=…`
#[derive(Default, Deserialize)]
pub struct PageQuery {
    #[serde(default)]
    next: String,
    #[serde(default)]
    link: String,
    /// The number of an event: those before it are shown.
    #[serde(default)]
    before: String,
}

/// A query that cannot be read says nothing.
type AnyQuery = std::result::Result<Query<PageQuery>, QueryRejection>;

fn read(query: AnyQuery) -> PageQuery {
    query.map(|Query(query)| query).unwrap_or_default()
}

pub(crate) async fn home(State(state): State<AppState>, viewer: Viewer) -> Result<Response> {
    let profile = viewer.caller.as_ref().map(|caller| caller.profile().clone());
    let around = Around::of("home-title");
    render(&state, &viewer, around, move || views::home(profile.as_ref())).await
}

pub(crate) async fn sign_up(
    State(state): State<AppState>,
    viewer: Viewer,
    headers: HeaderMap,
) -> Response {
    if viewer.caller.is_some() {
        return Redirect::to("/profile").into_response();
    }
    form_page(&state, &FormState::new(Form::SignUp), &viewer, &headers).await
}

pub(crate) async fn sign_in(
    State(state): State<AppState>,
    viewer: Viewer,
    query: AnyQuery,
    headers: HeaderMap,
) -> Response {
    let next = read(query).next;
    if viewer.caller.is_some() {
        return Redirect::to(&safe_next(&next)).into_response();
    }
    let form = FormState::new(Form::SignIn).to(&next);
    form_page(&state, &form, &viewer, &headers).await
}

pub(crate) async fn confirm(
    State(state): State<AppState>,
    viewer: Viewer,
    query: AnyQuery,
    headers: HeaderMap,
) -> Result<Response> {
    let (next, caller) = (read(query).next, viewer.caller()?);
    let pending = Pending::of_cookie(&state, &headers, caller.family(), &next);
    let form = FormState::new(Form::Confirm).to(&next).of(caller.profile()).pending(pending);
    Ok(form_page(&state, &form, &viewer, &headers).await)
}

pub(crate) async fn set_password(
    State(state): State<AppState>,
    viewer: Viewer,
    visit: Visit,
    query: AnyQuery,
    headers: HeaderMap,
) -> Result<Response> {
    let link = read(query).link;
    let profile = own::password_link(&state, &link, &visit).await?;
    let form = FormState::new(Form::SetPassword).with_link(link, profile.username);
    Ok(form_page(&state, &form, &viewer, &headers).await)
}

pub(crate) async fn profile(State(state): State<AppState>, viewer: Viewer) -> Result<Response> {
    let profile = viewer.caller()?.profile();
    let form = FormState::new(Form::FullName).of(profile);
    profile_page(&state, &viewer, form, profile.clone()).await
}

async fn profile_page(
    state: &AppState,
    viewer: &Viewer,
    form: FormState,
    profile: Profile,
) -> Result<Response> {
    let around = Around::of_form(&form).within(Section::Profile);
    let token = viewer.form_token(state)?;
    render(state, viewer, around, move || views::account::profile(&profile, &form, &token)).await
}

pub(crate) async fn security(
    State(state): State<AppState>,
    viewer: Viewer,
    query: AnyQuery,
) -> Result<Response> {
    if let Err(ask) = viewer.fresh(&state, None) {
        return Ok(ask);
    }
    let caller = viewer.caller()?;
    let form =
        FormState::new(Form::Password).of(caller.profile()).confirmed(caller.has_confirmed());
    let before = read(query).before.parse().unwrap_or(i64::MAX);
    security_page(&state, &viewer, form, before).await
}

/// How many groups of events a page shows, and how many events it looks through for them.
const HISTORY_GROUPS: usize = 25;
const HISTORY_ROWS: i64 = 200;

async fn security_page(
    state: &AppState,
    viewer: &Viewer,
    form: FormState,
    before: i64,
) -> Result<Response> {
    let caller = viewer.caller()?;
    let (rows, more) = own::history(state, caller, before, HISTORY_ROWS).await?;
    let history = History::of(rows, more, HISTORY_GROUPS, before != i64::MAX);
    let (token, policy) = (viewer.form_token(state)?, state.settings.passwords);
    let around = Around::of_form(&form).within(Section::Security).with_times();
    let view = move || views::account::security(&history, &form, &token, policy);
    render(state, viewer, around, view).await
}

pub(crate) async fn sessions(State(state): State<AppState>, viewer: Viewer) -> Result<Response> {
    let fresh = match viewer.fresh(&state, None) {
        Ok(fresh) => fresh,
        Err(ask) => return Ok(ask),
    };
    let mut sessions = own::sessions(&state, &fresh).await?;
    // This one first, and the others by their last use.
    sessions.sort_by_key(|session| session.id != fresh.session());
    let (here, token) = (fresh.session().to_owned(), viewer.form_token(&state)?);
    let around = Around::of("sessions-title").within(Section::Sessions).with_times();
    let view = move || views::account::sessions(&sessions, &here, &token);
    render(&state, &viewer, around, view).await
}

pub(crate) async fn data(State(state): State<AppState>, viewer: Viewer) -> Result<Response> {
    if let Err(ask) = viewer.fresh(&state, None) {
        return Ok(ask);
    }
    data_page(&state, &viewer, FormState::new(Form::Delete)).await
}

/// The data as a file, or the way to it.
pub(crate) async fn download(
    State(state): State<AppState>,
    viewer: Viewer,
    visit: Visit,
) -> Result<Response> {
    match viewer.fresh(&state, Some(Pending::Download)) {
        Ok(fresh) => json::download(&state, fresh, &visit).await,
        Err(ask) => Ok(ask),
    }
}

async fn data_page(state: &AppState, viewer: &Viewer, form: FormState) -> Result<Response> {
    let token = viewer.form_token(state)?;
    let days = state.settings.deletion_grace.as_secs() / (24 * 3600);
    let around = Around::of_form(&form).within(Section::Data);
    render(state, viewer, around, move || views::account::data(&form, &token, days)).await
}

/// Where password managers send people (W3C, A Well-Known URL for Changing Passwords).
pub(crate) async fn change_password() -> Redirect {
    Redirect::to("/account/security")
}

/// Chooses a language, and goes back.
pub(crate) async fn language(
    State(state): State<AppState>,
    tag: std::result::Result<Path<String>, PathRejection>,
    query: AnyQuery,
) -> Result<Response> {
    let tag = tag.map(|Path(tag)| tag).unwrap_or_default();
    let language = Language::of_tag(&tag).ok_or(Error::from(Refusal::NotFound))?;
    let next = read(query).next;
    let next = if next.is_empty() { "/".to_owned() } else { safe_next(&next) };
    let cookie = state.cookies.set_language(language.tag());
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, next)], [(header::SET_COOKIE, cookie)])
        .into_response())
}

/// Written down once for each language: it is large, and the same for everybody. So a crowd that
/// asks for it and does not read it takes no more memory than one.
pub(crate) async fn docs(State(state): State<AppState>, viewer: Viewer) -> Result<Response> {
    let viewer = Viewer {
        caller: None,
        here: "/docs".to_owned(),
        notice: None,
        forgets_notice: false,
        ..viewer
    };
    let page = async || {
        let document = serde_json::to_value(&state.openapi).map_err(Fault::internal)?;
        let around = Around::of("json-routes");
        let page = render(&state, &viewer, around, move || views::docs::page(&document)).await?;
        let page = to_bytes(page.into_body(), usize::MAX).await.map_err(Fault::internal)?;
        let page = std::str::from_utf8(&page).map_err(Fault::internal)?;
        Ok::<_, Error>(Bytes::from(without_scripts(page)))
    };
    let page = state.docs[viewer.language.index()].get_or_try_init(page).await?.clone();
    let policy = page_policy(&random::text()?, settings::reloads());
    let policy = HeaderValue::try_from(policy).map_err(Fault::internal)?;
    Ok((Extension(OneCopy), [(header::CONTENT_SECURITY_POLICY, policy)], Html(page))
        .into_response())
}

/// A page that is kept needs none of the scripts that leptos puts into every page: their nonce is
/// that of one answer.
fn without_scripts(page: &str) -> String {
    let mut parts = page.split("<script");
    let first = parts.next().unwrap_or_default().to_owned();
    let behind = parts.map(|part| part.split_once("</script>").map_or("", |(_, rest)| rest));
    behind.fold(first, |page, rest| page + rest)
}

pub(crate) async fn problem_kind(
    State(state): State<AppState>,
    viewer: Viewer,
    slug: std::result::Result<Path<String>, PathRejection>,
) -> Result<Response> {
    let slug = slug.map(|Path(slug)| slug).unwrap_or_default();
    let kind = KINDS.iter().find(|kind| kind.slug == slug).ok_or(Error::from(Refusal::NotFound))?;
    let around = Around::entitled(kind.title(viewer.language));
    render(&state, &viewer, around, || views::problem_kind(*kind)).await
}

/// The body of an error, for a person.
pub(crate) async fn problem_page(
    state: &AppState,
    language: Language,
    kind: ProblemKind,
    request_id: &RequestId,
) -> Response {
    let request_id = request_id.to_string();
    let (here, notice, forgets_notice) = ("/".to_owned(), None, false);
    let viewer = Viewer { caller: None, language, here, notice, forgets_notice };
    let around = Around::entitled(kind.title(language));
    let page = render(state, &viewer, around, move || views::problem(kind, request_id.clone()));
    // An error page that cannot be made must not try to explain that by an error page.
    page.await.unwrap_or_else(|_| kind.title(language).into_response())
}

/// The page of a form, new or again with its errors. A form belongs to the session of whoever is
/// signed in, or to the visitor that a cookie names; a visitor who has none gets one.
pub(crate) async fn form_page(
    state: &AppState,
    form: &FormState,
    viewer: &Viewer,
    headers: &HeaderMap,
) -> Response {
    let viewer = &Viewer { here: form.here(), ..viewer.clone() };
    let page = async {
        match form.form {
            Form::FullName => {
                let profile = viewer.caller()?.profile().clone();
                return profile_page(state, viewer, form.clone(), profile).await;
            }
            Form::Password => return security_page(state, viewer, form.clone(), i64::MAX).await,
            Form::Delete => return data_page(state, viewer, form.clone()).await,
            Form::SignUp | Form::SignIn | Form::Confirm | Form::SetPassword => {}
        }
        let (visitor, new_cookie) = match state.cookies.visitor(headers) {
            Some(visitor) => (visitor, None),
            None => {
                let (visitor, cookie) = state.cookies.new_visitor()?;
                (visitor, Some(cookie))
            }
        };
        // A link may end the session that would vouch for the form, and the form may come twice.
        let of_session = form.form != Form::SetPassword && viewer.caller.is_some();
        let token = match viewer.form_token(state) {
            Ok(token) if of_session => token,
            _ => state.macs.tag(Statement::VisitorForm(&visitor)),
        };
        let (form, policy) = (form.clone(), state.settings.passwords);
        let remembered = state.settings.remember_ttl;
        let around = Around::of_form(&form);
        let view = move || views::form::page(&form, token.clone(), policy, remembered);
        let mut page = render(state, viewer, around, view).await?;
        if let Some(cookie) = new_cookie.filter(|_| !of_session) {
            page.headers_mut().append(header::SET_COOKIE, cookie);
        }
        Ok(page)
    };
    page.await.unwrap_or_else(|error: Error| error.into_response())
}

impl Viewer {
    /// The token of the forms of whoever is signed in.
    fn form_token(&self, state: &AppState) -> Result<String> {
        Ok(state.macs.tag(Statement::SessionForm(self.caller()?.family())))
    }
}

async fn render<V: IntoView + 'static>(
    state: &AppState,
    viewer: &Viewer,
    around: Around,
    view: impl Fn() -> V + Clone + Send + Sync + 'static,
) -> Result<Response> {
    let nonce: Nonce = Nonce::from_value(random::text()?);
    let policy = page_policy(&nonce, settings::reloads());
    let policy = HeaderValue::try_from(policy).map_err(Fault::internal)?;
    let language = viewer.language;
    let (sign_out, here) = (viewer.form_token(state).ok(), viewer.here.clone());
    let notice = viewer.notice;
    let shared = state.clone();
    let app = move || {
        let content = view();
        shell::page(&shared.assets, &around, sign_out.clone(), &here, notice, content)
    };
    let context = move || {
        provide_context(nonce.clone());
        provide_context(language);
    };
    let render = leptos_axum::render_app_async_with_context(context, app);
    let (mut parts, body) = render(Request::new(Body::empty())).await.into_parts();
    parts.headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    if viewer.forgets_notice {
        parts.headers.append(header::SET_COOKIE, state.cookies.forget_notice());
    }
    // As one piece, whose size is known.
    let body = to_bytes(body, usize::MAX).await.map_err(Fault::internal)?;
    Ok(Response::from_parts(parts, Body::from(body)))
}
