//! Webhooks: telling other programs what happened to accounts, as standardwebhooks.com describes it.
//!
//! Events come from the audit trail. [`collect`] reads on in it and writes a message for each endpoint that wants to
//! know, in one transaction, so none is lost and each is written once. Then the message goes into the outbox,
//! which delivers it at least once, and those for one endpoint in order. A message says whom it is about as they
//! were when it was written.

pub mod cli;
mod courier;
pub mod settings;
mod sql;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;
use url::{Host, Url};

use crate::{
    audit::{self, AuditRow, Authority, acts},
    domain::{AccountId, Code, Field, Profile},
    emails, groups,
    keys::{Keys, Opened, Sealed},
    outbox,
    platform::{
        clock::{now, rfc3339},
        error::{Fault, Refusal, Result},
        fetch, random,
    },
    store::{Store, db::Tx},
};

use courier::WEBHOOK;
pub use courier::WebhookCourier;
use settings::WebhookSettings;
pub(crate) use sql::{TABLES, forget};

acts! {
    ADDED = "webhook_created";
    REMOVED = "webhook_deleted";
    TESTED = "webhook_updated:tested";
    RESENT = "webhook_updated:resent";
    /// The endpoint said that it is gone.
    CLOSED = "webhook_updated:closed";
}

/// Every event that an endpoint can be told of.
pub const EVENTS: [&str; 9] = [
    "user.created",
    "user.updated",
    "user.disabled",
    "user.enabled",
    "user.deletion_scheduled",
    "user.deleted",
    "user.password_changed",
    "session.started",
    "session.ended",
];

/// What a test message is called.
pub const TEST: &str = "test";

/// The event that an act is for endpoints.
fn event_of(act: &str) -> Option<&'static str> {
    let (word, reason) = act.split_once(':').unwrap_or((act, ""));
    Some(match (word, reason) {
        ("user_created", _) => "user.created",
        ("user_archived", "disabled") => "user.disabled",
        ("user_archived", "deletion") => "user.deletion_scheduled",
        ("user_updated", "enabled") => "user.enabled",
        ("user_updated", "email_given") => return None,
        ("user_updated", _) => "user.updated",
        ("privilege_permissions_changed", "joined" | "left") => "user.updated",
        ("authn_factor_added" | "authn_factor_removed", _) => "user.updated",
        ("authn_password_change", _) => "user.password_changed",
        ("authn_login_success", "") => "session.started",
        ("session_expired", reason) if reason != "app" => "session.ended",
        _ => return None,
    })
}

/// How many rows of the trail are read at once.
const AT_ONCE: i64 = 200;

/// How many endpoints there may be.
const MAX_WEBHOOKS: usize = 50;

/// The longest address, in bytes.
const MAX_URL: usize = 2000;

/// The reader of the trail.
const READER: &str = "webhooks";

/// An endpoint.
#[derive(Clone, Debug)]
pub struct Webhook {
    pub id: String,
    pub url: String,
    pub events: Vec<String>,
    /// As the actor of an event.
    pub made_by: String,
    /// In seconds since 1970.
    pub created_at: i64,
    /// When it said that it is gone. Since then it is told nothing.
    pub closed_at: Option<i64>,
}

/// A message to an endpoint, as those who administer see it.
#[derive(Clone, Debug)]
pub struct Sent {
    pub id: String,
    pub event: String,
    pub account: Option<i64>,
    pub body: String,
    pub created_at: i64,
    pub delivered_at: Option<i64>,
    pub tries: i64,
    /// What the endpoint said last, or why it could not be reached.
    pub answer: Option<String>,
}

/// The field with the address of an endpoint.
pub const URL: Field = Field::named("url");

/// The field with the events of an endpoint.
pub const EVENTS_FIELD: Field = Field::named("events");

