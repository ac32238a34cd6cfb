//! The page of the second step, and signing in with a passkey alone.

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Redirect, Response},
};
use futures_util::FutureExt;
use leptos::prelude::*;

use super::{SIGN_IN, stepped};
use crate::{
    factors::{self, Answer, FEW_CODES, Factors, by_mail},
    passkeys::Assertion,
    platform::error::{Error, Refusal, Result},
    sessions::{Second, caller::SignedIn, tokens::SessionKind},
    sign_in::{
        Entered, HalfOpen, Step, passkey,
        second_factor::{self as second, Taker},
    },
    texts::{t, t_with},
    web::{
        accepted::Done,
        form::{Form, FormState},
        next::safe_next,
        notices::notices,
        page::parts::{
            self, alone, app_code, checkbox, hidden, isolated, no_passkeys, recovery_code,
        },
        routes::{Map, Policy},
        state::AppState,
        strict_json::of_field,
        submit::FormCall,
        viewer::{AnyQuery, Viewer, read, render_form},
    },
};

notices! {
    /// The sign-in waited too long, or there were too many tries.
    OVER = "second-factor-over";
    /// Few recovery codes are left.
    FEW_LEFT = "few-codes";
    RESET_ASKED = "factor-reset-asked";
}

pub(crate) fn routes(map: &mut Map) {
    map.page(Policy::Noticed, SECOND.page, second_factor_page);
    map.form(&SECOND);
    map.form(&PASSKEY);
    map.form(&RECOVER);
    map.get(crate::web::routes::Door::Asset, Policy::Public, ENDPOINTS, endpoints);
}

const PAGE: &str = "/signin/second-factor";

/// Where password managers find what there is for passkeys (W3C, A Well-Known URL for Relying Party
/// Passkey Endpoints).
const ENDPOINTS: &str = "/.well-known/passkey-endpoints";

async fn endpoints(State(state): State<AppState>) -> impl IntoResponse {
    let origin = state.public_url.origin();
    axum::Json(serde_json::json!({
        "enroll": format!("{origin}/account/security/passkey"),
        "manage": format!("{origin}/account/security"),
    }))
}

/// The answer in the fields of a form.
pub(super) fn answer(
    code: String,
    recovery_code: String,
    credential: &str,
) -> Result<Option<Answer>, Refusal> {
    let is_given = |text: &str| !text.trim().is_empty();
    if is_given(credential) {
        let read = of_field(credential).ok().and_then(|json| Assertion::read(json).ok());
        return Ok(Some(Answer::Passkey(read.ok_or(Refusal::InvalidCode)?)));
    }
    if is_given(&recovery_code) {
        return Ok(Some(Answer::RecoveryCode(recovery_code)));
    }
    Ok(is_given(&code).then_some(Answer::Code(code)))
}

static PASSKEY: Form = Form {
    policy: Policy::Noticed,
    show: Some(|state, form, viewer, headers| {
        super::show_sign_in(state, form.as_of(&SIGN_IN), viewer, headers).boxed()
    }),
    keeps: SIGN_IN.keeps,
    title: "sign-in",
    ..Form::at("/api/sign_in_by_passkey", "/signin")
};

/// The button on the sign-in page.
pub(super) fn passkey_button(form: &FormState) -> AnyView {
    let action = FormState::new(&PASSKEY).to(form.value("next")).action();
    parts::passkey_button("get", action, t("use-passkey"), "button quiet", true)
}

/// Signs in with a passkey alone. The script of the page has filled in the fields.
#[server(endpoint = "/sign_in_by_passkey")]
pub async fn sign_in_by_passkey(
    #[server(default)] challenge: String,
    #[server(default)] credential: String,
    #[server(default)] remember: String,
    #[server(default)] next: String,
) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let read = of_field(&credential).ok().and_then(|json| Assertion::read(json).ok());
            let assertion = read.ok_or(Refusal::InvalidCode)?;
            let kind = SessionKind::Browser { remembered: !remember.is_empty() };
            let (state, visit, before) = (&call.state, &call.visit, call.caller.as_ref());
            let step =
                passkey::sign_in_by_passkey(state, &challenge, assertion, kind, visit, before);
            Ok(stepped(&call.state, call.caller.as_ref(), step.await?, &next))
        }
        .await,
    );
    Ok(())
}

