//! The database goes away and comes back.

use std::time::{Duration, Instant};

use reqwest::{StatusCode, header};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, UnixStream},
    sync::watch,
};

use crate::{postgres, support::*};

/// The connection between a node and its database.
struct Wire {
    url: String,
    state: watch::Sender<State>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Whole,
    /// Connections break, and none is accepted.
    Broken,
    /// Nothing gets through, and there is no error.
    Silent,
}

impl Wire {
    /// To a new database.
    async fn new() -> Self {
        let behind = postgres::new_database().await;
        let rest = behind.strip_prefix("postgres://latchkey@").expect("a URL");
        let (folder, name) = rest.split_once('/').expect("a name");
        let socket = format!("{}/.s.PGSQL.5432", folder.replace("%2F", "/"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (state, seen) = watch::channel(State::Whole);
        tokio::spawn(async move {
            loop {
                let (mut near, _) = listener.accept().await.expect("a connection");
                let (mut seen, socket) = (seen.clone(), socket.clone());
                tokio::spawn(async move {
                    let pass = async {
                        let mut far = UnixStream::connect(&socket).await?;
                        copy_bidirectional(&mut near, &mut far).await
                    };
                    let mut pass = Box::pin(pass);
                    loop {
                        let state = *seen.borrow_and_update();
                        match state {
                            State::Whole => tokio::select! {
                                _ = &mut pass => return,
                                _ = seen.changed() => {}
                            },
                            State::Broken => return,
                            State::Silent => _ = seen.changed().await,
                        }
                    }
                });
            }
        });
        let url = format!("postgres://latchkey@{address}/{name}?sslmode=disable");
        Self { url, state }
    }

    fn set(&self, state: State) {
        self.state.send_replace(state);
    }
}

async fn status(server: &TestServer, path: &str) -> StatusCode {
    program().get(server.url(path)).send().await.expect("an answer").status()
}

#[tokio::test]
async fn while_the_database_is_away_answers_are_503_at_once_and_it_recovers_by_itself() {
    for kind in [State::Broken, State::Silent] {
        let wire = Wire::new().await;
        let server = TestServer::start_with(&[("DATABASE_URL", &wire.url)]).await;
        server.sign_up_json("alice").await;
        let bearer = format!("Bearer {}", server.token("alice").await);
        assert_eq!(server.profile(&bearer).await.status(), StatusCode::OK);

        wire.set(kind);
        eventually(async || {
            let response = server.profile(&bearer).await;
            match response.status() {
                StatusCode::OK => false,
                StatusCode::SERVICE_UNAVAILABLE => {
                    assert!(response.headers().contains_key(header::RETRY_AFTER));
                    true
                }
                other => panic!("{other}"),
            }
        })
        .await;
        assert_eq!(status(&server, "/readyz").await, StatusCode::SERVICE_UNAVAILABLE);
        // The outage is now known, and no request waits.
        let body = serde_json::json!({"username": "alice", "password": PASSWORD});
        let store = &server.running.state.store;
        let (outages, refused) = store.outages();
        for _ in 0..20 {
            let response = server.post_json("/auth/signin", &body).await;
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(server.profile(&bearer).await.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(status(&server, "/healthz").await, StatusCode::OK);
        }
        // It is one outage, and every request was refused without trying the database.
        let (still, now) = store.outages();
        assert!(outages == 1 && still == 1 && now >= refused + 40, "{still} {refused} {now}");

        wire.set(State::Whole);
        eventually(async || status(&server, "/readyz").await == StatusCode::OK).await;
        assert_eq!(server.profile(&bearer).await.status(), StatusCode::OK);
        server.sign_up_json("bob").await;
    }
}

#[tokio::test]
async fn a_node_that_was_cut_off_lets_no_dead_token_pass() {
    for kind in [State::Broken, State::Silent] {
        let wire = Wire::new().await;
        let cut_off = TestServer::start_with(&[("DATABASE_URL", &wire.url), NODES_URL]).await;
        cut_off.sign_up_json("alice").await;
        let bearer = format!("Bearer {}", cut_off.token("alice").await);
        assert_eq!(cut_off.profile(&bearer).await.status(), StatusCode::OK);
        wire.set(kind);
        // Another node ends the session: the database itself is up.
        let direct = wire.url.clone();
        let name = direct.rsplit('/').next().and_then(|rest| rest.split('?').next());
        let other = postgres::url_of(name.expect("a name")).await;
        let other = TestServer::start_with(&[("DATABASE_URL", &other), NODES_URL]).await;
        let request = program().post(other.url("/auth/signout"));
        let response = request.header(header::AUTHORIZATION, &bearer).send().await;
        assert_eq!(response.expect("an answer").status(), StatusCode::NO_CONTENT);
        let ended = Instant::now();
        eventually(async || {
            let asked = ended.elapsed();
            let status = cut_off.profile(&bearer).await.status();
            assert!(status != StatusCode::OK || asked < Duration::from_secs(1), "{asked:?}");
            status != StatusCode::OK
        })
        .await;
        wire.set(State::Whole);
        eventually(async || {
            let status = cut_off.profile(&bearer).await.status();
            assert_ne!(status, StatusCode::OK);
            status == StatusCode::UNAUTHORIZED
        })
        .await;
    }
}
