//! The page for signing up, for everybody or for people who were invited.

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Redirect, Response},
};
use futures_util::FutureExt;
use leptos::prelude::*;

use super::{SIGN_IN, TO_VERIFY, WELCOME, going_to, instead, with};
use crate::{
    accounts::settings::SignUpMode,
    apps::destination,
    domain::{Code, Email, Field, NewAccount, SignUpForm, profile::FIELDS},
    emails,
    invitations::{self, Invitation},
    platform::error::{Refusal, Result},
    sign_in::sign_up::{Newcomer, sign_up_alone, sign_up_and_enter},
    texts::{language, t, t_with},
    web::{
        accepted::Done,
        form::{Form, FormState},
        mail_link,
        next::safe_next,
        page::{
            Around, Frame,
            parts::{self, alone, button, isolated},
        },
        routes::{Map, Policy},
        state::AppState,
        submit::FormCall,
        viewer::{AnyQuery, Viewer, render, render_form},
    },
};

pub(super) fn routes(map: &mut Map) {
    map.page(Policy::Noticed, SIGN_UP.page, sign_up_page);
    map.form(&SIGN_UP);
}

pub(super) static SIGN_UP: Form = Form {
    policy: Policy::Noticed,
    title: "sign-up",
    keeps: &["username", "email"],
    has_island: true,
    new_password: true,
    show: Some(|state, form, viewer, headers| show_sign_up(state, form, viewer, headers).boxed()),
    ..Form::at("/api/sign_up", invitations::PAGE)
};

/// Creates an account, signs in, and goes to `next` if that is a path of this site. Takes every submitted field of the profile.
#[server(endpoint = "/sign_up")]
pub async fn sign_up(
    #[server(default)] username: String,
    #[server(default)] password: String,
    #[server(default)] next: String,
) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(sign_up_by(&call, username, password, &next).await);
    Ok(())
}

async fn sign_up_by(
    call: &FormCall,
    username: String,
    password: String,
    next: &str,
) -> Result<Done> {
    let (state, settings) = (&call.state, &call.state.settings);
    let invitation = match &call.link {
        Some(link) => invitations::find(&state.store, link).await?,
        None => None,
    };
    let proves = |invitation: &Invitation| invitation.email.is_some();
    let must_verify = settings.mail.required && !invitation.as_ref().is_some_and(proves);
    let profile =
        FIELDS.map(|field| Ok(call.field(field.field.name()).unwrap_or_default().to_owned()));
    let email = call.field(Field::EMAIL.name()).filter(|_| state.mail.is_some());
    let email = email.map(|email| Ok(email.to_owned()));
    let email = email.or(must_verify.then_some(Err(Code::Missing)));
    let form = SignUpForm { username: Ok(username), password: Some(Ok(password)), email, profile };
    let new =
        form.parse(settings.passwords.policy, settings.profile).map_err(Refusal::InvalidInput)?;
    // An address other than that of the invitation is to be verified.
    let is_other = invitation.as_ref().is_some_and(|invitation| is_other(invitation, &new));
    let must_verify = must_verify || (settings.mail.required && is_other);
    let invitation = invitation.and(call.link.clone());
    let new = NewAccount { invitation, ..new };
    let mut done = if must_verify {
        sign_up_alone(state, &new, &call.visit).await?;
        call.go_on(SIGN_IN.page, TO_VERIFY)
    } else {
        let visitor = call.visitor.as_deref().unwrap_or_default();
        let newcomer = Newcomer { visitor, before: call.caller.as_ref() };
        let entered = sign_up_and_enter(state, &new, &call.visit, newcomer).await?;
        call.entered(entered, &safe_next(next), Some(WELCOME))
    };
    if call.link.is_some() {
        done.headers.append(header::SET_COOKIE, state.cookies.forget_link(SIGN_UP.page));
    }
    Ok(done)
}

/// Whether the new account has another address than its invitation.
fn is_other(invitation: &Invitation, new: &NewAccount) -> bool {
    let invited = invitation.email.as_deref().and_then(|text| Email::parse(text).ok());
    match (invited, &new.email) {
        (Some(invited), Some(given)) => emails::key(&invited) != emails::key(given),
        _ => false,
    }
}

