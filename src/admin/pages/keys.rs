//! The page of API keys.

use std::collections::HashMap;

use axum::{extract::State, http::HeaderMap, response::Response};
use futures_util::FutureExt;
use leptos::prelude::*;

use super::{Act, DANGER, actor_words, after_proof, once};
use crate::{
    accounts::people,
    audit::{Authority, By},
    authority::api_keys::{self, ApiKey, Scope},
    domain::{AccountId, Code, Field},
    invitations::EXPIRES_AT,
    platform::{
        clock::{now, seconds},
        error::{Refusal, Result},
        random,
        settings::duration,
    },
    texts::{t, t_with},
    web::{
        form::{Form, FormState, field},
        notices::{Notice, notices},
        page::{
            Around, Section,
            icons::KEY,
            parts::{self, button, empty, isolated, page_head, panel},
            times::{ago, day},
        },
        pending::PendingAct,
        routes::{Map, Policy},
        state::AppState,
        submit::FormCall,
        viewer::{Viewer, render},
    },
};

notices! {
    KEY_MADE = "admin-key-made";
    KEY_REMOVED = "admin-key-removed";
    KEY_GONE = "admin-key-gone";
}

const KEYS: Section = Section { page: "/admin/keys", name: "admin-keys", icon: KEY };

pub(super) fn routes(map: &mut Map) {
    map.admin_section(KEYS, keys_page);
    map.form(&MAKE);
    map.form(&REMOVE);
}

/// The fields of the form: a scope is a box with its name.
const KEEPS: [&str; Scope::ALL.len() + 2] = {
    let mut keeps = ["name"; Scope::ALL.len() + 2];
    keeps[1] = "expiresAt";
    let mut index = 0;
    while index < Scope::ALL.len() {
        keeps[index + 2] = Scope::ALL[index].word();
        index += 1;
    }
    keeps
};

static MAKE: Form = Form {
    policy: Policy::Admin,
    title: "admin-keys",
    keeps: &KEEPS,
    show: Some(|state, form, viewer, headers| show(state, form, viewer, headers).boxed()),
    ..Form::at("/api/admin_make_key", KEYS.page)
};

/// Makes an API key. Its scopes are the checked boxes, each with the name of one.
#[server(endpoint = "/admin_make_key")]
pub async fn admin_make_key(
    #[server(default)] name: String,
    #[server(default)]
    #[server(rename = "expiresAt")]
    expires: String,
) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let authority = call.authority().await?;
            let is_checked = |scope: &Scope| call.field(scope.word()).is_some();
            let scopes: Vec<Scope> = Scope::ALL.into_iter().filter(is_checked).collect();
            let expires_at = end(expires.trim())?;
            let (store, name) = (&call.state.store, name.trim());
            let made = api_keys::make(store, &authority, name, &scopes, expires_at).await?;
            call.show_once("key", made.secret.expose())?;
            call.stay(KEYS.page, KEY_MADE)
        }
        .await,
    );
    Ok(())
}

/// When a key ends, as typed: a time such as 90d, or nothing.
fn end(text: &str) -> Result<Option<i64>, Refusal> {
    if text.is_empty() {
        return Ok(None);
    }
    let span = duration(text).map_err(|_| Refusal::of_field(EXPIRES_AT, Code::OutOfRange))?;
    Ok(Some(now().saturating_add(seconds(span))))
}

static REMOVE: Form = Form {
    policy: Policy::Admin,
    pending: Some(&REMOVING),
    ..Form::at("/api/admin_remove_key", KEYS.page)
};

static REMOVING: PendingAct = PendingAct {
    word: "admin-key",
    page: KEYS.page,
    lead: "confirm-lead-admin",
    of_form: |fields| field(fields, "id").filter(|id| random::is_text(id)).map(str::to_owned),
    run: |call, caller, id| {
        async move {
            let authority = call.authority_of(caller).await?;
            remove(call, &authority, id).await
        }
        .boxed()
    },
};

/// Removes an API key.
#[server(endpoint = "/admin_remove_key")]
pub async fn admin_remove_key(#[server(default)] id: String) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let authority = call.authority().await?;
            let notice = remove(&call, &authority, &id).await?;
            call.stay(KEYS.page, notice)
        }
        .await,
    );
    Ok(())
}

async fn remove(call: &FormCall, authority: &Authority, id: &str) -> Result<Notice> {
    Ok(match api_keys::remove(&call.state.store, authority, id).await? {
        true => KEY_REMOVED,
        false => KEY_GONE,
    })
}

