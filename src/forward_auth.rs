//! Apps behind a reverse proxy, which know nothing of accounts: the proxy asks for each request whether it may
//! pass, and whose it is.
//!
//! An app's host has a cookie of its own, which only that host gets. The browser comes by it with a code
//! flow with ourselves: state, PKCE and a cookie bind it to the browser that began. The cookie names a grant, so
//! it dies with the session. There is no cookie for a whole domain, so apps may lie anywhere, and two
//! servers under one domain don't disturb each other.
//!
//! Every identity header is always set, also empty, so that a proxy which copies them leaves none that the
//! client made up. Beside them goes a signed assertion for that one app, which it can check by itself.

pub mod json;
mod paths;

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicI64, Ordering},
};

use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};

use self::paths::access_to;
use crate::{
    apps::{Access, App, definition::CALLBACK},
    domain::AccountId,
    keys::{Sealed, Statement},
    openid::{
        Holding, Person, codes, has, holding,
        request::AUTHORIZE,
        tokens::{self, Known},
    },
    platform::{
        clock::now,
        error::{Fault, Result},
        pkce, random,
        visit::Visit,
    },
    services::Services,
    sessions::{
        caller,
        carrier::Carrier,
        grants,
        live::LiveSession,
        tokens::{CLOCK_SKEW, VerifiedToken},
    },
    signing::Algorithm,
};

/// The kind of an assertion.
pub const ASSERTION: &str = "latchkey-assertion+jwt";

/// How long an assertion is good, in seconds, and for how long the same one is given.
const ASSERTION_TTL: i64 = 60;
const ASSERTION_REUSED: i64 = 20;

/// How long a sign-in may take, in seconds.
const STATE_TTL: i64 = 3600;

/// The cookie of an app's host: a grant, and a tag.
fn cookie_of(services: &Services, host: &str, grant: &str) -> String {
    let tag = services.keys.tag(Statement::AppCookie(host, grant));
    format!("{grant}.{tag}")
}

/// The grant that a cookie of this host names. `None`: the cookie is not one of ours.
fn grant_in<'a>(services: &Services, host: &str, cookie: &'a str) -> Option<&'a str> {
    let (grant, tag) = cookie.rsplit_once('.')?;
    services.keys.fits(Statement::AppCookie(host, grant), tag).then_some(grant)
}

/// Whether so many seconds have passed since the time in `last`, which then becomes the present one. Of callers
/// at the same moment, one gets `true`.
fn is_due(last: &AtomicI64, every: i64) -> bool {
    let (now, then) = (now(), last.load(Ordering::Relaxed));
    let order = Ordering::Relaxed;
    now - then >= every && last.compare_exchange(then, now, order, order).is_ok()
}

/// A grant that held when this node last looked, for as long as nothing of its account has changed.
struct Remembered {
    session: Arc<LiveSession>,
    app: String,
    era: Option<u64>,
    person: Person,
    /// The assertion, and when it was made.
    assertion: Mutex<Option<(i64, Arc<str>)>>,
    /// When the use of the grant was noted.
    noted_at: AtomicI64,
}

/// The memory of this node: grants that held, and the time of the last warning about a proxy.
pub struct Memory {
    /// By the id of the grant.
    grants: Cache<String, Arc<Remembered>>,
    warned_at: AtomicI64,
}

impl Default for Memory {
    fn default() -> Self {
        Self { grants: Cache::new(10_000), warned_at: AtomicI64::default() }
    }
}

impl Memory {
    /// Whether the log may hear of a proxy that is refused: once a minute, however often it asks.
    fn may_warn(&self) -> bool {
        is_due(&self.warned_at, 60)
    }
}

/// The verdict on a request that a proxy asks about.
pub enum Verdict {
    /// Anybody may see this, and nobody is known.
    Public,
    /// It may pass, and this is whose it is.
    Pass { person: Person, assertion: Arc<str> },
    /// Somebody must sign in.
    SignIn,
    /// They are signed in, but may not see this.
    Denied,
}

/// What a request shows of who it is.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    /// The cookie of the app's host.
    pub cookie: Option<&'a str>,
    /// An access token: a program shows it instead of a cookie.
    pub bearer: Option<&'a str>,
}

/// Whose access token this is: one that an app of the person's got for this host (RFC 8707).
async fn of_token(
    services: &Services,
    app: &App,
    token: &str,
) -> Result<Option<Arc<Remembered>>, Fault> {
    let Some(Known::Access(known)) = tokens::find(services, token).await? else { return Ok(None) };
    let (claims, Holding { grant, app: program, mut person }) = *known;
    let is_for_here = Some(&claims.aud) == app.definition.host.as_ref();
    if !is_for_here
        || !program.definition.resources.contains(&claims.aud)
        || app.is_session_too_old(grant.session.auth_time, now())
    {
        return Ok(None);
    }
    // The scope of a token can be narrower than the scope of its grant.
    person.email = person.email.filter(|_| has(&claims.scope, "email"));
    if !has(&claims.scope, "groups") {
        person.groups = Vec::new();
    }
    let session = live(services, &grant.session.id, person.id).await?;
    Ok(session.map(|session| Arc::new(Remembered::new(session, app, None, person))))
}

