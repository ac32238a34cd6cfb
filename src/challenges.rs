//! Challenges: the first step of a sign-in that waits for the second one, and the challenges of
//! passkeys that were used.
//!
//! The browser or the program that began holds a token of 256 random bits; only its hash is stored.
//! The second step works only with that token (RE-01), a few times, and for a few minutes. A
//! challenge is made for every name, whether somebody has it or not, so that nobody learns which.

mod sql;

use crate::{
    audit::sha256,
    domain::AccountId,
    keys::{Keys, Sealed, Statement},
    platform::{error::Fault, random},
    store::{Store, db::Tx},
};

pub(crate) use sql::{TABLES, forget, spend};

/// How many codes may be tried on a challenge.
pub const MAX_TRIES: i64 = 5;

/// How long a used challenge is remembered, in seconds, in case the same form is sent twice.
pub(crate) const SAME_CHALLENGE: i64 = 60;

/// The second step that a challenge waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A code that was sent by mail.
    EmailCode,
    /// The second factor, after the first one was right.
    SecondFactor,
    /// The challenge of a passkey: these are written when they are used.
    Passkey,
    /// A device that its owner lets in, until it comes.
    Device,
}

impl Purpose {
    fn word(self) -> &'static str {
        match self {
            Self::EmailCode => "email-code",
            Self::SecondFactor => "second-factor",
            Self::Passkey => "passkey",
            Self::Device => "device",
        }
    }
}

/// The parts of a new challenge.
pub(crate) struct NewChallenge<'a> {
    pub(crate) purpose: Purpose,
    /// The account and its epoch. `None`: nobody can answer it.
    pub(crate) account: Option<(AccountId, i64)>,
    /// As typed, in the form that tries are counted by.
    pub(crate) name: &'a str,
    /// The code that answers it. Empty: something else does.
    pub(crate) code: &'a str,
    /// For the second step.
    pub(crate) state: &'a str,
    pub(crate) expires_at: i64,
}

/// A challenge that waits, or was answered a moment ago.
pub struct Challenge {
    pub account: Option<AccountId>,
    /// The account's, when the challenge was made.
    pub epoch: i64,
    pub name: String,
    pub state: String,
    pub used: bool,
    /// How many codes were tried.
    pub tries: i64,
    token: String,
    code: String,
}

impl Challenge {
    /// Whether this is its code. Compares in constant time. Take a try first.
    #[must_use]
    pub fn fits(&self, keys: &Keys, code: &str) -> bool {
        keys.fits(Statement::CodeOf(&self.token, code), &self.code)
    }
}

/// Makes a challenge, and returns its token. This is the only time that it is available.
pub(crate) async fn make(
    tx: &mut Tx,
    keys: &Keys,
    new: &NewChallenge<'_>,
) -> Result<String, Fault> {
    let token = random::token()?;
    let hash = sha256(&token);
    let name = keys.seal(Sealed::ChallengeName(&hash), new.name)?;
    let code = keys.tag(Statement::CodeOf(&token, new.code));
    sql::insert(tx, &hash, new, &name, &code).await?;
    Ok(token)
}

/// A challenge that waits, or was answered a moment ago.
pub(crate) async fn find(
    store: &Store,
    keys: &Keys,
    purpose: Purpose,
    token: &str,
    now: i64,
) -> Result<Option<Challenge>, Fault> {
    let hash = sha256(token);
    let row = sql::find(&mut store.read().await?, &hash, purpose, now).await?;
    let challenge = |row: sql::ChallengeRow| {
        let name = keys.open(Sealed::ChallengeName(&hash), &row.name)?.to_string();
        Some(Challenge {
            account: row.account_id.map(AccountId),
            epoch: row.epoch,
            name,
            state: row.state,
            used: row.used_at.is_some(),
            tries: row.tries,
            token: token.to_owned(),
            code: row.code,
        })
    };
    Ok(row.and_then(challenge))
}

/// Takes one of its tries, before the code is compared. `false`: none is left.
pub(crate) async fn take_try(store: &Store, token: &str) -> Result<bool, Fault> {
    sql::take_try(&mut store.write().await?, &sha256(token)).await
}

/// Uses up a challenge. `false`: it is no longer valid.
pub(crate) async fn use_up(tx: &mut Tx, token: &str, now: i64) -> Result<bool, Fault> {
    sql::use_up(tx, &sha256(token), now).await
}

/// Voids the challenges of an account, except those that were just answered.
pub(crate) async fn void(tx: &mut Tx, account: AccountId) -> Result<(), Fault> {
    sql::void(tx, account).await
}
