//! Channels that the hub must ask for, and channels that only make events of events.

use super::*;

const FEED: &str = r#"title = "Feed"
owner = "Sales"
purpose = "What is new at the vendor's"
connector = "feed"

[receive]
auth = { token = { env = "FEED_TOKEN" } }
"#;

const MILL: &str = "title = \"Mill\"\nowner = \"Sales\"\npurpose = \"Makes events\"\nconnector = \"mill\"\n";

/// A connector with these roles.
fn connector(name: &str, roles: &str) -> Manifest {
    let text = format!(
        "name = \"{name}\"\nversion = \"1.0.0\"\ntitle = \"x\"\ntouchpoint = \"crm\"\nsummary = \"x\"\ncontract = \"1.0\"\n{roles}"
    );
    Manifest::parse(&file("connector.toml", &text)).expect(&text)
}

fn route(from: &str, to: &str, events: &str) -> String {
    format!(
        "title = \"x\"\nfrom = [\"{from}\"]\nevents = [\"{events}\"]\nto = \"{to}\"\npurpose = \"order-handling\"\n"
    )
}

/// The company with these files and the connectors of this page.
fn read_with(more: &[(&str, &str)]) -> Result<Declarations, Vec<Mistake>> {
    const SOURCE: &str = "[source]\nemits = [\"crm.*\"]\ntransports = [\"http\"]\n";
    const POLL: &str = "[poll]\nemits = [\"crm.*\"]\nevery = \"10 minutes\"\n";
    let mut files = company();
    files.extend(more.iter().map(|(path, text)| file(path, text)));
    let mut known = manifests();
    known.push(connector(
        "feed",
        &format!("{POLL}hosts = [\"api.feed.example\"]\nauth = {{ scheme = \"bearer\" }}\n"),
    ));
    known.push(connector("both", &format!("{SOURCE}{POLL}")));
    known
        .push(connector("mill", "[transform]\naccepts = [\"commerce.*\"]\nemits = [\"commerce.order.*\"]\n"));
    read(&files, Known { manifests: &known, types: &TYPES, standings: &std::collections::BTreeMap::new() })
}

#[test]
fn what_a_connector_says_of_its_polls_need_not_be_said_again() {
    let declared = read_with(&[("channels/feed.toml", FEED)]).unwrap();
    let Some(Inlet::Poll(poll)) = &declared.channels["feed"].receive else { panic!("{declared:?}") };
    assert_eq!(
        (poll.every.to_string().as_str(), &poll.hosts[..]),
        ("10 minutes", &["api.feed.example".into()][..])
    );
    assert_eq!(poll.timeout, PollInlet::default().timeout);
    assert!(poll.auth.is_some(), "{poll:?}");

    let own = FEED.replace("[receive]", "[receive]\nevery = \"1 min\"\nhosts = [\"eu.feed.example\"]");
    let declared = read_with(&[("channels/feed.toml", &own)]).unwrap();
    let Some(Inlet::Poll(poll)) = &declared.channels["feed"].receive else { panic!("{declared:?}") };
    assert_eq!((poll.every, &poll.hosts[..]), (Period::of_secs(60), &["eu.feed.example".into()][..]));
}

#[test]
fn mistakes_in_a_channel_that_is_asked_for() {
    let of = |connector: &str, receive: &str| {
        let head = FEED.split("[receive]").next().unwrap().replace("\"feed\"", &format!("\"{connector}\""));
        format!("{head}[receive]\n{receive}")
    };
    for (text, line, message, remedy) in [
        (of("both", ""), 6, "does not say its `transport`", "transport"),
        (of("both", "transport = \"poll\""), 6, "does not say which hosts may be asked", "hosts = ["),
        (
            of("till", "transport = \"poll\"\nhosts = [\"a.example\"]"),
            7,
            "does not work by \"poll\"",
            "\"file\"",
        ),
        (
            of("feed", "transport = \"http\"\nverify = { scheme = \"none\" }"),
            7,
            "does not work by \"http\"",
            "\"poll\"",
        ),
        (of("feed", "every = 5\nauth = { token = { env = \"A\" } }"), 7, "without a unit", "\"5 seconds\""),
        (of("feed", ""), 6, "does not say its `token`", "env ="),
        (of("feed", "auth = { token = { env = \"A\" } }\nconcurrent = 2"), 8, "`concurrent`", ""),
    ] {
        let told = read_with(&[("channels/feed.toml", &text)]).map(|declared| declared.notes);
        let told = told.unwrap_or_else(|mistakes| mistakes);
        let mistakes: Vec<&Mistake> = told.iter().filter(|one| one.severity == Severity::Mistake).collect();
        let [only] = mistakes[..] else { panic!("{text}\n{told:#?}") };
        assert_eq!((only.file.as_str(), only.line), ("channels/feed.toml", line), "{text}\n{only}");
        assert!(only.message.contains(message) && only.remedy.contains(remedy), "{text}\n{only}");
    }
}

#[test]
fn a_transform_has_neither_way_in_nor_way_out_and_routes_lead_to_it_and_from_it() {
    let there = route("shop", "mill", "commerce.order.*");
    let back = route("mill", "crm", "commerce.order.paid");
    let notes = |files: &[(&str, &str)]| -> Vec<String> {
        let declared = read_with(files).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
        declared.notes.iter().map(|note| format!("{}: {}", note.file, note.message)).collect()
    };
    let mill = ("channels/mill.toml", MILL);
    assert_eq!(notes(&[mill, ("routes/there.toml", &there), ("routes/zback.toml", &back)]), [""; 0]);
    for (files, expected) in [
        (vec![mill], vec!["mill.toml: what comes in here goes nowhere", "mill.toml: nothing is sent here"]),
        (
            vec![mill, ("routes/there.toml", &route("shop", "mill", "pos.*")), ("routes/zback.toml", &back)],
            vec!["there.toml: no channel of `from` tells of"],
        ),
        (
            vec![mill, ("routes/there.toml", &there), ("routes/zback.toml", &route("mill", "crm", "pos.*"))],
            vec!["zback.toml: no channel of `from` tells of"],
        ),
    ] {
        let told = notes(&files);
        let fits = told.len() == expected.len()
            && expected.iter().all(|part| told.iter().any(|note| note.contains(part)));
        assert!(fits, "{expected:?}: {told:?}");
    }
}

#[test]
fn a_circle_of_transforms_is_noted_once_where_it_can_be_one() {
    let mill = |name: &'static str| (format!("channels/{name}.toml"), MILL.to_owned());
    let way =
        |from: &str, to: &str, events: &str| (format!("routes/{from}-{to}.toml"), route(from, to, events));
    let closed = "commerce.order.placed";
    for (last, off, expected) in [
        (way("c", "a", closed), "", &["routes/a-b.toml: events can go in a circle: a → b → c → a"][..]),
        (way("c", "a", "commerce.cart.viewed"), "", &[]),
        (way("c", "a", closed), "enabled = false\n", &[]),
        (way("c", "crm", closed), "", &[]),
    ] {
        let mut files = vec![mill("a"), mill("b"), mill("c")];
        files.extend([way("shop", "a", "commerce.*"), way("a", "b", closed), way("b", "c", "*")]);
        files.push((last.0.clone(), last.1.clone() + off));
        let files: Vec<(&str, &str)> =
            files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let declared = read_with(&files).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
        let told: Vec<String> = declared
            .notes
            .iter()
            .filter(|note| note.message.contains("circle"))
            .map(|note| format!("{}: {}", note.file, note.message))
            .collect();
        assert_eq!(told, expected, "{last:?}");
    }
}
