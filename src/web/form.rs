//! Forms as values: where each one is, what it keeps, and how it is shown again with its errors.
//!
//! A form is declared in its room, beside its server function. If a POST is refused, the answer is
//! the form itself, with what was typed and what is wrong with it. The error summary, the messages
//! and the password field behave as in the GOV.UK Design System.

use std::collections::BTreeMap;

use axum::{http::HeaderMap, response::Response};
use futures_util::future::BoxFuture;

use super::{
    next::{before, safe_next},
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
    /// The page it is on. With a slash at its end: one below it, which the field `next` names.
    pub page: &'static str,
    /// Decides who may send it. A form for strangers is tied to the visitor, even in a browser that
    /// has just signed in: a second tab may send it later.
    pub policy: Policy,
    /// The name of its title's text.
    pub title: &'static str,
    /// The fields shown again as typed, besides those of the profile. Never a password.
    pub keeps: &'static [&'static str],
    /// Whether its username is always the signed-in user's, whatever was sent.
    pub of_account: bool,
    /// Whether the browser can check its fields before it is sent.
    pub has_island: bool,
    /// Whether it asks for a new password.
    pub new_password: bool,
    /// Whether a passkey can answer it.
    pub has_passkeys: bool,
    /// Shows its page, with the contents of the form. `None`: it has nothing to correct, so an
    /// error gets a page of its own.
    pub show: Option<Show>,
    /// The act it requests, if that may have to wait for the password.
    pub pending: Option<&'static PendingAct>,
    /// The answer if the session is over.
    pub over: Over,
}

/// Shows the page of a form.
pub type Show = for<'a> fn(
    &'a AppState,
    FormState,
    &'a Viewer,
    &'a HeaderMap,
) -> BoxFuture<'a, Result<Response>>;

/// How to answer a form whose session is over.
#[derive(Clone, Copy)]
pub enum Over {
    /// Sign in, then return to the page.
    SignIn,
    /// Ending the session was the purpose of the form.
    SignedOut,
    /// The form may just have ended it: show what it said then, on the sign-in page.
    Perhaps(Said),
}

/// The notice of a form that ended the sessions of an account, if it did.
pub type Said = for<'a> fn(&'a AppState, AccountId) -> BoxFuture<'a, Result<Option<Notice>>>;

impl Form {
    /// A form with nothing to correct, for signed-in users.
    #[must_use]
    pub const fn at(action: &'static str, page: &'static str) -> Self {
        Self {
            action,
            page,
            policy: Policy::SignedIn,
            title: "account-navigation",
            keeps: &[],
            of_account: false,
            has_island: false,
            new_password: false,
            has_passkeys: false,
            show: None,
            pending: None,
            over: Over::SignIn,
        }
    }
}

/// The submitted value of a field, if the form has it.
#[must_use]
pub fn sent<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let field = fields.iter().find(|(field, _)| field == name);
    field.map(|(_, value)| value.as_str())
}

/// The same, if it is not empty.
#[must_use]
pub fn field<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    sent(fields, name).filter(|value| !value.is_empty())
}

/// An error of a form as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    Credentials,
    SecondFactor,
    Passkey,
    UnknownPasskey,
    Stale,
    Busy,
    TooMany { minutes: u64 },
}

/// Everything a form shows except its token.
#[derive(Clone)]
pub struct FormState {
    pub form: &'static Form,
    values: BTreeMap<&'static str, String>,
    pub(crate) errors: Vec<FieldError>,
    pub(crate) wrong: Option<Wrong>,
    /// What is wrong with it as a whole, in words.
    pub(crate) faults: Vec<String>,
    /// The pending act, sealed and opened.
    pub(crate) pending: Option<(String, Pending)>,
    /// Whether the password was confirmed a moment ago and need not be entered again.
    pub(crate) confirmed: bool,
}

impl FormState {
    #[must_use]
    pub fn new(form: &'static Form) -> Self {
        let (values, errors, wrong, faults, pending) = Default::default();
        Self { form, values, errors, wrong, faults, pending, confirmed: false }
    }

