//! Parts of pages, of forms first of all, as in the GOV.UK Design System.

use leptos::prelude::*;

use super::{
    icons::{ALERT, EMPTY, EYE, EYE_OFF, KEY},
    shell::FORM,
};
use crate::{
    domain::{Code, Field, FieldError, Password, PasswordPolicy, ProfileField, Username},
    islands::{LiveForm, REVEAL},
    texts::{language, number, t, t_with},
    web::{
        brand::{must_verify, passkeys_home, way_back_in},
        form::{FormState, TOKEN_FIELD, Wrong},
    },
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
        <div class="alone">
            <section class="card">
                <h1>{language().text(form.form.title)}</h1>
                {lead.map(|lead| view! { <p>{lead}</p> })}
                {summary(form)}
                {live(form, token, fields)}
            </section>
            {other.map(|other| view! { <p class="other">{other}</p> })}
        </div>
    }
}

/// The form itself, in the island that gives immediate feedback.
pub(crate) fn live(form: &FormState, token: &str, fields: Vec<AnyView>) -> impl IntoView + use<> {
    let form = plain(form, token, fields);
    view! { <LiveForm>{form}</LiveForm> }
}

/// The form without an island.
pub(crate) fn plain(form: &FormState, token: &str, fields: Vec<AnyView>) -> impl IntoView + use<> {
    let next = form.value("next");
    let next = (!next.is_empty()).then(|| hidden("next", next));
    view! {
        <form method="post" action=form.action() id=FORM novalidate>
            {hidden(TOKEN_FIELD, token)}
            {next}
            {fields}
        </form>
    }
}

pub(crate) fn hidden(name: &'static str, value: &str) -> AnyView {
    view! { <input type="hidden" name=name value=value.to_owned()/> }.into_any()
}

pub(crate) fn button(words: String) -> AnyView {
    view! { <button type="submit" class="button">{words}</button> }.into_any()
}

/// A button for what cannot be undone.
pub(crate) fn danger_button(words: String) -> AnyView {
    view! { <button type="submit" class="button danger">{words}</button> }.into_any()
}

pub(crate) fn checkbox(
    form: &FormState,
    name: &'static str,
    label: String,
    hint: Option<String>,
) -> AnyView {
    let checked = !form.value(name).is_empty();
    let (hint_id, error_id) = (format!("{name}-hint"), format!("{name}-error"));
    let error = error_of(form, name);
    let is_invalid = if error.is_some() { "true" } else { "false" };
    let described_by =
        if hint.is_some() { format!("{hint_id} {error_id}") } else { error_id.clone() };
    view! {
        <div class="field">
            <p class="error" id=error_id data-prefix=t("error-prefix")>{error}</p>
            <div class="check">
                <input id=name name=name type="checkbox" value="yes" checked=checked
                    autofocus=is_alone_wrong(form, name) aria-describedby=described_by aria-invalid=is_invalid/>
                <div>
                    <label for=name>{label}</label>
                    {hint.map(|hint| view! { <p class="hint" id=hint_id>{hint}</p> })}
                </div>
            </div>
        </div>
    }
    .into_any()
}

/// Whether this field alone is wrong. Then it takes the focus, and needs no summary.
fn is_alone_wrong(form: &FormState, name: &str) -> bool {
    matches!(&form.errors[..], [one] if one.field.name() == name)
}

/// The sentence about what is wrong with a field.
fn error_of(form: &FormState, name: &str) -> Option<String> {
    let error = form.errors.iter().find(|error| error.field.name() == name)?;
    Some(language().field_error(error))
}

/// How the browser checks a field before it is sent.
struct Light {
    /// The name of the rule in `islands.rs`.
    rule: &'static str,
    codes: Vec<Code>,
    min_length: Option<usize>,
    /// What the hint says once the rule is met.
    met: Option<String>,
}

/// The field for a password that its owner knows, with the way to get help.
pub(crate) fn password(form: &FormState, field: Field) -> AnyView {
    let below =
        way_back_in().map(|url| view! { <a href=url>{t("forgot-password")}</a> }.into_any());
    Input { below, ..Input::new(field, Kind::Password, "current-password") }.view(form)
}

