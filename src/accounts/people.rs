//! Finding accounts, for the operator: by the beginning of a name or an address, by group and by state, page by
//! page. A page costs the same however many accounts there are.

use std::collections::HashMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use super::{AccountRecord, sql};
use crate::{
    domain::AccountId,
    emails, groups,
    platform::error::{Fault, Result},
    store::{Store, page_of},
};

/// A query for accounts.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// The beginning of a name or an address; empty: all.
    pub text: String,
    pub group: Option<String>,
    pub state: Option<State>,
    /// Not with a text: those are in the order of what fits.
    pub sort: Sort,
}

/// The state of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Active,
    Disabled,
    /// To be deleted.
    Leaving,
}

impl State {
    pub const ALL: [Self; 3] = [Self::Active, Self::Disabled, Self::Leaving];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Leaving => "leaving",
        }
    }

    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

impl AccountRecord {
    #[must_use]
    pub fn state(&self) -> State {
        match (self.disabled_at, self.delete_at) {
            (_, Some(_)) => State::Leaving,
            (Some(_), None) => State::Disabled,
            (None, None) => State::Active,
        }
    }
}

/// An order of accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    #[default]
    Username,
    Newest,
    Oldest,
}

impl Sort {
    pub const ALL: [Self; 3] = [Self::Username, Self::Newest, Self::Oldest];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Username => "username",
            Self::Newest => "newest",
            Self::Oldest => "oldest",
        }
    }

    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sort| sort.word() == word)
    }
}

/// A place in a listing: what the last row of a page is sorted by.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cursor {
    pub(super) key: String,
    pub(super) number: i64,
    pub(super) id: i64,
}

impl Cursor {
    /// As text, in which clients look for nothing.
    #[must_use]
    pub fn write(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let read: Self = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        // PostgreSQL stores no NUL.
        Some(read).filter(|cursor| !cursor.key.contains('\0'))
    }
}

/// An account in a listing.
#[derive(Clone)]
pub struct Person {
    pub record: AccountRecord,
    /// The verified address, or else the one that waits to be verified.
    pub email: Option<String>,
    pub is_verified: bool,
    pub groups: Vec<String>,
}

/// Up to `most` accounts after a place, and the place of the last one if there are more.
pub async fn page(
    store: &Store,
    query: &Query,
    after: Option<&Cursor>,
    most: i64,
) -> Result<(Vec<Person>, Option<Cursor>), Fault> {
    let mut db = store.read().await?;
    let (found, more) = page_of(sql::people(&mut db, query, after, most + 1).await?, most);
    drop(db);
    let next = found.last().filter(|_| more).map(|(cursor, _)| cursor.clone());
    let mut records: Vec<AccountRecord> = Vec::new();
    for (_, record) in found {
        // Found by its name and by its address.
        if records.iter().all(|known| known.profile.id != record.profile.id) {
            records.push(record);
        }
    }
    Ok((with_details(store, records).await?, next))
}

/// One account.
pub async fn person(store: &Store, account: AccountId) -> Result<Option<Person>, Fault> {
    let record = super::record(store, account).await?;
    let found = with_details(store, record.into_iter().collect()).await?;
    Ok(found.into_iter().next())
}

async fn with_details(store: &Store, records: Vec<AccountRecord>) -> Result<Vec<Person>, Fault> {
    let ids: Vec<AccountId> = records.iter().map(|record| record.profile.id).collect();
    let mut emails: HashMap<AccountId, (String, bool)> = emails::of_many(store, &ids).await?;
    let mut groups = groups::of_many(store, &ids).await?;
    let person = |record: AccountRecord| {
        let id = record.profile.id;
        let (email, is_verified) = emails.remove(&id).unzip();
        let groups = groups.remove(&id).unwrap_or_default();
        Person { record, email, is_verified: is_verified.unwrap_or_default(), groups }
    };
    Ok(records.into_iter().map(person).collect())
}

/// The usernames of accounts, for those who acted in the trail.
pub async fn names(
    store: &Store,
    accounts: &[AccountId],
) -> Result<HashMap<AccountId, String>, Fault> {
    sql::names(&mut store.read().await?, accounts).await
}
