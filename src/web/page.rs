//! The building blocks of pages.

pub(crate) mod avatar;
pub(crate) mod device;
pub(crate) mod icons;
pub(crate) mod parts;
pub(crate) mod shell;
pub(crate) mod times;

use icons::Icon;

use super::form::FormState;

/// The frame of a page, and what the page needs.
#[derive(Clone, Default)]
pub(crate) struct Around {
    title: Title,
    frame: Frame,
    /// Whether the page shows an error.
    wrong: bool,
    /// Whether it has islands, which need the browser bundle.
    islands: bool,
    /// Whether it has times to convert to the reader's zone.
    times: bool,
    /// Whether a change of the language must keep what is typed in its form.
    keeps_form: bool,
    /// Whether it asks for a new password.
    new_password: bool,
    /// Whether it has code to copy.
    code: bool,
    /// Whether it makes or shows passkeys.
    passkeys: bool,
}

/// Where the content of a page stands.
#[derive(Clone, Copy, Default)]
pub(crate) enum Frame {
    /// The whole width.
    #[default]
    Wide,
    /// One card, with the brand above it.
    Centered,
    /// Beside the navigation of the account.
    Account(Section),
    /// Beside the navigation of the admin area.
    Admin(Section),
    /// Beside a navigation that the content brings along.
    Docs,
}

#[derive(Clone, Default)]
enum Title {
    /// The operator's name alone.
    #[default]
    Brand,
    Name(&'static str),
    Text(String),
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
        Self {
            frame: Frame::Centered,
            wrong: form.is_wrong(),
            islands: form.form.has_island,
            keeps_form: form.form.show.is_some(),
            new_password: form.form.new_password,
            passkeys: form.form.has_passkeys,
            ..Self::of(form.form.title)
        }
    }

    pub(crate) fn framed(self, frame: Frame) -> Self {
        Self { frame, ..self }
    }

    pub(crate) fn within(self, section: Section) -> Self {
        self.framed(Frame::Account(section))
    }

    pub(crate) fn within_admin(self, section: Section) -> Self {
        self.framed(Frame::Admin(section))
    }

    pub(crate) fn with_code(self) -> Self {
        Self { code: true, ..self }
    }

    pub(crate) fn with_passkeys(self) -> Self {
        Self { passkeys: true, ..self }
    }

    /// Whether it stands beside the navigation of the account.
    pub(crate) fn is_of_account(&self) -> bool {
        matches!(self.frame, Frame::Account(_))
    }

    pub(crate) fn with_times(self) -> Self {
        Self { times: true, ..self }
    }
}

/// A page of the account, in the order in which the rooms register theirs.
#[derive(Clone, Copy)]
pub(crate) struct Section {
    pub page: &'static str,
    /// The name of its text.
    pub name: &'static str,
    pub(crate) icon: Icon,
}
