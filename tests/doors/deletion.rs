//! The deletion of an account.

use std::collections::BTreeSet;

use reqwest::{StatusCode, header};
use serde_json::json;

use crate::support::*;

#[tokio::test]
async fn an_account_that_is_deleted_is_signed_out_at_once_and_kept_if_its_owner_comes_back() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    let token = server.token("alice").await;
    let refused = browser.submit("/account/data", "/api/delete_account", &[]).await;
    assert!(refused.says("Check the box"), "{refused:?}");
    let fields = [("confirmed", "yes")];
    let response = browser.send("/account/data", "/api/delete_account", &fields).await;
    assert_eq!(response.headers()[header::LOCATION], "/signin");
    assert_eq!(cookie(&response, "latchkey").as_deref(), Some(""));
    assert_eq!(server.profile(&format!("Bearer {token}")).await.status(), StatusCode::UNAUTHORIZED);
    assert!(!server.sign_up(Via::Json, "alice", PASSWORD, "A").await.is_accepted(), "still taken");

    let fields = [("username", "alice"), ("password", PASSWORD)];
    let response = browser.send("/signin", "/api/sign_in", &fields).await;
    assert_eq!(response.headers()[header::LOCATION], "/profile");
    assert!(browser.page("/profile").await.contains("cancelled the deletion"));
    let to_delete = "SELECT COUNT(*) FROM accounts WHERE delete_at IS NOT NULL";
    assert_eq!(server.db_count(to_delete).await, 0);
}

#[tokio::test]
async fn who_comes_back_after_the_grace_finds_no_account() {
    let server = TestServer::start_with(&[("DELETION_GRACE", "1s")]).await;
    server.sign_up_json("alice").await;
    let token = server.token("alice").await;
    assert_eq!(server.ask("DELETE", "/user", &token, None).await.status(), StatusCode::OK);
    let db = server.db().await;
    sqlx::query("UPDATE accounts SET delete_at = 1").execute(&db).await.expect("updated");
    for door in WAYS {
        let outcome = server.sign_in(door, "alice", PASSWORD).await;
        let words = match door {
            Via::Json => "Invalid Login Credentials",
            Via::Form => "Wrong username or password",
        };
        assert!(outcome.says(words), "{outcome:?}");
    }
}

#[tokio::test]
async fn after_the_grace_an_account_is_gone_from_every_table_and_the_trail_still_holds() {
    let server = TestServer::start_with(&[("DELETION_GRACE", "1s"), NODES_URL]).await;
    server.sign_up_json("canary-name").await;
    server.sign_up_json("mallory").await;
    let token = server.token("canary-name").await;
    let body = json!({"fullName": "Canary Person"});
    server.ask("PATCH", "/user/profile", &token, Some(&body)).await;
    let profile = json_of(server.profile(&format!("Bearer {token}")).await).await;
    let id = profile["id"].to_string();
    let answer = json_of(server.ask("DELETE", "/user", &token, None).await).await;
    assert!(answer["deleteAt"].as_str().expect("a time").ends_with('Z'));

    // Every node cleans up when it starts.
    server.db_cleaned_up("SELECT COUNT(*) FROM accounts", 1).await;
    let db = server.db().await;
    let columns = match server.database_url.starts_with("sqlite:") {
        true => {
            "SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c \
             WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'"
        }
        false => {
            "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT) \
             FROM information_schema.columns WHERE table_schema = current_schema()"
        }
    };
    let columns: Vec<(String, String)> =
        sqlx::query_as(columns).fetch_all(&db).await.expect("columns");
    let tables: BTreeSet<&String> = columns.iter().map(|(table, _)| table).collect();
    assert!(tables.len() >= 9, "{tables:?}");
    let nodes_tell_each_other = ("changed_accounts".to_owned(), "account_id".to_owned());
    for place in columns.iter().filter(|place| **place != nodes_tell_each_other) {
        let (table, column) = place;
        for trace in [&*id, "canary-name", "Canary Person"] {
            let query = format!(
                "SELECT COUNT(*) FROM {table} WHERE CAST({column} AS TEXT) LIKE '%{trace}%'"
            );
            let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(query))
                .fetch_one(&db)
                .await
                .expect("a count");
            assert_eq!(count, 0, "{table}.{column}: {trace}");
        }
    }
    db.close().await;
    let store = crate::audit::open(&server).await;
    let verified = latchkey::audit::verify(&store, None).await.expect("read");
    assert!(verified.is_ok(), "{verified:?}");
    assert!(server.sign_up(Via::Json, "canary-name", PASSWORD, "B").await.is_accepted());
}

#[tokio::test]
async fn a_clock_that_has_jumped_ahead_deletes_nobody() {
    let server = TestServer::start_with(&[NODES_URL]).await;
    server.sign_up_json("alice").await;
    let token = server.token("alice").await;
    assert_eq!(server.ask("DELETE", "/user", &token, None).await.status(), StatusCode::OK);
    server.running.stop().await;
    // To the database, the last node was seen fifteen days ago.
    let past = "UPDATE facts SET value = CAST(CAST(value AS BIGINT) - 1296000 AS TEXT) \
                WHERE name = 'clock_trusted_until'";
    let due = "UPDATE accounts SET delete_at = 1";
    let db = TestServer::db_at(&server.database_url).await;
    let noted = sqlx::query(past).execute(&db).await.expect("updated").rows_affected();
    assert_eq!(noted, 1);
    sqlx::query(due).execute(&db).await.expect("updated");
    let url = [("DATABASE_URL", &*server.database_url), NODES_URL];
    let node = TestServer::start_with(&url).await;
    // When the expired link is gone, the node has cleaned up.
    let over = "INSERT INTO links (hash, purpose, account_id, epoch, expires_at) \
                SELECT 'over', 'set-password', id, 1, 1 FROM accounts";
    sqlx::query(over).execute(&db).await.expect("inserted");
    let node_of_cleaning = TestServer::start_with(&url).await;
    eventually(async || {
        let links = sqlx::query_scalar("SELECT COUNT(*) FROM links");
        let links: i64 = links.fetch_one(&db).await.expect("a count");
        links == 0
    })
    .await;
    node_of_cleaning.running.stop().await;
    node.running.stop().await;
    let accounts: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM accounts").fetch_one(&db).await.expect("a count");
    assert_eq!(accounts, 1, "it waits until the clock has held");
    db.close().await;
}
