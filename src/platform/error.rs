//! The reasons why a request fails.
//!
//! A refusal is data for the client. A fault is ours: it is logged where it becomes a response
//! (`web/reply.rs`), and the client sees only the request id.

use std::error::Error as StdError;

use crate::domain::{Code, Field, FieldError};

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug)]
pub enum Error {
    Refusal(Refusal),
    Fault(Fault),
}

/// All refusals; `web/reply.rs` gives each its status and text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    InvalidInput(Vec<FieldError>),
    /// What is wrong with a definition as a whole, in words.
    InvalidDefinition(Vec<String>),
    MalformedJson,
    MalformedForm,
    /// The body is cut off, its chunks are malformed, or its length is ambiguous.
    MalformedBody,
    UsernameTaken,
    InvalidCredentials,
    Unauthorized {
        /// Whether there was a token, but an invalid one (RFC 6750, section 3.1).
        token_came: bool,
    },
    CrossOrigin,
    /// The user last confirmed who they are too long ago for this action (RFC 9470).
    ProofTooOld,
    /// The first factor was right, or there is one, but a second one is missing.
    SecondFactorRequired {
        /// The sign-in that waits for it. `None`: the session waits.
        challenge: Option<String>,
        methods: Vec<&'static str>,
    },
    /// Too many wrong attempts. The next one is allowed after this many seconds.
    TooManyTries {
        retry_after: u64,
    },
    /// The link is used, expired or invalid.
    LinkInvalid,
    /// The code or the passkey is wrong, or no longer works.
    InvalidCode,
    /// The same, because no account has this passkey.
    UnknownPasskey,
    /// Somebody who administers accounts must be left.
    LastAdministrator,
    /// The API key does not allow this (RFC 6750, section 3.1).
    InsufficientScope,
    /// Nobody may sign up, or only with an invitation.
    SignUpClosed,
    /// Another request with this `Idempotency-Key` is still running.
    KeyInUse,
    /// The `Idempotency-Key` came with another request before.
    KeyReused,
    /// The form belongs to another session, or has expired.
    StaleForm,
    NotFound,
    MethodNotAllowed {
        /// The allowed methods, as in the `Allow` header.
        allow: String,
    },
    RequestTimeout,
    ContentTooLarge,
    UnsupportedMediaType,
    /// The `Host` is not one of ours.
    MisdirectedRequest,
    /// Too much work is queued.
    Overloaded,
}

impl Refusal {
    /// One field is invalid.
    #[must_use]
    pub fn of_field(field: Field, code: Code) -> Self {
        Self::InvalidInput(vec![FieldError { field, code }])
    }
}

#[derive(Debug)]
pub enum Fault {
    /// The database is known to be away. Only the start and the end of this are logged.
    Away,
    /// The database is away or busy: this is temporary.
    Unavailable(Box<dyn StdError + Send + Sync>),
    /// Not temporary.
    Internal(Box<dyn StdError + Send + Sync>),
}

#[derive(Debug)]
struct IsAway;

impl std::fmt::Display for IsAway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the database is known to be away")
    }
}

impl StdError for IsAway {}

impl Fault {
    /// The same fault, as a temporary one.
    #[must_use]
    pub fn into_unavailable(self) -> Self {
        match self {
            Self::Away => Self::Away,
            Self::Unavailable(error) | Self::Internal(error) => Self::Unavailable(error),
        }
    }

    /// For the log only.
    #[must_use]
    pub fn source(&self) -> &(dyn StdError + 'static) {
        match self {
            Self::Away => &IsAway,
            Self::Unavailable(error) | Self::Internal(error) => error.as_ref(),
        }
    }

    pub fn internal(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Internal(error.into())
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}
