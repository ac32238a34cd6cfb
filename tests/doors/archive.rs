//! Backup and restore of a SQLite database.

use std::{fs, os::unix::fs::PermissionsExt};

use reqwest::StatusCode;

use crate::{
    process::{Served, run, sign_in, sign_up, text},
    support::{NODES_URL, PASSWORD, TestServer, eventually},
};

#[tokio::test]
async fn a_backup_of_a_live_server_is_whole_and_can_be_restored() {
    let folder = tempfile::tempdir().expect("a folder");
    let latchkey = |arguments: &[&str]| run(folder.path(), arguments, &[]);
    let served = Served::start(folder.path(), &[]);
    assert_eq!(sign_up(&served.url, "alice").await, StatusCode::OK);
    // Writes go on while it is made.
    let url = served.url.clone();
    let writer = tokio::spawn(async move {
        for index in 0..10 {
            assert_eq!(sign_up(&url, &format!("person{index}")).await, StatusCode::OK);
        }
    });
    let output = latchkey(&["backup", "copy.db"]);
    assert!(output.status.success(), "{}", text(&output));
    writer.await.expect("all of them");
    let mode = fs::metadata(folder.path().join("copy.db")).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let again = latchkey(&["backup", "copy.db"]);
    assert!(!again.status.success() && text(&again).contains("such a file already"));
    let in_use = latchkey(&["restore", "copy.db"]);
    assert!(!in_use.status.success() && text(&in_use).contains("in use"), "{}", text(&in_use));
    assert_eq!(sign_up(&served.url, "late").await, StatusCode::OK, "nothing was harmed");

    served.signal("-TERM");
    assert_eq!(served.exit(), 0);
    // A second restore in the same second must not overwrite the database that the first has kept.
    for _ in 0..2 {
        let output = latchkey(&["restore", "copy.db"]);
        assert!(output.status.success(), "{}", text(&output));
    }
    let served = Served::start(folder.path(), &[]);
    assert_eq!(sign_in(&served.url, "alice").await, StatusCode::OK);
    assert_eq!(sign_in(&served.url, "late").await, StatusCode::BAD_REQUEST, "not in the copy");
    let kept = fs::read_dir(folder.path().join("data")).expect("the folder");
    let kept = kept.filter(|entry| {
        let name = entry.as_ref().expect("an entry").file_name();
        let name = name.to_string_lossy().into_owned();
        name.contains(".before-restore-") && !name.ends_with("-shm") && !name.ends_with("-wal")
    });
    assert_eq!(kept.count(), 2, "nothing is lost");
}

#[test]
fn what_is_no_backup_is_not_restored() {
    let folder = tempfile::tempdir().expect("a folder");
    let latchkey = |arguments: &[&str]| run(folder.path(), arguments, &[]);
    assert!(latchkey(&["migrate", "up"]).status.success());
    assert!(latchkey(&["backup", "good.db"]).status.success());
    let path = |name: &str| folder.path().join(name);
    let good = fs::read(path("good.db")).expect("a backup");
    fs::write(path("empty.db"), "").expect("written");
    fs::write(path("text.db"), "this is no database, however long it goes on").expect("written");
    fs::write(path("cut.db"), &good[..good.len() / 2]).expect("written");
    let before = fs::read(path("data/latchkey.db")).expect("the database");
    for name in ["empty.db", "text.db", "cut.db", "nowhere.db", "data"] {
        let output = latchkey(&["restore", name]);
        assert_eq!(output.status.code(), Some(1), "{name}: {}", text(&output));
    }
    assert_eq!(fs::read(path("data/latchkey.db")).expect("the database"), before);
    assert!(latchkey(&["restore", "good.db"]).status.success());
}

#[tokio::test]
async fn what_is_deleted_is_not_in_the_files_any_more() {
    let server = TestServer::start_with(&[("DELETION_GRACE", "1s"), NODES_URL]).await;
    let body = serde_json::json!({"username": "canary-name", "password": PASSWORD, "fullName": "Canary Person"});
    assert_eq!(server.post_json("/auth/signup", &body).await.status(), 200);
    let token = server.token("canary-name").await;
    assert_eq!(server.ask("DELETE", "/user", &token, None).await.status(), 200);
    let file = server.database_url.strip_prefix("sqlite:").expect("a path").to_owned();
    let holds = |ending: &str| {
        let bytes = std::fs::read(format!("{file}{ending}")).unwrap_or_default();
        ["canary-name", "Canary Person"]
            .iter()
            .any(|word| bytes.windows(word.len()).any(|window| window == word.as_bytes()))
    };
    assert!(holds("-wal"));
    server.db_cleaned_up("SELECT COUNT(*) FROM accounts", 0).await;
    eventually(async || {
        // If another connection is reading, the log stays: then the next clean-up truncates it.
        server.another_node().await.running.stop().await;
        !holds("") && !holds("-wal")
    })
    .await;
}
