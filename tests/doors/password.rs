//! Changing the password.

use reqwest::{StatusCode, header};
use serde_json::{Value, json};

use crate::support::*;

#[tokio::test]
async fn another_password_ends_every_other_session_and_keeps_this_one_under_a_new_id() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    let other_browser = Browser::signed_in(&server, "alice").await;
    let first = server.refreshable("alice").await;
    let token = first["accessToken"].as_str().expect("a token");
    let other = server.token("alice").await;

    // By a program.
    let body = json!({"currentPassword": PASSWORD, "newPassword": NEW});
    let tokens = json_of(server.ask("POST", "/user/password", token, Some(&body)).await).await;
    assert_eq!(tokens["tokenType"], "Bearer");
    for dead in [token, &other] {
        let response = server.profile(&format!("Bearer {dead}")).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    }
    for browser in [&browser, &other_browser] {
        assert_eq!(browser.get("/profile").await.status(), StatusCode::SEE_OTHER);
    }
    let old = server.refresh(first["refreshToken"].as_str().expect("a token")).await;
    assert_eq!(old.status(), StatusCode::UNAUTHORIZED);
    let token = tokens["accessToken"].as_str().expect("a token");
    assert_eq!(server.profile(&format!("Bearer {token}")).await.status(), StatusCode::OK);
    let new = server.refresh(tokens["refreshToken"].as_str().expect("a token")).await;
    assert_eq!(new.status(), StatusCode::OK);
    assert!(!server.sign_in(Via::Json, "alice", PASSWORD).await.is_accepted());

    // By the page, back to the old one.
    let browser = Browser::new(&server);
    let fields = [("username", "alice"), ("password", NEW)];
    let signed_in = browser.send("/signin", "/api/sign_in", &fields).await;
    let before = cookie(&signed_in, "latchkey").expect("a cookie");
    let fields = [("currentPassword", NEW), ("newPassword", PASSWORD)];
    let changed = browser.send("/account/security", "/api/change_password", &fields).await;
    assert_eq!(changed.headers()[header::LOCATION], "/account/security");
    assert_ne!(cookie(&changed, "latchkey").expect("another cookie"), before);
    let with_copy = program()
        .get(server.url("/user/profile"))
        .header(header::COOKIE, format!("latchkey={before}"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(with_copy.status(), StatusCode::UNAUTHORIZED);
    assert!(browser.page("/account/security").await.contains("Password changed."));
    assert_eq!(server.profile(&format!("Bearer {token}")).await.status(), StatusCode::UNAUTHORIZED);
    assert!(server.sign_in(Via::Json, "alice", PASSWORD).await.is_accepted());
}

#[tokio::test]
async fn a_password_is_changed_only_with_the_current_one_and_by_the_rules() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    let token = server.token("alice").await;
    for (current, new, message) in [
        ("wrong wrong wrong", NEW, "Wrong password"),
        ("", NEW, "Enter your current password"),
        (PASSWORD, "", "Enter a new password"),
        (PASSWORD, "short", "at least 8"),
        (PASSWORD, "password", "too easy to guess"),
        (PASSWORD, "alice2026!", "based on your username"),
        (PASSWORD, &"x".repeat(1025), "at most 1024 bytes"),
    ] {
        let fields = [("currentPassword", current), ("newPassword", new)];
        let outcome = browser.submit("/account/security", "/api/change_password", &fields).await;
        assert!(outcome.says(message) && outcome.status() == 400, "{outcome:?}");
        let body = json!({"currentPassword": current, "newPassword": new});
        let response = server.ask("POST", "/user/password", &token, Some(&body)).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        let problem = response.text().await.expect("a problem");
        assert!(problem.contains(message) && problem.contains("invalid-input"), "{problem}");
    }
    assert_eq!(server.profile(&format!("Bearer {token}")).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_sign_in_with_the_old_password_that_is_under_way_makes_no_session() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let token = server.token("alice").await;
    let sign_in = || {
        let body = json!({"username": "alice", "password": PASSWORD});
        let request = program().post(server.url("/auth/signin")).json(&body);
        tokio::spawn(async move { request.send().await.expect("an answer") })
    };
    // Some start before the change and some after it, and all hash at the same time.
    let mut sign_ins: Vec<_> = (0..8).map(|_| sign_in()).collect();
    let body = json!({"currentPassword": PASSWORD, "newPassword": NEW});
    let change = server.ask("POST", "/user/password", &token, Some(&body));
    sign_ins.extend((0..8).map(|_| sign_in()));
    assert_eq!(change.await.status(), StatusCode::OK);
    let mut tokens = Vec::new();
    for sign_in in sign_ins {
        let response = sign_in.await.expect("an answer");
        if response.status() == StatusCode::OK {
            let answer: Value = response.json().await.expect("JSON");
            tokens.push(answer["accessToken"].as_str().expect("a token").to_owned());
        } else {
            assert!([400, 429].contains(&response.status().as_u16()), "{}", response.status());
        }
    }
    for token in tokens {
        let profile = server.profile(&format!("Bearer {token}")).await;
        assert_eq!(profile.status(), StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn password_managers_find_where_a_password_is_changed() {
    let server = TestServer::start().await;
    let request = program().get(server.url("/.well-known/change-password"));
    let response = request.send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(response.headers()[header::LOCATION], "/account/security");
}