/// A field for a new password.
pub(crate) fn new_password(form: &FormState, field: Field, policy: PasswordPolicy) -> AnyView {
    let hint = Some(t_with("password-hint", &[("min", number(policy.min_length))]));
    let mut codes = Password::light_codes(policy).to_vec();
    codes.push(Code::TooCommon);
    let (min_length, met) = (Some(policy.min_length), Some(t("password-met")));
    let light = Some(Light { rule: "password", codes, min_length, met });
    Input { hint, light, ..Input::new(field, Kind::Password, "new-password") }.view(form)
}

/// A field for an address that replaces the present one.
pub(crate) fn new_email(form: &FormState) -> AnyView {
    let label = Some("field-new-email");
    Input { label, ..Input::new(Field::EMAIL, Kind::Email, "email") }.view(form)
}

pub(crate) fn email(form: &FormState, hint: Option<String>) -> AnyView {
    Input { hint, ..Input::new(Field::EMAIL, Kind::Email, "email") }.view(form)
}

/// A field for one line of any kind.
pub(crate) fn line(form: &FormState, field: Field, hint: Option<String>) -> AnyView {
    Input { hint, ..Input::new(field, Kind::Name, "off") }.view(form)
}

/// A choice between a few values: each with its words.
pub(crate) fn select(
    name: &'static str,
    label: String,
    value: &str,
    options: Vec<(String, String)>,
) -> AnyView {
    let options = options.into_iter().map(|(word, words)| {
        let selected = word == value;
        view! { <option value=word selected=selected>{words}</option> }
    });
    view! {
        <div class="field">
            <label for=name>{label}</label>
            <div class="control"><select id=name name=name>{options.collect::<Vec<_>>()}</select></div>
        </div>
    }
    .into_any()
}

/// A username or an email address, to be recognized by.
pub(crate) fn identifier(form: &FormState) -> AnyView {
    Input::new(Field::IDENTIFIER, Kind::Name, "username").view(form)
}

/// A field for a code from a mail.
pub(crate) fn one_time_code(form: &FormState) -> AnyView {
    Input::new(Field::CODE, Kind::Digits, "one-time-code").view(form)
}

/// A field for the code that a device shows.
pub(crate) fn user_code(form: &FormState) -> AnyView {
    let (label, hint) = (Some("field-user-code"), Some(t("user-code-hint")));
    Input { label, hint, ..Input::new(Field::CODE, Kind::Name, "off") }.view(form)
}

/// A field for a code of an authenticator app.
pub(crate) fn app_code(form: &FormState) -> AnyView {
    let hint = Some(t("code-hint"));
    Input { hint, ..Input::new(Field::CODE, Kind::Digits, "one-time-code") }.view(form)
}

/// A field for a recovery code, which few people need. `button`: sends it, if no other one does.
pub(crate) fn recovery_code(form: &FormState, open: bool, button: Option<AnyView>) -> AnyView {
    let input = Input::new(Field::RECOVERY_CODE, Kind::Name, "one-time-code").view(form);
    let open = open || error_of(form, Field::RECOVERY_CODE.name()).is_some();
    view! {
        <details class="dialog" open=open>
            <summary>{t("recovery-code-instead")}</summary>
            {input}
            {button}
        </details>
    }
    .into_any()
}

/// A button that asks for a passkey and sends the form with it to `action`, and the fields that it
/// fills in. `kind`: `get` or `create`. Hidden where there are no passkeys. `autofill`: the browser
/// offers passkeys in the field of the username, too.
pub(crate) fn passkey_button(
    kind: &'static str,
    action: String,
    words: String,
    class: &'static str,
    autofill: bool,
) -> AnyView {
    view! {
        <div data-with-passkeys hidden>
            {hidden("challenge", "")}
            {hidden("credential", "")}
            <button type="submit" formaction=action formnovalidate class=class data-passkey=kind
                data-passkey-autofill=autofill data-known=t("passkey-known")
                data-failed=t("passkey-failed")>
                {KEY.view()} {words}
            </button>
            <p class="error" aria-live="polite" data-passkey-said data-prefix=t("error-prefix")></p>
        </div>
    }
    .into_any()
}

/// A hint for browsers without passkeys, or without scripts.
pub(crate) fn no_passkeys(words: String) -> AnyView {
    view! { <p class="hint" data-without-passkeys>{words}</p> }.into_any()
}

/// A field for the name of a passkey.
pub(crate) fn passkey_name(name: &str, id: String) -> AnyView {
    view! {
        <div class="field">
            <label for=id.clone()>{t("field-name")}</label>
            <div class="control">
                <input id=id name="name" type="text" value=name.to_owned() maxlength="64" required
                    dir="auto" spellcheck="false" autocomplete="off"/>
            </div>
        </div>
    }
    .into_any()
}

