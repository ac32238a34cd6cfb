//! The page that verifies an address by a link.
//!
//! The link leaves the address bar before anything else is loaded: it moves into a cookie (RE-02).
//! Opening it changes nothing, because programs that look for bad links open it, too.

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Redirect, Response},
};
use futures_util::FutureExt;
use leptos::prelude::*;

use crate::{
    platform::{
        error::{Refusal, Result},
        visit::Visit,
    },
    texts::{t, t_with},
    web::{
        form::{Form, FormState},
        notices::notices,
        page::parts::{alone, button, isolated},
        routes::{Map, Policy},
        state::AppState,
        submit::FormCall,
        viewer::{AnyQuery, Viewer, read, render_form},
    },
};

notices! {
    EMAIL_VERIFIED = "email-verified";
}

pub(crate) fn routes(map: &mut Map) {
    map.page(Policy::Noticed, VERIFY.page, verify_page);
    map.form(&VERIFY);
}

static VERIFY: Form = Form {
    policy: Policy::Noticed,
    title: "verify-email",
    keeps: &["address"],
    show: Some(|state, form, viewer, headers| show(state, form, viewer, headers).boxed()),
    ..Form::at("/api/verify_email", "/verify-email")
};

#[server(endpoint = "/verify_email")]
pub async fn verify_email() -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let link = call.link.as_deref().unwrap_or_default();
            super::verify(&call.state, link, call.caller.as_ref(), &call.visit).await?;
            let location = if call.caller.is_some() { "/profile" } else { "/signin" };
            let mut done = call.go_on(location, EMAIL_VERIFIED);
            done.headers.append(header::SET_COOKIE, call.state.cookies.forget_link());
            Ok(done)
        }
        .await,
    );
    Ok(())
}

async fn verify_page(
    State(state): State<AppState>,
    viewer: Viewer,
    visit: Visit,
    query: AnyQuery,
    headers: HeaderMap,
) -> Result<Response> {
    super::is_on(&state)?;
    let link = read(query).link;
    if !link.is_empty() {
        let cookie = state.cookies.set_link(&link).ok_or(Refusal::LinkInvalid)?;
        return Ok(([(header::SET_COOKIE, cookie)], Redirect::to(VERIFY.page)).into_response());
    }
    let link = state.cookies.link(&headers).unwrap_or_default();
    let claim = super::claim_of(&state, &link, &visit).await?;
    let form = FormState::new(&VERIFY).with("address", &claim.address);
    show(&state, form, &viewer, &headers).await
}

async fn show(
    state: &AppState,
    form: FormState,
    viewer: &Viewer,
    headers: &HeaderMap,
) -> Result<Response> {
    render_form(state, form, viewer, headers, |form, token| {
        let address = ("address", isolated(form.value("address")).into());
        let lead = t_with("verify-email-lead", &[address]);
        alone(form, token, Some(lead), vec![button(t("verify-email-button"))], None)
    })
    .await
}
