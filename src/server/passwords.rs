//! Argon2id: the hashing of passwords, on threads of its own, in bounded time and memory.
//!
//! There is one thread per core, at most eight, and each keeps one block of memory as long as there
//! is work, so the memory this takes is bounded: 8 × 19 MiB, and 256 MiB for one hash that came from
//! another program while it is verified. The threads have a lower priority than
//! those that answer requests: whoever reads a profile hardly notices that others sign in.
//! Whoever comes while all are busy waits in a queue, and whoever finds the queue full is told so at
//! once (DS-01). While many wait, results are handed out several at a time: whoever gets one takes a
//! core and its cache from the threads, and that is cheaper once for several (BENCHMARKS.md).
//! A hash that has begun goes to its end even if nobody waits for it any more, so
//! whoever hangs up early makes no room; one that nobody waits for any more is not begun.
//!
//! The PHC strings are put together here, because the `PasswordHasher` of argon2 cannot be given
//! memory to use.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use argon2::{
    Algorithm, Argon2, Block, Params, PasswordHash, Version,
    password_hash::phc::{Ident, Output, ParamsString, Salt},
};
use tokio::sync::{mpsc, oneshot};
use zeroize::Zeroizing;

mod imported;

use imported::{Imported, StoredHash};

use super::error::{Error, Fault, Refusal, Result};
use crate::domain::Password;

/// OWASP's first choice of parameters (Password Storage Cheat Sheet; PW-06): 19 MiB, two passes,
/// one lane. An account with other parameters gets these at its next sign-in.
const PARAMS: Params = Params::DEFAULT;

/// How many may wait for each core. A core does about fifty hashes a second, so the last in the
/// queue waits some two seconds.
const QUEUE_PER_CORE: usize = 100;

/// Whoever has waited for longer is told to come again: hashes of other programs may be slow.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// A result that is held back for longer is handed out after the next hash: some hashes' time, and
/// little beside the wait in the queue.
const MAX_HELD: Duration = Duration::from_millis(75);

/// How much the threads step back behind the others (nice(2)). By the kernel's weights, with 10 they
/// get a tenth of a core while requests want all of it, and what those leave in any case.
const NICE: i32 = 10;

/// The most memory that a stored hash may ask for, in KiB, so that one row cannot exhaust the
/// machine.
const MAX_MEMORY: u32 = 256 * 1024;

/// The hash of no password: its output is all zeros. Verified for accounts that do not exist, so
/// that they take the time of those that do (AU-02).
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bGF0Y2hrZXkgZGVjb3kh$\
                     AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// How many hashes run at once at most, whatever the number of cores: 152 MiB.
const MAX_CORES: usize = 8;

pub struct Passwords {
    queue: mpsc::Sender<Job>,
    shared: Arc<Shared>,
}

/// What the threads have in common.
struct Shared {
    jobs: Mutex<mpsc::Receiver<Job>>,
    held: Mutex<Held>,
    /// Held by whoever makes a hash that takes more than ours.
    large: Mutex<()>,
    hashed: AtomicU64,
    cores: usize,
}

/// Results that are not handed out yet.
#[derive(Default)]
struct Held {
    results: Vec<(oneshot::Sender<Result<Answer>>, Result<Answer>)>,
    since: Option<Instant>,
}

/// A hash to be made.
struct Job {
    password: Zeroizing<Vec<u8>>,
    work: Work,
    queued: Instant,
    answer: oneshot::Sender<Result<Answer>>,
}

enum Work {
    Argon2(Argon2<'static>, Salt),
    Imported(Imported),
}

impl Work {
    /// Whether it takes more memory or time than ours.
    fn is_large(&self) -> bool {
        match self {
            Self::Argon2(argon2, _) => {
                let params = argon2.params();
                params.m_cost() > PARAMS.m_cost() || params.t_cost() > PARAMS.t_cost()
            }
            Self::Imported(_) => true,
        }
    }
}

enum Answer {
    Output(Output),
    Right(bool),
}

/// Whether a password was right, and whether its hash should be made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub right: bool,
    pub outdated: bool,
}

impl Passwords {
    /// `cores`: of this machine. The threads end when this is dropped.
    pub fn new(cores: usize) -> std::io::Result<Self> {
        let cores = cores.clamp(1, MAX_CORES);
        let (queue, jobs) = mpsc::channel(QUEUE_PER_CORE * cores);
        let shared = Arc::new(Shared {
            jobs: Mutex::new(jobs),
            held: Mutex::default(),
            large: Mutex::default(),
            hashed: AtomicU64::default(),
            cores,
        });
        for core in 0..cores {
            let (thread, shared) = (thread::Builder::new(), shared.clone());
            thread.name(format!("hash-{core}")).spawn(move || shared.work())?;
        }
        Ok(Self { queue, shared })
    }

    /// How many hashes were made.
    #[must_use]
    pub fn hashed(&self) -> u64 {
        self.shared.hashed.load(Ordering::Relaxed)
    }

