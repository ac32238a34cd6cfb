//! What a page may ask about a password before it is sent: whether it is among the common ones.
//!
//! The browser sends the first two digits of the password's hash, and gets the rest of the hashes of
//! all common passwords whose hashes start so (k-anonymity, as in Have I Been Pwned's range search).
//! So the list doesn't travel, and of the password only 8 bits of its hash do. They are kept nowhere.
//!
//! A file of pages rather than a page: it is among the doors because it answers HTTP.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    extract::{Path, rejection::PathRejection},
    http::header,
    response::{IntoResponse, Response},
};

use crate::{
    domain::common_passwords,
    platform::error::{Refusal, Result},
    web::routes::Map,
};

pub(crate) fn routes(map: &mut Map) {
    map.asset("/common-passwords/{prefix}", range);
}

/// How many hexadecimal digits the browser sends: 8 of the 64 bits.
const PREFIX: usize = 2;

/// The first 64 bits of the SHA-256 of each common password, sorted.
static HASHES: LazyLock<Vec<u64>> = LazyLock::new(|| {
    let mut hashes: Vec<u64> = common_passwords::all().map(hash).collect();
    hashes.sort_unstable();
    hashes
});

/// `folded`: in NFC and in lower case.
fn hash(folded: &str) -> u64 {
    let digest = digest(&SHA256, folded.as_bytes());
    digest.as_ref().iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

/// `GET /common-passwords/{prefix}`: one hash on a line, without the prefix.
async fn range(prefix: std::result::Result<Path<String>, PathRejection>) -> Result<Response> {
    let prefix = prefix.map(|Path(prefix)| prefix).unwrap_or_default();
    let is_prefix = |text: &&String| {
        text.len() == PREFIX && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let digits = Some(&prefix).filter(is_prefix);
    let first = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    let first = first.ok_or(Refusal::NotFound)?;
    let shift = 64 - 4 * PREFIX;
    let from = HASHES.partition_point(|hash| hash >> shift < first);
    let fitting = HASHES[from..].iter().take_while(|hash| *hash >> shift == first);
    let lines: Vec<String> =
        fitting.map(|hash| format!("{hash:016x}")[PREFIX..].to_owned()).collect();
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    Ok((headers, lines.join("\n")).into_response())
}
