//! Somebody and his own account: change it, prove anew who one is, see what happened, take the data
//! along, delete it.

use latchkey::audit::{Act, By, Event, record_alone};
use std::collections::BTreeSet;

use reqwest::{StatusCode, header};
use serde_json::{Value, json};

use crate::support::*;

const NEW: &str = "another horse and battery";

async fn json_of(response: reqwest::Response) -> Value {
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["cache-control"], "no-store");
    response.json().await.expect("JSON")
}

#[tokio::test]
async fn a_full_name_is_changed_through_both_doors_and_shown_at_once() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    let token = server.token("alice").await;
    let body = json!({"fullName": "  Zoë <b> ", "username": "mallory", "id": 1});
    let profile = json_of(server.ask("PATCH", "/user/profile", &token, Some(&body)).await).await;
    assert_eq!(profile["fullName"], "Zoë <b>");
    assert_eq!(profile["username"], "alice", "nothing else is changed");
    assert!(browser.page("/profile").await.contains("Zoë &lt;b&gt;"));

    let fields = [("fullName", "Alice the Second")];
    assert!(browser.submit("/profile", "/api/change_full_name", &fields).await.is_accepted());
    assert!(browser.page("/profile").await.contains("Name updated."));
    assert!(!browser.page("/profile").await.contains("Name updated."), "it is said once");
    let profile = json_of(server.profile(&format!("Bearer {token}")).await).await;
    assert_eq!(profile["fullName"], "Alice the Second");

    for name in ["", "a\u{202e}b", &"x".repeat(101)] {
        let body = json!({"fullName": name});
        let response = server.ask("PATCH", "/user/profile", &token, Some(&body)).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{name:?}");
        let fields = [("fullName", name)];
        let outcome = browser.submit("/profile", "/api/change_full_name", &fields).await;
        assert_eq!(outcome.status(), 400, "{name:?}");
    }
}

