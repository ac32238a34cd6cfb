//! Metrics for Prometheus, on a separate listener: `METRICS_ADDR`, off unless set (CF-02).
//!
//! Names and units follow OpenTelemetry's semantic conventions where there are any. Labels contain
//! nothing that a client can choose: only methods, routes, statuses and kinds of problems.

use std::sync::atomic::Ordering::Relaxed;
use std::{fmt, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, text::encode},
    metrics::{
        MetricType,
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::ConstGauge,
        histogram::Histogram,
    },
    registry::{Registry, Unit},
};
use tokio::{net::TcpListener, sync::watch};

use crate::{
    outbox::work::Delivered,
    web::{connections, problem_kinds::ProblemKind, state::AppState},
};

/// Upper bounds, in seconds: a read takes less than a millisecond, a hash tens of them, and waiting
/// in the hashing queue takes seconds.
const BUCKETS: [f64; 12] =
    [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

/// The numbers counted while requests are answered. The rest is read when the metrics are asked
/// for.
pub struct Metrics {
    requests: Family<Request, Histogram>,
    refusals: Family<RefusalLabels, Counter>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Request {
    http_request_method: &'static str,
    http_route: String,
    http_response_status_code: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RefusalLabels {
    kind: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            requests: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            refusals: Family::default(),
        }
    }
}

impl Metrics {
    /// Records the answer to a request with a method of HTTP, to a route of ours.
    pub(crate) fn answered(&self, method: &'static str, route: &str, status: u16, time: Duration) {
        let labels = Request {
            http_request_method: method,
            http_route: route.to_owned(),
            http_response_status_code: status,
        };
        self.requests.get_or_create(&labels).observe(time.as_secs_f64());
    }

    pub(crate) fn refused(&self, kind: ProblemKind) {
        self.refusals.get_or_create(&RefusalLabels { kind: kind.slug }).inc();
    }
}

/// The values that are looked up when the metrics are read.
struct Now(AppState);

impl fmt::Debug for Now {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Now")
    }
}

impl Collector for Now {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Self(state) = self;
        let mut gauge = |name: &str, help: &str, value: usize| {
            let encoder = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX)).encode(encoder)
        };
        let (waiting, places) = state.passwords.queue();
        gauge("latchkey_hashing_queue", "Passwords that wait to be hashed", waiting)?;
        gauge("latchkey_hashing_queue_limit", "How many may wait", places)?;
        let (open, idle) = state.store.connections();
        gauge("latchkey_database_connections", "Open connections to the database", open)?;
        gauge("latchkey_database_connections_idle", "Those that nobody uses", idle)?;
        let up = usize::from(!state.store.is_away());
        gauge("latchkey_database_up", "1 if the database answers, else 0", up)?;
        let (sessions, bytes) = state.live_sessions.kept();
        gauge("latchkey_sessions_kept", "Live sessions that this node keeps", sessions)?;
        gauge("latchkey_sessions_kept_bytes", "The memory they take, as reckoned", bytes)?;
        let mut counter = |name: &str, help: &str, value: u64| {
            let encoder = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            ConstCounter::new(value).encode(encoder)
        };
        let (outages, refused) = state.store.outages();
        counter("latchkey_database_outages", "Times the database went away", outages)?;
        counter("latchkey_database_refused", "Work refused while it was away", refused)?;
        counter("latchkey_hashes", "Passwords hashed", state.passwords.hashed())?;
        if let Some(mail) = &state.mail {
            let Delivered { sent, deferred, failed } = &mail.delivered;
            counter("latchkey_mail_sent", "Mails sent", sent.load(Relaxed))?;
            counter("latchkey_mail_deferred", "Tries that failed for now", deferred.load(Relaxed))?;
            counter("latchkey_mail_failed", "Mails given up", failed.load(Relaxed))?;
        }
        Ok(())
    }
}

/// Serves `GET /metrics`, until `stopped`.
pub(crate) async fn serve(state: AppState, listener: TcpListener, stopped: watch::Receiver<bool>) {
    let mut registry = Registry::default();
    if let Some(Metrics { requests, refusals }) = &state.metrics {
        registry.register_with_unit(
            "http_server_request_duration",
            "Time from the head of a request to the head of its answer",
            Unit::Seconds,
            requests.clone(),
        );
        registry.register("latchkey_refusals", "Requests refused, by kind", refusals.clone());
    }
    registry.register_collector(Box::new(Now(state)));
    let router = Router::new().route("/metrics", get(read)).with_state(Arc::new(registry));
    connections::serve(listener, router, stopped).await;
}

async fn read(State(registry): State<Arc<Registry>>) -> Response {
    let mut text = String::new();
    match encode(&mut text, &registry) {
        Ok(()) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
