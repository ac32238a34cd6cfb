//! The outbox: nothing is lost and nothing is sent twice, whatever the mail server, the network and
//! the nodes do. Its content is unreadable in the database.

use std::fs;

use serde_json::{Value, json};

use crate::{
    letters::*,
    operator::{done, latchkey, said},
    process::{Served, run, text},
    smtp::{Mailbox, Mood, Security, USER},
    support::*,
};

const WAITING: &str = "SELECT COUNT(*) FROM outbox";

#[tokio::test]
async fn a_mail_server_that_is_away_or_says_no_loses_nothing() {
    let (server, mailbox) = with_mail().await;
    for (mood, failed) in [
        (Mood::Later, 0),
        (Mood::Busy, 0),
        (Mood::Nonsense, 0),
        (Mood::HangsUp, 0),
        (Mood::Refuses, 1),
    ] {
        mailbox.is_in(mood);
        let before = mailbox.tries();
        let name = format!("{mood:?}").to_lowercase();
        let email = format!("{name}@example.org");
        assert!(server.sign_up_with(Via::Json, &name, &email).await.is_accepted(), "{mood:?}");
        eventually(async || mailbox.tries() > before).await;
        let tried =
            "SELECT COUNT(*) FROM outbox WHERE tries = 1 AND lease IS NULL AND error IS NOT NULL";
        eventually(async || server.db_count(tried).await == 1).await;
        let given_up = "SELECT COUNT(*) FROM outbox WHERE failed_at IS NOT NULL";
        assert_eq!(server.db_count(given_up).await, failed, "{mood:?}");
        // Nobody's address is in the reason.
        let named = "SELECT COUNT(*) FROM outbox WHERE error LIKE '%@%'";
        assert_eq!(server.db_count(named).await, 0, "{mood:?}");
        mailbox.is_in(Mood::Takes);
        server.db_execute("UPDATE outbox SET due_at = 0, failed_at = NULL").await;
        eventually(async || server.db_count(WAITING).await == 0).await;
        assert!(mailbox.taken().last().expect("a message").contains(&email), "{mood:?}");
    }
    assert_eq!(mailbox.taken().len(), 5, "none came twice");
}

#[tokio::test]
async fn the_operator_sees_what_failed_and_sends_it_again() {
    let (server, mailbox) = with_mail().await;
    mailbox.is_in(Mood::Refuses);
    assert!(server.sign_up_with(Via::Form, "alice", "alice@example.org").await.is_accepted());
    let given_up = "SELECT COUNT(*) FROM outbox WHERE failed_at IS NOT NULL";
    eventually(async || server.db_count(given_up).await == 1).await;
    let folder = tempfile::tempdir().expect("a folder");
    let listed = done(&server, folder.path(), &["mail", "list"]);
    assert!(listed.contains("given up") && listed.contains("550"), "{listed}");
    assert!(!listed.contains("alice"), "it names nobody: {listed}");
    let id = listed.split_whitespace().next().expect("an id").to_owned();
    let unknown = latchkey(&server, folder.path(), &["mail", "retry", "nothing"]);
    assert!(!unknown.status.success(), "{}", said(&unknown));
    mailbox.is_in(Mood::Takes);
    done(&server, folder.path(), &["mail", "retry", &id]);
    mailbox.letter("alice@example.org", "Confirm", 1).await;
    eventually(async || server.db_count(WAITING).await == 0).await;
    assert!(done(&server, folder.path(), &["mail", "list"]).contains("empty"));
}

#[tokio::test]
async fn what_lies_in_the_outbox_tells_nothing_to_whoever_reads_the_database() {
    let (server, mailbox) = with_mail().await;
    server.verified(&mailbox, "alice").await;
    mailbox.is_in(Mood::Later);
    server.ask_for_code(Via::Json, "alice").await;
    server.forgot(Via::Json, "alice").await;
    assert_eq!(server.db_count(WAITING).await, 2);
    // No base64url has a dot or a quote.
    let plain = "SELECT COUNT(*) FROM outbox \
                 WHERE content LIKE '%example.org%' OR content LIKE '%\"%'";
    assert_eq!(server.db_count(plain).await, 0);
}

#[tokio::test]
async fn two_nodes_send_each_message_once() {
    let mailbox = Mailbox::open().await;
    let url = mailbox.url();
    let settings = [("MAIL_URL", &*url), FROM, NODES_URL];
    let first = TestServer::start_with(&settings).await;
    let database = [("DATABASE_URL", &*first.database_url)];
    let both: Vec<_> = settings.into_iter().chain(database).collect();
    let second = TestServer::start_with(&both).await;
    let names: Vec<String> = (0..30).map(|index| format!("person{index}")).collect();
    for (index, name) in names.iter().enumerate() {
        let server = if index % 2 == 0 { &first } else { &second };
        let email = format!("{name}@example.org");
        assert!(server.sign_up_with(Via::Json, name, &email).await.is_accepted());
    }
    eventually(async || first.db_count(WAITING).await == 0).await;
    assert_eq!(mailbox.taken().len(), names.len());
    for name in &names {
        let email = format!("{name}@example.org");
        assert_eq!(mailbox.about(&email, "Confirm").len(), 1, "{name}");
    }
}

