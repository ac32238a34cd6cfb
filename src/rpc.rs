//! The form doors: the server functions.
//!
//! Each is a public HTTP endpoint, whatever it is called, so there are these and no helpers. A
//! page's form posts to the function's own URL, with JavaScript and without; no island calls one,
//! because the client for that would double the bundle. The room around them is
//! `server/forms.rs`: it has checked the form's token before, and it makes the answer of what
//! they `finish` with.

use axum::http::{HeaderMap, header};
use leptos::prelude::*;

use crate::{
    domain::{FullNameForm, PasswordChangeForm, SignInForm, SignUpForm, shown_password},
    server::{
        access::SignedIn,
        accounts::{self, Entered},
        error::{Refusal, Result},
        forms::{Done, FormCall, safe_next},
        own_account,
        sessions::SessionKind,
    },
};

/// Makes an account, and signs in.
#[server(endpoint = "/sign_up")]
pub async fn sign_up(
    #[server(default)]
    #[server(rename = "fullName")]
    full_name: String,
    #[server(default)] username: String,
    #[server(default)] password: String,
) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    let form =
        SignUpForm { username: Ok(username), password: Ok(password), full_name: Ok(full_name) };
    call.finish(
        async {
            let new = form.parse(call.state.settings.passwords).map_err(Refusal::InvalidInput)?;
            let account = accounts::sign_up(&call.state, &new, &call.visit).await?;
            let kind = SessionKind::Browser { remembered: false };
            let (visit, before) = (&call.visit, call.caller.as_ref());
            // The account is there, whatever comes now: the form must not come again.
            Ok(match accounts::enter(&call.state, account, kind, visit, before).await {
                Ok(entered) => done(&call, entered, "/profile"),
                Err(error) => {
                    tracing::warn!(?error, "signed up, but not in");
                    go("/signin")
                }
            })
        }
        .await,
    );
    Ok(())
}

/// Signs in, and goes to `next` if that is a path of this site.
#[server(endpoint = "/sign_in")]
pub async fn sign_in(
    #[server(default)] username: String,
    #[server(default)] password: String,
    #[server(default)] remember: String,
    #[server(default)] next: String,
) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    let form = SignInForm { username: Ok(username), password: Ok(password) };
    call.finish(
        async {
            let credentials = form.parse().map_err(Refusal::InvalidInput)?;
            let kind = SessionKind::Browser { remembered: !remember.is_empty() };
            let (visit, before) = (&call.visit, call.caller.as_ref());
            let entered = accounts::sign_in(&call.state, &credentials, kind, visit, before).await?;
            let next = safe_next(&next);
            let location =
                if entered.deletion_undone { "/profile?saved=kept" } else { next.as_str() };
            Ok(done(&call, entered, location))
        }
        .await,
    );
    Ok(())
}

/// Signs out. The guard lets nobody come here, and to those below, who is not signed in.
#[server(endpoint = "/sign_out")]
pub async fn sign_out() -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            accounts::sign_out(&call.state, caller(&call)?, &call.visit).await?;
            Ok(Done { location: "/".to_owned(), headers: call.state.cookies.forget() })
        }
        .await,
    );
    Ok(())
}

/// Proves anew who one is, and goes on from where one was.
#[server(endpoint = "/confirm")]
pub async fn confirm(
    #[server(default)] password: String,
    #[server(default)] next: String,
) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let password = shown_password(&Ok(password)).map_err(Refusal::InvalidInput)?;
            let (caller, visit) = (caller(&call)?, &call.visit);
            let entered = own_account::confirm(&call.state, caller, &password, visit).await?;
            Ok(done(&call, entered, &safe_next(&next)))
        }
        .await,
    );
    Ok(())
}

#[server(endpoint = "/change_full_name")]
pub async fn change_full_name(
    #[server(default)]
    #[server(rename = "fullName")]
    full_name: String,
) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let form = FullNameForm { full_name: Ok(full_name) };
            let full_name = form.parse().map_err(Refusal::InvalidInput)?;
            let (caller, visit) = (caller(&call)?, &call.visit);
            own_account::change_full_name(&call.state, caller, &full_name, visit).await?;
            Ok(go("/profile?saved=name"))
        }
        .await,
    );
    Ok(())
}

#[server(endpoint = "/change_password")]
pub async fn change_password(
    #[server(default)]
    #[server(rename = "currentPassword")]
    current: String,
    #[server(default)]
    #[server(rename = "newPassword")]
    new: String,
) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let form = PasswordChangeForm { current: Ok(current), new: Ok(new) };
            let (caller, visit) = (caller(&call)?, &call.visit);
            let change = form.parse(call.state.settings.passwords, caller.profile());
            let change = change.map_err(Refusal::InvalidInput)?;
            let entered = own_account::change_password(&call.state, caller, &change, visit).await?;
            Ok(done(&call, entered, "/account/security?saved=password"))
        }
        .await,
    );
    Ok(())
}

#[server(endpoint = "/end_session")]
pub async fn end_session(#[server(default)] id: String) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let fresh = caller(&call)?.fresh(call.state.settings.proof_ttl)?;
            own_account::end_session(&call.state, fresh, &id, &call.visit).await?;
            Ok(go("/account/sessions?saved=session"))
        }
        .await,
    );
    Ok(())
}

#[server(endpoint = "/end_other_sessions")]
pub async fn end_other_sessions() -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let fresh = caller(&call)?.fresh(call.state.settings.proof_ttl)?;
            own_account::end_other_sessions(&call.state, fresh, &call.visit).await?;
            Ok(go("/account/sessions?saved=sessions"))
        }
        .await,
    );
    Ok(())
}

#[server(endpoint = "/delete_account")]
pub async fn delete_account(#[server(default)] confirmed: String) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let fresh = caller(&call)?.fresh(call.state.settings.proof_ttl)?;
            if confirmed.is_empty() {
                return Err(Refusal::NotConfirmed.into());
            }
            own_account::delete(&call.state, fresh, &call.visit).await?;
            let headers = call.state.cookies.forget();
            Ok(Done { location: "/signin?saved=deleted".to_owned(), headers })
        }
        .await,
    );
    Ok(())
}

/// Sets a password by a link of the operator's.
#[server(endpoint = "/set_password")]
pub async fn set_password(
    #[server(default)] link: String,
    #[server(default)]
    #[server(rename = "newPassword")]
    new: String,
) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            own_account::set_password(&call.state, &link, &Ok(new), &call.visit).await?;
            Ok(go("/signin?saved=set-password"))
        }
        .await,
    );
    Ok(())
}

fn caller(call: &FormCall) -> Result<&SignedIn, Refusal> {
    call.caller.as_ref().ok_or(Refusal::Unauthorized { token_came: false })
}

fn go(location: &str) -> Done {
    Done { location: location.to_owned(), headers: HeaderMap::new() }
}

/// Goes on, with the session in the cookie.
fn done(call: &FormCall, entered: Entered, location: &str) -> Done {
    let Entered { session, token, device, .. } = entered;
    let cookies = &call.state.cookies;
    let mut headers = HeaderMap::new();
    let cookie = cookies.set_session(token, session.remembered, session.ends_at);
    headers.append(header::SET_COOKIE, cookie);
    if let Some(device) = device {
        headers.append(header::SET_COOKIE, cookies.set_device(device));
    }
    Done { location: location.to_owned(), headers }
}
