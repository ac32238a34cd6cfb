//! The admin area: a page for each thing that administrators look after.
//!
//! Buttons ask for a recent proof when they are pressed, and what was asked for is done right after it. Pages with
//! a form to fill in ask before they are shown, so that nothing typed is lost.

pub mod apps;
pub mod groups;
pub mod invitations;
pub mod keys;
pub mod outbox;
pub mod overview;
pub mod people;
pub mod person;
pub mod settings;
pub mod trail;
pub mod webhooks;

use leptos::prelude::*;

use crate::{
    accounts::people::State as AccountState,
    audit::{By, authority::key_of},
    texts::{language, t},
    web::{
        form::{Form, FormState, TOKEN_FIELD},
        notices::Notice,
        page::{
            icons::{INFO, KEY},
            parts::{code, hidden},
        },
        routes::Map,
    },
};

/// The pages in the order of the navigation.
pub(crate) fn routes(map: &mut Map) {
    overview::routes(map);
    people::routes(map);
    person::routes(map);
    invitations::routes(map);
    groups::routes(map);
    apps::routes(map);
    trail::routes(map);
    outbox::routes(map);
    keys::routes(map);
    webhooks::routes(map);
    settings::routes(map);
}

/// The notices of the admin area.
pub(crate) fn notices() -> Vec<Notice> {
    let rooms = [
        people::NOTICES,
        person::NOTICES,
        invitations::NOTICES,
        groups::NOTICES,
        apps::NOTICES,
        outbox::NOTICES,
        keys::NOTICES,
        webhooks::NOTICES,
    ];
    rooms.into_iter().flatten().cloned().collect()
}

/// A form that is one button.
struct Act<'a> {
    form: &'static Form,
    token: &'a str,
    /// The page to return to, if that is not the form's own.
    next: &'a str,
    fields: &'a [(&'static str, &'a str)],
    words: String,
    class: &'static str,
}

impl Act<'_> {
    fn view(self) -> AnyView {
        let Self { form, token, next, fields, words, class } = self;
        let action = FormState::new(form).to(next).action();
        let next = (!next.is_empty()).then(|| hidden("next", next));
        let fields: Vec<_> = fields.iter().map(|(name, value)| hidden(name, value)).collect();
        view! {
            <form method="post" action=action>
                {hidden(TOKEN_FIELD, token)}
                {next}
                {fields}
                <button type="submit" class=class>{words}</button>
            </form>
        }
        .into_any()
    }

    /// Behind a question, for what can't be undone.
    fn after_question(self, question: String) -> AnyView {
        let words = self.words.clone();
        view! {
            <details class="dialog">
                <summary>{words}</summary>
                <div><p>{question}</p>{self.view()}</div>
            </details>
        }
        .into_any()
    }
}

const SMALL: &str = "button quiet small";
const QUIET: &str = "button quiet";
const DANGER: &str = "button danger";

/// What is shown only once, above everything else: a secret, or a link.
fn once(shown: Option<&(String, String)>) -> Option<AnyView> {
    let (kind, text) = shown?;
    let icon = if kind == "password-link" { INFO } else { KEY };
    let lead = language().text(&format!("admin-once-{kind}"));
    Some(
        view! {
            <section class="notice info once">
                {icon.view()}
                <div><p>{lead}</p>{code(text.clone())}</div>
            </section>
        }
        .into_any(),
    )
}

fn state_badge(state: AccountState) -> Option<AnyView> {
    let words = match state {
        AccountState::Active => return None,
        AccountState::Disabled => t("admin-state-disabled"),
        AccountState::Leaving => t("admin-state-leaving"),
    };
    Some(view! { " " <span class="badge warn">{words}</span> }.into_any())
}

fn group_badges(groups: &[String]) -> Vec<AnyView> {
    let badge = |name: &String| view! { " " <span class="badge">{name.clone()}</span> }.into_any();
    groups.iter().map(badge).collect()
}

/// A link to the next page of a listing, and to the first.
fn pager(first: Option<String>, next: Option<String>) -> Option<AnyView> {
    let first = first.map(|href| view! { <a class=SMALL href=href>{t("admin-first-page")}</a> });
    let next = next.map(|href| view! { <a class=SMALL href=href>{t("admin-next-page")}</a> });
    (first.is_some() || next.is_some())
        .then(|| view! { <p class="actions pager">{first} " " {next}</p> }.into_any())
}

/// Who acted, in words. `name`: of an account.
fn actor_words(by: By, actor: &str, name: Option<&String>) -> String {
    match (by, key_of(actor), name) {
        (By::Administrator, _, Some(name)) => name.clone(),
        (By::Administrator, ..) => t("admin-by-administrator"),
        (By::ApiKey, Some(id), _) => format!("{} {id}", t("admin-by-api-key")),
        _ => language().text(&format!("admin-by-{}", by.word())),
    }
}

/// Texts with spaces or commas between, as one types several in one field.
fn several(text: &str) -> Vec<String> {
    let parts = text.split(|c: char| c.is_whitespace() || c == ',');
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// An address with a query, without what is empty.
fn address(page: &str, pairs: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    match query.finish() {
        query if query.is_empty() => page.to_owned(),
        query => format!("{page}?{query}"),
    }
}

/// A form, or the way to confirm first, so that nothing typed is lost.
fn after_proof(to_confirm: Option<&String>, form: AnyView) -> AnyView {
    let Some(href) = to_confirm.cloned() else { return form };
    view! {
        <p>{t("admin-confirm-first")}</p>
        <p><a class="button" href=href>{t("admin-confirm")}</a></p>
    }
    .into_any()
}
