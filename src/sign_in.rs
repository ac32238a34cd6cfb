//! Signing up and in, entering the password again, and changing it.

pub mod confirm;
mod device;
pub mod forgot;
pub mod json;
pub mod pages;
pub mod password;
pub mod refresh;
pub mod sign_up;

use crate::{
    accounts,
    audit::{self, By, Event, acts},
    domain::{Credentials, Profile},
    emails,
    keys::Statement,
    passwords::{self, Holder, Place, Verdict},
    platform::{
        clock::{now, rfc3339},
        error::{Fault, Refusal, Result},
        visit::Visit,
    },
    services::Services,
    sessions::{
        self, StoredSession, Which,
        account::{self, LockedAccount},
        caller::SignedIn,
        refresh::RefreshToken,
        tokens::SessionKind,
    },
    store::{changes, db::Tx},
    throttle::{Who, counter::Counter},
};

acts! {
    SIGNED_IN = "authn_login_success";
    SIGN_IN_FAILED = "authn_login_fail";
    SIGN_IN_LIMITED = "authn_login_fail_max";
    SIGNED_OUT = "session_expired:sign_out";
    PROVED = "authn_login_success:proof";
    PROOF_FAILED = "authn_login_fail:proof";
    PASSWORD_CHANGED = "authn_password_change";
    PASSWORD_CHANGE_FAILED = "authn_password_change_fail";
    PASSWORD_LINK_MADE = "authn_token_created:password_link";
    PASSWORD_SET_BY_LINK = "authn_password_change:password_link";
    RESET_ASKED = "authn_token_created:reset";
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
        let (refresh_token, deletion_undone) = (None, false);
        Ok(Self { profile, session, token, expires_in, refresh_token, device, deletion_undone })
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
    let proven = prove(services, credentials, visit).await?;
    let entered = enter(services, credentials, proven, kind, visit).await?;
    leave(services, before, visit).await;
    Ok(Step::Entered(Box::new(entered)))
}

/// A first proof that was right, and what is checked again before it counts.
struct Proven {
    holder: Holder,
    verdict: Verdict,
    counters: Vec<Counter>,
    failed: Event,
}

async fn prove(services: &Services, credentials: &Credentials, visit: &Visit) -> Result<Proven> {
    let Services { store, throttle, keys, .. } = services;
    let email = credentials.email.as_ref().filter(|_| services.mail.is_some());
    let email_key = email.map(emails::key);
    let name = credentials.username.as_ref().map(|username| username.as_str());
    // No username has an @, whatever else its key may be.
    let name = email_key.as_deref().or(name).unwrap_or_default();
    let stranger = throttle.counters(keys, Who::Stranger { name }, visit);
    if visit.known_device.is_none() {
        // Before the first database query.
        throttle.refuse_if_limited(store, &stranger, visit, SIGN_IN_LIMITED).await?;
    }
    let holder = match (&credentials.username, email) {
        (_, Some(email)) => emails::holder(store, email).await?,
        (Some(username), None) => passwords::holder_named(store, username).await?,
        (None, None) => None,
    };
    let counters = match (&holder, device::known(keys, holder.as_ref(), visit)) {
        (Some(holder), Some(device)) => {
            let who = Who::KnownDevice { device, account: holder.profile.id };
            throttle.counters(keys, who, visit)
        }
        _ => stranger,
    };
    if visit.known_device.is_some() {
        throttle.refuse_if_limited(store, &counters, visit, SIGN_IN_LIMITED).await?;
    }
    let stored = holder.as_ref().and_then(|holder| holder.hash.as_ref());
    let by = Place::of_name(visit, name);
    let verdict = services.passwords.verify(&credentials.password, stored, by).await?;
    let id = holder.as_ref().map(|holder| holder.profile.id);
    let failed = Event::of(visit, By::Stranger, SIGN_IN_FAILED, id, now());
    match holder.filter(|holder| verdict.right && !holder.disabled) {
        Some(holder) => Ok(Proven { holder, verdict, counters, failed }),
        None => {
            throttle.count(store, &counters, failed).await?;
            Err(Refusal::InvalidCredentials.into())
        }
    }
}

/// Whether the owner has not been seen like this: neither by the cookie of a known device, nor by a
/// session with the same device in the same network.
async fn is_new_device(
    tx: &mut Tx,
    services: &Services,
    holder: &Holder,
    session: &StoredSession,
    visit: &Visit,
) -> Result<bool, Fault> {
    if device::known(&services.keys, Some(holder), visit).is_some() {
        return Ok(false);
    }
    Ok(!sessions::is_seen(tx, session).await?)
}

/// Begins the session of a user whose proof was right. Refused if the account has changed since.
async fn enter(
    services: &Services,
    credentials: &Credentials,
    proven: Proven,
    kind: SessionKind,
    visit: &Visit,
) -> Result<Entered> {
    let Proven { holder, verdict, counters, failed } = proven;
    let account = holder.profile.id;
    let session = services.tokens.begin(kind, account, visit)?;
    let refresh_token = session.refreshable.then(RefreshToken::new).transpose()?;
    let refresh_hash = refresh_token.as_ref().map(RefreshToken::hash);
    let (event, now) = (signed_in(services, &session, visit), session.created_at);

    let mut is_crowded = false;
    let (mut tx, locked, ended) = loop {
        let mut tx = services.store.begin().await?;
        // This lock comes before the account's, so it is taken only if known to be needed.
        let revision = match is_crowded {
            true => Some(changes::next_revision(&mut tx).await?),
            false => None,
        };
        let locked = account::lock(&mut tx, account).await?;
        if let Some(refused) = services.throttle.recheck(&mut tx, &counters, &failed).await? {
            tx.commit().await?;
            failed.log();
            return Err(refused);
        }
        let is_good = |locked: &LockedAccount| {
            locked.epoch == holder.epoch
                && locked.disabled_at.is_none()
                && locked.delete_at.is_none_or(|at| at > now)
        };
        let Some(locked) = locked.filter(is_good) else {
            tx.rollback().await?;
            services.throttle.count(&services.store, &counters, failed).await?;
            return Err(Refusal::InvalidCredentials.into());
        };
        is_crowded = sessions::is_crowded(&mut tx, account, now).await?;
        match revision {
            _ if !is_crowded => break (tx, locked, None),
            Some(revision) => {
                let ended = sessions::end(&mut tx, revision, account, Which::TooMany, now).await?;
                break (tx, locked, Some(ended));
            }
            None => tx.rollback().await?,
        }
    };
    if is_new_device(&mut tx, services, &holder, &session, visit).await? {
        let values = [
            ("username", holder.profile.username.as_str()),
            ("device", &session.device),
            ("network", &session.network),
            ("time", &rfc3339(now)),
        ];
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
    event.log();
    undone.iter().for_each(Event::log);
    if verdict.outdated
        && let Err(error) = strengthen(services, credentials, &holder, visit).await
    {
        // The password was right, and the next sign-in tries again.
        tracing::warn!(?error, "a hash could not be upgraded");
    }
    let entered = Entered::new(services, holder.profile, session, holder.epoch, visit)?;
    Ok(Entered { refresh_token, deletion_undone: undone.is_some(), ..entered })
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
    credentials: &Credentials,
    holder: &Holder,
    visit: &Visit,
) -> Result<()> {
    let (account, Some(old)) = (holder.profile.id, &holder.hash) else { return Ok(()) };
    let by = Place::of(visit, Some(account));
    let new = services.passwords.hash(&credentials.password, by).await?;
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
