//! Argon2id: hashing passwords on dedicated threads, in bounded time and memory.
//!
//! There is one thread per core, at most eight, and each keeps one block of memory while there is
//! work, so memory is bounded: 8 × 19 MiB, and 256 MiB for all hashes of other programs that need
//! more while they are verified. The threads have a lower priority than those that answer requests:
//! sign-ins hardly slow down reading a profile. When all threads are busy, requests queue
//! (`queue.rs`); when the queue is full, a request from the largest share gets 503 at once (DS-01).
//! A hash that has begun runs to its end even if nobody is waiting any more, so hanging up early
//! makes no room; a queued hash that nobody is waiting for is never begun.
//!
//! PHC strings are assembled here, because argon2's `PasswordHasher` can't use memory that it is
//! given.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use argon2::{
    Algorithm, Argon2, Block, Params, PasswordHash as Phc, Version,
    password_hash::phc::{Ident, Output, ParamsString, Salt},
};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

mod hash;
mod imported;
pub mod pages;
mod queue;
pub mod settings;
mod sql;

use crate::{
    domain::{AccountId, Password, Profile, UsernameKey},
    platform::error::{Error, Fault, Refusal, Result},
    sessions::account,
    store::{Store, db::Tx},
};

pub use hash::PasswordHash;
pub use imported::FirebaseProject;
pub use queue::Place;
pub(crate) use sql::TABLES;

use imported::StoredHash;
use queue::{Cost, Queue};

/// OWASP's first choice of parameters (Password Storage Cheat Sheet; PW-06): 19 MiB, two passes,
/// one lane. An account with other parameters gets these at its next sign-in.
const PARAMS: Params = Params::DEFAULT;

/// Places in the queue per core. A core does about fifty hashes a second, so the last in the queue
/// waits some two seconds.
const QUEUE_PER_CORE: usize = 100;

/// The longest wait before a request is refused: hashes of other programs may be slow.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// The niceness of the hashing threads (nice(2)). By the kernel's weights, 10 leaves them a tenth
/// of a core while requests want all of it, and always whatever requests leave.
const NICE: i32 = 10;

/// The most memory, in KiB, for one stored hash and for all of them together, so that they can't
/// exhaust the machine.
const MAX_MEMORY: u32 = 256 * 1024;

/// The hash of no password: its output is all zeros. Verified for accounts that do not exist, so
/// that they take as long as those that do (AU-02).
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bGF0Y2hrZXkgZGVjb3kh$\
                     AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The most hashes at once, whatever the number of cores: 152 MiB.
const MAX_CORES: usize = 8;

pub struct Passwords {
    shared: Arc<HashPool>,
}

/// State shared by the threads.
struct HashPool {
    queue: Queue<Job>,
    hashed: AtomicU64,
}

/// A hash to compute.
struct Job {
    /// The password, in the spellings to try.
    spellings: Vec<Zeroizing<Vec<u8>>>,
    work: Work,
    queued: Instant,
    answer: oneshot::Sender<Result<Answer>>,
}

enum Work {
    Make(Salt),
    Verify(StoredHash),
}

enum Answer {
    Output(Output),
    /// The spelling that matched. `None`: no match.
    Right(Option<usize>),
}

/// Whether a password was right, and whether its hash should be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub right: bool,
    pub outdated: bool,
}

impl Passwords {
    /// `cores`: of this machine. Dropping this ends the threads.
    pub fn new(cores: usize) -> std::io::Result<Self> {
        let cores = cores.clamp(1, MAX_CORES);
        let shared = Arc::new(HashPool {
            queue: Queue::new(QUEUE_PER_CORE * cores, cores, MAX_MEMORY),
            hashed: AtomicU64::default(),
        });
        for core in 0..cores {
            let (thread, shared) = (thread::Builder::new(), shared.clone());
            thread.name(format!("hash-{core}")).spawn(move || shared.work())?;
        }
        Ok(Self { shared })
    }

    /// How many hashes were made.
    #[must_use]
    pub fn hashed(&self) -> u64 {
        self.shared.hashed.load(Ordering::Relaxed)
    }

