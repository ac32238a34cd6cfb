//! The counters of wrong tries.

use std::collections::HashMap;

use sqlx::Connection;

use crate::store::{BEGIN_WRITING, Backend, Fault, PATIENCE, Store, patiently, steps::Steps};
use crate::{audit::Event, throttle::counter::Counter};

impl Store {
    /// Where each counter stands: by its key, in milliseconds since 1970.
    pub async fn arrivals(&self, counters: &[Counter]) -> Result<HashMap<String, i64>, Fault> {
        on!(self.readers, |db| db.arrivals(counters))
    }

    /// The same as a session that begins or is renewed finds out, for an answer that writes nothing:
    /// `None` if the limits still hold.
    pub async fn count_if_limited(
        &self,
        counters: &[Counter],
        failed: &Event,
    ) -> Result<Option<HashMap<String, i64>>, Fault> {
        let begin = self.backend.dialect(&BEGIN_WRITING);
        on!(self.writer, |db| async {
            let mut transaction = db.begin_with(begin).await?;
            let before = transaction.count_if_limited(counters, failed).await?;
            transaction.commit().await?;
            Ok::<_, Fault>(before)
        })
    }

    /// Counts one more, and writes the event down. Tells where the counters stood before.
    pub async fn count(
        &self,
        counters: &[Counter],
        event: &Event,
    ) -> Result<HashMap<String, i64>, Fault> {
        let begin = self.backend.dialect(&BEGIN_WRITING);
        on!(self.writer, |db| async {
            let mut transaction = db.begin_with(begin).await?;
            // Else several at once would all be told by what stood there before the first of them.
            transaction.lock_counters(counters).await?;
            let before = transaction.arrivals(counters).await?;
            transaction.count(counters).await?;
            transaction.append(event).await?;
            transaction.commit().await?;
            Ok::<_, Fault>(before)
        })
    }
}
