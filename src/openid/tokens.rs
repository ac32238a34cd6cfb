//! The tokens of apps: ID tokens (OpenID Connect Core 1.0, section 2), access tokens (RFC 9068) and refresh
//! tokens; and what may be asked about them (RFC 7662, RFC 7009).

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    APP_LEFT, Holding, Person,
    client::{Answer, Failed},
    codes::{Redeemed, end_reused},
    covers, has, holding, programs, sql,
};
use crate::{
    apps::{App, definition::is_same},
    audit::{self, By, Event, sha256},
    platform::{clock::now, clock::seconds, error::Fault, random, visit::Visit},
    services::Services,
    sessions::{
        self,
        grants::{self, Token},
        refresh::{RefreshToken, in_grace},
        tokens::CLOCK_SKEW,
    },
    signing::{Algorithm, Expect, LONGEST_TOKEN},
    store::changes,
};

/// The kind of an access token (RFC 9068, section 2.1).
pub const ACCESS: &str = "at+jwt";

/// The kind of an ID token.
pub const ID: &str = "JWT";

/// The answer of the token endpoint (RFC 6749, section 5.1).
#[derive(Serialize)]
pub struct Granted {
    pub access_token: String,
    pub token_type: &'static str,
    pub expires_in: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    pub scope: String,
}

/// The claims of an access token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessClaims {
    pub iss: String,
    pub sub: String,
    pub aud: String,
    pub client_id: String,
    pub scope: String,
    pub jti: String,
    pub iat: i64,
    pub exp: i64,
    /// `None`: the app acts for itself.
    #[serde(flatten)]
    pub of_person: Option<OfPerson>,
}

/// What the access token says of the person that the app acts for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OfPerson {
    /// The grant.
    pub sid: String,
    pub auth_time: i64,
    pub acr: String,
    pub amr: Vec<String>,
}

/// What an app may learn of a person by a scope (OpenID Connect Core 1.0, section 5.4).
#[must_use]
pub fn claims_of(person: &Person, scope: &str) -> Map<String, Value> {
    let mut claims = Map::new();
    let mut add = |name: &str, value: Value| _ = claims.insert(name.to_owned(), value);
    add("sub", person.subject().into());
    if has(scope, "profile") {
        add("name", person.name.as_str().into());
        add("preferred_username", person.username.as_str().into());
    }
    // An address that nobody has verified is not told: it may be somebody else's.
    if let Some(email) = person.email.as_deref().filter(|_| has(scope, "email")) {
        add("email", email.into());
        add("email_verified", true.into());
    }
    if has(scope, "groups") {
        add("groups", json!(person.groups));
    }
    claims
}

/// The tokens for a redeemed code.
pub async fn of_code(services: &Services, app: &App, redeemed: Redeemed) -> Answer<Granted> {
    let Redeemed { code, holding, refresh_token } = redeemed;
    let asked =
        Asked { scope: &code.scope, resource: &code.resource, nonce: code.nonce.as_deref() };
    grant(services, app, &holding, &asked, refresh_token).await
}

/// What a grant is used for now.
pub(super) struct Asked<'a> {
    pub(super) scope: &'a str,
    pub(super) resource: &'a str,
    pub(super) nonce: Option<&'a str>,
}

/// The tokens of a grant.
pub(super) async fn grant(
    services: &Services,
    app: &App,
    holding: &Holding,
    asked: &Asked<'_>,
    refresh_token: Option<RefreshToken>,
) -> Answer<Granted> {
    let (now, session) = (now(), &holding.grant.session);
    let issuer = services.issuer();
    let ttl = seconds(services.settings.sessions.access_token_ttl);
    let exp = session.ends_at.min(now + ttl.min(LONGEST_TOKEN));
    let amr: Vec<String> = session.proved_by.amr().into_iter().map(str::to_owned).collect();
    let acr = session.proved_by.acr();
    let claims = AccessClaims {
        iss: issuer.to_owned(),
        sub: holding.person.subject(),
        aud: if asked.resource.is_empty() { issuer } else { asked.resource }.to_owned(),
        client_id: app.id.clone(),
        scope: asked.scope.to_owned(),
        jti: random::label()?,
        iat: now,
        exp,
        of_person: Some(OfPerson {
            sid: holding.grant.id.clone(),
            auth_time: session.auth_time,
            acr: acr.to_owned(),
            amr: amr.clone(),
        }),
    };
    let access_token = services.signing.sign(Algorithm::Es256, ACCESS, &claims).await?;
    let id_token = if has(asked.scope, "openid") {
        let mut claims = claims_of(&holding.person, asked.scope);
        let mut add = |name: &str, value: Value| _ = claims.insert(name.to_owned(), value);
        add("iss", issuer.into());
        add("aud", app.id.as_str().into());
        add("iat", now.into());
        add("exp", exp.into());
        add("auth_time", session.auth_time.into());
        add("acr", acr.into());
        add("amr", json!(amr));
        add("sid", holding.grant.id.as_str().into());
        add("at_hash", half_hash(&access_token).into());
        if let Some(nonce) = asked.nonce {
            add("nonce", nonce.into());
        }
        Some(services.signing.sign(app.definition.id_token_alg, ID, &claims).await?)
    } else {
        None
    };
    Ok(Granted {
        access_token,
        token_type: "Bearer",
        expires_in: exp - now,
        id_token,
        refresh_token: refresh_token.map(|token| token.expose().to_owned()),
        scope: asked.scope.to_owned(),
    })
}

