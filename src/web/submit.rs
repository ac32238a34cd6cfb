//! Submitting a page's form: to its server function, and back to the page if it is refused.
//!
//! leptos answers a plain form with a redirect to the `Referer`, with any error in the URL (and
//! with 500 to everybody else). That would lose what was typed, and put somebody else's text on our
//! page (CS-09). So a server function leaves its outcome in a [`FormCall`], and this room turns it
//! into the answer: a redirect, or the form again with its errors and what was typed.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{Extensions, HeaderMap, Request, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use percent_encoding::percent_decode;

use super::{
    CROSS_ORIGIN,
    accepted::{self, Done},
    form::{self, Form, FormState, Show, TOKEN_FIELD},
    go_on, guard, mail_link,
    media_type::media_type,
    notices::Notice,
    page::shell::LANGUAGE_FIELD,
    pending::Pending,
    reply::{Explained, is_for_a_person},
    routes::{Door, Policy},
    state::AppState,
    viewer::{Viewer, ask_for_proof},
};
use crate::{
    audit::Authority,
    domain::AccountId,
    invitations::{self, Invitation},
    keys::{Sealed, Statement},
    platform::{
        clock::now,
        error::{Error, Fault, Refusal, Result},
        visit::Visit,
    },
    sessions::caller::{Fresh, Renewer, SignedIn},
    sign_in::Entered,
    texts::Language,
};

/// The request of a server function, and the place for its outcome.
#[derive(Clone)]
pub struct FormCall {
    pub state: AppState,
    pub caller: Option<SignedIn>,
    /// The caller who renews a session, perhaps by a repeated request.
    pub renewer: Option<Arc<Renewer>>,
    /// The id in the cookie of a visitor who is not signed in.
    pub visitor: Option<String>,
    pub visit: Visit,
    /// The link of a mail that the form was made for.
    pub link: Option<String>,
    /// The token of the invitation that was opened in this browser.
    pub invited: Option<String>,
    /// The token of the sign-in that waits for its second step.
    pub challenge: Option<String>,
    /// The token of the sign-in that waits for its second factor.
    pub second_factor: Option<String>,
    /// The act for which the browser had to ask for the password.
    pub pending: Option<String>,
    /// What else is known of the request.
    extensions: Extensions,
    /// The submitted fields.
    fields: Arc<[(String, String)]>,
    outcome: Arc<Mutex<Option<Result<Done>>>>,
    /// What the next page shows once, sealed.
    once: Arc<Mutex<Option<String>>>,
}

impl FormCall {
    /// The call that the running server function belongs to.
    #[must_use]
    pub fn current() -> Self {
        leptos::prelude::expect_context()
    }

    /// The value of a field, if the form has it.
    #[must_use]
    pub fn sent(&self, name: &str) -> Option<&str> {
        form::sent(&self.fields, name)
    }

