//! Devices that users have signed in from before, recognised by a cookie (AU-05).

use crate::{
    keys::{Keys, Statement},
    passwords::Holder,
    platform::{error::Fault, random, visit::Visit},
    sessions::{StoredSession, carrier::Carrier},
};

/// The maximum number of accounts per device.
const MAX_ACCOUNTS: usize = 4;

/// The id of the device, if it has been used to sign in to this account before, with the current
/// password.
pub(super) fn known<'a>(keys: &Keys, holder: Option<&Holder>, visit: &'a Visit) -> Option<&'a str> {
    let mut parts = visit.known_device.as_deref()?.split('.');
    let (device, holder) = (parts.next()?, holder?);
    let statement = Statement::Device(device, holder.profile.id, holder.epoch);
    parts.take(MAX_ACCOUNTS).any(|tag| keys.fits(statement, tag)).then_some(device)
}

/// `DEVICE.TAG.TAG…`: the id of the device, and a tag for each account, the latest first. Programs
/// keep none.
pub(super) fn cookie(
    keys: &Keys,
    session: &StoredSession,
    epoch: i64,
    visit: &Visit,
) -> Result<Option<String>, Fault> {
    if session.carrier == Carrier::Program {
        return Ok(None);
    }
    let known = visit.known_device.as_deref().unwrap_or_default();
    let is_tag = |tag: &str| {
        tag.len() == 43 && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    let mut parts = known.split('.');
    let device = match parts.next().filter(|device| random::is_text(device)) {
        Some(device) => device.to_owned(),
        // The same for the same session, in case the form was sent twice.
        None => random::text_of(&keys.tag(Statement::NewDevice(&session.id))),
    };
    let statement = Statement::Device(&device, session.account_id, epoch);
    let others = parts.filter(|tag| is_tag(tag) && !keys.fits(statement, tag));
    let tag = keys.tag(statement);
    let tags: Vec<&str> = std::iter::once(&*tag).chain(others).take(MAX_ACCOUNTS).collect();
    Ok(Some(format!("{device}.{}", tags.join("."))))
}
