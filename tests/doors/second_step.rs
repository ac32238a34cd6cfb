//! Helpers for the tests of second factors: an authenticator app, and the steps of a sign-in.

use std::time::{SystemTime, UNIX_EPOCH};

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use totp_rs::{Builder, Secret};

use crate::{authenticator::Authenticator, support::*};

/// An authenticator app that was set up, and what came with it.
pub(crate) struct App {
    pub(crate) secret: String,
    pub(crate) codes: Vec<String>,
}

impl App {
    /// The code of the step that is `steps` after this one.
    pub(crate) fn code(&self, steps: i64) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        let secret = Secret::try_from_base32(&self.secret).expect("base32");
        let totp = Builder::new().with_secret(secret).build().expect("an app");
        totp.generate(now.checked_add_signed(30 * steps).expect("a time")).to_string()
    }

    /// A code that is right and was not used, though many were lately.
    pub(crate) async fn db_code(&self, server: &TestServer) -> String {
        server.db_execute("UPDATE second_factors SET used_step = 0").await;
        self.code(0)
    }

    pub(crate) fn wrong(&self) -> String {
        let right: Vec<String> = (-2..=2).map(|steps| self.code(steps)).collect();
        let all = (0..).map(|number| format!("{number:06}"));
        all.into_iter().find(|code| !right.contains(code)).expect("a wrong one")
    }
}

/// The one who took the first step, and waits before the second.
pub(crate) enum HalfOpen {
    Program(String),
    Browser(Box<Browser>),
}

/// How the second step is done.
#[derive(Clone, Debug)]
pub(crate) enum By {
    Code(String),
    Recovery(String),
    Passkey(Value),
}

impl By {
    pub(crate) fn field(&self) -> (&'static str, String) {
        match self {
            Self::Code(code) => ("code", code.clone()),
            Self::Recovery(code) => ("recoveryCode", code.clone()),
            Self::Passkey(json) => ("credential", json.to_string()),
        }
    }

    pub(crate) fn put_into(&self, body: &mut Value) {
        match self {
            Self::Passkey(json) => body["credential"] = json.clone(),
            other => body[other.field().0] = other.field().1.into(),
        }
    }
}

impl TestServer {
    /// Sets up an app for a signed-in program.
    pub(crate) async fn set_up_app(&self, token: &str) -> App {
        let setup = body_of(self.ask("POST", "/user/totp", token, None).await).await;
        let secret = setup["secret"].as_str().expect("a secret").to_owned();
        let mut app = App { secret, codes: Vec::new() };
        // The code before the present one, so that the present one is left for a test. It may have
        // become too old on its way.
        let codes = loop {
            let body = json!({"code": app.code(-1)});
            let answer = self.ask("POST", "/user/totp/confirm", token, Some(&body)).await;
            match answer.status() {
                StatusCode::OK => break body_of(answer).await,
                status => assert_eq!(status, StatusCode::BAD_REQUEST),
            }
        };
        let codes = codes["recoveryCodes"].as_array().expect("codes").iter();
        app.codes = codes.map(|code| code.as_str().expect("a code").to_owned()).collect();
        app
    }

    /// An account with an app.
    pub(crate) async fn with_app(&self, username: &str) -> (App, String) {
        self.sign_up_json(username).await;
        let token = self.token(username).await;
        (self.set_up_app(&token).await, token)
    }

    /// Adds a passkey for a signed-in program.
    pub(crate) async fn add_passkey(&self, token: &str, key: &Authenticator) -> Value {
        let options = self.creation_options(token).await;
        let challenge = options["challenge"].as_str().expect("a challenge");
        let body = json!({
            "challenge": challenge, "name": "My key", "credential": key.register(challenge),
        });
        let answer = self.ask("POST", "/user/passkeys", token, Some(&body)).await;
        assert_eq!(answer.status(), StatusCode::CREATED);
        body_of(answer).await
    }

