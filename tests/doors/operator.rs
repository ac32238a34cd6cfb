//! The operator's commands: import and export accounts; show, disable and delete one, or make a
//! link for it.

use std::{fs, path::Path, process::Output};

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{letters::*, support::*};

/// `PASSWORD`, hashed by bcrypt as in the NestJS tutorial, and by Django.
const BCRYPT: &str = "$2b$10$24d..m51fODhn2omaj1zb.ccIUOsurqqQaX4KNCaiCtYX9ANUlyDG";
const DJANGO: &str = "pbkdf2_sha1$1000000$saltsaltsaltsalt$BPPsB8qYZhG6z+D7i5AnYeZ3CmQ=";

pub(crate) fn latchkey(server: &TestServer, folder: &Path, arguments: &[&str]) -> Output {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_latchkey"));
    command.env_clear().current_dir(folder).args(arguments);
    command.env("DATABASE_URL", &server.database_url).env("JWT_SECRET", SECRET);
    command.env("PUBLIC_URL", server.origin());
    command.output().expect("it ran")
}

pub(crate) fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

pub(crate) fn done(server: &TestServer, folder: &Path, arguments: &[&str]) -> String {
    let output = latchkey(server, folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    said(&output)
}

fn line(username: &str, hash: &str) -> String {
    json!({"username": username, "fullName": "Person", "passwordHash": hash}).to_string()
}

#[tokio::test]
async fn old_accounts_come_along_sign_in_once_and_then_have_argon2id() {
    let server = TestServer::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("people");
    fs::write(&file, [line("Alice", BCRYPT), line("bob", DJANGO)].join("\n")).expect("written");
    let told = done(&server, folder.path(), &["import", "people"]);
    assert!(told.contains("Accounts added: 2. Lines refused: 0."), "{told}");
    for (door, name) in [(Via::Json, "alice"), (Via::Form, "bob")] {
        assert!(!server.sign_in(door, name, "wrong wrong wrong").await.is_accepted());
        assert!(server.sign_in(door, name, PASSWORD).await.is_accepted(), "{name}");
        assert!(server.sign_in(door, name, PASSWORD).await.is_accepted(), "{name} again");
    }
    let new = "SELECT COUNT(*) FROM passwords WHERE hash LIKE '$argon2id$v=19$m=19456%'";
    assert_eq!(server.db_count(new).await, 2);
}

#[tokio::test]
async fn a_file_with_refused_lines_adds_nothing_and_says_which_and_why() {
    let server = TestServer::start().await;
    server.sign_up_json("taken").await;
    let folder = tempfile::tempdir().expect("a folder");
    let lines = [
        line("alice", BCRYPT),
        "{\"username\":\"canary".to_owned(),
        line("ALICE", BCRYPT),
        line(
            "bob",
            "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        ),
        line("admin", BCRYPT),
        String::new(),
        line("carol", BCRYPT),
    ];
    fs::write(folder.path().join("people"), lines.join("\n")).expect("written");
    let output = latchkey(&server, folder.path(), &["import", "people"]);
    let told = said(&output);
    assert!(!output.status.success());
    for refused in [
        "line 2: is not JSON",
        "line 3: has the username of line 1",
        "line 4: passwordHash costs more",
        "line 5: has a reserved username",
        "Nothing was imported, since some lines were refused (4)",
    ] {
        assert!(told.contains(refused), "{refused}: {told}");
    }
    assert!(!told.contains("canary") && !told.contains("$2b$"), "{told}");
    assert_eq!(server.db_count("SELECT COUNT(*) FROM accounts").await, 1);

    let told = done(&server, folder.path(), &["import", "--skip-refused", "people"]);
    assert!(told.contains("Accounts added: 2. Lines refused: 4."), "{told}");
    assert_eq!(server.db_count("SELECT COUNT(*) FROM accounts").await, 3);
    // Again: all good lines have been imported already.
    let again = [line("alice", BCRYPT), line("Taken", BCRYPT), line("dave", BCRYPT)];
    fs::write(folder.path().join("again"), again.join("\n")).expect("written");
    let output = latchkey(&server, folder.path(), &["import", "again"]);
    assert!(!output.status.success());
    let told = said(&output);
    assert!(told.contains("line 1: has a username that is taken"), "{told}");
    assert!(told.contains("line 2: has a username that is taken"), "{told}");
    assert_eq!(server.db_count("SELECT COUNT(*) FROM accounts").await, 3);
    assert!(!latchkey(&server, folder.path(), &["import", "nowhere"]).status.success());
}

#[tokio::test]
async fn what_is_exported_can_be_imported_elsewhere_as_it_was() {
    let server = TestServer::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["Alice", "Zoë", "мария"] {
        server.sign_up_json(name).await;
    }
    done(&server, folder.path(), &["user", "disable", "zoë"]);
    done(&server, folder.path(), &["user", "groups", "alice", "--add", "admin", "--add", "crew"]);
    let told = done(&server, folder.path(), &["export", "all"]);
    assert!(told.contains("Wrote 3 accounts"), "{told}");
    let mode = fs::metadata(folder.path().join("all")).expect("a file").permissions();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o600);
    assert!(!latchkey(&server, folder.path(), &["export", "all"]).status.success(), "it is there");

    let other = TestServer::start().await;
    done(&other, folder.path(), &["import", "all"]);
    done(&other, folder.path(), &["export", "again"]);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("text");
    assert_eq!(read("all"), read("again"));
    assert!(read("again").contains(r#""groups":["admin","crew"]"#), "{}", read("again"));
    assert!(other.sign_in(Via::Json, "ALICE", PASSWORD).await.is_accepted());
    assert!(!other.sign_in(Via::Json, "zoë", PASSWORD).await.is_accepted(), "still disabled");
}

#[tokio::test]
async fn a_disabled_account_is_out_at_once_and_answers_like_one_that_does_not_exist() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let tokens = server.refreshable("alice").await;
    let browser = Browser::signed_in(&server, "alice").await;
    let bearer = format!("Bearer {}", tokens["accessToken"].as_str().expect("a token"));
    assert_eq!(server.profile(&bearer).await.status(), StatusCode::OK);
    let folder = tempfile::tempdir().expect("a folder");
    let told = done(&server, folder.path(), &["user", "disable", "ALICE"]);
    assert!(told.contains("alice is disabled"), "{told}");
    eventually(async || server.profile(&bearer).await.status() == StatusCode::UNAUTHORIZED).await;
    assert_eq!(browser.get("/profile").await.status(), StatusCode::SEE_OTHER);
    let refresh = tokens["refreshToken"].as_str().expect("a token");
    assert_eq!(server.refresh(refresh).await.status(), StatusCode::UNAUTHORIZED);

    let mut answers = Vec::new();
    for (name, password) in
        [("alice", PASSWORD), ("alice", "wrong wrong"), ("nobody-here", "wrong wrong")]
    {
        let body = json!({"username": name, "password": password});
        let response = server.post_json("/auth/signin", &body).await;
        let status = response.status();
        let mut body: Value = response.json().await.expect("JSON");
        body["requestId"] = json!("");
        answers.push((status, body));
        assert_eq!(server.sign_in(Via::Form, name, password).await.status(), 400);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert!(done(&server, folder.path(), &["user", "list"]).contains("disabled"));
    done(&server, folder.path(), &["user", "enable", "alice"]);
    assert!(server.sign_in(Via::Json, "alice", PASSWORD).await.is_accepted());
}

#[tokio::test]
async fn an_operator_sees_ends_and_deletes_but_never_a_password() {
    let server = TestServer::start().await;
    let account = server.sign_up_json("alice").await;
    let bearer = format!("Bearer {}", server.token("alice").await);
    let folder = tempfile::tempdir().expect("a folder");
    let shown = done(&server, folder.path(), &["user", "show", "alice"]);
    assert!(shown.contains(&account["id"].to_string()) && shown.contains("kept as argon2id"));
    assert!(!shown.contains("$argon2id"), "{shown}");
    let sessions = done(&server, folder.path(), &["user", "sessions", "alice"]);
    assert!(sessions.contains("program") && sessions.contains("127.0.0.0/24"), "{sessions}");
    let ended = done(&server, folder.path(), &["user", "sessions", "alice", "--end"]);
    assert!(ended.contains("Sessions ended: 1."), "{ended}");
    eventually(async || server.profile(&bearer).await.status() == StatusCode::UNAUTHORIZED).await;

    let refused = latchkey(&server, folder.path(), &["user", "delete", "alice"]);
    assert!(!refused.status.success() && said(&refused).contains("--yes"));
    done(&server, folder.path(), &["user", "delete", "alice", "--yes"]);
    assert_eq!(server.db_count("SELECT COUNT(*) FROM accounts").await, 0);
    for command in ["show", "disable", "enable", "delete", "sessions", "set-password-link"] {
        let output = latchkey(&server, folder.path(), &["user", command, "alice"]);
        assert!(!output.status.success() && said(&output).contains("no account"), "{command}");
    }
    let verified = done(&server, folder.path(), &["audit", "verify"]);
    assert!(verified.contains("rows are as they were written"), "{verified}");
    let head = verified.trim().rsplit(' ').next().expect("a hash").to_owned();
    server.sign_up_json("bob").await;
    done(&server, folder.path(), &["audit", "verify", "--expect", &head]);
    let other = latchkey(&server, folder.path(), &["audit", "verify", "--expect", "00"]);
    assert!(!other.status.success() && said(&other).contains("not in it"));
    done(&server, folder.path(), &["audit", "export", "trail"]);
    let trail = fs::read_to_string(folder.path().join("trail")).expect("text");
    let rows: Vec<Value> =
        trail.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(rows.last().expect("a row")["event"], "user_created");
}

#[tokio::test]
async fn a_link_sets_a_password_once_and_a_look_at_it_changes_nothing() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let bearer = format!("Bearer {}", server.token("alice").await);
    let folder = tempfile::tempdir().expect("a folder");
    let told = done(&server, folder.path(), &["user", "set-password-link", "alice"]);
    let url = told.lines().last().expect("a line");
    let path = url.strip_prefix(&server.origin()).expect("our own address");
    let link = path.strip_prefix("/set-password?link=").expect("the page");
    let hashed = "SELECT COUNT(*) FROM links";
    assert_eq!(server.db_count(hashed).await, 1);

    let browser = Browser::new(&server);
    for _ in 0..3 {
        let response = browser.arrive(path).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["referrer-policy"], "same-origin");
        let page = response.text().await.expect("a page");
        assert!(!page.contains(link), "the token is in the cookie alone");
    }
    let page = "/set-password";
    let fields = [("newPassword", "short")];
    assert!(browser.submit(page, "/api/set_password", &fields).await.says("at least 8"));
    let fields = [("newPassword", "alice2026!")];
    assert!(
        browser.submit(page, "/api/set_password", &fields).await.says("based on your username")
    );
    let token = form_token(&browser.page(page).await);
    let new = "another horse and battery";
    let fields = [("form_token", &*token), ("link", link), ("newPassword", new)];
    let response = browser.post("/api/set_password", &fields).await;
    assert_eq!(response.headers()["location"], "/signin");
    assert!(cookie(&response, "latchkey").is_none(), "nobody is signed in by it");
    assert_eq!(server.profile(&bearer).await.status(), StatusCode::UNAUTHORIZED);
    assert!(server.sign_in(Via::Json, "alice", new).await.is_accepted());
    assert!(browser.page("/signin").await.contains("Password saved."));
    assert!(!browser.page("/signin").await.contains("Password saved."), "it is said once");
    // The same form, sent twice, has the same outcome; any other does nothing.
    assert_eq!(browser.post("/api/set_password", &fields).await.headers()["location"], "/signin");
    let other = [("form_token", &*token), ("link", link), ("newPassword", "yet another horse")];
    assert_eq!(browser.post("/api/set_password", &other).await.status(), StatusCode::BAD_REQUEST);
    assert_eq!(browser.arrive(path).await.status(), StatusCode::BAD_REQUEST);

    // Any change of the account's state voids it.
    let told = done(&server, folder.path(), &["user", "set-password-link", "alice"]);
    let path = told.lines().last().and_then(|url| url.strip_prefix(&server.origin()));
    let path = path.expect("our own address").to_owned();
    done(&server, folder.path(), &["user", "disable", "alice"]);
    assert_eq!(browser.arrive(&path).await.status(), StatusCode::BAD_REQUEST);
    done(&server, folder.path(), &["user", "enable", "alice"]);
    assert_eq!(browser.arrive(&path).await.status(), StatusCode::BAD_REQUEST);

    // A new link replaces the previous one, and an expired one is refused.
    let first = done(&server, folder.path(), &["user", "set-password-link", "alice"]);
    let second = done(&server, folder.path(), &["user", "set-password-link", "alice"]);
    let path = |told: &str| {
        let url = told.lines().last().expect("a line");
        url.strip_prefix(&server.origin()).expect("our own address").to_owned()
    };
    assert_eq!(browser.arrive(&path(&first)).await.status(), StatusCode::BAD_REQUEST);
    assert_eq!(browser.arrive(&path(&second)).await.status(), StatusCode::OK);
    let db = server.db().await;
    sqlx::query("UPDATE links SET expires_at = 1").execute(&db).await.expect("updated");
    assert_eq!(browser.arrive(&path(&second)).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn whatever_changes_an_account_makes_its_links_void() {
    let server = TestServer::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let links = "SELECT COUNT(*) FROM links WHERE used_at IS NULL";
    for (index, act) in ["password", "sessions", "others", "disable", "deletion"].iter().enumerate()
    {
        let name = format!("person{index}");
        let browser = Browser::signed_up(&server, &name).await;
        Browser::signed_in(&server, &name).await;
        let token = server.token(&name).await;
        done(&server, folder.path(), &["user", "set-password-link", &name]);
        assert_eq!(server.db_count(links).await, 1, "{act}");
        match *act {
            "password" => {
                let new = "another horse and battery";
                let fields = [("currentPassword", PASSWORD), ("newPassword", new)];
                browser.submit("/account/security", "/api/change_password", &fields).await;
            }
            "sessions" => _ = done(&server, folder.path(), &["user", "sessions", &name, "--end"]),
            "others" => _ = server.ask("DELETE", "/user/sessions", &token, None).await,
            "disable" => _ = done(&server, folder.path(), &["user", "disable", &name]),
            _ => _ = server.ask("DELETE", "/user", &token, None).await,
        }
        assert_eq!(server.db_count(links).await, 0, "{act}");
    }
}

#[tokio::test]
async fn accounts_come_along_from_keycloak_with_names_that_are_none_here_and_without_passwords() {
    let server = TestServer::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let credentials: Vec<Value> =
        serde_json::from_str(include_str!("keycloak.json")).expect("JSON");
    let mut lines: Vec<Value> = credentials
        .iter()
        .enumerate()
        .map(|(index, made)| {
            let hash = &made["credential"];
            // As an object, and as a string, which is what some exports contain.
            let hash = if index % 2 == 0 { hash.clone() } else { json!(hash.to_string()) };
            json!({"username": format!("keycloak{index}"), "fullName": "K", "passwordHash": hash})
        })
        .collect();
    for name in ["ada@example.org", "Ada Lovelace", "ada@example.com", "admin", "x", "ada"] {
        lines.push(json!({"username": name, "fullName": "A", "passwordHash": BCRYPT}));
    }
    lines.push(json!({"username": "nobody-knows", "fullName": "N", "passwordHash": "!unusable"}));
    let text: Vec<String> = lines.iter().map(Value::to_string).collect();
    fs::write(folder.path().join("people"), text.join("\n")).expect("written");

    let refused = latchkey(&server, folder.path(), &["import", "people"]);
    assert!(!refused.status.success() && said(&refused).contains("some lines were refused (5)"));
    let arguments =
        ["import", "--map-usernames", "--allow-reserved", "--password-links", "links", "people"];
    let told = done(&server, folder.path(), &arguments);
    for mapped in
        ["ada@example.org is ada-2 here", "ada@example.com is ada-3 here", "x is x-user here"]
    {
        assert!(told.contains(mapped), "{mapped}: {told}");
    }
    // Valid usernames stay with their owners, whatever lines come before them.
    assert!(!told.contains("admin is") && !told.contains(": ada is"), "{told}");
    for (index, made) in credentials.iter().enumerate() {
        let name = format!("keycloak{index}");
        let password = made["password"].as_str().expect("a password");
        assert!(server.sign_in(WAYS[index % 2], &name, password).await.is_accepted(), "{made}");
    }
    for name in ["ada", "ada-lovelace", "ada-2", "ada-3", "admin", "x-user"] {
        assert!(server.sign_in(Via::Json, name, PASSWORD).await.is_accepted(), "{name}");
    }
    // Nobody gets in without a password; the link sets one.
    for password in ["none", "x"] {
        assert!(!server.sign_in(Via::Json, "nobody-knows", password).await.is_accepted());
    }
    let links = fs::read_to_string(folder.path().join("links")).expect("the links");
    let link: Value = serde_json::from_str(links.trim()).expect("one line");
    assert_eq!(link["username"], "nobody-knows");
    let url = link["url"].as_str().expect("an address");
    let path = url.strip_prefix(&server.origin()).expect("our own address");
    let (browser, fields) = (Browser::new(&server), [("newPassword", PASSWORD)]);
    browser.arrive(path).await;
    assert!(browser.submit("/set-password", "/api/set_password", &fields).await.is_accepted());
    assert!(server.sign_in(Via::Form, "nobody-knows", PASSWORD).await.is_accepted());
    // The database contains no weak hash, even before the first sign-in.
    let weak = "SELECT COUNT(*) FROM passwords WHERE hash LIKE '%pbkdf2%'";
    assert_eq!(server.db_count(weak).await, 0);
}

#[tokio::test]
async fn a_weak_hash_is_wrapped_when_it_is_imported_and_ours_after_the_next_sign_in() {
    let server = TestServer::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    // `PASSWORD` as LDAP's salted SHA-1.
    let digest = "{SSHA}396MbBWXRxNekvZdjsTMJL2vMJtzYWx0";
    fs::write(folder.path().join("people"), line("alice", digest)).expect("written");
    done(&server, folder.path(), &["import", "people"]);
    let kept =
        |pattern: &str| format!("SELECT COUNT(*) FROM passwords WHERE hash LIKE '{pattern}'");
    let count = async |pattern: &str| {
        let db = server.db().await;
        let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(kept(pattern)))
            .fetch_one(&db)
            .await
            .expect("a count");
        db.close().await;
        count
    };
    assert_eq!(count("%396MbBWXRxNekvZdjsTMJL2vMJtzYWx0%").await, 0);
    assert_eq!(count("latchkey:wrapped:%").await, 1);
    // The export can be imported elsewhere.
    done(&server, folder.path(), &["export", "exported"]);
    let other = TestServer::start().await;
    done(&other, folder.path(), &["import", "exported"]);
    for server in [&server, &other] {
        assert!(!server.sign_in(Via::Json, "alice", "wrong wrong").await.is_accepted());
        assert!(server.sign_in(Via::Form, "alice", PASSWORD).await.is_accepted());
        assert!(server.sign_in(Via::Json, "alice", PASSWORD).await.is_accepted());
    }
    assert_eq!(count("$argon2id$v=19$m=19456%").await, 1);
}

#[tokio::test]
async fn commands_find_accounts_by_name_or_id_and_tell_them_to_programs() {
    let server = TestServer::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let account = server.sign_up_json("alice").await;
    server.sign_up_json("-dash-").await;
    let id = account["id"].to_string();
    let list = done(&server, folder.path(), &["user", "list"]);
    assert!(list.starts_with("ID ") && list.contains("USERNAME") && list.contains(&id), "{list}");
    let list = done(&server, folder.path(), &["user", "list", "--json"]);
    let accounts: Vec<Value> =
        list.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
    assert_eq!(accounts.len(), 2);
    assert!(accounts.iter().any(|one| one["id"] == account["id"] && one["state"] == "active"));
    for name in [&*id, "alice", "ALICE"] {
        let shown = done(&server, folder.path(), &["user", "show", name]);
        assert!(shown.contains("username      alice"), "{shown}");
    }
    let shown = done(&server, folder.path(), &["user", "show", "-dash-"]);
    assert!(shown.contains("-dash-"), "{shown}");
    done(&server, folder.path(), &["user", "disable", "-dash-"]);
}

#[tokio::test]
async fn a_link_names_the_address_that_the_server_was_told() {
    let url = ("PUBLIC_URL", "https://accounts.example.org");
    let server = TestServer::start_with(&[url]).await;
    server.sign_up_json("alice").await;
    let folder = tempfile::tempdir().expect("a folder");
    // The command does not see the settings of the server's unit.
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_latchkey"));
    command.env_clear().current_dir(folder.path());
    command.args(["user", "set-password-link", "alice"]);
    command.env("DATABASE_URL", &server.database_url).env("JWT_SECRET", SECRET);
    let output = command.output().expect("it ran");
    assert!(said(&output).contains("https://accounts.example.org/set-password?link="));
}

#[tokio::test]
async fn addresses_come_along_and_go_along_and_a_verified_one_is_one_accounts() {
    let (server, mailbox) = with_mail().await;
    let folder = tempfile::tempdir().expect("a folder");
    let line = |username: &str, email: &str, verified: bool| {
        json!({
            "username": username, "fullName": "P", "passwordHash": BCRYPT,
            "email": email, "emailVerified": verified
        })
        .to_string()
    };
    let write = |name: &str, lines: &[String]| {
        fs::write(folder.path().join(name), lines.join("\n")).expect("written");
    };
    write(
        "people",
        &[line("alice", "Alice@example.org", true), line("bob", "bob@example.org", false)],
    );
    done(&server, folder.path(), &["import", "people"]);
    assert!(server.sign_in(Via::Json, "alice@example.org", PASSWORD).await.is_accepted());
    assert!(!server.sign_in(Via::Form, "bob@example.org", PASSWORD).await.is_accepted());
    // An address that the operator vouches for is the owner's: a code takes nothing away.
    let asker = server.ask_for_code(Via::Json, "alice").await;
    let code = code(&mailbox.letter("Alice@example.org", "Your code", 1).await);
    assert_eq!(server.enter_code(&asker, &code).await, Ok(()));
    assert!(server.sign_in(Via::Json, "alice", PASSWORD).await.is_accepted());
    for (email, why) in [
        ("ALICE@example.org", "another account's"),
        ("nonsense", "Enter an email address"),
        ("", "has no email to be verified"),
    ] {
        write("more", &[line("carol", email, true)]);
        let refused = latchkey(&server, folder.path(), &["import", "more"]);
        assert!(!refused.status.success() && said(&refused).contains(why), "{}", said(&refused));
    }
    done(&server, folder.path(), &["user", "set", "bob", "email", "robert@example.org"]);
    // With mail set up for the command, the previous address hears of it.
    let url = mailbox.url();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_latchkey"));
    command.env_clear().current_dir(folder.path()).args([
        "user",
        "set",
        "bob",
        "email",
        "bob@x.org",
    ]);
    command.envs([("DATABASE_URL", &*server.database_url), ("JWT_SECRET", SECRET)]);
    command.envs([("MAIL_URL", &*url), FROM]);
    assert!(command.output().expect("it ran").status.success());
    mailbox.letter("robert@example.org", "The operator changed", 1).await;
    done(&server, folder.path(), &["user", "set", "bob", "email", "robert@example.org"]);
    assert!(server.sign_in(Via::Json, "robert@example.org", PASSWORD).await.is_accepted());
    let taken = ["user", "set", "bob", "email", "alice@example.org"];
    assert!(!latchkey(&server, folder.path(), &taken).status.success());
    let shown = done(&server, folder.path(), &["user", "show", "bob"]);
    assert!(shown.contains("robert@example.org"), "{shown}");
    done(&server, folder.path(), &["export", "all"]);
    let all = fs::read_to_string(folder.path().join("all")).expect("text");
    let other = TestServer::start().await;
    done(&other, folder.path(), &["import", "all"]);
    done(&other, folder.path(), &["export", "again"]);
    let lines =
        |text: &str| text.lines().map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
    let again = fs::read_to_string(folder.path().join("again")).expect("text");
    assert_eq!(lines(&all), lines(&again));
    assert!(all.contains(r#""email":"robert@example.org","emailVerified":true"#), "{all}");
}
