//! The whole way of an app, from the authorization request to the tokens, in a session that is alive: beside
//! what the machine can sign, and beside npm's oidc-provider.
//!
//! Processor time is compared, not the rate: here the client runs on the same cores.

use std::{process::Stdio, sync::Arc, time::Instant};

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::join_all;
use reqwest::{Client, Url, header, redirect};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

use crate::{
    Run,
    latchkey::{Latchkey, PASSWORD},
    partners::cpu_time,
    report::{Goal, Report},
    scenarios::folder,
};

/// Flows per round, and how many at once.
const FLOWS: usize = 400;
const AT_ONCE: usize = 8;

const CALLBACK: &str = "https://app.example.org/callback";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// A client with a live session at a provider.
struct App {
    browser: Client,
    authorize: String,
    token: String,
    id: String,
    secret: String,
}

impl App {
    /// One flow: the code, and the tokens for it.
    async fn flow(&self) {
        let answer = self.browser.get(&self.authorize).send().await.expect("an answer");
        let back = answer.headers().get(header::LOCATION).expect("a redirect");
        let back = Url::parse(back.to_str().expect("text")).expect("a URL");
        let code = back.query_pairs().find(|(name, _)| name == "code");
        let (_, code) = code.unwrap_or_else(|| panic!("a code: {back}"));
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        let request = self.browser.post(&self.token).basic_auth(&self.id, Some(&self.secret));
        let answer = request.form(&fields).send().await.expect("an answer");
        let tokens: serde_json::Value = answer.json().await.expect("JSON");
        assert!(tokens["id_token"].is_string(), "{tokens}");
    }

    /// Runs many, and returns the processor time of the server for each, in milliseconds.
    async fn cost(self: &Arc<Self>, cpu: impl Fn() -> f64) -> f64 {
        let before = cpu();
        join_all((0..AT_ONCE).map(async |_| {
            for _ in 0..FLOWS / AT_ONCE {
                self.flow().await;
            }
        }))
        .await;
        (cpu() - before) * 1000.0 / FLOWS as f64
    }
}

fn browser() -> Client {
    let builder = Client::builder().redirect(redirect::Policy::none());
    builder.cookie_store(true).no_proxy().build().expect("a client")
}

fn authorize(at: &str, id: &str) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, VERIFIER.as_bytes()));
    let mut url = Url::parse(at).expect("a URL");
    url.query_pairs_mut()
        .append_pair("client_id", id)
        .append_pair("response_type", "code")
        .append_pair("redirect_uri", CALLBACK)
        .append_pair("scope", "openid profile")
        .append_pair("nonce", "nonce")
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256");
    url.into()
}

pub(crate) async fn openid(run: &Run, report: &mut Report) {
    let folder = folder();
    let latchkey = Latchkey::start(run, folder.path()).await;
    latchkey.sign_up("alice").await;
    let ours = Arc::new(ours(run, folder.path(), &latchkey).await);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/oidc-provider");
    let mut peer = Command::new("node")
        .arg("serve.js")
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("node");
    let mut lines = BufReader::new(peer.stdout.take().expect("its output")).lines();
    let issuer = loop {
        let line = lines.next_line().await.expect("read").expect("an address");
        if line.starts_with("http") {
            break line;
        }
    };
    let theirs = Arc::new(theirs(&issuer).await);

    // Warm, both.
    ours.cost(|| 0.0).await;
    theirs.cost(|| 0.0).await;
    let (mut own, mut signing, mut other) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..run.rounds {
        own.push(ours.cost(|| latchkey.cpu_time()).await);
        signing.push(sign());
        other.push(theirs.cost(|| cpu_time(&peer)).await);
    }
    report.note("an app's sign-in, processor time", "ms", &own);
    report.note("its two signatures alone (RS256, ES256)", "ms", &signing);
    report.note("the same of oidc-provider, in memory", "ms", &other);
    let ratio = |of: &[f64]| of.iter().zip(&own).map(|(of, own)| of / own).collect::<Vec<_>>();
    report.goal("share of the signatures", "", &ratio(&signing), Goal::AtLeast(0.7));
    report.goal("times as quick as oidc-provider", "", &ratio(&other), Goal::AtLeast(10.0));
}

