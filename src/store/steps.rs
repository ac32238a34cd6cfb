//! Steps of which several transactions are made. Each is written once, and compiled for the
//! connections of both databases.
//!
//! Transactions lock in one order, so that none waits for another one in a circle: the revision,
//! accounts, sessions and what hangs on them, counters, the audit trail. SQLite has one writer, so
//! there the order does not matter.

use std::{borrow::Cow, collections::HashMap};

use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder, Sqlite, SqliteConnection};

use crate::store::{
    dialects::{EVENTS_ONE_BY_ONE, LOCKED_ACCOUNT, LOCKED_COUNTER},
    sessions::{Ended, NEW_SESSION, StoredSession, bind_session, is_limited},
};
use crate::{
    audit::{AuditRow, Event},
    domain::AccountId,
    platform::{clock::now_ms, error::Fault},
    throttle::counter::Counter,
};

/// What all sessions are at after this change. Its row is locked until the change is committed, so
/// changes are committed in the order of their revisions, and whoever sees one sees all before it.
const NEXT_REVISION: &str =
    "UPDATE session_revision SET revision = revision + 1 RETURNING revision";

/// One more at a counter. It never stands further ahead than a full period: tries that were under
/// way when the limit was reached make nobody wait longer. One that stands further ahead than $5 was
/// written by a clock that was wrong, and begins anew.
const COUNT: &str = "INSERT INTO throttle (key, tat) VALUES ($1, $2 + $3) \
                     ON CONFLICT (key) DO UPDATE SET tat = CASE \
                     WHEN throttle.tat <= $2 OR throttle.tat > $5 THEN $2 + $3 \
                     WHEN throttle.tat + $3 > $2 + $4 THEN $2 + $4 \
                     ELSE throttle.tat + $3 END";

/// What a transaction must know of an account that it has locked.
#[derive(FromRow)]
pub(super) struct LockedAccount {
    pub(super) password_hash: String,
    pub(super) disabled_at: Option<i64>,
    pub(super) delete_at: Option<i64>,
}

pub(super) trait Steps {
    async fn next_revision(&mut self) -> Result<i64, Fault>;

    /// Keeps others from changing an account until the end of the transaction, and so from giving it
    /// a session. `None`: there is none.
    async fn lock_account(&mut self, account: AccountId) -> Result<Option<LockedAccount>, Fault>;

    /// Lists an account as changed, with all its sessions: one row, however many there are.
    async fn tell(&mut self, revision: i64, account: AccountId, now: i64) -> Result<(), Fault>;

    /// Ends the sessions of an account, but for one, and voids the links by which its password could
    /// be set.
    async fn end_sessions_of(
        &mut self,
        revision: i64,
        account: AccountId,
        except: &str,
        now: i64,
    ) -> Result<Ended, Fault>;

    /// Ends the sessions of an account that are the least worth keeping: all but so many. Those that
    /// have one token and nothing to renew it with go first, and of each kind those that began first.
    async fn end_sessions_beyond(
        &mut self,
        revision: i64,
        account: AccountId,
        kept: i64,
        now: i64,
    ) -> Result<Ended, Fault>;

    /// How many sessions of an account are alive.
    async fn live_sessions_of(&mut self, account: AccountId, now: i64) -> Result<i64, Fault>;

    /// Only for an account that is locked.
    async fn insert_session(&mut self, session: &StoredSession) -> Result<(), Fault>;

    async fn insert_refresh_token(
        &mut self,
        hash: &str,
        session: &str,
        now: i64,
    ) -> Result<(), Fault>;

    /// Lets nobody else write an event until the end of the transaction.
    async fn lock_trail(&mut self) -> Result<(), Fault>;

    /// Writes an event behind all others. Of an account that is gone meanwhile it tells nothing.
    async fn append(&mut self, event: &Event) -> Result<(), Fault>;

    /// Lets nobody else count at these until the end of the transaction.
    async fn lock_counters(&mut self, counters: &[Counter]) -> Result<(), Fault>;

    /// Counts one more.
    async fn count(&mut self, counters: &[Counter]) -> Result<(), Fault>;

    /// Where each counter stands.
    async fn arrivals(&mut self, counters: &[Counter]) -> Result<HashMap<String, i64>, Fault>;

    /// Looks at the limits once more. If they do not hold any more, counts and writes down the try as
    /// those that were wrong are, and tells where the counters stood before.
    async fn count_if_limited(
        &mut self,
        counters: &[Counter],
        failed: &Event,
    ) -> Result<Option<HashMap<String, i64>>, Fault>;
}

