//! The SDKs in JavaScript and Python, tested in their own languages: each reads what `plugin-sdk/readings.json` says. What they
//! make of it in a component is for the module `kit`.

use std::path::Path;

use crate::doors::with_tools;

fn fine(program: &str, args: &[&str]) {
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugin-sdk");
    let mut command = with_tools(program);
    // Python would leave its bytecode beside the sources.
    let output = command.args(args).current_dir(sdk).env("PYTHONDONTWRITEBYTECODE", "1").output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", said(&output.stdout), said(&output.stderr));
}

#[test]
fn javascript_reads_what_rust_reads() {
    fine("node", &["--test", "javascript/readings.test.mjs"]);
}

#[test]
fn python_reads_what_rust_reads() {
    fine("python3", &["python/readings_test.py"]);
}
