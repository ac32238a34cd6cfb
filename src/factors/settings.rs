//! The settings of second factors.

use crate::platform::settings::{settings, switch};

settings! {
    /// The settings of second factors.
    pub struct FactorSettings {
        required: bool = or("SECOND_FACTOR", "optional", |text| switch(text, "required", "optional")),
            "second factors: optional, or required of everybody",
            "With required, people who have none set one up after signing in, before anything else.";
        recovery_by_mail: bool = or("RECOVERY_BY_MAIL", "no", |text| switch(text, "yes", "no")),
            "whether a link by mail can remove the second factors of an account: yes or no",
            "It takes the password or a code by mail, works only after 24 hours, and its owner is told at once.";
    }
}
