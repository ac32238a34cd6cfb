#![no_main]

use std::sync::LazyLock;

use axum::http::{HeaderMap, HeaderValue};
use latchkey::{
    platform::settings::Sources,
    settings::Settings,
    texts::Language,
    web::{client, cookies::Cookies, next::safe_next, settings::ForwardedHeader},
};
use libfuzzer_sys::fuzz_target;

static SETTINGS: LazyLock<Settings> = LazyLock::new(|| {
    let sources = Sources::of(&[("TRUSTED_PROXIES", "10.0.0.0/8")]);
    Settings::read(&sources).unwrap_or_else(|_| panic!("good settings"))
});

fuzz_target!(|bytes: &[u8]| {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(bytes) {
        for name in ["cookie", "forwarded", "x-forwarded-for"] {
            headers.insert(name, value.clone());
        }
    }
    let cookies = Cookies::new(&SETTINGS.web.public_url_at(3000));
    _ = (cookies.session(&headers), cookies.visitor(&headers), cookies.device(&headers));
    let peer = "10.0.0.1".parse().expect("an address");
    for header in [ForwardedHeader::Either, ForwardedHeader::Forwarded] {
        _ = client::address(peer, &headers, &SETTINGS.web.trusted_proxies, header);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        _ = Language::accepted(text);
        let next = safe_next(text);
        assert!(next.starts_with('/') && !next.starts_with("//") && !next.starts_with("/\\"));
        assert!(HeaderValue::try_from(next).is_ok());
    }
});
