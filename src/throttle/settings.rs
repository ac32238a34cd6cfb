//! The settings of the limits.

use std::{fmt, num::NonZero, time::Duration};

use crate::platform::settings::{duration, settings, switch};

settings! {
    /// The settings of the limits.
    pub struct ThrottleSettings {
        on: bool = or("THROTTLE", "on", |text| switch(text, "on", "off")),
            "rate limits: on, or off for load tests";
        account: Vec<Limit> = or("THROTTLE_ACCOUNT", "10/1m,100/1d", Limit::parse_list),
            "wrong tries for one account, by all strangers or by one known device",
            "10/1m allows a burst of ten, then one every six seconds. If you list several limits, all \
             apply.";
        network: Vec<Limit> = or("THROTTLE_NETWORK", "50/1m,500/1d", Limit::parse_list),
            "wrong tries from one IPv4 address or IPv6 /64";
        total: Vec<Limit> = or("THROTTLE_TOTAL", "1000/1m", Limit::parse_list),
            "wrong tries by all strangers together", "Known devices aren't counted.";
        sign_up: Vec<Limit> = or("THROTTLE_SIGN_UP", "100/1h", Limit::parse_list),
            "sign-ups from one IPv4 address or IPv6 /64",
            "Those whose username is taken count, too.";
        requests: Vec<Limit> = or("THROTTLE_REQUESTS", "300/1m", Limit::parse_list),
            "what strangers begin from one IPv4 address or IPv6 /64",
            "Sign-ins with other providers, and the requests of apps that can keep no secret.";
        mail: Vec<Limit> = or("THROTTLE_MAIL", "3/1h,10/1d", Limit::parse_list),
            "mails of one kind to one address that somebody asked for",
            "Above that, the answer is the same and no mail is sent.";
        api_keys: Limit = or("THROTTLE_API_KEYS", "600/1m", Limit::parse_one),
            "requests with one API key, on each node";
        acts: Limit = or("THROTTLE_ACTS", "600/1h", Limit::parse_one),
            "name changes and downloads of one session, and apart from them its refreshes",
            "What defends an account is never limited by this: changing the password, confirming it, \
             ending sessions, deleting.";
    }
}

/// A number of tries per period: `10/1m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    pub tries: NonZero<u32>,
    pub period: Duration,
}

impl Limit {
    fn parse_one(text: &str) -> Result<Self, String> {
        match Self::parse_list(text)?[..] {
            [limit] => Ok(limit),
            _ => Err("must be one limit, for example 600/1h".to_owned()),
        }
    }

    fn parse_list(text: &str) -> Result<Vec<Self>, String> {
        let limit = |part: &str| {
            let (tries, period) = part.split_once('/')?;
            let tries = tries.parse().ok().filter(|tries: &NonZero<u32>| tries.get() <= 1_000_000);
            let limit = Self { tries: tries?, period: duration(period).ok()? };
            // The counters are in milliseconds.
            (u128::from(limit.tries.get()) <= limit.period.as_millis()).then_some(limit)
        };
        let limits: Option<Vec<Self>> = text.split(',').map(|part| limit(part.trim())).collect();
        limits.ok_or(
            "must be tries in a time, at most one a millisecond, perhaps several: 10/1m,100/1d"
                .to_owned(),
        )
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}s", self.tries, self.period.as_secs())
    }
}
