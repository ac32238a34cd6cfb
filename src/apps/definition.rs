//! The definition of an app, and the rules that it must meet.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use url::{Host, Url};

use crate::{
    groups,
    platform::{clock::seconds, jose, settings},
    signing::Algorithm,
};

/// The definition of an app by its operator, without the id, the name and the secret. `APPS_FILE` and the
/// database hold the same members.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Definition {
    /// The addresses that people may be sent back to, compared character by character.
    pub redirect_uris: Vec<String>,
    /// The addresses that people may be sent to after signing out.
    pub post_logout_redirect_uris: Vec<String>,
    /// The address that Latchkey tells when somebody has signed out.
    pub backchannel_logout_uri: Option<String>,
    /// The origin of an app behind a proxy.
    pub host: Option<String>,
    /// Whether it can keep no secret: an app in a browser or on a device.
    pub public: bool,
    /// Its public keys, instead of a secret (RFC 7523): a JWK Set, or the address of one.
    pub jwks: Option<Value>,
    pub jwks_uri: Option<String>,
    /// Whether it signs people in on devices without a browser or a keyboard (RFC 8628).
    pub device: bool,
    /// Whether it acts for itself, without a person (RFC 6749, section 4.4).
    pub client_credentials: bool,
    /// Scopes of its own. Of a service: what tokens for it may allow. Of an app that acts for itself: what
    /// it may ask for.
    pub scopes: Vec<String>,
    /// Whether people are asked for their consent.
    pub third_party: bool,
    /// Only members of one of these get in. Empty: everybody does.
    pub groups: Vec<String>,
    /// Audiences that it may ask access tokens for (RFC 8707).
    pub resources: Vec<String>,
    /// Audiences that it is itself: an API, which may ask about the tokens that are meant for it.
    pub serves: Vec<String>,
    /// How its ID tokens are signed.
    pub id_token_alg: Algorithm,
    /// The longest time since the last sign-in or confirmation, in seconds.
    #[serde(deserialize_with = "span")]
    pub longest_session: Option<i64>,
    /// Whether addresses with http are allowed that are not on this machine: inside a LAN.
    pub insecure_http: bool,
    /// Rules for the paths of an app behind a proxy. The longest prefix decides.
    pub rules: Vec<Rule>,
}

/// A number of seconds, or a duration such as `8h`.
fn span<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Seconds(i64),
        Duration(String),
    }
    Ok(match Option::<Written>::deserialize(deserializer)? {
        None => None,
        Some(Written::Seconds(seconds)) => Some(seconds),
        Some(Written::Duration(text)) => {
            let duration = settings::duration(&text).map_err(serde::de::Error::custom)?;
            Some(seconds(duration))
        }
    })
}

/// A rule for the paths of an app behind a proxy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// A prefix: `/admin` is for `/admin` and all below it.
    pub path: String,
    pub access: Access,
}

/// The people who may see a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    Everybody,
    SignedIn,
    /// Members of one of these groups.
    Groups(Vec<String>),
}

/// The path at an app's host that ends a sign-in.
pub(crate) const CALLBACK: &str = "/.latchkey/callback";

/// The longest address, in bytes.
const MAX_URI: usize = 2000;

impl Definition {
    /// Whether it has a secret: an app that is only behind a proxy has none, and one with keys needs none.
    #[must_use]
    pub fn has_secret(&self) -> bool {
        self.is_confidential() && !self.has_keys()
    }

    /// Whether it can prove who it is.
    #[must_use]
    pub fn is_confidential(&self) -> bool {
        let is_client = !self.redirect_uris.is_empty()
            || !self.serves.is_empty()
            || self.device
            || self.client_credentials;
        is_client && !self.public
    }

    /// Whether it proves who it is with a key pair (`private_key_jwt`).
    #[must_use]
    pub fn has_keys(&self) -> bool {
        self.jwks.is_some() || self.jwks_uri.is_some()
    }

