//! The account pages and their forms.

pub mod email;

use axum::{extract::State, response::Response};
use futures_util::{FutureExt, future::BoxFuture};
use leptos::prelude::*;

use super::{deletion, json, profile};
use crate::{
    domain::{AccountId, Code, Field, Profile, ProfileChange, ProfilePolicy},
    emails::{self, Emails},
    passwords,
    platform::{
        error::{Refusal, Result},
        visit::Visit,
    },
    texts::{number, t, t_with},
    web::{
        form::{Form, FormState, Over, field},
        notices::{Notice, notices},
        page::{
            Around, Section,
            icons::{DATABASE, DOWNLOAD as DOWNLOAD_ICON, USER},
            parts::{self, button, checkbox, danger_button, page_head, panel, summary},
            times::day,
        },
        pending::{Pending, PendingAct},
        routes::{Map, Policy},
        state::AppState,
        submit::FormCall,
        viewer::{Viewer, render},
    },
};

notices! {
    NAME_CHANGED = "name";
    NAME_UNCHANGED = "same-name";
    DOWNLOAD_READY = "download";
    /// With the time of the deletion.
    DELETION_ASKED = "deleted";
}

pub(crate) const PROFILE: Section = Section { page: "/profile", name: "profile", icon: USER };
const DATA: Section = Section { page: "/account/data", name: "data", icon: DATABASE };

pub(crate) fn profile_routes(map: &mut Map) {
    map.section(PROFILE, profile_page);
    map.form(&CHANGE_PROFILE);
}

/// Without mail there is no address to give.
pub(crate) fn routes_of_email(map: &mut Map, has_mail: bool) {
    if has_mail {
        email::routes(map);
    }
}

pub(crate) use email::NOTICES as EMAIL_NOTICES;

pub(crate) fn data_routes(map: &mut Map) {
    map.section(DATA, data_page);
    map.page(Policy::SignedIn, "/account/data/download", download);
    map.pending(&DOWNLOAD);
    map.form(&DELETE);
}

static CHANGE_PROFILE: Form = Form {
    title: "profile-title",
    has_island: true,
    show: Some(|state, form, viewer, _| show_profile(state, form, viewer).boxed()),
    ..Form::at("/api/change_full_name", PROFILE.page)
};

/// Takes every submitted field of the profile.
#[server(endpoint = "/change_full_name")]
pub async fn change_profile() -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let change = ProfileChange::parse(call.state.settings.profile, |field| {
                Some(Ok(call.sent(field.field.name())?.to_owned()))
            });
            let change = change.map_err(Refusal::InvalidInput)?;
            let (_, changed) =
                profile::change(&call.state, call.caller()?, change, &call.visit).await?;
            call.stay(PROFILE.page, if changed { NAME_CHANGED } else { NAME_UNCHANGED })
        }
        .await,
    );
    Ok(())
}

async fn profile_page(State(state): State<AppState>, viewer: Viewer) -> Result<Response> {
    let form = FormState::new(&CHANGE_PROFILE).of(viewer.caller()?.profile());
    show_profile(&state, form, &viewer).await
}

async fn show_profile(state: &AppState, form: FormState, viewer: &Viewer) -> Result<Response> {
    let profile = viewer.caller()?.profile().clone();
    let around = Around::of_form(&form).within(PROFILE);
    let (token, policy) = (viewer.form_token(state)?, state.settings.profile);
    let emails = match state.mail {
        Some(_) => Some(emails::of(&state.store, profile.id).await?),
        None => None,
    };
    let has_password = match state.mail {
        Some(_) => {
            passwords::holder(&state.store, profile.id).await?.is_some_and(|h| h.hash.is_some())
        }
        None => true,
    };
    let is_kept = state.settings.mail.required || !has_password;
    let view = move || profile_view(&profile, emails.as_ref(), is_kept, &form, &token, policy);
    render(state, viewer, around, view).await
}

fn profile_view(
    profile: &Profile,
    emails: Option<&Emails>,
    is_kept: bool,
    form: &FormState,
    token: &str,
    policy: ProfilePolicy,
) -> impl IntoView + use<> {
    let email = emails.map(|emails| email::panel(emails, is_kept, form, token));
    // If the form is that of the address, this one is as it was.
    let own = match std::ptr::eq(form.form, &CHANGE_PROFILE) {
        true => form.clone(),
        false => FormState::new(&CHANGE_PROFILE).of(profile),
    };
    let form = &own;
    let mut fields: Vec<_> = policy.fields().map(|field| parts::profile(form, field)).collect();
    fields.push(button(t("save")));
    let names = view! {
        {summary(form)}
        {parts::live(form, token, fields)}
    };
    let account = view! {
        <dl class="facts">
            <div><dt>{t("username")}</dt><dd><span dir="auto">{profile.username.clone()}</span></dd></div>
            <div><dt>{t("member-since")}</dt><dd>{day(profile.created_at)}</dd></div>
        </dl>
    };
    view! {
        {page_head(t("profile-title"), None)}
        {panel(None, t("profile-change"), Some(t("profile-change-lead")), names.into_any())}
        {email}
        {panel(None, t("profile-account"), Some(t("profile-account-lead")), account.into_any())}
    }
}

