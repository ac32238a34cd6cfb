//! The spellings in which programs write their hashes. docs/import.md lists the programs.
//!
//! Errors never repeat the input.

use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use crate::passwords::imported::{
    Kept,
    recipe::{Before, Hash, Recipe, argon2_kind, argon2_version},
};

type Read = Result<Kept, &'static str>;

const UNKNOWN: &str = "is no hash in a spelling that is known: see docs/import.md";

/// Padded or not.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
const BASE64_OF_URLS: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);

/// Parses PHC strings, modular crypt, and other programs' variants of them.
pub(super) fn read(text: &str) -> Read {
    if !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err("holds what no hash holds");
    }
    if let Some((scheme, rest)) = text.strip_prefix('{').and_then(|text| text.split_once('}')) {
        return braces(scheme, rest);
    }
    match text.split_once('|') {
        // Nextcloud and ownCloud.
        Some(("1" | "2" | "3", rest)) => return read(rest),
        Some(_) => return Err(UNKNOWN),
        None => {}
    }
    if let Some(rest) = text.strip_prefix(':') {
        return mediawiki(rest);
    }
    let text = text.strip_prefix("argon2$").map_or(text, |_| &text["argon2".len()..]);
    if text.starts_with("$argon2") {
        return argon2(text, 0x10);
    }
    if let Some(rest) = text.strip_prefix("$wp") {
        return bcrypt(rest, Before::WordPress);
    }
    if let Some(rest) = text.strip_prefix("bcrypt_sha256$") {
        return bcrypt(rest, Before::Hex(Hash::Sha256));
    }
    let modular = text.strip_prefix("bcrypt$").unwrap_or(text);
    if modular.starts_with("$2") {
        return bcrypt(modular, Before::Nothing);
    }
    if text.starts_with("$P$") || text.starts_with("$H$") || text.starts_with("$S$") {
        return phpass(text, Before::PhpBlanks);
    }
    if let Some(rest) = text.strip_prefix("U$") {
        return phpass(&text[text.len() - rest.len() - 1..], Before::Hex(Hash::Md5));
    }
    if text.starts_with("$5$") || text.starts_with("$6$") {
        return sha_crypt(text);
    }
    let may_be = text.starts_with('$') && text.matches('$').count() == 3;
    if (text.starts_with("$e0801$") || may_be)
        && let Ok(kept) = spring_scrypt(text)
    {
        return Ok(kept);
    }
    let parts: Vec<&str> = text.split('$').collect();
    match parts[..] {
        ["", "scrypt", params, salt, hash] => {
            let value = |name: &str| parameter(params, name);
            let log_n = value("ln").and_then(|ln| u8::try_from(ln).ok());
            scrypt(log_n, value("r"), value("p"), unpadded(salt), unpadded(hash))
        }
        ["scrypt", n, salt, r, p, hash] => {
            let (r, p) = (r.parse().ok(), p.parse().ok());
            scrypt(log_of(n), r, p, Some(salt.into()), base64(hash))
        }
        ["", name, params, salt, hash] if name.starts_with("pbkdf2") => {
            // PHC names its parameters; passlib writes only the rounds.
            let iterations = parameter(params, "i").or_else(|| params.parse().ok());
            pbkdf2(&name.replace("pbkdf2-", ""), iterations, unpadded(salt), unpadded(hash))
        }
        [name, iterations, salt, hash] if name.starts_with("pbkdf2_") => {
            let digest = name.replace("pbkdf2_", "");
            pbkdf2(&digest, iterations.parse().ok(), Some(salt.into()), base64(hash))
        }
        [method, salt, hash] => werkzeug(method, salt, hash),
        [_] => single(text),
        _ => Err(UNKNOWN),
    }
}

