//! Hashes that other programs have made, in their usual spellings (PW-07).
//!
//! They are only ever verified: at the next right sign-in the account gets one of ours. Every one is
//! read, and its cost bounded, before it is let into the database. PBKDF2 is aws-lc's, scrypt and
//! bcrypt are of RustCrypto and its neighbours; this file only reads spellings.

use std::num::NonZero;

use argon2::{Algorithm, Params, PasswordHash, Version};
use aws_lc_rs::{constant_time, digest, pbkdf2};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};

use super::MAX_MEMORY;
use crate::server::random::hexadecimal;

/// Each costs a core a second or two at most.
const MAX_ARGON2_MEMORY_PASSES: u64 = 2_621_440;
const MAX_BCRYPT_COST: u32 = 14;
const MAX_SCRYPT_WORK: u64 = 1 << 22;
const MAX_PBKDF2_ITERATIONS: u32 = 2_500_000;

/// Longer than any that is known.
const MAX_LENGTH: usize = 512;

/// A hash that can be verified, in whatever spelling it came.
pub(super) enum StoredHash {
    Argon2(Box<PasswordHash>),
    Imported(Imported),
}

pub(super) enum Imported {
    Bcrypt {
        hash: String,
        /// Django's `bcrypt_sha256`: of the hexadecimal SHA-256 of the password.
        of_sha256: bool,
    },
    Scrypt {
        params: scrypt::Params,
        salt: Vec<u8>,
        hash: Vec<u8>,
    },
    Pbkdf2 {
        algorithm: pbkdf2::Algorithm,
        iterations: NonZero<u32>,
        salt: Vec<u8>,
        hash: Vec<u8>,
    },
}

impl StoredHash {
    /// Reads PHC strings, modular crypt, and Django's spellings; Devise and Laravel write bcrypt and
    /// Argon2 in the first two. No reason shows the hash.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > MAX_LENGTH {
            return Err("is too long for a hash");
        }
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err("holds what no hash holds");
        }
        let text = text.strip_prefix("argon2$").map_or(text, |_| &text["argon2".len()..]);
        if text.starts_with("$argon2") {
            return argon2(text);
        }
        let (of_sha256, modular) = match text.split_once("$$2") {
            Some(("bcrypt_sha256", _)) => (true, &text["bcrypt_sha256$".len()..]),
            Some(("bcrypt", _)) => (false, &text["bcrypt$".len()..]),
            _ => (false, text),
        };
        if modular.starts_with("$2") {
            return bcrypt(modular, of_sha256).map(Self::Imported);
        }
        let parts: Vec<&str> = text.split('$').collect();
        let imported = match parts[..] {
            ["", "scrypt", params, salt, hash] => {
                let value = |name: &str| parameter(params, name);
                let log_n = value("ln").and_then(|ln| u8::try_from(ln).ok());
                scrypt(log_n, value("r"), value("p"), unpadded(salt), unpadded(hash))
            }
            ["scrypt", n, salt, r, p, hash] => {
                let n: Option<u32> = n.parse().ok().filter(|n: &u32| n.is_power_of_two());
                let log_n = n.and_then(|n| u8::try_from(n.trailing_zeros()).ok());
                let (r, p) = (r.parse().ok(), p.parse().ok());
                scrypt(log_n, r, p, Some(salt.into()), STANDARD.decode(hash).ok())
            }
            ["", name, params, salt, hash] if name.starts_with("pbkdf2") => {
                // PHC names its parameters, passlib writes the rounds alone.
                let iterations = parameter(params, "i").or_else(|| params.parse().ok());
                pbkdf2(&name.replace("pbkdf2-", ""), iterations, unpadded(salt), unpadded(hash))
            }
            [name, iterations, salt, hash] if name.starts_with("pbkdf2_") => pbkdf2(
                &name.replace("pbkdf2_", ""),
                iterations.parse().ok(),
                Some(salt.into()),
                STANDARD.decode(hash).ok(),
            ),
            _ => Err("is no hash of Argon2, bcrypt, scrypt or PBKDF2 in a spelling that is known"),
        };
        imported.map(Self::Imported)
    }
}

