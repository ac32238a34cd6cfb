//! Setting a new password: by its owner, or with a link.

use super::{
    Entered, PASSWORD_CHANGE_FAILED, PASSWORD_CHANGED, PASSWORD_LINK_MADE, PASSWORD_SET_BY_LINK,
    confirm::{Evidence, Failed, FullProof, Renewal, go_on, prove_password, renew},
};
use crate::{
    audit::{self, Authority, By, Event},
    domain::{AccountId, Code, Email, Field, Password, PasswordChange, Profile, new_password},
    emails,
    factors::{self, trusted},
    groups,
    links::{self, Link, Purpose, Repeat},
    passwords::{self, Holder, Place},
    platform::{
        clock::now,
        error::{Error, Fault, Refusal, Result},
        visit::Visit,
    },
    services::Services,
    sessions::{
        self, Which, account,
        caller::{OVER, Renewer, SignedIn},
    },
    store::{Store, changes, db::Tx},
    throttle::{LIMITED, TOKEN_REFUSED, Who},
};

/// Changes the password. Every other session ends, and this one continues under a new id (PW-08,
/// SE-01, SE-03). The same change, repeated because its answer was lost, gets the same session.
pub async fn change(
    services: &Services,
    renewer: &Renewer,
    change: &PasswordChange,
    visit: &Visit,
) -> Result<Entered> {
    let caller = match renewer {
        Renewer::Now(caller) => caller,
        Renewer::Again(returning) if !returning.by_password => return Err(OVER.into()),
        Renewer::Again(returning) => {
            let evidence = Evidence::of(&change.new);
            let again = go_on(services, returning, &evidence, visit).await;
            // The earlier request was not this change.
            return again.map_err(|error| match error {
                Error::Refusal(Refusal::InvalidInput(_)) => OVER.into(),
                error => error,
            });
        }
    };
    let event = Event::by_owner(visit, caller.account(), PASSWORD_CHANGE_FAILED);
    let failed = Failed { field: Field::CURRENT_PASSWORD, event };
    if services.settings.factors.required && !caller.has_second_factor() {
        // One is set up before anything else.
        return Err(Refusal::SecondFactorRequired { challenge: None, methods: Vec::new() }.into());
    }
    // The password alone does not change itself where there is a second factor.
    let has_factors = factors::of(services, caller.account()).await?.any();
    if has_factors {
        caller.fresh(services.settings.sessions.proof_ttl)?;
    }
    let proof = match &change.current {
        Some(current) => {
            let evidence = Evidence::of(current);
            let proof = prove_password(services, caller, &evidence, visit, failed).await?;
            // The session has proved more than the password.
            FullProof { proved_by: proof.proved_by.filter(|_| !has_factors), ..proof }
        }
        None => confirmed(services, caller, failed).await?,
    };
    let by = Place::of(visit, Some(caller.account()));
    let is_same = match &change.current {
        Some(current) => current.is_same_as(&change.new),
        None => {
            let hash = proof.hash.as_ref();
            services.passwords.verify(&change.new, hash, by.clone()).await?.right
        }
    };
    if is_same {
        let FullProof { counters, failed, .. } = &proof;
        services.throttle.recheck_alone(&services.store, counters, &failed.event).await?;
        return Err(Refusal::of_field(Field::NEW_PASSWORD, Code::Unchanged).into());
    }
    let hash = services.passwords.hash(&change.new, by).await?;
    let renewal = Renewal { act: PASSWORD_CHANGED, proof, new_hash: Some(&hash) };
    renew(services, caller, renewal, &Evidence::of(&change.new), visit).await
}

/// Whether the current password may be left out: it has just been confirmed, or there is none.
pub async fn may_omit_current(services: &Services, caller: &SignedIn) -> Result<bool, Fault> {
    let ttl = services.settings.sessions.proof_ttl;
    Ok(caller.has_confirmed(ttl) || !has_one(services, caller).await?)
}

/// Whether the account has a password.
pub async fn has_one(services: &Services, caller: &SignedIn) -> Result<bool, Fault> {
    let holder = passwords::holder(&services.store, caller.account()).await?;
    Ok(holder.is_none_or(|holder| holder.hash.is_some()))
}

/// A change without the current password.
async fn confirmed(services: &Services, caller: &SignedIn, failed: Failed) -> Result<FullProof> {
    let holder = passwords::holder(&services.store, caller.account()).await?.ok_or(OVER)?;
    let Holder { hash, epoch, .. } = holder;
    let ttl = services.settings.sessions.proof_ttl;
    if hash.is_none() {
        caller.fresh(ttl)?;
    } else if !caller.has_confirmed(ttl) {
        return Err(Refusal::of_field(Field::CURRENT_PASSWORD, Code::Missing).into());
    }
    let (proved_by, answered, counters) = (None, None, Vec::new());
    Ok(FullProof { proved_by, answered, hash, epoch, counters, failed })
}

/// Makes a link for setting a password once, which replaces any earlier ones, and returns its last
/// part.
pub async fn make_link(store: &Store, authority: &Authority, account: AccountId) -> Result<String> {
    let (mut tx, event, link) = begin_link(store, authority, account, None).await?;
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    event.log();
    Ok(link)
}

/// Sends such a link to the verified address of an account. `false`: it has none, or there is no mail.
pub(crate) async fn send_link(
    services: &Services,
    authority: &Authority,
    account: AccountId,
) -> Result<bool> {
    let Some(address) = emails::verified(&services.store, account).await? else { return Ok(false) };
    let Some(email) = services.mail.as_ref().and(Email::parse(&address).ok()) else {
        return Ok(false);
    };
    let key = emails::key(&email);
    let begun = begin_link(&services.store, authority, account, Some(&key)).await?;
    let (mut tx, event, link) = begun;
    let path = format!("/set-password?link={link}");
    emails::notify(&mut tx, services, account, "set-password", &[], &path).await?;
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    services.wake_outbox();
    event.log();
    Ok(true)
}

