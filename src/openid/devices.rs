//! The device flow (RFC 8628): an app on a device without a browser or a keyboard shows a code, and a person
//! types it here, sees what asks and from where, and agrees or not.
//!
//! Whoever types a code first has it: nobody else can agree to it (Better Auth, GHSA-cq3f-vc6p-68fh). What the
//! device gets is a session of its own, so that it goes on when the person signs out in the browser, and ends
//! where sessions are ended.

mod sql;

use super::{
    APP_ENTERED, Person,
    client::{Answer, Failed},
    covers,
    tokens::{self, Granted},
    united,
};
use crate::{
    apps::{self, App, Apps},
    audit::{self, Act, By, Event, acts, sha256},
    challenges::{self, NewChallenge, Purpose},
    domain::AccountId,
    emails,
    keys::{Keys, Statement},
    passwords,
    platform::{
        clock::{now, now_ms},
        error::{Error, Fault, Refusal, Result},
        random,
        visit::Visit,
    },
    services::Services,
    sessions::{
        self, ProvedBy, StoredSession, Which, account,
        caller::{OVER, SignedIn},
        grants,
        refresh::RefreshToken,
        tokens::SessionKind,
    },
    store::{changes, db::Tx},
    throttle::Who,
};

acts! {
    /// Its owner lets a device in.
    DEVICE_APPROVED = "authz_change:device_approved";
    DEVICE_REFUSED = "authz_change:device_refused";
    DEVICE_CODE_WRONG = "authn_login_fail:device_code";
    DEVICE_CODE_LIMITED = "authn_login_fail_max:device_code";
}

/// The page where people type the code.
pub const PAGE: &str = "/device";

/// How long a code counts, in seconds.
pub const TTL: i64 = 600;

/// How long a device waits between two polls, in seconds, and how much longer after each that came too early
/// (section 3.5).
const PAUSE: i64 = 5;

/// The longest that a device is made to wait between two polls, in seconds.
const LONGEST_PAUSE: i64 = 60;

/// How much too early a poll may come, in milliseconds: networks are no clocks.
const TOLERANCE: i64 = 500;

/// No vowels, so that no word comes of it, and nothing that looks like a digit (section 6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// The state of a device that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Approved,
    Refused,
    Used,
}

impl State {
    const ALL: [Self; 4] = [Self::Waiting, Self::Approved, Self::Refused, Self::Used];

    fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::Used => "used",
        }
    }
}

/// What a device is told.
pub struct Asked {
    pub device_code: String,
    /// As people type it: `BCDF-GHJK`.
    pub user_code: String,
}

impl Asked {
    /// How long a device waits between two polls, in seconds.
    pub const INTERVAL: i64 = PAUSE;
}

/// A code as it is compared: people type it in either case, with the hyphen, with a space, or with neither.
#[must_use]
pub fn read_code(text: &str) -> Option<String> {
    let letters: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && !"-‐‑–—_.".contains(*c))
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let is_one = letters.len() == 8 && letters.bytes().all(|letter| LETTERS.contains(&letter));
    is_one.then_some(letters)
}

/// In two groups of four letters.
#[must_use]
pub fn written(code: &str) -> String {
    format!("{}-{}", &code[..4], &code[4..])
}

fn new_code() -> Result<String, Fault> {
    let mut random = u64::from_le_bytes(random::bytes()?);
    // 2^64 is so much more than 20^8 that no code is noticeably likelier.
    let letter = || {
        let letter = LETTERS[usize::try_from(random % 20).unwrap_or_default()];
        random /= 20;
        char::from(letter)
    };
    Ok(std::iter::repeat_with(letter).take(8).collect())
}

fn tag(keys: &Keys, code: &str) -> String {
    keys.tag(Statement::UserCode(code))
}

/// Begins a device's sign-in: `scope` and `resource` are what the app asks for.
pub async fn ask(
    services: &Services,
    app: &App,
    (scope, resource): (Option<&str>, Option<&str>),
    visit: &Visit,
) -> Answer<Asked> {
    let refuse = |error, why| Err(Failed::Request(error, why));
    if !app.definition.device {
        return refuse("unauthorized_client", "The app may not use the device flow.");
    }
    let (apps, resource) = (services.apps.get().await?, resource.unwrap_or_default());
    let resource = match resource {
        "" => String::new(),
        resource => match apps.audience(app, resource) {
            Some(resource) => resource,
            None => return refuse("invalid_target", "The app may not ask for this resource."),
        },
    };
    let resource = &*resource;
    let known = apps.known_scopes(scope.unwrap_or("openid"), resource);
    if known.is_empty() && resource.is_empty() {
        return refuse("invalid_scope", "scope names nothing that is known here.");
    }
    let (device_code, code, now) = (random::token()?, new_code()?, now());
    let row = sql::New {
        hash: &sha256(&device_code),
        user_code: &tag(&services.keys, &code),
        app: &app.id,
        scope: &known.join(" "),
        resource,
        device: &visit.device,
        network: &visit.network(),
        now,
    };
    let mut tx = services.store.begin().await?;
    if app.definition.public
        && let Some(limited) = limit(&mut tx, services, visit).await?
    {
        tx.rollback().await?;
        return Err(limited.into());
    }
    sql::insert(&mut tx, &row).await?;
    tx.commit().await?;
    Ok(Asked { device_code, user_code: written(&code) })
}

