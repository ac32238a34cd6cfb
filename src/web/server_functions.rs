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
    accounts::{self, Entered, Newcomer, own},
    domain::{FullNameForm, PasswordChangeForm, SignInForm, SignUpForm, shown_password},
    platform::error::{Error, Refusal, Result},
    sessions::tokens::SessionKind,
    web::{
        accepted::Done,
        access::{self, Fresh, Renewer, SignedIn},
        form_pages::safe_next,
        forms::FormCall,
        notices::Notice,
        pending::Pending,
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
            let visitor = call.visitor.as_deref().unwrap_or_default();
            let newcomer = Newcomer { visitor, before: call.caller.as_ref() };
            let (state, visit) = (&call.state, &call.visit);
            let entered = accounts::sign_up_and_enter(state, &new, visit, newcomer).await?;
            Ok(done(&call, entered, "/profile", None))
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
            let kept = entered.deletion_undone;
            let next = if kept { "/profile".to_owned() } else { safe_next(&next) };
            Ok(done(&call, entered, &next, kept.then_some(Notice::Kept)))
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
            Ok(signed_out(&call, "/", None))
        }
        .await,
    );
    Ok(())
}

/// Checks the password again, does what was asked for before that, and goes on.
#[server(endpoint = "/confirm")]
pub async fn confirm(
    #[server(default)] password: String,
    #[server(default)] next: String,
    #[server(default)] pending: String,
) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(
        async {
            let password = shown_password(&Ok(password)).map_err(Refusal::InvalidInput)?;
            let (renewer, visit) = (renewer(&call)?, &call.visit);
            let (state, family) = (&call.state, renewer.family().to_owned());
            let account = renewer.profile().id;
            let entered = match own::confirm(state, renewer, &password, visit).await {
                Err(error @ Error::Refusal(Refusal::Unauthorized { .. })) => {
                    // The same confirmation has just let the account be deleted.
                    let at = own::delete_at(state, account).await?.ok_or(error)?;
                    return Ok(signed_out(&call, "/signin", Some(Notice::DeletionAsked(at))));
                }
                entered => entered?,
            };
            let next = safe_next(&next);
            if let Some(pending) = Pending::open(state, &pending, &family) {
                let page = pending.page();
                return match do_pending(&call, &entered, pending).await {
                    Ok(notice @ Notice::DeletionAsked(_)) => {
                        Ok(signed_out(&call, "/signin", Some(notice)))
                    }
                    Ok(notice) => Ok(done(&call, entered, page, Some(notice))),
                    // The session is a new one, and must not be lost with the act.
                    Err(error) => {
                        tracing::warn!(?error, "confirmed, but not done");
                        Ok(done(&call, entered, page, Some(Notice::NotDone)))
                    }
                };
            }
            // Something was asked for, and this form does not say what, or said it too long ago: it may
            // be of another tab.
            let not_done =
                (call.pending.is_some() || !pending.is_empty()).then_some(Notice::NotDone);
            Ok(done(&call, entered, &next, not_done))
        }
        .await,
    );
    Ok(())
}

/// Does what had to wait for the password. It is shown: the session is a fresh one.
async fn do_pending(call: &FormCall, entered: &Entered, pending: Pending) -> Result<Notice> {
    let (state, visit) = (&call.state, &call.visit);
    let (carrier, token) = (entered.session.carrier, entered.token.clone());
    let caller = access::go_on(state, carrier, &token).await?;
    let Some(caller) = caller else {
        let at = own::delete_at(state, entered.profile.id).await?;
        return Ok(Notice::DeletionAsked(at.ok_or(Refusal::Unauthorized { token_came: true })?));
    };
    let fresh = caller.fresh(state.settings.proof_ttl)?;
    Ok(match pending {
        Pending::EndSession(id) => end_one(call, fresh, &id).await?,
        Pending::EndOtherSessions => {
            own::end_other_sessions(state, fresh, visit).await?;
            Notice::OtherSessionsEnded
        }
        Pending::DeleteAccount => Notice::DeletionAsked(own::delete(state, fresh, visit).await?),
        Pending::Download => Notice::DownloadReady,
    })
}

