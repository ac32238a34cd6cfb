//! Why a request does not get what it asked for.
//!
//! A refusal is data for whoever asked. A fault is ours: it is logged where it becomes an answer
//! (`reply.rs`), and the outside sees nothing of it but the request id.

use std::error::Error as StdError;

use crate::domain::FieldError;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug)]
pub enum Error {
    Refusal(Refusal),
    Fault(Fault),
}

/// Every refusal there is; `reply.rs` gives each its status and its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    InvalidInput(Vec<FieldError>),
    MalformedJson,
    MalformedForm,
    /// The body broke off, its chunks are broken, or its length is not clear.
    MalformedBody,
    UsernameTaken,
    InvalidCredentials,
    Unauthorized {
        /// Whether a token came that was not good (RFC 6750, section 3.1).
        token_came: bool,
    },
    CrossOrigin,
    /// The password was shown too long ago for what was asked (RFC 9470).
    ProofTooOld,
    /// Too many wrong tries. Seconds after which the next may come.
    TooManyTries {
        retry_after: u64,
    },
    /// The box that says "I want this" was not checked.
    NotConfirmed,
    /// The link was used, or is too old, or is none.
    LinkInvalid,
    /// The form was made for another session, or too long ago.
    StaleForm,
    NotFound,
    MethodNotAllowed {
        /// The methods that there are, as in the header `Allow`.
        allow: String,
    },
    RequestTimeout,
    ContentTooLarge,
    UnsupportedMediaType,
    /// The `Host` is not one of ours.
    MisdirectedRequest,
    /// More work is waiting than can be done soon.
    Overloaded,
}

#[derive(Debug)]
pub enum Fault {
    /// The database is known to be away. That is logged when it begins and when it ends.
    Away,
    /// The database is away or busy: it will pass.
    Unavailable(Box<dyn StdError + Send + Sync>),
    /// It will not pass by itself.
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
    /// The same fault, as one that may pass.
    #[must_use]
    pub fn into_unavailable(self) -> Self {
        match self {
            Self::Away => Self::Away,
            Self::Unavailable(error) | Self::Internal(error) => Self::Unavailable(error),
        }
    }

    /// For the log, and for nobody else.
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
