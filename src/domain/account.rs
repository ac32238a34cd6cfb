//! The account itself, in the three shapes it has: asked for, kept, shown.

use crate::domain::{FullName, Password, Username};

/// The number of an account: positive and below 2^53, so that every JSON reader keeps it exact.
///
/// Drawn at random, so that it tells neither how many accounts there are nor when one was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AccountId(pub i64);

/// An account that somebody asks for: every field is within its rule.
#[derive(Debug)]
pub struct NewAccount {
    pub username: Username,
    pub password: Password,
    pub full_name: FullName,
}

/// What an account shows of itself. There is no secret in it, so it may leave the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    pub id: AccountId,
    /// As its owner typed it.
    pub username: String,
    pub full_name: String,
    /// Seconds since 1970, UTC.
    pub created_at: i64,
}
