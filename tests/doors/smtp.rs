//! A mail server for the tests: it speaks SMTP over a socket, with STARTTLS and AUTH, and misbehaves
//! when told to.

use std::sync::{Arc, Mutex};

use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{CertificateParams, KeyPair};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, rustls};

use crate::support::eventually;

/// What the server does with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Takes,
    /// 451 for the recipient.
    Later,
    /// 550 for the recipient.
    Refuses,
    /// 421 instead of a greeting.
    Busy,
    /// Answers with something else than SMTP.
    Nonsense,
    /// Closes the connection in the middle of the message.
    HangsUp,
    /// Reads the message, and never answers.
    Holds,
}

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Security {
    None,
    /// STARTTLS and AUTH, and nothing without them.
    StartTls,
    /// TLS from the start.
    Wrapped,
}

/// The user that a server with AUTH takes mail from.
pub(crate) const USER: (&str, &str) = ("sender@example.org", "p:w@rd");

pub(crate) struct Mailbox {
    pub(crate) port: u16,
    /// The certificate of the server, in PEM.
    pub(crate) certificate: String,
    shared: Arc<Shared>,
}

struct Shared {
    security: Security,
    acceptor: TlsAcceptor,
    mood: Mutex<Mood>,
    taken: Mutex<Vec<String>>,
    tries: Mutex<usize>,
    held: Mutex<usize>,
}

impl Mailbox {
    pub(crate) async fn open() -> Self {
        Self::open_with(Security::None).await
    }

    pub(crate) async fn open_with(security: Security) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let key = KeyPair::generate().expect("a key");
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let params = CertificateParams::new(names).expect("parameters");
        let certificate = params.self_signed(&key).expect("a certificate");
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let config = rustls::ServerConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).expect("a key"),
            )
            .expect("a server");
        let shared = Arc::new(Shared {
            security,
            acceptor: TlsAcceptor::from(Arc::new(config)),
            mood: Mutex::new(Mood::Takes),
            taken: Mutex::default(),
            tries: Mutex::default(),
            held: Mutex::default(),
        });
        let of_task = shared.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                *of_task.tries.lock().expect("a lock") += 1;
                let now = *of_task.mood.lock().expect("a lock");
                let shared = of_task.clone();
                tokio::spawn(async move { serve(socket, now, &shared).await });
            }
        });
        Self { port, certificate: certificate.pem(), shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    pub(crate) fn is_in(&self, mood: Mood) {
        *self.shared.mood.lock().expect("a lock") = mood;
    }

    pub(crate) fn tries(&self) -> usize {
        *self.shared.tries.lock().expect("a lock")
    }

    /// How many messages were read and never answered.
    pub(crate) fn held(&self) -> usize {
        *self.shared.held.lock().expect("a lock")
    }

    pub(crate) fn taken(&self) -> Vec<String> {
        self.shared.taken.lock().expect("a lock").clone()
    }

    /// Waits for so many messages, and returns the last of them.
    pub(crate) async fn message(&self, count: usize) -> String {
        eventually(async || self.taken().len() >= count).await;
        self.taken()[count - 1].clone()
    }
}

async fn serve(socket: TcpStream, mood: Mood, shared: &Shared) {
    // A connection that breaks is what the tests want at times.
    _ = converse(socket, mood, shared).await;
}

async fn converse(socket: TcpStream, mood: Mood, shared: &Shared) -> std::io::Result<()> {
    let mut talk = Talk { shared, mood, is_safe: shared.security != Security::StartTls };
    if shared.security == Security::Wrapped {
        talk.run(shared.acceptor.accept(socket).await?, true).await?;
    } else if let Some(socket) = talk.run(socket, true).await? {
        talk.is_safe = true;
        talk.run(shared.acceptor.accept(socket).await?, false).await?;
    }
    Ok(())
}

struct Talk<'a> {
    shared: &'a Shared,
    mood: Mood,
    /// Whether anything may be sent.
    is_safe: bool,
}

impl Talk<'_> {
    /// Returns the stream when TLS is to begin.
    async fn run<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        stream: S,
        greets: bool,
    ) -> std::io::Result<Option<S>> {
        let asks = self.shared.security == Security::StartTls;
        let mut stream = BufReader::new(stream);
        let greeting: &[u8] = match self.mood {
            Mood::Nonsense => b"HTTP/1.1 200 OK\r\n\r\n",
            Mood::Busy => b"421 4.3.2 too busy\r\n",
            _ if greets => b"220 test ESMTP\r\n",
            _ => b"",
        };
        stream.write_all(greeting).await?;
        if [Mood::Nonsense, Mood::Busy].contains(&self.mood) {
            return Ok(None);
        }
        let (mut line, mut is_known) = (String::new(), !asks);
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(None);
            }
            let command = line.to_ascii_uppercase();
            let answer: &[u8] = match command.split_whitespace().next().unwrap_or_default() {
                "EHLO" if asks && !self.is_safe => b"250-test\r\n250-STARTTLS\r\n250 8BITMIME\r\n",
                "EHLO" if asks => {
                    b"250-test\r\n250-AUTH PLAIN LOGIN\r\n250-SMTPUTF8\r\n250 8BITMIME\r\n"
                }
                "EHLO" => b"250-test\r\n250-SMTPUTF8\r\n250 8BITMIME\r\n",
                "STARTTLS" => {
                    stream.write_all(b"220 go ahead\r\n").await?;
                    return Ok(Some(stream.into_inner()));
                }
                "AUTH" if self.is_safe => {
                    let proof = STANDARD.encode(format!("\0{}\0{}", USER.0, USER.1));
                    is_known = line.trim().ends_with(&proof);
                    if is_known { b"235 welcome\r\n" } else { b"535 5.7.8 who are you\r\n" }
                }
                "QUIT" => {
                    stream.write_all(b"221 bye\r\n").await?;
                    return Ok(None);
                }
                _ if !self.is_safe || !is_known => b"530 5.7.0 authenticate first\r\n",
                "RCPT" if self.mood == Mood::Later => b"451 4.3.0 try again later\r\n",
                "RCPT" if self.mood == Mood::Refuses => {
                    b"550 5.1.1 alice@example.org is unknown\r\n"
                }
                "DATA" => {
                    stream.write_all(b"354 go ahead\r\n").await?;
                    match self.message(&mut stream).await? {
                        Some(message) => self.shared.taken.lock().expect("a lock").push(message),
                        None => return Ok(None),
                    }
                    b"250 taken\r\n"
                }
                _ => b"250 fine\r\n",
            };
            stream.write_all(answer).await?;
        }
    }

    /// `None`: it was cut off.
    async fn message<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut BufReader<S>,
    ) -> std::io::Result<Option<String>> {
        let (mut message, mut line) = (String::new(), String::new());
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 || self.mood == Mood::HangsUp {
                return Ok(None);
            }
            if line == ".\r\n" {
                break;
            }
            message += &line;
        }
        if self.mood == Mood::Holds {
            *self.shared.held.lock().expect("a lock") += 1;
            while stream.read_line(&mut line).await? > 0 {}
            return Ok(None);
        }
        Ok(Some(message))
    }
}
