//! The JSON API that removes second factors by mail.

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::{
    domain::Field,
    factors::by_mail,
    links::Repeat,
    platform::{
        error::{Refusal, Result},
        visit::Visit,
    },
    web::{
        reply::ProblemDetails,
        routes::{Map, Policy},
        state::AppState,
        strict_json as strict,
    },
};

pub(crate) fn routes(map: &mut Map) {
    map.json(Policy::Public, routes!(ask_for_reset));
    map.json(Policy::Public, routes!(reset));
}

/// Request body of `POST /auth/second-factor/recover`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only documents the body, which is read field by field")]
pub(crate) struct RecoverBody {
    /// From the answer to the first step of a browser's sign-in or a program's.
    #[schema(min_length = 1, example = "3k9aT0Yq…")]
    challenge: String,
}

/// Ask for a link to remove your second factors
///
/// Only where the operator allows it. The link goes to the verified email address, and works from 24
/// hours on. The answer is the same if there is no address.
#[utoipa::path(
    post, path = "/auth/second-factor/recover", tag = "accounts", operation_id = "askForFactorReset", request_body = RecoverBody,
    responses(
        (status = 202, description = "If there is an address, a mail is on its way"),
        (status = 400, description = "`invalid-input`, `malformed-json` or `invalid-code`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn ask_for_reset(
    State(state): State<AppState>,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode> {
    let challenge = strict::read(headers, body, |body| strict::string(body, "challenge"))?;
    let challenge = challenge.map_err(|code| Refusal::of_field(Field::CHALLENGE, code))?;
    by_mail::ask(&state, &challenge, &visit).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Request body of `POST /auth/reset-factors`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only documents the body, which is read field by field")]
pub(crate) struct ResetFactorsBody {
    /// The part of the link after `link=`.
    #[schema(min_length = 1, example = "3k9aT0Yq…")]
    token: String,
    /// Whether to stop the request instead. Off by default.
    #[schema(required = false)]
    stop: bool,
}

/// Remove your second factors by a link
///
/// From 24 hours on after it was asked for. Signs out everywhere, and signs nobody in.
#[utoipa::path(
    post, path = "/auth/reset-factors", tag = "accounts", operation_id = "resetFactors", request_body = ResetFactorsBody,
    responses(
        (status = 204, description = "The second factors are removed, or the request is stopped"),
        (status = 400, description = "`invalid-input`, `malformed-json` or `link-invalid`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn reset(
    State(state): State<AppState>,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode> {
    let (token, stop) = strict::read(headers, body, |body| {
        (strict::string(body, "token"), strict::flag(body, "stop"))
    })?;
    let token = token.map_err(|code| Refusal::of_field(Field::TOKEN, code))?;
    if stop.map_err(|code| Refusal::of_field(Field::STOP, code))? {
        by_mail::stop(&state, &token, Repeat::Refused, &visit).await?;
    } else {
        by_mail::reset(&state, &token, Repeat::Refused, &visit).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