impl Imported {
    /// Whether it is the hash of this password. Takes what the hash costs.
    pub(super) fn verify(&self, password: &[u8]) -> bool {
        match self {
            Self::Bcrypt { hash, of_sha256: false } => {
                bcrypt::verify(password, hash).unwrap_or(false)
            }
            Self::Bcrypt { hash, of_sha256: true } => {
                let digest = digest::digest(&digest::SHA256, password);
                bcrypt::verify(hexadecimal(digest.as_ref()), hash).unwrap_or(false)
            }
            Self::Scrypt { params, salt, hash } => {
                let mut output = vec![0; hash.len()];
                scrypt::scrypt(password, salt, params, &mut output).is_ok()
                    && constant_time::verify_slices_are_equal(&output, hash).is_ok()
            }
            Self::Pbkdf2 { algorithm, iterations, salt, hash } => {
                pbkdf2::verify(*algorithm, *iterations, salt, password, hash).is_ok()
            }
        }
    }
}

const TOO_COSTLY: &str = "costs more than we are ready to spend on a sign-in";

fn argon2(text: &str) -> Result<StoredHash, &'static str> {
    let hash = PasswordHash::new(text).map_err(|_| "is no PHC string of Argon2")?;
    let params = Params::try_from(&hash).map_err(|_| "has no parameters of Argon2")?;
    Algorithm::try_from(hash.algorithm.as_str()).map_err(|_| "is of an unknown kind of Argon2")?;
    let version = hash.version.unwrap_or(Version::V0x13.into());
    Version::try_from(version).map_err(|_| "is of an unknown version of Argon2")?;
    let (memory, passes) = (params.m_cost(), params.t_cost());
    let work = u64::from(memory) * u64::from(passes);
    if memory > MAX_MEMORY || work > MAX_ARGON2_MEMORY_PASSES || params.p_cost() > 16 {
        return Err(TOO_COSTLY);
    }
    if hash.salt.is_none() || hash.hash.is_none() {
        return Err("has no salt, or no hash");
    }
    Ok(StoredHash::Argon2(Box::new(hash)))
}

fn bcrypt(text: &str, of_sha256: bool) -> Result<Imported, &'static str> {
    let known = ["$2a$", "$2b$", "$2y$"].iter().any(|version| text.starts_with(version));
    let parts: bcrypt::HashParts = text.parse().map_err(|_| "is no hash of bcrypt")?;
    if !known || text.len() != 60 {
        return Err("is no hash of bcrypt");
    }
    match parts.get_cost() {
        4..=MAX_BCRYPT_COST => Ok(Imported::Bcrypt { hash: text.to_owned(), of_sha256 }),
        _ => Err(TOO_COSTLY),
    }
}

fn scrypt(
    log_n: Option<u8>,
    r: Option<u32>,
    p: Option<u32>,
    salt: Option<Vec<u8>>,
    hash: Option<Vec<u8>>,
) -> Result<Imported, &'static str> {
    const NONE: &str = "is no hash of scrypt";
    let (Some(log_n), Some(r), Some(p)) = (log_n, r, p) else { return Err(NONE) };
    let (salt, hash) = bytes(salt, hash, NONE)?;
    let work = 1_u64.checked_shl(log_n.into()).and_then(|n| n.checked_mul(r.into()));
    let memory = work.and_then(|work| work.checked_mul(128)).unwrap_or(u64::MAX);
    let work = work.and_then(|work| work.checked_mul(p.into())).unwrap_or(u64::MAX);
    if log_n >= 64 || memory > u64::from(MAX_MEMORY) * 1024 || work > MAX_SCRYPT_WORK {
        return Err(TOO_COSTLY);
    }
    let params = scrypt::Params::new(log_n, r, p).map_err(|_| NONE)?;
    Ok(Imported::Scrypt { params, salt, hash })
}

fn pbkdf2(
    digest: &str,
    iterations: Option<u32>,
    salt: Option<Vec<u8>>,
    hash: Option<Vec<u8>>,
) -> Result<Imported, &'static str> {
    const NONE: &str = "is no hash of PBKDF2";
    let (algorithm, block) = match digest {
        // passlib's name for SHA-1 is the bare one.
        "sha1" | "pbkdf2" => (pbkdf2::PBKDF2_HMAC_SHA1, 20),
        "sha256" => (pbkdf2::PBKDF2_HMAC_SHA256, 32),
        "sha512" => (pbkdf2::PBKDF2_HMAC_SHA512, 64),
        _ => return Err("is PBKDF2 with a digest that is not known"),
    };
    let (salt, hash) = bytes(salt, hash, NONE)?;
    let iterations = iterations.and_then(NonZero::new).ok_or(NONE)?;
    // Each block of the hash costs all of them.
    let blocks = u32::try_from(hash.len().div_ceil(block)).unwrap_or(u32::MAX);
    if iterations.get().saturating_mul(blocks) > MAX_PBKDF2_ITERATIONS {
        return Err(TOO_COSTLY);
    }
    Ok(Imported::Pbkdf2 { algorithm, iterations, salt, hash })
}

