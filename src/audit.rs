//! The audit trail: what happened to accounts, in OWASP's vocabulary, each row chained to the one
//! before it (LG-01, LG-04).
//!
//! # The chain
//!
//! `digest` = SHA-256 of (salt, account, detail); `hash` = SHA-256 of (the hash before, seq, at,
//! event, digest). Changing, removing or inserting a row breaks the chain there, and `latchkey
//! audit verify` names the first such row. An attacker who can write to the database could rebuild
//! the whole chain or cut off its end, so keep a copy of the last hash elsewhere and pass it to
//! `verify --expect`.
//!
//! Salt, account and detail are personal data. When an account is deleted they are erased from its
//! rows, a thousand at a time; the digest stays, and so does the chain. The rows
//! `user_deleted:part` and `user_deleted` list the erased rows, so that a row erased by anything
//! else is detected.
//!
//! An event is written in the transaction of its act: neither exists without the other. No event
//! contains names, passwords, tokens or full addresses.
//!
//! A room declares its acts with [`acts!`] and writes their events with [`record`].

pub mod authority;
mod chain;
pub mod cli;
pub mod json;
pub mod pages;
mod sql;

use serde::{Deserialize, Serialize};

use crate::{
    domain::AccountId,
    platform::{clock::now, error::Fault, visit::Visit},
    store::{Store, db::Tx, page_of},
};

pub use authority::Authority;
pub use chain::{AuditRow, export, page_of_export, sha256, verify, verify_recent};
pub(crate) use sql::TABLES;

/// A kind of event. The word is OWASP's (Logging Vocabulary Cheat Sheet), with a reason after a
/// colon where the word alone is ambiguous. Its texts are `event-WORD`, with a hyphen for each colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Act(pub &'static str);

/// Declares the acts of a room, and lists them as `ACTS`.
macro_rules! acts {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {
        $($(#[$doc])* pub const $name: $crate::audit::Act = $crate::audit::Act($word);)*

        /// The acts of this room.
        pub const ACTS: &[$crate::audit::Act] = &[$($name),*];
    };
}

pub(crate) use acts;

acts! {
    DELETED = "user_deleted";
    /// One part of an account's deletion.
    ERASED = "user_deleted:part";
}

/// The actor behind an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// A user who has proved to own the account.
    Owner,
    /// Somebody who has proved nothing.
    Stranger,
    /// The operator, at the command line.
    Operator,
    /// Somebody who administers accounts, in the admin area or by its API.
    Administrator,
    /// A program with an API key.
    #[serde(rename = "api-key")]
    ApiKey,
    /// The server itself.
    Server,
}

impl By {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Stranger => "stranger",
            Self::Operator => "operator",
            Self::Administrator => "administrator",
            Self::ApiKey => "api-key",
            Self::Server => "server",
        }
    }
}

/// The details of an act, besides its name and account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Detail {
    pub by: By,
    /// The id of the administrator's account, or `key:` and the id of the API key.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub actor: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub network: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub device: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub request_id: String,
    /// A keyed hash of the id of the session (LG-03).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub session: String,
    /// How the user signed in: the words of `ProvedBy`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub method: String,
    /// Further details, in our own words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// The rows erased with an account.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub erased: Vec<i64>,
}

/// An act to record.
#[derive(Clone, Debug)]
pub struct Event {
    pub at: i64,
    pub act: Act,
    pub account: Option<AccountId>,
    pub detail: Detail,
}

impl Event {
    /// An event caused by a request.
    #[must_use]
    pub fn of(visit: &Visit, by: By, act: Act, account: Option<AccountId>, at: i64) -> Self {
        let detail = Detail {
            by,
            actor: String::new(),
            network: visit.network(),
            device: visit.device.clone(),
            request_id: visit.request_id.to_string(),
            session: visit.session_reference.clone(),
            method: String::new(),
            note: String::new(),
            erased: Vec::new(),
        };
        Self { at, act, account, detail }
    }

    /// By the account's owner, now.
    #[must_use]
    pub fn by_owner(visit: &Visit, account: AccountId, act: Act) -> Self {
        Self::of(visit, By::Owner, act, Some(account), now())
    }

    /// An event without a request.
    #[must_use]
    pub fn without_request(by: By, act: Act, account: Option<AccountId>, at: i64) -> Self {
        let (actor, network, device, request_id, session, method, note) = Default::default();
        let erased = Vec::new();
        let detail =
            Detail { by, actor, network, device, request_id, session, method, note, erased };
        Self { at, act, account, detail }
    }

