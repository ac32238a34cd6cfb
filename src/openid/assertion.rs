//! Client authentication by a key pair: `private_key_jwt` (RFC 7523, section 3; OpenID Connect Core 1.0,
//! section 9).
//!
//! An assertion says who asks and whom it asks, is good for minutes, and once.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use url::Url;

use super::{
    client::{Answer, Failed},
    sql,
};
use crate::{
    apps::App,
    audit::sha256,
    platform::{clock::now, fetch::Unfetched, jose},
    services::Services,
    sessions::tokens::CLOCK_SKEW,
};

/// The value of `client_assertion_type`.
pub const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How long an assertion may be good, in seconds.
const LONGEST: i64 = 3600;

/// The app that an assertion says it comes from. Nothing is checked yet.
#[must_use]
pub fn claimed(assertion: &str) -> Option<String> {
    let part = assertion.split('.').nth(1).filter(|part| part.len() <= 8192)?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()?;
    claims.get("sub")?.as_str().map(str::to_owned)
}

/// Whether an app has signed this assertion, for this server, just now. `audiences`: the names that this server
/// goes by.
pub async fn check(
    services: &Services,
    app: &App,
    assertion: &str,
    audiences: &[String],
) -> Answer<()> {
    let refuse = |why: &str| {
        tracing::info!(app = app.id, why, "an assertion of an app was refused");
        Failed::Client { basic: false }
    };
    // RFC 7523 names no kind; drafts since then do.
    let kinds = ["", "jwt", "client-authentication+jwt"];
    let checked = match (&app.definition.jwks, &app.definition.jwks_uri) {
        (Some(jwks), _) => jose::Keys::read(jwks).unwrap_or_default().check(assertion, &kinds),
        (None, Some(uri)) => {
            let fetch = async {
                let url = Url::parse(uri).map_err(|error| Unfetched(error.to_string()))?;
                services.fetcher.get(&url).await?.json()
            };
            let checked = services.key_ring.check(uri, assertion, &kinds, fetch).await;
            checked.map_err(|Unfetched(why)| refuse(&why))?
        }
        (None, None) => return Err(refuse("the app has no keys")),
    };
    let claims = checked.map_err(|why| refuse(&format!("{why:?}")))?.claims;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(&app.id) || text("sub") != Some(&app.id) {
        return Err(refuse("iss and sub must be the client_id"));
    }
    let audience = match claims.get("aud") {
        Some(Value::Array(all)) if all.len() == 1 => all[0].as_str(),
        Some(one) => one.as_str(),
        None => None,
    };
    if !audience.is_some_and(|audience| audiences.iter().any(|known| known == audience)) {
        return Err(refuse("aud must be the issuer"));
    }
    let (time, now) = (|name: &str| claims.get(name).and_then(Value::as_i64), now());
    let exp = time("exp").ok_or_else(|| refuse("exp is missing"))?;
    if exp <= now || exp > now + LONGEST {
        return Err(refuse("exp has passed, or is more than an hour ahead"));
    }
    let is_ahead = |name: &str| match claims.get(name) {
        None => false,
        Some(_) => time(name).is_none_or(|time| time > now + CLOCK_SKEW),
    };
    if is_ahead("nbf") || is_ahead("iat") {
        return Err(refuse("nbf or iat is in the future"));
    }
    let jti = text("jti").filter(|jti| !jti.is_empty()).ok_or_else(|| refuse("jti is missing"))?;
    let once = sha256(&format!("assertion of {}: {jti}", app.id));
    if !sql::spend_lightly(&services.store, &once, exp).await? {
        return Err(refuse("it was used before"));
    }
    Ok(())
}
