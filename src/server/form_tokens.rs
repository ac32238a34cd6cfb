//! The token in every form (CS-02): it goes with one session, or with one visitor, and only this
//! server can make it.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::config::Secret;

/// Whom a form belongs to.
#[derive(Clone, Copy, Debug)]
pub enum Bearer<'a> {
    /// The id of the session.
    Session(&'a str),
    /// The value of the visitor's cookie.
    Visitor(&'a str),
}

/// HMAC-SHA-256 with the keys of the JWTs. What it signs cannot be the start of a JWT, which has
/// no space in it, so neither can be taken for the other.
pub struct FormTokens {
    /// The current one, then the previous one.
    keys: Vec<hmac::Key>,
}

impl FormTokens {
    #[must_use]
    pub fn new(current: &Secret, previous: Option<&Secret>) -> Self {
        let secrets = [Some(current), previous].into_iter().flatten();
        Self { keys: secrets.map(|key| hmac::Key::new(hmac::HMAC_SHA256, key.expose())).collect() }
    }

    #[must_use]
    pub fn make(&self, bearer: Bearer<'_>) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.keys[0], text(bearer).as_bytes()))
    }

    /// Compares in constant time.
    #[must_use]
    pub fn fits(&self, bearer: Bearer<'_>, token: &str) -> bool {
        let Ok(tag) = URL_SAFE_NO_PAD.decode(token) else { return false };
        self.keys.iter().any(|key| hmac::verify(key, text(bearer).as_bytes(), &tag).is_ok())
    }
}

fn text(bearer: Bearer<'_>) -> String {
    match bearer {
        Bearer::Session(id) => format!("form token, session: {id}"),
        Bearer::Visitor(id) => format!("form token, visitor: {id}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::config::{Settings, Sources},
        *,
    };

    #[test]
    fn a_token_goes_with_one_bearer() {
        let sources = Sources::of(&[("JWT_SECRET", "6f1c9c1e5b0a4a1f8d2e7c3b9a0f5e4d")]);
        let secret = Settings::read(&sources).expect("good settings").jwt_secret;
        let tokens = FormTokens::new(&secret.expect("a secret"), None);
        let token = tokens.make(Bearer::Session("a"));
        assert!(tokens.fits(Bearer::Session("a"), &token));
        assert!(!tokens.fits(Bearer::Session("b"), &token));
        assert!(!tokens.fits(Bearer::Visitor("a"), &token));
        assert!(!tokens.fits(Bearer::Session("a"), ""));
    }
}
