//! The pages that set up a second factor: an authenticator app, a passkey, recovery codes, and the
//! choice among them where one is required.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use futures_util::FutureExt;
use leptos::prelude::*;
use qrcodegen::{QrCode, QrCodeEcc};

use super::{CODES_IN_USE, GO_ON, PASSKEY_ADDED, TOTP_ON};
use crate::{
    domain::{Code, Field},
    emails::SECURITY,
    factors::{
        SET_UP, Setup, add_passkey as use_add_passkey, confirm_totp as use_confirm_totp,
        is_just_confirmed, of, pending, set_up_totp as use_set_up_totp, use_codes,
    },
    passkeys::Registration,
    platform::error::{Error, Refusal, Result},
    texts::{t, t_with},
    web::{
        accepted::Done,
        form::{Form, FormState, TOKEN_FIELD},
        next::safe_next,
        notices::Notice,
        page::{
            Around, Frame,
            icons::{KEY, QR},
            parts::{self, app_code, button, hidden, no_passkeys, passkey_button, plain, summary},
        },
        pending::PendingAct,
        routes::{Map, Policy},
        state::AppState,
        strict_json::of_field,
        submit::FormCall,
        viewer::{AnyQuery, Viewer, ask_for_proof, read, render},
    },
};

const AUTHENTICATOR: &str = "/account/security/authenticator";
pub(super) const ADD_PASSKEY: &str = "/account/security/passkey";
pub(super) const CODES: &str = "/account/security/recovery-codes";

pub(crate) fn routes(map: &mut Map) {
    map.page(Policy::SettingUp, SET_UP, set_up_page);
    map.page(Policy::SettingUp, AUTHENTICATOR, authenticator_page);
    map.page(Policy::SettingUp, ADD_PASSKEY, add_page);
    map.page(Policy::SignedIn, CODES, codes_page);
    map.form(&SET_UP_TOTP);
    map.form(&CONFIRM_TOTP);
    map.form(&ADD);
    map.form(&USE_CODES);
}

/// The address of a form's page, and of what follows it. `next`: may be empty.
fn on_the_way(form: &'static Form, next: &str) -> String {
    FormState::new(form).to(next).here()
}

/// Goes on to where one was going before the set-up, or to the page of all factors.
fn set_up(call: &FormCall, next: &str, notice: Notice) -> Result<Done> {
    let to = if next.is_empty() { SECURITY.to_owned() } else { safe_next(next) };
    call.stay(&to, notice)
}

/// The first page of users who must have a second factor: its purpose, and the choice.
async fn set_up_page(
    State(state): State<AppState>,
    viewer: Viewer,
    query: AnyQuery,
) -> Result<Response> {
    let (caller, next) = (viewer.caller()?, read(query).next);
    let factors = of(&state, caller.account()).await?;
    if factors.any() {
        // It only has to be shown.
        let next = if next.is_empty() { "/account".to_owned() } else { safe_next(&next) };
        return Ok(match caller.has_second_factor() {
            true => Redirect::to(&next).into_response(),
            false => ask_for_proof(&state, caller, &next, None),
        });
    }
    let passkey = on_the_way(&ADD, &next);
    let totp = FormState::new(&SET_UP_TOTP).to(&next);
    let (token, username) = (viewer.form_token(&state)?, caller.profile().username.clone());
    let around = Around::of("set-up").framed(Frame::Centered).with_passkeys();
    render(&state, &viewer, around, move || {
        view! {
            <div class="alone">
                <section class="card">
                    <h1>{t("set-up")}</h1>
                    <p>{t("set-up-lead")}</p>
                    <div class="choice" data-with-passkeys hidden>
                        <h2 class="with-icon">{KEY.view()} {t("passkey")}</h2>
                        <p>{t("set-up-passkey")}</p>
                        <p><a class="button" href=passkey.clone()>{t("set-up-passkey-button")}</a></p>
                    </div>
                    <div class="choice">
                        <h2 class="with-icon">{QR.view()} {t("totp")}</h2>
                        <p>{t("set-up-totp")}</p>
                        <form method="post" action=totp.action()>
                            {hidden(TOKEN_FIELD, &token)}
                            {hidden("next", totp.value("next"))}
                            <button type="submit" class="button quiet">{t("set-up-totp-button")}</button>
                        </form>
                    </div>
                </section>
                <p class="other">{t_with("set-up-other", &[("username", username.clone().into())])}</p>
            </div>
        }
    })
    .await
}

