//! Trusted devices: those that are not asked for the second factor for thirty days.
//!
//! A device is recognized by its cookie, which goes with the account's credentials: after a change of
//! the password it is nobody's. Its entry can be seen and taken back. A session that begins on one has
//! proved one factor only, so what needs a fresh proof still asks for both.

use super::{DEVICE_TRUSTED, DEVICE_UNTRUSTED, sql};
use crate::{
    audit::{self, Event, sha256},
    domain::AccountId,
    platform::{
        clock::now,
        error::{Fault, Refusal, Result},
        random,
        visit::Visit,
    },
    services::Services,
    sessions::{account, caller::SignedIn},
    store::db::{Db, Tx},
};

/// Seconds.
pub const TRUST_TTL: i64 = 30 * 24 * 3600;

/// A device that is trusted. Times are seconds since 1970, UTC.
#[derive(Clone, Debug)]
pub struct TrustedDevice {
    pub id: String,
    /// In words: browser and system.
    pub device: String,
    pub network: String,
    pub created_at: i64,
    pub expires_at: i64,
}

/// A hash, because no key may be dropped that it depends on. The id is random.
fn tag(account: AccountId, device: &str) -> String {
    sha256(&format!("trusted by {}: {device}", account.0))
}

/// The devices that an account trusts, the latest first.
pub async fn list(services: &Services, account: AccountId) -> Result<Vec<TrustedDevice>, Fault> {
    sql::trusted(&mut services.store.read().await?, account, now()).await
}

/// Whether an account trusts the device with this id.
pub(crate) async fn is_one(db: &mut Db, account: AccountId, device: &str) -> Result<bool, Fault> {
    sql::is_trusted(db, account, &tag(account, device), now()).await
}

/// Trusts a device, in the transaction of a sign-in by both factors. `device`: its id. Log the event
/// after the commit.
pub(crate) async fn trust(
    tx: &mut Tx,
    account: AccountId,
    device: &str,
    visit: &Visit,
) -> Result<Event, Fault> {
    let event = Event::by_owner(visit, account, DEVICE_TRUSTED);
    let new = TrustedDevice {
        id: random::text()?,
        device: visit.device.clone(),
        network: visit.network(),
        created_at: event.at,
        expires_at: event.at + TRUST_TTL,
    };
    sql::trust(tx, account, &tag(account, device), &new).await?;
    audit::record(tx, &event).await?;
    Ok(event)
}

/// Trusts no device of an account any more: its password has changed.
pub(crate) async fn forget_all(tx: &mut Tx, account: AccountId) -> Result<(), Fault> {
    sql::distrust_all(tx, account).await
}

/// Takes the trust in a device back. Another user's counts as not found (AZ-02).
pub async fn distrust(
    services: &Services,
    caller: &SignedIn,
    id: &str,
    visit: &Visit,
) -> Result<()> {
    let event = Event::by_owner(visit, caller.account(), DEVICE_UNTRUSTED);
    let mut tx = services.store.begin().await?;
    account::lock(&mut tx, caller.account()).await?;
    if !sql::distrust(&mut tx, caller.account(), id).await? {
        tx.rollback().await?;
        return Err(Refusal::NotFound.into());
    }
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    event.log();
    Ok(())
}
