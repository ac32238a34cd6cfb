//! The page of invitations.

use std::result::Result as StdResult;

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::HeaderMap,
    response::Response,
};
use futures_util::FutureExt;
use leptos::prelude::*;
use serde::Deserialize;

use super::{Act, SMALL, address, after_proof, group_badges, once, pager, several};
use crate::{
    accounts::settings::SignUpMode,
    admin::{mail_keys, place, read_place},
    domain::{Code, Email, Field, FieldError},
    groups::is_name,
    invitations::{self, EXPIRES_AT, GROUPS, Invitation, NOTE, New, USES},
    platform::{
        clock::{now, seconds},
        error::{Refusal, Result},
        random,
        settings::duration,
    },
    texts::{language, number, t, t_with},
    web::{
        form::{Form, FormState, field},
        notices::{Notice, notices},
        page::{
            Around, Section,
            icons::{INFO, TICKET},
            parts::{self, button, empty, page_head, panel},
            times::{day, moment},
        },
        pending::PendingAct,
        routes::{Map, Policy},
        state::AppState,
        submit::FormCall,
        viewer::{Viewer, render},
    },
};

notices! {
    INVITED = "admin-invited";
    WITHDRAWN = "admin-withdrawn";
    INVITATION_GONE = "admin-invitation-gone";
}

const INVITATIONS: Section =
    Section { page: "/admin/invitations", name: "admin-invitations", icon: TICKET };

pub(super) fn routes(map: &mut Map) {
    map.admin_section(INVITATIONS, invitations_page);
    map.form(&INVITE);
    map.form(&WITHDRAW);
}

static INVITE: Form = Form {
    policy: Policy::Admin,
    title: "admin-invitations",
    keeps: &["email", "groups", "expiresAt", "uses", "note"],
    show: Some(|state, form, viewer, headers| show_again(state, form, viewer, headers).boxed()),
    ..Form::at("/api/admin_invite", INVITATIONS.page)
};

/// Invites somebody.
#[server(endpoint = "/admin_invite")]
pub async fn admin_invite(
    #[server(default)] email: String,
    #[server(default)] groups: String,
    #[server(default)]
    #[server(rename = "expiresAt")]
    expires: String,
    #[server(default)] uses: String,
    #[server(default)] note: String,
) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let (state, authority) = (&call.state, call.authority().await?);
            if state.settings.accounts.sign_up == SignUpMode::Closed {
                return Err(Refusal::SignUpClosed.into());
            }
            let email = match email.trim() {
                "" => Ok(None),
                text => Email::parse(text).map(Some),
            };
            let uses = match uses.trim() {
                "" => Ok(1),
                text => text.parse().map_err(|_| Code::OutOfRange),
            };
            let span = duration(expires.trim()).map_err(|_| Code::OutOfRange);
            let names = several(&groups);
            let are_good = names.iter().all(|name| is_name(name));
            let (Ok(email), Ok(uses), Ok(span), true) = (email.clone(), uses, span, are_good)
            else {
                let codes = [
                    (Field::EMAIL, email.err()),
                    (GROUPS, (!are_good).then_some(Code::Characters)),
                    (EXPIRES_AT, span.err()),
                    (USES, uses.err()),
                ];
                let errors = codes
                    .into_iter()
                    .filter_map(|(field, code)| Some(FieldError { field, code: code? }));
                return Err(Refusal::InvalidInput(errors.collect()).into());
            };
            let expires_at = now().saturating_add(seconds(span));
            let new = New { email, groups: names, expires_at, uses, note };
            let keys = mail_keys(state);
            let language = call.visit.language;
            let made = invitations::make(&state.store, keys, &authority, &new, language).await?;
            state.wake_outbox();
            call.show_once("invitation", &format!("{}{}", state.public_url.origin(), made.1))?;
            call.stay(INVITATIONS.page, INVITED)
        }
        .await,
    );
    Ok(())
}

static WITHDRAW: Form = Form {
    policy: Policy::Admin,
    pending: Some(&WITHDRAWING),
    ..Form::at("/api/admin_withdraw_invitation", INVITATIONS.page)
};

static WITHDRAWING: PendingAct = PendingAct {
    word: "admin-invitation",
    page: INVITATIONS.page,
    lead: "confirm-lead-admin",
    of_form: |fields| field(fields, "id").filter(|id| random::is_text(id)).map(str::to_owned),
    run: |call, caller, id| {
        async move {
            let authority = call.authority_of(caller).await?;
            withdraw(call, &authority, id).await
        }
        .boxed()
    },
};

/// Withdraws an invitation.
#[server(endpoint = "/admin_withdraw_invitation")]
pub async fn admin_withdraw_invitation(#[server(default)] id: String) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let authority = call.authority().await?;
            let notice = withdraw(&call, &authority, &id).await?;
            call.stay(INVITATIONS.page, notice)
        }
        .await,
    );
    Ok(())
}

async fn withdraw(
    call: &FormCall,
    authority: &crate::audit::Authority,
    id: &str,
) -> Result<Notice> {
    Ok(match invitations::withdraw(&call.state.store, authority, id).await? {
        true => WITHDRAWN,
        false => INVITATION_GONE,
    })
}