/// To the second step, with its challenge in a cookie.
pub(super) fn go_there(
    state: &AppState,
    caller: Option<&SignedIn>,
    half_open: HalfOpen,
    next: &str,
) -> Done {
    let location = FormState::new(&SECOND).to(next).here();
    let session = caller.map(|caller| caller.session().to_owned());
    let mut headers = HeaderMap::new();
    let cookie = state.cookies.set_second_factor(half_open.challenge);
    headers.append(header::SET_COOKIE, cookie);
    Done { location, headers, notice: None, session }
}

static SECOND: Form = Form {
    policy: Policy::Noticed,
    title: "second-factor",
    keeps: &["trust"],
    has_passkeys: true,
    show: Some(|state, form, viewer, headers| show(state, form, viewer, headers).boxed()),
    ..Form::at("/api/second_factor", PAGE)
};

/// The second step, in the browser that took the first.
#[server(endpoint = "/second_factor")]
pub async fn second_factor(
    #[server(default)] code: String,
    #[server(default)]
    #[server(rename = "recoveryCode")]
    recovery_code: String,
    #[server(default)] credential: String,
    #[server(default)] whose: String,
    #[server(default)] trust: String,
    #[server(default)] next: String,
) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let state = &call.state;
            let challenge = call.second_factor.as_deref().unwrap_or_default();
            let Some((profile, _)) =
                second::waiting(state, challenge, call.visitor.as_deref()).await?
            else {
                if let Some(done) = done_already(&call, &next) {
                    return Ok(done);
                }
                // The same form may have been sent a moment ago.
                let answer = answer(code, recovery_code, &credential)?;
                let step = match &answer {
                    Some(answer) => take(&call, challenge, answer, &trust).await,
                    None => Err(Refusal::InvalidCode.into()),
                };
                return match step {
                    Ok(step) => Ok(forgetting(
                        &call,
                        stepped(&call.state, call.caller.as_ref(), step, &next),
                    )),
                    Err(Error::Refusal(Refusal::InvalidCode)) => Ok(over(&call, &next)),
                    Err(error) => Err(error),
                };
            };
            if !whose.is_empty() && whose != profile.id.0.to_string() {
                // Another tab has begun with another account.
                return Err(Refusal::StaleForm.into());
            }
            let Some(answer) = answer(code, recovery_code, &credential)? else {
                let (challenge, methods) = (None, Vec::new());
                return Err(Refusal::SecondFactorRequired { challenge, methods }.into());
            };
            let step = match take(&call, challenge, &answer, &trust).await {
                // That was the last try.
                Err(Error::Refusal(Refusal::InvalidCode))
                    if second::waiting(state, challenge, call.visitor.as_deref())
                        .await?
                        .is_none() =>
                {
                    return Ok(over(&call, &next));
                }
                step => step?,
            };
            let has_used_code =
                |entered: &Entered| entered.session.proved_by.second == Some(Second::RecoveryCode);
            let codes_left = match &step {
                Step::Entered(entered) if has_used_code(entered) => {
                    let left = factors::of(state, entered.profile.id).await?.codes_left;
                    (left <= FEW_CODES).then_some(left)
                }
                _ => None,
            };
            let done = stepped(&call.state, call.caller.as_ref(), step, &next);
            let notice = done.notice.clone().or(codes_left.map(|_| FEW_LEFT));
            Ok(forgetting(&call, Done { notice, ..done }))
        }
        .await,
    );
    Ok(())
}

async fn take(call: &FormCall, challenge: &str, answer: &Answer, trust: &str) -> Result<Step> {
    let taker = Taker::Browser { trusts: !trust.is_empty() };
    let (state, visit, before) = (&call.state, &call.visit, call.caller.as_ref());
    second::second_factor(state, challenge, answer, taker, visit, before).await
}

/// If nothing waits because this browser is signed in, perhaps in another tab.
fn done_already(call: &FormCall, next: &str) -> Option<Done> {
    let session = call.caller.as_ref().filter(|_| call.second_factor.is_none())?.session();
    let (location, headers, notice) = (safe_next(next), HeaderMap::new(), None);
    Some(Done { location, headers, notice, session: Some(session.to_owned()) })
}

