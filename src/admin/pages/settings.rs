//! The page of settings: what is in force, and nothing secret.

use axum::{extract::State, response::Response};
use leptos::prelude::*;

use crate::{
    platform::error::Result,
    settings::Shown,
    texts::{language, t},
    web::{
        page::{Around, Section, icons::SETTINGS as ICON, parts::page_head},
        routes::Map,
        state::AppState,
        viewer::{Viewer, render},
    },
};

const SETTINGS: Section = Section { page: "/admin/settings", name: "admin-settings", icon: ICON };

pub(super) fn routes(map: &mut Map) {
    map.admin_section(SETTINGS, settings_page);
}

async fn settings_page(State(state): State<AppState>, viewer: Viewer) -> Result<Response> {
    let shown = state.settings.shown.clone();
    let warnings = state.settings.warnings();
    let around = Around::of("admin-settings").within_admin(SETTINGS);
    render(&state, &viewer, around, move || {
        let rows: Vec<_> = shown.iter().map(row).collect();
        let warnings: Vec<_> =
            warnings.iter().map(|warning| view! { <li>{warning.clone()}</li> }).collect();
        let warnings = (!warnings.is_empty())
            .then(|| view! { <div class="notice warn"><ul>{warnings}</ul></div> });
        view! {
            {page_head(t("admin-settings"), Some(t("admin-settings-lead")))}
            {warnings}
            <section class="card"><ul class="list">{rows}</ul></section>
        }
    })
    .await
}

fn row(shown: &Shown) -> AnyView {
    let Shown { name, value, source, meaning } = shown;
    let badge = (*source != "default").then(|| view! { " " <span class="badge">{*source}</span> });
    // The meaning is the same text as in `latchkey --help`.
    let lang = (language().tag() != "en").then_some("en");
    view! {
        <li>
            <div>
                <p class="what"><code>{*name}</code> {badge}</p>
                <p class="hint" lang=lang>{*meaning}</p>
            </div>
            <p class="value" dir="auto">{value.clone()}</p>
        </li>
    }
    .into_any()
}
