//! One-time links: to set a password, to prove an address.
//!
//! A link contains 256 random bits; only their hash is stored. It is valid for one purpose, until
//! it expires, is used, or the account's credentials change: it records the epoch at which it was
//! made.

mod sql;

use crate::{
    audit::sha256,
    domain::AccountId,
    platform::{error::Fault, random},
    store::{Store, db::Tx},
};

pub(crate) use sql::{TABLES, forget};

/// How long a used link is remembered, in seconds, in case the same form is sent twice.
pub(crate) const SAME_LINK: i64 = 60;

/// The purpose of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// An operator's link to set a password.
    SetPassword,
    /// The same, for an owner who has forgotten it.
    ResetPassword,
    VerifyEmail,
    /// Removes the second factors of an account, in the second half of its life.
    ResetFactors,
}

impl Purpose {
    /// How long such a link is valid, in seconds.
    #[must_use]
    pub fn ttl(self) -> i64 {
        match self {
            Self::SetPassword | Self::VerifyEmail => 24 * 3600,
            Self::ResetPassword => 30 * 60,
            Self::ResetFactors => 48 * 3600,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::SetPassword => "set-password",
            Self::ResetPassword => "reset-password",
            Self::VerifyEmail => "verify-email",
            Self::ResetFactors => "reset-factors",
        }
    }
}

/// Whether a link may be used again within [`SAME_LINK`]: a browser may send the same form twice,
/// and has lost the first answer. A program is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    Allowed,
    Refused,
}

impl Repeat {
    /// Whether a link may be used.
    pub(crate) fn allows(self, used: bool) -> bool {
        !used || self == Self::Allowed
    }
}

/// A link that is valid, or has just been used.
pub struct Link {
    pub account: AccountId,
    pub used: bool,
    /// In seconds since 1970.
    pub expires_at: i64,
    /// The key of the address that it was sent to.
    pub sent_to: Option<String>,
}

/// Makes a link that replaces the account's others for this purpose, and returns its token. This is
/// the only time that it is available. `sent_to`: the key of the address it goes to.
pub(crate) async fn make(
    tx: &mut Tx,
    purpose: Purpose,
    account: AccountId,
    now: i64,
    sent_to: Option<&str>,
) -> Result<String, Fault> {
    let (link, expires_at) = (random::token()?, now + purpose.ttl());
    sql::delete(tx, purpose.word(), account).await?;
    sql::insert(tx, &sha256(&link), purpose.word(), account, expires_at, sent_to).await?;
    Ok(link)
}

/// When the account's unused link for a purpose expires, if it was sent to this address.
pub(crate) async fn expiry(
    tx: &mut Tx,
    purpose: Purpose,
    account: AccountId,
    sent_to: &str,
    now: i64,
) -> Result<Option<i64>, Fault> {
    sql::expiry(tx, purpose.word(), account, sent_to, now).await
}

/// A link that is valid, or was used a moment ago and may be repeated.
pub(crate) async fn find(
    store: &Store,
    purpose: Purpose,
    link: &str,
    repeat: Repeat,
    now: i64,
) -> Result<Option<Link>, Fault> {
    let found = sql::find(&mut store.read().await?, &sha256(link), purpose.word(), now).await?;
    Ok(found.filter(|link| repeat.allows(link.used)))
}

/// Uses up a link. `false`: it is no longer valid.
pub(crate) async fn use_up(
    tx: &mut Tx,
    purpose: Purpose,
    link: &str,
    now: i64,
) -> Result<bool, Fault> {
    sql::use_up(tx, &sha256(link), purpose.word(), now).await
}

/// Voids the link of an account for one purpose.
pub(crate) async fn void_one(
    tx: &mut Tx,
    purpose: Purpose,
    account: AccountId,
) -> Result<(), Fault> {
    sql::delete(tx, purpose.word(), account).await
}

/// Voids the links of an account, except those that were just used.
pub(crate) async fn void(tx: &mut Tx, account: AccountId) -> Result<(), Fault> {
    sql::void(tx, account).await
}