/// The name of a user who signs in, where the browser may offer a passkey. `by_address`: an email
/// address will do.
pub(crate) fn username(form: &FormState, by_address: bool) -> AnyView {
    let label = by_address.then_some("field-identifier");
    Input { label, ..Input::new(Field::USERNAME, Kind::Name, "username webauthn") }.view(form)
}

/// A field for a new username.
pub(crate) fn new_username(form: &FormState) -> AnyView {
    let codes = Username::LIGHT.to_vec();
    let light = Some(Light { rule: "username", codes, min_length: None, met: None });
    let hint = Some(t("username-hint"));
    Input { hint, light, ..Input::new(Field::USERNAME, Kind::Name, "username") }.view(form)
}

/// A field of the profile.
pub(crate) fn profile(form: &FormState, field: &'static ProfileField) -> AnyView {
    let (rule, codes) = (field.field.name(), field.light.to_vec());
    let light = Some(Light { rule, codes, min_length: None, met: None });
    Input { light, ..Input::new(field.field, Kind::Words, field.autocomplete) }.view(form)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Password,
    Email,
    Name,
    Words,
    Digits,
}

/// A field with its label, its hint and its error. A field for a new value also carries its rule
/// and that rule's messages, for `LiveForm` to check.
struct Input {
    field: Field,
    kind: Kind,
    autocomplete: &'static str,
    /// The name of its label's text, if that is not the field's own.
    label: Option<&'static str>,
    hint: Option<String>,
    light: Option<Light>,
    below: Option<AnyView>,
}

impl Input {
    fn new(field: Field, kind: Kind, autocomplete: &'static str) -> Self {
        Self { field, kind, autocomplete, label: None, hint: None, light: None, below: None }
    }

    fn view(self, form: &FormState) -> AnyView {
        let Self { field, kind, autocomplete, label, hint, light, below } = self;
        let id = field.name();
        let (hint_id, error_id) = (format!("{id}-hint"), format!("{id}-error"));
        let label = label.map_or_else(|| format!("field-{id}"), str::to_owned);
        let is_password = kind == Kind::Password;
        let value = if is_password { String::new() } else { form.value(id).to_owned() };
        let error = error_of(form, id);
        let is_invalid = if error.is_some() { "true" } else { "false" };
        let described_by =
            if hint.is_some() { format!("{hint_id} {error_id}") } else { error_id.clone() };
        let rule = light.as_ref().map(|light| light.rule);
        let min_length = light.as_ref().and_then(|light| light.min_length);
        let (codes, met) = light.map(|light| (light.codes, light.met)).unwrap_or_default();
        let sentence = |word: &str| {
            let code = codes.iter().find(|code| code.as_str() == word)?;
            Some(language().field_error(&FieldError { field, code: *code }))
        };
        let met = met.map(|met| view! { <strong hidden>" " {met}</strong> });
        let hint = hint.map(|hint| {
            view! { <p class="hint" id=hint_id aria-live="polite"><span>{hint}</span>{met}</p> }
        });
        let reveal = is_password.then(|| {
            view! {
                <button type="button" class=REVEAL aria-controls=id aria-label=t("show-password")
                    data-show=t("show-password") data-hide=t("hide-password")>
                    {EYE.view()}
                    {EYE_OFF.view()}
                </button>
            }
        });
        view! {
            <div class="field">
                <label for=id>{language().text(&label)}</label>
                {hint}
                <p class="error" id=error_id aria-live="polite" data-prefix=t("error-prefix")>{error}</p>
                <div class=if is_password { "control secret" } else { "control" }>
                    <input
                        id=id
                        name=id
                        type=match kind {
                            Kind::Password => "password",
                            Kind::Email => "email",
                            Kind::Name | Kind::Words | Kind::Digits => "text",
                        }
                        value=value
                        autofocus=is_alone_wrong(form, id)
                        autocomplete=autocomplete
                        inputmode=(kind == Kind::Digits).then_some("numeric")
                        autocapitalize=if kind == Kind::Words { "words" } else { "none" }
                        spellcheck="false"
                        dir=(!is_password).then_some("auto")
                        aria-describedby=described_by
                        aria-invalid=is_invalid
                        data-rule=rule
                        data-min-length=min_length
                        data-too-short=sentence("too-short")
                        data-too-long=sentence("too-long")
                        data-forbidden-characters=sentence("forbidden-characters")
                        data-dot-at-end=sentence("dot-at-end")
                        data-too-common=sentence("too-common")
                    />
                    {reveal}
                </div>
                {below.map(|below| view! { <p class="below">{below}</p> })}
            </div>
        }
        .into_any()
    }
}

