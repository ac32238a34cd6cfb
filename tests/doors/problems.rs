//! Errors: problem details for programs, pages for people, and internals for nobody.

use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::support::*;

#[tokio::test]
async fn a_problem_has_the_members_of_rfc_9457_and_the_request_id() {
    let server = TestServer::start().await;
    let response = server.post_json("/auth/signup", &json!({"username": "a"})).await;
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json; charset=utf-8");
    let id = response.headers()["x-request-id"].to_str().expect("text").to_owned();
    let problem: Value = response.json().await.expect("JSON");
    let members: Vec<_> = problem.as_object().expect("an object").keys().collect();
    assert_eq!(members, ["type", "title", "status", "detail", "requestId", "errors"]);
    assert_eq!(problem["requestId"], id);
    assert_eq!(problem["status"], 400);
    for error in problem["errors"].as_array().expect("errors") {
        let members: Vec<_> = error.as_object().expect("an object").keys().collect();
        assert_eq!(members, ["field", "code", "message"]);
    }
    let page = program().get(server.url(problem["type"].as_str().expect("a path"))).send().await;
    let page = page.expect("an answer");
    assert_eq!(page.status(), StatusCode::OK, "the type explains itself");
    assert!(page.text().await.expect("a page").contains("too-short"));
}

#[tokio::test]
async fn every_wrong_method_is_405_with_allow() {
    let server = TestServer::start().await;
    for path in [
        "/",
        "/signin",
        "/profile",
        "/auth/signup",
        "/auth/signout",
        "/user/profile",
        "/healthz",
        "/api/sign_in",
        "/docs",
    ] {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"] {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            if server.running.state.routes.find(path, &method).is_ok() {
                continue;
            }
            let response = program()
                .request(method.clone(), server.url(path))
                .send()
                .await
                .expect("an answer");
            assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            let allow = response.headers()[header::ALLOW].to_str().expect("text");
            let known = ["GET, HEAD", "POST", "GET, HEAD, PATCH"];
            assert!(known.contains(&allow), "{method} {path}: {allow}");
        }
    }
    let overridden =
        program().post(server.url("/user/profile")).header("x-http-method-override", "GET");
    assert_eq!(
        overridden.send().await.expect("an answer").status(),
        StatusCode::METHOD_NOT_ALLOWED
    );
}

#[tokio::test]
async fn nothing_there_is_a_page_for_a_person_and_a_problem_for_a_program() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    for path in ["/nope", "/api/nope", "/auth/nope", "/profile/", "/.env", "/metrics"] {
        for person in [&browser, &Browser::new(&server)] {
            let response = person.get(path).await;
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
            assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
            let page = response.text().await.expect("a page");
            assert!(page.contains("Page not found") && page.contains("Request ID"));
            // It knows who is signed in.
            assert_eq!(page.contains("Test Person"), std::ptr::eq(person, &browser), "{path}");
        }
        let response = program().get(server.url(path)).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        let problem: Value = response.json().await.expect("JSON");
        assert_eq!(problem["type"], "/problems/not-found");
    }
}

#[tokio::test]
async fn a_database_without_its_tables_is_a_fault_that_tells_nothing() {
    let server = TestServer::start().await;
    let pool = server.db().await;
    sqlx::query("ALTER TABLE accounts RENAME TO elsewhere").execute(&pool).await.expect("renamed");
    sqlx::query("ALTER TABLE sessions RENAME TO elsewhere_too")
        .execute(&pool)
        .await
        .expect("renamed");
    let ready = program().get(server.url("/readyz")).send().await.expect("an answer");
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    let body = json!({"username": "alice", "password": PASSWORD, "fullName": "Alice"});
    for route in ["/auth/signup", "/auth/signin"] {
        let response = server.post_json(route, &body).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let text = response.text().await.expect("a body");
        for inside in ["accounts", "sqlite", "SELECT", ".rs", "panicked"] {
            assert!(!text.contains(inside), "{route}: {text}");
        }
    }
    let browser = Browser::new(&server);
    let fields = [("username", "alice"), ("password", PASSWORD)];
    let response = browser.send("/signin", "/api/sign_in", &fields).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let page = response.text().await.expect("a page");
    assert!(page.contains("Request ID") && !page.contains("accounts WHERE"));
}

