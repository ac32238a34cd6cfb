//! The page of one person, and what administrators do for them.

use std::result::Result as StdResult;

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::HeaderMap,
    response::Response,
};
use futures_util::FutureExt;
use leptos::prelude::*;

use super::{
    Act, DANGER, QUIET, SMALL, address, after_proof, group_badges, once,
    people::{PEOPLE, named},
    several, state_badge,
    trail::{self, Entry},
};
use crate::{
    accounts::people::{Person, State as AccountState},
    admin::{self, Changes, GroupChange, PasswordLink, account_id},
    audit::{Authority, Filter},
    domain::{AccountId, Email, Field, ProfileChange, profile::FIELDS},
    factors,
    invitations::GROUPS,
    openid::used::{self, Used},
    passwords,
    platform::{
        error::{Refusal, Result},
        visit::network_in_words,
    },
    providers::identities,
    sessions::{StoredSession, carrier::Carrier, of_account},
    texts::{language, t, t_with},
    web::{
        form::{Form, FormState, field},
        notices::{Notice, notices},
        page::{
            Around,
            avatar::avatar,
            device,
            icons::TERMINAL,
            parts::{self, button, hidden, isolated, panel},
            times::{ago, day, moment},
        },
        pending::PendingAct,
        routes::{Map, Policy},
        state::AppState,
        submit::FormCall,
        viewer::{Viewer, render},
    },
};

notices! {
    DISABLED = "admin-disabled";
    ENABLED = "admin-enabled";
    SIGNED_OUT = "admin-signed-out";
    LINK_SENT = "admin-link-sent";
    LINK_MADE = "admin-link-made";
    FACTORS_RESET = "admin-factors-reset";
    NO_FACTORS = "admin-no-factors";
    DISMISSED = "admin-dismissed";
    CHANGED = "admin-changed";
    /// It was so already.
    UNCHANGED = "admin-unchanged";
}

/// The page of a person, up to the id.
pub(super) const PERSON: &str = "/admin/people/";

pub(super) fn routes(map: &mut Map) {
    map.page(Policy::Admin, "/admin/people/{id}", person_page);
    map.form(&ACT);
    map.form(&CHANGE);
}

static ACT: Form = Form {
    policy: Policy::Admin,
    pending: Some(&ACTING),
    ..Form::at("/api/admin_act_on_account", PERSON)
};

static ACTING: PendingAct = PendingAct {
    word: "admin-account",
    page: PERSON,
    lead: "confirm-lead-admin",
    of_form: |fields| {
        let (act, id) = (field(fields, "act")?, field(fields, "id")?);
        let is_plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        (is_plain(act) && is_plain(id)).then(|| format!("{act}_{id}"))
    },
    run: |call, caller, to| {
        async move {
            let (act, id) = to.split_once('_').ok_or(Refusal::NotFound)?;
            let authority = call.authority_of(caller).await?;
            act_on(call, &authority, act, id).await
        }
        .boxed()
    },
};

/// Does something to an account: `act` says what.
#[server(endpoint = "/admin_act_on_account")]
pub async fn admin_act_on_account(
    #[server(default)] act: String,
    #[server(default)] id: String,
) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let authority = call.authority().await?;
            let notice = act_on(&call, &authority, &act, &id).await?;
            call.stay(&format!("{PERSON}{}", account_id(&id)?.0), notice)
        }
        .await,
    );
    Ok(())
}

async fn act_on(call: &FormCall, authority: &Authority, act: &str, id: &str) -> Result<Notice> {
    let (state, account) = (&call.state, account_id(id)?);
    admin::person(state, account).await?;
    let set_disabled = async |disabled| {
        let changes = Changes { disabled: Some(disabled), ..Changes::default() };
        admin::change(state, authority, account, changes).await
    };
    Ok(match act {
        "disable" => {
            set_disabled(true).await?;
            DISABLED
        }
        "enable" => {
            set_disabled(false).await?;
            ENABLED
        }
        "sign-out" => {
            admin::end_sessions(state, authority, account).await?;
            SIGNED_OUT
        }
        "password-link" => match admin::send_password_link(state, authority, account).await? {
            PasswordLink::Sent => LINK_SENT,
            PasswordLink::Path(path) => {
                let link = format!("{}{path}", state.public_url.origin());
                call.show_once("password-link", &link)?;
                LINK_MADE
            }
        },
        "reset-factors" => match admin::reset_factors(state, authority, account).await? {
            true => FACTORS_RESET,
            false => NO_FACTORS,
        },
        "dismiss" => match admin::dismiss(state, authority, account).await? {
            true => DISMISSED,
            false => UNCHANGED,
        },
        _ => return Err(Refusal::NotFound.into()),
    })
}

