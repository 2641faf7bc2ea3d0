//! A certificate for this machine that nobody signed but itself.

use std::path::Path;
use std::process::{Command, Stdio};

/// Writes `cert.pem` and `key.pem`.
pub fn write(folder: &Path) {
    let output = Command::new("openssl")
        .current_dir(folder)
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
        .args(["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", "key.pem", "-out", "cert.pem"])
        .stdin(Stdio::null())
        .output()
        .expect("openssl makes the certificates of these tests: install it");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
