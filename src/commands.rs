//! The operator's commands on accounts and on the audit trail. What they do is in
//! `server/operator.rs`; here it is read from the command line, and told.

use std::{
    fs,
    io::{BufReader, BufWriter, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use crate::{
    Failure,
    cli::{Audit, ImportOptions, User},
    fail, say, settings,
};
use latchkey::{
    accounts::operator::{self, ImportRules, MAX_TOLD, RefusedLine},
    domain::AccountId,
    passwords::{self, FirebaseProject},
    platform::{
        clock::{now, rfc3339, time},
        error::Fault,
        settings::{Database, Settings},
    },
    store::{AccountRecord, Fact, SetUpLock, Store},
};

/// The database of the settings, if it is there and up to date.
async fn open() -> Result<Store, Failure> {
    let settings = settings()?;
    let database = settings.database;
    if matches!(&database, Database::Sqlite(path) if !path.exists()) {
        return fail(&format!("{database}: there is no such database yet"));
    }
    let lock = SetUpLock::wait(&database).await?;
    let store = Store::open(&database, settings.database_connections, &lock).await?;
    if store.migrations().await?.iter().any(|migration| !migration.applied) {
        return fail("the database is of an older version: run `latchkey migrate up` first");
    }
    Ok(store)
}

fn told(fault: Fault) -> Failure {
    Failure(vec![fault.source().to_string()])
}

pub(crate) async fn import(file: &Path, options: &ImportOptions) -> Result<(), Failure> {
    let named = |error: std::io::Error| Failure(vec![format!("{}: {error}", file.display())]);
    // A pipe cannot be read twice.
    if !fs::metadata(file).map_err(named)?.is_file() {
        return fail(&format!("{}: is not a file", file.display()));
    }
    let rules = import_rules(options)?;
    // Before anything is added, so that it is known to be writable.
    let links = options.password_links.as_deref().map(create).transpose()?;
    // An import may be the first thing that is done.
    let settings = settings()?;
    let lock = SetUpLock::wait(&settings.database).await?;
    let store = Store::open(&settings.database, settings.database_connections, &lock).await?;
    store.migrate_up().await?;
    drop(lock);
    let open = || fs::File::open(file).map(BufReader::new);
    let imported = operator::import(&store, open, &rules, |what, lines| {
        _ = write!(std::io::stderr(), "\r{what}: {lines}   ");
    })
    .await
    .map_err(told)?;
    _ = writeln!(std::io::stderr());
    let refused = imported.refused.len();
    let mut lines: Vec<String> = imported
        .refused
        .iter()
        .take(MAX_TOLD)
        .map(|RefusedLine { number, reason }| format!("line {number}: {reason}"))
        .collect();
    if refused > MAX_TOLD {
        lines.push(format!("and {} more lines", refused - MAX_TOLD));
    }
    if refused > 0 && !options.skip_refused {
        lines.push(format!(
            "Nothing was imported, since some lines were refused ({refused}). Fix them, or use \
             --skip-refused to import the rest"
        ));
        if let Some(path) = &options.password_links {
            _ = fs::remove_file(path);
        }
        return Err(Failure(lines));
    }
    for line in lines {
        _ = writeln!(std::io::stderr(), "latchkey: refused {line}");
    }
    for operator::Mapped { number, from, to } in &imported.mapped {
        say(&format!("line {number}: {from} is {to} here"));
    }
    say(&format!("Accounts added: {}. Lines refused: {refused}.", imported.added));
    if imported.without_password.is_empty() {
        store.close().await;
        return Ok(());
    }
    let without = imported.without_password.len();
    let Some(mut links) = links else {
        say(&format!(
            "Without a password: {without}. `latchkey user set-password-link NAME` makes a link for \
             each, and --password-links FILE makes all of them at the next import."
        ));
        store.close().await;
        return Ok(());
    };
    let origin = public_origin(&store, &settings).await?;
    for (id, username) in &imported.without_password {
        let link = operator::password_link(&store, *id).await.map_err(told)?;
        let url = format!("{origin}/set-password?link={link}");
        let line = serde_json::json!({"id": id.0, "username": username, "url": url});
        writeln!(links, "{line}")?;
    }
    finish(links)?;
    store.close().await;
    say(&format!("Links to set a password: {without}. Each works once, within 24 hours."));
    Ok(())
}

fn import_rules(options: &ImportOptions) -> Result<ImportRules, Failure> {
    let firebase = match (&options.firebase_signer_key, &options.firebase_salt_separator) {
        (Some(key), Some(separator)) => {
            let (rounds, mem_cost) = (options.firebase_rounds, options.firebase_mem_cost);
            let project = FirebaseProject::new(key, separator, rounds, mem_cost);
            Some(project.map_err(|reason| Failure(vec![format!("Firebase: {reason}")]))?)
        }
        _ => None,
    };
    let ImportOptions { skip_refused, map_usernames, allow_reserved, .. } = *options;
    Ok(ImportRules { skip_refused, map_usernames, allow_reserved, firebase })
}

/// The address that people use: the one that is set here, or the one that the server was told. The
/// settings of its unit or container may not be seen here.
async fn public_origin(store: &Store, settings: &Settings) -> Result<String, Failure> {
    if let Some(url) = &settings.public_url {
        return Ok(url.origin());
    }
    if let Some(noted) = store.fact(Fact::PublicUrl).await.map_err(told)? {
        return Ok(noted);
    }
    warn(
        "no server has used this database yet and PUBLIC_URL is not set here, so the address is a \
         guess",
    );
    Ok(settings.public_url_at(settings.listen.port()).origin())
}

fn warn(text: &str) {
    _ = writeln!(std::io::stderr(), "latchkey: warning: {text}");
}

/// A new file, readable by its owner alone.
fn create(file: &Path) -> Result<BufWriter<fs::File>, Failure> {
    let mut options = fs::OpenOptions::new();
    let created = options.write(true).create_new(true).mode(0o600).open(file);
    let named = |error| Failure(vec![format!("{}: {error}", file.display())]);
    created.map(BufWriter::new).map_err(named)
}

fn finish(file: BufWriter<fs::File>) -> Result<(), Failure> {
    file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    Ok(())
}

pub(crate) async fn export(file: &Path) -> Result<(), Failure> {
    let store = open().await?;
    let mut to = create(file)?;
    let count = operator::export(&store, &mut to).await.map_err(told)?;
    finish(to)?;
    store.close().await;
    say(&format!("Wrote {count} accounts to {}. Only its owner can read it.", file.display()));
    Ok(())
}

pub(crate) async fn user(command: User) -> Result<(), Failure> {
    let store = open().await?;
    match command {
        User::List { json } => list(&store, json).await?,
        User::Show { name } => show(&find(&store, &name).await?),
        User::Disable { name } => set_disabled(&store, &name, true).await?,
        User::Enable { name } => set_disabled(&store, &name, false).await?,
        User::Delete { name, yes } => {
            let account = find(&store, &name).await?;
            if !yes {
                return fail(&format!(
                    "this permanently deletes {} and all its data; re-run with --yes to confirm",
                    account.username
                ));
            }
            let id = AccountId(account.id);
            if !operator::delete(&store, id).await.map_err(told)? {
                return fail("someone else has just deleted it");
            }
            say(&format!("{} is deleted.", account.username));
        }
        User::Sessions { name, end } => sessions(&store, &name, end).await?,
        User::SetPasswordLink { name } => {
            let account = find(&store, &name).await?;
            let id = AccountId(account.id);
            if account.disabled_at.is_some() {
                return fail(&format!(
                    "{0} is disabled: run \"latchkey user enable {0}\" first, since enabling voids \
                     links",
                    account.username
                ));
            }
            if account.delete_at.is_some() {
                say(
                    "This account is about to be deleted. Signing in with the new password keeps it.",
                );
            }
            let link = operator::password_link(&store, id).await.map_err(told)?;
            let origin = public_origin(&store, &settings()?).await?;
            say("Give this link to the account's owner. It works once, within 24 hours:");
            say(&format!("{origin}/set-password?link={link}"));
        }
    }
    store.close().await;
    Ok(())
}

async fn set_disabled(store: &Store, name: &str, disabled: bool) -> Result<(), Failure> {
    let account = find(store, name).await?;
    let id = AccountId(account.id);
    let changed = operator::set_disabled(store, id, disabled).await.map_err(told)?;
    let what = match (disabled, changed) {
        (true, true) => "is disabled, and signed out",
        (true, false) => "is disabled already",
        (false, true) => "can sign in again",
        (false, false) => "is not disabled",
    };
    say(&format!("{} {what}.", account.username));
    Ok(())
}

async fn find(store: &Store, name: &str) -> Result<AccountRecord, Failure> {
    match operator::find(store, name).await.map_err(told)? {
        Some(account) => Ok(account),
        None => fail("there is no account with this username or id"),
    }
}

async fn list(store: &Store, json: bool) -> Result<(), Failure> {
    let mut last = 0;
    if !json {
        say(&format!("{:16}  {:8}  {:10}  USERNAME", "ID", "STATE", "SINCE"));
    }
    loop {
        let records = store.records_after(last, 500).await.map_err(told)?;
        let Some(end) = records.last() else { return Ok(()) };
        last = end.id;
        for record in records {
            if json {
                let line = serde_json::json!({
                    "id": record.id,
                    "username": record.username,
                    "fullName": record.full_name,
                    "state": state(&record),
                    "createdAt": rfc3339(record.created_at),
                });
                say(&line.to_string());
                continue;
            }
            say(&format!(
                "{:16}  {:8}  {}  {}",
                record.id,
                state(&record),
                day(record.created_at),
                record.username
            ));
        }
    }
}

fn state(record: &AccountRecord) -> &'static str {
    match (record.disabled_at, record.delete_at) {
        (Some(_), _) => "disabled",
        (None, Some(_)) => "leaving",
        (None, None) => "active",
    }
}

fn show(record: &AccountRecord) {
    say(&format!("id            {}", record.id));
    say(&format!("username      {}", record.username));
    say(&format!("full name     {}", record.full_name));
    say(&format!("member since  {}", day(record.created_at)));
    say(&format!("state         {}", state(record)));
    if let Some(at) = record.disabled_at {
        say(&format!("disabled      {}", day(at)));
    }
    if let Some(at) = record.delete_at {
        say(&format!("to be deleted {}", day(at)));
    }
    say(&format!("password      kept as {}", passwords::kept_as(&record.password_hash)));
}

async fn sessions(store: &Store, name: &str, end: bool) -> Result<(), Failure> {
    let account = AccountId(find(store, name).await?.id);
    if end {
        let ended = operator::end_sessions(store, account).await.map_err(told)?;
        say(&format!("Sessions ended: {ended}."));
        return Ok(());
    }
    let sessions = store.sessions_of(account, now()).await.map_err(told)?;
    if sessions.is_empty() {
        say("No sessions.");
    }
    for session in sessions {
        say(&format!(
            "since {}  last seen {}  {}  {}  {}",
            day(session.created_at),
            day(session.seen_at),
            session.carrier.word(),
            session.network,
            session.device
        ));
    }
    Ok(())
}

fn day(seconds: i64) -> String {
    time(seconds).date().to_string()
}

pub(crate) async fn audit(command: Audit) -> Result<(), Failure> {
    let store = open().await?;
    match command {
        Audit::Verify { expect } => {
            match operator::verify_audit(&store, expect).await.map_err(told)? {
                Err(wrong) => return fail(&format!("the audit trail is broken: {wrong}")),
                Ok((0, _)) => say("The audit trail is empty."),
                Ok((rows, hash)) => {
                    say(&format!("All {rows} rows are as they were written."));
                    say(&format!("The last one: {hash}"));
                }
            }
        }
        Audit::Export { file } => {
            let mut to = create(&file)?;
            let count = operator::export_audit(&store, &mut to).await.map_err(told)?;
            finish(to)?;
            say(&format!("Wrote {count} rows to {}.", file.display()));
        }
    }
    store.close().await;
    Ok(())
}
