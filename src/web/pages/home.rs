//! The home page: the operator's, or what to do next for whoever has just started the server.

use axum::{extract::State, response::Response};
use leptos::prelude::*;

use crate::{
    accounts::settings::SignUpMode,
    domain::Profile,
    platform::error::Result,
    texts::t,
    web::{
        brand::t_brand,
        page::{Around, Frame, parts::code},
        state::AppState,
        viewer::{Viewer, render},
    },
};

pub(super) async fn page(State(state): State<AppState>, viewer: Viewer) -> Result<Response> {
    let profile = viewer.caller.as_ref().map(|caller| caller.profile().clone());
    let is_open = state.settings.accounts.sign_up == SignUpMode::Open;
    // On a server that others can reach, its visitors are not the operator.
    if state.brand.is_set || !state.public_url.is_loopback() {
        let around = Around::default().framed(Frame::Centered);
        return render(&state, &viewer, around, move || brand_view(profile.as_ref(), is_open))
            .await;
    }
    let around = Around::of("home-title").with_code();
    render(&state, &viewer, around, move || own_view(profile.as_ref(), is_open)).await
}

/// For those who come to the operator's site.
fn brand_view(signed_in: Option<&Profile>, is_open: bool) -> impl IntoView + use<> {
    let lead = signed_in.is_none().then(|| view! { <p>{t("home-brand-lead")}</p> });
    view! {
        <div class="alone">
            <section class="card">
                <h1>{t_brand("home-brand-heading")}</h1>
                {lead}
                {actions(signed_in, is_open)}
            </section>
        </div>
    }
}

fn own_view(signed_in: Option<&Profile>, is_open: bool) -> impl IntoView + use<> {
    view! {
        <section class="hero">
            <h1>{t("home-heading")}</h1>
            <p class="lead">{t("home-lead")}</p>
            {actions(signed_in, is_open)}
        </section>
        {steps()}
    }
}

fn actions(signed_in: Option<&Profile>, is_open: bool) -> AnyView {
    match signed_in {
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
                {is_open.then(|| view! { <a class="button quiet" href="/signup">{t("sign-up")}</a> })}
            </div>
        }
        .into_any(),
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
                    <p><a href="/signup">{t("step-account-link")}</a></p>
                </li>
                <li class="card">
                    <h3>{t("step-name")}</h3>
                    <p>{t("step-name-how")}</p>
                    {code("BRAND_NAME=\"Example\"\nBRAND_COLOR=\"#7434a8\"".to_owned())}
                </li>
                <li class="card">
                    <h3>{t("step-mail")}</h3>
                    <p>{t("step-mail-how")}</p>
                    {code("MAIL_URL=smtp://…\nMAIL_FROM=you@example.org".to_owned())}
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
