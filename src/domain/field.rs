//! Errors of a field, as stable codes. The sentences for people are in `src/texts/`. Neither ever
//! contains what the user typed.

/// A field of a form. It has one name in JSON, in a page's form and in errors (contract: JSON
/// routes).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field(&'static str);

impl Field {
    pub const USERNAME: Self = Self("username");
    pub const PASSWORD: Self = Self("password");
    /// The current password of a user who is signed in.
    pub const CURRENT_PASSWORD: Self = Self("currentPassword");
    /// The password that replaces it.
    pub const NEW_PASSWORD: Self = Self("newPassword");
    /// The token that a program exchanges for a new access token.
    pub const REFRESH_TOKEN: Self = Self("refreshToken");
    /// Whether the answer should contain a refresh token.
    pub const REFRESH: Self = Self("refresh");
    pub const EMAIL: Self = Self("email");
    /// A username or an email address.
    pub const IDENTIFIER: Self = Self("identifier");
    /// A code that was sent by mail.
    pub const CODE: Self = Self("code");
    /// The first step of a sign-in, which the second one completes.
    pub const CHALLENGE: Self = Self("challenge");
    pub const RECOVERY_CODE: Self = Self("recoveryCode");
    /// The answer of an authenticator.
    pub const CREDENTIAL: Self = Self("credential");
    /// The name of a passkey.
    pub const NAME: Self = Self("name");
    /// The second factors as a whole.
    pub const FACTOR: Self = Self("factor");
    /// Whether to stop what a link would do.
    pub const STOP: Self = Self("stop");
    /// The token in a link.
    pub const TOKEN: Self = Self("token");
    /// The start of a page of a listing.
    pub const AFTER: Self = Self("after");
    /// The length of a page of a listing.
    pub const LIMIT: Self = Self("limit");

    /// A field that is declared elsewhere.
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
    /// Present, but not a string.
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
    /// A character that the field does not allow.
    Characters,
    /// A dot at the start or at the end.
    Dots,
    /// Letters from more than one script.
    MixedScripts,
    /// A name that belongs to the service itself.
    Reserved,
    /// Used by another account, or too similar to such a name.
    Taken,
    /// On the list of the most common passwords.
    TooCommon,
    /// Little more than one of the account's own names, or the product's.
    TooPersonal,
    /// Not the account's password.
    Wrong,
    /// Already the account's password.
    Unchanged,
    /// Not one of the possible values.
    OutOfRange,
    /// Not an email address.
    NotAnAddress,
    /// Not an address of the web.
    NotAUrl,
    /// An address of the web that is not encrypted.
    NotHttps,
    /// An address inside the operator's network.
    Inside,
    /// Without it, nobody could sign in to the account.
    LastWayIn,
    /// The operator requires it.
    Required,
    /// There are as many as there may be.
    TooMany {
        max: usize,
    },
}

impl Code {
    /// The word for programs to compare. It does not change between versions.
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
            Self::NotAnAddress => "not-an-address",
            Self::NotAUrl => "not-a-url",
            Self::NotHttps => "not-https",
            Self::Inside => "inside",
            Self::LastWayIn => "last-way-in",
            Self::Required => "required",
            Self::TooMany { .. } => "too-many",
        }
    }

    /// Every code, for the OpenAPI document.
    pub const ALL: [&'static str; 21] = [
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
        "not-an-address",
        "not-a-url",
        "not-https",
        "inside",
        "last-way-in",
        "required",
        "too-many",
    ];
}

/// One bad field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldError {
    pub field: Field,
    pub code: Code,
}
