//! The history of an account, as its owner sees it.

use std::collections::HashMap;

use leptos::prelude::*;

use super::{AuditRow, By, history};
use crate::{
    accounts::people,
    domain::AccountId,
    platform::{error::Result, visit::network_in_words},
    sessions::caller::SignedIn,
    texts::{language, number, t, t_with},
    web::{
        page::{
            device,
            parts::{empty, panel},
            times::{ago, clock, heading, moment},
        },
        state::AppState,
    },
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
    /// How somebody signed in: the words of `ProvedBy`.
    method: String,
    count: usize,
    last: i64,
    first: i64,
    /// Whether an administrator did it, and who, if that is known.
    who: Option<Option<String>>,
    /// Each place once, that of the newest event first: device and network, as recorded.
    places: Vec<(String, String)>,
}

/// How many places an entry names. The others are only counted.
const PLACES: usize = 3;

impl History {
    /// `names`: of administrators.
    fn of(
        rows: Vec<AuditRow>,
        names: &HashMap<AccountId, String>,
        more: bool,
        continued: bool,
    ) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        let (mut shown, mut cut) = (None, false);
        for row in rows {
            let detail = row.detail_for_owner();
            let method = detail.as_ref().map(|detail| detail.method.clone()).unwrap_or_default();
            let is_admins = detail.as_ref().is_some_and(|detail| detail.by == By::Administrator);
            let name = detail
                .as_ref()
                .and_then(|detail| names.get(&AccountId(detail.actor.parse().ok()?)));
            let name = name.cloned();
            let who = is_admins.then_some(name);
            let place = detail.filter(|detail| !detail.network.is_empty());
            let place = place.map(|detail| (detail.device, detail.network));
            let is_full = groups.len() == GROUPS;
            match groups.last_mut().filter(|group| {
                (&group.event, &group.method, &group.who) == (&row.event, &method, &who)
            }) {
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
                    method,
                    count: 1,
                    last: row.at,
                    first: row.at,
                    who,
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
        let actor = |row: &AuditRow| row.detail()?.actor.parse().ok().map(AccountId);
        let mut actors: Vec<AccountId> = rows.iter().filter_map(actor).collect();
        actors.sort_unstable_by_key(|account| account.0);
        actors.dedup();
        let names = people::names(&state.store, &actors).await?;
        Ok(Self::of(rows, &names, more, before.is_some()))
    }

    /// `page`: the page it is shown on.
    pub(crate) fn view(&self, page: &'static str) -> impl IntoView + use<> {
        let list = if self.groups.is_empty() {
            empty(t("history-empty"))
        } else {
            let days: Vec<_> = self.by_day().map(day_view).collect();
            view! { <div data-days>{days}</div> }.into_any()
        };
        let newest = self.continued.then(|| {
            let href = format!("{page}#history");
            view! { <a class="button quiet small" href=href>{t("history-newest")}</a> }
        });
        let older = self.next.map(|seq| {
            let href = format!("{page}?before={seq}#history");
            view! { <a class="button quiet small" href=href>{t("history-older")}</a> }
        });
        let pages = (newest.is_some() || older.is_some())
            .then(|| view! { <p class="actions">{newest} {older}</p> });
        let content = view! { {list} {pages} };
        panel(Some("history"), t("history"), Some(t("history-lead")), content.into_any())
    }

    /// The groups by the day, in UTC, of their newest event.
    fn by_day(&self) -> impl Iterator<Item = &[Group]> {
        self.groups.chunk_by(|one, other| one.last.div_euclid(DAY) == other.last.div_euclid(DAY))
    }
}

/// Seconds.
const DAY: i64 = 24 * 3600;

/// The newest events of an account, each in words with its age.
pub(crate) async fn latest(
    state: &AppState,
    caller: &SignedIn,
    most: i64,
) -> Result<Vec<(String, i64)>> {
    let (rows, _) = history(&state.store, caller.account(), i64::MAX, most).await?;
    Ok(rows.into_iter().map(|row| (row.event, row.at)).collect())
}

/// What happened, in words.
pub(crate) fn words(event: &str) -> String {
    let name = format!("event-{}", event.replace(':', "-"));
    if language().has(&name) { language().text(&name) } else { t("event-other") }
}

/// The action offered for an event that the owner doesn't recognize: the name of its text, and the
/// link.
fn remedy(event: &str) -> Option<(&'static str, &'static str)> {
    const DEVICES: (&str, &str) = ("history-devices", "/account/sessions");
    const PASSWORD: (&str, &str) = ("history-password", "#password");
    let (act, reason) = event.split_once(':').unwrap_or((event, ""));
    match (act, reason) {
        ("authn_login_success" | "session_renewed" | "authn_token_reuse", _) => Some(DEVICES),
        // The operator's, and the beginning: nothing is to be done.
        (
            "user_created" | "user_archived" | "user_updated",
            "" | "import" | "disabled" | "enabled",
        ) => None,
        ("session_expired", "sign_out" | "all_ended" | "app") => None,
        _ => Some(PASSWORD),
    }
}

fn day_view(groups: &[Group]) -> AnyView {
    let day = groups.first().map(|group| heading(group.last));
    let rows: Vec<_> = groups.iter().map(history_row).collect();
    view! {
        <h3 class="day">{day}</h3>
        <ol class="list">{rows}</ol>
    }
    .into_any()
}

/// How somebody signed in, in words.
pub(crate) fn method_words(method: &str) -> Option<String> {
    let name = format!("method-{}", method.replace("synced-passkey", "passkey").replace('+', "-"));
    language().has(&name).then(|| language().text(&name))
}

fn history_row(group: &Group) -> AnyView {
    let times = (group.count > 1).then(|| {
        let times = t_with("history-times", &[("count", number(group.count))]);
        view! { " " <span class="badge">{times}</span> }
    });
    let method = method_words(&group.method).map(|words| format!(" {words}"));
    let who = group.who.clone().map(|name| name.unwrap_or_else(|| t("admin-by-administrator")));
    let who = who.map(|who| view! { " · " {t("admin-by")} " " <span dir="auto">{who}</span> });
    let since = (group.count > 1).then(|| {
        view! { <p class="hint">{t("history-since")} " " {moment(group.first)}</p> }
    });
    let place = |(recorded, network): &(String, String)| {
        device::with_dots([device::name(recorded), network_in_words(network)])
    };
    let mut places = group.places.iter().map(place);
    let first = places.next().map(|place| view! { " · " {place} });
    let more: Vec<_> =
        places.take(PLACES - 1).map(|place| view! { <p class="hint">{place}</p> }).collect();
    let others = group.places.len().saturating_sub(PLACES);
    let others = (others > 0).then(|| {
        let others = t_with("history-places", &[("count", number(others))]);
        view! { <p class="hint">{others}</p> }
    });
    let remedy = remedy(&group.event).map(|(name, href)| {
        view! { <a class="below" href=href>{language().text(name)}</a> }
    });
    view! {
        <li>
            <div>
                <p class="what">{words(&group.event)} {method} {times}</p>
                <p class="hint">{clock(group.last)} " (" {ago(group.last)} ")" {who} {first}</p>
                {more}
                {others}
                {since}
            </div>
            {remedy}
        </li>
    }
    .into_any()
}
