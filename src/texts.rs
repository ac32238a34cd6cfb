//! Every text that people read, in every language, and the choice of language.
//!
//! The texts are in `texts/*.ftl`, in the language of Project Fluent. To add a language, add a
//! file, a variant of [`Language`] and a line in [`Language::ALL`]. Programs get English.

use std::{
    collections::HashMap,
    sync::{LazyLock, PoisonError, RwLock},
};

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use leptos::prelude::use_context;

use time::OffsetDateTime;

use crate::domain::{Code, FieldError};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    English,
    German,
}

impl Language {
    /// The first is the fallback.
    pub const ALL: [(Self, &'static str, &'static str); 2] = [
        (
            Self::English,
            "en",
            concat!(include_str!("texts/en.ftl"), include_str!("texts/en-admin.ftl")),
        ),
        (
            Self::German,
            "de",
            concat!(include_str!("texts/de.ftl"), include_str!("texts/de-admin.ftl")),
        ),
    ];

    /// Its position in [`Language::ALL`].
    #[must_use]
    pub fn index(self) -> usize {
        Self::ALL.iter().position(|(language, ..)| *language == self).unwrap_or(0)
    }

    /// The tag of RFC 5646.
    #[must_use]
    pub fn tag(self) -> &'static str {
        Self::ALL[self.index()].1
    }

    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default();
        let known = Self::ALL.iter().find(|(_, tag, _)| tag.eq_ignore_ascii_case(primary));
        known.map(|(language, ..)| *language)
    }

    /// What `Accept-Language` asks for (RFC 9110, section 12.5.4): the known language with the
    /// highest weight, the first of several.
    #[must_use]
    pub fn accepted(header: &str) -> Option<Self> {
        let weighted = |range: &str| {
            let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
            let weight = match parameters.trim().strip_prefix("q=") {
                Some(weight) => weight.parse::<f32>().ok().filter(|q| (0.0..=1.0).contains(q))?,
                None => 1.0,
            };
            let language = Self::of_tag(tag.trim())?;
            (weight > 0.0).then_some((weight, language))
        };
        let mut best: Option<(f32, Self)> = None;
        for (weight, language) in header.split(',').take(32).filter_map(weighted) {
            if best.is_none_or(|(best, _)| weight > best) {
                best = Some((weight, language));
            }
        }
        best.map(|(_, language)| language)
    }

    /// A text without variables. It is formatted once.
    #[must_use]
    pub fn text(self, name: &str) -> String {
        let ready = &READY[self.index()];
        let found = ready.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        found.unwrap_or_else(|| {
            let text = self.text_with(name, &[]);
            if self.has(name.split('.').next().unwrap_or_default()) {
                let mut ready = ready.write().unwrap_or_else(PoisonError::into_inner);
                ready.insert(name.to_owned(), text.clone());
            }
            text
        })
    }

    /// A text with variables. `name` may be `message.attribute`.
    #[must_use]
    pub fn text_with(self, name: &str, values: &[(&'static str, FluentValue<'_>)]) -> String {
        let bundle = &BUNDLES[self.index()];
        let (message, attribute) = match name.split_once('.') {
            Some((message, attribute)) => (message, Some(attribute)),
            None => (name, None),
        };
        let message = bundle.get_message(message);
        let pattern = message.as_ref().and_then(|message| match attribute {
            Some(attribute) => message.get_attribute(attribute).map(|found| found.value()),
            None => message.value(),
        });
        // The tests make sure that there is one.
        let Some(pattern) = pattern else { return name.to_owned() };
        let arguments: FluentArgs<'_> = values.iter().cloned().collect();
        let mut text = String::new();
        _ = bundle.write_pattern(&mut text, pattern, Some(&arguments), &mut Vec::new());
        text
    }

    /// `23 November 2026`, in UTC. `seconds`: since 1970.
    #[must_use]
    pub fn date(self, seconds: i64) -> String {
        self.time_in_words("date", seconds)
    }

    /// `23 November 2026, 00:01 UTC`
    #[must_use]
    pub fn date_time(self, seconds: i64) -> String {
        self.time_in_words("date-time", seconds)
    }

    /// The time of the day.
    #[must_use]
    pub fn clock(self, seconds: i64) -> String {
        self.time_in_words("clock", seconds)
    }

    fn time_in_words(self, name: &str, seconds: i64) -> String {
        let time = OffsetDateTime::from_unix_timestamp(seconds);
        let time = time.unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let month = self.text(&format!("month-{}", u8::from(time.month())));
        let clock = format!("{:02}:{:02}", time.hour(), time.minute());
        self.text_with(
            name,
            &[
                ("day", number(time.day().into())),
                ("month", month.into()),
                // As text: a number might get a separator.
                ("year", time.year().to_string().into()),
                ("time", clock.into()),
            ],
        )
    }

    /// `Firefox on Linux`, from a device as it is recorded.
    #[must_use]
    pub fn device(self, recorded: &str) -> String {
        match recorded.split_once(", ") {
            Some((browser, system)) => {
                self.text_with("device", &[("browser", browser.into()), ("system", system.into())])
            }
            None if recorded.is_empty() => self.text("session-unknown-device"),
            None => recorded.to_owned(),
        }
    }

    /// Whether there is such a text.
    #[must_use]
    pub fn has(self, name: &str) -> bool {
        BUNDLES[self.index()].has_message(name)
    }

    /// The message for a bad field: the problem and the fix, but never what was typed.
    #[must_use]
    pub fn field_error(self, error: &FieldError) -> String {
        let name = format!("{}-{}", error.field.name(), error.code.as_str());
        let values: &[(&'static str, FluentValue<'_>)] = &match error.code {
            Code::TooShort { min } => [("min", number(min))],
            Code::TooLong { max } | Code::TooManyBytes { max } | Code::TooMany { max } => {
                [("max", number(max))]
            }
            _ => [("", FluentValue::None)],
        };
        let name = if self.has(&name) { name } else { format!("any-{}", error.code.as_str()) };
        self.text_with(&name, values)
    }
}

