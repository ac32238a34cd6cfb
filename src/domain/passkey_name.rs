//! Names of passkeys: what tells their owner one from another.

use crate::domain::{Code, FullName};

/// Code points after trimming.
const MAX_LENGTH: usize = 64;

/// A name for display, by the rule of full names, but shorter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyName(String);

impl PasskeyName {
    pub fn parse(raw: &str) -> Result<Self, Code> {
        const TOO_LONG: Code = Code::TooLong { max: MAX_LENGTH };
        let name = FullName::parse(raw).map_err(|code| match code {
            Code::TooLong { .. } => TOO_LONG,
            code => code,
        });
        let name = name?.into_text();
        if name.chars().count() > MAX_LENGTH {
            return Err(TOO_LONG);
        }
        Ok(Self(name))
    }

    /// The first name of a passkey: that of its authenticator, if it is known.
    #[must_use]
    pub fn of_provider(provider: Option<&str>) -> Self {
        Self(provider.unwrap_or("Passkey").to_owned())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_of_64_letters_at_most() {
        let name = PasskeyName::parse("  My phone ").expect("a name");
        assert_eq!(name.as_str(), "My phone");
        assert!(PasskeyName::parse(&"ä".repeat(64)).is_ok());
        assert_eq!(PasskeyName::parse(&"ä".repeat(65)), Err(Code::TooLong { max: 64 }));
        assert_eq!(PasskeyName::parse(&"ä".repeat(101)), Err(Code::TooLong { max: 64 }));
        assert_eq!(PasskeyName::parse(" "), Err(Code::Missing));
        assert_eq!(PasskeyName::parse("a\nb"), Err(Code::Characters));
    }
}
