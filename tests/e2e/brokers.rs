//! The brokers that tests talk with: named by an environment variable, else on their usual port, else started from Debian's packages.
//! They are shared: each test uses names of its own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::company::{Company, PATIENCE, get};

static MQTT: LazyLock<SocketAddr> = LazyLock::new(|| service("SNODO_TEST_MQTT_URL", 1883, "mosquitto"));
static AMQP: LazyLock<SocketAddr> = LazyLock::new(|| service("SNODO_TEST_AMQP_URL", 5672, "rabbitmq-server"));

/// An MQTT 5 broker that lets anybody in.
pub fn mqtt() -> SocketAddr {
    *MQTT
}

/// A RabbitMQ that lets `guest` in.
pub fn amqp() -> SocketAddr {
    *AMQP
}

/// `{scheme}://host:port` in the variable, or this machine.
fn service(variable: &str, port: u16, package: &str) -> SocketAddr {
    let named = std::env::var(variable).ok();
    let authority = match &named {
        Some(url) => {
            url.split("://").last().unwrap().rsplit('@').next().unwrap().trim_end_matches('/').to_owned()
        }
        None => format!("127.0.0.1:{port}"),
    };
    let address =
        authority.to_socket_addrs().unwrap_or_else(|error| panic!("{variable}: {error}")).next().unwrap();
    if named.is_none() && TcpStream::connect(address).is_err() {
        install(package);
        run(Command::new("service").args([package, "start"]));
        answers(address);
    }
    address
}

/// A program of Debian's; installed if this is root and it is missing.
pub fn install(package: &str) {
    let there =
        Command::new("dpkg").args(["-s", package]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if there.is_ok_and(|status| status.success()) {
        return;
    }
    // SAFETY: asks for a number.
    let is_root = unsafe { libc::geteuid() } == 0;
    assert!(is_root, "{package} is missing: install it, or name one that runs in an environment variable");
    run(Command::new("apt-get").arg("update"));
    run(Command::new("apt-get").args(["install", "--yes", "--no-install-recommends", package]));
}

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn answers(address: SocketAddr) {
    let begun = Instant::now();
    while TcpStream::connect(address).is_err() {
        assert!(begun.elapsed() < PATIENCE, "nobody answers at {address}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A name that nobody else has.
pub fn own_name(what: &str) -> String {
    format!("snodo-test-{what}-{}", &uuid::Uuid::new_v4().simple().to_string()[..12])
}

/// Waits until the hub has the connection so many times.
pub async fn connected(company: &Company, channel: &str, transport: &str, times: usize) {
    let line = format!(
        "snodo_connections_total{{channel=\"{channel}\",transport=\"{transport}\",result=\"up\"}} {times}\n"
    );
    until(&line, || get(company.address, "/metrics").is_some_and(|(_, metrics)| metrics.contains(&line)))
        .await;
}

pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what}: not in time");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A Mosquitto of the test's own, with a user, rights and TLS. Stopped when dropped.
pub struct Guarded {
    child: Child,
    pub folder: TempDir,
    pub plain: SocketAddr,
    pub tls: SocketAddr,
}

impl Guarded {
    /// `rights` are lines of an ACL file.
    pub fn start(user: &str, password: &str, rights: &str) -> Self {
        install("mosquitto");
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        run(Command::new("mosquitto_passwd").args(["-b", "-c", &path("passwords"), user, password]));
        std::fs::write(path("rights"), rights).unwrap();
        certificate(folder.path());
        let [plain, tls] = [(); 2].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
        let [plain, tls] = [plain, tls].map(|listener| listener.local_addr().unwrap());
        let text = format!(
            "user root\nallow_anonymous false\npassword_file {}\nacl_file {}\nlistener {} 127.0.0.1\nlistener {} 127.0.0.1\n\
             certfile {}\nkeyfile {}\n",
            path("passwords"),
            path("rights"),
            plain.port(),
            tls.port(),
            path("cert.pem"),
            path("key.pem")
        );
        std::fs::write(path("mosquitto.conf"), text).unwrap();
        let program = ["/usr/sbin/mosquitto", "mosquitto"].into_iter().find(|one| Path::new(one).exists());
        let mut command = Command::new(program.unwrap_or("mosquitto"));
        let quiet = command.args(["-c", &path("mosquitto.conf")]).stdout(Stdio::null()).stderr(Stdio::null());
        let child = quiet.stdin(Stdio::null()).spawn().unwrap();
        let this = Self { child, folder, plain, tls };
        answers(plain);
        answers(tls);
        this
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A certificate for this machine that nobody signed but itself.
fn certificate(folder: &Path) {
    run(Command::new("openssl").current_dir(folder).args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost,IP:127.0.0.1",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
        "-keyout",
        "key.pem",
        "-out",
        "cert.pem",
    ]));
}
