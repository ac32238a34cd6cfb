//! Parts of forms, as in the GOV.UK Design System.

use leptos::prelude::*;

use crate::{
    domain::{Code, Field, FieldError, Password, PasswordPolicy, ProfileField, Username},
    islands::{LiveForm, REVEAL},
    texts::{language, number, t, t_with},
    web::form::{FormState, TOKEN_FIELD, Wrong},
};

/// A page with nothing but a form.
pub(crate) fn alone(
    form: &FormState,
    token: &str,
    lead: Option<String>,
    fields: Vec<AnyView>,
    other: Option<AnyView>,
) -> impl IntoView + use<> {
    view! {
        <section class="card">
            {summary(form)}
            <h1>{language().text(form.form.title)}</h1>
            {lead.map(|lead| view! { <p>{lead}</p> })}
            {live(form, token, fields)}
            {other.map(|other| view! { <p class="other">{other}</p> })}
        </section>
    }
}

/// The form itself, in the island that gives immediate feedback.
pub(crate) fn live(form: &FormState, token: &str, fields: Vec<AnyView>) -> impl IntoView + use<> {
    let action = form.action();
    let next = form.value("next");
    let next = (!next.is_empty()).then(|| hidden("next", next));
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

pub(crate) fn hidden(name: &'static str, value: &str) -> AnyView {
    view! { <input type="hidden" name=name value=value.to_owned()/> }.into_any()
}

pub(crate) fn button(words: String) -> AnyView {
    view! { <button type="submit" class="button">{words}</button> }.into_any()
}

pub(crate) fn checkbox(
    form: &FormState,
    name: &'static str,
    label: String,
    hint: Option<String>,
) -> AnyView {
    let checked = !form.value(name).is_empty();
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

/// How the browser checks a field before it is sent.
struct Light {
    /// The name of the rule in `islands.rs`.
    rule: &'static str,
    codes: Vec<Code>,
    min_length: Option<usize>,
}

/// A password field.
pub(crate) fn password(form: &FormState, field: Field, autocomplete: &'static str) -> AnyView {
    input(form, field, Kind::Password, autocomplete, None, None)
}

/// A field for a new password.
pub(crate) fn new_password(form: &FormState, field: Field, policy: PasswordPolicy) -> AnyView {
    let hint = t_with("password-hint", &[("min", number(policy.min_length))]);
    let codes = Password::light_codes(policy).to_vec();
    let light = Light { rule: "password", codes, min_length: Some(policy.min_length) };
    input(form, field, Kind::Password, "new-password", Some(hint), Some(light))
}

pub(crate) fn username(form: &FormState) -> AnyView {
    input(form, Field::USERNAME, Kind::Name, "username", None, None)
}

/// A field for a new username.
pub(crate) fn new_username(form: &FormState) -> AnyView {
    let light = Light { rule: "username", codes: Username::LIGHT.to_vec(), min_length: None };
    let hint = Some(t("username-hint"));
    input(form, Field::USERNAME, Kind::Name, "username", hint, Some(light))
}

/// A field of the profile.
pub(crate) fn profile(form: &FormState, field: &'static ProfileField) -> AnyView {
    let (rule, codes) = (field.field.name(), field.light.to_vec());
    let light = Light { rule, codes, min_length: None };
    input(form, field.field, Kind::Words, field.autocomplete, None, Some(light))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Password,
    Name,
    Words,
}

/// A field with its label, its hint and its error. A field for a new value also carries its rule
/// and that rule's messages, for `LiveForm` to check.
fn input(
    form: &FormState,
    field: Field,
    kind: Kind,
    autocomplete: &'static str,
    hint: Option<String>,
    light: Option<Light>,
) -> AnyView {
    let id = field.name();
    let (hint_id, error_id) = (format!("{id}-hint"), format!("{id}-error"));
    let is_password = kind == Kind::Password;
    let value = if is_password { String::new() } else { form.value(id).to_owned() };
    let error = form.errors.iter().find(|error| error.field == field);
    let error = error.map(|error| language().field_error(error));
    let is_invalid = if error.is_some() { "true" } else { "false" };
    let described_by =
        if hint.is_some() { format!("{hint_id} {error_id}") } else { error_id.clone() };
    let rule = light.as_ref().map(|light| light.rule);
    let min_length = light.as_ref().and_then(|light| light.min_length);
    let codes = light.map(|light| light.codes).unwrap_or_default();
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
                    autocapitalize=if kind == Kind::Words { "words" } else { "none" }
                    spellcheck="false"
                    aria-describedby=described_by
                    aria-invalid=is_invalid
                    data-rule=rule
                    data-min-length=min_length
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

/// Tells password managers whose password it is.
pub(crate) fn username_for_managers(username: &str) -> AnyView {
    view! {
        <input type="text" name="username" value=username.to_owned() autocomplete="username"
            hidden readonly/>
    }
    .into_any()
}

/// The errors, at the top, with links to the fields. Takes the focus.
pub(crate) fn summary(form: &FormState) -> Option<impl IntoView + use<>> {
    let of_fields = form
        .errors
        .iter()
        .map(|error| (format!("#{}", error.field.name()), language().field_error(error)));
    let first = format!("#{}", (form.form.first)(form).name());
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
        (first, text)
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