/// What the address asks for.
#[derive(Default, Deserialize)]
struct Asked {
    #[serde(default)]
    after: String,
}

/// How many invitations a page shows.
const PAGE: i64 = 50;

async fn invitations_page(
    State(state): State<AppState>,
    viewer: Viewer,
    asked: StdResult<Query<Asked>, QueryRejection>,
) -> Result<Response> {
    let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
    let form = FormState::new(&INVITE).with("expiresAt", "7d").with("uses", "1");
    show(&state, form, &viewer, &asked.after).await
}

async fn show_again(
    state: &AppState,
    form: FormState,
    viewer: &Viewer,
    _: &HeaderMap,
) -> Result<Response> {
    show(state, form, viewer, "").await
}

async fn show(state: &AppState, form: FormState, viewer: &Viewer, after: &str) -> Result<Response> {
    let last = read_place(after);
    let before = last.as_ref().map(|(at, id)| (*at, id.as_str()));
    let (found, more) = invitations::page(&state.store, before, PAGE).await?;
    let next = found.last().filter(|_| more);
    let next = next.map(|last| place(last.created_at, &last.id));
    let next = next.map(|next| address(INVITATIONS.page, &[("after", &next)]));
    let first = (!after.is_empty()).then(|| INVITATIONS.page.to_owned());
    let (token, has_mail) = (viewer.form_token(state)?, state.mail.is_some());
    let ask = viewer.to_confirm(state);
    let (shown, mode) = (viewer.shown_once(state), state.settings.accounts.sign_up);
    let around = Around::of("admin-invitations").within_admin(INVITATIONS).with_times().with_code();
    render(state, viewer, around, move || {
        let rows: Vec<_> = found.iter().map(|invitation| row(invitation, &token)).collect();
        let list = match rows.is_empty() {
            true => empty(t("admin-no-invitations")),
            false => view! { <ul class="list">{rows}</ul> }.into_any(),
        };
        let new = match mode {
            SignUpMode::Closed => {
                view! { <p class="notice info">{INFO.view()} {t("admin-sign-up-closed")}</p> }
                    .into_any()
            }
            _ => after_proof(ask.as_ref(), invite(&form, &token, has_mail)),
        };
        view! {
            {page_head(t("admin-invitations"), Some(t("admin-invitations-lead")))}
            {once(shown.as_ref())}
            {panel(Some("new"), t("admin-invite"), Some(t("admin-invite-lead")), new)}
            <section class="card">{list}{pager(first.clone(), next.clone())}</section>
        }
    })
    .await
}

fn invite(form: &FormState, token: &str, has_mail: bool) -> AnyView {
    let hint =
        t(if has_mail { "admin-invite-email-hint" } else { "admin-invite-email-hint-no-mail" });
    let fields = vec![
        parts::email(form, Some(hint)),
        parts::line(form, GROUPS, Some(t("admin-groups-hint"))),
        parts::line(form, EXPIRES_AT, Some(t("admin-expires-hint"))),
        parts::line(form, USES, Some(t("admin-uses-hint"))),
        parts::line(form, NOTE, Some(t("admin-note-hint"))),
        button(t("admin-invite")),
    ];
    view! { {parts::summary(form)} {parts::plain(form, token, fields)} }.into_any()
}

fn row(invitation: &Invitation, token: &str) -> AnyView {
    let Invitation { id, email, groups, note, created_at, expires_at, uses_left, uses, .. } =
        invitation;
    let is_open = invitation.is_open(now());
    let name = match email {
        Some(email) => view! { <span dir="auto">{email.clone()}</span> }.into_any(),
        None => view! { {t("admin-link-invitation")} }.into_any(),
    };
    let count = |count: i64| number(usize::try_from(count).unwrap_or_default());
    let used = t_with("admin-used", &[("count", count(*uses))]);
    let state = match (is_open, *uses_left) {
        (true, left) => view! {
            {t_with("admin-uses-left", &[("count", count(left))])} " · " {t("admin-until")} " "
            {moment(*expires_at)}
        }
        .into_any(),
        (false, 0) => view! { {t("admin-used-up")} }.into_any(),
        (false, _) if !invitation.maker_is_there => view! { {t("admin-maker-gone")} }.into_any(),
        (false, _) => view! { {t("admin-over")} " " {day(*expires_at)} }.into_any(),
    };
    let note = (!note.is_empty()).then(|| view! { <p class="hint" dir="auto">{note.clone()}</p> });
    let withdraw = (!invitation.is_over(now())).then(|| {
        let (words, fields) = (t("admin-withdraw"), [("id", &**id)]);
        Act { form: &WITHDRAW, token, next: "", fields: &fields, words, class: SMALL }.view()
    });
    let whom = language().text("admin-invited-on");
    view! {
        <li>
            {TICKET.view()}
            <div>
                <p class="what">{name} {group_badges(groups)}</p>
                <p class="hint">{whom} " " {day(*created_at)} " · " {used} " · " {state}</p>
                {note}
            </div>
            {withdraw}
        </li>
    }
    .into_any()
}
