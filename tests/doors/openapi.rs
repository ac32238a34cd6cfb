//! The OpenAPI document is complete: every JSON route, and nothing else.

use std::collections::BTreeSet;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::STANDARD};
use latchkey::web::routes::{Door, Policy};
use reqwest::Method;
use serde_json::Value;

use crate::support::*;

async fn document(server: &TestServer) -> Value {
    program()
        .get(server.url("/openapi.json"))
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON")
}

#[tokio::test]
async fn every_json_route_is_in_the_document_and_no_other() {
    let server = TestServer::start().await;
    let document = document(&server).await;
    assert!(document["openapi"].as_str().expect("a version").starts_with("3.1"));
    let described: BTreeSet<String> = document["paths"]
        .as_object()
        .expect("paths")
        .iter()
        .flat_map(|(path, item)| {
            item.as_object()
                .expect("an item")
                .keys()
                .map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    let served: BTreeSet<String> = server
        .running
        .state
        .routes
        .iter()
        .filter(|(path, door, method, _)| {
            *door == Door::Json && **method != Method::HEAD && *path != "/openapi.json"
        })
        .map(|(path, _, method, _)| format!("{method} {path}"))
        .collect();
    assert_eq!(described, served);
}

#[tokio::test]
async fn the_routes_that_need_a_proof_say_so() {
    let server = TestServer::start().await;
    let document = document(&server).await;
    for (path, door, method, policy) in server.running.state.routes.iter() {
        if door != Door::Json || *method == Method::HEAD || path == "/openapi.json" {
            continue;
        }
        let operation = &document["paths"][path][method.as_str().to_lowercase()];
        let closed = !policy.is_open();
        let security =
            operation["security"].as_array().expect("a list, for public ones an empty one");
        assert_eq!(!security.is_empty(), closed, "{method} {path}");
        // A refresh token is a credential too, though the guard does not read it, and a password may
        // not be enough.
        let asks = closed || ["/auth/refresh", "/auth/signin"].contains(&path);
        assert_eq!(operation["responses"]["401"].is_object(), asks, "{method} {path}");
        for status in ["408", "413", "421", "500", "503"] {
            assert!(operation["responses"][status].is_object(), "{method} {path}: {status}");
        }
        // Of another origin, or with an API key without the scope.
        let may_be_forbidden = *method != Method::GET || matches!(policy, Policy::Api(_));
        assert_eq!(operation["responses"]["403"].is_object(), may_be_forbidden, "{method} {path}");
    }
}

#[tokio::test]
async fn the_page_shows_every_route_and_loads_no_script() {
    let server = TestServer::start().await;
    let page = Browser::new(&server).page("/docs").await;
    let document = program().get(server.url("/openapi.json")).send().await.expect("an answer");
    let document: serde_json::Value = document.json().await.expect("JSON");
    let paths = document["paths"].as_object().expect("an object");
    assert!(paths.len() > 12);
    for path in paths.keys() {
        assert!(page.contains(&format!("{path}</code>")), "{path}");
    }
    assert!(!page.contains("<script src=") && page.ends_with("</html>"), "{page}");
    // The same for every stranger: its one script is named by its hash, and not by a nonce.
    assert_eq!(page.matches("<script").count(), 1);
    let response = Browser::new(&server).get("/docs").await;
    let policy = response.headers()["content-security-policy"].to_str().expect("text").to_owned();
    let script = page.split("<script type=\"module\">").nth(1).expect("a script");
    let script = script.split("</script>").next().expect("an end");
    let hash = STANDARD.encode(digest(&SHA256, script.as_bytes()));
    assert!(policy.contains(&format!("script-src 'sha256-{hash}'")), "{policy}");
}

#[tokio::test]
async fn the_page_knows_who_is_signed_in_and_says_in_german_that_it_is_in_english() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    for path in ["/docs", "/problems/not-found", "/docs/design"] {
        assert!(browser.page(path).await.contains("action=\"/api/sign_out\""), "{path}");
        assert!(!Browser::new(&server).page(path).await.contains("sign_out"), "{path}");
    }
    browser.get("/language/de").await;
    assert!(browser.page("/docs").await.contains("Diese Seite gibt es nur auf Englisch."));
}
