//! Signing in: which passwords are right, and what the answer reveals.

use reqwest::header;
use serde_json::{Value, json};

use crate::support::*;

#[tokio::test]
async fn signing_in_answers_with_the_account_and_a_token_and_sets_no_cookie() {
    let server = TestServer::start().await;
    let account = server.sign_up_json("alice").await;
    let body = json!({"username": "alice", "password": PASSWORD});
    let response = server.post_json("/auth/signin", &body).await;
    assert!(response.headers().get(header::SET_COOKIE).is_none());
    assert_eq!(response.headers()["cache-control"], "no-store");
    let body: Value = response.json().await.expect("JSON");
    let fields = body.as_object().expect("an object");
    assert_eq!(fields.keys().collect::<Vec<_>>(), ["id", "username", "fullName", "accessToken"]);
    assert_eq!(body["id"], account["id"]);
}

#[tokio::test]
async fn signing_in_by_the_page_sets_the_cookie_and_shows_no_token() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let browser = Browser::new(&server);
    let fields = [("username", "alice"), ("password", PASSWORD)];
    let response = browser.send("/signin", "/api/sign_in", &fields).await;
    assert_eq!(response.status(), 303);
    assert_eq!(response.headers()["location"], "/profile");
    let token = cookie(&response, "latchkey").expect("the session cookie");
    assert!(!response.text().await.expect("a body").contains(&token));
    assert!(!browser.page("/profile").await.contains(&token));
}

#[tokio::test]
async fn every_spelling_of_the_name_signs_in() {
    let server = TestServer::start().await;
    server.sign_up_json("Alice").await;
    for door in WAYS {
        for name in ["alice", "ALICE", "ａｌｉｃｅ"] {
            assert!(server.sign_in(door, name, PASSWORD).await.is_accepted(), "{door:?} {name}");
        }
    }
}

#[tokio::test]
async fn a_password_counts_in_every_character() {
    let server = TestServer::start().await;
    let long = format!("{}é", "x".repeat(100));
    for (door, name) in [(Via::Json, "alice"), (Via::Form, "bob")] {
        assert!(server.sign_up(door, name, &long, "Person").await.is_accepted());
        assert!(server.sign_in(door, name, &long).await.is_accepted());
        let decomposed = format!("{}e\u{301}", "x".repeat(100));
        assert!(server.sign_in(door, name, &decomposed).await.is_accepted(), "NFD");
        for wrong in [&long[..72], &format!("{long} "), &long.to_uppercase(), &format!("{long}\0")]
        {
            assert!(!server.sign_in(door, name, wrong).await.is_accepted(), "{door:?} {wrong:?}");
        }
    }
}

#[tokio::test]
async fn an_unknown_name_and_a_wrong_password_get_the_same_bytes() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let mut answers = Vec::new();
    for username in ["alice", "nobody-here", "' OR 1=1--", "\u{0}", "x", "ал\u{200b}"] {
        let body = json!({"username": username, "password": "wrong wrong wrong"});
        let response = server.post_json("/auth/signin", &body).await;
        let mut headers = response.headers().clone();
        headers.remove("x-request-id");
        headers.remove("date");
        let status = response.status();
        let mut body: Value = response.json().await.expect("JSON");
        body.as_object_mut().expect("an object").remove("requestId");
        answers.push((status, format!("{headers:?}"), body));
    }
    assert_eq!(answers[0].0, 400);
    assert_eq!(answers[0].2["detail"], "Invalid Login Credentials");
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
}

#[tokio::test]
async fn the_form_says_the_same_of_both_and_keeps_the_name() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    for name in ["alice", "nobody-here"] {
        let fields = [("username", name), ("password", "wrong wrong wrong"), ("next", "/docs?a=b")];
        let response = Browser::new(&server).send("/signin", "/api/sign_in", &fields).await;
        assert_eq!(response.status(), 400);
        let page = response.text().await.expect("a page");
        assert_eq!(summary(&page).len(), 1);
        assert!(page.contains("Wrong username or password. Try again"));
        assert!(page.contains(&format!("value=\"{name}\"")));
        assert!(page.contains("name=\"next\" value=\"/docs?a=b\""));
        assert!(!page.contains("wrong wrong"));
    }
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let server = TestServer::start().await;
    for door in WAYS {
        let outcome = server.sign_in(door, "", "").await;
        assert_eq!(outcome.status(), 400);
        assert!(
            outcome.says("Enter your username") && outcome.says("Enter your password"),
            "{outcome:?}"
        );
        let long = "x".repeat(1025);
        assert!(server.sign_in(door, "alice", &long).await.says("at most 1024 bytes"));
    }
}

#[tokio::test]
async fn next_leads_to_a_path_of_this_site_only() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    for (next, location) in [
        ("/docs?a=b", "/docs?a=b"),
        ("//evil.example", "/profile"),
        ("/\\evil.example", "/profile"),
        ("https:evil.example", "/profile"),
        ("/%0d%0aSet-Cookie:a=b", "/%0d%0aSet-Cookie:a=b"),
        ("/\r\nSet-Cookie: a=b", "/profile"),
        ("/käse", "/k%C3%A4se"),
    ] {
        let browser = Browser::new(&server);
        let fields = [("username", "alice"), ("password", PASSWORD), ("next", next)];
        let response = browser.send("/signin", "/api/sign_in", &fields).await;
        assert_eq!(response.status(), 303, "{next:?}");
        assert_eq!(response.headers()["location"], location, "{next:?}");
    }
}

