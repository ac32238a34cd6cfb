//! Sessions and their refresh tokens.

use std::collections::HashMap;

use sqlx::{Connection, FromRow};

use crate::store::{
    BEGIN_WRITING, Backend, Fault, PATIENCE, Store,
    accounts::ProfileRow,
    patiently,
    steps::{LockedAccount, Steps},
};
use crate::{
    audit::{Act, Event},
    domain::{AccountId, Profile},
    platform::clock::now_ms,
    sessions::carrier::Carrier,
    throttle::counter::Counter,
};

/// A session as it is kept. Times are seconds since 1970, UTC. `alive_until` is never after
/// `ends_at`.
#[derive(Clone, Debug)]
pub struct StoredSession {
    pub id: String,
    pub account_id: AccountId,
    pub carrier: Carrier,
    pub created_at: i64,
    pub alive_until: i64,
    pub ends_at: i64,
    /// To within a hundredth of the idle time.
    pub seen_at: i64,
    /// When the password was shown last.
    pub proved_at: i64,
    /// In words: browser and system.
    pub device: String,
    pub network: String,
    /// Whether the cookie outlives the browser.
    pub remembered: bool,
    /// Whether there are refresh tokens for it.
    pub refreshable: bool,
    /// The id of the first session of the line that this one continues.
    pub family: String,
    /// A keyed hash of the request that began it, if the same request may come again.
    pub begun_by: Option<String>,
    /// Its first refresh token, for the same request that comes again.
    pub sealed_refresh_token: Option<String>,
}

/// How many live sessions an account may have.
pub const MAX_SESSIONS: i64 = 100;

/// A session that began a moment ago, for the same request that comes again.
pub struct Successor {
    pub session: StoredSession,
    pub profile: Profile,
}

/// A session that is alive, its account, and the revision of all sessions at which that was so.
pub struct LiveRow {
    pub session: StoredSession,
    pub profile: Profile,
    pub revision: i64,
}

/// What became of a new session.
pub enum Begun {
    Yes {
        deletion_undone: bool,
        /// Sessions that made room for it.
        ended: Option<Ended>,
    },
    /// There is no such account any more, it is disabled, or its password was changed.
    Gone,
    /// Too many were wrong meanwhile. It was counted as they were. Where the counters stood before.
    Limited(HashMap<String, i64>),
}

/// Sessions that are ended, and the revision from which on they are.
pub struct Ended {
    pub revision: i64,
    pub sessions: Vec<String>,
}

/// A session that goes on under another id.
pub struct Renewal<'a> {
    pub old: &'a str,
    pub new: &'a StoredSession,
    /// The hash of its first refresh token.
    pub refresh_token: Option<&'a str>,
    /// The hash of the password that was shown.
    pub password_hash: &'a str,
    /// The one to take its place. All other sessions end then.
    pub new_password_hash: Option<&'a str>,
    /// To be looked at once more.
    pub counters: &'a [Counter],
    /// What is written if they do not hold.
    pub failed: &'a Event,
}

/// What became of a renewal.
pub enum Renewed {
    Yes(Ended),
    /// The old session is over, or the account was changed meanwhile.
    Gone,
    /// Too many were wrong meanwhile. It was counted as they were. Where the counters stood before.
    Limited(HashMap<String, i64>),
}

#[derive(FromRow)]
pub(super) struct SessionRow {
    #[sqlx(flatten)]
    profile: ProfileRow,
    session_id: String,
    session_created_at: i64,
    carrier: String,
    alive_until: i64,
    ends_at: i64,
    seen_at: i64,
    proved_at: i64,
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
    /// `None`: it is of a kind that this version does not know, so nobody gets in by it.
    pub(super) fn read(self) -> Option<LiveRow> {
        let row = self;
        Some(LiveRow {
            session: StoredSession {
                id: row.session_id,
                account_id: AccountId(row.profile.id),
                carrier: Carrier::of_word(&row.carrier)?,
                created_at: row.session_created_at,
                alive_until: row.alive_until,
                ends_at: row.ends_at,
                seen_at: row.seen_at,
                proved_at: row.proved_at,
                device: row.device,
                network: row.network,
                remembered: row.remembered != 0,
                refreshable: row.refreshable != 0,
                family: row.family,
                begun_by: row.begun_by,
                sealed_refresh_token: row.sealed_refresh_token,
            },
            profile: row.profile.into(),
            revision: row.revision,
        })
    }
}

