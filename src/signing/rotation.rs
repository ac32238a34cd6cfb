//! Letting the next key sign.

use std::sync::Arc;

use super::{
    Algorithm, DROPPED, KeySet, PUBLISHED_AHEAD, Part, SIGNS_FOR, SigningKeys, TURNED, insert,
    material::Fresh, sql,
};
use crate::{
    audit::{self, By, Event},
    keys::Keys,
    platform::{clock::now, error::Fault},
    store::{Store, changes},
};

/// The outcome of a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// The spare signs since now.
    Now,
    /// The spare is too new: clients may not know it yet. It signs from this time on.
    At(i64),
}

/// Lets the spare key of an algorithm sign, and makes another spare. `compromised`: the key that has signed
/// so far is dropped at once, and what it signed is worth nothing from then on.
pub async fn rotate(
    store: &Store,
    keys: &Arc<Keys>,
    algorithm: Algorithm,
    compromised: bool,
) -> Result<Rotated, Fault> {
    let signing = SigningKeys::new(store.clone(), keys.clone()).await?;
    signing.look_after(&[algorithm]).await?;
    let fresh = Fresh::make(algorithm).await?;
    let now = now();
    let mut tx = store.begin().await?;
    let revision = changes::next_revision(&mut tx).await?;
    let rows = sql::all(&mut tx).await?;
    let known = KeySet { keys: rows.iter().filter_map(|row| row.read(keys)).collect() };
    let of_it = || known.parts(now).filter(|(key, _)| key.algorithm == algorithm);
    let missing = || Fault::internal("there is no spare key");
    let (spare, _) = of_it()
        .find(|(key, part)| *part == Part::Spare && key.is_readable())
        .ok_or_else(missing)?;
    // Nobody has seen the first key without its spare.
    let is_first = of_it().all(|(key, part)| part != Part::Past && key.made_at == spare.made_at);
    let ripe_at = if is_first { now } else { spare.made_at + PUBLISHED_AHEAD };
    let is_ripe = compromised || ripe_at <= now;
    // The last to sign is the one that signs: two made in the same second must differ.
    let present = of_it().find(|(_, part)| *part == Part::Signs);
    let present = present.map_or(now, |(key, _)| key.signs_from + 1);
    let signs_from = if compromised { now } else { ripe_at.max(now).max(present) };
    sql::set_signs_from(&mut tx, &spare.kid, signs_from).await?;
    if is_ripe {
        insert(&mut tx, keys, &fresh, now, signs_from.max(now) + SIGNS_FOR).await?;
    }
    if compromised {
        for (key, part) in of_it() {
            if part != Part::Spare {
                sql::delete(&mut tx, &key.kid).await?;
            }
        }
    }
    changes::tell_all(&mut tx, revision).await?;
    let act = if compromised { DROPPED } else { TURNED };
    let mut event = Event::without_request(By::Operator, act, None, now);
    event.detail.note = algorithm.word().to_owned();
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    event.log();
    Ok(if is_ripe { Rotated::Now } else { Rotated::At(signs_from) })
}
