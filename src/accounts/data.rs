//! A user's data, for download.

use super::{AccountRecord, DATA_READ, record};
use crate::{
    audit::{self, Event},
    emails::{self, Emails},
    passwords,
    passwords::PasswordHash,
    platform::{error::Result, visit::Visit},
    services::Services,
    sessions::{
        self, StoredSession,
        caller::{Fresh, OVER},
    },
};

/// Everything stored about an account except its history.
pub struct Data {
    pub account: AccountRecord,
    pub emails: Emails,
    pub sessions: Vec<StoredSession>,
    /// How the password is stored. The hash itself is left out.
    pub password_kept_as: &'static str,
}

/// Starts a download of everything stored. The history follows page by page, while it is sent.
pub async fn read(services: &Services, caller: Fresh<'_>, visit: &Visit) -> Result<Data> {
    let (store, account) = (&services.store, caller.account());
    let event = Event::by_owner(visit, account, DATA_READ);
    audit::record_alone(store, &event).await?;
    event.log();
    let holder = passwords::holder(store, account).await?.ok_or(OVER)?;
    Ok(Data {
        account: record(store, account).await?.ok_or(OVER)?,
        emails: emails::of(store, account).await?,
        sessions: sessions::of_account(store, account).await?,
        password_kept_as: holder.hash.as_ref().map_or("none", PasswordHash::kept_as),
    })
}
