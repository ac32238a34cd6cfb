//! The address of the client: the other end of the connection, unless that is a proxy of ours
//! (AU-06).

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use ipnet::IpNet;

/// Walks `X-Forwarded-For` and `Forwarded` (RFC 7239) from the right, past every address that
/// `trusted` holds. A header from anybody else is not believed, and an entry that is no address
/// ends the walk. If the two headers lead to different clients, one of them is not the proxy's, and
/// neither is believed.
#[must_use]
pub fn address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let peer = peer.to_canonical();
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

fn walk(peer: IpAddr, hops: &[String], trusted: &[IpNet]) -> IpAddr {
    let mut client = peer;
    for hop in hops.iter().rev() {
        if !trusted.iter().any(|network| network.contains(&client)) {
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