/// The data download, which may have to wait for the password.
static DOWNLOAD: PendingAct = PendingAct {
    word: "download",
    page: DATA.page,
    lead: "confirm-lead-download",
    of_form: |_| None,
    run: |_, _, _| async { Ok(DOWNLOAD_READY) }.boxed(),
};

/// The data as a file, or a redirect to enter the password first.
async fn download(State(state): State<AppState>, viewer: Viewer, visit: Visit) -> Result<Response> {
    let pending = Pending { act: &DOWNLOAD, to: String::new() };
    match viewer.fresh(&state, Some(pending)) {
        Ok(fresh) => json::download(&state, fresh, &visit).await,
        Err(ask) => Ok(ask),
    }
}

static DELETE: Form = Form {
    title: "data-title",
    keeps: &["confirmed"],
    show: Some(|state, form, viewer, _| show_data(state, form, viewer).boxed()),
    pending: Some(&DELETION),
    over: Over::Perhaps(deletion_asked),
    ..Form::at("/api/delete_account", DATA.page)
};

/// The notice about a requested deletion, if there is one.
pub(crate) fn deletion_asked(
    state: &AppState,
    account: AccountId,
) -> BoxFuture<'_, Result<Option<Notice>>> {
    async move {
        let at = deletion::delete_at(&state.store, account).await?;
        Ok(at.map(|at| DELETION_ASKED.at(at)))
    }
    .boxed()
}

/// The confirmation checkbox.
const CONFIRMED: Field = Field::named("confirmed");

static DELETION: PendingAct = PendingAct {
    word: "delete",
    page: DATA.page,
    lead: "confirm-lead-delete",
    of_form: |fields| field(fields, CONFIRMED.name()).map(|_| String::new()),
    run: |call, caller, _| {
        async move {
            let at = deletion::delete(&call.state, caller, &call.visit).await?;
            Ok(DELETION_ASKED.at(at))
        }
        .boxed()
    },
};

#[server(endpoint = "/delete_account")]
pub async fn delete_account(#[server(default)] confirmed: String) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            if confirmed.is_empty() {
                return Err(Refusal::of_field(CONFIRMED, Code::Missing).into());
            }
            let at = deletion::delete(&call.state, call.fresh()?, &call.visit).await?;
            Ok(call.signed_out("/signin", Some(DELETION_ASKED.at(at))))
        }
        .await,
    );
    Ok(())
}

async fn data_page(State(state): State<AppState>, viewer: Viewer) -> Result<Response> {
    if let Err(ask) = viewer.fresh(&state, None) {
        return Ok(ask);
    }
    show_data(&state, FormState::new(&DELETE), &viewer).await
}

async fn show_data(state: &AppState, form: FormState, viewer: &Viewer) -> Result<Response> {
    let token = viewer.form_token(state)?;
    let days = state.settings.accounts.deletion_grace.as_secs() / (24 * 3600);
    let around = Around::of_form(&form).within(DATA);
    render(state, viewer, around, move || data_view(&form, &token, days)).await
}

/// `days`: how long until an account is permanently deleted.
fn data_view(form: &FormState, token: &str, days: u64) -> impl IntoView + use<> {
    let days = number(usize::try_from(days).unwrap_or(usize::MAX));
    let fields = vec![
        checkbox(form, CONFIRMED.name(), t("delete-confirm"), None),
        danger_button(t("delete-button")),
    ];
    let download = view! {
        <p>{t("download-what")}</p>
        <p>
            <a class="button quiet" href="/account/data/download">
                {DOWNLOAD_ICON.view()} {t("download-button")}
            </a>
        </p>
    };
    let delete = view! {
        <p>{t_with("delete-lead", &[("days", days)])}</p>
        {summary(form)}
        {parts::plain(form, token, fields)}
    };
    view! {
        {page_head(t("data-title"), None)}
        {panel(None, t("download"), Some(t("download-lead")), download.into_any())}
        {panel(None, t("delete"), Some(t("delete-short")), delete.into_any())}
    }
}
