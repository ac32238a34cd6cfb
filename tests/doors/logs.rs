//! The log: requests can be traced, and secrets do not appear.

use serde_json::{Value, json};

use crate::{process::Served, support::*};

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
