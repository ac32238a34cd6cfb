//! Guessing: the limits on wrong tries (AU-04 to AU-07).
//!
//! Wrong tries are counted in the database, so the limits survive restarts and apply across all
//! nodes. Each kind of counter is a list of GCRA limits: `10/1m` allows a burst of ten, then one
//! every six seconds. A counter is one number, deleted as soon as it has run down; strangers cannot
//! create more of them than the total limit allows, nor a network more than its own.
//!
//! **What a try counts against.** A stranger's wrong try counts against the name, whether an
//! account has it or not, against the network, and against all strangers together. A device from
//! which the account was signed in to before, with its current password, has a cookie that says so,
//! and has its own counter: whatever strangers do, the owner gets in (AU-05). When a signed-in user
//! re-enters the password, only that session and network are counted.
//!
//! **The owner's defence.** Changing the password, confirming it, ending sessions, signing out,
//! refreshing and deleting are not acts that [`Throttle::act`] counts, so a thief who uses up that
//! limit cannot stop the owner from doing any of them. Each is bounded by what it takes: a right
//! password, a session to end, an unused refresh token.
//!
//! **Wrong clocks.** A counter is never further ahead than its own period. One that is was written
//! by a clock that ran ahead, and is ignored.
//!
//! **What it costs.** Over the limit, tries are refused before anything is hashed. While that
//! lasts, this node remembers it and skips the database (except for tries with a device cookie).
//! Nothing is reserved beforehand, so many right sign-ins at once do not hold each other up.
//! Instead each try checks again after its hash, in the transaction that counts it or creates its
//! session: of many guesses at once, all those beyond the limit are refused alike, even the right
//! one.
//!
//! **What it reveals.** The refusal depends on the name that was typed, never on whether such an
//! account exists.

pub mod counter;
pub mod settings;
mod sql;

use std::{
    collections::HashMap,
    num::NonZero,
    time::{Duration, Instant},
};

use quick_cache::sync::Cache;

use crate::{
    audit::{self, Act, By, Event, acts},
    domain::AccountId,
    keys::{Keys, Statement},
    platform::{
        clock::{milliseconds, now, now_ms},
        error::{Error, Fault, Refusal, Result},
        visit::Visit,
    },
    store::{Store, db::Tx},
    throttle::{
        counter::Counter,
        settings::{Limit, ThrottleSettings},
    },
};

pub(crate) use sql::{TABLES, forget};

acts! {
    LIMITED = "excess_rate_limit_exceeded";
    /// An invalid token or link.
    TOKEN_REFUSED = "authn_login_fail:token";
}

/// How many counters over their limit a node remembers: less than 1 MiB.
const REMEMBERED: usize = 10_000;

/// How many refusals of strangers a node records in the audit trail: then one a second. The rest go
/// only to the log, so that nobody can fill the disk.
const AUDITED: NonZero<u32> = NonZero::new(60).unwrap();

/// How often an owner is warned of wrong tries.
const WARNINGS: [Limit; 1] =
    [Limit { tries: NonZero::<u32>::MIN, period: Duration::from_secs(24 * 3600) }];

