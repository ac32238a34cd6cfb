//! Another provider of OpenID Connect, which can misbehave in every way.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Uri, header},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    app_support::{challenge, location, param, url_encoded},
    signer::{Key, now, unsigned, with_secret},
    support::{Browser, TestServer},
};

pub(crate) const SECRET: &str = "upstream-secret-upstream-secret-42";

/// How it misbehaves.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Mode {
    #[default]
    Well,
    /// The ID token has other claims. `null` takes one away.
    Claims(Vec<(&'static str, Value)>),
    /// The discovery document has other members.
    Discovery(Vec<(&'static str, Value)>),
    Unsigned,
    /// Signed with the secret that both know.
    Hs256,
    /// Signed with the text of the public key.
    Hs256Public,
    /// Signed with a key that it does not publish.
    OtherKey,
    NoIdToken,
    /// This path is answered by a redirect to itself.
    Circle(&'static str),
    /// This path is never answered to its end.
    Huge(&'static str),
    /// This path is not answered.
    Slow(&'static str),
    Down,
    /// The ID token says only who it is, and userinfo the rest, of this person.
    Userinfo(&'static str),
}

struct Inner {
    origin: String,
    mode: Mutex<Mode>,
    key: Key,
    other: Key,
    /// What each code is for: claims, and the PKCE challenge.
    codes: Mutex<HashMap<String, (Value, String)>>,
    hits: AtomicUsize,
}

#[derive(Clone)]
pub(crate) struct Upstream(Arc<Inner>);

impl Upstream {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let upstream = Self(Arc::new(Inner {
            origin,
            mode: Mutex::default(),
            key: Key::new("one"),
            other: Key::new("one"),
            codes: Mutex::default(),
            hits: AtomicUsize::new(0),
        }));
        let router = Router::new().fallback(answer).with_state(upstream.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        upstream
    }

    pub(crate) fn origin(&self) -> &str {
        &self.0.origin
    }

    pub(crate) fn misbehave(&self, mode: Mode) {
        *self.0.mode.lock().expect("unlocked") = mode;
    }

    pub(crate) fn hits(&self) -> usize {
        self.0.hits.load(Ordering::SeqCst)
    }

    /// Its entry in `PROVIDERS_FILE`.
    pub(crate) fn entry(&self, id: &str, more: &str) -> String {
        format!(
            "[[provider]]\nid = \"{id}\"\nname = \"Work\"\nissuer = \"{}\"\nclient_id = \"latchkey\"\n\
             client_secret = \"{SECRET}\"\n{more}\n",
            self.origin()
        )
    }

    /// The address to which a person comes back who was sent to `address`, and what they are called there.
    pub(crate) fn comes_back(
        &self,
        address: &str,
        person: &Value,
        changes: &[(&str, &str)],
    ) -> String {
        assert!(address.starts_with(&format!("{}/authorize?", self.origin())), "{address}");
        let get = |name: &str| param(address, name).unwrap_or_default();
        assert_eq!(
            (get("response_type"), get("code_challenge_method")),
            ("code".into(), "S256".into())
        );
        let code = format!("code-{}", self.0.codes.lock().expect("unlocked").len());
        let mut claims = json!({
            "iss": self.origin(), "aud": "latchkey", "iat": now(), "exp": now() + 300,
            "nonce": get("nonce"),
        });
        for (name, value) in person.as_object().expect("claims") {
            claims[name] = value.clone();
        }
        let grant = (claims, get("code_challenge"));
        self.0.codes.lock().expect("unlocked").insert(code.clone(), grant);
        let state = get("state");
        let mut all = vec![("code", &*code), ("state", &*state), ("iss", self.origin())];
        for (name, value) in changes {
            all.retain(|(known, _)| known != name);
            if !value.is_empty() {
                all.push((name, value));
            }
        }
        let callback = get("redirect_uri");
        let path = callback.find("/signin").map(|at| callback[at..].to_owned()).expect("a path");
        format!("{path}?{}", url_encoded(&all))
    }
}

fn json_of(value: &Value) -> Response {
    axum::Json(value.clone()).into_response()
}

async fn answer(
    State(upstream): State<Upstream>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let inner = &upstream.0;
    inner.hits.fetch_add(1, Ordering::SeqCst);
    let mode = inner.mode.lock().expect("unlocked").clone();
    let path = uri.path();
    match &mode {
        Mode::Down => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Mode::Circle(of) if path == *of => {
            return (StatusCode::FOUND, [(header::LOCATION, path.to_owned())]).into_response();
        }
        Mode::Slow(of) if path == *of => {
            std::future::pending::<()>().await;
        }
        Mode::Huge(of) if path == *of => {
            let pieces =
                stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from(vec![b' '; 8192])));
            let json = [(header::CONTENT_TYPE, "application/json")];
            return (json, Body::from_stream(pieces)).into_response();
        }
        _ => {}
    }
    let at = |path: &str| format!("{}{path}", inner.origin);
    match path {
        "/.well-known/openid-configuration" => {
            let mut document = json!({
                "issuer": inner.origin,
                "authorization_endpoint": at("/authorize"),
                "token_endpoint": at("/token"),
                "jwks_uri": at("/jwks"),
                "userinfo_endpoint": at("/userinfo"),
                "authorization_response_iss_parameter_supported": true,
                "something_unknown": {"a": 1},
            });
            if let Mode::Discovery(changes) = &mode {
                for (name, value) in changes {
                    document[name] = value.clone();
                }
            }
            json_of(&document)
        }
        // One of a kind that nobody knows is among them.
        "/jwks" => json_of(&json!({"keys": [{"kty": "XYZ", "kid": "new"}, inner.key.public()]})),
        "/token" => token(inner, &mode, &headers, &body),
        "/userinfo" => match &mode {
            Mode::Userinfo(subject) => json_of(&json!({
                "sub": subject, "name": "From Userinfo", "email": "u@example.org", "email_verified": true,
            })),
            _ => StatusCode::NOT_FOUND.into_response(),
        },
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn token(inner: &Inner, mode: &Mode, headers: &HeaderMap, body: &Bytes) -> Response {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let basic = format!("Basic {}", STANDARD.encode(format!("latchkey:{SECRET}")));
    if headers.get(header::AUTHORIZATION).is_none_or(|shown| *shown != *basic) {
        return (StatusCode::UNAUTHORIZED, json_of(&json!({"error": "invalid_client"})))
            .into_response();
    }
    let address = format!("?{}", String::from_utf8_lossy(body));
    let get = |name: &str| param(&address, name).unwrap_or_default();
    let found = inner.codes.lock().expect("unlocked").remove(&get("code"));
    let Some((mut claims, expected)) =
        found.filter(|(_, c)| *c == challenge(&get("code_verifier")))
    else {
        let error = json!({"error": "invalid_grant"});
        return (StatusCode::BAD_REQUEST, json_of(&error)).into_response();
    };
    assert!(!expected.is_empty());
    if let Mode::Claims(changes) = mode {
        for (name, value) in changes {
            claims[name] = value.clone();
        }
        claims.as_object_mut().expect("claims").retain(|_, value| !value.is_null());
    }
    if let Mode::Userinfo(_) = mode {
        for name in ["name", "email", "email_verified", "preferred_username"] {
            claims.as_object_mut().expect("claims").remove(name);
        }
    }
    let header = inner.key.header();
    let hs256 = json!({"alg": "HS256", "kid": "one"});
    let token = match mode {
        Mode::Unsigned => unsigned(&claims),
        Mode::Hs256 => with_secret(&hs256, &claims, SECRET.as_bytes()),
        Mode::Hs256Public => {
            with_secret(&hs256, &claims, inner.key.public().to_string().as_bytes())
        }
        Mode::OtherKey => inner.other.sign(&header, &claims),
        _ => inner.key.sign(&header, &claims),
    };
    let mut answer = json!({"access_token": "at", "token_type": "Bearer", "id_token": token});
    if *mode == Mode::NoIdToken {
        answer.as_object_mut().expect("an answer").remove("id_token");
    }
    json_of(&answer)
}

/// A server that lets people sign in with these providers.
pub(crate) async fn server_with(entries: &[String], settings: &[(&str, &str)]) -> TestServer {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("providers.toml");
    std::fs::write(&file, entries.concat()).expect("written");
    let file = file.to_str().expect("text");
    let mut all = vec![("PROVIDERS_FILE", file)];
    all.extend(settings);
    TestServer::start_with(&all).await
}

/// Sends a browser to a provider, and returns the address that it was sent to.
pub(crate) async fn leaves(browser: &Browser, path: &str) -> String {
    let answer = browser.get(path).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    location(&answer)
}
