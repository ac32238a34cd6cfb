//! The page to sign in by a code that is sent by mail: first it asks whom to send it to, then for
//! the code.

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::Response,
};
use futures_util::FutureExt;
use leptos::prelude::*;

use super::{SIGN_IN, another_code, instead, remember, stepped};
use crate::{
    domain::{Code, Field},
    emails,
    platform::error::{Refusal, Result},
    sessions::tokens::SessionKind,
    sign_in::code,
    texts::t,
    web::{
        accepted::Done,
        form::{Form, FormState},
        page::parts::{alone, button, identifier, one_time_code},
        routes::{Map, Policy},
        state::AppState,
        submit::FormCall,
        viewer::{AnyQuery, Viewer, read, render_form},
    },
};

pub(crate) fn routes(map: &mut Map) {
    map.page(Policy::Noticed, PAGE, code_page);
    map.form(&SEND_CODE);
    map.form(&ENTER_CODE);
}

const PAGE: &str = "/signin/code";

pub(super) static SEND_CODE: Form = Form {
    policy: Policy::Noticed,
    title: "code-title",
    keeps: &["identifier"],
    show: Some(|state, form, viewer, headers| show_send(state, form, viewer, headers).boxed()),
    ..Form::at("/api/send_code", PAGE)
};

/// The answer doesn't tell whether there is an account; only the mail does.
#[server(endpoint = "/send_code")]
pub async fn send_code(
    #[server(default)] identifier: String,
    #[server(default)] next: String,
) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let challenge = code::ask(&call.state, &identifier, &call.visit).await?;
            let location = FormState::new(&ENTER_CODE).to(&next).here();
            let session = call.caller.as_ref().map(|caller| caller.session().to_owned());
            let mut headers = HeaderMap::new();
            let cookie = call.state.cookies.set_challenge(challenge);
            headers.append(header::SET_COOKIE, cookie);
            Ok(Done { location, headers, notice: None, session })
        }
        .await,
    );
    Ok(())
}

static ENTER_CODE: Form = Form {
    policy: Policy::Noticed,
    title: "code-title",
    keeps: &["remember"],
    show: Some(|state, form, viewer, headers| show_enter(state, form, viewer, headers).boxed()),
    ..Form::at("/api/sign_in_by_code", PAGE)
};

/// Signs in by the code, in the browser that asked for it.
#[server(endpoint = "/sign_in_by_code")]
pub async fn sign_in_by_code(
    #[server(default)] code: String,
    #[server(default)] remember: String,
    #[server(default)] next: String,
) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            if code.trim().is_empty() {
                return Err(Refusal::of_field(Field::CODE, Code::Missing).into());
            }
            let challenge = call.challenge.as_deref().unwrap_or_default();
            let kind = SessionKind::Browser { remembered: !remember.is_empty() };
            let (state, visit, before) = (&call.state, &call.visit, call.caller.as_ref());
            let step = code::sign_in_by_code(state, challenge, &code, kind, visit, before).await?;
            let mut done = stepped(&call.state, call.caller.as_ref(), step, &next);
            done.headers.append(header::SET_COOKIE, state.cookies.forget_challenge());
            Ok(done)
        }
        .await,
    );
    Ok(())
}

/// `?again`: asks for another code, though one has been sent.
async fn code_page(
    State(state): State<AppState>,
    viewer: Viewer,
    query: AnyQuery,
    headers: HeaderMap,
) -> Result<Response> {
    emails::is_on(&state)?;
    let query = read(query);
    if state.cookies.challenge(&headers).is_some() && query.again.is_none() {
        return show_enter(&state, FormState::new(&ENTER_CODE).to(&query.next), &viewer, &headers)
            .await;
    }
    let form = FormState::new(&SEND_CODE).to(&query.next);
    let form = match &viewer.caller {
        Some(caller) => form.with("identifier", &caller.profile().username),
        None => form,
    };
    show_send(&state, form, &viewer, &headers).await
}

async fn show_send(
    state: &AppState,
    form: FormState,
    viewer: &Viewer,
    headers: &HeaderMap,
) -> Result<Response> {
    render_form(state, form, viewer, headers, |form, token| {
        let fields = vec![identifier(form), button(t("code-send"))];
        let other = view! { <a href=instead(form, &SIGN_IN)>{t("forgot-back")}</a> };
        alone(form, token, Some(t("code-lead")), fields, Some(other.into_any()))
    })
    .await
}

async fn show_enter(
    state: &AppState,
    form: FormState,
    viewer: &Viewer,
    headers: &HeaderMap,
) -> Result<Response> {
    let remembered = state.settings.sessions.remember_ttl;
    render_form(state, form, viewer, headers, move |form, token| {
        let fields = vec![one_time_code(form), remember(form, remembered), button(t("sign-in"))];
        let other = view! { <a href=another_code(form)>{t("code-again")}</a> };
        alone(form, token, Some(t("code-sent")), fields, Some(other.into_any()))
    })
    .await
}
