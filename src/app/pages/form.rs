//! The sign-up and the sign-in form: new, or again with what was typed and what is wrong with it.
//!
//! The error summary, the error messages and the password field behave as in the GOV.UK Design
//! System.

use leptos::prelude::*;

use crate::{
    domain::{Code, Field, FieldError, PasswordPolicy},
    islands::{LiveForm, REVEAL},
    server::{
        error::{Error, Fault, Refusal},
        forms::{TOKEN_FIELD, safe_next},
    },
};

const SIGN_UP: &str = "/api/sign_up";
const SIGN_IN: &str = "/api/sign_in";

/// Everything a form shows but its token. Never a password.
#[derive(Clone, Debug, Default)]
pub struct FormState {
    /// The URL of the server function.
    action: &'static str,
    full_name: String,
    username: String,
    next: String,
    errors: Vec<FieldError>,
    /// What is wrong with the whole of it, and what to do.
    problem: Option<&'static str>,
}

impl FormState {
    #[must_use]
    pub fn sign_up() -> Self {
        Self { action: SIGN_UP, ..Self::default() }
    }

    #[must_use]
    pub fn sign_in(next: &str) -> Self {
        Self { action: SIGN_IN, next: kept_next(next), ..Self::default() }
    }

    /// The form of the server function at `path` once more, because of `error`. `None`: this error
    /// is not the form's.
    #[must_use]
    pub fn again(path: &str, fields: &[(String, String)], error: &Error) -> Option<Self> {
        let action = [SIGN_UP, SIGN_IN].into_iter().find(|action| *action == path)?;
        let (errors, problem) = match error {
            Error::Refusal(Refusal::InvalidInput(errors)) => (errors.clone(), None),
            Error::Refusal(Refusal::UsernameTaken) => {
                (vec![FieldError { field: Field::Username, code: Code::Taken }], None)
            }
            Error::Refusal(Refusal::InvalidCredentials) => {
                (Vec::new(), Some("Invalid Login Credentials. Check the username and the password"))
            }
            Error::Refusal(Refusal::StaleForm) => (
                Vec::new(),
                Some(
                    "This form is too old, or your browser keeps no cookies. Enter your password and send it again",
                ),
            ),
            Error::Refusal(Refusal::Overloaded) | Error::Fault(Fault::Unavailable(_)) => {
                (Vec::new(), Some("The service is busy. Wait a moment and send it again"))
            }
            _ => return None,
        };
        let typed = |name: &str| {
            let field = fields.iter().find(|(field, _)| field == name);
            field.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        Some(Self {
            action,
            full_name: typed(Field::FullName.name()),
            username: typed(Field::Username.name()),
            next: kept_next(&typed("next")),
            errors,
            problem,
        })
    }

    #[must_use]
    pub fn title(&self) -> &'static str {
        let wrong = self.problem.is_some() || !self.errors.is_empty();
        match (self.action, wrong) {
            (SIGN_UP, false) => "Create an account",
            (SIGN_UP, true) => "Error: Create an account",
            (_, false) => "Sign in",
            (_, true) => "Error: Sign in",
        }
    }
}

/// What is no path of this site need not be carried on.
fn kept_next(next: &str) -> String {
    if next.is_empty() { String::new() } else { safe_next(next) }
}

pub(in crate::app) fn page(
    form: &FormState,
    token: String,
    policy: PasswordPolicy,
) -> impl IntoView + use<> {
    let action = form.action;
    let heading = if action == SIGN_UP { "Create an account" } else { "Sign in" };
    let (fields, other) = if action == SIGN_UP {
        (
            sign_up_fields(form, policy),
            view! { "Do you have an account? " <a href="/signin">"Sign in"</a> },
        )
    } else {
        (
            sign_in_fields(form),
            view! { "Are you new here? " <a href="/signup">"Create an account"</a> },
        )
    };
    let next = (!form.next.is_empty()).then(|| {
        view! { <input type="hidden" name="next" value=form.next.clone()/> }
    });
    view! {
        <section class="card">
            {summary(form)}
            <h1>{heading}</h1>
            <LiveForm>
                <form method="post" action=action novalidate>
                    <input type="hidden" name=TOKEN_FIELD value=token/>
                    {next}
                    {fields}
                    <button type="submit" class="button">{heading}</button>
                </form>
            </LiveForm>
            <p class="other">{other}</p>
        </section>
    }
}

fn sign_up_fields(form: &FormState, policy: PasswordPolicy) -> Vec<AnyView> {
    let min_length = policy.min_length;
    let hint =
        format!("At least {min_length} characters. A few unusual words are easy to remember.");
    vec![
        field(form, Field::FullName, "name", None, None),
        field(
            form,
            Field::Username,
            "username",
            Some("3 to 32 letters, digits, dots, hyphens or underscores.".into()),
            None,
        ),
        field(form, Field::Password, "new-password", Some(hint), Some(min_length)),
    ]
}

fn sign_in_fields(form: &FormState) -> Vec<AnyView> {
    vec![
        field(form, Field::Username, "username", None, None),
        field(form, Field::Password, "current-password", None, None),
    ]
}

/// A field with its label, its hint and its error. In a form for something new it names its rule,
/// and `LiveForm` judges it.
fn field(
    form: &FormState,
    field: Field,
    autocomplete: &'static str,
    hint: Option<String>,
    min_length: Option<usize>,
) -> AnyView {
    let id = field.name();
    let (hint_id, error_id) = (format!("{id}-hint"), format!("{id}-error"));
    let value = match field {
        Field::FullName => form.full_name.clone(),
        Field::Username => form.username.clone(),
        Field::Password => String::new(),
    };
    let error = form.errors.iter().find(|error| error.field == field).map(FieldError::message);
    let is_invalid = if error.is_some() { "true" } else { "false" };
    let described_by =
        if hint.is_some() { format!("{hint_id} {error_id}") } else { error_id.clone() };
    let rule = (form.action == SIGN_UP).then(|| field.name());
    let kind = if field == Field::Password { "password" } else { "text" };
    let reveal = (field == Field::Password).then(|| {
        view! {
            <button type="button" class=REVEAL aria-controls=id aria-label="Show password">"Show"</button>
        }
    });
    view! {
        <div class="field">
            <label for=id>{field.label()}</label>
            {hint.map(|hint| view! { <p class="hint" id=hint_id>{hint}</p> })}
            <p class="error" id=error_id aria-live="polite">{error}</p>
            <div class="control">
                <input
                    id=id
                    name=id
                    type=kind
                    value=value
                    autocomplete=autocomplete
                    autocapitalize=if field == Field::FullName { "words" } else { "none" }
                    spellcheck="false"
                    aria-describedby=described_by
                    aria-invalid=is_invalid
                    data-rule=rule
                    data-min-length=min_length
                />
                {reveal}
            </div>
        </div>
    }
    .into_any()
}

/// What is wrong, at the top, with links to the fields. It gets the focus.
fn summary(form: &FormState) -> Option<impl IntoView + use<>> {
    let of_fields =
        form.errors.iter().map(|error| (format!("#{}", error.field.name()), error.message()));
    let of_all = form.problem.map(|problem| ("#username".to_owned(), problem.to_owned()));
    let items: Vec<_> = of_all
        .into_iter()
        .chain(of_fields)
        .map(|(href, message)| view! { <li><a href=href>{message}</a></li> })
        .collect();
    (!items.is_empty()).then(|| {
        view! {
            <div class="summary" role="alert" aria-labelledby="summary" tabindex="-1" autofocus>
                <h2 id="summary">"There is a problem"</h2>
                <ul>{items}</ul>
            </div>
        }
    })
}
