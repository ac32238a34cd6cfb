//! The queue for hashing: bounded, and fair.
//!
//! Places and time are shared between networks, and within a network between accounts. The next job
//! is from the network that has used the least thread time, and there from the account that has.
//! When all places are taken, a newcomer replaces the newest job of the largest share, unless that
//! share is its own. So a crowd that signs in from one address, legitimate or not, only holds up
//! itself.
//!
//! A job's expected time counts from the start, so a quick job does not wait for earlier slow ones
//! from elsewhere. Jobs that take much longer than our own hash never have all threads. A job that
//! needs more memory waits until there is enough, without holding up a thread: jobs that need no
//! more go on.

use std::{
    collections::HashMap,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{domain::AccountId, platform::visit::Visit};

/// The origin of a job: a network and an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Place {
    network: String,
    account: String,
}

impl Place {
    #[must_use]
    pub fn of(visit: &Visit, account: Option<AccountId>) -> Self {
        let account = account.map(|account| account.0.to_string()).unwrap_or_default();
        Self { network: visit.counted_network(), account }
    }

    /// For the account with this name, whether or not it exists.
    #[must_use]
    pub fn of_name(visit: &Visit, name: &str) -> Self {
        Self { network: visit.counted_network(), account: format!("name {name}") }
    }
}

/// A share that was unused for this long may be forgotten.
const FORGET: Duration = Duration::from_secs(60);

pub(super) struct Queue<J> {
    state: Mutex<State<J>>,
    changed: Condvar,
    places: usize,
    threads: usize,
    /// KiB, for all jobs that need more than our own hash.
    memory: u32,
}

/// The cost of a job beyond our own hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) is_slow: bool,
    /// The extra time it is expected to take: quick jobs go before slow ones.
    pub(super) longer: Duration,
    /// KiB. 0: no more than ours.
    pub(super) memory: u32,
}

struct State<J> {
    waiting: Vec<Waiting<J>>,
    networks: Shares,
    accounts: Shares,
    /// The number of threads running a slow job.
    slow: usize,
    /// KiB that are free.
    free: u32,
    closed: bool,
}

struct Waiting<J> {
    place: Place,
    cost: Cost,
    job: J,
}

/// The thread time that each has used, on a clock that shows the time of the last one served
/// (start-time fair queuing). Newcomers start there at the earliest: nobody saves up time, and
/// nobody pays for time used while the others were away.
#[derive(Default)]
struct Shares {
    used: HashMap<String, (Duration, Instant)>,
    clock: Duration,
}

/// A job to be done now.
pub(super) struct Next<J> {
    pub(super) job: J,
    place: Place,
    cost: Cost,
    began: Instant,
}

impl Shares {
    fn of(&self, key: &str) -> Duration {
        self.used.get(key).map_or(Duration::ZERO, |(used, _)| *used)
    }

    fn join(&mut self, key: &str) {
        let clock = self.clock;
        let entry = self.used.entry(key.to_owned()).or_insert((clock, Instant::now()));
        entry.0 = entry.0.max(clock);
    }

    fn serve(&mut self, key: &str) {
        self.clock = self.clock.max(self.of(key));
    }

    fn add(&mut self, key: &str, time: Duration) {
        let clock = self.clock;
        let entry = self.used.entry(key.to_owned()).or_insert((clock, Instant::now()));
        *entry = (entry.0 + time, Instant::now());
        if self.used.len() > 10_000 {
            self.used.retain(|_, (_, last)| last.elapsed() < FORGET);
        }
    }
}

impl<J> Queue<J> {
    pub(super) fn new(places: usize, threads: usize, memory: u32) -> Self {
        let state = State {
            waiting: Vec::new(),
            networks: Shares::default(),
            accounts: Shares::default(),
            slow: 0,
            free: memory,
            closed: false,
        };
        Self { state: Mutex::new(state), changed: Condvar::new(), places, threads, memory }
    }

