//! Serves SMTP on a socket: connections with a bound on their number, their patience and their mails. What is pipelined is
//! answered in order; a mail ends with CRLF, dot, CRLF and with nothing else, so that none can hide another.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use smtp_proto::Error;
use smtp_proto::request::receiver::{DataReceiver, DummyDataReceiver, RequestReceiver};
use snodo_core::Message;
use snodo_core::message;
use snodo_core::secret::Secret;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::Rules;
use super::letter::{Delivered, Letter};
use super::session::{Envelope, Session, Then};
use crate::clock;
use crate::transport::{AcceptError, Stamp};

/// How long a client may be silent (RFC 5321, 4.5.3.2.7).
const IDLE_TIME_MAX: Duration = Duration::from_secs(300);

/// How long one mail may take to come.
const MAIL_TIME_MAX: Duration = Duration::from_secs(600);

/// What is read from a connection at once.
const READ_BYTES: usize = 16 << 10;

/// How long to leave a socket alone that takes no connections: the process may have too many files open.
const PAUSE: Duration = Duration::from_millis(100);

const BYE: &str = "421 4.3.2 the hub is stopping, or nothing was said for too long\r\n";

/// Offers TLS with that chain and key, in PEM.
pub fn acceptor(chain: &[u8], key: &Secret) -> anyhow::Result<TlsAcceptor> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<_, _>>()
        .ok()
        .context("the certificate is no PEM")?;
    let key = PrivateKeyDer::from_pem_slice(key.expose()).ok().context("the certificate's key is no PEM")?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("certificate and key do not go together")?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Returns when told to stop and the mails at hand are answered. The rules may change meanwhile, but for what the server itself is
/// built upon; a connection ends under those that it began with.
pub async fn serve<A, F>(
    listener: TcpListener,
    rules: Arc<ArcSwap<Rules>>,
    tls: Option<TlsAcceptor>,
    accept: A,
    stop: CancellationToken,
) where
    A: Fn(Vec<Message>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), AcceptError>> + Send + 'static,
{
    let free = Arc::new(Semaphore::new(rules.load().connections_max));
    let server = Arc::new(Server { rules, tls, accept, stamp: Stamp::default(), stop: stop.clone() });
    let connections = TaskTracker::new();
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        let Ok((mut stream, peer)) = accepted else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let Ok(permit) = Arc::clone(&free).try_acquire_owned() else {
            // At most the socket's own buffer: nobody waits for a client here.
            _ = stream.try_write(b"421 4.3.2 too many connections\r\n");
            _ = stream.shutdown().await;
            continue;
        };
        let server = Arc::clone(&server);
        connections.spawn(async move {
            let _permit = permit;
            // A client that goes away is its own affair: what was not answered it sends again.
            _ = server.connection(stream, peer.ip()).await;
        });
    }
    connections.close();
    connections.wait().await;
}

struct Server<A> {
    rules: Arc<ArcSwap<Rules>>,
    tls: Option<TlsAcceptor>,
    accept: A,
    stamp: Stamp,
    stop: CancellationToken,
}

/// What comes on a connection right now.
enum Coming {
    Commands,
    Mail {
        data: DataReceiver,
        raw: Vec<u8>,
    },
    /// The rest of a mail that is too long.
    TooLong(DummyDataReceiver),
}

