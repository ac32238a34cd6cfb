//! The guarded fetch: reads what somebody else's address says (CWE-918).
//!
//! The address may be anybody's text, so it must not become a way into the network this server stands in.
//! A fetch follows no redirects, uses no proxy of the environment, takes a few seconds and a few kilobytes
//! at most, and connects only to the addresses that were checked: the name is resolved once, and whatever
//! is inside is refused, unless the operator allows it.

use std::{
    error::Error,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use futures_util::FutureExt;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reqwest::{
    Client, RequestBuilder, StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::Policy,
};
use url::{Host, Url};

use super::error::Fault;

/// How long a fetch may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How much it may bring, in bytes.
const MOST: usize = 64 * 1024;

/// Why a fetch brought nothing: for the log, and for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfetched(pub String);

/// The answer to a fetch.
pub struct Fetched {
    pub status: StatusCode,
    pub media_type: String,
    pub body: Vec<u8>,
}

/// Fetches from the outside. Cheap to clone.
#[derive(Clone)]
pub struct Fetcher {
    guarded: Client,
    /// Without the check of addresses.
    open: Client,
    allowed: Allowed,
}

/// The networks inside that may be reached all the same, and the setting that names them.
#[derive(Clone)]
struct Allowed {
    networks: Arc<[IpNet]>,
    setting: &'static str,
}

impl Fetcher {
    /// `networks`: those inside that may be reached all the same. `setting`: what names them.
    pub fn new(networks: Vec<IpNet>, setting: &'static str) -> Result<Self, Fault> {
        let allowed = Allowed { networks: networks.into(), setting };
        let client = || {
            Client::builder()
                .redirect(Policy::none())
                .no_proxy()
                .timeout(PATIENCE)
                // A connection that was checked long ago says nothing about now.
                .pool_max_idle_per_host(0)
                .user_agent(concat!("latchkey/", env!("CARGO_PKG_VERSION")))
        };
        let guarded = client().dns_resolver(Arc::new(Guarded(allowed.clone())));
        Ok(Self {
            guarded: guarded.build().map_err(Fault::internal)?,
            open: client().build().map_err(Fault::internal)?,
            allowed,
        })
    }

    /// Reads an address that anybody may have written.
    pub async fn get(&self, url: &Url) -> Result<Fetched, Unfetched> {
        self.check(url)?;
        send(self.guarded.get(url.clone())).await
    }

    /// Sends something to an address that anybody may have written.
    pub async fn post(
        &self,
        url: &Url,
        change: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<Fetched, Unfetched> {
        self.check(url)?;
        send(change(self.guarded.post(url.clone()))).await
    }

    /// Reads an address that a peer has named: at its own origin, which the operator has named, wherever
    /// that is, or else outside.
    pub async fn get_from(&self, origin: &Url, url: &Url) -> Result<Fetched, Unfetched> {
        send(self.client_for(origin, url)?.get(url.clone())).await
    }

    /// Sends a form there, and headers with it.
    pub async fn post_to(
        &self,
        origin: &Url,
        url: &Url,
        change: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<Fetched, Unfetched> {
        send(change(self.client_for(origin, url)?.post(url.clone()))).await
    }

    /// Reads an address there, with headers.
    pub async fn get_with(
        &self,
        origin: &Url,
        url: &Url,
        change: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<Fetched, Unfetched> {
        send(change(self.client_for(origin, url)?.get(url.clone()))).await
    }

    fn client_for(&self, origin: &Url, url: &Url) -> Result<&Client, Unfetched> {
        if origin.origin() == url.origin() {
            return Ok(&self.open);
        }
        self.check(url)?;
        Ok(&self.guarded)
    }

    /// Names are checked when they are resolved; an address that stands in the URL is not resolved.
    fn check(&self, url: &Url) -> Result<(), Unfetched> {
        let is_web = matches!(url.scheme(), "https" | "http");
        let address = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) => None,
            None => return Err(Unfetched("the address has no host".to_owned())),
        };
        if !is_web {
            return Err(Unfetched("the address is not one of the web".to_owned()));
        }
        match address {
            Some(address) if !may_reach(&self.allowed.networks, address) => {
                Err(inside(address, self.allowed.setting))
            }
            _ => Ok(()),
        }
    }
}

fn inside(address: IpAddr, setting: &str) -> Unfetched {
    Unfetched(format!("{address} is inside a network, and {setting} does not name it"))
}

async fn send(request: RequestBuilder) -> Result<Fetched, Unfetched> {
    let failed = |error: reqwest::Error| Unfetched(words(&error.without_url()));
    let mut answer = request.send().await.map_err(failed)?;
    let (status, headers) = (answer.status(), answer.headers());
    let media_type = headers.get("content-type").and_then(|value| value.to_str().ok());
    let media_type = media_type.unwrap_or_default().split(';').next().unwrap_or_default();
    let media_type = media_type.trim().to_ascii_lowercase();
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(failed)? {
        if body.len() + piece.len() > MOST {
            return Err(Unfetched("the answer is longer than 64 KiB".to_owned()));
        }
        body.extend_from_slice(&piece);
    }
    Ok(Fetched { status, media_type, body })
}

impl Fetched {
    /// The body of a good answer, as JSON.
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, Unfetched> {
        if self.status.is_redirection() {
            return Err(Unfetched(format!(
                "it answered {}: redirects are not followed",
                self.status
            )));
        }
        if self.status != StatusCode::OK {
            return Err(Unfetched(format!("it answered {}", self.status)));
        }
        let is_json = self.media_type == "application/json"
            || (self.media_type.starts_with("application/") && self.media_type.ends_with("+json"));
        if !is_json {
            return Err(Unfetched("the answer is not JSON".to_owned()));
        }
        serde_json::from_slice(&self.body)
            .map_err(|error| Unfetched(short(&format!("the answer can't be read: {error}"))))
    }
}

/// Anybody's text, for the log: not too long, and without control characters.
#[must_use]
pub fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// An error with its causes, which say what is wrong.
#[must_use]
pub fn words(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words += &format!(": {error}");
        cause = error.source();
    }
    words
}

/// Resolves names to addresses that may be reached, and connects to no others.
struct Guarded(Allowed);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.0.clone();
        async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            // All of them: a name that leads inside and outside is a trick.
            if let Some(address) =
                found.iter().find(|found| !may_reach(&allowed.networks, found.ip()))
            {
                return Err(inside(address.ip(), allowed.setting).0.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        }
        .boxed()
    }
}

