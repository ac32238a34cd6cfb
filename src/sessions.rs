//! Sessions: how they begin, go on and end.
//!
//! A session is a row. Clients hold a JWT that names it ([`tokens`]), programs perhaps a refresh token
//! as well ([`refresh`]). Nodes remember the rows they have read, and learn within a second which of
//! them ended ([`live`]). [`caller`] makes the proof that a request comes from a live session.

pub mod account;
pub mod caller;
pub mod carrier;
pub mod live;
pub mod refresh;
pub mod settings;
mod sql;
pub mod tokens;

use crate::{
    audit::{self, Event, acts},
    domain::{AccountId, Profile},
    links,
    platform::{clock::now, error::Fault, visit::Visit},
    store::{
        Store,
        changes::{self, Revision},
        db::Tx,
    },
};
use carrier::Carrier;

pub(crate) use sql::{TABLES, forget};

acts! {
    /// One that its owner ended.
    SESSION_ENDED = "session_expired:ended";
    OTHER_SESSIONS_ENDED = "session_expired:others_ended";
    /// By the operator.
    ALL_SESSIONS_ENDED = "session_expired:all_ended";
}

/// The most live sessions an account may have.
pub const MAX_SESSIONS: i64 = 100;

/// How somebody proved who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProvedBy {
    Password,
}

impl ProvedBy {
    /// As it is kept, and told to programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Password => "password",
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        (word == Self::Password.word()).then_some(Self::Password)
    }
}

/// A session as it is kept. Times are seconds since 1970, UTC. `alive_until` is never after
/// `ends_at`.
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
    /// When it was last proved who it is, and how.
    pub proved_at: i64,
    pub proved_by: ProvedBy,
    /// In words: browser and system.
    pub device: String,
    pub network: String,
    /// Whether the cookie outlives the browser.
    pub remembered: bool,
    /// Whether there are refresh tokens for it.
    pub refreshable: bool,
    /// The id of the first session of the line that this one continues.
    pub family: String,
    /// A keyed hash of the request that began it, if the same request may come again.
    pub begun_by: Option<String>,
    /// Its first refresh token, for the same request that comes again.
    pub sealed_refresh_token: Option<String>,
}

/// A session that is alive, its account, and the revision of all sessions at which that was so.
pub struct LiveRow {
    pub session: StoredSession,
    pub profile: Profile,
    pub revision: i64,
}

/// A session that began a moment ago, for the same request that comes again.
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

/// Which sessions of an account.
#[derive(Clone, Copy, Debug)]
pub enum Which<'a> {
    One(&'a str),
    AllBut(&'a str),
    All,
    /// Those that are the least worth keeping, so that there is room for one more.
    TooMany,
}

/// Begins a session of an account that is locked. `refresh_token`: the hash of its first one.
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
/// defends the account, so it also voids the account's links.
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
            links::void(tx, account).await?;
            sql::delete_but(tx, account, id).await?
        }
        Which::All => {
            links::void(tx, account).await?;
            sql::delete_but(tx, account, "").await?
        }
    };
    Ok(Changed { revision, sessions })
}

/// Whether an account must lose a session before it gets one more.
pub(crate) async fn is_crowded(tx: &mut Tx, account: AccountId, now: i64) -> Result<bool, Fault> {
    Ok(sql::count(tx, account, now).await? >= MAX_SESSIONS)
}

/// Lists an account as changed whose sessions go on.
pub(crate) async fn tell_of(
    tx: &mut Tx,
    revision: Revision,
    account: AccountId,
    now: i64,
) -> Result<Changed, Fault> {
    changes::tell(tx, revision, account, now).await?;
    Ok(Changed { revision, sessions: sql::ids(tx, account).await? })
}

/// Ends sessions of an account, and writes `event`. Where there are none, nothing is written.
pub async fn end_and_record(
    store: &Store,
    account: AccountId,
    which: Which<'_>,
    event: &Event,
) -> Result<Changed, Fault> {
    let mut tx = store.begin().await?;
    let revision = changes::next_revision(&mut tx).await?;
    if matches!(which, Which::AllBut(_) | Which::All) {
        // Keeps it from getting another one meanwhile.
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

/// The sessions of an account that are alive, those used last first.
pub async fn of_account(store: &Store, account: AccountId) -> Result<Vec<StoredSession>, Fault> {
    sql::of_account(&mut store.read().await?, account, now()).await
}

/// The live session that a request began after `since`, if it has.
pub(crate) async fn begun_by(
    store: &Store,
    request: &str,
    since: i64,
) -> Result<Option<Successor>, Fault> {
    let row = sql::begun_by(&mut store.read().await?, request, since).await?;
    Ok(row.map(|LiveRow { session, profile, .. }| Successor { session, profile }))
}

/// The session, if it is alive, and the account that it belongs to.
pub async fn find(store: &Store, id: &str, now: i64) -> Result<Option<LiveRow>, Fault> {
    sql::find(&mut store.read().await?, id, now).await
}

/// Whether a session is alive.
pub(crate) async fn is_alive(tx: &mut Tx, id: &str, now: i64) -> Result<bool, Fault> {
    Ok(sql::find(tx, id, now).await?.is_some())
}

/// Erases so many refresh tokens of an account, and tells how many there were.
pub(crate) async fn erase_some(tx: &mut Tx, account: AccountId, most: i64) -> Result<u64, Fault> {
    sql::delete_tokens_of(tx, account, most).await
}

/// Takes back all proofs since then, of all sessions.
pub(crate) async fn forget_proofs_since(store: &Store, time: i64) -> Result<u64, Fault> {
    sql::forget_proofs_since(store, time).await
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

/// A description of whoever begins a session, for a row.
pub(crate) fn seen(session: StoredSession, visit: &Visit, at: i64) -> StoredSession {
    StoredSession { seen_at: at, device: visit.device.clone(), network: visit.network(), ..session }
}
