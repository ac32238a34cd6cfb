//! Requests that are sent twice, or repeated because the answer was lost, have the same outcome.

use reqwest::{StatusCode, header};
use serde_json::{Value, json};

use crate::support::*;

const NEW: &str = "another horse and battery";

async fn json_of(response: reqwest::Response) -> Value {
    assert_eq!(response.status(), StatusCode::OK);
    response.json().await.expect("JSON")
}

fn location(response: &reqwest::Response) -> &str {
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    response.headers()[header::LOCATION].to_str().expect("text")
}

/// Whether a session cookie with this value opens the profile.
async fn opens(server: &TestServer, session: &str) -> bool {
    let request = program().get(server.url("/user/profile"));
    let request = request.header(header::COOKIE, format!("latchkey={session}"));
    request.send().await.expect("an answer").status() == StatusCode::OK
}

/// Alice's browser at a second node, which finds her last password entry too old; and the token of
/// her forms.
async fn alice_with_an_old_proof(server: &TestServer) -> (TestServer, Browser, String) {
    let browser = Browser::signed_up(server, "alice").await;
    let form = form_token(&browser.page("/account/data").await);
    server.db_forget_proofs().await;
    let node = server.another_node().await;
    let here = Browser::with_session(&node.origin(), &browser.session());
    (node, here, form)
}

#[tokio::test]
async fn a_sign_up_by_the_page_that_is_sent_twice_signs_in_both_times() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let token = form_token(&browser.page("/signup").await);
    let fields = [
        ("form_token", &*token),
        ("username", "alice"),
        ("password", PASSWORD),
        ("fullName", "Alice"),
    ];
    // Both are sent at once, and neither has the cookie from the other.
    let (first, second) =
        tokio::join!(browser.post("/api/sign_up", &fields), browser.post("/api/sign_up", &fields));
    for response in [&first, &second] {
        assert_eq!(location(response), "/profile");
        let session = cookie(response, "latchkey").expect("a session");
        assert!(opens(&server, &session).await);
    }
    assert_eq!(server.db_count("SELECT COUNT(*) FROM accounts").await, 1);
    assert_eq!(server.db_count("SELECT COUNT(*) FROM sessions").await, 1);
    // Another browser or another password means another person.
    assert!(!server.sign_up(Via::Form, "alice", PASSWORD, "Alice").await.is_accepted());
    assert!(!server.sign_up(Via::Json, "alice", PASSWORD, "Alice").await.is_accepted());
    let fields = [("username", "alice"), ("password", NEW), ("fullName", "Alice")];
    let browser = Browser::signed_up(&server, "bob").await;
    let outcome = browser.submit("/profile", "/api/sign_up", &fields).await;
    assert!(outcome.says("taken") || outcome.says("Username exists"), "{outcome:?}");
}

#[tokio::test]
async fn a_changed_password_that_is_sent_twice_keeps_the_browser_signed_in() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    let token = form_token(&browser.page("/account/security").await);
    let before = browser.session();
    let fields = [("form_token", &*token), ("currentPassword", PASSWORD), ("newPassword", NEW)];
    let post = |fields: Vec<(&'static str, String)>| {
        let request = program().post(server.url("/api/change_password"));
        let request = request.header(header::ACCEPT, "text/html");
        let request = request.header(header::ORIGIN, server.origin());
        let request = request.header(header::COOKIE, format!("latchkey={before}"));
        async move { request.form(&fields).send().await.expect("an answer") }
    };
    let own = |fields: &[(&'static str, &str)]| {
        fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect::<Vec<_>>()
    };
    let (first, second) = tokio::join!(post(own(&fields)), post(own(&fields)));
    let third = post(own(&fields)).await;
    let mut ids = std::collections::BTreeSet::new();
    for response in [&first, &second, &third] {
        assert_eq!(location(response), "/account/security");
        let session = cookie(response, "latchkey").expect("a session");
        assert!(opens(&server, &session).await);
        ids.insert(session_id(&session));
    }
    assert_eq!(ids.len(), 1, "the same session");
    assert!(!opens(&server, &before).await, "the old cookie opens nothing else");
    // The old cookie alone gets nothing.
    let fields = [("form_token", &*token), ("currentPassword", NEW), ("newPassword", PASSWORD)];
    let stolen = post(own(&fields)).await;
    assert_ne!(stolen.status(), StatusCode::SEE_OTHER);
    assert!(cookie(&stolen, "latchkey").is_none());
    assert!(server.sign_in(Via::Json, "alice", NEW).await.is_accepted());
}

