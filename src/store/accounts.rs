//! Accounts: made, read, changed, deleted.

use sqlx::{Connection, FromRow};

use crate::store::{
    BEGIN_WRITING, Backend, Fault, PATIENCE, Store,
    dialects::{ERASE, SIGN_UPS_ONE_BY_ONE},
    patiently,
    sessions::{Ended, StoredSession, is_limited},
    steps::Steps,
};
use crate::{
    audit::{Act, By, Event},
    domain::{AccountId, FullName, Profile, Username, UsernameKey},
    platform::clock::now,
    throttle::counter::Counter,
};

/// What sign-in needs to know of an account.
pub struct StoredAccount {
    pub profile: Profile,
    pub password_hash: String,
    /// Or due to be deleted: nobody signs in to it any more.
    pub disabled: bool,
}

/// All that is kept of an account itself. Times are seconds since 1970, UTC.
#[derive(Clone, FromRow)]
pub struct AccountRecord {
    pub id: i64,
    pub username: String,
    pub full_name: String,
    pub password_hash: String,
    pub created_at: i64,
    pub disabled_at: Option<i64>,
    pub delete_at: Option<i64>,
}

#[derive(FromRow)]
pub(super) struct ProfileRow {
    pub(super) id: i64,
    username: String,
    full_name: String,
    created_at: i64,
}

impl From<ProfileRow> for Profile {
    fn from(row: ProfileRow) -> Self {
        let ProfileRow { id, username, full_name, created_at } = row;
        Self { id: AccountId(id), username, full_name, created_at }
    }
}

impl From<AccountRecord> for StoredAccount {
    fn from(row: AccountRecord) -> Self {
        let AccountRecord { id, username, full_name, password_hash, created_at, .. } = row;
        let profile = Profile { id: AccountId(id), username, full_name, created_at };
        let disabled = row.disabled_at.is_some() || row.delete_at.is_some_and(|at| at <= now());
        Self { profile, password_hash, disabled }
    }
}

/// Adds an account unless its name is taken or looks like one that is. Keys of before the case of
/// names was folded ($11) are taken, too.
pub(super) const NEW_ACCOUNT: &str = "INSERT INTO accounts (id, username, username_key, username_skeleton, username_typed_skeleton, \
     full_name, password_hash, created_at, disabled_at, delete_at) \
     SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 WHERE NOT EXISTS \
     (SELECT 1 FROM accounts WHERE username_skeleton = $5 OR username_typed_skeleton = $4 \
      OR username_key = $11) \
     ON CONFLICT DO NOTHING";

/// What became of a sign-up.
pub enum Added {
    Yes(Profile),
    /// The name is taken, or looks like one that is.
    Taken,
    /// Too many have signed up meanwhile.
    Limited,
}

/// What became of a new full name.
pub enum Renamed {
    /// Whose sessions show it.
    Yes(Ended),
    /// The account has that name already.
    NotNew,
    /// There is no such account any more.
    Gone,
}

/// How far the deletion of an account has come.
pub enum Erased {
    /// There is more to erase.
    APart,
    /// Nothing is left. What was written down last.
    All(Event),
    /// There is no such account, or it is not due any more.
    Nothing,
}

/// What an account is when it is added.
pub(super) struct NewRow<'a> {
    pub(super) id: AccountId,
    pub(super) username: &'a Username,
    pub(super) full_name: &'a FullName,
    pub(super) password_hash: &'a str,
    pub(super) created_at: i64,
    pub(super) disabled_at: Option<i64>,
    pub(super) delete_at: Option<i64>,
}

macro_rules! bind_account {
    ($query:expr, $account:expr) => {
        $query
            .bind($account.id.0)
            .bind($account.username.typed())
            .bind($account.username.key().as_str())
            .bind($account.username.skeleton())
            .bind($account.username.typed_skeleton())
            .bind($account.full_name.as_str())
            .bind($account.password_hash)
            .bind($account.created_at)
            .bind($account.disabled_at)
            .bind($account.delete_at)
            .bind($account.username.key().unfolded())
    };
}

pub(super) use bind_account;

macro_rules! records {
    ($condition:literal) => {
        concat!(
            "SELECT id, username, full_name, password_hash, created_at, disabled_at, delete_at \
             FROM accounts WHERE ",
            $condition
        )
    };
}

