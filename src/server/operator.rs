//! What an operator does to accounts, from the command line, also while the server runs: bring them
//! along, take them out, look, disable, delete, give a link. (Only an import of many accounts keeps
//! others from writing while it is written.)
//!
//! # The lines of an import
//!
//! NDJSON: an object a line, with `username`, `fullName` and `passwordHash`, and if they are known
//! `id` (a positive integer below 2^53), `createdAt`, `disabledAt` and `deleteAt` (seconds since
//! 1970, UTC).
//! `export` writes the same. Every line is read before the first account is added, and all of them
//! are added in one transaction.

use std::{
    collections::HashMap,
    io::{BufRead, Write},
};

use serde::{Deserialize, Serialize};

use super::{
    audit::{Act, By, Event, Verifier, sha256},
    clock::now,
    error::Fault,
    passwords, random,
    store::{AccountRecord, ImportedAccount, Store},
};
use crate::{
    domain::{AccountId, Field, FieldError, FullName, Username, UsernameKey},
    texts::Language,
};

/// The longest line, in bytes: nothing longer can be right.
const MAX_LINE: usize = 16 * 1024;

/// How many refused lines are told one by one.
pub const MAX_TOLD: usize = 1000;

/// How long a link for setting a password holds, in seconds.
pub const LINK_TTL: i64 = 24 * 3600;

/// How many rows are read from the database at once.
const PAGE: i64 = 500;

/// An account as it stands on a line. Times are seconds since 1970, UTC.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Line {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
    username: String,
    full_name: String,
    password_hash: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    disabled_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delete_at: Option<i64>,
}

/// A line that cannot be taken, and why. The reason never holds what stands there.
#[derive(Debug, PartialEq, Eq)]
pub struct RefusedLine {
    pub number: u64,
    pub reason: String,
}

/// Reads one line of an import.
pub fn parse_line(number: u64, line: &[u8]) -> Result<ImportedAccount, RefusedLine> {
    let refuse = |reason: String| RefusedLine { number, reason };
    if line.len() > MAX_LINE {
        return Err(refuse("is longer than 16 KiB".to_owned()));
    }
    let line: Line = serde_json::from_slice(line).map_err(|error| refuse(why_no_line(&error)))?;
    let field = |field: Field| {
        move |code| refuse(Language::English.field_error(&FieldError { field, code }))
    };
    let username = Username::parse(&line.username).map_err(field(Field::Username))?;
    let full_name = FullName::parse(&line.full_name).map_err(field(Field::FullName))?;
    passwords::check_stored(&line.password_hash)
        .map_err(|reason| refuse(format!("passwordHash {reason}")))?;
    let id = match line.id {
        Some(id @ 1..=9_007_199_254_740_991) => AccountId(id),
        Some(_) => return Err(refuse("id must be a positive integer below 2^53".to_owned())),
        None => random::account_id().map_err(|_| refuse("there is no randomness".to_owned()))?,
    };
    let is_time = |time: i64| (0..=now()).contains(&time);
    let is_near = |time: i64| (0..=now() + 3650 * 24 * 3600).contains(&time);
    if ![line.created_at, line.disabled_at].into_iter().flatten().all(is_time) {
        return Err(refuse("a time must be seconds since 1970, and not in the future".to_owned()));
    }
    if !line.delete_at.is_none_or(is_near) {
        return Err(refuse("deleteAt must be seconds since 1970, within ten years".to_owned()));
    }
    Ok(ImportedAccount {
        line: number,
        id,
        username,
        full_name,
        password_hash: line.password_hash,
        created_at: line.created_at.unwrap_or_else(now),
        disabled_at: line.disabled_at,
        delete_at: line.delete_at,
    })
}

/// The kind of error, and never the text: it may be part of a hash.
fn why_no_line(error: &serde_json::Error) -> String {
    match error.classify() {
        serde_json::error::Category::Data => {
            "must have username, fullName and passwordHash, of the right types, and nothing else \
             but id, createdAt, disabledAt and deleteAt"
                .to_owned()
        }
        _ => format!("is not JSON, from column {} on", error.column()),
    }
}

/// What became of an import.
pub struct Imported {
    pub added: u64,
    /// In the order of their lines. If there are any, nothing was added, unless they were to be
    /// skipped.
    pub refused: Vec<RefusedLine>,
}

