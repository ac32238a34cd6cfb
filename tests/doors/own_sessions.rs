//! Your own sessions: listing and ending them, and the recent password that this and more requires.

use reqwest::{StatusCode, header};
use serde_json::{Value, json};

use crate::support::*;

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
    let expected = [
        "id",
        "current",
        "kind",
        "device",
        "method",
        "amr",
        "acr",
        "authTime",
        "network",
        "firstSeen",
        "lastSeen",
    ];
    assert_eq!(names, expected);
    assert_eq!((&current[0]["amr"], &current[0]["acr"]), (&json!(["pwd"]), &json!("aal1")));

    // Another account's session is not found, just like one that does not exist.
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
    // Sending a form that was loaded earlier leads there too.
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
        // A renewal keeps it that way.
        let fields = [("password", PASSWORD)];
        let response = browser.send("/confirm", "/api/confirm", &fields).await;
        let renewed = response.headers()[header::SET_COOKIE].to_str().expect("text");
        assert_eq!(renewed.contains("Max-Age"), kept, "{renewed}");
    }
}