static CHANGE: Form = Form {
    policy: Policy::Admin,
    title: "admin-person",
    keeps: &["id", "email", "groups", "groups-shown"],
    show: Some(|state, form, viewer, headers| show_again(state, form, viewer, headers).boxed()),
    ..Form::at("/api/admin_change_account", PERSON)
};

/// Changes the profile, the address and the groups of an account.
#[server(endpoint = "/admin_change_account")]
pub async fn admin_change_account(
    #[server(default)] id: String,
    #[server(default)] email: String,
    #[server(default)] groups: String,
) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let (state, account) = (&call.state, account_id(&id)?);
            let authority = call.authority().await?;
            let person = admin::person(state, account).await?;
            let profile = ProfileChange::parse(state.settings.profile, |known| {
                call.sent(known.field.name()).map(|text| Ok(text.to_owned()))
            });
            let profile = profile.map_err(Refusal::InvalidInput)?;
            let given = email.trim();
            let email = match given {
                "" => None,
                text => {
                    Some(Email::parse(text).map_err(|code| Refusal::of_field(Field::EMAIL, code))?)
                }
            };
            // An address that stays is not vouched for by sending the form.
            let stays = person.email.as_deref().unwrap_or_default() == given;
            // What a colleague has changed since the page was shown stays.
            let (names, shown) = (named(&groups)?, call.sent("groups-shown").map(several));
            let shown = shown.unwrap_or(person.groups);
            let changes = Changes {
                profile: Some(profile),
                email: (!stays).then_some(email),
                groups: Some(GroupChange::between(&shown, &names)),
                disabled: None,
            };
            admin::change(state, &authority, account, changes).await?;
            call.stay(&format!("{PERSON}{}", account.0), CHANGED)
        }
        .await,
    );
    Ok(())
}

async fn person_page(
    State(state): State<AppState>,
    viewer: Viewer,
    id: StdResult<Path<String>, PathRejection>,
) -> Result<Response> {
    let Path(id) = id.map_err(|_| Refusal::NotFound)?;
    show(&state, account_id(&id)?, None, &viewer).await
}

async fn show_again(
    state: &AppState,
    form: FormState,
    viewer: &Viewer,
    _: &HeaderMap,
) -> Result<Response> {
    let account = account_id(form.value("id"))?;
    show(state, account, Some(form), viewer).await
}

/// How many events of a person the page shows.
const EVENTS: i64 = 20;

/// What the page shows.
struct Shown {
    person: Person,
    form: FormState,
    token: String,
    ask: Option<String>,
    has_password: bool,
    has_mail: bool,
    second: factors::Factors,
    linked: Vec<String>,
    sessions: Vec<StoredSession>,
    used: Vec<Used>,
    events: Vec<Entry>,
    once: Option<(String, String)>,
}

async fn show(
    state: &AppState,
    account: AccountId,
    form: Option<FormState>,
    viewer: &Viewer,
) -> Result<Response> {
    let person = admin::person(state, account).await?;
    let profile = &person.record.profile;
    let here = format!("{PERSON}{}", account.0);
    let form = form.unwrap_or_else(|| {
        FormState::new(&CHANGE)
            .of(profile)
            .with("email", person.email.as_deref().unwrap_or_default())
            .with("groups", &person.groups.join(" "))
            .with("groups-shown", &person.groups.join(" "))
            .to(&here)
    });
    let filter = Filter { account: Some(account), ..Filter::default() };
    let holder = passwords::holder(&state.store, account).await?;
    let linked = identities::of(&state.store, account).await?;
    let title = profile.display_name().to_owned();
    let shown = Shown {
        form: form.with("id", &account.0.to_string()),
        token: viewer.form_token(state)?,
        ask: viewer.to_confirm(state),
        has_password: holder.is_some_and(|holder| holder.hash.is_some()),
        has_mail: state.mail.is_some(),
        second: factors::of(state, account).await?,
        linked: linked.into_iter().map(|identity| identity.label).collect(),
        sessions: of_account(&state.store, account).await?,
        used: used::by(state, account).await?,
        events: trail::entries(state, &filter, i64::MAX, EVENTS).await?.0,
        once: viewer.shown_once(state),
        person,
    };
    let around = Around::entitled(title).within_admin(PEOPLE).with_times().with_code();
    render(state, viewer, around, move || person_view(&shown)).await
}

