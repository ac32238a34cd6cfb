//! The two ceremonies, as the relying party checks them (WebAuthn Level 3, sections 7.1 and 7.2).

use std::fmt;

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{
        ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
        RsaPublicKeyComponents,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ciborium::Value as Cbor;
use coset::{AsCborValue, CoseKey, KeyType, Label, RegisteredLabelWithPrivate, iana};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{Passkey, RelyingParty, user_handle};
use crate::domain::AccountId;

/// COSE numbers of the algorithms that we verify, best first: ES256, EdDSA, RS256.
pub(super) const ALGORITHMS: [i64; 3] = [-7, -8, -257];

/// The longest credential id (section 5.8.3), in bytes.
const MAX_ID: usize = 1023;

/// How deep CBOR of an authenticator may be nested.
const MAX_DEPTH: usize = 8;

/// How an authenticator's answer is wrong, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejected(pub &'static str);

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

type Result<T> = std::result::Result<T, Rejected>;

/// A `RegistrationResponseJSON`, decoded but not checked.
#[derive(Debug)]
pub struct Registration {
    id: String,
    client_data: Vec<u8>,
    attestation_object: Vec<u8>,
    transports: String,
    /// According to the browser.
    is_discoverable: Option<bool>,
}

/// An `AuthenticationResponseJSON`, decoded but not checked.
#[derive(Debug)]
pub struct Assertion {
    pub id: String,
    client_data: Vec<u8>,
    authenticator_data: Vec<u8>,
    signature: Vec<u8>,
    user_handle: Option<Vec<u8>>,
}

/// A key that was registered.
#[derive(Debug)]
pub struct NewKey {
    pub id: String,
    pub public_key: String,
    pub counter: i64,
    pub backup_eligible: bool,
    pub backed_up: bool,
    /// In the usual form of a UUID.
    pub aaguid: String,
    /// Joined by commas.
    pub transports: String,
}

/// A use of a passkey that was verified.
#[derive(Clone, Debug)]
pub struct Verified {
    pub id: String,
    pub account: AccountId,
    pub counter: i64,
    /// Whether the passkey may be synchronised, and whether it is.
    pub backup_eligible: bool,
    pub backed_up: bool,
    pub challenge: String,
    /// Whether the counter has not risen: there may be a copy of the authenticator.
    pub went_back: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credential<R> {
    id: String,
    raw_id: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    response: R,
    #[serde(default)]
    client_extension_results: Extensions,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Extensions {
    cred_props: Option<CredProps>,
}

#[derive(Deserialize)]
struct CredProps {
    rk: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attested {
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    attestation_object: String,
    #[serde(default)]
    transports: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asserted {
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    authenticator_data: String,
    signature: String,
    user_handle: Option<String>,
}

fn credential<R: DeserializeOwned>(json: Value) -> Result<Credential<R>> {
    let read: Credential<R> =
        serde_json::from_value(json).map_err(|_| Rejected("not the JSON of a credential"))?;
    let id = bytes(&read.id)?;
    let is_same = read.raw_id.as_ref().is_none_or(|raw| *raw == read.id);
    if read.kind != "public-key" || !is_same || id.is_empty() || id.len() > MAX_ID {
        return Err(Rejected("its id or type is wrong"));
    }
    Ok(read)
}

fn bytes(text: &str) -> Result<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Rejected("not base64url"))
}

/// The members of `clientDataJSON` that matter. Browsers may add others (section 5.8.1).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    cross_origin: Option<bool>,
    top_origin: Option<String>,
}

impl ClientData {
    /// Our pages are never framed, so nothing cross-origin is ours.
    fn check(raw: &[u8], kind: &str, challenge: &str, home: &RelyingParty) -> Result<()> {
        let data: Self = serde_json::from_slice(raw).map_err(|_| Rejected("bad client data"))?;
        let framed = data.cross_origin == Some(true) || data.top_origin.is_some();
        match () {
            () if data.kind != kind => Err(Rejected("another ceremony")),
            () if data.challenge != challenge => Err(Rejected("another challenge")),
            () if data.origin != home.origin => Err(Rejected("another origin")),
            () if framed => Err(Rejected("from a frame")),
            () => Ok(()),
        }
    }
}

/// The challenge that a signed answer is for, as it says itself.
fn challenge_in(client_data: &[u8]) -> Option<String> {
    serde_json::from_slice::<ClientData>(client_data).ok().map(|data| data.challenge)
}

/// Authenticator data (section 6.1).
struct AuthenticatorData<'a> {
    counter: i64,
    backup_eligible: bool,
    backed_up: bool,
    /// AAGUID, credential id and COSE key.
    attested: Option<(&'a [u8; 16], &'a [u8], CoseKey)>,
}

impl<'a> AuthenticatorData<'a> {
    const UP: u8 = 1;
    const UV: u8 = 1 << 2;
    const BE: u8 = 1 << 3;
    const BS: u8 = 1 << 4;
    const AT: u8 = 1 << 6;
    const ED: u8 = 1 << 7;

    fn parse(raw: &'a [u8], home: &RelyingParty) -> Result<Self> {
        const SHORT: Rejected = Rejected("authenticator data is too short");
        let (rp, rest) = raw.split_first_chunk::<32>().ok_or(SHORT)?;
        let (flags, rest) = rest.split_first().ok_or(SHORT)?;
        let (counter, mut rest) = rest.split_first_chunk::<4>().ok_or(SHORT)?;
        let has = |flag: u8| flags & flag != 0;
        if rp[..] != *digest(&SHA256, home.id.as_bytes()).as_ref() {
            return Err(Rejected("another relying party"));
        }
        if !has(Self::UP) || !has(Self::UV) {
            return Err(Rejected("the user was not verified"));
        }
        if has(Self::BS) && !has(Self::BE) {
            return Err(Rejected("backed up, but not eligible for it"));
        }
        let attested = if has(Self::AT) {
            let (aaguid, after) = rest.split_first_chunk::<16>().ok_or(SHORT)?;
            let (length, after) = after.split_first_chunk::<2>().ok_or(SHORT)?;
            let length = usize::from(u16::from_be_bytes(*length));
            let (id, after) = after.split_at_checked(length).ok_or(SHORT)?;
            rest = after;
            let key = CoseKey::from_cbor_value(cbor(&mut rest)?);
            Some((aaguid, id, key.map_err(|_| Rejected("not a COSE key"))?))
        } else {
            None
        };
        if has(Self::ED) && !cbor(&mut rest)?.is_map() {
            return Err(Rejected("extensions that are no map"));
        }
        if !rest.is_empty() {
            return Err(Rejected("authenticator data is too long"));
        }
        let counter = i64::from(u32::from_be_bytes(*counter));
        Ok(Self { counter, backup_eligible: has(Self::BE), backed_up: has(Self::BS), attested })
    }
}

/// Reads one value from the start of a text.
fn cbor(text: &mut &[u8]) -> Result<Cbor> {
    ciborium::de::from_reader_with_recursion_limit(text, MAX_DEPTH)
        .map_err(|_| Rejected("malformed CBOR"))
}

/// The public key of a COSE key (RFC 9053), for aws-lc. `None`: not one that we verify.
fn public_key(key: &CoseKey) -> Option<PublicKey> {
    let parameter = |label: i64| {
        let is_it = |(known, _): &&(Label, Cbor)| *known == Label::Int(label);
        key.params.iter().find(is_it).map(|(_, value)| value)
    };
    let part = |label: i64| parameter(label)?.as_bytes().cloned();
    let curve = || i128::from(parameter(-1)?.as_integer()?).try_into().ok();
    let alg = |alg| key.alg == Some(RegisteredLabelWithPrivate::Assigned(alg));
    let kty = |kty| key.kty == KeyType::Assigned(kty);
    if alg(iana::Algorithm::ES256) && kty(iana::KeyType::EC2) && curve() == Some(1_i64) {
        let (x, y) = (part(-2)?, part(-3)?);
        // SEC 1, section 2.3.3: uncompressed.
        let point = (x.len() == 32 && y.len() == 32).then(|| [&[4], &x[..], &y[..]].concat())?;
        return Some(PublicKey::Es256(ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).ok()?));
    }
    if alg(iana::Algorithm::EdDSA) && kty(iana::KeyType::OKP) && curve() == Some(6_i64) {
        return Some(PublicKey::EdDsa(ParsedPublicKey::new(&ED25519, part(-2)?).ok()?));
    }
    if alg(iana::Algorithm::RS256) && kty(iana::KeyType::RSA) {
        let (n, e) = (part(-1)?, part(-2)?);
        let is_odd = |part: &[u8]| part.last().is_some_and(|byte| byte % 2 == 1);
        let is_sound = (256..=1024).contains(&n.len())
            && n[0] != 0
            && (1..=4).contains(&e.len())
            && e[..] != [1]
            && is_odd(&n)
            && is_odd(&e);
        return is_sound.then_some(PublicKey::Rs256(RsaPublicKeyComponents { n, e }));
    }
    None
}

