use super::check;

const HTTP: &str = "transport = \"http\"";
const SECRET: &str = "secret = { env = \"SHOP_SECRET\" }";
const AUTH: &str = "auth = { token = { env = \"CRM_TOKEN\" } }";

#[test]
fn beginners_mistakes_in_a_channel_that_receives() {
    let cases = [
        (
            "title = \"Our web shop\"",
            "title = Our web shop",
            1,
            "no quotation marks",
            "title = \"Our web shop\"",
        ),
        (
            "title = \"Our web shop\"",
            "titel = \"Our web shop\"",
            1,
            "no key `titel`",
            "did you mean `title`?",
        ),
        (
            "title = \"Our web shop\"",
            "title = \"Our web shop\"\nname = \"shop\"",
            2,
            "no key `name`",
            "name of the file",
        ),
        ("owner = \"E-commerce team\"\n", "", 1, "does not say its `owner`", "owner = \"E-commerce team\""),
        (
            "owner = \"E-commerce team\"",
            "owner = [\"E-commerce team\"]",
            2,
            "one value, not a list",
            "owner = \"E-commerce team\"",
        ),
        ("connector = \"shop\"", "conector = \"shop\"", 4, "no key `conector`", "did you mean `connector`?"),
        ("connector = \"shop\"", "plugin = \"shop\"", 4, "no key `plugin`", "called `connector`"),
        (
            "connector = \"shop\"",
            "connector = \"shopp\"",
            4,
            "no connector \"shopp\"",
            "did you mean \"shop\"?",
        ),
        (HTTP, "transport = \"https\"", 7, "no transport \"https\"", "did you mean \"http\"?"),
        (
            HTTP,
            "transport = \"http\"\nfolder = \"x\"",
            8,
            "`folder` does not go with",
            "transport = \"file\"",
        ),
        (HTTP, "transport = \"http\"\nowner = \"x\"", 8, "no key `owner` in [receive]", "top of the file"),
        (SECRET, "secret = \"hunter2\"", 10, "holds the secret itself", "secret = { env = \"SHOP_SECRET\" }"),
        (SECRET, "secret = \"$SHOP_KEY\"", 10, "cannot take a variable", "{ env = \"SHOP_KEY\" }"),
        (
            SECRET,
            "secret = { env = \"shop-key!\" }",
            10,
            "not the name of an environment variable",
            "SHOP_SECRET",
        ),
        (SECRET, "secret = { env = \"A\", file = \"b\" }", 10, "two places", "keep `env` or `file`"),
        (SECRET, "secret = { enviroment = \"A\" }", 10, "no key `enviroment`", "env = \"SHOP_SECRET\""),
        (SECRET, "secret = { env: \"SHOP_SECRET\" }", 10, "colon", "equals signs"),
        (SECRET, "", 9, "[receive.verify] does not say its `secret`", "{ env = \"SHOP_SECRET\" }"),
        (
            SECRET,
            "secret = { env = \"A\" }\nheaders = \"x\"",
            11,
            "no key `headers`",
            "did you mean `header`?",
        ),
        (SECRET, "scheme = \"hmac\"\nsecret = { env = \"A\" }", 10, "no scheme \"hmac\"", "\"hmac-sha256\""),
        (
            SECRET,
            "scheme = \"none\"\nsecret = { env = \"A\" }",
            11,
            "`secret` does not go with scheme = \"none\"",
            "leave it out",
        ),
        (SECRET, "scheme = \"bearer\"", 9, "does not say its `token`", "{ env = \"SHOP_TOKEN\" }"),
        (
            SECRET,
            "secret = { env = \"A\" }\nurl = \"https://hub.example.com/in/shop?a=b\"",
            11,
            "not an address that a vendor calls",
            "\"https://hub.example.com/in/NAME\"",
        ),
        (
            HTTP,
            "transport = \"http\"\norigins = [\"https://shop.example.com/\"]",
            8,
            "not a web site as a browser names it",
            "write \"https://shop.example.com\"",
        ),
        (HTTP, "transport = \"http\"\norigins = \"*\"", 8, "is a list", "[\"*\"]"),
        (
            HTTP,
            "transport = \"http\"\nchallenge = { scheme = \"meta\" }",
            8,
            "does not say its `token`",
            "{ env = \"SHOP_TOKEN\" }",
        ),
        (
            HTTP,
            "transport = \"http\"\nchallenge = { scheme = \"facebook\" }",
            8,
            "no scheme \"facebook\"",
            "\"meta\"",
        ),
        (
            "[receive.verify]\nsecret = { env = \"SHOP_SECRET\" }",
            "verify = \"none\"",
            9,
            "a section",
            "{ scheme = \"none\" }",
        ),
        (
            "[receive.verify]\nsecret = { env = \"SHOP_SECRET\" }\n",
            "",
            6,
            "does not say its `secret`",
            "SHOP_SECRET",
        ),
        ("country = \"IT\"", "country = \"Italy\"", 13, "cannot be \"Italy\"", "\"IT\", \"FR\""),
        (
            "country = \"IT\"",
            "countri = \"IT\"\ncountry = \"IT\"",
            13,
            "no key `countri` in [config]",
            "did you mean `country`?",
        ),
        (
            "country = \"IT\"",
            "country = \"IT\"\nstores = \"12\"",
            14,
            "of another type",
            "without quotation marks",
        ),
        (
            "[config]\ncountry = \"IT\"\n",
            "[config]\n",
            12,
            "does not say its `country`",
            "Where the shop sells",
        ),
        (
            "connector = \"shop\"",
            "connector = \"shop\"\ncarries = [\"contacts\"]",
            5,
            "class \"contacts\"",
            "did you mean \"contact\"?",
        ),
    ];
    check("channels/shop.toml", &cases);
    let cases = [
        ("folder = \"tills\"", "", 6, "does not say its `folder`", "folder = \"…\""),
        ("folder = \"tills\"", "directory = \"tills\"", 7, "no key `directory`", "called `folder`"),
        ("folder = \"tills\"", "folder = \"tills\"\nsettle = 2", 8, "without a unit", "\"2 seconds\""),
        ("folder = \"tills\"", "folder = \"\"", 7, "`folder` is empty", "\"inbox\""),
        ("[receive]", "[receive]\ntransport = \"ftp\"", 7, "no transport \"ftp\"", "\"file\""),
    ];
    check("channels/tills.toml", &cases);
}

