//! Passkeys, by a soft authenticator that is honest first and lies then (RE-06).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{authenticator::*, letters::*, operator::*, second_step::*, support::*};

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

async fn account_with(server: &TestServer, username: &str) -> (Authenticator, String) {
    server.sign_up_json(username).await;
    let token = server.token(username).await;
    let key = Authenticator::new(&origin(server));
    server.add_passkey(&token, &key).await;
    (key, token)
}

/// The origin that the server knows itself by.
fn origin(server: &TestServer) -> String {
    server.running.state.public_url.origin()
}

/// Signs in with a passkey: the token or the cookie of the session, or the status of the refusal.
async fn sign_in(
    server: &TestServer,
    via: Via,
    challenge: &str,
    credential: &Value,
) -> Result<String, StatusCode> {
    match via {
        Via::Json => {
            let body = json!({"challenge": challenge, "credential": credential});
            let answer = server.post_json("/auth/passkey", &body).await;
            match answer.status() {
                StatusCode::OK => Ok(text(&body_of(answer).await["accessToken"]).to_owned()),
                status => Err(status),
            }
        }
        Via::Form => {
            let browser = Browser::new(server);
            let fields = [("challenge", challenge), ("credential", &*credential.to_string())];
            let answer = browser.send("/signin", "/api/sign_in_by_passkey", &fields).await;
            match answer.status() {
                StatusCode::SEE_OTHER => Ok(browser.session()),
                status => Err(status),
            }
        }
    }
}

