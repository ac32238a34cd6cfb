//! A way back in for owners who have forgotten their password.
//!
//! Whatever is typed, the answer is the same, and so is what is written: at most one mail, and one
//! event. Only whoever reads the mail learns whether there is an account (AU-03).

use super::RESET_ASKED;
use crate::{
    audit::{self, By, Event},
    domain::{Email, UsernameKey},
    emails,
    links::{self, Purpose},
    mail::{self, Message},
    passwords,
    platform::{clock::now, error::Result, visit::Visit},
    services::Services,
    throttle::{LIMITED, Who},
};

/// How long the link is valid, in seconds.
pub const RESET_TTL: i64 = 30 * 60;

/// Sends a link to set a new password to the verified address of an account. `identifier`: its
/// username, or that address.
pub async fn forgot(services: &Services, identifier: &str, visit: &Visit) -> Result<()> {
    emails::is_on(services)?;
    let (store, keys, throttle) = (&services.store, &services.keys, &services.throttle);
    let by_network = throttle.counters(keys, Who::Asking, visit);
    throttle.refuse_if_limited(store, &by_network, visit, LIMITED).await?;
    let email = Email::parse(identifier).ok();
    let holder = match (&email, UsernameKey::find(identifier.trim())) {
        (Some(email), _) => emails::holder(store, email).await?,
        (None, Some(username)) => passwords::holder_named(store, &username).await?,
        (None, None) => None,
    };
    let holder = holder.filter(|holder| !holder.disabled);
    let account = holder.as_ref().map(|holder| holder.profile.id);
    let verified = match account {
        Some(account) => emails::verified(store, account).await?,
        None => None,
    };
    // The address that gets a mail, and in which language.
    let to = match (&verified, &email) {
        (Some((address, language)), _) => Some((address.clone(), language.clone())),
        (None, Some(email)) => Some((email.as_str().to_owned(), visit.language.to_owned())),
        (None, None) => None,
    };
    let account = account.filter(|_| verified.is_some());
    let event = Event::of(visit, By::Stranger, RESET_ASKED, account, now());
    let letter = to.as_ref().and_then(|(address, _)| Email::parse(address).ok());
    let letter = letter.map(|email| emails::key(&email)).unwrap_or_default();
    let by_address = throttle.counters(keys, Who::Letter { to: &letter }, visit);

    let mut tx = store.begin().await?;
    let is_too_much = throttle.count_in(&mut tx, &by_network).await?;
    if let Some(limited) = is_too_much {
        tx.rollback().await?;
        return Err(limited);
    }
    if throttle.count_in(&mut tx, &by_address).await?.is_none() {
        let message = match (holder.filter(|_| account.is_some()), to) {
            (Some(holder), Some((address, language))) => {
                let id = holder.profile.id;
                let until = event.at + RESET_TTL;
                let link =
                    links::make(&mut tx, Purpose::ResetPassword, id, until, Some(&letter)).await?;
                let message = Message::new("reset-password", &address, &language);
                let message = message.with("username", &holder.profile.username);
                message.leading_to(format!("/set-password?link={link}"))
            }
            (_, Some((address, language))) => {
                Message::new("no-account", &address, &language).leading_to("/signup".to_owned())
            }
            // Nowhere to send it. It is written all the same, and thrown away.
            (_, None) => Message::nothing(),
        };
        mail::post(&mut tx, keys, account, &message).await?;
    }
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    services.wake_mail();
    event.log();
    Ok(())
}
