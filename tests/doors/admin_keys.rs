//! API keys, and requests that may be repeated.

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::{
    admin_support::*,
    app_support::operate,
    second_step::body_of,
    support::{TestServer, program},
};

#[tokio::test]
async fn a_key_opens_what_its_scopes_say_and_nothing_else() {
    let admin = administered().await;
    let server = &admin.server;
    let key = admin.key("users:read");
    assert!(key.starts_with("lk_") && key.len() == 3 + 43 + 6, "{key}");
    assert_eq!(server.by_key("GET", "/users", &key, None).await.status(), StatusCode::OK);
    for (method, path) in [
        ("POST", "/users"),
        ("GET", "/audit"),
        ("GET", "/apps"),
        ("POST", "/webhooks"),
        ("DELETE", "/users/1"),
    ] {
        let answer = server.by_key(method, path, &key, Some(&json!({}))).await;
        let challenge = answer.headers()["www-authenticate"].to_str().expect("text").to_owned();
        assert!(challenge.contains("insufficient_scope"), "{challenge}");
        assert_eq!(
            kind_of(answer).await,
            (403, "insufficient-scope".to_owned()),
            "{method} {path}"
        );
    }
    // To write includes to read.
    let writer = admin.key("groups:write");
    assert_eq!(server.by_key("GET", "/groups", &writer, None).await.status(), StatusCode::OK);
    // It is good for administration only.
    for path in ["/user", "/user/profile", "/user/sessions"] {
        assert_eq!(server.ask("GET", path, &key, None).await.status(), StatusCode::UNAUTHORIZED);
    }
    let page =
        program().get(server.url("/admin")).bearer_auth(&key).send().await.expect("an answer");
    assert_eq!(page.status(), StatusCode::NOT_FOUND);
    // The last use is shown, the key is not.
    let said = operate(server, &["api-key", "list", "--json"]);
    assert!(said.contains("lastUsedAt\":\"2"), "{said}");
    assert!(!said.contains(&key), "{said}");
    assert_eq!(server.db_count("SELECT COUNT(*) FROM api_keys WHERE hash LIKE 'lk_%'").await, 0);
}

#[tokio::test]
async fn a_key_that_is_wrong_over_or_removed_opens_nothing() {
    let admin = administered().await;
    let server = &admin.server;
    let key = admin.key("users:read");
    let over = admin.key("users:read");
    let refused = (401, "unauthorized".to_owned());
    let mut altered = key.clone();
    altered.replace_range(10..11, if &key[10..11] == "a" { "b" } else { "a" });
    for wrong in ["lk_", "lk_nonsense", &altered, &key.to_uppercase(), &key[..key.len() - 1]] {
        let answer = server.by_key("GET", "/users", wrong, None).await;
        assert_eq!(kind_of(answer).await, refused, "{wrong}");
    }
    server.db_execute("UPDATE api_keys SET expires_at = 1 WHERE created_at = (SELECT MAX(created_at) FROM api_keys)").await;
    let answer = server.by_key("GET", "/users", &over, None).await;
    assert_eq!(kind_of(answer).await, refused);

    let key = admin.key("users:read");
    let said = operate(server, &["api-key", "list", "--json"]);
    let ids: Vec<Value> =
        said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    for id in ids.iter().filter_map(|line| line["id"].as_str()) {
        operate(server, &["api-key", "remove", id]);
    }
    let answer = server.by_key("GET", "/users", &key, None).await;
    assert_eq!(kind_of(answer).await, refused);
}

#[tokio::test]
async fn a_stolen_key_makes_nobody_an_administrator_and_harms_none() {
    let admin = administered().await;
    let server = &admin.server;
    server.sign_up_json("alice").await;
    let (chief, alice) = (admin.id_of("chief").await, admin.id_of("alice").await);
    let key = admin.key("users:write,groups:write,invitations:write,apps:write,webhooks:write,outbox:write,audit:read");
    let chief = format!("/users/{chief}");
    let link = format!("{chief}/password-link");
    let sessions = format!("{chief}/sessions");
    let factors = format!("{chief}/factors");
    let alice = format!("/users/{alice}");
    for (method, path, body) in [
        ("PATCH", &*chief, json!({"fullName": "Owned"})),
        ("PATCH", &*chief, json!({"email": "thief@example.org"})),
        ("PATCH", &*chief, json!({"groups": []})),
        ("PATCH", &*chief, json!({"disabled": true})),
        ("DELETE", &*chief, Value::Null),
        ("POST", &*link, Value::Null),
        ("DELETE", &*sessions, Value::Null),
        ("DELETE", &*factors, Value::Null),
        ("PATCH", &*alice, json!({"groups": ["admin"]})),
        ("POST", "/users", json!({"username": "mallory", "fullName": "M", "groups": ["admin"]})),
        ("POST", "/invitations", json!({"groups": ["admin"]})),
    ] {
        let answer = server.by_key(method, path, &key, Some(&body)).await;
        assert_eq!(kind_of(answer).await.0, 403, "{method} {path} {body}");
    }
    assert_eq!(admin.get("/users?query=mallory").await["users"], json!([]), "nothing is half done");
    assert_eq!(admin.get(&chief).await["fullName"], "Test Person");
    let answer = server.by_key("DELETE", "/groups/admin", &key, None).await;
    assert_eq!(answer.status(), StatusCode::CONFLICT);
}

