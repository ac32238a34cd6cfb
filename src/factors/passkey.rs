//! Adding, naming and removing passkeys.

use serde_json::Value;

use super::{
    PASSKEY_ADDED, PASSKEY_REMOVED, PASSKEY_RENAMED, added, begin, has_way_in, notify, read,
    took_one_away, totp,
};
use crate::{
    audit::{self, Event},
    domain::{Code, Field, PasskeyName},
    emails,
    passkeys::{self, Ceremony, MAX_PASSKEYS, Passkey, Registration},
    platform::{
        clock::now,
        error::{Refusal, Result},
        visit::Visit,
    },
    services::Services,
    sessions::{
        KeyStorage, Second, account,
        caller::{Fresh, SignedIn},
    },
};

/// The options to make a passkey with, and the challenge among them.
pub async fn options(services: &Services, caller: Fresh<'_>) -> Result<(String, Value)> {
    let (account, home) = (caller.account(), &services.home);
    let known = passkeys::of_account(&services.store, account, home).await?;
    let ceremony = Ceremony::Adding(account, caller.family());
    let challenge = ceremony.challenge(&services.keys, now())?;
    let brand = services.settings.brand.name();
    let options = passkeys::options::creation(home, &brand, caller.profile(), &known, &challenge);
    Ok((challenge, options))
}

/// Adds a passkey, made for this challenge. `name`: `None` for that of its authenticator. `set`: the
/// recovery codes that were shown, if any.
pub async fn add(
    services: &Services,
    caller: Fresh<'_>,
    (challenge, set): (&str, Option<&str>),
    registration: Registration,
    name: Option<PasskeyName>,
    visit: &Visit,
) -> Result<Passkey> {
    let (account, home) = (caller.account(), &services.home);
    let event = Event::by_owner(visit, account, PASSKEY_ADDED);
    let wrong = |field, code| Refusal::of_field(field, code);
    if !Ceremony::Adding(account, caller.family()).made(&services.keys, challenge, event.at) {
        return Err(wrong(Field::CHALLENGE, Code::Wrong).into());
    }
    let key = registration.verify(challenge, home).map_err(|reason| {
        tracing::info!(%reason, "a passkey was not added");
        wrong(Field::CREDENTIAL, Code::Wrong)
    })?;
    let name = name.unwrap_or_else(|| PasskeyName::of_provider(passkeys::provider(&key.aaguid)));
    let (mut tx, revision) = begin(services, &caller, event.at).await?;
    let before = read(&mut tx, services, account).await?;
    let unproven = emails::is_waiting(&mut tx, account).await?;
    let refusal = if usize::try_from(before.passkeys).unwrap_or_default() >= MAX_PASSKEYS {
        Some(wrong(Field::CREDENTIAL, Code::TooMany { max: MAX_PASSKEYS }))
    } else if !passkeys::spend(&mut tx, challenge, account, event.at).await? {
        Some(wrong(Field::CHALLENGE, Code::Wrong))
    } else if !passkeys::add(&mut tx, account, name.as_str(), &key, home, unproven, event.at)
        .await?
    {
        Some(wrong(Field::CREDENTIAL, Code::Taken))
    } else {
        None
    };
    if let Some(refusal) = refusal {
        tx.rollback().await?;
        return Err(refusal.into());
    }
    if before.codes_left == 0 {
        let given = totp::give_pending_codes(&mut tx, services, &caller, set, event.at).await;
        if let Err(error) = given {
            tx.rollback().await?;
            return Err(error);
        }
    }
    let second = Second::Passkey(KeyStorage::of(key.backup_eligible));
    let changed =
        added(&mut tx, services, revision, caller, second, (before, false), event.at).await?;
    notify(&mut tx, services, account, "passkey-added", &[("passkey", name.as_str())]).await?;
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    services.live_sessions.changed(&changed);
    services.wake_outbox();
    event.log();
    own(services, &caller, &key.id).await
}

/// Renames a passkey of the caller. Another user's counts as not found (AZ-02).
pub async fn rename(
    services: &Services,
    caller: &SignedIn,
    id: &str,
    name: &PasskeyName,
    visit: &Visit,
) -> Result<Passkey> {
    services.throttle.act(caller.family())?;
    let account = caller.account();
    let event = Event::by_owner(visit, account, PASSKEY_RENAMED);
    let before = own(services, caller, id).await?;
    if before.name == name.as_str() {
        return Ok(before);
    }
    let mut tx = services.store.begin().await?;
    account::lock(&mut tx, account).await?;
    if !passkeys::rename(&mut tx, account, id, name.as_str()).await? {
        tx.rollback().await?;
        return Err(Refusal::NotFound.into());
    }
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    event.log();
    own(services, caller, id).await
}

/// Removes a passkey of the caller, unless it is the last way in. Every other session ends.
pub async fn remove(services: &Services, caller: Fresh<'_>, id: &str, visit: &Visit) -> Result<()> {
    let account = caller.account();
    let event = Event::by_owner(visit, account, PASSKEY_REMOVED);
    let (mut tx, revision) = begin(services, &caller, event.at).await?;
    let Some(name) = passkeys::remove(&mut tx, account, id).await? else {
        tx.rollback().await?;
        return Err(Refusal::NotFound.into());
    };
    if !has_way_in(&mut tx, services, account).await? {
        tx.rollback().await?;
        return Err(Refusal::of_field(Field::FACTOR, Code::LastWayIn).into());
    }
    let changed = match took_one_away(&mut tx, services, revision, caller, event.at).await {
        Ok(changed) => changed,
        Err(error) => {
            tx.rollback().await?;
            return Err(error);
        }
    };
    notify(&mut tx, services, account, "passkey-removed", &[("passkey", &*name)]).await?;
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    services.live_sessions.changed(&changed);
    services.wake_outbox();
    event.log();
    Ok(())
}

async fn own(services: &Services, caller: &SignedIn, id: &str) -> Result<Passkey> {
    let found = passkeys::find(&services.store, id, &services.home).await?;
    let found = found.filter(|passkey| passkey.account == caller.account());
    Ok(found.ok_or(Refusal::NotFound)?)
}
