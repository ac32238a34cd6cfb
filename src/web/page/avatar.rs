//! Who somebody is, at a glance: initials in a circle.

use leptos::prelude::*;

use crate::domain::Profile;

/// How many colors there are (`components.css`).
const TINTS: i64 = 8;

/// Initials in a circle, whose color goes by the account and so stays when the name changes.
pub(crate) fn avatar(profile: &Profile, large: bool) -> impl IntoView + use<> {
    let size = if large { " large" } else { "" };
    let class = format!("avatar tint-{}{size}", profile.id.0.rem_euclid(TINTS));
    view! { <span class=class aria-hidden="true">{initials(profile.display_name())}</span> }
}

/// The first letters of the first and of the last word.
fn initials(name: &str) -> String {
    let first = |word: &str| word.chars().find(|c| c.is_alphanumeric()).or(word.chars().next());
    let mut words = name.split_whitespace();
    let letters = [words.next(), words.next_back()].into_iter().flatten().filter_map(first);
    letters.flat_map(char::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_those_of_the_first_and_the_last_word() {
        for (name, letters) in [
            ("Alice Liddell", "AL"),
            ("alice", "A"),
            ("Jean-Luc de la Tour", "JT"),
            ("(Bob) \"Builder\"", "BB"),
            ("李 小龍", "李小"),
            ("محمد علي", "مع"),
            ("…", "…"),
            ("🙂", "🙂"),
        ] {
            assert_eq!(initials(name), letters, "{name}");
        }
    }
}
