//! The JSON API of email addresses. Without mail, its routes are not there.

use axum::{
    Extension,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{former, verification};
use crate::{
    domain::{Email, Field},
    links::Repeat,
    platform::{
        error::{Refusal, Result},
        visit::Visit,
    },
    sessions::caller::SignedIn,
    web::{
        reply::ProblemDetails,
        routes::{Map, Policy},
        state::AppState,
        strict_json as strict,
    },
};

pub(crate) fn routes(map: &mut Map) {
    map.json(Policy::SignedIn, routes!(give));
    map.json(Policy::SignedIn, routes!(remove));
    map.json(Policy::Noticed, routes!(verify));
    map.json(Policy::Public, routes!(disown));
    map.json(Policy::Public, routes!(restore));
}

/// Request body of `PUT /user/email`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only documents the body, which is read field by field")]
pub(crate) struct EmailBody {
    #[schema(min_length = 1, max_length = 254, example = "alice@example.org")]
    email: String,
}

/// Request body of `POST /auth/verify-email`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only documents the body, which is read field by field")]
pub(crate) struct TokenBody {
    /// The part of the link after `link=`.
    #[schema(min_length = 1, example = "3k9aT0Yq…")]
    token: String,
}

/// Set your email address
///
/// A link goes to the address. The previous one stays until the link is used, and gets a notice at
/// once.
#[utoipa::path(
    put, path = "/user/email", tag = "your account", operation_id = "setEmail", request_body = EmailBody,
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 202, description = "A mail is on its way"),
        (status = 400, description = "`invalid-input` or `malformed-json`", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 401, description = "`unauthorized` or `proof-too-old`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn give(
    State(state): State<AppState>,
    Extension(caller): Extension<SignedIn>,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode> {
    let email = strict::read(headers, body, |body| strict::string(body, "email"))?;
    let email = email.and_then(|raw| Email::parse(&raw));
    let email = email.map_err(|code| Refusal::of_field(Field::EMAIL, code));
    let fresh = caller.fresh(state.settings.sessions.proof_ttl)?;
    super::give(&state, fresh, &email?, &visit).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Remove your email address
///
/// The verified one, and one that waits to be verified. The verified one gets a notice.
#[utoipa::path(
    delete, path = "/user/email", tag = "your account", operation_id = "removeEmail",
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 204, description = "There is none now"),
        (status = 400, description = "`invalid-input`: this server requires an address, or the account has no password", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 401, description = "`unauthorized` or `proof-too-old`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn remove(
    State(state): State<AppState>,
    Extension(caller): Extension<SignedIn>,
    visit: Visit,
) -> Result<StatusCode> {
    super::remove(&state, caller.fresh(state.settings.sessions.proof_ttl)?, &visit).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Verify an email address
///
/// With the token in the link that was sent to it. It works once.
#[utoipa::path(
    post, path = "/auth/verify-email", tag = "accounts", operation_id = "verifyEmail", request_body = TokenBody,
    responses(
        (status = 204, description = "It is verified"),
        (status = 400, description = "`invalid-input`, `malformed-json` or `link-invalid`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn verify(
    State(state): State<AppState>,
    caller: Option<Extension<SignedIn>>,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode> {
    let token = token(headers, body)?;
    let caller = caller.as_ref().map(|Extension(caller)| caller);
    verification::verify(&state, &token, caller, Repeat::Refused, &visit).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Say that an account isn't yours
///
/// With the token in the link that verifies an address. The address is taken away from the account
/// that somebody else made with it.
#[utoipa::path(
    post, path = "/auth/disown-email", tag = "accounts", operation_id = "disownEmail", request_body = TokenBody,
    responses(
        (status = 204, description = "It is no longer an address of the account"),
        (status = 400, description = "`invalid-input`, `malformed-json` or `link-invalid`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn disown(
    State(state): State<AppState>,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode> {
    verification::disown(&state, &token(headers, body)?, Repeat::Refused, &visit).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Bring a former email address back
///
/// With the token in the link that was sent to it when it was changed or removed, for 72 hours.
/// Signs out everywhere, and removes the password: ask for a link to set a new one.
#[utoipa::path(
    post, path = "/auth/restore-email", tag = "accounts", operation_id = "restoreEmail", request_body = TokenBody,
    responses(
        (status = 204, description = "It is the address of the account again"),
        (status = 400, description = "`invalid-input`, `malformed-json` or `link-invalid`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn restore(
    State(state): State<AppState>,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode> {
    // The link that this makes is for the page.
    former::restore(&state, &token(headers, body)?, Repeat::Refused, &visit).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The token of a body that has nothing else.
fn token(headers: HeaderMap, body: Bytes) -> Result<String, Refusal> {
    let token = strict::read(headers, body, |body| strict::string(body, "token"))?;
    token.map_err(|code| Refusal::of_field(Field::TOKEN, code))
}
