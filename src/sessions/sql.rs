//! The tables of sessions and of their refresh tokens.

use sqlx::FromRow;

use super::{LiveRow, ProvedBy, StoredSession, carrier::Carrier};
use crate::{
    domain::{AccountId, Profile},
    platform::error::Fault,
    store::{
        Kind::{Number, Text},
        Store, Table,
        db::{Db, Sql, Tx, sql, sql_of},
        dialects::Dialects,
        profile::PROFILE,
        table,
    },
};

pub(crate) const TABLES: &[Table] = &[
    table(
        "sessions",
        &[
            ("id", Text),
            ("account_id", Number),
            ("created_at", Number),
            ("alive_until", Number),
            ("ends_at", Number),
            ("carrier", Text),
            ("device", Text),
            ("network", Text),
            ("seen_at", Number),
            ("proved_at", Number),
            ("proved_by", Text),
            ("auth_time", Number),
            ("remembered", Number),
            ("refreshable", Number),
            ("family", Text),
            ("begun_by", Text),
            ("sealed_refresh_token", Text),
        ],
    ),
    table(
        "refresh_tokens",
        &[
            ("hash", Text),
            ("session_id", Text),
            ("created_at", Number),
            ("used_at", Number),
            ("sealed_successor", Text),
        ],
    ),
    table("seen_devices", &[("account_id", Number), ("tag", Text), ("seen_at", Number)]),
];

/// How long a device is remembered after the last sign-in from it, in seconds.
const SEEN: i64 = 180 * 24 * 3600;

/// How many used refresh tokens of a session are remembered. All sessions of an account end in one
/// transaction, tokens included, so this bounds its cost: 5,000 rows.
const USED_TOKENS: i64 = 50;

#[derive(FromRow)]
pub(super) struct SessionRow {
    #[sqlx(flatten)]
    profile: Profile,
    session_id: String,
    session_created_at: i64,
    carrier: String,
    alive_until: i64,
    ends_at: i64,
    seen_at: i64,
    proved_at: i64,
    proved_by: String,
    auth_time: i64,
    device: String,
    network: String,
    remembered: i64,
    refreshable: i64,
    family: String,
    begun_by: Option<String>,
    sealed_refresh_token: Option<String>,
    revision: i64,
}

impl SessionRow {
    /// `None`: a kind that this version doesn't know, so it lets nobody in.
    pub(super) fn read(self) -> Option<LiveRow> {
        let row = self;
        Some(LiveRow {
            session: StoredSession {
                id: row.session_id,
                account_id: row.profile.id,
                carrier: Carrier::of_word(&row.carrier)?,
                created_at: row.session_created_at,
                alive_until: row.alive_until,
                ends_at: row.ends_at,
                seen_at: row.seen_at,
                proved_at: row.proved_at,
                proved_by: ProvedBy::of_word(&row.proved_by)?,
                auth_time: row.auth_time,
                device: row.device,
                network: row.network,
                remembered: row.remembered != 0,
                refreshable: row.refreshable != 0,
                family: row.family,
                begun_by: row.begun_by,
                sealed_refresh_token: row.sealed_refresh_token,
            },
            profile: row.profile,
            revision: row.revision,
        })
    }
}

/// One statement, so that everything is from the same moment. `from` has the table `sessions` as
/// `s`.
pub(super) fn live(more: &str, from: &str, condition: &str) -> Sql {
    let profile = &*PROFILE;
    sql_of(format!(
        "SELECT {profile}, s.id AS session_id, s.created_at AS session_created_at, s.carrier, \
         s.alive_until, s.ends_at, s.seen_at, s.proved_at, s.proved_by, s.auth_time, s.device, \
         s.network, s.remembered, s.refreshable, s.family, s.begun_by, s.sealed_refresh_token, \
         (SELECT revision FROM session_revision) AS revision{more} \
         FROM {from} JOIN accounts a ON a.id = s.account_id \
         WHERE s.alive_until > $2 AND a.disabled_at IS NULL AND a.delete_at IS NULL \
         AND {condition}"
    ))
}

pub(super) async fn find(db: &mut Db, id: &str, now: i64) -> Result<Option<LiveRow>, Fault> {
    let query = live("", "sessions s", "s.id = $1");
    let row: Option<SessionRow> = db.optional(query.bind(id).bind(now)).await?;
    Ok(row.and_then(SessionRow::read))
}

/// The session that this request began, if it was at `since` or later.
pub(super) async fn begun_by(
    db: &mut Db,
    request: &str,
    since: i64,
) -> Result<Option<LiveRow>, Fault> {
    let query = live("", "sessions s", "s.begun_by = $1 AND s.auth_time >= $2");
    let row: Option<SessionRow> = db.optional(query.bind(request).bind(since)).await?;
    Ok(row.and_then(SessionRow::read))
}

