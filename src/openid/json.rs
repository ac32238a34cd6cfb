//! The endpoints for apps: discovery, tokens, and what may be asked about them. Their errors are those of
//! OAuth.

pub mod used;

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    ACRS, SCOPES,
    client::{Answer, Failed, authenticate},
    codes,
    devices::{self, Asked},
    logout::LOGOUT,
    programs, pushed,
    request::{AUTHORIZE, Bad, Params, Prompt, Request},
    tokens::{self, Known},
};
use crate::{
    apps::App,
    platform::{
        error::{Error, Fault, Refusal},
        jose,
        visit::Visit,
    },
    signing::{Algorithm, json::JWKS},
    texts::Language,
    web::{
        client::bearer,
        media_type::media_type,
        reply::Explained,
        routes::{Door, Map, Policy},
        state::AppState,
    },
};

/// The token endpoint.
pub(super) const TOKEN: &str = "/token";
const INTROSPECT: &str = "/introspect";
const REVOKE: &str = "/revoke";
const USERINFO: &str = "/userinfo";
const PAR: &str = "/par";
const DEVICE_AUTHORIZATION: &str = "/device_authorization";

/// The grant type of the device flow (RFC 8628, section 3.4).
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

pub(crate) fn routes(map: &mut Map) {
    for path in ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"] {
        map.get(Door::Open, Policy::Public, path, discovery);
    }
    map.post(Door::Open, Policy::Public, TOKEN, token);
    map.post(Door::Open, Policy::Public, PAR, push);
    map.post(Door::Open, Policy::Public, DEVICE_AUTHORIZATION, authorize_device);
    map.post(Door::Open, Policy::Public, INTROSPECT, introspect);
    map.post(Door::Open, Policy::Public, REVOKE, revoke);
    map.get(Door::Open, Policy::Public, USERINFO, userinfo);
    map.post(Door::Open, Policy::Public, USERINFO, userinfo);
}

