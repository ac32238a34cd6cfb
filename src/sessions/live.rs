//! This node's cache of live sessions, so that a request with a valid token needs no database.
//!
//! # The design
//!
//! Many nodes share one database. Ending a session does three things in one transaction: it takes
//! the next *revision* (one row, locked until the commit), deletes the session, and lists its
//! account as changed at that revision. Every other change to an account is listed as well: one row
//! per change, however many sessions there are. Each node caches the live sessions that it has
//! read, and *looks* every quarter of a second for changes since its last look. It drops all
//! sessions of the listed accounts: the next request with one of their tokens asks the database.
//!
//! Looking has its own thread, runtime and connection (`store/lookout.rs`), so it waits for no
//! request. A node trusts its cache only for [`SURE_FOR`] after the start of its last successful
//! look. When looks fail, or the whole process is held up, that time runs out and each request asks
//! the database. Requests get 503 only if the database itself is silent or refuses. No message can
//! be lost: a look asks for everything since the last one.
//!
//! # Why no dead token passes for longer than [`BOUND`]
//!
//! Suppose that a session is ended by a commit at time `T`, at revision `e`, and that a node
//! accepts it at a later time `u` because of a cached entry, read from the database at revision
//! `s`.
//!
//! 1. It was alive when it was read, and ids are never reused, so `s < e`: revisions are committed
//!    in order, and one statement reads one moment.
//! 2. At `u` the node was sure, so there was a look that began at `t0` with `u < t0 + SURE_FOR`.
//!    `t0` is taken on the thread that looks, before the statement is sent. A thread that wakes up
//!    late, or an answer that is read late, doesn't make `t0` later: it only shortens the time in
//!    which the node is sure.
//! 3. If that look read the database after `T`, it saw `e`. Then the account was among its changes,
//!    or among those of an earlier look. The first such look raised the [`Horizon`] to `e` or
//!    beyond, and then dropped every entry of the account; from then on, no entry read at `s < e`
//!    is cached. Only after that did the look make the node sure. So there is no such entry: a
//!    contradiction. (A look with too many changes to list drops everything and begins a new *era*:
//!    reads under way at that moment are not cached.)
//! 4. So that look read the database before `T`, and began even earlier: `t0 < T`, and `u < T +
//!    SURE_FOR`.
//!
//! The node that ends a session raises the horizon and drops the entry before it answers, so there
//! the session is dead at once, even for requests that read it just before. Looks that are late,
//! lost, repeated or reordered don't change this: `live/tests.rs` tries them all.
//! The bound applies to requests that begin after the session has ended: one that was under way is
//! answered. The argument assumes that committed data stays committed. A node that could not look
//! for [`SURE_FOR`] doesn't assume that, and begins a new era; only a standby that takes over
//! faster, and lacks commits, could go unnoticed: make it synchronous. The times are on a monotonic
//! clock, which stops while a machine is suspended: after it wakes up, a dead token may pass for
//! the rest of the second.
//!
//! # What it costs
//!
//! At most [`MAX_BYTES`], whatever the number of sessions: room for some 15,000. (Estimated from
//! the parts; the allocator and the reads around it take as much again.) Beyond that the least used
//! are dropped, and a request with one of those asks the database once. Ended sessions take no
//! memory here. They stay listed in the database for [`LISTED_FOR`]; a node that was away for
//! longer, or has missed more than it can read at once, drops everything.
//!
//! Looking costs each node one statement every quarter of a second, whatever the load, and a pass
//! over the cache if anything has changed. Ending sessions is serialised by the row of the
//! revision: the rate is what the database can commit one after the other.

