//! What an operator does to accounts, from the command line, also while the server runs: bring them
//! along, take them out, look, disable, delete, give a link. (Only an import of many accounts keeps
//! others from writing while it is written.)
//!
//! # The lines of an import
//!
//! NDJSON: an object a line, with `username` and `fullName`, and if they are known `passwordHash`,
//! `salt` (of Firebase), `id` (a positive integer below 2^53), `createdAt`, `disabledAt` and `deleteAt`
//! (seconds since 1970, UTC). `passwordHash` is a text, or a credential as Keycloak exports it.
//! `export` writes the same. Every line is read before the first account is added, and all of them
//! are added in one transaction.

mod keycloak;
mod usernames;

use std::{
    collections::HashMap,
    io::{BufRead, Write},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    audit::{Act, By, Event, Verifier, sha256},
    passwords::{self, FirebaseProject},
    platform::{clock::now, error::Fault, random},
    store::{AccountRecord, ImportedAccount, Store},
};
use crate::{
    domain::{AccountId, Code, Field, FieldError, FullName, Username, UsernameKey},
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    password_hash: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    salt: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    disabled_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delete_at: Option<i64>,
}

/// How an import treats lines that it would refuse.
#[derive(Default)]
pub struct ImportRules {
    /// Leave them out.
    pub skip_refused: bool,
    /// Make usernames of names that are none.
    pub map_usernames: bool,
    /// Accept names that are reserved for the service.
    pub allow_reserved: bool,
    /// The project that Firebase's hashes are of.
    pub firebase: Option<FirebaseProject>,
}

/// A name that was no username, and what it is here.
pub struct Mapped {
    pub number: u64,
    pub from: String,
    pub to: String,
}

/// A line that cannot be taken, and why. The reason never holds what stands there.
#[derive(Debug, PartialEq, Eq)]
pub struct RefusedLine {
    pub number: u64,
    pub reason: String,
}

/// Reads one line of an import. The hash is as it stands there: see [`passwords::to_be_kept`].
pub fn parse_line(
    number: u64,
    line: &[u8],
    rules: &ImportRules,
) -> Result<ImportedAccount, RefusedLine> {
    let refuse = |reason: String| RefusedLine { number, reason };
    if line.len() > MAX_LINE {
        return Err(refuse("is longer than 16 KiB".to_owned()));
    }
    let line: Line = serde_json::from_slice(line).map_err(|error| refuse(why_no_line(&error)))?;
    let field = |field: Field| {
        move |code| refuse(Language::English.field_error(&FieldError { field, code }))
    };
    let username = match Username::parse(&line.username) {
        Err(Code::Reserved) if rules.allow_reserved => Username::parse_reserved(&line.username),
        Err(_) if rules.map_usernames => Ok(usernames::of(&line.username, rules.allow_reserved)),
        parsed => parsed,
    };
    let username = match username {
        Err(Code::Reserved) => {
            return Err(refuse("has a reserved username: see --allow-reserved".to_owned()));
        }
        username => username.map_err(field(Field::Username))?,
    };
    let full_name = FullName::parse(&line.full_name).map_err(field(Field::FullName))?;
    let password_hash = match (line.password_hash, line.salt) {
        (None | Some(Value::Null), _) => passwords::NO_PASSWORD.to_owned(),
        // Django and Unix write an exclamation mark where no password fits.
        (Some(Value::String(hash)), _) if hash.is_empty() || hash.starts_with('!') => {
            passwords::NO_PASSWORD.to_owned()
        }
        (Some(Value::String(hash)), Some(salt)) => format!("firebase:{salt}:{hash}"),
        (Some(Value::String(hash)), None) if hash.starts_with('{') && hash.ends_with('}') => {
            let credential = serde_json::from_str(&hash).map_err(|_| ());
            keycloak::phc(
                &credential.map_err(|()| refuse("passwordHash is no credential".to_owned()))?,
            )
            .ok_or_else(|| refuse("passwordHash is no credential of Keycloak".to_owned()))?
        }
        (Some(Value::String(hash)), None) => hash,
        (Some(credential), _) => keycloak::phc(&credential)
            .ok_or_else(|| refuse("passwordHash is no credential of Keycloak".to_owned()))?,
    };
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
        given_name: line.username,
        username,
        full_name,
        password_hash,
        created_at: line.created_at.unwrap_or_else(now),
        disabled_at: line.disabled_at,
        delete_at: line.delete_at,
    })
}

