//! Moves everything from one database into another.

use aws_lc_rs::digest;
use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, Postgres, QueryBuilder, Row as _, Sqlite};

use crate::store::{
    Backend, InUse, Kind, MIGRATIONS_TABLE, OpenError, Store, Table,
    db::Value,
    dialects::{BEGIN_SNAPSHOT, COLUMNS},
};

type CopiedRow = Vec<Value>;

/// Rows per read and write.
const CHUNK: usize = 500;

/// Row count and checksum of a copied table, the same in both databases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    pub rows: u64,
    /// The XOR of the SHA-256 of each row, so the order does not matter.
    pub checksum: [u8; 32],
}

impl Sum {
    fn add(&mut self, row: &CopiedRow) -> Result<(), OpenError> {
        let text = serde_json::to_vec(row).map_err(|error| OpenError(error.to_string()))?;
        self.rows += 1;
        let digest = digest::digest(&digest::SHA256, &text);
        for (byte, other) in self.checksum.iter_mut().zip(digest.as_ref()) {
            *byte ^= other;
        }
        Ok(())
    }
}

/// Copies all accounts and sessions, as of this moment, into an empty database, in one transaction:
/// everything or nothing. Before the commit, everything is read back from the target and compared.
/// `progress` gets the name of a table and the number of rows done.
pub async fn copy(
    from: &Store,
    to: &Store,
    tables: &[&'static Table],
    mut progress: impl FnMut(&str, u64),
) -> Result<Vec<(&'static str, Sum)>, OpenError> {
    if from.migrations().await?.iter().any(|migration| !migration.applied) {
        return Err(OpenError("the source is from an older version: migrate it first".to_owned()));
    }
    to.migrate_up().await?;
    let mut source = Transaction::begin(from).await?;
    let mut target = Transaction::begin(to).await?;
    for (transaction, store, which) in [(&mut source, from, "source"), (&mut target, to, "target")]
    {
        transaction.refuse_unknown_columns(store, which, tables).await?;
    }
    for &table in tables.iter().filter(|table| table.is_copied) {
        if target.has_rows(table).await? {
            return Err(OpenError(format!("the target is not empty: it has {}", table.name)));
        }
    }
    let mut sums = Vec::new();
    for &table in tables.iter().filter(|table| table.is_copied) {
        let (mut read, mut written) = (Sum::default(), Sum::default());
        source
            .each_chunk(table, async |rows| {
                for row in &rows {
                    read.add(row)?;
                }
                target.insert(table, &rows).await?;
                progress(table.name, read.rows);
                Ok(())
            })
            .await?;
        target
            .each_chunk(table, async |rows| rows.iter().try_for_each(|row| written.add(row)))
            .await?;
        if read != written {
            return Err(OpenError(format!(
                "{}: {} rows were read, and the target has {} or others; nothing was changed",
                table.name, read.rows, written.rows
            )));
        }
        sums.push((table.name, written));
    }
    target.commit().await?;
    Ok(sums)
}

/// A connection in the middle of a transaction. Dropping it closes it and rolls back.
enum Transaction {
    Sqlite(InUse<Sqlite>),
    Postgres(InUse<Postgres>),
}

/// Runs `$work` on the connection `$db` of either database.
macro_rules! on {
    ($transaction:expr, |$db:ident| $work:expr) => {
        match $transaction {
            Transaction::Sqlite($db) => $work,
            Transaction::Postgres($db) => $work,
        }
    };
}

impl Transaction {
    /// Begins a transaction that sees the database as it is now.
    async fn begin(store: &Store) -> Result<Self, OpenError> {
        let mut transaction = match &store.backend {
            Backend::Sqlite(pools, ..) => Self::Sqlite(pools.writer.acquire().await.map_err(fail)?),
            Backend::Postgres(pools) => Self::Postgres(pools.writer.acquire().await.map_err(fail)?),
        };
        let begin = store.backend.dialect(&BEGIN_SNAPSHOT);
        on!(&mut transaction, |db| { sqlx::raw_sql(begin).execute(&mut **db).await.map(drop) })
            .map_err(fail)?;
        Ok(transaction)
    }

    async fn commit(mut self) -> Result<(), OpenError> {
        on!(&mut self, |db| sqlx::raw_sql("COMMIT").execute(&mut **db).await.map(drop))
            .map_err(fail)?;
        if let Self::Sqlite(db) = &mut self {
            // Leaves everything in the file itself, which may be moved alone.
            let fold = "PRAGMA wal_checkpoint(TRUNCATE)";
            sqlx::raw_sql(fold).execute(&mut **db).await.map_err(fail)?;
        }
        Ok(())
    }

    /// An unlisted table or column would be lost, and both checksums would still agree.
    async fn refuse_unknown_columns(
        &mut self,
        store: &Store,
        which: &str,
        tables: &[&'static Table],
    ) -> Result<(), OpenError> {
        let query = store.backend.dialect(&COLUMNS);
        let there: Vec<(String, String)> =
            on!(self, |db| sqlx::query_as(query).fetch_all(&mut **db).await).map_err(fail)?;
        let is_known = |table: &str, column: &str| {
            let known = tables.iter().find(|known| known.name == table);
            known.is_some_and(|known| {
                !known.is_copied || known.columns().any(|(name, _)| name == column)
            })
        };
        let unknown: Vec<String> = there
            .iter()
            .filter(|(table, column)| table != MIGRATIONS_TABLE && !is_known(table, column))
            .map(|(table, column)| format!("{table}.{column}"))
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        Err(OpenError(format!(
            "the {which} has columns that this version does not know, so nothing was copied: {}",
            unknown.join(", ")
        )))
    }

    async fn has_rows(&mut self, table: &Table) -> Result<bool, OpenError> {
        let query = format!("SELECT COUNT(*) FROM (SELECT 1 FROM {} LIMIT 1) AS first", table.name);
        let rows: i64 =
            on!(self, |db| sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(&mut **db).await)
                .map_err(fail)?;
        Ok(rows > 0)
    }

    async fn each_chunk(
        &mut self,
        table: &Table,
        mut work: impl AsyncFnMut(Vec<CopiedRow>) -> Result<(), OpenError>,
    ) -> Result<(), OpenError> {
        let query = AssertSqlSafe(format!("SELECT {} FROM {}", columns(table), table.name));
        on!(self, |db| {
            let mut found = sqlx::query(query).fetch(&mut **db);
            let mut chunk = Vec::new();
            while let Some(row) = found.try_next().await.map_err(fail)? {
                let value = |(index, (_, kind)): (usize, (&str, Kind))| match kind {
                    Kind::Number => row.try_get(index).map(Value::Number),
                    Kind::Text => row.try_get(index).map(Value::Text),
                };
                let values = table.columns().enumerate().map(value);
                chunk.push(values.collect::<Result<CopiedRow, _>>().map_err(fail)?);
                if chunk.len() == CHUNK {
                    work(std::mem::take(&mut chunk)).await?;
                }
            }
            work(chunk).await
        })
    }

    async fn insert(&mut self, table: &Table, rows: &[CopiedRow]) -> Result<(), OpenError> {
        if rows.is_empty() {
            return Ok(());
        }
        let insert = format!("INSERT INTO {} ({}) ", table.name, columns(table));
        on!(self, |db| {
            let mut query = QueryBuilder::new(insert);
            query.push_values(rows, |mut query, row| {
                for value in row.iter().cloned() {
                    match value {
                        Value::Number(number) => query.push_bind(number),
                        Value::Text(text) => query.push_bind(text),
                    };
                }
            });
            query.build().execute(&mut **db).await.map(drop)
        })
        .map_err(fail)
    }
}

fn columns(table: &Table) -> String {
    table.columns().map(|(name, _)| name).collect::<Vec<_>>().join(", ")
}

fn fail(error: sqlx::Error) -> OpenError {
    OpenError(error.to_string())
}
