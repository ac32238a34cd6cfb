//! The ceremonies against the test vectors of WebAuthn Level 3 (section 16), and against noise.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// By name: a registration and an authentication with the same key, each field in hexadecimal.
type Vectors = BTreeMap<String, BTreeMap<String, BTreeMap<String, String>>>;

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("vectors.json")).expect("JSON")
}

fn home() -> RelyingParty {
    RelyingParty { id: "example.org".to_owned(), origin: "https://example.org".to_owned() }
}

/// From hexadecimal to base64url.
fn coded(fields: &BTreeMap<String, String>, name: &str) -> String {
    let bytes = fields[name].as_bytes().chunks(2);
    let byte = |pair: &[u8]| {
        u8::from_str_radix(std::str::from_utf8(pair).expect("text"), 16).expect("a byte")
    };
    URL_SAFE_NO_PAD.encode(bytes.map(byte).collect::<Vec<u8>>())
}

fn registration(fields: &BTreeMap<String, String>) -> Value {
    let id = coded(fields, "credential_id");
    json!({"id": id, "rawId": id, "type": "public-key", "response": {
        "clientDataJSON": coded(fields, "clientDataJSON"),
        "attestationObject": coded(fields, "attestationObject"),
        "transports": ["internal", "X"],
    }, "clientExtensionResults": {}})
}

fn register(fields: &BTreeMap<String, String>) -> Result<NewKey, Rejected> {
    let read = Registration::read(registration(fields))?;
    read.verify(&coded(fields, "challenge"), &home())
}

fn assertion(id: &str, fields: &BTreeMap<String, String>) -> Value {
    json!({"id": id, "type": "public-key", "response": {
        "clientDataJSON": coded(fields, "clientDataJSON"),
        "authenticatorData": coded(fields, "authenticatorData"),
        "signature": coded(fields, "signature"),
    }})
}

/// The UV flag of a vector is random.
fn is_verified(authenticator_data: &str) -> bool {
    let data = URL_SAFE_NO_PAD.decode(authenticator_data).expect("base64url");
    data[32] & 4 != 0
}

fn stored(key: &NewKey) -> Passkey {
    Passkey {
        id: key.id.clone(),
        account: AccountId(7),
        name: String::new(),
        created_at: 0,
        last_used_at: None,
        backup_eligible: key.backup_eligible,
        backed_up: key.backed_up,
        public_key: key.public_key.clone(),
        counter: key.counter,
        transports: key.transports.clone(),
    }
}

/// A registration whose user was verified, whatever the vector says.
fn with_uv(fields: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut fields = fields.clone();
    // `authData`, a byte string, and then the hash of example.org and the flags.
    let hash = "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b5";
    let object = fields["attestationObject"].clone();
    let flags = object.find(hash).expect("the hash") + hash.len();
    let byte = u8::from_str_radix(&object[flags..flags + 2], 16).expect("a byte") | 4;
    let object = format!("{}{byte:02x}{}", &object[..flags], &object[flags + 2..]);
    fields.insert("attestationObject".to_owned(), object);
    fields
}

#[test]
fn keys_of_the_vectors_are_read_and_their_signatures_verified() {
    let mut verified = 0;
    for name in ["es256", "self-es256", "long-id", "packed-es256", "rs256", "eddsa"] {
        let vectors = vectors();
        let vector = &vectors[name];
        let key = register(&with_uv(&vector["registration"])).expect(name);
        assert_eq!(key.transports, "internal", "{name}");
        let passkey = stored(&key);
        let fields = &vector["authentication"];
        let read = Assertion::read(assertion(&key.id, fields)).expect(name);
        let challenge = coded(fields, "challenge");
        assert_eq!(read.challenge().as_deref(), Some(&*challenge));
        let checked = read.verify(&passkey, &challenge, &home());
        if is_verified(&coded(fields, "authenticatorData")) {
            assert_eq!(checked.expect(name).counter, 0);
            verified += 1;
        } else {
            // The signature comes first, so it was right.
            let reason = checked.expect_err("the user was not verified");
            assert_eq!(reason, Rejected("the user was not verified"), "{name}");
        }
    }
    assert_eq!(verified, 2);
}

#[test]
fn a_changed_signature_is_refused() {
    for name in ["es256", "rs256", "eddsa"] {
        let vectors = vectors();
        let key = register(&with_uv(&vectors[name]["registration"])).expect(name);
        let mut fields = vectors[name]["authentication"].clone();
        let signature = fields["signature"].clone();
        let last = signature.len() - 2;
        let other = if signature.ends_with("00") { "01" } else { "00" };
        fields.insert("signature".to_owned(), format!("{}{other}", &signature[..last]));
        let read = Assertion::read(assertion(&key.id, &fields)).expect("JSON");
        let reason = read.verify(&stored(&key), &coded(&fields, "challenge"), &home());
        assert_eq!(reason.expect_err("refused"), Rejected("a wrong signature"), "{name}");
    }
}

#[test]
fn an_algorithm_that_we_did_not_ask_for_and_a_framed_page_are_refused() {
    let vectors = vectors();
    let reason = |name: &str| register(&with_uv(&vectors[name]["registration"])).expect_err(name);
    assert_eq!(reason("es384"), Rejected("an algorithm or a key that we don't take"));
    assert_eq!(reason("cross-origin"), Rejected("from a frame"));
    assert_eq!(reason("top-origin"), Rejected("from a frame"));
}

#[test]
fn a_registration_is_for_one_challenge_and_one_origin_and_one_relying_party() {
    let vectors = vectors();
    let fields = with_uv(&vectors["es256"]["registration"]);
    let challenge = coded(&fields, "challenge");
    let reason = |challenge: &str, home: &RelyingParty| {
        let read = Registration::read(registration(&fields)).expect("JSON");
        read.verify(challenge, home).expect_err("refused")
    };
    assert_eq!(reason("x", &home()), Rejected("another challenge"));
    let other = RelyingParty { origin: "https://www.example.org".to_owned(), ..home() };
    assert_eq!(reason(&challenge, &other), Rejected("another origin"));
    let other = RelyingParty { id: "www.example.org".to_owned(), ..home() };
    assert_eq!(reason(&challenge, &other), Rejected("another relying party"));
}

#[test]
fn the_names_of_providers_are_known() {
    assert_eq!(provider("ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4"), Some("Google Password Manager"));
    assert_eq!(provider("00000000-0000-0000-0000-000000000000"), None);
}

proptest! {
    #[test]
    fn any_attestation_object_is_read_without_a_panic(
        noise in proptest::collection::vec(any::<u8>(), 0..300),
        cut in 0_usize..400,
        flip in 0_usize..400,
    ) {
        let vectors = vectors();
        let fields = with_uv(&vectors["es256"]["registration"]);
        let good = URL_SAFE_NO_PAD.decode(coded(&fields, "attestationObject")).expect("bytes");
        let mut broken = good.clone();
        broken.truncate(cut);
        let mut flipped = good.clone();
        let place = flip % flipped.len();
        flipped[place] ^= 0x41;
        let longer = [good, noise.clone()].concat();
        for object in [noise, broken, flipped, longer] {
            let mut json = registration(&fields);
            json["response"]["attestationObject"] = URL_SAFE_NO_PAD.encode(object).into();
            let read = Registration::read(json).expect("JSON");
            let _ = read.verify(&coded(&fields, "challenge"), &home());
        }
    }

    #[test]
    fn any_json_is_read_without_a_panic(text in "\\PC{0,200}") {
        let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        let _ = Registration::read(value.clone());
        let _ = Assertion::read(value);
    }
}
