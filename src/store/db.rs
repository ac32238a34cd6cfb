//! A connection to either database, and the statements that run on it.
//!
//! One text serves both (migrations/README.md allows numbers and texts only), so a room writes each
//! statement once. Where the two differ, a statement is a [`Dialects`].

use std::{
    ops::{Deref, DerefMut},
    time::Duration,
};

use serde::Serialize;
use sqlx::{AssertSqlSafe, FromRow, Postgres, Sqlite, postgres::PgRow, sqlite::SqliteRow};

use crate::{
    domain::AccountId,
    platform::error::Fault,
    store::{
        Backend, InUse, Store,
        dialects::{BEGIN_WRITING, Dialects, LIGHTLY, PATIENCE},
        patience::counting,
        pool::Pool,
    },
};

/// A statement with its parameters, `$1` first.
pub(crate) struct Sql {
    text: AssertSqlSafe<std::borrow::Cow<'static, str>>,
    values: Vec<Value>,
}

/// A statement.
pub(crate) fn sql(text: &'static str) -> Sql {
    Sql { text: AssertSqlSafe(text.into()), values: Vec::new() }
}

/// A statement assembled from our own texts only.
pub(crate) fn sql_of(text: String) -> Sql {
    Sql { text: AssertSqlSafe(text.into()), values: Vec::new() }
}

impl Sql {
    #[must_use]
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }
}

/// A list of values for `IN`, each as a parameter of its own: pass only the values of one page. Never empty.
pub(crate) fn listed(first: usize, count: usize) -> String {
    let places: Vec<String> =
        (first..first + count.max(1)).map(|place| format!("${place}")).collect();
    places.join(", ")
}

/// The value of a column.
#[derive(Clone, Serialize)]
#[serde(untagged)]
pub(crate) enum Value {
    Number(Option<i64>),
    Text(Option<String>),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(Some(number))
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Number(Some(flag.into()))
    }
}

impl From<AccountId> for Value {
    fn from(id: AccountId) -> Self {
        Self::Number(Some(id.0))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(Some(text.clone()))
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(str::to_owned))
    }
}

impl From<&Option<String>> for Value {
    fn from(text: &Option<String>) -> Self {
        Self::Text(text.clone())
    }
}

/// A type that can be read from a row of either database.
pub(crate) trait Row:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

impl<T> Row for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{}

/// A connection in use. Dropping it returns it to its pool, or closes it if a statement failed, was
/// cancelled or timed out.
pub(crate) struct Db {
    /// `None`: running a statement, or lost.
    connection: Option<Connection>,
    /// How much longer its statements may take, all together.
    patience: Duration,
    is_sqlite: bool,
}

enum Connection {
    Sqlite(InUse<Sqlite>),
    Postgres(InUse<Postgres>),
}

/// Runs `$work` on the connection `$db`, which is lost unless this succeeds.
macro_rules! run {
    ($self:ident, |$db:ident| $work:expr) => {
        // Boxed, because sqlx's futures are large.
        Box::pin(async {
            let lost = || Fault::Unavailable("the connection to the database is lost".into());
            let silent = || Fault::Unavailable("the database does not answer".into());
            let (connection, result) = match $self.connection.take().ok_or_else(lost)? {
                Connection::Sqlite(mut in_use) => {
                    let $db = &mut *in_use;
                    let (result, left) =
                        counting($self.patience, $work).await.ok_or_else(silent)?;
                    $self.patience = left;
                    (Connection::Sqlite(in_use), result?)
                }
                Connection::Postgres(mut in_use) => {
                    let $db = &mut *in_use;
                    let (result, left) =
                        counting($self.patience, $work).await.ok_or_else(silent)?;
                    $self.patience = left;
                    (Connection::Postgres(in_use), result?)
                }
            };
            $self.connection = Some(connection);
            Ok::<_, Fault>(result)
        })
        .await
    };
}

macro_rules! bind {
    ($query:expr, $values:expr) => {{
        let mut query = $query;
        for value in $values {
            query = match value {
                Value::Number(number) => query.bind(number),
                Value::Text(text) => query.bind(text),
            };
        }
        query
    }};
}

impl Db {
    /// Runs a statement and returns the number of rows changed.
    pub(crate) async fn execute(&mut self, Sql { text, values }: Sql) -> Result<u64, Fault> {
        run!(self, |db| async {
            let done = bind!(sqlx::query(text), values).execute(db).await?;
            Ok::<_, Fault>(done.rows_affected())
        })
    }

    /// The first row, if there is one.
    pub(crate) async fn optional<T: Row>(
        &mut self,
        Sql { text, values }: Sql,
    ) -> Result<Option<T>, Fault> {
        run!(self, |db| async {
            Ok::<_, Fault>(bind!(sqlx::query_as(text), values).fetch_optional(db).await?)
        })
    }

    /// The only row.
    pub(crate) async fn one<T: Row>(&mut self, sql: Sql) -> Result<T, Fault> {
        self.optional(sql).await?.ok_or_else(|| Fault::internal("a row is missing"))
    }

