//! Many accounts at once, all of them or none.

use std::time::Duration;

use sqlx::Connection;

use crate::store::{
    BEGIN_WRITING, Backend, Fault, Store,
    accounts::{NEW_ACCOUNT, NewRow, bind_account},
    dialects::SIGN_UPS_ONE_BY_ONE,
    patiently,
    steps::Steps,
};
use crate::{
    audit::{Act, By, Event},
    domain::{AccountId, FullName, Username},
};

/// An import takes as long as it takes.
const UNHURRIED: Duration = Duration::from_secs(24 * 3600);

/// An account from elsewhere, every field within its rule.
pub struct ImportedAccount {
    /// Where it stands in its file.
    pub line: u64,
    pub id: AccountId,
    /// As it stands there.
    pub given_name: String,
    pub username: Username,
    pub full_name: FullName,
    pub password_hash: String,
    pub created_at: i64,
    pub disabled_at: Option<i64>,
    pub delete_at: Option<i64>,
}

impl Store {
    /// Adds accounts in one transaction. If one of them is taken already, by its name, by one that
    /// looks like it or by its id, the lines of all such are told, and nothing is added unless
    /// `skip_taken`. `progress` is told how many are done.
    pub async fn import<I>(
        &self,
        accounts: I,
        skip_taken: bool,
        now: i64,
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<Vec<u64>, Fault>
    where
        I: Iterator<Item = Result<ImportedAccount, Fault>> + Send,
    {
        let one_by_one = self.backend.dialect(&SIGN_UPS_ONE_BY_ONE);
        let begin = self.backend.dialect(&BEGIN_WRITING);
        on!(self.writer, UNHURRIED, |db| async {
            let mut transaction = db.begin_with(begin).await?;
            if let Some(lock) = one_by_one {
                sqlx::query(lock).execute(&mut *transaction).await?;
            }
            let (mut taken, mut done) = (Vec::new(), 0);
            for account in accounts {
                let account = account?;
                let row = NewRow {
                    id: account.id,
                    username: &account.username,
                    full_name: &account.full_name,
                    password_hash: &account.password_hash,
                    created_at: account.created_at,
                    disabled_at: account.disabled_at,
                    delete_at: account.delete_at,
                };
                let insert = bind_account!(sqlx::query(NEW_ACCOUNT), row);
                if insert.execute(&mut *transaction).await?.rows_affected() == 0 {
                    taken.push(account.line);
                } else {
                    let (by, act, id) = (By::Operator, Act::Imported, Some(account.id));
                    let event = Event::without_request(by, act, id, now);
                    transaction.append(&event).await?;
                    done += 1;
                    if done % 1000 == 0 {
                        progress(done);
                    }
                }
            }
            if !taken.is_empty() && !skip_taken {
                transaction.rollback().await?;
                return Ok::<_, Fault>(taken);
            }
            transaction.commit().await?;
            progress(done);
            Ok(taken)
        })
    }
}
