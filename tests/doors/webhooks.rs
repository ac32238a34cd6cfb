//! Webhooks: messages to other programs, as standardwebhooks.com describes them.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode as Status},
};
use serde_json::{Value, json};

use crate::{
    admin_support::*,
    app_support::operate,
    second_step::body_of,
    support::{TestServer, eventually},
};

/// A message that came in.
#[derive(Clone)]
struct Came {
    headers: HeaderMap,
    body: String,
}

impl Came {
    fn header(&self, name: &str) -> String {
        self.headers[name].to_str().expect("text").to_owned()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    fn event(&self) -> String {
        self.json()["type"].as_str().expect("a type").to_owned()
    }
}

/// An endpoint of somebody's.
#[derive(Clone)]
struct Endpoint {
    came: Arc<Mutex<Vec<Came>>>,
    /// What it answers.
    answer: Arc<Mutex<u16>>,
    url: String,
}

impl Endpoint {
    async fn open() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let endpoint = Self { came: Arc::default(), answer: Arc::new(Mutex::new(200)), url };
        let take = async |State(state): State<Self>, headers: HeaderMap, body: Bytes| {
            let body = String::from_utf8(body.to_vec()).expect("text");
            state.came.lock().expect("the list").push(Came { headers, body });
            let answer = *state.answer.lock().expect("the answer");
            (Status::from_u16(answer).expect("a status"), [("location", "/elsewhere")])
        };
        let router = Router::new().fallback(take).with_state(endpoint.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.expect("served") });
        endpoint
    }

    fn came(&self) -> Vec<Came> {
        self.came.lock().expect("the list").clone()
    }

    fn events(&self) -> Vec<String> {
        self.came().iter().map(Came::event).collect()
    }

    async fn has(&self, events: &[&str]) {
        eventually(async || self.events() == events).await;
    }

    fn answers(&self, status: u16) {
        *self.answer.lock().expect("the answer") = status;
    }
}

const INSIDE: (&str, &str) = ("WEBHOOK_ALLOW", "127.0.0.0/8");

async fn added(admin: &Administered, endpoint: &Endpoint, events: &[&str]) -> (String, String) {
    let body = json!({"url": endpoint.url, "events": events});
    let made = admin.good("POST", "/webhooks", Some(&body)).await;
    let text = |name: &str| made[name].as_str().expect("text").to_owned();
    (text("id"), text("secret"))
}

#[tokio::test]
async fn messages_are_signed_say_what_happened_and_come_in_order() {
    let admin = administered_with(&[INSIDE]).await;
    let server = &admin.server;
    let endpoint = Endpoint::open().await;
    let users = ["user.created", "user.updated", "user.disabled", "user.enabled", "user.deleted"];
    let (id, secret) = added(&admin, &endpoint, &users).await;
    assert!(secret.starts_with("whsec_"));
    assert_eq!(admin.get("/webhooks").await["webhooks"][0].get("secret"), None, "only once");

    server.sign_up_json("alice").await;
    let account = admin.id_of("alice").await;
    let path = format!("/users/{account}");
    admin.good("PATCH", &path, Some(&json!({"fullName": "Alice L."}))).await;
    admin.good("PATCH", &path, Some(&json!({"groups": ["crew"]}))).await;
    admin.good("PATCH", &path, Some(&json!({"disabled": true}))).await;
    operate(server, &["user", "enable", "alice"]);
    endpoint
        .has(&["user.created", "user.updated", "user.updated", "user.disabled", "user.enabled"])
        .await;

    let checker = standardwebhooks::Webhook::new(&secret).expect("a secret");
    for came in endpoint.came() {
        let (id, at) = (came.header("webhook-id"), came.header("webhook-timestamp"));
        let at: i64 = at.parse().expect("seconds");
        let signed = checker.sign(&id, at, came.body.as_bytes()).expect("signed");
        assert_eq!(came.header("webhook-signature"), signed);
        assert_eq!(came.json()["data"]["id"], account);
        assert!(!came.body.to_lowercase().contains("password"));
    }
    let last = endpoint.came()[3].json();
    assert_eq!(last["data"]["groups"], json!(["crew"]));

    // The end of an account comes last, though the trail no longer names it.
    operate(server, &["user", "set", "alice", "fullName", "Alice"]);
    operate(server, &["user", "delete", "alice", "--yes"]);
    eventually(async || endpoint.events().last().is_some_and(|event| event == "user.deleted"))
        .await;
    let events = endpoint.events();
    assert_eq!(events[5..], ["user.updated", "user.deleted"], "{events:?}");
    assert_eq!(endpoint.came()[6].json()["data"], json!({"id": account}));
    let ids: Vec<String> = endpoint.came().iter().map(|came| came.header("webhook-id")).collect();
    let mut unique = ids.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), ids.len(), "each has an id of its own");
    // The answer is noted a moment after the endpoint has given it.
    eventually(async || {
        let listed = admin.get(&format!("/webhooks/{id}/messages")).await;
        let latest = &listed["messages"][0];
        (&latest["event"], &latest["answer"]) == (&json!("user.deleted"), &json!("200 OK"))
    })
    .await;
}

