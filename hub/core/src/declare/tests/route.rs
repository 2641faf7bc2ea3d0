use super::check;

const FROM: &str = "from = [\"shop\", \"tills\"]";
const EVENTS: &str = "events = [\"commerce.order.*\", \"pos.sale.completed\"]";
const WHEN: &str = "when = \"event.data.order.total.currency == 'EUR'\"";

#[test]
fn beginners_mistakes_in_a_route() {
    let cases = [
        (FROM, "source = [\"shop\", \"tills\"]", 2, "no key `source`", "called `from`"),
        (FROM, "form = [\"shop\", \"tills\"]", 2, "no key `form`", "did you mean `from`?"),
        (FROM, "from = [\"shop\", \"tils\"]", 2, "no channel \"tils\"", "did you mean \"tills\"?"),
        (FROM, "from = [\"shop\", \"tills\", \"crm\"]", 2, "goes back to it", "change `from` or `to`"),
        (FROM, "from = [\"shop\", \"tills\", \"shop\"]", 2, "stands twice", "leave one"),
        (FROM, "from = [\"shop\", \"Tills\"]", 2, "cannot be \"Tills\"", "\"tills\""),
        (FROM, "from = [\"shop\", tills]", 2, "not TOML", "\"quotes\""),
        (FROM, "from = [\"shop\", \"tills\"", 2, "not closed", "]"),
        (FROM, "from = []", 2, "`from` is empty", "[\"shop-online\"]"),
        (
            EVENTS,
            "events = [\"commerce.order.*\", \"pos.sale\"]",
            3,
            "no type of event \"pos.sale\"",
            "\"pos.sale.*\"",
        ),
        (
            EVENTS,
            "events = [\"commerce.order.*\", \"pos.sale.complete\"]",
            3,
            "no type of event",
            "did you mean \"pos.sale.completed\"?",
        ),
        (EVENTS, "events = [\"comerce.order.*\"]", 3, "no type of event", "did you mean \"commerce.…\"?"),
        (EVENTS, "events = [\"commerce.*.placed\"]", 3, "not a type of event", "\"commerce.*\""),
        (EVENTS, "events = [\"commerce.order*\"]", 3, "not a type of event", "\"commerce.order.*\""),
        (
            EVENTS,
            "events = [\"commerce.*\", \"web.page.viewed\"]",
            3,
            "no channel of `from` tells of",
            "they tell of",
        ),
        (EVENTS, "events = \"commerce.order.*\"", 3, "is a list", "events = [\"commerce.order.*\"]"),
        (WHEN, "when = \"event.type = 'x'\"", 4, "cannot be read", "two equals signs"),
        (WHEN, "when = \"customer.known and event.type == 'x'\"", 4, "cannot be read", "&&"),
        (WHEN, "when = \"order.total > 5\"", 4, "begins with `event` or `customer`", "CEL"),
        (WHEN, "if = \"customer.known\"", 4, "no key `if`", "called `when`"),
        (WHEN, "when = \"event.type == \"x\"\"", 4, "something follows the text", "quotation mark"),
        ("to = \"crm\"", "to = [\"crm\"]", 5, "one value, not a list", "to = \"crm\""),
        ("to = \"crm\"", "to = \"crn\"", 5, "no channel \"crn\"", "did you mean \"crm\"?"),
        (
            "purpose = \"order-handling\"",
            "purpose = \"orders\"",
            6,
            "no purpose \"orders\"",
            "[purposes.orders]",
        ),
        (
            "purpose = \"order-handling\"",
            "purpose = \"order_handling\"",
            6,
            "no purpose",
            "did you mean \"order-handling\"?",
        ),
        (
            "purpose = \"order-handling\"",
            "",
            1,
            "does not say its `purpose`",
            "one of the purposes of `hub.toml`",
        ),
        (
            "purpose = \"order-handling\"",
            "purpose = \"order-handling\"\nenabled = \"true\"",
            7,
            "true or false",
            "enabled = true, without",
        ),
        ("order.note = \"null\"", "order.note = \"nul l\"", 9, "expression of `order.note`", "CEL"),
        ("order.note = \"null\"", "data.order.note = \"null\"", 9, "not a place", "order.note = …"),
        ("order.note = \"null\"", "order.note = 5", 9, "`order.note` is not text", "\"5\""),
        ("[map]", "[mapp]", 8, "no key `mapp`", "did you mean `map`?"),
    ];
    check("routes/orders.toml", &cases);
}

#[test]
fn a_route_does_not_go_back_to_where_it_comes_from() {
    let mut files = super::company();
    let both = "title = \"Both\"\nowner = \"x\"\npurpose = \"x\"\nconnector = \"both\"\n[receive]\nfolder = \"in\"\n[send]\nfolder = \"out\"\n";
    files.push(super::file("channels/both.toml", both));
    let route =
        "title = \"x\"\nfrom = [\"both\"]\nevents = [\"*\"]\nto = \"both\"\npurpose = \"order-handling\"\n";
    files.push(super::file("routes/circle.toml", route));
    let mut manifests = super::manifests();
    let text = super::TILL_CONNECTOR.replace("\"till\"", "\"both\"")
        + "[destination]\naccepts = [\"*\"]\ntransports = [\"file\"]\n";
    manifests.push(super::Manifest::parse(&super::file("connector.toml", &text)).unwrap());
    let archive =
        "title = \"x\"\nfrom = [\"crm\"]\nevents = [\"*\"]\nto = \"shop\"\npurpose = \"order-handling\"\n";
    files.push(super::file("routes/no-source.toml", archive));
    let known = super::Known {
        manifests: &manifests,
        types: &super::TYPES,
        standings: &std::collections::BTreeMap::new(),
    };
    let mistakes = super::read(&files, known).unwrap_err();
    let [only, no_source, no_destination] = mistakes.as_slice() else { panic!("{mistakes:#?}") };
    assert_eq!((only.file.as_str(), only.line), ("routes/circle.toml", 2));
    assert!(only.message.contains("goes back to it"), "{only}");
    assert!(no_source.message.contains("nothing comes in through the channel \"crm\""), "{no_source}");
    assert!(
        no_destination.message.contains("nothing goes out through the channel \"shop\""),
        "{no_destination}"
    );
    assert!(no_source.remedy.contains("add [receive] to channels/crm.toml"), "{no_source}");
}
