//! Email addresses of accounts.
//!
//! An account has at most one verified address, which is its owner's, and at most one that waits to
//! be verified. The waiting one gives its account nothing: it signs nobody in, resets nothing,
//! and keeps nobody else from verifying it (RE-04). The verified one stays until another one takes
//! its place, and can be brought back for a while after that ([`former`]).
//!
//! The mailbox and the password may belong to different people: somebody else may have made the
//! account with this address. An address is *tied* once both were shown to be in one hand. Whoever
//! signs in by mail to an account with an address that isn't tied takes it over.
//!
//! Nobody learns from any answer whether an address belongs to an account (AU-03): one mail goes to
//! the address in every case, and only its owner reads which.

pub mod former;
pub mod json;
pub mod pages;
mod sql;
pub mod verification;

use url::Host;

use crate::{
    audit::{self, By, Event, acts},
    domain::{AccountId, Code, Email, Field},
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
        caller::{Fresh, OVER},
    },
    store::{
        Store,
        db::{Db, Tx},
    },
    throttle::Who,
};

pub(crate) use sql::{TABLES, forget};

acts! {
    EMAIL_GIVEN = "user_updated:email_given";
    EMAIL_VERIFIED = "user_updated:email_verified";
    EMAIL_REMOVED = "user_updated:email_removed";
    /// Its owner says that the account is somebody else's.
    EMAIL_DISOWNED = "user_updated:email_disowned";
    EMAIL_RESTORED = "user_updated:email_restored";
}

/// The page to which most notices lead.
const SECURITY: &str = "/account/security";

/// The addresses of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Emails {
    pub verified: Option<String>,
    pub pending: Option<String>,
    /// Those that can still be brought back.
    pub former: Vec<String>,
}

/// The owner of an account, as mail reaches them.
pub(crate) struct Reachable {
    pub(crate) address: String,
    /// A tag.
    pub(crate) language: String,
    pub(crate) username: String,
}