#[tokio::test]
async fn what_fails_holds_up_the_rest_until_it_is_tried_again() {
    let admin = administered_with(&[INSIDE]).await;
    let server = &admin.server;
    let endpoint = Endpoint::open().await;
    let (id, _) = added(&admin, &endpoint, &["user.created"]).await;
    endpoint.answers(500);
    server.sign_up_json("alice").await;
    endpoint.has(&["user.created"]).await;
    server.sign_up_json("bob").await;
    let waiting = "SELECT COUNT(*) FROM outbox WHERE kind = 'webhook'";
    eventually(async || server.db_count(waiting).await == 2).await;
    let noted = "SELECT COUNT(*) FROM outbox WHERE kind = 'webhook' AND tries = 1";
    eventually(async || server.db_count(noted).await == 1).await;
    assert_eq!(endpoint.events().len(), 1, "the second one waits for the first");
    endpoint.answers(200);
    let listed = admin.get("/outbox").await;
    let failed = listed["deliveries"].as_array().expect("deliveries");
    let failed = failed.iter().find(|one| one["tries"] == 1).expect("the one that failed");
    assert_eq!(failed["error"], "the endpoint answered 500 Internal Server Error");
    let retry = format!("/outbox/{}/retry", failed["id"].as_str().expect("an id"));
    admin.good("POST", &retry, None).await;
    endpoint.has(&["user.created", "user.created", "user.created"]).await;
    let came = endpoint.came();
    assert_eq!(came[0].header("webhook-id"), came[1].header("webhook-id"), "the same message");
    assert_eq!(came[1].json()["data"]["username"], "alice");
    assert_eq!(came[2].json()["data"]["username"], "bob");
    // And once more, from the page of messages.
    let message = came[2].header("webhook-id");
    admin.good("POST", &format!("/webhooks/{id}/messages/{message}/resend"), None).await;
    eventually(async || endpoint.came().len() == 4).await;
    assert_eq!(endpoint.came()[3].header("webhook-id"), message);
    admin.good("POST", &format!("/webhooks/{id}/test"), None).await;
    eventually(async || endpoint.events().last().is_some_and(|event| event == "test")).await;
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_told_nothing_more_and_redirects_lead_nowhere() {
    let admin = administered_with(&[INSIDE]).await;
    let server = &admin.server;
    let endpoint = Endpoint::open().await;
    added(&admin, &endpoint, &["user.created"]).await;
    endpoint.answers(307);
    server.sign_up_json("alice").await;
    endpoint.has(&["user.created"]).await;
    let deferred = "SELECT COUNT(*) FROM outbox WHERE kind = 'webhook' AND tries = 1";
    eventually(async || server.db_count(deferred).await == 1).await;
    assert_eq!(endpoint.came().len(), 1, "no redirect is followed");
    endpoint.answers(410);
    operate(server, &["mail", "retry"]);
    let listed = admin.get("/outbox").await;
    let id = listed["deliveries"][0]["id"].as_str().expect("an id").to_owned();
    admin.good("POST", &format!("/outbox/{id}/retry"), None).await;
    eventually(async || admin.get("/webhooks").await["webhooks"][0]["closedAt"] != Value::Null)
        .await;
    server.sign_up_json("bob").await;
    let figures = "SELECT COUNT(*) FROM audit_readers WHERE name = 'webhooks' AND seq = (SELECT MAX(seq) FROM audit_events)";
    eventually(async || server.db_count(figures).await == 1).await;
    assert_eq!(server.db_count("SELECT COUNT(*) FROM webhook_messages").await, 1);
    let page = admin.browser().await.page("/admin").await;
    assert!(page.contains("One webhook was closed"), "{page}");
}

#[tokio::test]
async fn nothing_inside_is_reached_unless_it_is_allowed() {
    let admin = administered().await;
    let server: &TestServer = &admin.server;
    let endpoint = Endpoint::open().await;
    for url in [
        &*endpoint.url,
        "http://example.org/hook",
        "ftp://example.org/hook",
        "https://user:secret@example.org/hook",
        "https://example.org/hook#part",
        "javascript:alert(1)",
        "hook",
        "",
    ] {
        let answer = admin.refused("POST", "/webhooks", Some(&json!({"url": url}))).await;
        assert_eq!(answer, (400, "invalid-input".to_owned()), "{url}");
    }
    for events in [json!(["user.nonsense"]), json!("user.created"), json!([1])] {
        let body = json!({"url": "https://example.org/hook", "events": events});
        assert_eq!(admin.refused("POST", "/webhooks", Some(&body)).await.0, 400, "{events}");
    }
    let invalid = json!("/problems/invalid-input");
    // Addresses of several spellings are refused at once, and a name when something is sent to it.
    for host in [
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
        "10.0.0.1",
        "0.0.0.0",
    ] {
        let body = json!({"url": format!("https://{host}:9/hook")});
        let problem = body_of(admin.ask("POST", "/webhooks", Some(&body)).await).await;
        assert_eq!((&problem["status"], &problem["type"]), (&json!(400), &invalid), "{host}");
        assert_eq!(problem["errors"][0]["code"], "inside", "{host}");
    }
    let body = json!({"url": "https://localhost:9/hook", "events": ["user.created"]});
    let mut ids = Vec::new();
    for _ in 0..2 {
        let made = admin.good("POST", "/webhooks", Some(&body)).await;
        ids.push(made["id"].as_str().expect("an id").to_owned());
    }
    // As if it had been allowed before.
    let change = "UPDATE webhooks SET url = 'https://127.0.0.1:9/' WHERE id = (SELECT MIN(id) FROM webhooks)";
    server.db_execute(change).await;
    server.sign_up_json("alice").await;
    for id in ids {
        eventually(async || {
            let listed = admin.get(&format!("/webhooks/{id}/messages")).await;
            let answer = listed["messages"][0]["answer"].as_str().unwrap_or_default().to_owned();
            answer.contains("WEBHOOK_ALLOW does not name it")
        })
        .await;
    }
    assert!(endpoint.came().is_empty());
}
