//! Copying from one database to another.

use std::{
    io::Read,
    os::unix::process::ExitStatusExt,
    process::{Command, Stdio},
};

use latchkey::{
    server::tables,
    store::{SetUpLock, Store, copy, settings::Database},
};
use reqwest::StatusCode;

use crate::{postgres, support::*};

async fn open(url: &str) -> Store {
    let database = Database::parse(url).expect("a URL");
    let lock = SetUpLock::wait(&database).await.expect("the lock");
    Store::open(&database, 4, &lock).await.expect("a database")
}

#[tokio::test]
async fn there_and_back_everybody_is_still_there_and_signed_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let sqlite = |name: &str| format!("sqlite:{}", folder.path().join(name).display());
    let server = TestServer::start_with(&[("DATABASE_URL", &sqlite("a.db")), NODES_URL]).await;
    server.sign_up_json("alice").await;
    server.sign_up_json("Zoë").await;
    let tokens = server.refreshable("alice").await;
    let bearer = format!("Bearer {}", tokens["accessToken"].as_str().expect("a token"));
    assert!(!server.sign_in(Via::Json, "alice", "wrong wrong").await.is_accepted());
    server.running.stop().await;

    let hops = [sqlite("a.db"), postgres::new_database().await, sqlite("b.db")];
    for hop in hops.windows(2) {
        let (from, to) = (open(&hop[0]).await, open(&hop[1]).await);
        let mut told = 0;
        let sums = copy(&from, &to, &tables(), |_, rows| told += rows).await.expect("copied");
        let rows = |table: &str| {
            let (_, sum) = sums.iter().find(|(name, _)| *name == table).expect("the table");
            sum.rows
        };
        assert_eq!((rows("accounts"), rows("sessions"), rows("refresh_tokens")), (2, 1, 1));
        assert!(rows("audit_events") >= 4 && rows("throttle") >= 5);
        assert!(told > 0);
        let again =
            copy(&from, &to, &tables(), |_, _| {}).await.expect_err("it is not empty any more");
        assert!(again.to_string().contains("not empty"), "{again}");
        from.close().await;
        to.close().await;
        let server = TestServer::start_with(&[("DATABASE_URL", &hop[1]), NODES_URL]).await;
        assert_eq!(server.profile(&bearer).await.status(), StatusCode::OK);
        assert!(server.sign_in(Via::Json, "Zoë", PASSWORD).await.is_accepted());
        assert!(!server.sign_up(Via::Json, "ALICE", PASSWORD, "A").await.is_accepted());
        // Otherwise the new session would be copied too.
        let db = server.db().await;
        sqlx::query("DELETE FROM sessions WHERE account_id IN (SELECT id FROM accounts WHERE username = 'Zoë')")
            .execute(&db)
            .await
            .expect("deleted");
        db.close().await;
        let store = crate::audit::open(&server).await;
        assert!(latchkey::audit::verify(&store, None).await.expect("read").is_ok());
        store.close().await;
        server.running.stop().await;
    }
}

#[tokio::test]
async fn no_table_is_forgotten() {
    let server = TestServer::start().await;
    let tables = "SELECT CAST(table_name AS TEXT) FROM information_schema.tables \
                  WHERE table_schema = 'public'";
    let tables: Vec<String> =
        sqlx::query_scalar(tables).fetch_all(&server.db().await).await.expect("the tables");
    let (mut there, mut declared): (Vec<String>, Vec<&str>) =
        (tables, latchkey::server::tables().iter().map(|table| table.name).collect());
    there.retain(|table| table != "_sqlx_migrations");
    there.sort();
    declared.sort();
    assert_eq!(there, declared);
}

async fn accounts(url: &str) -> i64 {
    sqlx::any::install_default_drivers();
    let db = sqlx::AnyPool::connect(url).await.expect("the database");
    let count = sqlx::query_scalar("SELECT COUNT(*) FROM accounts").fetch_one(&db).await;
    db.close().await;
    count.expect("a count")
}