    /// Everything that is wrong with it, in words.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |what: &str, uri: &str, result: Result<(), &'static str>| {
            if let Err(reason) = result {
                faults.push(format!("{what} {uri}: {reason}"));
            }
        };
        for uri in &self.redirect_uris {
            check("redirect URI", uri, self.check_redirect(uri));
        }
        for uri in &self.post_logout_redirect_uris {
            check("post-logout redirect URI", uri, self.check_redirect(uri));
        }
        if let Some(uri) = &self.backchannel_logout_uri {
            check("back-channel logout URI", uri, self.check_web(uri));
        }
        if let Some(host) = &self.host {
            let checked = self.check_web(host).and_then(|()| match Url::parse(host) {
                Ok(url) if url.origin().ascii_serialization() == *host => Ok(()),
                _ => {
                    Err("must be scheme, host and port only, in lower case, without a / at the end")
                }
            });
            check("host", host, checked);
        }
        for uri in self.resources.iter().chain(&self.serves) {
            let is_uri = Url::parse(uri).is_ok_and(|url| url.fragment().is_none());
            check("resource", uri, if is_uri { Ok(()) } else { Err("must be a URI") });
        }
        let of_rules = self.rules.iter().flat_map(|rule| match &rule.access {
            Access::Groups(groups) => groups.as_slice(),
            _ => &[],
        });
        for group in self.groups.iter().chain(of_rules) {
            if !groups::is_name(group) {
                faults.push(format!("group {group}: use 1 to 64 letters, digits, -, _ and ."));
            }
        }
        for rule in &self.rules {
            if !rule.path.starts_with('/') || !is_plain(&rule.path) {
                faults.push(format!("rule {}: must be a plain path that begins with /", rule.path));
            }
            if matches!(&rule.access, Access::Groups(groups) if groups.is_empty()) {
                faults.push(format!("rule {}: names no group", rule.path));
            }
        }
        if self.redirect_uris.is_empty()
            && self.host.is_none()
            && self.serves.is_empty()
            && !self.device
            && !self.client_credentials
        {
            faults.push(
                "an app needs a redirect URI, a host behind a proxy, an audience that it serves, the \
                 device flow, or client credentials"
                    .to_owned(),
            );
        }
        faults.extend(self.faults_of_keys());
        for scope in &self.scopes {
            if !is_scope(scope) {
                let rule = "use 1 to 64 visible ASCII characters without \" and \\, and no word of \
                            OpenID Connect";
                faults.push(format!("scope {scope}: {rule}"));
            }
        }
        if self.host.is_none() && !self.rules.is_empty() {
            faults.push("rules for paths are for an app with a host behind a proxy".to_owned());
        }
        faults
    }

    fn faults_of_keys(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.client_credentials && self.public {
            faults.push("a public app can't act for itself: anybody could be it".to_owned());
        }
        if self.has_keys() && self.public {
            faults.push("a public app has no keys".to_owned());
        }
        if self.jwks.is_some() && self.jwks_uri.is_some() {
            faults.push("name the keys in one way only: jwks or jwks_uri".to_owned());
        }
        if let Some(jwks) = &self.jwks
            && jose::Keys::read(jwks).is_none_or(|keys| keys.is_empty())
        {
            faults.push("jwks: must be a JWK Set with a public key".to_owned());
        }
        if let Some(uri) = &self.jwks_uri
            && let Err(reason) = self.check_web(uri)
        {
            faults.push(format!("jwks_uri {uri}: {reason}"));
        }
        faults
    }

    /// An address that the browser is sent to.
    fn check_redirect(&self, uri: &str) -> Result<(), &'static str> {
        let url = parse(uri)?;
        match url.scheme() {
            "http" | "https" => self.check_web(uri),
            // RFC 8252, section 7.1: a scheme that is a name the app's maker owns, in reverse.
            scheme if self.public && scheme.contains('.') => Ok(()),
            _ if self.public => Err("a scheme of one's own contains a dot, like org.example.app"),
            _ => Err("must begin with https://"),
        }
    }

    fn check_web(&self, uri: &str) -> Result<(), &'static str> {
        let url = parse(uri)?;
        match url.scheme() {
            "https" => Ok(()),
            "http" if is_local(&url) || self.insecure_http => Ok(()),
            "http" => Err("must begin with https://, unless insecure HTTP is allowed for this app"),
            _ => Err("must begin with https://"),
        }
    }

    /// The host behind a proxy as a browser names it: without the default port.
    #[must_use]
    pub fn authority(&self) -> Option<String> {
        let url = Url::parse(self.host.as_deref()?).ok()?;
        let host = url.host_str()?.to_ascii_lowercase();
        Some(url.port().map_or(host.clone(), |port| format!("{host}:{port}")))
    }

    /// Whether the app may be sent back to this address. It is compared character by character. Only the
    /// port of a loopback address is free for an app on a device, because the app listens on any that the
    /// system gives it (RFC 8252, section 7.3).
    #[must_use]
    pub fn allows_redirect(&self, uri: &str) -> bool {
        let of_host = self.host.as_ref().map(|host| format!("{host}{CALLBACK}"));
        let is_it = |known: &String| {
            known == uri || (self.public && differs_in_port(known, uri, &LOOPBACK))
        };
        self.redirect_uris.iter().any(is_it) || of_host.as_deref() == Some(uri)
    }

    /// The same for `localhost`, whose port is free as well.
    #[must_use]
    pub(super) fn allows_local_redirect(&self, uri: &str) -> bool {
        self.redirect_uris.iter().any(|known| differs_in_port(known, uri, &["http://localhost"]))
    }

    /// Whether this is an audience that it serves.
    #[must_use]
    pub fn serves_at(&self, resource: &str) -> bool {
        self.serves.iter().any(|known| is_same(known, resource))
    }

    #[must_use]
    pub fn allows_post_logout(&self, uri: &str) -> bool {
        self.post_logout_redirect_uris.iter().any(|known| known == uri)
    }
}

