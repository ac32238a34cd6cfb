//! Proving again who one is: by a passkey, or by the password and, where there is one, the second
//! factor. The session continues under a new id (SE-01).
//!
//! The same request, repeated because its answer was lost, gets the same session.

use std::sync::Arc;

use super::{Entered, PROOF_FAILED, PROVED, password::password_changed};
use crate::{
    audit::{self, Act, By, Event},
    domain::{AccountId, Code, Field, Password},
    emails,
    factors::{self, Answer, Answered, trusted},
    keys::{Sealed, Statement},
    passwords::{self, Holder, PasswordHash, Place},
    platform::{
        clock::now,
        error::{Fault, Refusal, Result},
        random,
        visit::Visit,
    },
    services::Services,
    sessions::{
        self, First, ProvedBy, Second, StoredSession, Successor, Which, account,
        caller::{OVER, Renewer, Returning, SignedIn},
        grants,
        refresh::{GRACE, RefreshToken},
    },
    store::changes,
    throttle::{LIMITED, Who, counter::Counter},
};

/// The evidence that a signed-in user gives.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    pub password: Option<&'a Password>,
    pub answer: Option<&'a Answer>,
}

impl<'a> Evidence<'a> {
    /// Of a password alone.
    pub(super) fn of(password: &'a Password) -> Self {
        Self { password: Some(password), answer: None }
    }
}

/// Proves again who the user is, as strongly as the account demands.
pub async fn confirm(
    services: &Services,
    renewer: &Renewer,
    evidence: &Evidence<'_>,
    visit: &Visit,
) -> Result<Entered> {
    let caller = match renewer {
        Renewer::Now(caller) => caller,
        Renewer::Again(returning) if returning.by_password => return Err(OVER.into()),
        Renewer::Again(returning) => return go_on(services, returning, evidence, visit).await,
    };
    let event = Event::by_owner(visit, caller.account(), PROOF_FAILED);
    let failed = Failed { field: Field::PASSWORD, event };
    let proof = prove(services, caller, evidence, visit, failed).await?;
    let renewal = Renewal { act: PROVED, proof, new_hash: None };
    renew(services, caller, renewal, evidence, visit).await
}

/// How a failed proof is reported and recorded.
pub(super) struct Failed {
    pub(super) field: Field,
    pub(super) event: Event,
}

/// A proof that was right, and what is checked again before it counts.
pub(super) struct FullProof {
    /// `None`: what the session has proved before still counts.
    pub(super) proved_by: Option<ProvedBy>,
    pub(super) answered: Option<Answered>,
    pub(super) hash: Option<PasswordHash>,
    pub(super) epoch: i64,
    pub(super) counters: Vec<Counter>,
    pub(super) failed: Failed,
}

/// Checks the evidence of a signed-in user.
pub(super) async fn prove(
    services: &Services,
    caller: &SignedIn,
    evidence: &Evidence<'_>,
    visit: &Visit,
    failed: Failed,
) -> Result<FullProof> {
    verify(services, caller.account(), caller.family(), evidence, visit, failed, true).await
}

/// Checks the password alone.
pub(super) async fn prove_password(
    services: &Services,
    caller: &SignedIn,
    evidence: &Evidence<'_>,
    visit: &Visit,
    failed: Failed,
) -> Result<FullProof> {
    verify(services, caller.account(), caller.family(), evidence, visit, failed, false).await
}

/// `in_full`: with the second factor that the account demands.
async fn verify(
    services: &Services,
    account: AccountId,
    family: &str,
    evidence: &Evidence<'_>,
    visit: &Visit,
    failed: Failed,
    in_full: bool,
) -> Result<FullProof> {
    let Services { store, throttle, .. } = services;
    let mut counters = throttle.counters(&services.keys, Who::Session(family), visit);
    if let Some(Answer::Code(_) | Answer::RecoveryCode(_)) = evidence.answer {
        // Six digits are few: all networks count together.
        counters.extend(throttle.counters(&services.keys, Who::Codes(account), visit));
        counters.sort_by(|one, other| one.key.cmp(&other.key));
    }
    throttle.refuse_if_limited(store, &counters, visit, LIMITED).await?;
    let holder = passwords::holder(store, account).await?.ok_or(OVER)?;
    let Holder { hash, epoch, .. } = holder;
    let demanded = factors::of(services, account).await?;
    let Evidence { password, answer } = *evidence;
    let is_passkey = matches!(answer, Some(Answer::Passkey(_)));
    // An account without a password signs in again, unless it has a passkey.
    if !is_passkey {
        let Some(password) = password else {
            return Err(Refusal::of_field(failed.field, Code::Missing).into());
        };
        if in_full && demanded.any() && answer.is_none() {
            let methods = demanded.methods();
            return Err(Refusal::SecondFactorRequired { challenge: None, methods }.into());
        }
        let by = Place::of(visit, Some(account));
        if !services.passwords.verify(password, hash.as_ref(), by).await?.right {
            throttle.count(store, &counters, failed.event).await?;
            return Err(Refusal::of_field(failed.field, Code::Wrong).into());
        }
    }
    // Accounts without a second factor are asked for none.
    let answer = answer.filter(|_| in_full && demanded.any());
    let answered = match answer {
        Some(answer) => {
            let checked = factors::check(services, Some(account), answer, None, visit).await?;
            if checked.is_none() {
                throttle.count(store, &counters, failed.event).await?;
                return Err(Refusal::InvalidCode.into());
            }
            checked
        }
        None if is_passkey => return Err(Refusal::InvalidCode.into()),
        None => None,
    };
    let proved_by =
        answered.as_ref().map_or(ProvedBy::of(First::Password), |answered| match answered.second {
            Second::Passkey(storage) => ProvedBy::of(First::Passkey(storage)),
            second => ProvedBy::of(First::Password).and(second),
        });
    Ok(FullProof { proved_by: Some(proved_by), answered, hash, epoch, counters, failed })
}

