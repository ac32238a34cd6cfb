//! The command that serves.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::start;
use crate::{
    accounts::settings::SignUpMode,
    factors, groups,
    keys::Keys,
    passkeys::{self, RelyingParty},
    platform::{
        clock,
        log::LogFormat,
        terminal::{Failure, say},
    },
    settings::Settings,
    store::{cli::open, settings::Database},
    web::telemetry,
};

pub(crate) async fn serve(settings: Settings) -> Result<(), Failure> {
    let _export = telemetry::start(settings.log.format, &settings.log.filter);
    for warning in settings.warnings() {
        tracing::warn!("{warning}");
    }
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let format = settings.log.format;
    let running = tokio::select! {
        started = start(settings) => match (started, format) {
            (Ok(running), _) => running,
            (Err(error), LogFormat::Text) => return Err(error.into()),
            (Err(error), LogFormat::Json) => {
                // The last line must be an object, too.
                tracing::error!("{error}");
                return Err(Failure(Vec::new()));
            }
        },
        // Nothing is in flight yet.
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };
    announce(format, &format!("Latchkey listens on http://{}", running.address));
    if running.state.public_url.origin() != format!("http://{}", running.address) {
        announce(format, &format!("Open {}", running.state.public_url.origin()));
    }
    if let Some(address) = running.admin {
        announce(format, &format!("The admin area is at http://{address}/admin"));
    }
    if groups::has_admin(&running.state.store).await.is_ok_and(|there_is| !there_is) {
        let how = match running.state.settings.accounts.sign_up {
            SignUpMode::Open => "Sign up, then run: latchkey user groups NAME --add admin",
            SignUpMode::Invited => "Run: latchkey invite add --group admin",
            SignUpMode::Closed => {
                "Start once with SIGN_UP=invited, and run: latchkey invite add --group admin"
            }
        };
        announce(format, &format!("Nobody administers this server yet. {how}"));
    }
    if let Some(address) = running.metrics {
        announce(format, &format!("Metrics are at http://{address}/metrics"));
    }
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping: requests in flight are finished first");
    // A second signal stops the server without waiting.
    tokio::select! {
        () = running.stop() => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// Warnings about second factors that no longer work with these settings. Without a database, or if it
/// is of another version, there are none.
pub(crate) async fn look_at_factors(settings: &Settings) -> Vec<String> {
    let looking = tokio::time::timeout(Duration::from_secs(3), look(settings));
    looking.await.unwrap_or_default()
}

async fn look(settings: &Settings) -> Vec<String> {
    let Ok(store) = open(&settings.store).await else { return Vec::new() };
    let home = RelyingParty::of(&settings.web.public_url_at(settings.web.listen().port()));
    // The secret beside the database is only made by the server.
    let secret = match (&settings.keys.secret, &settings.store.database) {
        (None, Database::Sqlite(path)) if !path.with_extension("secret").exists() => None,
        _ => settings.secret().ok(),
    };
    let keys = secret.and_then(|secret| Keys::new(&secret, settings.keys.previous.as_ref()).ok());
    let unreadable = match &keys {
        Some(keys) => factors::unreadable(&store, keys).await.unwrap_or_default(),
        None => factors::Unreadable::default(),
    };
    let strays = passkeys::strays(&store, &home).await.unwrap_or_default();
    store.close().await;
    factors::warnings(unreadable, strays, &home)
}

/// To the standard output, in the format of the log.
fn announce(format: LogFormat, text: &str) {
    match format {
        LogFormat::Text => say(text),
        LogFormat::Json => {
            let line = serde_json::json!({
                "timestamp": clock::rfc3339(clock::now()),
                "level": "INFO",
                "target": "latchkey",
                "message": text,
            });
            say(&line.to_string());
        }
    }
}
