//! The pages for signing up and in, and their forms.

pub mod code;
pub mod forgot;
pub mod password;
pub mod resend;
pub mod second_factor;
pub mod sign_up;
pub mod with;

use std::time::Duration;

use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use futures_util::FutureExt;
use leptos::prelude::*;

use super::{
    Entered, Step,
    confirm::{Evidence, confirm as use_confirm},
    password as password_use,
};
use crate::{
    accounts::{
        pages::{DELETION_ASKED, deletion_asked},
        settings::SignUpMode,
    },
    apps::destination::{self, Destination},
    domain::{Code, Field, FieldError, SignInForm, shown_password},
    emails,
    factors::{self, Answer},
    platform::error::{Error, Refusal, Result},
    sessions::{
        caller::{OVER, Shown, SignedIn, by_token},
        tokens::SessionKind,
    },
    texts::{language, number, t, t_with},
    web::{
        accepted::{self, Done},
        brand::t_brand,
        form::{Form, FormState, Over},
        next::safe_next,
        notices::{Notice, PASSKEY_OFFER, notices},
        page::parts::{self, alone, button, checkbox, hidden, isolated},
        pending::Pending,
        routes::{Map, Policy},
        state::AppState,
        submit::FormCall,
        viewer::{AnyQuery, Viewer, read, render_form},
    },
};
use sign_up::SIGN_UP;

notices! {
    WELCOME = "welcome";
    LEFT = "signed-out";
    /// The deletion of the account was cancelled.
    KEPT = "kept";
    /// The password was removed, because somebody else may have chosen it.
    TAKEN_OVER = "taken-over";
    /// The account is made, and waits for its address to be verified.
    TO_VERIFY = "to-verify";
    /// The password was confirmed, but the pending act was not performed.
    NOT_DONE = "not-done";
}

/// The page after signing in.
const HOME: &str = "/profile";

pub(crate) fn routes(map: &mut Map) {
    sign_up::routes(map);
    map.page(Policy::Noticed, SIGN_IN.page, sign_in_page);
    map.form(&SIGN_IN);
    map.form(&SIGN_OUT);
    map.page(Policy::SettingUp, CONFIRM.page, confirm_page);
    map.form(&CONFIRM);
}

static SIGN_IN: Form = Form {
    policy: Policy::Noticed,
    title: "sign-in",
    keeps: &["username", "remember"],
    has_island: true,
    has_passkeys: true,
    show: Some(|state, form, viewer, headers| show_sign_in(state, form, viewer, headers).boxed()),
    ..Form::at("/api/sign_in", "/signin")
};

/// Signs in, and goes to `next` if that is a path of this site.
#[server(endpoint = "/sign_in")]
pub async fn sign_in(
    #[server(default)] username: String,
    #[server(default)] password: String,
    #[server(default)] remember: String,
    #[server(default)] next: String,
) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    let form = SignInForm { username: Ok(username), password: Ok(password) };
    call.finish(
        async {
            let credentials = form.parse().map_err(Refusal::InvalidInput)?;
            let kind = SessionKind::Browser { remembered: !remember.is_empty() };
            let (visit, before) = (&call.visit, call.caller.as_ref());
            let step = super::sign_in(&call.state, &credentials, kind, visit, before).await?;
            Ok(stepped(&call.state, before, step, &next))
        }
        .await,
    );
    Ok(())
}

/// Goes to `next`, or to the second factor on the way there.
fn stepped(state: &AppState, caller: Option<&SignedIn>, step: Step, next: &str) -> Done {
    match step {
        Step::Entered(by_proof) => entered(state, *by_proof, next),
        Step::SecondFactor(half_open) => second_factor::go_there(state, caller, half_open, next),
    }
}

/// Goes to `next`, unless there is something to tell first.
fn entered(state: &AppState, entered: Entered, next: &str) -> Done {
    let notice = match &entered {
        Entered { password_removed: true, .. } => Some(TAKEN_OVER),
        Entered { deletion_undone: true, .. } => Some(KEPT),
        _ => None,
    };
    let next = if notice.is_some() { HOME.to_owned() } else { safe_next(next) };
    let offer = entered.offers_passkey.then_some(PASSKEY_OFFER);
    accepted::entered(state, entered, &next, notice.or(offer))
}

async fn sign_in_page(
    State(state): State<AppState>,
    viewer: Viewer,
    query: AnyQuery,
    headers: HeaderMap,
) -> Result<Response> {
    let next = read(query).next;
    if viewer.caller.is_some() {
        return Ok(Redirect::to(&safe_next(&next)).into_response());
    }
    show_sign_in(&state, FormState::new(&SIGN_IN).to(&next), &viewer, &headers).await
}

