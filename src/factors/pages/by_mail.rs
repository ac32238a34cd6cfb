//! The page of the link that removes second factors.

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::Response,
};
use futures_util::FutureExt;
use leptos::prelude::*;

use crate::{
    factors::by_mail::{self, Reset},
    links::Repeat,
    platform::{clock::now, error::Result, visit::Visit},
    texts::{language, t, t_with},
    web::{
        form::{Form, FormState},
        mail_link,
        notices::notices,
        page::parts::{alone, danger_button, hidden, isolated},
        routes::{Map, Policy},
        state::AppState,
        submit::FormCall,
        viewer::{AnyQuery, Viewer, render_form},
    },
};

notices! {
    FACTORS_REMOVED = "factors-removed";
    RESET_STOPPED = "factor-reset-stopped";
}

pub(crate) fn routes(map: &mut Map) {
    map.page(Policy::Noticed, RESET.page, reset_page);
    map.form(&RESET);
    map.form(&STOP);
}

static RESET: Form = Form {
    policy: Policy::Noticed,
    title: "reset-factors",
    keeps: &["username", "from"],
    show: Some(|state, form, viewer, headers| show(state, form, viewer, headers).boxed()),
    ..Form::at("/api/reset_factors", "/reset-factors")
};

#[server(endpoint = "/reset_factors")]
pub async fn reset_factors() -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let link = call.link.as_deref().unwrap_or_default();
            let account = by_mail::reset(&call.state, link, Repeat::Allowed, &call.visit).await?;
            let mut done = call.ended(account, "/signin", FACTORS_REMOVED);
            let cookie = call.state.cookies.forget_link(RESET.page);
            done.headers.append(header::SET_COOKIE, cookie);
            Ok(done)
        }
        .await,
    );
    Ok(())
}

static STOP: Form =
    Form { policy: Policy::Noticed, ..Form::at("/api/stop_reset_of_factors", "/reset-factors") };

#[server(endpoint = "/stop_reset_of_factors")]
pub async fn stop_reset_of_factors() -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let link = call.link.as_deref().unwrap_or_default();
            by_mail::stop(&call.state, link, Repeat::Allowed, &call.visit).await?;
            let mut done = call.go_on("/signin", RESET_STOPPED);
            let cookie = call.state.cookies.forget_link(RESET.page);
            done.headers.append(header::SET_COOKIE, cookie);
            Ok(done)
        }
        .await,
    );
    Ok(())
}

async fn reset_page(
    State(state): State<AppState>,
    viewer: Viewer,
    visit: Visit,
    query: AnyQuery,
    headers: HeaderMap,
) -> Result<Response> {
    if let Some(arrival) = mail_link::arrival(&state, RESET.page, query)? {
        return Ok(arrival);
    }
    let link = mail_link::link(&state, RESET.page, &headers);
    let Reset { profile, works_from, .. } =
        by_mail::find(&state, &link, Repeat::Refused, &visit).await?;
    let form = FormState::new(&RESET).with("username", &profile.username);
    show(&state, form.with("from", &works_from.to_string()), &viewer, &headers).await
}

async fn show(
    state: &AppState,
    form: FormState,
    viewer: &Viewer,
    headers: &HeaderMap,
) -> Result<Response> {
    let link = mail_link::link(state, RESET.page, headers);
    render_form(state, form, viewer, headers, move |form, token| {
        let username = ("username", isolated(form.value("username")).into());
        let from: i64 = form.value("from").parse().unwrap_or_default();
        let works = now() >= from;
        let lead = match works {
            true => t_with("reset-factors-lead", &[username]),
            false => {
                let time = ("time", language().date_time(from).into());
                t_with("reset-factors-wait", &[username, time])
            }
        };
        let remove = works.then(|| danger_button(t("reset-factors-button")));
        let stop = view! {
            <button type="submit" class="button quiet" formaction=STOP.action>
                {t("reset-factors-stop")}
            </button>
        };
        let fields = vec![
            hidden("username", form.value("username")),
            hidden("from", form.value("from")),
            mail_link::link_field(&link),
            remove.into_any(),
            stop.into_any(),
        ];
        alone(form, token, Some(lead), fields, None)
    })
    .await
}
