//! The lines of an import.
//!
//! NDJSON: one object per line, with `username` and `fullName`, and optionally `email`, `emailVerified`,
//! `passwordHash`, `salt` (of Firebase), `links` (identities at other providers), `groups`, `id` (a positive integer
//! below 2^53), `createdAt`, `disabledAt` and `deleteAt` (seconds since 1970, UTC). `passwordHash` is a string, or a
//! credential as Keycloak exports it. [`export`] writes the same.

use std::{
    fmt,
    io::{BufRead, Write},
};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error as _, MapAccess, Visitor},
};
use serde_json::{Map, Value};
use url::Url;

use super::{keycloak, usernames};
use crate::{
    accounts::{AccountRecord, records_after},
    domain::{
        AccountId, Code, Email, Field, FieldError, ProfileField, ProfilePolicy, ProfileValues,
        Username, profile::FIELDS,
    },
    emails::{self, State},
    groups,
    passwords::{self, FirebaseProject},
    platform::{clock::now, error::Fault, random},
    providers::identities,
    store::Store,
    texts::Language,
};

/// The longest line, in bytes. No valid line is longer.
pub(super) const MAX_LINE: usize = 16 * 1024;

/// How many rows are read from the database at once.
const PAGE: i64 = 500;

/// An account as written on a line. Times are seconds since 1970, UTC.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
    username: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email_verified: Option<bool>,
    /// `false`: somebody else may have chosen the password. Only we write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email_tied: Option<bool>,
    /// The fields of the profile.
    #[serde(flatten, deserialize_with = "once_each")]
    profile: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    password_hash: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    salt: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    links: Vec<LinkOfLine>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    groups: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    disabled_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delete_at: Option<i64>,
}

/// An identity at another provider that opens the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkOfLine {
    pub issuer: String,
    pub subject: String,
    /// The person's name there.
    #[serde(default)]
    pub label: String,
}

impl LinkOfLine {
    fn is_good(&self) -> bool {
        let is_short = |text: &str| text.len() <= 255 && !text.chars().any(char::is_control);
        is_short(&self.issuer)
            && is_short(&self.subject)
            && is_short(&self.label)
            && Url::parse(&self.issuer).is_ok()
            && !self.subject.is_empty()
    }
}

/// Serde refuses a second `username`, but a map would keep the last of two equal names.
fn once_each<'de, D: Deserializer<'de>>(members: D) -> Result<Map<String, Value>, D::Error> {
    struct OnceEach;
    impl<'de> Visitor<'de> for OnceEach {
        type Value = Map<String, Value>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<M: MapAccess<'de>>(self, mut members: M) -> Result<Self::Value, M::Error> {
            let mut map = Map::new();
            while let Some((name, value)) = members.next_entry()? {
                if map.insert(name, value).is_some() {
                    return Err(M::Error::custom("a name that came before"));
                }
            }
            Ok(map)
        }
    }
    members.deserialize_map(OnceEach)
}

/// How to treat lines that an import would otherwise refuse.
#[derive(Default)]
pub struct ImportRules {
    /// Skip them.
    pub skip_refused: bool,
    /// Turn names that aren't usernames into usernames.
    pub map_usernames: bool,
    /// Accept names that are reserved for the service.
    pub allow_reserved: bool,
    /// The project that the Firebase hashes come from.
    pub firebase: Option<FirebaseProject>,
}

/// A refused line, and why. The reason never quotes the line.
#[derive(Debug, PartialEq, Eq)]
pub struct RefusedLine {
    pub number: u64,
    pub reason: String,
}

/// An account to import, with every field but its hash valid.
pub struct ImportedAccount {
    pub id: AccountId,
    /// As written in the file.
    pub given_name: String,
    pub username: Username,
    pub values: ProfileValues,
    pub email: Option<(Email, State)>,
    /// As written in the file. `None`: no password.
    pub password_hash: Option<String>,
    pub links: Vec<LinkOfLine>,
    pub groups: Vec<String>,
    pub created_at: i64,
    pub disabled_at: Option<i64>,
    pub delete_at: Option<i64>,
}