/// Counts a request of an app that anybody could be.
pub(super) async fn limit(
    tx: &mut Tx,
    services: &Services,
    visit: &Visit,
) -> Result<Option<Error>, Fault> {
    let counters = services.throttle.counters(&services.keys, Who::PublicApp, visit);
    services.throttle.count_in(tx, &counters).await
}

/// A device that waits for the person who typed its code.
pub struct Waiting {
    /// As people type it.
    pub code: String,
    pub app: std::sync::Arc<App>,
    pub scope: String,
    pub resource: String,
    /// What asks, in words as they are recorded, and from where.
    pub device: String,
    pub network: String,
    pub made_at: i64,
    hash: String,
}

/// Takes a code that the caller has typed, so that nobody else can. A wrong one, one that is over and one that
/// somebody else has typed get the same refusal.
pub async fn claim(
    services: &Services,
    caller: &SignedIn,
    text: &str,
    visit: &Visit,
) -> Result<()> {
    let (account, store) = (caller.account(), &services.store);
    let counters = services.throttle.counters(&services.keys, Who::UserCodes(account), visit);
    services.throttle.refuse_if_limited(store, &counters, visit, DEVICE_CODE_LIMITED).await?;
    let event = Event::of(visit, By::Stranger, DEVICE_CODE_WRONG, Some(account), now());
    if let Some(code) = read_code(text) {
        let mut tx = store.begin().await?;
        // Of many guesses at once, those beyond the limit learn nothing.
        if let Some(refused) = services.throttle.recheck(&mut tx, &counters, &event).await? {
            tx.commit().await?;
            event.log();
            return Err(refused);
        }
        let (tag, by) = (tag(&services.keys, &code), (account, caller.family()));
        if sql::claim(&mut tx, &tag, by, event.at).await? {
            return Ok(tx.commit().await?);
        }
        tx.rollback().await?;
    }
    services.throttle.count(store, &counters, event).await?;
    Err(Refusal::InvalidCode.into())
}

/// The device whose code the caller has typed. `None`: it no longer waits, or somebody else has typed it.
pub async fn waiting(
    services: &Services,
    caller: &SignedIn,
    text: &str,
) -> Result<Option<Waiting>, Fault> {
    let Some(code) = read_code(text) else { return Ok(None) };
    let tag = tag(&services.keys, &code);
    let by = (caller.account(), caller.family());
    let found = sql::claimed(&mut services.store.read().await?, &tag, by, now()).await?;
    let Some(row) = found else { return Ok(None) };
    let Some(app) = services.apps.find(&row.app_id).await? else { return Ok(None) };
    Ok(Some(Waiting {
        code: written(&code),
        app,
        scope: row.scope,
        resource: row.resource,
        device: row.device,
        network: row.network,
        made_at: row.made_at,
        hash: row.hash,
    }))
}

/// Why a person can't let a device in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barred {
    /// They are no member of a group that the app is for.
    Group,
    /// They last showed too long ago who they are, for this app.
    TooOld,
}

/// Whether the caller may let this device in.
pub async fn bar(
    services: &Services,
    caller: &SignedIn,
    waiting: &Waiting,
) -> Result<Option<Barred>, Fault> {
    let app = &waiting.app;
    let person = Person::of(&services.store, caller.profile(), "", app).await?;
    Ok(match () {
        () if !app.admits(&person.groups) => Some(Barred::Group),
        () if app.is_session_too_old(caller.proof().auth_time, now()) => Some(Barred::TooOld),
        () => None,
    })
}

