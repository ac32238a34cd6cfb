//! The lifetime of a session.

use std::time::{SystemTime, UNIX_EPOCH};

use latchkey::sessions::MAX_SESSIONS;
use reqwest::{StatusCode, header};

use crate::{sessions::part, support::*};

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs();
    i64::try_from(now).expect("a time")
}

/// Sets the end of all sessions, in seconds since 1970. The server does not notice, so ask another
/// node afterwards.
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

/// A server that can have more nodes, and the cookie of a browser that signed up there.
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
    // As long as use would extend it anyway: otherwise the server would extend it after its answer.
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
    // In constant use, it outlives its idle time.
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
        // Twenty requests at the moment of renewal: all succeed.
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
        // The use is recorded after the answer.
        eventually(async || alive_until().await > now() + 61).await;
        let alive_until = alive_until().await;
        assert!((expected - 60..=expected + 60).contains(&alive_until), "{alive_until}");
        // Pending records must not leak into the next round.
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
    // The session is a little older than its first token.
    assert!((3540..=3600).contains(&life), "{life}");
}

#[tokio::test]
async fn an_account_has_a_hundred_sessions_and_those_that_are_least_worth_keeping_end() {
    let server = TestServer::start_with(&[("THROTTLE", "off")]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let kept = server.refreshable("alice").await;
    let first = format!("Bearer {}", server.token("alice").await);
    // Start times are in whole seconds, and these sessions are made faster than that.
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
    // As on a node that runs beside a newer one.
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
    assert!(Browser::new(&server).page("/signin").await.contains("for up to 7 days"));
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
    // Using a refresh token extends its session by that time again.
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
    // As if the stored time were ten minutes ahead of the clock.
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
    // Entering the password now counts as proof.
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
    // As if the clock had been set back by an hour.
    let ahead = "UPDATE sessions SET proved_at = proved_at + 3600";
    sqlx::query(ahead).execute(&db).await.expect("updated");
    let node = server.another_node().await;
    let response = node.ask("GET", "/user/data", &token, None).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    // Nor does it become valid later.
    eventually(async || {
        let left = sqlx::query_scalar("SELECT COUNT(*) FROM sessions WHERE proved_at > 0");
        let left: i64 = left.fetch_one(&db).await.expect("a count");
        left == 0
    })
    .await;
    db.close().await;
}