/// The texts without variables, by language and name.
static READY: LazyLock<[RwLock<HashMap<String, String>>; Language::ALL.len()]> =
    LazyLock::new(Default::default);

static BUNDLES: LazyLock<Vec<FluentBundle<FluentResource>>> = LazyLock::new(|| {
    let bundle = |(_, tag, text): &(Language, &str, &str)| {
        let tag = tag.parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![tag]);
        // The isolating marks are for texts of mixed direction, and screen readers would read them.
        bundle.set_use_isolating(false);
        let resource = FluentResource::try_new((*text).to_owned());
        _ = bundle.add_resource(resource.unwrap_or_else(|(resource, _)| resource));
        bundle
    };
    Language::ALL.iter().map(bundle).collect()
});

#[must_use]
pub fn number(value: usize) -> FluentValue<'static> {
    FluentValue::from(u64::try_from(value).unwrap_or(u64::MAX))
}

/// The language of the page that is being rendered.
#[must_use]
pub fn language() -> Language {
    use_context().unwrap_or(Language::English)
}

/// A text of the page that is being rendered.
#[must_use]
pub fn t(name: &str) -> String {
    language().text(name)
}

/// A text with variables, on the page that is being rendered.
#[must_use]
pub fn t_with(name: &str, values: &[(&'static str, FluentValue<'_>)]) -> String {
    language().text_with(name, values)
}

