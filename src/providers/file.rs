//! `PROVIDERS_FILE`: providers in TOML.

use std::{collections::HashSet, fs, path::Path};

use serde::Deserialize;
use toml::{Table, Value};
use url::{Host, Url};

use super::{Kind, Provider};
use crate::platform::settings::toml_fault;

/// An entry, as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    name: Option<String>,
    kind: Option<String>,
    issuer: Option<String>,
    /// Of GitHub Enterprise.
    api: Option<String>,
    client_id: String,
    client_secret: Option<String>,
    client_secret_file: Option<String>,
    scopes: Option<Vec<String>>,
    #[serde(default)]
    trust_email: bool,
    #[serde(default = "yes")]
    sign_up: bool,
    #[serde(default)]
    second_factor: Vec<String>,
    #[serde(default)]
    insecure_http: bool,
}

fn yes() -> bool {
    true
}

/// `folder`: files of secrets are relative to it.
pub(super) fn parse(text: &str, folder: &Path) -> Result<Vec<Provider>, Vec<String>> {
    let mut table: Table = text.parse().map_err(|error| vec![toml_fault(text, &error)])?;
    let entries = match table.remove("provider") {
        Some(Value::Array(entries)) => entries,
        Some(_) => return Err(vec!["write each provider as [[provider]]".to_owned()]),
        None => Vec::new(),
    };
    let mut faults: Vec<String> =
        table.keys().map(|key| format!("{key}: there are only [[provider]] entries")).collect();
    let (mut providers, mut ids, mut issuers) = (Vec::new(), HashSet::new(), HashSet::new());
    for (number, entry) in entries.into_iter().enumerate() {
        let which = entry.get("id").and_then(Value::as_str).map(str::to_owned);
        let which = which.unwrap_or_else(|| format!("provider {}", number + 1));
        let read = Entry::deserialize(entry).map_err(|error| vec![error.to_string()]);
        match read.and_then(|entry| provider(entry, folder)) {
            Ok(provider) => {
                if !ids.insert(provider.id.clone()) {
                    faults.push(format!("{which}: this id is there twice"));
                }
                // Otherwise an identity would belong to two providers.
                if !issuers.insert(provider.issuer_text.clone()) {
                    faults.push(format!("{which}: another provider has this issuer"));
                }
                providers.push(provider);
            }
            Err(reasons) => {
                let reasons = reasons.into_iter();
                faults.extend(reasons.map(|reason| format!("{which}: {}", reason.trim())));
            }
        }
    }
    if faults.is_empty() { Ok(providers) } else { Err(faults) }
}

