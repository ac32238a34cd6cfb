//! Firebase's hashes, which are useless without their project.

use super::{
    Kept,
    recipe::{Before, Recipe},
    spellings::any_base64,
};

/// A Firebase project: its hashes are useless without these parameters.
pub struct FirebaseProject {
    signer_key: Vec<u8>,
    salt_separator: Vec<u8>,
    rounds: u32,
    mem_cost: u8,
}

impl FirebaseProject {
    /// As the console shows them: the first two in base64.
    pub fn new(
        signer_key: &str,
        salt_separator: &str,
        rounds: u32,
        mem_cost: u8,
    ) -> Result<Self, &'static str> {
        let signer_key = any_base64(signer_key).filter(|key| key.len() >= 16);
        Ok(Self {
            signer_key: signer_key
                .ok_or("the signer key must be in base64, as the console shows it")?,
            salt_separator: any_base64(salt_separator)
                .ok_or("the salt separator must be in base64")?,
            rounds: Some(rounds).filter(|n| (1..=8).contains(n)).ok_or("rounds must be 1 to 8")?,
            mem_cost: Some(mem_cost)
                .filter(|n| (1..=14).contains(n))
                .ok_or("mem_cost must be 1 to 14")?,
        })
    }
}

/// `firebase:SALT:HASH`, both in base64. `None`: it is something else.
pub(super) fn read(
    text: &str,
    project: Option<&FirebaseProject>,
) -> Result<Option<Kept>, &'static str> {
    let Some(rest) = text.strip_prefix("firebase:") else { return Ok(None) };
    let project = project.ok_or("is of Firebase: give --firebase-signer-key and the others")?;
    let parts =
        rest.split_once(':').and_then(|(salt, hash)| any_base64(salt).zip(any_base64(hash)));
    let (mut salt, digest) = parts.ok_or("is no hash of Firebase")?;
    if digest.len() != project.signer_key.len() {
        return Err("is not of this Firebase project: its length is that of another signer key");
    }
    salt.extend_from_slice(&project.salt_separator);
    let (log_n, r) = (project.mem_cost, project.rounds);
    let recipe = Recipe::Firebase { log_n, r, salt, signer_key: project.signer_key.clone() };
    Ok(Some(Kept { before: Before::Nothing, recipe, digest }))
}
