//! One's own account: profile, security, sessions, data.

use leptos::prelude::*;

use crate::web::pages::views::form::{self, FormState, button, checkbox, hidden, summary};
use crate::{
    audit::AuditRow,
    domain::{Field, PasswordPolicy, Profile},
    sessions::carrier::Carrier,
    store::StoredSession,
    texts::{language, number, t, t_with},
    web::{
        client::known_device,
        pages::times::{ago, day},
    },
};

pub(in crate::web::pages) fn profile(
    profile: &Profile,
    form: &FormState,
    token: &str,
) -> impl IntoView + use<> {
    view! {
        <section class="card">
            {summary(form)}
            <h1>{t("profile-title")}</h1>
            <dl class="facts">
                <div><dt>{t("full-name")}</dt><dd>{profile.full_name.clone()}</dd></div>
                <div><dt>{t("username")}</dt><dd>{profile.username.clone()}</dd></div>
                <div><dt>{t("member-since")}</dt><dd>{day(profile.created_at)}</dd></div>
            </dl>
            <h2>{t("profile-change")}</h2>
            {form::live(form, token, vec![
                form::field(form, Field::FullName, "name", None, None),
                button(t("save")),
            ])}
        </section>
    }
}

/// The history of an account as the page shows it: repeats share one entry.
#[derive(Clone)]
pub(in crate::web::pages) struct History {
    groups: Vec<Group>,
    /// The number of the last event that is shown, if there are more.
    next: Option<i64>,
    /// Whether it begins with an older event than the last.
    continued: bool,
}

#[derive(Clone)]
struct Group {
    event: String,
    count: usize,
    last: i64,
    first: i64,
    /// Each once, those of the newest events first.
    places: Vec<String>,
}

/// How many places an entry names. It counts the others.
const PLACES: usize = 3;

impl History {
    pub(in crate::web::pages) fn of(
        rows: Vec<AuditRow>,
        more: bool,
        most: usize,
        continued: bool,
    ) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        let (mut shown, mut cut) = (None, false);
        for row in rows {
            let detail = row.detail();
            let place = detail.filter(|detail| !detail.network.is_empty()).map(|detail| {
                let device = known_device(&detail.device);
                let unknown = t("session-unknown-device");
                place(if device.is_empty() { &unknown } else { device }, &detail.network)
            });
            let is_full = groups.len() == most;
            match groups.last_mut().filter(|group| group.event == row.event) {
                Some(group) => {
                    group.count += 1;
                    group.first = row.at;
                    group.places.extend(place.filter(|place| !group.places.contains(place)));
                }
                None if is_full => {
                    cut = true;
                    break;
                }
                None => groups.push(Group {
                    event: row.event,
                    count: 1,
                    last: row.at,
                    first: row.at,
                    places: place.into_iter().collect(),
                }),
            }
            shown = Some(row.seq);
        }
        Self { groups, next: shown.filter(|_| more || cut), continued }
    }
}

pub(in crate::web::pages) fn security(
    history: &History,
    form: &FormState,
    token: &str,
    policy: PasswordPolicy,
) -> impl IntoView + use<> {
    let rows: Vec<_> = history.groups.iter().map(history_row).collect();
    let list = if rows.is_empty() {
        view! { <p>{t("history-empty")}</p> }.into_any()
    } else {
        view! { <ol class="list">{rows}</ol> }.into_any()
    };
    let newest = history.continued.then(|| {
        view! { <a class="button quiet" href="/account/security#history">{t("history-newest")}</a> }
    });
    let older = history.next.map(|seq| {
        let href = format!("/account/security?before={seq}#history");
        view! { <a class="button quiet" href=href>{t("history-older")}</a> }
    });
    let pages = (newest.is_some() || older.is_some())
        .then(|| view! { <p class="actions">{newest} {older}</p> });
    let current = (!form.is_confirmed())
        .then(|| form::field(form, Field::CurrentPassword, "current-password", None, None));
    view! {
        <section class="card">
            {summary(form)}
            <h1>{t("security-title")}</h1>
            <h2>{t("change-password")}</h2>
            <p>{t("change-password-lead")}</p>
            {form::live(form, token, vec![
                form::username_for_managers(form.username()),
                current.into_any(),
                form::new_password(form, policy),
                button(t("change-password")),
            ])}
        </section>
        <section class="card" id="history">
            <h2>{t("history")}</h2>
            <p>{t("history-lead")}</p>
            {list}
            {pages}
        </section>
    }
}

