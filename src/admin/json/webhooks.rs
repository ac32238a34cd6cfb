//! Webhooks.

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

use super::{of, once, text, texts};
use crate::{
    audit::Authority,
    authority::api_keys::Scope,
    platform::{
        clock::rfc3339,
        error::{Refusal, Result},
    },
    web::{
        reply::ProblemDetails,
        routes::{Map, Policy},
        state::AppState,
    },
    webhooks::{self, EVENTS_FIELD, Sent, URL, Webhook},
};

pub(super) fn routes(map: &mut Map) {
    map.json(Policy::Api(Scope::WebhooksRead), routes!(list));
    map.json(Policy::Api(Scope::WebhooksWrite), routes!(create));
    map.json(Policy::Api(Scope::WebhooksWrite), routes!(delete));
    map.json(Policy::Api(Scope::WebhooksRead), routes!(messages));
    map.json(Policy::Api(Scope::WebhooksWrite), routes!(send_again));
    map.json(Policy::Api(Scope::WebhooksWrite), routes!(test));
}

/// An endpoint that is told of events.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WebhookEntry {
    id: String,
    #[schema(example = "https://shop.example.org/latchkey")]
    url: String,
    #[schema(example = json!(["user.created", "user.deleted"]))]
    events: Vec<String>,
    /// RFC 3339, UTC.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it said that it is gone (410). Since then it is told nothing. RFC 3339, UTC.
    #[schema(required, format = DateTime)]
    closed_at: Option<String>,
    /// What its messages are signed with. Only in the answer to the request that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "whsec_…")]
    secret: Option<String>,
}

impl From<Webhook> for WebhookEntry {
    fn from(webhook: Webhook) -> Self {
        let Webhook { id, url, events, created_at, closed_at, .. } = webhook;
        let (created_at, closed_at) = (rfc3339(created_at), closed_at.map(rfc3339));
        Self { id, url, events, created_at, closed_at, secret: None }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookList {
    webhooks: Vec<WebhookEntry>,
}

/// List webhooks
#[utoipa::path(
    get, path = "/admin/api/webhooks", tag = "administration", operation_id = "listWebhooks",
    security(("accessToken" = []), ("sessionCookie" = []), ("apiKey" = ["webhooks:read"])),
    responses((status = 200, description = "All webhooks, newest first", body = WebhookList))
)]
async fn list(State(state): State<AppState>) -> Result<Json<WebhookList>> {
    let all = webhooks::all(&state.store).await?;
    Ok(Json(WebhookList { webhooks: all.into_iter().map(WebhookEntry::from).collect() }))
}

/// Request body of `POST /admin/api/webhooks`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only documents the body, which is read field by field")]
pub(crate) struct WebhookBody {
    /// It must begin with https, unless it leads to a network that `WEBHOOK_ALLOW` names.
    #[schema(max_length = 2000, example = "https://shop.example.org/latchkey")]
    url: String,
    /// What it is told of. By default everything.
    #[schema(required = false, example = json!(["user.created", "user.deleted"]))]
    events: Vec<String>,
}