fn provider(entry: Entry, folder: &Path) -> Result<Provider, Vec<String>> {
    let mut faults = Vec::new();
    let is_good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !(1..=32).contains(&entry.id.len()) || !entry.id.chars().all(is_good) {
        faults.push("id: use 1 to 32 small letters, digits and -".to_owned());
    }
    if entry.client_id.is_empty() || entry.client_secret.as_deref() == Some("") {
        faults.push("client_id and client_secret must not be empty".to_owned());
    }
    let (is_github, issuer) = match (entry.kind.as_deref(), entry.issuer) {
        (Some("github"), issuer) => (true, issuer.unwrap_or("https://github.com".to_owned())),
        (None | Some("openid"), Some(issuer)) if !issuer.is_empty() => (false, issuer),
        (None | Some("openid"), _) => {
            faults.push("issuer is missing; or say kind = \"github\"".to_owned());
            (false, String::new())
        }
        (Some(_), _) => {
            faults.push("kind: must be openid (the default) or github".to_owned());
            (false, String::new())
        }
    };
    let mut address = |what: &str, text: &str| match address(text, entry.insecure_http) {
        Ok(url) => Some(url),
        Err(reason) => {
            faults.push(format!("{what}: {reason}"));
            None
        }
    };
    let url = (!issuer.is_empty()).then(|| address("issuer", &issuer)).flatten();
    let api = is_github.then(|| match (&entry.api, &*issuer) {
        (Some(api), _) => api.clone(),
        (None, "https://github.com" | "https://github.com/") => "https://api.github.com".to_owned(),
        (None, issuer) => format!("{}/api/v3", issuer.trim_end_matches('/')),
    });
    let kind = match api {
        Some(api) => address("api", &api).map(Kind::GitHub),
        None => Some(Kind::OpenId),
    };
    let secret = match (entry.client_secret, entry.client_secret_file) {
        (Some(_), Some(_)) => {
            faults.push("name the secret in one way only".to_owned());
            None
        }
        (None, Some(file)) => match fs::read_to_string(folder.join(&file)) {
            Ok(secret) => Some(secret.trim_end_matches(['\r', '\n']).to_owned()),
            Err(error) => {
                faults.push(format!("client_secret_file {file}: {error}"));
                None
            }
        },
        (secret, None) => secret,
    };
    if is_github && secret.is_none() {
        faults.push("client_secret is missing".to_owned());
    }
    let defaults: &[&str] =
        if is_github { &["read:user", "user:email"] } else { &["openid", "profile", "email"] };
    let scopes = entry.scopes.unwrap_or_else(|| defaults.iter().map(|s| (*s).to_owned()).collect());
    if !is_github && !scopes.iter().any(|scope| scope == "openid") {
        faults.push("scopes: must contain openid".to_owned());
    }
    match (url, kind) {
        (Some(url), Some(kind)) if faults.is_empty() => Ok(Provider {
            name: entry.name.unwrap_or_else(|| entry.id.clone()),
            id: entry.id,
            kind,
            issuer: url,
            issuer_text: issuer,
            client_id: entry.client_id,
            client_secret: secret,
            scopes,
            trust_email: entry.trust_email,
            sign_up: entry.sign_up,
            second_factor: entry.second_factor,
        }),
        _ => Err(faults),
    }
}

/// An address that the operator names.
fn address(text: &str, insecure_http: bool) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "is not a URL")?;
    let is_local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    let is_plain = url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    match url.scheme() {
        _ if !is_plain => Err("must have no user, ? or #"),
        "https" => Ok(url),
        "http" if is_local || insecure_http => Ok(url),
        "http" => Err("must begin with https://, unless insecure_http = true"),
        _ => Err("must begin with https://"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<Provider>, Vec<String>> {
        super::parse(text, Path::new("/nowhere"))
    }

    #[test]
    fn providers_are_read_with_their_defaults() {
        let read = parse(
            r#"
            [[provider]]
            id = "work"
            name = "Work"
            issuer = "https://id.example.org/realm"
            client_id = "latchkey"
            client_secret = "secret"

            [[provider]]
            id = "github"
            kind = "github"
            client_id = "latchkey"
            client_secret = "secret"
            sign_up = false
            "#,
        );
        let [work, github] = &read.expect("good")[..] else { panic!("two") };
        assert_eq!(work.scopes, ["openid", "profile", "email"]);
        assert!(work.sign_up && !work.trust_email && !github.sign_up);
        let api = Url::parse("https://api.github.com").expect("a URL");
        assert_eq!((&github.kind, &*github.name), (&Kind::GitHub(api), "github"));
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let faults = parse(
            r#"
            [[provider]]
            id = "Work Place"
            issuer = "http://id.example.org"
            client_id = "latchkey"
            scopes = ["profile"]

            [[provider]]
            id = "x"
            client_id = "latchkey"
            colour = "red"

            [other]
            "#,
        )
        .err()
        .expect("faults");
        assert_eq!(faults.len(), 5, "{faults:#?}");
    }

    #[test]
    fn an_issuer_has_one_provider() {
        let one = |id| {
            format!(
                "[[provider]]\nid = \"{id}\"\nissuer = \"https://a.example\"\nclient_id = \"x\"\n"
            )
        };
        assert!(parse(&one("a")).is_ok());
        assert_eq!(parse(&format!("{}{}", one("a"), one("b"))).err().expect("a fault").len(), 1);
    }
}
