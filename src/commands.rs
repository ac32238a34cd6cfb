//! The operator's commands on accounts and on the audit trail. What they do is in
//! `server/operator.rs`; here it is read from the command line, and told.

use std::{
    fs,
    io::{BufReader, BufWriter, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use crate::{Audit, Failure, User, fail, say, settings};
use latchkey::{
    domain::AccountId,
    server::{
        clock::{now, time},
        config::Database,
        error::Fault,
        operator::{self, MAX_TOLD, RefusedLine},
        passwords,
        store::{AccountRecord, SetUpLock, Store},
    },
};

/// The database of the settings, if it is there and up to date.
async fn open() -> Result<Store, Failure> {
    let database = settings()?.database;
    if matches!(&database, Database::Sqlite(path) if !path.exists()) {
        return fail(&format!("{database}: there is no such database yet"));
    }
    let lock = SetUpLock::wait(&database)?;
    let store = Store::open(&database, &lock).await?;
    if store.migrations().await?.iter().any(|migration| !migration.applied) {
        return fail("the database is of an older version: run `latchkey migrate up` first");
    }
    Ok(store)
}

fn told(fault: Fault) -> Failure {
    Failure(vec![fault.source().to_string()])
}

pub(crate) async fn import(file: &Path, skip_refused: bool) -> Result<(), Failure> {
    let named = |error: std::io::Error| Failure(vec![format!("{}: {error}", file.display())]);
    // A pipe cannot be read twice.
    if !fs::metadata(file).map_err(named)?.is_file() {
        return fail(&format!("{}: is no file", file.display()));
    }
    // An import may be the first thing that is done.
    let database = settings()?.database;
    let lock = SetUpLock::wait(&database)?;
    let store = Store::open(&database, &lock).await?;
    store.migrate_up().await?;
    drop(lock);
    let open = || fs::File::open(file).map(BufReader::new);
    let imported = operator::import(&store, open, skip_refused, |what, lines| {
        _ = write!(std::io::stderr(), "\r{what}: {lines}   ");
    })
    .await
    .map_err(told)?;
    _ = writeln!(std::io::stderr());
    store.close().await;
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
    if refused > 0 && !skip_refused {
        lines.push(format!(
            "lines refused: {refused}. So nothing was added; mend them, or say --skip-refused"
        ));
        return Err(Failure(lines));
    }
    for line in lines {
        _ = writeln!(std::io::stderr(), "latchkey: refused {line}");
    }
    say(&format!("Accounts added: {}. Lines refused: {refused}.", imported.added));
    Ok(())
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
    say(&format!("Wrote {count} accounts to {}: for your eyes only.", file.display()));
    Ok(())
}

pub(crate) async fn user(command: User) -> Result<(), Failure> {
    let store = open().await?;
    match command {
        User::List => list(&store).await?,
        User::Show { name } => show(&find(&store, &name).await?),
        User::Disable { name } => set_disabled(&store, &name, true).await?,
        User::Enable { name } => set_disabled(&store, &name, false).await?,
        User::Delete { name, yes } => {
            let account = find(&store, &name).await?;
            if !yes {
                return fail(&format!(
                    "{} would be gone for good, with all that is kept of it: say --yes",
                    account.username
                ));
            }
            let id = AccountId(account.id);
            if !operator::delete(&store, id).await.map_err(told)? {
                return fail("somebody else has deleted it at this moment");
            }
            say(&format!("{} is deleted.", account.username));
        }
        User::Sessions { name, end } => sessions(&store, &name, end).await?,
        User::SetPasswordLink { name } => {
            let account = find(&store, &name).await?;
            let id = AccountId(account.id);
            let link = operator::password_link(&store, id).await.map_err(told)?;
            let settings = settings()?;
            let url = settings.public_url_at(settings.listen.port());
            if account.disabled_at.is_some() {
                say("This account is disabled: the link works only when it is enabled again.");
            }
            say("Give this to its owner. It works once, within 24 hours:");
            say(&format!("{}/set-password?link={link}", url.origin()));
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
        None => fail("there is no account with this username"),
    }
}

async fn list(store: &Store) -> Result<(), Failure> {
    let mut last = 0;
    loop {
        let records = store.records_after(last, 500).await.map_err(told)?;
        let Some(end) = records.last() else { return Ok(()) };
        last = end.id;
        for record in records {
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