use std::{
    collections::HashSet,
    io,
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use quick_cache::{Weighter, sync::Cache};
use tokio::sync::watch;
use tracing::Instrument;

use super::{Changed, LiveRow, ProvedBy, carrier::Carrier, sql, tokens::VerifiedToken};
use crate::{
    domain::{AccountId, Profile},
    platform::{
        clock::{now, seconds},
        error::Fault,
    },
    store::{Changes, Lookout, Store},
};

/// How long a token may pass on another node after its session has ended.
pub const BOUND: Duration = Duration::from_secs(1);

/// How long a node trusts its cache, from the start of its last look. Shorter than the bound,
/// because an accepted request still takes a moment to be answered.
const SURE_FOR: Duration = Duration::from_millis(900);

/// The pause between two looks: three may fail before the node is no longer sure.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How long the database lists a change.
pub const LISTED_FOR: Duration = Duration::from_secs(600);

/// The most memory for the cache, in bytes.
const MAX_BYTES: u64 = 5 * 1024 * 1024;

/// The size of an entry without its texts, in bytes: estimated from its parts.
const ENTRY_BYTES: u64 = 336;

/// A session that was alive when it was read, and its account.
#[derive(Debug)]
pub struct LiveSession {
    pub id: Arc<str>,
    pub profile: Profile,
    pub carrier: Carrier,
    /// The id of the first session of its line: forms are bound to it.
    pub family: Arc<str>,
    /// Whether the cookie outlives the browser.
    pub remembered: bool,
    pub proved_by: ProvedBy,
    /// When the user last signed in or confirmed who they are, whatever became of that proof.
    pub auth_time: i64,
    pub created_at: i64,
    pub ends_at: i64,
    /// When the user last confirmed who they are.
    proved_at: AtomicI64,
    alive_until: AtomicI64,
    /// Whether it is being extended.
    being_extended: AtomicBool,
}

impl LiveSession {
    #[must_use]
    pub fn alive_until(&self) -> i64 {
        self.alive_until.load(Ordering::Relaxed)
    }

    /// When the user last confirmed who they are. The start of 1970: unknown.
    #[must_use]
    pub fn proved_at(&self) -> i64 {
        self.proved_at.load(Ordering::Relaxed)
    }
}

/// The earliest time of a proof that can count now or later, in seconds since 1970.
#[must_use]
pub fn oldest_proof(proof_ttl: Duration) -> i64 {
    now().saturating_sub(seconds(proof_ttl)).max(0)
}

/// How far this node knows what has changed. It only grows, as long as the database is the same.
struct Horizon {
    /// All changes up to this revision have been seen.
    seen: i64,
    /// Nothing read before this revision is cached.
    floor: i64,
    /// How often everything was dropped. Nothing read before that is cached.
    era: u64,
}

pub struct LiveSessions {
    store: Store,
    known: Known,
}

impl LiveSessions {
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store, known: Known::new(MAX_BYTES) }
    }

    /// The session that a valid token names, if it is alive.
    pub async fn find(&self, proof: &VerifiedToken) -> Result<Option<Arc<LiveSession>>, Fault> {
        let now = now();
        let found = match self.known.get(&proof.session, Instant::now(), now) {
            Some(session) => Some(session),
            None => {
                let era = self.known.horizon().era;
                let row = sql::find(&mut self.store.read().await?, &proof.session, now).await?;
                row.map(|row| self.known.take_in(row, era))
            }
        };
        Ok(found.filter(|session| session.profile.id == proof.account))
    }

    /// Extends a session to `alive_until` while the request goes on, unless it already lasts until
    /// `enough`. If that is lost, the next request does it again.
    pub fn extend(self: &Arc<Self>, session: &Arc<LiveSession>, alive_until: i64, enough: i64) {
        if session.being_extended.swap(true, Ordering::Relaxed) {
            return;
        }
        let (this, session) = (self.clone(), session.clone());
        let extend = async move {
            match sql::extend(&this.store, &session.id, alive_until, enough, now()).await {
                Ok(true) => _ = session.alive_until.fetch_max(alive_until, Ordering::Relaxed),
                // Another node was faster, or it is over: the next request asks.
                Ok(false) => _ = this.known.entries.remove(&session.id),
                Err(fault) => {
                    tracing::warn!(error = fault.source(), "a session could not be extended");
                }
            }
            session.being_extended.store(false, Ordering::Relaxed);
        };
        tokio::spawn(extend.in_current_span());
    }

    /// Forgets when the password was entered, because that time is in the future: the clock was set
    /// back, and the age of the proof is unknown.
    pub fn forget_proof(self: &Arc<Self>, session: &Arc<LiveSession>) {
        session.proved_at.store(0, Ordering::Relaxed);
        let (this, id) = (self.clone(), session.id.clone());
        let forget = async move {
            if let Err(fault) = sql::forget_proof(&this.store, &id).await {
                tracing::warn!(error = fault.source(), "a proof could not be forgotten");
            }
        };
        tokio::spawn(forget.in_current_span());
    }

    /// The same for all sessions, when the clock has just been set back.
    pub async fn forget_proofs(&self, proof_ttl: Duration) -> Result<(), Fault> {
        sql::forget_proofs_since(&self.store, oldest_proof(proof_ttl)).await?;
        self.known.forget_all();
        Ok(())
    }

    /// Drops what this node has just ended or changed: when this returns, nothing read before is
    /// trusted.
    pub fn changed(&self, changed: &Changed) {
        let Changed { revision, sessions } = changed;
        if sessions.is_empty() {
            return;
        }
        self.known.changed_here(sessions.iter().map(String::as_str), revision.0);
    }

    /// The number of cached sessions, and their estimated size in bytes.
    #[must_use]
    pub fn kept(&self) -> (usize, usize) {
        let entries = &self.known.entries;
        (entries.len(), usize::try_from(entries.weight()).unwrap_or(usize::MAX))
    }

    /// The era of this node: what was read in it from other shared tables is still true, as long as the
    /// era lasts. `None`: the node is not sure.
    #[must_use]
    pub fn era(&self) -> Option<u64> {
        let is_sure = self.known.is_sure(Instant::now());
        is_sure.then(|| self.known.horizon().era)
    }

    /// Tells of each new era.
    #[must_use]
    pub fn eras(&self) -> watch::Receiver<u64> {
        self.known.eras.subscribe()
    }

    /// Looks for changes until `stopped`, on its own thread.
    pub fn watch(self: &Arc<Self>, mut stopped: watch::Receiver<bool>) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let this = self.clone();
        thread::Builder::new().name("look-out".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = this.look() => {}
                    _ = stopped.wait_for(|stop| *stop) => {}
                }
            });
        })?;
        Ok(())
    }

    async fn look(&self) {
        let mut lookout = Lookout::new(self.store.clone());
        let mut pause = tokio::time::interval(LOOK_EVERY);
        pause.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            pause.tick().await;
            let (began, since) = (Instant::now(), self.known.horizon().seen);
            if let Some(changes) = lookout.changes_since(since).await {
                self.known.apply(began, since, changes);
            }
        }
    }
}

