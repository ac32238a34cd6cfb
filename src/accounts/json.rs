//! The JSON API of accounts.

use axum::{
    Extension, Json,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{
    data::{self, Data},
    deletion, profile,
};
use crate::{
    audit::{
        self,
        json::{MAX_HISTORY, PersonalEvent},
    },
    devices::json::Session,
    domain::{Code, Field, NewAccount, ProfileChange, SignUpForm, profile::FIELDS},
    emails,
    factors::{
        self,
        json::{
            PersonalFactors,
            identities::{self, LinkEntry},
        },
    },
    groups,
    openid::used::{self, Used},
    passwords,
    platform::{
        clock::rfc3339,
        error::{Fault, Refusal, Result},
        visit::Visit,
    },
    sessions::{
        StoredSession,
        caller::{Fresh, SignedIn},
    },
    web::{
        json::{Account, ProfileMembers, signed_out},
        reply::ProblemDetails,
        routes::{Map, Policy},
        state::AppState,
        strict_json as strict,
    },
};

pub(crate) fn routes(map: &mut Map) {
    map.json(Policy::Public, routes!(sign_up));
    map.json(Policy::SignedIn, routes!(owner));
    map.json(Policy::SignedIn, routes!(profile));
    map.json(Policy::SignedIn, routes!(change_profile));
    map.json(Policy::SignedIn, routes!(personal_data));
    map.json(Policy::SignedIn, routes!(delete));
    map.json(Policy::SignedIn, routes!(profile_at_old_address));
}

/// Request body of `POST /auth/signup`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only documents the body, which is read field by field")]
pub(crate) struct SignUpBody {
    /// Mapped by RFC 8265 UsernameCaseMapped, then 3 to 32 letters, digits, `_`, `-` and `.`, with
    /// no dot at either end and in one script. Must not be taken or look like a taken one.
    #[schema(min_length = 2, max_length = 256, example = "alice")]
    username: String,
    /// `PASSWORD_MIN_LENGTH` code points to 1,024 bytes. Not a common password, and not your own
    /// name.
    #[schema(min_length = 6, max_length = 1024, example = "correct horse battery staple")]
    password: String,
    /// Only where the server sends mail: a link to verify it goes there.
    #[schema(required = false, max_length = 254, example = "alice@example.org")]
    email: String,
    /// The token of an invitation, from its link. Required where people sign up by invitation. If it was sent to an
    /// address, the account gets that address, verified, unless `email` is another one.
    #[schema(max_length = 43)]
    invitation: Option<String>,
}

/// Request body of `PATCH /user/profile`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct ProfileBody {}

/// Create an account
///
/// Doesn't sign you in.
#[utoipa::path(
    post, path = "/auth/signup", tag = "accounts", operation_id = "signUp", request_body = SignUpBody,
    responses(
        (status = 200, description = "The new account", body = Account),
        (status = 400, description = "`invalid-input`, `malformed-json` or `username-taken`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn sign_up(
    State(state): State<AppState>,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Account>> {
    let (has_mail, required) = (state.mail.is_some(), state.settings.mail.required);
    let (mut form, invitation) = strict::read(headers, body, |body| {
        (read_form(body, has_mail), strict::given(body, "invitation", false))
    })?;
    let invitation = invitation.filter(|given| *given != Err(Code::Missing)).transpose();
    let invitation =
        invitation.map_err(|code| Refusal::of_field(Field::named("invitation"), code))?;
    if required && form.email.is_none() {
        let found = match &invitation {
            Some(token) => Some(super::invitation(&state, token, &visit).await?),
            None => None,
        };
        // Unless the invitation proves one.
        let proves = found.is_some_and(|invitation| invitation.email.is_some());
        form.email = (!proves).then_some(Err(Code::Missing));
    }
    let new = form
        .parse(state.settings.passwords.policy, state.settings.profile)
        .map_err(Refusal::InvalidInput)?;
    let new = NewAccount { invitation, ..new };
    Ok(Json(Account::from(&super::sign_up(&state, &new, &visit).await?)))
}

fn read_form(body: &mut serde_json::Map<String, Value>, has_mail: bool) -> SignUpForm {
    SignUpForm {
        username: strict::string(body, "username"),
        password: Some(strict::string(body, "password")),
        email: strict::given(body, "email", false)
            .filter(|email| !matches!(email, Ok(text) if text.trim().is_empty()))
            .filter(|email| has_mail && *email != Err(Code::Missing)),
        profile: FIELDS.map(|field| strict::string(body, field.field.name())),
    }
}

/// A whole account, as its owner sees it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WholeAccount {
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
    /// RFC 3339, UTC.
    #[schema(format = DateTime)]
    created_at: String,
    /// Names, which apps may ask for.
    groups: Vec<String>,
    has_password: bool,
    /// Any of `totp` and `passkey`.
    second_factors: Vec<&'static str>,
}

/// Get everything about your account
///
/// Also its email address, and whether it has a password.
#[utoipa::path(
    get, path = "/user", tag = "your account", operation_id = "account",
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 200, description = "The account", body = WholeAccount),
    )
)]
async fn owner(
    State(state): State<AppState>,
    Extension(caller): Extension<SignedIn>,
) -> Result<Json<WholeAccount>> {
    let profile = caller.profile();
    let emails = emails::of(&state.store, profile.id).await?;
    let holder = passwords::holder(&state.store, profile.id).await?;
    Ok(Json(WholeAccount {
        id: profile.id.0,
        username: profile.username.clone(),
        profile: ProfileMembers(profile.values.clone()),
        email_verified: emails.verified.is_some(),
        email: emails.verified.or(emails.pending),
        created_at: rfc3339(profile.created_at),
        groups: groups::of(&state.store, profile.id).await?,
        second_factors: factors::of(&state, profile.id).await?.names(),
        has_password: holder.is_some_and(|holder| holder.hash.is_some()),
    }))
}

