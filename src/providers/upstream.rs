//! The client's side of OpenID Connect: requests to a provider, and the checks of its answers
//! (OpenID Connect Core 1.0, section 3.1; Discovery 1.0; RFC 9207; RFC 9700).

use std::{collections::HashMap, sync::Arc, time::Duration};

use aws_lc_rs::digest::{SHA256, SHA384, SHA512, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::{RequestBuilder, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use tokio::{sync::Mutex, time::Instant};
use url::{Url, form_urlencoded::Serializer};

use super::{Failed, Kind, Person, Provider, Providers, github};
use crate::platform::{
    clock::now,
    fetch::{Fetched, short},
    jose::{Claims, Worthless},
    pkce,
};

/// How far a provider's clock may be from ours, in seconds.
const SKEW: i64 = 60;

/// How old an ID token may be when it comes, in seconds.
const OLDEST: i64 = 600;

/// The age at which a provider's metadata is read again.
const KEPT: Duration = Duration::from_secs(3600);

/// The pause after a failure to read it.
const AGAIN: Duration = Duration::from_secs(30);

/// The age at which metadata that can't be read again stops counting.
const AT_MOST: Duration = Duration::from_secs(24 * 3600);

/// A provider's metadata (Discovery 1.0, section 3).
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Document {
    issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Url,
    jwks_uri: Url,
    userinfo_endpoint: Option<Url>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// The metadata of providers by their ids, and when they were read.
#[derive(Default)]
pub(super) struct Metadata(Mutex<HashMap<String, Known>>);

#[derive(Clone)]
struct Known {
    document: Arc<Document>,
    read_at: Instant,
    tried_at: Instant,
}

/// The parameters that go along with a person to a provider, and are checked when they come back.
pub struct Sent<'a> {
    pub redirect_uri: &'a str,
    pub state: &'a str,
    pub nonce: &'a str,
    /// PKCE (RFC 7636).
    pub verifier: &'a str,
    /// If the person confirms who they are: since when that counts.
    pub confirms_since: Option<i64>,
}

/// The parameters with which a person comes back.
pub struct Answer<'a> {
    pub code: &'a str,
    pub iss: Option<&'a str>,
}

impl Providers {
    async fn document(&self, provider: &Provider) -> Result<Arc<Document>, Failed> {
        let known = self.metadata.0.lock().await.get(&provider.id).cloned();
        let is_good = |known: &Known| {
            let is_recent = known.read_at.elapsed() < KEPT;
            is_recent || (known.tried_at.elapsed() < AGAIN && known.read_at.elapsed() < AT_MOST)
        };
        if let Some(known) = known.as_ref().filter(|known| is_good(known)) {
            return Ok(known.document.clone());
        }
        let now = Instant::now();
        let next = match (self.discover(provider).await, known) {
            (Ok(document), _) => {
                Known { document: Arc::new(document), read_at: now, tried_at: now }
            }
            (Err(_), Some(known)) if known.read_at.elapsed() < AT_MOST => {
                Known { tried_at: now, ..known }
            }
            (Err(failed), _) => return Err(failed),
        };
        let document = next.document.clone();
        self.metadata.0.lock().await.insert(provider.id.clone(), next);
        Ok(document)
    }

    async fn discover(&self, provider: &Provider) -> Result<Document, Failed> {
        let base = provider.issuer_text.trim_end_matches('/');
        let url = format!("{base}/.well-known/openid-configuration");
        let url = Url::parse(&url).map_err(|error| Failed::Wrong(error.to_string()))?;
        let document: Document = self.fetcher.get_from(&provider.issuer, &url).await?.json()?;
        // Otherwise one provider could pose as another (section 4.3).
        if document.issuer != provider.issuer_text {
            return Err(Failed::Wrong(format!("it calls itself {}", document.issuer)));
        }
        let Document { authorization_endpoint, token_endpoint, jwks_uri, .. } = &document;
        let all = [authorization_endpoint, token_endpoint, jwks_uri].into_iter();
        let is_plain = provider.issuer.scheme() == "http";
        let is_safe = |url: &Url| url.scheme() == "https" || (is_plain && url.scheme() == "http");
        if !all.chain(&document.userinfo_endpoint).all(is_safe) {
            return Err(Failed::Wrong("one of its endpoints is not at https".to_owned()));
        }
        Ok(document)
    }

    /// The address that a person is sent to.
    pub async fn address(&self, provider: &Provider, sent: &Sent<'_>) -> Result<String, Failed> {
        let mut url = match &provider.kind {
            Kind::GitHub(_) => github::authorize(provider),
            Kind::OpenId => self.document(provider).await?.authorization_endpoint.clone(),
        };
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &provider.client_id)
            .append_pair("redirect_uri", sent.redirect_uri)
            .append_pair("scope", &provider.scopes.join(" "))
            .append_pair("state", sent.state)
            .append_pair("code_challenge", &pkce::challenge(sent.verifier))
            .append_pair("code_challenge_method", "S256");
        if provider.kind == Kind::OpenId {
            url.query_pairs_mut().append_pair("nonce", sent.nonce);
            if sent.confirms_since.is_some() {
                // People who are signed in there show anew who they are.
                url.query_pairs_mut().append_pair("max_age", "0");
            }
        }
        Ok(url.into())
    }

    /// Whether an answer comes from this provider, whatever it says (RFC 9207, section 2.4).
    pub async fn check_issuer(&self, provider: &Provider, iss: Option<&str>) -> Result<(), Failed> {
        if provider.kind != Kind::OpenId {
            return Ok(());
        }
        let document = self.document(provider).await?;
        match iss {
            Some(iss) if iss == provider.issuer_text => Ok(()),
            Some(iss) => Err(Failed::Wrong(format!("the answer comes from {iss}"))),
            None if document.authorization_response_iss_parameter_supported => {
                Err(Failed::Wrong("the answer does not say where it comes from".to_owned()))
            }
            None => Ok(()),
        }
    }

    /// The person who has come back, as the provider says.
    pub async fn person(
        &self,
        provider: &Provider,
        sent: &Sent<'_>,
        answer: &Answer<'_>,
    ) -> Result<Person, Failed> {
        self.check_issuer(provider, answer.iss).await?;
        match &provider.kind {
            Kind::GitHub(api) => github::person(self, provider, api, sent, answer.code).await,
            Kind::OpenId => self.openid(provider, sent, answer.code).await,
        }
    }

    async fn openid(
        &self,
        provider: &Provider,
        sent: &Sent<'_>,
        code: &str,
    ) -> Result<Person, Failed> {
        let document = self.document(provider).await?;
        let methods = document.token_endpoint_auth_methods_supported.as_deref();
        // The default of Discovery is client_secret_basic.
        let by_form = methods.is_some_and(|methods| {
            let has = |word: &str| methods.iter().any(|known| known == word);
            has("client_secret_post") && !has("client_secret_basic")
        });
        let url = &document.token_endpoint;
        let tokens: Tokens = self.exchange(provider, url, sent, code, by_form).await?.json()?;
        let Some(id_token) = &tokens.id_token else {
            return Err(Failed::Wrong("it gave no ID token".to_owned()));
        };
        let claims = self.id_token(provider, &document, &tokens, id_token, sent).await?;
        let mut person = person(provider, &claims)?;
        let lacks = |scope: &str, is_there: bool| {
            !is_there && provider.scopes.iter().any(|known| known == scope)
        };
        let has_name = person.name.is_some() || person.username.is_some();
        if lacks("email", person.email.is_some()) || lacks("profile", has_name) {
            self.ask_more(provider, &document, &tokens, &mut person).await?;
        }
        Ok(person)
    }

    /// Redeems a code. `by_form`: the secret goes into the body, and not into the header.
    pub(super) async fn exchange(
        &self,
        provider: &Provider,
        url: &Url,
        sent: &Sent<'_>,
        code: &str,
        by_form: bool,
    ) -> Result<Fetched, Failed> {
        let secret = provider.client_secret.as_deref();
        let basic = secret.filter(|_| !by_form);
        let basic = basic.map(|secret| (encoded(&provider.client_id), encoded(secret)));
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", sent.redirect_uri),
            ("code_verifier", sent.verifier),
        ];
        if basic.is_none() {
            fields.push(("client_id", &provider.client_id));
            fields.extend(secret.map(|secret| ("client_secret", secret)));
        }
        let body = Serializer::new(String::new()).extend_pairs(fields).finish();
        let change = |request: RequestBuilder| {
            let request = match basic {
                Some((id, secret)) => request.basic_auth(id, Some(secret)),
                None => request,
            };
            request
                .header("accept", "application/json")
                .header("content-type", "application/x-www-form-urlencoded")
                .body(body)
        };
        let fetched = self.fetcher.post_to(&provider.issuer, url, change).await?;
        if fetched.status.is_client_error() {
            let words = String::from_utf8_lossy(&fetched.body);
            let words = short(&words);
            return Err(Failed::Wrong(format!("it answered {}: {words}", fetched.status)));
        }
        Ok(fetched)
    }

    /// The claims of an ID token: signed by this provider, for us, of now, and for this sign-in
    /// (section 3.1.3.7).
    async fn id_token(
        &self,
        provider: &Provider,
        document: &Document,
        tokens: &Tokens,
        id_token: &str,
        sent: &Sent<'_>,
    ) -> Result<Claims, Failed> {
        let wrong = |why: &str| Failed::Wrong(format!("its ID token {why}"));
        let fetch =
            async { self.fetcher.get_from(&provider.issuer, &document.jwks_uri).await?.json() };
        let (address, kinds) = (document.jwks_uri.as_str(), ["", "jwt"]);
        let checked = self.key_ring.check(address, id_token, &kinds, fetch).await?;
        let checked = checked.map_err(|worthless| match worthless {
            Worthless::UnknownKey => wrong("is signed with a key that it does not publish"),
            Worthless::Wrong(why) => wrong(why),
        })?;
        let claims = checked.claims;
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        if text("iss") != Some(&provider.issuer_text) {
            return Err(wrong("names another issuer"));
        }
        let (is_for_us, is_for_others) = match claims.get("aud") {
            Some(Value::String(one)) => (*one == provider.client_id, false),
            Some(Value::Array(all)) => {
                (all.iter().any(|one| one.as_str() == Some(&provider.client_id)), all.len() > 1)
            }
            _ => (false, false),
        };
        if !is_for_us {
            return Err(wrong("is for somebody else"));
        }
        let azp = claims.get("azp");
        if azp.is_some_and(|azp| azp.as_str() != Some(&provider.client_id))
            || (is_for_others && azp.is_none())
        {
            return Err(wrong("was given to somebody else"));
        }
        let (time, now) = (|name: &str| claims.get(name).and_then(Value::as_i64), now());
        if time("exp").is_none_or(|exp| exp <= now - SKEW) {
            return Err(wrong("has expired"));
        }
        if time("iat").is_none_or(|iat| iat > now + SKEW || iat < now - OLDEST) {
            return Err(wrong("is not of now"));
        }
        if claims.get("nbf").is_some() && time("nbf").is_none_or(|nbf| nbf > now + SKEW) {
            return Err(wrong("is not good yet"));
        }
        // Some providers don't know what was asked for, and don't say.
        if let (Some(since), Some(_)) = (sent.confirms_since, claims.get("auth_time"))
            && time("auth_time").is_none_or(|at| at < since - SKEW)
        {
            return Err(wrong("is of an earlier sign-in there"));
        }
        if text("nonce") != Some(sent.nonce) {
            return Err(wrong("is of another sign-in"));
        }
        if let Some(hash) = claims.get("at_hash")
            && hash.as_str() != half_hash(checked.algorithm, &tokens.access_token).as_deref()
        {
            return Err(wrong("is of another access token"));
        }
        Ok(claims)
    }

    /// Asks for what the ID token did not say (section 5.3).
    async fn ask_more(
        &self,
        provider: &Provider,
        document: &Document,
        tokens: &Tokens,
        person: &mut Person,
    ) -> Result<(), Failed> {
        let Some(url) = &document.userinfo_endpoint else { return Ok(()) };
        let change = |request: RequestBuilder| request.bearer_auth(&tokens.access_token);
        let answer = self.fetcher.get_with(&provider.issuer, url, change).await?;
        // Some sign it; that is not asked for, so it is not read.
        if answer.status != StatusCode::OK || answer.media_type != "application/json" {
            return Ok(());
        }
        let claims: Claims = answer.json()?;
        let more = self::person(provider, &claims)?;
        // Section 5.3.2: otherwise it is about somebody else.
        if more.subject != person.subject {
            return Err(Failed::Wrong("its userinfo is about somebody else".to_owned()));
        }
        let Person { username, name, email, email_verified, .. } = more;
        person.username = person.username.take().or(username);
        person.name = person.name.take().or(name);
        if person.email.is_none() {
            person.email = email;
            person.email_verified = email_verified;
        }
        Ok(())
    }
}