    /// The submitted value of a field, if it is not empty.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        form::field(&self.fields, name)
    }

    pub fn finish(&self, outcome: Result<Done>) {
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
    }

    /// The signed-in user. The guard admits nobody else to the forms for signed-in users.
    pub fn caller(&self) -> Result<&SignedIn, Refusal> {
        self.caller.as_ref().ok_or(Refusal::Unauthorized { token_came: false })
    }

    pub fn renewer(&self) -> Result<&Renewer, Refusal> {
        self.renewer.as_deref().ok_or(Refusal::Unauthorized { token_came: false })
    }

    /// The signed-in user, if they have lately confirmed who they are.
    pub fn fresh(&self) -> Result<Fresh<'_>, Refusal> {
        self.caller()?.fresh(self.state.settings.sessions.proof_ttl)
    }

    /// The authority of the administrator who has lately confirmed who they are.
    pub async fn authority(&self) -> Result<Authority> {
        // PostgreSQL stores no NUL, so nothing has such a name.
        if self.fields.iter().any(|(_, text)| text.contains('\0')) {
            return Err(Refusal::InvalidInput(Vec::new()).into());
        }
        self.authority_of(self.fresh()?).await
    }

    /// The same with a proof that was just checked: on `/confirm`, which is no page of administrators.
    pub async fn authority_of(&self, fresh: Fresh<'_>) -> Result<Authority> {
        let admin = guard::admin(&self.state, &fresh, &self.extensions).await?;
        Ok(admin.ok_or(Refusal::NotFound)?.fresh_authority(fresh, &self.visit))
    }

    /// The invitation whose link was opened in this browser, if it still works.
    pub async fn invitation(&self) -> Result<Option<Invitation>, Fault> {
        match &self.invited {
            Some(link) => invitations::find(&self.state.store, link).await,
            None => Ok(None),
        }
    }

    /// Leaves something for the next page to show once: a secret that is available only now.
    pub fn show_once(&self, kind: &str, text: &str) -> Result<()> {
        let family = self.caller()?.family();
        let text = format!("{} {kind} {text}", now());
        let sealed = self.state.keys.seal(Sealed::ShownOnce(family), &text)?;
        *self.once.lock().unwrap_or_else(PoisonError::into_inner) = Some(sealed);
        Ok(())
    }

    /// Continues in the same session.
    pub fn stay(&self, location: &str, notice: Notice) -> Result<Done> {
        self.caller()?;
        Ok(self.go_on(location, notice))
    }

    /// Continues in the same session, if there is one.
    #[must_use]
    pub fn go_on(&self, location: &str, notice: Notice) -> Done {
        Done {
            location: location.to_owned(),
            headers: HeaderMap::new(),
            notice: Some(notice),
            session: self.caller.as_ref().map(|caller| caller.session().to_owned()),
        }
    }

    /// Continues in the same session, on the next page of what has begun.
    #[must_use]
    pub fn on(&self, location: &str) -> Done {
        let session = self.caller.as_ref().map(|caller| caller.session().to_owned());
        let (location, headers, notice) = (location.to_owned(), HeaderMap::new(), None);
        Done { location, headers, notice, session }
    }

    /// Continues after the sessions of an account have ended. That of another one goes on.
    #[must_use]
    pub fn ended(&self, account: AccountId, location: &str, notice: Notice) -> Done {
        let goes_on = self.caller.as_ref().filter(|caller| caller.account() != account);
        let session = goes_on.map(|caller| caller.session().to_owned());
        Done { session, ..self.go_on(location, notice) }
    }

    /// Continues without a session.
    #[must_use]
    pub fn signed_out(&self, location: &str, notice: Option<Notice>) -> Done {
        let headers = self.state.cookies.forget();
        Done { location: location.to_owned(), headers, notice, session: None }
    }

    /// Continues with the session in the cookie.
    #[must_use]
    pub fn entered(&self, entered: Entered, location: &str, notice: Option<Notice>) -> Done {
        accepted::entered(&self.state, entered, location, notice)
    }
}

/// Serves every server function.
pub(super) async fn serve(State(state): State<AppState>, parts: Parts, body: Bytes) -> Response {
    let Some(form) = state.routes.form(parts.uri.path()) else {
        return Error::from(Refusal::NotFound).into_response();
    };
    let headers = parts.headers.clone();
    let viewer = Viewer::of(&state, &parts);
    let renewer = guard::renewer(&parts.extensions);
    let fields: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
    let language = form::field(&fields, LANGUAGE_FIELD).and_then(Language::of_tag);
    let outcome = match check(&state, form, &viewer, renewer.as_ref(), &parts, &body, &fields).await
    {
        Err(error) => Err(error),
        Ok(()) => match language.zip(form.show) {
            Some((language, show)) => {
                return in_language(&state, form, show, language, &fields, viewer, &headers).await;
            }
            None => {
                run(&state, form.page, viewer.caller.clone(), renewer, parts, body, &fields).await
            }
        },
    };
    match outcome {
        Ok(done) => go_on::answer(&state, done, &viewer, &headers).await,
        Err(error) => refused(&state, form, &fields, error, &viewer, &headers).await,
    }
}

/// The same form in another language, with what was typed. Its server function doesn't run.
async fn in_language(
    state: &AppState,
    form: &'static Form,
    show: Show,
    language: Language,
    fields: &[(String, String)],
    viewer: Viewer,
    headers: &HeaderMap,
) -> Response {
    let pending = pending_act(state, fields, viewer.caller.as_ref());
    let typed = FormState::typed(form, pending, fields, &viewer);
    let viewer = Viewer { language, here: typed.here(), ..viewer };
    match show(state, typed, &viewer, headers).await {
        Ok(mut page) => {
            let cookie = state.cookies.set_language(language.tag());
            page.headers_mut().append(header::SET_COOKIE, cookie);
            page
        }
        Err(error) => error.into_response(),
    }
}

/// The act that a form says is pending, sealed and opened.
fn pending_act(
    state: &AppState,
    fields: &[(String, String)],
    caller: Option<&SignedIn>,
) -> Option<(String, Pending)> {
    let sealed = form::field(fields, "pending")?;
    let pending = Pending::open(state, sealed, caller?.family())?;
    Some((sealed.to_owned(), pending))
}