/// Ties an access token to its ID token (section 3.1.3.6).
fn half_hash(token: &str) -> String {
    let hash = digest(&SHA256, token.as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16])
}

/// Exchanges a refresh token: for one use, and for ten seconds the same successor again. `scope`: less than
/// before, or nothing.
pub async fn refresh(
    services: &Services,
    app: &App,
    token: &str,
    (scope, resource): (Option<&str>, Option<&str>),
    visit: &Visit,
) -> Answer<Granted> {
    let worthless = || Failed::Request("invalid_grant", "The refresh token is not good any more.");
    let token = RefreshToken::parse(token).ok_or_else(worthless)?;
    let hash = token.hash();
    let stored = grants::token(&mut services.store.read().await?, &hash).await?;
    let stored = stored.ok_or_else(worthless)?;
    let holding = holding(services, &stored.grant_id).await?.ok_or_else(worthless)?;
    // Before anything else: it is nothing to another app.
    if holding.grant.app != app.id {
        return Err(worthless());
    }
    let scope = match scope {
        Some(scope) if covers(&stored.scope, scope) => scope,
        Some(_) => {
            return Err(Failed::Request("invalid_scope", "The scope is more than was granted."));
        }
        None => &stored.scope,
    };
    if resource.is_some_and(|resource| !is_same(resource, &stored.resource)) {
        return Err(Failed::Request("invalid_target", "It was granted for another resource."));
    }
    let apps = services.apps.get().await?;
    if apps.audience(app, &stored.resource).is_none() {
        let why = "The app may not ask for this resource any more.";
        return Err(Failed::Request("invalid_target", why));
    }
    let successor = match rotate(services, &token, &hash, &stored, &holding).await? {
        Rotated::To(successor) => successor,
        Rotated::Gone => return Err(worthless()),
        Rotated::UsedBefore => {
            end_reused(services, app, &stored.grant_id, visit).await?;
            return Err(worthless());
        }
    };
    let asked = Asked { scope, resource: &stored.resource, nonce: None };
    grant(services, app, &holding, &asked, Some(successor)).await
}

/// The outcome of rotating a refresh token.
enum Rotated {
    To(RefreshToken),
    /// More than ten seconds ago.
    UsedBefore,
    /// Its grant has ended.
    Gone,
}

/// Uses a refresh token.
async fn rotate(
    services: &Services,
    token: &RefreshToken,
    hash: &str,
    stored: &Token,
    holding: &Holding,
) -> Result<Rotated, Fault> {
    let (successor, now) = (RefreshToken::new()?, now());
    let grant = &holding.grant;
    let until = services.tokens.idle_until(grant.session.remembered, now);
    let mut tx = services.store.begin().await?;
    if !grants::hold(&mut tx, grant, until, now).await? {
        tx.rollback().await?;
        return Ok(Rotated::Gone);
    }
    if grants::use_token(&mut tx, hash, &token.seal(&successor)?, now).await? {
        let of_it = (&*stored.scope, &*stored.resource);
        grants::insert_token(&mut tx, &successor.hash(), &grant.id, of_it, now).await?;
        grants::forget_tokens(&mut tx, &grant.id).await?;
        tx.commit().await?;
        return Ok(Rotated::To(successor));
    }
    let used = grants::token(&mut tx, hash).await?;
    tx.rollback().await?;
    let Some(Token { used_at: Some(at), sealed_successor: Some(sealed), .. }) = used else {
        return Ok(Rotated::UsedBefore);
    };
    Ok(match in_grace(at, now) {
        true => Rotated::To(token.open(&sealed)?),
        false => Rotated::UsedBefore,
    })
}

/// The claims of an access token that we have signed, whether its grant still holds or not.
#[must_use]
pub fn read_access(services: &Services, token: &str) -> Option<AccessClaims> {
    let expect = Expect { typ: ACCESS, issuer: services.issuer(), even_expired: false };
    let claims: AccessClaims = services.signing.check(token, expect)?;
    (claims.iat <= now() + CLOCK_SKEW).then_some(claims)
}

/// The claims of an ID token that we have signed, even if it has expired.
#[derive(Clone, Debug, Deserialize)]
pub struct Hint {
    pub sub: String,
    pub aud: String,
    #[serde(default)]
    pub sid: String,
}

#[must_use]
pub fn read_hint(services: &Services, token: &str) -> Option<Hint> {
    let expect = Expect { typ: ID, issuer: services.issuer(), even_expired: true };
    services.signing.check(token, expect)
}

/// A token that was shown by its app, and holds.
pub(crate) enum Known {
    Access(Box<(AccessClaims, Holding)>),
    /// Of an app that acts for itself.
    Program(Box<(AccessClaims, Arc<App>)>),
    Refresh(Box<(Token, Holding)>),
}

