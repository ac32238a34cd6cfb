//! The pages on the way to an app: the authorization endpoint, consent, the choice of the account, and
//! signing out.

pub mod devices;
pub mod used;

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Redirect, Response},
};
use futures_util::FutureExt;
use leptos::prelude::*;

use super::{
    SCOPES,
    authorize::{self, Decision, Step, after, by_way_of},
    has,
    logout::{self, LOGOUT},
    request::{AUTHORIZE, Bad, Dead, Params, Request},
    words,
};
use crate::{
    apps::definition::is_loopback,
    platform::{
        error::{Refusal, Result},
        visit::Visit,
    },
    sessions::caller::SignedIn,
    sign_in,
    texts::{Language, language, t, t_with},
    web::{
        accepted::Done,
        brand::support_url,
        form::{Form, FormState, Over, TOKEN_FIELD},
        next::before,
        page::{
            Around, Frame,
            avatar::avatar,
            icons::{CLOCK, GRID, Icon, KEY, MAIL, USER, USERS},
            parts::{alone, hidden, isolated},
        },
        reply::{Explained, as_get},
        routes::{Door, Map, Policy},
        state::AppState,
        submit::FormCall,
        viewer::{Viewer, render, render_form},
    },
};

pub(crate) fn routes(map: &mut Map) {
    map.get(Door::Sent, Policy::Noticed, AUTHORIZE, authorize_page);
    map.post(Door::Sent, Policy::Public, AUTHORIZE, as_get);
    map.form(&AGREE);
    map.form(&SWITCH);
    map.get(Door::Sent, Policy::Noticed, LOGOUT, logout_page);
    map.post(Door::Sent, Policy::Public, LOGOUT, as_get);
    map.form(&LEAVE);
}

