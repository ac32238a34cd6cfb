//! Apps: the clients of OAuth 2.1 and OpenID Connect, and the hosts behind a proxy.
//!
//! The operator makes them, by command or in `APPS_FILE`. Nodes remember those ([`KnownApps`]): there are few, and
//! every change begins a new era. Others describe themselves ([`dynamic`]), and are looked up.

mod change;
pub mod cli;
pub mod definition;
pub mod destination;
pub mod dynamic;
pub mod file;
pub mod logout;
mod recipes;
pub mod registry;
pub mod settings;
mod sql;

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use url::Url;

use crate::{
    audit::{acts, sha256},
    domain::AccountId,
    platform::{clock::now, error::Fault, fetch::Fetcher},
    sessions::live::LiveSessions,
    store::{
        Store,
        db::{Db, Tx},
    },
};
use definition::is_same;
pub use definition::{Access, Definition};

pub(crate) use sql::{TABLES, consent, consents, exists, forget, forget_consent, write_consent};

acts! {
    ADDED = "app_created";
    CHANGED = "app_updated";
    REMOVED = "app_deleted";
    SECRET_ROTATED = "app_updated:secret";
}

/// How long the secret before the newest one is good, in seconds.
pub const SECRET_OVERLAP: i64 = 24 * 3600;

/// An app.
#[derive(Clone, Debug)]
pub struct App {
    /// The `client_id`.
    pub id: String,
    pub name: String,
    pub definition: Definition,
    /// Whether `APPS_FILE` declares it.
    pub by_file: bool,
    pub created_at: i64,
    /// When its metadata was read. `None`: the operator has registered it.
    pub fetched_at: Option<i64>,
    /// The hashes of its secrets, and until when each is good.
    secrets: Vec<(String, Option<i64>)>,
}

impl App {
    fn new(id: String, name: String, definition: Definition, created_at: i64) -> Self {
        let (by_file, fetched_at, secrets) = (false, None, Vec::new());
        Self { id, name, definition, by_file, created_at, fetched_at, secrets }
    }

    /// Whether nobody has registered it.
    #[must_use]
    pub fn is_dynamic(&self) -> bool {
        self.fetched_at.is_some()
    }

    /// Whether its metadata need not be read again.
    fn is_fresh(&self, now: i64) -> bool {
        self.fetched_at.is_none_or(|at| now - at < dynamic::KEPT)
    }

    /// Whether it still counts if its metadata can't be read again.
    fn is_usable(&self, now: i64) -> bool {
        self.fetched_at.is_none_or(|at| now - at < dynamic::AT_MOST)
    }

    /// The host that vouches for it, if nobody has registered it.
    #[must_use]
    pub fn vouching_host(&self) -> Option<String> {
        let url = Url::parse(&self.id).ok().filter(|_| self.is_dynamic())?;
        let host = url.host_str()?;
        Some(url.port().map_or(host.to_owned(), |port| format!("{host}:{port}")))
    }

    /// Whether it may be sent back to this address.
    #[must_use]
    pub fn allows_redirect(&self, uri: &str) -> bool {
        // Its metadata are the same for all computers, on which it listens on any port that is free.
        self.definition.allows_redirect(uri)
            || (self.is_dynamic() && self.definition.allows_local_redirect(uri))
    }

    /// Whether this is its secret. Compares in constant time; the secret has 256 random bits, so its hash
    /// needs no salt.
    #[must_use]
    pub fn has_secret(&self, secret: &str, now: i64) -> bool {
        let hash = sha256(secret);
        let fits = |(known, until): &(String, Option<i64>)| {
            let same = verify_slices_are_equal(known.as_bytes(), hash.as_bytes()).is_ok();
            same && until.is_none_or(|until| now < until)
        };
        // All of them, so that the time doesn't tell which one.
        self.secrets.iter().fold(false, |any, secret| fits(secret) | any)
    }

    /// The hash of the secret that was made last.
    fn newest_secret(&self) -> Option<&str> {
        let mut secrets = self.secrets.iter().filter(|(_, until)| until.is_none());
        secrets.next_back().map(|(hash, _)| hash.as_str())
    }

    /// How many secrets are good at this time.
    #[must_use]
    pub fn live_secrets(&self, now: i64) -> usize {
        let is_live = |(_, until): &&(String, Option<i64>)| until.is_none_or(|until| now < until);
        self.secrets.iter().filter(is_live).count()
    }

    /// Whether a session is too old for this app, so that its owner must confirm who they are.
    #[must_use]
    pub fn is_session_too_old(&self, auth_time: i64, now: i64) -> bool {
        self.definition.longest_session.is_some_and(|longest| now - auth_time > longest)
    }

    /// Whether an account that belongs to these groups may use it.
    #[must_use]
    pub fn admits(&self, groups: &[String]) -> bool {
        let needed = &self.definition.groups;
        needed.is_empty() || needed.iter().any(|group| groups.contains(group))
    }
}

/// All apps, at one moment.
#[derive(Default)]
pub struct Apps {
    by_id: HashMap<String, Arc<App>>,
    /// By the authority of its host, in lower case.
    by_host: HashMap<String, Arc<App>>,
    /// Whether this version can read all of them.
    pub(crate) is_complete: bool,
}

impl Apps {
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Arc<App>> {
        self.by_id.get(id)
    }

    /// The app at a host: a name, and a port unless it is the default of its scheme.
    #[must_use]
    pub fn at(&self, host: &str) -> Option<&Arc<App>> {
        self.by_host.get(&host.to_ascii_lowercase())
    }

