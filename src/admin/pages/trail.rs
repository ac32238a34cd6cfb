//! The page of the audit trail.

use std::result::Result as StdResult;

use axum::{
    body::Body,
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use leptos::prelude::*;
use serde::Deserialize;

use super::{SMALL, actor_words, address, pager, person::PERSON};
use crate::{
    accounts::people,
    admin::EXPORTED,
    audit::{self, AuditRow, By, Detail, Filter, RECENT, pages::words},
    authority::Admin,
    domain::AccountId,
    platform::{
        error::Result,
        visit::{Visit, network_in_words},
    },
    texts::{number, t, t_with},
    web::{
        page::{
            Around, Section, device,
            icons::{HISTORY, WARNING},
            parts::{empty, page_head},
            times::moment,
        },
        routes::{Door, Map, Policy},
        state::AppState,
        viewer::{Viewer, render},
    },
};

pub(super) const TRAIL: Section =
    Section { page: "/admin/audit", name: "admin-trail", icon: HISTORY };

const EXPORT: &str = "/admin/audit/export";

pub(super) fn routes(map: &mut Map) {
    map.admin_section(TRAIL, trail_page);
    map.get(Door::Page, Policy::Admin, EXPORT, export);
}

/// An event with the names of those it is about.
#[derive(Clone)]
pub(super) struct Entry {
    row: AuditRow,
    detail: Option<Detail>,
    account: Option<String>,
    actor: Option<String>,
}

/// Selected events with names, and the number of the last one if there are more.
pub(super) async fn entries(
    state: &AppState,
    filter: &Filter,
    before: i64,
    most: i64,
) -> Result<(Vec<Entry>, Option<i64>)> {
    let (rows, more) = audit::select(&state.store, filter, before, most).await?;
    let next = rows.last().filter(|_| more).map(|row| row.seq);
    let details: Vec<Option<Detail>> = rows.iter().map(AuditRow::detail).collect();
    let actor = |detail: &Option<Detail>| detail.as_ref()?.actor.parse().ok();
    let mut ids: Vec<i64> = rows.iter().filter_map(|row| row.account_id).collect();
    ids.extend(details.iter().filter_map(actor));
    ids.sort_unstable();
    ids.dedup();
    let ids: Vec<AccountId> = ids.into_iter().map(AccountId).collect();
    let names = people::names(&state.store, &ids).await?;
    let name = |id: Option<i64>| names.get(&AccountId(id?)).cloned();
    let entry = |(row, detail): (AuditRow, Option<Detail>)| Entry {
        account: name(row.account_id),
        actor: name(actor(&detail)),
        row,
        detail,
    };
    Ok((rows.into_iter().zip(details).map(entry).collect(), next))
}

/// Events as a list. `of`: the account whose page it is, which needs no name there.
pub(super) fn list(entries: &[Entry], of: Option<AccountId>) -> AnyView {
    if entries.is_empty() {
        return empty(t("admin-no-events"));
    }
    let rows: Vec<_> = entries.iter().map(|entry| entry_view(entry, of)).collect();
    view! { <ol class="list">{rows}</ol> }.into_any()
}

fn entry_view(entry: &Entry, of: Option<AccountId>) -> AnyView {
    let Entry { row, detail, account, actor } = entry;
    let whom = row.account_id.filter(|id| of != Some(AccountId(*id))).map(|id| {
        let href = format!("{PERSON}{id}");
        let name = account.clone().unwrap_or_else(|| id.to_string());
        view! { " · " <a href=href dir="auto">{name}</a> }
    });
    let (by, actor_text) = detail
        .as_ref()
        .map_or((By::Server, String::new()), |detail| (detail.by, detail.actor.clone()));
    let who = match (by, actor_text.parse::<i64>()) {
        (By::Administrator, Ok(id)) => {
            let href = format!("{PERSON}{id}");
            let name = actor_words(by, &actor_text, actor.as_ref());
            view! { <a href=href dir="auto">{name}</a> }.into_any()
        }
        _ => view! { {actor_words(by, &actor_text, actor.as_ref())} }.into_any(),
    };
    let place = detail.as_ref().map(|detail| {
        let name = match detail.device.is_empty() {
            true => String::new(),
            false => device::name(&detail.device),
        };
        device::with_dots([name, network_in_words(&detail.network), detail.note.clone()])
    });
    let place = place.filter(|place| !place.is_empty()).map(|place| view! { " · " {place} });
    let request = detail.as_ref().map(|detail| detail.request_id.clone());
    let request = request.filter(|id| !id.is_empty()).map(|id| {
        let href = address(TRAIL.page, &[("request", &id)]);
        view! { <a class="below" href=href>{t("admin-request")}</a> }
    });
    view! {
        <li>
            <div>
                <p class="what">{words(&row.event)} {whom}</p>
                <p class="hint">{moment(row.at)} " · " {t("admin-by")} " " {who} {place}</p>
                <p class="hint"><code>{row.event.clone()}</code></p>
            </div>
            {request}
        </li>
    }
    .into_any()
}

/// What the address asks for.
#[derive(Clone, Default, Deserialize)]
struct Asked {
    /// The id or the username of an account.
    #[serde(default)]
    account: String,
    #[serde(default)]
    event: String,
    #[serde(default)]
    request: String,
    #[serde(default)]
    before: String,
    /// Whether to check the whole trail.
    #[serde(default)]
    verify: String,
}

impl Asked {
    fn with(&self, before: &str) -> String {
        let Self { account, event, request, .. } = self;
        let pairs =
            [("account", &**account), ("event", event), ("request", request), ("before", before)];
        address(TRAIL.page, &pairs)
    }
}

/// How many events a page shows.
const PAGE: i64 = 50;

/// What the page shows.
struct Shown {
    asked: Asked,
    entries: Vec<Entry>,
    next: Option<i64>,
    acts: Vec<String>,
    /// The number of rows that were checked. `Err`: what is wrong.
    checked: StdResult<i64, String>,
    /// Whether no account has the name that was asked for.
    is_unknown: bool,
}

async fn trail_page(
    State(state): State<AppState>,
    viewer: Viewer,
    asked: StdResult<Query<Asked>, QueryRejection>,
) -> Result<Response> {
    let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
    let name = asked.account.trim();
    let account = match name {
        "" => None,
        name => match name.parse() {
            Ok(id) => Some(AccountId(id)),
            Err(_) => {
                crate::accounts::find(&state.store, name).await?.map(|found| found.profile.id)
            }
        },
    };
    let is_unknown = !name.is_empty() && account.is_none();
    let events = match asked.event.trim() {
        "" => Vec::new(),
        event => state.acts_of(event),
    };
    let request_id = Some(asked.request.trim().to_owned()).filter(|id| !id.is_empty());
    let filter = Filter { account, events, request_id };
    let before = asked.before.parse().unwrap_or(i64::MAX);
    let (entries, next) = match is_unknown {
        true => (Vec::new(), None),
        false => entries(&state, &filter, before, PAGE).await?,
    };
    let checked = match asked.verify.is_empty() {
        true => audit::verify_recent(&state.store, RECENT).await?,
        false => audit::verify(&state.store, None).await?.map(|(rows, _)| rows),
    };
    let mut acts: Vec<String> = state.acts.iter().map(|act| act.0.to_owned()).collect();
    acts.sort_unstable();
    acts.dedup();
    let shown = Shown { asked, entries, next, acts, checked, is_unknown };
    let around = Around::of("admin-trail").within_admin(TRAIL).with_times();
    render(&state, &viewer, around, move || trail_view(&shown)).await
}

fn trail_view(shown: &Shown) -> impl IntoView + use<> {
    let Shown { asked, entries, next, checked, .. } = shown;
    let next = next.map(|seq| asked.with(&seq.to_string()));
    let first = (!asked.before.is_empty()).then(|| asked.with(""));
    let holds = match checked {
        Ok(rows) => {
            let rows = usize::try_from(*rows).unwrap_or_default();
            let words = t_with("admin-trail-holds", &[("rows", number(rows))]);
            let all = address(TRAIL.page, &[("verify", "all")]);
            view! {
                <p class="hint">{words} " " <a href=all>{t("admin-verify-all")}</a></p>
            }
            .into_any()
        }
        Err(wrong) => view! {
            <div class="notice wrong" role="alert">
                {WARNING.view()}
                <p>{t("admin-trail-broken")} " " {wrong.clone()}</p>
            </div>
        }
        .into_any(),
    };
    let unknown = shown
        .is_unknown
        .then(|| view! { <p class="error" data-prefix="">{t("admin-no-such-account")}</p> });
    view! {
        {page_head(t("admin-trail"), Some(t("admin-trail-lead")))}
        {holds}
        {filters(asked, &shown.acts)}
        {unknown}
        <div class="above"><a class=SMALL href=EXPORT>{t("admin-export")}</a></div>
        <section class="card">{list(entries, None)}{pager(first, next)}</section>
    }
}

fn filters(asked: &Asked, acts: &[String]) -> AnyView {
    let text = |name: &'static str, label: String, value: &str| {
        view! {
            <div class="field">
                <label for=name>{label}</label>
                <div class="control">
                    <input id=name name=name type="text" value=value.to_owned() autocomplete="off"
                        autocapitalize="none" spellcheck="false" dir="auto" list=(name == "event").then_some("acts")/>
                </div>
            </div>
        }
    };
    let acts: Vec<_> =
        acts.iter().map(|act| view! { <option value=act.clone()></option> }).collect();
    view! {
        <form method="get" action=TRAIL.page class="filters" role="search">
            {text("account", t("admin-account"), &asked.account)}
            {text("event", t("admin-event"), &asked.event)}
            {text("request", t("admin-request-id"), &asked.request)}
            <datalist id="acts">{acts}</datalist>
            <button type="submit" class="button quiet">{t("admin-show")}</button>
        </form>
    }
    .into_any()
}

/// The whole trail as a file, one row per line: what `latchkey audit export` writes.
async fn export(
    State(state): State<AppState>,
    viewer: Viewer,
    visit: Visit,
    axum::Extension(admin): axum::Extension<Admin>,
) -> Result<Response> {
    let fresh = match viewer.fresh(&state, None) {
        Ok(fresh) => fresh,
        Err(ask) => return Ok(ask),
    };
    let event = admin.fresh_authority(fresh, &visit).event(EXPORTED, None);
    audit::record_alone(&state.store, &event).await?;
    event.log();
    let store = state.store.clone();
    let lines = stream::try_unfold(0, move |last| {
        let store = store.clone();
        async move {
            let page = audit::page_of_export(&store, last).await;
            let page = page.map_err(|fault| std::io::Error::other(fault.source().to_string()))?;
            Ok::<_, std::io::Error>(page)
        }
    });
    let mut answer = Body::from_stream(lines).into_response();
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    let name = HeaderValue::from_static("attachment; filename=\"audit.ndjson\"");
    headers.insert(header::CONTENT_DISPOSITION, name);
    Ok(answer)
}
