use super::check;

const LAST: &str = "basis = \"contract\"\n";

#[test]
fn beginners_mistakes_in_hub_toml() {
    let cases = [
        ("company = \"acme\"", "company = acme", 1, "has no quotation marks", "company = \"acme\""),
        ("company = \"acme\"", "company = \"Acme Ltd.\"", 1, "cannot be \"Acme Ltd.\"", "\"acme-ltd\""),
        ("company = \"acme\"", "compani = \"acme\"", 1, "no key `compani`", "did you mean `company`?"),
        ("company = \"acme\"", "", 1, "does not say its `company`", "add company = \"acme\""),
        ("company = \"acme\"", "company = \"acme", 1, "not closed", "company = \"acme\""),
        ("company = \"acme\"", "company: \"acme\"", 1, "colon", "company = …"),
        ("company = \"acme\"", "company = “acme”", 1, "curly", "straight"),
        (
            "company = \"acme\"\n",
            "company = \"acme\"\nlisten = 7070\n",
            2,
            "`listen` is not text",
            "\"7070\"",
        ),
        (
            "company = \"acme\"\n",
            "company = \"acme\"\nlisten = \"7070\"\n",
            2,
            "not an address and a port",
            "\"127.0.0.1:7070\"",
        ),
        ("company = \"acme\"\n", "company = \"acme\"\nport = 7070\n", 2, "no key `port`", "called `listen`"),
        (
            "company = \"acme\"\n",
            "company = \"acme\"\ndata = 'a'\ndata = 'b'\n",
            3,
            "stands twice",
            "keep one",
        ),
        (
            "company = \"acme\"\n",
            "company = \"acme\"\nbody_bytes_max = 1\n",
            2,
            "no key `body_bytes_max`",
            "belongs in [limits]",
        ),
        ("company = \"acme\"\n", "company = \"acme\"\ndata = \"C:\\hub\"\n", 2, "backslash", "single quotes"),
        (
            LAST,
            "basis = \"contract\"\n[limits]\nbody_bytes_max = \"1048576\"\n",
            7,
            "is a number",
            "1048576, without",
        ),
        (LAST, "basis = \"contract\"\n[limits]\nbody_bytes_max = 10\n", 7, "too small", "1024 or more"),
        (
            LAST,
            "basis = \"contract\"\n[limits]\nrequest_time_max = 10\n",
            7,
            "without a unit",
            "\"10 seconds\"",
        ),
        (
            LAST,
            "basis = \"contract\"\n[dedup]\nwindow = \"a week\"\n",
            7,
            "not a length of time",
            "\"7 days\"",
        ),
        (
            LAST,
            "basis = \"contract\"\n[retry]\ndelays = \"5 s\"\n",
            7,
            "`delays` is a list",
            "delays = [\"5 s\"]",
        ),
        (
            LAST,
            "basis = \"contract\"\n[retry]\ndelays = [\"5 s\", \"soon\"]\n",
            7,
            "entry 2 of `delays`",
            "unit",
        ),
        (
            LAST,
            "basis = \"contract\"\n[retention]\nsettled = \"1 day\"\n",
            7,
            "looks for repetitions",
            "settled = \"7 days\"",
        ),
        (LAST, "basis = \"contract\"\n[retention]\nbytes = 10\n", 7, "too small", "1048576 or more"),
        (LAST, "basis = \"contract\"\n[retention]\nkeep = \"1 day\"\n", 7, "no key `keep`", "settled"),
        (LAST, "basis = \"contract\"\n[log]\nlevel = \"verbose\"\n", 7, "cannot be \"verbose\"", "\"debug\""),
        (
            LAST,
            "basis = \"contract\"\n[log]\nformat = \"jsn\"\n",
            7,
            "cannot be \"jsn\"",
            "did you mean \"json\"?",
        ),
        (LAST, "basis = \"contract\"\n[logs]\nlevel = \"info\"\n", 6, "no key `logs`", "did you mean `log`?"),
        (LAST, "basis = \"contract\"\n[log\nlevel = \"info\"\n", 6, "not closed", "[log]"),
        (LAST, "basis = \"contract\"\nlog = \"info\"\n", 6, "no key `log`", "top of the file"),
        (LAST, "basis = \"law\"\n", 5, "cannot be \"law\"", "\"legal-obligation\""),
        (LAST, "basis = \"Consent\"\n", 5, "cannot be \"Consent\"", "did you mean \"consent\"?"),
        (LAST, "", 3, "[purposes.order-handling] does not say its `basis`", "\"legitimate-interest\""),
        (
            LAST,
            "basis = \"contract\"\n[purposes.marketing]\ntitle = \"x\"\nbasis = \"consent\"\n[purposes.marketing.email]\ntitle = \"x\"\nbasis = \"consent\"\n",
            9,
            "no key `email`",
            "[purposes.\"marketing.email\"]",
        ),
        ("title = \"Handling of orders\"", "title = \"\"", 4, "`title` is empty", "News and offers"),
    ];
    check("hub.toml", &cases);
}
