use aws_lc_rs::hmac;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{platform::settings::Sources, settings::Settings};

const SECRET: &str = "6f1c9c1e5b0a4a1f8d2e7c3b9a0f5e4d";
const PREVIOUS: &str = "d4e5f0a9b3c7e2d8f1a4a0b5e1c9c1f6";

fn sessions(settings: &[(&str, &str)]) -> Tokens {
    let mut all = vec![("JWT_SECRET", SECRET)];
    all.extend(settings);
    let settings = Settings::read(&Sources::of(&all)).expect("good settings");
    let secret = settings.keys.secret.clone().expect("a secret");
    let (sessions, previous) = (&settings.sessions, settings.keys.previous.as_ref());
    Tokens::new(sessions, &settings.web.public_url_at(3000), &secret, previous, None)
}

fn visit() -> Visit {
    Visit {
        address: None,
        device: String::new(),
        request_id: Default::default(),
        known_device: None,
        visitor: None,
        language: "en",
        session_reference: String::new(),
    }
}

fn sign(header: &Value, claims: &Value, secret: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(header), part(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, text.as_bytes())))
}

fn good() -> (Value, Value) {
    let now = now();
    (
        json!({"typ": "at+jwt", "alg": "HS256"}),
        json!({"iss": "http://localhost:3000", "aud": "latchkey-api", "sub": "7", "sid": "s",
               "jti": "j", "iat": now, "exp": now + 900}),
    )
}

#[test]
fn a_token_reads_back_as_its_own_kind_only() {
    let sessions = sessions(&[]);
    for (kind, other) in [
        (SessionKind::Browser { remembered: false }, Carrier::Program),
        (SessionKind::Program { refresh: false }, Carrier::Browser),
        (SessionKind::Program { refresh: true }, Carrier::Browser),
    ] {
        let carrier = kind.carrier();
        let session = sessions.begin(kind, AccountId(7), &visit()).expect("a session");
        let (token, _) = sessions.make(&session).expect("a token");
        let proof = sessions.read(carrier, &token).expect("a good token");
        assert_eq!(
            proof,
            VerifiedToken { carrier, session: session.id.into(), account: AccountId(7) }
        );
        assert_eq!(sessions.read(other, &token), None);
    }
}

#[test]
fn a_token_made_elsewhere_with_the_same_key_is_read() {
    let (header, claims) = good();
    assert!(sessions(&[]).read(Carrier::Program, &sign(&header, &claims, SECRET)).is_some());
}

#[test]
fn the_previous_secret_is_accepted_and_never_signs() {
    let (header, claims) = good();
    let rotated = sessions(&[("JWT_SECRET_PREVIOUS", PREVIOUS)]);
    assert!(rotated.read(Carrier::Program, &sign(&header, &claims, PREVIOUS)).is_some());
    assert!(sessions(&[]).read(Carrier::Program, &sign(&header, &claims, PREVIOUS)).is_none());
    let kind = SessionKind::Program { refresh: false };
    let session = rotated.begin(kind, AccountId(7), &visit()).expect("a session");
    let (token, _) = rotated.make(&session).expect("a token");
    assert!(sessions(&[]).read(Carrier::Program, &token).is_some());
}

