//! Apps that nobody registered: they describe themselves at an https address (Client ID Metadata Documents).

use std::{
    collections::HashMap,
    fs,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::{TlsAcceptor, rustls};

use crate::{
    app_support::*,
    process::{Served, run},
    support::{Browser, PASSWORD, SECRET, program},
};

const RESOURCE: &str = "https://notes.example.org/mcp";

/// A web site with documents of apps, over https.
struct Site {
    address: SocketAddr,
    documents: Arc<Mutex<HashMap<String, Vec<u8>>>>,
    hits: Arc<AtomicUsize>,
    /// Connections, whatever came of them.
    connections: Arc<AtomicUsize>,
    /// The certificate of its authority.
    authority: String,
}

/// A whole answer.
fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn json_answer(body: &Value) -> Vec<u8> {
    answer("200 OK\r\ncontent-type: application/json", body.to_string().as_bytes())
}

impl Site {
    async fn start() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let authority = CertifiedIssuer::self_signed(params, key).expect("an authority");
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &authority).expect("a certificate");
        let config = rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key.into())
            .expect("a configuration");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let documents: Arc<Mutex<HashMap<String, Vec<u8>>>> = Arc::default();
        let hits = Arc::new(AtomicUsize::new(0));
        let connections = Arc::new(AtomicUsize::new(0));
        let reached = connections.clone();
        let (served, counted) = (documents.clone(), hits.clone());
        let acceptor = TlsAcceptor::from(Arc::new(config));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                reached.fetch_add(1, Ordering::SeqCst);
                let (acceptor, served, counted) =
                    (acceptor.clone(), served.clone(), counted.clone());
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut head = [0; 4096];
                    let read = stream.read(&mut head).await.unwrap_or_default();
                    let head = String::from_utf8_lossy(&head[..read]).into_owned();
                    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                    counted.fetch_add(1, Ordering::SeqCst);
                    let found = served.lock().expect("unlocked").get(&path).cloned();
                    match found {
                        // One that never ends.
                        Some(answer) if answer.is_empty() => {
                            let mut rest = [0; 64];
                            while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {}
                        }
                        Some(answer) => _ = stream.write_all(&answer).await,
                        None => _ = stream.write_all(&answer("404 Not Found", b"")).await,
                    }
                    _ = stream.shutdown().await;
                });
            }
        });
        Self { address, documents, hits, connections, authority: authority.pem() }
    }

    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.address.port())
    }

    fn put(&self, path: &str, answer: Vec<u8>) {
        self.documents.lock().expect("unlocked").insert(path.to_owned(), answer);
    }

    /// Publishes the document of an app, with these changes.
    fn publish(&self, path: &str, changes: &[(&str, Value)]) -> App {
        let id = self.url(path);
        let mut document = json!({
            "client_id": id,
            "client_name": "Helpful agent",
            "redirect_uris": ["http://localhost/callback", CALLBACK],
            "grant_types": ["authorization_code", "refresh_token", "urn:example:later"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
            "tos_uri": "https://agent.example/terms",
        });
        for (name, value) in changes {
            document[name] = value.clone();
        }
        self.put(path, json_answer(&document));
        App { id, secret: None, redirect_uri: CALLBACK.to_owned() }
    }

    fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }
}

