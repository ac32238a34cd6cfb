//! Facts shared by nodes and the operator's commands, by name.

use crate::{
    platform::error::Fault,
    store::{Store, db::sql},
};

/// A shared fact.
#[derive(Clone, Copy, Debug)]
pub enum Fact {
    /// The time, in seconds since 1970, up to which the clock is trusted: `trusted_clock.rs`.
    ClockTrustedUntil,
    /// The public address, as configured on the node that started last.
    PublicUrl,
    /// The mapping of usernames that produced the keys in the database.
    UsernameMapping,
    /// Whether every account is listed in the directory.
    Directory,
    /// How many accounts there were when they were last counted.
    Accounts,
    /// When the SQLite database was last backed up, in seconds since 1970.
    BackedUp,
}

impl Fact {
    fn name(self) -> &'static str {
        match self {
            Self::ClockTrustedUntil => "clock_trusted_until",
            Self::PublicUrl => "public_url",
            Self::UsernameMapping => "username_mapping",
            Self::Directory => "directory",
            Self::Accounts => "accounts",
            Self::BackedUp => "backed_up",
        }
    }
}

impl Store {
    pub async fn fact(&self, fact: Fact) -> Result<Option<String>, Fault> {
        let query = "SELECT value FROM facts WHERE name = $1";
        let found: Option<(String,)> =
            self.read().await?.optional(sql(query).bind(fact.name())).await?;
        Ok(found.map(|(value,)| value))
    }

    pub async fn note(&self, fact: Fact, value: &str) -> Result<(), Fault> {
        let note = "INSERT INTO facts (name, value) VALUES ($1, $2) \
                    ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        self.write().await?.execute(sql(note).bind(fact.name()).bind(value)).await?;
        Ok(())
    }
}
