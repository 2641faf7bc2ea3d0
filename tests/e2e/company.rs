//! A company for a test: its declarations in a folder of its own, and the built hub running on them.

use std::collections::BTreeSet;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The slowest machine that runs these tests needs far less; it only bounds how long a failure takes.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct Company {
    folder: TempDir,
    pub address: SocketAddr,
}

impl Company {
    /// A hub without channels. `purposes` are there: `orders` (contract), `news` (consent).
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let company = Self { folder, address: free_address() };
        company.write(
            "hub.toml",
            &format!(
                "company = \"test\"\nlisten = \"{}\"\n[retry]\ndelays = [\"200ms\", \"500ms\", \"1s\", \"2s\", \"5s\", \"10s\"]\n\
                 [log]\nlevel = \"warn\"\n\
                 [purposes.orders]\ntitle = \"Orders\"\nbasis = \"contract\"\n[purposes.news]\ntitle = \"News\"\nbasis = \"consent\"\n",
                company.address
            ),
        );
        company
    }

    /// A hub that takes orders from a shop and posts them to a receiver of the test.
    pub fn with_orders_to(crm: SocketAddr) -> Self {
        let company = Self::new();
        company.canonical_in("shop");
        company.webhook_out("crm", crm);
        company.route("orders", "shop", "crm", "");
        company
    }

    /// The waits between the attempts of a delivery.
    pub fn retry_after(&self, delays: &[&str]) {
        let hub = std::fs::read_to_string(self.path("hub.toml")).unwrap();
        let (before, rest) = hub.split_once("delays = ").unwrap();
        let (_, after) = rest.split_once('\n').unwrap();
        self.write("hub.toml", &format!("{before}delays = {delays:?}\n{after}"));
    }

    /// A channel that takes canonical events over unsigned http.
    pub fn canonical_in(&self, name: &str) {
        self.channel(
            name,
            "connector = \"canonical\"\n[receive]\ntransport = \"http\"\nverify = { scheme = \"none\" }\n",
        );
    }

    /// A channel that posts each event to a receiver of the test.
    pub fn webhook_out(&self, name: &str, receiver: SocketAddr) {
        self.channel(
            name,
            &format!(
                "connector = \"webhook\"\n[send]\ntransport = \"http\"\nhosts = [\"127.0.0.1\"]\nprivate_networks = true\n\
                 concurrent = 16\nsign.scheme = \"none\"\n[config]\nurl = \"http://{receiver}/\"\n"
            ),
        );
    }

    pub fn channel(&self, name: &str, rest: &str) {
        let head = format!("title = \"{name}\"\nowner = \"Test team\"\npurpose = \"A test\"\n");
        self.write(&format!("channels/{name}.toml"), &(head + rest));
    }

    pub fn route(&self, name: &str, from: &str, to: &str, rest: &str) {
        let purpose = if rest.contains("purpose") { "" } else { "purpose = \"orders\"\n" };
        let events = if rest.contains("events") { "" } else { "events = [\"*\"]\n" };
        let text = format!("title = \"{name}\"\nfrom = [\"{from}\"]\nto = \"{to}\"\n{purpose}{events}{rest}");
        self.write(&format!("routes/{name}.toml"), &text);
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// A command of the built hub.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = snodo();
        command.arg("--config").arg(self.folder.path()).args(args);
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// What a command prints with `--json`, line by line.
    pub fn json(&self, args: &[&str]) -> Vec<Value> {
        let output = self.run(&[args, &["--json"]].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        let lines = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{args:?}: {line}")));
        let lines: Vec<Value> = lines.collect();
        assert!(output.status.code() != Some(3), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        lines
    }

    pub fn balance(&self) -> Value {
        self.json(&["balance"]).remove(0)
    }

    /// Starts the hub and waits until it is ready.
    pub fn start(&self) -> Hub {
        self.start_as(self.command(&["run"]))
    }

    /// The same with a command that was changed.
    pub fn start_as(&self, mut command: Command) -> Hub {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        // A hub that nobody listens to would wait once it has said much.
        let mut said = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut text = String::new();
            said.read_to_string(&mut text).map(|_| text)
        });
        let mut hub = Hub { child, log: Some(log), address: self.address };
        let begun = Instant::now();
        while get(self.address, "/readyz").is_none_or(|(status, _)| status != 200) {
            if let Some(status) = hub.child.try_wait().unwrap() {
                panic!("the hub ended with {status}: {}", hub.errors());
            }
            assert!(begun.elapsed() < PATIENCE, "the hub was not ready in time");
            std::thread::sleep(Duration::from_millis(5));
        }
        hub
    }

    /// Waits until every accepted message has been decoded and every delivery has its fate, for as long as it goes on.
    pub fn settled(&self) -> Value {
        let (mut moved, mut left) = (Instant::now(), Value::Null);
        loop {
            let looked = Instant::now();
            let balance = self.balance();
            let waiting = json!([balance["messages"]["pending"], balance["in_flight"]]);
            if waiting == json!([0, 0]) {
                return balance;
            }
            if waiting != left {
                (moved, left) = (looked, waiting);
            }
            assert!(moved.elapsed() < PATIENCE, "not everything was settled in time: {balance}");
            // All rows are counted: with many of them that is work, which the hub has to do, too.
            std::thread::sleep(looked.elapsed().max(Duration::from_millis(20)));
        }
    }
}

