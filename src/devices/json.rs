//! The JSON API for your sessions.

use axum::{
    Extension, Json,
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::{
    platform::{
        clock::rfc3339,
        error::{Refusal, Result},
        visit::Visit,
    },
    sessions::{StoredSession, caller::SignedIn, of_account},
    web::{
        client::known_device,
        reply::ProblemDetails,
        routes::{Map, Policy},
        state::AppState,
    },
};

pub(crate) fn routes(map: &mut Map) {
    map.json(Policy::SignedIn, routes!(sessions));
    map.json(Policy::SignedIn, routes!(end_session));
    map.json(Policy::SignedIn, routes!(end_other_sessions));
}

/// A place where you are signed in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Session {
    #[schema(example = "mNq2Zs8d…")]
    id: String,
    /// Whether it is the session of this request.
    current: bool,
    /// `browser` or `program`.
    #[schema(example = "browser")]
    kind: &'static str,
    /// The browser and system in words, or empty if unknown.
    #[schema(example = "Firefox, Linux")]
    device: String,
    /// How you signed in, or last confirmed who you are: `password`, `email-code` or `passkey`.
    #[schema(example = "password")]
    method: &'static str,
    /// Authentication method references (RFC 8176), such as `pwd`, `otp`, `hwk`, `swk` and `mfa`.
    #[schema(example = json!(["pwd", "otp", "mfa"]))]
    amr: Vec<&'static str>,
    /// The level of assurance: `aal1` for one factor, `aal2` for two.
    #[schema(example = "aal2")]
    acr: &'static str,
    /// When that was. RFC 3339, UTC.
    #[schema(format = DateTime)]
    auth_time: String,
    /// The network of the client address: /24 or /48.
    #[schema(example = "203.0.113.0/24")]
    network: String,
    /// RFC 3339, UTC.
    #[schema(format = DateTime)]
    first_seen: String,
    /// RFC 3339, UTC, to within a hundredth of `SESSION_IDLE_TTL`.
    #[schema(format = DateTime)]
    last_seen: String,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct SessionList {
    sessions: Vec<Session>,
}

/// List your sessions
///
/// Live sessions only, at most a hundred.
#[utoipa::path(
    get, path = "/user/sessions", tag = "your account", operation_id = "sessions",
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 200, description = "The sessions, most recently used first", body = SessionList),
    )
)]
async fn sessions(
    State(state): State<AppState>,
    Extension(caller): Extension<SignedIn>,
) -> Result<Json<SessionList>> {
    let sessions = of_account(&state.store, caller.account()).await?;
    let sessions = sessions.iter().map(|session| Session::of(session, &caller)).collect();
    Ok(Json(SessionList { sessions }))
}

impl Session {
    pub(crate) fn of(session: &StoredSession, caller: &SignedIn) -> Self {
        Self {
            current: session.id == caller.session(),
            id: session.id.clone(),
            kind: session.carrier.word(),
            device: known_device(&session.device).into_owned(),
            method: session.proved_by.first.word(),
            amr: session.proved_by.amr(),
            acr: session.proved_by.acr(),
            auth_time: rfc3339(session.auth_time),
            network: session.network.clone(),
            first_seen: rfc3339(session.created_at),
            last_seen: rfc3339(session.seen_at),
        }
    }
}

/// End a session
///
/// Its tokens stop working at once. You must have entered your password within `PROOF_TTL`.
#[utoipa::path(
    delete, path = "/user/sessions/{id}", tag = "your account", operation_id = "endSession",
    params(("id" = String, Path, description = "The `id` of one of your sessions")),
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 204, description = "The session has ended"),
        (status = 401, description = "`unauthorized` or `proof-too-old`", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "`not-found`: you have no such session", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn end_session(
    State(state): State<AppState>,
    Extension(caller): Extension<SignedIn>,
    visit: Visit,
    id: std::result::Result<Path<String>, PathRejection>,
) -> Result<StatusCode> {
    let Path(id) = id.map_err(|_| Refusal::NotFound)?;
    let fresh = caller.fresh(state.settings.sessions.proof_ttl)?;
    super::end_one(&state, fresh, &id, &visit).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End all other sessions
///
/// You must have entered your password within `PROOF_TTL`.
#[utoipa::path(
    delete, path = "/user/sessions", tag = "your account", operation_id = "endOtherSessions",
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 204, description = "The other sessions have ended"),
        (status = 401, description = "`unauthorized` or `proof-too-old`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn end_other_sessions(
    State(state): State<AppState>,
    Extension(caller): Extension<SignedIn>,
    visit: Visit,
) -> Result<StatusCode> {
    let fresh = caller.fresh(state.settings.sessions.proof_ttl)?;
    super::end_others(&state, fresh, &visit).await?;
    Ok(StatusCode::NO_CONTENT)
}