fn history_row(group: &Group) -> impl IntoView + use<> {
    let name = format!("event-{}", group.event.replace(':', "-"));
    let words = if language().has(&name) { language().text(&name) } else { t("event-other") };
    let times = (group.count > 1).then(|| {
        let times = t_with("history-times", &[("count", number(group.count))]);
        view! { " " <span class="mark">{times}</span> }
    });
    let since = (group.count > 1).then(|| {
        view! { <p class="hint">{t("history-since")} " " {ago(group.first)}</p> }
    });
    let named = group.places.iter().take(PLACES);
    let places: Vec<_> = named.map(|place| view! { <p class="hint">{place.clone()}</p> }).collect();
    let others = group.places.len().saturating_sub(PLACES);
    let others = (others > 0).then(|| {
        let others = t_with("history-places", &[("count", number(others))]);
        view! { <p class="hint">{others}</p> }
    });
    view! {
        <li>
            <p class="what">{words} {times}</p>
            <p class="hint">{ago(group.last)}</p>
            {since}
            {places}
            {others}
        </li>
    }
}

fn place(device: &str, network: &str) -> String {
    [device, network].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

pub(in crate::web::pages) fn sessions(
    sessions: &[StoredSession],
    here: &str,
    token: &str,
) -> impl IntoView + use<> {
    let alone = sessions.len() < 2;
    let rows: Vec<_> =
        sessions.iter().map(|session| session_row(session, session.id == here, token)).collect();
    let others = if alone {
        view! { <p>{t("sessions-alone")}</p> }.into_any()
    } else {
        view! {
            <form method="post" action="/api/end_other_sessions">
                {hidden("form_token", token)}
                {button(t("sessions-end-others"))}
            </form>
        }
        .into_any()
    };
    view! {
        <section class="card">
            <h1>{t("sessions-title")}</h1>
            <p>{t("sessions-lead")}</p>
            <ul class="list">{rows}</ul>
            {others}
        </section>
    }
}

fn session_row(session: &StoredSession, is_this: bool, token: &str) -> impl IntoView + use<> {
    let device = match known_device(&session.device) {
        "" => t("session-unknown-device"),
        device => device.to_owned(),
    };
    let mark = is_this.then(|| view! { " " <strong class="mark">{t("session-here")}</strong> });
    let method = match session.carrier {
        Carrier::Browser => t("session-method"),
        Carrier::Program => format!("{} · {}", t("session-program"), t("session-method")),
    };
    let network = (!session.network.is_empty()).then(|| {
        view! { <div><dt>{t("session-network")}</dt><dd>{session.network.clone()}</dd></div> }
    });
    let end = (!is_this).then(|| {
        let label = t_with("session-end-of", &[("device", device.clone().into())]);
        view! {
            <form method="post" action="/api/end_session">
                {hidden("form_token", token)}
                {hidden("id", &session.id)}
                <button type="submit" class="button quiet" aria-label=label>{t("session-end")}</button>
            </form>
        }
    });
    view! {
        <li>
            <p class="what">{device} {mark}</p>
            <p class="hint">{method}</p>
            <dl class="pairs">
                <div><dt>{t("session-last")}</dt><dd>{ago(session.seen_at)}</dd></div>
                <div><dt>{t("session-first")}</dt><dd>{ago(session.created_at)}</dd></div>
                {network}
            </dl>
            {end}
        </li>
    }
}

/// `days`: after which a deleted account is gone.
pub(in crate::web::pages) fn data(
    form: &FormState,
    token: &str,
    days: u64,
) -> impl IntoView + use<> {
    let days = number(usize::try_from(days).unwrap_or(usize::MAX));
    view! {
        <section class="card">
            {summary(form)}
            <h1>{t("data-title")}</h1>
            <h2>{t("download")}</h2>
            <p>{t("download-lead")}</p>
            <p class="actions">
                <a class="button" href="/account/data/download">
                    {t("download-button")}
                </a>
            </p>
        </section>
        <section class="card danger">
            <h2>{t("delete")}</h2>
            <p>{t_with("delete-lead", &[("days", days)])}</p>
            <form method="post" action="/api/delete_account" novalidate>
                {hidden("form_token", token)}
                {checkbox(form, "confirmed", t("delete-confirm"), None)}
                {button(t("delete-button"))}
            </form>
        </section>
    }
}
