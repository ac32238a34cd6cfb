//! Accounts: made, read, changed, deleted; and the links by which a password is set.

use std::time::Duration;

use sqlx::{Connection, FromRow};

use super::{
    BEGIN_WRITING, Backend, Fault, PATIENCE, Store,
    dialects::{ERASE, SIGN_UPS_ONE_BY_ONE},
    sessions::{Ended, is_limited},
    steps::Steps,
    timeout,
};
use crate::{
    domain::{AccountId, FullName, Profile, Username, UsernameKey},
    server::{audit::Event, clock::now, throttle::Counter},
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

/// How long the deletion of one account may take: its events may be many.
const DELETION: Duration = Duration::from_secs(60);

/// In the order of `bind_account!`, which `WRITE` in `group_commit.rs` counts on as well.
macro_rules! account_columns {
    () => {
        "id, username, username_key, username_skeleton, username_typed_skeleton, full_name, \
         password_hash, created_at, disabled_at, delete_at"
    };
}

/// Adds an account unless its name is taken or looks like one that is.
pub(super) const NEW_ACCOUNT: &str = concat!(
    "INSERT INTO accounts (",
    account_columns!(),
    ") SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 WHERE NOT EXISTS \
     (SELECT 1 FROM accounts WHERE username_skeleton = $5 OR username_typed_skeleton = $4) \
     ON CONFLICT DO NOTHING"
);

/// What became of a sign-up.
pub enum Added {
    Yes(Profile),
    /// The name is taken, or looks like one that is.
    Taken,
    /// Too many have signed up meanwhile.
    Limited,
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
    };
}

