//! Signing up and in, entering the password again, and changing it.

mod asking;
mod attempt;
pub mod code;
pub mod confirm;
mod device;
pub mod forgot;
pub mod json;
pub mod pages;
pub mod passkey;
pub mod password;
pub mod refresh;
pub mod resend;
pub mod second_factor;
pub mod sign_up;
pub mod with;

use crate::{
    accounts,
    audit::{self, By, Event, acts},
    challenges::{self, NewChallenge, Purpose},
    domain::{AccountId, Credentials, Password, Profile},
    emails::{self, SECURITY},
    factors::{self, Answered, trusted},
    keys::Statement,
    links,
    passwords::{self, PasswordHash, Place},
    platform::{
        clock::now,
        error::{Fault, Refusal, Result},
        visit::Visit,
    },
    providers::identities,
    services::Services,
    sessions::{
        self, First, KeyStorage, ProvedBy, Second, StoredSession, Successor, Which,
        account::{self, LockedAccount},
        caller::SignedIn,
        refresh::RefreshToken,
        tokens::SessionKind,
    },
    store::{changes, db::Tx},
};

use attempt::{Attempt, Proven};

acts! {
    SIGNED_IN = "authn_login_success";
    SIGN_IN_FAILED = "authn_login_fail";
    SIGN_IN_LIMITED = "authn_login_fail_max";
    SECOND_FACTOR_FAILED = "authn_login_fail:second_factor";
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
    /// By an answer of another provider that was wrong, or not this browser's.
    PROVIDER_FAILED = "authn_login_fail:provider";
    IDENTITY_LINKED = "authn_factor_added:identity";
}

/// The next step of a user who is signing in. A caller that doesn't handle every step doesn't
/// compile.
pub enum Step {
    /// Nothing more is required.
    Entered(Box<Entered>),
    /// The first factor was right, and a second one is required. Nobody is signed in.
    SecondFactor(HalfOpen),
}

/// A sign-in that waits for its second factor.
pub struct HalfOpen {
    /// The token of the challenge. This is the only time that it is available.
    pub challenge: String,
    /// The methods that answer it.
    pub methods: Vec<&'static str>,
}

/// How long it waits, in seconds.
pub const SECOND_FACTOR_TTL: i64 = 5 * 60;

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
    /// Whether the owner may like to have a passkey.
    pub offers_passkey: bool,
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
            offers_passkey: false,
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
    let step = enter(services, &proven, Proof::Password, kind, visit).await?;
    let Some(step) = step else { return proven.attempt.fail(services, visit).await };
    if verdict.outdated
        && let Some(old) = old
        && let Err(error) = strengthen(services, password, account, &old, visit).await
    {
        // The password was right, and the next sign-in tries again.
        tracing::warn!(?error, "a hash could not be upgraded");
    }
    leave_by(services, before, &step, visit).await;
    Ok(step)
}

/// The proof of a user who is signing in.
#[derive(Clone, Copy)]
enum Proof<'a> {
    Password,
    /// The code that was sent by mail, for the challenge with this token.
    Code(&'a str),
    /// Both factors at once.
    Passkey(&'a Answered, KeyStorage),
    /// Another provider vouches for the user, in the visit with this state.
    Identity {
        state: &'a str,
        id: &'a str,
        /// Whether by a second factor that is enough here.
        strong: bool,
        /// When the user showed there who they are, if the provider says so.
        at: Option<i64>,
    },
    /// The second factor, for the challenge with this token.
    Second {
        challenge: &'a str,
        first: First,
        answered: &'a Answered,
        trusts: bool,
    },
}

impl Proof<'_> {
    fn proved_by(self) -> ProvedBy {
        match self {
            Self::Password => ProvedBy::of(First::Password),
            Self::Code(_) => ProvedBy::of(First::EmailCode),
            Self::Passkey(_, storage) => ProvedBy::of(First::Passkey(storage)),
            Self::Identity { strong, .. } => ProvedBy::of(First::Identity { strong }),
            Self::Second { first, answered, .. } => ProvedBy::of(first).and(answered.second),
        }
    }

    /// The challenge that it answers.
    fn challenge(&self) -> Option<&str> {
        match self {
            Self::Password => None,
            Self::Code(challenge) | Self::Second { challenge, .. } => Some(challenge),
            Self::Identity { state, .. } => Some(state),
            // Nobody gets the same session by the same answer (RE-06).
            Self::Passkey(..) => None,
        }
    }

    /// Whether the mailbox has been shown.
    fn is_by_mail(self) -> bool {
        matches!(self.proved_by().first, First::EmailCode)
    }
}

