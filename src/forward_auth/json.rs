//! The endpoints for reverse proxies, and those at the host of an app.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::{Html, IntoResponse, Redirect, Response},
};

use super::{Arrival, Shown, Verdict, arrive, begin, decide};
use crate::{
    apps::{App, definition::CALLBACK},
    openid::{
        Person,
        logout::LOGOUT,
        request::{Params, with_params},
    },
    platform::{
        error::{Refusal, Result},
        visit::Visit,
    },
    texts::Language,
    web::{
        client::{Sender, bearer},
        reply::{Explained, language},
        routes::{Door, Map, Policy},
        state::AppState,
    },
};

/// What a proxy sends to us of an app's host.
pub(super) const OURS: &str = "/.latchkey/";

const SIGN_OUT: &str = "/.latchkey/sign-out";

pub(crate) fn routes(map: &mut Map) {
    map.get(Door::Proxy, Policy::Public, "/authz/forward-auth", forward_auth);
    map.get(Door::Proxy, Policy::Public, "/authz/auth-request", auth_request);
    map.get(Door::Proxy, Policy::Public, CALLBACK, callback);
    map.get(Door::Proxy, Policy::Public, SIGN_OUT, sign_out);
}

/// The request that a proxy asks about.
struct Asked {
    /// A name, and a port unless it is the default one.
    host: String,
    /// With its query.
    path: String,
    method: String,
}

/// Caddy and Traefik take the answer as it is.
async fn forward_auth(State(state): State<AppState>, request: Request) -> Result<Response> {
    let headers = request.headers();
    let asked = trusted(&state, &request).and_then(|()| {
        Some(Asked {
            host: without_port(
                &one(headers, "x-forwarded-host")?,
                &one(headers, "x-forwarded-proto")?,
            ),
            path: address(headers, "x-forwarded-uri")?,
            method: one(headers, "x-forwarded-method")?,
        })
    });
    answer(&state, asked, headers, StatusCode::FOUND).await
}

/// nginx and HAProxy know only 2xx, 401 and 403: the address to sign in at stands in `Location`.
async fn auth_request(State(state): State<AppState>, request: Request) -> Result<Response> {
    let headers = request.headers();
    let asked = trusted(&state, &request).and_then(|()| {
        let url = address(headers, "x-original-url")?;
        let (scheme, rest) = url.split_once("://")?;
        let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        // A proxy puts the address together from the host that the client names and from the path. If the
        // host contains a `?`, the app would see another path than this.
        let path = path.starts_with('/').then(|| path.to_owned())?;
        let method = one(headers, "x-original-method")?;
        Some(Asked { host: without_port(host, scheme), path, method })
    });
    answer(&state, asked, headers, StatusCode::UNAUTHORIZED).await
}

/// What is forwarded counts only from our own proxies.
fn trusted(state: &AppState, request: &Request) -> Option<()> {
    let sender = request.extensions().get::<Sender>()?;
    let peer = sender.connection.as_ref()?.peer().to_canonical();
    let known = state.settings.web.trusted_proxies.iter().any(|net| net.contains(&peer));
    if !known && state.proxied.may_warn() {
        tracing::warn!(
            %peer,
            "a proxy asked from an address that is not in TRUSTED_PROXIES, so it was refused"
        );
    }
    known.then_some(())
}

/// The one value of a header. Two are one too many.
fn one(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok().map(str::to_owned),
        _ => None,
    }
}

