//! What a change of the files comes to.

use super::*;
use crate::declare::{Difference, Ended};

fn changed(changes: &[(&str, &str, &str)]) -> Declarations {
    let mut files = company();
    for (path, old, new) in changes {
        let place = files.iter().position(|file| file.path == *path).expect("a file of the company");
        match *new {
            "" if old.is_empty() => _ = files.remove(place),
            new => {
                assert!(files[place].text.contains(old), "{old}");
                files[place].text = files[place].text.replacen(old, new, 1);
            }
        }
    }
    read_files(&files).unwrap()
}

/// `+name ~name -name` of channels, routes and purposes, then keys of hub.toml; those that take a restart with `!`.
fn told(difference: &Difference) -> String {
    fn of<N: std::fmt::Display>(changes: &Changes<N>) -> Vec<String> {
        let lists = [('+', &changes.added), ('~', &changes.changed), ('-', &changes.removed)];
        lists.iter().flat_map(|(sign, names)| names.iter().map(move |name| format!("{sign}{name}"))).collect()
    }
    let mut told = [of(&difference.channels), of(&difference.routes), of(&difference.purposes)].concat();
    told.extend(difference.hub.iter().cloned());
    told.extend(difference.restart.iter().map(|fixed| format!("!{}", fixed.key)));
    told.join(" ")
}

fn ended(old: &Declarations, new: &Declarations) -> String {
    let Ended { sources, destinations, routes } = Ended::between(old, new);
    let named = [
        sources.iter().map(|name| format!("source {name}")).collect::<Vec<_>>(),
        destinations.iter().map(|name| format!("destination {name}")).collect(),
        routes.iter().map(|name| format!("route {name}")).collect(),
    ];
    named.concat().join(", ")
}

#[test]
fn each_change_is_told_by_what_it_touches() {
    let old = read_files(&company()).unwrap();
    let route_off = ("routes/orders.toml", "[map]", "enabled = false\n[map]");
    let of_shop = ("routes/orders.toml", "[\"shop\", \"tills\"]", "[\"shop\"]");
    type Change<'a> = (&'a str, &'a str, &'a str);
    let cases: [(&[Change<'_>], &str, &str); 12] = [
        (&[], "", ""),
        (&[("channels/crm.toml", "title = \"CRM\"", "title = \"Sales\"")], "~crm", ""),
        (&[("channels/shop.toml", "SHOP_SECRET", "OTHER_SECRET")], "~shop", ""),
        (&[("routes/orders.toml", "order.note = \"null\"", "order.note = \"'x'\"")], "~orders", ""),
        (&[route_off], "~orders", "route orders"),
        (&[("routes/orders.toml", "", "")], "-orders", "route orders"),
        (&[("routes/orders.toml", "", ""), ("channels/crm.toml", "", "")], "-crm -orders", "destination crm"),
        (&[of_shop, ("channels/tills.toml", "", "")], "-tills ~orders", "source tills"),
        (&[("hub.toml", "\"Handling of orders\"", "\"Orders\"")], "~order-handling", ""),
        (&[("hub.toml", "[purposes", "[retry]\ndelays = [\"1s\"]\n[purposes")], "retry", ""),
        (
            &[("hub.toml", "[purposes", "[limits]\ndepth_max = 9\n[dedup]\nwindow = \"1 day\"\n[purposes")],
            "limits !dedup",
            "",
        ),
        (
            &[(
                "hub.toml",
                "company = \"acme\"",
                "company = \"other\"\ndata = \"d\"\nlisten = \"127.0.0.1:1\"",
            )],
            "!company !data !listen",
            "",
        ),
    ];
    for (changes, expected, expected_ended) in cases {
        let new = changed(changes);
        let difference = Difference::between(&old, &new);
        assert_eq!(told(&difference), expected, "{changes:?}");
        assert_eq!(difference.is_empty(), expected.is_empty(), "{changes:?}");
        assert_eq!(ended(&old, &new), expected_ended, "{changes:?}");
        // The other way round what ended begins, and ends nothing.
        assert_eq!(ended(&new, &old), "", "{changes:?}");
        let all = difference.channels.kept.len() + difference.channels.changed.len();
        assert_eq!(all + difference.channels.removed.len(), old.channels.len(), "{changes:?}");
    }
}

#[test]
fn what_a_declaration_does_not_show_can_have_changed_too() {
    let declared = read_files(&company()).unwrap();
    let mut difference = Difference::between(&declared, &declared);
    for name in ["tills", "crm", "tills"] {
        difference.channels.change(&name.parse().unwrap());
    }
    assert_eq!(told(&difference), "~crm ~tills");
    assert_eq!(difference.channels.kept.len(), 1);
}
