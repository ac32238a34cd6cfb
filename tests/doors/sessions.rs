//! Sessions: proof of who you are.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::{StatusCode, header};
use serde_json::{Value, json};

use crate::support::*;

pub(crate) fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).expect("a part");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

fn sign(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(header), part(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, text.as_bytes())))
}

#[tokio::test]
async fn a_token_opens_the_profile_at_both_addresses_in_any_case_of_the_scheme() {
    let server = TestServer::start().await;
    let account = server.sign_up_json("alice").await;
    let token = server.token("alice").await;
    for scheme in ["Bearer", "bearer", "BEARER"] {
        for path in ["/user/profile", "/users/profile"] {
            let request = program().get(server.url(path));
            let request = request.header(header::AUTHORIZATION, format!("{scheme} {token}"));
            let response = request.send().await.expect("an answer");
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(response.headers()["cache-control"], "no-store");
            assert_eq!(response.json::<Value>().await.expect("JSON"), account);
        }
    }
}

#[tokio::test]
async fn the_token_is_signed_with_the_secret_as_given_and_names_nobody() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let token = server.token("alice").await;
    let (header, claims) = (part(&token, 0), part(&token, 1));
    assert_eq!(sign(&header, &claims), token);
    assert_eq!(header["alg"], "HS256");
    assert_eq!(header["typ"], "at+jwt");
    let names: Vec<_> = claims.as_object().expect("an object").keys().collect();
    assert_eq!(names, ["iss", "aud", "sub", "sid", "jti", "iat", "exp"]);
    assert!(!claims.to_string().contains("alice"));
    let life = claims["exp"].as_i64().expect("exp") - claims["iat"].as_i64().expect("iat");
    assert_eq!(life, 15 * 60);
}

#[tokio::test]
async fn sign_out_kills_the_token_at_once() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let (token, other) = (server.token("alice").await, server.token("alice").await);
    let bearer = format!("Bearer {token}");
    let request =
        program().post(server.url("/auth/signout")).header(header::AUTHORIZATION, &bearer);
    let response = request.send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert_eq!(server.profile(&bearer).await.status(), StatusCode::UNAUTHORIZED);
    let other = server.profile(&format!("Bearer {other}")).await;
    assert_eq!(other.status(), StatusCode::OK, "another session lives on");
}

#[tokio::test]
async fn sign_out_by_the_page_kills_a_copied_cookie_and_clears_up() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let fields = [("username", "alice"), ("password", PASSWORD), ("fullName", "Alice")];
    let response = browser.send("/signup", "/api/sign_up", &fields).await;
    let copy = format!("latchkey={}", cookie(&response, "latchkey").expect("a cookie"));
    let with_copy =
        || program().get(server.url("/user/profile")).header(header::COOKIE, &copy).send();
    assert_eq!(with_copy().await.expect("an answer").status(), StatusCode::OK);

    let response = browser.send("/profile", "/api/sign_out", &[]).await;
    assert_eq!(response.status(), 303);
    // Not the cache: nothing private is in it, and clearing a large one takes seconds.
    assert_eq!(response.headers()["clear-site-data"], "\"storage\"");
    assert_eq!(cookie(&response, "latchkey").as_deref(), Some(""));
    assert_eq!(with_copy().await.expect("an answer").status(), StatusCode::UNAUTHORIZED);
    assert_eq!(browser.get("/profile").await.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn sign_out_by_json_with_the_cookie_clears_it() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    let request = browser.client.post(server.url("/auth/signout"));
    let response = request.header(header::ORIGIN, server.origin()).send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert_eq!(cookie(&response, "latchkey").as_deref(), Some(""));
    assert_eq!(browser.get("/profile").await.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn cookie_and_token_do_not_open_each_others_door() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let fields = [("username", "alice"), ("password", PASSWORD), ("fullName", "Alice")];
    let response = browser.send("/signup", "/api/sign_up", &fields).await;
    let from_cookie = cookie(&response, "latchkey").expect("a cookie");
    let token = server.token("alice").await;
    let as_bearer = server.profile(&format!("Bearer {from_cookie}")).await;
    assert_eq!(as_bearer.status(), StatusCode::UNAUTHORIZED);
    let as_cookie = program()
        .get(server.url("/user/profile"))
        .header(header::COOKIE, format!("latchkey={token}"));
    assert_eq!(as_cookie.send().await.expect("an answer").status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn with_an_authorization_the_cookie_is_not_looked_at() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    let get = |value: &'static str| {
        browser.client.get(server.url("/user/profile")).header(header::AUTHORIZATION, value).send()
    };
    for value in ["Bearer junk", "Basic YTpi", "Bearer", "junk", ""] {
        assert_eq!(
            get(value).await.expect("an answer").status(),
            StatusCode::UNAUTHORIZED,
            "{value}"
        );
    }
}

#[tokio::test]
async fn the_challenge_says_whether_a_token_came() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let token = server.token("alice").await;
    let challenge = async |request: reqwest::RequestBuilder| {
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        response.headers()[header::WWW_AUTHENTICATE].to_str().expect("text").to_owned()
    };
    let get = || program().get(server.url("/user/profile"));
    assert_eq!(challenge(get()).await, "Bearer");
    assert_eq!(challenge(get().header(header::AUTHORIZATION, "Basic YTpi")).await, "Bearer");
    assert_eq!(challenge(get().query(&[("access_token", &token)])).await, "Bearer");
    let invalid = "Bearer error=\"invalid_token\"";
    assert_eq!(challenge(get().header(header::AUTHORIZATION, "Bearer junk")).await, invalid);
    let bearer = format!("Bearer {token}");
    let twice = get().header(header::AUTHORIZATION, &bearer).header(header::AUTHORIZATION, &bearer);
    assert_eq!(challenge(twice).await, invalid);
}

