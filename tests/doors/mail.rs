//! Email addresses: given, verified, changed, brought back, removed (RE-01, RE-02, AU-03, AU-09).

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{letters::*, smtp::Mailbox, support::*};

#[tokio::test]
async fn an_address_is_verified_by_its_link_and_then_signs_in() {
    for via in WAYS {
        let (server, mailbox) = with_mail().await;
        assert!(server.sign_up_with(via, "alice", "Alice@Example.org").await.is_accepted());
        let message = mailbox.letter("Alice@Example.org", "Confirm", 1).await;
        let token = server.token("alice").await;
        let seen = server.account_of(&token).await;
        assert_eq!(
            (&seen["email"], &seen["emailVerified"]),
            (&json!("Alice@Example.org"), &json!(false))
        );
        assert!(!server.sign_in(via, "alice@example.org", PASSWORD).await.is_accepted(), "not yet");
        let link = link(&message);
        // A scanner that opens links changes nothing.
        let scanner = Browser::new(&server);
        for _ in 0..2 {
            let page = scanner.arrive(&format!("/verify-email?link={link}")).await;
            assert_eq!(page.status(), StatusCode::OK);
            let text = page.text().await.expect("a page");
            assert!(!text.contains(&link) && text.contains("Did you create that account?"));
        }
        assert_eq!(server.verify(via, &link).await, Ok(()));
        assert_eq!(server.account_of(&token).await["emailVerified"], true);
        assert!(server.sign_in(via, "ALICE@example.ORG", PASSWORD).await.is_accepted());
        assert_eq!(server.verify(Via::Json, &link).await, Err(StatusCode::BAD_REQUEST), "once");
        for wrong in [&"x".repeat(43), "x"] {
            assert_eq!(server.verify(via, wrong).await, Err(StatusCode::BAD_REQUEST), "{wrong}");
        }
        let body = json!({"token": ""});
        let empty = server.post_json("/auth/verify-email", &body).await;
        assert_eq!(empty.status(), StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn a_link_is_good_for_its_purpose_and_its_address_and_not_for_ever() {
    let (server, mailbox) = with_mail().await;
    server.verified(&mailbox, "alice").await;
    server.forgot(Via::Json, "alice").await;
    let reset = link(&mailbox.letter("alice@example.org", "Set a new password", 1).await);
    for via in WAYS {
        assert!(server.verify(via, &reset).await.is_err(), "another purpose");
        assert!(server.restore(via, &reset).await.is_err(), "another purpose");
    }
    // A new link voids the one before it.
    server.forgot(Via::Json, "alice").await;
    let later = link(&mailbox.letter("alice@example.org", "Set a new password", 2).await);
    assert!(server.reset(Via::Json, &reset, NEW).await.is_err());
    // So does another address.
    let token = server.token("alice").await;
    let change = async |email: &str| {
        let body = json!({"email": email});
        let answer = server.ask("PUT", "/user/email", &token, Some(&body)).await;
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        link(&mailbox.letter(email, "Confirm", 1).await)
    };
    let first = change("first@example.org").await;
    let second = change("second@example.org").await;
    assert!(server.verify(Via::Json, &first).await.is_err(), "a later one was given");
    assert_eq!(server.verify(Via::Json, &second).await, Ok(()));
    assert!(server.reset(Via::Json, &later, NEW).await.is_err(), "it went to the former address");
    server.forgot(Via::Json, "alice").await;
    let last = link(&mailbox.letter("second@example.org", "Set a new password", 1).await);
    server.db_execute("UPDATE links SET expires_at = 1").await;
    for via in WAYS {
        assert!(server.reset(via, &last, NEW).await.is_err(), "it has expired");
    }
}

#[tokio::test]
async fn two_tabs_with_two_links_do_not_mix_them_up() {
    let (server, mailbox) = with_mail().await;
    for name in ["alice", "bob"] {
        server.verified(&mailbox, name).await;
        server.forgot(Via::Json, name).await;
    }
    let about = "Set a new password";
    let alices = link(&mailbox.letter("alice@example.org", about, 1).await);
    let bobs = link(&mailbox.letter("bob@example.org", about, 1).await);
    let browser = Browser::new(&server);
    let open = async |link: &str| {
        let page = browser.arrive(&format!("/set-password?link={link}")).await;
        page.text().await.expect("a page")
    };
    let (first, second) = (open(&alices).await, open(&bobs).await);
    let set = async |page: &str| {
        let (token, link) = (form_token(page), hidden(page, "link"));
        let fields = [("form_token", &*token), ("link", &*link), ("newPassword", NEW)];
        browser.post("/api/set_password", &fields).await.status()
    };
    assert_eq!(set(&first).await, StatusCode::BAD_REQUEST, "it was made for the other link");
    assert_eq!(set(&second).await, StatusCode::SEE_OTHER);
    assert!(server.sign_in(Via::Form, "alice", PASSWORD).await.is_accepted(), "as it was");
    assert!(server.sign_in(Via::Form, "bob", NEW).await.is_accepted());
}

#[tokio::test]
async fn nobody_learns_from_the_answer_who_is_here() {
    let (server, mailbox) = with_mail_and(&[("THROTTLE_NETWORK", "1000/1m")]).await;
    server.verified(&mailbox, "alice").await;
    // An address that belongs to somebody is accepted at sign-up like any other, and only its owner
    // hears of it.
    assert!(server.sign_up_with(Via::Json, "mallory", "alice@example.org").await.is_accepted());
    mailbox.letter("alice@example.org", "You already have an account", 1).await;
    // The same at a change.
    let token = server.token("mallory").await;
    let give = async |email: &str| {
        let answer = server.ask("PUT", "/user/email", &token, Some(&json!({"email": email}))).await;
        (answer.status(), answer.text().await.expect("a body"))
    };
    assert_eq!(give("alice@example.org").await, give("nobody@example.org").await);
    let names =
        ["alice", "nobody", "alice@example.org", "nobody@example.org", "?", "a b", "\u{202e}"];
    for route in ["/auth/forgot-password", "/auth/email-code", "/auth/verify-email/resend"] {
        let mut answers = Vec::new();
        for identifier in names {
            let answer = server.post_json(route, &json!({"identifier": identifier})).await;
            let (status, mut headers) = (answer.status(), answer.headers().clone());
            for varying in ["date", "x-request-id"] {
                headers.remove(varying);
            }
            let length = answer.bytes().await.expect("a body").len();
            answers.push((status, format!("{headers:?}"), length));
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{route}: {answers:?}");
    }
    for (page, action) in [
        ("/forgot-password", "/api/forgot_password"),
        ("/signin/code", "/api/send_code"),
        ("/verify-email/resend", "/api/resend_verification"),
    ] {
        let mut answers = Vec::new();
        for identifier in names {
            let browser = Browser::new(&server);
            let sent = browser.send(page, action, &[("identifier", identifier)]).await;
            let location = sent.headers()["location"].to_str().expect("text").to_owned();
            answers.push((sent.status(), location.clone(), browser.page(&location).await.len()));
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{action}: {answers:?}");
    }
    eventually(async || server.db_count("SELECT COUNT(*) FROM outbox").await == 0).await;
    assert!(!mailbox.about("nobody@example.org", "There is no account").is_empty());
    assert_eq!(server.account_of(&token).await["emailVerified"], false);
}

#[tokio::test]
async fn an_address_gets_no_more_than_so_many_mails() {
    for via in WAYS {
        let (server, mailbox) = with_mail().await;
        server.verified(&mailbox, "alice").await;
        for _ in 0..10 {
            server.forgot(via, "alice").await;
            server.ask_for_code(via, "alice@example.org").await;
        }
        eventually(async || server.db_count("SELECT COUNT(*) FROM outbox").await == 0).await;
        // That of the sign-up, and three of each kind.
        assert_eq!(mailbox.taken().len(), 1 + 3 + 3);
    }
}

#[tokio::test]
async fn a_network_that_asks_too_often_gets_the_same_answer_and_nothing_is_sent() {
    let (server, mailbox) = with_mail_and(&[("THROTTLE_NETWORK", "5/1h")]).await;
    server.verified(&mailbox, "alice").await;
    for index in 0..20 {
        server.forgot(Via::Json, &format!("person{index}@example.org")).await;
    }
    server.forgot(Via::Form, "alice").await;
    server.ask_for_code(Via::Form, "alice").await;
    let asker = server.ask_for_code(Via::Json, "alice").await;
    assert_eq!(server.enter_code(&asker, "12345678").await, Err(StatusCode::BAD_REQUEST));
    let body = json!({"identifier": "alice"});
    let sent = server.post_json("/auth/verify-email/resend", &body).await;
    assert_eq!(sent.status(), StatusCode::ACCEPTED);
    eventually(async || server.db_count("SELECT COUNT(*) FROM outbox").await == 0).await;
    assert_eq!(mailbox.taken().len(), 1 + 5);
}

#[tokio::test]
async fn a_mail_that_is_not_sent_does_not_void_the_link_before_it() {
    let (server, mailbox) = with_mail_and(&[("THROTTLE_MAIL", "1/1h")]).await;
    assert!(server.sign_up_with(Via::Json, "alice", "alice@example.org").await.is_accepted());
    let first = link(&mailbox.letter("alice@example.org", "Confirm", 1).await);
    let body = json!({"identifier": "alice"});
    server.post_json("/auth/verify-email/resend", &body).await;
    let token = server.token("alice").await;
    let body = json!({"email": "alice@example.org"});
    server.ask("PUT", "/user/email", &token, Some(&body)).await;
    eventually(async || server.db_count("SELECT COUNT(*) FROM outbox").await == 0).await;
    assert_eq!(mailbox.about("alice@example.org", "Confirm").len(), 1);
    assert_eq!(server.verify(Via::Json, &first).await, Ok(()));
    server.forgot(Via::Json, "alice").await;
    let first = link(&mailbox.letter("alice@example.org", "Set a new password", 1).await);
    server.forgot(Via::Form, "alice").await;
    assert_eq!(server.reset(Via::Json, &first, NEW).await, Ok(()));
}

#[tokio::test]
async fn the_old_address_hears_of_a_change_and_stays_until_the_new_one_is_verified() {
    let (server, mailbox) = with_mail().await;
    server.verified(&mailbox, "alice").await;
    let old = "alice@example.org";
    let token = server.token("alice").await;
    let body = json!({"email": "new@example.org"});
    let given = server.ask("PUT", "/user/email", &token, Some(&body)).await;
    assert_eq!(given.status(), StatusCode::ACCEPTED);
    mailbox.letter(old, "is being changed", 1).await;
    assert_eq!(server.account_of(&token).await["email"], old);
    assert!(server.sign_in(Via::Json, old, PASSWORD).await.is_accepted());
    let confirm = link(&mailbox.letter("new@example.org", "Confirm", 1).await);
    assert_eq!(server.verify(Via::Form, &confirm).await, Ok(()));
    mailbox.letter(old, "address was changed", 1).await;
    assert_eq!(server.account_of(&token).await["email"], "new@example.org");
    let data = json_of(server.ask("GET", "/user/data", &token, None).await).await;
    assert_eq!(data["email"], "new@example.org");
    assert!(!server.sign_in(Via::Json, old, PASSWORD).await.is_accepted());
    let removed = server.ask("DELETE", "/user/email", &server.token("alice").await, None).await;
    assert_eq!(removed.status(), StatusCode::NO_CONTENT);
    mailbox.letter("new@example.org", "was removed", 1).await;
    assert_eq!(server.account_of(&token).await["email"], Value::Null);
}

/// A thief who knows the password changes the address, twice.
async fn stolen() -> (TestServer, Mailbox, String) {
    let (server, mailbox) = with_mail().await;
    server.verified(&mailbox, "alice").await;
    let token = server.token("alice").await;
    for email in ["thief@example.org", "thief2@example.org"] {
        let body = json!({"email": email});
        let given = server.ask("PUT", "/user/email", &token, Some(&body)).await;
        assert_eq!(given.status(), StatusCode::ACCEPTED);
        let confirm = link(&mailbox.letter(email, "Confirm", 1).await);
        assert_eq!(server.verify(Via::Json, &confirm).await, Ok(()));
    }
    let undo = link(&mailbox.letter("alice@example.org", "address was changed", 1).await);
    (server, mailbox, undo)
}

#[tokio::test]
async fn the_owner_of_a_former_address_undoes_the_change_and_the_thief_is_out() {
    for via in WAYS {
        let (server, mailbox, undo) = stolen().await;
        // The thief changes the password and brings an address of their own back, which helps nothing.
        let token = server.token("alice").await;
        let body = json!({"currentPassword": PASSWORD, "newPassword": NEW});
        let changed = server.ask("POST", "/user/password", &token, Some(&body)).await;
        let token = json_of(changed).await["accessToken"].as_str().expect("a token").to_owned();
        let thiefs = link(&mailbox.letter("thief@example.org", "address was changed", 1).await);
        let page = Browser::new(&server).arrive(&format!("/restore-email?link={undo}")).await;
        assert!(page.text().await.expect("a page").contains("alice@example.org"));
        assert_eq!(server.restore(via, &undo).await, Ok(()));
        assert_eq!(server.restore(via, &undo).await, Err(StatusCode::BAD_REQUEST), "once");
        assert_eq!(server.restore(via, &thiefs).await, Err(StatusCode::BAD_REQUEST), "it is void");
        let profile = server.profile(&format!("Bearer {token}")).await;
        assert_eq!(profile.status(), StatusCode::UNAUTHORIZED, "all sessions have ended");
        for password in [PASSWORD, NEW] {
            assert!(!server.sign_in(via, "alice", password).await.is_accepted(), "none is known");
        }
        mailbox.letter("thief2@example.org", "was replaced", 1).await;
        server.forgot(via, "alice@example.org").await;
        let reset = link(&mailbox.letter("alice@example.org", "Set a new password", 1).await);
        assert_eq!(server.reset(via, &reset, "yet another horse").await, Ok(()));
        assert!(server.sign_in(via, "alice@example.org", "yet another horse").await.is_accepted());
    }
}

#[tokio::test]
async fn a_thief_who_undoes_their_own_change_does_not_void_the_owners_link() {
    let (server, mailbox, undo) = stolen().await;
    let thiefs = link(&mailbox.letter("thief@example.org", "address was changed", 1).await);
    assert_eq!(server.restore(Via::Json, &thiefs).await, Ok(()));
    assert_eq!(server.restore(Via::Json, &undo).await, Ok(()));
    // Three days later it is too late.
    let (server, _, undo) = stolen().await;
    server.db_execute("UPDATE former_emails SET expires_at = 1").await;
    for via in WAYS {
        assert_eq!(server.restore(via, &undo).await, Err(StatusCode::BAD_REQUEST));
    }
}

#[tokio::test]
async fn the_page_that_brings_an_address_back_goes_on_to_a_new_password() {
    let (server, _, undo) = stolen().await;
    let browser = Browser::new(&server);
    let page = browser.arrive(&format!("/restore-email?link={undo}")).await;
    let page = page.text().await.expect("a page");
    let fields = [("form_token", &*form_token(&page)), ("link", &*hidden(&page, "link"))];
    let done = browser.post("/api/restore_email", &fields).await;
    assert_eq!(done.headers()["location"], "/set-password");
    let set = [("newPassword", NEW)];
    assert!(browser.submit("/set-password", "/api/set_password", &set).await.is_accepted());
    assert!(server.sign_in(Via::Form, "alice@example.org", NEW).await.is_accepted());
}

#[tokio::test]
async fn where_an_address_is_required_nobody_is_let_in_before_it_is_verified() {
    for via in WAYS {
        let (server, mailbox) = with_mail_and(&[("EMAIL_REQUIRED", "yes")]).await;
        assert!(server.sign_up(via, "alice", PASSWORD, "Alice").await.says("Enter your email"));
        assert!(server.sign_up_with(via, "alice", "alice@example.org").await.is_accepted());
        let refused = server.sign_in(via, "alice", PASSWORD).await;
        assert_eq!(refused, server.sign_in(via, "alice", "wrong password").await, "AU-01");
        assert!(!refused.is_accepted());
        let first = link(&mailbox.letter("alice@example.org", "Confirm", 1).await);
        match via {
            Via::Json => {
                let body = json!({"identifier": "alice"});
                let sent = server.post_json("/auth/verify-email/resend", &body).await;
                assert_eq!(sent.status(), StatusCode::ACCEPTED);
            }
            Via::Form => {
                let fields = [("identifier", "alice@example.org")];
                let browser = Browser::new(&server);
                let page = "/verify-email/resend";
                let sent = browser.submit(page, "/api/resend_verification", &fields).await;
                assert!(sent.is_accepted());
            }
        }
        let second = link(&mailbox.letter("alice@example.org", "Confirm", 2).await);
        assert!(server.verify(via, &first).await.is_err(), "the second one replaces it");
        assert_eq!(server.verify(via, &second).await, Ok(()));
        assert!(server.sign_in(via, "alice", PASSWORD).await.is_accepted());
        let token = server.token("alice").await;
        let removed = server.ask("DELETE", "/user/email", &token, None).await;
        assert_eq!(removed.status(), StatusCode::BAD_REQUEST, "it is required");
        assert_eq!(server.account_of(&token).await["email"], "alice@example.org");
    }
}

#[tokio::test]
async fn a_sign_up_that_must_be_verified_and_is_sent_twice_makes_one_account() {
    let (server, mailbox) = with_mail_and(&[("EMAIL_REQUIRED", "yes")]).await;
    let browser = Browser::new(&server);
    let token = form_token(&browser.page("/signup").await);
    let fields = [
        ("form_token", &*token),
        ("username", "alice"),
        ("password", PASSWORD),
        ("fullName", "Alice"),
        ("email", "alice@example.org"),
    ];
    for _ in 0..2 {
        let done = browser.post("/api/sign_up", &fields).await;
        assert_eq!(done.headers()["location"], "/signin");
    }
    assert!(browser.page("/signin").await.contains("Your account has been created."));
    mailbox.letter("alice@example.org", "Confirm", 1).await;
    assert_eq!(server.db_count("SELECT COUNT(*) FROM accounts").await, 1);
}

#[tokio::test]
async fn without_mail_there_is_nothing_of_it() {
    let server = TestServer::start().await;
    let ignored = server.sign_up_with(Via::Json, "alice", "not an address").await;
    assert!(ignored.is_accepted(), "as it was before");
    for path in [
        "/forgot-password",
        "/verify-email",
        "/verify-email?link=x",
        "/verify-email/resend",
        "/restore-email",
        "/signin/code",
    ] {
        assert_eq!(Browser::new(&server).get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    for path in [
        "/auth/forgot-password",
        "/auth/reset-password",
        "/auth/verify-email",
        "/auth/verify-email/resend",
        "/auth/restore-email",
        "/auth/disown-email",
        "/auth/email-code",
        "/auth/email-code/signin",
    ] {
        let answer = server.post_json(path, &json!({"identifier": "alice"})).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let browser = Browser::signed_up(&server, "bob").await;
    for path in ["/profile", "/signin", "/signup"] {
        let page = browser.get(path).await.text().await.expect("a page");
        assert!(!page.contains("Email") && !page.contains("forgot"), "{path}");
    }
    assert_eq!(server.account_of(&server.token("alice").await).await["email"], Value::Null);
}

#[tokio::test]
async fn the_address_is_changed_on_the_profile_page_and_asks_for_the_password() {
    let (server, mailbox) = with_mail_and(&[("PROOF_TTL", "5s")]).await;
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
    assert!(
        page.contains("We've sent you an email") && page.contains("Not confirmed yet"),
        "{page}"
    );
    let link = link(&mailbox.message(1).await);
    let page = browser.arrive(&format!("/verify-email?link={link}")).await;
    let page = page.text().await.expect("a page");
    let fields = [("form_token", &*form_token(&page)), ("link", &*hidden(&page, "link"))];
    let done = browser.post("/api/verify_email", &fields).await;
    assert_eq!(done.headers()["location"], "/profile");
    let again = browser.post("/api/verify_email", &fields).await;
    assert_eq!(again.status(), StatusCode::BAD_REQUEST, "the cookie has gone");
    let page = browser.page("/profile").await;
    assert!(page.contains("Email address confirmed.") && page.contains(">Confirmed<"), "{page}");
}