/// Whether two audiences are the same. Many programs write an origin with a slash at its end.
pub fn is_same(one: &str, other: &str) -> bool {
    let plain = |uri: &str| {
        let is_origin = uri.matches('/').count() == 3;
        uri.strip_suffix('/').filter(|_| is_origin).unwrap_or(uri).to_owned()
    };
    plain(one) == plain(other)
}

/// Whether this can be a scope of an app's own (RFC 6749, section 3.3).
fn is_scope(scope: &str) -> bool {
    let is_good = |byte: u8| byte.is_ascii_graphic() && !b"\"\\".contains(&byte);
    (1..=64).contains(&scope.len()) && scope.bytes().all(is_good) && !OPENID.contains(&scope)
}

/// The scopes that mean something here (OpenID Connect Core 1.0, section 5.4).
pub const OPENID: [&str; 5] = ["openid", "profile", "email", "groups", "offline_access"];

fn parse(uri: &str) -> Result<Url, &'static str> {
    if uri.len() > MAX_URI {
        return Err("is longer than 2,000 bytes");
    }
    if !uri.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("must consist of visible ASCII: write other letters as the browser sends them");
    }
    if uri.contains('*') {
        return Err("must be written in full: there are no patterns");
    }
    let url = Url::parse(uri).map_err(|_| "is not a URI")?;
    if uri.contains('#') {
        return Err("must have no part after #");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must name no user");
    }
    // A browser would send another one.
    if url.as_str() != uri && url.as_str().strip_suffix('/') != Some(uri) {
        return Err("must be written as a browser sends it");
    }
    let ours = ["code", "error", "iss", "state"];
    if url.query_pairs().any(|(name, _)| ours.contains(&&*name)) {
        return Err("must have no parameter that the answer has: code, error, iss, state");
    }
    Ok(url)
}

/// Whether an address leads to the person's own device.
#[must_use]
pub fn is_loopback(uri: &str) -> bool {
    Url::parse(uri).is_ok_and(|url| is_local(&url))
}

/// The same for one that is read already.
#[must_use]
pub fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// The loopback interface, by number.
const LOOPBACK: [&str; 2] = ["http://127.0.0.1", "http://[::1]"];

