//! The second step of a sign-in: a code of an authenticator app, a recovery code, or a passkey.
//!
//! Between the steps there is a challenge and no session. It works for five minutes and five tries, for
//! one account, and only for the browser or the program that took the first step. It opens nothing
//! else.

use super::{Proof, SECOND_FACTOR_FAILED, Step, attempt::Attempt, enter, leave_by, same_again};
use crate::{
    audit::{Event, sha256},
    challenges::{self, Challenge, MAX_TRIES, Purpose},
    domain::Profile,
    emails::{self, NOBODY, SECURITY},
    factors::{self, Answer, Factors},
    passwords,
    platform::{
        clock::now,
        error::{Refusal, Result},
        visit::Visit,
    },
    services::Services,
    sessions::{First, StoredSession, caller::SignedIn, carrier::Carrier, tokens::SessionKind},
    throttle::Who,
};

/// The part of the first step that the second one must know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    carrier: Carrier,
    first: First,
    /// Whether the session will outlive the browser.
    remembered: bool,
    /// The browser, by the hash of its visitor's cookie. Programs have none.
    browser: String,
}

impl Waiting {
    pub(super) fn of(session: &StoredSession, visit: &Visit) -> Self {
        let StoredSession { carrier, remembered, proved_by, .. } = session;
        let browser = browser(*carrier, visit.visitor.as_deref());
        Self { carrier: *carrier, first: proved_by.first, remembered: *remembered, browser }
    }

    pub(super) fn written(&self) -> String {
        let Self { carrier, first, remembered, browser } = self;
        let remembered = if *remembered { "remembered" } else { "once" };
        format!("{} {} {remembered} {browser}", carrier.word(), first.word())
    }

    fn read(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let carrier = Carrier::of_word(words.next()?)?;
        let first = words.next()?;
        let firsts = [First::Password, First::EmailCode, First::Identity { strong: false }];
        let first = firsts.into_iter().find(|known| known.word() == first)?;
        let remembered = words.next()? == "remembered";
        Some(Self { carrier, first, remembered, browser: words.next()?.to_owned() })
    }
}

/// A browser, by the hash of its visitor's cookie.
fn browser(carrier: Carrier, visitor: Option<&str>) -> String {
    match (carrier, visitor) {
        (Carrier::Browser, Some(visitor)) => sha256(visitor),
        _ => String::new(),
    }
}

/// The browser or the program that takes the second step.
#[derive(Clone, Copy, Debug)]
pub enum Taker {
    Browser {
        /// Whether its device will be trusted.
        trusts: bool,
    },
    Program {
        /// Whether refresh tokens will renew its session.
        refresh: bool,
    },
}

impl Taker {
    fn carrier(self) -> Carrier {
        match self {
            Self::Browser { .. } => Carrier::Browser,
            Self::Program { .. } => Carrier::Program,
        }
    }

    fn kind(self, waiting: &Waiting) -> SessionKind {
        match self {
            Self::Browser { .. } => SessionKind::Browser { remembered: waiting.remembered },
            Self::Program { refresh } => SessionKind::Program { refresh },
        }
    }
}

/// A challenge of this browser, or of a program, that waits or was answered a moment ago.
async fn find(
    services: &Services,
    challenge: &str,
    carrier: Carrier,
    visitor: Option<&str>,
) -> Result<Option<(Challenge, Waiting)>> {
    let (store, keys) = (&services.store, &services.keys);
    let found = challenges::find(store, keys, Purpose::SecondFactor, challenge, now()).await?;
    Ok(found.and_then(|found| {
        let is_its = |waiting: &Waiting| {
            waiting.carrier == carrier && waiting.browser == browser(carrier, visitor)
        };
        let waiting = Waiting::read(&found.state).filter(is_its)?;
        Some((found, waiting))
    }))
}

/// The account behind a challenge of a browser, and how the second step can be done. `None`: it no
/// longer waits.
pub async fn waiting(
    services: &Services,
    challenge: &str,
    visitor: Option<&str>,
) -> Result<Option<(Profile, Factors)>> {
    let found = find(services, challenge, Carrier::Browser, visitor).await?;
    let Some((found, _)) = found.filter(|(found, _)| !found.used && found.tries < MAX_TRIES) else {
        return Ok(None);
    };
    let holder = passwords::holder(&services.store, found.account.unwrap_or(NOBODY)).await?;
    let Some(holder) = holder.filter(|holder| holder.epoch == found.epoch) else { return Ok(None) };
    let factors = factors::of(services, holder.profile.id).await?;
    Ok(Some((holder.profile, factors)))
}