/// Checks the address of an endpoint. Where a name leads to is checked whenever something is sent.
pub fn check_url(settings: &WebhookSettings, text: &str) -> Result<Url, Code> {
    if text.is_empty() {
        return Err(Code::Missing);
    }
    if text.len() > MAX_URL {
        return Err(Code::TooManyBytes { max: MAX_URL });
    }
    let url = Url::parse(text).map_err(|_| Code::NotAUrl)?;
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(Code::NotAUrl);
    }
    let may_be_plain = match url.host() {
        Some(Host::Ipv4(address)) => settings.allows(address.into()),
        Some(Host::Ipv6(address)) => settings.allows(address.into()),
        // A name inside: that of a container, or of the machine.
        Some(Host::Domain(name)) => !settings.allow.is_empty() && is_name_inside(name),
        None => return Err(Code::NotAUrl),
    };
    let may_reach = match url.host() {
        Some(Host::Ipv4(address)) => fetch::may_reach(&settings.allow, address.into()),
        Some(Host::Ipv6(address)) => fetch::may_reach(&settings.allow, address.into()),
        Some(Host::Domain(_)) | None => true,
    };
    if !may_reach {
        return Err(Code::Inside);
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if may_be_plain => Ok(url),
        _ => Err(Code::NotHttps),
    }
}

fn is_name_inside(name: &str) -> bool {
    let ends = [".localhost", ".local", ".lan", ".internal", ".home.arpa"];
    !name.contains('.') || ends.iter().any(|end| name.ends_with(end))
}

/// Adds an endpoint. Returns it and its secret, which is available once.
pub async fn add(
    store: &Store,
    keys: &Keys,
    settings: &WebhookSettings,
    authority: &Authority,
    url: &str,
    events: &[String],
) -> Result<(Webhook, String)> {
    let url = check_url(settings, url.trim()).map_err(|code| Refusal::of_field(URL, code))?;
    let mut known: Vec<String> = EVENTS.iter().map(|event| (*event).to_owned()).collect();
    if !events.is_empty() {
        if !events.iter().all(|event| known.contains(event)) {
            return Err(Refusal::of_field(EVENTS_FIELD, Code::OutOfRange).into());
        }
        known.retain(|event| events.contains(event));
    }
    let webhook = Webhook {
        id: random::text()?,
        url: url.to_string(),
        events: known,
        made_by: authority.actor().to_owned(),
        created_at: now(),
        closed_at: None,
    };
    let secret = format!("whsec_{}", STANDARD.encode(random::bytes::<32>()?));
    let sealed = keys.seal(Sealed::WebhookSecret(&webhook.id), &secret)?;
    let mut tx = store.begin().await?;
    audit::lock_reader(&mut tx, READER).await?;
    let count = sql::count(&mut tx).await?;
    if count >= MAX_WEBHOOKS {
        tx.rollback().await?;
        return Err(Refusal::of_field(URL, Code::TooMany { max: MAX_WEBHOOKS }).into());
    }
    // What happened before is not its business.
    match count {
        0 => audit::skip_to_now(&mut tx, READER).await?,
        _ => collect_in(&mut tx).await?,
    }
    sql::insert(&mut tx, &webhook, &sealed).await?;
    let event = authority.event(ADDED, None).noting(&webhook.id);
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    event.log();
    Ok((webhook, secret))
}

/// Seals the secrets of endpoints anew if `JWT_SECRET` was replaced. Returns how many can't be read any more.
pub(crate) async fn keep_readable(store: &Store, keys: &Keys) -> Result<usize, Fault> {
    let sealed = sql::sealed(&mut store.read().await?).await?;
    let mut unreadable = 0;
    for (id, sealed) in sealed {
        let what = Sealed::WebhookSecret(&id);
        match keys.open_any(what, &sealed) {
            Some(Opened { by_current: true, .. }) => {}
            Some(Opened { by_current: false, text }) => {
                let anew = keys.seal(what, &text)?;
                sql::set_sealed(&mut store.write().await?, &id, &anew).await?;
            }
            None => unreadable += 1,
        }
    }
    Ok(unreadable)
}

/// All endpoints, newest first.
pub async fn all(store: &Store) -> Result<Vec<Webhook>, Fault> {
    sql::all(&mut store.read().await?).await
}

pub async fn find(store: &Store, id: &str) -> Result<Option<Webhook>, Fault> {
    Ok(all(store).await?.into_iter().find(|webhook| webhook.id == id))
}

