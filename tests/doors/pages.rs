//! The pages as HTML: headers, labels, and what works without JavaScript.

use std::collections::HashSet;

use reqwest::{StatusCode, header};

use crate::support::*;

#[tokio::test]
async fn every_answer_carries_the_protection() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    for path in [
        "/",
        "/signin",
        "/profile",
        "/docs",
        "/nope",
        "/healthz",
        "/favicon.svg",
        "/pkg/latchkey.css",
        "/pkg/nope.js",
        "/user/profile",
    ] {
        for response in [
            browser.get(path).await,
            program().get(server.url(path)).send().await.expect("an answer"),
        ] {
            let headers = response.headers();
            assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
            assert_eq!(headers["referrer-policy"], "same-origin");
            assert_eq!(headers["x-frame-options"], "DENY");
            assert_eq!(headers["cross-origin-opener-policy"], "same-origin");
            assert_eq!(headers["cross-origin-resource-policy"], "same-origin");
            assert!(headers.contains_key("permissions-policy"));
            assert!(!headers.contains_key("strict-transport-security"), "not over http");
            let policy = headers["content-security-policy"].to_str().expect("text");
            assert!(
                policy.starts_with("default-src 'none'") && !policy.contains("unsafe-inline"),
                "{policy}"
            );
            assert!(policy.contains("frame-ancestors 'none'"));
            let cache = headers["cache-control"].to_str().expect("text");
            let is_file = response.status() == 200
                && (path.starts_with("/pkg/") || path.starts_with("/favicon"));
            assert_eq!(cache == "no-store", !is_file, "{path}: {cache}");
            if response.status() != StatusCode::SEE_OTHER {
                assert!(headers.contains_key(header::CONTENT_TYPE), "{path}");
            }
        }
    }
}

#[tokio::test]
async fn every_response_has_a_nonce_of_its_own_and_every_script_carries_it() {
    let server = TestServer::start().await;
    let mut nonces = HashSet::new();
    for _ in 0..20 {
        let response = program().get(server.url("/signin")).send().await.expect("a page");
        let policy =
            response.headers()["content-security-policy"].to_str().expect("text").to_owned();
        let nonce =
            policy.split("'nonce-").nth(1).expect("a nonce").split('\'').next().expect("a nonce");
        assert!(nonce.len() >= 22, "128 bits: {nonce}");
        let page = response.text().await.expect("a page");
        let scripts = page.matches("<script").count();
        assert!(
            scripts > 0 && scripts == page.matches(&format!("<script nonce=\"{nonce}\"")).count()
        );
        assert!(!page.contains(" style=") && !page.contains(" onclick"));
        nonces.insert(nonce.to_owned());
    }
    assert_eq!(nonces.len(), 20);
}

#[tokio::test]
async fn the_fields_are_what_password_managers_expect() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let (sign_up, sign_in) = (browser.page("/signup").await, browser.page("/signin").await);
    for value in ["name", "username", "new-password"] {
        assert!(sign_up.contains(&format!("autocomplete=\"{value}\"")), "{value}");
    }
    for value in ["username webauthn", "current-password"] {
        assert!(sign_in.contains(&format!("autocomplete=\"{value}\"")), "{value}");
    }
    for page in [sign_up, sign_in] {
        assert!(page.contains("type=\"password\""));
        assert!(page.contains("<form method=\"post\""));
        assert!(page.contains("<html lang=\"en\">"));
    }
}

#[tokio::test]
async fn an_error_stands_beside_its_field_and_in_the_summary_that_gets_the_focus() {
    let server = TestServer::start().await;
    let fields = [("username", "a"), ("password", ""), ("fullName", "Alice")];
    let response = Browser::new(&server).send("/signup", "/api/sign_up", &fields).await;
    let page = response.text().await.expect("a page");
    assert_eq!(page.matches("autofocus").count(), 1, "{page}");
    assert!(page.contains("role=\"alert\" tabindex=\"-1\" autofocus"), "{page}");
    assert!(page.contains("href=\"#username\""));
    assert!(
        page.contains("aria-describedby=\"username-hint username-error\" aria-invalid=\"true\"")
    );
    assert!(page.contains("aria-describedby=\"fullName-error\" aria-invalid=\"false\""));
    // The third is on the field itself, for the island.
    assert_eq!(page.matches("Username must be at least 3 characters long").count(), 3);
    assert_eq!(page.matches(">Username must be at least 3 characters long<").count(), 2);
}

#[tokio::test]
async fn a_refused_form_is_a_page_unless_json_is_asked_for() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let token = form_token(&browser.page("/signin").await);
    for (accept, content_type) in [
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8"),
        ("*/*", "text/html; charset=utf-8"),
        ("application/json", "application/problem+json; charset=utf-8"),
        ("application/json, text/html;q=0", "application/problem+json; charset=utf-8"),
    ] {
        let request =
            browser.client.post(server.url("/api/sign_in")).header("origin", server.origin());
        let fields = [("form_token", &*token), ("username", "nobody"), ("password", "wrong wrong")];
        let response = request.header("accept", accept).form(&fields).send().await;
        let response = response.expect("an answer");
        assert_eq!(response.status(), 400, "{accept}");
        assert_eq!(response.headers()[header::CONTENT_TYPE], content_type, "{accept}");
    }
}

