//! The metrics for Prometheus.

use reqwest::{StatusCode, header};

use crate::support::*;

async fn metrics(server: &TestServer) -> String {
    let address = server.running.metrics.expect("they are served");
    let response = program().get(format!("http://{address}/metrics")).send().await;
    let response = response.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
    let kind = response.headers()[header::CONTENT_TYPE].to_str().expect("text");
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    response.text().await.expect("text")
}

fn value(metrics: &str, series: &str) -> f64 {
    let line = metrics
        .lines()
        .find(|line| line.strip_prefix(series).is_some_and(|rest| rest.starts_with(' ')));
    let line = line.unwrap_or_else(|| panic!("{series} in {metrics}"));
    line.rsplit(' ').next().and_then(|value| value.parse().ok()).expect("a number")
}

#[tokio::test]
async fn they_count_what_has_happened_and_hold_nothing_that_a_client_has_chosen() {
    let server = TestServer::start_with(&[("METRICS_ADDR", "127.0.0.1:0")]).await;
    server.sign_up_json("alice").await;
    let bearer = format!("Bearer {}", server.token("alice").await);
    for _ in 0..3 {
        assert_eq!(server.profile(&bearer).await.status(), StatusCode::OK);
    }
    assert!(!server.sign_in(Via::Form, "alice", "canary password").await.is_accepted());
    assert!(!server.sign_in(Via::Json, "canary", "canary password").await.is_accepted());
    let odd = reqwest::Method::from_bytes(b"CANARY").expect("a method");
    let request = program().request(odd, server.url("/canary?canary=1"));
    _ = request.header("user-agent", "canary").send().await.expect("an answer");

    let metrics = metrics(&server).await;
    let count = |labels: &str| {
        value(&metrics, &format!("http_server_request_duration_seconds_count{{{labels}}}"))
    };
    assert_eq!(
        count(
            r#"http_request_method="GET",http_route="/user/profile",http_response_status_code="200""#
        ),
        3.0
    );
    assert_eq!(
        count(
            r#"http_request_method="POST",http_route="/auth/signup",http_response_status_code="200""#
        ),
        1.0
    );
    assert_eq!(
        count(
            r#"http_request_method="_OTHER",http_route="(none)",http_response_status_code="404""#
        ),
        1.0
    );
    assert_eq!(value(&metrics, r#"latchkey_refusals_total{kind="invalid-credentials"}"#), 2.0);
    assert_eq!(value(&metrics, "latchkey_hashes_total"), 4.0);
    assert_eq!(value(&metrics, "latchkey_hashing_queue"), 0.0);
    assert_eq!(value(&metrics, "latchkey_sessions_kept"), 1.0);
    assert_eq!(value(&metrics, "latchkey_database_up"), 1.0);
    assert!(value(&metrics, "latchkey_database_connections") >= 1.0);
    assert!(!metrics.to_lowercase().contains("canary") && !metrics.contains("alice"), "{metrics}");
    assert!(metrics.ends_with("# EOF\n"));
}

#[tokio::test]
async fn they_are_nowhere_else_and_off_unless_they_are_asked_for() {
    let server = TestServer::start().await;
    assert!(server.running.metrics.is_none());
    let response = program().get(server.url("/metrics")).send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    let with = TestServer::start_with(&[("METRICS_ADDR", "127.0.0.1:0")]).await;
    let response = program().get(with.url("/metrics")).send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
}
