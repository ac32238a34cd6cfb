//! How other programs make a digest of a password. The primitives come from libraries; this file
//! combines them as those programs do.

use std::num::NonZero;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::{
    cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey},
    digest, hmac, pbkdf2,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::platform::random::hexadecimal;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Hash {
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    fn of(self, parts: &[&[u8]]) -> Vec<u8> {
        let algorithm = match self {
            Self::Md5 => {
                let mut md5 = Md5::new();
                parts.iter().for_each(|part| md5.update(part));
                return md5.finalize().to_vec();
            }
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        };
        let mut context = digest::Context::new(algorithm);
        parts.iter().for_each(|part| context.update(part));
        context.finish().as_ref().to_vec()
    }

    /// Bytes.
    pub(super) fn size(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// The step before the hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Before {
    Nothing,
    /// Replaced by its hexadecimal digest.
    Hex(Hash),
    /// MediaWiki: the hexadecimal MD5 of salt, hyphen and hexadecimal MD5.
    MediaWiki(String),
    /// WordPress 6.8: the base64 of an HMAC-SHA384. WordPress trims, and escapes quotes with
    /// backslashes.
    WordPress,
    /// Only trimmed and escaped with backslashes.
    PhpBlanks,
    /// Unicode's compatibility composition.
    Nfkc,
}

/// How the digest is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Recipe {
    Argon2 {
        kind: u8,
        version: u32,
        memory: u32,
        passes: u32,
        lanes: u32,
        salt: Vec<u8>,
        length: usize,
    },
    Bcrypt {
        cost: u32,
        salt: [u8; 16],
    },
    Scrypt {
        log_n: u8,
        r: u32,
        p: u32,
        salt: Vec<u8>,
        length: usize,
    },
    Pbkdf2 {
        hash: Hash,
        iterations: u32,
        salt: Vec<u8>,
        length: usize,
    },
    /// A digest of `before`, the password and `behind`; then `more` rounds over the digest alone.
    Digest {
        hash: Hash,
        before: Vec<u8>,
        behind: Vec<u8>,
        more: u32,
    },
    /// An HMAC of the password.
    Hmac {
        hash: Hash,
        key: Vec<u8>,
    },
    /// phpass and Drupal. The digest is text, cut to a length.
    Phpass {
        hash: Hash,
        log_rounds: u8,
        salt: String,
        length: usize,
    },
    /// `$5$` and `$6$` of crypt(3). The digest is text.
    ShaCrypt {
        hash: Hash,
        rounds: u32,
        salt: String,
    },
    /// The project's key, encrypted with scrypt of the password.
    Firebase {
        log_n: u8,
        r: u32,
        salt: Vec<u8>,
        signer_key: Vec<u8>,
    },
}

/// The most memory for another program's hash, in KiB.
pub(super) const MAX_MEMORY: u32 = crate::passwords::MAX_MEMORY;

impl Before {
    /// The most candidates there can be.
    pub(super) fn most(&self) -> f64 {
        match self {
            Self::Nothing | Self::Hex(_) | Self::MediaWiki(_) | Self::Nfkc => 1.0,
            Self::WordPress => 2.0,
            Self::PhpBlanks => 3.0,
        }
    }

    /// The forms of a password that are hashed, in the order in which they are tried.
    pub(super) fn candidates(&self, password: &[u8]) -> Vec<Vec<u8>> {
        let of_php = |password: &[u8]| {
            let blanks = b" \t\n\r\0\x0b";
            let start = password.iter().position(|b| !blanks.contains(b)).unwrap_or(0);
            let end = password.iter().rposition(|b| !blanks.contains(b)).map_or(0, |end| end + 1);
            let trimmed = password.get(start..end).unwrap_or_default();
            let mut all = vec![trimmed.to_vec()];
            let needs_slash = |b: &u8| b"'\"\\\0".contains(b);
            if trimmed.iter().any(needs_slash) {
                let slashed = trimmed.iter().flat_map(|b| match b {
                    0 => vec![b'\\', b'0'],
                    b if needs_slash(b) => vec![b'\\', *b],
                    b => vec![*b],
                });
                all.push(slashed.collect());
            }
            all
        };
        match self {
            Self::Nothing => vec![password.to_vec()],
            Self::Hex(hash) => vec![hexadecimal(&hash.of(&[password])).into_bytes()],
            Self::MediaWiki(salt) => {
                let inner = hexadecimal(&Hash::Md5.of(&[password]));
                let outer = Hash::Md5.of(&[salt.as_bytes(), b"-", inner.as_bytes()]);
                vec![hexadecimal(&outer).into_bytes()]
            }
            Self::WordPress => {
                let key = hmac::Key::new(hmac::HMAC_SHA384, b"wp-sha384");
                let sign = |text: Vec<u8>| STANDARD.encode(hmac::sign(&key, &text)).into_bytes();
                of_php(password).into_iter().map(sign).collect()
            }
            Self::PhpBlanks => {
                let mut all = of_php(password);
                if !all.iter().any(|candidate| candidate == password) {
                    all.insert(0, password.to_vec());
                }
                all
            }
            Self::Nfkc => {
                let text = String::from_utf8_lossy(password);
                vec![text.nfkc().collect::<String>().into_bytes()]
            }
        }
    }
}

