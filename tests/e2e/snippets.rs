//! What connectors bring for web pages, each by its own tests.

use std::path::Path;
use std::process::Stdio;

use crate::doors::with_tools;

#[test]
fn the_snippets_for_pages_pass_their_own_tests() {
    // Named one by one: what Node.js makes of a folder differs from version to version.
    for test in ["web/snippet/snodo.test.mjs", "xr-session/snippet/snodo-xr.test.js"] {
        let connectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../connectors");
        let mut command = with_tools("node");
        command.args(["--test", "--test-reporter=tap", test]).current_dir(connectors);
        let output = command.env_remove("NODE_OPTIONS").stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        let passed = said.lines().find_map(|line| line.strip_prefix("# pass ")?.parse::<u32>().ok());
        assert!(passed > Some(0), "{said}");
    }
}
