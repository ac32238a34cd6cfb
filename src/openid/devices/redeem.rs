//! The session and the tokens of a device whose person has agreed.

use super::{PAUSE, State, sql};
use crate::{
    apps::{self, App, Apps},
    audit::{self, By, Event, sha256},
    challenges,
    domain::AccountId,
    emails,
    keys::Statement,
    openid::{
        APP_ENTERED, Person,
        client::{Answer, Failed},
        has, holding,
        tokens::{self, Granted},
    },
    passwords,
    platform::{
        clock::{now, now_ms},
        error::Result,
        visit::Visit,
    },
    services::Services,
    sessions::{
        self, ProvedBy, StoredSession, Which, account, grants, refresh::RefreshToken,
        tokens::SessionKind,
    },
    store::changes,
};

/// The longest that a device is made to wait between two polls, in seconds.
const LONGEST_PAUSE: i64 = 60;

/// How much too early a poll may come, in milliseconds: networks are no clocks.
const TOLERANCE: i64 = 500;

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
    let holding = holding(services, &grant).await?.ok_or_else(gone)?;
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
    if !app.admits(&person.groups) || app.is_session_too_old(auth_time, now()) {
        return Ok(Entry::Gone);
    }
    if apps.audience(app, &row.resource).is_none() {
        return Ok(Entry::Gone);
    }
    let keeps = has(&row.scope, "offline_access");
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
