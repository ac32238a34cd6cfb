//! The cookies: their names, and how they are set, removed and read.

use std::borrow::Cow;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum_extra::extract::cookie::{Cookie, SameSite};
use time::Duration;

use crate::platform::{clock::now, error::Fault, public_url::PublicUrl, random};

const SESSION: [&str; 2] = ["latchkey", "__Host-latchkey"];
const VISITOR: [&str; 2] = ["latchkey-visitor", "__Host-latchkey-visitor"];
const DEVICE: [&str; 2] = ["latchkey-device", "__Host-latchkey-device"];
const NOTICE: [&str; 2] = ["latchkey-notice", "__Host-latchkey-notice"];
const ONCE: [&str; 2] = ["latchkey-once", "__Host-latchkey-once"];
const PENDING: [&str; 2] = ["latchkey-pending", "__Host-latchkey-pending"];
const CHALLENGE: [&str; 2] = ["latchkey-challenge", "__Host-latchkey-challenge"];
const SECOND_FACTOR: [&str; 2] = ["latchkey-second-factor", "__Host-latchkey-second-factor"];
/// At the host of an app behind a proxy: who is signed in, and the browser.
const APP: [&str; 2] = ["latchkey-app", "__Host-latchkey-app"];
const APP_BROWSER: [&str; 2] = ["latchkey-app-browser", "__Host-latchkey-app-browser"];
const LANGUAGE: [&str; 2] = ["latchkey-language", "__Host-latchkey-language"];

/// How long a device is remembered after a sign-in, and a language after it was chosen.
const LONG: Duration = Duration::days(180);

/// How long a link that was opened waits for its form.
const AN_HOUR: Duration = Duration::hours(1);

/// How long a notice waits for the next page, and a pending act for the password.
const SHORT: Duration = Duration::minutes(15);

/// The name of a cookie at the host of an app. Cookies know no ports, so the name does.
fn at_port(names: [&str; 2], host: &str, is_https: bool) -> String {
    let name = names[usize::from(is_https)];
    match host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit())) {
        Some((_, port)) => format!("{name}-{port}"),
        None => name.to_owned(),
    }
}

/// On https, the server uses the names with the prefix and ignores the others (CK-02).
pub struct Cookies {
    secure: bool,
}

impl Cookies {
    #[must_use]
    pub fn new(public_url: &PublicUrl) -> Self {
        Self { secure: public_url.is_https() }
    }

