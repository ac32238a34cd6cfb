//! What pages are made of.

pub(crate) mod parts;
pub(super) mod shell;
pub(crate) mod times;

use super::form::FormState;

/// What stands around a page, and what it brings along.
#[derive(Clone, Default)]
pub(crate) struct Around {
    title: Title,
    /// Whether the page says that something is wrong.
    wrong: bool,
    /// Whether it has islands, and so needs the browser bundle.
    islands: bool,
    /// Whether it has times, to be put into the reader's zone.
    times: bool,
    /// Where it is in the account.
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
    /// Around a page whose title is the text with this name.
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

/// A page of one's account, in the order in which the rooms name theirs.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    pub page: &'static str,
    /// The name of its text.
    pub name: &'static str,
}
