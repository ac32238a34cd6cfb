//! Latchkey itself: a separate process, started the way its users do, with only the address of a
//! database set; and databases full of accounts.

use std::{
    net::SocketAddr,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use latchkey::{
    domain::Username,
    platform::settings::Sources,
    sessions::{StoredSession, carrier::Carrier, tokens::Tokens},
    settings::Settings,
};
use reqwest::{Client, Method, StatusCode, header, redirect};
use serde_json::{Value, json};
use sqlx::{Connection, SqliteConnection};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::{Child, Command},
};

use crate::{
    Run,
    load::Request,
    partners::{Answer, cpu_time},
};

pub(crate) const PASSWORD: &str = "correct horse battery staple";

const SECRET: &str = "6f1c9c1e5b0a4a1f8d2e7c3b9a0f5e4d";

/// A hash of realistic size whose password nobody knows.
pub(crate) const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$bGF0Y2hrZXkgZGVjb3kh$\
                               AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A running Latchkey. It is killed when this is dropped.
pub(crate) struct Latchkey {
    child: Child,
    pub(crate) url: String,
    client: Client,
}

impl Latchkey {
    pub(crate) async fn start(run: &Run, folder: &Path) -> Self {
        let database = format!("sqlite:{}", folder.join("latchkey.db").display());
        Self::start_on(run, folder, &database).await
    }

    pub(crate) async fn start_on(run: &Run, folder: &Path, database_url: &str) -> Self {
        Self::start_with(run, folder, database_url, &[("THROTTLE", "off")]).await
    }

    pub(crate) async fn start_with(
        run: &Run,
        folder: &Path,
        database_url: &str,
        settings: &[(&str, &str)],
    ) -> Self {
        let log = std::fs::File::create(folder.join("log")).expect("a file");
        let mut child = Command::new(run.program.canonicalize().expect("the program: make build"))
            .current_dir(folder)
            .env_clear()
            .envs([("PORT", "0"), ("DATABASE_URL", database_url)])
            .envs(settings.iter().copied())
            .env("JWT_SECRET", SECRET)
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .expect("started");
        let output = child.stdout.take().expect("its output");
        let line = BufReader::new(output).lines().next_line().await.expect("read").expect("a line");
        let url = line.rsplit(' ').next().expect("an address").to_owned();
        Self { child, url, client: client() }
    }

    /// Time from the start of the process to the first answer with status 200.
    pub(crate) async fn first_answer(run: &Run, folder: &Path, port: u16) -> Duration {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let database = format!("sqlite:{}", folder.join("latchkey.db").display());
        let log = std::fs::File::create(folder.join("log")).expect("a file");
        let program = run.program.canonicalize().expect("the program: make build");
        let start = Instant::now();
        let _child = Command::new(program)
            .current_dir(folder)
            .env_clear()
            .envs([("PORT", &port.to_string()), ("DATABASE_URL", &database)])
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .expect("started");
        loop {
            assert!(start.elapsed() < Duration::from_secs(30), "it never answered");
            let Ok(mut socket) = TcpStream::connect(address).await else {
                tokio::time::sleep(Duration::from_millis(1)).await;
                continue;
            };
            let request = format!("GET /readyz HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n");
            let mut answer = [0; 12];
            if socket.write_all(request.as_bytes()).await.is_ok()
                && socket.read_exact(&mut answer).await.is_ok()
                && answer.ends_with(b" 200")
            {
                return start.elapsed();
            }
        }
    }

    pub(crate) fn cpu_time(&self) -> f64 {
        cpu_time(&self.child)
    }

    /// Signs access tokens for sessions in its database.
    pub(crate) fn signer(&self) -> Tokens {
        let sources = Sources::of(&[("JWT_SECRET", SECRET)]);
        let settings = Settings::read(&sources).expect("good settings");
        let secret = settings.keys.secret.clone().expect("a secret");
        let url = settings.web.public_url_at(self.address().port());
        Tokens::new(&settings.sessions, &url, &secret, None, None)
    }

    pub(crate) fn tokens(&self, sessions: Vec<StoredSession>) -> Vec<String> {
        let signer = self.signer();
        let programs = sessions.iter().filter(|session| session.carrier == Carrier::Program);
        programs.map(|session| signer.make(session).expect("a token").0).collect()
    }