    pub(crate) async fn creation_options(&self, token: &str) -> Value {
        body_of(self.ask("POST", "/user/passkeys/options", token, None).await).await
    }

    /// A challenge to sign in with a passkey.
    pub(crate) async fn passkey_challenge(&self) -> String {
        let answer = program().post(self.url("/auth/passkey/options")).send().await;
        let options = body_of(answer.expect("an answer")).await;
        options["challenge"].as_str().expect("a challenge").to_owned()
    }

    /// The first step, by the password. Panics unless the second one is asked for.
    pub(crate) async fn first_step(&self, via: Via, username: &str) -> HalfOpen {
        match via {
            Via::Json => {
                let body = json!({"username": username, "password": PASSWORD});
                HalfOpen::Program(challenge_of(self.post_json("/auth/signin", &body).await).await)
            }
            Via::Form => HalfOpen::Browser(Box::new(
                self.first_step_in(Browser::new(self), username, &[]).await,
            )),
        }
    }

    /// The same in a browser that may be known, with more fields.
    pub(crate) async fn first_step_in(
        &self,
        browser: Browser,
        username: &str,
        more: &[(&str, &str)],
    ) -> Browser {
        let fields = [&[("username", username), ("password", PASSWORD)], more].concat();
        let answer = browser.send("/signin", "/api/sign_in", &fields).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        assert_eq!(answer.headers()["location"], "/signin/second-factor");
        browser
    }

    /// The second step: the token or cookie of the session, or the status of the refusal.
    pub(crate) async fn second_step(&self, half: &HalfOpen, by: &By) -> Result<String, StatusCode> {
        match half {
            HalfOpen::Program(challenge) => {
                let mut body = json!({"challenge": challenge});
                by.put_into(&mut body);
                let answer = self.post_json("/auth/second-factor", &body).await;
                match answer.status() {
                    StatusCode::OK => {
                        let body = body_of(answer).await;
                        Ok(body["accessToken"].as_str().expect("a token").to_owned())
                    }
                    status => Err(status),
                }
            }
            HalfOpen::Browser(browser) => {
                let (name, value) = by.field();
                let answer = self.send_second(browser, &[(name, &value)]).await;
                let location = answer.headers().get("location").cloned();
                match location {
                    Some(location) if location == "/profile" => Ok(browser.session()),
                    // Back to the first step.
                    Some(_) => Err(StatusCode::BAD_REQUEST),
                    None => Err(answer.status()),
                }
            }
        }
    }

    pub(crate) async fn send_second(&self, browser: &Browser, fields: &[(&str, &str)]) -> Response {
        let page = browser.get("/signin/second-factor").await;
        if page.status() != StatusCode::OK {
            return page;
        }
        let page = page.text().await.expect("a page");
        let (token, whose) = (form_token(&page), hidden(&page, "whose"));
        let all = [&[("form_token", &*token), ("whose", &*whose)], fields].concat();
        browser.post("/api/second_factor", &all).await
    }

    /// Both steps, by a program. Returns its token.
    pub(crate) async fn strong_token(&self, username: &str, by: &By) -> String {
        let half = self.first_step(Via::Json, username).await;
        self.second_step(&half, by).await.expect("signed in")
    }

    /// Proves anew who one is, by a program.
    pub(crate) async fn confirm_json(&self, token: &str, body: &Value) -> Response {
        self.ask("POST", "/auth/confirm", token, Some(body)).await
    }
}

/// The challenge of a sign-in that asks for the second step.
pub(crate) async fn challenge_of(answer: Response) -> String {
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let problem = body_of(answer).await;
    assert_eq!(problem["type"], "/problems/second-factor-required");
    problem["challenge"].as_str().expect("a challenge").to_owned()
}

/// The body of an answer, refused or not.
pub(crate) async fn body_of(answer: Response) -> Value {
    answer.json().await.expect("JSON")
}