enum PublicKey {
    Es256(ParsedPublicKey),
    EdDsa(ParsedPublicKey),
    Rs256(RsaPublicKeyComponents<Vec<u8>>),
}

impl PublicKey {
    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Es256(key) | Self::EdDsa(key) => key.verify_sig(message, signature).is_ok(),
            Self::Rs256(key) => key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok(),
        }
    }
}

impl Registration {
    pub fn read(json: Value) -> Result<Self> {
        let read: Credential<Attested> = credential(json)?;
        let is_word = |word: &&String| {
            word.len() <= 32 && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
        };
        let transports: Vec<String> =
            read.response.transports.iter().filter(is_word).take(8).cloned().collect();
        Ok(Self {
            client_data: bytes(&read.response.client_data)?,
            attestation_object: bytes(&read.response.attestation_object)?,
            transports: transports.join(","),
            is_discoverable: read.client_extension_results.cred_props.and_then(|props| props.rk),
            id: read.id,
        })
    }

    /// Checks that this is the answer to `challenge`, and returns the new key. No attestation is asked
    /// for, and its statement is not looked at.
    pub fn verify(self, challenge: &str, home: &RelyingParty) -> Result<NewKey> {
        ClientData::check(&self.client_data, "webauthn.create", challenge, home)?;
        let mut rest = &self.attestation_object[..];
        let object = cbor(&mut rest)?;
        let members = object.as_map().filter(|_| rest.is_empty());
        let members = members.ok_or(Rejected("not an attestation object"))?;
        let mut data = members.iter().filter(|(name, _)| name.as_text() == Some("authData"));
        let (Some((_, data)), None) = (data.next(), data.next()) else {
            return Err(Rejected("no authenticator data"));
        };
        let data = data.as_bytes().ok_or(Rejected("no authenticator data"))?;
        let data = AuthenticatorData::parse(data, home)?;
        let (aaguid, id, key) = data.attested.ok_or(Rejected("no key"))?;
        if URL_SAFE_NO_PAD.encode(id) != self.id {
            return Err(Rejected("the id is another one's"));
        }
        if self.is_discoverable == Some(false) {
            return Err(Rejected("not discoverable"));
        }
        if public_key(&key).is_none() {
            return Err(Rejected("an algorithm or a key that we don't take"));
        }
        let key = key.to_cbor_value().map_err(|_| Rejected("not a COSE key"))?;
        let mut text = Vec::new();
        ciborium::into_writer(&key, &mut text).map_err(|_| Rejected("not a COSE key"))?;
        Ok(NewKey {
            id: self.id,
            public_key: URL_SAFE_NO_PAD.encode(text),
            counter: data.counter,
            backup_eligible: data.backup_eligible,
            backed_up: data.backed_up,
            aaguid: uuid(*aaguid),
            transports: self.transports,
        })
    }
}

