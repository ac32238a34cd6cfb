//! Attacks on the OpenID provider: each is refused, where the specifications say.

use reqwest::{StatusCode, header};
use serde_json::{Value, json};

use crate::{
    app_support::*,
    support::{Browser, NODES_URL, SECRET, TestServer, eventually, program},
};

/// What the page says when nobody is sent anywhere.
const DEAD: &str = "This sign-in link doesn't work";

#[tokio::test]
async fn nobody_is_sent_to_an_address_that_is_not_registered() {
    let server = TestServer::start().await;
    let app = App::add(&server, "Wiki", &[]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    for uri in [
        "",
        "https://evil.example/callback",
        "https://app.example.org/callback/",
        "https://app.example.org/callback?x=y",
        "https://app.example.org/Callback",
        "https://app.example.org:443/callback",
        "https://app.example.org:8443/callback",
        "https://app.example.org/x/../callback",
        "https://app.example.org/%63allback",
        "https://app.example.org/callback#x",
        "https://app.example.org@evil.example/callback",
        "https://app.example.org.evil.example/callback",
        "https://app.example.org\\@evil.example/callback",
        "https://аpp.example.org/callback",
        "http://app.example.org/callback",
        "//app.example.org/callback",
        "javascript:alert(1)",
        "http://127.0.0.1/callback",
    ] {
        for who in [&browser, &Browser::new(&server)] {
            for prompt in ["", "none", "login"] {
                let address = app.address(&[("redirect_uri", uri), ("prompt", prompt)]);
                let answer = who.get(&address).await;
                assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{uri}");
                assert!(!answer.headers().contains_key(header::LOCATION), "{uri}");
                let page = answer.text().await.expect("a page");
                assert!(page.contains(DEAD) && !page.contains("evil.example"), "{uri}: {page}");
            }
        }
    }
    let twice = format!("{}&redirect_uri=https://evil.example/", app.address(&[]));
    for address in [twice, app.address(&[("client_id", "nobody")]), "/authorize".to_owned()] {
        assert_eq!(browser.get(&address).await.status(), StatusCode::BAD_REQUEST, "{address}");
    }
    // A form that is posted here from anywhere only asks again.
    let posted = browser.client.post(server.url("/authorize")).form(&[("client_id", "nobody")]);
    let answer = posted.header(header::ORIGIN, "https://evil.example").send().await;
    let answer = answer.expect("an answer");
    assert_eq!(
        (answer.status().as_u16(), location(&answer)),
        (303, "/authorize?client_id=nobody".to_owned())
    );
}

#[tokio::test]
async fn pkce_cannot_be_left_out_or_weakened() {
    let server = TestServer::start().await;
    let app = App::add(&server, "Wiki", &[]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    for (changes, expected) in [
        (&[("code_challenge", "")][..], "invalid_request"),
        (&[("code_challenge_method", "")], "invalid_request"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("code_challenge", "short")], "invalid_request"),
        (&[("response_type", "token")], "unsupported_response_type"),
        (&[("response_type", "code id_token")], "unsupported_response_type"),
        (&[("response_type", "")], "invalid_request"),
        (&[("response_mode", "fragment")], "invalid_request"),
        (&[("request", "e30.e30.")], "request_not_supported"),
        (&[("request_uri", "https://evil.example/")], "request_uri_not_supported"),
        (&[("prompt", "none login")], "invalid_request"),
        (&[("max_age", "-1")], "invalid_request"),
        (&[("scope", "nothing")], "invalid_scope"),
    ] {
        let back = app.come_back(&browser, changes).await;
        assert_eq!(param(&back, "error").as_deref(), Some(expected), "{changes:?}");
        assert!(param(&back, "code").is_none() && param(&back, "iss").is_some());
        assert_eq!(param(&back, "state").as_deref(), Some("a state"));
    }
    let back = format!("{}&state=another", app.address(&[]));
    let back = location(&browser.get(&back).await);
    assert_eq!(param(&back, "error").as_deref(), Some("invalid_request"));
}

#[tokio::test]
async fn a_code_works_once_for_its_app_its_address_and_its_verifier() {
    let server = TestServer::start().await;
    let app = App::add(&server, "Wiki", &[]).await;
    let other = App::add(&server, "Other", &[]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let code = app.code(&browser, &[]).await;
    let with = |changes: &[(&'static str, &'static str)]| {
        let mut fields = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.clone()),
            ("redirect_uri", CALLBACK.to_owned()),
            ("code_verifier", VERIFIER.to_owned()),
        ];
        for (name, value) in changes {
            fields.retain(|(known, _)| known != name);
            if !value.is_empty() {
                fields.push((name, (*value).to_owned()));
            }
        }
        fields
    };
    let send = async |app: &App, changes: &[(&'static str, &'static str)]| {
        let fields = with(changes);
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        app.post(&server, "/token", &fields).await
    };
    let wrong = "another-verifier-that-is-long-enough-000000000";
    for changes in [
        &[("code_verifier", "")][..],
        &[("code_verifier", wrong)],
        &[("redirect_uri", "")],
        &[("redirect_uri", "https://app.example.org/other")],
        &[("code", "x")],
    ] {
        assert_eq!(error(send(&app, changes).await, 400).await, "invalid_grant", "{changes:?}");
    }
    assert_eq!(error(send(&other, &[]).await, 400).await, "invalid_grant");
    let tokens = ok(send(&app, &[]).await).await;
    let access = text(&tokens, "access_token").to_owned();
    assert!(app.is_active(&server, &access).await);
    // Injected again: what came of it ends.
    assert_eq!(error(send(&app, &[]).await, 400).await, "invalid_grant");
    assert!(!app.is_active(&server, &access).await);
    // One that its owner never used is no use after a change of the secret of the server, and so on.
    assert_eq!(error(send(&app, &[("code", "e30")]).await, 400).await, "invalid_grant");
}