    /// The number of waiting jobs, and the limit.
    #[must_use]
    pub fn queue(&self) -> (usize, usize) {
        (self.shared.queue.len(), self.shared.queue.places())
    }

    /// A new hash, as a PHC string, with a salt of 16 random bytes.
    pub async fn hash(&self, password: &Password, by: Place) -> Result<PasswordHash> {
        let hash = new_hash()?;
        let work = Work::Make(hash.salt.ok_or_else(no_salt)?);
        let spellings = vec![Zeroizing::new(password.expose().to_vec())];
        let Answer::Output(output) = self.run(spellings, work, Cost::default(), by).await? else {
            return Err(Fault::internal("Argon2 answers with a hash").into());
        };
        Ok(PasswordHash::of(Phc { hash: Some(output), ..hash }.to_string()))
    }

    /// Compares a password with a stored hash, or with the decoy if there is none. Takes the same
    /// time and the same place in the queue either way. An imported hash takes its own time, until
    /// the next successful sign-in.
    ///
    /// A password that is not in NFC is tried both ways: another program may have hashed the bytes
    /// as they were typed, even with our parameters. Its hash is then replaced.
    pub async fn verify(
        &self,
        password: &Password,
        stored: Option<&PasswordHash>,
        by: Place,
    ) -> Result<Verdict> {
        let text = stored.map_or(DECOY, PasswordHash::expose);
        let hash = StoredHash::parse(text).map_err(Fault::internal)?;
        let (outdated, cost) = (hash.is_outdated(), hash.cost());
        let spellings = password.spellings().map(|bytes| Zeroizing::new(bytes.to_vec())).collect();
        let answer = self.run(spellings, Work::Verify(hash), cost, by).await?;
        Ok(match answer {
            Answer::Right(Some(spelling)) if stored.is_some() => {
                Verdict { right: true, outdated: outdated || spelling > 0 }
            }
            _ => Verdict { right: false, outdated },
        })
    }

    async fn run(
        &self,
        spellings: Vec<Zeroizing<Vec<u8>>>,
        work: Work,
        cost: Cost,
        by: Place,
    ) -> Result<Answer> {
        let (answer, answered) = oneshot::channel();
        let job = Job { spellings, work, queued: Instant::now(), answer };
        if let Err(out) = self.shared.queue.push(by, cost, job) {
            _ = out.answer.send(Err(Refusal::Overloaded.into()));
        }
        answered.await.map_err(Fault::internal)?
    }
}

impl Drop for Passwords {
    fn drop(&mut self) {
        self.shared.queue.close();
    }
}

/// A PHC string without its hash, with a new salt.
fn new_hash() -> Result<Phc, Fault> {
    let mut salt = [0; Salt::RECOMMENDED_LENGTH];
    getrandom::fill(&mut salt).map_err(Fault::internal)?;
    Ok(Phc {
        algorithm: Ident::new("argon2id").map_err(Fault::internal)?,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&PARAMS).map_err(Fault::internal)?,
        salt: Some(Salt::new(&salt).map_err(Fault::internal)?),
        hash: None,
    })
}

fn no_salt() -> Fault {
    Fault::internal("a stored hash without a salt")
}

/// Prepares an imported hash for storage, or says why it can't be stored. A weak hash is wrapped:
/// what is stored is Argon2id of the old hash, so the database has no weak hashes. This takes as
/// long as a sign-in.
pub fn to_be_kept(
    hash: &str,
    firebase: Option<&FirebaseProject>,
) -> std::result::Result<PasswordHash, &'static str> {
    imported::to_be_kept(hash, firebase).map(PasswordHash::of)
}

/// An account and its password.
pub struct Holder {
    pub profile: Profile,
    /// Rises with every change of a credential.
    pub epoch: i64,
    /// `None`: it has no password.
    pub hash: Option<PasswordHash>,
    /// Or due to be deleted: nobody can sign in to it any more.
    pub disabled: bool,
}

/// The account with this name, and its password.
pub async fn holder_named(store: &Store, username: &UsernameKey) -> Result<Option<Holder>, Fault> {
    sql::named(&mut store.read().await?, username).await
}

/// An account, and its password.
pub async fn holder(store: &Store, account: AccountId) -> Result<Option<Holder>, Fault> {
    sql::of(&mut store.read().await?, account).await
}