/// Begins a session by the second factor. The browser's previous session ends (SE-01). A wrong answer,
/// a foreign or an old challenge and a disabled account get the same refusal.
pub async fn second_factor(
    services: &Services,
    challenge: &str,
    answer: &Answer,
    taker: Taker,
    visit: &Visit,
    before: Option<&SignedIn>,
) -> Result<Step> {
    let store = &services.store;
    let Some((found, waiting)) =
        find(services, challenge, taker.carrier(), visit.visitor.as_deref()).await?
    else {
        services.throttle.refuse_bearer(&services.keys, store, visit).await?;
        return Err(Refusal::InvalidCode.into());
    };
    let kind = taker.kind(&waiting);
    let holder = passwords::holder(store, found.account.unwrap_or(NOBODY));
    let mut attempt =
        Attempt::begin(services, &found.name, holder, Refusal::InvalidCode, visit).await?;
    attempt.failed = Event { act: SECOND_FACTOR_FAILED, ..attempt.failed };
    let has_try = challenges::take_try(store, challenge).await?;
    let account = attempt.holder.as_ref().map(|holder| holder.profile.id);
    let answered = match account {
        Some(id) if has_try => {
            let own = (!found.used).then_some(challenge);
            factors::check(services, Some(id), answer, own, visit).await?
        }
        _ => None,
    };
    let epoch = attempt.holder.as_ref().map(|holder| holder.epoch);
    let is_over = found.used || epoch != Some(found.epoch);
    if answered.is_some()
        && is_over
        && let Some(entered) = same_again(services, challenge, kind, visit).await?
    {
        return Ok(Step::Entered(Box::new(entered)));
    }
    let Some(answered) = answered.filter(|_| !is_over) else {
        warn(services, &attempt, challenge, visit).await?;
        return attempt.fail(services, visit).await;
    };
    let proven = attempt.proven_if(true, services, visit).await?;
    let trusts = matches!(taker, Taker::Browser { trusts: true });
    let proof = Proof::Second { challenge, first: waiting.first, answered: &answered, trusts };
    let step = match enter(services, &proven, proof, kind, visit).await? {
        Some(step) => step,
        // The same form may have been faster.
        None => match same_again(services, challenge, kind, visit).await? {
            Some(entered) => Step::Entered(Box::new(entered)),
            None => return proven.attempt.fail(services, visit).await,
        },
    };
    leave_by(services, before, &step, visit).await;
    Ok(step)
}

/// From how many wrong answers on the owner is warned.
const SUSPICIOUS: i64 = 3;

/// Warns the owner, once a day, after a few wrong answers: somebody knows the first factor, but not the
/// second.
async fn warn(
    services: &Services,
    attempt: &Attempt,
    challenge: &str,
    visit: &Visit,
) -> Result<()> {
    let Some(account) = attempt.failed.account.filter(|_| services.mail.is_some()) else {
        return Ok(());
    };
    let (store, keys) = (&services.store, &services.keys);
    let found = challenges::find(store, keys, Purpose::SecondFactor, challenge, now()).await?;
    if found.is_none_or(|found| found.tries < SUSPICIOUS) {
        return Ok(());
    }
    let name = format!("codes #{}", account.0);
    let once = services.throttle.counters(keys, Who::Warning { name: &name }, visit);
    let mut tx = store.begin().await?;
    if services.throttle.count_in(&mut tx, &once).await?.is_some() {
        tx.rollback().await?;
        return Ok(());
    }
    let (device, network, time) = (&*visit.device, &*visit.network(), &*now().to_string());
    let values = [("device", device), ("network", network), ("time", time)];
    emails::notify(&mut tx, services, account, "wrong-codes", &values, SECURITY).await?;
    tx.commit().await?;
    services.wake_outbox();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_reads_back_as_itself() {
        for carrier in [Carrier::Browser, Carrier::Program] {
            for first in [First::Password, First::EmailCode, First::Identity { strong: false }] {
                for remembered in [false, true] {
                    let browser = if remembered { "x" } else { "" }.to_owned();
                    let waiting = Waiting { carrier, first, remembered, browser };
                    assert_eq!(Waiting::read(&waiting.written()), Some(waiting));
                }
            }
        }
        assert_eq!(Waiting::read(""), None);
    }
}