/// The person agrees, or not. `false`: the device no longer waits.
pub async fn decide(
    services: &Services,
    caller: &SignedIn,
    waiting: &Waiting,
    agrees: bool,
    visit: &Visit,
) -> Result<bool> {
    if agrees && bar(services, caller, waiting).await?.is_some() {
        return Err(Refusal::NotFound.into());
    }
    let (account, app) = (caller.account(), &waiting.app);
    let act: Act = if agrees { DEVICE_APPROVED } else { DEVICE_REFUSED };
    let mut event = Event::by_owner(visit, account, act);
    event.detail.note.clone_from(&app.id);
    let mut tx = services.store.begin().await?;
    // Before the app can be removed.
    _ = changes::next_revision(&mut tx).await?;
    let Some(locked) = account::lock(&mut tx, account).await? else {
        tx.rollback().await?;
        return Ok(false);
    };
    // It may have ended since the guard looked.
    if !sessions::is_alive(&mut tx, caller.session(), event.at).await? {
        tx.rollback().await?;
        return Err(OVER.into());
    }
    let new = NewChallenge {
        purpose: Purpose::Device,
        account: Some((account, locked.epoch)),
        name: "",
        code: "",
        state: "",
        expires_at: event.at + TTL,
    };
    let approval = match agrees {
        true => challenges::make(&mut tx, &services.keys, &new).await?,
        false => String::new(),
    };
    let proof = caller.proof();
    let by = sql::By {
        account,
        family: caller.family(),
        approval: &approval,
        proved_by: &proof.proved_by.word(),
        auth_time: proof.auth_time,
    };
    let state = if agrees { State::Approved } else { State::Refused };
    let decided = sql::decide(&mut tx, &waiting.hash, &by, state, event.at).await?;
    if !decided || !apps::exists(&mut tx, &app.id).await? {
        tx.rollback().await?;
        return Ok(false);
    }
    if agrees && app.definition.third_party {
        let before = apps::consent(&mut tx, account, &app.id).await?.unwrap_or_default();
        let wish = united(&waiting.scope, &waiting.resource);
        if !covers(&before, &wish) {
            let all = united(&before, &wish);
            apps::write_consent(&mut tx, account, &app.id, &all, event.at).await?;
        }
    }
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    event.log();
    Ok(true)
}

/// The tokens of a device, once its person has agreed. It asks again and again until then.
pub async fn redeem(
    services: &Services,
    app: &App,
    device_code: &str,
    visit: &Visit,
) -> Answer<Granted> {
    let refuse = |error, why| Err(Failed::Request(error, why));
    if !app.definition.device {
        return refuse("unauthorized_client", "The app may not use the device flow.");
    }
    let hash = sha256(device_code);
    let found = sql::find(&mut services.store.read().await?, &hash).await?;
    let Some(row) = found.filter(|row| row.app_id == app.id) else {
        return refuse("invalid_grant", "The device code is not one of this app's.");
    };
    let state = State::ALL.into_iter().find(|state| state.word() == row.state);
    if state == Some(State::Used) {
        return refuse("invalid_grant", "The device code has been used.");
    }
    if row.expires_at <= now() {
        return refuse("expired_token", "The device code has expired: begin again.");
    }
    match state {
        Some(State::Approved) => {}
        Some(State::Refused) => return refuse("access_denied", "The person has said no."),
        _ => {
            let (at, earliest) = (now_ms(), row.polled_at + row.pause * 1000 - TOLERANCE);
            let too_early = row.polled_at > 0 && at < earliest;
            let pause = if too_early { row.pause + PAUSE } else { row.pause };
            // A device that never listens costs no more writes.
            let pause = pause.min(LONGEST_PAUSE);
            if too_early && row.pause == LONGEST_PAUSE {
                return refuse("slow_down", "Wait a minute between two polls.");
            }
            services.store.execute_lightly(sql::polled(&hash, at, pause)).await?;
            return match too_early {
                true => refuse("slow_down", "Wait five seconds longer between two polls."),
                false => refuse("authorization_pending", "The person has not agreed yet."),
            };
        }
    }
    services.signing.prepare().await?;
    let gone = || Failed::Request("access_denied", "The person may not use the app any more.");
    let apps = services.apps.get().await?;
    let entered = enter(services, &apps, app, &hash, &row, visit).await?;
    let (grant, refresh_token) = match entered {
        Entry::In(grant, token) => (grant, token),
        Entry::Gone => return Err(gone()),
        Entry::UsedBefore => {
            return refuse("invalid_grant", "The device code has been used.");
        }
    };
    let holding = super::holding(services, &grant).await?.ok_or_else(gone)?;
    let asked = tokens::Asked { scope: &row.scope, resource: &row.resource, nonce: None };
    tokens::grant(services, app, &holding, &asked, refresh_token).await
}

/// The outcome of letting a device in.
enum Entry {
    /// The grant, and the refresh token if there is one.
    In(String, Option<RefreshToken>),
    /// The account is gone or disabled, or its credentials have changed since.
    Gone,
    UsedBefore,
}

