//! A counter of wrong tries, as the database stores it (GCRA: one number).

use std::collections::HashMap;

/// One number in the database. Times are in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counter {
    pub key: String,
    /// How far one try moves it ahead.
    pub interval: i64,
    /// Tries are refused if it is further ahead of now than this.
    pub period: i64,
}

/// How far apart the clocks of two nodes may be, in milliseconds.
const CLOCK_SKEW: i64 = 10_000;

impl Counter {
    /// When one more try will be allowed. `arrivals`: the value of each counter.
    #[must_use]
    pub fn limited_until(&self, arrivals: &HashMap<String, i64>, now: i64) -> i64 {
        match arrivals.get(&self.key) {
            Some(tat) if *tat <= self.furthest(now) => tat + self.interval - self.period,
            _ => i64::MIN,
        }
    }

    /// A counter beyond this was written by a wrong clock.
    #[must_use]
    pub fn furthest(&self, now: i64) -> i64 {
        now.saturating_add(self.period).saturating_add(CLOCK_SKEW)
    }
}
