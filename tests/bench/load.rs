//! The load and the counting destination. Both speak HTTP/1.1 by hand over kept connections, so that they take as little as possible
//! of the machine that they share with what is measured.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use snodo_core::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

use crate::process::Subject;

/// Connections of the load: enough that the hub's commits are shared.
const CONNECTIONS: usize = 256;

/// How long events may be under way after the last was sent.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(120);

/// Fills an event up to 1 KB.
const FILLING: &str =
    "linen, hand washed, keep away from direct sunlight; returns within thirty days in any shop";

/// A canonical event of 1 KB, with the moment at which it was sent in it.
pub fn event(number: usize, sent_micros: u64) -> String {
    let time = Timestamp::from_millis(i64::try_from(sent_micros / 1_000).unwrap_or(0));
    format!(
        r#"{{"specversion":"1.0","id":"e{number}-{sent_micros}","type":"commerce.order.placed","source":"/bench","subject":"order/{number}","time":"{time}","data":{{"customer":{{"identifiers":[{{"namespace":"email","value":"c{customer}@example.com","authenticated":"asserted"}}],"traits":{{"given_name":"Rosa","family_name":"Neri","email":"c{customer}@example.com"}}}},"touchpoint":{{"channel":"web","mode":"online","locale":"it-IT"}},"order":{{"id":"{number}","number":"{number}","status":"open","currency":"EUR","total":{{"amount":"80.50","currency":"EUR"}},"subtotal":{{"amount":"70.00","currency":"EUR"}},"tax":{{"amount":"10.50","currency":"EUR"}},"lines":[{{"id":"1","product":{{"id":"p1","name":"Linen jacket","sku":"AUR-1"}},"quantity":"1","unit_price":{{"amount":"70.00","currency":"EUR"}},"total":{{"amount":"70.00","currency":"EUR"}}}}],"note":"{FILLING}"}},"vendor":{{"sent":"@{sent_micros:020}"}}}}}}"#,
        customer = number % 1_000,
    )
}

fn micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(0)
}

/// Durations, sorted when asked.
#[derive(Default)]
pub struct Durations(Vec<u64>);

impl Durations {
    pub fn at(&self, share: f64) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let place = ((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1));
        Duration::from_micros(sorted.get(place).copied().unwrap_or(0))
    }
}

pub struct Measured {
    pub events: usize,
    pub elapsed: Duration,
    pub cpu: Duration,
    pub ack: Durations,
    pub end_to_end: Durations,
}

impl Measured {
    pub fn events_per_second(&self) -> f64 {
        self.events as f64 / self.elapsed.as_secs_f64()
    }

    pub fn events_per_core_second(&self) -> f64 {
        self.events as f64 / self.cpu.as_secs_f64()
    }
}

/// Counts what arrives, and how long it was under way.
#[derive(Clone)]
pub struct Destination {
    pub address: SocketAddr,
    arrived: Arc<AtomicUsize>,
    took: Arc<Mutex<Vec<u64>>>,
}

impl Destination {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let this = Self {
            address: listener.local_addr().expect("it has an address"),
            arrived: Arc::default(),
            took: Arc::default(),
        };
        let counting = this.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(counting.clone().serve(stream));
            }
        });
        this
    }

    async fn serve(self, mut stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let mut buffer = Vec::with_capacity(1 << 18);
        while let Some(body) = read(&mut stream, &mut buffer).await {
            let now = micros();
            let marks = body.split(|byte| *byte == b'@').skip(1);
            let sent =
                marks.filter_map(|rest| std::str::from_utf8(rest.get(..20)?).ok()?.parse::<u64>().ok());
            let took: Vec<u64> = sent.map(|sent| now.saturating_sub(sent)).collect();
            let count = took.len();
            self.took.lock().await.extend(took);
            self.arrived.fetch_add(count, Ordering::SeqCst);
            if stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.is_err() {
                return;
            }
        }
    }
}

