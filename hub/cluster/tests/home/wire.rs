//! A wire between a node and a server that the tests can cut, freeze, or make deaf in one direction.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::services::wait;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Whole,
    /// Every connection breaks, and no new one is made.
    Cut,
    /// Connections stay, and nothing passes.
    Frozen,
    /// What the node says does not arrive.
    Mute,
}

pub struct Wire {
    port: u16,
    state: Arc<watch::Sender<State>>,
}

impl Wire {
    /// To the server of that URL, which the node is to be given as `url` says.
    pub fn to(url: &str) -> Self {
        let server = host(url).to_owned();
        let (state, seen) = watch::channel(State::Whole);
        let port = wait(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            tokio::spawn(async move {
                while let Ok((node, _)) = listener.accept().await {
                    if *seen.borrow() == State::Cut {
                        continue;
                    }
                    let Ok(server) = TcpStream::connect(&server).await else { continue };
                    let (from_node, to_node) = node.into_split();
                    let (from_server, to_server) = server.into_split();
                    tokio::spawn(pump(from_node, to_server, seen.clone(), &[State::Frozen, State::Mute]));
                    tokio::spawn(pump(from_server, to_node, seen.clone(), &[State::Frozen]));
                }
            });
            port
        });
        Self { port, state: Arc::new(state) }
    }

    pub fn url(&self, url: &str) -> String {
        url.replacen(host(url), &format!("127.0.0.1:{}", self.port), 1)
    }

    pub fn set(&self, state: State) {
        self.state.send_replace(state);
    }
}

/// `host:port` of a URL.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").unwrap().1;
    let rest = rest.split_once('@').map_or(rest, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap()
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut state: watch::Receiver<State>,
    held: &[State],
) {
    let mut bytes = vec![0; 64 << 10];
    loop {
        let read = tokio::select! {
            read = from.read(&mut bytes) => read.unwrap_or(0),
            _ = state.wait_for(|state| *state == State::Cut) => return,
        };
        if state.wait_for(|state| !held.contains(state)).await.is_ok_and(|state| *state == State::Cut) {
            return;
        }
        if read == 0 || to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}
