//! Logs, and the id that ties every line about a request to its answer.
//!
//! What a client sends goes into a log only as a method, a route and numbers, never as text, so it
//! cannot add lines or fields (LG-02), and no password, token or cookie can get there (LG-03).

use std::{fmt, net::SocketAddr, sync::Arc, time::Instant};

use axum::{
    extract::{ConnectInfo, MatchedPath, Request},
    http::{HeaderValue, Method},
    middleware::Next,
    response::Response,
};
use tracing::Instrument;
use tracing_subscriber::EnvFilter;

use super::{client, config::LogFormat, random, state::AppState};

/// 128 random bits. Never taken from the client.
#[derive(Clone, Default)]
pub struct RequestId(Arc<str>);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Logs to the standard error, for the life of the process.
pub fn start(format: LogFormat, filter: &str) {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => {
            builder.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init();
        }
        LogFormat::Json => builder.json().flatten_event(true).with_span_list(false).init(),
    }
    // The place, and not the message: it may hold what a user sent.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panicked");
    }));
}

/// The methods that HTTP names. Any other is a stranger's text.
fn method(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] =
        ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("(other)")
}

pub(super) async fn trace(state: AppState, mut request: Request, next: Next) -> Response {
    // Without randomness there is no session either; the request goes on and will say so.
    let id = RequestId(random::text().unwrap_or_default().into());
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let client =
        peer.map(|peer| client::address(peer, request.headers(), &state.settings.trusted_proxies));
    let span = tracing::info_span!(
        "request",
        request_id = %id,
        method = method(request.method()),
        route = route.as_deref().unwrap_or("(none)"),
        client = client.map(tracing::field::display),
    );
    request.extensions_mut().insert(id.clone());
    async move {
        let start = Instant::now();
        let mut response = next.run(request).await;
        let status = response.status().as_u16();
        let ms = start.elapsed().as_secs_f64() * 1000.0;
        tracing::info!(status, ms = (ms * 10.0).round() / 10.0, "answered");
        if let Ok(value) = HeaderValue::try_from(id.to_string()) {
            response.headers_mut().insert("x-request-id", value);
        }
        response
    }
    .instrument(span)
    .await
}
