//! The one layer around all routes: axum clones and boxes each layer for each request, so a single
//! one that calls functions in order is cheaper (BENCHMARKS.md).

use std::{panic::AssertUnwindSafe, time::Duration};

use axum::{
    Router,
    body::{Body, HttpBody},
    extract::{MatchedPath, Request},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::{Next, from_fn, map_response},
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use http_body_util::{BodyExt, Limited};
use tokio::time::timeout;

use super::{
    CROSS_ORIGIN,
    client::Sender,
    explain, guard,
    headers::{self, Openness},
    origin,
    routes::Door,
    sending::OneCopy,
    state::AppState,
    telemetry,
};
use crate::platform::{
    error::{Error, Fault, Refusal, Result},
    visit::{self, Visit},
};

/// The largest body, in bytes (DS-02).
const MAX_BODY: usize = 16 * 1024;

/// How much of an oversized body is read anyway: if a connection is closed before the client has
/// sent everything, the answer may be lost (RFC 9112, section 9.6).
const MAX_TAKEN_IN: usize = 256 * 1024;

/// How long to wait for it.
const LINGER: Duration = Duration::from_secs(1);

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Every route of a map, behind the checks that come before all of them. The state knows its
/// routes.
pub(crate) fn build(router: Router<AppState>, state: &AppState) -> Router {
    // Islands spawn effects, though these do nothing on the server. For a second router in one
    // process, this is already done.
    _ = any_spawner::Executor::init_tokio();
    let shared = state.clone();
    let inner = router.fallback(|| async { Error::from(Refusal::NotFound) });
    // One layer around every route and the fallback, in the function that builds the router: no
    // route can be added that bypasses the guard.
    let whole = inner
        .layer(from_fn(move |request, next| {
            telemetry::trace(shared.clone(), request, |state, request| answer(state, request, next))
        }))
        .with_state(state.clone());
    Router::new().fallback_service(whole).layer(map_response(without_methods))
}

/// axum tells the methods of every path that it knows, though the guard may have said that there is none.
async fn without_methods(mut response: Response) -> Response {
    if response.status() != StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().remove(header::ALLOW);
    }
    response
}