async fn authorize_page(
    State(state): State<AppState>,
    viewer: Viewer,
    visit: Visit,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response> {
    let params = Params::read(uri.query().unwrap_or_default().as_bytes());
    let is_person = viewer.caller.as_ref().is_some_and(SignedIn::by_cookie);
    let request = match authorize::read(&state, &params, viewer.caller.as_ref()).await? {
        Ok(request) => request,
        Err(Bad::Back(told)) => return Ok(Redirect::to(&told.to).into_response()),
        Err(Bad::Here(Dead::UnknownApp)) if !is_person && may_be_learnt(&state, &params) => {
            // Its metadata are fetched for somebody who is signed in.
            let here = format!("{AUTHORIZE}?{}", uri.query().unwrap_or_default());
            return Ok(Redirect::to(&before("/signin", &here)).into_response());
        }
        Err(Bad::Here(Dead::UnknownApp)) if may_be_learnt(&state, &params) => {
            return dead_page(&state, &viewer, Dead::Unreadable).await;
        }
        Err(Bad::Here(dead)) => return dead_page(&state, &viewer, dead).await,
    };
    let decision = authorize::decide(&state, &request, viewer.caller.as_ref(), &visit).await?;
    Ok(match decision {
        Decision::Back(to) => Redirect::to(&to).into_response(),
        Decision::Page(to) => in_language(&state, &request, &headers, Redirect::to(&to)),
        Decision::Choose => {
            let viewer = viewer.speaking(wished(&state, &request, &headers));
            choose_page(&state, &request, &viewer).await?
        }
        Decision::Consent => {
            let form = FormState::new(&AGREE).to(&request.address(request.step.as_deref()));
            let viewer = viewer.speaking(wished(&state, &request, &headers));
            show_consent(&state, form, &viewer, &headers).await?
        }
    })
}

/// Whether the app may be one that nobody has registered.
fn may_be_learnt(state: &AppState, params: &Params) -> bool {
    params.hint("client_id").is_some_and(|id| state.apps.is_dynamic(id))
}

/// In the language that the app wishes for, unless the person has chosen one.
fn in_language(
    state: &AppState,
    request: &Request,
    headers: &HeaderMap,
    answer: Redirect,
) -> Response {
    let mut answer = answer.into_response();
    if let Some(language) = wished(state, request, headers) {
        let cookie = state.cookies.set_language_for_now(language.tag());
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    answer
}

/// The language that the app wishes for. `None`: the person has chosen one, or we don't have it.
fn wished(state: &AppState, request: &Request, headers: &HeaderMap) -> Option<Language> {
    let wishes = request.ui_locales.as_deref().unwrap_or_default();
    let known = words(wishes).find_map(Language::accepted);
    known.filter(|_| state.cookies.language(headers).is_none())
}

/// Nobody is sent to an address that the app has not registered, so the person learns of it here.
async fn dead_page(state: &AppState, viewer: &Viewer, dead: Dead) -> Result<Response> {
    let around = Around::of("app-dead").framed(Frame::Centered);
    // The address is anybody's text, and not worth coming back to.
    let viewer = &viewer.elsewhere("/");
    let why = match dead {
        Dead::UnknownApp => "app-dead-unknown",
        Dead::WrongRedirect => "app-dead-redirect",
        Dead::Over => "app-dead-over",
        Dead::Unreadable => "app-dead-unreadable",
    };
    let mut page = render(state, viewer, around, move || {
        let help =
            support_url().map(|url| view! { <a class="button quiet" href=url>{t("help")}</a> });
        view! {
            <div class="alone">
                <section class="card">
                    <h1>{t("app-dead")}</h1>
                    <p>{t("app-dead-lead")}</p>
                    <p class="hint">{language().text(why)}</p>
                    <p class="actions"><a class="button" href="/">{t("problem-home")}</a> {help}</p>
                </section>
            </div>
        }
    })
    .await?;
    *page.status_mut() = StatusCode::BAD_REQUEST;
    page.extensions_mut().insert(Explained);
    Ok(page)
}

static AGREE: Form = Form {
    title: "consent",
    show: Some(|state, form, viewer, headers| show_consent(state, form, viewer, headers).boxed()),
    ..Form::at("/api/agree_to_app", AUTHORIZE)
};

/// The request that a form goes on with.
async fn request_of(state: &AppState, next: &str, caller: &SignedIn) -> Result<Request> {
    let query = next.strip_prefix(AUTHORIZE).and_then(|rest| rest.strip_prefix('?'));
    let params = Params::read(query.unwrap_or_default().as_bytes());
    // It was read before: the app was removed meanwhile, or the form is not ours.
    let request = authorize::read(state, &params, Some(caller)).await?;
    request.map_err(|_| Refusal::MalformedForm.into())
}

/// Remembers the consent to an app, and goes on to it; or tells it that the person says no.
#[server(endpoint = "/agree_to_app")]
pub async fn agree_to_app(
    #[server(default)] next: String,
    #[server(default)] refuse: String,
) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let (state, caller) = (&call.state, call.caller()?);
            let request = request_of(state, &next, caller).await?;
            if !refuse.is_empty() {
                authorize::use_up(state, &request).await?;
                let why = "The person has said no.";
                return Ok(call.on(&request.refused(state.issuer(), "access_denied", why)));
            }
            authorize::agree(state, &request, caller, &call.visit).await?;
            Ok(call.on(&after(state, &request, Step::Consent, Some(caller))))
        }
        .await,
    );
    Ok(())
}

