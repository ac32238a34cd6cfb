//! The snippets in `deploy/forward-auth`, each with the real proxy, and a client that forges every header.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use reqwest::{Client, StatusCode, Url, header, redirect};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

use crate::{
    app_support::*,
    openid::checked,
    ports::free_port,
    support::{Browser, PASSWORD, TestServer, eventually},
};

/// An app that answers with the head of each request. At `/socket` it sends back what comes, and at `/events`
/// it sends one event, and another when the test says so.
struct Echo {
    port: u16,
    requests: Arc<Mutex<usize>>,
    next_event: Arc<Notify>,
}

impl Echo {
    async fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let requests: Arc<Mutex<usize>> = Arc::default();
        let next_event: Arc<Notify> = Arc::default();
        let (count, next) = (requests.clone(), next_event.clone());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (count, next) = (count.clone(), next.clone());
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    let mut buffer = [0; 4096];
                    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                        match stream.read(&mut buffer).await {
                            Ok(read @ 1..) => head.extend_from_slice(&buffer[..read]),
                            _ => return,
                        }
                    }
                    *count.lock().expect("unpoisoned") += 1;
                    let text = String::from_utf8_lossy(&head).into_owned();
                    if text.starts_with("GET /socket ") {
                        let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                                    Connection: Upgrade\r\n\
                                    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
                        _ = stream.write_all(head.as_bytes()).await;
                        let (mut from, mut to) = stream.split();
                        _ = tokio::io::copy(&mut from, &mut to).await;
                        return;
                    }
                    if text.starts_with("GET /events ") {
                        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
                                    X-Accel-Buffering: no\r\nConnection: close\r\n\r\n";
                        _ = stream.write_all(head.as_bytes()).await;
                        _ = stream.write_all(b"data: one\n\n").await;
                        next.notified().await;
                        _ = stream.write_all(b"data: two\n\n").await;
                        return;
                    }
                    let answer = format!(
                        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
                        text.len()
                    );
                    _ = stream.write_all(answer.as_bytes()).await;
                });
            }
        });
        Self { port, requests, next_event }
    }
}

