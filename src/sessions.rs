//! Sessions: how they begin, continue and end.
//!
//! A session is a row. Clients have a JWT that names it ([`tokens`]), and programs optionally a
//! refresh token ([`refresh`]). Nodes cache the rows they have read, and learn within a second
//! which of them have ended ([`live`]). [`caller`] proves that a request comes from a live session.
//! Apps get what they have by a session, and lose it with the session ([`grants`]).

pub mod account;
pub mod caller;
pub mod carrier;
pub mod grants;
pub mod live;
mod proof;
pub mod refresh;
pub mod settings;
mod sql;
pub mod tokens;

use crate::{
    audit::{self, Authority, Event, acts},
    challenges,
    domain::{AccountId, Profile},
    keys::{Keys, Statement},
    links,
    platform::{clock::now, error::Fault, visit::Visit},
    store::{
        Store,
        changes::{self, Revision},
        db::Tx,
    },
};
use carrier::Carrier;
pub use proof::{First, KeyStorage, ProvedBy, Second};

pub(crate) use sql::{TABLES, forget};

acts! {
    /// Ended by its owner.
    SESSION_ENDED = "session_expired:ended";
    OTHER_SESSIONS_ENDED = "session_expired:others_ended";
    /// Ended by the operator.
    ALL_SESSIONS_ENDED = "session_expired:all_ended";
}

/// The most live sessions an account may have.
pub const MAX_SESSIONS: i64 = 100;

/// A session as stored. Times are seconds since 1970, UTC. `alive_until` is never after `ends_at`.
#[derive(Clone, Debug)]
pub struct StoredSession {
    pub id: String,
    pub account_id: AccountId,
    pub carrier: Carrier,
    pub created_at: i64,
    pub alive_until: i64,
    pub ends_at: i64,
    /// To within a hundredth of the idle time.
    pub seen_at: i64,
    /// The time and method of the last proof of identity. 0: what it proved is no longer enough.
    pub proved_at: i64,
    pub proved_by: ProvedBy,
    /// The time of that proof, whatever became of it.
    pub auth_time: i64,
    /// In words: browser and system.
    pub device: String,
    pub network: String,
    /// Whether the cookie outlives the browser.
    pub remembered: bool,
    /// Whether there are refresh tokens for it.
    pub refreshable: bool,
    /// The id of the first session of the line that this one continues.
    pub family: String,
    /// A keyed hash of the request that began it, if that request may be repeated.
    pub begun_by: Option<String>,
    /// Its first refresh token, in case that request is repeated.
    pub sealed_refresh_token: Option<String>,
}

/// A live session, its account, and the revision of all sessions at that moment.
pub struct LiveRow {
    pub session: StoredSession,
    pub profile: Profile,
    pub revision: i64,
}

/// A session that began a moment ago, for a repetition of the request that began it.
pub struct Successor {
    pub session: StoredSession,
    pub profile: Profile,
}

/// Sessions that have ended or whose account has changed, and the revision since when. This node must
/// be told: [`live::LiveSessions::changed`].
#[must_use]
pub struct Changed {
    pub revision: Revision,
    pub sessions: Vec<String>,
}

