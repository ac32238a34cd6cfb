//! Identities at other providers that open an account.

use std::collections::HashMap;

pub use super::sql::Identity;
use super::{Person, Provider, Providers, sql};
use crate::{
    domain::AccountId,
    platform::{error::Fault, random},
    store::{
        Store,
        db::{Db, Tx},
    },
};

/// The most identities of an account.
pub(crate) const MOST: usize = 20;

/// The identity of this person there, if it opens an account.
pub async fn find(
    store: &Store,
    provider: &Provider,
    subject: &str,
) -> Result<Option<Identity>, Fault> {
    sql::identity(&mut store.read().await?, &provider.issuer_text, subject).await
}

/// The identities of an account, oldest first.
pub async fn of(store: &Store, account: AccountId) -> Result<Vec<Identity>, Fault> {
    sql::identities(&mut store.read().await?, account).await
}

/// How many identities open nothing, because no provider vouches for them any more.
pub(crate) async fn strays(store: &Store, providers: &Providers) -> Result<i64, Fault> {
    sql::strays(&mut store.read().await?, &providers.issuers()).await
}

/// Those of them that providers with these issuers vouch for.
pub(crate) async fn count(
    db: &mut Db,
    account: AccountId,
    issuers: &[&str],
) -> Result<usize, Fault> {
    let all = sql::identities(db, account).await?;
    Ok(all.iter().filter(|identity| issuers.contains(&&*identity.issuer)).count())
}

/// The outcome of linking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linked {
    Now,
    /// It opens this account already.
    Already,
    /// It opens another account.
    ToAnother,
    TooMany,
}

/// Lets an identity open a locked account.
pub(crate) async fn link(
    tx: &mut Tx,
    account: AccountId,
    provider: &Provider,
    person: &Person,
    now: i64,
) -> Result<Linked, Fault> {
    match sql::identity(tx, &provider.issuer_text, &person.subject).await? {
        Some(found) if found.account() == account => return Ok(Linked::Already),
        Some(_) => return Ok(Linked::ToAnother),
        None => {}
    }
    if sql::identities(tx, account).await?.len() >= MOST {
        return Ok(Linked::TooMany);
    }
    let identity = Identity {
        id: random::text()?,
        account_id: account.0,
        issuer: provider.issuer_text.clone(),
        subject: person.subject.clone(),
        provider: provider.id.clone(),
        label: person.label(),
        created_at: now,
        last_used_at: None,
    };
    if sql::insert(tx, &identity).await? {
        return Ok(Linked::Now);
    }
    // Somebody was faster.
    Ok(Linked::ToAnother)
}

/// Whether an identity opens an account.
pub(crate) async fn is_taken(tx: &mut Tx, issuer: &str, subject: &str) -> Result<bool, Fault> {
    Ok(sql::identity(tx, issuer, subject).await?.is_some())
}

/// Adds an identity of an imported account: issuer, subject and label. It must not be taken.
pub(crate) async fn import(
    tx: &mut Tx,
    account: AccountId,
    (issuer, subject, label): (&str, &str, &str),
    now: i64,
) -> Result<(), Fault> {
    let label = if label.is_empty() { subject } else { label };
    let identity = Identity {
        id: random::text()?,
        account_id: account.0,
        issuer: issuer.to_owned(),
        subject: subject.to_owned(),
        // Until the issuer is in the file, it has no other name.
        provider: issuer.to_owned(),
        label: label.to_owned(),
        created_at: now,
        last_used_at: None,
    };
    sql::insert(tx, &identity).await?;
    Ok(())
}

/// The identities of each account with an id greater than `after`, up to `last`.
pub(crate) async fn between(
    store: &Store,
    after: i64,
    last: i64,
) -> Result<HashMap<AccountId, Vec<Identity>>, Fault> {
    let mut all: HashMap<AccountId, Vec<Identity>> = HashMap::new();
    for identity in sql::between(&mut store.read().await?, after, last).await? {
        all.entry(identity.account()).or_default().push(identity);
    }
    Ok(all)
}

/// Notes that an identity opens its account now. `false`: it no longer does.
pub(crate) async fn note_use(
    tx: &mut Tx,
    id: &str,
    account: AccountId,
    now: i64,
) -> Result<bool, Fault> {
    sql::note_use(tx, id, account, now).await
}

/// Unlinks an identity of an account, and returns it.
pub(crate) async fn unlink(
    tx: &mut Tx,
    account: AccountId,
    id: &str,
) -> Result<Option<Identity>, Fault> {
    let all = sql::identities(tx, account).await?;
    let found = all.into_iter().find(|identity| identity.id == id);
    if found.is_some() {
        sql::delete(tx, account, id).await?;
    }
    Ok(found)
}

/// Unlinks all identities of an account. Returns how many there were.
pub(crate) async fn unlink_all(tx: &mut Tx, account: AccountId) -> Result<u64, Fault> {
    sql::delete_all(tx, account).await
}