impl Store {
    /// Whether an account has this name already, or one that looks the same.
    ///
    /// Only [`Store::insert_account`] decides; this saves the hash of a password for nothing.
    pub async fn is_taken(&self, username: &Username) -> Result<bool, Fault> {
        let query = "SELECT id FROM accounts WHERE username_key IN ($1, $4) \
                     OR username_skeleton IN ($2, $3) OR username_typed_skeleton IN ($2, $3) LIMIT 1";
        let found = on!(self.readers, |db| sqlx::query_scalar::<_, i64>(query)
            .bind(username.key().as_str())
            .bind(username.skeleton())
            .bind(username.typed_skeleton())
            .bind(username.key().unfolded())
            .fetch_optional(db))?;
        Ok(found.is_some())
    }

    /// Adds an account, and counts it, unless `counters` are over their limits by now. Whether the
    /// name is taken is decided by the unique indexes, and by no two being added at once (IN-07).
    /// `entered`: its first session, in the same transaction.
    #[expect(clippy::too_many_arguments, reason = "one transaction")]
    pub async fn insert_account(
        &self,
        id: AccountId,
        username: &Username,
        full_name: &FullName,
        password_hash: &str,
        counters: &[Counter],
        event: &Event,
        entered: Option<(&StoredSession, &Event)>,
    ) -> Result<Added, Fault> {
        let (created_at, disabled_at, delete_at) = (event.at, None, None);
        let account =
            NewRow { id, username, full_name, password_hash, created_at, disabled_at, delete_at };
        let profile = || Profile {
            id,
            username: username.typed().to_owned(),
            full_name: full_name.as_str().to_owned(),
            created_at,
        };
        let one_by_one = self.backend.dialect(&SIGN_UPS_ONE_BY_ONE);
        let begin = self.backend.dialect(&BEGIN_WRITING);
        on!(self.writer, |db| async {
            let mut transaction = db.begin_with(begin).await?;
            if let Some(lock) = one_by_one {
                sqlx::query(lock).execute(&mut *transaction).await?;
            }
            let insert = bind_account!(sqlx::query(NEW_ACCOUNT), account);
            if insert.execute(&mut *transaction).await?.rows_affected() == 0 {
                transaction.rollback().await?;
                return Ok::<_, Fault>(Added::Taken);
            }
            if is_limited(counters, &transaction.arrivals(counters).await?) {
                transaction.rollback().await?;
                return Ok(Added::Limited);
            }
            transaction.count(counters).await?;
            transaction.append(event).await?;
            if let Some((session, event)) = entered {
                transaction.insert_session(session).await?;
                transaction.append(event).await?;
            }
            transaction.commit().await?;
            Ok(Added::Yes(profile()))
        })
    }

    pub async fn account(&self, username: &UsernameKey) -> Result<Option<StoredAccount>, Fault> {
        Ok(self.record_of(username).await?.map(StoredAccount::from))
    }

    /// The account with this name. Of two that were made before the case of names was folded, the one
    /// whose name was meant letter by letter.
    pub async fn record_of(&self, username: &UsernameKey) -> Result<Option<AccountRecord>, Fault> {
        let query = records!(
            "username_key IN ($1, $2) ORDER BY CASE WHEN username_key = $2 THEN 0 ELSE 1 END LIMIT 1"
        );
        on!(self.readers, |db| sqlx::query_as::<_, AccountRecord>(query)
            .bind(username.as_str())
            .bind(username.unfolded())
            .fetch_optional(db))
    }