#[tokio::test]
async fn another_password_ends_every_other_session_and_keeps_this_one_under_a_new_id() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    let other_browser = Browser::signed_in(&server, "alice").await;
    let first = server.refreshable("alice").await;
    let token = first["accessToken"].as_str().expect("a token");
    let other = server.token("alice").await;

    // By a program.
    let body = json!({"currentPassword": PASSWORD, "newPassword": NEW});
    let tokens = json_of(server.ask("POST", "/user/password", token, Some(&body)).await).await;
    assert_eq!(tokens["tokenType"], "Bearer");
    for dead in [token, &other] {
        let response = server.profile(&format!("Bearer {dead}")).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    }
    for browser in [&browser, &other_browser] {
        assert_eq!(browser.get("/profile").await.status(), StatusCode::SEE_OTHER);
    }
    let old = server.refresh(first["refreshToken"].as_str().expect("a token")).await;
    assert_eq!(old.status(), StatusCode::UNAUTHORIZED);
    let token = tokens["accessToken"].as_str().expect("a token");
    assert_eq!(server.profile(&format!("Bearer {token}")).await.status(), StatusCode::OK);
    let new = server.refresh(tokens["refreshToken"].as_str().expect("a token")).await;
    assert_eq!(new.status(), StatusCode::OK);
    assert!(!server.sign_in(Via::Json, "alice", PASSWORD).await.is_accepted());

    // By the page, and back.
    let browser = Browser::new(&server);
    let fields = [("username", "alice"), ("password", NEW)];
    let signed_in = browser.send("/signin", "/api/sign_in", &fields).await;
    let before = cookie(&signed_in, "latchkey").expect("a cookie");
    let fields = [("currentPassword", NEW), ("newPassword", PASSWORD)];
    let changed = browser.send("/account/security", "/api/change_password", &fields).await;
    assert_eq!(changed.headers()[header::LOCATION], "/account/security");
    assert_ne!(cookie(&changed, "latchkey").expect("another cookie"), before);
    let with_copy = program()
        .get(server.url("/user/profile"))
        .header(header::COOKIE, format!("latchkey={before}"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(with_copy.status(), StatusCode::UNAUTHORIZED);
    assert!(browser.page("/account/security").await.contains("Password changed."));
    assert_eq!(server.profile(&format!("Bearer {token}")).await.status(), StatusCode::UNAUTHORIZED);
    assert!(server.sign_in(Via::Json, "alice", PASSWORD).await.is_accepted());
}

#[tokio::test]
async fn a_password_is_changed_only_with_the_current_one_and_by_the_rules() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    let token = server.token("alice").await;
    for (current, new, message) in [
        ("wrong wrong wrong", NEW, "Wrong password"),
        ("", NEW, "Enter your current password"),
        (PASSWORD, "", "Enter a new password"),
        (PASSWORD, "short", "at least 8"),
        (PASSWORD, "password", "too easy to guess"),
        (PASSWORD, "alice2026!", "based on your username"),
        (PASSWORD, &"x".repeat(1025), "at most 1024 bytes"),
    ] {
        let fields = [("currentPassword", current), ("newPassword", new)];
        let outcome = browser.submit("/account/security", "/api/change_password", &fields).await;
        assert!(outcome.says(message) && outcome.status() == 400, "{outcome:?}");
        let body = json!({"currentPassword": current, "newPassword": new});
        let response = server.ask("POST", "/user/password", &token, Some(&body)).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        let problem = response.text().await.expect("a problem");
        assert!(problem.contains(message) && problem.contains("invalid-input"), "{problem}");
    }
    assert_eq!(server.profile(&format!("Bearer {token}")).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_sign_in_with_the_old_password_that_is_under_way_makes_no_session() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let token = server.token("alice").await;
    let sign_in = || {
        let body = json!({"username": "alice", "password": PASSWORD});
        let request = program().post(server.url("/auth/signin")).json(&body);
        tokio::spawn(async move { request.send().await.expect("an answer") })
    };
    // Some before it and some after it, and all of them hash at the same time.
    let mut sign_ins: Vec<_> = (0..8).map(|_| sign_in()).collect();
    let body = json!({"currentPassword": PASSWORD, "newPassword": NEW});
    let change = server.ask("POST", "/user/password", &token, Some(&body));
    sign_ins.extend((0..8).map(|_| sign_in()));
    assert_eq!(change.await.status(), StatusCode::OK);
    let mut tokens = Vec::new();
    for sign_in in sign_ins {
        let response = sign_in.await.expect("an answer");
        if response.status() == StatusCode::OK {
            let answer: Value = response.json().await.expect("JSON");
            tokens.push(answer["accessToken"].as_str().expect("a token").to_owned());
        } else {
            assert!([400, 429].contains(&response.status().as_u16()), "{}", response.status());
        }
    }
    for token in tokens {
        let profile = server.profile(&format!("Bearer {token}")).await;
        assert_eq!(profile.status(), StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn the_sessions_are_listed_and_one_or_all_others_are_ended() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    server.sign_up_json("mallory").await;
    let (first, second) = (server.token("alice").await, server.token("alice").await);
    let list = async |token: &str| -> Vec<Value> {
        let list = json_of(server.ask("GET", "/user/sessions", token, None).await).await;
        list["sessions"].as_array().expect("a list").clone()
    };
    let sessions = list(&first).await;
    assert_eq!(sessions.len(), 3);
    let current: Vec<_> = sessions.iter().filter(|session| session["current"] == true).collect();
    assert_eq!((current.len(), &current[0]["kind"]), (1, &json!("program")));
    assert_eq!(current[0]["network"], "127.0.0.0/24");
    let names: Vec<_> = current[0].as_object().expect("an object").keys().collect();
    let expected =
        ["id", "current", "kind", "device", "method", "network", "firstSeen", "lastSeen"];
    assert_eq!(names, expected);

    // Another's is not found, as one that does not exist.
    let own = current[0]["id"].as_str().expect("an id").to_owned();
    let mallory = server.token("mallory").await;
    for id in [own.as_str(), "nonsense", "%00", "..%2f"] {
        let path = format!("/user/sessions/{id}");
        let response = server.ask("DELETE", &path, &mallory, None).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{id}");
    }
    let others = sessions.iter().filter(|session| session["current"] == false);
    let program = others.clone().find(|session| session["kind"] == "program").expect("one");
    let path = format!("/user/sessions/{}", program["id"].as_str().expect("an id"));
    let ended = server.ask("DELETE", &path, &first, None).await;
    assert_eq!(ended.status(), StatusCode::NO_CONTENT);
    assert_eq!(
        server.profile(&format!("Bearer {second}")).await.status(),
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(list(&first).await.len(), 2);
    let again = server.ask("DELETE", &path, &first, None).await;
    assert_eq!(again.status(), StatusCode::NOT_FOUND);

    // By the page.
    let page = browser.page("/account/sessions").await;
    assert!(page.contains("This device") && page.contains("App or script"), "{page}");
    let fields = [("id", own.as_str())];
    assert!(browser.submit("/account/sessions", "/api/end_session", &fields).await.is_accepted());
    assert_eq!(server.profile(&format!("Bearer {first}")).await.status(), StatusCode::UNAUTHORIZED);
    let third = server.token("alice").await;
    assert!(
        browser.submit("/account/sessions", "/api/end_other_sessions", &[]).await.is_accepted()
    );
    assert_eq!(server.profile(&format!("Bearer {third}")).await.status(), StatusCode::UNAUTHORIZED);
    assert!(browser.page("/account/sessions").await.contains("signed in anywhere else"));

    let fourth = server.token("alice").await;
    let ended = server.ask("DELETE", "/user/sessions", &fourth, None).await;
    assert_eq!(ended.status(), StatusCode::NO_CONTENT);
    assert_eq!(browser.get("/profile").await.status(), StatusCode::SEE_OTHER);
    assert_eq!(list(&fourth).await.len(), 1);
    assert_eq!(
        server.profile(&format!("Bearer {mallory}")).await.status(),
        StatusCode::OK,
        "nobody else is concerned"
    );
}

#[tokio::test]
async fn what_is_dangerous_asks_for_the_password_again_and_leads_back() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let token = server.token("alice").await;
    let browser = Browser::new(&server);
    let fields = [("username", "alice"), ("password", PASSWORD)];
    let signed_in = browser.send("/signin", "/api/sign_in", &fields).await;
    let before = cookie(&signed_in, "latchkey").expect("a cookie");
    server.db_forget_proofs().await;

    for page in ["/account/security", "/account/sessions", "/account/data"] {
        let response = browser.get(page).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        let confirm = format!("/confirm?next={}", page.replace('/', "%2F"));
        assert_eq!(response.headers()[header::LOCATION], *confirm);
        assert!(response.text().await.expect("a body").is_empty());
    }
    for (method, path) in [
        ("DELETE", "/user"),
        ("DELETE", "/user/sessions"),
        ("DELETE", "/user/sessions/x"),
        ("GET", "/user/data"),
    ] {
        let response = server.ask(method, path, &token, None).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{method} {path}");
        let challenge = response.headers()[header::WWW_AUTHENTICATE].to_str().expect("text");
        assert_eq!(challenge, "Bearer error=\"insufficient_user_authentication\"");
        let problem: Value = response.json().await.expect("JSON");
        assert_eq!(problem["type"], "/problems/proof-too-old");
    }
    let download = browser.get("/account/data/download").await;
    assert_eq!(download.headers()[header::LOCATION], "/confirm?next=%2Faccount%2Fdata");
    // A form that was loaded before leads there too.
    let form = form_token(&browser.page("/profile").await);
    let response = browser.post("/api/end_other_sessions", &[("form_token", &*form)]).await;
    assert_eq!(response.headers()[header::LOCATION], "/confirm?next=%2Faccount%2Fsessions");

    let wrong = [("password", "wrong wrong wrong"), ("next", "/account/data")];
    let refused = browser.submit("/confirm?next=%2Faccount%2Fdata", "/api/confirm", &wrong).await;
    assert!(refused.says("Wrong password"), "{refused:?}");
    let right = [("password", PASSWORD), ("next", "/account/data")];
    let confirmed = browser.send("/confirm?next=%2Faccount%2Fdata", "/api/confirm", &right).await;
    assert_eq!(confirmed.headers()[header::LOCATION], "/account/data");
    assert_ne!(cookie(&confirmed, "latchkey").expect("another cookie"), before);
    assert_eq!(browser.get("/account/data").await.status(), StatusCode::OK);
    let away = [("password", PASSWORD), ("next", "//evil")];
    let confirmed = browser.send("/confirm?next=%2F%2Fevil", "/api/confirm", &away).await;
    assert_eq!(confirmed.headers()[header::LOCATION], "/profile");

    let body = json!({"password": PASSWORD});
    let tokens = json_of(server.ask("POST", "/auth/confirm", &token, Some(&body)).await).await;
    let fresh = tokens["accessToken"].as_str().expect("a token");
    assert_eq!(
        server.profile(&format!("Bearer {token}")).await.status(),
        StatusCode::UNAUTHORIZED,
        "the old one is dead"
    );
    assert_eq!(server.ask("GET", "/user/data", fresh, None).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_history_tells_what_happened_in_words_and_to_its_owner_only() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    server.sign_up_json("mallory").await;
    assert!(!server.sign_in(Via::Json, "alice", "wrong wrong wrong").await.is_accepted());
    let fields = [("fullName", "Alice the Second")];
    assert!(browser.submit("/profile", "/api/change_full_name", &fields).await.is_accepted());
    let token = server.token("alice").await;
    let history = json_of(server.ask("GET", "/user/history", &token, None).await).await;
    let events: Vec<_> = history["history"].as_array().expect("a list").iter().collect();
    let words: Vec<_> =
        events.iter().map(|event| event["event"].as_str().expect("a word")).collect();
    assert_eq!(
        words,
        [
            "authn_login_success",
            "user_updated:full_name",
            "authn_login_fail",
            "authn_login_success",
            "user_created",
        ]
    );
    assert_eq!(events[2]["by"], "stranger");
    assert_eq!(events[0]["network"], "127.0.0.0/24");
    let page = browser.page("/account/security").await;
    for words in
        ["Name changed", "Failed sign-in: wrong password", "Account created", "a moment ago"]
    {
        assert!(page.contains(words), "{words}");
    }
    let mallory = server.token("mallory").await;
    let history = json_of(server.ask("GET", "/user/history", &mallory, None).await).await;
    assert_eq!(history["history"].as_array().expect("a list").len(), 2);
}

#[tokio::test]
async fn the_download_holds_all_that_is_known_of_oneself_and_nothing_of_others() {
    let server = TestServer::start().await;
    Browser::signed_up(&server, "alice").await;
    server.sign_up_json("mallory").await;
    let token = server.token("alice").await;
    let response = server.ask("GET", "/user/data", &token, None).await;
    let disposition = response.headers()[header::CONTENT_DISPOSITION].to_str().expect("text");
    assert_eq!(disposition, "attachment; filename=\"latchkey-data.json\"");
    let text = response.text().await.expect("text");
    let data: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&data["username"], &data["fullName"]), (&json!("alice"), &json!("Test Person")));
    assert_eq!(data["sessions"].as_array().expect("a list").len(), 2);
    assert!(data["history"].as_array().expect("a list").len() >= 3);
    assert_eq!(data["passwordKeptAs"], "argon2id");
    assert_eq!(data["sessions"][0]["session"]["network"], "127.0.0.0/24");
    assert_eq!(data["history"][0]["event"]["event"], "sensitive_read:data");
    assert!(!text.contains("mallory") && !text.contains("$argon2id") && !text.contains(&token));
}

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
        assert!(outcome.says("Invalid Login Credentials"), "{outcome:?}");
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

    // Whoever starts a node cleans up.
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
async fn password_managers_find_where_a_password_is_changed() {
    let server = TestServer::start().await;
    let request = program().get(server.url("/.well-known/change-password"));
    let response = request.send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(response.headers()[header::LOCATION], "/account/security");
}

#[tokio::test]
async fn a_session_is_kept_over_the_end_of_the_browser_only_if_one_wants_it() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    for (remember, kept) in [(None, false), (Some(("remember", "yes")), true)] {
        let mut fields = vec![("username", "alice"), ("password", PASSWORD)];
        fields.extend(remember);
        let browser = Browser::new(&server);
        let response = browser.send("/signin", "/api/sign_in", &fields).await;
        let session = response
            .headers()
            .get_all(header::SET_COOKIE)
            .iter()
            .filter_map(|cookie| cookie.to_str().ok())
            .find(|cookie| cookie.starts_with("latchkey="))
            .expect("the session");
        assert_eq!(session.contains("Max-Age=2592000"), kept, "{session}");
        assert_eq!(session.contains("Max-Age"), kept, "{session}");
        // And so it stays when it is renewed.
        let fields = [("password", PASSWORD)];
        let response = browser.send("/confirm", "/api/confirm", &fields).await;
        let renewed = response.headers()[header::SET_COOKIE].to_str().expect("text");
        assert_eq!(renewed.contains("Max-Age"), kept, "{renewed}");
    }
}

#[tokio::test]
async fn the_history_goes_on_page_by_page_and_what_happens_again_and_again_is_one_entry() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    let token = server.token("alice").await;
    for name in 0..60 {
        let body = json!({"fullName": format!("Alice {name}")});
        let response = server.ask("PATCH", "/user/profile", &token, Some(&body)).await;
        assert_eq!(response.status(), StatusCode::OK);
    }
    let mut words = Vec::new();
    let mut after = String::new();
    loop {
        let path = format!("/user/history?limit=25{after}");
        let page = json_of(server.ask("GET", &path, &token, None).await).await;
        let history = page["history"].as_array().expect("a list");
        assert!(history.len() <= 25);
        words.extend(history.iter().map(|event| event["event"].as_str().expect("text").to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(words.len(), 63);
    assert_eq!(words.last().map(String::as_str), Some("user_created"));
    for bad in ["limit=0", "limit=201", "limit=x", "after=x", "after=-1"] {
        let path = format!("/user/history?{bad}");
        let response = server.ask("GET", &path, &token, None).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{bad}");
        let problem: Value = response.json().await.expect("JSON");
        assert_eq!(problem["errors"][0]["code"], "out-of-range", "{bad}");
    }
    let page = browser.page("/account/security").await;
    assert_eq!(page.matches("Name changed").count(), 1);
    assert!(page.contains("60 times") && page.contains("Account created"), "{page}");
}

#[tokio::test]
async fn what_a_program_calls_itself_is_not_said_to_the_owner() {
    let server = TestServer::start_with(&[NODES_URL]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let name = "Your.account.is.locked-see.evil.example";
    let request = program().post(server.url("/auth/signin")).header(header::USER_AGENT, name);
    let body = json!({"username": "alice", "password": "wrong wrong wrong"});
    request.json(&body).send().await.expect("an answer");
    // An earlier version wrote down what it was told.
    let db = server.db().await;
    sqlx::query("UPDATE sessions SET device = $1").bind(name).execute(&db).await.expect("updated");
    let detail = "UPDATE audit_events SET detail = REPLACE(detail, '\"network\"', \
                  '\"device\":\"Your.account.is.locked-see.evil.example\",\"network\"') \
                  WHERE detail NOT LIKE '%\"device\"%'";
    sqlx::query(detail).execute(&db).await.expect("updated");
    db.close().await;
    let token = server.token("alice").await;
    let mut seen = browser.page("/account/security").await;
    seen += &browser.page("/account/sessions").await;
    for path in ["/user/history", "/user/sessions", "/user/data"] {
        seen += &server.ask("GET", path, &token, None).await.text().await.expect("text");
    }
    assert!(!seen.contains("evil.example"), "{seen}");
    assert!(seen.contains("Unknown device"));
}

#[tokio::test]
async fn a_long_history_is_erased_in_parts_and_downloaded_in_parts() {
    let server = TestServer::start_with(&[("DELETION_GRACE", "1s"), NODES_URL]).await;
    server.sign_up_json("alice").await;
    let token = server.token("alice").await;
    let profile = json_of(server.profile(&format!("Bearer {token}")).await).await;
    let account = latchkey::domain::AccountId(profile["id"].as_i64().expect("an id"));
    let store = crate::audit::open(&server).await;
    for at in 0..2500 {
        let (by, act) = (By::Owner, Act("user_updated:full_name"));
        let event = Event::without_request(by, act, Some(account), 1_790_000_000 + at);
        record_alone(&store, &event).await.expect("written");
    }
    let response = server.ask("GET", "/user/data", &token, None).await;
    assert!(!response.headers().contains_key(header::CONTENT_LENGTH), "it is sent as it is read");
    let data: Value =
        serde_json::from_str(&response.text().await.expect("all of it")).expect("JSON");
    assert_eq!(data["history"].as_array().expect("a list").len(), 2503);
    assert_eq!(server.ask("DELETE", "/user", &token, None).await.status(), StatusCode::OK);
    server.db_cleaned_up("SELECT COUNT(*) FROM accounts", 0).await;
    let parts = "SELECT COUNT(*) FROM audit_events WHERE event = 'user_deleted:part'";
    assert_eq!(server.db_count(parts).await, 2);
    let left = "SELECT COUNT(*) FROM audit_events WHERE account_id IS NOT NULL";
    assert_eq!(server.db_count(left).await, 0);
    let verified = latchkey::audit::verify(&store, None).await.expect("read");
    assert!(verified.is_ok(), "{verified:?}");
}

#[tokio::test]
async fn a_clock_that_has_jumped_ahead_deletes_nobody() {
    let server = TestServer::start_with(&[NODES_URL]).await;
    server.sign_up_json("alice").await;
    let token = server.token("alice").await;
    assert_eq!(server.ask("DELETE", "/user", &token, None).await.status(), StatusCode::OK);
    server.running.stop().await;
    // To the database it is fifteen days ago that a node was seen.
    let past = "UPDATE facts SET value = CAST(CAST(value AS BIGINT) - 1296000 AS TEXT) \
                WHERE name = 'clock_trusted_until'";
    let due = "UPDATE accounts SET delete_at = 1";
    let db = TestServer::db_at(&server.database_url).await;
    let noted = sqlx::query(past).execute(&db).await.expect("updated").rows_affected();
    assert_eq!(noted, 1);
    sqlx::query(due).execute(&db).await.expect("updated");
    let url = [("DATABASE_URL", &*server.database_url), NODES_URL];
    let node = TestServer::start_with(&url).await;
    // It has cleaned up as soon as what is over is forgotten.
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

#[tokio::test]
async fn downloads_of_one_account_leave_others_served() {
    let server = TestServer::start_with(&[("THROTTLE_ACTS", "1000000/1h")]).await;
    server.sign_up_json("alice").await;
    server.sign_up_json("bob").await;
    let token = server.token("alice").await;
    let account = json_of(server.profile(&format!("Bearer {token}")).await).await;
    let account = latchkey::domain::AccountId(account["id"].as_i64().expect("an id"));
    // Held as those hold them whose answers nobody takes in.
    let network = "127.0.0.1/32";
    let sending = &server.running.state.sending;
    let held: Vec<_> = (0..10).map_while(|_| sending.begin_download(network, account)).collect();
    assert_eq!(held.len(), 2);
    let refused = server.ask("GET", "/user/data", &token, None).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers().contains_key(header::RETRY_AFTER));
    let bob = server.token("bob").await;
    assert_eq!(server.ask("GET", "/user/data", &bob, None).await.status(), StatusCode::OK);
    assert_eq!(server.profile(&format!("Bearer {token}")).await.status(), StatusCode::OK);
    drop(held);
    assert_eq!(server.ask("GET", "/user/data", &token, None).await.status(), StatusCode::OK);
}
