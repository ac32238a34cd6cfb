//! Email addresses (RFC 5321, RFC 6531).

use email_address::{EmailAddress, Options};
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use crate::domain::Code;

/// The longest address that SMTP carries, in bytes (RFC 5321, section 4.5.3.1.3, without the angle
/// brackets).
const MAX_BYTES: usize = 254;

/// An address, as its owner typed it, in NFC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    address: String,
    /// The bytes before the domain, the @ included.
    local: usize,
}

impl Email {
    /// The rule: local part and domain, without a name, a comment or an IP address.
    pub fn parse(raw: &str) -> Result<Self, Code> {
        let address: String = raw.trim().nfc().collect();
        if address.is_empty() {
            return Err(Code::Missing);
        }
        if address.len() > MAX_BYTES {
            return Err(Code::TooManyBytes { max: MAX_BYTES });
        }
        let options = Options::default().without_display_text().without_domain_literal();
        let parsed = EmailAddress::parse_with_options(&address, options.with_required_tld());
        let parsed = parsed.map_err(|_| Code::NotAnAddress)?;
        // Quotes would allow spaces and much else; hardly anybody has such an address. Invisible
        // characters and other forms of a letter would make two addresses look the same.
        let is_odd = |c: char| {
            c.is_control()
                || c.is_whitespace()
                || c == '"'
                || c.general_category() == GeneralCategory::Format
        };
        if address.chars().any(is_odd) || !address.chars().eq(address.nfkc()) {
            return Err(Code::NotAnAddress);
        }
        let local = parsed.local_part().len() + 1;
        // Some read % as an encoded character of another domain, and numbers as an IP address.
        let domain = &address[local..];
        let is_number =
            |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_digit());
        if domain.contains('%') || domain.rsplit('.').next().is_some_and(is_number) {
            return Err(Code::NotAnAddress);
        }
        Ok(Self { address, local })
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.address
    }

    #[must_use]
    pub fn local_part(&self) -> &str {
        &self.address[..self.local - 1]
    }

    #[must_use]
    pub fn domain(&self) -> &str {
        &self.address[self.local..]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_is_a_local_part_and_a_domain() {
        for good in [
            "alice@example.org",
            " Alice.O'Neil+tag@mail.example.co.uk ",
            "zoë@müller.example",
            "李@例え.テスト",
        ] {
            let email = Email::parse(good).expect(good);
            assert_eq!(format!("{}@{}", email.local_part(), email.domain()), good.trim());
        }
        for bad in [
            "alice",
            "@example.org",
            "alice@",
            "alice@localhost",
            "a b@example.org",
            "Alice <alice@example.org>",
            "alice@[127.0.0.1]",
            "alice@example.org\r\nBcc: x@y.z",
            "alice@@example.org",
            "\"a b\"@example.org",
            "alice@example..org",
            "alice@ex%61mple.org",
            "alice@127.0.0.1",
            "\u{202e}alice@example.org",
            "al\u{200b}ice@example.org",
            "\u{ff21}lice@example.org",
        ] {
            assert_eq!(Email::parse(bad), Err(Code::NotAnAddress), "{bad}");
        }
        assert_eq!(Email::parse(" "), Err(Code::Missing));
        let long = format!("{}@example.org", "x".repeat(300));
        assert_eq!(Email::parse(&long), Err(Code::TooManyBytes { max: 254 }));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic_and_a_good_one_reads_back(text in "\\PC{0,60}") {
            if let Ok(email) = Email::parse(&text) {
                prop_assert_eq!(Email::parse(email.as_str()), Ok(email));
            }
        }
    }
}