impl Recipe {
    /// The digest of a password. `None`: the parameters are invalid, which parsing has excluded.
    pub(super) fn digest(&self, password: &[u8], memory: &mut Vec<Block>) -> Option<Vec<u8>> {
        match self {
            Self::Argon2 { kind, version, memory: kib, passes, lanes, salt, length } => {
                let params = Params::new(*kib, *passes, *lanes, Some(*length)).ok()?;
                let argon2 = Argon2::new(argon2_kind(*kind)?, argon2_version(*version)?, params);
                argon2_digest(&argon2, password, salt, *length, memory)
            }
            // Bcrypt truncates longer passwords, and ends shorter ones with a NUL, as in every
            // program that uses it.
            Self::Bcrypt { cost, salt } => {
                let mut password = password.to_vec();
                password.push(0);
                password.truncate(72);
                // The last of its 24 bytes is not stored.
                Some(bcrypt::bcrypt(*cost, *salt, &password)[..23].to_vec())
            }
            Self::Scrypt { log_n, r, p, salt, length } => {
                let params = scrypt::Params::new(*log_n, *r, *p).ok()?;
                let mut output = vec![0; *length];
                scrypt::scrypt(password, salt, &params, &mut output).ok()?;
                Some(output)
            }
            Self::Pbkdf2 { hash, iterations, salt, length } => {
                let algorithm = match hash {
                    Hash::Sha1 => pbkdf2::PBKDF2_HMAC_SHA1,
                    Hash::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
                    Hash::Sha384 => pbkdf2::PBKDF2_HMAC_SHA384,
                    Hash::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
                    Hash::Md5 => return None,
                };
                let mut output = vec![0; *length];
                pbkdf2::derive(algorithm, NonZero::new(*iterations)?, salt, password, &mut output);
                Some(output)
            }
            Self::Digest { hash, before, behind, more } => {
                let first = hash.of(&[before, password, behind]);
                Some((0..*more).fold(first, |digest, _| hash.of(&[&digest])))
            }
            Self::Hmac { hash, key } => {
                let algorithm = match hash {
                    Hash::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
                    Hash::Sha256 => hmac::HMAC_SHA256,
                    Hash::Sha512 => hmac::HMAC_SHA512,
                    Hash::Md5 | Hash::Sha384 => return None,
                };
                let key = hmac::Key::new(algorithm, key);
                Some(hmac::sign(&key, password).as_ref().to_vec())
            }
            Self::Phpass { hash, log_rounds, salt, length } => {
                let first = hash.of(&[salt.as_bytes(), password]);
                let rounds = 1_u64.checked_shl((*log_rounds).into())?;
                let last = (0..rounds).fold(first, |digest, _| hash.of(&[&digest, password]));
                let mut text = crypt64(&last);
                text.truncate(*length);
                Some(text.into_bytes())
            }
            Self::ShaCrypt { hash, rounds, salt } => {
                let params = sha_crypt::Params::new(*rounds).ok()?;
                let salt = salt.as_bytes();
                Some(match hash {
                    Hash::Sha256 => {
                        let digest = sha_crypt::sha256_crypt(password, salt, params);
                        crypt64(&SHA256_ORDER.map(|index| digest[index])).into_bytes()
                    }
                    Hash::Sha512 => {
                        let digest = sha_crypt::sha512_crypt(password, salt, params);
                        crypt64(&SHA512_ORDER.map(|index| digest[index])).into_bytes()
                    }
                    Hash::Md5 | Hash::Sha1 | Hash::Sha384 => return None,
                })
            }
            Self::Firebase { log_n, r, salt, signer_key } => {
                let params = scrypt::Params::new(*log_n, *r, 1).ok()?;
                let mut key = [0; 32];
                scrypt::scrypt(password, salt, &params, &mut key).ok()?;
                let key = UnboundCipherKey::new(&AES_256, &key).ok()?;
                let mut text = signer_key.clone();
                let context = EncryptionContext::Iv128([0; 16].into());
                EncryptingKey::ctr(key).ok()?.less_safe_encrypt(&mut text, context).ok()?;
                Some(text)
            }
        }
    }

    /// Memory in bytes.
    pub(super) fn memory(&self) -> u64 {
        match self {
            Self::Argon2 { memory, .. } => u64::from(*memory) * 1024,
            Self::Scrypt { log_n, r, .. } | Self::Firebase { log_n, r, .. } => 1_u64
                .checked_shl((*log_n).into())
                .map_or(u64::MAX, |n| n.saturating_mul(128).saturating_mul((*r).into())),
            _ => 0,
        }
    }

