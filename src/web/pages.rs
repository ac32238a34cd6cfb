//! The pages that belong to no room: the home page, the API documentation, and errors.

mod docs;

use axum::{
    Extension,
    body::{Bytes, to_bytes},
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use leptos::prelude::*;

use super::{
    assets,
    headers::page_policy,
    next::safe_next,
    page::Around,
    problem_kinds::{KINDS, ProblemKind},
    routes::{Map, Policy},
    sending::OneCopy,
    state::AppState,
    viewer::{AnyQuery, Viewer, read, render},
};
use crate::{
    domain::{Code, Profile},
    platform::{
        error::{Error, Fault, Refusal, Result},
        random, settings,
        visit::RequestId,
    },
    texts::{Language, language, t},
};

pub(crate) fn routes(map: &mut Map) {
    map.page(Policy::Noticed, "/", home);
    map.page(Policy::Public, "/docs", api);
    map.page(Policy::Public, "/problems/{kind}", problem_kind);
    map.page(Policy::Public, "/language/{tag}", choose_language);
    for file in ["/pkg/{file}", "/favicon.ico", "/favicon.svg", "/robots.txt"] {
        map.asset(file, assets::serve);
    }
}

async fn home(State(state): State<AppState>, viewer: Viewer) -> Result<Response> {
    let profile = viewer.caller.as_ref().map(|caller| caller.profile().clone());
    let around = Around::of("home-title");
    render(&state, &viewer, around, move || home_view(profile.as_ref())).await
}

/// Sets the language and goes back.
async fn choose_language(
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

/// Rendered once per language, because it is large and the same for everybody. So a crowd that
/// requests it without reading it takes no more memory than one client.
async fn api(State(state): State<AppState>, viewer: Viewer) -> Result<Response> {
    let viewer = Viewer::nobody(viewer.language, "/docs");
    let page = async || {
        let document = serde_json::to_value(&state.openapi).map_err(Fault::internal)?;
        let around = Around::of("json-routes");
        let page = render(&state, &viewer, around, move || docs::page(&document)).await?;
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

/// Removes the scripts that leptos puts into every page: their nonce belongs to a single answer, so
/// a page that is reused can't have them.
fn without_scripts(page: &str) -> String {
    let mut parts = page.split("<script");
    let first = parts.next().unwrap_or_default().to_owned();
    let behind = parts.map(|part| part.split_once("</script>").map_or("", |(_, rest)| rest));
    behind.fold(first, |page, rest| page + rest)
}

async fn problem_kind(
    State(state): State<AppState>,
    viewer: Viewer,
    slug: std::result::Result<Path<String>, PathRejection>,
) -> Result<Response> {
    let slug = slug.map(|Path(slug)| slug).unwrap_or_default();
    let kind = KINDS.iter().find(|kind| kind.slug == slug).ok_or(Error::from(Refusal::NotFound))?;
    let around = Around::entitled(kind.title(viewer.language));
    render(&state, &viewer, around, || problem_kind_view(*kind)).await
}

/// The body of an error, for a person.
pub(super) async fn problem_page(
    state: &AppState,
    language: Language,
    kind: ProblemKind,
    request_id: &RequestId,
) -> Response {
    let request_id = request_id.to_string();
    let viewer = Viewer::nobody(language, "/");
    let around = Around::entitled(kind.title(language));
    let page = render(state, &viewer, around, move || problem_view(kind, request_id.clone()));
    // If the error page can't be made, don't try another error page.
    page.await.unwrap_or_else(|_| kind.title(language).into_response())
}

fn home_view(signed_in: Option<&Profile>) -> impl IntoView + use<> {
    let actions = match signed_in {
        Some(profile) => view! {
            <p>{t("home-signed-in")} " " <strong>{profile.username.clone()}</strong> "."</p>
            <div class="actions">
                <a class="button" href="/profile">{t("home-profile")}</a>
            </div>
        }
        .into_any(),
        None => view! {
            <div class="actions">
                <a class="button" href="/signup">{t("sign-up")}</a>
                <a class="button quiet" href="/signin">{t("sign-in")}</a>
            </div>
        }
        .into_any(),
    };
    view! {
        <section class="hero">
            <h1>{t("home-heading")}</h1>
            <p class="lead">{t("home-lead")}</p>
            {actions}
        </section>
    }
}

/// The page that a problem's `type` leads to.
fn problem_kind_view(kind: ProblemKind) -> impl IntoView + use<> {
    let codes = (kind.slug == "invalid-input").then(|| {
        view! {
            <h2>{t("problem-codes")}</h2>
            <ul class="codes">
                {Code::ALL.map(|code| view! { <li><code>{code}</code></li> }).to_vec()}
            </ul>
        }
    });
    view! {
        <section class="card">
            <h1>{kind.title(language())}</h1>
            <p>{kind.detail(language())} "."</p>
            <p>{t("problem-status")} " " <code>{kind.status.as_u16()}</code></p>
            {codes}
            <p><a href="/docs">{t("problem-routes")}</a></p>
        </section>
    }
}

/// An error, as shown to a person.
fn problem_view(kind: ProblemKind, request_id: String) -> impl IntoView {
    view! {
        <section class="card">
            <p class="status">{kind.status.as_u16()}</p>
            <h1>{kind.title(language())}</h1>
            <p>{kind.detail(language())} "."</p>
            <p class="actions">
                <a class="button" href="/">{t("problem-home")}</a>
            </p>
            <p class="hint">{t("problem-request-id")} " " <code>{request_id}</code></p>
        </section>
    }
}