/// Removes an endpoint, with the messages that wait for it. `false`: there is none.
pub async fn remove(store: &Store, authority: &Authority, id: &str) -> Result<bool, Fault> {
    let mut tx = store.begin().await?;
    audit::lock_reader(&mut tx, READER).await?;
    if !sql::delete(&mut tx, id).await? {
        tx.rollback().await?;
        return Ok(false);
    }
    outbox::discard_stream(&mut tx, id).await?;
    let event = authority.event(REMOVED, None).noting(id);
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    event.log();
    Ok(true)
}

/// The latest messages to an endpoint, newest first.
pub async fn messages(store: &Store, webhook: &str, most: i64) -> Result<Vec<Sent>, Fault> {
    sql::messages(&mut store.read().await?, webhook, most).await
}

/// Sends a message once more, with the same `webhook-id`. `false`: there is none, or the endpoint is closed.
pub async fn send_again(
    store: &Store,
    keys: &Keys,
    authority: &Authority,
    webhook: &str,
    id: &str,
) -> Result<bool, Fault> {
    let mut tx = store.begin().await?;
    let Some(place) = sql::place_of(&mut tx, webhook, id).await? else {
        tx.rollback().await?;
        return Ok(false);
    };
    // It goes out once, also if it still waits.
    outbox::discard_place(&mut tx, webhook, place).await?;
    outbox::enqueue_in_order(&mut tx, keys, WEBHOOK, (webhook, place), id).await?;
    let event = authority.event(RESENT, None).noting(id);
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    event.log();
    Ok(true)
}

/// Sends a test message. `false`: there is no such endpoint, or it is closed.
pub async fn test(
    store: &Store,
    keys: &Keys,
    authority: &Authority,
    webhook: &str,
) -> Result<bool, Fault> {
    let mut tx = store.begin().await?;
    audit::lock_reader(&mut tx, READER).await?;
    if !sql::is_open(&mut tx, webhook).await? {
        tx.rollback().await?;
        return Ok(false);
    }
    let body = json!({ "type": TEST, "timestamp": rfc3339(now()), "data": {} }).to_string();
    let (id, place) = (message_id()?, sql::next_place(&mut tx, webhook).await?);
    let message = sql::NewMessage { id: &id, webhook, event: TEST, account: None, body: &body };
    sql::insert_message(&mut tx, &message, place, now()).await?;
    let event = authority.event(TESTED, None).noting(webhook);
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    event.log();
    queue(store, keys).await?;
    Ok(true)
}

fn message_id() -> Result<String, Fault> {
    Ok(format!("msg_{}", random::text()?))
}

/// Writes the messages about what has happened since the last time, and puts them into the outbox. `true`: there
/// is more, or there were some.
pub(crate) async fn collect(store: &Store, keys: &Keys) -> Result<bool, Fault> {
    let more = collect_a_piece(store).await?;
    Ok(queue(store, keys).await? || more)
}

/// Writes the messages about all that has happened so far, in pieces.
pub(crate) async fn catch_up(store: &Store) -> Result<(), Fault> {
    while collect_a_piece(store).await? {}
    Ok(())
}

/// Writes the messages about what has happened since the last time. `true`: there is more.
async fn collect_a_piece(store: &Store) -> Result<bool, Fault> {
    // Without endpoints, nothing is read, and nothing written.
    if !sql::any(&mut store.read().await?).await? || !audit::has_news(store, READER).await? {
        return Ok(false);
    }
    let mut tx = store.begin().await?;
    let read = collect_some(&mut tx).await?;
    tx.commit().await?;
    Ok(read == AT_ONCE)
}

/// Writes what [`catch_up`] has left, in the transaction of something larger: of an account's end, after which the
/// trail no longer names it. Endpoints neither come nor go until it ends.
pub(crate) async fn before_erasing(tx: &mut Tx) -> Result<(), Fault> {
    audit::lock_reader(tx, READER).await?;
    collect_in(tx).await
}

async fn collect_in(tx: &mut Tx) -> Result<(), Fault> {
    if !sql::any(tx).await? {
        return Ok(());
    }
    while collect_some(tx).await? == AT_ONCE {}
    Ok(())
}

