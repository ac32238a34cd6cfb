//! Where to go after signing in.

/// Where to go after signing in: a path of this site, parsed and rebuilt, or else the profile
/// (CS-07).
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

/// The address of a page that leads to another one afterwards.
#[must_use]
pub fn before(page: &str, next: &str) -> String {
    let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
    format!("{page}?next={next}")
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