    /// The address that it listens on.
    pub(crate) fn address(&self) -> SocketAddr {
        let port = self.url.rsplit(':').next().and_then(|port| port.parse().ok());
        SocketAddr::from(([127, 0, 0, 1], port.expect("a port")))
    }

    /// A value from `/proc` about its memory, in MiB.
    pub(crate) fn memory(&self, name: &str) -> f64 {
        let pid = self.child.id().expect("it runs");
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("its status");
        let line = status.lines().find(|line| line.starts_with(name)).expect("a line");
        let kib: f64 = line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("KiB");
        kib / 1024.0
    }

    pub(crate) async fn sign_up(&self, username: &str) {
        let body = json!({"username": username, "password": PASSWORD, "fullName": "Ada Lovelace"});
        let request = client().post(format!("{}/auth/signup", self.url)).json(&body);
        assert_eq!(request.send().await.expect("an answer").status(), StatusCode::OK);
    }

    /// Signs in repeatedly for a time. Returns the milliseconds of each sign-in that was admitted.
    pub(crate) async fn admitted_sign_ins(&self, username: &str, time: Duration) -> Vec<f64> {
        let body = json!({"username": username, "password": PASSWORD});
        let (client, start, mut times) = (client(), Instant::now(), Vec::new());
        while start.elapsed() < time {
            let request = client.post(format!("{}/auth/signin", self.url)).json(&body);
            let begin = Instant::now();
            let answer = request.send().await.expect("an answer");
            if answer.status() == StatusCode::OK {
                times.push(begin.elapsed().as_secs_f64() * 1000.0);
            }
        }
        times
    }

    /// Tries to sign in, and returns the status of the refusal.
    pub(crate) async fn refused(&self, username: &str, password: &str) -> StatusCode {
        let body = json!({"username": username, "password": password});
        self.ask(Method::POST, "/auth/signin", None, &body).await
    }

    /// Sends a request, and returns the status of the answer. `token`: the whole header.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: &Value,
    ) -> StatusCode {
        let mut request = self.client.request(method, format!("{}{path}", self.url)).json(body);
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, token);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status();
        _ = answer.bytes().await.expect("its body");
        status
    }

    /// Checks that a new client is served.
    pub(crate) async fn answers(&self) {
        let answer = client().get(format!("{}/healthz", self.url)).send().await;
        assert_eq!(answer.expect("an answer").status(), StatusCode::OK);
    }

    /// A request with an access token.
    pub(crate) async fn with_token(&self, path: &str, username: &str) -> Request {
        let body = json!({"username": username, "password": PASSWORD});
        let request = client().post(format!("{}/auth/signin", self.url)).json(&body);
        let answer: Value = request.send().await.expect("sent").json().await.expect("JSON");
        let token = answer["accessToken"].as_str().expect("a token");
        self.request(path, vec![("authorization", format!("Bearer {token}"))])
    }

    /// A request with the cookies of a signed-in browser.
    pub(crate) async fn with_cookie(&self, path: &str, username: &str) -> Request {
        let client = Client::builder()
            .cookie_store(true)
            .redirect(redirect::Policy::none())
            .build()
            .expect("a client");
        let page = client.get(format!("{}/signin", self.url)).send().await.expect("the page");
        let visitor = cookie(&page);
        let page = page.text().await.expect("text");
        let field = |name: &str| {
            let (_, rest) = page.split_once(&format!("name=\"{name}\"")).expect("the field");
            let (_, rest) = rest.split_once("value=\"").expect("its value");
            rest.split('"').next().expect("its end").to_owned()
        };
        let form = [
            ("username", username.to_owned()),
            ("password", PASSWORD.to_owned()),
            ("form_token", field("form_token")),
        ];
        let request = client.post(format!("{}/api/sign_in", self.url)).form(&form);
        let request =
            request.header(header::ORIGIN, &self.url).header("sec-fetch-site", "same-origin");
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "signed in by the form");
        let session = cookie(&answer);
        self.request(path, vec![("cookie", format!("{visitor}; {session}"))])
    }

    pub(crate) fn request(&self, path: &str, headers: Vec<(&'static str, String)>) -> Request {
        Request { url: format!("{}{path}", self.url), headers, body: None, tokens: Vec::new() }
    }

    pub(crate) fn post(&self, path: &str, body: Value) -> Request {
        let url = format!("{}{path}", self.url);
        let (headers, tokens) = Default::default();
        Request { url, headers, body: Some(body.to_string()), tokens }
    }
}

