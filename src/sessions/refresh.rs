//! Refresh tokens: for programs that want to stay signed in (SE-05, SE-06; RFC 9700, section 4.14).
//!
//! Each is 256 random bits, stored as a hash, valid for one use, and belongs to one session. Using
//! it returns its successor. For [`GRACE`] after that, the same token returns the *same* successor
//! again, so that parallel tabs, retries and lost answers sign nobody out; later use means that the
//! token was copied, and ends the session.
//!
//! So that a successor can be returned again without being stored in the clear, it is sealed with a
//! key derived from its predecessor: the holder of that token can open it, a reader of the database
//! can't.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::{LiveRow, sql};
use crate::{
    audit::sha256,
    keys::Seal,
    platform::{error::Fault, random},
    store::{Store, db::Tx},
};

/// Seconds.
pub const GRACE: i64 = 10;

/// How long, in seconds, a used token is remembered: reusing it ends the session. Later it is like
/// any other text.
pub const REMEMBERED: i64 = 7 * 24 * 3600;

pub struct RefreshToken(Zeroizing<String>);

impl RefreshToken {
    pub fn new() -> Result<Self, Fault> {
        Ok(Self(Zeroizing::new(random::token()?)))
    }

    /// `None`: this cannot be a token.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        (bytes.len() == 32).then(|| Self(Zeroizing::new(text.to_owned())))
    }

    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The stored form. 256 random bits can't be guessed, so it needs no salt.
    #[must_use]
    pub fn hash(&self) -> String {
        sha256(&self.0)
    }

    /// The successor, to be opened with this token only.
    pub fn seal(&self, successor: &Self) -> Result<String, Fault> {
        self.key()?.seal(SUCCESSOR, &successor.0)
    }

    pub fn open(&self, sealed: &str) -> Result<Self, Fault> {
        let opened = self.key()?.open(SUCCESSOR, sealed);
        opened
            .and_then(|token| Self::parse(&token))
            .ok_or_else(|| Fault::internal("the sealed successor is not a token"))
    }

    fn key(&self) -> Result<Seal, Fault> {
        let token = hmac::Key::new(hmac::HMAC_SHA256, self.0.as_bytes());
        let mut key = Zeroizing::new([0; 32]);
        key.copy_from_slice(hmac::sign(&token, b"latchkey: the seal of the successor").as_ref());
        Seal::of(&key)
    }
}

/// The context in which a successor is sealed.
const SUCCESSOR: &str = "successor of a refresh token";

impl std::fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RefreshToken(…)")
    }
}

/// Whether a token that was used at `used_at` still returns its successor. Setting the clock back must not
/// extend the grace.
#[must_use]
pub fn in_grace(used_at: i64, now: i64) -> bool {
    (used_at - GRACE..=used_at + GRACE).contains(&now)
}

/// The outcome of using a refresh token.
pub enum Refreshed {
    /// It was unused, and its successor is now valid.
    Rotated(Box<LiveRow>),
    /// It was used a moment ago, and this is its sealed successor.
    Repeated(Box<LiveRow>, String),
    /// It was used long ago.
    Reused(Box<LiveRow>),
    /// No such token, or its session is over.
    Unknown,
}

/// The family of a refresh token's session, whether the token is used or not.
pub(crate) async fn family(store: &Store, token: &RefreshToken) -> Result<Option<String>, Fault> {
    sql::family_of_token(&mut store.read().await?, &token.hash()).await
}

/// Uses a refresh token: the first caller makes `successor` the next one. `idle_until`: how long
/// the session stays alive, unless it ends earlier. There is something to commit only if the token
/// was rotated.
pub(crate) async fn rotate(
    tx: &mut Tx,
    token: &RefreshToken,
    successor: &RefreshToken,
    idle_until: i64,
    now: i64,
) -> Result<Refreshed, Fault> {
    let (hash, sealed) = (token.hash(), token.seal(successor)?);
    // First the session and then its tokens, in the same order as ending a session.
    sql::extend_by_token(tx, &hash, now, idle_until).await?;
    let first = sql::use_token(tx, &hash, &sealed, now).await?;
    let Some(stored) = sql::token(tx, &hash, now).await? else { return Ok(Refreshed::Unknown) };
    let row = Box::new(stored.row);
    if !first {
        return Ok(match stored.sealed_successor.filter(|_| in_grace(stored.used_at, now)) {
            Some(sealed) => Refreshed::Repeated(row, sealed),
            None => Refreshed::Reused(row),
        });
    }
    sql::insert_refresh_token(tx, &successor.hash(), &row.session.id, now).await?;
    sql::forget_tokens(tx, &row.session.id).await?;
    Ok(Refreshed::Rotated(row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_successor_is_opened_by_the_token_that_sealed_it_and_by_no_other() {
        let (first, second) =
            (RefreshToken::new().expect("one"), RefreshToken::new().expect("one"));
        let sealed = first.seal(&second).expect("sealed");
        assert_eq!(first.open(&sealed).expect("opened").expose(), second.expose());
        assert!(second.open(&sealed).is_err());
        assert!(first.open("").is_err());
        assert!(!sealed.contains(second.expose()) && !sealed.contains(first.expose()));
    }

    #[test]
    fn only_what_can_be_a_token_is_read() {
        let token = RefreshToken::new().expect("one");
        assert_eq!(RefreshToken::parse(token.expose()).expect("read").hash(), token.hash());
        for text in ["", "a", &"a".repeat(42), &"a".repeat(44), &"é".repeat(43)] {
            assert!(RefreshToken::parse(text).is_none(), "{text}");
        }
        assert!(!format!("{token:?}").contains(token.expose()));
    }
}
