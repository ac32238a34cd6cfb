//! A server for each test, and clients that use it like real ones.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use latchkey::{
    platform::settings::Sources,
    server::{self, Running},
    settings::Settings,
};
use reqwest::{
    Response, StatusCode,
    cookie::{CookieStore, Jar},
    header,
};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const SECRET: &str = "6f1c9c1e5b0a4a1f8d2e7c3b9a0f5e4d";
pub(crate) const PASSWORD: &str = "correct horse battery staple";

pub(crate) const NEW: &str = "another horse and battery";

/// The two ways in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Via {
    Json,
    Form,
}

pub(crate) const WAYS: [Via; 2] = [Via::Json, Via::Form];

/// A door's answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Accepted,
    /// The status, and every message.
    Refused(u16, BTreeSet<String>),
}

impl Outcome {
    pub(crate) fn is_accepted(&self) -> bool {
        *self == Self::Accepted
    }

    pub(crate) fn says(&self, text: &str) -> bool {
        matches!(self, Self::Refused(_, messages) if messages.iter().any(|m| m.contains(text)))
    }

    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Accepted => 200,
            Self::Refused(status, _) => *status,
        }
    }
}

pub(crate) struct TestServer {
    pub(crate) running: Running,
    /// `DATABASE_URL`.
    pub(crate) database_url: String,
    _folder: TempDir,
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    pub(crate) async fn start_with(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let given = settings.iter().find(|(name, _)| *name == "DATABASE_URL");
        let database_url = match given {
            Some((_, url)) => (*url).to_owned(),
            None => crate::new_database(folder.path()).await,
        };
        let mut all = vec![("PORT", "0"), ("DATABASE_URL", &database_url), ("JWT_SECRET", SECRET)];
        all.retain(|(name, _)| settings.iter().all(|(other, _)| name != other));
        all.extend(settings);
        let settings = Settings::read(&Sources::of(&all)).expect("good settings");
        let running = server::start(settings).await.expect("a server");
        Self { running, database_url, _folder: folder }
    }

    /// Another node with the same database and secret. All nodes have one `PUBLIC_URL`.
    pub(crate) async fn another_node(&self) -> Self {
        let url = [("DATABASE_URL", &*self.database_url), NODES_URL];
        Self::start_with(&url).await
    }

    /// Direct access to the database, for what no door can do. Helpers and tests that use it have
    /// `db_` in their names.
    pub(crate) async fn db(&self) -> sqlx::AnyPool {
        Self::db_at(&self.database_url).await
    }

