//! Authenticator apps (RFC 6238: SHA-1, six digits, 30 seconds, one step of drift) and recovery codes.

use totp_rs::{Builder, Secret, Totp};

use super::{
    Factors, RECOVERY_CODES_MADE, TOTP_ADDED, TOTP_REMOVED, added, begin, notify, read, sql,
    took_one_away,
};
use crate::{
    audit::{self, Event, sha256},
    domain::{AccountId, Code, Field},
    emails,
    keys::{Keys, Sealed},
    platform::{
        clock::now,
        error::{Fault, Refusal, Result},
        random,
        visit::Visit,
    },
    services::Services,
    sessions::{
        Second,
        caller::{Fresh, SignedIn},
    },
    store::db::Tx,
    throttle::{LIMITED, Who},
};

/// How long what is being set up waits for its first code, in seconds.
const SETUP_TTL: i64 = 3600;

/// How long the code that switched an app on is remembered as that, in seconds.
const SAME_CODE: i64 = 60;

/// How many recovery codes there are.
const CODES: i64 = 10;

/// The letters and digits of a recovery code: none is easily taken for another.
const ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// An app that waits for its first code. The recovery codes count from then on.
pub struct Setup {
    /// In base32. `None`: only codes are being set up.
    pub secret: Option<String>,
    /// `otpauth://…`
    pub uri: Option<String>,
    pub codes: Vec<String>,
    /// Names these codes: a form that shows them sends it back. In another tab there may be newer ones
    /// by then.
    pub set: String,
}

/// The name of a set of codes.
fn set_of(codes: &str) -> String {
    sha256(&format!("set of recovery codes: {codes}"))
}

/// Refuses a form whose codes are no longer the ones that wait.
fn is_newest(codes: &str, set: Option<&str>) -> Result<(), Refusal> {
    if set.is_none_or(|set| set == set_of(codes)) { Ok(()) } else { Err(Refusal::StaleForm) }
}

/// Makes a new secret and ten recovery codes, which wait for the first code. Nothing else changes.
pub async fn set_up(services: &Services, caller: Fresh<'_>) -> Result<Setup> {
    let secret = Secret::new(Box::new(random::bytes::<20>()?));
    make_pending(services, &caller, Some(secret.to_base32())).await
}

/// The app or the codes that are being set up in this session, or else new recovery codes. Another
/// session sees nothing of them: a thief who has seen them there must not know them.
pub async fn pending(services: &Services, caller: Fresh<'_>) -> Result<Setup> {
    let (account, keys) = (caller.account(), &services.keys);
    let row = sql::totp(&mut services.store.read().await?, account).await?;
    if let Some(row) = row.filter(|row| row.pending_until > now())
        && let Some(codes) = row
            .pending_codes
            .as_deref()
            .and_then(|codes| keys.open(Sealed::PendingCodes(account, caller.family()), codes))
    {
        let secret = row.pending_secret.as_deref();
        let secret = secret
            .and_then(|secret| keys.open(Sealed::PendingTotp(account, caller.family()), secret));
        let secret = secret.map(|secret| secret.to_string());
        return setup(services, &caller, secret, codes.split(' ').map(str::to_owned).collect());
    }
    make_pending(services, &caller, None).await
}

async fn make_pending(
    services: &Services,
    caller: &SignedIn,
    secret: Option<String>,
) -> Result<Setup> {
    let (account, keys, at) = (caller.account(), &services.keys, now());
    let codes: Vec<String> = (0..CODES).map(|_| new_code()).collect::<Result<_, _>>()?;
    let sealed_codes =
        keys.seal(Sealed::PendingCodes(account, caller.family()), &codes.join(" "))?;
    let seal = |secret: &String| keys.seal(Sealed::PendingTotp(account, caller.family()), secret);
    let sealed = secret.as_ref().map(seal).transpose()?;
    let (mut tx, _) = begin(services, caller, at).await?;
    sql::set_pending(&mut tx, account, sealed.as_deref(), &sealed_codes, at + SETUP_TTL).await?;
    tx.commit().await?;
    setup(services, caller, secret, codes)
}

