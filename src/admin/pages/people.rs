//! The page of people, and the form that makes an account.

use std::result::Result as StdResult;

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::HeaderMap,
    response::Response,
};
use futures_util::FutureExt;
use leptos::prelude::*;
use serde::Deserialize;

use super::{address, group_badges, pager, person::PERSON, several, state_badge};
use crate::{
    accounts::people::{self, Cursor, Person, Query as People, Sort, State as AccountState},
    admin::{self, PasswordLink},
    domain::{SignUpForm, profile::FIELDS},
    groups,
    invitations::GROUPS,
    platform::error::{Refusal, Result},
    texts::{language, t},
    web::{
        form::{Form, FormState},
        notices::notices,
        page::{
            Around, Section,
            avatar::avatar,
            icons::USERS,
            parts::{self, button, empty, page_head, select},
            times::day,
        },
        routes::{Map, Policy},
        state::AppState,
        submit::FormCall,
        viewer::{Viewer, render},
    },
};

notices! {
    MADE = "admin-made";
}

pub(super) const PEOPLE: Section =
    Section { page: "/admin/people", name: "admin-people", icon: USERS };

pub(super) fn routes(map: &mut Map) {
    map.admin_section(PEOPLE, people_page);
    map.page(Policy::Admin, MAKE.page, new_page);
    map.form(&MAKE);
}

/// What the address asks for.
#[derive(Clone, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    query: String,
    #[serde(default)]
    group: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    sort: String,
    #[serde(default)]
    after: String,
}

impl Asked {
    fn with(&self, after: &str) -> String {
        let Self { query, group, state, sort, .. } = self;
        let pairs = [("query", query), ("group", group), ("state", state), ("sort", sort)];
        let pairs = pairs.map(|(name, value)| (name, value.as_str()));
        address(PEOPLE.page, &[&pairs[..], &[("after", after)]].concat())
    }
}

/// How many people a page shows.
const PAGE: i64 = 50;

async fn people_page(
    State(state): State<AppState>,
    viewer: Viewer,
    asked: StdResult<Query<Asked>, QueryRejection>,
) -> Result<Response> {
    let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
    let query = People {
        text: asked.query.clone(),
        group: Some(asked.group.clone()).filter(|group| !group.is_empty()),
        state: AccountState::of_word(&asked.state),
        sort: Sort::of_word(&asked.sort).unwrap_or_default(),
    };
    let after = Cursor::read(&asked.after);
    let (found, next) = people::page(&state.store, &query, after.as_ref(), PAGE).await?;
    let next = next.map(|next| next.write());
    let groups = groups::names(&state.store).await?;
    let around = Around::of("admin-people").within_admin(PEOPLE);
    let view = move || people_view(&found, next.as_deref(), &asked, &groups);
    render(&state, &viewer, around, view).await
}

fn people_view(
    found: &[Person],
    next: Option<&str>,
    asked: &Asked,
    groups: &[String],
) -> impl IntoView + use<> {
    let rows: Vec<_> = found.iter().map(row).collect();
    let list = match rows.is_empty() {
        true => empty(t("admin-nobody")),
        false => view! { <ul class="list">{rows}</ul> }.into_any(),
    };
    let first = (!asked.after.is_empty()).then(|| asked.with(""));
    let next = next.map(|next| asked.with(next));
    view! {
        {page_head(t("admin-people"), Some(t("admin-people-lead")))}
        {filters(asked, groups)}
        <div class="above"><a class="button" href=MAKE.page>{t("admin-new-person")}</a></div>
        <section class="card">{list}{pager(first, next)}</section>
    }
}

fn filters(asked: &Asked, groups: &[String]) -> AnyView {
    let any = || (String::new(), t("admin-any"));
    let state = |state: AccountState| {
        (state.word().to_owned(), language().text(&format!("admin-state-{}", state.word())))
    };
    let states = std::iter::once(any()).chain(AccountState::ALL.map(state)).collect();
    let group = |name: &String| (name.clone(), name.clone());
    let mut all: Vec<_> = std::iter::once(any()).chain(groups.iter().map(group)).collect();
    if !asked.group.is_empty() && !groups.contains(&asked.group) {
        all.push((asked.group.clone(), asked.group.clone()));
    }
    let sort = |sort: Sort| {
        (sort.word().to_owned(), language().text(&format!("admin-sort-{}", sort.word())))
    };
    let sorts = Sort::ALL.map(sort).into();
    view! {
        <form method="get" action=PEOPLE.page class="filters" role="search">
            <div class="field wide">
                <label for="query">{t("admin-search")}</label>
                <div class="control">
                    <input id="query" name="query" type="search" value=asked.query.clone()
                        autocomplete="off" autocapitalize="none" spellcheck="false" dir="auto"/>
                </div>
            </div>
            {select("group", t("admin-group"), &asked.group, all)}
            {select("state", t("admin-state"), &asked.state, states)}
            {select("sort", t("admin-sort"), &asked.sort, sorts)}
            <button type="submit" class="button quiet">{t("admin-show")}</button>
        </form>
    }
    .into_any()
}

