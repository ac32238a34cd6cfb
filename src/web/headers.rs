//! The security headers of every answer, errors and files included (WB-03, WB-04, WB-05).

use std::sync::LazyLock;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};

use crate::{
    openid::{logout::LOGOUT, request::AUTHORIZE},
    web::{routes::Door, state::AppState},
};

/// For everything but pages. A page has its own policy, with its nonce ([`page_policy`]).
const NO_PAGE: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Set unless the answer brings its own.
const DEFAULTS: [(HeaderName, &str); 9] = [
    (header::CONTENT_SECURITY_POLICY, NO_PAGE),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // The forms of leptos need the referrer within the site; other sites get none.
    (header::REFERRER_POLICY, "same-origin"),
    (OPENER, "same-origin"),
    (RESOURCE, "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), \
         magnetometer=(), microphone=(), midi=(), payment=(), usb=()",
    ),
    // Nothing that may depend on a user is stored anywhere. Only files override this.
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("x-permitted-cross-domain-policies"), "none"),
];

/// Two years (WB-04). Sub-domains may belong to others, unless the operator says otherwise.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=63072000");
const HSTS_SUBDOMAINS: HeaderValue =
    HeaderValue::from_static("max-age=63072000; includeSubDomains");

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// [`DEFAULTS`], built once: copying costs half as much as building.
static COMMON: LazyLock<HeaderMap> = LazyLock::new(|| {
    DEFAULTS.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect()
});

/// What an answer must let other sites do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Openness {
    Closed,
    /// It is on the way of an authorization or of a sign-out, which an app may have opened in a window of its
    /// own: the window must stay the app's.
    OnTheWay,
    /// Pages of other sites may read it, without credentials.
    Open,
    /// A proxy may pass it on as an answer of another host.
    Elsewhere,
}

impl Openness {
    pub(crate) fn of(door: Option<Door>, uri: &Uri) -> Self {
        match door {
            Some(Door::Open) => return Self::Open,
            Some(Door::Proxy) => return Self::Elsewhere,
            _ => {}
        }
        let path = uri.path();
        let is_next = |query: &str| query.split('&').any(|part| part.starts_with(NEXT));
        let may_lead_on = ON_THE_WAY.iter().any(|way| path.starts_with(way));
        let leads_on = may_lead_on && uri.query().is_some_and(is_next);
        let is_end = path == LOGOUT || path == "/api/sign_out_of_all";
        if path == AUTHORIZE || is_end || leads_on { Self::OnTheWay } else { Self::Closed }
    }
}

/// How the addresses of pages and forms begin that may be on the way of an authorization.
const ON_THE_WAY: [&str; 5] = ["/signin", "/signup", "/confirm", "/account/security/", "/api/"];

/// How their query says that an authorization follows.
const NEXT: &str = "next=%2Fauthorize%3F";

pub(crate) fn add(state: &AppState, headers: &mut HeaderMap, openness: Openness) {
    let own = std::mem::replace(headers, COMMON.clone());
    headers.extend(own);
    match openness {
        Openness::Closed | Openness::Elsewhere => {}
        Openness::OnTheWay => _ = headers.remove(OPENER),
        Openness::Open => {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            let exposed = HeaderValue::from_static("WWW-Authenticate");
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
            headers.insert(RESOURCE, HeaderValue::from_static("cross-origin"));
        }
    }
    // RFC 8259 needs no charset, but every body declares one (AP-03).
    if headers.get(header::CONTENT_TYPE).is_some_and(|value| value == "application/json") {
        headers.insert(header::CONTENT_TYPE, JSON);
    }
    // Whether other hosts are at https only is not for us to say.
    if state.public_url.is_https() && openness != Openness::Elsewhere {
        let value = if state.settings.web.hsts_subdomains { HSTS_SUBDOMAINS } else { HSTS };
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
}

/// The policy of a page: our own styles and pictures, and the scripts that `script` names, by a nonce
/// or by a hash.
#[must_use]
pub fn page_policy(script: &str, reload: bool) -> String {
    // `cargo leptos watch` talks to the page through a socket on another port.
    let connect = if reload { "'self' ws:" } else { "'self'" };
    format!(
        "default-src 'none'; script-src {script} 'strict-dynamic' 'wasm-unsafe-eval'; \
         style-src 'self'; img-src 'self'; connect-src {connect}; object-src 'none'; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}