/// The usual form of a UUID (RFC 9562, section 4).
fn uuid(bytes: [u8; 16]) -> String {
    let hex = crate::platform::random::hexadecimal(&bytes);
    let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    parts.join("-")
}

impl Assertion {
    pub fn read(json: Value) -> Result<Self> {
        let read: Credential<Asserted> = credential(json)?;
        Ok(Self {
            client_data: bytes(&read.response.client_data)?,
            authenticator_data: bytes(&read.response.authenticator_data)?,
            signature: bytes(&read.response.signature)?,
            user_handle: read.response.user_handle.as_deref().map(bytes).transpose()?,
            id: read.id,
        })
    }

    /// The challenge that it says it answers.
    #[must_use]
    pub fn challenge(&self) -> Option<String> {
        challenge_in(&self.client_data)
    }

    /// Checks that this passkey has signed the answer to `challenge`.
    pub fn verify(
        &self,
        passkey: &Passkey,
        challenge: &str,
        home: &RelyingParty,
    ) -> Result<Verified> {
        ClientData::check(&self.client_data, "webauthn.get", challenge, home)?;
        if self.id != passkey.id {
            return Err(Rejected("another passkey"));
        }
        let handle = user_handle(passkey.account);
        if self.user_handle.as_ref().is_some_and(|handed| handed[..] != handle) {
            return Err(Rejected("another user"));
        }
        let key = bytes(&passkey.public_key)?;
        let key = CoseKey::from_cbor_value(cbor(&mut &key[..])?).ok();
        let key = key.as_ref().and_then(public_key).ok_or(Rejected("a stored key that is none"))?;
        let hash = digest(&SHA256, &self.client_data);
        let signed = [&self.authenticator_data[..], hash.as_ref()].concat();
        if !key.verifies(&signed, &self.signature) {
            return Err(Rejected("a wrong signature"));
        }
        let data = AuthenticatorData::parse(&self.authenticator_data, home)?;
        if data.backup_eligible != passkey.backup_eligible {
            return Err(Rejected("its eligibility for a backup has changed"));
        }
        let counts = data.counter != 0 || passkey.counter != 0;
        Ok(Verified {
            id: passkey.id.clone(),
            account: passkey.account,
            counter: data.counter,
            backup_eligible: data.backup_eligible,
            backed_up: data.backed_up,
            challenge: challenge.to_owned(),
            went_back: counts && data.counter <= passkey.counter,
        })
    }
}