/// The answer of a token endpoint.
#[derive(Deserialize)]
struct Tokens {
    access_token: String,
    id_token: Option<String>,
}

/// As in a form, before it goes into the header (RFC 6749, section 2.3.1).
fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Ties an access token to its ID token. `None`: no hash goes with the algorithm.
fn half_hash(algorithm: &str, token: &str) -> Option<String> {
    let hash = match algorithm.get(2..)? {
        "256" => digest(&SHA256, token.as_bytes()),
        "384" => digest(&SHA384, token.as_bytes()),
        "512" | "DSA" => digest(&SHA512, token.as_bytes()),
        _ => return None,
    };
    let hash = hash.as_ref();
    Some(URL_SAFE_NO_PAD.encode(&hash[..hash.len() / 2]))
}

/// The longest subject, in bytes (section 2).
const MAX_SUBJECT: usize = 255;

fn person(provider: &Provider, claims: &Claims) -> Result<Person, Failed> {
    let text = |name: &str| {
        let text = claims.get(name).and_then(Value::as_str).map(str::trim);
        text.filter(|text| !text.is_empty() && text.len() <= 320).map(str::to_owned)
    };
    let subject = claims.get("sub").and_then(Value::as_str);
    let subject = subject.filter(|sub| !sub.is_empty() && sub.len() <= MAX_SUBJECT);
    let Some(subject) = subject else {
        return Err(Failed::Wrong("it does not say who it is about".to_owned()));
    };
    let is_verified = match claims.get("email_verified") {
        Some(Value::Bool(is)) => *is,
        // Some write it so.
        Some(Value::String(text)) => text == "true",
        _ => false,
    };
    let amr = claims.get("amr").and_then(Value::as_array).into_iter().flatten();
    let mut shown = amr.chain(claims.get("acr")).filter_map(Value::as_str);
    let second_factor = shown.any(|word| provider.second_factor.iter().any(|known| known == word));
    Ok(Person {
        subject: subject.to_owned(),
        username: text("preferred_username"),
        name: text("name"),
        email: text("email"),
        email_verified: is_verified,
        second_factor,
        auth_time: claims.get("auth_time").and_then(Value::as_i64).filter(|at| *at > 0),
    })
}
