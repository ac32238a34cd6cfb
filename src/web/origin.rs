//! Where a request comes from.
//!
//! Two checks before the guard. The `Host` must be one of ours, so that nothing that depends on it
//! can be led elsewhere (CS-08). And a write must come from our own pages, or from a program that
//! sends no cookie (CS-01, CS-05): leptos checks neither for its server functions. The doors for other
//! sites and for proxies are exempt, each by its name (`routes.rs`): a write there takes no notice of the
//! session.

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderMap, Method, Uri, header, uri::Authority},
};

use crate::{
    platform::error::Refusal,
    web::{guard::AtAdminAddress, routes::Door, state::AppState},
};

/// Used by supervisors and load balancers, which only know an address.
const ANY_HOST: [&str; 2] = ["/healthz", "/readyz"];

pub(crate) fn check(state: &AppState, request: &Request) -> Result<(), Refusal> {
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let host = host(request.headers(), request.uri());
    let at_admin = request.extensions().get::<AtAdminAddress>().is_some();
    let known = host
        .as_ref()
        .is_some_and(|host| is_ours(state, host) || (at_admin && is_of_admin(state, host)));
    let door = path.and_then(|path| state.routes.door(path));
    let takes_any = door == Some(Door::Proxy) || path.is_some_and(|path| ANY_HOST.contains(&path));
    if !known && !takes_any {
        return Err(Refusal::MisdirectedRequest);
    }
    if matches!(door, Some(Door::Open | Door::Sent | Door::Proxy)) {
        return Ok(());
    }
    let changes_nothing = [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE];
    if changes_nothing.contains(request.method()) {
        return Ok(());
    }
    let headers = request.headers();
    // A closed route then opens only to a valid token, because the guard ignores the cookie, and no
    // browser adds a token by itself. A public route checks nobody, so there the header proves
    // nothing, whatever it contains (CS-05).
    let found = path.map(|path| state.routes.find(path, request.method()));
    let closed = matches!(found, Some(Ok((_, policy))) if !policy.is_open());
    if closed && headers.contains_key(header::AUTHORIZATION) {
        return Ok(());
    }
    let own = host.map(|host| match at_admin && !is_ours(state, &host) {
        true => admin_origin(state, &host),
        false => own_origin(state, &host),
    });
    if is_same_origin(state, headers, own.as_deref()) { Ok(()) } else { Err(Refusal::CrossOrigin) }
}

/// Every header about the origin must name ours. If there is none, the client is not a current
/// browser, and may not send the session either. `Origin: null` doesn't count, because browsers
/// send it under `Referrer-Policy: no-referrer`, which a proxy may add: then `Sec-Fetch-Site` must
/// confirm the origin.
fn is_same_origin(state: &AppState, headers: &HeaderMap, own: Option<&str>) -> bool {
    let all = |name: &str, fits: &dyn Fn(&[u8]) -> bool| {
        headers.get_all(name).iter().all(|value| fits(value.as_bytes()))
    };
    let site_fits = all("sec-fetch-site", &|site| site == b"same-origin" || site == b"none");
    let says_site = headers.contains_key("sec-fetch-site");
    let origin_fits = all("origin", &|origin| {
        own.is_some_and(|own| own.as_bytes() == origin) || (origin == b"null" && says_site)
    });
    let silent = !says_site && !headers.contains_key(header::ORIGIN);
    site_fits && origin_fits && !(silent && state.cookies.session(headers).is_some())
}

/// The one `Host`, or the authority of an absolute-form target (RFC 9112, section 3.2.2).
fn host(headers: &HeaderMap, uri: &Uri) -> Option<Authority> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let authority: Authority = match (uri.authority(), hosts.next(), hosts.next()) {
        (Some(authority), _, None) => authority.clone(),
        (None, Some(host), None) => host.to_str().ok()?.parse().ok()?,
        _ => return None,
    };
    // No user before the name, and nothing after it but a valid port.
    let rest = authority.as_str().strip_prefix(authority.host())?;
    (rest.is_empty() || authority.port_u16().is_some()).then_some(authority)
}

/// The public address; and the listening address, by number or as `localhost`, for operators who
/// try it out. None of these can be another site's name.
fn is_ours(state: &AppState, host: &Authority) -> bool {
    let name = host.host().trim_end_matches('.');
    let url = &state.public_url;
    let default_port = if url.is_https() { 443 } else { 80 };
    let port = host.port_u16();
    let is_public =
        name.eq_ignore_ascii_case(url.host()) && port.unwrap_or(default_port) == url.port();
    is_public || (is_local_name(state, name) && port.unwrap_or(80) == state.port)
}

/// The same at `ADMIN_ADDR`: that address itself, and the public name at any port, for a proxy in front of it.
fn is_of_admin(state: &AppState, host: &Authority) -> bool {
    let name = host.host().trim_end_matches('.');
    name.eq_ignore_ascii_case(state.public_url.host()) || is_admin_address(state, host)
}

/// Whether it is the address of `ADMIN_ADDR` itself, where nothing encrypts.
fn is_admin_address(state: &AppState, host: &Authority) -> bool {
    let name = host.host().trim_end_matches('.');
    state.admin.is_some_and(|address| {
        let is_name =
            is_loopback_name(name) || name.trim_matches(['[', ']']) == address.ip().to_string();
        is_name && host.port_u16().unwrap_or(80) == address.port()
    })
}

fn is_local_name(state: &AppState, name: &str) -> bool {
    is_loopback_name(name)
        || name.trim_matches(['[', ']']) == state.settings.web.listen().ip().to_string()
}

fn is_loopback_name(name: &str) -> bool {
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|local| name.eq_ignore_ascii_case(local))
}

/// The origin of our own pages, as the browser that sent this request sees it. Over plain http on
/// this machine, `localhost` and `127.0.0.1` are both ours, but not the same origin.
fn own_origin(state: &AppState, host: &Authority) -> String {
    if state.public_url.is_loopback() && !state.public_url.is_https() {
        format!("http://{host}").to_lowercase()
    } else {
        state.public_url.origin()
    }
}

/// The same at `ADMIN_ADDR`.
fn admin_origin(state: &AppState, host: &Authority) -> String {
    let is_plain = is_admin_address(state, host) || !state.public_url.is_https();
    format!("{}://{host}", if is_plain { "http" } else { "https" }).to_lowercase()
}
