//! The tables of webhooks and of their messages.

use sqlx::FromRow;

use super::{Sent, Webhook};
use crate::{
    domain::{AccountId, Profile},
    platform::error::Fault,
    store::{
        Kind::{Number, Text},
        Store, Table,
        db::{Db, Tx, sql, sql_of},
        profile::PROFILE,
        table,
    },
};

pub(crate) const TABLES: &[Table] = &[
    table(
        "webhooks",
        &[
            ("id", Text),
            ("url", Text),
            ("events", Text),
            ("sealed", Text),
            ("made_by", Text),
            ("created_at", Number),
            ("closed_at", Number),
        ],
    ),
    table(
        "webhook_messages",
        &[
            ("id", Text),
            ("webhook_id", Text),
            ("place", Number),
            ("event", Text),
            ("account_id", Number),
            ("body", Text),
            ("created_at", Number),
            ("queued_at", Number),
            ("delivered_at", Number),
            ("tries", Number),
            ("answer", Text),
        ],
    ),
];

#[derive(FromRow)]
struct WebhookRow {
    id: String,
    url: String,
    events: String,
    made_by: String,
    created_at: i64,
    closed_at: Option<i64>,
}

impl From<WebhookRow> for Webhook {
    fn from(row: WebhookRow) -> Self {
        let WebhookRow { id, url, events, made_by, created_at, closed_at } = row;
        let events = events.split(' ').map(str::to_owned).collect();
        Self { id, url, events, made_by, created_at, closed_at }
    }
}

pub(super) async fn count(tx: &mut Tx) -> Result<usize, Fault> {
    tx.count(sql("SELECT COUNT(*) FROM webhooks")).await
}

/// Whether there are any.
pub(super) async fn any(db: &mut Db) -> Result<bool, Fault> {
    Ok(db.optional::<(i32,)>(sql("SELECT 1 FROM webhooks LIMIT 1")).await?.is_some())
}

pub(super) async fn insert(tx: &mut Tx, new: &Webhook, sealed: &str) -> Result<(), Fault> {
    let insert = "INSERT INTO webhooks (id, url, events, sealed, made_by, created_at) \
                  VALUES ($1, $2, $3, $4, $5, $6)";
    let insert = sql(insert)
        .bind(&new.id)
        .bind(&new.url)
        .bind(&new.events.join(" "))
        .bind(sealed)
        .bind(&new.made_by)
        .bind(new.created_at);
    tx.execute(insert).await?;
    Ok(())
}

pub(super) async fn all(db: &mut Db) -> Result<Vec<Webhook>, Fault> {
    let query = "SELECT id, url, events, made_by, created_at, closed_at FROM webhooks \
                 ORDER BY created_at DESC, id";
    let rows: Vec<WebhookRow> = db.all(sql(query)).await?;
    Ok(rows.into_iter().map(Webhook::from).collect())
}

pub(super) async fn sealed(db: &mut Db) -> Result<Vec<(String, String)>, Fault> {
    db.all(sql("SELECT id, sealed FROM webhooks")).await
}

pub(super) async fn set_sealed(db: &mut Db, id: &str, sealed: &str) -> Result<(), Fault> {
    db.execute(sql("UPDATE webhooks SET sealed = $2 WHERE id = $1").bind(id).bind(sealed)).await?;
    Ok(())
}

pub(super) async fn is_open(tx: &mut Tx, id: &str) -> Result<bool, Fault> {
    let query = "SELECT 1 FROM webhooks WHERE id = $1 AND closed_at IS NULL";
    Ok(tx.optional::<(i32,)>(sql(query).bind(id)).await?.is_some())
}

pub(super) async fn delete(tx: &mut Tx, id: &str) -> Result<bool, Fault> {
    Ok(tx.execute(sql("DELETE FROM webhooks WHERE id = $1").bind(id)).await? == 1)
}

pub(super) async fn close(tx: &mut Tx, id: &str, now: i64) -> Result<(), Fault> {
    let update = "UPDATE webhooks SET closed_at = $2 WHERE id = $1 AND closed_at IS NULL";
    tx.execute(sql(update).bind(id).bind(now)).await?;
    Ok(())
}

/// A message to write.
pub(super) struct NewMessage<'a> {
    pub(super) id: &'a str,
    pub(super) webhook: &'a str,
    pub(super) event: &'a str,
    pub(super) account: Option<AccountId>,
    pub(super) body: &'a str,
}

pub(super) async fn next_place(tx: &mut Tx, webhook: &str) -> Result<i64, Fault> {
    let query = "SELECT COALESCE(MAX(place), 0) + 1 FROM webhook_messages WHERE webhook_id = $1";
    let (place,): (i64,) = tx.one(sql(query).bind(webhook)).await?;
    Ok(place)
}

pub(super) async fn insert_message(
    tx: &mut Tx,
    new: &NewMessage<'_>,
    place: i64,
    now: i64,
) -> Result<(), Fault> {
    let insert = "INSERT INTO webhook_messages (id, webhook_id, place, event, account_id, body, created_at) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let account = new.account.map(|account| account.0);
    let insert = sql(insert).bind(new.id).bind(new.webhook).bind(place).bind(new.event);
    tx.execute(insert.bind(account).bind(new.body).bind(now)).await?;
    Ok(())
}

/// A message that was written, and is not in the outbox yet.
#[derive(FromRow)]
pub(super) struct ToQueue {
    pub(super) id: String,
    pub(super) webhook_id: String,
    pub(super) place: i64,
}

pub(super) async fn any_to_queue(db: &mut Db) -> Result<bool, Fault> {
    let query = "SELECT 1 FROM webhook_messages WHERE queued_at IS NULL LIMIT 1";
    Ok(db.optional::<(i32,)>(sql(query)).await?.is_some())
}

