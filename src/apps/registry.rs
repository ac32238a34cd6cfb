//! Adding, changing and removing apps: the use cases of the command and of the admin area. What is wrong with a
//! definition comes back in words.

use super::{App, Apps, CHANGED, Definition, change::Change, file};
use crate::{
    audit::Authority,
    keys::Keys,
    platform::{clock::now, error::Fault, random},
    store::Store,
};

/// Everything that is wrong, in words.
pub type Faults = Vec<String>;

/// A random `client_id`. A hyphen at its beginning would make it an option of commands.
pub fn new_id() -> Result<String, Fault> {
    loop {
        let id = random::text()?;
        if !id.starts_with('-') {
            return Ok(id);
        }
    }
}

fn check(app: &App, apps: &Apps) -> Result<(), Faults> {
    let mut faults = app.definition.faults();
    if !file::is_id(&app.id) {
        faults.push("client_id: use 1 to 64 letters, digits, -, _ and .".to_owned());
    }
    if app.definition.client_credentials && file::is_number(&app.id) {
        faults.push(file::NUMBER.to_owned());
    }
    if !file::is_name(&app.name) {
        faults.push("name: use 1 to 64 characters".to_owned());
    }
    let at_host = app.definition.authority().and_then(|host| apps.at(&host).cloned());
    if let Some(other) = at_host.filter(|other| other.id != app.id) {
        faults.push(format!("{} has this host already", other.name));
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// Apps of `APPS_FILE` are changed there, and others describe themselves.
fn of_operator(app: &App) -> Result<&App, Faults> {
    if app.by_file {
        return Err(vec![format!("{} is declared in APPS_FILE: change it there", app.name)]);
    }
    if app.is_dynamic() {
        return Err(vec![format!("{} describes itself: it can only be removed", app.id)]);
    }
    Ok(app)
}

fn find(apps: &Apps, id: &str) -> Result<App, Faults> {
    let missing = || vec!["there is no app with this client_id".to_owned()];
    Ok(apps.find(id).ok_or_else(missing)?.as_ref().clone())
}

/// Adds an app. Returns it, and its secret unless it has none: it is available once.
pub async fn add(
    store: &Store,
    authority: &Authority,
    id: Option<String>,
    name: &str,
    definition: Definition,
) -> Result<Result<(App, Option<String>), Faults>, Fault> {
    let id = id.map_or_else(new_id, Ok)?;
    let app = App::new(id, name.to_owned(), definition, now());
    let mut change = Change::begin(store, authority).await?;
    if let Err(faults) = check(&app, &change.apps) {
        return Ok(Err(faults));
    }
    if change.apps.find(&app.id).is_some() {
        return Ok(Err(vec!["another app has this client_id".to_owned()]));
    }
    let secret = change.add(&app).await?;
    change.commit().await?;
    Ok(Ok((app, secret)))
}

/// Changes an app.
pub async fn change(
    store: &Store,
    authority: &Authority,
    id: &str,
    alter: impl FnOnce(&mut String, &mut Definition) -> Result<(), Faults> + Send,
) -> Result<Result<App, Faults>, Fault> {
    let mut change = Change::begin(store, authority).await?;
    let found = find(&change.apps, id);
    let mut app = match found.and_then(|app| of_operator(&app).cloned()) {
        Ok(app) => app,
        Err(faults) => return Ok(Err(faults)),
    };
    let altered = alter(&mut app.name, &mut app.definition);
    if let Err(faults) = altered.and_then(|()| check(&app, &change.apps)) {
        return Ok(Err(faults));
    }
    change.write(&app, CHANGED).await?;
    change.commit().await?;
    Ok(Ok(app))
}

/// Removes an app, ends what it got, and tells it.
pub async fn remove(
    store: &Store,
    keys: &Keys,
    authority: &Authority,
    id: &str,
) -> Result<Result<App, Faults>, Fault> {
    let mut change = Change::begin(store, authority).await?;
    let app = match find(&change.apps, id) {
        Ok(app) if app.is_dynamic() => app,
        found => match found.and_then(|app| of_operator(&app).cloned()) {
            Ok(app) => app,
            Err(faults) => return Ok(Err(faults)),
        },
    };
    change.remove(&app, keys).await?;
    change.commit().await?;
    Ok(Ok(app))
}

/// Makes a new secret, which is available once. The old one is good for `overlap` seconds.
pub async fn rotate_secret(
    store: &Store,
    authority: &Authority,
    id: &str,
    overlap: i64,
) -> Result<Result<(App, String), Faults>, Fault> {
    let mut change = Change::begin(store, authority).await?;
    let app = match find(&change.apps, id).and_then(|app| of_operator(&app).cloned()) {
        Ok(app) if app.definition.has_secret() => app,
        Ok(app) => return Ok(Err(vec![format!("{} needs no secret", app.name)])),
        Err(faults) => return Ok(Err(faults)),
    };
    let secret = change.rotate_secret(&app, overlap).await?;
    change.commit().await?;
    Ok(Ok((app, secret)))
}
