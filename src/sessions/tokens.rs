//! Session lifetimes, and the JWTs that name sessions.
//!
//! A session is a row in the store. A client has a JWT that names the row: in the cookie for a
//! browser, in `accessToken` for a program. The two kinds differ in `typ` and `aud`, and neither is
//! accepted as the other (JW-04). A valid JWT is not enough: `caller.rs` asks `live.rs` whether its
//! session is still alive.
//!
//! jsonwebtoken checks the signature and the registered claims it is told to check. Its gaps are
//! closed here: unknown header members (including `crit`, `b64`, `zip`, `jku`, `jwk`, `kid`, …),
//! duplicate members, the kind, the longest life, the size (JW-01 to JW-07).

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation};
use quick_cache::{Weighter, sync::Cache};
use serde::{Deserialize, Serialize};

use crate::{
    domain::AccountId,
    platform::{
        clock::{now, seconds},
        error::Fault,
        public_url::PublicUrl,
        random,
        secret::Secret,
        visit::Visit,
    },
    sessions::{
        First, ProvedBy, StoredSession,
        carrier::Carrier,
        settings::{AccessTokenAlg, SessionSettings},
    },
    signing::{Algorithm, Expect, SigningKeys},
};

/// Bytes. Ours have about 400; longer ones are refused unread (JW-07).
const MAX_TOKEN: usize = 4096;

/// The most memory, in bytes, for tokens that were found valid.
const MAX_READ_BYTES: u64 = 1024 * 1024;

/// How far ahead of ours another node's clock may be.
pub const CLOCK_SKEW: i64 = 5;

impl Carrier {
    fn typ(self) -> &'static str {
        match self {
            Self::Browser => "session+jwt",
            // RFC 9068, section 2.1.
            Self::Program => "at+jwt",
        }
    }

    fn aud(self) -> &'static str {
        match self {
            Self::Browser => "latchkey-browser",
            Self::Program => "latchkey-api",
        }
    }
}

/// The kind of session to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionKind {
    Browser {
        /// Whether it outlives the browser.
        remembered: bool,
    },
    Program {
        /// Whether refresh tokens renew it.
        refresh: bool,
    },
}

impl SessionKind {
    fn carrier(self) -> Carrier {
        match self {
            Self::Browser { .. } => Carrier::Browser,
            Self::Program { .. } => Carrier::Program,
        }
    }
}

/// The complete JOSE header: any other member is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Jose {
    #[expect(dead_code, reason = "jsonwebtoken compares it with the one algorithm there is")]
    alg: String,
    typ: String,
}

/// The complete claims: any other member is refused. None of them says who the account belongs to
/// (JW-12).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    sid: String,
    jti: String,
    iat: i64,
    exp: i64,
}

/// The content of a valid token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedToken {
    pub carrier: Carrier,
    pub session: Arc<str>,
    pub account: AccountId,
}

