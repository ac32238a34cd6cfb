//! Behind a reverse proxy that terminates TLS: the configurations in `deploy`, with real proxies
//! and two nodes, one of which is killed under load.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use reqwest::{Certificate, Client, StatusCode, header, redirect};
use serde_json::json;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};

use crate::{
    ports::free_port,
    postgres,
    support::{PASSWORD, SECRET, cookie, eventually},
};

const NAME: &str = "accounts.example.org";

/// How many clients read without pause, and how many sign up.
const READERS: usize = 12;
const WRITERS: usize = 4;

#[derive(Clone, Copy)]
enum Proxy {
    Nginx,
    HaProxy,
}

/// A node: a separate process, so that it can be killed.
struct Node(Child);

impl Node {
    fn start(folder: &Path, port: u16, public_url: &str, database_url: &str) -> Self {
        let log = folder.join(format!("log-{port}"));
        let log = fs::File::options().create(true).append(true).open(log);
        let mut child = Command::new(env!("CARGO_BIN_EXE_latchkey"))
            .current_dir(folder)
            .env_clear()
            .envs([("PUBLIC_URL", public_url), ("DATABASE_URL", database_url)])
            .envs([("JWT_SECRET", SECRET), ("TRUSTED_PROXIES", "127.0.0.1")])
            .env("THROTTLE", "off")
            .env("PORT", port.to_string())
            .stdout(Stdio::piped())
            .stderr(log.expect("a file"))
            .spawn()
            .expect("started");
        let mut line = String::new();
        let output = child.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("a line");
        assert!(line.contains(&port.to_string()), "it listens: {line}");
        Self(child)
    }
}

impl Drop for Node {
    /// `SIGKILL`: in the middle of whatever it does.
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// A program that ends when this is dropped, or when the test process ends.
struct Kept(Child);

impl Kept {
    fn start(command: &str) -> Self {
        let keeper = format!("{command} & kept=$!; cat; kill -TERM $kept; wait $kept");
        let child = Command::new("sh").args(["-c", &keeper]).stdin(Stdio::piped()).spawn();
        Self(child.expect("sh ran"))
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        _ = self.0.wait();
    }
}

/// A port that nobody listens on.
struct Site {
    folder: TempDir,
    database_url: String,
    public_url: String,
    ports: [u16; 2],
    tls: u16,
    certificate: String,
    client: Client,
    _proxy: Kept,
}

impl Site {
    async fn start(proxy: Proxy) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (tls, plain) = (free_port(), free_port());
        let ports = [free_port(), free_port()];
        let identity =
            rcgen::generate_simple_self_signed([NAME.to_owned()]).expect("a certificate");
        let (certificate, key) = (identity.cert.pem(), identity.signing_key.serialize_pem());
        for (file, text) in [
            ("cert.pem", &certificate),
            ("key.pem", &key),
            ("haproxy.pem", &format!("{certificate}{key}")),
        ] {
            fs::write(folder.path().join(file), text).expect("written");
        }
        let root = Certificate::from_pem(certificate.as_bytes()).expect("a certificate");
        let client = Client::builder()
            .tls_certs_only([root])
            // A different address from the proxy's.
            .local_address(Some([127, 0, 0, 2].into()))
            .resolve(NAME, SocketAddr::from(([127, 0, 0, 1], tls)))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .expect("a client");
        Self {
            database_url: postgres::new_database().await,
            public_url: format!("https://{NAME}:{tls}"),
            ports,
            tls,
            certificate,
            client,
            _proxy: proxy.start(folder.path(), tls, plain, ports),
            folder,
        }
    }

    fn node(&self, index: usize) -> Node {
        Node::start(self.folder.path(), self.ports[index], &self.public_url, &self.database_url)
    }

