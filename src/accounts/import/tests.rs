use proptest::prelude::*;

use super::{line::MAX_LINE, *};

const HASH: &str = "$2b$10$24d..m51fODhn2omaj1zb.ccIUOsurqqQaX4KNCaiCtYX9ANUlyDG";

#[test]
fn a_line_is_taken_with_or_without_what_may_be_missing() {
    let line = format!(r#"{{"username":"Zoë","fullName":"Z","passwordHash":"{HASH}"}}"#);
    let rules = ImportRules::default();
    let account = parse_line(3, line.as_bytes(), &rules).expect("an account");
    assert_eq!(account.username.typed(), "Zoë");
    let line = format!(
        r#"{{"id":7,"username":"bob","fullName":"B","passwordHash":"{HASH}","createdAt":9,"disabledAt":10}}"#
    );
    let account = parse_line(1, line.as_bytes(), &rules).expect("an account");
    assert_eq!((account.id.0, account.created_at, account.disabled_at), (7, 9, Some(10)));
}

#[test]
fn each_bad_line_is_refused_for_its_reason_and_the_reason_does_not_hold_it() {
    let line = |username: &str, full_name: &str, hash: &str, more: &str| {
        format!(
            r#"{{"username":"{username}","fullName":"{full_name}","passwordHash":"{hash}"{more}}}"#
        )
    };
    for (line, reason) in [
        ("canary".to_owned(), "is not JSON, from column 1 on"),
        ("{\"username\":\"canary".to_owned(), "is not JSON"),
        ("[]".to_owned(), "must have"),
        (r#"{"username":"c"}"#.to_owned(), "must have fullName"),
        (r#"{"username":"canary","fullName":null}"#.to_owned(), "of the right types"),
        (line("canary", "B", HASH, r#","fullName":"C""#), "must have"),
        (line("canary", "B", HASH, r#","username":"other""#), "must have"),
        (r#"{"fullName":"canary"}"#.to_owned(), "must have username"),
        (r#"{"username":7,"fullName":"canary"}"#.to_owned(), "of the right types"),
        (line("a", "B", HASH, ""), "at least 3"),
        (line("admin", "B", HASH, ""), "reserved"),
        (line("alice", "", HASH, ""), "full name"),
        (line("alice", "B", "{canary}", ""), "passwordHash"),
        (line("alice", "B", HASH, r#","id":0"#), "id must"),
        (line("alice", "B", HASH, r#","id":9007199254740992"#), "id must"),
        (line("alice", "B", HASH, r#","createdAt":99999999999"#), "future"),
        (line("alice", "B", HASH, r#","role":"canary""#), "nothing else"),
        (line("alice", &"x".repeat(17_000), HASH, ""), "16 KiB"),
    ] {
        let rules = ImportRules::default();
        let refused = parse_line(5, line.as_bytes(), &rules);
        let refused = refused.err().unwrap_or_else(|| panic!("{line}"));
        assert!(refused.number == 5 && refused.reason.contains(reason), "{refused:?}");
        assert!(!refused.reason.contains("canary") && !refused.reason.contains("$2b$"));
    }
}

#[test]
fn lines_are_numbered_as_an_editor_does() {
    let long = "x".repeat(40_000);
    let text = format!("\u{feff}a\r\n\n  \nb\n{long}\nc");
    let read: Vec<_> = lines(text.as_bytes()).map(|line| line.expect("a line")).collect();
    let numbers: Vec<_> = read.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [1, 4, 5, 6]);
    assert_eq!((&*read[0].1, &*read[1].1, &*read[3].1), (&b"a"[..], &b"b"[..], &b"c"[..]));
    assert!(read[2].1.len() > MAX_LINE);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for line in lines(&bytes[..]) {
            let (number, line) = line.expect("memory");
            let _ = parse_line(number, &line, &ImportRules::default());
        }
    }
}