fn person_view(shown: &Shown) -> impl IntoView + use<> {
    let Person { record, email, is_verified, groups } = &shown.person;
    let profile = &record.profile;
    let unverified = (email.is_some() && !is_verified)
        .then(|| view! { " " <span class="badge warn">{t("admin-unverified")}</span> });
    let email =
        email.clone().map(|email| view! { " · " <span dir="auto">{email}</span> {unverified} });
    view! {
        <p class="back"><a href=PEOPLE.page>{t("admin-back-to-people")}</a></p>
        {once(shown.once.as_ref())}
        <div class="me">
            {avatar(profile, true)}
            <div>
                <h1>
                    <span dir="auto">{profile.display_name().to_owned()}</span>
                    {state_badge(record.state())}
                    {group_badges(groups)}
                </h1>
                <p class="hint">
                    <span dir="auto">{profile.username.clone()}</span> {email}
                    " · " {t("member-since")} " " {day(profile.created_at)}
                    " · " {t("admin-id")} " " {profile.id.0.to_string()}
                </p>
            </div>
        </div>
        {profile_panel(shown)}
        {ways_in(shown)}
        {sessions_panel(shown)}
        {apps_panel(shown)}
        {events_panel(shown)}
        {end_panel(shown)}
    }
}

/// A button that does something to this person.
fn act(shown: &Shown, name: &'static str, words: String, class: &'static str) -> AnyView {
    one(shown, name, words, class, None)
}

fn one(
    shown: &Shown,
    name: &'static str,
    words: String,
    class: &'static str,
    question: Option<String>,
) -> AnyView {
    let id = shown.person.record.profile.id.0.to_string();
    let next = format!("{PERSON}{id}");
    let fields = [("act", name), ("id", &*id)];
    let act = Act { form: &ACT, token: &shown.token, next: &next, fields: &fields, words, class };
    match question {
        Some(question) => act.after_question(question),
        None => act.view(),
    }
}

fn profile_panel(shown: &Shown) -> AnyView {
    let form = &shown.form;
    let shown_groups = form.value("groups-shown");
    let mut fields = vec![hidden("id", form.value("id")), hidden("groups-shown", shown_groups)];
    fields.extend(FIELDS.iter().map(|field| parts::profile(form, field)));
    fields.push(parts::email(form, Some(t("admin-email-hint-change"))));
    fields.push(parts::line(form, GROUPS, Some(t("admin-groups-hint"))));
    fields.push(button(t("save")));
    let form = view! { {parts::summary(form)} {parts::plain(form, &shown.token, fields)} };
    let form = after_proof(shown.ask.as_ref(), form.into_any());
    panel(Some("profile"), t("profile"), Some(t("admin-profile-lead")), form)
}

fn fact(name: String, value: String) -> AnyView {
    view! { <div><dt>{name}</dt><dd>{value}</dd></div> }.into_any()
}

fn ways_in(shown: &Shown) -> AnyView {
    let Shown { second, .. } = shown;
    let yes_or_no = |yes: bool| t(if yes { "admin-yes" } else { "admin-no" });
    let facts = vec![
        fact(t("admin-has-password"), yes_or_no(shown.has_password)),
        fact(t("admin-has-totp"), yes_or_no(second.totp)),
        fact(t("admin-passkeys"), second.passkeys.to_string()),
        fact(t("admin-codes-left"), second.codes_left.to_string()),
        fact(
            t("admin-linked"),
            match shown.linked.is_empty() {
                true => t("admin-none"),
                false => shown.linked.join(", "),
            },
        ),
    ];
    let is_sent = shown.has_mail && shown.person.is_verified;
    let words = t(if is_sent { "admin-send-link" } else { "admin-make-link" });
    let link = (shown.person.record.state() == AccountState::Active)
        .then(|| act(shown, "password-link", words, QUIET));
    let reset = second.any().then(|| {
        let (words, question) = (t("admin-reset-factors"), t("admin-reset-factors-lead"));
        one(shown, "reset-factors", words, DANGER, Some(question))
    });
    let content =
        view! { <dl class="facts">{facts}</dl> <div class="actions">{link}</div> {reset} };
    panel(Some("ways-in"), t("admin-ways-in"), Some(t("admin-ways-in-lead")), content.into_any())
}

