//! Usernames for names that aren't valid here: e-mail addresses, names with spaces, reserved ones.

use crate::domain::{Code, Username};

/// In code points. The rest is for a number.
const ROOM: usize = 26;

/// The username closest to a name.
pub(super) fn of(name: &str, allow_reserved: bool) -> Username {
    let name = name.trim();
    // In an address, the part before the @ identifies the person.
    let local = name.split_once('@').map_or(name, |(local, _)| local);
    let plain = cleaned(local, |c| c.is_alphanumeric());
    let ascii = cleaned(local, |c| c.is_ascii_alphanumeric());
    let candidates = [plain.clone(), ascii, format!("{plain}-user"), format!("user-{plain}")];
    let made = candidates.iter().find_map(|name| parse(name, allow_reserved));
    made.filter(|_| !plain.is_empty()).unwrap_or_else(fallback)
}

/// The same name with a number appended.
pub(super) fn numbered(name: &Username, number: u32, allow_reserved: bool) -> Username {
    let cut: String = name.typed().chars().take(ROOM).collect();
    let cut = cut.trim_end_matches('.');
    parse(&format!("{cut}-{number}"), allow_reserved)
        .or_else(|| parse(&format!("user-{number}"), allow_reserved))
        .unwrap_or_else(fallback)
}

fn parse(name: &str, allow_reserved: bool) -> Option<Username> {
    match Username::parse(name) {
        Err(Code::Reserved) if allow_reserved => Username::parse_reserved(name).ok(),
        parsed => parsed.ok(),
    }
}

#[expect(clippy::expect_used, reason = "a test says that it is a username")]
fn fallback() -> Username {
    Username::parse("user").expect("a username")
}

/// The characters allowed in a username, with a hyphen for the rest.
fn cleaned(text: &str, may_stay: impl Fn(char) -> bool) -> String {
    let mut cleaned = String::new();
    for c in text.chars() {
        if may_stay(c) || "_.".contains(c) {
            cleaned.push(c);
        } else if !cleaned.ends_with('-') && !cleaned.is_empty() {
            cleaned.push('-');
        }
    }
    let cleaned: String = cleaned.trim_matches(['-', '.']).chars().take(ROOM).collect();
    cleaned.trim_matches(['-', '.']).to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_as_other_programs_have_them_become_usernames() {
        for (name, username) in [
            ("ada.lovelace@example.org", "ada.lovelace"),
            ("Ada Lovelace", "Ada-Lovelace"),
            ("  ada  ", "ada"),
            ("o'brien", "o-brien"),
            ("al", "al-user"),
            ("admin", "admin-user"),
            ("john+spam@example.org", "john-spam"),
            ("DOMAIN\\ada", "DOMAIN-ada"),
            ("Иван Петров", "Иван-Петров"),
            ("ada\u{430}", "ada"),
            ("...", "user"),
            ("", "user"),
        ] {
            assert_eq!(of(name, false).typed(), username, "{name}");
        }
        assert_eq!(of("admin", true).typed(), "admin");
        assert_eq!(numbered(&of("ada", false), 2, false).typed(), "ada-2");
    }

    proptest! {
        #[test]
        fn whatever_a_name_is_there_is_a_username_for_it(
            name in "\\PC{0,60}", number in 2..10_000_u32
        ) {
            let username = of(&name, false);
            prop_assert!(Username::parse(username.typed()).is_ok());
            prop_assert!(Username::parse(numbered(&username, number, false).typed()).is_ok());
        }
    }
}
