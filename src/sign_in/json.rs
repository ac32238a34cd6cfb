//! The JSON API for signing in.

use axum::{
    Extension, Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{
    Entered, Step, code, confirm::confirm as use_confirm, forgot::forgot, password,
    refresh::refresh as use_refresh, resend::resend,
};
use crate::{
    domain::{Field, FieldError, PasswordChangeForm, SignInForm, shown_password},
    links::Repeat,
    platform::{
        error::{Refusal, Result},
        visit::Visit,
    },
    sessions::{
        caller::{Renewer, SignedIn},
        tokens::SessionKind,
    },
    web::{
        json::{ProfileMembers, Tokens, renewed, signed_out},
        reply::ProblemDetails,
        routes::{Map, Policy},
        state::AppState,
        strict_json as strict,
    },
};

pub(crate) fn routes(map: &mut Map) {
    map.json(Policy::Public, routes!(sign_in));
    map.json(Policy::Public, routes!(refresh));
    map.json(Policy::Renewing, routes!(confirm));
    map.json(Policy::SignedIn, routes!(sign_out));
    map.json(Policy::Renewing, routes!(change_password));
}

/// The routes that need mail.
pub(crate) fn mail_routes(map: &mut Map) {
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
    let Step::Entered(entered) = step;
    Ok(Json(SignedInAccount::of(*entered)))
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

/// Your account, and an access token for it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SignedInAccount {
    #[schema(value_type = i64, minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    id: i64,
    #[schema(example = "alice")]
    username: String,
    #[serde(flatten)]
    #[schema(ignore)]
    profile: ProfileMembers,
    /// A JWT for `Authorization: Bearer`, valid for `ACCESS_TOKEN_TTL` or until sign-out.
    #[schema(example = "eyJ0eXAiOiJhdCtqd3Qi…")]
    access_token: String,
    /// Present only with `"refresh": true`, as are `tokenType` and `expiresIn`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "3k9aT0Yq…")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "Bearer")]
    token_type: Option<&'static str>,
    /// Seconds until the access token expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 900)]
    expires_in: Option<i64>,
}

impl SignedInAccount {
    fn of(entered: Entered) -> Self {
        let refresh_token = entered.refresh_token.map(|token| token.expose().to_owned());
        Self {
            id: entered.profile.id.0,
            username: entered.profile.username,
            profile: ProfileMembers(entered.profile.values),
            access_token: entered.token,
            token_type: refresh_token.is_some().then_some("Bearer"),
            expires_in: refresh_token.is_some().then_some(entered.expires_in),
            refresh_token,
        }
    }
}

/// Request body of `POST /auth/signin`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only documents the body, which is read field by field")]
pub(crate) struct SignInBody {
    #[schema(min_length = 1, example = "alice")]
    username: String,
    #[schema(min_length = 1, max_length = 1024, example = "correct horse battery staple")]
    password: String,
    /// Whether to return a refresh token. Off by default.
    #[schema(required = false)]
    refresh: bool,
}

/// Request body of `POST /auth/refresh`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only documents the body, which is read field by field")]
pub(crate) struct RefreshBody {
    #[schema(min_length = 1, example = "3k9aT0Yq…")]
    refresh_token: String,
}

/// Request body of `POST /auth/confirm`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only documents the body, which is read field by field")]
pub(crate) struct ConfirmBody {
    #[schema(min_length = 1, max_length = 1024, example = "correct horse battery staple")]
    password: String,
}

/// Request body of `POST /user/password`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only documents the body, which is read field by field")]
pub(crate) struct PasswordBody {
    /// Left out by an account that has none.
    #[schema(
        required = false,
        min_length = 1,
        max_length = 1024,
        example = "correct horse battery staple"
    )]
    current_password: String,
    /// Same rules as at sign-up.
    #[schema(min_length = 6, max_length = 1024, example = "another horse and battery")]
    new_password: String,
}

