//! Figures: how often something happened in each hour, for the overview of administrators.
//!
//! They are counted from the audit trail, a minute after the events at most, so that no request pays for it and no
//! page goes through the trail.

mod sql;

use std::collections::BTreeMap;

use crate::{
    audit,
    platform::error::Fault,
    store::{Store, db::Db},
};

pub(crate) use sql::{TABLES, forget};

/// The reader of the trail.
const READER: &str = "figures";

/// How many rows are counted at once.
const AT_ONCE: i64 = 1000;

/// In seconds.
pub const HOUR: i64 = 3600;

/// What is counted of the trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    SignIns,
    WrongTries,
    SignUps,
    /// Mails that were sent: counted by the outbox.
    Mails,
}

impl Figure {
    pub const ALL: [Self; 4] = [Self::SignIns, Self::WrongTries, Self::SignUps, Self::Mails];

    /// As stored, and in the names of texts.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::SignIns => "sign-ins",
            Self::WrongTries => "wrong-tries",
            Self::SignUps => "sign-ups",
            // The kind of delivery.
            Self::Mails => "mail",
        }
    }
}

/// The figure that an event adds to.
fn of_event(event: &str) -> Option<Figure> {
    let (act, reason) = event.split_once(':').unwrap_or((event, ""));
    match (act, reason) {
        // The others are a first factor, a confirmation, or an app that takes part in a session.
        ("authn_login_success", "") => Some(Figure::SignIns),
        ("authn_login_fail" | "authn_login_fail_max", _) => Some(Figure::WrongTries),
        ("user_created", _) => Some(Figure::SignUps),
        _ => None,
    }
}

/// Counts what has happened since the last time. `true`: there is more.
pub(crate) async fn collect(store: &Store) -> Result<bool, Fault> {
    if !audit::has_news(store, READER).await? {
        return Ok(false);
    }
    let mut tx = store.begin().await?;
    let rows = audit::read_on(&mut tx, READER, AT_ONCE).await?;
    let mut counted: BTreeMap<(&str, i64), i64> = BTreeMap::new();
    for row in &rows {
        if let Some(figure) = of_event(&row.event) {
            *counted.entry((figure.word(), hour_of(row.at))).or_default() += 1;
        }
    }
    for ((name, hour), count) in counted {
        sql::add(&mut tx, name, hour, count).await?;
    }
    tx.commit().await?;
    Ok(i64::try_from(rows.len()).unwrap_or(i64::MAX) == AT_ONCE)
}

/// Counts what has happened so far, but not more than somebody may wait for.
pub async fn catch_up(store: &Store) -> Result<(), Fault> {
    const TURNS: usize = 5;
    for _ in 0..TURNS {
        if !collect(store).await? {
            break;
        }
    }
    Ok(())
}

/// Counts one thing more.
pub(crate) async fn count(db: &mut Db, name: &str, at: i64) -> Result<(), Fault> {
    sql::add(db, name, hour_of(at), 1).await
}

fn hour_of(at: i64) -> i64 {
    at - at.rem_euclid(HOUR)
}

/// A figure in each of `spans` spans of `span` seconds, whole hours, the last of which contains `now`: the start of
/// each, and its count.
pub async fn series(
    store: &Store,
    figure: Figure,
    span: i64,
    spans: i64,
    now: i64,
) -> Result<Vec<(i64, i64)>, Fault> {
    let first = now - now.rem_euclid(span) - (spans - 1) * span;
    let rows = sql::since(&mut store.read().await?, figure.word(), first).await?;
    let mut series: Vec<(i64, i64)> = (0..spans).map(|index| (first + index * span, 0)).collect();
    for (hour, count) in rows {
        let index = usize::try_from((hour - first) / span).unwrap_or(usize::MAX);
        if let Some((_, sum)) = series.get_mut(index) {
            *sum += count;
        }
    }
    Ok(series)
}
