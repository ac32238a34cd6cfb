//! The security history that owners read, and the download of their data.

use latchkey::audit::{Act, By, Event, record_alone};
use reqwest::{StatusCode, header};
use serde_json::{Value, json};

use crate::{
    app_support::{App, operate, send_from},
    support::*,
};

#[tokio::test]
async fn the_history_tells_what_happened_in_words_and_to_its_owner_only() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    server.sign_up_json("mallory").await;
    assert!(!server.sign_in(Via::Json, "alice", "wrong wrong wrong").await.is_accepted());
    let fields = [("fullName", "Alice the Second")];
    assert!(browser.submit("/profile", "/api/change_full_name", &fields).await.is_accepted());
    let token = server.token("alice").await;
    let history = json_of(server.ask("GET", "/user/history", &token, None).await).await;
    let events: Vec<_> = history["history"].as_array().expect("a list").iter().collect();
    let words: Vec<_> =
        events.iter().map(|event| event["event"].as_str().expect("a word")).collect();
    assert_eq!(
        words,
        [
            "authn_login_success",
            "user_updated:full_name",
            "authn_login_fail",
            "authn_login_success",
            "user_created",
        ]
    );
    assert_eq!(events[2]["by"], "stranger");
    assert_eq!(events[0]["network"], "127.0.0.0/24");
    let page = browser.page("/account/security").await;
    for words in
        ["Name changed", "Failed sign-in: wrong password", "Account created", "a moment ago"]
    {
        assert!(page.contains(words), "{words}");
    }
    let mallory = server.token("mallory").await;
    let history = json_of(server.ask("GET", "/user/history", &mallory, None).await).await;
    assert_eq!(history["history"].as_array().expect("a list").len(), 2);
}

#[tokio::test]
async fn the_download_holds_all_that_is_known_of_oneself_and_nothing_of_others() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    server.sign_up_json("mallory").await;
    operate(&server, &["user", "groups", "alice", "--add", "staff"]);
    let app = App::add(&server, "Wiki", &["--third-party"]).await;
    let page = browser.page(&app.address(&[("scope", "openid")])).await;
    let agreed = send_from(&browser, &page, "/api/agree_to_app", &[]).await;
    assert_eq!(agreed.status(), StatusCode::OK);
    let token = server.token("alice").await;
    let response = server.ask("GET", "/user/data", &token, None).await;
    let disposition = response.headers()[header::CONTENT_DISPOSITION].to_str().expect("text");
    assert_eq!(disposition, "attachment; filename=\"account-data.json\"");
    let text = response.text().await.expect("text");
    let data: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&data["username"], &data["fullName"]), (&json!("alice"), &json!("Test Person")));
    assert_eq!(data["sessions"].as_array().expect("a list").len(), 2);
    assert!(data["history"].as_array().expect("a list").len() >= 3);
    assert_eq!(data["passwordKeptAs"], "argon2id");
    assert_eq!(data["groups"], json!(["staff"]));
    assert_eq!(
        (&data["apps"][0]["name"], &data["apps"][0]["agreed"]),
        (&json!("Wiki"), &json!("openid"))
    );
    assert_eq!(data["sessions"][0]["session"]["network"], "127.0.0.0/24");
    assert_eq!(data["history"][0]["event"]["event"], "sensitive_read:data");
    assert!(!text.contains("mallory") && !text.contains("$argon2id") && !text.contains(&token));
}