    fn log(&self, index: usize) -> String {
        let file = format!("log-{}", self.ports[index]);
        fs::read_to_string(self.folder.path().join(file)).expect("the log")
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.public_url)
    }

    async fn post(&self, path: &str, body: &serde_json::Value) -> reqwest::Result<StatusCode> {
        let request = self.client.post(self.url(path)).json(body);
        request.send().await.map(|response| response.status())
    }

    async fn sign_up(&self, username: &str) -> reqwest::Result<StatusCode> {
        let body = json!({"username": username, "password": PASSWORD, "fullName": "Test Person"});
        self.post("/auth/signup", &body).await
    }

    /// Sends raw bytes through TLS, and returns everything that comes back.
    async fn raw(&self, bytes: &str) -> String {
        let mut roots = RootCertStore::empty();
        let certificate = CertificateDer::from_pem_slice(self.certificate.as_bytes());
        roots.add(certificate.expect("a certificate")).expect("an authority");
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let connector = TlsConnector::from(Arc::new(config));
        let stream = TcpStream::connect(("127.0.0.1", self.tls)).await.expect("a connection");
        let name = ServerName::try_from(NAME).expect("a name");
        let mut stream = connector.connect(name, stream).await.expect("TLS");
        stream.write_all(bytes.as_bytes()).await.expect("sent");
        let mut answer = Vec::new();
        // A refused client may be disconnected without a TLS close.
        _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    async fn is_ready(&self) -> bool {
        let response = self.client.get(self.url("/readyz")).send().await;
        response.is_ok_and(|response| response.status() == StatusCode::OK)
    }
}

impl Proxy {
    /// Starts it with the configuration from `deploy`, with the addresses and files replaced.
    fn start(self, folder: &Path, tls: u16, plain: u16, nodes: [u16; 2]) -> Kept {
        let here = |name: &str| folder.join(name).display().to_string();
        let mut changes = vec![
            ("127.0.0.1:3001".to_owned(), format!("127.0.0.1:{}", nodes[0])),
            ("127.0.0.1:3002".to_owned(), format!("127.0.0.1:{}", nodes[1])),
            ("/etc/latchkey/tls/".to_owned(), here("")),
        ];
        let (file, command) = match self {
            Self::Nginx => {
                fs::create_dir(folder.join("lib")).expect("a folder");
                changes.extend([
                    ("listen 80;".to_owned(), format!("listen 127.0.0.1:{plain};")),
                    ("listen 443 ".to_owned(), format!("listen 127.0.0.1:{tls} ")),
                    ("/run/nginx.pid".to_owned(), here("nginx.pid")),
                    ("/var/log/nginx/".to_owned(), here("")),
                    ("/var/lib/nginx/".to_owned(), here("lib/")),
                ]);
                ("nginx.conf", "exec nginx -g 'daemon off;' -c")
            }
            Self::HaProxy => {
                changes.extend([
                    ("bind :80\n".to_owned(), format!("bind 127.0.0.1:{plain}\n")),
                    ("bind :443 ".to_owned(), format!("bind 127.0.0.1:{tls} ")),
                    ("abns@latchkey".to_owned(), format!("abns@latchkey-{tls}")),
                ]);
                ("haproxy.cfg", "exec haproxy -db -f")
            }
        };
        let text = fs::read_to_string(Path::new("deploy").join(file)).expect("the configuration");
        let text = changes.iter().fold(text, |text, (old, new)| {
            assert!(text.contains(old), "{file} has {old}");
            text.replace(old, new)
        });
        let is_root = Command::new("id").arg("-u").output().expect("id ran").stdout == b"0\n";
        // Directives that need root.
        let of_root = ["chroot ", "user ", "group "];
        let kept = |line: &&str| is_root || !of_root.iter().any(|l| line.trim().starts_with(l));
        let text: String = text.lines().filter(kept).map(|line| format!("{line}\n")).collect();
        fs::write(folder.join(file), text).expect("written");
        let log = here("proxy.log");
        Kept::start(&format!("PATH=$PATH:/usr/sbin; ({command} {}) >{log} 2>&1", here(file)))
    }
}

