//! The `snodo` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    few_arenas();
    snodo::cli::main()
}

/// Batches move from thread to thread, and glibc keeps what each thread has freed apart from the others: with one arena a
/// thread the hub would hold several times what it uses.
fn few_arenas() {
    #[cfg(target_env = "gnu")]
    // SAFETY: sets a parameter of the allocator, before there is another thread.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 2);
    }
}
