//! The first of README's two commands.

use std::process::Stdio;

use crate::company::{get, snodo};

#[test]
fn the_demo_accounts_for_everything() {
    let output = snodo().arg("demo").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    // The story: the web shop, the stranger, the till, the CRM, the timeline over both channels, the ledger.
    for part in [
        "Anna orders a jacket and a scarf",
        "401 Unauthorized",
        "and the till writes it down",
        "The CRM has 2 contacts, 3 deals and 3 links",
        "shop-online",
        "commerce.order.placed",
        "shop-milan",
        "pos.sale.completed",
        "commerce.refund.issued",
        "delivered                 17",
        "suppressed                 4",
        "Next:",
    ] {
        assert!(text.contains(part), "{part:?} is missing in:\n{text}");
    }
    assert!(text.contains("dead                       0"), "a delivery of the demo was refused:\n{text}");
    let differences: Vec<&str> =
        text.lines().filter_map(|line| line.trim().strip_prefix("difference")).collect();
    assert_eq!(differences.len(), 3, "{text}");
    assert!(differences.iter().all(|number| number.trim() == "0"), "{text}");
}

#[test]
fn a_kept_demo_can_be_looked_into_and_started_again() {
    use std::io::{BufRead, BufReader};
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("aurora");
    let mut child = snodo().args(["demo", "--keep"]).arg(&place).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let address = lines
        .by_ref()
        .find_map(|line| Some(line.strip_prefix("The hub listens on ")?.split(',').next()?.parse().unwrap()));
    assert!(lines.any(|line| line.contains("until you press Ctrl-C")), "the demo ended early");

    let look = |args: &[&str]| {
        let output = snodo().arg("--config").arg(&place).args(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(get(address.unwrap(), "/readyz").unwrap().0, 200);
    assert!(look(&["timeline", "email:anna.rossi@example.com"]).contains("pos.sale.completed"));
    assert!(look(&["quarantine", "list"]).contains("shop-online"));
    assert!(look(&["check"]).contains("No mistakes"));

    let pid = i32::try_from(child.id()).unwrap();
    // SAFETY: a signal to a child that has not been waited for.
    assert_eq!(unsafe { libc::kill(pid, libc::SIGINT) }, 0);
    // The rest of what it says, so that it never waits for a reader.
    lines.for_each(drop);
    assert!(child.wait().unwrap().success());
    assert!(look(&["balance"]).contains("difference"));
}