macro_rules! steps {
    ($connection:ty, $database:ty, $dialect:ident) => {
        impl Steps for $connection {
            async fn next_revision(&mut self) -> Result<i64, Fault> {
                Ok(sqlx::query_scalar(NEXT_REVISION).fetch_one(self).await?)
            }

            async fn lock_account(
                &mut self,
                account: AccountId,
            ) -> Result<Option<LockedAccount>, Fault> {
                let lock = LOCKED_ACCOUNT.$dialect;
                Ok(sqlx::query_as(lock).bind(account.0).fetch_optional(self).await?)
            }

            async fn tell(
                &mut self,
                revision: i64,
                account: AccountId,
                now: i64,
            ) -> Result<(), Fault> {
                let tell = "INSERT INTO account_changes (revision, account_id, changed_at) \
                            VALUES ($1, $2, $3)";
                sqlx::query(tell).bind(revision).bind(account.0).bind(now).execute(self).await?;
                Ok(())
            }

            async fn end_sessions_of(
                &mut self,
                revision: i64,
                account: AccountId,
                except: &str,
                now: i64,
            ) -> Result<Ended, Fault> {
                self.tell(revision, account, now).await?;
                // A link that was just used is kept for a moment.
                let void = "DELETE FROM password_links WHERE account_id = $1 AND used_at IS NULL";
                sqlx::query(void).bind(account.0).execute(&mut *self).await?;
                let end = "DELETE FROM sessions WHERE account_id = $1 AND id <> $2 RETURNING id";
                let end = sqlx::query_scalar(end).bind(account.0).bind(except);
                Ok(Ended { revision, sessions: end.fetch_all(self).await? })
            }

            async fn end_sessions_beyond(
                &mut self,
                revision: i64,
                account: AccountId,
                kept: i64,
                now: i64,
            ) -> Result<Ended, Fault> {
                self.tell(revision, account, now).await?;
                let end = "DELETE FROM sessions WHERE account_id = $1 AND id NOT IN \
                           (SELECT id FROM sessions WHERE account_id = $1 AND alive_until > $3 \
                            ORDER BY CASE WHEN carrier = 'program' AND refreshable = 0 \
                            THEN 1 ELSE 0 END, created_at DESC, id LIMIT $2) RETURNING id";
                let end = sqlx::query_scalar(end).bind(account.0).bind(kept).bind(now);
                Ok(Ended { revision, sessions: end.fetch_all(self).await? })
            }

            async fn live_sessions_of(
                &mut self,
                account: AccountId,
                now: i64,
            ) -> Result<i64, Fault> {
                let count = "SELECT COUNT(*) FROM sessions WHERE account_id = $1 \
                             AND alive_until > $2";
                let count = sqlx::query_scalar(count).bind(account.0).bind(now);
                Ok(count.fetch_one(self).await?)
            }

            async fn insert_session(&mut self, session: &StoredSession) -> Result<(), Fault> {
                let insert = sqlx::query(NEW_SESSION);
                bind_session!(insert, session).execute(self).await?;
                Ok(())
            }

            async fn insert_refresh_token(
                &mut self,
                hash: &str,
                session: &str,
                now: i64,
            ) -> Result<(), Fault> {
                let insert = "INSERT INTO refresh_tokens (hash, session_id, created_at) \
                              VALUES ($1, $2, $3)";
                sqlx::query(insert).bind(hash).bind(session).bind(now).execute(self).await?;
                Ok(())
            }

            async fn lock_trail(&mut self) -> Result<(), Fault> {
                if let Some(lock) = EVENTS_ONE_BY_ONE.$dialect {
                    sqlx::query(lock).execute(self).await?;
                }
                Ok(())
            }

            async fn append(&mut self, event: &Event) -> Result<(), Fault> {
                self.lock_trail().await?;
                // One statement for both questions.
                let before = "SELECT (SELECT COUNT(*) FROM accounts WHERE id = $1) AS accounts, \
                                   (SELECT MAX(seq) FROM audit_events) AS seq, \
                                   (SELECT hash FROM audit_events ORDER BY seq DESC LIMIT 1) AS hash";
                let account = event.account.map_or(0, |account| account.0);
                let (accounts, seq, hash): (i64, Option<i64>, Option<String>) =
                    sqlx::query_as(before).bind(account).fetch_one(&mut *self).await?;
                let event = match event.account {
                    Some(_) if accounts == 0 => Cow::Owned(event.of_nobody()),
                    _ => Cow::Borrowed(event),
                };
                let before = seq.zip(hash.as_deref());
                let row = AuditRow::following(before, &event)?;
                let insert = "INSERT INTO audit_events \
                              (seq, at, event, digest, hash, salt, account_id, detail) \
                              VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
                sqlx::query(insert)
                    .bind(row.seq)
                    .bind(row.at)
                    .bind(row.event)
                    .bind(row.digest)
                    .bind(row.hash)
                    .bind(row.salt)
                    .bind(row.account_id)
                    .bind(row.detail)
                    .execute(self)
                    .await?;
                Ok(())
            }

            async fn lock_counters(&mut self, counters: &[Counter]) -> Result<(), Fault> {
                if let Some(lock) = LOCKED_COUNTER.$dialect {
                    for counter in counters {
                        sqlx::query(lock).bind(&counter.key).execute(&mut *self).await?;
                    }
                }
                Ok(())
            }

            async fn count(&mut self, counters: &[Counter]) -> Result<(), Fault> {
                let now = now_ms();
                for counter in counters {
                    sqlx::query(COUNT)
                        .bind(&counter.key)
                        .bind(now)
                        .bind(counter.interval)
                        .bind(counter.period)
                        .bind(counter.furthest(now))
                        .execute(&mut *self)
                        .await?;
                }
                Ok(())
            }

            async fn arrivals(
                &mut self,
                counters: &[Counter],
            ) -> Result<HashMap<String, i64>, Fault> {
                if counters.is_empty() {
                    return Ok(HashMap::new());
                }
                let mut query: QueryBuilder<$database> =
                    QueryBuilder::new("SELECT key, tat FROM throttle WHERE key IN (");
                let mut keys = query.separated(", ");
                for counter in counters {
                    keys.push_bind(counter.key.clone());
                }
                query.push(")");
                let rows: Vec<(String, i64)> = query.build_query_as().fetch_all(self).await?;
                Ok(rows.into_iter().collect())
            }

            async fn count_if_limited(
                &mut self,
                counters: &[Counter],
                failed: &Event,
            ) -> Result<Option<HashMap<String, i64>>, Fault> {
                let arrivals = self.arrivals(counters).await?;
                if !is_limited(counters, &arrivals) {
                    return Ok(None);
                }
                self.lock_counters(counters).await?;
                self.count(counters).await?;
                self.append(failed).await?;
                Ok(Some(arrivals))
            }
        }
    };
}

steps!(SqliteConnection, Sqlite, sqlite);
steps!(PgConnection, Postgres, postgres);
