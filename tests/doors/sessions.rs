//! Sessions: what proves who one is, and when it stops to.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::{StatusCode, header};
use serde_json::{Value, json};

use latchkey::sessions::MAX_SESSIONS;

use crate::support::*;

fn part(token: &str, index: usize) -> Value {
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
    // The sign-in page is no longer shown, so the form comes from the profile.
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

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs();
    i64::try_from(now).expect("a time")
}

/// Moves the clock of all sessions: both are seconds since 1970. Nobody tells the server, so it
/// is another one that is asked then.
async fn db_set_times(server: &TestServer, alive_until: i64, ends_at: i64) {
    let query = sqlx::query("UPDATE sessions SET alive_until = $1, ends_at = $2");
    let pool = server.db().await;
    query.bind(alive_until).bind(ends_at).execute(&pool).await.expect("set");
}

/// `GET /profile` with the browser's cookie from a node that has never seen it.
async fn fresh_status(server: &TestServer, cookie: &str) -> StatusCode {
    let node = server.another_node().await;
    let request = program().get(node.url("/profile")).header(header::COOKIE, cookie);
    request.send().await.expect("an answer").status()
}

/// A server that has nodes, and the cookie of a browser that has signed up there.
async fn server_and_cookie() -> (TestServer, String) {
    let server = TestServer::start_with(&[NODES_URL]).await;
    let fields = [("username", "alice"), ("password", PASSWORD), ("fullName", "Alice")];
    let response = Browser::new(&server).send("/signup", "/api/sign_up", &fields).await;
    let cookie = format!("latchkey={}", cookie(&response, "latchkey").expect("a cookie"));
    (server, cookie)
}

