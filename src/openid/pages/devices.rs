//! The pages where a person lets a device in: the code first, then what asks and from where.

use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use futures_util::FutureExt;
use leptos::prelude::*;

use super::gets;
use crate::{
    openid::{
        devices::{self, Barred, PAGE, Waiting},
        request::{Params, with_params},
    },
    platform::{
        error::Result,
        visit::{Visit, network_in_words},
    },
    texts::{language, t, t_with},
    web::{
        accepted::Done,
        form::{Form, FormState, TOKEN_FIELD},
        next::before,
        notices::notices,
        page::{
            Around, Frame,
            avatar::avatar,
            device,
            parts::{alone, button, hidden, isolated, user_code},
            times::ago,
        },
        reply::Explained,
        routes::{Map, Policy},
        state::AppState,
        submit::FormCall,
        viewer::{Viewer, render, render_form},
    },
};

notices! {
    APPROVED = "device-approved";
    REFUSED = "device-refused";
    /// It waited too long, or was decided elsewhere.
    OVER = "device-over";
}

/// Where the person decides.
const DECIDE: &str = "/device/confirm";

pub(crate) fn routes(map: &mut Map) {
    map.page(Policy::SignedIn, PAGE, code_page);
    map.form(&ENTER);
    map.page(Policy::SignedIn, DECIDE, decide_page);
    map.form(&DECISION);
}

static ENTER: Form = Form {
    title: "connect-device",
    keeps: &["code"],
    show: Some(|state, form, viewer, headers| show_code(state, form, viewer, headers).boxed()),
    ..Form::at("/api/enter_device_code", PAGE)
};

async fn code_page(
    State(state): State<AppState>,
    viewer: Viewer,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response> {
    let params = Params::read(query.unwrap_or_default().as_bytes());
    let code = params.hint("user_code").and_then(devices::read_code);
    let code = code.map(|code| devices::written(&code)).unwrap_or_default();
    show_code(&state, FormState::new(&ENTER).with("code", &code), &viewer, &headers).await
}

async fn show_code(
    state: &AppState,
    form: FormState,
    viewer: &Viewer,
    headers: &HeaderMap,
) -> Result<Response> {
    render_form(state, form, viewer, headers, |form, token| {
        let fields = vec![user_code(form), button(t("device-next"))];
        alone(form, token, Some(t("device-lead")), fields, None)
    })
    .await
}

/// Takes the code that a device shows. Nothing is agreed to yet.
#[server(endpoint = "/enter_device_code")]
pub async fn enter_device_code(#[server(default)] code: String) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            devices::claim(&call.state, call.caller()?, &code, &call.visit).await?;
            Ok(call.on(&with_params(DECIDE, &[("user_code", Some(&code))])))
        }
        .await,
    );
    Ok(())
}

static DECISION: Form = Form::at("/api/decide_device", DECIDE);

/// Lets a device in, or not.
#[server(endpoint = "/decide_device")]
pub async fn decide_device(
    #[server(default)] user_code: String,
    #[server(default)] agree: String,
) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(decide(&call, &user_code, !agree.is_empty()).await);
    Ok(())
}

async fn decide(call: &FormCall, user_code: &str, agrees: bool) -> Result<Done> {
    let (state, caller) = (&call.state, call.caller()?);
    let Some(waiting) = devices::waiting(state, caller, user_code).await? else {
        return call.stay(PAGE, OVER);
    };
    let decided = devices::decide(state, caller, &waiting, agrees, &call.visit).await?;
    match (decided, agrees) {
        (false, _) => call.stay(PAGE, OVER),
        (true, true) => call.stay("/account/apps", APPROVED),
        (true, false) => call.stay("/account/apps", REFUSED),
    }
}

async fn decide_page(
    State(state): State<AppState>,
    viewer: Viewer,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    let params = Params::read(query.unwrap_or_default().as_bytes());
    let (caller, code) = (viewer.caller()?, params.hint("user_code").unwrap_or_default());
    // Claimed in another session, or over: back to the code, which is typed again.
    let Some(waiting) = devices::waiting(&state, caller, code).await? else {
        let page = with_params(PAGE, &[("user_code", Some(code).filter(|code| !code.is_empty()))]);
        return Ok(Redirect::to(&page).into_response());
    };
    match devices::bar(&state, caller, &waiting).await? {
        Some(Barred::TooOld) => {
            let here = with_params(DECIDE, &[("user_code", Some(&waiting.code))]);
            return Ok(Redirect::to(&before("/confirm", &here)).into_response());
        }
        Some(Barred::Group) => {
            devices::decide(&state, caller, &waiting, false, &visit).await?;
            return barred(&state, &viewer, &waiting.app.name).await;
        }
        None => {}
    }
    let profile = caller.profile().clone();
    let token = viewer.form_token(&state)?;
    let around = Around::of("device-decide").framed(Frame::Centered).with_times();
    render(&state, &viewer, around, move || {
        let name = || isolated(&waiting.app.name);
        let device = device::name(&waiting.device);
        let network = network_in_words(&waiting.network);
        view! {
            <div class="alone">
                <section class="card">
                    <h1>{t_with("device-title", &[("app", name().into())])}</h1>
                    <p>{t_with("device-warning", &[("app", name().into())])}</p>
                    {facts(&waiting, device, network)}
                    <div class="who-card">
                        {avatar(&profile, false)}
                        <p><span dir="auto">{profile.username.clone()}</span></p>
                    </div>
                    {gets(&waiting.app.name, &waiting.scope, &waiting.resource)}
                    <form method="post" action=DECISION.action>
                        {hidden(TOKEN_FIELD, &token)}
                        {hidden("user_code", &waiting.code)}
                        <div class="actions">
                            <button type="submit" class="button" name="agree" value="yes">
                                {t("device-yes")}
                            </button>
                            <button type="submit" class="button quiet">{t("device-no")}</button>
                        </div>
                    </form>
                </section>
            </div>
        }
    })
    .await
}

/// The app is not for this person.
async fn barred(state: &AppState, viewer: &Viewer, app: &str) -> Result<Response> {
    let app = isolated(app);
    let around = Around::of("connect-device").framed(Frame::Centered);
    let viewer = &viewer.elsewhere(PAGE);
    let mut page = render(state, viewer, around, move || {
        view! {
            <div class="alone">
                <section class="card">
                    <h1>{t_with("device-barred", &[("app", app.clone().into())])}</h1>
                    <p>{t("device-barred-lead")}</p>
                    <p class="actions"><a class="button" href="/account">{t("problem-home")}</a></p>
                </section>
            </div>
        }
    })
    .await?;
    *page.status_mut() = StatusCode::FORBIDDEN;
    page.extensions_mut().insert(Explained);
    Ok(page)
}

/// The program that asks, its network, and the time.
fn facts(waiting: &Waiting, device: String, network: String) -> impl IntoView + use<> {
    let network = if network.is_empty() { language().text("network-unknown") } else { network };
    view! {
        <dl class="facts">
            <div><dt>{t("device-code")}</dt><dd><code>{waiting.code.clone()}</code></dd></div>
            <div><dt>{t("device-what")}</dt><dd>{device}</dd></div>
            <div><dt>{t("device-where")}</dt><dd>{network}</dd></div>
            <div><dt>{t("device-when")}</dt><dd>{ago(waiting.made_at)}</dd></div>
        </dl>
    }
}
