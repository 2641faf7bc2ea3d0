//! What people write who see these files for the first time, and what they are told.

mod brokers;
mod channel;
mod difference;
mod hub;
mod lock;
mod manifest;
mod poll;
mod route;
mod trust;

use super::*;

const TYPES: [&str; 6] = [
    "commerce.cart.viewed",
    "commerce.order.paid",
    "commerce.order.placed",
    "crm.contact.updated",
    "pos.sale.completed",
    "web.page.viewed",
];

const HUB: &str = r#"company = "acme"

[purposes.order-handling]
title = "Handling of orders"
basis = "contract"
"#;

const SHOP: &str = r#"title = "Our web shop"
owner = "E-commerce team"
purpose = "Orders and customers of the web shop"
connector = "shop"

[receive]
transport = "http"

[receive.verify]
secret = { env = "SHOP_SECRET" }

[config]
country = "IT"
"#;

const TILLS: &str = r#"title = "Tills"
owner = "Store operations"
purpose = "Sales in our stores"
connector = "till"

[receive]
folder = "tills"
"#;

const CRM: &str = r#"title = "CRM"
owner = "Sales"
purpose = "One view of the customer"
connector = "crm"

[send]
auth = { token = { env = "CRM_TOKEN" } }
"#;

const ORDERS: &str = r#"title = "Orders of the web shop go to the CRM"
from = ["shop", "tills"]
events = ["commerce.order.*", "pos.sale.completed"]
when = "event.data.order.total.currency == 'EUR'"
to = "crm"
purpose = "order-handling"

[map]
order.note = "null"
"#;

const SHOP_CONNECTOR: &str = r#"name = "shop"
version = "1.0.0"
title = "Shop"
touchpoint = "e-commerce"
summary = "Orders of a shop."
contract = "1.0"

[source]
emits = ["commerce.order.placed", "commerce.order.paid"]
transports = ["http", "file"]
headers = ["x-topic"]
personal_data = ["contact", "name"]

[source.verify]
scheme = "hmac-sha256"
header = "x-shop-hmac"
encoding = "base64"

[config]
type = "object"
additionalProperties = false
required = ["country"]

[config.properties.country]
type = "string"
enum = ["IT", "FR"]
description = "Where the shop sells."

[config.properties.stores]
type = "integer"
"#;

const TILL_CONNECTOR: &str = r#"name = "till"
version = "1.0.0"
title = "Till"
touchpoint = "pos"
summary = "Sales at a till."
contract = "1.0"

[source]
emits = ["pos.sale.completed"]
transports = ["file"]
"#;

const CRM_CONNECTOR: &str = r#"name = "crm"
version = "1.0.0"
title = "CRM"
touchpoint = "crm"
summary = "Contacts and deals."
contract = "1.0"

[destination]
accepts = ["commerce.*", "pos.*"]
transports = ["http"]
hosts = ["api.crm.example"]

[destination.auth]
scheme = "bearer"
"#;

fn file(path: &str, text: &str) -> SourceFile {
    SourceFile { path: path.into(), text: text.into() }
}

fn company() -> Vec<SourceFile> {
    vec![
        file("hub.toml", HUB),
        file("channels/shop.toml", SHOP),
        file("channels/tills.toml", TILLS),
        file("channels/crm.toml", CRM),
        file("routes/orders.toml", ORDERS),
    ]
}

fn manifests() -> Vec<Manifest> {
    let texts = [SHOP_CONNECTOR, TILL_CONNECTOR, CRM_CONNECTOR];
    texts.into_iter().map(|text| Manifest::parse(&file("connector.toml", text)).expect(text)).collect()
}

fn read_files(files: &[SourceFile]) -> Result<Declarations, Vec<Mistake>> {
    read(files, Known { manifests: &manifests(), types: &TYPES, standings: &BTreeMap::new() })
}

/// A change to a file of the company, and what is said of it: the line, a part of the message and a part of the remedy.
type Case<'a> = (&'a str, &'a str, usize, &'a str, &'a str);