/// Begins the session of a user whose proof was right, or the wait for the second factor. `None`: the
/// account has changed since, or the code has been used.
async fn enter(
    services: &Services,
    proven: &Proven,
    proof: Proof<'_>,
    kind: SessionKind,
    visit: &Visit,
) -> Result<Option<Step>> {
    let Proven { holder, attempt } = proven;
    let account = holder.profile.id;
    let tag = |challenge| services.keys.tag(Statement::Answered(challenge));
    let mut session = StoredSession {
        proved_by: proof.proved_by(),
        begun_by: proof.challenge().map(tag),
        ..services.tokens.begin(kind, account, visit)?
    };
    if let Proof::Identity { at: Some(at), .. } = proof {
        // They may have been signed in there for long.
        session.auth_time = at.min(session.created_at);
        session.proved_at = session.auth_time;
    }
    let refresh_token = session.refreshable.then(RefreshToken::new).transpose()?;
    let refresh_hash = refresh_token.as_ref().map(RefreshToken::hash);
    let now = session.created_at;
    let known_device = device::known(&services.keys, Some(holder), visit);

    let mut is_in_the_way = false;
    let (mut tx, locked, revision, takes_over, spent) = loop {
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
        let (is_answer, spent) = match proof {
            Proof::Password => (true, None),
            Proof::Code(challenge) => (challenges::use_up(&mut tx, challenge, now).await?, None),
            Proof::Identity { id, .. } => {
                (identities::note_use(&mut tx, id, account, now).await?, None)
            }
            Proof::Passkey(answered, _) | Proof::Second { answered, .. } => {
                let is_waiting = match proof {
                    Proof::Second { challenge, .. } => {
                        challenges::use_up(&mut tx, challenge, now).await?
                    }
                    _ => true,
                };
                let spent = factors::spend(&mut tx, services, account, answered, visit).await?;
                (is_waiting && spent.is_some(), spent.and_then(|spent| spent.event))
            }
        };
        let Some(locked) = locked.filter(|locked| is_answer && is_good(locked)) else {
            tx.rollback().await?;
            return Ok(None);
        };
        // The first proof of the address, by somebody who may not have chosen the password (RE-04).
        let takes_over = match proof {
            Proof::Code(_) => {
                known_device.is_none()
                    && !emails::is_tied(&mut tx, account).await?
                    && !factors::is_proven(&mut tx, account).await?
            }
            _ => false,
        };
        is_in_the_way = takes_over || sessions::is_crowded(&mut tx, account, now).await?;
        match revision {
            None if is_in_the_way => tx.rollback().await?,
            _ => break (tx, locked, revision, takes_over, spent),
        }
    };
    let mut unproven = None;
    if takes_over {
        let event = Event::of(visit, By::Owner, SIGNED_IN, Some(account), now);
        unproven = factors::forget_unproven(&mut tx, services, account, &event).await?;
    }
    let second = factors::read(&mut tx, services, account).await?;
    if second.any() && !session.proved_by.is_strong() {
        let is_trusted = match known_device {
            Some(device) => trusted::is_one(&mut tx, account, device).await?,
            None => false,
        };
        if !is_trusted {
            return wait_for_second(services, tx, proven, &session, &second, visit).await.map(Some);
        }
        // One factor is no proof for what demands both.
        session.proved_by = session.proved_by.and(Second::TrustedDevice);
        session.proved_at = 0;
    }
    if let Proof::Identity { at: None, .. } = proof
        && (holder.hash.is_some() || second.passkeys > 0)
    {
        // Nobody knows whether anything was shown there just now, and there is a better proof.
        session.proved_at = 0;
    }
    let event = signed_in(services, &session, visit);
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
    if proof.is_by_mail() {
        emails::tie(&mut tx, account, now).await?;
    }
    if session.proved_by.is_strong() {
        // The owner has not lost the factors.
        links::void_one(&mut tx, links::Purpose::ResetFactors, account).await?;
    }
    let device = device::cookie(&services.keys, &session, epoch, visit)?;
    let trusting = match (&device, proof) {
        (Some(device), Proof::Second { trusts: true, .. }) => {
            let id = device.split('.').next().unwrap_or_default();
            Some(trusted::trust(&mut tx, account, id, visit).await?)
        }
        _ => None,
    };
    let is_seen = sessions::note_device(&mut tx, &services.keys, account, visit, now).await?;
    if !is_seen && known_device.is_none() {
        let (device, network, time) = (&*session.device, &*session.network, &*now.to_string());
        let values = [("device", device), ("network", network), ("time", time)];
        emails::notify(&mut tx, services, account, "new-device", &values, "/account/sessions")
            .await?;
    }
    sessions::begin(&mut tx, &session, refresh_hash.as_deref()).await?;
    for event in [Some(&event), unproven.as_ref(), spent.as_ref()].into_iter().flatten() {
        audit::record(&mut tx, event).await?;
    }
    let undone = match locked.delete_at {
        Some(_) => Some(accounts::keep(&mut tx, services, &holder.profile, &event).await?),
        None => None,
    };
    tx.commit().await?;
    services.wake_outbox();

    ended.iter().for_each(|ended| services.live_sessions.changed(ended));
    let events = [Some(event), taken_over.clone(), undone.clone(), unproven, spent, trusting];
    events.iter().flatten().for_each(Event::log);
    let offers_passkey =
        matches!(proof, Proof::Password) && second.passkeys == 0 && !second.offer_declined;
    let entered = Entered::new(services, holder.profile.clone(), session, epoch, visit)?;
    let (deletion_undone, password_removed) = (undone.is_some(), taken_over.is_some());
    Ok(Some(Step::Entered(Box::new(Entered {
        refresh_token,
        device,
        deletion_undone,
        password_removed,
        offers_passkey,
        ..entered
    }))))
}

