//! The `snodo` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    snodo::cli::main()
}