/// The same, in a transaction.
pub(crate) async fn holder_in(tx: &mut Tx, account: AccountId) -> Result<Option<Holder>, Fault> {
    sql::of(tx, account).await
}

/// The hashes of the accounts with ids greater than `after`, up to `last`, for an export.
pub(crate) async fn hashes_between(
    store: &Store,
    after: i64,
    last: i64,
) -> Result<HashMap<AccountId, PasswordHash>, Fault> {
    sql::between(&mut store.read().await?, after, last).await
}

/// Gives a new account its password.
pub(crate) async fn give(
    tx: &mut Tx,
    account: AccountId,
    hash: &PasswordHash,
) -> Result<(), Fault> {
    sql::insert(tx, account, hash).await
}

/// Changes the password of an account, and returns the new epoch.
pub(crate) async fn change(
    tx: &mut Tx,
    account: AccountId,
    hash: &PasswordHash,
) -> Result<i64, Fault> {
    sql::insert(tx, account, hash).await?;
    account::raise_epoch(tx, account).await
}

/// Takes the password of an account away, and returns the new epoch.
pub(crate) async fn remove(tx: &mut Tx, account: AccountId) -> Result<i64, Fault> {
    sql::delete(tx, account).await?;
    account::raise_epoch(tx, account).await
}

/// Replaces `old` with a stronger hash of the same password, unless the password was changed in the
/// meantime.
pub(crate) async fn strengthen(
    store: &Store,
    account: AccountId,
    old: &PasswordHash,
    new: &PasswordHash,
) -> Result<bool, Fault> {
    sql::replace(store, account, old, new).await
}

impl HashPool {
    /// The main loop of a thread.
    fn work(&self) {
        // On Linux this sets the priority of the calling thread.
        if let Err(error) = rustix::process::nice(NICE) {
            tracing::warn!(%error, "hashing cannot be given a lower priority");
        }
        let mut memory = Vec::new();
        while let Some(next) = self.queue.next() {
            let answer = self.attend(&next.job, &mut memory);
            let job = next.end(&self.queue);
            if let Some(answer) = answer {
                _ = job.answer.send(answer);
            }
            if self.queue.len() == 0 {
                memory = Vec::new();
            }
        }
    }

    /// `None`: nobody is waiting for it any more.
    fn attend(&self, job: &Job, memory: &mut Vec<Block>) -> Option<Result<Answer>> {
        if job.answer.is_closed() {
            return None;
        }
        if job.queued.elapsed() > MAX_WAIT {
            return Some(Err(Refusal::Overloaded.into()));
        }
        let answer = match &job.work {
            Work::Make(salt) => {
                let password = job.spellings.first().map_or(&[][..], |bytes| bytes);
                hash(salt, password, memory).map(Answer::Output).map_err(Error::from)
            }
            Work::Verify(stored) => {
                let right =
                    job.spellings.iter().position(|password| stored.verify(password, memory));
                Ok(Answer::Right(right))
            }
        };
        self.hashed.fetch_add(1, Ordering::Relaxed);
        Some(answer)
    }
}