/// Parses one line of an import. The hash stays as written: see [`crate::passwords::to_be_kept`].
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
    let why = |field, code| refuse(Language::English.field_error(&FieldError { field, code }));
    let is_field = |name: &String| FIELDS.iter().any(|field| field.field.name() == name);
    if !line.profile.keys().all(is_field) {
        return Err(refuse(what_a_line_is()));
    }
    let is_absent = |field: &&&ProfileField| !line.profile.contains_key(field.field.name());
    if let Some(field) = FIELDS.iter().filter(|field| field.required).find(is_absent) {
        return Err(refuse(format!("must have {}", field.field.name())));
    }
    let username = match Username::parse(&line.username) {
        Err(Code::Reserved) if rules.allow_reserved => Username::parse_reserved(&line.username),
        Err(_) if rules.map_usernames => Ok(usernames::of(&line.username, rules.allow_reserved)),
        parsed => parsed,
    };
    let username = match username {
        Err(Code::Reserved) => {
            return Err(refuse("has a reserved username: see --allow-reserved".to_owned()));
        }
        username => username.map_err(|code| why(Field::USERNAME, code))?,
    };
    let values = ProfileValues::parse(ProfilePolicy::ALL, |field| {
        match line.profile.get(field.field.name()) {
            Some(Value::String(text)) => Ok(text.clone()),
            None => Err(Code::Missing),
            Some(Value::Null) if !field.required => Err(Code::Missing),
            Some(_) => Err(Code::WrongType),
        }
    });
    let values = values.map_err(|errors| match errors[..] {
        [FieldError { code: Code::WrongType, .. }, ..] | [] => refuse(what_a_line_is()),
        [FieldError { field, code }, ..] => why(field, code),
    })?;
    let is_verified = line.email_verified.unwrap_or(false);
    let state = match (is_verified, line.email_tied) {
        (false, _) => State::Pending,
        (true, Some(false)) => State::Verified,
        (true, _) => State::Tied,
    };
    let email = match line.email.as_deref() {
        None | Some("") if is_verified => {
            return Err(refuse("has no email to be verified".to_owned()));
        }
        None | Some("") => None,
        Some(email) => Some(Email::parse(email).map_err(|code| why(Field::EMAIL, code))?),
    };
    let of_keycloak = |credential: &Value| {
        keycloak::phc(credential)
            .ok_or_else(|| refuse("passwordHash is no credential of Keycloak".to_owned()))
    };
    let password_hash = match (line.password_hash, line.salt) {
        (None | Some(Value::Null), _) => None,
        // Django and Unix write an exclamation mark if no password matches.
        (Some(Value::String(hash)), _) if hash.is_empty() || hash.starts_with('!') => None,
        (Some(Value::String(hash)), Some(salt)) => Some(format!("firebase:{salt}:{hash}")),
        (Some(Value::String(hash)), None) if hash.starts_with('{') && hash.ends_with('}') => {
            let credential = serde_json::from_str(&hash).map_err(|_| ());
            let credential =
                credential.map_err(|()| refuse("passwordHash is no credential".to_owned()))?;
            Some(of_keycloak(&credential)?)
        }
        (Some(Value::String(hash)), None) => Some(hash),
        (Some(credential), _) => Some(of_keycloak(&credential)?),
    };
    if !line.links.iter().all(LinkOfLine::is_good) {
        return Err(refuse("links must have issuer, a URL, and subject".to_owned()));
    }
    if groups::check_names(&line.groups).is_err() {
        return Err(refuse("groups must be up to 100 names of groups".to_owned()));
    }
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
        id,
        given_name: line.username,
        username,
        values,
        email: email.map(|email| (email, state)),
        password_hash,
        links: line.links,
        groups: line.groups,
        created_at: line.created_at.unwrap_or_else(now),
        disabled_at: line.disabled_at,
        delete_at: line.delete_at,
    })
}

fn what_a_line_is() -> String {
    let fields: Vec<&str> = FIELDS.iter().map(|field| field.field.name()).collect();
    format!(
        "must have username and {}, of the right types, and nothing else but email, \
         emailVerified, passwordHash, salt, links, groups, id, createdAt, disabledAt and deleteAt",
        fields.join(", ")
    )
}

/// The kind of error, never its text, which may contain part of a hash.
fn why_no_line(error: &serde_json::Error) -> String {
    match error.classify() {
        serde_json::error::Category::Data if error.to_string().starts_with("missing field") => {
            "must have username".to_owned()
        }
        serde_json::error::Category::Data => what_a_line_is(),
        _ => format!("is not JSON, from column {} on", error.column()),
    }
}

/// The non-empty lines of a file, numbered from 1. One that is too long is cut off just past the
/// limit.
pub(super) fn lines<R: BufRead>(
    mut reader: R,
) -> impl Iterator<Item = std::io::Result<(u64, Vec<u8>)>> {
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
            // Some programs start a file with a byte order mark.
            if number == 1 && line.starts_with(b"\xef\xbb\xbf") {
                line.drain(..3);
            }
            if !line.iter().all(u8::is_ascii_whitespace) {
                return Some(Ok((number, line)));
            }
        }
    })
}

/// Writes all accounts as lines of an import. Returns their number.
pub async fn export(store: &Store, mut to: impl Write) -> Result<u64, Fault> {
    let (mut last, mut count) = (0, 0);
    loop {
        let records = records_after(store, last, PAGE).await?;
        let Some(end) = records.last().map(|record| record.profile.id.0) else { return Ok(count) };
        let mut hashes = passwords::hashes_between(store, last, end).await?;
        let mut all_emails = emails::between(store, last, end).await?;
        let mut all_links = identities::between(store, last, end).await?;
        let ids: Vec<AccountId> = records.iter().map(|record| record.profile.id).collect();
        let mut all_groups = groups::of_many(store, &ids).await?;
        last = end;
        count += records.len() as u64;
        for AccountRecord { profile, disabled_at, delete_at } in records {
            let hash = hashes.remove(&profile.id);
            let (email, state) = all_emails.remove(&profile.id).unzip();
            let links = all_links.remove(&profile.id).unwrap_or_default().into_iter();
            let links = links.map(|identity| LinkOfLine {
                issuer: identity.issuer,
                subject: identity.subject,
                label: identity.label,
            });
            let said = profile.values.iter().filter_map(|(field, value)| {
                Some((field.field.name().to_owned(), Value::from(value?)))
            });
            let line = Line {
                id: Some(profile.id.0),
                username: profile.username,
                email,
                email_verified: state.map(|state| state != State::Pending),
                email_tied: (state == Some(State::Verified)).then_some(false),
                profile: said.collect(),
                password_hash: hash.map(|hash| Value::from(hash.expose())),
                salt: None,
                links: links.collect(),
                groups: all_groups.remove(&profile.id).unwrap_or_default(),
                created_at: Some(profile.created_at),
                disabled_at,
                delete_at,
            };
            // Some readers treat these as line ends, and names from older versions may contain
            // them.
            let line = serde_json::to_string(&line).map_err(Fault::internal)?;
            let line = line.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
            to.write_all(line.as_bytes()).map_err(Fault::internal)?;
            to.write_all(b"\n").map_err(Fault::internal)?;
        }
    }
}