/// Adds a session, as `bind_session!` binds it.
pub(super) const NEW_SESSION: &str = "INSERT INTO sessions (id, account_id, created_at, alive_until, ends_at, carrier, device, \
     network, seen_at, proved_at, remembered, refreshable, family, begun_by, sealed_refresh_token) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";

macro_rules! bind_session {
    ($query:expr, $session:expr) => {
        $query
            .bind(&$session.id)
            .bind($session.account_id.0)
            .bind($session.created_at)
            .bind($session.alive_until)
            .bind($session.ends_at)
            .bind($session.carrier.word())
            .bind(&$session.device)
            .bind(&$session.network)
            .bind($session.seen_at)
            .bind($session.proved_at)
            .bind(i64::from($session.remembered))
            .bind(i64::from($session.refreshable))
            .bind(&$session.family)
            .bind(&$session.begun_by)
            .bind(&$session.sealed_refresh_token)
    };
}

pub(super) use bind_session;

/// One statement, so that all of it was so at the same moment.
macro_rules! live {
    ($more:literal, $condition:literal) => {
        concat!(
            "SELECT a.id, a.username, a.full_name, a.created_at, s.id AS session_id, \
             s.created_at AS session_created_at, s.carrier, s.alive_until, s.ends_at, s.seen_at, \
             s.proved_at, s.device, s.network, s.remembered, s.refreshable, s.family, s.begun_by, \
             s.sealed_refresh_token, \
             (SELECT revision FROM session_revision) AS revision",
            $more,
            " WHERE s.alive_until > $2 AND a.disabled_at IS NULL AND a.delete_at IS NULL AND ",
            $condition
        )
    };
}

pub(super) use live;

impl Store {
    /// Adds a session to an account whose password is still the one that was verified. An account
    /// that waits for its deletion is kept then. `counters` are looked at once more; if they do not
    /// hold, the try is counted and written down as those that were wrong are, in one transaction as
    /// theirs. Of too many sessions, others end.
    pub async fn insert_session(
        &self,
        session: &StoredSession,
        password_hash: &str,
        refresh_token: Option<&str>,
        counters: &[Counter],
        event: &Event,
        failed: &Event,
    ) -> Result<Begun, Fault> {
        let keep = "UPDATE accounts SET delete_at = NULL WHERE id = $1";
        let begin = self.backend.dialect(&BEGIN_WRITING);
        let (account_id, now) = (session.account_id, session.created_at);
        // The revision is locked before the account, so it must be known before whether it is needed.
        let mut crowded =
            on!(self.readers, |db| db.live_sessions_of(account_id, now))? >= MAX_SESSIONS;
        loop {
            let begun = on!(self.writer, |db| async {
                let mut transaction = db.begin_with(begin).await?;
                let revision = match crowded {
                    true => Some(transaction.next_revision().await?),
                    false => None,
                };
                let account = transaction.lock_account(account_id).await?;
                if let Some(before) = transaction.count_if_limited(counters, failed).await? {
                    transaction.commit().await?;
                    return Ok(Some(Begun::Limited(before)));
                }
                let is_good = |account: &LockedAccount| {
                    account.password_hash == password_hash
                        && account.disabled_at.is_none()
                        && account.delete_at.is_none_or(|at| at > now)
                };
                let Some(account) = account.filter(is_good) else {
                    transaction.rollback().await?;
                    return Ok(Some(Begun::Gone));
                };
                let there = transaction.live_sessions_of(account_id, now).await?;
                let ended = match revision {
                    Some(revision) if there >= MAX_SESSIONS => {
                        let kept = MAX_SESSIONS - 1;
                        Some(
                            transaction
                                .end_sessions_beyond(revision, account_id, kept, now)
                                .await?,
                        )
                    }
                    None if there >= MAX_SESSIONS => {
                        transaction.rollback().await?;
                        return Ok(None);
                    }
                    _ => None,
                };
                let deletion_undone = account.delete_at.is_some();
                if deletion_undone {
                    let keep = sqlx::query(keep).bind(account_id.0);
                    keep.execute(&mut *transaction).await?;
                }
                transaction.insert_session(session).await?;
                if let Some(hash) = refresh_token {
                    transaction.insert_refresh_token(hash, &session.id, now).await?;
                }
                transaction.append(event).await?;
                if deletion_undone {
                    let undone = Event { act: Act::DeletionUndone, ..event.clone() };
                    transaction.append(&undone).await?;
                }
                transaction.commit().await?;
                Ok::<_, Fault>(Some(Begun::Yes { deletion_undone, ended }))
            });
            match begun? {
                Some(begun) => return Ok(begun),
                // Others have signed in at the same moment.
                None => crowded = true,
            }
        }
    }