/// A live session, as this node remembers it. It is in use, so it stays alive.
async fn live(
    services: &Services,
    session: &str,
    account: AccountId,
) -> Result<Option<Arc<LiveSession>>, Fault> {
    let (carrier, session) = (Carrier::Browser, session.into());
    let found = services.live_sessions.find(&VerifiedToken { carrier, session, account }).await?;
    if let Some(session) = &found {
        caller::extend(&services.tokens, &services.live_sessions, carrier, session);
    }
    Ok(found)
}

impl Remembered {
    fn new(session: Arc<LiveSession>, app: &App, era: Option<u64>, person: Person) -> Self {
        let (app, assertion) = (app.id.clone(), Mutex::default());
        Self { session, app, era, person, assertion, noted_at: AtomicI64::default() }
    }
}

/// Decides about a path of an app.
pub async fn decide(
    services: &Services,
    memory: &Memory,
    app: &App,
    host: &str,
    path: &str,
    shown: Shown<'_>,
) -> Result<Verdict> {
    let needed = access_to(&app.definition.rules, path);
    let is_public = needed.iter().all(|access| matches!(access, Access::Everybody));
    // A token that is not ours is the app's own.
    let mut known = match shown.bearer {
        Some(token) => of_token(services, app, token).await?,
        None => None,
    };
    let cookie = shown.cookie.filter(|_| known.is_none());
    if let Some(grant) = cookie.and_then(|text| grant_in(services, host, text)) {
        known = who(services, memory, app, grant).await?;
    }
    let Some(known) = known else {
        return Ok(if is_public { Verdict::Public } else { Verdict::SignIn });
    };
    let person = &known.person;
    let may = |access: &&Access| match access {
        Access::Everybody | Access::SignedIn => true,
        Access::Groups(groups) => groups.iter().any(|group| person.groups.contains(group)),
    };
    let is_admitted = app.admits(&person.groups) && needed.iter().all(may);
    if !is_public && !is_admitted {
        return Ok(Verdict::Denied);
    }
    let assertion = assert(services, app, &known).await?;
    Ok(Verdict::Pass { person: person.clone(), assertion })
}

/// The person whose grant this is, if it holds.
async fn who(
    services: &Services,
    memory: &Memory,
    app: &App,
    id: &str,
) -> Result<Option<Arc<Remembered>>, Fault> {
    let era = services.live_sessions.era();
    if let Some(known) = memory.grants.get(id).filter(|known| known.era == era && era.is_some()) {
        let session = live(services, &known.session.id, known.person.id).await?;
        // The same value: nothing of the account has changed since it was read.
        let is_same = session.is_some_and(|session| Arc::ptr_eq(&session, &known.session));
        let holds = known.app == app.id && !app.is_session_too_old(known.session.auth_time, now());
        if is_same && holds {
            note_use(services, &known, id).await;
            return Ok(Some(known));
        }
        memory.grants.remove(id);
    }
    let found = holding(services, id).await?;
    let Some(Holding { grant, .. }) = found.filter(|found| found.grant.app == app.id) else {
        return Ok(None);
    };
    let session = live(services, &grant.session.id, grant.profile.id).await?;
    let Some(session) = session else { return Ok(None) };
    // Once more, after the session: what changes from here on gives the session another value.
    let Some(holding) = holding(services, id).await? else { return Ok(None) };
    let known = Arc::new(Remembered::new(session, app, era, holding.person));
    note_use(services, &known, id).await;
    memory.grants.insert(id.to_owned(), known.clone());
    Ok(Some(known))
}

/// Notes that an app is used, once an hour.
async fn note_use(services: &Services, known: &Remembered, grant: &str) {
    if is_due(&known.noted_at, grants::NOTED_EVERY)
        && let Err(fault) = grants::note_use(&services.store, grant, now()).await
    {
        tracing::debug!(error = fault.source(), "the use of an app can't be noted now");
    }
}

#[derive(Serialize)]
struct Assertion<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: String,
    iat: i64,
    exp: i64,
    name: &'a str,
    preferred_username: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    groups: &'a [String],
    auth_time: i64,
    acr: &'a str,
    amr: Vec<&'static str>,
}