    /// Gives accounts the keys of today's mapping, a few at a time: those with an id greater than
    /// `after`. An account keeps its own key if another one has the new one. Tells the last id.
    pub async fn map_usernames_anew(&self, after: i64) -> Result<Option<i64>, Fault> {
        const PIECE: i64 = 500;
        let names = "SELECT id, username, username_key FROM accounts WHERE id > $1 \
                     ORDER BY id LIMIT $2";
        let rows: Vec<(i64, String, String)> =
            on!(self.readers, |db| sqlx::query_as(names).bind(after).bind(PIECE).fetch_all(db))?;
        let update = "UPDATE accounts SET username_key = $1 WHERE id = $2 AND NOT EXISTS \
                      (SELECT 1 FROM accounts WHERE username_key = $1)";
        for (id, username, key) in &rows {
            let Some(mapped) = UsernameKey::find(username) else { continue };
            if mapped.as_str() == key {
                continue;
            }
            on!(self.writer, |db| async {
                let update = sqlx::query(update).bind(mapped.as_str()).bind(*id);
                match update.execute(db).await {
                    // Another one took it in this moment.
                    Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(0),
                    done => done.map(|done| done.rows_affected()),
                }
            })?;
        }
        Ok(rows.last().map(|(id, ..)| *id))
    }

    pub async fn record(&self, account: AccountId) -> Result<Option<AccountRecord>, Fault> {
        let query = records!("id = $1");
        on!(self.readers, |db| sqlx::query_as::<_, AccountRecord>(query)
            .bind(account.0)
            .fetch_optional(db))
    }

    /// The accounts with a greater id, in the order of their ids, at most so many.
    pub async fn records_after(&self, id: i64, most: i64) -> Result<Vec<AccountRecord>, Fault> {
        let query = records!("id > $1 ORDER BY id LIMIT $2");
        on!(self.readers, |db| sqlx::query_as::<_, AccountRecord>(query)
            .bind(id)
            .bind(most)
            .fetch_all(db))
    }

    /// Puts a stronger hash of the same password in the place of `old`. `false`: the password has
    /// been changed in the meantime.
    pub async fn replace_password_hash(
        &self,
        account: AccountId,
        old: &str,
        new: &str,
    ) -> Result<bool, Fault> {
        let update = "UPDATE accounts SET password_hash = $1 WHERE id = $2 AND password_hash = $3";
        let rows = on!(self.writer, |db| async {
            let query = sqlx::query(update).bind(new).bind(account.0).bind(old);
            query.execute(db).await.map(|done| done.rows_affected())
        })?;
        Ok(rows == 1)
    }

    /// Gives an account another full name. Other nodes are told, so that none shows the old one for
    /// longer than a second.
    pub async fn change_full_name(
        &self,
        account: AccountId,
        full_name: &FullName,
        event: &Event,
    ) -> Result<Renamed, Fault> {
        let update = "UPDATE accounts SET full_name = $1 WHERE id = $2 AND full_name <> $1";
        let sessions = "SELECT id FROM sessions WHERE account_id = $1";
        on!(self.writer, |db| async {
            let mut transaction = db.begin().await?;
            let revision = transaction.next_revision().await?;
            let update = sqlx::query(update).bind(full_name.as_str()).bind(account.0);
            if update.execute(&mut *transaction).await?.rows_affected() == 0 {
                let there = transaction.lock_account(account).await?.is_some();
                transaction.rollback().await?;
                return Ok::<_, Fault>(if there { Renamed::NotNew } else { Renamed::Gone });
            }
            transaction.tell(revision, account, event.at).await?;
            let sessions = sqlx::query_scalar(sessions).bind(account.0);
            let sessions = sessions.fetch_all(&mut *transaction).await?;
            transaction.append(event).await?;
            transaction.commit().await?;
            Ok(Renamed::Yes(Ended { revision, sessions }))
        })
    }

    /// Lets nobody sign in to an account any more, and ends its sessions; or lets them again.
    /// `None`: that is so already.
    pub async fn set_disabled(
        &self,
        account: AccountId,
        disabled: bool,
        event: &Event,
    ) -> Result<Option<Ended>, Fault> {
        let update = if disabled {
            "UPDATE accounts SET disabled_at = $1 WHERE id = $2 AND disabled_at IS NULL"
        } else {
            "UPDATE accounts SET disabled_at = NULL \
             WHERE $1 > 0 AND id = $2 AND disabled_at IS NOT NULL"
        };
        self.end_all_with(account, update, event.at, event).await
    }

    /// Says when an account is to be deleted, and ends its sessions. `None`: that is said already.
    pub async fn set_delete_at(
        &self,
        account: AccountId,
        delete_at: i64,
        event: &Event,
    ) -> Result<Option<Ended>, Fault> {
        let update = "UPDATE accounts SET delete_at = $1 WHERE id = $2 AND delete_at IS NULL";
        self.end_all_with(account, update, delete_at, event).await
    }