async fn list(server: &TestServer, token: &str) -> Vec<Value> {
    let factors = body_of(server.ask("GET", "/user/factors", token, None).await).await;
    factors["passkeys"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn a_passkey_is_added_named_used_and_removed() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let token = server.token("alice").await;
    let options = server.creation_options(&token).await;
    let public_key = &options["publicKey"];
    assert_eq!(public_key["challenge"], options["challenge"]);
    assert_eq!(public_key["rp"]["id"], "localhost");
    assert_eq!(public_key["user"]["name"], "alice");
    let choice = &public_key["authenticatorSelection"];
    assert_eq!(choice["residentKey"], "required");
    assert_eq!(choice["userVerification"], "required");
    assert_eq!(public_key["attestation"], "none");
    let algorithms = public_key["pubKeyCredParams"].as_array().expect("a list").iter();
    let algorithms: Vec<_> = algorithms.map(|one| one["alg"].clone()).collect();
    assert_eq!(algorithms, [-7, -8, -257]);

    let mut key = Authenticator::new(&origin(&server));
    key.flags = UP | UV | BE | BS;
    key.user_handle =
        Some(URL_SAFE_NO_PAD.decode(text(&public_key["user"]["id"])).expect("base64url"));
    let challenge = text(&options["challenge"]);
    let body = json!({
        "challenge": challenge, "name": " My phone ", "credential": key.register(challenge),
    });
    let added = server.ask("POST", "/user/passkeys", &token, Some(&body)).await;
    assert_eq!(added.status(), StatusCode::CREATED);
    let added = body_of(added).await;
    assert_eq!((text(&added["name"]), &added["backedUp"]), ("My phone", &json!(true)));
    assert_eq!((text(&added["id"]), &added["lastUsedAt"]), (&*key.id(), &Value::Null));
    assert_eq!(list(&server, &token).await, std::slice::from_ref(&added));
    assert_eq!(server.account_of(&token).await["secondFactors"], json!(["passkey"]));
    let again = server.ask("POST", "/user/passkeys", &token, Some(&body)).await;
    assert_eq!(again.status(), StatusCode::BAD_REQUEST, "the challenge is used");
    let known = server.creation_options(&token).await;
    assert_eq!(known["publicKey"]["excludeCredentials"][0]["id"], added["id"]);

    let challenge = server.passkey_challenge().await;
    let signed_in = sign_in(&server, Via::Json, &challenge, &key.answer(&challenge)).await;
    let strong = signed_in.expect("signed in");
    let sessions = body_of(server.ask("GET", "/user/sessions", &strong, None).await).await;
    let own = sessions["sessions"].as_array().expect("a list").iter();
    let own = own.clone().find(|session| session["current"] == true).expect("the session");
    assert_eq!((&own["method"], &own["acr"]), (&json!("passkey"), &json!("aal2")));
    assert_eq!(own["amr"], json!(["swk", "mfa"]));
    assert!(list(&server, &strong).await[0]["lastUsedAt"].is_string());

    let path = format!("/user/passkeys/{}", key.id());
    let renamed = server.ask("PATCH", &path, &strong, Some(&json!({"name": "Phone"}))).await;
    assert_eq!(body_of(renamed).await["name"], "Phone");
    for bad in [json!({"name": ""}), json!({"name": "a".repeat(65)}), json!({}), json!({"name": 1})]
    {
        let refused = server.ask("PATCH", &path, &strong, Some(&bad)).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{bad}");
    }
    let removed = server.ask("DELETE", &path, &strong, None).await;
    assert_eq!(removed.status(), StatusCode::NO_CONTENT);
    assert_eq!(server.profile(&format!("Bearer {token}")).await.status(), 401, "others end");
    assert_eq!(server.ask("DELETE", &path, &strong, None).await.status(), 404);
    let challenge = server.passkey_challenge().await;
    let gone = sign_in(&server, Via::Json, &challenge, &key.answer(&challenge)).await;
    assert_eq!(gone, Err(StatusCode::BAD_REQUEST));
    assert!(
        server.sign_in(Via::Json, "alice", PASSWORD).await.is_accepted(),
        "the password is back"
    );
}

#[tokio::test]
async fn a_browser_adds_a_passkey_with_its_codes_first_and_signs_in_with_nothing_typed() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    let page = browser.page("/account/security/passkey").await;
    let code = page.split("<code>").nth(1).expect("codes")[..11].to_owned();
    let token = form_token(&page);
    let request = browser.client.post(server.url("/user/passkeys/options"));
    let request = request.header("origin", server.origin()).header("sec-fetch-site", "same-origin");
    let options = body_of(request.send().await.expect("an answer")).await;
    let mut key = Authenticator::new(&origin(&server));
    // Google Password Manager.
    key.aaguid = 0xea9b_8d66_4d01_1d21_3ce4_b6b4_8cb5_75d4_u128.to_be_bytes();
    let challenge = text(&options["challenge"]);
    let credential = key.register(challenge).to_string();
    let fields = [("form_token", &*token), ("challenge", challenge), ("credential", &*credential)];
    let added = browser.post("/api/add_passkey", &fields).await;
    assert_eq!(added.headers()["location"], "/account/security");
    let security = browser.page("/account/security").await;
    assert!(security.contains("Google Password Manager") && security.contains("10 codes are left"));
    assert!(security.contains(&format!("data-passkeys-accepted=\"{}\"", key.id())));

    let challenge = server.passkey_challenge().await;
    assert!(sign_in(&server, Via::Form, &challenge, &key.answer(&challenge)).await.is_ok());
    // A passkey is a second factor, too.
    let half = server.first_step(Via::Form, "alice").await;
    assert!(server.second_step(&half, &By::Recovery(code)).await.is_ok());
    for (action, name) in [("/api/rename_passkey", "My key"), ("/api/remove_passkey", "")] {
        let fields = [("id", &*key.id()), ("name", name)];
        assert!(browser.submit("/account/security", action, &fields).await.is_accepted());
    }
    assert!(browser.page("/account/security").await.contains("Passkey removed."));
}

#[tokio::test]
async fn a_passkey_without_a_name_gets_that_of_its_authenticator() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let token = server.token("alice").await;
    let mut key = Authenticator::new(&origin(&server));
    key.aaguid = 0xfbfc_3007_154e_4ecc_8c0b_6e02_0557_d7bd_u128.to_be_bytes();
    let options = server.creation_options(&token).await;
    let challenge = text(&options["challenge"]);
    let body = json!({"challenge": challenge, "credential": key.register(challenge)});
    let added = server.ask("POST", "/user/passkeys", &token, Some(&body)).await;
    assert_eq!(body_of(added).await["name"], "Apple Passwords");
}

