//! The tables of grants and of their refresh tokens.

use sqlx::FromRow;

use super::{LiveGrant, NOTED_EVERY};
use crate::{
    domain::AccountId,
    platform::error::Fault,
    sessions::sql::{SessionRow, live},
    store::{
        Kind::{Number, Text},
        Store, Table,
        db::{Db, Tx, sql, sql_of},
        dialects::SKIP_LOCKED,
        table,
    },
};

pub(crate) const TABLES: &[Table] = &[
    table(
        "app_grants",
        &[
            ("id", Text),
            ("app_id", Text),
            ("account_id", Number),
            ("family", Text),
            ("scope", Text),
            ("began_at", Number),
            ("used_at", Number),
            ("ended_at", Number),
        ],
    ),
    table(
        "app_refresh_tokens",
        &[
            ("hash", Text),
            ("grant_id", Text),
            ("scope", Text),
            ("resource", Text),
            ("created_at", Number),
            ("used_at", Number),
            ("sealed_successor", Text),
        ],
    ),
];

/// How many used refresh tokens of a grant are remembered, and how many others it may have.
const MAX_TOKENS: i64 = 50;

#[derive(FromRow)]
struct GrantRow {
    #[sqlx(flatten)]
    session: SessionRow,
    grant_id: String,
    app_id: String,
    scope: String,
    began_at: i64,
}

pub(super) async fn find(db: &mut Db, id: &str, now: i64) -> Result<Option<LiveGrant>, Fault> {
    let query = live(
        ", g.id AS grant_id, g.app_id, g.scope, g.began_at",
        "app_grants g JOIN sessions s ON s.family = g.family AND s.account_id = g.account_id",
        "g.id = $1 AND g.ended_at IS NULL",
    );
    let row: Option<GrantRow> = db.optional(query.bind(id).bind(now)).await?;
    Ok(row.and_then(|GrantRow { session, grant_id, app_id, scope, began_at }| {
        let row = session.read()?;
        let (session, profile) = (row.session, row.profile);
        Some(LiveGrant { id: grant_id, app: app_id, scope, began_at, session, profile })
    }))
}

/// Its id, its scope, and when it was last used.
pub(super) async fn of_session(
    db: &mut Db,
    app: &str,
    family: &str,
) -> Result<Option<(String, String, i64)>, Fault> {
    let query = "SELECT id, scope, used_at FROM app_grants \
                 WHERE family = $1 AND app_id = $2 AND ended_at IS NULL";
    db.optional(sql(query).bind(family).bind(app)).await
}

/// `false`: there is one.
pub(super) async fn insert(
    tx: &mut Tx,
    id: &str,
    app: &str,
    (account, family): (AccountId, &str),
    scope: &str,
    now: i64,
) -> Result<bool, Fault> {
    let insert = "INSERT INTO app_grants (id, app_id, account_id, family, scope, began_at, used_at) \
                  VALUES ($1, $2, $3, $4, $5, $6, $6) \
                  ON CONFLICT (family, app_id) WHERE ended_at IS NULL DO NOTHING";
    let insert = sql(insert).bind(id).bind(app).bind(account).bind(family).bind(scope).bind(now);
    Ok(tx.execute(insert).await? == 1)
}

pub(super) async fn widen(
    tx: &mut Tx,
    app: &str,
    family: &str,
    scope: &str,
    now: i64,
) -> Result<(), Fault> {
    let update = "UPDATE app_grants SET scope = $3, used_at = $4 \
                  WHERE family = $1 AND app_id = $2 AND ended_at IS NULL";
    tx.execute(sql(update).bind(family).bind(app).bind(scope).bind(now)).await?;
    Ok(())
}

/// To within an hour.
pub(super) async fn note_use(store: &Store, id: &str, now: i64) -> Result<(), Fault> {
    let update = "UPDATE app_grants SET used_at = $2 \
                  WHERE id = $1 AND used_at <= $3 AND ended_at IS NULL";
    let update = sql(update).bind(id).bind(now).bind(now - NOTED_EVERY);
    store.execute_lightly(update).await?;
    Ok(())
}

/// Locks a grant. Notes its use to within an hour.
pub(super) async fn hold(tx: &mut Tx, id: &str, now: i64) -> Result<bool, Fault> {
    let update = "UPDATE app_grants SET used_at = \
                  CASE WHEN used_at <= $3 THEN $2 ELSE used_at END \
                  WHERE id = $1 AND ended_at IS NULL";
    let update = sql(update).bind(id).bind(now).bind(now - NOTED_EVERY);
    Ok(tx.execute(update).await? == 1)
}

