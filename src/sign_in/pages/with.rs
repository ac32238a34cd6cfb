//! The doors of sign-in with other providers: there, back, and the username of a newcomer.

use std::sync::Arc;

use axum::{
    extract::{Path, RawQuery, State, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
};
use futures_util::FutureExt;
use leptos::prelude::*;

use super::{SIGN_IN, TO_VERIFY, WELCOME, going_to, stepped};
use crate::{
    apps::destination,
    domain::{Field, NewAccount, SignUpForm, profile::FIELDS},
    emails::SECURITY,
    openid::request::{Params, with_params},
    platform::{
        error::{Refusal, Result},
        visit::Visit,
    },
    providers::{
        self, Failed, Provider,
        identities::{self, Linked},
        visits::Purpose,
    },
    sessions::caller::SignedIn,
    sign_in::with::{self, Arrival, Back, Newcomer, Outcome},
    texts::{t, t_with},
    web::{
        accepted::{self, Done, accepted},
        form::{Form, FormState},
        next::{before, safe_next},
        notices::{Notice, notices},
        page::parts::{self, alone, button, hidden, isolated},
        reply::as_get,
        routes::{Door, Map, Policy},
        state::AppState,
        submit::FormCall,
        viewer::{AnyQuery, Viewer, read, render_form},
    },
};

notices! {
    AWAY = "provider-away";
    WRONG = "provider-wrong";
    CANCELLED = "provider-cancelled";
    LOST = "provider-lost";
    BARRED = "provider-barred";
    NO_SIGN_UP = "provider-no-sign-up";
    NOT_THEIRS = "provider-not-theirs";
    NO_PROOF = "provider-no-proof";
    LINKED = "identity-linked";
    LINKED_ALREADY = "identity-linked-already";
    LINKED_TO_ANOTHER = "identity-linked-to-another";
    TOO_MANY = "identity-too-many";
}

pub(crate) fn routes(map: &mut Map) {
    map.page(Policy::Noticed, "/signin/with/{id}", depart);
    map.get(Door::Sent, Policy::Noticed, "/signin/with/{id}/callback", come_back);
    map.post(Door::Sent, Policy::Public, "/signin/with/{id}/callback", as_get);
    map.page(Policy::Noticed, CHOOSE.page, choose_page);
    map.form(&CHOOSE);
    map.form(&LINK);
}

/// The providers that open the caller's account.
pub(super) async fn linked(state: &AppState, caller: &SignedIn) -> Result<Vec<Arc<Provider>>> {
    let all = identities::of(&state.store, caller.account()).await?;
    let opens = |provider: &&Arc<Provider>| {
        all.iter().any(|identity| identity.issuer == provider.issuer_text)
    };
    Ok(state.providers.all().iter().filter(opens).cloned().collect())
}

/// Links to providers, as buttons. `next`: the page that follows. `words`: the name of their text.
pub(super) fn buttons(
    providers: &[Arc<Provider>],
    next: &str,
    words: &'static str,
) -> Option<AnyView> {
    let button = |provider: &Arc<Provider>| {
        let href = by_way_of(&format!("/signin/with/{}", provider.id), next);
        let name = ("provider", isolated(&provider.name).into());
        view! { <a class="button quiet" href=href>{t_with(words, &[name])}</a> }
    };
    let all: Vec<_> = providers.iter().map(button).collect();
    let is_any = !all.is_empty();
    is_any.then(|| {
        let label = t("providers");
        view! { <div class="providers" role="group" aria-label=label>{all}</div> }.into_any()
    })
}

/// The visitor in the cookie, or a new one and the cookie.
fn visitor_of(state: &AppState, known: Option<String>) -> Result<(String, Option<HeaderValue>)> {
    Ok(match known {
        Some(visitor) => (visitor, None),
        None => {
            let (visitor, cookie) = state.cookies.new_visitor()?;
            (visitor, Some(cookie))
        }
    })
}

/// The longest address of a page that follows, in bytes.
const MAX_NEXT: usize = 8192;

type Named = std::result::Result<Path<String>, PathRejection>;

fn provider_of(state: &AppState, id: Named) -> Result<Arc<Provider>> {
    let Path(id) = id.map_err(|_| Refusal::NotFound)?;
    Ok(state.providers.find(&id).ok_or(Refusal::NotFound)?.clone())
}

async fn depart(
    State(state): State<AppState>,
    id: Named,
    viewer: Viewer,
    visit: Visit,
    query: AnyQuery,
    headers: HeaderMap,
) -> Result<Response> {
    let provider = provider_of(&state, id)?;
    let next = read(query).next;
    let next = if next.is_empty() { next } else { safe_next(&next) };
    // It is kept, and an app's request is shorter.
    let next = if next.len() > MAX_NEXT { String::new() } else { next };
    // The answer counts in this browser alone.
    let (visitor, cookie) = visitor_of(&state, visit.visitor.clone())?;
    let purpose = match &viewer.caller {
        Some(caller) => Purpose::Confirm(caller.family().to_owned()),
        None => Purpose::SignIn,
    };
    let purpose = (purpose, &*next);
    let mut answer = match with::depart(&state, &provider, &visitor, purpose, &visit).await? {
        Ok(address) => Redirect::to(&address).into_response(),
        Err(failed) => {
            let notice = if matches!(failed, Failed::Away(_)) { AWAY } else { WRONG };
            // The notice is for the visitor whose cookie this answer may just be setting.
            let session = viewer.caller.as_ref().map_or(&*visitor, |caller| caller.session());
            lead_to(&state, &headers, by_way_of(SIGN_IN.page, &next), notice, Some(session))
        }
    };
    if let Some(cookie) = cookie {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(answer)
}

/// A page from which one goes on to `next`, if there is one.
fn by_way_of(page: &str, next: &str) -> String {
    if next.is_empty() { page.to_owned() } else { before(page, next) }
}

/// To a page that shows a notice, to the browser of this session.
fn lead_to(
    state: &AppState,
    headers: &HeaderMap,
    location: String,
    notice: Notice,
    session: Option<&str>,
) -> Response {
    let (notice, session) = (Some(notice), session.map(str::to_owned));
    accepted(state, Done { location, headers: HeaderMap::new(), notice, session }, headers)
}

/// To the sign-in page, where there are other ways in.
fn back_to_sign_in(state: &AppState, headers: &HeaderMap, next: &str, notice: Notice) -> Response {
    lead_to(state, headers, by_way_of(SIGN_IN.page, next), notice, None)
}

async fn come_back(
    State(state): State<AppState>,
    id: Named,
    viewer: Viewer,
    visit: Visit,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response> {
    let provider = provider_of(&state, id)?;
    let params = Params::read(query.unwrap_or_default().as_bytes());
    let back = Back {
        state: params.hint("state").unwrap_or_default(),
        code: params.hint("code"),
        error: params.hint("error"),
        iss: params.hint("iss"),
    };
    let caller = viewer.caller.as_ref();
    let (outcome, next) = with::come_back(&state, &provider, &back, &visit, caller).await?;
    let stay = |notice: Notice| {
        let session = caller.map(|caller| caller.session());
        lead_to(&state, &headers, SECURITY.to_owned(), notice, session)
    };
    let to_sign_in = |notice: Notice| match caller {
        // There they would be led away at once.
        Some(_) => stay(notice),
        None => back_to_sign_in(&state, &headers, &next, notice),
    };
    Ok(match outcome {
        Outcome::In(step) => accepted(&state, stepped(&state, caller, *step, &next), &headers),
        Outcome::Newcomer => {
            let page = [("provider", Some(&*provider.id)), ("visit", Some(back.state))];
            Redirect::to(&with_params(CHOOSE.page, &page)).into_response()
        }
        Outcome::Again => Redirect::to(&safe_next(&next)).into_response(),
        Outcome::Linked(Linked::Now) => stay(LINKED),
        Outcome::Linked(Linked::Already) => stay(LINKED_ALREADY),
        Outcome::Linked(Linked::ToAnother) => stay(LINKED_TO_ANOTHER),
        Outcome::Linked(Linked::TooMany) => stay(TOO_MANY),
        Outcome::Lost => to_sign_in(LOST),
        Outcome::Cancelled => to_sign_in(CANCELLED),
        Outcome::Away => to_sign_in(AWAY),
        Outcome::Wrong => to_sign_in(WRONG),
        Outcome::Barred => to_sign_in(BARRED),
        Outcome::NotTheirs => to_sign_in(NOT_THEIRS),
        Outcome::NoProof => to_sign_in(NO_PROOF),
        Outcome::NoSignUp => to_sign_in(NO_SIGN_UP),
    })
}

static LINK: Form = Form::at(providers::LINK, SECURITY);

/// Goes to a provider, to link it to the account.
#[server(endpoint = "/link_provider")]
pub async fn link_provider(#[server(default)] provider: String) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(link(&call, &provider).await);
    Ok(())
}

async fn link(call: &FormCall, id: &str) -> Result<Done> {
    let (state, caller) = (&call.state, call.fresh()?);
    let provider = state.providers.find(id).cloned().ok_or(Refusal::NotFound)?;
    let (visitor, cookie) = visitor_of(state, call.visitor.clone())?;
    let purpose = Purpose::Link(caller.family().to_owned());
    match with::depart(state, &provider, &visitor, (purpose, SECURITY), &call.visit).await? {
        Ok(address) => {
            let mut done = call.on(&address);
            if let Some(cookie) = cookie {
                done.headers.append(header::SET_COOKIE, cookie);
            }
            Ok(done)
        }
        Err(Failed::Away(_)) => call.stay(SECURITY, AWAY),
        Err(Failed::Wrong(_)) => call.stay(SECURITY, WRONG),
    }
}

static CHOOSE: Form = Form {
    policy: Policy::Noticed,
    title: "choose-username",
    keeps: &["username", "email", "provider", "visit"],
    has_island: true,
    show: Some(|state, form, viewer, headers| show_choose(state, form, viewer, headers).boxed()),
    ..Form::at("/api/sign_up_with", "/signup/with")
};

async fn choose_page(
    State(state): State<AppState>,
    viewer: Viewer,
    visit: Visit,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response> {
    let params = Params::read(query.unwrap_or_default().as_bytes());
    let (id, state_of) = (params.hint("provider").unwrap_or_default(), params.hint("visit"));
    let form = FormState::new(&CHOOSE).with("provider", id);
    let form = form.with("visit", state_of.unwrap_or_default());
    let found = found(&state, &form, visit.visitor.as_deref()).await?;
    let Some((_, Newcomer { person, verified, .. })) = found else {
        return Ok(back_to_sign_in(&state, &headers, "", LOST));
    };
    let email = verified.as_ref().map(|email| email.as_str()).or(person.email.as_deref());
    let form = form
        .with("username", &suggested(person.username.as_deref()))
        .with(Field::EMAIL.name(), email.unwrap_or_default())
        .with("fullName", person.name.as_deref().unwrap_or_default());
    show_choose(&state, form, &viewer, &headers).await
}

/// The person that a form is about.
async fn found(
    state: &AppState,
    form: &FormState,
    visitor: Option<&str>,
) -> Result<Option<(Arc<Provider>, Newcomer)>> {
    let Some(provider) = state.providers.find(form.value("provider")).cloned() else {
        return Ok(None);
    };
    let newcomer = with::newcomer(state, &provider, form.value("visit"), visitor).await?;
    Ok(newcomer.map(|newcomer| (provider, newcomer)))
}

/// A username that is likely to be good: many providers call people by their addresses.
fn suggested(username: Option<&str>) -> String {
    let name = username.unwrap_or_default().split('@').next().unwrap_or_default();
    let is_good = |c: &char| c.is_alphanumeric() || "_-.".contains(*c);
    let name: String = name.chars().filter(is_good).take(32).collect();
    name.trim_matches('.').to_owned()
}

async fn show_choose(
    state: &AppState,
    form: FormState,
    viewer: &Viewer,
    headers: &HeaderMap,
) -> Result<Response> {
    let visitor = state.cookies.visitor(headers);
    let Some((provider, newcomer)) = found(state, &form, visitor.as_deref()).await? else {
        return Ok(back_to_sign_in(state, headers, "", LOST));
    };
    let (has_mail, must_verify) = (state.mail.is_some(), state.settings.mail.required);
    let profile = state.settings.profile;
    let destination = destination::of(&state.apps, &newcomer.next).await;
    render_form(state, form, viewer, headers, move |form, token| {
        let name = ("provider", isolated(&provider.name).into());
        let label = ("label", isolated(&newcomer.person.label()).into());
        let lead = t_with("choose-username-lead", &[name.clone(), label]);
        let required = profile.fields().filter(|field| field.required);
        let mut fields = vec![
            going_to(&destination).map(|going| view! { <p>{going}</p> }).into_any(),
            hidden("provider", form.value("provider")),
            hidden("visit", form.value("visit")),
        ];
        if newcomer.is_taken {
            let words = t_with("choose-username-taken", std::slice::from_ref(&name));
            fields.push(view! { <p class="notice warn">{words}</p> }.into_any());
        }
        fields.push(parts::new_username(form));
        fields.extend(required.map(|field| parts::profile(form, field)));
        match &newcomer.verified {
            Some(email) => {
                let email = ("email", isolated(email.as_str()).into());
                fields.push(
                    view! { <p class="hint">{t_with("choose-username-email", &[email])}</p> }
                        .into_any(),
                );
            }
            None if has_mail => {
                let hint = t(if must_verify { "email-hint-required" } else { "email-hint" });
                fields.push(parts::email(form, Some(hint)));
            }
            None => {}
        }
        fields.push(button(t("choose-username-yes")));
        // People who have an account link it there.
        let href = before(SIGN_IN.page, SECURITY);
        let other = view! {
            {t_with("choose-username-other", &[name])} " " <a href=href>{t("sign-in")}</a>
        };
        alone(form, token, Some(lead), fields, Some(other.into_any()))
    })
    .await
}

/// Makes an account for somebody who came from another provider.
#[server(endpoint = "/sign_up_with")]
pub async fn sign_up_with(
    #[server(default)] username: String,
    #[server(default)] provider: String,
    #[server(default)] visit: String,
) -> Result<(), ServerFnError> {
    let call = FormCall::current();
    call.finish(sign_up(&call, username, &provider, &visit).await);
    Ok(())
}

async fn sign_up(call: &FormCall, username: String, id: &str, visit: &str) -> Result<Done> {
    let state = &call.state;
    let provider = state.providers.find(id).cloned().ok_or(Refusal::NotFound)?;
    let known = with::newcomer(state, &provider, visit, call.visitor.as_deref()).await?;
    let is_known = known.as_ref().is_some_and(|known| known.verified.is_some());
    let next = known.map(|known| known.next).unwrap_or_default();
    let profile =
        FIELDS.map(|field| Ok(call.field(field.field.name()).unwrap_or_default().to_owned()));
    let email = call.field(Field::EMAIL.name()).filter(|_| state.mail.is_some() && !is_known);
    let email = email.map(|email| Ok(email.to_owned()));
    let must_give = state.settings.mail.required && !is_known;
    let email = email.or(must_give.then_some(Err(crate::domain::Code::Missing)));
    let form = SignUpForm { username: Ok(username), password: None, email, profile };
    let (policy, profile) = (state.settings.passwords.policy, state.settings.profile);
    let new = form.parse(policy, profile).map_err(Refusal::InvalidInput)?;
    let invitation = call.invitation().await?.and(call.invited.clone());
    let new = NewAccount { invitation, ..new };
    let before = call.caller.as_ref();
    Ok(match with::sign_up(state, &provider, visit, new, &call.visit, before).await? {
        Arrival::In(entered) => {
            accepted::entered(state, *entered, &safe_next(&next), Some(WELCOME))
        }
        Arrival::ToVerify => call.go_on(SIGN_IN.page, TO_VERIFY),
        Arrival::Lost => call.go_on(SIGN_IN.page, LOST),
    })
}
