//! Usernames: RFC 8265 UsernameCaseMapped, and a narrower set of our own (IN-02, IN-03, IN-04).
//!
//! PRECIS alone accepts Cyrillic look-alikes, `@` and `/`. So the mapped form must also consist of
//! letters and digits that UTS 39 recommends for identifiers, all of one script, and its UTS 39
//! skeleton must be unique among all accounts.

use std::sync::LazyLock;

use precis_profiles::{UsernameCaseMapped, precis_core::profile::PrecisFastInvocation};
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};
use unicode_script::{Script, UnicodeScript};
use unicode_security::{GeneralSecurityProfile, MixedScript, skeleton};

use crate::domain::Code;

/// Code points of the mapped form.
const MIN_LENGTH: usize = 3;
const MAX_LENGTH: usize = 32;

/// For scripts in which a letter is a syllable or a word: Han, kana, Hangul.
const MIN_SYLLABLES: usize = 2;

/// Longer input is refused unread: 32 code points of four bytes, and as much again for combining
/// marks that normalisation removes.
const MAX_BYTES: usize = 256;

/// Names that could pass for the service itself. Compared by skeleton, so their look-alikes are
/// reserved too.
const RESERVED: &[&str] = &[
    "abuse",
    "account",
    "accounts",
    "admin",
    "administrator",
    "anonymous",
    "api",
    "assets",
    "auth",
    "billing",
    "contact",
    "docs",
    "everyone",
    "favicon.ico",
    "health",
    "healthz",
    "help",
    "helpdesk",
    "hostmaster",
    "info",
    "latchkey",
    "login",
    "logout",
    "mail",
    "mailer-daemon",
    "moderator",
    "no-reply",
    "nobody",
    "noreply",
    "null",
    "official",
    "operator",
    "openapi",
    "owner",
    "pkg",
    "postmaster",
    "profile",
    "readyz",
    "robots.txt",
    "root",
    "security",
    "self",
    "settings",
    "signin",
    "signout",
    "signup",
    "staff",
    "static",
    "status",
    "sudo",
    "superuser",
    "support",
    "sysadmin",
    "system",
    "undefined",
    "webmaster",
    "well-known",
    "www",
];

/// A name that a new account may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Username {
    typed: String,
    key: UsernameKey,
    skeleton: String,
    typed_skeleton: String,
}

/// The mapped form of a username: the same for all spellings of one name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UsernameKey {
    folded: String,
    /// Mapped letter by letter, as in RFC 8265 and in the first versions. `None`: the same as
    /// `folded`.
    unfolded: Option<String>,
}

impl Username {
    /// The errors that [`Username::light`] can find.
    pub const LIGHT: [Code; 4] = [
        Code::TooShort { min: MIN_LENGTH },
        Code::TooLong { max: MAX_LENGTH },
        Code::Characters,
        Code::Dots,
    ];