/// Begins a session for a device, and uses the code, or does neither.
async fn enter(
    services: &Services,
    apps: &Apps,
    app: &App,
    hash: &str,
    row: &sql::Row,
    visit: &Visit,
) -> Result<Entry> {
    let proof = row.proved_by.as_deref().and_then(ProvedBy::of_word);
    let (Some(account), Some(approval), Some(auth_time), Some(proved_by)) =
        (row.account_id.map(AccountId), row.approval.as_deref(), row.auth_time, proof)
    else {
        return Ok(Entry::Gone);
    };
    let Some(holder) = passwords::holder(&services.store, account).await? else {
        return Ok(Entry::Gone);
    };
    let person = Person::of(&services.store, &holder.profile, "", app).await?;
    if !app.admits(&person.groups) {
        return Ok(Entry::Gone);
    }
    if !row.resource.is_empty() && apps.audience(app, &row.resource).is_none() {
        return Ok(Entry::Gone);
    }
    let keeps = super::has(&row.scope, "offline_access");
    let session = services.tokens.begin(SessionKind::Program { refresh: keeps }, account, visit)?;
    // A device is somebody's own: it stays signed in like a browser that is told to.
    let session = StoredSession {
        proved_by,
        auth_time,
        proved_at: 0,
        remembered: keeps,
        refreshable: false,
        ..session
    };
    let token = if keeps { Some(RefreshToken::new()?) } else { None };
    let mut event = Event::of(visit, By::Owner, APP_ENTERED, Some(account), now());
    event.detail.note.clone_from(&app.id);
    event.detail.session = services.keys.tag(Statement::SessionReference(&session.id));
    event.detail.method = proved_by.word();
    let mut tx = services.store.begin().await?;
    let revision = changes::next_revision(&mut tx).await?;
    let locked = account::lock(&mut tx, account).await?;
    let is_good =
        locked.is_some_and(|locked| locked.disabled_at.is_none() && locked.delete_at.is_none());
    if !is_good || !apps::exists(&mut tx, &app.id).await? {
        tx.rollback().await?;
        return Ok(Entry::Gone);
    }
    if !sql::use_up(&mut tx, hash).await? {
        tx.rollback().await?;
        return Ok(Entry::UsedBefore);
    }
    // Whatever defends the account voids it.
    if !challenges::use_up(&mut tx, approval, event.at).await? {
        tx.rollback().await?;
        return Ok(Entry::Gone);
    }
    let mut ended = None;
    if sessions::is_crowded(&mut tx, account, event.at).await? {
        let which = Which::TooMany;
        ended = Some(sessions::end(&mut tx, revision, account, which, event.at).await?);
    }
    sessions::begin(&mut tx, &session, None).await?;
    let of_session = (account, &*session.family);
    let (grant, _) = grants::begin(&mut tx, &app.id, of_session, &row.scope, event.at).await?;
    if let Some(token) = &token {
        let of_it = (&*row.scope, &*row.resource);
        grants::insert_token(&mut tx, &token.hash(), &grant, of_it, event.at).await?;
    }
    let (device, network, time) = (&*session.device, &*session.network, &*event.at.to_string());
    let values = [("app", &*app.name), ("device", device), ("network", network), ("time", time)];
    emails::notify(&mut tx, services, account, "device-connected", &values, "/account/apps")
        .await?;
    _ = sessions::note_device(&mut tx, &services.keys, account, visit, event.at).await?;
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    services.wake_outbox();
    ended.iter().for_each(|ended| services.live_sessions.changed(ended));
    event.log();
    Ok(Entry::In(grant, token))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_code_has_two_groups_of_four_letters_without_vowels() {
        for _ in 0..100 {
            let code = new_code().expect("a code");
            let text = written(&code);
            assert_eq!((text.len(), &text[4..5]), (9, "-"));
            assert_eq!(read_code(&text), Some(code));
        }
    }

    #[test]
    fn a_code_is_read_as_people_type_it() {
        for text in ["BCDF-GHJK", "bcdf-ghjk", "bcdfghjk", " bcdf ghjk ", "BCDF–GHJK"] {
            assert_eq!(read_code(text).as_deref(), Some("BCDFGHJK"), "{text}");
        }
        for text in ["", "BCDF-GHJ", "BCDF-GHJKL", "ABCD-FGHJ", "BCDF-GH1K", "ＢCDFGHJK"] {
            assert_eq!(read_code(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn anything_is_read_without_a_panic(text in "\\PC{0,40}") {
            if let Some(code) = read_code(&text) {
                prop_assert_eq!(read_code(&written(&code)), Some(code));
            }
        }
    }
}
