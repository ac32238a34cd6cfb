//! Email addresses of accounts.
//!
//! An account has at most one verified address, which is its owner's, and at most one that waits to
//! be verified. The waiting one gives its account nothing: it signs nobody in, resets nothing,
//! and keeps nobody else from verifying it (RE-04). The verified one stays until another one takes
//! its place, and can be brought back for a while after that ([`former`]).
//!
//! The mailbox and the password may belong to different people: somebody else may have made the
//! account with this address. An address is *tied* once both were shown to be in one hand. The first
//! sign-in by mail to an account whose address isn't tied takes the account over.
//!
//! Nobody learns from any answer whether an address belongs to an account (AU-03): one mail goes to
//! the address in every case, and only its owner reads which.

pub mod former;
pub mod json;
pub mod pages;
mod sql;
pub mod verification;

use std::collections::HashMap;

use url::Host;

use crate::{
    audit::{self, Authority, Event, acts},
    domain::{AccountId, Code, Email, Field},
    groups,
    keys::Keys,
    links::{self, Purpose},
    mail::{self, Message},
    passkeys,
    passwords::{self, Holder},
    platform::{
        clock::now,
        error::{Fault, Refusal, Result},
        visit::Visit,
    },
    providers::identities,
    services::Services,
    sessions::{
        self, Changed, account,
        caller::{Fresh, OVER},
    },
    store::{
        Store,
        changes::{self, Revision},
        db::{Db, Tx},
    },
    throttle::{LIMITED, Who, counter::Counter},
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
pub(crate) const SECURITY: &str = "/account/security";

/// The language of an owner who has never been here.
pub(crate) const UNKNOWN: &str = "en";

/// The kind of mail that verifies an address.
const VERIFY: &str = "verify";

/// No account has this number. A lookup of it takes as long as any other.
pub(crate) const NOBODY: AccountId = AccountId(0);

/// The addresses of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Emails {
    pub verified: Option<String>,
    pub pending: Option<String>,
    /// Those that can still be brought back.
    pub former: Vec<String>,
}

/// How far an address is one's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Pending,
    Verified,
    /// Verified, by the owner of the account's credentials.
    Tied,
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

/// The verified address of an account.
pub async fn verified(store: &Store, account: AccountId) -> Result<Option<String>, Fault> {
    let found = sql::reachable(&mut store.read().await?, account).await?;
    Ok(found.map(|reachable| reachable.address))
}

/// The address of each account with an id greater than `after`, up to `last`: the verified one, or
/// else the one that waits.
pub(crate) async fn between(
    store: &Store,
    after: i64,
    last: i64,
) -> Result<HashMap<AccountId, (String, State)>, Fault> {
    sql::between(&mut store.read().await?, after, last).await
}

/// The address of each of some accounts, the verified one or else the one that waits, and whether it is verified.
pub(crate) async fn of_many(
    store: &Store,
    accounts: &[AccountId],
) -> Result<HashMap<AccountId, (String, bool)>, Fault> {
    sql::of_many(&mut store.read().await?, accounts).await
}

/// The same of one account.
pub(crate) async fn of_one(
    db: &mut Db,
    account: AccountId,
) -> Result<Option<(String, bool)>, Fault> {
    Ok(sql::of_many(db, &[account]).await?.remove(&account))
}

/// Lists the addresses of accounts in the directory, with ids greater than `after`, up to `last`.
pub(crate) async fn list_between(tx: &mut Tx, after: i64, last: i64) -> Result<(), Fault> {
    for (account, key) in sql::keys_between(tx, after, last).await? {
        sql::list(tx, AccountId(account), &key).await?;
    }
    Ok(())
}

/// The owner of an account, if it has a verified address. Without an account, the lookup is the
/// same.
pub(crate) async fn reachable(
    db: &mut Db,
    account: Option<AccountId>,
) -> Result<Option<Reachable>, Fault> {
    sql::reachable(db, account.unwrap_or(NOBODY)).await
}

/// The account whose verified address this is.
pub(crate) async fn holder(store: &Store, email: &Email) -> Result<Option<Holder>, Fault> {
    let owner = sql::owner(&mut store.read().await?, &key(email)).await?;
    // The same for an address that nobody has.
    passwords::holder(store, owner.unwrap_or(NOBODY)).await
}

/// Whether the credentials of an account and its verified address are one person's.
pub(crate) async fn is_tied(tx: &mut Tx, account: AccountId) -> Result<bool, Fault> {
    sql::is_tied(tx, account).await
}

/// Whether an address of an account waits to be verified: until then, the account may be in the hands
/// of somebody else than its owner.
pub(crate) async fn is_waiting(tx: &mut Tx, account: AccountId) -> Result<bool, Fault> {
    sql::is_waiting(tx, account).await
}

/// Notes that they are.
pub(crate) async fn tie(tx: &mut Tx, account: AccountId, now: i64) -> Result<(), Fault> {
    sql::tie(tx, account, now).await
}