#[tokio::test]
async fn each_key_has_its_own_limit() {
    let admin = administered_with(&[("THROTTLE_API_KEYS", "5/1h")]).await;
    let server = &admin.server;
    let (one, two) = (admin.key("users:read"), admin.key("users:read"));
    for _ in 0..5 {
        assert_eq!(server.by_key("GET", "/users", &one, None).await.status(), StatusCode::OK);
    }
    let answer = server.by_key("GET", "/users", &one, None).await;
    assert!(answer.headers().contains_key("retry-after"));
    assert_eq!(kind_of(answer).await, (429, "too-many-tries".to_owned()));
    assert_eq!(server.by_key("GET", "/users", &two, None).await.status(), StatusCode::OK);
}

async fn create(server: &TestServer, key: &str, once: &str, body: &Value) -> Response {
    let request = program().post(server.url("/admin/api/users")).bearer_auth(key);
    request.header("idempotency-key", once).json(body).send().await.expect("an answer")
}

#[tokio::test]
async fn a_request_with_an_idempotency_key_makes_one_thing_however_often_it_comes() {
    let admin = administered().await;
    let server = &admin.server;
    let key = admin.key("users:write");
    let first = create(server, &key, "abc", &person("bob")).await;
    assert_eq!(first.status(), StatusCode::CREATED);
    let first = body_of(first).await;
    let again = create(server, &key, "abc", &person("bob")).await;
    assert_eq!(again.status(), StatusCode::CREATED);
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(body_of(again).await, first, "with its link, too");
    // Another request, or another caller.
    let other = create(server, &key, "abc", &person("carol")).await;
    assert_eq!(kind_of(other).await, (422, "idempotency-key-reused".to_owned()));
    let stranger = admin.key("users:write");
    let other = create(server, &stranger, "abc", &person("carol")).await;
    assert_eq!(other.status(), StatusCode::CREATED);
    // A refused one is not kept.
    let taken = create(server, &key, "taken", &person("bob")).await;
    assert_eq!(kind_of(taken).await.1, "username-taken");
    let taken = create(server, &key, "taken", &person("dave")).await;
    assert_eq!(taken.status(), StatusCode::CREATED);
    // At once.
    let person = person("erin");
    let all = (0..8).map(|_| create(server, &key, "race", &person));
    let answers = futures_util::future::join_all(all).await;
    let made = answers.iter().filter(|answer| answer.status() == StatusCode::CREATED).count();
    let busy = answers.iter().filter(|answer| answer.status() == StatusCode::CONFLICT).count();
    assert!(made >= 1 && made + busy == 8, "{made} {busy}");
    assert_eq!(server.db_count("SELECT COUNT(*) FROM accounts WHERE username = 'erin'").await, 1);
    // What was kept can't be read in the database.
    let plain = "SELECT COUNT(*) FROM repeatable_requests WHERE answer LIKE '%password%'";
    assert_eq!(server.db_count(plain).await, 0);
    assert_eq!(create(server, &key, "", &person).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn keys_are_made_and_removed_on_a_page() {
    let admin = administered().await;
    let browser = admin.browser().await;
    let fields = [("name", "a program"), ("users:read", "yes"), ("expiresAt", "90d")];
    let answer = browser.send("/admin/keys", "/api/admin_make_key", &fields).await;
    assert_eq!(leads(&answer), "/admin/keys");
    let page = browser.page("/admin/keys").await;
    let key = page.split("<code>").filter_map(|rest| rest.split('<').next());
    let key = key.filter(|text| text.starts_with("lk_")).last().expect("the key").to_owned();
    assert_eq!(admin.server.by_key("GET", "/users", &key, None).await.status(), StatusCode::OK);
    assert!(!browser.page("/admin/keys").await.contains(&key), "only once");
    let answer = browser
        .send("/admin/keys", "/api/admin_make_key", &[("name", ""), ("expiresAt", "soon")])
        .await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    let said = operate(&admin.server, &["api-key", "list", "--json"]);
    let line: Value = serde_json::from_str(said.trim()).expect("one line");
    let id = line["id"].as_str().expect("an id");
    let answer = press(&browser, "/admin/keys", "/api/admin_remove_key", &[("id", id)]).await;
    assert_eq!(leads(&answer), "/admin/keys");
    assert_eq!(
        admin.server.by_key("GET", "/users", &key, None).await.status(),
        StatusCode::UNAUTHORIZED
    );
}