pub(super) async fn of_account(
    db: &mut Db,
    account: AccountId,
    now: i64,
) -> Result<Vec<StoredSession>, Fault> {
    let query = live("", "sessions s", "s.account_id = $1 ORDER BY s.seen_at DESC, s.id LIMIT 200");
    let rows: Vec<SessionRow> = db.all(query.bind(account).bind(now)).await?;
    Ok(rows.into_iter().filter_map(SessionRow::read).map(|row| row.session).collect())
}

/// Written at most once a day. A session from before this table counts, too.
pub(super) async fn note_device(
    tx: &mut Tx,
    account: AccountId,
    tag: &str,
    (device, network): (&str, &str),
    now: i64,
) -> Result<bool, Fault> {
    let query = "SELECT seen_at FROM seen_devices WHERE account_id = $1 AND tag = $2";
    let seen: Option<(i64,)> = tx.optional(sql(query).bind(account).bind(tag)).await?;
    if seen.is_none_or(|(at,)| at < now - 24 * 3600) {
        let note = "INSERT INTO seen_devices (account_id, tag, seen_at) VALUES ($1, $2, $3) \
                    ON CONFLICT (account_id, tag) DO UPDATE SET seen_at = excluded.seen_at";
        tx.execute(sql(note).bind(account).bind(tag).bind(now)).await?;
    }
    if seen.is_some() {
        return Ok(true);
    }
    let query = "SELECT account_id FROM sessions WHERE account_id = $1 AND device = $2 AND network = $3 \
                 AND alive_until > $4 LIMIT 1";
    tx.exists(sql(query).bind(account).bind(device).bind(network).bind(now)).await
}