/// Takes messages for the outbox, each once.
pub(super) async fn take_to_queue(tx: &mut Tx, now: i64, most: i64) -> Result<Vec<ToQueue>, Fault> {
    let take = "UPDATE webhook_messages SET queued_at = $1 WHERE queued_at IS NULL AND id IN \
                (SELECT id FROM webhook_messages WHERE queued_at IS NULL ORDER BY place LIMIT $2) \
                RETURNING id, webhook_id, place";
    tx.all(sql(take).bind(now).bind(most)).await
}

#[derive(FromRow)]
struct SentRow {
    id: String,
    event: String,
    account_id: Option<i64>,
    body: String,
    created_at: i64,
    delivered_at: Option<i64>,
    tries: i64,
    answer: Option<String>,
}

pub(super) async fn messages(db: &mut Db, webhook: &str, most: i64) -> Result<Vec<Sent>, Fault> {
    let query = "SELECT id, event, account_id, body, created_at, delivered_at, tries, answer \
                 FROM webhook_messages WHERE webhook_id = $1 ORDER BY place DESC LIMIT $2";
    let rows: Vec<SentRow> = db.all(sql(query).bind(webhook).bind(most)).await?;
    let sent = |row: SentRow| {
        let SentRow { id, event, account_id, body, created_at, delivered_at, tries, answer } = row;
        Sent { id, event, account: account_id, body, created_at, delivered_at, tries, answer }
    };
    Ok(rows.into_iter().map(sent).collect())
}

/// The place of a message to an endpoint that is not closed.
pub(super) async fn place_of(
    tx: &mut Tx,
    webhook: &str,
    message: &str,
) -> Result<Option<i64>, Fault> {
    let query = "SELECT m.place FROM webhook_messages m JOIN webhooks w ON w.id = m.webhook_id \
                 WHERE m.webhook_id = $1 AND m.id = $2 AND w.closed_at IS NULL";
    let row: Option<(i64,)> = tx.optional(sql(query).bind(webhook).bind(message)).await?;
    Ok(row.map(|(place,)| place))
}

/// What is needed to send a message.
#[derive(FromRow)]
pub(super) struct Outgoing {
    pub(super) webhook_id: String,
    pub(super) url: String,
    pub(super) sealed: String,
    pub(super) closed_at: Option<i64>,
    pub(super) body: String,
}

pub(super) async fn outgoing(db: &mut Db, message: &str) -> Result<Option<Outgoing>, Fault> {
    let query = "SELECT w.id AS webhook_id, w.url, w.sealed, w.closed_at, m.body \
                 FROM webhook_messages m JOIN webhooks w ON w.id = m.webhook_id WHERE m.id = $1";
    db.optional(sql(query).bind(message)).await
}

pub(super) async fn note_answer(
    db: &mut Db,
    message: &str,
    delivered_at: Option<i64>,
    answer: &str,
) -> Result<(), Fault> {
    let update = "UPDATE webhook_messages SET tries = tries + 1, answer = $3, \
                  delivered_at = COALESCE(delivered_at, $2) WHERE id = $1";
    db.execute(sql(update).bind(message).bind(delivered_at).bind(answer)).await?;
    // Of an account that is gone, nothing stays that has arrived, but for the message that it is gone.
    let erase = "DELETE FROM webhook_messages WHERE id = $1 AND delivered_at IS NOT NULL \
                 AND account_id IS NOT NULL AND event <> 'user.deleted' \
                 AND NOT EXISTS (SELECT 1 FROM accounts a WHERE a.id = account_id)";
    db.execute(sql(erase).bind(message)).await?;
    Ok(())
}

/// Whom a message is about.
#[derive(FromRow)]
pub(super) struct About {
    #[sqlx(flatten)]
    pub(super) profile: Profile,
    pub(super) disabled_at: Option<i64>,
    pub(super) delete_at: Option<i64>,
}

pub(super) async fn about(tx: &mut Tx, account: AccountId) -> Result<Option<About>, Fault> {
    let profile = &*PROFILE;
    let query = sql_of(format!(
        "SELECT {profile}, a.disabled_at, a.delete_at FROM accounts a WHERE a.id = $1"
    ));
    tx.optional(query.bind(account)).await
}

/// Erases what is not on its way any more about an account: what was delivered or given up, or is for a closed
/// endpoint.
pub(super) async fn erase(tx: &mut Tx, account: AccountId) -> Result<(), Fault> {
    let delete = "DELETE FROM webhook_messages WHERE account_id = $1 AND (delivered_at IS NOT NULL \
                  OR EXISTS (SELECT 1 FROM webhooks w WHERE w.id = webhook_id AND w.closed_at IS NOT NULL) \
                  OR (queued_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM outbox o \
                  WHERE o.stream = webhook_id AND o.place = webhook_messages.place \
                  AND o.failed_at IS NULL)))";
    tx.execute(sql(delete).bind(account)).await?;
    Ok(())
}

/// Forgets messages of a month ago, and earlier those about accounts that are gone which nobody wanted for two days.
/// `now`: in seconds since 1970.
pub(crate) async fn forget(store: &Store, now: i64) -> Result<(), Fault> {
    let table = ("webhook_messages", "id");
    let over = "created_at < $1 - 2592000";
    store.in_pieces("DELETE FROM webhook_messages", table, over, now).await?;
    let over = "delivered_at IS NULL AND created_at < $1 - 172800 AND account_id IS NOT NULL \
                AND NOT EXISTS (SELECT 1 FROM accounts a WHERE a.id = account_id)";
    store.in_pieces("DELETE FROM webhook_messages", table, over, now).await?;
    Ok(())
}