async fn show_consent(
    state: &AppState,
    form: FormState,
    viewer: &Viewer,
    headers: &HeaderMap,
) -> Result<Response> {
    let caller = viewer.caller()?;
    let request = request_of(state, form.value("next"), caller).await?;
    let profile = caller.profile().clone();
    // An app on a device has a scheme of its own, in which a host means nothing.
    let url = url::Url::parse(&request.redirect_uri).ok();
    let host = url.as_ref().filter(|url| matches!(url.scheme(), "https" | "http"));
    let host = host.and_then(|url| url.host_str()).map(str::to_owned);
    let host = host.filter(|_| !is_loopback(&request.redirect_uri));
    render_form(state, form, viewer, headers, move |form, token| {
        let name = || isolated(&request.app.name);
        let who = view! {
            <div class="who-card">
                {avatar(&profile, false)}
                <p><span dir="auto">{profile.username.clone()}</span></p>
            </div>
        };
        // Nobody here has looked at this app: only its address is certain.
        let vouching = request.app.vouching_host().map(|host| {
            let host = ("host", isolated(&host).into());
            view! { <p class="notice warn">{t_with("consent-unregistered", &[host])}</p> }
        });
        let back = match &host {
            None => t_with("consent-local", &[("app", name().into())]),
            Some(host) => t_with("consent-host", &[("host", isolated(host).into())]),
        };
        let fields = vec![
            vouching.into_any(),
            who.into_any(),
            gets(&request.app.name, &request.scope, &request.resource),
            view! { <p class="hint">{back}</p> }.into_any(),
            view! {
                <div class="actions">
                    <button type="submit" class="button">{t("consent-yes")}</button>
                    <button type="submit" class="button quiet" name="refuse" value="yes">
                        {t("consent-no")}
                    </button>
                </div>
            }
            .into_any(),
        ];
        let lead = t_with("consent-lead", &[("app", name().into())]);
        let other = view! { <a href="/account/apps">{t("consent-other")}</a> };
        alone(form, token, Some(lead), fields, Some(other.into_any()))
    })
    .await
}

/// What an app learns and may do, as lists. Of the scopes of its own, a service says no more than the name.
fn gets(app: &str, scope: &str, resource: &str) -> AnyView {
    let item = |icon: Icon, words: AnyView| view! { <li>{icon.view()} <div>{words}</div></li> };
    let learns: Vec<_> = LEARNS
        .iter()
        .filter(|(word, ..)| has(scope, word))
        .map(|(_, icon, text)| {
            let text = language().text(text);
            item(*icon, view! { <p>{text}</p> }.into_any()).into_any()
        })
        .collect();
    let own: Vec<_> = words(scope)
        .filter(|word| !SCOPES.contains(word))
        .map(|word| view! { " " <code>{word.to_owned()}</code> })
        .collect();
    let uses = (!resource.is_empty()).then(|| {
        let own = (!own.is_empty()).then(|| view! { <p class="hint">{t("may-scopes")} {own}</p> });
        let resource = ("resource", isolated(resource).into());
        let words = view! { <p>{t_with("may-use", &[resource])}</p> {own} };
        item(GRID, words.into_any()).into_any()
    });
    let stays = has(scope, "offline_access")
        .then(|| item(CLOCK, view! { <p>{t("may-stay")}</p> }.into_any()).into_any());
    let may: Vec<AnyView> = [uses, stays].into_iter().flatten().collect();
    let list = |name: &'static str, items: Vec<AnyView>| {
        (!items.is_empty()).then(|| {
            view! {
                <p>{t_with(name, &[("app", isolated(app).into())])}</p>
                <ul class="list">{items}</ul>
            }
        })
    };
    view! { {list("consent-learns", learns)} {list("consent-may", may)} }.into_any()
}

/// What an app learns by a scope, in words.
const LEARNS: [(&str, Icon, &str); 4] = [
    ("openid", KEY, "learns-openid"),
    ("profile", USER, "learns-profile"),
    ("email", MAIL, "learns-email"),
    ("groups", USERS, "learns-groups"),
];

static SWITCH: Form = Form {
    policy: Policy::SettingUp,
    over: Over::SignIn,
    ..Form::at("/api/switch_account", AUTHORIZE)
};

/// Signs out, and in again with another account, on the way to an app.
#[server(endpoint = "/switch_account")]
pub async fn switch_account(#[server(default)] next: String) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let request = request_of(&call.state, &next, call.caller()?).await?;
            sign_in::sign_out(&call.state, call.caller()?, &call.visit).await?;
            let sign_in = by_way_of("/signin", &call.state, &request, Step::Login, None);
            Ok(call.signed_out(&sign_in, None))
        }
        .await,
    );
    Ok(())
}

