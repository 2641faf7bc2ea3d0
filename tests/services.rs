//! The services that tests work with: named by an environment variable, else on their usual port, else started from Debian's
//! packages. They are shared: each test uses names of its own. Part of every test binary that needs them.

use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

#[path = "services/certificate.rs"]
pub mod certificate;
#[path = "services/postgres.rs"]
pub mod postgres;

/// The slowest machine that runs these tests needs far less; it only bounds how long a failure takes.
const PATIENCE: Duration = Duration::from_secs(60);

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

pub fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

pub fn answers(address: SocketAddr) {
    let begun = Instant::now();
    while TcpStream::connect(address).is_err() {
        assert!(begun.elapsed() < PATIENCE, "nobody answers at {address}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
