//! Requests that may be repeated without making anything twice (draft-ietf-httpapi-idempotency-key-header).
//!
//! A client that got no answer sends the same request again, with the same `Idempotency-Key`, and gets the answer
//! of the first. Keys are kept for a day, apart for each caller. A refused request is not kept: it made nothing. One
//! that the server could not finish is: it may have made something, and whoever sent it has to look.

use super::sql::{self, Before};
use crate::{
    audit::sha256,
    domain::{Code, Field},
    keys::{Keys, Sealed},
    platform::{
        clock::now,
        error::{Fault, Refusal, Result},
    },
    store::Store,
};

/// In bytes.
const MAX_KEY: usize = 255;

/// What to do with a request.
pub(super) enum Repeatable {
    /// It is the first with its key: say how it ended.
    First(First),
    /// It came before: its status and its body.
    Again(u16, String),
}

/// A request that runs for the first time.
pub(super) struct First {
    hash: String,
}

/// Looks up a request. `key`: the header's value. `caller`, `request`: whose it is, and all that was asked.
pub(super) async fn look_up(
    store: &Store,
    keys: &Keys,
    key: &str,
    caller: &str,
    request: &str,
) -> Result<Repeatable> {
    if key.is_empty() || key.len() > MAX_KEY {
        let field = Field::named("Idempotency-Key");
        return Err(Refusal::of_field(field, Code::OutOfRange).into());
    }
    let now = now();
    let (hash, request) = (sha256(&format!("{caller}\n{key}")), sha256(request));
    let mut db = store.write().await?;
    if sql::begin(&mut db, &hash, &request, now).await? {
        return Ok(Repeatable::First(First { hash }));
    }
    let Some(Before { request: known, status, answer }) = sql::before(&mut db, &hash).await? else {
        // It was refused at this moment.
        return Err(Refusal::KeyInUse.into());
    };
    if known != request {
        return Err(Refusal::KeyReused.into());
    }
    match status.zip(answer) {
        Some((status, sealed)) => {
            let unreadable = || Fault::internal("an answer was sealed with another secret");
            let answer = keys.open(Sealed::Answer(&hash), &sealed).ok_or_else(unreadable)?;
            let status = u16::try_from(status).map_err(Fault::internal)?;
            Ok(Repeatable::Again(status, answer.to_string()))
        }
        None => Err(Refusal::KeyInUse.into()),
    }
}

impl First {
    /// Keeps the answer for those who ask again.
    pub(super) async fn answered(
        self,
        store: &Store,
        keys: &Keys,
        status: u16,
        answer: &str,
    ) -> Result<(), Fault> {
        let sealed = keys.seal(Sealed::Answer(&self.hash), answer)?;
        sql::answered(&mut store.write().await?, &self.hash, status.into(), &sealed).await
    }

    /// It was refused, and may be sent again.
    pub(super) async fn refused(self, store: &Store) -> Result<(), Fault> {
        sql::forget_one(&mut store.write().await?, &self.hash).await
    }
}
