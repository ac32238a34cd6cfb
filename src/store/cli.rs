//! The commands on the database as a whole.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use clap::Subcommand;

use super::{
    Fact, MigrationState, SetUpLock, Store, Table, backup, copy, is_in_use, restore,
    settings::{Database, StoreSettings},
};
use crate::platform::{
    clock::now,
    random,
    terminal::{Failure, fail, say},
};

#[derive(Subcommand)]
pub(crate) enum Migrate {
    /// Apply pending migrations
    Up,
    /// Revert the last migration. Stop the server first
    Down {
        /// Confirm that the listed data is deleted
        #[arg(long)]
        yes: bool,
    },
    /// List all migrations and whether they are applied
    List {
        /// One JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Create a pair of empty files in ./migrations
    Create {
        /// A short name for the change, such as add_email
        name: String,
    },
}

/// Opens the configured database, if it exists and is up to date.
pub(crate) async fn open(settings: &StoreSettings) -> Result<Store, Failure> {
    let database = &settings.database;
    if matches!(database, Database::Sqlite(path) if !path.exists()) {
        return fail(&format!("{database}: there is no such database yet"));
    }
    let lock = SetUpLock::wait(database).await?;
    let store = Store::open(database, settings.connections, &lock).await?;
    if store.migrations().await?.iter().any(|migration| !migration.applied) {
        return fail("the database is from an older version: run `latchkey migrate up` first");
    }
    Ok(store)
}

/// Opens the configured database, creating and migrating it if needed.
pub(crate) async fn open_migrated(settings: &StoreSettings) -> Result<Store, Failure> {
    let lock = SetUpLock::wait(&settings.database).await?;
    let store = Store::open(&settings.database, settings.connections, &lock).await?;
    store.migrate_up().await?;
    Ok(store)
}

pub(crate) async fn migrate(
    settings: &StoreSettings,
    tables: &[&Table],
    command: Migrate,
) -> Result<(), Failure> {
    let is_missing = matches!(&settings.database, Database::Sqlite(path) if !path.exists());
    if let (Migrate::List { json }, true) = (&command, is_missing) {
        // Listing must not create the database.
        list(&Store::known_migrations(), *json);
        return Ok(());
    }
    let lock = SetUpLock::wait(&settings.database).await?;
    if let (Migrate::Down { .. }, Database::Sqlite(path)) = (&command, &settings.database)
        && path.exists()
        && is_in_use(path).await?
    {
        return fail("a server is using this database: stop it first");
    }
    let store = Store::open(&settings.database, settings.connections, &lock).await?;
    match command {
        Migrate::Up => match store.migrate_up().await? {
            0 => say("Nothing to apply: the database is up to date."),
            1 => say("Applied 1 migration."),
            applied => say(&format!("Applied {applied} migrations.")),
        },
        Migrate::Down { yes } => migrate_down(&store, tables, yes).await?,
        Migrate::List { json } => list(&store.migrations().await?, json),
        Migrate::Create { name } => create_migration(&name)?,
    }
    store.close().await;
    Ok(())
}

async fn migrate_down(store: &Store, tables: &[&Table], yes: bool) -> Result<(), Failure> {
    if store.has_company().await? {
        return fail("a server is using this database: stop it first");
    }
    let losses = store.losses(tables).await?;
    let told: Vec<String> =
        losses.iter().map(|loss| format!("  {} ({} rows)", loss.what, loss.rows)).collect();
    if losses.iter().any(|loss| loss.what == "table audit_events") {
        return fail(
            "this would delete the audit trail, which cannot be made again: `latchkey audit export` \
             keeps a copy, and only an empty trail can be reverted",
        );
    }
    if !losses.is_empty() && !yes {
        let mut lines = vec!["this would permanently delete:".to_owned()];
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

fn list(states: &[MigrationState], json: bool) {
    for state in states {
        if json {
            let MigrationState { version, description, applied } = state;
            let line = serde_json::json!({
                "version": version, "description": description, "applied": applied,
            });
            say(&line.to_string());
            continue;
        }
        let mark = if state.applied { "applied" } else { "pending" };
        say(&format!("{mark}  {}", name(state)));
    }
}

fn name(state: &MigrationState) -> String {
    format!("{:04} {}", state.version, state.description)
}

pub(crate) fn create_migration(name: &str) -> Result<(), Failure> {
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

/// One that reads or writes, and one to spare.
const COPY_CONNECTIONS: usize = 3;

pub(crate) async fn copy_all(
    tables: &[&'static Table],
    from: &str,
    to: &str,
) -> Result<(), Failure> {
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
    let sums = copy(&source, &target, tables, |table, rows| {
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
    say("Copied everything. To keep users signed in, the new server needs:");
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

/// Opens a database that no server is using: whatever a server wrote during the copy would be lost.
async fn open_unused(name: &str, database: &Database) -> Result<Store, Failure> {
    let in_use = || fail(&format!("{name}: a server is using this database: stop it first"));
    let lock = SetUpLock::wait(database).await?;
    if let Database::Sqlite(path) = database
        && path.exists()
        && is_in_use(path).await?
    {
        return in_use();
    }
    let store = Store::open(database, COPY_CONNECTIONS, &lock).await?;
    if store.has_company().await? {
        return in_use();
    }
    Ok(store)
}

const NOT_SQLITE: &str = "this is for SQLite only. PostgreSQL has its own tools: \
     pg_dump --format=custom --file=FILE DATABASE_URL, and \
     pg_restore --clean --if-exists --single-transaction --dbname=DATABASE_URL FILE";

pub(crate) async fn back_up(settings: &StoreSettings, file: &Path) -> Result<(), Failure> {
    let Database::Sqlite(path) = &settings.database else { return fail(NOT_SQLITE) };
    backup(path, file).await?;
    // For administrators, who are told if there was none for long. The copy is good without it.
    if let Ok(store) = open(settings).await {
        _ = store.note(Fact::BackedUp, &now().to_string()).await;
        store.close().await;
    }
    say(&format!("Wrote {}: checked, and readable only by you.", file.display()));
    let secret = path.with_extension("secret");
    if secret.exists() {
        say(&format!(
            "Keep {} too, in another place: it keeps people signed in.",
            secret.display()
        ));
    }
    Ok(())
}

pub(crate) async fn put_back(
    settings: &StoreSettings,
    file: &Path,
    end_sessions: bool,
) -> Result<(), Failure> {
    let database = &settings.database;
    let Database::Sqlite(path) = database else { return fail(NOT_SQLITE) };
    let lock = SetUpLock::wait(database).await?;
    let kept = restore(file, path, end_sessions, &lock).await?;
    say(&format!("Restored {} from {}.", path.display(), file.display()));
    if let Some(kept) = kept {
        say(&format!("The previous database is now {}.", kept.display()));
    }
    Ok(())
}
