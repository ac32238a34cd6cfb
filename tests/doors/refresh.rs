//! Refresh tokens: rotation, the grace period of ten seconds, and how a copied one is detected.

use reqwest::StatusCode;
use serde_json::Value;

use crate::support::*;

async fn tokens(response: reqwest::Response) -> Value {
    assert_eq!(response.status(), StatusCode::OK);
    response.json().await.expect("JSON")
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().expect(name)
}

#[tokio::test]
async fn a_program_that_asks_for_it_gets_a_refresh_token_and_only_that_one_does() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let answer = server.refreshable("alice").await;
    let names: Vec<_> = answer.as_object().expect("an object").keys().collect();
    let expected =
        ["id", "username", "fullName", "accessToken", "refreshToken", "tokenType", "expiresIn"];
    assert_eq!(names, expected);
    assert_eq!((text(&answer, "tokenType"), &answer["expiresIn"]), ("Bearer", &Value::from(900)));
    for refresh in [Value::from("yes"), Value::from(1), Value::Null] {
        let body =
            serde_json::json!({"username": "alice", "password": PASSWORD, "refresh": refresh});
        let response = server.post_json("/auth/signin", &body).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        let problem: Value = response.json().await.expect("JSON");
        assert_eq!(problem["errors"][0]["field"], "refresh");
    }
}

#[tokio::test]
async fn a_refresh_token_is_rotated_and_none_of_them_is_in_the_database() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let first = server.refreshable("alice").await;
    let second = tokens(server.refresh(text(&first, "refreshToken")).await).await;
    let names: Vec<_> = second.as_object().expect("an object").keys().collect();
    assert_eq!(names, ["accessToken", "refreshToken", "tokenType", "expiresIn"]);
    assert_ne!(text(&first, "refreshToken"), text(&second, "refreshToken"));
    for tokens in [&first, &second] {
        let bearer = format!("Bearer {}", text(tokens, "accessToken"));
        assert_eq!(server.profile(&bearer).await.status(), StatusCode::OK);
    }
    let db = server.db().await;
    let kept: Vec<String> = sqlx::query_scalar(
        "SELECT hash || ' ' || COALESCE(sealed_successor, '') FROM refresh_tokens",
    )
    .fetch_all(&db)
    .await
    .expect("rows");
    assert_eq!(kept.len(), 2);
    for token in [&first, &second].map(|tokens| text(tokens, "refreshToken")) {
        assert!(kept.iter().all(|row| !row.contains(token)), "{kept:?}");
    }
}

#[tokio::test]
async fn twenty_at_once_and_a_retry_get_the_same_successor() {
    let server = TestServer::start_with(&[NODES_URL]).await;
    let other = server.another_node().await;
    server.sign_up_json("alice").await;
    let first = server.refreshable("alice").await;
    let token = text(&first, "refreshToken").to_owned();
    let requests: Vec<_> = (0..20)
        .map(|index| {
            let node = if index % 2 == 0 { &server } else { &other };
            let body = serde_json::json!({"refreshToken": token});
            let request = program().post(node.url("/auth/refresh")).json(&body);
            tokio::spawn(async move { request.send().await.expect("an answer") })
        })
        .collect();
    let mut successors = std::collections::HashSet::new();
    for request in requests {
        let answer = tokens(request.await.expect("an answer")).await;
        let bearer = format!("Bearer {}", text(&answer, "accessToken"));
        assert_eq!(server.profile(&bearer).await.status(), StatusCode::OK);
        successors.insert(text(&answer, "refreshToken").to_owned());
    }
    assert_eq!(successors.len(), 1);
    let again = tokens(server.refresh(&token).await).await;
    assert!(successors.contains(text(&again, "refreshToken")));
}

#[tokio::test]
async fn use_after_the_grace_ends_the_whole_session_and_is_written_down() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let first = server.refreshable("alice").await;
    let second = tokens(server.refresh(text(&first, "refreshToken")).await).await;
    let db = server.db().await;
    // The ten seconds are counted from the time in the row.
    sqlx::query("UPDATE refresh_tokens SET used_at = used_at - 11 WHERE used_at IS NOT NULL")
        .execute(&db)
        .await
        .expect("updated");
    let response = server.refresh(text(&first, "refreshToken")).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(
        server.refresh(text(&second, "refreshToken")).await.status(),
        StatusCode::UNAUTHORIZED
    );
    for tokens in [&first, &second] {
        let bearer = format!("Bearer {}", text(tokens, "accessToken"));
        assert_eq!(server.profile(&bearer).await.status(), StatusCode::UNAUTHORIZED);
    }
    let reused: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM audit_events WHERE event = 'authn_token_reuse'")
            .fetch_one(&db)
            .await
            .expect("a count");
    assert_eq!(reused, 1);
}

#[tokio::test]
async fn a_token_of_a_session_that_is_over_and_every_other_text_are_refused_alike() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let answer = server.refreshable("alice").await;
    let access = text(&answer, "accessToken").to_owned();
    let out = server.ask("POST", "/auth/signout", &access, None).await;
    assert_eq!(out.status(), StatusCode::NO_CONTENT);
    let random = "A".repeat(43);
    for token in [text(&answer, "refreshToken"), &access, &random, "x", ""] {
        let response = server.refresh(token).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{token}");
        let challenge = response.headers()["www-authenticate"].to_str().expect("text");
        assert_eq!(challenge, "Bearer error=\"invalid_token\"");
    }
    // It is accepted nowhere else.
    let answer = server.refreshable("alice").await;
    let bearer = format!("Bearer {}", text(&answer, "refreshToken"));
    assert_eq!(server.profile(&bearer).await.status(), StatusCode::UNAUTHORIZED);
}
