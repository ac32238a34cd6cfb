//! The server: everything that a browser never sees. The rooms are in the order of a request's way.

use std::{io, net::SocketAddr, num::NonZero, sync::Arc, time::Duration};

use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

mod trusted_clock;

use crate::audit::By;
use crate::keys::Macs;
use crate::platform::error::Fault;
use crate::platform::settings::{Database, Secret, Settings};
use crate::server::trusted_clock::{SteadyClock, Time, TrustedClock};
use crate::sessions::live::{LiveSessions, oldest_proof};
use crate::sessions::tokens::Sessions;
use crate::store::{Erased, Fact, SetUpLock, Store};
use crate::throttle::Throttle;
use crate::web::cookies::Cookies;
use crate::web::metrics::Metrics;
use crate::web::routes::Routes;
use crate::web::sending::Sending;
use crate::web::state::{AppParts, AppState};
use crate::{
    passwords,
    platform::clock,
    sessions::{live, refresh},
    store,
    web::{assets, connections, metrics, openapi, router},
};

use crate::domain::AccountId;

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

/// Listens, opens the database, applies what is pending, and serves. Nothing of that is begun that
/// could not be given up by dropping the future.
pub async fn start(settings: Settings) -> Result<Running, StartError> {
    // First, so that a port that is taken leaves the database as it is.
    let (listener, address) = listen("HOST and PORT", settings.listen).await?;
    let metrics = match settings.metrics {
        Some(address) => Some(listen("METRICS_ADDR", address).await?),
        None => None,
    };
    let lock = SetUpLock::wait(&settings.database).await?;
    let connections = settings.database_connections;
    let store = Store::open(&settings.database, connections, &lock).await?;
    let applied = store.migrate_up().await?;
    if applied > 0 {
        tracing::info!(applied, "migrations applied");
    }
    map_usernames(&store).await.map_err(|fault| StartError(format!("usernames: {fault:?}")))?;
    let secret = secret(&settings)?;
    drop(lock);
    let assets = assets::Assets::find().map_err(|fault| StartError(format!("{fault:?}")))?;
    if assets.bundle.is_none() {
        tracing::info!("the browser bundle is not built in; every page works without it");
    }

    let public_url = settings.public_url_at(address.port());
    let failed = |fault: Fault| StartError(fault.source().to_string());
    let mut steady = SteadyClock::new(&store).await.map_err(failed)?;
    if steady.is_set_back() {
        // Before anybody is served.
        store.forget_proofs_since(oldest_proof(settings.proof_ttl)).await.map_err(failed)?;
        tracing::warn!("the clock was set back; passwords are asked for again");
    }
    let noted = store.note(Fact::PublicUrl, &public_url.origin()).await;
    noted.map_err(failed)?;
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let passwords = passwords::Passwords::new(cores)
        .map_err(|error| StartError(format!("no threads for hashing: {error}")))?;
    let cookies = Cookies::new(&public_url);
    let openapi = openapi::document(&public_url, &cookies, settings.passwords);
    let state = AppState::new(AppParts {
        openapi_json: serde_json::to_vec(&openapi)
            .map_err(|error| StartError(format!("the OpenAPI document: {error}")))?
            .into(),
        openapi,
        docs: Default::default(),
        cookies,
        macs: Macs::new(&secret, settings.jwt_secret_previous.as_ref()),
        throttle: Throttle::new(&settings),
        sending: Sending::default(),
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
    tokio::spawn(watch_clock(state.clone(), steady, stop.subscribe()));
    let watched = state.live_sessions.watch(stop.subscribe());
    watched.map_err(|error| StartError(format!("no thread for the look-out: {error}")))?;
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

/// The mapping of usernames by which the keys in the database are made: 2 folds the case.
const USERNAME_MAPPING: &str = "2";

/// Makes the keys of usernames anew, if an older version made them.
async fn map_usernames(store: &Store) -> Result<(), Fault> {
    if store.fact(Fact::UsernameMapping).await?.as_deref() == Some(USERNAME_MAPPING) {
        return Ok(());
    }
    let mut last = Some(0);
    while let Some(id) = last {
        last = store.map_usernames_anew(id).await?;
    }
    store.note(Fact::UsernameMapping, USERNAME_MAPPING).await
}

/// Forgets what is over, and deletes the accounts whose time has come: at the start and every now
/// and then.
async fn clean(state: AppState, mut stopped: watch::Receiver<bool>) {
    let mut clock = TrustedClock::new(state.settings.deletion_grace);
    loop {
        let mut pause = CLEANING;
        match clean_once(&state, &mut clock).await {
            Ok(true) => {}
            // As soon as the clock may have held.
            Ok(false) => pause = pause.min(clock.hold()),
            Err(fault) => {
                tracing::warn!(error = fault.source(), "what is over could not be forgotten");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
    }
}

/// `false`: the clock is not trusted with deletions yet.
async fn clean_once(state: &AppState, clock: &mut TrustedClock) -> Result<bool, Fault> {
    let time = clock.now(&state.store).await?;
    let (Time::Trusted(now) | Time::AtLeast(now)) = time;
    let changes_before = now - clock::seconds(live::LISTED_FOR);
    let tokens = (refresh::GRACE, refresh::REMEMBERED);
    // A failure to clean up does not keep due accounts from being deleted.
    match state.store.clean(now, changes_before, tokens).await {
        Ok(sessions) => tracing::debug!(sessions, "what is over was forgotten"),
        Err(fault) => tracing::warn!(error = fault.source(), "what is over is not forgotten yet"),
    }
    state.throttle.forget();
    let Time::Trusted(now) = time else {
        tracing::warn!(
            "the clock has jumped ahead; no account and nothing that is over by it is deleted until it \
             has held"
        );
        return Ok(false);
    };
    for account in state.store.due_accounts(now).await? {
        // One that cannot be deleted keeps no other one.
        if let Err(fault) = erase(&state.store, account, now, By::Server).await {
            tracing::error!(error = fault.source(), "an account is not deleted");
        }
    }
    state.store.erase().await?;
    Ok(true)
}

/// Takes back all proofs whenever the clock is set back: nobody knows how old they are. Looks every
/// second.
async fn watch_clock(state: AppState, mut clock: SteadyClock, mut stopped: watch::Receiver<bool>) {
    let mut pause = tokio::time::interval(Duration::from_secs(1));
    let mut set_back = false;
    loop {
        tokio::select! {
            _ = pause.tick() => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
        set_back |= clock.is_set_back();
        if set_back {
            match state.live_sessions.forget_proofs(state.settings.proof_ttl).await {
                Ok(()) => {
                    tracing::warn!("the clock was set back; passwords are asked for again");
                    set_back = false;
                }
                Err(fault) => {
                    tracing::warn!(error = fault.source(), "proofs could not be taken back yet");
                }
            }
        }
    }
}

/// Deletes an account that is due, part by part, so that others can write in between. `false`: there
/// is none.
pub(crate) async fn erase(
    store: &Store,
    account: AccountId,
    now: i64,
    by: By,
) -> Result<bool, Fault> {
    loop {
        match store.erase_a_part(account, now, by).await? {
            Erased::APart => {}
            Erased::All(event) => {
                event.log();
                return Ok(true);
            }
            Erased::Nothing => return Ok(false),
        }
    }
}
