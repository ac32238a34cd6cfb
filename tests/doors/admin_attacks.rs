//! What administrators who were dismissed, programs with a key and strangers can't do.

use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::{
    admin_support::*,
    app_support::operate,
    second_step::body_of,
    support::{Browser, NEW, PASSWORD, TestServer, Via, program},
};

/// Whether an invitation made with a key still works, and what it makes.
async fn is_good(server: &TestServer, made: &Value, username: &str) -> bool {
    let token = made["url"].as_str().expect("a link").split("link=").nth(1).expect("a token");
    let body = json!({
        "username": username, "password": PASSWORD, "fullName": "New Person", "invitation": token,
    });
    server.post_json("/auth/signup", &body).await.status() == StatusCode::OK
}

#[tokio::test]
async fn an_invitation_made_with_a_key_works_as_long_as_the_key() {
    let admin = administered().await;
    let server = &admin.server;
    let key = admin.key("invitations:write");
    let invite = async || {
        let body = json!({"groups": ["crew"]});
        let answer = server.by_key("POST", "/invitations", &key, Some(&body)).await;
        assert_eq!(answer.status(), StatusCode::CREATED);
        body_of(answer).await
    };
    let (one, two, three) = (invite().await, invite().await, invite().await);
    assert!(is_good(server, &one, "alice").await);
    let alice = admin.id_of("alice").await;
    assert_eq!(admin.get(&format!("/users/{alice}")).await["groups"], json!(["crew"]));

    server.db_execute("UPDATE api_keys SET expires_at = 1").await;
    assert!(!is_good(server, &two, "bob").await);
    server.db_execute("DELETE FROM api_keys").await;
    assert!(!is_good(server, &three, "bob").await);
}

#[tokio::test]
async fn a_dismissed_administrator_keeps_no_key() {
    let admin = administered().await;
    let server = &admin.server;
    server.admin("other").await;
    let browser = Browser::signed_in(server, "other").await;
    let fields = [
        ("name", "mine"),
        ("users:write", "on"),
        ("invitations:write", "on"),
        ("expiresAt", "90d"),
    ];
    let answer = press(&browser, "/admin/keys", "/api/admin_make_key", &fields).await;
    assert_eq!(leads(&answer), "/admin/keys");
    let page = browser.page("/admin/keys").await;
    let start = page.find("lk_").expect("a key");
    let key: String = page[start..]
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c))
        .collect();
    let made = body_of(server.by_key("POST", "/invitations", &key, Some(&json!({}))).await).await;

    let other = admin.id_of("other").await;
    admin.good("PATCH", &format!("/users/{other}"), Some(&json!({"groups": []}))).await;
    let answer = server.by_key("GET", "/users", &key, None).await;
    assert_eq!(kind_of(answer).await, (401, "unauthorized".to_owned()));
    assert!(!is_good(server, &made, "mallory").await);
    let browser = admin.browser().await;
    assert!(browser.page("/admin/keys").await.contains("no longer administers"));
    assert!(browser.page("/admin").await.contains("One API key is off"));
    let said = operate(server, &["api-key", "list"]);
    assert!(said.contains("no longer administers"), "{said}");

    // Whoever administers again may use it again.
    admin.good("PATCH", &format!("/users/{other}"), Some(&json!({"groups": ["admin"]}))).await;
    let answer = server.by_key("GET", "/users", &key, None).await;
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_link_made_before_makes_nobody_an_administrator() {
    let admin = administered().await;
    let server = &admin.server;
    let key = admin.key("users:write");
    let made = server.by_key("POST", "/users", &key, Some(&person("newadmin"))).await;
    let made = body_of(made).await;
    let link = made["passwordLink"].as_str().expect("a link").split("link=").nth(1).expect("it");
    let body = json!({"groups": ["admin"]});
    admin.good("PATCH", &format!("/users/{}", made["id"]), Some(&body)).await;
    assert!(server.reset(Via::Form, link, NEW).await.is_err());
}

