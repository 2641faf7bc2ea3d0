use super::*;

#[test]
fn a_connectors_manifest_is_told_its_mistakes() {
    for (old, new, line, message, remedy) in [
        (
            "touchpoint = \"e-commerce\"",
            "touchpoint = \"ecommerce\"",
            4,
            "cannot be",
            "did you mean \"e-commerce\"?",
        ),
        ("contract = \"1.0\"", "contract = \"2.0\"", 6, "does not speak version 2.0", "contract = \"1.0\""),
        (
            "transports = [\"http\", \"file\"]",
            "transports = [\"http\", \"ftp\"]",
            10,
            "no transport \"ftp\"",
            "\"file\"",
        ),
        ("headers = [\"x-topic\"]", "headers = [\"*\"]", 11, "neither a header", "\"ce-*\""),
        ("emits = [", "emit = [", 9, "no key `emit`", "did you mean `emits`?"),
        (
            "scheme = \"hmac-sha256\"",
            "scheme = \"hmac-sha-256\"",
            15,
            "no scheme",
            "did you mean \"hmac-sha256\"?",
        ),
        ("scheme = \"hmac-sha256\"\n", "", 14, "does not say its `scheme`", "\"standard-webhooks\""),
        ("encoding = \"base64\"", "encoding = \"base32\"", 17, "cannot be \"base32\"", "\"hex\""),
        ("type = \"integer\"", "type = \"int\"", 30, "not a JSON Schema", "2020-12"),
        ("name = \"shop\"", "name = \"Shop\"", 1, "cannot be \"Shop\"", "\"shop\""),
    ] {
        let text = SHOP_CONNECTOR.replacen(old, new, 1);
        assert_ne!(text, SHOP_CONNECTOR, "{old}");
        let mistakes = Manifest::parse(&file("connector.toml", &text)).expect_err(new);
        let fits = mistakes.len() == 1
            && mistakes[0].line == line
            && mistakes[0].message.contains(message)
            && mistakes[0].remedy.contains(remedy);
        assert!(fits, "{line} {message:?} {remedy:?}\n{mistakes:#?}");
    }
}
