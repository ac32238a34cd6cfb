//! The settings of the database.

use std::{fmt, path::PathBuf};

use super::postgres_url::PostgresUrl;
use crate::platform::settings::{number, settings};

settings! {
    /// The settings of the database.
    pub struct StoreSettings {
        database: Database = or("DATABASE_URL", "sqlite:data/latchkey.db", Database::parse),
            "where the accounts are: sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE",
            "A SQLite file is created if missing and readable by its owner alone. PostgreSQL, with \
             ?sslmode=verify-full, is for any number of nodes.";
        connections: usize = or("DATABASE_CONNECTIONS", "16", |text| number(text, 2, 1000)),
            "the most connections a node opens to PostgreSQL, 2 to 1000";
    }
}

/// Where the accounts are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    Sqlite(PathBuf),
    Postgres(PostgresUrl),
}

impl Database {
    /// `sqlite:PATH` or `postgres://…`. No error shows the text: it may contain a password.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return PostgresUrl::parse(text).map(Self::Postgres);
        }
        let path = text.strip_prefix("sqlite:").ok_or("must be sqlite:PATH or postgres://…")?;
        // `sqlite:///srv/x.db` is how some other programs write an absolute path.
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty()
            || path == ":memory:"
            || path.contains(['?', '\0'])
            || path.ends_with('/')
        {
            return Err("must be sqlite:PATH, the path of a file".into());
        }
        Ok(Self::Sqlite(path.into()))
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => write!(f, "{url}"),
        }
    }
}
