//! Ways back in by mail, and nobody else by them: a new password, a code, and the five forms of
//! pre-hijacking (RE-01 to RE-04, AU-07).

use reqwest::StatusCode;
use serde_json::json;

use crate::{letters::*, support::*};

#[tokio::test]
async fn an_owner_who_forgot_the_password_gets_back_in_and_everybody_else_is_out() {
    for via in WAYS {
        let (server, mailbox) = with_mail().await;
        let email = server.verified(&mailbox, "alice").await;
        let bearer = format!("Bearer {}", server.token("alice").await);
        let about = "Set a new password";
        for (count, identifier) in [(1, "alice"), (2, "ALICE@example.org")] {
            server.forgot(via, identifier).await;
            mailbox.letter(&email, about, count).await;
        }
        let link = link(&mailbox.letter(&email, about, 2).await);
        assert_eq!(server.reset(via, &link, "short").await, Err(StatusCode::BAD_REQUEST));
        assert_eq!(server.reset(via, &link, NEW).await, Ok(()), "a mistake doesn't use it up");
        assert_eq!(server.reset(Via::Json, &link, NEW).await, Err(StatusCode::BAD_REQUEST), "once");
        assert_eq!(server.profile(&bearer).await.status(), StatusCode::UNAUTHORIZED);
        assert!(!server.sign_in(via, "alice", PASSWORD).await.is_accepted());
        assert!(server.sign_in(via, "alice", NEW).await.is_accepted());
        let notice = mailbox.letter(&email, "Your password was changed", 1).await;
        assert!(!notice.contains(NEW), "no message holds a password");
    }
}

#[tokio::test]
async fn one_link_used_by_twenty_at_once_sets_one_password() {
    let (server, mailbox) = with_mail().await;
    let email = server.verified(&mailbox, "alice").await;
    server.forgot(Via::Json, "alice").await;
    let link = link(&mailbox.letter(&email, "Set a new password", 1).await);
    let passwords: Vec<String> = (0..20).map(|i| format!("horse number {i} and battery")).collect();
    let tries = passwords.iter().map(|new| server.reset(Via::Json, &link, new));
    let outcomes = futures_util::future::join_all(tries).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    let set = outcomes.iter().position(Result::is_ok).expect("one");
    assert!(server.sign_in(Via::Json, "alice", &passwords[set]).await.is_accepted());
}

#[tokio::test]
async fn a_link_leads_to_the_address_of_the_server_whatever_host_asked_for_it() {
    let (server, mailbox) = with_mail().await;
    let email = server.verified(&mailbox, "alice").await;
    let body = json!({"identifier": "alice"}).to_string();
    let own = server.running.address;
    for (hosts, status) in [
        ("Host: evil.example".to_owned(), "421"),
        (format!("Host: {own}\r\nHost: evil.example"), "421"),
        (format!("Host: {own}\r\nX-Forwarded-Host: evil.example"), "202"),
        (format!("Host: {own}\r\nForwarded: host=evil.example"), "202"),
    ] {
        let request = format!(
            "POST /auth/forgot-password HTTP/1.1\r\n{hosts}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        let answer = raw(&server, &request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{hosts}: {answer}");
    }
    mailbox.letter(&email, "Set a new password", 2).await;
    let origin = server.running.state.public_url.origin();
    for letter in mailbox.about(&email, "Set a new password") {
        let letter = read(&letter);
        assert!(letter.contains(&format!("{origin}/set-password?link=")), "{letter}");
        assert!(!letter.contains("evil"), "{letter}");
    }
}

#[tokio::test]
async fn a_code_signs_in_once_where_it_was_asked_for() {
    for via in WAYS {
        let (server, mailbox) = with_mail().await;
        let email = server.verified(&mailbox, "alice").await;
        let asker = server.ask_for_code(via, "alice").await;
        let other = server.ask_for_code(via, "nobody").await;
        let letter = mailbox.letter(&email, "Your code", 1).await;
        assert!(!read(&letter).contains("link="), "no link that signs anybody in");
        let code = code(&letter);
        let invalid = Err(StatusCode::BAD_REQUEST);
        assert_eq!(server.enter_code(&other, &code).await, invalid, "another has asked");
        assert_eq!(server.enter_code(&asker, "0000 0000").await, invalid);
        assert_eq!(server.enter_code(&asker, &code).await, Ok(()));
        if let Asker::Program(_) = asker {
            assert_eq!(server.enter_code(&asker, &code).await, invalid, "once");
        }
        // Wrong five times, and it is void.
        let asker = server.ask_for_code(via, &email).await;
        let right = self::code(&mailbox.letter(&email, "Your code", 2).await);
        for _ in 0..5 {
            assert_eq!(server.enter_code(&asker, "00000000").await, invalid);
        }
        assert_eq!(server.enter_code(&asker, &right).await, invalid);
    }
}