/// The result of reading a token, and how long it is valid.
#[derive(Clone)]
struct Reading {
    proof: VerifiedToken,
    until: i64,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<String, Reading> for Bytes {
    fn weight(&self, token: &String, reading: &Reading) -> u64 {
        let parts = size_of::<(String, Reading)>() + token.capacity() + reading.proof.session.len();
        // The overhead of the cache and the allocator.
        parts as u64 + 100
    }
}

/// The keys, and the fixed parameters of sessions.
pub struct Tokens {
    issuer: String,
    signing: EncodingKey,
    /// The current one, then the previous one.
    accepted: Vec<DecodingKey>,
    /// jsonwebtoken's checks, for a browser's token and for a program's.
    browser: Validation,
    program: Validation,
    /// By token. A valid token stays valid until it expires, its signature included, so nothing
    /// else needs checking when it is used again.
    good: Cache<String, Reading, Bytes>,
    /// The keys of access tokens that are signed for everybody to check.
    published: Option<Arc<SigningKeys>>,
    access_token_alg: AccessTokenAlg,
    access_token_ttl: i64,
    /// Idle times: of a browser session, a remembered one, and one with refresh tokens.
    idle_ttl: i64,
    remember_ttl: i64,
    refresh_ttl: i64,
    ttl: i64,
}

impl Tokens {
    #[must_use]
    pub fn new(
        settings: &SessionSettings,
        public_url: &PublicUrl,
        secret: &Secret,
        previous: Option<&Secret>,
        published: Option<Arc<SigningKeys>>,
    ) -> Self {
        let secrets: Vec<&[u8]> =
            [Some(secret), previous].into_iter().flatten().map(Secret::expose).collect();
        let validation = |carrier: Carrier| {
            let mut validation = Validation::new(jsonwebtoken::Algorithm::HS256);
            validation.leeway = 0;
            validation.set_audience(&[carrier.aud()]);
            validation.set_issuer(&[public_url.origin()]);
            validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
            validation
        };
        Self {
            issuer: public_url.origin(),
            browser: validation(Carrier::Browser),
            program: validation(Carrier::Program),
            good: Cache::with_weighter(10_000, MAX_READ_BYTES, Bytes),
            signing: EncodingKey::from_secret(secret.expose()),
            accepted: secrets.iter().map(|secret| DecodingKey::from_secret(secret)).collect(),
            published,
            access_token_alg: settings.access_token_alg,
            access_token_ttl: seconds(settings.access_token_ttl),
            idle_ttl: seconds(settings.idle_ttl),
            remember_ttl: seconds(settings.remember_ttl),
            refresh_ttl: seconds(settings.refresh_ttl),
            ttl: seconds(settings.ttl),
        }
    }

    /// Our own address, as in `iss`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// A new session for the store. Its id is newly drawn each time, so nobody can plant one
    /// (SE-01).
    pub fn begin(
        &self,
        kind: SessionKind,
        account: AccountId,
        visit: &Visit,
    ) -> Result<StoredSession, Fault> {
        let now = now();
        let ends_at = match kind {
            SessionKind::Browser { .. } | SessionKind::Program { refresh: true } => now + self.ttl,
            // It can't be renewed, so it ends with its only token.
            SessionKind::Program { refresh: false } => now + self.access_token_ttl,
        };
        let idle_at = match kind {
            SessionKind::Program { refresh: false } => ends_at,
            SessionKind::Program { refresh: true } => now + self.refresh_ttl,
            SessionKind::Browser { remembered } => now + self.browser_idle_ttl(remembered),
        };
        let id = random::text()?;
        Ok(StoredSession {
            family: id.clone(),
            begun_by: None,
            sealed_refresh_token: None,
            id,
            account_id: account,
            carrier: kind.carrier(),
            created_at: now,
            alive_until: idle_at.min(ends_at),
            ends_at,
            seen_at: now,
            proved_at: now,
            proved_by: ProvedBy::of(First::Password),
            auth_time: now,
            device: visit.device.clone(),
            network: visit.network(),
            remembered: kind == SessionKind::Browser { remembered: true },
            refreshable: kind == SessionKind::Program { refresh: true },
        })
    }

    /// How long a session refreshed at `now` stays alive, unless it ends earlier.
    #[must_use]
    pub fn refreshed_until(&self, now: i64) -> i64 {
        now + self.refresh_ttl
    }

    /// How long a browser's session that is used at `now` stays alive, unless it ends earlier.
    #[must_use]
    pub fn idle_until(&self, remembered: bool, now: i64) -> i64 {
        now + self.browser_idle_ttl(remembered)
    }

    fn browser_idle_ttl(&self, remembered: bool) -> i64 {
        if remembered { self.remember_ttl } else { self.idle_ttl }
    }

