//! The server: everything that a browser never sees. The rooms are in the order of a request's way.

use std::{io, net::SocketAddr, num::NonZero, sync::Arc, time::Duration};

use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    task::JoinHandle,
};

pub mod config;
pub mod error;
pub mod state;

pub mod access;
pub mod client;
mod connections;
pub mod headers;
pub mod origin;
pub mod router;
pub mod routes;
pub mod telemetry;

pub mod assets;
pub mod forms;
pub mod json;
mod media_type;
pub mod openapi;
pub mod reply;

pub mod accounts;
pub mod audit;
pub mod clock;
pub mod cookies;
pub mod live_sessions;
pub mod macs;
pub mod metrics;
pub mod operator;
pub mod own_account;
pub mod passwords;
pub mod random;
pub mod refresh_tokens;
pub mod sessions;
pub mod store;
pub mod throttle;

use audit::{Act, By, Event};
use config::{Database, Secret, Settings};
use cookies::Cookies;
use error::Fault;
use live_sessions::LiveSessions;
use macs::Macs;
use media_type::media_type;
use metrics::Metrics;
use routes::Routes;
use sessions::Sessions;
use state::{AppState, Shared};
use store::{SetUpLock, Store};
use throttle::Throttle;

/// How long requests in flight may take to finish after the signal to stop.
const GRACE: Duration = Duration::from_secs(10);

/// How often sessions that are over are forgotten.
const CLEANING: Duration = Duration::from_secs(600);

/// Why the server did not start. The text is for the operator, one line.
#[derive(Debug)]
pub struct StartError(String);

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StartError {}

impl From<store::OpenError> for StartError {
    fn from(error: store::OpenError) -> Self {
        Self(error.to_string())
    }
}

/// A server that listens.
pub struct Running {
    pub address: SocketAddr,
    /// Where the metrics are, if they are served.
    pub metrics: Option<SocketAddr>,
    pub state: AppState,
    pub routes: Arc<Routes>,
    stop: watch::Sender<bool>,
    served: JoinHandle<()>,
}

/// Opens the database, applies what is pending, and listens.
pub async fn start(settings: Settings) -> Result<Running, StartError> {
    let lock = SetUpLock::wait(&settings.database)?;
    let store = Store::open(&settings.database, &lock).await?;
    let applied = store.migrate_up().await?;
    if applied > 0 {
        tracing::info!(applied, "migrations applied");
    }
    let secret = secret(&settings)?;
    drop(lock);
    let (listener, address) = listen("HOST and PORT", settings.listen).await?;
    let metrics = match settings.metrics {
        Some(address) => Some(listen("METRICS_ADDR", address).await?),
        None => None,
    };
    let assets = assets::Assets::find().map_err(|fault| StartError(format!("{fault:?}")))?;
    if assets.bundle.is_none() {
        tracing::info!("the browser bundle is not built in; every page works without it");
    }

    let public_url = settings.public_url_at(address.port());
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let passwords = passwords::Passwords::new(cores)
        .map_err(|error| StartError(format!("no threads for hashing: {error}")))?;
    let cookies = Cookies::new(&public_url);
    let openapi = openapi::document(&public_url, &cookies);
    let state = AppState::new(Shared {
        openapi_json: serde_json::to_vec(&openapi)
            .map_err(|error| StartError(format!("the OpenAPI document: {error}")))?
            .into(),
        openapi,
        docs: Default::default(),
        cookies,
        macs: Macs::new(&secret, settings.jwt_secret_previous.as_ref()),
        throttle: Throttle::new(&settings),
        downloads: Semaphore::new(1),
        sessions: Sessions::new(&settings, &public_url, &secret),
        live_sessions: Arc::new(LiveSessions::new(store.clone())),
        metrics: metrics.is_some().then(Metrics::default),
        passwords,
        port: address.port(),
        public_url,
        settings,
        store,
        assets,
    });
    connections::raise_file_limit();
    let (router, routes) = router::build(&state);
    let (stop, stopped) = watch::channel(false);
    let served = tokio::spawn(connections::serve(listener, router, stopped));
    tokio::spawn(clean(state.clone(), stop.subscribe()));
    let (live_sessions, stopped) = (state.live_sessions.clone(), stop.subscribe());
    tokio::spawn(async move { live_sessions.watch(stopped).await });
    let metrics = metrics.map(|(listener, address)| {
        tokio::spawn(metrics::serve(state.clone(), listener, stop.subscribe()));
        address
    });
    Ok(Running { address, metrics, state, routes, stop, served })
}

/// The key of all tokens: the one that is set, or the one beside the SQLite file.
pub fn secret(settings: &Settings) -> Result<Secret, StartError> {
    match (&settings.jwt_secret, &settings.database) {
        (Some(secret), _) => Ok(secret.clone()),
        (None, Database::Sqlite(path)) => Secret::beside(path)
            .map_err(|error| StartError(format!("the secret beside the database: {error}"))),
        (None, Database::Postgres(_)) => {
            Err(StartError("JWT_SECRET is required with PostgreSQL".to_owned()))
        }
    }
}

async fn listen(name: &str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let fail =
        |error: io::Error| StartError(format!("{name}: cannot listen on {address}: {error}"));
    let listener = TcpListener::bind(address).await.map_err(fail)?;
    let address = listener.local_addr().map_err(fail)?;
    Ok((listener, address))
}

impl Running {
    /// Takes no new request, finishes those in flight if they are quick enough, and closes the
    /// database.
    pub async fn stop(mut self) {
        _ = self.stop.send(true);
        if tokio::time::timeout(GRACE, &mut self.served).await.is_err() {
            self.served.abort();
            tracing::warn!("some requests were cut off: they took longer than the time to stop");
        }
        self.state.store.close().await;
    }
}

/// Forgets what is over, and deletes the accounts whose time has come: at the start and every now
/// and then.
async fn clean(state: AppState, mut stopped: watch::Receiver<bool>) {
    loop {
        if let Err(fault) = clean_once(&state).await {
            tracing::warn!(error = fault.source(), "what is over could not be forgotten");
        }
        tokio::select! {
            () = tokio::time::sleep(CLEANING) => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
    }
}

async fn clean_once(state: &AppState) -> Result<(), Fault> {
    let now = clock::now();
    let changes_before = now - clock::seconds(live_sessions::LISTED_FOR);
    let tokens = (refresh_tokens::GRACE, refresh_tokens::REMEMBERED);
    let sessions = state.store.clean(now, changes_before, tokens).await?;
    tracing::debug!(sessions, "what is over was forgotten");
    state.throttle.forget();
    for account in state.store.due_accounts(now).await? {
        let event = Event::without_request(By::Server, Act::Deleted, None, now);
        // One that cannot be deleted keeps no other one.
        match state.store.delete_account(account, true, event.clone()).await {
            Ok(true) => event.log(),
            Ok(false) => {}
            Err(fault) => tracing::error!(error = fault.source(), "an account is not deleted"),
        }
    }
    state.store.erase().await
}
