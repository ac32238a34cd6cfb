//! The JSON API of second factors.

pub(crate) mod by_mail;
pub(crate) mod identities;

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{add_passkey, remove_passkey, rename_passkey, trusted};
use crate::{
    domain::{Code, Field, FieldError, PasskeyName},
    passkeys::{Passkey, Registration, of_account},
    platform::{
        clock::rfc3339,
        error::{Refusal, Result},
        visit::Visit,
    },
    sessions::caller::{Fresh, SignedIn},
    web::{
        client::known_device,
        reply::ProblemDetails,
        routes::{Map, Policy},
        state::AppState,
        strict_json as strict,
    },
};

pub(crate) fn routes(map: &mut Map) {
    map.json(Policy::SettingUp, routes!(factors));
    map.json(Policy::SettingUp, routes!(set_up_totp, remove_totp));
    map.json(Policy::SettingUp, routes!(confirm_totp));
    map.json(Policy::SettingUp, routes!(recovery_codes));
    map.json(Policy::SettingUp, routes!(passkey_options));
    map.json(Policy::SettingUp, routes!(add));
    map.json(Policy::SignedIn, routes!(rename, remove));
    map.json(Policy::SignedIn, routes!(trusted_devices));
    map.json(Policy::SignedIn, routes!(distrust));
}

fn fresh<'a>(state: &AppState, caller: &'a SignedIn) -> Result<Fresh<'a>, Refusal> {
    caller.fresh(state.settings.sessions.proof_ttl)
}

/// A passkey.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PasskeyEntry {
    /// The credential id, in base64url.
    #[schema(example = "mNq2Zs8d…")]
    id: String,
    #[schema(example = "iCloud Keychain")]
    name: String,
    /// RFC 3339, UTC.
    #[schema(format = DateTime)]
    created_at: String,
    /// RFC 3339, UTC. `null`: never.
    #[schema(required, format = DateTime)]
    last_used_at: Option<String>,
    /// Whether it is synchronised to other devices.
    backed_up: bool,
}

impl From<&Passkey> for PasskeyEntry {
    fn from(passkey: &Passkey) -> Self {
        Self {
            id: passkey.id.clone(),
            name: passkey.name.clone(),
            created_at: rfc3339(passkey.created_at),
            last_used_at: passkey.last_used_at.map(rfc3339),
            backed_up: passkey.backed_up,
        }
    }
}

/// The second factors of an account.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FactorList {
    /// Whether there is an authenticator app.
    totp: bool,
    recovery_codes_left: i64,
    passkeys: Vec<PasskeyEntry>,
}

/// List your second factors
///
/// What your account asks for after the password: whether there is an authenticator app, how many
/// recovery codes are left, and the passkeys. It never contains a secret.
#[utoipa::path(
    get, path = "/user/factors", tag = "second factors", operation_id = "factors",
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 200, description = "The second factors", body = FactorList),
    )
)]
async fn factors(
    State(state): State<AppState>,
    Extension(caller): Extension<SignedIn>,
) -> Result<Json<FactorList>> {
    let found = super::of(&state, caller.account()).await?;
    let passkeys = of_account(&state.store, caller.account(), &state.home).await?;
    Ok(Json(FactorList {
        totp: found.totp,
        recovery_codes_left: found.codes_left,
        passkeys: passkeys.iter().map(PasskeyEntry::from).collect(),
    }))
}

/// A new secret for an authenticator app.
#[derive(Serialize, ToSchema)]
pub(crate) struct TotpSetup {
    /// Base32, for people who type it.
    #[schema(example = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")]
    secret: String,
    /// `otpauth://…`, for a QR code: SHA-1, six digits, 30 seconds.
    #[schema(example = "otpauth://totp/Latchkey:alice?secret=…")]
    uri: String,
}