async fn sign_up_page(
    State(state): State<AppState>,
    viewer: Viewer,
    query: AnyQuery,
    headers: HeaderMap,
) -> Result<Response> {
    let next = query.as_ref().map(|query| query.next.clone()).unwrap_or_default();
    if let Some(arrival) = mail_link::arrival(&state, SIGN_UP.page, query)? {
        return Ok(arrival);
    }
    if viewer.caller.is_some() {
        return Ok(Redirect::to(&safe_next(&next)).into_response());
    }
    show_sign_up(&state, FormState::new(&SIGN_UP).to(&next), &viewer, &headers).await
}

async fn show_sign_up(
    state: &AppState,
    form: FormState,
    viewer: &Viewer,
    headers: &HeaderMap,
) -> Result<Response> {
    let (policy, profile) = (state.settings.passwords.policy, state.settings.profile);
    let link = mail_link::link(state, SIGN_UP.page, headers);
    let invitation = match &*link {
        "" => None,
        link => invitations::find(&state.store, link).await?,
    };
    let may = match state.settings.accounts.sign_up {
        SignUpMode::Open => true,
        SignUpMode::Invited => invitation.is_some(),
        SignUpMode::Closed => false,
    };
    if !may {
        return show_closed(state, viewer, !link.is_empty()).await;
    }
    let proved = invitation.as_ref().and_then(|invitation| invitation.email.clone());
    // An invitation proves an address, but not one that another account has.
    let is_taken = form.errors.iter().any(|error| error.field == Field::EMAIL);
    let asks_for_email = state.mail.is_some() && (proved.is_none() || is_taken);
    let must_verify = state.settings.mail.required;
    let destination = destination::of(&state.apps, form.value("next")).await;
    let providers = state.providers.all().to_vec();
    let (is_invited, was_invited) = (invitation.is_some(), !link.is_empty());
    let link = is_invited.then(|| link.clone());
    let page = render_form(state, form, viewer, headers, move |form, token| {
        let required = profile.fields().filter(|field| field.required);
        let mut fields: Vec<_> = required.map(|field| parts::profile(form, field)).collect();
        fields.extend(link.as_deref().map(mail_link::link_field));
        if asks_for_email {
            let hint = t(if must_verify { "email-hint-required" } else { "email-hint" });
            fields.push(parts::email(form, Some(hint)));
        }
        fields.push(parts::new_username(form));
        fields.push(parts::new_password(form, Field::PASSWORD, policy));
        fields.push(button(t("sign-up")));
        fields.push(with::buttons(&providers, form.value("next"), "with-provider").into_any());
        let href = instead(form, &SIGN_IN);
        let other = view! { {t("sign-up-other")} " " <a href=href>{t("sign-in")}</a> };
        let lead = match (&proved, is_invited) {
            (Some(_), _) if is_taken => Some(t("invited-taken")),
            (Some(email), _) => Some(t_with("invited-as", &[("email", isolated(email).into())])),
            (None, true) => Some(t("invited")),
            (None, false) if was_invited => Some(t("invitation-over-open")),
            (None, false) => going_to(&destination),
        };
        alone(form, token, lead, fields, Some(other.into_any()))
    });
    let mut page = page.await?;
    if !is_invited && state.cookies.link(SIGN_UP.page, headers).is_some() {
        // It no longer works.
        page.headers_mut().append(header::SET_COOKIE, state.cookies.forget_link(SIGN_UP.page));
    }
    Ok(page)
}

/// The page for those who may not sign up. `was_invited`: with an invitation that no longer works.
async fn show_closed(state: &AppState, viewer: &Viewer, was_invited: bool) -> Result<Response> {
    let is_by_invitation = state.settings.accounts.sign_up == SignUpMode::Invited;
    let words = match (is_by_invitation, was_invited) {
        (true, true) => "invitation-over",
        (true, false) => "sign-up-by-invitation",
        (false, _) => "sign-up-closed",
    };
    let title = if is_by_invitation { "sign-up-invited-title" } else { "sign-up-closed-title" };
    let around = Around::of(title).framed(Frame::Centered);
    render(state, viewer, around, move || {
        view! {
            <div class="alone">
                <section class="card">
                    <h1>{language().text(title)}</h1>
                    <p>{language().text(words)}</p>
                    <p><a class="button" href=SIGN_IN.page>{t("sign-in")}</a></p>
                </section>
            </div>
        }
    })
    .await
}
