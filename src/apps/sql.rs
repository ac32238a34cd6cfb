//! The tables of apps, of their secrets and of the consents to them.

use sqlx::FromRow;

use super::{App, dynamic::KEPT};
use crate::{
    domain::AccountId,
    platform::error::Fault,
    store::{
        Kind::{Number, Text},
        Store, Table,
        db::{Db, Tx, sql},
        table,
    },
};

pub(crate) const TABLES: &[Table] = &[
    table(
        "apps",
        &[
            ("id", Text),
            ("name", Text),
            ("definition", Text),
            ("by_file", Number),
            ("created_at", Number),
            ("fetched_at", Number),
        ],
    ),
    table(
        "app_secrets",
        &[("hash", Text), ("app_id", Text), ("created_at", Number), ("expires_at", Number)],
    ),
    table(
        "app_consents",
        &[("account_id", Number), ("app_id", Text), ("scope", Text), ("given_at", Number)],
    ),
];

#[derive(FromRow)]
struct AppRow {
    id: String,
    name: String,
    definition: String,
    by_file: i64,
    created_at: i64,
    fetched_at: Option<i64>,
}

impl AppRow {
    /// `None`: this version can't read it.
    fn read(self, secrets: Vec<(String, Option<i64>)>) -> Option<App> {
        let definition = serde_json::from_str(&self.definition).ok()?;
        let app = App::new(self.id, self.name, definition, self.created_at);
        Some(App { secrets, by_file: self.by_file != 0, fetched_at: self.fetched_at, ..app })
    }
}

/// All apps of the operator. One whose definition this version can't read is left out, and nobody gets in to it.
/// `false`: some were left out.
pub(super) async fn all(db: &mut Db) -> Result<(Vec<App>, bool), Fault> {
    let query = "SELECT id, name, definition, by_file, created_at, fetched_at FROM apps \
                 WHERE fetched_at IS NULL ORDER BY name, id";
    let rows: Vec<AppRow> = db.all(sql(query)).await?;
    let query = "SELECT app_id, hash, expires_at FROM app_secrets ORDER BY created_at";
    let secrets: Vec<(String, String, Option<i64>)> = db.all(sql(query)).await?;
    let app = |row: AppRow| {
        let of_app = secrets.iter().filter(|(app, ..)| *app == row.id);
        let of_app = of_app.map(|(_, hash, until)| (hash.clone(), *until)).collect();
        row.read(of_app)
    };
    let count = rows.len();
    let apps: Vec<App> = rows.into_iter().filter_map(app).collect();
    let is_complete = apps.len() == count;
    Ok((apps, is_complete))
}

/// The app that nobody has registered, if somebody has agreed to it.
pub(super) async fn dynamic(db: &mut Db, id: &str) -> Result<Option<App>, Fault> {
    let query = "SELECT id, name, definition, by_file, created_at, fetched_at FROM apps \
                 WHERE id = $1 AND fetched_at IS NOT NULL";
    let row: Option<AppRow> = db.optional(sql(query).bind(id)).await?;
    Ok(row.and_then(|row| row.read(Vec::new())))
}

/// All of them.
pub(super) async fn all_dynamic(db: &mut Db) -> Result<Vec<App>, Fault> {
    let query = "SELECT id, name, definition, by_file, created_at, fetched_at FROM apps \
                 WHERE fetched_at IS NOT NULL ORDER BY name, id";
    let rows: Vec<AppRow> = db.all(sql(query)).await?;
    Ok(rows.into_iter().filter_map(|row| row.read(Vec::new())).collect())
}

/// Forgets apps that nobody has registered or uses any more.
pub(crate) async fn forget(store: &Store, now: i64) -> Result<(), Fault> {
    let unused = "fetched_at IS NOT NULL AND fetched_at <= $1 \
                  AND NOT EXISTS (SELECT 1 FROM app_consents c WHERE c.app_id = apps.id) \
                  AND NOT EXISTS (SELECT 1 FROM app_grants g WHERE g.app_id = apps.id)";
    store.in_pieces("DELETE FROM apps", ("apps", "id"), unused, now - KEPT).await?;
    Ok(())
}

