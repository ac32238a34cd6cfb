//! Accounts.

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
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::{flag, limit, object, of, once, once_of, query, text, texts};
use crate::{
    accounts::people::{self, Cursor, Person, Query as People, Sort, State as AccountState},
    admin::{self, Changes, GroupChange, PasswordLink, account_id},
    audit::Authority,
    authority::api_keys::Scope,
    domain::{
        AccountId, Code, Email, Field, NewAccount, ProfileChange, SignUpForm, profile::FIELDS,
    },
    factors, groups,
    invitations::GROUPS,
    passwords,
    platform::{
        clock::rfc3339,
        error::{Refusal, Result},
    },
    web::{
        json::ProfileMembers,
        reply::ProblemDetails,
        routes::{Map, Policy},
        state::AppState,
        strict_json as strict,
    },
};

pub(super) fn routes(map: &mut Map) {
    map.json(Policy::Api(Scope::UsersRead), routes!(list));
    map.json(Policy::Api(Scope::UsersWrite), routes!(create));
    map.json(Policy::Api(Scope::UsersRead), routes!(show));
    map.json(Policy::Api(Scope::UsersWrite), routes!(change));
    map.json(Policy::Api(Scope::UsersWrite), routes!(delete));
    map.json(Policy::Api(Scope::UsersWrite), routes!(end_sessions));
    map.json(Policy::Api(Scope::UsersWrite), routes!(password_link));
    map.json(Policy::Api(Scope::UsersWrite), routes!(reset_factors));
}

/// An account, as administrators see it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct User {
    #[schema(value_type = i64, minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    id: i64,
    #[schema(example = "alice")]
    username: String,
    #[serde(flatten)]
    #[schema(ignore)]
    profile: ProfileMembers,
    /// The verified address, or else the one that waits to be verified.
    #[schema(required, example = "alice@example.org")]
    email: Option<String>,
    email_verified: bool,
    groups: Vec<String>,
    disabled: bool,
    /// `active`, `disabled` or `leaving`: to be deleted.
    #[schema(example = "active")]
    state: &'static str,
    /// When it will be deleted. RFC 3339, UTC.
    #[schema(required, format = DateTime)]
    delete_at: Option<String>,
    /// RFC 3339, UTC.
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<&Person> for User {
    fn from(person: &Person) -> Self {
        let Person { record, email, is_verified, groups } = person;
        Self {
            id: record.profile.id.0,
            username: record.profile.username.clone(),
            profile: ProfileMembers(record.profile.values.clone()),
            email: email.clone(),
            email_verified: *is_verified,
            groups: groups.clone(),
            disabled: record.disabled_at.is_some(),
            state: record.state().word(),
            delete_at: record.delete_at.map(rfc3339),
            created_at: rfc3339(record.profile.created_at),
        }
    }
}

/// An account with the ways into it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WholeUser {
    #[serde(flatten)]
    user: User,
    has_password: bool,
    /// Any of `totp` and `passkey`.
    second_factors: Vec<&'static str>,
}

async fn whole(state: &AppState, person: &Person) -> Result<WholeUser> {
    let account = person.record.profile.id;
    let holder = passwords::holder(&state.store, account).await?;
    Ok(WholeUser {
        user: User::from(person),
        has_password: holder.is_some_and(|holder| holder.hash.is_some()),
        second_factors: factors::of(state, account).await?.names(),
    })
}

#[derive(Serialize, ToSchema)]
pub(crate) struct UserPage {
    users: Vec<User>,
    /// Pass this as `after` to get the next page. Missing on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next: Option<String>,
}

