//! Guessing: limits that apply everywhere, reveal nothing, and never lock out the owner.

use reqwest::{Response, StatusCode, header};
use serde_json::json;

use crate::support::*;

const WRONG: &str = "wrong wrong wrong";

async fn wrong(server: &TestServer, username: &str) -> Response {
    server.post_json("/auth/signin", &json!({"username": username, "password": WRONG})).await
}

async fn use_up(server: &TestServer, username: &str) {
    for attempt in 0..10 {
        let response = wrong(server, username).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{attempt}");
    }
}

#[tokio::test]
async fn the_eleventh_wrong_try_in_a_minute_is_refused_through_both_doors_and_says_how_long() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    // The doors share one count.
    for attempt in 0..5 {
        for door in WAYS {
            let outcome = server.sign_in(door, "alice", WRONG).await;
            assert_eq!(outcome.status(), 400, "{door:?} {attempt}");
        }
    }
    let response = wrong(&server, "ALICE").await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS, "in any spelling");
    let wait: u64 = response.headers()[header::RETRY_AFTER]
        .to_str()
        .ok()
        .and_then(|seconds| seconds.parse().ok())
        .expect("seconds");
    assert!((1..=7).contains(&wait), "{wait}");
    let problem: serde_json::Value = response.json().await.expect("JSON");
    assert_eq!(problem["type"], "/problems/too-many-tries");
    let outcome = server.sign_in(Via::Form, "alice", PASSWORD).await;
    assert_eq!(outcome.status(), 429, "also with the right password");
    assert!(outcome.says("Try again in a minute"), "{outcome:?}");
    assert!(server.sign_up(Via::Form, "bob", PASSWORD, "B").await.is_accepted());
    assert!(server.sign_in(Via::Json, "bob", PASSWORD).await.is_accepted(), "nobody else");
}

#[tokio::test]
async fn a_limit_holds_over_a_restart_and_on_every_node() {
    let first = TestServer::start_with(&[NODES_URL]).await;
    let second = first.another_node().await;
    first.sign_up_json("alice").await;
    for attempt in 0..10 {
        let node = if attempt % 2 == 0 { &first } else { &second };
        assert_eq!(wrong(node, "alice").await.status(), StatusCode::BAD_REQUEST);
    }
    let third = first.another_node().await;
    for node in [&first, &second, &third] {
        assert_eq!(wrong(node, "alice").await.status(), StatusCode::TOO_MANY_REQUESTS);
    }
}

#[tokio::test]
async fn a_name_that_nobody_has_and_one_that_somebody_has_are_limited_alike() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let mut answers = Vec::new();
    for name in ["alice", "nobody-here"] {
        use_up(&server, name).await;
        let response = wrong(&server, name).await;
        let status = response.status();
        let mut headers: Vec<String> = response.headers().keys().map(ToString::to_string).collect();
        headers.sort();
        let mut body: serde_json::Value = response.json().await.expect("JSON");
        body["requestId"] = json!("");
        answers.push((status, headers, body));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0].0, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn whatever_strangers_do_the_owner_gets_in_from_a_device_that_is_known() {
    let server = TestServer::start_with(&[NODES_URL]).await;
    server.sign_up_json("mallory").await;
    let owner = Browser::signed_up(&server, "alice").await;
    assert_eq!(owner.send("/profile", "/api/sign_out", &[]).await.status(), 303);
    use_up(&server, "alice").await;
    assert_eq!(wrong(&server, "alice").await.status(), StatusCode::TOO_MANY_REQUESTS);
    let stranger = Browser::signed_in(&server, "mallory").await;
    stranger.send("/profile", "/api/sign_out", &[]).await;
    let right = [("username", "alice"), ("password", PASSWORD)];
    let outcome = stranger.submit("/signin", "/api/sign_in", &right).await;
    assert_eq!(outcome.status(), 429, "a device that is known to another account only");
    // On any node.
    let other = server.another_node().await;
    let outcome = owner.submit("/signin", "/api/sign_in", &right).await;
    assert!(outcome.is_accepted(), "{outcome:?}");
    other.running.stop().await;

    // That device is counted too, separately.
    owner.send("/profile", "/api/sign_out", &[]).await;
    let wrong = [("username", "alice"), ("password", WRONG)];
    for _ in 0..10 {
        assert_eq!(owner.submit("/signin", "/api/sign_in", &wrong).await.status(), 400);
    }
    assert_eq!(owner.submit("/signin", "/api/sign_in", &right).await.status(), 429);
}

