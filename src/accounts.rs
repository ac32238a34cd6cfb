//! Accounts: creating, changing and deleting them.
//!
//! Signing in is in `sign_in`.

pub mod cli;
pub mod data;
pub mod deletion;
pub mod import;
pub mod json;
pub mod pages;
pub mod people;
pub mod profile;
pub mod settings;
mod sql;

use crate::{
    audit::{self, Authority, By, Event, acts},
    domain::{AccountId, NewAccount, Profile, ProfileValues, Username, UsernameKey},
    emails, groups,
    passwords::{self, PasswordHash, Place},
    platform::{
        clock::now,
        error::{Error, Fault, Refusal, Result},
        random,
        visit::Visit,
    },
    services::Services,
    sessions::{self, Changed, Which, account, end},
    store::{
        Fact, Store,
        changes::{self, Revision},
        db::Tx,
    },
    throttle::{LIMITED, Who},
};

pub(crate) use sql::TABLES;

acts! {
    SIGNED_UP = "user_created";
    SIGN_UP_REFUSED = "user_create_fail:taken";
    IMPORTED = "user_created:import";
    DISABLED = "user_archived:disabled";
    ENABLED = "user_updated:enabled";
    DELETION_ASKED = "user_archived:deletion";
    DELETION_UNDONE = "user_updated:deletion_undone";
    DATA_READ = "sensitive_read:data";
}

/// An account's own data, as stored. Times are seconds since 1970, UTC.
#[derive(Clone)]
pub struct AccountRecord {
    pub profile: Profile,
    pub disabled_at: Option<i64>,
    pub delete_at: Option<i64>,
}

/// An account to insert.
struct NewRow<'a> {
    id: AccountId,
    username: &'a Username,
    values: &'a ProfileValues,
    created_at: i64,
    disabled_at: Option<i64>,
    delete_at: Option<i64>,
}

/// Creates an account without signing in.
pub async fn sign_up(services: &Services, new: &NewAccount, visit: &Visit) -> Result<Profile> {
    let (mut tx, made) = make(services, new, visit, random::account_id()?).await?;
    audit::record(&mut tx, &made.event).await?;
    tx.commit().await?;
    services.wake_outbox();
    made.event.log();
    Ok(made.profile)
}

/// A new account, which exists once its transaction is committed. The caller records its event, last of all.
pub(crate) struct Made {
    pub(crate) profile: Profile,
    pub(crate) epoch: i64,
    pub(crate) event: Event,
}

/// Creates an account, in a transaction that may do more.
///
/// The unique indexes decide in the transaction whether the name is taken, and no two accounts are
/// added at once (IN-07); the check before it only saves a hash. Every sign-up counts against its
/// network, even if the name is taken: names are public here, but nobody may probe many (AU-03).
pub(crate) async fn make(
    services: &Services,
    new: &NewAccount,
    visit: &Visit,
    id: AccountId,
) -> Result<(Tx, Made)> {
    let Services { store, throttle, .. } = services;
    let counters = throttle.counters(&services.keys, Who::Newcomer, visit);
    throttle.refuse_if_limited(store, &counters, visit, LIMITED).await?;
    let event = Event::of(visit, By::Owner, SIGNED_UP, Some(id), now());
    let taken = async || {
        let event = Event { act: SIGN_UP_REFUSED, account: None, ..event.clone() };
        throttle.count(store, &counters, event).await?;
        Err(Error::from(Refusal::UsernameTaken))
    };
    if is_taken(store, &new.username).await? {
        return taken().await;
    }
    let hash = match &new.password {
        Some(password) => Some(services.passwords.hash(password, Place::of(visit, None)).await?),
        None => None,
    };
    let account = NewRow {
        id,
        username: &new.username,
        values: &new.values,
        created_at: event.at,
        disabled_at: None,
        delete_at: None,
    };
    let mut tx = store.begin().await?;
    let Some(epoch) = add(&mut tx, &account, hash.as_ref()).await? else {
        tx.rollback().await?;
        return taken().await;
    };
    if let Some(limited) = throttle.count_in(&mut tx, &counters).await? {
        tx.rollback().await?;
        throttle.audit_refusal(store, visit, LIMITED).await;
        return Err(limited);
    }
    _ = sessions::note_device(&mut tx, &services.keys, id, visit, event.at).await?;
    if let Some(email) = &new.email {
        emails::claim(&mut tx, services, id, new.username.typed(), email, visit).await?;
    }
    let (username, values) = (new.username.typed().to_owned(), new.values.clone());
    let profile = Profile { id, username, values, created_at: event.at };
    Ok((tx, Made { profile, epoch, event }))
}

/// Adds an account and its password, and returns its epoch. `None`: the name, one that looks the
/// same, or the id is taken.
async fn add(
    tx: &mut Tx,
    account: &NewRow<'_>,
    hash: Option<&PasswordHash>,
) -> Result<Option<i64>, Fault> {
    sql::lock_names(tx).await?;
    let Some(epoch) = sql::insert(tx, account).await? else { return Ok(None) };
    if let Some(hash) = hash {
        passwords::give(tx, account.id, hash).await?;
    }
    Ok(Some(epoch))
}

