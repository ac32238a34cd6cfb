//! Answers to the second step: checked first, and spent in the transaction of what they open, so that
//! each works once, also when two requests race (RE-05, RE-06).

use std::fmt;

use super::{Factors, PASSKEY_WENT_BACK, RECOVERY_CODE_USED, notify, read, sql, totp};
use crate::{
    audit::{self, By, Event},
    domain::AccountId,
    keys::Sealed,
    passkeys::{self, Assertion, Ceremony, Verified},
    platform::{
        clock::now,
        error::{Fault, Result},
        visit::Visit,
    },
    services::Services,
    sessions::{KeyStorage, Second, account},
    store::db::Tx,
};

/// An answer, as it came.
pub enum Answer {
    /// Of an authenticator app.
    Code(String),
    RecoveryCode(String),
    Passkey(Assertion),
}

/// Never with the code.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer(…)")
    }
}

/// An answer that is right, unless it has been used.
#[derive(Clone, Debug)]
pub struct Answered {
    pub second: Second,
    what: What,
}

/// What is used up.
#[derive(Clone, Debug)]
enum What {
    Step(i64),
    /// A place, and the sealed hash that was read there.
    RecoveryCode(i64, String),
    Passkey {
        key: Verified,
        /// Whether its challenge is that of the sign-in itself, which is used up there.
        own_challenge: bool,
    },
}

/// An answer that was used up.
pub(crate) struct Spent {
    /// To be recorded and logged with the others. Recording it here would lock the audit trail before
    /// the sessions.
    pub(crate) event: Option<Event>,
}

impl Answered {
    /// The passkey that answered.
    #[must_use]
    pub fn passkey(&self) -> Option<&Verified> {
        match &self.what {
            What::Passkey { key, .. } => Some(key),
            What::Step(_) | What::RecoveryCode(..) => None,
        }
    }
}

/// Checks an answer. `account`: `None` if the answer itself must tell, as a passkey does. `own`: a
/// challenge that a passkey may answer besides those for signing in. `None`: it is wrong.
pub(crate) async fn check(
    services: &Services,
    account: Option<AccountId>,
    answer: &Answer,
    own: Option<&str>,
    visit: &Visit,
) -> Result<Option<Answered>> {
    let answered = match (answer, account) {
        (Answer::Code(code), Some(account)) => {
            let secret = totp::secret(services, account).await?;
            let step = secret.map(|secret| totp::step(&secret, code, now())).transpose()?.flatten();
            step.map(|step| Answered { second: Second::Totp, what: What::Step(step) })
        }
        (Answer::RecoveryCode(code), Some(account)) => {
            let found = find_code(services, account, code).await?;
            let code = found.map(|(place, code)| What::RecoveryCode(place, code));
            code.map(|what| Answered { second: Second::RecoveryCode, what })
        }
        (Answer::Passkey(assertion), account) => {
            let verified = check_passkey(services, assertion, own, visit).await?;
            let verified = verified.filter(|key| account.is_none_or(|id| id == key.account));
            verified.map(|key| Answered {
                second: Second::Passkey(KeyStorage::of(key.backup_eligible)),
                what: What::Passkey { own_challenge: own == Some(&*key.challenge), key },
            })
        }
        (Answer::Code(_) | Answer::RecoveryCode(_), None) => None,
    };
    Ok(answered)
}

/// The place of a recovery code, used or not, and its sealed hash.
async fn find_code(
    services: &Services,
    account: AccountId,
    code: &str,
) -> Result<Option<(i64, String)>> {
    let hash = totp::hash(account, code);
    let rows = sql::codes(&mut services.store.read().await?, account).await?;
    let is_it = |(place, sealed, _): &(i64, String, Option<i64>)| {
        let opened = services.keys.open(Sealed::RecoveryCode(account, *place), sealed);
        // Of hashes, so the time tells nothing of the code.
        opened.is_some_and(|opened| *opened == hash)
    };
    Ok(rows.into_iter().find(is_it).map(|(place, sealed, _)| (place, sealed)))
}

async fn check_passkey(
    services: &Services,
    assertion: &Assertion,
    own: Option<&str>,
    visit: &Visit,
) -> Result<Option<Verified>> {
    let (keys, home) = (&services.keys, &services.home);
    let challenge = assertion.challenge().filter(|challenge| {
        own == Some(&**challenge) || Ceremony::SignIn.made(keys, challenge, now())
    });
    let Some(challenge) = challenge else { return Ok(None) };
    let Some(passkey) = passkeys::find(&services.store, &assertion.id, home).await? else {
        return Ok(None);
    };
    match assertion.verify(&passkey, &challenge, home) {
        Ok(verified) if verified.went_back => {
            let (by, act) = (By::Stranger, PASSKEY_WENT_BACK);
            let event = Event::of(visit, by, act, Some(passkey.account), now());
            let mut tx = services.store.begin().await?;
            account::lock(&mut tx, passkey.account).await?;
            let is_own = own == Some(&*challenge);
            if !is_own && !passkeys::spend(&mut tx, &challenge, passkey.account, event.at).await? {
                tx.rollback().await?;
                // The same answer again: it has been used.
                return Ok(Some(verified));
            }
            notify(&mut tx, services, passkey.account, "passkey-copied", &[]).await?;
            audit::record(&mut tx, &event).await?;
            tx.commit().await?;
            services.wake_outbox();
            event.log();
            Ok(None)
        }
        Ok(verified) => Ok(Some(verified)),
        Err(reason) => {
            tracing::info!(%reason, "a passkey was refused");
            Ok(None)
        }
    }
}

/// Uses up an answer, in the transaction of that which it opens. `None`: it has been used, or the
/// factor is gone.
pub(crate) async fn spend(
    tx: &mut Tx,
    services: &Services,
    account: AccountId,
    answered: &Answered,
    visit: &Visit,
) -> Result<Option<Spent>, Fault> {
    let at = now();
    let spent = match &answered.what {
        What::Step(step) => sql::use_step(tx, account, *step).await?,
        What::RecoveryCode(place, code) => sql::use_code(tx, account, *place, code, at).await?,
        What::Passkey { key, own_challenge } => {
            (*own_challenge || passkeys::spend(tx, &key.challenge, account, at).await?)
                && passkeys::used(tx, key, at).await?
        }
    };
    if !spent {
        return Ok(None);
    }
    let What::RecoveryCode(..) = answered.what else { return Ok(Some(Spent { event: None })) };
    let Factors { codes_left, .. } = read(tx, services, account).await?;
    let left = [("count", &*codes_left.to_string())];
    notify(tx, services, account, "recovery-code-used", &left).await?;
    let event = Event::of(visit, By::Owner, RECOVERY_CODE_USED, Some(account), at);
    Ok(Some(Spent { event: Some(event) }))
}