    /// The complete rule for ASCII names. Other names are left to [`Username::parse`].
    pub fn light(raw: &str) -> Result<(), Code> {
        let raw = raw.trim();
        if raw.is_empty() {
            return Err(Code::Missing);
        }
        if !raw.is_ascii() {
            return Ok(());
        }
        length(raw)?;
        if !raw.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b)) {
            return Err(Code::Characters);
        }
        dots(raw)
    }

    /// The whole rule. Surrounding spaces are ignored: phone keyboards add them.
    pub fn parse(raw: &str) -> Result<Self, Code> {
        let name = Self::parse_reserved(raw)?;
        if [&name.skeleton, &name.typed_skeleton].into_iter().any(|skeleton| is_reserved(skeleton))
        {
            return Err(Code::Reserved);
        }
        Ok(name)
    }

    /// The whole rule, but it allows names that could pass for the service: the operator may assign
    /// them.
    pub fn parse_reserved(raw: &str) -> Result<Self, Code> {
        let raw = raw.trim();
        if raw.is_empty() {
            return Err(Code::Missing);
        }
        let key = UsernameKey::map(raw)?;
        let mapped = key.as_str();
        length(mapped)?;
        if !mapped.chars().all(is_allowed) {
            return Err(Code::Characters);
        }
        dots(mapped)?;
        if !mapped.is_single_script() {
            return Err(Code::MixedScripts);
        }
        let skeleton: String = skeleton_of(mapped);
        let typed_skeleton = skeleton_of(raw);
        Ok(Self { typed: raw.to_owned(), key, skeleton, typed_skeleton })
    }

    /// As its owner typed it, for display.
    #[must_use]
    pub fn typed(&self) -> &str {
        &self.typed
    }

    #[must_use]
    pub fn key(&self) -> &UsernameKey {
        &self.key
    }

    /// Equal for mapped forms that look alike (UTS 39, section 4).
    #[must_use]
    pub fn skeleton(&self) -> &str {
        &self.skeleton
    }

    /// Equal for names that look alike as typed: a capital `I` looks like an `l`, but not once it
    /// is mapped.
    #[must_use]
    pub fn typed_skeleton(&self) -> &str {
        &self.typed_skeleton
    }
}

impl UsernameKey {
    /// The key to look up at sign-in, or `None` if no account can have that name.
    #[must_use]
    pub fn find(raw: &str) -> Option<Self> {
        Self::map(raw.trim()).ok()
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.folded
    }

    /// The key that the first versions gave this name. Some accounts still have it.
    #[must_use]
    pub fn unfolded(&self) -> &str {
        self.unfolded.as_deref().unwrap_or(&self.folded)
    }

    /// RFC 8265, section 3.3.3. A name is refused if its mapped form maps to something else: the
    /// profile is applied once at sign-up and once at sign-in, so its result must be stable.
    ///
    /// The profile lowers letters one by one. That keeps `ς` and `σ` apart, although they have the
    /// same capital, so the case is folded afterwards.
    fn map(raw: &str) -> Result<Self, Code> {
        if raw.len() > MAX_BYTES {
            return Err(Code::TooLong { max: MAX_LENGTH });
        }
        let enforce = |text: &str| {
            UsernameCaseMapped::enforce(text.to_owned())
                .map(std::borrow::Cow::into_owned)
                .map_err(|_| Code::Characters)
        };
        // A dotted capital I would become an i with a combining dot above, which is not a letter.
        let dotted: String = raw.nfc().map(|c| if c == '\u{130}' { 'i' } else { c }).collect();
        let mapped = enforce(&dotted)?;
        if enforce(&mapped)? != mapped {
            return Err(Code::Characters);
        }
        let folded = enforce(&fold(&mapped))?;
        let unfolded = (folded != mapped).then_some(mapped);
        Ok(Self { folded, unfolded })
    }
}

/// Full case folding, as far as names need it: names that match in capitals are one name.
fn fold(mapped: &str) -> String {
    mapped.to_uppercase().chars().flat_map(char::to_lowercase).nfc().collect()
}

fn length(text: &str) -> Result<(), Code> {
    match text.chars().count() {
        MIN_SYLLABLES if text.chars().all(is_syllable) => Ok(()),
        0..MIN_LENGTH => Err(Code::TooShort { min: MIN_LENGTH }),
        MIN_LENGTH..=MAX_LENGTH => Ok(()),
        _ => Err(Code::TooLong { max: MAX_LENGTH }),
    }
}

fn is_syllable(c: char) -> bool {
    // The mark for a long vowel in kana belongs to no script.
    c == 'ー'
        || matches!(c.script(), Script::Han | Script::Hiragana | Script::Katakana | Script::Hangul)
}

fn dots(text: &str) -> Result<(), Code> {
    if text.starts_with('.') || text.ends_with('.') { Err(Code::Dots) } else { Ok(()) }
}

fn skeleton_of(name: &str) -> String {
    skeleton(name).collect()
}

