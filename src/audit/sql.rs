//! The audit trail's table: rows are added and read; only a deleted account's are erased.

use sqlx::FromRow;

use super::{AuditRow, Detail, Filter};
use crate::{
    domain::AccountId,
    platform::error::Fault,
    store::{
        Kind::{Number, Text},
        Table,
        db::{Db, Sql, Tx, Value, sql, sql_of},
        dialects::Dialects,
        table,
    },
};

pub(crate) const TABLES: &[Table] = &[
    table(
        "audit_events",
        &[
            ("seq", Number),
            ("at", Number),
            ("event", Text),
            ("digest", Text),
            ("hash", Text),
            ("salt", Text),
            ("account_id", Number),
            ("detail", Text),
            ("actor", Text),
            ("request_id", Text),
        ],
    ),
    table("audit_readers", &[("name", Text), ("seq", Number)]),
];

/// Two concurrent events must not both follow the same one. SQLite has one writer anyway.
const ONE_BY_ONE: Dialects<Option<&str>> =
    Dialects { sqlite: None, postgres: Some("SELECT pg_advisory_xact_lock(7309453472)") };

#[derive(FromRow)]
struct EventRow {
    seq: i64,
    at: i64,
    event: String,
    digest: String,
    hash: String,
    salt: Option<String>,
    account_id: Option<i64>,
    detail: Option<String>,
}

impl From<EventRow> for AuditRow {
    fn from(row: EventRow) -> Self {
        let EventRow { seq, at, event, digest, hash, salt, account_id, detail } = row;
        Self { seq, at, event, digest, hash, salt, account_id, detail }
    }
}

/// Stops anybody else from writing an event until the end of the transaction.
pub(super) async fn lock(tx: &mut Tx) -> Result<(), Fault> {
    if let Some(lock) = tx.dialect(&ONE_BY_ONE) {
        tx.execute(sql(lock)).await?;
    }
    Ok(())
}

/// The number and the hash of the last row, and whether the account exists: one statement for both.
pub(super) async fn last(
    tx: &mut Tx,
    account: Option<AccountId>,
) -> Result<(Option<(i64, String)>, bool), Fault> {
    let before = "SELECT (SELECT COUNT(*) FROM accounts WHERE id = $1) AS accounts, \
                       (SELECT MAX(seq) FROM audit_events) AS seq, \
                       (SELECT hash FROM audit_events ORDER BY seq DESC LIMIT 1) AS hash";
    let account = account.map_or(0, |account| account.0);
    let (accounts, seq, hash): (i64, Option<i64>, Option<String>) =
        tx.one(sql(before).bind(account)).await?;
    Ok((seq.zip(hash), accounts > 0))
}

/// `detail`: that of the row.
pub(super) async fn insert(tx: &mut Tx, row: &AuditRow, detail: &Detail) -> Result<(), Fault> {
    let insert = "INSERT INTO audit_events \
                  (seq, at, event, digest, hash, salt, account_id, detail, actor, request_id) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let insert = sql(insert)
        .bind(row.seq)
        .bind(row.at)
        .bind(&row.event)
        .bind(&row.digest)
        .bind(&row.hash)
        .bind(&row.salt)
        .bind(row.account_id)
        .bind(&row.detail)
        .bind(&some(&detail.actor))
        .bind(&some(&detail.request_id));
    tx.execute(insert).await?;
    Ok(())
}

/// Up to where a reader has read. Another one of this name waits until the end of the transaction.
pub(super) async fn reader_at(tx: &mut Tx, reader: &str) -> Result<i64, Fault> {
    let begin = "INSERT INTO audit_readers (name, seq) VALUES ($1, 0) \
                 ON CONFLICT (name) DO UPDATE SET seq = audit_readers.seq RETURNING seq";
    let (seq,): (i64,) = tx.one(sql(begin).bind(reader)).await?;
    Ok(seq)
}

pub(super) async fn reader_skips(tx: &mut Tx, reader: &str) -> Result<(), Fault> {
    let update = "UPDATE audit_readers SET seq = COALESCE((SELECT MAX(seq) FROM audit_events), 0) \
                  WHERE name = $1";
    tx.execute(sql(update).bind(reader)).await?;
    Ok(())
}

pub(super) async fn reader_goes_on(tx: &mut Tx, reader: &str, seq: i64) -> Result<(), Fault> {
    let update = "UPDATE audit_readers SET seq = $2 WHERE name = $1";
    tx.execute(sql(update).bind(reader).bind(seq)).await?;
    Ok(())
}

pub(super) async fn has_news(db: &mut Db, reader: &str) -> Result<bool, Fault> {
    let query = "SELECT COALESCE((SELECT MAX(seq) FROM audit_events), 0) AS last, \
                 COALESCE((SELECT seq FROM audit_readers WHERE name = $1), -1) AS read";
    let (last, read): (i64, i64) = db.one(sql(query).bind(reader)).await?;
    Ok(last > read)
}

