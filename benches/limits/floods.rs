//! Clients that hold connections and never finish.

use tokio::{io::AsyncWriteExt, net::TcpStream};

/// Data sent over and over, until the server accepts no more.
pub(crate) struct Flood {
    start: &'static str,
    more: &'static str,
    times: usize,
}

pub(crate) const FLOODS: [(&str, Flood); 6] = [
    ("silent", Flood { start: "", more: "", times: 0 }),
    ("unfinished heads of 15 KiB", Flood { start: HEAD, more: HEADER, times: 150 }),
    ("unfinished heads of 400 KiB", Flood { start: HEAD, more: HEADER, times: 4000 }),
    ("unfinished bodies", Flood { start: POST, more: BODY, times: 150 }),
    ("100 pages each, unread", Flood { start: "", more: PAGE, times: 100 }),
    ("100 large pages each, unread", Flood { start: "", more: DOCS, times: 100 }),
];

const PAGE: &str = "GET /signin HTTP/1.1\r\nhost: localhost\r\n\r\n";

const DOCS: &str = "GET /docs HTTP/1.1\r\nhost: localhost\r\n\r\n";

const HEAD: &str = "GET / HTTP/1.1\r\nhost: localhost\r\n";

/// 100 bytes.
const HEADER: &str = "x-x: 0123456789012345678901234567890123456789012345678901234567890123456789\
                      0123456789012345678901\r\n";

const POST: &str = "POST /auth/signin HTTP/1.1\r\nhost: localhost\r\n\
                    content-type: application/json\r\ncontent-length: 16000\r\n\r\n";

/// 100 bytes.
const BODY: &str = "0123456789012345678901234567890123456789012345678901234567890123456789\
                    012345678901234567890123456789";

impl Flood {
    /// Opens this many connections, sends on each, and keeps them open.
    pub(crate) async fn hold(&self, url: &str, connections: usize) -> Vec<TcpStream> {
        let address = url.trim_start_matches("http://");
        let mut held = Vec::new();
        let text = self.start.to_owned() + &self.more.repeat(self.times);
        for _ in 0..connections {
            let Ok(mut stream) = TcpStream::connect(address).await else { continue };
            // A server that has had enough closes the connection.
            let send = stream.write_all(text.as_bytes());
            _ = tokio::time::timeout(std::time::Duration::from_millis(200), send).await;
            held.push(stream);
        }
        held
    }
}
