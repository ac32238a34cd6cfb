//! The pages of apps: a list, and a form for each that has all that the commands can do.

mod form;

use std::result::Result as StdResult;

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::HeaderMap,
    response::Response,
};
use futures_util::FutureExt;
use leptos::prelude::*;

use super::{Act, DANGER, QUIET, after_proof, once};
use crate::{
    apps::{self, App, Definition, SECRET_OVERLAP, file, registry},
    audit::Authority,
    domain::{Code, Field},
    platform::{
        clock::now,
        error::{Refusal, Result},
    },
    texts::{t, t_with},
    web::{
        form::{Form, FormState, field},
        notices::{Notice, notices},
        page::{
            Around, Section,
            icons::GRID,
            parts::{self, code, empty, hidden, isolated, page_head, panel},
            times::day,
        },
        pending::PendingAct,
        routes::{Map, Policy},
        state::AppState,
        submit::FormCall,
        viewer::{Viewer, render},
    },
};
use form::{KEEPS, fields, filled, read};

notices! {
    APP_ADDED = "admin-app-added";
    APP_CHANGED = "admin-app-changed";
    APP_REMOVED = "admin-app-removed";
    SECRET_MADE = "admin-secret-made";
}

const APPS: Section = Section { page: "/admin/apps", name: "admin-apps", icon: GRID };

/// The page of an app, up to its id.
const ONE: &str = "/admin/apps/";

pub(super) fn routes(map: &mut Map) {
    map.admin_section(APPS, apps_page);
    map.page(Policy::Admin, ADD.page, new_page);
    map.page(Policy::Admin, "/admin/apps/{id}", app_page);
    map.form(&ADD);
    map.form(&CHANGE);
    map.form(&ACT);
}

async fn apps_page(State(state): State<AppState>, viewer: Viewer) -> Result<Response> {
    let all = apps::all(&state.store).await?;
    let all: Vec<App> = all.all().into_iter().map(|app| app.as_ref().clone()).collect();
    let around = Around::of("admin-apps").within_admin(APPS);
    render(&state, &viewer, around, move || {
        let rows: Vec<_> = all.iter().map(row).collect();
        let list = match rows.is_empty() {
            true => empty(t("admin-no-apps")),
            false => view! { <ul class="list">{rows}</ul> }.into_any(),
        };
        view! {
            {page_head(t("admin-apps"), Some(t("admin-apps-lead")))}
            <div class="above"><a class="button" href=ADD.page>{t("admin-add-app")}</a></div>
            <section class="card">{list}</section>
        }
    })
    .await
}

/// Where the page of an app is.
fn page_of(id: &str) -> String {
    let id = percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC);
    format!("{ONE}{id}")
}

fn whence(app: &App) -> Option<AnyView> {
    let words = match app {
        app if app.by_file => "APPS_FILE".to_owned(),
        app if app.is_dynamic() => t("admin-app-dynamic"),
        _ => return None,
    };
    Some(view! { " " <span class="badge">{words}</span> }.into_any())
}

fn row(app: &App) -> AnyView {
    let uris = &app.definition.redirect_uris;
    let at = app.definition.host.as_ref().or(uris.first()).or(app.definition.serves.first());
    let at = at.cloned().map(|at| view! { " · " <span dir="ltr">{at}</span> });
    view! {
        <li>
            {GRID.view()}
            <div>
                <p class="what">
                    <a href=page_of(&app.id) dir="auto">{app.name.clone()}</a> {whence(app)}
                    {super::group_badges(&app.definition.groups)}
                </p>
                <p class="hint"><code>{app.id.clone()}</code> {at}</p>
            </div>
        </li>
    }
    .into_any()
}

static ADD: Form = Form {
    policy: Policy::Admin,
    title: "admin-add-app",
    keeps: KEEPS,
    show: Some(|state, form, viewer, headers| show_new(state, form, viewer, headers).boxed()),
    ..Form::at("/api/admin_add_app", "/admin/apps/add/new")
};

static CHANGE: Form = Form {
    policy: Policy::Admin,
    title: "admin-apps",
    keeps: KEEPS,
    show: Some(|state, form, viewer, headers| show_again(state, form, viewer, headers).boxed()),
    ..Form::at("/api/admin_change_app", ONE)
};