#[tokio::test]
async fn each_algorithm_signs_in() {
    for via in WAYS {
        let server = TestServer::start().await;
        server.sign_up_json("alice").await;
        let token = server.token("alice").await;
        let here = origin(&server);
        for key in
            [Authenticator::new(&here), Authenticator::ed25519(&here), Authenticator::rs256(&here)]
        {
            server.add_passkey(&token, &key).await;
            let challenge = server.passkey_challenge().await;
            let answer = key.answer(&challenge);
            assert!(sign_in(&server, via, &challenge, &answer).await.is_ok(), "{}", key.alg);
        }
    }
}

#[tokio::test]
async fn the_options_tell_a_stranger_nothing() {
    let server = TestServer::start().await;
    account_with(&server, "alice").await;
    let answer = program().post(server.url("/auth/passkey/options")).send().await;
    let options = body_of(answer.expect("an answer")).await;
    assert_eq!(options["publicKey"]["challenge"], options["challenge"]);
    assert_eq!(options["publicKey"]["allowCredentials"], json!([]));
    assert_eq!(options["publicKey"]["userVerification"], "required");
    assert_eq!(options["publicKey"]["rpId"], "localhost");
    assert_eq!(server.db_count("SELECT COUNT(*) FROM challenges WHERE used_at IS NULL").await, 0);
}

/// What a lying authenticator, or a thief between it and the server, changes.
type Lie = (&'static str, fn(&mut Authenticator));

const LIES: [Lie; 9] = [
    ("another origin", |key| key.origin = "https://evil.example".into()),
    ("an origin that begins alike", |key| key.origin += ".evil.example"),
    ("another port", |key| key.origin = "http://localhost:1".into()),
    ("another relying party", |key| key.rp_id = "evil.example".into()),
    ("a parent of the relying party", |key| key.rp_id = "host".into()),
    ("UV=0", |key| key.flags &= !UV),
    ("UP=0", |key| key.flags &= !UP),
    ("a frame of another site", |key| key.cross_origin = true),
    ("backed up without being eligible", |key| key.flags |= BS),
];

#[tokio::test]
async fn no_lie_adds_a_passkey() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let token = server.token("alice").await;
    let own: [Lie; 5] = [
        ("the type of an assertion", |key| key.kind = Some("webauthn.get")),
        ("ES384", |key| key.alg = -35),
        ("RS1", |key| key.alg = -65535),
        ("EdDSA with the key of ES256", |key| key.alg = -8),
        ("no algorithm at all", |key| key.alg = 0),
    ];
    for (lie, tell) in LIES.into_iter().chain(own) {
        let mut key = Authenticator::new(&origin(&server));
        tell(&mut key);
        let options = server.creation_options(&token).await;
        let challenge = text(&options["challenge"]);
        let body = json!({"challenge": challenge, "credential": key.register(challenge)});
        let answer = server.ask("POST", "/user/passkeys", &token, Some(&body)).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{lie}");
        assert_eq!(body_of(answer).await["type"], "/problems/invalid-input", "{lie}");
    }
    assert!(list(&server, &token).await.is_empty());
}

