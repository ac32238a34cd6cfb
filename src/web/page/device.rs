//! A device and its network, in words and as an icon.

use super::icons::{Icon, MONITOR, PHONE, TABLET, TERMINAL, UNKNOWN};
use crate::{
    texts::language,
    web::client::{is_program, known_device},
};

/// `Firefox on Linux`, from what is recorded.
pub(crate) fn name(recorded: &str) -> String {
    language().device(&known_device(recorded))
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

/// The parts that are known, with a dot between them.
pub(crate) fn with_dots<const N: usize>(parts: [String; N]) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

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
