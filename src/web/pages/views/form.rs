//! Forms: new, or again with what was typed and what is wrong with it.
//!
//! The error summary, the error messages and the password field behave as in the GOV.UK Design
//! System.

use std::time::Duration;

use leptos::prelude::*;

use crate::{
    domain::{Code, Field, FieldError, FullName, Password, PasswordPolicy, Profile, Username},
    islands::{LiveForm, REVEAL},
    platform::error::{Error, Fault, Refusal},
    texts::{language, number, t, t_with},
    web::{
        form_pages::{TOKEN_FIELD, safe_next},
        pages::Viewer,
        pending::Pending,
        state::AppState,
    },
};

/// Every form that can come again with its errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    SignUp,
    SignIn,
    Confirm,
    FullName,
    Password,
    Delete,
    SetPassword,
}

/// The URL of its server function, the name of its title, and the page on which it stands.
const FORMS: [(Form, &str, &str, &str); 7] = [
    (Form::SignUp, "/api/sign_up", "sign-up", "/signup"),
    (Form::SignIn, "/api/sign_in", "sign-in", "/signin"),
    (Form::Confirm, "/api/confirm", "confirm", "/confirm"),
    (Form::FullName, "/api/change_full_name", "profile-title", "/profile"),
    (Form::Password, "/api/change_password", "security-title", "/account/security"),
    (Form::Delete, "/api/delete_account", "data-title", "/account/data"),
    (Form::SetPassword, "/api/set_password", "set-password", "/set-password"),
];

impl Form {
    fn row(self) -> (&'static str, &'static str, &'static str) {
        let row = FORMS.iter().find(|(form, ..)| *form == self);
        row.map_or(("/", "service", "/"), |(_, action, title, page)| (action, title, page))
    }
}

/// What is wrong with the whole of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Credentials,
    Stale,
    Busy,
    TooMany { minutes: u64 },
    NotConfirmed,
}

/// Everything a form shows but its token. Never a password.
#[derive(Clone, Debug)]
pub struct FormState {
    pub form: Form,
    full_name: String,
    username: String,
    remember: bool,
    next: String,
    /// The link by which a password is set.
    link: String,
    errors: Vec<FieldError>,
    wrong: Option<Wrong>,
    /// The act that waits for the password, sealed and opened.
    pending: Option<(String, Pending)>,
    /// Whether the password was confirmed a moment ago, so that it need not be entered once more.
    confirmed: bool,
}

impl FormState {
    #[must_use]
    pub fn new(form: Form) -> Self {
        let (full_name, username, next, link) = Default::default();
        let (errors, wrong, pending) = (Vec::new(), None, None);
        let (remember, confirmed) = (false, false);
        Self { form, full_name, username, remember, next, link, errors, wrong, pending, confirmed }
    }