/// Set up an authenticator app
///
/// Nothing changes until a code confirms it, within an hour. You must have confirmed who you are within
/// `PROOF_TTL`.
#[utoipa::path(
    post, path = "/user/totp", tag = "second factors", operation_id = "setUpTotp",
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 200, description = "The new secret", body = TotpSetup),
        (status = 401, description = "`unauthorized` or `proof-too-old`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn set_up_totp(
    State(state): State<AppState>,
    Extension(caller): Extension<SignedIn>,
) -> Result<Json<TotpSetup>> {
    let setup = super::set_up_totp(&state, fresh(&state, &caller)?).await?;
    let (secret, uri) = (setup.secret.unwrap_or_default(), setup.uri.unwrap_or_default());
    Ok(Json(TotpSetup { secret, uri }))
}

/// Request body of `POST /user/totp/confirm`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only documents the body, which is read field by field")]
pub(crate) struct TotpCode {
    /// Six digits. Spaces and hyphens are ignored.
    #[schema(min_length = 1, example = "123456")]
    code: String,
}

/// Recovery codes, shown this once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GivenCodes {
    /// Ten. Each works once.
    #[schema(example = json!(["ABCDE-23456"]))]
    recovery_codes: Vec<String>,
}

/// Confirm an authenticator app
///
/// From then on it is a second factor. The recovery codes void earlier ones. If it is the first second
/// factor, all other sessions must confirm who they are before sensitive actions; if it takes the place
/// of another app, they end.
#[utoipa::path(
    post, path = "/user/totp/confirm", tag = "second factors", operation_id = "confirmTotp", request_body = TotpCode,
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 200, description = "The recovery codes", body = GivenCodes),
        (status = 400, description = "`invalid-input`, `malformed-json` or `invalid-code`", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 401, description = "`unauthorized` or `proof-too-old`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn confirm_totp(
    State(state): State<AppState>,
    Extension(caller): Extension<SignedIn>,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<GivenCodes>> {
    let code = strict::read(headers, body, |body| strict::string(body, "code"))?;
    let code = code.and_then(|code| if code.is_empty() { Err(Code::Missing) } else { Ok(code) });
    let code = code.map_err(|code| Refusal::of_field(Field::CODE, code))?;
    let fresh = fresh(&state, &caller)?;
    let recovery_codes = super::confirm_totp(&state, fresh, &code, None, &visit).await?;
    Ok(Json(GivenCodes { recovery_codes }))
}

/// Remove your authenticator app
///
/// All other sessions end. Removing the last second factor voids the recovery codes.
#[utoipa::path(
    delete, path = "/user/totp", tag = "second factors", operation_id = "removeTotp",
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 204, description = "There is none any more"),
        (status = 400, description = "`invalid-input`: the operator requires a second factor", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 401, description = "`unauthorized` or `proof-too-old`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn remove_totp(
    State(state): State<AppState>,
    Extension(caller): Extension<SignedIn>,
    visit: Visit,
) -> Result<StatusCode> {
    super::remove_totp(&state, fresh(&state, &caller)?, &visit).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make new recovery codes
///
/// The old ones no longer work. Only for accounts with a second factor.
#[utoipa::path(
    post, path = "/user/recovery-codes", tag = "second factors", operation_id = "makeRecoveryCodes",
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 200, description = "The new codes", body = GivenCodes),
        (status = 400, description = "`invalid-input`: there is no second factor", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 401, description = "`unauthorized` or `proof-too-old`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn recovery_codes(
    State(state): State<AppState>,
    Extension(caller): Extension<SignedIn>,
    visit: Visit,
) -> Result<Json<GivenCodes>> {
    let recovery_codes = super::new_codes(&state, fresh(&state, &caller)?, &visit).await?;
    Ok(Json(GivenCodes { recovery_codes }))
}

/// The input of `navigator.credentials.create`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreationOptions {
    /// Send it back together with the credential.
    #[schema(example = "3k9aT0Yq…")]
    challenge: String,
    /// `PublicKeyCredentialCreationOptionsJSON` of WebAuthn.
    #[schema(value_type = Object)]
    public_key: Value,
}

