//! Sends messages to endpoints, signed.

use std::sync::Arc;

use futures_util::{FutureExt, future::BoxFuture};
use url::Url;

use super::{CLOSED, sql};
use crate::{
    audit::{self, By, Event},
    keys::{Keys, Sealed},
    outbox::{Courier, Delivered, Kind, Undelivered},
    platform::{clock::now, error::Fault, fetch::Fetcher},
    store::Store,
};

pub(super) const WEBHOOK: Kind = Kind("webhook");

/// Delivers the messages of webhooks.
pub struct WebhookCourier {
    store: Store,
    keys: Arc<Keys>,
    fetcher: Fetcher,
    delivered: Delivered,
}

impl WebhookCourier {
    /// `fetcher`: reaches outside, and the networks of `WEBHOOK_ALLOW`.
    #[must_use]
    pub fn new(store: Store, keys: Arc<Keys>, fetcher: Fetcher) -> Self {
        Self { store, keys, fetcher, delivered: Delivered::default() }
    }

    async fn send(&self, id: &str) -> Result<bool, Undelivered> {
        let later = |fault: Fault| Undelivered::ForNow(fault.source().to_string());
        let mut db = self.store.read().await.map_err(later)?;
        let outgoing = sql::outgoing(&mut db, id).await.map_err(later)?;
        drop(db);
        // It was removed, or is closed.
        let Some(outgoing) = outgoing.filter(|outgoing| outgoing.closed_at.is_none()) else {
            return Ok(false);
        };
        let url = Url::parse(&outgoing.url)
            .map_err(|_| Undelivered::ForGood("the address can't be read".to_owned()))?;
        let secret = self.keys.open(Sealed::WebhookSecret(&outgoing.webhook_id), &outgoing.sealed);
        let secret = secret.ok_or_else(|| {
            Undelivered::ForNow("its secret was sealed with another JWT_SECRET".to_owned())
        })?;
        let now = now();
        let signer = standardwebhooks::Webhook::new(&secret)
            .map_err(|error| Undelivered::ForGood(error.to_string()))?;
        let signature = signer
            .sign(id, now, outgoing.body.as_bytes())
            .map_err(|error| Undelivered::ForGood(error.to_string()))?;
        let answer = self
            .fetcher
            .post(&url, |request| {
                request
                    .header("content-type", "application/json")
                    .header("webhook-id", id)
                    .header("webhook-timestamp", now.to_string())
                    .header("webhook-signature", signature)
                    .body(outgoing.body.clone())
            })
            .await;
        let (said, outcome) = match answer {
            Ok(answer) if answer.status.is_success() => (answer.status.to_string(), Ok(true)),
            Ok(answer) if answer.status.as_u16() == 410 => {
                self.close(&outgoing.webhook_id, now).await.map_err(later)?;
                let said = answer.status.to_string();
                (said, Err(Undelivered::ForGood("the endpoint is gone".to_owned())))
            }
            Ok(answer) => {
                let said = answer.status.to_string();
                (said.clone(), Err(Undelivered::ForNow(format!("the endpoint answered {said}"))))
            }
            Err(unfetched) => (unfetched.0.clone(), Err(Undelivered::ForNow(unfetched.0))),
        };
        let mut db = self.store.write().await.map_err(later)?;
        let delivered_at = outcome.is_ok().then_some(now);
        sql::note_answer(&mut db, id, delivered_at, &said).await.map_err(later)?;
        outcome
    }

    /// The endpoint says that it is gone: it is told nothing any more.
    async fn close(&self, webhook: &str, now: i64) -> Result<(), Fault> {
        let mut tx = self.store.begin().await?;
        sql::close(&mut tx, webhook, now).await?;
        let event = Event::without_request(By::Server, CLOSED, None, now).noting(webhook);
        audit::record(&mut tx, &event).await?;
        tx.commit().await?;
        event.log();
        Ok(())
    }
}

impl Courier for WebhookCourier {
    fn kind(&self) -> Kind {
        WEBHOOK
    }

    fn delivered(&self) -> &Delivered {
        &self.delivered
    }

    /// The content is the id of a message, which stays the same when it is sent again.
    fn deliver<'a>(
        &'a self,
        _: &'a str,
        content: &'a str,
    ) -> BoxFuture<'a, Result<bool, Undelivered>> {
        self.send(content).boxed()
    }
}
