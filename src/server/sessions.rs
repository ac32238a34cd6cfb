//! Cookies and JWTs: how a session is carried, and how what comes back is read.
//!
//! A session is a row in the store. What a client holds is a JWT that names the row: in the cookie
//! for a browser, in `accessToken` for a program. The two kinds differ in `typ` and `aud`, and
//! neither is read as the other (JW-04). A good JWT is not enough to come in: the guard asks the
//! store whether its session is still alive.
//!
//! jsonwebtoken checks the signature and the registered claims it is told to check. What it leaves
//! open is closed here: unknown header members (so `crit`, `b64`, `zip`, `jku`, `jwk`, `kid`, …),
//! duplicate members, the kind, the longest life, the size (JW-01 to JW-07).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use axum::http::{HeaderMap, HeaderValue, header};
use axum_extra::extract::cookie::{Cookie, SameSite};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use super::{
    config::{PublicUrl, Secret, Settings},
    error::Fault,
    store::StoredSession,
};
use crate::domain::AccountId;

/// Bytes. Ours have about 400; nothing longer is looked at (JW-07).
const MAX_TOKEN: usize = 4096;

/// How far ahead of ours another node's clock may be.
const CLOCK_SKEW: i64 = 5;

/// Bytes of randomness in every id.
const ID_BYTES: usize = 16;

/// Who carries the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// In the cookie.
    Browser,
    /// In `Authorization: Bearer`.
    Program,
}

impl Kind {
    fn typ(self) -> &'static str {
        match self {
            Self::Browser => "session+jwt",
            // RFC 9068, section 2.1.
            Self::Program => "at+jwt",
        }
    }

    fn aud(self) -> &'static str {
        match self {
            Self::Browser => "latchkey-browser",
            Self::Program => "latchkey-api",
        }
    }
}

/// The JOSE header, whole: any other member is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Jose {
    #[expect(dead_code, reason = "jsonwebtoken compares it with the one algorithm there is")]
    alg: String,
    typ: String,
}

/// The claims, whole: any other member is refused. None of them says who the account belongs to
/// (JW-12).
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    sid: String,
    jti: String,
    iat: i64,
    exp: i64,
}

/// What a good token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    pub kind: Kind,
    pub session: String,
    pub account: AccountId,
}

/// The keys, and all that is fixed about sessions.
pub struct Sessions {
    issuer: String,
    signing: EncodingKey,
    /// The current one, then the previous one.
    accepted: Vec<DecodingKey>,
    form_keys: Vec<hmac::Key>,
    secure: bool,
    access_token_ttl: i64,
    idle_ttl: i64,
    ttl: i64,
}

impl Sessions {
    #[must_use]
    pub fn new(settings: &Settings, public_url: &PublicUrl, secret: &Secret) -> Self {
        let secrets: Vec<&[u8]> = [Some(secret), settings.jwt_secret_previous.as_ref()]
            .into_iter()
            .flatten()
            .map(Secret::expose)
            .collect();
        Self {
            issuer: public_url.origin(),
            signing: EncodingKey::from_secret(secret.expose()),
            accepted: secrets.iter().map(|secret| DecodingKey::from_secret(secret)).collect(),
            form_keys: secrets
                .iter()
                .map(|secret| hmac::Key::new(hmac::HMAC_SHA256, secret))
                .collect(),
            secure: public_url.is_https(),
            access_token_ttl: seconds(settings.access_token_ttl),
            idle_ttl: seconds(settings.session_idle_ttl),
            ttl: seconds(settings.session_ttl),
        }
    }

    /// A new session for the store. Its id is drawn anew each time, so nobody can plant one
    /// (SE-01).
    pub fn begin(&self, kind: Kind, account: AccountId) -> Result<StoredSession, Fault> {
        let now = now();
        let (alive_until, ends_at) = match kind {
            Kind::Browser => (now + self.idle_ttl, now + self.ttl),
            // There is nothing to renew it with, so it ends with its only token.
            Kind::Program => (now + self.access_token_ttl, now + self.access_token_ttl),
        };
        Ok(StoredSession {
            id: random_id()?,
            account_id: account,
            created_at: now,
            alive_until,
            ends_at,
        })
    }

    /// The moment until which a session that is used now stays alive, if that is worth a write:
    /// once in a hundredth of the idle time.
    #[must_use]
    pub fn extension(&self, kind: Kind, session: &StoredSession) -> Option<i64> {
        let alive_until = (now() + self.idle_ttl).min(session.ends_at);
        (kind == Kind::Browser && alive_until - session.alive_until > self.idle_ttl / 100)
            .then_some(alive_until)
    }