/// Where nobody listens, and no other company of this process will. The system alone would give a port once more until a hub is there.
fn free_address() -> SocketAddr {
    static GIVEN: Mutex<BTreeSet<SocketAddr>> = Mutex::new(BTreeSet::new());
    loop {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = port.local_addr().unwrap();
        if GIVEN.lock().unwrap().insert(address) {
            return address;
        }
    }
}

/// The built hub.
pub fn snodo() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_snodo"));
    command.env_remove("RUST_LOG").env_remove("SNODO_CONFIG").stdin(Stdio::null());
    command
}

/// A running hub. Dropped, it is killed.
pub struct Hub {
    child: Child,
    log: Option<JoinHandle<std::io::Result<String>>>,
    pub address: SocketAddr,
}

impl Hub {
    /// As a power cut would, but for what the kernel has already.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// What the kernel says that it has in memory (`VmRSS`).
    pub fn memory_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() << 10
    }

    pub fn signal(&self, signal: i32) {
        let pid = i32::try_from(self.child.id()).unwrap();
        // SAFETY: a signal to a child that has not been waited for.
        assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
    }

    /// As a service manager does: politely. The log of its life.
    pub fn stop(mut self) -> String {
        self.signal(libc::SIGTERM);
        let errors = self.errors();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "the hub ended with {status}: {errors}");
        errors
    }

    /// Everything it still says until it ends.
    fn errors(&mut self) -> String {
        self.log.take().unwrap().join().unwrap().unwrap()
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // Of a test that has failed it may tell why.
        if std::thread::panicking() && self.log.is_some() {
            eprintln!("{}", self.errors());
        }
    }
}

/// Everything that was accepted is accounted for.
pub fn balanced(balance: &Value) {
    for difference in ["difference", "messages_difference", "events_difference"] {
        assert_eq!(balance[difference], 0, "{balance}");
    }
}

/// A request without any client library: status and body; `None` if nobody answers.
pub fn get(address: SocketAddr, path: &str) -> Option<(u16, String)> {
    use std::io::Write;
    let mut stream = std::net::TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    let status = text.split(' ').nth(1)?.parse().ok()?;
    let body = text.split_once("\r\n\r\n")?.1.to_owned();
    Some((status, body))
}

/// The corpora, where they are at hand: beside the repository.
pub fn corpora(part: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora").join(part);
    path.is_dir().then_some(path)
}
