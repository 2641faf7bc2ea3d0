//! The commands as a beginner meets them: a start, mistakes in each kind of file, a full set of answers, exit codes.

use std::process::Stdio;

use crate::company::{Company, snodo};

#[test]
fn what_init_writes_checks_runs_and_moves_an_event() {
    let folder = tempfile::tempdir().unwrap();
    let hub = folder.path().join("my-hub");
    let run = |args: &[&str]| {
        let output = snodo().arg("--config").arg(&hub).args(args).output().unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr),
        )
    };
    let init = snodo().arg("init").arg(&hub).output().unwrap();
    assert!(init.status.success(), "{}", String::from_utf8_lossy(&init.stderr));
    let (code, text) = run(&["check"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("No mistakes"), "{text}");
    // Nothing is written over, by whichever way the folder is named.
    assert_eq!(snodo().arg("init").arg(&hub).output().unwrap().status.code(), Some(3));
    let (code, text) = run(&["init"]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("is there already"), "{text}");
    // No store yet: said so, and with the code for it.
    let (code, text) = run(&["balance"]);
    assert_eq!(code, Some(3), "{text}");
}

#[test]
fn a_beginners_mistake_in_each_file_says_how_to_mend_it() {
    let company = Company::new();
    company.canonical_in("shop");
    company.channel("files", "connector = \"canonical\"\n[send]\ntransport = \"file\"\nfolder = \"out\"\n");
    company.route("all", "shop", "files", "");
    let check = || {
        let output = company.run(&["check"]);
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    assert_eq!(check().0, Some(0), "{}", check().1);

    let hub = std::fs::read_to_string(company.path("hub.toml")).unwrap();
    let shop = std::fs::read_to_string(company.path("channels/shop.toml")).unwrap();
    let all = std::fs::read_to_string(company.path("routes/all.toml")).unwrap();
    // file, what stands there, what the beginner writes, what the answer says
    let cases: [(&str, &str, &str, &str, &[&str]); 9] = [
        ("hub.toml", &hub, "company = \"test\"", "compny = \"test\"", &["hub.toml:1:", "company"]),
        ("hub.toml", &hub, "basis = \"consent\"", "basis = \"agreed\"", &["hub.toml:", "consent"]),
        ("hub.toml", &hub, "company = \"test\"", "company = test", &["hub.toml:1:", "\""]),
        (
            "channels/shop.toml",
            &shop,
            "connector = \"canonical\"",
            "connector = \"canonicle\"",
            &["channels/shop.toml:4:", "canonical"],
        ),
        (
            "channels/shop.toml",
            &shop,
            "transport = \"http\"",
            "transport = \"htp\"",
            &["channels/shop.toml:", "http"],
        ),
        (
            "channels/shop.toml",
            &shop,
            "{ scheme = \"none\" }",
            "{ scheme = \"bearer\", token = \"s3cret\" }",
            &["channels/shop.toml:", "env"],
        ),
        ("routes/all.toml", &all, "to = \"files\"", "to = \"file\"", &["routes/all.toml:3:", "files"]),
        (
            "routes/all.toml",
            &all,
            "purpose = \"orders\"",
            "purpose = \"order\"",
            &["routes/all.toml:", "orders"],
        ),
        (
            "routes/all.toml",
            &all,
            "events = [\"*\"]",
            "events = [\"*\"]\nwhen = \"event.data.total >\"",
            &["routes/all.toml:", "when"],
        ),
    ];
    for (file, text, right, wrong, parts) in cases {
        assert!(text.contains(right), "{file} has no {right}");
        company.write(file, &text.replace(right, wrong));
        let (code, said) = check();
        assert_eq!(code, Some(1), "{wrong}: {said}");
        assert!(parts.iter().all(|part| said.contains(part)), "{wrong}: {said}");
        assert!(!said.contains("s3cret"), "a secret is shown: {said}");
        company.write(file, text);
    }
    assert_eq!(check().0, Some(0));
}

#[test]
fn listings_are_json_lines_and_unknown_things_are_said_to_be_unknown() {
    for args in
        [&["connector", "list"][..], &["schema", "list", "commerce"], &["connector", "show", "shopify"]]
    {
        let output = snodo().args(args).arg("--json").output().unwrap();
        assert!(output.status.success(), "{args:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.lines().count() > 0, "{args:?}");
        for line in text.lines() {
            serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|_| panic!("{args:?}: {line}"));
        }
    }
    let code = |args: &[&str]| snodo().args(args).output().unwrap().status.code();
    assert_eq!(code(&["connector", "show", "nothing"]), Some(1));
    assert_eq!(code(&["schema", "show", "nothing.at.all"]), Some(1));
    assert_eq!(code(&["no-such-command"]), Some(2));
    assert_eq!(code(&["--config", "/nonexistent", "run"]), Some(3));
    assert_eq!(code(&["completions", "bash"]), Some(0));
    assert_eq!(code(&["schema", "config", "channel"]), Some(0));
}

#[test]
fn the_gate_runs_what_the_readme_says() {
    let repository = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = std::fs::read_to_string(repository.join("README.md")).unwrap();
    let gate = std::fs::read_to_string(repository.join(".ci/run")).unwrap();
    let commands: Vec<&str> = readme.lines().filter(|line| line.starts_with("cargo test")).collect();
    assert_eq!(commands.len(), 1);
    let command = commands[0].split('#').next().unwrap().trim();
    assert!(gate.lines().any(|line| line.trim() == command), "the gate does not run {command:?}");
}

/// `snodo completions bash | head`: the reader goes away, and the command ends quietly.
#[test]
fn a_reader_that_goes_away_is_no_failure() {
    for args in [&["completions", "bash"][..], &["schema", "list"]] {
        let mut child = snodo().args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args:?}");
    }
}
