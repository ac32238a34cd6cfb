//! Invitations, and who may sign up.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    admin_support::*,
    app_support::operate,
    letters::{link, with_mail_and},
    second_step::body_of,
    support::{Browser, PASSWORD, TestServer, Via, form_token},
};

/// The token in the link of an invitation.
fn token_of(made: &Value) -> String {
    let url = made["url"].as_str().expect("a link");
    url.split("/signup?link=").nth(1).expect("a token").to_owned()
}

fn newcomer(username: &str, invitation: Option<&str>) -> Value {
    let mut body = json!({"username": username, "password": PASSWORD, "fullName": "New Person"});
    if let Some(token) = invitation {
        body["invitation"] = token.into();
    }
    body
}

/// A server whose people are invited, with an administrator.
async fn by_invitation(more: &[(&str, &str)]) -> Administered {
    let server =
        TestServer::start_with(&[&[WITHOUT_SECOND, ("SIGN_UP", "invited")], more].concat()).await;
    first_admin(server).await
}

/// The first administrator comes by an invitation of the operator's.
async fn first_admin(server: TestServer) -> Administered {
    let said = operate(&server, &["invite", "add", "--group", "admin", "--json"]);
    let made: Value = serde_json::from_str(said.trim()).expect("JSON");
    let answer = server.post_json("/auth/signup", &newcomer("chief", Some(&token_of(&made)))).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let token = server.token("chief").await;
    Administered { server, token }
}

