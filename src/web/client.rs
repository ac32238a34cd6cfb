//! The client: its address, which is the other end of the connection unless that is one of our
//! proxies (AU-06), and the device it claims to be.

use std::{
    borrow::Cow,
    collections::HashSet,
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    extract::FromRequestParts,
    http::{Extensions, HeaderMap, header, request::Parts},
};
use ipnet::IpNet;

use crate::{
    keys::Statement,
    platform::visit::{RequestId, Visit},
    sessions::caller::SignedIn,
    web::{connections::Connection, reply, settings::ForwardedHeader, state::AppState},
};

/// The token in an `Authorization` of the scheme Bearer (RFC 6750, section 2.1).
pub(crate) fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// Where a request came from, in its extensions. Determined once, at the beginning.
#[derive(Clone)]
pub(crate) struct Sender {
    pub(crate) request_id: RequestId,
    pub(crate) address: Option<IpAddr>,
    pub(crate) connection: Option<Arc<Connection>>,
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
            visitor: state.cookies.visitor(headers),
            session_reference: session
                .map(|id| state.keys.tag(Statement::SessionReference(id)))
                .unwrap_or_default(),
            language: reply::language(state, headers).tag(),
        }
    }
}

impl FromRequestParts<AppState> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        Ok(Self::of(state, &parts.headers, &parts.extensions))
    }
}

/// Programs shown by their name. Any other name is the client's text, which would appear in the
/// history of an account as if it were ours.
const PROGRAMS: [&str; 33] = [
    "aiohttp",
    "apache-httpclient",
    "axios",
    "bruno-runtime",
    "bun",
    "curl",
    "dart",
    "deno",
    "dio",
    "faraday",
    "go-http-client",
    "got",
    "guzzlehttp",
    "hackney",
    "httpie",
    "insomnia",
    "java",
    "java-http-client",
    "ktor-client",
    "libwww-perl",
    "node",
    "node-fetch",
    "okhttp",
    "php",
    "postmanruntime",
    "powershell",
    "python-httpx",
    "python-requests",
    "python-urllib",
    "reactor-netty",
    "reqwest",
    "ruby",
    "wget",
];

/// The device in a `User-Agent`, in words, if known: `Firefox, Linux`, `curl`. Whatever goes in,
/// only words of a known set come out.
fn device(agent: &str) -> String {
    const UNKNOWN: &str = "UNKNOWN";
    let agent = agent.get(..512).unwrap_or(agent);
    let known = woothee::parser::Parser::new().parse(agent);
    let of_people = ["pc", "smartphone", "mobilephone", "appliance"];
    if let Some(found) =
        known.filter(|found| found.name != UNKNOWN && of_people.contains(&found.category))
    {
        return match found.os {
            UNKNOWN | "" => spelled(found.name).to_owned(),
            system => format!("{}, {}", spelled(found.name), spelled(system)),
        };
    }
    let name = agent.split(['/', ' ']).next().unwrap_or_default();
    if is_program(name) { name.to_owned() } else { String::new() }
}

/// The name of a browser or a system as its maker writes it. A browser on Windows 11 says that it is Windows 10,
/// so Windows has no number.
fn spelled(name: &str) -> &str {
    match name {
        "Mac OSX" => "macOS",
        "SamsungBrowser" => "Samsung Internet",
        name if name.starts_with("Windows ") && name != "Windows Phone OS" => "Windows",
        name => name,
    }
}

/// Whether this is the name of a program, such as `curl`.
#[must_use]
pub fn is_program(name: &str) -> bool {
    PROGRAMS.iter().any(|program| program.eq_ignore_ascii_case(name))
}

/// A recorded device, if it is in our own words, and empty if not: earlier versions recorded
/// whatever a program called itself.
#[must_use]
pub fn known_device(recorded: &str) -> Cow<'_, str> {
    static NAMES: LazyLock<HashSet<&str>> = LazyLock::new(|| {
        let names = woothee::dataset::DATASET.values().map(|known| known.name);
        names.flat_map(|name| [name, spelled(name)]).collect()
    });
    match recorded.split_once(", ") {
        Some((browser, system)) if NAMES.contains(browser) && NAMES.contains(system) => {
            Cow::Owned(format!("{}, {}", spelled(browser), spelled(system)))
        }
        None if NAMES.contains(recorded) || is_program(recorded) => Cow::Borrowed(recorded),
        _ => Cow::Borrowed(""),
    }
}