#[tokio::test]
async fn a_device_cookie_that_is_not_ours_is_worth_nothing() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    use_up(&server, "alice").await;
    let tag = "A".repeat(43);
    for value in ["x", "", ".", &format!("{}.{tag}", "A".repeat(22)), &"a.".repeat(1000)] {
        let browser = Browser::new(&server);
        let page = browser.get("/signin").await;
        let visitor = cookie(&page, "latchkey-visitor").expect("a visitor");
        let token = form_token(&page.text().await.expect("a page"));
        let response = program()
            .post(server.url("/api/sign_in"))
            .header(header::ORIGIN, server.origin())
            .header(header::ACCEPT, "text/html")
            .header(header::COOKIE, format!("latchkey-visitor={visitor}; latchkey-device={value}"))
            .form(&[("form_token", &*token), ("username", "alice"), ("password", PASSWORD)])
            .send()
            .await
            .expect("an answer");
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS, "{value}");
    }
}

#[tokio::test]
async fn a_network_is_limited_and_no_header_of_a_stranger_changes_which_it_is() {
    let server = TestServer::start_with(&[("THROTTLE_NETWORK", "5/1h")]).await;
    server.sign_up_json("alice").await;
    let attempt = async |index: usize| {
        let body = json!({"username": format!("nobody-{index}"), "password": WRONG});
        let request = program().post(server.url("/auth/signin")).json(&body);
        let request = request
            .header("x-forwarded-for", format!("203.0.113.{index}"))
            .header("forwarded", format!("for=203.0.113.{index}"))
            .header("x-real-ip", format!("203.0.113.{index}"));
        request.send().await.expect("an answer").status()
    };
    for index in 0..5 {
        assert_eq!(attempt(index).await, StatusCode::BAD_REQUEST);
    }
    assert_eq!(attempt(6).await, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn behind_a_proxy_of_ours_the_client_is_counted_and_not_the_proxy() {
    let settings = [("THROTTLE_NETWORK", "2/1h"), ("TRUSTED_PROXIES", "127.0.0.1")];
    let server = TestServer::start_with(&settings).await;
    let attempt = async |client: &str, index: usize| {
        let body = json!({"username": format!("nobody-{index}"), "password": WRONG});
        let request = program().post(server.url("/auth/signin")).json(&body);
        let request = request.header("x-forwarded-for", format!("6.6.6.{index}, {client}"));
        request.send().await.expect("an answer").status()
    };
    for index in 0..2 {
        assert_eq!(attempt("2001:db8:1:2::1", index).await, StatusCode::BAD_REQUEST);
    }
    // The same /64, whatever precedes it in the header.
    let limited = attempt("2001:db8:1:2:ffff::9", 3).await;
    assert_eq!(limited, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(attempt("2001:db8:1:3::1", 4).await, StatusCode::BAD_REQUEST);
    assert_eq!(attempt("192.0.2.1", 5).await, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn all_strangers_together_are_limited_and_known_devices_are_not() {
    let server = TestServer::start_with(&[("THROTTLE_TOTAL", "3/1h")]).await;
    let owner = Browser::signed_up(&server, "alice").await;
    owner.send("/profile", "/api/sign_out", &[]).await;
    for index in 0..3 {
        let response = wrong(&server, &format!("nobody-{index}")).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    }
    assert_eq!(wrong(&server, "nobody-9").await.status(), StatusCode::TOO_MANY_REQUESTS);
    let right = [("username", "alice"), ("password", PASSWORD)];
    assert!(owner.submit("/signin", "/api/sign_in", &right).await.is_accepted());
}

#[tokio::test]
async fn of_many_guesses_at_once_those_after_the_limit_are_refused_alike_the_right_one_too() {
    let server = TestServer::start_with(&[("THROTTLE_ACCOUNT", "10/1h")]).await;
    server.sign_up_json("alice").await;
    let guess = |password: String| {
        let body = json!({"username": "alice", "password": password});
        let request = program().post(server.url("/auth/signin")).json(&body);
        tokio::spawn(async move { request.send().await.expect("an answer").status() })
    };
    // All are let in before any of them is counted. The right one is among the last.
    let mut guesses: Vec<_> = (0..60).map(|index| guess(format!("guess number {index}"))).collect();
    guesses.push(guess(PASSWORD.to_owned()));
    let mut statuses = Vec::new();
    for one in guesses {
        statuses.push(one.await.expect("an answer").as_u16());
    }
    let told = statuses.iter().filter(|status| **status == 400).count();
    assert_eq!(told, 10, "as many as the limit");
    assert!(statuses.iter().all(|status| [400, 429].contains(status)), "{statuses:?}");
}

#[tokio::test]
async fn many_right_sign_ins_at_once_do_not_hold_each_other_up() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let body = json!({"username": "alice", "password": PASSWORD});
    let tries: Vec<_> = (0..40)
        .map(|_| {
            let request = program().post(server.url("/auth/signin")).json(&body);
            tokio::spawn(async move { request.send().await.expect("an answer").status() })
        })
        .collect();
    for one in tries {
        assert_eq!(one.await.expect("an answer"), StatusCode::OK);
    }
}

#[tokio::test]
async fn sign_ups_are_limited_by_network() {
    let server = TestServer::start_with(&[("THROTTLE_SIGN_UP", "3/1h")]).await;
    server.sign_up_json("alice").await;
    assert!(server.sign_up(Via::Form, "bob", PASSWORD, "B").await.is_accepted());
    assert_eq!(server.sign_up(Via::Json, "alice", PASSWORD, "A").await.status(), 400, "taken");
    for door in WAYS {
        let outcome = server.sign_up(door, "carol", PASSWORD, "C").await;
        assert_eq!(outcome.status(), 429, "{door:?}");
    }
}

#[tokio::test]
async fn of_many_sign_ups_at_once_those_after_the_limit_are_refused() {
    let server = TestServer::start_with(&[("THROTTLE_SIGN_UP", "5/1h")]).await;
    let names: Vec<String> = (0..40).map(|n| format!("person{n}")).collect();
    let at_once = names.iter().map(|name| server.sign_up(Via::Json, name, PASSWORD, "P"));
    let outcomes = futures_util::future::join_all(at_once).await;
    let with = |status| outcomes.iter().filter(|outcome| outcome.status() == status).count();
    assert_eq!((with(200), with(429)), (5, 35));
}

#[tokio::test]
async fn many_sign_ups_at_once_count_as_much_as_one_after_the_other() {
    let server = TestServer::start_with(&[("THROTTLE_SIGN_UP", "60/1h")]).await;
    let names: Vec<String> = (0..30).map(|n| format!("person{n}")).collect();
    let now = || std::time::UNIX_EPOCH.elapsed().expect("a time").as_millis();
    let before = now();
    let at_once = names.iter().map(|name| server.sign_up(Via::Json, name, PASSWORD, "P"));
    let outcomes = futures_util::future::join_all(at_once).await;
    assert!(outcomes.iter().all(|outcome| outcome.status() == 200));
    let tat: Vec<i64> = sqlx::query_scalar("SELECT tat FROM throttle")
        .fetch_all(&server.db().await)
        .await
        .expect("the counter");
    let minute = 60_000;
    let began: Vec<u128> = tat.iter().map(|tat| tat.unsigned_abs() as u128 - 30 * minute).collect();
    assert!(began.len() == 1 && (before..=now()).contains(&began[0]), "{before} {began:?}");
}

#[tokio::test]
async fn who_is_signed_in_cannot_guess_the_password_for_long() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let token = server.token("alice").await;
    let body = json!({"password": WRONG});
    for _ in 0..10 {
        let response = server.ask("POST", "/auth/confirm", &token, Some(&body)).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    }
    let body = json!({"currentPassword": PASSWORD, "newPassword": "another horse and battery"});
    let response = server.ask("POST", "/user/password", &token, Some(&body)).await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    // A thief with that session cannot lock out the owner.
    let token = server.token("alice").await;
    let response = server.ask("POST", "/user/password", &token, Some(&body)).await;
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn tokens_and_links_that_are_none_are_limited_and_keep_no_good_one_out() {
    let server = TestServer::start_with(&[("THROTTLE_NETWORK", "3/1h")]).await;
    server.sign_up_json("alice").await;
    let good = server.refreshable("alice").await;
    for attempt in 0..6 {
        let expected = if attempt < 3 { 401 } else { 429 };
        let status = server.refresh(&format!("{attempt}{}", "A".repeat(42))).await.status();
        assert_eq!(status, expected, "{attempt}");
    }
    let page = format!("/set-password?link={}", "x".repeat(43));
    let link = Browser::new(&server).arrive(&page).await.status();
    assert_eq!(link, StatusCode::TOO_MANY_REQUESTS);
    let refreshed = server.refresh(good["refreshToken"].as_str().expect("a token")).await;
    assert_eq!(refreshed.status(), StatusCode::OK);
    assert!(server.sign_in(Via::Form, "alice", PASSWORD).await.is_accepted(), "counted apart");
}

#[tokio::test]
async fn a_session_cannot_fill_the_disk_and_keeps_nobody_from_defending_the_account() {
    let server = TestServer::start_with(&[("THROTTLE_ACTS", "3/1h")]).await;
    for name in ["alice", "bob"] {
        server.sign_up_json(name).await;
    }
    let tokens = server.refreshable("alice").await;
    let token = tokens["accessToken"].as_str().expect("a token");
    let change = async |token: &str, name: usize| {
        let body = json!({"fullName": format!("Person {name}")});
        server.ask("PATCH", "/user/profile", token, Some(&body)).await.status()
    };
    for name in 0..3 {
        assert_eq!(change(token, name).await, StatusCode::OK);
    }
    assert_eq!(change(token, 3).await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(change(&server.token("bob").await, 3).await, StatusCode::OK);
    // Whatever a thief has done with this token, the owner can still refresh, confirm, end sessions
    // and change the password.
    let owner = server.token("alice").await;
    assert_eq!(change(&owner, 4).await, StatusCode::OK);
    let refresh = tokens["refreshToken"].as_str().expect("a token");
    assert_eq!(server.refresh(refresh).await.status(), StatusCode::OK);
    let body = json!({"password": PASSWORD});
    let confirmed = server.ask("POST", "/auth/confirm", token, Some(&body)).await;
    assert_eq!(confirmed.status(), StatusCode::OK);
    let tokens: serde_json::Value = confirmed.json().await.expect("JSON");
    let token = tokens["accessToken"].as_str().expect("a token");
    let others = server.ask("DELETE", "/user/sessions", token, None).await;
    assert_eq!(others.status(), StatusCode::NO_CONTENT);
    let body = json!({"currentPassword": PASSWORD, "newPassword": "another horse and battery"});
    let changed = server.ask("POST", "/user/password", token, Some(&body)).await;
    assert_eq!(changed.status(), StatusCode::OK);
}

#[tokio::test]
async fn counters_tell_nobody_who_was_counted_and_are_forgotten() {
    let server = TestServer::start_with(&[
        ("THROTTLE_ACCOUNT", "5/1s"),
        ("THROTTLE_NETWORK", "5/1s"),
        ("THROTTLE_TOTAL", "5/1s"),
        ("THROTTLE_SIGN_UP", "100/1s"),
        NODES_URL,
    ])
    .await;
    wrong(&server, "canary-name").await;
    let db = server.db().await;
    let keys: Vec<String> =
        sqlx::query_scalar("SELECT key FROM throttle").fetch_all(&db).await.expect("keys");
    assert_eq!(keys.len(), 3);
    assert!(keys.iter().all(|key| key.len() == 43 && !key.contains("canary")), "{keys:?}");
    db.close().await;
    server.db_cleaned_up("SELECT COUNT(*) FROM throttle", 0).await;
}

#[tokio::test]
async fn a_guess_that_is_refused_writes_nothing_that_tells_whether_it_was_right() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    // As if imported: the hash is of `PASSWORD`.
    let hash = "pbkdf2_sha256$100000$saltsaltsalt$bU0y7gxYKs8cHtPO79Ft3naB8+WaP8nxpz3RpKOGiEU=";
    let db = server.db().await;
    let imported = "UPDATE passwords SET hash = $1";
    sqlx::query(imported).bind(hash).execute(&db).await.expect("updated");
    use_up(&server, "alice").await;
    for door in WAYS {
        assert_eq!(server.sign_in(door, "alice", PASSWORD).await.status(), 429);
        assert_eq!(server.sign_in(door, "alice", WRONG).await.status(), 429);
    }
    // Forty at once, with the right one among them: whatever the answers, the hash is only replaced
    // for a try that was let in.
    server.sign_up_json("bob").await;
    sqlx::query(imported).bind(hash).execute(&db).await.expect("updated");
    let tries = (0..40).map(|index| {
        let password = if index == 35 { PASSWORD } else { WRONG };
        let body = json!({"username": "bob", "password": password});
        let request = program().post(server.url("/auth/signin")).json(&body);
        async move { (index, request.send().await.expect("an answer").status()) }
    });
    let answers = futures_util::future::join_all(tries).await;
    let let_in = answers.iter().any(|(index, status)| *index == 35 && *status == 200);
    let new: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM accounts JOIN passwords ON account_id = id WHERE username = 'bob' AND hash LIKE '$argon2id%'",
    )
    .fetch_one(&db)
    .await
    .expect("a count");
    assert_eq!(new == 1, let_in, "{answers:?}");
    db.close().await;
}

#[tokio::test]
async fn no_answer_tells_that_a_password_was_right_after_too_many_were_wrong() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let token = server.token("alice").await;
    let guess = async |password: &str| {
        // With the right one, the answer would be that the new password is the current one.
        let body = json!({"currentPassword": password, "newPassword": password});
        let response = server.ask("POST", "/user/password", &token, Some(&body)).await;
        (response.status(), response.text().await.expect("text"))
    };
    let wrong =
        futures_util::future::join_all((0..30).map(|_| guess("correct horse battery stable")));
    let right = async {
        eventually(async || server.running.state.passwords.queue().0 >= 15).await;
        guess(PASSWORD).await
    };
    let (wrong, (status, text)) = tokio::join!(wrong, right);
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS, "{text}");
    let told = wrong.iter().filter(|(status, _)| *status == StatusCode::BAD_REQUEST).count();
    assert_eq!(told, 10);
}

#[tokio::test]
async fn a_used_link_is_no_way_to_guess_the_password() {
    let server = TestServer::start_with(&[("THROTTLE_NETWORK", "3/1h")]).await;
    let account = server.sign_up_json("alice").await;
    let account = latchkey::domain::AccountId(account["id"].as_i64().expect("an id"));
    let store = &server.running.state.store;
    let link = latchkey::sign_in::password::make_link(
        store,
        &latchkey::audit::Authority::command_line(),
        account,
    )
    .await
    .expect("a link");
    let browser = Browser::new(&server);
    let page = format!("/set-password?link={link}");
    let form = form_token(&browser.arrive(&page).await.text().await.expect("a page"));
    let set = async |password: &str| {
        let fields = [("form_token", &*form), ("link", &*link), ("newPassword", password)];
        browser.post("/api/set_password", &fields).await.status()
    };
    let new = "another horse and battery";
    assert_eq!(set(new).await, StatusCode::SEE_OTHER);
    assert_eq!(set(new).await, StatusCode::SEE_OTHER, "sent twice");
    for _ in 0..3 {
        assert_ne!(set("yet another horse, and wrong").await, StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(set("yet another horse, and wrong").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(set(new).await, StatusCode::TOO_MANY_REQUESTS, "the right one, too");
}

#[tokio::test]
async fn a_clock_that_ran_ahead_for_a_moment_limits_nobody_for_longer_than_the_limit_itself() {
    let server = TestServer::start_with(&[NODES_URL]).await;
    server.sign_up_json("alice").await;
    assert_eq!(wrong(&server, "alice").await.status(), StatusCode::BAD_REQUEST);
    // A try would have written this with a clock thirty days ahead.
    let db = server.db().await;
    let ahead = "UPDATE throttle SET tat = tat + 2592000000";
    sqlx::query(ahead).execute(&db).await.expect("updated");
    for node in [server.another_node().await, server.another_node().await] {
        for door in WAYS {
            assert!(node.sign_in(door, "alice", PASSWORD).await.is_accepted(), "{door:?}");
        }
        assert_eq!(wrong(&node, "alice").await.status(), StatusCode::BAD_REQUEST);
    }
    db.close().await;
}

#[tokio::test]
async fn a_thief_on_another_network_keeps_the_owner_from_proving_nothing() {
    let server = TestServer::start_with(&[("TRUSTED_PROXIES", "127.0.0.1")]).await;
    server.sign_up_json("alice").await;
    let token = server.token("alice").await;
    let confirm = async |from: &str, password: &str| {
        let request = program().post(server.url("/auth/confirm")).bearer_auth(&token);
        let request = request.header("x-forwarded-for", from);
        request.json(&json!({"password": password})).send().await.expect("an answer").status()
    };
    for _ in 0..10 {
        assert_eq!(confirm("203.0.113.9", WRONG).await, StatusCode::BAD_REQUEST);
    }
    assert_eq!(confirm("203.0.113.9", WRONG).await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(confirm("198.51.100.7", PASSWORD).await, StatusCode::OK);
}