/// Hashes without a dollar: `salt:hex` of Better Auth and Lucia, and those of ASP.NET Identity.
fn single(text: &str) -> Read {
    let (text, is_legacy) = match text.strip_prefix("s2:") {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    if let Some((salt, hash)) = text.split_once(':') {
        let digest = hexadecimal(hash).filter(|digest| digest.len() == 64);
        let digest = digest.ok_or(UNKNOWN)?;
        let is_hex = salt.len() == 32 && salt.bytes().all(|b| b.is_ascii_hexdigit());
        let fits =
            (8..=64).contains(&salt.len()) && salt.bytes().all(|b| b.is_ascii_alphanumeric());
        if !fits {
            return Err(UNKNOWN);
        }
        // The first Lucia took half the blocks. The salt is the text itself, not its decoded bytes.
        let r = if is_legacy || is_hex { 16 } else { 8 };
        let salt = salt.as_bytes().to_vec();
        let recipe = Recipe::Scrypt { log_n: 14, r, p: 1, salt, length: 64 };
        return Ok(Kept { before: Before::Nfkc, recipe, digest });
    }
    aspnet(&base64(text).ok_or(UNKNOWN)?)
}

/// ASP.NET Identity: version 2 has a fixed format, version 3 names its parameters.
fn aspnet(bytes: &[u8]) -> Read {
    let number = |at: usize| {
        let bytes = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_be_bytes(bytes))
    };
    match bytes.first() {
        Some(0) if bytes.len() == 49 => {
            let (salt, digest) = (bytes[1..17].to_vec(), bytes[17..].to_vec());
            pbkdf2("sha1", Some(1000), Some(salt), Some(digest))
        }
        Some(1) => {
            let digest = match number(1) {
                Some(0) => "sha1",
                Some(1) => "sha256",
                Some(2) => "sha512",
                _ => return Err(UNKNOWN),
            };
            let length =
                number(9).and_then(|length| usize::try_from(length).ok()).ok_or(UNKNOWN)?;
            let end = length.checked_add(13).ok_or(UNKNOWN)?;
            let salt = bytes.get(13..end).map(<[u8]>::to_vec);
            pbkdf2(digest, number(5), salt, bytes.get(end..).map(<[u8]>::to_vec))
        }
        _ => Err(UNKNOWN),
    }
}

/// `{SCHEME}`: LDAP's, in any case, or Spring's, case-sensitive. The text after it tells them
/// apart.
fn braces(scheme: &str, rest: &str) -> Read {
    let is_hex = rest.bytes().all(|b| b.is_ascii_hexdigit());
    match scheme {
        "bcrypt" | "argon2" | "argon2@SpringSecurity_v5_8" if rest.starts_with("$argon2") => {
            // Spring assumes the newest version if none is given.
            argon2(rest, 0x13)
        }
        "bcrypt" => bcrypt(rest, Before::Nothing),
        "scrypt" | "scrypt@SpringSecurity_v5_8" => spring_scrypt(rest),
        "pbkdf2" if is_hex => spring_pbkdf2(rest, "sha1", 185_000, 8),
        "pbkdf2@SpringSecurity_v5_8" => spring_pbkdf2(rest, "sha256", 310_000, 16),
        "sha256" if is_hex && rest.len() == 80 => {
            let bytes = hexadecimal(rest).ok_or(UNKNOWN)?;
            let (salt, digest) = bytes.split_at(8);
            Ok(plain(Hash::Sha256, salt, b"", digest, 1023))
        }
        "MD5" | "SHA-1" | "SHA-256" if rest.starts_with('{') || is_hex => {
            let hash = match scheme {
                "MD5" => Hash::Md5,
                "SHA-1" => Hash::Sha1,
                _ => Hash::Sha256,
            };
            let (salt, digest) = match rest.rsplit_once('}') {
                Some((salt, digest)) => (format!("{salt}}}"), digest),
                None => (String::new(), rest),
            };
            let digest = hexadecimal(digest).filter(|digest| digest.len() == hash.size());
            Ok(plain(hash, b"", salt.as_bytes(), &digest.ok_or(UNKNOWN)?, 0))
        }
        "ldap" => read(rest),
        _ => ldap(&scheme.to_ascii_uppercase(), rest),
    }
}

fn ldap(scheme: &str, rest: &str) -> Read {
    let (hash, is_salted) = match scheme {
        "CRYPT" => match rest {
            rest if rest.starts_with('$') => return read(rest),
            _ => return Err("is a hash of crypt(3) in a kind that is too old to be taken along"),
        },
        "ARGON2" | "ARGON2I" | "ARGON2ID" => return argon2(rest, 0x10),
        "PBKDF2" | "PBKDF2-SHA1" | "PBKDF2-SHA256" | "PBKDF2-SHA512" => {
            let digest = scheme.strip_prefix("PBKDF2-").unwrap_or("SHA1").to_ascii_lowercase();
            let [iterations, salt, hash] = rest.split('$').collect::<Vec<_>>()[..] else {
                return Err(UNKNOWN);
            };
            return pbkdf2(&digest, iterations.parse().ok(), unpadded(salt), unpadded(hash));
        }
        "MD5" => (Hash::Md5, false),
        "SMD5" => (Hash::Md5, true),
        "SHA" => (Hash::Sha1, false),
        "SSHA" => (Hash::Sha1, true),
        "SHA256" => (Hash::Sha256, false),
        "SSHA256" => (Hash::Sha256, true),
        "SHA384" => (Hash::Sha384, false),
        "SSHA384" => (Hash::Sha384, true),
        "SHA512" => (Hash::Sha512, false),
        "SSHA512" => (Hash::Sha512, true),
        _ => return Err(UNKNOWN),
    };
    let bytes = base64(rest).ok_or(UNKNOWN)?;
    let (digest, salt) = bytes.split_at_checked(hash.size()).ok_or(UNKNOWN)?;
    if is_salted == salt.is_empty() {
        return Err(UNKNOWN);
    }
    Ok(plain(hash, b"", salt, digest, 0))
}