/// Argon2id, with our parameters.
fn hash(salt: &Salt, password: &[u8], memory: &mut Vec<Block>) -> Result<Output, Fault> {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, PARAMS);
    let digest = imported::argon2(&argon2, password, salt, Params::DEFAULT_OUTPUT_LEN, memory);
    let digest = digest.ok_or_else(|| Fault::internal("Argon2 has made no hash"))?;
    Output::new(&digest).map_err(Fault::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::parse(text).expect("a password")
    }

    #[tokio::test]
    async fn a_password_verifies_against_its_own_hash_and_no_other_does() {
        let passwords = Passwords::new(1).expect("a thread");
        let hash =
            passwords.hash(&password("correct horse"), Place::default()).await.expect("a hash");
        assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        for (typed, right) in [
            ("correct horse", true),
            ("Correct horse", false),
            ("correct horse ", false),
            ("correct horse\0", false),
            ("correct hors", false),
        ] {
            let verdict = passwords
                .verify(&password(typed), Some(&hash), Place::default())
                .await
                .expect("a verdict");
            assert_eq!(verdict, Verdict { right, outdated: false }, "{typed:?}");
        }
    }

    #[tokio::test]
    async fn two_hashes_of_one_password_differ() {
        let passwords = Passwords::new(1).expect("a thread");
        let first =
            passwords.hash(&password("correct horse"), Place::default()).await.expect("a hash");
        let second =
            passwords.hash(&password("correct horse"), Place::default()).await.expect("a hash");
        assert!(first != second);
    }

    #[tokio::test]
    async fn nothing_matches_the_decoy() {
        let verdict = Passwords::new(1)
            .expect("a thread")
            .verify(&password("x"), None, Place::default())
            .await
            .expect("a verdict");
        assert!(!verdict.right);
    }

    #[tokio::test]
    async fn the_decoy_costs_what_a_real_hash_costs() {
        let real = Passwords::new(1)
            .expect("a thread")
            .hash(&password("correct horse"), Place::default())
            .await
            .expect("a hash");
        let params = |hash| Params::try_from(&Phc::new(hash).expect("a PHC string"));
        assert_eq!(params(DECOY).expect("parameters"), params(real.expose()).expect("parameters"));
    }

    #[tokio::test]
    async fn a_hash_with_other_parameters_verifies_and_is_outdated() {
        // The test vector of the Argon2 reference program: `password`, `somesalt`, t=2, m=2^8.
        let old =
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        let verdict = Passwords::new(1)
            .expect("a thread")
            .verify(
                &password("password"),
                Some(&PasswordHash::of(old.to_owned())),
                Place::default(),
            )
            .await;
        assert_eq!(verdict.expect("a verdict"), Verdict { right: true, outdated: true });
    }

    #[tokio::test]
    async fn a_stored_hash_cannot_ask_for_all_the_memory() {
        let greedy = "$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        assert!(
            Passwords::new(1)
                .expect("a thread")
                .verify(
                    &password("password"),
                    Some(&PasswordHash::of(greedy.to_owned())),
                    Place::default()
                )
                .await
                .is_err()
        );
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_not_begun() {
        let passwords = Passwords::new(1).expect("a thread");
        let text = password("correct horse");
        for _ in 0..20 {
            let mut verify = Box::pin(passwords.verify(&text, None, Place::default()));
            assert!(!poll_once(verify.as_mut()).await);
        }
        let verdict = passwords.verify(&text, None, Place::default()).await.expect("a verdict");
        assert!(!verdict.right);
        assert!(passwords.hashed() < 10);
        assert_eq!(passwords.queue().0, 0, "nobody waits");
    }

    async fn poll_once<F: Future + Unpin>(mut future: F) -> bool {
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(std::pin::Pin::new(&mut future).poll(context).is_ready())
        })
        .await
    }

    #[tokio::test]
    async fn everybody_of_many_gets_an_answer_also_beside_hashes_that_take_longer() {
        let passwords = Passwords::new(1).expect("a thread");
        let (right, wrong) = (password("correct horse"), password("x"));
        let stored = passwords.hash(&right, Place::default()).await.expect("a hash");
        let slow = PasswordHash::of(stored.expose().replace("t=2", "t=3"));
        let asked = (0..30).map(|index| {
            let stored = if index % 7 == 3 { &slow } else { &stored };
            let password = if index % 2 == 0 { &right } else { &wrong };
            passwords.verify(password, Some(stored), Place::default())
        });
        let verdicts = futures_util::future::join_all(asked).await;
        for (index, verdict) in verdicts.into_iter().enumerate() {
            let is_right = index % 2 == 0 && index % 7 != 3;
            assert_eq!(verdict.expect("a verdict").right, is_right, "{index}");
        }
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_whoever_has_most_in_it() {
        let passwords = Passwords::new(1).expect("a thread");
        let text = password("correct horse");
        let mut waiting: Vec<_> = (0..=QUEUE_PER_CORE + 1)
            .map(|_| Box::pin(passwords.verify(&text, None, Place::default())))
            .collect();
        let mut refused = 0;
        for verify in &mut waiting {
            refused += usize::from(poll_once(verify.as_mut()).await);
        }
        assert!(refused >= 1, "all are of one place, and there is one too many");
    }
}
