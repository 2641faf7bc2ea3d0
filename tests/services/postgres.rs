//! The database that tests work in: named by `SNODO_TEST_POSTGRES_URL`, else on its usual port, else one of Debian's packages. It
//! is shared: each test has tables of its own. Where that is not enough, a server of the test's own.

use std::fs::Permissions;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{PATIENCE, certificate, install, run};

pub struct Shared {
    pub address: SocketAddr,
    pub user: String,
    pub database: String,
    /// Where it is one of the tests' own.
    _server: Option<Own>,
}

static SHARED: LazyLock<Shared> = LazyLock::new(|| {
    if let Ok(url) = std::env::var("SNODO_TEST_POSTGRES_URL") {
        let parsed: snodo_core::declare::channel::DatabaseUrl =
            url.parse().unwrap_or_else(|error| panic!("SNODO_TEST_POSTGRES_URL {error}"));
        let address = (parsed.host.as_str(), parsed.port).to_socket_addrs().unwrap().next().unwrap();
        return Shared { address, user: parsed.user, database: parsed.database, _server: None };
    }
    let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, 5432));
    let (user, database) = ("postgres".to_owned(), "postgres".to_owned());
    if TcpStream::connect(usual).is_ok() {
        return Shared { address: usual, user, database, _server: None };
    }
    let own = Own::start("trust");
    Shared { address: own.address, user, database, _server: Some(own) }
});

pub fn shared() -> &'static Shared {
    &SHARED
}

pub fn url() -> &'static str {
    static URL: LazyLock<String> = LazyLock::new(|| {
        let Shared { address, user, database, .. } = shared();
        format!("postgres://{user}@{address}/{database}")
    });
    &URL
}

/// A server with TLS, whose certificate nobody signed but itself. Its user `postgres` has the password `hush`.
pub struct Own {
    child: Child,
    pub folder: TempDir,
    pub address: SocketAddr,
}

impl Own {
    /// `method` is how it lets users in: a word of pg_hba.conf.
    pub fn start(method: &str) -> Self {
        let programs = programs();
        let folder = tempfile::tempdir().unwrap();
        // A server refuses to be root.
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        std::fs::write(folder.path().join("password"), "hush\n").unwrap();
        certificate::write(folder.path());
        let own = |path: &Path| run(Command::new("chown").args(["-R", "postgres"]).arg(path));
        own(&data);
        own(&folder.path().join("key.pem"));
        let path = |name: &str| folder.path().join(name).display().to_string();
        run(as_postgres(&programs.join("initdb")).args([
            "--no-sync",
            "-U",
            "postgres",
            "-A",
            method,
            "--pwfile",
            &path("password"),
            "-D",
            &path("data"),
        ]));
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = port.local_addr().unwrap();
        drop(port);
        let settings = [
            format!("port={}", address.port()),
            "listen_addresses=localhost".to_owned(),
            "unix_socket_directories=".to_owned(),
            "fsync=off".to_owned(),
            "ssl=on".to_owned(),
            format!("ssl_cert_file={}", path("cert.pem")),
            format!("ssl_key_file={}", path("key.pem")),
        ];
        let mut command = as_postgres(&programs.join("postgres"));
        command.args(["-D", &path("data")]);
        settings.iter().for_each(|setting| _ = command.args(["-c", setting]));
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let this = Self { child, folder, address };
        let begun = Instant::now();
        let mut ask = Command::new(programs.join("pg_isready"));
        ask.args(["--quiet", "--host", "localhost", "--port", &address.port().to_string()]);
        while !ask.status().is_ok_and(|status| status.success()) {
            assert!(begun.elapsed() < PATIENCE, "no PostgreSQL at {address}");
            std::thread::sleep(Duration::from_millis(20));
        }
        this
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let pid = i32::try_from(self.child.id()).unwrap();
        // SAFETY: a signal to a child that has not been waited for. This one makes it end its own children.
        unsafe { libc::kill(pid, libc::SIGINT) };
        let _ = self.child.wait();
    }
}

/// The folder of `initdb` and `postgres`; installed if this is root and they are missing.
fn programs() -> PathBuf {
    let find = || {
        let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        versions.map(|version| version.path().join("bin")).find(|bin| bin.join("initdb").exists())
    };
    find().unwrap_or_else(|| {
        install("postgresql");
        find().expect("the package brings it")
    })
}

fn as_postgres(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
    command.stdin(Stdio::null()).current_dir("/");
    command
}
