//! Serves a router over HTTP/1.1 and cleartext HTTP/2, and stops in the order that loses no answer: no new connections, then
//! the requests under way, then the end.

use std::io;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

/// A connection is a task and two small buffers; more than this are not senders but a flood.
const CONNECTIONS_MAX: usize = 4096;
/// A sender that takes longer to say what it wants, or keeps a connection idle for longer, is cut off.
const HEADER_TIME_MAX: Duration = Duration::from_secs(30);
/// All headers of a request: vendors' signatures and cookies of proxies fit several times.
const HEADER_BYTES_MAX: usize = 32 << 10;
/// Requests under way in one HTTP/2 connection.
const STREAMS_MAX: u32 = 250;
/// How long requests under way may take once the hub is to stop.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(10);
/// How long to wait before accepting again when the system gave us no connection (out of file handles, mostly).
const BACK_OFF: Duration = Duration::from_millis(100);

/// Returns when `stop` was called and the last request is answered or its time is up.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        let room = connections.len() < CONNECTIONS_MAX;
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if room => match accepted {
                Ok((stream, _)) => _ = connections.spawn(connection(stream, router.clone(), stop.clone())),
                Err(error) => refused(&error).await,
            }
        }
    }
    drop(listener);
    let drained =
        tokio::time::timeout(DRAIN_TIME_MAX, async { while connections.join_next().await.is_some() {} });
    if drained.await.is_err() {
        warn!(connections = connections.len(), "requests were still under way when their time was up");
        connections.shutdown().await;
    }
}

async fn refused(error: &io::Error) {
    // A sender that went away before we looked is no trouble of ours.
    if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
        return;
    }
    warn!(%error, "failed to accept a connection");
    tokio::time::sleep(BACK_OFF).await;
}

async fn connection(stream: TcpStream, router: Router, stop: CancellationToken) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "failed to set TCP_NODELAY");
    }
    let version = tokio::select! {
        version = version(&stream) => version,
        () = stop.cancelled() => return,
    };
    let mut builder = match version {
        Some(Version::One) => Builder::new(TokioExecutor::new()).http1_only(),
        Some(Version::Two) => Builder::new(TokioExecutor::new()).http2_only(),
        None => return,
    };
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME_MAX)
        .max_buf_size(HEADER_BYTES_MAX)
        .pipeline_flush(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(u32::try_from(HEADER_BYTES_MAX).expect("the limit is far below 4 GiB"))
        .keep_alive_interval(HEADER_TIME_MAX)
        .keep_alive_timeout(HEADER_TIME_MAX);
    let mut connection =
        pin!(builder.serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(router)));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(%error, "a connection broke");
    }
}

enum Version {
    One,
    Two,
}

/// Which HTTP the other side begins to speak. `None` if it says nothing in time: the server itself would wait forever.
async fn version(stream: &TcpStream) -> Option<Version> {
    /// RFC 9113, 3.4.
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    /// Between two looks at a beginning that could still become either, which no honest client sends in pieces.
    const LOOK_AGAIN: Duration = Duration::from_millis(20);
    let looking = async {
        let mut start = [0; PREFACE.len()];
        loop {
            match stream.peek(&mut start).await {
                Ok(0) | Err(_) => return None,
                Ok(_) if start == *PREFACE => return Some(Version::Two),
                Ok(seen) if start[..seen] != PREFACE[..seen] => return Some(Version::One),
                Ok(_) => tokio::time::sleep(LOOK_AGAIN).await,
            }
        }
    };
    tokio::time::timeout(HEADER_TIME_MAX, looking).await.ok().flatten()
}
