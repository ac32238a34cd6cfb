//! How a user proved who they are: by a first factor, perhaps with a second one.

/// A proof of identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProvedBy {
    pub first: First,
    pub second: Option<Second>,
}

/// A first factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    Password,
    /// A code that was sent by mail.
    EmailCode,
    /// With its user verified: both factors at once.
    Passkey(KeyStorage),
    /// Another provider vouches for the user.
    Identity {
        /// By a second factor that the operator takes for enough.
        strong: bool,
    },
}

/// A second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Second {
    Totp,
    RecoveryCode,
    Passkey(KeyStorage),
    /// None was asked for, because the device is trusted.
    TrustedDevice,
}

/// The place of a passkey's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStorage {
    /// In one authenticator.
    Device,
    /// In several, synchronised.
    Synced,
}

impl KeyStorage {
    #[must_use]
    pub fn of(backup_eligible: bool) -> Self {
        if backup_eligible { Self::Synced } else { Self::Device }
    }

    /// RFC 8176, section 2.
    fn amr(self) -> &'static str {
        match self {
            Self::Device => "hwk",
            Self::Synced => "swk",
        }
    }
}

const KEYS: [KeyStorage; 2] = [KeyStorage::Device, KeyStorage::Synced];

impl First {
    /// As shown to programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::EmailCode => "email-code",
            Self::Passkey(_) => "passkey",
            Self::Identity { strong: false } => "identity",
            Self::Identity { strong: true } => "identity-mfa",
        }
    }
}

impl ProvedBy {
    #[must_use]
    pub fn of(first: First) -> Self {
        Self { first, second: None }
    }

    /// With a second factor.
    #[must_use]
    pub fn and(self, second: Second) -> Self {
        Self { second: Some(second), ..self }
    }

    /// Whether a second factor was shown, now or when this device was trusted.
    #[must_use]
    pub fn has_second_factor(&self) -> bool {
        self.is_strong() || self.second.is_some()
    }

    /// Whether it was two factors.
    #[must_use]
    pub fn is_strong(self) -> bool {
        matches!(self.first, First::Passkey(_) | First::Identity { strong: true })
            || self.second.is_some_and(|second| second != Second::TrustedDevice)
    }

    /// Authentication method references (RFC 8176).
    #[must_use]
    pub fn amr(self) -> Vec<&'static str> {
        let first = match self.first {
            First::Password => "pwd",
            First::EmailCode => "otp",
            First::Passkey(storage) => storage.amr(),
            // RFC 8176 names nothing for it; others write it so.
            First::Identity { .. } => "fed",
        };
        let second = self.second.and_then(|second| match second {
            Second::Totp | Second::RecoveryCode => Some("otp"),
            Second::Passkey(storage) => Some(storage.amr()),
            Second::TrustedDevice => None,
        });
        let mfa = self.is_strong().then_some("mfa");
        let second = second.filter(|second| *second != first);
        [Some(first), second, mfa].into_iter().flatten().collect()
    }

    /// Authentication context class: the assurance level of NIST SP 800-63B.
    #[must_use]
    pub fn acr(self) -> &'static str {
        if self.is_strong() { "aal2" } else { "aal1" }
    }

    /// As stored.
    #[must_use]
    pub fn word(self) -> String {
        let key = |storage: KeyStorage| match storage {
            KeyStorage::Device => "passkey",
            KeyStorage::Synced => "synced-passkey",
        };
        let first = match self.first {
            First::Passkey(storage) => key(storage),
            first => first.word(),
        };
        let second = match self.second {
            None => return first.to_owned(),
            Some(Second::Totp) => "totp",
            Some(Second::RecoveryCode) => "recovery-code",
            Some(Second::Passkey(storage)) => key(storage),
            Some(Second::TrustedDevice) => "trusted-device",
        };
        format!("{first}+{second}")
    }

    /// `None`: one that this version does not know. A newer node may have written it.
    #[must_use]
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Self::all().find(|known| known.word() == word)
    }

    fn all() -> impl Iterator<Item = Self> {
        let firsts = [First::Password, First::EmailCode].into_iter();
        let identities = [false, true].map(|strong| First::Identity { strong });
        firsts.chain(KEYS.map(First::Passkey)).chain(identities).flat_map(|first| {
            let seconds = [Second::Totp, Second::RecoveryCode, Second::TrustedDevice].into_iter();
            let seconds = seconds.chain(KEYS.map(Second::Passkey)).map(Some);
            seconds.chain([None]).map(move |second| Self { first, second })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_proof_reads_back_as_itself() {
        for proof in ProvedBy::all() {
            assert_eq!(ProvedBy::of_word(&proof.word()), Some(proof));
        }
        assert_eq!(ProvedBy::of_word("password+magic"), None);
    }

    #[test]
    fn amr_says_truly_what_was_shown() {
        let password = ProvedBy::of(First::Password);
        assert_eq!((password.amr(), password.acr()), (vec!["pwd"], "aal1"));
        let totp = password.and(Second::Totp);
        assert_eq!((totp.amr(), totp.acr()), (vec!["pwd", "otp", "mfa"], "aal2"));
        let trusted = password.and(Second::TrustedDevice);
        assert_eq!((trusted.amr(), trusted.acr()), (vec!["pwd"], "aal1"));
        let synced = ProvedBy::of(First::Passkey(KeyStorage::Synced));
        assert_eq!((synced.amr(), synced.acr()), (vec!["swk", "mfa"], "aal2"));
        let both = ProvedBy::of(First::EmailCode).and(Second::RecoveryCode);
        assert_eq!(both.amr(), ["otp", "mfa"]);
    }
}