/// The answer to a request, for the bare handler to repeat.
pub(crate) async fn answer(request: &Request) -> Answer {
    let mut get = client().get(&request.url);
    for (name, value) in &request.headers {
        get = get.header(*name, value);
    }
    let response = get.send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK, "{}", request.url);
    let made_by_hyper = [header::CONTENT_LENGTH, header::DATE, header::TRANSFER_ENCODING];
    let headers = response
        .headers()
        .iter()
        .filter(|(name, _)| !made_by_hyper.contains(name))
        .map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned()))
        .collect();
    Answer { headers, body: response.text().await.expect("text") }
}

fn client() -> Client {
    Client::new()
}

/// The cookie in an answer, as `name=value`.
fn cookie(response: &reqwest::Response) -> String {
    let cookie = response.headers()[header::SET_COOKIE].to_str().expect("text");
    cookie.split(';').next().expect("its value").to_owned()
}

/// The name of one of the accounts that [`fill`] makes.
pub(crate) fn name(index: usize) -> String {
    format!("person-{index:07}")
}

/// The session of one of the accounts that [`fill`] makes.
pub(crate) fn session_id(index: usize) -> String {
    format!("session-{index:014}")
}

/// Fills a database that Latchkey has created up to this many accounts, each with a live session.
/// Nobody knows their passwords.
pub(crate) async fn fill(folder: &Path, accounts: usize) {
    let url = format!("sqlite:{}", folder.join("latchkey.db").display());
    let mut db = SqliteConnection::connect(&url).await.expect("the database");
    let have: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM accounts")
        .fetch_one(&mut db)
        .await
        .expect("a count");
    let mut transaction = db.begin().await.expect("begun");
    let random = || i64::try_from(getrandom::u64().expect("randomness") >> 11).expect("small");
    for index in usize::try_from(have).expect("a count")..accounts {
        let (id, username) = (random(), Username::parse(&name(index)).expect("a name"));
        let account = "INSERT INTO accounts (id, username, username_key, username_skeleton, \
                       username_typed_skeleton, full_name, created_at) \
                       VALUES ($1, $2, $3, $4, $5, 'Ada Lovelace', 1790000000)";
        sqlx::query(account)
            .bind(id)
            .bind(username.typed())
            .bind(username.key().as_str())
            .bind(username.skeleton())
            .bind(username.typed_skeleton())
            .execute(&mut *transaction)
            .await
            .expect("an account");
        sqlx::query("INSERT INTO passwords (account_id, hash) VALUES ($1, $2)")
            .bind(id)
            .bind(HASH)
            .execute(&mut *transaction)
            .await
            .expect("a password");
        let session = "INSERT INTO sessions (id, account_id, created_at, alive_until, ends_at, \
                       carrier) VALUES ($1, $2, 1790000000, 4000000000, 4000000000, 'program')";
        sqlx::query(session)
            .bind(session_id(index))
            .bind(id)
            .execute(&mut *transaction)
            .await
            .expect("a session");
    }
    // The first start of the server would do this.
    for terms in [
        "INSERT INTO search_terms (account_id, kind, term) \
         SELECT id, 'name', lower(hex(username_key)) FROM accounts WHERE true ON CONFLICT DO NOTHING",
        "INSERT INTO search_terms (account_id, kind, term) \
         SELECT id, 'name', lower(hex(lower(full_name))) FROM accounts WHERE true ON CONFLICT DO NOTHING",
        "INSERT INTO search_terms (account_id, kind, term) \
         SELECT id, 'name', lower(hex('lovelace')) FROM accounts WHERE true ON CONFLICT DO NOTHING",
        "INSERT INTO facts (name, value) VALUES ('directory', '1') ON CONFLICT DO NOTHING",
    ] {
        sqlx::query(terms).execute(&mut *transaction).await.expect("the directory");
    }
    transaction.commit().await.expect("committed");
    // The cost of the filling must not fall on what is measured.
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut db).await.expect("a checkpoint");
}
