//! The page of the outbox: what failed, why, and once more.

use std::result::Result as StdResult;

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    response::Response,
};
use futures_util::FutureExt;
use leptos::prelude::*;
use serde::Deserialize;

use super::{Act, QUIET, SMALL, address, pager, person::PERSON};
use crate::{
    admin::{self, place, read_place},
    audit::Authority,
    outbox::{self, Listed},
    platform::{error::Result, random},
    texts::{language, number, t, t_with},
    web::{
        form::{Form, field},
        notices::{Notice, notices},
        page::{
            Around, Section,
            icons::SEND,
            parts::{empty, page_head},
            times::moment,
        },
        pending::PendingAct,
        routes::{Map, Policy},
        state::AppState,
        submit::FormCall,
        viewer::{Viewer, render},
    },
};

notices! {
    RETRIED = "admin-retried";
    DELIVERY_GONE = "admin-delivery-gone";
}

pub(super) const OUTBOX: Section =
    Section { page: "/admin/outbox", name: "admin-outbox", icon: SEND };

pub(super) fn routes(map: &mut Map) {
    map.admin_section(OUTBOX, outbox_page);
    map.form(&RETRY);
}

static RETRY: Form = Form {
    policy: Policy::Admin,
    pending: Some(&RETRYING),
    ..Form::at("/api/admin_retry_delivery", OUTBOX.page)
};

/// Stands for all that was given up.
const ALL: &str = "all";

static RETRYING: PendingAct = PendingAct {
    word: "admin-retry",
    page: OUTBOX.page,
    lead: "confirm-lead-admin",
    of_form: |fields| {
        field(fields, "id").filter(|id| *id == ALL || random::is_text(id)).map(str::to_owned)
    },
    run: |call, caller, id| {
        async move {
            let authority = call.authority_of(caller).await?;
            retry(call, &authority, id).await
        }
        .boxed()
    },
};

/// Tries a delivery again, or all that were given up.
#[server(endpoint = "/admin_retry_delivery")]
pub async fn admin_retry_delivery(#[server(default)] id: String) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let authority = call.authority().await?;
            let notice = retry(&call, &authority, &id).await?;
            call.stay(OUTBOX.page, notice)
        }
        .await,
    );
    Ok(())
}

async fn retry(call: &FormCall, authority: &Authority, id: &str) -> Result<Notice> {
    let id = (id != ALL).then_some(id);
    Ok(match admin::retry(&call.state, authority, id).await? {
        0 => DELIVERY_GONE,
        _ => RETRIED,
    })
}

/// What the address asks for.
#[derive(Default, Deserialize)]
struct Asked {
    #[serde(default)]
    after: String,
    /// Only what was given up.
    #[serde(default)]
    failed: String,
}

/// How many deliveries a page shows.
const PAGE: i64 = 50;

async fn outbox_page(
    State(state): State<AppState>,
    viewer: Viewer,
    asked: StdResult<Query<Asked>, QueryRejection>,
) -> Result<Response> {
    let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
    let after = read_place(&asked.after);
    let before = after.as_ref().map(|(at, id)| (*at, id.as_str()));
    let failed_only = !asked.failed.is_empty();
    let (found, more) = outbox::page(&state.store, before, failed_only, PAGE).await?;
    let next = found.last().filter(|_| more);
    let next = next.map(|last| place(last.created_at, &last.id));
    let next =
        next.map(|next| address(OUTBOX.page, &[("failed", &asked.failed), ("after", &next)]));
    let first =
        (!asked.after.is_empty()).then(|| address(OUTBOX.page, &[("failed", &asked.failed)]));
    let (token, (failed, _)) = (viewer.form_token(&state)?, outbox::troubles(&state.store).await?);
    let around = Around::of("admin-outbox").within_admin(OUTBOX).with_times();
    render(&state, &viewer, around, move || {
        let rows: Vec<_> = found.iter().map(|listed| row(listed, &token)).collect();
        let list = match rows.is_empty() {
            true => empty(t("admin-outbox-empty")),
            false => view! { <ul class="list">{rows}</ul> }.into_any(),
        };
        let (href, words) = match failed_only {
            true => (OUTBOX.page.to_owned(), t("admin-outbox-all")),
            false => (address(OUTBOX.page, &[("failed", "yes")]), t("admin-outbox-failed")),
        };
        let again = (failed > 0).then(|| {
            let (words, fields) = (t("admin-retry-all"), [("id", ALL)]);
            Act { form: &RETRY, token: &token, next: "", fields: &fields, words, class: QUIET }
                .view()
        });
        view! {
            {page_head(t("admin-outbox"), Some(t("admin-outbox-lead")))}
            <div class="above actions"><a class=SMALL href=href>{words}</a> {again}</div>
            <section class="card">{list}{pager(first.clone(), next.clone())}</section>
        }
    })
    .await
}

fn row(listed: &Listed, token: &str) -> AnyView {
    let Listed { id, kind, account_id, created_at, due_at, tries, failed_at, error } = listed;
    let kind = language().text(&format!("admin-delivery-{kind}"));
    let whom = account_id.map(|id| {
        let href = format!("{PERSON}{id}");
        view! { " · " <a href=href>{t("admin-account")} " " {id.to_string()}</a> }
    });
    let tries = usize::try_from(*tries).unwrap_or_default();
    let state = match failed_at {
        Some(at) => {
            view! { <span class="badge warn">{t("admin-given-up")}</span> " " {moment(*at)} }
                .into_any()
        }
        None if tries > 0 => view! { {t("admin-next-try")} " " {moment(*due_at)} }.into_any(),
        None => view! { {t("admin-waits")} }.into_any(),
    };
    let tries =
        (tries > 0).then(|| view! { {t_with("admin-tries", &[("count", number(tries))])} " · " });
    let error = error.clone().map(|error| view! { <p class="hint"><code>{error}</code></p> });
    let (words, fields) = (t("admin-retry"), [("id", &**id)]);
    let act = Act { form: &RETRY, token, next: "", fields: &fields, words, class: SMALL };
    view! {
        <li>
            {SEND.view()}
            <div>
                <p class="what">{kind} {whom}</p>
                <p class="hint">{moment(*created_at)} " · " {tries} {state}</p>
                {error}
            </div>
            {act.view()}
        </li>
    }
    .into_any()
}
