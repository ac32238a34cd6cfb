//! The export of traces by OpenTelemetry: OTLP over HTTP, behind the cargo feature `otel`.
//!
//! Configured by OpenTelemetry's own variables, mainly `OTEL_EXPORTER_OTLP_ENDPOINT`
//! (<https://opentelemetry.io/docs/specs/otel/protocol/exporter/>), which its library reads;
//! without an endpoint nothing is exported. A trace has the same content as the log at its default
//! level, whatever `RUST_LOG` says: a span for each request, with its log lines as events and the
//! response in OpenTelemetry's terms, but not the requested path. Every request starts its own
//! trace: trace headers from clients are ignored.

use opentelemetry::{
    Key, KeyValue,
    trace::{Status, TraceContextExt, TracerProvider},
};
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tracing::{Span, Subscriber, level_filters::LevelFilter};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{Layer, filter::Targets, registry::LookupSpan};

use crate::platform::settings;

/// Exports until dropped, then sends the rest.
pub struct Export(Option<SdkTracerProvider>);

impl Export {
    pub const IS_BUILT_IN: bool = true;

    /// The span kind of a request.
    pub const KIND: Option<&str> = Some("server");

    /// The layer for traces, and a guard that keeps the export running. An unusable endpoint is
    /// reported, but doesn't stop the server.
    #[must_use]
    pub fn start<S>() -> (Option<impl Layer<S>>, Self)
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        if !settings::exports_traces() {
            return (None, Self(None));
        }
        let exporter = match SpanExporter::builder().with_http().build() {
            Ok(exporter) => exporter,
            Err(error) => {
                // The log isn't set up yet.
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

    /// Records the response to a request in OpenTelemetry's terms
    /// (<https://opentelemetry.io/docs/specs/semconv/http/http-spans/>).
    pub fn answered(span: &Span, method: &'static str, route: Option<&str>, status: u16) {
        let context = span.context();
        let traced = context.span();
        if !traced.is_recording() {
            return;
        }
        let name = if method == "_OTHER" { "HTTP" } else { method };
        if let Some(route) = route {
            traced.update_name(format!("{name} {route}"));
            traced.set_attribute(KeyValue::new("http.route", route.to_owned()));
        } else {
            traced.update_name(name);
        }
        traced.set_attribute(KeyValue::new("http.request.method", method));
        traced.set_attribute(KeyValue::new("http.response.status_code", i64::from(status)));
        if status >= 500 {
            traced.set_attribute(KeyValue::new("error.type", status.to_string()));
            traced.set_status(Status::error(""));
        }
    }
}

/// The service name of the traces: `latchkey`, unless the variables set another one.
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
