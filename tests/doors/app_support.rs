//! An app that people sign in to: what a client of OpenID Connect does, step by step.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::{Response, StatusCode, Url, header};
use serde_json::Value;

use crate::{
    operator::done,
    support::{Browser, TestServer, eventually, form_token, hidden, program},
};

pub(crate) const CALLBACK: &str = "https://app.example.org/callback";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// An app, registered by the operator.
pub(crate) struct App {
    pub(crate) id: String,
    pub(crate) secret: Option<String>,
    pub(crate) redirect_uri: String,
}

/// S256.
pub(crate) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

/// The claims of a JWT, unchecked.
pub(crate) fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).expect("claims");
    let part = URL_SAFE_NO_PAD.decode(part).expect("base64url");
    serde_json::from_slice(&part).expect("JSON")
}

pub(crate) fn jose(token: &str) -> Value {
    let part = token.split('.').next().expect("a header");
    let part = URL_SAFE_NO_PAD.decode(part).expect("base64url");
    serde_json::from_slice(&part).expect("JSON")
}

/// Runs a command of the operator.
pub(crate) fn operate(server: &TestServer, arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    done(server, folder.path(), arguments)
}

/// Sends a form of a page that was loaded before: its token, the address that follows, and these fields.
pub(crate) async fn send_from(
    browser: &Browser,
    page: &str,
    action: &str,
    fields: &[(&str, &str)],
) -> Response {
    let (token, next) = (form_token(page), hidden(page, "next").replace("&amp;", "&"));
    let mut all = vec![("form_token", &*token), ("next", &*next)];
    all.extend(fields);
    browser.post(action, &all).await
}

/// The address that a response redirects to.
pub(crate) fn location(response: &Response) -> String {
    let location = response.headers().get(header::LOCATION).expect("a redirect");
    location.to_str().expect("text").to_owned()
}

/// A parameter of an address.
pub(crate) fn param(url: &str, name: &str) -> Option<String> {
    let url = Url::parse("http://here.invalid").expect("a URL").join(url).expect("a URL");
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

impl App {
    /// `options`: of `latchkey app add`, besides the redirect URI.
    pub(crate) async fn add(server: &TestServer, name: &str, options: &[&str]) -> Self {
        let mut arguments = vec!["app", "add", name, "--json", "--redirect-uri", CALLBACK];
        arguments.extend(options);
        Self::made(server, &operate(server, &arguments), CALLBACK).await
    }

    pub(crate) async fn made(server: &TestServer, json: &str, redirect_uri: &str) -> Self {
        let made: Value = serde_json::from_str(json).expect("JSON");
        let app = Self {
            id: made["client_id"].as_str().expect("an id").to_owned(),
            secret: made["client_secret"].as_str().map(str::to_owned),
            redirect_uri: redirect_uri.to_owned(),
        };
        app.is_known(server).await;
        app
    }

    /// Waits until the running server has heard of it.
    pub(crate) async fn is_known(&self, server: &TestServer) {
        eventually(async || {
            let url = server.url(&self.address(&[]));
            program().get(url).send().await.expect("an answer").status() == StatusCode::SEE_OTHER
        })
        .await;
    }

    /// The address of an authorization, with other or more parameters. An empty value takes one away.
    pub(crate) fn address(&self, changes: &[(&str, &str)]) -> String {
        let challenge = challenge(VERIFIER);
        let mut all = vec![
            ("client_id", &*self.id),
            ("response_type", "code"),
            ("redirect_uri", &*self.redirect_uri),
            ("scope", "openid profile email groups"),
            ("state", "a state"),
            ("nonce", "a nonce"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        for (name, value) in changes {
            all.retain(|(known, _)| known != name);
            if !value.is_empty() {
                all.push((name, value));
            }
        }
        let query = url_encoded(&all);
        format!("/authorize?{query}")
    }

    /// Sends a signed-in browser to sign in here, and returns the address it comes back to.
    pub(crate) async fn come_back(&self, browser: &Browser, changes: &[(&str, &str)]) -> String {
        let response = browser.get(&self.address(changes)).await;
        let status = response.status();
        assert_eq!(status, StatusCode::SEE_OTHER, "{}", response.text().await.expect("text"));
        let back = location(&response);
        assert!(back.starts_with(&self.redirect_uri), "{back}");
        back
    }

    /// The code that a signed-in browser brings.
    pub(crate) async fn code(&self, browser: &Browser, changes: &[(&str, &str)]) -> String {
        let back = self.come_back(browser, changes).await;
        param(&back, "code").unwrap_or_else(|| panic!("a code: {back}"))
    }

    /// A request of the app to an endpoint, authenticated as it should be.
    pub(crate) async fn post(
        &self,
        server: &TestServer,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Response {
        let mut request = program().post(server.url(path));
        let mut fields = fields.to_vec();
        match &self.secret {
            Some(secret) => request = request.basic_auth(&self.id, Some(secret)),
            None => fields.push(("client_id", &self.id)),
        }
        request.form(&fields).send().await.expect("an answer")
    }

    /// Exchanges a code.
    pub(crate) async fn exchange(&self, server: &TestServer, code: &str) -> Response {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", VERIFIER),
        ];
        self.post(server, "/token", &fields).await
    }

    /// The whole flow: the tokens of a signed-in browser.
    pub(crate) async fn tokens(
        &self,
        server: &TestServer,
        browser: &Browser,
        changes: &[(&str, &str)],
    ) -> Value {
        let code = self.code(browser, changes).await;
        ok(self.exchange(server, &code).await).await
    }

    pub(crate) async fn refresh(&self, server: &TestServer, token: &str) -> Response {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.post(server, "/token", &fields).await
    }

    /// Whether a token is active.
    pub(crate) async fn is_active(&self, server: &TestServer, token: &str) -> bool {
        let answer = ok(self.post(server, "/introspect", &[("token", token)]).await).await;
        answer["active"].as_bool().expect("whether it is active")
    }
}

pub(crate) fn url_encoded(fields: &[(&str, &str)]) -> String {
    let mut url = Url::parse("http://here.invalid").expect("a URL");
    url.query_pairs_mut().extend_pairs(fields);
    url.query().expect("a query").to_owned()
}

pub(crate) async fn ok(response: Response) -> Value {
    let status = response.status();
    let text = response.text().await.expect("text");
    assert_eq!(status, StatusCode::OK, "{text}");
    serde_json::from_str(&text).expect("JSON")
}

/// The word of an OAuth error.
pub(crate) async fn error(response: Response, status: u16) -> String {
    let (found, text) = (response.status().as_u16(), response.text().await.expect("text"));
    assert_eq!(found, status, "{text}");
    let body: Value = serde_json::from_str(&text).expect("JSON");
    body["error"].as_str().expect("an error").to_owned()
}

pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name}: {value}"))
}
