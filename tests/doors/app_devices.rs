//! Devices without a browser or a keyboard (RFC 8628): a code, a person who sees what asks, and one use.

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::{
    app_support::*,
    support::{Browser, PASSWORD, TestServer, eventually, form_token, program},
};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// An app for TVs, and a person who is signed in.
async fn with_tv(options: &[&str]) -> (TestServer, App, Browser) {
    let server = TestServer::start().await;
    let app = add_tv(&server, options).await;
    let browser = Browser::signed_up(&server, "alice").await;
    (server, app, browser)
}

async fn add_tv(server: &TestServer, options: &[&str]) -> App {
    let mut arguments = vec!["app", "add", "TV", "--json", "--device", "--public"];
    arguments.extend(options);
    let made: Value = serde_json::from_str(&operate(server, &arguments)).expect("JSON");
    let (id, secret) = (text(&made, "client_id").to_owned(), None);
    let app = App { id, secret, redirect_uri: String::new() };
    eventually(async || begin(server, &app, "openid").await.status() == StatusCode::OK).await;
    app
}

async fn begin(server: &TestServer, app: &App, scope: &str) -> Response {
    app.post(server, "/device_authorization", &[("scope", scope)]).await
}

async fn begun(server: &TestServer, app: &App, scope: &str) -> Value {
    ok(begin(server, app, scope).await).await
}

async fn poll(server: &TestServer, app: &App, code: &Value) -> Response {
    let fields = [("grant_type", GRANT), ("device_code", text(code, "device_code"))];
    app.post(server, "/token", &fields).await
}

/// Types a code, and returns the page that asks.
async fn typed(browser: &Browser, code: &str) -> Response {
    let page = browser.page("/device").await;
    let fields = [("form_token", &*form_token(&page)), ("code", code)];
    let answer = browser.post("/api/enter_device_code", &fields).await;
    if answer.status() != StatusCode::SEE_OTHER {
        return answer;
    }
    browser.get(&location(&answer)).await
}

async fn decide(browser: &Browser, page: &str, code: &str, agrees: bool) -> Response {
    let agree = if agrees { "yes" } else { "" };
    let fields = [("form_token", &*form_token(page)), ("user_code", code), ("agree", agree)];
    browser.post("/api/decide_device", &fields).await
}

/// Types the code and agrees.
async fn approve(browser: &Browser, code: &Value) {
    let code = text(code, "user_code");
    let page = typed(browser, code).await.text().await.expect("text");
    let answer = decide(browser, &page, code, true).await;
    assert_eq!(location(&answer), "/account/apps");
}

#[tokio::test]
async fn a_tv_is_signed_in_by_a_person_who_types_its_code() {
    let (server, app, browser) = with_tv(&[]).await;
    let code = begun(&server, &app, "openid profile offline_access").await;
    let (user_code, page) = (text(&code, "user_code"), text(&code, "verification_uri"));
    assert_eq!((user_code.len(), &user_code[4..5]), (9, "-"));
    assert!(!user_code.contains(['A', 'E', 'I', 'O', 'U', 'Y']));
    assert!(page.ends_with("/device"));
    let complete = text(&code, "verification_uri_complete");
    assert_eq!(complete, format!("{page}?user_code={user_code}"));
    assert_eq!((&code["expires_in"], &code["interval"]), (&json!(600), &json!(5)));
    assert_eq!(error(poll(&server, &app, &code).await, 400).await, "authorization_pending");

    let page = typed(&browser, &user_code.to_lowercase().replace('-', " ")).await;
    let page = page.text().await.expect("text");
    for shown in ["TV", user_code, "127.0.0.x", "alice", "your name and your username"] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    // Seeing it is not agreeing to it.
    let still = poll(&server, &app, &code).await;
    assert!(["authorization_pending", "slow_down"].contains(&&*error(still, 400).await));
    let answer = decide(&browser, &page, user_code, true).await;
    assert_eq!(location(&answer), "/account/apps");

    let tokens = ok(poll(&server, &app, &code).await).await;
    let claims = claims(text(&tokens, "id_token"));
    assert_eq!((&claims["preferred_username"], &claims["amr"]), (&json!("alice"), &json!(["pwd"])));
    let again = poll(&server, &app, &code).await;
    assert_eq!(error(again, 400).await, "invalid_grant");
    let next = ok(app.refresh(&server, text(&tokens, "refresh_token")).await).await;
    assert_eq!(next["scope"], "openid profile offline_access");
}

#[tokio::test]
async fn the_link_with_the_code_fills_in_the_code_and_agrees_to_nothing() {
    let (server, app, browser) = with_tv(&[]).await;
    let code = begun(&server, &app, "openid").await;
    let path = format!("/device?user_code={}", text(&code, "user_code"));
    let page = browser.page(&path).await;
    assert!(page.contains(&format!("value=\"{}\"", text(&code, "user_code"))), "{page}");
    assert_eq!(error(poll(&server, &app, &code).await, 400).await, "authorization_pending");
    // A stranger signs in first, and comes back to it.
    let stranger = Browser::new(&server).get(&path).await;
    assert!(location(&stranger).starts_with("/signin?next=%2Fdevice%3Fuser_code"));
    // The page of the decision shows nothing that was not typed here.
    let to = browser.get(&path.replace("/device?", "/device/confirm?")).await;
    assert_eq!(location(&to), path);
}

