//! Refusals and faults as HTTP: the only room that knows status codes and error bodies.
//!
//! Whoever refuses answers with an [`Error`]; its response has a status and no body yet. On its way
//! out every answer passes [`explain`], which writes the body: problem details (RFC 9457) for a
//! program, a page for a person, with the same words. It also explains what others answered without
//! our doing.

use axum::{
    Json,
    extract::{MatchedPath, Request},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::{
    ToSchema,
    openapi::schema::{Object, ObjectBuilder, Type},
};

use super::{
    client::Sender,
    error::{Error, Fault, Refusal},
    routes::{Door, Routes},
    state::AppState,
    telemetry::RequestId,
};
use crate::{
    app,
    domain::{Code, FieldError},
    texts::Language,
};

/// Seconds after which to try again, when we are overloaded or the database is away.
const RETRY_AFTER: &str = "2";

/// A kind of problem: what `type` points to. Its words are in `texts/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProblemKind {
    pub slug: &'static str,
    pub status: StatusCode,
}

impl ProblemKind {
    #[must_use]
    pub fn title(self, language: Language) -> String {
        language.text(&format!("problem-{}", self.slug))
    }

    #[must_use]
    pub fn detail(self, language: Language) -> String {
        language.text(&format!("problem-{}.detail", self.slug))
    }
}

macro_rules! kinds {
    ($($name:ident: $status:ident, $slug:literal;)*) => {
        $(const $name: ProblemKind =
            ProblemKind { slug: $slug, status: StatusCode::$status };)*

        /// Every kind there is, in the order of their status.
        pub const KINDS: &[ProblemKind] = &[$($name),*];
    };
}

kinds! {
    INVALID_INPUT: BAD_REQUEST, "invalid-input";
    MALFORMED_JSON: BAD_REQUEST, "malformed-json";
    MALFORMED_FORM: BAD_REQUEST, "malformed-form";
    MALFORMED_BODY: BAD_REQUEST, "malformed-body";
    USERNAME_TAKEN: BAD_REQUEST, "username-taken";
    INVALID_CREDENTIALS: BAD_REQUEST, "invalid-credentials";
    UNAUTHORIZED: UNAUTHORIZED, "unauthorized";
    PROOF_TOO_OLD: UNAUTHORIZED, "proof-too-old";
    CROSS_ORIGIN: FORBIDDEN, "cross-origin";
    STALE_FORM: FORBIDDEN, "stale-form";
    NOT_FOUND: NOT_FOUND, "not-found";
    LINK_INVALID: NOT_FOUND, "link-invalid";
    METHOD_NOT_ALLOWED: METHOD_NOT_ALLOWED, "method-not-allowed";
    REQUEST_TIMEOUT: REQUEST_TIMEOUT, "request-timeout";
    CONTENT_TOO_LARGE: PAYLOAD_TOO_LARGE, "content-too-large";
    UNSUPPORTED_MEDIA_TYPE: UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type";
    MISDIRECTED_REQUEST: MISDIRECTED_REQUEST, "misdirected-request";
    TOO_MANY_TRIES: TOO_MANY_REQUESTS, "too-many-tries";
    INTERNAL: INTERNAL_SERVER_ERROR, "internal";
    UNAVAILABLE: SERVICE_UNAVAILABLE, "unavailable";
}

/// A problem on its way out, before it is written down.
#[derive(Clone, Debug)]
struct Problem {
    kind: ProblemKind,
    errors: Vec<FieldError>,
}

/// Problem details (RFC 9457).
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Problem)]
pub struct ProblemDetails {
    /// A path on this server that explains the kind of problem.
    #[serde(rename = "type")]
    #[schema(example = "/problems/invalid-input")]
    kind: String,
    title: String,
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    detail: String,
    /// Also in the header `x-request-id`, and in every line of the log about this request.
    request_id: String,
    /// All bad fields at once. Only with `invalid-input`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ProblemField>,
}

/// A bad field.
#[derive(Serialize, ToSchema)]
struct ProblemField {
    #[schema(example = "username")]
    field: &'static str,
    /// Stable: programs may compare it.
    #[schema(example = "too-short", schema_with = codes)]
    code: &'static str,
    /// A sentence for people. It never holds what was sent.
    message: String,
}

