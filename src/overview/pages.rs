//! `/account`: who you are, how you are protected, where you are signed in, and what happened
//! lately, each with the way to change it.

use axum::{extract::State, response::Response};
use leptos::prelude::*;

use crate::{
    accounts::pages::PROFILE,
    audit::{
        self,
        pages::{latest, words},
    },
    devices::pages::SESSIONS,
    domain::Profile,
    platform::error::Result,
    sessions::{StoredSession, of_account},
    sign_in::{
        PASSWORD_CHANGED, PASSWORD_SET_BY_LINK, pages::password::SECURITY, password::has_one,
    },
    texts::{number, t, t_with},
    web::{
        page::{
            Around, Section,
            avatar::avatar,
            device,
            icons::{HISTORY, HOUSE, Icon, MONITOR, SHIELD, USER},
            times::{ago, day},
        },
        routes::Map,
        state::AppState,
        viewer::{Viewer, render},
    },
};

const OVERVIEW: Section = Section { page: "/account", name: "overview", icon: HOUSE };

pub(crate) fn routes(map: &mut Map) {
    map.section(OVERVIEW, overview_page);
}

/// How many of the latest events it shows.
const LATEST: i64 = 3;

/// How many devices it names.
const NAMED: usize = 3;

/// What the page shows.
struct Overview {
    profile: Profile,
    sessions: Vec<StoredSession>,
    /// Whether the password was entered recently: only then are devices named.
    is_fresh: bool,
    has_password: bool,
    /// When the password was last changed here, in seconds since 1970.
    password_since: Option<i64>,
    /// The latest events: what happened, and when.
    latest: Vec<(String, i64)>,
}

async fn overview_page(State(state): State<AppState>, viewer: Viewer) -> Result<Response> {
    let caller = viewer.caller()?;
    let acts = [PASSWORD_CHANGED, PASSWORD_SET_BY_LINK];
    let overview = Overview {
        profile: caller.profile().clone(),
        is_fresh: viewer.fresh(&state, None).is_ok(),
        has_password: has_one(&state, caller).await?,
        password_since: audit::newest_of(&state.store, caller.account(), acts).await?,
        sessions: of_account(&state.store, caller.account()).await?,
        latest: latest(&state, caller, LATEST).await?,
    };
    let around = Around::of("overview").within(OVERVIEW);
    render(&state, &viewer, around, move || overview_view(&overview)).await
}

fn overview_view(overview: &Overview) -> impl IntoView + use<> {
    let Overview { profile, sessions, is_fresh, has_password, password_since, latest } = overview;
    let count = ("count", number(sessions.len()));
    let mut names: Vec<String> = sessions
        .iter()
        .filter(|_| *is_fresh)
        .map(|session| device::name(&session.device))
        .collect();
    names.sort_unstable();
    names.dedup();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let more = (more > 0).then(|| t_with("overview-more", &[("count", number(more))]));
    names.extend(more);
    let devices = view! {
        <p>{t_with("overview-devices", &[count])}</p>
        <p class="hint">{names.join(" · ")}</p>
    };
    let events: Vec<_> = latest
        .iter()
        .map(|(event, at)| view! { <li>{words(event)} " " <span class="hint">{ago(*at)}</span></li> })
        .collect();
    let activity = view! { <ul class="plain">{events}</ul> };
    let who = view! {
        <p>{t("username")} ": " <span dir="auto">{profile.username.clone()}</span></p>
    };
    let since = password_since.filter(|_| *has_password);
    let since = since.map(|at| view! { " " {t("overview-password-since")} " " {day(at)} "." });
    let protected = view! {
        <p>{if *has_password { t("overview-password") } else { t("overview-no-password") }} {since}</p>
    };
    let history = format!("{}#history", SECURITY.page);
    view! {
        <div class="me">
            {avatar(profile, true)}
            <div>
                <h1><span dir="auto">{profile.display_name().to_owned()}</span></h1>
                <p class="hint">{t("member-since")} " " {day(profile.created_at)}</p>
            </div>
        </div>
        <div class="cards">
            {card(USER, t("profile"), who.into_any(), (PROFILE.page.to_owned(), t("overview-edit")))}
            {card(
                SHIELD,
                t("security"),
                protected.into_any(),
                (SECURITY.page.to_owned(), t("change-password")),
            )}
            {card(
                MONITOR,
                t("sessions-title"),
                devices.into_any(),
                (SESSIONS.page.to_owned(), t("overview-sessions")),
            )}
            {card(HISTORY, t("history"), activity.into_any(), (history, t("overview-history")))}
        </div>
    }
}

/// A card with one thing to know and one to do.
fn card(icon: Icon, title: String, content: AnyView, (href, words): (String, String)) -> AnyView {
    view! {
        <section class="card">
            <h2 class="with-icon">{icon.view()} {title}</h2>
            <div>{content}</div>
            <p><a href=href>{words}</a></p>
        </section>
    }
    .into_any()
}
