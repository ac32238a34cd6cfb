//! The settings of accounts.

use std::{sync::LazyLock, time::Duration};

use crate::{
    domain::{ProfilePolicy, profile::FIELDS},
    platform::settings::{Known, Reader, duration, settings, switch},
};

/// The rule for who may sign up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignUpMode {
    Open,
    /// Only with an invitation.
    Invited,
    /// Nobody: only the operator and administrators make accounts.
    Closed,
}

impl SignUpMode {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "open" => Ok(Self::Open),
            "invited" => Ok(Self::Invited),
            "closed" => Ok(Self::Closed),
            _ => Err("must be open, invited or closed".to_owned()),
        }
    }
}

settings! {
    /// The settings of accounts.
    pub struct AccountSettings {
        sign_up: SignUpMode = or("SIGN_UP", "open", SignUpMode::parse),
            "who may sign up: open for everybody, invited for those with an invitation, or closed",
            "Administrators and commands make accounts in any case.";
        deletion_grace: Duration = or("DELETION_GRACE", "14d", duration),
            "how long signing in cancels the deletion of an account",
            "After that it is permanently deleted.";
    }
}

/// The settings that fields of the profile bring along.
pub(crate) fn of_profile() -> &'static [Known] {
    static KNOWN: LazyLock<Vec<Known>> = LazyLock::new(|| {
        let switches = FIELDS.into_iter().filter_map(|field| field.switch.as_ref());
        let known = switches.map(|switch| Known {
            name: switch.name,
            default: ON,
            example: ON,
            meaning: switch.meaning,
            note: "",
            is_secret: false,
        });
        known.collect()
    });
    &KNOWN
}

const ON: &str = "yes";

/// The fields that the settings leave on.
pub(crate) fn read_profile(reader: &mut Reader<'_>) -> ProfilePolicy {
    ProfilePolicy::of(|field| match &field.switch {
        Some(known) => reader.or(known.name, ON, |text| switch(text, "yes", "no")),
        None => true,
    })
}
