//! Groups.

use std::result::Result as StdResult;

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{of, once, text};
use crate::{
    audit::Authority,
    authority::api_keys::Scope,
    domain::{Code, Field},
    groups::{self, COUNTED, DESCRIPTION, Group, Saved},
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
    map.json(Policy::Api(Scope::GroupsRead), routes!(list));
    map.json(Policy::Api(Scope::GroupsWrite), routes!(create));
    map.json(Policy::Api(Scope::GroupsWrite), routes!(delete));
}

/// A group.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GroupEntry {
    #[schema(example = "editors")]
    name: String,
    description: String,
    /// How many accounts belong to it, counted up to a thousand.
    members: i64,
    /// Whether there are more.
    has_more_members: bool,
    /// RFC 3339, UTC. `null`: it was not recorded.
    #[schema(required, format = DateTime)]
    created_at: Option<String>,
}

impl From<Group> for GroupEntry {
    fn from(group: Group) -> Self {
        let Group { name, description, created_at, members } = group;
        Self {
            name,
            description,
            members: members.min(COUNTED),
            has_more_members: members > COUNTED,
            created_at: (created_at > 0).then(|| rfc3339(created_at)),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct GroupList {
    groups: Vec<GroupEntry>,
}

/// List groups
#[utoipa::path(
    get, path = "/admin/api/groups", tag = "administration", operation_id = "listGroups",
    security(("accessToken" = []), ("sessionCookie" = []), ("apiKey" = ["groups:read"])),
    responses((status = 200, description = "All groups, by name", body = GroupList))
)]
async fn list(State(state): State<AppState>) -> Result<Json<GroupList>> {
    let all = groups::all(&state.store).await?;
    Ok(Json(GroupList { groups: all.into_iter().map(GroupEntry::from).collect() }))
}

/// Request body of `POST /admin/api/groups`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only documents the body, which is read field by field")]
pub(crate) struct GroupBody {
    /// Letters, digits, `-`, `_` and `.`.
    #[schema(min_length = 1, max_length = 64, example = "editors")]
    name: String,
    #[schema(required = false, max_length = 200)]
    description: String,
}

/// Make a group, or describe one
///
/// Accounts join and leave by `PATCH /admin/api/users/{id}`.
#[utoipa::path(
    post, path = "/admin/api/groups", tag = "administration", operation_id = "createGroup", request_body = GroupBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to send the request again")),
    security(("accessToken" = []), ("sessionCookie" = []), ("apiKey" = ["groups:write"])),
    responses(
        (status = 200, description = "The group, which existed", body = GroupEntry),
        (status = 201, description = "The new group", body = GroupEntry),
        (status = 400, description = "`invalid-input` or `malformed-json`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn create(
    State(state): State<AppState>,
    authority: Authority,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response> {
    once(&state, &authority, "/admin/api/groups", (headers, body), async |mut body| {
        let name = of(Field::NAME, text(&mut body, "name"))?;
        let name = name.ok_or(Refusal::of_field(Field::NAME, Code::Missing))?;
        let description = of(DESCRIPTION, text(&mut body, "description"))?;
        let saved = groups::save(&state.store, &authority, &name, description.as_deref()).await?;
        let status = match saved {
            Saved::Made => StatusCode::CREATED,
            Saved::Described | Saved::Unchanged => StatusCode::OK,
        };
        let group = groups::find(&state.store, &name).await?.ok_or(Refusal::NotFound)?;
        Ok((status, GroupEntry::from(group)))
    })
    .await
}

/// Remove a group
///
/// All its members leave it. The group `admin` can't be removed.
#[utoipa::path(
    delete, path = "/admin/api/groups/{name}", tag = "administration", operation_id = "deleteGroup",
    params(("name" = String, Path, description = "The name of a group")),
    security(("accessToken" = []), ("sessionCookie" = []), ("apiKey" = ["groups:write"])),
    responses(
        (status = 204, description = "The group is gone"),
        (status = 404, description = "`not-found`", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "`last-administrator`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn delete(
    State(state): State<AppState>,
    authority: Authority,
    name: StdResult<Path<String>, PathRejection>,
) -> Result<StatusCode> {
    let Path(name) = name.map_err(|_| Refusal::NotFound)?;
    match groups::remove(&state.store, &authority, &name).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Refusal::NotFound.into()),
    }
}
