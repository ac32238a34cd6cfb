//! Changes to many rows, in small pieces.

use crate::{
    platform::error::Fault,
    store::{Store, db::sql_of, dialects::SKIP_LOCKED},
};

impl Store {
    /// Applies `change` to all rows of its table that match `condition`, whose parameter is a time,
    /// and returns their number. Others can write between two pieces, and no piece takes long.
    /// Locked rows are left for the next time, to avoid deadlocks.
    pub(crate) async fn in_pieces(
        &self,
        change: &'static str,
        (table, key): (&'static str, &'static str),
        condition: &'static str,
        time: i64,
    ) -> Result<u64, Fault> {
        const PIECE: u64 = 1000;
        let mut rows = 0;
        loop {
            let mut db = self.write().await?;
            let skip = db.dialect(&SKIP_LOCKED);
            let piece = sql_of(format!(
                "{change} WHERE {key} IN \
                 (SELECT {key} FROM {table} WHERE {condition} LIMIT $2 {skip})"
            ));
            let done = db.execute(piece.bind(time).bind(PIECE.cast_signed())).await?;
            rows += done;
            if done < PIECE {
                return Ok(rows);
            }
        }
    }
}
