//! The account: its number, and what somebody who wants one brings.

use crate::domain::{Password, ProfileValues, Username};

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
    pub values: ProfileValues,
}