/// The pure logic, without a clock or a database.
struct Known {
    entries: Cache<Arc<str>, Arc<LiveSession>, Bytes>,
    horizon: RwLock<Horizon>,
    /// Microseconds after `origin`.
    sure_until: AtomicU64,
    origin: Instant,
    eras: watch::Sender<u64>,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<Arc<str>, Arc<LiveSession>> for Bytes {
    fn weight(&self, id: &Arc<str>, session: &Arc<LiveSession>) -> u64 {
        let Profile { username, values, .. } = &session.profile;
        let values: usize = values.iter().map(|(_, value)| value.map_or(0, str::len)).sum();
        ENTRY_BYTES + (id.len() + username.capacity() + values) as u64
    }
}

impl Known {
    fn new(max_bytes: u64) -> Self {
        let most = usize::try_from(max_bytes / ENTRY_BYTES).unwrap_or(usize::MAX);
        Self {
            entries: Cache::with_weighter(most, max_bytes, Bytes),
            horizon: RwLock::new(Horizon { seen: 0, floor: 0, era: 0 }),
            sure_until: AtomicU64::new(0),
            origin: Instant::now(),
            eras: watch::Sender::new(0),
        }
    }

    fn horizon(&self) -> RwLockReadGuard<'_, Horizon> {
        self.horizon.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, id: &str, at: Instant, now: i64) -> Option<Arc<LiveSession>> {
        if !self.is_sure(at) {
            return None;
        }
        // A session that seems to be over may have been extended by another node.
        self.entries.get(id).filter(|session| session.alive_until() > now)
    }

