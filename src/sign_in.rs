//! Signing up and in, entering the password again, and changing it.

mod asking;
mod attempt;
pub mod code;
pub mod confirm;
mod device;
pub mod forgot;
pub mod json;
pub mod pages;
pub mod password;
pub mod refresh;
pub mod resend;
pub mod sign_up;

use crate::{
    accounts,
    audit::{self, By, Event, acts},
    challenges,
    domain::{AccountId, Credentials, Password, Profile},
    emails::{self, SECURITY},
    keys::Statement,
    passwords::{self, PasswordHash, Place},
    platform::{
        error::{Fault, Refusal, Result},
        visit::Visit,
    },
    services::Services,
    sessions::{
        self, ProvedBy, StoredSession, Which,
        account::{self, LockedAccount},
        caller::SignedIn,
        refresh::RefreshToken,
        tokens::SessionKind,
    },
    store::changes,
};

use attempt::{Attempt, Proven};

acts! {
    SIGNED_IN = "authn_login_success";
    SIGN_IN_FAILED = "authn_login_fail";
    SIGN_IN_LIMITED = "authn_login_fail_max";
    SIGNED_OUT = "session_expired:sign_out";
    PROVED = "authn_login_success:proof";
    PROOF_FAILED = "authn_login_fail:proof";
    PASSWORD_CHANGED = "authn_password_change";
    PASSWORD_CHANGE_FAILED = "authn_password_change_fail";
    /// Chosen by somebody who may not be the owner of the address.
    PASSWORD_REMOVED = "authn_password_change:removed";
    PASSWORD_LINK_MADE = "authn_token_created:password_link";
    PASSWORD_SET_BY_LINK = "authn_password_change:password_link";
    RESET_ASKED = "authn_token_created:reset";
    CODE_ASKED = "authn_token_created:email_code";
    VERIFICATION_ASKED = "authn_token_created:verify_email";
    TOKEN_REFRESHED = "session_renewed:refresh";
    TOKEN_REUSED = "authn_token_reuse";
}

/// The next step of a user who is signing in. A caller that doesn't handle every step doesn't
/// compile.
pub enum Step {
    /// Nothing more is required.
    Entered(Box<Entered>),
}

/// The result of signing in.
pub struct Entered {
    pub profile: Profile,
    pub session: StoredSession,
    /// The JWT that names the session, and how many seconds it is valid.
    pub token: String,
    pub expires_in: i64,
    pub refresh_token: Option<RefreshToken>,
    /// Identifies this device as a known one later. Only browsers keep it.
    pub device: Option<String>,
    /// Whether this cancelled a deletion of the account.
    pub deletion_undone: bool,
    /// Whether this took the password away that somebody else may have chosen (RE-04).
    pub password_removed: bool,
}

impl Entered {
    /// `epoch`: the account's, to which its known devices are tied.
    fn new(
        services: &Services,
        profile: Profile,
        session: StoredSession,
        epoch: i64,
        visit: &Visit,
    ) -> Result<Self, Fault> {
        let (token, expires_in) = services.tokens.make(&session)?;
        let device = device::cookie(&services.keys, &session, epoch, visit)?;
        Ok(Self {
            profile,
            session,
            token,
            expires_in,
            refresh_token: None,
            device,
            deletion_undone: false,
            password_removed: false,
        })
    }
}

/// Checks credentials and begins a session. The browser's previous session ends (SE-01). An unknown
/// name, a wrong password and a disabled account get the same refusal at the same cost (AU-01,
/// AU-02): each takes one account lookup, one hash with the same parameters through the same queue,
/// and one transaction that counts.
///
/// A right password that is refused by a rate limit writes what a wrong one writes, and no more: a
/// hash from another program is upgraded only after a session has begun.
pub async fn sign_in(
    services: &Services,
    credentials: &Credentials,
    kind: SessionKind,
    visit: &Visit,
    before: Option<&SignedIn>,
) -> Result<Step> {
    let (identifier, password) = (&credentials.identifier, &credentials.password);
    let name = attempt::counted_name(services, identifier);
    let holder = attempt::holder(services, identifier);
    let refusal = Refusal::InvalidCredentials;
    let attempt = Attempt::begin(services, &name, holder, refusal, visit).await?;
    let stored = attempt.holder.as_ref().and_then(|holder| holder.hash.as_ref());
    let verdict = services.passwords.verify(password, stored, Place::of_name(visit, &name)).await?;
    let proven = attempt.proven_if(verdict.right, services, visit).await?;
    let (account, old) = (proven.holder.profile.id, proven.holder.hash.clone());
    let Some(entered) = enter(services, &proven, Proof::Password, kind, visit).await? else {
        return proven.attempt.fail(services, visit).await;
    };
    if verdict.outdated
        && let Some(old) = old
        && let Err(error) = strengthen(services, password, account, &old, visit).await
    {
        // The password was right, and the next sign-in tries again.
        tracing::warn!(?error, "a hash could not be upgraded");
    }
    leave(services, before, visit).await;
    Ok(Step::Entered(Box::new(entered)))
}

/// The first proof of a user who is signing in.
#[derive(Clone, Copy)]
enum Proof<'a> {
    Password,
    /// The code that was sent by mail, for the challenge with this token.
    Code(&'a str),
}

