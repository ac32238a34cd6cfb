//! Times in words. Only the browser knows the reader's zone: `local_times.js` fills it in.

use crate::{
    platform::clock::{now, rfc3339},
    texts::{language, number, t, t_with},
};
use leptos::prelude::*;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// `3 hours ago`
pub(crate) fn ago(seconds: i64) -> String {
    ago_in_words(now().saturating_sub(seconds))
}

/// A time, with its day.
pub(crate) fn moment(seconds: i64) -> impl IntoView {
    let words = language().date_time(seconds);
    view! { <time datetime=rfc3339(seconds) data-local="moment">{words}</time> }
}

/// A time of the day, below the day's heading.
pub(crate) fn clock(seconds: i64) -> impl IntoView {
    let words = language().clock(seconds);
    view! { <time datetime=rfc3339(seconds) data-local="clock">{words}</time> }
}

/// The heading for what happened on a day.
pub(crate) fn heading(seconds: i64) -> impl IntoView {
    let words = language().date(seconds);
    view! { <time datetime=rfc3339(seconds) data-local="day">{words}</time> }
}

/// A day, in UTC.
pub(crate) fn day(seconds: i64) -> impl IntoView {
    let machine_day: String = rfc3339(seconds).chars().take(10).collect();
    view! { <time datetime=machine_day>{language().date(seconds)}</time> }
}

fn ago_in_words(past: i64) -> String {
    let (name, unit) = match past {
        ..MINUTE => return t("ago-moment"),
        MINUTE..HOUR => ("ago-minutes", MINUTE),
        HOUR..DAY => ("ago-hours", HOUR),
        _ => ("ago-days", DAY),
    };
    t_with(name, &[("count", number(usize::try_from(past / unit).unwrap_or(0)))])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::Language;

    #[test]
    fn a_day_is_told_in_words() {
        let (english, german) = (Language::English, Language::German);
        assert_eq!(english.date(1_795_392_000), "23 November 2026");
        assert_eq!(german.date(1_795_392_000), "23. November 2026");
        assert_eq!(english.date_time(1_795_392_061), "23 November 2026, 00:01 UTC");
    }

    #[test]
    fn what_is_past_is_told_in_words() {
        for (past, words) in [
            (-5, "a moment ago"),
            (59, "a moment ago"),
            (60, "a minute ago"),
            (7200, "2 hours ago"),
            (DAY, "yesterday"),
            (40 * DAY, "40 days ago"),
        ] {
            assert_eq!(ago_in_words(past), words, "{past}");
        }
    }
}
