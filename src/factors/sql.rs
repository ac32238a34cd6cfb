//! The tables of authenticator apps, recovery codes and trusted devices.

use sqlx::FromRow;

use super::{Factors, trusted::TrustedDevice};
use crate::{
    domain::AccountId,
    platform::error::Fault,
    store::{
        Kind::{Number, Text},
        Store, Table,
        db::{Db, Tx, sql},
        table,
    },
};

pub(crate) const TABLES: &[Table] = &[
    table(
        "second_factors",
        &[
            ("account_id", Number),
            ("secret", Text),
            ("confirmed_at", Number),
            ("used_step", Number),
            ("pending_secret", Text),
            ("pending_codes", Text),
            ("pending_until", Number),
            ("unproven", Number),
            ("offer_declined_at", Number),
        ],
    ),
    table(
        "recovery_codes",
        &[
            ("account_id", Number),
            ("place", Number),
            ("code", Text),
            ("made_at", Number),
            ("used_at", Number),
        ],
    ),
    table(
        "trusted_devices",
        &[
            ("id", Text),
            ("account_id", Number),
            ("tag", Text),
            ("device", Text),
            ("network", Text),
            ("created_at", Number),
            ("expires_at", Number),
        ],
    ),
];

pub(super) async fn of(db: &mut Db, account: AccountId) -> Result<Factors, Fault> {
    let query = "SELECT (SELECT confirmed_at FROM second_factors WHERE account_id = $1), \
                 (SELECT offer_declined_at FROM second_factors WHERE account_id = $1), \
                 (SELECT COUNT(*) FROM recovery_codes WHERE account_id = $1 AND used_at IS NULL)";
    let row: (Option<i64>, Option<i64>, i64) = db.one(sql(query).bind(account)).await?;
    let (confirmed, declined, codes_left) = row;
    Ok(Factors {
        totp: confirmed.is_some(),
        codes_left,
        passkeys: 0,
        offer_declined: declined.is_some(),
    })
}

/// An authenticator app, sealed.
#[derive(FromRow)]
pub(super) struct TotpRow {
    pub(super) secret: Option<String>,
    pub(super) confirmed_at: Option<i64>,
    pub(super) used_step: i64,
    pub(super) pending_secret: Option<String>,
    pub(super) pending_codes: Option<String>,
    pub(super) pending_until: i64,
}

pub(super) async fn totp(db: &mut Db, account: AccountId) -> Result<Option<TotpRow>, Fault> {
    let query = "SELECT secret, confirmed_at, used_step, pending_secret, pending_codes, pending_until \
                 FROM second_factors WHERE account_id = $1";
    db.optional(sql(query).bind(account)).await
}

/// Notes what is being set up. `secret`: none if only codes are.
pub(super) async fn set_pending(
    tx: &mut Tx,
    account: AccountId,
    secret: Option<&str>,
    codes: &str,
    until: i64,
) -> Result<(), Fault> {
    let set = "INSERT INTO second_factors (account_id, pending_secret, pending_codes, pending_until) \
               VALUES ($1, $2, $3, $4) ON CONFLICT (account_id) DO UPDATE SET \
               pending_secret = excluded.pending_secret, pending_codes = excluded.pending_codes, \
               pending_until = excluded.pending_until";
    tx.execute(sql(set).bind(account).bind(secret).bind(codes).bind(until)).await?;
    Ok(())
}

/// The pending secret becomes the one that counts, sealed as such. `false`: another one is pending.
pub(super) async fn confirm(
    tx: &mut Tx,
    account: AccountId,
    pending: &str,
    secret: &str,
    step: i64,
    unproven: bool,
    now: i64,
) -> Result<bool, Fault> {
    let confirm = "UPDATE second_factors SET secret = $3, confirmed_at = $4, used_step = $5, unproven = $6, \
                   pending_secret = NULL, pending_codes = NULL, pending_until = 0 \
                   WHERE account_id = $1 AND pending_secret = $2";
    let confirm = sql(confirm).bind(account).bind(pending).bind(secret).bind(now).bind(step);
    let confirm = confirm.bind(unproven);
    Ok(tx.execute(confirm).await? == 1)
}

