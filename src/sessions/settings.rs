//! The settings of sessions.

use std::time::Duration;

use crate::{
    platform::settings::{Reader, bad, duration, settings},
    signing::LONGEST_TOKEN,
};

settings! {
    /// The settings of sessions.
    pub struct SessionSettings {
        access_token_ttl: Duration = or("ACCESS_TOKEN_TTL", "15m", duration),
            "how long an access token is valid",
            "Write durations as a number followed by s, m, h or d.";
        access_token_alg: AccessTokenAlg = or("ACCESS_TOKEN_ALG", "HS256", access_token_alg),
            "how access tokens are signed: HS256 with JWT_SECRET, or ES256 with the published keys",
            "With ES256, no service needs the secret to check them.";
        idle_ttl: Duration = or("SESSION_IDLE_TTL", "24h", duration),
            "how long a session lasts without use";
        remember_ttl: Duration = or("REMEMBER_TTL", "30d", duration),
            "the same for \"Keep me signed in\"", "Not longer than SESSION_TTL.";
        refresh_ttl: Duration = or("REFRESH_TTL", "30d", duration),
            "the same for a session with a refresh token", "Not longer than SESSION_TTL.";
        ttl: Duration = or("SESSION_TTL", "30d", duration),
            "how long any session lasts";
        proof_ttl: Duration = or("PROOF_TTL", "10m", duration),
            "how long after entering the password sensitive actions don't ask for it again";
    }
}

/// How access tokens are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessTokenAlg {
    /// With the secret.
    Hs256,
    /// With a published key.
    Es256,
}

fn access_token_alg(text: &str) -> Result<AccessTokenAlg, String> {
    match text {
        "HS256" => Ok(AccessTokenAlg::Hs256),
        "ES256" => Ok(AccessTokenAlg::Es256),
        _ => Err("must be HS256 or ES256".to_owned()),
    }
}

impl SessionSettings {
    /// The idle time must not exceed the lifetime. Lowering `SESSION_TTL` alone doesn't invalidate
    /// a default.
    pub(crate) fn check(&mut self, reader: &mut Reader<'_>) {
        let longest = Duration::from_secs(LONGEST_TOKEN.unsigned_abs());
        if self.access_token_alg == AccessTokenAlg::Es256 && self.access_token_ttl > longest {
            let reason = "must be at most 1d with ACCESS_TOKEN_ALG=ES256, whose keys change";
            reader.faults.push(bad("ACCESS_TOKEN_TTL", reason));
        }
        for (name, idle) in [
            ("SESSION_IDLE_TTL", &mut self.idle_ttl),
            ("REMEMBER_TTL", &mut self.remember_ttl),
            ("REFRESH_TTL", &mut self.refresh_ttl),
        ] {
            if !reader.is_set(name) {
                *idle = (*idle).min(self.ttl);
            } else if *idle > self.ttl {
                reader.faults.push(bad(name, "must not be longer than SESSION_TTL"));
            }
        }
    }
}
