//! Pages about errors: what happened and the way on, for a person; and what each kind of problem
//! means, for whoever writes a program.

use axum::{
    extract::{Path, State, rejection::PathRejection},
    response::{IntoResponse, Response},
};
use leptos::prelude::*;

use crate::{
    domain::Code,
    platform::error::{Error, Refusal, Result},
    texts::{language, number, t, t_with},
    web::{
        brand::support_url,
        next::safe_next,
        page::{Around, Frame},
        problem_kinds::{KINDS, ProblemKind},
        state::AppState,
        viewer::{Viewer, render},
    },
};

/// A problem, as shown to a person.
#[derive(Clone)]
pub(in crate::web) struct Problem {
    pub(in crate::web) kind: ProblemKind,
    pub(in crate::web) request_id: String,
    /// How long to wait before trying again.
    pub(in crate::web) seconds: Option<u64>,
    /// The page that was asked for. `None`: it was a form.
    pub(in crate::web) page: Option<String>,
}

/// The body of an error, for a person.
pub(in crate::web) async fn problem_page(
    state: &AppState,
    viewer: &Viewer,
    problem: Problem,
) -> Response {
    let kind = problem.kind;
    let title = kind.title_for_people(viewer.language);
    let around = Around::entitled(title.clone()).framed(Frame::Centered);
    let is_signed_in = viewer.caller.is_some();
    let page = render(state, viewer, around, move || problem_view(&problem, is_signed_in));
    // If the error page can't be made, don't try another error page.
    page.await.unwrap_or_else(|_| title.into_response())
}

fn problem_view(problem: &Problem, is_signed_in: bool) -> impl IntoView + use<> {
    let Problem { kind, request_id, seconds, page } = problem;
    let detail = match (kind.slug, seconds) {
        ("too-many-tries", Some(seconds)) => {
            let minutes = usize::try_from(seconds.div_ceil(60)).unwrap_or(usize::MAX);
            t_with("form-too-many", &[("minutes", number(minutes))])
        }
        _ => kind.detail_for_people(language()),
    };
    let (home, words) =
        if is_signed_in { ("/account", t("home-account")) } else { ("/", t("problem-home")) };
    // What is over soon is worth another try; what is wrong with the request is not.
    let is_passing = kind.status.is_server_error() || kind.slug == "too-many-tries";
    let again = page.clone().filter(|_| is_passing).map(|page| {
        view! { <a class="button" href=safe_next(&page)>{t("problem-again")}</a> }
    });
    let home_class = if again.is_some() { "button quiet" } else { "button" };
    let help = support_url().map(|url| view! { <a class="button quiet" href=url>{t("help")}</a> });
    view! {
        <div class="alone">
            <section class="card">
                <p class="status">{kind.status.as_u16()}</p>
                <h1>{kind.title_for_people(language())}</h1>
                <p>{detail} "."</p>
                <p class="actions">
                    {again}
                    <a class=home_class href=home>{words}</a>
                    {help}
                </p>
                <p class="hint">{t("problem-request-id")} " " <code>{request_id.clone()}</code></p>
            </section>
        </div>
    }
}

pub(super) async fn kind_page(
    State(state): State<AppState>,
    viewer: Viewer,
    slug: std::result::Result<Path<String>, PathRejection>,
) -> Result<Response> {
    let slug = slug.map(|Path(slug)| slug).unwrap_or_default();
    let kind = KINDS.iter().find(|kind| kind.slug == slug).ok_or(Error::from(Refusal::NotFound))?;
    let around = Around::entitled(kind.title(viewer.language)).framed(Frame::Centered);
    render(&state, &viewer, around, || kind_view(*kind)).await
}

/// The page that a problem's `type` leads to.
fn kind_view(kind: ProblemKind) -> impl IntoView + use<> {
    let codes = (kind.slug == "invalid-input").then(|| {
        view! {
            <h2>{t("problem-codes")}</h2>
            <p>{t("problem-codes-lead")}</p>
            <p class="codes">
                {Code::ALL.map(|code| view! { <code class="badge">{code}</code> " " }).to_vec()}
            </p>
        }
    });
    view! {
        <div class="alone">
            <section class="card">
                <h1>{kind.title(language())}</h1>
                <p>{kind.detail(language())} "."</p>
                <dl class="facts">
                    <div><dt>{t("problem-status")}</dt><dd><code>{kind.status.as_u16()}</code></dd></div>
                    <div><dt>"type"</dt><dd><code>"/problems/" {kind.slug}</code></dd></div>
                </dl>
                {codes}
                <p><a href="/docs">{t("problem-routes")}</a></p>
            </section>
        </div>
    }
}