#[tokio::test]
async fn only_the_cookie_with_exactly_the_right_name_and_once_counts() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let fields = [("username", "alice"), ("password", PASSWORD), ("fullName", "Alice")];
    let response = browser.send("/signup", "/api/sign_up", &fields).await;
    let token = cookie(&response, "latchkey").expect("a cookie");
    let many = vec!["a=b"; 100].join("; ");
    for (line, status) in [
        (format!("latchkey={token}"), 200),
        (format!("{many}; latchkey={token}"), 200),
        (format!("other=\u{e9}; latchkey={token}"), 200),
        (format!("latchkey2={token}"), 401),
        (format!("Latchkey={token}"), 401),
        (format!("__Host-latchkey={token}"), 401),
        (format!("latchkey=x; latchkey={token}"), 401),
        (format!("latchkey={token}; latchkey={token}"), 401),
        (format!("latchkey={}", "x".repeat(8192)), 401),
        ("latchkey=\u{fc}".to_owned(), 401),
        ("latchkey".to_owned(), 401),
        ("=;;=; ,".to_owned(), 401),
    ] {
        let request = program().get(server.url("/user/profile"));
        let value = header::HeaderValue::from_bytes(line.as_bytes()).expect("a header value");
        let response = request.header(header::COOKIE, value).send().await.expect("an answer");
        assert_eq!(response.status(), status, "{}", line.get(..60).unwrap_or(&line));
        let home =
            program().get(server.url("/")).header(header::COOKIE, "latchkey=;latchkey").send();
        assert_eq!(home.await.expect("an answer").status(), 200);
    }
}

