//! Stored password hashes: our own, and those of other programs (PW-07).
//!
//! Hashes of other programs are only ever verified: at the next successful sign-in the account gets
//! one of ours. Each is parsed, and its cost bounded, before it gets into the database. A weak one
//! is then wrapped: what is stored is Argon2id of the old digest, so a thief of the database finds
//! no hash that is quick to try.
//!
//! `spellings.rs` reads the texts, `recipe.rs` makes the digests.

use argon2::Block;
use aws_lc_rs::constant_time;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

mod firebase;
mod recipe;
mod spellings;

pub(super) use crate::passwords::imported::recipe::argon2_digest as argon2;
use crate::passwords::{
    PARAMS,
    imported::recipe::{Before, Recipe},
    queue::Cost,
};
pub use firebase::FirebaseProject;

/// Longer than any known hash.
const MAX_LENGTH: usize = 2048;

/// The highest cost of a hash, in multiples of ours: one core for a second or two.
const MAX_TIME: f64 = 70.0;

/// No stored digest has fewer bytes.
const MIN_DIGEST: usize = 16;

/// From this cost on, a hash must not take all threads.
const SLOW: f64 = 15.0;

/// Seconds, roughly.
const OURS_TAKES: f64 = 0.015;

/// The prefix of our own format.
const OURS: &str = "latchkey:";

/// A hash that can be verified, whatever its format.
pub(super) enum StoredHash {
    Plain(Kept),
    /// The digest is hashed again.
    Wrapped(Wrapped),
}

/// The digest of a password, and how it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    before: Before,
    recipe: Recipe,
    digest: Vec<u8>,
}

/// A digest that is stored only as its Argon2id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Wrapped {
    before: Before,
    inner: Recipe,
    outer: Recipe,
    digest: Vec<u8>,
}

impl StoredHash {
    /// Parses a stored hash. No error shows it.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > MAX_LENGTH {
            return Err("is too long for a hash");
        }
        let Some(ours) = text.strip_prefix(OURS) else {
            return bounded(spellings::read(text)?).map(Self::Plain);
        };
        const NONE: &str = "is no hash that Latchkey has kept";
        let (kind, data) = ours.split_once(':').ok_or(NONE)?;
        let data = URL_SAFE_NO_PAD.decode(data).map_err(|_| NONE)?;
        match kind {
            "kept" => {
                let kept: Kept = serde_json::from_slice(&data).map_err(|_| NONE)?;
                if kept.digest.len() < MIN_DIGEST {
                    return Err(NONE);
                }
                bounded(kept).map(Self::Plain)
            }
            "wrapped" => {
                let wrapped: Wrapped = serde_json::from_slice(&data).map_err(|_| NONE)?;
                let Wrapped { inner, outer, .. } = &wrapped;
                if wrapped.time() > MAX_TIME || too_large(inner) || too_large(outer) {
                    return Err(TOO_COSTLY);
                }
                if !matches!(outer, Recipe::Argon2 { .. })
                    || outer.is_weak()
                    || wrapped.digest.len() < MIN_DIGEST
                {
                    return Err(NONE);
                }
                Ok(Self::Wrapped(wrapped))
            }
            _ => Err(NONE),
        }
    }

    /// Whether it is the hash of this password. Takes what the hash costs.
    pub(super) fn verify(&self, password: &[u8], memory: &mut Vec<Block>) -> bool {
        let (before, recipe, outer, expected) = match self {
            Self::Plain(Kept { before, recipe, digest }) => (before, recipe, None, digest),
            Self::Wrapped(Wrapped { before, inner, outer, digest }) => {
                (before, inner, Some(outer), digest)
            }
        };
        before.candidates(password).iter().any(|candidate| {
            let digest = recipe.digest(candidate, memory);
            let digest = match outer {
                Some(outer) => digest.and_then(|digest| outer.digest(&digest, memory)),
                None => digest,
            };
            digest.is_some_and(|digest| {
                constant_time::verify_slices_are_equal(&digest, expected).is_ok()
            })
        })
    }

    /// Whether it should be replaced.
    pub(super) fn is_outdated(&self) -> bool {
        match self {
            Self::Plain(Kept { before: Before::Nothing, recipe, .. }) => !is_ours(recipe),
            _ => true,
        }
    }

    /// The cost beyond that of our own hash.
    pub(super) fn cost(&self) -> Cost {
        let (time, memory) = match self {
            Self::Plain(kept) => (kept.time(), kept.recipe.memory()),
            Self::Wrapped(wrapped) => {
                (wrapped.time(), wrapped.inner.memory().max(wrapped.outer.memory()))
            }
        };
        let memory = u32::try_from(memory.div_ceil(1024)).unwrap_or(u32::MAX);
        let memory = if memory > PARAMS.m_cost() { memory } else { 0 };
        let longer = std::time::Duration::from_secs_f64((time - 1.0).max(0.0) * OURS_TAKES);
        Cost { is_slow: time > SLOW, longer, memory }
    }

    /// The name of the algorithm.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Plain(Kept { recipe, .. }) => recipe.kind(),
            Self::Wrapped(_) => "argon2id",
        }
    }
}

