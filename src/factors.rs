//! Second factors: authenticator apps, recovery codes, passkeys and trusted devices, as their owner
//! sets them up, and as they answer at sign-in.
//!
//! An account has a second factor once it has an authenticator app that a code has confirmed, or a
//! passkey. From then on, a password or a code by mail alone opens nothing but the second step, and
//! every proof is as strong: adding the first factor takes back the proofs of all other sessions.
//! Every change takes a fresh proof, leaves an event, and sends one notice (AU-09).
//!
//! On the pages, recovery codes are given before the first factor counts. Nobody can remove the last way
//! in.

mod answer;
pub mod by_mail;
mod identity;
pub mod json;
pub mod pages;
mod passkey;
mod reset;
mod seals;
pub mod settings;
mod sql;
mod totp;
pub mod trusted;

use crate::{
    audit::acts,
    domain::{AccountId, Code, Field},
    emails::{self, SECURITY},
    passkeys, passwords,
    platform::error::{Fault, Refusal, Result},
    providers::identities,
    services::Services,
    sessions::{
        self, Changed, Others, Second, account,
        caller::{Fresh, OVER, SignedIn},
    },
    store::{
        Store,
        changes::{self, Revision},
        db::{Db, Tx},
    },
};

pub use answer::{Answer, Answered};
pub(crate) use answer::{check, spend};
pub use identity::unlink;
pub use passkey::{
    add as add_passkey, options, remove as remove_passkey, rename as rename_passkey,
};
pub(crate) use reset::{by_operator, forget_unproven, is_proven};
pub(crate) use seals::{Unreadable, keep_readable, unreadable, warnings};
pub(crate) use sql::{TABLES, forget};
pub use totp::{
    Setup, confirm as confirm_totp, is_just_confirmed, new_codes, pending, remove as remove_totp,
    set_up as set_up_totp, use_codes,
};

acts! {
    SECOND_FACTOR_ASKED = "authn_login_success:first_factor";
    TOTP_ADDED = "authn_factor_added:totp";
    TOTP_REMOVED = "authn_factor_removed:totp";
    PASSKEY_ADDED = "authn_factor_added:passkey";
    PASSKEY_RENAMED = "authn_factor_changed:passkey";
    PASSKEY_REMOVED = "authn_factor_removed:passkey";
    /// There may be a copy of its authenticator.
    PASSKEY_WENT_BACK = "authn_login_fail:passkey_counter";
    /// A wrong code for an app that is being set up.
    SETUP_FAILED = "authn_factor_add_fail:totp";
    RECOVERY_CODES_MADE = "authn_token_created:recovery_codes";
    RECOVERY_CODE_USED = "authn_token_used:recovery_code";
    DEVICE_TRUSTED = "authn_device_trusted";
    DEVICE_UNTRUSTED = "authn_device_untrusted";
    RESET_BY_OPERATOR = "authn_factor_removed:operator";
    RESET_ASKED = "authn_token_created:factor_reset";
    RESET_STOPPED = "authn_token_revoked:factor_reset";
    RESET_BY_MAIL = "authn_factor_removed:mail";
    IDENTITY_UNLINKED = "authn_factor_removed:identity";
    /// Set up before the owner of the address came.
    UNPROVEN_REMOVED = "authn_factor_removed:unproven";
}

/// From how many recovery codes on their owner is warned.
pub const FEW_CODES: i64 = 3;

/// The page where a second factor is set up before anything else.
pub(crate) const SET_UP: &str = "/account/security/second-factor";

/// The second factors of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Factors {
    pub totp: bool,
    pub codes_left: i64,
    pub passkeys: i64,
    /// Whether its owner does not want to hear of passkeys again.
    pub offer_declined: bool,
}

impl Factors {
    /// Whether there is a second factor.
    #[must_use]
    pub fn any(&self) -> bool {
        self.totp || self.passkeys > 0
    }

    /// Their names (`secondFactors` of `GET /user`).
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        let totp = self.totp.then_some("totp");
        let passkey = (self.passkeys > 0).then_some("passkey");
        [totp, passkey].into_iter().flatten().collect()
    }

    /// How the second step can be done.
    #[must_use]
    pub fn methods(&self) -> Vec<&'static str> {
        let totp = self.totp.then_some("totp");
        let code = (self.any() && self.codes_left > 0).then_some("recovery-code");
        let passkey = (self.passkeys > 0).then_some("passkey");
        [totp, code, passkey].into_iter().flatten().collect()
    }
}

