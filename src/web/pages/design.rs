//! Every component on one page, for whoever changes `style/`. Only in development builds.

use axum::{extract::State, response::Response};
use leptos::prelude::*;

use crate::{
    domain::{Code, Field, FieldError, PasswordPolicy},
    islands::LiveForm,
    platform::{clock::now, error::Result},
    web::{
        form::{Form, FormState},
        page::{
            Around, Frame,
            icons::{ALERT, DONE, ICONS, INFO, MONITOR, WARNING},
            parts::{
                self, button, checkbox, code, danger_button, empty, page_head, panel, summary,
            },
            times::{ago, day, moment},
        },
        state::AppState,
        viewer::{Viewer, render},
    },
};

static FORM: Form =
    Form { title: "sign-up", has_island: true, ..Form::at("/docs/design", "/docs/design") };

const COLORS: [&str; 17] = [
    "ground",
    "surface",
    "line",
    "edge",
    "ink",
    "ink-soft",
    "accent",
    "accent-strong",
    "accent-soft",
    "on-accent",
    "wrong",
    "wrong-soft",
    "on-wrong",
    "right",
    "right-soft",
    "warn",
    "warn-soft",
];

/// The scales, whose values are in `style/tokens.css`.
const SIZES: [&str; 5] = [
    "text-s … text-3xl",
    "space-1 … space-8",
    "radius-s … radius-l, radius-full",
    "shadow-1, shadow-2",
    "motion",
];

pub(super) async fn page(State(state): State<AppState>, viewer: Viewer) -> Result<Response> {
    let policy = state.settings.passwords.policy;
    let around = Around::of_form(&FormState::new(&FORM)).framed(Frame::Docs).with_code();
    render(&state, &viewer, around, move || design_view(policy)).await
}

