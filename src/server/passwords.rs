//! Argon2id: the hashing of passwords, off the async threads, in bounded time and memory.
//!
//! One hash runs per core, at most eight, each in a block of memory that is used again and again, so
//! the memory this takes is bounded: 8 × 19 MiB. Whoever comes while all are busy waits in a queue,
//! and whoever finds the queue full is told so at once (DS-01). A hash that has begun goes to its
//! end even if nobody waits for it any more, and keeps its place until then: whoever hangs up early
//! makes no room.
//!
//! The PHC strings are put together here, because the `PasswordHasher` of argon2 cannot be given
//! memory to use.

use std::sync::{Arc, Mutex, PoisonError};

use argon2::{
    Algorithm, Argon2, Block, Params, PasswordHash, Version,
    password_hash::phc::{Ident, Output, ParamsString, Salt},
};
use tokio::sync::Semaphore;

use super::error::{Error, Fault, Refusal, Result};
use crate::domain::Password;

/// OWASP's first choice of parameters (Password Storage Cheat Sheet; PW-06): 19 MiB, two passes,
/// one lane. An account with other parameters gets these at its next sign-in.
const PARAMS: Params = Params::DEFAULT;

/// How many may wait. A core does about fifty hashes a second, so on two cores the last in the
/// queue waits some three seconds.
const QUEUE: usize = 256;

/// The most memory that a stored hash may ask for, in KiB, so that one row cannot exhaust the
/// machine.
const MAX_MEMORY: u32 = 256 * 1024;

/// The hash of no password: its output is all zeros. Verified for accounts that do not exist, so
/// that they take the time of those that do (AU-02).
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bGF0Y2hrZXkgZGVjb3kh$\
                     AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// How many hashes run at once at most, whatever the number of cores: 152 MiB.
const MAX_CORES: usize = 8;

#[derive(Clone)]
pub struct Passwords(Arc<Workshop>);

struct Workshop {
    /// A permit for everybody who is being served or waits.
    queue: Arc<Semaphore>,
    /// A permit for everybody who is being served.
    cores: Arc<Semaphore>,
    /// The blocks of those cores that do nothing at the moment.
    memory: Mutex<Vec<Vec<Block>>>,
}

/// Whether a password was right, and whether its hash should be made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub right: bool,
    pub outdated: bool,
}

impl Passwords {
    /// `cores`: of this machine.
    #[must_use]
    pub fn new(cores: usize) -> Self {
        let cores = cores.min(MAX_CORES);
        Self(Arc::new(Workshop {
            queue: Arc::new(Semaphore::new(QUEUE + cores)),
            cores: Arc::new(Semaphore::new(cores)),
            memory: Mutex::new(Vec::new()),
        }))
    }

    /// A new hash, as a PHC string, with a salt of 16 random bytes.
    pub async fn hash(&self, password: &Password) -> Result<String> {
        let mut salt = [0; Salt::RECOMMENDED_LENGTH];
        getrandom::fill(&mut salt).map_err(Fault::internal)?;
        let hash = PasswordHash {
            algorithm: Ident::new("argon2id").map_err(Fault::internal)?,
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&PARAMS).map_err(Fault::internal)?,
            salt: Some(Salt::new(&salt).map_err(Fault::internal)?),
            hash: None,
        };
        let output = self.run(password, &hash).await?;
        Ok(PasswordHash { hash: Some(output), ..hash }.to_string())
    }

    /// Compares a password with a stored hash, or with the decoy if there is none. Takes the same
    /// time and the same place in the queue either way.
    pub async fn verify(&self, password: &Password, stored: Option<&str>) -> Result<Verdict> {
        let hash = PasswordHash::new(stored.unwrap_or(DECOY)).map_err(Fault::internal)?;
        let output = self.run(password, &hash).await?;
        let params = Params::try_from(&hash).map_err(Fault::internal)?;
        Ok(Verdict {
            // `Output` compares in constant time.
            right: stored.is_some() && hash.hash == Some(output),
            outdated: hash.algorithm.as_str() != "argon2id"
                || (params.m_cost(), params.t_cost(), params.p_cost())
                    != (PARAMS.m_cost(), PARAMS.t_cost(), PARAMS.p_cost()),
        })
    }

    /// Hashes `password` the way `hash` was made.
    async fn run(&self, password: &Password, hash: &PasswordHash) -> Result<Output> {
        let algorithm = Algorithm::try_from(hash.algorithm.as_str()).map_err(Fault::internal)?;
        let version = hash.version.unwrap_or(Version::V0x13.into());
        let version = Version::try_from(version).map_err(Fault::internal)?;
        let params = Params::try_from(hash).map_err(Fault::internal)?;
        let salt = hash.salt.ok_or_else(|| Fault::internal("a stored hash without a salt"))?;
        if params.m_cost() > MAX_MEMORY {
            return Err(Fault::internal("a stored hash that asks for too much memory").into());
        }

        let workshop = self.0.clone();
        let place = workshop.queue.clone().try_acquire_owned();
        let place = place.map_err(|_| Error::from(Refusal::Overloaded))?;
        let core = workshop.cores.clone().acquire_owned().await.map_err(Fault::internal)?;
        let password = zeroize::Zeroizing::new(password.expose().to_vec());
        let output = tokio::task::spawn_blocking(move || {
            let _permits = (place, core);
            let mut memory = workshop.take_memory();
            let blocks = params.block_count();
            if memory.len() < blocks {
                memory.resize(blocks, Block::default());
            }
            let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
            let mut output = zeroize::Zeroizing::new(vec![0; length]);
            let result = Argon2::new(algorithm, version, params).hash_password_into_with_memory(
                &password,
                &salt,
                &mut output,
                &mut memory[..blocks],
            );
            workshop.put_memory(memory);
            result.map_err(Fault::internal)?;
            Output::new(&output).map_err(Fault::internal)
        });
        Ok(output.await.map_err(Fault::internal)??)
    }
}