pub(super) async fn forget_pending(tx: &mut Tx, account: AccountId) -> Result<(), Fault> {
    let forget = "UPDATE second_factors SET pending_secret = NULL, pending_codes = NULL, \
                  pending_until = 0 WHERE account_id = $1";
    tx.execute(sql(forget).bind(account)).await?;
    Ok(())
}

/// Uses up a step. `false`: it, or a later one, has been used, or the app is gone.
pub(super) async fn use_step(tx: &mut Tx, account: AccountId, step: i64) -> Result<bool, Fault> {
    let update = "UPDATE second_factors SET used_step = $2 \
                  WHERE account_id = $1 AND confirmed_at IS NOT NULL AND used_step < $2";
    Ok(tx.execute(sql(update).bind(account).bind(step)).await? == 1)
}

/// `false`: there was none.
pub(super) async fn delete_totp(tx: &mut Tx, account: AccountId) -> Result<bool, Fault> {
    let delete = "UPDATE second_factors SET secret = NULL, confirmed_at = NULL, used_step = 0, \
                  pending_secret = NULL, pending_codes = NULL, pending_until = 0 \
                  WHERE account_id = $1 AND confirmed_at IS NOT NULL";
    Ok(tx.execute(sql(delete).bind(account)).await? == 1)
}

/// Whether there is one that was not set up while an address waited to be verified.
pub(super) async fn is_totp_proven(tx: &mut Tx, account: AccountId) -> Result<bool, Fault> {
    let query = "SELECT account_id FROM second_factors \
                 WHERE account_id = $1 AND confirmed_at IS NOT NULL AND unproven = 0";
    tx.exists(sql(query).bind(account)).await
}

pub(super) async fn decline_offer(tx: &mut Tx, account: AccountId, now: i64) -> Result<(), Fault> {
    let decline = "INSERT INTO second_factors (account_id, offer_declined_at) VALUES ($1, $2) \
                   ON CONFLICT (account_id) DO UPDATE SET offer_declined_at = $2";
    tx.execute(sql(decline).bind(account).bind(now)).await?;
    Ok(())
}

/// The recovery codes of an account: each place, the sealed hash, and when it was used.
pub(super) async fn codes(
    db: &mut Db,
    account: AccountId,
) -> Result<Vec<(i64, String, Option<i64>)>, Fault> {
    let query = "SELECT place, code, used_at FROM recovery_codes WHERE account_id = $1 \
                 ORDER BY place";
    db.all(sql(query).bind(account)).await
}

pub(super) async fn insert_code(
    tx: &mut Tx,
    account: AccountId,
    place: i64,
    code: &str,
    now: i64,
) -> Result<(), Fault> {
    let insert = "INSERT INTO recovery_codes (account_id, place, code, made_at) \
                  VALUES ($1, $2, $3, $4)";
    tx.execute(sql(insert).bind(account).bind(place).bind(code).bind(now)).await?;
    Ok(())
}

/// `false`: it has been used, or the codes are other ones now.
pub(super) async fn use_code(
    tx: &mut Tx,
    account: AccountId,
    place: i64,
    code: &str,
    now: i64,
) -> Result<bool, Fault> {
    let update = "UPDATE recovery_codes SET used_at = $4 \
                  WHERE account_id = $1 AND place = $2 AND code = $3 AND used_at IS NULL";
    let update = sql(update).bind(account).bind(place).bind(code).bind(now);
    Ok(tx.execute(update).await? == 1)
}

pub(super) async fn delete_codes(tx: &mut Tx, account: AccountId) -> Result<(), Fault> {
    let delete = "DELETE FROM recovery_codes WHERE account_id = $1";
    tx.execute(sql(delete).bind(account)).await?;
    Ok(())
}

#[derive(FromRow)]
struct TrustedRow {
    id: String,
    device: String,
    network: String,
    created_at: i64,
    expires_at: i64,
}

pub(super) async fn trusted(
    db: &mut Db,
    account: AccountId,
    now: i64,
) -> Result<Vec<TrustedDevice>, Fault> {
    let query = "SELECT id, device, network, created_at, expires_at FROM trusted_devices \
                 WHERE account_id = $1 AND expires_at > $2 ORDER BY created_at DESC, id";
    let rows: Vec<TrustedRow> = db.all(sql(query).bind(account).bind(now)).await?;
    let device = |row: TrustedRow| TrustedDevice {
        id: row.id,
        device: row.device,
        network: row.network,
        created_at: row.created_at,
        expires_at: row.expires_at,
    };
    Ok(rows.into_iter().map(device).collect())
}