/// Whether this is the verified address of an account, by its key.
pub(crate) async fn is_verified(tx: &mut Tx, account: AccountId, key: &str) -> Result<bool, Fault> {
    Ok(sql::owner(tx, key).await? == Some(account))
}

/// Drops the address that waits to be verified, because a credential has changed: somebody else may
/// have given it. Its link must be void, too.
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
    state: State,
    language: &str,
    now: i64,
) -> Result<(), Fault> {
    let key = key(email);
    sql::insert(tx, account, email.as_str(), &key, language, now).await?;
    if state != State::Pending {
        sql::lock_address(tx, &key).await?;
        sql::set_verified(tx, account, &key, now).await?;
        if state == State::Tied {
            sql::tie(tx, account, now).await?;
        }
        sql::forget_claims(tx, account, &key).await?;
    }
    Ok(())
}

/// Sets the verified address of an account: the operator vouches for it. The previous one gets a
/// notice, if there is mail: `keys` seal it. The address must not be another account's.
pub(crate) async fn set(
    store: &Store,
    keys: Option<&Keys>,
    authority: &Authority,
    account: AccountId,
    email: &Email,
) -> Result<Changed> {
    let event = authority.event(EMAIL_VERIFIED, Some(account));
    let mut tx = store.begin().await?;
    let revision = changes::next_revision(&mut tx).await?;
    account::lock(&mut tx, account).await?.ok_or(Refusal::NotFound)?;
    groups::refuse_program(&mut tx, authority, account).await?;
    if sql::owner(&mut tx, &key(email)).await?.is_some_and(|owner| owner != account) {
        tx.rollback().await?;
        return Err(Refusal::of_field(Field::EMAIL, Code::Taken).into());
    }
    if let (Some(keys), Some(owner)) = (keys, reachable(&mut tx, Some(account)).await?) {
        mail::post(&mut tx, keys, Some(account), &owner.message("email-set")).await?;
    }
    sql::delete(&mut tx, account).await?;
    sql::forget_former(&mut tx, account).await?;
    // The operator vouches for it.
    import(&mut tx, account, email, State::Tied, UNKNOWN, event.at).await?;
    // Links and codes that went to the previous address.
    sessions::void(&mut tx, account).await?;
    let changed = sessions::tell_of(&mut tx, revision, account, event.at).await?;
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    event.log();
    Ok(changed)
}

/// Removes the addresses of an account, for the operator. The verified one gets a notice, if there is mail:
/// `keys` seal it. `None`: there were none.
pub(crate) async fn remove_by_operator(
    store: &Store,
    keys: Option<&Keys>,
    authority: &Authority,
    account: AccountId,
) -> Result<Option<Changed>> {
    let event = authority.event(EMAIL_REMOVED, Some(account));
    let mut tx = store.begin().await?;
    let revision = changes::next_revision(&mut tx).await?;
    account::lock(&mut tx, account).await?.ok_or(Refusal::NotFound)?;
    groups::refuse_program(&mut tx, authority, account).await?;
    if let (Some(keys), Some(owner)) = (keys, reachable(&mut tx, Some(account)).await?) {
        mail::post(&mut tx, keys, Some(account), &owner.message("email-set")).await?;
    }
    if sql::delete(&mut tx, account).await? == 0 {
        tx.rollback().await?;
        return Ok(None);
    }
    sql::forget_former(&mut tx, account).await?;
    sessions::void(&mut tx, account).await?;
    let changed = sessions::tell_of(&mut tx, revision, account, event.at).await?;
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    event.log();
    Ok(Some(changed))
}

/// Gives an account an address that waits to be verified, in the transaction of something larger.
/// A mail with a link goes to it, or, if it belongs to another account, a mail that says so. Wake
/// the outbox after the commit.
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
    let owner = sql::owner(tx, &key).await?.filter(|owner| *owner != account);
    // The owner of the address is told in their own language.
    let owner = reachable(tx, owner).await?;
    let message = match (verifying(tx, services, account, &key, visit).await?, owner) {
        (None, _) => Message::nothing(),
        (Some(_), Some(owner)) => Message::new("email-taken", &owner.address, &owner.language)
            .with("username", username)
            .leading_to("/signin".to_owned()),
        (Some(path), None) => Message::new("verify-email", email.as_str(), visit.language)
            .with("username", username)
            .leading_to(path),
    };
    mail::post(tx, &services.keys, Some(account), &message).await?;
    Ok(())
}

/// Counts a mail to the address with the key `to`, and makes the link that verifies it. `None`: the
/// address has had enough for now. Its last link stays, and the statements are the same.
async fn verifying(
    tx: &mut Tx,
    services: &Services,
    account: AccountId,
    to: &str,
    visit: &Visit,
) -> Result<Option<String>, Fault> {
    let letter = Who::Letter { kind: VERIFY, to };
    let counters = services.throttle.counters(&services.keys, letter, visit);
    let sends = services.throttle.count_in(tx, &counters).await?.is_none();
    let whose = if sends { account } else { NOBODY };
    let link = links::make(tx, Purpose::VerifyEmail, whose, now(), Some(to)).await?;
    Ok(sends.then(|| format!("/verify-email?link={link}")))
}

