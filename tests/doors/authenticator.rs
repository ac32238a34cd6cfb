//! A soft authenticator: what a browser and its authenticator answer, honestly or not.

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    rsa::{KeySize, PublicKeyComponents},
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
        RsaKeyPair,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ciborium::Value as Cbor;
use serde_json::{Value, json};

enum Key {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    Rs256(Box<RsaKeyPair>),
}

/// The flags of authenticator data.
pub(crate) const UP: u8 = 1;
pub(crate) const UV: u8 = 1 << 2;
pub(crate) const BE: u8 = 1 << 3;
pub(crate) const BS: u8 = 1 << 4;
const AT: u8 = 1 << 6;

/// An authenticator with one credential. Each part of what it says can be changed.
pub(crate) struct Authenticator {
    key: Key,
    pub(crate) id: Vec<u8>,
    pub(crate) origin: String,
    pub(crate) rp_id: String,
    pub(crate) flags: u8,
    pub(crate) counter: u32,
    pub(crate) aaguid: [u8; 16],
    /// The COSE number of the algorithm that it claims.
    pub(crate) alg: i64,
    pub(crate) user_handle: Option<Vec<u8>>,
    pub(crate) cross_origin: bool,
    /// The type in its client data, if it is not the usual one.
    pub(crate) kind: Option<&'static str>,
}

fn coded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Authenticator {
    fn with(key: Key, alg: i64, origin: &str) -> Self {
        let host = origin.split("//").nth(1).expect("a host").split(':').next().expect("a host");
        let mut id = vec![0; 24];
        aws_lc_rs::rand::fill(&mut id).expect("randomness");
        Self {
            key,
            id,
            origin: origin.to_owned(),
            rp_id: host.to_owned(),
            flags: UP | UV,
            counter: 0,
            aaguid: [0; 16],
            alg,
            user_handle: None,
            cross_origin: false,
            kind: None,
        }
    }

    /// The usual kind: ES256. `origin`: of the server.
    pub(crate) fn new(origin: &str) -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
        Self::with(Key::Es256(key), -7, origin)
    }

    pub(crate) fn ed25519(origin: &str) -> Self {
        Self::with(Key::EdDsa(Ed25519KeyPair::generate().expect("a key")), -8, origin)
    }

    pub(crate) fn rs256(origin: &str) -> Self {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
        Self::with(Key::Rs256(Box::new(key)), -257, origin)
    }

    pub(crate) fn id(&self) -> String {
        coded(&self.id)
    }

    fn client_data(&self, kind: &str, challenge: &str) -> Vec<u8> {
        let kind = self.kind.unwrap_or(kind);
        let data = json!({
            "type": kind, "challenge": challenge, "origin": self.origin,
            "crossOrigin": self.cross_origin, "other": "members may come",
        });
        serde_json::to_vec(&data).expect("JSON")
    }

    fn head(&self, flags: u8) -> Vec<u8> {
        let hash = digest(&SHA256, self.rp_id.as_bytes());
        [hash.as_ref(), &[flags], &self.counter.to_be_bytes()].concat()
    }

    fn cose_key(&self) -> Cbor {
        let int = |number: i64| Cbor::Integer(number.into());
        let parts = match &self.key {
            Key::Es256(key) => {
                let point = key.public_key().as_ref();
                let (x, y) = point[1..].split_at(32);
                vec![
                    (int(1), int(2)),
                    (int(-1), int(1)),
                    (int(-2), Cbor::Bytes(x.to_vec())),
                    (int(-3), Cbor::Bytes(y.to_vec())),
                ]
            }
            Key::EdDsa(key) => vec![
                (int(1), int(1)),
                (int(-1), int(6)),
                (int(-2), Cbor::Bytes(key.public_key().as_ref().to_vec())),
            ],
            Key::Rs256(key) => {
                let parts = PublicKeyComponents::<Vec<u8>>::from(key.public_key());
                vec![
                    (int(1), int(3)),
                    (int(-1), Cbor::Bytes(parts.n)),
                    (int(-2), Cbor::Bytes(parts.e)),
                ]
            }
        };
        Cbor::Map(parts.into_iter().chain([(int(3), int(self.alg))]).collect())
    }

    /// `authData` of a registration.
    pub(crate) fn attested(&self) -> Vec<u8> {
        let mut key = Vec::new();
        ciborium::into_writer(&self.cose_key(), &mut key).expect("CBOR");
        let length = u16::try_from(self.id.len()).expect("short").to_be_bytes();
        [self.head(self.flags | AT), self.aaguid.to_vec(), length.to_vec(), self.id.clone(), key]
            .concat()
    }

    /// A `RegistrationResponseJSON`.
    pub(crate) fn register(&self, challenge: &str) -> Value {
        let object = Cbor::Map(vec![
            (Cbor::Text("fmt".into()), Cbor::Text("none".into())),
            (Cbor::Text("attStmt".into()), Cbor::Map(Vec::new())),
            (Cbor::Text("authData".into()), Cbor::Bytes(self.attested())),
        ]);
        let mut text = Vec::new();
        ciborium::into_writer(&object, &mut text).expect("CBOR");
        self.register_as(challenge, &text)
    }

    /// The same with any attestation object.
    pub(crate) fn register_as(&self, challenge: &str, object: &[u8]) -> Value {
        json!({
            "id": self.id(), "rawId": self.id(), "type": "public-key",
            "authenticatorAttachment": "platform",
            "response": {
                "clientDataJSON": coded(self.client_data("webauthn.create", challenge)),
                "attestationObject": coded(object),
                "transports": ["internal", "hybrid"],
            },
            "clientExtensionResults": {"credProps": {"rk": true}},
        })
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.key {
            Key::Es256(key) => {
                key.sign(&SystemRandom::new(), message).expect("signed").as_ref().to_vec()
            }
            Key::EdDsa(key) => key.sign(message).as_ref().to_vec(),
            Key::Rs256(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                let random = SystemRandom::new();
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).expect("signed");
                signature
            }
        }
    }

    /// An `AuthenticationResponseJSON`.
    pub(crate) fn answer(&self, challenge: &str) -> Value {
        let (data, client) = (self.head(self.flags), self.client_data("webauthn.get", challenge));
        let hash = digest(&SHA256, &client);
        let signature = self.sign(&[&data[..], hash.as_ref()].concat());
        json!({
            "id": self.id(), "rawId": self.id(), "type": "public-key",
            "response": {
                "clientDataJSON": coded(client),
                "authenticatorData": coded(data),
                "signature": coded(signature),
                "userHandle": self.user_handle.as_ref().map(coded),
            },
            "clientExtensionResults": {},
        })
    }
}
