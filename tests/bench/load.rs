//! The load and the counting destination. Both speak HTTP/1.1 by hand over kept connections, so that they take as little as possible
//! of the machine that they share with what is measured.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
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

/// Customers of the load. The customer 0 is nobody's but `Load::customer`'s.
const CUSTOMERS: usize = 1_000;

/// A canonical event of 1 KB of a customer, with the moment at which it was sent in it.
pub fn event(number: usize, customer: usize, sent_micros: u64) -> String {
    let time = Timestamp::from_millis(i64::try_from(sent_micros / 1_000).unwrap_or(0));
    format!(
        r#"{{"specversion":"1.0","id":"e{number}-{sent_micros}","type":"commerce.order.placed","source":"/bench","subject":"order/{number}","time":"{time}","data":{{"customer":{{"identifiers":[{{"namespace":"email","value":"c{customer}@example.com","authenticated":"asserted"}}],"traits":{{"given_name":"Rosa","family_name":"Neri","email":"c{customer}@example.com"}}}},"touchpoint":{{"channel":"web","mode":"online","locale":"it-IT"}},"order":{{"id":"{number}","number":"{number}","status":"open","currency":"EUR","total":{{"amount":"80.50","currency":"EUR"}},"subtotal":{{"amount":"70.00","currency":"EUR"}},"tax":{{"amount":"10.50","currency":"EUR"}},"lines":[{{"id":"1","product":{{"id":"p1","name":"Linen jacket","sku":"AUR-1"}},"quantity":"1","unit_price":{{"amount":"70.00","currency":"EUR"}},"total":{{"amount":"70.00","currency":"EUR"}}}}],"note":"{FILLING}"}},"vendor":{{"sent":"@{sent_micros:020}"}}}}}}"#
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

/// How a destination answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    Well,
    After(Duration),
    /// 503.
    Not,
    /// 503 to what is of the customer 0.
    NotTheFirst,
}

/// Counts what arrives, and how long it was under way.
#[derive(Clone)]
pub struct Destination {
    pub address: SocketAddr,
    answers: Arc<std::sync::Mutex<Answers>>,
    arrived: Arc<AtomicUsize>,
    took: Arc<Mutex<Vec<u64>>>,
}

impl Destination {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let this = Self {
            address: listener.local_addr().expect("it has an address"),
            answers: Arc::new(std::sync::Mutex::new(Answers::Well)),
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

    /// From now on.
    pub fn answer(&self, answers: Answers) {
        *self.answers.lock().expect("nobody panics with it") = answers;
    }

    pub fn arrived(&self) -> usize {
        self.arrived.load(Ordering::SeqCst)
    }

    async fn forget(&self) {
        self.arrived.store(0, Ordering::SeqCst);
        self.took.lock().await.clear();
    }

    async fn serve(self, mut stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let mut buffer = Vec::with_capacity(1 << 18);
        while let Some(body) = read(&mut stream, &mut buffer).await {
            let answers = *self.answers.lock().expect("nobody panics with it");
            if answers == Answers::Not || (answers == Answers::NotTheFirst && is_of_the_first(&body)) {
                let answer = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
                if stream.write_all(answer).await.is_err() {
                    return;
                }
                continue;
            }
            if let Answers::After(time) = answers {
                tokio::time::sleep(time).await;
            }
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

fn is_of_the_first(body: &[u8]) -> bool {
    let first = b"\"c0@example.com\"";
    body.windows(first.len()).any(|window| window == first)
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

#[derive(Clone)]
pub struct Load {
    pub to: SocketAddr,
    /// The channel that it comes in by.
    pub channel: &'static str,
    pub per_request: usize,
    /// All of it is of this customer.
    pub customer: Option<usize>,
    pub destination: Destination,
}

impl Load {
    pub const fn new(to: SocketAddr, destination: Destination) -> Self {
        Self { to, channel: "in", per_request: 1, customer: None, destination }
    }

    /// As much as it takes: every connection sends its next request when the last is answered.
    pub async fn saturate(&self, subject: &Subject, events: usize) -> Measured {
        self.run(subject, events, None).await
    }

    /// So many events a second, whatever the answers take.
    pub async fn at_rate(&self, subject: &Subject, per_second: f64, span: Duration) -> Measured {
        let events = (per_second * span.as_secs_f64()) as usize;
        self.run(subject, events, Some(per_second)).await
    }

    async fn run(&self, subject: &Subject, events: usize, per_second: Option<f64>) -> Measured {
        let events = events.div_ceil(self.per_request) * self.per_request;
        self.destination.forget().await;
        let streams = self.connect().await;
        let (begun, cpu) = (Instant::now(), subject.cpu());
        let ack = self.send_over(streams, events, per_second).await;
        let sent = Instant::now();
        while self.destination.arrived() < events {
            let arrived = self.destination.arrived();
            assert!(sent.elapsed() < DRAIN_TIME_MAX, "{arrived} of {events} arrived");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let elapsed = begun.elapsed();
        let cpu = subject.cpu().saturating_sub(cpu);
        let end_to_end = Durations(std::mem::take(&mut *self.destination.took.lock().await));
        Measured { events, elapsed, cpu, ack, end_to_end }
    }

    /// Resolves when all are acknowledged, with how long that took for each request.
    pub async fn send(&self, events: usize, per_second: Option<f64>) -> Durations {
        self.send_over(self.connect().await, events, per_second).await
    }

    /// One after another: where more come at once than a server has yet taken, some of them wait for a second.
    async fn connect(&self) -> Vec<TcpStream> {
        let mut streams = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            let stream = TcpStream::connect(self.to).await.expect("it listens");
            let _ = stream.set_nodelay(true);
            streams.push(stream);
        }
        streams
    }

    async fn send_over(&self, streams: Vec<TcpStream>, events: usize, per_second: Option<f64>) -> Durations {
        let requests = events.div_ceil(self.per_request);
        let requests_per_second = per_second.map(|rate| rate / self.per_request as f64);
        let (begun, next) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
        let senders: Vec<_> = streams
            .into_iter()
            .map(|mut stream| {
                let (next, this) = (Arc::clone(&next), self.clone());
                tokio::spawn(async move {
                    let (mut buffer, mut acks) = (Vec::new(), Vec::new());
                    loop {
                        let turn = next.fetch_add(1, Ordering::SeqCst);
                        if turn >= requests {
                            return acks;
                        }
                        if let Some(rate) = requests_per_second {
                            let at = begun + Duration::from_secs_f64(turn as f64 / rate);
                            tokio::time::sleep_until(at.into()).await;
                        }
                        let request = this.request();
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
        ack
    }

    fn request(&self) -> Vec<u8> {
        static NUMBER: AtomicUsize = AtomicUsize::new(1);
        let Self { to, channel, per_request, customer, .. } = self;
        let (first, sent) = (NUMBER.fetch_add(*per_request, Ordering::SeqCst), micros());
        let event = |number| event(number, customer.unwrap_or(1 + number % (CUSTOMERS - 1)), sent);
        let body = match per_request {
            1 => event(first),
            many => format!("[{}]", (first..first + many).map(event).collect::<Vec<_>>().join(",")),
        };
        let head = format!(
            "POST /in/{channel} HTTP/1.1\r\nhost: {to}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        [head.as_bytes(), body.as_bytes()].concat()
    }
}
