//! What is wrong with a field, as a stable code. The sentences for people are in `src/texts/`.
//! Neither ever holds what the user typed.

/// A field of a form. Its name is the same in JSON, in a page's form and in an error (contract: JSON
/// routes).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field(&'static str);

impl Field {
    pub const USERNAME: Self = Self("username");
    pub const PASSWORD: Self = Self("password");
    /// The password that somebody who is signed in has now.
    pub const CURRENT_PASSWORD: Self = Self("currentPassword");
    /// The one that is to take its place.
    pub const NEW_PASSWORD: Self = Self("newPassword");
    /// What a program shows to get a new access token.
    pub const REFRESH_TOKEN: Self = Self("refreshToken");
    /// Whether the answer shall hold a refresh token.
    pub const REFRESH: Self = Self("refresh");
    /// Where a page of a listing begins.
    pub const AFTER: Self = Self("after");
    /// How long a page of a listing is.
    pub const LIMIT: Self = Self("limit");

    /// A field that stands elsewhere.
    #[must_use]
    pub const fn named(name: &'static str) -> Self {
        Self(name)
    }

    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
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
    /// Not the password that the account has.
    Wrong,
    /// The password that the account has already.
    Unchanged,
    /// Not one of the values that there are.
    OutOfRange,
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
            Self::Wrong => "wrong",
            Self::Unchanged => "unchanged",
            Self::OutOfRange => "out-of-range",
        }
    }

    /// Every code, for the OpenAPI document.
    pub const ALL: [&'static str; 14] = [
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
        "wrong",
        "unchanged",
        "out-of-range",
    ];
}

/// One bad field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldError {
    pub field: Field,
    pub code: Code,
}