pub(super) async fn last_at(db: &mut Db) -> Result<Option<i64>, Fault> {
    let query = "SELECT at FROM audit_events ORDER BY seq DESC LIMIT 1";
    Ok(db.optional::<(i64,)>(sql(query)).await?.map(|(at,)| at))
}

/// The time of an account's newest event of two kinds.
pub(super) async fn newest_of(
    db: &mut Db,
    account: AccountId,
    [one, other]: [&str; 2],
) -> Result<Option<i64>, Fault> {
    let query = "SELECT MAX(at) FROM audit_events \
                 WHERE account_id = $1 AND (event = $2 OR event = $3)";
    let (at,): (Option<i64>,) = db.one(sql(query).bind(account).bind(one).bind(other)).await?;
    Ok(at)
}

pub(super) async fn after(db: &mut Db, seq: i64, most: i64) -> Result<Vec<AuditRow>, Fault> {
    let query = "SELECT seq, at, event, digest, hash, salt, account_id, detail \
                 FROM audit_events WHERE seq > $1 ORDER BY seq LIMIT $2";
    let rows: Vec<EventRow> = db.all(sql(query).bind(seq).bind(most)).await?;
    Ok(rows.into_iter().map(AuditRow::from).collect())
}

/// The number and the hash of the row with this place from the end. `None`: there are fewer.
pub(super) async fn nth_last(db: &mut Db, place: i64) -> Result<Option<(i64, String)>, Fault> {
    let query = "SELECT seq, hash FROM audit_events \
                 WHERE seq = (SELECT MAX(seq) FROM audit_events) - $1 + 1";
    db.optional(sql(query).bind(place)).await
}

pub(super) async fn of_account(
    db: &mut Db,
    account: AccountId,
    before: i64,
    most: i64,
) -> Result<Vec<AuditRow>, Fault> {
    let query = "SELECT seq, at, event, digest, hash, salt, account_id, detail \
                 FROM audit_events WHERE account_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3";
    let rows: Vec<EventRow> = db.all(sql(query).bind(account).bind(before).bind(most)).await?;
    Ok(rows.into_iter().map(AuditRow::from).collect())
}

/// Takes rows from an index in order, or from several, so that a page costs the same however long the trail is.
pub(super) async fn select(
    db: &mut Db,
    Filter { account, events, request_id }: &Filter,
    before: i64,
    most: i64,
) -> Result<Vec<AuditRow>, Fault> {
    let mut values: Vec<Value> = vec![before.into(), most.into()];
    let mut bind = |value: Value| {
        values.push(value);
        format!("${}", values.len())
    };
    let events: Vec<String> = events.iter().map(|event| bind(event.into())).collect();
    let of_events = match &events[..] {
        [] => String::new(),
        // Joined to nothing, so that SQLite doesn't look for it in an index, but for what is rarer.
        events => format!(" AND event || '' IN ({})", events.join(", ")),
    };
    let parts: Vec<String> = match (request_id, account) {
        (Some(request), account) => {
            let of_request = format!("request_id = {}", bind(request.into()));
            let of_account = account.map(|account| {
                let (account, actor) =
                    (bind(account.into()), bind((&account.0.to_string()).into()));
                format!(" AND (account_id = {account} OR actor = {actor})")
            });
            vec![format!("{of_request}{}{of_events}", of_account.unwrap_or_default())]
        }
        (None, Some(account)) => {
            let (id, actor) = (bind((*account).into()), bind((&account.0.to_string()).into()));
            vec![format!("account_id = {id}{of_events}"), format!("actor = {actor}{of_events}")]
        }
        (None, None) if events.is_empty() => vec!["seq > 0".to_owned()],
        (None, None) => events.iter().map(|event| format!("event = {event}")).collect(),
    };
    let part = |condition: &String| {
        format!(
            "SELECT * FROM (SELECT seq, at, event, digest, hash, salt, account_id, detail \
             FROM audit_events WHERE {condition} AND seq < $1 ORDER BY seq DESC LIMIT $2) part"
        )
    };
    let parts: Vec<String> = parts.iter().map(part).collect();
    let query = sql_of(format!("{} ORDER BY seq DESC LIMIT $2", parts.join(" UNION ")));
    let query = values.into_iter().fold(query, Sql::bind);
    let rows: Vec<EventRow> = db.all(query).await?;
    Ok(rows.into_iter().map(AuditRow::from).collect())
}

/// Erases the personal data of up to `most` rows of an account, and returns their numbers.
pub(super) async fn erase(tx: &mut Tx, account: AccountId, most: i64) -> Result<Vec<i64>, Fault> {
    let erase = "UPDATE audit_events SET salt = NULL, account_id = NULL, detail = NULL, \
                 actor = NULL, request_id = NULL \
                 WHERE seq IN (SELECT seq FROM audit_events WHERE account_id = $1 \
                               ORDER BY seq LIMIT $2) RETURNING seq";
    let rows: Vec<(i64,)> = tx.all(sql(erase).bind(account).bind(most)).await?;
    let mut rows: Vec<i64> = rows.into_iter().map(|(seq,)| seq).collect();
    rows.sort_unstable();
    Ok(rows)
}
