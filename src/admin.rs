//! Administration: what administrators, and programs with an API key, do to accounts and everything around them.
//!
//! The rooms own the use cases. This one puts them together, and sees to it that they count at once on this node
//! and that mail goes out. Every act takes an [`Authority`], which its doors get for a recent proof or an API key.

pub mod json;
pub mod pages;
mod repeatable;
mod sql;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    accounts::{self, deletion, people::Person, profile},
    audit::{Authority, acts},
    domain::{AccountId, Email, NewAccount, Profile, ProfileChange},
    emails, factors, groups,
    keys::Keys,
    outbox,
    platform::{
        error::{Fault, Refusal, Result},
        random,
    },
    services::Services,
    sessions::{self, Changed},
    sign_in::password,
};

pub(crate) use sql::{TABLES, forget};

acts! {
    EXPORTED = "sensitive_read:audit";
}

/// Where a link to set a password went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordLink {
    /// To the verified address of the account.
    Sent,
    /// Nowhere: the account has no such address, or there is no mail. Its path is available once.
    Path(String),
}

/// Changes to an account. `None` leaves a value as it is.
#[derive(Default)]
pub struct Changes {
    pub profile: Option<ProfileChange>,
    /// `Some(None)`: none any more.
    pub email: Option<Option<Email>>,
    pub groups: Option<GroupChange>,
    pub disabled: Option<bool>,
}

/// The groups that an account joins and leaves.
pub struct GroupChange {
    join: Vec<String>,
    leave: Vec<String>,
}

impl GroupChange {
    /// From the groups that somebody has seen to those they want. A change that a colleague makes meanwhile stays.
    #[must_use]
    pub fn between(seen: &[String], wanted: &[String]) -> Self {
        let without = |names: &[String], others: &[String]| {
            names.iter().filter(|name| !others.contains(name)).cloned().collect()
        };
        Self { join: without(wanted, seen), leave: without(seen, wanted) }
    }
}

/// The keys that seal mail, if there is mail.
fn mail_keys(services: &Services) -> Option<&Keys> {
    services.mail.as_ref().map(|_| &*services.keys)
}

/// A place in a listing by time, as text: the time and the id of the last entry.
fn place(at: i64, id: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{at}.{id}"))
}

fn read_place(text: &str) -> Option<(i64, String)> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    let (at, id) = text.split_once('.')?;
    random::is_text(id).then_some((at.parse().ok()?, id.to_owned()))
}

/// The id of an account, as in an address: digits only.
fn account_id(text: &str) -> Result<AccountId, Refusal> {
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let id = text.parse().ok().filter(|_| is_plain);
    id.map(AccountId).ok_or(Refusal::NotFound)
}

/// Lets a change count at once on this node, and mail go out.
fn done(services: &Services, changed: Option<&Changed>) {
    if let Some(changed) = changed {
        services.live_sessions.changed(changed);
    }
    services.wake_outbox();
}

/// An account, or a refusal.
pub async fn person(services: &Services, account: AccountId) -> Result<Person> {
    let found = accounts::people::person(&services.store, account).await?;
    Ok(found.ok_or(Refusal::NotFound)?)
}

/// Makes an account, and a link for its owner to set a password with.
pub async fn create(
    services: &Services,
    authority: &Authority,
    new: &NewAccount,
    groups: &[String],
) -> Result<(Profile, PasswordLink)> {
    let profile = accounts::make_by_operator(services, authority, new, groups).await?;
    let link = send_password_link(services, authority, profile.id).await?;
    Ok((profile, link))
}

/// Refuses what a program would do to an administrator, where the room can't.
async fn refuse_program(
    services: &Services,
    authority: &Authority,
    account: AccountId,
) -> Result<()> {
    let is_admin = groups::is_in(&services.store, account, groups::ADMIN).await?;
    match authority.is_program() && is_admin {
        true => Err(Refusal::InsufficientScope.into()),
        false => Ok(()),
    }
}

/// Changes an account, or refuses before anything is changed.
pub async fn change(
    services: &Services,
    authority: &Authority,
    account: AccountId,
    changes: Changes,
) -> Result<()> {
    let (store, keys) = (&services.store, mail_keys(services));
    let Changes { profile, email, groups, disabled } = changes;
    refuse_program(services, authority, account).await?;
    let has_admin = |names: &[String]| names.iter().any(|name| name == groups::ADMIN);
    let (joins, leaves) =
        groups.as_ref().map_or_else(Default::default, |GroupChange { join, leave }| {
            (has_admin(join), has_admin(leave))
        });
    if (leaves || disabled == Some(true)) && groups::is_last_admin(store, account).await? {
        return Err(Refusal::LastAdministrator.into());
    }
    if authority.is_program() && joins {
        return Err(Refusal::InsufficientScope.into());
    }
    match email {
        Some(Some(email)) => {
            let changed = emails::set(store, keys, authority, account, &email).await?;
            done(services, Some(&changed));
        }
        Some(None) => {
            let changed = emails::remove_by_operator(store, keys, authority, account).await?;
            done(services, changed.as_ref());
        }
        None => {}
    }
    if let Some(GroupChange { join, leave }) = groups {
        let changed = groups::change(store, authority, account, &join, &leave).await?;
        done(services, changed.as_ref());
    }
    if let Some(disabled) = disabled {
        let changed = accounts::set_disabled(store, authority, account, disabled).await?;
        done(services, changed.as_ref());
    }
    if let Some(change) = profile {
        let changed = profile::change_by_operator(store, authority, account, change).await?;
        done(services, changed.as_ref());
    }
    Ok(())
}

/// Signs an account out everywhere. Returns how many sessions ended.
pub async fn end_sessions(
    services: &Services,
    authority: &Authority,
    account: AccountId,
) -> Result<usize> {
    refuse_program(services, authority, account).await?;
    let changed = sessions::end_by_operator(&services.store, authority, account).await?;
    done(services, Some(&changed));
    Ok(changed.sessions.len())
}

/// Makes a link for an owner to set a password with, and sends it if there is somewhere to. Nobody else learns it,
/// then.
pub async fn send_password_link(
    services: &Services,
    authority: &Authority,
    account: AccountId,
) -> Result<PasswordLink> {
    if password::send_link(services, authority, account).await? {
        return Ok(PasswordLink::Sent);
    }
    let link = password::make_link(&services.store, authority, account).await?;
    Ok(PasswordLink::Path(format!("/set-password?link={link}")))
}

/// Removes the second factors of an account, and signs it out everywhere. `false`: it had none.
pub async fn reset_factors(
    services: &Services,
    authority: &Authority,
    account: AccountId,
) -> Result<bool> {
    let keys = mail_keys(services);
    let changed = factors::by_operator(&services.store, keys, authority, account).await?;
    done(services, changed.as_ref());
    Ok(changed.is_some())
}

/// Disables an account, and schedules its deletion. `false`: that had been done.
pub async fn dismiss(
    services: &Services,
    authority: &Authority,
    account: AccountId,
) -> Result<bool> {
    let changed = deletion::dismiss(services, authority, account).await?;
    done(services, changed.as_ref());
    Ok(changed.is_some())
}

/// Tries a delivery again, or all that were given up. Returns how many.
pub async fn retry(
    services: &Services,
    authority: &Authority,
    id: Option<&str>,
) -> Result<u64, Fault> {
    let retried = outbox::retry(&services.store, authority, id).await?;
    services.wake_outbox();
    Ok(retried)
}
