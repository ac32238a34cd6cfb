//! Groups: names that accounts belong to. What a group may do is up to whoever asks for it: an app, a rule
//! of a proxied path. Members of one group, `admin`, administer this server.

pub mod cli;
mod sql;

use std::collections::HashMap;

use crate::{
    audit::{self, Authority, Event, acts},
    domain::{AccountId, Code, Field},
    platform::{
        clock::now,
        error::{Error, Fault, Refusal, Result},
    },
    sessions::{self, Changed, account},
    store::{
        Store, changes,
        db::{Db, Tx},
    },
};

pub use sql::Group;
pub(crate) use sql::{TABLES, still_administers};

acts! {
    MADE = "privilege_permissions_changed:group_made";
    DESCRIBED = "privilege_permissions_changed:group_described";
    REMOVED = "privilege_permissions_changed:group_removed";
    JOINED = "privilege_permissions_changed:joined";
    LEFT = "privilege_permissions_changed:left";
}

/// The group whose members administer this server.
pub const ADMIN: &str = "admin";

/// In characters.
const MAX_NAME: usize = 64;

/// In characters.
const MAX_DESCRIPTION: usize = 200;

/// How many groups there may be, and how many an account may belong to.
const MAX_NUMBER: usize = 1000;
const MAX_OF_ONE: usize = 100;

/// The field with names of groups.
pub const GROUPS: Field = Field::named("groups");

/// The name of a group: it travels in headers, with commas between.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let is_good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    // An app that ignores case must not take it for another.
    let poses_as_admin = name.eq_ignore_ascii_case(ADMIN) && name != ADMIN;
    (1..=MAX_NAME).contains(&name.len()) && name.chars().all(is_good) && !poses_as_admin
}

/// The groups of an account, in order.
pub async fn of(store: &Store, account: AccountId) -> Result<Vec<String>, Fault> {
    sql::of(&mut store.read().await?, account).await
}

/// The same in a transaction.
pub(crate) async fn of_one(db: &mut Db, account: AccountId) -> Result<Vec<String>, Fault> {
    sql::of(db, account).await
}

/// The groups of each of some accounts, in order.
pub async fn of_many(
    store: &Store,
    accounts: &[AccountId],
) -> Result<HashMap<AccountId, Vec<String>>, Fault> {
    sql::of_many(&mut store.read().await?, accounts).await
}

/// Whether an account belongs to a group.
pub async fn is_in(store: &Store, account: AccountId, name: &str) -> Result<bool, Fault> {
    sql::is_in(&mut store.read().await?, account, name).await
}

/// All groups, by name, each with how many members it has, counted up to [`COUNTED`].
pub async fn all(store: &Store) -> Result<Vec<Group>, Fault> {
    sql::all(&mut store.read().await?).await
}

/// The names of all groups, in order.
pub async fn names(store: &Store) -> Result<Vec<String>, Fault> {
    sql::names(&mut store.read().await?).await
}

/// A group with this name.
pub async fn find(store: &Store, name: &str) -> Result<Option<Group>, Fault> {
    sql::find(&mut store.read().await?, name).await
}

/// How far the members of a group are counted.
pub const COUNTED: i64 = 1000;

/// Whether anybody administers this server.
pub async fn has_admin(store: &Store) -> Result<bool, Fault> {
    sql::has_other_admin(&mut store.read().await?, AccountId(0)).await
}

/// Puts an account into groups and takes it out of others. A group that doesn't exist is made. It counts
/// within a second, in live sessions too. `None`: it changed nothing.
pub async fn change(
    store: &Store,
    authority: &Authority,
    account: AccountId,
    add: &[String],
    remove: &[String],
) -> Result<Option<Changed>> {
    let mut tx = store.begin().await?;
    let revision = changes::next_revision(&mut tx).await?;
    account::lock(&mut tx, account).await?.ok_or(Refusal::NotFound)?;
    refuse_program(&mut tx, authority, account).await?;
    let events = change_in(&mut tx, authority, account, add, remove).await?;
    let Some(first) = events.first() else {
        tx.rollback().await?;
        return Ok(None);
    };
    let changed = sessions::tell_of(&mut tx, revision, account, first.at).await?;
    for event in &events {
        audit::record(&mut tx, event).await?;
    }
    tx.commit().await?;
    events.iter().for_each(Event::log);
    Ok(Some(changed))
}

