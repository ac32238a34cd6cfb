//! PostgreSQL as found in practice: limits, poolers, sockets, several hosts, missing privileges,
//! encodings.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use latchkey::store::{SetUpLock, Store, settings::Database};
use reqwest::{StatusCode, header};
use serde_json::json;

use crate::{ports::free_port, postgres, support::*};

/// Runs statements as the database's owner.
async fn sql(url: &str, statements: &[&str]) {
    let db = TestServer::db_at(url).await;
    for statement in statements {
        let statement = sqlx::AssertSqlSafe((*statement).to_owned());
        sqlx::query(statement).execute(&db).await.expect("done");
    }
    db.close().await;
}

/// The folder of the server's socket, and the name of the database.
fn parts(url: &str) -> (String, String) {
    let rest = url.strip_prefix("postgres://latchkey@").expect("a URL");
    let (folder, name) = rest.split_once('/').expect("a name");
    (folder.replace("%2F", "/"), name.to_owned())
}

async fn refused(url: &str) -> String {
    let database = Database::parse(url).expect("a URL");
    let lock = SetUpLock::wait(&database).await.expect("the lock");
    let opened = async {
        let store = Store::open(&database, 4, &lock).await?;
        store.migrate_up().await
    };
    opened.await.expect_err("it is refused").to_string()
}

#[tokio::test]
async fn a_limit_of_connections_is_no_outage() {
    let url = postgres::new_database().await;
    let (folder, name) = parts(&url);
    let role = format!("limited_{name}");
    sql(
        &url,
        &[
            &format!("CREATE ROLE {role} LOGIN CONNECTION LIMIT 5"),
            &format!("ALTER DATABASE {name} OWNER TO {role}"),
            &format!("ALTER SCHEMA public OWNER TO {role}"),
        ],
    )
    .await;
    let url = format!("postgres://{role}@/{name}?host={folder}");
    let settings = [("DATABASE_URL", &*url), ("THROTTLE", "off")];
    let server = TestServer::start_with(&settings).await;
    server.sign_up_json("alice").await;
    // Each needs the database, because none of them is cached.
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..24 {
        let ask = program().get(server.url("/readyz"));
        let body =
            json!({"username": format!("person{client}"), "password": PASSWORD, "fullName": "P"});
        let sign_up = program().post(server.url("/auth/signup")).json(&body);
        clients.spawn(async move {
            let mut statuses = vec![sign_up.send().await.expect("an answer").status()];
            for _ in 0..20 {
                let ask = ask.try_clone().expect("a request");
                statuses.push(ask.send().await.expect("an answer").status());
            }
            statuses
        });
    }
    let statuses: Vec<StatusCode> = clients.join_all().await.into_iter().flatten().collect();
    let failed = statuses.iter().filter(|status| **status != StatusCode::OK).count();
    assert_eq!(failed, 0, "of {}", statuses.len());
}

#[tokio::test]
async fn a_node_opens_no_more_connections_than_it_is_told() {
    let url = postgres::new_database().await;
    let settings = [("DATABASE_URL", &*url), ("DATABASE_CONNECTIONS", "3"), ("THROTTLE", "off")];
    let server = TestServer::start_with(&settings).await;
    server.sign_up_json("alice").await;
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let ask = program().get(server.url("/readyz"));
        clients.spawn(async move {
            for _ in 0..20 {
                let ask = ask.try_clone().expect("a request");
                assert_eq!(ask.send().await.expect("an answer").status(), StatusCode::OK);
            }
        });
    }
    let count = "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'latchkey' \
                 AND datname = current_database()";
    let mut most = 0;
    while !clients.is_empty() {
        most = most.max(server.db_count(count).await);
        while clients.try_join_next().is_some() {}
    }
    assert!((1..=3).contains(&most), "{most}");
}

#[tokio::test]
async fn a_connection_that_ends_is_no_outage() {
    let server = TestServer::start().await;
    server.sign_up_json("alice").await;
    let bearer = format!("Bearer {}", server.token("alice").await);
    let end = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity \
               WHERE application_name = 'latchkey' AND datname = current_database()";
    for _ in 0..5 {
        // Until the next poll, there may be no connection to end.
        eventually(async || {
            assert_eq!(server.profile(&bearer).await.status(), StatusCode::OK);
            server.db_count(end).await > 0
        })
        .await;
    }
    assert_eq!(server.running.state.store.outages(), (0, 0));
}