/// Sends the link that verifies an address once more: for an account without a verified one, or for
/// the last account that was given this address while nobody has verified it. The same is written
/// if there is none. `name`: as typed. `asking`: the counters of the network. `false`: there have been
/// too many from there, so roll back.
pub(crate) async fn claim_again(
    tx: &mut Tx,
    services: &Services,
    named: Option<AccountId>,
    (email, name): (Option<&Email>, &str),
    asking: &[Counter],
    visit: &Visit,
) -> Result<bool> {
    let claimed = match email {
        Some(email) => sql::claimant(tx, &key(email)).await?,
        None => None,
    };
    let account = named.or(claimed).unwrap_or(NOBODY);
    account::lock(tx, account).await?;
    if services.throttle.count_in(tx, asking).await?.is_some() {
        return Ok(false);
    }
    let waiting = sql::waiting(tx, account).await?;
    let to = waiting.as_ref().map_or(name, |waiting| &*waiting.key);
    let path = verifying(tx, services, account, to, visit).await?;
    let message = match waiting.zip(path) {
        Some((waiting, path)) => waiting.reachable.message("verify-email").leading_to(path),
        None => Message::nothing(),
    };
    let account = Some(account).filter(|account| *account != NOBODY);
    mail::post(tx, &services.keys, account, &message).await?;
    Ok(true)
}

/// Sets the address of the caller. The previous one stays until the new one is verified, and gets a
/// notice at once. `false`: the account has this address already.
pub async fn give(
    services: &Services,
    caller: Fresh<'_>,
    email: &Email,
    visit: &Visit,
) -> Result<bool> {
    is_on(services)?;
    let (account, throttle) = (caller.account(), &services.throttle);
    let counters = throttle.counters(&services.keys, Who::Giving(account), visit);
    throttle.refuse_if_limited(&services.store, &counters, visit, LIMITED).await?;
    let event = Event::by_owner(visit, account, EMAIL_GIVEN);
    let (mut tx, _) = begin(services, caller, event.at).await?;
    if let Some(limited) = throttle.count_in(&mut tx, &counters).await? {
        tx.rollback().await?;
        return Err(limited);
    }
    if sql::owner(&mut tx, &key(email)).await? == Some(account) {
        // The account has this address already.
        sql::forget_pending(&mut tx, account).await?;
        tx.commit().await?;
        return Ok(false);
    }
    let username = &caller.profile().username;
    claim(&mut tx, services, account, username, email, visit).await?;
    notify(&mut tx, services, account, "email-changing", &[], SECURITY).await?;
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    services.wake_outbox();
    event.log();
    Ok(true)
}

/// Begins a change by the caller, whose session must not have ended meanwhile.
async fn begin(services: &Services, caller: Fresh<'_>, now: i64) -> Result<(Tx, Revision)> {
    let mut tx = services.store.begin().await?;
    let revision = changes::next_revision(&mut tx).await?;
    let is_there = account::lock(&mut tx, caller.account()).await?.is_some();
    if is_there && sessions::is_alive(&mut tx, caller.session(), now).await? {
        return Ok((tx, revision));
    }
    tx.rollback().await?;
    Err(OVER.into())
}

/// Removes the addresses of the caller, verified or not.
pub async fn remove(services: &Services, caller: Fresh<'_>, visit: &Visit) -> Result<()> {
    is_on(services)?;
    if services.settings.mail.required {
        return Err(Refusal::of_field(Field::EMAIL, Code::Missing).into());
    }
    let account = caller.account();
    let event = Event::by_owner(visit, account, EMAIL_REMOVED);
    let (mut tx, revision) = begin(services, caller, event.at).await?;
    let holder = passwords::holder_in(&mut tx, account).await?;
    let has_password = holder.is_some_and(|holder| holder.hash.is_some());
    let passkeys = passkeys::count(&mut tx, account, &services.home).await?;
    let issuers = services.providers.issuers();
    let identities = identities::count(&mut tx, account, &issuers).await?;
    if !has_password && passkeys == 0 && identities == 0 {
        tx.rollback().await?;
        return Err(Refusal::of_field(Field::EMAIL, Code::LastWayIn).into());
    }
    former::part_with(&mut tx, services, account, "email-removed", event.at).await?;
    if sql::delete(&mut tx, account).await? == 0 {
        tx.rollback().await?;
        return Ok(());
    }
    // Links and codes that went to the removed address.
    sessions::void(&mut tx, account).await?;
    let changed = sessions::tell_of(&mut tx, revision, account, event.at).await?;
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    services.live_sessions.changed(&changed);
    services.wake_outbox();
    event.log();
    Ok(())
}

/// Writes to the verified address of an account, if it has one and this server has mail. `values`:
/// those of the variables in its text, besides the username. `path`: the page that its button leads
/// to. Wake the outbox after the commit.
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