/// How many sessions and apps the page names.
const NAMED: usize = 10;

fn sessions_panel(shown: &Shown) -> AnyView {
    let row = |session: &StoredSession| {
        let (icon, kind) = match session.carrier {
            Carrier::Browser => (device::icon(&session.device), String::new()),
            Carrier::Program => (TERMINAL, t("session-program")),
        };
        let active = t_with("session-last", &[("ago", ago(session.seen_at).into())]);
        let place = device::with_dots([kind, active, network_in_words(&session.network)]);
        view! {
            <li>
                {icon.view()}
                <div>
                    <p class="what">{device::name(&session.device)}</p>
                    <p class="hint">{place} " · " {t("session-first")} " " {moment(session.created_at)}</p>
                </div>
            </li>
        }
    };
    let rows: Vec<_> = shown.sessions.iter().take(NAMED).map(row).collect();
    let more = shown.sessions.len().saturating_sub(NAMED);
    let more = (more > 0).then(|| {
        view! { <p class="hint">{t_with("admin-more", &[("count", more.into())])}</p> }
    });
    let content = match rows.is_empty() {
        true => view! { <p class="hint">{t("admin-no-sessions")}</p> }.into_any(),
        false => view! {
            <ul class="list">{rows}</ul>
            {more}
            <div class="actions">{act(shown, "sign-out", t("admin-sign-out"), QUIET)}</div>
        }
        .into_any(),
    };
    panel(Some("sessions"), t("admin-devices"), None, content)
}

fn apps_panel(shown: &Shown) -> Option<AnyView> {
    if shown.used.is_empty() {
        return None;
    }
    let row =
        |used: &Used| view! { <li><div><p class="what">{used.app.name.clone()}</p></div></li> };
    let rows: Vec<_> = shown.used.iter().take(NAMED).map(row).collect();
    let list = view! { <ul class="list">{rows}</ul> };
    Some(panel(Some("apps"), t("apps"), None, list.into_any()))
}

fn events_panel(shown: &Shown) -> AnyView {
    let id = shown.person.record.profile.id.0.to_string();
    let all = address(trail::TRAIL.page, &[("account", &id)]);
    let content = view! {
        {trail::list(&shown.events, Some(shown.person.record.profile.id))}
        <p class="actions"><a class=SMALL href=all>{t("admin-all-events")}</a></p>
    };
    panel(Some("events"), t("history"), None, content.into_any())
}

fn end_panel(shown: &Shown) -> AnyView {
    let record = &shown.person.record;
    let username = isolated(&record.profile.username);
    let leaving = record.delete_at.map(|at| {
        let words = t_with("admin-leaving-on", &[("date", language().date(at).into())]);
        view! { <p>{words}</p> }
    });
    let enable = record.disabled_at.map(|_| {
        let words = match record.state() {
            AccountState::Leaving => t("admin-keep"),
            _ => t("admin-enable"),
        };
        act(shown, "enable", words, QUIET)
    });
    let disable = record.disabled_at.is_none().then(|| {
        let question = t_with("admin-disable-lead", &[("username", username.clone().into())]);
        one(shown, "disable", t("admin-disable"), DANGER, Some(question))
    });
    let dismiss = (record.disabled_at.is_none() || record.delete_at.is_none()).then(|| {
        let question = t_with("admin-delete-lead", &[("username", username.into())]);
        one(shown, "dismiss", t("admin-delete"), DANGER, Some(question))
    });
    let content = view! { {leaving} {enable} {disable} {dismiss} };
    panel(Some("end"), t("admin-end"), Some(t("admin-end-lead")), content.into_any())
}
