//! Apps that nobody registered: their `client_id` is the https address of a document that describes them
//! (OAuth Client ID Metadata Document). The tools of AI agents use it (Model Context Protocol, 2026-07-28).
//!
//! The document is anybody's text. It is read by the guarded fetch, only for somebody who is signed in, a few
//! times a minute at most; what it says of the app is believed only as far as its address proves it. Members
//! and grant types that mean nothing here are ignored. People are always asked.

use std::{num::NonZero, sync::Arc, time::Duration};

use quick_cache::sync::Cache;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::{App, Definition, file};
use crate::{
    domain::AccountId,
    platform::{
        clock::now,
        fetch::{Fetcher, Unfetched, short},
        jose,
    },
};

/// How long a document counts, in seconds, before it is read again.
pub(super) const KEPT: i64 = 24 * 3600;

/// How long a document that can't be read is not tried again.
const AGAIN: Duration = Duration::from_secs(10);

/// How many documents a node reads a minute, in all and for one account.
const A_MINUTE: NonZero<u32> = NonZero::new(300).unwrap();
const FOR_ONE: NonZero<u32> = NonZero::new(20).unwrap();

/// How long the app of a document counts that can't be read again, in seconds.
pub(super) const AT_MOST: i64 = 7 * KEPT;

/// How many apps a node remembers before somebody agrees to them.
const MOST: usize = 200;

/// The longest address of a document, in bytes.
const MAX_ADDRESS: usize = 512;

/// The most redirect URIs of a document.
const MAX_URIS: usize = 20;

/// The document, as far as it means something here.
#[derive(Deserialize)]
struct Document {
    client_id: String,
    client_name: Option<Value>,
    redirect_uris: Vec<String>,
    token_endpoint_auth_method: Option<String>,
    jwks: Option<Value>,
    jwks_uri: Option<String>,
    client_secret: Option<Value>,
}

/// Whether a `client_id` is the address of a document: https, with a path, and without anything that could
/// be read in two ways (section 3 of the draft).
#[must_use]
pub fn is_address(id: &str) -> bool {
    let Some(rest) = id.strip_prefix("https://") else { return false };
    let Ok(url) = Url::parse(id) else { return false };
    let plain = id.len() <= MAX_ADDRESS
        && url.as_str() == id
        && url.username().is_empty()
        && url.password().is_none()
        && !id.contains(['#', '?', '%', '\\']);
    plain && rest.split_once('/').is_some_and(|(host, path)| !host.is_empty() && !path.is_empty())
}

/// The app that a document describes, or why it describes none.
fn read(address: &str, body: &Value) -> Result<App, String> {
    let document = Document::deserialize(body).map_err(|error| error.to_string())?;
    if document.client_id != address {
        return Err("client_id is not the address of the document".to_owned());
    }
    // A secret in a public document is none.
    if document.client_secret.is_some() {
        return Err("the document has a client_secret".to_owned());
    }
    let has_keys = document.jwks.is_some() || document.jwks_uri.is_some();
    let public = match document.token_endpoint_auth_method.as_deref() {
        None | Some("none") => true,
        Some("private_key_jwt") if has_keys => false,
        Some("private_key_jwt") => return Err("private_key_jwt needs jwks or jwks_uri".to_owned()),
        Some(_) => {
            return Err("token_endpoint_auth_method must be none or private_key_jwt".to_owned());
        }
    };
    if document.redirect_uris.is_empty() || document.redirect_uris.len() > MAX_URIS {
        return Err(format!("redirect_uris must name 1 to {MAX_URIS} addresses"));
    }
    let url = Url::parse(address).map_err(|error| error.to_string())?;
    let host = url.host_str().unwrap_or_default();
    let name = document.client_name.as_ref().and_then(Value::as_str).map(str::trim);
    let name = name.filter(|name| file::is_name(name)).unwrap_or(host).to_owned();
    let (jwks, jwks_uri) = match (public, document.jwks) {
        (true, _) => (None, None),
        // No more than can be used.
        (false, Some(jwks)) => (jose::Keys::read(&jwks).map(|keys| keys.published()), None),
        (false, None) => (None, document.jwks_uri),
    };
    // Those that we don't accept are as good as not there.
    let is_good = |uri: &String| {
        let redirect_uris = vec![uri.clone()];
        let one = Definition { redirect_uris, public: true, ..Definition::default() };
        one.faults().is_empty()
    };
    let definition = Definition {
        redirect_uris: document.redirect_uris.into_iter().filter(is_good).collect(),
        public,
        jwks,
        jwks_uri,
        third_party: true,
        ..Definition::default()
    };
    if let Some(fault) = definition.faults().into_iter().next() {
        return Err(fault);
    }
    let (id, now) = (address.to_owned(), now());
    Ok(App { fetched_at: Some(now), ..App::new(id, name, definition, now) })
}

/// The outcome of a recent attempt to read a document, and its time.
type Reading = (Result<Arc<App>, Unfetched>, Instant);

/// Reads documents, and remembers them for a while.
pub(super) struct Reader {
    fetcher: Fetcher,
    lately: Cache<String, Reading>,
    limit: governor::DefaultDirectRateLimiter,
    of_account: governor::DefaultKeyedRateLimiter<i64>,
}

