//! `APPS_FILE`: apps in TOML, under version control.

use std::{collections::HashSet, fs, path::Path, sync::Arc};

use serde::Deserialize;
use toml::{Table, Value};

use super::{ADDED, App, CHANGED, Definition, SECRET_OVERLAP, SECRET_ROTATED, change::Change};
use crate::{
    audit::Authority,
    audit::sha256,
    keys::Keys,
    platform::{clock::now, error::Fault, settings::toml_fault},
    store::Store,
};

/// An app, as a file declares it.
#[derive(Clone, Debug)]
pub struct Declared {
    pub id: String,
    pub name: String,
    pub definition: Definition,
    /// The hash of its secret.
    secret: Option<String>,
}

/// Whether this can be a `client_id`.
#[must_use]
pub fn is_id(id: &str) -> bool {
    let is_good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    (1..=64).contains(&id.len()) && id.chars().all(is_good)
}

/// Whether a `client_id` could be taken for the `sub` of a person.
pub(super) fn is_number(id: &str) -> bool {
    id.bytes().all(|byte| byte.is_ascii_digit())
}

pub(super) const NUMBER: &str =
    "client_id: an app that acts for itself needs a letter in it, because people are numbers";

/// Whether this can be the name of an app: people read it.
#[must_use]
pub fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.chars().count())
        && name.trim() == name
        && !name.chars().any(|c| {
            c.is_control()
                || "\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}"
                    .contains(c)
        })
}

/// Reads a file, or says everything that is wrong with it.
pub fn read(path: &Path) -> Result<Vec<Declared>, Vec<String>> {
    let named = |reason: &dyn std::fmt::Display| vec![format!("{}: {reason}", path.display())];
    let text = fs::read_to_string(path).map_err(|error| named(&error))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    parse(&text, folder).map_err(|faults| {
        faults.iter().map(|fault| format!("{}: {fault}", path.display())).collect()
    })
}

/// `folder`: files of secrets are relative to it.
fn parse(text: &str, folder: &Path) -> Result<Vec<Declared>, Vec<String>> {
    let mut table: Table = text.parse().map_err(|error| vec![toml_fault(text, &error)])?;
    let apps = match table.remove("app") {
        Some(Value::Array(apps)) => apps,
        Some(_) => return Err(vec!["write each app as [[app]]".to_owned()]),
        None => Vec::new(),
    };
    let mut faults: Vec<String> =
        table.keys().map(|key| format!("{key}: there are only [[app]] entries")).collect();
    let mut declared: Vec<Declared> = Vec::new();
    let mut known = (HashSet::new(), HashSet::new());
    for (number, app) in apps.into_iter().enumerate() {
        let Value::Table(app) = app else {
            faults.push(format!("app {}: write each app as [[app]]", number + 1));
            continue;
        };
        match declare(app, folder) {
            Ok(app) => {
                if !known.0.insert(app.id.clone()) {
                    faults.push(format!("{}: this client_id is there twice", app.id));
                }
                if app.definition.authority().is_some_and(|host| !known.1.insert(host)) {
                    faults.push(format!("{}: another app has this host", app.id));
                }
                declared.push(app);
            }
            Err((id, reasons)) => {
                let which = id.unwrap_or_else(|| format!("app {}", number + 1));
                faults.extend(reasons.into_iter().map(|reason| format!("{which}: {reason}")));
            }
        }
    }
    if faults.is_empty() { Ok(declared) } else { Err(faults) }
}

type Faults = (Option<String>, Vec<String>);