/// A proxy, which is stopped at the end.
struct Proxy {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

const KINDS: [&str; 4] = ["nginx", "caddy", "traefik", "haproxy"];

/// The snippet, with the addresses of this test.
fn snippet(file: &str, changes: &[(&str, &str)]) -> String {
    let mut text = fs::read_to_string(Path::new("deploy/forward-auth").join(file)).expect("a file");
    for (from, to) in changes {
        assert!(text.contains(from), "{file} has {from}");
        text = text.replace(from, to);
    }
    text
}

/// Where the proxies are: on the path, or where .ci/tools keeps them.
fn tools_path() -> String {
    #[expect(clippy::disallowed_methods, reason = "the tools of the tests, not settings")]
    let variable = |name| std::env::var(name).unwrap_or_default();
    let cache = match variable("XDG_CACHE_HOME") {
        unset if unset.is_empty() => format!("{}/.cache", variable("HOME")),
        cache => cache,
    };
    let kept = fs::read_dir(format!("{cache}/latchkey/tools")).into_iter().flatten().flatten();
    let kept = kept.map(|tool| tool.path().join("bin").display().to_string());
    let kept: Vec<String> = kept.filter(|bin| bin.contains("/proxies-")).collect();
    [variable("PATH"), "/usr/sbin".to_owned(), kept.join(":")].join(":")
}

async fn start(kind: &str, latchkey: u16, app: u16) -> Proxy {
    let port = free_port();
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (latchkey, app) = (format!("127.0.0.1:{latchkey}"), format!("127.0.0.1:{app}"));
    let common = [("127.0.0.1:3000", &*latchkey), ("127.0.0.1:8080", &*app)];
    let write =
        |name: &str, text: String| fs::write(folder.path().join(name), text).expect("written");
    let arguments: Vec<String> = match kind {
        "nginx" => {
            let listen = format!("listen 127.0.0.1:{port};");
            let site = snippet("nginx.conf", &[common[0], common[1], ("listen 80;", &listen)]);
            let temp = ["client_body", "proxy", "fastcgi", "scgi", "uwsgi"]
                .map(|name| format!("{name}_temp_path {};", at(name)))
                .join(" ");
            let main = format!(
                "daemon off; pid {}; error_log {}; events {{}} http {{ access_log off; {temp} {site} }}",
                at("pid"),
                at("error.log")
            );
            write("nginx.conf", main);
            vec!["-c".into(), at("nginx.conf"), "-e".into(), at("error.log"), "-p".into(), at("")]
        }
        "caddy" => {
            let site = format!("http://wiki.example.org:{port} {{");
            let text = snippet("Caddyfile", &[common[0], common[1], ("wiki.example.org {", &site)]);
            write("Caddyfile", format!("{{\n\tadmin off\n\tauto_https off\n}}\n{text}"));
            vec![
                "run".into(),
                "--config".into(),
                at("Caddyfile"),
                "--adapter".into(),
                "caddyfile".into(),
            ]
        }
        "traefik" => {
            write("dynamic.yaml", snippet("traefik.yaml", &common));
            write(
                "static.yaml",
                format!(
                    "entryPoints: {{web: {{address: '127.0.0.1:{port}'}}}}\n\
                     providers: {{file: {{filename: {}}}}}\nlog: {{level: ERROR}}\n\
                     global: {{checkNewVersion: false, sendAnonymousUsage: false}}\n",
                    at("dynamic.yaml")
                ),
            );
            vec![format!("--configFile={}", at("static.yaml"))]
        }
        _ => {
            let bind = format!("bind 127.0.0.1:{port}");
            let lua = at("latchkey.lua");
            write("latchkey.lua", snippet("latchkey.lua", &[]));
            let changes =
                [common[0], common[1], ("bind :80", &bind), ("/etc/haproxy/latchkey.lua", &lua)];
            write("haproxy.cfg", snippet("haproxy.cfg", &changes));
            vec!["-f".into(), at("haproxy.cfg")]
        }
    };
    let path = tools_path();
    let log = fs::File::create(folder.path().join("log")).expect("a file");
    let child = Command::new(kind)
        .args(&arguments)
        .env("PATH", path)
        .env("HOME", folder.path())
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a file"))
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| panic!("{kind}: {error}; make unit installs it"));
    let proxy = Proxy { child, port, _folder: folder };
    eventually(async || TcpStream::connect(("127.0.0.1", port)).await.is_ok()).await;
    proxy
}

/// A browser of its own for the app's host, where the proxy listens.
fn client(proxy: u16) -> Client {
    let address = ([127, 0, 0, 1], proxy).into();
    Client::builder()
        .redirect(redirect::Policy::none())
        .cookie_store(true)
        .resolve("wiki.example.org", address)
        .no_proxy()
        .build()
        .expect("a client")
}

