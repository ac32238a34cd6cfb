//! Invitations: links to sign up with, for certain groups, once or several times.
//!
//! A link holds 256 random bits; only their hash is stored. It works until it ends, is used up or withdrawn, and
//! as long as whoever made it administers this server: an administrator who was dismissed leaves no way in behind.
//! One that was sent by mail proves the address it was sent to.

pub mod cli;
mod sql;

use crate::{
    audit::{self, Authority, acts, sha256},
    domain::{AccountId, Code, Email, Field, FieldError},
    groups,
    keys::Keys,
    mail,
    mail::Message,
    platform::{
        clock::now,
        error::{Fault, Refusal, Result},
        random,
    },
    store::{Store, db::Tx, page_of},
};

pub use crate::groups::GROUPS;
pub(crate) use sql::{TABLES, forget};

acts! {
    INVITED = "user_invited";
    WITHDRAWN = "user_invited:withdrawn";
}

/// How long an invitation works if nobody says otherwise, and at most, in seconds.
pub const DEFAULT_TTL: i64 = 7 * 24 * 3600;
pub const MAX_TTL: i64 = 366 * 24 * 3600;

/// How often an invitation may be used at most.
pub const MAX_USES: i64 = 10_000;

/// How long an invitation that was just used up still leads to the form, in seconds: it may be sent twice.
const SAME_USE: i64 = 60;

/// In characters.
const MAX_NOTE: usize = 200;

/// The page that an invitation leads to.
pub const PAGE: &str = "/signup";

/// What to invite somebody to.
#[derive(Clone, Debug)]
pub struct New {
    /// Where it is sent, if there is mail. It can be used once, then, and so can one to the group `admin`.
    pub email: Option<Email>,
    /// The groups to join.
    pub groups: Vec<String>,
    /// In seconds since 1970.
    pub expires_at: i64,
    pub uses: i64,
    /// For those who administer: what it is for.
    pub note: String,
}

/// An invitation, as those who administer see it.
#[derive(Clone, Debug)]
pub struct Invitation {
    pub id: String,
    pub email: Option<String>,
    pub groups: Vec<String>,
    pub note: String,
    /// As the actor of an event.
    pub made_by: String,
    /// In seconds since 1970.
    pub created_at: i64,
    pub expires_at: i64,
    pub uses_left: i64,
    pub uses: i64,
    /// Whether its maker still administers this server, and the API key that made it still works.
    pub maker_is_there: bool,
}

impl Invitation {
    /// Whether it can still be used.
    #[must_use]
    pub fn is_open(&self, now: i64) -> bool {
        self.maker_is_there && !self.is_over(now)
    }

    /// Whether it has been used up or has ended. Otherwise it works whenever its maker administers this server.
    #[must_use]
    pub fn is_over(&self, now: i64) -> bool {
        self.uses_left == 0 || self.expires_at <= now
    }
}

/// The field with how often an invitation can be used.
pub const USES: Field = Field::named("uses");

/// The field with the end of an invitation.
pub const EXPIRES_AT: Field = Field::named("expiresAt");

/// The field with what an invitation is for.
pub const NOTE: Field = Field::named("note");

/// How many groups an invitation may name.
const MAX_GROUPS: usize = 20;

