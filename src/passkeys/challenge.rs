//! Challenges for authenticators: made without a trace, and used once.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::CHALLENGE_TTL;
use crate::{
    challenges,
    domain::AccountId,
    keys::{Keys, Statement},
    platform::{error::Fault, random},
    sessions::tokens::CLOCK_SKEW,
    store::db::Tx,
};

/// The purpose of a challenge, which works for no other.
#[derive(Clone, Copy, Debug)]
pub enum Ceremony<'a> {
    SignIn,
    /// Adding a passkey to an account, in the session of this family.
    Adding(AccountId, &'a str),
}

const RANDOM: usize = 16;
const TIME: usize = 8;

impl Ceremony<'_> {
    fn text(self) -> String {
        match self {
            Self::SignIn => "sign-in".to_owned(),
            Self::Adding(account, family) => format!("adding to {} in {family}", account.0),
        }
    }

    /// A new challenge, in base64url.
    pub fn challenge(self, keys: &Keys, now: i64) -> Result<String, Fault> {
        let random: [u8; RANDOM] = random::bytes()?;
        let head = [&random[..], &(now + CHALLENGE_TTL).to_be_bytes()].concat();
        let text = URL_SAFE_NO_PAD.encode(&head);
        let tag = keys.tag(Statement::PasskeyChallenge(&self.text(), &text));
        let tag = URL_SAFE_NO_PAD.decode(tag).map_err(Fault::internal)?;
        Ok(URL_SAFE_NO_PAD.encode([head, tag].concat()))
    }

    /// Whether this server made a challenge for this ceremony lately.
    #[must_use]
    pub fn made(self, keys: &Keys, challenge: &str, now: i64) -> bool {
        let Ok(bytes) = URL_SAFE_NO_PAD.decode(challenge) else { return false };
        let Some((head, tag)) = bytes.split_at_checked(RANDOM + TIME) else { return false };
        let until = head.last_chunk::<TIME>().map(|bytes| i64::from_be_bytes(*bytes));
        let (text, tag) = (URL_SAFE_NO_PAD.encode(head), URL_SAFE_NO_PAD.encode(tag));
        let is_now = until
            .is_some_and(|until| (now + 1..=now + CHALLENGE_TTL + CLOCK_SKEW).contains(&until));
        is_now && keys.fits(Statement::PasskeyChallenge(&self.text(), &text), &tag)
    }
}

/// Uses up a challenge that this server made. `false`: it has been used.
pub(crate) async fn spend(
    tx: &mut Tx,
    challenge: &str,
    account: AccountId,
    now: i64,
) -> Result<bool, Fault> {
    // Longer than any node takes it for valid.
    let until = now + CHALLENGE_TTL + 2 * CLOCK_SKEW;
    challenges::spend(tx, challenge, account, until, now).await
}
