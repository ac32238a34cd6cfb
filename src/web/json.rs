//! The JSON doors: a few lines each, from a body to domain values to a use case to a body.

use axum::{
    Extension, Json,
    body::{Body, Bytes},
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::{
    Code, Field, FieldError, FullNameForm, PasswordChangeForm, Profile, SignInForm, SignUpForm,
    shown_password,
};
use crate::{
    accounts::{self, Entered, own},
    audit, passwords,
    platform::{
        clock::rfc3339,
        error::{Error, Fault, Refusal, Result},
        visit::Visit,
    },
    sessions::{carrier::Carrier, tokens::SessionKind},
    store::StoredSession,
    web::{
        access::{Fresh, Renewer, SignedIn},
        client::known_device,
        reply::ProblemDetails,
        state::AppState,
    },
};

pub mod strict;

/// An account, as it shows itself.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Account {
    #[schema(value_type = i64, minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    id: i64,
    /// As it was typed at sign-up.
    username: String,
    full_name: String,
}

/// An account, and the token with which a program acts for it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SignedInAccount {
    #[schema(value_type = i64, minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    id: i64,
    username: String,
    full_name: String,
    /// A JWT for `Authorization: Bearer`, good for `ACCESS_TOKEN_TTL` or until sign-out.
    access_token: String,
    /// Only with `"refresh": true`, like the next two.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "Bearer")]
    token_type: Option<&'static str>,
    /// Seconds until the access token expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 900)]
    expires_in: Option<i64>,
}

/// The tokens of a program that goes on under new ones.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Tokens {
    access_token: String,
    /// If the session has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    refresh_token: Option<String>,
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds until the access token expires.
    #[schema(example = 900)]
    expires_in: i64,
}

/// Where somebody is signed in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Session {
    id: String,
    /// Whether it is the one that asks.
    current: bool,
    /// `browser` or `program`.
    #[schema(example = "browser")]
    kind: &'static str,
    /// Browser and system in words; empty if they are not known.
    #[schema(example = "Firefox, Linux")]
    device: String,
    /// How it was proved who it is.
    #[schema(example = "password")]
    method: &'static str,
    /// The network of the address: /24, or /48.
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

/// Something that happened to the account.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HistoryEntry {
    /// RFC 3339, UTC.
    #[schema(format = DateTime)]
    at: String,
    /// A word of the OWASP Logging Vocabulary, perhaps with a reason behind a colon.
    #[schema(example = "authn_login_success")]
    event: String,
    /// Who did it: `owner`, `stranger`, `operator` or `server`.
    #[schema(example = "owner")]
    by: String,
    device: String,
    network: String,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct HistoryPage {
    /// The newest first.
    history: Vec<HistoryEntry>,
    /// The value of `after` for the page with the events before these. Left out on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "4711")]
    next: Option<String>,
}

/// Which part of the history.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryQuery {
    /// The `next` of the answer before.
    #[serde(default)]
    #[param(required = false, nullable = false)]
    after: Option<String>,
    /// How many events at most, 1 to 200.
    #[serde(default)]
    #[param(required = false, nullable = false, value_type = i64, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
}

/// Everything that is kept about a person. Times are RFC 3339, UTC.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PersonalData {
    #[schema(value_type = i64, minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    id: i64,
    username: String,
    full_name: String,
    #[schema(format = DateTime)]
    member_since: String,
    /// How the password is kept. The hash itself stays here.
    #[schema(example = "argon2id")]
    password_kept_as: &'static str,
    sessions: Vec<PersonalSession>,
    /// The newest first, all of it.
    history: Vec<PersonalEvent>,
}

/// A session, with all that is kept of it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PersonalSession {
    session: Session,
    /// When the password was shown last.
    #[schema(format = DateTime)]
    proved: String,
    /// When it ends if it stays unused, and in any case.
    #[schema(format = DateTime)]
    ends_unused: String,
    #[schema(format = DateTime)]
    ends: String,
    /// Whether it outlives the browser.
    remembered: bool,
    /// Whether there are refresh tokens for it.
    refreshable: bool,
}

/// An entry of the history, with all that is kept of it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PersonalEvent {
    event: HistoryEntry,
    request_id: String,
    /// Stands for a session, without being its id.
    session: String,
}

/// An account that is about to be deleted.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Deletion {
    /// RFC 3339, UTC. Signing in before then cancels the deletion.
    #[schema(format = DateTime)]
    delete_at: String,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    #[schema(example = "ok")]
    status: &'static str,
}