/// An app that is used keeps the session in use. A hundredth of the time is not worth a write.
pub(super) async fn extend(
    tx: &mut Tx,
    session: &str,
    idle_until: i64,
    now: i64,
) -> Result<(), Fault> {
    let update = "UPDATE sessions SET alive_until = \
                  CASE WHEN ends_at < $2 THEN ends_at ELSE $2 END \
                  WHERE id = $1 AND alive_until > $3 AND alive_until < ends_at \
                  AND alive_until < $2 - ($2 - $3) / 100";
    tx.execute(sql(update).bind(session).bind(idle_until).bind(now)).await?;
    Ok(())
}

pub(super) async fn end_one(tx: &mut Tx, id: &str, now: i64) -> Result<bool, Fault> {
    let update = "UPDATE app_grants SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL";
    Ok(tx.execute(sql(update).bind(id).bind(now)).await? == 1)
}

pub(super) async fn delete_one(
    tx: &mut Tx,
    id: &str,
    app: &str,
) -> Result<Option<AccountId>, Fault> {
    let delete = "DELETE FROM app_grants WHERE id = $1 AND app_id = $2 AND ended_at IS NULL \
                  RETURNING account_id";
    let deleted: Option<(i64,)> = tx.optional(sql(delete).bind(id).bind(app)).await?;
    Ok(deleted.map(|(account,)| AccountId(account)))
}

pub(super) async fn end_of_session(tx: &mut Tx, family: &str, now: i64) -> Result<(), Fault> {
    let update = "UPDATE app_grants SET ended_at = $2 WHERE family = $1 AND ended_at IS NULL";
    tx.execute(sql(update).bind(family).bind(now)).await?;
    Ok(())
}

pub(super) async fn end_of_account(
    tx: &mut Tx,
    account: AccountId,
    app: &str,
    now: i64,
) -> Result<u64, Fault> {
    let update = "UPDATE app_grants SET ended_at = $3 \
                  WHERE account_id = $1 AND app_id = $2 AND ended_at IS NULL";
    tx.execute(sql(update).bind(account).bind(app).bind(now)).await
}

pub(super) async fn end_of_app(tx: &mut Tx, app: &str, now: i64) -> Result<(), Fault> {
    let update = "UPDATE app_grants SET ended_at = $2 WHERE app_id = $1 AND ended_at IS NULL";
    tx.execute(sql(update).bind(app).bind(now)).await?;
    Ok(())
}

/// Ends the grants of an account that have no session left. A session that is renewed has its successor
/// by now.
pub(crate) async fn end_orphans(tx: &mut Tx, account: AccountId, now: i64) -> Result<(), Fault> {
    let update = "UPDATE app_grants SET ended_at = $2 \
                  WHERE account_id = $1 AND ended_at IS NULL AND NOT EXISTS \
                  (SELECT 1 FROM sessions s WHERE s.family = app_grants.family)";
    tx.execute(sql(update).bind(account).bind(now)).await?;
    Ok(())
}

/// A grant that has ended.
#[derive(FromRow)]
pub(crate) struct Ended {
    pub(crate) id: String,
    pub(crate) app_id: String,
    pub(crate) account_id: i64,
}

/// Deletes them and returns them. Two nodes never take the same. `app`: only those of this one.
pub(super) async fn take_ended(
    tx: &mut Tx,
    app: Option<&str>,
    most: i64,
) -> Result<Vec<Ended>, Fault> {
    let of_app = app.map_or("", |_| "AND app_id = $2");
    let skip = tx.dialect(&SKIP_LOCKED);
    let take = sql_of(format!(
        "DELETE FROM app_grants WHERE id IN \
         (SELECT id FROM app_grants WHERE ended_at IS NOT NULL {of_app} LIMIT $1 {skip}) \
         RETURNING id, app_id, account_id"
    ));
    let take = take.bind(most);
    tx.all(match app {
        Some(app) => take.bind(app),
        None => take,
    })
    .await
}

pub(super) async fn any_ended(db: &mut Db) -> Result<bool, Fault> {
    let query = "SELECT began_at FROM app_grants WHERE ended_at IS NOT NULL LIMIT 1";
    db.exists(sql(query)).await
}

/// An app that an account is signed in to, in one session or more.
#[derive(FromRow)]
pub(crate) struct UsedApp {
    pub(crate) app_id: String,
    pub(crate) began_at: i64,
    pub(crate) used_at: i64,
    pub(crate) sessions: i64,
}

