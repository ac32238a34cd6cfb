//! The command line. What it does to accounts is in `commands.rs`.

mod cli;
mod commands;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;
use cli::{Cli, Command, Migrate};
use latchkey::{
    platform::{
        clock, random,
        settings::{BadSetting, Database, KNOWN, LogFormat, Settings, Sources},
    },
    server,
    store::{self, MigrationState, SetUpLock, Store},
    web::telemetry,
};
use tokio::signal::unix::{SignalKind, signal};

/// Measured against the one of the system: BENCHMARKS.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A command that could not do its work. Each line is for the operator.
pub(crate) struct Failure(Vec<String>);

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(vec![error.to_string()])
    }
}

fn main() -> ExitCode {
    let result = match Cli::parse().command.unwrap_or(Command::Serve) {
        Command::Serve => on_runtime(serve()),
        Command::Migrate(Migrate::Create { name }) => create_migration(&name),
        Command::Migrate(command) => on_runtime(migrate(command)),
        Command::Copy { from, to } => on_runtime(copy(&from, &to)),
        Command::Backup { file } => on_runtime(backup(&file)),
        Command::Restore { file, end_sessions } => on_runtime(restore(&file, end_sessions)),
        Command::Import { file, options } => on_runtime(commands::import(&file, &options)),
        Command::Export { file } => on_runtime(commands::export(&file)),
        Command::User(user) => on_runtime(commands::user(user)),
        Command::Audit(audit) => on_runtime(commands::audit(audit)),
        Command::Check => check(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(lines)) => {
            for line in lines {
                _ = writeln!(std::io::stderr(), "latchkey: {line}");
            }
            ExitCode::FAILURE
        }
    }
}

fn on_runtime(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(command)
}

pub(crate) fn settings() -> Result<Settings, Failure> {
    Settings::read(&Sources::of_process())
        .map_err(|faults| Failure(faults.iter().map(ToString::to_string).collect()))
}

