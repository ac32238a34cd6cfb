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
    error::{Error, Fault, Refusal},
    routes::{Door, Routes},
    state::AppState,
    telemetry::RequestId,
};
use crate::{
    app,
    domain::{Code, FieldError},
};

/// Seconds after which to try again, when we are overloaded or the database is away.
const RETRY_AFTER: &str = "2";

/// A kind of problem: what `type` points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProblemKind {
    pub slug: &'static str,
    pub status: StatusCode,
    pub title: &'static str,
    pub detail: &'static str,
}

macro_rules! kinds {
    ($($name:ident: $status:ident, $slug:literal, $title:literal, $detail:literal;)*) => {
        $(const $name: ProblemKind = ProblemKind {
            slug: $slug,
            status: StatusCode::$status,
            title: $title,
            detail: $detail,
        };)*

        /// Every kind there is, in the order of their status.
        pub const KINDS: &[ProblemKind] = &[$($name),*];
    };
}

kinds! {
    INVALID_INPUT: BAD_REQUEST, "invalid-input", "Invalid input",
        "At least one field is missing, of the wrong type or against its rule";
    MALFORMED_JSON: BAD_REQUEST, "malformed-json", "Malformed JSON",
        "The body must be one JSON text, without duplicate names, nested at most 32 deep";
    MALFORMED_FORM: BAD_REQUEST, "malformed-form", "Malformed form",
        "The body is not what the form on the page sends";
    MALFORMED_BODY: BAD_REQUEST, "malformed-body", "Malformed body",
        "The body broke off, or its chunks are broken";
    USERNAME_TAKEN: BAD_REQUEST, "username-taken", "Username taken", "Username exists";
    INVALID_CREDENTIALS: BAD_REQUEST, "invalid-credentials", "Invalid credentials",
        "Invalid Login Credentials";
    UNAUTHORIZED: UNAUTHORIZED, "unauthorized", "Not signed in",
        "This needs a signed-in account: send an access token or the session cookie";
    CROSS_ORIGIN: FORBIDDEN, "cross-origin", "Cross-origin request",
        "What changes something must come from a page of this site";
    STALE_FORM: FORBIDDEN, "stale-form", "The form is too old",
        "The form belongs to another session. Load the page again and send it once more";
    NOT_FOUND: NOT_FOUND, "not-found", "Not found", "There is nothing at this address";
    METHOD_NOT_ALLOWED: METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed",
        "This address takes other methods, named in Allow";
    REQUEST_TIMEOUT: REQUEST_TIMEOUT, "request-timeout", "Request timeout",
        "The body did not arrive in time";
    CONTENT_TOO_LARGE: PAYLOAD_TOO_LARGE, "content-too-large", "Content too large",
        "The body must be at most 16 KiB";
    UNSUPPORTED_MEDIA_TYPE: UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type",
        "Unsupported media type", "The body must be application/json in UTF-8, and not compressed";
    MISDIRECTED_REQUEST: MISDIRECTED_REQUEST, "misdirected-request", "Misdirected request",
        "This server does not answer for the host that was asked for";
    INTERNAL: INTERNAL_SERVER_ERROR, "internal", "Internal error",
        "Something went wrong on our side. The request id helps to find out what";
    UNAVAILABLE: SERVICE_UNAVAILABLE, "unavailable", "Unavailable",
        "The service is busy. Try again in a moment";
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
    title: &'static str,
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    detail: &'static str,
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
        Self { field: error.field.name(), code: error.code.as_str(), message: error.message() }
    }
}

impl Refusal {
    #[must_use]
    pub fn kind(&self) -> ProblemKind {
        match self {
            Self::InvalidInput(_) => INVALID_INPUT,
            Self::MalformedJson => MALFORMED_JSON,
            Self::MalformedForm => MALFORMED_FORM,
            Self::MalformedBody => MALFORMED_BODY,
            Self::UsernameTaken => USERNAME_TAKEN,
            Self::InvalidCredentials => INVALID_CREDENTIALS,
            Self::Unauthorized { .. } => UNAUTHORIZED,
            Self::CrossOrigin => CROSS_ORIGIN,
            Self::StaleForm => STALE_FORM,
            Self::NotFound => NOT_FOUND,
            Self::MethodNotAllowed { .. } => METHOD_NOT_ALLOWED,
            Self::RequestTimeout => REQUEST_TIMEOUT,
            Self::ContentTooLarge => CONTENT_TOO_LARGE,
            Self::UnsupportedMediaType => UNSUPPORTED_MEDIA_TYPE,
            Self::MisdirectedRequest => MISDIRECTED_REQUEST,
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
    is_a_person: bool,
    request_id: RequestId,
}

impl Reader {
    pub(super) fn of(request: &Request, routes: &Routes) -> Self {
        let path = request.extensions().get::<MatchedPath>();
        let door = path.and_then(|path| routes.door(path.as_str()));
        Self {
            is_a_person: is_for_a_person(door, request.headers()),
            request_id: request.extensions().get::<RequestId>().cloned().unwrap_or_default(),
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
    let body = if reader.is_a_person {
        app::problem_page(state, problem.kind, &reader.request_id).await
    } else {
        problem_details(&problem, &reader.request_id)
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
        title: problem.kind.title,
        status: problem.kind.status.as_u16(),
        detail: problem.kind.detail,
        request_id: request_id.to_string(),
        errors: problem.errors.iter().map(ProblemField::from).collect(),
    };
    let content_type = HeaderValue::from_static("application/problem+json; charset=utf-8");
    ([(header::CONTENT_TYPE, content_type)], Json(details)).into_response()
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
fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
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
