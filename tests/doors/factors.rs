//! Authenticator apps and recovery codes, the step between the first factor and the session, and the
//! ways out of every trap.

use latchkey::domain::AccountId;
use reqwest::{StatusCode, header};
use serde_json::{Value, json};

use crate::{letters::*, operator::*, second_step::*, support::*};

const OFF: (&str, &str) = ("THROTTLE", "off");

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

#[tokio::test]
async fn an_app_counts_once_a_code_has_confirmed_it() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let token = server.token("alice").await;
    let setup = body_of(server.ask("POST", "/user/totp", &token, None).await).await;
    let (secret, uri) = (text(&setup["secret"]), text(&setup["uri"]));
    assert_eq!(secret.len(), 32, "160 bits in base32");
    assert!(uri.starts_with("otpauth://totp/Latchkey:alice?secret="), "{uri}");
    for part in [secret, "issuer=Latchkey", "algorithm=SHA1", "digits=6", "period=30"] {
        assert!(uri.contains(part), "{part} in {uri}");
    }
    let factors = body_of(server.ask("GET", "/user/factors", &token, None).await).await;
    assert_eq!(factors, json!({"totp": false, "recoveryCodesLeft": 0, "passkeys": []}));
    assert!(
        server.sign_in(Via::Json, "alice", PASSWORD).await.is_accepted(),
        "nothing has changed"
    );

    let app = App { secret: secret.to_owned(), codes: Vec::new() };
    let confirm = async |code: &str| {
        let body = json!({"code": code});
        server.ask("POST", "/user/totp/confirm", &token, Some(&body)).await
    };
    let wrong = confirm(&app.wrong()).await;
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
    assert_eq!(body_of(wrong).await["type"], "/problems/invalid-code");
    let codes = body_of(confirm(&app.code(0)).await).await;
    let codes = codes["recoveryCodes"].as_array().expect("codes").clone();
    assert_eq!(codes.len(), 10);
    for code in &codes {
        let (one, other) = text(code).split_once('-').expect("a hyphen");
        assert!(one.len() == 5 && other.len() == 5, "{code}");
    }
    assert_eq!(confirm(&app.code(1)).await.status(), StatusCode::BAD_REQUEST, "none waits");
    let factors = body_of(server.ask("GET", "/user/factors", &token, None).await).await;
    assert_eq!(factors, json!({"totp": true, "recoveryCodesLeft": 10, "passkeys": []}));
    let account = server.account_of(&token).await;
    assert_eq!(account["secondFactors"], json!(["totp"]));

    let body = json!({"username": "alice", "password": PASSWORD});
    let answer = server.post_json("/auth/signin", &body).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let problem = body_of(answer).await;
    assert_eq!(problem["methods"], json!(["totp", "recovery-code"]));
    assert!(problem.get("accessToken").is_none());
}

#[tokio::test]
async fn a_browser_sets_up_an_app_with_its_codes_before_it_counts() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    let sent = browser.send("/account/security", "/api/set_up_totp", &[]).await;
    assert_eq!(sent.headers()["location"], "/account/security/authenticator");
    let page = browser.page("/account/security/authenticator").await;
    assert!(page.contains("class=\"qr\"") && page.contains("otpauth://totp/Latchkey:alice"));
    let secret = page.split("secret=").nth(1).expect("a secret").split('&').next();
    let mut app = App { secret: secret.expect("a secret").to_owned(), codes: Vec::new() };
    let grouped = app.secret.as_bytes().chunks(4).map(String::from_utf8_lossy);
    let grouped = grouped.collect::<Vec<_>>().join(" ");
    assert!(page.contains(&grouped), "the secret in groups of four");
    let codes = page.split("<pre").nth(1).expect("codes").split("</pre>").next();
    let codes = codes.expect("codes").split("<code>").nth(1).expect("codes").split('<').next();
    app.codes = codes.expect("codes").lines().map(str::to_owned).collect();
    assert_eq!(app.codes.len(), 10);
    assert_eq!(
        browser.page("/account/security/authenticator").await.matches(&app.secret).count(),
        1
    );

    let action = "/api/confirm_totp";
    let set = hidden(&page, "set");
    let fields = [("code", &*app.wrong()), ("set", &set)];
    let refused = browser.submit("/account/security/authenticator", action, &fields).await;
    assert!(refused.says("This code is wrong"), "{refused:?}");
    // The code may become too old on its way.
    loop {
        let fields = [("code", &*app.code(-1)), ("set", &set)];
        let outcome = browser.submit("/account/security/authenticator", action, &fields).await;
        if outcome.is_accepted() {
            break;
        }
        assert!(outcome.says("This code is wrong"), "{outcome:?}");
    }
    let page = browser.page("/account/security").await;
    assert!(page.contains("10 codes are left") && !page.contains(&app.codes[0]));
    let half = server.first_step(Via::Form, "alice").await;
    assert!(server.second_step(&half, &By::Recovery(app.codes[3].clone())).await.is_ok());
    let half = server.first_step(Via::Form, "alice").await;
    assert!(server.second_step(&half, &By::Code(app.code(0))).await.is_ok());
}

#[tokio::test]
async fn the_second_step_opens_the_session_and_says_how() {
    for via in WAYS {
        let server = TestServer::start().await;
        let (app, token) = server.with_app("alice").await;
        let half = server.first_step(via, "alice").await;
        let wrong = server.second_step(&half, &By::Code(app.wrong())).await;
        assert_eq!(wrong, Err(StatusCode::BAD_REQUEST));
        let spaced = app.code(0);
        let spaced = format!("{} {}", &spaced[..3], &spaced[3..]);
        let session = server.second_step(&half, &By::Code(spaced)).await.expect("signed in");
        let again = server.second_step(&half, &By::Code(app.code(1))).await;
        if via == Via::Json {
            assert_eq!(again, Err(StatusCode::BAD_REQUEST), "the challenge is used");
        }
        let (id, strong) =
            (session_id(&session), server.ask("GET", "/user/sessions", &token, None));
        let sessions = body_of(strong.await).await["sessions"].as_array().expect("a list").clone();
        let own = sessions.iter().find(|session| session["id"] == *id).expect("the session");
        assert_eq!(own["amr"], json!(["pwd", "otp", "mfa"]));
        assert_eq!((&own["acr"], &own["method"]), (&json!("aal2"), &json!("password")));
        assert!(text(&own["authTime"]) >= text(&own["firstSeen"]));
        let history = body_of(server.ask("GET", "/user/history", &token, None).await).await;
        let events = history["history"].as_array().expect("a list");
        let of = |event: &str| events.iter().find(|e| e["event"] == event).cloned();
        let signed_in = of("authn_login_success").expect("signed in");
        assert_eq!(signed_in["method"], "password+totp");
        assert!(of("authn_login_success:first_factor").is_some());
        assert!(of("authn_login_fail:second_factor").is_some());
    }
}

