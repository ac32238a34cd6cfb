//! The pages, from plain values to a view.

pub(crate) mod account;
pub(crate) mod docs;
pub(crate) mod form;

use leptos::prelude::*;

use crate::{
    domain::{Code, Profile},
    texts::{language, t},
    web::problem_kinds::ProblemKind,
};

pub(crate) fn home(signed_in: Option<&Profile>) -> impl IntoView + use<> {
    let actions = match signed_in {
        Some(profile) => view! {
            <p>{t("home-signed-in")} " " <strong>{profile.username.clone()}</strong> "."</p>
            <div class="actions">
                <a class="button" href="/profile">{t("home-profile")}</a>
            </div>
        }
        .into_any(),
        None => view! {
            <div class="actions">
                <a class="button" href="/signup">{t("sign-up")}</a>
                <a class="button quiet" href="/signin">{t("sign-in")}</a>
            </div>
        }
        .into_any(),
    };
    view! {
        <section class="hero">
            <h1>{t("home-heading")}</h1>
            <p class="lead">{t("home-lead")}</p>
            {actions}
        </section>
    }
}

/// The page that a problem's `type` leads to.
pub(crate) fn problem_kind(kind: ProblemKind) -> impl IntoView + use<> {
    let codes = (kind.slug == "invalid-input").then(|| {
        view! {
            <h2>{t("problem-codes")}</h2>
            <ul class="codes">
                {Code::ALL.map(|code| view! { <li><code>{code}</code></li> }).to_vec()}
            </ul>
        }
    });
    view! {
        <section class="card">
            <h1>{kind.title(language())}</h1>
            <p>{kind.detail(language())} "."</p>
            <p>{t("problem-status")} " " <code>{kind.status.as_u16()}</code></p>
            {codes}
            <p><a href="/docs">{t("problem-routes")}</a></p>
        </section>
    }
}

/// An error, to the person who ran into it.
pub(crate) fn problem(kind: ProblemKind, request_id: String) -> impl IntoView {
    view! {
        <section class="card">
            <p class="status">{kind.status.as_u16()}</p>
            <h1>{kind.title(language())}</h1>
            <p>{kind.detail(language())} "."</p>
            <p class="actions">
                <a class="button" href="/">{t("problem-home")}</a>
            </p>
            <p class="hint">{t("problem-request-id")} " " <code>{request_id}</code></p>
        </section>
    }
}