/// What `POST /auth/signup` takes.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only documents the body, which is read field by field")]
pub(crate) struct SignUpBody {
    /// RFC 8265 UsernameCaseMapped, then 3 to 32 letters, digits, `_`, `-` and `.`, no dot at
    /// either end, one script. Unique, also against names that look the same.
    #[schema(min_length = 2, max_length = 256, example = "alice")]
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
pub(crate) struct SignInBody {
    #[schema(min_length = 1, example = "alice")]
    username: String,
    #[schema(min_length = 1, max_length = 1024, example = "correct horse battery staple")]
    password: String,
    /// Whether the answer shall hold a refresh token. Without it, no.
    #[schema(required = false)]
    refresh: bool,
}

/// What `POST /auth/refresh` takes.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only documents the body, which is read field by field")]
pub(crate) struct RefreshBody {
    #[schema(min_length = 1)]
    refresh_token: String,
}

/// What `POST /auth/confirm` takes.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only documents the body, which is read field by field")]
pub(crate) struct ConfirmBody {
    #[schema(min_length = 1, max_length = 1024)]
    password: String,
}

/// What `PATCH /user/profile` takes.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only documents the body, which is read field by field")]
pub(crate) struct ProfileBody {
    /// 1 to 100 code points, no control characters.
    #[schema(min_length = 1, example = "Alice Liddell")]
    full_name: String,
}

/// What `POST /user/password` takes.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only documents the body, which is read field by field")]
pub(crate) struct PasswordBody {
    #[schema(min_length = 1, max_length = 1024)]
    current_password: String,
    /// By the rules of sign-up.
    #[schema(min_length = 6, max_length = 1024)]
    new_password: String,
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

/// Create an account
///
/// Signs nobody in.
#[utoipa::path(
    post, path = "/auth/signup", tag = "accounts", operation_id = "signUp", request_body = SignUpBody,
    responses(
        (status = 200, description = "The new account", body = Account),
        (status = 400, description = "`invalid-input`, `malformed-json` or `username-taken`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn sign_up(
    State(state): State<AppState>,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Account>> {
    let form = strict::read(headers, body, |body| SignUpForm {
        username: strict::string(body, "username"),
        password: strict::string(body, "password"),
        full_name: strict::string(body, "fullName"),
    })?;
    let new = form.parse(state.settings.passwords).map_err(Refusal::InvalidInput)?;
    Ok(Json(Account::from(&accounts::sign_up(&state, &new, &visit).await?)))
}

/// Sign in, and get an access token
///
/// Sets no cookie. An unknown user and a wrong password get the same answer.
#[utoipa::path(
    post, path = "/auth/signin", tag = "accounts", operation_id = "signIn", request_body = SignInBody,
    responses(
        (status = 200, description = "The account and its access token", body = SignedInAccount),
        (status = 400, description = "`invalid-input`, `malformed-json` or `invalid-credentials`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn sign_in(
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
            errors.extend(refresh.err().map(|code| FieldError { field: Field::Refresh, code }));
            return Err(Refusal::InvalidInput(errors).into());
        }
    };
    let kind = SessionKind::Program { refresh };
    // A program keeps no cookies, and so no device is known.
    let visit = Visit { known_device: None, ..visit };
    let entered = accounts::sign_in(&state, &credentials, kind, &visit, None).await?;
    let Account { id, username, full_name } = Account::from(&entered.profile);
    let refresh_token = entered.refresh_token.map(|token| token.expose().to_owned());
    Ok(Json(SignedInAccount {
        id,
        username,
        full_name,
        access_token: entered.token,
        token_type: refresh_token.is_some().then_some("Bearer"),
        expires_in: refresh_token.is_some().then_some(entered.expires_in),
        refresh_token,
    }))
}

/// Get a new access token for a refresh token
///
/// The answer holds the successor of the refresh token, which is used up. Sent again within ten
/// seconds, it gets the same successor; later, its session is ended.
#[utoipa::path(
    post, path = "/auth/refresh", tag = "accounts", operation_id = "refresh", request_body = RefreshBody,
    responses(
        (status = 200, description = "New tokens", body = Tokens),
        (status = 400, description = "`invalid-input` or `malformed-json`", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 401, description = "`unauthorized`: the token is none, was used, or its session is over", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn refresh(
    State(state): State<AppState>,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Tokens>> {
    let token = strict::read(headers, body, |body| strict::string(body, "refreshToken"))?;
    let token = token.map_err(|code| {
        Refusal::InvalidInput(vec![FieldError { field: Field::RefreshToken, code }])
    })?;
    let entered = accounts::refresh(&state, &token, &visit).await?;
    Ok(Json(Tokens::of(entered)))
}

impl Tokens {
    fn of(entered: Entered) -> Self {
        Self {
            access_token: entered.token,
            refresh_token: entered.refresh_token.map(|token| token.expose().to_owned()),
            token_type: "Bearer",
            expires_in: entered.expires_in,
        }
    }
}

/// A session that goes on under a new id: to a browser by its cookie, to a program by its tokens.
fn renewed(state: &AppState, entered: Entered) -> Response {
    match entered.session.carrier {
        Carrier::Program => Json(Tokens::of(entered)).into_response(),
        Carrier::Browser => {
            let session = &entered.session;
            let (remembered, ends_at) = (session.remembered, session.ends_at);
            let cookie = state.cookies.set_session(entered.token, remembered, ends_at);
            (StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response()
        }
    }
}

/// Re-enter the password
///
/// Needed before sensitive actions, if the password was last entered more than `PROOF_TTL` ago. The
/// session goes on under a new id: a program gets new tokens, a browser a new cookie. Sent again
/// within ten seconds, with the token of before, it gets the same session: an answer may be lost.
#[utoipa::path(
    post, path = "/auth/confirm", tag = "accounts", operation_id = "confirm", request_body = ConfirmBody,
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 200, description = "New tokens, for a program", body = Tokens),
        (status = 204, description = "A new cookie, for a browser"),
        (status = 400, description = "`invalid-input` or `malformed-json`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn confirm(
    State(state): State<AppState>,
    renewer: Renewer,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response> {
    let password = strict::read(headers, body, |body| strict::string(body, "password"))?;
    let password = shown_password(&password).map_err(Refusal::InvalidInput)?;
    let entered = own::confirm(&state, &renewer, &password, &visit).await?;
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
pub(crate) async fn sign_out(
    State(state): State<AppState>,
    Extension(caller): Extension<SignedIn>,
    visit: Visit,
) -> Result<Response> {
    accounts::sign_out(&state, &caller, &visit).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    if caller.by_cookie() {
        response.headers_mut().extend(state.cookies.forget());
    }
    Ok(response)
}

/// Get your account
///
/// The account that the token or the cookie is of.
#[utoipa::path(
    get, path = "/user/profile", tag = "accounts", operation_id = "profile",
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 200, description = "The account", body = Account),
    )
)]
pub(crate) async fn profile(Extension(caller): Extension<SignedIn>) -> Json<Account> {
    Json(Account::from(caller.profile()))
}

/// Change your profile
///
/// A full name that is the same changes nothing.
#[utoipa::path(
    patch, path = "/user/profile", tag = "your account", operation_id = "changeProfile", request_body = ProfileBody,
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 200, description = "The account", body = Account),
        (status = 400, description = "`invalid-input` or `malformed-json`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn change_profile(
    State(state): State<AppState>,
    Extension(caller): Extension<SignedIn>,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Account>> {
    let form = strict::read(headers, body, |body| FullNameForm {
        full_name: strict::string(body, "fullName"),
    })?;
    let full_name = form.parse().map_err(Refusal::InvalidInput)?;
    let (profile, _) = own::change_full_name(&state, &caller, &full_name, &visit).await?;
    Ok(Json(Account::from(&profile)))
}

/// Change your password
///
/// Every other session and every token of the account stops working at once. The session goes on under a
/// new id: a program gets new tokens, a browser a new cookie.
#[utoipa::path(
    post, path = "/user/password", tag = "your account", operation_id = "changePassword", request_body = PasswordBody,
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 200, description = "New tokens, for a program", body = Tokens),
        (status = 204, description = "A new cookie, for a browser"),
        (status = 400, description = "`invalid-input` or `malformed-json`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn change_password(
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
    let change = form.parse(state.settings.passwords, renewer.profile(), false);
    let change = change.map_err(Refusal::InvalidInput)?;
    let entered = own::change_password(&state, &renewer, &change, &visit).await?;
    Ok(renewed(&state, entered))
}

/// List your sessions
///
/// Those that are alive, at most a hundred.
#[utoipa::path(
    get, path = "/user/sessions", tag = "your account", operation_id = "sessions",
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 200, description = "The sessions, those used last first", body = SessionList),
    )
)]
pub(crate) async fn sessions(
    State(state): State<AppState>,
    Extension(caller): Extension<SignedIn>,
) -> Result<Json<SessionList>> {
    let sessions = own::sessions(&state, &caller).await?;
    let sessions = sessions.iter().map(|session| Session::of(session, &caller)).collect();
    Ok(Json(SessionList { sessions }))
}

