//! The home page: the operator's, or, as long as there is no name, what to do next.

use axum::{extract::State, response::Response};
use leptos::prelude::*;

use crate::{
    domain::Profile,
    platform::error::Result,
    texts::t,
    web::{
        brand::t_brand,
        page::{Around, parts::code},
        state::AppState,
        viewer::{Viewer, render},
    },
};

pub(super) async fn page(State(state): State<AppState>, viewer: Viewer) -> Result<Response> {
    let profile = viewer.caller.as_ref().map(|caller| caller.profile().clone());
    let is_set = state.brand.is_set;
    let around = if is_set { Around::default() } else { Around::of("home-title") };
    let around = if is_set { around } else { around.with_code() };
    render(&state, &viewer, around, move || home_view(is_set, profile.as_ref())).await
}

fn home_view(is_set: bool, signed_in: Option<&Profile>) -> impl IntoView + use<> {
    let brand = |name: &str| t_brand(name, String::new());
    let (title, lead) = if is_set {
        (brand("home-brand-heading"), t("home-brand-lead"))
    } else {
        (t("home-heading"), t("home-lead"))
    };
    let actions = match signed_in {
        Some(profile) => view! {
            <p class="lead">
                {t("home-signed-in")} " " <strong dir="auto">{profile.username.clone()}</strong> "."
            </p>
            <div class="actions">
                <a class="button" href="/account">{t("home-account")}</a>
            </div>
        }
        .into_any(),
        None => view! {
            <div class="actions">
                <a class="button" href="/signin">{t("sign-in")}</a>
                <a class="button quiet" href="/signup">{t("sign-up")}</a>
            </div>
        }
        .into_any(),
    };
    view! {
        <section class="hero">
            <h1>{title}</h1>
            <p class="lead">{lead}</p>
            {actions}
        </section>
        {(!is_set).then(steps)}
    }
}

/// For an operator who has just started it, and has set nothing.
fn steps() -> impl IntoView {
    view! {
        <section>
            <h2>{t("steps")}</h2>
            <ol class="steps">
                <li class="card">
                    <h3>{t("step-account")}</h3>
                    <p>{t("step-account-how")}</p>
                    <p><a href="/signup">{t("sign-up")}</a></p>
                </li>
                <li class="card">
                    <h3>{t("step-name")}</h3>
                    <p>{t("step-name-how")}</p>
                    {code("BRAND_NAME=Example\nBRAND_COLOR=#7434a8".to_owned())}
                </li>
                <li class="card">
                    <h3>{t("step-app")}</h3>
                    <p>{t("step-app-how")}</p>
                    <p><a href="/docs">{t("problem-routes")}</a></p>
                </li>
            </ol>
        </section>
    }
}