/// Handles every request: whatever happens to it, its answer says what was wrong and carries all
/// the headers.
async fn answer(state: AppState, request: Request, next: Next) -> Response {
    let audience = explain::Audience::of(&state, &request);
    let sender = request.extensions().get::<Sender>();
    let network = sender.and_then(|sender| sender.address).map(visit::counted_network);
    let network = network.unwrap_or_default();
    let door = request.extensions().get::<MatchedPath>();
    let door = door.and_then(|path| state.routes.door(path.as_str()));
    let openness = Openness::of(door, request.uri());
    let chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
    let entered = AssertUnwindSafe(enter(&state, request, next)).catch_unwind().await;
    let response = match entered {
        Ok(response) => response.into_response(),
        Err(_) => Error::from(Fault::internal("a handler panicked")).into_response(),
    };
    let response = explain::explain(&state, &audience, response).await;
    let mut response = count(&state, &audience, &network, response).await;
    headers::add(&state, response.headers_mut(), openness);
    let unread = [StatusCode::REQUEST_TIMEOUT, StatusCode::PAYLOAD_TOO_LARGE];
    if chunked || unread.contains(&response.status()) {
        // The rest of the request is not read (RFC 9110, section 15.5.9 and 15.5.14). After a
        // chunked body nobody looks for another request (`connections.rs`).
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Refuses a large answer to a client that reads too little of what is already being sent.
async fn count(
    state: &AppState,
    audience: &explain::Audience,
    network: &str,
    response: Response,
) -> Response {
    if response.extensions().get::<OneCopy>().is_some() {
        return response;
    }
    let (parts, body) = response.into_parts();
    match state.sending.counted(network, body) {
        Some(body) => Response::from_parts(parts, body),
        None => {
            let refused = Error::from(Refusal::Overloaded).into_response();
            explain::explain(state, audience, refused).await
        }
    }
}

/// The checks before every door, in this order.
async fn enter(state: &AppState, request: Request, next: Next) -> Result<Response> {
    let smuggles = {
        let sender = request.extensions().get::<Sender>();
        let connection = sender.and_then(|sender| sender.connection.as_ref());
        connection.is_some_and(|connection| connection.smuggles()) || encodes(request.headers())
    };
    if smuggles {
        return Err(Refusal::MalformedBody.into());
    }
    let request = read_body(request).await?;
    let sender = request.extensions().get::<Sender>();
    if let Some(connection) = sender.and_then(|sender| sender.connection.as_ref()) {
        connection.waits_for_us();
    }
    if let Some(preflight) = preflight(state, &request) {
        return Ok(preflight);
    }
    if let Err(refusal) = origin::check(state, &request) {
        if refusal == Refusal::CrossOrigin {
            let visit = Visit::of(state, request.headers(), request.extensions());
            state.throttle.audit_refusal(&state.store, &visit, CROSS_ORIGIN).await;
        }
        return Err(refusal.into());
    }
    guard::guard(state, request, next).await
}

/// The answer to a browser that asks on behalf of a page of another site (Fetch, section 3.2.2).
fn preflight(state: &AppState, request: &Request) -> Option<Response> {
    let path = request.extensions().get::<MatchedPath>()?;
    let is_open = state.routes.door(path.as_str()) == Some(Door::Open);
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Content-Type"),
        (header::ACCESS_CONTROL_MAX_AGE, "7200"),
    ];
    let asks = request.method() == Method::OPTIONS;
    (is_open && asks).then(|| (StatusCode::NO_CONTENT, headers).into_response())
}

/// Whether a body has an encoding other than chunked, or is chunked twice (RFC 9112, section 6.1).
fn encodes(headers: &HeaderMap) -> bool {
    let mut encodings = headers.get_all(header::TRANSFER_ENCODING).iter();
    match (encodings.next(), encodings.next()) {
        (None, _) => false,
        (Some(encoding), None) => !encoding.as_bytes().eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => true,
    }
}

/// Reads the whole body up front, so that no door can forget the limit.
async fn read_body(request: Request) -> Result<Request, Refusal> {
    if request.body().is_end_stream() {
        return Ok(request);
    }
    let (parts, mut body) = request.into_parts();
    let declared = parts
        .headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let expected = declared.map_or(0, |length| usize::try_from(length).unwrap_or(usize::MAX));
    let collected = if expected > MAX_BODY {
        Err(Refusal::ContentTooLarge)
    } else {
        let collected = timeout(BODY_TIMEOUT, collect(&mut body, expected)).await;
        collected.unwrap_or(Err(Refusal::RequestTimeout))
    };
    // A client that sent `Expect: 100-continue` gets its answer right away (RFC 9110, section
    // 10.1.1).
    let asks_first = parts.headers.contains_key(header::EXPECT);
    if collected == Err(Refusal::ContentTooLarge) && expected <= MAX_TAKEN_IN && !asks_first {
        _ = timeout(LINGER, take_in(body)).await;
    }
    Ok(Request::from_parts(parts, Body::from(collected?)))
}

/// Copies a body: the original keeps the buffers of its connection alive.
async fn collect(body: &mut Body, expected: usize) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::with_capacity(expected);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Refusal::MalformedBody)?.into_data() else { continue };
        if bytes.len() + data.len() > MAX_BODY {
            return Err(Refusal::ContentTooLarge);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

/// Reads the rest of a body, up to a limit, and discards it.
async fn take_in(body: Body) {
    let mut rest = Limited::new(body, MAX_TAKEN_IN);
    while let Some(Ok(_)) = rest.frame().await {}
}

#[cfg(test)]
mod tests {
    use tower_service::Service;

    use axum::routing::get;

    use super::*;
    use crate::{platform::settings::Sources, settings::Settings};

    #[tokio::test]
    async fn a_handler_that_panics_is_a_fault_like_any_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = format!("sqlite:{}", folder.path().join("latchkey.db").display());
        let sources = Sources::of(&[("DATABASE_URL", &database), ("PORT", "0")]);
        let settings = Settings::read(&sources).expect("good settings");
        let running = crate::server::start(settings).await.expect("a server");

        let panics = || async {
            std::panic::resume_unwind(Box::new("canary"));
            #[expect(unreachable_code, reason = "says what it would have answered")]
            StatusCode::OK
        };
        // The state lists this route as an open one.
        let mut router = build(Router::new().route("/healthz", get(panics)), &running.state);
        for _ in 0..2 {
            let request = Request::get("/healthz")
                .header(header::HOST, format!("localhost:{}", running.address.port()))
                .body(Body::empty())
                .expect("a request");
            let response = router.call(request).await.expect("an answer");
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
            for name in ["x-request-id", "x-content-type-options", "cache-control"] {
                assert!(response.headers().contains_key(name), "{name}");
            }
            let media_type = response.headers()[header::CONTENT_TYPE].to_str().expect("text");
            assert!(media_type.starts_with("application/problem+json"), "{media_type}");
            let body = response.into_body().collect().await.expect("a body").to_bytes();
            assert!(!String::from_utf8_lossy(&body).contains("canary"));
        }
    }
}
