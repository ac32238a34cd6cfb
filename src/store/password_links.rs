//! Links by which a password is set.

use sqlx::{Connection, FromRow};

use crate::store::{
    BEGIN_WRITING, Backend, Fault, PATIENCE, Store, accounts::ProfileRow, patiently,
    sessions::Ended, steps::Steps,
};
use crate::{
    audit::Event,
    domain::{AccountId, Profile},
};

/// A link by which a password can be set.
pub struct PasswordLink {
    pub profile: Profile,
    pub password_hash: String,
    /// Whether it has just been used.
    pub used: bool,
}

#[derive(FromRow)]
struct LinkRow {
    #[sqlx(flatten)]
    profile: ProfileRow,
    password_hash: String,
    used_at: Option<i64>,
}

impl Store {
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

    /// Whose link this is, if it still holds. With `used_after`: or if it was used since then.
    pub async fn password_link(
        &self,
        hash: &str,
        now: i64,
        used_after: Option<i64>,
    ) -> Result<Option<PasswordLink>, Fault> {
        let query = "SELECT a.id, a.username, a.full_name, a.created_at, a.password_hash, l.used_at \
                     FROM password_links l JOIN accounts a ON a.id = l.account_id \
                     WHERE l.hash = $1 AND l.expires_at > $2 AND a.disabled_at IS NULL \
                     AND a.delete_at IS NULL AND (l.used_at IS NULL OR l.used_at >= $3)";
        let row = on!(self.readers, |db| sqlx::query_as::<_, LinkRow>(query)
            .bind(hash)
            .bind(now)
            .bind(used_after.unwrap_or(i64::MAX))
            .fetch_optional(db))?;
        Ok(row.map(|row| PasswordLink {
            profile: row.profile.into(),
            password_hash: row.password_hash,
            used: row.used_at.is_some(),
        }))
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
        let used = "UPDATE password_links SET used_at = $3 WHERE hash = $1 AND account_id = $2 \
                    AND expires_at > $3 AND used_at IS NULL";
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
