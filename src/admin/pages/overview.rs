//! `/admin`: how many people there are, what happens, and what needs attention.

use std::result::Result as StdResult;

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    response::Response,
};
use leptos::prelude::*;
use serde::Deserialize;

use super::{outbox::OUTBOX, people::PEOPLE, trail::TRAIL, webhooks::WEBHOOKS};
use crate::{
    accounts::{self, Count},
    audit::{self, RECENT},
    authority::api_keys,
    figures::{self, Figure, HOUR},
    groups, outbox,
    platform::{clock::now, error::Result},
    store::{Fact, settings::Database},
    texts::{language, number, t, t_with},
    web::{
        page::{
            Around, Section,
            icons::{CHART, DONE, WARNING},
            parts::page_head,
        },
        routes::Map,
        state::AppState,
        viewer::{Viewer, render},
    },
    webhooks,
};

const OVERVIEW: Section = Section { page: "/admin", name: "admin-overview", icon: CHART };

pub(super) fn routes(map: &mut Map) {
    map.admin_section(OVERVIEW, overview_page);
}

/// What the address asks for: hours, or days.
#[derive(Default, Deserialize)]
struct Asked {
    #[serde(default)]
    by: String,
}

const DAY: i64 = 24 * HOUR;

/// Something that needs attention: in words, and where to see to it.
struct Attention {
    words: String,
    href: Option<&'static str>,
}

async fn overview_page(
    State(state): State<AppState>,
    viewer: Viewer,
    asked: StdResult<Query<Asked>, QueryRejection>,
) -> Result<Response> {
    let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
    let by_day = asked.by == "day";
    let (span, spans) = if by_day { (DAY, 30) } else { (HOUR, 24) };
    // What happened a moment ago may not be counted yet.
    figures::catch_up(&state.store).await?;
    let mut series = Vec::new();
    for figure in Figure::ALL {
        series.push((figure, figures::series(&state.store, figure, span, spans, now()).await?));
    }
    let count = accounts::count(&state.store).await?;
    let language = viewer.language();
    let attention = attention(&state, language).await?;
    let around = Around::of("admin-overview").within_admin(OVERVIEW).with_times();
    render(&state, &viewer, around, move || view(count, &series, &attention, by_day)).await
}

/// How long before its end a key is worth a line, in seconds.
const NEAR: i64 = 14 * DAY;

/// How old a backup may be, in seconds.
const OLD_BACKUP: i64 = 7 * DAY;

async fn attention(state: &AppState, language: crate::texts::Language) -> Result<Vec<Attention>> {
    let mut found = Vec::new();
    let mut add = |name: &str, count: usize, href| {
        let words = language.text_with(name, &[("count", number(count))]);
        found.push(Attention { words, href });
    };
    if audit::verify_recent(&state.store, RECENT).await?.is_err() {
        add("admin-attention-trail", 1, Some(TRAIL.page));
    }
    let (failed, deferred) = outbox::troubles(&state.store).await?;
    let plain = |count: i64| usize::try_from(count).unwrap_or_default();
    if failed > 0 {
        add("admin-attention-failed", plain(failed), Some(OUTBOX.page));
    }
    if deferred > 0 {
        add("admin-attention-deferred", plain(deferred), Some(OUTBOX.page));
    }
    let closed = webhooks::all(&state.store).await?;
    let closed = closed.iter().filter(|webhook| webhook.closed_at.is_some()).count();
    if closed > 0 {
        add("admin-attention-webhooks", closed, Some(WEBHOOKS.page));
    }
    let keys = api_keys::all(&state.store).await?;
    let is_near = |at: i64| at > now() && at - now() < NEAR;
    let near = keys.iter().filter(|key| key.expires_at.is_some_and(is_near)).count();
    if near > 0 {
        add("admin-attention-keys", near, Some("/admin/keys"));
    }
    let off = keys.iter().filter(|key| !key.maker_is_there).count();
    if off > 0 {
        add("admin-attention-keys-off", off, Some("/admin/keys"));
    }
    let migrations = state.store.migrations().await;
    if migrations.is_ok_and(|all| all.iter().any(|one| !one.applied)) {
        add("admin-attention-migrations", 1, None);
    }
    if let Database::Sqlite(_) = &state.settings.store.database {
        let backed_up = state.store.fact(Fact::BackedUp).await?;
        let backed_up: Option<i64> = backed_up.and_then(|at| at.parse().ok());
        if backed_up.is_none_or(|at| now() - at > OLD_BACKUP) {
            add("admin-attention-backup", 1, None);
        }
    }
    if groups::find(&state.store, groups::ADMIN).await?.is_some_and(|admin| admin.members < 2) {
        add("admin-attention-one-admin", 1, None);
    }
    Ok(found)
}