/// Adds an app.
#[server(endpoint = "/admin_add_app")]
pub async fn admin_add_app(
    #[server(default)] name: String,
    #[server(default)] client_id: String,
) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let (state, authority) = (&call.state, call.authority().await?);
            let definition = read(&call)?;
            let id = Some(client_id.trim().to_owned()).filter(|id| !id.is_empty());
            if name.trim().is_empty() {
                return Err(Refusal::of_field(Field::NAME, Code::Missing).into());
            }
            let added =
                registry::add(&state.store, &authority, id, name.trim(), definition).await?;
            let (app, secret) = added.map_err(Refusal::InvalidDefinition)?;
            if let Some(secret) = secret {
                call.show_once("secret", &secret)?;
            }
            call.stay(&page_of(&app.id), APP_ADDED)
        }
        .await,
    );
    Ok(())
}

/// Changes an app.
#[server(endpoint = "/admin_change_app")]
pub async fn admin_change_app(
    #[server(default)] name: String,
    #[server(default)] client_id: String,
) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let (state, authority) = (&call.state, call.authority().await?);
            apps::all(&state.store).await?.find(&client_id).ok_or(Refusal::NotFound)?;
            let definition = read(&call)?;
            if name.trim().is_empty() {
                return Err(Refusal::of_field(Field::NAME, Code::Missing).into());
            }
            let changed = registry::change(&state.store, &authority, &client_id, |known, old| {
                name.trim().clone_into(known);
                *old = Definition { jwks: old.jwks.take(), ..definition };
                Ok(())
            });
            let app = changed.await?.map_err(Refusal::InvalidDefinition)?;
            call.stay(&page_of(&app.id), APP_CHANGED)
        }
        .await,
    );
    Ok(())
}

static ACT: Form = Form {
    policy: Policy::Admin,
    pending: Some(&ACTING),
    ..Form::at("/api/admin_act_on_app", APPS.page)
};

static ACTING: PendingAct = PendingAct {
    word: "admin-app",
    page: APPS.page,
    lead: "confirm-lead-admin",
    of_form: |fields| {
        let (act, id) = (field(fields, "act")?, field(fields, "id")?);
        let is_known = ["remove", "rotate"].contains(&act);
        // The id of an app that nobody has registered is an address.
        (is_known && id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b';'))
            .then(|| format!("{act}~{id}"))
    },
    run: |call, caller, to| {
        async move {
            let (act, id) = to.split_once('~').ok_or(Refusal::NotFound)?;
            let authority = call.authority_of(caller).await?;
            Ok(act_on(call, &authority, act, id).await?.1)
        }
        .boxed()
    },
};

/// Removes an app, or makes a new secret for it.
#[server(endpoint = "/admin_act_on_app")]
pub async fn admin_act_on_app(
    #[server(default)] act: String,
    #[server(default)] id: String,
) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let authority = call.authority().await?;
            let (page, notice) = act_on(&call, &authority, &act, &id).await?;
            call.stay(&page, notice)
        }
        .await,
    );
    Ok(())
}

/// Returns the page that follows, too.
async fn act_on(
    call: &FormCall,
    authority: &Authority,
    act: &str,
    id: &str,
) -> Result<(String, Notice)> {
    let state = &call.state;
    match act {
        "remove" => {
            let removed = registry::remove(&state.store, &state.keys, authority, id).await?;
            removed.map_err(Refusal::InvalidDefinition)?;
            state.wake_outbox();
            Ok((APPS.page.to_owned(), APP_REMOVED))
        }
        "rotate" => {
            let rotated = registry::rotate_secret(&state.store, authority, id, SECRET_OVERLAP);
            let (app, secret) = rotated.await?.map_err(Refusal::InvalidDefinition)?;
            call.show_once("secret", &secret)?;
            Ok((page_of(&app.id), SECRET_MADE))
        }
        _ => Err(Refusal::NotFound.into()),
    }
}

async fn new_page(
    State(state): State<AppState>,
    viewer: Viewer,
    headers: HeaderMap,
) -> Result<Response> {
    show_new(&state, FormState::new(&ADD), &viewer, &headers).await
}

async fn show_new(
    state: &AppState,
    form: FormState,
    viewer: &Viewer,
    _: &HeaderMap,
) -> Result<Response> {
    if let Err(ask) = viewer.fresh(state, None) {
        return Ok(ask);
    }
    let token = viewer.form_token(state)?;
    let around = Around::of_form(&form).within_admin(APPS);
    render(state, viewer, around, move || {
        let id = Field::named("client_id");
        let id = parts::line(&form, id, Some(t("admin-client-id-hint")));
        view! {
            {page_head(t("admin-add-app"), Some(t("admin-add-app-lead")))}
            <section class="card">
                {parts::summary(&form)}
                {parts::plain(&form, &token, fields(&form, Some(id), t("admin-add-app")))}
            </section>
        }
    })
    .await
}

