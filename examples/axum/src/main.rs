//! An axum app that people sign in to with Latchkey: docs/apps/axum.md explains it.

use std::{env, sync::Arc};

use axum::{
    Router,
    extract::{Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClientId, ClientSecret, CsrfToken, IssuerUrl, LogoutProviderMetadata,
    Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, PostLogoutRedirectUrl,
    ProviderMetadataWithLogout, RedirectUrl, RefreshToken, Scope, TokenResponse,
    core::{CoreAuthenticationFlow, CoreClient, CoreGenderClaim, CoreIdToken},
};
use serde::{Deserialize, Serialize};
use tower_sessions::{MemoryStore, Session, SessionManagerLayer, cookie::SameSite};

/// The app's settings, and its client for Latchkey.
struct App {
    http: reqwest::Client,
    issuer: IssuerUrl,
    id: ClientId,
    secret: ClientSecret,
    redirect: RedirectUrl,
    home: String,
}

/// A sign-in under way.
#[derive(Serialize, Deserialize)]
struct Pending {
    verifier: PkceCodeVerifier,
    state: CsrfToken,
    nonce: Nonce,
}

/// The person who is signed in.
#[derive(Serialize, Deserialize)]
struct User {
    sub: String,
    name: String,
    refresh: RefreshToken,
    id: String,
}

type Failed = (StatusCode, String);

fn failed(error: impl std::fmt::Debug) -> Failed {
    (StatusCode::BAD_REQUEST, format!("{error:?}"))
}

#[tokio::main]
async fn main() {
    let setting = |name: &str| env::var(name).unwrap_or_else(|_| panic!("set {name}"));
    let redirect = setting("OIDC_REDIRECT_URI");
    let at = openidconnect::url::Url::parse(&redirect).expect("a URL");
    let app = App {
        // A client that follows redirects can be led anywhere.
        http: reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client"),
        issuer: IssuerUrl::new(setting("OIDC_ISSUER")).expect("a URL"),
        id: ClientId::new(setting("OIDC_CLIENT_ID")),
        secret: ClientSecret::new(setting("OIDC_CLIENT_SECRET")),
        redirect: RedirectUrl::new(redirect).expect("a URL"),
        home: at.join("/").expect("a URL").to_string(),
    };
    let sessions = SessionManagerLayer::new(MemoryStore::default())
        .with_secure(at.scheme() == "https")
        .with_same_site(SameSite::Lax);
    let router = Router::new()
        .route("/", get(home))
        .route("/sign-in", get(sign_in))
        .route(at.path(), get(callback))
        .route("/refresh", get(refresh))
        .route("/sign-out", get(sign_out))
        .layer(sessions)
        .with_state(Arc::new(app));
    let port = at.port_or_known_default().expect("a port");
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.expect("a port");
    println!("listening on port {port}");
    axum::serve(listener, router).await.expect("served");
}

/// Everything else is found from the issuer: with each sign-in, so that new keys are known.
macro_rules! client {
    ($app:expr) => {{
        let found = ProviderMetadataWithLogout::discover_async($app.issuer.clone(), &$app.http).await;
        let metadata = found.map_err(failed)?;
        let client = CoreClient::from_provider_metadata(
            metadata.clone(), $app.id.clone(), Some($app.secret.clone()),
        );
        (client.set_redirect_uri($app.redirect.clone()), metadata)
    }};
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

async fn home(session: Session) -> Result<Html<String>, Failed> {
    Ok(Html(match session.get::<User>("user").await.map_err(failed)? {
        Some(User { sub, name, .. }) => format!(
            "<!DOCTYPE html><title>axum</title><h1>Hello, <span id=\"name\">{}</span></h1><p id=\"sub\">{sub}</p>\
             <p><a href=\"/refresh\">Refresh</a> <a href=\"/sign-out\">Sign out</a></p>",
            escaped(&name)
        ),
        None => "<!DOCTYPE html><title>axum</title><h1>Hello</h1><p><a href=\"/sign-in\">Sign in</a></p>".into(),
    }))
}

async fn sign_in(State(app): State<Arc<App>>, session: Session) -> Result<Redirect, Failed> {
    let (client, _) = client!(app);
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state, nonce) = client
        .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
        .add_scopes(["profile", "email", "offline_access"].map(|scope| Scope::new(scope.into())))
        .set_pkce_challenge(challenge)
        .url();
    session.insert("pending", Pending { verifier, state, nonce }).await.map_err(failed)?;
    Ok(Redirect::to(url.as_str()))
}

#[derive(Deserialize)]
struct Answer {
    code: AuthorizationCode,
    state: CsrfToken,
}

async fn callback(
    State(app): State<Arc<App>>,
    session: Session,
    Query(answer): Query<Answer>,
) -> Result<Redirect, Failed> {
    // An old page, or the back button: begin anew.
    let Some(pending) = session.remove::<Pending>("pending").await.map_err(failed)? else {
        return Ok(Redirect::to("/sign-in"));
    };
    if pending.state.secret() != answer.state.secret() {
        return Ok(Redirect::to("/sign-in"));
    }
    let (client, _) = client!(app);
    let exchange = client.exchange_code(answer.code).map_err(failed)?;
    let tokens = exchange.set_pkce_verifier(pending.verifier).request_async(&app.http).await.map_err(failed)?;
    let id: &CoreIdToken = tokens.id_token().ok_or_else(|| failed("no ID token"))?;
    let verifier = client.id_token_verifier();
    let claims = id.claims(&verifier, &pending.nonce).map_err(failed)?;
    if let Some(expected) = claims.access_token_hash() {
        let algorithm = id.signing_alg().map_err(failed)?;
        let key = id.signing_key(&verifier).map_err(failed)?;
        let hash = AccessTokenHash::from_token(tokens.access_token(), algorithm, key).map_err(failed)?;
        if hash != *expected {
            return Err(failed("the access token is another one's"));
        }
    }
    let info: openidconnect::UserInfoClaims<openidconnect::EmptyAdditionalClaims, CoreGenderClaim> = client
        .user_info(tokens.access_token().clone(), Some(claims.subject().clone()))
        .map_err(failed)?
        .request_async(&app.http)
        .await
        .map_err(failed)?;
    let name = info.name().and_then(|name| name.get(None)).map(|name| name.to_string());
    let user = User {
        sub: claims.subject().to_string(),
        name: name.unwrap_or_default(),
        refresh: tokens.refresh_token().cloned().ok_or_else(|| failed("no refresh token"))?,
        id: id.to_string(),
    };
    // A new session id for somebody who has just signed in.
    session.cycle_id().await.map_err(failed)?;
    session.insert("user", user).await.map_err(failed)?;
    Ok(Redirect::to("/"))
}

async fn refresh(State(app): State<Arc<App>>, session: Session) -> Result<Html<String>, Failed> {
    let user = session.get::<User>("user").await.map_err(failed)?;
    let mut user = user.ok_or_else(|| failed("nobody is signed in"))?;
    let (client, _) = client!(app);
    let exchange = client.exchange_refresh_token(&user.refresh).map_err(failed)?;
    let tokens = exchange.request_async(&app.http).await.map_err(failed)?;
    user.refresh = tokens.refresh_token().cloned().unwrap_or(user.refresh);
    let page = format!("<p id=\"refreshed\">{}</p>", user.sub);
    session.insert("user", user).await.map_err(failed)?;
    Ok(Html(page))
}

async fn sign_out(State(app): State<Arc<App>>, session: Session) -> Result<Response, Failed> {
    let user = session.remove::<User>("user").await.map_err(failed)?;
    session.flush().await.map_err(failed)?;
    let (_, metadata) = client!(app);
    let end: &LogoutProviderMetadata<_> = metadata.additional_metadata();
    let Some(end) = end.end_session_endpoint.clone() else { return Ok(Redirect::to("/").into_response()) };
    let home = PostLogoutRedirectUrl::new(app.home.clone()).map_err(failed)?;
    let mut wish = openidconnect::LogoutRequest::from(end)
        .set_client_id(app.id.clone())
        .set_post_logout_redirect_uri(home);
    let id = user.and_then(|user| user.id.parse::<CoreIdToken>().ok());
    if let Some(id) = &id {
        wish = wish.set_id_token_hint(id);
    }
    Ok(Redirect::to(wish.http_get_url().as_str()).into_response())
}