    /// The live session that a request began after `since`, if it has.
    pub async fn successor(&self, begun_by: &str, since: i64) -> Result<Option<Successor>, Fault> {
        let query = live!(
            " FROM sessions s JOIN accounts a ON a.id = s.account_id",
            "s.begun_by = $1 AND s.proved_at >= $2"
        );
        let row = on!(self.readers, |db| sqlx::query_as::<_, SessionRow>(query)
            .bind(begun_by)
            .bind(since)
            .fetch_optional(db))?;
        Ok(row
            .and_then(SessionRow::read)
            .map(|LiveRow { session, profile, .. }| Successor { session, profile }))
    }

    /// The session, if it is alive, and the account that it belongs to.
    pub async fn live_session(&self, id: &str, now: i64) -> Result<Option<LiveRow>, Fault> {
        let query = live!(" FROM sessions s JOIN accounts a ON a.id = s.account_id", "s.id = $1");
        let row = on!(self.readers, |db| sqlx::query_as::<_, SessionRow>(query)
            .bind(id)
            .bind(now)
            .fetch_optional(db))?;
        Ok(row.and_then(SessionRow::read))
    }

    /// The sessions of an account that are alive, those used last first.
    pub async fn sessions_of(
        &self,
        account: AccountId,
        now: i64,
    ) -> Result<Vec<StoredSession>, Fault> {
        let query = live!(
            " FROM sessions s JOIN accounts a ON a.id = s.account_id",
            "s.account_id = $1 ORDER BY s.seen_at DESC, s.id LIMIT 200"
        );
        let rows = on!(self.readers, |db| sqlx::query_as::<_, SessionRow>(query)
            .bind(account.0)
            .bind(now)
            .fetch_all(db))?;
        Ok(rows.into_iter().filter_map(SessionRow::read).map(|row| row.session).collect())
    }

    /// Notes that a session has been used: it stays alive until then. One that stays alive until
    /// `enough` in any case is left as it is, and one that has ended in the meantime stays ended:
    /// then `false`.
    pub async fn extend_session(
        &self,
        id: &str,
        alive_until: i64,
        enough: i64,
        now: i64,
    ) -> Result<bool, Fault> {
        let update = "UPDATE sessions SET alive_until = $1, seen_at = $4 \
                      WHERE id = $2 AND alive_until < $3";
        let rows = on!(self.writer, |db| async {
            let query = sqlx::query(update).bind(alive_until).bind(id).bind(enough).bind(now);
            query.execute(db).await.map(|done| done.rows_affected())
        })?;
        Ok(rows == 1)
    }