pub(super) static SET_UP_TOTP: Form = Form {
    policy: Policy::SettingUp,
    pending: Some(&SETTING_UP),
    ..Form::at("/api/set_up_totp", AUTHENTICATOR)
};

static SETTING_UP: PendingAct = PendingAct {
    word: "set-up-totp",
    page: AUTHENTICATOR,
    lead: "confirm-lead-factors",
    of_form: |_| Some(String::new()),
    run: |call, caller, _| {
        async move {
            use_set_up_totp(&call.state, caller).await?;
            Ok(GO_ON)
        }
        .boxed()
    },
};

/// Makes a new secret, and goes on to its page.
#[server(endpoint = "/set_up_totp")]
pub async fn set_up_totp(#[server(default)] next: String) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            use_set_up_totp(&call.state, call.fresh()?).await?;
            Ok(call.on(&on_the_way(&CONFIRM_TOTP, &next)))
        }
        .await,
    );
    Ok(())
}

static CONFIRM_TOTP: Form = Form {
    policy: Policy::SettingUp,
    title: "totp-set-up",
    show: Some(|state, form, viewer, _| show_authenticator(state, form, viewer).boxed()),
    ..Form::at("/api/confirm_totp", AUTHENTICATOR)
};

#[server(endpoint = "/confirm_totp")]
pub async fn confirm_totp(
    #[server(default)] code: String,
    #[server(default)] set: String,
    #[server(default)] next: String,
) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            if code.trim().is_empty() {
                return Err(Refusal::of_field(Field::CODE, Code::Missing).into());
            }
            let (state, fresh) = (&call.state, call.fresh()?);
            match use_confirm_totp(state, fresh, &code, Some(&set), &call.visit).await {
                Err(Error::Refusal(Refusal::InvalidCode))
                    if is_just_confirmed(state, fresh, &code).await? => {}
                confirmed => _ = confirmed?,
            }
            set_up(&call, &next, TOTP_ON)
        }
        .await,
    );
    Ok(())
}

async fn authenticator_page(
    State(state): State<AppState>,
    viewer: Viewer,
    query: AnyQuery,
) -> Result<Response> {
    if let Err(ask) = viewer.fresh(&state, None) {
        return Ok(ask);
    }
    let form = FormState::new(&CONFIRM_TOTP).to(&read(query).next);
    show_authenticator(&state, form, &viewer).await
}

async fn show_authenticator(
    state: &AppState,
    form: FormState,
    viewer: &Viewer,
) -> Result<Response> {
    let fresh = match viewer.fresh(state, None) {
        Ok(fresh) => fresh,
        Err(ask) => return Ok(ask),
    };
    let setup = pending(state, fresh).await?;
    let (Some(secret), Some(uri)) = (setup.secret.clone(), setup.uri.clone()) else {
        // Nothing is being set up any more: it was confirmed in another tab, or too long ago.
        return Ok(Redirect::to(SECURITY).into_response());
    };
    let token = viewer.form_token(state)?;
    let around = Around::of_form(&form).framed(Frame::Wide).with_code().with_passkeys();
    render(state, viewer, around, move || {
        let set = hidden("set", &setup.set);
        let fields = vec![set, app_code(&form), button(t("totp-confirm"))];
        view! {
            <div class="steps-page">
                <h1>{t("totp-set-up")}</h1>
                <p>{t("totp-set-up-lead")}</p>
                {summary(&form)}
                <section class="card">
                    <h2>{t("totp-step-codes")}</h2>
                    {codes(&setup)}
                </section>
                <section class="card">
                    <h2>{t("totp-step-scan")}</h2>
                    <p>{t("totp-step-scan-how")}</p>
                    {qr(&uri)}
                    <p>{t("totp-secret")}</p>
                    <p class="secret-words" dir="ltr"><code>{grouped(&secret)}</code></p>
                    <p><a href=uri.clone()>{t("totp-open-app")}</a></p>
                </section>
                <section class="card">
                    <h2>{t("totp-step-code")}</h2>
                    {plain(&form, &token, fields)}
                </section>
                <p class="other"><a href=SECURITY>{t("confirm-cancel")}</a></p>
            </div>
        }
    })
    .await
}