/// Makes each change in the file and expects exactly one mistake, as described. All that fail are shown together.
#[track_caller]
fn check(path: &str, cases: &[Case<'_>]) {
    let mut failed = String::new();
    for (old, new, line, message, remedy) in cases {
        let found = told(path, old, new);
        let fits = |one: &Mistake| {
            let placed = (one.file.as_str(), one.line) == (path, *line);
            placed && one.message.contains(message) && one.remedy.contains(remedy)
        };
        if found.len() != 1 || !fits(&found[0]) {
            let all = found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
            failed += &format!("\n{new}\n=> {line}: {message:?}, {remedy:?}, and was told\n{all}\n");
        }
    }
    assert!(failed.is_empty(), "{failed}");
}

/// What is said when `old` is written `new` in that file.
#[track_caller]
fn told(path: &str, old: &str, new: &str) -> Vec<Mistake> {
    let mut files = company();
    let changed = files.iter_mut().find(|file| file.path == path).expect("a file of the company");
    assert!(changed.text.contains(old), "{old}");
    changed.text = changed.text.replacen(old, new, 1);
    read_files(&files).map(|declared| declared.notes).unwrap_or_else(|mistakes| mistakes)
}

#[test]
fn a_company_without_mistakes_is_read_whole() {
    let declared = read_files(&company()).unwrap();
    assert_eq!(declared.notes, []);
    let shop = &declared.channels["shop"];
    let Some(Inlet::Http(HttpInlet { verify: crate::verify::Verify::HmacSha256 { header, .. }, .. })) =
        &shop.receive
    else {
        panic!("{shop:?}")
    };
    assert_eq!(header, "x-shop-hmac", "the connector brings its vendor's scheme");
    let crm = &declared.channels["crm"];
    let Some(Outlet::Http(crm)) = &crm.send else { panic!("{crm:?}") };
    assert_eq!(crm.hosts, ["api.crm.example"]);
    assert_eq!(crm.timeout, HttpOutlet::default().timeout);
    let Some(Inlet::File(tills)) = &declared.channels["tills"].receive else { panic!("{declared:?}") };
    assert_eq!((tills.folder.to_str(), tills.pattern.as_str()), (Some("tills"), "*"));
    assert_eq!(declared.routes["orders"].map["order.note"], "null");
    assert_eq!(declared.source_uri(&"shop".parse().unwrap()), "snodo://acme/shop");
    let [route] = &declared.routes()[..] else { panic!("one route is on") };
    assert_eq!((route.to.as_str(), route.basis), ("crm", crate::consent::Basis::Contract));
}

#[test]
fn all_mistakes_of_all_files_come_at_once() {
    let mut files = company();
    files[0].text =
        "company = \"acme\"\nlisten = 7070\n[limits]\nbody_bytes_max = \"1\"\nnonsense = 1\n".into();
    files[1].text = SHOP.replace("title", "titel").replace("\"shop\"", "\"shopp\"");
    files[2].text = "title = Tills\nowner \"x\"\npurpose = “x”\n".into();
    files[4].text = ORDERS.replace("\"crm\"", "\"crmm\"").replace("from = [\"shop\"", "from = [\"shoop\"");
    let mistakes = read_files(&files).unwrap_err();
    let places: Vec<_> = mistakes.iter().map(|one| (one.file.as_str(), one.line)).collect();
    assert_eq!(
        places,
        [
            ("channels/shop.toml", 1),
            ("channels/shop.toml", 4),
            ("channels/tills.toml", 1),
            ("channels/tills.toml", 2),
            ("channels/tills.toml", 3),
            ("hub.toml", 2),
            ("hub.toml", 4),
            ("hub.toml", 5),
            ("routes/orders.toml", 2),
            ("routes/orders.toml", 5),
            ("routes/orders.toml", 6),
        ],
        "{mistakes:#?}"
    );
}

#[test]
fn files_out_of_place_are_told_where_they_belong() {
    for (path, severity, message, remedy) in [
        ("channels/My Shop.toml", Severity::Mistake, "cannot be one", "channels/my-shop.toml"),
        ("channel/shop.toml", Severity::Mistake, "no part of a configuration", "channels/NAME.toml"),
        ("channels/old/shop.toml", Severity::Mistake, "no part of a configuration", "move or rename it"),
        ("routes/orders.tml", Severity::Mistake, "no part of a configuration", "routes/NAME.toml"),
        ("channels/README.md", Severity::Note, "no part of a configuration", "hub.toml"),
    ] {
        let mut files = company();
        files.push(file(path, SHOP));
        let found = read_files(&files).map(|declared| declared.notes).unwrap_or_else(|mistakes| mistakes);
        let [only] = found.as_slice() else { panic!("{found:#?}") };
        assert_eq!((only.file.as_str(), only.severity), (path, severity));
        assert!(only.message.contains(message) && only.remedy.contains(remedy), "{only}");
    }
    let mistakes = read_files(&company()[1..]).unwrap_err();
    assert_eq!(
        (mistakes[0].file.as_str(), mistakes[0].message.as_str()),
        ("hub.toml", "there is no hub.toml")
    );
}

#[test]
fn no_message_repeats_a_secret() {
    for changed in [
        SHOP.replace("{ env = \"SHOP_SECRET\" }", "\"hunter2\""),
        SHOP.replace("{ env = \"SHOP_SECRET\" }", "hunter2"),
        SHOP.replace("{ env = \"SHOP_SECRET\" }", "\"hunter2"),
        SHOP.replace("\"SHOP_SECRET\"", "\"hunter2-\""),
        SHOP.replace("env = \"SHOP_SECRET\"", "value = \"hunter2\""),
        SHOP.replace("secret =", "secrets ="),
        SHOP.replace("secret = { env = \"SHOP_SECRET\" }", "token = \"hunter2\""),
    ] {
        let mut files = company();
        files[1].text = changed;
        let mistakes = read_files(&files).unwrap_err();
        let told = mistakes.iter().map(ToString::to_string).collect::<String>();
        assert!(!told.is_empty() && !told.contains("hunter2"), "{told}");
    }
}

/// The manifests of the connectors that come with the hub.
fn catalogue() -> Vec<Manifest> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../connectors");
    let texts = std::fs::read_dir(folder).unwrap().filter_map(|entry| {
        let path = entry.unwrap().path().join("connector.toml");
        Some(file(&path.display().to_string(), &std::fs::read_to_string(path).ok()?))
    });
    texts.map(|text| Manifest::parse(&text).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"))).collect()
}

#[test]
fn what_init_writes_has_no_mistakes() {
    let manifests = catalogue();
    let declared = read(
        &starter::starter(),
        Known { manifests: &manifests, types: &TYPES, standings: &BTreeMap::new() },
    )
    .unwrap();
    assert_eq!(declared.notes, []);
    assert_eq!((declared.channels.len(), declared.routes().len()), (2, 1));
}