#[test]
fn beginners_mistakes_in_a_channel_that_sends() {
    let cases = [
        (AUTH, "auth = { token = \"hunter2\" }", 7, "holds the secret itself", "CRM_TOKEN"),
        (
            AUTH,
            "auth = { scheme = \"basic\", user = \"x\" }",
            7,
            "does not say its `password`",
            "CRM_PASSWORD",
        ),
        (AUTH, "auth = \"bearer\"", 7, "a section", "send.auth = { scheme = \"bearer\" }"),
        (
            AUTH,
            "auth = { token = { env = \"CRM_TOKEN\" } }\nhosts = [\"https://api.crm.example/v3\"]",
            8,
            "not the name of a host",
            "\"api.crm.example\"",
        ),
        (
            AUTH,
            "auth = { token = { env = \"CRM_TOKEN\" } }\nhosts = [\"*.crm.example\"]",
            8,
            "not the name of a host",
            "\"crm.example\"",
        ),
        (
            AUTH,
            "auth = { token = { env = \"CRM_TOKEN\" } }\nhosts = \"api.crm.example\"",
            8,
            "is a list",
            "[\"api.crm.example\"]",
        ),
        (
            AUTH,
            "auth = { token = { env = \"CRM_TOKEN\" } }\nhost = \"api.crm.example\"",
            8,
            "no key `host`",
            "called `hosts`",
        ),
        (
            AUTH,
            "auth = { token = { env = \"CRM_TOKEN\" } }\nhosts = []",
            8,
            "which hosts",
            "hosts = [\"api.example.com\"]",
        ),
        (
            AUTH,
            "auth = { token = { env = \"CRM_TOKEN\" } }\nprivate_networks = \"true\"",
            8,
            "true or false",
            "without quotation marks",
        ),
        (
            AUTH,
            "auth = { token = { env = \"CRM_TOKEN\" } }\nprivate_networks = yes",
            8,
            "neither true nor false",
            "private_networks = true",
        ),
        (AUTH, "auth = { token = { env = \"CRM_TOKEN\" } }\nconcurrent = 0", 8, "too small", "1 or more"),
        (
            AUTH,
            "auth = { token = { env = \"CRM_TOKEN\" } }\ntimeout = 30",
            8,
            "without a unit",
            "\"30 seconds\"",
        ),
        (
            AUTH,
            "auth = { token = { env = \"CRM_TOKEN\" } }\nsign = { scheme = \"standard-webhook\" }",
            8,
            "no scheme",
            "did you mean \"standard-webhooks\"?",
        ),
        (
            AUTH,
            "auth = { token = { env = \"CRM_TOKEN\" } }\nsecrets = { portal = \"hunter2\" }",
            8,
            "holds the secret itself",
            "CRM_PORTAL",
        ),
        (
            AUTH,
            "auth = { token = { env = \"CRM_TOKEN\" } }\n[config]\nregion = \"eu\"",
            8,
            "has no settings",
            "leave [config] out",
        ),
    ];
    check("channels/crm.toml", &cases);
}

