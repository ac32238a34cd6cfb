//! Apps that push their requests (RFC 9126), that sign their assertions (RFC 7523), and that act for
//! themselves (RFC 6749, section 4.4).

use std::fs;

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::{
    app_support::*,
    signer::{Key, now, unsigned},
    support::{Browser, TestServer, eventually, program},
};

async fn with_app(options: &[&str]) -> (TestServer, App, Browser) {
    let server = TestServer::start().await;
    let app = App::add(&server, "Wiki", options).await;
    let browser = Browser::signed_up(&server, "alice").await;
    (server, app, browser)
}

/// The fields of an authorization request.
fn request(app: &App, changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let address = app.address(changes);
    let url = format!("http://here.invalid{address}").parse::<reqwest::Url>().expect("a URL");
    url.query_pairs().into_owned().filter(|(name, _)| name != "client_id").collect()
}

async fn push(server: &TestServer, app: &App, changes: &[(&str, &str)]) -> Response {
    let fields = request(app, changes);
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    app.post(server, "/par", &fields).await
}

async fn pushed(server: &TestServer, app: &App, changes: &[(&str, &str)]) -> String {
    let answer = push(server, app, changes).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    let body: Value = answer.json().await.expect("JSON");
    assert!(body["expires_in"].as_i64().is_some_and(|seconds| seconds <= 600));
    text(&body, "request_uri").to_owned()
}

fn named(app: &App, uri: &str) -> String {
    format!("/authorize?{}", url_encoded(&[("client_id", &app.id), ("request_uri", uri)]))
}

