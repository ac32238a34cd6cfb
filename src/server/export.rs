//! The export of traces by OpenTelemetry: OTLP over HTTP, behind the cargo feature `otel`.
//!
//! It is set by OpenTelemetry's own variables, `OTEL_EXPORTER_OTLP_ENDPOINT` above all
//! (<https://opentelemetry.io/docs/specs/otel/protocol/exporter/>), which its library reads; without
//! an endpoint nothing is exported. A trace holds what the log holds, and nothing else: a span for
//! each request, with the lines about it as events. Every request begins a trace of its own: what
//! a client says about traces is not believed.

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::{
    Resource,
    trace::{SdkTracerProvider, Tracer},
};
use tracing::Subscriber;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::registry::LookupSpan;

use crate::server::config;

/// Exports until it is dropped; then it sends what is left.
pub struct Export(Option<SdkTracerProvider>);

impl Export {
    pub const IS_BUILT_IN: bool = true;

    /// A layer for the traces, and what keeps the export going. An endpoint that cannot be used is
    /// told, and is no reason not to serve.
    #[must_use]
    pub fn start<S>() -> (Option<OpenTelemetryLayer<S, Tracer>>, Self)
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
        let resource = Resource::builder().with_service_name(config::service_name()).build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .build();
        let layer = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("latchkey"))
            .with_location(false)
            .with_threads(false);
        (Some(layer), Self(Some(provider)))
    }
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
