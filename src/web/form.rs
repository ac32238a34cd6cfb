//! Forms as values: where each stands, what it keeps, and how it comes again with its errors.
//!
//! A form is declared with its room, beside its server function. A refused form is the answer to its
//! POST: what was typed is in it, and what is wrong with it. The error summary, the messages and the
//! password field behave as in the GOV.UK Design System.

use std::collections::BTreeMap;

use axum::{http::HeaderMap, response::Response};
use futures_util::future::BoxFuture;

use super::{
    next::safe_next,
    notices::Notice,
    pending::{Pending, PendingAct},
    routes::Policy,
    state::AppState,
    viewer::Viewer,
};
use crate::{
    domain::{AccountId, Code, Field, FieldError, Profile, profile},
    platform::error::{Error, Fault, Refusal, Result},
};

/// The hidden field that ties a form to a session or a visitor.
pub const TOKEN_FIELD: &str = "form_token";

/// A form of a page.
pub struct Form {
    /// The URL of its server function.
    pub action: &'static str,
    /// The page on which it stands.
    pub page: &'static str,
    /// Who may send it. One that strangers may send is tied to the visitor, also in a browser in which
    /// somebody has just signed in: a second tab may send it later.
    pub policy: Policy,
    /// The name of the text of its title.
    pub title: &'static str,
    /// The field to which a message about the whole leads.
    pub first: fn(&FormState) -> Field,
    /// The fields that come again as they were typed, beside those of the profile. Never a password.
    pub keeps: &'static [&'static str],
    /// Whether its username is that of whoever is signed in, whatever was sent.
    pub of_account: bool,
    /// Whether the browser can say what is wrong with a field before it is sent.
    pub has_island: bool,
    /// Shows its page, with what is in the form. `None`: there is nothing to mend in it, so an error is
    /// a page of its own.
    pub show: Option<Show>,
    /// What it asks for, if that may have to wait for the password.
    pub pending: Option<&'static PendingAct>,
    /// The answer to whoever sends it when the session is over.
    pub over: Over,
}

/// Shows the page of a form.
pub type Show = for<'a> fn(
    &'a AppState,
    FormState,
    &'a Viewer,
    &'a HeaderMap,
) -> BoxFuture<'a, Result<Response>>;

/// What it means that the session of a form is over.
#[derive(Clone, Copy)]
pub enum Over {
    /// To sign in, and then back to the page.
    SignIn,
    /// That is what the form was for.
    SignedOut,
    /// Perhaps the form has just ended it, and this is what it said then, on the page to sign in.
    Perhaps(Said),
}

/// What a form has said when it ended the sessions of an account, if it did.
pub type Said = for<'a> fn(&'a AppState, AccountId) -> BoxFuture<'a, Result<Option<Notice>>>;

impl Form {
    /// A form with nothing to mend in it, for those who are signed in.
    #[must_use]
    pub const fn at(action: &'static str, page: &'static str) -> Self {
        Self {
            action,
            page,
            policy: Policy::SignedIn,
            title: "service",
            first: |_| Field::USERNAME,
            keeps: &[],
            of_account: false,
            has_island: false,
            show: None,
            pending: None,
            over: Over::SignIn,
        }
    }
}

/// What is wrong with the whole of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    Credentials,
    Stale,
    Busy,
    TooMany { minutes: u64 },
    NotConfirmed,
}

/// Everything a form shows but its token.
#[derive(Clone)]
pub struct FormState {
    pub form: &'static Form,
    values: BTreeMap<&'static str, String>,
    pub(crate) errors: Vec<FieldError>,
    pub(crate) wrong: Option<Wrong>,
    /// The act that waits for the password, sealed and opened.
    pub(crate) pending: Option<(String, Pending)>,
    /// Whether the password was confirmed a moment ago, so that it need not be entered once more.
    pub(crate) confirmed: bool,
}

impl FormState {
    #[must_use]
    pub fn new(form: &'static Form) -> Self {
        let (values, errors, wrong, pending) = Default::default();
        Self { form, values, errors, wrong, pending, confirmed: false }
    }