#[tokio::test]
async fn a_confirmation_whose_answer_was_lost_can_be_sent_again() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    // By a program: the same session, and the same refresh token.
    let before = server.refreshable("alice").await;
    let token = before["accessToken"].as_str().expect("a token");
    let body = json!({"password": PASSWORD});
    let first = json_of(server.ask("POST", "/auth/confirm", token, Some(&body)).await).await;
    let second = json_of(server.ask("POST", "/auth/confirm", token, Some(&body)).await).await;
    assert_eq!(first["refreshToken"], second["refreshToken"]);
    for answer in [&first, &second] {
        let bearer = format!("Bearer {}", answer["accessToken"].as_str().expect("a token"));
        assert_eq!(server.profile(&bearer).await.status(), StatusCode::OK);
    }
    let refresh = second["refreshToken"].as_str().expect("a token");
    assert_eq!(server.refresh(refresh).await.status(), StatusCode::OK);
    // The old token works nowhere else, and not at all without the password.
    let old = format!("Bearer {token}");
    assert_eq!(server.profile(&old).await.status(), StatusCode::UNAUTHORIZED);
    let wrong = json!({"password": "wrong wrong wrong"});
    let refused = server.ask("POST", "/auth/confirm", token, Some(&wrong)).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);

    // A password change is a different request: for that, the old token is no longer valid.
    let change = json!({"currentPassword": PASSWORD, "newPassword": NEW});
    let refused = server.ask("POST", "/user/password", token, Some(&change)).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);

    // By a browser.
    let browser = Browser::signed_in(&server, "alice").await;
    let form = form_token(&browser.page("/confirm").await);
    let old = browser.session();
    let post = async || {
        let request = program().post(server.url("/api/confirm"));
        let request = request.header(header::ACCEPT, "text/html");
        let request = request.header(header::ORIGIN, server.origin());
        let request = request.header(header::COOKIE, format!("latchkey={old}"));
        let fields = [("form_token", &*form), ("password", PASSWORD), ("next", "/profile")];
        request.form(&fields).send().await.expect("an answer")
    };
    let (first, second) = (post().await, post().await);
    for response in [&first, &second] {
        assert_eq!(location(response), "/profile");
        assert!(opens(&server, &cookie(response, "latchkey").expect("a session")).await);
    }
}

