//! What tests with brokers have in common: each uses names of its own at the shared ones, or a broker of its own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::company::{Company, PATIENCE, get};
use crate::services::{answers, certificate, install, run};

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
        certificate::write(folder.path());
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