    pub(crate) async fn all<T: Row>(&mut self, Sql { text, values }: Sql) -> Result<Vec<T>, Fault> {
        run!(self, |db| async {
            Ok::<_, Fault>(bind!(sqlx::query_as(text), values).fetch_all(db).await?)
        })
    }

    /// Whether there is a row: of one number.
    pub(crate) async fn exists(&mut self, sql: Sql) -> Result<bool, Fault> {
        Ok(self.optional::<(i64,)>(sql).await?.is_some())
    }

    /// The number that a query counts.
    pub(crate) async fn count(&mut self, sql: Sql) -> Result<usize, Fault> {
        let (count,): (i64,) = self.one(sql).await?;
        Ok(usize::try_from(count).unwrap_or_default())
    }

    pub(crate) fn dialect<T: Copy>(&self, dialects: &Dialects<T>) -> T {
        if self.is_sqlite { dialects.sqlite } else { dialects.postgres }
    }

    fn give_back(&mut self) {
        match self.connection.take() {
            Some(Connection::Sqlite(in_use)) => in_use.give_back(),
            Some(Connection::Postgres(in_use)) => in_use.give_back(),
            None => {}
        }
    }
}

impl Drop for Db {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// A transaction. Dropped without a commit or rollback, it closes its connection, and nothing has
/// happened.
///
/// To avoid deadlocks, transactions lock in this order: the revision, accounts, sessions, the grants
/// of apps, what depends on them, counters, the audit trail. SQLite has one writer, so the order doesn't matter
/// there.
pub(crate) struct Tx(Db);

impl Tx {
    pub(crate) async fn commit(self) -> Result<(), Fault> {
        self.end("COMMIT").await
    }

    pub(crate) async fn rollback(self) -> Result<(), Fault> {
        self.end("ROLLBACK").await
    }

    async fn end(mut self, how: &'static str) -> Result<(), Fault> {
        self.0.execute(sql(how)).await?;
        self.0.give_back();
        Ok(())
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        // Possibly in the middle of something, so not returned to the pool.
        drop(self.0.connection.take());
    }
}

impl Deref for Tx {
    type Target = Db;

    fn deref(&self) -> &Db {
        &self.0
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Db {
        &mut self.0
    }
}

impl Store {
    /// A connection for reading. Fails at once if the database is known to be away.
    pub(crate) async fn read(&self) -> Result<Db, Fault> {
        self.presence.check()?;
        let (connection, is_sqlite) = match &self.backend {
            Backend::Sqlite(pools, ..) => (self.acquire(&pools.readers).await?.into(), true),
            Backend::Postgres(pools) => (self.acquire(&pools.readers).await?.into(), false),
        };
        Ok(Db { connection: Some(connection), patience: PATIENCE, is_sqlite })
    }

    /// A connection for one statement that writes.
    pub(crate) async fn write(&self) -> Result<Db, Fault> {
        self.presence.check()?;
        self.backend.in_place()?;
        let (connection, is_sqlite) = match &self.backend {
            Backend::Sqlite(pools, ..) => (self.acquire(&pools.writer).await?.into(), true),
            Backend::Postgres(pools) => (self.acquire(&pools.writer).await?.into(), false),
        };
        Ok(Db { connection: Some(connection), patience: PATIENCE, is_sqlite })
    }

    /// Begins a transaction that writes.
    pub(crate) async fn begin(&self) -> Result<Tx, Fault> {
        self.begin_patiently(PATIENCE).await
    }

    /// The same, for one whose statements may take so long.
    pub(crate) async fn begin_patiently(&self, patience: Duration) -> Result<Tx, Fault> {
        let mut db = self.write().await?;
        db.patience = patience;
        let begin = db.dialect(&BEGIN_WRITING);
        // Wrapped first, so that a transaction cancelled here doesn't return its connection.
        let mut tx = Tx(db);
        tx.execute(sql(begin)).await?;
        Ok(tx)
    }

    /// Executes one statement whose effect nobody misses after a power failure: its commit doesn't wait for
    /// the disk. Whatever goes wrong closes the connection, so it never stays like this.
    pub(crate) async fn execute_lightly(&self, statement: Sql) -> Result<u64, Fault> {
        let mut db = self.write().await?;
        let (light, heavy) = db.dialect(&LIGHTLY);
        db.execute(sql(light)).await?;
        let rows = db.execute(statement).await?;
        db.execute(sql(heavy)).await?;
        Ok(rows)
    }

    async fn acquire<DB: sqlx::Database>(&self, pool: &Pool<DB>) -> Result<InUse<DB>, Fault> {
        tokio::select! {
            biased;
            acquired = Box::pin(pool.acquire()) => Ok(acquired?),
            away = self.presence.goes_away() => Err(away),
        }
    }
}

impl From<InUse<Sqlite>> for Connection {
    fn from(in_use: InUse<Sqlite>) -> Self {
        Self::Sqlite(in_use)
    }
}

impl From<InUse<Postgres>> for Connection {
    fn from(in_use: InUse<Postgres>) -> Self {
        Self::Postgres(in_use)
    }
}
