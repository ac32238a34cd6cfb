//! The history of an account, as its owner sees it.

use leptos::prelude::*;

use super::{AuditRow, history};
use crate::{
    platform::error::Result,
    sessions::caller::SignedIn,
    texts::{language, number, t, t_with},
    web::{client::known_device, page::times::ago, state::AppState},
};

/// How many groups of events a page shows, and how many events it reads to find them.
const GROUPS: usize = 25;
const ROWS: i64 = 200;

/// The history of an account as the page shows it: repeats share one entry.
#[derive(Clone)]
pub(crate) struct History {
    groups: Vec<Group>,
    /// The number of the last event shown, if there are more.
    next: Option<i64>,
    /// Whether there are newer events than its first.
    continued: bool,
}

#[derive(Clone)]
struct Group {
    event: String,
    count: usize,
    last: i64,
    first: i64,
    /// Each place once, that of the newest event first.
    places: Vec<String>,
}

/// How many places an entry names. The others are only counted.
const PLACES: usize = 3;

impl History {
    fn of(rows: Vec<AuditRow>, more: bool, continued: bool) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        let (mut shown, mut cut) = (None, false);
        for row in rows {
            let detail = row.detail();
            let place = detail.filter(|detail| !detail.network.is_empty()).map(|detail| {
                let device = known_device(&detail.device);
                let unknown = t("session-unknown-device");
                place(if device.is_empty() { &unknown } else { device }, &detail.network)
            });
            let is_full = groups.len() == GROUPS;
            match groups.last_mut().filter(|group| group.event == row.event) {
                Some(group) => {
                    group.count += 1;
                    group.first = row.at;
                    group.places.extend(place.filter(|place| !group.places.contains(place)));
                }
                None if is_full => {
                    cut = true;
                    break;
                }
                None => groups.push(Group {
                    event: row.event,
                    count: 1,
                    last: row.at,
                    first: row.at,
                    places: place.into_iter().collect(),
                }),
            }
            shown = Some(row.seq);
        }
        Self { groups, next: shown.filter(|_| more || cut), continued }
    }

    /// The history before the event number `before`. `None`: the newest.
    pub(crate) async fn read(
        state: &AppState,
        caller: &SignedIn,
        before: Option<i64>,
    ) -> Result<Self> {
        let last = before.unwrap_or(i64::MAX);
        let (rows, more) = history(&state.store, caller.account(), last, ROWS).await?;
        Ok(Self::of(rows, more, before.is_some()))
    }

    /// `page`: the page it is shown on.
    pub(crate) fn view(&self, page: &'static str) -> impl IntoView + use<> {
        let rows: Vec<_> = self.groups.iter().map(history_row).collect();
        let list = if rows.is_empty() {
            view! { <p>{t("history-empty")}</p> }.into_any()
        } else {
            view! { <ol class="list">{rows}</ol> }.into_any()
        };
        let newest = self.continued.then(|| {
            let href = format!("{page}#history");
            view! { <a class="button quiet" href=href>{t("history-newest")}</a> }
        });
        let older = self.next.map(|seq| {
            let href = format!("{page}?before={seq}#history");
            view! { <a class="button quiet" href=href>{t("history-older")}</a> }
        });
        let pages = (newest.is_some() || older.is_some())
            .then(|| view! { <p class="actions">{newest} {older}</p> });
        view! {
            <section class="card" id="history">
                <h2>{t("history")}</h2>
                <p>{t("history-lead")}</p>
                {list}
                {pages}
            </section>
        }
    }
}

fn history_row(group: &Group) -> impl IntoView + use<> {
    let name = format!("event-{}", group.event.replace(':', "-"));
    let words = if language().has(&name) { language().text(&name) } else { t("event-other") };
    let times = (group.count > 1).then(|| {
        let times = t_with("history-times", &[("count", number(group.count))]);
        view! { " " <span class="mark">{times}</span> }
    });
    let since = (group.count > 1).then(|| {
        view! { <p class="hint">{t("history-since")} " " {ago(group.first)}</p> }
    });
    let named = group.places.iter().take(PLACES);
    let places: Vec<_> = named.map(|place| view! { <p class="hint">{place.clone()}</p> }).collect();
    let others = group.places.len().saturating_sub(PLACES);
    let others = (others > 0).then(|| {
        let others = t_with("history-places", &[("count", number(others))]);
        view! { <p class="hint">{others}</p> }
    });
    view! {
        <li>
            <p class="what">{words} {times}</p>
            <p class="hint">{ago(group.last)}</p>
            {since}
            {places}
            {others}
        </li>
    }
}

fn place(device: &str, network: &str) -> String {
    [device, network].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}
