//! The server: every room's routes, tables, acts and notices in one place; its start and stop.

pub mod cli;
mod jobs;
mod trusted_clock;

use std::{io, net::SocketAddr, num::NonZero, path::Path, sync::Arc, time::Duration};

use axum::Extension;
use futures_util::future::join_all;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use crate::{
    accounts, admin,
    apps::{self, KnownApps, logout::Messenger},
    audit::{self, Act},
    authority, challenges, devices, directory, emails, factors, figures, forward_auth, groups,
    invitations,
    keys::Keys,
    links,
    mail::{Mail, Postman, Transport},
    openid,
    outbox::{
        self, Courier, Delivered,
        work::{Desk, work},
    },
    overview,
    passkeys::{self, RelyingParty},
    passwords::{self, Passwords},
    platform::{error::Fault, fetch::Fetcher, jose::KeyRing},
    providers::{self, Providers},
    services::Services,
    sessions::{
        self,
        live::{LiveSessions, oldest_proof},
        settings::AccessTokenAlg,
        tokens::Tokens,
    },
    settings::Settings,
    sign_in,
    signing::{self, Algorithm, SigningKeys},
    store::{self, Fact, SetUpLock, Store, Table},
    throttle::{self, Throttle},
    web::{
        self,
        assets::Assets,
        brand::{self, Brand},
        connections,
        cookies::Cookies,
        guard::AtAdminAddress,
        metrics::{self, Metrics},
        notices::Notice,
        openapi, router,
        routes::Map,
        sending::Sending,
        state::{AppParts, AppState},
    },
    webhooks::{self, WebhookCourier},
};

use trusted_clock::SteadyClock;

/// Every route. The account pages are in the order of the navigation. `has_mail`: without mail,
/// nothing that needs it is there. `recovers_by_mail`: so can second factors be removed. `has_providers`:
/// people sign in with others.
fn map(has_mail: bool, recovers_by_mail: bool, has_providers: bool) -> Map {
    let mut map = Map::default();
    web::pages::routes(&mut map);
    web::health::routes(&mut map);
    web::openapi::routes(&mut map);
    brand::routes(&mut map);
    sign_in::pages::routes(&mut map);
    sign_in::json::routes(&mut map);
    sign_in::pages::second_factor::routes(&mut map);
    sign_in::json::second_factor::routes(&mut map);
    overview::pages::routes(&mut map);
    accounts::pages::profile_routes(&mut map);
    sign_in::pages::password::routes(&mut map);
    passwords::pages::routes(&mut map);
    devices::pages::routes(&mut map);
    openid::pages::used::routes(&mut map);
    accounts::pages::data_routes(&mut map);
    accounts::json::routes(&mut map);
    devices::json::routes(&mut map);
    factors::pages::routes(&mut map);
    factors::json::routes(&mut map);
    factors::json::identities::routes(&mut map);
    audit::json::routes(&mut map);
    signing::json::routes(&mut map);
    openid::json::routes(&mut map);
    openid::json::used::routes(&mut map);
    openid::pages::routes(&mut map);
    openid::pages::devices::routes(&mut map);
    forward_auth::json::routes(&mut map);
    admin::json::routes(&mut map);
    admin::pages::routes(&mut map);
    accounts::pages::routes_of_email(&mut map, has_mail);
    if has_mail {
        emails::pages::routes(&mut map);
        emails::json::routes(&mut map);
        sign_in::pages::code::routes(&mut map);
        sign_in::pages::forgot::routes(&mut map);
        sign_in::pages::resend::routes(&mut map);
        sign_in::json::mail::routes(&mut map);
    }
    if has_providers {
        sign_in::pages::with::routes(&mut map);
    }
    if has_mail && recovers_by_mail {
        factors::pages::by_mail::routes(&mut map);
        factors::json::by_mail::routes(&mut map);
    }
    map
}

/// Every table; tables that others refer to come first.
#[must_use]
pub fn tables() -> Vec<&'static Table> {
    let rooms = [
        accounts::TABLES,
        emails::TABLES,
        passwords::TABLES,
        passkeys::TABLES,
        factors::TABLES,
        groups::TABLES,
        directory::TABLES,
        authority::TABLES,
        invitations::TABLES,
        webhooks::TABLES,
        figures::TABLES,
        admin::TABLES,
        signing::TABLES,
        apps::TABLES,
        providers::TABLES,
        sessions::TABLES,
        sessions::grants::TABLES,
        openid::TABLES,
        links::TABLES,
        challenges::TABLES,
        outbox::TABLES,
        throttle::TABLES,
        audit::TABLES,
        store::TABLES,
    ];
    rooms.into_iter().flatten().collect()
}