/// Adds the accounts of a file. `open` opens it anew each time: it is read twice, so that a long one
/// need not be kept in memory. `progress` is told what is being done, and how many are.
pub async fn import<R: BufRead + Send>(
    store: &Store,
    open: impl Fn() -> std::io::Result<R>,
    skip: bool,
    mut progress: impl FnMut(&str, u64) + Send,
) -> Result<Imported, Fault> {
    let mut refused = Vec::new();
    let mut first: HashMap<String, u64> = HashMap::new();
    let mut good = 0;
    for line in lines(open().map_err(Fault::internal)?) {
        let (number, line) = line.map_err(Fault::internal)?;
        match parse_line(number, &line) {
            Ok(account) => {
                let key = account.username.key().as_str().to_owned();
                if let Some(first) = first.get(&key) {
                    let reason = format!("has the username of line {first}");
                    refused.push(RefusedLine { number, reason });
                } else {
                    first.insert(key, number);
                    good += 1;
                }
            }
            Err(line) => refused.push(line),
        }
        if number % 1000 == 0 {
            progress("checked", number);
        }
    }
    drop(first);
    if !refused.is_empty() && !skip {
        return Ok(Imported { added: 0, refused });
    }
    let bad: std::collections::HashSet<u64> = refused.iter().map(|line| line.number).collect();
    let accounts = lines(open().map_err(Fault::internal)?).filter_map(|line| {
        let (number, line) = match line {
            Ok(line) => line,
            Err(error) => return Some(Err(Fault::internal(error))),
        };
        if bad.contains(&number) {
            return None;
        }
        let changed = |_| Fault::internal("the file was changed while it was read");
        Some(parse_line(number, &line).map_err(changed))
    });
    let taken = store.import(accounts, skip, now(), |done| progress("added", done)).await?;
    let added = if taken.is_empty() || skip { good - taken.len() as u64 } else { 0 };
    refused.extend(taken.into_iter().map(|number| RefusedLine {
        number,
        reason: "has a username that is taken, or looks like one, or an id that is".to_owned(),
    }));
    refused.sort_by_key(|line| line.number);
    Ok(Imported { added, refused })
}

/// The lines of a file, numbered from 1, without the empty ones. One that is too long is cut off
/// behind what is too long.
fn lines<R: BufRead>(mut reader: R) -> impl Iterator<Item = std::io::Result<(u64, Vec<u8>)>> {
    let mut number = 0;
    std::iter::from_fn(move || {
        loop {
            let mut line = Vec::new();
            let most = MAX_LINE as u64 + 2;
            let read = std::io::Read::take(&mut reader, most).read_until(b'\n', &mut line);
            match read {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => return Some(Err(error)),
            }
            number += 1;
            if line.last() == Some(&b'\n') {
                line.pop();
            } else if line.len() as u64 == most
                && let Err(error) = reader.skip_until(b'\n')
            {
                return Some(Err(error));
            }
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            // A byte order mark is what some programs begin a file with.
            if number == 1 && line.starts_with(b"\xef\xbb\xbf") {
                line.drain(..3);
            }
            if !line.iter().all(u8::is_ascii_whitespace) {
                return Some(Ok((number, line)));
            }
        }
    })
}

/// Writes all accounts, in the lines of an import. Tells how many.
pub async fn export(store: &Store, mut to: impl Write) -> Result<u64, Fault> {
    let (mut last, mut count) = (0, 0);
    loop {
        let records = store.records_after(last, PAGE).await?;
        let Some(end) = records.last().map(|record| record.id) else { return Ok(count) };
        last = end;
        count += records.len() as u64;
        for record in records {
            let line = Line {
                id: Some(record.id),
                username: record.username,
                full_name: record.full_name,
                password_hash: record.password_hash,
                created_at: Some(record.created_at),
                disabled_at: record.disabled_at,
                delete_at: record.delete_at,
            };
            serde_json::to_writer(&mut to, &line).map_err(Fault::internal)?;
            to.write_all(b"\n").map_err(Fault::internal)?;
        }
    }
}

/// The account with this name, in any spelling of it.
pub async fn find(store: &Store, name: &str) -> Result<Option<AccountRecord>, Fault> {
    match UsernameKey::find(name) {
        Some(key) => store.record_of(&key).await,
        None => Ok(None),
    }
}

pub async fn set_disabled(
    store: &Store,
    account: AccountId,
    disabled: bool,
) -> Result<bool, Fault> {
    let act = if disabled { Act::Disabled } else { Act::Enabled };
    let event = Event::without_request(By::Operator, act, Some(account), now());
    Ok(store.set_disabled(account, disabled, &event).await?.is_some())
}

