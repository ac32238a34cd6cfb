//! The OpenID provider: people sign in to apps with their account here.
//!
//! OAuth 2.1 and OpenID Connect Core 1.0, authorization code with PKCE only. RFC 9700 decides where it is
//! stricter.
//!
//! The request travels in the address from page to page, and nothing of it is stored, unless the app has pushed
//! it. So an old one, one
//! that was opened twice, or the back button never ends in an error: it begins anew. What an app gets hangs
//! on the session it came from (`sessions/grants.rs`).

pub mod assertion;
pub mod authorize;
pub mod client;
pub mod codes;
pub mod devices;
pub mod json;
pub mod logout;
pub mod pages;
pub mod programs;
pub mod pushed;
pub mod request;
mod sql;
pub mod tokens;
pub mod used;

use std::sync::Arc;

use crate::{
    apps::App,
    audit::acts,
    domain::{AccountId, Profile},
    emails, groups,
    platform::{clock::now, error::Fault},
    services::Services,
    sessions::grants::{self, LiveGrant},
    store::Store,
};

pub(crate) use sql::{TABLES, forget};

acts! {
    /// Somebody has signed in to an app.
    APP_ENTERED = "authn_login_success:app";
    /// A code or a refresh token of an app was used again.
    APP_TOKEN_REUSED = "authn_token_reuse:app";
    /// An app has given back what it had of a session.
    APP_LEFT = "session_expired:app";
    /// Its owner has agreed that an app learns about the account.
    CONSENTED = "authz_change:consented";
    /// Its owner has taken back what an app had.
    TAKEN_BACK = "authz_change:taken_back";
}

pub use crate::apps::definition::OPENID as SCOPES;

/// The authentication context classes, weaker first: see `ProvedBy::acr`.
pub const ACRS: [&str; 2] = ["aal1", "aal2"];

/// The words of a scope.
pub fn words(scope: &str) -> impl Iterator<Item = &str> {
    scope.split(' ').filter(|word| !word.is_empty())
}

/// Whether a scope contains a word.
#[must_use]
pub fn has(scope: &str, word: &str) -> bool {
    words(scope).any(|known| known == word)
}

/// Whether a scope contains all of another.
#[must_use]
pub fn covers(scope: &str, other: &str) -> bool {
    words(other).all(|word| has(scope, word))
}

/// Two scopes in one.
#[must_use]
pub fn united(one: &str, other: &str) -> String {
    let mut all: Vec<&str> = words(one).collect();
    for word in words(other) {
        if !all.contains(&word) {
            all.push(word);
        }
    }
    all.join(" ")
}

/// What apps may learn of a person.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: AccountId,
    pub username: String,
    pub name: String,
    /// The verified address.
    pub email: Option<String>,
    pub groups: Vec<String>,
}

impl Person {
    /// What an app that has this scope needs to know, and no more: each look-up takes time.
    async fn of(store: &Store, profile: &Profile, scope: &str, app: &App) -> Result<Self, Fault> {
        let email = match has(scope, "email") {
            true => emails::verified(store, profile.id).await?,
            false => None,
        };
        let needs_groups = has(scope, "groups") || !app.definition.groups.is_empty();
        let groups = match needs_groups {
            true => groups::of(store, profile.id).await?,
            false => Vec::new(),
        };
        Ok(Self {
            id: profile.id,
            username: profile.username.clone(),
            name: profile.display_name().to_owned(),
            email,
            groups,
        })
    }

    /// `sub`: the account's id as text. It never changes and is never given again.
    #[must_use]
    pub fn subject(&self) -> String {
        self.id.0.to_string()
    }
}

/// A grant that holds: its session is alive, its app is there and admits the person, and the
/// session meets the conditions of the app and of this server.
pub struct Holding {
    pub grant: LiveGrant,
    pub app: Arc<App>,
    pub person: Person,
}

/// The grant with this id, if it holds now.
pub async fn holding(services: &Services, grant: &str) -> Result<Option<Holding>, Fault> {
    let found = grants::find(&mut services.store.read().await?, grant, now()).await?;
    let Some(grant) = found else { return Ok(None) };
    let Some(app) = services.apps.find(&grant.app).await? else { return Ok(None) };
    let person = Person::of(&services.store, &grant.profile, &grant.scope, &app).await?;
    let session = &grant.session;
    let is_short = services.settings.factors.required && !session.proved_by.has_second_factor();
    let is_old = app.is_session_too_old(session.auth_time, now());
    let holds = app.admits(&person.groups) && !is_short && !is_old;
    Ok(holds.then_some(Holding { grant, app, person }))
}
