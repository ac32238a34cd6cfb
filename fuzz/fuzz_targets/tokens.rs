#![no_main]

use std::sync::LazyLock;

use latchkey::{domain::AccountId, platform::settings::{Settings, Sources}, keys::{Macs, Statement}, sessions::{refresh::RefreshToken, tokens::{Carrier, Sessions}}};
use libfuzzer_sys::fuzz_target;

static KEYS: LazyLock<(Sessions, Macs)> = LazyLock::new(|| {
    let sources = Sources::of(&[("JWT_SECRET", "6f1c9c1e5b0a4a1f8d2e7c3b9a0f5e4d")]);
    let settings = Settings::read(&sources).unwrap_or_else(|_| panic!("good settings"));
    let secret = settings.jwt_secret.clone().expect("a secret");
    let sessions = Sessions::new(&settings, &settings.public_url_at(3000), &secret);
    (sessions, Macs::new(&secret, None))
});

fuzz_target!(|text: &str| {
    let (sessions, macs) = &*KEYS;
    for carrier in [Carrier::Browser, Carrier::Program] {
        assert_eq!(sessions.read(carrier, text), None, "nobody knows the key");
    }
    for statement in [
        Statement::SessionForm(text),
        Statement::VisitorForm(text),
        Statement::Device(text, AccountId(7), text),
    ] {
        assert!(!macs.fits(statement, text), "nobody knows the key");
        assert!(macs.fits(statement, &macs.tag(statement)));
    }
    if let Some(token) = RefreshToken::parse(text) {
        assert!(token.open(text).is_err());
    }
});
