//! The program itself: its commands, files, start and stop.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use reqwest::StatusCode;
use serde_json::json;

use crate::support::{PASSWORD, SECRET, eventually, program};

fn latchkey(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
    command.env_clear().current_dir(folder);
    command
}

pub(crate) fn run(folder: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    latchkey(folder).args(arguments).envs(settings.iter().copied()).output().expect("it ran")
}

pub(crate) fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// A running server, which is killed if the test forgets it.
pub(crate) struct Served {
    child: Child,
    pub(crate) url: String,
}

impl Served {
    /// Its log goes to the file `log` in the folder.
    pub(crate) fn start(folder: &Path, settings: &[(&str, &str)]) -> Self {
        Self::listening(Self::spawn(folder, settings))
    }

    fn spawn(folder: &Path, settings: &[(&str, &str)]) -> Child {
        let mut command = latchkey(folder);
        command.env("PORT", "0").envs(settings.iter().copied());
        let log = fs::File::options().create(true).append(true).open(folder.join("log"));
        command.stdout(Stdio::piped()).stderr(log.expect("a file")).spawn().expect("started")
    }

    /// Waits for the line that names the address.
    fn listening(mut child: Child) -> Self {
        let mut line = String::new();
        let output = child.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("a line");
        let url = line.trim().rsplit(' ').next().expect("an address");
        // In JSON, the end of the text follows.
        let url = url.trim_end_matches(['"', '}']).to_owned();
        assert!(url.starts_with("http://127.0.0.1:"), "{line}");
        Self { child, url }
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(status.expect("kill ran").success());
    }

