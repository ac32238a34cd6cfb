//! Forgets what is over, in small pieces.

use sqlx::AssertSqlSafe;

use crate::domain::AccountId;
use crate::store::{Backend, Fault, PATIENCE, Store, dialects::SKIP_LOCKED, patiently};

/// Tables that are cleaned up, and their keys.
const SESSIONS: (&str, &str) = ("sessions", "id");
const TOKENS: (&str, &str) = ("refresh_tokens", "hash");

impl Store {
    /// Forgets what is over: sessions, counters, links, refresh tokens that were used long ago, sealed
    /// successors, and what changed before `changes_before`. Tells how many sessions that were.
    pub async fn clean(
        &self,
        now: i64,
        changes_before: i64,
        (grace, remembered): (i64, i64),
    ) -> Result<u64, Fault> {
        let over = "session_id IN (SELECT id FROM sessions WHERE alive_until <= $1)";
        // First their tokens, which would go with them all at once.
        self.clean_up("DELETE FROM refresh_tokens", TOKENS, over, now).await?;
        let sessions =
            self.clean_up("DELETE FROM sessions", SESSIONS, "alive_until <= $1", now).await?;
        self.clean_up("DELETE FROM throttle", ("throttle", "key"), "tat < $1 * 1000", now).await?;
        let over = "expires_at <= $1 OR used_at < $1 - 3600";
        self.clean_up("DELETE FROM password_links", ("password_links", "hash"), over, now).await?;
        let used = now - remembered;
        self.clean_up("DELETE FROM refresh_tokens", TOKENS, "used_at < $1", used).await?;
        let unseal = "UPDATE refresh_tokens SET sealed_successor = NULL";
        let sealed = "sealed_successor IS NOT NULL AND used_at < $1";
        self.clean_up(unseal, TOKENS, sealed, now - grace).await?;
        let unseal = "UPDATE sessions SET sealed_refresh_token = NULL";
        let sealed = "sealed_refresh_token IS NOT NULL AND proved_at < $1";
        self.clean_up(unseal, SESSIONS, sealed, now - grace).await?;
        let forget = "UPDATE session_revision SET forgotten = COALESCE( \
                      (SELECT MAX(revision) FROM account_changes WHERE changed_at < $1), forgotten)";
        on!(self.writer, |db| async {
            let forget = sqlx::query(forget).bind(changes_before);
            forget.execute(db).await.map(|done| done.rows_affected())
        })?;
        let forgotten = "changed_at < $1 AND \
                         revision <= (SELECT forgotten FROM session_revision)";
        let delete = "DELETE FROM account_changes";
        self.clean_up(delete, ("account_changes", "revision"), forgotten, changes_before).await?;
        Ok(sessions)
    }

    /// Takes back all proofs since then, of all sessions.
    pub async fn forget_proofs_since(&self, time: i64) -> Result<u64, Fault> {
        self.clean_up("UPDATE sessions SET proved_at = 0", SESSIONS, "proved_at > $1", time).await
    }

    /// Applies `change` to all rows of its table that match `condition`, which takes a time. Works in
    /// small pieces, so that others can write in between and no piece takes too long. Locked rows are
    /// left for the next time, so that no two writers wait for each other in a circle.
    async fn clean_up(
        &self,
        change: &'static str,
        (table, key): (&'static str, &'static str),
        condition: &'static str,
        time: i64,
    ) -> Result<u64, Fault> {
        const PIECE: u64 = 1000;
        let skip = self.backend.dialect(&SKIP_LOCKED);
        let statement = format!(
            "{change} WHERE {key} IN (SELECT {key} FROM {table} WHERE {condition} LIMIT $2 {skip})"
        );
        let mut rows = 0;
        loop {
            let piece = on!(self.writer, |db| async {
                let piece = sqlx::query(AssertSqlSafe(statement.clone()));
                let piece = piece.bind(time).bind(PIECE.cast_signed());
                piece.execute(db).await.map(|done| done.rows_affected())
            })?;
            rows += piece;
            if piece < PIECE {
                return Ok(rows);
            }
        }
    }

    /// The accounts whose time has come.
    pub async fn due_accounts(&self, now: i64) -> Result<Vec<AccountId>, Fault> {
        let due = "SELECT id FROM accounts WHERE delete_at <= $1 LIMIT 1000";
        let due = on!(self.readers, |db| sqlx::query_scalar(due).bind(now).fetch_all(db))?;
        Ok(due.into_iter().map(AccountId).collect())
    }
}
