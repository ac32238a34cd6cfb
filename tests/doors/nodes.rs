//! Several nodes on one database.

use std::time::Instant;

use latchkey::sessions::live::BOUND;
use reqwest::{StatusCode, header};

use crate::support::*;

async fn two_nodes() -> (TestServer, TestServer) {
    let first = TestServer::start_with(&[NODES_URL]).await;
    let second = first.another_node().await;
    (first, second)
}

async fn sign_out(node: &TestServer, bearer: &str) {
    let request = program().post(node.url("/auth/signout"));
    let response = request.header(header::AUTHORIZATION, bearer).send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn what_one_node_has_written_the_other_knows() {
    let (first, second) = two_nodes().await;
    let account = first.sign_up_json("alice").await;
    let bearer = format!("Bearer {}", second.token("alice").await);
    let profile: serde_json::Value = first.profile(&bearer).await.json().await.expect("a profile");
    assert_eq!(profile, account);
}

#[tokio::test]
async fn a_session_that_ends_is_dead_at_once_where_it_ended_and_elsewhere_within_a_second() {
    let (first, second) = two_nodes().await;
    first.sign_up_json("alice").await;
    for _ in 0..5 {
        let bearer = format!("Bearer {}", first.token("alice").await);
        // Both nodes remember it.
        for node in [&first, &second, &first, &second] {
            assert_eq!(node.profile(&bearer).await.status(), StatusCode::OK);
        }
        sign_out(&first, &bearer).await;
        let ended = Instant::now();
        assert_eq!(first.profile(&bearer).await.status(), StatusCode::UNAUTHORIZED);
        eventually(async || {
            let asked = ended.elapsed();
            let status = second.profile(&bearer).await.status();
            assert!(status != StatusCode::OK || asked < BOUND, "alive after {asked:?}");
            status == StatusCode::UNAUTHORIZED
        })
        .await;
    }
}

#[tokio::test]
async fn a_token_that_is_used_asks_no_database() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let bearer = format!("Bearer {}", server.token("alice").await);
    assert_eq!(server.profile(&bearer).await.status(), StatusCode::OK);
    // Without the table, a query fails; what is cached stays valid for a while.
    let pool = server.db().await;
    let mut connection = pool.acquire().await.expect("a connection");
    sqlx::query("ALTER TABLE accounts RENAME TO elsewhere")
        .execute(&mut *connection)
        .await
        .expect("renamed");
    // On a busy machine a poll may come late, and then a request does query the database.
    eventually(async || {
        for _ in 0..200 {
            if server.profile(&bearer).await.status() != StatusCode::OK {
                return false;
            }
        }
        true
    })
    .await;
    sqlx::query("ALTER TABLE elsewhere RENAME TO accounts")
        .execute(&mut *connection)
        .await
        .expect("renamed back");
}

/// One thread per node, because setting up SQLite blocks its thread.
#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn nodes_that_start_at_once_on_an_empty_database_all_come_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = crate::new_database(folder.path()).await;
    let starts = (0..6).map(|_| {
        let url = url.clone();
        tokio::spawn(
            async move { TestServer::start_with(&[("DATABASE_URL", &url), NODES_URL]).await },
        )
    });
    let mut nodes = Vec::new();
    for start in starts.collect::<Vec<_>>() {
        nodes.push(start.await.expect("a node"));
    }
    nodes[0].sign_up_json("alice").await;
    let bearer = format!("Bearer {}", nodes[1].token("alice").await);
    for node in &nodes {
        assert_eq!(node.profile(&bearer).await.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn two_names_that_look_alike_are_not_both_taken_at_once() {
    let (first, second) = two_nodes().await;
    let names = ["BiII", "Bill"];
    let tries: Vec<_> = names
        .into_iter()
        .cycle()
        .take(16)
        .enumerate()
        .map(|(index, name)| {
            let node = if index % 2 == 0 { &first } else { &second };
            let body = serde_json::json!({"username": name, "password": PASSWORD, "fullName": "B"});
            let request = program().post(node.url("/auth/signup")).json(&body);
            tokio::spawn(async move { request.send().await.expect("an answer").status() })
        })
        .collect();
    let mut accepted = 0;
    for attempt in tries {
        match attempt.await.expect("an answer").as_u16() {
            200 => accepted += 1,
            400 => {}
            other => panic!("{other}"),
        }
    }
    assert_eq!(accepted, 1);
}
