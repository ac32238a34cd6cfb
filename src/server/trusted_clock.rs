//! Whether the clock can be trusted with what cannot be undone: deleting the accounts that are due,
//! and expired sessions and links.
//!
//! A machine may start with a clock that is days ahead, until it has synchronised. So the database
//! remembers until when the clock was trusted. A clock close to that time is trusted again. One
//! that has jumped ahead must first hold for a while: keep pace with the monotonic clock, while no
//! other node contradicts it.
//!
//! A clock that is set back makes proofs look younger than they are. [`SteadyClock`] detects that.

use std::time::{Duration, Instant};

use crate::{
    audit,
    platform::{
        clock::{now, seconds},
        error::Fault,
    },
    sessions::tokens::CLOCK_SKEW,
    store::{Fact, Store},
};

/// How far the clock may be ahead of the time in the database, and how long it must hold if it is
/// further ahead. If accounts are deleted sooner than that, their waiting time is used instead.
const JUMP: Duration = Duration::from_secs(24 * 3600);
const HOLD: Duration = Duration::from_secs(3600);

/// How far the two clocks of this machine may drift apart while one holds.
const DRIFT: i64 = 5;

/// In seconds since 1970, UTC.
pub(crate) enum Time {
    Trusted(i64),
    /// The clock is not trusted. It was trusted until this time.
    AtLeast(i64),
}

pub(crate) struct TrustedClock {
    jump: i64,
    hold: Duration,
    /// The wall clock, the monotonic clock and the time in the database when the hold began.
    since: Option<(i64, Instant, i64)>,
}

impl TrustedClock {
    /// `grace`: how long an account waits for its deletion.
    #[must_use]
    pub(crate) fn new(grace: Duration) -> Self {
        Self { jump: seconds(JUMP.min(grace)), hold: HOLD.min(grace), since: None }
    }

    /// How long a clock that has jumped must hold before it is trusted.
    #[must_use]
    pub(crate) fn hold(&self) -> Duration {
        self.hold
    }

    /// The current time.
    pub(crate) async fn now(&mut self, store: &Store) -> Result<Time, Fault> {
        let known = store.fact(Fact::ClockTrustedUntil).await?;
        let known = match known.and_then(|text| text.parse().ok()) {
            Some(known) => Some(known),
            // From an older version: use the time of the last event.
            None => audit::last_event_at(store).await?,
        };
        let (time, moment) = (now(), Instant::now());
        if !self.trusts(known, time, moment) {
            return Ok(Time::AtLeast(known.unwrap_or(0)));
        }
        if known != Some(time) {
            store.note(Fact::ClockTrustedUntil, &time.to_string()).await?;
        }
        Ok(Time::Trusted(time))
    }

    fn trusts(&mut self, known: Option<i64>, time: i64, moment: Instant) -> bool {
        let Some(known) = known else {
            // No time is stored: the database is new, and nothing is due yet.
            return true;
        };
        let passed = |since: Instant| seconds(moment.saturating_duration_since(since));
        let holds = self.since.is_some_and(|(began, since, remembered)| {
            (time - began - passed(since)).abs() <= DRIFT && known == remembered
        });
        if !holds {
            self.since = Some((time, moment, known));
        }
        let held = self
            .since
            .map_or(Duration::ZERO, |(_, since, _)| moment.saturating_duration_since(since));
        let trusted = time - known <= self.jump || held >= self.hold;
        if trusted {
            // The database will remember this time.
            self.since = self.since.map(|(began, since, _)| (began, since, time));
        }
        trusted
    }
}

/// Detects when the clock is set back by more than nodes may differ anyway.
pub(crate) struct SteadyClock {
    time: i64,
    moment: Instant,
}

impl SteadyClock {
    /// Starts from the newest time in the database: the clock may have been set back while no node
    /// was running.
    pub(crate) async fn new(store: &Store) -> Result<Self, Fault> {
        let trusted = store.fact(Fact::ClockTrustedUntil).await?.and_then(|text| text.parse().ok());
        let newest = trusted.max(audit::last_event_at(store).await?).unwrap_or(0);
        Ok(Self { time: newest, moment: Instant::now() })
    }

    /// Whether the clock was set back since the last check.
    pub(crate) fn is_set_back(&mut self) -> bool {
        self.look(now(), Instant::now())
    }

    fn look(&mut self, time: i64, moment: Instant) -> bool {
        let expected = self.time + seconds(moment.saturating_duration_since(self.moment));
        *self = Self { time, moment };
        time < expected - CLOCK_SKEW
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_back_is_seen_once_and_one_that_goes_on_or_ahead_is_none() {
        let start = Instant::now();
        let mut clock = SteadyClock { time: 1000, moment: start };
        assert!(!clock.look(1001, after(start, 1)));
        assert!(!clock.look(5000, after(start, 2)), "set ahead");
        assert!(clock.look(1003, after(start, 3)), "set back");
        assert!(!clock.look(1004, after(start, 4)));
        assert!(!clock.look(1000, after(start, 5)), "by no more than nodes differ");
        assert!(clock.look(1000, after(start, 20)), "stopped");
    }

    const DAY: i64 = 24 * 3600;

    fn clock() -> (TrustedClock, Instant) {
        (TrustedClock::new(Duration::from_secs(14 * 24 * 3600)), Instant::now())
    }

    fn after(moment: Instant, seconds: i64) -> Instant {
        moment + Duration::from_secs(seconds.unsigned_abs())
    }

    #[test]
    fn a_clock_that_goes_on_from_what_is_remembered_is_trusted_at_once() {
        let (mut clock, start) = clock();
        assert!(clock.trusts(None, 1000, start));
        assert!(clock.trusts(Some(1000), 1000 + DAY / 2, start));
        assert!(clock.trusts(Some(1000), 500, start), "set back: nothing is due too early");
    }

    #[test]
    fn one_that_has_jumped_must_hold_for_an_hour() {
        let (mut clock, start) = clock();
        let jumped = 15 * DAY;
        assert!(!clock.trusts(Some(0), jumped, start));
        assert!(!clock.trusts(Some(0), jumped + 3500, after(start, 3500)));
        assert!(clock.trusts(Some(0), jumped + 3601, after(start, 3601)));
    }

    #[test]
    fn one_that_is_put_right_meanwhile_is_trusted_as_it_is_then() {
        let (mut clock, start) = clock();
        assert!(!clock.trusts(Some(0), 15 * DAY, start));
        assert!(clock.trusts(Some(0), 600, after(start, 600)));
        // And a second jump: the hold starts over.
        assert!(!clock.trusts(Some(600), 15 * DAY, after(start, 700)));
        assert!(!clock.trusts(Some(600), 15 * DAY + 3500, after(start, 4200)));
    }

    #[test]
    fn while_another_node_says_otherwise_it_does_not_hold() {
        let (mut clock, start) = clock();
        for pass in 0..20 {
            let passed = pass * 600;
            assert!(!clock.trusts(Some(passed), 15 * DAY + passed, after(start, passed)));
        }
    }
}
