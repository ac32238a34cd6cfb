//! Client authentication at the token endpoint (RFC 6749, section 2.3; RFC 7523), and the errors of OAuth.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;

use super::{assertion, request::Params};
use crate::{
    apps::App,
    platform::{clock::now, error},
    services::Services,
};

/// An error of OAuth (RFC 6749, section 5.2).
#[derive(Debug)]
pub enum Failed {
    /// A word of the specification, and why, for the app's developer.
    Request(&'static str, &'static str),
    /// The app could not prove which one it is. `basic`: it tried `client_secret_basic`.
    Client {
        basic: bool,
    },
    Ours(error::Error),
}

impl From<error::Error> for Failed {
    fn from(error: error::Error) -> Self {
        Self::Ours(error)
    }
}

impl From<error::Fault> for Failed {
    fn from(fault: error::Fault) -> Self {
        Self::Ours(fault.into())
    }
}

pub type Answer<T> = Result<T, Failed>;

impl Params {
    /// A parameter; twice is wrong.
    pub fn once(&self, name: &str) -> Answer<Option<&str>> {
        let twice = Failed::Request("invalid_request", "A parameter is there twice.");
        self.get(name).map_err(|_| twice)
    }
}

/// The credentials that a request shows: the app's id, and its proof if it has one.
struct Shown {
    id: String,
    proof: Proof,
    basic: bool,
}

enum Proof {
    None,
    Secret(String),
    Assertion(String),
}

/// The app that asks. A public app only names itself; any other must show its secret, or an assertion that it
/// has signed, and in one way. `authorization`: the header, if there is one; empty, if there are several.
/// `endpoint`: where it asks.
pub async fn authenticate(
    services: &Services,
    authorization: Option<&str>,
    params: &Params,
    endpoint: &str,
) -> Answer<Arc<App>> {
    let Shown { id, proof, basic } = shown(authorization, params)?;
    let refused = || Failed::Client { basic };
    let app = services.apps.find(&id).await?.ok_or_else(refused)?;
    let is_right = match proof {
        Proof::Secret(secret) => app.definition.has_secret() && app.has_secret(&secret, now()),
        Proof::Assertion(assertion) => {
            let issuer = services.issuer();
            let names = ["", super::json::TOKEN, endpoint].map(|path| format!("{issuer}{path}"));
            assertion::check(services, &app, &assertion, &names).await?;
            true
        }
        // An app that is only behind a proxy never comes here: we redeem its codes ourselves.
        Proof::None => app.definition.public,
    };
    if is_right { Ok(app) } else { Err(refused()) }
}

fn shown(authorization: Option<&str>, params: &Params) -> Answer<Shown> {
    let twice = || Failed::Request("invalid_request", "Authenticate the app in one way only.");
    let (id, secret) = (params.once("client_id")?, params.once("client_secret")?);
    let asserted = (params.once("client_assertion_type")?, params.once("client_assertion")?);
    if let (Some(kind), Some(assertion)) = asserted {
        if authorization.is_some() || secret.is_some() {
            return Err(twice());
        }
        let claimed = assertion::claimed(assertion).filter(|_| kind == assertion::TYPE);
        let claimed = claimed.filter(|claimed| id.is_none_or(|id| id == claimed));
        let id = claimed.ok_or(Failed::Client { basic: false })?;
        return Ok(Shown { id, proof: Proof::Assertion(assertion.to_owned()), basic: false });
    }
    if asserted != (None, None) {
        let why = "client_assertion and client_assertion_type go together.";
        return Err(Failed::Request("invalid_request", why));
    }
    let proof = |secret: Option<String>| secret.map_or(Proof::None, Proof::Secret);
    let Some(authorization) = authorization else {
        let id = id.ok_or(Failed::Client { basic: false })?.to_owned();
        return Ok(Shown { id, proof: proof(secret.map(str::to_owned)), basic: false });
    };
    let (basic_id, basic_secret) =
        read_basic(authorization).ok_or(Failed::Client { basic: true })?;
    if secret.is_some() || id.is_some_and(|id| id != basic_id) {
        return Err(twice());
    }
    let secret = Some(basic_secret).filter(|secret| !secret.is_empty());
    Ok(Shown { id: basic_id, proof: proof(secret), basic: true })
}

/// Both parts are encoded as in a form before they are put together (RFC 6749, section 2.3.1).
fn read_basic(text: &str) -> Option<(String, String)> {
    let (scheme, encoded) = text.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let decode = |part: &str| {
        let part = part.replace('+', " ");
        percent_decode_str(&part).decode_utf8().ok().map(std::borrow::Cow::into_owned)
    };
    Some((decode(id)?, decode(secret)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_is_read_as_it_is_written() {
        let encode = |text: &str| format!("Basic {}", STANDARD.encode(text));
        let read = |text: &str| read_basic(&encode(text));
        assert_eq!(read("a:b"), Some(("a".into(), "b".into())));
        assert_eq!(read("a%3Ab:c%2Bd+e"), Some(("a:b".into(), "c+d e".into())));
        assert_eq!(read("a"), None);
        assert_eq!(read_basic("Bearer x"), None);
        assert_eq!(read_basic("Basic !"), None);
    }
}