/// What a token is, if it holds.
pub(crate) async fn find(services: &Services, token: &str) -> Result<Option<Known>, Fault> {
    if let Some(claims) = read_access(services, token) {
        let Some(of_person) = &claims.of_person else { return program(services, claims).await };
        let found = holding(services, &of_person.sid).await?;
        let found = found.filter(|holding| holding.grant.app == claims.client_id);
        return Ok(found.map(|holding| Known::Access(Box::new((claims, holding)))));
    }
    let Some(token) = RefreshToken::parse(token) else { return Ok(None) };
    let stored = grants::token(&mut services.store.read().await?, &token.hash()).await?;
    let Some(stored) = stored else { return Ok(None) };
    let found = holding(services, &stored.grant_id).await?;
    Ok(found.map(|holding| Known::Refresh(Box::new((stored, holding)))))
}

/// The token of an app that acts for itself, if it still may.
async fn program(services: &Services, claims: AccessClaims) -> Result<Option<Known>, Fault> {
    let app = services.apps.find(&claims.client_id).await?;
    let Some(app) = app.filter(|app| programs::may(app) && claims.sub == app.id) else {
        return Ok(None);
    };
    let is_revoked =
        sql::is_spent(&mut services.store.read().await?, &revoked(&claims.jti)).await?;
    Ok((!is_revoked).then(|| Known::Program(Box::new((claims, app)))))
}

/// Stands for a revoked token that hangs on no grant, by its `jti` (JW-09).
fn revoked(jti: &str) -> String {
    sha256(&format!("revoked: {jti}"))
}

/// What an app may know of a token (RFC 7662, section 2.2): its own, or one that is meant for it.
pub async fn introspect(services: &Services, app: &App, token: &str) -> Result<Value, Fault> {
    let inactive = json!({"active": false});
    Ok(match find(services, token).await? {
        Some(Known::Access(known)) => {
            let (claims, holding) = *known;
            let username = has(&claims.scope, "profile").then_some(holding.person.username);
            introspect_access(app, &claims, username)?.unwrap_or(inactive)
        }
        Some(Known::Program(known)) => introspect_access(app, &known.0, None)?.unwrap_or(inactive),
        Some(Known::Refresh(known)) => {
            let (stored, holding) = *known;
            if holding.grant.app != app.id || stored.used_at.is_some() {
                return Ok(inactive);
            }
            let session = &holding.grant.session;
            let mut answer = json!({
                "active": true,
                "iss": services.issuer(),
                "sub": holding.person.subject(),
                "client_id": app.id,
                "scope": stored.scope,
                "sid": holding.grant.id,
                "exp": session.ends_at,
                "auth_time": session.auth_time,
                "acr": session.proved_by.acr(),
                "amr": session.proved_by.amr(),
            });
            if has(&stored.scope, "profile") {
                answer["username"] = holding.person.username.into();
            }
            answer
        }
        None => inactive,
    })
}

/// The same of an access token. `None`: it is neither the app's nor meant for it.
fn introspect_access(
    app: &App,
    claims: &AccessClaims,
    username: Option<String>,
) -> Result<Option<Value>, Fault> {
    if claims.client_id != app.id && !app.definition.serves_at(&claims.aud) {
        return Ok(None);
    }
    let mut answer = serde_json::to_value(claims).map_err(Fault::internal)?;
    answer["active"] = true.into();
    answer["token_type"] = "Bearer".into();
    if let Some(username) = username {
        answer["username"] = username.into();
    }
    Ok(Some(answer))
}

/// Ends what a token came from, if it is this app's (RFC 7009, section 2.1). The app knows: it is not told.
pub async fn revoke(
    services: &Services,
    app: &App,
    token: &str,
    visit: &Visit,
) -> Result<(), Fault> {
    let grant = match (read_access(services, token), RefreshToken::parse(token)) {
        (Some(AccessClaims { of_person: Some(of_person), .. }), _) => of_person.sid,
        (Some(claims), _) => {
            if claims.client_id == app.id {
                let mut tx = services.store.begin().await?;
                sql::spend(&mut tx, &revoked(&claims.jti), claims.exp).await?;
                tx.commit().await?;
            }
            return Ok(());
        }
        (None, Some(token)) => {
            let stored = grants::token(&mut services.store.read().await?, &token.hash()).await?;
            let Some(stored) = stored else { return Ok(()) };
            stored.grant_id
        }
        (None, None) => return Ok(()),
    };
    let mut tx = services.store.begin().await?;
    let revision = changes::next_revision(&mut tx).await?;
    let Some(account) = grants::end_untold(&mut tx, &grant, &app.id).await? else {
        return tx.rollback().await;
    };
    let mut event = Event::of(visit, By::Stranger, APP_LEFT, Some(account), now());
    event.detail.note.clone_from(&app.id);
    let changed = sessions::tell_of(&mut tx, revision, account, event.at).await?;
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    services.live_sessions.changed(&changed);
    event.log();
    Ok(())
}
