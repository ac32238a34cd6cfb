//! Connections: how many there may be, how long each may be silent, and how large a head may get
//! (DS-04). `axum::serve` leaves all of that open.
//!
//! HTTP/1.1 only. HTTP/2, with its streams and resets, ends at a proxy.
//!
//! What a connection takes is bounded, and so is their number, so a flood of them takes no more
//! memory than `MAX_CONNECTIONS` × (`MAX_HEAD` + the largest body + some 20 KiB). What is large and
//! sent to many, the JSON routes and files, is one copy for all of them. When all places are taken,
//! whoever comes gets the place of the one whose client has been waited for longest: who holds
//! sockets open, or never comes to an end, keeps nobody else out. If everybody is being answered, a
//! newcomer is told 503 at once.

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

/// With what each may take at most, some 55 MiB.
const MAX_CONNECTIONS: usize = 1024;

/// The largest head of a request, in bytes. Browsers' own limits for cookies are below that.
const MAX_HEAD: usize = 16 * 1024;

/// For the first byte of a connection; hyper's own time-out begins only with that (hyper#3756).
const FIRST_BYTE: Duration = Duration::from_secs(10);

/// For a whole head, from its first byte or from the end of the answer before it on. A body has a
/// time-out of its own (`router.rs`).
const HEAD: Duration = Duration::from_secs(10);

/// For the next bytes that somebody takes in.
const READING: Duration = Duration::from_secs(10);

/// After an accept that failed, mostly because this process may open no more files.
const RECOVERY: Duration = Duration::from_millis(100);

const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 2\r\n\
                      content-length: 0\r\nconnection: close\r\n\r\n";

/// A connection, to whoever looks for one that can go.
struct Place {
    task: AbortHandle,
    connection: Arc<Connection>,
}

/// What is known of a connection. In the extensions of each request: whoever has read its body says
/// so here.
pub(crate) struct Connection {
    peer: SocketAddr,
    origin: Instant,
    /// Since when it waits for its client, in milliseconds since `origin`. While the client waits
    /// for us it is `u64::MAX`.
    since: AtomicU64,
    /// Whether it has ever asked for anything.
    asked: AtomicBool,
    /// Whether a request had a length beside chunks.
    smuggles: AtomicBool,
}

impl Connection {
    /// The address of the other end.
    pub(crate) fn peer(&self) -> IpAddr {
        self.peer.ip()
    }

    /// Whether a request had a length beside chunks.
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

/// Lets this process open as many files as the system allows: the usual soft limit of 1024 leaves
/// too few beside the connections.
pub(crate) fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let all = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, all) {
        tracing::warn!(%error, "the limit of open files cannot be raised");
    }
}

/// Serves until `stopped`, and then until everybody who has asked is answered.
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
                // It is given back when the task has ended, a moment later.
                let Ok(permit) = permits.clone().acquire_owned().await else { break };
                permit
            }
            Err(_) => {
                // Nothing was written to it before, so it takes this at once.
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
        // Whoever has asked for nothing need not be waited for. The others end by themselves when
        // they are answered.
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

/// The life of a connection.
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
    // What went wrong with it is the client's affair.
    _ = watcher.watch(served).await;
    Ok(())
}