/// Sends these bytes, and returns all that comes back.
async fn raw(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

const FORGED: [(&str, &str); 14] = [
    ("Remote-User", "forged"),
    ("Remote-Name", "forged"),
    ("Remote-Email", "forged"),
    ("Remote-Groups", "forged"),
    ("Latchkey-Assertion", "forged"),
    ("Remote_User", "forged"),
    ("Remote_Groups", "forged"),
    ("Latchkey_Assertion", "forged"),
    ("X-Forwarded-Uri", "/public/forged"),
    ("X-Forwarded-Host", "forged.example"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Method", "POST"),
    ("X-Original-URL", "http://forged.example/public"),
    ("X-Original-Method", "POST"),
];

/// The lines of a text without the space at their ends, and without empty ones.
fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

#[tokio::test]
async fn the_page_and_the_command_show_the_block_that_is_tested() {
    let file = fs::read_to_string("deploy/forward-auth/Caddyfile").expect("a file");
    let (_, block) = file.split_once("\n\n").expect("a block");
    let page = fs::read_to_string("docs/apps/proxy.md").expect("a page");
    assert!(lines(&page).windows(lines(block).len()).any(|part| part == lines(block)));
    let server = TestServer::start().await;
    let printed = operate(&server, &["app", "add", "Wiki", "--host", "https://wiki.example.org"]);
    let port = server.running.address.port();
    let block = block.replace("127.0.0.1:8080", "YOUR-APP:PORT");
    let block = block.replace("127.0.0.1:3000", &format!("127.0.0.1:{port}"));
    let shown = lines(&printed).windows(lines(&block).len()).any(|part| part == lines(&block));
    assert!(shown, "{printed}");
}

#[tokio::test]
async fn each_proxy_lets_pass_who_may_and_nothing_that_is_forged() {
    for kind in KINDS {
        let server = TestServer::start_with(&[("TRUSTED_PROXIES", "127.0.0.1")]).await;
        let echo = Echo::listen().await;
        let proxy = start(kind, server.running.address.port(), echo.port).await;
        let host = format!("http://wiki.example.org:{}", proxy.port);
        let add = ["app", "add", "Wiki", "--json", "--insecure-http", "--host", &host];
        let rules = ["--rule", "/public=everybody", "--rule", "/admin=group:admins"];
        operate(&server, &[&add[..], &rules[..]].concat());
        server.sign_up_json("alice").await;
        let (app, browser) = (client(proxy.port), Browser::new(&server));
        let page = |path: &str| {
            app.get(format!("{host}{path}"))
                .header(header::ACCEPT, "text/html")
                .header("sec-fetch-mode", "navigate")
        };
        // Public pages need nobody, and know nobody.
        eventually(async || {
            page("/public/x").send().await.expect("an answer").status() == StatusCode::OK
        })
        .await;
        let mut request = page("/public/x");
        for (name, value) in FORGED {
            request = request.header(name, value);
        }
        let seen = request.send().await.expect("an answer").text().await.expect("text");
        let seen = seen.to_lowercase();
        for name in
            ["remote-user", "remote-groups", "remote_user", "remote_groups", "latchkey-assertion"]
        {
            assert!(!seen.contains(&format!("{name}: forged")), "{kind} {name}: {seen}");
        }

        // Others lead to the sign-in, and back to where one wanted to go.
        let mut request = page("/page?a=b");
        for (name, value) in FORGED {
            request = request.header(name, value);
        }
        let before = *echo.requests.lock().expect("unpoisoned");
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::FOUND, "{kind}");
        let authorize = Url::parse(&location(&answer)).expect("a URL");
        let own = format!("{}?{}", authorize.path(), authorize.query().expect("a query"));
        let sign_in = location(&browser.get(&own).await);
        let form = browser.page(&sign_in).await;
        let fields = [("username", "alice"), ("password", PASSWORD)];
        let answer = send_from(&browser, &form, "/api/sign_in", &fields).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let back = location(&browser.get(&own).await);
        assert!(back.starts_with(&format!("{host}/.latchkey/callback?code=")), "{kind}: {back}");
        let arrived = app.get(&back).send().await.expect("an answer");
        assert_eq!((arrived.status().as_u16(), &*location(&arrived)), (303, "/page?a=b"), "{kind}");
        assert_eq!(
            *echo.requests.lock().expect("unpoisoned"),
            before,
            "{kind}: nothing got through"
        );

        let mut request = page("/page?a=b");
        for (name, value) in FORGED {
            request = request.header(name, value);
        }
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK, "{kind}");
        let seen = answer.text().await.expect("text");
        let value = |name: &str| {
            let line = seen.lines().find_map(|line| {
                let (known, value) = line.split_once(':')?;
                known.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
            });
            line.unwrap_or_default()
        };
        assert!(seen.starts_with("GET /page?a=b "), "{kind}: {seen}");
        assert_eq!(
            (&*value("remote-user"), &*value("remote-name")),
            ("alice", "Test Person"),
            "{kind}"
        );
        assert_eq!((&*value("remote-email"), &*value("remote-groups")), ("", ""), "{kind}");
        let lower = seen.to_lowercase();
        for name in ["remote_user", "remote_groups", "latchkey_assertion"] {
            assert!(!lower.contains(&format!("{name}:")), "{kind} {name}: {seen}");
        }
        let claims: Value = checked(&server, &value("latchkey-assertion"), &host).await;
        assert_eq!(claims["preferred_username"], "alice", "{kind}");

        // A socket, and events as they come.
        let socket = app.get(format!("{host}/socket")).header("sec-fetch-mode", "websocket");
        let socket = socket.header("connection", "Upgrade").header("upgrade", "websocket");
        // The example of RFC 6455.
        let socket = socket.header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        let socket = socket.header("sec-websocket-version", "13");
        let socket = socket.send().await.expect("an answer");
        assert_eq!(socket.status(), StatusCode::SWITCHING_PROTOCOLS, "{kind}");
        let mut socket = socket.upgrade().await.expect("a socket");
        socket.write_all(b"hello").await.expect("sent");
        let mut said = [0; 5];
        socket.read_exact(&mut said).await.expect("received");
        assert_eq!(&said, b"hello", "{kind}");
        let events = app.get(format!("{host}/events")).header("sec-fetch-mode", "cors");
        let mut events = events.send().await.expect("an answer");
        let mut event = async || events.chunk().await.expect("received").unwrap_or_default();
        assert_eq!(event().await, "data: one\n\n", "{kind}");
        echo.next_event.notify_one();
        assert_eq!(event().await, "data: two\n\n", "{kind}");

        // A host that would make the path another one, and a client that takes headers away.
        let head = format!("GET /admin/x HTTP/1.1\r\nHost: wiki.example.org:{}", proxy.port);
        let before = *echo.requests.lock().expect("unpoisoned");
        for trick in [
            format!("{head}/public?\r\n"),
            format!("{head}?\r\n"),
            format!("{head}?/public\r\n"),
            format!("{head}#\r\n"),
            head.replace("/admin/x", "/public#/../admin/x") + "\r\n",
            head.replace("/admin/x", "/public/..;/admin/x") + "\r\n",
            head.replace("/admin/x", "/public/%2e%2e/admin/x") + "\r\n",
        ] {
            let answer = raw(proxy.port, &format!("{trick}Connection: close\r\n\r\n")).await;
            assert!(!answer.starts_with("HTTP/1.1 200"), "{kind}: {trick}: {answer}");
        }
        assert_eq!(*echo.requests.lock().expect("unpoisoned"), before, "{kind}");
        let away = page("/page").header("connection", "close, Remote-User, Latchkey-Assertion");
        let seen = away.send().await.expect("an answer").text().await.expect("text");
        let seen = seen.to_lowercase();
        for name in ["remote-user: alice", "latchkey-assertion: ey"] {
            assert!(seen.contains(name), "{kind}: {seen}");
        }

        // Not for her; no page; a form; then signed out.
        assert_eq!(page("/admin").send().await.expect("an answer").status(), 403, "{kind}");
        let stranger = client(proxy.port);
        let script = stranger.get(format!("{host}/api")).header("sec-fetch-mode", "cors");
        assert_eq!(script.send().await.expect("an answer").status(), 401, "{kind}");
        let form = stranger.post(format!("{host}/save")).header("sec-fetch-mode", "navigate");
        let form = form.body("a=b").send().await.expect("an answer");
        assert_eq!(form.status(), StatusCode::UNAUTHORIZED, "{kind}");
        assert!(form.text().await.expect("text").contains("has not arrived"), "{kind}");
        browser.send("/account", "/api/sign_out", &[]).await;
        let answer = page("/page").send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::FOUND, "{kind}");
    }
}
