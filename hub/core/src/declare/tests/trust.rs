use std::collections::BTreeMap;

use super::{TYPES, check, company, manifests};
use crate::declare::{Known, Level, Mistake, Standing, read};

const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

#[test]
fn mistakes_in_whom_to_trust() {
    let with = |line: &str| format!("[trust]\n{line}\n[purposes.order-handling]");
    let key = |key: &str| with(&format!("keys = [{key:?}]"));
    let old = "[purposes.order-handling]";
    check(
        "hub.toml",
        &[
            (old, &with("level = \"golden\""), 4, "cannot be \"golden\"", "did you mean \"gold\"?"),
            (old, &with("level = 1"), 4, "cannot be 1", "choose one of: \"none\""),
            (old, &with("levels = \"gold\""), 4, "no key `levels`", "did you mean `level`?"),
            (old, &with("keys = \"RWQ\""), 4, "`keys` is a list", "[\"RWQ\"]"),
            (old, &key(&KEY[..40]), 4, "no public key", "begins with RW"),
            (old, &key("untrusted comment: minisign public key"), 4, "no public key", "begins with RW"),
            (old, &key(&KEY.replacen("RW", "XX", 1)), 4, "no public key", "begins with RW"),
        ],
    );
}

/// The mistakes of a company that requires a level, whose connector `shop` stands so.
fn told(level: Level, shop: Standing) -> Vec<Mistake> {
    let mut files = company();
    files[0].text += &format!("\n[trust]\nlevel = \"{}\"\nkeys = [\"{KEY}\"]\n", level.as_str());
    let standings: BTreeMap<String, Standing> =
        [("till", Standing::BuiltIn), ("crm", Standing::BuiltIn), ("shop", shop)]
            .map(|(name, standing)| (name.to_owned(), standing))
            .into();
    let known = Known { manifests: &manifests(), types: &TYPES, standings: &standings };
    read(&files, known).map(|declared| declared.notes).unwrap_or_else(|mistakes| mistakes)
}

#[test]
fn a_channel_uses_only_connectors_of_the_level_that_is_required() {
    for level in Level::ALL {
        for (standing, holds, remedy) in [
            (Standing::BuiltIn, Level::Gold, ""),
            (Standing::Installed(Level::Gold), Level::Gold, ""),
            (Standing::Installed(Level::Silver), Level::Silver, "a version that holds it"),
            (Standing::Installed(Level::None), Level::None, "a version that holds it"),
            (Standing::UnderDevelopment, Level::None, "snodo connector install FOLDER"),
        ] {
            let mistakes = told(level, standing);
            if holds >= level {
                assert_eq!(mistakes, [], "{standing:?} holds {level:?}");
                continue;
            }
            let [only] = mistakes.as_slice() else { panic!("{mistakes:#?}") };
            assert_eq!((only.file.as_str(), only.line), ("channels/shop.toml", 4));
            assert!(only.message.contains(level.as_str()) && only.remedy.contains(remedy), "{only}");
        }
    }
}

#[test]
fn a_connector_of_which_nothing_is_known_holds_no_level() {
    let mut files = company();
    files[0].text += "\n[trust]\nlevel = \"bronze\"\n";
    let known = Known { manifests: &manifests(), types: &TYPES, standings: &BTreeMap::new() };
    assert_eq!(read(&files, known).unwrap_err().len(), 3);
}
