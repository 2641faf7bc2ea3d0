//! What the destinations send, held against the vendors' own libraries: each request of a golden case is made again with the library, and
//! nothing of it may differ. Where no registry has a library, or it takes any body, the request is held against the vendor's page. A
//! comparison that a misspelt name passes is none: every name is misspelt once, and each of those requests has to be refused.

mod difference;
mod golden;
mod misspelt;
mod pages;
mod place;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;

use crate::doors::{environment, install, node, run, with_tools};
use difference::{Difference, differences};
use golden::{Request, all_requests, manifest, requests};
use misspelt::misspelt;
use pages::{LIMITS, PAGES, mistakes};

struct Vendor {
    connector: &'static str,
    library: Library,
    speaks: Speaks,
    /// Below here the names are the customer's own, or the library looks at nothing.
    free: &'static [&'static str],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Library {
    Node,
    Python,
}

/// How the library sends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Speaks {
    /// As the connector does: the media type and the form of the credential are compared, too.
    Alike,
    /// By gRPC, as a form, or with the credential elsewhere.
    Otherwise,
}

const VENDORS: [Vendor; 11] = [
    Vendor { connector: "google-ads", library: Library::Python, speaks: Speaks::Otherwise, free: &[] },
    Vendor {
        connector: "hubspot",
        library: Library::Python,
        speaks: Speaks::Alike,
        free: &["/inputs/*/properties/**"],
    },
    Vendor {
        connector: "klaviyo",
        library: Library::Python,
        speaks: Speaks::Alike,
        free: &["/data/attributes/properties/**"],
    },
    // The library takes any body: its page says what may be in it.
    Vendor { connector: "mailchimp", library: Library::Python, speaks: Speaks::Alike, free: &["/**"] },
    Vendor { connector: "meta", library: Library::Python, speaks: Speaks::Otherwise, free: &[] },
    // With AWS's library, for its S3: which store it is, and how a request is signed, is the channel's matter.
    Vendor { connector: "parquet", library: Library::Python, speaks: Speaks::Otherwise, free: &["/**"] },
    Vendor { connector: "salesforce", library: Library::Node, speaks: Speaks::Alike, free: &[] },
    Vendor { connector: "shopify", library: Library::Node, speaks: Speaks::Alike, free: &[] },
    Vendor { connector: "slack", library: Library::Python, speaks: Speaks::Alike, free: &[] },
    Vendor { connector: "square", library: Library::Python, speaks: Speaks::Alike, free: &[] },
    Vendor { connector: "twilio", library: Library::Python, speaks: Speaks::Alike, free: &[] },
];

/// Destinations that are no vendor's: the brand's own receivers, files, tables, devices.
const OURS: [&str; 8] = ["canonical", "csv", "iot", "mail", "postgresql", "webhook", "xml", "xr-session"];

static PYTHON: LazyLock<PathBuf> =
    LazyLock::new(|| install("vendors", "vendors.txt", |folder| environment(folder, "vendors.txt")));

/// Shopify's schemas. The package that brings them is a program with much around it, of which nothing else is wanted.
static SCHEMAS: LazyLock<PathBuf> = LazyLock::new(|| {
    install("shopify-schemas", "shopify-schemas.txt", |folder| {
        let package = std::fs::read_to_string(folder.join("shopify-schemas.txt")).unwrap();
        let packed = run(with_tools("npm").args(["pack", "--silent", package.trim()]).current_dir(folder));
        let unpack = ["-xzf", packed.trim(), "--strip-components=3", "package/dist/data"];
        run(Command::new("tar").args(unpack).current_dir(folder));
    })
});