fn setup(
    services: &Services,
    caller: &SignedIn,
    secret: Option<String>,
    codes: Vec<String>,
) -> Result<Setup> {
    let uri = match &secret {
        Some(secret) => {
            // A colon would end the name (Key Uri Format).
            let brand = services.settings.brand.name().replace(':', " ");
            let totp = totp(secret)?.with_issuer(Some(brand));
            let totp = totp.with_account_name(caller.profile().username.clone()).build();
            let uri = totp.and_then(|totp| totp.to_url()).map_err(error)?;
            // The defaults, in full: every app reads them, and so do people.
            Some(format!("{uri}&algorithm=SHA1&digits=6&period=30"))
        }
        None => None,
    };
    let set = set_of(&codes.join(" "));
    Ok(Setup { secret, uri, codes, set })
}

fn totp(secret: &str) -> Result<Builder, Fault> {
    let secret = Secret::try_from_base32(secret).map_err(error)?;
    Ok(Builder::new().with_secret(secret))
}

fn error(error: impl std::fmt::Display) -> Fault {
    Fault::internal(error.to_string())
}

/// The step whose code this is, whether it has been used or not.
pub(super) fn step(secret: &str, code: &str, now: i64) -> Result<Option<i64>, Fault> {
    let code: String = code.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    let totp: Totp = totp(secret)?.build().map_err(error)?;
    let step = totp.check(&code, now.max(0).cast_unsigned());
    Ok(step.and_then(|step| i64::try_from(step).ok()))
}

/// The secret of an account's app. `None`: it has none, or its secret can't be opened, which is told
/// in the log.
pub(super) async fn secret(services: &Services, account: AccountId) -> Result<Option<String>> {
    let row = sql::totp(&mut services.store.read().await?, account).await?;
    let Some(sealed) = row.and_then(|row| row.secret) else { return Ok(None) };
    let opened = services.keys.open(Sealed::Totp(account), &sealed);
    if opened.is_none() {
        tracing::error!(
            account = account.0,
            "the secret of an authenticator app can't be opened: name the earlier JWT_SECRET in \
             JWT_SECRET_PREVIOUS"
        );
    }
    Ok(opened.map(|secret| secret.to_string()))
}

/// Switches on the app that is being set up, if this is its code. `set`: the codes that were shown.
/// Returns the recovery codes.
pub async fn confirm(
    services: &Services,
    caller: Fresh<'_>,
    code: &str,
    set: Option<&str>,
    visit: &Visit,
) -> Result<Vec<String>> {
    let (store, keys, account) = (&services.store, &services.keys, caller.account());
    let event = Event::by_owner(visit, account, TOTP_ADDED);
    let counters = services.throttle.counters(keys, Who::Session(caller.family()), visit);
    services.throttle.refuse_if_limited(store, &counters, visit, LIMITED).await?;
    let row = sql::totp(&mut store.read().await?, account).await?;
    let row = row.filter(|row| row.pending_until > event.at);
    let waiting = row.and_then(|row| Some((row.pending_secret?, row.pending_codes?)));
    let opened = waiting.as_ref().and_then(|(secret, codes)| {
        let secret = keys.open(Sealed::PendingTotp(account, caller.family()), secret)?;
        Some((secret, keys.open(Sealed::PendingCodes(account, caller.family()), codes)?))
    });
    let Some(((sealed, _), (secret, codes))) = waiting.as_ref().zip(opened) else {
        return Err(Refusal::InvalidCode.into());
    };
    is_newest(&codes, set)?;
    let Some(step) = step(&secret, code, event.at)? else {
        let failed = Event { act: super::SETUP_FAILED, ..event };
        services.throttle.count(store, &counters, failed).await?;
        return Err(Refusal::InvalidCode.into());
    };
    let new = keys.seal(Sealed::Totp(account), &secret)?;
    let codes: Vec<String> = codes.split(' ').map(str::to_owned).collect();
    let (mut tx, revision) = begin(services, &caller, event.at).await?;
    let before = read(&mut tx, services, account).await?;
    let unproven = emails::is_waiting(&mut tx, account).await?;
    if !sql::confirm(&mut tx, account, sealed, &new, step, unproven, event.at).await? {
        tx.rollback().await?;
        return Err(Refusal::InvalidCode.into());
    }
    write_codes(&mut tx, keys, account, &codes, event.at).await?;
    // A thief may have the old app.
    let how = (before, before.totp);
    let changed = added(&mut tx, services, revision, caller, Second::Totp, how, event.at).await?;
    notify(&mut tx, services, account, "totp-added", &[]).await?;
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    services.live_sessions.changed(&changed);
    services.wake_outbox();
    event.log();
    Ok(codes)
}