async fn serve() -> Result<(), Failure> {
    let settings = settings()?;
    let _export = telemetry::start(settings.log_format, &settings.log_filter);
    for warning in settings.warnings() {
        tracing::warn!("{warning}");
    }
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let format = settings.log_format;
    let running = tokio::select! {
        started = server::start(settings) => match (started, format) {
            (Ok(running), _) => running,
            (Err(error), LogFormat::Text) => return Err(error.into()),
            (Err(error), LogFormat::Json) => {
                // The last line is one object, too.
                tracing::error!("{error}");
                return Err(Failure(Vec::new()));
            }
        },
        // Nothing is in flight yet.
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };
    announce(format, &format!("Latchkey listens on http://{}", running.address));
    if running.state.public_url.origin() != format!("http://{}", running.address) {
        announce(format, &format!("Open {}", running.state.public_url.origin()));
    }
    if let Some(address) = running.metrics {
        announce(format, &format!("Metrics are at http://{address}/metrics"));
    }
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping: requests in flight are finished first");
    // Who asks a second time does not want to wait.
    tokio::select! {
        () = running.stop() => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// To the standard output, in the format of the log.
fn announce(format: LogFormat, text: &str) {
    match format {
        LogFormat::Text => say(text),
        LogFormat::Json => {
            let line = serde_json::json!({
                "timestamp": clock::rfc3339(clock::now()),
                "level": "INFO",
                "target": "latchkey",
                "message": text,
            });
            say(&line.to_string());
        }
    }
}

async fn migrate(command: Migrate) -> Result<(), Failure> {
    let settings = settings()?;
    let is_missing = matches!(&settings.database, Database::Sqlite(path) if !path.exists());
    if matches!(command, Migrate::List) && is_missing {
        // A list makes nothing.
        list(&Store::known_migrations());
        return Ok(());
    }
    let lock = SetUpLock::wait(&settings.database).await?;
    if let (Migrate::Down { .. }, Database::Sqlite(path)) = (&command, &settings.database)
        && path.exists()
        && store::is_in_use(path).await?
    {
        return fail("a server is using this database: stop it first");
    }
    let store = Store::open(&settings.database, settings.database_connections, &lock).await?;
    match command {
        Migrate::Up => match store.migrate_up().await? {
            0 => say("Nothing to apply: the database is up to date."),
            1 => say("Applied 1 migration."),
            applied => say(&format!("Applied {applied} migrations.")),
        },
        Migrate::Down { yes } => migrate_down(&store, yes).await?,
        Migrate::List => list(&store.migrations().await?),
        Migrate::Create { name } => create_migration(&name)?,
    }
    store.close().await;
    Ok(())
}

async fn migrate_down(store: &Store, yes: bool) -> Result<(), Failure> {
    if store.has_company().await? {
        return fail("a server is using this database: stop it first");
    }
    let losses = store.losses().await?;
    let told: Vec<String> =
        losses.iter().map(|loss| format!("  {} ({} rows)", loss.what, loss.rows)).collect();
    if losses.iter().any(|loss| loss.table == "audit_events") {
        return fail(
            "this would delete the audit trail, which cannot be made again: `latchkey audit export` \
             keeps a copy, and only an empty trail can be reverted",
        );
    }
    if !losses.is_empty() && !yes {
        let mut lines = vec!["this would delete for good:".to_owned()];
        lines.extend(told);
        lines.push("re-run with --yes to confirm".to_owned());
        return Err(Failure(lines));
    }
    match store.migrate_down().await? {
        Some(reverted) => say(&format!("Reverted {}.", name(&reverted))),
        None => say("Nothing to revert: no migration is applied."),
    }
    for line in told {
        say(&format!("Deleted{line}"));
    }
    Ok(())
}

fn list(states: &[MigrationState]) {
    for state in states {
        let mark = if state.applied { "applied" } else { "pending" };
        say(&format!("{mark}  {}", name(state)));
    }
}

fn name(state: &MigrationState) -> String {
    format!("{:04} {}", state.version, state.description)
}

fn create_migration(name: &str) -> Result<(), Failure> {
    let is_word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if name.is_empty() || name.len() > 60 || !name.bytes().all(is_word) {
        return fail("NAME must be at most 60 small letters, digits and _, for example add_email");
    }
    let folder = Path::new("migrations");
    fs::create_dir_all(folder)?;
    let mut last = Store::known_migrations().last().map_or(0, |state| state.version);
    for entry in fs::read_dir(folder)? {
        let file = entry?.file_name();
        let number = file.to_str().and_then(|file| file.split('_').next()?.parse::<i64>().ok());
        last = last.max(number.unwrap_or(0));
    }
    let path = |way: &str| -> PathBuf { folder.join(format!("{:04}_{name}.{way}.sql", last + 1)) };
    for way in ["up", "down"] {
        fs::File::create_new(path(way))?;
        say(&format!("Made {}", path(way).display()));
    }
    Ok(())
}

pub(crate) fn fail<T>(reason: &str) -> Result<T, Failure> {
    Err(Failure(vec![reason.to_owned()]))
}

/// One that reads or writes, and one to spare.
const COPY_CONNECTIONS: usize = 3;

async fn copy(from: &str, to: &str) -> Result<(), Failure> {
    let parse = |name: &str, text: &str| {
        Database::parse(text).map_err(|reason| Failure(vec![format!("{name}: {reason}")]))
    };
    let (from, to) = (parse("--from", from)?, parse("--to", to)?);
    if from == to {
        return fail("--from and --to are the same database");
    }
    if matches!(&from, Database::Sqlite(path) if !path.exists()) {
        return fail("--from: there is no such file");
    }
    let source = open_unused("--from", &from).await?;
    let target = open_unused("--to", &to).await?;
    let sums = store::copy(&source, &target, |table, rows| {
        _ = write!(std::io::stderr(), "\r{table}: {rows} rows");
    })
    .await;
    _ = writeln!(std::io::stderr());
    for (table, sum) in sums? {
        let checksum = random::hexadecimal(&sum.checksum);
        say(&format!("{table}: {} rows in both, checksum {checksum}", sum.rows));
    }
    source.close().await;
    target.close().await;
    say("All of it is there. For those who are signed in to stay so, the new server needs:");
    say("- the same PUBLIC_URL");
    match (&from, &to) {
        (Database::Sqlite(path), _) => {
            let secret = path.with_extension("secret");
            say(&format!(
                "- the same JWT_SECRET: the one that is set, or else the content of {}",
                secret.display()
            ));
        }
        (Database::Postgres(_), Database::Sqlite(_) | Database::Postgres(_)) => {
            say("- the same JWT_SECRET");
        }
    }
    Ok(())
}

/// Opens a database that no server uses: what a server writes while it is copied would be lost.
async fn open_unused(name: &str, database: &Database) -> Result<Store, Failure> {
    let in_use = || fail(&format!("{name}: a server is using this database: stop it first"));
    let lock = SetUpLock::wait(database).await?;
    if let Database::Sqlite(path) = database
        && path.exists()
        && store::is_in_use(path).await?
    {
        return in_use();
    }
    let store = Store::open(database, COPY_CONNECTIONS, &lock).await?;
    if store.has_company().await? {
        return in_use();
    }
    Ok(store)
}

const NOT_SQLITE: &str = "this is for SQLite. A PostgreSQL has tools of its own: \
     pg_dump --format=custom --file=FILE DATABASE_URL, and \
     pg_restore --clean --if-exists --single-transaction --dbname=DATABASE_URL FILE";

async fn backup(file: &Path) -> Result<(), Failure> {
    let Database::Sqlite(path) = settings()?.database else { return fail(NOT_SQLITE) };
    store::backup(&path, file).await?;
    say(&format!("Wrote {}: checked, and for your eyes only.", file.display()));
    let secret = path.with_extension("secret");
    if secret.exists() {
        say(&format!(
            "Keep {} too, in another place: it keeps people signed in.",
            secret.display()
        ));
    }
    Ok(())
}

async fn restore(file: &Path, end_sessions: bool) -> Result<(), Failure> {
    let database = settings()?.database;
    let Database::Sqlite(path) = &database else { return fail(NOT_SQLITE) };
    let lock = SetUpLock::wait(&database).await?;
    let kept = store::restore(file, path, end_sessions, &lock).await?;
    say(&format!("Restored {} from {}.", path.display(), file.display()));
    if let Some(kept) = kept {
        say(&format!("What was there before is now {}.", kept.display()));
    }
    Ok(())
}

fn check() -> Result<(), Failure> {
    let sources = Sources::of_process();
    let result = Settings::read(&sources);
    let bad = |name: &str| {
        result.as_ref().is_err_and(|faults| faults.iter().any(|fault| fault.name == name))
    };
    for (name, default, meaning) in KNOWN {
        let (value, source) = match sources.get(name) {
            // A value that is wrong may be a secret in the wrong place.
            Some((_, source)) if bad(name) => ("(bad)".to_owned(), source),
            Some((_, source)) if name.starts_with("JWT_SECRET") => ("(secret)".to_owned(), source),
            Some((value, source)) if name == "DATABASE_URL" => {
                (Database::parse(value).map_or("(bad)".to_owned(), |d| d.to_string()), source)
            }
            Some((value, source)) => (value.to_owned(), source),
            None => (default_of(name, default, &result), "default"),
        };
        say(&format!("{name} = {value}  [{source}]  {meaning}"));
    }
    match result {
        Ok(settings) => {
            for warning in settings.warnings() {
                say(&format!("Warning: {warning}"));
            }
            say("All settings are good.");
            Ok(())
        }
        Err(faults) => Err(Failure(faults.iter().map(ToString::to_string).collect())),
    }
}

/// A default as it is in force.
fn default_of(name: &str, default: &str, settings: &Result<Settings, Vec<BadSetting>>) -> String {
    match settings {
        Ok(settings) if name == "PUBLIC_URL" => match settings.listen.port() {
            0 => default.to_owned(),
            port => settings.public_url_at(port).origin(),
        },
        _ => default.to_owned(),
    }
}

/// To the standard output; a reader that went away is no fault of ours.
pub(crate) fn say(line: &str) {
    _ = writeln!(std::io::stdout(), "{line}");
}
