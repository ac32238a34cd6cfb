//! Who may see which path.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use unicode_normalization::UnicodeNormalization;

use crate::apps::{
    Access,
    definition::{Rule, is_plain},
};

/// What the rules ask for at a path: all of it must be met. The longest prefix decides, on whole parts of
/// the path.
///
/// A path that can be read in more than one way (`/public/../admin`, `/%61dmin`) may lead anywhere in the
/// app, so everything that any rule asks for must be met, and it is never for everybody. The same goes for
/// `/Admin`, if there is a rule for `/admin`. Spaces and letters that are not ASCII must be encoded, so they
/// make no path ambiguous.
#[must_use]
pub(super) fn access_to<'a>(rules: &'a [Rule], path: &str) -> Vec<&'a Access> {
    const SIGNED_IN: &Access = &Access::SignedIn;
    let path = path.split('?').next().unwrap_or_default();
    let read = decoded(path);
    let found = rule_at(rules, read.as_deref().unwrap_or(path));
    // Some apps take no notice of case, nor of how a letter is written.
    let is_clear = read.is_some_and(|read| {
        let folded = folded(&read);
        read.starts_with('/') && is_plain(&folded) && found == rule_at(rules, &folded)
    });
    if !rules.is_empty() && !is_clear {
        let strict = rules.iter().map(|rule| &rule.access);
        return strict.filter(|access| **access != Access::Everybody).chain([SIGNED_IN]).collect();
    }
    vec![found.map_or(SIGNED_IN, |rule| &rule.access)]
}

/// The path as every app reads it. `None`: it can be read in more than one way.
fn decoded(path: &str) -> Option<Cow<'_, str>> {
    let mut rest = path;
    while let Some((_, after)) = rest.split_once('%') {
        let byte = after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok())?;
        if byte < 0x80 && byte != b' ' {
            return None;
        }
        rest = &after[2..];
    }
    let decoded = percent_decode_str(path).decode_utf8().ok()?;
    // Some systems leave out a space or a dot at the end of a name.
    let mut parts = decoded.split('/');
    let is_clear = parts.all(|part| part.trim() == part && !part.ends_with('.'))
        && is_plain(&decoded.replace(' ', "_"));
    is_clear.then_some(decoded)
}

/// In lower case, and with one spelling of each letter.
fn folded(path: &str) -> String {
    path.replace(' ', "_").nfkc().collect::<String>().to_lowercase()
}

/// The rule with the longest prefix. Whoever writes a rule in capitals means it so.
fn rule_at<'a>(rules: &'a [Rule], path: &str) -> Option<&'a Rule> {
    let matching = rules
        .iter()
        .filter(|rule| is_below(&rule.path, path) || is_below(&folded(&rule.path), path));
    matching.max_by_key(|rule| rule.path.trim_end_matches('/').len())
}

/// `/admin` is for `/admin` and all below it.
fn is_below(prefix: &str, path: &str) -> bool {
    let prefix = prefix.trim_end_matches('/');
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Vec<Rule> {
        let rule = |path: &str, access| Rule { path: path.to_owned(), access };
        vec![
            rule("/public", Access::Everybody),
            rule("/public/drafts", Access::SignedIn),
            rule("/admin", Access::Groups(vec!["admins".to_owned()])),
        ]
    }

    #[test]
    fn the_longest_prefix_decides() {
        let rules = rules();
        let is_public = |path: &str| *access_to(&rules, path)[0] == Access::Everybody;
        for path in [
            "/public",
            "/public/",
            "/public/a?b=/admin",
            "/public/a.css",
            "/public/two%20words.pdf",
            "/public/Caf%C3%A9",
            "/public/%E6%97%A5%E6%9C%AC",
        ] {
            assert!(is_public(path), "{path}");
        }
        for path in ["/", "/publicity", "/public/drafts", "/public/drafts/a", "/admin"] {
            assert!(!is_public(path), "{path}");
        }
        assert!(matches!(access_to(&rules, "/admin/x")[0], Access::Groups(_)));
    }

    #[test]
    fn a_rule_may_have_letters_that_are_not_ascii() {
        let access = Access::Groups(vec!["readers".to_owned()]);
        let rules = [Rule { path: "/bücher".to_owned(), access }];
        for path in ["/b%C3%BCcher", "/b%C3%BCcher/x", "/B%C3%9CCHER", "/bu%CC%88cher"] {
            let needed = access_to(&rules, path);
            assert!(needed.iter().any(|access| matches!(access, Access::Groups(_))), "{path}");
        }
        assert_eq!(access_to(&rules, "/b%C3%BCche"), vec![&Access::SignedIn]);
    }

    #[test]
    fn an_ambiguous_path_must_meet_every_rule() {
        let rules = rules();
        for path in [
            "/public/../admin",
            "/public/%2e%2e/admin",
            "/%61dmin",
            "//admin",
            "/public//x",
            "/public/..;/admin",
            "/public\\..\\admin",
            "public",
            "/Admin",
            "/ADMIN/x",
            "/PUBLIC",
            "/public#/../admin",
            "/public/#",
            "/admin.",
            "/public/x./y",
            "/public/%2fadmin",
            "/public/%5c..%5cadmin",
            "/public/%00",
            "/public/%252e%252e/admin",
            "/public/%C3",
            "/public/%zz",
            "/public/%",
            "/public/a%20/x",
            "/public%20",
            "/%EF%BD%81dmin",
            "/public/%EF%BC%8F..%EF%BC%8Fadmin",
        ] {
            let needed = access_to(&rules, path);
            assert!(needed.iter().any(|access| matches!(access, Access::Groups(_))), "{path}");
            assert!(!needed.contains(&&Access::Everybody), "{path}");
        }
        // Without rules there is nothing to get around.
        assert_eq!(access_to(&[], "/a%2fb"), vec![&Access::SignedIn]);
    }
}
