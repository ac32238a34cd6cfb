//! Pushed authorization requests (RFC 9126): the app sends its request here before the browser comes, and the
//! address of the browser only names it.

use super::{
    client::{Answer, Failed},
    devices,
    request::Request,
    sql,
};
use crate::{
    audit::sha256,
    platform::{clock::now, error::Fault, random, visit::Visit},
    services::Services,
};

/// The beginning of every `request_uri` of ours (section 2.2).
const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

/// Whether it may name a request that was pushed here.
#[must_use]
pub fn is_ours(uri: &str) -> bool {
    uri.starts_with(PREFIX)
}

/// How long the browser may take to come, in seconds.
pub const TTL: i64 = 90;

/// How long the request counts from then on: a person may have to sign in first.
const OPENED: i64 = 3600;

/// The longest request, in bytes.
const MOST: usize = 8192;

/// Keeps a good request, and returns its `request_uri`.
pub async fn keep(services: &Services, request: &Request, visit: &Visit) -> Answer<String> {
    if request.query().len() > MOST {
        return Err(Failed::Request("invalid_request", "The request is longer than 8 KiB."));
    }
    let id = random::token()?;
    let mut tx = devices::begin(services, &request.app, visit).await?;
    let row = (&*request.app.id, request.query());
    sql::push(&mut tx, &sha256(&id), row, now() + TTL).await?;
    tx.commit().await?;
    Ok(format!("{PREFIX}{id}"))
}

/// A request that an app has pushed.
pub struct Pushed {
    /// Stands for it in the table.
    pub hash: String,
    pub query: String,
}

/// The request that this app has pushed. From now on it counts as opened.
pub async fn open(services: &Services, app: &str, uri: &str) -> Result<Option<Pushed>, Fault> {
    let Some(id) = uri.strip_prefix(PREFIX) else { return Ok(None) };
    let (hash, now) = (sha256(id), now());
    let found = sql::pushed(&mut services.store.read().await?, &hash, app, now).await?;
    let Some((query, opened_at)) = found else { return Ok(None) };
    if opened_at.is_none() {
        let opened = sql::opened(&hash, now, now + OPENED);
        services.store.execute_lightly(opened).await?;
    }
    Ok(Some(Pushed { hash, query }))
}