#[tokio::test]
async fn the_second_step_gives_a_refresh_token_if_asked() {
    let server = TestServer::start().await;
    let (app, _) = server.with_app("alice").await;
    let HalfOpen::Program(challenge) = server.first_step(Via::Json, "alice").await else {
        panic!("a program")
    };
    let body = json!({"challenge": challenge, "code": app.code(0), "refresh": true});
    let body = body_of(server.post_json("/auth/second-factor", &body).await).await;
    assert_eq!(body["username"], "alice");
    let refreshed = server.refresh(text(&body["refreshToken"])).await;
    assert_eq!(refreshed.status(), StatusCode::OK);
}

#[tokio::test]
async fn each_step_of_an_app_works_once_also_in_a_race() {
    for via in WAYS {
        let server = TestServer::start_with(&[OFF]).await;
        let (app, _) = server.with_app("alice").await;
        let mut halves = Vec::new();
        for _ in 0..20 {
            halves.push(server.first_step(via, "alice").await);
        }
        let by = By::Code(app.code(0));
        let steps = halves.iter().map(|half| server.second_step(half, &by));
        let won = futures_util::future::join_all(steps).await;
        assert_eq!(won.iter().filter(|step| step.is_ok()).count(), 1, "{won:?}");
        let half = server.first_step(via, "alice").await;
        assert!(server.second_step(&half, &by).await.is_err(), "it is used");
        let earlier = By::Code(app.code(-1));
        assert!(server.second_step(&half, &earlier).await.is_err(), "so is an earlier one");
    }
}

#[tokio::test]
async fn each_recovery_code_works_once_also_in_a_race_and_in_any_spelling() {
    for via in WAYS {
        let server = TestServer::start_with(&[OFF]).await;
        let (app, token) = server.with_app("alice").await;
        let mut halves = Vec::new();
        for _ in 0..20 {
            halves.push(server.first_step(via, "alice").await);
        }
        let by = By::Recovery(app.codes[0].clone());
        let steps = halves.iter().map(|half| server.second_step(half, &by));
        let won = futures_util::future::join_all(steps).await;
        assert_eq!(won.iter().filter(|step| step.is_ok()).count(), 1, "{won:?}");
        let spellings =
            [app.codes[1].to_lowercase(), app.codes[2].replace('-', ""), app.codes[3].clone()];
        for spelling in spellings {
            let half = server.first_step(via, "alice").await;
            assert!(server.second_step(&half, &By::Recovery(spelling.clone())).await.is_ok());
            let half = server.first_step(via, "alice").await;
            assert!(server.second_step(&half, &By::Recovery(spelling)).await.is_err());
        }
        let factors = body_of(server.ask("GET", "/user/factors", &token, None).await).await;
        assert_eq!(factors["recoveryCodesLeft"], 6);
        let new = body_of(server.ask("POST", "/user/recovery-codes", &token, None).await).await;
        let new = text(&new["recoveryCodes"][4]).to_owned();
        let half = server.first_step(via, "alice").await;
        let old = By::Recovery(app.codes[4].clone());
        assert!(server.second_step(&half, &old).await.is_err(), "the old ones are void");
        assert!(server.second_step(&half, &By::Recovery(new)).await.is_ok());
    }
}

#[tokio::test]
async fn recovery_codes_need_a_second_factor_that_they_stand_in_for() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let token = server.token("alice").await;
    let answer = server.ask("POST", "/user/recovery-codes", &token, None).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn new_codes_are_shown_before_they_take_the_place_of_the_old() {
    let server = TestServer::start().await;
    let (app, _) = server.with_app("alice").await;
    let half = server.first_step(Via::Form, "alice").await;
    server.second_step(&half, &By::Recovery(app.codes[0].clone())).await.expect("signed in");
    let HalfOpen::Browser(browser) = half else { panic!("a browser") };
    let page = browser.page("/account/security/recovery-codes").await;
    let new = page.split("<code>").nth(1).expect("codes")[..11].to_owned();
    let half = server.first_step(Via::Json, "alice").await;
    assert!(server.second_step(&half, &By::Recovery(new.clone())).await.is_err(), "not yet");
    let set = hidden(&page, "set");
    let page = "/account/security/recovery-codes";
    // Another tab has newer codes: those of this page are not the ones that would count.
    let old = browser.submit(page, "/api/use_recovery_codes", &[("set", "older")]).await;
    assert!(!old.is_accepted(), "{old:?}");
    assert!(browser.submit(page, "/api/use_recovery_codes", &[("set", &set)]).await.is_accepted());
    assert!(!browser.page(page).await.contains(&new), "shown no more");
    assert!(server.second_step(&half, &By::Recovery(app.codes[1].clone())).await.is_err());
    assert!(server.second_step(&half, &By::Recovery(new)).await.is_ok());
}

#[tokio::test]
async fn few_codes_are_warned_of() {
    let server = TestServer::start().await;
    let (app, _) = server.with_app("alice").await;
    server.db_execute("UPDATE recovery_codes SET used_at = 1 WHERE place < 7").await;
    let browser = server.first_step_in(Browser::new(&server), "alice", &[]).await;
    let sent = server.send_second(&browser, &[("recoveryCode", &app.codes[9])]).await;
    assert_eq!(sent.status(), StatusCode::SEE_OTHER);
    assert!(browser.page("/profile").await.contains("You have few recovery codes left"));
}

#[tokio::test]
async fn the_half_open_door_opens_nothing_else() {
    let (server, _mailbox) = with_mail().await;
    let (app, token) = server.with_app("alice").await;
    let HalfOpen::Program(challenge) = server.first_step(Via::Json, "alice").await else {
        panic!("a program")
    };
    // JW-04: no other door takes it.
    assert_eq!(server.profile(&format!("Bearer {challenge}")).await.status(), 401);
    assert_eq!(server.refresh(&challenge).await.status(), 401);
    let bodies = [
        ("/auth/email-code/signin", json!({"challenge": challenge, "code": app.code(0)})),
        ("/auth/reset-password", json!({"token": challenge, "newPassword": NEW})),
        ("/auth/verify-email", json!({"token": challenge})),
        ("/auth/restore-email", json!({"token": challenge})),
    ];
    for (route, body) in bodies {
        assert_eq!(server.post_json(route, &body).await.status(), 400, "{route}");
    }
    // Nor does it take the token of another door.
    let HalfOpen::Browser(browser) = server.first_step(Via::Form, "alice").await else {
        panic!("a browser")
    };
    let asked = server.post_json("/auth/email-code", &json!({"identifier": "alice"})).await;
    let of_mail = text(&body_of(asked).await["challenge"]).to_owned();
    let of_passkey = server.passkey_challenge().await;
    for other in [&token, &of_mail, &of_passkey, "", "x"] {
        let body = json!({"challenge": other, "code": app.code(0)});
        assert_eq!(server.post_json("/auth/second-factor", &body).await.status(), 400);
    }
    // And a browser's is not a program's, nor the other way round.
    let own = browser.kept("latchkey-second-factor");
    let body = json!({"challenge": own, "code": app.code(0)});
    assert_eq!(server.post_json("/auth/second-factor", &body).await.status(), 400);
    for page in ["/profile", "/account", "/account/security", "/confirm"] {
        assert_eq!(browser.get(page).await.status(), StatusCode::SEE_OTHER, "{page}");
    }
    let half = HalfOpen::Program(challenge);
    assert!(server.second_step(&half, &By::Code(app.code(0))).await.is_ok(), "it was not used up");
}

