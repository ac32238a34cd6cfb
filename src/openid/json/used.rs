//! The JSON API of the apps that you use.

use axum::{
    Extension, Json,
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::{
    openid::{
        used::{self, Used},
        words,
    },
    platform::{
        clock::rfc3339,
        error::{Refusal, Result},
        visit::Visit,
    },
    sessions::caller::SignedIn,
    web::{
        reply::ProblemDetails,
        routes::{Map, Policy},
        state::AppState,
    },
};

pub(crate) fn routes(map: &mut Map) {
    map.json(Policy::SignedIn, routes!(apps));
    map.json(Policy::SignedIn, routes!(take_back));
}

/// An app that you use.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UsedAppEntry {
    /// Its `client_id`.
    #[schema(example = "wiki")]
    id: String,
    #[schema(example = "Wiki")]
    name: String,
    /// How many of your sessions are signed in to it.
    sessions: i64,
    /// When the oldest of them began. RFC 3339, UTC. `null`: none is signed in.
    #[schema(required, format = DateTime)]
    since: Option<String>,
    /// To within an hour. RFC 3339, UTC. `null`: none is signed in.
    #[schema(required, format = DateTime)]
    last_used_at: Option<String>,
    /// What you have agreed to. `null`: you were not asked, because the app belongs to this server.
    #[schema(required, example = json!(["openid", "email"]))]
    agreed: Option<Vec<String>>,
}

impl From<&Used> for UsedAppEntry {
    fn from(used: &Used) -> Self {
        let grant = used.grant.as_ref();
        Self {
            id: used.app.id.clone(),
            name: used.app.name.clone(),
            sessions: grant.map_or(0, |grant| grant.sessions),
            since: grant.map(|grant| rfc3339(grant.began_at)),
            last_used_at: grant.map(|grant| rfc3339(grant.used_at)),
            agreed: used.consent.as_ref().map(|scope| words(scope).map(str::to_owned).collect()),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct UsedAppList {
    apps: Vec<UsedAppEntry>,
}

/// List the apps you use
///
/// The apps that you are signed in to with this account, or have agreed to.
#[utoipa::path(
    get, path = "/user/apps", tag = "your account", operation_id = "apps",
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 200, description = "The apps, by name", body = UsedAppList),
    )
)]
async fn apps(
    State(state): State<AppState>,
    Extension(caller): Extension<SignedIn>,
) -> Result<Json<UsedAppList>> {
    let used = used::by(&state, caller.account()).await?;
    Ok(Json(UsedAppList { apps: used.iter().map(UsedAppEntry::from).collect() }))
}

/// Sign out of an app
///
/// In all your sessions. What the app got ends at once, and so does your consent, if you gave one.
#[utoipa::path(
    delete, path = "/user/apps/{id}", tag = "your account", operation_id = "takeBackApp",
    params(("id" = String, Path, description = "The `id` of an app that you use")),
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 204, description = "The app has nothing any more"),
        (status = 404, description = "`not-found`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn take_back(
    State(state): State<AppState>,
    Extension(caller): Extension<SignedIn>,
    visit: Visit,
    id: std::result::Result<Path<String>, PathRejection>,
) -> Result<StatusCode> {
    let Path(id) = id.map_err(|_| Refusal::NotFound)?;
    if !used::take_back(&state, &caller, &id, &visit).await? {
        return Err(Refusal::NotFound.into());
    }
    Ok(StatusCode::NO_CONTENT)
}