/// The same in the transaction of something larger, which records the events.
pub(crate) async fn change_in(
    tx: &mut Tx,
    authority: &Authority,
    account: AccountId,
    add: &[String],
    remove: &[String],
) -> Result<Vec<Event>> {
    let mut events = Vec::new();
    let removes = |name: &str| remove.iter().any(|group| group == name);
    if authority.is_program() && (add.iter().any(|name| name == ADMIN) || removes(ADMIN)) {
        return Err(Refusal::InsufficientScope.into());
    }
    if removes(ADMIN) {
        refuse_last_admin(tx, account).await?;
    }
    for name in add {
        if make(tx, name, "", GROUPS, now()).await? {
            events.push(authority.event(MADE, None).noting(name));
        }
        if sql::join(tx, account, name).await? {
            events.push(authority.event(JOINED, Some(account)).noting(name));
            if name == ADMIN {
                // Whoever got a link before must not get an administrator with it.
                sessions::void(tx, account).await?;
            }
        }
    }
    if !add.is_empty() && sql::of(tx, account).await?.len() > MAX_OF_ONE {
        return Err(Refusal::of_field(GROUPS, Code::TooMany { max: MAX_OF_ONE }).into());
    }
    for name in remove {
        if sql::leave(tx, account, name).await? {
            events.push(authority.event(LEFT, Some(account)).noting(name));
        }
    }
    Ok(events)
}

/// Makes a group, if there is room for one more. `field`: the one with its name. `false`: the group exists.
async fn make(tx: &mut Tx, name: &str, description: &str, field: Field, at: i64) -> Result<bool> {
    let is_new = sql::make(tx, name, description, at).await?;
    if is_new && sql::count(tx).await? > MAX_NUMBER {
        return Err(too_many(field));
    }
    Ok(is_new)
}

/// Refuses groups to join if making the new ones among them would exceed the limit.
pub(crate) async fn refuse_without_room(store: &Store, wanted: &[String]) -> Result<()> {
    let known = names(store).await?;
    let new = wanted.iter().filter(|name| !known.contains(name)).count();
    if new > 0 && known.len() + new > MAX_NUMBER {
        return Err(too_many(GROUPS));
    }
    Ok(())
}

fn too_many(field: Field) -> Error {
    Refusal::of_field(field, Code::TooMany { max: MAX_NUMBER }).into()
}

/// Puts a new account into the groups of its invitation, because of `event`. Returns the events, to be recorded.
pub(crate) async fn join_as_invited(
    tx: &mut Tx,
    account: AccountId,
    names: &[String],
    event: &Event,
) -> Result<Vec<Event>> {
    let mut events = Vec::new();
    for name in names {
        if make(tx, name, "", GROUPS, event.at).await? {
            events.push(Event { act: MADE, account: None, ..event.clone() }.noting(name));
        }
        if sql::join(tx, account, name).await? {
            events.push(Event { act: JOINED, ..event.clone() }.noting(name));
        }
    }
    Ok(events)
}

/// Puts an imported account into its groups, in the transaction that adds it. Its own event says so.
pub(crate) async fn import(
    tx: &mut Tx,
    account: AccountId,
    names: &[String],
    at: i64,
) -> Result<(), Fault> {
    for name in names {
        _ = sql::make(tx, name, "", at).await?;
        _ = sql::join(tx, account, name).await?;
    }
    Ok(())
}

