//! On whose authority somebody acts for the operator, as the trail records it.

use super::{Act, By, Event};
use crate::{
    domain::AccountId,
    platform::{clock::now, visit::Visit},
};

/// The authority of whoever acts for the operator. The room `authority` makes those of administrators and of API
/// keys, after checking them; whoever can run a command has the database anyway.
#[derive(Clone)]
pub struct Authority {
    by: By,
    actor: String,
    visit: Option<Visit>,
}

impl Authority {
    /// The operator, at the command line.
    #[must_use]
    pub fn command_line() -> Self {
        Self { by: By::Operator, actor: String::new(), visit: None }
    }

    pub(crate) fn administrator(account: AccountId, visit: &Visit) -> Self {
        let actor = account.0.to_string();
        Self { by: By::Administrator, actor, visit: Some(visit.clone()) }
    }

    pub(crate) fn api_key(id: &str, visit: &Visit) -> Self {
        Self { by: By::ApiKey, actor: format!("{KEY}{id}"), visit: Some(visit.clone()) }
    }

    /// Whether it is a program's, with an API key: those may not touch administrators.
    #[must_use]
    pub fn is_program(&self) -> bool {
        self.by == By::ApiKey
    }

    #[must_use]
    pub fn by(&self) -> By {
        self.by
    }

    /// Who acts, as stored with what they make. Empty: the operator.
    #[must_use]
    pub fn actor(&self) -> &str {
        &self.actor
    }

    /// The account of the administrator, if it is one.
    #[must_use]
    pub fn account(&self) -> Option<AccountId> {
        self.actor.parse().ok().map(AccountId)
    }

    /// An event of this authority, now. `account`: to whom it happens.
    #[must_use]
    pub fn event(&self, act: Act, account: Option<AccountId>) -> Event {
        let mut event = match &self.visit {
            Some(visit) => Event::of(visit, self.by, act, account, now()),
            None => Event::without_request(self.by, act, account, now()),
        };
        event.detail.actor.clone_from(&self.actor);
        event
    }
}

/// What the id of an API key begins with, as an actor.
const KEY: &str = "key:";

/// The id of the API key that acted, if it was one.
#[must_use]
pub fn key_of(actor: &str) -> Option<&str> {
    actor.strip_prefix(KEY)
}