async fn collect_some(tx: &mut Tx) -> Result<i64, Fault> {
    let rows = audit::read_on(tx, READER, AT_ONCE).await?;
    let webhooks = sql::all(tx).await?;
    let webhooks: Vec<&Webhook> =
        webhooks.iter().filter(|webhook| webhook.closed_at.is_none()).collect();
    if !webhooks.is_empty() {
        // Joining several groups at once is one change.
        let mut joined = None;
        for row in &rows {
            if let Some((event, account)) = event_of(&row.event).zip(row.account_id) {
                if row.event.starts_with("privilege_") {
                    let request = row.detail().map(|detail| detail.request_id);
                    let this = Some((account, row.at, request));
                    if joined == this {
                        continue;
                    }
                    joined = this;
                }
                let data = data_of(tx, AccountId(account), row).await?;
                write(tx, &webhooks, event, AccountId(account), row.at, data).await?;
            }
        }
    }
    Ok(i64::try_from(rows.len()).unwrap_or(i64::MAX))
}

/// Tells endpoints that an account is gone, in the transaction that erases it.
pub(crate) async fn deleted(tx: &mut Tx, account: AccountId, at: i64) -> Result<(), Fault> {
    let webhooks = sql::all(tx).await?;
    let webhooks: Vec<&Webhook> =
        webhooks.iter().filter(|webhook| webhook.closed_at.is_none()).collect();
    // Only what is still on its way stays, until it has arrived.
    sql::erase(tx, account).await?;
    write(tx, &webhooks, "user.deleted", account, at, json!({ "id": account.0 })).await
}

async fn write(
    tx: &mut Tx,
    webhooks: &[&Webhook],
    event: &str,
    account: AccountId,
    at: i64,
    data: serde_json::Value,
) -> Result<(), Fault> {
    let wants = |webhook: &&&Webhook| webhook.events.iter().any(|known| known == event);
    for webhook in webhooks.iter().filter(wants) {
        let body = json!({ "type": event, "timestamp": rfc3339(at), "data": data }).to_string();
        let (id, place) = (message_id()?, sql::next_place(tx, &webhook.id).await?);
        let (webhook, account) = (&*webhook.id, Some(account));
        let message = sql::NewMessage { id: &id, webhook, event, account, body: &body };
        sql::insert_message(tx, &message, place, now()).await?;
    }
    Ok(())
}

/// Whom a message is about.
async fn data_of(
    tx: &mut Tx,
    account: AccountId,
    row: &AuditRow,
) -> Result<serde_json::Value, Fault> {
    let mut data = json!({ "id": account.0 });
    if let Some(sql::About { profile, disabled_at, delete_at }) = sql::about(tx, account).await? {
        let Profile { username, values, created_at, .. } = &profile;
        data["username"] = username.as_str().into();
        for (field, value) in values.iter() {
            data[field.field.name()] = value.into();
        }
        let email = emails::of_one(tx, account).await?;
        data["email"] = email.as_ref().map(|(address, _)| address.as_str()).into();
        data["emailVerified"] = email.is_some_and(|(_, is_verified)| is_verified).into();
        data["groups"] = groups::of_one(tx, account).await?.into();
        data["disabled"] = disabled_at.is_some().into();
        data["deleteAt"] = delete_at.map(rfc3339).into();
        data["createdAt"] = rfc3339(*created_at).into();
    }
    if row.event.starts_with("session_") || row.event.starts_with("authn_login_success") {
        // It stands for the session, and is not its id.
        data["session"] = row.detail().map(|detail| detail.session).into();
    }
    Ok(data)
}

/// Puts messages that were written into the outbox. `true`: there were some.
async fn queue(store: &Store, keys: &Keys) -> Result<bool, Fault> {
    if !sql::any_to_queue(&mut store.read().await?).await? {
        return Ok(false);
    }
    let mut tx = store.begin().await?;
    let messages = sql::take_to_queue(&mut tx, now(), AT_ONCE).await?;
    for sql::ToQueue { id, webhook_id, place } in &messages {
        outbox::enqueue_in_order(&mut tx, keys, WEBHOOK, (webhook_id, *place), id).await?;
    }
    tx.commit().await?;
    Ok(!messages.is_empty())
}
