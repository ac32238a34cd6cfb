//! The audit trail: what happened to accounts, in OWASP's vocabulary, each row chained to the one
//! before it (LG-01, LG-04).
//!
//! # The chain
//!
//! `digest` = SHA-256 of (salt, account, detail); `hash` = SHA-256 of (the hash before, seq, at,
//! event, digest). Whoever changes a row, takes one out or puts one in breaks the chain there, and
//! `latchkey audit verify` names the first such row. Whoever can write to the database can make the
//! whole chain anew, or cut off its end: against that, keep the last hash elsewhere and give it to
//! `verify --expect`.
//!
//! Salt, account and detail are what tells of a person. When an account is deleted they are erased
//! from its rows, a thousand at a time; the digest stays, and so does the chain. The rows
//! `user_deleted:part` and `user_deleted` list which rows those were, so that a row that anybody else
//! erased is found.
//!
//! An event is written in the transaction of the act that it tells of: there is none without the
//! other. Names, passwords, tokens and full addresses are in no event.

use std::collections::HashSet;

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

use crate::domain::AccountId;
use crate::platform::{error::Fault, random, visit::Visit};

/// What happened. The word is OWASP's (Logging Vocabulary Cheat Sheet), with a reason behind a colon
/// where that leaves open what is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    SignedUp,
    SignUpRefused,
    Imported,
    SignedIn,
    SignInFailed,
    SignInLimited,
    Limited,
    SignedOut,
    Proved,
    ProofFailed,
    FullNameChanged,
    PasswordChanged,
    PasswordChangeFailed,
    PasswordLinkMade,
    PasswordSetByLink,
    TokenRefreshed,
    TokenReused,
    TokenRefused,
    SessionEnded,
    OtherSessionsEnded,
    AllSessionsEnded,
    DeletionAsked,
    DeletionUndone,
    Deleted,
    Erased,
    Disabled,
    Enabled,
    DataRead,
    CrossOrigin,
}

impl Act {
    /// Every act, with its word.
    pub const ALL: [(Self, &'static str); 29] = [
        (Self::SignedUp, "user_created"),
        (Self::SignUpRefused, "user_create_fail:taken"),
        (Self::Imported, "user_created:import"),
        (Self::SignedIn, "authn_login_success"),
        (Self::SignInFailed, "authn_login_fail"),
        (Self::SignInLimited, "authn_login_fail_max"),
        (Self::Limited, "excess_rate_limit_exceeded"),
        (Self::SignedOut, "session_expired:sign_out"),
        (Self::Proved, "authn_login_success:proof"),
        (Self::ProofFailed, "authn_login_fail:proof"),
        (Self::FullNameChanged, "user_updated:full_name"),
        (Self::PasswordChanged, "authn_password_change"),
        (Self::PasswordChangeFailed, "authn_password_change_fail"),
        (Self::PasswordLinkMade, "authn_token_created:password_link"),
        (Self::PasswordSetByLink, "authn_password_change:password_link"),
        (Self::TokenRefreshed, "session_renewed:refresh"),
        (Self::TokenReused, "authn_token_reuse"),
        (Self::TokenRefused, "authn_login_fail:token"),
        (Self::SessionEnded, "session_expired:ended"),
        (Self::OtherSessionsEnded, "session_expired:others_ended"),
        (Self::AllSessionsEnded, "session_expired:all_ended"),
        (Self::DeletionAsked, "user_archived:deletion"),
        (Self::DeletionUndone, "user_updated:deletion_undone"),
        (Self::Deleted, "user_deleted"),
        (Self::Erased, "user_deleted:part"),
        (Self::Disabled, "user_archived:disabled"),
        (Self::Enabled, "user_updated:enabled"),
        (Self::DataRead, "sensitive_read:data"),
        (Self::CrossOrigin, "malicious_cors"),
    ];

    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(act, _)| *act == self).map_or("", |(_, word)| word)
    }
}

/// Who did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// Somebody who has proved that the account is his.
    Owner,
    /// Somebody who has proved nothing.
    Stranger,
    Operator,
    /// The server by itself.
    Server,
}

impl By {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Stranger => "stranger",
            Self::Operator => "operator",
            Self::Server => "server",
        }
    }
}