/// Which accounts to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct UserQuery {
    /// The beginning of a username, of a word of a full name, or of an email address.
    #[serde(default)]
    #[param(required = false, nullable = false, example = "ali")]
    query: Option<String>,
    /// Only members of this group.
    #[serde(default)]
    #[param(required = false, nullable = false)]
    group: Option<String>,
    /// `active`, `disabled` or `leaving`.
    #[serde(default)]
    #[param(required = false, nullable = false)]
    state: Option<String>,
    /// `username` (the default), `newest` or `oldest`. Without `query` only.
    #[serde(default)]
    #[param(required = false, nullable = false)]
    sort: Option<String>,
    /// The `next` of the previous answer, with the same other parameters.
    #[serde(default)]
    #[param(required = false, nullable = false)]
    after: Option<String>,
    /// The maximum number of accounts, 1 to 200.
    #[serde(default)]
    #[param(required = false, nullable = false, value_type = i64, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
}

/// List accounts
///
/// One page at a time.
#[utoipa::path(
    get, path = "/admin/api/users", tag = "administration", operation_id = "listUsers",
    params(UserQuery),
    security(("accessToken" = []), ("sessionCookie" = []), ("apiKey" = ["users:read"])),
    responses(
        (status = 200, description = "A page of accounts", body = UserPage),
        (status = 400, description = "`invalid-input`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn list(
    State(state): State<AppState>,
    asked: StdResult<Query<UserQuery>, QueryRejection>,
) -> Result<Json<UserPage>> {
    let asked = query(asked)?;
    let bad = |name| Refusal::of_field(Field::named(name), Code::OutOfRange);
    let sort = asked.sort.as_deref().map(|word| Sort::of_word(word).ok_or(bad("sort")));
    let only = asked.state.as_deref().map(|word| AccountState::of_word(word).ok_or(bad("state")));
    let after = asked.after.as_deref().map(|text| Cursor::read(text).ok_or(bad("after")));
    let people = People {
        text: asked.query.unwrap_or_default(),
        group: asked.group.filter(|group| !group.is_empty()),
        state: only.transpose()?,
        sort: sort.transpose()?.unwrap_or_default(),
    };
    let (after, most) = (after.transpose()?, limit(asked.limit.as_deref())?);
    let (found, next) = people::page(&state.store, &people, after.as_ref(), most).await?;
    let users = found.iter().map(User::from).collect();
    Ok(Json(UserPage { users, next: next.map(|next| next.write()) }))
}

/// The id in a path.
pub(super) fn account(id: StdResult<Path<String>, PathRejection>) -> Result<AccountId, Refusal> {
    let Path(id) = id.map_err(|_| Refusal::NotFound)?;
    account_id(&id)
}

/// Get an account
#[utoipa::path(
    get, path = "/admin/api/users/{id}", tag = "administration", operation_id = "getUser",
    params(("id" = i64, Path, description = "The `id` of an account")),
    security(("accessToken" = []), ("sessionCookie" = []), ("apiKey" = ["users:read"])),
    responses(
        (status = 200, description = "The account", body = WholeUser),
        (status = 404, description = "`not-found`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn show(
    State(state): State<AppState>,
    id: StdResult<Path<String>, PathRejection>,
) -> Result<Json<WholeUser>> {
    let person = admin::person(&state, account(id)?).await?;
    Ok(Json(whole(&state, &person).await?))
}

/// Request body of `POST /admin/api/users`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only documents the body, which is read field by field")]
pub(crate) struct NewUserBody {
    #[schema(min_length = 2, max_length = 256, example = "alice")]
    username: String,
    /// You vouch for it: it counts as verified.
    #[schema(required = false, max_length = 254, example = "alice@example.org")]
    email: Option<String>,
    #[schema(required = false)]
    groups: Vec<String>,
}

/// A new account, and the link for its owner.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewUser {
    #[serde(flatten)]
    user: WholeUser,
    #[serde(flatten)]
    link: Link,
}

/// Where a link to set a password went.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Link {
    /// Whether the link went to the verified address.
    password_link_sent: bool,
    /// The link, if it could not be sent: give it to the account's owner. It works once, within 24 hours, and is
    /// shown only now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    password_link: Option<String>,
}

