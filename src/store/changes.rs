//! News between nodes: the accounts that changed, with all their sessions. `sessions/live.rs`
//! explains how it is read.

use crate::{
    domain::AccountId,
    platform::error::Fault,
    store::{
        Store, Table,
        db::{Tx, sql},
        table,
    },
};

/// News between nodes means nothing in another database.
pub(crate) const TABLES: &[Table] = &[
    table("session_revision", &[]).only_here(),
    table("changed_accounts", &[]).only_here(),
    table("facts", &[]).only_here(),
];

/// The number of a change. Its row is locked until the commit, so changes are committed in the
/// order of their numbers, and a reader that sees one sees all earlier ones.
#[derive(Clone, Copy, Debug)]
pub struct Revision(pub i64);

/// Takes the number of this change. Call this before locking anything else.
pub(crate) async fn next_revision(tx: &mut Tx) -> Result<Revision, Fault> {
    let next = "UPDATE session_revision SET revision = revision + 1 RETURNING revision";
    let (revision,): (i64,) = tx.one(sql(next)).await?;
    Ok(Revision(revision))
}

/// Lists an account as changed, with all its sessions: one row, however many there are.
pub(crate) async fn tell(
    tx: &mut Tx,
    revision: Revision,
    account: AccountId,
    now: i64,
) -> Result<(), Fault> {
    let tell =
        "INSERT INTO changed_accounts (revision, account_id, changed_at) VALUES ($1, $2, $3)";
    tx.execute(sql(tell).bind(revision.0).bind(account).bind(now)).await?;
    Ok(())
}

/// Says that anything may have changed: every node drops what it remembers, and reads it again.
pub(crate) async fn tell_all(tx: &mut Tx, revision: Revision) -> Result<(), Fault> {
    // A node that has not seen this revision must take it that it has missed something.
    let tell = "UPDATE session_revision SET forgotten = $1";
    tx.execute(sql(tell).bind(revision.0)).await.map(|_| ())
}

/// Forgets the changes before `time`, in seconds since 1970.
pub(crate) async fn forget(store: &Store, time: i64) -> Result<(), Fault> {
    // It only rises: `tell_all` may have set it to more.
    let forget = "UPDATE session_revision SET forgotten = \
                  (SELECT MAX(revision) FROM changed_accounts WHERE changed_at < $1) \
                  WHERE forgotten < \
                  (SELECT MAX(revision) FROM changed_accounts WHERE changed_at < $1)";
    store.write().await?.execute(sql(forget).bind(time)).await?;
    let over = "changed_at < $1 AND revision <= (SELECT forgotten FROM session_revision)";
    let delete = "DELETE FROM changed_accounts";
    store.in_pieces(delete, ("changed_accounts", "revision"), over, time).await?;
    Ok(())
}
