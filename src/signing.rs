//! The keys that sign tokens for others: RSA and P-256, made by this server, shared by all nodes, and
//! published for everybody who checks those tokens.
//!
//! Of each algorithm there is one that signs and a spare one. Both are published, so that whoever has
//! remembered the published keys already knows the spare when it begins to sign. They take turns by
//! themselves ([`SIGNS_FOR`]) or when the operator says so. A key that no longer signs stays published until
//! its last token is over.
//!
//! Nodes remember the keys. A change of hands is in the table long before its time; a compromised key is
//! dropped by every node within a second ([`changes::tell_all`]).

pub mod cli;
pub mod json;
mod material;
mod rotation;
mod sql;

use std::sync::{Arc, PoisonError, RwLock};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{
    DecodingKey, Validation,
    jwk::{Jwk, JwkSet},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::{
    audit::{self, By, Event, acts},
    keys::{Keys, Opened, Sealed},
    platform::{clock::now, error::Fault},
    store::{Store, changes, db::Tx},
};
use material::{Fresh, Pair};
pub use rotation::{Rotated, rotate};

pub(crate) use sql::TABLES;

acts! {
    MADE = "crypto_key:made";
    TURNED = "crypto_key:rotated";
    DROPPED = "crypto_key:compromised";
}

/// How long a key signs, in seconds.
pub const SIGNS_FOR: i64 = 90 * 24 * 3600;

/// How long a key is published before it signs, in seconds: longer than clients remember the keys. The
/// first spare needs no such time, because nobody has seen the keys without it.
pub const PUBLISHED_AHEAD: i64 = 2 * 24 * 3600;

/// How long a key that no longer signs stays published, in seconds: longer than any token it signed.
pub const PUBLISHED_AFTER: i64 = 2 * LONGEST_TOKEN;

/// How long a token that we sign for others is good at most, in seconds.
pub const LONGEST_TOKEN: i64 = 24 * 3600;

/// A signature algorithm (RFC 7518, section 3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// Every client can check it.
    #[default]
    #[serde(rename = "RS256")]
    Rs256,
    /// Small and quick.
    #[serde(rename = "ES256")]
    Es256,
}

impl Algorithm {
    pub const ALL: [Self; 2] = [Self::Rs256, Self::Es256];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }

    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.word() == word)
    }

    /// The same, for an operator.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        Self::of_word(text).ok_or_else(|| "must be RS256 or ES256".to_owned())
    }

    fn for_checks(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::Rs256 => jsonwebtoken::Algorithm::RS256,
            Self::Es256 => jsonwebtoken::Algorithm::ES256,
        }
    }
}

/// A key of this server.
pub struct SigningKey {
    /// Its thumbprint (RFC 7638).
    pub kid: String,
    pub algorithm: Algorithm,
    pub made_at: i64,
    pub signs_from: i64,
    jwk: Jwk,
    checks: DecodingKey,
    /// `None`: sealed with a secret that this server doesn't have.
    pair: Option<Pair>,
}

/// The part that a key plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Signs,
    Spare,
    /// Published until the last token it has signed is over.
    Past,
}

/// All keys at one moment.
#[derive(Default)]
pub struct KeySet {
    /// The last to sign comes first.
    keys: Vec<SigningKey>,
}

impl KeySet {
    /// The key that signs now.
    fn current(&self, algorithm: Algorithm, now: i64) -> Option<&SigningKey> {
        let mut of_it = self.keys.iter().filter(|key| key.algorithm == algorithm);
        of_it.find(|key| key.signs_from <= now && key.pair.is_some())
    }

    /// Every key, with the part it plays now.
    pub fn parts(&self, now: i64) -> impl Iterator<Item = (&SigningKey, Part)> {
        self.keys.iter().map(move |key| {
            let signs = self.current(key.algorithm, now).is_some_and(|it| it.kid == key.kid);
            let part = match () {
                () if signs => Part::Signs,
                () if key.signs_from > now => Part::Spare,
                () => Part::Past,
            };
            (key, part)
        })
    }

    fn find(&self, kid: &str) -> Option<&SigningKey> {
        self.keys.iter().find(|key| key.kid == kid)
    }
}

/// The keys, as this node remembers them.
pub struct SigningKeys {
    store: Store,
    keys: Arc<Keys>,
    known: RwLock<Arc<KeySet>>,
    /// Held while keys are made, and while they are read: an older reading must not come last.
    making: Mutex<()>,
    reading: Mutex<()>,
}

impl SigningKeys {
    pub async fn new(store: Store, keys: Arc<Keys>) -> Result<Self, Fault> {
        let this = Self {
            store,
            keys,
            known: RwLock::default(),
            making: Mutex::default(),
            reading: Mutex::default(),
        };
        this.read_again().await?;
        Ok(this)
    }

