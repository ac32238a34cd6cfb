//! The public address.

use url::Url;

/// The public origin: scheme, host, optionally a port, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(Url);

impl PublicUrl {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text)
            .map_err(|_| "must be a URL, for example https://accounts.example.org")?;
        if !["http", "https"].contains(&url.scheme()) || url.host().is_none() {
            return Err("must start with https:// or http://".into());
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err("must be scheme, host and port, without a path".into());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not contain a user or a password".into());
        }
        Ok(Self(url))
    }

    pub(crate) fn local(port: u16) -> Self {
        #[expect(clippy::expect_used, reason = "a port number cannot break the URL")]
        Self(Url::parse(&format!("http://localhost:{port}")).expect("a valid URL"))
    }

    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether requests to it stay on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        }
    }

    /// Scheme, host and, unless it is the scheme's default, port: `https://accounts.example.org`.
    #[must_use]
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or_default()
    }
}