/// The one address in a header, in visible ASCII: other bytes are written as a browser writes them.
fn address(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let encoded = value.as_bytes().iter().map(|byte| match byte {
        0x21..=0x7e => char::from(*byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    Some(encoded.collect())
}

/// A host as apps are found by: without the default port of its scheme.
fn without_port(host: &str, scheme: &str) -> String {
    let default = if scheme == "https" { ":443" } else { ":80" };
    host.strip_suffix(default).unwrap_or(host).to_ascii_lowercase()
}

/// `unknown`: the status for a browser that must sign in.
async fn answer(
    state: &AppState,
    asked: Option<Asked>,
    headers: &HeaderMap,
    unknown: StatusCode,
) -> Result<Response> {
    let apps = state.apps.get().await?;
    let host = asked.as_ref().map(|asked| asked.host.clone());
    let found = asked.and_then(|asked| Some((apps.at(&asked.host)?.clone(), asked)));
    let Some((app, asked)) = found else {
        if let Some(host) = host.filter(|_| state.proxied.may_warn()) {
            tracing::warn!(?host, "a proxy asked about a host that is no app's, so it was refused");
        }
        let language = language(state, headers);
        return Ok(refused(StatusCode::FORBIDDEN, language, "proxy-unknown", None));
    };
    let cookies = &state.cookies;
    let is_https = is_https(&app);
    let cookie = cookies.app(headers, &asked.host, is_https);
    let authorization = one(headers, header::AUTHORIZATION.as_str());
    // Other schemes are the app's own.
    let bearer = authorization.as_deref().and_then(bearer);
    // So are tokens that we can't have signed.
    let bearer = bearer.filter(|token| token.split('.').count() == 3);
    let shown = Shown { cookie: cookie.as_deref(), bearer };
    Ok(match decide(state, &state.proxied, &app, &asked.host, &asked.path, shown).await? {
        Verdict::Public => identity(None, ""),
        Verdict::Pass { person, assertion } => identity(Some(&person), &assertion),
        Verdict::Denied => {
            let language = language(state, headers);
            refused(StatusCode::FORBIDDEN, language, "proxy-denied", Some(SIGN_OUT))
        }
        Verdict::SignIn if navigates(&asked, headers) => {
            let browser = cookies.app_browser(headers, &asked.host, is_https);
            let begun = begin(state, &app, &asked.host, &asked.path, browser)?;
            let cookie = cookies.set_app_browser(begun.browser, &asked.host, is_https);
            let location = HeaderValue::try_from(begun.location)
                .map_err(crate::platform::error::Fault::internal)?;
            let mut answer = refused(unknown, language(state, headers), "proxy-sign-in", None);
            answer.headers_mut().insert(header::LOCATION, location);
            answer.headers_mut().append(header::SET_COOKIE, cookie);
            blank(&mut answer);
            answer
        }
        // What was sent is not lost without a word.
        Verdict::SignIn => {
            refused(StatusCode::UNAUTHORIZED, language(state, headers), "proxy-lost", None)
        }
    })
}

/// Whether a person goes to a page, and can be sent elsewhere. A script, an upload or a socket can't.
fn navigates(asked: &Asked, headers: &HeaderMap) -> bool {
    let is_read = [Method::GET.as_str(), Method::HEAD.as_str()].contains(&&*asked.method);
    let upgrades = headers.contains_key(header::UPGRADE);
    let navigates = match headers.get("sec-fetch-mode") {
        Some(mode) => mode == "navigate",
        None => crate::web::reply::accepts(headers, "text/html"),
    };
    // What is in a frame can't show our pages.
    let in_frame = headers.get("sec-fetch-dest").is_some_and(|dest| dest != "document");
    is_read && navigates && !upgrades && !in_frame
}

fn is_https(app: &App) -> bool {
    app.definition.host.as_ref().is_some_and(|host| host.starts_with("https:"))
}

const IDENTITY: [HeaderName; 5] = [
    HeaderName::from_static("remote-user"),
    HeaderName::from_static("remote-name"),
    HeaderName::from_static("remote-email"),
    HeaderName::from_static("remote-groups"),
    HeaderName::from_static("latchkey-assertion"),
];

/// All identity headers, also the empty ones: a proxy that copies them leaves none of the client's.
fn identity(person: Option<&Person>, assertion: &str) -> Response {
    let groups = person.map(|person| person.groups.join(",")).unwrap_or_default();
    let values = match person {
        Some(person) => {
            let email = person.email.as_deref().unwrap_or_default();
            [&*person.username, &*person.name, email, &*groups, assertion]
        }
        None => [""; 5],
    };
    let mut answer = StatusCode::OK.into_response();
    for (name, value) in IDENTITY.into_iter().zip(values) {
        // UTF-8, as proxies pass it on. Names have no control characters.
        let value = HeaderValue::from_bytes(value.as_bytes());
        answer.headers_mut().insert(name, value.unwrap_or(HeaderValue::from_static("")));
    }
    answer
}

/// The identity headers of an answer that lets nobody pass.
fn blank(answer: &mut Response) {
    for name in IDENTITY {
        answer.headers_mut().insert(name, HeaderValue::from_static(""));
    }
}

/// A page without a style: it is shown at the app's host, which has none of ours.
/// `link`: where to go on.
fn refused(status: StatusCode, language: Language, text: &str, link: Option<&str>) -> Response {
    let title = language.text(&format!("{text}.title"));
    let words = language.text(text);
    let tag = language.tag();
    let link = link.map(|to| {
        let to = to.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
        format!("<p><a href=\"{to}\">{}</a></p>", language.text(&format!("{text}.link")))
    });
    let link = link.unwrap_or_default();
    let page = format!(
        "<!DOCTYPE html><html lang=\"{tag}\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <h1>{title}</h1><p>{words}</p>{link}</html>"
    );
    let mut answer = (status, Html(page)).into_response();
    blank(&mut answer);
    answer.extensions_mut().insert(Explained);
    answer
}

/// The app at the host of a request.
async fn here(state: &AppState, headers: &HeaderMap) -> Result<(std::sync::Arc<App>, String)> {
    let host = one(headers, header::HOST.as_str()).ok_or(Refusal::MisdirectedRequest)?;
    let apps = state.apps.get().await?;
    let named = |scheme: &str| {
        let host = without_port(&host, scheme);
        apps.at(&host).cloned().map(|app| (app, host))
    };
    let found = named("https").or_else(|| named("http"));
    Ok(found.ok_or(Refusal::MisdirectedRequest)?)
}

/// The browser comes back from signing in.
async fn callback(
    State(state): State<AppState>,
    visit: Visit,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response> {
    let (app, host) = here(&state, &headers).await?;
    let is_https = is_https(&app);
    let params = Params::read(uri.query().unwrap_or_default().as_bytes());
    let language = language(&state, &headers);
    let Some(code) = params.hint("code") else {
        let denied = params.hint("error") == Some("access_denied");
        let (text, link) = if denied { ("proxy-denied", SIGN_OUT) } else { ("proxy-failed", "/") };
        return Ok(refused(StatusCode::FORBIDDEN, language, text, Some(link)));
    };
    let browser = state.cookies.app_browser(&headers, &host, is_https);
    let shown = (code, params.hint("state").unwrap_or_default());
    Ok(match arrive(&state, &app, &host, shown, browser.as_deref(), &visit).await? {
        Arrival::In { cookie, to } => {
            let cookie = state.cookies.set_app(cookie, &host, is_https);
            ([(header::SET_COOKIE, cookie)], Redirect::to(&to)).into_response()
        }
        Arrival::Again(to) => Redirect::to(&to).into_response(),
        Arrival::NoCookie(to) => {
            refused(StatusCode::BAD_REQUEST, language, "proxy-failed", Some(&to))
        }
    })
}

/// A link for the app: signs out everywhere, after asking.
async fn sign_out(State(state): State<AppState>, headers: HeaderMap) -> Result<Response> {
    let (app, _) = here(&state, &headers).await?;
    let logout = format!("{}{}", state.issuer(), LOGOUT);
    Ok(Redirect::to(&with_params(&logout, &[("client_id", Some(&app.id))])).into_response())
}
