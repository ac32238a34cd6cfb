//! Pending acts: requests that must wait until the password is entered again, and are performed
//! right after that.
//!
//! The act travels with the browser to `/confirm` in a cookie, from there into a hidden field of
//! that page, which names what will be done, and returns with the password. Only this server can
//! make it, and only for one session.

use axum::http::HeaderMap;
use futures_util::future::BoxFuture;

use super::{notices::Notice, state::AppState, submit::FormCall};
use crate::{
    keys::Statement,
    platform::{clock::now, error::Result},
    sessions::caller::Fresh,
};

/// An act that may have to wait for the password.
pub struct PendingAct {
    /// Its name in the cookie and the field.
    pub word: &'static str,
    /// The page where it is requested. With a slash at its end: all pages below it.
    pub page: &'static str,
    /// The name of the text on `/confirm` that says what will be done.
    pub lead: &'static str,
    /// Its target, from the fields of its form. `None`: the form doesn't request it.
    pub of_form: fn(&[(String, String)]) -> Option<String>,
    pub run: Run,
}

pub type Run = for<'a> fn(&'a FormCall, Fresh<'a>, &'a str) -> BoxFuture<'a, Result<Notice>>;

#[derive(Clone)]
pub struct Pending {
    pub act: &'static PendingAct,
    pub to: String,
}

/// How long it can be confirmed, in seconds.
const TTL: i64 = 15 * 60;

impl Pending {
    /// `family`: that of the session it is for.
    #[must_use]
    pub fn seal(&self, state: &AppState, family: &str) -> String {
        let text = format!("{}.{}.{}", self.act.word, self.to, now() + TTL);
        let tag = state.keys.tag(Statement::Pending(&text, family));
        format!("{text}.{tag}")
    }

    #[must_use]
    pub fn open(state: &AppState, sealed: &str, family: &str) -> Option<Self> {
        let (text, tag) = sealed.rsplit_once('.')?;
        if !state.keys.fits(Statement::Pending(text, family), tag) {
            return None;
        }
        let (what, until) = text.rsplit_once('.')?;
        if !(now()..=now() + TTL).contains(&until.parse().ok()?) {
            return None;
        }
        let (word, to) = what.split_once('.')?;
        Some(Self { act: state.routes.pending(word)?, to: to.to_owned() })
    }

    /// The act in the cookie, sealed and opened, if it was requested on the page that follows.
    #[must_use]
    pub fn of_cookie(
        state: &AppState,
        headers: &HeaderMap,
        family: &str,
        next: &str,
    ) -> Option<(String, Self)> {
        let sealed = state.cookies.pending(headers)?;
        let pending = Self::open(state, &sealed, family)?;
        pending.is_of(next).then_some((sealed, pending))
    }

    /// Whether it was requested on this page, or on one below it if it ends with a slash.
    #[must_use]
    pub fn is_of(&self, page: &str) -> bool {
        let path = page.split('?').next().unwrap_or_default();
        path == self.act.page || (self.act.page.ends_with('/') && path.starts_with(self.act.page))
    }
}
