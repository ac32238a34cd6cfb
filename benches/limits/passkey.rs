//! What a sign-in with a passkey costs beside the check of its signature.

use std::time::Instant;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair,
        UnparsedPublicKey,
    },
};
use serde_json::{Value, json};

use crate::{
    Run, authenticator::Authenticator, latchkey::Latchkey, report::Report, scenarios::folder,
};

/// Sign-ins per round.
const SIGN_INS: usize = 100;

pub(crate) async fn passkey(run: &Run, report: &mut Report) {
    let folder = folder();
    let latchkey = Latchkey::start(run, folder.path()).await;
    latchkey.sign_up("alice").await;
    let origin = latchkey.url.replace("127.0.0.1", "localhost");
    let key = Authenticator::new(&origin);
    let request = latchkey.with_token("/user/profile", "alice").await;
    let (_, bearer) = request.headers.first().expect("a token").clone();
    let client = reqwest::Client::new();
    let post = async |path: &str, body: &Value, bearer: Option<&str>| -> Value {
        let mut request = client.post(format!("{}{path}", latchkey.url)).json(body);
        if let Some(bearer) = bearer {
            request = request.header("authorization", bearer);
        }
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.expect("JSON")
    };
    let options = post("/user/passkeys/options", &json!({}), Some(&bearer)).await;
    let challenge = options["challenge"].as_str().expect("a challenge");
    let body = json!({"challenge": challenge, "credential": key.register(challenge)});
    post("/user/passkeys", &body, Some(&bearer)).await;

    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
    let message = [0; 69];
    let signature = pair.sign(&SystemRandom::new(), &message).expect("signed");
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, pair.public_key().as_ref());
    let (mut whole, mut checks) = (Vec::new(), Vec::new());
    for _ in 0..run.rounds {
        let mut times = Vec::new();
        for _ in 0..SIGN_INS {
            let options = post("/auth/passkey/options", &json!({}), None).await;
            let challenge = options["challenge"].as_str().expect("a challenge");
            let body = json!({"challenge": challenge, "credential": key.answer(challenge)});
            let began = Instant::now();
            post("/auth/passkey", &body, None).await;
            times.push(began.elapsed().as_secs_f64() * 1000.0);
        }
        times.sort_by(f64::total_cmp);
        whole.push(times[SIGN_INS / 2]);
        let began = Instant::now();
        for _ in 0..SIGN_INS {
            public.verify(&message, signature.as_ref()).expect("right");
        }
        checks.push(began.elapsed().as_secs_f64() * 1000.0 / SIGN_INS as f64);
    }
    report.note("sign-in with a passkey", "ms", &whole);
    report.note("the check of an ES256 signature", "ms", &checks);
    let share: Vec<f64> = checks.iter().zip(&whole).map(|(check, whole)| check / whole).collect();
    report.note("its share of the sign-in", "", &share);
}
