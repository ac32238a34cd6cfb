//! Keeps the sealed secrets readable when `JWT_SECRET` is replaced.
//!
//! Everything in the tables of factors is sealed with keys derived from the server's secret. At every
//! start, what was sealed with the key of `JWT_SECRET_PREVIOUS` is sealed anew with today's. A secret that no
//! key opens is left as it is: once its secret is named again, it works again.

use super::sql;
use crate::{
    domain::AccountId,
    keys::{Keys, Opened, Sealed},
    passkeys::RelyingParty,
    platform::error::Fault,
    store::Store,
};

const PIECE: i64 = 500;

/// How many secrets of apps, and how many recovery codes, no key opens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unreadable {
    pub(crate) apps: usize,
    pub(crate) codes: usize,
}

/// Warnings for the operator: secrets that no key opens, and `strays`, passkeys of another address.
#[must_use]
pub(crate) fn warnings(unreadable: Unreadable, strays: i64, home: &RelyingParty) -> Vec<String> {
    let Unreadable { apps, codes } = unreadable;
    let lost = (apps + codes > 0).then(|| {
        format!(
            "second factors that can't be read (authenticator apps: {apps}, recovery codes: {codes}) \
             were sealed with another JWT_SECRET. Name that one in JWT_SECRET_PREVIOUS and restart, \
             and they work again"
        )
    });
    let strays = (strays > 0).then(|| {
        format!(
            "passkeys that were made for another PUBLIC_URL ({strays}) don't work at {}, and accounts \
             that have nothing else are let in by their password alone. They work again once \
             PUBLIC_URL has the host that they were made for",
            home.id
        )
    });
    [lost, strays].into_iter().flatten().collect()
}

/// Seals anew what was sealed with the previous secret, and counts what no key opens.
pub(crate) async fn keep_readable(store: &Store, keys: &Keys) -> Result<Unreadable, Fault> {
    walk(store, keys, true).await
}

/// Only counts.
pub(crate) async fn unreadable(store: &Store, keys: &Keys) -> Result<Unreadable, Fault> {
    walk(store, keys, false).await
}

async fn walk(store: &Store, keys: &Keys, renews: bool) -> Result<Unreadable, Fault> {
    let (mut found, mut last) = (Unreadable::default(), 0);
    loop {
        let rows = sql::sealed_secrets(&mut store.read().await?, last, PIECE).await?;
        let Some((end, _)) = rows.last() else { break };
        last = *end;
        for (account, sealed) in &rows {
            let what = Sealed::Totp(AccountId(*account));
            match keys.open_any(what, sealed) {
                Some(Opened { by_current: false, text }) if renews => {
                    let mut tx = store.begin().await?;
                    let new = keys.seal(what, &text)?;
                    sql::reseal_secret(&mut tx, *account, sealed, &new).await?;
                    tx.commit().await?;
                }
                Some(_) => {}
                None => found.apps += 1,
            }
        }
    }
    let mut last = (0, 0);
    loop {
        let rows = sql::sealed_codes(&mut store.read().await?, last, PIECE).await?;
        let Some((account, place, _)) = rows.last() else { return Ok(found) };
        last = (*account, *place);
        let mut tx = store.begin().await?;
        for (account, place, sealed) in &rows {
            let what = Sealed::RecoveryCode(AccountId(*account), *place);
            match keys.open_any(what, sealed) {
                Some(Opened { by_current: false, text }) if renews => {
                    let (new, row) = (keys.seal(what, &text)?, (*account, *place));
                    sql::reseal_code(&mut tx, row, sealed, &new).await?;
                }
                Some(_) => {}
                None => found.codes += 1,
            }
        }
        tx.commit().await?;
    }
}