fn declare(mut app: Table, folder: &Path) -> Result<Declared, Faults> {
    let mut faults = Vec::new();
    let mut text = |name: &str| match app.remove(name) {
        Some(Value::String(text)) => Some(text),
        Some(_) => {
            faults.push(format!("{name}: must be a text"));
            None
        }
        None => None,
    };
    let (id, name) = (text("client_id"), text("name"));
    let (secret, file, hash) =
        (text("client_secret"), text("client_secret_file"), text("client_secret_sha256"));
    if !id.as_deref().is_some_and(is_id) {
        faults.push("client_id: use 1 to 64 letters, digits, -, _ and .".to_owned());
    }
    let name = name.or_else(|| id.clone()).unwrap_or_default();
    if !is_name(&name) {
        faults.push("name: use 1 to 64 characters".to_owned());
    }
    let secret = match (secret, file, hash) {
        (None, None, None) => None,
        (Some(secret), None, None) => Some(secret),
        (None, Some(file), None) => match fs::read_to_string(folder.join(&file)) {
            Ok(secret) => Some(secret.trim_end_matches(['\r', '\n']).to_owned()),
            Err(error) => {
                faults.push(format!("client_secret_file {file}: {error}"));
                None
            }
        },
        (None, None, Some(hash)) => {
            let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
            if !is_hash {
                faults.push("client_secret_sha256: must be 64 hexadecimal digits".to_owned());
            }
            let definition = definition(app, &mut faults);
            return finish(id, name, definition, Some(hash.to_ascii_lowercase()), faults);
        }
        _ => {
            faults.push("name the secret in one way only".to_owned());
            None
        }
    };
    // Random secrets have this length; a guessable one would be the weakest part of the app.
    if secret.as_ref().is_some_and(|secret| secret.len() < 32) {
        faults.push("client_secret: use at least 32 characters: openssl rand -hex 32".to_owned());
    }
    let definition = definition(app, &mut faults);
    finish(id, name, definition, secret.map(|secret| sha256(&secret)), faults)
}

fn definition(app: Table, faults: &mut Vec<String>) -> Definition {
    match Definition::deserialize(Value::Table(app)) {
        Ok(definition) => {
            faults.extend(definition.faults());
            definition
        }
        Err(error) => {
            faults.push(error.to_string().trim().to_owned());
            Definition::default()
        }
    }
}

fn finish(
    id: Option<String>,
    name: String,
    definition: Definition,
    secret: Option<String>,
    mut faults: Vec<String>,
) -> Result<Declared, Faults> {
    if definition.client_credentials && id.as_deref().is_some_and(is_number) {
        faults.push(NUMBER.to_owned());
    }
    if faults.is_empty() {
        match (definition.has_secret(), &secret) {
            (true, None) => faults.push("needs a client_secret, or public = true".to_owned()),
            (false, Some(_)) => faults.push("a public app has no secret".to_owned()),
            _ => {}
        }
    }
    match id {
        Some(id) if faults.is_empty() => Ok(Declared { id, name, definition, secret }),
        id => Err((id, faults)),
    }
}

