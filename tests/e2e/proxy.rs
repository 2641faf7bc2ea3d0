//! A wire between the hub and a service that the test can cut: the service itself is others' too, and is left alone.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

pub struct Proxy {
    pub address: SocketAddr,
    /// What ends the connections of now. `None` while nobody is let through.
    wire: Arc<Mutex<Option<CancellationToken>>>,
}

impl Proxy {
    pub async fn start(service: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let wire = Arc::new(Mutex::new(Some(CancellationToken::new())));
        let state = Arc::clone(&wire);
        tokio::spawn(async move {
            while let Ok((inner, _)) = listener.accept().await {
                let wire = state.lock().unwrap().clone();
                // Without a wire the connection is closed as soon as it is there.
                if let Some(wire) = wire {
                    tokio::spawn(wire.run_until_cancelled_owned(join(inner, service)));
                }
            }
        });
        Self { address, wire }
    }

    /// Ends all connections; new ones are ended at once.
    pub fn cut(&self) {
        if let Some(wire) = self.wire.lock().unwrap().take() {
            wire.cancel();
        }
    }

    /// Lets new connections through again.
    pub fn mend(&self) {
        *self.wire.lock().unwrap() = Some(CancellationToken::new());
    }
}

async fn join(mut inner: TcpStream, service: SocketAddr) {
    if let Ok(mut outer) = TcpStream::connect(service).await {
        _ = tokio::io::copy_bidirectional(&mut inner, &mut outer).await;
    }
}