async fn show_sign_in(
    state: &AppState,
    form: FormState,
    viewer: &Viewer,
    headers: &HeaderMap,
) -> Result<Response> {
    let remembered = state.settings.sessions.remember_ttl;
    let (has_mail, must_verify) = (state.mail.is_some(), state.settings.mail.required);
    let is_open = state.settings.accounts.sign_up == SignUpMode::Open;
    let destination = destination::of(&state.apps, form.value("next")).await;
    let providers = state.providers.all().to_vec();
    let form = match form.value("username") {
        "" => form.with("username", &destination.login_hint),
        _ => form,
    };
    render_form(state, form, viewer, headers, move |form, token| {
        let lead = going_to(&destination);
        let by_code = has_mail.then(|| {
            let href = instead(form, &code::SEND_CODE);
            view! { <a class="button quiet" href=href>{t("sign-in-by-code")}</a> }.into_any()
        });
        let fields = vec![
            parts::username(form, has_mail),
            parts::password(form, Field::PASSWORD),
            remember(form, remembered),
            button(t("sign-in")),
            second_factor::passkey_button(form),
            by_code.into_any(),
            with::buttons(&providers, form.value("next"), "with-provider").into_any(),
        ];
        let href = instead(form, &SIGN_UP);
        let sign_up = is_open
            .then(|| view! { {t_brand("sign-in-other")} " " <a href=href>{t("sign-up")}</a> });
        let resend = must_verify.then(|| {
            view! { <br/> <a href=resend::RESEND.page>{t("resend-title")}</a> }
        });
        let has_other = sign_up.is_some() || resend.is_some();
        let other = view! { {sign_up} {resend} };
        alone(form, token, lead, fields, has_other.then(|| other.into_any()))
    })
    .await
}

/// The app that one goes to.
fn going_to(destination: &Destination) -> Option<String> {
    let app = destination.app.as_deref()?;
    Some(t_with("going-to", &[("app", isolated(app).into())]))
}

/// The page that asks for another code.
fn another_code(form: &FormState) -> String {
    let page = instead(form, &code::SEND_CODE);
    format!("{page}{}again", if page.contains('?') { '&' } else { '?' })
}

/// The page of another form that leads to the same page afterwards.
fn instead(form: &FormState, other: &'static Form) -> String {
    FormState::new(other).to(form.value("next")).here()
}

/// Whether the session outlives the browser.
fn remember(form: &FormState, remembered: Duration) -> AnyView {
    checkbox(form, "remember", t("remember"), Some(remember_hint(remembered)))
}

/// How long users stay signed in without coming back.
fn remember_hint(remembered: Duration) -> String {
    let hours = usize::try_from(remembered.as_secs() / 3600).unwrap_or(usize::MAX);
    match hours {
        0 => t("remember-hint-short"),
        1..48 => t_with("remember-hint-hours", &[("hours", number(hours))]),
        _ => t_with("remember-hint", &[("days", number(hours / 24))]),
    }
}

static SIGN_OUT: Form =
    Form { policy: Policy::SettingUp, over: Over::SignedOut, ..Form::at("/api/sign_out", "/") };

#[server(endpoint = "/sign_out")]
pub async fn sign_out() -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            super::sign_out(&call.state, call.caller()?, &call.visit).await?;
            Ok(call.signed_out("/", Some(LEFT)))
        }
        .await,
    );
    Ok(())
}

static CONFIRM: Form = Form {
    policy: Policy::Renewing,
    title: "confirm",
    of_account: true,
    has_island: true,
    has_passkeys: true,
    show: Some(|state, form, viewer, headers| show_confirm(state, form, viewer, headers).boxed()),
    over: Over::Perhaps(deletion_asked),
    ..Form::at("/api/confirm", "/confirm")
};

/// Checks the password again, performs the pending act, and continues.
#[server(endpoint = "/confirm")]
pub async fn confirm(
    #[server(default)] password: String,
    #[server(default)] code: String,
    #[server(default)]
    #[server(rename = "recoveryCode")]
    recovery_code: String,
    #[server(default)] credential: String,
    #[server(default)] next: String,
    #[server(default)] pending: String,
) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    let answer = second_factor::answer(code, recovery_code, &credential);
    call.finish(confirm_and_go_on(&call, password, answer, &next, &pending).await);
    Ok(())
}

