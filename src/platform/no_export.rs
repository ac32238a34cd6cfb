//! Replaces `export.rs` in builds without the cargo feature `otel`: exports nothing.

use tracing::Span;
use tracing_subscriber::layer::Identity;

pub struct Export;

impl Export {
    pub const IS_BUILT_IN: bool = false;
    pub const KIND: Option<&str> = None;

    #[must_use]
    pub fn start() -> (Option<Identity>, Self) {
        (None, Self)
    }

    pub fn answered(_: &Span, _: &'static str, _: Option<&str>, _: u16) {}
}
