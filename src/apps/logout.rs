//! Telling apps that somebody has signed out (OpenID Connect Back-Channel Logout 1.0).
//!
//! Whatever ends a session marks the grants it had as ended, in its own transaction. Within a second a node
//! takes them ([`collect`]) and puts a delivery into the outbox for each app that wants to know. The logout
//! token is made when it is sent, because it is good for two minutes only.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, future::BoxFuture};
use serde::{Deserialize, Serialize};

use super::{App, Apps, KnownApps};
use crate::{
    domain::AccountId,
    keys::Keys,
    outbox::{self, Courier, Delivered, Kind, Undelivered},
    platform::{clock::now, error::Fault, fetch::words},
    sessions::grants::{self, Ended},
    signing::{Algorithm, SigningKeys},
    store::{Store, db::Tx},
};

const LOGOUT: Kind = Kind("app-logout");

/// How many grants are taken at once.
const AT_ONCE: i64 = 200;

/// How long a logout token is good, in seconds (section 2.4: at most two minutes).
const TTL: i64 = 120;

/// How long an app may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a delivery contains: everything it needs, because the app may be gone by then.
#[derive(Serialize, Deserialize)]
struct Logout {
    app: String,
    uri: String,
    algorithm: Algorithm,
    sub: String,
    sid: String,
}

/// Puts a delivery into the outbox for each ended grant whose app wants to know. Returns whether any grants
/// had ended.
pub(crate) async fn collect(store: &Store, keys: &Keys, apps: &KnownApps) -> Result<bool, Fault> {
    if !grants::any_ended(store).await? {
        return Ok(false);
    }
    let apps = apps.get().await?;
    if !apps.is_complete {
        // A newer version of the server is at work beside this one, and knows whom to tell.
        return Ok(false);
    }
    let mut tx = store.begin().await?;
    let ended = grants::take_ended(&mut tx, None, AT_ONCE).await?;
    enqueue(&mut tx, keys, &apps, &ended).await?;
    tx.commit().await?;
    Ok(!ended.is_empty())
}

async fn enqueue(tx: &mut Tx, keys: &Keys, apps: &Apps, ended: &[Ended]) -> Result<(), Fault> {
    for grant in ended {
        let Some(app) = apps.find(&grant.app_id) else { continue };
        let Some(uri) = &app.definition.backchannel_logout_uri else { continue };
        let logout = Logout {
            app: app.id.clone(),
            uri: uri.clone(),
            algorithm: app.definition.id_token_alg,
            sub: AccountId(grant.account_id).0.to_string(),
            sid: grant.id.clone(),
        };
        let content = serde_json::to_string(&logout).map_err(Fault::internal)?;
        outbox::enqueue(tx, keys, LOGOUT, None, &content).await?;
    }
    Ok(())
}

/// Ends all that an app got, and tells it, before it is removed.
pub(crate) async fn end_all(tx: &mut Tx, keys: &Keys, apps: &Apps, app: &App) -> Result<(), Fault> {
    grants::end_of_app(tx, &app.id, now()).await?;
    loop {
        let ended = grants::take_ended(tx, Some(&app.id), AT_ONCE).await?;
        if ended.is_empty() {
            return Ok(());
        }
        enqueue(tx, keys, apps, &ended).await?;
    }
}

#[derive(Serialize)]
struct LogoutToken<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    sid: &'a str,
    iat: i64,
    exp: i64,
    jti: &'a str,
    events: Events,
}

#[derive(Serialize)]
struct Events {
    #[serde(rename = "http://schemas.openid.net/event/backchannel-logout")]
    logout: serde_json::Map<String, serde_json::Value>,
}

/// Delivers logout tokens.
pub struct Messenger {
    signing: Arc<SigningKeys>,
    issuer: String,
    client: reqwest::Client,
    delivered: Delivered,
}

impl Messenger {
    /// It follows no redirects, and uses no proxy of the environment.
    pub fn new(signing: Arc<SigningKeys>, issuer: String) -> Result<Self, Fault> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(PATIENCE)
            .user_agent(concat!("latchkey/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(Fault::internal)?;
        Ok(Self { signing, issuer, client, delivered: Delivered::default() })
    }

    async fn tell(&self, id: &str, content: &str) -> Result<bool, Undelivered> {
        let later = |error: &dyn std::error::Error| Undelivered::ForNow(words(error));
        let logout: Logout = serde_json::from_str(content)
            .map_err(|_| Undelivered::ForGood("the delivery can't be read".to_owned()))?;
        let now = now();
        let claims = LogoutToken {
            iss: &self.issuer,
            aud: &logout.app,
            sub: &logout.sub,
            sid: &logout.sid,
            iat: now,
            exp: now + TTL,
            // The same for a repetition, so that the app can tell.
            jti: id,
            events: Events { logout: serde_json::Map::new() },
        };
        let token = self.signing.sign(logout.algorithm, "logout+jwt", &claims).await;
        let token = token.map_err(|fault| later(fault.source()))?;
        let body: String = form_urlencoded::Serializer::new(String::new())
            .append_pair("logout_token", &token)
            .finish();
        let sent = self
            .client
            .post(&logout.uri)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
            .send()
            .await;
        let status = sent.map_err(|error| later(&error.without_url()))?.status();
        match status.as_u16() {
            200..=299 => Ok(true),
            // The app says that the request is wrong (section 2.8): it will be so again.
            400 | 404 | 405 | 410 | 501 => {
                Err(Undelivered::ForGood(format!("the app answered {status}")))
            }
            _ => Err(Undelivered::ForNow(format!("the app answered {status}"))),
        }
    }
}

impl Courier for Messenger {
    fn kind(&self) -> Kind {
        LOGOUT
    }

    fn delivered(&self) -> &Delivered {
        &self.delivered
    }

    fn deliver<'a>(
        &'a self,
        id: &'a str,
        content: &'a str,
    ) -> BoxFuture<'a, Result<bool, Undelivered>> {
        self.tell(id, content).boxed()
    }
}