impl Link {
    fn of(state: &AppState, link: PasswordLink) -> Self {
        match link {
            PasswordLink::Sent => Self { password_link_sent: true, password_link: None },
            PasswordLink::Path(path) => Self {
                password_link_sent: false,
                password_link: Some(format!("{}{path}", state.public_url.origin())),
            },
        }
    }
}

/// Make an account
///
/// It has no password: a link to set one goes to its address, or comes with the answer.
#[utoipa::path(
    post, path = "/admin/api/users", tag = "administration", operation_id = "createUser", request_body = NewUserBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to send the request again")),
    security(("accessToken" = []), ("sessionCookie" = []), ("apiKey" = ["users:write"])),
    responses(
        (status = 201, description = "The account", body = NewUser),
        (status = 400, description = "`invalid-input`, `malformed-json` or `username-taken`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn create(
    State(state): State<AppState>,
    authority: Authority,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response> {
    once(&state, &authority, "/admin/api/users", (headers, body), async |mut body| {
        let names = of(GROUPS, texts(&mut body, "groups"))?.unwrap_or_default();
        groups::check_names(&names)?;
        let form = SignUpForm {
            username: strict::string(&mut body, "username"),
            password: None,
            email: strict::given(&body, "email", false)
                .filter(|email| *email != Err(Code::Missing)),
            profile: FIELDS.map(|field| strict::string(&mut body, field.field.name())),
        };
        let settings = &state.settings;
        let new: NewAccount = form
            .parse(settings.passwords.policy, settings.profile)
            .map_err(Refusal::InvalidInput)?;
        let (profile, link) = admin::create(&state, &authority, &new, &names).await?;
        let person = admin::person(&state, profile.id).await?;
        let user = whole(&state, &person).await?;
        Ok((StatusCode::CREATED, NewUser { user, link: Link::of(&state, link) }))
    })
    .await
}

/// Request body of `PATCH /admin/api/users/{id}`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only documents the body, which is read field by field")]
pub(crate) struct UserBody {
    /// You vouch for it: it counts as verified. `null`: none.
    #[schema(required = false, max_length = 254, example = "alice@example.org")]
    email: Option<String>,
    /// All groups of the account.
    #[schema(required = false)]
    groups: Vec<String>,
    /// `false` also cancels a deletion.
    #[schema(required = false)]
    disabled: bool,
}

/// Change an account
///
/// Members that are left out stay as they are. A person must have confirmed who they are within `PROOF_TTL`.
#[utoipa::path(
    patch, path = "/admin/api/users/{id}", tag = "administration", operation_id = "changeUser", request_body = UserBody,
    params(("id" = i64, Path, description = "The `id` of an account")),
    security(("accessToken" = []), ("sessionCookie" = []), ("apiKey" = ["users:write"])),
    responses(
        (status = 200, description = "The account", body = WholeUser),
        (status = 400, description = "`invalid-input` or `malformed-json`", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "`not-found`", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "`last-administrator`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn change(
    State(state): State<AppState>,
    authority: Authority,
    id: StdResult<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<WholeUser>> {
    let account = account(id)?;
    let mut body = object(&headers, &body)?;
    let person = admin::person(&state, account).await?;
    let changes = read_changes(&state, &mut body, &person.groups)?;
    admin::change(&state, &authority, account, changes).await?;
    let person = admin::person(&state, account).await?;
    Ok(Json(whole(&state, &person).await?))
}

fn read_changes(
    state: &AppState,
    body: &mut serde_json::Map<String, Value>,
    known: &[String],
) -> Result<Changes, Refusal> {
    let gives_profile = FIELDS.iter().any(|field| body.contains_key(field.field.name()));
    let profile = gives_profile.then(|| {
        ProfileChange::parse(state.settings.profile, |field| {
            strict::given(body, field.field.name(), field.required)
        })
    });
    let profile = profile.transpose().map_err(Refusal::InvalidInput)?;
    let names = of(GROUPS, texts(body, "groups"))?;
    groups::check_names(names.as_deref().unwrap_or_default())?;
    let gives_email = body.contains_key("email");
    let email = of(Field::EMAIL, text(body, "email"))?;
    let email = email.map(|email| of(Field::EMAIL, Email::parse(&email))).transpose()?;
    Ok(Changes {
        profile,
        email: gives_email.then_some(email),
        groups: names.map(|names| GroupChange::between(known, &names)),
        disabled: of(Field::named("disabled"), flag(body, "disabled"))?,
    })
}

/// Delete an account
///
/// It is disabled at once, and deleted for good after `DELETION_GRACE`. Enabling it before then cancels that.
#[utoipa::path(
    delete, path = "/admin/api/users/{id}", tag = "administration", operation_id = "deleteUser",
    params(("id" = i64, Path, description = "The `id` of an account")),
    security(("accessToken" = []), ("sessionCookie" = []), ("apiKey" = ["users:write"])),
    responses(
        (status = 204, description = "The account is disabled, and its deletion scheduled"),
        (status = 404, description = "`not-found`", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "`last-administrator`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn delete(
    State(state): State<AppState>,
    authority: Authority,
    id: StdResult<Path<String>, PathRejection>,
) -> Result<StatusCode> {
    let account = account(id)?;
    admin::dismiss(&state, &authority, account).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End all sessions of an account
#[utoipa::path(
    delete, path = "/admin/api/users/{id}/sessions", tag = "administration", operation_id = "endUserSessions",
    params(("id" = i64, Path, description = "The `id` of an account")),
    security(("accessToken" = []), ("sessionCookie" = []), ("apiKey" = ["users:write"])),
    responses(
        (status = 204, description = "The account is signed out everywhere"),
        (status = 404, description = "`not-found`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn end_sessions(
    State(state): State<AppState>,
    authority: Authority,
    id: StdResult<Path<String>, PathRejection>,
) -> Result<StatusCode> {
    let account = account(id)?;
    admin::person(&state, account).await?;
    admin::end_sessions(&state, &authority, account).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Send a link to set a password
///
/// To the verified address of the account. If it has none, or there is no mail, the answer has the link.
#[utoipa::path(
    post, path = "/admin/api/users/{id}/password-link", tag = "administration", operation_id = "sendPasswordLink",
    params(("id" = i64, Path, description = "The `id` of an account"), ("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to send the request again")),
    security(("accessToken" = []), ("sessionCookie" = []), ("apiKey" = ["users:write"])),
    responses(
        (status = 200, description = "Where the link went", body = Link),
        (status = 404, description = "`not-found`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn password_link(
    State(state): State<AppState>,
    authority: Authority,
    id: StdResult<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response> {
    let account = account(id)?;
    let request = format!("/admin/api/users/{}/password-link", account.0);
    once_of(&state, &authority, &headers, &request, async {
        admin::person(&state, account).await?;
        let link = admin::send_password_link(&state, &authority, account).await?;
        Ok((StatusCode::OK, Link::of(&state, link)))
    })
    .await
}

/// Remove the second factors of an account
///
/// For somebody who has lost them. The account is signed out everywhere, and its owner gets a mail.
#[utoipa::path(
    delete, path = "/admin/api/users/{id}/factors", tag = "administration", operation_id = "resetUserFactors",
    params(("id" = i64, Path, description = "The `id` of an account")),
    security(("accessToken" = []), ("sessionCookie" = []), ("apiKey" = ["users:write"])),
    responses(
        (status = 204, description = "The account has no second factor"),
        (status = 404, description = "`not-found`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn reset_factors(
    State(state): State<AppState>,
    authority: Authority,
    id: StdResult<Path<String>, PathRejection>,
) -> Result<StatusCode> {
    let account = account(id)?;
    admin::reset_factors(&state, &authority, account).await?;
    Ok(StatusCode::NO_CONTENT)
}
