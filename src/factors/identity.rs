//! Unlinking identities at other providers.

use super::{begin, has_way_in, notify};
use crate::{
    audit::{self, Event},
    domain::{Code, Field},
    platform::{
        error::{Refusal, Result},
        visit::Visit,
    },
    providers::identities,
    services::Services,
    sessions::{Which, caller::Fresh, end},
};

/// Unlinks an identity of the caller, unless it is the last way in. Every other session ends: it may have come
/// of it.
pub async fn unlink(services: &Services, caller: Fresh<'_>, id: &str, visit: &Visit) -> Result<()> {
    let account = caller.account();
    let mut event = Event::by_owner(visit, account, super::IDENTITY_UNLINKED);
    let (mut tx, revision) = begin(services, &caller, event.at).await?;
    let Some(identity) = identities::unlink(&mut tx, account, id).await? else {
        tx.rollback().await?;
        return Err(Refusal::NotFound.into());
    };
    if !has_way_in(&mut tx, services, account).await? {
        tx.rollback().await?;
        return Err(Refusal::of_field(Field::FACTOR, Code::LastWayIn).into());
    }
    event.detail.note.clone_from(&identity.provider);
    let which = Which::AllBut(caller.session());
    let changed = end(&mut tx, revision, account, which, event.at).await?;
    let provider = services.providers.of_issuer(&identity.issuer);
    let name = provider.map_or(&*identity.provider, |provider| &provider.name);
    let values = [("provider", name), ("label", &*identity.label)];
    notify(&mut tx, services, account, "identity-unlinked", &values).await?;
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    services.live_sessions.changed(&changed);
    services.wake_outbox();
    event.log();
    Ok(())
}
