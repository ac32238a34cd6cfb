//! The pages of webhooks: endpoints, and the messages to each.

use std::result::Result as StdResult;

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::HeaderMap,
    response::Response,
};
use futures_util::FutureExt;
use leptos::prelude::*;

use super::{Act, DANGER, QUIET, SMALL, after_proof, once};
use crate::{
    audit::Authority,
    domain::Code,
    platform::{
        error::{Refusal, Result},
        random,
    },
    texts::{language, number, t, t_with},
    web::{
        form::{Form, FormState, field},
        notices::{Notice, notices},
        page::{
            Around, Section,
            icons::WEBHOOK,
            parts::{self, button, code, empty, page_head, panel},
            times::{day, moment},
        },
        pending::PendingAct,
        routes::{Map, Policy},
        state::AppState,
        submit::FormCall,
        viewer::{Viewer, render},
    },
    webhooks::{self, EVENTS, EVENTS_FIELD, Sent, URL, Webhook},
};

notices! {
    WEBHOOK_ADDED = "admin-webhook-added";
    WEBHOOK_REMOVED = "admin-webhook-removed";
    WEBHOOK_TESTED = "admin-webhook-tested";
    MESSAGE_RESENT = "admin-message-resent";
    WEBHOOK_GONE = "admin-webhook-gone";
}

pub(super) const WEBHOOKS: Section =
    Section { page: "/admin/webhooks", name: "admin-webhooks", icon: WEBHOOK };

/// The page of an endpoint, up to the id.
const ONE: &str = "/admin/webhooks/";

pub(super) fn routes(map: &mut Map) {
    map.admin_section(WEBHOOKS, webhooks_page);
    map.page(Policy::Admin, "/admin/webhooks/{id}", webhook_page);
    map.form(&ADD);
    map.form(&ACT);
}

/// The fields of the form: an event is a box with its name.
const KEEPS: [&str; EVENTS.len() + 1] = {
    let mut keeps = ["url"; EVENTS.len() + 1];
    let mut index = 0;
    while index < EVENTS.len() {
        keeps[index + 1] = EVENTS[index];
        index += 1;
    }
    keeps
};

static ADD: Form = Form {
    policy: Policy::Admin,
    title: "admin-webhooks",
    keeps: &KEEPS,
    show: Some(|state, form, viewer, headers| show(state, form, viewer, headers).boxed()),
    ..Form::at("/api/admin_add_webhook", WEBHOOKS.page)
};

/// Adds an endpoint. Its events are the checked boxes, each with the name of one.
#[server(endpoint = "/admin_add_webhook")]
pub async fn admin_add_webhook(#[server(default)] url: String) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let (state, authority) = (&call.state, call.authority().await?);
            let is_checked = |event: &&str| call.field(event).is_some();
            let events: Vec<String> = EVENTS
                .iter()
                .filter(|event| is_checked(event))
                .map(|event| (*event).to_owned())
                .collect();
            if events.is_empty() {
                return Err(Refusal::of_field(EVENTS_FIELD, Code::Missing).into());
            }
            let (store, settings) = (&state.store, &state.settings.webhooks);
            let added =
                webhooks::add(store, &state.keys, settings, &authority, &url, &events).await?;
            let (webhook, secret) = added;
            call.show_once("webhook", &secret)?;
            call.stay(&format!("{ONE}{}", webhook.id), WEBHOOK_ADDED)
        }
        .await,
    );
    Ok(())
}

static ACT: Form = Form {
    policy: Policy::Admin,
    pending: Some(&ACTING),
    ..Form::at("/api/admin_act_on_webhook", ONE)
};

static ACTING: PendingAct = PendingAct {
    word: "admin-webhook",
    page: ONE,
    lead: "confirm-lead-admin",
    of_form: |fields| {
        let (act, id) = (field(fields, "act")?, field(fields, "id")?);
        let message = field(fields, "message").unwrap_or_default();
        let is_plain =
            |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        let is_good = random::is_text(id) && is_plain(act) && is_plain(message);
        is_good.then(|| format!("{act}~{id}~{message}"))
    },
    run: |call, caller, to| {
        async move {
            let mut parts = to.split('~');
            let mut part = || parts.next().unwrap_or_default();
            let (act, id, message) = (part(), part(), part());
            let authority = call.authority_of(caller).await?;
            act_on(call, &authority, act, id, message).await
        }
        .boxed()
    },
};

