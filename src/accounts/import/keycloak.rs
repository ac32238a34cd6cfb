//! Credentials of Keycloak.

use serde_json::Value;

/// A Keycloak credential as a PHC string. Keycloak exports JSON within JSON since version 8, flat
/// JSON before.
pub(super) fn phc(credential: &Value) -> Option<String> {
    let within = |name: &str| -> Option<Value> {
        serde_json::from_str(credential.get(name)?.as_str()?).ok()
    };
    let data = within("credentialData").unwrap_or_else(|| credential.clone());
    let secret = within("secretData").unwrap_or_else(|| credential.clone());
    let text = |value: &Value, name: &str| Some(value.get(name)?.as_str()?.to_owned());
    let hash = text(&secret, "value").or_else(|| text(&secret, "hashedSaltedValue"))?;
    let salt = text(&secret, "salt")?;
    let iterations = data.get("hashIterations")?.as_u64()?;
    let algorithm = text(&data, "algorithm")?;
    if algorithm.starts_with("pbkdf2") {
        return Some(format!("${algorithm}$i={iterations}${salt}${hash}"));
    }
    if algorithm != "argon2" {
        return None;
    }
    let more = data.get("additionalParameters")?;
    let more = |name: &str| more.get(name)?.get(0)?.as_str();
    let version = match more("version").unwrap_or("1.3") {
        "1.3" => 19,
        "1.0" => 16,
        _ => return None,
    };
    let (kind, memory) = (more("type").unwrap_or("id"), more("memory")?);
    let lanes = more("parallelism").unwrap_or("1");
    Some(format!("$argon2{kind}$v={version}$m={memory},t={iterations},p={lanes}${salt}${hash}"))
}
