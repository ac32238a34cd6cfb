//! The audit trail: appended to, read, and never changed; only a deleted account's rows are erased.

use sqlx::{Connection, FromRow};

use crate::store::{BEGIN_WRITING, Backend, Fault, PATIENCE, Store, patiently, steps::Steps};
use crate::{
    audit::{AuditRow, Event},
    domain::AccountId,
};

#[derive(FromRow)]
struct EventRow {
    seq: i64,
    at: i64,
    event: String,
    digest: String,
    hash: String,
    salt: Option<String>,
    account_id: Option<i64>,
    detail: Option<String>,
}

impl From<EventRow> for AuditRow {
    fn from(row: EventRow) -> Self {
        let EventRow { seq, at, event, digest, hash, salt, account_id, detail } = row;
        Self { seq, at, event, digest, hash, salt, account_id, detail }
    }
}

impl Store {
    /// Writes down an act that changes nothing else.
    pub async fn append(&self, event: &Event) -> Result<(), Fault> {
        let begin = self.backend.dialect(&BEGIN_WRITING);
        on!(self.writer, |db| async {
            let mut transaction = db.begin_with(begin).await?;
            transaction.append(event).await?;
            transaction.commit().await?;
            Ok::<_, Fault>(())
        })
    }

    /// When the last event was, in seconds since 1970.
    pub async fn last_event_at(&self) -> Result<Option<i64>, Fault> {
        let query = "SELECT at FROM audit_events ORDER BY seq DESC LIMIT 1";
        on!(self.readers, |db| sqlx::query_scalar(query).fetch_optional(db))
    }

    /// The rows after `seq`, at most so many.
    pub async fn events_after(&self, seq: i64, most: i64) -> Result<Vec<AuditRow>, Fault> {
        let query = "SELECT seq, at, event, digest, hash, salt, account_id, detail \
                     FROM audit_events WHERE seq > $1 ORDER BY seq LIMIT $2";
        let rows = on!(self.readers, |db| sqlx::query_as::<_, EventRow>(query)
            .bind(seq)
            .bind(most)
            .fetch_all(db))?;
        Ok(rows.into_iter().map(AuditRow::from).collect())
    }

    /// What happened to an account before the row `seq`, the newest first, at most so many.
    pub async fn history(
        &self,
        account: AccountId,
        seq: i64,
        most: i64,
    ) -> Result<Vec<AuditRow>, Fault> {
        let query = "SELECT seq, at, event, digest, hash, salt, account_id, detail \
                     FROM audit_events WHERE account_id = $1 AND seq < $2 \
                     ORDER BY seq DESC LIMIT $3";
        let rows = on!(self.readers, |db| sqlx::query_as::<_, EventRow>(query)
            .bind(account.0)
            .bind(seq)
            .bind(most)
            .fetch_all(db))?;
        Ok(rows.into_iter().map(AuditRow::from).collect())
    }
}