#[tokio::test]
async fn a_copy_that_is_killed_in_the_middle_leaves_nothing_and_can_be_done_again() {
    const ACCOUNTS: i64 = 50_000;
    let folder = tempfile::tempdir().expect("a folder");
    let sqlite = |name: &str| format!("sqlite:{}", folder.path().join(name).display());
    let hops = [sqlite("a.db"), postgres::new_database().await, sqlite("b.db")];
    let source = open(&hops[0]).await;
    source.migrate_up().await.expect("migrated");
    source.close().await;
    let db = sqlx::AnyPool::connect(&hops[0]).await.expect("the database");
    let fill = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) \
                INSERT INTO accounts SELECT i, 'p' || i, 'p' || i, 'p' || i, 'p' || i, 'P', 0, NULL, NULL, 1 FROM n";
    sqlx::query(fill).bind(ACCOUNTS).execute(&db).await.expect("filled");
    db.close().await;

    for hop in hops.windows(2) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
        command.env_clear().current_dir(folder.path());
        command.args(["copy", "--from", &hop[0], "--to", &hop[1]]).stdout(Stdio::null());
        let mut child = command.stderr(Stdio::piped()).spawn().expect("started");
        // It reports its progress, beginning with the first rows.
        let (mut told, mut byte) = (Vec::new(), [0]);
        let mut progress = child.stderr.take().expect("its output");
        while !String::from_utf8_lossy(&told).contains("accounts: ") {
            progress.read_exact(&mut byte).expect("progress");
            told.push(byte[0]);
        }
        child.kill().expect("killed");
        assert_eq!(child.wait().expect("it ended").signal(), Some(9), "in the middle");
        assert_eq!(accounts(&hop[1]).await, 0, "nothing is there");

        let again = command.stderr(Stdio::null()).status().expect("it ran");
        assert!(again.success());
        assert_eq!(accounts(&hop[1]).await, ACCOUNTS);
    }
}

#[tokio::test]
async fn a_column_that_is_not_known_would_be_lost_and_so_nothing_is_copied() {
    let folder = tempfile::tempdir().expect("a folder");
    let sqlite = format!("sqlite:{}", folder.path().join("a.db").display());
    let server = TestServer::start_with(&[("DATABASE_URL", &sqlite), NODES_URL]).await;
    server.sign_up_json("alice").await;
    server.running.stop().await;
    let alter = |url: String, statement: &'static str| async move {
        let db = TestServer::db_at(&url).await;
        sqlx::query(statement).execute(&db).await.expect("altered");
        db.close().await;
    };
    let target = postgres::new_database().await;
    let add = "ALTER TABLE accounts ADD COLUMN email TEXT";
    let (from, to) = (open(&sqlite).await, open(&target).await);
    to.migrate_up().await.expect("migrated");
    // On both sides, on one side, and an unknown table.
    alter(sqlite.clone(), add).await;
    alter(target.clone(), add).await;
    let refused = copy(&from, &to, &tables(), |_, _| {}).await.expect_err("refused").to_string();
    assert!(refused.contains("accounts.email") && refused.contains("source"), "{refused}");
    alter(sqlite.clone(), "ALTER TABLE accounts DROP COLUMN email").await;
    let refused = copy(&from, &to, &tables(), |_, _| {}).await.expect_err("refused").to_string();
    assert!(refused.contains("accounts.email") && refused.contains("target"), "{refused}");
    alter(target.clone(), "ALTER TABLE accounts DROP COLUMN email").await;
    alter(sqlite.clone(), "CREATE TABLE invoices (id BIGINT)").await;
    let refused = copy(&from, &to, &tables(), |_, _| {}).await.expect_err("refused").to_string();
    assert!(refused.contains("invoices.id"), "{refused}");
    alter(sqlite.clone(), "DROP TABLE invoices").await;
    copy(&from, &to, &tables(), |_, _| {}).await.expect("copied");
}

#[tokio::test]
async fn a_database_that_a_server_uses_is_not_copied_and_the_copy_is_all_in_its_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let sqlite = |name: &str| format!("sqlite:{}", folder.path().join(name).display());
    let (file, postgres) = (sqlite("a.db"), postgres::new_database().await);
    let on_file = TestServer::start_with(&[("DATABASE_URL", &file), NODES_URL]).await;
    let on_postgres = TestServer::start_with(&[("DATABASE_URL", &postgres), NODES_URL]).await;
    on_postgres.sign_up_json("alice").await;
    let copy = |from: &str, to: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
        command.env_clear().current_dir(folder.path()).args(["copy", "--from", from, "--to", to]);
        let output = command.output().expect("it ran");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let unused = sqlite("unused.db");
    let store = open(&unused).await;
    store.migrate_up().await.expect("migrated");
    store.close().await;
    for (from, to, which) in [
        (&file, &unused, "--from"),
        (&unused, &file, "--to"),
        (&postgres, &unused, "--from"),
        (&unused, &postgres, "--to"),
    ] {
        let (copied, said) = copy(from, to);
        assert!(!copied && said.contains(which) && said.contains("stop it first"), "{said}");
    }
    on_file.running.stop().await;
    on_postgres.running.stop().await;
    let (copied, said) = copy(&postgres, &unused);
    assert!(copied, "{said}");
    let alone = folder.path().join("alone.db");
    std::fs::copy(folder.path().join("unused.db"), &alone).expect("copied");
    assert_eq!(accounts(&sqlite("alone.db")).await, 1);
}