#[tokio::test]
async fn the_challenge_has_five_tries_and_five_minutes_and_ends_with_the_password() {
    for via in WAYS {
        let server = TestServer::start_with(&[OFF]).await;
        let (app, token) = server.with_app("alice").await;
        let half = server.first_step(via, "alice").await;
        for _ in 0..5 {
            assert!(server.second_step(&half, &By::Code(app.wrong())).await.is_err());
        }
        assert!(server.second_step(&half, &By::Code(app.code(0))).await.is_err(), "five tries");
        let half = server.first_step(via, "alice").await;
        server.db_execute("UPDATE challenges SET expires_at = 1").await;
        assert!(server.second_step(&half, &By::Code(app.code(0))).await.is_err(), "five minutes");
        let half = server.first_step(via, "alice").await;
        let body = json!({"currentPassword": PASSWORD, "newPassword": NEW});
        let changed = server.ask("POST", "/user/password", &token, Some(&body)).await;
        assert_eq!(changed.status(), StatusCode::OK);
        assert!(server.second_step(&half, &By::Code(app.code(0))).await.is_err(), "changed");
    }
}

#[tokio::test]
async fn a_disabled_account_is_refused_at_the_second_step() {
    for via in WAYS {
        let server = TestServer::start().await;
        let (app, token) = server.with_app("alice").await;
        let half = server.first_step(via, "alice").await;
        let id = AccountId(server.account_of(&token).await["id"].as_i64().expect("an id"));
        let store = &server.running.state.store;
        latchkey::accounts::set_disabled(
            store,
            &latchkey::audit::Authority::command_line(),
            id,
            true,
        )
        .await
        .expect("disabled");
        assert!(server.second_step(&half, &By::Code(app.code(0))).await.is_err(), "(AU-07)");
    }
}

#[tokio::test]
async fn wrong_codes_count_like_wrong_passwords() {
    for via in WAYS {
        let server = TestServer::start_with(&[("THROTTLE_ACCOUNT", "4/1h")]).await;
        let (app, _) = server.with_app("alice").await;
        let half = server.first_step(via, "alice").await;
        for _ in 0..4 {
            let wrong = server.second_step(&half, &By::Code(app.wrong())).await;
            assert_eq!(wrong, Err(StatusCode::BAD_REQUEST));
        }
        let right = server.second_step(&half, &By::Code(app.code(0))).await;
        assert_eq!(right, Err(StatusCode::TOO_MANY_REQUESTS));
        let outcome = server.sign_in(via, "alice", PASSWORD).await;
        assert_eq!(outcome.status(), 429, "the first step, too");
    }
}

#[tokio::test]
async fn two_tabs_take_the_second_step_without_a_trap() {
    let server = TestServer::start().await;
    let (app, _) = server.with_app("alice").await;
    let browser = server.first_step_in(Browser::new(&server), "alice", &[]).await;
    let old = browser.page("/signin/second-factor").await;
    let (token, whose) = (form_token(&old), hidden(&old, "whose"));
    // The second tab begins anew, and is done first.
    let browser = server.first_step_in(browser, "alice", &[]).await;
    let code = app.code(0);
    let sent = server.send_second(&browser, &[("code", &code)]).await;
    assert_eq!(sent.headers()["location"], "/profile");
    let session = browser.session();
    let fields = [("form_token", &*token), ("whose", &*whose), ("code", &*code)];
    let late = browser.post("/api/second_factor", &fields).await;
    assert_eq!(late.headers()["location"], "/profile", "the first tab is let through");
    assert_eq!(browser.session(), session);

    // Another tab with another account: the code of one is not taken for the other.
    let (bob, _) = server.with_app("bob").await;
    let browser = server.first_step_in(Browser::new(&server), "alice", &[]).await;
    let old = browser.page("/signin/second-factor").await;
    let (token, whose) = (form_token(&old), hidden(&old, "whose"));
    let browser = server.first_step_in(browser, "bob", &[]).await;
    let fields = [("form_token", &*token), ("whose", &*whose), ("code", "000000")];
    let late = browser.post("/api/second_factor", &fields).await;
    assert_eq!(late.status(), StatusCode::FORBIDDEN);
    assert!(late.text().await.expect("a page").contains("bob"));
    let sent = server.send_second(&browser, &[("code", &bob.code(0))]).await;
    assert_eq!(sent.headers()["location"], "/profile");
}