/// Checks an invitation before it is made.
fn check(authority: &Authority, new: &New) -> Result<()> {
    if authority.is_program() && new.groups.iter().any(|group| group == groups::ADMIN) {
        return Err(Refusal::InsufficientScope.into());
    }
    // What makes an administrator works once.
    let is_for_one = new.email.is_some() || new.groups.iter().any(|group| group == groups::ADMIN);
    let most = if is_for_one { 1 } else { MAX_USES };
    let now = now();
    let faults = [
        (new.groups.len() > MAX_GROUPS, GROUPS, Code::TooMany { max: MAX_GROUPS }),
        (!new.groups.iter().all(|group| groups::is_name(group)), GROUPS, Code::Characters),
        (!(1..=most).contains(&new.uses), USES, Code::OutOfRange),
        (!(now + 1..=now + MAX_TTL).contains(&new.expires_at), EXPIRES_AT, Code::OutOfRange),
        (new.note.chars().count() > MAX_NOTE, NOTE, Code::TooLong { max: MAX_NOTE }),
        (new.note.contains(char::is_control), NOTE, Code::Characters),
    ];
    let faults = faults.into_iter().filter(|(is_wrong, ..)| *is_wrong);
    let faults: Vec<_> = faults.map(|(_, field, code)| FieldError { field, code }).collect();
    if faults.is_empty() { Ok(()) } else { Err(Refusal::InvalidInput(faults).into()) }
}

/// Makes an invitation, and sends it if it names an address: `keys` seal the mail, if there is mail. Returns it
/// and the path of its link, which is available once. `language`: the tag of that of the mail.
pub async fn make(
    store: &Store,
    keys: Option<&Keys>,
    authority: &Authority,
    new: &New,
    language: &str,
) -> Result<(Invitation, String)> {
    check(authority, new)?;
    groups::refuse_without_room(store, &new.groups).await?;
    let token = random::token()?;
    let path = format!("{PAGE}?link={token}");
    let invitation = Invitation {
        id: random::text()?,
        email: new.email.as_ref().map(|email| email.as_str().to_owned()),
        groups: new.groups.clone(),
        note: new.note.trim().to_owned(),
        made_by: authority.actor().to_owned(),
        created_at: now(),
        expires_at: new.expires_at,
        uses_left: new.uses,
        uses: 0,
        maker_is_there: true,
    };
    let note = [std::slice::from_ref(&invitation.id), &invitation.groups].concat().join(" ");
    let event = authority.event(INVITED, None).noting(&note);
    let mut tx = store.begin().await?;
    sql::insert(&mut tx, &invitation, &sha256(&token)).await?;
    if let Some((keys, to)) = keys.zip(invitation.email.as_deref()) {
        let message = Message::new("invitation", to, language)
            .with("date", &invitation.expires_at.to_string())
            .until(invitation.expires_at)
            .leading_to(path.clone());
        mail::post(&mut tx, keys, None, &message).await?;
    }
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    event.log();
    Ok((invitation, path))
}

/// Up to `most` invitations made before the one with this time and id, newest first, and whether there are more.
pub async fn page(
    store: &Store,
    before: Option<(i64, &str)>,
    most: i64,
) -> Result<(Vec<Invitation>, bool), Fault> {
    let found = sql::page(&mut store.read().await?, before, most + 1, now()).await?;
    Ok(page_of(found, most))
}

/// Withdraws an invitation: its link stops working. `false`: there is none.
pub async fn withdraw(store: &Store, authority: &Authority, id: &str) -> Result<bool, Fault> {
    let mut tx = store.begin().await?;
    if !sql::delete(&mut tx, id).await? {
        tx.rollback().await?;
        return Ok(false);
    }
    let event = authority.event(WITHDRAWN, None).noting(id);
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    event.log();
    Ok(true)
}

/// Erases the invitations that were sent to the address of an account, in the transaction of something larger.
pub(crate) async fn erase(tx: &mut Tx, account: AccountId) -> Result<(), Fault> {
    sql::erase(tx, account).await
}

/// The invitation with this token, if it works, or was used up a moment ago.
pub async fn find(store: &Store, token: &str) -> Result<Option<Invitation>, Fault> {
    let now = now();
    sql::find(&mut store.read().await?, &sha256(token), now, now - SAME_USE).await
}

/// Uses an invitation once. `None`: it no longer works.
pub(crate) async fn use_up(
    tx: &mut Tx,
    token: &str,
    now: i64,
) -> Result<Option<Invitation>, Fault> {
    sql::use_up(tx, &sha256(token), now).await
}
