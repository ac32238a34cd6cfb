//! The JSON API of the second step, and of passkeys.

use axum::{Json, body::Bytes, extract::State, http::HeaderMap};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::SignedInAccount;
use crate::{
    domain::{Code, Field, FieldError},
    factors::Answer,
    passkeys::Assertion,
    platform::{
        error::{Refusal, Result},
        visit::Visit,
    },
    sessions::tokens::SessionKind,
    sign_in::{
        passkey,
        second_factor::{self as second, Taker},
    },
    web::{
        reply::ProblemDetails,
        routes::{Map as Routes, Policy},
        state::AppState,
        strict_json as strict,
    },
};

pub(crate) fn routes(map: &mut Routes) {
    map.json(Policy::Public, routes!(second_factor));
    map.json(Policy::Public, routes!(passkey_options));
    map.json(Policy::Public, routes!(sign_in_by_passkey));
}

/// Request body of `POST /auth/second-factor`: the challenge, and one of the other members.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only documents the body, which is read field by field")]
pub(crate) struct SecondFactorBody {
    /// From the answer to the first step.
    #[schema(min_length = 1, example = "3k9aT0Yq…")]
    challenge: String,
    /// Six digits of an authenticator app. Spaces and hyphens are ignored.
    #[schema(required = false, min_length = 1, example = "123456")]
    code: String,
    /// In either case, with or without the hyphen.
    #[schema(required = false, min_length = 1, example = "ABCDE-23456")]
    recovery_code: String,
    /// `AuthenticationResponseJSON` of WebAuthn, for this challenge or for one of
    /// `/auth/passkey/options`.
    #[schema(required = false, value_type = Object)]
    credential: Value,
    /// Whether to return a refresh token. Off by default.
    #[schema(required = false)]
    refresh: bool,
}

/// The answer in a body: one of `code`, `recoveryCode` and `credential`. `None`: there is none.
pub(super) fn answer(body: &mut Map<String, Value>) -> Result<Option<Answer>, FieldError> {
    let given = |name| body.contains_key(name);
    let fields = [Field::CODE, Field::RECOVERY_CODE, Field::CREDENTIAL];
    let mut sent = fields.into_iter().filter(|field| given(field.name()));
    let Some(field) = sent.next() else { return Ok(None) };
    let wrong = |code| FieldError { field, code };
    if sent.next().is_some() {
        return Err(wrong(Code::OutOfRange));
    }
    let answer = match field {
        Field::CREDENTIAL => {
            let json = strict::nested(body, field.name()).map_err(wrong)?;
            Answer::Passkey(Assertion::read(json).map_err(|_| wrong(Code::WrongType))?)
        }
        Field::CODE => Answer::Code(strict::string(body, field.name()).map_err(wrong)?),
        _ => Answer::RecoveryCode(strict::string(body, field.name()).map_err(wrong)?),
    };
    Ok(Some(answer))
}

