//! Refusals and faults as HTTP: the only room that knows status codes and error bodies.
//!
//! An [`Error`] becomes a response with a status but no body. On its way out, `explain.rs` writes
//! the body.

use axum::{
    Json,
    body::Bytes,
    http::{HeaderMap, HeaderValue, Uri, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Serialize;
use utoipa::{
    ToSchema,
    openapi::schema::{Object, ObjectBuilder, Type},
};

use crate::{
    domain::{Code, FieldError},
    platform::{
        error::{Error, Fault, Refusal},
        visit::RequestId,
    },
    texts::Language,
    web::{problem_kinds::*, routes::Door, state::AppState},
};

/// Seconds before trying again, when we are overloaded or the database is unavailable.
const RETRY_AFTER: &str = "2";

/// A problem on its way out, before its body is written.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) kind: ProblemKind,
    errors: Vec<FieldError>,
    /// What is wrong as a whole, in words.
    faults: Vec<String>,
    second_step: Option<SecondStep>,
}

/// How a sign-in goes on.
#[derive(Clone, Debug)]
struct SecondStep {
    challenge: Option<String>,
    methods: Vec<&'static str>,
}

/// Problem details (RFC 9457).
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Problem)]
pub struct ProblemDetails {
    /// A path on this server that explains this kind of problem.
    #[serde(rename = "type")]
    #[schema(example = "/problems/invalid-input")]
    kind: String,
    title: String,
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    detail: String,
    /// Also in the `x-request-id` header, and in every log line about this request.
    request_id: String,
    /// All invalid fields at once. Only with `invalid-input`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ProblemField>,
    /// The sign-in that waits for a second factor. Only with `second-factor-required`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "3k9aT0Yq…")]
    challenge: Option<String>,
    /// What answers it: `totp`, `recovery-code`, `passkey`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    methods: Vec<&'static str>,
}

/// An invalid field.
#[derive(Serialize, ToSchema)]
struct ProblemField {
    #[schema(example = "username")]
    field: &'static str,
    /// Stable, so programs may compare it.
    #[schema(example = "too-short", schema_with = codes)]
    code: &'static str,
    /// A sentence for people. Never quotes what was sent.
    message: String,
}

fn codes() -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(Code::ALL)).build()
}

impl ProblemField {
    /// What is wrong with a definition as a whole.
    fn of_whole(fault: &str) -> Self {
        let code = Code::OutOfRange.as_str();
        Self { field: "definition", code, message: fault.to_owned() }
    }
}

impl From<&FieldError> for ProblemField {
    fn from(error: &FieldError) -> Self {
        Self {
            field: error.field.name(),
            code: error.code.as_str(),
            message: Language::English.field_error(error),
        }
    }
}

impl Refusal {
    #[must_use]
    pub fn kind(&self) -> ProblemKind {
        match self {
            Self::InvalidInput(_) | Self::InvalidDefinition(_) => INVALID_INPUT,
            Self::MalformedJson => MALFORMED_JSON,
            Self::MalformedForm => MALFORMED_FORM,
            Self::MalformedBody => MALFORMED_BODY,
            Self::UsernameTaken => USERNAME_TAKEN,
            Self::InvalidCredentials => INVALID_CREDENTIALS,
            Self::Unauthorized { .. } => UNAUTHORIZED,
            Self::ProofTooOld => PROOF_TOO_OLD,
            Self::CrossOrigin => CROSS_ORIGIN,
            Self::StaleForm => STALE_FORM,
            Self::LastAdministrator => LAST_ADMINISTRATOR,
            Self::InsufficientScope => INSUFFICIENT_SCOPE,
            Self::SignUpClosed => SIGN_UP_CLOSED,
            Self::KeyInUse => KEY_IN_USE,
            Self::KeyReused => KEY_REUSED,
            Self::NotFound => NOT_FOUND,
            Self::LinkInvalid => LINK_INVALID,
            Self::InvalidCode | Self::UnknownPasskey => INVALID_CODE,
            Self::SecondFactorRequired { .. } => SECOND_FACTOR_REQUIRED,
            Self::MethodNotAllowed { .. } => METHOD_NOT_ALLOWED,
            Self::RequestTimeout => REQUEST_TIMEOUT,
            Self::ContentTooLarge => CONTENT_TOO_LARGE,
            Self::UnsupportedMediaType => UNSUPPORTED_MEDIA_TYPE,
            Self::MisdirectedRequest => MISDIRECTED_REQUEST,
            Self::TooManyTries { .. } => TOO_MANY_TRIES,
            Self::Overloaded => UNAVAILABLE,
        }
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        match self {
            // RFC 6750, section 3.
            Self::Unauthorized { token_came } => {
                let challenge =
                    if *token_came { "Bearer error=\"invalid_token\"" } else { "Bearer" };
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            }
            Self::InsufficientScope => {
                let challenge = "Bearer error=\"insufficient_scope\"";
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            }
            // RFC 9470, section 3.
            Self::ProofTooOld | Self::SecondFactorRequired { .. } => {
                let challenge = "Bearer error=\"insufficient_user_authentication\"";
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            }
            Self::TooManyTries { retry_after } => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(*retry_after));
            }
            Self::MethodNotAllowed { allow } => {
                if let Ok(allow) = HeaderValue::try_from(allow) {
                    headers.insert(header::ALLOW, allow);
                }
            }
            Self::Overloaded => {
                _ = headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER))
            }
            _ => {}
        }
        headers
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (mut second_step, mut faults) = (None, Vec::new());
        let (kind, errors, headers) = match self {
            Self::Refusal(refusal) => {
                let (kind, headers) = (refusal.kind(), refusal.headers());
                let errors = match refusal {
                    Refusal::InvalidInput(errors) => errors,
                    Refusal::InvalidDefinition(words) => {
                        faults = words;
                        Vec::new()
                    }
                    Refusal::SecondFactorRequired { challenge, methods } => {
                        second_step = Some(SecondStep { challenge, methods });
                        Vec::new()
                    }
                    _ => Vec::new(),
                };
                (kind, errors, headers)
            }
            Self::Fault(fault) => {
                let error = fault.source();
                match fault {
                    Fault::Away => {
                        tracing::debug!(error, "refused");
                        (UNAVAILABLE, Vec::new(), Refusal::Overloaded.headers())
                    }
                    Fault::Unavailable(_) => {
                        tracing::warn!(error, "the database is unavailable or busy");
                        (UNAVAILABLE, Vec::new(), Refusal::Overloaded.headers())
                    }
                    Fault::Internal(_) => {
                        tracing::error!(error, "a request failed with an internal error");
                        (INTERNAL, Vec::new(), HeaderMap::new())
                    }
                }
            }
        };
        let mut response = (kind.status, headers).into_response();
        response.extensions_mut().insert(Problem { kind, errors, faults, second_step });
        response
    }
}