/// A secret in groups of four, for people who type it.
fn grouped(secret: &str) -> String {
    let letters: Vec<char> = secret.chars().collect();
    let groups = letters.chunks(4).map(|group| group.iter().collect::<String>());
    groups.collect::<Vec<_>>().join(" ")
}

/// A QR code of dark squares on white, in every theme: some scanners read nothing else.
fn qr(text: &str) -> Option<impl IntoView + use<>> {
    const QUIET: i32 = 4;
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let size = code.size();
    let dark = (0..size).flat_map(|y| (0..size).map(move |x| (x, y)));
    let dark = dark.filter(|(x, y)| code.get_module(*x, *y));
    let path: String = dark.map(|(x, y)| format!("M{},{}h1v1h-1z", x + QUIET, y + QUIET)).collect();
    let side = size + 2 * QUIET;
    Some(view! {
        <svg class="qr" viewBox=format!("0 0 {side} {side}") role="img" aria-label=t("totp-qr")
            xmlns="http://www.w3.org/2000/svg" shape-rendering="crispEdges">
            <rect width=side height=side fill="#fff"></rect>
            <path d=path fill="#000"></path>
        </svg>
    })
}

/// Recovery codes, to copy, to download or to print.
fn codes(setup: &Setup) -> impl IntoView + use<> {
    let text = setup.codes.join("\n");
    let file: String = form_urlencoded::byte_serialize(format!("{text}\n").as_bytes()).collect();
    let href = format!("data:text/plain;charset=utf-8,{file}");
    view! {
        <p>{t("codes-save")}</p>
        {parts::code(text)}
        <p class="actions">
            <a class="button quiet small" download="recovery-codes.txt" href=href>{t("codes-download")}</a>
            <button type="button" class="button quiet small" data-print hidden>{t("codes-print")}</button>
        </p>
    }
}

static ADD: Form = Form {
    policy: Policy::SettingUp,
    title: "passkey-add",
    has_passkeys: true,
    show: Some(|state, form, viewer, _| show_add(state, form, viewer).boxed()),
    ..Form::at("/api/add_passkey", ADD_PASSKEY)
};

/// Adds the passkey with which the script of the page has filled in the fields.
#[server(endpoint = "/add_passkey")]
pub async fn add_passkey(
    #[server(default)] challenge: String,
    #[server(default)] credential: String,
    #[server(default)] set: String,
    #[server(default)] next: String,
) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let read = of_field(&credential).ok().and_then(|json| Registration::read(json).ok());
            let wrong = Refusal::of_field(Field::CREDENTIAL, Code::Wrong);
            let (read, fresh) = (read.ok_or(wrong)?, call.fresh()?);
            let how = (&*challenge, Some(&*set).filter(|set| !set.is_empty()));
            use_add_passkey(&call.state, fresh, how, read, None, &call.visit).await?;
            set_up(&call, &next, PASSKEY_ADDED)
        }
        .await,
    );
    Ok(())
}

async fn add_page(
    State(state): State<AppState>,
    viewer: Viewer,
    query: AnyQuery,
) -> Result<Response> {
    if let Err(ask) = viewer.fresh(&state, None) {
        return Ok(ask);
    }
    show_add(&state, FormState::new(&ADD).to(&read(query).next), &viewer).await
}