impl std::fmt::Display for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.tag())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use fluent_bundle::FluentResource;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::Field;

    fn names(text: &str) -> BTreeSet<String> {
        let is_name = |line: &&str| line.starts_with(|c: char| c.is_ascii_alphabetic());
        let mut names = BTreeSet::new();
        let mut message = String::new();
        for line in text.lines() {
            if is_name(&line) {
                message = line.split(" =").next().expect("a name").to_owned();
                assert!(names.insert(message.clone()), "{message} twice");
            } else if let Some(attribute) = line.trim_start().strip_prefix('.') {
                names.insert(format!("{message}.{}", attribute.split(' ').next().expect("a name")));
            }
        }
        names
    }

    #[test]
    fn every_file_is_good_and_has_the_same_texts_with_the_same_variables() {
        // By message, including its attributes.
        let variables = |text: &str| {
            let mut found = BTreeSet::new();
            let mut message = "";
            for line in text.lines() {
                if line.starts_with(|c: char| c.is_ascii_alphabetic()) {
                    message = line.split(" =").next().expect("a name");
                }
                for rest in line.split('$').skip(1) {
                    let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
                    found.insert((message.to_owned(), rest[..end].to_owned()));
                }
            }
            found
        };
        let (_, _, english) = Language::ALL[0];
        for (language, _, text) in Language::ALL {
            let resource = FluentResource::try_new(text.to_owned());
            let resource = resource.unwrap_or_else(|_| panic!("{language}"));
            // No text has the name of another.
            let twice = FluentBundle::new_concurrent(Vec::new()).add_resource(resource).err();
            assert!(twice.is_none(), "{language}: {twice:?}");
            assert_eq!(names(text), names(english), "{language}");
            assert_eq!(variables(text), variables(english), "{language}");
        }
    }

    #[test]
    fn every_text_that_a_page_asks_for_is_there() {
        fn walk(folder: &std::path::Path, code: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    walk(&path, code);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    code.push(std::fs::read_to_string(&path).expect("text"));
                }
            }
        }
        let (mut files, mut asked) = (Vec::new(), BTreeSet::new());
        walk(std::path::Path::new("src"), &mut files);
        for code in files {
            for call in [
                " t(\"",
                "(t(\"",
                "{t(\"",
                "=t(\"",
                "t_with(\"",
                "t_brand(\"",
                "lead: \"",
                "title: \"",
            ] {
                for (at, _) in code.match_indices(call) {
                    let name = code[at + call.len()..].split('"').next().expect("a name");
                    if name.contains(' ') || name.starts_with(char::is_uppercase) {
                        continue;
                    }
                    for (language, ..) in Language::ALL {
                        assert!(language.has(name), "{name} in {language}");
                    }
                    asked.insert(name.to_owned());
                }
            }
        }
        assert!(asked.len() > 30, "{asked:?}");
    }

    #[test]
    fn every_event_has_its_words() {
        let acts = crate::server::acts();
        let words: BTreeSet<&str> = acts.iter().map(|act| act.0).collect();
        assert_eq!(words.len(), acts.len(), "each has a word of its own");
        for act in acts {
            let name = format!("event-{}", act.0.replace(':', "-"));
            assert!(Language::English.has(&name), "{name}");
        }
    }

    #[test]
    fn everything_that_is_looked_up_by_a_name_has_its_text() {
        let notices = crate::server::notices();
        let names = notices.iter().map(|notice| format!("saved-{}", notice.word));
        let fields = crate::domain::profile::FIELDS;
        let names = names.chain(fields.iter().map(|field| format!("field-{}", field.field.name())));
        let kinds = crate::web::problem_kinds::KINDS;
        let names = names.chain(kinds.iter().map(|kind| format!("problem-{}", kind.slug)));
        for name in names {
            assert!(Language::English.has(&name), "{name}");
        }
    }

    #[test]
    fn every_code_that_a_field_can_have_has_its_sentence() {
        let own = [Field::USERNAME, Field::PASSWORD, Field::CURRENT_PASSWORD, Field::NEW_PASSWORD];
        let of_profile = crate::domain::profile::FIELDS.map(|field| field.field);
        for field in own.into_iter().chain(of_profile) {
            for code in [Code::Missing, Code::WrongType, Code::TooLong { max: 7 }] {
                for (language, ..) in Language::ALL {
                    let text = language.field_error(&FieldError { field, code });
                    assert!(text.contains(' '), "{text}");
                    assert_eq!(text.contains('7'), code == Code::TooLong { max: 7 }, "{text}");
                }
            }
        }
    }

    #[test]
    fn a_text_says_how_many_in_words() {
        let hours = |language: Language, count: usize| {
            language.text_with("ago-hours", &[("count", number(count))])
        };
        assert_eq!(hours(Language::English, 1), "an hour ago");
        assert_eq!(hours(Language::English, 5), "5 hours ago");
        assert_eq!(hours(Language::German, 1), "vor einer Stunde");
        assert_eq!(hours(Language::German, 5), "vor 5 Stunden");
    }

    #[test]
    fn the_best_known_language_is_taken() {
        for (header, tag) in [
            ("de", Some("de")),
            ("de-AT,de;q=0.9,en;q=0.8", Some("de")),
            ("en-US,en;q=0.9,de;q=0.8", Some("en")),
            ("fr, de;q=0.7, en;q=0.3", Some("de")),
            ("de;q=0, en;q=0.1", Some("en")),
            ("fr", None),
            ("", None),
            ("*", None),
            ("de;q=2", None),
            ("DE", Some("de")),
        ] {
            assert_eq!(Language::accepted(header).map(Language::tag), tag, "{header}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_read_without_a_panic(header in "\\PC{0,60}") {
            let _ = Language::accepted(&header);
        }
    }
}