/// What is told of an act beside its name and its account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Detail {
    pub by: By,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub network: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub device: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub request_id: String,
    /// A keyed hash of the id of the session (LG-03).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub session: String,
    /// What else there is to say, in words of ours.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// The rows that were erased with an account.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub erased: Vec<i64>,
}

/// An act that is to be written down.
#[derive(Clone, Debug)]
pub struct Event {
    pub at: i64,
    pub act: Act,
    pub account: Option<AccountId>,
    pub detail: Detail,
}

impl Event {
    /// By somebody who came with a request.
    #[must_use]
    pub fn of(visit: &Visit, by: By, act: Act, account: Option<AccountId>, at: i64) -> Self {
        let detail = Detail {
            by,
            network: visit.network(),
            device: visit.device.clone(),
            request_id: visit.request_id.to_string(),
            session: visit.session_reference.clone(),
            note: String::new(),
            erased: Vec::new(),
        };
        Self { at, act, account, detail }
    }

    /// By nobody who came with a request.
    #[must_use]
    pub fn without_request(by: By, act: Act, account: Option<AccountId>, at: i64) -> Self {
        let (network, device, request_id, session, note) = Default::default();
        let erased = Vec::new();
        let detail = Detail { by, network, device, request_id, session, note, erased };
        Self { at, act, account, detail }
    }

    /// The same, without anything that tells of a person.
    #[must_use]
    pub fn of_nobody(&self) -> Self {
        Self::without_request(self.detail.by, self.act, None, self.at)
    }

    /// For the log: in the span of its request, so it says nothing of that again.
    pub fn log(&self) {
        let account = self.account.map(|account| account.0);
        tracing::info!(event = self.act.word(), account, by = ?self.detail.by, "audit");
    }
}

/// A row of the trail, as it is kept. What was erased is `None`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditRow {
    pub seq: i64,
    /// Seconds since 1970, UTC.
    pub at: i64,
    pub event: String,
    pub digest: String,
    pub hash: String,
    pub salt: Option<String>,
    pub account_id: Option<i64>,
    pub detail: Option<String>,
}

impl AuditRow {
    /// The row that follows `(seq, hash)`.
    pub fn following(before: Option<(i64, &str)>, event: &Event) -> Result<Self, Fault> {
        let (seq, hash) = before.unwrap_or((0, ""));
        let detail = serde_json::to_string(&event.detail).map_err(Fault::internal)?;
        let mut row = Self {
            seq: seq + 1,
            at: event.at,
            event: event.act.word().to_owned(),
            digest: String::new(),
            hash: String::new(),
            salt: Some(random::text()?),
            account_id: event.account.map(|account| account.0),
            detail: Some(detail),
        };
        row.digest = row.own_digest();
        row.hash = row.own_hash(hash);
        Ok(row)
    }

    fn own_digest(&self) -> String {
        let Self { salt, account_id, detail, .. } = self;
        sha256(&serde_json::json!([salt, account_id, detail]).to_string())
    }

    fn own_hash(&self, before: &str) -> String {
        let Self { seq, at, event, digest, .. } = self;
        sha256(&serde_json::json!([before, seq, at, event, digest]).to_string())
    }

    fn is_erased(&self) -> bool {
        self.salt.is_none() && self.account_id.is_none() && self.detail.is_none()
    }

    #[must_use]
    pub fn detail(&self) -> Option<Detail> {
        self.detail.as_deref().and_then(|detail| serde_json::from_str(detail).ok())
    }
}