/// What a client must know of this server (OpenID Connect Discovery 1.0, section 3; RFC 8414, section 2).
async fn discovery(State(state): State<AppState>) -> Response {
    let issuer = state.issuer();
    let at = |path: &str| format!("{issuer}{path}");
    let algorithms = Algorithm::ALL.map(Algorithm::word);
    let proofs = ["client_secret_basic", "client_secret_post", "private_key_jwt"];
    let methods: Vec<&str> = proofs.into_iter().chain(["none"]).collect();
    let of_assertions = jose::ALGORITHMS.map(|(word, _)| word);
    let document = json!({
        "issuer": issuer,
        "authorization_endpoint": at(AUTHORIZE),
        "token_endpoint": at(TOKEN),
        "userinfo_endpoint": at(USERINFO),
        "jwks_uri": at(JWKS),
        "pushed_authorization_request_endpoint": at(PAR),
        "device_authorization_endpoint": at(DEVICE_AUTHORIZATION),
        "introspection_endpoint": at(INTROSPECT),
        "revocation_endpoint": at(REVOKE),
        "end_session_endpoint": at(LOGOUT),
        "scopes_supported": SCOPES,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported":
            ["authorization_code", "refresh_token", DEVICE_CODE, "client_credentials"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": algorithms,
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": of_assertions,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": of_assertions,
        "introspection_endpoint_auth_methods_supported": proofs,
        "introspection_endpoint_auth_signing_alg_values_supported": of_assertions,
        "client_id_metadata_document_supported": state.settings.apps.dynamic,
        "require_pushed_authorization_requests": false,
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": Prompt::ALL.map(|(_, word)| word),
        "acr_values_supported": ACRS,
        "claims_supported": [
            "iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash",
            "name", "preferred_username", "email", "email_verified", "groups",
        ],
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "ui_locales_supported": Language::ALL.map(|(_, tag, _)| tag),
        "authorization_response_iss_parameter_supported": true,
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "service_documentation": at("/docs"),
    });
    ([(header::CACHE_CONTROL, "public, max-age=300")], Json(document)).into_response()
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let mut headers = HeaderMap::new();
        let (status, error, why) = match self {
            Self::Request(error, why) => (StatusCode::BAD_REQUEST, error, why),
            Self::Client { basic } => {
                if basic {
                    let challenge = HeaderValue::from_static("Basic realm=\"latchkey\"");
                    headers.insert(header::WWW_AUTHENTICATE, challenge);
                }
                (StatusCode::UNAUTHORIZED, "invalid_client", "The app could not be authenticated.")
            }
            Self::Ours(Error::Refusal(Refusal::TooManyTries { retry_after })) => {
                headers.insert(header::RETRY_AFTER, retry_after.into());
                let why = "There were too many requests from this network.";
                (StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable", why)
            }
            Self::Ours(Error::Refusal(refusal)) => return Error::from(refusal).into_response(),
            Self::Ours(Error::Fault(fault)) => {
                let passing = matches!(fault, Fault::Away | Fault::Unavailable(_));
                // The log and the headers are those of any fault.
                let (parts, _) = Error::from(fault).into_response().into_parts();
                headers = parts.headers;
                match passing {
                    true => (parts.status, "temporarily_unavailable", "Try again in a moment."),
                    false => (parts.status, "server_error", "Something went wrong here."),
                }
            }
        };
        let body = Json(json!({"error": error, "error_description": why}));
        let mut response = (status, headers, body).into_response();
        response.extensions_mut().insert(Explained);
        response
    }
}

/// The one `Authorization`, or nothing that could be one.
fn authorization(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    match (values.next()?, values.next()) {
        (value, None) => Some(value.to_str().unwrap_or_default()),
        (_, Some(_)) => Some(""),
    }
}

/// Reads a form; nothing else is taken.
fn form(headers: &HeaderMap, body: &Bytes) -> Answer<Params> {
    if media_type(headers).as_deref() != Some("application/x-www-form-urlencoded") {
        let why = "The body must be application/x-www-form-urlencoded.";
        return Err(Failed::Request("invalid_request", why));
    }
    Ok(Params::read(body))
}

/// The app that asks, and what for.
async fn asked(
    state: &AppState,
    headers: &HeaderMap,
    body: &Bytes,
    endpoint: &str,
) -> Answer<(Arc<App>, Params)> {
    let params = form(headers, body)?;
    let app = authenticate(state, authorization(headers), &params, endpoint).await?;
    Ok((app, params))
}

/// The token that an app asks about.
fn token_of(params: &Params) -> Answer<&str> {
    params.once("token")?.ok_or(Failed::Request("invalid_request", "token is missing."))
}

/// Never stored anywhere (RFC 6749, section 5.1).
fn unstored<T: Serialize>(body: T) -> Response {
    let headers = [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")];
    (headers, Json(body)).into_response()
}

async fn token(
    State(state): State<AppState>,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<Response> {
    let (app, params) = asked(&state, &headers, &body, TOKEN).await?;
    let missing = |why| Failed::Request("invalid_request", why);
    let granted = match params.once("grant_type")? {
        Some("authorization_code") => {
            let code = params.once("code")?.ok_or_else(|| missing("code is missing."))?;
            let (uri, verifier) = (params.once("redirect_uri")?, params.once("code_verifier")?);
            let resource = params.once("resource")?;
            let redeemed =
                codes::redeem(&state, &app, code, uri, verifier, resource, &visit).await?;
            let redeemed =
                redeemed.map_err(|codes::Worthless(error, why)| Failed::Request(error, why))?;
            tokens::of_code(&state, &app, redeemed).await?
        }
        Some("refresh_token") => {
            let token = params.once("refresh_token")?;
            let token = token.ok_or_else(|| missing("refresh_token is missing."))?;
            let less = (params.once("scope")?, params.once("resource")?);
            tokens::refresh(&state, &app, token, less, &visit).await?
        }
        Some(DEVICE_CODE) => {
            let code = params.once("device_code")?;
            let code = code.ok_or_else(|| missing("device_code is missing."))?;
            devices::redeem(&state, &app, code, &visit).await?
        }
        Some("client_credentials") => {
            let wish = (params.once("scope")?, params.once("resource")?);
            programs::grant(&state, &app, wish).await?
        }
        Some(_) => {
            let why = "The discovery document names the grant types that there are.";
            return Err(Failed::Request("unsupported_grant_type", why));
        }
        None => return Err(missing("grant_type is missing.")),
    };
    Ok(unstored(granted))
}

/// Takes an authorization request before the browser comes with it (RFC 9126, section 2).
async fn push(
    State(state): State<AppState>,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<Response> {
    let (app, params) = asked(&state, &headers, &body, PAR).await?;
    if params.once("request_uri")?.is_some() {
        let why = "A pushed request can't name another one.";
        return Err(Failed::Request("invalid_request", why));
    }
    let params = params.of_request(&app.id);
    let apps = state.apps.get().await?;
    let request = Request::read(&params, Some(app.clone()), &apps, state.issuer());
    let request = request.map_err(|bad| match bad {
        Bad::Back(told) => Failed::Request(told.error, told.why),
        Bad::Here(_) => Failed::Request("invalid_request", "redirect_uri is not one of the app's."),
    })?;
    let uri = pushed::keep(&state, &request, &visit).await?;
    let body = json!({"request_uri": uri, "expires_in": pushed::TTL});
    Ok((StatusCode::CREATED, unstored(body)).into_response())
}

/// Begins the sign-in of a device (RFC 8628, section 3.1).
async fn authorize_device(
    State(state): State<AppState>,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<Response> {
    let (app, params) = asked(&state, &headers, &body, DEVICE_AUTHORIZATION).await?;
    let wish = (params.once("scope")?, params.once("resource")?);
    let Asked { device_code, user_code } = devices::ask(&state, &app, wish, &visit).await?;
    let page = format!("{}{}", state.issuer(), devices::PAGE);
    Ok(unstored(json!({
        "device_code": device_code,
        "user_code": user_code,
        "verification_uri": page,
        "verification_uri_complete": format!("{page}?user_code={user_code}"),
        "expires_in": devices::TTL,
        "interval": Asked::INTERVAL,
    })))
}

async fn introspect(
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<Response> {
    let (app, params) = asked(&state, &headers, &body, INTROSPECT).await?;
    // An app that only names itself could be anybody.
    if !app.definition.is_confidential() {
        return Err(Failed::Client { basic: false });
    }
    Ok(unstored(tokens::introspect(&state, &app, token_of(&params)?).await?))
}

async fn revoke(
    State(state): State<AppState>,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<Response> {
    let (app, params) = asked(&state, &headers, &body, REVOKE).await?;
    tokens::revoke(&state, &app, token_of(&params)?, &visit).await?;
    Ok(unstored(json!({})))
}

/// OpenID Connect Core 1.0, section 5.3. Errors as in RFC 6750, section 3.
async fn userinfo(
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<Response> {
    let by_header = authorization(&headers).and_then(bearer);
    let by_header = by_header.map(|token| token.trim().to_owned());
    let by_form = || form(&headers, &body).ok()?.hint("access_token").map(str::to_owned);
    let Some(token) = by_header.or_else(by_form) else {
        return Ok(unauthorized(StatusCode::UNAUTHORIZED, None));
    };
    let Some(Known::Access(known)) = tokens::find(&state, &token).await? else {
        return Ok(unauthorized(StatusCode::UNAUTHORIZED, Some("invalid_token")));
    };
    let (claims, holding) = *known;
    if claims.aud != state.issuer() {
        return Ok(unauthorized(StatusCode::UNAUTHORIZED, Some("invalid_token")));
    }
    if !super::has(&claims.scope, "openid") {
        return Ok(unauthorized(StatusCode::FORBIDDEN, Some("insufficient_scope")));
    }
    Ok(unstored(Value::Object(tokens::claims_of(&holding.person, &claims.scope))))
}

fn unauthorized(status: StatusCode, error: Option<&'static str>) -> Response {
    let challenge = match error {
        None => "Bearer".to_owned(),
        Some(error) => format!("Bearer error=\"{error}\""),
    };
    let body = error.map_or_else(|| json!({}), |error| json!({"error": error}));
    let mut response = (status, Json(body)).into_response();
    if let Ok(challenge) = HeaderValue::try_from(challenge) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response.extensions_mut().insert(Explained);
    response
}