/// Get the options to make a passkey
///
/// They work once, for five minutes, in this session.
#[utoipa::path(
    post, path = "/user/passkeys/options", tag = "second factors", operation_id = "passkeyCreationOptions",
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 200, description = "The options", body = CreationOptions),
        (status = 401, description = "`unauthorized` or `proof-too-old`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn passkey_options(
    State(state): State<AppState>,
    Extension(caller): Extension<SignedIn>,
) -> Result<Json<CreationOptions>> {
    let (challenge, public_key) = super::options(&state, fresh(&state, &caller)?).await?;
    Ok(Json(CreationOptions { challenge, public_key }))
}

/// Request body of `POST /user/passkeys`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only documents the body, which is read field by field")]
pub(crate) struct NewPasskey {
    #[schema(min_length = 1, example = "3k9aT0Yq…")]
    challenge: String,
    /// Left out: the name of the authenticator.
    #[schema(required = false, min_length = 1, max_length = 64, example = "My phone")]
    name: String,
    /// `RegistrationResponseJSON` of WebAuthn.
    #[schema(value_type = Object)]
    credential: Value,
}

/// Add a passkey
///
/// It is discoverable, its user is verified, and its algorithm is ES256, EdDSA or RS256. If it is the
/// first second factor, make recovery codes next.
#[utoipa::path(
    post, path = "/user/passkeys", tag = "second factors", operation_id = "addPasskey", request_body = NewPasskey,
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 201, description = "The passkey", body = PasskeyEntry),
        (status = 400, description = "`invalid-input` or `malformed-json`", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 401, description = "`unauthorized` or `proof-too-old`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn add(
    State(state): State<AppState>,
    Extension(caller): Extension<SignedIn>,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<PasskeyEntry>)> {
    let fresh = fresh(&state, &caller)?;
    let (challenge, name, credential) = strict::read(headers, body, |body| {
        let name = strict::given(body, "name", true);
        (strict::string(body, "challenge"), name, strict::nested(body, "credential"))
    })?;
    let name = name.map(|name| name.and_then(|name| PasskeyName::parse(&name))).transpose();
    let registration =
        credential.and_then(|json| Registration::read(json).map_err(|_| Code::WrongType));
    let (challenge, name, registration) = match (challenge, name, registration) {
        (Ok(challenge), Ok(name), Ok(registration)) => (challenge, name, registration),
        (challenge, name, registration) => {
            let errors = [
                (Field::CHALLENGE, challenge.err()),
                (Field::NAME, name.err()),
                (Field::CREDENTIAL, registration.err()),
            ];
            let errors = errors.into_iter();
            let errors = errors.filter_map(|(field, code)| Some(FieldError { field, code: code? }));
            return Err(Refusal::InvalidInput(errors.collect()).into());
        }
    };
    let passkey =
        add_passkey(&state, fresh, (&challenge, None), registration, name, &visit).await?;
    Ok((StatusCode::CREATED, Json(PasskeyEntry::from(&passkey))))
}

/// Request body of `PATCH /user/passkeys/{id}`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only documents the body, which is read field by field")]
pub(crate) struct PasskeyNameBody {
    #[schema(min_length = 1, max_length = 64, example = "My phone")]
    name: String,
}