fn design_view(policy: PasswordPolicy) -> impl IntoView {
    let mut wrong = FormState::new(&FORM).with("username", "a");
    wrong.errors = vec![
        FieldError { field: Field::USERNAME, code: Code::TooShort { min: 3 } },
        FieldError { field: Field::named("confirmed"), code: Code::Missing },
    ];
    let good = FormState::new(&FORM);
    let icons = ICONS.iter().map(|(name, icon)| {
        view! { <p class="with-icon">{icon.view()} <code>{*name}</code></p> }
    });
    let color = |name| {
        view! {
            <p class="with-icon">
                <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
                    <rect width="24" height="24" rx="4" fill=format!("var(--{name})")></rect>
                </svg>
                <code>{name}</code>
            </p>
        }
    };
    let colors = COLORS.map(color).to_vec();
    let sizes = SIZES.map(|name| view! { <p><code>{name}</code></p> }).to_vec();
    let buttons = view! {
        <div class="actions">
            {button("Primary".into())}
            <button type="button" class="button quiet">"Quiet"</button>
            {danger_button("Danger".into())}
            <button type="button" class="button quiet small">"Small"</button>
            <button type="button" class="button" disabled>"Disabled"</button>
            <a class="button quiet" href="#buttons">"A link"</a>
        </div>
    };
    let fields = view! {
        <LiveForm>
            {parts::new_password(&good, Field::NEW_PASSWORD, policy)}
            {parts::password(&good, Field::PASSWORD)}
            {checkbox(&good, "remember", "A choice".into(), Some("What it means.".into()))}
        </LiveForm>
    };
    let errors = view! {
        {summary(&wrong)}
        {parts::new_username(&wrong)}
        {checkbox(&wrong, "confirmed", "Yes, delete my account".into(), None)}
    };
    let notices = view! {
        <div class="notice">{DONE.view()}<p>"Name updated."</p></div>
        <div class="notice warn">{WARNING.view()}<p>"Two recovery codes are left."</p></div>
        <div class="notice wrong">{ALERT.view()}<p>"The connection was lost."</p></div>
    };
    let cards = view! {
        <div class="cards">
            <section class="card">
                <h2 class="with-icon">{MONITOR.view()} "Your devices"</h2>
                <p>"You're signed in on this device only."</p>
                <p><a href="#cards">"Review your devices"</a></p>
            </section>
            <section class="card">
                <h2 class="with-icon">{INFO.view()} "Recent activity"</h2>
                <p>"Name changed"</p>
                <p><a href="#cards">"See all activity"</a></p>
            </section>
        </div>
    };
    let navigation = view! {
        <nav class="side" aria-label="Example">
            <ul>
                <li><a href="#navigation" aria-current="page">{MONITOR.view()} "Devices"</a></li>
                <li><a href="#navigation">{INFO.view()} "Data"</a></li>
            </ul>
        </nav>
    };
    let list = view! {
        <ul class="list">
            <li>
                {MONITOR.view()}
                <div>
                    <p class="what">"Firefox on Linux " <span class="badge">"This device"</span></p>
                    <p class="hint">"Active now · 203.0.113.x"</p>
                </div>
                <button type="button" class="button quiet small">"Sign out"</button>
            </li>
            <li>
                {MONITOR.view()}
                <div>
                    <p class="what">"Safari on macOS"</p>
                    <p class="hint">{ago(now() - 7200)} " · " {moment(now() - 7200)}</p>
                </div>
                <button type="button" class="button quiet small">"Sign out"</button>
            </li>
        </ul>
    };
    let facts = view! {
        <dl class="facts">
            <div><dt>"Username"</dt><dd>"alice"</dd></div>
            <div><dt>"Member since"</dt><dd>{day(now())}</dd></div>
        </dl>
    };
    let table = view! {
        <table>
            <thead><tr><th scope="col">"Field"</th><th scope="col">"Meaning"</th></tr></thead>
            <tbody>
                <tr><td><code>"username"</code></td><td>"As typed at sign-up."</td></tr>
                <tr><td><code>"fullName"</code></td><td>"1 to 100 code points."</td></tr>
            </tbody>
        </table>
    };
    let badges = view! {
        <p>
            <span class="badge">"Neutral"</span> " " <span class="badge right">"Good"</span> " "
            <span class="badge warn">"Take care"</span>
        </p>
        <p class="with-icon">
            {(0..8).map(|tint| view! {
                <span class=format!("avatar tint-{tint}") aria-hidden="true">"AL"</span>
            }).collect::<Vec<_>>()}
        </p>
    };
    let dialog = view! {
        <details class="dialog">
            <summary>"Remove this passkey"</summary>
            <div>
                <p>"You can't sign in with it any more."</p>
                {danger_button("Remove".into())}
            </div>
        </details>
    };
    let parts: Vec<(&'static str, &'static str, AnyView)> = vec![
        ("buttons", "Buttons", buttons.into_any()),
        ("fields", "Fields", fields.into_any()),
        ("errors", "Errors", errors.into_any()),
        ("notices", "Notices", notices.into_any()),
        ("cards", "Cards", cards.into_any()),
        ("navigation", "Navigation", navigation.into_any()),
        ("lists", "Lists with actions", list.into_any()),
        ("facts", "Facts", facts.into_any()),
        ("tables", "Tables", table.into_any()),
        ("badges", "Badges and avatars", badges.into_any()),
        ("dialogs", "Dialogs without JavaScript", dialog.into_any()),
        ("empty", "Empty states", empty("Nothing yet.".into())),
        ("code", "Code", code("curl https://accounts.example.org/healthz".into())),
        (
            "icons",
            "Icons",
            view! { <div class="swatches">{icons.collect::<Vec<_>>()}</div> }.into_any(),
        ),
        ("tokens", "Tokens", view! { <div class="swatches">{colors} {sizes}</div> }.into_any()),
    ];
    let contents: Vec<_> = parts
        .iter()
        .map(|(id, title, _)| view! { <li><a href=format!("#{id}")>{*title}</a></li> })
        .collect();
    let parts: Vec<_> = parts
        .into_iter()
        .map(|(id, title, content)| panel(Some(id), title.into(), None, content))
        .collect();
    view! {
        <nav class="side" aria-label="Components"><ul>{contents}</ul></nav>
        <main id="main" tabindex="-1" lang="en">
            {page_head("Components".into(), Some("Every component, as the pages use them.".into()))}
            <p class="with-icon">{INFO.view()} "Only in development builds."</p>
            {parts}
        </main>
    }
}
