//! The OpenID provider: what a client that knows only the specifications gets.

use jsonwebtoken::{DecodingKey, Validation, decode, jwk::JwkSet};
use reqwest::{StatusCode, header};
use serde_json::{Value, json};

use crate::{
    app_support::*,
    ports::free_port,
    process::{self, Served},
    second_step,
    support::{Browser, PASSWORD, SECRET, TestServer, eventually, form_token, hidden, program},
};

async fn json_at(server: &TestServer, path: &str) -> Value {
    ok(program().get(server.url(path)).send().await.expect("an answer")).await
}

/// Where a page goes on to by itself.
fn goes_on(page: &str) -> String {
    let to = page.split("http-equiv=\"refresh\" content=\"0;url=").nth(1).expect("it goes on");
    to.split('"').next().expect("an address").replace("&amp;", "&")
}

/// The claims of a token, checked with the published keys alone.
pub(crate) async fn checked(server: &TestServer, token: &str, audience: &str) -> Value {
    let keys: JwkSet =
        serde_json::from_value(json_at(server, "/.well-known/jwks.json").await).expect("keys");
    let header = jsonwebtoken::decode_header(token).expect("a header");
    let key = keys.find(&header.kid.expect("a kid")).expect("a published key");
    let mut validation = Validation::new(header.alg);
    validation.set_audience(&[audience]);
    let issuer =
        text(&json_at(server, "/.well-known/openid-configuration").await, "issuer").to_owned();
    validation.set_issuer(&[issuer]);
    let key = DecodingKey::from_jwk(key).expect("a key");
    decode::<Value>(token, &key, &validation).expect("a good token").claims
}

