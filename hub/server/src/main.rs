//! The `snodo` binary.

use std::process::ExitCode;

/// Several threads hand small buffers to each other all the time, which the system's allocator is slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    snodo::cli::main()
}
