//! The pages for setting a new password, and their forms.

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::{Redirect, Response},
};
use futures_util::FutureExt;
use leptos::prelude::*;

use super::SIGN_IN;
use crate::{
    audit::pages::History,
    domain::{Field, PasswordChangeForm, PasswordPolicy},
    factors::pages::Shown,
    links::Repeat,
    platform::{
        error::{Refusal, Result},
        visit::Visit,
    },
    sessions::caller::Renewer,
    sign_in::password,
    texts::{t, t_with},
    web::{
        form::{Form, FormState},
        mail_link,
        notices::notices,
        page::{
            Around, Section,
            icons::SHIELD,
            parts::{self, alone, button, isolated, page_head, panel, summary},
        },
        routes::{Map, Policy},
        state::AppState,
        submit::FormCall,
        viewer::{AnyQuery, Viewer, read, render, render_form},
    },
};

notices! {
    PASSWORD_CHANGED = "password";
    PASSWORD_SET = "set-password";
}

pub(crate) const SECURITY: Section =
    Section { page: "/account/security", name: "security", icon: SHIELD };

pub(crate) fn routes(map: &mut Map) {
    map.section(SECURITY, security_page);
    map.form(&CHANGE_PASSWORD);
    map.page(Policy::Public, "/.well-known/change-password", change_password_here);
    map.page(Policy::Noticed, SET_PASSWORD.page, set_password_page);
    map.form(&SET_PASSWORD);
}

static CHANGE_PASSWORD: Form = Form {
    policy: Policy::Renewing,
    title: "security-title",
    new_password: true,
    of_account: true,
    has_island: true,
    show: Some(|state, form, viewer, _| show_security(state, form, viewer, None).boxed()),
    ..Form::at("/api/change_password", SECURITY.page)
};

#[server(endpoint = "/change_password")]
pub async fn change_password(
    #[server(default)]
    #[server(rename = "currentPassword")]
    current: String,
    #[server(default)]
    #[server(rename = "newPassword")]
    new: String,
) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let form = PasswordChangeForm { current: Ok(current), new: Ok(new) };
            let (renewer, state) = (call.renewer()?, &call.state);
            let confirmed = match renewer {
                Renewer::Now(caller) => password::may_omit_current(state, caller).await?,
                Renewer::Again(_) => true,
            };
            let change = form.parse(state.settings.passwords.policy, renewer.profile(), confirmed);
            let change = change.map_err(Refusal::InvalidInput)?;
            let entered = password::change(state, renewer, &change, &call.visit).await?;
            Ok(call.entered(entered, SECURITY.page, Some(PASSWORD_CHANGED)))
        }
        .await,
    );
    Ok(())
}

async fn security_page(
    State(state): State<AppState>,
    viewer: Viewer,
    query: AnyQuery,
) -> Result<Response> {
    if let Err(ask) = viewer.fresh(&state, None) {
        return Ok(ask);
    }
    let caller = viewer.caller()?;
    let form = FormState::new(&CHANGE_PASSWORD).of(caller.profile());
    let form = form.confirmed(password::may_omit_current(&state, caller).await?);
    show_security(&state, form, &viewer, read(query).before.parse().ok()).await
}

async fn show_security(
    state: &AppState,
    form: FormState,
    viewer: &Viewer,
    before: Option<i64>,
) -> Result<Response> {
    // A refused form comes back here without the password having been asked for.
    let history = match viewer.fresh(state, None) {
        Ok(caller) => Some(History::read(state, &caller, before).await?),
        Err(_) => None,
    };
    let (token, policy) = (viewer.form_token(state)?, state.settings.passwords.policy);
    let around = Around::of_form(&form).within(SECURITY).with_times().with_passkeys();
    let factors = Shown::read(state, viewer.caller()?).await?;
    let view = move || security_view(history.as_ref(), &factors, &form, &token, policy);
    render(state, viewer, around, view).await
}

fn security_view(
    history: Option<&History>,
    factors: &Shown,
    form: &FormState,
    token: &str,
    policy: PasswordPolicy,
) -> impl IntoView + use<> {
    let current = (!form.confirmed).then(|| parts::password(form, Field::CURRENT_PASSWORD));
    let fields = vec![
        parts::username_for_managers(form.value("username")),
        current.into_any(),
        parts::new_password(form, Field::NEW_PASSWORD, policy),
        button(t("change-password")),
    ];
    let change = view! {
        {summary(form)}
        {parts::live(form, token, fields)}
    };
    view! {
        {page_head(t("security-title"), Some(t("security-lead")))}
        {factors.view(token)}
        {panel(Some("password"), t("change-password"), Some(t("change-password-lead")), change.into_any())}
        {history.map(|history| history.view(SECURITY.page))}
    }
}

/// Where password managers send people (W3C, A Well-Known URL for Changing Passwords).
async fn change_password_here() -> Redirect {
    Redirect::to(SECURITY.page)
}

static SET_PASSWORD: Form = Form {
    policy: Policy::Noticed,
    title: "set-password",
    new_password: true,
    keeps: &["username"],
    has_island: true,
    show: Some(|state, form, viewer, headers| {
        show_set_password(state, form, viewer, headers).boxed()
    }),
    ..Form::at("/api/set_password", "/set-password")
};

/// Sets a password with a link.
#[server(endpoint = "/set_password")]
pub async fn set_password(
    #[server(default)]
    #[server(rename = "newPassword")]
    new: String,
) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let (state, new, repeat) = (&call.state, Ok(new), Repeat::Allowed);
            let link = call.link.as_deref().unwrap_or_default();
            let account = password::set_by_link(state, link, &new, repeat, &call.visit).await?;
            let mut done = call.ended(account, SIGN_IN.page, PASSWORD_SET);
            done.headers.append(header::SET_COOKIE, state.cookies.forget_link(SET_PASSWORD.page));
            Ok(done)
        }
        .await,
    );
    Ok(())
}

async fn set_password_page(
    State(state): State<AppState>,
    viewer: Viewer,
    visit: Visit,
    query: AnyQuery,
    headers: HeaderMap,
) -> Result<Response> {
    if let Some(arrival) = mail_link::arrival(&state, SET_PASSWORD.page, query)? {
        return Ok(arrival);
    }
    let link = mail_link::link(&state, SET_PASSWORD.page, &headers);
    let profile = password::owner_of_link(&state, &link, &visit).await?;
    let form = FormState::new(&SET_PASSWORD).with("username", &profile.username);
    show_set_password(&state, form, &viewer, &headers).await
}

async fn show_set_password(
    state: &AppState,
    form: FormState,
    viewer: &Viewer,
    headers: &HeaderMap,
) -> Result<Response> {
    let policy = state.settings.passwords.policy;
    let link = mail_link::link(state, SET_PASSWORD.page, headers);
    render_form(state, form, viewer, headers, move |form, token| {
        let username = form.value("username").to_owned();
        // An invalid link names nobody.
        let lead = (!username.is_empty())
            .then(|| t_with("set-password-lead", &[("username", isolated(&username).into())]));
        let fields = vec![
            mail_link::link_field(&link),
            parts::username_for_managers(&username),
            parts::new_password(form, Field::NEW_PASSWORD, policy),
            button(t("save")),
        ];
        alone(form, token, lead, fields, None)
    })
    .await
}
