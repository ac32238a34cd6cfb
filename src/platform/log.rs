//! The format and the filter of the log.

use crate::platform::settings::settings;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

settings! {
    /// The settings of the log.
    pub struct LogSettings {
        format: LogFormat = or("LOG_FORMAT", "text", format),
            "text, or json: one object per line";
        filter: String = or("RUST_LOG", "info", filter),
            "what to log", "For example info or latchkey=debug.";
    }
}

fn format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("must be text or json".into()),
    }
}

/// In the syntax of `tracing_subscriber::EnvFilter`.
fn filter(text: &str) -> Result<String, String> {
    match text.parse::<tracing_subscriber::EnvFilter>() {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("is not a log filter; try info or latchkey=debug".into()),
    }
}
