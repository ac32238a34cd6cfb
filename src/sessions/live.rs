//! What this node knows of live sessions, so that a request with a good token asks no database.
//!
//! # The design
//!
//! Many nodes share one database. Ending a session does three things in one transaction: it takes
//! the next *revision* (one row, locked until the commit), deletes the session, and lists its account
//! as changed at that revision. So does whatever else changes an account: one row for each change,
//! however many sessions there are. Each node keeps the live sessions that it has read, and *looks*
//! every quarter of a second for what has changed since its last look. All sessions of an account that
//! is listed are dropped: the next request with one of their tokens asks the database.
//!
//! Looking has a thread, a runtime and a connection of its own (`store/lookout.rs`), so it waits for
//! no request. A node believes what it keeps only for [`SURE_FOR`] after the beginning of its last
//! good look. When looks fail, or this process is held up as a whole, that time runs out and each
//! request asks the database. Only if the database itself is silent or refuses are requests answered
//! 503. There is no message that could be lost: a look asks for everything since the last one.
//!
//! # Why no dead token passes for longer than [`BOUND`]
//!
//! Let a session be ended by a commit at time `T`, at revision `e`, and let a node let it pass at
//! a later time `u` by an entry that it keeps, read from the database at revision `s`.
//!
//! 1. It was alive when it was read, and ids are never given twice, so `s < e`: revisions are
//!    committed in their order, and what one statement reads is of one moment.
//! 2. At `u` the node was sure, so there was a look that began at `t0` with `u < t0 + SURE_FOR`.
//!    `t0` is taken on the thread that looks, before the statement is sent. A thread that is woken
//!    late, and an answer that is read late, make `t0` no later: they only shorten the time in which
//!    the node is sure.
//! 3. If that look read the database after `T`, it saw `e`. Then either the account was among its
//!    changes, or an earlier look had brought it. Whichever brought it first raised the [`Horizon`] to
//!    `e` or beyond, and then dropped every entry of the account; from then on, no entry read at
//!    `s < e` is taken in. Only after that was the node sure by that look. So there is no such entry:
//!    a contradiction. (A look that brings more than can be told drops everything, and begins a new
//!    *era*: whatever was being read at that moment is not taken in.)
//! 4. So it read the database before `T`, and began before that: `t0 < T`, and `u < T + SURE_FOR`.
//!
//! On the node that ends it, the horizon is raised and the entry dropped before the answer is sent,
//! so there it is dead at once, also for requests that read it just before. Looks that are late,
//! lost, repeated or in another order change nothing in this: the test at the end of this file
//! tries them all. The bound is for requests that begin after the session has ended: one that was
//! under way is answered. The argument takes for granted that what the database has committed stays
//! so. A node that could not look for [`SURE_FOR`] does not, and begins a new era; only a standby
//! that takes over more quickly than that, and lacks commits, could go unnoticed: let it be
//! synchronous. The times are of a monotonic clock, which a suspended machine stops: after it
//! wakes up, what is left of a second may pass.
//!
//! # What it takes
//!
//! At most [`MAX_BYTES`], whatever the number of sessions: some 15,000 of them. (Reckoned from the parts; what the allocator and the reads
//! around it take comes to as much again.) Beyond that the
//! ones that are used least are dropped, and a request with one of those asks the database once.
//! Ended sessions take nothing here. They stay listed in the database for [`LISTED_FOR`]; a node
//! that was away for longer, or has missed more than can be read at once, drops everything.
//!
//! Looking costs one statement every quarter of a second and node, whatever the load, and a pass over
//! what is kept if anything has changed. Ending
//! sessions is serialised by the row of the revision: as many a second as the database can commit
//! one after the other.

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

use super::{Changed, LiveRow, carrier::Carrier, sql, tokens::VerifiedToken};
use crate::{
    domain::{AccountId, Profile},
    platform::{
        clock::{now, seconds},
        error::Fault,
    },
    store::{Changes, Lookout, Store},
};

/// For how long a token may pass on another node after its session has ended.
pub const BOUND: Duration = Duration::from_secs(1);

/// For how long a node believes what it keeps, from the beginning of its last look. Shorter than
/// the bound, because a request that has passed still needs a moment to be answered.
const SURE_FOR: Duration = Duration::from_millis(900);

/// The pause between two looks: three may fail before the node is not sure any more.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// For how long the database lists a change.
pub const LISTED_FOR: Duration = Duration::from_secs(600);

/// The most memory that is kept, in bytes.
const MAX_BYTES: u64 = 5 * 1024 * 1024;

/// What an entry takes beside its texts, in bytes: reckoned from its parts.
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
    pub created_at: i64,
    pub ends_at: i64,
    /// When the password was shown last.
    proved_at: AtomicI64,
    alive_until: AtomicI64,
    /// Whether somebody is at it.
    being_extended: AtomicBool,
}

impl LiveSession {
    #[must_use]
    pub fn alive_until(&self) -> i64 {
        self.alive_until.load(Ordering::Relaxed)
    }

    /// When the password was shown last. The beginning of 1970: that is not known.
    #[must_use]
    pub fn proved_at(&self) -> i64 {
        self.proved_at.load(Ordering::Relaxed)
    }
}