impl Session {
    fn of(session: &StoredSession, caller: &SignedIn) -> Self {
        Self {
            current: session.id == caller.session(),
            id: session.id.clone(),
            kind: session.carrier.word(),
            device: known_device(&session.device).to_owned(),
            method: "password",
            network: session.network.clone(),
            first_seen: rfc3339(session.created_at),
            last_seen: rfc3339(session.seen_at),
        }
    }
}

impl PersonalSession {
    fn of(session: &StoredSession, caller: &SignedIn) -> Self {
        Self {
            session: Session::of(session, caller),
            proved: rfc3339(session.proved_at),
            ends_unused: rfc3339(session.alive_until),
            ends: rfc3339(session.ends_at),
            remembered: session.remembered,
            refreshable: session.refreshable,
        }
    }
}

impl From<&audit::AuditRow> for PersonalEvent {
    fn from(row: &audit::AuditRow) -> Self {
        let detail = row.detail();
        let (request_id, session) =
            detail.map_or_else(Default::default, |detail| (detail.request_id, detail.session));
        Self { event: HistoryEntry::from(row), request_id, session }
    }
}

/// End a session
///
/// Its tokens stop working at once. Needs a fresh proof.
#[utoipa::path(
    delete, path = "/user/sessions/{id}", tag = "your account", operation_id = "endSession",
    params(("id" = String, Path, description = "The `id` of one of one's own sessions")),
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 204, description = "It is ended"),
        (status = 401, description = "`unauthorized` or `proof-too-old`", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "`not-found`: there is no such session of this account", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn end_session(
    State(state): State<AppState>,
    Extension(caller): Extension<SignedIn>,
    visit: Visit,
    id: std::result::Result<Path<String>, PathRejection>,
) -> Result<StatusCode> {
    let Path(id) = id.map_err(|_| Refusal::NotFound)?;
    let fresh = caller.fresh(state.settings.proof_ttl)?;
    own::end_session(&state, fresh, &id, &visit).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End all other sessions
///
/// Needs a fresh proof.
#[utoipa::path(
    delete, path = "/user/sessions", tag = "your account", operation_id = "endOtherSessions",
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 204, description = "They are ended"),
        (status = 401, description = "`unauthorized` or `proof-too-old`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn end_other_sessions(
    State(state): State<AppState>,
    Extension(caller): Extension<SignedIn>,
    visit: Visit,
) -> Result<StatusCode> {
    let fresh = caller.fresh(state.settings.proof_ttl)?;
    own::end_other_sessions(&state, fresh, &visit).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Get your security history
///
/// The newest first, page by page.
#[utoipa::path(
    get, path = "/user/history", tag = "your account", operation_id = "history",
    params(HistoryQuery),
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 200, description = "A page of the security history", body = HistoryPage),
        (status = 400, description = "`invalid-input`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn history(
    State(state): State<AppState>,
    Extension(caller): Extension<SignedIn>,
    query: std::result::Result<Query<HistoryQuery>, QueryRejection>,
) -> Result<Json<HistoryPage>> {
    let Query(query) = query.map_err(|_| Refusal::InvalidInput(Vec::new()))?;
    let bad = |field| Refusal::InvalidInput(vec![FieldError { field, code: Code::OutOfRange }]);
    let before = match query.after {
        None => i64::MAX,
        Some(after) => after.parse().ok().filter(|seq| *seq > 0).ok_or(bad(Field::After))?,
    };
    let most = match query.limit {
        None => own::HISTORY,
        Some(limit) => {
            let limit = limit.parse().ok();
            limit.filter(|limit| (1..=own::MAX_HISTORY).contains(limit)).ok_or(bad(Field::Limit))?
        }
    };
    let (rows, more) = own::history(&state, &caller, before, most).await?;
    let next = rows.last().filter(|_| more).map(|row| row.seq.to_string());
    Ok(Json(HistoryPage { history: rows.iter().map(HistoryEntry::from).collect(), next }))
}

impl From<&audit::AuditRow> for HistoryEntry {
    fn from(row: &audit::AuditRow) -> Self {
        let detail = row.detail();
        let (by, device, network) = detail.map_or_else(Default::default, |detail| {
            let device = known_device(&detail.device).to_owned();
            (detail.by.word().to_owned(), device, detail.network)
        });
        Self { at: rfc3339(row.at), event: row.event.clone(), by, device, network }
    }
}

/// Download your data
///
/// Everything that is kept about you. Needs a fresh proof.
#[utoipa::path(
    get, path = "/user/data", tag = "your account", operation_id = "data",
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 200, description = "The data", body = PersonalData),
        (status = 401, description = "`unauthorized` or `proof-too-old`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn data(
    State(state): State<AppState>,
    Extension(caller): Extension<SignedIn>,
    visit: Visit,
) -> Result<Response> {
    download(&state, caller.fresh(state.settings.proof_ttl)?, &visit).await
}

