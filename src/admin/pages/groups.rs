//! The page of groups.

use axum::{extract::State, http::HeaderMap, response::Response};
use futures_util::FutureExt;
use leptos::prelude::*;

use super::{Act, DANGER, address, after_proof, people::PEOPLE};
use crate::{
    domain::Field,
    groups::{self, ADMIN, COUNTED, DESCRIPTION, Group},
    platform::error::{Refusal, Result},
    texts::{number, t, t_with},
    web::{
        form::{Form, FormState, field},
        notices::{Notice, notices},
        page::{
            Around, Section,
            icons::GROUP,
            parts::{self, button, empty, isolated, page_head, panel},
        },
        pending::PendingAct,
        routes::{Map, Policy},
        state::AppState,
        submit::FormCall,
        viewer::{Viewer, render},
    },
};

notices! {
    GROUP_SAVED = "admin-group-saved";
    GROUP_REMOVED = "admin-group-removed";
    GROUP_GONE = "admin-gone";
}

const GROUPS: Section = Section { page: "/admin/groups", name: "admin-groups", icon: GROUP };

pub(super) fn routes(map: &mut Map) {
    map.admin_section(GROUPS, groups_page);
    map.form(&SAVE);
    map.form(&REMOVE);
}

static SAVE: Form = Form {
    policy: Policy::Admin,
    title: "admin-groups",
    keeps: &["name", "description"],
    show: Some(|state, form, viewer, headers| show(state, form, viewer, headers).boxed()),
    ..Form::at("/api/admin_save_group", GROUPS.page)
};

/// Makes a group, or says what one is for.
#[server(endpoint = "/admin_save_group")]
pub async fn admin_save_group(
    #[server(default)] name: String,
    #[server(default)] description: String,
) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let authority = call.authority().await?;
            let (store, described) = (&call.state.store, Some(&*description));
            groups::save(store, &authority, name.trim(), described).await?;
            call.stay(GROUPS.page, GROUP_SAVED)
        }
        .await,
    );
    Ok(())
}

static REMOVE: Form = Form {
    policy: Policy::Admin,
    pending: Some(&REMOVING),
    ..Form::at("/api/admin_remove_group", GROUPS.page)
};

static REMOVING: PendingAct = PendingAct {
    word: "admin-group",
    page: GROUPS.page,
    lead: "confirm-lead-admin",
    // A dot separates the parts of what is pending.
    of_form: |fields| field(fields, "name").filter(|name| groups::is_name(name)).map(str::to_owned),
    run: |call, caller, name| {
        async move {
            let authority = call.authority_of(caller).await?;
            remove(call, &authority, name).await
        }
        .boxed()
    },
};

/// Removes a group.
#[server(endpoint = "/admin_remove_group")]
pub async fn admin_remove_group(#[server(default)] name: String) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let authority = call.authority().await?;
            let notice = remove(&call, &authority, &name).await?;
            call.stay(GROUPS.page, notice)
        }
        .await,
    );
    Ok(())
}

async fn remove(
    call: &FormCall,
    authority: &crate::audit::Authority,
    name: &str,
) -> Result<Notice> {
    if !groups::is_name(name) {
        return Err(Refusal::NotFound.into());
    }
    Ok(match groups::remove(&call.state.store, authority, name).await? {
        true => GROUP_REMOVED,
        false => GROUP_GONE,
    })
}

async fn groups_page(
    State(state): State<AppState>,
    viewer: Viewer,
    headers: HeaderMap,
) -> Result<Response> {
    show(&state, FormState::new(&SAVE), &viewer, &headers).await
}

async fn show(
    state: &AppState,
    form: FormState,
    viewer: &Viewer,
    _: &HeaderMap,
) -> Result<Response> {
    let all = groups::all(&state.store).await?;
    let ask = viewer.to_confirm(state);
    let token = viewer.form_token(state)?;
    let around = Around::of("admin-groups").within_admin(GROUPS);
    render(state, viewer, around, move || {
        let rows: Vec<_> = all.iter().map(|group| row(group, &token)).collect();
        let list = match rows.is_empty() {
            true => empty(t("admin-no-groups")),
            false => view! { <ul class="list">{rows}</ul> }.into_any(),
        };
        let fields = vec![
            parts::line(&form, Field::NAME, Some(t("admin-group-name-hint"))),
            parts::line(&form, DESCRIPTION, None),
            button(t("admin-save-group")),
        ];
        let new = view! { {parts::summary(&form)} {parts::plain(&form, &token, fields)} };
        let new = after_proof(ask.as_ref(), new.into_any());
        view! {
            {page_head(t("admin-groups"), Some(t("admin-groups-lead")))}
            <section class="card">{list}</section>
            {panel(Some("new"), t("admin-new-group"), Some(t("admin-new-group-lead")), new)}
        }
    })
    .await
}

fn row(group: &Group, token: &str) -> AnyView {
    let Group { name, description, members, .. } = group;
    let href = address(PEOPLE.page, &[("group", name)]);
    let count = usize::try_from(*members.min(&COUNTED)).unwrap_or_default();
    let members = match *members > COUNTED {
        true => t_with("admin-members-more", &[("count", number(count))]),
        false => t_with("admin-members", &[("count", number(count))]),
    };
    let description = (!description.is_empty())
        .then(|| view! { " · " <span dir="auto">{description.clone()}</span> });
    let remove = (name != ADMIN).then(|| {
        let question = t_with("admin-remove-group-lead", &[("group", isolated(name).into())]);
        let (words, fields) = (t("admin-remove"), [("name", &**name)]);
        let act = Act { form: &REMOVE, token, next: "", fields: &fields, words, class: DANGER };
        act.after_question(question)
    });
    let purpose = (name == ADMIN).then(|| view! { " · " {t("admin-group-admin")} });
    view! {
        <li>
            {GROUP.view()}
            <div>
                <p class="what"><a href=href>{name.clone()}</a></p>
                <p class="hint">{members} {purpose} {description}</p>
            </div>
            {remove}
        </li>
    }
    .into_any()
}