#[tokio::test]
async fn after_the_grace_a_lost_answer_is_lost() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let token = server.token("alice").await;
    let body = json!({"password": PASSWORD});
    json_of(server.ask("POST", "/auth/confirm", &token, Some(&body)).await).await;
    let db = server.db().await;
    let later = "UPDATE sessions SET auth_time = auth_time - 11 WHERE begun_by IS NOT NULL";
    sqlx::query(later).execute(&db).await.expect("updated");
    db.close().await;
    let late = server.ask("POST", "/auth/confirm", &token, Some(&body)).await;
    assert_eq!(late.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_session_that_is_ended_twice_is_ended_and_the_page_says_so() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    let other = Browser::signed_in(&server, "alice").await;
    let id = session_id(&other.session());
    let fields = [("id", &*id)];
    for said in ["Signed out of that device.", "That device was already signed out."] {
        let ended = browser.send("/account/sessions", "/api/end_session", &fields).await;
        assert_eq!(location(&ended), "/account/sessions");
        assert!(browser.page("/account/sessions").await.contains(said), "{said}");
    }
    assert_eq!(other.get("/profile").await.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn signing_out_twice_ends_where_the_first_did() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    let token = form_token(&browser.page("/profile").await);
    let session = browser.session();
    for _ in 0..2 {
        let request = program().post(server.url("/api/sign_out"));
        let request = request.header(header::ACCEPT, "text/html");
        let request = request.header(header::ORIGIN, server.origin());
        let request = request.header(header::COOKIE, format!("latchkey={session}"));
        let response = request.form(&[("form_token", &*token)]).send().await.expect("an answer");
        assert_eq!(location(&response), "/");
    }
}

#[tokio::test]
async fn what_was_asked_for_is_done_once_the_password_is_confirmed() {
    let server = TestServer::start_with(&[NODES_URL]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let other = Browser::signed_in(&server, "alice").await;
    let other_id = session_id(&other.session());
    let form = form_token(&browser.page("/account/sessions").await);
    server.db_forget_proofs().await;
    // Another node has no proofs in its cache.
    let node = server.another_node().await;
    let cookies = browser.session();
    let here = Browser::with_session(&node.origin(), &cookies);
    let asked = here.post("/api/end_session", &[("form_token", &form), ("id", &other_id)]).await;
    assert_eq!(location(&asked), "/confirm?next=%2Faccount%2Fsessions");
    let page = here.page("/confirm?next=%2Faccount%2Fsessions").await;
    assert!(page.contains("sign out of that device"), "{page}");
    assert!(page.contains("autocomplete=\"username\""), "for password managers");
    let pending = hidden(&page, "pending");
    // A confirmation page for something else does not carry the request.
    let unasked = here.page("/confirm?next=%2Fprofile").await;
    assert!(!unasked.contains("name=\"pending\""));
    let fields = [
        ("form_token", form_token(&page)),
        ("password", PASSWORD.to_owned()),
        ("pending", pending),
    ];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, &**value)).collect();
    let done = here.post("/api/confirm", &fields).await;
    assert_eq!(location(&done), "/account/sessions");
    assert!(here.page("/account/sessions").await.contains("Signed out of that device."));
    assert_eq!(other.get("/profile").await.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_confirmation_that_does_not_name_what_was_asked_for_says_that_it_was_not_done() {
    let server = TestServer::start_with(&[NODES_URL]).await;
    let (_node, here, form) = alice_with_an_old_proof(&server).await;
    let asked =
        here.post("/api/delete_account", &[("form_token", &form), ("confirmed", "yes")]).await;
    assert_eq!(location(&asked), "/confirm?next=%2Faccount%2Fdata");
    // From another tab, or left open for too long.
    for pending in ["", "delete..1790000000.AAAA"] {
        let fields = [("password", PASSWORD), ("next", "/account/data"), ("pending", pending)];
        let confirmed = here.send("/confirm?next=%2Faccount%2Fdata", "/api/confirm", &fields).await;
        assert_eq!(location(&confirmed), "/account/data");
        assert!(here.page("/account/data").await.contains("carried out"), "{pending:?}");
    }
    let kept = "SELECT COUNT(*) FROM accounts WHERE delete_at IS NULL";
    assert_eq!(server.db_count(kept).await, 1);
}

#[tokio::test]
async fn a_deletion_that_had_to_wait_for_the_password_is_done_and_says_when() {
    let server = TestServer::start_with(&[NODES_URL]).await;
    let (_node, here, form) = alice_with_an_old_proof(&server).await;
    here.post("/api/delete_account", &[("form_token", &form), ("confirmed", "yes")]).await;
    let page = here.page("/confirm?next=%2Faccount%2Fdata").await;
    assert!(page.contains("to delete your account"), "{page}");
    let pending = hidden(&page, "pending");
    let wrong = [("password", "wrong wrong wrong"), ("pending", &*pending)];
    let again = here.send("/confirm?next=%2Faccount%2Fdata", "/api/confirm", &wrong).await;
    assert_eq!(again.status(), StatusCode::BAD_REQUEST);
    let page = again.text().await.expect("a page");
    let pending = hidden(&page, "pending");
    let right = [("password", PASSWORD), ("pending", &*pending)];
    let deleted = here.send("/confirm?next=%2Faccount%2Fdata", "/api/confirm", &right).await;
    assert_eq!(location(&deleted), "/signin");
    let page = here.page("/signin").await;
    assert!(page.contains("will be deleted on"), "{page}");
    assert!(!here.page("/signin").await.contains("will be deleted on"), "it is said once");
    let due = "SELECT COUNT(*) FROM accounts WHERE delete_at IS NOT NULL";
    assert_eq!(server.db_count(due).await, 1);
}

#[tokio::test]
async fn a_deletion_that_is_asked_for_twice_says_both_times_when() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    let form = form_token(&browser.page("/account/data").await);
    let session = browser.session();
    // None has a cookie from another's answer.
    let [first, second, third] =
        [(); 3].map(|()| Browser::with_session(&server.origin(), &session));
    let fields = [("form_token", &*form), ("confirmed", "yes")];
    let (one, other) = tokio::join!(
        first.post("/api/delete_account", &fields),
        second.post("/api/delete_account", &fields)
    );
    assert_eq!((location(&one), location(&other)), ("/signin", "/signin"));
    let confirm = [("form_token", &*form), ("password", PASSWORD)];
    assert_eq!(location(&third.post("/api/confirm", &confirm).await), "/signin");
    for browser in [&first, &second, &third] {
        assert!(browser.page("/signin").await.contains("will be deleted on"));
        assert!(!browser.page("/signin").await.contains("will be deleted on"), "it is said once");
    }
    let asked = "SELECT COUNT(*) FROM audit_events WHERE event = 'user_archived:deletion'";
    assert_eq!(server.db_count(asked).await, 1);
    // An account that stays gets no notice.
    assert!(server.sign_in(Via::Json, "alice", PASSWORD).await.is_accepted());
    let late = Browser::with_session(&server.origin(), &session);
    let answer = late.post("/api/delete_account", &fields).await;
    assert_eq!(location(&answer), "/signin?next=%2Faccount%2Fdata");
}

#[tokio::test]
async fn a_confirmed_deletion_that_is_sent_twice_at_once_says_both_times_when() {
    let server = TestServer::start_with(&[NODES_URL]).await;
    let (node, here, form) = alice_with_an_old_proof(&server).await;
    here.post("/api/delete_account", &[("form_token", &form), ("confirmed", "yes")]).await;
    let page = here.page("/confirm?next=%2Faccount%2Fdata").await;
    let (form, pending) = (form_token(&page), hidden(&page, "pending"));
    let fields = [("form_token", &*form), ("password", PASSWORD), ("pending", &*pending)];
    let session = here.session();
    let [first, second] = [(); 2].map(|()| Browser::with_session(&node.origin(), &session));
    let (one, other) =
        tokio::join!(first.post("/api/confirm", &fields), second.post("/api/confirm", &fields));
    assert_eq!((location(&one), location(&other)), ("/signin", "/signin"));
    for browser in [&first, &second] {
        assert!(browser.page("/signin").await.contains("will be deleted on"));
    }
}

#[tokio::test]
async fn a_link_that_is_used_twice_by_its_signed_in_owner_sets_the_password_once() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    let token = server.token("alice").await;
    let account = json_of(server.profile(&format!("Bearer {token}")).await).await;
    let account = latchkey::domain::AccountId(account["id"].as_i64().expect("an id"));
    let store = &server.running.state.store;
    let link = latchkey::sign_in::password::make_link(
        store,
        &latchkey::audit::Authority::command_line(),
        account,
    )
    .await
    .expect("a link");
    let page = browser.arrive(&format!("/set-password?link={link}")).await;
    let page = page.text().await.expect("a page");
    let (_, form) = page.split_once("action=\"/api/set_password").expect("its form");
    let form = form_token(form);
    let fields = [("form_token", &*form), ("link", &*link), ("newPassword", NEW)];
    for _ in 0..2 {
        assert_eq!(location(&browser.post("/api/set_password", &fields).await), "/signin");
    }
    assert!(browser.page("/signin").await.contains("Password saved."));
    assert!(server.sign_in(Via::Form, "alice", NEW).await.is_accepted());
}