/// One request or answer with `content-length`, or without a body. What follows stays in the buffer.
async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Vec<u8>> {
    loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = std::str::from_utf8(&buffer[..end]).ok()?;
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
            });
            let whole = end + 4 + length.unwrap_or(0);
            while buffer.len() < whole {
                if stream.read_buf(buffer).await.ok()? == 0 {
                    return None;
                }
            }
            let body = buffer[end + 4..whole].to_vec();
            buffer.drain(..whole);
            return Some(body);
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

pub struct Load {
    pub to: String,
    pub per_request: usize,
    pub destination: Destination,
}

impl Load {
    /// As much as it takes: every connection sends its next request when the last is answered.
    pub async fn saturate(&self, subject: &Subject, events: usize) -> Measured {
        self.run(subject, events, None).await
    }

    /// So many events a second, whatever the answers take.
    pub async fn at_rate(&self, subject: &Subject, per_second: f64, span: Duration) -> Measured {
        let events = (per_second * span.as_secs_f64()) as usize;
        self.run(subject, events, Some(per_second / self.per_request as f64)).await
    }

    async fn run(&self, subject: &Subject, events: usize, requests_per_second: Option<f64>) -> Measured {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let requests = events.div_ceil(self.per_request);
        let events = requests * self.per_request;
        self.destination.arrived.store(0, Ordering::SeqCst);
        self.destination.took.lock().await.clear();
        let (begun, cpu) = (Instant::now(), subject.cpu());
        let next = Arc::new(AtomicUsize::new(0));
        let senders: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                let (next, to, per_request) = (Arc::clone(&next), self.to.clone(), self.per_request);
                tokio::spawn(async move {
                    let address =
                        to.trim_start_matches("http://").split('/').next().expect("an address").to_owned();
                    let mut stream = TcpStream::connect(&address).await.expect("it listens");
                    let _ = stream.set_nodelay(true);
                    let (mut buffer, mut acks) = (Vec::new(), Vec::new());
                    loop {
                        let turn = next.fetch_add(1, Ordering::SeqCst);
                        if turn >= requests {
                            return acks;
                        }
                        if let Some(rate) = requests_per_second {
                            tokio::time::sleep_until(
                                (begun + Duration::from_secs_f64(turn as f64 / rate)).into(),
                            )
                            .await;
                        }
                        let number = NUMBER.fetch_add(per_request as u64, Ordering::SeqCst) as usize;
                        let request = request(&address, number, per_request);
                        let sent = Instant::now();
                        stream.write_all(&request).await.expect("it listens");
                        read(&mut stream, &mut buffer).await.expect("it answers");
                        acks.push(u64::try_from(sent.elapsed().as_micros()).unwrap_or(u64::MAX));
                    }
                })
            })
            .collect();
        let mut ack = Durations::default();
        for sender in senders {
            ack.0.extend(sender.await.expect("a sender does not fail"));
        }
        let sent = Instant::now();
        while self.destination.arrived.load(Ordering::SeqCst) < events {
            assert!(
                sent.elapsed() < DRAIN_TIME_MAX,
                "{} of {events} arrived",
                self.destination.arrived.load(Ordering::SeqCst)
            );
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let elapsed = begun.elapsed();
        let cpu = subject.cpu().saturating_sub(cpu);
        let end_to_end = Durations(std::mem::take(&mut *self.destination.took.lock().await));
        Measured { events, elapsed, cpu, ack, end_to_end }
    }
}

fn request(address: &str, number: usize, per_request: usize) -> Vec<u8> {
    let sent = micros();
    let body = match per_request {
        1 => event(number, sent),
        many => format!(
            "[{}]",
            (number..number + many).map(|number| event(number, sent)).collect::<Vec<_>>().join(",")
        ),
    };
    let head = format!(
        "POST /in/in HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body.as_bytes()].concat()
}
