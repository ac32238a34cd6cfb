#![no_main]

use latchkey::server::{operator::parse_line, passwords::check_stored};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &[u8]| {
    if let Ok(account) = parse_line(1, line) {
        assert!(check_stored(&account.password_hash).is_ok());
    }
    if let Ok(text) = std::str::from_utf8(line) {
        _ = check_stored(text);
    }
});
