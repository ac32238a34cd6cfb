//! A mail server for the tests: it speaks SMTP over a socket, with STARTTLS and AUTH, and misbehaves
//! when told to.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use crate::support::eventually;

/// What the server does with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Takes,
    /// 451 for the recipient.
    Later,
    /// 550 for the recipient.
    Refuses,
    /// Answers with something else than SMTP.
    Nonsense,
    /// Closes the connection in the middle of the message.
    HangsUp,
}

pub(crate) struct Mailbox {
    pub(crate) port: u16,
    mood: Arc<Mutex<Mood>>,
    taken: Arc<Mutex<Vec<String>>>,
    tries: Arc<Mutex<usize>>,
}

impl Mailbox {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let mailbox = Self {
            port,
            mood: Arc::new(Mutex::new(Mood::Takes)),
            taken: Arc::default(),
            tries: Arc::default(),
        };
        let (mood, taken, tries) =
            (mailbox.mood.clone(), mailbox.taken.clone(), mailbox.tries.clone());
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                *tries.lock().expect("a lock") += 1;
                let now = *mood.lock().expect("a lock");
                tokio::spawn(serve(socket, now, taken.clone()));
            }
        });
        mailbox
    }

    pub(crate) fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    pub(crate) fn is_in(&self, mood: Mood) {
        *self.mood.lock().expect("a lock") = mood;
    }

    pub(crate) fn tries(&self) -> usize {
        *self.tries.lock().expect("a lock")
    }

    pub(crate) fn taken(&self) -> Vec<String> {
        self.taken.lock().expect("a lock").clone()
    }

    /// Waits for so many messages, and returns the last of them.
    pub(crate) async fn message(&self, count: usize) -> String {
        eventually(async || self.taken().len() >= count).await;
        self.taken()[count - 1].clone()
    }
}

async fn serve(socket: TcpStream, mood: Mood, taken: Arc<Mutex<Vec<String>>>) {
    _ = talk(socket, mood, taken).await;
}

async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    socket: S,
    mood: Mood,
    taken: Arc<Mutex<Vec<String>>>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(socket);
    if mood == Mood::Nonsense {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
        return Ok(());
    }
    stream.write_all(b"220 test ESMTP\r\n").await?;
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let command = line.to_ascii_uppercase();
        let answer: &[u8] = match command.split_whitespace().next().unwrap_or_default() {
            "EHLO" => b"250-test\r\n250-SMTPUTF8\r\n250 8BITMIME\r\n",
            "RCPT" if mood == Mood::Later => b"451 4.3.0 try again later\r\n",
            "RCPT" if mood == Mood::Refuses => b"550 5.1.1 alice@example.org is unknown\r\n",
            "DATA" => {
                stream.write_all(b"354 go ahead\r\n").await?;
                let mut message = String::new();
                loop {
                    line.clear();
                    if stream.read_line(&mut line).await? == 0 {
                        return Ok(());
                    }
                    if mood == Mood::HangsUp {
                        return Ok(());
                    }
                    if line == ".\r\n" {
                        break;
                    }
                    message += &line;
                }
                taken.lock().expect("a lock").push(message);
                b"250 taken\r\n"
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => b"250 fine\r\n",
        };
        stream.write_all(answer).await?;
    }
}
