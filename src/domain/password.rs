//! Passwords: long enough, not among the first guesses, and otherwise up to their owner
//! (PW-01 to PW-05; NIST SP 800-63B-4, section 3.1.1.2).

use std::fmt;

use unicode_normalization::{UnicodeNormalization, is_nfc};
use zeroize::Zeroizing;

use crate::domain::{Code, common_passwords};

/// Counted in the NFC form, and enough for any passphrase. Longer passwords are refused, never
/// truncated.
const MAX_BYTES: usize = 1024;

/// A password in NFC and otherwise unchanged: case, spaces and NUL count.
///
/// It cannot be serialised or printed, and its memory is wiped.
pub struct Password {
    nfc: Zeroizing<String>,
    /// As it was typed, if that was not NFC.
    typed: Option<Zeroizing<String>>,
}

/// The operator's settings for passwords.
#[derive(Clone, Copy, Debug)]
pub struct PasswordPolicy {
    /// Code points.
    pub min_length: usize,
    /// The name of the service, which no password may be.
    pub service: &'static str,
}

impl Password {
    /// The errors that [`Password::light`] can find.
    #[must_use]
    pub fn light_codes(policy: PasswordPolicy) -> [Code; 2] {
        [Code::TooShort { min: policy.min_length }, Code::TooManyBytes { max: MAX_BYTES }]
    }

    /// Whether the length of a text is the same in NFC, as far as that is known without a table:
    /// nothing in it combines.
    #[must_use]
    pub fn is_plain(raw: &str) -> bool {
        raw.chars().all(|c| c < '\u{300}')
    }

    /// The checks of a new password that need no table: for plain text, all but the lists.
    pub fn light(raw: &str, policy: PasswordPolicy) -> Result<(), Code> {
        if raw.is_empty() {
            return Err(Code::Missing);
        }
        if raw.is_ascii() && raw.len() > MAX_BYTES {
            return Err(Code::TooManyBytes { max: MAX_BYTES });
        }
        if Self::is_plain(raw) && raw.chars().count() < policy.min_length {
            return Err(Code::TooShort { min: policy.min_length });
        }
        Ok(())
    }

    /// A password for an account. `names` are the account's own, which an attacker would try first.
    pub fn parse_new(raw: &str, policy: PasswordPolicy, names: &[&str]) -> Result<Self, Code> {
        let password = Self::parse(raw)?;
        if password.nfc.chars().count() < policy.min_length {
            return Err(Code::TooShort { min: policy.min_length });
        }
        let folded = Zeroizing::new(fold(&password.nfc));
        if common_passwords::contains(&folded) {
            return Err(Code::TooCommon);
        }
        if is_personal(&folded, policy.service, names) {
            return Err(Code::TooPersonal);
        }
        Ok(password)
    }

    /// A password to sign in with. Only its size is checked, because an older rule may have allowed
    /// it.
    pub fn parse(raw: &str) -> Result<Self, Code> {
        let typed = (!is_nfc(raw)).then(|| Zeroizing::new(raw.to_owned()));
        let nfc = Zeroizing::new(match typed {
            Some(_) => raw.nfc().collect(),
            None => raw.to_owned(),
        });
        match nfc.len() {
            0 => Err(Code::Missing),
            1..=MAX_BYTES => Ok(Self { nfc, typed }),
            _ => Err(Code::TooManyBytes { max: MAX_BYTES }),
        }
    }

    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.nfc.as_bytes()
    }

    /// In NFC, and as typed if that differs: another program may have hashed that spelling.
    pub fn spellings(&self) -> impl Iterator<Item = &[u8]> {
        std::iter::once(self.expose()).chain(self.typed.as_ref().map(|typed| typed.as_bytes()))
    }

    /// Whether the two are the same password in NFC.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.nfc == other.nfc
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// A name in any case, with nothing but non-letters around it: `Alice-2026!`.
fn is_personal(folded: &str, service: &str, names: &[&str]) -> bool {
    let of_us = ["latchkey", "account", "accounts", service];
    names.iter().chain(&of_us).filter(|name| !name.is_empty()).any(|name| {
        let name = fold(name);
        let core = letters_within(&name);
        folded == name || (core.chars().count() >= 3 && letters_within(folded) == core)
    })
}

fn letters_within(text: &str) -> &str {
    text.trim_matches(|c: char| !c.is_alphabetic())
}

fn fold(text: &str) -> String {
    text.nfc().flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const POLICY: PasswordPolicy = PasswordPolicy { min_length: 8, service: "Tea & Co" };

    fn judge(raw: &str) -> Result<(), Code> {
        Password::parse_new(raw, POLICY, &["alice", "Alice Liddell"]).map(|_| ())
    }

    #[test]
    fn only_length_and_the_lists_count() {
        for password in [
            "correct horse battery staple",
            "aaaaaaaaaaaaaaaaaaaaԱ",
            "        \u{0}       ",
            "пароль от всего",
            "🦀🐢🦎🐍🦕🐊🐲🐉",
            &"x".repeat(1024),
        ] {
            assert_eq!(judge(password), Ok(()), "{password:?}");
        }
    }

    #[test]
    fn each_bad_password_is_refused_for_its_reason() {
        for (password, code) in [
            ("", Code::Missing),
            ("sevenXY", Code::TooShort { min: 8 }),
            ("🦀🐢🦎🐍🦕🐊🐲", Code::TooShort { min: 8 }),
            (&"x".repeat(1025), Code::TooManyBytes { max: 1024 }),
            ("password", Code::TooCommon),
            ("PassWord1", Code::TooCommon),
            ("qwertyuiop", Code::TooCommon),
            ("Alice Liddell", Code::TooPersonal),
            ("alice2026!", Code::TooPersonal),
            ("Latchkey2026", Code::TooPersonal),
            ("accounts2026!", Code::TooPersonal),
            ("tea & co!", Code::TooPersonal),
        ] {
            assert_eq!(judge(password), Err(code), "{password:?}");
        }
    }

    #[test]
    fn both_spellings_of_a_letter_are_one_password() {
        let composed = Password::parse("caf\u{e9} au lait").expect("a password");
        let decomposed = Password::parse("cafe\u{301} au lait").expect("a password");
        assert_eq!(composed.expose(), decomposed.expose());
    }

    #[test]
    fn the_longest_password_is_as_long_in_both_spellings() {
        assert!(Password::parse(&"\u{e9}".repeat(512)).is_ok());
        assert!(Password::parse(&"e\u{301}".repeat(512)).is_ok());
        assert!(Password::parse(&"e\u{301}".repeat(513)).is_err());
    }

    #[test]
    fn a_password_does_not_print_itself() {
        let password = Password::parse("hunter2 hunter2").expect("a password");
        assert!(!format!("{password:?}").contains("hunter2"));
    }

    proptest! {
        #[test]
        fn what_the_light_rule_refuses_the_whole_rule_refuses(raw in any::<String>()) {
            if Password::light(&raw, POLICY).is_err() {
                prop_assert!(judge(&raw).is_err());
            }
        }

        #[test]
        fn whatever_can_sign_up_can_sign_in(raw in any::<String>()) {
            if let Ok(new) = Password::parse_new(&raw, POLICY, &[]) {
                let typed = Password::parse(&raw).expect("the same");
                prop_assert_eq!(new.expose(), typed.expose());
            }
        }
    }
}