/// Add a webhook
///
/// Its `secret` is in this answer only. Messages follow standardwebhooks.com.
#[utoipa::path(
    post, path = "/admin/api/webhooks", tag = "administration", operation_id = "createWebhook", request_body = WebhookBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to send the request again")),
    security(("accessToken" = []), ("sessionCookie" = []), ("apiKey" = ["webhooks:write"])),
    responses(
        (status = 201, description = "The webhook, with its `secret`", body = WebhookEntry),
        (status = 400, description = "`invalid-input` or `malformed-json`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn create(
    State(state): State<AppState>,
    authority: Authority,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response> {
    once(&state, &authority, "/admin/api/webhooks", (headers, body), async |mut body| {
        let url = of(URL, text(&mut body, "url"))?.unwrap_or_default();
        let events = of(EVENTS_FIELD, texts(&mut body, "events"))?.unwrap_or_default();
        let (store, settings) = (&state.store, &state.settings.webhooks);
        let added = webhooks::add(store, &state.keys, settings, &authority, &url, &events).await?;
        let (webhook, secret) = added;
        let secret = Some(secret);
        Ok((StatusCode::CREATED, WebhookEntry { secret, ..WebhookEntry::from(webhook) }))
    })
    .await
}

/// Remove a webhook
///
/// With the messages that wait for it.
#[utoipa::path(
    delete, path = "/admin/api/webhooks/{id}", tag = "administration", operation_id = "deleteWebhook",
    params(("id" = String, Path, description = "The `id` of a webhook")),
    security(("accessToken" = []), ("sessionCookie" = []), ("apiKey" = ["webhooks:write"])),
    responses(
        (status = 204, description = "The webhook is gone"),
        (status = 404, description = "`not-found`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn delete(
    State(state): State<AppState>,
    authority: Authority,
    id: StdResult<Path<String>, PathRejection>,
) -> Result<StatusCode> {
    let Path(id) = id.map_err(|_| Refusal::NotFound)?;
    match webhooks::remove(&state.store, &authority, &id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Refusal::NotFound.into()),
    }
}

/// A message to a webhook.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MessageEntry {
    /// Its `webhook-id`.
    id: String,
    #[schema(example = "user.created")]
    event: String,
    /// The body that is sent.
    body: String,
    /// RFC 3339, UTC.
    #[schema(format = DateTime)]
    created_at: String,
    /// RFC 3339, UTC.
    #[schema(required, format = DateTime)]
    delivered_at: Option<String>,
    /// How often it was sent.
    tries: i64,
    /// What the endpoint said last, or why it could not be reached.
    #[schema(required, example = "200 OK")]
    answer: Option<String>,
}

impl From<Sent> for MessageEntry {
    fn from(sent: Sent) -> Self {
        Self {
            id: sent.id,
            event: sent.event,
            body: sent.body,
            created_at: rfc3339(sent.created_at),
            delivered_at: sent.delivered_at.map(rfc3339),
            tries: sent.tries,
            answer: sent.answer,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct MessageList {
    messages: Vec<MessageEntry>,
}

/// How many messages are listed.
const LISTED: i64 = 100;

/// List the latest messages to a webhook
///
/// Newest first, at most a hundred.
#[utoipa::path(
    get, path = "/admin/api/webhooks/{id}/messages", tag = "administration", operation_id = "listWebhookMessages",
    params(("id" = String, Path, description = "The `id` of a webhook")),
    security(("accessToken" = []), ("sessionCookie" = []), ("apiKey" = ["webhooks:read"])),
    responses(
        (status = 200, description = "The messages", body = MessageList),
        (status = 404, description = "`not-found`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn messages(
    State(state): State<AppState>,
    id: StdResult<Path<String>, PathRejection>,
) -> Result<Json<MessageList>> {
    let Path(id) = id.map_err(|_| Refusal::NotFound)?;
    webhooks::find(&state.store, &id).await?.ok_or(Refusal::NotFound)?;
    let sent = webhooks::messages(&state.store, &id, LISTED).await?;
    Ok(Json(MessageList { messages: sent.into_iter().map(MessageEntry::from).collect() }))
}

/// Send a message again
///
/// With the same `webhook-id`.
#[utoipa::path(
    post, path = "/admin/api/webhooks/{id}/messages/{message}/resend", tag = "administration", operation_id = "resendWebhookMessage",
    params(
        ("id" = String, Path, description = "The `id` of a webhook"),
        ("message" = String, Path, description = "The `id` of a message"),
    ),
    security(("accessToken" = []), ("sessionCookie" = []), ("apiKey" = ["webhooks:write"])),
    responses(
        (status = 202, description = "It is on its way"),
        (status = 404, description = "`not-found`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn send_again(
    State(state): State<AppState>,
    authority: Authority,
    ids: StdResult<Path<(String, String)>, PathRejection>,
) -> Result<StatusCode> {
    let Path((id, message)) = ids.map_err(|_| Refusal::NotFound)?;
    if !webhooks::send_again(&state.store, &state.keys, &authority, &id, &message).await? {
        return Err(Refusal::NotFound.into());
    }
    state.wake_outbox();
    Ok(StatusCode::ACCEPTED)
}

/// Send a test message to a webhook
#[utoipa::path(
    post, path = "/admin/api/webhooks/{id}/test", tag = "administration", operation_id = "testWebhook",
    params(("id" = String, Path, description = "The `id` of a webhook")),
    security(("accessToken" = []), ("sessionCookie" = []), ("apiKey" = ["webhooks:write"])),
    responses(
        (status = 202, description = "It is on its way"),
        (status = 404, description = "`not-found`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn test(
    State(state): State<AppState>,
    authority: Authority,
    id: StdResult<Path<String>, PathRejection>,
) -> Result<StatusCode> {
    let Path(id) = id.map_err(|_| Refusal::NotFound)?;
    if !webhooks::test(&state.store, &state.keys, &authority, &id).await? {
        return Err(Refusal::NotFound.into());
    }
    state.wake_outbox();
    Ok(StatusCode::ACCEPTED)
}