/// A server that takes apps which nobody registered, and one service.
struct House {
    served: Served,
    folder: TempDir,
    settings: Vec<(&'static str, String)>,
    site: Site,
}

impl House {
    async fn open(more: &[(&'static str, &str)]) -> Self {
        let (site, folder) = (Site::start().await, tempfile::tempdir().expect("a folder"));
        let authority = folder.path().join("authority.pem");
        fs::write(&authority, &site.authority).expect("written");
        let mut settings = vec![
            ("DATABASE_URL", crate::new_database(folder.path()).await),
            ("JWT_SECRET", SECRET.to_owned()),
            ("DYNAMIC_APPS", "yes".to_owned()),
            ("FETCH_ALLOW", "127.0.0.0/8,::1".to_owned()),
            ("SSL_CERT_FILE", authority.display().to_string()),
        ];
        for (name, value) in more {
            settings.retain(|(known, _)| known != name);
            settings.push((name, (*value).to_owned()));
        }
        let given: Vec<(&str, &str)> =
            settings.iter().map(|(name, value)| (*name, &**value)).collect();
        let made = run(
            folder.path(),
            &["app", "add", "Notes", "--serves", RESOURCE, "--scope", "notes"],
            &given,
        );
        assert!(made.status.success(), "{}", crate::process::text(&made));
        let served = Served::start(folder.path(), &given);
        Self { served, folder, settings, site }
    }

    fn operate(&self, arguments: &[&str]) -> String {
        let given: Vec<(&str, &str)> =
            self.settings.iter().map(|(name, value)| (*name, &**value)).collect();
        crate::process::text(&run(self.folder.path(), arguments, &given))
    }

    async fn person(&self, name: &str) -> Browser {
        let browser = Browser::at(&self.served.url);
        let page = browser.page("/signup").await;
        let fields = [
            ("form_token", &*crate::support::form_token(&page)),
            ("username", name),
            ("password", PASSWORD),
            ("fullName", "Test Person"),
        ];
        assert_eq!(browser.post("/api/sign_up", &fields).await.status(), StatusCode::SEE_OTHER);
        browser
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.served.url)
    }

    async fn exchange(&self, app: &App, redirect_uri: &str, code: &str) -> reqwest::Response {
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", &app.id),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", VERIFIER),
            ("resource", RESOURCE),
        ];
        program().post(self.url("/token")).form(&fields).send().await.expect("an answer")
    }
}

const WISH: [(&str, &str); 2] = [("scope", "notes"), ("resource", RESOURCE)];

/// Agrees, and returns the address of the app that follows.
async fn agree(browser: &Browser, consent: &str) -> String {
    let agreed = send_from(browser, consent, "/api/agree_to_app", &[]).await;
    let page = agreed.text().await.expect("text");
    let to = page.split("content=\"0;url=").nth(1).expect("it goes on").to_owned();
    let to = to.split('"').next().expect("an address").replace("&amp;", "&");
    let path = to.find("/authorize").map(|at| to[at..].to_owned()).expect("on the way");
    location(&browser.get(&path).await)
}

async fn status(browser: &Browser, app: &App, changes: &[(&str, &str)]) -> StatusCode {
    browser.get(&app.address(changes)).await.status()
}

