//! The API of administration, for administrators and for programs with an API key.

mod apps;
mod audit;
mod groups;
mod invitations;
mod outbox;
mod users;
mod webhooks;

use axum::{
    Json,
    body::Bytes,
    extract::{FromRequestParts, Query, rejection::QueryRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::IntoParams;

use super::{
    read_place,
    repeatable::{self, Repeatable},
};
use crate::{
    audit::Authority,
    authority::Admin,
    domain::{Code, Field},
    platform::{
        clock::seconds_of,
        error::{Error, Fault, Refusal, Result},
        visit::Visit,
    },
    web::{routes::Map, state::AppState, strict_json as strict},
};

pub(crate) fn routes(map: &mut Map) {
    users::routes(map);
    groups::routes(map);
    invitations::routes(map);
    apps::routes(map);
    audit::routes(map);
    outbox::routes(map);
    webhooks::routes(map);
}

/// Handlers that change something take the authority of the caller. A person without a recent proof is refused.
impl FromRequestParts<AppState> for Authority {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        // The guard admits nobody else.
        let admin = parts.extensions.get::<Admin>().ok_or(Refusal::NotFound)?;
        let visit = Visit::of(state, &parts.headers, &parts.extensions);
        Ok(admin.authority(state.settings.sessions.proof_ttl, &visit)?)
    }
}

/// A page of a listing.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// The `next` of the previous answer.
    #[serde(default)]
    #[param(required = false, nullable = false)]
    after: Option<String>,
    /// The maximum number of entries, 1 to 200.
    #[serde(default)]
    #[param(required = false, nullable = false, value_type = i64, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
}

/// The default number of entries per page, and the maximum.
const PAGE: i64 = 50;
const MAX_PAGE: i64 = 200;

/// The number of entries asked for.
fn limit(limit: Option<&str>) -> Result<i64, Refusal> {
    let Some(limit) = limit else { return Ok(PAGE) };
    let limit = limit.parse().ok().filter(|limit| (1..=MAX_PAGE).contains(limit));
    limit.ok_or(Refusal::of_field(Field::LIMIT, Code::OutOfRange))
}

/// A query that can be read.
fn query<T>(query: std::result::Result<Query<T>, QueryRejection>) -> Result<T, Refusal> {
    query.map(|Query(query)| query).map_err(|_| Refusal::InvalidInput(Vec::new()))
}

/// The place in a listing by time to go on after.
fn asked_place(after: Option<&str>) -> Result<Option<(i64, String)>, Refusal> {
    let bad = Refusal::of_field(Field::AFTER, Code::OutOfRange);
    after.map(|after| read_place(after).ok_or(bad)).transpose()
}

/// Takes an optional list of strings.
fn texts(
    members: &mut serde_json::Map<String, Value>,
    name: &str,
) -> Result<Option<Vec<String>>, Code> {
    match members.remove(name) {
        None => Ok(None),
        Some(Value::Array(items)) => items
            .into_iter()
            .map(|item| match item {
                Value::String(text) => Ok(text),
                _ => Err(Code::WrongType),
            })
            .collect::<Result<Vec<_>, _>>()
            .map(Some),
        Some(_) => Err(Code::WrongType),
    }
}

/// Takes an optional flag.
fn flag(members: &mut serde_json::Map<String, Value>, name: &str) -> Result<Option<bool>, Code> {
    match members.remove(name) {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(flag)),
        Some(_) => Err(Code::WrongType),
    }
}

/// Takes an optional number.
fn whole(members: &mut serde_json::Map<String, Value>, name: &str) -> Result<Option<i64>, Code> {
    match members.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(number) => number.as_i64().map(Some).ok_or(Code::WrongType),
    }
}

/// Takes an optional time, as in RFC 3339.
fn time(members: &mut serde_json::Map<String, Value>, name: &str) -> Result<Option<i64>, Code> {
    match members.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => seconds_of(&text).map(Some).ok_or(Code::WrongType),
        Some(_) => Err(Code::WrongType),
    }
}

/// Takes an optional text. `null` is none.
fn text(members: &mut serde_json::Map<String, Value>, name: &str) -> Result<Option<String>, Code> {
    match members.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Code::WrongType),
    }
}

/// Names a field that can't be read.
fn of<T>(field: Field, read: Result<T, Code>) -> Result<T, Refusal> {
    read.map_err(|code| Refusal::of_field(field, code))
}

/// Answers a request that makes something: once, however often it comes with the same `Idempotency-Key`. `answer`
/// gets the members of the body.
async fn once<T: Serialize>(
    state: &AppState,
    authority: &Authority,
    path: &str,
    (headers, body): (HeaderMap, Bytes),
    answer: impl AsyncFnOnce(serde_json::Map<String, Value>) -> Result<(StatusCode, T)>,
) -> Result<Response> {
    let members = object(&headers, &body)?;
    let request = format!("{path}\n{}", String::from_utf8_lossy(&body));
    once_of(state, authority, &headers, &request, answer(members)).await
}

/// The members of a body, which must be an object.
fn object(headers: &HeaderMap, body: &Bytes) -> Result<serde_json::Map<String, Value>, Refusal> {
    let members = strict::object(headers, body)?;
    match body.trim_ascii_start().starts_with(b"{") {
        true => Ok(members),
        false => Err(Refusal::MalformedJson),
    }
}

/// The same without a body. `request`: all that was asked.
async fn once_of<T: Serialize>(
    state: &AppState,
    authority: &Authority,
    headers: &HeaderMap,
    request: &str,
    answer: impl Future<Output = Result<(StatusCode, T)>>,
) -> Result<Response> {
    let (store, keys) = (&state.store, &*state.keys);
    let key = headers.get("idempotency-key").map(|key| key.to_str().unwrap_or_default().to_owned());
    let first = match key {
        None => None,
        Some(key) => {
            match repeatable::look_up(store, keys, &key, authority.actor(), request).await? {
                Repeatable::First(first) => Some(first),
                Repeatable::Again(status, text) => return Ok(again(status, text)),
            }
        }
    };
    match (answer.await, first) {
        (Ok((status, answer)), None) => Ok((status, Json(answer)).into_response()),
        (Ok((status, answer)), Some(first)) => {
            let text = serde_json::to_string(&answer).map_err(Fault::internal)?;
            first.answered(store, keys, status.as_u16(), &text).await?;
            Ok(json(status, text))
        }
        (Err(error), first) => {
            if let (Some(first), Error::Refusal(_)) = (first, &error) {
                first.refused(store).await?;
            }
            Err(error)
        }
    }
}

/// The answer of an earlier request.
fn again(status: u16, text: String) -> Response {
    let mut answer = json(StatusCode::from_u16(status).unwrap_or(StatusCode::OK), text);
    answer.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
    answer
}

fn json(status: StatusCode, text: String) -> Response {
    let content_type = HeaderValue::from_static("application/json");
    (status, [(header::CONTENT_TYPE, content_type)], text).into_response()
}
