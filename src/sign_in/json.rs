//! The JSON API for signing in.

pub(crate) mod mail;
pub(crate) mod second_factor;

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
    Entered, HalfOpen, Step,
    confirm::{Evidence, confirm as use_confirm},
    password,
    refresh::refresh as use_refresh,
};
use crate::{
    domain::{Code, Field, FieldError, PasswordChangeForm, SignInForm, shown_password},
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
    map.json(Policy::SettingUp, routes!(sign_out));
    map.json(Policy::Renewing, routes!(change_password));
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
    /// The account, if nothing more is required.
    pub(crate) fn of_step(step: Step) -> Result<Json<Self>> {
        match step {
            Step::Entered(entered) => Ok(Json(Self::of(*entered))),
            Step::SecondFactor(HalfOpen { challenge, methods }) => {
                let challenge = Some(challenge);
                Err(Refusal::SecondFactorRequired { challenge, methods }.into())
            }
        }
    }

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

/// Request body of `POST /auth/confirm`: a `credential` alone, or the password and, where there is a
/// second factor, one of `code` and `recoveryCode`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only documents the body, which is read field by field")]
pub(crate) struct ConfirmBody {
    /// Left out by an account that has none.
    #[schema(
        required = false,
        min_length = 1,
        max_length = 1024,
        example = "correct horse battery staple"
    )]
    password: String,
    /// Six digits of an authenticator app.
    #[schema(required = false, min_length = 1, example = "123456")]
    code: String,
    #[schema(required = false, min_length = 1, example = "ABCDE-23456")]
    recovery_code: String,
    /// `AuthenticationResponseJSON` of WebAuthn, for a challenge of `/auth/passkey/options`.
    #[schema(required = false, value_type = Object)]
    credential: serde_json::Value,
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
        (status = 401, description = "`second-factor-required`: go on at `/auth/second-factor`", body = ProblemDetails, content_type = "application/problem+json"),
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
    SignedInAccount::of_step(step)
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

/// Confirm who you are
///
/// Required before sensitive actions if that was last done more than `PROOF_TTL` ago: with the password
/// and, where the account has a second factor, with that, too. A passkey is enough by itself.
/// The session continues under a new id: a program gets new tokens, a browser a new cookie. If the
/// answer is lost, repeat the request with the old token within ten seconds to get the same
/// session.
#[utoipa::path(
    post, path = "/auth/confirm", tag = "accounts", operation_id = "confirm", request_body = ConfirmBody,
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 200, description = "New tokens, for a program", body = Tokens),
        (status = 204, description = "A new cookie, for a browser"),
        (status = 400, description = "`invalid-input`, `malformed-json` or `invalid-code`", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 401, description = "`unauthorized` or `second-factor-required`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn confirm(
    State(state): State<AppState>,
    renewer: Renewer,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response> {
    let (password, answer) = strict::read(headers, body, |body| {
        (strict::string(body, "password"), second_factor::answer(body))
    })?;
    let answer = answer.map_err(|error| Refusal::InvalidInput(vec![error]))?;
    let password = match shown_password(&password) {
        Ok(password) => Some(password),
        Err(_) if password == Err(Code::Missing) && answer.is_some() => None,
        Err(errors) => return Err(Refusal::InvalidInput(errors).into()),
    };
    let evidence = Evidence { password: password.as_ref(), answer: answer.as_ref() };
    let entered = use_confirm(&state, &renewer, &evidence, &visit).await?;
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
        (status = 401, description = "`unauthorized`, or `proof-too-old` for an account with a second factor", body = ProblemDetails, content_type = "application/problem+json"),
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