/// The same, for the page that leads to it. The history is read and sent page by page, so a long one
/// takes no more memory than a short one. If it breaks off, so does the connection.
pub(crate) async fn download(
    state: &AppState,
    caller: Fresh<'_>,
    visit: &Visit,
) -> Result<Response> {
    let own::Data { account, sessions, ticket } = own::data(state, caller, visit).await?;
    let session = |session| PersonalSession::of(session, &caller);
    let data = PersonalData {
        id: account.id,
        username: account.username,
        full_name: account.full_name,
        member_since: rfc3339(account.created_at),
        password_kept_as: passwords::kept_as(&account.password_hash),
        sessions: sessions.iter().map(session).collect(),
        history: Vec::new(),
    };
    // For people who open it: one line for each thing.
    let text = serde_json::to_string_pretty(&data).map_err(Fault::internal)?;
    let head = text.strip_suffix("]\n}").ok_or_else(|| Fault::internal("the history is last"))?;
    let (state, caller) = (state.clone(), SignedIn::clone(&caller));
    let rest = stream::try_unfold((i64::MAX, ticket), move |(before, ticket)| {
        let (state, caller) = (state.clone(), caller.clone());
        async move {
            if before == 0 {
                return Ok::<_, std::io::Error>(None);
            }
            let page = own::history(&state, &caller, before, own::MAX_HISTORY);
            let (rows, more) = page.await.map_err(|_| std::io::Error::other("cut off"))?;
            let mut text = String::new();
            for (index, row) in rows.iter().enumerate() {
                let is_first = before == i64::MAX && index == 0;
                text.push_str(if is_first { "\n    " } else { ",\n    " });
                let event = serde_json::to_string(&PersonalEvent::from(row));
                text.push_str(&event.map_err(std::io::Error::other)?);
            }
            let next = rows.last().filter(|_| more).map_or(0, |row| row.seq);
            if next == 0 {
                text.push_str("\n  ]\n}\n");
            }
            Ok(Some((Bytes::from(text), (next, ticket))))
        }
    });
    let head = stream::once(std::future::ready(Ok(Bytes::from(head.to_owned()))));
    let headers = [
        (header::CONTENT_TYPE, "application/json; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"latchkey-data.json\""),
    ];
    Ok((headers, Body::from_stream(head.chain(rest))).into_response())
}

