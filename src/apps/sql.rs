//! The tables of apps, of their secrets and of the consents to them.

use sqlx::FromRow;

use super::App;
use crate::{
    domain::AccountId,
    platform::error::Fault,
    store::{
        Kind::{Number, Text},
        Table,
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
}

/// All apps. One whose definition this version can't read is left out, and nobody gets in. `false`: that is so.
pub(super) async fn all(db: &mut Db) -> Result<(Vec<App>, bool), Fault> {
    let query = "SELECT id, name, definition, by_file, created_at FROM apps ORDER BY name, id";
    let rows: Vec<AppRow> = db.all(sql(query)).await?;
    let query = "SELECT app_id, hash, expires_at FROM app_secrets ORDER BY created_at";
    let secrets: Vec<(String, String, Option<i64>)> = db.all(sql(query)).await?;
    let app = |row: AppRow| {
        let definition = serde_json::from_str(&row.definition).ok()?;
        let of_app = secrets.iter().filter(|(app, ..)| *app == row.id);
        Some(App {
            secrets: of_app.map(|(_, hash, until)| (hash.clone(), *until)).collect(),
            id: row.id,
            name: row.name,
            definition,
            by_file: row.by_file != 0,
            created_at: row.created_at,
        })
    };
    let count = rows.len();
    let apps: Vec<App> = rows.into_iter().filter_map(app).collect();
    let is_complete = apps.len() == count;
    Ok((apps, is_complete))
}

pub(super) async fn write(tx: &mut Tx, app: &App) -> Result<(), Fault> {
    let definition = serde_json::to_string(&app.definition).map_err(Fault::internal)?;
    let write = "INSERT INTO apps (id, name, definition, by_file, created_at) \
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO UPDATE SET \
                 name = excluded.name, definition = excluded.definition, by_file = excluded.by_file";
    let write = sql(write).bind(&app.id).bind(&app.name).bind(&definition).bind(app.by_file);
    tx.execute(write.bind(app.created_at)).await?;
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