/// Whether two addresses at the same one of these hosts are the same but for their ports.
fn differs_in_port(known: &str, uri: &str, hosts: &[&'static str]) -> bool {
    let rest = |uri: &str| {
        let mut hosts = hosts.iter();
        let (host, rest) =
            hosts.find_map(|host| Some((*host, uri.strip_prefix(host)?.to_owned())))?;
        let rest = match rest.strip_prefix(':') {
            Some(port) => {
                let digits = port.bytes().take_while(u8::is_ascii_digit).count();
                port[..digits].parse::<u16>().ok()?;
                port[digits..].to_owned()
            }
            None => rest,
        };
        // Nothing but a path or a query may follow.
        (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((host, rest))
    };
    rest(known).is_some_and(|known| rest(uri) == Some(known))
}

/// Whether a path can be read in one way only: no encoding, no dots, no empty parts.
#[must_use]
pub(crate) fn is_plain(path: &str) -> bool {
    let odd = |c: char| "%\\;#?".contains(c) || c.is_control() || c.is_whitespace();
    !path.contains(odd)
        && !path.contains("//")
        && path.split('/').all(|part| part != "." && part != "..")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn app(uri: &str) -> Definition {
        Definition { redirect_uris: vec![uri.to_owned()], ..Definition::default() }
    }

    fn native(uri: &str) -> Definition {
        Definition { public: true, ..app(uri) }
    }

    #[test]
    fn an_address_is_compared_character_by_character() {
        let known = "https://app.example.org/cb?a=b";
        assert!(app(known).allows_redirect(known));
        for other in [
            "https://app.example.org/cb",
            "https://app.example.org/cb?a=b&c=d",
            "https://app.example.org/CB?a=b",
            "https://APP.example.org/cb?a=b",
            "https://app.example.org:443/cb?a=b",
            "https://app.example.org/x/../cb?a=b",
            "https://app.example.org/cb?a=b#x",
            "https://x@app.example.org/cb?a=b",
            "https://app.example.org.evil.example/cb?a=b",
            "https://аpp.example.org/cb?a=b",
            "http://app.example.org/cb?a=b",
            "",
        ] {
            assert!(!app(known).allows_redirect(other), "{other}");
        }
    }

    #[test]
    fn only_the_port_of_a_loopback_address_is_free_and_only_for_a_public_app() {
        let app_uri = "http://127.0.0.1/cb";
        for port in ["", ":1", ":49152"] {
            assert!(native(app_uri).allows_redirect(&format!("http://127.0.0.1{port}/cb")));
        }
        assert!(!app("http://127.0.0.1:80/cb").allows_redirect("http://127.0.0.1:81/cb"));
        for other in [
            "http://127.0.0.1:x/cb",
            "http://127.0.0.1:99999/cb",
            "http://127.0.0.1:1@evil.example/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://127.0.0.1:1/cb/x",
            "http://localhost:1/cb",
            "https://127.0.0.1:1/cb",
            "http://[::1]:1/cb",
        ] {
            assert!(!native(app_uri).allows_redirect(other), "{other}");
        }
    }

    #[test]
    fn bad_addresses_are_refused_in_words() {
        for uri in [
            "https://app.example.org/*",
            "https://*.example.org/cb",
            "https://app.example.org/#x",
            "https://me@app.example.org/",
            "http://app.example.org/cb",
            "javascript:alert(1)",
            "data:text/html,x",
            "ftp://app.example.org/",
            "app.example.org",
            "https://app.example.org/ü",
            "https://app.example.org/../x",
            "https://app.example.org\\@evil.example/",
            "https://APP.example.org/cb",
            "https://app.example.org/cb?code=x",
        ] {
            assert_eq!(app(uri).faults().len(), 1, "{uri}");
        }
        assert!(app("http://localhost:3001/cb").faults().is_empty());
        assert!(app("http://127.0.0.1:3001/cb").faults().is_empty());
        assert!(native("org.example.app:/cb").faults().is_empty());
        assert_eq!(native("app:/cb").faults().len(), 1);
        assert_eq!(app("org.example.app:/cb").faults().len(), 1);
        let lan = Definition { insecure_http: true, ..app("http://nas.lan/cb") };
        assert!(lan.faults().is_empty());
        assert_eq!(Definition::default().faults().len(), 1);
    }

    #[test]
    fn a_host_is_an_origin() {
        let at = |host: &str| Definition { host: Some(host.to_owned()), ..Definition::default() };
        assert!(at("https://wiki.example.org").faults().is_empty());
        assert_eq!(at("https://wiki.example.org").authority().as_deref(), Some("wiki.example.org"));
        assert_eq!(at("http://localhost:8080").authority().as_deref(), Some("localhost:8080"));
        for bad in ["https://wiki.example.org/", "https://Wiki.example.org", "wiki.example.org"] {
            assert_eq!(at(bad).faults().len(), 1, "{bad}");
        }
        assert!(
            at("https://wiki.example.org")
                .allows_redirect("https://wiki.example.org/.latchkey/callback")
        );
    }

    #[test]
    fn a_plain_path_can_be_read_in_one_way() {
        for path in ["/", "/a", "/a/", "/a/b.c", "/a..b", "/.hidden"] {
            assert!(is_plain(path), "{path}");
        }
        for path in
            ["//a", "/a//b", "/a/../b", "/a/.", "/%61", "/a\\b", "/a;b", "/a b", "/..", "/a#b"]
        {
            assert!(!is_plain(path), "{path}");
        }
    }

    proptest! {
        #[test]
        fn no_other_address_passes(uri in "\\PC{0,60}") {
            let known = "https://app.example.org/cb";
            prop_assert_eq!(app(known).allows_redirect(&uri), uri == known);
            let allowed = native("http://127.0.0.1/cb").allows_redirect(&uri);
            prop_assert!(!allowed || Url::parse(&uri).is_ok_and(|url| is_local(&url) && url.path() == "/cb"));
        }
    }
}
