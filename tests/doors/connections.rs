//! Slow and greedy clients do not keep new ones from being served.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::*;

async fn connect(server: &TestServer) -> TcpStream {
    TcpStream::connect(server.running.address).await.expect("a connection")
}

async fn is_served(server: &TestServer) {
    let response = program().get(server.url("/healthz")).send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn two_thousand_silent_connections_leave_new_clients_served() {
    let server = TestServer::start().await;
    let mut silent = Vec::new();
    for index in 0..2000 {
        silent.push(connect(&server).await);
        if index % 500 == 0 {
            is_served(&server).await;
        }
    }
    is_served(&server).await;
    assert_eq!(silent.len(), 2000);
}

#[tokio::test]
async fn two_thousand_unfinished_heads_leave_new_clients_served() {
    let server = TestServer::start().await;
    let mut slow = Vec::new();
    for _ in 0..2000 {
        let mut stream = connect(&server).await;
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nx: ").await.expect("sent");
        slow.push(stream);
    }
    is_served(&server).await;
}

#[tokio::test]
async fn two_thousand_unfinished_bodies_leave_new_clients_served() {
    let server = TestServer::start().await;
    let host = server.running.address;
    let head = format!(
        "POST /auth/signin HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: 9000\r\n\r\n{{"
    );
    let mut slow = Vec::new();
    for _ in 0..2000 {
        let mut stream = connect(&server).await;
        stream.write_all(head.as_bytes()).await.expect("sent");
        slow.push(stream);
    }
    is_served(&server).await;
}

#[tokio::test]
async fn who_sends_nothing_or_never_finishes_is_hung_up_on() {
    let server = TestServer::start().await;
    let host = server.running.address;
    for sent in [
        String::new(),
        "GET / HTTP/1.1\r\nhost: x\r\nx: ".to_owned(),
        format!(
            "POST /auth/signin HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{{"
        ),
    ] {
        let mut stream = connect(&server).await;
        stream.write_all(sent.as_bytes()).await.expect("sent");
        let mut answer = Vec::new();
        let end = tokio::time::timeout(Duration::from_secs(300), stream.read_to_end(&mut answer));
        // Closed, with or without an answer, by the server and not by this test's timeout.
        assert!(end.await.is_ok(), "{sent}");
    }
}

#[tokio::test]
async fn a_head_of_more_than_16_kib_is_refused_and_one_below_is_read() {
    let server = TestServer::start().await;
    let host = server.running.address;
    let request = |length: usize| {
        let cookie = "x".repeat(length);
        format!(
            "GET /healthz HTTP/1.1\r\nHost: {host}\r\nCookie: a={cookie}\r\nConnection: close\r\n\r\n"
        )
    };
    assert!(raw(&server, &request(15_000)).await.starts_with("HTTP/1.1 200"));
    assert!(raw(&server, &request(17_000)).await.starts_with("HTTP/1.1 431"));
    // A client that sends far too much may lose the answer along with the connection.
    let answer = raw(&server, &request(1_000_000)).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test]
async fn what_two_readers_could_read_differently_is_refused() {
    let server = TestServer::start().await;
    let host = server.running.address;
    let head =
        format!("POST /auth/signin HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n");
    for (what, rest) in [
        ("two lengths", "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
        ("a list of lengths", "Content-Length: 2, 3\r\n\r\n{}"),
        ("a length that is none", "Content-Length: +2\r\n\r\n{}"),
        ("a folded line", "X: a\r\n b\r\nContent-Length: 2\r\n\r\n{}"),
        ("a space before the colon", "Content-Length : 2\r\n\r\n{}"),
        ("an unknown coding", "Transfer-Encoding: xchunked\r\n\r\n{}"),
        ("a broken chunk", "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
    ] {
        let answer = raw(&server, &format!("{head}{rest}")).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{what}: {answer}");
    }
    // A length together with chunks, in either order, and codings around chunks (RFC 9112, section
    // 6.1). What follows is not read as a request.
    let next = format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let good = json!({"username": "alice", "password": "x"}).to_string();
    let chunks = format!("{:x}\r\n{good}\r\n0\r\n\r\n{next}", good.len());
    for lines in [
        "Transfer-Encoding: chunked\r\nContent-Length: 3",
        "Content-Length: 3\r\nTransfer-Encoding: chunked",
        "content-length: 0\r\ntransfer-encoding: chunked",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
    ] {
        // Also after another request on the same connection.
        for before in ["", &*next] {
            let answer = raw(&server, &format!("{before}{head}{lines}\r\n\r\n{chunks}")).await;
            let answers = answer.matches("HTTP/1.1 ").count();
            assert!(answer.contains("HTTP/1.1 400"), "{lines}: {answer}");
            assert!(answers <= 2 && !answer.ends_with("{\"status\":\"ok\"}"), "{lines}: {answer}");
        }
    }
}
