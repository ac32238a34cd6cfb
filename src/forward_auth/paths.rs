//! Who may see which path.

use crate::apps::{
    Access,
    definition::{Rule, is_plain},
};

/// What the rules ask for at a path: all of it must be met. The longest prefix decides, on whole parts of
/// the path.
///
/// A path that can be read in more than one way (`/public/../admin`, `/%61dmin`) may lead anywhere in the
/// app, so everything that any rule asks for must be met, and it is never for everybody. The same goes for
/// `/Admin`, if there is a rule for `/admin`.
#[must_use]
pub(super) fn access_to<'a>(rules: &'a [Rule], path: &str) -> Vec<&'a Access> {
    const SIGNED_IN: &Access = &Access::SignedIn;
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let found = rule_at(rules, path);
    // Some apps take no notice of case.
    let lower = path.to_ascii_lowercase();
    let is_clear = path.starts_with('/') && is_plain(path) && found == rule_at(rules, &lower);
    if !rules.is_empty() && !is_clear {
        let strict = rules.iter().map(|rule| &rule.access);
        return strict.filter(|access| **access != Access::Everybody).chain([SIGNED_IN]).collect();
    }
    vec![found.map_or(SIGNED_IN, |rule| &rule.access)]
}

/// The rule with the longest prefix. Whoever writes a rule in capitals means it so.
fn rule_at<'a>(rules: &'a [Rule], path: &str) -> Option<&'a Rule> {
    let matching = rules.iter().filter(|rule| {
        is_below(&rule.path, path) || is_below(&rule.path.to_ascii_lowercase(), path)
    });
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
        for path in ["/public", "/public/", "/public/a?b=/admin", "/public/a.css"] {
            assert!(is_public(path), "{path}");
        }
        for path in ["/", "/publicity", "/public/drafts", "/public/drafts/a", "/admin"] {
            assert!(!is_public(path), "{path}");
        }
        assert!(matches!(access_to(&rules, "/admin/x")[0], Access::Groups(_)));
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
        ] {
            let needed = access_to(&rules, path);
            assert!(needed.iter().any(|access| matches!(access, Access::Groups(_))), "{path}");
            assert!(!needed.contains(&&Access::Everybody), "{path}");
        }
        // Without rules there is nothing to get around.
        assert_eq!(access_to(&[], "/a%2fb"), vec![&Access::SignedIn]);
    }
}