    fn is_sure(&self, at: Instant) -> bool {
        self.micros(at) < self.sure_until.load(Ordering::Acquire)
    }

    /// Caches a row read in `era`, unless something has changed since the read began.
    fn take_in(&self, row: LiveRow, era: u64) -> Arc<LiveSession> {
        let id: Arc<str> = row.session.id.into();
        let session = Arc::new(LiveSession {
            id: id.clone(),
            profile: row.profile,
            carrier: row.session.carrier,
            family: if row.session.family == *id { id.clone() } else { row.session.family.into() },
            remembered: row.session.remembered,
            proved_by: row.session.proved_by,
            auth_time: row.session.auth_time,
            created_at: row.session.created_at,
            ends_at: row.session.ends_at,
            proved_at: AtomicI64::new(row.session.proved_at),
            alive_until: AtomicI64::new(row.session.alive_until),
            being_extended: AtomicBool::new(false),
        });
        // Held until the entry is in: raising the floor then drops it if necessary.
        let horizon = self.horizon();
        if row.revision >= horizon.floor && era == horizon.era {
            self.entries.insert(id, session.clone());
        }
        session
    }

    /// Drops all entries, and keeps out reads that are already under way.
    fn forget_all(&self) {
        let mut horizon = self.horizon.write().unwrap_or_else(PoisonError::into_inner);
        horizon.era += 1;
        self.eras.send_replace(horizon.era);
        self.entries.clear();
    }

    fn changed_here<'a>(&self, ids: impl IntoIterator<Item = &'a str>, revision: i64) {
        let mut horizon = self.horizon.write().unwrap_or_else(PoisonError::into_inner);
        horizon.floor = horizon.floor.max(revision);
        for id in ids {
            self.entries.remove(id);
        }
    }

    /// Applies the result of a look that began at `began` and asked for changes after `since`.
    fn apply(&self, began: Instant, since: i64, changes: Changes) {
        let mut horizon = self.horizon.write().unwrap_or_else(PoisonError::into_inner);
        if since > horizon.seen {
            // It would leave a gap: it is from before a reset.
            return;
        }
        // After a time without looks, this may be another database: a standby that lacks the last
        // commits, or a copy from yesterday that gives out the same revisions again.
        let sure_until = self.sure_until.load(Ordering::Acquire);
        let was_away = sure_until != 0 && self.micros(began) >= sure_until;
        match changes.accounts.filter(|_| !was_away) {
            Some(accounts) => {
                horizon.seen = horizon.seen.max(changes.revision);
                horizon.floor = horizon.floor.max(changes.revision);
                if !accounts.is_empty() {
                    let accounts: HashSet<AccountId> = accounts.into_iter().collect();
                    self.entries.retain(|_, session| !accounts.contains(&session.profile.id));
                }
            }
            None => {
                // Perhaps it is another database, whose revisions start over.
                let (revision, era) = (changes.revision, horizon.era + 1);
                *horizon = Horizon { seen: revision, floor: revision, era };
                self.eras.send_replace(era);
                self.entries.clear();
            }
        }
        // Last, and under the lock: the node must not be sure any earlier.
        self.sure_until.fetch_max(self.micros(began + SURE_FOR), Ordering::Release);
    }

    fn micros(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.origin).as_micros()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests;
