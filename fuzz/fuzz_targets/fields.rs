#![no_main]

use latchkey::domain::{FullName, Password, PasswordPolicy, Username, UsernameKey};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(name) = Username::parse(text) {
        assert!(Username::light(text).is_ok());
        assert_eq!(UsernameKey::find(text).as_ref(), Some(name.key()));
        assert_eq!(UsernameKey::find(name.key().as_str()).as_ref(), Some(name.key()));
    }
    if let Ok(name) = FullName::parse(text) {
        assert!(FullName::light(text).is_ok());
        assert_eq!(FullName::parse(&name.clone().into_text()), Ok(name));
    }
    let policy = PasswordPolicy { min_length: 8, service: "" };
    if let Ok(password) = Password::parse_new(text, policy, &["alice"]) {
        assert!(Password::light(text, policy).is_ok());
        let again = Password::parse(text).expect("what can sign up can sign in");
        assert_eq!(password.expose(), again.expose());
    }
});
