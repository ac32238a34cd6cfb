//! The origin of a request: other sites, other hosts, forms of other users.

use reqwest::{StatusCode, header};
use serde_json::json;

use crate::support::*;

const ACTIONS: [&str; 3] = ["/api/sign_in", "/api/sign_up", "/api/sign_out"];
const JSON_WRITES: [&str; 3] = ["/auth/signup", "/auth/signin", "/auth/signout"];

/// Headers of a request that does not come from our pages.
const FOREIGN: [&[(&str, &str)]; 9] = [
    &[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")],
    &[("origin", "https://evil.example")],
    &[("origin", "null")],
    &[("origin", "http://sub.localhost")],
    &[("origin", "http://127.0.0.1:1")],
    &[("sec-fetch-site", "cross-site")],
    &[("sec-fetch-site", "same-site")],
    &[("sec-fetch-site", "cross-site"), ("origin", "null")],
    &[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")],
];

#[tokio::test]
async fn a_form_of_another_site_changes_nothing() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    let token = form_token(&browser.page("/profile").await);
    for action in ACTIONS.into_iter().chain(JSON_WRITES) {
        for headers in FOREIGN.into_iter().chain([&[][..]]) {
            let mut request = browser.client.post(server.url(action));
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let response = request.form(&[("form_token", &token)]).send().await.expect("an answer");
            assert_eq!(response.status(), StatusCode::FORBIDDEN, "{action} {headers:?}");
        }
    }
    assert_eq!(browser.get("/profile").await.status(), StatusCode::OK, "still signed in");
}

#[tokio::test]
async fn an_anonymous_write_from_another_site_is_refused_and_one_from_a_program_is_not() {
    let server = TestServer::start().await;
    let body = json!({"username": "alice", "password": PASSWORD, "fullName": "Alice"});
    for headers in FOREIGN {
        let mut request = program().post(server.url("/auth/signup")).json(&body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{headers:?}");
        assert!(response.headers().get("access-control-allow-origin").is_none());
        let problem: serde_json::Value = response.json().await.expect("JSON");
        assert_eq!(problem["type"], "/problems/cross-origin");
        // An invalid header makes no difference.
        for authorization in ["Basic YTpi", "Bearer junk", "x"] {
            let mut request = program().post(server.url("/auth/signup")).json(&body);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let response = request.header("authorization", authorization).send().await;
            let status = response.expect("an answer").status();
            assert_eq!(status, StatusCode::FORBIDDEN, "{headers:?} {authorization}");
        }
    }
    server.sign_up_json("alice").await;
}

#[tokio::test]
async fn a_bearer_token_works_from_everywhere_because_no_browser_adds_it() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let token = server.token("alice").await;
    let request =
        program().post(server.url("/auth/signout")).header("origin", "https://app.example");
    let response = request.bearer_auth(token).send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_form_needs_its_own_token() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let stranger = Browser::new(&server);
    let strangers = form_token(&stranger.page("/signin").await);
    let bob = Browser::signed_up(&server, "bob").await;
    let bobs = form_token(&bob.page("/profile").await);
    let credentials = [("username", "alice"), ("password", PASSWORD)];

    let fresh = Browser::new(&server);
    fresh.page("/signin").await;
    for token in [None, Some(""), Some("junk"), Some(&*strangers), Some(&*bobs)] {
        let mut fields = credentials.to_vec();
        fields.extend(token.map(|token| ("form_token", token)));
        let response = fresh.post("/api/sign_in", &fields).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{token:?}");
        assert!(cookie(&response, "latchkey").is_none());
        assert!(response.text().await.expect("a page").contains("This page expired"));
    }
    // A token that is sent twice counts as none.
    let fields =
        [("form_token", &*strangers), ("form_token", &*strangers), credentials[0], credentials[1]];
    assert_eq!(stranger.post("/api/sign_in", &fields).await.status(), StatusCode::FORBIDDEN);

    let carol = Browser::signed_up(&server, "carol").await;
    let response = carol.post("/api/sign_out", &[("form_token", &bobs)]).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert_eq!(carol.get("/profile").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_stale_form_can_simply_be_sent_again() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let browser = Browser::new(&server);
    browser.page("/signin").await;
    let credentials = [("username", "alice"), ("password", PASSWORD)];
    let page = browser.post("/api/sign_in", &credentials).await.text().await.expect("a page");
    let token = form_token(&page);
    let fields = [("form_token", &*token), credentials[0], credentials[1]];
    assert_eq!(browser.post("/api/sign_in", &fields).await.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn only_our_own_hosts_are_answered() {
    let server = TestServer::start().await;
    let port = server.running.address.port();
    let ask = async |path: &str, hosts: &str| {
        let request = format!("GET {path} HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n");
        raw(&server, &request).await.get(9..12).unwrap_or("none").to_owned()
    };
    for name in ["localhost", "127.0.0.1", "[::1]", "LOCALHOST"] {
        assert_eq!(ask("/signin", &format!("Host: {name}:{port}\r\n")).await, "200", "{name}");
    }
    for host in [
        "evil.example",
        "localhost",
        "localhost:1",
        "localhost.evil.example",
        "a@localhost",
        "",
        "::1",
        "a b",
        "localhost:99999",
        "localhost:x",
        "localhost:",
    ] {
        let status = ask("/signin", &format!("Host: {host}\r\n")).await;
        assert!(["421", "400"].contains(&&*status), "{host}: {status}");
    }
    let twice = format!("Host: localhost:{port}\r\nHost: evil.example\r\n");
    assert!(["421", "400"].contains(&&*ask("/signin", &twice).await));
    let forwarded = format!("Host: localhost:{port}\r\nX-Forwarded-Host: evil.example\r\n");
    assert_eq!(ask("/signin", &forwarded).await, "200");
    let absolute = format!("Host: localhost:{port}\r\n");
    assert_eq!(ask("http://evil.example/signin", &absolute).await, "421");
    assert_eq!(ask("/healthz", "Host: 10.0.0.7\r\n").await, "200", "a load balancer knows no name");
}

#[tokio::test]
async fn an_origin_that_says_nothing_is_not_a_foreign_one() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    // As a browser sends a form under `Referrer-Policy: no-referrer`.
    for (site, status) in
        [(Some("same-origin"), 303), (Some("none"), 303), (Some("cross-site"), 403), (None, 403)]
    {
        let browser = Browser::new(&server);
        let token = form_token(&browser.page("/signin").await);
        let mut request = browser.client.post(server.url("/api/sign_in"));
        request = request.header(header::ACCEPT, "text/html").header(header::ORIGIN, "null");
        if let Some(site) = site {
            request = request.header("sec-fetch-site", site);
        }
        let fields = [("form_token", &*token), ("username", "alice"), ("password", PASSWORD)];
        let response = request.form(&fields).send().await.expect("an answer");
        assert_eq!(response.status(), status, "{site:?}");
    }
}