    /// What comes after it.
    #[must_use]
    pub fn to(self, next: &str) -> Self {
        Self { next: kept_next(next), ..self }
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

    /// With what is known of whoever is signed in.
    #[must_use]
    pub fn of(self, profile: &Profile) -> Self {
        let (full_name, username) = (profile.full_name.clone(), profile.username.clone());
        Self { full_name, username, ..self }
    }

    #[must_use]
    pub fn with_link(self, link: String, username: String) -> Self {
        Self { link, username, ..self }
    }

    /// The form of the server function at `path` once more, because of `error`. `None`: this error
    /// is not the form's.
    #[must_use]
    pub fn again(
        state: &AppState,
        path: &str,
        fields: &[(String, String)],
        error: &Error,
        viewer: &Viewer,
    ) -> Option<Self> {
        let (form, ..) = FORMS.iter().find(|(_, action, ..)| *action == path)?;
        let (errors, wrong) = match error {
            Error::Refusal(Refusal::InvalidInput(errors)) => (errors.clone(), None),
            Error::Refusal(Refusal::UsernameTaken) => {
                (vec![FieldError { field: Field::Username, code: Code::Taken }], None)
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
        let caller = viewer.caller.as_ref();
        let of_account = [Form::Confirm, Form::Password].contains(form);
        let username = match caller.filter(|_| of_account) {
            Some(caller) => caller.profile().username.clone(),
            None => typed(Field::Username.name()),
        };
        let sealed = typed("pending");
        let pending = caller.and_then(|caller| Pending::open(state, &sealed, caller.family()));
        // One who left the current password out was not asked for it, or should be asked now.
        let missing = errors.iter().any(|error| error.field == Field::CurrentPassword);
        let given = fields.iter().any(|(name, _)| name == Field::CurrentPassword.name());
        Some(Self {
            pending: pending.map(|pending| (sealed, pending)),
            confirmed: !missing && !given,
            full_name: typed(Field::FullName.name()),
            username,
            remember: !typed("remember").is_empty(),
            next: kept_next(&typed("next")),
            link: typed("link"),
            errors,
            wrong,
            ..Self::new(*form)
        })
    }

    /// The name of the page's title.
    #[must_use]
    pub fn title(&self) -> &'static str {
        self.form.row().1
    }

    /// The address of its page.
    #[must_use]
    pub fn here(&self) -> String {
        let (_, _, page) = self.form.row();
        self.with_query(page)
    }

    fn with_query(&self, page: &str) -> String {
        let (name, value) =
            if self.link.is_empty() { ("next", &self.next) } else { ("link", &self.link) };
        if value.is_empty() {
            return page.to_owned();
        }
        let value: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
        format!("{page}?{name}={value}")
    }

    /// Where it is sent. What a GET there would need to find the page again goes along.
    fn action(&self) -> String {
        let (action, ..) = self.form.row();
        self.with_query(action)
    }

    #[must_use]
    pub fn is_wrong(&self) -> bool {
        self.wrong.is_some() || !self.errors.is_empty()
    }

    #[must_use]
    pub fn has_islands(&self) -> bool {
        self.form != Form::Delete
    }

    pub(super) fn username(&self) -> &str {
        &self.username
    }

    /// Whether the current password need not be entered.
    pub(super) fn is_confirmed(&self) -> bool {
        self.confirmed
    }
}

/// What is no path of this site need not be carried on.
fn kept_next(next: &str) -> String {
    if next.is_empty() { String::new() } else { safe_next(next) }
}

/// The pages that are nothing but a form.
pub(in crate::web::pages) fn page(
    form: &FormState,
    token: String,
    policy: PasswordPolicy,
    remembered: Duration,
) -> impl IntoView + use<> {
    let title = language().text(form.title());
    let (lead, fields, other) = match form.form {
        Form::SignUp => (
            None,
            vec![
                field(form, Field::FullName, "name", None, None),
                field(form, Field::Username, "username", Some(t("username-hint")), None),
                field(
                    form,
                    Field::Password,
                    "new-password",
                    Some(password_hint(policy)),
                    Some(policy),
                ),
                button(t("sign-up")),
            ],
            Some(view! { {t("sign-up-other")} " " <a href="/signin">{t("sign-in")}</a> }),
        ),
        Form::Confirm => (
            Some(match &form.pending {
                Some((_, pending)) => language().text(pending.lead()),
                None => t("confirm-lead"),
            }),
            vec![
                username_for_managers(form.username()),
                form.pending.as_ref().map(|(sealed, _)| hidden("pending", sealed)).into_any(),
                field(form, Field::Password, "current-password", None, None),
                button(t("confirm-button")),
            ],
            None,
        ),
        Form::SetPassword => {
            let username = form.username().to_owned();
            (
                // Nobody is named where the link is none any more.
                (!username.is_empty())
                    .then(|| t_with("set-password-lead", &[("username", username.clone().into())])),
                vec![
                    hidden("link", &form.link),
                    username_for_managers(&username),
                    new_password(form, policy),
                    button(t("save")),
                ],
                None,
            )
        }
        _ => (
            None,
            vec![
                field(form, Field::Username, "username", None, None),
                field(form, Field::Password, "current-password", None, None),
                checkbox(form, "remember", t("remember"), Some(remember_hint(remembered))),
                button(t("sign-in")),
            ],
            Some(view! { {t("sign-in-other")} " " <a href="/signup">{t("sign-up")}</a> }),
        ),
    };
    view! {
        <section class="card">
            {summary(form)}
            <h1>{title}</h1>
            {lead.map(|lead| view! { <p>{lead}</p> })}
            {live(form, &token, fields)}
            {other.map(|other| view! { <p class="other">{other}</p> })}
        </section>
    }
}

/// The form itself, in the island that makes it answer at once.
pub(super) fn live(form: &FormState, token: &str, fields: Vec<AnyView>) -> impl IntoView + use<> {
    let action = form.action();
    let next = (!form.next.is_empty()).then(|| hidden("next", &form.next));
    let token = hidden(TOKEN_FIELD, token);
    view! {
        <LiveForm>
            <form method="post" action=action novalidate>
                {token}
                {next}
                {fields}
            </form>
        </LiveForm>
    }
}

pub(super) fn hidden(name: &'static str, value: &str) -> AnyView {
    view! { <input type="hidden" name=name value=value.to_owned()/> }.into_any()
}

pub(super) fn button(words: String) -> AnyView {
    view! { <button type="submit" class="button">{words}</button> }.into_any()
}

pub(super) fn new_password(form: &FormState, policy: PasswordPolicy) -> AnyView {
    let hint = Some(password_hint(policy));
    field(form, Field::NewPassword, "new-password", hint, Some(policy))
}

fn password_hint(policy: PasswordPolicy) -> String {
    t_with("password-hint", &[("min", number(policy.min_length))])
}

pub(super) fn checkbox(
    form: &FormState,
    name: &'static str,
    label: String,
    hint: Option<String>,
) -> AnyView {
    let checked = name == "remember" && form.remember;
    let hint_id = format!("{name}-hint");
    let described_by = hint.is_some().then(|| hint_id.clone());
    view! {
        <div class="field check">
            <input id=name name=name type="checkbox" value="yes" checked=checked
                aria-describedby=described_by/>
            <div>
                <label for=name>{label}</label>
                {hint.map(|hint| view! { <p class="hint" id=hint_id>{hint}</p> })}
            </div>
        </div>
    }
    .into_any()
}

/// A field with its label, its hint and its error. One for something new carries its rule, and the
/// sentences of that rule, and `LiveForm` judges it. `policy`: of a new password.
pub(super) fn field(
    form: &FormState,
    field: Field,
    autocomplete: &'static str,
    hint: Option<String>,
    policy: Option<PasswordPolicy>,
) -> AnyView {
    let id = field.name();
    let (hint_id, error_id) = (format!("{id}-hint"), format!("{id}-error"));
    let is_password = !matches!(field, Field::FullName | Field::Username);
    let value = match field {
        Field::FullName => form.full_name.clone(),
        Field::Username => form.username.clone(),
        _ => String::new(),
    };
    let error = form.errors.iter().find(|error| error.field == field);
    let error = error.map(|error| language().field_error(error));
    let is_invalid = if error.is_some() { "true" } else { "false" };
    let described_by =
        if hint.is_some() { format!("{hint_id} {error_id}") } else { error_id.clone() };
    let (rule, codes) = match (field, policy) {
        (Field::Username, _) if form.form == Form::SignUp => {
            (Some("username"), Username::LIGHT.to_vec())
        }
        (Field::FullName, _) => (Some("fullName"), FullName::LIGHT.to_vec()),
        (_, Some(policy)) => (Some("password"), Password::light_codes(policy).to_vec()),
        _ => (None, Vec::new()),
    };
    let sentence = |word: &str| {
        let code = codes.iter().find(|code| code.as_str() == word)?;
        Some(language().field_error(&FieldError { field, code: *code }))
    };
    let reveal = is_password.then(|| {
        view! {
            <button type="button" class=REVEAL aria-controls=id aria-label=t("show-password")
                data-show=t("show") data-hide=t("hide")
                data-show-label=t("show-password") data-hide-label=t("hide-password")>
                {t("show")}
            </button>
        }
    });
    view! {
        <div class="field">
            <label for=id>{language().text(&format!("field-{id}"))}</label>
            {hint.map(|hint| view! { <p class="hint" id=hint_id>{hint}</p> })}
            <p class="error" id=error_id aria-live="polite" data-prefix=t("error-prefix")>{error}</p>
            <div class="control">
                <input
                    id=id
                    name=id
                    type=if is_password { "password" } else { "text" }
                    value=value
                    autocomplete=autocomplete
                    autocapitalize=if field == Field::FullName { "words" } else { "none" }
                    spellcheck="false"
                    aria-describedby=described_by
                    aria-invalid=is_invalid
                    data-rule=rule
                    data-min-length=policy.map(|policy| policy.min_length)
                    data-too-short=sentence("too-short")
                    data-too-long=sentence("too-long")
                    data-forbidden-characters=sentence("forbidden-characters")
                    data-dot-at-end=sentence("dot-at-end")
                />
                {reveal}
            </div>
        </div>
    }
    .into_any()
}

/// For password managers: whose password it is.
pub(super) fn username_for_managers(username: &str) -> AnyView {
    view! {
        <input type="text" name="username" value=username.to_owned() autocomplete="username"
            hidden readonly/>
    }
    .into_any()
}

/// For how long one stays signed in without coming back.
fn remember_hint(remembered: Duration) -> String {
    let hours = usize::try_from(remembered.as_secs() / 3600).unwrap_or(usize::MAX);
    match hours {
        0 => t("remember-hint-short"),
        1..48 => t_with("remember-hint-hours", &[("hours", number(hours))]),
        _ => t_with("remember-hint", &[("days", number(hours / 24))]),
    }
}

/// What is wrong, at the top, with links to the fields. It gets the focus.
pub(super) fn summary(form: &FormState) -> Option<impl IntoView + use<>> {
    let of_fields = form
        .errors
        .iter()
        .map(|error| (format!("#{}", error.field.name()), language().field_error(error)));
    let first = match form.form {
        Form::SignUp | Form::SignIn => "#username",
        Form::Confirm => "#password",
        Form::FullName => "#fullName",
        Form::Password if form.confirmed => "#newPassword",
        Form::Password => "#currentPassword",
        Form::SetPassword => "#newPassword",
        Form::Delete => "#confirmed",
    };
    let of_all = form.wrong.map(|wrong| {
        let text = match wrong {
            Wrong::Credentials => t("form-invalid-credentials"),
            Wrong::Stale => t("form-stale"),
            Wrong::Busy => t("form-busy"),
            Wrong::TooMany { minutes } => {
                let minutes = usize::try_from(minutes).unwrap_or(usize::MAX);
                t_with("form-too-many", &[("minutes", number(minutes))])
            }
            Wrong::NotConfirmed => t("form-not-confirmed"),
        };
        (first.to_owned(), text)
    });
    let items: Vec<_> = of_all
        .into_iter()
        .chain(of_fields)
        .map(|(href, message)| view! { <li><a href=href>{message}</a></li> })
        .collect();
    (!items.is_empty()).then(|| {
        view! {
            <div class="summary" role="alert" aria-labelledby="summary" tabindex="-1" autofocus>
                <h2 id="summary">{t("summary")}</h2>
                <ul>{items}</ul>
            </div>
        }
    })
}
