//! The email address on the profile page, and its forms.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::FutureExt;
use leptos::prelude::*;

use super::{PROFILE, show_profile};
use crate::{
    domain::{Email, Field},
    emails::{self, Emails},
    platform::error::{Refusal, Result},
    texts::t,
    web::{
        form::{Form, FormState, TOKEN_FIELD, field},
        notices::{Notice, notices},
        page::parts::{self, button, hidden, summary},
        pending::PendingAct,
        routes::Map,
        submit::FormCall,
    },
};

notices! {
    EMAIL_GIVEN = "email-given";
    EMAIL_UNCHANGED = "email-unchanged";
    EMAIL_REMOVED = "email-removed";
}

pub(super) fn routes(map: &mut Map) {
    map.form(&CHANGE_EMAIL);
    map.form(&REMOVE_EMAIL);
}

pub(super) static CHANGE_EMAIL: Form = Form {
    title: "profile-title",
    keeps: &["email"],
    show: Some(|state, form, viewer, _| show_profile(state, form, viewer).boxed()),
    pending: Some(&GIVING),
    ..Form::at("/api/change_email", PROFILE.page)
};

/// The address waits for the password in base64, because a pending act is a text with dots.
static GIVING: PendingAct = PendingAct {
    word: "email",
    page: PROFILE.page,
    lead: "confirm-lead-email",
    of_form: |fields| Some(URL_SAFE_NO_PAD.encode(field(fields, "email")?)),
    run: |call, caller, to| {
        async move {
            let address =
                URL_SAFE_NO_PAD.decode(to).ok().and_then(|raw| String::from_utf8(raw).ok());
            let email = parsed(&address.unwrap_or_default())?;
            given(emails::give(&call.state, caller, &email, &call.visit).await?)
        }
        .boxed()
    },
};

fn given(sent: bool) -> Result<Notice> {
    Ok(if sent { EMAIL_GIVEN } else { EMAIL_UNCHANGED })
}

fn parsed(raw: &str) -> Result<Email, Refusal> {
    Email::parse(raw).map_err(|code| Refusal::of_field(Field::EMAIL, code))
}

#[server(endpoint = "/change_email")]
pub async fn change_email(#[server(default)] email: String) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let email = parsed(&email)?;
            let sent = emails::give(&call.state, call.fresh()?, &email, &call.visit).await?;
            call.stay(PROFILE.page, given(sent)?)
        }
        .await,
    );
    Ok(())
}

static REMOVE_EMAIL: Form =
    Form { pending: Some(&REMOVING), ..Form::at("/api/remove_email", PROFILE.page) };

static REMOVING: PendingAct = PendingAct {
    word: "no-email",
    page: PROFILE.page,
    lead: "confirm-lead-email",
    of_form: |_| Some(String::new()),
    run: |call, caller, _| {
        async move {
            emails::remove(&call.state, caller, &call.visit).await?;
            Ok(EMAIL_REMOVED)
        }
        .boxed()
    },
};

#[server(endpoint = "/remove_email")]
pub async fn remove_email() -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            emails::remove(&call.state, call.fresh()?, &call.visit).await?;
            call.stay(PROFILE.page, EMAIL_REMOVED)
        }
        .await,
    );
    Ok(())
}

/// `is_kept`: it can't be removed. `form`: of the page, which is this one's if it was refused.
pub(super) fn panel(emails: &Emails, is_kept: bool, form: &FormState, token: &str) -> AnyView {
    let is_refused = std::ptr::eq(form.form, &CHANGE_EMAIL);
    let own = if is_refused { form.clone() } else { FormState::new(&CHANGE_EMAIL) };
    let row = |address: &Option<String>, name: &str, class| {
        address.clone().map(|address| {
            let badge = t(name);
            view! {
                <p>
                    <span class="what" dir="auto">{address}</span>
                    " " <span class=class>{badge}</span>
                </p>
            }
        })
    };
    let verified = row(&emails.verified, "email-is-verified", "badge right");
    let pending = row(&emails.pending, "email-is-pending", "badge warn");
    let again = emails.pending.as_ref().map(|pending| {
        view! {
            <form method="post" action=CHANGE_EMAIL.action>
                {hidden(TOKEN_FIELD, token)}
                {hidden("email", pending)}
                <button type="submit" class="button quiet small">{t("email-again")}</button>
            </form>
        }
    });
    let is_any = emails.verified.is_some() || emails.pending.is_some();
    let remove = (is_any && !is_kept).then(|| {
        view! {
            <form method="post" action=REMOVE_EMAIL.action>
                {hidden(TOKEN_FIELD, token)}
                <button type="submit" class="button quiet small">{t("email-remove")}</button>
            </form>
        }
    });
    let content = view! {
        {is_refused.then(|| summary(form))}
        {verified}
        {pending}
        {again}
        <form method="post" action=CHANGE_EMAIL.action novalidate>
            {hidden(TOKEN_FIELD, token)}
            {parts::new_email(&own)}
            {button(t("email-send"))}
        </form>
        {remove}
    };
    parts::panel(None, t("field-email"), Some(t("email-lead")), content.into_any()).into_any()
}
