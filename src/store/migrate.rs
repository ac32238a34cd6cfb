//! Migrations: applied, listed, and reverted with care.

use sqlx::{
    AssertSqlSafe, Database as SqlDatabase,
    migrate::{Migrate, MigrateError, Migrator},
};

use crate::store::{
    Backend, InUse, OpenError, Store, Table,
    dialects::{self, MIGRATIONS_ARE_LISTED, OTHERS_ARE_HERE},
};

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!();

/// The table in which sqlx records applied migrations.
pub(super) const MIGRATIONS_TABLE: &str = "_sqlx_migrations";

/// A migration, and whether this database has it.
pub struct MigrationState {
    pub version: i64,
    pub description: String,
    pub applied: bool,
}

/// Content of a table or column that would be lost.
pub struct Loss {
    /// `table audit_events`, `column sessions.device`.
    pub what: String,
    pub table: String,
    pub rows: i64,
}

impl Store {
    /// Applies pending migrations and returns their number. Other processes that do the same wait.
    pub async fn migrate_up(&self) -> Result<usize, OpenError> {
        match &self.backend {
            Backend::Sqlite(pools, ..) => migrate_up(pools.to_migrate().await?).await,
            Backend::Postgres(pools) => migrate_up(pools.to_migrate().await?).await,
        }
    }

    /// Reverts the last migration and returns it.
    pub async fn migrate_down(&self) -> Result<Option<MigrationState>, OpenError> {
        let states = self.migrations().await?;
        let Some(last) = states.into_iter().rfind(|state| state.applied) else { return Ok(None) };
        let target = last.version - 1;
        match &self.backend {
            Backend::Sqlite(pools, ..) => {
                MIGRATIONS.undo(&mut *pools.to_migrate().await?, target).await
            }
            Backend::Postgres(pools) => {
                MIGRATIONS.undo(&mut *pools.to_migrate().await?, target).await
            }
        }
        .map_err(explain)?;
        Ok(Some(last))
    }

    /// All migrations of this program, in order. Creates nothing.
    pub async fn migrations(&self) -> Result<Vec<MigrationState>, OpenError> {
        let is_listed = self.backend.dialect(&MIGRATIONS_ARE_LISTED);
        let listed = match &self.backend {
            Backend::Sqlite(pools, ..) => {
                let mut db = pools.to_migrate().await?;
                let listed = sqlx::query_scalar(is_listed).fetch_one(&mut *db).await;
                db.give_back();
                listed
            }
            Backend::Postgres(pools) => {
                let mut db = pools.to_migrate().await?;
                let listed = sqlx::query_scalar(is_listed).fetch_one(&mut *db).await;
                db.give_back();
                listed
            }
        };
        let tables: i64 = listed.map_err(|error| explain(error.into()))?;
        if tables == 0 {
            return Ok(Self::known_migrations());
        }
        match &self.backend {
            Backend::Sqlite(pools, ..) => states(&mut *pools.to_migrate().await?).await,
            Backend::Postgres(pools) => states(&mut *pools.to_migrate().await?).await,
        }
    }

    /// The migrations of this program, as if none were applied.
    #[must_use]
    pub fn known_migrations() -> Vec<MigrationState> {
        MIGRATIONS
            .iter()
            .filter(|migration| migration.migration_type.is_up_migration())
            .map(|migration| MigrationState {
                version: migration.version,
                description: migration.description.to_string(),
                applied: false,
            })
            .collect()
    }
}