/// Sign in with a second factor
///
/// The second step, after `second-factor-required`. The challenge works for five minutes and five
/// tries, and a right answer once. Sets no cookie.
#[utoipa::path(
    post, path = "/auth/second-factor", tag = "accounts", operation_id = "secondFactor", request_body = SecondFactorBody,
    responses(
        (status = 200, description = "The account and its access token", body = SignedInAccount),
        (status = 400, description = "`invalid-input`, `malformed-json` or `invalid-code`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn second_factor(
    State(state): State<AppState>,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<SignedInAccount>> {
    let (challenge, answer, refresh) = strict::read(headers, body, |body| {
        (strict::string(body, "challenge"), answer(body), strict::flag(body, "refresh"))
    })?;
    let missing = FieldError { field: Field::CODE, code: Code::Missing };
    let answer = answer.and_then(|answer| answer.ok_or(missing));
    let (challenge, answer, refresh) = match (challenge, answer, refresh) {
        (Ok(challenge), Ok(answer), Ok(refresh)) => (challenge, answer, refresh),
        (challenge, answer, refresh) => {
            let of = |field, code: Option<Code>| code.map(|code| FieldError { field, code });
            let challenge = of(Field::CHALLENGE, challenge.err());
            let errors = [challenge, answer.err(), of(Field::REFRESH, refresh.err())];
            return Err(Refusal::InvalidInput(errors.into_iter().flatten().collect()).into());
        }
    };
    // Programs keep no cookies, so no device is known.
    let visit = Visit { known_device: None, ..visit };
    let taker = Taker::Program { refresh };
    let step = second::second_factor(&state, &challenge, &answer, taker, &visit, None).await?;
    SignedInAccount::of_step(step)
}

/// The input of `navigator.credentials.get`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PasskeyOptions {
    /// Send it back together with the credential.
    #[schema(example = "3k9aT0Yq…")]
    pub(crate) challenge: String,
    /// In the JSON of WebAuthn: for `parseRequestOptionsFromJSON` or `parseCreationOptionsFromJSON`.
    #[schema(value_type = Object)]
    pub(crate) public_key: Value,
}

/// Get the options to sign in with a passkey
///
/// `PublicKeyCredentialRequestOptionsJSON`: any passkey of this service, with its user verified. They
/// work once, for five minutes.
#[utoipa::path(
    post, path = "/auth/passkey/options", tag = "accounts", operation_id = "passkeyOptions",
    responses(
        (status = 200, description = "The options", body = PasskeyOptions),
    )
)]
async fn passkey_options(State(state): State<AppState>) -> Result<Json<PasskeyOptions>> {
    let (challenge, public_key) = passkey::options(&state)?;
    Ok(Json(PasskeyOptions { challenge, public_key }))
}

/// Request body of `POST /auth/passkey`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only documents the body, which is read field by field")]
pub(crate) struct PasskeyBody {
    #[schema(min_length = 1, example = "3k9aT0Yq…")]
    challenge: String,
    /// `AuthenticationResponseJSON` of WebAuthn.
    #[schema(value_type = Object)]
    credential: Value,
    /// Whether to return a refresh token. Off by default.
    #[schema(required = false)]
    refresh: bool,
}

/// Sign in with a passkey
///
/// A passkey is both factors at once. Sets no cookie.
#[utoipa::path(
    post, path = "/auth/passkey", tag = "accounts", operation_id = "signInByPasskey", request_body = PasskeyBody,
    responses(
        (status = 200, description = "The account and its access token", body = SignedInAccount),
        (status = 400, description = "`invalid-input`, `malformed-json` or `invalid-code`", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
async fn sign_in_by_passkey(
    State(state): State<AppState>,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<SignedInAccount>> {
    let (challenge, credential, refresh) = strict::read(headers, body, |body| {
        let challenge = strict::string(body, "challenge");
        (challenge, strict::nested(body, "credential"), strict::flag(body, "refresh"))
    })?;
    let assertion = credential.and_then(|json| Assertion::read(json).map_err(|_| Code::WrongType));
    let (challenge, assertion, refresh) = match (challenge, assertion, refresh) {
        (Ok(challenge), Ok(assertion), Ok(refresh)) => (challenge, assertion, refresh),
        (challenge, assertion, refresh) => {
            let errors = [
                (Field::CHALLENGE, challenge.err()),
                (Field::CREDENTIAL, assertion.err()),
                (Field::REFRESH, refresh.err()),
            ];
            let errors = errors.into_iter();
            let errors = errors.filter_map(|(field, code)| Some(FieldError { field, code: code? }));
            return Err(Refusal::InvalidInput(errors.collect()).into());
        }
    };
    let kind = SessionKind::Program { refresh };
    let visit = Visit { known_device: None, ..visit };
    let step =
        passkey::sign_in_by_passkey(&state, &challenge, assertion, kind, &visit, None).await?;
    SignedInAccount::of_step(step)
}
