//! Entering the password again. The session continues under a new id (SE-01).
//!
//! The same request, repeated because its answer was lost, gets the same session.

use std::sync::Arc;

use super::{Entered, PROOF_FAILED, PROVED, password::password_changed};
use crate::{
    audit::{self, Act, By, Event},
    domain::{AccountId, Code, Field, Password},
    emails,
    keys::{Sealed, Statement},
    passwords::{self, PasswordHash, Place},
    platform::{
        clock::now,
        error::{Fault, Refusal, Result},
        random,
        visit::Visit,
    },
    services::Services,
    sessions::{
        self, ProvedBy, StoredSession, Successor, Which, account,
        caller::{OVER, Renewer, Returning, SignedIn},
        refresh::{GRACE, RefreshToken},
    },
    store::changes,
    throttle::{LIMITED, Who, counter::Counter},
};

/// Enters the password again.
pub async fn confirm(
    services: &Services,
    renewer: &Renewer,
    password: &Password,
    visit: &Visit,
) -> Result<Entered> {
    let caller = match renewer {
        Renewer::Now(caller) => caller,
        Renewer::Again(returning) => return go_on(services, returning, password, visit).await,
    };
    let event = Event::by_owner(visit, caller.account(), PROOF_FAILED);
    let failed = Failed { field: Field::PASSWORD, event };
    let proof = prove(services, caller, password, visit, failed).await?;
    let renewal = Renewal { act: PROVED, proof, new_hash: None };
    renew(services, caller, renewal, password, visit).await
}

/// How a failed proof is reported and recorded.
pub(super) struct Failed {
    pub(super) field: Field,
    pub(super) event: Event,
}

/// A password that was right, and what is checked again before it counts.
pub(super) struct PasswordProof {
    pub(super) hash: Option<PasswordHash>,
    pub(super) epoch: i64,
    pub(super) counters: Vec<Counter>,
    pub(super) failed: Failed,
}

/// Checks the password of a signed-in user.
pub(super) async fn prove(
    services: &Services,
    caller: &SignedIn,
    password: &Password,
    visit: &Visit,
    failed: Failed,
) -> Result<PasswordProof> {
    verify(services, caller.account(), caller.family(), password, visit, failed).await
}

async fn verify(
    services: &Services,
    account: AccountId,
    family: &str,
    password: &Password,
    visit: &Visit,
    failed: Failed,
) -> Result<PasswordProof> {
    let Services { store, throttle, .. } = services;
    let counters = throttle.counters(&services.keys, Who::Session(family), visit);
    throttle.refuse_if_limited(store, &counters, visit, LIMITED).await?;
    let holder = passwords::holder(store, account).await?.ok_or(OVER)?;
    let by = Place::of(visit, Some(account));
    if !services.passwords.verify(password, holder.hash.as_ref(), by).await?.right {
        throttle.count(store, &counters, failed.event).await?;
        return Err(Refusal::of_field(failed.field, Code::Wrong).into());
    }
    Ok(PasswordProof { hash: holder.hash, epoch: holder.epoch, counters, failed })
}

/// The session that replaced one that ended a moment ago, by this same request. `password`: the one
/// valid since then.
pub(super) async fn go_on(
    services: &Services,
    returning: &Returning,
    password: &Password,
    visit: &Visit,
) -> Result<Entered> {
    let Successor { session, profile } = &*returning.successor;
    let event = Event::of(visit, By::Stranger, PROOF_FAILED, Some(profile.id), now());
    let failed = Failed { field: Field::PASSWORD, event };
    let (account, family) = (profile.id, &session.family);
    let proof = verify(services, account, family, password, visit, failed).await?;
    let PasswordProof { counters, failed, .. } = &proof;
    services.throttle.recheck_alone(&services.store, counters, &failed.event).await?;
    let what = Sealed::AfterSession(&returning.old);
    let refresh_token = match &session.sealed_refresh_token {
        Some(sealed) => {
            let token = services.keys.open(what, sealed);
            let token = token.and_then(|token| RefreshToken::parse(&token));
            Some(token.ok_or_else(|| Fault::internal("a sealed refresh token that is none"))?)
        }
        None => None,
    };
    let (profile, session) = (profile.clone(), session.clone());
    let entered = Entered::new(services, profile, session, proof.epoch, visit)?;
    Ok(Entered { refresh_token, ..entered })
}

/// The continuation of a session under a new id.
pub(super) struct Renewal<'a> {
    /// The act that the audit trail records.
    pub(super) act: Act,
    pub(super) proof: PasswordProof,
    /// The hash of a new password, which ends all other sessions.
    pub(super) new_hash: Option<&'a PasswordHash>,
}

/// Continues the session under a new id. `password`: the one valid afterwards.
pub(super) async fn renew(
    services: &Services,
    caller: &SignedIn,
    Renewal { act, proof, new_hash }: Renewal<'_>,
    password: &Password,
    visit: &Visit,
) -> Result<Entered> {
    let (store, account_id) = (&services.store, caller.account());
    let event = Event::by_owner(visit, account_id, act);
    let successor = services.keys.tag(Statement::Successor(caller.session()));
    // Two identical requests may run at once.
    let again = async || {
        let found = sessions::begun_by(store, &successor, now() - GRACE).await?.ok_or(OVER)?;
        let returning = Returning { old: caller.session().into(), successor: Arc::new(found) };
        go_on(services, &returning, password, visit).await
    };
    let Some(row) = sessions::find(store, caller.session(), event.at).await? else {
        return again().await;
    };
    let old = row.session;
    let refresh_token = old.refreshable.then(RefreshToken::new).transpose()?;
    let refresh_hash = refresh_token.as_ref().map(RefreshToken::hash);
    let what = Sealed::AfterSession(&old.id);
    let seal = |token: &RefreshToken| services.keys.seal(what, token.expose());
    let session = StoredSession {
        id: random::text()?,
        proved_at: event.at,
        proved_by: ProvedBy::Password,
        begun_by: Some(successor.clone()),
        sealed_refresh_token: refresh_token.as_ref().map(seal).transpose()?,
        ..sessions::seen(old.clone(), visit, event.at)
    };

    let mut tx = store.begin().await?;
    let revision = changes::next_revision(&mut tx).await?;
    let locked = account::lock(&mut tx, account_id).await?;
    let PasswordProof { counters, failed, .. } = &proof;
    if let Some(refused) = services.throttle.recheck(&mut tx, counters, &failed.event).await? {
        tx.commit().await?;
        failed.event.log();
        return Err(refused);
    }
    let is_good = locked
        .is_some_and(|locked| locked.epoch == proof.epoch && locked.disabled_at.is_none())
        && sessions::is_alive(&mut tx, &old.id, event.at).await?;
    if !is_good {
        tx.rollback().await?;
        return again().await;
    }
    sessions::begin(&mut tx, &session, refresh_hash.as_deref()).await?;
    let (which, epoch) = match new_hash {
        Some(hash) => {
            (Which::AllBut(&session.id), passwords::change(&mut tx, account_id, hash).await?)
        }
        None => (Which::One(&old.id), proof.epoch),
    };
    let changed = sessions::end(&mut tx, revision, account_id, which, event.at).await?;
    if new_hash.is_some() {
        emails::drop_pending(&mut tx, account_id).await?;
        password_changed(&mut tx, services, account_id).await?;
    }
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    services.wake_mail();

    services.live_sessions.changed(&changed);
    event.log();
    let entered = Entered::new(services, row.profile, session, epoch, visit)?;
    Ok(Entered { refresh_token, ..entered })
}
