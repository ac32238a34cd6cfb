//! The settings of passwords.

use crate::{
    domain::PasswordPolicy,
    platform::settings::{number, settings},
};

settings! {
    /// The settings of passwords.
    pub struct PasswordSettings {
        policy: PasswordPolicy = or("PASSWORD_MIN_LENGTH", "8", policy),
            "the shortest password, 6 to 64 code points",
            "Where the password is the only factor, 15 is better.";
    }
}

fn policy(text: &str) -> Result<PasswordPolicy, String> {
    Ok(PasswordPolicy { min_length: number(text, 6, 64)?, service: "" })
}