/// The ids that a statement returns.
async fn ids_of(tx: &mut Tx, statement: Sql) -> Result<Vec<String>, Fault> {
    let rows: Vec<(String,)> = tx.all(statement).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

pub(super) async fn ids(tx: &mut Tx, account: AccountId) -> Result<Vec<String>, Fault> {
    let query = "SELECT id FROM sessions WHERE account_id = $1";
    ids_of(tx, sql(query).bind(account)).await
}

/// How many are alive.
pub(super) async fn count(db: &mut Db, account: AccountId, now: i64) -> Result<i64, Fault> {
    let count = "SELECT COUNT(*) FROM sessions WHERE account_id = $1 AND alive_until > $2";
    let (count,): (i64,) = db.one(sql(count).bind(account).bind(now)).await?;
    Ok(count)
}

pub(super) async fn insert(tx: &mut Tx, session: &StoredSession) -> Result<(), Fault> {
    let insert = "INSERT INTO sessions (id, account_id, created_at, alive_until, ends_at, carrier, \
                  device, network, seen_at, proved_at, proved_by, auth_time, remembered, refreshable, \
                  family, begun_by, sealed_refresh_token) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";
    let insert = sql(insert)
        .bind(&session.id)
        .bind(session.account_id)
        .bind(session.created_at)
        .bind(session.alive_until)
        .bind(session.ends_at)
        .bind(session.carrier.word())
        .bind(&session.device)
        .bind(&session.network)
        .bind(session.seen_at)
        .bind(session.proved_at)
        .bind(&session.proved_by.word())
        .bind(session.auth_time)
        .bind(session.remembered)
        .bind(session.refreshable)
        .bind(&session.family)
        .bind(&session.begun_by)
        .bind(&session.sealed_refresh_token);
    tx.execute(insert).await?;
    Ok(())
}

/// Deletes a session of an account. Returns its id, if there was one.
pub(super) async fn delete_one(
    tx: &mut Tx,
    account: AccountId,
    id: &str,
) -> Result<Vec<String>, Fault> {
    let delete = "DELETE FROM sessions WHERE account_id = $1 AND id = $2 RETURNING id";
    ids_of(tx, sql(delete).bind(account).bind(id)).await
}

/// Deletes all sessions of an account but one. Returns their ids.
pub(super) async fn delete_but(
    tx: &mut Tx,
    account: AccountId,
    id: &str,
) -> Result<Vec<String>, Fault> {
    let delete = "DELETE FROM sessions WHERE account_id = $1 AND id <> $2 RETURNING id";
    ids_of(tx, sql(delete).bind(account).bind(id)).await
}

/// Deletes all but `kept` sessions of an account. Those with a single token that can't be renewed
/// go first, and of each kind the oldest.
pub(super) async fn delete_beyond(
    tx: &mut Tx,
    account: AccountId,
    kept: i64,
    now: i64,
) -> Result<Vec<String>, Fault> {
    let delete = "DELETE FROM sessions WHERE account_id = $1 AND id NOT IN \
                  (SELECT id FROM sessions WHERE account_id = $1 AND alive_until > $3 \
                   ORDER BY CASE WHEN carrier = 'program' AND refreshable = 0 \
                   THEN 1 ELSE 0 END, created_at DESC, id LIMIT $2) RETURNING id";
    ids_of(tx, sql(delete).bind(account).bind(kept).bind(now)).await
}

/// Extends a session to `alive_until`. `false`: it already lasts until `enough`, or it has ended,
/// and nothing was changed.
pub(super) async fn extend(
    store: &Store,
    id: &str,
    alive_until: i64,
    enough: i64,
    now: i64,
) -> Result<bool, Fault> {
    let update = "UPDATE sessions SET alive_until = $1, seen_at = $4 \
                  WHERE id = $2 AND alive_until < $3";
    let update = sql(update).bind(alive_until).bind(id).bind(enough).bind(now);
    Ok(store.write().await?.execute(update).await? == 1)
}

pub(super) async fn forget_proof(store: &Store, id: &str) -> Result<(), Fault> {
    let forget = "UPDATE sessions SET proved_at = 0 WHERE id = $1";
    store.write().await?.execute(sql(forget).bind(id)).await?;
    Ok(())
}

pub(super) async fn set_proved_by(tx: &mut Tx, id: &str, proved_by: ProvedBy) -> Result<(), Fault> {
    let update = "UPDATE sessions SET proved_by = $2 WHERE id = $1";
    tx.execute(sql(update).bind(id).bind(&proved_by.word())).await?;
    Ok(())
}

/// Those of all sessions of an account but one.
pub(super) async fn forget_proofs_but(
    tx: &mut Tx,
    account: AccountId,
    id: &str,
) -> Result<(), Fault> {
    let forget = "UPDATE sessions SET proved_at = 0 WHERE account_id = $1 AND id <> $2";
    tx.execute(sql(forget).bind(account).bind(id)).await?;
    Ok(())
}

pub(super) async fn forget_proofs_since(store: &Store, time: i64) -> Result<u64, Fault> {
    let forget = "UPDATE sessions SET proved_at = 0";
    store.in_pieces(forget, SESSIONS, "proved_at > $1", time).await
}

/// A refresh token as stored.
#[derive(FromRow)]
struct TokenRow {
    #[sqlx(flatten)]
    session: SessionRow,
    used_at: Option<i64>,
    sealed_successor: Option<String>,
}

/// A refresh token and its live session.
pub(super) struct StoredToken {
    pub(super) row: LiveRow,
    pub(super) used_at: i64,
    pub(super) sealed_successor: Option<String>,
}

/// The family of a refresh token's session, whether the token is used or not.
pub(super) async fn family_of_token(db: &mut Db, hash: &str) -> Result<Option<String>, Fault> {
    let query = "SELECT s.family FROM refresh_tokens r \
                 JOIN sessions s ON s.id = r.session_id WHERE r.hash = $1";
    Ok(db.optional::<(String,)>(sql(query).bind(hash)).await?.map(|(family,)| family))
}

pub(super) async fn insert_refresh_token(
    tx: &mut Tx,
    hash: &str,
    session: &str,
    now: i64,
) -> Result<(), Fault> {
    let insert = "INSERT INTO refresh_tokens (hash, session_id, created_at) VALUES ($1, $2, $3)";
    tx.execute(sql(insert).bind(hash).bind(session).bind(now)).await?;
    Ok(())
}

/// Extends the session of a refresh token to `idle_until`, unless it ends earlier.
pub(super) async fn extend_by_token(
    tx: &mut Tx,
    hash: &str,
    now: i64,
    idle_until: i64,
) -> Result<(), Fault> {
    let extend = "UPDATE sessions SET seen_at = $2, alive_until = \
                  CASE WHEN ends_at < $3 THEN ends_at ELSE $3 END \
                  WHERE id = (SELECT session_id FROM refresh_tokens WHERE hash = $1) \
                  AND alive_until > $2";
    tx.execute(sql(extend).bind(hash).bind(now).bind(idle_until)).await?;
    Ok(())
}

/// Uses a refresh token. `false`: it was used before.
pub(super) async fn use_token(
    tx: &mut Tx,
    hash: &str,
    sealed_successor: &str,
    now: i64,
) -> Result<bool, Fault> {
    let use_it = "UPDATE refresh_tokens SET used_at = $2, sealed_successor = $3 \
                  WHERE hash = $1 AND used_at IS NULL";
    Ok(tx.execute(sql(use_it).bind(hash).bind(now).bind(sealed_successor)).await? == 1)
}

pub(super) async fn token(tx: &mut Tx, hash: &str, now: i64) -> Result<Option<StoredToken>, Fault> {
    let find = live(
        ", r.used_at, r.sealed_successor",
        "refresh_tokens r JOIN sessions s ON s.id = r.session_id",
        "r.hash = $1",
    );
    let found: Option<TokenRow> = tx.optional(find.bind(hash).bind(now)).await?;
    Ok(found.and_then(|TokenRow { session, used_at, sealed_successor }| {
        let (row, used_at) = (session.read()?, used_at.unwrap_or_default());
        Some(StoredToken { row, used_at, sealed_successor })
    }))
}

/// Deletes the used tokens of a session except the last [`USED_TOKENS`].
pub(super) async fn forget_tokens(tx: &mut Tx, session: &str) -> Result<(), Fault> {
    let forget = "DELETE FROM refresh_tokens WHERE session_id = $1 AND used_at < \
                  (SELECT used_at FROM refresh_tokens WHERE session_id = $1 \
                   AND used_at IS NOT NULL ORDER BY used_at DESC LIMIT 1 OFFSET $2)";
    tx.execute(sql(forget).bind(session).bind(USED_TOKENS)).await?;
    Ok(())
}

pub(super) async fn delete_tokens_of(
    tx: &mut Tx,
    account: AccountId,
    most: i64,
) -> Result<u64, Fault> {
    let delete = "DELETE FROM refresh_tokens WHERE hash IN \
                  (SELECT r.hash FROM refresh_tokens r JOIN sessions s ON s.id = r.session_id \
                   WHERE s.account_id = $1 LIMIT $2)";
    tx.execute(sql(delete).bind(account).bind(most)).await
}

/// Tables and their keys.
const SESSIONS: (&str, &str) = ("sessions", "id");
const TOKENS: (&str, &str) = ("refresh_tokens", "hash");

/// Deletes sessions that are over and tokens that were used too long ago, and clears sealed values
/// kept for repeated requests. `remembered`, `grace`: how many seconds used tokens and sealed
/// values are kept.
pub(crate) async fn forget(
    store: &Store,
    now: i64,
    grace: i64,
    remembered: i64,
) -> Result<u64, Fault> {
    let over = "session_id IN (SELECT id FROM sessions WHERE alive_until <= $1)";
    // Their tokens first: otherwise they would all go with the sessions at once.
    store.in_pieces("DELETE FROM refresh_tokens", TOKENS, over, now).await?;
    let over = "alive_until <= $1";
    let sessions = store.in_pieces("DELETE FROM sessions", SESSIONS, over, now).await?;
    let used = now - remembered;
    store.in_pieces("DELETE FROM refresh_tokens", TOKENS, "used_at < $1", used).await?;
    let seen = ("seen_devices", "tag");
    store.in_pieces("DELETE FROM seen_devices", seen, "seen_at < $1", now - SEEN).await?;
    let unseal = "UPDATE refresh_tokens SET sealed_successor = NULL";
    let sealed = "sealed_successor IS NOT NULL AND used_at < $1";
    store.in_pieces(unseal, TOKENS, sealed, now - grace).await?;
    let unseal = "UPDATE sessions SET sealed_refresh_token = NULL";
    let sealed = "sealed_refresh_token IS NOT NULL AND proved_at < $1";
    store.in_pieces(unseal, SESSIONS, sealed, now - grace).await?;
    Ok(sessions)
}

/// Keeps others from changing an account. SQLite has one writer in any case.
const LOCK_ACCOUNT: Dialects<&str> = Dialects {
    sqlite: "SELECT epoch, disabled_at, delete_at FROM accounts WHERE id = $1",
    postgres: "SELECT epoch, disabled_at, delete_at FROM accounts WHERE id = $1 FOR UPDATE",
};

/// Locks an account until the end of the transaction.
pub(super) async fn lock_account(
    tx: &mut Tx,
    account: AccountId,
) -> Result<Option<LockedAccount>, Fault> {
    let lock = tx.dialect(&LOCK_ACCOUNT);
    tx.optional(sql(lock).bind(account)).await
}

pub(super) async fn raise_epoch(tx: &mut Tx, account: AccountId) -> Result<i64, Fault> {
    let raise = "UPDATE accounts SET epoch = epoch + 1 WHERE id = $1 RETURNING epoch";
    let (epoch,): (i64,) = tx.one(sql(raise).bind(account)).await?;
    Ok(epoch)
}

/// An account that nobody else changes until the end of the transaction.
#[derive(FromRow)]
pub(crate) struct LockedAccount {
    /// Rises with every change of a credential.
    pub(crate) epoch: i64,
    pub(crate) disabled_at: Option<i64>,
    pub(crate) delete_at: Option<i64>,
}
