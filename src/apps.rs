//! Apps: the clients of OAuth 2.1 and OpenID Connect, and the hosts behind a proxy.
//!
//! The operator makes them, by command or in `APPS_FILE`. Nodes remember them all ([`KnownApps`]): there are
//! few, and every change begins a new era.

mod change;
pub mod cli;
pub mod definition;
pub mod destination;
pub mod file;
pub mod logout;
mod recipes;
pub mod settings;
mod sql;

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use aws_lc_rs::constant_time::verify_slices_are_equal;

use crate::{
    audit::{acts, sha256},
    platform::error::Fault,
    sessions::live::LiveSessions,
    store::{Store, db::Db},
};
pub use definition::{Access, Definition};

pub(crate) use sql::{TABLES, consent, consents, exists, forget_consent, write_consent};

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
    /// The hashes of its secrets, and until when each is good.
    secrets: Vec<(String, Option<i64>)>,
}

impl App {
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
}

/// The apps, as this node remembers them.
pub struct KnownApps {
    store: Store,
    live_sessions: Arc<LiveSessions>,
    /// And the era in which they were read.
    known: RwLock<Option<(u64, Arc<Apps>)>>,
}

impl KnownApps {
    #[must_use]
    pub fn new(store: Store, live_sessions: Arc<LiveSessions>) -> Self {
        Self { store, live_sessions, known: RwLock::default() }
    }

    /// All apps, not older than a second.
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

/// All apps, from the database: for commands.
pub async fn all(store: &Store) -> Result<Apps, Fault> {
    Apps::read(&mut store.read().await?).await
}