/// Makes the database as the file says. Apps made by command stay. Returns the differences, a line each;
/// with `dry_run` nothing is changed.
pub async fn apply(
    store: &Store,
    keys: &Keys,
    declared: &[Declared],
    dry_run: bool,
) -> Result<Result<Vec<String>, Vec<String>>, Fault> {
    let mut change = Change::begin(store, &Authority::command_line()).await?;
    let (mut lines, mut faults) = (Vec::new(), Vec::new());
    for new in declared {
        let known = change.apps.find(&new.id).cloned();
        if known.as_ref().is_some_and(|app| !app.by_file) {
            faults.push(format!("{}: an app made by command has this client_id", new.id));
            continue;
        }
        let at_host = new.definition.authority().and_then(|host| change.apps.at(&host));
        if let Some(other) = at_host.filter(|app| app.id != new.id && !app.by_file) {
            faults.push(format!("{}: {} has this host already", new.id, other.id));
            continue;
        }
        let created_at = known.as_ref().map_or_else(now, |app| app.created_at);
        let app = App::new(new.id.clone(), new.name.clone(), new.definition.clone(), created_at);
        let app = App { by_file: true, ..app };
        match &known {
            None => {
                change.write(&app, ADDED).await?;
                lines.push(format!("+ {} ({})", app.id, app.name));
            }
            Some(old) if old.name != app.name || old.definition != app.definition => {
                change.write(&app, CHANGED).await?;
                lines.push(format!("~ {}: {}", app.id, differences(old, &app)));
            }
            Some(_) => {}
        }
        let newest = known.as_ref().and_then(|old| old.newest_secret());
        if newest != new.secret.as_deref() {
            change.replace_secret(&app, new.secret.as_deref(), SECRET_OVERLAP).await?;
            if newest.is_some() {
                change.record(&app, SECRET_ROTATED).await?;
                lines.push(format!("~ {}: another secret; the old one is good for a day", app.id));
            }
        }
    }
    let is_declared = |app: &App| declared.iter().any(|new| new.id == app.id);
    let known: Vec<Arc<App>> = change.apps.all().into_iter().cloned().collect();
    for app in known.iter().filter(|app| app.by_file && !is_declared(app)) {
        change.remove(app, keys).await?;
        lines.push(format!("- {} ({})", app.id, app.name));
    }
    if !faults.is_empty() {
        return Ok(Err(faults));
    }
    if !dry_run && !lines.is_empty() {
        change.commit().await?;
    }
    Ok(Ok(lines))
}

/// The members that differ.
fn differences(old: &App, new: &App) -> String {
    let of = |app: &App| serde_json::to_value(&app.definition).unwrap_or_default();
    let (old_definition, new_definition) = (of(old), of(new));
    let mut names = Vec::new();
    if old.name != new.name {
        names.push("name".to_owned());
    }
    for (name, value) in new_definition.as_object().into_iter().flatten() {
        if old_definition.get(name) != Some(value) {
            names.push(name.clone());
        }
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        parse(text, Path::new(".")).expect_err("faults")
    }

    #[test]
    fn apps_are_read_with_their_rules() {
        let text = r#"
            [[app]]
            client_id = "wiki"
            name = "Wiki"
            host = "https://wiki.example.org"
            groups = ["staff"]
            longest_session = "8h"

            [[app.rules]]
            path = "/public"
            access = "everybody"

            [[app.rules]]
            path = "/admin"
            access = { groups = ["admins"] }

            [[app]]
            client_id = "shop"
            client_secret = "0123456789abcdef0123456789abcdef"
            redirect_uris = ["https://shop.example.org/cb"]
            id_token_alg = "ES256"
        "#;
        let apps = parse(text, Path::new(".")).expect("apps");
        assert_eq!(apps[0].definition.longest_session, Some(8 * 3600));
        assert_eq!(apps[0].definition.rules.len(), 2);
        assert_eq!(apps[1].name, "shop");
        assert_eq!(apps[1].secret, Some(sha256("0123456789abcdef0123456789abcdef")));
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let told = faults(
            "[[app]]\nclient_id = \"a b\"\nredirect_uris = [\"http://x.example/\"]\n\
             [[app]]\nclient_id = \"c\"\ncolour = \"red\"\n",
        );
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told.iter().any(|fault| fault.contains("colour")), "{told:?}");
        assert_eq!(faults("[app]\nclient_id = \"a\"").len(), 1);
        assert_eq!(faults("nonsense").len(), 1);
        assert_eq!(faults("app = [\"wiki\"]").len(), 1);
        let twice = "[[app]]\nclient_id = \"a\"\npublic = true\nredirect_uris = [\"https://x/\"]\n";
        assert_eq!(faults(&twice.repeat(2)).len(), 1);
        assert_eq!(faults("[[app]]\nclient_id=\"a\"\nredirect_uris=[\"https://x/\"]").len(), 1);
        let short = "[[app]]\nclient_id=\"a\"\nclient_secret=\"x\"\nredirect_uris=[\"https://x/\"]";
        assert_eq!(faults(short).len(), 1);
    }
}
