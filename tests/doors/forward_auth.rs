//! Apps behind a reverse proxy: what the proxy is told, and what the browser goes through.

use reqwest::{RequestBuilder, Response, StatusCode, header};
use serde_json::Value;

use crate::{
    app_support::*,
    openid::checked,
    support::{Browser, PASSWORD, TestServer, cookie, eventually, program},
};

const HOST: &str = "wiki.example.org";

async fn behind_a_proxy(options: &[&str]) -> (TestServer, String) {
    let server = TestServer::start_with(&[("TRUSTED_PROXIES", "127.0.0.1")]).await;
    let mut arguments = vec!["app", "add", "Wiki", "--json", "--host", "https://wiki.example.org"];
    arguments.extend(options);
    let made: Value = serde_json::from_str(&operate(&server, &arguments)).expect("JSON");
    let id = text(&made, "client_id").to_owned();
    assert!(made.get("client_secret").is_none());
    eventually(async || ask(&server, "/").send().await.expect("an answer").status() != 403).await;
    (server, id)
}

/// What Caddy asks for a person who goes to a page.
fn ask(server: &TestServer, path: &str) -> RequestBuilder {
    program()
        .get(server.url("/authz/forward-auth"))
        .header(header::HOST, HOST)
        .header("x-forwarded-method", "GET")
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-host", HOST)
        .header("x-forwarded-uri", path)
        .header(header::ACCEPT, "text/html,*/*")
        .header("sec-fetch-mode", "navigate")
}

async fn sent(request: RequestBuilder) -> Response {
    request.send().await.expect("an answer")
}

fn identity(response: &Response) -> Vec<String> {
    ["remote-user", "remote-name", "remote-email", "remote-groups", "latchkey-assertion"]
        .map(|name| {
            let value = response.headers().get(name).unwrap_or_else(|| panic!("{name}"));
            value.to_str().expect("text").to_owned()
        })
        .to_vec()
}

const BROWSER: &str = "__Host-latchkey-app-browser";
const APP: &str = "__Host-latchkey-app";

/// Begins to sign in: returns the id of the browser, and the address at the app that ends it.
async fn begin(server: &TestServer, browser: &Browser, path: &str) -> (String, String) {
    let answer = sent(ask(server, path)).await;
    assert_eq!(answer.status(), StatusCode::FOUND);
    let id = cookie(&answer, BROWSER).expect("a cookie");
    let authorize = location(&answer);
    let issuer = format!("http://localhost:{}", server.running.address.port());
    let own = authorize.strip_prefix(&issuer).expect("ours").to_owned();
    let back = location(&browser.get(&own).await);
    let callback = back.strip_prefix("https://wiki.example.org").expect("the app's").to_owned();
    (id, callback)
}

/// The end of a sign-in, in the browser with this id.
fn come_back(server: &TestServer, callback: &str, id: &str) -> RequestBuilder {
    at_host(server, callback).header(header::COOKIE, format!("{BROWSER}={id}"))
}

/// Signs in to the app: returns its cookie, and where it goes on.
async fn enter(server: &TestServer, browser: &Browser, path: &str) -> (String, String) {
    let (id, callback) = begin(server, browser, path).await;
    let arrived = sent(come_back(server, &callback, &id)).await;
    (cookie(&arrived, APP).expect("the app's cookie"), location(&arrived))
}

fn at_host(server: &TestServer, path: &str) -> RequestBuilder {
    program().get(server.url(path)).header(header::HOST, HOST)
}

fn with(request: RequestBuilder, cookie: &str) -> RequestBuilder {
    request.header(header::COOKIE, format!("{APP}={cookie}"))
}