fn codes() -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(Code::ALL)).build()
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
            Self::InvalidInput(_) | Self::NotConfirmed => INVALID_INPUT,
            Self::MalformedJson => MALFORMED_JSON,
            Self::MalformedForm => MALFORMED_FORM,
            Self::MalformedBody => MALFORMED_BODY,
            Self::UsernameTaken => USERNAME_TAKEN,
            Self::InvalidCredentials => INVALID_CREDENTIALS,
            Self::Unauthorized { .. } => UNAUTHORIZED,
            Self::ProofTooOld => PROOF_TOO_OLD,
            Self::CrossOrigin => CROSS_ORIGIN,
            Self::StaleForm => STALE_FORM,
            Self::NotFound => NOT_FOUND,
            Self::LinkInvalid => LINK_INVALID,
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
            // RFC 9470, section 3.
            Self::ProofTooOld => {
                let challenge = "Bearer error=\"insufficient_user_authentication\"";
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            }
            Self::TooManyTries { retry_after } => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(*retry_after));
            }
            Self::MethodNotAllowed { allow } => {
                let allow: Vec<&str> = allow.iter().map(axum::http::Method::as_str).collect();
                if let Ok(allow) = HeaderValue::try_from(allow.join(", ")) {
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
        let (kind, errors, headers) = match self {
            Self::Refusal(refusal) => {
                let (kind, headers) = (refusal.kind(), refusal.headers());
                let errors =
                    if let Refusal::InvalidInput(errors) = refusal { errors } else { Vec::new() };
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
                        tracing::warn!(error, "the database is away or busy");
                        (UNAVAILABLE, Vec::new(), Refusal::Overloaded.headers())
                    }
                    Fault::Internal(_) => {
                        tracing::error!(error, "a request failed by our fault");
                        (INTERNAL, Vec::new(), HeaderMap::new())
                    }
                }
            }
        };
        let mut response = (kind.status, headers).into_response();
        response.extensions_mut().insert(Problem { kind, errors });
        response
    }
}

/// Who will read the answer to a request.
pub(super) struct Reader {
    /// The language of a person. A program has none.
    person: Option<Language>,
    request_id: RequestId,
}

impl Reader {
    pub(super) fn of(state: &AppState, request: &Request, routes: &Routes) -> Self {
        let path = request.extensions().get::<MatchedPath>();
        let sender = request.extensions().get::<Sender>();
        let door = path.and_then(|path| routes.door(path.as_str()));
        Self {
            person: is_for_a_person(door, request.headers())
                .then(|| language(state, request.headers())),
            request_id: sender.map(|sender| sender.request_id.clone()).unwrap_or_default(),
        }
    }
}

/// Writes the body of every problem.
pub(super) async fn explain(state: &AppState, reader: &Reader, response: Response) -> Response {
    let Some(problem) = problem(&response) else { return response };
    if let Some(metrics) = &state.metrics {
        metrics.refused(problem.kind);
    }
    if response.extensions().get::<Explained>().is_some() {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    parts.status = problem.kind.status;
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::CONTENT_TYPE);
    let body = match reader.person {
        Some(language) => {
            app::problem_page(state, language, problem.kind, &reader.request_id).await
        }
        None => problem_details(&problem, &reader.request_id),
    };
    let (body_parts, body) = body.into_parts();
    parts.headers.extend(body_parts.headers);
    Response::from_parts(parts, body)
}

/// Our own problems; and answers of libraries that are errors without saying so in our way.
fn problem(response: &Response) -> Option<Problem> {
    if let Some(problem) = response.extensions().get::<Problem>() {
        return Some(problem.clone());
    }
    let status = response.status();
    let kind = || KINDS.iter().copied().find(|kind| kind.status == status).unwrap_or(INTERNAL);
    (status.is_client_error() || status.is_server_error())
        .then(|| Problem { kind: kind(), errors: Vec::new() })
}

/// On a problem that has its own body: a form with its errors.
#[derive(Clone)]
pub struct Explained;

fn problem_details(problem: &Problem, request_id: &RequestId) -> Response {
    let details = ProblemDetails {
        kind: format!("/problems/{}", problem.kind.slug),
        title: problem.kind.title(Language::English),
        status: problem.kind.status.as_u16(),
        detail: problem.kind.detail(Language::English),
        request_id: request_id.to_string(),
        errors: problem.errors.iter().map(ProblemField::from).collect(),
    };
    let content_type = HeaderValue::from_static("application/problem+json; charset=utf-8");
    ([(header::CONTENT_TYPE, content_type)], Json(details)).into_response()
}

/// The language that somebody has chosen, or else the best of those that his browser asks for.
#[must_use]
pub fn language(state: &AppState, headers: &HeaderMap) -> Language {
    let chosen = state.cookies.language(headers);
    let accepted = || headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok();
    chosen
        .and_then(|tag| Language::of_tag(&tag))
        .or_else(|| Language::accepted(accepted()?))
        .unwrap_or(Language::English)
}

/// Whether an error is to be a page. Behind the doors for people it is one, unless JSON is asked
/// for; elsewhere only if HTML is, as browsers do.
#[must_use]
pub fn is_for_a_person(door: Option<Door>, headers: &HeaderMap) -> bool {
    match door {
        Some(Door::Page | Door::Form) => {
            accepts(headers, "text/html") || !accepts(headers, "application/json")
        }
        Some(Door::Json) => false,
        Some(Door::Asset) | None => accepts(headers, "text/html"),
    }
}

/// Whether `Accept` names this media type, and not to refuse it.
pub(super) fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
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