/// Commits the first step, and lets the sign-in wait for the second.
async fn wait_for_second(
    services: &Services,
    mut tx: Tx,
    proven: &Proven,
    session: &StoredSession,
    second: &factors::Factors,
    visit: &Visit,
) -> Result<Step> {
    let Proven { holder, attempt } = proven;
    let (account, now) = (holder.profile.id, session.created_at);
    let state = second_factor::Waiting::of(session, visit).written();
    let new = NewChallenge {
        purpose: Purpose::SecondFactor,
        account: Some((account, holder.epoch)),
        name: &attempt.name,
        code: "",
        state: &state,
        expires_at: now + SECOND_FACTOR_TTL,
    };
    let challenge = challenges::make(&mut tx, &services.keys, &new).await?;
    let mut event =
        Event::of(visit, By::Stranger, factors::SECOND_FACTOR_ASKED, Some(account), now);
    event.detail.method = session.proved_by.word();
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    event.log();
    Ok(Step::SecondFactor(HalfOpen { challenge, methods: second.methods() }))
}

/// The session that this same form began a moment ago by the answer to a challenge, if it did. A
/// program is told that the answer has been used.
async fn same_again(
    services: &Services,
    challenge: &str,
    kind: SessionKind,
    visit: &Visit,
) -> Result<Option<Entered>> {
    let SessionKind::Browser { .. } = kind else { return Ok(None) };
    let tag = services.keys.tag(Statement::Answered(challenge));
    let since = now() - challenges::SAME_CHALLENGE;
    let same = sessions::begun_by(&services.store, &tag, since).await?;
    let Some(Successor { session, profile }) = same else { return Ok(None) };
    let Some(holder) = passwords::holder(&services.store, profile.id).await? else {
        return Ok(None);
    };
    Ok(Some(Entered::new(services, profile, session, holder.epoch, visit)?))
}

fn signed_in(services: &Services, session: &StoredSession, visit: &Visit) -> Event {
    let (account, at) = (session.account_id, session.created_at);
    let mut event = Event::of(visit, By::Owner, SIGNED_IN, Some(account), at);
    event.detail.session = services.keys.tag(Statement::SessionReference(&session.id));
    event.detail.method = session.proved_by.word();
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

/// Ends the session that the browser had before. The new one, with the id `now`, stands, even if this
/// fails.
async fn leave(services: &Services, before: Option<&SignedIn>, now: &str, visit: &Visit) {
    if let Some(before) = before.filter(|before| before.session() != now)
        && let Err(error) = sign_out(services, before, visit).await
    {
        tracing::warn!(?error, "the browser's previous session could not be ended");
    }
}

/// The same, if a sign-in is complete.
async fn leave_by(services: &Services, before: Option<&SignedIn>, step: &Step, visit: &Visit) {
    if let Step::Entered(entered) = step {
        leave(services, before, &entered.session.id, visit).await;
    }
}

/// Ends the session: everything that names it stops working at once (SE-02).
pub async fn sign_out(services: &Services, caller: &SignedIn, visit: &Visit) -> Result<(), Fault> {
    let (account, which) = (caller.account(), Which::One(caller.session()));
    let event = Event::by_owner(visit, account, SIGNED_OUT);
    services.end_sessions(account, which, &event).await?;
    Ok(())
}
