//! Private keys: made, read and used.

use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jsonwebtoken::{
    EncodingKey,
    jwk::{Jwk, PublicKeyUse, ThumbprintHash},
};
use zeroize::Zeroizing;

use super::Algorithm;
use crate::platform::error::Fault;

/// A private key, read once: reading one takes as long as signing with it.
pub(super) enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ec(Box<EcdsaKeyPair>),
}

impl Pair {
    pub(super) fn read(algorithm: Algorithm, der: &[u8]) -> Result<Self, Fault> {
        Ok(match algorithm {
            Algorithm::Rs256 => {
                Self::Rsa(Box::new(RsaKeyPair::from_pkcs8(der).map_err(Fault::internal)?))
            }
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der);
                Self::Ec(Box::new(pair.map_err(Fault::internal)?))
            }
        })
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Fault> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let signed = pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature);
                signed.map_err(Fault::internal)?;
                Ok(signature)
            }
            Self::Ec(pair) => {
                let signature = pair.sign(&random, message).map_err(Fault::internal)?;
                Ok(signature.as_ref().to_vec())
            }
        }
    }
}

/// A key that was just made.
pub(super) struct Fresh {
    pub(super) kid: String,
    pub(super) algorithm: Algorithm,
    /// PKCS #8 in base64.
    pub(super) private: Zeroizing<String>,
    /// A JWK.
    pub(super) public: String,
}

impl Fresh {
    pub(super) async fn make(algorithm: Algorithm) -> Result<Self, Fault> {
        tokio::task::spawn_blocking(move || Self::make_now(algorithm))
            .await
            .map_err(Fault::internal)?
    }

    fn make_now(algorithm: Algorithm) -> Result<Self, Fault> {
        let (private, to_sign) = match algorithm {
            Algorithm::Rs256 => {
                let pair = aws_lc_rs::rsa::KeyPair::generate(KeySize::Rsa2048);
                let der = pair.and_then(|pair| pair.as_der()).map_err(Fault::internal)?;
                let der = Zeroizing::new(der.as_ref().to_vec());
                // jsonwebtoken reads PKCS #1 and PKCS #8 alike only as PEM.
                (der.clone(), EncodingKey::from_rsa_pem(pem(&der).as_bytes()))
            }
            Algorithm::Es256 => {
                let random = SystemRandom::new();
                let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
                let der = Zeroizing::new(der.map_err(Fault::internal)?.as_ref().to_vec());
                (der.clone(), Ok(EncodingKey::from_ec_der(&der)))
            }
        };
        let to_sign = to_sign.map_err(Fault::internal)?;
        let mut jwk =
            Jwk::from_encoding_key(&to_sign, algorithm.for_checks()).map_err(Fault::internal)?;
        let kid = jwk.thumbprint(ThumbprintHash::SHA256).map_err(Fault::internal)?;
        jwk.common.key_id = Some(kid.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        let public = serde_json::to_string(&jwk).map_err(Fault::internal)?;
        Ok(Self { kid, algorithm, private: Zeroizing::new(STANDARD.encode(&*private)), public })
    }
}

fn pem(der: &[u8]) -> Zeroizing<String> {
    let text = STANDARD.encode(der);
    let lines = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect::<Vec<_>>();
    let lines = lines.join("\n");
    Zeroizing::new(format!("-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----\n"))
}