impl<A, F> Server<A>
where
    A: Fn(Vec<Message>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), AcceptError>> + Send + 'static,
{
    async fn connection(&self, mut stream: TcpStream, peer: IpAddr) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let rules = self.rules.load_full();
        let mut session = Session::new(&rules, peer);
        let (greeting, then) = session.greeting();
        stream.write_all(greeting.as_bytes()).await?;
        if then == Then::Close {
            return stream.shutdown().await;
        }
        if self.talk(&mut stream, &mut session).await? != Then::Encrypt {
            return stream.shutdown().await;
        }
        let Some(tls) = &self.tls else { return Ok(()) };
        let encrypted = tokio::time::timeout(IDLE_TIME_MAX, tls.accept(stream)).await;
        let mut stream = encrypted.map_err(|_| io::ErrorKind::TimedOut)??;
        let mut session = Session::encrypted(&rules, peer);
        self.talk(&mut stream, &mut session).await?;
        stream.shutdown().await
    }

    async fn talk<S>(&self, stream: &mut S, session: &mut Session<'_>) -> io::Result<Then>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (mut receiver, mut coming) = (RequestReceiver::default(), Coming::Commands);
        let (mut input, mut answers) = (vec![0; READ_BYTES], String::new());
        let mut mail_by = None;
        loop {
            let patience = tokio::time::Instant::now() + IDLE_TIME_MAX;
            let patience = mail_by.map_or(patience, |by| patience.min(by));
            let read = tokio::time::timeout_at(patience, stream.read(&mut input));
            let Some(Ok(read)) = self.stop.run_until_cancelled(read).await else {
                stream.write_all(BYE.as_bytes()).await?;
                return Ok(Then::Close);
            };
            let read = read?;
            if read == 0 {
                return Ok(Then::Close);
            }
            let mut bytes = input[..read].iter();
            while bytes.len() > 0 {
                let left = bytes.len();
                match &mut coming {
                    Coming::Commands => {
                        let request = receiver.ingest(&mut bytes);
                        if matches!(request, Err(Error::NeedsMoreData { .. })) {
                            break;
                        }
                        let is_lost = matches!(request, Err(Error::ResponseTooLong)) || bytes.len() == left;
                        let (answer, then) = session.command(request);
                        answers.push_str(&answer);
                        match then {
                            Then::GoOn if is_lost => {
                                // Where the next command begins is not known any more.
                                stream.write_all(answers.as_bytes()).await?;
                                return Ok(Then::Close);
                            }
                            Then::GoOn => {}
                            Then::TakeData => {
                                mail_by = Some(tokio::time::Instant::now() + MAIL_TIME_MAX);
                                coming = Coming::mail();
                            }
                            // What came in the clear behind STARTTLS is not of who speaks then.
                            Then::Encrypt if bytes.len() > 0 => return Ok(Then::Close),
                            Then::Encrypt | Then::Close => {
                                stream.write_all(answers.as_bytes()).await?;
                                return Ok(then);
                            }
                        }
                    }
                    Coming::Mail { data, raw } => {
                        let whole = data.ingest(&mut bytes, raw);
                        if raw.len() > self.rules.load().bytes_max {
                            let rest = DummyDataReceiver::new_data(data);
                            coming = Coming::TooLong(rest);
                            if whole {
                                (coming, mail_by) = (Coming::Commands, None);
                                answers.push_str(self.refuse(session));
                            }
                        } else if whole {
                            let raw = std::mem::take(raw);
                            (coming, mail_by) = (Coming::Commands, None);
                            answers.push_str(self.deliver(session.take_envelope(), raw).await);
                        }
                    }
                    Coming::TooLong(rest) => {
                        if rest.ingest(&mut bytes) {
                            (coming, mail_by) = (Coming::Commands, None);
                            answers.push_str(self.refuse(session));
                        }
                    }
                }
            }
            stream.write_all(answers.as_bytes()).await?;
            stream.flush().await?;
            answers.clear();
        }
    }

    fn refuse(&self, session: &mut Session<'_>) -> &'static str {
        if let Some(envelope) = session.take_envelope() {
            count(&envelope, "too-large");
        }
        "552 5.3.4 the mail is too long\r\n"
    }

    /// One message for each channel that it is for, all in one commit: if the client comes again, it does so for all.
    async fn deliver(&self, envelope: Option<Envelope>, raw: Vec<u8>) -> &'static str {
        let Some(envelope) = envelope else { return "503 5.5.1 say MAIL first\r\n" };
        let read = tokio::task::spawn_blocking(move || Letter::read(&raw)).await;
        let Ok(Some(letter)) = read else {
            count(&envelope, "unreadable");
            return "554 5.6.0 that is no mail\r\n";
        };
        let (messages, body_bytes_max) =
            (self.messages(&envelope, &letter), self.rules.load().body_bytes_max);
        if messages.iter().any(|message| message.body.len() > body_bytes_max) {
            count(&envelope, "too-large");
            return "552 5.3.4 the mail says too much\r\n";
        }
        let ids: Vec<_> = messages.iter().map(|message| (message.id, message.channel.clone())).collect();
        match (self.accept)(messages).await {
            Ok(()) => {
                count(&envelope, "accepted");
                for (id, channel) in ids {
                    info!(message_id = %id, %channel, "accepted");
                }
                "250 2.0.0 kept\r\n"
            }
            Err(error) => {
                count(&envelope, "busy");
                warn!(channel = %envelope.to[0].channel, %error, "a mail is left to whoever brought it");
                match error {
                    AcceptError::Full => "452 4.3.1 no room now\r\n",
                    AcceptError::Busy { .. } => "451 4.3.2 too much at once\r\n",
                    AcceptError::Closing => "451 4.3.2 the hub is stopping\r\n",
                    AcceptError::Internal => "451 4.3.0 not now\r\n",
                }
            }
        }
    }

    fn messages(&self, envelope: &Envelope, letter: &Letter) -> Vec<Message> {
        let mut messages = Vec::new();
        for first in firsts(envelope) {
            let of_channel = envelope.to.iter().filter(|one| one.channel == first.channel);
            let mut to: Vec<&str> = of_channel.map(|one| one.address.as_str()).collect();
            to.dedup();
            let body = letter.body(&Delivered { from: &envelope.from, to });
            let envelope = message::Envelope { name: first.pattern.clone(), ..message::Envelope::default() };
            messages.push(self.stamp.message(&first.channel, clock::now(), envelope, body.into()));
        }
        messages
    }
}

impl Coming {
    /// The line end before a mail is that of DATA: a dot on the first line ends it, too.
    fn mail() -> Self {
        let (mut data, mut raw) = (DataReceiver::new(), Vec::new());
        data.ingest(&mut b"\r\n".iter(), &mut raw);
        raw.clear();
        Self::Mail { data, raw }
    }
}

/// The first recipient of each channel.
fn firsts(envelope: &Envelope) -> impl Iterator<Item = &super::session::Recipient> {
    let is_first = |place: usize| {
        let channel = &envelope.to[place].channel;
        !envelope.to[..place].iter().any(|one| one.channel == *channel)
    };
    (0..envelope.to.len()).filter(move |place| is_first(*place)).map(|place| &envelope.to[place])
}

fn count(envelope: &Envelope, result: &'static str) {
    for first in firsts(envelope) {
        metrics::counter!("snodo_mail_in_total", "channel" => first.channel.to_string(), "result" => result)
            .increment(1);
    }
}

#[cfg(test)]
mod tests;
