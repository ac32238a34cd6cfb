//! The profile.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::*;

#[tokio::test]
async fn a_full_name_is_changed_through_both_doors_and_shown_at_once() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    let token = server.token("alice").await;
    let body = json!({"fullName": "  Zoë <b> ", "username": "mallory", "id": 1});
    let profile = json_of(server.ask("PATCH", "/user/profile", &token, Some(&body)).await).await;
    assert_eq!(profile["fullName"], "Zoë <b>");
    assert_eq!(profile["username"], "alice", "nothing else is changed");
    assert!(browser.page("/profile").await.contains("Zoë &lt;b&gt;"));

    let fields = [("fullName", "Alice the Second")];
    assert!(browser.submit("/profile", "/api/change_full_name", &fields).await.is_accepted());
    assert!(browser.page("/profile").await.contains("Name updated."));
    assert!(!browser.page("/profile").await.contains("Name updated."), "it is said once");
    let profile = json_of(server.profile(&format!("Bearer {token}")).await).await;
    assert_eq!(profile["fullName"], "Alice the Second");

    for name in ["", "a\u{202e}b", &"x".repeat(101)] {
        let body = json!({"fullName": name});
        let response = server.ask("PATCH", "/user/profile", &token, Some(&body)).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{name:?}");
        let fields = [("fullName", name)];
        let outcome = browser.submit("/profile", "/api/change_full_name", &fields).await;
        assert_eq!(outcome.status(), 400, "{name:?}");
    }
}

#[tokio::test]
async fn a_nickname_is_set_and_taken_away_through_both_doors_unless_it_is_turned_off() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    let token = server.token("alice").await;
    let change = async |nickname: &Value| {
        let body = json!({"nickname": nickname});
        server.ask("PATCH", "/user/profile", &token, Some(&body)).await
    };
    let profile = json_of(change(&json!(" Al ")).await).await;
    assert_eq!((&profile["nickname"], &profile["fullName"]), (&json!("Al"), &json!("Test Person")));
    assert!(browser.page("/profile").await.contains("<dd>Al</dd>"));
    assert_eq!(change(&json!("x".repeat(31))).await.status(), StatusCode::BAD_REQUEST);
    let profile = json_of(change(&Value::Null).await).await;
    assert_eq!(profile["nickname"], Value::Null);
    let fields = [("fullName", "Alice"), ("nickname", "Ally")];
    assert!(browser.submit("/profile", "/api/change_full_name", &fields).await.is_accepted());
    assert!(browser.page("/profile").await.contains("<dd>Ally</dd>"));
    assert!(browser.page("/account/security").await.contains("Nickname changed"));

    let server = TestServer::start_with(&[("NICKNAMES", "no")]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    assert!(!browser.page("/profile").await.contains("nickname"));
}