    /// The time it takes, in multiples of our own hash, roughly.
    pub(super) fn time(&self) -> f64 {
        match self {
            Self::Argon2 { memory, passes, .. } => {
                f64::from(*memory) * f64::from(*passes) / (19_456.0 * 2.0)
            }
            // Cost 10 takes about three times as long.
            Self::Bcrypt { cost, .. } => 2_f64.powi(cost.cast_signed() - 10) * 3.0,
            Self::Scrypt { log_n, r, p, .. } => {
                2_f64.powi((*log_n).into()) * f64::from(*r) * f64::from(*p) / 65_536.0
            }
            Self::Firebase { log_n, r, .. } => {
                2_f64.powi((*log_n).into()) * f64::from(*r) / 65_536.0
            }
            Self::Pbkdf2 { hash, iterations, length, .. } => {
                // Each block of the digest takes all the iterations.
                f64::from(*iterations) * length.div_ceil(hash.size()) as f64 / 50_000.0
            }
            Self::Phpass { log_rounds, .. } => 2_f64.powi((*log_rounds).into()) / 100_000.0,
            Self::ShaCrypt { rounds, .. } => f64::from(*rounds) / 30_000.0,
            Self::Digest { more, .. } => f64::from(*more) / 30_000.0,
            Self::Hmac { .. } => 0.0,
        }
    }

    /// Whether a thief of the database could try many passwords in a second.
    pub(super) fn is_weak(&self) -> bool {
        const MEMORY: u64 = 16 * 1024 * 1024;
        match self {
            Self::Argon2 { memory, passes, .. } => u64::from(*memory) * u64::from(*passes) < 8192,
            Self::Bcrypt { cost, .. } => *cost < 10,
            Self::Scrypt { .. } | Self::Firebase { .. } => self.memory() < MEMORY,
            Self::Pbkdf2 { iterations, .. } => *iterations < 100_000,
            Self::Digest { .. }
            | Self::Hmac { .. }
            | Self::Phpass { .. }
            | Self::ShaCrypt { .. } => true,
        }
    }

    /// The name of the algorithm.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Argon2 { kind: 2, .. } => "argon2id",
            Self::Argon2 { .. } => "argon2",
            Self::Bcrypt { .. } => "bcrypt",
            Self::Scrypt { .. } | Self::Firebase { .. } => "scrypt",
            Self::Pbkdf2 { .. } => "pbkdf2",
            Self::Phpass { .. } => "phpass",
            Self::ShaCrypt { .. } => "sha-crypt",
            Self::Digest { .. } | Self::Hmac { .. } => "digest",
        }
    }
}

/// `kind`: as RFC 9106 numbers them.
pub(super) fn argon2_kind(kind: u8) -> Option<Algorithm> {
    [Algorithm::Argon2d, Algorithm::Argon2i, Algorithm::Argon2id].get(usize::from(kind)).copied()
}

pub(super) fn argon2_version(version: u32) -> Option<Version> {
    match version {
        0x10 => Some(Version::V0x10),
        0x13 => Some(Version::V0x13),
        _ => None,
    }
}

/// Makes the digest, in memory given by the caller.
pub(in crate::passwords) fn argon2_digest(
    argon2: &Argon2<'_>,
    password: &[u8],
    salt: &[u8],
    length: usize,
    memory: &mut Vec<Block>,
) -> Option<Vec<u8>> {
    let blocks = argon2.params().block_count();
    if memory.len() < blocks {
        memory.resize(blocks, Block::default());
    }
    let mut output = vec![0; length];
    let made =
        argon2.hash_password_into_with_memory(password, salt, &mut output, &mut memory[..blocks]);
    // One memory-hungry hash must not keep its memory for ever.
    memory.truncate(crate::passwords::PARAMS.block_count());
    memory.shrink_to_fit();
    made.ok().map(|()| output)
}

/// The encoding of crypt(3): every three bytes from the lowest bit up.
fn crypt64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let letters = bytes.chunks(3).flat_map(|chunk| {
        let number = chunk.iter().rev().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        (0..=chunk.len()).map(move |index| {
            let bits = (number >> (6 * index)) & 63;
            char::from(ALPHABET[usize::try_from(bits).unwrap_or(0)])
        })
    });
    letters.collect()
}

/// The order in which crypt(3) writes the bytes of a digest.
const SHA256_ORDER: [usize; 32] = [
    20, 10, 0, 11, 1, 21, 2, 22, 12, 23, 13, 3, 14, 4, 24, 5, 25, 15, 26, 16, 6, 17, 7, 27, 8, 28,
    18, 29, 19, 9, 30, 31,
];
const SHA512_ORDER: [usize; 64] = [
    42, 21, 0, 1, 43, 22, 23, 2, 44, 45, 24, 3, 4, 46, 25, 26, 5, 47, 48, 27, 6, 7, 49, 28, 29, 8,
    50, 51, 30, 9, 10, 52, 31, 32, 11, 53, 54, 33, 12, 13, 55, 34, 35, 14, 56, 57, 36, 15, 16, 58,
    37, 38, 17, 59, 60, 39, 18, 19, 61, 40, 41, 20, 62, 63,
];
