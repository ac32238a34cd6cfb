//! The pages of the links that verify an address, and that bring a former one back.

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::Response,
};
use futures_util::FutureExt;
use leptos::prelude::*;

use super::{former, verification};
use crate::{
    links::Repeat,
    platform::{error::Result, visit::Visit},
    texts::{t, t_with},
    web::{
        form::{Form, FormState},
        mail_link,
        notices::notices,
        page::parts::{alone, button, danger_button, hidden, isolated},
        routes::{Map, Policy},
        state::AppState,
        submit::FormCall,
        viewer::{AnyQuery, Viewer, render_form},
    },
};

notices! {
    EMAIL_VERIFIED = "email-verified";
    EMAIL_DISOWNED = "email-disowned";
    EMAIL_RESTORED = "email-restored";
}

pub(crate) fn routes(map: &mut Map) {
    map.page(Policy::Noticed, VERIFY.page, verify_page);
    map.form(&VERIFY);
    map.form(&DISOWN);
    map.page(Policy::Noticed, RESTORE.page, restore_page);
    map.form(&RESTORE);
}

static VERIFY: Form = Form {
    policy: Policy::Noticed,
    title: "verify-email",
    keeps: &["address", "owner"],
    show: Some(|state, form, viewer, headers| show_verify(state, form, viewer, headers).boxed()),
    ..Form::at("/api/verify_email", "/verify-email")
};

#[server(endpoint = "/verify_email")]
pub async fn verify_email() -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let link = call.link.as_deref().unwrap_or_default();
            let (caller, repeat) = (call.caller.as_ref(), Repeat::Allowed);
            let is_owner =
                verification::verify(&call.state, link, caller, repeat, &call.visit).await?;
            let location = if is_owner { "/profile" } else { "/signin" };
            let location = if caller.is_some() && !is_owner { "/" } else { location };
            let mut done = call.go_on(location, EMAIL_VERIFIED);
            done.headers.append(header::SET_COOKIE, call.state.cookies.forget_link(VERIFY.page));
            Ok(done)
        }
        .await,
    );
    Ok(())
}

static DISOWN: Form =
    Form { policy: Policy::Noticed, ..Form::at("/api/disown_email", VERIFY.page) };

/// The owner of the address says that the account is somebody else's.
#[server(endpoint = "/disown_email")]
pub async fn disown_email() -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let link = call.link.as_deref().unwrap_or_default();
            verification::disown(&call.state, link, Repeat::Allowed, &call.visit).await?;
            let mut done = call.go_on("/", EMAIL_DISOWNED);
            done.headers.append(header::SET_COOKIE, call.state.cookies.forget_link(VERIFY.page));
            Ok(done)
        }
        .await,
    );
    Ok(())
}

async fn verify_page(
    State(state): State<AppState>,
    viewer: Viewer,
    visit: Visit,
    query: AnyQuery,
    headers: HeaderMap,
) -> Result<Response> {
    if let Some(arrival) = mail_link::arrival(&state, VERIFY.page, query)? {
        return Ok(arrival);
    }
    let link = mail_link::link(&state, VERIFY.page, &headers);
    let claim = verification::claim_of(&state, &link, Repeat::Refused, &visit).await?;
    let is_owner = viewer.caller.as_ref().is_some_and(|caller| caller.account() == claim.account);
    let owner = if is_owner { "" } else { &*claim.username };
    let form = FormState::new(&VERIFY).with("address", &claim.address).with("owner", owner);
    show_verify(&state, form, &viewer, &headers).await
}

/// Anybody but the owner is asked whether the account is theirs: somebody else may have made it with
/// this address (RE-04).
async fn show_verify(
    state: &AppState,
    form: FormState,
    viewer: &Viewer,
    headers: &HeaderMap,
) -> Result<Response> {
    let link = mail_link::link(state, VERIFY.page, headers);
    render_form(state, form, viewer, headers, move |form, token| {
        let (address, owner) = (form.value("address"), form.value("owner"));
        let values = [("address", isolated(address).into()), ("username", isolated(owner).into())];
        let (lead, yes) = match owner {
            "" => (t_with("verify-email-lead", &values[..1]), t("verify-email-button")),
            _ => (t_with("verify-email-whose", &values), t("verify-email-mine")),
        };
        let disown = (!owner.is_empty()).then(|| {
            view! {
                <button type="submit" class="button quiet" formaction=DISOWN.action>
                    {t("verify-email-not-mine")}
                </button>
            }
        });
        let fields = vec![
            hidden("address", address),
            hidden("owner", owner),
            mail_link::link_field(&link),
            button(yes),
            disown.into_any(),
        ];
        alone(form, token, Some(lead), fields, None)
    })
    .await
}

static RESTORE: Form = Form {
    policy: Policy::Noticed,
    title: "restore-email",
    keeps: &["address"],
    show: Some(|state, form, viewer, headers| show_restore(state, form, viewer, headers).boxed()),
    ..Form::at("/api/restore_email", "/restore-email")
};

/// Brings a former address back, and goes on to set a new password.
#[server(endpoint = "/restore_email")]
pub async fn restore_email() -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let (link, cookies) = (call.link.as_deref().unwrap_or_default(), &call.state.cookies);
            let repeat = Repeat::Allowed;
            let (account, link) = former::restore(&call.state, link, repeat, &call.visit).await?;
            let mut done = call.ended(account, "/set-password", EMAIL_RESTORED);
            done.headers.append(header::SET_COOKIE, cookies.forget_link(RESTORE.page));
            if let Some(cookie) = cookies.set_link("/set-password", &link) {
                done.headers.append(header::SET_COOKIE, cookie);
            }
            Ok(done)
        }
        .await,
    );
    Ok(())
}

async fn restore_page(
    State(state): State<AppState>,
    viewer: Viewer,
    visit: Visit,
    query: AnyQuery,
    headers: HeaderMap,
) -> Result<Response> {
    if let Some(arrival) = mail_link::arrival(&state, RESTORE.page, query)? {
        return Ok(arrival);
    }
    let link = mail_link::link(&state, RESTORE.page, &headers);
    let former = former::find(&state, &link, Repeat::Refused, &visit).await?;
    let form = FormState::new(&RESTORE).with("address", &former.address);
    show_restore(&state, form, &viewer, &headers).await
}

async fn show_restore(
    state: &AppState,
    form: FormState,
    viewer: &Viewer,
    headers: &HeaderMap,
) -> Result<Response> {
    let link = mail_link::link(state, RESTORE.page, headers);
    render_form(state, form, viewer, headers, move |form, token| {
        let address = form.value("address");
        let lead = t_with("restore-email-lead", &[("address", isolated(address).into())]);
        let fields = vec![
            hidden("address", address),
            mail_link::link_field(&link),
            danger_button(t("restore-email-button")),
        ];
        alone(form, token, Some(lead), fields, None)
    })
    .await
}
