//! Declares and reads settings: the only room that reads the environment and `.env`.
//!
//! Each room declares its settings once, with [`settings!`]; `check`, `--help` and `.env.example`
//! follow from that. All bad settings are reported together, one line each, with the fix. Secrets
//! are never shown, not even invalid ones (CF-01, CF-02). This is hand-written, because settings
//! libraries stop at the first error or print the invalid value.

use std::{collections::BTreeMap, fmt, io, net::IpAddr, time::Duration};

use ipnet::IpNet;
use leptos_config::LeptosOptions;

/// A setting, as shown to the operator.
#[derive(Debug)]
pub struct Known {
    pub name: &'static str,
    /// As `check` shows it.
    pub default: &'static str,
    /// The value in `.env.example`.
    pub example: &'static str,
    pub meaning: &'static str,
    /// An extra note, for `.env.example`.
    pub note: &'static str,
    /// Whether `check` must not show it.
    pub is_secret: bool,
}

/// Declares the settings of a room, as a struct of their values. Each is one of
///
/// - `or(NAME, default, parse)`: the configured value, or the default;
/// - `given(NAME, default in words, parse, example)`: what is set, if it is;
/// - `secret(…)`: the same, and never shown.
///
/// Its meaning follows and, for `.env.example`, an optional note.
macro_rules! settings {
    ($(#[$doc:meta])* pub struct $room:ident {
        $($field:ident: $type:ty = $how:ident($name:literal, $default:literal, $parse:expr $(, $example:literal)?),
          $meaning:literal $(, $note:literal)?;)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $room {
            $(#[doc = $meaning] pub $field: $type,)*
        }

        impl $room {
            pub const KNOWN: &[$crate::platform::settings::Known] =
                &[$($crate::platform::settings::Known {
                    name: $name,
                    default: $default,
                    example: $crate::platform::settings::example($default, &[$($example)?]),
                    meaning: $meaning,
                    note: concat!($($note)?),
                    is_secret: $crate::platform::settings::is_secret(stringify!($how)),
                }),*];

            pub(crate) fn read(reader: &mut $crate::platform::settings::Reader<'_>) -> Self {
                Self { $($field: reader.$how($name, $default, $parse)),* }
            }
        }
    };
}

pub(crate) use settings;

pub(crate) const fn is_secret(how: &str) -> bool {
    how.len() == "secret".len() && how.as_bytes()[0] == b's'
}

/// The value in `.env.example`: the example, or the default.
pub(crate) const fn example(default: &'static str, example: &[&'static str]) -> &'static str {
    if example.is_empty() { default } else { example[0] }
}

/// An invalid setting, and how to fix it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadSetting {
    pub name: String,
    pub reason: String,
}

impl fmt::Display for BadSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.reason)
    }
}

/// The sources of the settings, and the faults in reading them.
pub struct Sources {
    environment: BTreeMap<String, String>,
    file: BTreeMap<String, String>,
    unreadable: Vec<BadSetting>,
    /// Environment variables whose values aren't valid text.
    not_text: Vec<String>,
}

impl Sources {
    /// The environment, and `.env` in the working folder if it exists.
    #[must_use]
    pub fn of_process() -> Self {
        let (mut unreadable, mut not_text) = (Vec::new(), Vec::new());
        let mut environment = BTreeMap::new();
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
        let variables = std::env::vars_os();
        for (name, value) in variables {
            let Some(name) = name.to_str() else { continue };
            match value.into_string() {
                Ok(value) => _ = environment.insert(name.to_owned(), value),
                Err(_) => not_text.push(name.to_owned()),
            }
        }
        let mut file = BTreeMap::new();
        match std::fs::read_to_string(".env") {
            Ok(text) => {
                // Some editors begin a file with a byte order mark.
                let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
                read_file(text, &mut file, &mut unreadable);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => unreadable.push(bad(".env", "is there, but cannot be read as a text file")),
        }
        Self { environment, file, unreadable, not_text }
    }

    /// Settings given by name, for tests.
    #[must_use]
    pub fn of(settings: &[(&str, &str)]) -> Self {
        let environment =
            settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Self { environment, file: BTreeMap::new(), unreadable: Vec::new(), not_text: Vec::new() }
    }

    /// The value of a setting, and its source. An empty value counts as unset, because Compose
    /// passes on unset variables as empty. An empty text is never a secret.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<(&str, &'static str)> {
        let is_set = |value: &&String| !value.trim().is_empty();
        self.environment
            .get(name)
            .filter(is_set)
            .map(|value| (value.as_str(), "environment"))
            .or_else(|| self.file.get(name).filter(is_set).map(|value| (value.as_str(), ".env")))
    }

