//! The pages in the reader's language.

use reqwest::{StatusCode, header};

use crate::support::*;

async fn page(server: &TestServer, path: &str, accept: &str) -> String {
    let request = program().get(server.url(path)).header(header::ACCEPT, "text/html");
    let request = request.header(header::ACCEPT_LANGUAGE, accept);
    request.send().await.expect("an answer").text().await.expect("a page")
}

#[tokio::test]
async fn a_page_is_in_the_language_that_the_browser_asks_for() {
    let server = TestServer::start().await;
    for path in ["/", "/signin", "/signup", "/docs", "/nowhere", "/problems/not-found"] {
        for (accept, language) in [("de-AT,de;q=0.9,en;q=0.8", "de"), ("fr", "en"), ("", "en")] {
            let page = page(&server, path, accept).await;
            assert!(page.contains(&format!("<html lang=\"{language}\">")), "{path} {accept}");
            assert_eq!(page.contains("Zum Inhalt springen"), language == "de", "{path} {accept}");
        }
    }
    let refused = server.sign_up(Via::Form, "a", PASSWORD, "A").await;
    assert!(refused.says("Username must be at least 3"), "{refused:?}");
}

#[tokio::test]
async fn a_language_that_was_chosen_stays_and_leads_back_to_the_page() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let page = browser.page("/").await;
    assert!(page.contains("href=\"/language/de?next=%2F\""), "{page}");
    let response = browser.get("/language/de?next=%2Fsignin%3Fnext%3D%252Fprofile").await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(response.headers()[header::LOCATION], "/signin?next=%2Fprofile");
    assert!(browser.page("/signin").await.contains("<h1>Anmelden</h1>"));
    let outcome = browser.submit("/signup", "/api/sign_up", &[("username", "a")]).await;
    assert!(outcome.says("Benutzername muss mindestens 3"), "{outcome:?}");
    assert_eq!(browser.get("/language/en?next=//evil").await.headers()["location"], "/profile");
    assert!(browser.page("/signin").await.contains("<h1>Sign in</h1>"));
    assert_eq!(browser.get("/language/xx").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_change_of_the_language_keeps_what_is_typed() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let typed =
        [("username", "a@b"), ("password", PASSWORD), ("fullName", "Zoë"), ("form_language", "de")];
    let response = browser.send("/signup", "/api/sign_up", &typed).await;
    assert_eq!(response.status(), StatusCode::OK);
    let page = response.text().await.expect("a page");
    assert!(page.contains("<h1>Konto anlegen</h1>") && page.contains("value=\"Zoë\""), "{page}");
    assert!(page.contains("value=\"a@b\"") && !page.contains(PASSWORD), "{page}");
    assert!(!page.contains("aria-invalid=\"true\""), "nothing was checked: {page}");
    assert_eq!(server.db_count("SELECT COUNT(*) FROM accounts").await, 0);
    assert!(browser.page("/").await.contains("<html lang=\"de\">"), "it stays");
    let typed = [
        ("username", "alice"),
        ("next", "/docs?a=b"),
        ("remember", "yes"),
        ("form_language", "en"),
    ];
    let response = browser.send("/signin", "/api/sign_in", &typed).await;
    let page = response.text().await.expect("a page");
    assert_eq!(hidden(&page, "next"), "/docs?a=b");
    assert!(page.contains("value=\"alice\"") && page.contains(" checked"), "{page}");
    assert!(page.contains("name=\"form_language\" value=\"de\""), "{page}");
    // Only pages of forms offer it that way.
    assert!(!browser.page("/").await.contains("form_language"));
}

#[tokio::test]
async fn a_change_of_the_language_shows_nothing_that_the_password_protects() {
    let server = TestServer::start_with(&[("PROOF_TTL", "1s")]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let token = form_token(&browser.page("/profile").await);
    eventually(async || browser.get("/account/security").await.status() == StatusCode::SEE_OTHER)
        .await;
    let fields = [("form_token", &*token), ("form_language", "de")];
    let page = browser.post("/api/change_password", &fields).await;
    assert_eq!(page.status(), StatusCode::OK);
    let page = page.text().await.expect("a page");
    assert!(page.contains("Neues Passwort") && !page.contains("Konto angelegt"), "{page}");
    // Without our token it is not even that.
    let refused = browser.post("/api/change_password", &[("form_language", "de")]).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let refused = refused.text().await.expect("a page");
    assert!(!refused.contains("Account created"), "{refused}");
}

#[tokio::test]
async fn programs_get_english_whatever_they_ask_for() {
    let server = TestServer::start().await;
    let body = serde_json::json!({"username": "a", "password": PASSWORD, "fullName": "A"});
    let request = program().post(server.url("/auth/signup")).json(&body);
    let request = request.header(header::ACCEPT_LANGUAGE, "de");
    let text = request.send().await.expect("an answer").text().await.expect("a body");
    assert!(text.contains("Username must be at least 3 characters long"), "{text}");
}

#[tokio::test]
async fn every_page_of_the_account_is_there_in_german() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    browser.get("/language/de").await;
    for (path, words) in [
        ("/", "Sie sind angemeldet als"),
        ("/account", "Sie sind nur auf diesem Gerät angemeldet"),
        ("/profile", "Mitglied seit"),
        ("/confirm", "Geben Sie zu Ihrer Sicherheit noch einmal Ihr Passwort ein"),
        ("/account/security", "Konto angelegt"),
        ("/account/sessions", "Dieses Gerät"),
        ("/account/data", "14 Tagen"),
    ] {
        let page = browser.page(path).await;
        assert!(page.contains(words), "{path}: {page}");
        assert!(page.contains("Abmelden") && page.contains("action=\"/api/sign_out\""), "{path}");
    }
}
