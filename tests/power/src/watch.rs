//! Starts a process under watch. The library that does it is built when it is first needed.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The folder that is watched.
pub const DIRECTORY: &str = "SNODO_POWER_DIRECTORY";
/// The file that the journal goes to.
pub const JOURNAL: &str = "SNODO_POWER_JOURNAL";
/// The process is killed when the journal has so many operations.
pub const KILL_AT: &str = "SNODO_POWER_KILL_AT";
/// The process is killed when it would hear of a sync that failed.
pub const KILL_AT_FAILED_SYNC: &str = "SNODO_POWER_KILL_AT_FAILED_SYNC";
/// Which syncs fail, by their numbers: `3-5` are the third and the fourth.
pub const FAIL_SYNCS: &str = "SNODO_POWER_FAIL_SYNCS";
/// How many bytes fit into the folder.
pub const ROOM: &str = "SNODO_POWER_ROOM";

/// How a process is watched.
#[derive(Default)]
pub struct Watch {
    pub kill_at: Option<u64>,
    pub kill_at_failed_sync: bool,
    pub fail_syncs: Option<Range<u64>>,
    pub room_bytes: Option<u64>,
}

impl Watch {
    /// Has the process that the command starts watched.
    pub fn over(&self, command: &mut Command, directory: &Path, journal: &Path) {
        command.env("LD_PRELOAD", library()).env(DIRECTORY, directory).env(JOURNAL, journal);
        if let Some(operations) = self.kill_at {
            command.env(KILL_AT, operations.to_string());
        }
        if self.kill_at_failed_sync {
            command.env(KILL_AT_FAILED_SYNC, "1");
        }
        if let Some(Range { start, end }) = &self.fail_syncs {
            command.env(FAIL_SYNCS, format!("{start}-{end}"));
        }
        if let Some(bytes) = self.room_bytes {
            command.env(ROOM, bytes.to_string());
        }
    }
}

/// The cargo that runs a test may hold the lock of its target directory, so this one has its own beside the test's binary.
fn library() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let test = std::env::current_exe().expect("a test knows where it is");
        let target = test.ancestors().nth(2).expect("a test lies in a folder of its profile").join("power");
        let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args([
                "build",
                "--release",
                "--locked",
                "--package",
                env!("CARGO_PKG_NAME"),
                "--example",
                "shim",
            ])
            .arg("--target-dir")
            .arg(&target)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("cargo can be started");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "failed to build the library that watches a process\n{said}");
        target.join("release/examples/libshim.so")
    })
}
