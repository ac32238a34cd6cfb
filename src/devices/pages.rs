//! The page that lists your devices, and its forms.

use axum::{extract::State, response::Response};
use futures_util::FutureExt;
use leptos::prelude::*;

use crate::{
    audit::pages::method_words,
    platform::{
        error::{Error, Refusal, Result},
        random,
        visit::network_in_words,
    },
    sessions::{StoredSession, caller::Fresh, carrier::Carrier, of_account},
    texts::{number, t, t_with},
    web::{
        form::{Form, TOKEN_FIELD, field},
        notices::{Notice, notices},
        page::{
            Around, Section, device,
            icons::{MONITOR, TERMINAL},
            parts::{hidden, page_head},
            times::{ago, moment},
        },
        pending::PendingAct,
        routes::Map,
        state::AppState,
        submit::FormCall,
        viewer::{Viewer, render},
    },
};

notices! {
    SESSION_OVER = "session";
    /// It had already ended.
    SESSION_GONE = "session-gone";
    OTHERS_OVER = "sessions";
}

pub(crate) const SESSIONS: Section =
    Section { page: "/account/sessions", name: "sessions", icon: MONITOR };

pub(crate) fn routes(map: &mut Map) {
    map.section(SESSIONS, sessions_page);
    map.form(&END);
    map.form(&END_OTHERS);
}

static END: Form = Form { pending: Some(&ENDING), ..Form::at("/api/end_session", SESSIONS.page) };

static ENDING: PendingAct = PendingAct {
    word: "end",
    page: SESSIONS.page,
    lead: "confirm-lead-session",
    of_form: |fields| field(fields, "id").filter(|id| random::is_text(id)).map(str::to_owned),
    run: |call, caller, id| end_one(call, caller, id).boxed(),
};

#[server(endpoint = "/end_session")]
pub async fn end_session(#[server(default)] id: String) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let notice = end_one(&call, call.fresh()?, &id).await?;
            call.stay(SESSIONS.page, notice)
        }
        .await,
    );
    Ok(())
}

/// Ends a session, unless it has already ended: by the same form sent twice, or in another tab.
async fn end_one(call: &FormCall, caller: Fresh<'_>, id: &str) -> Result<Notice> {
    match super::end_one(&call.state, caller, id, &call.visit).await {
        Ok(()) => Ok(SESSION_OVER),
        Err(Error::Refusal(Refusal::NotFound)) => Ok(SESSION_GONE),
        Err(error) => Err(error),
    }
}

static END_OTHERS: Form =
    Form { pending: Some(&ENDING_OTHERS), ..Form::at("/api/end_other_sessions", SESSIONS.page) };

static ENDING_OTHERS: PendingAct = PendingAct {
    word: "end-others",
    page: SESSIONS.page,
    lead: "confirm-lead-sessions",
    of_form: |_| Some(String::new()),
    run: |call, caller, _| {
        async move {
            super::end_others(&call.state, caller, &call.visit).await?;
            Ok(OTHERS_OVER)
        }
        .boxed()
    },
};

#[server(endpoint = "/end_other_sessions")]
pub async fn end_other_sessions() -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            super::end_others(&call.state, call.fresh()?, &call.visit).await?;
            call.stay(SESSIONS.page, OTHERS_OVER)
        }
        .await,
    );
    Ok(())
}

async fn sessions_page(State(state): State<AppState>, viewer: Viewer) -> Result<Response> {
    let fresh = match viewer.fresh(&state, None) {
        Ok(fresh) => fresh,
        Err(ask) => return Ok(ask),
    };
    let mut sessions = of_account(&state.store, fresh.account()).await?;
    // This one first, then the others by last use.
    sessions.sort_by_key(|session| session.id != fresh.session());
    let (here, token) = (fresh.session().to_owned(), viewer.form_token(&state)?);
    let around = Around::of("sessions-title").within(SESSIONS).with_times();
    let view = move || sessions_view(&sessions, &here, &token);
    render(&state, &viewer, around, view).await
}

/// How many sessions are shown without asking.
const SHOWN: usize = 10;

fn sessions_view(sessions: &[StoredSession], here: &str, token: &str) -> impl IntoView + use<> {
    let alone = sessions.len() < 2;
    let row = |session: &StoredSession| session_row(session, session.id == here, token);
    let (first, rest) = sessions.split_at(sessions.len().min(SHOWN));
    let first: Vec<_> = first.iter().map(row).collect();
    let count = ("count", number(sessions.len()));
    let rest = (!rest.is_empty()).then(|| {
        view! {
            <details class="dialog">
                <summary>{t_with("sessions-all", &[count])}</summary>
                <ul class="list">{rest.iter().map(row).collect::<Vec<_>>()}</ul>
            </details>
        }
    });
    let others = if alone {
        view! { <p class="hint">{t("sessions-alone")}</p> }.into_any()
    } else {
        view! {
            <form method="post" action=END_OTHERS.action>
                {hidden(TOKEN_FIELD, token)}
                <button type="submit" class="button quiet">{t("sessions-end-others")}</button>
            </form>
        }
        .into_any()
    };
    view! {
        {page_head(t("sessions-title"), Some(t("sessions-lead")))}
        <div class="above">{others}</div>
        <section class="card">
            <ul class="list">{first}</ul>
            {rest}
        </section>
    }
}

fn session_row(session: &StoredSession, is_this: bool, token: &str) -> impl IntoView + use<> {
    let name = device::name(&session.device);
    let mark = is_this.then(|| view! { " " <span class="badge">{t("session-here")}</span> });
    let (icon, method) = match session.carrier {
        Carrier::Browser => (device::icon(&session.device), String::new()),
        Carrier::Program => (TERMINAL, t("session-program")),
    };
    let active = if is_this {
        t("session-active-now")
    } else {
        t_with("session-last", &[("ago", ago(session.seen_at).into())])
    };
    let place = device::with_dots([method, active, network_in_words(&session.network)]);
    let how = method_words(&session.proved_by.word()).map(|words| format!(" {words}"));
    let end = (!is_this).then(|| {
        let device = ("device", name.clone().into());
        let label = t_with("session-end-of", &[device, ("ago", ago(session.seen_at).into())]);
        view! {
            <form method="post" action=END.action>
                {hidden(TOKEN_FIELD, token)}
                {hidden("id", &session.id)}
                <button type="submit" class="button quiet small" aria-label=label>
                    {t("session-end")}
                </button>
            </form>
        }
    });
    view! {
        <li>
            {icon.view()}
            <div>
                <p class="what">{name} {mark}</p>
                <p class="hint">
                    {place} " · " {t("session-first")} " " {moment(session.created_at)} {how}
                </p>
            </div>
            {end}
        </li>
    }
}