/// When a proof must have been shown that may count now or later, in seconds since 1970.
#[must_use]
pub fn oldest_proof(proof_ttl: Duration) -> i64 {
    now().saturating_sub(seconds(proof_ttl)).max(0)
}

/// Up to where this node knows what has changed. It only grows, as long as the database is the
/// same.
struct Horizon {
    /// All changes up to this revision have been looked at.
    seen: i64,
    /// Nothing that was read before this revision is taken in.
    floor: i64,
    /// How often everything was dropped. Nothing that was read before that is taken in.
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

    /// The live session that a good token names, if it is alive.
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

    /// Notes, while the request goes on, that a session is to stay alive until then, unless it does
    /// until `enough`. If that is lost, the next request does it again.
    pub fn extend(self: &Arc<Self>, session: &Arc<LiveSession>, alive_until: i64, enough: i64) {
        if session.being_extended.swap(true, Ordering::Relaxed) {
            return;
        }
        let (this, session) = (self.clone(), session.clone());
        let extend = async move {
            match sql::extend(&this.store, &session.id, alive_until, enough, now()).await {
                Ok(true) => _ = session.alive_until.fetch_max(alive_until, Ordering::Relaxed),
                // Another node was quicker, or it is over: the next request asks.
                Ok(false) => _ = this.known.entries.remove(&session.id),
                Err(fault) => {
                    tracing::warn!(error = fault.source(), "a session could not be extended");
                }
            }
            session.being_extended.store(false, Ordering::Relaxed);
        };
        tokio::spawn(extend.in_current_span());
    }

    /// Forgets when a password was shown, because by the clock this is yet to come: the clock was set
    /// back, and nobody knows how old the proof is.
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

    /// Takes in what this node has just ended, or changed: what was read of it before is not believed
    /// any more when this returns.
    pub fn changed(&self, changed: &Changed) {
        let Changed { revision, sessions } = changed;
        if sessions.is_empty() {
            return;
        }
        self.known.changed_here(sessions.iter().map(String::as_str), revision.0);
    }

    /// How many sessions are kept, and the bytes that they take, as reckoned.
    #[must_use]
    pub fn kept(&self) -> (usize, usize) {
        let entries = &self.known.entries;
        (entries.len(), usize::try_from(entries.weight()).unwrap_or(usize::MAX))
    }

    /// Looks for changes until `stopped`, on a thread of its own.
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

/// The part that is only logic: no clock and no database of its own.
struct Known {
    entries: Cache<Arc<str>, Arc<LiveSession>, Bytes>,
    horizon: RwLock<Horizon>,
    /// Microseconds after `origin`.
    sure_until: AtomicU64,
    origin: Instant,
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
        }
    }

    fn horizon(&self) -> RwLockReadGuard<'_, Horizon> {
        self.horizon.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, id: &str, at: Instant, now: i64) -> Option<Arc<LiveSession>> {
        if self.micros(at) >= self.sure_until.load(Ordering::Acquire) {
            return None;
        }
        // One that seems to be over may have been extended by another node.
        self.entries.get(id).filter(|session| session.alive_until() > now)
    }

    /// Keeps what was read, unless something has changed since the read began, in that era.
    fn take_in(&self, row: LiveRow, era: u64) -> Arc<LiveSession> {
        let id: Arc<str> = row.session.id.into();
        let session = Arc::new(LiveSession {
            id: id.clone(),
            profile: row.profile,
            carrier: row.session.carrier,
            family: if row.session.family == *id { id.clone() } else { row.session.family.into() },
            remembered: row.session.remembered,
            created_at: row.session.created_at,
            ends_at: row.session.ends_at,
            proved_at: AtomicI64::new(row.session.proved_at),
            alive_until: AtomicI64::new(row.session.alive_until),
            being_extended: AtomicBool::new(false),
        });
        // Held until it is in: whoever raises the floor then drops it, if he must.
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
        self.entries.clear();
    }

    fn changed_here<'a>(&self, ids: impl IntoIterator<Item = &'a str>, revision: i64) {
        let mut horizon = self.horizon.write().unwrap_or_else(PoisonError::into_inner);
        horizon.floor = horizon.floor.max(revision);
        for id in ids {
            self.entries.remove(id);
        }
    }

    /// Takes in what a look has brought that began then, and asked for changes after `since`.
    fn apply(&self, began: Instant, since: i64, changes: Changes) {
        let mut horizon = self.horizon.write().unwrap_or_else(PoisonError::into_inner);
        if since > horizon.seen {
            // It leaves a gap: it belongs to another time.
            return;
        }
        // After a time in which it could not look, the database may be another one: a standby that
        // lacks the last commits, or a copy from yesterday, whose revisions are given once more.
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
                // Perhaps it is another database, and its revisions begin anew.
                let (revision, era) = (changes.revision, horizon.era + 1);
                *horizon = Horizon { seen: revision, floor: revision, era };
                self.entries.clear();
            }
        }
        // Last, and while the lock is held: before, the node must not be sure.
        self.sure_until.fetch_max(self.micros(began + SURE_FOR), Ordering::Release);
    }

    fn micros(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.origin).as_micros()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests;