async fn choose_page(state: &AppState, request: &Request, viewer: &Viewer) -> Result<Response> {
    let (caller, token) = (viewer.caller()?, viewer.form_token(state)?);
    let profile = caller.profile().clone();
    let stay = after(state, request, Step::Account, Some(caller));
    let action = FormState::new(&SWITCH).to(&request.address(None));
    let (next, action) = (action.value("next").to_owned(), action.action());
    let app = isolated(&request.app.name);
    let around = Around::of("choose-account").framed(Frame::Centered);
    render(state, viewer, around, move || {
        view! {
            <div class="alone">
                <section class="card">
                    <h1>{t("choose-account")}</h1>
                    <p>{t_with("choose-lead", &[("app", app.clone().into())])}</p>
                    <div class="who-card">
                        {avatar(&profile, false)}
                        <p><span dir="auto">{profile.username.clone()}</span></p>
                    </div>
                    <p class="actions">
                        <a class="button" href=stay.clone()>{t("choose-this")}</a>
                    </p>
                    <form method="post" action=action.clone()>
                        {hidden(TOKEN_FIELD, &token)}
                        {hidden("next", &next)}
                        <button type="submit" class="button quiet">{t("choose-other")}</button>
                    </form>
                </section>
            </div>
        }
    })
    .await
}

static LEAVE: Form = Form {
    policy: Policy::SettingUp,
    over: Over::SignedOut,
    ..Form::at("/api/sign_out_of_all", LOGOUT)
};

/// Signs out, and goes back to the app that wished for it. `wish`: its query.
#[server(endpoint = "/sign_out_of_all")]
pub async fn sign_out_of_all(#[server(default)] wish: String) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(leave(&call, &wish).await);
    Ok(())
}

async fn leave(call: &FormCall, wish: &str) -> Result<Done> {
    let params = Params::read(wish.as_bytes());
    let wish = logout::read(&call.state, &params, call.caller.as_ref()).await?;
    sign_in::sign_out(&call.state, call.caller()?, &call.visit).await?;
    Ok(call.signed_out(wish.back.as_deref().unwrap_or(LOGOUT), None))
}

async fn logout_page(
    State(state): State<AppState>,
    viewer: Viewer,
    visit: Visit,
    uri: Uri,
) -> Result<Response> {
    let query = uri.query().unwrap_or_default().to_owned();
    let params = Params::read(query.as_bytes());
    let caller = viewer.caller.clone().filter(|caller| caller.by_cookie());
    let wish = logout::read(&state, &params, caller.as_ref()).await?;
    let Some(caller) = caller else {
        return match wish.back {
            Some(back) => Ok(Redirect::to(&back).into_response()),
            None => left_page(&state, &viewer).await,
        };
    };
    if wish.is_of_session {
        sign_in::sign_out(&state, &caller, &visit).await?;
        let cookies = state.cookies.forget();
        return Ok(match wish.back {
            Some(back) => (cookies, Redirect::to(&back)).into_response(),
            None => (cookies, Redirect::to(LOGOUT)).into_response(),
        });
    }
    let token = viewer.form_token(&state)?;
    let app = wish.app.map(|app| isolated(&app.name));
    let around = Around::of("leave").framed(Frame::Centered);
    render(&state, &viewer, around, move || {
        let lead = match &app {
            Some(app) => t_with("leave-lead-app", &[("app", app.clone().into())]),
            None => t("leave-lead"),
        };
        view! {
            <div class="alone">
                <section class="card">
                    <h1>{t("leave")}</h1>
                    <p>{lead}</p>
                    <form method="post" action=LEAVE.action>
                        {hidden(TOKEN_FIELD, &token)}
                        {hidden("wish", &query)}
                        <div class="actions">
                            <button type="submit" class="button">{t("sign-out")}</button>
                            <a class="button quiet" href="/account">{t("leave-stay")}</a>
                        </div>
                    </form>
                </section>
            </div>
        }
    })
    .await
}

async fn left_page(state: &AppState, viewer: &Viewer) -> Result<Response> {
    let around = Around::of("left").framed(Frame::Centered);
    render(state, &viewer.elsewhere(LOGOUT), around, || {
        view! {
            <div class="alone">
                <section class="card">
                    <h1>{t("left")}</h1>
                    <p>{t("left-lead")}</p>
                    <p class="actions"><a class="button" href="/signin">{t("sign-in")}</a></p>
                </section>
            </div>
        }
    })
    .await
}
