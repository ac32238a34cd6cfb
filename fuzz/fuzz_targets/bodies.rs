#![no_main]

use axum::http::{HeaderMap, HeaderValue, header};
use latchkey::{domain::{PasswordPolicy, SignInForm, SignUpForm}, web::json::strict};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let Ok(mut members) = strict::object(&headers, body) else { return };
    let mut field = |name: &str| strict::string(&mut members, name);
    let form = SignUpForm {
        username: field("username"),
        password: field("password"),
        full_name: field("fullName"),
    };
    _ = form.parse(PasswordPolicy { min_length: 8 });
    _ = SignInForm { username: form.username, password: form.password }.parse();
    _ = strict::flag(&mut members, "refresh");
});