    /// Changes an account by a statement that takes a time and the account, and ends its sessions.
    async fn end_all_with(
        &self,
        account: AccountId,
        update: &'static str,
        time: i64,
        event: &Event,
    ) -> Result<Option<Ended>, Fault> {
        on!(self.writer, |db| async {
            let mut transaction = db.begin().await?;
            let revision = transaction.next_revision().await?;
            let update = sqlx::query(update).bind(time).bind(account.0);
            if update.execute(&mut *transaction).await?.rows_affected() == 0 {
                transaction.rollback().await?;
                return Ok::<_, Fault>(None);
            }
            let ended = transaction.end_sessions_of(revision, account, "", event.at).await?;
            transaction.append(event).await?;
            transaction.commit().await?;
            Ok(Some(ended))
        })
    }

    /// Lets nobody in any more, ends all sessions, and makes the account due to be deleted now.
    /// `false`: there is no such account.
    pub async fn condemn(&self, account: AccountId, event: &Event) -> Result<bool, Fault> {
        let update = "UPDATE accounts SET delete_at = $1, \
                      disabled_at = COALESCE(disabled_at, $1) WHERE id = $2";
        Ok(self.end_all_with(account, update, event.at, event).await?.is_some())
    }

    /// Deletes a part of an account that is due: so many of its refresh tokens and events that nobody
    /// else waits for long. The last part is the account itself. The events that are erased stay in
    /// the audit trail, without what tells of a person.
    pub async fn erase_a_part(
        &self,
        account: AccountId,
        now: i64,
        by: By,
    ) -> Result<Erased, Fault> {
        const PART: i64 = 1000;
        let tokens = "DELETE FROM refresh_tokens WHERE hash IN \
                      (SELECT r.hash FROM refresh_tokens r JOIN sessions s ON s.id = r.session_id \
                       WHERE s.account_id = $1 LIMIT $2)";
        let erase = "UPDATE audit_events SET salt = NULL, account_id = NULL, detail = NULL \
                     WHERE seq IN (SELECT seq FROM audit_events WHERE account_id = $1 \
                                   ORDER BY seq LIMIT $2) RETURNING seq";
        on!(self.writer, |db| async {
            let mut transaction = db.begin().await?;
            let revision = transaction.next_revision().await?;
            let locked = transaction.lock_account(account).await?;
            let due = |at: i64| at <= now;
            if !locked.is_some_and(|locked| locked.delete_at.is_some_and(due)) {
                transaction.rollback().await?;
                return Ok::<_, Fault>(Erased::Nothing);
            }
            let tokens = sqlx::query(tokens).bind(account.0).bind(PART);
            let mut more = tokens.execute(&mut *transaction).await?.rows_affected();
            // Nobody writes an event of it meanwhile.
            transaction.lock_trail().await?;
            let erased = sqlx::query_scalar(erase).bind(account.0).bind(PART);
            let mut erased: Vec<i64> = erased.fetch_all(&mut *transaction).await?;
            erased.sort_unstable();
            more = more.max(erased.len() as u64);
            let all = more < PART.cast_unsigned();
            if all {
                transaction.end_sessions_of(revision, account, "", now).await?;
                // With it go its links.
                let delete = sqlx::query("DELETE FROM accounts WHERE id = $1").bind(account.0);
                delete.execute(&mut *transaction).await?;
            }
            let act = if all { Act::Deleted } else { Act::Erased };
            let mut event = Event::without_request(by, act, None, now);
            event.detail.erased = erased;
            transaction.append(&event).await?;
            transaction.commit().await?;
            Ok(if all { Erased::All(event) } else { Erased::APart })
        })
    }

    /// Takes what was deleted out of the files of the database, as far as nobody reads it just now.
    pub async fn erase(&self) -> Result<(), Fault> {
        let Some(erase) = self.backend.dialect(&ERASE) else { return Ok(()) };
        on!(self.writer, |db| async {
            sqlx::query(erase).execute(db).await.map(|done| done.rows_affected())
        })?;
        Ok(())
    }
}
