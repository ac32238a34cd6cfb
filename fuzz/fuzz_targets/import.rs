#![no_main]

use latchkey::{
    accounts::import::{ImportRules, parse_line},
    passwords::to_be_kept,
};
use libfuzzer_sys::fuzz_target;

const RULES: ImportRules =
    ImportRules { skip_refused: false, map_usernames: true, allow_reserved: false, firebase: None };

fuzz_target!(|line: &[u8]| {
    if let Ok(account) = parse_line(1, line, &RULES)
        && let Some(written) = &account.password_hash
        && let Ok(hash) = to_be_kept(written, None)
    {
        assert!(
            to_be_kept(hash.expose(), None).is_ok(),
            "what is kept can be exported and imported"
        );
    }
    if let Ok(text) = std::str::from_utf8(line) {
        _ = to_be_kept(text, None);
    }
});