#[test]
fn a_header_that_is_not_exactly_ours_is_refused() {
    let (_, claims) = good();
    for header in [
        json!({"alg": "HS256"}),
        json!({"alg": "HS256", "typ": "JWT"}),
        json!({"alg": "HS256", "typ": "session+jwt"}),
        json!({"alg": "none", "typ": "at+jwt"}),
        json!({"alg": "", "typ": "at+jwt"}),
        json!({"alg": "HS512", "typ": "at+jwt"}),
        json!({"alg": "RS256", "typ": "at+jwt"}),
        json!({"alg": "HS256", "typ": "at+jwt", "kid": "../../dev/null"}),
        json!({"alg": "HS256", "typ": "at+jwt", "crit": ["x"], "x": 1}),
        json!({"alg": "HS256", "typ": "at+jwt", "crit": ["b64"], "b64": false}),
        json!({"alg": "HS256", "typ": "at+jwt", "zip": "DEF"}),
        json!({"alg": "HS256", "typ": "at+jwt", "cty": "JWT"}),
        json!({"alg": "HS256", "typ": "at+jwt", "jku": "http://127.0.0.1:1/"}),
        json!({"alg": "HS256", "typ": "at+jwt", "jwk": {"kty": "oct", "k": "eA"}}),
    ] {
        let token = sign(&header, &claims, SECRET);
        assert_eq!(sessions(&[]).read(Carrier::Program, &token), None, "{header}");
    }
}

#[test]
fn a_claim_that_is_missing_or_odd_is_refused() {
    let (header, claims) = good();
    let now = now();
    for name in ["iss", "aud", "sub", "sid", "jti", "iat", "exp"] {
        let mut claims = claims.clone();
        claims.as_object_mut().expect("an object").remove(name);
        assert_eq!(
            sessions(&[]).read(Carrier::Program, &sign(&header, &claims, SECRET)),
            None,
            "no {name}"
        );
    }
    for (name, value) in [
        ("exp", json!(now - 1)),
        ("exp", json!(now.to_string())),
        ("exp", json!(null)),
        ("exp", json!(-1)),
        ("exp", json!(1e300)),
        ("exp", json!(2_u64.pow(53))),
        ("exp", json!(u64::MAX)),
        ("exp", json!(now + 901)),
        ("iat", json!(now + 60)),
        ("iat", json!(i64::MIN)),
        ("nbf", json!(now + 60)),
        ("iss", json!("http://localhost:3001")),
        ("iss", json!(["http://localhost:3000"])),
        ("aud", json!("latchkey-browser")),
        ("aud", json!(["latchkey-api"])),
        ("aud", json!(1)),
        ("sub", json!(7)),
        ("sub", json!("alice")),
        ("sid", json!(1)),
        ("jti", json!("")),
        ("role", json!("admin")),
    ] {
        let mut claims = claims.clone();
        claims[name] = value.clone();
        let token = sign(&header, &claims, SECRET);
        assert_eq!(sessions(&[]).read(Carrier::Program, &token), None, "{name}: {value}");
    }
}

#[test]
fn a_token_in_another_spelling_is_refused() {
    let (header, claims) = good();
    let token = sign(&header, &claims, SECRET);
    let (text, signature) = token.rsplit_once('.').expect("three parts");
    // The last two bits of 43 characters are not used, so the next letter means the same bytes.
    let (start, last) = signature.split_at(signature.len() - 1);
    let other_spelling = format!("{start}{}", char::from(last.as_bytes()[0] + 1));
    let double = |json: &str| {
        let text = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(json)
        );
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, text.as_bytes())))
    };
    for bad in [
        String::new(),
        "..".into(),
        format!("{token}="),
        format!(" {token}"),
        format!("{token} "),
        format!("\u{feff}{token}"),
        format!("{text}."),
        text.to_owned(),
        format!("{token}.x"),
        format!("{text}.{other_spelling}"),
        sign(&header, &claims, PREVIOUS),
        double(&claims.to_string().replace("\"exp\"", "\"exp\":1,\"exp\"")),
        double(&format!("{}{}", "[".repeat(2000), "]".repeat(2000))),
        "x".repeat(1 << 20),
    ] {
        assert_eq!(
            sessions(&[]).read(Carrier::Program, &bad),
            None,
            "{}",
            bad.get(..80).unwrap_or(&bad)
        );
    }
}

proptest! {
    #[test]
    fn no_text_that_we_have_not_signed_is_a_token(text in any::<String>()) {
        prop_assert_eq!(sessions(&[]).read(Carrier::Program, &text), None);
    }
}
