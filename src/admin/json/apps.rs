//! Apps.

use std::result::Result as StdResult;

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::Serialize;
use serde_json::{Map as JsonMap, Value};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{object, of, once, once_of, text};
use crate::{
    apps::{
        self, App, Definition, SECRET_OVERLAP,
        registry::{self, Faults},
    },
    audit::Authority,
    authority::api_keys::Scope,
    domain::{Code, Field},
    platform::{
        clock::{now, rfc3339},
        error::{Refusal, Result},
    },
    web::{
        reply::ProblemDetails,
        routes::{Map, Policy},
        state::AppState,
    },
};

pub(super) fn routes(map: &mut Map) {
    map.json(Policy::Api(Scope::AppsRead), routes!(list));
    map.json(Policy::Api(Scope::AppsWrite), routes!(create));
    map.json(Policy::Api(Scope::AppsRead), routes!(show));
    map.json(Policy::Api(Scope::AppsWrite), routes!(change));
    map.json(Policy::Api(Scope::AppsWrite), routes!(delete));
    map.json(Policy::Api(Scope::AppsWrite), routes!(rotate_secret));
}

/// An app: what `latchkey app show --json` prints, and the members of `APPS_FILE`.
#[derive(Serialize, ToSchema)]
pub(crate) struct AppEntry {
    #[schema(example = "wiki")]
    client_id: String,
    name: String,
    /// Whether `APPS_FILE` declares it: then it is changed there.
    by_file: bool,
    /// RFC 3339, UTC.
    #[schema(format = DateTime)]
    created_at: String,
    /// How many secrets are good.
    secrets: usize,
    /// Only in the answer to the request that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    client_secret: Option<String>,
    /// `redirect_uris`, `groups` and the others, as in `APPS_FILE`.
    #[serde(flatten)]
    #[schema(value_type = Object, additional_properties)]
    definition: JsonMap<String, Value>,
}

