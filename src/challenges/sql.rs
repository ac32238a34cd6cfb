//! The table of challenges.

use sqlx::FromRow;

use super::{MAX_TRIES, NewChallenge, Purpose, SAME_CHALLENGE};
use crate::{
    audit::sha256,
    domain::AccountId,
    platform::error::Fault,
    store::{
        Kind::{Number, Text},
        Store, Table,
        db::{Db, Tx, sql},
        table,
    },
};

pub(crate) const TABLES: &[Table] = &[table(
    "challenges",
    &[
        ("hash", Text),
        ("purpose", Text),
        ("account_id", Number),
        ("epoch", Number),
        ("name", Text),
        ("code", Text),
        ("state", Text),
        ("tries", Number),
        ("expires_at", Number),
        ("used_at", Number),
    ],
)];

#[derive(FromRow)]
pub(super) struct ChallengeRow {
    pub(super) account_id: Option<i64>,
    pub(super) epoch: i64,
    pub(super) name: String,
    pub(super) code: String,
    pub(super) state: String,
    pub(super) tries: i64,
    pub(super) used_at: Option<i64>,
}

pub(super) async fn insert(
    tx: &mut Tx,
    hash: &str,
    new: &NewChallenge<'_>,
    name: &str,
    code: &str,
) -> Result<(), Fault> {
    let insert = "INSERT INTO challenges (hash, purpose, account_id, epoch, name, code, state, expires_at) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let (account, epoch) = match new.account {
        Some((account, epoch)) => (Some(account.0), epoch),
        None => (None, 0),
    };
    let insert = sql(insert).bind(hash).bind(new.purpose.word()).bind(account).bind(epoch);
    tx.execute(insert.bind(name).bind(code).bind(new.state).bind(new.expires_at)).await?;
    Ok(())
}

pub(super) async fn find(
    db: &mut Db,
    hash: &str,
    purpose: Purpose,
    now: i64,
) -> Result<Option<ChallengeRow>, Fault> {
    let query = "SELECT account_id, epoch, name, code, state, tries, used_at FROM challenges \
                 WHERE hash = $1 AND purpose = $2 AND expires_at > $3 \
                 AND (used_at IS NULL OR used_at >= $4)";
    let query = sql(query).bind(hash).bind(purpose.word()).bind(now).bind(now - SAME_CHALLENGE);
    db.optional(query).await
}

pub(super) async fn take_try(db: &mut Db, hash: &str) -> Result<bool, Fault> {
    let update = "UPDATE challenges SET tries = tries + 1 WHERE hash = $1 AND tries < $2";
    Ok(db.execute(sql(update).bind(hash).bind(MAX_TRIES)).await? == 1)
}

pub(super) async fn use_up(tx: &mut Tx, hash: &str, now: i64) -> Result<bool, Fault> {
    let used = "UPDATE challenges SET used_at = $2 \
                WHERE hash = $1 AND expires_at > $2 AND used_at IS NULL";
    Ok(tx.execute(sql(used).bind(hash).bind(now)).await? == 1)
}

pub(super) async fn void(tx: &mut Tx, account: AccountId) -> Result<(), Fault> {
    let void = "DELETE FROM challenges WHERE account_id = $1 AND used_at IS NULL";
    tx.execute(sql(void).bind(account)).await?;
    Ok(())
}

/// Notes the use of a passkey's challenge. `false`: it has been used before.
pub(crate) async fn spend(
    tx: &mut Tx,
    challenge: &str,
    account: AccountId,
    expires_at: i64,
    now: i64,
) -> Result<bool, Fault> {
    let insert = "INSERT INTO challenges (hash, purpose, account_id, epoch, name, code, expires_at, \
                  used_at) VALUES ($1, $2, $3, 0, '', '', $4, $5) ON CONFLICT (hash) DO NOTHING";
    let insert = sql(insert).bind(&sha256(challenge)).bind(Purpose::Passkey.word()).bind(account);
    Ok(tx.execute(insert.bind(expires_at).bind(now)).await? == 1)
}

/// Deletes expired and used challenges.
pub(crate) async fn forget(store: &Store, now: i64) -> Result<(), Fault> {
    let over = "expires_at <= $1 OR used_at < $1 - 3600";
    store.in_pieces("DELETE FROM challenges", ("challenges", "hash"), over, now).await?;
    Ok(())
}
