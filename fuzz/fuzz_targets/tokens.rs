#![no_main]

use std::sync::LazyLock;

use latchkey::{
    domain::AccountId,
    keys::{Keys, Sealed, Statement},
    platform::settings::Sources,
    sessions::{carrier::Carrier, refresh::RefreshToken, tokens::Tokens},
    settings::Settings,
};
use libfuzzer_sys::fuzz_target;

static KEYS: LazyLock<(Tokens, Keys)> = LazyLock::new(|| {
    let sources = Sources::of(&[("JWT_SECRET", "6f1c9c1e5b0a4a1f8d2e7c3b9a0f5e4d")]);
    let settings = Settings::read(&sources).unwrap_or_else(|_| panic!("good settings"));
    let secret = settings.keys.secret.clone().expect("a secret");
    let url = settings.web.public_url_at(3000);
    let tokens = Tokens::new(&settings.sessions, &url, &secret, None);
    (tokens, Keys::new(&secret, None).unwrap_or_else(|_| panic!("keys")))
});

fuzz_target!(|text: &str| {
    let (tokens, keys) = &*KEYS;
    for carrier in [Carrier::Browser, Carrier::Program] {
        assert!(tokens.read(carrier, text).is_none(), "nobody knows the key");
    }
    for statement in [
        Statement::SessionForm(text),
        Statement::VisitorForm(text),
        Statement::Device(text, AccountId(7), 1),
    ] {
        assert!(!keys.fits(statement, text), "nobody knows the key");
        assert!(keys.fits(statement, &keys.tag(statement)));
    }
    assert!(keys.open(Sealed::AfterSession(text), text).is_none(), "nobody knows the key");
    if let Some(token) = RefreshToken::parse(text) {
        assert!(token.open(text).is_err());
    }
});
