//! The carrier of a session's JWT: a browser or a program.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// In the cookie.
    Browser,
    /// In `Authorization: Bearer`.
    Program,
}

impl Carrier {
    /// As stored.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Program => "program",
        }
    }

    /// `None`: a kind that this version does not know. A newer node may have written it.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Browser, Self::Program].into_iter().find(|carrier| carrier.word() == word)
    }
}
