//! The settings of accounts.

use std::time::Duration;

use crate::platform::settings::{duration, settings};

settings! {
    /// The settings of accounts.
    pub struct AccountSettings {
        deletion_grace: Duration = or("DELETION_GRACE", "14d", duration),
            "how long signing in cancels the deletion of an account",
            "After that it is gone for good.";
    }
}