fn bytes(
    salt: Option<Vec<u8>>,
    hash: Option<Vec<u8>>,
    none: &'static str,
) -> Result<(Vec<u8>, Vec<u8>), &'static str> {
    let salt = salt.filter(|salt| !salt.is_empty()).ok_or(none)?;
    // A short one would be right for too many passwords.
    let hash = hash.filter(|hash| (16..=64).contains(&hash.len())).ok_or(none)?;
    Ok((salt, hash))
}

fn parameter(params: &str, name: &str) -> Option<u32> {
    let mut pairs = params.split(',').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name)?.1.parse().ok()
}

/// Base64 without padding; passlib writes `.` for `+`.
fn unpadded(text: &str) -> Option<Vec<u8>> {
    STANDARD_NO_PAD.decode(text.replace('.', "+").trim_end_matches('=')).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::{Passwords, Verdict},
        *,
    };
    use crate::domain::Password;

    /// Hashes of `correct horse battery staple`, made by bcrypt 4.0 (in the three spellings of its
    /// version), Django 5.2, passlib 1.7 and Python's hashlib.
    const HASHES: [&str; 16] = [
        "$2b$10$24d..m51fODhn2omaj1zb.ccIUOsurqqQaX4KNCaiCtYX9ANUlyDG",
        "$2y$10$8fSUfCmPR0DdDwHGz0IAfOsPqH56XWLWRT2SxOF/yHDwx0RKMt4xu",
        "$2a$10$yEOpzhSkFac4sDmiruTqneWtmL485Z1Z3jJ9x1eYy5t.Z7PSDr7Um",
        "pbkdf2_sha256$1000000$saltsaltsaltsalt$BxyWyMa2ZdPSpdL8MAGGV9bJDDi8VGZw+v9tf3HqgzQ=",
        "pbkdf2_sha1$1000000$saltsaltsaltsalt$BPPsB8qYZhG6z+D7i5AnYeZ3CmQ=",
        "argon2$argon2id$v=19$m=102400,t=2,p=8$OFA2MjVmeWVFSG1wRWJ5VWhuNGhkOA$7OwU+pkglL0gCgKrWYUslgJlXQfXMpqqBFsTutdbgr8",
        "bcrypt_sha256$$2b$12$EpnBAe1rjve3pfehguPdjOFSW9fqwW0ckDKc911PJXwxPDOqX0Ksi",
        "bcrypt$$2b$12$1nbYpdK5UZ7sQ8pn1u//NuzQSKhMnyPGMGysnq1uXlKtyCIuYNKZ2",
        "scrypt$16384$saltsaltsaltsalt$8$5$kfB6NJiL7KPtqLIbwSk5mT3IFHQmsrFuOroQM8REjqGp3nR0RGfk8sV9rOdNTkShbvlchmTbJxWM9L+vzYv37A==",
        "$pbkdf2-sha256$29000$8n6vNeZ8791bS6n13ttbqw$0fC41aACs75ct1MH8vMIbq8mtQJECtE4RKZHYqxQMgk",
        "$pbkdf2-sha512$25000$BCDkHANA6J3TOkeolRKCMA$5LSmzGdHVBk9xvjYVQ3pdmedUWY9yx/6wjUCCS1zqTZx6W.zoy/aO2XcmqRExucwFtMR/ERGnIvVac3Vh1QhJw",
        "$pbkdf2$131000$cO4dI2QMgbB2rlWKUQqBEA$1TYnIUoOnXhTkcS1UQf6q7Y2UbY",
        "$scrypt$ln=14,r=8,p=1$7V0LwTgnhFAqhbAWgtDaew$NvJoQRTE2J4wE3ja7C9HWBJMs8m3amUvls0H5armDqE",
        "$pbkdf2-sha256$i=100000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$CQEF03iMraucElCfobodRqkaFY16F3mxFDIvP9WoJcs",
        "$argon2id$v=19$m=8192,t=2,p=1$pzSGEOIcYyxlDOHcm1MKwQ$p5gzrSJJRzJLMDcMNIQQM3nKmuEc5rYZ5yUOXKXFydc",
        "$argon2i$v=19$m=4096,t=3,p=2$Reh9j/EeozTm/H9P6V0rpQ$bfMCNUfvt9IOghc+vLSwWOcHWMd30KKhP2GJ0O3odfM",
    ];

    #[tokio::test]
    async fn the_hashes_of_other_programs_are_verified_once_and_then_are_outdated() {
        let passwords = Passwords::new(2).expect("threads");
        let right = Password::parse("correct horse battery staple").expect("a password");
        let wrong = Password::parse("correct horse battery stable").expect("a password");
        for hash in HASHES {
            let verdict = passwords.verify(&right, Some(hash)).await.expect("a verdict");
            assert_eq!(verdict, Verdict { right: true, outdated: true }, "{hash}");
            let verdict = passwords.verify(&wrong, Some(hash)).await.expect("a verdict");
            assert!(!verdict.right, "{hash}");
        }
    }

    #[test]
    fn whatever_costs_too_much_or_is_no_hash_is_refused() {
        for (hash, reason) in [
            ("", "in a spelling"),
            ("password", "in a spelling"),
            ("5f4dcc3b5aa765d61d8327deb882cf99", "in a spelling"),
            ("$1$salt$hash", "in a spelling"),
            (
                "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
                "costs",
            ),
            (
                "$argon2id$v=19$m=19456,t=4000,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
                "costs",
            ),
            ("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ", "no hash"),
            ("$argon2id$nonsense", "PHC"),
            (
                "$argon2x$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
                "kind",
            ),
            (
                "$argon2id$v=20$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
                "version",
            ),
            ("pbkdf2_sha256$1000$sa\0lt$AAAAAAAAAAAAAAAAAAAAAA==", "no hash holds"),
            (
                "$pbkdf2$i=1000000$c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                "costs",
            ),
            ("$2b$31$abcdefghijklmnopqrstuuMkRAIhXmmFOgkGgTQXoYJgOFXNYjxyC", "costs"),
            ("$2b$12$short", "bcrypt"),
            ("$2x$12$abcdefghijklmnopqrstuuMkRAIhXmmFOgkGgTQXoYJgOFXNYjxyC", "bcrypt"),
            ("$scrypt$ln=30,r=8,p=1$c2FsdA$AAAAAAAAAAAAAAAAAAAAAA", "costs"),
            ("$scrypt$ln=15,r=8$c2FsdA$AAAAAAAAAAAAAAAAAAAAAA", "scrypt"),
            ("$scrypt$ln=255,r=4294967295,p=4294967295$c2FsdA$AAAAAAAAAAAAAAAAAAAAAA", "costs"),
            ("scrypt$16385$salt$8$1$AAAAAAAAAAAAAAAAAAAAAA==", "scrypt"),
            ("$pbkdf2-sha256$i=4294967295$c2FsdA$AAAAAAAAAAAAAAAAAAAAAA", "costs"),
            ("$pbkdf2-sha256$i=0$c2FsdA$AAAAAAAAAAAAAAAAAAAAAA", "PBKDF2"),
            ("$pbkdf2-md5$i=1000$c2FsdA$AAAAAAAAAAAAAAAAAAAAAA", "digest"),
            ("pbkdf2_sha256$1000$salt$AA==", "PBKDF2"),
            (&"x".repeat(513), "too long"),
        ] {
            let refused = StoredHash::parse(hash).err().unwrap_or_else(|| panic!("{hash}"));
            assert!(refused.contains(reason), "{hash}: {refused}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC{0,80}") {
            let _ = StoredHash::parse(&text);
        }

        #[test]
        fn what_looks_like_a_hash_is_read_without_a_panic(
            name in "(argon2|bcrypt|bcrypt_sha256|scrypt|pbkdf2_sha256)?",
            text in "\\$(2[aby]|argon2id|scrypt|pbkdf2(-sha(1|256|512))?)?\\$[a-z0-9=,$/+.]{0,60}",
        ) {
            let _ = StoredHash::parse(&format!("{name}{text}"));
        }
    }
}
