//! API keys: how programs show that they may administer something.
//!
//! A key is `lk_`, 256 random bits and a checksum of six characters, so that scanners of source code and logs can
//! tell a leaked one from any other text, as with the tokens of GitHub. Only its hash is stored: it has enough
//! random bits to need no salt. It works as long as whoever made it administers this server: an administrator who
//! was dismissed keeps no way in.

use std::fmt;

use aws_lc_rs::digest;

use super::{KEY_MADE, KEY_REMOVED, sql};
use crate::{
    audit::{self, Authority, sha256},
    domain::{Code, Field},
    platform::{
        clock::now,
        error::{Fault, Refusal, Result},
        random,
    },
    store::Store,
};

/// What a key may be used for. To write includes to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    UsersRead,
    UsersWrite,
    GroupsRead,
    GroupsWrite,
    InvitationsRead,
    InvitationsWrite,
    AppsRead,
    AppsWrite,
    AuditRead,
    WebhooksRead,
    WebhooksWrite,
    OutboxRead,
    OutboxWrite,
}

impl Scope {
    pub const ALL: [Self; 13] = [
        Self::UsersRead,
        Self::UsersWrite,
        Self::GroupsRead,
        Self::GroupsWrite,
        Self::InvitationsRead,
        Self::InvitationsWrite,
        Self::AppsRead,
        Self::AppsWrite,
        Self::AuditRead,
        Self::WebhooksRead,
        Self::WebhooksWrite,
        Self::OutboxRead,
        Self::OutboxWrite,
    ];

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::UsersRead => "users:read",
            Self::UsersWrite => "users:write",
            Self::GroupsRead => "groups:read",
            Self::GroupsWrite => "groups:write",
            Self::InvitationsRead => "invitations:read",
            Self::InvitationsWrite => "invitations:write",
            Self::AppsRead => "apps:read",
            Self::AppsWrite => "apps:write",
            Self::AuditRead => "audit:read",
            Self::WebhooksRead => "webhooks:read",
            Self::WebhooksWrite => "webhooks:write",
            Self::OutboxRead => "outbox:read",
            Self::OutboxWrite => "outbox:write",
        }
    }

    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.word() == word)
    }

    /// Whether this allows what needs `other`.
    #[must_use]
    pub fn includes(self, other: Self) -> bool {
        let subject = |scope: Self| scope.word().split(':').next();
        self == other || (self.word().ends_with(":write") && subject(self) == subject(other))
    }
}

/// A key that was shown and is good.
#[derive(Clone, Debug)]
pub struct VerifiedKey {
    pub id: String,
    pub scopes: Vec<Scope>,
}

impl VerifiedKey {
    #[must_use]
    pub fn allows(&self, scope: Scope) -> bool {
        self.scopes.iter().any(|known| known.includes(scope))
    }
}

/// A key, as its makers see it.
#[derive(Clone, Debug)]
pub struct ApiKey {
    pub id: String,
    pub name: String,
    pub scopes: Vec<Scope>,
    /// Who made it: as the actor of an event.
    pub made_by: String,
    /// Whether whoever made it still administers this server. Otherwise it doesn't work.
    pub maker_is_there: bool,
    /// In seconds since 1970.
    pub created_at: i64,
    pub expires_at: Option<i64>,
    /// To within a minute.
    pub last_used_at: Option<i64>,
}

/// A key in full. It is available once.
pub struct NewKey {
    pub key: ApiKey,
    pub secret: KeySecret,
}

/// The text of a key. It doesn't print.
pub struct KeySecret(String);

impl KeySecret {
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySecret(…)")
    }
}

/// What every key begins with.
pub const PREFIX: &str = "lk_";

/// In characters.
const CHECKSUM: usize = 6;

/// In characters.
const MAX_NAME: usize = 64;

/// How many keys there may be.
const MAX_KEYS: usize = 100;

/// How exactly the last use of a key is noted, in seconds.
const USE_NOTED: i64 = 60;

/// The first characters of SHA-256, in hexadecimal: 24 bits. Anybody can compute it.
fn checksum(text: &str) -> String {
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    random::hexadecimal(hash.as_ref())[..CHECKSUM].to_owned()
}

/// Whether a text is written like a key, checksum included.
#[must_use]
pub fn is_written_like_one(text: &str) -> bool {
    let Some(split) = text.len().checked_sub(CHECKSUM) else { return false };
    let Some((body, end)) = text.split_at_checked(split) else { return false };
    body.starts_with(PREFIX) && checksum(body) == end
}

