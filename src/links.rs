//! Links that do one thing once: set a password, and in time more.
//!
//! A link holds 256 random bits and is kept as a hash. It holds for one purpose, until it expires, is
//! used, or the account's credentials change: it has the epoch at which it was made.

mod sql;

use crate::{
    audit::sha256,
    domain::AccountId,
    platform::{error::Fault, random},
    store::{Store, db::Tx},
};

pub(crate) use sql::{TABLES, forget};

/// For how long, in seconds, a link that was used is known, for the same form sent twice.
pub(crate) const SAME_LINK: i64 = 60;

/// What a link does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    SetPassword,
}

impl Purpose {
    fn word(self) -> &'static str {
        match self {
            Self::SetPassword => "set-password",
        }
    }
}

/// A link that holds, or has just been used.
pub struct Link {
    pub account: AccountId,
    pub used: bool,
}

/// Makes a link in the place of those that the account has for this purpose, and tells what it ends
/// in. That is told once.
pub(crate) async fn make(
    tx: &mut Tx,
    purpose: Purpose,
    account: AccountId,
    expires_at: i64,
) -> Result<String, Fault> {
    let link = random::token()?;
    sql::delete(tx, purpose.word(), account).await?;
    sql::insert(tx, &sha256(&link), purpose.word(), account, expires_at).await?;
    Ok(link)
}

/// A link that holds, or that was used a moment ago.
pub(crate) async fn find(
    store: &Store,
    purpose: Purpose,
    link: &str,
    now: i64,
) -> Result<Option<Link>, Fault> {
    sql::find(&mut store.read().await?, &sha256(link), purpose.word(), now).await
}

/// Uses a link up. `false`: it does not hold any more.
pub(crate) async fn use_up(
    tx: &mut Tx,
    purpose: Purpose,
    link: &str,
    now: i64,
) -> Result<bool, Fault> {
    sql::use_up(tx, &sha256(link), purpose.word(), now).await
}

/// Voids the links of an account, but for those that were just used.
pub(crate) async fn void(tx: &mut Tx, account: AccountId) -> Result<(), Fault> {
    sql::void(tx, account).await
}
