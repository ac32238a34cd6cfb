//! The profile.

use reqwest::StatusCode;
use serde_json::json;

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