/// Whether the app was switched on by this same code a moment ago: the form may have been sent twice.
pub async fn is_just_confirmed(
    services: &Services,
    caller: Fresh<'_>,
    code: &str,
) -> Result<bool, Fault> {
    let (account, at) = (caller.account(), now());
    let row = sql::totp(&mut services.store.read().await?, account).await?;
    let row = row.filter(|row| row.confirmed_at.is_some_and(|then| then > at - SAME_CODE));
    let Some(row) = row else { return Ok(false) };
    let secret = row.secret.as_deref();
    let secret = secret.and_then(|secret| services.keys.open(Sealed::Totp(account), secret));
    let step = secret.map(|secret| step(&secret, code, at)).transpose()?.flatten();
    Ok(step == Some(row.used_step))
}

/// Removes the authenticator app. Every other session ends.
pub async fn remove(services: &Services, caller: Fresh<'_>, visit: &Visit) -> Result<()> {
    let account = caller.account();
    let event = Event::by_owner(visit, account, TOTP_REMOVED);
    let (mut tx, revision) = begin(services, &caller, event.at).await?;
    if !sql::delete_totp(&mut tx, account).await? {
        tx.rollback().await?;
        return Ok(());
    }
    let changed = match took_one_away(&mut tx, services, revision, caller, event.at).await {
        Ok(changed) => changed,
        Err(error) => {
            tx.rollback().await?;
            return Err(error);
        }
    };
    notify(&mut tx, services, account, "totp-removed", &[]).await?;
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    services.live_sessions.changed(&changed);
    services.wake_outbox();
    event.log();
    Ok(())
}

/// Ten new recovery codes, which void the old ones.
pub async fn new_codes(
    services: &Services,
    caller: Fresh<'_>,
    visit: &Visit,
) -> Result<Vec<String>> {
    let account = caller.account();
    let event = Event::by_owner(visit, account, RECOVERY_CODES_MADE);
    let codes: Vec<String> = (0..CODES).map(|_| new_code()).collect::<Result<_, _>>()?;
    let (mut tx, _) = begin(services, &caller, event.at).await?;
    let Factors { totp, passkeys, .. } = read(&mut tx, services, account).await?;
    if !totp && passkeys == 0 {
        tx.rollback().await?;
        // They would stand in for nothing.
        return Err(Refusal::of_field(Field::FACTOR, Code::Missing).into());
    }
    write_codes(&mut tx, &services.keys, account, &codes, event.at).await?;
    notify(&mut tx, services, account, "recovery-codes", &[]).await?;
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    services.wake_outbox();
    event.log();
    Ok(codes)
}