fn row(person: &Person) -> AnyView {
    let Person { record, email, groups, .. } = person;
    let profile = &record.profile;
    let href = format!("{PERSON}{}", profile.id.0);
    let email = email.clone().map(|email| view! { " · " <span dir="auto">{email}</span> });
    view! {
        <li>
            {avatar(profile, false)}
            <div>
                <p class="what">
                    <a href=href dir="auto">{profile.display_name().to_owned()}</a>
                    {state_badge(record.state())}
                    {group_badges(groups)}
                </p>
                <p class="hint">
                    <span dir="auto">{profile.username.clone()}</span> {email}
                    " · " {t("member-since")} " " {day(profile.created_at)}
                </p>
            </div>
        </li>
    }
    .into_any()
}

static MAKE: Form = Form {
    policy: Policy::Admin,
    title: "admin-new-person",
    keeps: &["username", "email", "groups"],
    show: Some(|state, form, viewer, headers| show_new(state, form, viewer, headers).boxed()),
    ..Form::at("/api/admin_make_account", "/admin/people/new")
};

async fn new_page(
    State(state): State<AppState>,
    viewer: Viewer,
    headers: HeaderMap,
) -> Result<Response> {
    show_new(&state, FormState::new(&MAKE), &viewer, &headers).await
}

async fn show_new(
    state: &AppState,
    form: FormState,
    viewer: &Viewer,
    _: &HeaderMap,
) -> Result<Response> {
    if let Err(ask) = viewer.fresh(state, None) {
        return Ok(ask);
    }
    let token = viewer.form_token(state)?;
    let (profile, has_mail) = (state.settings.profile, state.mail.is_some());
    let around = Around::of_form(&form).within_admin(PEOPLE);
    render(state, viewer, around, move || {
        let required = profile.fields().filter(|field| field.required);
        let mut fields: Vec<_> = required.map(|field| parts::profile(&form, field)).collect();
        fields.push(parts::new_username(&form));
        let hint = t(if has_mail { "admin-email-hint" } else { "admin-email-hint-no-mail" });
        fields.push(parts::email(&form, Some(hint)));
        fields.push(parts::line(&form, GROUPS, Some(t("admin-groups-hint"))));
        fields.push(button(t("admin-make-person")));
        view! {
            {page_head(t("admin-new-person"), Some(t("admin-new-person-lead")))}
            <section class="card">
                {parts::summary(&form)}
                {parts::plain(&form, &token, fields)}
            </section>
        }
    })
    .await
}

/// Makes an account for somebody.
#[server(endpoint = "/admin_make_account")]
pub async fn admin_make_account(
    #[server(default)] username: String,
    #[server(default)] email: String,
    #[server(default)] groups: String,
) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let authority = call.authority().await?;
            let profile = FIELDS
                .map(|field| Ok(call.field(field.field.name()).unwrap_or_default().to_owned()));
            let email = Some(email).filter(|email| !email.trim().is_empty()).map(Ok);
            let form = SignUpForm { username: Ok(username), password: None, email, profile };
            let settings = &call.state.settings;
            let new = form.parse(settings.passwords.policy, settings.profile);
            let new = new.map_err(Refusal::InvalidInput)?;
            let names = named(&groups)?;
            let (profile, link) = admin::create(&call.state, &authority, &new, &names).await?;
            if let PasswordLink::Path(path) = link {
                let link = format!("{}{path}", call.state.public_url.origin());
                call.show_once("password-link", &link)?;
            }
            call.stay(&format!("{PERSON}{}", profile.id.0), MADE)
        }
        .await,
    );
    Ok(())
}

/// Names of groups, as typed.
pub(super) fn named(text: &str) -> Result<Vec<String>, Refusal> {
    let names = several(text);
    groups::check_names(&names)?;
    Ok(names)
}
