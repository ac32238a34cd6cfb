//! Email addresses of accounts.
//!
//! An account has at most one verified address, which is its owner's, and at most one that waits to
//! be verified. The waiting one gives its account nothing: it signs nobody in, resets nothing,
//! and keeps nobody else from verifying it (RE-04). The verified one stays until another one takes
//! its place.
//!
//! Nobody learns from any answer whether an address belongs to an account (AU-03): one mail goes to
//! the address in every case, and only its owner reads which.

pub mod json;
pub mod pages;
mod sql;

use url::Host;

use crate::{
    audit::{self, Event, acts},
    domain::{AccountId, Email},
    links::{self, Purpose},
    mail::{self, Message},
    passwords::{self, Holder},
    platform::{
        clock::now,
        error::{Fault, Refusal, Result},
        visit::Visit,
    },
    services::Services,
    sessions::{
        account,
        caller::{Fresh, OVER, SignedIn},
    },
    store::{Store, db::Tx},
    throttle::Who,
};

pub(crate) use sql::TABLES;

acts! {
    EMAIL_GIVEN = "user_updated:email_given";
    EMAIL_VERIFIED = "user_updated:email_verified";
    EMAIL_REMOVED = "user_updated:email_removed";
}

/// The page to which most notices lead.
const SECURITY: &str = "/account/security";

/// How long the link that verifies an address is valid, in seconds.
pub const VERIFY_TTL: i64 = 24 * 3600;

/// The addresses of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Emails {
    pub verified: Option<String>,
    pub pending: Option<String>,
}

/// For comparing addresses: without case, and with the domain as DNS knows it (RFC 5890).
#[must_use]
pub fn key(email: &Email) -> String {
    let domain = match Host::parse(email.domain()) {
        Ok(Host::Domain(domain)) => domain,
        _ => email.domain().to_lowercase(),
    };
    format!("{}@{domain}", email.local_part().to_lowercase())
}

/// The addresses of an account.
pub async fn of(store: &Store, account: AccountId) -> Result<Emails, Fault> {
    sql::of(&mut store.read().await?, account).await
}

/// The verified address of an account, and the language in which its owner is addressed.
pub(crate) async fn verified(
    store: &Store,
    account: AccountId,
) -> Result<Option<(String, String)>, Fault> {
    sql::verified(&mut store.read().await?, account).await
}

/// The account whose verified address this is.
pub(crate) async fn holder(store: &Store, email: &Email) -> Result<Option<Holder>, Fault> {
    match sql::owner(&mut store.read().await?, &key(email)).await? {
        Some(owner) => passwords::holder(store, owner).await,
        None => Ok(None),
    }
}

/// Gives an account an address that waits to be verified, in the transaction of something larger.
/// A mail with a link goes to it, or, if it belongs to another account, a mail that says so. Wake
/// the desk after the commit.
pub(crate) async fn claim(
    tx: &mut Tx,
    services: &Services,
    account: AccountId,
    username: &str,
    email: &Email,
    visit: &Visit,
) -> Result<()> {
    let (at, key) = (now(), key(email));
    sql::forget_pending(tx, account).await?;
    sql::insert(tx, account, email.as_str(), &key, visit.language, at).await?;
    let counters = services.throttle.counters(&services.keys, Who::Letter { to: &key }, visit);
    if services.throttle.count_in(tx, &counters).await?.is_some() {
        // The address has had enough for now. The answer is the same.
        return Ok(());
    }
    let of_another = sql::owner(tx, &key).await?.is_some_and(|owner| owner != account);
    let message =
        |name| Message::new(name, email.as_str(), visit.language).with("username", username);
    let message = if of_another {
        message("email-taken").leading_to("/signin".to_owned())
    } else {
        let expires_at = at + VERIFY_TTL;
        let link = links::make(tx, Purpose::VerifyEmail, account, expires_at, Some(&key)).await?;
        message("verify-email").leading_to(format!("/verify-email?link={link}"))
    };
    mail::post(tx, &services.keys, Some(account), &message).await?;
    Ok(())
}

/// Sets the address of the caller. The previous one stays until the new one is verified, and gets a
/// notice at once.
pub async fn give(
    services: &Services,
    caller: Fresh<'_>,
    email: &Email,
    visit: &Visit,
) -> Result<()> {
    is_on(services)?;
    services.throttle.act(caller.family())?;
    let account = caller.account();
    let event = Event::by_owner(visit, account, EMAIL_GIVEN);
    let mut tx = services.store.begin().await?;
    account::lock(&mut tx, account).await?.ok_or(OVER)?;
    if sql::owner(&mut tx, &key(email)).await? == Some(account) {
        // The account has this address already.
        sql::forget_pending(&mut tx, account).await?;
        tx.commit().await?;
        return Ok(());
    }
    let username = &caller.profile().username;
    claim(&mut tx, services, account, username, email, visit).await?;
    let values = [("username", username.as_str())];
    notify(&mut tx, services, account, "email-changing", &values, SECURITY).await?;
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    services.wake_mail();
    event.log();
    Ok(())
}

