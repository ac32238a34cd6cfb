//! What this server vouches for: HMAC-SHA-256 with the keys of the JWTs.
//!
//! Each statement says what it is for, so none can be taken for another one (CS-02). None can be
//! the start of a JWT either, which has no space in it.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::domain::AccountId;
use crate::platform::settings::Secret;

/// What a tag stands for.
#[derive(Clone, Copy, Debug)]
pub enum Statement<'a> {
    /// A form was made by us, for the sessions of this family.
    SessionForm(&'a str),
    /// A form was made by us, for the visitor whose cookie has this value.
    VisitorForm(&'a str),
    /// Somebody has signed in to this account from the device with this id, with the password of
    /// this hash.
    Device(&'a str, AccountId, &'a str),
    /// Stands for whoever is counted, without telling who it is.
    Counted(&'a str),
    /// A session began by the request that ended the one with this id.
    Successor(&'a str),
    /// A session began by a sign-up of this visitor, with this name.
    SignUpOf(&'a str, &'a str),
    /// This has just been done, and whoever has this session or visitor id is told so.
    Notice(&'a str, &'a str),
    /// This is to be done for the session of this family as soon as the password is shown.
    Pending(&'a str, &'a str),
    /// Seals what the request that ended this session gets, if it comes again.
    Seal(&'a str),
    /// Stands for the session with this id, where the id itself must not be written down (LG-03).
    SessionReference(&'a str),
}

impl Statement<'_> {
    fn text(self) -> String {
        match self {
            Self::SessionForm(id) => format!("form token, session: {id}"),
            Self::VisitorForm(id) => format!("form token, visitor: {id}"),
            Self::Device(id, account, hash) => format!("device of {} {hash}: {id}", account.0),
            Self::Counted(who) => format!("counted: {who}"),
            Self::Successor(id) => format!("successor of session: {id}"),
            Self::SignUpOf(visitor, name) => format!("sign-up of visitor {visitor}: {name}"),
            Self::Notice(text, whom) => format!("notice for {whom}: {text}"),
            Self::Pending(text, family) => format!("pending for session {family}: {text}"),
            Self::Seal(id) => format!("seal of what comes after session: {id}"),
            Self::SessionReference(id) => format!("session reference: {id}"),
        }
    }
}

pub struct Macs {
    /// The current one, then the previous one.
    keys: Vec<hmac::Key>,
}

impl Macs {
    #[must_use]
    pub fn new(current: &Secret, previous: Option<&Secret>) -> Self {
        let secrets = [Some(current), previous].into_iter().flatten();
        Self { keys: secrets.map(|key| hmac::Key::new(hmac::HMAC_SHA256, key.expose())).collect() }
    }

    /// The tag, in base64url: 43 characters.
    #[must_use]
    pub fn tag(&self, statement: Statement<'_>) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.keys[0], statement.text().as_bytes()))
    }

    /// Key material that only this server can make, with the secret of today.
    #[must_use]
    pub fn key(&self, statement: Statement<'_>) -> [u8; 32] {
        let tag = hmac::sign(&self.keys[0], statement.text().as_bytes());
        let mut key = [0; 32];
        key.copy_from_slice(tag.as_ref());
        key
    }

    /// Whether this server has made the tag. Compares in constant time.
    #[must_use]
    pub fn fits(&self, statement: Statement<'_>, tag: &str) -> bool {
        let Ok(tag) = URL_SAFE_NO_PAD.decode(tag) else { return false };
        self.keys.iter().any(|key| hmac::verify(key, statement.text().as_bytes(), &tag).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        keys::*,
        platform::settings::{Settings, Sources},
    };

    #[test]
    fn a_tag_goes_with_one_statement() {
        let sources = Sources::of(&[("JWT_SECRET", "6f1c9c1e5b0a4a1f8d2e7c3b9a0f5e4d")]);
        let secret = Settings::read(&sources).expect("good settings").jwt_secret;
        let macs = Macs::new(&secret.expect("a secret"), None);
        let tag = macs.tag(Statement::SessionForm("a"));
        assert!(macs.fits(Statement::SessionForm("a"), &tag));
        assert!(!macs.fits(Statement::SessionForm("b"), &tag));
        assert!(!macs.fits(Statement::VisitorForm("a"), &tag));
        assert!(!macs.fits(Statement::SessionReference("a"), &tag));
        assert!(!macs.fits(Statement::SessionForm("a"), ""));
    }
}
