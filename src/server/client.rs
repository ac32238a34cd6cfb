//! The client: its address, which is the other end of the connection unless that is a proxy of ours
//! (AU-06), and the device that it says it is.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::FromRequestParts,
    http::{Extensions, HeaderMap, header, request::Parts},
};
use ipnet::IpNet;

use super::{
    access::SignedIn, connections::Connection, macs::Statement, state::AppState,
    telemetry::RequestId,
};

/// From where a request came, in its extensions: all that is found out of it at the beginning.
#[derive(Clone)]
pub(super) struct Sender {
    pub(super) request_id: RequestId,
    pub(super) address: Option<IpAddr>,
    pub(super) connection: Option<Arc<Connection>>,
}

/// What is known of whoever sends a request before he has proved anything.
#[derive(Clone)]
pub struct Visit {
    pub address: Option<IpAddr>,
    /// In words, as far as it is known: `Firefox, Linux`.
    pub device: String,
    pub request_id: RequestId,
    /// What the cookie says of those who have signed in from this device before.
    pub known_device: Option<String>,
    /// Stands for the session, if there is one.
    pub session_reference: String,
}

impl Visit {
    #[must_use]
    pub fn of(state: &AppState, headers: &HeaderMap, extensions: &Extensions) -> Self {
        let sender = extensions.get::<Sender>();
        let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        let session = extensions.get::<SignedIn>().map(SignedIn::session);
        Self {
            address: sender.and_then(|sender| sender.address),
            device: device(agent.unwrap_or_default()),
            request_id: sender.map(|sender| sender.request_id.clone()).unwrap_or_default(),
            known_device: state.cookies.device(headers),
            session_reference: session
                .map(|id| state.macs.tag(Statement::SessionReference(id)))
                .unwrap_or_default(),
        }
    }

    /// The network that is shown to people and written down: /24, or /48 (AZ-04 asks for no more
    /// than is needed).
    #[must_use]
    pub fn network(&self) -> String {
        self.address.map(|address| prefix(address, 24, 48)).unwrap_or_default()
    }

    /// The network that is counted: /32, or /64, which is what one customer has (AU-04).
    #[must_use]
    pub fn counted_network(&self) -> String {
        self.address.map(|address| prefix(address, 32, 64)).unwrap_or_default()
    }
}

impl FromRequestParts<AppState> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        Ok(Self::of(state, &parts.headers, &parts.extensions))
    }
}

fn prefix(address: IpAddr, v4: u8, v6: u8) -> String {
    let length = if address.is_ipv4() { v4 } else { v6 };
    IpNet::new(address, length).map(|network| network.trunc().to_string()).unwrap_or_default()
}

/// What a `User-Agent` says, in words; of a program, its name. Only words of a known set or a short
/// name in ASCII come out of it, whatever goes in.
fn device(agent: &str) -> String {
    const UNKNOWN: &str = "UNKNOWN";
    let agent = agent.get(..512).unwrap_or(agent);
    let known = woothee::parser::Parser::new().parse(agent);
    let of_people = ["pc", "smartphone", "mobilephone", "appliance"];
    if let Some(found) =
        known.filter(|found| found.name != UNKNOWN && of_people.contains(&found.category))
    {
        return match found.os {
            UNKNOWN | "" => found.name.to_owned(),
            system => format!("{}, {system}", found.name),
        };
    }
    let name = agent.split(['/', ' ']).next().unwrap_or_default();
    let is_name = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.len() <= 40 && name.chars().all(is_name) { name.to_owned() } else { String::new() }
}

/// Walks `X-Forwarded-For` and `Forwarded` (RFC 7239) from the right, past every address that
/// `trusted` holds. A header from anybody else is not believed, and an entry that is no address
/// ends the walk. If the two headers lead to different clients, one of them is not the proxy's, and
/// neither is believed.
#[must_use]
pub fn address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let peer = peer.to_canonical();
    if !is_trusted(peer, trusted) {
        return peer;
    }
    let entries = |name: &str| -> Vec<String> {
        let lines = headers.get_all(name).iter().map(|line| line.to_str().unwrap_or("?"));
        lines.flat_map(|line| line.split(',').map(str::to_owned)).collect()
    };
    let old = entries("x-forwarded-for");
    let new: Vec<String> =
        entries("forwarded").iter().map(|entry| for_parameter(entry).to_owned()).collect();
    match (old.is_empty(), new.is_empty()) {
        (_, true) => walk(peer, &old, trusted),
        (true, false) => walk(peer, &new, trusted),
        (false, false) => {
            let client = walk(peer, &old, trusted);
            if client == walk(peer, &new, trusted) { client } else { peer }
        }
    }
}

fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

fn walk(peer: IpAddr, hops: &[String], trusted: &[IpNet]) -> IpAddr {
    let mut client = peer;
    for hop in hops.iter().rev() {
        if !is_trusted(client, trusted) {
            break;
        }
        match parse(hop) {
            Some(ip) => client = ip,
            None => break,
        }
    }
    client
}

/// `for=…` among the parameters of one element of `Forwarded`.
fn for_parameter(element: &str) -> &str {
    let parameters = element.split(';').filter_map(|parameter| parameter.trim().split_once('='));
    parameters
        .filter(|(name, _)| name.eq_ignore_ascii_case("for"))
        .map(|(_, value)| value)
        .next_back()
        .unwrap_or_default()
}

/// An address, perhaps in quotes, in brackets, or with a port.
fn parse(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim().trim_matches('"');
    let ip = hop
        .parse::<IpAddr>()
        .or_else(|_| hop.parse::<SocketAddr>().map(|address| address.ip()))
        .or_else(|_| hop.trim_matches(['[', ']']).parse());
    ip.ok().map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn seen(peer: &str, forwarded: &[&'static str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_static(line));
        }
        let trusted: Vec<IpNet> =
            trusted.iter().map(|net| net.parse().expect("a network")).collect();
        address(peer.parse().expect("an address"), &headers, &trusted).to_string()
    }

    #[test]
    fn an_address_is_read_in_every_way_a_proxy_writes_it() {
        for (hop, ip) in [
            (" 192.0.2.1 ", Some("192.0.2.1")),
            ("192.0.2.1:4711", Some("192.0.2.1")),
            ("\"[2001:db8::1]:4711\"", Some("2001:db8::1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("unknown", None),
            ("_hidden", None),
            ("", None),
        ] {
            assert_eq!(parse(hop).map(|ip| ip.to_string()).as_deref(), ip, "{hop}");
        }
        assert_eq!(for_parameter("proto=https; For=\"192.0.2.1:80\";by=x"), "\"192.0.2.1:80\"");
        let mut headers = HeaderMap::new();
        headers
            .insert("forwarded", HeaderValue::from_static("for=6.6.6.6, for=1.2.3.4;proto=https"));
        let trusted = ["10.0.0.1/32".parse().expect("a network")];
        let client = address("10.0.0.1".parse().expect("an address"), &headers, &trusted);
        assert_eq!(client.to_string(), "1.2.3.4");
        headers.insert("x-forwarded-for", HeaderValue::from_static("6.6.6.6"));
        let client = address("10.0.0.1".parse().expect("an address"), &headers, &trusted);
        assert_eq!(client.to_string(), "10.0.0.1", "one of the two headers is a stranger's");
    }

    #[test]
    fn a_device_is_told_in_words() {
        for (agent, words) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Firefox, Linux",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 \
                 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
                "Safari, iPhone",
            ),
            ("curl/8.9.1", "curl"),
            ("python-requests/2.32", "python-requests"),
            ("", ""),
            ("<script>alert(1)</script>", ""),
            ("a\u{1b}[2J", ""),
        ] {
            assert_eq!(device(agent), words, "{agent}");
        }
    }

    #[test]
    fn a_network_is_as_large_as_it_must_be() {
        let of = |address: &str, v4, v6| prefix(address.parse().expect("an address"), v4, v6);
        assert_eq!(of("203.0.113.9", 24, 48), "203.0.113.0/24");
        assert_eq!(of("203.0.113.9", 32, 64), "203.0.113.9/32");
        assert_eq!(of("2001:db8:1:2:3::4", 32, 64), "2001:db8:1:2::/64");
    }

    #[test]
    fn a_stranger_is_not_believed() {
        assert_eq!(seen("203.0.113.9", &["1.2.3.4"], &["10.0.0.0/8"]), "203.0.113.9");
        assert_eq!(seen("203.0.113.9", &["1.2.3.4"], &[]), "203.0.113.9");
    }

    #[test]
    fn the_right_most_hop_that_is_not_ours_is_the_client() {
        let ours = ["10.0.0.0/8"];
        assert_eq!(seen("10.0.0.1", &["6.6.6.6, 1.2.3.4"], &ours), "1.2.3.4");
        assert_eq!(seen("10.0.0.1", &["6.6.6.6", "1.2.3.4, 10.0.0.2"], &ours), "1.2.3.4");
        assert_eq!(seen("::ffff:10.0.0.1", &["2001:db8::1"], &ours), "2001:db8::1");
        assert_eq!(seen("10.0.0.1", &["nonsense"], &ours), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &[], &ours), "10.0.0.1");
    }
}