/// Tests or removes an endpoint, or sends a message again.
#[server(endpoint = "/admin_act_on_webhook")]
pub async fn admin_act_on_webhook(
    #[server(default)] act: String,
    #[server(default)] id: String,
    #[server(default)] message: String,
) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let authority = call.authority().await?;
            let notice = act_on(&call, &authority, &act, &id, &message).await?;
            let page = match webhooks::find(&call.state.store, &id).await? {
                Some(webhook) => format!("{ONE}{}", webhook.id),
                None => WEBHOOKS.page.to_owned(),
            };
            call.stay(&page, notice)
        }
        .await,
    );
    Ok(())
}

async fn act_on(
    call: &FormCall,
    authority: &Authority,
    act: &str,
    id: &str,
    message: &str,
) -> Result<Notice> {
    let state = &call.state;
    let (done, notice) = match act {
        "test" => (webhooks::test(&state.store, &state.keys, authority, id).await?, WEBHOOK_TESTED),
        "resend" => {
            let sent = webhooks::send_again(&state.store, &state.keys, authority, id, message);
            (sent.await?, MESSAGE_RESENT)
        }
        "remove" => (webhooks::remove(&state.store, authority, id).await?, WEBHOOK_REMOVED),
        _ => return Err(Refusal::NotFound.into()),
    };
    state.wake_outbox();
    Ok(if done { notice } else { WEBHOOK_GONE })
}

async fn webhooks_page(
    State(state): State<AppState>,
    viewer: Viewer,
    headers: HeaderMap,
) -> Result<Response> {
    let all = EVENTS.iter().fold(FormState::new(&ADD), |form, event| form.with(event, "yes"));
    show(&state, all, &viewer, &headers).await
}

async fn show(
    state: &AppState,
    form: FormState,
    viewer: &Viewer,
    _: &HeaderMap,
) -> Result<Response> {
    let all = webhooks::all(&state.store).await?;
    let ask = viewer.to_confirm(state);
    let token = viewer.form_token(state)?;
    let around = Around::of("admin-webhooks").within_admin(WEBHOOKS).with_times();
    render(state, viewer, around, move || {
        let rows: Vec<_> = all.iter().map(row).collect();
        let list = match rows.is_empty() {
            true => empty(t("admin-no-webhooks")),
            false => view! { <ul class="list">{rows}</ul> }.into_any(),
        };
        let events = EVENTS.map(|event| {
            let words = language().text(&format!("admin-on-{}", event.replace(['.', '_'], "-")));
            parts::checkbox(&form, event, event.to_owned(), Some(words))
        });
        let wrong = form.errors.iter().any(|error| error.field == EVENTS_FIELD);
        let wrong = wrong.then(|| view! { <p class="error">{t("events-missing")}</p> });
        let events = view! {
            <fieldset class="checks" id="events">
                <legend>{t("field-events")}</legend>
                {wrong}
                {events.into_iter().collect::<Vec<_>>()}
            </fieldset>
        };
        let fields = vec![
            parts::line(&form, URL, Some(t("admin-url-hint"))),
            events.into_any(),
            button(t("admin-add-webhook")),
        ];
        let new = view! { {parts::summary(&form)} {parts::plain(&form, &token, fields)} };
        let new = after_proof(ask.as_ref(), new.into_any());
        view! {
            {page_head(t("admin-webhooks"), Some(t("admin-webhooks-lead")))}
            <section class="card">{list}</section>
            {panel(Some("new"), t("admin-add-webhook"), Some(t("admin-add-webhook-lead")), new)}
        }
    })
    .await
}

fn closed(webhook: &Webhook) -> Option<AnyView> {
    let at = webhook.closed_at?;
    Some(
        view! { " " <span class="badge warn">{t("admin-webhook-closed")} " " {day(at)}</span> }
            .into_any(),
    )
}