impl Reachable {
    /// A message in the owner's language.
    pub(crate) fn message(&self, name: &str) -> Message {
        let Self { address, language, username } = self;
        Message::new(name, address, language).with("username", username)
    }
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

/// The verified and the waiting addresses of the accounts with ids greater than `after`, up to `last`.
pub(crate) async fn between(
    store: &Store,
    after: i64,
    last: i64,
) -> Result<std::collections::HashMap<AccountId, Emails>, Fault> {
    sql::between(&mut store.read().await?, after, last).await
}

/// The owner of an account, if it has a verified address. Without an account, the lookup is the
/// same.
pub(crate) async fn reachable(
    db: &mut Db,
    account: Option<AccountId>,
) -> Result<Option<Reachable>, Fault> {
    sql::reachable(db, account.unwrap_or(AccountId(0))).await
}

/// The account whose verified address this is.
pub(crate) async fn holder(store: &Store, email: &Email) -> Result<Option<Holder>, Fault> {
    match sql::owner(&mut store.read().await?, &key(email)).await? {
        Some(owner) => passwords::holder(store, owner).await,
        None => Ok(None),
    }
}

/// Whether the credentials of an account and its verified address are one person's.
pub(crate) async fn is_tied(store: &Store, account: AccountId) -> Result<bool, Fault> {
    sql::is_tied(&mut store.read().await?, account).await
}

/// Notes that they are.
pub(crate) async fn tie(tx: &mut Tx, account: AccountId, now: i64) -> Result<(), Fault> {
    sql::tie(tx, account, now).await
}

/// Drops the address that waits to be verified. Its link must be void, too.
pub(crate) async fn drop_pending(tx: &mut Tx, account: AccountId) -> Result<(), Fault> {
    sql::forget_pending(tx, account).await
}

/// Whether somebody owns this address.
pub(crate) async fn is_taken(tx: &mut Tx, email: &Email) -> Result<bool, Fault> {
    Ok(sql::owner(tx, &key(email)).await?.is_some())
}

/// Adds the address of an imported account. A verified one must not be taken.
pub(crate) async fn import(
    tx: &mut Tx,
    account: AccountId,
    email: &Email,
    is_verified: bool,
    now: i64,
) -> Result<(), Fault> {
    let key = key(email);
    // The owner's language is not known.
    sql::insert(tx, account, email.as_str(), &key, "en", now).await?;
    if is_verified {
        sql::set_verified(tx, account, &key, now).await?;
        // The operator vouches for it.
        sql::tie(tx, account, now).await?;
        sql::forget_claims(tx, account, &key).await?;
    }
    Ok(())
}

/// Sets the verified address of an account: the operator vouches for it. `false`: it is another
/// account's.
pub(crate) async fn set(store: &Store, account: AccountId, email: &Email) -> Result<bool, Fault> {
    let event = Event::without_request(By::Operator, EMAIL_VERIFIED, Some(account), now());
    let mut tx = store.begin().await?;
    account::lock(&mut tx, account).await?;
    if sql::owner(&mut tx, &key(email)).await?.is_some_and(|owner| owner != account) {
        tx.rollback().await?;
        return Ok(false);
    }
    sql::delete(&mut tx, account).await?;
    import(&mut tx, account, email, true, event.at).await?;
    // Links that went to the previous address.
    links::void(&mut tx, account).await?;
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    Ok(true)
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
    let message =
        |name| Message::new(name, email.as_str(), visit.language).with("username", username);
    // Both ways write a link and a mail, so that they take the same time.
    let link = links::make(tx, Purpose::VerifyEmail, account, at, Some(&key)).await?;
    let message = if sql::owner(tx, &key).await?.is_some_and(|owner| owner != account) {
        message("email-taken").leading_to("/signin".to_owned())
    } else {
        message("verify-email").leading_to(format!("/verify-email?link={link}"))
    };
    mail::post(tx, &services.keys, Some(account), &message).await?;
    Ok(())
}

/// The same once more: for an account, or for the last one that was given this address while nobody
/// has verified it.
pub(crate) async fn claim_again(
    tx: &mut Tx,
    services: &Services,
    account: Option<AccountId>,
    email: Option<&Email>,
    visit: &Visit,
) -> Result<()> {
    let account = match (account, email) {
        (None, Some(email)) => sql::claimant(tx, &key(email)).await?,
        (account, _) => account,
    };
    let Some(account) = account else { return Ok(()) };
    account::lock(tx, account).await?;
    let username = passwords::holder_in(tx, account).await?.map(|holder| holder.profile.username);
    let pending = sql::pending(tx, account).await?.and_then(|raw| Email::parse(&raw).ok());
    match username.zip(pending) {
        Some((username, email)) => claim(tx, services, account, &username, &email, visit).await,
        None => Ok(()),
    }
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
    notify(&mut tx, services, account, "email-changing", &[], SECURITY).await?;
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    services.wake_mail();
    event.log();
    Ok(())
}

/// Removes the addresses of the caller, verified or not.
pub async fn remove(services: &Services, caller: Fresh<'_>, visit: &Visit) -> Result<()> {
    is_on(services)?;
    if services.settings.mail.required {
        return Err(Refusal::of_field(Field::EMAIL, Code::Missing).into());
    }
    let account = caller.account();
    let event = Event::by_owner(visit, account, EMAIL_REMOVED);
    let mut tx = services.store.begin().await?;
    account::lock(&mut tx, account).await?.ok_or(OVER)?;
    former::part_with(&mut tx, services, account, "email-removed", event.at).await?;
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

/// Writes to the verified address of an account, if it has one and this server has mail. `values`:
/// those of the variables in its text, besides the username. `path`: the page that its button leads
/// to. Wake the desk after the commit.
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
    let Some(reachable) = reachable(tx, Some(account)).await? else { return Ok(()) };
    let message = reachable.message(name).leading_to(path.to_owned());
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
