//! Passkeys (WebAuthn Level 3): their table, their challenges, and the check of what an
//! authenticator signs.
//!
//! # Why the check is our own
//!
//! The libraries that were tried bring a second stack of cryptography beside aws-lc: webauthn-rs 0.6
//! 73 crates, webauthn_rp 0.3 33, and both the crate `rsa` that `.deny.toml` bans. Besides,
//! webauthn-rs discourages discoverable credentials, which signing in with nothing typed needs. What
//! is left to do is little, because no attestation is asked for: CBOR is read by ciborium, COSE keys
//! by coset, signatures are verified by aws-lc, and the test vectors of the W3C prove the rest
//! (`ceremony.rs`).
//!
//! # Challenges
//!
//! A challenge is a statement of this server, with a random part, an end and a tag. Making one writes
//! nothing, so nobody can fill the database by loading the sign-in page. Answering one with a valid
//! signature writes its hash, in the transaction of the act: it works once (RE-06).
//!
//! User verification is always required, so a passkey is both factors at once.

mod ceremony;
mod challenge;
pub mod options;
mod sql;

use std::{collections::BTreeMap, sync::LazyLock};

use crate::{
    domain::AccountId,
    platform::{error::Fault, public_url::PublicUrl},
    store::{
        Store,
        db::{Db, Tx},
    },
};

pub use ceremony::{Assertion, NewKey, Registration, Rejected, Verified};
pub use challenge::Ceremony;
pub(crate) use challenge::spend;
pub(crate) use sql::TABLES;

/// The most passkeys an account may have.
pub const MAX_PASSKEYS: usize = 20;

/// How long a challenge works, in seconds.
pub const CHALLENGE_TTL: i64 = 5 * 60;

/// The home of the passkeys: this server, by its public address.
#[derive(Clone, Debug)]
pub struct RelyingParty {
    /// The host.
    pub id: String,
    pub origin: String,
}

impl RelyingParty {
    #[must_use]
    pub fn of(url: &PublicUrl) -> Self {
        Self { id: url.host().to_owned(), origin: url.origin() }
    }
}

/// A passkey as stored. Times are seconds since 1970, UTC.
#[derive(Clone, Debug)]
pub struct Passkey {
    /// The credential id, in base64url.
    pub id: String,
    pub account: AccountId,
    pub name: String,
    pub created_at: i64,
    pub last_used_at: Option<i64>,
    /// Whether it may be synchronised to other devices, and whether it is.
    pub backup_eligible: bool,
    pub backed_up: bool,
    /// The COSE key, in base64url.
    public_key: String,
    counter: i64,
    transports: String,
}

/// The user handle of an account (WebAuthn, section 5.4.3): it says nothing about its owner.
#[must_use]
pub fn user_handle(account: AccountId) -> [u8; 8] {
    account.0.to_be_bytes()
}

/// The usual name of the authenticator with this AAGUID, such as that of a password manager. The list
/// is the names of <https://github.com/passkeydeveloper/passkey-authenticator-aaguids> as of August
/// 2026.
#[must_use]
pub fn provider(aaguid: &str) -> Option<&'static str> {
    static PROVIDERS: LazyLock<BTreeMap<&str, &str>> = LazyLock::new(|| {
        serde_json::from_str(include_str!("passkeys/providers.json")).unwrap_or_default()
    });
    PROVIDERS.get(aaguid).copied()
}

/// The passkeys of an account that work at this address, the oldest first.
pub async fn of_account(
    store: &Store,
    account: AccountId,
    home: &RelyingParty,
) -> Result<Vec<Passkey>, Fault> {
    sql::of_account(&mut store.read().await?, account, &home.id).await
}

/// How many there are.
pub(crate) async fn count(
    db: &mut Db,
    account: AccountId,
    home: &RelyingParty,
) -> Result<i64, Fault> {
    sql::count(db, account, &home.id).await
}

/// How many an account has, for any address.
pub(crate) async fn count_all(db: &mut Db, account: AccountId) -> Result<i64, Fault> {
    sql::count_all(db, account).await
}

/// How many passkeys, of all accounts, belong to another address than this one and so work nowhere.
pub async fn strays(store: &Store, home: &RelyingParty) -> Result<i64, Fault> {
    sql::strays(&mut store.read().await?, &home.id).await
}

/// The passkey with this credential id.
pub(crate) async fn find(
    store: &Store,
    id: &str,
    home: &RelyingParty,
) -> Result<Option<Passkey>, Fault> {
    sql::find(&mut store.read().await?, id, &home.id).await
}

/// Adds a passkey to an account. `unproven`: an address of the account waits to be verified. `false`:
/// there is a passkey with this credential id.
pub(crate) async fn add(
    tx: &mut Tx,
    account: AccountId,
    name: &str,
    key: &NewKey,
    home: &RelyingParty,
    unproven: bool,
    now: i64,
) -> Result<bool, Fault> {
    sql::insert(tx, account, name, key, (&home.id, unproven), now).await
}

/// Notes the use of a passkey. `false`: it is gone, or its counter has not risen since it was read.
pub(crate) async fn used(tx: &mut Tx, key: &Verified, now: i64) -> Result<bool, Fault> {
    sql::used(tx, key, now).await
}

/// Renames a passkey of an account. `false`: it has no such passkey.
pub(crate) async fn rename(
    tx: &mut Tx,
    account: AccountId,
    id: &str,
    name: &str,
) -> Result<bool, Fault> {
    sql::rename(tx, account, id, name).await
}

/// Removes a passkey of an account, and returns its name. `None`: it has no such passkey.
pub(crate) async fn remove(
    tx: &mut Tx,
    account: AccountId,
    id: &str,
) -> Result<Option<String>, Fault> {
    sql::remove(tx, account, id).await
}

/// Removes all passkeys of an account, and returns their number.
pub(crate) async fn remove_all(tx: &mut Tx, account: AccountId) -> Result<u64, Fault> {
    sql::remove_all(tx, account).await
}

/// Whether an account has a passkey that was not added while an address waited to be verified.
pub(crate) async fn is_one_proven(tx: &mut Tx, account: AccountId) -> Result<bool, Fault> {
    sql::is_one_proven(tx, account).await
}

#[cfg(test)]
mod tests;