    /// Unknown settings: in `.env`, every unknown name; in the environment, which is full of other
    /// programs' variables, only names that look meant for Latchkey.
    fn unknown(&self, known: &[&Known]) -> Vec<BadSetting> {
        let is_known = |name: &str| known.iter().any(|known| known.name == name);
        let misspelled = |name: &str| {
            known.iter().map(|known| known.name).find(|known| {
                known.len() >= 8 && strsim::damerau_levenshtein(known, &name.to_uppercase()) <= 2
            })
        };
        let ours = |name: &str| ["LATCHKEY_", "JWT_"].iter().any(|prefix| name.starts_with(prefix));
        let mut unknown = Vec::new();
        for name in self.file.keys().filter(|name| !is_known(name)) {
            unknown.push((name, misspelled(name)));
        }
        let of_others =
            |(name, value): &(&String, &String)| is_known(name) || is_of_a_service(name, value);
        for (name, _) in self.environment.iter().filter(|variable| !of_others(variable)) {
            let meant = misspelled(name);
            if meant.is_some() || ours(name) {
                unknown.push((name, meant));
            }
        }
        unknown
            .into_iter()
            .map(|(name, meant)| match meant {
                Some(meant) => bad(name, &format!("unknown setting; did you mean {meant}?")),
                None => bad(name, "unknown setting; see `latchkey check`"),
            })
            .collect()
    }
}

/// Whether Kubernetes or Docker put this variable into the container for a service: a Service named
/// `latchkey` creates `LATCHKEY_PORT=tcp://10.0.0.5:3000` and more.
fn is_of_a_service(name: &str, value: &str) -> bool {
    let is_address = ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme));
    let is_of_a_port = || {
        let (_, rest) = name.rsplit_once("_PORT_")?;
        let mut parts = rest.split('_');
        let number = parts.next()?;
        let protocol = parts.next()?;
        let rest: Vec<&str> = parts.collect();
        Some(
            number.parse::<u16>().is_ok()
                && ["TCP", "UDP", "SCTP"].contains(&protocol)
                && matches!(rest[..], [] | ["PROTO" | "PORT" | "ADDR"]),
        )
    };
    (name.ends_with("_PORT") && is_address)
        || name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || is_of_a_port() == Some(true)
}

/// Reads the lines of `.env`. No error shows the line: it may contain a secret.
fn read_file(text: &str, file: &mut BTreeMap<String, String>, faults: &mut Vec<BadSetting>) {
    // Of a value without quotes, dotenvy takes no space and nothing after a #, and it expands `$NAME`.
    // What it refuses is found here first, to say what to do.
    let before = faults.len();
    for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
        let name = name.trim().trim_start_matches("export ").trim_start();
        let value = value.trim();
        if name.starts_with('#') {
            continue;
        }
        if value.contains('$') && !value.starts_with('\'') {
            faults.push(bad(name, "holds a $ in .env; put the value in single quotes"));
        } else if !value.starts_with(['\'', '"']) && value.contains([' ', '#', '\'', '"']) {
            faults
                .push(bad(name, "holds a space, a # or a quote in .env; put the value in quotes"));
        }
    }
    if faults.len() > before {
        return;
    }
    for (number, line) in dotenvy::from_read_iter(text.as_bytes()).enumerate() {
        match line {
            Ok((name, value)) => {
                if file.insert(name.clone(), value).is_some() {
                    faults.push(bad(&name, "is set twice in .env"));
                }
            }
            Err(_) => {
                let entry = format!("entry {} is not of the form NAME=value", number + 1);
                faults.push(bad(".env", &entry));
            }
        }
    }
}

pub(crate) fn bad(name: &str, reason: &str) -> BadSetting {
    BadSetting { name: name.to_owned(), reason: reason.to_owned() }
}

/// Reads settings one by one, and collects all faults.
pub(crate) struct Reader<'a> {
    sources: &'a Sources,
    pub(crate) faults: Vec<BadSetting>,
}

impl<'a> Reader<'a> {
    /// `known`: all settings.
    pub(crate) fn new(sources: &'a Sources, known: &[&Known]) -> Self {
        let mut faults = sources.unreadable.clone();
        let is_known = |name: &&String| known.iter().any(|known| known.name == **name);
        let not_text = sources.not_text.iter().filter(is_known);
        faults.extend(not_text.map(|name| bad(name, "is not valid UTF-8")));
        faults.extend(sources.unknown(known));
        Self { sources, faults }
    }

    /// The configured value, or the default.
    pub(crate) fn or<T>(
        &mut self,
        name: &str,
        default: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> T {
        let given = self.given(name, default, &parse);
        #[expect(clippy::expect_used, reason = "a test reads every default")]
        given.unwrap_or_else(|| parse(default).expect("a good default"))
    }

    /// The configured value, if any.
    pub(crate) fn given<T>(
        &mut self,
        name: &str,
        _default: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let (text, _) = self.sources.get(name)?;
        parse(text).map_err(|reason| self.faults.push(bad(name, &reason))).ok()
    }

    /// The same, for what is never shown.
    pub(crate) fn secret<T>(
        &mut self,
        name: &str,
        default: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        self.given(name, default, parse)
    }

    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.sources.get(name).is_some()
    }
}

/// What is wrong in a TOML file, and on which line. The line itself may hold a secret.
pub(crate) fn toml_fault(text: &str, error: &toml::de::Error) -> String {
    let start = error.span().map_or(0, |span| span.start.min(text.len()));
    let line = text.as_bytes()[..start].iter().filter(|byte| **byte == b'\n').count() + 1;
    format!("line {line}: {}", error.message())
}

