//! The JSON API of linked identities.

use axum::{
    Extension, Json,
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::fresh;
use crate::{
    factors::unlink,
    platform::{
        clock::rfc3339,
        error::{Refusal, Result},
        visit::Visit,
    },
    providers::identities::{self, Identity},
    sessions::caller::SignedIn,
    web::{
        reply::ProblemDetails,
        routes::{Map, Policy},
        state::AppState,
    },
};

pub(crate) fn routes(map: &mut Map) {
    map.json(Policy::SignedIn, routes!(links));
    map.json(Policy::SignedIn, routes!(remove_link));
}

/// An identity at another provider that opens your account.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LinkEntry {
    #[schema(example = "mNq2Zs8dQ0m1S0b3yV9o4A")]
    id: String,
    /// The `id` of the provider in `PROVIDERS_FILE`.
    #[schema(example = "github")]
    provider: String,
    /// Your name there.
    #[schema(example = "octocat")]
    label: String,
    /// RFC 3339, UTC.
    #[schema(format = DateTime)]
    created_at: String,
    /// RFC 3339, UTC. `null`: never.
    #[schema(required, format = DateTime)]
    last_used_at: Option<String>,
}

impl LinkEntry {
    pub(crate) fn of(state: &AppState, identity: Identity) -> Self {
        let provider = state.providers.of_issuer(&identity.issuer);
        Self {
            provider: provider.map_or(identity.provider, |provider| provider.id.clone()),
            id: identity.id,
            label: identity.label,
            created_at: rfc3339(identity.created_at),
            last_used_at: identity.last_used_at.map(rfc3339),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct LinkList {
    links: Vec<LinkEntry>,
}

/// The identities of the caller.
pub(crate) async fn of_caller(state: &AppState, caller: &SignedIn) -> Result<Vec<LinkEntry>> {
    let all = identities::of(&state.store, caller.account()).await?;
    Ok(all.into_iter().map(|identity| LinkEntry::of(state, identity)).collect())
}

/// List your links to other providers
///
/// The identities with which you can sign in to your account. You link one on the Security page.
#[utoipa::path(
    get, path = "/user/links", tag = "your account", operation_id = "links",
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 200, description = "The links, oldest first", body = LinkList),
    )
)]
async fn links(
    State(state): State<AppState>,
    Extension(caller): Extension<SignedIn>,
) -> Result<Json<LinkList>> {
    Ok(Json(LinkList { links: of_caller(&state, &caller).await? }))
}

/// Remove a link to another provider
///
/// All other sessions end. The last way into an account can't be removed. You must have confirmed who you
/// are within `PROOF_TTL`.
#[utoipa::path(
    delete, path = "/user/links/{id}", tag = "your account", operation_id = "removeLink",
    params(("id" = String, Path, description = "The `id` of a link")),
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 204, description = "Removed"),
        (status = 400, description = "`invalid-input`: it is the last way in", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 401, description = "`unauthorized` or `proof-too-old`", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "`not-found`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn remove_link(
    State(state): State<AppState>,
    Extension(caller): Extension<SignedIn>,
    visit: Visit,
    id: std::result::Result<Path<String>, PathRejection>,
) -> Result<StatusCode> {
    let Path(id) = id.map_err(|_| Refusal::NotFound)?;
    unlink(&state, fresh(&state, &caller)?, &id, &visit).await?;
    Ok(StatusCode::NO_CONTENT)
}
