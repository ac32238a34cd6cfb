//! The export of traces, in a build with the cargo feature `otel`.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use axum::{Router, body::Bytes, http::HeaderMap, routing::post};
use tokio::{net::TcpListener, sync::mpsc};

/// Killed on drop, in case the test does not stop it.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_request_is_a_span_with_the_id_of_its_answer_and_without_what_was_sent() {
    // A collector receives OTLP in protobuf, where strings are plain text.
    let (spans, mut received) = mpsc::unbounded_channel();
    let collect = post(move |headers: HeaderMap, body: Bytes| async move {
        assert_eq!(headers["content-type"], "application/x-protobuf");
        spans.send(body).expect("somebody listens");
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("its address"));
    let router = Router::new().route("/v1/traces", collect);
    tokio::spawn(async move { axum::serve(listener, router).await });

    let folder = tempfile::tempdir().expect("a folder");
    let mut child = Command::new(env!("CARGO_BIN_EXE_latchkey"))
        .current_dir(folder.path())
        .env_clear()
        .envs([("PORT", "0"), ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)])
        .env("OTEL_BSP_SCHEDULE_DELAY", "100")
        .env("OTEL_RESOURCE_ATTRIBUTES", "service.name=accounts-of-ours")
        // Applies to the log only.
        .env("RUST_LOG", "error")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("started");
    let mut line = String::new();
    let output = child.stdout.take().expect("its output");
    let _served = Served(child);
    BufReader::new(output).read_line(&mut line).expect("a line");
    let url = line.trim().rsplit(' ').next().expect("an address");

    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let body = serde_json::json!({"username": "canary", "password": "canary canary"});
    let request = client.post(format!("{url}/auth/signin?canary")).json(&body);
    let response = request.send().await.expect("an answer");
    let id = response.headers()["x-request-id"].to_str().expect("text").to_owned();

    let mut seen = Vec::new();
    let found = async {
        while !String::from_utf8_lossy(&seen).contains(&id) {
            seen.extend_from_slice(&received.recv().await.expect("a batch"));
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(300), found).await.expect("it arrives");
    let text = String::from_utf8_lossy(&seen);
    for word in [
        "accounts-of-ours",
        "POST /auth/signin",
        "http.request.method",
        "http.route",
        "http.response.status_code",
        "answered",
    ] {
        assert!(text.contains(word), "{word}");
    }
    assert!(!text.contains("canary"));
}
