//! The log: requests can be traced, and secrets do not appear.

use serde_json::{Value, json};

use crate::{
    letters::{code, link},
    process::Served,
    smtp::Mailbox,
    support::*,
};

#[tokio::test]
async fn at_the_most_talkative_level_no_secret_is_written_and_every_line_is_one_object() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = [("RUST_LOG", "trace"), ("LOG_FORMAT", "json"), ("JWT_SECRET", SECRET)];
    let served = Served::start(folder.path(), &settings);
    let url = |path: &str| format!("{}{path}", served.url);
    let post = async |path: &str, body: &Value| -> Value {
        let response = program().post(url(path)).json(body).send().await.expect("an answer");
        response.json().await.expect("JSON")
    };

    let word = "canary-word canary-word";
    post("/auth/signup", &json!({"username": "alice", "password": word, "fullName": "Canary P."}))
        .await;
    let answer = post("/auth/signin", &json!({"username": "alice", "password": word})).await;
    let token = answer["accessToken"].as_str().expect("a token").to_owned();
    let get = |path: &str| program().get(url(path));
    get("/user/profile").bearer_auth(&token).send().await.expect("an answer");
    let browser = Browser::at(&served.url);
    let fields = [("username", "alice"), ("password", word), ("next", "/profile?canary-word")];
    let response = browser.send("/signin", "/api/sign_in", &fields).await;
    let session = cookie(&response, "latchkey").expect("a cookie");
    browser.get("/profile?canary-word=1").await;
    let odd = "a\r\n{\"level\":\"canary-word\"}\u{1b}[2J";
    post("/auth/signin", &json!({"username": odd, "password": word})).await;
    get("/canary-word?access_token=canary-word")
        .header("x-request-id", "canary-word")
        .header("user-agent", "canary-word")
        .send()
        .await
        .expect("an answer");
    served.signal("-TERM");
    assert_eq!(served.exit(), 0);

    let log = std::fs::read_to_string(folder.path().join("log")).expect("the log");
    let signature = |token: &str| token.rsplit('.').next().expect("a signature").to_owned();
    let (token, session) = (signature(&token), signature(&session));
    for secret in ["canary-word", "Canary P.", "$argon2id", SECRET, &token, &session, "\u{1b}"] {
        let line = log.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{secret}: {line:?}");
    }
    let lines: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).expect("one object a line")).collect();
    let answered: Vec<_> = lines.iter().filter(|line| line["message"] == "answered").collect();
    assert_eq!(answered.len(), 8);
    assert!(answered.iter().all(|line| line["span"]["request_id"].is_string()), "{answered:?}");
}

#[tokio::test]
async fn no_link_code_address_or_password_of_mail_is_in_the_log() {
    let (folder, mailbox) = (tempfile::tempdir().expect("a folder"), Mailbox::open().await);
    let url = mailbox.url();
    let settings = [
        ("RUST_LOG", "trace"),
        ("LOG_FORMAT", "json"),
        ("JWT_SECRET", SECRET),
        ("MAIL_URL", &*url),
        ("MAIL_FROM", "accounts@example.org"),
        ("THROTTLE_MAIL", "100/1h"),
    ];
    let served = Served::start(folder.path(), &settings);
    let post = async |path: &str, body: Value| -> Value {
        let request = program().post(format!("{}{path}", served.url)).json(&body);
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path}");
        answer.json().await.unwrap_or_default()
    };
    let email = "canary-address@example.org";
    let account =
        json!({"username": "alice", "password": PASSWORD, "fullName": "A", "email": email});
    post("/auth/signup", account).await;
    let confirm = link(&mailbox.letter(email, "Confirm", 1).await);
    post("/auth/verify-email", json!({"token": confirm})).await;
    let challenge = post("/auth/email-code", json!({"identifier": email})).await;
    let challenge = challenge["challenge"].as_str().expect("a challenge").to_owned();
    let code = code(&mailbox.letter(email, "Your code", 1).await);
    post("/auth/email-code/signin", json!({"challenge": challenge, "code": code})).await;
    post("/auth/forgot-password", json!({"identifier": email})).await;
    let reset = link(&mailbox.letter(email, "Set a new password", 1).await);
    let browser = Browser::at(&served.url);
    browser.arrive(&format!("/set-password?link={reset}")).await;
    let new = "canary-word canary-word";
    post("/auth/reset-password", json!({"token": reset, "newPassword": new})).await;
    mailbox.letter(email, "Your password was changed", 1).await;
    served.signal("-TERM");
    assert_eq!(served.exit(), 0);
    let log = std::fs::read_to_string(folder.path().join("log")).expect("the log");
    for secret in [email, &confirm, &challenge, &code, &reset, new] {
        let line = log.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{secret}: {line:?}");
    }
}