#[tokio::test]
async fn a_code_that_is_old_or_of_an_account_that_has_changed_is_void() {
    for via in WAYS {
        let (server, mailbox) = with_mail_and(&[("THROTTLE_MAIL", "100/1h")]).await;
        let email = server.verified(&mailbox, "alice").await;
        let mut count = 0;
        let mut asked = async || {
            count += 1;
            let asker = server.ask_for_code(via, "alice").await;
            let letter = mailbox.letter(&email, "Your code", count).await;
            (asker, code(&letter))
        };
        let (asker, code) = asked().await;
        server.db_execute("UPDATE challenges SET expires_at = 1").await;
        assert!(server.enter_code(&asker, &code).await.is_err(), "ten minutes later");
        let (asker, code) = asked().await;
        server.forgot(Via::Json, "alice").await;
        let reset = link(&mailbox.letter(&email, "Set a new password", 1).await);
        assert_eq!(server.reset(Via::Json, &reset, NEW).await, Ok(()));
        assert!(server.enter_code(&asker, &code).await.is_err(), "the password has changed");
        let (asker, code) = asked().await;
        let account = server.account_of(&server.token_with("alice", NEW).await).await;
        let account = latchkey::domain::AccountId(account["id"].as_i64().expect("an id"));
        let store = &server.running.state.store;
        latchkey::accounts::set_disabled(
            store,
            &latchkey::audit::Authority::command_line(),
            account,
            true,
        )
        .await
        .expect("disabled");
        assert!(server.enter_code(&asker, &code).await.is_err(), "the account is disabled (AU-07)");
    }
}