impl Store {
    /// The losses if the last migration were reverted: tables and columns with content. News
    /// between nodes does not count.
    pub async fn losses(&self, tables: &[&Table]) -> Result<Vec<Loss>, OpenError> {
        let states = self.migrations().await?;
        let Some(last) = states.into_iter().rfind(|state| state.applied) else {
            return Ok(Vec::new());
        };
        let down = MIGRATIONS.iter().find(|migration| {
            migration.version == last.version && migration.migration_type.is_down_migration()
        });
        let is_only_here =
            |name: &str| tables.iter().any(|table| table.name == name && !table.is_copied);
        let sql = down.map(|down| down.sql.as_str().to_owned()).unwrap_or_default();
        let mut losses = Vec::new();
        for statement in sql.split(';') {
            let words: Vec<&str> = statement.split_whitespace().collect();
            let (what, table, condition) = match words[..] {
                // Data that is copied into another table is not lost.
                ["DROP", "TABLE", table]
                    if !is_only_here(table) && !sql.contains(&format!("FROM {table}")) =>
                {
                    (format!("table {table}"), table, String::new())
                }
                ["ALTER", "TABLE", table, "DROP", "COLUMN", column] => (
                    format!("column {table}.{column}"),
                    table,
                    format!(" WHERE {column} IS NOT NULL"),
                ),
                _ => continue,
            };
            let count = AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}{condition}"));
            let rows: Result<i64, sqlx::Error> = match &self.backend {
                Backend::Sqlite(pools, ..) => {
                    let mut db = pools.to_migrate().await?;
                    sqlx::query_scalar(count).fetch_one(&mut *db).await
                }
                Backend::Postgres(pools) => {
                    let mut db = pools.to_migrate().await?;
                    sqlx::query_scalar(count).fetch_one(&mut *db).await
                }
            };
            let rows = rows.map_err(|error| explain(error.into()))?;
            if rows > 0 {
                losses.push(Loss { what, table: table.to_owned(), rows });
            }
        }
        Ok(losses)
    }

    /// Whether another Latchkey process is connected to this PostgreSQL. (For SQLite, see
    /// `archive::is_in_use`.)
    pub async fn has_company(&self) -> Result<bool, OpenError> {
        let Some(query) = self.backend.dialect(&OTHERS_ARE_HERE) else { return Ok(false) };
        let Backend::Postgres(pools) = &self.backend else { return Ok(false) };
        // Closed connections of this process may take a moment to go away.
        for pause in [0, 200, 500, 1000] {
            tokio::time::sleep(std::time::Duration::from_millis(pause)).await;
            let mut db = pools.to_migrate().await?;
            let others: i64 = sqlx::query_scalar(query)
                .fetch_one(&mut *db)
                .await
                .map_err(|error| explain(error.into()))?;
            db.give_back();
            if others == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

async fn migrate_up<DB: SqlDatabase>(mut connection: InUse<DB>) -> Result<usize, OpenError>
where
    DB::Connection: Migrate,
{
    connection.lock().await.map_err(explain)?;
    let result = async {
        connection.ensure_migrations_table(MIGRATIONS_TABLE).await.map_err(explain)?;
        let pending = states(&mut *connection).await?.iter().filter(|state| !state.applied).count();
        MIGRATIONS.run_direct(None, &mut *connection, false).await.map_err(explain)?;
        Ok(pending)
    };
    let result = result.await;
    connection.unlock().await.map_err(explain)?;
    if result.is_ok() {
        connection.give_back();
    }
    result
}

async fn states<C: Migrate>(connection: &mut C) -> Result<Vec<MigrationState>, OpenError> {
    let applied = connection.list_applied_migrations(MIGRATIONS_TABLE).await.map_err(explain)?;
    let mut states = Store::known_migrations();
    for state in &mut states {
        state.applied = applied.iter().any(|applied| applied.version == state.version);
    }
    Ok(states)
}

pub(super) fn explain(error: MigrateError) -> OpenError {
    OpenError(match error {
        MigrateError::VersionMissing(version) | MigrateError::VersionNotPresent(version) => {
            format!(
                "the database has migration {version}, which this program does not know: \
             it was used by a newer version"
            )
        }
        MigrateError::VersionMismatch(version) => {
            format!("migration {version} was changed after it had been applied to this database")
        }
        MigrateError::Dirty(version) => {
            format!("migration {version} was interrupted halfway; restore a backup")
        }
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            dialects::explain(&error)
                .unwrap_or_else(|| format!("the database cannot be used: {error}"))
        }
        other => format!("the database cannot be used: {other}"),
    })
}
