//! Where the forms are: which page each stands on, and where to go after it.

use axum::http::Uri;

/// The hidden field that ties a form to a session or a visitor.
pub const TOKEN_FIELD: &str = "form_token";

/// The page on which the form of each server function stands.
const PAGES: [(&str, &str); 10] = [
    ("/api/sign_up", "/signup"),
    ("/api/sign_in", "/signin"),
    ("/api/sign_out", "/"),
    ("/api/confirm", "/confirm"),
    ("/api/change_full_name", "/profile"),
    ("/api/change_password", "/account/security"),
    ("/api/end_session", "/account/sessions"),
    ("/api/end_other_sessions", "/account/sessions"),
    ("/api/delete_account", "/account/data"),
    ("/api/set_password", "/set-password"),
];

/// The forms of people who are not signed in. A second tab may send one after the first has signed in.
pub(crate) const OF_VISITORS: [&str; 3] = ["/api/sign_up", "/api/sign_in", "/api/set_password"];

/// The page on which the form of a server function stands.
#[must_use]
pub fn page_of(action: &str) -> &'static str {
    PAGES.iter().find(|(known, _)| *known == action).map_or("/", |(_, page)| page)
}

/// The same, with the query that the form's address had.
#[must_use]
pub fn page_at(uri: &Uri) -> String {
    let page = page_of(uri.path());
    // Hyper takes only visible ASCII for a query.
    uri.query().map_or_else(|| page.to_owned(), |query| format!("{page}?{query}"))
}

/// Where to go after signing in: a path of this site, parsed and written anew, or else the
/// profile (CS-07).
#[must_use]
pub fn safe_next(next: &str) -> String {
    const HOME: &str = "/profile";
    const HERE: &str = "http://here.invalid";
    let path = || {
        let first = next.strip_prefix('/')?;
        if first.starts_with(['/', '\\']) || next.chars().any(|c| c.is_control() || c == '\\') {
            return None;
        }
        let url = url::Url::parse(HERE).ok()?.join(next).ok()?;
        let path = url[url::Position::BeforePath..].to_owned();
        let stays = url.origin().ascii_serialization() == HERE && !path.starts_with("//");
        stays.then_some(path)
    };
    path().unwrap_or_else(|| HOME.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_path_of_this_site_is_kept() {
        for (next, path) in [
            ("/profile", "/profile"),
            ("/a/b?c=d&e=f#g", "/a/b?c=d&e=f#g"),
            ("/ü", "/%C3%BC"),
            ("/a/../b", "/b"),
            ("/%0d%0aSet-Cookie:a=b", "/%0d%0aSet-Cookie:a=b"),
            ("/http://evil", "/http://evil"),
        ] {
            assert_eq!(safe_next(next), path);
        }
    }

    #[test]
    fn everything_else_leads_to_the_profile() {
        for next in [
            "",
            "profile",
            "//evil",
            "///evil",
            "/\\evil",
            "\\/evil",
            "\\\\evil",
            "/\t/evil",
            "/\n/evil",
            "http://evil",
            "https:evil",
            "javascript:alert(1)",
            "data:text/html,x",
            "//evil%2f..",
            "/.//evil",
            "/./\\evil",
            "/x/..//evil",
            "/%2e//evil",
            " /evil",
            "@evil",
            "?next=//evil",
            "/\r\nSet-Cookie:a=b",
            "/\0",
            "/\u{7f}",
            "/\u{85}",
        ] {
            assert_eq!(safe_next(next), "/profile", "{next:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_it_stays_on_this_site(next in "[/\\\\.a:@?#%\t\r\n]{0,12}|\\PC{0,40}") {
            let path = safe_next(&next);
            prop_assert!(path.starts_with('/') && !path.starts_with("//") && !path.starts_with("/\\"));
            prop_assert!(HeaderValue::try_from(&path).is_ok());
        }
    }
}
