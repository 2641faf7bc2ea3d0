use std::path::PathBuf;

use snodo_core::vocabulary::Vocabulary;
use snodo_host::{Compile, Limits, Options, Sandbox};

use super::*;
use crate::certify::{Level, certify};

const MINIMAL: &str = r#"name = "bells"
version = "1.0.0"
title = "Bells"
touchpoint = "iot"
summary = "Rings."
contract = "1.0"
"#;

fn webhook() -> (&'static [u8], PathBuf) {
    let embedded = snodo_catalogue::catalogue().iter().find(|one| one.name == "webhook");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../connectors/webhook");
    (embedded.unwrap().component, folder)
}

/// A report without a trial: what is in it is nothing to the packer.
fn report(folder: &Folder) -> Report {
    Report {
        name: folder.manifest.name.clone(),
        version: folder.manifest.version.clone(),
        contract: folder.manifest.contract.clone(),
        digest: String::new(),
        level: Level::Gold,
        checks: Vec::new(),
    }
}

/// The smallest component, with sections of those names.
fn component(sections: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
    for (name, data) in sections {
        section::append(&mut bytes, name, data);
    }
    bytes
}

#[test]
fn a_packed_connector_is_certified_from_what_is_inside_and_runs_as_it_is() {
    let (component, path) = webhook();
    let options = Options { cache_dir: None, compile: Compile::InProcess, limits: Limits::default() };
    let sandbox = Sandbox::new(options).unwrap();
    let vocabulary = Vocabulary::load();
    let folder = Folder::open(&path).unwrap();
    let before = certify(&folder, &sandbox.load(component).unwrap(), &vocabulary);
    let packed = pack(&folder, component, &before).unwrap();
    assert!(packed.starts_with(component), "the component itself is as it was");
    assert_eq!(packed, pack(&Folder::open(&path).unwrap(), component, &before).unwrap(), "the same again");

    let read = Pack::read(&packed).unwrap();
    assert_eq!(read.manifest, folder.manifest);
    assert_eq!(read.manifest_text(), std::fs::read_to_string(path.join(MANIFEST)).unwrap());
    assert_eq!(read.report().unwrap()["level"], "gold");
    let unpacked = read.unpack().unwrap();
    let names = |folder: &Folder| folder.cases.iter().map(|case| case.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&unpacked.folder), names(&folder));
    let connector = sandbox.load(&packed).unwrap();
    let after = certify(&unpacked.folder, &connector, &vocabulary);
    assert_eq!((after.level, after.checks.len()), (Level::Gold, before.checks.len()));
    let place = unpacked.folder.path.clone();
    drop(unpacked);
    assert!(!place.exists());
    assert!(matches!(pack(&folder, &packed, &before), Err(PackError::PackedAlready)));
}

#[test]
fn hostile_packs_are_refused_by_what_is_wrong_with_them() {
    let manifest = ("snodo:file:connector.toml", MINIMAL.as_bytes());
    let with = |name: &str| component(&[manifest, (&format!("{FILE}{name}"), b"x")]);
    assert_eq!(Pack::read(&component(&[manifest])).unwrap().manifest.name, "bells");
    for name in ["README.md", "cassette.toml", "golden/a/message.toml", "golden/a/part/one.json"] {
        Pack::read(&with(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    for name in [
        "../connector.toml",
        "golden/../../x",
        "golden/a/../x",
        "/etc/passwd",
        "golden//x",
        "golden/./x",
        "golden/.hidden",
        "golden/a\\..\\x",
        "golden/c:x",
        "golden/a\nb",
        "golden/a/b/c/d/e/f",
        "golden",
        "src/lib.rs",
        "bells.wasm",
        "",
    ] {
        let told = Pack::read(&with(name)).map(|_| ());
        assert!(matches!(&told, Err(PackError::Stranger(path)) if path == name), "{name:?}: {told:?}");
    }
    let large = vec![b' '; FILES_BYTES_MAX];
    let many: Vec<(String, &[u8])> =
        (0..FILES_MAX).map(|n| (format!("{FILE}golden/c/{n}"), &b""[..])).collect();
    let many: Vec<(&str, &[u8])> =
        many.iter().map(|(name, data)| (name.as_str(), *data)).chain([manifest]).collect();
    let whole = with("README.md");
    let broken = component(&[("snodo:file:connector.toml", b"name = \"bells\"")]);
    // A file is not a section of a part: what a component has inside is its own business.
    let mut inside = component(&[]);
    let part = component(&[manifest]);
    inside.extend([
        4,
        u8::try_from(part.len() & 0x7f | 0x80).unwrap(),
        u8::try_from(part.len() >> 7).unwrap(),
    ]);
    inside.extend(part);
    type Expected = fn(&PackError) -> bool;
    let cases: [(&str, &[u8], Expected); 11] = [
        ("no files", &component(&[]), |error| matches!(error, PackError::NotPacked)),
        ("another's sections", &component(&[("name", b"bells")]), |error| {
            matches!(error, PackError::NotPacked)
        }),
        ("a manifest inside a part", &inside, |error| matches!(error, PackError::NotPacked)),
        ("no manifest", &component(&[("snodo:file:README.md", b"#")]), |error| {
            matches!(error, PackError::NotPacked)
        }),
        ("half a manifest", &broken, |error| matches!(error, PackError::Folder(FolderError::Mistakes(_)))),
        ("a file twice", &component(&[manifest, manifest]), |error| matches!(error, PackError::Twice(_))),
        ("too large", &component(&[manifest, ("snodo:file:README.md", &large)]), |error| {
            matches!(error, PackError::TooMuch { files: 2, .. })
        }),
        ("too many", &component(&many), |error| matches!(error, PackError::TooMuch { .. })),
        ("cut short", &whole[..whole.len() - 1], |error| matches!(error, PackError::Malformed(_))),
        ("a module", b"\0asm\x01\0\0\0", |error| {
            matches!(error, PackError::Malformed(MalformedError::CoreModule))
        }),
        ("no wasm", b"#!/bin/sh", |error| matches!(error, PackError::Malformed(_))),
    ];
    for (what, bytes, expected) in cases {
        let error = Pack::read(bytes).map(|_| ()).expect_err(what);
        assert!(expected(&error), "{what}: {error}");
    }
}

#[cfg(unix)]
#[test]
fn a_folder_with_a_link_in_it_is_not_packed_and_what_is_not_its_own_is_left_out() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path();
    let write = |name: &str, text: &str| {
        let file = path.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    };
    write(MANIFEST, MINIMAL);
    write("golden/first/message.toml", "");
    write("golden/first/.DS_Store", "x");
    write("src/lib.rs", "x");
    write("target/x", "x");
    let folder = Folder::open(path).unwrap();
    let packed = pack(&folder, &component(&[]), &report(&folder)).unwrap();
    let names: Vec<String> = Pack::read(&packed).unwrap().files.into_keys().collect();
    assert_eq!(names, ["connector.toml", "golden/first/message.toml"]);
    let link = path.join("golden/first/secret.txt");
    std::os::unix::fs::symlink("/etc/hostname", &link).unwrap();
    let told = pack(&folder, &component(&[]), &report(&folder));
    assert!(matches!(told, Err(PackError::NoFile(path)) if path == link));
}