#[tokio::test]
async fn strangers_learn_no_methods_of_the_admin_area() {
    let admin = administered().await;
    let server = &admin.server;
    for (method, path) in [
        (Method::DELETE, "/admin"),
        (Method::OPTIONS, "/admin/people/1"),
        (Method::GET, "/api/admin_invite"),
    ] {
        let request = program().request(method.clone(), server.url(path));
        let answer = request.header(header::ACCEPT, "text/html").send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{method} {path}");
        assert!(!answer.headers().contains_key(header::ALLOW), "{method} {path}");
    }
    let put = || program().request(Method::PUT, server.url("/admin/api/users"));
    let answer = put().send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert!(!answer.headers().contains_key(header::ALLOW));
    server.sign_up_json("member").await;
    let member = server.token("member").await;
    let answer = put().bearer_auth(&member).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    assert!(!answer.headers().contains_key(header::ALLOW));
    let answer = admin.ask("PUT", "/users", None).await;
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    let browser = admin.browser().await;
    let answer = browser.get("/api/admin_invite").await;
    assert_eq!(leads(&answer), "/admin/invitations");
}

#[tokio::test]
async fn the_owner_learns_who_acted_but_not_where_from() {
    let admin = administered().await;
    let server = &admin.server;
    server.sign_up_json("alice").await;
    let alice = format!("/users/{}", admin.id_of("alice").await);
    let key = admin.key("users:write");
    admin.good("PATCH", &alice, Some(&json!({"fullName": "Alice One"}))).await;
    let body = json!({"fullName": "Alice Two"});
    assert_eq!(server.by_key("PATCH", &alice, &key, Some(&body)).await.status(), StatusCode::OK);
    let token = server.token("alice").await;
    let history = body_of(server.ask("GET", "/user/history", &token, None).await).await;
    let events = history["history"].as_array().expect("events");
    for by in ["administrator", "api-key"] {
        let event = events.iter().find(|event| event["by"] == by).expect("an event");
        assert_eq!((&event["network"], &event["device"]), (&json!(""), &json!("")), "{by}");
    }
    let data = body_of(server.ask("GET", "/user/data", &token, None).await).await;
    let events = data["history"].as_array().expect("events");
    for event in events.iter().filter(|event| event["event"]["by"] != "owner") {
        assert_eq!((&event["requestId"], &event["session"]), (&json!(""), &json!("")), "{event}");
    }
}

#[tokio::test]
async fn a_refused_change_changes_nothing() {
    let admin = administered().await;
    let server = &admin.server;
    server.sign_up_json("alice").await;
    let chief = format!("/users/{}", admin.id_of("chief").await);
    let body = json!({"email": "chief@example.org", "fullName": "Other", "groups": []});
    assert_eq!(admin.refused("PATCH", &chief, Some(&body)).await.0, 409);
    let alice = format!("/users/{}", admin.id_of("alice").await);
    let key = admin.key("users:write");
    let body = json!({"email": "alice@example.org", "groups": ["admin"]});
    assert_eq!(kind_of(server.by_key("PATCH", &alice, &key, Some(&body)).await).await.0, 403);
    for path in [&chief, &alice] {
        let person = admin.get(path).await;
        assert_eq!((&person["email"], &person["fullName"]), (&Value::Null, &json!("Test Person")));
    }
    for body in [json!([]), json!("x"), json!(1), Value::Null] {
        assert_eq!(admin.refused("PATCH", &alice, Some(&body)).await.0, 400, "{body}");
        assert_eq!(admin.refused("POST", "/invitations", Some(&body)).await.0, 400, "{body}");
    }
}

#[tokio::test]
async fn groups_changed_by_a_colleague_meanwhile_stay_changed() {
    let admin = administered().await;
    let server = &admin.server;
    server.sign_up_json("alice").await;
    let id = admin.id_of("alice").await;
    let (alice, page) = (format!("/users/{id}"), format!("/admin/people/{id}"));
    admin.good("PATCH", &alice, Some(&json!({"groups": ["crew", "guests"]}))).await;
    let browser = admin.browser().await;
    let shown = browser.page(&page).await;
    assert!(shown.contains("crew guests"), "{shown}");
    admin.good("PATCH", &alice, Some(&json!({"groups": ["crew", "editors"]}))).await;
    let number = id.to_string();
    let fields = [
        ("id", &*number),
        ("fullName", "Alice One"),
        ("email", ""),
        ("groups", "crew guests family"),
        ("groups-shown", "crew guests"),
    ];
    let answer = press(&browser, &page, "/api/admin_change_account", &fields).await;
    assert_eq!(leads(&answer), page);
    assert_eq!(admin.get(&alice).await["groups"], json!(["crew", "editors", "family"]));
}

