//! The page of the apps that you use.

use axum::{extract::State, response::Response};
use leptos::prelude::*;

use crate::{
    openid::{
        SCOPES,
        used::{self, Used},
        words,
    },
    platform::error::Result,
    texts::{language, t, t_with},
    web::{
        form::{Form, TOKEN_FIELD},
        notices::notices,
        page::{
            Around, Section,
            icons::GRID,
            parts::{empty, hidden, isolated, page_head},
            times::{ago, day},
        },
        routes::Map,
        state::AppState,
        submit::FormCall,
        viewer::{Viewer, render},
    },
};

notices! {
    TAKEN_BACK = "app-taken-back";
    /// It had nothing any more.
    GONE = "app-gone";
}

const APPS: Section = Section { page: "/account/apps", name: "apps", icon: GRID };

pub(crate) fn routes(map: &mut Map) {
    map.section(APPS, apps_page);
    map.form(&TAKE_BACK);
}

static TAKE_BACK: Form = Form::at("/api/take_back_app", APPS.page);

#[server(endpoint = "/take_back_app")]
pub async fn take_back_app(#[server(default)] id: String) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let ended = used::take_back(&call.state, call.caller()?, &id, &call.visit).await?;
            call.stay(APPS.page, if ended { TAKEN_BACK } else { GONE })
        }
        .await,
    );
    Ok(())
}

async fn apps_page(State(state): State<AppState>, viewer: Viewer) -> Result<Response> {
    let apps = used::by(&state, viewer.caller()?.account()).await?;
    let token = viewer.form_token(&state)?;
    let around = Around::of("apps").within(APPS).with_times();
    render(&state, &viewer, around, move || apps_view(&apps, &token)).await
}

fn apps_view(apps: &[Used], token: &str) -> impl IntoView + use<> {
    let rows: Vec<_> = apps.iter().map(|used| row(used, token)).collect();
    let list = if rows.is_empty() {
        empty(t("apps-none"))
    } else {
        view! { <ul class="list">{rows}</ul> }.into_any()
    };
    view! {
        {page_head(t("apps"), Some(t("apps-lead")))}
        <section class="card">{list}</section>
    }
}

fn row(used: &Used, token: &str) -> impl IntoView + use<> {
    let name = used.app.name.clone();
    let used_at = used.grant.as_ref().map(|grant| {
        view! {
            {t("app-last")} " " {ago(grant.used_at)} " · " {t("app-since")} " " {day(grant.began_at)}
        }
    });
    let state = match used_at {
        Some(view) => view.into_any(),
        None => t("app-signed-out").into_any(),
    };
    let agreed = used.consent.as_ref().map(|scope| {
        let name = |word: &str| match () {
            () if SCOPES.contains(&word) => language().text(&format!("scope-{word}")),
            () if url::Url::parse(word).is_ok() => {
                t_with("scope-resource", &[("resource", isolated(word).into())])
            }
            // A scope of a service's own.
            () => isolated(word),
        };
        let names: Vec<String> = words(scope).map(name).collect();
        let what = ("what", names.join(", ").into());
        view! { <p class="hint">{t_with("app-agreed", &[what])}</p> }
    });
    // There may be nothing left of it but the consent.
    let (words, label) = match used.grant {
        Some(_) => (t("app-end"), "app-end-of"),
        None => (t("app-remove"), "app-remove-of"),
    };
    let label = t_with(label, &[("app", isolated(&name).into())]);
    view! {
        <li>
            {GRID.view()}
            <div>
                <p class="what"><span dir="auto">{name}</span></p>
                <p class="hint">{state}</p>
                {agreed}
            </div>
            <form method="post" action=TAKE_BACK.action>
                {hidden(TOKEN_FIELD, token)}
                {hidden("id", &used.app.id)}
                <button type="submit" class="button quiet small" aria-label=label>
                    {words}
                </button>
            </form>
        </li>
    }
}