fn mediawiki(text: &str) -> Read {
    let parts: Vec<&str> = text.split(':').collect();
    let md5 = |text: &str| hexadecimal(text).filter(|digest| digest.len() == 16).ok_or(UNKNOWN);
    match parts[..] {
        ["A", digest] => Ok(plain(Hash::Md5, b"", b"", &md5(digest)?, 0)),
        ["A" | "B", salt, digest] => {
            // MD5 of salt, hyphen and hexadecimal MD5.
            let recipe = Recipe::Digest {
                hash: Hash::Md5,
                before: format!("{salt}-").into_bytes(),
                behind: Vec::new(),
                more: 0,
            };
            Ok(Kept { before: Before::Hex(Hash::Md5), recipe, digest: md5(digest)? })
        }
        ["pbkdf2", digest, iterations, _, salt, hash] => {
            pbkdf2(digest, iterations.parse().ok(), base64(salt), base64(hash))
        }
        ["pbkdf2-legacyA" | "pbkdf2-legacyB", ..] => {
            let (_, rest) = text.split_once(':').ok_or(UNKNOWN)?;
            let [_, params, old_salt, salt, hash] = rest.split('!').collect::<Vec<_>>()[..] else {
                return Err(UNKNOWN);
            };
            let [digest, iterations, _] = params.split(':').collect::<Vec<_>>()[..] else {
                return Err(UNKNOWN);
            };
            let kept = pbkdf2(digest, iterations.parse().ok(), base64(salt), base64(hash))?;
            let before = match old_salt {
                "" => Before::Hex(Hash::Md5),
                salt => Before::MediaWiki(salt.to_owned()),
            };
            Ok(Kept { before, ..kept })
        }
        ["bcrypt", hash] => {
            let [cost, salt, hash] = hash.split('$').collect::<Vec<_>>()[..] else {
                return Err(UNKNOWN);
            };
            let cost: u32 = cost.parse().map_err(|_| UNKNOWN)?;
            bcrypt(&format!("$2y${cost:02}${salt}{hash}"), Before::Nothing)
        }
        ["argon2", hash] => argon2(hash, 0x10),
        _ => Err(UNKNOWN),
    }
}

fn werkzeug(method: &str, salt: &str, hash: &str) -> Read {
    let digest = hexadecimal(hash);
    let method: Vec<&str> = method.split(':').collect();
    let salt = salt.as_bytes().to_vec();
    match method[..] {
        ["scrypt", n, r, p] => {
            scrypt(log_of(n), r.parse().ok(), p.parse().ok(), Some(salt), digest)
        }
        ["pbkdf2", name, iterations] => pbkdf2(name, iterations.parse().ok(), Some(salt), digest),
        ["pbkdf2", _] => Err("does not say how many rounds it took"),
        // Django's and Werkzeug's first formats look the same: Django puts the salt in front.
        [name @ ("md5" | "sha1" | "sha256" | "sha512")] => {
            let hash = match name {
                "md5" => Hash::Md5,
                "sha1" => Hash::Sha1,
                "sha256" => Hash::Sha256,
                _ => Hash::Sha512,
            };
            let digest = digest.filter(|digest| digest.len() == hash.size()).ok_or(UNKNOWN)?;
            if name == "md5" {
                return Ok(plain(hash, &salt, b"", &digest, 0));
            }
            let recipe = Recipe::Hmac { hash, key: salt };
            Ok(Kept { before: Before::Nothing, recipe, digest })
        }
        _ => Err(UNKNOWN),
    }
}

fn plain(hash: Hash, before: &[u8], behind: &[u8], digest: &[u8], more: u32) -> Kept {
    let (before, behind) = (before.to_vec(), behind.to_vec());
    let recipe = Recipe::Digest { hash, before, behind, more };
    Kept { before: Before::Nothing, recipe, digest: digest.to_vec() }
}