impl AppEntry {
    fn of(app: &App) -> Self {
        let definition = match serde_json::to_value(&app.definition) {
            Ok(Value::Object(definition)) => definition,
            _ => JsonMap::new(),
        };
        Self {
            client_id: app.id.clone(),
            name: app.name.clone(),
            by_file: app.by_file,
            created_at: rfc3339(app.created_at),
            secrets: app.live_secrets(now()),
            client_secret: None,
            definition,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct AppList {
    apps: Vec<AppEntry>,
}

/// List apps
///
/// By name, also those that nobody has registered.
#[utoipa::path(
    get, path = "/admin/api/apps", tag = "administration", operation_id = "listApps",
    security(("accessToken" = []), ("sessionCookie" = []), ("apiKey" = ["apps:read"])),
    responses((status = 200, description = "The apps", body = AppList))
)]
async fn list(State(state): State<AppState>) -> Result<Json<AppList>> {
    let all = apps::all(&state.store).await?;
    Ok(Json(AppList { apps: all.all().into_iter().map(|app| AppEntry::of(app)).collect() }))
}

/// Get an app
#[utoipa::path(
    get, path = "/admin/api/apps/{id}", tag = "administration", operation_id = "getApp",
    params(("id" = String, Path, description = "A `client_id`")),
    security(("accessToken" = []), ("sessionCookie" = []), ("apiKey" = ["apps:read"])),
    responses(
        (status = 200, description = "The app", body = AppEntry),
        (status = 404, description = "`not-found`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn show(
    State(state): State<AppState>,
    id: StdResult<Path<String>, PathRejection>,
) -> Result<Json<AppEntry>> {
    let Path(id) = id.map_err(|_| Refusal::NotFound)?;
    let all = apps::all(&state.store).await?;
    Ok(Json(AppEntry::of(all.find(&id).ok_or(Refusal::NotFound)?)))
}

/// Request body of `POST /admin/api/apps` and of `PATCH`: with the members of an app in `APPS_FILE`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only documents the body, which is read field by field")]
pub(crate) struct AppBody {
    #[schema(max_length = 64, example = "Wiki")]
    name: String,
    /// By default a random one. Not in a change.
    #[schema(required = false, max_length = 64, example = "wiki")]
    client_id: String,
    #[schema(required = false, example = json!(["https://wiki.example.org/callback"]))]
    redirect_uris: Vec<String>,
    /// Only members of one of these get in.
    #[schema(required = false)]
    groups: Vec<String>,
}

/// A definition with some members replaced. Unknown members are refused, as in `APPS_FILE`.
fn merged(known: &Definition, members: JsonMap<String, Value>) -> StdResult<Definition, Faults> {
    let unreadable = |error: serde_json::Error| vec![error.to_string()];
    let mut value = serde_json::to_value(known).map_err(unreadable)?;
    if let Value::Object(value) = &mut value {
        value.extend(members);
    }
    serde_json::from_value(value).map_err(unreadable)
}

/// Add an app
///
/// Its `client_secret`, if it has one, is in this answer only.
#[utoipa::path(
    post, path = "/admin/api/apps", tag = "administration", operation_id = "createApp", request_body = AppBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to send the request again")),
    security(("accessToken" = []), ("sessionCookie" = []), ("apiKey" = ["apps:write"])),
    responses(
        (status = 201, description = "The app, with its `client_secret`", body = AppEntry),
        (status = 400, description = "`invalid-input` or `malformed-json`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn create(
    State(state): State<AppState>,
    authority: Authority,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response> {
    once(&state, &authority, "/admin/api/apps", (headers, body), async |mut body| {
        let name = of(Field::NAME, text(&mut body, "name"))?;
        let name = name.ok_or(Refusal::of_field(Field::NAME, Code::Missing))?;
        let id = of(Field::named("client_id"), text(&mut body, "client_id"))?;
        let definition =
            merged(&Definition::default(), body).map_err(Refusal::InvalidDefinition)?;
        let added = registry::add(&state.store, &authority, id, &name, definition).await?;
        let (app, client_secret) = added.map_err(Refusal::InvalidDefinition)?;
        let secrets = usize::from(client_secret.is_some());
        let entry = AppEntry { client_secret, secrets, ..AppEntry::of(&app) };
        Ok((StatusCode::CREATED, entry))
    })
    .await
}

/// Change an app
///
/// Members that are left out stay as they are. Apps of `APPS_FILE` are changed in that file.
#[utoipa::path(
    patch, path = "/admin/api/apps/{id}", tag = "administration", operation_id = "changeApp", request_body = AppBody,
    params(("id" = String, Path, description = "A `client_id`")),
    security(("accessToken" = []), ("sessionCookie" = []), ("apiKey" = ["apps:write"])),
    responses(
        (status = 200, description = "The app", body = AppEntry),
        (status = 400, description = "`invalid-input` or `malformed-json`", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "`not-found`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn change(
    State(state): State<AppState>,
    authority: Authority,
    id: StdResult<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<AppEntry>> {
    let Path(id) = id.map_err(|_| Refusal::NotFound)?;
    let mut body = object(&headers, &body)?;
    let name = of(Field::NAME, text(&mut body, "name"))?;
    apps::all(&state.store).await?.find(&id).ok_or(Refusal::NotFound)?;
    let changed = registry::change(&state.store, &authority, &id, |known, definition| {
        *definition = merged(definition, body)?;
        if let Some(name) = name {
            *known = name;
        }
        Ok(())
    });
    let app = changed.await?.map_err(Refusal::InvalidDefinition)?;
    Ok(Json(AppEntry::of(&app)))
}

/// Remove an app
///
/// Everybody is signed out of it.
#[utoipa::path(
    delete, path = "/admin/api/apps/{id}", tag = "administration", operation_id = "deleteApp",
    params(("id" = String, Path, description = "A `client_id`")),
    security(("accessToken" = []), ("sessionCookie" = []), ("apiKey" = ["apps:write"])),
    responses(
        (status = 204, description = "The app is gone"),
        (status = 404, description = "`not-found`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn delete(
    State(state): State<AppState>,
    authority: Authority,
    id: StdResult<Path<String>, PathRejection>,
) -> Result<StatusCode> {
    let Path(id) = id.map_err(|_| Refusal::NotFound)?;
    apps::all(&state.store).await?.find(&id).ok_or(Refusal::NotFound)?;
    let removed = registry::remove(&state.store, &state.keys, &authority, &id).await?;
    removed.map_err(Refusal::InvalidDefinition)?;
    state.wake_outbox();
    Ok(StatusCode::NO_CONTENT)
}

/// A new secret of an app.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewSecret {
    client_id: String,
    client_secret: String,
}

/// Make a new secret for an app
///
/// It is in this answer only. The old one works for another day.
#[utoipa::path(
    post, path = "/admin/api/apps/{id}/secret", tag = "administration", operation_id = "rotateAppSecret",
    params(
        ("id" = String, Path, description = "A `client_id`"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to send the request again"),
    ),
    security(("accessToken" = []), ("sessionCookie" = []), ("apiKey" = ["apps:write"])),
    responses(
        (status = 200, description = "The new secret", body = NewSecret),
        (status = 400, description = "`invalid-input`: it has no secret", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "`not-found`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn rotate_secret(
    State(state): State<AppState>,
    authority: Authority,
    id: StdResult<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response> {
    let Path(id) = id.map_err(|_| Refusal::NotFound)?;
    let request = format!("/admin/api/apps/{id}/secret");
    once_of(&state, &authority, &headers, &request, async {
        let store = &state.store;
        apps::all(store).await?.find(&id).ok_or(Refusal::NotFound)?;
        let rotated = registry::rotate_secret(store, &authority, &id, SECRET_OVERLAP).await?;
        let (app, client_secret) = rotated.map_err(Refusal::InvalidDefinition)?;
        Ok((StatusCode::OK, NewSecret { client_id: app.id, client_secret }))
    })
    .await
}