#[tokio::test]
async fn the_history_goes_on_page_by_page_and_what_happens_again_and_again_is_one_entry() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    let token = server.token("alice").await;
    for name in 0..60 {
        let body = json!({"fullName": format!("Alice {name}")});
        let response = server.ask("PATCH", "/user/profile", &token, Some(&body)).await;
        assert_eq!(response.status(), StatusCode::OK);
    }
    let mut words = Vec::new();
    let mut after = String::new();
    loop {
        let path = format!("/user/history?limit=25{after}");
        let page = json_of(server.ask("GET", &path, &token, None).await).await;
        let history = page["history"].as_array().expect("a list");
        assert!(history.len() <= 25);
        words.extend(history.iter().map(|event| event["event"].as_str().expect("text").to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(words.len(), 63);
    assert_eq!(words.last().map(String::as_str), Some("user_created"));
    for bad in ["limit=0", "limit=201", "limit=x", "after=x", "after=-1"] {
        let path = format!("/user/history?{bad}");
        let response = server.ask("GET", &path, &token, None).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{bad}");
        let problem: Value = response.json().await.expect("JSON");
        assert_eq!(problem["errors"][0]["code"], "out-of-range", "{bad}");
    }
    let page = browser.page("/account/security").await;
    assert_eq!(page.matches("Name changed").count(), 1);
    assert!(page.contains("60 times") && page.contains("Account created"), "{page}");
}

#[tokio::test]
async fn what_a_program_calls_itself_is_not_said_to_the_owner() {
    let server = TestServer::start_with(&[NODES_URL]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let name = "Your.account.is.locked-see.evil.example";
    let request = program().post(server.url("/auth/signin")).header(header::USER_AGENT, name);
    let body = json!({"username": "alice", "password": "wrong wrong wrong"});
    request.json(&body).send().await.expect("an answer");
    // An earlier version stored the name as it was sent.
    let db = server.db().await;
    sqlx::query("UPDATE sessions SET device = $1").bind(name).execute(&db).await.expect("updated");
    let detail = "UPDATE audit_events SET detail = REPLACE(detail, '\"network\"', \
                  '\"device\":\"Your.account.is.locked-see.evil.example\",\"network\"') \
                  WHERE detail NOT LIKE '%\"device\"%'";
    sqlx::query(detail).execute(&db).await.expect("updated");
    db.close().await;
    let token = server.token("alice").await;
    let mut seen = browser.page("/account/security").await;
    seen += &browser.page("/account/sessions").await;
    for path in ["/user/history", "/user/sessions", "/user/data"] {
        seen += &server.ask("GET", path, &token, None).await.text().await.expect("text");
    }
    assert!(!seen.contains("evil.example"), "{seen}");
    assert!(seen.contains("Unknown device"));
}

#[tokio::test]
async fn a_long_history_is_erased_in_parts_and_downloaded_in_parts() {
    let server = TestServer::start_with(&[("DELETION_GRACE", "1s"), NODES_URL]).await;
    server.sign_up_json("alice").await;
    let token = server.token("alice").await;
    let profile = json_of(server.profile(&format!("Bearer {token}")).await).await;
    let account = latchkey::domain::AccountId(profile["id"].as_i64().expect("an id"));
    let store = crate::audit::open(&server).await;
    for at in 0..2500 {
        let (by, act) = (By::Owner, Act("user_updated:full_name"));
        let event = Event::without_request(by, act, Some(account), 1_790_000_000 + at);
        record_alone(&store, &event).await.expect("written");
    }
    let response = server.ask("GET", "/user/data", &token, None).await;
    assert!(!response.headers().contains_key(header::CONTENT_LENGTH), "it is sent as it is read");
    let data: Value =
        serde_json::from_str(&response.text().await.expect("all of it")).expect("JSON");
    assert_eq!(data["history"].as_array().expect("a list").len(), 2503);
    assert_eq!(server.ask("DELETE", "/user", &token, None).await.status(), StatusCode::OK);
    server.db_cleaned_up("SELECT COUNT(*) FROM accounts", 0).await;
    let parts = "SELECT COUNT(*) FROM audit_events WHERE event = 'user_deleted:part'";
    assert_eq!(server.db_count(parts).await, 2);
    let left = "SELECT COUNT(*) FROM audit_events WHERE account_id IS NOT NULL";
    assert_eq!(server.db_count(left).await, 0);
    let verified = latchkey::audit::verify(&store, None).await.expect("read");
    assert!(verified.is_ok(), "{verified:?}");
}

#[tokio::test]
async fn downloads_of_one_account_leave_others_served() {
    let server = TestServer::start_with(&[("THROTTLE_ACTS", "1000000/1h")]).await;
    server.sign_up_json("alice").await;
    server.sign_up_json("bob").await;
    let token = server.token("alice").await;
    let account = json_of(server.profile(&format!("Bearer {token}")).await).await;
    let account = latchkey::domain::AccountId(account["id"].as_i64().expect("an id"));
    // Downloads under way whose clients read nothing.
    let network = "127.0.0.1/32";
    let sending = &server.running.state.sending;
    let held: Vec<_> = (0..10).map_while(|_| sending.begin_download(network, account)).collect();
    assert_eq!(held.len(), 2);
    let refused = server.ask("GET", "/user/data", &token, None).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers().contains_key(header::RETRY_AFTER));
    let bob = server.token("bob").await;
    assert_eq!(server.ask("GET", "/user/data", &bob, None).await.status(), StatusCode::OK);
    assert_eq!(server.profile(&format!("Bearer {token}")).await.status(), StatusCode::OK);
    drop(held);
    assert_eq!(server.ask("GET", "/user/data", &token, None).await.status(), StatusCode::OK);
}