async fn a_killed_node_costs_only_what_it_had_in_hand(proxy: Proxy) {
    let site = Site::start(proxy).await;
    let (first, second) = (site.node(0), site.node(1));
    let sign_ups = |node: usize| site.log(node).matches("/auth/signup").count();
    // The proxy uses a node only after a successful health check.
    eventually(async || {
        _ = site.post("/auth/signup", &json!({})).await;
        sign_ups(0) > 0 && sign_ups(1) > 0
    })
    .await;
    let before = sign_ups(0);

    assert_eq!(site.sign_up("alice").await.expect("an answer"), StatusCode::OK);
    let body = json!({"username": "alice", "password": PASSWORD});
    let answer = site.client.post(site.url("/auth/signin")).json(&body).send().await;
    let answer: serde_json::Value = answer.expect("an answer").json().await.expect("JSON");
    let bearer = format!("Bearer {}", answer["accessToken"].as_str().expect("a token"));

    let (over, read, written) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    let reader = async || {
        let mut failures = Vec::new();
        while !over.load(Ordering::Relaxed) {
            let request = site.client.get(site.url("/user/profile"));
            match request.header(header::AUTHORIZATION, &bearer).send().await {
                Ok(response) if response.status() == StatusCode::OK => {
                    read.fetch_add(1, Ordering::Relaxed);
                }
                other => failures.push(format!("{other:?}")),
            }
        }
        failures
    };
    let writer = async |index: usize| {
        let (mut answered, mut failed) = (Vec::new(), Vec::new());
        while !over.load(Ordering::Relaxed) {
            let name = format!("w{index}n{}", answered.len() + failed.len());
            match site.sign_up(&name).await {
                Ok(StatusCode::OK) => {
                    written.fetch_add(1, Ordering::Relaxed);
                    answered.push(name);
                }
                _ => failed.push(name),
            }
        }
        (answered, failed)
    };
    let more = async |reads: usize, writes: usize| {
        let (read_before, written_before) =
            (read.load(Ordering::Relaxed), written.load(Ordering::Relaxed));
        eventually(async || {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            read.load(Ordering::Relaxed) >= read_before + reads
                && written.load(Ordering::Relaxed) >= written_before + writes
        })
        .await;
    };
    let attack = async {
        more(200, 10).await;
        assert!(sign_ups(0) > before, "the node that is killed has work");
        drop(first);
        more(200, 10).await;
        over.store(true, Ordering::Relaxed);
    };
    let readers = futures_util::future::join_all((0..READERS).map(|_| reader()));
    let writers = futures_util::future::join_all((0..WRITERS).map(writer));
    let ((), failed_reads, writes) = tokio::join!(attack, readers, writers);

    assert!(failed_reads.concat().is_empty(), "{failed_reads:?}");
    let failed: Vec<&String> = writes.iter().flat_map(|(_, failed)| failed).collect();
    assert!(failed.len() <= WRITERS, "only what was in its hands: {failed:?}");
    // Answered writes are there, and unanswered ones were done once or not at all.
    for name in writes.iter().flat_map(|(answered, _)| answered) {
        let again = site.sign_up(name).await.expect("an answer");
        assert_eq!(again, StatusCode::BAD_REQUEST, "{name} is there");
    }
    for name in failed {
        let again = site.sign_up(name).await.expect("an answer");
        assert!([StatusCode::OK, StatusCode::BAD_REQUEST].contains(&again), "{name}: {again}");
        let and_again = site.sign_up(name).await.expect("an answer");
        assert_eq!(and_again, StatusCode::BAD_REQUEST, "{name} is there, once");
    }

    // It comes back, and takes over when the other node goes down.
    let _first = site.node(0);
    drop(second);
    eventually(async || site.is_ready().await).await;
}

#[tokio::test]
async fn behind_nginx_a_killed_node_costs_only_what_it_had_in_hand() {
    a_killed_node_costs_only_what_it_had_in_hand(Proxy::Nginx).await;
}

#[tokio::test]
async fn behind_haproxy_a_killed_node_costs_only_what_it_had_in_hand() {
    a_killed_node_costs_only_what_it_had_in_hand(Proxy::HaProxy).await;
}

