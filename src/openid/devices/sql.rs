//! The table of devices that wait. It is declared with those of its room.

use sqlx::FromRow;

use super::{PAUSE, State, TTL};
use crate::{
    domain::AccountId,
    platform::error::Fault,
    store::db::{Db, Sql, Tx, sql, sql_of},
};

/// A device that begins to wait.
pub(super) struct New<'a> {
    pub(super) hash: &'a str,
    pub(super) user_code: &'a str,
    pub(super) app: &'a str,
    pub(super) scope: &'a str,
    pub(super) resource: &'a str,
    pub(super) device: &'a str,
    pub(super) network: &'a str,
    pub(super) now: i64,
}

#[derive(FromRow)]
pub(super) struct Row {
    pub(super) hash: String,
    pub(super) app_id: String,
    pub(super) scope: String,
    pub(super) resource: String,
    pub(super) device: String,
    pub(super) network: String,
    pub(super) state: String,
    pub(super) account_id: Option<i64>,
    pub(super) approval: Option<String>,
    pub(super) proved_by: Option<String>,
    pub(super) auth_time: Option<i64>,
    pub(super) polled_at: i64,
    pub(super) pause: i64,
    pub(super) made_at: i64,
    pub(super) expires_at: i64,
}

const COLUMNS: &str = "hash, app_id, scope, resource, device, network, state, account_id, approval, proved_by, \
                       auth_time, polled_at, pause, made_at, expires_at";

pub(super) async fn insert(tx: &mut Tx, new: &New<'_>) -> Result<(), Fault> {
    let insert = "INSERT INTO device_requests (hash, user_code, app_id, scope, resource, device, network, \
                  state, polled_at, pause, made_at, expires_at) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10, $11)";
    let insert = sql(insert).bind(new.hash).bind(new.user_code).bind(new.app).bind(new.scope);
    let insert = insert.bind(new.resource).bind(new.device).bind(new.network);
    let insert = insert.bind(State::Waiting.word()).bind(PAUSE).bind(new.now).bind(new.now + TTL);
    tx.execute(insert).await?;
    Ok(())
}

/// `false`: there is none, or somebody else has typed its code.
pub(super) async fn claim(
    tx: &mut Tx,
    user_code: &str,
    (account, family): (AccountId, &str),
    now: i64,
) -> Result<bool, Fault> {
    let update = "UPDATE device_requests SET account_id = $2, family = $3 \
                  WHERE user_code = $1 AND state = 'waiting' AND expires_at > $4 \
                  AND (account_id IS NULL OR account_id = $2)";
    Ok(tx.execute(sql(update).bind(user_code).bind(account).bind(family).bind(now)).await? == 1)
}

/// The device whose code was typed in this session.
pub(super) async fn claimed(
    db: &mut Db,
    user_code: &str,
    (account, family): (AccountId, &str),
    now: i64,
) -> Result<Option<Row>, Fault> {
    let query = format!(
        "SELECT {COLUMNS} FROM device_requests WHERE user_code = $1 AND state = 'waiting' \
         AND expires_at > $2 AND account_id = $3 AND family = $4"
    );
    db.optional(sql_of(query).bind(user_code).bind(now).bind(account).bind(family)).await
}

pub(super) async fn find(db: &mut Db, hash: &str) -> Result<Option<Row>, Fault> {
    let query = format!("SELECT {COLUMNS} FROM device_requests WHERE hash = $1");
    db.optional(sql_of(query).bind(hash)).await
}

/// A person who decides, as the device will be let in.
pub(super) struct By<'a> {
    pub(super) account: AccountId,
    pub(super) family: &'a str,
    pub(super) approval: &'a str,
    pub(super) proved_by: &'a str,
    pub(super) auth_time: i64,
}

/// `false`: it no longer waits for this person.
pub(super) async fn decide(
    tx: &mut Tx,
    hash: &str,
    by: &By<'_>,
    state: State,
    now: i64,
) -> Result<bool, Fault> {
    let update = "UPDATE device_requests SET state = $2, approval = $3, proved_by = $4, auth_time = $5 \
                  WHERE hash = $1 AND account_id = $6 AND family = $7 AND state = 'waiting' \
                  AND expires_at > $8";
    let update = sql(update).bind(hash).bind(state.word()).bind(by.approval).bind(by.proved_by);
    let update = update.bind(by.auth_time).bind(by.account).bind(by.family).bind(now);
    Ok(tx.execute(update).await? == 1)
}

pub(super) fn polled(hash: &str, at: i64, pause: i64) -> Sql {
    let update = "UPDATE device_requests SET polled_at = $2, pause = $3 WHERE hash = $1";
    sql(update).bind(hash).bind(at).bind(pause)
}

/// Returns how many there were.
pub(super) async fn take_back(tx: &mut Tx, account: AccountId, app: &str) -> Result<u64, Fault> {
    let update = "UPDATE device_requests SET state = 'refused' \
                  WHERE account_id = $1 AND app_id = $2 AND state = 'approved'";
    tx.execute(sql(update).bind(account).bind(app)).await
}

/// `false`: it has been used before.
pub(super) async fn use_up(tx: &mut Tx, hash: &str) -> Result<bool, Fault> {
    let update = "UPDATE device_requests SET state = 'used' WHERE hash = $1 AND state = 'approved'";
    Ok(tx.execute(sql(update).bind(hash)).await? == 1)
}
