//! The files inside the binary.

use reqwest::{StatusCode, header};

use crate::support::*;

#[tokio::test]
async fn the_style_sheet_of_every_page_is_served() {
    let server = TestServer::start().await;
    let page = Browser::new(&server).page("/").await;
    let path = page.split("rel=\"stylesheet\" href=\"").nth(1).expect("a style sheet");
    let path = path.split('"').next().expect("a path").to_owned();
    let get = || program().get(server.url(&path)).header(header::ACCEPT_ENCODING, "identity");
    let response = get().send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/css; charset=utf-8");
    let tag = response.headers()[header::ETAG].clone();
    assert!(response.text().await.expect("text").contains("--accent"));
    let again = get().header(header::IF_NONE_MATCH, tag).send().await.expect("an answer");
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn the_icon_and_the_word_to_robots_are_served() {
    let server = TestServer::start().await;
    for (path, kind) in [
        ("/favicon.svg", "image/svg+xml; charset=utf-8"),
        ("/favicon.ico", "image/x-icon"),
        ("/robots.txt", "text/plain; charset=utf-8"),
    ] {
        let response = program().get(server.url(path)).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], kind);
    }
}

#[tokio::test]
async fn no_other_file_can_be_reached() {
    let server = TestServer::start().await;
    for path in [
        "/pkg/",
        "/pkg/nope",
        "/pkg/..%2ffavicon.svg",
        "/pkg/%2e%2e%2frobots.txt",
        "/pkg/latchkey.css.br",
        "/pkg/..%2f..%2fCargo.toml",
    ] {
        let response = program().get(server.url(path)).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
    }
}
