//! Mail: addresses, a way back in, and word of what happens.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    smtp::{Mailbox, Mood},
    support::*,
};

const FROM: (&str, &str) = ("MAIL_FROM", "Tea & Co <accounts@example.org>");
const NEW: &str = "another horse and battery";

async fn with_mail() -> (TestServer, Mailbox) {
    let mailbox = Mailbox::open().await;
    let server = TestServer::start_with(&[("MAIL_URL", &mailbox.url()), FROM]).await;
    (server, mailbox)
}

/// A message without the line breaks of quoted-printable.
fn read(message: &str) -> String {
    message.replace("=\r\n", "").replace("=3D", "=")
}

/// What the link in a message holds.
fn link(message: &str) -> String {
    let rest = read(message);
    let rest = rest.split("?link=").nth(1).expect("a link");
    rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-')
        .next()
        .expect("a token")
        .to_owned()
}

fn subject(message: &str) -> String {
    message.lines().find_map(|line| line.strip_prefix("Subject: ")).expect("a subject").to_owned()
}

/// Signs up with an address, through a door, and returns what happened.
async fn sign_up(server: &TestServer, via: Via, username: &str, email: &str) -> Outcome {
    match via {
        Via::Json => {
            let body = json!({
                "username": username, "password": PASSWORD, "fullName": "Test", "email": email
            });
            outcome_of_json(server.post_json("/auth/signup", &body).await).await
        }
        Via::Form => {
            let fields = [
                ("username", username),
                ("password", PASSWORD),
                ("fullName", "Test"),
                ("email", email),
            ];
            Browser::new(server).submit("/signup", "/api/sign_up", &fields).await
        }
    }
}

async fn verify(server: &TestServer, via: Via, link: &str) -> StatusCode {
    match via {
        Via::Json => server.post_json("/auth/verify-email", &json!({"token": link})).await.status(),
        Via::Form => {
            let browser = Browser::new(server);
            let response = browser.get(&format!("/verify-email?link={link}")).await;
            if response.status() != StatusCode::SEE_OTHER {
                return response.status();
            }
            assert_eq!(
                response.headers()["location"],
                "/verify-email",
                "it leaves the address bar"
            );
            let page = browser.get("/verify-email").await;
            if page.status() != StatusCode::OK {
                return page.status();
            }
            let token = form_token(&page.text().await.expect("a page"));
            browser.post("/api/verify_email", &[("form_token", &token)]).await.status()
        }
    }
}

async fn account(server: &TestServer, username: &str, password: &str) -> Value {
    let body = json!({"username": username, "password": password});
    let signed_in = json_of(server.post_json("/auth/signin", &body).await).await;
    let token = signed_in["accessToken"].as_str().expect("a token").to_owned();
    json_of(server.ask("GET", "/user", &token, None).await).await
}

#[tokio::test]
async fn an_address_is_verified_by_its_link_and_then_signs_in() {
    for (via, done) in [(Via::Json, StatusCode::NO_CONTENT), (Via::Form, StatusCode::SEE_OTHER)] {
        let (server, mailbox) = with_mail().await;
        assert!(sign_up(&server, via, "alice", "Alice@Example.org").await.is_accepted());
        let message = mailbox.message(1).await;
        assert!(message.contains("To: Alice@Example.org") && subject(&message).contains("Confirm"));
        let seen = account(&server, "alice", PASSWORD).await;
        assert_eq!(
            (&seen["email"], &seen["emailVerified"]),
            (&json!("Alice@Example.org"), &json!(false))
        );
        assert!(!server.sign_in(via, "alice@example.org", PASSWORD).await.is_accepted(), "not yet");
        let link = link(&message);
        // Whoever only looks changes nothing.
        let scanner = Browser::new(&server);
        for _ in 0..2 {
            scanner.get(&format!("/verify-email?link={link}")).await;
            assert_eq!(scanner.get("/verify-email").await.status(), StatusCode::OK);
        }
        assert_eq!(verify(&server, via, &link).await, done);
        assert_eq!(account(&server, "alice", PASSWORD).await["emailVerified"], true);
        assert!(server.sign_in(via, "ALICE@example.ORG", PASSWORD).await.is_accepted());
        for wrong in [&"x".repeat(43), "x", ""] {
            assert_ne!(verify(&server, via, wrong).await, done, "{wrong}");
        }
    }
}