#[tokio::test]
async fn a_form_of_the_second_step_that_is_sent_twice_signs_in_both_times() {
    let server = TestServer::start().await;
    let (app, _) = server.with_app("alice").await;
    let browser = server.first_step_in(Browser::new(&server), "alice", &[]).await;
    let page = browser.page("/signin/second-factor").await;
    let (token, whose, code) = (form_token(&page), hidden(&page, "whose"), app.code(0));
    let fields = [("form_token", &*token), ("whose", &*whose), ("code", &*code)];
    let send = || browser.post("/api/second_factor", &fields);
    let (one, other) = tokio::join!(send(), send());
    for answer in [one, other] {
        assert_eq!(answer.headers()["location"], "/profile");
    }
    assert_eq!(browser.get("/profile").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_second_step_carried_to_another_browser_opens_nothing() {
    let server = TestServer::start().await;
    let (app, _) = server.with_app("alice").await;
    let first = server.first_step_in(Browser::new(&server), "alice", &[]).await;
    let other = Browser::new(&server);
    other.get("/signin").await;
    other.keep("latchkey-second-factor", &first.kept("latchkey-second-factor"));
    let led = other.get("/signin/second-factor").await;
    assert_eq!(led.status(), StatusCode::SEE_OTHER, "it has to sign in");
    let answer = server.send_second(&first, &[("code", &app.code(0))]).await;
    assert_eq!(answer.headers()["location"], "/profile");
}

#[tokio::test]
async fn a_remembered_browser_stays_so_and_goes_where_it_was_going() {
    let server = TestServer::start().await;
    let (app, _) = server.with_app("alice").await;
    let browser = Browser::new(&server);
    let page = browser.page("/signin?next=%2Faccount%2Fdata").await;
    let fields = [
        ("form_token", &*form_token(&page)),
        ("username", "alice"),
        ("password", PASSWORD),
        ("remember", "yes"),
        ("next", "/account/data"),
    ];
    let first = browser.post("/api/sign_in", &fields).await;
    let second = "/signin/second-factor?next=%2Faccount%2Fdata";
    assert_eq!(first.headers()["location"], second);
    assert!(cookie(&first, "latchkey").is_none(), "no session yet");
    let page = browser.page(second).await;
    let (token, whose) = (form_token(&page), hidden(&page, "whose"));
    let fields = [
        ("form_token", &*token),
        ("whose", &*whose),
        ("code", &*app.code(0)),
        ("next", "/account/data"),
    ];
    let answer = browser.post("/api/second_factor", &fields).await;
    assert_eq!(answer.headers()["location"], "/account/data");
    let set = answer.headers().get_all(header::SET_COOKIE).iter();
    let set: Vec<_> = set.map(|cookie| cookie.to_str().expect("text")).collect();
    let session = set.iter().find(|cookie| cookie.starts_with("latchkey=")).expect("a session");
    assert!(session.contains("Max-Age="), "it outlives the browser: {session}");
    assert!(set.iter().any(|cookie| cookie.starts_with("latchkey-second-factor=;")), "{set:?}");
}

#[tokio::test]
async fn a_trusted_device_skips_the_second_step_until_it_is_taken_back() {
    let server = TestServer::start().await;
    let (app, token) = server.with_app("alice").await;
    let browser = server.first_step_in(Browser::new(&server), "alice", &[]).await;
    let fields = [("code", &*app.code(0)), ("trust", "yes")];
    assert_eq!(server.send_second(&browser, &fields).await.headers()["location"], "/profile");
    assert!(browser.submit("/profile", "/api/sign_out", &[]).await.is_accepted());
    let fields = [("username", "alice"), ("password", PASSWORD)];
    let again = browser.send("/signin", "/api/sign_in", &fields).await;
    assert_eq!(again.headers()["location"], "/profile", "trusted");
    // One factor is no proof for what demands both.
    let security = browser.get("/account/security").await;
    assert_eq!(security.headers()["location"], "/confirm?next=%2Faccount%2Fsecurity");
    // It trusts no other browser.
    server.first_step_in(Browser::new(&server), "alice", &[]).await;

    let list = body_of(server.ask("GET", "/user/trusted-devices", &token, None).await).await;
    let devices = list["trustedDevices"].as_array().expect("a list");
    assert_eq!(devices.len(), 1);
    let path = format!("/user/trusted-devices/{}", text(&devices[0]["id"]));
    let (_, bob) = server.with_app("bob").await;
    assert_eq!(server.ask("DELETE", &path, &bob, None).await.status(), 404, "another's (AZ-02)");
    assert_eq!(server.ask("DELETE", &path, &token, None).await.status(), 204);
    assert!(browser.submit("/profile", "/api/sign_out", &[]).await.is_accepted());
    let again = browser.send("/signin", "/api/sign_in", &fields).await;
    assert_eq!(again.headers()["location"], "/signin/second-factor");
}

#[tokio::test]
async fn trust_ends_after_thirty_days_and_with_the_password() {
    let server = TestServer::start().await;
    let (app, token) = server.with_app("alice").await;
    let fields = [("username", "alice"), ("password", PASSWORD)];
    let trusted = async |code: &str| {
        let browser = server.first_step_in(Browser::new(&server), "alice", &[]).await;
        let fields = [("code", code), ("trust", "yes")];
        assert_eq!(server.send_second(&browser, &fields).await.status(), StatusCode::SEE_OTHER);
        assert!(browser.submit("/profile", "/api/sign_out", &[]).await.is_accepted());
        browser
    };
    let browser = trusted(&app.code(0)).await;
    server.db_execute("UPDATE trusted_devices SET expires_at = 1").await;
    let again = browser.send("/signin", "/api/sign_in", &fields).await;
    assert_eq!(again.headers()["location"], "/signin/second-factor");

    let browser = trusted(&app.db_code(&server).await).await;
    let body = json!({"currentPassword": PASSWORD, "newPassword": NEW});
    let changed = server.ask("POST", "/user/password", &token, Some(&body)).await;
    let token = text(&body_of(changed).await["accessToken"]).to_owned();
    let list = body_of(server.ask("GET", "/user/trusted-devices", &token, None).await).await;
    assert_eq!(list["trustedDevices"], json!([]));
    let fields = [("username", "alice"), ("password", NEW)];
    let again = browser.send("/signin", "/api/sign_in", &fields).await;
    assert_eq!(again.headers()["location"], "/signin/second-factor");
}

#[tokio::test]
async fn a_proof_is_as_strong_as_the_account() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let (token, other) = (server.token("alice").await, server.token("alice").await);
    let app = server.set_up_app(&token).await;
    // The session that set it up has shown both. The other one has shown a password only.
    let codes = async |token: &str| server.ask("POST", "/user/recovery-codes", token, None).await;
    assert_eq!(codes(&token).await.status(), StatusCode::OK);
    let stale = codes(&other).await;
    assert_eq!(stale.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(body_of(stale).await["type"], "/problems/proof-too-old");
    let acts = [
        ("POST", "/user/totp", None),
        ("DELETE", "/user/totp", None),
        ("POST", "/user/recovery-codes", None),
        ("POST", "/user/passkeys/options", None),
        ("POST", "/user/passkeys", Some(json!({}))),
        ("DELETE", "/user/passkeys/x", None),
        ("POST", "/user/password", Some(json!({"currentPassword": PASSWORD, "newPassword": NEW}))),
        ("DELETE", "/user/sessions", None),
        ("GET", "/user/data", None),
        ("DELETE", "/user", None),
    ];
    for (method, path, body) in &acts {
        let answer = server.ask(method, path, &other, body.as_ref()).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{method} {path}");
        assert_eq!(body_of(answer).await["type"], "/problems/proof-too-old", "{method} {path}");
    }
    // The password alone is not enough any more (GHSA-hp74-gm6m-2qm5).
    let weak = server.confirm_json(&other, &json!({"password": PASSWORD})).await;
    assert_eq!(weak.status(), StatusCode::UNAUTHORIZED);
    let problem = body_of(weak).await;
    assert_eq!(problem["type"], "/problems/second-factor-required");
    assert_eq!(problem["methods"], json!(["totp", "recovery-code"]));
    let no_password = server.confirm_json(&other, &json!({"code": app.code(0)})).await;
    assert_eq!(no_password.status(), StatusCode::BAD_REQUEST);
    let wrong = json!({"password": PASSWORD, "code": app.wrong()});
    let wrong = server.confirm_json(&other, &wrong).await;
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
    assert_eq!(body_of(wrong).await["type"], "/problems/invalid-code");
    let body = json!({"password": PASSWORD, "code": app.code(0)});
    let confirmed = server.confirm_json(&other, &body).await;
    assert_eq!(confirmed.status(), StatusCode::OK);
    // The same request again, because its answer was lost.
    let again = server.confirm_json(&other, &body).await;
    assert_eq!(again.status(), StatusCode::OK);
    let fresh = text(&body_of(confirmed).await["accessToken"]).to_owned();
    assert_eq!(codes(&fresh).await.status(), StatusCode::OK);
    let used = server.confirm_json(&fresh, &body).await;
    assert_eq!(used.status(), StatusCode::BAD_REQUEST, "the code is used");
}

#[tokio::test]
async fn a_repeated_confirmation_takes_all_of_the_evidence_again() {
    let server = TestServer::start().await;
    let (app, _) = server.with_app("alice").await;
    let token = server.strong_token("alice", &By::Recovery(app.codes[0].clone())).await;
    let full = json!({"password": PASSWORD, "code": app.code(0)});
    assert_eq!(server.confirm_json(&token, &full).await.status(), StatusCode::OK);
    // A thief with the old token and the password comes within the ten seconds.
    let weak = server.confirm_json(&token, &json!({"password": PASSWORD})).await;
    assert_eq!(weak.status(), StatusCode::UNAUTHORIZED);
    let body = json!({"currentPassword": PASSWORD, "newPassword": PASSWORD});
    let other = server.ask("POST", "/user/password", &token, Some(&body)).await;
    assert_eq!(other.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(server.confirm_json(&token, &full).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn wrong_codes_of_signed_in_users_count_for_the_account() {
    let server = TestServer::start().await;
    let (app, first) = server.with_app("alice").await;
    let second = server.strong_token("alice", &By::Code(app.code(0))).await;
    let body = json!({"password": PASSWORD, "code": app.wrong()});
    let mut statuses = Vec::new();
    for token in [&first, &second].repeat(6) {
        statuses.push(server.confirm_json(token, &body).await.status().as_u16());
    }
    assert!(statuses[..10].iter().all(|status| *status == 400), "{statuses:?}");
    assert_eq!(statuses[11], 429, "ten in a minute, for all sessions together: {statuses:?}");
}

#[tokio::test]
async fn codes_that_another_session_has_seen_are_never_given() {
    let server = TestServer::start().await;
    let (app, _) = server.with_app("alice").await;
    let page = "/account/security/recovery-codes";
    let shown = async |code: &str| {
        let half = server.first_step(Via::Form, "alice").await;
        server.second_step(&half, &By::Recovery(code.to_owned())).await.expect("signed in");
        let HalfOpen::Browser(browser) = half else { panic!("a browser") };
        let text = browser.page(page).await;
        let codes = text.split("<code>").nth(1).expect("codes")[..11].to_owned();
        assert!(browser.page(page).await.contains(&codes), "the same when it is loaded again");
        codes
    };
    assert_ne!(shown(&app.codes[0]).await, shown(&app.codes[1]).await);
}

#[tokio::test]
async fn the_form_that_switches_an_app_on_may_be_sent_twice() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    browser.send("/account/security", "/api/set_up_totp", &[]).await;
    let page = browser.page("/account/security/authenticator").await;
    let secret = page.split("secret=").nth(1).expect("a secret").split('&').next();
    let app = App { secret: secret.expect("a secret").to_owned(), codes: Vec::new() };
    let set = hidden(&page, "set");
    let fields = [("form_token", &*form_token(&page)), ("code", &*app.code(0)), ("set", &set)];
    for _ in 0..2 {
        let sent = browser.post("/api/confirm_totp", &fields).await;
        assert_eq!(sent.headers()["location"], "/account/security");
    }
    // A wrong code afterwards leads there as well: there is nothing to correct.
    let fields = [("form_token", &*form_token(&page)), ("code", &*app.wrong())];
    let late = browser.post("/api/confirm_totp", &fields).await;
    assert_eq!(late.headers()["location"], "/account/security");
}

#[tokio::test]
async fn a_set_up_waits_for_the_proof_and_goes_on() {
    let server = TestServer::start_with(&[NODES_URL]).await;
    let session = Browser::signed_up(&server, "alice").await.session();
    server.db_forget_proofs().await;
    let node = server.another_node().await;
    let browser = Browser::with_session(&node.origin(), &session);
    let sent = browser.send("/profile", "/api/set_up_totp", &[]).await;
    let confirm = "/confirm?next=%2Faccount%2Fsecurity%2Fauthenticator";
    assert_eq!(sent.headers()["location"], confirm);
    let page = browser.page(confirm).await;
    let fields = [
        ("form_token", &*form_token(&page)),
        ("pending", &*hidden(&page, "pending")),
        ("password", PASSWORD),
    ];
    let done = browser.post("/api/confirm", &fields).await;
    assert_eq!(done.headers()["location"], "/account/security/authenticator");
    assert!(browser.page("/account/security/authenticator").await.contains("class=\"qr\""));
}

#[tokio::test]
async fn trust_holds_if_the_form_was_sent_twice() {
    let server = TestServer::start().await;
    let (app, _) = server.with_app("alice").await;
    let browser = server.first_step_in(Browser::new(&server), "alice", &[]).await;
    let page = browser.page("/signin/second-factor").await;
    let fields = [
        ("form_token", &*form_token(&page)),
        ("whose", &*hidden(&page, "whose")),
        ("code", &*app.code(0)),
        ("trust", "yes"),
    ];
    let send = || browser.post("/api/second_factor", &fields);
    let (one, other) = tokio::join!(send(), send());
    assert!(one.status() == 303 && other.status() == 303);
    assert!(browser.submit("/profile", "/api/sign_out", &[]).await.is_accepted());
    let fields = [("username", "alice"), ("password", PASSWORD)];
    let again = browser.send("/signin", "/api/sign_in", &fields).await;
    assert_eq!(again.headers()["location"], "/profile");
}

#[tokio::test]
async fn a_browser_confirms_with_both_factors_and_goes_on() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    let app = server.set_up_app(&server.token("alice").await).await;
    let security = browser.get("/account/security").await;
    assert_eq!(security.headers()["location"], "/confirm?next=%2Faccount%2Fsecurity");
    let page = "/confirm?next=%2Faccount%2Fsecurity";
    assert!(browser.page(page).await.contains("autocomplete=\"one-time-code\""));
    let fields = [("password", PASSWORD), ("code", ""), ("recoveryCode", "")];
    let refused = browser.submit(page, "/api/confirm", &fields).await;
    assert!(refused.says("Enter the code"), "{refused:?}");
    let fields = [("password", PASSWORD), ("code", &*app.wrong())];
    assert!(browser.submit(page, "/api/confirm", &fields).await.says("This code is wrong"));
    let fields =
        [("password", PASSWORD), ("recoveryCode", &*app.codes[0]), ("next", "/account/security")];
    let done = browser.send(page, "/api/confirm", &fields).await;
    assert_eq!(done.headers()["location"], "/account/security");
    assert_eq!(browser.get("/account/security").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn removing_the_app_ends_other_sessions_and_the_codes() {
    for via in WAYS {
        let server = TestServer::start().await;
        let (app, token) = server.with_app("alice").await;
        let half = server.first_step(Via::Form, "alice").await;
        server.second_step(&half, &By::Code(app.code(0))).await.expect("signed in");
        let HalfOpen::Browser(browser) = half else { panic!("a browser") };
        let alive = async |token: &str| server.profile(&format!("Bearer {token}")).await.status();
        match via {
            Via::Json => {
                assert_eq!(server.ask("DELETE", "/user/totp", &token, None).await.status(), 204);
                assert_eq!(browser.get("/profile").await.status(), StatusCode::SEE_OTHER);
                assert_eq!(server.ask("DELETE", "/user/totp", &token, None).await.status(), 204);
            }
            Via::Form => {
                let action = "/api/remove_totp";
                assert!(browser.submit("/account/security", action, &[]).await.is_accepted());
                assert_eq!(alive(&token).await, StatusCode::UNAUTHORIZED);
            }
        }
        let token = server.token("alice").await;
        let factors = body_of(server.ask("GET", "/user/factors", &token, None).await).await;
        assert_eq!(factors, json!({"totp": false, "recoveryCodesLeft": 0, "passkeys": []}));
    }
}

#[tokio::test]
async fn another_app_takes_the_place_of_the_first_and_ends_other_sessions() {
    let server = TestServer::start().await;
    let (old, token) = server.with_app("alice").await;
    let other = server.strong_token("alice", &By::Code(old.code(0))).await;
    let new = server.set_up_app(&token).await;
    assert_eq!(server.profile(&format!("Bearer {other}")).await.status(), 401);
    assert_eq!(server.profile(&format!("Bearer {token}")).await.status(), 200);
    let half = server.first_step(Via::Json, "alice").await;
    assert!(server.second_step(&half, &By::Code(old.code(1))).await.is_err());
    assert!(server.second_step(&half, &By::Recovery(old.codes[0].clone())).await.is_err());
    assert!(server.second_step(&half, &By::Code(new.code(0))).await.is_ok());
}

#[tokio::test]
async fn neither_a_code_by_mail_nor_a_new_password_skips_the_second_factor() {
    for via in WAYS {
        let (server, mailbox) = with_mail().await;
        let email = server.verified(&mailbox, "alice").await;
        let app = server.set_up_app(&server.token("alice").await).await;
        // RE-03.
        server.forgot(via, "alice").await;
        let reset = link(&mailbox.letter(&email, "Set a new password", 1).await);
        assert_eq!(server.reset(via, &reset, NEW).await, Ok(()));
        let body = json!({"username": "alice", "password": NEW});
        let half = challenge_of(server.post_json("/auth/signin", &body).await).await;
        assert!(server.second_step(&HalfOpen::Program(half), &By::Code(app.code(0))).await.is_ok());

        let asker = server.ask_for_code(via, "alice").await;
        let code = code(&mailbox.letter(&email, "Your code", 1).await);
        let half = match asker {
            Asker::Program(challenge) => {
                let body = json!({"challenge": challenge, "code": code});
                let answer = server.post_json("/auth/email-code/signin", &body).await;
                HalfOpen::Program(challenge_of(answer).await)
            }
            Asker::Browser(browser) => {
                let fields = [("code", &*code)];
                let answer = browser.send("/signin/code", "/api/sign_in_by_code", &fields).await;
                assert_eq!(answer.headers()["location"], "/signin/second-factor");
                assert!(cookie(&answer, "latchkey").is_none());
                HalfOpen::Browser(Box::new(browser))
            }
        };
        let session = server.second_step(&half, &By::Recovery(app.codes[0].clone())).await;
        assert!(session.is_ok());
    }
}

#[tokio::test]
async fn what_somebody_set_up_before_the_owner_of_the_address_came_is_gone() {
    for via in WAYS {
        let (server, mailbox) = with_mail().await;
        let email = "alice@example.org";
        assert!(server.sign_up_with(Via::Json, "alice", email).await.is_accepted());
        // A thief makes the account with somebody else's address, and sets up an app (RE-04).
        server.set_up_app(&server.token("alice").await).await;
        let link = link(&mailbox.letter(email, "Confirm", 1).await);
        assert_eq!(server.verify(Via::Json, &link).await, Ok(()));
        let asker = server.ask_for_code(via, "alice").await;
        let code = code(&mailbox.letter(email, "Your code", 1).await);
        assert_eq!(server.enter_code(&asker, &code).await, Ok(()), "no second step");
        assert_eq!(server.db_count("SELECT COUNT(*) FROM recovery_codes").await, 0);
        let apps = "SELECT COUNT(*) FROM second_factors WHERE confirmed_at IS NOT NULL";
        assert_eq!(server.db_count(apps).await, 0);
    }
}

#[tokio::test]
async fn each_act_sends_one_notice_and_no_secret() {
    let (server, mailbox) = with_mail().await;
    let email = server.verified(&mailbox, "alice").await;
    let token = server.token("alice").await;
    let app = server.set_up_app(&token).await;
    mailbox.letter(&email, "An authenticator app was set up", 1).await;
    let half = server.first_step(Via::Json, "alice").await;
    server.second_step(&half, &By::Recovery(app.codes[0].clone())).await.expect("signed in");
    let used = mailbox.letter(&email, "A recovery code was used", 1).await;
    assert!(read(&used).contains("9 are left"), "{used}");
    let half = server.first_step(Via::Json, "alice").await;
    for _ in 0..5 {
        assert!(server.second_step(&half, &By::Code(app.wrong())).await.is_err());
    }
    mailbox.letter(&email, "Wrong codes in the second step", 1).await;
    server.ask("POST", "/user/recovery-codes", &token, None).await;
    mailbox.letter(&email, "You have new recovery codes", 1).await;
    server.ask("DELETE", "/user/totp", &token, None).await;
    mailbox.letter(&email, "Your authenticator app was removed", 1).await;
    for letter in mailbox.taken() {
        let letter = read(&letter);
        let secrets = app.codes.iter().chain([&app.secret]);
        assert!(secrets.into_iter().all(|secret| !letter.contains(secret)), "{letter}");
    }
    for about in ["An authenticator app was set up", "A recovery code was used"] {
        assert_eq!(mailbox.about(&email, about).len(), 1, "{about}");
    }
}

#[tokio::test]
async fn whoever_must_have_a_second_factor_sets_one_up_before_anything_else() {
    let server = TestServer::start_with(&[("SECOND_FACTOR", "required")]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    const SET_UP: &str = "/account/security/second-factor";
    for page in ["/profile", "/account", "/account/data", "/account/sessions", "/account/security"]
    {
        let next = format!("{SET_UP}?next={}", page.replace('/', "%2F"));
        assert_eq!(browser.get(page).await.headers()["location"], next, "{page}");
    }
    let page = browser.page(SET_UP).await;
    assert!(page.contains("Protect your account") && page.contains("/api/sign_out"));
    let token = server.token("alice").await;
    let patch = json!({"fullName": "X"});
    let password = json!({"currentPassword": PASSWORD, "newPassword": NEW});
    for (method, path, body) in [
        ("GET", "/user", None),
        ("GET", "/user/profile", None),
        ("PATCH", "/user/profile", Some(&patch)),
        ("GET", "/user/sessions", None),
        ("POST", "/user/password", Some(&password)),
        ("DELETE", "/user", None),
    ] {
        let answer = server.ask(method, path, &token, body).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{method} {path}");
        assert_eq!(body_of(answer).await["type"], "/problems/second-factor-required", "{path}");
    }
    let app = server.set_up_app(&token).await;
    assert_eq!(server.profile(&format!("Bearer {token}")).await.status(), 200);
    assert_eq!(browser.get("/profile").await.status(), StatusCode::SEE_OTHER, "signed out");
    let half = server.first_step(Via::Form, "alice").await;
    assert!(server.second_step(&half, &By::Code(app.code(0))).await.is_ok());
    let HalfOpen::Browser(browser) = half else { panic!("a browser") };
    assert_eq!(browser.get("/profile").await.status(), StatusCode::OK);
    // The last one stays.
    let removed = server.ask("DELETE", "/user/totp", &token, None).await;
    assert_eq!(removed.status(), StatusCode::BAD_REQUEST);
    assert_eq!(body_of(removed).await["errors"][0]["code"], "required");
    assert!(browser.submit("/account/security", "/api/remove_totp", &[]).await.is_accepted());
    assert!(browser.page("/account/security").await.contains("requires a second step"));
    let factors = body_of(server.ask("GET", "/user/factors", &token, None).await).await;
    assert_eq!(factors["totp"], true);
}

#[tokio::test]
async fn what_the_database_holds_opens_no_second_factor() {
    let server = TestServer::start().await;
    let (app, _) = server.with_app("alice").await;
    let db = server.db().await;
    let secret: (String,) =
        sqlx::query_as("SELECT secret FROM second_factors").fetch_one(&db).await.expect("a row");
    let codes: Vec<(String,)> =
        sqlx::query_as("SELECT code FROM recovery_codes").fetch_all(&db).await.expect("rows");
    db.close().await;
    assert_eq!(codes.len(), 10);
    let stored = codes.iter().chain([&secret]).map(|(text,)| text.to_uppercase());
    for text in stored {
        let known = app.codes.iter().chain([&app.secret]);
        for known in known.flat_map(|known| [known.clone(), known.replace('-', "")]) {
            assert!(!text.contains(&known), "{known}");
        }
    }
    let all: std::collections::BTreeSet<_> = codes.iter().collect();
    assert_eq!(all.len(), 10);
}

const SECRETS: [&str; 2] = [
    "a1d0c6e83f027327d8461063f4ac58a6b3f1e4d27c9058ef12ab34cd56ef7890",
    "0f9e8d7c6b5a49382716051423324150adbecfd0e1f2a3b4c5d6e7f8091a2b3c",
];

#[tokio::test]
async fn no_factor_is_lost_by_a_new_secret_nor_by_dropping_the_old_one() {
    let server = TestServer::start_with(&[("JWT_SECRET", SECRETS[0])]).await;
    let (app, _) = server.with_app("alice").await;
    let url = [("DATABASE_URL", &*server.database_url)];
    let with = |secret: &'static str, previous: Option<&'static str>| {
        let previous = previous.map(|previous| ("JWT_SECRET_PREVIOUS", previous));
        [url[0], ("JWT_SECRET", secret)].into_iter().chain(previous).collect::<Vec<_>>()
    };
    let node = TestServer::start_with(&with(SECRETS[1], Some(SECRETS[0]))).await;
    node.strong_token("alice", &By::Code(app.code(0))).await;
    node.running.stop().await;
    let node = TestServer::start_with(&with(SECRETS[1], None)).await;
    node.strong_token("alice", &By::Recovery(app.codes[0].clone())).await;
    node.strong_token("alice", &By::Code(app.db_code(&node).await)).await;
    node.running.stop().await;
    // A secret that never knew them: it is told, nothing is lost, and the right one brings it back.
    let node = TestServer::start_with(&with(SECRETS[0], None)).await;
    let half = node.first_step(Via::Json, "alice").await;
    assert!(node.second_step(&half, &By::Recovery(app.codes[1].clone())).await.is_err());
    node.running.stop().await;
    let folder = tempfile::tempdir().expect("a folder");
    let check = |secret: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_latchkey"));
        command.env_clear().current_dir(folder.path()).arg("check");
        command.env("DATABASE_URL", &server.database_url).env("JWT_SECRET", secret);
        said(&command.output().expect("it ran"))
    };
    let told = check(SECRETS[0]);
    assert!(told.contains("(authenticator apps: 1, recovery codes: 10)"), "{told}");
    assert!(told.contains("JWT_SECRET_PREVIOUS"), "{told}");
    assert!(!check(SECRETS[1]).contains("can't be read"));
    let node = TestServer::start_with(&with(SECRETS[0], Some(SECRETS[1]))).await;
    node.strong_token("alice", &By::Recovery(app.codes[1].clone())).await;
}

#[tokio::test]
async fn a_trusted_device_stays_trusted_when_the_secret_is_replaced() {
    let server = TestServer::start_with(&[("JWT_SECRET", SECRETS[0])]).await;
    let (app, _) = server.with_app("alice").await;
    let browser = server.first_step_in(Browser::new(&server), "alice", &[]).await;
    server.send_second(&browser, &[("code", &app.code(0)), ("trust", "yes")]).await;
    let mut device = browser.kept("latchkey-device");
    let url = ("DATABASE_URL", &*server.database_url);
    let (new, previous) = (("JWT_SECRET", SECRETS[1]), ("JWT_SECRET_PREVIOUS", SECRETS[0]));
    for settings in [&[url, new, previous][..], &[url, new]] {
        let node = TestServer::start_with(settings).await;
        let browser = Browser::new(&node);
        browser.keep("latchkey-device", &device);
        let fields = [("username", "alice"), ("password", PASSWORD)];
        let signed_in = browser.send("/signin", "/api/sign_in", &fields).await;
        assert_eq!(signed_in.headers()["location"], "/profile");
        device = browser.kept("latchkey-device");
        node.running.stop().await;
    }
}

#[tokio::test]
async fn the_operator_resets_the_factors_of_people_who_lost_everything() {
    let (server, mailbox) = with_mail().await;
    let email = server.verified(&mailbox, "alice").await;
    let token = server.token("alice").await;
    server.set_up_app(&token).await;
    let folder = tempfile::tempdir().expect("a folder");
    let output = latchkey(&server, folder.path(), &["user", "reset-factors", "alice"]);
    assert!(!output.status.success() && said(&output).contains("--yes"), "{}", said(&output));
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_latchkey"));
    command.env_clear().current_dir(folder.path());
    command.args(["user", "reset-factors", "Alice", "--yes"]);
    command.env("DATABASE_URL", &server.database_url).env("JWT_SECRET", SECRET);
    command.env("PUBLIC_URL", server.origin());
    command.env("MAIL_URL", mailbox.url()).env("MAIL_FROM", "accounts@example.org");
    let output = command.output().expect("it ran");
    assert!(said(&output).contains("The second factors of alice are removed."), "{output:?}");
    eventually(async || server.profile(&format!("Bearer {token}")).await.status() == 401).await;
    assert!(server.sign_in(Via::Json, "alice", PASSWORD).await.is_accepted());
    mailbox.letter(&email, "The second step of your account was removed", 1).await;
    let token = server.token("alice").await;
    let history = server.ask("GET", "/user/history", &token, None).await;
    assert!(history.text().await.expect("text").contains("authn_factor_removed:operator"));
    let told = done(&server, folder.path(), &["user", "reset-factors", "alice", "--yes"]);
    assert!(told.contains("has no second factor"), "{told}");
}

#[tokio::test]
async fn mail_removes_the_factors_a_day_later_if_the_operator_allows_it() {
    for via in WAYS {
        let (server, mailbox) = with_mail_and(&[("RECOVERY_BY_MAIL", "yes")]).await;
        let email = server.verified(&mailbox, "alice").await;
        server.set_up_app(&server.token("alice").await).await;
        let half = server.first_step(via, "alice").await;
        let asked = match &half {
            HalfOpen::Program(challenge) => {
                let body = json!({"challenge": challenge});
                server.post_json("/auth/second-factor/recover", &body).await.status()
            }
            HalfOpen::Browser(browser) => {
                let page = "/signin/second-factor";
                browser.send(page, "/api/recover_by_mail", &[]).await.status()
            }
        };
        assert!([202, 303].contains(&asked.as_u16()), "{asked}");
        let letter = mailbox.letter(&email, "Remove the second step", 1).await;
        let token = link(&letter);
        let reset = async |stop: bool| match via {
            Via::Json => {
                let body = json!({"token": token, "stop": stop});
                server.post_json("/auth/reset-factors", &body).await.status()
            }
            Via::Form => {
                let browser = Browser::new(&server);
                let page = browser.arrive(&format!("/reset-factors?link={token}")).await;
                if page.status() != StatusCode::OK {
                    return page.status();
                }
                let text = page.text().await.expect("a page");
                let action = if stop { "/api/stop_reset_of_factors" } else { "/api/reset_factors" };
                let fields =
                    [("form_token", &*form_token(&text)), ("link", &*hidden(&text, "link"))];
                browser.post(action, &fields).await.status()
            }
        };
        assert_eq!(reset(false).await, StatusCode::BAD_REQUEST, "a day too early");
        server.db_execute("UPDATE links SET expires_at = expires_at - 86400").await;
        assert!(reset(false).await.as_u16() < 400);
        assert!(server.sign_in(via, "alice", PASSWORD).await.is_accepted());
        mailbox.letter(&email, "The second step of your account was removed", 1).await;
        assert_eq!(reset(true).await, StatusCode::BAD_REQUEST, "too late to stop it");
        if via == Via::Json {
            assert_eq!(reset(false).await, StatusCode::BAD_REQUEST, "the link is used");
        }
    }
}

#[tokio::test]
async fn asking_again_to_remove_factors_does_not_begin_the_wait_again() {
    let (server, mailbox) = with_mail_and(&[("RECOVERY_BY_MAIL", "yes")]).await;
    let email = server.verified(&mailbox, "alice").await;
    server.set_up_app(&server.token("alice").await).await;
    let mut links = Vec::new();
    for count in 1..=2 {
        let HalfOpen::Program(challenge) = server.first_step(Via::Json, "alice").await else {
            panic!("a program")
        };
        let body = json!({"challenge": challenge});
        server.post_json("/auth/second-factor/recover", &body).await;
        links.push(link(&mailbox.letter(&email, "Remove the second step", count).await));
        if count == 1 {
            server.db_execute("UPDATE links SET expires_at = expires_at - 86400").await;
        }
    }
    let reset = async |link: &str| {
        server.post_json("/auth/reset-factors", &json!({"token": link})).await.status()
    };
    assert_eq!(reset(&links[0]).await, StatusCode::BAD_REQUEST, "the second took its place");
    assert_eq!(reset(&links[1]).await, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_request_to_remove_factors_is_stopped_by_its_link_and_by_any_full_sign_in() {
    let (server, mailbox) = with_mail_and(&[("RECOVERY_BY_MAIL", "yes")]).await;
    let email = server.verified(&mailbox, "alice").await;
    let app = server.set_up_app(&server.token("alice").await).await;
    let ask = async || {
        let HalfOpen::Program(challenge) = server.first_step(Via::Json, "alice").await else {
            panic!("a program")
        };
        let body = json!({"challenge": challenge});
        server.post_json("/auth/second-factor/recover", &body).await;
    };
    ask().await;
    let first = link(&mailbox.letter(&email, "Remove the second step", 1).await);
    let stop = json!({"token": first, "stop": true});
    assert_eq!(server.post_json("/auth/reset-factors", &stop).await.status(), 204);
    ask().await;
    let second = link(&mailbox.letter(&email, "Remove the second step", 2).await);
    server.strong_token("alice", &By::Code(app.code(0))).await;
    server.db_execute("UPDATE links SET expires_at = expires_at - 86400").await;
    for token in [first, second] {
        let body = json!({"token": token});
        assert_eq!(server.post_json("/auth/reset-factors", &body).await.status(), 400);
    }
}

#[tokio::test]
async fn mail_removes_no_factor_unless_the_operator_allows_it() {
    let (server, _mailbox) = with_mail().await;
    for route in ["/auth/second-factor/recover", "/auth/reset-factors"] {
        assert_eq!(server.post_json(route, &json!({})).await.status(), 404, "{route}");
    }
    let (_app, _) = server.with_app("alice").await;
    let browser = server.first_step_in(Browser::new(&server), "alice", &[]).await;
    assert!(!browser.page("/signin/second-factor").await.contains("recover_by_mail"));
}

#[tokio::test]
async fn a_deleted_account_leaves_nothing_of_its_factors() {
    let server = TestServer::start().await;
    let (app, token) = server.with_app("alice").await;
    let here = server.running.state.public_url.origin();
    let key = crate::authenticator::Authenticator::new(&here);
    server.add_passkey(&token, &key).await;
    let browser = server.first_step_in(Browser::new(&server), "alice", &[]).await;
    let fields = [("code", &*app.code(0)), ("trust", "yes")];
    assert_eq!(server.send_second(&browser, &fields).await.status(), StatusCode::SEE_OTHER);
    let page = browser.page("/account/sessions").await;
    assert!(page.contains("with a password and an app&#x27;s code") || page.contains("app's code"));
    let folder = tempfile::tempdir().expect("a folder");
    done(&server, folder.path(), &["user", "delete", "alice", "--yes"]);
    for table in ["second_factors", "recovery_codes", "passkeys", "trusted_devices"] {
        let count: &'static str = Box::leak(format!("SELECT COUNT(*) FROM {table}").into());
        assert_eq!(server.db_count(count).await, 0, "{table}");
    }
}

#[tokio::test]
async fn the_download_names_factors_and_no_secret() {
    let server = TestServer::start().await;
    let (app, token) = server.with_app("alice").await;
    let data = server.ask("GET", "/user/data", &token, None).await.text().await.expect("text");
    let parsed: Value = serde_json::from_str(&data).expect("JSON");
    assert_eq!(parsed["secondFactors"]["totp"], true);
    assert_eq!(parsed["secondFactors"]["recoveryCodesLeft"], 10);
    for secret in app.codes.iter().chain([&app.secret]) {
        assert!(!data.contains(secret.as_str()));
    }
}

#[tokio::test]
async fn a_body_with_two_answers_or_none_is_refused() {
    let server = TestServer::start().await;
    let (app, _) = server.with_app("alice").await;
    let HalfOpen::Program(challenge) = server.first_step(Via::Json, "alice").await else {
        panic!("a program")
    };
    for body in [
        json!({"challenge": challenge}),
        json!({"challenge": challenge, "code": app.code(0), "recoveryCode": app.codes[0]}),
        json!({"challenge": challenge, "code": 123_456}),
        json!({"challenge": challenge, "credential": "x"}),
        json!({"challenge": challenge, "credential": {}}),
        json!({"challenge": 1, "code": app.code(0)}),
        json!({"code": app.code(0)}),
        json!({"challenge": challenge, "code": app.code(0), "refresh": "yes"}),
    ] {
        let answer = server.post_json("/auth/second-factor", &body).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(body_of(answer).await["type"], "/problems/invalid-input", "{body}");
    }
    let body = json!({"challenge": challenge, "code": app.code(0)});
    assert_eq!(server.post_json("/auth/second-factor", &body).await.status(), 200);
}
