//! Refresh tokens, as they are kept: their hashes.

use sqlx::{Connection, FromRow};

use crate::audit::Event;
use crate::store::{
    BEGIN_WRITING, Backend, Fault, PATIENCE, Store, patiently,
    sessions::{LiveRow, SessionRow, live},
    steps::Steps,
};

/// How many used refresh tokens of a session are remembered. All sessions of an account end in one
/// transaction, tokens included, so this bounds its cost: 5,000 rows.
const USED_TOKENS: i64 = 50;

/// What became of a refresh token.
pub enum Refreshed {
    /// It was used, and its successor is in force.
    Rotated(Box<LiveRow>),
    /// It was used a moment ago, and its successor is the one that is sealed here.
    Repeated(Box<LiveRow>, String),
    /// It was used long ago.
    Reused(Box<LiveRow>),
    /// There is none, or its session is over.
    Unknown,
}

#[derive(FromRow)]
struct RefreshRow {
    #[sqlx(flatten)]
    session: SessionRow,
    used_at: Option<i64>,
    sealed_successor: Option<String>,
}

impl Store {
    /// The family of the session that this refresh token is of, used or not.
    pub async fn family_of_refresh_token(&self, hash: &str) -> Result<Option<String>, Fault> {
        let query = "SELECT s.family FROM refresh_tokens r \
                     JOIN sessions s ON s.id = r.session_id WHERE r.hash = $1";
        on!(self.readers, |db| sqlx::query_scalar(query).bind(hash).fetch_optional(db))
    }

    /// Uses a refresh token: whoever is first makes `sealed` its successor, of which `successor` is
    /// the hash. `idle_until`: the session stays alive until then, if it does not end before. Of its
    /// used tokens the last [`USED_TOKENS`] are remembered.
    pub async fn refresh(
        &self,
        hash: &str,
        (successor, sealed): (&str, &str),
        idle_until: i64,
        grace: i64,
        event: &Event,
    ) -> Result<Refreshed, Fault> {
        let find = live!(
            ", r.used_at, r.sealed_successor FROM refresh_tokens r \
             JOIN sessions s ON s.id = r.session_id JOIN accounts a ON a.id = s.account_id",
            "r.hash = $1"
        );
        let use_it = "UPDATE refresh_tokens SET used_at = $2, sealed_successor = $3 \
                      WHERE hash = $1 AND used_at IS NULL";
        // First the session and then its tokens, as whoever ends it does.
        let extend = "UPDATE sessions SET seen_at = $2, alive_until = \
                      CASE WHEN ends_at < $3 THEN ends_at ELSE $3 END \
                      WHERE id = (SELECT session_id FROM refresh_tokens WHERE hash = $1) \
                      AND alive_until > $2";
        let forget = "DELETE FROM refresh_tokens WHERE session_id = $1 AND used_at < \
                      (SELECT used_at FROM refresh_tokens WHERE session_id = $1 \
                       AND used_at IS NOT NULL ORDER BY used_at DESC LIMIT 1 OFFSET $2)";
        let begin = self.backend.dialect(&BEGIN_WRITING);
        let now = event.at;
        on!(self.writer, |db| async {
            let mut transaction = db.begin_with(begin).await?;
            let extend = sqlx::query(extend).bind(hash).bind(now).bind(idle_until);
            extend.execute(&mut *transaction).await?;
            let used = sqlx::query(use_it).bind(hash).bind(now).bind(sealed);
            let first = used.execute(&mut *transaction).await?.rows_affected() == 1;
            let row: Option<RefreshRow> =
                sqlx::query_as(find).bind(hash).bind(now).fetch_optional(&mut *transaction).await?;
            let Some(row) = row else {
                transaction.rollback().await?;
                return Ok::<_, Fault>(Refreshed::Unknown);
            };
            let (used_at, sealed) = (row.used_at.unwrap_or_default(), row.sealed_successor);
            let Some(row) = row.session.read().map(Box::new) else {
                transaction.rollback().await?;
                return Ok(Refreshed::Unknown);
            };
            if !first {
                transaction.rollback().await?;
                // A clock that was set back makes no grace longer.
                let in_grace = (used_at - grace..=used_at + grace).contains(&now);
                return Ok(match sealed.filter(|_| in_grace) {
                    Some(sealed) => Refreshed::Repeated(row, sealed),
                    None => Refreshed::Reused(row),
                });
            }
            transaction.insert_refresh_token(successor, &row.session.id, now).await?;
            let forget = sqlx::query(forget).bind(&row.session.id).bind(USED_TOKENS);
            forget.execute(&mut *transaction).await?;
            let event = Event { account: Some(row.profile.id), ..event.clone() };
            transaction.append(&event).await?;
            transaction.commit().await?;
            Ok(Refreshed::Rotated(row))
        })
    }
}