    pub(crate) async fn db_at(url: &str) -> sqlx::AnyPool {
        sqlx::any::install_default_drivers();
        sqlx::AnyPool::connect(url).await.expect("the database")
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.address)
    }

    pub(crate) fn origin(&self) -> String {
        self.url("")
    }

    /// `POST` of a JSON body by an anonymous program.
    pub(crate) async fn post_json(&self, path: &str, body: &Value) -> Response {
        program().post(self.url(path)).json(body).send().await.expect("an answer")
    }

    pub(crate) async fn sign_up_json(&self, username: &str) -> Value {
        let body = json!({"username": username, "password": PASSWORD, "fullName": "Test Person"});
        let response = self.post_json("/auth/signup", &body).await;
        assert_eq!(response.status(), StatusCode::OK);
        response.json().await.expect("JSON")
    }

    /// Signs in to an existing account and returns its access token.
    pub(crate) async fn token(&self, username: &str) -> String {
        self.token_with(username, PASSWORD).await
    }

    pub(crate) async fn token_with(&self, username: &str, password: &str) -> String {
        let body = json!({"username": username, "password": password});
        let response = self.post_json("/auth/signin", &body).await;
        assert_eq!(response.status(), StatusCode::OK);
        let body: Value = response.json().await.expect("JSON");
        body["accessToken"].as_str().expect("a token").to_owned()
    }

    /// A request from a signed-in program.
    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: Option<&Value>,
    ) -> Response {
        let method = method.parse().expect("a method");
        let mut request = program().request(method, self.url(path)).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().await.expect("an answer")
    }

    /// Signs in to an existing account with a refresh token, and returns the whole answer.
    pub(crate) async fn refreshable(&self, username: &str) -> Value {
        let body = json!({"username": username, "password": PASSWORD, "refresh": true});
        let response = self.post_json("/auth/signin", &body).await;
        assert_eq!(response.status(), StatusCode::OK);
        response.json().await.expect("JSON")
    }

    /// `POST /auth/refresh`.
    pub(crate) async fn refresh(&self, token: &str) -> Response {
        self.post_json("/auth/refresh", &json!({"refreshToken": token})).await
    }

    /// Makes every proof of a password too old, on a server that has not cached it yet.
    pub(crate) async fn db_forget_proofs(&self) {
        let db = self.db().await;
        sqlx::query("UPDATE sessions SET proved_at = 0").execute(&db).await.expect("updated");
        db.close().await;
    }

    pub(crate) async fn db_count(&self, query: &'static str) -> i64 {
        let db = self.db().await;
        let count = sqlx::query_scalar(query).fetch_one(&db).await.expect("a count");
        db.close().await;
        count
    }

    /// Starts nodes, which clean up as they start, until a count is as expected.
    pub(crate) async fn db_execute(&self, statement: &'static str) {
        let db = self.db().await;
        sqlx::query(statement).execute(&db).await.expect("executed");
        db.close().await;
    }

    pub(crate) async fn db_cleaned_up(&self, query: &'static str, expected: i64) {
        eventually(async || {
            let node = self.another_node().await;
            let mut done = false;
            for _ in 0..20 {
                done = done || self.db_count(query).await == expected;
            }
            node.running.stop().await;
            done
        })
        .await;
    }

    pub(crate) async fn profile(&self, authorization: &str) -> Response {
        let request = program().get(self.url("/user/profile"));
        request.header(header::AUTHORIZATION, authorization).send().await.expect("an answer")
    }

    /// Signs up through one of the doors.
    pub(crate) async fn sign_up(
        &self,
        via: Via,
        username: &str,
        password: &str,
        full_name: &str,
    ) -> Outcome {
        match via {
            Via::Json => {
                let body =
                    json!({"username": username, "password": password, "fullName": full_name});
                outcome_of_json(self.post_json("/auth/signup", &body).await).await
            }
            Via::Form => {
                let fields =
                    [("username", username), ("password", password), ("fullName", full_name)];
                Browser::new(self).submit("/signup", "/api/sign_up", &fields).await
            }
        }
    }

    pub(crate) async fn sign_in(&self, via: Via, username: &str, password: &str) -> Outcome {
        match via {
            Via::Json => {
                let body = json!({"username": username, "password": password});
                outcome_of_json(self.post_json("/auth/signin", &body).await).await
            }
            Via::Form => {
                let fields = [("username", username), ("password", password)];
                Browser::new(self).submit("/signin", "/api/sign_in", &fields).await
            }
        }
    }
}

/// `PUBLIC_URL` for servers that are nodes of one service.
pub(crate) const NODES_URL: (&str, &str) = ("PUBLIC_URL", "http://localhost:3000");

pub(crate) async fn outcome_of_json(response: Response) -> Outcome {
    let status = response.status().as_u16();
    let body: Value = response.json().await.expect("JSON");
    if status == 200 {
        return Outcome::Accepted;
    }
    let errors = body["errors"].as_array().cloned().unwrap_or_default();
    let mut messages: BTreeSet<String> = errors
        .iter()
        .map(|error| error["message"].as_str().expect("a message").to_owned())
        .collect();
    if messages.is_empty() {
        messages.insert(body["detail"].as_str().expect("a detail").to_owned());
    }
    Outcome::Refused(status, messages)
}