#[tokio::test]
async fn many_at_once_get_tokens_for_one_code_only_once() {
    let server = TestServer::start().await;
    let app = App::add(&server, "Wiki", &[]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let code = app.code(&browser, &[]).await;
    let all = (0..8).map(|_| app.exchange(&server, &code));
    let answers = futures_util::future::join_all(all).await;
    let good = answers.iter().filter(|answer| answer.status() == StatusCode::OK).count();
    assert!(good <= 1, "{good}");
    // And by now not even that.
    for answer in answers {
        if answer.status() == StatusCode::OK {
            let tokens = ok(answer).await;
            assert!(!app.is_active(&server, text(&tokens, "access_token")).await);
        }
    }
}

#[tokio::test]
async fn an_app_must_show_its_own_secret_in_one_way() {
    let server = TestServer::start().await;
    let app = App::add(&server, "Wiki", &[]).await;
    let public = App::add(&server, "Public", &["--public"]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let secret = app.secret.clone().expect("a secret");
    let code = app.code(&browser, &[]).await;
    let fields = |more: &[(&'static str, String)]| {
        let mut fields = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.clone()),
            ("redirect_uri", CALLBACK.to_owned()),
            ("code_verifier", VERIFIER.to_owned()),
        ];
        fields.extend(more.iter().cloned());
        fields
    };
    let id = ("client_id", app.id.clone());
    let post = || program().post(server.url("/token"));
    let cases = [
        post().form(&fields(&[])),
        post().form(&fields(std::slice::from_ref(&id))),
        post().form(&fields(&[id.clone(), ("client_secret", "wrong".to_owned())])),
        post().basic_auth(&app.id, Some("wrong")).form(&fields(&[])),
        post().basic_auth(&public.id, Some(&secret)).form(&fields(&[])),
        post().basic_auth("nobody", Some(&secret)).form(&fields(&[])),
        post().bearer_auth(&secret).form(&fields(std::slice::from_ref(&id))),
    ];
    for (number, case) in cases.into_iter().enumerate() {
        let answer = case.send().await.expect("an answer");
        let basic = answer.headers().contains_key(header::WWW_AUTHENTICATE);
        assert_eq!(error(answer, 401).await, "invalid_client", "{number}");
        assert_eq!(basic, number >= 3, "{number}");
    }
    let both = post().basic_auth(&app.id, Some(&secret));
    let both = both.form(&fields(&[("client_secret", secret.clone())])).send().await;
    assert_eq!(error(both.expect("an answer"), 400).await, "invalid_request");
    let json =
        post().basic_auth(&app.id, Some(&secret)).json(&json!({"grant_type": "x"})).send().await;
    assert_eq!(error(json.expect("an answer"), 400).await, "invalid_request");
    for grant in ["password", "implicit", ""] {
        let answer = app.post(&server, "/token", &[("grant_type", grant)]).await;
        let expected = if grant.is_empty() { "invalid_request" } else { "unsupported_grant_type" };
        assert_eq!(error(answer, 400).await, expected, "{grant}");
    }
    // While the secret is replaced, both work.
    let said: Value =
        serde_json::from_str(&operate(&server, &["app", "rotate-secret", &app.id, "--json"]))
            .expect("JSON");
    let new = App {
        secret: Some(text(&said, "client_secret").to_owned()),
        id: app.id.clone(),
        redirect_uri: CALLBACK.into(),
    };
    crate::support::eventually(async || {
        new.post(&server, "/introspect", &[("token", "x")]).await.status() == StatusCode::OK
    })
    .await;
    assert!(!app.is_active(&server, "x").await);
    operate(&server, &["app", "rotate-secret", &app.id, "--overlap", "0s"]);
    crate::support::eventually(async || {
        app.post(&server, "/introspect", &[("token", "x")]).await.status()
            == StatusCode::UNAUTHORIZED
    })
    .await;
}

#[tokio::test]
async fn tokens_are_nothing_to_another_app_and_no_token_passes_for_another() {
    let server = TestServer::start().await;
    let app = App::add(&server, "Wiki", &[]).await;
    let other = App::add(&server, "Other", &[]).await;
    let public = App::add(&server, "Public", &["--public"]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let tokens = app.tokens(&server, &browser, &[("scope", "openid offline_access")]).await;
    let [access, id, refresh] =
        ["access_token", "id_token", "refresh_token"].map(|name| text(&tokens, name).to_owned());
    for token in [&access, &id, &refresh] {
        assert!(!other.is_active(&server, token).await);
        // Whoever only names itself could be anybody.
        let answer = public.post(&server, "/introspect", &[("token", token)]).await;
        assert_eq!(error(answer, 401).await, "invalid_client");
        // Revoking what is another's does nothing, and doesn't say so.
        assert_eq!(other.post(&server, "/revoke", &[("token", token)]).await.status(), 200);
    }
    assert_eq!(error(other.refresh(&server, &refresh).await, 400).await, "invalid_grant");
    assert!(app.is_active(&server, &access).await && app.is_active(&server, &refresh).await);
    assert!(!app.is_active(&server, &id).await);
    let info = async |token: &str| {
        let answer = program().get(server.url("/userinfo")).bearer_auth(token).send().await;
        answer.expect("an answer").status().as_u16()
    };
    let session = browser.session();
    let own = server.token("alice").await;
    for token in [&id, &refresh, &session, &own] {
        assert_eq!(info(token).await, 401);
    }
    for token in [&id, &session, &own] {
        assert!(!app.is_active(&server, token).await);
    }
    for token in [&access, &id, &refresh] {
        assert_eq!(server.profile(&format!("Bearer {token}")).await.status(), 401);
        let thief = Browser::with_session(&server.origin(), token);
        assert_eq!(thief.get("/profile").await.status(), StatusCode::SEE_OTHER);
    }
    assert_eq!(app.post(&server, "/revoke", &[("token", &refresh)]).await.status(), 200);
    assert!(!app.is_active(&server, &access).await);
    assert_eq!(app.post(&server, "/revoke", &[("token", "nonsense")]).await.status(), 200);
}

#[tokio::test]
async fn a_token_counts_only_with_a_signature_of_the_key_it_names() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
    use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
    let server = TestServer::start().await;
    let app = App::add(&server, "Wiki", &[]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let tokens = app.tokens(&server, &browser, &[]).await;
    let access = text(&tokens, "access_token");
    let (claims, kid) = (claims(access), text(&jose(access), "kid").to_owned());
    let keys = program().get(server.url("/.well-known/jwks.json")).send().await;
    let keys: Value = ok(keys.expect("an answer")).await;
    let keys = keys["keys"].as_array().expect("keys").clone();
    let key = keys.iter().find(|key| key["kid"] == kid).expect("the key").to_string();
    let header =
        |alg| Header { typ: Some("at+jwt".to_owned()), kid: Some(kid.clone()), ..Header::new(alg) };
    let none = format!(
        "{}.{}.",
        BASE64.encode(json!({"alg": "none", "typ": "at+jwt", "kid": kid}).to_string()),
        access.split('.').nth(1).expect("claims"),
    );
    let by_public =
        encode(&header(Algorithm::HS256), &claims, &EncodingKey::from_secret(key.as_bytes()));
    let by_secret =
        encode(&header(Algorithm::HS256), &claims, &EncodingKey::from_secret(SECRET.as_bytes()));
    let mine = aws_lc_rs::signature::EcdsaKeyPair::generate_pkcs8(
        &aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING,
        &aws_lc_rs::rand::SystemRandom::new(),
    )
    .expect("a key");
    let by_mine =
        encode(&header(Algorithm::ES256), &claims, &EncodingKey::from_ec_der(mine.as_ref()));
    let (head, rest) = access.split_once('.').expect("a token");
    let mut changed: Value = claims.clone();
    changed["sub"] = json!("1");
    let changed = format!(
        "{head}.{}.{}",
        BASE64.encode(changed.to_string()),
        rest.split_once('.').expect("a signature").1
    );
    let forged =
        [none, by_public.expect("one"), by_secret.expect("one"), by_mine.expect("one"), changed];
    for token in forged {
        assert!(!app.is_active(&server, &token).await, "{token}");
        let info = program().get(server.url("/userinfo")).bearer_auth(&token).send().await;
        assert_eq!(info.expect("an answer").status(), StatusCode::UNAUTHORIZED);
    }
    assert!(app.is_active(&server, access).await);
}

#[tokio::test]
async fn only_members_of_its_group_get_in_to_an_app() {
    let server = TestServer::start().await;
    let app = App::add(&server, "Wiki", &["--group", "staff"]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let back = app.come_back(&browser, &[]).await;
    assert_eq!(param(&back, "error").as_deref(), Some("access_denied"));
    operate(&server, &["user", "groups", "alice", "--add", "staff"]);
    let tokens = app.tokens(&server, &browser, &[("scope", "openid offline_access")]).await;
    operate(&server, &["user", "groups", "alice", "--remove", "staff"]);
    assert!(!app.is_active(&server, text(&tokens, "access_token")).await);
    let refreshed = app.refresh(&server, text(&tokens, "refresh_token")).await;
    assert_eq!(error(refreshed, 400).await, "invalid_grant");
}

#[tokio::test]
async fn consent_cannot_be_framed_or_forged() {
    let server = TestServer::start().await;
    let app = App::add(&server, "Other", &["--third-party"]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let answer = browser.get(&app.address(&[])).await;
    let policy =
        answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().expect("text").to_owned();
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(answer.headers()["x-frame-options"], "DENY");
    let next = app.address(&[]);
    let forged = browser.post("/api/agree_to_app", &[("next", &next), ("form_token", "x")]).await;
    assert_eq!(forged.status(), StatusCode::FORBIDDEN);
    // A step that nobody took counts for nothing.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time");
    let forged = format!("{next}&latchkey_step=consent.{}.{}", now.as_secs(), "A".repeat(43));
    assert_eq!(browser.get(&forged).await.status(), StatusCode::OK);
    let back = app.come_back(&browser, &[("prompt", "none")]).await;
    assert_eq!(param(&back, "error").as_deref(), Some("consent_required"));
}

#[tokio::test]
async fn pages_of_other_sites_may_call_what_they_need_and_nothing_else() {
    let server = TestServer::start().await;
    let app = App::add(&server, "Public", &["--public"]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let origin = "https://app.example.org";
    for path in [
        "/token",
        "/userinfo",
        "/revoke",
        "/.well-known/openid-configuration",
        "/.well-known/jwks.json",
    ] {
        let preflight = program().request(reqwest::Method::OPTIONS, server.url(path));
        let preflight = preflight.header(header::ORIGIN, origin);
        let preflight = preflight.header("access-control-request-method", "POST").send().await;
        let preflight = preflight.expect("an answer");
        assert_eq!(preflight.status(), StatusCode::NO_CONTENT, "{path}");
        assert_eq!(preflight.headers()["access-control-allow-origin"], "*", "{path}");
        assert!(!preflight.headers().contains_key("access-control-allow-credentials"), "{path}");
    }
    let code = app.code(&browser, &[]).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", &*app.id),
        ("code", &*code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let answer = program().post(server.url("/token")).header(header::ORIGIN, origin);
    let answer = answer.header("sec-fetch-site", "cross-site").form(&fields).send().await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    ok(answer).await;
    for path in ["/user/profile", "/authorize", "/auth/signin"] {
        let answer = program().get(server.url(path)).header(header::ORIGIN, origin).send().await;
        let answer = answer.expect("an answer");
        assert!(!answer.headers().contains_key("access-control-allow-origin"), "{path}");
    }
}

#[tokio::test]
async fn an_old_request_in_a_second_tab_begins_anew_and_never_gets_stuck() {
    let server = TestServer::start().await;
    let app = App::add(&server, "Wiki", &[]).await;
    let browser = Browser::new(&server);
    server.sign_up_json("alice").await;
    // Two tabs wait at the sign-in page; one of them gets there.
    let first = location(&browser.get(&app.address(&[("state", "one")])).await);
    let second = location(&browser.get(&app.address(&[("state", "two")])).await);
    let fields = [("username", "alice"), ("password", crate::support::PASSWORD)];
    let answer = browser.send(&first, "/api/sign_in", &fields).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER, "without next, it goes home");
    for (page, state) in [(&first, "one"), (&second, "two"), (&first, "one")] {
        let next = location(&browser.get(page).await);
        let back = location(&browser.get(&next).await);
        assert_eq!(param(&back, "state").as_deref(), Some(state));
        let code = param(&back, "code").expect("a code");
        ok(app.exchange(&server, &code).await).await;
    }
}

#[tokio::test]
async fn an_app_of_others_gets_no_token_for_a_resource_without_consent_to_it() {
    let server = TestServer::start().await;
    let api = "https://api.example.org/";
    let app = App::add(&server, "Other", &["--third-party", "--resource", api]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let needs_consent = async |scope: &str, resource: &str| {
        let changes = [("scope", scope), ("resource", resource), ("prompt", "none")];
        let back = app.come_back(&browser, &changes).await;
        param(&back, "error").as_deref() == Some("consent_required")
    };
    for scope in ["", " ", "nothing", "openid"] {
        assert!(needs_consent(scope, api).await, "{scope}");
    }
    let agree = async |changes: &[(&str, &str)]| {
        let page = browser.page(&app.address(changes)).await;
        let agreed = send_from(&browser, &page, "/api/agree_to_app", &[]).await;
        assert_eq!(agreed.status(), StatusCode::OK);
        page
    };
    agree(&[("scope", "openid")]).await;
    assert!(!needs_consent("openid", "").await && needs_consent("openid", api).await);
    let page = agree(&[("scope", "openid"), ("resource", api)]).await;
    assert!(page.contains(api), "{page}");
    assert!(!needs_consent("openid", api).await);
    assert!(browser.page("/account/apps").await.contains(api));
}

#[tokio::test]
async fn an_app_that_is_only_behind_a_proxy_gets_no_tokens() {
    let server = TestServer::start().await;
    let host = "https://wiki.example.org";
    let made = operate(&server, &["app", "add", "Wiki", "--json", "--host", host]);
    let callback = format!("{host}/.latchkey/callback");
    let app = App::made(&server, &made, &callback).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let code = app.code(&browser, &[]).await;
    assert_eq!(error(app.exchange(&server, &code).await, 401).await, "invalid_client");
}

#[tokio::test]
async fn a_mistake_at_the_token_endpoint_leaves_the_code_good() {
    let server = TestServer::start().await;
    let app = App::add(&server, "Wiki", &[]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let code = app.code(&browser, &[]).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &*code),
        ("redirect_uri", &*app.redirect_uri),
        ("code_verifier", VERIFIER),
        ("resource", "https://api.example.org/"),
    ];
    let refused = app.post(&server, "/token", &fields).await;
    assert_eq!(error(refused, 400).await, "invalid_target");
    assert!(ok(app.exchange(&server, &code).await).await["access_token"].is_string());
}

#[tokio::test]
async fn two_secrets_are_good_at_once_and_no_more() {
    let server = TestServer::start().await;
    let app = App::add(&server, "Wiki", &[]).await;
    let mut secrets = vec![app.secret.clone().expect("a secret")];
    for _ in 0..3 {
        let made = operate(&server, &["app", "rotate-secret", &app.id, "--json"]);
        let made: Value = serde_json::from_str(&made).expect("JSON");
        secrets.push(text(&made, "client_secret").to_owned());
    }
    let good = async |secret: &String| {
        let request = program().post(server.url("/introspect"));
        let request = request.basic_auth(&app.id, Some(secret)).form(&[("token", "x")]);
        request.send().await.expect("an answer").status() == StatusCode::OK
    };
    eventually(async || good(&secrets[3]).await).await;
    for (number, expected) in [(0, false), (1, false), (2, true), (3, true)] {
        assert_eq!(good(&secrets[number]).await, expected, "{number}");
    }
}

#[tokio::test]
async fn what_an_app_was_given_can_be_taken_away_again() {
    let server = TestServer::start().await;
    let options = ["--third-party", "--group", "staff", "--longest-session", "1h", "--host"];
    let host = "https://wiki.example.org";
    let more = [host, "--rule", "/admin=group:admins"];
    let app = App::add(&server, "Wiki", &[&options[..], &more[..]].concat()).await;
    let set = ["app", "set", &app.id, "--third-party=false", "--group", "", "--rule", ""];
    operate(&server, &[&set[..], &["--longest-session", "", "--host", ""]].concat());
    let shown: Value =
        serde_json::from_str(&operate(&server, &["app", "show", &app.id, "--json"])).expect("JSON");
    assert_eq!(shown["third_party"], false);
    assert_eq!((&shown["groups"], &shown["rules"]), (&json!([]), &json!([])));
    assert_eq!((&shown["host"], &shown["longest_session"]), (&Value::Null, &Value::Null));
    assert_eq!(shown["redirect_uris"][0], CALLBACK);
}

#[tokio::test]
async fn once_a_second_factor_is_required_what_apps_got_without_one_is_worth_nothing() {
    let server = TestServer::start_with(&[NODES_URL]).await;
    let app = App::add(&server, "Wiki", &[]).await;
    let browser = Browser::signed_up(&server, "alice").await;
    let offline = [("scope", "openid offline_access")];
    let tokens = app.tokens(&server, &browser, &offline).await;
    assert!(app.is_active(&server, text(&tokens, "access_token")).await);
    let settings = [("SECOND_FACTOR", "required"), NODES_URL];
    let url = [("DATABASE_URL", &*server.database_url)];
    let strict = TestServer::start_with(&[&settings[..], &url[..]].concat()).await;
    assert!(!app.is_active(&strict, text(&tokens, "access_token")).await);
    let refused = app.refresh(&strict, text(&tokens, "refresh_token")).await;
    assert_eq!(error(refused, 400).await, "invalid_grant");
}