async fn confirm_and_go_on(
    call: &FormCall,
    password: String,
    answer: Result<Option<Answer>, Refusal>,
    next: &str,
    pending: &str,
) -> Result<Done> {
    let answer = answer?;
    let password = match shown_password(&Ok(password)) {
        Ok(password) => Some(password),
        // The use case knows whether there must be one.
        Err(errors) if is_missing(&errors) && answer.is_some() => None,
        // The account has none, and the page no field for it.
        Err(errors) if is_missing(&errors) && call.sent("password").is_none() => {
            let (challenge, methods) = (None, Vec::new());
            return Err(Refusal::SecondFactorRequired { challenge, methods }.into());
        }
        Err(errors) => return Err(Refusal::InvalidInput(errors).into()),
    };
    let evidence = Evidence { password: password.as_ref(), answer: answer.as_ref() };
    let (state, renewer) = (&call.state, call.renewer()?);
    let (family, account) = (renewer.family(), renewer.profile().id);
    let entered = match use_confirm(state, renewer, &evidence, &call.visit).await {
        Err(error @ Error::Refusal(Refusal::Unauthorized { .. })) => {
            // The same confirmation has just scheduled the deletion of the account.
            let notice = deletion_asked(state, account).await?.ok_or(error)?;
            return Ok(call.signed_out(SIGN_IN.page, Some(notice)));
        }
        entered => entered?,
    };
    if let Some(pending) = Pending::open(state, pending, family) {
        // With what follows it.
        let page = if pending.is_of(next) { safe_next(next) } else { pending.act.page.to_owned() };
        let page = &*page;
        return Ok(match run_pending(call, &entered, &pending).await {
            Ok(notice) if notice.word == DELETION_ASKED.word => {
                call.signed_out(SIGN_IN.page, Some(notice))
            }
            Ok(notice) => call.entered(entered, page, Some(notice)),
            // The session is new, and must not be lost if the act fails.
            Err(error) => {
                tracing::warn!(?error, "confirmed, but not done");
                call.entered(entered, page, Some(NOT_DONE))
            }
        });
    }
    // An act is pending, but this form doesn't name it or has expired: it may come from another
    // tab.
    let not_done = (call.pending.is_some() || !pending.is_empty()).then_some(NOT_DONE);
    Ok(call.entered(entered, &safe_next(next), not_done))
}

fn is_missing(errors: &[FieldError]) -> bool {
    errors.iter().all(|error| error.code == Code::Missing)
}

/// Performs the act that waited for the password, which is fresh: the session is new.
async fn run_pending(call: &FormCall, entered: &Entered, pending: &Pending) -> Result<Notice> {
    let (state, carrier) = (&call.state, entered.session.carrier);
    let shown = by_token(&state.tokens, &state.live_sessions, carrier, &entered.token).await?;
    let Shown::Good(caller) = shown else {
        let notice = deletion_asked(state, entered.profile.id).await?;
        return Ok(notice.ok_or(OVER)?);
    };
    let fresh = caller.fresh(state.settings.sessions.proof_ttl)?;
    (pending.act.run)(call, fresh, &pending.to).await
}

async fn confirm_page(
    State(state): State<AppState>,
    viewer: Viewer,
    query: AnyQuery,
    headers: HeaderMap,
) -> Result<Response> {
    let (next, caller) = (read(query).next, viewer.caller()?);
    let pending = Pending::of_cookie(&state, &headers, caller.family(), &next);
    let form = FormState::new(&CONFIRM).to(&next).of(caller.profile()).pending(pending);
    show_confirm(&state, form, &viewer, &headers).await
}

async fn show_confirm(
    state: &AppState,
    form: FormState,
    viewer: &Viewer,
    headers: &HeaderMap,
) -> Result<Response> {
    let caller = viewer.caller()?;
    let has_password = password_use::has_one(state, caller).await?;
    let is_reachable = state.mail.is_some()
        && emails::of(&state.store, caller.account()).await?.verified.is_some();
    let second = factors::of(state, caller.account()).await?;
    let linked = match has_password || second.passkeys > 0 {
        true => Vec::new(),
        false => with::linked(state, caller).await?,
    };
    render_form(state, form, viewer, headers, move |form, token| {
        let lead = match &form.pending {
            _ if !has_password && second.passkeys > 0 => t("confirm-lead-passkey"),
            _ if !has_password && !is_reachable => t("confirm-lead-provider"),
            _ if !has_password => t("confirm-lead-no-password"),
            Some((_, pending)) => language().text(pending.act.lead),
            None => t("confirm-lead"),
        };
        let pending = form.pending.as_ref().map(|(sealed, _)| hidden("pending", sealed));
        let mut fields =
            vec![parts::username_for_managers(form.value("username")), pending.into_any()];
        if second.passkeys > 0 {
            let (action, words) = (form.action(), t("confirm-passkey"));
            fields.push(parts::passkey_button("get", action, words, "button", false));
        }
        if has_password {
            fields.push(parts::password(form, Field::PASSWORD));
        }
        if has_password && second.totp {
            fields.push(parts::app_code(form));
        }
        if has_password && second.any() && second.codes_left > 0 {
            fields.push(parts::recovery_code(form, !second.totp, None));
        }
        if has_password {
            let class = if second.passkeys > 0 { "button quiet" } else { "button" };
            let words = t("confirm-button");
            fields.push(view! { <button type="submit" class=class>{words}</button> }.into_any());
        }
        // An account without a password has no other way.
        let by_code = (is_reachable && !has_password).then(|| {
            view! { <a class="button" href=another_code(form)>{t("confirm-by-code")}</a> }
        });
        fields.push(by_code.into_any());
        fields.push(with::buttons(&linked, form.value("next"), "confirm-with").into_any());
        let other = view! { <a href="/account">{t("confirm-cancel")}</a> };
        alone(form, token, Some(lead), fields, Some(other.into_any()))
    })
    .await
}