/// Refuses to take the last administrator away: call it before an account leaves, is disabled or deleted. The
/// number of the change must have been taken, so that two of them don't go at once.
pub(crate) async fn refuse_last_admin(tx: &mut Tx, account: AccountId) -> Result<()> {
    if sql::is_active_admin(tx, account).await? && !sql::has_other_admin(tx, account).await? {
        return Err(Refusal::LastAdministrator.into());
    }
    Ok(())
}

/// Whether nobody else administers this server.
pub async fn is_last_admin(store: &Store, account: AccountId) -> Result<bool, Fault> {
    let mut db = store.read().await?;
    Ok(sql::is_active_admin(&mut db, account).await?
        && !sql::has_other_admin(&mut db, account).await?)
}

/// Refuses what a program would do to an administrator: otherwise its key would open everything.
pub(crate) async fn refuse_program(
    tx: &mut Tx,
    authority: &Authority,
    account: AccountId,
) -> Result<()> {
    if authority.is_program() && sql::is_in(tx, account, ADMIN).await? {
        return Err(Refusal::InsufficientScope.into());
    }
    Ok(())
}

/// What saving a group has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    Made,
    Described,
    /// It was so already.
    Unchanged,
}

/// Makes a group, or describes one. `description`: `None` keeps the one it has.
pub async fn save(
    store: &Store,
    authority: &Authority,
    name: &str,
    description: Option<&str>,
) -> Result<Saved> {
    check(name)?;
    let is_described = description.is_some();
    let description = description.unwrap_or_default().trim();
    let is_good =
        description.chars().count() <= MAX_DESCRIPTION && !description.contains(char::is_control);
    if !is_good {
        let code = Code::TooLong { max: MAX_DESCRIPTION };
        return Err(Refusal::of_field(DESCRIPTION, code).into());
    }
    let mut tx = store.begin().await?;
    let (act, saved) = if make(&mut tx, name, description, Field::NAME, now()).await? {
        (MADE, Saved::Made)
    } else if is_described && sql::describe(&mut tx, name, description).await? {
        (DESCRIBED, Saved::Described)
    } else {
        tx.rollback().await?;
        return Ok(Saved::Unchanged);
    };
    let event = authority.event(act, None).noting(name);
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    event.log();
    Ok(saved)
}

/// The field that says what a group is for.
pub const DESCRIPTION: Field = Field::named("description");

/// Removes a group, which all its members leave. `false`: there is none.
pub async fn remove(store: &Store, authority: &Authority, name: &str) -> Result<bool> {
    if name == ADMIN {
        return Err(Refusal::LastAdministrator.into());
    }
    let mut tx = store.begin().await?;
    let revision = changes::next_revision(&mut tx).await?;
    if !sql::remove(&mut tx, name).await? {
        tx.rollback().await?;
        return Ok(false);
    }
    // Its members may be many.
    changes::tell_all(&mut tx, revision).await?;
    let event = authority.event(REMOVED, None).noting(name);
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    event.log();
    Ok(true)
}

/// Checks the names of groups for an account.
pub fn check_names(names: &[String]) -> Result<(), Refusal> {
    let code = match names {
        names if names.len() > MAX_OF_ONE => Code::TooMany { max: MAX_OF_ONE },
        names if names.iter().all(|name| is_name(name)) => return Ok(()),
        _ => Code::Characters,
    };
    Err(Refusal::of_field(GROUPS, code))
}

/// Checks the name of a group.
pub(crate) fn check(name: &str) -> Result<(), Error> {
    if is_name(name) {
        return Ok(());
    }
    let code = if name.is_empty() { Code::Missing } else { Code::Characters };
    Err(Refusal::of_field(Field::NAME, code).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_fits_into_a_list_with_commas() {
        for name in ["admin", "Wiki-Editors", "a.b_c", &"a".repeat(64)] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "a,b", "a b", "ü", "a\n", "Admin", &"a".repeat(65)] {
            assert!(!is_name(name), "{name}");
        }
    }
}
