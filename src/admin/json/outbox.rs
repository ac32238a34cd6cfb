//! The outbox.

use std::result::Result as StdResult;

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::StatusCode,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{PageQuery, asked_place, limit, query};
use crate::{
    admin::{self, place},
    audit::Authority,
    authority::api_keys::Scope,
    outbox::{self, Listed},
    platform::{
        clock::rfc3339,
        error::{Refusal, Result},
    },
    web::{
        reply::ProblemDetails,
        routes::{Map, Policy},
        state::AppState,
    },
};

pub(super) fn routes(map: &mut Map) {
    map.json(Policy::Api(Scope::OutboxRead), routes!(list));
    map.json(Policy::Api(Scope::OutboxWrite), routes!(retry));
}

/// A delivery that waits, or was given up.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Waiting {
    id: String,
    /// `mail`, `webhook` or `app-logout`.
    #[schema(example = "mail")]
    kind: String,
    #[schema(required)]
    account: Option<i64>,
    /// RFC 3339, UTC.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it is tried next. RFC 3339, UTC.
    #[schema(format = DateTime)]
    due_at: String,
    /// How many tries have failed.
    tries: i64,
    /// When it was given up. RFC 3339, UTC.
    #[schema(required, format = DateTime)]
    failed_at: Option<String>,
    /// Why the last try failed.
    #[schema(required)]
    error: Option<String>,
}

impl From<&Listed> for Waiting {
    fn from(listed: &Listed) -> Self {
        Self {
            id: listed.id.clone(),
            kind: listed.kind.clone(),
            account: listed.account_id,
            created_at: rfc3339(listed.created_at),
            due_at: rfc3339(listed.due_at),
            tries: listed.tries,
            failed_at: listed.failed_at.map(rfc3339),
            error: listed.error.clone(),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct OutboxPage {
    deliveries: Vec<Waiting>,
    /// Pass this as `after` to get the next page. Missing on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next: Option<String>,
}

/// List what waits to be delivered, or was given up
///
/// Newest first, one page at a time. What was delivered is gone.
#[utoipa::path(
    get, path = "/admin/api/outbox", tag = "administration", operation_id = "listOutbox",
    params(PageQuery),
    security(("accessToken" = []), ("sessionCookie" = []), ("apiKey" = ["outbox:read"])),
    responses(
        (status = 200, description = "A page of deliveries", body = OutboxPage),
        (status = 400, description = "`invalid-input`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn list(
    State(state): State<AppState>,
    asked: StdResult<Query<PageQuery>, QueryRejection>,
) -> Result<Json<OutboxPage>> {
    let asked = query(asked)?;
    let (after, most) = (asked_place(asked.after.as_deref())?, limit(asked.limit.as_deref())?);
    let before = after.as_ref().map(|(at, id)| (*at, id.as_str()));
    let (found, more) = outbox::page(&state.store, before, false, most).await?;
    let next = found.last().filter(|_| more).map(|last| place(last.created_at, &last.id));
    Ok(Json(OutboxPage { deliveries: found.iter().map(Waiting::from).collect(), next }))
}

/// Try a delivery again, now
#[utoipa::path(
    post, path = "/admin/api/outbox/{id}/retry", tag = "administration", operation_id = "retryDelivery",
    params(("id" = String, Path, description = "The `id` of a delivery")),
    security(("accessToken" = []), ("sessionCookie" = []), ("apiKey" = ["outbox:write"])),
    responses(
        (status = 202, description = "It is tried again"),
        (status = 404, description = "`not-found`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn retry(
    State(state): State<AppState>,
    authority: Authority,
    id: StdResult<Path<String>, PathRejection>,
) -> Result<StatusCode> {
    let Path(id) = id.map_err(|_| Refusal::NotFound)?;
    match admin::retry(&state, &authority, Some(&id)).await? {
        0 => Err(Refusal::NotFound.into()),
        _ => Ok(StatusCode::ACCEPTED),
    }
}
