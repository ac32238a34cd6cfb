//! Notices: one line about what was just done, said once and to whom it is true, on the next page
//! that this browser loads.
//!
//! It travels in a cookie that only this server can make, bound to the session or the visitor that it
//! is for. So no link can put such a sentence on our page (CS-09), and a reload does not repeat it.

use axum::http::{HeaderMap, HeaderValue};

use crate::{keys::Statement, web::state::AppState};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    NameChanged,
    NameUnchanged,
    PasswordChanged,
    SessionEnded,
    SessionGone,
    OtherSessionsEnded,
    /// The account was about to be deleted, and stays.
    Kept,
    PasswordSet,
    /// It will be deleted at this time, in seconds since 1970.
    DeletionAsked(i64),
    DownloadReady,
    /// The password was confirmed, and what was asked for before that was not done.
    NotDone,
}

const WORDS: [(Notice, &str); 10] = [
    (Notice::NameChanged, "name"),
    (Notice::NameUnchanged, "same-name"),
    (Notice::PasswordChanged, "password"),
    (Notice::SessionEnded, "session"),
    (Notice::SessionGone, "session-gone"),
    (Notice::OtherSessionsEnded, "sessions"),
    (Notice::Kept, "kept"),
    (Notice::PasswordSet, "set-password"),
    (Notice::DownloadReady, "download"),
    (Notice::NotDone, "not-done"),
];

const DELETED: &str = "deleted";

impl Notice {
    /// The word that names its text: `saved-WORD`.
    #[must_use]
    pub fn word(self) -> &'static str {
        WORDS.iter().find(|(notice, _)| *notice == self).map_or(DELETED, |(_, word)| word)
    }

    fn written(self) -> String {
        match self {
            Self::DeletionAsked(at) => format!("{DELETED}-{at}"),
            _ => self.word().to_owned(),
        }
    }

    fn read(text: &str) -> Option<Self> {
        let known = WORDS.iter().find(|(_, word)| *word == text).map(|(notice, _)| *notice);
        known.or_else(|| {
            let at = text.strip_prefix(DELETED)?.strip_prefix('-')?.parse().ok()?;
            Some(Self::DeletionAsked(at))
        })
    }

    /// `whom`: the id of the session or of the visitor that loads the next page.
    #[must_use]
    pub fn cookie(self, state: &AppState, whom: &str) -> HeaderValue {
        let text = self.written();
        let tag = state.macs.tag(Statement::Notice(&text, whom));
        state.cookies.set_notice(format!("{text}.{tag}"))
    }

    /// The notice that came with a request, if it is for one of these.
    #[must_use]
    pub fn of(state: &AppState, headers: &HeaderMap, whom: [Option<&str>; 2]) -> Option<Self> {
        let cookie = state.cookies.notice(headers)?;
        let (text, tag) = cookie.split_once('.')?;
        let is_for = |whom: &str| state.macs.fits(Statement::Notice(text, whom), tag);
        whom.into_iter().flatten().any(is_for).then(|| Self::read(text))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_notice_reads_back_as_itself() {
        for (notice, _) in WORDS {
            assert_eq!(Notice::read(&notice.written()), Some(notice));
        }
        let deletion = Notice::DeletionAsked(1_795_392_061);
        assert_eq!(Notice::read(&deletion.written()), Some(deletion));
        for text in ["", "deleted", "deleted-", "deleted-x", "names"] {
            assert_eq!(Notice::read(text), None, "{text}");
        }
    }
}
