//! JWTs that others have signed, and their published keys (RFC 7515, RFC 7517, RFC 8725).
//!
//! jsonwebtoken checks the signature. Which keys and algorithms count is decided here, and what the claims
//! must say by the caller.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation,
    jwk::{Jwk, KeyAlgorithm, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::{sync::Mutex, time::Instant};

use super::fetch::Unfetched;

/// The claims of a token.
pub type Claims = Map<String, Value>;

/// A token that one of the keys has signed.
#[derive(Clone, Debug, PartialEq)]
pub struct Signed {
    pub claims: Claims,
    pub algorithm: &'static str,
}

/// The algorithms that count: with a key pair, so that nobody can sign with what is published.
pub const ALGORITHMS: [(&str, Algorithm); 9] = [
    ("RS256", Algorithm::RS256),
    ("RS384", Algorithm::RS384),
    ("RS512", Algorithm::RS512),
    ("PS256", Algorithm::PS256),
    ("PS384", Algorithm::PS384),
    ("PS512", Algorithm::PS512),
    ("ES256", Algorithm::ES256),
    ("ES384", Algorithm::ES384),
    ("EdDSA", Algorithm::EdDSA),
];

/// The longest token, in bytes.
const MAX_TOKEN: usize = 16 * 1024;

/// Why a token proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worthless {
    /// None of the keys has signed it: they may have changed.
    UnknownKey,
    Wrong(&'static str),
}

/// A header. Members that would name other keys are not obeyed.
#[derive(Deserialize)]
struct Jose {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    /// Extensions that must be understood: we know none.
    crit: Option<Value>,
}

/// How many keys of a set count.
const MOST_KEYS: usize = 32;

/// Keys that somebody publishes. Those that we can't read or use are left out.
#[derive(Clone, Debug, Default)]
pub struct Keys(Vec<Jwk>);

impl Keys {
    /// Reads a JWK Set. `None`: it is not one.
    #[must_use]
    pub fn read(set: &Value) -> Option<Self> {
        let keys = set.get("keys")?.as_array()?;
        // A private or a symmetric key must not be there, and is not used.
        let is_public = |key: &&Value| key.get("d").is_none() && key.get("k").is_none();
        let read = |key: &Value| serde_json::from_value(key.clone()).ok();
        Some(Self(keys.iter().filter(is_public).filter_map(read).take(MOST_KEYS).collect()))
    }

    /// As a JWK Set.
    #[must_use]
    pub fn published(&self) -> Value {
        serde_json::json!({ "keys": self.0 })
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The claims of a token that one of the keys has signed. `typ`: the kinds that it may be of; in lower
    /// case, and empty for none.
    pub fn check(&self, token: &str, typ: &[&str]) -> Result<Signed, Worthless> {
        let wrong = |why| Worthless::Wrong(why);
        if token.len() > MAX_TOKEN {
            return Err(wrong("is too long"));
        }
        let header = token.split('.').next().unwrap_or_default();
        let header = URL_SAFE_NO_PAD.decode(header).ok();
        let header = header.and_then(|header| serde_json::from_slice::<Jose>(&header).ok());
        let header = header.ok_or(wrong("is no JWT"))?;
        if header.crit.is_some() {
            return Err(wrong("has an extension that is not known"));
        }
        let kind = header.typ.unwrap_or_default().to_ascii_lowercase();
        if !typ.contains(&&*kind) {
            return Err(wrong("is of another kind"));
        }
        let known = ALGORITHMS.iter().find(|(word, _)| *word == header.alg);
        let (word, algorithm) =
            known.ok_or(wrong("is signed by an algorithm that is not allowed"))?;
        let mut keys = self.0.iter().filter(|key| {
            let common = &key.common;
            let is_named = header.kid.is_none() || common.key_id == header.kid;
            let is_for_it = common.key_algorithm.is_none_or(|known| fits(known, *algorithm));
            let signs = common.public_key_use != Some(PublicKeyUse::Encryption);
            is_named && is_for_it && signs
        });
        let claims = keys.find_map(|key| {
            let key = DecodingKey::from_jwk(key).ok()?;
            let mut validation = Validation::new(*algorithm);
            validation.validate_exp = false;
            validation.validate_aud = false;
            validation.required_spec_claims.clear();
            jsonwebtoken::decode::<Claims>(token, &key, &validation).ok()
        });
        match claims {
            Some(read) => Ok(Signed { claims: read.claims, algorithm: word }),
            // A key may have taken the place of another under the same name, or under none.
            None => Err(Worthless::UnknownKey),
        }
    }
}

fn fits(known: KeyAlgorithm, algorithm: Algorithm) -> bool {
    known.to_string() == format!("{algorithm:?}")
}

/// How long fetched keys count before they are read again.
const KEPT: Duration = Duration::from_secs(600);

/// How long they count while they can't be read again.
const AT_MOST: Duration = Duration::from_secs(24 * 3600);

/// How often they are read again because none of them has signed a token, or after a failure.
const AGAIN: Duration = Duration::from_secs(5);

/// The keys at one address, as this node remembers them.
#[derive(Clone, Default)]
struct Kept {
    keys: Arc<Keys>,
    read_at: Option<Instant>,
    tried_at: Option<Instant>,
}

impl Kept {
    fn is_recent(&self) -> bool {
        self.read_at.is_some_and(|at| at.elapsed() < KEPT)
    }

    fn may_try(&self) -> bool {
        self.tried_at.is_none_or(|at| at.elapsed() >= AGAIN)
    }

    /// Whether a token can be checked without reading the keys again: that would take time, and others may be
    /// doing it.
    fn check(&self, token: &str, typ: &[&str]) -> Option<Result<Signed, Worthless>> {
        let checked = self.is_recent().then(|| self.keys.check(token, typ))?;
        (checked != Err(Worthless::UnknownKey) || !self.may_try()).then_some(checked)
    }
}

#[derive(Default)]
struct Entry {
    kept: RwLock<Kept>,
    /// One reads at a time: the others wait for what it brings.
    reading: Mutex<()>,
}

impl Entry {
    fn kept(&self) -> Kept {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// How many addresses are remembered.
const MOST: usize = 200;

/// Keys that others publish, by their address.
#[derive(Default)]
pub struct KeyRing(Mutex<HashMap<String, Arc<Entry>>>);

impl KeyRing {
    /// The claims of a token that is signed with a key at this address. `fetch` reads them.
    pub async fn check(
        &self,
        address: &str,
        token: &str,
        typ: &[&str],
        fetch: impl Future<Output = Result<Value, Unfetched>> + Send,
    ) -> Result<Result<Signed, Worthless>, Unfetched> {
        let entry = {
            let mut known = self.0.lock().await;
            if known.len() >= MOST && !known.contains_key(address) {
                known.clear();
            }
            known.entry(address.to_owned()).or_default().clone()
        };
        if let Some(checked) = entry.kept().check(token, typ) {
            return Ok(checked);
        }
        let _reading = entry.reading.lock().await;
        if let Some(checked) = entry.kept().check(token, typ) {
            return Ok(checked);
        }
        let mut kept = entry.kept();
        if kept.may_try() {
            let read = fetch.await.and_then(|set| {
                Keys::read(&set).ok_or_else(|| Unfetched("the answer is no JWK Set".to_owned()))
            });
            let now = Some(Instant::now());
            kept.tried_at = now;
            match read {
                Ok(keys) => {
                    kept.keys = Arc::new(keys);
                    kept.read_at = now;
                }
                Err(why) => tracing::warn!(address, why = why.0, "keys can't be read"),
            }
            *entry.kept.write().unwrap_or_else(PoisonError::into_inner) = kept.clone();
        }
        match kept.read_at {
            Some(at) if at.elapsed() < AT_MOST => Ok(kept.keys.check(token, typ)),
            _ => Err(Unfetched("the keys can't be read".to_owned())),
        }
    }
}
