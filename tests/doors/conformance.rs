//! What the OpenID Foundation's profiles *Basic OP* and *Config OP* test, as far as no other file does:
//! docs/conformance.md has the whole list.

use reqwest::{StatusCode, header};
use serde_json::Value;

use crate::{
    app_support::*,
    openid::checked,
    support::{Browser, TestServer, eventually, program},
};

async fn with_app(options: &[&str]) -> (TestServer, App, Browser) {
    let server = TestServer::start().await;
    let app = App::add(&server, "Wiki", options).await;
    let browser = Browser::signed_up(&server, "alice").await;
    (server, app, browser)
}

#[tokio::test]
async fn parameters_that_mean_nothing_here_are_ignored() {
    let (server, app, browser) = with_app(&[]).await;
    for changes in [
        &[("nonce", "")][..],
        &[("state", "")],
        &[("extra", "foobar")],
        &[("display", "page")],
        &[("display", "popup")],
        &[("ui_locales", "se")],
        &[("claims_locales", "se")],
        &[("acr_values", "1 2")],
        &[("login_hint", "bob@example.org")],
        &[("scope", "email openid profile")],
        &[("scope", "openid address phone")],
        &[("max_age", "10000")],
        &[("claims", r#"{"userinfo":{"name":{"essential":true}}}"#)],
    ] {
        let tokens = app.tokens(&server, &browser, changes).await;
        let claims = checked(&server, text(&tokens, "id_token"), &app.id).await;
        assert_eq!(claims.get("nonce").is_none(), changes[0] == ("nonce", ""), "{changes:?}");
    }
    let back = app.come_back(&browser, &[("state", "")]).await;
    assert!(param(&back, "state").is_none());
}

#[tokio::test]
async fn userinfo_is_there_by_get_and_post_with_the_token_in_the_header_or_the_body() {
    let (server, app, browser) = with_app(&[]).await;
    let tokens = app.tokens(&server, &browser, &[]).await;
    let (access, url) = (text(&tokens, "access_token"), server.url("/userinfo"));
    for request in [
        program().get(&url).bearer_auth(access),
        program().post(&url).bearer_auth(access),
        program().post(&url).form(&[("access_token", access)]),
    ] {
        let info = ok(request.send().await.expect("an answer")).await;
        assert_eq!(info["sub"], claims(access)["sub"]);
    }
    let nothing = program().get(&url).send().await.expect("an answer");
    assert_eq!(nothing.headers()[header::WWW_AUTHENTICATE], "Bearer");
    let wrong = program().get(&url).bearer_auth("x").send().await.expect("an answer");
    assert_eq!(wrong.headers()[header::WWW_AUTHENTICATE], "Bearer error=\"invalid_token\"");
    // An app that asked for no identity gets none.
    let plain = app.tokens(&server, &browser, &[("scope", "profile")]).await;
    assert!(plain.get("id_token").is_none());
    let request = program().get(&url).bearer_auth(text(&plain, "access_token"));
    assert_eq!(request.send().await.expect("an answer").status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_request_may_be_posted_and_the_app_may_show_its_secret_in_the_body() {
    let (server, app, browser) = with_app(&[]).await;
    let address = app.address(&[]);
    let (_, query) = address.split_once('?').expect("a query");
    let posted = browser
        .client
        .post(server.url("/authorize"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ORIGIN, "https://app.example.org")
        .header("sec-fetch-site", "cross-site")
        .body(query.to_owned());
    let next = location(&posted.send().await.expect("an answer"));
    let back = location(&browser.get(&next).await);
    let code = param(&back, "code").expect("a code");
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &*code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
        ("client_id", &*app.id),
        ("client_secret", app.secret.as_deref().expect("a secret")),
    ];
    ok(program().post(server.url("/token")).form(&fields).send().await.expect("an answer")).await;
}

#[tokio::test]
async fn a_hint_about_the_person_is_believed_only_if_it_fits() {
    let (server, app, alice) = with_app(&[]).await;
    let tokens = app.tokens(&server, &alice, &[]).await;
    let hint = text(&tokens, "id_token");
    let quiet = [("prompt", "none"), ("id_token_hint", hint)];
    assert!(param(&app.come_back(&alice, &quiet).await, "code").is_some());
    let bob = Browser::signed_up(&server, "bob").await;
    let back = app.come_back(&bob, &quiet).await;
    assert_eq!(param(&back, "error").as_deref(), Some("login_required"));
    // With a question, bob may go on as himself, or change.
    let page = bob.page(&app.address(&[("id_token_hint", hint)])).await;
    assert!(page.contains("Which account?") && page.contains("bob"));
}

#[tokio::test]
async fn an_app_may_wish_for_a_language() {
    let (_server, app, _) = with_app(&[]).await;
    let nobody = Browser::new(&_server);
    let answer = nobody.get(&app.address(&[("ui_locales", "xx de-AT en")])).await;
    assert!(nobody.page(&location(&answer)).await.contains("Weiter zu"));
}

#[tokio::test]
async fn keys_and_documents_may_be_kept_for_a_while_and_tokens_never() {
    let (server, app, browser) = with_app(&[]).await;
    for path in ["/.well-known/openid-configuration", "/.well-known/jwks.json"] {
        let answer = program().get(server.url(path)).send().await.expect("an answer");
        assert_eq!(answer.headers()[header::CACHE_CONTROL], "public, max-age=300");
        assert!(
            answer.headers()[header::CONTENT_TYPE]
                .to_str()
                .expect("text")
                .starts_with("application/json")
        );
    }
    let code = app.code(&browser, &[]).await;
    let answer = app.exchange(&server, &code).await;
    assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store");
}

#[tokio::test]
async fn services_check_our_own_access_tokens_with_the_published_keys() {
    let server = TestServer::start_with(&[("ACCESS_TOKEN_ALG", "ES256")]).await;
    server.sign_up_json("alice").await;
    let token = server.token("alice").await;
    assert_eq!(jose(&token)["alg"], "ES256");
    let claims: Value = checked(&server, &token, "latchkey-api").await;
    assert!(claims["sub"].is_string());
    assert_eq!(server.profile(&format!("Bearer {token}")).await.status(), 200);
    // Not in the cookie.
    let thief = Browser::with_session(&server.origin(), &token);
    assert_eq!(thief.get("/profile").await.status(), StatusCode::SEE_OTHER);
    // A key that is dropped takes its tokens along, also those that were seen before.
    operate(&server, &["keys", "rotate", "--compromised"]);
    let bearer = format!("Bearer {token}");
    eventually(async || server.profile(&bearer).await.status() == 401).await;
    let new = server.token("alice").await;
    assert_eq!(server.profile(&format!("Bearer {new}")).await.status(), 200);
}

#[tokio::test]
async fn a_secret_that_is_replaced_takes_no_key_and_no_app_along() {
    let server = TestServer::start().await;
    let app = App::add(&server, "Wiki", &[]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let offline = [("scope", "openid offline_access")];
    let tokens = app.tokens(&server, &browser, &offline).await;
    let new = "0123456789abcdef0123456789abcdef";
    let public = format!("http://localhost:{}", server.running.address.port());
    let settings = [
        ("DATABASE_URL", &*server.database_url),
        ("JWT_SECRET", new),
        ("JWT_SECRET_PREVIOUS", crate::support::SECRET),
        ("PUBLIC_URL", &*public),
    ];
    let node = TestServer::start_with(&settings).await;
    let refreshed = ok(app.refresh(&node, text(&tokens, "refresh_token")).await).await;
    let kid = |tokens: &Value| jose(text(tokens, "id_token"))["kid"].clone();
    assert_eq!(kid(&tokens), kid(&refreshed));
    assert!(app.is_active(&node, text(&tokens, "access_token")).await);
    node.running.stop().await;
    // And without the old one, at the next start.
    let settings =
        [("DATABASE_URL", &*server.database_url), ("JWT_SECRET", new), ("PUBLIC_URL", &*public)];
    let node = TestServer::start_with(&settings).await;
    let again = ok(app.refresh(&node, text(&refreshed, "refresh_token")).await).await;
    assert_eq!(kid(&tokens), kid(&again));
}

#[tokio::test]
async fn what_ends_on_one_node_ends_on_the_others() {
    let server = TestServer::start_with(&[crate::support::NODES_URL]).await;
    let node = server.another_node().await;
    let app = App::add(&server, "Wiki", &[]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let offline = [("scope", "openid offline_access")];
    // A code of one node is good at the other, once.
    let code = app.code(&browser, &offline).await;
    app.is_known(&node).await;
    let tokens = ok(app.exchange(&node, &code).await).await;
    assert!(app.is_active(&node, text(&tokens, "access_token")).await);
    browser.send("/account", "/api/sign_out", &[]).await;
    assert!(!app.is_active(&node, text(&tokens, "access_token")).await);
    let refreshed = app.refresh(&node, text(&tokens, "refresh_token")).await;
    assert_eq!(error(refreshed, 400).await, "invalid_grant");
}

#[tokio::test]
async fn apps_come_from_a_file_and_differences_are_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("apps.toml");
    let app = |name: &str, id: &str| {
        format!(
            "[[app]]\nclient_id = \"{id}\"\nname = \"{name}\"\n\
             client_secret = \"0123456789abcdef0123456789abcdef\"\nredirect_uris = [\"{CALLBACK}\"]\n"
        )
    };
    std::fs::write(&file, app("Wiki", "wiki") + &app("Shop", "shop")).expect("written");
    let path = file.display().to_string();
    let server = TestServer::start_with(&[("APPS_FILE", &path)]).await;
    let wiki = App {
        id: "wiki".to_owned(),
        secret: Some("0123456789abcdef0123456789abcdef".to_owned()),
        redirect_uri: CALLBACK.to_owned(),
    };
    let browser = Browser::signed_up(&server, "alice").await;
    let tokens = wiki.tokens(&server, &browser, &[]).await;
    std::fs::write(&file, app("The wiki", "wiki")).expect("written");
    let apply = |more: &[&str]| operate(&server, &[&["app", "apply", &*path], more].concat());
    let said = apply(&["--dry-run"]);
    assert!(
        said.contains("~ wiki: name") && said.contains("- shop") && said.contains("dry run"),
        "{said}"
    );
    assert!(operate(&server, &["app", "list"]).contains("shop"));
    let said = apply(&[]);
    assert!(said.contains("- shop") && said.contains("Applied"), "{said}");
    assert!(apply(&[]).contains("Nothing differs."));
    assert!(!operate(&server, &["app", "list"]).contains("shop"));
    assert!(wiki.is_active(&server, text(&tokens, "access_token")).await);
}
