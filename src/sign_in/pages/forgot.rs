//! The page for owners who have forgotten their password.

use axum::{extract::State, http::HeaderMap, response::Response};
use futures_util::FutureExt;
use leptos::prelude::*;

use super::SIGN_IN;
use crate::{
    emails,
    platform::error::Result,
    sign_in::forgot::forgot,
    texts::t,
    web::{
        form::{Form, FormState},
        notices::notices,
        page::parts::{alone, button, identifier},
        routes::{Map, Policy},
        state::AppState,
        submit::FormCall,
        viewer::{Viewer, render_form},
    },
};

notices! {
    RESET_SENT = "reset-sent";
}

pub(crate) fn routes(map: &mut Map) {
    map.page(Policy::Noticed, FORGOT.page, forgot_page);
    map.form(&FORGOT);
}

static FORGOT: Form = Form {
    policy: Policy::Noticed,
    title: "forgot-title",
    keeps: &["identifier"],
    show: Some(|state, form, viewer, headers| show(state, form, viewer, headers).boxed()),
    ..Form::at("/api/forgot_password", "/forgot-password")
};

/// The answer doesn't tell whether there is an account; only the mail does.
#[server(endpoint = "/forgot_password")]
pub async fn forgot_password(#[server(default)] identifier: String) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            forgot(&call.state, &identifier, &call.visit).await?;
            Ok(call.go_on(SIGN_IN.page, RESET_SENT))
        }
        .await,
    );
    Ok(())
}

async fn forgot_page(
    State(state): State<AppState>,
    viewer: Viewer,
    headers: HeaderMap,
) -> Result<Response> {
    emails::is_on(&state)?;
    show(&state, FormState::new(&FORGOT), &viewer, &headers).await
}

async fn show(
    state: &AppState,
    form: FormState,
    viewer: &Viewer,
    headers: &HeaderMap,
) -> Result<Response> {
    render_form(state, form, viewer, headers, |form, token| {
        let fields = vec![identifier(form), button(t("forgot-button"))];
        let other = view! { <a href=SIGN_IN.page>{t("forgot-back")}</a> };
        alone(form, token, Some(t("forgot-lead")), fields, Some(other.into_any()))
    })
    .await
}