    /// The JWT that names a session.
    pub fn token(&self, kind: Kind, session: &StoredSession) -> Result<String, Fault> {
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: kind.aud().to_owned(),
            sub: session.account_id.0.to_string(),
            sid: session.id.clone(),
            jti: random_id()?,
            iat: session.created_at,
            exp: session.ends_at,
        };
        let header = Header { typ: Some(kind.typ().to_owned()), ..Header::new(Algorithm::HS256) };
        jsonwebtoken::encode(&header, &claims, &self.signing).map_err(Fault::internal)
    }

    /// Reads a token of one kind. `None`: it proves nothing, for whatever reason.
    #[must_use]
    pub fn read(&self, kind: Kind, token: &str) -> Option<Proof> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 0;
        validation.set_audience(&[kind.aud()]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        let claims = self
            .accepted
            .iter()
            .find_map(|key| jsonwebtoken::decode::<Claims>(token, key, &validation).ok())?
            .claims;

        // Whoever signed it holds the key. Now: is it what we would have signed?
        let header = URL_SAFE_NO_PAD.decode(token.split('.').next()?).ok()?;
        let header: Jose = serde_json::from_slice(&header).ok()?;
        let longest = match kind {
            Kind::Browser => self.ttl,
            Kind::Program => self.access_token_ttl,
        };
        let life = claims.exp.checked_sub(claims.iat)?;
        let good = header.typ == kind.typ()
            && claims.iat <= now() + CLOCK_SKEW
            && (1..=longest).contains(&life)
            && !claims.jti.is_empty();
        let account = claims.sub.parse().ok().filter(|_| good)?;
        Some(Proof { kind, session: claims.sid, account: AccountId(account) })
    }

    /// The name of the session cookie. A server on https never looks at the other one (CK-02).
    #[must_use]
    pub fn cookie_name(&self) -> &'static str {
        if self.secure { "__Host-latchkey" } else { "latchkey" }
    }

    /// The cookie that ties the forms of somebody who is not signed in to his browser.
    #[must_use]
    pub fn visitor_cookie_name(&self) -> &'static str {
        if self.secure { "__Host-latchkey-visitor" } else { "latchkey-visitor" }
    }

    /// `Set-Cookie` for a new session.
    #[must_use]
    pub fn set_cookie(&self, token: String) -> HeaderValue {
        let mut cookie = self.cookie(self.cookie_name(), token);
        cookie.set_max_age(time::Duration::seconds(self.ttl));
        header_value(&cookie)
    }

    /// `Set-Cookie` that takes the session cookie away.
    #[must_use]
    pub fn clear_cookie(&self) -> HeaderValue {
        let mut cookie = self.cookie(self.cookie_name(), String::new());
        cookie.make_removal();
        header_value(&cookie)
    }

    /// A new visitor, and the `Set-Cookie` that makes him known again. It ends with the browser.
    pub fn new_visitor(&self) -> Result<(String, HeaderValue), Fault> {
        let visitor = random_id()?;
        let cookie = self.cookie(self.visitor_cookie_name(), visitor.clone());
        Ok((visitor, header_value(&cookie)))
    }

    fn cookie(&self, name: &'static str, value: String) -> Cookie<'static> {
        Cookie::build((name, value))
            .path("/")
            .http_only(true)
            .secure(self.secure)
            .same_site(SameSite::Lax)
            .build()
    }

    /// The token that a form carries (CS-02): it goes with one session, or with one visitor, and
    /// only this server can make it. Its text cannot be the start of a JWT, so no JWT signed with
    /// the same key is one.
    #[must_use]
    pub fn form_token(&self, bearer: FormBearer<'_>) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.form_keys[0], bearer.text().as_bytes()))
    }

    /// Compares in constant time.
    #[must_use]
    pub fn is_form_token(&self, bearer: FormBearer<'_>, token: &str) -> bool {
        let Ok(tag) = URL_SAFE_NO_PAD.decode(token) else { return false };
        self.form_keys.iter().any(|key| hmac::verify(key, bearer.text().as_bytes(), &tag).is_ok())
    }
}

/// Whom a form belongs to.
#[derive(Clone, Copy, Debug)]
pub enum FormBearer<'a> {
    Session(&'a str),
    Visitor(&'a str),
}

impl FormBearer<'_> {
    fn text(self) -> String {
        match self {
            Self::Session(id) => format!("form token, session: {id}"),
            Self::Visitor(id) => format!("form token, visitor: {id}"),
        }
    }
}