#[tokio::test]
async fn a_tool_that_nobody_registered_signs_in_with_consent_each_time() {
    let house = House::open(&[]).await;
    let document: Value = {
        let url = house.url("/.well-known/oauth-authorization-server");
        ok(program().get(url).send().await.expect("an answer")).await
    };
    assert_eq!(document["client_id_metadata_document_supported"], true);
    let app = house.site.publish("/agent.json", &[]);

    // A stranger signs in before anything is fetched.
    let stranger = Browser::at(&house.served.url);
    let first = location(&stranger.get(&app.address(&WISH)).await);
    assert!(first.starts_with("/signin?next="), "{first}");
    assert_eq!(house.site.hits(), 0);

    let alice = house.person("alice").await;
    let consent = alice.page(&app.address(&WISH)).await;
    for shown in ["Helpful agent", "localhost", "app.example.org", RESOURCE, "<code>notes</code>"] {
        assert!(consent.contains(shown), "{shown}: {consent}");
    }
    let back = agree(&alice, &consent).await;
    let issuer = text(&document, "issuer");
    assert_eq!(param(&back, "iss").as_deref(), Some(issuer));
    let code = param(&back, "code").expect("a code");
    let tokens = ok(house.exchange(&app, CALLBACK, &code).await).await;
    let told = claims(text(&tokens, "access_token"));
    assert_eq!((&told["aud"], &told["client_id"]), (&json!(RESOURCE), &json!(app.id)));
    assert_eq!(told["scope"], "notes offline_access");

    // Fetched once, and kept; asked again.
    assert_eq!(house.site.hits(), 1);
    assert!(alice.page(&app.address(&WISH)).await.contains("/api/agree_to_app"));
    assert_eq!(house.site.hits(), 1);
    let silent = location(&alice.get(&app.address(&[WISH[0], WISH[1], ("prompt", "none")])).await);
    assert_eq!(param(&silent, "error").as_deref(), Some("consent_required"));

    let refresh = [
        ("grant_type", "refresh_token"),
        ("client_id", &app.id),
        ("refresh_token", text(&tokens, "refresh_token")),
        ("resource", RESOURCE),
    ];
    let post = || program().post(house.url("/token")).form(&refresh).send();
    // Tools call from several places at once.
    let (one, two, three) = tokio::join!(post(), post(), post());
    let mut next = Vec::new();
    for answer in [one, two, three] {
        let tokens = ok(answer.expect("an answer")).await;
        next.push(text(&tokens, "refresh_token").to_owned());
    }
    assert!(next.iter().all(|token| *token == next[0]));

    // It is listed, and the person can end it; so can the operator.
    let page = alice.page("/account/apps").await;
    assert!(page.contains("Helpful agent"));
    assert!(house.operate(&["app", "list"]).contains("(not registered)"));
    let said = house.operate(&["app", "remove", &app.id, "--yes"]);
    assert!(said.contains("is removed"), "{said}");
    let again =
        [("grant_type", "refresh_token"), ("client_id", &*app.id), ("refresh_token", &*next[0])];
    let again = program().post(house.url("/token")).form(&again).send().await.expect("an answer");
    assert!(again.status().is_client_error());
}

#[tokio::test]
async fn a_program_on_the_persons_device_may_use_any_port_and_the_page_warns_of_it() {
    let house = House::open(&[]).await;
    let app = house.site.publish("/agent.json", &[]);
    let alice = house.person("alice").await;
    let local = "http://localhost:49152/callback";
    let consent = alice.page(&app.address(&[WISH[0], WISH[1], ("redirect_uri", local)])).await;
    assert!(consent.contains("Any program here could call itself"), "{consent}");
    let back = agree(&alice, &consent).await;
    assert!(back.starts_with(local), "{back}");
    let code = param(&back, "code").expect("a code");
    ok(house.exchange(&app, local, &code).await).await;
    for other in [
        "http://localhost:49152/other",
        "http://127.0.0.1:49152/callback",
        "http://localhost.evil.example:49152/callback",
        "http://localhost:1@evil.example/callback",
        "https://evil.example/callback",
    ] {
        let status = status(&alice, &app, &[WISH[0], WISH[1], ("redirect_uri", other)]).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{other}");
    }
}

#[tokio::test]
async fn a_document_that_is_not_what_it_should_be_is_refused() {
    let house = House::open(&[]).await;
    let alice = house.person("alice").await;
    let good = house.site.publish("/good.json", &[]);
    assert_eq!(status(&alice, &good, &WISH).await, StatusCode::OK);
    let document = json!({"client_id": house.site.url("/padded.json"), "redirect_uris": [CALLBACK],
                          "padding": "x".repeat(70_000)});
    house.site.put("/padded.json", json_answer(&document));
    house.site.put("/moved.json", answer(&format!("302 Found\r\nlocation: {}", good.id), b""));
    house.site.put("/circle.json", answer("302 Found\r\nlocation: /circle.json", b""));
    house.site.put("/page.json", answer("200 OK\r\ncontent-type: text/html", b"<html>"));
    house.site.put("/broken.json", answer("200 OK\r\ncontent-type: application/json", b"{"));
    house.site.put("/error.json", answer("500 Oh", b""));
    for path in [
        "/padded.json",
        "/moved.json",
        "/circle.json",
        "/page.json",
        "/broken.json",
        "/error.json",
        "/missing.json",
    ] {
        let app = App { id: house.site.url(path), secret: None, redirect_uri: CALLBACK.into() };
        assert_eq!(status(&alice, &app, &WISH).await, StatusCode::BAD_REQUEST, "{path}");
    }
    for (path, changes) in [
        ("/other.json", ("client_id", json!(good.id))),
        ("/secret.json", ("client_secret", json!("x"))),
        ("/basic.json", ("token_endpoint_auth_method", json!("client_secret_basic"))),
        ("/script.json", ("redirect_uris", json!(["javascript:alert(1)"]))),
    ] {
        let app = house.site.publish(path, &[changes]);
        assert_eq!(status(&alice, &app, &WISH).await, StatusCode::BAD_REQUEST, "{path}");
    }
    // A redirect is not followed, not even to a document that would be good.
    let known = house.site.hits();
    let moved = App {
        id: house.site.url("/moved-too.json"),
        ..house
            .site
            .publish("/there.json", &[("client_id", json!(house.site.url("/moved-too.json")))])
    };
    let to_there = format!("302 Found\r\nlocation: {}", house.site.url("/there.json"));
    house.site.put("/moved-too.json", answer(&to_there, b""));
    assert_eq!(status(&alice, &moved, &WISH).await, StatusCode::BAD_REQUEST);
    assert_eq!(house.site.hits(), known + 1);
}