impl Kept {
    /// In multiples of our own hash, for all forms of a wrong password.
    fn time(&self) -> f64 {
        self.recipe.time() * self.before.most()
    }
}

impl Wrapped {
    fn time(&self) -> f64 {
        (self.inner.time() + self.outer.time()) * self.before.most()
    }
}

/// Whether the parameters are our own.
fn is_ours(recipe: &Recipe) -> bool {
    matches!(recipe, Recipe::Argon2 { kind: 2, version: 0x13, memory, passes, lanes, .. }
        if (*memory, *passes, *lanes) == (PARAMS.m_cost(), PARAMS.t_cost(), PARAMS.p_cost()))
}

const TOO_COSTLY: &str = "costs more than we are ready to spend on a sign-in";

fn bounded(kept: Kept) -> Result<Kept, &'static str> {
    if kept.time() > MAX_TIME || too_large(&kept.recipe) {
        return Err(TOO_COSTLY);
    }
    Ok(kept)
}

fn too_large(recipe: &Recipe) -> bool {
    recipe.memory() > u64::from(recipe::MAX_MEMORY) * 1024
}

/// An imported hash, ready for storage.
pub(super) fn to_be_kept(
    text: &str,
    project: Option<&FirebaseProject>,
) -> Result<String, &'static str> {
    if text.starts_with(OURS) {
        // From our own export.
        return StoredHash::parse(text).map(|_| text.to_owned());
    }
    if let Some(password) = text.strip_prefix("{noop}") {
        // Spring's marker for a password that is not hashed at all. It is now.
        let (outer, digest) = ours(password.as_bytes())?;
        return write("kept", &Kept { before: Before::Nothing, recipe: outer, digest });
    }
    let (kept, as_it_is) = match firebase::read(text, project)? {
        Some(kept) => (bounded(kept)?, false),
        None => match StoredHash::parse(text)? {
            StoredHash::Plain(kept) => (kept, true),
            StoredHash::Wrapped(_) => return Ok(text.to_owned()),
        },
    };
    if kept.recipe.is_weak() {
        let (outer, digest) = ours(&kept.digest)?;
        let wrapped = Wrapped { before: kept.before, inner: kept.recipe, outer, digest };
        return write("wrapped", &wrapped);
    }
    if as_it_is { Ok(text.to_owned()) } else { write("kept", &kept) }
}

fn write(kind: &str, what: &impl Serialize) -> Result<String, &'static str> {
    let data = serde_json::to_vec(what).map_err(|_| "cannot be written down")?;
    Ok(format!("{OURS}{kind}:{}", URL_SAFE_NO_PAD.encode(data)))
}

/// Argon2id with our parameters and a new salt.
fn ours(bytes: &[u8]) -> Result<(Recipe, Vec<u8>), &'static str> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|_| "needs randomness, and there is none")?;
    let recipe = Recipe::Argon2 {
        kind: 2,
        version: 0x13,
        memory: PARAMS.m_cost(),
        passes: PARAMS.t_cost(),
        lanes: PARAMS.p_cost(),
        salt: salt.to_vec(),
        length: 32,
    };
    let digest = recipe.digest(bytes, &mut Vec::new()).ok_or("cannot be wrapped")?;
    Ok((recipe, digest))
}

#[cfg(test)]
mod tests;