/// Sign in, and get an access token
///
/// Sets no cookie. An unknown username and a wrong password get the same answer.
#[utoipa::path(
    post, path = "/auth/signin", tag = "accounts", operation_id = "signIn", request_body = SignInBody,
    responses(
        (status = 200, description = "The account and its access token", body = SignedInAccount),
        (status = 400, description = "`invalid-input`, `malformed-json` or `invalid-credentials`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn sign_in(
    State(state): State<AppState>,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<SignedInAccount>> {
    let (form, refresh) = strict::read(headers, body, |body| {
        let form = SignInForm {
            username: strict::string(body, "username"),
            password: strict::string(body, "password"),
        };
        (form, strict::flag(body, "refresh"))
    })?;
    let (credentials, refresh) = match (form.parse(), refresh) {
        (Ok(credentials), Ok(refresh)) => (credentials, refresh),
        (credentials, refresh) => {
            let mut errors = credentials.err().unwrap_or_default();
            errors.extend(refresh.err().map(|code| FieldError { field: Field::REFRESH, code }));
            return Err(Refusal::InvalidInput(errors).into());
        }
    };
    let kind = SessionKind::Program { refresh };
    // Programs keep no cookies, so no device is known.
    let visit = Visit { known_device: None, ..visit };
    let step = super::sign_in(&state, &credentials, kind, &visit, None).await?;
    let Step::Entered(entered) = step;
    Ok(Json(SignedInAccount::of(*entered)))
}

/// Exchange a refresh token for a new access token
///
/// Uses up the refresh token and returns its successor. Used again within ten seconds, it returns
/// the same successor; after that, its session is ended.
#[utoipa::path(
    post, path = "/auth/refresh", tag = "accounts", operation_id = "refresh", request_body = RefreshBody,
    responses(
        (status = 200, description = "New tokens", body = Tokens),
        (status = 400, description = "`invalid-input` or `malformed-json`", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 401, description = "`unauthorized`: the token is missing, already used, or its session has ended", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn refresh(
    State(state): State<AppState>,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Tokens>> {
    let token = strict::read(headers, body, |body| strict::string(body, "refreshToken"))?;
    let token = token.map_err(|code| Refusal::of_field(Field::REFRESH_TOKEN, code))?;
    let entered = use_refresh(&state, &token, &visit).await?;
    Ok(Json(Tokens::of(entered)))
}

/// Re-enter the password
///
/// Required before sensitive actions if the password was last entered more than `PROOF_TTL` ago.
/// The session continues under a new id: a program gets new tokens, a browser a new cookie. If the
/// answer is lost, repeat the request with the old token within ten seconds to get the same
/// session.
#[utoipa::path(
    post, path = "/auth/confirm", tag = "accounts", operation_id = "confirm", request_body = ConfirmBody,
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 200, description = "New tokens, for a program", body = Tokens),
        (status = 204, description = "A new cookie, for a browser"),
        (status = 400, description = "`invalid-input` or `malformed-json`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn confirm(
    State(state): State<AppState>,
    renewer: Renewer,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response> {
    let password = strict::read(headers, body, |body| strict::string(body, "password"))?;
    let password = shown_password(&password).map_err(Refusal::InvalidInput)?;
    let entered = use_confirm(&state, &renewer, &password, &visit).await?;
    Ok(renewed(&state, entered))
}

/// Sign out
///
/// The session and all its tokens stop working at once.
#[utoipa::path(
    post, path = "/auth/signout", tag = "accounts", operation_id = "signOut",
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 204, description = "Signed out"),
    )
)]
async fn sign_out(
    State(state): State<AppState>,
    Extension(caller): Extension<SignedIn>,
    visit: Visit,
) -> Result<Response> {
    super::sign_out(&state, &caller, &visit).await?;
    Ok(signed_out(&state, &caller, StatusCode::NO_CONTENT))
}

/// Change your password
///
/// Every other session and every token of the account stops working at once. This session continues
/// under a new id: a program gets new tokens, a browser a new cookie.
#[utoipa::path(
    post, path = "/user/password", tag = "your account", operation_id = "changePassword", request_body = PasswordBody,
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 200, description = "New tokens, for a program", body = Tokens),
        (status = 204, description = "A new cookie, for a browser"),
        (status = 400, description = "`invalid-input` or `malformed-json`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn change_password(
    State(state): State<AppState>,
    renewer: Renewer,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response> {
    let form = strict::read(headers, body, |body| PasswordChangeForm {
        current: strict::string(body, "currentPassword"),
        new: strict::string(body, "newPassword"),
    })?;
    // A program always sends it, unless there is none.
    let has_none = match &renewer {
        Renewer::Now(caller) => !password::has_one(&state, caller).await?,
        Renewer::Again(_) => false,
    };
    let change = form.parse(state.settings.passwords.policy, renewer.profile(), has_none);
    let change = change.map_err(Refusal::InvalidInput)?;
    let entered = password::change(&state, &renewer, &change, &visit).await?;
    Ok(renewed(&state, entered))
}