/// Every act that the audit trail can record.
#[must_use]
pub fn acts() -> Vec<Act> {
    let rooms = [
        accounts::ACTS,
        emails::ACTS,
        factors::ACTS,
        sign_in::ACTS,
        sessions::ACTS,
        groups::ACTS,
        authority::ACTS,
        invitations::ACTS,
        webhooks::ACTS,
        admin::ACTS,
        signing::ACTS,
        apps::ACTS,
        openid::ACTS,
        openid::devices::ACTS,
        throttle::ACTS,
        audit::ACTS,
        web::ACTS,
    ];
    rooms.into_iter().flatten().copied().chain(accounts::profile::acts()).collect()
}

/// Every notice that a page can show about what was just done.
#[must_use]
pub fn notices() -> Vec<Notice> {
    let rooms = [
        web::guard::NOTICES,
        accounts::pages::NOTICES,
        accounts::pages::EMAIL_NOTICES,
        emails::pages::NOTICES,
        factors::pages::NOTICES,
        factors::pages::by_mail::NOTICES,
        sign_in::pages::second_factor::NOTICES,
        sign_in::pages::with::NOTICES,
        factors::pages::identities::NOTICES,
        sign_in::pages::forgot::NOTICES,
        sign_in::pages::resend::NOTICES,
        devices::pages::NOTICES,
        openid::pages::used::NOTICES,
        openid::pages::devices::NOTICES,
        sign_in::pages::NOTICES,
        sign_in::pages::password::NOTICES,
    ];
    rooms.into_iter().flatten().cloned().chain(admin::pages::notices()).collect()
}

/// How long requests in flight may take to finish after the signal to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Why the server did not start: one line, for the operator.
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

/// A server that is listening.
pub struct Running {
    pub address: SocketAddr,
    /// The address of the metrics, if they are served.
    pub metrics: Option<SocketAddr>,
    /// The address of administrators, if they have one of their own.
    pub admin: Option<SocketAddr>,
    pub state: AppState,
    stop: watch::Sender<bool>,
    served: Vec<JoinHandle<()>>,
    jobs: Vec<JoinHandle<()>>,
}

