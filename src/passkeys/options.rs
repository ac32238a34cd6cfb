//! The options for `navigator.credentials`, in the JSON of WebAuthn Level 3, section 5.1.8.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{CHALLENGE_TTL, Passkey, RelyingParty, ceremony::ALGORITHMS, user_handle};
use crate::domain::Profile;

/// For `create`. `service`: the operator's name. `known`: the passkeys of the account, whose
/// authenticators need no second one.
#[must_use]
pub fn creation(
    home: &RelyingParty,
    service: &str,
    profile: &Profile,
    known: &[Passkey],
    challenge: &str,
) -> Value {
    let algorithms = ALGORITHMS.map(|alg| json!({"type": "public-key", "alg": alg}));
    json!({
        "rp": {"id": home.id, "name": service},
        "user": {
            "id": URL_SAFE_NO_PAD.encode(user_handle(profile.id)),
            "name": profile.username,
            "displayName": profile.display_name(),
        },
        "challenge": challenge,
        "pubKeyCredParams": algorithms,
        "timeout": CHALLENGE_TTL * 1000,
        "excludeCredentials": known.iter().map(descriptor).collect::<Vec<_>>(),
        "authenticatorSelection": {
            "residentKey": "required",
            "requireResidentKey": true,
            "userVerification": "required",
        },
        "attestation": "none",
        "extensions": {"credProps": true},
    })
}

/// For `get`. It names no credentials, so it tells nothing about anybody.
#[must_use]
pub fn request(home: &RelyingParty, challenge: &str) -> Value {
    json!({
        "challenge": challenge,
        "timeout": CHALLENGE_TTL * 1000,
        "rpId": home.id,
        "allowCredentials": [],
        "userVerification": "required",
    })
}

fn descriptor(passkey: &Passkey) -> Value {
    let transports: Vec<&str> =
        passkey.transports.split(',').filter(|transport| !transport.is_empty()).collect();
    json!({"type": "public-key", "id": passkey.id, "transports": transports})
}
