//! Another link to verify an address, for somebody who can't sign in before it is verified.

use super::{VERIFICATION_ASKED, asking::identifier, attempt};
use crate::{
    audit::{self, By, Event},
    emails,
    platform::{clock::now, error::Result, visit::Visit},
    services::Services,
    throttle::{LIMITED, Who},
};

/// Sends it to the address that waits to be verified. `raw`: a username, or that address.
pub async fn resend(services: &Services, raw: &str, visit: &Visit) -> Result<()> {
    emails::is_on(services)?;
    let identifier = identifier(raw)?;
    let (store, throttle) = (&services.store, &services.throttle);
    let by_network = throttle.counters(&services.keys, Who::Asking, visit);
    if throttle.is_limited(store, &by_network, visit, LIMITED).await? {
        return Ok(());
    }
    let named = attempt::holder(services, &identifier).await?.map(|holder| holder.profile.id);
    let event = Event::of(visit, By::Stranger, VERIFICATION_ASKED, named, now());
    let name = attempt::counted_name(services, &identifier);
    let typed = (identifier.email.as_ref(), &*name);
    let mut tx = store.begin().await?;
    if !emails::claim_again(&mut tx, services, named, typed, &by_network, visit).await? {
        tx.rollback().await?;
        throttle.audit_refusal(store, visit, LIMITED).await;
        return Ok(());
    }
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    services.wake_outbox();
    event.log();
    Ok(())
}
