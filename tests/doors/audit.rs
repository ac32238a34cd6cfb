//! The audit trail: it records every act once, and tampering is found.

use latchkey::{
    accounts,
    audit::{Act, export, verify},
    emails, sessions, sign_in,
    store::{SetUpLock, Store, settings::Database},
    throttle, web,
};
use reqwest::{StatusCode, header};
use serde_json::{Value, json};

use crate::{letters::*, support::*};

/// Opens the database of a running server.
pub(crate) async fn open(server: &TestServer) -> Store {
    let database = Database::parse(&server.database_url).expect("a URL");
    let lock = SetUpLock::wait(&database).await.expect("the lock");
    Store::open(&database, 4, &lock).await.expect("the database")
}

async fn words(server: &TestServer) -> Vec<String> {
    let store = open(server).await;
    let mut trail = Vec::new();
    export(&store, &mut trail).await.expect("written");
    store.close().await;
    let rows = trail.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let word = |line: &[u8]| {
        let row: Value = serde_json::from_slice(line).expect("a row");
        row["event"].as_str().expect("a word").to_owned()
    };
    rows.map(word).collect()
}

#[tokio::test]
async fn every_act_of_mail_is_written_down_once_and_names_no_address() {
    let (server, mailbox) = with_mail_and(&[("THROTTLE_MAIL", "100/1h")]).await;
    let email = server.verified(&mailbox, "alice").await;
    let asker = server.ask_for_code(Via::Json, "alice").await;
    let code = code(&mailbox.letter(&email, "Your code", 1).await);
    assert!(server.enter_code(&asker, "1").await.is_err());
    assert_eq!(server.enter_code(&asker, &code).await, Ok(()));
    server.forgot(Via::Json, "alice").await;
    let reset = link(&mailbox.letter(&email, "Set a new password", 1).await);
    assert_eq!(server.reset(Via::Json, &reset, PASSWORD).await, Ok(()));
    assert!(server.reset(Via::Json, &reset, PASSWORD).await.is_err());
    let token = server.token("alice").await;
    let body = json!({"email": "canary@example.org"});
    server.ask("PUT", "/user/email", &token, Some(&body)).await;
    let confirm = link(&mailbox.letter("canary@example.org", "Confirm", 1).await);
    assert_eq!(server.verify(Via::Json, &confirm).await, Ok(()));
    let undo = link(&mailbox.letter(&email, "address was changed", 1).await);
    assert_eq!(server.restore(Via::Json, &undo).await, Ok(()));
    let resend = json!({"identifier": "alice"});
    server.post_json("/auth/verify-email/resend", &resend).await;
    let expected = [
        accounts::SIGNED_UP,
        emails::EMAIL_VERIFIED,
        sign_in::CODE_ASKED,
        sign_in::SIGN_IN_FAILED,
        sign_in::PASSWORD_REMOVED,
        sign_in::SIGNED_IN,
        sign_in::RESET_ASKED,
        sign_in::PASSWORD_SET_BY_LINK,
        throttle::TOKEN_REFUSED,
        sign_in::SIGNED_IN,
        emails::EMAIL_GIVEN,
        emails::EMAIL_VERIFIED,
        emails::EMAIL_RESTORED,
        sign_in::VERIFICATION_ASKED,
    ];
    assert_eq!(words(&server).await, expected.map(|act| act.0));
    let store = open(&server).await;
    let mut trail = Vec::new();
    export(&store, &mut trail).await.expect("written");
    store.close().await;
    let trail = String::from_utf8(trail).expect("text");
    for secret in ["example.org", "canary", &*code, &*reset, &*undo] {
        assert!(!trail.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn every_act_is_written_down_once_and_holds_no_secret() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    assert!(!server.sign_up(Via::Json, "alice", PASSWORD, "B").await.is_accepted());
    assert!(!server.sign_in(Via::Form, "alice", "canary canary").await.is_accepted());
    assert!(!server.sign_in(Via::Json, "canary", "canary canary").await.is_accepted());
    let answer = server.refreshable("alice").await;
    let refresh = answer["refreshToken"].as_str().expect("a token");
    assert_eq!(server.refresh(refresh).await.status(), StatusCode::OK);
    let token = answer["accessToken"].as_str().expect("a token");
    server.ask("PATCH", "/user/profile", token, Some(&json!({"fullName": "Canary"}))).await;
    let body = json!({"currentPassword": "canary canary", "newPassword": "canary canary"});
    server.ask("POST", "/user/password", token, Some(&body)).await;
    server.ask("POST", "/auth/confirm", token, Some(&json!({"password": "canary"}))).await;
    server.ask("GET", "/user/data", token, None).await;
    server.ask("DELETE", "/user/sessions", token, None).await;
    server.ask("POST", "/auth/signout", token, None).await;
    let foreign = browser.client.post(server.url("/api/sign_in"));
    foreign.header(header::ORIGIN, "https://evil.example").send().await.expect("an answer");
    assert_eq!(
        words(&server).await,
        [
            accounts::SIGNED_UP,
            sign_in::SIGNED_IN,
            accounts::SIGN_UP_REFUSED,
            sign_in::SIGN_IN_FAILED,
            sign_in::SIGN_IN_FAILED,
            sign_in::SIGNED_IN,
            sign_in::TOKEN_REFRESHED,
            Act("user_updated:full_name"),
            sign_in::PASSWORD_CHANGE_FAILED,
            sign_in::PROOF_FAILED,
            accounts::DATA_READ,
            sessions::OTHER_SESSIONS_ENDED,
            sign_in::SIGNED_OUT,
            web::CROSS_ORIGIN,
        ]
        .map(|act| act.0)
    );
    let store = open(&server).await;
    let mut trail = Vec::new();
    export(&store, &mut trail).await.expect("written");
    for text in String::from_utf8(trail).expect("text").lines() {
        for secret in ["canary", "Canary", "alice", PASSWORD, token, refresh, "127.0.0.1"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
    let (rows, _) = verify(&store, None).await.expect("read").expect("it holds");
    assert_eq!(rows, 14);
}

#[tokio::test]
async fn whoever_alters_a_row_is_found() {
    let server = TestServer::start().await;
    for name in ["alice", "bob", "carol"] {
        server.sign_up_json(name).await;
        server.token(name).await;
    }
    let store = open(&server).await;
    assert!(verify(&store, None).await.expect("read").is_ok());
    let db = server.db().await;
    for (alter, undo) in [
        (
            "UPDATE audit_events SET at = at + 1 WHERE seq = 3",
            "UPDATE audit_events SET at = at - 1 WHERE seq = 3",
        ),
        (
            "UPDATE audit_events SET account_id = account_id + 1 WHERE seq = 3",
            "UPDATE audit_events SET account_id = account_id - 1 WHERE seq = 3",
        ),
        (
            "UPDATE audit_events SET event = event || 'x' WHERE seq = 3",
            "UPDATE audit_events SET event = SUBSTR(event, 1, LENGTH(event) - 1) WHERE seq = 3",
        ),
        ("UPDATE audit_events SET salt = NULL, account_id = NULL, detail = NULL WHERE seq = 3", ""),
    ] {
        sqlx::query(alter).execute(&db).await.expect("altered");
        let found = verify(&store, None).await.expect("read").expect_err(alter);
        assert!(found.starts_with("row 3 "), "{alter}: {found}");
        if !undo.is_empty() {
            sqlx::query(undo).execute(&db).await.expect("undone");
            assert!(verify(&store, None).await.expect("read").is_ok(), "{undo}");
        }
    }
    sqlx::query("DELETE FROM audit_events WHERE seq = 2").execute(&db).await.expect("deleted");
    let found = verify(&store, None).await.expect("read").expect_err("one is missing");
    assert!(found.contains("gap"), "{found}");
}

#[tokio::test]
async fn acts_on_two_nodes_at_once_make_one_chain() {
    let first = TestServer::start_with(&[NODES_URL]).await;
    let second = first.another_node().await;
    let tries: Vec<_> = (0..40)
        .map(|index| {
            let node = if index % 2 == 0 { &first } else { &second };
            let body = json!({"username": format!("person-{index}"), "password": PASSWORD, "fullName": "P"});
            let request = program().post(node.url("/auth/signup")).json(&body);
            tokio::spawn(async move { request.send().await.expect("an answer").status() })
        })
        .collect();
    for attempt in tries {
        assert_eq!(attempt.await.expect("an answer"), StatusCode::OK);
    }
    let (rows, _) = verify(&open(&first).await, None).await.expect("read").expect("it holds");
    assert_eq!(rows, 40);
}

#[tokio::test]
async fn a_crowd_makes_one_chain_and_everybody_in_it_is_answered_as_if_alone() {
    let server = TestServer::start_with(&[("THROTTLE_SIGN_UP", "1000/1h")]).await;
    for name in ["alice", "bob", "gone"] {
        server.sign_up_json(name).await;
    }
    let token = server.token("gone").await;
    assert_eq!(server.ask("DELETE", "/user", &token, None).await.status(), StatusCode::OK);
    let before = words(&server).await.len();
    let post = async |path: &str, name: &str| {
        let body = json!({"username": name, "password": PASSWORD, "fullName": "P"});
        server.post_json(path, &body).await.status().as_u16()
    };
    // Ten times the same two names, and ten of either kind that are unrelated to them.
    let names: Vec<String> = (0..10).map(|index| format!("person-{index}")).collect();
    let at_once = names.iter().map(async |name| {
        futures_util::join!(
            post("/auth/signup", name),
            post("/auth/signup", "BiII"),
            post("/auth/signup", "Bill"),
            post("/auth/signin", "alice"),
            post("/auth/signin", "bob"),
            post("/auth/signin", "gone"),
        )
    });
    let answers = futures_util::future::join_all(at_once).await;
    let alike = answers.iter().flat_map(|(_, one, other, ..)| [*one, *other]);
    assert_eq!(alike.filter(|status| *status == 200).count(), 1, "{answers:?}");
    for (new, _, _, alice, bob, gone) in &answers {
        assert_eq!([*new, *alice, *bob, *gone], [200; 4]);
    }
    // The deletion was undone once, and is recorded once.
    let words = words(&server).await;
    let told = |act: Act| words[before..].iter().filter(|word| **word == act.0).count();
    let all = [
        accounts::SIGNED_UP,
        sign_in::SIGNED_IN,
        accounts::DELETION_UNDONE,
        accounts::SIGN_UP_REFUSED,
    ]
    .map(told);
    assert_eq!(all, [11, 30, 1, 19]);
    verify(&open(&server).await, None).await.expect("read").expect("it holds");
}