async fn show_add(state: &AppState, form: FormState, viewer: &Viewer) -> Result<Response> {
    let fresh = match viewer.fresh(state, None) {
        Ok(fresh) => fresh,
        Err(ask) => return Ok(ask),
    };
    // Codes come before the first factor.
    let setup = match of(state, fresh.account()).await?.codes_left {
        0 => Some(pending(state, fresh).await?),
        _ => None,
    };
    let token = viewer.form_token(state)?;
    let around = Around::of_form(&form).framed(Frame::Wide).with_code();
    render(state, viewer, around, move || {
        let action = form.action();
        let set = setup.as_ref().map(|setup| hidden("set", &setup.set));
        let fields = vec![
            set.into_any(),
            passkey_button("create", action, t("passkey-add-button"), "button", false),
            no_passkeys(t("no-passkeys-add")),
        ];
        let codes = setup.as_ref().map(|setup| {
            view! {
                <section class="card">
                    <h2>{t("passkey-step-codes")}</h2>
                    {codes(setup)}
                </section>
            }
        });
        let wrong = form
            .errors
            .iter()
            .find(|error| [Field::CREDENTIAL, Field::CHALLENGE].contains(&error.field));
        let wrong = wrong.map(|error| {
            let words = match error.code {
                Code::Taken => t("passkey-known"),
                Code::TooMany { .. } => t("passkey-too-many"),
                _ => t("passkey-failed"),
            };
            view! { <p class="summary" role="alert" tabindex="-1" autofocus>{words}</p> }
        });
        view! {
            <div class="steps-page">
                <h1>{t("passkey-add")}</h1>
                <p>{t("passkey-add-lead")}</p>
                {wrong}
                {summary(&form)}
                {codes}
                <section class="card">
                    <h2>{t("passkey-step-add")}</h2>
                    <p>{t("passkey-step-add-how")}</p>
                    {plain(&form, &token, fields)}
                </section>
                <p class="other"><a href=SECURITY>{t("confirm-cancel")}</a></p>
            </div>
        }
    })
    .await
}

static USE_CODES: Form = Form {
    title: "codes-new",
    show: Some(|state, form, viewer, _| show_codes(state, form, viewer).boxed()),
    ..Form::at("/api/use_recovery_codes", CODES)
};

/// The codes on the page take the place of the old ones.
#[server(endpoint = "/use_recovery_codes")]
pub async fn use_recovery_codes(#[server(default)] set: String) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            use_codes(&call.state, call.fresh()?, &set, &call.visit).await?;
            call.stay(SECURITY, CODES_IN_USE)
        }
        .await,
    );
    Ok(())
}

async fn codes_page(State(state): State<AppState>, viewer: Viewer) -> Result<Response> {
    show_codes(&state, FormState::new(&USE_CODES), &viewer).await
}

async fn show_codes(state: &AppState, form: FormState, viewer: &Viewer) -> Result<Response> {
    let fresh = match viewer.fresh(state, None) {
        Ok(fresh) => fresh,
        Err(ask) => return Ok(ask),
    };
    if !of(state, fresh.account()).await?.any() {
        return Ok(Redirect::to(SECURITY).into_response());
    }
    let (setup, token) = (pending(state, fresh).await?, viewer.form_token(state)?);
    let around = Around::of_form(&form).framed(Frame::Wide).with_code().with_passkeys();
    render(state, viewer, around, move || {
        view! {
            <div class="steps-page">
                <h1>{t("codes-new")}</h1>
                <p>{t("codes-new-lead")}</p>
                {summary(&form)}
                <section class="card">
                    {codes(&setup)}
                    <form method="post" action=USE_CODES.action>
                        {hidden(TOKEN_FIELD, &token)}
                        {hidden("set", &setup.set)}
                        {button(t("codes-use"))}
                    </form>
                </section>
                <p class="other"><a href=SECURITY>{t("confirm-cancel")}</a></p>
            </div>
        }
    })
    .await
}