    /// The name of the cookie that carries the session.
    #[must_use]
    pub fn session_name(&self) -> &'static str {
        SESSION[usize::from(self.secure)]
    }

    /// The name of the cookie that ties forms to the browser of a visitor who is not signed in.
    #[must_use]
    pub fn visitor_name(&self) -> &'static str {
        VISITOR[usize::from(self.secure)]
    }

    #[must_use]
    pub fn session(&self, headers: &HeaderMap) -> Option<String> {
        value(headers, self.session_name())
    }

    #[must_use]
    pub fn visitor(&self, headers: &HeaderMap) -> Option<String> {
        value(headers, self.visitor_name()).filter(|visitor| !visitor.is_empty())
    }

    /// `Set-Cookie` for a session. Only one that is remembered outlives the browser.
    #[must_use]
    pub fn set_session(&self, token: String, remembered: bool, ends_at: i64) -> HeaderValue {
        let mut cookie = self.cookie(self.session_name(), token);
        if remembered {
            let left = ends_at.saturating_sub(now());
            cookie.set_max_age(Duration::seconds(left.max(0)));
        }
        header_value(&cookie)
    }

    /// The cookie that marks a device used to sign in before (AU-05).
    #[must_use]
    pub fn device(&self, headers: &HeaderMap) -> Option<String> {
        value(headers, DEVICE[usize::from(self.secure)])
    }

    #[must_use]
    pub fn set_device(&self, value: String) -> HeaderValue {
        let mut cookie = self.cookie(DEVICE[usize::from(self.secure)], value);
        cookie.set_max_age(LONG);
        header_value(&cookie)
    }

    /// The notice for the next page: see `notices.rs`.
    #[must_use]
    pub fn notice(&self, headers: &HeaderMap) -> Option<String> {
        value(headers, NOTICE[usize::from(self.secure)])
    }

    #[must_use]
    pub fn set_notice(&self, value: String) -> HeaderValue {
        self.for_a_short_time(NOTICE, value)
    }

    #[must_use]
    pub fn forget_notice(&self) -> HeaderValue {
        self.removal(NOTICE)
    }

    /// The act that waits for the password: see `pending.rs`.
    #[must_use]
    pub fn pending(&self, headers: &HeaderMap) -> Option<String> {
        value(headers, PENDING[usize::from(self.secure)])
    }

    #[must_use]
    pub fn set_pending(&self, value: String) -> HeaderValue {
        self.for_a_short_time(PENDING, value)
    }

    #[must_use]
    pub fn forget_pending(&self) -> HeaderValue {
        self.removal(PENDING)
    }

    /// What the next page shows once, sealed.
    #[must_use]
    pub fn set_once(&self, sealed: String) -> HeaderValue {
        self.for_a_short_time(ONCE, sealed)
    }

    #[must_use]
    pub fn once(&self, headers: &HeaderMap) -> Option<String> {
        value(headers, ONCE[usize::from(self.secure)])
    }

    #[must_use]
    pub fn forget_once(&self) -> HeaderValue {
        self.removal(ONCE)
    }

    /// A link that has left the address bar of a page, until its form is sent. `None`: it can't be one
    /// of ours.
    #[must_use]
    pub fn set_link(&self, page: &str, link: &str) -> Option<HeaderValue> {
        let is_ours = link.len() == 43
            && link.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
        let mut cookie = self.cookie(self.link_name(page), link.to_owned());
        cookie.set_max_age(AN_HOUR);
        is_ours.then(|| header_value(&cookie))
    }

    #[must_use]
    pub fn link(&self, page: &str, headers: &HeaderMap) -> Option<String> {
        value(headers, &self.link_name(page))
    }

    #[must_use]
    pub fn forget_link(&self, page: &str) -> HeaderValue {
        let mut cookie = self.cookie(self.link_name(page), String::new());
        cookie.make_removal();
        header_value(&cookie)
    }

    fn link_name(&self, page: &str) -> String {
        let prefix = if self.secure { "__Host-" } else { "" };
        format!("{prefix}latchkey-link{}", page.replace('/', "-"))
    }

    /// The token of the sign-in that waits for its second step.
    #[must_use]
    pub fn set_challenge(&self, token: String) -> HeaderValue {
        self.for_a_short_time(CHALLENGE, token)
    }

    #[must_use]
    pub fn challenge(&self, headers: &HeaderMap) -> Option<String> {
        value(headers, CHALLENGE[usize::from(self.secure)])
    }

    #[must_use]
    pub fn forget_challenge(&self) -> HeaderValue {
        self.removal(CHALLENGE)
    }

    /// The token of the sign-in that waits for its second factor.
    #[must_use]
    pub fn set_second_factor(&self, token: String) -> HeaderValue {
        self.for_a_short_time(SECOND_FACTOR, token)
    }

    #[must_use]
    pub fn second_factor(&self, headers: &HeaderMap) -> Option<String> {
        value(headers, SECOND_FACTOR[usize::from(self.secure)])
    }

    #[must_use]
    pub fn forget_second_factor(&self) -> HeaderValue {
        self.removal(SECOND_FACTOR)
    }

    /// The cookie of an app's host. `is_https`: whether the app is at https, which we need not be.
    #[must_use]
    pub fn app(&self, headers: &HeaderMap, host: &str, is_https: bool) -> Option<String> {
        value(headers, &at_port(APP, host, is_https))
    }

    /// It ends with the browser; what it names ends with the session.
    #[must_use]
    pub fn set_app(&self, value: String, host: &str, is_https: bool) -> HeaderValue {
        header_value(&self.cookie_at(at_port(APP, host, is_https).into(), value, is_https))
    }

    #[must_use]
    pub fn app_browser(&self, headers: &HeaderMap, host: &str, is_https: bool) -> Option<String> {
        value(headers, &at_port(APP_BROWSER, host, is_https))
    }

    #[must_use]
    pub fn set_app_browser(&self, value: String, host: &str, is_https: bool) -> HeaderValue {
        let name = at_port(APP_BROWSER, host, is_https);
        let mut cookie = self.cookie_at(name.into(), value, is_https);
        cookie.set_max_age(AN_HOUR);
        header_value(&cookie)
    }

    fn for_a_short_time(&self, names: [&'static str; 2], value: String) -> HeaderValue {
        let mut cookie = self.cookie(names[usize::from(self.secure)], value);
        cookie.set_max_age(SHORT);
        header_value(&cookie)
    }

    fn removal(&self, names: [&'static str; 2]) -> HeaderValue {
        let mut cookie = self.cookie(names[usize::from(self.secure)], String::new());
        cookie.make_removal();
        header_value(&cookie)
    }

    /// The language that the user has chosen, as a tag. Unchecked client input.
    #[must_use]
    pub fn language(&self, headers: &HeaderMap) -> Option<String> {
        value(headers, LANGUAGE[usize::from(self.secure)])
    }

    #[must_use]
    pub fn set_language(&self, tag: &'static str) -> HeaderValue {
        let mut cookie = self.cookie(LANGUAGE[usize::from(self.secure)], tag.to_owned());
        cookie.set_max_age(LONG);
        header_value(&cookie)
    }

    /// The same, until the browser ends: an app has wished for it, and not its user.
    #[must_use]
    pub fn set_language_for_now(&self, tag: &'static str) -> HeaderValue {
        header_value(&self.cookie(LANGUAGE[usize::from(self.secure)], tag.to_owned()))
    }

    /// A new visitor, and the `Set-Cookie` that identifies them. It ends with the browser.
    pub fn new_visitor(&self) -> Result<(String, HeaderValue), Fault> {
        let visitor = random::text()?;
        let cookie = self.cookie(self.visitor_name(), visitor.clone());
        Ok((visitor, header_value(&cookie)))
    }

    /// The headers that make a browser forget the session (SE-09). `Clear-Site-Data` clears no
    /// `"cookies"`, because that would sign people out of other programs on our sub-domains, and no
    /// `"cache"`: nothing private is in it (`no-store`), and clearing a large one takes seconds.
    #[must_use]
    pub fn forget(&self) -> HeaderMap {
        let clear = HeaderValue::from_static("\"storage\"");
        HeaderMap::from_iter([
            (header::SET_COOKIE, self.removal(SESSION)),
            (HeaderName::from_static("clear-site-data"), clear),
        ])
    }

    fn cookie(&self, name: impl Into<Cow<'static, str>>, value: String) -> Cookie<'static> {
        self.cookie_at(name.into(), value, self.secure)
    }

    #[expect(clippy::unused_self, reason = "cookies are made by this struct only")]
    fn cookie_at(&self, name: Cow<'static, str>, value: String, secure: bool) -> Cookie<'static> {
        Cookie::build((name, value))
            .path("/")
            .http_only(true)
            .secure(secure)
            .same_site(SameSite::Lax)
            .build()
    }
}

/// The value of the cookie with exactly this name. If there are two, neither counts (CK-04).
/// Cookies of other programs on this host are skipped, whatever bytes they contain.
fn value(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut found = None;
    for line in headers.get_all(header::COOKIE) {
        let line = String::from_utf8_lossy(line.as_bytes());
        for cookie in Cookie::split_parse(&*line).flatten().filter(|c| c.name() == name) {
            if found.is_some() {
                return None;
            }
            found = Some(cookie.value().to_owned());
        }
    }
    found
}

fn header_value(cookie: &Cookie<'_>) -> HeaderValue {
    #[expect(clippy::expect_used, reason = "names, ids and tokens are of the base64url alphabet")]
    HeaderValue::try_from(cookie.to_string()).expect("a cookie of visible ASCII")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(line: &[u8]) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_bytes(line).expect("a header value"));
        value(&headers, "latchkey")
    }

    #[test]
    fn a_cookie_counts_by_its_exact_name_and_once() {
        for (line, value) in [
            ("latchkey=a", Some("a")),
            ("x=1; latchkey=a; y=2", Some("a")),
            ("x=\u{e9}; latchkey=a", Some("a")),
            ("latchkey=a; latchkey=b", None),
            ("latchkey2=a", None),
            ("Latchkey=a", None),
            ("latchkey", None),
            ("", None),
        ] {
            assert_eq!(read(line.as_bytes()).as_deref(), value, "{line}");
        }
        assert_eq!(read(b"x=\xff; latchkey=a").as_deref(), Some("a"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut headers = HeaderMap::new();
            if let Ok(line) = HeaderValue::from_bytes(&bytes) {
                headers.insert(header::COOKIE, line);
            }
            let _ = value(&headers, "latchkey");
        }
    }
}