async fn app_page(
    State(state): State<AppState>,
    viewer: Viewer,
    id: StdResult<Path<String>, PathRejection>,
) -> Result<Response> {
    let Path(id) = id.map_err(|_| Refusal::NotFound)?;
    show(&state, &id, None, &viewer).await
}

async fn show_again(
    state: &AppState,
    form: FormState,
    viewer: &Viewer,
    _: &HeaderMap,
) -> Result<Response> {
    let id = form.value("client_id").to_owned();
    show(state, &id, Some(form), viewer).await
}

async fn show(
    state: &AppState,
    id: &str,
    form: Option<FormState>,
    viewer: &Viewer,
) -> Result<Response> {
    let all = apps::all(&state.store).await?;
    let app = all.find(id).ok_or(Refusal::NotFound)?.as_ref().clone();
    let form = form.unwrap_or_else(|| filled(FormState::new(&CHANGE), &app).to(&page_of(id)));
    let (token, shown) = (viewer.form_token(state)?, viewer.shown_once(state));
    let (issuer, ask) = (state.public_url.origin(), viewer.to_confirm(state));
    let is_ours = !app.by_file && !app.is_dynamic() && file::is_id(&app.id);
    let around = Around::entitled(app.name.clone()).within_admin(APPS).with_code();
    render(state, viewer, around, move || {
        let id = hidden("client_id", &app.id);
        let change = match is_ours {
            true => {
                let fields = fields(&form, Some(id), t("save"));
                let form = view! { {parts::summary(&form)} {parts::plain(&form, &token, fields)} };
                after_proof(ask.as_ref(), form.into_any())
            }
            false => {
                let shown = serde_json::to_string_pretty(&app.definition).unwrap_or_default();
                let words = if app.by_file { t("admin-app-by-file") } else { t("admin-app-dynamic-lead") };
                view! { <p class="hint">{words}</p> {code(shown)} }.into_any()
            }
        };
        view! {
            <p class="back"><a href=APPS.page>{t("admin-back-to-apps")}</a></p>
            {once(shown.as_ref())}
            <div class="page-head">
                <h1><span dir="auto">{app.name.clone()}</span> {whence(&app)}</h1>
            </div>
            {connect(&app, &issuer)}
            {panel(Some("definition"), t("admin-app-definition"), Some(t("admin-app-definition-lead")), change)}
            {acts(&app, &token, is_ours)}
        }
    })
    .await
}

/// What one types into the app to connect it.
fn connect(app: &App, issuer: &str) -> AnyView {
    let fact = |name: String, value: String| {
        view! { <div><dt>{name}</dt><dd><code>{value}</code></dd></div> }
    };
    let secrets = app.live_secrets(now());
    let secrets = app.definition.has_secret().then(|| {
        view! { <div><dt>{t("admin-secrets")}</dt><dd>{secrets.to_string()}</dd></div> }
    });
    let facts = view! {
        <dl class="facts">
            {fact(t("admin-issuer"), issuer.to_owned())}
            {fact(t("field-client_id"), app.id.clone())}
            {fact(t("admin-discovery"), format!("{issuer}/.well-known/openid-configuration"))}
            {secrets}
            <div><dt>{t("admin-made-on")}</dt><dd>{day(app.created_at)}</dd></div>
        </dl>
    };
    panel(Some("connect"), t("admin-connect"), Some(t("admin-connect-lead")), facts.into_any())
}

fn acts(app: &App, token: &str, is_ours: bool) -> Option<AnyView> {
    if app.by_file {
        return None;
    }
    let next = APPS.page;
    let rotate = (is_ours && app.definition.has_secret()).then(|| {
        let fields = [("act", "rotate"), ("id", &*app.id)];
        let words = t("admin-rotate");
        Act { form: &ACT, token, next, fields: &fields, words, class: QUIET }
            .after_question(t("admin-rotate-lead"))
    });
    let question = t_with("admin-remove-app-lead", &[("app", isolated(&app.name).into())]);
    let fields = [("act", "remove"), ("id", &*app.id)];
    let words = t("admin-remove-app");
    let remove = Act { form: &ACT, token, next, fields: &fields, words, class: DANGER };
    let content = view! { {rotate} {remove.after_question(question)} };
    Some(panel(Some("end"), t("admin-app-acts"), None, content.into_any()))
}