#[tokio::test]
async fn a_node_that_is_killed_in_the_middle_of_a_message_loses_none() {
    let mailbox = Mailbox::open().await;
    mailbox.is_in(Mood::Holds);
    let folder = tempfile::tempdir().expect("a folder");
    let database = crate::new_database(folder.path()).await;
    let url = mailbox.url();
    let settings = [
        ("MAIL_URL", &*url),
        FROM,
        ("DATABASE_URL", &*database),
        ("JWT_SECRET", SECRET),
        NODES_URL,
    ];
    let served = Served::start(folder.path(), &settings);
    let body = json!({
        "username": "alice", "password": PASSWORD, "fullName": "A", "email": "alice@example.org"
    });
    let request = program().post(format!("{}/auth/signup", served.url)).json(&body);
    assert!(request.send().await.expect("an answer").status().is_success());
    eventually(async || mailbox.held() == 1).await;
    served.signal("-KILL");
    served.exit();
    mailbox.is_in(Mood::Takes);
    let server = TestServer::start_with(&settings).await;
    // Another node takes it when the lease has run out: as if two minutes had passed.
    assert_eq!(server.db_count("SELECT COUNT(*) FROM outbox WHERE lease IS NOT NULL").await, 1);
    server.db_execute("UPDATE outbox SET leased_until = 0").await;
    mailbox.letter("alice@example.org", "Confirm", 1).await;
    eventually(async || server.db_count(WAITING).await == 0).await;
    assert_eq!(mailbox.taken().len(), 1);
}

#[tokio::test]
async fn an_answer_does_not_wait_for_a_mail_server_that_is_slow() {
    let (server, mailbox) = with_mail().await;
    mailbox.is_in(Mood::Holds);
    assert!(server.sign_up_with(Via::Json, "alice", "alice@example.org").await.is_accepted());
    eventually(async || mailbox.held() == 1).await;
    assert!(server.sign_up_with(Via::Json, "bob", "bob@example.org").await.is_accepted());
    assert!(server.sign_in(Via::Form, "alice", PASSWORD).await.is_accepted());
}

#[tokio::test]
async fn mail_goes_by_starttls_with_a_password_and_to_no_server_with_a_bad_certificate() {
    let mailbox = Mailbox::open_with(Security::StartTls).await;
    let folder = tempfile::tempdir().expect("a folder");
    let ca = folder.path().join("ca.pem");
    fs::write(&ca, &mailbox.certificate).expect("written");
    let (ca, port) = (ca.display(), mailbox.port);
    let (user, password) = (USER.0.replace('@', "%40"), "p%3Aw%40rd");
    let url = |user: &str, password: &str, query: &str| {
        format!("smtp://{user}:{password}@localhost:{port}{query}")
    };
    let probe = async |url: &str| {
        let (folder, url) = (folder.path().to_owned(), url.to_owned());
        let check = move || run(&folder, &["check", "--mail"], &[("MAIL_URL", &*url), FROM]);
        let output = tokio::task::spawn_blocking(check).await.expect("it ran");
        (output.status.success(), text(&output))
    };
    let trusted = format!("?ca={ca}");
    let (works, said) = probe(&url(&user, password, &trusted)).await;
    assert!(works && said.contains("The mail server answers."), "{said}");
    assert!(!said.contains("p:w@rd") && !said.contains(password), "{said}");
    let (works, said) = probe(&url(&user, "wrong", &trusted)).await;
    assert!(!works && said.contains("535"), "{said}");
    // To this machine, any certificate will do, as a local mail server often has no other.
    assert!(probe(&url(&user, password, "")).await.0);
    // Another authority, though, is not the one that was named.
    let other = Mailbox::open_with(Security::StartTls).await;
    let file = folder.path().join("other.pem");
    fs::write(&file, &other.certificate).expect("written");
    let (works, said) = probe(&url(&user, password, &format!("?ca={}", file.display()))).await;
    assert!(!works && said.contains("certificate"), "{said}");
    assert_eq!(mailbox.taken().len() + other.taken().len(), 0, "a check sends nothing");

    let good = url(&user, password, &trusted);
    let server = TestServer::start_with(&[("MAIL_URL", &good), FROM]).await;
    server.verified(&mailbox, "alice").await;
    let wrapped = Mailbox::open_with(Security::Wrapped).await;
    let bad = format!("smtps://localhost:{}", wrapped.port);
    let server = TestServer::start_with(&[("MAIL_URL", &bad), FROM]).await;
    assert!(server.sign_up_with(Via::Form, "alice", "alice@example.org").await.is_accepted());
    let waits = "SELECT COUNT(*) FROM outbox WHERE tries = 1 AND failed_at IS NULL";
    eventually(async || server.db_count(waits).await == 1).await;
    assert!(wrapped.taken().is_empty());
    let file = folder.path().join("wrapped.pem");
    fs::write(&file, &wrapped.certificate).expect("written");
    let good = format!("{bad}?ca={}", file.display());
    let server = TestServer::start_with(&[("MAIL_URL", &good), FROM]).await;
    server.verified(&wrapped, "bob").await;
}

