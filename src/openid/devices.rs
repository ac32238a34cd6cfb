//! The device flow (RFC 8628): an app on a device without a browser or a keyboard shows a code, and a person
//! types it here, sees what asks and from where, and agrees or not.
//!
//! The first person who types a code has it: nobody else can agree to it (Better Auth, GHSA-cq3f-vc6p-68fh). The
//! device gets a session of its own: it goes on when the person signs out in the browser, and ends where sessions
//! are ended.

mod redeem;
mod sql;

use std::sync::Arc;

use super::{
    Person,
    client::{Answer, Failed},
    covers, united,
};
use crate::{
    apps::{self, App},
    audit::{self, Act, By, Event, acts, sha256},
    challenges::{self, NewChallenge, Purpose},
    domain::AccountId,
    keys::{Keys, Statement},
    platform::{
        clock::now,
        error::{Fault, Refusal, Result},
        random,
        visit::Visit,
    },
    services::Services,
    sessions::{
        self, account,
        caller::{OVER, SignedIn},
    },
    store::{changes, db::Tx},
    throttle::Who,
};

pub use redeem::redeem;

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

/// The codes of a device that begins to sign in.
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
    let apps = services.apps.get().await?;
    let Some(resource) = apps.audience(app, resource.unwrap_or_default()) else {
        return refuse("invalid_target", "The app may not ask for this resource.");
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
    let mut tx = begin(services, app, visit).await?;
    sql::insert(&mut tx, &row).await?;
    tx.commit().await?;
    Ok(Asked { device_code, user_code: written(&code) })
}

/// Begins to write down a request of an app. Those of an app that anybody could be are limited.
pub(super) async fn begin(services: &Services, app: &App, visit: &Visit) -> Result<Tx> {
    let Services { store, throttle, keys, .. } = services;
    if !app.definition.public {
        return Ok(store.begin().await?);
    }
    let counters = throttle.counters(keys, Who::PublicApp, visit);
    throttle.check(store, &counters).await?;
    let mut tx = store.begin().await?;
    match throttle.count_in(&mut tx, &counters).await? {
        None => Ok(tx),
        Some(limited) => {
            tx.rollback().await?;
            Err(limited)
        }
    }
}

/// A device that waits for the person who typed its code.
pub struct Waiting {
    /// As people type it.
    pub code: String,
    pub app: Arc<App>,
    pub scope: String,
    pub resource: String,
    /// The program that asks, as it is recorded, and its network.
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

/// Takes back what the owner of an account has agreed to for devices of an app that have not come yet. Returns how
/// many there were.
pub(super) async fn take_back(tx: &mut Tx, account: AccountId, app: &str) -> Result<u64, Fault> {
    sql::take_back(tx, account, app).await
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
