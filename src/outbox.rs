//! The outbox: deliveries that are to leave the server, such as mails.
//!
//! A delivery is a row, written in the transaction of its act: neither exists without the other.
//! Whichever node takes it delivers it, at least once. It holds a lease meanwhile, so no other node
//! does the same, and a node that dies loses nothing: the lease runs out.
//!
//! This room knows nothing of what it delivers. A room that has something to deliver puts it in
//! with [`enqueue`], and offers a [`Courier`] for its kind.
//!
//! The content is sealed, because it may hold a link that does something. A reader of the database
//! can't use it.

mod sql;
pub mod work;

use futures_util::future::BoxFuture;

use crate::{
    audit::{self, Authority, acts},
    domain::AccountId,
    keys::{Keys, Sealed},
    platform::{clock::now, error::Fault, random},
    store::{Store, db::Tx, page_of},
};

pub use sql::Listed;
pub(crate) use sql::{TABLES, forget};
pub use work::Delivered;

/// A kind of delivery, as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind(pub &'static str);

/// Puts a delivery into the outbox, in the transaction of its act. `account`: it goes when that
/// account is erased.
pub(crate) async fn enqueue(
    tx: &mut Tx,
    keys: &Keys,
    kind: Kind,
    account: Option<AccountId>,
    content: &str,
) -> Result<(), Fault> {
    let id = random::text()?;
    let sealed = keys.seal(Sealed::Delivery(&id), content)?;
    sql::insert(tx, &id, kind.0, account, &sealed, now(), None).await
}

/// The same for a delivery of a stream, whose deliveries go out one at a time, in the order of their places. One
/// that is given up holds up none of those after it.
pub(crate) async fn enqueue_in_order(
    tx: &mut Tx,
    keys: &Keys,
    kind: Kind,
    (stream, place): (&str, i64),
    content: &str,
) -> Result<(), Fault> {
    let id = random::text()?;
    let sealed = keys.seal(Sealed::Delivery(&id), content)?;
    sql::insert(tx, &id, kind.0, None, &sealed, now(), Some((stream, place))).await
}

/// Removes what is still to be delivered in a stream.
pub(crate) async fn discard_stream(tx: &mut Tx, stream: &str) -> Result<(), Fault> {
    sql::discard_stream(tx, stream).await
}

/// Removes a delivery from its place in a stream.
pub(crate) async fn discard_place(tx: &mut Tx, stream: &str, place: i64) -> Result<(), Fault> {
    sql::discard_place(tx, stream, place).await
}

/// Removes what is still to be delivered for an account.
pub(crate) async fn discard(tx: &mut Tx, account: AccountId) -> Result<(), Fault> {
    sql::discard(tx, account).await
}

/// A delivery that this node has taken.
pub struct Delivery {
    pub id: String,
    kind: String,
    /// `None`: sealed with a secret that this server no longer has.
    content: Option<String>,
    created_at: i64,
    /// How many tries have failed.
    tries: i64,
    lease: String,
}

/// Why a delivery failed. The words are for the operator, and name nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undelivered {
    /// Another try may succeed.
    ForNow(String),
    /// The other side has refused it for good.
    ForGood(String),
}

/// Delivers one kind of content.
pub trait Courier: Send + Sync {
    fn kind(&self) -> Kind;

    /// What this node has delivered of it.
    fn delivered(&self) -> &Delivered;

    /// `id`: stays the same when the delivery is repeated. `false`: there was nothing to deliver.
    fn deliver<'a>(
        &'a self,
        id: &'a str,
        content: &'a str,
    ) -> BoxFuture<'a, Result<bool, Undelivered>>;
}

/// How long a node may take for a delivery before another takes it over, in seconds. No courier
/// takes longer.
pub const LEASE: i64 = 120;

/// After this time, in seconds, a delivery that still fails is given up.
const GIVE_UP_AFTER: i64 = 24 * 3600;

/// The pause after each failed try, in seconds. The last one repeats.
const PAUSES: [i64; 6] = [60, 5 * 60, 30 * 60, 3600, 2 * 3600, 4 * 3600];

impl Delivery {
    /// When to try again after a failure now. `None`: it is given up.
    fn next_try(&self, now: i64) -> Option<i64> {
        let failed = usize::try_from(self.tries).unwrap_or(usize::MAX);
        let pause = PAUSES[failed.min(PAUSES.len() - 1)];
        let next = now.saturating_add(pause);
        (next <= self.created_at.saturating_add(GIVE_UP_AFTER)).then_some(next)
    }
}

/// The deliveries in the outbox, newest first.
pub async fn list(store: &Store, most: i64) -> Result<Vec<Listed>, Fault> {
    sql::page(&mut store.read().await?, None, false, most).await
}

/// Up to `most` deliveries made before the one with this time and id, newest first, perhaps only those that were
/// given up, and whether there are more.
pub async fn page(
    store: &Store,
    before: Option<(i64, &str)>,
    failed_only: bool,
    most: i64,
) -> Result<(Vec<Listed>, bool), Fault> {
    let found = sql::page(&mut store.read().await?, before, failed_only, most + 1).await?;
    Ok(page_of(found, most))
}

/// Whether anything was given up, or has failed and is being tried again: up to 100 of each.
pub async fn troubles(store: &Store) -> Result<(i64, i64), Fault> {
    sql::troubles(&mut store.read().await?).await
}

acts! {
    RETRIED = "outbox_updated:retry";
}

/// Tries all that has failed once more, or only the delivery with this id. Returns how many.
pub async fn retry(store: &Store, authority: &Authority, id: Option<&str>) -> Result<u64, Fault> {
    let mut tx = store.begin().await?;
    let retried = sql::retry(&mut tx, id, now()).await?;
    if retried == 0 {
        tx.rollback().await?;
        return Ok(0);
    }
    let event = authority.event(RETRIED, None).noting(id.unwrap_or("all"));
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    event.log();
    Ok(retried)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_tried_for_a_day_with_growing_pauses() {
        let (mut now, mut tries) = (1_000_000, 0);
        let mut times = Vec::new();
        loop {
            let delivery = Delivery {
                id: String::new(),
                kind: String::new(),
                content: None,
                created_at: 1_000_000,
                tries,
                lease: String::new(),
            };
            let Some(next) = delivery.next_try(now) else { break };
            times.push((next - 1_000_000) / 60);
            (now, tries) = (next, tries + 1);
        }
        assert_eq!(times, [1, 6, 36, 96, 216, 456, 696, 936, 1176, 1416]);
    }
}