/// The source of a wrong try.
#[derive(Clone, Copy, Debug)]
pub enum Who<'a> {
    /// A stranger who tries to sign in with this name.
    Stranger { name: &'a str },
    /// The name alone.
    Name(&'a str),
    /// The same, from a device from which the account was signed in to before.
    KnownDevice { device: &'a str, account: AccountId },
    /// A signed-in user, by the family of the session and the network: a thief elsewhere cannot
    /// lock out the owner.
    Session(&'a str),
    /// Wrong codes of a second factor, by signed-in users of this account.
    Codes(AccountId),
    /// Wrong codes of devices, by signed-in users of this account.
    UserCodes(AccountId),
    /// A request of an app that can keep no secret, by its network.
    PublicApp,
    /// A sign-in that goes to another provider, by its network.
    Departure,
    /// An invalid token or link. Valid ones skip this check: they are too long to guess, so this
    /// only bounds what is recorded.
    Bearer,
    /// A sign-up.
    Newcomer,
    /// A request for a mail, by its network.
    Asking,
    /// An address that the owner of an account gives.
    Giving(AccountId),
    /// A mail of this kind to the address with this key. Each kind counts apart, so that strangers
    /// who ask for one keep nobody from getting another.
    Letter { kind: &'a str, to: &'a str },
    /// A warning about wrong tries with this name.
    Warning { name: &'a str },
}

pub struct Throttle {
    on: bool,
    account: Vec<Limit>,
    network: Vec<Limit>,
    total: Vec<Limit>,
    sign_up: Vec<Limit>,
    requests: Vec<Limit>,
    mail: Vec<Limit>,
    /// When each refusal ends, by the key of the counter. By the monotonic clock.
    limited: Cache<String, Instant>,
    audited: governor::DefaultDirectRateLimiter,
    /// By the family of the session, on this node.
    acts: governor::DefaultKeyedRateLimiter<String>,
    /// Requests of programs, by their API key, on this node.
    api_keys: governor::DefaultKeyedRateLimiter<String>,
    /// The same for refresh tokens.
    refreshes: governor::DefaultKeyedRateLimiter<String>,
}

impl Throttle {
    #[must_use]
    pub fn new(settings: &ThrottleSettings) -> Self {
        let quota = governor::Quota::per_minute(AUDITED);
        let Limit { tries, period } = settings.acts;
        // A limit of a second or more leaves at least a nanosecond per try.
        let acts = governor::Quota::with_period(period / tries.get()).unwrap_or(quota);
        let acts = acts.allow_burst(tries);
        let Limit { tries, period } = settings.api_keys;
        let api_keys = governor::Quota::with_period(period / tries.get()).unwrap_or(quota);
        let api_keys = api_keys.allow_burst(tries);
        Self {
            on: settings.on,
            account: settings.account.clone(),
            network: settings.network.clone(),
            total: settings.total.clone(),
            sign_up: settings.sign_up.clone(),
            requests: settings.requests.clone(),
            mail: settings.mail.clone(),
            limited: Cache::new(REMEMBERED),
            audited: governor::RateLimiter::direct(quota),
            acts: governor::RateLimiter::keyed(acts),
            refreshes: governor::RateLimiter::keyed(acts),
            api_keys: governor::RateLimiter::keyed(api_keys),
        }
    }

    /// The counters for a try, always in the same order, so that no two nodes wait for each other.
    #[must_use]
    pub fn counters(&self, keys: &Keys, who: Who<'_>, visit: &Visit) -> Vec<Counter> {
        if !self.on {
            return Vec::new();
        }
        let network = visit.counted_network();
        let groups: Vec<(String, &[Limit])> = match who {
            Who::Stranger { name } => vec![
                (format!("name {name}"), &self.account),
                (format!("network {network}"), &self.network),
                ("all".to_owned(), &self.total),
            ],
            Who::Name(name) => vec![(format!("name {name}"), &self.account)],
            Who::KnownDevice { device, account } => {
                vec![(format!("device {device} of {}", account.0), &self.account)]
            }
            Who::Session(family) => vec![(format!("session {family} {network}"), &self.account)],
            Who::Codes(account) => vec![(format!("codes of {}", account.0), &self.account)],
            Who::UserCodes(account) => vec![
                (format!("user codes of {}", account.0), &self.account),
                (format!("user codes {network}"), &self.network),
            ],
            Who::PublicApp => vec![(format!("public app {network}"), &self.requests)],
            Who::Departure => vec![(format!("departure {network}"), &self.requests)],
            Who::Bearer => vec![
                (format!("bearer {network}"), &self.network),
                ("all bearers".to_owned(), &self.total),
            ],
            Who::Newcomer => vec![(format!("sign-up {network}"), &self.sign_up)],
            Who::Asking => vec![
                (format!("asking {network}"), &self.network),
                ("all asking".to_owned(), &self.total),
            ],
            Who::Giving(account) => vec![
                (format!("giving {}", account.0), &self.account),
                (format!("asking {network}"), &self.network),
            ],
            Who::Letter { kind, to } => vec![(format!("{kind} letter {to}"), &self.mail)],
            Who::Warning { name } => vec![(format!("warning {name}"), &WARNINGS)],
        };
        let mut counters: Vec<Counter> = groups
            .iter()
            .flat_map(|(who, limits)| limits.iter().map(move |limit| (who, limit)))
            .map(|(who, limit)| {
                let period = milliseconds(limit.period);
                let counted = format!("{who}, {limit}");
                Counter {
                    key: keys.tag(Statement::Counted(&counted)),
                    interval: (period / i64::from(limit.tries.get())).max(1),
                    period,
                }
            })
            .collect();
        counters.sort_by(|a, b| a.key.cmp(&b.key));
        // A limit that is listed twice counts once.
        counters.dedup();
        counters
    }

    /// Refuses a try if a counter is over its limit.
    pub async fn check(&self, store: &Store, counters: &[Counter]) -> Result<()> {
        if counters.is_empty() {
            return Ok(());
        }
        let remembered = counters.iter().filter_map(|counter| self.limited.get(&counter.key)).max();
        match remembered.and_then(|until| until.checked_duration_since(Instant::now())) {
            Some(left) => Err(too_many(left)),
            None => self.judge(counters, &sql::arrivals(&mut store.read().await?, counters).await?),
        }
    }

    /// The same, by the values in the database.
    fn judge(&self, counters: &[Counter], arrivals: &HashMap<String, i64>) -> Result<()> {
        let now = now_ms();
        let mut longest = Duration::ZERO;
        for counter in counters {
            let left = counter.limited_until(arrivals, now).saturating_sub(now);
            if let Ok(left @ 1..) = u64::try_from(left) {
                let left = Duration::from_millis(left);
                self.limited.insert(counter.key.clone(), Instant::now() + left);
                longest = longest.max(left);
            }
        }
        if longest.is_zero() { Ok(()) } else { Err(too_many(longest)) }
    }

    /// Checks the limits again, before an answer that shows that a password was right. A try that
    /// others have overtaken is counted, recorded and refused in this transaction, exactly like a
    /// wrong one. Log `failed` after the commit.
    pub(crate) async fn recheck(
        &self,
        tx: &mut Tx,
        counters: &[Counter],
        failed: &Event,
    ) -> Result<Option<Error>, Fault> {
        let before = sql::arrivals(tx, counters).await?;
        let now = now_ms();
        if counters.iter().all(|counter| counter.limited_until(&before, now) <= now) {
            return Ok(None);
        }
        sql::lock(tx, counters).await?;
        sql::count(tx, counters).await?;
        audit::record(tx, failed).await?;
        Ok(Some(match self.judge(counters, &before) {
            Err(error) => error,
            // The limit has run down at this very moment.
            Ok(()) => Refusal::TooManyTries { retry_after: 1 }.into(),
        }))
    }

    /// The same, in its own transaction.
    pub async fn recheck_alone(
        &self,
        store: &Store,
        counters: &[Counter],
        failed: &Event,
    ) -> Result<()> {
        let mut tx = store.begin().await?;
        let refused = self.recheck(&mut tx, counters, failed).await?;
        tx.commit().await?;
        match refused {
            Some(refused) => {
                failed.log();
                Err(refused)
            }
            None => Ok(()),
        }
    }

    /// Counts a try as part of a larger transaction. `Some`: a limit has been reached in the meantime,
    /// so roll back.
    pub(crate) async fn count_in(
        &self,
        tx: &mut Tx,
        counters: &[Counter],
    ) -> Result<Option<Error>, Fault> {
        // Otherwise simultaneous ones would all be judged by the value from before the first of them.
        sql::lock(tx, counters).await?;
        if let Err(limited) = self.judge(counters, &sql::arrivals(tx, counters).await?) {
            return Ok(Some(limited));
        }
        sql::count(tx, counters).await?;
        Ok(None)
    }

    /// Counts and records a try. If others used up the limit after it was let in, it is refused
    /// like those that came later.
    pub async fn count(&self, store: &Store, counters: &[Counter], event: Event) -> Result<()> {
        let mut tx = store.begin().await?;
        let refused = self.count_wrong(&mut tx, counters).await?;
        audit::record(&mut tx, &event).await?;
        tx.commit().await?;
        event.log();
        refused.map_or(Ok(()), Err)
    }

    /// The same as part of a larger transaction, which records it. `Some`: the refusal.
    pub(crate) async fn count_wrong(
        &self,
        tx: &mut Tx,
        counters: &[Counter],
    ) -> Result<Option<Error>, Fault> {
        // Otherwise simultaneous tries would all be judged by the value from before the first of
        // them.
        sql::lock(tx, counters).await?;
        let before = sql::arrivals(tx, counters).await?;
        sql::count(tx, counters).await?;
        Ok(self.judge(counters, &before).err())
    }

    /// Whether the try that has just been counted was the last that one of these counters allows.
    pub(crate) async fn is_just_used_up(
        &self,
        tx: &mut Tx,
        counters: &[Counter],
    ) -> Result<bool, Fault> {
        let (arrivals, now) = (sql::arrivals(tx, counters).await?, now_ms());
        Ok(counters.iter().any(|counter| {
            let until = counter.limited_until(&arrivals, now);
            (now + 1..=now + counter.interval).contains(&until)
        }))
    }

    /// Refuses a try over the limit, and records that as `act`.
    pub async fn refuse_if_limited(
        &self,
        store: &Store,
        counters: &[Counter],
        visit: &Visit,
        act: Act,
    ) -> Result<()> {
        let checked = self.check(store, counters).await;
        if matches!(checked, Err(Error::Refusal(_))) {
            self.audit_refusal(store, visit, act).await;
        }
        checked
    }

    /// Whether a counter is over its limit, for answers that don't tell. Recorded as `act`.
    pub async fn is_limited(
        &self,
        store: &Store,
        counters: &[Counter],
        visit: &Visit,
        act: Act,
    ) -> Result<bool> {
        match self.refuse_if_limited(store, counters, visit, act).await {
            Err(Error::Refusal(Refusal::TooManyTries { .. })) => Ok(true),
            checked => checked.map(|()| false),
        }
    }

    /// Counts an invalid token or link.
    pub async fn refuse_bearer(&self, keys: &Keys, store: &Store, visit: &Visit) -> Result<()> {
        let counters = self.counters(keys, Who::Bearer, visit);
        self.refuse_if_limited(store, &counters, visit, LIMITED).await?;
        let event = Event::of(visit, By::Stranger, TOKEN_REFUSED, None, now());
        self.count(store, &counters, event).await
    }

    /// Refuses a session that does more than is sensible, except to defend its account. Its acts
    /// are recorded, and nobody may fill the disk.
    pub fn act(&self, family: &str) -> Result<(), Refusal> {
        self.limit(&self.acts, family)
    }

    /// The same for its refresh tokens, which have their own limit.
    pub fn refresh(&self, family: &str) -> Result<(), Refusal> {
        self.limit(&self.refreshes, family)
    }

    /// The same for the requests of an API key, by its id.
    pub fn request(&self, api_key: &str) -> Result<(), Refusal> {
        self.limit(&self.api_keys, api_key)
    }

    fn limit(
        &self,
        limiter: &governor::DefaultKeyedRateLimiter<String>,
        family: &str,
    ) -> Result<(), Refusal> {
        use governor::clock::Clock;
        if !self.on {
            return Ok(());
        }
        limiter.check_key(&family.to_owned()).map_err(|until| {
            let wait = until.wait_time_from(governor::clock::DefaultClock::default().now());
            Refusal::TooManyTries { retry_after: wait.as_secs() + 1 }
        })
    }

    /// Forgets the sessions that are nowhere near their limit.
    pub fn forget(&self) {
        for limiter in [&self.acts, &self.refreshes, &self.api_keys] {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }

    /// Records a refusal that cost its sender nothing, as long as there is room.
    pub async fn audit_refusal(&self, store: &Store, visit: &Visit, act: Act) {
        let event = Event::of(visit, By::Stranger, act, None, now());
        event.log();
        if self.audited.check().is_ok()
            && let Err(fault) = audit::record_alone(store, &event).await
        {
            tracing::warn!(error = fault.source(), "an event could not be written down");
        }
    }
}

fn too_many(left: Duration) -> Error {
    Refusal::TooManyTries { retry_after: left.as_secs() + 1 }.into()
}