/// The answer to a refused form: the form again, with the status and the headers of the error.
async fn refused(
    state: &AppState,
    form: &'static Form,
    fields: &[(String, String)],
    error: Error,
    viewer: &Viewer,
    headers: &HeaderMap,
) -> Response {
    if !is_for_a_person(Some(Door::Form), headers) {
        return error.into_response();
    }
    let caller = viewer.caller.as_ref();
    if let (Error::Refusal(Refusal::ProofTooOld), Some(caller)) = (&error, caller) {
        let to = form.pending.and_then(|act| Some((act, (act.of_form)(fields)?)));
        let pending = to.map(|(act, to)| Pending { act, to });
        let page = FormState::new(form).to(form::sent(fields, "next").unwrap_or_default()).here();
        return ask_for_proof(state, caller, &page, pending);
    }
    let pending = pending_act(state, fields, caller);
    let again = FormState::again(form, pending, fields, &error, viewer);
    let Some((again, show)) = again.zip(form.show) else { return error.into_response() };
    let (mut answer, _) = error.into_response().into_parts();
    let viewer = Viewer { here: again.here(), ..viewer.clone() };
    let page = match show(state, again, &viewer, headers).await {
        Ok(page) => page,
        // The page itself could not be made.
        Err(error) => return error.into_response(),
    };
    if page.status() != StatusCode::OK {
        // There is nothing to correct any more, and it leads elsewhere.
        return page;
    }
    let (page, body) = page.into_parts();
    answer.headers.extend(page.headers);
    answer.extensions.extend(page.extensions);
    answer.extensions.insert(Explained);
    Response::from_parts(answer, body)
}

/// The checks of every form: that it can be read, and that we made it for whoever sends it.
async fn check(
    state: &AppState,
    form: &Form,
    viewer: &Viewer,
    renewer: Option<&Renewer>,
    parts: &Parts,
    body: &[u8],
    fields: &[(String, String)],
) -> Result<()> {
    if media_type(&parts.headers).as_deref() != Some("application/x-www-form-urlencoded") {
        return Err(Refusal::UnsupportedMediaType.into());
    }
    // Invalid UTF-8 would be read as a different text, and so would a password in it.
    if percent_decode(body).decode_utf8().is_err() {
        return Err(Refusal::MalformedForm.into());
    }
    let visitor = state.cookies.visitor(&parts.headers);
    let family = viewer.caller.as_ref().map(SignedIn::family);
    let family = family.or(renewer.map(Renewer::family));
    let of_visitors = form.policy == Policy::Noticed;
    if !token_fits(state, family, visitor.as_deref(), of_visitors, fields) {
        let visit = Visit::of(state, &parts.headers, &parts.extensions);
        state.throttle.audit_refusal(&state.store, &visit, CROSS_ORIGIN).await;
        return Err(Refusal::StaleForm.into());
    }
    Ok(())
}

/// Runs the server function of a form that has been checked.
async fn run(
    state: &AppState,
    page: &'static str,
    caller: Option<SignedIn>,
    renewer: Option<Renewer>,
    parts: Parts,
    body: Bytes,
    fields: &[(String, String)],
) -> Result<Done> {
    let visit = Visit::of(state, &parts.headers, &parts.extensions);
    let visitor = state.cookies.visitor(&parts.headers);
    let pending = state.cookies.pending(&parts.headers);
    let call = FormCall {
        state: state.clone(),
        caller,
        renewer: renewer.map(Arc::new),
        visitor,
        visit,
        pending,
        extensions: parts.extensions.clone(),
        link: mail_link::sent(state, page, &parts.headers, fields),
        invited: state.cookies.link(invitations::PAGE, &parts.headers),
        challenge: state.cookies.challenge(&parts.headers),
        second_factor: state.cookies.second_factor(&parts.headers),
        fields: fields.into(),
        outcome: Arc::default(),
        once: Arc::default(),
    };
    let context = {
        let call = call.clone();
        move || leptos::prelude::provide_context(call.clone())
    };
    // Its own answer is for leptos clients, which we don't have.
    let request = Request::from_parts(parts, Body::from(body));
    _ = leptos_axum::handle_server_fns_with_context(context, request).await.into_response();
    let outcome = call.outcome.lock().unwrap_or_else(PoisonError::into_inner).take();
    // It never ran, because its arguments could not be read.
    let mut done = outcome.unwrap_or(Err(Refusal::MalformedForm.into()))?;
    if let Some(sealed) = call.once.lock().unwrap_or_else(PoisonError::into_inner).take() {
        done.headers.append(header::SET_COOKIE, state.cookies.set_once(sealed));
    }
    Ok(done)
}

/// Whether we made the form for this session, or for this browser if nobody is signed in (CS-02).
fn token_fits(
    state: &AppState,
    family: Option<&str>,
    visitor: Option<&str>,
    of_visitors: bool,
    fields: &[(String, String)],
) -> bool {
    let mut tokens = fields.iter().filter(|(name, _)| name == TOKEN_FIELD);
    let (Some((_, token)), None) = (tokens.next(), tokens.next()) else { return false };
    let of_session = family.map(Statement::SessionForm);
    let of_visitor =
        visitor.map(Statement::VisitorForm).filter(|_| of_visitors || family.is_none());
    [of_session, of_visitor].into_iter().flatten().any(|form| state.keys.fits(form, token))
}