    #[must_use]
    pub fn known(&self) -> Arc<KeySet> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the keys again.
    pub async fn read_again(&self) -> Result<(), Fault> {
        let _one_by_one = self.reading.lock().await;
        let rows = sql::all(&mut self.store.read().await?).await?;
        let keys = rows.iter().filter_map(|row| row.read(&self.keys)).collect();
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(KeySet { keys });
        Ok(())
    }

    /// Makes what is missing: keys at the first use, and a spare one whenever the last has begun to sign.
    pub async fn look_after(&self, algorithms: &[Algorithm]) -> Result<(), Fault> {
        // An RSA key takes a second of a processor: whoever comes meanwhile waits for the same one.
        let _one_by_one = self.making.lock().await;
        let now = now();
        let known = self.known();
        let is_missing = |algorithm: &&Algorithm| {
            known.current(**algorithm, now).is_none() || !has_spare(&known, **algorithm, now)
        };
        let missing: Vec<_> = algorithms.iter().filter(is_missing).collect();
        for algorithm in &missing {
            self.make_missing(**algorithm).await?;
        }
        match missing.is_empty() {
            true => Ok(()),
            false => self.read_again().await,
        }
    }

    /// The same, for the keys that are in use. Removes those whose last token is over: a newer one, which this
    /// server can read, has signed for long enough.
    pub(crate) async fn look_after_used(&self) -> Result<(), Fault> {
        let known = self.known();
        let is_used =
            |algorithm: &Algorithm| known.keys.iter().any(|key| key.algorithm == *algorithm);
        let used: Vec<Algorithm> = Algorithm::ALL.into_iter().filter(is_used).collect();
        self.look_after(&used).await?;
        let known = self.known();
        for algorithm in used {
            let Some(lasting) = known.current(algorithm, now() - PUBLISHED_AFTER) else { continue };
            let since = lasting.signs_from;
            if known.keys.iter().any(|key| key.algorithm == algorithm && key.signs_from < since) {
                sql::forget(&self.store, algorithm.word(), since).await?;
            }
        }
        Ok(())
    }

    /// Another node may do the same at the same time: one of them makes the keys.
    async fn make_missing(&self, algorithm: Algorithm) -> Result<(), Fault> {
        // Outside of the transaction: an RSA key takes a second.
        let mut fresh = vec![Fresh::make(algorithm).await?, Fresh::make(algorithm).await?];
        let now = now();
        let mut tx = self.store.begin().await?;
        let revision = changes::next_revision(&mut tx).await?;
        let rows = sql::all(&mut tx).await?;
        let keys = rows.iter().filter_map(|row| row.read(&self.keys)).collect();
        let known = KeySet { keys };
        let current = known.current(algorithm, now);
        // Of an algorithm that nobody has seen yet, the first key may sign at once.
        let mut since = match current {
            Some(key) => key.signs_from,
            None => {
                insert(&mut tx, &self.keys, &fresh.remove(0), now, now).await?;
                now
            }
        };
        if !has_spare(&known, algorithm, now) {
            since = (since + SIGNS_FOR).max(now + PUBLISHED_AHEAD);
            insert(&mut tx, &self.keys, &fresh.remove(0), now, since).await?;
        }
        if fresh.len() == 2 {
            return tx.rollback().await;
        }
        changes::tell_all(&mut tx, revision).await?;
        let mut event = Event::without_request(By::Server, MADE, None, now);
        event.detail.note = algorithm.word().to_owned();
        audit::record(&mut tx, &event).await?;
        tx.commit().await?;
        event.log();
        Ok(())
    }

    /// The keys, for everybody who checks tokens (RFC 7517).
    pub async fn published(&self) -> Result<JwkSet, Fault> {
        self.prepare().await?;
        let known = self.known();
        Ok(JwkSet { keys: known.keys.iter().map(|key| key.jwk.clone()).collect() })
    }

    /// Makes sure that there are keys to sign with.
    pub async fn prepare(&self) -> Result<(), Fault> {
        let (known, now) = (self.known(), now());
        let is_there = |algorithm: &Algorithm| known.current(*algorithm, now).is_some();
        match Algorithm::ALL.iter().all(is_there) {
            true => Ok(()),
            false => self.look_after(&Algorithm::ALL).await,
        }
    }

    /// Signs claims: a JWS in compact form (RFC 7515). `typ`: its kind, so that none passes for another.
    pub async fn sign<T: Serialize>(
        &self,
        algorithm: Algorithm,
        typ: &str,
        claims: &T,
    ) -> Result<String, Fault> {
        self.prepare().await?;
        self.sign_now(algorithm, typ, claims)
    }