/// Listens, opens the database, applies pending migrations, and serves. Every step can be abandoned
/// by dropping the future.
pub async fn start(settings: Settings) -> Result<Running, StartError> {
    // First, so that a port already in use leaves the database untouched.
    let (listener, address) = listen("HOST and PORT", settings.web.listen()).await?;
    let metrics = match settings.web.metrics {
        Some(address) => Some(listen("METRICS_ADDR", address).await?),
        None => None,
    };
    let admin = match settings.admin.address {
        Some(address) => Some(listen("ADMIN_ADDR", address).await?),
        None => None,
    };
    let lock = SetUpLock::wait(&settings.store.database).await?;
    let connections = settings.store.connections;
    let store = Store::open(&settings.store.database, connections, &lock).await?;
    let applied = store.migrate_up().await?;
    if applied > 0 {
        tracing::info!(applied, "migrations applied");
    }
    accounts::map_usernames(&store)
        .await
        .map_err(|fault| StartError(format!("usernames: {fault:?}")))?;
    accounts::list_all(&store)
        .await
        .map_err(|fault| StartError(format!("the directory: {fault:?}")))?;
    let secret = settings.secret().map_err(StartError)?;
    drop(lock);
    let assets = Assets::find().map_err(|fault| StartError(format!("{fault:?}")))?;
    if assets.bundle.is_none() {
        tracing::info!("the browser bundle is not built in; every page works without it");
    }

    if settings.mail.url.is_none() {
        tracing::info!("MAIL_URL is not set, so nothing that needs mail is offered");
    }
    let public_url = settings.web.public_url_at(address.port());
    let failed = |fault: Fault| StartError(fault.source().to_string());
    let mut steady = SteadyClock::new(&store).await.map_err(failed)?;
    if steady.is_set_back() {
        // Before the first request.
        let oldest = oldest_proof(settings.sessions.proof_ttl);
        sessions::forget_proofs_since(&store, oldest).await.map_err(failed)?;
        tracing::warn!("the clock was set back; passwords are asked for again");
    }
    let keys = Arc::new(Keys::new(&secret, settings.keys.previous.as_ref()).map_err(failed)?);
    let home = RelyingParty::of(&public_url);
    look_after_factors(&store, &keys, &home).await.map_err(failed)?;
    let noted = store.note(Fact::PublicUrl, &public_url.origin()).await;
    noted.map_err(failed)?;
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let passwords = Passwords::new(cores)
        .map_err(|error| StartError(format!("no threads for hashing: {error}")))?;
    let cookies = Cookies::new(&public_url);
    let providers = match &settings.providers.file {
        Some(file) => providers::read(file)
            .map_err(|faults| StartError(format!("PROVIDERS_FILE: {}", faults.join("; "))))?,
        None => Vec::new(),
    };
    let (has_mail, recovers) = (settings.mail.url.is_some(), settings.factors.recovery_by_mail);
    let map = map(has_mail, recovers, !providers.is_empty());
    let openapi = openapi::document(&map, &public_url, &cookies, settings.passwords.policy);
    let previous = settings.keys.previous.as_ref();
    let unreadable = signing::keep_readable(&store, &keys).await.map_err(failed)?;
    if unreadable > 0 {
        tracing::warn!(
            unreadable,
            "signing keys were sealed with another JWT_SECRET, so new ones take their place; name it in \
             JWT_SECRET_PREVIOUS and restart, and they sign again"
        );
    }
    let unreadable = webhooks::keep_readable(&store, &keys).await.map_err(failed)?;
    if unreadable > 0 {
        tracing::warn!(
            unreadable,
            "secrets of webhooks were sealed with another JWT_SECRET: name it in JWT_SECRET_PREVIOUS and restart"
        );
    }
    let signing = SigningKeys::new(store.clone(), keys.clone()).await.map_err(failed)?;
    let signing = Arc::new(signing);
    if settings.sessions.access_token_alg == AccessTokenAlg::Es256 {
        signing.look_after(&[Algorithm::Es256]).await.map_err(failed)?;
    }
    if let Some(file) = &settings.apps.file {
        apply_apps(&store, &keys, file).await?;
    }
    let live_sessions = Arc::new(LiveSessions::new(store.clone()));
    let fetcher = Fetcher::new(settings.apps.fetch_allow.clone(), "FETCH_ALLOW").map_err(failed)?;
    let providers = Providers::new(providers, fetcher.clone());
    let strays = providers::identities::strays(&store, &providers).await.map_err(failed)?;
    if strays > 0 {
        tracing::warn!(
            strays,
            "people have linked providers whose issuer is not in PROVIDERS_FILE: they can't sign in with them"
        );
    }
    let for_metadata = settings.apps.dynamic.then(|| fetcher.clone());
    let apps = Arc::new(KnownApps::new(store.clone(), live_sessions.clone(), for_metadata));
    let messenger = Messenger::new(signing.clone(), public_url.origin()).map_err(failed)?;
    let desk = Arc::new(Desk::default());
    let state = AppState::new(AppParts {
        openapi_json: serde_json::to_vec(&openapi)
            .map_err(|error| StartError(format!("the OpenAPI document: {error}")))?
            .into(),
        openapi,
        docs: Default::default(),
        cookies,
        sending: Sending::default(),
        routes: map.routes,
        acts: acts(),
        metrics: metrics.is_some().then(Metrics::default),
        port: address.port(),
        admin: admin.as_ref().map(|(_, address)| *address),
        assets,
        proxied: forward_auth::Memory::default(),
        brand: Brand::new(&settings.brand),
        services: Services {
            keys,
            home,
            mail: mail(&settings, public_url.origin())?,
            throttle: Throttle::new(&settings.throttle),
            tokens: Tokens::new(
                &settings.sessions,
                &public_url,
                &secret,
                previous,
                Some(signing.clone()),
            ),
            live_sessions,
            signing,
            apps,
            providers,
            fetcher,
            key_ring: KeyRing::default(),
            desk,
            passwords,
            settings,
            store,
        },
        public_url,
    });
    connections::raise_file_limit();
    let router = router::build(map.router, &state);
    let (stop, stopped) = watch::channel(false);
    let admin = admin.map(|(listener, address)| {
        let router = router.clone().layer(Extension(AtAdminAddress));
        (tokio::spawn(connections::serve(listener, router, stopped.clone())), address)
    });
    let served = tokio::spawn(connections::serve(listener, router, stopped));
    let mut jobs = vec![
        tokio::spawn(jobs::clean(state.clone(), stop.subscribe())),
        tokio::spawn(jobs::watch_clock(state.clone(), steady, stop.subscribe())),
        tokio::spawn(jobs::look_after_keys(state.clone(), stop.subscribe())),
        tokio::spawn(jobs::tell_apps(state.clone(), stop.subscribe())),
        tokio::spawn(jobs::tell_endpoints(state.clone(), stop.subscribe())),
        tokio::spawn(jobs::count(state.clone(), stop.subscribe())),
    ];
    let postman = state.mail.clone().map(|mail| Arc::new(Postman(mail)) as Arc<dyn Courier>);
    let webhooks = Fetcher::new(state.settings.webhooks.allow.clone(), "WEBHOOK_ALLOW");
    let (store, keys) = (state.store.clone(), state.keys.clone());
    let webhooks = WebhookCourier::new(store, keys, webhooks.map_err(failed)?);
    let couriers = [
        Some(Arc::new(messenger) as Arc<dyn Courier>),
        Some(Arc::new(webhooks) as Arc<dyn Courier>),
        postman,
    ];
    jobs.extend(couriers.into_iter().flatten().map(|courier| {
        let (store, keys, desk) = (state.store.clone(), state.keys.clone(), state.desk.clone());
        tokio::spawn(work(store, keys, desk, courier, stop.subscribe()))
    }));
    let watched = state.live_sessions.watch(stop.subscribe());
    watched.map_err(|error| StartError(format!("no thread for the look-out: {error}")))?;
    let metrics = metrics.map(|(listener, address)| {
        tokio::spawn(metrics::serve(state.clone(), listener, stop.subscribe()));
        address
    });
    let (admin_served, admin) = admin.unzip();
    let served = vec![Some(served), admin_served].into_iter().flatten().collect();
    Ok(Running { address, metrics, admin, state, stop, served, jobs })
}

