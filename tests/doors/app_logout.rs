//! Signing out of everything: at an app's wish, and how apps are told.

use std::sync::{Arc, Mutex};

use reqwest::StatusCode;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{
    app_support::*,
    openid::checked,
    support::{Browser, TestServer, eventually, form_token, hidden},
};

/// An app's endpoint, which keeps what it is told.
struct Told {
    uri: String,
    bodies: Arc<Mutex<Vec<String>>>,
}

impl Told {
    /// `failures`: how many tries it refuses first.
    async fn listen(failures: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let uri = format!("http://{}/logout", listener.local_addr().expect("an address"));
        let bodies: Arc<Mutex<Vec<String>>> = Arc::default();
        let kept = bodies.clone();
        tokio::spawn(async move {
            let mut left = failures;
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = Vec::new();
                let mut buffer = [0; 4096];
                loop {
                    let read = stream.read(&mut buffer).await.unwrap_or(0);
                    request.extend_from_slice(&buffer[..read]);
                    let text = String::from_utf8_lossy(&request).into_owned();
                    let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                    let length = head.lines().find_map(|line| {
                        line.to_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok()
                    });
                    if read == 0 || body.len() >= length.unwrap_or(0) {
                        break;
                    }
                }
                let text = String::from_utf8_lossy(&request).into_owned();
                let status = if left > 0 { "503 Busy" } else { "200 OK" };
                left = left.saturating_sub(1);
                if status == "200 OK" {
                    let body = text.split("\r\n\r\n").nth(1).unwrap_or_default();
                    kept.lock().expect("unpoisoned").push(body.to_owned());
                }
                let answer =
                    format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { uri, bodies }
    }

    /// The logout tokens, once there are this many.
    async fn tokens(&self, count: usize) -> Vec<String> {
        eventually(async || self.bodies.lock().expect("unpoisoned").len() >= count).await;
        let bodies = self.bodies.lock().expect("unpoisoned").clone();
        bodies
            .iter()
            .map(|body| param(&format!("/?{body}"), "logout_token").expect("a token"))
            .collect()
    }
}

#[tokio::test]
async fn an_app_is_told_of_whatever_ends_a_session() {
    let server = TestServer::start().await;
    let told = Told::listen(0).await;
    let app = App::add(&server, "Wiki", &["--backchannel-logout-uri", &told.uri]).await;
    let mut sids = Vec::new();
    for (number, way) in ["sign-out", "disable", "take-back"].into_iter().enumerate() {
        let browser = Browser::signed_up(&server, &format!("alice-{way}")).await;
        let tokens = app.tokens(&server, &browser, &[]).await;
        let of_id = claims(text(&tokens, "id_token"));
        match way {
            "sign-out" => _ = browser.send("/account", "/api/sign_out", &[]).await,
            "disable" => _ = operate(&server, &["user", "disable", &format!("alice-{way}")]),
            _ => _ = browser.send("/account/apps", "/api/take_back_app", &[("id", &app.id)]).await,
        }
        let logout = told.tokens(number + 1).await.pop().expect("a token");
        assert_eq!(jose(&logout)["typ"], "logout+jwt", "{way}");
        let claims = checked(&server, &logout, &app.id).await;
        assert_eq!((&claims["sub"], &claims["sid"]), (&of_id["sub"], &of_id["sid"]), "{way}");
        assert!(claims["events"]["http://schemas.openid.net/event/backchannel-logout"].is_object());
        assert!(claims["jti"].is_string() && claims.get("nonce").is_none());
        let life =
            claims["exp"].as_i64().expect("an end") - claims["iat"].as_i64().expect("a beginning");
        assert!((1..=120).contains(&life));
        sids.push(claims["sid"].to_string());
    }
    // An app that is removed hears of it, too.
    let browser = Browser::signed_up(&server, "bob").await;
    app.tokens(&server, &browser, &[]).await;
    operate(&server, &["app", "remove", &app.id, "--yes"]);
    assert_eq!(told.tokens(4).await.len(), 4);
    sids.dedup();
    assert_eq!(sids.len(), 3);
}

#[tokio::test]
async fn what_an_app_did_not_hear_is_said_again() {
    let server = TestServer::start().await;
    let told = Told::listen(1).await;
    let app = App::add(&server, "Wiki", &["--backchannel-logout-uri", &told.uri]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    app.tokens(&server, &browser, &[]).await;
    browser.send("/account", "/api/sign_out", &[]).await;
    eventually(async || {
        let listed = operate(&server, &["mail", "list"]);
        listed.contains("app-logout") && listed.contains("503")
    })
    .await;
    operate(&server, &["mail", "retry"]);
    server.db_execute("UPDATE outbox SET due_at = 0").await;
    assert_eq!(told.tokens(1).await.len(), 1);
}

const AFTER: &str = "https://app.example.org/bye";

#[tokio::test]
async fn an_app_signs_its_user_out_with_a_token_of_that_session_and_only_there() {
    let server = TestServer::start().await;
    let app = App::add(&server, "Wiki", &["--post-logout-redirect-uri", AFTER]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let tokens = app.tokens(&server, &browser, &[]).await;
    let hint = text(&tokens, "id_token");
    let query = url_encoded(&[
        ("id_token_hint", hint),
        ("post_logout_redirect_uri", AFTER),
        ("state", "s t"),
    ]);
    let path = format!("/logout?{query}");

    // Another browser is not signed out by it, whoever it belongs to.
    let elsewhere = Browser::signed_in(&server, "alice").await;
    let page = elsewhere.page(&path).await;
    assert!(page.contains("Sign out?") && page.contains("Wiki"), "{page}");
    assert!(elsewhere.page("/account").await.contains("alice"));
    let bob = Browser::signed_up(&server, "bob").await;
    assert!(bob.page(&path).await.contains("Sign out?"));
    // Nobody is signed in: it goes on.
    let nobody = Browser::new(&server);
    assert_eq!(location(&nobody.get(&path).await), format!("{AFTER}?state=s+t"));

    let answer = browser.get(&path).await;
    assert_eq!(location(&answer), format!("{AFTER}?state=s+t"));
    assert_eq!(browser.get("/account").await.status(), StatusCode::SEE_OTHER);
    assert!(!app.is_active(&server, text(&tokens, "access_token")).await);

    // By a form of another site, it becomes a question.
    let fields = [("client_id", &*app.id), ("post_logout_redirect_uri", AFTER)];
    let posted = bob.client.post(server.url("/logout")).header("origin", "https://evil.example");
    let answer = posted.form(&fields).send().await.expect("an answer");
    let page = bob.page(&location(&answer)).await;
    let fields = [
        ("form_token", &*form_token(&page)),
        ("wish", &*hidden(&page, "wish").replace("&amp;", "&")),
    ];
    let left = bob.post("/api/sign_out_of_all", &fields).await;
    assert_eq!(left.status(), StatusCode::OK);
    assert!(left.text().await.expect("a page").contains(&format!("0;url={AFTER}")));
    assert_eq!(bob.get("/account").await.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn signing_out_leads_nowhere_unknown() {
    let server = TestServer::start().await;
    let app = App::add(&server, "Wiki", &["--post-logout-redirect-uri", AFTER]).await;
    let nobody = Browser::new(&server);
    for (id, uri) in [
        (&*app.id, "https://evil.example/"),
        ("nobody", AFTER),
        ("", AFTER),
        (&*app.id, "https://app.example.org/bye/"),
        (&*app.id, "https://app.example.org/callback"),
    ] {
        let query = url_encoded(&[("client_id", id), ("post_logout_redirect_uri", uri)]);
        let page = nobody.page(&format!("/logout?{query}")).await;
        assert!(page.contains("You're signed out") && !page.contains("evil.example"), "{uri}");
    }
}