#[tokio::test]
async fn a_challenge_to_add_a_passkey_is_for_one_session_and_one_act() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    server.sign_up_json("bob").await;
    let (alice, bob) = (server.token("alice").await, server.token("bob").await);
    let other = server.token("alice").await;
    let of_bob = text(&server.creation_options(&bob).await["challenge"]).to_owned();
    let of_other = text(&server.creation_options(&other).await["challenge"]).to_owned();
    let to_sign_in = server.passkey_challenge().await;
    let key = Authenticator::new(&origin(&server));
    let add = async |challenge: &str, signed: &str| {
        let body = json!({"challenge": challenge, "credential": key.register(signed)});
        server.ask("POST", "/user/passkeys", &alice, Some(&body)).await.status()
    };
    for challenge in [&*of_bob, &of_other, &to_sign_in, "", "x", "AAAA"] {
        assert_eq!(add(challenge, challenge).await, StatusCode::BAD_REQUEST, "{challenge}");
    }
    let own = text(&server.creation_options(&alice).await["challenge"]).to_owned();
    let second = text(&server.creation_options(&alice).await["challenge"]).to_owned();
    assert_eq!(add(&own, &second).await, StatusCode::BAD_REQUEST, "signed for another one");
    let mut changed = own.clone();
    changed.replace_range(..1, if own.starts_with('A') { "B" } else { "A" });
    assert_eq!(add(&changed, &changed).await, StatusCode::BAD_REQUEST);
    assert_eq!(add(&own, &own).await, StatusCode::CREATED);
    let challenge = text(&server.creation_options(&bob).await["challenge"]).to_owned();
    let body = json!({"challenge": challenge, "credential": key.register(&challenge)});
    let taken = server.ask("POST", "/user/passkeys", &bob, Some(&body)).await;
    assert_eq!(body_of(taken).await["errors"][0]["code"], "taken", "one id, one account");
}