async fn ours(run: &Run, folder: &std::path::Path, latchkey: &Latchkey) -> App {
    let added = Command::new(run.program.canonicalize().expect("the program"))
        .args(["app", "add", "App", "--json", "--redirect-uri", CALLBACK])
        .env("DATABASE_URL", format!("sqlite:{}", folder.join("latchkey.db").display()))
        .output()
        .await
        .expect("run");
    let added: serde_json::Value = serde_json::from_slice(&added.stdout).expect("JSON");
    let text = |name: &str| added[name].as_str().expect(name).to_owned();
    let browser = browser();
    let page = browser.get(format!("{}/signin", latchkey.url)).send().await.expect("an answer");
    let page = page.text().await.expect("a page");
    let token = page.split("name=\"form_token\" value=\"").nth(1).expect("a form");
    let token = token.split('"').next().expect("a token");
    let fields = [("form_token", token), ("username", "alice"), ("password", PASSWORD)];
    let request = browser.post(format!("{}/api/sign_in", latchkey.url)).form(&fields);
    let request = request.header(header::ORIGIN, &latchkey.url).header("accept", "text/html");
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), 303);
    let id = text("client_id");
    let authorize = authorize(&format!("{}/authorize", latchkey.url), &id);
    let known = async || browser.get(&authorize).send().await.expect("an answer").status() == 303;
    while !known().await {}
    let token = format!("{}/token", latchkey.url);
    App { authorize, token, secret: text("client_secret"), id, browser: browser.clone() }
}

/// Signs in at the provider's own pages, and agrees.
async fn theirs(issuer: &str) -> App {
    let browser = browser();
    let authorize = authorize(&format!("{issuer}/auth"), "app");
    let mut next = authorize.clone();
    loop {
        let answer = browser.get(&next).send().await.expect("an answer");
        let url = answer.url().clone();
        let to =
            answer.headers().get(header::LOCATION).map(|to| to.to_str().expect("text").to_owned());
        next = match to {
            Some(to) if to.starts_with(CALLBACK) => break,
            Some(to) => url.join(&to).expect("a URL").into(),
            None => {
                let page = answer.text().await.expect("a page");
                let prompt = if page.contains("value=\"login\"") { "login" } else { "consent" };
                let fields = [("prompt", prompt), ("login", "alice"), ("password", "any")];
                let sent = browser.post(url.clone()).form(&fields).send().await.expect("an answer");
                let to = sent.headers().get(header::LOCATION).expect("a redirect");
                url.join(to.to_str().expect("text")).expect("a URL").into()
            }
        };
    }
    App {
        browser,
        authorize,
        token: format!("{issuer}/token"),
        id: "app".to_owned(),
        secret: "0123456789abcdef0123456789abcdef".to_owned(),
    }
}

/// The time of the two signatures of a sign-in while every core signs, in milliseconds. The server never has
/// the machine to itself either: the client runs beside it.
fn sign() -> f64 {
    let cores = std::thread::available_parallelism().map_or(1, Into::into);
    let threads: Vec<_> = (0..cores).map(|_| std::thread::spawn(sign_alone)).collect();
    let times = threads.into_iter().map(|thread| thread.join().expect("signed"));
    times.sum::<f64>() / cores as f64
}

fn sign_alone() -> f64 {
    let der = aws_lc_rs::encoding::AsDer::as_der(
        &aws_lc_rs::rsa::KeyPair::generate(KeySize::Rsa2048).expect("a key"),
    );
    let rsa = RsaKeyPair::from_pkcs8(der.expect("a key").as_ref()).expect("a key");
    let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
    let (random, message) = (SystemRandom::new(), [7; 600]);
    let began = Instant::now();
    for _ in 0..FLOWS {
        let mut signature = vec![0; rsa.public_modulus_len()];
        rsa.sign(&RSA_PKCS1_SHA256, &random, &message, &mut signature).expect("signed");
        ec.sign(&random, &message).expect("signed");
    }
    began.elapsed().as_secs_f64() * 1000.0 / FLOWS as f64
}
