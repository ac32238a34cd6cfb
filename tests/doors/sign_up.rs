//! Signing up: the rules of the fields, and who gets a name.

use serde_json::{Value, json};

use crate::support::*;

#[tokio::test]
async fn a_new_account_answers_with_exactly_three_fields() {
    let server = TestServer::start().await;
    let account = server.sign_up_json("Alice").await;
    let fields = account.as_object().expect("an object");
    assert_eq!(fields.keys().collect::<Vec<_>>(), ["id", "username", "fullName"]);
    assert_eq!(account["username"], "Alice");
    assert_eq!(account["fullName"], "Test Person");
    let id = account["id"].as_i64().expect("an integer");
    assert!((1..1 << 53).contains(&id));
}

#[tokio::test]
async fn signing_up_by_the_page_signs_in() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    assert!(browser.page("/profile").await.contains("Test Person"));
}

#[tokio::test]
async fn someone_who_was_on_the_way_to_a_page_gets_there_after_signing_up() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let page = browser.page("/signin?next=%2Faccount%2Fsessions").await;
    assert!(page.contains("href=\"/signup?next=%2Faccount%2Fsessions\""), "{page}");
    let page = browser.page("/signup?next=%2Faccount%2Fsessions").await;
    assert!(page.contains("href=\"/signin?next=%2Faccount%2Fsessions\""), "{page}");
    let (token, next) = (form_token(&page), hidden(&page, "next"));
    let fields = [
        ("form_token", &*token),
        ("username", "alice"),
        ("password", PASSWORD),
        ("fullName", "Alice"),
        ("next", &*next),
    ];
    let response = browser.post("/api/sign_up", &fields).await;
    assert_eq!(response.headers()["location"], "/account/sessions");
    let elsewhere =
        [("username", "bob"), ("password", PASSWORD), ("fullName", "Bob"), ("next", "//evil")];
    let response = Browser::new(&server).send("/signup", "/api/sign_up", &elsewhere).await;
    assert_eq!(response.headers()["location"], "/profile");
}

#[tokio::test]
async fn no_spelling_of_a_taken_name_is_free() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    server.sign_up_json("ѕсоре").await;
    server.sign_up_json("Bill").await;
    for door in WAYS {
        for name in ["alice", "ALICE", "aLiCe", "ａｌｉｃｅ", "scope", "BiII", "biIl", "BILL"]
        {
            let outcome = server.sign_up(door, name, PASSWORD, "Other").await;
            assert_eq!(outcome.status(), 400, "{door:?} {name}");
            let words = match door {
                Via::Json => "Username exists",
                Via::Form => "That username is taken",
            };
            assert!(outcome.says(words), "{door:?} {name}: {outcome:?}");
        }
    }
}

#[tokio::test]
async fn a_bad_field_is_refused_for_the_same_reason_by_both_doors() {
    let server = TestServer::start().await;
    let long_name = "a".repeat(33);
    let long_password = "x".repeat(1025);
    let long_full_name = "x".repeat(101);
    for door in WAYS {
        for (username, password, full_name, message) in [
            ("", PASSWORD, "Alice", "Enter your username"),
            ("al", PASSWORD, "Alice", "at least 3 characters"),
            (&*long_name, PASSWORD, "Alice", "at most 32 characters"),
            ("alice@home", PASSWORD, "Alice", "can only contain letters"),
            ("alice\u{200b}", PASSWORD, "Alice", "can only contain letters"),
            ("' OR 1=1--", PASSWORD, "Alice", "can only contain letters"),
            ("alice\0", PASSWORD, "Alice", "can only contain letters"),
            (".alice", PASSWORD, "Alice", "must not start or end with a dot"),
            ("\u{430}lice", PASSWORD, "Alice", "different alphabets"),
            ("admin", PASSWORD, "Alice", "isn't available"),
            ("АДМІН", PASSWORD, "", "Enter your full name"),
            ("alice", "", "Alice", "Enter your password"),
            ("alice", "seven77", "Alice", "at least 8 characters"),
            ("alice", "password1", "Alice", "too easy to guess"),
            ("alice", &*long_password, "Alice", "at most 1024 bytes"),
            ("alice-liddell", "Alice-Liddell", "Alice", "based on your username"),
            ("alice", "alice in wonder", "Alice in Wonder", "based on your username"),
            ("alice", PASSWORD, "   ", "Enter your full name"),
            ("alice", PASSWORD, &*long_full_name, "at most 100 characters"),
            ("alice", PASSWORD, "a\u{202e}b", "no control characters"),
        ] {
            let outcome = server.sign_up(door, username, password, full_name).await;
            assert_eq!(outcome.status(), 400, "{door:?} {username:?} {full_name:?}");
            assert!(outcome.says(message), "{door:?} {username:?}: {outcome:?}");
        }
    }
    let none = server.sign_in(Via::Json, "alice", PASSWORD).await;
    assert!(none.says("Invalid Login Credentials"), "an account was made: {none:?}");
}

