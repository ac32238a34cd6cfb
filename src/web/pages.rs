//! The pages that belong to no room: the home page, the API documentation, and errors.

mod design;
mod docs;
mod home;
mod problems;

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{
    assets,
    next::safe_next,
    routes::{Map, Policy},
    state::AppState,
    viewer::{AnyQuery, read},
};
use crate::{
    platform::error::{Error, Refusal, Result},
    texts::Language,
};

pub(super) use problems::{Problem, problem_page};

pub(crate) fn routes(map: &mut Map) {
    map.page(Policy::Noticed, "/", home::page);
    map.page(Policy::Noticed, "/docs", docs::page);
    // Not in a release.
    if cfg!(debug_assertions) {
        map.page(Policy::Noticed, "/docs/design", design::page);
    }
    map.page(Policy::Noticed, "/problems/{kind}", problems::kind_page);
    map.page(Policy::Public, "/language/{tag}", choose_language);
    for file in ["/pkg/{file}", "/robots.txt"] {
        map.asset(file, assets::serve);
    }
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
