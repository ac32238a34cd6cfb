//! Acting for the operator: administrators, and programs with an API key.
//!
//! An administrator is a member of the group `admin`, as the database says at this moment and not as a token
//! says. The guard alone makes an [`Admin`], after that check, and whoever changes something shows an
//! [`Authority`], which comes from a recent proof. So a use case that takes one can't be reached without.

pub mod api_keys;
pub mod cli;
pub mod settings;
mod sql;

use std::time::Duration;

use crate::{
    audit::{self, Authority, acts},
    groups,
    platform::{
        error::{Fault, Refusal},
        visit::Visit,
    },
    sessions::caller::{Fresh, SignedIn},
    store::Store,
};

use api_keys::VerifiedKey;

pub(crate) use sql::{TABLES, forget};

acts! {
    KEY_MADE = "privilege_permissions_changed:api_key_made";
    SCOPE_MISSING = "authz_fail:scope";
    KEY_REMOVED = "privilege_permissions_changed:api_key_removed";
}

/// Somebody, or something, that may administer this server.
#[derive(Clone, Debug)]
pub struct Admin(Whose);

#[derive(Clone, Debug)]
enum Whose {
    Person(SignedIn),
    Program(VerifiedKey),
}

impl Admin {
    /// The administrator who is signed in. `None`: it is somebody else. For the guard.
    pub(crate) async fn person(store: &Store, caller: &SignedIn) -> Result<Option<Self>, Fault> {
        let is_admin = groups::is_in(store, caller.account(), groups::ADMIN).await?;
        Ok(is_admin.then(|| Self(Whose::Person(caller.clone()))))
    }

    /// A program with an API key. For the guard.
    pub(crate) fn program(key: VerifiedKey) -> Self {
        Self(Whose::Program(key))
    }

    /// The authority to change something: that of a person who has proved who they are within the last `ttl`,
    /// or of a program.
    pub fn authority(&self, ttl: Duration, visit: &Visit) -> Result<Authority, Refusal> {
        match &self.0 {
            Whose::Person(caller) => Ok(of_person(caller.fresh(ttl)?, visit)),
            Whose::Program(key) => Ok(Authority::api_key(&key.id, visit)),
        }
    }

    /// The same with a proof that was just checked.
    #[must_use]
    pub fn fresh_authority(&self, fresh: Fresh<'_>, visit: &Visit) -> Authority {
        of_person(fresh, visit)
    }
}

/// Records that a program asked for what its key doesn't allow (LG-01).
pub(crate) async fn refuse_scope(
    store: &Store,
    key: &VerifiedKey,
    visit: &Visit,
) -> Result<(), Fault> {
    let event = Authority::api_key(&key.id, visit).event(SCOPE_MISSING, None);
    audit::record_alone(store, &event).await?;
    event.log();
    Ok(())
}

fn of_person(fresh: Fresh<'_>, visit: &Visit) -> Authority {
    Authority::administrator(fresh.account(), visit)
}