    /// Ends a session of an account, and tells the revision from which on it is ended. `None`: there
    /// is no such session of this account.
    pub async fn end_session(
        &self,
        id: &str,
        account: AccountId,
        event: &Event,
    ) -> Result<Option<i64>, Fault> {
        let end = "DELETE FROM sessions WHERE id = $1 AND account_id = $2";
        on!(self.writer, |db| async {
            let mut transaction = db.begin().await?;
            let revision = transaction.next_revision().await?;
            let done = sqlx::query(end).bind(id).bind(account.0).execute(&mut *transaction).await?;
            if done.rows_affected() == 0 {
                transaction.rollback().await?;
                return Ok::<_, Fault>(None);
            }
            transaction.tell(revision, account, event.at).await?;
            transaction.append(event).await?;
            transaction.commit().await?;
            Ok(Some(revision))
        })
    }

    /// Ends the sessions of an account, but for one. Where there are none nothing is written down.
    pub async fn end_sessions(
        &self,
        account: AccountId,
        except: &str,
        event: &Event,
    ) -> Result<Ended, Fault> {
        on!(self.writer, |db| async {
            let mut transaction = db.begin().await?;
            let revision = transaction.next_revision().await?;
            transaction.lock_account(account).await?;
            let ended = transaction.end_sessions_of(revision, account, except, event.at).await?;
            if !ended.sessions.is_empty() {
                transaction.append(event).await?;
            }
            transaction.commit().await?;
            Ok::<_, Fault>(ended)
        })
    }

    /// Puts a session in the place of another one.
    pub async fn renew_session(
        &self,
        renewal: &Renewal<'_>,
        event: &Event,
    ) -> Result<Renewed, Fault> {
        let Renewal { old, new, refresh_token, password_hash, new_password_hash, counters, failed } =
            *renewal;
        let change = "UPDATE accounts SET password_hash = $1 WHERE id = $2";
        let is_alive = "SELECT COUNT(*) FROM sessions WHERE id = $1 AND alive_until > $2";
        let account_id = new.account_id;
        on!(self.writer, |db| async {
            let mut transaction = db.begin().await?;
            let revision = transaction.next_revision().await?;
            let account = transaction.lock_account(account_id).await?;
            if let Some(before) = transaction.count_if_limited(counters, failed).await? {
                transaction.commit().await?;
                return Ok(Renewed::Limited(before));
            }
            let alive: i64 = sqlx::query_scalar(is_alive)
                .bind(old)
                .bind(event.at)
                .fetch_one(&mut *transaction)
                .await?;
            let is_good = |account: &LockedAccount| {
                account.password_hash == password_hash && account.disabled_at.is_none()
            };
            if alive == 0 || !account.as_ref().is_some_and(is_good) {
                transaction.rollback().await?;
                return Ok::<_, Fault>(Renewed::Gone);
            }
            if let Some(hash) = new_password_hash {
                let change = sqlx::query(change).bind(hash).bind(account_id.0);
                change.execute(&mut *transaction).await?;
            }
            transaction.insert_session(new).await?;
            if let Some(hash) = refresh_token {
                transaction.insert_refresh_token(hash, &new.id, event.at).await?;
            }
            let ended = if new_password_hash.is_some() {
                transaction.end_sessions_of(revision, account_id, &new.id, event.at).await?
            } else {
                transaction.tell(revision, account_id, event.at).await?;
                let end = sqlx::query("DELETE FROM sessions WHERE id = $1").bind(old);
                end.execute(&mut *transaction).await?;
                Ended { revision, sessions: vec![old.to_owned()] }
            };
            transaction.append(event).await?;
            transaction.commit().await?;
            Ok(Renewed::Yes(ended))
        })
    }

    /// Takes back what a session was proved at, because the clock says now that this was in the
    /// future.
    pub async fn forget_proof(&self, id: &str) -> Result<(), Fault> {
        let forget = "UPDATE sessions SET proved_at = 0 WHERE id = $1";
        on!(self.writer, |db| async {
            sqlx::query(forget).bind(id).execute(db).await.map(|done| done.rows_affected())
        })?;
        Ok(())
    }
}

pub(super) fn is_limited(counters: &[Counter], arrivals: &HashMap<String, i64>) -> bool {
    let now = now_ms();
    counters.iter().any(|counter| counter.limited_until(arrivals, now) > now)
}
