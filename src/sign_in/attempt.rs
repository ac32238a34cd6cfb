//! Attempts to get into an account: whom a name belongs to, what a wrong try counts against, and the
//! warning that its owner gets of too many.

use super::{SIGN_IN_FAILED, SIGN_IN_LIMITED, device};
use crate::{
    audit::{self, By, Event},
    domain::{Identifier, UsernameKey},
    emails::{self, SECURITY},
    mail::{self, Message},
    passwords::{self, Holder},
    platform::{
        clock::now,
        error::{Error, Fault, Refusal, Result},
        visit::Visit,
    },
    services::Services,
    store::db::Tx,
    throttle::{Who, counter::Counter},
};

/// The name of an identifier, as tries are counted by. No username has an @, whatever else its key
/// may be.
pub(super) fn counted_name(services: &Services, identifier: &Identifier) -> String {
    let Identifier { username, email } = identifier;
    match email.as_ref().filter(|_| services.mail.is_some()) {
        Some(email) => emails::key(email),
        None => username.as_ref().map(|name| name.as_str().to_owned()).unwrap_or_default(),
    }
}

/// The holder of the account with this username, or with this verified address.
pub(super) async fn holder(
    services: &Services,
    identifier: &Identifier,
) -> Result<Option<Holder>, Fault> {
    let Identifier { username, email } = identifier;
    match (username, email.as_ref().filter(|_| services.mail.is_some())) {
        (_, Some(email)) => emails::holder(&services.store, email).await,
        (Some(username), None) => passwords::holder_named(&services.store, username).await,
        (None, None) => Ok(None),
    }
}

/// An attempt to get into an account.
pub(super) struct Attempt {
    /// `None`: nobody has that name.
    pub(super) holder: Option<Holder>,
    pub(super) failed: Event,
    counters: Vec<Counter>,
    /// Whether the device is known: then its counters are its own.
    is_known: bool,
    pub(super) name: String,
    /// Whether the account has the verified address that it needs.
    is_verified: bool,
    /// The answer if it fails, the same for every reason.
    refusal: Refusal,
}

/// An attempt whose first proof was right, and what is checked again before it counts.
pub(super) struct Proven {
    pub(super) holder: Holder,
    pub(super) attempt: Attempt,
}

impl Attempt {
    /// Refused if there have been too many. `holder`: the lookup, which a stranger over the limit
    /// doesn't cause.
    pub(super) async fn begin(
        services: &Services,
        name: &str,
        holder: impl Future<Output = Result<Option<Holder>, Fault>>,
        refusal: Refusal,
        visit: &Visit,
    ) -> Result<Self> {
        let Services { store, throttle, keys, .. } = services;
        let stranger = throttle.counters(keys, Who::Stranger { name }, visit);
        if visit.known_device.is_none() {
            // Before the first database query.
            throttle.refuse_if_limited(store, &stranger, visit, SIGN_IN_LIMITED).await?;
        }
        let holder = holder.await?;
        let (counters, is_known) = match (&holder, device::known(keys, holder.as_ref(), visit)) {
            (Some(holder), Some(device)) => {
                let who = Who::KnownDevice { device, account: holder.profile.id };
                (throttle.counters(keys, who, visit), true)
            }
            _ => (stranger, false),
        };
        if visit.known_device.is_some() {
            throttle.refuse_if_limited(store, &counters, visit, SIGN_IN_LIMITED).await?;
        }
        let id = holder.as_ref().map(|holder| holder.profile.id);
        let is_verified = !services.settings.mail.required
            || emails::reachable(&mut store.read().await?, id).await?.is_some();
        let failed = Event::of(visit, By::Stranger, SIGN_IN_FAILED, id, now());
        let name = name.to_owned();
        Ok(Self { holder, failed, counters, is_known, name, is_verified, refusal })
    }

    /// By the holder of a passkey or of an identity elsewhere, which nobody can guess: no limit keeps the owner out (AU-05).
    pub(super) async fn by_possession(
        services: &Services,
        holder: Option<Holder>,
        visit: &Visit,
    ) -> Result<Self> {
        let id = holder.as_ref().map(|holder| holder.profile.id);
        let is_verified = !services.settings.mail.required
            || emails::reachable(&mut services.store.read().await?, id).await?.is_some();
        let failed = Event::of(visit, By::Stranger, SIGN_IN_FAILED, id, now());
        // The second step counts by it.
        let name = holder.as_ref().and_then(|holder| UsernameKey::find(&holder.profile.username));
        let name = name.map(|name| name.as_str().to_owned()).unwrap_or_default();
        let (counters, is_known) = (Vec::new(), false);
        let refusal = Refusal::InvalidCode;
        Ok(Self { holder, failed, counters, is_known, name, is_verified, refusal })
    }

    /// The same with an account, unless the proof was wrong, the account is disabled, or it has no
    /// verified address where one is required.
    pub(super) async fn proven_if(
        mut self,
        is_right: bool,
        services: &Services,
        visit: &Visit,
    ) -> Result<Proven> {
        match self.holder.take().filter(|holder| is_right && !holder.disabled && self.is_verified) {
            Some(holder) => Ok(Proven { holder, attempt: self }),
            None => self.fail(services, visit).await,
        }
    }

    /// Checks the limits again: see [`crate::throttle::Throttle::recheck`].
    pub(super) async fn recheck(
        &self,
        tx: &mut Tx,
        services: &Services,
    ) -> Result<Option<Error>, Fault> {
        services.throttle.recheck(tx, &self.counters, &self.failed).await
    }

    /// Counts and records it as wrong, and refuses it.
    pub(super) async fn fail<T>(&self, services: &Services, visit: &Visit) -> Result<T> {
        let mut tx = services.store.begin().await?;
        let limited = services.throttle.count_wrong(&mut tx, &self.counters).await?;
        self.warn(&mut tx, services, visit).await?;
        audit::record(&mut tx, &self.failed).await?;
        tx.commit().await?;
        services.wake_outbox();
        self.failed.log();
        Err(limited.unwrap_or_else(|| self.refusal.clone().into()))
    }

    /// Warns the owner, once a day, if this try was the last one allowed for now. The same is
    /// written for a name that nobody has, so that the time tells nothing.
    async fn warn(&self, tx: &mut Tx, services: &Services, visit: &Visit) -> Result<(), Fault> {
        let Services { throttle, keys, mail, .. } = services;
        if mail.is_none() || self.name.is_empty() {
            return Ok(());
        }
        let of_name = throttle.counters(keys, Who::Name(&self.name), visit);
        let own = if self.is_known { &self.counters } else { &of_name };
        if !throttle.is_just_used_up(tx, own).await? {
            return Ok(());
        }
        let account = self.failed.account;
        let name = account.map_or_else(|| self.name.clone(), |account| format!("#{}", account.0));
        let once = throttle.counters(keys, Who::Warning { name: &name }, visit);
        if throttle.count_in(tx, &once).await?.is_some() {
            return Ok(());
        }
        let message = match emails::reachable(tx, account).await? {
            Some(reachable) => reachable
                .message("wrong-tries")
                .with("device", &visit.device)
                .with("network", &visit.network())
                .with("time", &self.failed.at.to_string())
                .leading_to(SECURITY.to_owned()),
            None => Message::nothing(),
        };
        mail::post(tx, keys, account, &message).await
    }
}
