//! Backs up a SQLite database to a single file, and restores it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use sqlx::{
    Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteLockingMode},
};
use tempfile::NamedTempFile;

use crate::store::{MIGRATIONS, OpenError, SetUpLock};

/// Writes a copy of the database in its current state, while others go on writing to it. Only its
/// owner can read the file, which appears complete or not at all. An existing file is never
/// replaced.
pub async fn backup(database: &Path, file: &Path) -> Result<(), OpenError> {
    let fail = |error: &dyn std::fmt::Display| OpenError(format!("{}: {error}", file.display()));
    if file.symlink_metadata().is_ok() {
        return Err(fail(&"there is such a file already"));
    }
    let copy = snapshot(database, folder(file)).await?;
    copy.as_file().sync_all().map_err(|error| fail(&error))?;
    copy.persist_noclobber(file).map_err(|error| fail(&error))?;
    sync_folder(file).map_err(|error| fail(&error))
}

/// Replaces the database with a copy, if the copy is good and nobody is using the database. The old
/// database is kept beside it; its path is returned.
pub async fn restore(
    file: &Path,
    database: &Path,
    end_sessions: bool,
    _lock: &SetUpLock,
) -> Result<Option<PathBuf>, OpenError> {
    let fail =
        |error: &dyn std::fmt::Display| OpenError(format!("{}: {error}", database.display()));
    // Checks the second copy, which becomes the database.
    let copy = snapshot(file, folder(database)).await?;
    if end_sessions {
        let mut db = open(copy.path(), |options| options).await.map_err(|error| fail(&error))?;
        let ends = [
            "DELETE FROM sessions",
            "DELETE FROM links",
            "DELETE FROM challenges",
            "DELETE FROM former_emails",
            "DELETE FROM outbox",
        ];
        for end in ends {
            let end = sqlx::query(end).execute(&mut db).await;
            end.map_err(|error| fail(&error))?;
        }
        db.close().await.map_err(|error| fail(&error))?;
    }
    copy.as_file().sync_all().map_err(|error| fail(&error))?;
    let kept = if database.exists() { Some(put_aside(database).await?) } else { None };
    copy.persist_noclobber(database).map_err(|error| fail(&error))?;
    sync_folder(database).map_err(|error| fail(&error))?;
    Ok(kept)
}

/// A checked copy of a database in a new file.
async fn snapshot(database: &Path, folder: &Path) -> Result<NamedTempFile, OpenError> {
    let fail =
        |error: &dyn std::fmt::Display| OpenError(format!("{}: {error}", database.display()));
    if !database.is_file() {
        return Err(fail(&"there is no such file"));
    }
    // Files of `tempfile` have mode 0600.
    let copy = NamedTempFile::with_prefix_in(".latchkey-", folder)
        .map_err(|error| OpenError(format!("{}: {error}", folder.display())))?;
    let path = copy.path().to_str().ok_or_else(|| fail(&"its path is no text"))?.to_owned();
    let work = async {
        let mut db = open(database, |options| options).await?;
        sqlx::query("VACUUM INTO $1").bind(path).execute(&mut db).await?;
        db.close().await?;
        check(copy.path()).await
    };
    let problem = work.await.map_err(|error: sqlx::Error| fail(&error))?;
    match problem {
        Some(problem) => Err(fail(&problem)),
        None => Ok(copy),
    }
}

/// The problem with a database, if any.
async fn check(database: &Path) -> Result<Option<String>, sqlx::Error> {
    let mut db = open(database, |options| options).await?;
    let tables = "SELECT COUNT(*) FROM sqlite_master \
                  WHERE name IN ('accounts', 'sessions', '_sqlx_migrations')";
    let tables: i64 = sqlx::query_scalar(tables).fetch_one(&mut db).await?;
    if tables < 3 {
        return Ok(Some("is not a Latchkey database".to_owned()));
    }
    let found: String = sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut db).await?;
    if found != "ok" {
        return Ok(Some(format!("is damaged: {found}")));
    }
    if sqlx::query("PRAGMA foreign_key_check").fetch_optional(&mut db).await?.is_some() {
        return Ok(Some("is damaged: sessions of accounts that are not there".to_owned()));
    }
    let last: Option<i64> =
        sqlx::query_scalar("SELECT MAX(version) FROM _sqlx_migrations").fetch_one(&mut db).await?;
    db.close().await?;
    let newer = last.filter(|last| MIGRATIONS.iter().all(|known| known.version < *last));
    Ok(newer.map(|last| format!("has migration {last}: it is from a newer version of Latchkey")))
}

/// Whether another process has the database open.
pub async fn is_in_use(database: &Path) -> Result<bool, OpenError> {
    // In WAL mode every open connection, in any process, holds a shared lock on the file. So this
    // succeeds only if there is none, and then leaves everything in the one file.
    let exclusive = open(database, |options| {
        options
            .locking_mode(SqliteLockingMode::Exclusive)
            .journal_mode(SqliteJournalMode::Delete)
            .busy_timeout(std::time::Duration::ZERO)
    });
    match exclusive.await {
        Ok(db) => {
            let closed = db.close().await;
            closed.map_err(|error| OpenError(format!("{}: {error}", database.display())))?;
            Ok(false)
        }
        Err(sqlx::Error::Database(error)) if error.message().contains("locked") => Ok(true),
        // It may be damaged, which may be why it is being replaced.
        Err(_) => Ok(false),
    }
}

/// Moves an unused database out of the way and returns its new path.
async fn put_aside(database: &Path) -> Result<PathBuf, OpenError> {
    let fail =
        |error: &dyn std::fmt::Display| OpenError(format!("{}: {error}", database.display()));
    if is_in_use(database).await? {
        return Err(fail(&"is in use: stop the server first"));
    }
    let seconds = crate::platform::clock::now();
    let with = |path: &Path, ending: &str| PathBuf::from(format!("{}{ending}", path.display()));
    let named = |number: i64| with(database, &format!(".before-restore-{number}"));
    // Two restores in the same second must not overwrite each other. The lock keeps others away.
    #[expect(clippy::expect_used, reason = "there are more numbers than files")]
    let aside = (seconds..).map(named).find(|path| !path.exists()).expect("a free name");
    for ending in ["-wal", "-shm", ""] {
        match fs::rename(with(database, ending), with(&aside, ending)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fail(&error)),
            _ => {}
        }
    }
    Ok(aside)
}

async fn open(
    database: &Path,
    options: impl Fn(SqliteConnectOptions) -> SqliteConnectOptions,
) -> Result<SqliteConnection, sqlx::Error> {
    let default = SqliteConnectOptions::new().filename(database).create_if_missing(false);
    SqliteConnection::connect_with(&options(default)).await
}

fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes sure that the file name is on disk, too.
fn sync_folder(file: &Path) -> io::Result<()> {
    fs::File::open(folder(file))?.sync_all()
}
