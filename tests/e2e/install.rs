//! A connector's way from a maker to a hub: packed, signed, verified, installed, locked; and what does not come in.

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};

use crate::company::{Company, snodo};
use crate::kit::said;
use crate::line::{client, order, post};
use crate::receiver::Receiver;

/// A maker's workshop: the webhook connector under another name, as somebody else's folder.
struct Maker(tempfile::TempDir);

impl Maker {
    fn new() -> Self {
        let maker = Self(tempfile::tempdir().unwrap());
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../connectors/webhook");
        for name in ["connector.toml", "README.md", "cassette.toml", "golden"] {
            copy(&source.join(name), &maker.path("pager").join(name));
        }
        maker.rewrite("name = \"webhook\"", "name = \"pager\"");
        let embedded = snodo_catalogue::catalogue().iter().find(|one| one.name == "webhook").unwrap();
        std::fs::write(maker.path("pager/pager.wasm"), embedded.component).unwrap();
        maker
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn rewrite(&self, old: &str, new: &str) {
        let path = self.path("pager/connector.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(old), "{old}");
        std::fs::write(&path, text.replace(old, new)).unwrap();
    }

    fn run(&self, args: &[&str]) -> Output {
        snodo().current_dir(self.0.path()).arg("connector").args(args).output().unwrap()
    }

    #[track_caller]
    fn json(&self, args: &[&str]) -> Value {
        let output = self.run(&[args, &["--json"]].concat());
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", said(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

pub fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let name = entry.unwrap().file_name();
            copy(&from.join(&name), &to.join(&name));
        }
    } else {
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(from, to).unwrap();
    }
}

/// A command of the hub's that ends with that code and says all of that.
#[track_caller]
fn expect(company: &Company, args: &[&str], code: i32, parts: &[&str]) {
    let output = company.run(args);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
    for part in parts {
        assert!(said.contains(part), "{args:?} does not say {part:?}: {said}");
    }
}

/// Sections of hub.toml, beside those that are there.
fn trust(company: &Company, lines: &str) {
    let hub = std::fs::read_to_string(company.path("hub.toml")).unwrap();
    let before = hub.split("\n[trust]").next().unwrap();
    company.write("hub.toml", &format!("{before}\n[trust]\n{lines}\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_maker_packs_and_signs_is_installed_and_runs() {
    let (receiver, maker, company) = (Receiver::start().await, Maker::new(), Company::new());
    let packed = maker.json(&["pack", "pager", "--out", "one.wasm"]);
    let again = maker.json(&["pack", "pager", "--out", "two.wasm"]);
    assert_eq!((&packed["level"], &packed["digest"]), (&json!("gold"), &again["digest"]));
    assert_eq!(
        std::fs::read(maker.path("one.wasm")).unwrap(),
        std::fs::read(maker.path("two.wasm")).unwrap()
    );

    let key = maker.json(&["key", "maker.key"])["key"].as_str().unwrap().to_owned();
    assert_eq!(maker.run(&["key", "maker.key"]).status.code(), Some(3), "no key is written over");
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(maker.path("maker.key")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(maker.json(&["sign", "one.wasm", "--key", "maker.key"])["signed_by"], key.as_str());
    for public in ["maker.key.pub", &key] {
        assert_eq!(maker.json(&["verify", "one.wasm", "--key", public])["signed_by"], key.as_str());
    }
    trust(&company, &format!("level = \"gold\"\nkeys = [{key:?}]"));
    let one = maker.path("one.wasm").display().to_string();
    expect(&company, &["connector", "install", &one], 0, &["pager", "gold", &key]);
    let lock = std::fs::read_to_string(company.path("connectors.lock")).unwrap();
    assert!(lock.contains(packed["digest"].as_str().unwrap()) && lock.contains("level = \"gold\""), "{lock}");
    let listed = company.json(&["connector", "list"]);
    let pager = listed.iter().find(|one| one["name"] == "pager").unwrap();
    assert_eq!((&pager["level"], &pager["signed_by"]), (&json!("gold"), &json!(key)));
    let shown = company.json(&["connector", "show", "pager"]).remove(0);
    assert_eq!((&shown["digest"], &shown["roles"]), (&packed["digest"], &json!(["destination"])));
    expect(
        &company,
        &["connector", "show", "pager"],
        0,
        &["# level: gold", "# signed by: RW", "name = \"pager\""],
    );

    company.canonical_in("shop");
    company.channel(
        "pager",
        &format!(
            "connector = \"pager\"\n[send]\ntransport = \"http\"\nhosts = [\"127.0.0.1\"]\nprivate_networks = true\n\
             sign.scheme = \"none\"\n[config]\nurl = \"http://{}/\"\n",
            receiver.address
        ),
    );
    company.route("all", "shop", "pager", "");
    let hub = company.start();
    let event = order(7, "rosa@example.com");
    assert_eq!(post(&client(), &company, "shop", &event).await, Ok(202));
    let balance = company.settled();
    assert_eq!((&balance["fates"]["delivered"], &balance["difference"]), (&json!(1), &json!(0)), "{balance}");
    assert_eq!(receiver.taken().len(), 1);
    hub.stop();

    // While a channel uses it, it stays; and one byte of it may not change.
    expect(&company, &["connector", "remove", "pager"], 1, &["channels/pager.toml"]);
    let file = company.path("connectors/pager.wasm");
    let good = std::fs::read(&file).unwrap();
    let mut flipped = good.clone();
    let title = b"title = \"";
    let at = flipped.windows(title.len()).rposition(|bytes| bytes == title).unwrap() + title.len();
    flipped[at] ^= 1;
    std::fs::write(&file, &flipped).unwrap();
    for command in ["check", "run"] {
        expect(
            &company,
            &[command],
            1,
            &["connectors/pager.wasm", "was changed since it was installed", "snodo connector install"],
        );
    }
    std::fs::write(&file, &good).unwrap();
    expect(&company, &["check"], 0, &["No mistakes"]);
    std::fs::remove_file(company.path("connectors.lock")).unwrap();
    expect(&company, &["check"], 1, &["connectors/pager.wasm", "is not in connectors.lock"]);
    company.write("connectors.lock", &lock);
    copy(&maker.path("pager"), &company.path("connectors/pager"));
    expect(&company, &["check"], 1, &["connectors/pager.wasm", "connectors/pager\n"]);
    expect(&company, &["connector", "install", &one], 1, &["under development"]);
    std::fs::remove_dir_all(company.path("connectors/pager")).unwrap();
    std::fs::remove_file(company.path("channels/pager.toml")).unwrap();
    std::fs::remove_file(company.path("routes/all.toml")).unwrap();
    expect(&company, &["connector", "remove", "pager"], 0, &["removed"]);
    assert!(
        !file.exists()
            && !std::fs::read_to_string(company.path("connectors.lock")).unwrap().contains("pager")
    );
    expect(&company, &["connector", "remove", "pager"], 1, &["no connector \"pager\" is installed"]);
}

#[test]
fn what_nobody_known_has_signed_and_what_wants_more_stays_out() {
    let (maker, company) = (Maker::new(), Company::new());
    let folder = maker.path("pager").display().to_string();
    let file = maker.path("pager.wasm").display().to_string();
    let install = |code: i32, more: &[&str], parts: &[&str]| {
        expect(&company, &[&["connector", "install", &file], more].concat(), code, parts);
    };
    maker.json(&["pack", "pager", "--out", "pager.wasm"]);
    for name in ["ours", "theirs"] {
        maker.json(&["key", name]);
    }
    let ours = std::fs::read_to_string(maker.path("ours.pub")).unwrap().lines().nth(1).unwrap().to_owned();
    trust(&company, &format!("keys = [{ours:?}]"));
    expect(&company, &["connector", "install", &folder], 1, &["not signed"]);
    install(1, &[], &["not signed"]);
    maker.json(&["sign", "pager.wasm", "--key", "theirs"]);
    assert_eq!(maker.run(&["verify", "pager.wasm", "--key", &ours]).status.code(), Some(1));
    install(1, &[], &["none of the keys"]);
    assert!(
        !company.path("connectors.lock").exists() && !company.path("connectors").exists(),
        "nothing was changed"
    );

    // Without keys an unsigned one comes in, and the lock says so.
    trust(&company, "level = \"silver\"");
    std::fs::remove_file(maker.path("pager.wasm.minisig")).unwrap();
    install(0, &[], &["unsigned"]);
    let lock = || std::fs::read_to_string(company.path("connectors.lock")).unwrap();
    let first = lock();
    assert!(!first.contains("signed_by"), "{first}");
    maker.rewrite("hosts = []", "hosts = [\"api.pager.example\"]");
    maker.rewrite("version = \"", "version = \"9");
    maker.json(&["pack", "pager", "--out", "pager.wasm"]);
    let bytes = std::fs::read(company.path("connectors/pager.wasm")).unwrap();
    install(1, &[], &["a further host: api.pager.example", "--accept"]);
    assert_eq!(
        (lock(), std::fs::read(company.path("connectors/pager.wasm")).unwrap()),
        (first.clone(), bytes)
    );
    install(0, &["--accept"], &["pager 9"]);
    assert!(lock().contains("api.pager.example") && lock() != first);

    // A report that says gold is not believed: with a case that is wrong the level is none.
    let case = std::fs::read_dir(maker.path("pager/golden")).unwrap().next().unwrap().unwrap().path();
    std::fs::write(case.join("expected.json"), "{}").unwrap();
    assert_eq!(maker.json(&["pack", "pager", "--out", "pager.wasm"])["level"], "none");
    install(1, &[], &["golden-differs", "requires silver"]);
}

#[test]
fn a_level_that_is_required_is_held_by_what_is_built_in_and_by_no_folder() {
    let (maker, company) = (Maker::new(), Company::new());
    copy(&maker.path("pager"), &company.path("connectors/pager"));
    company.canonical_in("shop");
    company.channel(
        "pager",
        "connector = \"pager\"\n[send]\ntransport = \"http\"\nhosts = [\"pager.example\"]\nsign.scheme = \"none\"\n\
         [config]\nurl = \"https://pager.example/\"\n",
    );
    company.route("all", "shop", "pager", "");
    expect(&company, &["check"], 0, &["No mistakes"]);
    trust(&company, "level = \"bronze\"");
    expect(
        &company,
        &["check"],
        1,
        &["channels/pager.toml:4:", "snodo connector install FOLDER", "1 mistake"],
    );
    trust(&company, "level = \"brass\"\nkeys = [\"RW\"]");
    expect(&company, &["check"], 1, &["\"bronze\"", "entry 1 of `keys`"]);
}