#[tokio::test]
async fn a_hash_with_old_parameters_is_made_anew_at_the_next_sign_in() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let pool = server.db().await;
    // `password`, as the Argon2 reference program hashes it with t=2 and m=2^8.
    let old =
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    sqlx::query("UPDATE passwords SET hash = $1").bind(old).execute(&pool).await.expect("set");
    assert!(!server.sign_in(Via::Json, "alice", "other").await.is_accepted());
    assert!(server.sign_in(Via::Json, "alice", "password").await.is_accepted());
    let new: String =
        sqlx::query_scalar("SELECT hash FROM passwords").fetch_one(&pool).await.expect("a hash");
    assert!(new.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{new}");
    assert!(server.sign_in(Via::Form, "alice", "password").await.is_accepted());

    // Also when several sign in at the same moment, and only one of them replaces the hash.
    sqlx::query("UPDATE passwords SET hash = $1").bind(old).execute(&pool).await.expect("set");
    let at_once = (0..8).map(|index| {
        let password = if index == 7 { "other" } else { "password" };
        server.sign_in(Via::Json, "alice", password)
    });
    let outcomes = futures_util::future::join_all(at_once).await;
    let accepted: Vec<bool> = outcomes.iter().map(Outcome::is_accepted).collect();
    assert_eq!(accepted, [true, true, true, true, true, true, true, false]);
}

#[tokio::test]
async fn a_space_around_a_username_is_no_part_of_it() {
    let server = TestServer::start().await;
    for (index, door) in WAYS.into_iter().enumerate() {
        let name = format!("bob{index}");
        for typed in [format!("{name} "), format!("  {name}\t"), format!("\u{a0}{name}\u{3000}")] {
            let outcome = server.sign_up(door, &typed, PASSWORD, "B").await;
            let first = typed.ends_with("0 ") || typed.ends_with("1 ");
            assert_eq!(outcome.is_accepted(), first, "{door:?} {typed:?}: {outcome:?}");
            for door in WAYS {
                assert!(server.sign_in(door, &typed, PASSWORD).await.is_accepted(), "{typed:?}");
            }
        }
        let spaced = format!(" {PASSWORD}");
        assert!(!server.sign_in(door, &name, &spaced).await.is_accepted(), "never of a password");
    }
}

#[tokio::test]
async fn caps_lock_is_no_other_name() {
    let server = TestServer::start().await;
    for (index, (typed, capitals)) in
        [("Κωστας", "ΚΩΣΤΑΣ"), ("straße", "STRASSE"), ("İbrahim", "IBRAHIM")]
            .into_iter()
            .enumerate()
    {
        let door = WAYS[index % 2];
        assert!(server.sign_up(door, typed, PASSWORD, "A").await.is_accepted(), "{typed}");
        for door in WAYS {
            assert!(
                !server.sign_up(door, capitals, PASSWORD, "A").await.is_accepted(),
                "{capitals}"
            );
            assert!(server.sign_in(door, capitals, PASSWORD).await.is_accepted(), "{capitals}");
            assert!(server.sign_in(door, typed, PASSWORD).await.is_accepted(), "{typed}");
        }
    }
}

#[tokio::test]
async fn accounts_of_before_the_case_was_folded_keep_their_names() {
    let server = TestServer::start_with(&[NODES_URL]).await;
    for name in ["anna", "berta", "carla"] {
        server.sign_up_json(name).await;
    }
    let db = server.db().await;
    // As stored by the first versions: two that are now the same name, and one on its own.
    for (name, typed, key) in [
        ("anna", "Κωστας", "κωστας"),
        ("berta", "ΚΩΣΤΑΣ", "κωστασ"),
        ("carla", "Γιώργος", "γιώργος"),
    ] {
        let rename = "UPDATE accounts SET username = $1, username_key = $2, username_skeleton = $2, \
                      username_typed_skeleton = $1 WHERE username = $3";
        let rename = sqlx::query(rename).bind(typed).bind(key).bind(name);
        rename.execute(&db).await.expect("renamed");
    }
    let forget = "DELETE FROM facts WHERE name = 'username_mapping'";
    sqlx::query(forget).execute(&db).await.expect("deleted");
    db.close().await;
    let node = server.another_node().await;
    let signs_in_as = async |typed: &str| -> String {
        let body = serde_json::json!({"username": typed, "password": PASSWORD});
        let answer: serde_json::Value =
            node.post_json("/auth/signin", &body).await.json().await.expect("JSON");
        answer["username"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(signs_in_as("Κωστας").await, "Κωστας");
    assert_eq!(signs_in_as("ΚΩΣΤΑΣ").await, "ΚΩΣΤΑΣ");
    for typed in ["Γιώργος", "ΓΙΏΡΓΟΣ", "γιώργοσ"] {
        assert_eq!(signs_in_as(typed).await, "Γιώργος", "{typed}");
    }
    assert!(!node.sign_up(Via::Json, "κωστας", PASSWORD, "K").await.is_accepted());
}
