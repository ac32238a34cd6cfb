//! Connections: how many there may be, how long each may be silent, and how large a request head
//! may get (DS-04). `axum::serve` limits none of this.
//!
//! HTTP/1.1 only. HTTP/2, with its streams and resets, ends at a proxy.
//!
//! The memory of each connection is bounded, and so is their number, so a flood takes at most
//! `MAX_CONNECTIONS` × (`MAX_HEAD` + the largest body + some 20 KiB). Large answers sent to many
//! clients, the API documentation and files, share one copy. When all places are taken, a new
//! connection replaces the one whose client has been idle longest, so holding sockets open or never
//! finishing keeps nobody else out. If all connections are being answered, a new one gets 503 at
//! once.

mod heads;

use std::{
    convert::Infallible,
    io::{self, Write},
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Router, body::Body};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::AbortHandle,
    time::timeout,
};
use tokio_io_timeout::TimeoutStream;
use tower_service::Service;

use crate::web::connections::heads::Heads;

/// With the most that each may take, some 55 MiB.
const MAX_CONNECTIONS: usize = 1024;

/// The largest request head, in bytes. Browsers' own limits for cookies are lower.
const MAX_HEAD: usize = 16 * 1024;

/// For the first byte of a connection; hyper's own time-out only starts with that (hyper#3756).
const FIRST_BYTE: Duration = Duration::from_secs(10);

/// For a whole head, from its first byte or from the end of the previous answer. A body has its own
/// time-out (`router.rs`).
const HEAD: Duration = Duration::from_secs(10);

/// For a client to read the next bytes of an answer.
const READING: Duration = Duration::from_secs(10);

/// After a failed accept, usually because this process can't open any more files.
const RECOVERY: Duration = Duration::from_millis(100);

const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 2\r\n\
                      content-length: 0\r\nconnection: close\r\n\r\n";

/// A connection, as a candidate for replacement.
struct Place {
    task: AbortHandle,
    connection: Arc<Connection>,
}

/// The state of a connection, in the extensions of each request: code that has read the body
/// records it here.
pub(crate) struct Connection {
    peer: SocketAddr,
    origin: Instant,
    /// When it began to wait for its client, in milliseconds since `origin`. `u64::MAX` while the
    /// client waits for us.
    since: AtomicU64,
    /// Whether it has ever sent a request.
    asked: AtomicBool,
    /// Whether a request had a length alongside chunks.
    smuggles: AtomicBool,
}

impl Connection {
    /// The address of the other end.
    pub(crate) fn peer(&self) -> IpAddr {
        self.peer.ip()
    }

    /// Whether a request had a length alongside chunks.
    pub(crate) fn smuggles(&self) -> bool {
        self.smuggles.load(Ordering::Relaxed)
    }

    fn waits_for_client(&self) {
        let since = u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX - 1);
        self.since.store(since, Ordering::Relaxed);
    }

    pub(crate) fn waits_for_us(&self) {
        self.since.store(u64::MAX, Ordering::Relaxed);
    }
}

/// Raises this process's limit of open files to the system's maximum: the usual soft limit of 1024
/// leaves too few beside the connections.
pub(crate) fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let all = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, all) {
        tracing::warn!(%error, "could not raise the limit of open files");
    }
}

/// Serves until `stopped`, and then until every request is answered.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let (graceful, origin) = (GracefulShutdown::new(), Instant::now());
    let mut places: Vec<Place> = Vec::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.wait_for(|stop| *stop) => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                free_one(&mut places);
                tokio::time::sleep(RECOVERY).await;
                continue;
            }
        };
        if places.len() >= 2 * MAX_CONNECTIONS {
            places.retain(|place| !place.task.is_finished());
        }
        let permit = match permits.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) if free_one(&mut places) => {
                // Released when the task has ended, a moment later.
                let Ok(permit) = permits.clone().acquire_owned().await else { break };
                permit
            }
            Err(_) => {
                // Nothing was written to it before, so this succeeds at once.
                _ = stream.into_std().and_then(|mut stream| stream.write_all(FULL));
                continue;
            }
        };
        let (since, asked) = (AtomicU64::new(0), AtomicBool::new(false));
        let smuggles = AtomicBool::new(false);
        let connection = Arc::new(Connection { peer, origin, since, asked, smuggles });
        connection.waits_for_client();
        let task = attend(stream, router.clone(), permit, connection.clone(), graceful.watcher());
        places.push(Place { task: tokio::spawn(task).abort_handle(), connection });
    }
    drop(listener);
    for place in &places {
        // Connections without a request need not be waited for. The others end once they are
        // answered.
        if !place.connection.asked.load(Ordering::Relaxed) {
            place.task.abort();
        }
    }
    graceful.shutdown().await;
}

/// Ends the connection that has waited longest for its client. `false`: there is none.
fn free_one(places: &mut Vec<Place>) -> bool {
    places.retain(|place| !place.task.is_finished());
    let since = |place: &Place| place.connection.since.load(Ordering::Relaxed);
    let Some(index) = (0..places.len()).min_by_key(|index| since(&places[*index])) else {
        return false;
    };
    if since(&places[index]) == u64::MAX {
        return false;
    }
    places.swap_remove(index).task.abort();
    true
}

/// Serves one connection.
async fn attend(
    stream: TcpStream,
    router: Router,
    _permit: OwnedSemaphorePermit,
    connection: Arc<Connection>,
    watcher: Watcher,
) -> io::Result<()> {
    timeout(FIRST_BYTE, stream.readable()).await??;
    stream.set_nodelay(true)?;
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(READING));
    let watched = connection.clone();
    let stream = Heads::new(Box::pin(stream), move || {
        watched.smuggles.store(true, Ordering::Relaxed);
    });
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(connection.clone());
        connection.asked.store(true, Ordering::Relaxed);
        let (answer, connection) =
            (router.clone().call(request.map(Body::new)), connection.clone());
        async move {
            let answer = answer.await;
            connection.waits_for_client();
            answer.map_err(|never: Infallible| never)
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(MAX_HEAD);
    let served = http.serve_connection(TokioIo::new(stream), service);
    // Its errors are the client's concern.
    _ = watcher.watch(served).await;
    Ok(())
}
