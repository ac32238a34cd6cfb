#![no_main]

use axum::http::{HeaderMap, HeaderValue, header};
use latchkey::{
    domain::{PasswordPolicy, ProfilePolicy, SignInForm, SignUpForm, profile},
    web::strict_json,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let Ok(mut members) = strict_json::object(&headers, body) else { return };
    let mut field = |name: &str| strict_json::string(&mut members, name);
    let form = SignUpForm {
        username: field("username"),
        password: field("password"),
        email: Some(field("email")),
        profile: profile::FIELDS.map(|known| field(known.field.name())),
    };
    _ = form.parse(PasswordPolicy { min_length: 8, service: "" }, ProfilePolicy::ALL);
    _ = SignInForm { username: form.username, password: form.password }.parse();
    _ = strict_json::flag(&mut members, "refresh");
});