#[tokio::test]
async fn a_person_signs_in_to_an_app_that_knows_nothing() {
    let (server, _) = behind_a_proxy(&[]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    operate(&server, &["user", "groups", "alice", "--add", "staff", "--add", "admins"]);
    let (app, to) = enter(&server, &browser, "/page?a=b&c=d").await;
    assert_eq!(to, "/page?a=b&c=d");
    for _ in 0..3 {
        let answer = sent(with(ask(&server, "/page"), &app)).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let said = identity(&answer);
        assert_eq!(said[..4], ["alice", "Test Person", "", "admins,staff"]);
        let claims = checked(&server, &said[4], "https://wiki.example.org").await;
        assert_eq!(
            (&claims["preferred_username"], &claims["groups"][1]),
            (&"alice".into(), &"staff".into())
        );
        assert!(
            claims["exp"].as_i64().expect("an end") - claims["iat"].as_i64().expect("a beginning")
                <= 60
        );
    }
    // The cookie is good for nothing else.
    let thief = Browser::with_session(&server.origin(), &app);
    assert_eq!(thief.get("/profile").await.status(), StatusCode::SEE_OTHER);
    // A change of the groups counts within a second; signing out ends it.
    operate(&server, &["user", "groups", "alice", "--remove", "staff"]);
    eventually(async || identity(&sent(with(ask(&server, "/page"), &app)).await)[3] == "admins")
        .await;
    browser.send("/account", "/api/sign_out", &[]).await;
    let answer = sent(with(ask(&server, "/page"), &app)).await;
    assert_eq!(answer.status(), StatusCode::FOUND);
    assert_eq!(identity(&answer), [""; 5]);
}

#[tokio::test]
async fn only_a_person_who_goes_to_a_page_is_sent_to_sign_in() {
    let (server, _) = behind_a_proxy(&[]).await;
    let asks = |changes: &[(&'static str, &'static str)]| {
        let request = ask(&server, "/api/things");
        let built = request.build().expect("a request");
        let mut headers = built.headers().clone();
        for (name, value) in changes {
            match *value {
                "" => _ = headers.remove(*name),
                value => _ = headers.insert(*name, value.parse().expect("a value")),
            }
        }
        program().get(server.url("/authz/forward-auth")).headers(headers)
    };
    for changes in [
        &[("sec-fetch-mode", "cors")][..],
        &[("sec-fetch-mode", "websocket"), ("upgrade", "websocket")],
        &[("sec-fetch-mode", ""), ("accept", "application/json")],
        &[("sec-fetch-mode", ""), ("accept", "text/event-stream")],
        &[("sec-fetch-mode", ""), ("accept", "")],
        &[("x-forwarded-method", "POST")],
        &[("x-forwarded-method", "OPTIONS")],
    ] {
        let answer = sent(asks(changes)).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{changes:?}");
        assert!(!answer.headers().contains_key(header::LOCATION));
        assert_eq!(identity(&answer), [""; 5]);
        // What was posted is not lost without a word.
        assert!(answer.text().await.expect("a page").contains("has not arrived"));
    }
    // An old browser says nothing of its mode.
    assert_eq!(sent(asks(&[("sec-fetch-mode", "")])).await.status(), StatusCode::FOUND);
    // nginx knows only 401.
    let answer = program()
        .get(server.url("/authz/auth-request"))
        .header("x-original-url", "https://wiki.example.org/page")
        .header("x-original-method", "GET")
        .header("sec-fetch-mode", "navigate");
    let answer = sent(answer).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert!(location(&answer).contains("/authorize?client_id="));
}

#[tokio::test]
async fn nothing_is_believed_that_does_not_come_from_the_proxy() {
    let (server, _) = behind_a_proxy(&[]).await;
    for (name, value) in [
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-host", "wiki.example.org.evil.example"),
        ("x-forwarded-host", "wiki.example.org:8443"),
        ("x-forwarded-host", "evil.example, wiki.example.org"),
    ] {
        let built = ask(&server, "/").build().expect("a request");
        let mut headers = built.headers().clone();
        headers.insert(name, value.parse().expect("a value"));
        let request = program().get(server.url("/authz/forward-auth")).headers(headers);
        assert_eq!(sent(request).await.status(), StatusCode::FORBIDDEN, "{value}");
    }
    let twice = ask(&server, "/").header("x-forwarded-host", "evil.example");
    assert_eq!(sent(twice).await.status(), StatusCode::FORBIDDEN);
    // The case of a host means nothing, and neither does the port that goes without saying.
    for host in ["WIKI.example.org", "wiki.example.org:443"] {
        let built = ask(&server, "/").build().expect("a request");
        let mut headers = built.headers().clone();
        headers.insert("x-forwarded-host", host.parse().expect("a value"));
        let request = program().get(server.url("/authz/forward-auth")).headers(headers);
        assert_eq!(sent(request).await.status(), StatusCode::FOUND, "{host}");
    }
    let stranger = TestServer::start().await;
    assert_eq!(sent(ask(&stranger, "/")).await.status(), StatusCode::FORBIDDEN);
    // Elsewhere, no host but ours is answered.
    let page = program().get(server.url("/signin")).header(header::HOST, HOST);
    assert_eq!(sent(page).await.status(), StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test]
async fn rules_decide_by_path_and_no_spelling_gets_around_them() {
    let rules = ["--rule", "/public=everybody", "--rule", "/admin=group:admins"];
    let (server, _) = behind_a_proxy(&rules).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let public = sent(ask(&server, "/public/page")).await;
    assert_eq!((public.status(), identity(&public)), (StatusCode::OK, vec![String::new(); 5]));
    for path in
        ["/", "/public/../admin", "/public/%2e%2e/admin", "/publicity", "//public", "/Public"]
    {
        assert_eq!(sent(ask(&server, path)).await.status(), StatusCode::FOUND, "{path}");
    }
    let (app, _) = enter(&server, &browser, "/").await;
    let status = async |path: &str| sent(with(ask(&server, path), &app)).await.status().as_u16();
    assert_eq!(status("/").await, 200);
    for path in [
        "/admin",
        "/admin/x?y",
        "/admin/x?é",
        "/%61dmin",
        "//admin",
        "/public/..%2fadmin",
        "/x/../admin",
        "/Admin",
        "/é/../admin",
    ] {
        assert_eq!(status(path).await, 403, "{path}");
    }
    // Who is signed in is known on public pages, too.
    assert_eq!(identity(&sent(with(ask(&server, "/public"), &app)).await)[0], "alice");
    operate(&server, &["user", "groups", "alice", "--add", "admins"]);
    eventually(async || status("/admin").await == 200).await;
}

#[tokio::test]
async fn a_sign_in_is_bound_to_the_browser_that_began_it() {
    let (server, _) = behind_a_proxy(&[]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let (id, callback) = begin(&server, &browser, "/page").await;
    // In a browser without the cookie, nothing happens, and a link begins anew.
    let answer = sent(at_host(&server, &callback)).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert!(cookie(&answer, APP).is_none());
    assert!(answer.text().await.expect("a page").contains("<a href=\"/page\">Try again</a>"));
    // In one that began another sign-in, it begins anew.
    let other = cookie(&sent(ask(&server, "/")).await, BROWSER).expect("a cookie");
    let answer = sent(come_back(&server, &callback, &other)).await;
    assert_eq!((location(&answer), cookie(&answer, APP)), ("/page".to_owned(), None));
    // In its own, once; the second time it begins anew, where one wanted to go.
    let own = || come_back(&server, &callback, &id);
    assert!(cookie(&sent(own()).await, APP).is_some());
    let again = sent(own()).await;
    assert_eq!((location(&again), cookie(&again, APP)), ("/page".to_owned(), None));
}

#[tokio::test]
async fn a_cookie_of_one_app_is_nothing_to_another() {
    let (server, id) = behind_a_proxy(&[]).await;
    let made =
        operate(&server, &["app", "add", "Other", "--json", "--host", "https://other.example.org"]);
    assert!(made.contains("client_id"));
    let browser = Browser::signed_up(&server, "alice").await;
    let (app, _) = enter(&server, &browser, "/").await;
    let at_other = || {
        let built = with(ask(&server, "/"), &app).build().expect("a request");
        let mut headers = built.headers().clone();
        headers.insert("x-forwarded-host", "other.example.org".parse().expect("a value"));
        program().get(server.url("/authz/forward-auth")).headers(headers)
    };
    eventually(async || sent(at_other()).await.status() != StatusCode::FORBIDDEN).await;
    assert_eq!(sent(at_other()).await.status(), StatusCode::FOUND);
    assert_eq!(sent(with(ask(&server, "/"), &app)).await.status(), StatusCode::OK);
    let (grant, tag) = app.split_once('.').expect("a cookie");
    let forged = format!("{}.{tag}", grant.chars().rev().collect::<String>());
    assert_eq!(sent(with(ask(&server, "/"), &forged)).await.status(), StatusCode::FOUND);
    // An app that is taken back is signed out.
    browser.send("/account/apps", "/api/take_back_app", &[("id", &id)]).await;
    assert_eq!(sent(with(ask(&server, "/"), &app)).await.status(), StatusCode::FOUND);
}

#[tokio::test]
async fn a_token_shows_no_more_than_its_scope_whatever_the_program_got_before() {
    let (server, _) = behind_a_proxy(&["--rule", "/admin=group:admins"]).await;
    let host = "https://wiki.example.org";
    let program = App::add(&server, "Sync", &["--public", "--resource", host]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    operate(&server, &["user", "groups", "alice", "--add", "admins"]);
    let at_admin = async |tokens: &Value| {
        sent(ask(&server, "/admin/x").bearer_auth(text(tokens, "access_token"))).await
    };
    let all = program.tokens(&server, &browser, &[("resource", host)]).await;
    assert_eq!(identity(&at_admin(&all).await)[3], "admins");
    let little = [("resource", host), ("scope", "openid")];
    let little = program.tokens(&server, &browser, &little).await;
    assert_eq!(at_admin(&little).await.status(), StatusCode::FORBIDDEN);
    // Nor a host that the program may not ask for any more.
    operate(&server, &["app", "set", &program.id, "--resource", "https://api.example.org/"]);
    eventually(async || at_admin(&all).await.status() == StatusCode::FOUND).await;
}

#[tokio::test]
async fn an_address_whose_host_hides_a_path_lets_nobody_pass() {
    let (server, _) = behind_a_proxy(&["--rule", "/public=everybody"]).await;
    let asks = async |url: &str| {
        let request = program()
            .get(server.url("/authz/auth-request"))
            .header("x-original-url", url)
            .header("x-original-method", "GET");
        sent(request).await.status()
    };
    assert_eq!(asks("https://wiki.example.org/public/x").await, StatusCode::OK);
    for url in [
        "https://wiki.example.org?/public",
        "https://wiki.example.org#/public",
        "https://wiki.example.org",
        "https://x@wiki.example.org/public",
        "https://wiki.example.org:443:443/public",
        "wiki.example.org/public",
    ] {
        assert_eq!(asks(url).await, StatusCode::FORBIDDEN, "{url}");
    }
    assert_eq!(asks("https://wiki.example.org/public#/../admin").await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn db_an_app_with_a_longest_session_asks_again_who_one_is() {
    let (server, id) = behind_a_proxy(&["--longest-session", "1h"]).await;
    let program = App::add(&server, "Sync", &["--public", "--longest-session", "1h"]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let (app, _) = enter(&server, &browser, "/").await;
    let offline = [("scope", "openid offline_access")];
    let tokens = program.tokens(&server, &browser, &offline).await;
    assert_eq!(sent(with(ask(&server, "/"), &app)).await.status(), StatusCode::OK);
    let earlier = "UPDATE sessions SET auth_time = auth_time - 3601";
    sqlx::query(earlier).execute(&server.db().await).await.expect("changed");
    // So that the server reads it.
    operate(&server, &["app", "set", &id, "--name", "Wiki 2"]);
    let is_in = async || sent(with(ask(&server, "/"), &app)).await.status() == StatusCode::OK;
    eventually(async || !is_in().await).await;
    let refused = program.refresh(&server, text(&tokens, "refresh_token")).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);

    let authorize = location(&sent(ask(&server, "/")).await);
    let (_, query) = authorize.split_once("/authorize?").expect("an authorization");
    let own = format!("/authorize?{query}");
    // A slow look may have let one request past the cache, which still held the earlier session.
    eventually(async || location(&browser.get(&own).await).starts_with("/confirm?next=")).await;
    let fields = [("password", PASSWORD)];
    assert!(browser.submit("/confirm", "/api/confirm", &fields).await.is_accepted());
    assert!(location(&browser.get(&own).await).starts_with("https://wiki.example.org/"));
    // The cookie is that of the session, which has just been confirmed.
    eventually(is_in).await;
}

#[tokio::test]
async fn another_address_reaches_apps_behind_a_proxy_within_a_second() {
    let (server, _) = behind_a_proxy(&[]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let (app, _) = enter(&server, &browser, "/").await;
    for address in ["alice@example.org", "alice@example.com"] {
        assert_ne!(identity(&sent(with(ask(&server, "/"), &app)).await)[2], address);
        operate(&server, &["user", "set", "alice", "email", address]);
        eventually(async || identity(&sent(with(ask(&server, "/"), &app)).await)[2] == address)
            .await;
    }
}

#[tokio::test]
async fn a_program_shows_a_token_of_its_owner_for_this_host_instead_of_a_cookie() {
    let (server, _) = behind_a_proxy(&[]).await;
    let host = "https://wiki.example.org";
    let program = App::add(&server, "Sync", &["--public", "--resource", host]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let for_host = program.tokens(&server, &browser, &[("resource", host)]).await;
    let other = program.tokens(&server, &browser, &[]).await;
    let with_token = async |token: &str| sent(ask(&server, "/api").bearer_auth(token)).await;
    let answer = with_token(text(&for_host, "access_token")).await;
    assert_eq!((answer.status(), &*identity(&answer)[0]), (StatusCode::OK, "alice"));
    let own = server.token("alice").await;
    for token in [text(&other, "access_token"), text(&for_host, "id_token"), &own, "a.b.c"] {
        assert_eq!(with_token(token).await.status(), StatusCode::FOUND);
    }
    browser.send("/account/apps", "/api/take_back_app", &[("id", &program.id)]).await;
    assert_eq!(with_token(text(&for_host, "access_token")).await.status(), StatusCode::FOUND);
}

#[tokio::test]
async fn a_sign_in_ends_at_the_apps_own_host() {
    let (server, _) = behind_a_proxy(&[]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    for path in ["//evil.example/x", "http://evil.example/", "/\\evil.example", "", "/.latchkey/x"]
    {
        let (_, to) = enter(&server, &browser, path).await;
        assert_eq!(to, "/", "{path}");
    }
    let (_, to) = enter(&server, &browser, "/é?ü").await;
    assert_eq!(to, "/%C3%A9?%C3%BC");
}

#[tokio::test]
async fn a_proxy_that_does_not_say_which_page_is_asked_for_lets_nobody_pass() {
    let (server, _) = behind_a_proxy(&["--rule", "/=everybody"]).await;
    for name in ["x-forwarded-uri", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-method"] {
        let built = ask(&server, "/").build().expect("a request");
        let mut headers = built.headers().clone();
        let again = headers.remove(name).expect("there");
        let without = program().get(server.url("/authz/forward-auth")).headers(headers.clone());
        assert_eq!(sent(without).await.status(), StatusCode::FORBIDDEN, "{name}");
        headers.append(name, again.clone());
        headers.append(name, again);
        let twice = program().get(server.url("/authz/forward-auth")).headers(headers);
        assert_eq!(sent(twice).await.status(), StatusCode::FORBIDDEN, "{name}");
    }
}

#[tokio::test]
async fn an_apps_own_token_does_not_hide_its_cookie_and_a_used_code_ends_it() {
    let (server, _) = behind_a_proxy(&[]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let (id, callback) = begin(&server, &browser, "/page").await;
    let arrive = || come_back(&server, &callback, &id);
    let app = cookie(&sent(arrive()).await, APP).expect("the app's cookie");
    let answer = sent(with(ask(&server, "/page"), &app).bearer_auth("aaa.bbb.ccc")).await;
    assert_eq!((answer.status(), &*identity(&answer)[0]), (StatusCode::OK, "alice"));
    // Used twice: what came of it ends, here too.
    assert!(cookie(&sent(arrive()).await, APP).is_none());
    assert_eq!(sent(with(ask(&server, "/page"), &app)).await.status(), StatusCode::FOUND);
}
