//! A device and its network, in words and as an icon.

use super::icons::{Icon, MONITOR, PHONE, TABLET, TERMINAL, UNKNOWN};
use crate::{
    texts::{t, t_with},
    web::client::{is_program, known_device},
};

/// `Firefox on Linux`, from what is recorded.
pub(crate) fn name(recorded: &str) -> String {
    let known = known_device(recorded);
    match known.split_once(", ") {
        Some((browser, system)) => {
            t_with("device", &[("browser", browser.into()), ("system", system.into())])
        }
        None if known.is_empty() => t("session-unknown-device"),
        None => known.into_owned(),
    }
}

pub(crate) fn icon(recorded: &str) -> Icon {
    let known = known_device(recorded);
    match known.split_once(", ") {
        Some((_, "iPad")) => TABLET,
        Some((_, "iPhone" | "iPod" | "iOS" | "Android" | "Windows Phone OS" | "Firefox OS")) => {
            PHONE
        }
        Some(_) => MONITOR,
        None if known.is_empty() => UNKNOWN,
        None if is_program(&known) => TERMINAL,
        None => MONITOR,
    }
}

/// `203.0.113.x`, from `203.0.113.0/24`.
pub(crate) fn network(recorded: &str) -> String {
    match recorded.split_once('/') {
        Some((v4, "24")) => v4.strip_suffix(".0").map(|start| format!("{start}.x")),
        Some((v6, "48")) => v6.strip_suffix(':').map(|start| format!("{start}…")),
        _ => None,
    }
    .unwrap_or_else(|| recorded.to_owned())
}

/// The parts that are known, with a dot between them.
pub(crate) fn with_dots<const N: usize>(parts: [String; N]) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_written_for_people() {
        for (recorded, words) in [
            ("203.0.113.0/24", "203.0.113.x"),
            ("10.0.0.0/24", "10.0.0.x"),
            ("2001:db8:1::/48", "2001:db8:1:…"),
            ("::/48", ":…"),
            ("", ""),
            ("203.0.113.9/32", "203.0.113.9/32"),
        ] {
            assert_eq!(network(recorded), words);
        }
    }

    #[test]
    fn a_device_has_a_name_and_an_icon() {
        for (recorded, words, shape) in [
            ("Safari, iPhone", "Safari on iPhone", PHONE),
            ("Safari, iPad", "Safari on iPad", TABLET),
            ("Chrome, Windows 10", "Chrome on Windows", MONITOR),
            ("Safari, Mac OSX", "Safari on macOS", MONITOR),
            ("curl", "curl", TERMINAL),
            ("Firefox", "Firefox", MONITOR),
            ("", "Unknown device", UNKNOWN),
            ("Firefox, evil.example", "Unknown device", UNKNOWN),
        ] {
            assert_eq!(name(recorded), words);
            assert!(icon(recorded) == shape, "{recorded}");
        }
    }
}
