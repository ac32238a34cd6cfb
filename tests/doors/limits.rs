//! Bodies that are too large, malicious or of the wrong type; and more work than the server can do.

use reqwest::{StatusCode, header};
use serde_json::json;

use crate::support::*;

const ROUTES: [&str; 4] = ["/auth/signup", "/auth/signin", "/api/sign_up", "/api/sign_in"];

#[tokio::test]
async fn a_body_over_16_kib_is_refused_by_both_doors_declared_or_not() {
    let server = TestServer::start().await;
    for route in ROUTES {
        for size in [17, 255] {
            let large = format!("{{\"username\":\"{}\"}}", "x".repeat(size * 1024));
            let request =
                program().post(server.url(route)).header(header::CONTENT_TYPE, "application/json");
            let response = request.body(large).send().await.expect("an answer");
            assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE, "{route}");
            let problem = response.headers()[header::CONTENT_TYPE]
                == "application/problem+json; charset=utf-8";
            assert_eq!(problem, route.starts_with("/auth/"), "{route}: a person gets a page");
        }

        let host = server.running.address;
        let chunks = format!("400\r\n{}\r\n", "x".repeat(1024)).repeat(17);
        let answer = raw(&server, &format!(
            "POST {route} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n{chunks}0\r\n\r\n"
        ))
        .await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{route}: {answer}");

        let answer = raw(&server, &format!(
            "POST {route} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n{{"
        ))
        .await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{route}: {answer}");
        assert!(answer.contains("\r\nconnection: close\r\n"), "{route}: {answer}");

        let answer = raw(&server, &format!(
            "POST {route} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 20000\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
        ))
        .await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{route}, who asks before sending: {answer}");
    }
}

#[tokio::test]
async fn a_body_of_16_kib_is_read() {
    let server = TestServer::start().await;
    let body = json!({"username": "alice", "password": PASSWORD, "fullName": "Alice", "x": "x".repeat(16_200)});
    assert_eq!(server.post_json("/auth/signup", &body).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn what_is_not_json_is_415_and_what_is_broken_is_400() {
    let server = TestServer::start().await;
    let good = json!({"username": "alice", "password": PASSWORD, "fullName": "Alice"}).to_string();
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "",
    ] {
        let request =
            program().post(server.url("/auth/signup")).header(header::CONTENT_TYPE, content_type);
        let response = request.body(good.clone()).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type}");
    }
    for encoding in ["gzip", "br", "zstd"] {
        let request = program()
            .post(server.url("/auth/signup"))
            .header(header::CONTENT_TYPE, "application/json");
        let response =
            request.header(header::CONTENT_ENCODING, encoding).body(good.clone()).send().await;
        assert_eq!(response.expect("an answer").status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    for (body, kind) in [
        ("", "malformed-json"),
        ("{", "malformed-json"),
        ("{\"username\":\"alice\",\"username\":\"bob\"}", "malformed-json"),
        ("{\"x\":{\"a\":1,\"a\":2}}", "malformed-json"),
        (&*"[".repeat(16_000), "malformed-json"),
        (&*format!("{}{}", "[".repeat(33), "]".repeat(33)), "malformed-json"),
        ("{\"username\":\"\\ud800\"}", "malformed-json"),
        ("[]", "invalid-input"),
        ("null", "invalid-input"),
        ("\"alice\"", "invalid-input"),
        ("{\"username\":{\"$ne\":1},\"password\":[1],\"fullName\":null}", "invalid-input"),
        ("{\"username\":true,\"password\":1e999,\"fullName\":1}", "malformed-json"),
        (
            "{\"username\":\"a\\u0000b\",\"password\":\"x\",\"fullName\":\"\\u0000\"}",
            "invalid-input",
        ),
    ] {
        for route in ["/auth/signup", "/auth/signin"] {
            let request =
                program().post(server.url(route)).header(header::CONTENT_TYPE, "application/json");
            let response = request.body(body.to_owned()).send().await.expect("an answer");
            assert_eq!(
                response.status(),
                StatusCode::BAD_REQUEST,
                "{route} {}",
                body.get(..60).unwrap_or(body)
            );
            let problem: serde_json::Value = response.json().await.expect("JSON");
            let found = problem["type"]
                .as_str()
                .expect("a type")
                .rsplit('/')
                .next()
                .expect("a slug")
                .to_owned();
            // Sign-in does not check the rules of a name: it just does not find it.
            let unknown = route == "/auth/signin" && found == "invalid-credentials";
            assert!(
                unknown || found == kind,
                "{route} {found}: {}",
                body.get(..60).unwrap_or(body)
            );
        }
    }
}

#[tokio::test]
async fn a_form_that_no_page_of_ours_sends_is_refused_and_nothing_breaks() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let token = form_token(&browser.page("/signin").await);
    for (content_type, body, status) in [
        ("application/json", "{}", 415),
        ("text/plain", "form_token=x", 415),
        ("multipart/form-data; boundary=x", "--x--", 415),
        ("application/x-www-form-urlencoded", "", 403),
        ("application/x-www-form-urlencoded", "%ff=%00&&&===", 400),
        ("application/x-www-form-urlencoded", "form_token=TOKEN", 400),
        (
            "application/x-www-form-urlencoded",
            "form_token=TOKEN&username=a&username=b&password=c",
            400,
        ),
        (
            "application/x-www-form-urlencoded",
            "form_token=TOKEN&username[a]=b&username[c][d]=e&password=c",
            400,
        ),
        ("application/x-www-form-urlencoded", "form_token=TOKEN&username[]=a&password=c", 400),
        ("application/x-www-form-urlencoded", "form_token=TOKEN&username=%ff%fe&password=%00", 400),
    ] {
        for action in ["/api/sign_in", "/api/sign_up"] {
            let request =
                browser.client.post(server.url(action)).header(header::ORIGIN, server.origin());
            let request = request
                .header(header::ACCEPT, "text/html")
                .header(header::CONTENT_TYPE, content_type);
            let body = body.replace("TOKEN", &token);
            let response = request.body(body.clone()).send().await.expect("an answer");
            assert_eq!(response.status(), status, "{action} {body}");
        }
    }
    assert_eq!(server.profile("").await.status(), StatusCode::UNAUTHORIZED, "the server lives");
}

#[tokio::test]
async fn two_hundred_sign_ins_at_once_leave_the_rest_alive() {
    let server = TestServer::start_with(&[("THROTTLE", "off")]).await;
    let body = json!({"username": "nobody-here", "password": "wrong wrong wrong"});
    let tries: Vec<_> = (0..200)
        .map(|_| {
            let request = program().post(server.url("/auth/signin")).json(&body);
            tokio::spawn(async move { request.send().await.expect("an answer") })
        })
        .collect();
    // While they hash, a request that needs no hash is still answered.
    let mut answered = 0;
    while !tries.iter().all(tokio::task::JoinHandle::is_finished) {
        let response = program().get(server.url("/healthz")).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        answered += 1;
    }
    assert!(answered > 0);
    for attempt in tries {
        let response = attempt.await.expect("an answer");
        match response.status().as_u16() {
            400 => {}
            503 => assert!(response.headers().contains_key(header::RETRY_AFTER)),
            other => panic!("{other}"),
        }
    }
}