    pub(crate) fn exit(mut self) -> i32 {
        self.child.wait().expect("it ended").code().unwrap_or(-1)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

pub(crate) async fn sign_up(url: &str, username: &str) -> StatusCode {
    let body = json!({"username": username, "password": PASSWORD, "fullName": "Test Person"});
    program()
        .post(format!("{url}/auth/signup"))
        .json(&body)
        .send()
        .await
        .expect("an answer")
        .status()
}

pub(crate) async fn sign_in(url: &str, username: &str) -> StatusCode {
    let body = json!({"username": username, "password": PASSWORD});
    program()
        .post(format!("{url}/auth/signin"))
        .json(&body)
        .send()
        .await
        .expect("an answer")
        .status()
}

#[tokio::test]
async fn without_any_settings_it_makes_what_it_needs_for_its_owner_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let served = Served::start(folder.path(), &[]);
    assert_eq!(sign_up(&served.url, "alice").await, StatusCode::OK);
    for (file, mode) in
        [("data", 0o700), ("data/latchkey.db", 0o600), ("data/latchkey.secret", 0o600)]
    {
        let metadata = std::fs::metadata(folder.path().join(file)).expect(file);
        assert_eq!(metadata.permissions().mode() & 0o777, mode, "{file}");
    }
}

#[tokio::test]
async fn an_answered_sign_up_survives_a_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    let served = Served::start(folder.path(), &[]);
    for index in 0..5 {
        assert_eq!(sign_up(&served.url, &format!("person{index}")).await, StatusCode::OK);
    }
    served.signal("-KILL");
    served.exit();
    let served = Served::start(folder.path(), &[]);
    for index in 0..5 {
        assert_eq!(sign_in(&served.url, &format!("person{index}")).await, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_signal_to_stop_lets_a_request_in_flight_finish_and_ends_with_zero() {
    for signal in ["-TERM", "-INT"] {
        let folder = tempfile::tempdir().expect("a folder");
        let served = Served::start(folder.path(), &[]);
        let address = served.url.strip_prefix("http://").expect("an address").to_owned();
        let body = json!({"username": "alice", "password": PASSWORD, "fullName": "A"}).to_string();
        let mut stream = TcpStream::connect(&address).expect("a connection");
        let head = format!(
            "POST /auth/signup HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).expect("sent");
        // The server asks for the body, so it has accepted the request.
        let mut go_on = [0; 25];
        stream.read_exact(&mut go_on).expect("an answer");
        assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
        served.signal(signal);
        while TcpStream::connect(&address).is_ok() {}
        stream.write_all(body.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert_eq!(served.exit(), 0, "{signal}");
    }
}

#[tokio::test]
async fn a_connection_that_says_nothing_does_not_hold_up_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let served = Served::start(folder.path(), &[]);
    let address = served.url.strip_prefix("http://").expect("an address").to_owned();
    let _silent = TcpStream::connect(&address).expect("a connection");
    let mut half = TcpStream::connect(&address).expect("a connection");
    half.write_all(b"POST /auth/signup HTTP/1.1\r\nHost: x").expect("sent");
    assert_eq!(sign_up(&served.url, "alice").await, StatusCode::OK);
    served.signal("-TERM");
    assert_eq!(served.exit(), 0);
}

#[tokio::test]
async fn those_that_start_at_once_in_an_empty_folder_share_one_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = [("PUBLIC_URL", "http://localhost:3000")];
    let children: Vec<_> = (0..6).map(|_| Served::spawn(folder.path(), &url)).collect();
    let servers: Vec<_> = children.into_iter().map(Served::listening).collect();
    assert_eq!(sign_up(&servers[0].url, "alice").await, StatusCode::OK);
    let body = json!({"username": "alice", "password": PASSWORD});
    let answer = program().post(format!("{}/auth/signin", servers[1].url)).json(&body).send().await;
    let answer: serde_json::Value = answer.expect("an answer").json().await.expect("JSON");
    for server in &servers {
        let request = program().get(format!("{}/user/profile", server.url));
        let request = request.bearer_auth(answer["accessToken"].as_str().expect("a token"));
        assert_eq!(request.send().await.expect("an answer").status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(run(folder.path(), &["migrate", "up"], &[]).status.success());
    let options = sqlx::sqlite::SqliteConnectOptions::new();
    let options = options.filename(folder.path().join("data/latchkey.db"));
    let pool = sqlx::SqlitePool::connect_with(options).await.expect("the database");
    let newer = "INSERT INTO _sqlx_migrations \
                 (version, description, success, checksum, execution_time) \
                 VALUES (9999, 'from the future', TRUE, x'00', 0)";
    sqlx::query(newer).execute(&pool).await.expect("inserted");
    let output = run(folder.path(), &["serve"], &[("PORT", "0")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("a newer version"), "{}", text(&output));
}

#[test]
fn check_prints_every_setting_and_no_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = [("JWT_SECRET", SECRET), ("PORT", "4000")];
    let output = run(folder.path(), &["check"], &settings);
    assert!(output.status.success(), "{}", text(&output));
    let text = text(&output);
    for name in [
        "HOST",
        "PORT = 4000",
        "PUBLIC_URL",
        "DATABASE_URL",
        "JWT_SECRET = (secret)",
        "SESSION_TTL",
        "LOG_FORMAT",
    ] {
        assert!(text.contains(name), "{name}: {text}");
    }
    assert!(!text.contains(SECRET));
    assert!(!folder.path().join("data").exists(), "it only reads");
}

#[test]
fn a_bad_setting_stops_check_and_the_start_with_one_line_each() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = [("JWT_SECRET", "yoursecretvalue"), ("PORT", "http"), ("SESION_TTL", "1d")];
    for arguments in [&["check"][..], &["serve"], &[]] {
        let output = run(folder.path(), arguments, &settings);
        assert_eq!(output.status.code(), Some(1));
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(errors.lines().count(), 3, "{errors}");
        for name in ["JWT_SECRET:", "PORT:", "SESION_TTL:"] {
            assert!(errors.contains(name), "{errors}");
        }
        assert!(!text(&output).contains("yoursecretvalue"));
    }
    assert!(!folder.path().join("data").exists(), "nothing was made");
}

#[test]
fn settings_come_from_the_file_too_and_the_environment_wins() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join(".env"), "# a comment\nPORT=4001\nLOG_FORMAT=json\n")
        .expect("written");
    let output = text(&run(folder.path(), &["check"], &[("PORT", "4002")]));
    assert!(output.contains("PORT = 4002") && output.contains("LOG_FORMAT = json"), "{output}");
    std::fs::remove_file(folder.path().join(".env")).expect("removed");
    std::fs::create_dir(folder.path().join(".env")).expect("a folder");
    let output = run(folder.path(), &["check"], &[]);
    assert!(
        !output.status.success() && text(&output).contains(".env: is there"),
        "{}",
        text(&output)
    );
    std::fs::remove_dir(folder.path().join(".env")).expect("removed");
    std::fs::write(folder.path().join(".env"), "WHATEVER=1\n").expect("written");
    let output = run(folder.path(), &["check"], &[]);
    assert!(!output.status.success() && text(&output).contains("WHATEVER"), "{}", text(&output));
}

/// `UPDATE=1` rewrites the example.
#[test]
fn the_example_of_settings_is_what_the_rooms_declare_and_is_good_as_it_is() {
    let declared = latchkey::settings::Settings::example();
    #[expect(clippy::disallowed_methods, reason = "a test is told what to do by whoever runs it")]
    let updates = std::env::var_os("UPDATE").is_some();
    if updates {
        std::fs::write(".env.example", &declared).expect("written");
    }
    let example = std::fs::read_to_string(".env.example").expect("the example");
    assert!(example == declared, "run: UPDATE=1 cargo test --test doors the_example_of_settings");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join(".env"), &example).expect("written");
    let output = run(folder.path(), &["check"], &[]);
    assert!(output.status.success(), "{}", text(&output));
    let help = text(&run(folder.path(), &["--help"], &[]));
    for known in latchkey::settings::Settings::known() {
        assert!(text(&output).contains(&format!("{} = ", known.name)), "{}", known.name);
        assert!(help.contains(known.name), "{}", known.name);
    }
}

#[test]
fn migrations_go_up_and_down_and_are_listed() {
    let folder = tempfile::tempdir().expect("a folder");
    let migrate = |command: &str| {
        let output = run(folder.path(), &["migrate", command], &[]);
        assert!(output.status.success(), "{}", text(&output));
        text(&output)
    };
    let list = migrate("list");
    let names: Vec<&str> = list.lines().filter_map(|line| line.strip_prefix("pending  ")).collect();
    assert_eq!((names.first(), names.len()), (Some(&"0001 accounts"), migrations()));
    assert!(!folder.path().join("data").exists(), "a list makes nothing");
    let all = format!("Applied {} migrations", names.len());
    assert!(migrate("up").contains(&all));
    assert!(migrate("up").contains("Nothing to apply"));
    assert!(migrate("list").contains("applied  0001 accounts"));
    for name in names.iter().rev() {
        assert!(migrate("down").contains(&format!("Reverted {name}")));
    }
    assert!(migrate("down").contains("Nothing to revert"));
    assert!(migrate("up").contains(&all));
}

/// How many migrations there are.
fn migrations() -> usize {
    let files = std::fs::read_dir("migrations").expect("the folder");
    let names = files.map(|file| file.expect("a file").file_name().into_string().expect("text"));
    names.filter(|name| name.ends_with(".up.sql")).count()
}

#[test]
fn a_new_migration_is_an_empty_pair() {
    let folder = tempfile::tempdir().expect("a folder");
    for bad in ["", "../x", "Add Email", "a/b"] {
        assert!(!run(folder.path(), &["migrate", "create", bad], &[]).status.success(), "{bad}");
    }
    assert!(run(folder.path(), &["migrate", "create", "add_email"], &[]).status.success());
    assert!(run(folder.path(), &["migrate", "create", "add_phone"], &[]).status.success());
    let next = migrations() + 1;
    for (number, file) in
        [(next, "add_email.up"), (next, "add_email.down"), (next + 1, "add_phone.up")]
    {
        let file = format!("{number:04}_{file}.sql");
        assert!(folder.path().join("migrations").join(&file).exists(), "{file}");
    }
}

#[test]
fn a_database_that_cannot_be_used_stops_the_start_with_a_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("broken.db"), "this is no database, however long it goes on")
        .expect("written");
    std::fs::create_dir(folder.path().join("folder.db")).expect("a folder");
    for database in ["sqlite:broken.db", "sqlite:folder.db", "sqlite:/proc/nowhere/x.db"] {
        let output = run(folder.path(), &["serve"], &[("DATABASE_URL", database), ("PORT", "0")]);
        assert_eq!(output.status.code(), Some(1), "{database}");
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(errors.lines().any(|line| line.starts_with("latchkey: ")), "{errors}");
        assert!(!errors.contains("panicked"), "{errors}");
    }
}

