//! Sign-ins that have gone to another provider, until they come back.
//!
//! A visit is found by its `state`, of which only the hash is stored, and counts in the browser it began in. It
//! waits long enough for somebody who has to find a password there first.

use serde::{Deserialize, Serialize};

use super::{Person, Provider, sql};
use crate::{
    audit::sha256,
    keys::{Keys, Sealed, Statement},
    platform::{clock::now, error::Fault, random},
    store::{Store, db::Tx},
};

/// How long a visit waits, in seconds.
pub const TTL: i64 = 30 * 60;

/// The reason for a visit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// To sign in, or to sign up.
    SignIn,
    /// To confirm who they are, in the session of this family.
    Confirm(String),
    /// To link the account of the session of this family.
    Link(String),
}

/// The data of a visit, for when the person comes back. The nonce and the verifier are secrets, so it has no
/// `Debug`.
#[derive(Clone, Serialize, Deserialize)]
pub struct Visit {
    pub nonce: String,
    pub verifier: String,
    pub purpose: Purpose,
    /// The page that follows.
    pub next: String,
    pub made_at: i64,
}

impl Visit {
    /// Since when the person must have shown there who they are, if they are signed in here already.
    #[must_use]
    pub fn confirms_since(&self) -> Option<i64> {
        (self.purpose != Purpose::SignIn).then_some(self.made_at)
    }
}

/// A visit that waits, or has come back.
pub struct Found {
    pub visit: Visit,
    /// Whether it has come back before.
    pub used: bool,
    /// The person who came back, until they have chosen a username.
    pub newcomer: Option<Person>,
    used_at: Option<i64>,
}

impl Found {
    /// Whether it came back a moment ago, so that what comes of it may not be there yet.
    #[must_use]
    pub fn is_in_progress(&self) -> bool {
        self.used_at.is_some_and(|at| now() - at < 10)
    }
}

/// Begins a visit of the browser with this cookie, and returns it with its `state`.
pub(crate) async fn begin(
    tx: &mut Tx,
    keys: &Keys,
    provider: &Provider,
    browser: &str,
    (purpose, next): (Purpose, &str),
) -> Result<(Visit, String), Fault> {
    let (state, at) = (random::token()?, now());
    let (nonce, verifier, next) = (random::token()?, random::token()?, next.to_owned());
    let visit = Visit { nonce, verifier, purpose, next, made_at: at };
    let hash = sha256(&state);
    let text = serde_json::to_string(&visit).map_err(Fault::internal)?;
    let sealed = keys.seal(Sealed::ProviderVisit(&hash), &text)?;
    let browser = keys.tag(Statement::VisitOf(browser, &hash));
    sql::begin(tx, &hash, &provider.id, (&browser, &sealed), (at, at + TTL)).await?;
    Ok((visit, state))
}

/// The visit with this `state`, if it is this browser's and went to this provider.
pub async fn find(
    store: &Store,
    keys: &Keys,
    provider: &str,
    state: &str,
    browser: Option<&str>,
) -> Result<Option<Found>, Fault> {
    let hash = sha256(state);
    let row = sql::visit(&mut store.read().await?, &hash, now()).await?;
    let Some(row) = row.filter(|row| row.provider == provider) else { return Ok(None) };
    let is_its = |browser: &str| keys.fits(Statement::VisitOf(browser, &hash), &row.browser);
    if !browser.is_some_and(is_its) {
        return Ok(None);
    }
    let opened = keys.open(Sealed::ProviderVisit(&hash), &row.sealed);
    let Some(visit) = opened.and_then(|text| serde_json::from_str(&text).ok()) else {
        return Ok(None);
    };
    let newcomer = row.identity.and_then(|sealed| keys.open(Sealed::Newcomer(&hash), &sealed));
    let newcomer = newcomer.and_then(|text| serde_json::from_str(&text).ok());
    Ok(Some(Found { visit, used: row.used_at.is_some(), newcomer, used_at: row.used_at }))
}

/// Notes that a visit has come back. `false`: it has before.
pub(crate) async fn use_up(store: &Store, state: &str) -> Result<bool, Fault> {
    Ok(store.execute_lightly(sql::use_up(&sha256(state), now())).await? == 1)
}

/// Keeps who came back, until they have chosen a username.
pub(crate) async fn keep_newcomer(
    store: &Store,
    keys: &Keys,
    state: &str,
    person: &Person,
) -> Result<(), Fault> {
    let hash = sha256(state);
    let text = serde_json::to_string(person).map_err(Fault::internal)?;
    let sealed = keys.seal(Sealed::Newcomer(&hash), &text)?;
    store.execute_lightly(sql::keep_newcomer(&hash, &sealed, now() + TTL)).await?;
    Ok(())
}

/// Forgets a visit that has led to an account. `false`: it is gone.
pub(crate) async fn end(tx: &mut Tx, state: &str) -> Result<bool, Fault> {
    sql::forget_newcomer(tx, &sha256(state)).await
}
