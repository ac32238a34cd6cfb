//! Takes deliveries out of the outbox, and hands each to the courier of its kind.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use futures_util::future::join_all;
use tokio::sync::watch;

use super::{Courier, Delivery, LEASE, Undelivered, sql};
use crate::{
    figures,
    keys::Keys,
    platform::{clock::now, error::Fault, random},
    store::Store,
};

/// How many deliveries a node has in hand at once.
pub(super) const AT_ONCE: i64 = 8;

/// How often the outbox is looked at, unless this node has just put something in.
const INTERVAL: Duration = Duration::from_secs(1);

/// After a fault of the database.
const AFTER_FAULT: Duration = Duration::from_secs(5);

/// How many deliveries have succeeded, been deferred and been given up on this node.
#[derive(Debug, Default)]
pub struct Delivered {
    pub sent: AtomicU64,
    pub deferred: AtomicU64,
    pub failed: AtomicU64,
}

/// Wakes the workers of this node.
#[derive(Debug, Default)]
pub struct Desk {
    wake: watch::Sender<()>,
}

impl Desk {
    /// Something has been put into the outbox: call it after the commit.
    pub fn wake(&self) {
        self.wake.send_replace(());
    }
}

/// Delivers until the server stops, and finishes the deliveries in progress first. Each courier has a worker of
/// its own: an app that doesn't answer holds up no mail.
pub(crate) async fn work(
    store: Store,
    keys: Arc<Keys>,
    desk: Arc<Desk>,
    courier: Arc<dyn Courier>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut woken = desk.wake.subscribe();
    loop {
        let pause = match once(&store, &keys, courier.as_ref()).await {
            Ok(0) => INTERVAL,
            // There may be more.
            Ok(_) => Duration::ZERO,
            Err(fault) => {
                tracing::warn!(error = fault.source(), "the outbox can't be read now");
                AFTER_FAULT
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = woken.changed() => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
    }
}

/// Delivers what is due, and returns how much that was.
async fn once(store: &Store, keys: &Keys, courier: &dyn Courier) -> Result<usize, Fault> {
    // What this node can't deliver is left for another one.
    let kind = courier.kind().0;
    if !sql::is_due(&mut store.read().await?, kind, now()).await? {
        return Ok(0);
    }
    let lease = random::text()?;
    let taken = sql::take(&mut store.write().await?, keys, &lease, kind, now()).await?;
    let outcomes = join_all(taken.iter().map(|delivery| deliver(delivery, courier))).await;
    let mut settled = Ok(());
    for (delivery, outcome) in taken.iter().zip(outcomes) {
        // A fault on one keeps none of the others from being noted.
        settled = settled.and(settle(store, courier.delivered(), delivery, outcome).await);
    }
    settled.map(|()| taken.len())
}

async fn deliver(delivery: &Delivery, courier: &dyn Courier) -> Result<bool, Undelivered> {
    let content = delivery.content.as_ref().ok_or_else(|| {
        // Another node may have it already.
        Undelivered::ForNow("sealed with a secret that this server doesn't have".to_owned())
    })?;
    // Less than the lease, so that no other node begins before this one has ended.
    let patience = Duration::from_secs(LEASE.unsigned_abs() / 2);
    match tokio::time::timeout(patience, courier.deliver(&delivery.id, content)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Undelivered::ForNow("it took longer than a minute".to_owned())),
    }
}

/// Notes the outcome of a delivery.
async fn settle(
    store: &Store,
    counts: &Delivered,
    delivery: &Delivery,
    outcome: Result<bool, Undelivered>,
) -> Result<(), Fault> {
    let (id, kind) = (&delivery.id, &delivery.kind);
    let mut db = store.write().await?;
    let (error, next) = match outcome {
        Ok(sent) => {
            counts.sent.fetch_add(u64::from(sent), Relaxed);
            if !sql::done(&mut db, delivery).await? {
                tracing::warn!(id, kind, "delivered late: another node may repeat it");
            }
            if sent {
                figures::count(&mut db, &delivery.kind, now()).await?;
            }
            return Ok(());
        }
        Err(Undelivered::ForNow(error)) => (error, delivery.next_try(now())),
        Err(Undelivered::ForGood(error)) => (error, None),
    };
    match next {
        Some(due_at) => {
            counts.deferred.fetch_add(1, Relaxed);
            tracing::warn!(id, kind, error, "not delivered; trying again later");
            sql::try_later(&mut db, delivery, due_at, &error).await
        }
        None => {
            counts.failed.fetch_add(1, Relaxed);
            tracing::error!(id, kind, error, "not delivered; given up");
            sql::fail(&mut db, delivery, now(), &error).await
        }
    }
}
