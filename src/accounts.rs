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
    domain::{
        AccountId, Code, Email, Field, NewAccount, Profile, ProfileValues, Username, UsernameKey,
    },
    emails, groups,
    invitations::{self, Invitation},
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

use settings::SignUpMode;
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
    for event in made.events() {
        audit::record(&mut tx, event).await?;
    }
    tx.commit().await?;
    services.wake_outbox();
    made.events().for_each(Event::log);
    Ok(made.profile)
}

/// A new account, which exists once its transaction is committed. The caller records its events, last of all.
pub(crate) struct Made {
    pub(crate) profile: Profile,
    pub(crate) epoch: i64,
    pub(crate) event: Event,
    /// The groups that its invitation has put it into.
    pub(crate) joined: Vec<Event>,
    /// Whether its invitation has proved its address.
    pub(crate) has_address: bool,
}

impl Made {
    pub(crate) fn events(&self) -> impl Iterator<Item = &Event> {
        std::iter::once(&self.event).chain(&self.joined)
    }
}

/// Refuses a sign-up that the settings don't allow, before anything else: where people need an invitation, nobody
/// else learns which names there are. An invitation that was used a moment ago passes, since the form may be sent
/// twice.
async fn refuse_uninvited(services: &Services, new: &NewAccount, visit: &Visit) -> Result<()> {
    match (services.settings.accounts.sign_up, &new.invitation) {
        (SignUpMode::Closed, _) | (SignUpMode::Invited, None) => Err(Refusal::SignUpClosed.into()),
        (SignUpMode::Open, None) => Ok(()),
        (_, Some(token)) => invitation(services, token, visit).await.map(drop),
    }
}

/// The invitation with this token. One that doesn't work is refused like any link.
pub(crate) async fn invitation(
    services: &Services,
    token: &str,
    visit: &Visit,
) -> Result<Invitation> {
    match invitations::find(&services.store, token).await? {
        Some(invitation) => Ok(invitation),
        None => uninvited(services, visit).await,
    }
}

async fn uninvited<T>(services: &Services, visit: &Visit) -> Result<T> {
    services.throttle.refuse_bearer(&services.keys, &services.store, visit).await?;
    Err(Refusal::LinkInvalid.into())
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
    refuse_uninvited(services, new, visit).await?;
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
    let invited = match &new.invitation {
        Some(token) => match invitations::use_up(&mut tx, token, event.at).await? {
            Some(invitation) => Some(invitation),
            None => {
                tx.rollback().await?;
                return uninvited(services, visit).await;
            }
        },
        None => None,
    };
    let proved = match proved_address(&mut tx, invited.as_ref(), new).await {
        Ok(proved) => proved,
        Err(error) => {
            tx.rollback().await?;
            return Err(error);
        }
    };
    match (&proved, &new.email) {
        (Some(email), _) => {
            let state = emails::State::Tied;
            emails::import(&mut tx, id, email, state, visit.language, event.at).await?;
        }
        (None, Some(email)) => {
            emails::claim(&mut tx, services, id, new.username.typed(), email, visit).await?;
        }
        (None, None) => {}
    }
    let (event, joined) = match &invited {
        Some(invitation) => {
            let joined = groups::join_as_invited(&mut tx, id, &invitation.groups, &event).await?;
            (event.noting(&invitation.id), joined)
        }
        None => (event, Vec::new()),
    };
    let (username, values) = (new.username.typed().to_owned(), new.values.clone());
    let profile = Profile { id, username, values, created_at: event.at };
    Ok((tx, Made { profile, epoch, event, joined, has_address: proved.is_some() }))
}

/// The address that an invitation proves, unless the new account is to have another one.
async fn proved_address(
    tx: &mut Tx,
    invited: Option<&Invitation>,
    new: &NewAccount,
) -> Result<Option<Email>> {
    let Some(email) = invited.and_then(|invitation| Email::parse(invitation.email.as_ref()?).ok())
    else {
        return Ok(None);
    };
    let is_same = |other: &Email| emails::key(other) == emails::key(&email);
    if !new.email.as_ref().is_none_or(is_same) {
        return Ok(None);
    }
    // An invited person reads the mail of this address, so the answer tells nobody anything new.
    if emails::is_taken(tx, &email).await? {
        return Err(Refusal::of_field(Field::EMAIL, Code::Taken).into());
    }
    Ok(Some(email))
}

/// Makes an account for somebody, without a password. The operator vouches for its address.
pub(crate) async fn make_by_operator(
    services: &Services,
    authority: &Authority,
    new: &NewAccount,
    names: &[String],
) -> Result<Profile> {
    let id = random::account_id()?;
    let event = authority.event(SIGNED_UP, Some(id));
    let account = NewRow {
        id,
        username: &new.username,
        values: &new.values,
        created_at: event.at,
        disabled_at: None,
        delete_at: None,
    };
    let mut tx = services.store.begin().await?;
    if add(&mut tx, &account, None).await?.is_none() {
        tx.rollback().await?;
        return Err(Refusal::UsernameTaken.into());
    }
    if let Some(email) = &new.email {
        if emails::is_taken(&mut tx, email).await? {
            tx.rollback().await?;
            return Err(Refusal::of_field(Field::EMAIL, Code::Taken).into());
        }
        let state = emails::State::Tied;
        emails::import(&mut tx, id, email, state, emails::UNKNOWN, event.at).await?;
    }
    let mut events = vec![event];
    events.extend(groups::change_in(&mut tx, authority, id, names, &[]).await?);
    for event in &events {
        audit::record(&mut tx, event).await?;
    }
    tx.commit().await?;
    events.iter().for_each(Event::log);
    let (username, values) = (new.username.typed().to_owned(), new.values.clone());
    Ok(Profile { id, username, values, created_at: events[0].at })
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

/// A number of accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    pub accounts: i64,
    /// Whether there may be more or less by now.
    pub is_old: bool,
}

/// How far accounts are counted while somebody waits.
const COUNTED: i64 = 10_000;

/// How many accounts there are: exactly if they are few, else as last counted.
pub async fn count(store: &Store) -> Result<Count, Fault> {
    let accounts = sql::count(&mut store.read().await?, COUNTED + 1).await?;
    if accounts <= COUNTED {
        return Ok(Count { accounts, is_old: false });
    }
    let noted = store.fact(Fact::Accounts).await?;
    let accounts = noted.and_then(|count| count.parse().ok()).unwrap_or(COUNTED);
    Ok(Count { accounts, is_old: true })
}

/// Counts all accounts, if they are many: it may take a while.
pub(crate) async fn count_all(store: &Store) -> Result<(), Fault> {
    let mut db = store.read().await?;
    if sql::count(&mut db, COUNTED + 1).await? <= COUNTED {
        return Ok(());
    }
    let count = sql::count(&mut db, i64::MAX).await?;
    drop(db);
    store.note(Fact::Accounts, &count.to_string()).await
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