/// Deletes an account for good, now.
pub async fn delete(store: &Store, account: AccountId) -> Result<bool, Fault> {
    let event = Event::without_request(By::Operator, Act::Deleted, None, now());
    let deleted = store.delete_account(account, false, event).await?;
    store.erase().await?;
    Ok(deleted)
}

/// Ends all sessions of an account, and tells how many there were.
pub async fn end_sessions(store: &Store, account: AccountId) -> Result<usize, Fault> {
    let event = Event::without_request(By::Operator, Act::AllSessionsEnded, Some(account), now());
    Ok(store.end_sessions(account, "", &event).await?.sessions.len())
}

/// What a link for setting a password ends in. It is told once, and kept as a hash.
pub async fn password_link(store: &Store, account: AccountId) -> Result<String, Fault> {
    let link = random::token()?;
    let event = Event::without_request(By::Operator, Act::PasswordLinkMade, Some(account), now());
    store.insert_password_link(account, &sha256(&link), event.at + LINK_TTL, &event).await?;
    Ok(link)
}

/// Checks the whole audit trail, and tells how many rows there are and the hash of the last. A row
/// with the `expected` hash must be among them. `Err` within: what is wrong.
pub async fn verify_audit(
    store: &Store,
    expected: Option<String>,
) -> Result<Result<(i64, String), String>, Fault> {
    let (mut verifier, mut last) = (Verifier::expecting(expected), 0);
    loop {
        let rows = match store.events_after(last, PAGE).await {
            Ok(rows) => rows,
            // A row of which a column is of another kind spoils the page that it is on.
            Err(Fault::Internal(_)) => match store.events_after(last, 1).await {
                Ok(rows) => rows,
                Err(_) => {
                    let row = last + 1;
                    return Ok(Err(format!("row {row} is the first that cannot be read")));
                }
            },
            Err(fault) => return Err(fault),
        };
        let Some(end) = rows.last().map(|row| row.seq) else { return Ok(verifier.end()) };
        last = end;
        for row in &rows {
            if let Err(wrong) = verifier.row(row) {
                return Ok(Err(wrong));
            }
        }
    }
}

/// Writes the whole audit trail, a row a line. Tells how many.
pub async fn export_audit(store: &Store, mut to: impl Write) -> Result<u64, Fault> {
    let (mut last, mut count) = (0, 0);
    loop {
        let rows = store.events_after(last, PAGE).await?;
        let Some(end) = rows.last().map(|row| row.seq) else { return Ok(count) };
        last = end;
        count += rows.len() as u64;
        for row in &rows {
            serde_json::to_writer(&mut to, row).map_err(Fault::internal)?;
            to.write_all(b"\n").map_err(Fault::internal)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HASH: &str = "$2b$10$24d..m51fODhn2omaj1zb.ccIUOsurqqQaX4KNCaiCtYX9ANUlyDG";

    #[test]
    fn a_line_is_taken_with_or_without_what_may_be_missing() {
        let line = format!(r#"{{"username":"Zoë","fullName":"Z","passwordHash":"{HASH}"}}"#);
        let account = parse_line(3, line.as_bytes()).expect("an account");
        assert_eq!((account.line, account.username.typed()), (3, "Zoë"));
        let line = format!(
            r#"{{"id":7,"username":"bob","fullName":"B","passwordHash":"{HASH}","createdAt":9,"disabledAt":10}}"#
        );
        let account = parse_line(1, line.as_bytes()).expect("an account");
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
            (r#"{"username":"canary"}"#.to_owned(), "must have"),
            (line("a", "B", HASH, ""), "at least 3"),
            (line("admin", "B", HASH, ""), "reserved"),
            (line("alice", "", HASH, ""), "full name"),
            (line("alice", "B", "canary", ""), "passwordHash"),
            (line("alice", "B", HASH, r#","id":0"#), "id must"),
            (line("alice", "B", HASH, r#","id":9007199254740992"#), "id must"),
            (line("alice", "B", HASH, r#","createdAt":99999999999"#), "future"),
            (line("alice", "B", HASH, r#","role":"canary""#), "nothing else"),
            (line("alice", &"x".repeat(17_000), HASH, ""), "16 KiB"),
        ] {
            let refused = parse_line(5, line.as_bytes()).err().unwrap_or_else(|| panic!("{line}"));
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
                let _ = parse_line(number, &line);
            }
        }
    }
}
