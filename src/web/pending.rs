//! An act that waits: somebody asked for it, and had to enter the password again first. It is done
//! right after that.
//!
//! It goes with the browser to `/confirm` in a cookie, from there into a hidden field of that page,
//! which names what will be done, and comes back with the password. Only this server can make it, and
//! only for one session.

use axum::http::HeaderMap;

use crate::{
    keys::Statement,
    platform::{clock::now, random},
    web::state::AppState,
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pending {
    EndSession(String),
    EndOtherSessions,
    DeleteAccount,
    Download,
}

/// For how long it may be confirmed, in seconds.
const TTL: i64 = 15 * 60;

impl Pending {
    /// The act that a server function's form asks for.
    #[must_use]
    pub fn of_form(action: &str, fields: &[(String, String)]) -> Option<Self> {
        let field = |name: &str| {
            let field = fields.iter().find(|(field, _)| field == name);
            field.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
        };
        match action {
            "/api/end_session" => {
                let id = field("id").filter(|id| random::is_text(id))?;
                Some(Self::EndSession(id.to_owned()))
            }
            "/api/end_other_sessions" => Some(Self::EndOtherSessions),
            "/api/delete_account" => field("confirmed").map(|_| Self::DeleteAccount),
            _ => None,
        }
    }

    /// The page where it was asked for.
    #[must_use]
    pub fn page(&self) -> &'static str {
        match self {
            Self::EndSession(_) | Self::EndOtherSessions => "/account/sessions",
            Self::DeleteAccount | Self::Download => "/account/data",
        }
    }

    /// The name of the text that says on `/confirm` what will be done.
    #[must_use]
    pub fn lead(&self) -> &'static str {
        match self {
            Self::EndSession(_) => "confirm-lead-session",
            Self::EndOtherSessions => "confirm-lead-sessions",
            Self::DeleteAccount => "confirm-lead-delete",
            Self::Download => "confirm-lead-download",
        }
    }

    fn written(&self, until: i64) -> String {
        let (word, id) = match self {
            Self::EndSession(id) => ("end", id.as_str()),
            Self::EndOtherSessions => ("end-others", ""),
            Self::DeleteAccount => ("delete", ""),
            Self::Download => ("download", ""),
        };
        format!("{word}.{id}.{until}")
    }

    /// `family`: of the session for which it is.
    #[must_use]
    pub fn seal(&self, state: &AppState, family: &str) -> String {
        let text = self.written(now() + TTL);
        let tag = state.macs.tag(Statement::Pending(&text, family));
        format!("{text}.{tag}")
    }

    #[must_use]
    pub fn open(state: &AppState, sealed: &str, family: &str) -> Option<Self> {
        let (text, tag) = sealed.rsplit_once('.')?;
        if !state.macs.fits(Statement::Pending(text, family), tag) {
            return None;
        }
        let (what, until) = text.rsplit_once('.')?;
        if !(now()..=now() + TTL).contains(&until.parse().ok()?) {
            return None;
        }
        match what.split_once('.')? {
            ("end", id) => Some(Self::EndSession(id.to_owned())),
            ("end-others", _) => Some(Self::EndOtherSessions),
            ("delete", _) => Some(Self::DeleteAccount),
            ("download", _) => Some(Self::Download),
            _ => None,
        }
    }

    /// The act in the cookie, if it was asked for on the page that follows: sealed, and opened.
    #[must_use]
    pub fn of_cookie(
        state: &AppState,
        headers: &HeaderMap,
        family: &str,
        next: &str,
    ) -> Option<(String, Self)> {
        let sealed = state.cookies.pending(headers)?;
        let pending = Self::open(state, &sealed, family)?;
        (pending.page() == next).then_some((sealed, pending))
    }
}