#[tokio::test]
async fn the_same_form_with_a_code_sent_twice_signs_in_once() {
    let (server, mailbox) = with_mail().await;
    let email = server.verified(&mailbox, "alice").await;
    let Asker::Browser(browser) = server.ask_for_code(Via::Form, "alice").await else {
        panic!("a browser")
    };
    let code = code(&mailbox.letter(&email, "Your code", 1).await);
    let token = form_token(&browser.page("/signin/code").await);
    let fields = [("form_token", &*token), ("code", &*code)];
    let (first, second) = futures_util::join!(
        browser.post("/api/sign_in_by_code", &fields),
        browser.post("/api/sign_in_by_code", &fields)
    );
    for answer in [first, second] {
        assert_eq!(answer.headers()["location"], "/profile");
    }
    assert_eq!(server.db_count("SELECT COUNT(*) FROM sessions").await, 1);
    assert_eq!(browser.get("/profile").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn codes_are_counted_together_with_passwords() {
    let settings = [("THROTTLE_ACCOUNT", "5/1h"), ("THROTTLE_MAIL", "100/1h")];
    for via in WAYS {
        let (server, mailbox) = with_mail_and(&settings).await;
        let email = server.verified(&mailbox, "alice").await;
        for _ in 0..3 {
            assert!(!server.sign_in(via, "alice", "wrong password").await.is_accepted());
        }
        let asker = server.ask_for_code(via, "alice").await;
        let code = code(&mailbox.letter(&email, "Your code", 1).await);
        for _ in 0..2 {
            assert_eq!(server.enter_code(&asker, "1").await, Err(StatusCode::BAD_REQUEST));
        }
        let limited = Err(StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(server.enter_code(&asker, &code).await, limited);
        // The owner hears of it, once.
        let warning = mailbox.letter(&email, "Many failed attempts", 1).await;
        assert!(read(&warning).contains("/account/security"), "{warning}");
        assert!(!server.sign_in(via, "alice", "wrong password").await.is_accepted());
        eventually(async || server.db_count("SELECT COUNT(*) FROM outbox").await == 0).await;
        assert_eq!(mailbox.about(&email, "Many failed attempts").len(), 1);
    }
}

#[tokio::test]
async fn an_account_without_a_password_is_entered_by_code_and_given_one() {
    let (server, mailbox) = with_mail_and(&[("PROOF_TTL", "5s")]).await;
    let folder = tempfile::tempdir().expect("a folder");
    let line = json!({
        "username": "alice", "fullName": "A", "email": "alice@example.org", "emailVerified": true
    });
    std::fs::write(folder.path().join("people"), line.to_string()).expect("written");
    crate::operator::done(&server, folder.path(), &["import", "people"]);
    let Asker::Browser(browser) = server.ask_for_code(Via::Form, "alice").await else {
        panic!("a browser")
    };
    let enter = async |count| {
        let code = code(&mailbox.letter("alice@example.org", "Your code", count).await);
        let fields = [("code", &*code), ("next", "/account/security")];
        let done = browser.send("/signin/code", "/api/sign_in_by_code", &fields).await;
        assert_eq!(done.headers()["location"], "/account/security");
    };
    enter(1).await;
    // Later, the page asks for a proof, which can only be another code.
    eventually(async || browser.get("/account/security").await.status() == StatusCode::SEE_OTHER)
        .await;
    let confirm = browser.page("/confirm?next=%2Faccount%2Fsecurity").await;
    assert!(confirm.contains("/signin/code?next=%2Faccount%2Fsecurity&amp;again"), "{confirm}");
    let page = "/signin/code?next=%2Faccount%2Fsecurity&again";
    browser.send(page, "/api/send_code", &[("identifier", "alice")]).await;
    enter(2).await;
    let fields = [("newPassword", NEW)];
    let page = "/account/security";
    assert!(browser.submit(page, "/api/change_password", &fields).await.is_accepted());
    assert!(server.sign_in(Via::Form, "alice", NEW).await.is_accepted());
}

/// Mallory signs up with Alice's address, and keeps a session. Alice gets the link.
async fn hijacked(via: Via) -> (TestServer, crate::smtp::Mailbox, String, String) {
    let (server, mailbox) = with_mail().await;
    assert!(server.sign_up_with(via, "mallory", "alice@example.org").await.is_accepted());
    let bearer = format!("Bearer {}", server.token("mallory").await);
    let link = link(&mailbox.letter("alice@example.org", "Confirm", 1).await);
    (server, mailbox, bearer, link)
}

/// Mallory's session and password are dead.
async fn is_out(server: &TestServer, via: Via, bearer: &str) {
    assert_eq!(server.profile(bearer).await.status(), StatusCode::UNAUTHORIZED);
    for name in ["mallory", "alice@example.org"] {
        assert!(!server.sign_in(via, name, PASSWORD).await.is_accepted(), "{name}");
    }
}

#[tokio::test]
async fn an_unverified_address_signs_nobody_in_resets_nothing_and_its_owner_takes_it() {
    // "Classic-federated merge" and "non-verifying provider": nothing is merged by an address.
    for via in WAYS {
        let (server, mailbox, bearer, hers) = hijacked(via).await;
        server.forgot(via, "alice@example.org").await;
        let asker = server.ask_for_code(via, "alice@example.org").await;
        mailbox.letter("alice@example.org", "There is no account", 2).await;
        assert!(mailbox.about("alice@example.org", "Set a new password").is_empty());
        assert!(mailbox.about("alice@example.org", "Your code").is_empty());
        assert!(server.enter_code(&asker, "12345678").await.is_err());
        server.db_execute("DELETE FROM throttle").await;
        assert!(server.sign_up_with(via, "alice", "alice@example.org").await.is_accepted());
        let mine = link(&mailbox.letter("alice@example.org", "Confirm", 2).await);
        assert_eq!(server.verify(via, &mine).await, Ok(()));
        assert!(server.sign_in(via, "alice@example.org", PASSWORD).await.is_accepted());
        let token = bearer.strip_prefix("Bearer ").expect("a token");
        assert_eq!(server.account_of(token).await["email"], serde_json::Value::Null);
        assert!(server.verify(via, &hers).await.is_err(), "it is taken");
    }
}

#[tokio::test]
async fn the_session_of_somebody_who_was_there_first_does_not_outlive_a_reset() {
    // "Unexpired session".
    for via in WAYS {
        let (server, mailbox, bearer, link) = hijacked(via).await;
        assert_eq!(server.verify(via, &link).await, Ok(()));
        server.forgot(via, "alice@example.org").await;
        let letter = mailbox.letter("alice@example.org", "Set a new password", 1).await;
        assert_eq!(server.reset(via, &self::link(&letter), NEW).await, Ok(()));
        is_out(&server, via, &bearer).await;
        assert!(server.sign_in(via, "alice@example.org", NEW).await.is_accepted());
    }
}

#[tokio::test]
async fn whoever_signs_in_by_mail_first_takes_the_account_over() {
    // The same, and "trojan identifier": the password that somebody else chose is one.
    for via in WAYS {
        let (server, mailbox, bearer, link) = hijacked(via).await;
        assert_eq!(server.verify(via, &link).await, Ok(()));
        let asker = server.ask_for_code(via, "alice@example.org").await;
        let code = code(&mailbox.letter("alice@example.org", "Your code", 1).await);
        assert_eq!(server.enter_code(&asker, &code).await, Ok(()));
        is_out(&server, via, &bearer).await;
        mailbox.letter("alice@example.org", "Your password was removed", 1).await;
        if let Asker::Browser(browser) = &asker {
            assert!(browser.page("/profile").await.contains("We removed the old password"));
        }
        // Only once: what she chooses herself stays.
        server.forgot(via, "alice@example.org").await;
        let reset = mailbox.letter("alice@example.org", "Set a new password", 1).await;
        assert_eq!(server.reset(via, &self::link(&reset), NEW).await, Ok(()));
        server.db_execute("DELETE FROM throttle").await;
        let asker = server.ask_for_code(via, "alice@example.org").await;
        let code = self::code(&mailbox.letter("alice@example.org", "Your code", 2).await);
        assert_eq!(server.enter_code(&asker, &code).await, Ok(()));
        assert!(server.sign_in(via, "alice@example.org", NEW).await.is_accepted());
    }
}

#[tokio::test]
async fn an_owner_who_verified_while_signed_in_keeps_password_and_sessions() {
    let (server, mailbox) = with_mail().await;
    assert!(server.sign_up_with(Via::Json, "alice", "alice@example.org").await.is_accepted());
    let token = server.token("alice").await;
    let link = link(&mailbox.letter("alice@example.org", "Confirm", 1).await);
    let body = json!({"token": link});
    let verified = server.ask("POST", "/auth/verify-email", &token, Some(&body)).await;
    assert_eq!(verified.status(), StatusCode::NO_CONTENT);
    let asker = server.ask_for_code(Via::Form, "alice").await;
    let code = code(&mailbox.letter("alice@example.org", "Your code", 1).await);
    assert_eq!(server.enter_code(&asker, &code).await, Ok(()));
    assert_eq!(server.profile(&format!("Bearer {token}")).await.status(), StatusCode::OK);
    assert!(server.sign_in(Via::Form, "alice", PASSWORD).await.is_accepted());
}

#[tokio::test]
async fn a_change_of_the_address_that_waits_dies_with_a_reset() {
    // "Unexpired email change": Mallory's is still waiting when Alice comes.
    for via in WAYS {
        let (server, mailbox, bearer, link) = hijacked(via).await;
        assert_eq!(server.verify(via, &link).await, Ok(()));
        let token = bearer.strip_prefix("Bearer ").expect("a token");
        let body = json!({"email": "mallory@example.org"});
        server.ask("PUT", "/user/email", token, Some(&body)).await;
        let waiting = self::link(&mailbox.letter("mallory@example.org", "Confirm", 1).await);
        server.forgot(via, "alice@example.org").await;
        let letter = mailbox.letter("alice@example.org", "Set a new password", 1).await;
        assert_eq!(server.reset(via, &self::link(&letter), NEW).await, Ok(()));
        assert!(server.verify(via, &waiting).await.is_err());
        let account = server.account_of(&server.token_with("mallory", NEW).await).await;
        assert_eq!(account["email"], "alice@example.org");
    }
}

#[tokio::test]
async fn the_owner_of_an_address_says_that_the_account_is_not_theirs() {
    let (server, mailbox, bearer, link) = hijacked(Via::Form).await;
    let browser = Browser::new(&server);
    let page = browser.arrive(&format!("/verify-email?link={link}")).await;
    let page = page.text().await.expect("a page");
    assert!(page.contains("mallory"), "{page}");
    let fields = [("form_token", &*form_token(&page)), ("link", &*hidden(&page, "link"))];
    let done = browser.post("/api/disown_email", &fields).await;
    assert_eq!(done.headers()["location"], "/");
    assert!(browser.page("/").await.contains("no longer part of that account"));
    let token = bearer.strip_prefix("Bearer ").expect("a token");
    assert_eq!(server.account_of(token).await["email"], serde_json::Value::Null);
    assert!(server.verify(Via::Json, &link).await.is_err());
    assert_eq!(mailbox.taken().len(), 1);
}

#[tokio::test]
async fn a_change_of_the_address_that_waits_is_not_revived_after_the_owner_changed_the_password() {
    let (server, mailbox) = with_mail().await;
    server.verified(&mailbox, "alice").await;
    let token = server.token("alice").await;
    let body = json!({"email": "thief@example.org"});
    server.ask("PUT", "/user/email", &token, Some(&body)).await;
    let waiting = link(&mailbox.letter("thief@example.org", "Confirm", 1).await);
    let body = json!({"currentPassword": PASSWORD, "newPassword": NEW});
    let changed = server.ask("POST", "/user/password", &token, Some(&body)).await;
    assert_eq!(changed.status(), StatusCode::OK);
    for identifier in ["alice", "thief@example.org"] {
        let body = json!({"identifier": identifier});
        let sent = server.post_json("/auth/verify-email/resend", &body).await;
        assert_eq!(sent.status(), StatusCode::ACCEPTED);
    }
    assert!(server.verify(Via::Json, &waiting).await.is_err());
    eventually(async || server.db_count("SELECT COUNT(*) FROM outbox").await == 0).await;
    assert_eq!(mailbox.about("thief@example.org", "Confirm").len(), 1);
}

#[tokio::test]
async fn a_code_that_went_to_another_address_is_void_when_the_address_has_changed() {
    let (server, mailbox) = with_mail().await;
    let email = server.verified(&mailbox, "mallory").await;
    let asker = server.ask_for_code(Via::Json, "mallory").await;
    let code = code(&mailbox.letter(&email, "Your code", 1).await);
    let token = server.token("mallory").await;
    let body = json!({"email": "alice@example.org"});
    server.ask("PUT", "/user/email", &token, Some(&body)).await;
    let confirm = link(&mailbox.letter("alice@example.org", "Confirm", 1).await);
    assert_eq!(server.verify(Via::Json, &confirm).await, Ok(()));
    assert!(server.enter_code(&asker, &code).await.is_err());
    assert!(server.sign_in(Via::Json, "mallory", PASSWORD).await.is_accepted(), "nothing is taken");
}

#[tokio::test]
async fn the_only_way_into_an_account_is_not_removed() {
    let (server, mailbox) = with_mail().await;
    let email = server.verified(&mailbox, "alice").await;
    let asker = server.ask_for_code(Via::Form, "alice").await;
    let code = code(&mailbox.letter(&email, "Your code", 1).await);
    assert_eq!(server.enter_code(&asker, &code).await, Ok(()), "it takes the password away");
    let Asker::Browser(browser) = asker else { panic!("a browser") };
    let page = browser.page("/profile").await;
    assert!(!page.contains("action=\"/api/remove_email\""), "{page}");
    let fields = [("form_token", &*form_token(&page))];
    let refused = browser.post("/api/remove_email", &fields).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    assert!(browser.page("/account").await.contains("You have no password."));
}

#[tokio::test]
async fn strangers_who_use_up_the_mails_of_an_address_do_not_keep_its_owner_out() {
    let (server, mailbox) = with_mail().await;
    let email = server.verified(&mailbox, "alice").await;
    let browser = Browser::signed_in(&server, "alice").await;
    for _ in 0..5 {
        server.ask_for_code(Via::Json, "alice").await;
    }
    eventually(async || server.db_count("SELECT COUNT(*) FROM outbox").await == 0).await;
    let before = mailbox.about(&email, "Your code").len();
    assert_eq!(before, 3);
    // Known by its cookie.
    browser.send("/signin/code?again", "/api/send_code", &[("identifier", "alice")]).await;
    mailbox.letter(&email, "Your code", before + 1).await;
}