impl Workshop {
    fn take_memory(&self) -> Vec<Block> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    fn put_memory(&self, mut memory: Vec<Block>) {
        // One hash with a larger appetite must not keep its memory for ever.
        memory.truncate(PARAMS.block_count());
        memory.shrink_to_fit();
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::parse(text).expect("a password")
    }

    #[tokio::test]
    async fn a_password_verifies_against_its_own_hash_and_no_other_does() {
        let passwords = Passwords::new(1);
        let hash = passwords.hash(&password("correct horse")).await.expect("a hash");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        for (typed, right) in [
            ("correct horse", true),
            ("Correct horse", false),
            ("correct horse ", false),
            ("correct horse\0", false),
            ("correct hors", false),
        ] {
            let verdict = passwords.verify(&password(typed), Some(&hash)).await.expect("a verdict");
            assert_eq!(verdict, Verdict { right, outdated: false }, "{typed:?}");
        }
    }

    #[tokio::test]
    async fn two_hashes_of_one_password_differ() {
        let passwords = Passwords::new(1);
        let first = passwords.hash(&password("correct horse")).await.expect("a hash");
        let second = passwords.hash(&password("correct horse")).await.expect("a hash");
        assert_ne!(first, second);
    }

    #[tokio::test]
    async fn nothing_matches_the_decoy() {
        let verdict = Passwords::new(1).verify(&password("x"), None).await.expect("a verdict");
        assert!(!verdict.right);
    }

    #[tokio::test]
    async fn the_decoy_costs_what_a_real_hash_costs() {
        let real = Passwords::new(1).hash(&password("correct horse")).await.expect("a hash");
        let params = |hash| Params::try_from(&PasswordHash::new(hash).expect("a PHC string"));
        assert_eq!(params(DECOY).expect("parameters"), params(&real).expect("parameters"));
    }

    #[tokio::test]
    async fn a_hash_with_other_parameters_verifies_and_is_outdated() {
        // The test vector of the Argon2 reference program: `password`, `somesalt`, t=2, m=2^8.
        let old =
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        let verdict = Passwords::new(1).verify(&password("password"), Some(old)).await;
        assert_eq!(verdict.expect("a verdict"), Verdict { right: true, outdated: true });
    }

    #[tokio::test]
    async fn a_stored_hash_cannot_ask_for_all_the_memory() {
        let greedy = "$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        assert!(Passwords::new(1).verify(&password("password"), Some(greedy)).await.is_err());
    }

    #[tokio::test]
    async fn whoever_hangs_up_early_makes_no_room_for_more_hashes() {
        let passwords = Passwords::new(1);
        let text = password("correct horse");
        for _ in 0..20 {
            let mut verify = Box::pin(passwords.verify(&text, None));
            // Once is enough to begin, if a core is free.
            _ = poll_once(verify.as_mut()).await;
            drop(verify);
            let running = 1 - passwords.0.cores.available_permits();
            let resting = passwords.0.memory.lock().expect("the memory").len();
            assert!(running + resting <= 1, "{running} run and {resting} rest");
        }
        // The core comes back by itself, and with it the memory.
        let verdict = passwords.verify(&text, None).await.expect("a verdict");
        assert!(!verdict.right);
        assert_eq!(passwords.0.memory.lock().expect("the memory").len(), 1);
    }

    async fn poll_once<F: Future + Unpin>(mut future: F) -> bool {
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(std::pin::Pin::new(&mut future).poll(context).is_ready())
        })
        .await
    }

    #[tokio::test]
    async fn whoever_finds_the_queue_full_is_told_at_once() {
        let passwords = Passwords::new(1);
        let _all = passwords.0.queue.try_acquire_many(QUEUE as u32 + 1).expect("all places");
        let refused = passwords.hash(&password("correct horse")).await.expect_err("no place");
        assert!(matches!(refused, Error::Refusal(Refusal::Overloaded)));
    }
}