#[tokio::test]
async fn an_owner_who_forgot_the_password_gets_back_in_and_everybody_else_is_out() {
    for via in WAYS {
        let (server, mailbox) = with_mail().await;
        assert!(sign_up(&server, via, "alice", "alice@example.org").await.is_accepted());
        verify(&server, via, &link(&mailbox.message(1).await)).await;
        let token = server.token("alice").await;
        let asked = || -> Vec<String> {
            let taken = mailbox.taken();
            taken.into_iter().filter(|m| subject(m).contains("Set a new password")).collect()
        };
        for (count, identifier) in [(1, "alice"), (2, "alice@example.org")] {
            match via {
                Via::Json => {
                    let body = json!({"identifier": identifier});
                    let answer = server.post_json("/auth/forgot-password", &body).await;
                    assert_eq!(answer.status(), StatusCode::ACCEPTED);
                }
                Via::Form => {
                    let fields = [("identifier", identifier)];
                    let browser = Browser::new(&server);
                    let sent =
                        browser.submit("/forgot-password", "/api/forgot_password", &fields).await;
                    assert!(sent.is_accepted(), "{sent:?}");
                    assert!(browser.page("/signin").await.contains("a mail is on its way"));
                }
            }
            eventually(async || asked().len() == count).await;
        }
        let link = link(asked().last().expect("a message"));
        let set = async || match via {
            Via::Json => {
                let body = json!({"token": link, "newPassword": NEW});
                server.post_json("/auth/reset-password", &body).await.status().is_success()
            }
            Via::Form => {
                let page = format!("/set-password?link={link}");
                let fields = [("link", &*link), ("newPassword", NEW)];
                let browser = Browser::new(&server);
                browser.get(&page).await.status() == StatusCode::OK
                    && browser.submit(&page, "/api/set_password", &fields).await.is_accepted()
            }
        };
        assert!(set().await);
        assert_eq!(
            server.profile(&format!("Bearer {token}")).await.status(),
            StatusCode::UNAUTHORIZED
        );
        assert!(!server.sign_in(via, "alice", PASSWORD).await.is_accepted());
        assert!(server.sign_in(via, "alice", NEW).await.is_accepted());
        eventually(async || {
            mailbox
                .taken()
                .iter()
                .any(|message| subject(message).contains("Your password was changed"))
        })
        .await;
    }
}

