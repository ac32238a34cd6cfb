//! Notices: one line about what was just done, shown once, only to whom it applies, on the next
//! page that this browser loads.
//!
//! A notice travels in a cookie that only this server can make, bound to one session or visitor. So
//! no link can put such a sentence on our page (CS-09), and a reload doesn't repeat it.

use std::borrow::Cow;

use axum::http::{HeaderMap, HeaderValue};

use crate::{keys::Statement, web::state::AppState};

/// A notice. Its text is `saved-WORD`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub word: Cow<'static, str>,
    /// The time it mentions, in seconds since 1970.
    pub at: Option<i64>,
}

/// Declares the notices of a room, and lists them as `NOTICES`.
macro_rules! notices {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {
        $($(#[$doc])* pub(crate) const $name: $crate::web::notices::Notice =
            $crate::web::notices::Notice::new($word);)*

        /// The notices of this room.
        pub(crate) const NOTICES: &[$crate::web::notices::Notice] = &[$($name),*];
    };
}

pub(crate) use notices;

/// The offer of a passkey: no sentence, but a part of the next page (`page/shell.rs`).
pub(crate) const PASSKEY_OFFER: Notice = Notice::new("offer-passkey");

impl Notice {
    #[must_use]
    pub const fn new(word: &'static str) -> Self {
        Self { word: Cow::Borrowed(word), at: None }
    }

    /// The same, with a time.
    #[must_use]
    pub fn at(self, time: i64) -> Self {
        Self { at: Some(time), ..self }
    }

    fn written(&self) -> String {
        match self.at {
            Some(at) => format!("{}-{at}", self.word),
            None => self.word.clone().into_owned(),
        }
    }

    fn read(text: &str) -> Self {
        let timed = text.rsplit_once('-').and_then(|(word, at)| Some((word, at.parse().ok()?)));
        let (word, at) = timed.map_or((text, None), |(word, at)| (word, Some(at)));
        Self { word: Cow::Owned(word.to_owned()), at }
    }

    /// `whom`: the id of the session or visitor that will load the next page.
    #[must_use]
    pub fn cookie(&self, state: &AppState, whom: &str) -> HeaderValue {
        let text = self.written();
        let tag = state.keys.tag(Statement::Notice(&text, whom));
        state.cookies.set_notice(format!("{text}.{tag}"))
    }

    /// The notice in a request, if it is for one of `whom`.
    #[must_use]
    pub fn of(state: &AppState, headers: &HeaderMap, whom: [Option<&str>; 2]) -> Option<Self> {
        let cookie = state.cookies.notice(headers)?;
        let (text, tag) = cookie.split_once('.')?;
        let is_for = |whom: &str| state.keys.fits(Statement::Notice(text, whom), tag);
        whom.into_iter().flatten().any(is_for).then(|| Self::read(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_notice_reads_back_as_itself() {
        for notice in [Notice::new("name"), Notice::new("same-name"), Notice::new("deleted").at(17)]
        {
            assert_eq!(Notice::read(&notice.written()), notice);
        }
    }
}