/// Removes the addresses of the caller, verified or not.
pub async fn remove(services: &Services, caller: Fresh<'_>, visit: &Visit) -> Result<()> {
    is_on(services)?;
    let account = caller.account();
    let event = Event::by_owner(visit, account, EMAIL_REMOVED);
    let mut tx = services.store.begin().await?;
    account::lock(&mut tx, account).await?.ok_or(OVER)?;
    let username = &caller.profile().username;
    let values = [("username", username.as_str())];
    notify(&mut tx, services, account, "email-removed", &values, SECURITY).await?;
    if sql::delete(&mut tx, account).await? == 0 {
        tx.rollback().await?;
        return Ok(());
    }
    // Links that went to the removed address.
    links::void(&mut tx, account).await?;
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    services.wake_mail();
    event.log();
    Ok(())
}

/// The claim behind a link: an account, and the address to verify for it.
pub struct Claim {
    pub account: AccountId,
    pub address: String,
    key: String,
    used: bool,
}

/// The claim that a link verifies. Nothing changes.
pub async fn claim_of(services: &Services, link: &str, visit: &Visit) -> Result<Claim> {
    is_on(services)?;
    let store = &services.store;
    if let Some(found) = links::find(store, Purpose::VerifyEmail, link, now()).await?
        && let Some(key) = found.sent_to
        && let Some(address) = sql::address(&mut store.read().await?, found.account, &key).await?
    {
        return Ok(Claim { account: found.account, address, key, used: found.used });
    }
    services.throttle.refuse_bearer(&services.keys, store, visit).await?;
    Err(Refusal::LinkInvalid.into())
}

/// Verifies an address by the link that was sent to it. It replaces the previous one, which gets a
/// notice. Claims of other accounts on it become void. `caller`: who is signed in, if anybody.
pub async fn verify(
    services: &Services,
    link: &str,
    caller: Option<&SignedIn>,
    visit: &Visit,
) -> Result<()> {
    let Claim { account, key, used, .. } = claim_of(services, link, visit).await?;
    if used {
        return Ok(());
    }
    let holder = passwords::holder(&services.store, account).await?.ok_or(Refusal::LinkInvalid)?;
    let username = holder.profile.username;
    let by = match caller {
        Some(caller) if caller.account() == account => audit::By::Owner,
        _ => audit::By::Stranger,
    };
    let event = Event::of(visit, by, EMAIL_VERIFIED, Some(account), now());
    let mut tx = services.store.begin().await?;
    account::lock(&mut tx, account).await?;
    let is_free = sql::owner(&mut tx, &key).await?.is_none();
    if !is_free || !links::use_up(&mut tx, Purpose::VerifyEmail, link, event.at).await? {
        tx.rollback().await?;
        return Err(Refusal::LinkInvalid.into());
    }
    // This goes to the previous address.
    let values = [("username", username.as_str())];
    notify(&mut tx, services, account, "email-changed", &values, SECURITY).await?;
    sql::forget_verified(&mut tx, account).await?;
    if !sql::set_verified(&mut tx, account, &key, event.at).await? {
        tx.rollback().await?;
        return Err(Refusal::LinkInvalid.into());
    }
    sql::forget_claims(&mut tx, account, &key).await?;
    // Links that went to the previous address.
    links::void(&mut tx, account).await?;
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    services.wake_mail();
    event.log();
    Ok(())
}

/// Writes to the verified address of an account, if it has one and this server has mail. `values`:
/// those of the variables in its text. `path`: the page that its button leads to. Wake the desk
/// after the commit.
pub(crate) async fn notify(
    tx: &mut Tx,
    services: &Services,
    account: AccountId,
    name: &str,
    values: &[(&str, &str)],
    path: &str,
) -> Result<(), Fault> {
    if services.mail.is_none() {
        return Ok(());
    }
    let Some((address, language)) = sql::verified(tx, account).await? else { return Ok(()) };
    let message = Message::new(name, &address, &language).leading_to(path.to_owned());
    let message = values.iter().fold(message, |message, (name, value)| message.with(name, value));
    mail::post(tx, &services.keys, Some(account), &message).await
}

/// Refuses everything that needs mail on a server that has none.
pub(crate) fn is_on(services: &Services) -> Result<(), Refusal> {
    if services.mail.is_some() { Ok(()) } else { Err(Refusal::NotFound) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_compared_without_case_and_by_the_name_in_dns() {
        let key = |text: &str| key(&Email::parse(text).expect(text));
        assert_eq!(key("Alice@Example.ORG"), key("alice@example.org"));
        assert_eq!(key("zoë@MÜLLER.example"), key("ZOË@xn--mller-kva.example"));
        assert_ne!(key("alice@example.org"), key("alice+tag@example.org"));
    }
}