/// The codes that wait take the place of the old ones.
pub async fn use_codes(
    services: &Services,
    caller: Fresh<'_>,
    set: &str,
    visit: &Visit,
) -> Result<()> {
    let account = caller.account();
    let event = Event::by_owner(visit, account, RECOVERY_CODES_MADE);
    let (mut tx, _) = begin(services, &caller, event.at).await?;
    let given = match read(&mut tx, services, account).await?.any() {
        true => give_pending_codes(&mut tx, services, &caller, Some(set), event.at).await,
        false => Err(Refusal::StaleForm.into()),
    };
    match given {
        Ok(true) => {}
        // None wait any more: they are in use, or others are.
        Ok(false) => {
            tx.rollback().await?;
            return Err(Refusal::StaleForm.into());
        }
        Err(error) => {
            tx.rollback().await?;
            return Err(error);
        }
    }
    notify(&mut tx, services, account, "recovery-codes", &[]).await?;
    audit::record(&mut tx, &event).await?;
    tx.commit().await?;
    services.wake_outbox();
    event.log();
    Ok(())
}

/// The codes that wait for the first passkey count from now on. `false`: none wait.
pub(super) async fn give_pending_codes(
    tx: &mut Tx,
    services: &Services,
    caller: &SignedIn,
    set: Option<&str>,
    now: i64,
) -> Result<bool> {
    let account = caller.account();
    let row = sql::totp(tx, account).await?.filter(|row| row.pending_until > now);
    let codes = row.and_then(|row| {
        services
            .keys
            .open(Sealed::PendingCodes(account, caller.family()), row.pending_codes.as_deref()?)
    });
    let Some(codes) = codes else { return Ok(false) };
    is_newest(&codes, set)?;
    let codes: Vec<String> = codes.split(' ').map(str::to_owned).collect();
    write_codes(tx, &services.keys, account, &codes, now).await?;
    sql::forget_pending(tx, account).await?;
    Ok(true)
}

async fn write_codes(
    tx: &mut Tx,
    keys: &Keys,
    account: AccountId,
    codes: &[String],
    now: i64,
) -> Result<(), Fault> {
    sql::delete_codes(tx, account).await?;
    for (place, code) in (1_i64..).zip(codes) {
        let sealed = keys.seal(Sealed::RecoveryCode(account, place), &hash(account, code))?;
        sql::insert_code(tx, account, place, &sealed, now).await?;
    }
    Ok(())
}

/// `XXXXX-XXXXX`: 50 random bits.
fn new_code() -> Result<String, Fault> {
    let random: [u8; 10] = random::bytes()?;
    let letters: String =
        random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
    Ok(format!("{}-{}", &letters[..5], &letters[5..]))
}

/// The hash of a recovery code, in any case, with or without its hyphen. It is stored sealed: without
/// the server's secret nobody can try codes against it.
pub(super) fn hash(account: AccountId, code: &str) -> String {
    let code: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    sha256(&format!("recovery code of {}: {}", account.0, code.to_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // Appendix B, by its last six digits.
        let secret = Secret::new(Box::from(*b"12345678901234567890")).to_base32();
        for (time, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            assert_eq!(step(&secret, code, time).expect("checked"), Some(time / 30), "{time}");
            assert_eq!(step(&secret, code, time + 30).expect("checked"), Some(time / 30));
            assert_eq!(step(&secret, code, time - 30).expect("checked"), Some(time / 30));
            assert_eq!(step(&secret, code, time + 60).expect("checked"), None, "{time}");
        }
        assert_eq!(step(&secret, "287 082", 59).expect("checked"), Some(1));
        for bad in ["", "28708", "2870820", "abcdef", "２８７０８２"] {
            assert_eq!(step(&secret, bad, 59).expect("checked"), None, "{bad}");
        }
    }

    #[test]
    fn recovery_codes_are_read_in_any_case_and_with_any_hyphens() {
        let code = new_code().expect("a code");
        assert_eq!((code.len(), code.find('-')), (11, Some(5)));
        let account = AccountId(7);
        let same = [code.to_lowercase(), code.replace('-', ""), format!(" {code} ")];
        for spelling in same {
            assert_eq!(hash(account, &spelling), hash(account, &code));
        }
        assert_ne!(hash(AccountId(8), &code), hash(account, &code));
    }
}