/// The session that replaced one that ended a moment ago, by this same request. `evidence`: that which
/// is valid since then. After a new password, that alone; after a confirmation, all of it: an answer
/// of the second factor has been used, but is right all the same.
pub(super) async fn go_on(
    services: &Services,
    returning: &Returning,
    evidence: &Evidence<'_>,
    visit: &Visit,
) -> Result<Entered> {
    let Successor { session, profile } = &*returning.successor;
    let event = Event::of(visit, By::Stranger, PROOF_FAILED, Some(profile.id), now());
    let failed = Failed { field: Field::PASSWORD, event };
    let (account, family) = (profile.id, &session.family);
    let in_full = !returning.by_password;
    let proof = verify(services, account, family, evidence, visit, failed, in_full).await?;
    let FullProof { counters, failed, .. } = &proof;
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
    pub(super) proof: FullProof,
    /// The hash of a new password, which ends all other sessions.
    pub(super) new_hash: Option<&'a PasswordHash>,
}

/// Continues the session under a new id. `evidence`: what is valid afterwards.
pub(super) async fn renew(
    services: &Services,
    caller: &SignedIn,
    Renewal { act, proof, new_hash }: Renewal<'_>,
    evidence: &Evidence<'_>,
    visit: &Visit,
) -> Result<Entered> {
    let (store, account_id) = (&services.store, caller.account());
    let event = Event::by_owner(visit, account_id, act);
    let by_password = new_hash.is_some();
    let successor = services.keys.tag(match by_password {
        true => Statement::SuccessorByPassword(caller.session()),
        false => Statement::Successor(caller.session()),
    });
    // Two identical requests may run at once.
    let again = async || {
        let found = sessions::begun_by(store, &successor, now() - GRACE).await?.ok_or(OVER)?;
        let (old, successor) = (caller.session().into(), Arc::new(found));
        let returning = Returning { old, by_password, successor };
        go_on(services, &returning, evidence, visit).await
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
        auth_time: event.at,
        proved_by: proof.proved_by.unwrap_or(old.proved_by),
        begun_by: Some(successor.clone()),
        sealed_refresh_token: refresh_token.as_ref().map(seal).transpose()?,
        ..sessions::seen(old.clone(), visit, event.at)
    };

    let mut tx = store.begin().await?;
    let revision = changes::next_revision(&mut tx).await?;
    let locked = account::lock(&mut tx, account_id).await?;
    let FullProof { counters, failed, .. } = &proof;
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
    // A factor may have been added meanwhile.
    let demanded = factors::read(&mut tx, services, account_id).await?;
    if demanded.any() && !session.proved_by.is_strong() {
        tx.rollback().await?;
        let methods = demanded.methods();
        return Err(Refusal::SecondFactorRequired { challenge: None, methods }.into());
    }
    let mut spent = None;
    if let Some(answered) = &proof.answered {
        let found = factors::spend(&mut tx, services, account_id, answered, visit).await?;
        let Some(found) = found else {
            tx.rollback().await?;
            return Err(Refusal::InvalidCode.into());
        };
        spent = found.event;
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
        // Those of the other sessions have ended with them.
        grants::end_of_session(&mut tx, &session.family, event.at).await?;
        emails::drop_pending(&mut tx, account_id).await?;
        trusted::forget_all(&mut tx, account_id).await?;
        password_changed(&mut tx, services, account_id).await?;
    }
    // The trail comes last: see `store/changes.rs`.
    for event in [Some(&event), spent.as_ref()].into_iter().flatten() {
        audit::record(&mut tx, event).await?;
    }
    tx.commit().await?;
    services.wake_outbox();

    services.live_sessions.changed(&changed);
    [Some(&event), spent.as_ref()].into_iter().flatten().for_each(Event::log);
    let entered = Entered::new(services, row.profile, session, epoch, visit)?;
    Ok(Entered { refresh_token, ..entered })
}
