//! The first of README's two commands.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::company::{get, snodo};

#[test]
fn the_demo_accounts_for_everything() {
    let output = snodo().arg("demo").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    // The story: every touchpoint, the stranger, the systems that are told, the timeline over all channels, the ledger.
    for part in [
        "with 17 channels and 8 routes",
        "Anna orders a jacket and a scarf",
        "401 Unauthorized",
        "and the till writes it down",
        "The CRM has 2 contacts, 3 deals and 3 links",
        "The newsletter was told of 3 events",
        "The service desk has 2 tickets more, and the staff chat 3 messages",
        "hashes in place of names: 1.",
        "0 requests were refused",
        "shop-online   commerce.order.placed",
        "shop-online   commerce.refund.issued",
        "shop-milan    pos.sale.completed",
        "website       commerce.product.viewed",
        "showroom      xr.product.tried_on",
        "mailings      message.opened",
        "whatsapp      social.dm.received",
        "assistant     bot.conversation.handover_requested",
        "survey        voc.score.recorded",
        "support       contactcentre.ticket.created",
        "partner-data  thirdparty.attribute.appended",
        "delivered                 38",
        "suppressed                 5",
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
    assert_eq!(families_without_a_channel(&place, &look(&["connector", "list", "--json"])), BTreeSet::new());

    let pid = i32::try_from(child.id()).unwrap();
    // SAFETY: a signal to a child that has not been waited for.
    assert_eq!(unsafe { libc::kill(pid, libc::SIGINT) }, 0);
    // The rest of what it says, so that it never waits for a reader.
    lines.for_each(drop);
    assert!(child.wait().unwrap().success());
    assert!(look(&["balance"]).contains("difference"));
}

/// What the catalogue joins and the company at this place does not use. Its ads are Meta's, which counts as social.
fn families_without_a_channel(place: &Path, catalogue: &str) -> BTreeSet<String> {
    let catalogue: BTreeMap<String, String> = catalogue
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .map(|one: Value| (one["name"].as_str().unwrap().into(), one["touchpoint"].as_str().unwrap().into()))
        .collect();
    let mut families: BTreeSet<String> = catalogue.values().cloned().collect();
    for entry in std::fs::read_dir(place.join("channels")).unwrap() {
        let channel = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let channel: toml::Table = channel.parse().unwrap();
        let connector = channel["connector"].as_str().unwrap();
        families.remove(&catalogue[connector]);
        if connector == "meta" && channel.contains_key("send") {
            families.remove("advertising");
        }
    }
    families
}