#[tokio::test]
async fn a_device_stays_signed_in_when_the_person_signs_out_and_ends_with_its_own_session() {
    let (server, app, browser) = with_tv(&[]).await;
    let code = begun(&server, &app, "openid offline_access").await;
    approve(&browser, &code).await;
    let tokens = ok(poll(&server, &app, &code).await).await;
    let page = browser.page("/account").await;
    browser.post("/api/sign_out", &[("form_token", &form_token(&page))]).await;
    let tokens = ok(app.refresh(&server, text(&tokens, "refresh_token")).await).await;

    let token = server.token("alice").await;
    let sessions = ok(server.ask("GET", "/user/sessions", &token, None).await).await;
    let others = sessions["sessions"].as_array().expect("a list").len();
    assert!(others >= 2, "{sessions}");
    let ended = server.ask("DELETE", "/user/sessions", &token, None).await;
    assert!(ended.status().is_success(), "{}", ended.status());
    let again = app.refresh(&server, text(&tokens, "refresh_token")).await;
    assert_eq!(error(again, 400).await, "invalid_grant");
}

#[tokio::test]
async fn a_device_that_asks_too_often_is_slowed_down() {
    let (server, app, _) = with_tv(&[]).await;
    let code = begun(&server, &app, "openid").await;
    assert_eq!(error(poll(&server, &app, &code).await, 400).await, "authorization_pending");
    assert_eq!(error(poll(&server, &app, &code).await, 400).await, "slow_down");
    let pause = server.db_count("SELECT MAX(pause) FROM device_requests").await;
    assert_eq!(pause, 10);
}

#[tokio::test]
async fn the_person_can_say_no() {
    let (server, app, browser) = with_tv(&[]).await;
    let code = begun(&server, &app, "openid").await;
    let user_code = text(&code, "user_code");
    let page = typed(&browser, user_code).await.text().await.expect("text");
    decide(&browser, &page, user_code, false).await;
    assert_eq!(error(poll(&server, &app, &code).await, 400).await, "access_denied");
    // And not change their mind afterwards.
    let answer = decide(&browser, &page, user_code, true).await;
    assert_eq!(location(&answer), "/device");
    assert_eq!(error(poll(&server, &app, &code).await, 400).await, "access_denied");
}

#[tokio::test]
async fn nobody_agrees_to_what_somebody_else_has_typed() {
    let (server, app, browser) = with_tv(&[]).await;
    let code = begun(&server, &app, "openid").await;
    let user_code = text(&code, "user_code");
    let page = typed(&browser, user_code).await.text().await.expect("text");

    let other = Browser::signed_up(&server, "bob").await;
    let refused = typed(&other, user_code).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    // With a token of bob's own, and the code.
    let own = other.page("/device").await;
    assert_eq!(location(&decide(&other, &own, user_code, true).await), "/device");
    // With alice's token in bob's session.
    let forged = decide(&other, &page, user_code, true).await;
    assert_eq!(forged.status(), StatusCode::FORBIDDEN);
    // Another session of alice's has not seen it either.
    let elsewhere = Browser::signed_in(&server, "alice").await;
    let own = elsewhere.page("/device").await;
    assert_eq!(location(&decide(&elsewhere, &own, user_code, true).await), "/device");
    let pending = error(poll(&server, &app, &code).await, 400).await;
    assert_eq!(pending, "authorization_pending");
}

#[tokio::test]
async fn a_program_with_a_token_types_no_codes() {
    let (server, app, _) = with_tv(&[]).await;
    let (code, token) = (begun(&server, &app, "openid").await, server.token("alice").await);
    let fields = [("user_code", text(&code, "user_code")), ("agree", "yes")];
    let request = program().post(server.url("/api/decide_device")).bearer_auth(token);
    let answer = request.form(&fields).send().await.expect("an answer");
    assert!(answer.status().is_client_error());
    assert_eq!(error(poll(&server, &app, &code).await, 400).await, "authorization_pending");
}