/// The kind of error, and never the text: it may be part of a hash.
fn why_no_line(error: &serde_json::Error) -> String {
    match error.classify() {
        serde_json::error::Category::Data => {
            let text = error.to_string();
            let missing = ["username", "fullName"]
                .into_iter()
                .find(|name| text.starts_with(&format!("missing field `{name}`")));
            match missing {
                Some(name) => format!("must have {name}"),
                None => {
                    "must have username and fullName, of the right types, and nothing else but \
                         passwordHash, salt, id, createdAt, disabledAt and deleteAt"
                        .to_owned()
                }
            }
        }
        _ => format!("is not JSON, from column {} on", error.column()),
    }
}

/// What became of an import.
#[derive(Default)]
pub struct ImportReport {
    pub added: u64,
    /// In the order of their lines. If there are any, nothing was added, unless they were to be
    /// skipped.
    pub refused: Vec<RefusedLine>,
    pub mapped: Vec<Mapped>,
    /// Accounts that need a link.
    pub without_password: Vec<(AccountId, String)>,
}

/// Adds the accounts of a file. `open` opens it anew each time: it is read twice, so that a long one
/// need not be kept in memory. `progress` is told what is being done, and how many are.
pub async fn import<R: BufRead + Send>(
    store: &Store,
    open: impl Fn() -> std::io::Result<R>,
    rules: &ImportRules,
    mut progress: impl FnMut(&str, u64) + Send,
) -> Result<ImportReport, Fault> {
    let mut result = ImportReport::default();
    // The decision about each line that is to be added.
    let mut first: HashMap<String, u64> = HashMap::new();
    let mut planned: HashMap<u64, Planned> = HashMap::new();
    if rules.map_usernames {
        // A name that is a username stays with its owner, whatever the lines before it become.
        let as_they_are = ImportRules { map_usernames: false, firebase: None, ..*rules };
        for line in lines(open().map_err(Fault::internal)?) {
            let (number, line) = line.map_err(Fault::internal)?;
            let Ok(account) = parse_line(number, &line, &as_they_are) else { continue };
            let name = account.username;
            for skeleton in [name.skeleton(), name.typed_skeleton()] {
                first.entry(skeleton.to_owned()).or_insert(number);
            }
        }
    }
    for line in lines(open().map_err(Fault::internal)?) {
        let (number, line) = line.map_err(Fault::internal)?;
        match plan(store, number, &line, rules, &mut first).await? {
            Ok((account, plan)) => {
                if account.username.typed() != account.given_name.trim() {
                    let (from, to) = (account.given_name, account.username.typed().to_owned());
                    result.mapped.push(Mapped { number, from, to });
                }
                planned.insert(number, plan);
            }
            Err(line) => result.refused.push(line),
        }
        if number % 1000 == 0 {
            progress("checked", number);
        }
    }
    drop(first);
    if !result.refused.is_empty() && !rules.skip_refused {
        return Ok(ImportReport { refused: result.refused, ..ImportReport::default() });
    }
    let good = planned.len() as u64;
    let mut without_password = Vec::new();
    let accounts = lines(open().map_err(Fault::internal)?).filter_map(|line| {
        let (number, line) = match line {
            Ok(line) => line,
            Err(error) => return Some(Err(Fault::internal(error))),
        };
        let Planned { id, username, password_hash } = planned.remove(&number)?;
        let changed = |_| Fault::internal("the file was changed while it was read");
        let account = parse_line(number, &line, rules).map_err(changed);
        Some(account.map(|account| {
            if password_hash == passwords::NO_PASSWORD {
                without_password.push((number, id, username.typed().to_owned()));
            }
            ImportedAccount { id, username, password_hash, ..account }
        }))
    });
    let skip = rules.skip_refused;
    let taken = store.import(accounts, skip, now(), |done| progress("added", done)).await?;
    result.added = if taken.is_empty() || skip { good - taken.len() as u64 } else { 0 };
    let is_added = |number: &u64| result.added > 0 && !taken.contains(number);
    result.without_password = without_password
        .into_iter()
        .filter(|(number, ..)| is_added(number))
        .map(|(_, id, name)| (id, name))
        .collect();
    result.mapped.retain(|mapped| is_added(&mapped.number));
    result.refused.extend(taken.into_iter().map(|number| RefusedLine {
        number,
        reason: "has a username that is taken, or looks like one, or an id that is".to_owned(),
    }));
    result.refused.sort_by_key(|line| line.number);
    Ok(result)
}