#[tokio::test]
async fn by_invitation_means_nobody_else_and_no_name_is_told() {
    let admin = by_invitation(&[]).await;
    let server = &admin.server;
    let closed = (403, "sign-up-closed".to_owned());
    for name in ["chief", "free-name"] {
        let answer = server.post_json("/auth/signup", &newcomer(name, None)).await;
        assert_eq!(kind_of(answer).await, closed, "{name}");
        let answer = server.post_json("/auth/signup", &newcomer(name, Some(&"x".repeat(43)))).await;
        assert_eq!(kind_of(answer).await, (400, "link-invalid".to_owned()), "{name}");
    }
    let browser = Browser::new(server);
    let page = browser.page("/signup").await;
    assert!(page.contains("You need an invitation") && !page.contains("name=\"password\""));
    assert!(!browser.page("/signin").await.contains("href=\"/signup\""));
    assert!(!browser.page("/").await.contains(">Create an account<"));
    let page = browser.page("/signin").await;
    let token = form_token(&page);
    let fields = [
        ("form_token", &*token),
        ("username", "sneaky"),
        ("password", PASSWORD),
        ("fullName", "S"),
    ];
    assert_eq!(browser.post("/api/sign_up", &fields).await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn closed_means_that_only_administrators_make_accounts() {
    let server = TestServer::start_with(&[WITHOUT_SECOND]).await;
    let chief = server.admin("chief").await;
    let settings = [("SIGN_UP", "closed"), ("DATABASE_URL", &*server.database_url), WITHOUT_SECOND];
    let admin = Administered { server: TestServer::start_with(&settings).await, token: chief };
    let said = operate(&server, &["invite", "add", "--json"]);
    let made: Value = serde_json::from_str(said.trim()).expect("JSON");
    let answer =
        admin.server.post_json("/auth/signup", &newcomer("bob", Some(&token_of(&made)))).await;
    assert_eq!(kind_of(answer).await, (403, "sign-up-closed".to_owned()));
    let token = admin.server.token("chief").await;
    let admin = Administered { token, ..admin };
    assert_eq!(admin.refused("POST", "/invitations", Some(&json!({}))).await.0, 403);
    admin.good("POST", "/users", Some(&person("bob"))).await;
    assert!(admin.browser().await.page("/admin/invitations").await.contains("SIGN_UP=closed"));
}

#[tokio::test]
async fn no_mail_offers_an_account_where_strangers_cannot_sign_up() {
    for (mode, offers) in [("open", true), ("invited", false), ("closed", false)] {
        let (server, mailbox) = with_mail_and(&[("SIGN_UP", mode)]).await;
        for (count, via) in [Via::Json, Via::Form].into_iter().enumerate() {
            server.forgot(via, "nobody@example.org").await;
            let letter = mailbox.letter("nobody@example.org", "no account", count + 1).await;
            assert_eq!(letter.contains("/signup"), offers, "{mode}");
        }
    }
}

#[tokio::test]
async fn an_invitation_by_mail_proves_its_address_and_joins_groups() {
    let (server, mailbox) =
        with_mail_and(&[WITHOUT_SECOND, ("SIGN_UP", "invited"), ("EMAIL_REQUIRED", "yes")]).await;
    let said = operate(&server, &["invite", "add", "--group", "admin", "--json"]);
    let made: Value = serde_json::from_str(said.trim()).expect("JSON");
    // Without an address, it must be given, and verified.
    let answer = server.post_json("/auth/signup", &newcomer("chief", Some(&token_of(&made)))).await;
    assert_eq!(kind_of(answer).await, (400, "invalid-input".to_owned()));
    let mut body = newcomer("chief", Some(&token_of(&made)));
    body["email"] = "chief@example.org".into();
    assert_eq!(server.post_json("/auth/signup", &body).await.status(), StatusCode::OK);
    operate(&server, &["user", "set", "chief", "email", "chief@example.org"]);
    let token = server.token("chief").await;
    let admin = Administered { server, token };

    for (name, by_page) in [("alice", true), ("bob", false)] {
        let email = format!("{name}@example.org");
        let body = json!({"email": email, "groups": ["crew"], "note": "for the harbour"});
        let made = admin.good("POST", "/invitations", Some(&body)).await;
        assert_eq!(made["email"], email.as_str());
        let letter = mailbox.letter(&email, "invited", 1).await;
        assert_eq!(link(&letter), token_of(&made), "the same link");
        let server = &admin.server;
        match by_page {
            false => {
                let body = newcomer(name, Some(&link(&letter)));
                assert_eq!(server.post_json("/auth/signup", &body).await.status(), StatusCode::OK);
            }
            true => {
                let browser = Browser::new(server);
                let page = browser.arrive(&format!("/signup?link={}", link(&letter))).await;
                let page = page.text().await.expect("a page");
                assert!(page.contains(&email) && !page.contains("name=\"email\""), "it is known");
                let link_field = crate::support::hidden(&page, "link");
                let fields = [
                    ("form_token", &*form_token(&page)),
                    ("link", &*link_field),
                    ("username", name),
                    ("password", PASSWORD),
                    ("fullName", "New Person"),
                ];
                let answer = browser.post("/api/sign_up", &fields).await;
                assert_eq!(
                    leads(&answer),
                    "/profile",
                    "it is let in at once: {}",
                    answer.text().await.unwrap_or_default()
                );
                // Sent twice, by a browser that has lost the first answer, it ends where the first did.
                browser.keep("latchkey-link-signup", &link(&letter));
                assert_eq!(leads(&browser.post("/api/sign_up", &fields).await), "/profile");
            }
        }
        let token = server.token(name).await;
        let account = server.account_of(&token).await;
        assert_eq!((&account["email"], &account["emailVerified"]), (&json!(email), &json!(true)));
        assert_eq!(account["groups"], json!(["crew"]));
        // Once.
        let body = newcomer("another", Some(&link(&letter)));
        server.db_execute("UPDATE invitations SET used_at = 1 WHERE used_at IS NOT NULL").await;
        let answer = server.post_json("/auth/signup", &body).await;
        assert_eq!(kind_of(answer).await, (400, "link-invalid".to_owned()));
    }
}

#[tokio::test]
async fn a_link_works_as_often_as_it_says_and_not_once_more_at_the_same_time() {
    let admin = by_invitation(&[]).await;
    let server = &admin.server;
    let made = admin.good("POST", "/invitations", Some(&json!({"uses": 3}))).await;
    let token = token_of(&made);
    let names: Vec<String> = (0..8).map(|number| format!("guest{number}")).collect();
    let bodies: Vec<Value> = names.iter().map(|name| newcomer(name, Some(&token))).collect();
    let all = bodies.iter().map(|body| server.post_json("/auth/signup", body));
    let answers = futures_util::future::join_all(all).await;
    let made = answers.iter().filter(|answer| answer.status() == StatusCode::OK).count();
    assert_eq!(made, 3);
    assert_eq!(
        server.db_count("SELECT COUNT(*) FROM accounts WHERE username LIKE 'guest%'").await,
        3
    );
    let listed = admin.get("/invitations").await;
    let listed = listed["invitations"].as_array().expect("invitations");
    let used = listed.iter().find(|one| one["uses"] == 3).expect("it is listed");
    assert_eq!(
        (&used["usesLeft"], &used["open"], &used["url"]),
        (&json!(0), &json!(false), &Value::Null)
    );
}

#[tokio::test]
async fn what_is_over_withdrawn_or_made_by_somebody_dismissed_no_longer_works() {
    let admin = by_invitation(&[]).await;
    let server = &admin.server;
    let invite = async |admin: &Administered| {
        let made = admin.good("POST", "/invitations", Some(&json!({"groups": ["admin"]}))).await;
        (token_of(&made), made["id"].as_str().expect("an id").to_owned())
    };
    let over = async |token: &str| {
        let answer = server.post_json("/auth/signup", &newcomer("late", Some(token))).await;
        assert_eq!(kind_of(answer).await, (400, "link-invalid".to_owned()));
    };
    let (token, id) = invite(&admin).await;
    admin.good("DELETE", &format!("/invitations/{id}"), None).await;
    over(&token).await;
    assert_eq!(admin.refused("DELETE", &format!("/invitations/{id}"), None).await.0, 404);

    let (token, _) = invite(&admin).await;
    server.db_execute("UPDATE invitations SET expires_at = 1").await;
    over(&token).await;

    // Whoever was dismissed leaves no way in behind.
    let (token, _) = invite(&admin).await;
    let body = newcomer("other", Some(&token));
    assert_eq!(server.post_json("/auth/signup", &body).await.status(), StatusCode::OK);
    let other = server.token("other").await;
    let made = server
        .ask("POST", "/admin/api/invitations", &other, Some(&json!({"groups": ["admin"]})))
        .await;
    let token = token_of(&body_of(made).await);
    let id = admin.id_of("other").await;
    admin.good("PATCH", &format!("/users/{id}"), Some(&json!({"groups": []}))).await;
    over(&token).await;
    assert_eq!(server.db_count("SELECT COUNT(*) FROM accounts WHERE username = 'late'").await, 0);
}

#[tokio::test]
async fn wrong_invitations_are_refused_with_the_reason() {
    let admin = by_invitation(&[]).await;
    for body in [
        json!({"uses": 0}),
        json!({"uses": 10_001}),
        json!({"uses": "many"}),
        json!({"uses": 2, "email": "alice@example.org"}),
        json!({"email": "nonsense"}),
        json!({"groups": ["a b"]}),
        json!({"groups": "crew"}),
        json!({"expiresAt": "tomorrow"}),
        json!({"expiresAt": "2001-01-01T00:00:00Z"}),
        json!({"expiresAt": "2999-01-01T00:00:00Z"}),
        json!({"note": "x".repeat(201)}),
    ] {
        assert_eq!(
            admin.refused("POST", "/invitations", Some(&body)).await,
            (400, "invalid-input".to_owned()),
            "{body}"
        );
    }
    let browser = admin.browser().await;
    let fields = [
        ("email", "nonsense"),
        ("groups", "crew"),
        ("expiresAt", "7d"),
        ("uses", "1"),
        ("note", "kept"),
    ];
    let answer = browser.send("/admin/invitations", "/api/admin_invite", &fields).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert!(answer.text().await.expect("a page").contains("kept"));
    let fields =
        [("email", ""), ("groups", "crew"), ("expiresAt", "7d"), ("uses", "5"), ("note", "")];
    let answer = browser.send("/admin/invitations", "/api/admin_invite", &fields).await;
    assert_eq!(leads(&answer), "/admin/invitations");
    let page = browser.page("/admin/invitations").await;
    assert!(page.contains("/signup?link="), "{page}");
    assert!(!browser.page("/admin/invitations").await.contains("/signup?link="), "only once");
}

#[tokio::test]
async fn db_no_invitation_makes_more_groups_than_there_may_be() {
    let admin = administered().await;
    let server = &admin.server;
    let many = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 998) \
                INSERT INTO group_names (name, description, created_at) \
                SELECT 'group-' || i, '', 1 FROM n";
    server.db_execute(many).await;
    // With `admin`, that leaves room for one.
    let invite = async |groups: &[&str]| {
        let made = admin.good("POST", "/invitations", Some(&json!({"groups": groups}))).await;
        token_of(&made)
    };
    let (first, second) = (invite(&["one"]).await, invite(&["another"]).await);
    let refused = admin.refused("POST", "/invitations", Some(&json!({"groups": ["a", "b"]}))).await;
    assert_eq!(refused.0, 400);
    let sign_up = async |name: &str, token: &str| {
        server.post_json("/auth/signup", &newcomer(name, Some(token))).await.status()
    };
    assert_eq!(sign_up("alice", &first).await, StatusCode::OK);
    assert_eq!(sign_up("bob", &second).await, StatusCode::BAD_REQUEST);
    assert_eq!(sign_up("bob", &invite(&["one"]).await).await, StatusCode::OK);
    // Joining an existing group needs no room.
    let bob = format!("/users/{}", admin.id_of("bob").await);
    let groups = json!({"groups": ["one", "group-7", "admin"]});
    admin.good("PATCH", &bob, Some(&groups)).await;
    let groups = json!({"groups": ["one", "too-many"]});
    assert_eq!(admin.refused("PATCH", &bob, Some(&groups)).await.0, 400);
}

#[tokio::test]
async fn an_invitation_whose_maker_was_dismissed_is_shown_as_off() {
    let admin = administered().await;
    let server = &admin.server;
    let maker = server.admin("carol").await;
    let body = json!({"groups": ["editors"]});
    let made = body_of(server.by_key("POST", "/invitations", &maker, Some(&body)).await).await;
    let link = token_of(&made);
    operate(server, &["user", "groups", "carol", "--remove", "admin"]);

    let listed = admin.get("/invitations").await;
    assert_eq!(listed["invitations"][0]["open"], false);
    let page = admin.browser().await.page("/admin/invitations").await;
    assert!(page.contains("off: who made it") && page.contains(">Withdraw<"), "{page}");
    assert!(operate(server, &["invite", "list"]).contains("off: its maker"));
    let page = Browser::new(server).arrive(&format!("/signup?link={link}")).await;
    assert!(page.text().await.expect("a page").contains("sign up without it"));
}

#[tokio::test]
async fn the_trail_leads_from_an_account_to_who_invited_it() {
    let admin = administered().await;
    let server = &admin.server;
    let made = admin.good("POST", "/invitations", Some(&json!({"groups": ["editors"]}))).await;
    let body = newcomer("bob", Some(&token_of(&made)));
    assert_eq!(server.post_json("/auth/signup", &body).await.status(), StatusCode::OK);
    let bob = admin.id_of("bob").await;
    let events = async |query: &str| admin.get(&format!("/audit?{query}")).await["events"].clone();
    let created = events(&format!("account={bob}&event=user_created")).await;
    let id = made["id"].as_str().expect("an id");
    assert_eq!(created[0]["note"], id);
    let invited = events("event=user_invited").await;
    assert_eq!(invited[0]["note"], format!("{id} editors"));
    assert_eq!(invited[0]["by"], "administrator");
}
