//! The JSON doors: a few lines each, from a body to domain values to a use case to a body.

use axum::{
    Extension, Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    access::SignedIn,
    accounts,
    error::{Error, Fault, Refusal, Result},
    reply::ProblemDetails,
    sessions::Carrier,
    state::AppState,
};
use crate::domain::{Profile, SignInForm, SignUpForm};

mod strict;

/// An account, as it shows itself.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
pub(super) struct Account {
    #[schema(value_type = i64, minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    id: i64,
    /// As it was typed at sign-up.
    username: String,
    full_name: String,
}

/// An account, and the token with which a program acts for it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
pub(super) struct SignedInAccount {
    #[schema(value_type = i64, minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    id: i64,
    username: String,
    full_name: String,
    /// A JWT for `Authorization: Bearer`, good for `ACCESS_TOKEN_TTL` or until sign-out.
    access_token: String,
}

#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Health {
    #[schema(example = "ok")]
    status: &'static str,
}

/// What `POST /auth/signup` takes.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only documents the body, which is read field by field")]
pub(super) struct SignUpBody {
    /// RFC 8265 UsernameCaseMapped, then 3 to 32 letters, digits, `_`, `-` and `.`, no dot at
    /// either end, one script. Unique, also against names that look the same.
    #[schema(min_length = 3, max_length = 256, example = "alice")]
    username: String,
    /// `PASSWORD_MIN_LENGTH` code points to 1,024 bytes. Not a common one, nor one's own name.
    #[schema(min_length = 6, max_length = 1024, example = "correct horse battery staple")]
    password: String,
    /// 1 to 100 code points, no control characters.
    #[schema(min_length = 1, example = "Alice Liddell")]
    full_name: String,
}

/// What `POST /auth/signin` takes.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only documents the body, which is read field by field")]
pub(super) struct SignInBody {
    #[schema(min_length = 1, example = "alice")]
    username: String,
    #[schema(min_length = 1, max_length = 1024, example = "correct horse battery staple")]
    password: String,
}

impl From<&Profile> for Account {
    fn from(profile: &Profile) -> Self {
        Self {
            id: profile.id.0,
            username: profile.username.clone(),
            full_name: profile.full_name.clone(),
        }
    }
}

/// Make an account
#[utoipa::path(
    post, path = "/auth/signup", tag = "accounts", operation_id = "signUp", request_body = SignUpBody,
    responses(
        (status = 200, description = "The new account", body = Account),
        (status = 400, description = "`invalid-input`, `malformed-json` or `username-taken`", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 403, description = "`cross-origin`", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported-media-type`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(super) async fn sign_up(
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Account>> {
    let mut body = strict::object(&headers, &body)?;
    let form = SignUpForm {
        username: strict::string(&mut body, "username"),
        password: strict::string(&mut body, "password"),
        full_name: strict::string(&mut body, "fullName"),
    };
    let new = form.parse(state.settings.passwords).map_err(Refusal::InvalidInput)?;
    let profile = accounts::sign_up(&state, &new).await?;
    Ok(Json(Account::from(&profile)))
}

/// Sign in, and get an access token
///
/// Sets no cookie. An unknown user and a wrong password get the same answer.
#[utoipa::path(
    post, path = "/auth/signin", tag = "accounts", operation_id = "signIn", request_body = SignInBody,
    responses(
        (status = 200, description = "The account and its access token", body = SignedInAccount),
        (status = 400, description = "`invalid-input`, `malformed-json` or `invalid-credentials`", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 403, description = "`cross-origin`", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported-media-type`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(super) async fn sign_in(
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<SignedInAccount>> {
    let mut body = strict::object(&headers, &body)?;
    let form = SignInForm {
        username: strict::string(&mut body, "username"),
        password: strict::string(&mut body, "password"),
    };
    let credentials = form.parse().map_err(Refusal::InvalidInput)?;
    let profile = accounts::sign_in(&state, &credentials).await?;
    let access_token = accounts::begin_session(&state, Carrier::Program, &profile, None).await?;
    let Account { id, username, full_name } = Account::from(&profile);
    Ok(Json(SignedInAccount { id, username, full_name, access_token }))
}

/// Sign out: the session and all its tokens are dead at once
#[utoipa::path(
    post, path = "/auth/signout", tag = "accounts", operation_id = "signOut",
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 204, description = "Signed out"),
        (status = 401, description = "`unauthorized`", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 403, description = "`cross-origin`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(super) async fn sign_out(
    State(state): State<AppState>,
    Extension(caller): Extension<SignedIn>,
) -> Result<Response> {
    accounts::sign_out(&state, &caller).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    if caller.by_cookie() {
        response.headers_mut().extend(state.cookies.forget());
    }
    Ok(response)
}

/// The account of the caller
#[utoipa::path(
    get, path = "/user/profile", tag = "accounts", operation_id = "profile",
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 200, description = "The account", body = Account),
        (status = 401, description = "`unauthorized`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(super) async fn profile(Extension(caller): Extension<SignedIn>) -> Json<Account> {
    Json(Account::from(caller.profile()))
}

/// The same, at the address that the first version had
#[utoipa::path(
    get, path = "/users/profile", tag = "accounts", operation_id = "profileAtOldAddress",
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 200, description = "The account", body = Account),
        (status = 401, description = "`unauthorized`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
#[expect(dead_code, reason = "only documents the second address of `profile`")]
pub(super) fn profile_at_old_address() {}

/// Whether the process is alive
#[utoipa::path(
    get, path = "/healthz", tag = "operations", operation_id = "healthz",
    responses((status = 200, description = "It is", body = Health))
)]
pub(super) async fn healthz() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Whether it can serve: asks the database
#[utoipa::path(
    get, path = "/readyz", tag = "operations", operation_id = "readyz",
    responses(
        (status = 200, description = "It can", body = Health),
    )
)]
pub(super) async fn readyz(State(state): State<AppState>) -> Result<Json<Health>, Error> {
    // Whatever is wrong with it, the database cannot be used now.
    state.store.ping().await.map_err(Fault::into_unavailable)?;
    Ok(Json(Health { status: "ok" }))
}