#[tokio::test]
async fn nobody_learns_from_the_answer_who_is_here() {
    let (server, mailbox) = with_mail().await;
    assert!(sign_up(&server, Via::Json, "alice", "alice@example.org").await.is_accepted());
    verify(&server, Via::Json, &link(&mailbox.message(1).await)).await;
    // An address that belongs to somebody is accepted at sign-up like any other, and only its owner
    // hears of it.
    assert!(sign_up(&server, Via::Json, "mallory", "alice@example.org").await.is_accepted());
    eventually(async || {
        mailbox
            .taken()
            .iter()
            .any(|message| subject(message).contains("You already have an account"))
    })
    .await;
    let mut answers = Vec::new();
    for identifier in ["alice", "nobody", "alice@example.org", "nobody@example.org", "?"] {
        let answer =
            server.post_json("/auth/forgot-password", &json!({"identifier": identifier})).await;
        let status = answer.status();
        answers.push((status, answer.bytes().await.expect("a body")));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    eventually(async || server.db_count("SELECT COUNT(*) FROM outbox").await == 0).await;
    let nobody = mailbox.taken();
    let nobody: Vec<_> = nobody.iter().filter(|m| m.contains("To: nobody@example.org")).collect();
    assert!(nobody.len() == 1 && subject(nobody[0]).contains("no account"), "{nobody:?}");
    assert_eq!(account(&server, "mallory", PASSWORD).await["emailVerified"], false);
}

#[tokio::test]
async fn an_address_gets_no_more_than_so_many_mails() {
    let (server, mailbox) = with_mail().await;
    assert!(sign_up(&server, Via::Json, "alice", "alice@example.org").await.is_accepted());
    verify(&server, Via::Json, &link(&mailbox.message(1).await)).await;
    for _ in 0..20 {
        let answer =
            server.post_json("/auth/forgot-password", &json!({"identifier": "alice"})).await;
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
    }
    let queued = "SELECT COUNT(*) FROM outbox";
    eventually(async || server.db_count(queued).await == 0).await;
    // The first was that of the sign-up.
    assert_eq!(mailbox.taken().len(), 3);
}

#[tokio::test]
async fn the_old_address_hears_of_a_change_and_stays_until_the_new_one_is_verified() {
    let (server, mailbox) = with_mail().await;
    assert!(sign_up(&server, Via::Json, "alice", "old@example.org").await.is_accepted());
    verify(&server, Via::Json, &link(&mailbox.message(1).await)).await;
    let token = server.token("alice").await;
    let body = json!({"email": "new@example.org"});
    let given = server.ask("PUT", "/user/email", &token, Some(&body)).await;
    assert_eq!(given.status(), StatusCode::ACCEPTED);
    let messages = async |to: &str, about: &str| {
        let found = |message: &String| message.contains(to) && subject(message).contains(about);
        eventually(async || mailbox.taken().iter().any(found)).await;
        mailbox.taken().into_iter().find(found).expect("a message")
    };
    messages("To: old@example.org", "is being changed").await;
    assert_eq!(account(&server, "old@example.org", PASSWORD).await["email"], "old@example.org");
    let confirm = messages("To: new@example.org", "Confirm").await;
    assert_eq!(verify(&server, Via::Json, &link(&confirm)).await, StatusCode::NO_CONTENT);
    messages("To: old@example.org", "was changed").await;
    assert_eq!(account(&server, "new@example.org", PASSWORD).await["email"], "new@example.org");
    let data = json_of(server.ask("GET", "/user/data", &token, None).await).await;
    assert_eq!(data["email"], "new@example.org");
    assert!(!server.sign_in(Via::Json, "old@example.org", PASSWORD).await.is_accepted());
    let removed = server.ask("DELETE", "/user/email", &server.token("alice").await, None).await;
    assert_eq!(removed.status(), StatusCode::NO_CONTENT);
    messages("To: new@example.org", "was removed").await;
    assert_eq!(account(&server, "alice", PASSWORD).await["email"], Value::Null);
}

#[tokio::test]
async fn an_unverified_address_is_no_claim_and_its_owner_takes_it() {
    let (server, mailbox) = with_mail().await;
    // Mallory is first with Alice's address, and keeps a session.
    assert!(sign_up(&server, Via::Json, "mallory", "alice@example.org").await.is_accepted());
    let hers = link(&mailbox.message(1).await);
    assert!(sign_up(&server, Via::Json, "alice", "alice@example.org").await.is_accepted());
    let mine = link(&mailbox.message(2).await);
    assert_eq!(verify(&server, Via::Json, &mine).await, StatusCode::NO_CONTENT);
    assert_eq!(account(&server, "alice@example.org", PASSWORD).await["username"], "alice");
    assert_eq!(account(&server, "mallory", PASSWORD).await["email"], Value::Null);
    assert_ne!(verify(&server, Via::Json, &hers).await, StatusCode::NO_CONTENT, "it is taken");
}

#[tokio::test]
async fn a_mail_server_that_is_away_or_says_no_loses_nothing() {
    let (server, mailbox) = with_mail().await;
    for (mood, failed) in
        [(Mood::Later, 0), (Mood::Nonsense, 0), (Mood::HangsUp, 0), (Mood::Refuses, 1)]
    {
        mailbox.is_in(mood);
        let before = mailbox.tries();
        let name = format!("{mood:?}").to_lowercase();
        let email = format!("{name}@example.org");
        assert!(sign_up(&server, Via::Json, &name, &email).await.is_accepted(), "{mood:?}");
        eventually(async || mailbox.tries() > before).await;
        let tried =
            "SELECT COUNT(*) FROM outbox WHERE tries = 1 AND lease IS NULL AND error IS NOT NULL";
        eventually(async || server.db_count(tried).await == 1).await;
        let given_up = "SELECT COUNT(*) FROM outbox WHERE failed_at IS NOT NULL";
        assert_eq!(server.db_count(given_up).await, failed, "{mood:?}");
        // Nobody's address is in the reason.
        let named = "SELECT COUNT(*) FROM outbox WHERE error LIKE '%@%'";
        assert_eq!(server.db_count(named).await, 0, "{mood:?}");
        mailbox.is_in(Mood::Takes);
        server.db_execute("UPDATE outbox SET due_at = 0, failed_at = NULL").await;
        eventually(async || server.db_count("SELECT COUNT(*) FROM outbox").await == 0).await;
        assert!(mailbox.taken().last().expect("a message").contains(&email), "{mood:?}");
    }
}

#[tokio::test]
async fn what_lies_in_the_outbox_tells_nothing_to_whoever_reads_the_database() {
    let mailbox = Mailbox::open().await;
    mailbox.is_in(Mood::Later);
    let server = TestServer::start_with(&[("MAIL_URL", &mailbox.url()), FROM]).await;
    assert!(sign_up(&server, Via::Json, "alice", "alice@example.org").await.is_accepted());
    let plain = "SELECT COUNT(*) FROM outbox WHERE content LIKE '%alice%' OR content LIKE '%link%'";
    assert_eq!(server.db_count("SELECT COUNT(*) FROM outbox").await, 1);
    assert_eq!(server.db_count(plain).await, 0);
}

#[tokio::test]
async fn an_owner_hears_of_a_new_device_and_of_the_deletion() {
    let (server, mailbox) = with_mail().await;
    assert!(sign_up(&server, Via::Form, "alice", "alice@example.org").await.is_accepted());
    verify(&server, Via::Form, &link(&mailbox.message(1).await)).await;
    let heard = async |about: &str| {
        eventually(async || mailbox.taken().iter().any(|message| subject(message).contains(about)))
            .await;
        mailbox.taken().iter().filter(|message| subject(message).contains(about)).count()
    };
    // A device that was never seen, once.
    let body = json!({"username": "alice", "password": PASSWORD});
    for _ in 0..2 {
        let request = program().post(server.url("/auth/signin")).header("user-agent", "curl/8.9.1");
        assert_eq!(request.json(&body).send().await.expect("an answer").status(), StatusCode::OK);
    }
    assert_eq!(heard("New sign-in").await, 1);
    let token = server.token("alice").await;
    assert_eq!(server.ask("DELETE", "/user", &token, None).await.status(), StatusCode::OK);
    heard("Your account will be deleted").await;
    let token_free = mailbox.taken().iter().all(|message| !message.contains(PASSWORD));
    assert!(token_free);
}

#[tokio::test]
async fn without_mail_there_is_nothing_of_it() {
    let server = TestServer::start().await;
    assert!(sign_up(&server, Via::Json, "alice", "not an address").await.is_accepted(), "ignored");
    for path in ["/forgot-password", "/verify-email", "/verify-email?link=x"] {
        assert_eq!(Browser::new(&server).get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    for path in ["/auth/forgot-password", "/auth/reset-password", "/auth/verify-email"] {
        let answer = server.post_json(path, &json!({"identifier": "alice"})).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let browser = Browser::signed_up(&server, "bob").await;
    for path in ["/profile", "/signin", "/signup"] {
        let page = browser.get(path).await.text().await.expect("a page");
        assert!(!page.contains("Email") && !page.contains("forgot"), "{path}");
    }
    assert_eq!(account(&server, "alice", PASSWORD).await["email"], Value::Null);
}

#[tokio::test]
async fn the_address_is_changed_on_the_profile_page_and_asks_for_the_password() {
    let mailbox = Mailbox::open().await;
    let settings = [("MAIL_URL", &*mailbox.url()), FROM, ("PROOF_TTL", "1s")];
    let server = TestServer::start_with(&settings).await;
    let browser = Browser::signed_up(&server, "alice").await;
    assert!(browser.page("/profile").await.contains("action=\"/api/change_email\""));
    let wrong = browser.submit("/profile", "/api/change_email", &[("email", "nonsense")]).await;
    assert!(wrong.says("Enter an email address like"), "{wrong:?}");
    eventually(async || browser.get("/account/sessions").await.status() == StatusCode::SEE_OTHER)
        .await;
    let fields = [("email", "alice@example.org")];
    let asked = browser.send("/profile", "/api/change_email", &fields).await;
    assert_eq!(asked.headers()["location"], "/confirm?next=%2Fprofile");
    let page = browser.page("/confirm?next=%2Fprofile").await;
    let (token, pending) = (form_token(&page), hidden(&page, "pending"));
    let fields = [
        ("form_token", &*token),
        ("pending", &*pending),
        ("password", PASSWORD),
        ("next", "/profile"),
    ];
    assert_eq!(browser.post("/api/confirm", &fields).await.headers()["location"], "/profile");
    let page = browser.page("/profile").await;
    assert!(page.contains("We've sent you a mail") && page.contains("Not confirmed yet"), "{page}");
    let link = link(&mailbox.message(1).await);
    browser.get(&format!("/verify-email?link={link}")).await;
    let token = form_token(&browser.page("/verify-email").await);
    let done = browser.post("/api/verify_email", &[("form_token", &token)]).await;
    assert_eq!(done.headers()["location"], "/profile");
    let page = browser.page("/profile").await;
    assert!(page.contains("Email address confirmed.") && page.contains(">Confirmed<"), "{page}");
}