    /// How many wait, and how many may.
    #[must_use]
    pub fn queue(&self) -> (usize, usize) {
        let places = self.queue.max_capacity();
        (places - self.queue.capacity(), places)
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
        let Answer::Output(output) = self.run(password, argon2(&hash)?).await? else {
            return Err(Fault::internal("Argon2 answers with a hash").into());
        };
        Ok(PasswordHash { hash: Some(output), ..hash }.to_string())
    }

    /// Compares a password with a stored hash, or with the decoy if there is none. Takes the same
    /// time and the same place in the queue either way. A hash that came from elsewhere takes its
    /// own time, until the next right sign-in.
    pub async fn verify(&self, password: &Password, stored: Option<&str>) -> Result<Verdict> {
        match StoredHash::parse(stored.unwrap_or(DECOY)).map_err(Fault::internal)? {
            StoredHash::Argon2(hash) => {
                let answer = self.run(password, argon2(&hash)?).await?;
                let params = Params::try_from(&*hash).map_err(Fault::internal)?;
                Ok(Verdict {
                    // `Output` compares in constant time.
                    right: stored.is_some()
                        && matches!(answer, Answer::Output(output) if hash.hash == Some(output)),
                    outdated: hash.algorithm.as_str() != "argon2id"
                        || (params.m_cost(), params.t_cost(), params.p_cost())
                            != (PARAMS.m_cost(), PARAMS.t_cost(), PARAMS.p_cost()),
                })
            }
            StoredHash::Imported(hash) => {
                let answer = self.run(password, Work::Imported(hash)).await?;
                Ok(Verdict { right: matches!(answer, Answer::Right(true)), outdated: true })
            }
        }
    }

    async fn run(&self, password: &Password, work: Work) -> Result<Answer> {
        let (answer, answered) = oneshot::channel();
        let password = Zeroizing::new(password.expose().to_vec());
        let job = Job { password, work, queued: Instant::now(), answer };
        self.queue.try_send(job).map_err(|_| Error::from(Refusal::Overloaded))?;
        answered.await.map_err(Fault::internal)?
    }
}

/// Whether a hash from elsewhere can be verified here. `Err`: why not.
pub fn check_stored(hash: &str) -> Result<(), &'static str> {
    StoredHash::parse(hash).map(drop)
}

/// The name of what made a stored hash.
#[must_use]
pub fn kept_as(hash: &str) -> &'static str {
    match StoredHash::parse(hash) {
        Ok(StoredHash::Argon2(hash)) if hash.algorithm.as_str() == "argon2id" => "argon2id",
        Ok(StoredHash::Argon2(_)) => "argon2",
        Ok(StoredHash::Imported(Imported::Bcrypt { .. })) => "bcrypt",
        Ok(StoredHash::Imported(Imported::Scrypt { .. })) => "scrypt",
        Ok(StoredHash::Imported(Imported::Pbkdf2 { .. })) => "pbkdf2",
        Err(_) => "unknown",
    }
}

/// The way `hash` was made.
fn argon2(hash: &PasswordHash) -> Result<Work, Fault> {
    let algorithm = Algorithm::try_from(hash.algorithm.as_str()).map_err(Fault::internal)?;
    let version = hash.version.unwrap_or(Version::V0x13.into());
    let version = Version::try_from(version).map_err(Fault::internal)?;
    let params = Params::try_from(hash).map_err(Fault::internal)?;
    let salt = hash.salt.ok_or_else(|| Fault::internal("a stored hash without a salt"))?;
    Ok(Work::Argon2(Argon2::new(algorithm, version, params), salt))
}

impl Shared {
    /// The life of a thread.
    fn work(&self) {
        // On Linux the priority is that of the thread.
        if let Err(error) = rustix::process::nice(NICE) {
            tracing::warn!(%error, "hashing cannot be given a lower priority");
        }
        let mut memory = Vec::new();
        while let Some(job) = self.next(&mut memory) {
            if job.answer.is_closed() {
                continue;
            }
            if job.queued.elapsed() > MAX_WAIT {
                _ = job.answer.send(Err(Refusal::Overloaded.into()));
                continue;
            }
            // Those of other programs can take more memory than ours: one at a time.
            let _alone = job.work.is_large().then(|| self.large.lock());
            let answer = match &job.work {
                Work::Argon2(argon2, salt) => {
                    let output = hash(argon2, salt, &job.password, &mut memory);
                    output.map(Answer::Output).map_err(Error::from)
                }
                Work::Imported(hash) => Ok(Answer::Right(hash.verify(&job.password))),
            };
            self.hashed.fetch_add(1, Ordering::Relaxed);
            self.held().hold(job.answer, answer);
        }
    }