pub(super) async fn write(tx: &mut Tx, app: &App) -> Result<(), Fault> {
    let definition = serde_json::to_string(&app.definition).map_err(Fault::internal)?;
    let write = "INSERT INTO apps (id, name, definition, by_file, created_at, fetched_at) \
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO UPDATE SET \
                 name = excluded.name, definition = excluded.definition, \
                 by_file = excluded.by_file, fetched_at = excluded.fetched_at";
    let write = sql(write).bind(&app.id).bind(&app.name).bind(&definition).bind(app.by_file);
    tx.execute(write.bind(app.created_at).bind(app.fetched_at)).await?;
    Ok(())
}

pub(crate) async fn exists(db: &mut Db, id: &str) -> Result<bool, Fault> {
    db.exists(sql("SELECT created_at FROM apps WHERE id = $1").bind(id)).await
}

pub(super) async fn remove(tx: &mut Tx, id: &str) -> Result<(), Fault> {
    tx.execute(sql("DELETE FROM apps WHERE id = $1").bind(id)).await?;
    Ok(())
}

/// A secret that was known before is good again.
pub(super) async fn add_secret(tx: &mut Tx, app: &str, hash: &str, now: i64) -> Result<(), Fault> {
    let insert = "INSERT INTO app_secrets (hash, app_id, created_at) VALUES ($1, $2, $3) \
                  ON CONFLICT (app_id, hash) DO UPDATE SET expires_at = NULL";
    tx.execute(sql(insert).bind(hash).bind(app).bind(now)).await?;
    Ok(())
}

/// Lets the present secret expire, and deletes those before it: two are good at once, and no more.
pub(super) async fn expire_secrets(tx: &mut Tx, app: &str, until: i64) -> Result<(), Fault> {
    let delete = "DELETE FROM app_secrets WHERE app_id = $1 AND expires_at IS NOT NULL";
    tx.execute(sql(delete).bind(app)).await?;
    let update = "UPDATE app_secrets SET expires_at = $2 WHERE app_id = $1";
    tx.execute(sql(update).bind(app).bind(until)).await?;
    Ok(())
}

/// The scope that an account has agreed to, with spaces between.
pub(crate) async fn consent(
    db: &mut Db,
    account: AccountId,
    app: &str,
) -> Result<Option<String>, Fault> {
    let query = "SELECT scope FROM app_consents WHERE account_id = $1 AND app_id = $2";
    let found: Option<(String,)> = db.optional(sql(query).bind(account).bind(app)).await?;
    Ok(found.map(|(scope,)| scope))
}

/// Every app that an account has agreed to, and the scope.
pub(crate) async fn consents(
    db: &mut Db,
    account: AccountId,
) -> Result<Vec<(String, String)>, Fault> {
    let query = "SELECT app_id, scope FROM app_consents WHERE account_id = $1";
    db.all(sql(query).bind(account)).await
}

pub(crate) async fn write_consent(
    tx: &mut Tx,
    account: AccountId,
    app: &str,
    scope: &str,
    now: i64,
) -> Result<(), Fault> {
    let write = "INSERT INTO app_consents (account_id, app_id, scope, given_at) \
                 VALUES ($1, $2, $3, $4) ON CONFLICT (account_id, app_id) DO UPDATE SET \
                 scope = excluded.scope, given_at = excluded.given_at";
    tx.execute(sql(write).bind(account).bind(app).bind(scope).bind(now)).await?;
    Ok(())
}

pub(crate) async fn forget_consent(
    tx: &mut Tx,
    account: AccountId,
    app: &str,
) -> Result<bool, Fault> {
    let delete = "DELETE FROM app_consents WHERE account_id = $1 AND app_id = $2";
    Ok(tx.execute(sql(delete).bind(account).bind(app)).await? == 1)
}