/// The database part of a sign-up, for `make bench`. `false`: the name is taken.
#[doc(hidden)]
pub async fn add_alone(
    store: &Store,
    username: &Username,
    values: &ProfileValues,
    hash: &PasswordHash,
    event: &Event,
) -> Result<bool, Fault> {
    if is_taken(store, username).await? {
        return Ok(false);
    }
    let (created_at, disabled_at, delete_at) = (event.at, None, None);
    let id = event.account.unwrap_or(random::account_id()?);
    let account = NewRow { id, username, values, created_at, disabled_at, delete_at };
    let mut tx = store.begin().await?;
    let added = add(&mut tx, &account, Some(hash)).await?.is_some();
    audit::record(&mut tx, event).await?;
    tx.commit().await?;
    Ok(added)
}

/// Whether this username, or one that looks the same, is taken.
pub async fn is_taken(store: &Store, username: &Username) -> Result<bool, Fault> {
    sql::is_taken(&mut store.read().await?, username).await
}

pub async fn record(store: &Store, account: AccountId) -> Result<Option<AccountRecord>, Fault> {
    sql::of(&mut store.read().await?, account).await
}

/// Up to `most` accounts with a greater id, ordered by id.
pub async fn records_after(store: &Store, id: i64, most: i64) -> Result<Vec<AccountRecord>, Fault> {
    sql::after(&mut store.read().await?, id, most).await
}

/// The account with this username, in any spelling, or with this id.
pub async fn find(store: &Store, name: &str) -> Result<Option<AccountRecord>, Fault> {
    let mut db = store.read().await?;
    let named = match UsernameKey::find(name) {
        Some(key) => sql::named(&mut db, &key).await?,
        None => None,
    };
    let numbered = match name.parse() {
        Ok(id) => sql::of(&mut db, AccountId(id)).await?,
        Err(_) => None,
    };
    match (named, numbered) {
        // Anybody can sign up with somebody else's id as the username.
        (Some(named), Some(numbered)) if named.profile.id != numbered.profile.id => {
            Err(Fault::internal(format!(
                "{name} is the username of the account {} and the id of {}: use the other one of either",
                named.profile.id.0, numbered.profile.username
            )))
        }
        (named, numbered) => Ok(named.or(numbered)),
    }
}

/// Disables an account and ends its sessions, or enables it again, which also cancels a deletion. `None`: it
/// already was.
pub async fn set_disabled(
    store: &Store,
    authority: &Authority,
    account: AccountId,
    disabled: bool,
) -> Result<Option<Changed>> {
    let event = authority.event(if disabled { DISABLED } else { ENABLED }, Some(account));
    let mut tx = store.begin().await?;
    let revision = changes::next_revision(&mut tx).await?;
    account::lock(&mut tx, account).await?;
    groups::refuse_program(&mut tx, authority, account).await?;
    if disabled {
        groups::refuse_last_admin(&mut tx, account).await?;
    }
    if !sql::set_disabled(&mut tx, account, disabled.then_some(event.at)).await? {
        tx.rollback().await?;
        return Ok(None);
    }
    let changed = end_all(&mut tx, revision, account, &event).await?;
    tx.commit().await?;
    event.log();
    Ok(Some(changed))
}

/// Ends all sessions of a changed account and records the reason.
async fn end_all(
    tx: &mut Tx,
    revision: Revision,
    account: AccountId,
    event: &Event,
) -> Result<Changed, Fault> {
    let changed = end(tx, revision, account, Which::All, event.at).await?;
    audit::record(tx, event).await?;
    Ok(changed)
}

/// Cancels the deletion of an account whose owner has come back.
pub(crate) async fn keep(
    tx: &mut Tx,
    services: &Services,
    profile: &Profile,
    event: &Event,
) -> Result<Event, Fault> {
    let account = profile.id;
    sql::keep(tx, account).await?;
    emails::notify(tx, services, account, "deletion-undone", &[], "/account/security").await?;
    let undone = Event { act: DELETION_UNDONE, ..event.clone() };
    audit::record(tx, &undone).await?;
    Ok(undone)
}

/// Lists all accounts in the directory, unless it is complete.
pub(crate) async fn list_all(store: &Store) -> Result<(), Fault> {
    const PIECE: i64 = 500;
    if store.fact(Fact::Directory).await?.is_some() {
        return Ok(());
    }
    let mut last = 0;
    loop {
        let rows = sql::names_after(&mut store.read().await?, last, PIECE).await?;
        let Some((end, ..)) = rows.last() else { break };
        let mut tx = store.begin().await?;
        for (id, ..) in &rows {
            sql::list_anew(&mut tx, AccountId(*id)).await?;
        }
        emails::list_between(&mut tx, last, *end).await?;
        tx.commit().await?;
        last = *end;
    }
    store.note(Fact::Directory, "1").await
}

/// The version of the username mapping behind the stored keys: 2 folds the case.
const USERNAME_MAPPING: &str = "2";

/// Recomputes the username keys if an older version made them.
pub(crate) async fn map_usernames(store: &Store) -> Result<(), Fault> {
    const PIECE: i64 = 500;
    if store.fact(Fact::UsernameMapping).await?.as_deref() == Some(USERNAME_MAPPING) {
        return Ok(());
    }
    let mut last = 0;
    loop {
        let rows = sql::names_after(&mut store.read().await?, last, PIECE).await?;
        let Some((end, ..)) = rows.last() else { break };
        last = *end;
        let mut tx = store.begin().await?;
        sql::lock_names(&mut tx).await?;
        for (id, username, key) in &rows {
            if let Some(mapped) = UsernameKey::find(username)
                && mapped.as_str() != key
            {
                sql::set_key(&mut tx, *id, &mapped).await?;
            }
        }
        tx.commit().await?;
    }
    store.note(Fact::UsernameMapping, USERNAME_MAPPING).await
}