pub(crate) fn may_reach(allowed: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    is_outside(address) || allowed.iter().any(|network| network.contains(&address))
}

/// The networks that are not the Internet's (IANA's registries of special-purpose addresses).
const INSIDE_V4: [(Ipv4Addr, u8); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// Of IPv6 only this is the Internet's,
const OUTSIDE_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// but for these: protocols, documentation, and addresses of IPv4 in disguise.
const INSIDE_V6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

fn is_outside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !INSIDE_V4
            .iter()
            .any(|(network, length)| Ipv4Net::new_assert(*network, *length).contains(&address)),
        IpAddr::V6(address) => {
            let is_in = |(network, length): &(Ipv6Addr, u8)| {
                Ipv6Net::new_assert(*network, *length).contains(&address)
            };
            is_in(&OUTSIDE_V6) && !INSIDE_V6.iter().any(is_in)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(address: &str) -> bool {
        may_reach(&[], address.parse().expect("an address"))
    }

    #[test]
    fn only_the_internet_is_reached() {
        for address in ["1.1.1.1", "93.184.216.34", "172.32.0.1", "2606:4700::1111"] {
            assert!(reached(address), "{address}");
        }
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.100.0.1",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.31.255.255",
            "192.168.1.1",
            "198.19.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "ff02::1",
        ] {
            assert!(!reached(address), "{address}");
        }
    }

    #[test]
    fn what_the_operator_allows_is_reached() {
        let allowed = ["10.1.0.0/16".parse().expect("a network")];
        assert!(may_reach(&allowed, "10.1.2.3".parse().expect("an address")));
        assert!(may_reach(&allowed, "::ffff:10.1.2.3".parse().expect("an address")));
        assert!(!may_reach(&allowed, "10.2.2.3".parse().expect("an address")));
    }

    #[tokio::test]
    async fn an_address_in_the_url_and_a_name_are_checked_alike() {
        let fetcher = Fetcher::new(Vec::new(), "FETCH_ALLOW").expect("a fetcher");
        for url in [
            "http://127.0.0.1:9/",
            "http://[::1]:9/",
            "http://[::ffff:127.0.0.1]:9/",
            "http://2130706433:9/",
            "http://0x7f.1:9/",
            "http://localhost:9/",
        ] {
            let failed = fetcher.get(&Url::parse(url).expect("a URL")).await.err();
            let Unfetched(why) = failed.unwrap_or_else(|| panic!("{url} was fetched"));
            assert!(why.contains("inside a network"), "{url}: {why}");
        }
    }
}