impl Reader {
    pub(super) fn new(fetcher: Fetcher) -> Self {
        let limit = governor::RateLimiter::direct(governor::Quota::per_minute(A_MINUTE));
        let of_account = governor::RateLimiter::keyed(governor::Quota::per_minute(FOR_ONE));
        Self { fetcher, lately: Cache::new(MOST), limit, of_account }
    }

    /// The app at this address, as it was lately or is now. `by`: the account for which it is read.
    pub(super) async fn app(&self, address: &str, by: AccountId) -> Result<Arc<App>, Unfetched> {
        if let Some((read, at)) = self.lately.get(address) {
            let is_good = match &read {
                Ok(app) => app.is_fresh(now()),
                Err(_) => at.elapsed() < AGAIN,
            };
            if is_good {
                return read;
            }
        }
        self.of_account.retain_recent();
        if self.of_account.check_key(&by.0).is_err() || self.limit.check().is_err() {
            return Err(Unfetched("too many documents were read in the last minute".to_owned()));
        }
        let read = self.fetch(address).await.map(Arc::new);
        let read = read.map_err(|Unfetched(why)| Unfetched(short(&why)));
        if let Err(Unfetched(why)) = &read {
            tracing::info!(address, why, "the metadata of an app can't be used");
        }
        self.lately.insert(address.to_owned(), (read.clone(), Instant::now()));
        read
    }

    async fn fetch(&self, address: &str) -> Result<App, Unfetched> {
        let url = Url::parse(address).map_err(|error| Unfetched(error.to_string()))?;
        let body: Value = self.fetcher.get(&url).await?.json()?;
        read(address, &body).map_err(Unfetched)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const ADDRESS: &str = "https://tool.example.org/client.json";

    fn document() -> Value {
        json!({
            "client_id": ADDRESS,
            "client_name": "A tool",
            "redirect_uris": ["http://127.0.0.1/callback", "https://tool.example.org/callback"],
            "grant_types": ["authorization_code", "refresh_token", "urn:example:unknown"],
            "token_endpoint_auth_method": "none",
            "logo_uri": "https://tool.example.org/logo.png",
            "something": {"else": [1, 2]},
        })
    }

    fn changed(name: &str, value: Value) -> Value {
        let mut document = document();
        document[name] = value;
        document
    }

    #[test]
    fn an_address_can_be_read_in_one_way() {
        for good in [ADDRESS, "https://tool.example.org:8443/a/b", "https://tool.example.org/x/"] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "http://tool.example.org/client.json",
            "https://tool.example.org",
            "https://tool.example.org/",
            "https://Tool.example.org/client.json",
            "https://tool.example.org:443/client.json",
            "https://tool.example.org/a/../client.json",
            "https://tool.example.org/./client.json",
            "https://me@tool.example.org/client.json",
            "https://tool.example.org/client.json#x",
            "https://tool.example.org/client.json?x",
            "https://tool.example.org/%61",
            "https://tool.example.org\\@evil.example/x",
            "https:///client.json",
            "",
        ] {
            assert!(!is_address(bad), "{bad}");
        }
    }

    #[test]
    fn what_means_nothing_is_ignored() {
        let uris = json!([
            "cursor://callback",
            "http://127.0.0.1/callback",
            "https://tool.example.org/callback"
        ]);
        let app = read(ADDRESS, &changed("redirect_uris", uris)).expect("an app");
        assert_eq!((&*app.id, &*app.name), (ADDRESS, "A tool"));
        assert!(app.definition.public && app.definition.third_party && app.is_dynamic());
        assert_eq!(app.definition.redirect_uris.len(), 2);
    }

    #[test]
    fn a_name_that_could_deceive_gives_way_to_the_host() {
        for name in [json!("\u{202e}lood A"), json!(""), json!(7), json!("x".repeat(65))] {
            let app = read(ADDRESS, &changed("client_name", name)).expect("an app");
            assert_eq!(app.name, "tool.example.org");
        }
    }

    #[test]
    fn a_document_that_contradicts_itself_is_refused() {
        for (name, value) in [
            ("client_id", json!("https://tool.example.org/other.json")),
            ("client_id", json!(null)),
            ("client_secret", json!("x")),
            ("redirect_uris", json!([])),
            ("redirect_uris", json!(["javascript:alert(1)"])),
            ("redirect_uris", json!(["http://tool.example.org/callback"])),
            ("redirect_uris", json!("https://tool.example.org/callback")),
            ("token_endpoint_auth_method", json!("client_secret_basic")),
            ("token_endpoint_auth_method", json!("private_key_jwt")),
        ] {
            let read = read(ADDRESS, &changed(name, value.clone()));
            assert!(read.is_err(), "{name}: {value}");
        }
        assert!(read(ADDRESS, &json!([])).is_err());
        assert!(read(ADDRESS, &json!("x")).is_err());
    }

    proptest! {
        #[test]
        fn any_address_is_read_without_a_panic(id in "https://\\PC{0,60}") {
            if is_address(&id) {
                let url = Url::parse(&id).expect("a URL");
                prop_assert_eq!(url.as_str(), id);
            }
        }
    }
}
