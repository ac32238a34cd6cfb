//! The building blocks of pages.

pub(crate) mod parts;
pub(super) mod shell;
pub(crate) mod times;

use super::form::FormState;

/// The frame of a page, and what the page needs.
#[derive(Clone, Default)]
pub(crate) struct Around {
    title: Title,
    /// Whether the page shows an error.
    wrong: bool,
    /// Whether it has islands, which need the browser bundle.
    islands: bool,
    /// Whether it has times to convert to the reader's zone.
    times: bool,
    /// Its place in the account.
    section: Option<Section>,
}

#[derive(Clone)]
enum Title {
    Name(&'static str),
    Text(String),
}

impl Default for Title {
    fn default() -> Self {
        Self::Name("service")
    }
}

impl Around {
    /// The frame of a page whose title is the text with this name.
    pub(crate) fn of(name: &'static str) -> Self {
        Self { title: Title::Name(name), ..Self::default() }
    }

    pub(crate) fn entitled(text: String) -> Self {
        Self { title: Title::Text(text), ..Self::default() }
    }

    pub(crate) fn of_form(form: &FormState) -> Self {
        let (wrong, islands) = (form.is_wrong(), form.form.has_island);
        Self { wrong, islands, ..Self::of(form.form.title) }
    }

    pub(crate) fn within(self, section: Section) -> Self {
        Self { section: Some(section), ..self }
    }

    pub(crate) fn with_times(self) -> Self {
        Self { times: true, ..self }
    }
}

/// A page of the account, in the order in which the rooms register theirs.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    pub page: &'static str,
    /// The name of its text.
    pub name: &'static str,
}
