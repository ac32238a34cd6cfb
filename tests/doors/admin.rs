//! Administration: who may, what they do to accounts, and that the last one stays.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    admin_support::*,
    app_support::operate,
    letters::{link, with_mail_and},
    operator::{latchkey, said},
    second_step::{By, body_of},
    support::{Browser, NEW, NODES_URL, PASSWORD, TestServer, Via, hidden, program, raw},
};

const PAGES: [&str; 11] = [
    "/admin",
    "/admin/people",
    "/admin/people/new",
    "/admin/people/1",
    "/admin/invitations",
    "/admin/groups",
    "/admin/apps",
    "/admin/audit",
    "/admin/audit/export",
    "/admin/keys",
    "/admin/settings",
];

#[tokio::test]
async fn for_everybody_else_there_is_no_admin_area() {
    let server = TestServer::start_with(&[WITHOUT_SECOND]).await;
    server.admin("chief").await;
    let (stranger, member) = (Browser::new(&server), Browser::signed_up(&server, "member").await);
    let token = server.token("member").await;
    for page in PAGES {
        for who in [&stranger, &member] {
            let answer = who.get(page).await;
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{page}");
            assert!(answer.text().await.expect("a page").contains("Page not found"));
        }
    }
    for action in ["/api/admin_act_on_account", "/api/admin_make_key", "/api/admin_invite"] {
        for who in [&stranger, &member] {
            assert_eq!(who.post(action, &[]).await.status(), StatusCode::NOT_FOUND, "{action}");
        }
    }
    for path in ["/admin/api/users", "/admin/api/audit", "/admin/api/users/1"] {
        let answer = as_stranger(&server, path).await;
        assert_eq!(kind_of(answer).await, (401, "unauthorized".to_owned()));
        let answer = server.ask("GET", path, &token, None).await;
        assert_eq!(kind_of(answer).await, (404, "not-found".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn an_administrator_needs_a_second_factor_unless_the_operator_says_otherwise() {
    let server = TestServer::start().await;
    let token = server.admin("chief").await;
    let answer = server.ask("GET", "/admin/api/users", &token, None).await;
    assert_eq!(kind_of(answer).await, (401, "second-factor-required".to_owned()));
    let browser = Browser::signed_in(&server, "chief").await;
    let answer = browser.get("/admin/people").await;
    assert!(leads(&answer).starts_with("/account/security/"), "{}", leads(&answer));
    assert!(leads(&answer).ends_with("next=%2Fadmin%2Fpeople"));

    let app = server.set_up_app(&token).await;
    // A session from before is led to show the new factor, not to set one up.
    let answer = browser.get("/admin/people").await;
    assert_eq!(leads(&answer), "/confirm?next=%2Fadmin%2Fpeople");
    let strong = server.strong_token("chief", &By::Code(app.code(0))).await;
    let answer = server.ask("GET", "/admin/api/users", &strong, None).await;
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn who_administers_is_asked_of_the_server_and_not_of_the_token() {
    let Administered { server, token } = administered().await;
    let other = server.admin("other").await;
    let browser = Browser::signed_in(&server, "other").await;
    browser.page("/admin").await;
    let id = server.account_of(&other).await["id"].as_i64().expect("an id");
    let admin = Administered { server, token };
    admin.good("PATCH", &format!("/users/{id}"), Some(&json!({"groups": []}))).await;
    assert_eq!(browser.get("/admin").await.status(), StatusCode::NOT_FOUND);
    let answer = admin.server.ask("GET", "/admin/api/users", &other, None).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    // It is signed in all the same.
    assert!(browser.page("/account").await.contains("Test Person"));
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let admin = administered().await;
    let server = &admin.server;
    let id = admin.id_of("chief").await;
    let path = format!("/users/{id}");
    let last = (409, "last-administrator".to_owned());
    for body in [json!({"groups": ["other"]}), json!({"disabled": true})] {
        assert_eq!(admin.refused("PATCH", &path, Some(&body)).await, last);
    }
    assert_eq!(admin.refused("DELETE", &path, None).await, last);
    assert_eq!(admin.refused("DELETE", "/groups/admin", None).await, last);
    // Nor by the owner's own hand.
    let body = json!({"password": PASSWORD});
    server.ask("POST", "/auth/confirm", &admin.token, Some(&body)).await;
    let token = server.token("chief").await;
    let answer = server.ask("DELETE", "/user", &token, None).await;
    assert_eq!(kind_of(answer).await, last);
    // Nor by the operator's.
    let folder = tempfile::tempdir().expect("a folder");
    for command in [
        &["user", "groups", "chief", "--remove", "admin"][..],
        &["user", "disable", "chief"],
        &["user", "delete", "chief", "--yes"],
    ] {
        let output = latchkey(server, folder.path(), command);
        assert!(!output.status.success(), "{command:?}");
        assert!(said(&output).contains("this is the last administrator"), "{}", said(&output));
    }
    // Somebody who is disabled is no second one.
    server.sign_up_json("second").await;
    operate(server, &["user", "groups", "second", "--add", "admin"]);
    operate(server, &["user", "disable", "second"]);
    let output = latchkey(server, folder.path(), &["user", "disable", "chief"]);
    assert!(!output.status.success());
    operate(server, &["user", "enable", "second"]);
    operate(server, &["user", "disable", "chief"]);
}

#[tokio::test]
async fn of_two_administrators_who_remove_each_other_one_stays() {
    let admin = administered().await;
    let server = &admin.server;
    let other = server.admin("other").await;
    let (one, two) = (admin.id_of("chief").await, admin.id_of("other").await);
    let body = json!({"groups": []});
    let (one, two) = (format!("/admin/api/users/{one}"), format!("/admin/api/users/{two}"));
    let (first, second) = tokio::join!(
        server.ask("PATCH", &one, &other, Some(&body)),
        server.ask("PATCH", &two, &admin.token, Some(&body)),
    );
    let done = [first, second].iter().filter(|answer| answer.status().is_success()).count();
    assert_eq!(done, 1);
    let left = "SELECT COUNT(*) FROM account_groups WHERE name = 'admin'";
    assert_eq!(server.db_count(left).await, 1);
}

#[tokio::test]
async fn people_are_found_by_the_beginning_of_a_name_or_an_address() {
    let admin = administered().await;
    for (username, name, email) in [
        ("ada", "Ada King Lovelace", "countess@analytical.example"),
        ("grace", "Grace Hopper", "grace@navy.example"),
        ("zoe", "Zoë 李", "zoe@example.org"),
    ] {
        let body =
            json!({"username": username, "fullName": name, "email": email, "groups": ["crew"]});
        admin.good("POST", "/users", Some(&body)).await;
    }
    for (query, found) in [
        ("ada", "ada"),
        ("ADA", "ada"),
        ("lovel", "ada"),
        ("king%20love", "ada"),
        ("countess%40", "ada"),
        ("analytical.ex", "ada"),
        ("zo%C3%AB", "zoe"),
        ("hop", "grace"),
    ] {
        let page = admin.get(&format!("/users?query={query}")).await;
        let users = page["users"].as_array().expect("users");
        assert_eq!(users.len(), 1, "{query}: {users:?}");
        assert_eq!(users[0]["username"], found);
    }
    for query in ["ovelace", "%25", "_", "'%20OR%201%3D1--"] {
        let page = admin.get(&format!("/users?query={query}")).await;
        assert_eq!(page["users"], json!([]), "{query}");
    }
    // By group, together with a text.
    let page = admin.get("/users?group=crew").await;
    assert_eq!(page["users"].as_array().map(Vec::len), Some(3));
    let page = admin.get("/users?group=crew&query=gr").await;
    assert_eq!(page["users"][0]["username"], "grace");
    assert_eq!(admin.get("/users?group=nobodys").await["users"], json!([]));
    // By what they are called now, not before.
    let id = admin.id_of("grace").await;
    let body = json!({"fullName": "Rear Admiral", "email": "admiral@navy.example"});
    admin.good("PATCH", &format!("/users/{id}"), Some(&body)).await;
    assert_eq!(admin.get("/users?query=hopper").await["users"], json!([]));
    assert_eq!(admin.get("/users?query=grace@").await["users"], json!([]));
    assert_eq!(admin.get("/users?query=admiral").await["users"][0]["username"], "grace");
}

#[tokio::test]
async fn a_listing_goes_on_where_it_stopped_in_every_order() {
    let admin = administered().await;
    let names: Vec<String> = (0..7).map(|number| format!("person{number}")).collect();
    for name in &names {
        admin.server.sign_up_json(name).await;
    }
    for asked in [
        "sort=username",
        "sort=newest",
        "sort=oldest",
        "query=person",
        "group=all",
        "state=disabled",
    ] {
        if asked == "group=all" || asked == "state=disabled" {
            for name in &names {
                operate(&admin.server, &["user", "groups", name, "--add", "all"]);
            }
        }
        if asked == "state=disabled" {
            for name in &names {
                operate(&admin.server, &["user", "disable", name]);
            }
        }
        let mut seen: Vec<String> = Vec::new();
        let mut after = String::new();
        loop {
            let page = admin.get(&format!("/users?{asked}&limit=3{after}")).await;
            for user in page["users"].as_array().expect("users") {
                seen.push(user["username"].as_str().expect("a name").to_owned());
            }
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        seen.retain(|name| name != "chief");
        if asked == "sort=newest" {
            seen.reverse();
        }
        // Those of one second, or of one word, are in the order of their ids.
        if asked != "sort=username" {
            seen.sort_unstable();
        }
        assert_eq!(seen, names, "{asked}");
    }
    for wrong in ["after=x", "limit=0", "limit=201", "limit=x", "sort=password", "state=gone"] {
        let answer = admin.refused("GET", &format!("/users?{wrong}"), None).await;
        assert_eq!(answer, (400, "invalid-input".to_owned()), "{wrong}");
    }
}

#[tokio::test]
async fn an_administrator_makes_an_account_whose_owner_chooses_the_password() {
    let (server, mailbox) = with_mail_and(&[WITHOUT_SECOND]).await;
    let admin = Administered::of(server).await;
    let body = json!({
        "username": "newbie", "fullName": "New Person", "email": "newbie@example.org",
        "groups": ["crew", "editors"], "password": "ignored by all means", "disabled": true,
    });
    let made = admin.good("POST", "/users", Some(&body)).await;
    assert_eq!(made["emailVerified"], true);
    assert_eq!(made["groups"], json!(["crew", "editors"]));
    assert_eq!((&made["hasPassword"], &made["disabled"]), (&json!(false), &json!(false)));
    assert_eq!((&made["passwordLinkSent"], &made["passwordLink"]), (&json!(true), &Value::Null));
    let letter = mailbox.letter("newbie@example.org", "Set a password", 1).await;
    let link = link(&letter);
    let answer = admin.server.reset(Via::Form, &link, NEW).await;
    assert_eq!(answer, Ok(()));
    admin.server.token_with("newbie", NEW).await;
    // What is taken stays, and nothing is half done.
    for (body, kind) in [
        (person("NEWBIE"), "username-taken"),
        (
            json!({"username": "other", "fullName": "O", "email": "NEWBIE@example.org"}),
            "invalid-input",
        ),
        (json!({"username": "other", "fullName": "O", "groups": ["a b"]}), "invalid-input"),
        (json!({"username": "other"}), "invalid-input"),
    ] {
        assert_eq!(admin.refused("POST", "/users", Some(&body)).await.1, kind, "{body}");
    }
    assert_eq!(admin.get("/users?query=other").await["users"], json!([]));
}

#[tokio::test]
async fn without_mail_the_link_to_set_a_password_comes_with_the_answer() {
    let admin = administered().await;
    let made = admin.good("POST", "/users", Some(&person("newbie"))).await;
    let url = made["passwordLink"].as_str().expect("a link");
    let link = url.split("link=").nth(1).expect("a token");
    assert_eq!(admin.server.reset(Via::Form, link, NEW).await, Ok(()));
    admin.server.token_with("newbie", NEW).await;
    let id = made["id"].as_i64().expect("an id");
    let again = admin.good("POST", &format!("/users/{id}/password-link"), None).await;
    assert_eq!(again["passwordLinkSent"], false);
    assert_ne!(again["passwordLink"], made["passwordLink"]);
}

#[tokio::test]
async fn what_is_done_to_somebody_counts_at_once_and_names_who_did_it() {
    let admin = administered().await;
    let server = &admin.server;
    let (app, token) = server.with_app("alice").await;
    let id = admin.id_of("alice").await;
    let chief = admin.id_of("chief").await.to_string();
    let path = format!("/users/{id}");
    let is_alive = async |token: &str| {
        server.ask("GET", "/user", token, None).await.status() == StatusCode::OK
    };

    admin.good("DELETE", &format!("{path}/sessions"), None).await;
    assert!(!is_alive(&token).await, "signed out");
    assert_eq!(admin.newest().await["event"], "session_expired:all_ended");
    assert_eq!(admin.newest().await["actor"], chief.as_str());

    admin.good("DELETE", &format!("{path}/factors"), None).await;
    assert_eq!(admin.newest().await["event"], "authn_factor_removed:operator");
    let token = server.token("alice").await;
    assert_eq!(admin.get(&path).await["secondFactors"], json!([]));
    drop(app);

    admin.good("PATCH", &path, Some(&json!({"disabled": true}))).await;
    assert!(!is_alive(&token).await, "disabled");
    assert_eq!(server.sign_in(Via::Json, "alice", PASSWORD).await.status(), 400);
    assert_eq!(admin.get(&path).await["state"], "disabled");
    admin.good("PATCH", &path, Some(&json!({"disabled": false}))).await;

    let token = server.token("alice").await;
    admin.good("DELETE", &path, None).await;
    assert!(!is_alive(&token).await, "to be deleted");
    let gone = admin.get(&path).await;
    assert_eq!((&gone["state"], &gone["disabled"]), (&json!("leaving"), &json!(true)));
    assert_eq!(server.sign_in(Via::Json, "alice", PASSWORD).await.status(), 400);
    admin.good("PATCH", &path, Some(&json!({"disabled": false}))).await;
    assert_eq!(admin.get(&path).await["deleteAt"], Value::Null);

    // The owner sees it in the history, and who did it.
    let token = server.token("alice").await;
    let history = body_of(server.ask("GET", "/user/history", &token, None).await).await;
    let entries = history["history"].as_array().expect("a history");
    let by = |event: &str| {
        let entry = entries.iter().find(|entry| entry["event"] == event);
        entry.map(|entry| entry["by"].clone()).unwrap_or_default()
    };
    for event in ["user_archived:disabled", "user_updated:enabled", "authn_factor_removed:operator"]
    {
        assert_eq!(by(event), "administrator", "{event}");
    }
    let browser = Browser::signed_in(server, "alice").await;
    let page = browser.page("/account/security").await;
    assert!(page.contains(">chief<"), "the page names the administrator");
}

#[tokio::test]
async fn ids_that_are_none_are_not_found() {
    let admin = administered().await;
    for id in ["0", "-1", "1", "9223372036854775808", "x", "%27", "1%00", "+1", "01x", "%2e%2e"] {
        for (method, path) in [
            ("GET", ""),
            ("DELETE", ""),
            ("DELETE", "/sessions"),
            ("DELETE", "/factors"),
            ("POST", "/password-link"),
        ] {
            let answer = admin.refused(method, &format!("/users/{id}{path}"), None).await;
            assert_eq!(answer, (404, "not-found".to_owned()), "{method} {id}{path}");
        }
    }
}

#[tokio::test]
async fn changes_need_a_recent_proof_and_are_done_right_after_it() {
    let admin = administered_with(&[NODES_URL]).await;
    admin.server.sign_up_json("alice").await;
    let (id, browser) = (admin.id_of("alice").await, admin.browser().await);
    admin.server.db_forget_proofs().await;
    let settings = [("DATABASE_URL", &*admin.server.database_url), NODES_URL, WITHOUT_SECOND];
    let node = TestServer::start_with(&settings).await;
    let there = Administered { token: admin.token.clone(), server: node };
    // Reading needs none.
    there.get(&format!("/users/{id}")).await;
    let old = (401, "proof-too-old".to_owned());
    let user = format!("/users/{id}");
    for (method, path, body) in [
        ("PATCH", &*user, json!({"disabled": true})),
        ("DELETE", &*user, Value::Null),
        ("POST", "/users", person("bob")),
        ("POST", "/invitations", json!({})),
        ("POST", "/groups", json!({"name": "crew"})),
        ("POST", "/apps", json!({"name": "Wiki"})),
        ("POST", "/webhooks", json!({"url": "https://example.org/hook"})),
    ] {
        assert_eq!(there.refused(method, path, Some(&body)).await, old, "{method} {path}");
    }
    for page in ["/admin/people/new", "/admin/apps/add/new", "/admin/audit/export"] {
        let browser = Browser::with_session(&there.server.origin(), &browser.session());
        assert!(leads(&browser.get(page).await).starts_with("/confirm"), "{page}");
    }

    let browser = Browser::with_session(&there.server.origin(), &browser.session());
    let page = format!("/admin/people/{id}");
    let fields = [("act", "disable"), ("id", &*id.to_string())];
    let answer = press(&browser, &page, "/api/admin_act_on_account", &fields).await;
    let confirm = leads(&answer);
    assert_eq!(confirm, format!("/confirm?next=%2Fadmin%2Fpeople%2F{id}"));
    assert_eq!(admin.get(&user).await["disabled"], false);
    let text = browser.page(&confirm).await;
    assert!(text.contains("as an administrator"), "it says what for");
    let pending = hidden(&text, "pending");
    let fields = [("password", PASSWORD), ("pending", &*pending), ("next", &*page)];
    let answer = browser.send(&confirm, "/api/confirm", &fields).await;
    assert_eq!(leads(&answer), page);
    assert!(browser.page(&page).await.contains("Account disabled"));
    assert_eq!(admin.get(&user).await["disabled"], true);
}

#[tokio::test]
async fn the_pages_do_all_of_it_without_a_script() {
    let admin = administered().await;
    let server = &admin.server;
    let browser = admin.browser().await;
    let page = browser.page("/admin/people/new").await;
    assert!(!page.contains("<script src"), "no script is needed");
    let fields =
        [("username", "bob"), ("fullName", "Bob"), ("email", ""), ("groups", "crew, editors")];
    let answer = browser.send("/admin/people/new", "/api/admin_make_account", &fields).await;
    let person = leads(&answer);
    assert!(person.starts_with("/admin/people/"), "{person}");
    let text = browser.page(&person).await;
    assert!(text.contains("/set-password?link="), "the link is shown");
    assert!(text.contains("crew") && text.contains("editors"));
    assert!(!browser.page(&person).await.contains("/set-password?link="), "only once");

    let id = person.rsplit('/').next().expect("an id").to_owned();
    let act = async |name: &str| {
        let fields = [("act", name), ("id", &*id)];
        let answer = press(&browser, &person, "/api/admin_act_on_account", &fields).await;
        assert_eq!(leads(&answer), person, "{name}");
        browser.page(&person).await
    };
    assert!(act("disable").await.contains("Account disabled"));
    assert!(act("enable").await.contains("Account enabled"));
    assert!(act("password-link").await.contains("/set-password?link="));
    assert!(act("reset-factors").await.contains("had no second factor"));
    assert!(act("sign-out").await.contains("Signed out everywhere"));
    assert!(act("dismiss").await.contains("will be deleted"));
    assert!(act("enable").await.contains("Account enabled"));

    // A change, and one with errors: nothing typed is lost.
    let fields =
        [("id", &*id), ("fullName", "Robert"), ("email", "bob@example.org"), ("groups", "crew")];
    let answer = press(&browser, &person, "/api/admin_change_account", &fields).await;
    assert_eq!(leads(&answer), person);
    let shown = admin.get(&format!("/users/{id}")).await;
    assert_eq!((&shown["fullName"], &shown["groups"]), (&json!("Robert"), &json!(["crew"])));
    let fields =
        [("id", &*id), ("fullName", "Robert B."), ("email", "nonsense"), ("groups", "crew x")];
    let answer = press(&browser, &person, "/api/admin_change_account", &fields).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    let text = answer.text().await.expect("a page");
    for kept in ["Robert B.", "nonsense", "crew x"] {
        assert!(text.contains(kept), "{kept}");
    }
    // Somebody else's hand: a member can't send the forms of an administrator.
    let member = Browser::signed_up(server, "member").await;
    let answer = member.post("/api/admin_act_on_account", &[("act", "disable"), ("id", &id)]).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    assert_eq!(admin.get(&format!("/users/{id}")).await["disabled"], false);
}

#[tokio::test]
async fn a_listener_of_their_own_is_the_only_one_for_administrators() {
    let admin = administered_with(&[("ADMIN_ADDR", "127.0.0.1:0")]).await;
    let server = &admin.server;
    let address = server.running.admin.expect("a listener");
    let public = admin.browser().await;
    assert_eq!(public.get("/admin").await.status(), StatusCode::NOT_FOUND);
    let answer = admin.ask("GET", "/users", None).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    let key = admin.key("users:read");
    let answer = server.by_key("GET", "/users", &key, None).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND, "not with a key either");

    let own = Browser::at(&format!("http://{address}"));
    let fields = [("username", "chief"), ("password", PASSWORD)];
    assert!(own.submit("/signin", "/api/sign_in", &fields).await.is_accepted());
    assert!(own.page("/admin/people").await.contains("chief"));
    let fields = [("name", "crew"), ("description", "")];
    let answer = own.send("/admin/groups", "/api/admin_save_group", &fields).await;
    assert_eq!(leads(&answer), "/admin/groups");
    let url = format!("http://{address}/admin/api/users");
    let answer = program().get(&url).bearer_auth(&key).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK);
    // Another site's name is refused there, too.
    let request = "GET /admin HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n";
    let said = raw(server, request).await;
    assert!(said.starts_with("HTTP/1.1 421"), "{said}");
}

#[tokio::test]
async fn the_overview_counts_what_happens_and_says_what_needs_attention() {
    let admin = administered().await;
    let server = &admin.server;
    server.sign_up_json("alice").await;
    server.sign_in(Via::Json, "alice", "wrong wrong wrong").await;
    let browser = admin.browser().await;
    let page = browser.page("/admin").await;
    for text in [
        "2 accounts",
        "Sign-ins",
        "New accounts",
        "<svg",
        "Show as a table",
        "only one administrator",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(browser.page("/admin?by=day").await.contains("Last 30 days"));
    // The counted figures are those of the trail.
    let counted =
        "SELECT CAST(COALESCE(SUM(count), 0) AS BIGINT) FROM figures WHERE name = 'sign-ups'";
    assert_eq!(server.db_count(counted).await, 2);
    let wrong =
        "SELECT CAST(COALESCE(SUM(count), 0) AS BIGINT) FROM figures WHERE name = 'wrong-tries'";
    assert_eq!(server.db_count(wrong).await, 1);
}

#[tokio::test]
async fn the_trail_is_filtered_followed_and_checked() {
    let admin = administered().await;
    let server = &admin.server;
    server.sign_up_json("alice").await;
    let id = admin.id_of("alice").await;
    admin.good("PATCH", &format!("/users/{id}"), Some(&json!({"disabled": true}))).await;
    let event = admin.newest().await;
    assert_eq!((&event["account"], &event["by"]), (&json!(id), &json!("administrator")));
    let request = event["requestId"].as_str().expect("an id").to_owned();
    let count = async |query: &str| {
        let page = admin.get(&format!("/audit?{query}")).await;
        assert_eq!(page["trail"]["holds"], true);
        page["events"].as_array().expect("events").len()
    };
    assert_eq!(count(&format!("requestId={request}")).await, 1);
    assert_eq!(count("event=user_archived").await, 1);
    assert_eq!(count("event=user_archived:disabled").await, 1);
    assert_eq!(count("event=user_archived:deletion").await, 0);
    assert_eq!(count(&format!("account={id}")).await, 2);
    // What the administrator did, and what happened to them.
    let chief = admin.id_of("chief").await;
    assert!(count(&format!("account={chief}&event=user_archived")).await == 1);
    let mut seen = Vec::new();
    let mut before = String::new();
    loop {
        let page = admin.get(&format!("/audit?limit=2{before}")).await;
        seen.extend(
            page["events"].as_array().expect("events").iter().map(|event| event["seq"].as_i64()),
        );
        match page["next"].as_str() {
            Some(next) => before = format!("&before={next}"),
            None => break,
        }
    }
    assert!(seen.windows(2).all(|pair| pair[0] > pair[1]), "{seen:?}");
    for wrong in ["account=x", "before=0", "limit=0", "verify=some"] {
        assert_eq!(admin.refused("GET", &format!("/audit?{wrong}"), None).await.0, 400, "{wrong}");
    }
    let browser = admin.browser().await;
    let page = browser.page("/admin/audit?account=alice").await;
    assert!(page.contains("Account disabled") && page.contains("chief"));
    let export = browser.get("/admin/audit/export").await;
    assert_eq!(export.headers()["content-type"], "application/x-ndjson");
    assert!(export.text().await.expect("lines").lines().count() > 5);

    server.db_execute("UPDATE audit_events SET detail = '{}' WHERE seq = 2").await;
    let page = admin.get("/audit").await;
    assert_eq!(page["trail"]["holds"], false);
    assert!(page["trail"]["problem"].as_str().expect("a problem").contains("row 2"));
    assert!(browser.page("/admin/audit").await.contains("The trail is broken"));
}

#[tokio::test]
async fn groups_are_made_described_joined_and_removed() {
    let admin = administered().await;
    let server = &admin.server;
    let body = json!({"name": "crew", "description": "All hands"});
    admin.good("POST", "/groups", Some(&body)).await;
    server.sign_up_json("alice").await;
    let token = server.token("alice").await;
    let id = admin.id_of("alice").await;
    admin.good("PATCH", &format!("/users/{id}"), Some(&json!({"groups": ["crew", "new"]}))).await;
    assert_eq!(
        server.account_of(&token).await["groups"],
        json!(["crew", "new"]),
        "in a live session"
    );
    let all = admin.get("/groups").await;
    let names: Vec<&str> = all["groups"]
        .as_array()
        .expect("groups")
        .iter()
        .filter_map(|group| group["name"].as_str())
        .collect();
    assert_eq!(names, ["admin", "crew", "new"]);
    assert_eq!(
        (&all["groups"][1]["members"], &all["groups"][1]["description"]),
        (&json!(1), &json!("All hands"))
    );
    admin.good("DELETE", "/groups/crew", None).await;
    assert_eq!(server.account_of(&token).await["groups"], json!(["new"]));
    assert_eq!(admin.refused("DELETE", "/groups/crew", None).await.0, 404);
    for body in
        [json!({}), json!({"name": "a b"}), json!({"name": 1}), json!({"name": "x".repeat(65)})]
    {
        assert_eq!(admin.refused("POST", "/groups", Some(&body)).await.0, 400, "{body}");
    }
    let said = operate(server, &["group", "list", "--json"]);
    assert_eq!(said.lines().count(), 2, "{said}");
    operate(server, &["group", "remove", "new", "--yes"]);
    assert_eq!(server.account_of(&token).await["groups"], json!([]));
}

#[tokio::test]
async fn apps_are_added_changed_and_removed() {
    let admin = administered().await;
    let body = json!({"name": "Wiki", "client_id": "wiki", "redirect_uris": ["https://wiki.example.org/cb"], "groups": ["crew"]});
    let made = admin.good("POST", "/apps", Some(&body)).await;
    assert_eq!(made["client_secret"].as_str().map(str::len), Some(43));
    let shown = admin.get("/apps/wiki").await;
    assert_eq!((&shown["client_secret"], &shown["groups"]), (&Value::Null, &json!(["crew"])));
    let changed =
        admin.good("PATCH", "/apps/wiki", Some(&json!({"name": "Docs", "groups": []}))).await;
    assert_eq!(
        (&changed["name"], &changed["redirect_uris"]),
        (&json!("Docs"), &body["redirect_uris"])
    );
    let rotated = admin.good("POST", "/apps/wiki/secret", None).await;
    assert_ne!(rotated["client_secret"], made["client_secret"]);
    for wrong in [
        json!({"name": "Bad"}),
        json!({"name": "Bad", "redirect_uris": ["http://evil.example/cb"]}),
        json!({"name": "Bad", "redirect_uris": ["https://ok.example/cb"], "nonsense": true}),
        json!({"name": "Bad", "redirect_uris": "https://ok.example/cb"}),
        json!({"name": "Bad", "client_id": "wiki", "redirect_uris": ["https://ok.example/cb"]}),
    ] {
        assert_eq!(admin.refused("POST", "/apps", Some(&wrong)).await.0, 400, "{wrong}");
    }
    let browser = admin.browser().await;
    let fields = [
        ("name", "Shop"),
        ("redirect_uris", "https://shop.example.org/cb https://shop.example.org/cb2"),
        ("groups", "crew"),
    ];
    let answer = browser.send("/admin/apps/add/new", "/api/admin_add_app", &fields).await;
    let page = browser.page(&leads(&answer)).await;
    assert!(page.contains("shown only now") && page.contains("https://shop.example.org/cb2"));
    let fields = [("name", "Shop"), ("redirect_uris", "http://shop.example.org/cb")];
    let answer = browser.send("/admin/apps/add/new", "/api/admin_add_app", &fields).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    let text = answer.text().await.expect("a page");
    assert!(
        text.contains("must begin with https://") && text.contains("http://shop.example.org/cb")
    );
    admin.good("DELETE", "/apps/wiki", None).await;
    assert_eq!(admin.refused("GET", "/apps/wiki", None).await.0, 404);
}