/// Get your account
///
/// The account that the token or the cookie belongs to.
#[utoipa::path(
    get, path = "/user/profile", tag = "accounts", operation_id = "profile",
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 200, description = "The account", body = Account),
    )
)]
async fn profile(Extension(caller): Extension<SignedIn>) -> Json<Account> {
    Json(Account::from(caller.profile()))
}

/// Change your profile
///
/// Values that stay the same change nothing.
#[utoipa::path(
    patch, path = "/user/profile", tag = "your account", operation_id = "changeProfile", request_body = ProfileBody,
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 200, description = "The account", body = Account),
        (status = 400, description = "`invalid-input` or `malformed-json`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn change_profile(
    State(state): State<AppState>,
    Extension(caller): Extension<SignedIn>,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Account>> {
    let change = strict::read(headers, body, |body| {
        ProfileChange::parse(state.settings.profile, |field| {
            strict::given(body, field.field.name(), field.required)
        })
    })?;
    let change = change.map_err(Refusal::InvalidInput)?;
    let (profile, _) = profile::change(&state, &caller, change, &visit).await?;
    Ok(Json(Account::from(&profile)))
}

/// Get your account, at the old address
///
/// Same as `/user/profile`.
#[utoipa::path(
    get, path = "/users/profile", tag = "accounts", operation_id = "profileAtOldAddress",
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 200, description = "The account", body = Account),
    )
)]
async fn profile_at_old_address(caller: Extension<SignedIn>) -> Json<Account> {
    profile(caller).await
}

/// Everything stored about you. Times are RFC 3339, UTC.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PersonalData {
    #[schema(value_type = i64, minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    id: i64,
    #[schema(example = "alice")]
    username: String,
    #[serde(flatten)]
    #[schema(ignore)]
    profile: ProfileMembers,
    #[schema(required, example = "alice@example.org")]
    email: Option<String>,
    /// An address that waits to be verified.
    #[schema(required)]
    unverified_email: Option<String>,
    /// Addresses that can still be brought back.
    former_emails: Vec<String>,
    #[schema(format = DateTime)]
    member_since: String,
    /// How the password is stored. The hash itself is not included.
    #[schema(example = "argon2id")]
    password_kept_as: &'static str,
    second_factors: PersonalFactors,
    groups: Vec<String>,
    apps: Vec<PersonalApp>,
    /// The identities at other providers that open the account.
    links: Vec<LinkEntry>,
    sessions: Vec<PersonalSession>,
    /// The whole history, newest first.
    history: Vec<PersonalEvent>,
}

/// A session, with everything stored about it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PersonalSession {
    session: Session,
    /// When you last confirmed who you are. The start of 1970: that no longer counts.
    #[schema(format = DateTime)]
    proved: String,
    /// When the session ends if it stays unused; `ends` is when it ends in any case.
    #[schema(format = DateTime)]
    ends_unused: String,
    #[schema(format = DateTime)]
    ends: String,
    /// Whether the session survives closing the browser.
    remembered: bool,
    /// Whether the session has refresh tokens.
    refreshable: bool,
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