#[tokio::test]
async fn everything_is_found_from_the_discovery_document() {
    let server = TestServer::start().await;
    let document = json_at(&server, "/.well-known/openid-configuration").await;
    let also = json_at(&server, "/.well-known/oauth-authorization-server").await;
    assert_eq!(document, also);
    let issuer = format!("http://localhost:{}", server.running.address.port());
    assert_eq!(document["issuer"], issuer);
    for name in [
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "jwks_uri",
        "introspection_endpoint",
        "revocation_endpoint",
        "end_session_endpoint",
    ] {
        let path = text(&document, name).strip_prefix(&issuer).expect("ours").to_owned();
        let answer = program().get(server.url(&path)).send().await.expect("an answer");
        assert_ne!(answer.status(), StatusCode::NOT_FOUND, "{name}");
    }
    assert_eq!(document["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(document["response_types_supported"], json!(["code"]));
    let keys = json_at(&server, "/.well-known/jwks.json").await;
    let keys = keys["keys"].as_array().expect("keys");
    let of = |alg: &str| keys.iter().filter(|key| key["alg"] == alg).count();
    // One that signs and a spare one of each.
    assert_eq!((of("RS256"), of("ES256"), keys.len()), (2, 2, 4));
    for key in keys {
        assert_eq!(key["use"], "sig");
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(key.get(private).is_none(), "{private}");
        }
    }
}

#[tokio::test]
async fn a_person_signs_in_to_an_app_and_the_tokens_say_who_it_is() {
    let server = TestServer::start().await;
    let app = App::add(&server, "Wiki", &[]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    operate(&server, &["user", "groups", "alice", "--add", "staff", "--add", "admins"]);
    let back = app.come_back(&browser, &[]).await;
    let issuer = format!("http://localhost:{}", server.running.address.port());
    assert_eq!(param(&back, "state").as_deref(), Some("a state"));
    assert_eq!(param(&back, "iss").as_deref(), Some(&*issuer));

    let answer = app.exchange(&server, &param(&back, "code").expect("a code")).await;
    assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store");
    let tokens = ok(answer).await;
    assert_eq!((text(&tokens, "token_type"), &tokens["expires_in"]), ("Bearer", &json!(900)));
    assert!(tokens.get("refresh_token").is_none());

    let id_token = text(&tokens, "id_token");
    assert_eq!(jose(id_token)["alg"], "RS256");
    let claims = checked(&server, id_token, &app.id).await;
    assert_eq!(claims["nonce"], "a nonce");
    assert_eq!(
        (&claims["name"], &claims["preferred_username"]),
        (&json!("Test Person"), &json!("alice"))
    );
    assert_eq!(claims["groups"], json!(["admins", "staff"]));
    assert_eq!((&claims["acr"], &claims["amr"]), (&json!("aal1"), &json!(["pwd"])));
    assert!(
        claims["auth_time"].is_i64() && claims["sid"].is_string() && claims["at_hash"].is_string()
    );
    // Nobody has verified an address.
    assert!(claims.get("email").is_none());

    let access = text(&tokens, "access_token");
    assert_eq!((&jose(access)["typ"], &jose(access)["alg"]), (&json!("at+jwt"), &json!("ES256")));
    let of_access = checked(&server, access, &issuer).await;
    assert_eq!((&of_access["sub"], &of_access["client_id"]), (&claims["sub"], &json!(app.id)));

    let userinfo = program().get(server.url("/userinfo")).bearer_auth(access).send().await;
    let userinfo = ok(userinfo.expect("an answer")).await;
    assert_eq!((&userinfo["sub"], &userinfo["name"]), (&claims["sub"], &json!("Test Person")));
    // The account's own API is not for apps.
    assert_eq!(
        server.profile(&format!("Bearer {access}")).await.status(),
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn whoever_is_not_signed_in_signs_in_first_and_arrives_without_javascript() {
    let server = TestServer::start().await;
    let app = App::add(&server, "Wiki", &[]).await;
    server.sign_up_json("alice").await;
    let browser = Browser::new(&server);
    let to_sign_in = location(&browser.get(&app.address(&[("login_hint", "alice")])).await);
    assert!(to_sign_in.starts_with("/signin?next=%2Fauthorize%3F"), "{to_sign_in}");
    let answer = browser.get(&to_sign_in).await;
    // The window may be the app's.
    assert!(!answer.headers().contains_key("cross-origin-opener-policy"));
    let page = answer.text().await.expect("a page");
    assert!(page.contains("Wiki") && page.contains("value=\"alice\""), "{page}");

    let fields = [("username", "alice"), ("password", PASSWORD)];
    let answer = send_from(&browser, &page, "/api/sign_in", &fields).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let page = answer.text().await.expect("a page");
    let next = goes_on(&page);
    assert!(page.contains(&format!("href=\"{}\"", next.replace('&', "&amp;"))), "and by a link");
    let back = location(&browser.get(&next).await);
    let code = param(&back, "code").expect("a code");
    assert!(ok(app.exchange(&server, &code).await).await["id_token"].is_string());
}

#[tokio::test]
async fn prompt_and_max_age_and_acr_values_ask_for_what_they_say() {
    let server = TestServer::start().await;
    let app = App::add(&server, "Wiki", &[]).await;
    let nobody = Browser::new(&server);
    let back = app.come_back(&nobody, &[("prompt", "none")]).await;
    assert_eq!(param(&back, "error").as_deref(), Some("login_required"));
    assert!(param(&back, "iss").is_some() && param(&back, "state").is_some());
    let to = location(&nobody.get(&app.address(&[("prompt", "create")])).await);
    assert!(to.starts_with("/signup?next="), "{to}");

    let browser = Browser::signed_up(&server, "alice").await;
    assert!(param(&app.come_back(&browser, &[("prompt", "none")]).await, "code").is_some());
    for (name, value) in [("prompt", "login"), ("max_age", "0")] {
        if name == "max_age" {
            // Until the second in which alice signed up is over.
            eventually(async || {
                let answer = browser.get(&app.address(&[(name, value)])).await;
                location(&answer).starts_with("/confirm")
            })
            .await;
        }
        let to = location(&browser.get(&app.address(&[(name, value)])).await);
        assert!(to.starts_with("/confirm?next="), "{to}");
        let page = browser.page(&to).await;
        let next = hidden(&page, "next").replace("&amp;", "&");
        let fields =
            [("form_token", &*form_token(&page)), ("password", PASSWORD), ("next", &*next)];
        assert_eq!(browser.post("/api/confirm", &fields).await.status(), StatusCode::OK);
        let back = location(&browser.get(&next).await);
        let code = param(&back, "code").unwrap_or_else(|| panic!("{back}"));
        let tokens = ok(app.exchange(&server, &code).await).await;
        let claims = claims(text(&tokens, "id_token"));
        assert!(claims["auth_time"].as_i64() <= claims["iat"].as_i64());
        // Asked again, it is asked again.
        let to = location(&browser.get(&app.address(&[("prompt", "login")])).await);
        assert!(to.starts_with("/confirm?next="), "{to}");
    }
    let page = browser.page(&app.address(&[("prompt", "select_account")])).await;
    assert!(page.contains("Which account?") && page.contains("alice"), "{page}");
    // Nobody has a second factor, so what was shown is told as it is.
    let tokens = app.tokens(&server, &browser, &[("acr_values", "aal2")]).await;
    assert_eq!(claims(text(&tokens, "id_token"))["acr"], "aal1");
}

#[tokio::test]
async fn a_third_party_app_asks_for_consent_which_is_remembered_shown_and_taken_back() {
    let server = TestServer::start().await;
    let app = App::add(&server, "Other", &["--third-party"]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let back = app.come_back(&browser, &[("prompt", "none")]).await;
    assert_eq!(param(&back, "error").as_deref(), Some("consent_required"));

    let page = browser.page(&app.address(&[])).await;
    for said in ["Other", "app.example.org", "your email address", "alice"] {
        assert!(page.contains(said), "{said}: {page}");
    }
    let refused = send_from(&browser, &page, "/api/agree_to_app", &[("refuse", "yes")]).await;
    let refused = refused.text().await.expect("a page");
    assert!(refused.contains("error=access_denied"), "{refused}");

    let agreed = send_from(&browser, &page, "/api/agree_to_app", &[]).await;
    assert_eq!(agreed.status(), StatusCode::OK);
    let tokens = app.tokens(&server, &browser, &[("prompt", "none")]).await;
    // More than was agreed to is asked for.
    let more = [("scope", "openid profile email groups offline_access"), ("prompt", "none")];
    let back = app.come_back(&browser, &more).await;
    assert_eq!(param(&back, "error").as_deref(), Some("consent_required"));

    assert!(browser.page("/account/apps").await.contains("Other"));
    let user = server.token("alice").await;
    let apps = ok(server.ask("GET", "/user/apps", &user, None).await).await;
    assert_eq!(
        (&apps["apps"][0]["id"], &apps["apps"][0]["name"]),
        (&json!(app.id), &json!("Other"))
    );
    assert_eq!(apps["apps"][0]["sessions"], 1);
    let path = format!("/user/apps/{}", app.id);
    assert_eq!(server.ask("DELETE", &path, &user, None).await.status(), 204);
    assert_eq!(server.ask("DELETE", &path, &user, None).await.status(), 404);
    assert!(!app.is_active(&server, text(&tokens, "access_token")).await);
    let back = app.come_back(&browser, &[("prompt", "none")]).await;
    assert_eq!(param(&back, "error").as_deref(), Some("consent_required"));
}

#[tokio::test]
async fn a_refresh_token_works_once_and_its_reuse_ends_what_came_of_it() {
    let server = TestServer::start().await;
    let app = App::add(&server, "Wiki", &[]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let offline = [("scope", "openid offline_access")];
    let first = app.tokens(&server, &browser, &offline).await;
    let second = ok(app.refresh(&server, text(&first, "refresh_token")).await).await;
    assert_ne!(text(&first, "refresh_token"), text(&second, "refresh_token"));
    let of = |tokens: &Value| claims(text(tokens, "id_token"));
    assert_eq!(
        (of(&first)["sid"].clone(), of(&first)["auth_time"].clone()),
        (of(&second)["sid"].clone(), of(&second)["auth_time"].clone())
    );
    // A moment later, the same successor again: an answer may have been lost.
    let again = ok(app.refresh(&server, text(&first, "refresh_token")).await).await;
    assert_eq!(text(&again, "refresh_token"), text(&second, "refresh_token"));
    // Later it was copied.
    server
        .db_execute("UPDATE app_refresh_tokens SET used_at = used_at - 11 WHERE used_at > 0")
        .await;
    let reused = app.refresh(&server, text(&first, "refresh_token")).await;
    assert_eq!(error(reused, 400).await, "invalid_grant");
    let successor = app.refresh(&server, text(&second, "refresh_token")).await;
    assert_eq!(error(successor, 400).await, "invalid_grant");
    assert!(!app.is_active(&server, text(&second, "access_token")).await);
    // The person stays signed in here.
    assert!(browser.page("/account").await.contains("alice"));
}

#[tokio::test]
async fn whatever_ends_the_session_ends_what_apps_got_by_it() {
    let server = TestServer::start().await;
    let app = App::add(&server, "Wiki", &[]).await;
    let offline = [("scope", "openid offline_access")];
    for way in ["sign-out", "password", "own-password", "disable", "elsewhere", "group"] {
        let browser = Browser::signed_up(&server, &format!("alice-{way}")).await;
        let tokens = app.tokens(&server, &browser, &offline).await;
        assert!(app.is_active(&server, text(&tokens, "access_token")).await);
        match way {
            "sign-out" => {
                let answer = browser.send("/account", "/api/sign_out", &[]).await;
                assert_eq!(answer.status(), 303);
            }
            "password" => {
                let user = server.token(&format!("alice-{way}")).await;
                let body = json!({"currentPassword": PASSWORD, "newPassword": "another horse and battery"});
                assert!(
                    server
                        .ask("POST", "/user/password", &user, Some(&body))
                        .await
                        .status()
                        .is_success()
                );
            }
            "own-password" => {
                // The session goes on, and what apps got by it ends.
                let fields =
                    [("currentPassword", PASSWORD), ("newPassword", "another horse and battery")];
                let changed = browser.submit("/account/security", "/api/change_password", &fields);
                assert!(changed.await.is_accepted());
                assert_eq!(browser.get("/profile").await.status(), StatusCode::OK);
            }
            "disable" => _ = operate(&server, &["user", "disable", &format!("alice-{way}")]),
            "elsewhere" => {
                let user = server.token(&format!("alice-{way}")).await;
                assert_eq!(server.ask("DELETE", "/user/sessions", &user, None).await.status(), 204);
            }
            _ => {
                operate(&server, &["app", "set", &app.id, "--group", "staff"]);
                eventually(async || !app.is_active(&server, text(&tokens, "access_token")).await)
                    .await;
            }
        }
        assert!(!app.is_active(&server, text(&tokens, "access_token")).await, "{way}");
        let refreshed = app.refresh(&server, text(&tokens, "refresh_token")).await;
        assert_eq!(error(refreshed, 400).await, "invalid_grant", "{way}");
        let info = program().get(server.url("/userinfo"));
        let info = info.bearer_auth(text(&tokens, "access_token")).send().await.expect("an answer");
        assert_eq!(info.status(), StatusCode::UNAUTHORIZED, "{way}");
    }
}

#[tokio::test]
async fn confirming_who_one_is_leaves_apps_signed_in() {
    let server = TestServer::start().await;
    let app = App::add(&server, "Wiki", &[]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let tokens = app.tokens(&server, &browser, &[]).await;
    let fields = [("password", PASSWORD)];
    assert!(browser.submit("/confirm", "/api/confirm", &fields).await.is_accepted());
    assert!(app.is_active(&server, text(&tokens, "access_token")).await);
    let again = app.tokens(&server, &browser, &[]).await;
    let sid = |tokens: &Value| claims(text(tokens, "id_token"))["sid"].clone();
    assert_eq!(sid(&tokens), sid(&again));
}

#[tokio::test]
async fn keys_rotate_and_old_tokens_stay_good_unless_the_key_is_compromised() {
    let server = TestServer::start().await;
    let app = App::add(&server, "Wiki", &["--id-token-alg", "ES256"]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let first = app.tokens(&server, &browser, &[]).await;
    let kid = |tokens: &Value| text(&jose(text(tokens, "access_token")), "kid").to_owned();
    let spare_was_published = json_at(&server, "/.well-known/jwks.json").await.to_string();
    operate(&server, &["keys", "rotate", "--algorithm", "ES256"]);
    eventually(async || kid(&app.tokens(&server, &browser, &[]).await) != kid(&first)).await;
    let second = app.tokens(&server, &browser, &[]).await;
    assert!(spare_was_published.contains(&kid(&second)), "it was published before it signed");
    checked(&server, text(&first, "id_token"), &app.id).await;
    assert!(app.is_active(&server, text(&first, "access_token")).await);
    // The new spare was published a moment ago: clients may not know it.
    let said = operate(&server, &["keys", "rotate", "--algorithm", "ES256"]);
    assert!(said.contains("signs from"), "{said}");

    operate(&server, &["keys", "rotate", "--algorithm", "ES256", "--compromised"]);
    eventually(async || !app.is_active(&server, text(&second, "access_token")).await).await;
    let published = json_at(&server, "/.well-known/jwks.json").await.to_string();
    assert!(!published.contains(&kid(&second)), "dropped");
    let third = app.tokens(&server, &browser, &[]).await;
    checked(&server, text(&third, "id_token"), &app.id).await;
    let listed = operate(&server, &["keys", "list"]);
    assert!(listed.contains("signs") && listed.contains("spare"), "{listed}");
}

#[tokio::test]
async fn resources_get_tokens_of_their_own() {
    let server = TestServer::start().await;
    let api = "https://api.example.org/";
    let app = App::add(&server, "Wiki", &["--resource", api]).await;
    let of_api = operate(&server, &["app", "add", "API", "--serves", api, "--json"]);
    let made: Value = serde_json::from_str(&of_api).expect("JSON");
    let service = App {
        id: text(&made, "client_id").to_owned(),
        secret: Some(text(&made, "client_secret").to_owned()),
        redirect_uri: String::new(),
    };
    let browser = Browser::signed_up(&server, "alice").await;
    let back = app.come_back(&browser, &[("resource", "https://other.example.org/")]).await;
    assert_eq!(param(&back, "error").as_deref(), Some("invalid_target"));
    let tokens = app.tokens(&server, &browser, &[("resource", api)]).await;
    let access = text(&tokens, "access_token");
    assert_eq!(checked(&server, access, api).await["aud"], api);
    eventually(async || {
        let answer = service.post(&server, "/introspect", &[("token", access)]).await;
        answer.status() == StatusCode::OK
    })
    .await;
    assert!(service.is_active(&server, access).await);
    // It is for the API, and not for us.
    let info = program().get(server.url("/userinfo")).bearer_auth(access).send().await;
    assert_eq!(info.expect("an answer").status(), StatusCode::UNAUTHORIZED);
    let own = app.tokens(&server, &browser, &[]).await;
    assert!(!service.is_active(&server, text(&own, "access_token")).await);
}

#[tokio::test]
async fn whoever_sets_up_a_second_factor_on_the_way_to_an_app_goes_on_to_it() {
    let server = TestServer::start_with(&[("SECOND_FACTOR", "required")]).await;
    let app = App::add(&server, "Wiki", &[]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let way = location(&browser.get(&app.address(&[])).await);
    assert!(way.starts_with("/account/security/second-factor?next=%2Fauthorize%3F"), "{way}");
    let page = browser.page(&way).await;
    let answer = send_from(&browser, &page, "/api/set_up_totp", &[]).await;
    let page = browser.page(&location(&answer)).await;
    let secret = page.split("secret=").nth(1).and_then(|rest| rest.split('&').next());
    let secret = secret.expect("a secret").to_owned();
    let authenticator = second_step::App { secret, codes: Vec::new() };
    let fields = [("code", &*authenticator.code(0)), ("set", &*hidden(&page, "set"))];
    let answer = send_from(&browser, &page, "/api/confirm_totp", &fields).await;
    let on = goes_on(&answer.text().await.expect("a page"));
    assert!(param(&location(&browser.get(&on).await), "code").is_some(), "{on}");
}

#[tokio::test]
async fn several_prompts_are_asked_one_after_the_other_and_each_once() {
    let server = TestServer::start().await;
    let app = App::add(&server, "Other", &["--third-party"]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let prompts = [("prompt", "login consent select_account")];
    let page = browser.page(&app.address(&prompts)).await;
    assert!(page.contains("Which account?"));
    let stay = page.split("href=\"/authorize?").nth(1).expect("a link");
    let stay =
        format!("/authorize?{}", stay.split('"').next().expect("a link").replace("&amp;", "&"));
    let to = location(&browser.get(&stay).await);
    assert!(to.starts_with("/confirm?next="), "{to}");
    let page = browser.page(&to).await;
    let next = hidden(&page, "next").replace("&amp;", "&");
    let fields = [("form_token", &*form_token(&page)), ("password", PASSWORD), ("next", &*next)];
    assert_eq!(browser.post("/api/confirm", &fields).await.status(), StatusCode::OK);
    let page = browser.page(&next).await;
    assert!(page.contains("Allow access to your account?"), "{page}");
    let agreed = send_from(&browser, &page, "/api/agree_to_app", &[]).await;
    let page = agreed.text().await.expect("a page");
    let back = location(&browser.get(&goes_on(&page)).await);
    assert!(param(&back, "code").is_some(), "{back}");
}

#[tokio::test]
async fn a_sign_in_to_an_app_goes_on_over_a_kill_at_every_step() {
    let folder = tempfile::tempdir().expect("a folder");
    let (database, port) = (crate::new_database(folder.path()).await, free_port().to_string());
    let settings = [("PORT", &*port), ("DATABASE_URL", &*database), ("JWT_SECRET", SECRET)];
    let start = || Served::start(folder.path(), &settings);
    let url = format!("http://localhost:{port}");
    let kill = async |served: Served| {
        // Without a warning.
        drop(served);
        let served = start();
        // Meanwhile, the browser sees that its connections are gone.
        eventually(async || program().get(format!("{url}/healthz")).send().await.is_ok()).await;
        served
    };
    let mut served = start();
    assert_eq!(process::sign_up(&url, "alice").await, StatusCode::OK);
    let add = ["app", "add", "Wiki", "--json", "--redirect-uri", CALLBACK];
    let made = process::run(folder.path(), &add, &settings);
    let made: Value = serde_json::from_slice(&made.stdout).expect("JSON");
    let secret = text(&made, "client_secret");
    let app = App {
        id: text(&made, "client_id").to_owned(),
        secret: Some(secret.to_owned()),
        redirect_uri: CALLBACK.to_owned(),
    };
    let ask = async |path: &str, fields: &[(&str, &str)]| {
        let request = program().post(format!("{url}{path}")).basic_auth(&app.id, Some(secret));
        ok(request.form(fields).send().await.expect("an answer")).await
    };
    let browser = Browser::at(&url);
    let address = app.address(&[("scope", "openid offline_access")]);
    eventually(async || browser.get(&address).await.status() == StatusCode::SEE_OTHER).await;

    let page = browser.page(&location(&browser.get(&address).await)).await;
    served = kill(served).await;
    let fields = [("username", "alice"), ("password", PASSWORD)];
    let answer = send_from(&browser, &page, "/api/sign_in", &fields).await;
    let next = goes_on(&answer.text().await.expect("a page"));
    served = kill(served).await;
    let code = param(&location(&browser.get(&next).await), "code").expect("a code");
    served = kill(served).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &*code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let first = ask("/token", &fields).await;
    served = kill(served).await;
    let fields =
        [("grant_type", "refresh_token"), ("refresh_token", text(&first, "refresh_token"))];
    let second = ask("/token", &fields).await;
    // The answer may have got lost with the server.
    served = kill(served).await;
    let again = ask("/token", &fields).await;
    assert_eq!(text(&again, "refresh_token"), text(&second, "refresh_token"));
    let token = [("token", text(&second, "access_token"))];
    assert_eq!(ask("/introspect", &token).await["active"], true);
    drop(served);
}
