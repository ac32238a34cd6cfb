//! Authorization codes.
//!
//! A code is a sealed text that only this server can read, and says what it is for. It is written down only
//! when it is used, so that asking for codes costs the database nothing. It works once, for a minute, for
//! the app and the address it was made for, and for whoever knows the PKCE verifier.

use serde::{Deserialize, Serialize};

use super::{APP_TOKEN_REUSED, Holding, has, holding, request::Request, sql};
use crate::{
    apps::{App, definition::is_same},
    audit::{self, By, Event, sha256},
    keys::Sealed,
    platform::{
        clock::now,
        error::{Fault, Result},
        pkce, random,
        visit::Visit,
    },
    services::Services,
    sessions::{
        self,
        grants::{self, LiveGrant},
        refresh::RefreshToken,
    },
    store::changes,
};

/// How long a code works, in seconds.
pub const TTL: i64 = 60;

/// How long a used code is remembered: using it again ends what came of it.
const REMEMBERED: i64 = 3600;

/// What a code is for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Code {
    app: String,
    grant: String,
    /// A hash of the address.
    uri: String,
    challenge: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    pub scope: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub resource: String,
    at: i64,
    /// So that no two are alike.
    id: String,
}

/// A code for a request.
pub fn make(services: &Services, request: &Request, grant: &str) -> Result<String, Fault> {
    let code = Code {
        app: request.app.id.clone(),
        grant: grant.to_owned(),
        uri: sha256(&request.redirect_uri),
        challenge: request.code_challenge.clone(),
        nonce: request.nonce.clone(),
        scope: request.scope.clone(),
        resource: request.resource.clone(),
        at: now(),
        id: random::label()?,
    };
    let text = serde_json::to_string(&code).map_err(Fault::internal)?;
    services.keys.seal(Sealed::AuthorizationCode, &text)
}

/// Why a code buys nothing: the error, and words for the app's developer.
pub struct Worthless(pub &'static str, pub &'static str);

/// A redeemed code, and what it was redeemed for.
pub struct Redeemed {
    pub code: Code,
    pub holding: Holding,
    /// If the app asked for one (`offline_access`).
    pub refresh_token: Option<RefreshToken>,
}

/// Redeems a code, which works once. `verifier`: the PKCE verifier. `resource`: if the app names it again.
///
/// Every check, and every step that can fail, comes before the code is marked as used: an app that gets an error
/// can try again.
pub async fn redeem(
    services: &Services,
    app: &App,
    code: &str,
    redirect_uri: Option<&str>,
    verifier: Option<&str>,
    resource: Option<&str>,
    visit: &Visit,
) -> Result<std::result::Result<Redeemed, Worthless>> {
    let opened = services.keys.open(Sealed::AuthorizationCode, code);
    let read = opened.and_then(|text| serde_json::from_str::<Code>(&text).ok());
    let Some(read) = read else {
        return Ok(Err(Worthless("invalid_grant", "The code is not one of ours.")));
    };
    if read.app != app.id {
        return Ok(Err(Worthless("invalid_grant", "The code was made for another app.")));
    }
    if redirect_uri.is_none_or(|uri| sha256(uri) != read.uri) {
        return Ok(Err(Worthless(
            "invalid_grant",
            "redirect_uri is not the one of the authorization request.",
        )));
    }
    if !verifier.is_some_and(|verifier| pkce::fits(verifier, &read.challenge)) {
        return Ok(Err(Worthless("invalid_grant", "code_verifier is missing or doesn't fit.")));
    }
    let (hash, now) = (sha256(code), now());
    if now > read.at + TTL {
        // If it was used in time, this is a repetition.
        if sql::is_spent(&mut services.store.read().await?, &hash).await? {
            end_reused(services, app, &read.grant, visit).await?;
        }
        return Ok(Err(Worthless("invalid_grant", "The code has expired.")));
    }
    if resource.is_some_and(|resource| !is_same(resource, &read.resource)) {
        return Ok(Err(Worthless("invalid_target", "The code was made for another resource.")));
    }
    let gone =
        Worthless("invalid_grant", "The person has signed out, or may not use the app any more.");
    let Some(holding) = holding(services, &read.grant).await? else { return Ok(Err(gone)) };
    services.signing.prepare().await?;
    let spent = match has(&read.scope, "offline_access") {
        true => spend_for_token(services, &read, &holding.grant, &hash, now).await?,
        false => {
            let is_first =
                sql::spend_lightly(&services.store, &hash, read.at + TTL + REMEMBERED).await?;
            if is_first { Spent::Now(None) } else { Spent::Before }
        }
    };
    Ok(match spent {
        Spent::Now(refresh_token) => Ok(Redeemed { code: read, holding, refresh_token }),
        Spent::Gone => Err(gone),
        Spent::Before => {
            end_reused(services, app, &read.grant, visit).await?;
            Err(Worthless("invalid_grant", "The code has been used before."))
        }
    })
}

/// The outcome of marking a code as used.
enum Spent {
    Now(Option<RefreshToken>),
    Before,
    /// Its grant has ended.
    Gone,
}

/// Uses a code, and makes a refresh token, or does neither.
async fn spend_for_token(
    services: &Services,
    code: &Code,
    grant: &LiveGrant,
    hash: &str,
    now: i64,
) -> Result<Spent> {
    let token = RefreshToken::new()?;
    let until = services.tokens.idle_until(grant.session.remembered, now);
    let mut tx = services.store.begin().await?;
    if !grants::hold(&mut tx, grant, until, now).await? {
        tx.rollback().await?;
        return Ok(Spent::Gone);
    }
    if !sql::spend(&mut tx, hash, code.at + TTL + REMEMBERED).await? {
        tx.rollback().await?;
        return Ok(Spent::Before);
    }
    let of_it = (&*code.scope, &*code.resource);
    grants::insert_token(&mut tx, &token.hash(), &grant.id, of_it, now).await?;
    grants::forget_tokens(&mut tx, &grant.id).await?;
    tx.commit().await?;
    Ok(Spent::Now(Some(token)))
}

/// A code or a refresh token was used again: whoever did it first may have stolen it, so everything that
/// came of it ends (RFC 9700, section 4.14).
pub(super) async fn end_reused(
    services: &Services,
    app: &App,
    grant: &str,
    visit: &Visit,
) -> Result<()> {
    let now = now();
    let found = grants::find(&mut services.store.read().await?, grant, now).await?;
    let Some(found) = found else { return Ok(()) };
    let account = found.profile.id;
    let mut tx = services.store.begin().await?;
    let revision = changes::next_revision(&mut tx).await?;
    if !grants::end(&mut tx, grant, now).await? {
        return Ok(tx.rollback().await?);
    }
    let changed = sessions::tell_of(&mut tx, revision, account, now).await?;
    let mut event = Event::of(visit, By::Stranger, APP_TOKEN_REUSED, Some(account), now);
    event.detail.note.clone_from(&app.id);
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    services.live_sessions.changed(&changed);
    event.log();
    Ok(())
}
