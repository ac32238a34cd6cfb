//! The hash of a password, as stored.

use std::fmt;

use zeroize::Zeroizing;

use super::imported::StoredHash;

/// A PHC string, or another program's format. It does not print itself, and no door gets one.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Zeroizing<String>);

impl PasswordHash {
    #[must_use]
    pub fn of(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// For the database and for exports only.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The name of the algorithm.
    #[must_use]
    pub fn kept_as(&self) -> &'static str {
        StoredHash::parse(&self.0).map_or("unknown", |hash| hash.kind())
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}