#[test]
fn two_channels_do_not_share_a_folder() {
    let mut files = super::company();
    files.push(super::file("channels/tills-north.toml", &super::TILLS.replace("\"tills\"", "\"./tills/\"")));
    let mistakes = super::read_files(&files).unwrap_err();
    let shared =
        mistakes.iter().find(|one| one.message.contains("used by the channel tills too")).expect("a mistake");
    assert_eq!((shared.file.as_str(), shared.line), ("channels/tills-north.toml", 7));
}

#[test]
fn two_channels_do_not_share_a_write_key() {
    let with = |verify: &str| {
        let own = "[receive.verify]\nsecret = { env = \"SHOP_SECRET\" }";
        super::SHOP.replace(own, &format!("[receive.verify]\nscheme = \"write-key\"\n{verify}"))
    };
    for (first, second, line) in [
        ("key = { env = \"A\" }", "key = { env = \"A\" }", Some(11)),
        (
            "key = { env = \"A\" }",
            "key = { env = \"B\" }\nprevious = [{ env = \"C\" }, { env = \"A\" }]",
            Some(12),
        ),
        ("key = { env = \"A\" }", "key = { env = \"B\" }\nprevious = [{ env = \"C\" }]", None),
        ("key = { env = \"A\" }", "key = { file = \"A\" }", None),
    ] {
        let files = super::company().into_iter().filter(|file| file.path != "channels/shop.toml");
        let mut files: Vec<_> = files.collect();
        files.push(super::file("channels/shop.toml", &with(first)));
        files.push(super::file("channels/site.toml", &with(second)));
        let mistakes = super::read_files(&files).err().unwrap_or_default();
        let shared = mistakes.iter().find(|one| one.message.contains("that of the channel shop too"));
        assert_eq!(
            shared.map(|one| (one.file.as_str(), one.line)),
            line.map(|line| ("channels/site.toml", line)),
            "{mistakes:#?}"
        );
    }
}

#[test]
fn a_connector_brings_its_vendors_challenge() {
    use crate::declare::{Inlet, Known, Manifest};
    use crate::verify::Challenge;
    let manifest =
        super::SHOP_CONNECTOR.replace("[config]\n", "[source.challenge]\nscheme = \"meta\"\n\n[config]\n");
    let shop = Manifest::parse(&super::file("shop/connector.toml", &manifest)).unwrap();
    let files = |challenge: &str| {
        let text = super::SHOP.replace(HTTP, &format!("{HTTP}\n{challenge}"));
        vec![super::file("hub.toml", super::HUB), super::file("channels/shop.toml", &text)]
    };
    let read = |challenge: &str| {
        let known = Known {
            manifests: std::slice::from_ref(&shop),
            types: &super::TYPES,
            standings: &std::collections::BTreeMap::new(),
        };
        crate::declare::read(&files(challenge), known)
    };
    let declared = |challenge: &str| match read(challenge).unwrap().channels["shop"].receive.clone() {
        Some(Inlet::Http(http)) => http.challenge,
        other => panic!("{other:?}"),
    };
    let token = crate::secret::SecretRef::Env("TOKEN".into());
    assert_eq!(declared("challenge.token = { env = \"TOKEN\" }"), Some(Challenge::Meta { token }));
    assert_eq!(declared("challenge.scheme = \"none\""), Some(Challenge::None {}));
    let missing = read("").unwrap_err();
    assert!(missing.iter().any(|one| one.message.contains("does not say its `token`")), "{missing:#?}");
    let unknown = manifest.replace("\"meta\"", "\"mesa\"");
    assert!(Manifest::parse(&super::file("shop/connector.toml", &unknown)).is_err());
}

#[test]
fn a_channel_that_no_route_uses_is_noted() {
    let mut files = super::company();
    let north = super::TILLS.replace("\"tills\"", "\"tills-north\"");
    files.push(super::file("channels/tills-north.toml", &north));
    let declared = super::read_files(&files).unwrap();
    let [only] = declared.notes.as_slice() else { panic!("{:#?}", declared.notes) };
    assert_eq!(
        (only.file.as_str(), only.line, only.severity),
        ("channels/tills-north.toml", 6, super::Severity::Note)
    );
    assert!(only.remedy.contains("from = [\"tills-north\"]"), "{only}");
}