#[tokio::test]
async fn a_site_that_never_answers_holds_up_nobody_for_long() {
    let house = House::open(&[]).await;
    let alice = house.person("alice").await;
    house.site.put("/slow.json", Vec::new());
    let app = App { id: house.site.url("/slow.json"), secret: None, redirect_uri: CALLBACK.into() };
    let waiting =
        tokio::time::timeout(std::time::Duration::from_secs(30), status(&alice, &app, &WISH));
    assert_eq!(waiting.await.expect("in time"), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn nothing_inside_is_fetched() {
    let house = House::open(&[("FETCH_ALLOW", "none")]).await;
    let alice = house.person("alice").await;
    let app = house.site.publish("/agent.json", &[]);
    assert_eq!(status(&alice, &app, &WISH).await, StatusCode::BAD_REQUEST);
    let port = house.site.address.port();
    for host in ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1", "169.254.169.254"] {
        let id = format!("https://{host}:{port}/agent.json");
        let app = App { id, secret: None, redirect_uri: CALLBACK.into() };
        assert_eq!(status(&alice, &app, &WISH).await, StatusCode::BAD_REQUEST, "{host}");
    }
    assert_eq!(house.site.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_app_cannot_show_a_host_that_it_does_not_lead_to() {
    let house = House::open(&[]).await;
    let uri = "com.evil.app://accounts.bank.example/callback";
    let app = house.site.publish("/agent.json", &[("redirect_uris", json!([uri]))]);
    let alice = house.person("alice").await;
    let consent = alice.page(&app.address(&[WISH[0], WISH[1], ("redirect_uri", uri)])).await;
    assert!(!consent.contains("go on to \u{2068}accounts.bank.example"), "{consent}");
    assert!(consent.contains("Any program here could call itself"), "{consent}");
}

#[tokio::test]
async fn by_default_only_registered_apps_count() {
    let house = House::open(&[("DYNAMIC_APPS", "no")]).await;
    let app = house.site.publish("/agent.json", &[]);
    let alice = house.person("alice").await;
    assert_eq!(status(&alice, &app, &WISH).await, StatusCode::BAD_REQUEST);
    assert_eq!(house.site.hits(), 0);
    let url = house.url("/.well-known/oauth-authorization-server");
    let document = ok(program().get(url).send().await.expect("an answer")).await;
    assert_eq!(document["client_id_metadata_document_supported"], false);
}

#[tokio::test]
async fn a_tool_gets_tokens_only_for_services_that_there_are() {
    let house = House::open(&[]).await;
    let app = house.site.publish("/agent.json", &[]);
    let alice = house.person("alice").await;
    let changes = [("scope", "notes"), ("resource", "https://payroll.example.org")];
    let back = location(&alice.get(&app.address(&changes)).await);
    assert_eq!(param(&back, "error").as_deref(), Some("invalid_target"));
}