/// Our own problems, and errors from libraries, which aren't marked as problems.
pub(crate) fn problem(response: &Response) -> Option<Problem> {
    if let Some(problem) = response.extensions().get::<Problem>() {
        return Some(problem.clone());
    }
    let status = response.status();
    let kind = || KINDS.iter().copied().find(|kind| kind.status == status).unwrap_or(INTERNAL);
    (status.is_client_error() || status.is_server_error()).then(|| Problem {
        kind: kind(),
        errors: Vec::new(),
        faults: Vec::new(),
        second_step: None,
    })
}

/// Marks a problem that has its own body: a form with its errors.
#[derive(Clone)]
pub struct Explained;

pub(crate) fn problem_details(problem: &Problem, request_id: &RequestId) -> Response {
    let (challenge, methods) = match problem.second_step.clone() {
        Some(SecondStep { challenge, methods }) => (challenge, methods),
        None => (None, Vec::new()),
    };
    let details = ProblemDetails {
        challenge,
        methods,
        kind: format!("/problems/{}", problem.kind.slug),
        title: problem.kind.title(Language::English),
        status: problem.kind.status.as_u16(),
        detail: problem.kind.detail(Language::English),
        request_id: request_id.to_string(),
        errors: problem
            .errors
            .iter()
            .map(ProblemField::from)
            .chain(problem.faults.iter().map(|fault| ProblemField::of_whole(fault)))
            .collect(),
    };
    let content_type = HeaderValue::from_static("application/problem+json; charset=utf-8");
    ([(header::CONTENT_TYPE, content_type)], Json(details)).into_response()
}

/// The language that the user has chosen, or else the best of those that the browser asks for.
#[must_use]
pub fn language(state: &AppState, headers: &HeaderMap) -> Language {
    let chosen = state.cookies.language(headers);
    let accepted = || headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok();
    chosen
        .and_then(|tag| Language::of_tag(&tag))
        .or_else(|| Language::accepted(accepted()?))
        .unwrap_or(Language::English)
}

/// Whether an error is shown as a page. Behind the doors for people it is, unless JSON is
/// requested; elsewhere only if HTML is, as browsers do.
#[must_use]
pub fn is_for_a_person(door: Option<Door>, headers: &HeaderMap) -> bool {
    match door {
        Some(Door::Page | Door::Sent | Door::Form) => {
            accepts(headers, "text/html") || !accepts(headers, "application/json")
        }
        Some(Door::Json | Door::Open) => false,
        Some(Door::Proxy | Door::Asset) | None => accepts(headers, "text/html"),
    }
}

/// Whether `Accept` names this media type without refusing it.
pub(crate) fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|accept| accept.to_str().ok())
        .flat_map(|accept| accept.split(','))
        .any(|range| {
            let mut parts = range.split(';').map(str::trim);
            let is_it = parts.next().is_some_and(|part| part.eq_ignore_ascii_case(media_type));
            is_it && !parts.any(|q| q.trim_end_matches(['0', '.']) == "q=")
        })
}

/// A `POST` from another site comes without our cookies. It does nothing but become a `GET`.
pub(crate) async fn as_get(uri: Uri, body: Bytes) -> Response {
    let query = String::from_utf8_lossy(&body);
    let is_plain = query.bytes().all(|byte| byte.is_ascii_graphic());
    let query = if is_plain { query } else { "".into() };
    Redirect::to(&format!("{}?{query}", uri.path())).into_response()
}