impl Vendor {
    /// What its library sends for each of them, or why it does not.
    fn replay(&self, requests: &[Request]) -> Vec<Value> {
        let name = self.connector;
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("vendors-{name}.json"));
        std::fs::write(&path, serde_json::to_vec(requests).unwrap()).unwrap();
        let path = path.to_str().unwrap();
        let printed = match self.library {
            Library::Node => node("vendors.mjs", &[name, path, SCHEMAS.to_str().unwrap()]),
            Library::Python => {
                let mut command = Command::new(PYTHON.join("env/bin/python"));
                run(command.arg(PYTHON.join("vendors.py")).args([name, path]).env("NO_PROXY", "*"))
            }
        };
        serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{name}: {error}: {printed}"))
    }

    fn differences(&self, ours: &Request, theirs: &Value) -> Vec<Difference> {
        let mut found = differences(ours, theirs);
        if self.speaks == Speaks::Alike && found.is_empty() {
            found.extend(difference::credential(&manifest(self.connector), theirs));
            found.extend(difference::media_type(ours, theirs));
        }
        found
    }

    fn check(&self) {
        let name = self.connector;
        let right = requests(name);
        assert!(!right.is_empty(), "{name} has no golden request");
        let wrong: Vec<Request> = right.iter().flat_map(|request| misspelt(request, self.free)).collect();
        let all: Vec<Request> = right.iter().chain(&wrong).cloned().collect();
        let answers = self.replay(&all);
        assert_eq!(answers.len(), all.len(), "{name}");
        let (answers, refusals) = answers.split_at(right.len());
        for (request, answer) in right.iter().zip(answers) {
            let found = self.differences(request, answer);
            assert!(found.is_empty(), "{name}, {}: {found:#?}", request.case);
        }
        for (request, answer) in wrong.iter().zip(refusals) {
            let unnoticed = self.differences(request, answer).is_empty();
            assert!(!unnoticed, "{name}, {}: nobody notices: {request:?}", request.case);
        }
        println!("{name}: {} requests alike, {} misspelt ones refused", right.len(), wrong.len());
    }
}

#[test]
fn the_vendors_libraries_for_python_send_what_the_connectors_send() {
    for vendor in VENDORS.iter().filter(|vendor| vendor.library == Library::Python) {
        vendor.check();
    }
}

#[test]
fn the_vendors_libraries_for_node_send_what_the_connectors_send() {
    for vendor in VENDORS.iter().filter(|vendor| vendor.library == Library::Node) {
        vendor.check();
    }
}

#[test]
fn what_no_library_holds_is_as_the_vendors_page_says() {
    let connectors: BTreeSet<&str> = PAGES.iter().map(|page| page.connector).collect();
    for name in connectors {
        let right = all_requests(name);
        assert!(!right.is_empty(), "{name} has no golden request");
        for request in &right {
            let found = mistakes(name, request);
            assert!(found.is_empty(), "{name}, {}: {found:#?}", request.case);
            let free = pages::free(name, request);
            for wrong in misspelt(request, &free) {
                assert!(
                    !mistakes(name, &wrong).is_empty(),
                    "{name}, {}: nobody notices: {wrong:?}",
                    wrong.case
                );
            }
        }
    }
}

#[test]
fn no_request_holds_more_than_the_vendor_takes() {
    for limit in &LIMITS {
        let name = limit.connector;
        let shared = limit.deliveries_max > 1;
        let batch_max = golden::batch_max(&manifest(name));
        assert!(
            !shared || batch_max <= limit.deliveries_max,
            "{name} takes {batch_max} at once, but see {}",
            limit.page
        );
        for request in all_requests(name) {
            let covered = request.events.len();
            assert!(covered <= limit.deliveries_max, "{name}, {}: see {}", request.case, limit.page);
            let fields = request.fields();
            for (at, most) in limit.items_max {
                let longest = place::found(&fields, at).map(place::size).max();
                assert!(longest <= Some(*most), "{name}, {}, {at}: see {}", request.case, limit.page);
            }
        }
    }
}

#[test]
fn every_destination_is_held_against_something() {
    for name in golden::destinations() {
        let by_library = VENDORS.iter().any(|vendor| vendor.connector == name);
        let by_page = PAGES.iter().any(|page| page.connector == name);
        let ours = OURS.contains(&name.as_str());
        assert!(by_library || by_page || ours, "say in tests/e2e/vendors.rs what {name} is held against");
        let limited = LIMITS.iter().any(|limit| limit.connector == name);
        assert!(limited || ours, "say in tests/e2e/vendors/pages.rs how much {name} may send at once");
    }
}