/// A selection of an account's sessions.
#[derive(Clone, Copy, Debug)]
pub enum Which<'a> {
    One(&'a str),
    AllBut(&'a str),
    All,
    /// The least useful ones, to make room for one more.
    TooMany,
}

/// Begins a session of a locked account. `refresh_token`: the hash of its first one.
pub(crate) async fn begin(
    tx: &mut Tx,
    session: &StoredSession,
    refresh_token: Option<&str>,
) -> Result<(), Fault> {
    sql::insert(tx, session).await?;
    if let Some(hash) = refresh_token {
        sql::insert_refresh_token(tx, hash, &session.id, session.seen_at).await?;
    }
    Ok(())
}

/// Ends sessions of an account: the only way one ends before its time. Ending all, or all others,
/// defends the account, so it also voids the account's links and challenges.
pub(crate) async fn end(
    tx: &mut Tx,
    revision: Revision,
    account: AccountId,
    which: Which<'_>,
    now: i64,
) -> Result<Changed, Fault> {
    changes::tell(tx, revision, account, now).await?;
    let sessions = match which {
        Which::TooMany => sql::delete_beyond(tx, account, MAX_SESSIONS - 1, now).await?,
        Which::One(id) => sql::delete_one(tx, account, id).await?,
        Which::AllBut(id) => {
            void(tx, account).await?;
            sql::delete_but(tx, account, id).await?
        }
        Which::All => {
            void(tx, account).await?;
            sql::delete_but(tx, account, "").await?
        }
    };
    grants::end_orphans(tx, account, now).await?;
    Ok(Changed { revision, sessions })
}

/// Voids what could still change an account or begin a session: its links and challenges.
pub(crate) async fn void(tx: &mut Tx, account: AccountId) -> Result<(), Fault> {
    links::void(tx, account).await?;
    challenges::void(tx, account).await
}

/// Whether an account must lose a session before it gets another.
pub(crate) async fn is_crowded(tx: &mut Tx, account: AccountId, now: i64) -> Result<bool, Fault> {
    Ok(sql::count(tx, account, now).await? >= MAX_SESSIONS)
}

/// Lists an account as changed without ending its sessions.
pub(crate) async fn tell_of(
    tx: &mut Tx,
    revision: Revision,
    account: AccountId,
    now: i64,
) -> Result<Changed, Fault> {
    changes::tell(tx, revision, account, now).await?;
    Ok(Changed { revision, sessions: sql::ids(tx, account).await? })
}

/// Ends sessions of an account, and records `event` if there were any.
pub async fn end_and_record(
    store: &Store,
    account: AccountId,
    which: Which<'_>,
    event: &Event,
) -> Result<Changed, Fault> {
    let mut tx = store.begin().await?;
    let revision = changes::next_revision(&mut tx).await?;
    if matches!(which, Which::AllBut(_) | Which::All) {
        // No session may begin in the meantime.
        account::lock(&mut tx, account).await?;
    }
    let changed = end(&mut tx, revision, account, which, event.at).await?;
    match (changed.sessions.is_empty(), which) {
        (true, Which::One(_) | Which::TooMany) => tx.rollback().await?,
        // It has voided the links all the same.
        (true, Which::AllBut(_) | Which::All) => tx.commit().await?,
        (false, _) => {
            audit::record(&mut tx, event).await?;
            tx.commit().await?;
            event.log();
        }
    }
    Ok(changed)
}

/// Ends all sessions of an account, for the operator.
pub async fn end_by_operator(
    store: &Store,
    authority: &Authority,
    account: AccountId,
) -> Result<Changed, Fault> {
    let event = authority.event(ALL_SESSIONS_ENDED, Some(account));
    end_and_record(store, account, Which::All, &event).await
}

/// The live sessions of an account, last used first.
pub async fn of_account(store: &Store, account: AccountId) -> Result<Vec<StoredSession>, Fault> {
    sql::of_account(&mut store.read().await?, account, now()).await
}

/// Notes that an account is used from the device and network of a visit, by a keyed hash. `false`:
/// they are new to it.
pub(crate) async fn note_device(
    tx: &mut Tx,
    keys: &Keys,
    account: AccountId,
    visit: &Visit,
    now: i64,
) -> Result<bool, Fault> {
    let (device, network) = (&visit.device, visit.network());
    let tag = keys.tag(Statement::Seen(account, device, &network));
    sql::note_device(tx, account, &tag, (device, &network), now).await
}

/// The live session that a request began after `since`, if any.
pub(crate) async fn begun_by(
    store: &Store,
    request: &str,
    since: i64,
) -> Result<Option<Successor>, Fault> {
    let row = sql::begun_by(&mut store.read().await?, request, since).await?;
    Ok(row.map(|LiveRow { session, profile, .. }| Successor { session, profile }))
}

/// The session, if it is alive, and its account.
pub async fn find(store: &Store, id: &str, now: i64) -> Result<Option<LiveRow>, Fault> {
    sql::find(&mut store.read().await?, id, now).await
}

/// Whether a session is alive.
pub(crate) async fn is_alive(tx: &mut Tx, id: &str, now: i64) -> Result<bool, Fault> {
    Ok(sql::find(tx, id, now).await?.is_some())
}

/// The time of the last proof of a live session. `None`: it is over.
pub(crate) async fn proved_at(tx: &mut Tx, id: &str, now: i64) -> Result<Option<i64>, Fault> {
    Ok(sql::find(tx, id, now).await?.map(|row| row.session.proved_at))
}

/// Deletes up to `most` refresh tokens of an account, and returns their number.
pub(crate) async fn erase_some(tx: &mut Tx, account: AccountId, most: i64) -> Result<u64, Fault> {
    sql::delete_tokens_of(tx, account, most).await
}

/// Revokes all proofs since `time`, in all sessions.
pub(crate) async fn forget_proofs_since(store: &Store, time: i64) -> Result<u64, Fault> {
    sql::forget_proofs_since(store, time).await
}

/// The fate of an account's other sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Others {
    Stay,
    /// They must prove anew who they are.
    Doubted,
    End,
}

/// Notes that the caller of this session has a new second factor, and used it.
pub(crate) async fn strengthen(
    tx: &mut Tx,
    revision: Revision,
    caller: &caller::SignedIn,
    second: Second,
    others: Others,
    now: i64,
) -> Result<Changed, Fault> {
    let (account, id) = (caller.account(), caller.session());
    if let Some(row) = sql::find(tx, id, now).await? {
        sql::set_proved_by(tx, id, row.session.proved_by.and(second)).await?;
    }
    let changed = match others {
        Others::End => end(tx, revision, account, Which::AllBut(id), now).await?,
        Others::Doubted => {
            sql::forget_proofs_but(tx, account, id).await?;
            tell_of(tx, revision, account, now).await?
        }
        Others::Stay => tell_of(tx, revision, account, now).await?,
    };
    let sessions = changed.sessions.into_iter().chain([id.to_owned()]).collect();
    Ok(Changed { revision, sessions })
}

/// The database's part of a sign-in, for `make bench`.
#[doc(hidden)]
pub async fn begin_alone(
    store: &Store,
    session: &StoredSession,
    event: &Event,
) -> Result<(), Fault> {
    let mut tx = store.begin().await?;
    account::lock(&mut tx, session.account_id).await?;
    is_crowded(&mut tx, session.account_id, session.created_at).await?;
    begin(&mut tx, session, None).await?;
    audit::record(&mut tx, event).await?;
    tx.commit().await
}

/// The session, with the device and network of a visit.
pub(crate) fn seen(session: StoredSession, visit: &Visit, at: i64) -> StoredSession {
    StoredSession { seen_at: at, device: visit.device.clone(), network: visit.network(), ..session }
}