/// Rename a passkey
///
/// The name is for you alone: it changes neither the passkey nor how your device shows it.
#[utoipa::path(
    patch, path = "/user/passkeys/{id}", tag = "second factors", operation_id = "renamePasskey", request_body = PasskeyNameBody,
    params(("id" = String, Path, description = "The `id` of one of your passkeys")),
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 200, description = "The passkey", body = PasskeyEntry),
        (status = 400, description = "`invalid-input` or `malformed-json`", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "`not-found`: you have no such passkey", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn rename(
    State(state): State<AppState>,
    Extension(caller): Extension<SignedIn>,
    visit: Visit,
    id: std::result::Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<PasskeyEntry>> {
    let Path(id) = id.map_err(|_| Refusal::NotFound)?;
    let name = strict::read(headers, body, |body| strict::string(body, "name"))?;
    let name = name.and_then(|name| PasskeyName::parse(&name));
    let name = name.map_err(|code| Refusal::of_field(Field::NAME, code))?;
    let passkey = rename_passkey(&state, &caller, &id, &name, &visit).await?;
    Ok(Json(PasskeyEntry::from(&passkey)))
}

/// Remove a passkey
///
/// All other sessions end. The last way into an account can't be removed.
#[utoipa::path(
    delete, path = "/user/passkeys/{id}", tag = "second factors", operation_id = "removePasskey",
    params(("id" = String, Path, description = "The `id` of one of your passkeys")),
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 204, description = "It is removed"),
        (status = 400, description = "`invalid-input`: it is the last way in, or required", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 401, description = "`unauthorized` or `proof-too-old`", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "`not-found`: you have no such passkey", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn remove(
    State(state): State<AppState>,
    Extension(caller): Extension<SignedIn>,
    visit: Visit,
    id: std::result::Result<Path<String>, PathRejection>,
) -> Result<StatusCode> {
    let Path(id) = id.map_err(|_| Refusal::NotFound)?;
    remove_passkey(&state, fresh(&state, &caller)?, &id, &visit).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A device that is not asked for the second factor.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TrustedEntry {
    #[schema(example = "mNq2Zs8d…")]
    id: String,
    /// The browser and system in words, or empty if unknown.
    #[schema(example = "Firefox, Linux")]
    device: String,
    /// The network of the client address: /24 or /48.
    #[schema(example = "203.0.113.0/24")]
    network: String,
    /// RFC 3339, UTC.
    #[schema(format = DateTime)]
    created_at: String,
    /// RFC 3339, UTC.
    #[schema(format = DateTime)]
    expires_at: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TrustedList {
    trusted_devices: Vec<TrustedEntry>,
}

/// List your trusted devices
///
/// Browsers that are not asked for the second factor, for 30 days.
#[utoipa::path(
    get, path = "/user/trusted-devices", tag = "second factors", operation_id = "trustedDevices",
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 200, description = "The trusted devices, the latest first", body = TrustedList),
    )
)]
async fn trusted_devices(
    State(state): State<AppState>,
    Extension(caller): Extension<SignedIn>,
) -> Result<Json<TrustedList>> {
    let devices = trusted::list(&state, caller.account()).await?;
    let entry = |device: &trusted::TrustedDevice| TrustedEntry {
        id: device.id.clone(),
        device: known_device(&device.device).into_owned(),
        network: device.network.clone(),
        created_at: rfc3339(device.created_at),
        expires_at: rfc3339(device.expires_at),
    };
    Ok(Json(TrustedList { trusted_devices: devices.iter().map(entry).collect() }))
}

/// Stop trusting a device
///
/// The device is asked for the second factor at its next sign-in. Its session goes on.
#[utoipa::path(
    delete, path = "/user/trusted-devices/{id}", tag = "second factors", operation_id = "distrustDevice",
    params(("id" = String, Path, description = "The `id` of one of your trusted devices")),
    security(("accessToken" = []), ("sessionCookie" = [])),
    responses(
        (status = 204, description = "It is asked for the second factor again"),
        (status = 404, description = "`not-found`: you trust no such device", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn distrust(
    State(state): State<AppState>,
    Extension(caller): Extension<SignedIn>,
    visit: Visit,
    id: std::result::Result<Path<String>, PathRejection>,
) -> Result<StatusCode> {
    let Path(id) = id.map_err(|_| Refusal::NotFound)?;
    trusted::distrust(&state, &caller, &id, &visit).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The second factors of an account, for its owner. Their secrets are left out.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PersonalFactors {
    /// Whether there is an authenticator app.
    totp: bool,
    recovery_codes_left: i64,
    passkeys: Vec<PasskeyEntry>,
    trusted_devices: Vec<TrustedEntry>,
}

impl PersonalFactors {
    pub(crate) async fn read(state: &AppState, caller: &SignedIn) -> Result<Self> {
        let Json(FactorList { totp, recovery_codes_left, passkeys }) =
            factors(State(state.clone()), Extension(caller.clone())).await?;
        let Json(TrustedList { trusted_devices }) =
            trusted_devices(State(state.clone()), Extension(caller.clone())).await?;
        Ok(Self { totp, recovery_codes_left, passkeys, trusted_devices })
    }
}
