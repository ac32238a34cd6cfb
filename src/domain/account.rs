//! The account: its number, and the fields of a new one.

use crate::domain::{Email, Password, ProfileValues, Username};

/// The number of an account: positive and below 2^53, so that every JSON reader keeps it exact.
///
/// Random, so that it reveals neither how many accounts there are nor when one was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AccountId(pub i64);

/// A requested account, with every field within its rule.
#[derive(Debug)]
pub struct NewAccount {
    pub username: Username,
    /// `None`: it is opened by something else.
    pub password: Option<Password>,
    /// Not verified yet.
    pub email: Option<Email>,
    pub values: ProfileValues,
    /// The token of an invitation.
    pub invitation: Option<String>,
}