/// A client without cookies that follows no redirects.
pub(crate) fn program() -> reqwest::Client {
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
    builder.build().expect("a client")
}

/// A browser: it keeps cookies, accepts HTML, and sends the origin of its requests.
pub(crate) struct Browser {
    pub(crate) client: reqwest::Client,
    jar: Arc<Jar>,
    origin: String,
}

impl Browser {
    pub(crate) fn new(server: &TestServer) -> Self {
        Self::at(&server.origin())
    }

    pub(crate) fn at(origin: &str) -> Self {
        let jar = Arc::new(Jar::default());
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .cookie_provider(jar.clone())
            .no_proxy()
            .build()
            .expect("a client");
        Self { client, jar, origin: origin.to_owned() }
    }

    /// With the session of another browser.
    pub(crate) fn with_session(origin: &str, session: &str) -> Self {
        let browser = Self::at(origin);
        browser.keep("latchkey", session);
        browser
    }

    /// Keeps a cookie that was another browser's.
    pub(crate) fn keep(&self, name: &str, value: &str) {
        let url = self.origin.parse().expect("a URL");
        self.jar.add_cookie_str(&format!("{name}={value}"), &url);
    }

    /// The value of a cookie.
    pub(crate) fn kept(&self, name: &str) -> String {
        let (cookies, name) = (self.cookies(), format!("{name}="));
        let value = cookies.split("; ").find_map(|cookie| cookie.strip_prefix(&*name));
        value.expect("the cookie").to_owned()
    }

    /// All cookies, as it sends them.
    pub(crate) fn cookies(&self) -> String {
        let cookies = self.jar.cookies(&self.origin.parse().expect("a URL")).expect("cookies");
        cookies.to_str().expect("text").to_owned()
    }

    /// The value of the session cookie.
    pub(crate) fn session(&self) -> String {
        let cookies = self.cookies();
        let mut cookies = cookies.split("; ");
        let session = cookies.find_map(|cookie| cookie.strip_prefix("latchkey="));
        session.expect("a session").to_owned()
    }

    /// Signed in by the form.
    pub(crate) async fn signed_in(server: &TestServer, username: &str) -> Self {
        let browser = Self::new(server);
        let fields = [("username", username), ("password", PASSWORD)];
        assert!(browser.submit("/signin", "/api/sign_in", &fields).await.is_accepted());
        browser
    }

    /// Signed in by the form, as a new account.
    pub(crate) async fn signed_up(server: &TestServer, username: &str) -> Self {
        let browser = Self::new(server);
        let fields = [("username", username), ("password", PASSWORD), ("fullName", "Test Person")];
        assert!(browser.submit("/signup", "/api/sign_up", &fields).await.is_accepted());
        browser
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        let request = self.client.get(format!("{}{path}", self.origin));
        request.header(header::ACCEPT, "text/html").send().await.expect("an answer")
    }

    /// Opens the link of a mail, which first leaves the address bar.
    pub(crate) async fn arrive(&self, path: &str) -> Response {
        let response = self.get(path).await;
        match response.headers().get(header::LOCATION) {
            Some(location) if response.status() == StatusCode::SEE_OTHER => {
                let location = location.to_str().expect("text").to_owned();
                assert!(path.starts_with(&format!("{location}?link=")), "it has left: {location}");
                self.get(&location).await
            }
            _ => response,
        }
    }

    pub(crate) async fn page(&self, path: &str) -> String {
        let response = self.get(path).await;
        let status = response.status();
        let page = response.text().await.expect("a page");
        assert_eq!(status, StatusCode::OK, "{path}: {page}");
        page
    }