/// The parts of an account that were decided while its line was checked.
struct Planned {
    id: AccountId,
    username: Username,
    password_hash: String,
}

/// Decides about one line. `first`: the skeletons of the names that lines before it have.
async fn plan(
    store: &Store,
    number: u64,
    line: &[u8],
    rules: &ImportRules,
    first: &mut HashMap<String, u64>,
) -> Result<Result<(ImportedAccount, Planned), RefusedLine>, Fault> {
    let refuse = |reason: String| Ok(Err(RefusedLine { number, reason }));
    let mut account = match parse_line(number, line, rules) {
        Ok(account) => account,
        Err(refused) => return Ok(Err(refused)),
    };
    let mut name = account.username.clone();
    let mut tries = 1;
    loop {
        let alike = [name.skeleton(), name.typed_skeleton()].map(|skeleton| first.get(skeleton));
        let line = alike.into_iter().flatten().filter(|line| **line != number).min();
        if let Some(line) = line
            && !rules.map_usernames
        {
            return refuse(format!("has the username of line {line}, or one that looks like it"));
        }
        // A name that was made here must not fail because somebody has it already.
        if line.is_none() && !(rules.map_usernames && store.is_taken(&name).await?) {
            break;
        }
        if tries == MAX_NAMES {
            return refuse("has a username of which there are too many".to_owned());
        }
        tries += 1;
        name = usernames::numbered(&account.username, tries, rules.allow_reserved);
    }
    for skeleton in [name.skeleton(), name.typed_skeleton()] {
        first.insert(skeleton.to_owned(), number);
    }
    let firebase = rules.firebase.as_ref();
    let password_hash = match passwords::to_be_kept(&account.password_hash, firebase) {
        Ok(hash) => hash,
        Err(reason) => return refuse(format!("passwordHash {reason}")),
    };
    account.username = name.clone();
    let planned = Planned { id: account.id, username: name, password_hash };
    Ok(Ok((account, planned)))
}

/// How many names that are alike get numbers.
const MAX_NAMES: u32 = 10_000;

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
                password_hash: (record.password_hash != passwords::NO_PASSWORD)
                    .then_some(Value::String(record.password_hash)),
                salt: None,
                created_at: Some(record.created_at),
                disabled_at: record.disabled_at,
                delete_at: record.delete_at,
            };
            // Some readers take these for the end of a line, and names of before may hold them.
            let line = serde_json::to_string(&line).map_err(Fault::internal)?;
            let line = line.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
            to.write_all(line.as_bytes()).map_err(Fault::internal)?;
            to.write_all(b"\n").map_err(Fault::internal)?;
        }
    }
}

/// The account with this name, in any spelling of it, or with this id.
pub async fn find(store: &Store, name: &str) -> Result<Option<AccountRecord>, Fault> {
    let named = match UsernameKey::find(name) {
        Some(key) => store.record_of(&key).await?,
        None => None,
    };
    let numbered = match name.parse() {
        Ok(id) => store.record(AccountId(id)).await?,
        Err(_) => None,
    };
    match (named, numbered) {
        // Anybody who knows an id can sign up with it as the username.
        (Some(named), Some(numbered)) if named.id != numbered.id => Err(Fault::internal(format!(
            "{name} is the username of the account {} and the id of {}: use the other one of either",
            named.id, numbered.username
        ))),
        (named, numbered) => Ok(named.or(numbered)),
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
    let asked = Event::without_request(By::Operator, Act::DeletionAsked, Some(account), now());
    if !store.condemn(account, &asked).await? {
        return Ok(false);
    }
    let deleted = crate::server::erase(store, account, asked.at, By::Operator).await?;
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
mod tests;
