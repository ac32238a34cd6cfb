//! Randomness from the operating system only (CF-05).

use std::cell::RefCell;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{domain::AccountId, platform::error::Fault};

pub fn bytes<const SIZE: usize>() -> Result<[u8; SIZE], Fault> {
    let mut bytes = [0; SIZE];
    getrandom::fill(&mut bytes).map_err(Fault::internal)?;
    Ok(bytes)
}

/// 128 random bits in base64url: 22 characters.
pub fn text() -> Result<String, Fault> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(Fault::internal)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The same, for values that are needed all the time and aren't secret: drawn in batches.
pub fn label() -> Result<String, Fault> {
    const SIZE: usize = 16;
    thread_local! {
        static DRAWN: RefCell<Vec<[u8; SIZE]>> = const { RefCell::new(Vec::new()) };
    }
    DRAWN.with_borrow_mut(|drawn| {
        if drawn.is_empty() {
            let mut bytes = [0; 64 * SIZE];
            getrandom::fill(&mut bytes).map_err(Fault::internal)?;
            drawn.extend_from_slice(bytes.as_chunks().0);
        }
        let label = drawn.pop().ok_or_else(|| Fault::internal("nothing was drawn"))?;
        Ok(URL_SAFE_NO_PAD.encode(label))
    })
}

/// A text like those of [`text`], made of a secret tag in base64url.
#[must_use]
pub fn text_of(tag: &str) -> String {
    let bytes = URL_SAFE_NO_PAD.decode(tag).unwrap_or_default();
    URL_SAFE_NO_PAD.encode(&bytes[..bytes.len().min(16)])
}

/// Whether [`text`] could have produced it.
#[must_use]
pub fn is_text(text: &str) -> bool {
    URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 16)
}

/// 256 random bits in hexadecimal: 64 characters.
pub fn hex() -> Result<String, Fault> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(Fault::internal)?;
    Ok(hexadecimal(&bytes))
}

#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |bits: u8| char::from(DIGITS[usize::from(bits)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// 256 random bits in base64url, for values that are themselves secrets: 43 characters.
pub fn token() -> Result<String, Fault> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(Fault::internal)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Eight random digits. 2^64 is so much more than 10^8 that none is noticeably likelier.
pub fn digits() -> Result<String, Fault> {
    let random = getrandom::u64().map_err(Fault::internal)?;
    Ok(format!("{:08}", random % 100_000_000))
}

/// Positive and below 2^53. Among a million accounts, two share a number with a probability of
/// 10^-4; the second sign-up is then refused as taken: nothing is lost, and a retry succeeds.
pub fn account_id() -> Result<AccountId, Fault> {
    let random = getrandom::u64().map_err(Fault::internal)? >> 11;
    Ok(AccountId(i64::try_from(random.max(1)).map_err(Fault::internal)?))
}
