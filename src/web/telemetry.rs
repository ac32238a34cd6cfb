//! Logs, and the id that ties every line about a request to its answer.
//!
//! Client input is logged only as methods, routes and numbers, never as text, so it can't add lines
//! or fields (LG-02), and no password, token or cookie can get into a log (LG-03).

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderValue, Method},
    response::Response,
};
use tracing::Instrument;
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    export::Export,
    platform::{log::LogFormat, settings, visit::RequestId},
    web::{
        client::{self, Sender},
        connections::Connection,
        state::AppState,
    },
};

/// Logs to standard error, and exports traces if that is built in and enabled, until the returned
/// value is dropped.
#[must_use]
pub fn start(format: LogFormat, filter: &str) -> Export {
    let (traces, export) = Export::start();
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match format {
        LogFormat::Text => {
            lines.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).boxed()
        }
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
    };
    let filter = EnvFilter::new(filter);
    let registry = tracing_subscriber::registry();
    // A filter for each layer costs every request more than one filter for all.
    match traces {
        Some(traces) => registry.with(lines.with_filter(filter)).with(traces).init(),
        None => registry.with(lines).with(filter).init(),
    }
    // The place, not the message, which may contain user input.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panicked");
    }));
    if settings::exports_traces() && !Export::IS_BUILT_IN {
        tracing::warn!("traces are not exported: this needs a build with the cargo feature otel");
    }
    export
}

/// The methods that HTTP defines. Any other is the client's text.
fn method(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] =
        ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("_OTHER")
}

/// Wraps everything that happens to a request.
pub(crate) async fn trace<A: Future<Output = Response>>(
    state: AppState,
    mut request: Request,
    answer: impl FnOnce(AppState, Request) -> A,
) -> Response {
    let start = Instant::now();
    let id = RequestId::new();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let matched = route.as_ref().map(MatchedPath::as_str);
    let route = matched.unwrap_or("(none)");
    let method = method(request.method());
    let connection = request.extensions_mut().remove::<Arc<Connection>>();
    let address = connection.as_ref().map(|connection| {
        let settings = &state.settings;
        let (trusted, header) = (&settings.web.trusted_proxies, settings.web.forwarded_header);
        client::address(connection.peer(), request.headers(), trusted, header)
    });
    let span = tracing::info_span!(
        "request",
        request_id = %id,
        method,
        route,
        client = address.map(tracing::field::display),
        otel.kind = Export::KIND,
    );
    request.extensions_mut().insert(Sender { request_id: id.clone(), address, connection });
    let mut response = answer(state.clone(), request).instrument(span.clone()).await;

    let (status, time) = (response.status().as_u16(), start.elapsed());
    if let Some(metrics) = &state.metrics {
        metrics.answered(method, route, status, time);
    }
    Export::answered(&span, method, matched, status);
    let ms = (time.as_secs_f64() * 10_000.0).round() / 10.0;
    let _entered = span.entered();
    // Most requests are successful reads; and while the database is unavailable, every request is
    // refused. Both can be counted and need not be logged one by one.
    let went_well = status < 400 && ["GET", "HEAD"].contains(&method);
    if went_well || (status == 503 && state.store.is_away()) {
        tracing::debug!(status, ms, "answered");
    } else {
        tracing::info!(status, ms, "answered");
    }
    if let Ok(value) = HeaderValue::try_from(id.as_str()) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}