#[test]
fn help_is_there_for_every_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let help = text(&run(folder.path(), &["--help"], &[]));
    for word in ["serve", "migrate", "check", "DATABASE_URL", "Usage:"] {
        assert!(help.contains(word), "{help}");
    }
    assert!(text(&run(folder.path(), &["help", "migrate"], &[])).contains("create"));
    assert!(text(&run(folder.path(), &["--version"], &[])).contains(env!("CARGO_PKG_VERSION")));
    assert!(!run(folder.path(), &["nonsense"], &[]).status.success());
}

#[test]
fn a_file_of_settings_may_begin_with_a_byte_order_mark_and_an_empty_one_is_not_set() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join(".env"), "\u{feff}PORT=4001\nMETRICS_ADDR=\n")
        .expect("written");
    let settings = [("JWT_SECRET_PREVIOUS", ""), ("TRUSTED_PROXIES", ""), ("PUBLIC_URL", "")];
    let output = run(folder.path(), &["check"], &settings);
    assert!(output.status.success(), "{}", text(&output));
    let told = text(&output);
    assert!(
        told.contains("PORT = 4001") && told.contains("PUBLIC_URL = http://localhost:4001"),
        "{told}"
    );
}

#[tokio::test]
async fn a_port_that_is_taken_leaves_the_database_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let output = run(folder.path(), &["serve"], &[("PORT", &port)]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("HOST and PORT: cannot listen"), "{}", text(&output));
    assert!(!folder.path().join("data").exists(), "nothing was made");
}

