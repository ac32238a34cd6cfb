//! What nodes and the operator's commands know together, by name.

use crate::{
    platform::error::Fault,
    store::{Store, db::sql},
};

/// What there is to know.
#[derive(Clone, Copy, Debug)]
pub enum Fact {
    /// The time, in seconds since 1970, up to which the clock is believed: `trusted_clock.rs`.
    ClockTrustedUntil,
    /// The address that people use, as the node that started last was told it.
    PublicUrl,
    /// Which mapping of usernames the keys in the database are of.
    UsernameMapping,
}

impl Fact {
    fn name(self) -> &'static str {
        match self {
            Self::ClockTrustedUntil => "clock_trusted_until",
            Self::PublicUrl => "public_url",
            Self::UsernameMapping => "username_mapping",
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