#[tokio::test]
async fn a_browser_session_ends_when_it_was_unused_for_too_long() {
    let (server, cookie) = server_and_cookie().await;
    // For as long as use would keep it alive: else it would be extended behind the answer's back.
    db_set_times(&server, now() + 24 * 3600, now() + 1_000_000).await;
    assert_eq!(fresh_status(&server, &cookie).await, StatusCode::OK);
    db_set_times(&server, now(), now() + 1_000_000).await;
    assert_eq!(fresh_status(&server, &cookie).await, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_session_that_a_node_remembers_ends_there_too_when_it_is_unused() {
    let settings = [("SESSION_TTL", "1h"), ("SESSION_IDLE_TTL", "5s")];
    let server = TestServer::start_with(&settings).await;
    let browser = Browser::signed_up(&server, "alice").await;
    // Used without pause, it lives for longer than it would unused.
    let unused_until = now() + 5;
    while now() <= unused_until {
        assert_eq!(browser.get("/profile").await.status(), StatusCode::OK);
    }
    let pool = server.db().await;
    eventually(async || {
        let query = sqlx::query_scalar("SELECT alive_until FROM sessions");
        let alive_until: i64 = query.fetch_one(&pool).await.expect("a session");
        alive_until <= now()
    })
    .await;
    assert_eq!(browser.get("/profile").await.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_browser_session_that_is_used_stays_alive_but_never_beyond_its_end() {
    let (server, cookie) = server_and_cookie().await;
    for (ends_at, expected) in
        [(now() + 1_000_000, now() + 24 * 3600), (now() + 3600, now() + 3600)]
    {
        db_set_times(&server, now() + 60, ends_at).await;
        let node = server.another_node().await;
        // Twenty at the moment of renewal: all succeed.
        let requests: Vec<_> = (0..20)
            .map(|_| {
                let request = program().get(node.url("/profile")).header(header::COOKIE, &cookie);
                tokio::spawn(async move { request.send().await.expect("an answer").status() })
            })
            .collect();
        for request in requests {
            assert_eq!(request.await.expect("an answer"), StatusCode::OK);
        }
        let pool = server.db().await;
        let alive_until = async || -> i64 {
            let query = sqlx::query_scalar("SELECT alive_until FROM sessions");
            query.fetch_one(&pool).await.expect("a session")
        };
        // It is noted behind the answer's back.
        eventually(async || alive_until().await > now() + 61).await;
        let alive_until = alive_until().await;
        assert!((expected - 60..=expected + 60).contains(&alive_until), "{alive_until}");
        // Nothing that it still notes may come into the next round.
        node.running.stop().await;
    }
}

#[tokio::test]
async fn a_shorter_session_is_a_setting_of_its_own() {
    let server = TestServer::start_with(&[("SESSION_TTL", "1h")]).await;
    let browser = Browser::new(&server);
    let fields = [("username", "alice"), ("password", PASSWORD), ("fullName", "Alice")];
    let response = browser.send("/signup", "/api/sign_up", &fields).await;
    let claims = part(&cookie(&response, "latchkey").expect("a cookie"), 1);
    let life = claims["exp"].as_i64().expect("exp") - claims["iat"].as_i64().expect("iat");
    assert_eq!(life, 3600);
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

#[tokio::test]
async fn an_account_has_a_hundred_sessions_and_those_that_are_least_worth_keeping_end() {
    let server = TestServer::start_with(&[("THROTTLE", "off")]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let kept = server.refreshable("alice").await;
    let first = format!("Bearer {}", server.token("alice").await);
    // Sessions begin in seconds, and these are made in fewer.
    let db = server.db().await;
    let older = "UPDATE sessions SET created_at = created_at - 10";
    sqlx::query(older).execute(&db).await.expect("updated");
    db.close().await;
    let mut last = String::new();
    for _ in 0..MAX_SESSIONS {
        last = format!("Bearer {}", server.token("alice").await);
    }
    let sessions = server.db_count("SELECT COUNT(*) FROM sessions").await;
    assert_eq!(sessions, MAX_SESSIONS);
    assert_eq!(server.profile(&last).await.status(), StatusCode::OK);
    assert_eq!(server.profile(&first).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(browser.get("/profile").await.status(), StatusCode::OK, "a browser stays");
    let refresh = kept["refreshToken"].as_str().expect("a token");
    assert_eq!(server.refresh(refresh).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_session_of_a_kind_that_this_version_does_not_know_opens_nothing() {
    let server = TestServer::start_with(&[NODES_URL]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let tokens = server.refreshable("alice").await;
    let (session, bearer) = (browser.session(), tokens["accessToken"].as_str().expect("a token"));
    let db = server.db().await;
    sqlx::query("UPDATE sessions SET carrier = 'device'").execute(&db).await.expect("updated");
    db.close().await;
    // As on a node that a newer one stands beside.
    let node = server.another_node().await;
    let here = Browser::with_session(&node.origin(), &session);
    assert_eq!(here.get("/profile").await.status(), StatusCode::SEE_OTHER);
    let profile = node.profile(&format!("Bearer {bearer}")).await;
    assert_eq!(profile.status(), StatusCode::UNAUTHORIZED);
    let refresh = tokens["refreshToken"].as_str().expect("a token");
    assert_eq!(node.refresh(refresh).await.status(), StatusCode::UNAUTHORIZED);
    let other = Browser::signed_in(&node, "alice").await;
    assert_eq!(other.get("/account/sessions").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn sessions_end_unused_after_the_time_of_their_kind() {
    let settings = [
        ("SESSION_IDLE_TTL", "1h"),
        ("REMEMBER_TTL", "7d"),
        ("REFRESH_TTL", "5d"),
        ("SESSION_TTL", "20d"),
    ];
    let server = TestServer::start_with(&settings).await;
    server.sign_up_json("alice").await;
    assert!(Browser::new(&server).page("/signin").await.contains("For up to 7 days"));
    let left = async || {
        server
            .db_count("SELECT CAST(MAX(alive_until - seen_at) AS BIGINT) FROM sessions WHERE id IN (SELECT id FROM sessions ORDER BY alive_until DESC LIMIT 1)")
            .await
    };
    Browser::signed_in(&server, "alice").await;
    assert_eq!(left().await, 3600);
    let refresh = server.refreshable("alice").await;
    assert_eq!(left().await, 5 * 24 * 3600);
    let fields = [("username", "alice"), ("password", PASSWORD), ("remember", "yes")];
    Browser::new(&server).send("/signin", "/api/sign_in", &fields).await;
    assert_eq!(left().await, 7 * 24 * 3600);
    // A refresh token that is used gives its session that time anew.
    let db = server.db().await;
    sqlx::query("UPDATE sessions SET alive_until = alive_until - 300000 WHERE refreshable = 1")
        .execute(&db)
        .await
        .expect("updated");
    server.refresh(refresh["refreshToken"].as_str().expect("a token")).await;
    let renewed: i64 =
        sqlx::query_scalar("SELECT alive_until - seen_at FROM sessions WHERE refreshable = 1")
            .fetch_one(&db)
            .await
            .expect("a number");
    assert_eq!(renewed, 5 * 24 * 3600);
    db.close().await;
}

#[tokio::test]
async fn a_proof_from_before_the_clock_was_set_back_is_none() {
    let server = TestServer::start_with(&[NODES_URL]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let session = browser.session();
    let form = form_token(&browser.page("/account/sessions").await);
    let token = server.token("alice").await;
    let noted = "SELECT COUNT(*) FROM facts WHERE name = 'clock_trusted_until'";
    eventually(async || server.db_count(noted).await == 1).await;
    // When this was noted, it was ten minutes later than it is now.
    let later = "UPDATE facts SET value = CAST(CAST(value AS BIGINT) + 600 AS TEXT) \
                 WHERE name = 'clock_trusted_until'";
    let db = server.db().await;
    sqlx::query(later).execute(&db).await.expect("updated");
    db.close().await;
    let node = server.another_node().await;
    let response = node.ask("GET", "/user/data", &token, None).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let here = Browser::with_session(&node.origin(), &session);
    let asked = here.post("/api/end_other_sessions", &[("form_token", &form)]).await;
    let location = asked.headers()[header::LOCATION].to_str().expect("text");
    assert_eq!(location, "/confirm?next=%2Faccount%2Fsessions");
    // Whoever shows the password now is believed.
    let body = serde_json::json!({"password": PASSWORD});
    let proved = node.ask("POST", "/auth/confirm", &token, Some(&body)).await;
    let proved: serde_json::Value = proved.json().await.expect("JSON");
    let token = proved["accessToken"].as_str().expect("a token");
    assert_eq!(node.ask("GET", "/user/data", token, None).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_proof_that_is_yet_to_come_by_the_clock_is_none() {
    let server = TestServer::start_with(&[NODES_URL]).await;
    server.sign_up_json("alice").await;
    let token = server.token("alice").await;
    let db = server.db().await;
    // As after a clock was set back by an hour.
    let ahead = "UPDATE sessions SET proved_at = proved_at + 3600";
    sqlx::query(ahead).execute(&db).await.expect("updated");
    let node = server.another_node().await;
    let response = node.ask("GET", "/user/data", &token, None).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    // Nor does it become one as time goes on.
    eventually(async || {
        let left = sqlx::query_scalar("SELECT COUNT(*) FROM sessions WHERE proved_at > 0");
        let left: i64 = left.fetch_one(&db).await.expect("a count");
        left == 0
    })
    .await;
    db.close().await;
}