/// The assertion about a person for one app, made anew every few seconds.
async fn assert(services: &Services, app: &App, known: &Remembered) -> Result<Arc<str>, Fault> {
    let now = now();
    let lock = || known.assertion.lock().unwrap_or_else(PoisonError::into_inner);
    let recent = |at: i64| (at..at + ASSERTION_REUSED).contains(&now);
    if let Some((_, text)) = lock().as_ref().filter(|(at, _)| recent(*at)) {
        return Ok(text.clone());
    }
    let (person, session) = (&known.person, &known.session);
    let claims = Assertion {
        iss: services.issuer(),
        aud: app.definition.host.as_deref().unwrap_or_default(),
        sub: person.subject(),
        iat: now,
        exp: now + ASSERTION_TTL,
        name: &person.name,
        preferred_username: &person.username,
        email: person.email.as_deref(),
        groups: &person.groups,
        auth_time: session.auth_time,
        acr: session.proved_by.acr(),
        amr: session.proved_by.amr(),
    };
    let text: Arc<str> = services.signing.sign(Algorithm::Es256, ASSERTION, &claims).await?.into();
    *lock() = Some((now, text.clone()));
    Ok(text)
}

/// What a browser takes along on its way to the sign-in, sealed.
#[derive(Serialize, Deserialize)]
struct Trip {
    /// The path to come back to.
    to: String,
    /// The browser that began it.
    browser: String,
    at: i64,
    id: String,
}

/// The beginning of a sign-in: the address of the authorization, and the id of the browser for its cookie.
pub struct Begun {
    pub location: String,
    pub browser: String,
}

/// The longest path to come back to, in bytes.
const MAX_PATH: usize = 2000;

/// Whether this is an address of the app's host that one can come back to. `//` would lead elsewhere.
fn is_of_here(path: &str) -> bool {
    path.len() <= MAX_PATH
        && path.starts_with('/')
        && !path[1..].starts_with(['/', '\\'])
        && !path.starts_with(json::OURS)
}

/// Begins a sign-in. `browser`: the id in its cookie, if it has one.
pub fn begin(
    services: &Services,
    app: &App,
    host: &str,
    path: &str,
    browser: Option<String>,
) -> Result<Begun> {
    let browser = match browser.filter(|id| random::is_text(id)) {
        Some(browser) => browser,
        None => random::text()?,
    };
    let to = if is_of_here(path) { path } else { "/" };
    let trip = Trip { to: to.to_owned(), browser: browser.clone(), at: now(), id: random::text()? };
    let verifier = services.keys.tag(Statement::AppVerifier(&browser, &trip.id));
    let text = serde_json::to_string(&trip).map_err(Fault::internal)?;
    let state = services.keys.seal(Sealed::AppState(host), &text)?;
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("client_id", &app.id)
        .append_pair("response_type", "code")
        .append_pair("redirect_uri", &callback(app))
        .append_pair("scope", "openid profile email groups")
        .append_pair("state", &state)
        .append_pair("code_challenge", &pkce::challenge(&verifier))
        .append_pair("code_challenge_method", "S256");
    let location = format!("{}{AUTHORIZE}?{}", services.issuer(), query.finish());
    Ok(Begun { location, browser })
}

fn callback(app: &App) -> String {
    let host = app.definition.host.as_deref().unwrap_or_default();
    format!("{host}{}", CALLBACK)
}

/// The end of a sign-in.
pub enum Arrival {
    /// The cookie of the app, and the path to go on to.
    In { cookie: String, to: String },
    /// It is too old, was used before, or began in another browser or tab: it begins anew on the way to this
    /// path.
    Again(String),
    /// The browser has no cookie of ours, and perhaps takes none, so beginning anew would never end.
    NoCookie(String),
}

/// Finishes a sign-in with a code.
pub async fn arrive(
    services: &Services,
    app: &App,
    host: &str,
    (code, state): (&str, &str),
    browser: Option<&str>,
    visit: &Visit,
) -> Result<Arrival> {
    let opened = services.keys.open(Sealed::AppState(host), state);
    let trip = opened.and_then(|text| serde_json::from_str::<Trip>(&text).ok());
    let to = || trip.as_ref().map_or_else(|| "/".to_owned(), |trip| trip.to.clone());
    let Some(browser) = browser.filter(|id| random::is_text(id)) else {
        return Ok(Arrival::NoCookie(to()));
    };
    let Some(trip) = trip.as_ref().filter(|trip| trip.browser == browser) else {
        return Ok(Arrival::Again(to()));
    };
    if !(now() - STATE_TTL..=now() + CLOCK_SKEW).contains(&trip.at) {
        return Ok(Arrival::Again(to()));
    }
    let verifier = services.keys.tag(Statement::AppVerifier(browser, &trip.id));
    let redeemed =
        codes::redeem(services, app, code, Some(&callback(app)), Some(&verifier), None, visit)
            .await?;
    let Ok(redeemed) = redeemed else { return Ok(Arrival::Again(to())) };
    let cookie = cookie_of(services, host, &redeemed.holding.grant.id);
    Ok(Arrival::In { cookie, to: to() })
}