/// The value of the cookie with exactly this name. Two of them, or one that cannot be read, are
/// none (CK-04).
#[must_use]
pub fn cookie_value(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut values = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| Cookie::split_parse(line).flatten())
        .filter(|cookie| cookie.name() == name)
        .map(|cookie| cookie.value().to_owned());
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

/// Seconds since 1970, UTC.
#[must_use]
pub fn now() -> i64 {
    seconds(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

/// 128 random bits of the operating system, in base64url (CF-05).
pub(crate) fn random_id() -> Result<String, Fault> {
    let mut bytes = [0; ID_BYTES];
    getrandom::fill(&mut bytes).map_err(Fault::internal)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn header_value(cookie: &Cookie<'_>) -> HeaderValue {
    #[expect(clippy::expect_used, reason = "names, ids and tokens are of the base64url alphabet")]
    HeaderValue::try_from(cookie.to_string()).expect("a cookie of visible ASCII")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{super::config::Sources, *};

    const SECRET: &str = "6f1c9c1e5b0a4a1f8d2e7c3b9a0f5e4d";
    const PREVIOUS: &str = "d4e5f0a9b3c7e2d8f1a4a0b5e1c9c1f6";

    fn sessions(settings: &[(&str, &str)]) -> Sessions {
        let mut all = vec![("JWT_SECRET", SECRET)];
        all.extend(settings);
        let settings = Settings::read(&Sources::of(&all)).expect("good settings");
        let secret = settings.jwt_secret.clone().expect("a secret");
        Sessions::new(&settings, &settings.public_url_at(3000), &secret)
    }

    fn sign(header: &Value, claims: &Value, secret: &str) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(header), part(claims));
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, text.as_bytes())))
    }

    fn good() -> (Value, Value) {
        let now = now();
        (
            json!({"typ": "at+jwt", "alg": "HS256"}),
            json!({"iss": "http://localhost:3000", "aud": "latchkey-api", "sub": "7", "sid": "s",
                   "jti": "j", "iat": now, "exp": now + 900}),
        )
    }

    #[test]
    fn a_token_reads_back_as_its_own_kind_only() {
        let sessions = sessions(&[]);
        for (kind, other) in [(Kind::Browser, Kind::Program), (Kind::Program, Kind::Browser)] {
            let session = sessions.begin(kind, AccountId(7)).expect("a session");
            let token = sessions.token(kind, &session).expect("a token");
            let proof = sessions.read(kind, &token).expect("a good token");
            assert_eq!(proof, Proof { kind, session: session.id, account: AccountId(7) });
            assert_eq!(sessions.read(other, &token), None);
        }
    }

    #[test]
    fn a_token_made_elsewhere_with_the_same_key_is_read() {
        let (header, claims) = good();
        assert!(sessions(&[]).read(Kind::Program, &sign(&header, &claims, SECRET)).is_some());
    }

    #[test]
    fn the_previous_secret_is_accepted_and_never_signs() {
        let (header, claims) = good();
        let rotated = sessions(&[("JWT_SECRET_PREVIOUS", PREVIOUS)]);
        assert!(rotated.read(Kind::Program, &sign(&header, &claims, PREVIOUS)).is_some());
        assert!(sessions(&[]).read(Kind::Program, &sign(&header, &claims, PREVIOUS)).is_none());
        let session = rotated.begin(Kind::Program, AccountId(7)).expect("a session");
        let token = rotated.token(Kind::Program, &session).expect("a token");
        assert!(sessions(&[]).read(Kind::Program, &token).is_some());
    }

    #[test]
    fn a_header_that_is_not_exactly_ours_is_refused() {
        let (_, claims) = good();
        for header in [
            json!({"alg": "HS256"}),
            json!({"alg": "HS256", "typ": "JWT"}),
            json!({"alg": "HS256", "typ": "session+jwt"}),
            json!({"alg": "none", "typ": "at+jwt"}),
            json!({"alg": "", "typ": "at+jwt"}),
            json!({"alg": "HS512", "typ": "at+jwt"}),
            json!({"alg": "RS256", "typ": "at+jwt"}),
            json!({"alg": "HS256", "typ": "at+jwt", "kid": "../../dev/null"}),
            json!({"alg": "HS256", "typ": "at+jwt", "crit": ["x"], "x": 1}),
            json!({"alg": "HS256", "typ": "at+jwt", "crit": ["b64"], "b64": false}),
            json!({"alg": "HS256", "typ": "at+jwt", "zip": "DEF"}),
            json!({"alg": "HS256", "typ": "at+jwt", "cty": "JWT"}),
            json!({"alg": "HS256", "typ": "at+jwt", "jku": "http://127.0.0.1:1/"}),
            json!({"alg": "HS256", "typ": "at+jwt", "jwk": {"kty": "oct", "k": "eA"}}),
        ] {
            let token = sign(&header, &claims, SECRET);
            assert_eq!(sessions(&[]).read(Kind::Program, &token), None, "{header}");
        }
    }

    #[test]
    fn a_claim_that_is_missing_or_odd_is_refused() {
        let (header, claims) = good();
        let now = now();
        for name in ["iss", "aud", "sub", "sid", "jti", "iat", "exp"] {
            let mut claims = claims.clone();
            claims.as_object_mut().expect("an object").remove(name);
            assert_eq!(
                sessions(&[]).read(Kind::Program, &sign(&header, &claims, SECRET)),
                None,
                "no {name}"
            );
        }
        for (name, value) in [
            ("exp", json!(now - 1)),
            ("exp", json!(now.to_string())),
            ("exp", json!(null)),
            ("exp", json!(-1)),
            ("exp", json!(1e300)),
            ("exp", json!(2_u64.pow(53))),
            ("exp", json!(u64::MAX)),
            ("exp", json!(now + 901)),
            ("iat", json!(now + 60)),
            ("iat", json!(i64::MIN)),
            ("nbf", json!(now + 60)),
            ("iss", json!("http://localhost:3001")),
            ("iss", json!(["http://localhost:3000"])),
            ("aud", json!("latchkey-browser")),
            ("aud", json!(["latchkey-api"])),
            ("aud", json!(1)),
            ("sub", json!(7)),
            ("sub", json!("alice")),
            ("sid", json!(1)),
            ("jti", json!("")),
            ("role", json!("admin")),
        ] {
            let mut claims = claims.clone();
            claims[name] = value.clone();
            let token = sign(&header, &claims, SECRET);
            assert_eq!(sessions(&[]).read(Kind::Program, &token), None, "{name}: {value}");
        }
    }

    #[test]
    fn a_token_in_another_spelling_is_refused() {
        let (header, claims) = good();
        let token = sign(&header, &claims, SECRET);
        let (text, signature) = token.rsplit_once('.').expect("three parts");
        let double = |json: &str| {
            let text = format!(
                "{}.{}",
                URL_SAFE_NO_PAD.encode(header.to_string()),
                URL_SAFE_NO_PAD.encode(json)
            );
            let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
            format!("{text}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, text.as_bytes())))
        };
        for bad in [
            String::new(),
            "..".into(),
            format!("{token}="),
            format!(" {token}"),
            format!("{token} "),
            format!("\u{feff}{token}"),
            format!("{text}."),
            text.to_owned(),
            format!("{token}.x"),
            format!("{text}.{}A", &signature[..signature.len() - 1]),
            sign(&header, &claims, PREVIOUS),
            double(&claims.to_string().replace("\"exp\"", "\"exp\":1,\"exp\"")),
            double(&format!("{}{}", "[".repeat(2000), "]".repeat(2000))),
            "x".repeat(1 << 20),
        ] {
            assert_eq!(
                sessions(&[]).read(Kind::Program, &bad),
                None,
                "{}",
                bad.get(..80).unwrap_or(&bad)
            );
        }
    }

    #[test]
    fn a_form_token_goes_with_one_bearer() {
        let sessions = sessions(&[]);
        let token = sessions.form_token(FormBearer::Session("a"));
        assert!(sessions.is_form_token(FormBearer::Session("a"), &token));
        assert!(!sessions.is_form_token(FormBearer::Session("b"), &token));
        assert!(!sessions.is_form_token(FormBearer::Visitor("a"), &token));
        assert!(!sessions.is_form_token(FormBearer::Session("a"), ""));
    }

    #[test]
    fn a_cookie_counts_by_its_exact_name_and_once() {
        for (line, value) in [
            ("latchkey=a", Some("a")),
            ("x=1; latchkey=a; y=2", Some("a")),
            ("latchkey=a; latchkey=b", None),
            ("latchkey2=a", None),
            ("Latchkey=a", None),
            ("latchkey", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, HeaderValue::from_static(line));
            assert_eq!(cookie_value(&headers, "latchkey").as_deref(), value, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_text_that_we_have_not_signed_is_a_token(text in any::<String>()) {
            prop_assert_eq!(sessions(&[]).read(Kind::Program, &text), None);
        }

        #[test]
        fn any_bytes_in_a_cookie_header_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut headers = HeaderMap::new();
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                headers.insert(header::COOKIE, value);
            }
            let _ = cookie_value(&headers, "latchkey");
        }
    }
}