/// `without_version`: the version of a text that names none.
fn argon2(text: &str, without_version: u32) -> Read {
    const NONE: &str = "is no hash of Argon2";
    let parts: Vec<&str> = text.split('$').collect();
    let (kind, version, params, salt, digest) = match parts[..] {
        ["", kind, version, params, salt, digest] => {
            let version = version.strip_prefix("v=").and_then(|version| version.parse().ok());
            (kind, version, params, salt, digest)
        }
        ["", kind, params, salt, digest] => (kind, Some(without_version), params, salt, digest),
        ["", _, _, _] => return Err("has no salt, or no hash"),
        _ => return Err(NONE),
    };
    let kind = match kind {
        "argon2d" => 0,
        "argon2i" => 1,
        "argon2id" => 2,
        _ => return Err("is of an unknown kind of Argon2"),
    };
    let version = version.filter(|version| argon2_version(*version).is_some());
    let version = version.ok_or("is of an unknown version of Argon2")?;
    let known =
        params.split(',').all(|pair| ["m=", "t=", "p="].iter().any(|n| pair.starts_with(n)));
    let value = |name: &str| parameter(params, name).filter(|_| known);
    let (Some(memory), Some(passes), Some(lanes)) = (value("m"), value("t"), value("p")) else {
        return Err("has no parameters of Argon2");
    };
    let (salt, digest) = bytes(unpadded(salt), unpadded(digest), NONE)?;
    if lanes > 16 || lanes == 0 || passes == 0 || memory < 8 * lanes || salt.len() < 8 {
        return Err(NONE);
    }
    debug_assert!(argon2_kind(kind).is_some());
    let length = digest.len();
    let recipe = Recipe::Argon2 { kind, version, memory, passes, lanes, salt, length };
    Ok(Kept { before: Before::Nothing, recipe, digest })
}

fn bcrypt(text: &str, before: Before) -> Read {
    const NONE: &str = "is no hash of bcrypt";
    let known = ["$2a$", "$2b$", "$2y$"].iter().any(|version| text.starts_with(version));
    let parts: bcrypt::HashParts = text.parse().map_err(|_| NONE)?;
    if !known || text.len() != 60 {
        return Err(NONE);
    }
    let base64 = GeneralPurpose::new(&base64::alphabet::BCRYPT, LENIENT);
    let salt = base64.decode(&text[7..29]).ok().and_then(|salt| salt.try_into().ok());
    let digest = base64.decode(&text[29..]).ok().filter(|digest| digest.len() == 23);
    let (Some(salt), Some(digest)) = (salt, digest) else { return Err(NONE) };
    match parts.get_cost() {
        cost @ 4..=31 => Ok(Kept { before, recipe: Recipe::Bcrypt { cost, salt }, digest }),
        _ => Err(NONE),
    }
}

fn phpass(text: &str, before: Before) -> Read {
    const NONE: &str = "is no hash of phpass";
    const ALPHABET: &str = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let (hash, length) = if text.starts_with("$S$") { (Hash::Sha512, 43) } else { (Hash::Md5, 22) };
    let (Some(rounds), Some(salt), Some(digest)) =
        (text.get(3..4), text.get(4..12), text.get(12..))
    else {
        return Err(NONE);
    };
    let log_rounds = ALPHABET.find(rounds).and_then(|log| u8::try_from(log).ok()).ok_or(NONE)?;
    if digest.len() != length || !(7..=30).contains(&log_rounds) {
        return Err(NONE);
    }
    let recipe = Recipe::Phpass { hash, log_rounds, salt: salt.to_owned(), length };
    Ok(Kept { before, recipe, digest: digest.as_bytes().to_vec() })
}

fn sha_crypt(text: &str) -> Read {
    const NONE: &str = "is no hash of SHA-crypt";
    let parts: Vec<&str> = text.split('$').collect();
    let (id, rounds, salt, digest) = match parts[..] {
        ["", id, salt, digest] => (id, 5000, salt, digest),
        ["", id, rounds, salt, digest] => {
            let rounds = rounds.strip_prefix("rounds=").and_then(|rounds| rounds.parse().ok());
            (id, rounds.ok_or(NONE)?, salt, digest)
        }
        _ => return Err(NONE),
    };
    let (hash, length) = if id == "5" { (Hash::Sha256, 43) } else { (Hash::Sha512, 86) };
    if !(1000..=999_999_999).contains(&rounds) || salt.len() > 16 || digest.len() != length {
        return Err(NONE);
    }
    let recipe = Recipe::ShaCrypt { hash, rounds, salt: salt.to_owned() };
    Ok(Kept { before: Before::Nothing, recipe, digest: digest.as_bytes().to_vec() })
}

