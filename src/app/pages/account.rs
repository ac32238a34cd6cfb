//! One's own account: profile, security, sessions, data.

use leptos::prelude::*;

use super::form::{self, FormState, button, checkbox, hidden, summary};
use crate::{
    app::times::{ago, day},
    domain::{Field, PasswordPolicy, Profile},
    server::{audit::Row, sessions::Carrier, store::StoredSession},
    texts::{language, number, t, t_with},
};

pub(in crate::app) fn profile(
    profile: &Profile,
    form: &FormState,
    token: &str,
) -> impl IntoView + use<> {
    view! {
        <section class="card">
            {form::saved(form.saved)}
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

pub(in crate::app) fn security(
    history: &[Row],
    form: &FormState,
    token: &str,
    policy: PasswordPolicy,
) -> impl IntoView + use<> {
    let rows: Vec<_> = history.iter().map(history_row).collect();
    let list = if rows.is_empty() {
        view! { <p>{t("history-empty")}</p> }.into_any()
    } else {
        view! { <ol class="list">{rows}</ol> }.into_any()
    };
    view! {
        <section class="card">
            {form::saved(form.saved)}
            {summary(form)}
            <h1>{t("security-title")}</h1>
            <h2>{t("change-password")}</h2>
            <p>{t("change-password-lead")}</p>
            {form::live(form, token, vec![
                // For password managers: whose password it is.
                view! {
                    <input type="text" name="username" value=form.username().to_owned()
                        autocomplete="username" hidden readonly/>
                }.into_any(),
                form::field(form, Field::CurrentPassword, "current-password", None, None),
                form::new_password(form, policy),
                button(t("change-password")),
            ])}
        </section>
        <section class="card">
            <h2>{t("history")}</h2>
            <p>{t("history-lead")}</p>
            {list}
        </section>
    }
}

fn history_row(row: &Row) -> impl IntoView + use<> {
    let name = format!("event-{}", row.event.replace(':', "-"));
    let words = if language().has(&name) { language().text(&name) } else { t("event-other") };
    let where_from = row.detail().map(|detail| place(&detail.device, &detail.network));
    view! {
        <li>
            <p class="what">{words}</p>
            <p class="hint">{ago(row.at)}</p>
            {where_from.filter(|place| !place.is_empty())
                .map(|place| view! { <p class="hint">{place}</p> })}
        </li>
    }
}

fn place(device: &str, network: &str) -> String {
    [device, network].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

pub(in crate::app) fn sessions(
    sessions: &[StoredSession],
    here: &str,
    token: &str,
    saved: Option<&'static str>,
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
            {form::saved(saved)}
            <h1>{t("sessions-title")}</h1>
            <p>{t("sessions-lead")}</p>
            <ul class="list">{rows}</ul>
            {others}
        </section>
    }
}

fn session_row(session: &StoredSession, is_this: bool, token: &str) -> impl IntoView + use<> {
    let device = match session.device.as_str() {
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
pub(in crate::app) fn data(form: &FormState, token: &str, days: u64) -> impl IntoView + use<> {
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
