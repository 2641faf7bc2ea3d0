//! Lets lapin speak over a connection that the hub has opened itself: with the hub's own TLS, to the declared address and no other.
//! Everything else that lapin asks of a runtime is tokio's.

use std::future::Future;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_compat::Compat;
use async_rs::traits::{Executor, Reactor, RuntimeKit};
use async_rs::util::Task;
use async_rs::{Runtime, Tokio};
use futures_util::Stream;
use futures_util::io::{AsyncRead, AsyncWrite};
use lapin::uri::AMQPUri;
use lapin::{AsyncTcpStream, Connection, ConnectionProperties};

use crate::transport::dial::Wire;

#[derive(Clone, Debug)]
struct Kit(Tokio);

/// As lapin reads and writes.
type Dialled = Compat<Box<dyn Wire>>;

/// Greets the broker over that wire. Once only: lapin does not get another.
pub async fn greet(
    uri: AMQPUri,
    wire: Box<dyn Wire>,
    properties: ConnectionProperties,
) -> lapin::Result<Connection> {
    let wire = Mutex::new(Some(Compat::new(wire)));
    let connect = async move |_: AMQPUri, _: Runtime<Kit>| -> lapin::Result<AsyncTcpStream<Dialled>> {
        let wire = wire.lock().unwrap_or_else(PoisonError::into_inner).take();
        let gone = || io::Error::new(io::ErrorKind::NotConnected, "the connection was used before");
        Ok(AsyncTcpStream::Plain(wire.ok_or_else(gone)?))
    };
    Connection::connector(uri, Runtime::new(Kit(Tokio::current())), connect, properties).await
}

impl RuntimeKit for Kit {}

impl Executor for Kit {
    type Task<T: Send + 'static> = <Tokio as Executor>::Task<T>;

    fn block_on<T, F: Future<Output = T>>(&self, future: F) -> T {
        self.0.block_on(future)
    }

    fn spawn<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
        &self,
        future: F,
    ) -> Task<Self::Task<T>> {
        self.0.spawn(future)
    }

    fn spawn_blocking<T: Send + 'static, F: FnOnce() -> T + Send + 'static>(
        &self,
        work: F,
    ) -> Task<Self::Task<T>> {
        self.0.spawn_blocking(work)
    }
}

impl Reactor for Kit {
    type TcpStream = Dialled;
    type Sleep = <Tokio as Reactor>::Sleep;

    fn register<H: Read + Write + Send + 'static>(
        &self,
        _: H,
    ) -> io::Result<impl AsyncRead + AsyncWrite + Send + Unpin + 'static> {
        Err::<Dialled, _>(io::ErrorKind::Unsupported.into())
    }

    fn sleep(&self, time: Duration) -> Self::Sleep {
        self.0.sleep(time)
    }

    fn interval(&self, time: Duration) -> impl Stream<Item = Instant> + Send + 'static {
        self.0.interval(time)
    }

    /// Nobody is called but by the hub.
    fn tcp_connect_addr(
        &self,
        _: SocketAddr,
    ) -> impl Future<Output = io::Result<Self::TcpStream>> + Send + 'static {
        std::future::ready(Err(io::ErrorKind::Unsupported.into()))
    }
}