    /// The same with keys that are known.
    pub fn sign_now<T: Serialize>(
        &self,
        algorithm: Algorithm,
        typ: &str,
        claims: &T,
    ) -> Result<String, Fault> {
        let known = self.known();
        let key = known.current(algorithm, now());
        let (key, pair) = key
            .and_then(|key| Some((key, key.pair.as_ref()?)))
            .ok_or_else(|| Fault::internal("there is no key to sign with"))?;
        let header = Header { typ, alg: algorithm.word(), kid: &key.kid };
        let part = |json: Vec<u8>| URL_SAFE_NO_PAD.encode(json);
        let header = part(serde_json::to_vec(&header).map_err(Fault::internal)?);
        let claims = part(serde_json::to_vec(claims).map_err(Fault::internal)?);
        let message = format!("{header}.{claims}");
        let signature = URL_SAFE_NO_PAD.encode(pair.sign(message.as_bytes())?);
        Ok(format!("{message}.{signature}"))
    }

    /// The claims of a token that one of our keys has signed, of this kind. Whom it is for is the caller's to
    /// check. `None`: it proves nothing.
    #[must_use]
    pub fn check<T: DeserializeOwned + Clone>(&self, token: &str, expect: Expect<'_>) -> Option<T> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        // Ours has these members and no other, so nothing else in it is ever obeyed (JW-03).
        let header = URL_SAFE_NO_PAD.decode(token.split('.').next()?).ok()?;
        let header: Jose = serde_json::from_slice(&header).ok()?;
        let known = self.known();
        let key = known.find(&header.kid)?;
        if header.typ != expect.typ || header.alg != key.algorithm.word() {
            return None;
        }
        // The algorithm of the key, whatever the token says.
        let mut validation = Validation::new(key.algorithm.for_checks());
        validation.leeway = 0;
        validation.validate_aud = false;
        validation.validate_exp = !expect.even_expired;
        validation.set_issuer(&[expect.issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "sub", "aud"]);
        let read = jsonwebtoken::decode::<T>(token, &key.checks, &validation).ok()?;
        Some(read.claims)
    }
}

/// Bytes. Ours are much shorter; longer ones are refused unread (JW-07).
const MAX_TOKEN: usize = 8192;

/// What a token must be to count.
#[derive(Clone, Copy)]
pub struct Expect<'a> {
    /// Its kind.
    pub typ: &'a str,
    pub issuer: &'a str,
    /// Whether one that is over will do.
    pub even_expired: bool,
}

/// The complete header of a token.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Jose {
    typ: String,
    alg: String,
    kid: String,
}

#[derive(Serialize)]
struct Header<'a> {
    typ: &'a str,
    alg: &'a str,
    kid: &'a str,
}

fn has_spare(known: &KeySet, algorithm: Algorithm, now: i64) -> bool {
    let mut of_it = known.keys.iter().filter(|key| key.algorithm == algorithm);
    of_it.any(|key| key.signs_from > now && key.pair.is_some())
}

async fn insert(
    tx: &mut Tx,
    keys: &Keys,
    fresh: &Fresh,
    now: i64,
    signs_from: i64,
) -> Result<(), Fault> {
    let sealed = keys.seal(Sealed::SigningKey(&fresh.kid), &fresh.private)?;
    let row = sql::KeyRow {
        id: fresh.kid.clone(),
        algorithm: fresh.algorithm.word().to_owned(),
        sealed,
        public: fresh.public.clone(),
        made_at: now,
        signs_from,
    };
    sql::insert(tx, &row).await
}

impl sql::KeyRow {
    /// `None`: of a kind that this version doesn't know.
    fn read(&self, keys: &Keys) -> Option<SigningKey> {
        let algorithm = Algorithm::of_word(&self.algorithm)?;
        let jwk: Jwk = serde_json::from_str(&self.public).ok()?;
        let checks = DecodingKey::from_jwk(&jwk).ok()?;
        let opened = keys.open_any(Sealed::SigningKey(&self.id), &self.sealed);
        let pair = opened.and_then(|opened| {
            let der = Zeroizing::new(STANDARD.decode(&*opened.text).ok()?);
            Pair::read(algorithm, &der).ok()
        });
        let (made_at, signs_from) = (self.made_at, self.signs_from);
        Some(SigningKey { kid: self.id.clone(), algorithm, made_at, signs_from, jwk, checks, pair })
    }
}

/// Seals anew what was sealed with the previous secret. Returns how many keys no secret opens.
pub(crate) async fn keep_readable(store: &Store, keys: &Keys) -> Result<usize, Fault> {
    let mut unreadable = 0;
    for row in sql::all(&mut store.read().await?).await? {
        match keys.open_any(Sealed::SigningKey(&row.id), &row.sealed) {
            Some(Opened { by_current: false, text }) => {
                let sealed = keys.seal(Sealed::SigningKey(&row.id), &text)?;
                sql::reseal(store, &row.id, &row.sealed, &sealed).await?;
            }
            Some(_) => {}
            None => unreadable += 1,
        }
    }
    Ok(unreadable)
}

impl SigningKey {
    /// Whether this server can sign with it.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        self.pair.is_some()
    }
}
