//! What is measured: the hub or the bare forwarder, each a process of its own, so that its processor time and memory are its own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const START_TIME_MAX: Duration = Duration::from_secs(60);

pub struct Subject {
    pub address: SocketAddr,
    child: Child,
    _folder: TempDir,
}

/// What comes in at one channel of a hub goes out at another: canonical events in, a webhook out, everything durable.
pub struct Way {
    pub from: &'static str,
    pub to: &'static str,
    pub destination: SocketAddr,
    pub per_request: usize,
    /// Requests under way at one time.
    pub concurrent: usize,
}

impl Way {
    pub const fn new(from: &'static str, to: &'static str, destination: SocketAddr) -> Self {
        Self { from, to, destination, per_request: 1, concurrent: super::bare::CONCURRENT }
    }
}

impl Subject {
    /// The built hub with one way through it.
    pub fn hub(destination: SocketAddr, per_request: usize) -> Self {
        Self::hub_of(&[Way { per_request, ..Way::new("in", "out", destination) }], "", &[])
    }

    /// The built hub, with `more` at the end of its `hub.toml`, and further files.
    pub fn hub_of(ways: &[Way], more: &str, files: &[(&str, String)]) -> Self {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let address = free();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("it is in the folder")).expect("there is room");
            std::fs::write(path, text).expect("there is room");
        };
        let hub = format!(
            "company = \"bench\"\nlisten = \"{address}\"\n[log]\nlevel = \"warn\"\n\
             [purposes.orders]\ntitle = \"Orders\"\nbasis = \"contract\"\n{more}"
        );
        write("hub.toml", &hub);
        files.iter().for_each(|(path, text)| write(path, text));
        let head = "title = \"Bench\"\nowner = \"Bench\"\npurpose = \"Measure\"\n";
        for Way { from, to, destination, per_request, concurrent } in ways {
            let channel_in = format!(
                "{head}connector = \"canonical\"\n[receive]\ntransport = \"http\"\nverify = {{ scheme = \"none\" }}\n"
            );
            write(&format!("channels/{from}.toml"), &channel_in);
            let channel_out = format!(
                "{head}connector = \"webhook\"\n[send]\ntransport = \"http\"\nhosts = [\"127.0.0.1\"]\nprivate_networks = true\n\
                 concurrent = {concurrent}\nsign.scheme = \"none\"\n\
                 [config]\nurl = \"http://{destination}/\"\nevents_per_request_max = {per_request}\n"
            );
            write(&format!("channels/{to}.toml"), &channel_out);
            let route = format!(
                "title = \"All\"\nfrom = [\"{from}\"]\nevents = [\"*\"]\nto = \"{to}\"\npurpose = \"orders\"\n"
            );
            write(&format!("routes/to-{to}.toml"), &route);
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_snodo"));
        command.arg("--config").arg(folder.path()).arg("run");
        Self::start(command, address, folder)
    }

    /// The same server and client code, with a queue in memory between them.
    pub fn bare(destination: SocketAddr, _: usize) -> Self {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let address = free();
        let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
        command.args(["--bare", &destination.to_string()]).env("BENCH_LISTEN", address.to_string());
        Self::start(command, address, folder)
    }

    fn start(mut command: Command, address: SocketAddr, folder: TempDir) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("it starts");
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(begun.elapsed() < START_TIME_MAX, "it did not listen in time");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { address, child, _folder: folder }
    }

    /// Processor time so far, in user and kernel (proc(5), stat: fields 14 and 15, in clock ticks).
    pub fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("it runs");
        let fields: Vec<&str> =
            stat.rsplit_once(')').expect("a name in brackets").1.split_whitespace().collect();
        let ticks: u64 = [11, 12].iter().map(|at| fields[*at].parse::<u64>().expect("a number")).sum();
        // SAFETY: asks for a number.
        let per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
        Duration::from_secs_f64(ticks as f64 / per_second as f64)
    }

    /// The most memory that it ever held (proc(5), status).
    pub fn peak_mb(&self) -> f64 {
        self.memory_mb("VmHWM:")
    }

    /// The memory that it holds.
    pub fn now_mb(&self) -> f64 {
        self.memory_mb("VmRSS:")
    }

    fn memory_mb(&self, field: &str) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("Linux tells");
        line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number") / 1024.0
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port");
    listener.local_addr().expect("it has an address")
}