/// Seals the secrets of second factors anew if `JWT_SECRET` was replaced, and warns of what no longer
/// works.
async fn look_after_factors(store: &Store, keys: &Keys, home: &RelyingParty) -> Result<(), Fault> {
    let unreadable = factors::keep_readable(store, keys).await?;
    let strays = passkeys::strays(store, home).await?;
    for warning in factors::warnings(unreadable, strays, home) {
        tracing::warn!("{warning}");
    }
    Ok(())
}

/// Makes the apps as `APPS_FILE` says.
async fn apply_apps(store: &Store, keys: &Keys, file: &Path) -> Result<(), StartError> {
    let failed = |faults: Vec<String>| StartError(format!("APPS_FILE: {}", faults.join("; ")));
    let declared = apps::file::read(file).map_err(failed)?;
    let applied = apps::file::apply(store, keys, &declared, false).await;
    let lines = applied.map_err(|fault| StartError(fault.source().to_string()))?;
    for line in lines.map_err(failed)? {
        tracing::info!(app = line, "APPS_FILE");
    }
    Ok(())
}

/// The post office, if mail is set up.
fn mail(settings: &Settings, origin: String) -> Result<Option<Arc<Mail>>, StartError> {
    let Some((url, letterhead)) = settings.mail.url.as_ref().zip(settings.letterhead(origin))
    else {
        return Ok(None);
    };
    let transport =
        Transport::new(url).map_err(|error| StartError(format!("MAIL_URL: {error}")))?;
    Ok(Some(Arc::new(Mail { transport, letterhead, delivered: Delivered::default() })))
}

async fn listen(name: &str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let fail =
        |error: io::Error| StartError(format!("{name}: cannot listen on {address}: {error}"));
    let listener = TcpListener::bind(address).await.map_err(fail)?;
    let address = listener.local_addr().map_err(fail)?;
    Ok((listener, address))
}

impl Running {
    /// Takes no new requests, gives those in flight a short time to finish, and closes the
    /// database.
    pub async fn stop(mut self) {
        _ = self.stop.send(true);
        if tokio::time::timeout(GRACE, join_all(&mut self.served)).await.is_err() {
            self.served.iter().for_each(JoinHandle::abort);
            tracing::warn!("some requests were cut off: they took longer than the time to stop");
        }
        // What is cut off is delivered or done again, by this node or another.
        _ = tokio::time::timeout(GRACE, join_all(self.jobs)).await;
        self.state.store.close().await;
    }
}
