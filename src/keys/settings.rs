//! The settings of the keys.

use crate::platform::{secret::Secret, settings::settings};

settings! {
    /// The settings of the keys.
    pub struct KeySettings {
        secret: Option<Secret> =
            secret("JWT_SECRET", "created once, beside the SQLite file", Secret::parse, ""),
            "the key of all tokens, at least 32 bytes; required with PostgreSQL",
            "Make one with `openssl rand -hex 32`.";
        previous: Option<Secret> = secret("JWT_SECRET_PREVIOUS", "none", Secret::parse, ""),
            "the key before this one: still accepted, never used to sign",
            "So changing the key signs nobody out.";
    }
}