#[tokio::test]
async fn a_server_that_waits_for_another_process_says_so_and_ends_when_it_is_told_to() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("data")).expect("a folder");
    let lock = fs::File::create(folder.path().join("data/latchkey.lock")).expect("a file");
    lock.lock().expect("locked");
    let mut child = Served::spawn(folder.path(), &[]);
    let log = folder.path().join("log");
    eventually(async || {
        let log = std::fs::read_to_string(&log).unwrap_or_default();
        log.contains("waiting for another process that holds data/latchkey.lock")
    })
    .await;
    let kill = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(kill.expect("kill ran").success());
    assert_eq!(child.wait().expect("it ended").code(), Some(0));
    drop(lock);
    assert_eq!(sign_up(&Served::start(folder.path(), &[]).url, "alice").await, StatusCode::OK);
}

/// As a user without write permission there.
fn as_nobody(folder: &Path, arguments: &[&str]) -> Output {
    let is_root = Command::new("id").arg("-u").output().expect("id ran").stdout == b"0\n";
    let mut command = if is_root {
        let mut command = Command::new("runuser");
        command.args(["-u", "nobody", "--", env!("CARGO_BIN_EXE_latchkey")]);
        command
    } else {
        Command::new(env!("CARGO_BIN_EXE_latchkey"))
    };
    command.args(arguments).current_dir(folder).env("PORT", "0").output().expect("it ran")
}

#[test]
fn a_folder_that_may_not_be_written_to_says_whose_it_is_and_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).expect("set");
    let output = as_nobody(folder.path(), &["serve"]);
    assert!(!output.status.success());
    let told = text(&output);
    assert!(told.contains("belongs to user") && told.contains("chown"), "{told}");
    std::fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("set");
}

#[test]
fn an_import_needs_no_folder_for_temporary_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let people: Vec<String> = (0..1000)
        .map(|index| {
            let name = format!("person{index}");
            json!({"username": name, "fullName": "P", "passwordHash": BCRYPT}).to_string()
        })
        .collect();
    std::fs::write(folder.path().join("people"), people.join("\n")).expect("written");
    let nowhere = [("TMPDIR", "/proc/nowhere"), ("SQLITE_TMPDIR", "/proc/nowhere")];
    let output = run(folder.path(), &["import", "people"], &nowhere);
    assert!(output.status.success(), "{}", text(&output));
    assert!(text(&output).contains("Accounts added: 1000."), "{}", text(&output));
}

const BCRYPT: &str = "$2b$10$24d..m51fODhn2omaj1zb.ccIUOsurqqQaX4KNCaiCtYX9ANUlyDG";

#[tokio::test]
async fn a_migration_is_reverted_only_if_nobody_serves_and_what_would_be_lost_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let served = Served::start(folder.path(), &[]);
    assert_eq!(sign_up(&served.url, "alice").await, StatusCode::OK);
    assert_eq!(sign_in(&served.url, "alice").await, StatusCode::OK);
    let down = |arguments: &[&str]| {
        let mut all = vec!["migrate", "down"];
        all.extend(arguments);
        let output = run(folder.path(), &all, &[]);
        (output.status.success(), text(&output))
    };
    for arguments in [&[][..], &["--yes"]] {
        let (done, told) = down(arguments);
        assert!(!done && told.contains("a server is using this database"), "{told}");
    }
    assert_eq!(sign_in(&served.url, "alice").await, StatusCode::OK, "it goes on");
    served.signal("-TERM");
    assert_eq!(served.exit(), 0);
    for _ in 5..migrations() {
        assert!(down(&["--yes"]).0);
    }
    // Passwords and links are moved, not lost.
    let (done, told) = down(&[]);
    assert!(!done && told.contains("column sessions.proved_by (2 rows)"), "{told}");
    assert!(!told.contains("passwords") && !told.contains("links"), "{told}");
    let (done, told) = down(&["--yes"]);
    assert!(done && told.contains("Reverted 0005"), "{told}");
    let (done, told) = down(&[]);
    assert!(!done && told.contains("column sessions.family (2 rows)"), "{told}");
    assert!(told.contains("--yes to confirm"), "{told}");
    let (done, told) = down(&["--yes"]);
    assert!(done && told.contains("Reverted 0004"), "{told}");
    // Next is the audit trail, and no option deletes it.
    for arguments in [&[][..], &["--yes"]] {
        let (done, told) = down(arguments);
        assert!(!done && told.contains("would delete the audit trail"), "{told}");
    }
    let served = Served::start(folder.path(), &[]);
    assert_eq!(sign_in(&served.url, "alice").await, StatusCode::OK, "up again");
    let verified = text(&run(folder.path(), &["audit", "verify"], &[]));
    assert!(verified.contains("rows are as they were written"), "{verified}");
}