/// Delete your account
///
/// Signs out everywhere at once. The account is deleted for good after `DELETION_GRACE`; signing in
/// before then cancels the deletion. Needs a fresh proof.
#[utoipa::path(
    delete, path = "/user", tag = "your account", operation_id = "deleteAccount",
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 200, description = "When it will be gone", body = Deletion),
        (status = 401, description = "`unauthorized` or `proof-too-old`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    Extension(caller): Extension<SignedIn>,
    visit: Visit,
) -> Result<Response> {
    let fresh = caller.fresh(state.settings.proof_ttl)?;
    let delete_at = own::delete(&state, fresh, &visit).await?;
    let mut response = Json(Deletion { delete_at: rfc3339(delete_at) }).into_response();
    if caller.by_cookie() {
        response.headers_mut().extend(state.cookies.forget());
    }
    Ok(response)
}

/// Get your account, at the old address
///
/// The same as `/user/profile`.
#[utoipa::path(
    get, path = "/users/profile", tag = "accounts", operation_id = "profileAtOldAddress",
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 200, description = "The account", body = Account),
    )
)]
#[expect(dead_code, reason = "only documents the second address of `profile`")]
pub(crate) fn profile_at_old_address() {}

/// Check that the process is alive
///
/// Asks nothing else.
#[utoipa::path(
    get, path = "/healthz", tag = "operations", operation_id = "healthz",
    responses((status = 200, description = "It is", body = Health))
)]
pub(crate) async fn healthz() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Check that the server can serve
///
/// Asks the database.
#[utoipa::path(
    get, path = "/readyz", tag = "operations", operation_id = "readyz",
    responses(
        (status = 200, description = "It can", body = Health),
    )
)]
pub(crate) async fn readyz(State(state): State<AppState>) -> Result<Json<Health>, Error> {
    // Whatever is wrong with it, the database cannot be used now.
    state.store.ping().await.map_err(Fault::into_unavailable)?;
    Ok(Json(Health { status: "ok" }))
}
