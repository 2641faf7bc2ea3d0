//! `docs/catalogue.md` is made from the manifests; `UPDATE_GOLDEN=1` writes it anew.

use std::fmt::Write as _;

use snodo_core::declare::{Manifest, Touchpoint};

use super::{folders, repository};

/// In the order of the page.
const TOUCHPOINTS: [(Touchpoint, &str); 16] = [
    (Touchpoint::Crm, "Customer relations"),
    (Touchpoint::ECommerce, "E-commerce"),
    (Touchpoint::Pos, "Tills"),
    (Touchpoint::ContactCentre, "Contact centre"),
    (Touchpoint::Social, "Social media"),
    (Touchpoint::Messaging, "Messaging"),
    (Touchpoint::ArVr, "AR and VR"),
    (Touchpoint::Web, "Web"),
    (Touchpoint::Mobile, "Mobile and web apps"),
    (Touchpoint::EMail, "E-mail and marketing"),
    (Touchpoint::Advertising, "Advertising"),
    (Touchpoint::Iot, "Devices and smart products"),
    (Touchpoint::Chatbot, "Chatbots and assistants"),
    (Touchpoint::Voc, "Voice of the customer"),
    (Touchpoint::ThirdParty, "Third-party data"),
    (Touchpoint::Generic, "Anything else"),
];

#[test]
fn the_page_lists_what_the_manifests_say() {
    let manifests: Vec<Manifest> = folders().map(|(folder, _)| folder.manifest).collect();
    let page = page(&manifests);
    let path = repository().join("docs/catalogue.md");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/catalogue.md is not what the manifests say: UPDATE_GOLDEN=1 writes it anew"
    );
}

fn page(manifests: &[Manifest]) -> String {
    let mut page = String::from(
        "# Catalogue\n\nMade from the manifests by `cargo test -p snodo-kit --test catalogue`; edit those, not this page (`UPDATE_GOLDEN=1` writes it\n\
         anew).\n\n",
    );
    writeln!(
        page,
        "{} connectors come with the hub, each certified gold. *In* is how messages come, *out* how requests go; a poll asks the vendor. Each name\n\
         leads to what the connector maps, how to set it up at the vendor, and what a failure means. `snodo connector show NAME` prints its settings.",
        manifests.len()
    )
    .unwrap();
    for (touchpoint, title) in TOUCHPOINTS {
        let of_it: Vec<&Manifest> = manifests.iter().filter(|one| one.touchpoint == touchpoint).collect();
        if of_it.is_empty() {
            continue;
        }
        writeln!(page, "\n## {title}\n\n| connector | what for | in | out | events in | personal data |\n|---|---|---|---|---|---|").unwrap();
        for manifest in of_it {
            writeln!(page, "{}", row(manifest)).unwrap();
        }
    }
    page
}

fn row(manifest: &Manifest) -> String {
    let Manifest { name, version, title, summary, source, poll, destination, transform, .. } = manifest;
    let transports = |of: &[String]| of.join(", ");
    let mut ways_in: Vec<String> = source.iter().map(|source| transports(&source.transports)).collect();
    ways_in.extend(poll.iter().map(|_| "poll".to_owned()));
    let mut ways_out: Vec<String> = destination.iter().map(|one| transports(&one.transports)).collect();
    ways_out.extend(transform.iter().map(|_| "transform".to_owned()));
    let source = source.iter().flat_map(|source| &source.emits);
    let mut emits: Vec<&str> =
        source.chain(poll.iter().flat_map(|poll| &poll.emits)).map(String::as_str).collect();
    emits.sort_unstable();
    emits.dedup();
    format!(
        "| [{title}](../connectors/{name}/README.md) `{name}` {version} | {summary} | {} | {} | {} | {} |",
        ways_in.join(", "),
        ways_out.join(", "),
        domains(&emits),
        manifest.personal_data().join(", ").replace('*', "all")
    )
}

/// How many types there are of each domain: `commerce 12, crm 5`.
fn domains(emits: &[&str]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for kind in emits.iter().filter(|kind| !kind.starts_with("unknown.")) {
        let domain = kind.split('.').next().unwrap_or_default();
        match counts.last_mut() {
            Some((last, count)) if *last == domain => *count += 1,
            _ => counts.push((domain, 1)),
        }
    }
    let said = |(domain, count): &(&str, usize)| match *domain {
        "*" => "all".to_owned(),
        _ => format!("{domain} {count}"),
    };
    counts.iter().map(said).collect::<Vec<_>>().join(", ")
}
