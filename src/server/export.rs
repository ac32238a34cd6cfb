//! The export of traces by OpenTelemetry: OTLP over HTTP, behind the cargo feature `otel`.
//!
//! It is set by OpenTelemetry's own variables, `OTEL_EXPORTER_OTLP_ENDPOINT` above all
//! (<https://opentelemetry.io/docs/specs/otel/protocol/exporter/>), which its library reads; without
//! an endpoint nothing is exported. A trace holds what the log holds at its usual level, whatever
//! `RUST_LOG` says, and nothing else: a span for each request, with the lines about it as events.
//! Every request begins a trace of its own: what a client says about traces is not believed.

use opentelemetry::{
    Key,
    trace::{Status, TraceContextExt, TracerProvider},
};
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::{
    Resource,
    trace::{SdkTracerProvider, Tracer},
};
use tracing::{Span, Subscriber, level_filters::LevelFilter};
use tracing_opentelemetry::{OpenTelemetryLayer, OpenTelemetrySpanExt};
use tracing_subscriber::{
    Layer,
    filter::{Filtered, Targets},
    registry::LookupSpan,
};

use crate::server::config;

/// Exports until it is dropped; then it sends what is left.
pub struct Export(Option<SdkTracerProvider>);

impl Export {
    pub const IS_BUILT_IN: bool = true;

    /// A layer for the traces, and what keeps the export going. An endpoint that cannot be used is
    /// told, and is no reason not to serve.
    #[must_use]
    pub fn start<S>() -> (Option<Filtered<OpenTelemetryLayer<S, Tracer>, Targets, S>>, Self)
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        if !config::exports_traces() {
            return (None, Self(None));
        }
        let exporter = match SpanExporter::builder().with_http().build() {
            Ok(exporter) => exporter,
            Err(error) => {
                // Nobody listens to the log yet.
                use std::io::Write;
                _ = writeln!(std::io::stderr(), "traces cannot be exported: {error}");
                return (None, Self(None));
            }
        };
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource())
            .build();
        let layer = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("latchkey"))
            .with_location(false)
            .with_threads(false);
        let ours = Targets::new().with_target("latchkey", LevelFilter::INFO);
        (Some(layer.with_filter(ours)), Self(Some(provider)))
    }

    /// How a request was answered, in OpenTelemetry's words
    /// (<https://opentelemetry.io/docs/specs/semconv/http/http-spans/>).
    pub fn answered(span: &Span, method: &'static str, route: &str, status: u16) {
        span.context().span().update_name(format!("{method} {route}"));
        span.set_attribute("http.request.method", method);
        span.set_attribute("http.route", route.to_owned());
        span.set_attribute("http.response.status_code", i64::from(status));
        if status >= 500 {
            span.set_attribute("error.type", status.to_string());
            span.set_status(Status::error(""));
        }
    }
}

/// What the traces are of: `latchkey`, unless the variables give it another name.
fn resource() -> Resource {
    let told = Resource::builder().build();
    let name = told.get(&Key::new("service.name"));
    if name.is_some_and(|name| !name.as_str().starts_with("unknown_service")) {
        return told;
    }
    Resource::builder().with_service_name("latchkey").build()
}

impl Drop for Export {
    fn drop(&mut self) {
        if let Some(provider) = self.0.take()
            && let Err(error) = provider.shutdown()
        {
            tracing::warn!(%error, "the last traces were not exported");
        }
    }
}