    /// With a value in a field.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.values.insert(name, value.to_owned());
        self
    }

    /// Sets the page that follows. Only a path of this site is kept.
    #[must_use]
    pub fn to(self, next: &str) -> Self {
        if next.is_empty() { self } else { self.with("next", &safe_next(next)) }
    }

    /// Fills in what is known of the signed-in user.
    #[must_use]
    pub fn of(self, profile: &Profile) -> Self {
        let values = profile.values.iter();
        let known = values.filter_map(|(field, value)| Some((field.field.name(), value?)));
        known.fold(self.with(Field::USERNAME.name(), &profile.username), |form, (name, value)| {
            form.with(name, value)
        })
    }

    /// The same, as another form of its page.
    #[must_use]
    pub fn as_of(self, form: &'static Form) -> Self {
        Self { form, ..self }
    }

    /// Sets the act that follows when the form is accepted.
    #[must_use]
    pub fn pending(self, pending: Option<(String, Pending)>) -> Self {
        Self { pending, ..self }
    }

    /// Whether the password was confirmed a moment ago.
    #[must_use]
    pub fn confirmed(self, confirmed: bool) -> Self {
        Self { confirmed, ..self }
    }

    /// The form again, because of `error`. `None`: the error is not about the form.
    #[must_use]
    pub fn again(
        form: &'static Form,
        pending: Option<(String, Pending)>,
        fields: &[(String, String)],
        error: &Error,
        viewer: &Viewer,
    ) -> Option<Self> {
        let mut faults = Vec::new();
        let (errors, wrong) = match error {
            Error::Refusal(Refusal::InvalidDefinition(words)) => {
                faults.clone_from(words);
                (Vec::new(), None)
            }
            Error::Refusal(Refusal::InvalidInput(errors)) => (errors.clone(), None),
            Error::Refusal(Refusal::UsernameTaken) => {
                (vec![FieldError { field: Field::USERNAME, code: Code::Taken }], None)
            }
            Error::Refusal(Refusal::InvalidCredentials) => (Vec::new(), Some(Wrong::Credentials)),
            Error::Refusal(Refusal::InvalidCode) => {
                let is_sent = |name: Field| self::field(fields, name.name()).is_some();
                match () {
                    () if is_sent(Field::CREDENTIAL) => (Vec::new(), Some(Wrong::Passkey)),
                    () if is_sent(Field::RECOVERY_CODE) => {
                        let field = Field::RECOVERY_CODE;
                        (vec![FieldError { field, code: Code::Wrong }], None)
                    }
                    () => (vec![FieldError { field: Field::CODE, code: Code::Wrong }], None),
                }
            }
            Error::Refusal(Refusal::UnknownPasskey) => (Vec::new(), Some(Wrong::UnknownPasskey)),
            Error::Refusal(Refusal::SecondFactorRequired { .. }) => {
                // Beside a field that the form has.
                let known = [Field::CODE, Field::RECOVERY_CODE].into_iter();
                let mut on_page = known.filter(|field| self::sent(fields, field.name()).is_some());
                match on_page.next() {
                    Some(field) => (vec![FieldError { field, code: Code::Missing }], None),
                    None => (Vec::new(), Some(Wrong::SecondFactor)),
                }
            }
            Error::Refusal(Refusal::StaleForm) => (Vec::new(), Some(Wrong::Stale)),
            Error::Refusal(Refusal::TooManyTries { retry_after }) => {
                (Vec::new(), Some(Wrong::TooMany { minutes: retry_after.div_ceil(60) }))
            }
            Error::Refusal(Refusal::Overloaded)
            | Error::Fault(Fault::Away | Fault::Unavailable(_)) => (Vec::new(), Some(Wrong::Busy)),
            _ => return None,
        };
        // If the current password is missing, the form didn't ask for it, or should do so now.
        let missing = errors.iter().any(|error| error.field == Field::CURRENT_PASSWORD);
        let state = Self::typed(form, pending, fields, viewer);
        Some(Self { errors, wrong, faults, confirmed: state.confirmed && !missing, ..state })
    }

    /// The form with what was typed, but for passwords.
    #[must_use]
    pub fn typed(
        form: &'static Form,
        pending: Option<(String, Pending)>,
        fields: &[(String, String)],
        viewer: &Viewer,
    ) -> Self {
        let typed = |name: &str| sent(fields, name).unwrap_or_default();
        let confirmed = sent(fields, Field::CURRENT_PASSWORD.name()).is_none();
        let mut state = Self::new(form).to(typed("next"));
        let of_profile = profile::FIELDS.iter().map(|field| field.field.name());
        for name in form.keeps.iter().copied().chain(of_profile) {
            state.values.insert(name, typed(name).to_owned());
        }
        if let Some(caller) = viewer.caller.as_ref().filter(|_| form.of_account) {
            state.values.insert(Field::USERNAME.name(), caller.profile().username.clone());
        }
        Self { pending, confirmed, ..state }
    }

    /// The value of a field.
    #[must_use]
    pub fn value(&self, name: &str) -> &str {
        self.values.get(name).map_or("", String::as_str)
    }

    /// The address of its page.
    #[must_use]
    pub fn here(&self) -> String {
        self.with_query(self.form.page)
    }

    /// The URL it is sent to, with what a GET there would need to find the page again.
    pub(crate) fn action(&self) -> String {
        self.with_query(self.form.action)
    }

    fn with_query(&self, page: &str) -> String {
        let next = self.value("next");
        if next.is_empty() {
            return page.to_owned();
        }
        let is_one_of_many = page.len() > 1 && page.ends_with('/');
        let is_page = |rest: &str| rest.starts_with('?') || (is_one_of_many && !rest.is_empty());
        if next.strip_prefix(page).is_some_and(is_page) {
            // The page itself, with all that it needs.
            return next.to_owned();
        }
        before(page, next)
    }

    #[must_use]
    pub fn is_wrong(&self) -> bool {
        self.wrong.is_some() || !self.errors.is_empty() || !self.faults.is_empty()
    }
}