    /// The next job. Whoever has to wait for it gives his memory back meanwhile, and nothing is held
    /// back any more.
    fn next(&self, memory: &mut Vec<Block>) -> Option<Job> {
        let mut wait = || {
            self.held().hand_out();
            *memory = Vec::new();
        };
        // One thread waits for a job, the others for their turn.
        let mut jobs = match self.jobs.try_lock() {
            Ok(jobs) => jobs,
            Err(_) => {
                wait();
                self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
            }
        };
        let Ok(job) = jobs.try_recv() else {
            wait();
            return jobs.blocking_recv();
        };
        let few_wait = jobs.len() < self.cores;
        drop(jobs);
        // Where few wait, a thread may soon have nothing to do unless somebody comes back; after a
        // large one, nobody looks here for long.
        if few_wait || job.work.is_large() || self.held().is_overdue() {
            self.held().hand_out();
        }
        Some(job)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn hold(&mut self, to: oneshot::Sender<Result<Answer>>, answer: Result<Answer>) {
        self.since.get_or_insert_with(Instant::now);
        self.results.push((to, answer));
    }

    fn is_overdue(&self) -> bool {
        self.since.is_some_and(|since| since.elapsed() > MAX_HELD)
    }

    fn hand_out(&mut self) {
        self.since = None;
        for (to, answer) in self.results.drain(..) {
            _ = to.send(answer);
        }
    }
}

fn hash(
    argon2: &Argon2<'_>,
    salt: &Salt,
    password: &[u8],
    memory: &mut Vec<Block>,
) -> Result<Output, Fault> {
    let params = argon2.params();
    let blocks = params.block_count();
    if memory.len() < blocks {
        memory.resize(blocks, Block::default());
    }
    let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
    let mut output = Zeroizing::new(vec![0; length]);
    let result =
        argon2.hash_password_into_with_memory(password, salt, &mut output, &mut memory[..blocks]);
    // One hash with a larger appetite must not keep its memory for ever.
    memory.truncate(PARAMS.block_count());
    memory.shrink_to_fit();
    result.map_err(Fault::internal)?;
    Output::new(&output).map_err(Fault::internal)
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
        let passwords = Passwords::new(1).expect("a thread");
        let first = passwords.hash(&password("correct horse")).await.expect("a hash");
        let second = passwords.hash(&password("correct horse")).await.expect("a hash");
        assert_ne!(first, second);
    }

    #[tokio::test]
    async fn nothing_matches_the_decoy() {
        let verdict = Passwords::new(1)
            .expect("a thread")
            .verify(&password("x"), None)
            .await
            .expect("a verdict");
        assert!(!verdict.right);
    }

    #[tokio::test]
    async fn the_decoy_costs_what_a_real_hash_costs() {
        let real = Passwords::new(1)
            .expect("a thread")
            .hash(&password("correct horse"))
            .await
            .expect("a hash");
        let params = |hash| Params::try_from(&PasswordHash::new(hash).expect("a PHC string"));
        assert_eq!(params(DECOY).expect("parameters"), params(&real).expect("parameters"));
    }

    #[tokio::test]
    async fn a_hash_with_other_parameters_verifies_and_is_outdated() {
        // The test vector of the Argon2 reference program: `password`, `somesalt`, t=2, m=2^8.
        let old =
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        let verdict =
            Passwords::new(1).expect("a thread").verify(&password("password"), Some(old)).await;
        assert_eq!(verdict.expect("a verdict"), Verdict { right: true, outdated: true });
    }

    #[tokio::test]
    async fn a_stored_hash_cannot_ask_for_all_the_memory() {
        let greedy = "$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        assert!(
            Passwords::new(1)
                .expect("a thread")
                .verify(&password("password"), Some(greedy))
                .await
                .is_err()
        );
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_not_begun() {
        let passwords = Passwords::new(1).expect("a thread");
        let text = password("correct horse");
        for _ in 0..20 {
            let mut verify = Box::pin(passwords.verify(&text, None));
            assert!(!poll_once(verify.as_mut()).await);
        }
        let verdict = passwords.verify(&text, None).await.expect("a verdict");
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
        let stored = passwords.hash(&right).await.expect("a hash");
        let slow = stored.replace("t=2", "t=3");
        let asked = (0..30).map(|index| {
            let stored = if index % 7 == 3 { &slow } else { &stored };
            passwords.verify(if index % 2 == 0 { &right } else { &wrong }, Some(stored))
        });
        let verdicts = futures_util::future::join_all(asked).await;
        for (index, verdict) in verdicts.into_iter().enumerate() {
            let is_right = index % 2 == 0 && index % 7 != 3;
            assert_eq!(verdict.expect("a verdict").right, is_right, "{index}");
        }
    }

    #[tokio::test]
    async fn whoever_finds_the_queue_full_is_told_at_once() {
        let passwords = Passwords::new(1).expect("a thread");
        let _all: Vec<_> =
            (0..QUEUE_PER_CORE).map(|_| passwords.queue.try_reserve().expect("a place")).collect();
        let refused = passwords.hash(&password("correct horse")).await.expect_err("no place");
        assert!(matches!(refused, Error::Refusal(Refusal::Overloaded)));
    }
}