    /// With something in a field.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.values.insert(name, value.to_owned());
        self
    }

    /// What comes after it. What is no path of this site need not be carried on.
    #[must_use]
    pub fn to(self, next: &str) -> Self {
        if next.is_empty() { self } else { self.with("next", &safe_next(next)) }
    }

    /// With what is known of whoever is signed in.
    #[must_use]
    pub fn of(self, profile: &Profile) -> Self {
        let values = profile.values.iter();
        let known = values.filter_map(|(field, value)| Some((field.field.name(), value?)));
        known.fold(self.with(Field::USERNAME.name(), &profile.username), |form, (name, value)| {
            form.with(name, value)
        })
    }

    /// Names the act that follows when the form is accepted.
    #[must_use]
    pub fn pending(self, pending: Option<(String, Pending)>) -> Self {
        Self { pending, ..self }
    }

    /// Whether the password was confirmed a moment ago.
    #[must_use]
    pub fn confirmed(self, confirmed: bool) -> Self {
        Self { confirmed, ..self }
    }

    /// A form once more, because of `error`. `None`: this error is not the form's.
    #[must_use]
    pub fn again(
        form: &'static Form,
        pending: Option<(String, Pending)>,
        fields: &[(String, String)],
        error: &Error,
        viewer: &Viewer,
    ) -> Option<Self> {
        let (errors, wrong) = match error {
            Error::Refusal(Refusal::InvalidInput(errors)) => (errors.clone(), None),
            Error::Refusal(Refusal::UsernameTaken) => {
                (vec![FieldError { field: Field::USERNAME, code: Code::Taken }], None)
            }
            Error::Refusal(Refusal::InvalidCredentials) => (Vec::new(), Some(Wrong::Credentials)),
            Error::Refusal(Refusal::StaleForm) => (Vec::new(), Some(Wrong::Stale)),
            Error::Refusal(Refusal::NotConfirmed) => (Vec::new(), Some(Wrong::NotConfirmed)),
            Error::Refusal(Refusal::TooManyTries { retry_after }) => {
                (Vec::new(), Some(Wrong::TooMany { minutes: retry_after.div_ceil(60) }))
            }
            Error::Refusal(Refusal::Overloaded)
            | Error::Fault(Fault::Away | Fault::Unavailable(_)) => (Vec::new(), Some(Wrong::Busy)),
            _ => return None,
        };
        let typed = |name: &str| {
            let field = fields.iter().find(|(field, _)| field == name);
            field.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        // One who left the current password out was not asked for it, or should be asked now.
        let current = Field::CURRENT_PASSWORD;
        let missing = errors.iter().any(|error| error.field == current);
        let given = fields.iter().any(|(name, _)| name == current.name());
        let mut state = Self::new(form).to(&typed("next"));
        let of_profile = profile::FIELDS.iter().map(|field| field.field.name());
        for name in form.keeps.iter().copied().chain(of_profile) {
            state.values.insert(name, typed(name));
        }
        if let Some(caller) = viewer.caller.as_ref().filter(|_| form.of_account) {
            state.values.insert(Field::USERNAME.name(), caller.profile().username.clone());
        }
        Some(Self { errors, wrong, pending, confirmed: !missing && !given, ..state })
    }

    /// What is in a field.
    #[must_use]
    pub fn value(&self, name: &str) -> &str {
        self.values.get(name).map_or("", String::as_str)
    }

    /// The address of its page.
    #[must_use]
    pub fn here(&self) -> String {
        self.with_query(self.form.page)
    }

    /// Where it is sent. What a GET there would need to find the page again goes along.
    pub(crate) fn action(&self) -> String {
        self.with_query(self.form.action)
    }

    fn with_query(&self, page: &str) -> String {
        let named = ["link", "next"].map(|name| (name, self.value(name)));
        let Some((name, value)) = named.into_iter().find(|(_, value)| !value.is_empty()) else {
            return page.to_owned();
        };
        let value: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
        format!("{page}?{name}={value}")
    }

    #[must_use]
    pub fn is_wrong(&self) -> bool {
        self.wrong.is_some() || !self.errors.is_empty()
    }
}
