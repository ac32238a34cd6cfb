//! The proof that a request comes from a signed-in user.
//!
//! Only this file creates one, from a valid token of a live session. So a use case that takes a
//! proof can't be reached without one.

use std::{sync::Arc, time::Duration};

use super::{
    ProvedBy, Successor,
    carrier::Carrier,
    live::{LiveSession, LiveSessions},
    refresh::GRACE,
    tokens::{CLOCK_SKEW, Tokens, VerifiedToken},
};
use crate::{
    domain::{AccountId, Profile},
    keys::{Keys, Statement},
    platform::{
        clock::now,
        error::{Fault, Refusal, Result},
    },
    store::Store,
};

/// The session or the account has gone since the guard checked.
pub(crate) const OVER: Refusal = Refusal::Unauthorized { token_came: true };

/// The proof that a request comes from a signed-in account.
#[derive(Clone, Debug)]
pub struct SignedIn {
    session: Arc<LiveSession>,
    carrier: Carrier,
}

impl SignedIn {
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.session.profile
    }

    /// The id of the first session of the line that this one continues: forms are bound to it, so
    /// that they survive a renewal in another tab.
    #[must_use]
    pub fn family(&self) -> &str {
        &self.session.family
    }

    /// Whether the password was entered again since the sign-in, which gives the session a new id,
    /// and within the last `ttl`.
    #[must_use]
    pub fn has_confirmed(&self, ttl: Duration) -> bool {
        self.session.id != self.session.family && self.fresh(ttl).is_ok()
    }

    /// The id of the session.
    #[must_use]
    pub fn session(&self) -> &str {
        &self.session.id
    }

    #[must_use]
    pub fn account(&self) -> AccountId {
        self.session.profile.id
    }

    /// The same, if the user has proved who they are within the last `ttl` (SE-08).
    pub fn fresh(&self, ttl: Duration) -> Result<Fresh<'_>, Refusal> {
        let oldest = now().saturating_sub_unsigned(ttl.as_secs());
        if self.session.proved_at() >= oldest { Ok(Fresh(self)) } else { Err(Refusal::ProofTooOld) }
    }

    /// Whether the user has shown a second factor, or is on a device that was trusted then.
    #[must_use]
    pub fn has_second_factor(&self) -> bool {
        self.session.proved_by.has_second_factor()
    }

    /// How and when the user last showed who they are.
    #[must_use]
    pub fn proof(&self) -> Proof {
        let LiveSession { proved_by, auth_time, .. } = *self.session;
        Proof { proved_by, auth_time }
    }

    /// Whether the cookie was the proof.
    #[must_use]
    pub fn by_cookie(&self) -> bool {
        self.carrier == Carrier::Browser
    }
}

/// How and when a user last showed who they are.
#[derive(Clone, Copy, Debug)]
pub struct Proof {
    pub proved_by: ProvedBy,
    /// Whatever became of that proof.
    pub auth_time: i64,
}

/// The proof that the caller has recently shown who they are, as strongly as the account demands.
/// Sensitive actions require one.
#[derive(Clone, Copy, Debug)]
pub struct Fresh<'a>(&'a SignedIn);

impl std::ops::Deref for Fresh<'_> {
    type Target = SignedIn;

    fn deref(&self) -> &SignedIn {
        self.0
    }
}

/// A repeated request: the first attempt has just ended its session, and the answer may have been
/// lost. With it, the session that replaced the old one. Nothing is done for such a request unless
/// it has the password.
#[derive(Clone)]
pub struct Returning {
    pub old: Arc<str>,
    /// Whether a new password ended it, rather than a confirmation.
    pub by_password: bool,
    pub successor: Arc<Successor>,
}

impl Returning {
    /// The session that has just replaced the token's session.
    pub(crate) async fn of(
        store: &Store,
        keys: &Keys,
        token: &VerifiedToken,
    ) -> Result<Option<Self>, Fault> {
        let id = &token.session;
        let statements = [Statement::Successor(id), Statement::SuccessorByPassword(id)];
        for (statement, by_password) in statements.into_iter().zip([false, true]) {
            let successor = super::begun_by(store, &keys.tag(statement), now() - GRACE).await?;
            let own = successor.filter(|found| found.session.account_id == token.account);
            if let Some(successor) = own {
                let (old, successor) = (id.clone(), Arc::new(successor));
                return Ok(Some(Self { old, by_password, successor }));
            }
        }
        Ok(None)
    }
}

/// A caller who may renew a session.
pub enum Renewer {
    Now(SignedIn),
    Again(Returning),
}

impl Renewer {
    #[must_use]
    pub fn family(&self) -> &str {
        match self {
            Self::Now(caller) => caller.family(),
            Self::Again(returning) => &returning.successor.session.family,
        }
    }

    #[must_use]
    pub fn profile(&self) -> &Profile {
        match self {
            Self::Now(caller) => caller.profile(),
            Self::Again(returning) => &returning.successor.profile,
        }
    }
}

/// The result of checking a token.
pub enum Shown {
    /// It proves nothing.
    Bad,
    /// It is valid, but its session is over.
    Ended(VerifiedToken),
    Good(SignedIn),
}

/// Reads a token of one carrier, and looks up its session.
pub async fn by_token(
    tokens: &Tokens,
    live: &Arc<LiveSessions>,
    carrier: Carrier,
    token: &str,
) -> Result<Shown, Fault> {
    let Some(token) = tokens.read(carrier, token) else { return Ok(Shown::Bad) };
    let found = live.find(&token).await?;
    let Some(session) = found.filter(|session| session.carrier == carrier) else {
        return Ok(Shown::Ended(token));
    };
    if session.proved_at() > now() + CLOCK_SKEW {
        live.forget_proof(&session);
    }
    extend(tokens, live, carrier, &session);
    Ok(Shown::Good(SignedIn { session, carrier }))
}

/// A session that is used stays alive.
pub(crate) fn extend(
    tokens: &Tokens,
    live: &Arc<LiveSessions>,
    carrier: Carrier,
    session: &Arc<LiveSession>,
) {
    let (remembered, until) = (session.remembered, session.alive_until());
    let extension = tokens.extension(carrier, remembered, until, session.ends_at);
    if let Some((alive_until, enough)) = extension {
        live.extend(session, alive_until, enough);
    }
}