fn row(webhook: &Webhook) -> AnyView {
    let href = format!("{ONE}{}", webhook.id);
    let count = number(webhook.events.len());
    view! {
        <li>
            {WEBHOOK.view()}
            <div>
                <p class="what"><a href=href dir="ltr">{webhook.url.clone()}</a> {closed(webhook)}</p>
                <p class="hint">
                    {t_with("admin-events-count", &[("count", count)])} " · "
                    {t("admin-made-on")} " " {day(webhook.created_at)}
                </p>
            </div>
        </li>
    }
    .into_any()
}

/// How many messages the page shows.
const MESSAGES: i64 = 50;

async fn webhook_page(
    State(state): State<AppState>,
    viewer: Viewer,
    id: StdResult<Path<String>, PathRejection>,
) -> Result<Response> {
    let Path(id) = id.map_err(|_| Refusal::NotFound)?;
    let webhook = webhooks::find(&state.store, &id).await?.ok_or(Refusal::NotFound)?;
    let sent = webhooks::messages(&state.store, &id, MESSAGES).await?;
    let (token, shown) = (viewer.form_token(&state)?, viewer.shown_once(&state));
    let around = Around::of("admin-webhooks").within_admin(WEBHOOKS).with_times().with_code();
    render(&state, &viewer, around, move || {
        let next = format!("{ONE}{}", webhook.id);
        let act = |name: &'static str, words: String, class| {
            let fields = [("act", name), ("id", &*webhook.id)];
            let form = &ACT;
            Act { form, token: &token, next: &next, fields: &fields, words, class }.view()
        };
        let remove = {
            let fields = [("act", "remove"), ("id", &*webhook.id)];
            let (form, words) = (&ACT, t("admin-remove"));
            let act =
                Act { form, token: &token, next: &next, fields: &fields, words, class: DANGER };
            act.after_question(t("admin-remove-webhook-lead"))
        };
        let rows: Vec<_> = sent.iter().map(|sent| message(sent, &webhook.id, &token)).collect();
        let list = match rows.is_empty() {
            true => empty(t("admin-no-messages")),
            false => view! { <ul class="list">{rows}</ul> }.into_any(),
        };
        view! {
            <p class="back"><a href=WEBHOOKS.page>{t("admin-back-to-webhooks")}</a></p>
            {once(shown.as_ref())}
            <div class="page-head">
                <h1 dir="ltr">{webhook.url.clone()}</h1>
                <p>{webhook.events.join(", ")} {closed(&webhook)}</p>
            </div>
            <div class="above actions">{act("test", t("admin-test-webhook"), QUIET)}</div>
            <section class="card"><h2>{t("admin-messages")}</h2>{list}</section>
            <section class="card">{remove}</section>
        }
    })
    .await
}

fn message(sent: &Sent, webhook: &str, token: &str) -> AnyView {
    let Sent { id, event, body, created_at, delivered_at, tries, answer, .. } = sent;
    let tries = usize::try_from(*tries).unwrap_or_default();
    let state = match (delivered_at, tries) {
        (Some(at), _) => view! { {t("admin-delivered")} " " {moment(*at)} }.into_any(),
        (None, 0) => view! { {t("admin-waits")} }.into_any(),
        (None, _) => {
            view! { <span class="badge warn">{t("admin-not-delivered")}</span> }.into_any()
        }
    };
    let answer = answer.clone().map(|answer| view! { " · " {answer} });
    let tries = (tries > 0)
        .then(|| view! { " · " {t_with("admin-tries-so-far", &[("count", number(tries))])} });
    let next = format!("{ONE}{webhook}");
    let fields = [("act", "resend"), ("id", webhook), ("message", &**id)];
    let (form, words) = (&ACT, t("admin-resend"));
    let act = Act { form, token, next: &next, fields: &fields, words, class: SMALL };
    view! {
        <li>
            <div>
                <p class="what">{event.clone()}</p>
                <p class="hint">{moment(*created_at)} " · " {state} {tries} {answer}</p>
                <details class="dialog">
                    <summary>{t("admin-show-body")}</summary>
                    <div>{code(body.clone())}</div>
                </details>
            </div>
            {act.view()}
        </li>
    }
    .into_any()
}
