//! A wire between the hub and a service that a test can cut, freeze, or make deaf in one direction: the service itself is others' too,
//! and is left alone.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    #[default]
    Whole,
    /// Every connection breaks, and a new one does at once.
    Cut,
    /// Connections stay, and nothing passes.
    Frozen,
    /// What the hub says does not arrive.
    Mute,
}

#[derive(Clone, Copy, Default)]
struct Now {
    state: State,
    /// How often it was cut: a connection sees it, however soon the wire is whole again.
    cuts: u64,
}

pub struct Wire {
    pub address: SocketAddr,
    now: watch::Sender<Now>,
}

impl Wire {
    pub async fn to(service: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (now, seen) = watch::channel(Now::default());
        tokio::spawn(async move {
            while let Ok((hub, _)) = listener.accept().await {
                let Now { state, cuts } = *seen.borrow();
                if state != State::Cut {
                    tokio::spawn(join(hub, service, seen.clone(), cuts));
                }
            }
        });
        Self { address, now }
    }

    pub fn set(&self, state: State) {
        self.now.send_modify(|now| {
            now.state = state;
            now.cuts += u64::from(state == State::Cut);
        });
    }

    pub fn cut(&self) {
        self.set(State::Cut);
    }

    pub fn mend(&self) {
        self.set(State::Whole);
    }
}

async fn join(hub: TcpStream, service: SocketAddr, seen: watch::Receiver<Now>, cuts: u64) {
    let Ok(service) = TcpStream::connect(service).await else { return };
    let (from_hub, to_hub) = hub.into_split();
    let (from_service, to_service) = service.into_split();
    let mut watched = seen.clone();
    tokio::select! {
        _ = watched.wait_for(|now| now.cuts != cuts) => {}
        _ = async {
            tokio::join!(
                pump(from_hub, to_service, seen.clone(), &[State::Frozen, State::Mute]),
                pump(from_service, to_hub, seen, &[State::Frozen]),
            )
        } => {}
    }
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut seen: watch::Receiver<Now>,
    held: &[State],
) {
    let mut bytes = vec![0; 64 << 10];
    loop {
        let read = from.read(&mut bytes).await.unwrap_or(0);
        _ = seen.wait_for(|now| !held.contains(&now.state)).await;
        if read == 0 || to.write_all(&bytes[..read]).await.is_err() {
            // The other side hears that nothing more comes.
            _ = to.shutdown().await;
            return;
        }
    }
}