pub(super) use {account_columns, bind_account};

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
        let query = "SELECT id FROM accounts WHERE username_key = $1 \
                     OR username_skeleton IN ($2, $3) OR username_typed_skeleton IN ($2, $3) LIMIT 1";
        let found = on!(self.readers, |db| sqlx::query_scalar::<_, i64>(query)
            .bind(username.key().as_str())
            .bind(username.skeleton())
            .bind(username.typed_skeleton())
            .fetch_optional(db))?;
        Ok(found.is_some())
    }

    /// Adds an account, and counts it, unless `counters` are over their limits by now. Whether the
    /// name is taken is decided by the unique indexes, and by no two being added at once (IN-07).
    pub async fn insert_account(
        &self,
        id: AccountId,
        username: &Username,
        full_name: &FullName,
        password_hash: &str,
        counters: &[Counter],
        event: &Event,
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
        if self.sign_up_with_group(&account, counters, event).await? {
            return Ok(Added::Yes(profile()));
        }
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
            transaction.commit().await?;
            Ok(Added::Yes(profile()))
        })
    }

    pub async fn account(&self, username: &UsernameKey) -> Result<Option<StoredAccount>, Fault> {
        Ok(self.record_of(username).await?.map(StoredAccount::from))
    }

    pub async fn record_of(&self, username: &UsernameKey) -> Result<Option<AccountRecord>, Fault> {
        let query = records!("username_key = $1");
        on!(self.readers, |db| sqlx::query_as::<_, AccountRecord>(query)
            .bind(username.as_str())
            .fetch_optional(db))
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

    /// Gives an account another full name. Its sessions are told of, so that no node shows the old
    /// one for longer than a second. `None`: there is no such account any more.
    pub async fn change_full_name(
        &self,
        account: AccountId,
        full_name: &FullName,
        event: &Event,
    ) -> Result<Option<Ended>, Fault> {
        let update = "UPDATE accounts SET full_name = $1 WHERE id = $2";
        let sessions = "SELECT id FROM sessions WHERE account_id = $1";
        on!(self.writer, |db| async {
            let mut transaction = db.begin().await?;
            let revision = transaction.next_revision().await?;
            let update = sqlx::query(update).bind(full_name.as_str()).bind(account.0);
            if update.execute(&mut *transaction).await?.rows_affected() == 0 {
                transaction.rollback().await?;
                return Ok::<_, Fault>(None);
            }
            transaction.tell_of(revision, account, "", event.at).await?;
            let sessions = sqlx::query_scalar(sessions).bind(account.0);
            let sessions = sessions.fetch_all(&mut *transaction).await?;
            transaction.append(event).await?;
            transaction.commit().await?;
            Ok(Some(Ended { revision, sessions }))
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

    /// Deletes an account with everything that hangs on it, and erases it from the audit trail.
    /// `only_if_due`: unless its owner has come back meanwhile. `false`: there is none to delete.
    pub async fn delete_account(
        &self,
        account: AccountId,
        only_if_due: bool,
        mut event: Event,
    ) -> Result<bool, Fault> {
        let erase = "UPDATE audit_events SET salt = NULL, account_id = NULL, detail = NULL \
                     WHERE account_id = $1 RETURNING seq";
        on!(self.writer, DELETION, |db| async {
            let mut transaction = db.begin().await?;
            let revision = transaction.next_revision().await?;
            let locked = transaction.lock_account(account).await?;
            let due = |at: i64| at <= event.at;
            if !locked.is_some_and(|locked| !only_if_due || locked.delete_at.is_some_and(due)) {
                transaction.rollback().await?;
                return Ok::<_, Fault>(false);
            }
            transaction.end_sessions_of(revision, account, "", event.at).await?;
            // With it go its links.
            let delete = sqlx::query("DELETE FROM accounts WHERE id = $1").bind(account.0);
            delete.execute(&mut *transaction).await?;
            // Whoever writes an event of it from now on finds that it is gone.
            transaction.lock_trail().await?;
            let erased = sqlx::query_scalar(erase).bind(account.0);
            event.detail.erased = erased.fetch_all(&mut *transaction).await?;
            event.detail.erased.sort_unstable();
            transaction.append(&event).await?;
            transaction.commit().await?;
            Ok(true)
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

    /// Keeps a link by which a password can be set, in the place of those that there were.
    pub async fn insert_password_link(
        &self,
        account: AccountId,
        hash: &str,
        expires_at: i64,
        event: &Event,
    ) -> Result<(), Fault> {
        let insert =
            "INSERT INTO password_links (hash, account_id, expires_at) VALUES ($1, $2, $3)";
        let begin = self.backend.dialect(&BEGIN_WRITING);
        on!(self.writer, |db| async {
            let mut transaction = db.begin_with(begin).await?;
            let delete = "DELETE FROM password_links WHERE account_id = $1";
            sqlx::query(delete).bind(account.0).execute(&mut *transaction).await?;
            let insert = sqlx::query(insert).bind(hash).bind(account.0).bind(expires_at);
            insert.execute(&mut *transaction).await?;
            transaction.append(event).await?;
            transaction.commit().await?;
            Ok::<_, Fault>(())
        })
    }

    /// Whose link this is, if it still holds.
    pub async fn password_link(&self, hash: &str, now: i64) -> Result<Option<Profile>, Fault> {
        let query = "SELECT a.id, a.username, a.full_name, a.created_at FROM password_links l \
                     JOIN accounts a ON a.id = l.account_id \
                     WHERE l.hash = $1 AND l.expires_at > $2 AND a.disabled_at IS NULL";
        let row = on!(self.readers, |db| sqlx::query_as::<_, ProfileRow>(query)
            .bind(hash)
            .bind(now)
            .fetch_optional(db))?;
        Ok(row.map(Profile::from))
    }

    /// Sets a password by a link, which is used up then, and ends all sessions of the account.
    /// `None`: the link does not hold any more.
    pub async fn use_password_link(
        &self,
        hash: &str,
        account: AccountId,
        password_hash: &str,
        event: &Event,
    ) -> Result<Option<Ended>, Fault> {
        let used =
            "DELETE FROM password_links WHERE hash = $1 AND account_id = $2 AND expires_at > $3";
        let update = "UPDATE accounts SET password_hash = $1 WHERE id = $2";
        on!(self.writer, |db| async {
            let mut transaction = db.begin().await?;
            let revision = transaction.next_revision().await?;
            let used = sqlx::query(used).bind(hash).bind(account.0).bind(event.at);
            if used.execute(&mut *transaction).await?.rows_affected() == 0 {
                transaction.rollback().await?;
                return Ok::<_, Fault>(None);
            }
            let update = sqlx::query(update).bind(password_hash).bind(account.0);
            update.execute(&mut *transaction).await?;
            let ended = transaction.end_sessions_of(revision, account, "", event.at).await?;
            transaction.append(event).await?;
            transaction.commit().await?;
            Ok(Some(ended))
        })
    }
}
