//! Other providers that people sign in with: any of OpenID Connect, and GitHub.
//!
//! The operator names them in `PROVIDERS_FILE`. An account is known by the issuer and the subject there, never
//! by an address ([`identities`]). A sign-in that goes there and comes back is a visit ([`visits`]): it belongs
//! to one browser. What a provider says is believed only as far as it is signed, meant for us, and of now
//! ([`upstream`]).

pub mod file;
mod github;
pub mod identities;
pub mod settings;
mod sql;
pub mod upstream;
pub mod visits;

use std::{fs, path::Path, sync::Arc};

use serde::{Deserialize, Serialize};
use url::Url;

use crate::platform::{
    fetch::{Fetcher, Unfetched},
    jose::KeyRing,
};

pub(crate) use sql::{TABLES, forget};
use upstream::Metadata;

/// The form that links an account to a provider.
pub const LINK: &str = "/api/link_provider";

/// A provider, as the operator has named it.
#[derive(Clone)]
pub struct Provider {
    pub id: String,
    /// As people see it.
    pub name: String,
    pub kind: Kind,
    /// Names it for good.
    pub issuer: Url,
    /// `issuer` as written: it is compared character by character.
    pub issuer_text: String,
    pub client_id: String,
    client_secret: Option<String>,
    pub scopes: Vec<String>,
    /// Whether an address that it calls verified counts as verified here.
    pub trust_email: bool,
    /// Whether a first visit may make an account.
    pub sign_up: bool,
    /// The words of `amr` or `acr` that stand for a second factor.
    pub second_factor: Vec<String>,
}

/// The kind of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    OpenId,
    /// OAuth alone. With the address of its API.
    GitHub(Url),
}

/// A person, as a provider describes them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Names the person there for good.
    pub subject: String,
    pub username: Option<String>,
    pub name: Option<String>,
    pub email: Option<String>,
    /// Whether the provider says that the address is the person's.
    pub email_verified: bool,
    /// Whether they showed a second factor there that is enough here.
    pub second_factor: bool,
    /// When they showed there who they are. `None`: the provider doesn't say.
    #[serde(default)]
    pub auth_time: Option<i64>,
}

impl Person {
    /// When they showed who they are. A provider that doesn't say is taken to have asked just now.
    #[must_use]
    pub fn proved_at(&self, now: i64) -> i64 {
        self.auth_time.map_or(now, |at| at.min(now))
    }

    /// The name of this identity for people.
    #[must_use]
    pub fn label(&self) -> String {
        let known = [&self.username, &self.email, &self.name];
        let label = known.into_iter().flatten().find(|text| !text.trim().is_empty());
        let label = label.unwrap_or(&self.subject);
        label.chars().filter(|c| !c.is_control()).take(100).collect()
    }
}

/// Why nobody is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failed {
    /// The provider can't be reached now. Why, for the log.
    Away(String),
    /// The provider's answer is wrong. Why, for the log.
    Wrong(String),
}

impl From<Unfetched> for Failed {
    fn from(Unfetched(why): Unfetched) -> Self {
        Self::Away(why)
    }
}

/// All providers, and what this node remembers of them.
pub struct Providers {
    all: Vec<Arc<Provider>>,
    fetcher: Fetcher,
    key_ring: KeyRing,
    metadata: Metadata,
}

impl Providers {
    #[must_use]
    pub fn new(all: Vec<Provider>, fetcher: Fetcher) -> Self {
        let all = all.into_iter().map(Arc::new).collect();
        Self { all, fetcher, key_ring: KeyRing::default(), metadata: Metadata::default() }
    }

    /// In the order of the file.
    #[must_use]
    pub fn all(&self) -> &[Arc<Provider>] {
        &self.all
    }

    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Arc<Provider>> {
        self.all.iter().find(|provider| provider.id == id)
    }

    /// Those that vouch for identities.
    #[must_use]
    pub fn issuers(&self) -> Vec<&str> {
        self.all.iter().map(|provider| &*provider.issuer_text).collect()
    }

    /// The provider that vouches for an identity.
    #[must_use]
    pub fn of_issuer(&self, issuer: &str) -> Option<&Arc<Provider>> {
        self.all.iter().find(|provider| provider.issuer_text == issuer)
    }
}

/// Reads `PROVIDERS_FILE`, or says everything that is wrong with it.
pub fn read(path: &Path) -> Result<Vec<Provider>, Vec<String>> {
    let named = |reason: &dyn std::fmt::Display| format!("{}: {reason}", path.display());
    let text = fs::read_to_string(path).map_err(|error| vec![named(&error)])?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let read = file::parse(&text, folder);
    read.map_err(|faults| faults.iter().map(|fault| named(fault)).collect())
}
