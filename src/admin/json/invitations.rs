//! Invitations.

use std::result::Result as StdResult;

use axum::{
    Json,
    body::Bytes,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{PageQuery, asked_place, limit, of, once, query, text, texts, time, whole};
use crate::{
    accounts::settings::SignUpMode,
    admin::{mail_keys, place},
    audit::Authority,
    authority::api_keys::Scope,
    domain::{Email, Field},
    invitations::{self, DEFAULT_TTL, EXPIRES_AT, GROUPS, Invitation, NOTE, New, USES},
    platform::{
        clock::{now, rfc3339},
        error::{Refusal, Result},
        visit::Visit,
    },
    web::{
        reply::ProblemDetails,
        routes::{Map, Policy},
        state::AppState,
    },
};

pub(super) fn routes(map: &mut Map) {
    map.json(Policy::Api(Scope::InvitationsRead), routes!(list));
    map.json(Policy::Api(Scope::InvitationsWrite), routes!(create));
    map.json(Policy::Api(Scope::InvitationsWrite), routes!(withdraw));
}

/// An invitation.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InvitationEntry {
    id: String,
    /// Where it was sent. It proves this address.
    #[schema(required, example = "alice@example.org")]
    email: Option<String>,
    /// The groups to join.
    groups: Vec<String>,
    note: String,
    /// RFC 3339, UTC.
    #[schema(format = DateTime)]
    created_at: String,
    /// RFC 3339, UTC.
    #[schema(format = DateTime)]
    expires_at: String,
    /// How often it can still be used.
    uses_left: i64,
    uses: i64,
    /// Whether it can still be used.
    open: bool,
    /// The link. Only in the answer to the request that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    url: Option<String>,
}

impl From<Invitation> for InvitationEntry {
    fn from(invitation: Invitation) -> Self {
        Self {
            open: invitation.is_open(now()),
            id: invitation.id,
            email: invitation.email,
            groups: invitation.groups,
            note: invitation.note,
            created_at: rfc3339(invitation.created_at),
            expires_at: rfc3339(invitation.expires_at),
            uses_left: invitation.uses_left,
            uses: invitation.uses,
            url: None,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct InvitationPage {
    invitations: Vec<InvitationEntry>,
    /// Pass this as `after` to get the next page. Missing on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next: Option<String>,
}

/// List invitations
///
/// Newest first, one page at a time. Those that ended a month ago are forgotten.
#[utoipa::path(
    get, path = "/admin/api/invitations", tag = "administration", operation_id = "listInvitations",
    params(PageQuery),
    security(("accessToken" = []), ("sessionCookie" = []), ("apiKey" = ["invitations:read"])),
    responses(
        (status = 200, description = "A page of invitations", body = InvitationPage),
        (status = 400, description = "`invalid-input`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn list(
    State(state): State<AppState>,
    asked: StdResult<Query<PageQuery>, QueryRejection>,
) -> Result<Json<InvitationPage>> {
    let asked = query(asked)?;
    let (after, most) = (asked_place(asked.after.as_deref())?, limit(asked.limit.as_deref())?);
    let before = after.as_ref().map(|(at, id)| (*at, id.as_str()));
    let (found, more) = invitations::page(&state.store, before, most).await?;
    let next = found.last().filter(|_| more).map(|last| place(last.created_at, &last.id));
    let invitations = found.into_iter().map(InvitationEntry::from).collect();
    Ok(Json(InvitationPage { invitations, next }))
}

/// Request body of `POST /admin/api/invitations`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only documents the body, which is read field by field")]
pub(crate) struct InvitationBody {
    /// Where to send it, if there is mail. It proves this address, and can be used once.
    #[schema(required = false, max_length = 254, example = "alice@example.org")]
    email: Option<String>,
    /// The groups to join, at most 20.
    #[schema(required = false)]
    groups: Vec<String>,
    /// Its end, at most a year from now; by default a week. RFC 3339.
    #[schema(required = false, format = DateTime)]
    expires_at: String,
    /// How often it can be used.
    #[schema(required = false, minimum = 1, maximum = 10_000, default = 1)]
    uses: i64,
    /// A note that administrators see.
    #[schema(required = false, max_length = 200)]
    note: String,
}

/// Invite somebody
///
/// Its `url` is in this answer only. Where `SIGN_UP` is `closed`, nobody can use an invitation, so none is made.
#[utoipa::path(
    post, path = "/admin/api/invitations", tag = "administration", operation_id = "createInvitation", request_body = InvitationBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to send the request again")),
    security(("accessToken" = []), ("sessionCookie" = []), ("apiKey" = ["invitations:write"])),
    responses(
        (status = 201, description = "The invitation, with its `url`", body = InvitationEntry),
        (status = 400, description = "`invalid-input` or `malformed-json`", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 403, description = "`cross-origin`, `sign-up-closed`, or `insufficient-scope`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn create(
    State(state): State<AppState>,
    authority: Authority,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response> {
    once(&state, &authority, "/admin/api/invitations", (headers, body), async |mut body| {
        if state.settings.accounts.sign_up == SignUpMode::Closed {
            return Err(Refusal::SignUpClosed.into());
        }
        let email = of(Field::EMAIL, text(&mut body, "email"))?;
        let email = email.map(|email| of(Field::EMAIL, Email::parse(&email))).transpose()?;
        let expires_at = of(EXPIRES_AT, time(&mut body, "expiresAt"))?;
        let new = New {
            email,
            groups: of(GROUPS, texts(&mut body, "groups"))?.unwrap_or_default(),
            expires_at: expires_at.unwrap_or(now() + DEFAULT_TTL),
            uses: of(USES, whole(&mut body, "uses"))?.unwrap_or(1),
            note: of(NOTE, text(&mut body, "note"))?.unwrap_or_default(),
        };
        let keys = mail_keys(&state);
        let made = invitations::make(&state.store, keys, &authority, &new, visit.language).await?;
        state.wake_outbox();
        let (invitation, path) = made;
        let url = Some(format!("{}{path}", state.public_url.origin()));
        Ok((StatusCode::CREATED, InvitationEntry { url, ..InvitationEntry::from(invitation) }))
    })
    .await
}

/// Withdraw an invitation
///
/// Its link stops working.
#[utoipa::path(
    delete, path = "/admin/api/invitations/{id}", tag = "administration", operation_id = "withdrawInvitation",
    params(("id" = String, Path, description = "The `id` of an invitation")),
    security(("accessToken" = []), ("sessionCookie" = []), ("apiKey" = ["invitations:write"])),
    responses(
        (status = 204, description = "The invitation is gone"),
        (status = 404, description = "`not-found`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn withdraw(
    State(state): State<AppState>,
    authority: Authority,
    id: StdResult<Path<String>, PathRejection>,
) -> Result<StatusCode> {
    let Path(id) = id.map_err(|_| Refusal::NotFound)?;
    match invitations::withdraw(&state.store, &authority, &id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Refusal::NotFound.into()),
    }
}
