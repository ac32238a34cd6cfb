//! Asking for a mail by a username or an address.
//!
//! The answer is the same for every name and address, and so are the statements: one mail, perhaps
//! to nobody, and one event. Only the reader of the mail learns whether there is an account (AU-03).

use super::{
    attempt::{counted_name, holder},
    device,
};
use crate::{
    accounts::settings::SignUpMode,
    audit::{self, Act, By, Event},
    domain::{AccountId, Email, Field, Identifier},
    emails::{self, NOBODY, Reachable},
    mail::{self, Message},
    passwords::Holder,
    platform::{
        clock::now,
        error::{Error, Refusal, Result},
        visit::Visit,
    },
    services::Services,
    sessions::account,
    store::db::Tx,
    throttle::{LIMITED, Who, counter::Counter},
};

/// A request for a mail.
pub(super) struct Request {
    /// As tries are counted by.
    pub(super) name: String,
    pub(super) addressee: Addressee,
    pub(super) event: Event,
    language: &'static str,
    by_network: Vec<Counter>,
    by_address: Vec<Counter>,
}

/// The reader of the mail.
pub(super) enum Addressee {
    /// The owner of an account, by its verified address, and the key of that.
    Owner(Box<Holder>, Reachable, String),
    /// The reader of an address that no account has verified.
    Unknown(Email),
    /// There is nowhere to send it.
    Nobody,
}

impl Request {
    /// `None`: there have been too many from this network, so do nothing and answer as always.
    pub(super) async fn of(
        services: &Services,
        identifier: &Identifier,
        act: Act,
        visit: &Visit,
    ) -> Result<Option<Self>> {
        emails::is_on(services)?;
        let (store, keys, throttle) = (&services.store, &services.keys, &services.throttle);
        let by_network = throttle.counters(keys, Who::Asking, visit);
        if throttle.is_limited(store, &by_network, visit, LIMITED).await? {
            return Ok(None);
        }
        let holder = holder(services, identifier).await?.filter(|holder| !holder.disabled);
        let account = holder.as_ref().map(|holder| holder.profile.id);
        let reachable = emails::reachable(&mut store.read().await?, account).await?;
        let name = counted_name(services, identifier);
        let known = device::known(keys, holder.as_ref(), visit);
        let (addressee, letter) = match (holder.zip(reachable), &identifier.email) {
            (Some((holder, reachable)), _) => {
                let email = Email::parse(&reachable.address);
                let key = email.as_ref().map(emails::key).unwrap_or_default();
                (Addressee::Owner(Box::new(holder), reachable, key.clone()), key)
            }
            (None, Some(email)) => (Addressee::Unknown(email.clone()), name.clone()),
            (None, None) => (Addressee::Nobody, name.clone()),
        };
        // Strangers who use up the limit don't keep the owner out (AU-05).
        let letter = match known {
            Some(device) => format!("{letter} by {device}"),
            None => letter,
        };
        let by_address = throttle.counters(keys, Who::Letter { kind: act.0, to: &letter }, visit);
        let mut event = Event::of(visit, By::Stranger, act, None, now());
        event.account = match &addressee {
            Addressee::Owner(holder, ..) => Some(holder.profile.id),
            _ => None,
        };
        let language = visit.language;
        Ok(Some(Self { name, addressee, event, language, by_network, by_address }))
    }

    /// Locks the account and counts the request. `false`: the address has had enough for now, so
    /// send nothing and answer as always. `None`: so has the network.
    pub(super) async fn begin(
        &self,
        services: &Services,
        visit: &Visit,
    ) -> Result<Option<(Tx, bool)>> {
        let throttle = &services.throttle;
        let mut tx = services.store.begin().await?;
        account::lock(&mut tx, self.event.account.unwrap_or(NOBODY)).await?;
        if throttle.count_in(&mut tx, &self.by_network).await?.is_some() {
            tx.rollback().await?;
            throttle.audit_refusal(&services.store, visit, LIMITED).await;
            return Ok(None);
        }
        let is_enough = throttle.count_in(&mut tx, &self.by_address).await?.is_some();
        // The address may have changed since it was looked up.
        let now = emails::reachable(&mut tx, self.event.account).await?;
        let is_same = match &self.addressee {
            Addressee::Owner(_, then, _) => now.is_some_and(|now| now.address == then.address),
            _ => true,
        };
        Ok(Some((tx, is_same && !is_enough)))
    }

    /// The account of the addressee, and its epoch.
    pub(super) fn account(&self) -> Option<(AccountId, i64)> {
        match &self.addressee {
            Addressee::Owner(holder, ..) => Some((holder.profile.id, holder.epoch)),
            _ => None,
        }
    }

    /// The message to an addressee who is no owner.
    pub(super) fn no_account(&self, services: &Services) -> Message {
        match &self.addressee {
            Addressee::Unknown(email) => {
                let message = Message::new("no-account", email.as_str(), self.language);
                match services.settings.accounts.sign_up {
                    SignUpMode::Open => message.leading_to("/signup".to_owned()),
                    SignUpMode::Invited | SignUpMode::Closed => message,
                }
            }
            // It is written all the same, and thrown away.
            _ => Message::nothing(),
        }
    }

    /// Posts the message, records the request, and commits.
    pub(super) async fn finish(
        self,
        mut tx: Tx,
        services: &Services,
        message: &Message,
    ) -> Result<()> {
        mail::post(&mut tx, &services.keys, self.event.account, message).await?;
        audit::record(&mut tx, &self.event).await?;
        tx.commit().await?;
        services.wake_outbox();
        self.event.log();
        Ok(())
    }
}

/// Reads an identifier. Only a missing one is refused.
pub(super) fn identifier(raw: &str) -> Result<Identifier, Error> {
    Identifier::parse(raw).map_err(|code| Refusal::of_field(Field::IDENTIFIER, code).into())
}