#[tokio::test]
async fn a_group_keeps_its_description_and_no_other_looks_like_that_of_administrators() {
    let admin = administered().await;
    let server = &admin.server;
    operate(server, &["group", "add", "crew", "--description", "On board"]);
    operate(server, &["group", "add", "crew"]);
    let answer = admin.ask("POST", "/groups", Some(&json!({"name": "crew"}))).await;
    assert_eq!(answer.status(), StatusCode::OK, "it existed");
    assert_eq!(body_of(answer).await["description"], "On board");
    for name in ["Admin", "ADMIN"] {
        let body = json!({"name": name});
        assert_eq!(admin.refused("POST", "/groups", Some(&body)).await.0, 400, "{name}");
    }
    let chief = format!("/users/{}", admin.id_of("chief").await);
    let many: Vec<String> = (0..101).map(|number| format!("g{number}")).collect();
    let body = json!({"groups": many});
    assert_eq!(admin.refused("PATCH", &chief, Some(&body)).await.0, 400);
    assert_eq!(server.db_count("SELECT COUNT(*) FROM group_names").await, 2, "none was made");
}

#[tokio::test]
async fn what_a_key_does_not_allow_is_recorded() {
    let admin = administered().await;
    let key = admin.key("users:read");
    let answer = admin.server.by_key("GET", "/audit", &key, None).await;
    assert_eq!(kind_of(answer).await, (403, "insufficient-scope".to_owned()));
    let event = admin.newest().await;
    assert_eq!((&event["event"], &event["by"]), (&json!("authz_fail:scope"), &json!("api-key")));
}

#[tokio::test]
async fn names_that_hold_a_nul_are_refused_everywhere() {
    let admin = administered().await;
    let cursor = "eyJrZXkiOiJhXHUwMDAwYiIsIm51bWJlciI6MSwiaWQiOjF9";
    for path in [
        "/users?group=%00",
        "/audit?requestId=%00",
        "/audit?event=%00",
        "/groups/%00",
        "/webhooks/%00",
        "/invitations/%00",
        "/outbox/%00/retry",
        "/users?query=a%00",
        &format!("/users?query=a&after={cursor}"),
        &format!("/users?after={cursor}"),
        "/invitations?after=MS5hAGI",
        "/outbox?after=MS5hAGI",
    ] {
        for method in ["GET", "POST", "DELETE"] {
            let status = admin.ask(method, path, None).await.status();
            assert!(status.is_client_error(), "{method} {path}: {status}");
        }
    }
    let browser = admin.browser().await;
    for (page, action) in [
        ("/admin/keys", "/api/admin_remove_key"),
        ("/admin/groups", "/api/admin_remove_group"),
        ("/admin/invitations", "/api/admin_withdraw_invitation"),
    ] {
        let fields = [("id", "a\0b"), ("name", "a\0b")];
        let answer = press(&browser, page, action, &fields).await;
        assert!(answer.status().is_client_error(), "{action}: {}", answer.status());
    }
}

#[tokio::test]
async fn an_invitation_goes_with_the_person_it_was_for() {
    let admin = administered().await;
    let server = &admin.server;
    let body = json!({"email": "alice@example.org"});
    let made = admin.good("POST", "/invitations", Some(&body)).await;
    assert!(is_good(server, &made, "alice").await);
    operate(server, &["user", "delete", "alice", "--yes"]);
    assert_eq!(server.db_count("SELECT COUNT(*) FROM invitations").await, 0);
}

#[tokio::test]
async fn a_form_of_administrators_asks_for_a_proof_before_anything_is_typed() {
    let admin = administered_with(&[("PROOF_TTL", "1s")]).await;
    let browser = admin.browser().await;
    for page in ["/admin/keys", "/admin/groups", "/admin/invitations", "/admin/webhooks"] {
        crate::support::eventually(async || {
            let text = browser.page(page).await;
            text.contains(&format!("/confirm?next={}", page.replace('/', "%2F")))
        })
        .await;
    }
}

#[tokio::test]
async fn an_administrator_without_a_way_in_does_not_count_as_another() {
    let admin = administered().await;
    let chief = format!("/users/{}", admin.id_of("chief").await);
    let body = json!({"username": "ghost", "fullName": "Ghost", "groups": ["admin"]});
    admin.good("POST", "/users", Some(&body)).await;
    let refused = (409, "last-administrator".to_owned());
    assert_eq!(admin.refused("PATCH", &chief, Some(&json!({"groups": []}))).await, refused);
    admin.server.admin("other").await;
    admin.good("PATCH", &chief, Some(&json!({"groups": []}))).await;
}
