//! The sender of a request, before any authentication: plain values that `web/client.rs` reads from
//! the request.

use std::{fmt, net::IpAddr, sync::Arc};

use ipnet::IpNet;

use super::random;

/// 128 random bits. Never taken from the client.
#[derive(Clone, Debug, Default)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// Without randomness no session can begin either; the request goes on and fails there.
    #[must_use]
    pub fn new() -> Self {
        Self(random::label().unwrap_or_default().into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The sender of a request, before any authentication.
#[derive(Clone)]
pub struct Visit {
    pub address: Option<IpAddr>,
    /// In words, if known: `Firefox, Linux`.
    pub device: String,
    pub request_id: RequestId,
    /// The cookie's record of earlier sign-ins on this device.
    pub known_device: Option<String>,
    /// The cookie of a browser before anybody is signed in.
    pub visitor: Option<String>,
    /// Stands for the session, if there is one.
    pub session_reference: String,
    /// The tag of the language in which the sender wants to be addressed.
    pub language: &'static str,
}

impl Visit {
    /// The network shown to users and stored: /24, or /48 (AZ-04: no more than is needed).
    #[must_use]
    pub fn network(&self) -> String {
        self.address.map(|address| prefix(address, 24, 48)).unwrap_or_default()
    }

    /// The network used for counting: /32, or /64, one customer's share (AU-04).
    #[must_use]
    pub fn counted_network(&self) -> String {
        self.address.map(counted_network).unwrap_or_default()
    }
}

pub(crate) fn counted_network(address: IpAddr) -> String {
    prefix(address, 32, 64)
}

pub(crate) fn prefix(address: IpAddr, v4: u8, v6: u8) -> String {
    let length = if address.is_ipv4() { v4 } else { v6 };
    IpNet::new(address, length).map(|network| network.trunc().to_string()).unwrap_or_default()
}

/// `203.0.113.x`, from `203.0.113.0/24`.
#[must_use]
pub fn network_in_words(recorded: &str) -> String {
    match recorded.split_once('/') {
        Some((v4, "24")) => v4.strip_suffix(".0").map(|start| format!("{start}.x")),
        Some((v6, "48")) => v6.strip_suffix(':').map(|start| format!("{start}…")),
        _ => None,
    }
    .unwrap_or_else(|| recorded.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_written_for_people() {
        for (recorded, words) in [
            ("203.0.113.0/24", "203.0.113.x"),
            ("10.0.0.0/24", "10.0.0.x"),
            ("2001:db8:1::/48", "2001:db8:1:…"),
            ("::/48", ":…"),
            ("", ""),
            ("203.0.113.9/32", "203.0.113.9/32"),
        ] {
            assert_eq!(network_in_words(recorded), words);
        }
    }
}