#[tokio::test]
async fn text_of_a_stranger_in_the_address_is_on_no_page() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let canary = "c2VydmVyIGVycm9yOiBDQU5BUlk";
    for path in [
        format!("/signin?__path=%2Fapi%2Fsign_in&__err={canary}"),
        format!("/signup?__path=%2Fapi%2Fsign_up&__err={canary}"),
        "/signin?error=CANARY&username=CANARY&message=CANARY".to_owned(),
        "/problems/CANARY".to_owned(),
        "/CANARY".to_owned(),
    ] {
        let page = browser.get(&path).await.text().await.expect("a page");
        assert!(!page.contains("CANARY") && !page.contains(canary), "{path}");
    }
    // Where to go next is kept in the form, and never as markup.
    let page = browser.page("/signin?next=/%3Cb%3ECANARY%22").await;
    assert!(page.contains("CANARY") && !page.contains("<b>CANARY") && !page.contains("CANARY\""));
    assert_eq!(hidden(&page, "next"), "/%3Cb%3ECANARY%22");
}

#[tokio::test]
async fn the_start_page_says_who_is_signed_in() {
    let server = TestServer::start().await;
    let stranger = Browser::new(&server).page("/").await;
    assert!(stranger.contains("href=\"/signup\"") && stranger.contains("href=\"/signin\""));
    let page = Browser::signed_up(&server, "alice").await.page("/").await;
    assert!(page.contains(">alice</strong>") && page.contains("href=\"/account\""));
}

#[tokio::test]
async fn the_profile_shows_the_account_and_a_way_out() {
    let server = TestServer::start().await;
    let page = Browser::signed_up(&server, "Alice").await.page("/profile").await;
    for text in [
        "Test Person",
        "Alice",
        "Member since",
        "<time datetime=",
        "action=\"/api/sign_out\"",
        "Sign out",
    ] {
        assert!(page.contains(text), "{text}");
    }
}

#[tokio::test]
async fn the_overview_says_what_there_is_to_know_and_leads_to_each_part() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    server.token("alice").await;
    assert!(!server.sign_in(Via::Json, "alice", "wrong wrong wrong").await.is_accepted());
    let page = browser.page("/account").await;
    for text in [
        "You're signed in on 2 devices.",
        "Failed sign-in: wrong password",
        "You sign in with a password.",
        "<a href=\"/profile\">Change your name</a>",
        "<a href=\"/account/security\">Change your password</a>",
        "<a href=\"/account/sessions\">Review your devices</a>",
        "<a href=\"/account/security#history\">See all activity</a>",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
}

#[tokio::test]
async fn someone_whose_session_has_ended_elsewhere_is_told_so() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    let elsewhere = Browser::signed_in(&server, "alice").await;
    let ended = elsewhere.submit("/account/sessions", "/api/end_other_sessions", &[]).await;
    assert!(ended.is_accepted(), "{ended:?}");
    let response = browser.get("/profile").await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(response.headers()[header::CONTENT_LENGTH], "0");
    assert_eq!(response.headers()[header::LOCATION], "/signin?next=%2Fprofile");
    assert!(browser.page("/signin").await.contains("You've been signed out."));
    assert!(!browser.page("/signin").await.contains("You've been signed out."), "once");
    let response = Browser::new(&server).get("/profile").await;
    assert!(!response.headers().contains_key(header::SET_COOKIE), "a stranger is not told");
}

#[tokio::test]
async fn an_unchecked_box_has_its_error_beside_it() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    let response = browser.send("/account/data", "/api/delete_account", &[]).await;
    let page = response.text().await.expect("a page");
    // The only error takes the focus to its field; there is no summary to say it twice.
    assert!(page.contains("id=\"confirmed-error\"") && !page.contains("role=\"alert\""), "{page}");
    assert_eq!(page.matches("autofocus").count(), 1, "{page}");
    assert!(page.contains("aria-describedby=\"confirmed-error\" aria-invalid=\"true\""), "{page}");
}

#[tokio::test]
async fn names_of_people_have_the_direction_of_their_script() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let fields = [("username", "محمد"), ("password", PASSWORD), ("fullName", "محمد علي")];
    assert!(browser.submit("/signup", "/api/sign_up", &fields).await.is_accepted());
    let page = browser.page("/account").await;
    assert!(page.contains("<h1><span dir=\"auto\">محمد علي</span></h1>"), "{page}");
    assert!(page.contains("<span dir=\"auto\">محمد علي</span>"), "{page}");
    let field = "value=\"محمد علي\" autocomplete=\"name\" autocapitalize=\"words\" \
                 spellcheck=\"false\" dir=\"auto\"";
    let page = browser.page("/profile").await;
    assert!(page.contains(field), "{page}");
}

#[tokio::test]
async fn the_overview_names_devices_only_if_the_password_was_entered_recently() {
    let server = TestServer::start_with(&[("PROOF_TTL", "1s")]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    eventually(async || browser.get("/account/sessions").await.status() == StatusCode::SEE_OTHER)
        .await;
    let page = browser.page("/account").await;
    assert!(page.contains("on this device only.") && !page.contains("Unknown device"), "{page}");
}

#[tokio::test]
async fn a_late_request_of_an_older_session_does_not_end_the_newer_one_in_the_browser() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    let old = Browser::with_session(&server.origin(), &browser.session());
    let confirmed = browser.submit("/confirm", "/api/confirm", &[("password", PASSWORD)]).await;
    assert!(confirmed.is_accepted(), "{confirmed:?}");
    let response = old.get("/profile").await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(cookie(&response, "latchkey"), None, "the newer cookie stays");
    assert!(!response.headers().contains_key("clear-site-data"));
    // What never was a session has not ended.
    let stranger = Browser::with_session(&server.origin(), "garbage").get("/profile").await;
    assert_eq!(cookie(&stranger, "latchkey-notice"), None);
}