/// SHA-256, in hexadecimal.
#[must_use]
pub fn sha256(text: &str) -> String {
    random::hexadecimal(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

/// Checks the trail row by row, in the order of `seq`.
#[derive(Default)]
pub struct Verifier {
    /// The hash of a row that must be there.
    expected: Option<String>,
    last: Option<(i64, String)>,
    erased: Vec<i64>,
    /// The rows that a deletion has erased.
    accounted_for: HashSet<i64>,
}

impl Verifier {
    #[must_use]
    pub fn expecting(hash: Option<String>) -> Self {
        Self { expected: hash, ..Self::default() }
    }

    /// The next row. `Err`: what is wrong with it.
    pub fn row(&mut self, row: &AuditRow) -> Result<(), String> {
        let (seq, hash) = self.last.as_ref().map_or((0, ""), |(seq, hash)| (*seq, hash));
        let wrong = |what: &str| Err(format!("row {} is the first that {what}", row.seq));
        if row.seq != seq + 1 {
            return wrong("does not follow the one before it: there is a gap");
        }
        if row.is_erased() {
            self.erased.push(row.seq);
        } else if row.digest != row.own_digest() {
            return wrong("is not as it was written: its account or its detail was altered");
        }
        if row.hash != row.own_hash(hash) {
            return wrong("is not as it was written, or does not follow the one before it");
        }
        if [Act::Deleted.word(), Act::Erased.word()].contains(&&*row.event)
            && let Some(detail) = row.detail()
        {
            self.accounted_for.extend(detail.erased);
        }
        if self.expected.as_deref() == Some(&*row.hash) {
            self.expected = None;
        }
        self.last = Some((row.seq, row.hash.clone()));
        Ok(())
    }

    /// How many rows there were, and the hash of the last.
    pub fn end(self) -> Result<(i64, String), String> {
        if self.expected.is_some() {
            return Err("the row that was expected is not in it".to_owned());
        }
        match self.erased.iter().find(|seq| !self.accounted_for.contains(seq)) {
            Some(seq) => Err(format!("row {seq} is the first that was erased without a deletion")),
            None => Ok(self.last.unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn trail(length: i64) -> Vec<AuditRow> {
        let mut rows: Vec<AuditRow> = Vec::new();
        for at in 1..=length {
            let event =
                Event::without_request(By::Owner, Act::SignedIn, Some(AccountId(at % 3)), at);
            let before = rows.last().map(|row| (row.seq, &*row.hash));
            rows.push(AuditRow::following(before, &event).expect("a row"));
        }
        rows
    }

    fn verify(rows: &[AuditRow]) -> Result<i64, String> {
        let mut verifier = Verifier::default();
        rows.iter().try_for_each(|row| verifier.row(row))?;
        verifier.end().map(|(rows, _)| rows)
    }

    #[test]
    fn what_was_only_appended_to_verifies() {
        assert_eq!(verify(&[]), Ok(0));
        assert_eq!(verify(&trail(20)), Ok(20));
    }

    #[test]
    fn what_a_deletion_has_erased_verifies_and_what_somebody_else_has_does_not() {
        let mut rows = trail(6);
        for index in [2, 5] {
            let row = &mut rows[index];
            (row.salt, row.account_id, row.detail) = (None, None, None);
        }
        assert_eq!(
            verify(&rows),
            Err("row 3 is the first that was erased without a deletion".into())
        );
        let mut event = Event::without_request(By::Server, Act::Deleted, None, 7);
        event.detail.erased = vec![3, 6];
        let before = rows.last().map(|row| (row.seq, &*row.hash));
        rows.push(AuditRow::following(before, &event).expect("a row"));
        assert_eq!(verify(&rows), Ok(7));
    }

    #[test]
    fn every_act_has_a_word_of_its_own() {
        let words: HashSet<_> = Act::ALL.iter().map(|(_, word)| word).collect();
        assert_eq!(words.len(), Act::ALL.len());
    }

    proptest! {
        #[test]
        fn the_first_row_that_was_altered_is_named(
            length in 1_i64..12, at in any::<prop::sample::Index>(), what in 0..8
        ) {
            let mut rows = trail(length);
            let index = at.index(rows.len());
            let row = &mut rows[index];
            match what {
                0 => row.at += 1,
                1 => row.event.push('x'),
                2 => row.account_id = Some(99),
                3 => row.account_id = None,
                4 => row.detail = Some("{}".into()),
                5 => row.digest = sha256("x"),
                6 => row.hash = sha256("x"),
                _ => row.seq += 1,
            }
            let named = if what == 7 { index + 2 } else { index + 1 };
            let message = verify(&rows).expect_err("it was altered");
            prop_assert!(message.starts_with(&format!("row {named} ")), "{}", message);
        }

        #[test]
        fn a_row_that_is_taken_out_or_told_twice_is_found(
            length in 2_i64..12, at in any::<prop::sample::Index>()
        ) {
            let rows = trail(length);
            let index = at.index(rows.len() - 1);
            let (mut without, mut twice) = (rows.clone(), rows.clone());
            without.remove(index);
            prop_assert!(verify(&without).is_err());
            twice.insert(index, rows[index].clone());
            prop_assert!(verify(&twice).is_err());
        }
    }
}
