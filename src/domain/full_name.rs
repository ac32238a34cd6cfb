//! Full names: whatever people call themselves (IN-05).

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use crate::domain::Code;

/// Code points after trimming.
const MAX_LENGTH: usize = 100;

/// A name for display: trimmed, NFC, one line, and not invisible.
///
/// It is kept as given. Escape it on output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FullName(String);

impl FullName {
    /// The errors that [`FullName::light`] can find.
    pub const LIGHT: [Code; 2] = [Code::TooLong { max: MAX_LENGTH }, Code::Characters];

    pub fn light(raw: &str) -> Result<(), Code> {
        let trimmed = raw.trim();
        if trimmed.is_empty() {
            return Err(Code::Missing);
        }
        // Only composition makes text shorter, and ASCII has nothing to compose.
        if trimmed.is_ascii() && trimmed.len() > MAX_LENGTH {
            return Err(Code::TooLong { max: MAX_LENGTH });
        }
        if trimmed.chars().any(is_forbidden) {
            return Err(Code::Characters);
        }
        Ok(())
    }

    pub fn parse(raw: &str) -> Result<Self, Code> {
        let name: String = raw.trim().nfc().collect();
        if name.is_empty() {
            return Err(Code::Missing);
        }
        if name.chars().count() > MAX_LENGTH {
            return Err(Code::TooLong { max: MAX_LENGTH });
        }
        if name.chars().any(is_forbidden) || !name.chars().any(is_visible) {
            return Err(Code::Characters);
        }
        Ok(Self(name))
    }

    #[must_use]
    pub fn into_text(self) -> String {
        self.0
    }
}

/// Control characters, line and paragraph separators, and the bidirectional embeddings, overrides
/// and isolates that can reverse the text after the name (Unicode UAX 9, section 2).
fn is_forbidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn is_visible(c: char) -> bool {
    // The four letters of Hangul and Khmer that Unicode calls default-ignorable.
    let blank_letter = matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{2800}');
    !blank_letter
        && !c.is_whitespace()
        && !matches!(
            c.general_category(),
            GeneralCategory::Format | GeneralCategory::NonspacingMark
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_as_people_have_them_are_taken() {
        for name in [
            "Zoë 李 O'Neil <b>",
            "X",
            "Πλάτων",
            "Jean-Luc d'Été, Jr.",
            "{{7*7}}",
            "</script>",
            "😀",
        ] {
            assert_eq!(FullName::parse(name).expect(name).into_text(), name);
        }
    }

    #[test]
    fn a_name_is_trimmed_and_composed() {
        assert_eq!(FullName::parse("  Zoe\u{308}\u{a0}").expect("a name").into_text(), "Zoë");
    }

    #[test]
    fn each_bad_name_is_refused_for_its_reason() {
        for (name, code) in [
            ("", Code::Missing),
            (" \t\u{a0}", Code::Missing),
            (&"x".repeat(101), Code::TooLong { max: 100 }),
            ("a\0b", Code::Characters),
            ("a\nb", Code::Characters),
            ("a\u{202e}b", Code::Characters),
            ("a\u{2066}b", Code::Characters),
            ("a\u{2028}b", Code::Characters),
            ("a\u{2029}b", Code::Characters),
            ("\u{200b}\u{200b}", Code::Characters),
            ("\u{3164}", Code::Characters),
        ] {
            assert_eq!(FullName::parse(name).map(|_| ()), Err(code), "{name:?}");
        }
        assert!(FullName::parse(&"é".repeat(100)).is_ok());
        assert!(FullName::parse(&"e\u{301}".repeat(100)).is_ok());
        assert!(FullName::parse(&"é".repeat(101)).is_err());
    }

    proptest! {
        #[test]
        fn parsing_twice_changes_nothing(raw in any::<String>()) {
            if let Ok(name) = FullName::parse(&raw) {
                prop_assert_eq!(FullName::parse(&name.0), Ok(name.clone()));
            }
        }

        #[test]
        fn what_the_light_rule_refuses_the_whole_rule_refuses(raw in any::<String>()) {
            if FullName::light(&raw).is_err() {
                prop_assert!(FullName::parse(&raw).is_err());
            }
        }
    }
}