fn is_reserved(skeleton: &str) -> bool {
    static BARE: LazyLock<Vec<String>> =
        LazyLock::new(|| RESERVED.iter().map(|name| bare(&skeleton_of(name))).collect());
    BARE.contains(&bare(skeleton))
}

/// Strips punctuation, which does not make a name a different one: `latch-key`, `well_known`.
fn bare(skeleton: &str) -> String {
    skeleton.chars().filter(|c| !"_-.".contains(*c)).collect()
}

/// Letters and digits that UTS 39 recommends, and the marks that some scripts cannot be written
/// without. Marks that combine with every script are excluded: a dot above an `i` cannot be seen.
fn is_allowed(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || "_-.".contains(c);
    }
    let of_its_kind = match c.general_category_group() {
        GeneralCategoryGroup::Letter => true,
        GeneralCategoryGroup::Number => c.general_category() == GeneralCategory::DecimalNumber,
        GeneralCategoryGroup::Mark => c.script() != Script::Inherited,
        _ => false,
    };
    of_its_kind && (c.identifier_allowed() || is_unified(c))
}

/// Unified ideographs inside the compatibility block (The Unicode Standard, section 18.1): some
/// family names are written with them.
fn is_unified(c: char) -> bool {
    matches!(
        c,
        '\u{fa0e}'
            | '\u{fa0f}'
            | '\u{fa11}'
            | '\u{fa13}'
            | '\u{fa14}'
            | '\u{fa1f}'
            | '\u{fa21}'
            | '\u{fa23}'
            | '\u{fa24}'
            | '\u{fa27}'..='\u{fa29}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(raw: &str) -> String {
        Username::parse(raw).expect(raw).key.folded
    }

    #[test]
    fn spellings_of_one_name_have_one_key() {
        for spelling in ["alice", "ALICE", "Alice", "ａｌｉｃｅ"] {
            assert_eq!(key(spelling), "alice");
        }
        assert_eq!(key("Zoe\u{301}"), key("zo\u{e9}"));
    }

    #[test]
    fn what_is_one_word_in_capitals_is_one_name() {
        for (one, other) in [
            ("Κωστας", "ΚΩΣΤΑΣ"),
            ("Κωστας", "κωστασ"),
            ("straße", "STRASSE"),
            ("straße", "STRAẞE"),
            ("İbrahim", "ibrahim"),
            ("I\u{307}brahim", "ibrahim"),
            ("ışık", "IŞIK"),
            ("Ǆurić", "ǆurić"),
        ] {
            match (Username::parse(one), Username::parse(other)) {
                (Ok(one), Ok(other)) => assert_eq!(one.key.folded, other.key.folded),
                (one, other) => assert_eq!(one.is_ok(), other.is_ok(), "{one:?} {other:?}"),
            }
        }
        assert_eq!(Username::parse("Κωστας").expect("a name").key().unfolded(), "κωστας");
        assert_eq!(Username::parse("alice").expect("a name").key().unfolded(), "alice");
    }

    #[test]
    fn spaces_around_a_name_are_no_part_of_it() {
        for name in ["bob ", " bob", "\tbob\n", "\u{a0}bob\u{3000}"] {
            assert_eq!(Username::parse(name).expect(name).typed(), "bob");
            assert_eq!(UsernameKey::find(name), UsernameKey::find("bob"));
        }
    }

    #[test]
    fn two_letters_are_a_name_where_a_letter_is_a_syllable() {
        for name in ["李白", "김구", "さく", "カナ", "山﨑", "\u{fa11}田", "İbrahim"] {
            assert!(Username::parse(name).is_ok(), "{name}: {:?}", Username::parse(name));
        }
    }

    #[test]
    fn a_name_is_shown_as_it_was_typed() {
        assert_eq!(Username::parse("AlIce").expect("a name").typed(), "AlIce");
    }

    #[test]
    fn names_of_many_scripts_are_taken() {
        for name in [
            "jürgen",
            "мария",
            "李小龙",
            "さくらちゃん",
            "प्रिया",
            "שלום",
            "محمد",
            "Ελένη",
            "a.b-c_d",
        ] {
            assert!(Username::parse(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn each_bad_name_is_refused_for_its_reason() {
        for (name, code) in [
            ("", Code::Missing),
            ("al", Code::TooShort { min: 3 }),
            (&"a".repeat(33), Code::TooLong { max: 32 }),
            (&"é".repeat(500), Code::TooLong { max: 32 }),
            ("al ice", Code::Characters),
            ("al\u{a0}ice", Code::Characters),
            (" ", Code::Missing),
            ("李", Code::TooShort { min: 3 }),
            ("李a", Code::TooShort { min: 3 }),
            ("alice@home", Code::Characters),
            ("a/b/c", Code::Characters),
            ("a\\b\\c", Code::Characters),
            ("alice\0", Code::Characters),
            ("alice\u{200b}", Code::Characters),
            ("al\u{ad}ice", Code::Characters),
            ("alice\u{202e}", Code::Characters),
            ("a\u{336}lice", Code::Characters),
            ("ali\u{131}ce\u{2603}", Code::Characters),
            (".alice", Code::Dots),
            ("alice.", Code::Dots),
            ("\u{430}lice", Code::MixedScripts),
            ("李小龙abc", Code::MixedScripts),
            ("admin", Code::Reserved),
            ("ADMIN", Code::Reserved),
            ("ｒｏｏｔ", Code::Reserved),
            ("well-known", Code::Reserved),
            ("well_known", Code::Reserved),
            ("-Admin_", Code::Reserved),
            ("Iatchkey", Code::Reserved),
            ("\u{301}\u{301}\u{301}", Code::Characters),
            ("ali\u{307}ce", Code::Characters),
        ] {
            assert_eq!(Username::parse(name).map(|_| ()), Err(code), "{name:?}");
        }
    }

    #[test]
    fn look_alikes_share_a_skeleton() {
        let skeleton = |name| Username::parse(name).expect(name).skeleton;
        assert_eq!(skeleton("scope"), skeleton("ѕсоре"));
        assert_eq!(skeleton("paypal"), skeleton("paypa1"));
        assert_ne!(skeleton("alice"), skeleton("alicia"));
        let typed = |name| Username::parse(name).expect(name).typed_skeleton;
        assert_eq!(typed("Bill"), typed("BiII"));
        assert_eq!(typed("OOPS"), typed("00PS"));
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_without_a_panic(raw in any::<String>()) {
            let _ = Username::parse(&raw);
            let _ = UsernameKey::find(&raw);
        }

        #[test]
        fn the_key_of_a_key_is_itself(raw in "\\w{3,32}") {
            if let Ok(name) = Username::parse(&raw) {
                let again = UsernameKey::find(name.key.as_str()).map(|key| key.folded);
                prop_assert_eq!(again, Some(name.key.folded));
            }
        }

        #[test]
        fn caps_lock_keeps_nobody_out(raw in "\\w{3,32}") {
            let typed = UsernameKey::find(&raw);
            let capitals = UsernameKey::find(&raw.to_uppercase());
            if let (Ok(_), Some(typed), Some(capitals)) = (Username::parse(&raw), typed, capitals) {
                prop_assert_eq!(typed.folded, capitals.folded);
            }
        }

        #[test]
        fn what_the_light_rule_refuses_the_whole_rule_refuses(raw in "\\PC{0,40}") {
            if Username::light(&raw).is_err() {
                prop_assert!(Username::parse(&raw).is_err());
            }
        }

        #[test]
        fn a_name_that_is_taken_can_sign_in(raw in "[A-Za-z0-9]{3,32}") {
            if let Ok(name) = Username::parse(&raw) {
                prop_assert_eq!(UsernameKey::find(&raw), Some(name.key));
            }
        }
    }
}