/// Begins the session of a user whose proof was right. `None`: the account has changed since, or the
/// code has been used.
async fn enter(
    services: &Services,
    proven: &Proven,
    proof: Proof<'_>,
    kind: SessionKind,
    visit: &Visit,
) -> Result<Option<Entered>> {
    let Proven { holder, attempt } = proven;
    let account = holder.profile.id;
    let session = services.tokens.begin(kind, account, visit)?;
    let session = match proof {
        Proof::Password => session,
        Proof::Code(challenge) => StoredSession {
            proved_by: ProvedBy::EmailCode,
            begun_by: Some(services.keys.tag(Statement::Answered(challenge))),
            ..session
        },
    };
    let refresh_token = session.refreshable.then(RefreshToken::new).transpose()?;
    let refresh_hash = refresh_token.as_ref().map(RefreshToken::hash);
    let (event, now) = (signed_in(services, &session, visit), session.created_at);
    let is_known = device::known(&services.keys, Some(holder), visit).is_some();

    let mut is_in_the_way = false;
    let (mut tx, locked, revision, takes_over) = loop {
        let mut tx = services.store.begin().await?;
        // This lock comes before the account's, so it is taken only if known to be needed.
        let revision = match is_in_the_way {
            true => Some(changes::next_revision(&mut tx).await?),
            false => None,
        };
        let locked = account::lock(&mut tx, account).await?;
        if let Some(refused) = attempt.recheck(&mut tx, services).await? {
            tx.commit().await?;
            attempt.failed.log();
            return Err(refused);
        }
        let is_good = |locked: &LockedAccount| {
            locked.epoch == holder.epoch
                && locked.disabled_at.is_none()
                && locked.delete_at.is_none_or(|at| at > now)
        };
        let is_answer = match proof {
            Proof::Password => true,
            Proof::Code(challenge) => challenges::use_up(&mut tx, challenge, now).await?,
        };
        let Some(locked) = locked.filter(|locked| is_answer && is_good(locked)) else {
            tx.rollback().await?;
            return Ok(None);
        };
        // The first proof of the address, by somebody who may not have chosen the password (RE-04).
        let takes_over = match proof {
            Proof::Password => false,
            Proof::Code(_) => !is_known && !emails::is_tied(&mut tx, account).await?,
        };
        is_in_the_way = takes_over || sessions::is_crowded(&mut tx, account, now).await?;
        match revision {
            None if is_in_the_way => tx.rollback().await?,
            _ => break (tx, locked, revision, takes_over),
        }
    };
    let (mut epoch, mut ended, mut taken_over) = (holder.epoch, None, None);
    if let Some(revision) = revision {
        let which = if takes_over { Which::All } else { Which::TooMany };
        ended = Some(sessions::end(&mut tx, revision, account, which, now).await?);
        if takes_over {
            emails::drop_pending(&mut tx, account).await?;
        }
        if takes_over && holder.hash.is_some() {
            epoch = passwords::remove(&mut tx, account).await?;
            let event = Event { act: PASSWORD_REMOVED, ..event.clone() };
            audit::record(&mut tx, &event).await?;
            emails::notify(&mut tx, services, account, "password-removed", &[], SECURITY).await?;
            taken_over = Some(event);
        }
    }
    if matches!(proof, Proof::Code(_)) {
        emails::tie(&mut tx, account, now).await?;
    }
    let is_seen = sessions::note_device(&mut tx, &services.keys, account, visit, now).await?;
    if !is_seen && !is_known {
        let (device, network, time) = (&*session.device, &*session.network, &*now.to_string());
        let values = [("device", device), ("network", network), ("time", time)];
        emails::notify(&mut tx, services, account, "new-device", &values, "/account/sessions")
            .await?;
    }
    sessions::begin(&mut tx, &session, refresh_hash.as_deref()).await?;
    audit::record(&mut tx, &event).await?;
    let undone = match locked.delete_at {
        Some(_) => Some(accounts::keep(&mut tx, services, &holder.profile, &event).await?),
        None => None,
    };
    tx.commit().await?;
    services.wake_mail();

    ended.iter().for_each(|ended| services.live_sessions.changed(ended));
    [Some(&event), taken_over.as_ref(), undone.as_ref()].into_iter().flatten().for_each(Event::log);
    let entered = Entered::new(services, holder.profile.clone(), session, epoch, visit)?;
    let (deletion_undone, password_removed) = (undone.is_some(), taken_over.is_some());
    Ok(Some(Entered { refresh_token, deletion_undone, password_removed, ..entered }))
}

fn signed_in(services: &Services, session: &StoredSession, visit: &Visit) -> Event {
    let (account, at) = (session.account_id, session.created_at);
    let mut event = Event::of(visit, By::Owner, SIGNED_IN, Some(account), at);
    event.detail.session = services.keys.tag(Statement::SessionReference(&session.id));
    event
}

/// Replaces an older hash with one that has today's parameters.
async fn strengthen(
    services: &Services,
    password: &Password,
    account: AccountId,
    old: &PasswordHash,
    visit: &Visit,
) -> Result<()> {
    let new = services.passwords.hash(password, Place::of(visit, Some(account))).await?;
    passwords::strengthen(&services.store, account, old, &new).await?;
    Ok(())
}

/// Ends the session that the browser had before. The new one stands, even if this fails.
async fn leave(services: &Services, before: Option<&SignedIn>, visit: &Visit) {
    if let Some(before) = before
        && let Err(error) = sign_out(services, before, visit).await
    {
        tracing::warn!(?error, "the browser's previous session could not be ended");
    }
}

/// Ends the session: everything that names it stops working at once (SE-02).
pub async fn sign_out(services: &Services, caller: &SignedIn, visit: &Visit) -> Result<(), Fault> {
    let (account, which) = (caller.account(), Which::One(caller.session()));
    let event = Event::by_owner(visit, account, SIGNED_OUT);
    services.end_sessions(account, which, &event).await?;
    Ok(())
}
