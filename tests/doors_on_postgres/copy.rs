//! The move from one database to the other.

use latchkey::server::{
    config::Database,
    store::{NOT_COPIED, SetUpLock, Store, copied, copy},
};
use reqwest::StatusCode;

use crate::{postgres, support::*};

async fn open(url: &str) -> Store {
    let database = Database::parse(url).expect("a URL");
    let lock = SetUpLock::wait(&database).expect("the lock");
    Store::open(&database, &lock).await.expect("a database")
}

#[tokio::test]
async fn there_and_back_everybody_is_still_there_and_signed_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let sqlite = |name: &str| format!("sqlite:{}", folder.path().join(name).display());
    let server = TestServer::start_with(&[("DATABASE_URL", &sqlite("a.db")), NODES_URL]).await;
    server.sign_up_json("alice").await;
    server.sign_up_json("Zoë").await;
    let bearer = format!("Bearer {}", server.token("alice").await);
    server.running.stop().await;

    let hops = [sqlite("a.db"), postgres::new_database().await, sqlite("b.db")];
    for hop in hops.windows(2) {
        let (from, to) = (open(&hop[0]).await, open(&hop[1]).await);
        let mut told = 0;
        let sums = copy(&from, &to, |_, rows| told += rows).await.expect("copied");
        assert_eq!(sums.iter().map(|(_, sum)| sum.rows).collect::<Vec<_>>(), [2, 1]);
        assert!(told > 0);
        let again = copy(&from, &to, |_, _| {}).await.expect_err("it is not empty any more");
        assert!(again.to_string().contains("not empty"), "{again}");
        from.close().await;
        to.close().await;
        let server = TestServer::start_with(&[("DATABASE_URL", &hop[1]), NODES_URL]).await;
        assert_eq!(server.profile(&bearer).await.status(), StatusCode::OK);
        assert!(server.sign_in(Via::Json, "Zoë", PASSWORD).await.is_accepted());
        assert!(!server.sign_up(Via::Json, "ALICE", PASSWORD, "A").await.is_accepted());
        // The new session would be one more to copy.
        let db = server.db().await;
        sqlx::query("DELETE FROM sessions WHERE account_id IN (SELECT id FROM accounts WHERE username = 'Zoë')")
            .execute(&db)
            .await
            .expect("deleted");
        db.close().await;
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
    for table in &tables {
        assert!(
            copied().contains(&table.as_str()) || NOT_COPIED.contains(&table.as_str()),
            "{table}"
        );
    }
    assert_eq!(tables.len(), copied().len() + NOT_COPIED.len());
}