/// Checks the name of a key and its scopes.
pub fn check(name: &str, scopes: &[Scope]) -> Result<(), Refusal> {
    let count = name.trim().chars().count();
    let code = match () {
        () if count == 0 => Code::Missing,
        () if count > MAX_NAME => Code::TooLong { max: MAX_NAME },
        () if name.contains(char::is_control) => Code::Characters,
        () if scopes.is_empty() => return Err(Refusal::of_field(SCOPES, Code::Missing)),
        () => return Ok(()),
    };
    Err(Refusal::of_field(Field::NAME, code))
}

/// The field with what a key may be used for.
pub const SCOPES: Field = Field::named("scopes");

/// Makes a key. `expires_at`: in seconds since 1970.
pub async fn make(
    store: &Store,
    authority: &Authority,
    name: &str,
    scopes: &[Scope],
    expires_at: Option<i64>,
) -> Result<NewKey> {
    check(name, scopes)?;
    if expires_at.is_some_and(|at| at <= now()) {
        return Err(Refusal::of_field(Field::named("expiresAt"), Code::OutOfRange).into());
    }
    let mut scopes = scopes.to_vec();
    scopes.sort_unstable();
    scopes.dedup();
    let body = format!("{PREFIX}{}", random::token()?);
    let secret = KeySecret(format!("{body}{}", checksum(&body)));
    let key = ApiKey {
        id: random::text()?,
        name: name.trim().to_owned(),
        scopes,
        made_by: authority.actor().to_owned(),
        maker_is_there: true,
        created_at: now(),
        expires_at,
        last_used_at: None,
    };
    let mut tx = store.begin().await?;
    if sql::count(&mut tx).await? >= MAX_KEYS {
        tx.rollback().await?;
        return Err(Refusal::of_field(Field::NAME, Code::TooMany { max: MAX_KEYS }).into());
    }
    sql::insert(&mut tx, &key, &sha256(secret.expose())).await?;
    let event = authority.event(KEY_MADE, None).noting(&key.id);
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    event.log();
    Ok(NewKey { key, secret })
}

/// All keys, newest first.
pub async fn all(store: &Store) -> Result<Vec<ApiKey>, Fault> {
    sql::all(&mut store.read().await?).await
}

/// Removes a key: it stops working at once. `false`: there is none.
pub async fn remove(store: &Store, authority: &Authority, id: &str) -> Result<bool, Fault> {
    let mut tx = store.begin().await?;
    if !sql::delete(&mut tx, id).await? {
        tx.rollback().await?;
        return Ok(false);
    }
    let event = authority.event(KEY_REMOVED, None).noting(id);
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    event.log();
    Ok(true)
}

/// The key that a program has shown. `None`: it is no key, or one that no longer works.
pub async fn verify(store: &Store, shown: &str) -> Result<Option<VerifiedKey>, Fault> {
    if !is_written_like_one(shown) {
        return Ok(None);
    }
    let now = now();
    let found = sql::find(&mut store.read().await?, &sha256(shown)).await?;
    let is_good = |key: &ApiKey| key.maker_is_there && key.expires_at.is_none_or(|at| now < at);
    let found = found.filter(is_good);
    let Some(ApiKey { id, scopes, last_used_at, .. }) = found else { return Ok(None) };
    if last_used_at.is_none_or(|at| now - at >= USE_NOTED) {
        sql::note_use(&mut store.write().await?, &id, now).await?;
    }
    Ok(Some(VerifiedKey { id, scopes }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_told_from_any_other_text_by_its_checksum() {
        let body = "lk_3k9aT0Yq";
        let key = format!("{body}{}", checksum(body));
        assert!(is_written_like_one(&key));
        let typed_wrong = key.replace("3k9a", "3k9b");
        for text in ["", "lk_", "lk_aaaaaa", "ä", "ääääääää", body, &typed_wrong, &key[1..]]
        {
            assert!(!is_written_like_one(text), "{text}");
        }
    }

    #[test]
    fn to_write_includes_to_read_the_same_and_nothing_else() {
        assert!(Scope::UsersWrite.includes(Scope::UsersRead));
        assert!(!Scope::UsersRead.includes(Scope::UsersWrite));
        assert!(!Scope::UsersWrite.includes(Scope::AuditRead));
        for scope in Scope::ALL {
            assert_eq!(Scope::of_word(scope.word()), Some(scope));
        }
    }
}