    /// For a session that should be extended: its new end, and the end from which it can be left as
    /// it is. A hundredth of the idle time is not worth a write.
    #[must_use]
    pub fn extension(
        &self,
        carrier: Carrier,
        remembered: bool,
        alive_until: i64,
        ends_at: i64,
    ) -> Option<(i64, i64)> {
        let idle_ttl = self.browser_idle_ttl(remembered);
        let extended = (now() + idle_ttl).min(ends_at);
        let enough = extended - idle_ttl / 100;
        (carrier == Carrier::Browser && alive_until < enough).then_some((extended, enough))
    }

    /// The JWT that names a session, and its lifetime in seconds.
    pub fn make(&self, session: &StoredSession) -> Result<(String, i64), Fault> {
        let (carrier, now) = (session.carrier, now());
        let exp = match carrier {
            Carrier::Browser => session.ends_at,
            Carrier::Program => session.ends_at.min(now + self.access_token_ttl),
        };
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: carrier.aud().to_owned(),
            sub: session.account_id.0.to_string(),
            sid: session.id.clone(),
            jti: random::text()?,
            iat: now,
            exp,
        };
        if let (Carrier::Program, AccessTokenAlg::Es256, Some(published)) =
            (carrier, self.access_token_alg, &self.published)
        {
            let token = published.sign_now(Algorithm::Es256, carrier.typ(), &claims)?;
            return Ok((token, exp - now));
        }
        let header = Header {
            typ: Some(carrier.typ().to_owned()),
            ..Header::new(jsonwebtoken::Algorithm::HS256)
        };
        let token =
            jsonwebtoken::encode(&header, &claims, &self.signing).map_err(Fault::internal)?;
        Ok((token, exp - now))
    }

    /// Reads a token of one carrier. `None`: it proves nothing, for whatever reason.
    #[must_use]
    pub fn read(&self, carrier: Carrier, token: &str) -> Option<VerifiedToken> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        let known = self.good.get(token);
        let reading = match known.filter(|known| known.proof.carrier == carrier) {
            Some(reading) => reading,
            None => {
                let reading = self.verify(carrier, token)?;
                self.good.insert(token.to_owned(), reading.clone());
                reading
            }
        };
        (now() < reading.until).then_some(reading.proof)
    }

    /// Forgets which tokens were found valid: a key may have been dropped.
    pub fn forget(&self) {
        self.good.clear();
    }

    /// The claims of an access token that a published key has signed. Both kinds are taken, whatever this
    /// node makes: others may have another setting for a while.
    fn by_published(&self, carrier: Carrier, token: &str) -> Option<Claims> {
        let published = self.published.as_ref().filter(|_| carrier == Carrier::Program)?;
        let expect = Expect { typ: carrier.typ(), issuer: &self.issuer, even_expired: false };
        let claims: Claims = published.check(token, expect)?;
        (claims.aud == carrier.aud()).then_some(claims)
    }

    fn verify(&self, carrier: Carrier, token: &str) -> Option<Reading> {
        let (validation, longest) = match carrier {
            Carrier::Browser => (&self.browser, self.ttl),
            Carrier::Program => (&self.program, self.access_token_ttl),
        };
        let by_secret = self
            .accepted
            .iter()
            .find_map(|key| jsonwebtoken::decode::<Claims>(token, key, validation).ok());
        // The signature is right. Now: is it what we would have signed?
        let claims = match by_secret {
            Some(read) => {
                let header = URL_SAFE_NO_PAD.decode(token.split('.').next()?).ok()?;
                let header: Jose = serde_json::from_slice(&header).ok()?;
                if header.typ != carrier.typ() {
                    return None;
                }
                read.claims
            }
            None => self.by_published(carrier, token)?,
        };
        let life = claims.exp.checked_sub(claims.iat)?;
        let good = claims.iat <= now() + CLOCK_SKEW
            && (1..=longest).contains(&life)
            && !claims.jti.is_empty();
        let account = claims.sub.parse().ok().filter(|_| good)?;
        let proof =
            VerifiedToken { carrier, session: claims.sid.into(), account: AccountId(account) };
        Some(Reading { proof, until: claims.exp })
    }
}

#[cfg(test)]
mod tests;