/// `$e0801$SALT$HASH`: the parameters are one number in hexadecimal.
fn spring_scrypt(text: &str) -> Read {
    let ["", params, salt, hash] = text.split('$').collect::<Vec<_>>()[..] else {
        return Err(UNKNOWN);
    };
    let params = u32::from_str_radix(params, 16).map_err(|_| UNKNOWN)?;
    let log_n = u8::try_from(params >> 16).map_err(|_| UNKNOWN)?;
    let (r, p) = ((params >> 8) & 0xff, params & 0xff);
    scrypt(Some(log_n), Some(r), Some(p), base64(salt), base64(hash))
}

/// Salt and digest in one; the rest were Spring's defaults.
fn spring_pbkdf2(text: &str, digest: &str, iterations: u32, salt: usize) -> Read {
    let bytes = hexadecimal(text).filter(|bytes| bytes.len() == salt + 32).ok_or(UNKNOWN)?;
    let (salt, hash) = bytes.split_at(salt);
    pbkdf2(digest, Some(iterations), Some(salt.to_vec()), Some(hash.to_vec()))
}

fn scrypt(
    log_n: Option<u8>,
    r: Option<u32>,
    p: Option<u32>,
    salt: Option<Vec<u8>>,
    hash: Option<Vec<u8>>,
) -> Read {
    const NONE: &str = "is no hash of scrypt";
    let (Some(log_n), Some(r), Some(p)) = (log_n, r, p) else { return Err(NONE) };
    let (salt, digest) = bytes(salt, hash, NONE)?;
    let recipe = Recipe::Scrypt { log_n, r, p, salt, length: digest.len() };
    // The library has its own limit for absurd values.
    if recipe.memory() > u64::from(u32::MAX) {
        return Err(crate::passwords::imported::TOO_COSTLY);
    }
    if scrypt::Params::new(log_n, r, p).is_err() {
        return Err(NONE);
    }
    Ok(Kept { before: Before::Nothing, recipe, digest })
}

fn pbkdf2(
    name: &str,
    iterations: Option<u32>,
    salt: Option<Vec<u8>>,
    hash: Option<Vec<u8>>,
) -> Read {
    const NONE: &str = "is no hash of PBKDF2";
    let hash_kind = match name {
        // passlib's bare name means SHA-1.
        "sha1" | "pbkdf2" => Hash::Sha1,
        "sha256" => Hash::Sha256,
        "sha384" => Hash::Sha384,
        "sha512" => Hash::Sha512,
        _ => return Err("is PBKDF2 with a digest that is not known"),
    };
    let (salt, digest) = bytes(salt, hash, NONE)?;
    let iterations = iterations.filter(|n| *n > 0).ok_or(NONE)?;
    let recipe = Recipe::Pbkdf2 { hash: hash_kind, iterations, salt, length: digest.len() };
    Ok(Kept { before: Before::Nothing, recipe, digest })
}

fn bytes(
    salt: Option<Vec<u8>>,
    hash: Option<Vec<u8>>,
    none: &'static str,
) -> Result<(Vec<u8>, Vec<u8>), &'static str> {
    let salt = salt.filter(|salt| !salt.is_empty()).ok_or(none)?;
    // A short one would match too many passwords.
    let hash = hash.filter(|hash| (16..=128).contains(&hash.len())).ok_or(none)?;
    Ok((salt, hash))
}

fn parameter(params: &str, name: &str) -> Option<u32> {
    let mut pairs = params.split(',').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name)?.1.parse().ok()
}

fn log_of(n: &str) -> Option<u8> {
    let n: u32 = n.parse().ok().filter(|n: &u32| n.is_power_of_two())?;
    u8::try_from(n.trailing_zeros()).ok()
}

fn base64(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text).ok()
}

/// In either alphabet.
pub(super) fn any_base64(text: &str) -> Option<Vec<u8>> {
    base64(text).or_else(|| BASE64_OF_URLS.decode(text).ok())
}

/// Base64 in which passlib and OpenLDAP write `.` for `+`.
fn unpadded(text: &str) -> Option<Vec<u8>> {
    base64(&text.replace('.', "+"))
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    let byte = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    (0..text.len()).step_by(2).map(byte).collect()
}