#[tokio::test]
async fn codes_cannot_be_guessed() {
    let server = TestServer::start_with(&[("THROTTLE_ACCOUNT", "10/1h")]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let mut statuses = Vec::new();
    for letter in "BCDFGHJKLMN".chars() {
        let guess = format!("{letter}BBB-BBBB");
        statuses.push(typed(&browser, &guess).await.status().as_u16());
    }
    assert_eq!(statuses[0], 400);
    assert_eq!(statuses[10], 429);
}

#[tokio::test]
async fn db_a_code_expires() {
    let (server, app, browser) = with_tv(&[]).await;
    let code = begun(&server, &app, "openid").await;
    server.db_execute("UPDATE device_requests SET expires_at = expires_at - 601").await;
    assert_eq!(error(poll(&server, &app, &code).await, 400).await, "expired_token");
    assert_eq!(typed(&browser, text(&code, "user_code")).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_approval_is_worth_nothing_once_the_password_has_changed() {
    let (server, app, browser) = with_tv(&[]).await;
    let code = begun(&server, &app, "openid").await;
    approve(&browser, &code).await;
    let body = json!({"currentPassword": PASSWORD, "newPassword": "another horse and battery"});
    let token = server.token("alice").await;
    let changed = server.ask("POST", "/user/password", &token, Some(&body)).await;
    assert!(changed.status().is_success(), "{}", changed.status());
    assert_eq!(error(poll(&server, &app, &code).await, 400).await, "access_denied");
}

#[tokio::test]
async fn an_approval_is_worth_nothing_once_its_owner_takes_it_back_or_signs_out_everywhere() {
    let (server, app, browser) = with_tv(&["--third-party"]).await;
    let token = server.token("alice").await;
    let code = begun(&server, &app, "openid").await;
    approve(&browser, &code).await;
    let path = format!("/user/apps/{}", app.id);
    let taken = server.ask("DELETE", &path, &token, None).await;
    assert_eq!(taken.status(), StatusCode::NO_CONTENT);
    assert_eq!(error(poll(&server, &app, &code).await, 400).await, "access_denied");

    let code = begun(&server, &app, "openid").await;
    approve(&browser, &code).await;
    let ended = server.ask("DELETE", "/user/sessions", &token, None).await;
    assert!(ended.status().is_success());
    assert_eq!(error(poll(&server, &app, &code).await, 400).await, "access_denied");
    // The person may leave the phone.
    let browser = Browser::signed_in(&server, "alice").await;
    let code = begun(&server, &app, "openid").await;
    approve(&browser, &code).await;
    let page = browser.page("/account").await;
    browser.post("/api/sign_out", &[("form_token", &form_token(&page))]).await;
    assert_eq!(poll(&server, &app, &code).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_device_that_is_refused_after_all_leaves_no_session() {
    let (server, app, browser) = with_tv(&["--group", "family"]).await;
    operate(&server, &["user", "groups", "alice", "--add", "family"]);
    let code = begun(&server, &app, "openid").await;
    approve(&browser, &code).await;
    operate(&server, &["user", "groups", "alice", "--remove", "family"]);
    let before = server.db_count("SELECT COUNT(*) FROM sessions").await;
    assert_eq!(error(poll(&server, &app, &code).await, 400).await, "access_denied");
    assert_eq!(server.db_count("SELECT COUNT(*) FROM sessions").await, before);
}

#[tokio::test]
async fn of_many_polls_at_once_one_gets_the_tokens() {
    let (server, app, browser) = with_tv(&[]).await;
    let code = begun(&server, &app, "openid offline_access").await;
    approve(&browser, &code).await;
    let polls = (0..10).map(|_| poll(&server, &app, &code));
    let answers = futures_util::future::join_all(polls).await;
    let good = answers.iter().filter(|answer| answer.status() == StatusCode::OK).count();
    assert_eq!(good, 1);
}

#[tokio::test]
async fn another_app_cannot_use_a_device_code() {
    let (server, app, browser) = with_tv(&[]).await;
    let other = add_tv(&server, &[]).await;
    let code = begun(&server, &app, "openid").await;
    approve(&browser, &code).await;
    assert_eq!(error(poll(&server, &other, &code).await, 400).await, "invalid_grant");
    assert_eq!(poll(&server, &app, &code).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn an_app_that_was_not_allowed_it_has_no_device_flow() {
    let server = TestServer::start().await;
    let app = App::add(&server, "Wiki", &[]).await;
    assert_eq!(error(begin(&server, &app, "openid").await, 400).await, "unauthorized_client");
    let code = json!({"device_code": "x"});
    assert_eq!(error(poll(&server, &app, &code).await, 400).await, "unauthorized_client");
}

#[tokio::test]
async fn an_outsider_of_the_group_cannot_let_a_device_in() {
    let (server, app, browser) = with_tv(&["--group", "family"]).await;
    let code = begun(&server, &app, "openid").await;
    let user_code = text(&code, "user_code");
    let barred = typed(&browser, user_code).await;
    assert_eq!(barred.status(), StatusCode::FORBIDDEN);
    assert!(barred.text().await.expect("text").contains("only for some of the people"));
    assert_eq!(error(poll(&server, &app, &code).await, 400).await, "access_denied");
    operate(&server, &["user", "groups", "alice", "--add", "family"]);
    let code = begun(&server, &app, "openid").await;
    let user_code = text(&code, "user_code");
    let page = typed(&browser, user_code).await.text().await.expect("text");
    decide(&browser, &page, user_code, true).await;
    assert_eq!(poll(&server, &app, &code).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn an_app_that_anybody_could_be_cannot_fill_the_database() {
    let server = TestServer::start_with(&[("THROTTLE_REQUESTS", "20/1h")]).await;
    let app = add_tv(&server, &[]).await;
    let mut last = StatusCode::OK;
    for _ in 0..20 {
        last = begin(&server, &app, "openid").await.status();
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}