#[tokio::test]
async fn all_bad_fields_are_told_at_once() {
    let server = TestServer::start().await;
    for door in WAYS {
        let Outcome::Refused(400, messages) = server.sign_up(door, "a", "b", "").await else {
            panic!("{door:?} accepted it")
        };
        assert_eq!(messages.len(), 3, "{door:?}: {messages:?}");
    }
}

#[tokio::test]
async fn fields_that_nobody_asked_for_change_nothing() {
    let server = TestServer::start().await;
    let body = json!({
        "username": "alice", "password": PASSWORD, "fullName": "Alice",
        "id": 1, "role": "admin", "isAdmin": true, "createdAt": 0, "passwordHash": "x",
    });
    let account: Value = server.post_json("/auth/signup", &body).await.json().await.expect("JSON");
    assert_ne!(account["id"], 1);
    assert_eq!(account.as_object().expect("an object").len(), 3);
}

#[tokio::test]
async fn of_fifty_equal_sign_ups_at_once_one_wins() {
    let server = TestServer::start().await;
    let body = json!({"username": "alice", "password": PASSWORD, "fullName": "Alice"});
    let tries = (0..50).map(|_| {
        let request = program().post(server.url("/auth/signup")).json(&body);
        tokio::spawn(async move { request.send().await.expect("an answer").status().as_u16() })
    });
    let mut statuses = Vec::new();
    for attempt in tries.collect::<Vec<_>>() {
        statuses.push(attempt.await.expect("a status"));
    }
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1);
    assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 49);
}

#[tokio::test]
async fn a_name_is_shown_as_text_whatever_it_holds() {
    let server = TestServer::start().await;
    let names = [
        "</script><script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "<!--",
        "{{7*7}}",
        "</textarea><script>alert(1)</script>",
        "Zoë 李 O'Neil <b>",
    ];
    for (index, name) in names.iter().enumerate() {
        let browser = Browser::new(&server);
        let username = format!("person{index}");
        let fields = [("username", &*username), ("password", PASSWORD), ("fullName", *name)];
        assert!(browser.submit("/signup", "/api/sign_up", &fields).await.is_accepted());
        let page = browser.page("/profile").await;
        let escaped = name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        assert!(page.contains(&escaped), "{name}: {page}");
        assert!(escaped == *name || !page.contains(name), "{name}");
    }
}

#[tokio::test]
async fn a_refused_form_comes_back_with_what_was_typed_but_the_password() {
    let server = TestServer::start().await;
    let fields = [("username", "a\"b"), ("password", "hunter2-hunter2"), ("fullName", "Alice <L>")];
    let response = Browser::new(&server).send("/signup", "/api/sign_up", &fields).await;
    assert_eq!(response.status(), 400);
    let page = response.text().await.expect("a page");
    assert!(page.contains("value=\"a&quot;b\""), "{page}");
    assert!(page.contains("Alice &lt;L&gt;") || page.contains("value=\"Alice <L>\""), "{page}");
    assert!(!page.contains("hunter2"));
    assert!(page.contains("<title>Error: Create an account"));
}

#[tokio::test]
async fn an_operator_chooses_the_shortest_password() {
    for (least, short, long) in
        [("6", "zqxwv", "zqxwvk"), ("15", "fourteen chars", "fifteen chars!!")]
    {
        let server = TestServer::start_with(&[("PASSWORD_MIN_LENGTH", least)]).await;
        for (door, name) in [(Via::Json, "alice"), (Via::Form, "bob")] {
            let refused = server.sign_up(door, name, short, "Person").await;
            assert!(refused.says(&format!("at least {least} characters")), "{refused:?}");
            assert!(server.sign_up(door, name, long, "Person").await.is_accepted());
        }
    }
}

#[tokio::test]
async fn names_that_people_have_are_taken_and_line_separators_are_not() {
    let server = TestServer::start().await;
    for (index, name) in ["李白", "김구", "さく", "İbrahim", "山﨑"].into_iter().enumerate()
    {
        let outcome = server.sign_up(WAYS[index % 2], name, PASSWORD, "A").await;
        assert!(outcome.is_accepted(), "{name}: {outcome:?}");
    }
    for door in WAYS {
        for full_name in ["a\u{2028}b", "a\u{2029}b"] {
            let outcome = server.sign_up(door, "alice", PASSWORD, full_name).await;
            assert!(outcome.says("visible characters"), "{outcome:?}");
        }
        assert!(!server.sign_up(door, "al", PASSWORD, "A").await.is_accepted());
    }
}
