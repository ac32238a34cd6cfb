//! The kinds of problems that clients see: each with one status, one address and one pair of texts.

use axum::http::StatusCode;

use crate::texts::Language;

/// A kind of problem: what `type` points to. Its words are in `texts/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProblemKind {
    pub slug: &'static str,
    pub status: StatusCode,
}

impl ProblemKind {
    #[must_use]
    pub fn title(self, language: Language) -> String {
        language.text(&format!("problem-{}", self.slug))
    }

    #[must_use]
    pub fn detail(self, language: Language) -> String {
        language.text(&format!("problem-{}.detail", self.slug))
    }

    /// The title on a page about an error: some kinds have other words for people than for programs.
    #[must_use]
    pub fn title_for_people(self, language: Language) -> String {
        language.text(&self.words_for_people(language))
    }

    #[must_use]
    pub fn detail_for_people(self, language: Language) -> String {
        language.text(&format!("{}.detail", self.words_for_people(language)))
    }

    fn words_for_people(self, language: Language) -> String {
        let own = format!("page-{}", self.slug);
        if language.has(&own) { own } else { format!("problem-{}", self.slug) }
    }
}

macro_rules! kinds {
    ($($name:ident: $status:ident, $slug:literal;)*) => {
        $(pub(crate) const $name: ProblemKind =
            ProblemKind { slug: $slug, status: StatusCode::$status };)*

        /// Every kind, ordered by status.
        pub const KINDS: &[ProblemKind] = &[$($name),*];
    };
}

kinds! {
    INVALID_INPUT: BAD_REQUEST, "invalid-input";
    MALFORMED_JSON: BAD_REQUEST, "malformed-json";
    MALFORMED_FORM: BAD_REQUEST, "malformed-form";
    MALFORMED_BODY: BAD_REQUEST, "malformed-body";
    USERNAME_TAKEN: BAD_REQUEST, "username-taken";
    INVALID_CREDENTIALS: BAD_REQUEST, "invalid-credentials";
    LINK_INVALID: BAD_REQUEST, "link-invalid";
    INVALID_CODE: BAD_REQUEST, "invalid-code";
    UNAUTHORIZED: UNAUTHORIZED, "unauthorized";
    PROOF_TOO_OLD: UNAUTHORIZED, "proof-too-old";
    SECOND_FACTOR_REQUIRED: UNAUTHORIZED, "second-factor-required";
    CROSS_ORIGIN: FORBIDDEN, "cross-origin";
    STALE_FORM: FORBIDDEN, "stale-form";
    INSUFFICIENT_SCOPE: FORBIDDEN, "insufficient-scope";
    SIGN_UP_CLOSED: FORBIDDEN, "sign-up-closed";
    NOT_FOUND: NOT_FOUND, "not-found";
    METHOD_NOT_ALLOWED: METHOD_NOT_ALLOWED, "method-not-allowed";
    REQUEST_TIMEOUT: REQUEST_TIMEOUT, "request-timeout";
    LAST_ADMINISTRATOR: CONFLICT, "last-administrator";
    KEY_IN_USE: CONFLICT, "idempotency-key-in-use";
    CONTENT_TOO_LARGE: PAYLOAD_TOO_LARGE, "content-too-large";
    UNSUPPORTED_MEDIA_TYPE: UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type";
    MISDIRECTED_REQUEST: MISDIRECTED_REQUEST, "misdirected-request";
    KEY_REUSED: UNPROCESSABLE_ENTITY, "idempotency-key-reused";
    TOO_MANY_TRIES: TOO_MANY_REQUESTS, "too-many-tries";
    INTERNAL: INTERNAL_SERVER_ERROR, "internal";
    UNAVAILABLE: SERVICE_UNAVAILABLE, "unavailable";
}