    fn state(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn len(&self) -> usize {
        self.state().waiting.len()
    }

    pub(super) fn places(&self) -> usize {
        self.places
    }

    /// Queues a job. `Err`: the job that has to go, this one or another.
    pub(super) fn push(&self, place: Place, cost: Cost, job: J) -> Result<(), J> {
        // A job that needs more than there is gets all of it.
        let cost = Cost { memory: cost.memory.min(self.memory), ..cost };
        let mut state = self.state();
        let out = if state.waiting.len() < self.places {
            None
        } else {
            match state.one_too_many(&place) {
                Some(index) => Some(state.waiting.remove(index).job),
                None => return Err(job),
            }
        };
        state.networks.join(&place.network);
        state.accounts.join(&place.account);
        state.waiting.push(Waiting { place, cost, job });
        drop(state);
        self.changed.notify_one();
        out.map_or(Ok(()), Err)
    }

    /// The next job, as soon as there is one. `None`: there will be no more.
    pub(super) fn next(&self) -> Option<Next<J>> {
        let mut state = self.state();
        loop {
            // One thread is left to quick jobs.
            let slow_may_run = state.slow < self.threads.saturating_sub(1).max(1);
            if let Some(index) = state.next(slow_may_run) {
                let Waiting { place, cost, job } = state.waiting.remove(index);
                state.slow += usize::from(cost.is_slow);
                state.free -= cost.memory;
                state.networks.serve(&place.network);
                state.accounts.serve(&place.account);
                return Some(Next { job, place, cost, began: Instant::now() });
            }
            if state.closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A job has ended, or was not begun.
    pub(super) fn done(&self, place: &Place, cost: Cost, time: Duration) {
        let mut state = self.state();
        state.networks.add(&place.network, time);
        state.accounts.add(&place.account, time);
        if cost.is_slow || cost.memory > 0 {
            state.slow -= usize::from(cost.is_slow);
            state.free += cost.memory;
            drop(state);
            // Several may have been waiting for that.
            self.changed.notify_all();
        }
    }

    pub(super) fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }
}

impl<J> Next<J> {
    /// Ends the job and returns it.
    pub(super) fn end(self, queue: &Queue<J>) -> J {
        queue.done(&self.place, self.cost, self.began.elapsed());
        self.job
    }
}

impl<J> State<J> {
    fn next(&self, slow_may_run: bool) -> Option<usize> {
        let share = |index: &usize| {
            let Waiting { place: Place { network, account }, cost, .. } = &self.waiting[*index];
            (self.networks.of(network) + cost.longer, self.accounts.of(account) + cost.longer)
        };
        let least = |fits: &dyn Fn(&Cost) -> bool| {
            let fits = |index: &usize| {
                let cost = &self.waiting[*index].cost;
                (slow_may_run || !cost.is_slow) && fits(cost)
            };
            // Of equals, the oldest.
            (0..self.waiting.len()).filter(fits).min_by_key(share)
        };
        // When it is the turn of a job that needs memory, it gets what becomes free before others
        // of its kind: otherwise small ones would keep a large one waiting for ever.
        match least(&|_| true) {
            Some(index) if self.waiting[index].cost.memory <= self.free => Some(index),
            Some(_) => least(&|cost| cost.memory == 0),
            None => None,
        }
    }

    /// The newest job of the account with the most places in the network with the most, unless the
    /// newcomer would replace its own.
    fn one_too_many(&self, newcomer: &Place) -> Option<usize> {
        let mut by_network: HashMap<&str, usize> = HashMap::new();
        let mut by_place: HashMap<&Place, usize> = HashMap::new();
        for waiting in &self.waiting {
            *by_network.entry(&waiting.place.network).or_default() += 1;
            *by_place.entry(&waiting.place).or_default() += 1;
        }
        let (network, most) = by_network.iter().max_by_key(|(_, count)| **count)?;
        let own = by_network.get(&*newcomer.network).copied().unwrap_or_default();
        // If others have more, one of theirs; otherwise one of the newcomer's neighbours.
        let network = if own < *most { *network } else { &*newcomer.network };
        let own = by_place.get(newcomer).copied().unwrap_or_default();
        let of_network = by_place.iter().filter(|(place, _)| place.network == network);
        let most = of_network.map(|(_, count)| *count).max()?;
        if newcomer.network == network && own + 1 >= most {
            return None;
        }
        self.waiting.iter().rposition(|waiting| {
            waiting.place.network == network && by_place.get(&waiting.place) == Some(&most)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn place(network: &str, account: &str) -> Place {
        Place { network: network.to_owned(), account: account.to_owned() }
    }

    const QUICK: Cost = Cost { is_slow: false, longer: Duration::ZERO, memory: 0 };
    const SLOW: Cost = Cost { is_slow: true, longer: Duration::ZERO, memory: 0 };

    fn large(memory: u32) -> Cost {
        Cost { memory, ..QUICK }
    }

    #[test]
    fn what_needs_memory_waits_for_it_and_holds_nobody_else_up() {
        let queue = Queue::new(10, 4, 100);
        for (job, memory) in [(0, 40), (1, 40), (2, 90), (3, 10)] {
            assert!(queue.push(place("a", "a"), large(memory), job).is_ok());
        }
        assert!(queue.push(place("b", "b"), QUICK, 10).is_ok());
        let [first, second, third] = [(); 3].map(|()| queue.next().expect("a job"));
        // Job 3 would fit, but 2 has waited longer.
        assert_eq!((first.job, second.job, third.job), (0, 1, 10));
        assert_eq!((first.end(&queue), second.end(&queue)), (0, 1));
        let fourth = queue.next().expect("a job");
        let fifth = queue.next().expect("a job");
        assert_eq!((fourth.job, fifth.job), (2, 3));
    }

    #[test]
    fn a_quick_job_goes_before_slow_ones_from_many_networks() {
        let queue = Queue::new(100, 1, 100);
        let slow = Cost { longer: Duration::from_millis(150), ..QUICK };
        for job in 0..30 {
            assert!(queue.push(place(&format!("network {job}"), "a"), slow, job).is_ok());
        }
        assert!(queue.push(place("home", "alice"), QUICK, 100).is_ok());
        assert_eq!(next(&queue, 10), 100);
        // They get their turn as soon as the quick ones have had as much.
        for job in 200..220 {
            assert!(queue.push(place("home", "alice"), QUICK, job).is_ok());
        }
        let order: Vec<bool> = (0..20).map(|_| next(&queue, 10) < 30).collect();
        assert!(order.contains(&true), "{order:?}");
    }

    #[test]
    fn a_job_larger_than_all_memory_runs_alone() {
        let queue = Queue::new(10, 4, 100);
        assert!(queue.push(place("a", "a"), large(500), 0).is_ok());
        let first = queue.next().expect("a job");
        assert!(queue.push(place("a", "a"), large(1), 1).is_ok());
        assert!(queue.push(place("a", "a"), QUICK, 2).is_ok());
        assert_eq!(queue.next().expect("a job").job, 2);
        first.end(&queue);
        assert_eq!(queue.next().expect("a job").job, 1);
    }

    fn next(queue: &Queue<u32>, time: u64) -> u32 {
        let next = queue.next().expect("a job");
        queue.done(&next.place, next.cost, Duration::from_millis(time));
        next.job
    }

    #[test]
    fn a_crowd_from_one_address_waits_for_itself() {
        let queue = Queue::new(10, 2, 100);
        for job in 0..10 {
            assert!(queue.push(place("crowd", &job.to_string()), QUICK, job).is_ok());
        }
        // All places are taken, yet another network still gets in, and is next but one.
        assert_eq!(queue.push(place("other", "alice"), QUICK, 100), Err(9));
        assert_eq!((next(&queue, 10), next(&queue, 10)), (0, 100));
        // The crowd itself pushes nobody out.
        for job in 20..25 {
            assert!(queue.push(place("crowd", "more"), QUICK, job).is_ok() == (job < 22));
        }
    }

    #[test]
    fn one_account_leaves_its_neighbours_their_places() {
        let queue = Queue::new(10, 2, 100);
        for job in 0..10 {
            assert!(queue.push(place("home", "guessed"), QUICK, job).is_ok());
        }
        assert_eq!(queue.push(place("home", "alice"), QUICK, 100), Err(9));
        assert_eq!(queue.push(place("home", "guessed"), QUICK, 11), Err(11));
        assert_eq!((next(&queue, 10), next(&queue, 10)), (0, 100));
    }

    #[test]
    fn what_is_slow_never_has_all_threads() {
        let queue = Queue::new(10, 2, 100);
        for job in 0..3 {
            assert!(queue.push(place("a", "slow"), SLOW, job).is_ok());
        }
        assert!(queue.push(place("b", "quick"), QUICK, 10).is_ok());
        let first = queue.next().expect("a job");
        let second = queue.next().expect("a job");
        assert_eq!((first.job, second.job), (0, 10));
        assert_eq!(first.end(&queue), 0);
        assert_eq!(queue.next().expect("a job").job, 1);
    }

    #[test]
    fn somebody_who_comes_late_has_no_time_saved_up() {
        let queue = Queue::new(100, 1, 100);
        for job in 0..10 {
            assert!(queue.push(place("a", "a"), QUICK, job).is_ok());
        }
        for _ in 0..5 {
            next(&queue, 100);
        }
        for job in 100..110 {
            assert!(queue.push(place("b", "b"), QUICK, job).is_ok());
        }
        let order: Vec<bool> = (0..10).map(|_| next(&queue, 100) >= 100).collect();
        assert_eq!(order.iter().filter(|late| **late).count(), 5, "{order:?}");
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_never_more_wait_than_there_are_places(
            pushes in prop::collection::vec((0..4_u8, 0..4_u8, any::<bool>()), 0..60)
        ) {
            let queue = Queue::new(8, 2, 100);
            let mut seen = Vec::new();
            for (job, (network, account, is_slow)) in (0_u32..).zip(&pushes) {
                let place = place(&network.to_string(), &account.to_string());
                if let Err(out) = queue.push(place, Cost { is_slow: *is_slow, ..QUICK }, job) {
                    seen.push(out);
                }
                prop_assert!(queue.len() <= 8);
            }
            while queue.len() > 0 {
                seen.push(next(&queue, 1));
            }
            seen.sort_unstable();
            prop_assert_eq!(seen.len(), pushes.len());
            prop_assert!((0_u32..).zip(&seen).all(|(job, seen)| job == *seen));
        }
    }
}