fn view(
    count: Count,
    series: &[(Figure, Vec<(i64, i64)>)],
    attention: &[Attention],
    by_day: bool,
) -> impl IntoView + use<> {
    let accounts = number(usize::try_from(count.accounts).unwrap_or_default());
    let words = match count.is_old {
        true => t_with("admin-accounts-about", &[("count", accounts)]),
        false => t_with("admin-accounts", &[("count", accounts)]),
    };
    let items: Vec<_> = attention
        .iter()
        .map(|Attention { words, href }| {
            let words = match href {
                Some(href) => view! { <a href=*href>{words.clone()}</a> }.into_any(),
                None => view! { {words.clone()} }.into_any(),
            };
            view! { <li>{WARNING.view()} <div><p>{words}</p></div></li> }
        })
        .collect();
    let attention = match items.is_empty() {
        true => view! { <p class="fine">{DONE.view()} {t("admin-all-fine")}</p> }.into_any(),
        false => view! { <ul class="list">{items}</ul> }.into_any(),
    };
    let charts: Vec<_> =
        series.iter().map(|(figure, series)| chart(*figure, series, by_day)).collect();
    let tab = |words: String, href: &'static str, is_here: bool| {
        view! { <a class="button quiet small" href=href aria-current=is_here.then_some("page")>{words}</a> }
    };
    view! {
        {page_head(t("admin-overview"), None)}
        <section class="card">
            <h2>{t("admin-attention")}</h2>
            {attention}
        </section>
        <div class="tabs">
            <p class="big"><a href=PEOPLE.page>{words}</a></p>
            <p class="actions">
                {tab(t("admin-by-hour"), OVERVIEW.page, !by_day)} " "
                {tab(t("admin-by-day"), "/admin?by=day", by_day)}
            </p>
        </div>
        <div class="cards">{charts}</div>
    }
}

/// The size of a chart, in its own units.
const HEIGHT: i64 = 60;
const STEP: i64 = 10;

/// A figure as bars, and as a table for those who don't see them.
fn chart(figure: Figure, series: &[(i64, i64)], by_day: bool) -> AnyView {
    let total: i64 = series.iter().map(|(_, count)| count).sum();
    let most = series.iter().map(|(_, count)| *count).max().unwrap_or_default().max(1);
    let bars = series.iter().enumerate().map(|(index, (_, count))| {
        let height = (count * HEIGHT + most - 1) / most;
        let x = i64::try_from(index).unwrap_or_default() * STEP + 1;
        view! {
            <rect x=x.to_string() y=(HEIGHT - height).to_string() width=(STEP - 2).to_string()
                height=height.to_string() rx="1"></rect>
        }
    });
    let bars: Vec<_> = bars.collect();
    let width = i64::try_from(series.len()).unwrap_or_default() * STEP;
    let title = language().text(&format!("admin-figure-{}", figure.word()));
    let when = |at: i64| match by_day {
        true => crate::web::page::times::day(at).into_any(),
        false => crate::web::page::times::moment(at).into_any(),
    };
    let rows: Vec<_> = series
        .iter()
        .rev()
        .filter(|(_, count)| *count > 0)
        .map(|(at, count)| view! { <tr><th scope="row">{when(*at)}</th><td>{count.to_string()}</td></tr> })
        .collect();
    let table = match rows.is_empty() {
        true => view! { <p class="hint">{t("admin-nothing-yet")}</p> }.into_any(),
        false => view! {
            <details class="dialog">
                <summary>{t("admin-as-table")}</summary>
                <div>
                    <table>
                        <thead>
                            <tr><th scope="col">{t("admin-when")}</th><th scope="col">{title.clone()}</th></tr>
                        </thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
            </details>
        }
        .into_any(),
    };
    view! {
        <section class="card chart">
            <h2>{title.clone()}</h2>
            <p class="big">{total.to_string()}</p>
            <svg viewBox=format!("0 0 {width} {HEIGHT}") preserveAspectRatio="none" aria-hidden="true"
                focusable="false">
                <line x1="0" x2=width.to_string() y1=HEIGHT.to_string() y2=HEIGHT.to_string()></line>
                {bars}
            </svg>
            {table}
        </section>
    }
    .into_any()
}