pub(super) async fn of_account(
    db: &mut Db,
    account: AccountId,
    now: i64,
) -> Result<Vec<UsedApp>, Fault> {
    let query = "SELECT g.app_id, MIN(g.began_at) AS began_at, MAX(g.used_at) AS used_at, \
                 COUNT(*) AS sessions FROM app_grants g \
                 WHERE g.account_id = $1 AND g.ended_at IS NULL AND EXISTS \
                 (SELECT 1 FROM sessions s WHERE s.family = g.family AND s.alive_until > $2) \
                 GROUP BY g.app_id";
    db.all(sql(query).bind(account).bind(now)).await
}

/// A refresh token of an app, as stored.
#[derive(FromRow)]
pub(crate) struct Token {
    pub(crate) grant_id: String,
    pub(crate) scope: String,
    /// Empty: none was asked for.
    pub(crate) resource: String,
    pub(crate) used_at: Option<i64>,
    pub(crate) sealed_successor: Option<String>,
}

pub(crate) async fn token(db: &mut Db, hash: &str) -> Result<Option<Token>, Fault> {
    let query = "SELECT grant_id, scope, resource, used_at, sealed_successor \
                 FROM app_refresh_tokens WHERE hash = $1";
    db.optional(sql(query).bind(hash)).await
}

pub(crate) async fn insert_token(
    tx: &mut Tx,
    hash: &str,
    grant: &str,
    (scope, resource): (&str, &str),
    now: i64,
) -> Result<(), Fault> {
    let insert = "INSERT INTO app_refresh_tokens (hash, grant_id, scope, resource, created_at) \
                  VALUES ($1, $2, $3, $4, $5)";
    let insert = sql(insert).bind(hash).bind(grant).bind(scope).bind(resource).bind(now);
    tx.execute(insert).await?;
    Ok(())
}

/// `false`: it was used before.
pub(crate) async fn use_token(
    tx: &mut Tx,
    hash: &str,
    sealed_successor: &str,
    now: i64,
) -> Result<bool, Fault> {
    let use_it = "UPDATE app_refresh_tokens SET used_at = $2, sealed_successor = $3 \
                  WHERE hash = $1 AND used_at IS NULL";
    Ok(tx.execute(sql(use_it).bind(hash).bind(now).bind(sealed_successor)).await? == 1)
}

/// Deletes all tokens of a grant but the last [`MAX_TOKENS`], used ones and others.
pub(crate) async fn forget_tokens(tx: &mut Tx, grant: &str) -> Result<(), Fault> {
    let used = "DELETE FROM app_refresh_tokens WHERE grant_id = $1 AND used_at < \
                (SELECT used_at FROM app_refresh_tokens WHERE grant_id = $1 \
                 AND used_at IS NOT NULL ORDER BY used_at DESC LIMIT 1 OFFSET $2)";
    tx.execute(sql(used).bind(grant).bind(MAX_TOKENS)).await?;
    let others = "DELETE FROM app_refresh_tokens WHERE grant_id = $1 AND used_at IS NULL \
                  AND hash NOT IN (SELECT hash FROM app_refresh_tokens WHERE grant_id = $1 \
                  AND used_at IS NULL ORDER BY created_at DESC, hash LIMIT $2)";
    tx.execute(sql(others).bind(grant).bind(MAX_TOKENS)).await?;
    Ok(())
}

const GRANTS: (&str, &str) = ("app_grants", "id");
const TOKENS: (&str, &str) = ("app_refresh_tokens", "hash");

pub(super) async fn forget(
    store: &Store,
    now: i64,
    grace: i64,
    remembered: i64,
) -> Result<(), Fault> {
    // The sessions that ran out are gone by now.
    let over = "ended_at IS NULL AND began_at <= $1 AND NOT EXISTS \
                (SELECT 1 FROM sessions s WHERE s.family = app_grants.family)";
    store.in_pieces("UPDATE app_grants SET ended_at = began_at", GRANTS, over, now).await?;
    let used = now - remembered;
    store.in_pieces("DELETE FROM app_refresh_tokens", TOKENS, "used_at < $1", used).await?;
    let unseal = "UPDATE app_refresh_tokens SET sealed_successor = NULL";
    let sealed = "sealed_successor IS NOT NULL AND used_at < $1";
    store.in_pieces(unseal, TOKENS, sealed, now - grace).await?;
    Ok(())
}