#[tokio::test]
async fn a_second_tab_goes_where_it_wanted_to_go() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let browser = Browser::new(&server);
    let page = "/signin?next=%2Faccount%2Fsessions";
    let second = form_token(&browser.page(page).await);
    let fields = [("username", "alice"), ("password", PASSWORD)];
    browser.send("/signin", "/api/sign_in", &fields).await;
    // The second tab loaded its form before the first signed in.
    let fields = [
        ("form_token", &*second),
        ("username", "alice"),
        ("password", PASSWORD),
        ("next", "/account/sessions"),
    ];
    assert_eq!(location(&browser.post("/api/sign_in", &fields).await), "/account/sessions");
    assert_eq!(location(&browser.get(page).await), "/account/sessions");
    assert_eq!(location(&browser.get("/signin?next=%2F%2Fevil.example").await), "/profile");
    assert_eq!(location(&browser.get("/signin").await), "/profile");
    // A form of this session survives a confirmation in another tab.
    let form = form_token(&browser.page("/profile").await);
    browser.send("/confirm", "/api/confirm", &[("password", PASSWORD)]).await;
    let fields = [("form_token", &*form), ("fullName", "Alice the Second")];
    assert_eq!(location(&browser.post("/api/change_full_name", &fields).await), "/profile");
}

#[tokio::test]
async fn a_form_of_somebody_who_is_signed_out_leads_back_to_its_page() {
    let server = TestServer::start().await;
    let stranger = Browser::new(&server);
    let response = stranger.post("/api/change_full_name", &[("fullName", "A")]).await;
    assert_eq!(location(&response), "/signin?next=%2Fprofile");
    let response = stranger.post("/api/end_session", &[("id", "x")]).await;
    assert_eq!(location(&response), "/signin?next=%2Faccount%2Fsessions");
}