/// Addresses or networks, with commas between.
pub(crate) fn networks(text: &str) -> Result<Vec<IpNet>, String> {
    if text == "none" {
        return Ok(Vec::new());
    }
    text.split([',', ' '])
        .filter(|part| !part.is_empty())
        .map(|part| {
            part.parse::<IpNet>()
                .or_else(|_| part.parse::<IpAddr>().map(IpNet::from))
                .map(canonical)
                .map_err(|_| "must be addresses or networks, for example 10.0.0.0/8, ::1".into())
        })
        .collect()
}

/// Peers are compared as IPv4 where possible, so `::ffff:10.0.0.0/104` is `10.0.0.0/8`.
fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(v6) = network else { return network };
    match (v6.addr().to_ipv4_mapped(), v6.prefix_len().checked_sub(96)) {
        (Some(v4), Some(length)) => ipnet::Ipv4Net::new(v4, length).map_or(network, IpNet::V4),
        _ => network,
    }
}

pub(crate) fn switch(text: &str, on: &str, off: &str) -> Result<bool, String> {
    match text {
        text if text == on => Ok(true),
        text if text == off => Ok(false),
        _ => Err(format!("must be {on} or {off}")),
    }
}

/// `2s`, `15m`, `24h`, `30d`: at least a second, at most ten years, one number and one unit.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    const LONGEST: Duration = Duration::from_secs(3650 * 24 * 3600);
    let one_unit = text.len() > 1
        && text.ends_with(['s', 'm', 'h', 'd'])
        && text[..text.len() - 1].bytes().all(|b| b.is_ascii_digit());
    match humantime::parse_duration(text) {
        Ok(duration) if one_unit && duration >= Duration::from_secs(1) && duration <= LONGEST => {
            Ok(duration)
        }
        _ => Err("must be a duration like 2s, 15m, 24h or 30d, from 1s to 3650d".into()),
    }
}

/// A whole number within bounds.
pub(crate) fn number(text: &str, least: usize, most: usize) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(format!("must be a whole number from {least} to {most}")),
    }
}

/// The site settings: Leptos.toml, which is compiled in. They are overridden by the `LEPTOS_…`
/// variables, which leptos itself reads and only cargo-leptos should set.
pub fn site() -> Result<LeptosOptions, leptos_config::errors::LeptosConfigError> {
    leptos_config::get_config_from_str(include_str!("../../Leptos.toml"))
}

/// Whether `cargo leptos watch` runs this server and wants to reload its pages.
#[must_use]
pub fn reloads() -> bool {
    #[expect(clippy::disallowed_methods, reason = "in the one file that reads the environment")]
    std::env::var_os("LEPTOS_WATCH").is_some()
}

/// Whether OpenTelemetry's variables set an endpoint for traces and don't disable the export.
#[must_use]
pub fn exports_traces() -> bool {
    let told = |name: &str| {
        #[expect(clippy::disallowed_methods, reason = "in the one file that reads the environment")]
        std::env::var(name).unwrap_or_default()
    };
    let endpoints = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
    endpoints.iter().any(|name| !told(name).is_empty())
        && !told("OTEL_SDK_DISABLED").eq_ignore_ascii_case("true")
        && !told("OTEL_TRACES_EXPORTER").eq_ignore_ascii_case("none")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_as_it_is_written() {
        let read = |text: &str| {
            let (mut file, mut faults) = (BTreeMap::new(), Vec::new());
            read_file(text, &mut file, &mut faults);
            let faults: Vec<_> = faults.into_iter().map(|fault| fault.name).collect();
            (file.get("JWT_SECRET").cloned(), faults)
        };
        assert_eq!(read("JWT_SECRET='a$b'\n# $x=1\n"), (Some("a$b".into()), vec![]));
        assert_eq!(read("JWT_SECRET=a$b").1, ["JWT_SECRET"]);
        assert_eq!(read("PORT=1\nPORT=2").1, ["PORT"]);
        assert_eq!(read("what is this").1, [".env"]);
        // Otherwise the color would be a comment, and nobody would know.
        assert_eq!(read("BRAND_COLOR=#7434a8").1, ["BRAND_COLOR"]);
        assert_eq!(read("BRAND_NAME=Tea & Co").1, ["BRAND_NAME"]);
        assert_eq!(read("BRAND_NAME=Bob's").1, ["BRAND_NAME"]);
        assert_eq!(read("BRAND_NAME=\"Bob's\"\nBRAND_COLOR='#7434a8'").1, Vec::<String>::new());
        assert_eq!(read("# BRAND_NAME=Tea & Co").1, Vec::<String>::new());
        assert_eq!(read("JWT_SECRET=\n").1, Vec::<String>::new());
    }

    #[test]
    fn an_address_in_the_dress_of_ipv6_is_one_of_ipv4() {
        for (text, network) in [
            ("::ffff:127.0.0.1", "127.0.0.1/32"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::1", "::1/128"),
            ("fd00::/8", "fd00::/8"),
        ] {
            assert_eq!(networks(text).expect(text)[0].to_string(), network);
        }
    }
}
