//! The chain of the trail: how each row is linked to the one before, and how the links are checked.

use std::{collections::HashSet, io::Write};

use aws_lc_rs::digest;
use serde::Serialize;

use super::{By, DELETED, Detail, ERASED, Event, sql};
use crate::{
    platform::{error::Fault, random},
    store::Store,
};

/// How many rows are read at once.
const PAGE: i64 = 500;

/// A row of the trail, as stored. Erased fields are `None`.
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
            event: event.act.0.to_owned(),
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

    /// The details that are the business of the account's owner: not where somebody else was who acted for the
    /// operator.
    #[must_use]
    pub fn detail_for_owner(&self) -> Option<Detail> {
        let detail = self.detail()?;
        Some(match detail.by {
            By::Administrator | By::ApiKey => Detail {
                network: String::new(),
                device: String::new(),
                request_id: String::new(),
                session: String::new(),
                ..detail
            },
            By::Owner | By::Stranger | By::Operator | By::Server => detail,
        })
    }
}

/// SHA-256, in hexadecimal.
#[must_use]
pub fn sha256(text: &str) -> String {
    random::hexadecimal(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

/// Checks the trail row by row, in the order of `seq`.
#[derive(Default)]
struct Verifier {
    /// The hash that one of the rows must have.
    expected: Option<String>,
    last: Option<(i64, String)>,
    erased: Vec<i64>,
    /// The rows erased by a deletion.
    accounted_for: HashSet<i64>,
}

impl Verifier {
    fn expecting(hash: Option<String>) -> Self {
        Self { expected: hash, ..Self::default() }
    }

    /// Checks the next row. `Err`: what is wrong with it.
    fn row(&mut self, row: &AuditRow) -> Result<(), String> {
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
        if [DELETED.0, ERASED.0].contains(&&*row.event)
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

    /// The number of rows, and the hash of the last.
    fn end(self) -> Result<(i64, String), String> {
        if self.expected.is_some() {
            return Err("the row that was expected is not in it".to_owned());
        }
        match self.erased.iter().find(|seq| !self.accounted_for.contains(seq)) {
            Some(seq) => Err(format!("row {seq} is the first that was erased without a deletion")),
            None => Ok(self.last.unwrap_or_default()),
        }
    }
}

/// Checks the whole trail, and returns the number of rows and the hash of the last. A row with the
/// `expected` hash must be among them. Inner `Err`: what is wrong.
pub async fn verify(
    store: &Store,
    expected: Option<String>,
) -> Result<Result<(i64, String), String>, Fault> {
    check(store, Verifier::expecting(expected), 0).await
}

/// Checks the newest `most` rows: each is as it was written, and follows the one before it. Returns how many there
/// are. Inner `Err`: what is wrong.
pub async fn verify_recent(store: &Store, most: i64) -> Result<Result<i64, String>, Fault> {
    let start = sql::nth_last(&mut store.read().await?, most + 1).await?;
    let first = start.as_ref().map_or(0, |(seq, _)| *seq);
    let checked = check(store, Verifier { last: start, ..Verifier::default() }, first).await?;
    Ok(checked.map(|(end, _)| end - first))
}

/// Checks the rows after `last`.
async fn check(
    store: &Store,
    mut verifier: Verifier,
    mut last: i64,
) -> Result<Result<(i64, String), String>, Fault> {
    loop {
        let rows = match sql::after(&mut store.read().await?, last, PAGE).await {
            Ok(rows) => rows,
            // A row with a column of the wrong type makes its whole page unreadable.
            Err(Fault::Internal(_)) => match sql::after(&mut store.read().await?, last, 1).await {
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

/// The rows after `seq`, one per line, and the number of the last. `None`: there are no more.
pub async fn page_of_export(store: &Store, seq: i64) -> Result<Option<(String, i64)>, Fault> {
    let rows = sql::after(&mut store.read().await?, seq, PAGE).await?;
    let Some(last) = rows.last().map(|row| row.seq) else { return Ok(None) };
    let mut lines = String::new();
    for row in &rows {
        lines += &serde_json::to_string(row).map_err(Fault::internal)?;
        lines.push('\n');
    }
    Ok(Some((lines, last)))
}

/// Writes the whole trail, one row per line. Returns the number of rows.
pub async fn export(store: &Store, mut to: impl Write) -> Result<u64, Fault> {
    let (mut last, mut count) = (0, 0);
    while let Some((lines, end)) = page_of_export(store, last).await? {
        to.write_all(lines.as_bytes()).map_err(Fault::internal)?;
        last = end;
        count += lines.lines().count() as u64;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::By, *};
    use crate::{audit::Act, domain::AccountId};

    fn trail(length: i64) -> Vec<AuditRow> {
        let mut rows: Vec<AuditRow> = Vec::new();
        for at in 1..=length {
            let event = Event::without_request(
                By::Owner,
                Act("authn_login_success"),
                Some(AccountId(at % 3)),
                at,
            );
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
        let mut event = Event::without_request(By::Server, DELETED, None, 7);
        event.detail.erased = vec![3, 6];
        let before = rows.last().map(|row| (row.seq, &*row.hash));
        rows.push(AuditRow::following(before, &event).expect("a row"));
        assert_eq!(verify(&rows), Ok(7));
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