#[tokio::test]
async fn a_database_that_was_taken_away_answers_nothing_that_would_be_lost() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let ready = async || program().get(server.url("/readyz")).send().await.expect("an answer");
    assert_eq!(ready().await.status(), StatusCode::OK);
    let elsewhere = database(&server).with_extension("elsewhere");
    std::fs::rename(database(&server), &elsewhere).expect("moved");
    assert_eq!(ready().await.status(), StatusCode::SERVICE_UNAVAILABLE);
    for via in WAYS {
        assert_eq!(server.sign_up(via, "bob", PASSWORD, "Bob").await.status(), 503, "{via:?}");
    }
    std::fs::rename(&elsewhere, database(&server)).expect("moved back");
    eventually(async || ready().await.status() == StatusCode::OK).await;
    assert!(server.sign_up(Via::Json, "bob", PASSWORD, "Bob").await.is_accepted());
}

#[tokio::test]
async fn a_locked_database_is_unavailable_and_the_server_says_so() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let pool = server.db().await;
    let mut connection = pool.acquire().await.expect("a connection");
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await.expect("locked");

    for door in WAYS {
        let outcome = server.sign_up(door, "bob", PASSWORD, "Bob").await;
        assert_eq!(outcome.status(), 503, "{door:?}");
        assert!(outcome.says("busy"), "{outcome:?}");
    }
    sqlx::query("ROLLBACK").execute(&mut *connection).await.expect("unlocked");
    assert!(server.sign_up(Via::Json, "bob", PASSWORD, "Bob").await.is_accepted());
}

/// The file of the database.
fn database(server: &TestServer) -> std::path::PathBuf {
    server.database_url.strip_prefix("sqlite:").expect("SQLite").into()
}

#[tokio::test]
async fn a_page_about_an_error_says_what_happened_and_leads_on() {
    let help = ("SUPPORT_URL", "https://example.org/help");
    let server =
        TestServer::start_with(&[("BRAND_NAME", "Teahouse"), help, ("THROTTLE_ACTS", "1/1h")])
            .await;
    let browser = Browser::signed_up(&server, "alice").await;
    let leads_on = |page: &str| {
        assert!(page.contains("href=\"https://example.org/help\""), "{page}");
        assert!(page.contains("Teahouse") && page.contains("Request ID:"), "{page}");
    };
    // 403: a form that we did not make.
    let page = browser.post("/api/sign_out", &[("form_token", "x")]).await;
    assert_eq!(page.status(), StatusCode::FORBIDDEN);
    let page = page.text().await.expect("a page");
    assert!(
        page.contains("<h1>This page expired</h1>") && page.contains("href=\"/account\""),
        "{page}"
    );
    leads_on(&page);
    // 429: says how long to wait.
    let mut page = browser.get("/account/data/download").await;
    while page.status() == StatusCode::OK {
        page = browser.get("/account/data/download").await;
    }
    assert_eq!(page.status(), StatusCode::TOO_MANY_REQUESTS);
    let page = page.text().await.expect("a page");
    assert!(page.contains("<h1>Too many attempts</h1>") && page.contains("Try again in"), "{page}");
    assert!(
        page.contains("href=\"/account/data/download\"") && page.contains("Try again</a>"),
        "{page}"
    );
    leads_on(&page);
    // 500: whose fault it is, and nothing of the inside.
    let pool = server.db().await;
    sqlx::query("ALTER TABLE audit_events RENAME TO elsewhere")
        .execute(&pool)
        .await
        .expect("renamed");
    let page = browser.get("/account").await;
    assert_eq!(page.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let page = page.text().await.expect("a page");
    assert!(page.contains("<h1>Something went wrong</h1>"), "{page}");
    assert!(page.contains("Try again</a>") && !page.contains("audit"), "{page}");
    leads_on(&page);
}
