//! What is wrong with a field: a stable code for programs, a sentence for people.
//!
//! All sentences about fields stand in this file. Neither code nor sentence ever holds what the
//! user typed.

/// A field of a form. Its name is the same in JSON, in a page's form and in an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Username,
    Password,
    FullName,
}

impl Field {
    /// The name of the JSON member, and of the `errors` entry (contract: JSON routes).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Username => "username",
            Self::Password => "password",
            Self::FullName => "fullName",
        }
    }

    /// The words on its label.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Username => "Username",
            Self::Password => "Password",
            Self::FullName => "Full name",
        }
    }
}

/// Why a field is refused. Lengths are in Unicode code points unless the name says bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Absent, or empty.
    Missing,
    /// There, but not a string.
    WrongType,
    TooShort {
        min: usize,
    },
    TooLong {
        max: usize,
    },
    TooManyBytes {
        max: usize,
    },
    /// A character that the field does not take.
    Characters,
    /// A dot at the start or at the end.
    Dots,
    /// Letters of more than one script.
    MixedScripts,
    /// A name that belongs to the service itself.
    Reserved,
    /// Another account has it, or one that looks the same.
    Taken,
    /// On the list of the commonest passwords.
    TooCommon,
    /// The account's own names, or the product's, with little around them.
    TooPersonal,
}

impl Code {
    /// The word that programs may compare. It does not change between versions.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::WrongType => "wrong-type",
            Self::TooShort { .. } => "too-short",
            Self::TooLong { .. } | Self::TooManyBytes { .. } => "too-long",
            Self::Characters => "forbidden-characters",
            Self::Dots => "dot-at-end",
            Self::MixedScripts => "mixed-scripts",
            Self::Reserved => "reserved",
            Self::Taken => "taken",
            Self::TooCommon => "too-common",
            Self::TooPersonal => "too-personal",
        }
    }

    /// Every code, for the OpenAPI document.
    pub const ALL: [&'static str; 11] = [
        "missing",
        "wrong-type",
        "too-short",
        "too-long",
        "forbidden-characters",
        "dot-at-end",
        "mixed-scripts",
        "reserved",
        "taken",
        "too-common",
        "too-personal",
    ];
}

/// One bad field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldError {
    pub field: Field,
    pub code: Code,
}

impl FieldError {
    /// A sentence that says what to do.
    #[must_use]
    pub fn message(&self) -> String {
        use Field::{FullName, Password, Username};
        let label = self.field.label();
        let subject = match self.field {
            Username => "username",
            Password => "password",
            FullName => "full name",
        };
        match (self.field, self.code) {
            (_, Code::Missing) => format!("Enter your {subject}"),
            (_, Code::WrongType) => format!("{label} must be a string"),
            (_, Code::TooShort { min }) => {
                format!("{label} must be at least {min} characters long")
            }
            (_, Code::TooLong { max }) => {
                format!("{label} must be at most {max} characters long")
            }
            (_, Code::TooManyBytes { max }) => format!("{label} must be at most {max} bytes long"),
            (Username, Code::Characters) => {
                "Username may hold only letters, digits, dots, hyphens and underscores".into()
            }
            (FullName, Code::Characters) => {
                "Full name must hold visible characters, and no control characters".into()
            }
            (Password, Code::Characters) => "Password holds a character that cannot be used".into(),
            (_, Code::Dots) => format!("{label} must not start or end with a dot"),
            (_, Code::MixedScripts) => {
                format!("{label} must not mix letters of different alphabets")
            }
            (_, Code::Reserved) => format!("This {subject} is reserved. Choose another one"),
            (_, Code::Taken) => format!("{label} exists. Choose another one"),
            (_, Code::TooCommon) => {
                "This password is among the most common ones. Choose one that is harder to guess"
                    .into()
            }
            (_, Code::TooPersonal) => {
                "The password must not be made of your username, your full name, \
                 or the name of this service"
                    .into()
            }
        }
    }
}