/// The second factors of an account.
pub async fn of(services: &Services, account: AccountId) -> Result<Factors, Fault> {
    read(&mut services.store.read().await?, services, account).await
}

/// The same for the operator: with the passkeys of every address.
pub(crate) async fn counted(store: &Store, account: AccountId) -> Result<Factors, Fault> {
    let mut db = store.read().await?;
    let passkeys = passkeys::count_all(&mut db, account).await?;
    Ok(Factors { passkeys, ..sql::of(&mut db, account).await? })
}

pub(crate) async fn read(
    db: &mut Db,
    services: &Services,
    account: AccountId,
) -> Result<Factors, Fault> {
    let passkeys = passkeys::count(db, account, &services.home).await?;
    Ok(Factors { passkeys, ..sql::of(db, account).await? })
}

/// Notes that the owner does not want to hear of passkeys again.
pub async fn decline_offer(services: &Services, caller: &SignedIn, now: i64) -> Result<(), Fault> {
    let mut tx = services.store.begin().await?;
    account::lock(&mut tx, caller.account()).await?;
    sql::decline_offer(&mut tx, caller.account(), now).await?;
    tx.commit().await
}

/// Begins a change of the caller's factors. Neither the session nor its proof may have ended meanwhile.
async fn begin(services: &Services, caller: &SignedIn, now: i64) -> Result<(Tx, Revision)> {
    services.throttle.act(caller.family())?;
    let mut tx = services.store.begin().await?;
    let revision = changes::next_revision(&mut tx).await?;
    let is_there = account::lock(&mut tx, caller.account()).await?.is_some();
    let proved_at = match is_there {
        true => sessions::proved_at(&mut tx, caller.session(), now).await?,
        false => None,
    };
    let refusal = match proved_at {
        // Another session has added the first factor at this moment.
        Some(0) => Refusal::ProofTooOld,
        Some(_) => return Ok((tx, revision)),
        None => OVER,
    };
    tx.rollback().await?;
    Err(refusal.into())
}

/// Ends what a factor that is gone has opened: every other session, links and challenges. Without any
/// factor, codes and trusted devices are worth nothing.
async fn took_one_away(
    tx: &mut Tx,
    services: &Services,
    revision: Revision,
    caller: Fresh<'_>,
    now: i64,
) -> Result<Changed> {
    let account = caller.account();
    let left = read(tx, services, account).await?;
    let is_required = services.settings.factors.required;
    if is_required && !left.any() {
        return Err(Refusal::of_field(Field::FACTOR, Code::Required).into());
    }
    sql::distrust_all(tx, account).await?;
    if !left.any() {
        sql::delete_codes(tx, account).await?;
    }
    let which = sessions::Which::AllBut(caller.session());
    Ok(sessions::end(tx, revision, account, which, now).await?)
}

/// Whether the account can still be entered: by a passkey, by its password, by mail, or with another provider.
async fn has_way_in(tx: &mut Tx, services: &Services, account: AccountId) -> Result<bool> {
    let has_passkey = read(tx, services, account).await?.passkeys > 0;
    let has_password =
        passwords::holder_in(tx, account).await?.is_some_and(|holder| holder.hash.is_some());
    let issuers = services.providers.issuers();
    Ok(has_passkey
        || has_password
        || identities::count(tx, account, &issuers).await? > 0
        || services.mail.is_some() && emails::reachable(tx, Some(account)).await?.is_some())
}

/// Tells the owner of a change.
async fn notify(
    tx: &mut Tx,
    services: &Services,
    account: AccountId,
    name: &str,
    values: &[(&str, &str)],
) -> Result<(), Fault> {
    emails::notify(tx, services, account, name, values, SECURITY).await
}

/// Strengthens the caller's session by a factor that was added. `before`: the factors until then.
/// `replaced`: another one has gone for it.
async fn added(
    tx: &mut Tx,
    services: &Services,
    revision: Revision,
    caller: Fresh<'_>,
    second: Second,
    (before, replaced): (Factors, bool),
    now: i64,
) -> Result<Changed> {
    let first = !before.any();
    let others = match first {
        // Nobody is left who would have to set one up.
        true if services.settings.factors.required => Others::End,
        true => Others::Doubted,
        false if replaced => Others::End,
        false => Others::Stay,
    };
    if replaced {
        sql::distrust_all(tx, caller.account()).await?;
    }
    Ok(sessions::strengthen(tx, revision, &caller, second, others, now).await?)
}