#[tokio::test]
async fn malformed_and_oversized_answers_are_refused() {
    let server = TestServer::start().await;
    let (key, token) = account_with(&server, "alice").await;
    let challenge = text(&server.creation_options(&token).await["challenge"]).to_owned();
    let deep = [vec![0x81; 5000], vec![0]].concat();
    let objects: Vec<Vec<u8>> = vec![
        vec![],
        vec![0xff],
        vec![0xa0],
        b"{}".to_vec(),
        deep,
        // A map, and a text, of 2^64 - 1 parts.
        vec![0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        vec![0x7b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        key.attested(),
    ];
    for object in &objects {
        let credential = key.register_as(&challenge, object);
        let body = json!({"challenge": challenge, "credential": credential});
        let answer = server.ask("POST", "/user/passkeys", &token, Some(&body)).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{object:?}");
    }
    let huge = key.register_as(&challenge, &vec![0; 20_000]);
    let body = json!({"challenge": challenge, "credential": huge});
    let answer = server.ask("POST", "/user/passkeys", &token, Some(&body)).await;
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);

    let challenge = server.passkey_challenge().await;
    let good = key.answer(&challenge);
    let with = |path: &str, value: Value| {
        let mut changed = good.clone();
        *changed.pointer_mut(path).expect(path) = value;
        changed
    };
    for (credential, status) in [
        (json!(null), 400),
        (json!([]), 400),
        (json!({}), 400),
        (with("/type", "password".into()), 400),
        (with("/id", "".into()), 400),
        (with("/id", "!".into()), 400),
        (with("/rawId", "AAAA".into()), 400),
        (with("/response", json!(null)), 400),
        (with("/response/signature", "".into()), 400),
        (with("/response/signature", "AAAA".into()), 400),
        (with("/response/authenticatorData", "AAAA".into()), 400),
        (with("/response/clientDataJSON", "AAAA".into()), 400),
        (with("/response/userHandle", "AAAA".into()), 400),
        (with("/response/signature", "A".repeat(17_000).into()), 413),
    ] {
        for via in WAYS {
            let refused = sign_in(&server, via, &challenge, &credential).await;
            assert_eq!(refused, Err(StatusCode::from_u16(status).expect("a status")));
        }
    }
    assert!(sign_in(&server, Via::Json, &challenge, &good).await.is_ok(), "it was not used up");
}

#[tokio::test]
async fn no_lie_signs_in() {
    let own: [Lie; 3] = [
        ("the type of a registration", |key| key.kind = Some("webauthn.create")),
        ("another user", |key| key.user_handle = Some(vec![0; 8])),
        ("eligible for a backup all of a sudden", |key| key.flags |= BE),
    ];
    for via in WAYS {
        let server = TestServer::start().await;
        let (mut key, _) = account_with(&server, "alice").await;
        let (origin, rp_id, flags) = (key.origin.clone(), key.rp_id.clone(), key.flags);
        for (lie, tell) in LIES.into_iter().chain(own) {
            tell(&mut key);
            let challenge = server.passkey_challenge().await;
            let refused = sign_in(&server, via, &challenge, &key.answer(&challenge)).await;
            assert_eq!(refused, Err(StatusCode::BAD_REQUEST), "{lie}");
            key.origin = origin.clone();
            key.rp_id = rp_id.clone();
            (key.flags, key.cross_origin, key.kind, key.user_handle) = (flags, false, None, None);
        }
        // With the id of another's passkey.
        let (other, _) = account_with(&server, "bob").await;
        let own_id = std::mem::replace(&mut key.id, other.id.clone());
        let challenge = server.passkey_challenge().await;
        let forged = sign_in(&server, via, &challenge, &key.answer(&challenge)).await;
        assert_eq!(forged, Err(StatusCode::BAD_REQUEST));
        key.id = own_id;
        // Signed for another challenge, or for none of ours.
        let other = server.passkey_challenge().await;
        for signed in [&*other, "", "AAAA"] {
            let refused = sign_in(&server, via, &challenge, &key.answer(signed)).await;
            assert_eq!(refused, Err(StatusCode::BAD_REQUEST), "{signed}");
        }
        let unknown = Authenticator::new(&origin);
        let refused = sign_in(&server, via, &challenge, &unknown.answer(&challenge)).await;
        assert_eq!(refused, Err(StatusCode::BAD_REQUEST));
        assert!(sign_in(&server, via, &challenge, &key.answer(&challenge)).await.is_ok());
    }
}

#[tokio::test]
async fn a_challenge_works_once_also_in_a_race() {
    let server = TestServer::start_with(&[("THROTTLE", "off")]).await;
    let (key, token) = account_with(&server, "alice").await;
    let challenge = server.passkey_challenge().await;
    let answer = key.answer(&challenge);
    let all = (0..20).map(|_| sign_in(&server, Via::Json, &challenge, &answer));
    let all = futures_util::future::join_all(all).await;
    assert_eq!(all.iter().filter(|one| one.is_ok()).count(), 1, "{all:?}");
    let replayed = sign_in(&server, Via::Json, &challenge, &answer).await;
    assert_eq!(replayed, Err(StatusCode::BAD_REQUEST));
    let replayed = server.confirm_json(&token, &json!({"credential": answer})).await;
    assert_eq!(replayed.status(), StatusCode::BAD_REQUEST);
    let challenge = server.passkey_challenge().await;
    let answer = key.answer(&challenge);
    assert!(sign_in(&server, Via::Form, &challenge, &answer).await.is_ok());
    let replayed = sign_in(&server, Via::Form, &challenge, &answer).await;
    assert_eq!(replayed, Err(StatusCode::BAD_REQUEST), "another browser gets no session");
}

#[tokio::test]
async fn a_challenge_is_over_after_five_minutes() {
    let server = TestServer::start().await;
    let (key, _) = account_with(&server, "alice").await;
    // Five minutes from now on another clock, and a second more.
    let keys = &server.running.state.keys;
    let now = latchkey::platform::clock::now();
    let made = |at| latchkey::passkeys::Ceremony::SignIn.challenge(keys, at).expect("a challenge");
    for at in [now - 301, now + 3600] {
        let challenge = made(at);
        let refused = sign_in(&server, Via::Json, &challenge, &key.answer(&challenge)).await;
        assert_eq!(refused, Err(StatusCode::BAD_REQUEST));
    }
    let challenge = made(now - 200);
    assert!(sign_in(&server, Via::Json, &challenge, &key.answer(&challenge)).await.is_ok());
}

#[tokio::test]
async fn a_counter_that_goes_back_is_refused_and_told() {
    for via in WAYS {
        let (server, mailbox) = with_mail().await;
        let email = server.verified(&mailbox, "alice").await;
        let token = server.token("alice").await;
        let mut key = Authenticator::new(&origin(&server));
        key.counter = 5;
        server.add_passkey(&token, &key).await;
        let mut enter = async |counter: u32| {
            key.counter = counter;
            let challenge = server.passkey_challenge().await;
            sign_in(&server, via, &challenge, &key.answer(&challenge)).await
        };
        assert!(enter(9).await.is_ok());
        for counter in [9, 8, 0] {
            assert_eq!(enter(counter).await, Err(StatusCode::BAD_REQUEST), "{counter}");
        }
        assert!(enter(10).await.is_ok(), "nobody is locked out");
        mailbox.letter(&email, "A passkey may have been copied", 3).await;
        let history = server.ask("GET", "/user/history", &token, None).await;
        let history = history.text().await.expect("text");
        assert_eq!(history.matches("authn_login_fail:passkey_counter").count(), 3);
    }
}

#[tokio::test]
async fn a_passkey_is_a_second_factor_for_its_own_account_only() {
    for via in WAYS {
        let server = TestServer::start().await;
        let (key, token) = account_with(&server, "alice").await;
        let (other, _) = account_with(&server, "bob").await;
        let body = json!({"username": "alice", "password": PASSWORD});
        let problem = server.post_json("/auth/signin", &body).await;
        assert_eq!(body_of(problem).await["methods"], json!(["passkey"]));
        let half = server.first_step(via, "alice").await;
        let challenge = server.passkey_challenge().await;
        let of_bob = By::Passkey(other.answer(&challenge));
        assert_eq!(server.second_step(&half, &of_bob).await, Err(StatusCode::BAD_REQUEST));
        let own = By::Passkey(key.answer(&challenge));
        assert!(server.second_step(&half, &own).await.is_ok());
        if let HalfOpen::Program(_) = half {
            let HalfOpen::Program(challenge) = server.first_step(via, "alice").await else {
                panic!("a program")
            };
            // The challenge of the sign-in itself will do, too.
            let own = By::Passkey(key.answer(&challenge));
            assert!(server.second_step(&HalfOpen::Program(challenge), &own).await.is_ok());
        }
        let sessions = body_of(server.ask("GET", "/user/sessions", &token, None).await).await;
        let sessions = sessions["sessions"].as_array().expect("a list");
        assert!(
            sessions.iter().any(|one| one["amr"] == json!(["pwd", "hwk", "mfa"])),
            "{sessions:?}"
        );
    }
}

#[tokio::test]
async fn a_passkey_alone_is_fresh_proof() {
    let server = TestServer::start().await;
    let (key, token) = account_with(&server, "alice").await;
    let challenge = server.passkey_challenge().await;
    let body = json!({"credential": key.answer(&challenge)});
    let confirmed = server.confirm_json(&token, &body).await;
    assert_eq!(confirmed.status(), StatusCode::OK);
    let fresh = text(&body_of(confirmed).await["accessToken"]).to_owned();
    let codes = server.ask("POST", "/user/recovery-codes", &fresh, None).await;
    assert_eq!(codes.status(), StatusCode::OK);

    let challenge = server.passkey_challenge().await;
    let half = server.first_step(Via::Form, "alice").await;
    server.second_step(&half, &By::Passkey(key.answer(&challenge))).await.expect("signed in");
    let HalfOpen::Browser(browser) = half else { panic!("a browser") };
    let challenge = server.passkey_challenge().await;
    let credential = key.answer(&challenge).to_string();
    let fields = [("credential", &*credential), ("next", "/account/security")];
    let done = browser.send("/confirm?next=%2Faccount%2Fsecurity", "/api/confirm", &fields).await;
    assert_eq!(done.headers()["location"], "/account/security");
}

#[tokio::test]
async fn a_confirmation_without_the_passkey_says_what_is_missing() {
    let server = TestServer::start().await;
    let browser = Browser::signed_up(&server, "alice").await;
    let token = server.token("alice").await;
    server.add_passkey(&token, &Authenticator::new(&origin(&server))).await;
    let page = "/confirm?next=%2Faccount%2Fsecurity";
    let refused = browser.submit(page, "/api/confirm", &[("password", PASSWORD)]).await;
    assert!(refused.says("This account needs a second step, too."), "{refused:?}");
}

#[tokio::test]
async fn many_removals_at_once_hold_nobody_up() {
    let server = TestServer::start().await;
    let (_, token) = account_with(&server, "alice").await;
    let path = "/user/passkeys/unknown";
    let all = (0..40).map(|_| server.ask("DELETE", path, &token, None));
    for answer in futures_util::future::join_all(all).await {
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn the_passkeys_of_others_do_not_exist() {
    let server = TestServer::start().await;
    let (_, alice) = account_with(&server, "alice").await;
    let (of_bob, bob) = account_with(&server, "bob").await;
    for id in [&*of_bob.id(), "x", "%2e%2e"] {
        let path = format!("/user/passkeys/{id}");
        let renamed = server.ask("PATCH", &path, &alice, Some(&json!({"name": "mine"}))).await;
        assert_eq!(renamed.status(), StatusCode::NOT_FOUND, "{id} (AZ-02)");
        assert_eq!(server.ask("DELETE", &path, &alice, None).await.status(), 404, "{id}");
    }
    assert_eq!(text(&list(&server, &bob).await[0]["name"]), "My key");
}

#[tokio::test]
async fn the_last_way_in_stays_also_if_it_is_removed_twice_at_once() {
    for via in WAYS {
        let server = TestServer::start().await;
        let (key, token) = account_with(&server, "alice").await;
        let second = Authenticator::new(&origin(&server));
        server.add_passkey(&token, &second).await;
        server.db_execute("DELETE FROM passwords").await;
        let browser = Browser::new(&server);
        let challenge = server.passkey_challenge().await;
        let credential = key.answer(&challenge).to_string();
        let fields = [("challenge", &*challenge), ("credential", &*credential)];
        let entered = browser.send("/signin", "/api/sign_in_by_passkey", &fields).await;
        assert_eq!(entered.status(), StatusCode::SEE_OTHER);
        match via {
            Via::Json => {
                let paths = [key.id(), second.id()].map(|id| format!("/user/passkeys/{id}"));
                let remove = |path| server.ask("DELETE", path, &token, None);
                let (one, other) = tokio::join!(remove(&paths[0]), remove(&paths[1]));
                let mut statuses = [one.status().as_u16(), other.status().as_u16()];
                statuses.sort_unstable();
                assert_eq!(statuses, [204, 400]);
            }
            Via::Form => {
                let page = browser.page("/account/security").await;
                let token = form_token(&page);
                let remove = async |id: &str| {
                    let fields = [("form_token", &*token), ("id", id)];
                    browser.post("/api/remove_passkey", &fields).await.status()
                };
                assert_eq!(remove(&key.id()).await, StatusCode::SEE_OTHER);
                assert_eq!(remove(&second.id()).await, StatusCode::SEE_OTHER);
                let page = browser.page("/account/security").await;
                assert!(page.contains("your only way in"));
            }
        }
        assert_eq!(server.db_count("SELECT COUNT(*) FROM passkeys").await, 1);
    }
}

#[tokio::test]
async fn an_address_can_be_removed_while_a_passkey_is_left() {
    let (server, mailbox) = with_mail().await;
    server.verified(&mailbox, "alice").await;
    let token = server.token("alice").await;
    let key = Authenticator::new(&origin(&server));
    server.add_passkey(&token, &key).await;
    server.db_execute("DELETE FROM passwords").await;
    assert_eq!(server.ask("DELETE", "/user/email", &token, None).await.status(), 204);
    let path = format!("/user/passkeys/{}", key.id());
    let removed = server.ask("DELETE", &path, &token, None).await;
    assert_eq!(body_of(removed).await["errors"][0]["code"], "last-way-in");
}

#[tokio::test]
async fn there_are_at_most_twenty_passkeys() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let token = server.token("alice").await;
    for _ in 0..20 {
        server.add_passkey(&token, &Authenticator::new(&origin(&server))).await;
    }
    let key = Authenticator::new(&origin(&server));
    let challenge = text(&server.creation_options(&token).await["challenge"]).to_owned();
    let body = json!({"challenge": challenge, "credential": key.register(&challenge)});
    let refused = server.ask("POST", "/user/passkeys", &token, Some(&body)).await;
    assert_eq!(body_of(refused).await["errors"][0]["code"], "too-many");
}

#[tokio::test]
async fn a_disabled_account_is_refused_with_its_passkey_too() {
    for via in WAYS {
        let server = TestServer::start().await;
        let (key, token) = account_with(&server, "alice").await;
        let id = server.account_of(&token).await["id"].as_i64().expect("an id");
        let store = &server.running.state.store;
        let account = latchkey::domain::AccountId(id);
        latchkey::accounts::set_disabled(
            store,
            &latchkey::audit::Authority::command_line(),
            account,
            true,
        )
        .await
        .expect("disabled");
        let challenge = server.passkey_challenge().await;
        let refused = sign_in(&server, via, &challenge, &key.answer(&challenge)).await;
        assert_eq!(refused, Err(StatusCode::BAD_REQUEST), "(AU-07)");
    }
}

#[tokio::test]
async fn a_stranger_who_guesses_passwords_keeps_nobody_from_a_passkey() {
    let server = TestServer::start_with(&[("THROTTLE_ACCOUNT", "2/1h")]).await;
    let (key, _) = account_with(&server, "alice").await;
    for _ in 0..4 {
        assert!(!server.sign_in(Via::Json, "alice", "wrong wrong wrong").await.is_accepted());
    }
    let challenge = server.passkey_challenge().await;
    let answer = key.answer(&challenge);
    assert!(sign_in(&server, Via::Json, &challenge, &answer).await.is_ok(), "(AU-05)");
}

#[tokio::test]
async fn passkeys_of_another_address_are_warned_of_and_lock_nobody_out() {
    let server = TestServer::start().await;
    let (key, _) = account_with(&server, "alice").await;
    let folder = tempfile::tempdir().expect("a folder");
    let check = |url: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_latchkey"));
        command.env_clear().current_dir(folder.path()).arg("check");
        command.env("DATABASE_URL", &server.database_url).env("JWT_SECRET", SECRET);
        command.env("PUBLIC_URL", url);
        said(&command.output().expect("it ran"))
    };
    let told = check("https://accounts.example.org");
    assert!(told.contains("made for another PUBLIC_URL (1)"), "{told}");
    assert!(
        !check(&server.origin().replace("127.0.0.1", "localhost")).contains("another PUBLIC_URL")
    );
    let moved = [("DATABASE_URL", &*server.database_url), ("PUBLIC_URL", "http://127.0.0.1:3000")];
    let moved = TestServer::start_with(&moved).await;
    let challenge = moved.passkey_challenge().await;
    let refused = sign_in(&moved, Via::Json, &challenge, &key.answer(&challenge)).await;
    assert_eq!(refused, Err(StatusCode::BAD_REQUEST));
    assert!(moved.sign_in(Via::Json, "alice", PASSWORD).await.is_accepted(), "no trap");
}

#[tokio::test]
async fn password_managers_find_where_passkeys_are_kept() {
    let server = TestServer::start().await;
    let answer = program().get(server.url("/.well-known/passkey-endpoints")).send().await;
    let answer = answer.expect("an answer");
    assert!(answer.headers()["content-type"].to_str().expect("text").contains("application/json"));
    let endpoints = body_of(answer).await;
    let origin = origin(&server);
    assert_eq!(endpoints["enroll"], format!("{origin}/account/security/passkey"));
    assert_eq!(endpoints["manage"], format!("{origin}/account/security"));
}

#[tokio::test]
async fn a_passkey_is_offered_after_a_password_until_that_is_declined() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let browser = Browser::signed_in(&server, "alice").await;
    let offer = "Sign in with your fingerprint next time?";
    assert!(browser.page("/profile").await.contains(offer));
    assert!(!browser.page("/profile").await.contains(offer), "once");
    let declined = browser.submit("/profile", "/api/decline_passkey_offer", &[]).await;
    assert!(declined.is_accepted());
    let browser = Browser::signed_in(&server, "alice").await;
    assert!(!browser.page("/profile").await.contains(offer), "for good");
}