/// An app that you are signed in to, or have agreed to.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PersonalApp {
    #[schema(example = "Wiki")]
    name: String,
    /// The scopes and resources that you agreed to. `null`: the app belongs to this server, which didn't ask.
    #[schema(required, example = "openid email")]
    agreed: Option<String>,
    /// `null`: you are not signed in to it.
    #[schema(required, format = DateTime)]
    signed_in: Option<String>,
    /// To within an hour.
    #[schema(required, format = DateTime)]
    last_used: Option<String>,
}

impl From<Used> for PersonalApp {
    fn from(Used { app, consent, grant }: Used) -> Self {
        let signed_in = grant.as_ref().map(|grant| rfc3339(grant.began_at));
        let last_used = grant.map(|grant| rfc3339(grant.used_at));
        Self { name: app.name.clone(), agreed: consent, signed_in, last_used }
    }
}

/// Download your data
///
/// Everything stored about you. You must have entered your password within `PROOF_TTL`.
#[utoipa::path(
    get, path = "/user/data", tag = "your account", operation_id = "data",
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 200, description = "The data", body = PersonalData),
        (status = 401, description = "`unauthorized` or `proof-too-old`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn personal_data(
    State(state): State<AppState>,
    Extension(caller): Extension<SignedIn>,
    visit: Visit,
) -> Result<Response> {
    download(&state, caller.fresh(state.settings.sessions.proof_ttl)?, &visit).await
}

/// The same, for the page that leads to it. The history is read and sent page by page, so a long
/// one takes no more memory than a short one. If reading it fails, the connection is cut off.
pub(super) async fn download(
    state: &AppState,
    caller: Fresh<'_>,
    visit: &Visit,
) -> Result<Response> {
    state.throttle.act(caller.family())?;
    let ticket = state.sending.begin_download(&visit.counted_network(), caller.account());
    let ticket = ticket.ok_or(Refusal::TooManyTries { retry_after: 10 })?;
    let Data { account, emails, sessions, password_kept_as } =
        data::read(state, caller, visit).await?;
    let session = |session| PersonalSession::of(session, &caller);
    let data = PersonalData {
        id: account.profile.id.0,
        username: account.profile.username,
        profile: ProfileMembers(account.profile.values),
        email: emails.verified,
        unverified_email: emails.pending,
        former_emails: emails.former,
        member_since: rfc3339(account.profile.created_at),
        password_kept_as,
        second_factors: PersonalFactors::read(state, &caller).await?,
        groups: groups::of(&state.store, caller.account()).await?,
        apps: used::by(state, caller.account()).await?.into_iter().map(Into::into).collect(),
        links: identities::of_caller(state, &caller).await?,
        sessions: sessions.iter().map(session).collect(),
        history: Vec::new(),
    };
    // One item per line, for people who open the file.
    let text = serde_json::to_string_pretty(&data).map_err(Fault::internal)?;
    let head = text.strip_suffix("]\n}").ok_or_else(|| Fault::internal("the history is last"))?;
    let (state, caller) = (state.clone(), SignedIn::clone(&caller));
    let rest = stream::try_unfold((i64::MAX, ticket), move |(before, ticket)| {
        let (state, caller) = (state.clone(), caller.clone());
        async move {
            if before == 0 {
                return Ok::<_, std::io::Error>(None);
            }
            let page = audit::history(&state.store, caller.account(), before, MAX_HISTORY);
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
        (header::CONTENT_DISPOSITION, "attachment; filename=\"account-data.json\""),
    ];
    Ok((headers, Body::from_stream(head.chain(rest))).into_response())
}

/// An account scheduled for deletion.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Deletion {
    /// RFC 3339, UTC. Signing in before then cancels the deletion.
    #[schema(format = DateTime)]
    delete_at: String,
}

/// Delete your account
///
/// Signs out everywhere at once. The account is permanently deleted after `DELETION_GRACE`; signing
/// in before then cancels the deletion. You must have entered your password within `PROOF_TTL`.
#[utoipa::path(
    delete, path = "/user", tag = "your account", operation_id = "deleteAccount",
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 200, description = "When it will be gone", body = Deletion),
        (status = 401, description = "`unauthorized` or `proof-too-old`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn delete(
    State(state): State<AppState>,
    Extension(caller): Extension<SignedIn>,
    visit: Visit,
) -> Result<Response> {
    let fresh = caller.fresh(state.settings.sessions.proof_ttl)?;
    let delete_at = deletion::delete(&state, fresh, &visit).await?;
    Ok(signed_out(&state, &caller, Json(Deletion { delete_at: rfc3339(delete_at) })))
}