#[tokio::test]
async fn the_address_of_a_form_leads_to_its_page() {
    let server = TestServer::start().await;
    let stranger = Browser::new(&server);
    for (address, page) in [
        ("/api/sign_in", "/signin"),
        ("/api/sign_in?next=%2Faccount%2Fdata", "/signin?next=%2Faccount%2Fdata"),
        ("/api/sign_up", "/signup"),
        ("/api/set_password", "/set-password"),
        ("/api/change_password", "/account/security"),
        ("/api/confirm?next=%2Fprofile", "/confirm?next=%2Fprofile"),
        ("/api/delete_account", "/account/data"),
    ] {
        assert_eq!(location(&stranger.get(address).await), page, "{address}");
    }
    // A program is told that there is no such method.
    let response = program().get(server.url("/api/sign_in")).send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()[header::ALLOW], "POST");
}

#[tokio::test]
async fn no_address_puts_a_message_of_success_on_our_pages() {
    let server = TestServer::start().await;
    let stranger = Browser::new(&server);
    for word in ["deleted", "set-password", "password", "kept", "name"] {
        let page = stranger.page(&format!("/signin?saved={word}")).await;
        assert!(!page.contains("role=\"status\""), "{word}");
    }
    // Nor does another user's cookie, or an invented one.
    let alice = Browser::signed_up(&server, "alice").await;
    let fields = [("fullName", "Alice the Second")];
    let changed = alice.send("/profile", "/api/change_full_name", &fields).await;
    let notice = cookie(&changed, "latchkey-notice").expect("a notice");
    let bob = Browser::signed_up(&server, "bob").await;
    let session = bob.session();
    for notice in [&*notice, "name.x", "deleted-1.x", ""] {
        let request = program()
            .get(server.url("/profile"))
            .header(header::COOKIE, format!("latchkey={session}; latchkey-notice={notice}"));
        let response = request.send().await.expect("a page");
        assert_eq!(cookie(&response, "latchkey-notice").as_deref(), Some(""), "{notice}");
        assert!(!response.text().await.expect("a page").contains("role=\"status\""), "{notice}");
    }
    assert!(alice.page("/profile").await.contains("Name updated."));
}

#[tokio::test]
async fn what_changes_nothing_says_so_and_is_no_event() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    let token = server.token("alice").await;
    let events = "SELECT COUNT(*) FROM audit_events";
    let before = server.db_count(events).await;
    let body = json!({"fullName": " Test Person "});
    for _ in 0..5 {
        let response = server.ask("PATCH", "/user/profile", &token, Some(&body)).await;
        assert_eq!(json_of(response).await["fullName"], "Test Person");
    }
    let fields = [("fullName", "Test Person")];
    assert!(browser.submit("/profile", "/api/change_full_name", &fields).await.is_accepted());
    assert!(browser.page("/profile").await.contains("already your name."));
    assert_eq!(server.db_count(events).await, before);
    // Nor does the same password count as a new one.
    let body = json!({"currentPassword": PASSWORD, "newPassword": PASSWORD});
    let response = server.ask("POST", "/user/password", &token, Some(&body)).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let problem: Value = response.json().await.expect("JSON");
    assert_eq!(problem["errors"][0]["field"], "newPassword");
    assert_eq!(problem["errors"][0]["code"], "unchanged");
    let fields = [("currentPassword", PASSWORD), ("newPassword", PASSWORD)];
    let outcome = browser.submit("/account/security", "/api/change_password", &fields).await;
    assert!(outcome.says("different from your current one"), "{outcome:?}");
}

#[tokio::test]
async fn a_password_that_was_just_confirmed_is_not_asked_for_once_more() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    assert!(browser.page("/account/security").await.contains("id=\"currentPassword\""));
    let missing = [("newPassword", NEW)];
    let outcome = browser.submit("/account/security", "/api/change_password", &missing).await;
    assert!(outcome.says("Enter your current password"), "{outcome:?}");
    browser.send("/confirm", "/api/confirm", &[("password", PASSWORD)]).await;
    let page = browser.page("/account/security").await;
    assert!(!page.contains("id=\"currentPassword\""), "{page}");
    let same = [("newPassword", PASSWORD)];
    let outcome = browser.submit("/account/security", "/api/change_password", &same).await;
    assert!(outcome.says("different from your current one"), "{outcome:?}");
    assert!(
        browser.submit("/account/security", "/api/change_password", &missing).await.is_accepted()
    );
    assert!(server.sign_in(Via::Form, "alice", NEW).await.is_accepted());
    // A program must always send the current password.
    let token = server.token_with("alice", NEW).await;
    let body = json!({"newPassword": PASSWORD});
    let response = server.ask("POST", "/user/password", &token, Some(&body)).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
}