    /// The service that serves an audience.
    #[must_use]
    pub fn serving(&self, resource: &str) -> Option<&Arc<App>> {
        let serving = self.by_id.values().filter(|app| app.definition.serves_at(resource));
        // Always the same one of several.
        serving.min_by(|one, other| one.id.cmp(&other.id))
    }

    /// An audience that an app may ask tokens for, as it is written where it was registered: one that the app
    /// was registered for, or, if nobody has registered the app, any that there is. The empty one stands for this
    /// server, and is every app's.
    #[must_use]
    pub fn audience(&self, app: &App, resource: &str) -> Option<String> {
        if resource.is_empty() {
            return Some(String::new());
        }
        let is_it = |known: &&String| is_same(known, resource);
        let served = self.serving(resource);
        let served = served.and_then(|service| service.definition.serves.iter().find(is_it));
        match app.is_dynamic() {
            true => served.cloned(),
            false => {
                let own = app.definition.resources.iter().find(is_it)?;
                Some(served.unwrap_or(own).clone())
            }
        }
    }

    /// Those of the scopes asked for that mean something: the words of OpenID Connect, and those of the service
    /// that serves the audience.
    #[must_use]
    pub fn known_scopes(&self, asked: &str, resource: &str) -> Vec<String> {
        let own = self.serving(resource).map(|app| app.definition.scopes.as_slice());
        let known =
            definition::OPENID.into_iter().chain(own.unwrap_or_default().iter().map(|s| &**s));
        let is_asked = |known: &&str| asked.split(' ').any(|word| word == *known);
        known.filter(is_asked).map(str::to_owned).collect()
    }

    /// All of them, by name.
    #[must_use]
    pub fn all(&self) -> Vec<&Arc<App>> {
        let mut all: Vec<_> = self.by_id.values().collect();
        all.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
        all
    }

    async fn read(db: &mut Db) -> Result<Self, Fault> {
        let (all, is_complete) = sql::all(db).await?;
        let mut apps = Self { is_complete, ..Self::default() };
        for app in all {
            let app = Arc::new(app);
            if let Some(host) = app.definition.authority() {
                apps.by_host.insert(host, app.clone());
            }
            apps.by_id.insert(app.id.clone(), app);
        }
        Ok(apps)
    }

    /// With those that nobody has registered.
    async fn read_all(db: &mut Db) -> Result<Self, Fault> {
        let mut apps = Self::read(db).await?;
        for app in sql::all_dynamic(db).await? {
            apps.by_id.insert(app.id.clone(), Arc::new(app));
        }
        Ok(apps)
    }
}

/// The apps, as this node remembers them.
pub struct KnownApps {
    store: Store,
    live_sessions: Arc<LiveSessions>,
    /// And the era in which they were read.
    known: RwLock<Option<(u64, Arc<Apps>)>>,
    /// `None`: only apps that the operator has registered count.
    reader: Option<dynamic::Reader>,
}

impl KnownApps {
    /// `fetcher`: if apps that nobody has registered count.
    #[must_use]
    pub fn new(store: Store, live_sessions: Arc<LiveSessions>, fetcher: Option<Fetcher>) -> Self {
        let reader = fetcher.map(dynamic::Reader::new);
        Self { store, live_sessions, known: RwLock::default(), reader }
    }

    /// Whether this may be the id of an app that nobody has registered.
    #[must_use]
    pub fn is_dynamic(&self, id: &str) -> bool {
        self.reader.is_some() && dynamic::is_address(id)
    }

    /// The app with this id, if it is registered, or if somebody has agreed to it.
    pub async fn find(&self, id: &str) -> Result<Option<Arc<App>>, Fault> {
        if let Some(app) = self.get().await?.find(id) {
            return Ok(Some(app.clone()));
        }
        if !self.is_dynamic(id) {
            return Ok(None);
        }
        let app = sql::dynamic(&mut self.store.read().await?, id).await?;
        Ok(app.map(Arc::new))
    }

    /// The same, or the app that the document at this address describes. Fetches it, for the account of somebody
    /// who is signed in.
    pub async fn learn(&self, id: &str, by: AccountId) -> Result<Option<Arc<App>>, Fault> {
        let known = self.find(id).await?;
        if known.as_ref().is_some_and(|app| app.is_fresh(now())) {
            return Ok(known);
        }
        let Some(reader) = self.reader.as_ref().filter(|_| dynamic::is_address(id)) else {
            return Ok(None);
        };
        let Ok(app) = reader.app(id, by).await else {
            // Its site may be away for a while.
            return Ok(known.filter(|app| app.is_usable(now())));
        };
        if known.is_some() {
            let mut tx = self.store.begin().await?;
            sql::write(&mut tx, &app).await?;
            tx.commit().await?;
        }
        Ok(Some(app))
    }

    /// All apps of the operator, not older than a second.
    pub async fn get(&self) -> Result<Arc<Apps>, Fault> {
        let era = self.live_sessions.era();
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, apps)) = known.filter(|(of, _)| Some(*of) == era) {
            return Ok(apps);
        }
        let apps = Arc::new(Apps::read(&mut self.store.read().await?).await?);
        // Read in this era, unless a new one has begun meanwhile.
        if let Some(era) = era {
            let known = Some((era, apps.clone()));
            *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
        }
        Ok(apps)
    }
}

/// All apps, from the database, with those that nobody has registered: for commands.
pub async fn all(store: &Store) -> Result<Apps, Fault> {
    Apps::read_all(&mut store.read().await?).await
}

/// Keeps an app that nobody has registered, because somebody agrees to it.
pub(crate) async fn keep(tx: &mut Tx, app: &App) -> Result<(), Fault> {
    if app.is_dynamic() { sql::write(tx, app).await } else { Ok(()) }
}
