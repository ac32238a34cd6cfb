//! The page to get another link that verifies an address.

use axum::{extract::State, http::HeaderMap, response::Response};
use futures_util::FutureExt;
use leptos::prelude::*;

use super::SIGN_IN;
use crate::{
    emails,
    platform::error::Result,
    sign_in::resend::resend,
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
    VERIFICATION_SENT = "verification-sent";
}

pub(crate) fn routes(map: &mut Map) {
    map.page(Policy::Noticed, RESEND.page, resend_page);
    map.form(&RESEND);
}

pub(super) static RESEND: Form = Form {
    policy: Policy::Noticed,
    title: "resend-title",
    keeps: &["identifier"],
    show: Some(|state, form, viewer, headers| show(state, form, viewer, headers).boxed()),
    ..Form::at("/api/resend_verification", "/verify-email/resend")
};

#[server(endpoint = "/resend_verification")]
pub async fn resend_verification(
    #[server(default)] identifier: String,
) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            resend(&call.state, &identifier, &call.visit).await?;
            Ok(call.go_on(SIGN_IN.page, VERIFICATION_SENT))
        }
        .await,
    );
    Ok(())
}

async fn resend_page(
    State(state): State<AppState>,
    viewer: Viewer,
    headers: HeaderMap,
) -> Result<Response> {
    emails::is_on(&state)?;
    show(&state, FormState::new(&RESEND), &viewer, &headers).await
}

async fn show(
    state: &AppState,
    form: FormState,
    viewer: &Viewer,
    headers: &HeaderMap,
) -> Result<Response> {
    render_form(state, form, viewer, headers, |form, token| {
        let fields = vec![identifier(form), button(t("resend-button"))];
        let other = view! { <a href=SIGN_IN.page>{t("forgot-back")}</a> };
        alone(form, token, Some(t("resend-lead")), fields, Some(other.into_any()))
    })
    .await
}