    /// Sends exactly these fields, without loading a page first.
    pub(crate) async fn post(&self, action: &str, fields: &[(&str, &str)]) -> Response {
        self.client
            .post(format!("{}{action}", self.origin))
            .header(header::ACCEPT, "text/html")
            .header(header::ORIGIN, &self.origin)
            .header("sec-fetch-site", "same-origin")
            .form(fields)
            .send()
            .await
            .expect("an answer")
    }

    /// Loads the page, and sends its form with these fields and the form's token.
    pub(crate) async fn send(&self, page: &str, action: &str, fields: &[(&str, &str)]) -> Response {
        let token = form_token(&self.page(page).await);
        let mut all = vec![("form_token", token.as_str())];
        all.extend(fields);
        self.post(action, &all).await
    }

    pub(crate) async fn submit(
        &self,
        page: &str,
        action: &str,
        fields: &[(&str, &str)],
    ) -> Outcome {
        let response = self.send(page, action, fields).await;
        let status = response.status().as_u16();
        if status == 303 {
            return Outcome::Accepted;
        }
        Outcome::Refused(status, summary(&response.text().await.expect("a page")))
    }
}

/// The hidden token of the form on a page.
pub(crate) fn form_token(page: &str) -> String {
    let after = page.split("name=\"form_token\" value=\"").nth(1).expect("a form with a token");
    after.split('"').next().expect("a token").to_owned()
}

/// The value of a hidden field.
pub(crate) fn hidden(page: &str, name: &str) -> String {
    let after = page.split(&format!("name=\"{name}\" value=\"")).nth(1).expect("a hidden field");
    after.split('"').next().expect("a value").to_owned()
}

/// The id of the session that a token names.
pub(crate) fn session_id(token: &str) -> String {
    let claims = token.split('.').nth(1).expect("claims");
    let claims = URL_SAFE_NO_PAD.decode(claims).expect("base64url");
    let claims: Value = serde_json::from_slice(&claims).expect("JSON");
    claims["sid"].as_str().expect("an id").to_owned()
}

/// What a page says is wrong with its form: in the summary, or beside the only field that is.
pub(crate) fn summary(page: &str) -> BTreeSet<String> {
    let text =
        |rest: &str, end: &str| Some(rest.split_once('>')?.1.split(end).next()?.replace("<!>", ""));
    let is_said = |text: &String| !text.trim().is_empty();
    let summary =
        page.split("class=\"summary\"").nth(1).and_then(|rest| rest.split("<form").next());
    let Some(summary) = summary else {
        let errors = page.split("class=\"error\"").skip(1);
        return errors.filter_map(|rest| text(rest, "</p>")).filter(is_said).collect();
    };
    let links: BTreeSet<String> =
        summary.split("<a href=").skip(1).filter_map(|link| text(link, "</a>")).collect();
    if links.is_empty() {
        // About the form as a whole.
        return summary
            .split("<p")
            .nth(1)
            .and_then(|rest| text(rest, "</p>"))
            .into_iter()
            .collect();
    }
    links
}

/// The value of a cookie that a response sets.
pub(crate) fn cookie(response: &Response, name: &str) -> Option<String> {
    response.headers().get_all(header::SET_COOKIE).iter().find_map(|line| {
        let (found, value) = line.to_str().ok()?.split(';').next()?.split_once('=')?;
        (found == name).then(|| value.to_owned())
    })
}

/// Waits until a condition is true. The limit only ends a hung test: even a busy machine does not
/// reach it.
pub(crate) async fn eventually(condition: impl AsyncFn() -> bool) {
    let wait = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(300), wait).await.expect("it comes to pass");
}

/// Sends one request as raw bytes, and returns everything that comes back.
pub(crate) async fn raw(server: &TestServer, request: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream =
        tokio::net::TcpStream::connect(server.running.address).await.expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    // A server that refuses early may close the connection while we are still sending.
    _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// The body of a successful answer that must not be cached.
pub(crate) async fn json_of(response: reqwest::Response) -> Value {
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["cache-control"], "no-store");
    response.json().await.expect("JSON")
}
