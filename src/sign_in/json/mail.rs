//! The JSON API for signing in and recovering by mail.

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::SignedInAccount;
use crate::{
    domain::{Field, FieldError},
    links::Repeat,
    platform::{
        error::{Refusal, Result},
        visit::Visit,
    },
    sessions::tokens::SessionKind,
    sign_in::{code, forgot::forgot, password, resend::resend},
    web::{
        reply::ProblemDetails,
        routes::{Map, Policy},
        state::AppState,
        strict_json as strict,
    },
};

/// The routes that need mail.
pub(crate) fn routes(map: &mut Map) {
    map.json(Policy::Public, routes!(forgot_password));
    map.json(Policy::Public, routes!(reset_password));
    map.json(Policy::Public, routes!(send_code));
    map.json(Policy::Public, routes!(sign_in_by_code));
    map.json(Policy::Public, routes!(resend_verification));
}

/// Request body of `POST /auth/forgot-password`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only documents the body, which is read field by field")]
pub(crate) struct IdentifierBody {
    /// A username, or the verified email address of an account.
    #[schema(min_length = 1, example = "alice@example.org")]
    identifier: String,
}

/// Request body of `POST /auth/reset-password`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only documents the body, which is read field by field")]
pub(crate) struct ResetBody {
    /// The part of the link after `link=`.
    #[schema(min_length = 1, example = "3k9aT0Yq…")]
    token: String,
    /// Same rules as at sign-up.
    #[schema(min_length = 6, max_length = 1024, example = "another horse and battery")]
    new_password: String,
}

/// Ask for a link to set a new password
///
/// It goes to the verified email address of the account. The answer is the same if there is none.
#[utoipa::path(
    post, path = "/auth/forgot-password", tag = "accounts", operation_id = "forgotPassword", request_body = IdentifierBody,
    responses(
        (status = 202, description = "If there is such an account, a mail is on its way"),
        (status = 400, description = "`invalid-input` or `malformed-json`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn forgot_password(
    State(state): State<AppState>,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode> {
    forgot(&state, &identifier(headers, body)?, &visit).await?;
    Ok(StatusCode::ACCEPTED)
}

/// The identifier of a body that has nothing else.
fn identifier(headers: HeaderMap, body: Bytes) -> Result<String, Refusal> {
    let identifier = strict::read(headers, body, |body| strict::string(body, "identifier"))?;
    identifier.map_err(|code| Refusal::of_field(Field::IDENTIFIER, code))
}

/// Ask for another link to verify an email address
///
/// It goes to the address that waits to be verified. The answer is the same if there is none.
#[utoipa::path(
    post, path = "/auth/verify-email/resend", tag = "accounts", operation_id = "resendVerification", request_body = IdentifierBody,
    responses(
        (status = 202, description = "If an address waits to be verified, a mail is on its way"),
        (status = 400, description = "`invalid-input` or `malformed-json`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn resend_verification(
    State(state): State<AppState>,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode> {
    resend(&state, &identifier(headers, body)?, &visit).await?;
    Ok(StatusCode::ACCEPTED)
}

/// A sign-in that waits for its second step.
#[derive(Serialize, ToSchema)]
pub(crate) struct Challenge {
    /// Send it back together with the code. Nobody else can use the code.
    #[schema(example = "3k9aT0Yq…")]
    challenge: String,
}

/// Ask for a code to sign in with
///
/// Eight digits go to the verified email address of the account. They work for ten minutes and five
/// tries, together with the challenge. The answer is the same if there is no such account.
#[utoipa::path(
    post, path = "/auth/email-code", tag = "accounts", operation_id = "sendCode", request_body = IdentifierBody,
    responses(
        (status = 202, description = "If there is such an account, a mail is on its way", body = Challenge),
        (status = 400, description = "`invalid-input` or `malformed-json`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn send_code(
    State(state): State<AppState>,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<Challenge>)> {
    let challenge = code::ask(&state, &identifier(headers, body)?, &visit).await?;
    Ok((StatusCode::ACCEPTED, Json(Challenge { challenge })))
}

/// Request body of `POST /auth/email-code/signin`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only documents the body, which is read field by field")]
pub(crate) struct CodeBody {
    #[schema(min_length = 1, example = "3k9aT0Yq…")]
    challenge: String,
    /// Eight digits. Spaces and hyphens are ignored.
    #[schema(min_length = 1, example = "12345678")]
    code: String,
    /// Whether to return a refresh token. Off by default.
    #[schema(required = false)]
    refresh: bool,
}

/// Sign in with a code
///
/// It takes the place of the password. Sets no cookie.
#[utoipa::path(
    post, path = "/auth/email-code/signin", tag = "accounts", operation_id = "signInByCode", request_body = CodeBody,
    responses(
        (status = 200, description = "The account and its access token", body = SignedInAccount),
        (status = 400, description = "`invalid-input`, `malformed-json` or `invalid-code`", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 401, description = "`second-factor-required`: go on at `/auth/second-factor`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn sign_in_by_code(
    State(state): State<AppState>,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<SignedInAccount>> {
    let (challenge, code, refresh) = strict::read(headers, body, |body| {
        let strings = (strict::string(body, "challenge"), strict::string(body, "code"));
        (strings.0, strings.1, strict::flag(body, "refresh"))
    })?;
    let (challenge, code, refresh) = match (challenge, code, refresh) {
        (Ok(challenge), Ok(code), Ok(refresh)) => (challenge, code, refresh),
        (challenge, code, refresh) => {
            let errors = [
                (Field::CHALLENGE, challenge.err()),
                (Field::CODE, code.err()),
                (Field::REFRESH, refresh.err()),
            ];
            let errors = errors.into_iter();
            let errors = errors.filter_map(|(field, code)| Some(FieldError { field, code: code? }));
            return Err(Refusal::InvalidInput(errors.collect()).into());
        }
    };
    let kind = SessionKind::Program { refresh };
    // Programs keep no cookies, so no device is known.
    let visit = Visit { known_device: None, ..visit };
    let step = code::sign_in_by_code(&state, &challenge, &code, kind, &visit, None).await?;
    SignedInAccount::of_step(step)
}

/// Set a new password by a link
///
/// Signs out everywhere, and signs nobody in. The link works once.
#[utoipa::path(
    post, path = "/auth/reset-password", tag = "accounts", operation_id = "resetPassword", request_body = ResetBody,
    responses(
        (status = 204, description = "The password is set"),
        (status = 400, description = "`invalid-input`, `malformed-json` or `link-invalid`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn reset_password(
    State(state): State<AppState>,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode> {
    let (token, new) = strict::read(headers, body, |body| {
        (strict::string(body, "token"), strict::string(body, "newPassword"))
    })?;
    let token = token.map_err(|code| Refusal::of_field(Field::TOKEN, code))?;
    password::set_by_link(&state, &token, &new, Repeat::Refused, &visit).await?;
    Ok(StatusCode::NO_CONTENT)
}
