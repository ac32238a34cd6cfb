//! Usernames: RFC 8265 UsernameCaseMapped, and a narrower set of our own (IN-02, IN-03, IN-04).
//!
//! PRECIS alone lets Cyrillic look-alikes, `@` and `/` pass, so the mapped form must also be made
//! of letters and digits that UTS 39 recommends for identifiers, of one script, and its UTS 39
//! skeleton must be unique among all accounts.

use std::sync::LazyLock;

use precis_profiles::{UsernameCaseMapped, precis_core::profile::PrecisFastInvocation};
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};
use unicode_script::{Script, UnicodeScript};
use unicode_security::{GeneralSecurityProfile, MixedScript, skeleton};

use super::Code;

/// Code points of the mapped form.
const MIN_LENGTH: usize = 3;
const MAX_LENGTH: usize = 32;

/// Nothing longer is even looked at: 32 code points of four bytes, and as much again for the
/// combining marks that normalisation takes away.
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

/// A name that may stand for a new account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Username {
    typed: String,
    key: UsernameKey,
    skeleton: String,
    typed_skeleton: String,
}

/// The mapped form of a username: what two spellings of one name have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UsernameKey(String);

impl Username {
    /// What [`Username::light`] can find wrong.
    pub const LIGHT: [Code; 4] = [
        Code::TooShort { min: MIN_LENGTH },
        Code::TooLong { max: MAX_LENGTH },
        Code::Characters,
        Code::Dots,
    ];

    /// The rule for names in ASCII, complete. Any other name is left to [`Username::parse`].
    pub fn light(raw: &str) -> Result<(), Code> {
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

    /// The whole rule.
    pub fn parse(raw: &str) -> Result<Self, Code> {
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
        if [&skeleton, &typed_skeleton].into_iter().any(|skeleton| is_reserved(skeleton)) {
            return Err(Code::Reserved);
        }
        Ok(Self { typed: raw.to_owned(), key, skeleton, typed_skeleton })
    }

    /// As its owner typed it, to be shown.
    #[must_use]
    pub fn typed(&self) -> &str {
        &self.typed
    }

    #[must_use]
    pub fn key(&self) -> &UsernameKey {
        &self.key
    }

    /// Equal for mapped forms that look the same (UTS 39, section 4).
    #[must_use]
    pub fn skeleton(&self) -> &str {
        &self.skeleton
    }

    /// Equal for names that look the same as they were typed: a capital `I` looks like an `l`, and
    /// is none any more when it is mapped.
    #[must_use]
    pub fn typed_skeleton(&self) -> &str {
        &self.typed_skeleton
    }
}

impl UsernameKey {
    /// The key that somebody who signs in means, or `None` if no account can have that name.
    #[must_use]
    pub fn find(raw: &str) -> Option<Self> {
        Self::map(raw).ok()
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// RFC 8265, section 3.3.3. A name that maps to something which maps on is no name: the
    /// profile is applied once at sign-up and once at sign-in, so it must be stable.
    fn map(raw: &str) -> Result<Self, Code> {
        if raw.len() > MAX_BYTES {
            return Err(Code::TooLong { max: MAX_LENGTH });
        }
        let enforce = |text: &str| {
            UsernameCaseMapped::enforce(text.to_owned())
                .map(std::borrow::Cow::into_owned)
                .map_err(|_| Code::Characters)
        };
        let mapped = enforce(raw)?;
        if enforce(&mapped)? != mapped {
            return Err(Code::Characters);
        }
        Ok(Self(mapped))
    }
}

fn length(text: &str) -> Result<(), Code> {
    match text.chars().count() {
        0..MIN_LENGTH => Err(Code::TooShort { min: MIN_LENGTH }),
        MIN_LENGTH..=MAX_LENGTH => Ok(()),
        _ => Err(Code::TooLong { max: MAX_LENGTH }),
    }
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

/// Signs within a name do not make it another one: `latch-key`, `well_known`.
fn bare(skeleton: &str) -> String {
    skeleton.chars().filter(|c| !"_-.".contains(*c)).collect()
}

/// Letters and digits that UTS 39 recommends, and the marks without which some scripts cannot be
/// written. Marks that go with every script are not among them: a dot above an `i` cannot be seen.
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
    of_its_kind && c.identifier_allowed()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(raw: &str) -> String {
        Username::parse(raw).expect(raw).key.0
    }

    #[test]
    fn spellings_of_one_name_have_one_key() {
        for spelling in ["alice", "ALICE", "Alice", "ａｌｉｃｅ"] {
            assert_eq!(key(spelling), "alice");
        }
        assert_eq!(key("Zoe\u{301}"), key("zo\u{e9}"));
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
            (" alice", Code::Characters),
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
                prop_assert_eq!(UsernameKey::find(name.key.as_str()), Some(name.key));
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