/// Back to the first step.
fn over(call: &FormCall, next: &str) -> Done {
    let location = FormState::new(&SIGN_IN).to(next).here();
    forgetting(call, call.go_on(&location, OVER))
}

fn forgetting(call: &FormCall, mut done: Done) -> Done {
    done.headers.append(header::SET_COOKIE, call.state.cookies.forget_second_factor());
    done
}

async fn second_factor_page(
    State(state): State<AppState>,
    viewer: Viewer,
    query: AnyQuery,
    headers: HeaderMap,
) -> Result<Response> {
    let next = read(query).next;
    if viewer.caller.is_some() && state.cookies.second_factor(&headers).is_none() {
        return Ok(Redirect::to(&safe_next(&next)).into_response());
    }
    show(&state, FormState::new(&SECOND).to(&next), &viewer, &headers).await
}

async fn show(
    state: &AppState,
    form: FormState,
    viewer: &Viewer,
    headers: &HeaderMap,
) -> Result<Response> {
    let challenge = state.cookies.second_factor(headers).unwrap_or_default();
    let visitor = state.cookies.visitor(headers);
    let Some((profile, factors)) = second::waiting(state, &challenge, visitor.as_deref()).await?
    else {
        let page = FormState::new(&SIGN_IN).to(form.value("next")).here();
        let cookie = [(header::SET_COOKIE, state.cookies.forget_second_factor())];
        return Ok((cookie, Redirect::to(&page)).into_response());
    };
    let recovers = by_mail::is_on(state).is_ok();
    render_form(state, form, viewer, headers, move |form, token| {
        let username = isolated(&profile.username);
        let lead = t_with("second-factor-lead", &[("username", username.into())]);
        let whose = profile.id.0.to_string();
        let mut fields = fields(form, &factors, &whose);
        fields.push(recovers.then(recover).into_any());
        let other = view! { <a href=SIGN_IN.page>{t("second-factor-back")}</a> };
        alone(form, token, Some(lead), fields, Some(other.into_any()))
    })
    .await
}

fn fields(form: &FormState, factors: &Factors, whose: &str) -> Vec<AnyView> {
    let Factors { totp, codes_left, passkeys, .. } = *factors;
    let has_passkey = passkeys > 0;
    let mut fields = vec![hidden("whose", whose)];
    if has_passkey {
        let (action, words) = (form.action(), t("use-passkey"));
        fields.push(parts::passkey_button("get", action, words, "button", false));
        fields.push(no_passkeys(t("no-passkeys-here")));
    }
    if totp {
        fields.push(app_code(form));
    }
    let class = if has_passkey { "button quiet" } else { "button" };
    let go_on = || {
        view! { <button type="submit" class=class>{t("second-factor-button")}</button> }.into_any()
    };
    if codes_left > 0 {
        fields.push(recovery_code(form, !totp && !has_passkey, (!totp).then(go_on)));
    }
    fields.push(checkbox(form, "trust", t("trust"), Some(t("trust-hint"))));
    if totp {
        fields.push(go_on());
    }
    if !totp && codes_left == 0 {
        fields.push(view! { <p class="hint">{t("second-factor-lost")}</p> }.into_any());
    }
    fields
}

static RECOVER: Form = Form { policy: Policy::Noticed, ..Form::at("/api/recover_by_mail", PAGE) };

/// Asks for the link that removes the second factors a day later.
#[server(endpoint = "/recover_by_mail")]
pub async fn recover_by_mail() -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let challenge = call.second_factor.as_deref().unwrap_or_default();
            by_mail::ask(&call.state, challenge, &call.visit).await?;
            Ok(call.go_on(PAGE, RESET_ASKED))
        }
        .await,
    );
    Ok(())
}

/// The last way back in, as another button of the form.
fn recover() -> impl IntoView {
    view! {
        <details class="dialog">
            <summary>{t("recover-by-mail")}</summary>
            <p class="hint">{t("recover-by-mail-how")}</p>
            <button type="submit" formaction=RECOVER.action class="button quiet small">
                {t("recover-by-mail-button")}
            </button>
        </details>
    }
}