    /// With further details, in our own words.
    #[must_use]
    pub fn noting(mut self, note: &str) -> Self {
        note.clone_into(&mut self.detail.note);
        self
    }

    /// The same without personal data.
    #[must_use]
    pub fn of_nobody(&self) -> Self {
        Self::without_request(self.detail.by, self.act, None, self.at)
    }

    /// Logs the event. It leaves out the request, which the span already describes.
    pub fn log(&self) {
        let account = self.account.map(|account| account.0);
        tracing::info!(event = self.act.0, account, by = ?self.detail.by, "audit");
    }
}

/// Appends an event, in the transaction of its act. If its account is gone by now, the event is
/// stored without personal data.
pub(crate) async fn record(tx: &mut Tx, event: &Event) -> Result<(), Fault> {
    sql::lock(tx).await?;
    let (before, there) = sql::last(tx, event.account).await?;
    let before = before.as_ref().map(|(seq, hash)| (*seq, hash.as_str()));
    let nobodys = (event.account.is_some() && !there).then(|| event.of_nobody());
    let event = nobodys.as_ref().unwrap_or(event);
    sql::insert(tx, &AuditRow::following(before, event)?, &event.detail).await
}

/// Records an act that changes nothing else.
pub async fn record_alone(store: &Store, event: &Event) -> Result<(), Fault> {
    let mut tx = store.begin().await?;
    record(&mut tx, event).await?;
    tx.commit().await
}

/// Erases the personal data of up to `most` events of an account, and returns their rows. Nobody
/// can write an event meanwhile.
pub(crate) async fn erase_some(
    tx: &mut Tx,
    account: AccountId,
    most: i64,
) -> Result<Vec<i64>, Fault> {
    sql::lock(tx).await?;
    sql::erase(tx, account, most).await
}

/// How many of the newest rows are checked while somebody waits.
pub const RECENT: i64 = 10_000;

/// A selection of the trail. `None` selects everything.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Selects the events that concern this account, and those it caused as an administrator.
    pub account: Option<AccountId>,
    /// Any of these acts. None: all.
    pub events: Vec<String>,
    pub request_id: Option<String>,
}

/// The selected events before the row `before`, newest first, and whether there are more.
pub async fn select(
    store: &Store,
    filter: &Filter,
    before: i64,
    most: i64,
) -> Result<(Vec<AuditRow>, bool), Fault> {
    let rows = sql::select(&mut store.read().await?, filter, before, most + 1).await?;
    Ok(page_of(rows, most))
}

/// Reads on, for a reader who has a name: the rows after those it has read before, up to `most`. They count as
/// read once the transaction is committed.
pub(crate) async fn read_on(tx: &mut Tx, reader: &str, most: i64) -> Result<Vec<AuditRow>, Fault> {
    let last = sql::reader_at(tx, reader).await?;
    let rows = sql::after(tx, last, most).await?;
    if let Some(end) = rows.last() {
        sql::reader_goes_on(tx, reader, end.seq).await?;
    }
    Ok(rows)
}

/// Keeps a reader from reading on until the end of the transaction.
pub(crate) async fn lock_reader(tx: &mut Tx, reader: &str) -> Result<(), Fault> {
    _ = sql::reader_at(tx, reader).await?;
    Ok(())
}

/// Moves a reader to the end of the trail.
pub(crate) async fn skip_to_now(tx: &mut Tx, reader: &str) -> Result<(), Fault> {
    _ = sql::reader_at(tx, reader).await?;
    sql::reader_skips(tx, reader).await
}

/// Whether there are rows that a reader hasn't read.
pub(crate) async fn has_news(store: &Store, reader: &str) -> Result<bool, Fault> {
    sql::has_news(&mut store.read().await?, reader).await
}

/// The time of the last event, in seconds since 1970.
pub(crate) async fn last_event_at(store: &Store) -> Result<Option<i64>, Fault> {
    sql::last_at(&mut store.read().await?).await
}

/// When one of two acts was last done to an account, in seconds since 1970.
pub async fn newest_of(
    store: &Store,
    account: AccountId,
    acts: [Act; 2],
) -> Result<Option<i64>, Fault> {
    sql::newest_of(&mut store.read().await?, account, acts.map(|act| act.0)).await
}

/// The events of an account before the row `before`, newest first, and whether there are more.
pub async fn history(
    store: &Store,
    account: AccountId,
    before: i64,
    most: i64,
) -> Result<(Vec<AuditRow>, bool), Fault> {
    let rows = sql::of_account(&mut store.read().await?, account, before, most + 1).await?;
    Ok(page_of(rows, most))
}