#[tokio::test]
async fn a_planted_session_is_replaced_and_the_one_before_ends() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let fields = [("username", "alice"), ("password", PASSWORD), ("fullName", "Alice")];
    let first = cookie(&browser.send("/signup", "/api/sign_up", &fields).await, "latchkey")
        .expect("a cookie");
    // The sign-in page now redirects, so the form comes from the profile.
    let token = form_token(&browser.page("/profile").await);
    let fields = [("form_token", &*token), ("username", "alice"), ("password", PASSWORD)];
    let response = browser.post("/api/sign_in", &fields).await;
    let second = cookie(&response, "latchkey").expect("a cookie");
    assert_ne!(first, second);
    assert_ne!(part(&first, 1)["sid"], part(&second, 1)["sid"]);
    let request = program()
        .get(server.url("/user/profile"))
        .header(header::COOKIE, format!("latchkey={first}"));
    assert_eq!(request.send().await.expect("an answer").status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_forged_token_of_a_live_session_is_refused() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let token = server.token("alice").await;
    let (header, claims) = (part(&token, 0), part(&token, 1));
    let good = server.profile(&format!("Bearer {}", sign(&header, &claims))).await;
    assert_eq!(good.status(), StatusCode::OK, "the control");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs();
    for (name, value) in [
        ("exp", json!(now - 6)),
        ("exp", json!(now + 10 * 365 * 86400)),
        ("exp", json!(u64::MAX)),
        ("iat", json!(now + 3600)),
        ("nbf", json!(now + 3600)),
        ("aud", json!("latchkey-browser")),
        ("aud", json!(["latchkey-api", "x"])),
        ("iss", json!("https://elsewhere.example")),
        ("sub", json!("1")),
        ("sid", json!("unknown")),
    ] {
        let mut claims = claims.clone();
        claims[name] = value.clone();
        let response = server.profile(&format!("Bearer {}", sign(&header, &claims))).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{name}: {value}");
    }
    for size in [8 * 1024, 64 * 1024] {
        let status = server.profile(&format!("Bearer {}", "x".repeat(size))).await.status();
        assert!(status == 401 || status == 431, "{size}: {status}");
    }
}

#[tokio::test]
async fn an_access_token_ends() {
    let server = TestServer::start_with(&[("ACCESS_TOKEN_TTL", "1s")]).await;
    server.sign_up_json("alice").await;
    let bearer = format!("Bearer {}", server.token("alice").await);
    eventually(async || server.profile(&bearer).await.status() == StatusCode::UNAUTHORIZED).await;
}

#[tokio::test]
async fn a_secret_is_replaced_without_signing_anybody_out() {
    let old = TestServer::start_with(&[("PUBLIC_URL", "http://localhost:3000")]).await;
    old.sign_up_json("alice").await;
    let bearer = format!("Bearer {}", old.token("alice").await);
    let database = old.database_url.clone();
    let new = [
        ("PUBLIC_URL", "http://localhost:3000"),
        ("DATABASE_URL", &database),
        ("JWT_SECRET", "d4e5f0a9b3c7e2d8f1a4a0b5e1c9c1f6"),
    ];
    let mut overlap = new.to_vec();
    overlap.push(("JWT_SECRET_PREVIOUS", SECRET));
    let rotated = TestServer::start_with(&overlap).await;
    assert_eq!(rotated.profile(&bearer).await.status(), StatusCode::OK);
    let dropped = TestServer::start_with(&new).await;
    assert_eq!(dropped.profile(&bearer).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn over_https_the_cookie_is_host_bound_and_the_plain_one_is_not_read() {
    let server = TestServer::start_with(&[("PUBLIC_URL", "https://accounts.example")]).await;
    let page = program().get(server.url("/signup")).send().await.expect("a page");
    assert_eq!(page.headers()["strict-transport-security"], "max-age=63072000");
    let visitor = cookie(&page, "__Host-latchkey-visitor").expect("the visitor's cookie");
    let token = form_token(&page.text().await.expect("a page"));
    let request = program().post(server.url("/api/sign_up")).header(header::ACCEPT, "text/html");
    let response = request
        .header(header::ORIGIN, "https://accounts.example")
        .header(header::COOKIE, format!("__Host-latchkey-visitor={visitor}"))
        .form(&[
            ("form_token", &*token),
            ("username", "alice"),
            ("password", PASSWORD),
            ("fullName", "A"),
        ])
        .send()
        .await
        .expect("an answer");
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let line = response.headers()[header::SET_COOKIE].to_str().expect("text").to_owned();
    for attribute in ["__Host-latchkey=", "; HttpOnly", "; SameSite=Lax", "; Secure", "; Path=/"] {
        assert!(line.contains(attribute), "{line}");
    }
    assert!(!line.contains("Domain") && line.len() < 4096, "{line}");
    let session = cookie(&response, "__Host-latchkey").expect("the session cookie");
    for (name, status) in [("__Host-latchkey", 200), ("latchkey", 401), ("__host-latchkey", 401)] {
        let request = program()
            .get(server.url("/user/profile"))
            .header(header::COOKIE, format!("{name}={session}"));
        assert_eq!(request.send().await.expect("an answer").status(), status, "{name}");
    }
}