/// Tells password managers whose password it is.
pub(crate) fn username_for_managers(username: &str) -> AnyView {
    view! {
        <input type="text" name="username" value=username.to_owned() autocomplete="username"
            hidden readonly/>
    }
    .into_any()
}

/// What is wrong with a form, before its fields: a sentence about the whole, or links to the fields.
/// Takes the focus.
pub(crate) fn summary(form: &FormState) -> Option<impl IntoView + use<>> {
    let of_all = form.wrong.map(|wrong| match wrong {
        Wrong::Credentials if must_verify() => t("form-invalid-or-unverified"),
        Wrong::Credentials => t("form-invalid-credentials"),
        Wrong::SecondFactor => t("form-second-factor"),
        Wrong::Passkey | Wrong::UnknownPasskey => t("form-invalid-passkey"),
        Wrong::Stale => t("form-stale"),
        Wrong::Busy => t("form-busy"),
        Wrong::TooMany { minutes } => {
            let minutes = usize::try_from(minutes).unwrap_or(usize::MAX);
            t_with("form-too-many", &[("minutes", number(minutes))])
        }
    });
    let content = match of_all {
        Some(sentence) => view! { <p>{sentence} "."</p> }.into_any(),
        None => {
            let link = |error: &FieldError| {
                let href = format!("#{}", error.field.name());
                view! { <a href=href>{language().field_error(error)}</a> }
            };
            match &form.errors[..] {
                _ if !form.faults.is_empty() => {
                    let items = form.faults.iter().map(|fault| view! { <li>{fault.clone()}</li> });
                    let items: Vec<_> = items.collect();
                    view! { <div><p>{t("summary")}</p><ul>{items}</ul></div> }.into_any()
                }
                // One error stands beside its field, which takes the focus.
                [] | [_] => return None,
                errors => {
                    let items = errors.iter().map(|error| view! { <li>{link(error)}</li> });
                    view! {
                        <div>
                            <p>{t("summary")}</p>
                            <ul>{items.collect::<Vec<_>>()}</ul>
                        </div>
                    }
                    .into_any()
                }
            }
        }
    };
    let unknown = (form.wrong == Some(Wrong::UnknownPasskey)).then(passkeys_home).flatten();
    Some(view! {
        <div class="summary" role="alert" tabindex="-1" autofocus data-passkey-unknown=unknown>
            {ALERT.view()}
            {content}
        </div>
    })
}

/// Code, with a button to copy it where that works.
pub(crate) fn code(text: String) -> AnyView {
    view! {
        <div class="code">
            <button type="button" class="button quiet small copy" data-copied=t("copied")
                lang=language().tag() aria-live="polite" hidden>
                {t("copy")}
            </button>
            <pre tabindex="0"><code>{text}</code></pre>
        </div>
    }
    .into_any()
}

/// What stands where a list has nothing to show.
pub(crate) fn empty(words: String) -> AnyView {
    view! { <div class="empty"><p>{EMPTY.view()}</p><p>{words}</p></div> }.into_any()
}

/// A name in the middle of a sentence, which keeps its own direction (UAX 9, isolates).
pub(crate) fn isolated(name: &str) -> String {
    format!("\u{2068}{name}\u{2069}")
}

/// The head of a page: its title, and what it is for.
pub(crate) fn page_head(title: String, lead: Option<String>) -> AnyView {
    view! {
        <div class="page-head">
            <h1>{title}</h1>
            {lead.map(|lead| view! { <p>{lead}</p> })}
        </div>
    }
    .into_any()
}

/// A part of a page: what it is about, and beside it what one does.
pub(crate) fn panel(
    id: Option<&'static str>,
    title: String,
    lead: Option<String>,
    content: AnyView,
) -> AnyView {
    view! {
        <section class="panel" id=id>
            <div class="panel-head"><h2>{title}</h2>{lead.map(|lead| view! { <p>{lead}</p> })}</div>
            <div class="card">{content}</div>
        </section>
    }
    .into_any()
}
