//! Groups: names that accounts belong to. What a group may do is up to whoever asks for it: an app, a rule
//! of a proxied path.

pub mod cli;
mod sql;

use crate::{
    audit::{self, By, Event, acts},
    domain::AccountId,
    platform::{
        clock::now,
        error::{Fault, Result},
    },
    sessions::{self, account},
    store::{Store, changes},
};

pub(crate) use sql::TABLES;

acts! {
    JOINED = "privilege_permissions_changed:joined";
    LEFT = "privilege_permissions_changed:left";
}

/// In characters.
const MAX_NAME: usize = 64;

/// The name of a group: it travels in headers, with commas between.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let is_good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    (1..=MAX_NAME).contains(&name.len()) && name.chars().all(is_good)
}

/// The groups of an account, in order.
pub async fn of(store: &Store, account: AccountId) -> Result<Vec<String>, Fault> {
    sql::of(&mut store.read().await?, account).await
}

/// The operator puts an account into groups and takes it out of others. It counts within a second, in live
/// sessions too. `false`: it changed nothing.
pub async fn change(
    store: &Store,
    account: AccountId,
    add: &[String],
    remove: &[String],
) -> Result<bool, Fault> {
    let now = now();
    let mut tx = store.begin().await?;
    let revision = changes::next_revision(&mut tx).await?;
    account::lock(&mut tx, account).await?;
    let mut events = Vec::new();
    let changes = add.iter().map(|name| (name, JOINED));
    for (name, act) in changes.chain(remove.iter().map(|name| (name, LEFT))) {
        let changed = match act {
            JOINED => sql::join(&mut tx, account, name).await?,
            _ => sql::leave(&mut tx, account, name).await?,
        };
        if changed {
            let mut event = Event::without_request(By::Operator, act, Some(account), now);
            event.detail.note.clone_from(name);
            events.push(event);
        }
    }
    if events.is_empty() {
        tx.rollback().await?;
        return Ok(false);
    }
    _ = sessions::tell_of(&mut tx, revision, account, now).await?;
    for event in &events {
        audit::record(&mut tx, event).await?;
    }
    tx.commit().await?;
    events.iter().for_each(Event::log);
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_fits_into_a_list_with_commas() {
        for name in ["admin", "Wiki-Editors", "a.b_c", &"a".repeat(64)] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "a,b", "a b", "ü", "a\n", &"a".repeat(65)] {
            assert!(!is_name(name), "{name}");
        }
    }
}