async fn keys_page(
    State(state): State<AppState>,
    viewer: Viewer,
    headers: HeaderMap,
) -> Result<Response> {
    show(&state, FormState::new(&MAKE).with("expiresAt", "90d"), &viewer, &headers).await
}

async fn show(
    state: &AppState,
    form: FormState,
    viewer: &Viewer,
    _: &HeaderMap,
) -> Result<Response> {
    let all = api_keys::all(&state.store).await?;
    let makers: Vec<AccountId> =
        all.iter().filter_map(|key| key.made_by.parse().ok().map(AccountId)).collect();
    let makers = people::names(&state.store, &makers).await?;
    let ask = viewer.to_confirm(state);
    let (token, shown) = (viewer.form_token(state)?, viewer.shown_once(state));
    let around = Around::of("admin-keys").within_admin(KEYS).with_times().with_code();
    render(state, viewer, around, move || {
        let rows: Vec<_> = all.iter().map(|key| row(key, &makers, &token)).collect();
        let list = match rows.is_empty() {
            true => empty(t("admin-no-keys")),
            false => view! { <ul class="list">{rows}</ul> }.into_any(),
        };
        let scopes = Scope::ALL
            .map(|scope| parts::checkbox(&form, scope.word(), scope.word().to_owned(), None));
        let wrong = form.errors.iter().any(|error| error.field == api_keys::SCOPES);
        let wrong = wrong.then(|| view! { <p class="error">{t("scopes-missing")}</p> });
        let scopes = view! {
            <fieldset class="checks two" id="scopes">
                <legend>{t("field-scopes")}</legend>
                {wrong}
                {scopes.into_iter().collect::<Vec<_>>()}
            </fieldset>
        };
        let fields = vec![
            parts::line(&form, Field::NAME, Some(t("admin-key-name-hint"))),
            scopes.into_any(),
            parts::line(&form, EXPIRES_AT, Some(t("admin-key-expires-hint"))),
            button(t("admin-make-key")),
        ];
        let new = view! { {parts::summary(&form)} {parts::plain(&form, &token, fields)} };
        let new = after_proof(ask.as_ref(), new.into_any());
        view! {
            {page_head(t("admin-keys"), Some(t("admin-keys-lead")))}
            {once(shown.as_ref())}
            <section class="card">{list}</section>
            {panel(Some("new"), t("admin-new-key"), Some(t("admin-new-key-lead")), new)}
        }
    })
    .await
}

fn row(key: &ApiKey, makers: &HashMap<AccountId, String>, token: &str) -> AnyView {
    let ApiKey { id, name, scopes, created_at, expires_at, last_used_at, .. } = key;
    let maker = key.made_by.parse().ok().and_then(|id| makers.get(&AccountId(id)));
    let by = if key.made_by.is_empty() { By::Operator } else { By::Administrator };
    let maker = actor_words(by, &key.made_by, maker);
    let off = (!key.maker_is_there)
        .then(|| view! { " " <span class="badge warn">{t("admin-maker-gone")}</span> });
    let badges: Vec<_> = scopes
        .iter()
        .map(|scope| view! { " " <span class="badge">{scope.word()}</span> })
        .collect();
    let used = match last_used_at {
        Some(at) => t_with("admin-key-used", &[("ago", ago(*at).into())]),
        None => t("admin-key-unused"),
    };
    let is_over = expires_at.is_some_and(|at| at <= now());
    let ends = expires_at.map(|at| {
        let words = if is_over { t("admin-over") } else { t("admin-until") };
        view! { " · " {words} " " {day(at)} }
    });
    let (question, fields) =
        (t_with("admin-remove-key-lead", &[("name", isolated(name).into())]), [("id", &**id)]);
    let words = t("admin-remove");
    let act = Act { form: &REMOVE, token, next: "", fields: &fields, words, class: DANGER };
    view! {
        <li>
            {KEY.view()}
            <div>
                <p class="what"><span dir="auto">{name.clone()}</span> {badges} {off}</p>
                <p class="hint">
                    {t("admin-made-on")} " " {day(*created_at)} " " {t("admin-by")} " "
                    <span dir="auto">{maker}</span> " · " {used} {ends}
                </p>
                <p class="hint"><code>{id.clone()}</code></p>
            </div>
            {act.after_question(question)}
        </li>
    }
    .into_any()
}
