//! Somebody who administers a server, for the tests of administration.

use reqwest::{Response, StatusCode, header};
use serde_json::{Value, json};

use crate::{
    app_support::operate,
    second_step::body_of,
    support::{Browser, TestServer, form_token, program},
};

/// Settings of a server whose administrators need no second factor.
pub(crate) const WITHOUT_SECOND: (&str, &str) = ("ADMIN_SECOND_FACTOR", "off");

/// A server with an administrator called root, who needs no second factor.
pub(crate) struct Administered {
    pub(crate) server: TestServer,
    /// The administrator's access token.
    pub(crate) token: String,
}

pub(crate) async fn administered() -> Administered {
    administered_with(&[]).await
}

pub(crate) async fn administered_with(more: &[(&str, &str)]) -> Administered {
    let settings: Vec<_> = [WITHOUT_SECOND].into_iter().chain(more.to_vec()).collect();
    Administered::of(TestServer::start_with(&settings).await).await
}

impl Administered {
    /// Makes an administrator of a server on which nobody is.
    pub(crate) async fn of(server: TestServer) -> Self {
        let token = server.admin("chief").await;
        Self { server, token }
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Response {
        self.server.ask(method, &format!("/admin/api{path}"), &self.token, body).await
    }

    /// The body of a good answer.
    pub(crate) async fn good(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let answer = self.ask(method, path, body).await;
        let status = answer.status();
        assert!(status.is_success(), "{method} {path}: {status} {:?}", answer.text().await);
        match status {
            StatusCode::NO_CONTENT | StatusCode::ACCEPTED => Value::Null,
            _ => body_of(answer).await,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.good("GET", path, None).await
    }

    /// The status and the kind of a refusal.
    pub(crate) async fn refused(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> (u16, String) {
        kind_of(self.ask(method, path, body).await).await
    }

    /// An API key with these scopes.
    pub(crate) fn key(&self, scopes: &str) -> String {
        let said =
            operate(&self.server, &["api-key", "add", "a program", "--scope", scopes, "--json"]);
        let line: Value = serde_json::from_str(said.trim()).expect("JSON");
        line["key"].as_str().expect("a key").to_owned()
    }

    /// The administrator, in a browser.
    pub(crate) async fn browser(&self) -> Browser {
        Browser::signed_in(&self.server, "chief").await
    }

    /// The id of an account, found by its username.
    pub(crate) async fn id_of(&self, username: &str) -> i64 {
        let found = self.get(&format!("/users?query={username}")).await;
        found["users"][0]["id"].as_i64().expect("an id")
    }

    /// The newest event of the trail.
    pub(crate) async fn newest(&self) -> Value {
        self.get("/audit?limit=1").await["events"][0].clone()
    }
}

impl TestServer {
    /// Signs somebody up who administers this server, and returns an access token.
    pub(crate) async fn admin(&self, username: &str) -> String {
        self.sign_up_json(username).await;
        operate(self, &["user", "groups", username, "--add", "admin"]);
        self.token(username).await
    }

    /// A request with an API key, or with any other Bearer token.
    pub(crate) async fn by_key(
        &self,
        method: &str,
        path: &str,
        key: &str,
        body: Option<&Value>,
    ) -> Response {
        self.ask(method, &format!("/admin/api{path}"), key, body).await
    }
}

/// The status and the kind of a refusal.
pub(crate) async fn kind_of(answer: Response) -> (u16, String) {
    let status = answer.status().as_u16();
    let problem = body_of(answer).await;
    let kind = problem["type"].as_str().expect("a kind").trim_start_matches("/problems/");
    (status, kind.to_owned())
}

/// Presses a button of a page: its form with these fields, and those that are hidden in it.
pub(crate) async fn press(
    browser: &Browser,
    page: &str,
    action: &str,
    fields: &[(&str, &str)],
) -> Response {
    let text = browser.page(page).await;
    let token = form_token(&text);
    let mut all = vec![("form_token", token.as_str()), ("next", page)];
    all.extend(fields);
    browser.post(action, &all).await
}

/// Where an answer leads.
pub(crate) fn leads(answer: &Response) -> String {
    let location = answer.headers().get(header::LOCATION);
    location.map(|to| to.to_str().expect("text").to_owned()).unwrap_or_default()
}

/// A request of a stranger to a JSON route of administration.
pub(crate) async fn as_stranger(server: &TestServer, path: &str) -> Response {
    program().get(server.url(path)).send().await.expect("an answer")
}

/// A new account, as a body.
pub(crate) fn person(username: &str) -> Value {
    json!({"username": username, "fullName": "New Person"})
}