/// Ends a session, unless it is over already: by the same form sent twice, or in another tab.
async fn end_one(call: &FormCall, fresh: Fresh<'_>, id: &str) -> Result<Notice> {
    match own::end_session(&call.state, fresh, id, &call.visit).await {
        Ok(()) => Ok(Notice::SessionEnded),
        Err(Error::Refusal(Refusal::NotFound)) => Ok(Notice::SessionGone),
        Err(error) => Err(error),
    }
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
            let (_, changed) =
                own::change_full_name(&call.state, caller, &full_name, visit).await?;
            let notice = if changed { Notice::NameChanged } else { Notice::NameUnchanged };
            Ok(stay(caller, "/profile", notice))
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
            let (renewer, visit, state) = (renewer(&call)?, &call.visit, &call.state);
            let confirmed = match renewer {
                Renewer::Now(caller) => {
                    caller.has_confirmed() && caller.fresh(state.settings.proof_ttl).is_ok()
                }
                Renewer::Again(_) => true,
            };
            let change = form.parse(state.settings.passwords, renewer.profile(), confirmed);
            let change = change.map_err(Refusal::InvalidInput)?;
            let entered = own::change_password(state, renewer, &change, visit).await?;
            Ok(done(&call, entered, "/account/security", Some(Notice::PasswordChanged)))
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
            let notice = end_one(&call, fresh, &id).await?;
            Ok(stay(caller(&call)?, "/account/sessions", notice))
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
            own::end_other_sessions(&call.state, fresh, &call.visit).await?;
            Ok(stay(caller(&call)?, "/account/sessions", Notice::OtherSessionsEnded))
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
            if confirmed.is_empty() {
                return Err(Refusal::NotConfirmed.into());
            }
            let fresh = caller(&call)?.fresh(call.state.settings.proof_ttl)?;
            let at = own::delete(&call.state, fresh, &call.visit).await?;
            Ok(signed_out(&call, "/signin", Some(Notice::DeletionAsked(at))))
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
            let (state, visit) = (&call.state, &call.visit);
            let account = own::set_password(state, &link, &Ok(new), visit).await?;
            // One's own sessions have just ended; somebody else's in this browser goes on.
            let goes_on = call.caller.as_ref().filter(|caller| caller.account() != account);
            Ok(Done {
                location: "/signin".to_owned(),
                headers: HeaderMap::new(),
                notice: Some(Notice::PasswordSet),
                session: goes_on.map(|caller| caller.session().to_owned()),
            })
        }
        .await,
    );
    Ok(())
}

fn caller(call: &FormCall) -> Result<&SignedIn, Refusal> {
    call.caller.as_ref().ok_or(Refusal::Unauthorized { token_came: false })
}

fn renewer(call: &FormCall) -> Result<&Renewer, Refusal> {
    call.renewer.as_deref().ok_or(Refusal::Unauthorized { token_came: false })
}

/// Goes on in the same session.
fn stay(caller: &SignedIn, location: &str, notice: Notice) -> Done {
    Done {
        location: location.to_owned(),
        headers: HeaderMap::new(),
        notice: Some(notice),
        session: Some(caller.session().to_owned()),
    }
}

/// Goes on without a session.
fn signed_out(call: &FormCall, location: &str, notice: Option<Notice>) -> Done {
    let headers = call.state.cookies.forget();
    Done { location: location.to_owned(), headers, notice, session: None }
}

/// Goes on, with the session in the cookie.
fn done(call: &FormCall, entered: Entered, location: &str, notice: Option<Notice>) -> Done {
    let Entered { session, token, device, .. } = entered;
    let cookies = &call.state.cookies;
    let mut headers = HeaderMap::new();
    let cookie = cookies.set_session(token, session.remembered, session.ends_at);
    headers.append(header::SET_COOKIE, cookie);
    if let Some(device) = device {
        headers.append(header::SET_COOKIE, cookies.set_device(device));
    }
    Done { location: location.to_owned(), headers, notice, session: Some(session.id) }
}