#[tokio::test]
async fn a_socket_by_its_folder_and_several_hosts_are_read() {
    let url = postgres::new_database().await;
    let (folder, name) = parts(&url);
    let dead = "127.0.0.1:1";
    for url in [
        format!("postgres://latchkey:ignored@/{name}?host={folder}"),
        format!("postgres://latchkey@{}/{name}", folder.replace('/', "%2F")),
        format!("postgres://latchkey@{dead},{}/{name}", folder.replace('/', "%2F")),
        format!(
            "postgres://latchkey@/{name}?host=127.0.0.1,{folder}&port=1,5432&target_session_attrs=read-write"
        ),
    ] {
        let server = TestServer::start_with(&[("DATABASE_URL", &url)]).await;
        let response = program().get(server.url("/readyz")).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK, "{url}");
        server.running.stop().await;
    }
    // Of several servers, one that refuses writes is skipped.
    sql(&url, &[&format!("ALTER DATABASE {name} SET default_transaction_read_only = on")]).await;
    let url = format!("postgres://latchkey@/{name}?host={folder}&target_session_attrs=read-write");
    assert!(refused(&url).await.contains("takes no writes"));
}

#[tokio::test]
async fn what_is_wrong_with_a_database_is_told_with_what_to_do() {
    let url = postgres::new_database().await;
    let (folder, name) = parts(&url);
    let role = format!("poor_{name}");
    sql(
        &url,
        &[
            &format!("CREATE ROLE {role} LOGIN"),
            &format!("GRANT CONNECT ON DATABASE {name} TO {role}"),
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        ],
    )
    .await;
    let told = refused(&format!("postgres://{role}@/{name}?host={folder}")).await;
    assert!(told.contains("GRANT USAGE, CREATE ON SCHEMA public TO"), "{told}");
    let latin = format!("latin_{name}");
    let create = format!("CREATE DATABASE {latin} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    sql(&url, &[&create]).await;
    let told = refused(&format!("postgres://latchkey@/{latin}?host={folder}")).await;
    assert!(told.contains("LATIN1") && told.contains("UTF8"), "{told}");
    let told = refused(&format!("postgres://latchkey@/nowhere_{name}?host={folder}")).await;
    assert!(told.contains("CREATE DATABASE"), "{told}");
}

/// Debian's PgBouncer in front of the private server.
struct PgBouncer {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl PgBouncer {
    fn start(socket: &str, mode: &str) -> Self {
        let folder = tempfile::tempdir_in("/tmp").expect("a folder");
        let port = free_port();
        let settings = format!(
            "[databases]\n* = host={socket}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nauth_type = any\npool_mode = {mode}\nunix_socket_dir =\n\
             default_pool_size = 40\nmax_client_conn = 200\n"
        );
        let file = folder.path().join("pgbouncer.ini");
        // Every client is mapped to the only user.
        let settings = settings.replace("* = host=", "* = user=latchkey host=");
        fs::write(&file, settings).expect("written");
        let child = run_as_postgres(&["pgbouncer", &file.display().to_string()], folder.path());
        let started = Self { child, port, _folder: folder };
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(Duration::from_millis(20));
        }
        started
    }
}

/// Like PostgreSQL, it does not run as root.
fn run_as_postgres(command: &[&str], folder: &Path) -> Child {
    let is_root = Command::new("id").arg("-u").output().expect("id ran").stdout == b"0\n";
    let mut run = Command::new("sh");
    run.args(["-c", "PATH=$PATH:/usr/sbin; exec \"$@\"", "sh"]);
    if is_root {
        let owned: Output =
            Command::new("chown").arg("-R").arg("postgres").arg(folder).output().expect("ran");
        assert!(owned.status.success());
        run.args(["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]);
    }
    run.args(command).stdout(Stdio::null()).stderr(Stdio::null());
    run.spawn().expect("these tests need pgbouncer: apt-get install pgbouncer")
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pgbouncer_is_taken_in_session_mode_and_refused_with_a_reason_in_transaction_mode() {
    let url = postgres::new_database().await;
    let (folder, name) = parts(&url);
    let (bouncers, socket) = (["session", "transaction"], folder.clone());
    let [session, transaction] =
        tokio::task::spawn_blocking(move || bouncers.map(|mode| PgBouncer::start(&socket, mode)))
            .await
            .expect("started");
    let through = |bouncer: &PgBouncer| {
        format!("postgres://latchkey@127.0.0.1:{}/{name}?sslmode=disable", bouncer.port)
    };
    let url = through(&session);
    let server = TestServer::start_with(&[("DATABASE_URL", &url)]).await;
    server.sign_up_json("alice").await;
    let bearer = format!("Bearer {}", server.token("alice").await);
    let signed_out = program().post(server.url("/auth/signout"));
    let signed_out = signed_out.header(header::AUTHORIZATION, &bearer).send().await;
    assert_eq!(signed_out.expect("an answer").status(), StatusCode::NO_CONTENT);
    server.running.stop().await;
    for _ in 0..3 {
        let told = refused(&through(&transaction)).await;
        assert!(told.contains("pool_mode = session"), "{told}");
    }
}
