//! The pages, from plain values to a view.

pub(super) mod docs;
pub(super) mod form;

use leptos::prelude::*;
use time::OffsetDateTime;

use crate::{
    domain::{Code, Profile},
    server::{forms::TOKEN_FIELD, reply::ProblemKind},
};

/// `signed_in`: who is, and the token of the form that signs out.
pub(super) fn home(signed_in: Option<(Profile, String)>) -> impl IntoView {
    let actions = match signed_in {
        Some((profile, token)) => view! {
            <p>"You are signed in as " <strong>{profile.username}</strong> "."</p>
            <div class="actions">
                <a class="button" href="/profile">"Go to your profile"</a>
                {sign_out(token)}
            </div>
        }
        .into_any(),
        None => view! {
            <div class="actions">
                <a class="button" href="/signup">"Create an account"</a>
                <a class="button quiet" href="/signin">"Sign in"</a>
            </div>
        }
        .into_any(),
    };
    view! {
        <section class="hero">
            <h1>"Accounts for your app, in one binary."</h1>
            <p class="lead">
                "Latchkey signs people up, signs them in and keeps their profile: as pages for people, \
                 and as JSON for programs."
            </p>
            {actions}
        </section>
    }
}

pub(super) fn profile(profile: &Profile, token: String) -> impl IntoView + use<> {
    let (day, machine_day) = date(profile.created_at);
    view! {
        <section class="card">
            <h1>"Your profile"</h1>
            <dl class="facts">
                <div><dt>"Full name"</dt><dd>{profile.full_name.clone()}</dd></div>
                <div><dt>"Username"</dt><dd>{profile.username.clone()}</dd></div>
                <div><dt>"Member since"</dt><dd><time datetime=machine_day>{day}</time></dd></div>
            </dl>
            {sign_out(token)}
        </section>
    }
}

/// On every page that says who is signed in (SE-09).
fn sign_out(token: String) -> impl IntoView {
    view! {
        <form method="post" action="/api/sign_out">
            <input type="hidden" name=TOKEN_FIELD value=token/>
            <button type="submit" class="button quiet">"Sign out"</button>
        </form>
    }
}

/// The page that a problem's `type` leads to.
pub(super) fn problem_kind(kind: &ProblemKind) -> impl IntoView + use<> {
    let codes = (kind.slug == "invalid-input").then(|| {
        view! {
            <h2>"Codes of a field"</h2>
            <ul class="codes">
                {Code::ALL.map(|code| view! { <li><code>{code}</code></li> }).to_vec()}
            </ul>
        }
    });
    view! {
        <section class="card">
            <h1>{kind.title}</h1>
            <p>{kind.detail} "."</p>
            <p>"Status: " <code>{kind.status.as_u16()}</code></p>
            {codes}
            <p><a href="/docs">"All JSON routes"</a></p>
        </section>
    }
}

/// An error, to the person who ran into it.
pub(super) fn problem(kind: ProblemKind, request_id: String) -> impl IntoView {
    view! {
        <section class="card">
            <p class="status">{kind.status.as_u16()}</p>
            <h1>{kind.title}</h1>
            <p>{kind.detail} "."</p>
            <p class="actions">
                <a class="button" href="/">"Go to the start"</a>
                <a class="button quiet" href="/signin">"Sign in"</a>
            </p>
            <p class="hint">"Request id: " <code>{request_id}</code></p>
        </section>
    }
}

/// A day in words and as a machine reads it, in UTC.
fn date(seconds: i64) -> (String, String) {
    let date =
        OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH).date();
    let words = format!("{} {} {}", date.day(), date.month(), date.year());
    let machine = format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day());
    (words, machine)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_day_is_told_in_words() {
        assert_eq!(super::date(1_795_392_000), ("23 November 2026".into(), "2026-11-23".into()));
        assert_eq!(super::date(i64::MAX).1, "1970-01-01");
    }
}