pub(super) async fn is_trusted(
    db: &mut Db,
    account: AccountId,
    tag: &str,
    now: i64,
) -> Result<bool, Fault> {
    let query = "SELECT account_id FROM trusted_devices \
                 WHERE account_id = $1 AND tag = $2 AND expires_at > $3";
    db.exists(sql(query).bind(account).bind(tag).bind(now)).await
}

/// Replaces an earlier entry of the same device.
pub(super) async fn trust(
    tx: &mut Tx,
    account: AccountId,
    tag: &str,
    new: &TrustedDevice,
) -> Result<(), Fault> {
    let delete = "DELETE FROM trusted_devices WHERE account_id = $1 AND tag = $2";
    tx.execute(sql(delete).bind(account).bind(tag)).await?;
    let insert = "INSERT INTO trusted_devices (id, account_id, tag, device, network, created_at, \
                  expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let insert = sql(insert).bind(&new.id).bind(account).bind(tag).bind(&new.device);
    tx.execute(insert.bind(&new.network).bind(new.created_at).bind(new.expires_at)).await?;
    Ok(())
}

pub(super) async fn distrust(tx: &mut Tx, account: AccountId, id: &str) -> Result<bool, Fault> {
    let delete = "DELETE FROM trusted_devices WHERE account_id = $1 AND id = $2";
    Ok(tx.execute(sql(delete).bind(account).bind(id)).await? == 1)
}

pub(super) async fn distrust_all(tx: &mut Tx, account: AccountId) -> Result<(), Fault> {
    let delete = "DELETE FROM trusted_devices WHERE account_id = $1";
    tx.execute(sql(delete).bind(account)).await?;
    Ok(())
}

/// Sealed secrets of accounts with an id greater than `after`, in that order.
pub(super) async fn sealed_secrets(
    db: &mut Db,
    after: i64,
    most: i64,
) -> Result<Vec<(i64, String)>, Fault> {
    let query = "SELECT account_id, secret FROM second_factors \
                 WHERE account_id > $1 AND secret IS NOT NULL ORDER BY account_id LIMIT $2";
    db.all(sql(query).bind(after).bind(most)).await
}

pub(super) async fn reseal_secret(
    tx: &mut Tx,
    account: i64,
    old: &str,
    new: &str,
) -> Result<(), Fault> {
    let update = "UPDATE second_factors SET secret = $3 WHERE account_id = $1 AND secret = $2";
    tx.execute(sql(update).bind(account).bind(old).bind(new)).await?;
    Ok(())
}

/// Sealed codes after this place of this account, in that order.
pub(super) async fn sealed_codes(
    db: &mut Db,
    (account, place): (i64, i64),
    most: i64,
) -> Result<Vec<(i64, i64, String)>, Fault> {
    let query = "SELECT account_id, place, code FROM recovery_codes \
                 WHERE account_id > $1 OR (account_id = $1 AND place > $2) \
                 ORDER BY account_id, place LIMIT $3";
    db.all(sql(query).bind(account).bind(place).bind(most)).await
}

pub(super) async fn reseal_code(
    tx: &mut Tx,
    (account, place): (i64, i64),
    old: &str,
    new: &str,
) -> Result<(), Fault> {
    let update = "UPDATE recovery_codes SET code = $4 \
                  WHERE account_id = $1 AND place = $2 AND code = $3";
    tx.execute(sql(update).bind(account).bind(place).bind(old).bind(new)).await?;
    Ok(())
}

/// Forgets devices whose trust is over, and what was not set up in time.
pub(crate) async fn forget(store: &Store, now: i64) -> Result<(), Fault> {
    let devices = ("trusted_devices", "id");
    store.in_pieces("DELETE FROM trusted_devices", devices, "expires_at <= $1", now).await?;
    let forget = "UPDATE second_factors SET pending_secret = NULL, pending_codes = NULL, \
                  pending_until = 0";
    let over = "pending_until > 0 AND pending_until <= $1";
    store.in_pieces(forget, ("second_factors", "account_id"), over, now).await?;
    Ok(())
}