/// Walks `X-Forwarded-For` or `Forwarded` (RFC 7239) from the right, past every address in
/// `trusted`. A header from any other peer is ignored, and an entry that is not an address ends the
/// walk. `X-Forwarded-For` takes precedence, because nginx, Caddy, HAProxy and Traefik all set it;
/// a `Forwarded` beside it was most likely sent by the client and passed on.
#[must_use]
pub fn address(
    peer: IpAddr,
    headers: &HeaderMap,
    trusted: &[IpNet],
    header: ForwardedHeader,
) -> IpAddr {
    let peer = peer.to_canonical();
    if !is_trusted(peer, trusted) {
        warn_of_headers(peer, headers);
        return peer;
    }
    // Empty list members are ignored (RFC 9110, section 5.6.1).
    let entries = |name: &str| -> Vec<String> {
        let mut entries = Vec::new();
        for line in headers.get_all(name) {
            // A client's bytes must not spoil what the proxy has appended.
            let line = String::from_utf8_lossy(line.as_bytes());
            let members = line.split(',').map(str::trim).filter(|member| !member.is_empty());
            entries.extend(members.map(str::to_owned));
        }
        entries
    };
    let old = || entries("x-forwarded-for");
    let new = || -> Vec<String> {
        entries("forwarded").iter().map(|entry| for_parameter(entry).to_owned()).collect()
    };
    let hops = match header {
        ForwardedHeader::XForwardedFor => old(),
        ForwardedHeader::Forwarded => new(),
        ForwardedHeader::Either => Some(old()).filter(|old| !old.is_empty()).unwrap_or_else(new),
    };
    walk(peer, &hops, trusted)
}

/// The most common mistake in setting up a proxy. Warning once is enough.
fn warn_of_headers(peer: IpAddr, headers: &HeaderMap) {
    static WARNED: AtomicBool = AtomicBool::new(false);
    let forwarded =
        ["x-forwarded-for", "forwarded"].iter().find(|name| headers.contains_key(**name));
    if let Some(header) = forwarded
        && !WARNED.swap(true, Ordering::Relaxed)
    {
        tracing::warn!(
            %peer,
            "a request came with {header} from an address that is not in TRUSTED_PROXIES, so the \
             header was ignored; if that is your proxy, add its address"
        );
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

    use crate::{platform::visit::prefix, web::client::*};

    fn seen(peer: &str, forwarded: &[&'static str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_static(line));
        }
        let trusted: Vec<IpNet> =
            trusted.iter().map(|net| net.parse().expect("a network")).collect();
        let peer = peer.parse().expect("an address");
        address(peer, &headers, &trusted, ForwardedHeader::Either).to_string()
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
        let client = |headers: &HeaderMap, header| {
            let peer = "10.0.0.1".parse().expect("an address");
            address(peer, headers, &trusted, header).to_string()
        };
        assert_eq!(client(&headers, ForwardedHeader::Either), "1.2.3.4");
        // Caddy and others set one and pass the other on.
        headers.insert("x-forwarded-for", HeaderValue::from_static("9.9.9.9"));
        assert_eq!(client(&headers, ForwardedHeader::Either), "9.9.9.9");
        assert_eq!(client(&headers, ForwardedHeader::XForwardedFor), "9.9.9.9");
        assert_eq!(client(&headers, ForwardedHeader::Forwarded), "1.2.3.4");
        headers.remove("x-forwarded-for");
        assert_eq!(client(&headers, ForwardedHeader::XForwardedFor), "10.0.0.1");
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
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/140.0.0.0 Safari/537.36",
                "Chrome, Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like \
                 Gecko) Version/18.0 Safari/605.1.15",
                "Safari, macOS",
            ),
            ("curl/8.9.1", "curl"),
            ("python-requests/2.32", "python-requests"),
            ("", ""),
            ("Your.account.is.locked-see.evil.example", ""),
            ("evil.example/1.0", ""),
            ("<script>alert(1)</script>", ""),
            ("a\u{1b}[2J", ""),
        ] {
            assert_eq!(device(agent), words, "{agent}");
            assert_eq!(known_device(words), words, "{agent}");
        }
        assert_eq!(known_device("Your.account.is.locked-see.evil.example"), "");
        assert_eq!(known_device("Firefox, evil.example"), "");
        assert_eq!(known_device("Chrome, Windows 10"), "Chrome, Windows");
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
        assert_eq!(seen("10.0.0.1", &["6.6.6.6, 1.2.3.4, , "], &ours), "1.2.3.4");
        assert_eq!(seen("10.0.0.1", &["", "1.2.3.4,,10.0.0.2"], &ours), "1.2.3.4");
    }
}