#[tokio::test]
async fn each_kind_of_outcome_is_counted() {
    let mailbox = Mailbox::open().await;
    let url = mailbox.url();
    let settings = [("MAIL_URL", &*url), FROM, ("METRICS_ADDR", "127.0.0.1:0")];
    let server = TestServer::start_with(&settings).await;
    server.verified(&mailbox, "alice").await;
    let address = server.running.metrics.expect("an address");
    let metrics = async || {
        let answer = program().get(format!("http://{address}/metrics")).send().await;
        answer.expect("an answer").text().await.expect("text")
    };
    eventually(async || metrics().await.contains("latchkey_mail_sent_total 1")).await;
    mailbox.is_in(Mood::Refuses);
    server.forgot(Via::Json, "alice").await;
    eventually(async || metrics().await.contains("latchkey_mail_failed_total 1")).await;
}

#[tokio::test]
async fn messages_go_to_a_folder_while_developing() {
    let folder = tempfile::tempdir().expect("a folder");
    let mails = folder.path().join("mails");
    let url = format!("file:{}", mails.display());
    let server = TestServer::start_with(&[("MAIL_URL", &url), FROM]).await;
    assert!(server.sign_up_with(Via::Form, "alice", "alice@example.org").await.is_accepted());
    let files = async || {
        let files = fs::read_dir(&mails).ok().into_iter().flatten().flatten();
        files
            .map(|file| file.path())
            .filter(|path| path.extension().is_some_and(|e| e == "eml"))
            .collect::<Vec<_>>()
    };
    eventually(async || files().await.len() == 1).await;
    let message = fs::read_to_string(&files().await[0]).expect("text");
    assert_eq!(server.verify(Via::Form, &link(&message)).await, Ok(()));
}

#[tokio::test]
async fn an_owner_hears_of_whatever_changes_the_account_in_their_language() {
    let (server, mailbox) = with_mail().await;
    let body = json!({
        "username": "alice", "password": PASSWORD, "fullName": "A", "email": "alice@example.org"
    });
    let request = program().post(server.url("/auth/signup")).header("accept-language", "de");
    assert!(request.json(&body).send().await.expect("an answer").status().is_success());
    let email = "alice@example.org";
    let confirm = link(&mailbox.letter(email, "Bestätigen Sie", 1).await);
    assert_eq!(server.verify(Via::Json, &confirm).await, Ok(()));
    // A device that was never seen, once.
    let sign_in = json!({"username": "alice", "password": PASSWORD});
    let mut token = String::new();
    for _ in 0..2 {
        let request = program().post(server.url("/auth/signin")).header("user-agent", "curl/8.9.1");
        let answer = request.json(&sign_in).send().await.expect("an answer");
        token = json_of(answer).await["accessToken"].as_str().expect("a token").to_owned();
    }
    let device = read(&mailbox.letter(email, "Neue Anmeldung", 1).await);
    assert!(device.contains("curl") && device.contains("127.0.0.x"), "{device}");
    let body = json!({"currentPassword": PASSWORD, "newPassword": NEW});
    let changed = json_of(server.ask("POST", "/user/password", &token, Some(&body)).await).await;
    let token = changed["accessToken"].as_str().expect("a token");
    mailbox.letter(email, "Ihr Passwort wurde geändert", 1).await;
    let deleted = json_of(server.ask("DELETE", "/user", token, None).await).await;
    assert_ne!(deleted, Value::Null);
    mailbox.letter(email, "wird gelöscht", 1).await;
    assert!(server.sign_in(Via::Form, "alice", NEW).await.is_accepted());
    mailbox.letter(email, "Ihr Konto bleibt", 1).await;
    eventually(async || server.db_count(WAITING).await == 0).await;
    let devices = mailbox.about(email, "Neue Anmeldung").len();
    assert_eq!(devices, 1, "once, and not for the device that signed up");
    for message in mailbox.taken() {
        assert!(!message.contains(PASSWORD) && !message.contains(NEW));
    }
}

#[tokio::test]
async fn a_wrong_password_of_ours_gives_up_no_message() {
    let mailbox = Mailbox::open_with(Security::StartTls).await;
    let user = USER.0.replace('@', "%40");
    let url = format!("smtp://{user}:wrong@127.0.0.1:{}", mailbox.port);
    let server = TestServer::start_with(&[("MAIL_URL", &url), FROM]).await;
    assert!(server.sign_up_with(Via::Json, "alice", "alice@example.org").await.is_accepted());
    let waits =
        "SELECT COUNT(*) FROM outbox WHERE tries = 1 AND failed_at IS NULL AND error LIKE '%535%'";
    eventually(async || server.db_count(waits).await == 1).await;
}