async fn begin_link(
    store: &Store,
    authority: &Authority,
    account: AccountId,
    sent_to: Option<&str>,
) -> Result<(Tx, Event, String)> {
    let event = authority.event(PASSWORD_LINK_MADE, Some(account));
    let mut tx = store.begin().await?;
    account::lock(&mut tx, account).await?.ok_or(Refusal::NotFound)?;
    groups::refuse_program(&mut tx, authority, account).await?;
    let link = links::make(&mut tx, Purpose::SetPassword, account, event.at, sent_to).await?;
    Ok((tx, event, link))
}

/// The account that this link belongs to.
pub async fn owner_of_link(services: &Services, link: &str, visit: &Visit) -> Result<Profile> {
    Ok(find(services, link, Repeat::Refused, visit).await?.1.profile)
}

/// The links that set a password: an operator's, and that of an owner who has forgotten it.
const PURPOSES: [Purpose; 2] = [Purpose::SetPassword, Purpose::ResetPassword];

/// A link and its account.
async fn find(
    services: &Services,
    link: &str,
    repeat: Repeat,
    visit: &Visit,
) -> Result<(Link, Holder)> {
    let store = &services.store;
    for purpose in PURPOSES {
        if let Some(found) = links::find(store, purpose, link, repeat, now()).await?
            && let Some(holder) = passwords::holder(store, found.account).await?
        {
            return Ok((found, holder));
        }
    }
    invalid(services, visit).await
}

async fn invalid<T>(services: &Services, visit: &Visit) -> Result<T> {
    services.throttle.refuse_bearer(&services.keys, &services.store, visit).await?;
    Err(Refusal::LinkInvalid.into())
}

/// Sets a password with a link. The link is used up, all sessions end, and nobody is
/// signed in (RE-03). A pending change of the address ends, too. Returns the account.
pub async fn set_by_link(
    services: &Services,
    link: &str,
    new: &Result<String, Code>,
    repeat: Repeat,
    visit: &Visit,
) -> Result<AccountId> {
    let (found, holder) = find(services, link, repeat, visit).await?;
    let policy = services.settings.passwords.policy;
    let new = new_password(new, policy, &holder.profile)
        .map_err(|code| Refusal::of_field(Field::NEW_PASSWORD, code))?;
    if found.used {
        return set_already(services, &holder, &new, visit).await;
    }
    let account = found.account;
    let hash = services.passwords.hash(&new, Place::of(visit, Some(account))).await?;
    let event = Event::of(visit, By::Owner, PASSWORD_SET_BY_LINK, Some(account), now());

    let mut tx = services.store.begin().await?;
    let revision = changes::next_revision(&mut tx).await?;
    account::lock(&mut tx, account).await?;
    let mut is_used_up = false;
    for purpose in PURPOSES {
        is_used_up |= links::use_up(&mut tx, purpose, link, event.at).await?;
    }
    let is_ours = match &found.sent_to {
        // Not if the address has changed since the link was sent.
        Some(key) => emails::is_verified(&mut tx, account, key).await?,
        None => true,
    };
    if !is_used_up || !is_ours {
        tx.rollback().await?;
        // Used a moment ago, perhaps by a repeat of this form.
        let (_, holder) = find(services, link, repeat, visit).await?;
        return set_already(services, &holder, &new, visit).await;
    }
    passwords::change(&mut tx, account, &hash).await?;
    trusted::forget_all(&mut tx, account).await?;
    let mut unproven = None;
    let changed = sessions::end(&mut tx, revision, account, Which::All, event.at).await?;
    emails::drop_pending(&mut tx, account).await?;
    if found.sent_to.is_some() {
        _ = sessions::note_device(&mut tx, &services.keys, account, visit, event.at).await?;
        if !emails::is_tied(&mut tx, account).await? {
            unproven = factors::forget_unproven(&mut tx, services, account, &event).await?;
        }
        emails::tie(&mut tx, account, event.at).await?;
    }
    password_changed(&mut tx, services, account).await?;
    for event in [Some(&event), unproven.as_ref()].into_iter().flatten() {
        audit::record(&mut tx, event).await?;
    }
    tx.commit().await?;

    services.live_sessions.changed(&changed);
    services.wake_outbox();
    [Some(&event), unproven.as_ref()].into_iter().flatten().for_each(Event::log);
    Ok(account)
}

/// Tells the owner, in the transaction of the change.
pub(super) async fn password_changed(
    tx: &mut Tx,
    services: &Services,
    account: AccountId,
) -> Result<(), Fault> {
    emails::notify(tx, services, account, "password-changed", &[], "/forgot-password").await
}

/// Whether a link that was used a moment ago has set this same password. A wrong one counts like an
/// invalid link, so a used link is no help in guessing the password.
async fn set_already(
    services: &Services,
    holder: &Holder,
    new: &Password,
    visit: &Visit,
) -> Result<AccountId> {
    let Services { store, throttle, keys, .. } = services;
    let counters = throttle.counters(keys, Who::Bearer, visit);
    throttle.refuse_if_limited(store, &counters, visit, LIMITED).await?;
    let account = holder.profile.id;
    let by = Place::of(visit, Some(account));
    if services.passwords.verify(new, holder.hash.as_ref(), by).await?.right {
        let failed = Event::of(visit, By::Stranger, TOKEN_REFUSED, None, now());
        throttle.recheck_alone(store, &counters, &failed).await?;
        return Ok(account);
    }
    invalid(services, visit).await
}
