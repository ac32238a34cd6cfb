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
    domain::{Profile, SignInForm, SignUpForm},
    server::{
        accounts,
        error::{Refusal, Result},
        forms::{Done, FormCall, safe_next},
        sessions::Carrier,
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
            let profile = accounts::sign_up(&call.state, &new).await?;
            // The account is there, whatever comes now: the form must not come again.
            Ok(enter(&call, &profile, "/profile").await.unwrap_or_else(|error| {
                tracing::warn!(?error, "signed up, but not in");
                Done { location: "/signin".to_owned(), headers: HeaderMap::new() }
            }))
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
    #[server(default)] next: String,
) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    let form = SignInForm { username: Ok(username), password: Ok(password) };
    call.finish(
        async {
            let credentials = form.parse().map_err(Refusal::InvalidInput)?;
            let profile = accounts::sign_in(&call.state, &credentials).await?;
            enter(&call, &profile, &safe_next(&next)).await
        }
        .await,
    );
    Ok(())
}

/// Signs out. The guard lets nobody come here who is not signed in.
#[server(endpoint = "/sign_out")]
pub async fn sign_out() -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let nobody = Refusal::Unauthorized { token_came: false };
            let caller = call.caller.as_ref().ok_or(nobody)?;
            accounts::sign_out(&call.state, caller).await?;
            Ok(Done { location: "/".to_owned(), headers: call.state.cookies.forget() })
        }
        .await,
    );
    Ok(())
}

async fn enter(call: &FormCall, profile: &Profile, location: &str) -> Result<Done> {
    let before = call.caller.as_ref();
    let token = accounts::begin_session(&call.state, Carrier::Browser, profile, before).await?;
    let cookie = call.state.cookies.set_session(token);
    Ok(Done {
        location: location.to_owned(),
        headers: HeaderMap::from_iter([(header::SET_COOKIE, cookie)]),
    })
}