/// Everything that depends on correct headers from the proxy: the cookie's name, HSTS, the origin,
/// the client's address, and the limits.
async fn a_browser_is_served_as_if_there_were_no_proxy(proxy: Proxy) {
    let site = Site::start(proxy).await;
    let _node = site.node(0);
    eventually(async || site.is_ready().await).await;
    assert_eq!(site.sign_up("alice").await.expect("an answer"), StatusCode::OK);

    let page = site.client.get(site.url("/signin")).send().await.expect("the page");
    assert!(page.headers().contains_key(header::STRICT_TRANSPORT_SECURITY));
    let visitor = cookie(&page, "__Host-latchkey-visitor").expect("a cookie");
    let text = page.text().await.expect("text");
    let (_, token) = text.split_once("name=\"form_token\" value=\"").expect("a token");
    let token = token.split('"').next().expect("its end");
    let sign_in = async |origin: &str| {
        let form = [("username", "alice"), ("password", PASSWORD), ("form_token", token)];
        let request = site.client.post(site.url("/api/sign_in")).form(&form);
        let cookies = format!("__Host-latchkey-visitor={visitor}");
        request
            .header(header::COOKIE, cookies)
            .header(header::ORIGIN, origin)
            .header("x-forwarded-for", "192.0.2.66")
            .send()
            .await
            .expect("an answer")
    };
    let refused = sign_in("https://evil.example.org").await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let accepted = sign_in(&site.public_url).await;
    assert_eq!(accepted.status(), StatusCode::SEE_OTHER);
    assert!(cookie(&accepted, "__Host-latchkey").is_some());

    let large = json!({"username": "x".repeat(20_000)});
    let status = site.post("/auth/signup", &large).await.expect("an answer");
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);

    let log = site.log(0);
    assert!(log.contains("client=127.0.0.2"), "the address that the proxy saw");
    assert!(!log.contains("192.0.2.66"), "and not the one that the client made up");
}

#[tokio::test]
async fn behind_nginx_a_browser_is_served_as_if_there_were_no_proxy() {
    a_browser_is_served_as_if_there_were_no_proxy(Proxy::Nginx).await;
}

#[tokio::test]
async fn behind_haproxy_a_browser_is_served_as_if_there_were_no_proxy() {
    a_browser_is_served_as_if_there_were_no_proxy(Proxy::HaProxy).await;
}

/// Requests that the proxy and the node could read differently: a second request is never answered
/// (AP-08).
async fn no_request_is_smuggled_past(proxy: Proxy) {
    let site = Site::start(proxy).await;
    let _node = site.node(0);
    eventually(async || site.is_ready().await).await;
    let host = site.public_url.trim_start_matches("https://");
    let head = format!(
        "POST /auth/signin HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
         Connection: close\r\n"
    );
    let hidden = format!("GET /user/smuggled HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let length = hidden.len() + 5;
    for (what, rest) in [
        (
            "length and chunks",
            format!(
                "Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"
            ),
        ),
        (
            "chunks and length",
            format!(
                "Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n\r\n0\r\n\r\n{hidden}"
            ),
        ),
        ("two lengths", format!("Content-Length: 0\r\nContent-Length: {length}\r\n\r\n{hidden}")),
        (
            "a coding with a tab",
            format!(
                "Transfer-Encoding:\tchunked\r\nContent-Length: {length}\r\n\r\n0\r\n\r\n{hidden}"
            ),
        ),
        (
            "two codings",
            format!(
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n{hidden}"
            ),
        ),
        (
            "a folded coding",
            format!("Transfer-Encoding:\r\n chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n{hidden}"),
        ),
        (
            "bare line feeds",
            format!(
                "X: a\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n{hidden}"
            ),
        ),
        ("a space before the colon", format!("Content-Length : {length}\r\n\r\n{hidden}")),
        (
            "a chunk extension with a line feed",
            format!("Transfer-Encoding: chunked\r\n\r\n0;\n{hidden}\r\n\r\n"),
        ),
    ] {
        let answer = site.raw(&format!("{head}{rest}")).await;
        assert!(answer.matches("HTTP/1.1 ").count() <= 1, "{what}: {answer}");
        assert!(!answer.starts_with("HTTP/1.1 2"), "{what}: {answer}");
        assert!(site.is_ready().await, "{what}: the next one is served as ever");
    }
    // A smuggled request would match no route, and nothing else here sends such a request.
    assert!(!site.log(0).contains("route=\"(none)\""), "{}", site.log(0));
}

#[tokio::test]
async fn no_request_is_smuggled_past_nginx() {
    no_request_is_smuggled_past(Proxy::Nginx).await;
}

#[tokio::test]
async fn no_request_is_smuggled_past_haproxy() {
    no_request_is_smuggled_past(Proxy::HaProxy).await;
}
