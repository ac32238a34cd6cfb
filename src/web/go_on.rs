//! The answer to a form from which the browser goes on to an app.
//!
//! A redirect would be blocked: the policy of our pages lets forms lead nowhere else (`form-action`), and a
//! browser applies it to every redirect that follows. So the answer is a page that goes on by itself, and a
//! link.

use axum::{
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use leptos::prelude::*;

use super::{
    accepted::{Done, accepted},
    page::{Around, Frame},
    state::AppState,
    viewer::{Viewer, render},
};
use crate::{openid::request::AUTHORIZE, platform::error::Result, texts::t};

/// Whether an address leads to an app, at once or by way of an authorization.
fn leaves(location: &str) -> bool {
    let query = location.strip_prefix(AUTHORIZE);
    !location.starts_with('/') || query.is_some_and(|query| query.starts_with('?'))
}

/// The answer to an accepted form.
pub(crate) async fn answer(
    state: &AppState,
    done: Done,
    viewer: &Viewer,
    headers: &HeaderMap,
) -> Response {
    let location = done.location.clone();
    let answer = accepted(state, done, headers);
    if !leaves(&location) {
        return answer;
    }
    let (parts, _) = answer.into_parts();
    let page = page(state, viewer, &location).await;
    let mut page = page.unwrap_or_else(IntoResponse::into_response);
    let own = page.headers_mut();
    for (name, value) in &parts.headers {
        if name != header::LOCATION {
            own.append(name, value.clone());
        }
    }
    page
}

async fn page(state: &AppState, viewer: &Viewer, location: &str) -> Result<Response> {
    let around = Around::of("go-on").framed(Frame::Centered);
    let viewer = Viewer { caller: None, notice: None, here: "/".to_owned(), ..viewer.clone() };
    let to = location.to_owned();
    render(state, &viewer, around, move || {
        view! {
            <meta http-equiv="refresh" content=format!("0;url={to}")/>
            <div class="alone">
                <section class="card">
                    <h1>{t("go-on")}</h1>
                    <p>{t("go-on-lead")}</p>
                    <p class="actions"><a class="button" href=to.clone()>{t("go-on-link")}</a></p>
                </section>
            </div>
        }
    })
    .await
}