#[tokio::test]
async fn a_pushed_request_is_named_in_the_address_and_works_once() {
    let (server, app, browser) = with_app(&[]).await;
    let uri = pushed(&server, &app, &[("state", "pushed state")]).await;
    assert!(uri.starts_with("urn:ietf:params:oauth:request_uri:"));
    // Whatever else stands in the address doesn't count.
    let address = format!("{}&state=evil&redirect_uri=https://evil.example", named(&app, &uri));
    let back = location(&browser.get(&address).await);
    assert!(back.starts_with(CALLBACK), "{back}");
    assert_eq!(param(&back, "state").as_deref(), Some("pushed state"));
    let code = param(&back, "code").expect("a code");
    ok(app.exchange(&server, &code).await).await;
    assert_eq!(browser.get(&address).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_person_who_signs_in_on_the_way_gets_to_the_app() {
    let (server, app, _) = with_app(&["--third-party"]).await;
    let uri = pushed(&server, &app, &[]).await;
    let browser = Browser::new(&server);
    let page = location(&browser.get(&named(&app, &uri)).await);
    assert!(page.starts_with("/signin?next="), "{page}");
    let fields = [("username", "alice"), ("password", crate::support::PASSWORD)];
    let next = param(&page, "next").expect("what follows");
    let signed_in = send_from(&browser, &browser.page(&page).await, "/api/sign_in", &fields).await;
    assert!(signed_in.status().is_success() || signed_in.status().is_redirection());
    let consent = browser.page(&next).await;
    assert!(consent.contains("Wiki"));
    let agreed = send_from(&browser, &consent, "/api/agree_to_app", &[]).await;
    let on = match agreed.status() {
        StatusCode::SEE_OTHER => location(&agreed),
        _ => {
            let page = agreed.text().await.expect("text");
            let to = page.split("content=\"0;url=").nth(1).expect("it goes on");
            to.split('"').next().expect("an address").replace("&amp;", "&")
        }
    };
    let back = location(&browser.get(&on).await);
    assert!(param(&back, "code").is_some(), "{back}");
}

#[tokio::test]
async fn a_pushed_request_is_the_apps_own_and_good() {
    let (server, app, browser) = with_app(&[]).await;
    let other = App::add(&server, "Other", &[]).await;
    let uri = pushed(&server, &app, &[]).await;
    assert_eq!(browser.get(&named(&other, &uri)).await.status(), StatusCode::BAD_REQUEST);
    for (name, value, word) in [
        ("code_challenge_method", "plain", "invalid_request"),
        ("redirect_uri", "https://evil.example/", "invalid_request"),
        ("response_type", "token", "unsupported_response_type"),
        ("request_uri", &*uri, "invalid_request"),
        ("resource", "https://unknown.example", "invalid_target"),
    ] {
        let answer = push(&server, &app, &[(name, value)]).await;
        assert_eq!(error(answer, 400).await, word, "{name}");
    }
    let stranger = App { id: app.id.clone(), secret: Some("wrong".into()), ..other };
    assert_eq!(error(push(&server, &stranger, &[]).await, 401).await, "invalid_client");
    let got = program().get(server.url("/par")).send().await.expect("an answer");
    assert_eq!(got.status(), StatusCode::METHOD_NOT_ALLOWED);
    let unknown = named(&app, "urn:ietf:params:oauth:request_uri:unknown");
    assert_eq!(browser.get(&unknown).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn db_a_pushed_request_waits_for_its_browser_a_minute_and_a_half_and_then_for_an_hour() {
    let (server, app, browser) = with_app(&["--third-party"]).await;
    let late = pushed(&server, &app, &[]).await;
    server.db_execute("UPDATE pushed_requests SET expires_at = expires_at - 91").await;
    assert_eq!(browser.get(&named(&app, &late)).await.status(), StatusCode::BAD_REQUEST);
    let uri = pushed(&server, &app, &[]).await;
    assert_eq!(browser.get(&named(&app, &uri)).await.status(), StatusCode::OK);
    server.db_execute("UPDATE pushed_requests SET expires_at = expires_at - 3000").await;
    assert_eq!(browser.get(&named(&app, &uri)).await.status(), StatusCode::OK);
}

fn good_header() -> Value {
    json!({"alg": "ES256", "kid": "one"})
}

fn good_claims(app: &App, issuer: &str, id: &str) -> Value {
    json!({"iss": app.id, "sub": app.id, "aud": issuer, "jti": id, "iat": now(), "exp": now() + 60})
}

/// An app that acts for itself, and shows who it is by a key.
async fn with_key() -> (TestServer, App, Key, String) {
    let server = TestServer::start().await;
    let (key, folder) = (Key::new("one"), tempfile::tempdir().expect("a folder"));
    let file = folder.path().join("jwks.json");
    fs::write(&file, json!({"keys": [key.public()]}).to_string()).expect("written");
    let file = file.to_str().expect("text");
    let more = ["--client-credentials", "--scope", "jobs", "--jwks", file];
    let app = App::add(&server, "Robot", &more).await;
    assert_eq!(app.secret, None);
    let issuer = server.running.state.issuer().to_owned();
    (server, app, key, issuer)
}

async fn ask_with(server: &TestServer, assertion: &str, more: &[(&str, &str)]) -> Response {
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let mut fields = vec![
        ("grant_type", "client_credentials"),
        ("client_assertion_type", kind),
        ("client_assertion", assertion),
    ];
    fields.extend(more);
    program().post(server.url("/token")).form(&fields).send().await.expect("an answer")
}

#[tokio::test]
async fn an_app_shows_who_it_is_by_a_key_and_each_assertion_works_once() {
    let (server, app, key, issuer) = with_key().await;
    let token_endpoint = format!("{issuer}/token");
    for (id, audience) in [("a", &issuer), ("b", &token_endpoint)] {
        let assertion = key.sign(&good_header(), &good_claims(&app, audience, id));
        let tokens = ok(ask_with(&server, &assertion, &[]).await).await;
        assert_eq!(claims(text(&tokens, "access_token"))["sub"], *app.id);
        let again = ask_with(&server, &assertion, &[]).await;
        assert_eq!(error(again, 401).await, "invalid_client");
    }
    // The key may have no name.
    let assertion = key.sign(&json!({"alg": "ES256"}), &good_claims(&app, &issuer, "c"));
    ok(ask_with(&server, &assertion, &[("client_id", &app.id)]).await).await;
}

#[tokio::test]
async fn a_wrong_assertion_is_refused() {
    let (server, app, key, issuer) = with_key().await;
    let other = Key::new("one");
    let good = good_claims(&app, &issuer, "x");
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        key.sign(&good_header(), &claims)
    };
    let headed = |header: Value| key.sign(&header, &good);
    let none = unsigned(&good);
    for (why, assertion) in [
        ("another key", other.sign(&good_header(), &good)),
        ("iss", with("iss", json!("somebody"))),
        ("sub", with("sub", json!("somebody"))),
        ("aud", with("aud", json!("https://other.example"))),
        ("aud of several", with("aud", json!([issuer, "https://other.example"]))),
        ("no aud", with("aud", Value::Null)),
        ("no jti", with("jti", Value::Null)),
        ("an empty jti", with("jti", json!(""))),
        ("no exp", with("exp", Value::Null)),
        ("over", with("exp", json!(now() - 10))),
        ("good for a day", with("exp", json!(now() + 86_400))),
        ("exp as text", with("exp", json!("9999999999"))),
        ("nbf", with("nbf", json!(now() + 60))),
        ("iat", with("iat", json!(now() + 60))),
        ("none", none),
        ("HS256", headed(json!({"alg": "HS256", "kid": "one"}))),
        ("another kid", headed(json!({"alg": "ES256", "kid": "two"}))),
        ("crit", headed(json!({"alg": "ES256", "kid": "one", "crit": ["x"]}))),
        ("a key of its own", headed(json!({"alg": "ES256", "kid": "two", "jwk": key.public()}))),
        ("another kind", headed(json!({"alg": "ES256", "kid": "one", "typ": "at+jwt"}))),
        ("rubbish", "a.b.c".to_owned()),
    ] {
        let answer = ask_with(&server, &assertion, &[]).await;
        assert_eq!(error(answer, 401).await, "invalid_client", "{why}");
    }
    let assertion = key.sign(&good_header(), &good);
    let twice = ask_with(&server, &assertion, &[("client_secret", "x")]).await;
    assert_eq!(error(twice, 400).await, "invalid_request");
    let foreign = ask_with(&server, &assertion, &[("client_id", "somebody")]).await;
    assert_eq!(error(foreign, 401).await, "invalid_client");
    // All that was wrong has cost the right one nothing.
    ok(ask_with(&server, &assertion, &[]).await).await;
}

#[tokio::test]
async fn keys_inside_the_network_are_not_fetched_unless_the_operator_allows_it() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let key = Key::new("one");
    let body = json!({"keys": [key.public()]}).to_string();
    let hits = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = hits.clone();
    let publishing = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let mut read = [0; 2048];
            _ = stream.read(&mut read).await;
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/jwk-set+json\r\ncontent-length: {}\r\n\
                 connection: close\r\n\r\n{body}",
                body.len()
            );
            _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    for allows in [false, true] {
        let allow = if allows { "127.0.0.1" } else { "none" };
        let server = TestServer::start_with(&[("FETCH_ALLOW", allow)]).await;
        let uri = format!("http://{address}/jwks.json");
        let more = ["--client-credentials", "--scope", "jobs", "--jwks-uri", &uri];
        let app = App::add(&server, "Robot", &more).await;
        let issuer = server.running.state.issuer();
        for id in ["a", "b", "c"] {
            let assertion = key.sign(&good_header(), &good_claims(&app, issuer, id));
            let answer = ask_with(&server, &assertion, &[]).await;
            assert_eq!(answer.status().is_success(), allows, "{id}");
        }
        // Once, and kept.
        assert_eq!(hits.load(std::sync::atomic::Ordering::SeqCst), usize::from(allows));
    }
    publishing.abort();
}

#[tokio::test]
async fn a_program_acts_for_itself_with_the_scopes_that_the_operator_allows() {
    let server = TestServer::start().await;
    let made = operate(
        &server,
        &[
            "app",
            "add",
            "Backup",
            "--json",
            "--client-credentials",
            "--scope",
            "files:read",
            "--scope",
            "files:write",
            "--resource",
            "https://files.example.org",
        ],
    );
    let made: Value = serde_json::from_str(&made).expect("JSON");
    let secret = Some(text(&made, "client_secret").to_owned());
    let app = App { id: text(&made, "client_id").to_owned(), secret, redirect_uri: String::new() };
    let files = operate(
        &server,
        &["app", "add", "Files", "--json", "--serves", "https://files.example.org"],
    );
    let files: Value = serde_json::from_str(&files).expect("JSON");
    let secret = Some(text(&files, "client_secret").to_owned());
    let files =
        App { id: text(&files, "client_id").to_owned(), secret, redirect_uri: String::new() };
    let ask = async |fields: &[(&str, &str)]| {
        let mut all = vec![("grant_type", "client_credentials")];
        all.extend(fields);
        app.post(&server, "/token", &all).await
    };
    eventually(async || ask(&[]).await.status() == StatusCode::OK).await;
    eventually(async || {
        files.post(&server, "/introspect", &[("token", "x")]).await.status() == StatusCode::OK
    })
    .await;

    let all = ok(ask(&[]).await).await;
    assert_eq!(all["scope"], "files:read files:write");
    assert_eq!((all.get("refresh_token"), all.get("id_token")), (None, None));
    let token = text(&ok(ask(&[("scope", "files:read")]).await).await, "access_token").to_owned();
    let told = claims(&token);
    assert_eq!((&told["sub"], &told["client_id"]), (&json!(app.id), &json!(app.id)));
    assert_eq!(
        (&told["aud"], &told["scope"]),
        (&json!("https://files.example.org"), &json!("files:read"))
    );
    assert_eq!((told.get("sid"), told.get("auth_time")), (None, None));
    assert_eq!(jose(&token)["typ"], "at+jwt");

    for (fields, word) in [
        (&[("scope", "files:delete")][..], "invalid_scope"),
        (&[("scope", "openid")], "invalid_scope"),
        (&[("resource", "https://other.example")], "invalid_target"),
    ] {
        assert_eq!(error(ask(fields).await, 400).await, word, "{fields:?}");
    }
    assert!(files.is_active(&server, &token).await);
    // It is nobody's.
    let info = program().get(server.url("/userinfo")).bearer_auth(&token).send().await;
    assert_eq!(info.expect("an answer").status(), StatusCode::UNAUTHORIZED);
    assert_eq!(server.profile(&format!("Bearer {token}")).await.status(), StatusCode::UNAUTHORIZED);
    ok(app.post(&server, "/revoke", &[("token", &token)]).await).await;
    assert!(!files.is_active(&server, &token).await);

    let token = text(&ok(ask(&[]).await).await, "access_token").to_owned();
    operate(
        &server,
        &["app", "set", "Backup", "--client-credentials=false", "--redirect-uri", CALLBACK],
    );
    eventually(async || !files.is_active(&server, &token).await).await;
    assert_eq!(error(ask(&[]).await, 400).await, "unauthorized_client");
}

#[tokio::test]
async fn an_app_acts_for_itself_only_if_it_was_allowed_to_and_can_keep_a_secret() {
    let (server, app, _) = with_app(&[]).await;
    let fields = [("grant_type", "client_credentials")];
    let answer = app.post(&server, "/token", &fields).await;
    assert_eq!(error(answer, 400).await, "unauthorized_client");
    let folder = tempfile::tempdir().expect("a folder");
    let arguments = ["app", "add", "Page", "--public", "--client-credentials"];
    let refused = crate::operator::latchkey(&server, folder.path(), &arguments);
    assert!(!refused.status.success());
}

#[tokio::test]
async fn the_scopes_of_a_service_get_into_the_tokens_for_it() {
    let (server, app, browser) =
        with_app(&["--third-party", "--resource", "https://notes.example.org"]).await;
    operate(
        &server,
        &["app", "add", "Notes", "--serves", "https://notes.example.org", "--scope", "notes"],
    );
    let changes = [("scope", "openid notes unknown"), ("resource", "https://notes.example.org")];
    eventually(async || {
        browser
            .get(&app.address(&changes))
            .await
            .text()
            .await
            .expect("text")
            .contains("<code>notes</code>")
    })
    .await;
    let consent = browser.page(&app.address(&changes)).await;
    let agreed = send_from(&browser, &consent, "/api/agree_to_app", &[]).await;
    assert!(!agreed.status().is_client_error());
    let tokens = app.tokens(&server, &browser, &changes).await;
    assert_eq!(tokens["scope"], "openid notes");
    // They mean nothing elsewhere.
    let tokens = app.tokens(&server, &browser, &[("scope", "openid notes")]).await;
    assert_eq!(tokens["scope"], "openid");
}
