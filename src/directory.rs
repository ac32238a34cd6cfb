//! The directory: what accounts are found by. Their names and addresses, by the beginning of any word.
//!
//! Rooms that own a name or an address write its terms here. Terms are stored in hexadecimal, because each
//! database sorts text in its own way, and digits and letters of ASCII the same in all of them.

mod sql;

use crate::{
    domain::AccountId,
    platform::{error::Fault, random::hexadecimal},
    store::db::Tx,
};

pub(crate) use sql::TABLES;

/// What a term belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    Name,
    Address,
}

impl Of {
    fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Address => "address",
        }
    }
}

/// The longest term, in bytes: nobody types more to find somebody.
const MAX_TERM: usize = 64;

/// How many words of one text count.
const MAX_WORDS: usize = 8;

/// Replaces what an account is found by.
pub(crate) async fn set(
    tx: &mut Tx,
    account: AccountId,
    of: Of,
    texts: &[&str],
) -> Result<(), Fault> {
    sql::forget(tx, account, of.word()).await?;
    add(tx, account, of, texts).await
}

/// Adds to what an account is found by.
pub(crate) async fn add(
    tx: &mut Tx,
    account: AccountId,
    of: Of,
    texts: &[&str],
) -> Result<(), Fault> {
    let mut terms: Vec<String> = texts.iter().flat_map(|text| terms(text)).collect();
    terms.sort_unstable();
    terms.dedup();
    sql::add(tx, account, of.word(), &terms).await
}

/// A text from each of its words on.
fn terms(text: &str) -> Vec<String> {
    let folded = text.to_lowercase();
    let words: Vec<&str> = folded.split_whitespace().take(MAX_WORDS).collect();
    (0..words.len()).map(|first| hexadecimal(cut(&words[first..].join(" ")).as_bytes())).collect()
}

/// The terms that begin with a text, as a range without its end. `None`: the text has no words.
#[must_use]
pub(crate) fn range(text: &str) -> Option<(String, String)> {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    if words.is_empty() {
        return None;
    }
    let start = hexadecimal(cut(&words.join(" ")).as_bytes());
    // After all of them: no digit is greater than f.
    let end = format!("{start}g");
    Some((start, end))
}

/// The beginning of a text, as long as a term may be.
fn cut(text: &str) -> &str {
    let end = (0..=MAX_TERM.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or_default()]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn finds(query: &str, text: &str) -> bool {
        let Some((start, end)) = range(query) else { return false };
        terms(text).iter().any(|term| *term >= start && *term < end)
    }

    #[test]
    fn a_name_is_found_by_the_beginning_of_each_of_its_words() {
        for query in ["ada", "Ada King", "lovel", "KING  lovelace", "ad"] {
            assert!(finds(query, "Ada King Lovelace"), "{query}");
        }
        for query in ["dada", "da", "ada lovelace", "lovelace ada", ""] {
            assert!(!finds(query, "Ada King Lovelace"), "{query}");
        }
        assert!(finds("zoë", "ZOË 李"));
    }

    proptest! {
        #[test]
        fn every_text_with_a_word_is_found_by_its_beginning(text in "\\PC{1,90}", length in 1_usize..15) {
            let start: String = text.trim_start().chars().take(length).collect();
            prop_assume!(start.split_whitespace().next().is_some());
            // A letter in lower case may depend on what follows it: a final sigma.
            prop_assume!(!text.contains('Σ'));
            prop_assert!(finds(&start, &text));
        }
    }
}
