use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_614_265_330_000);
const MSG: &str = "webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek";
const TIME: &str = "webhook-timestamp: 1614265330";
const SIGNATURE: &str = "webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
const BODY: &str = r#"{"test": 2432232314}"#;

/// Secrets are what their environment variable is called.
fn verifier(declared: &str) -> Verifier {
    let declared: Verify = toml::from_str(declared).expect(declared);
    let named = |at: &SecretRef| match at {
        SecretRef::Env(name) => Ok(Secret::new(name.as_bytes())),
        SecretRef::File(_) => Err(SecretError::Empty(at.clone())),
    };
    Verifier::new(&declared, named).expect("the declaration is sound")
}

fn check(verifier: &Verifier, headers: &[&str], body: &str, now: Timestamp) -> Result<Verified, Refusal> {
    let headers: Vec<_> =
        headers.iter().map(|line| line.split_once(": ").expect("a name and a value")).collect();
    let header =
        |name: &str| headers.iter().find(|(named, _)| *named == name).map(|(_, value)| value.as_bytes());
    verifier.check(header, "", body.as_bytes(), now)
}

#[test]
fn standard_webhooks_are_believed_when_all_of_it_fits() {
    // The example of the Standard Webhooks libraries and of Svix's documentation.
    let current = verifier(
        "scheme = \"standard-webhooks\"\nsecret = { env = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\" }",
    );
    let rotated = verifier(
        "scheme = \"standard-webhooks\"\nsecret = { env = \"whsec_bmV3\" }\nprevious = [{ env = \"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\" }]",
    );
    let other = verifier("scheme = \"standard-webhooks\"\nsecret = { env = \"whsec_bmV3\" }");
    let several = "webhook-signature: v1a,abc v1,AAAA v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    let later = |seconds| NOW + Duration::from_secs(seconds);
    let header = |name: &str| name.to_owned();
    let wrong = Refusal::Signature { header: header("webhook-signature") };
    let missing = |name| Refusal::Missing { header: header(name) };
    let off =
        |seconds| Refusal::Time { header: header("webhook-timestamp"), seconds, tolerance_seconds: 300 };
    let early = Timestamp::from_millis(NOW.as_millis() - 301_000);
    for (verifier, headers, body, now, expected) in [
        (&current, vec![MSG, TIME, SIGNATURE], BODY, NOW, None),
        (&current, vec![MSG, TIME, SIGNATURE], BODY, later(300), None),
        (&current, vec![MSG, TIME, several], BODY, NOW, None),
        (&rotated, vec![MSG, TIME, SIGNATURE], BODY, NOW, None),
        (&other, vec![MSG, TIME, SIGNATURE], BODY, NOW, Some(wrong.clone())),
        (&current, vec![MSG, TIME, SIGNATURE], r#"{"test": 2432232315}"#, NOW, Some(wrong.clone())),
        (&current, vec!["webhook-id: msg_other", TIME, SIGNATURE], BODY, NOW, Some(wrong.clone())),
        (&current, vec![MSG, "webhook-timestamp: 1614265331", SIGNATURE], BODY, NOW, Some(wrong.clone())),
        (
            &current,
            vec![MSG, TIME, "webhook-signature: v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="],
            BODY,
            NOW,
            Some(wrong.clone()),
        ),
        (&current, vec![MSG, TIME, "webhook-signature: "], BODY, NOW, Some(wrong.clone())),
        (&current, vec![MSG, TIME, SIGNATURE], BODY, later(301), Some(off(301))),
        (&current, vec![MSG, TIME, SIGNATURE], BODY, early, Some(off(301))),
        (&current, vec![MSG, TIME], BODY, NOW, Some(missing("webhook-signature"))),
        (&current, vec![MSG, SIGNATURE], BODY, NOW, Some(missing("webhook-timestamp"))),
        (&current, vec![TIME, SIGNATURE], BODY, NOW, Some(missing("webhook-id"))),
        (
            &current,
            vec![MSG, "webhook-timestamp: soon", SIGNATURE],
            BODY,
            NOW,
            Some(Refusal::Malformed { header: header("webhook-timestamp"), wanted: "a time" }),
        ),
    ] {
        assert_eq!(check(verifier, &headers, body, now).err(), expected, "{headers:?}");
    }
}

#[test]
fn a_replay_has_the_key_of_the_first_and_a_new_attempt_another() {
    let verifier =
        verifier("scheme = \"standard-webhooks\"\nsecret = { env = \"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\" }");
    let key = |signature: &str, now| {
        check(&verifier, &[MSG, TIME, signature], BODY, now).expect("it is signed").replay_key
    };
    let first = key(SIGNATURE, NOW);
    assert!(first.is_some());
    // Padding the header with signatures that are not ours does not make it another message.
    let padded = "webhook-signature: v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    assert_eq!(key(padded, NOW + Duration::from_secs(9)), first);
    assert_eq!(verifier.replay_window(), Some(Duration::from_secs(600)));
}

#[test]
fn vendors_own_signatures_are_believed_when_they_fit() {
    // Shopify's form and GitHub's, over a body of our own, computed with Python's hmac; Slack's is the example in its documentation.
    let shopify = "scheme = \"hmac-sha256\"\nheader = \"X-Shopify-Hmac-SHA256\"\nsecret = { env = \"hush\" }";
    let github = "scheme = \"hmac-sha256\"\nheader = \"x-hub-signature-256\"\nencoding = \"hex\"\nprefix = \"sha256=\"\nsecret = { env = \"hush\" }";
    let slack = "scheme = \"hmac-sha256\"\nheader = \"x-slack-signature\"\nencoding = \"hex\"\nprefix = \"v0=\"\nsecret = { env = \"8f742231b10e8888abcd99yyyzzz85a5\" }
        timestamp = { header = \"x-slack-request-timestamp\", signed = \"v0:{timestamp}:{body}\" }";
    let bearer = "scheme = \"bearer\"\ntoken = { env = \"s3cret\" }\nprevious = [{ env = \"old\" }]";
    let basic = "scheme = \"basic\"\nuser = \"Aladdin\"\npassword = { env = \"open sesame\" }";
    let api_key = "scheme = \"api-key\"\nheader = \"X-Api-Key\"\nkey = { env = \"s3cret\" }";
    let order = r#"{"id":820982911946154508,"email":"jon@example.com"}"#;
    let base64 = "x-shopify-hmac-sha256: D0UMXmhjwBRi4y66TmhJrDlhQABD7zI2fm3p6/QLMo8=";
    let hex = "0f450c5e6863c01462e32eba4e6849ac3961400043ef32367e6de9ebf40b328f";
    let slack_body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J";
    let slack_signed =
        "x-slack-signature: v0=bca5eef5dd737ed259b428b18cd24f679baa18c3fc5f1cb2a6ac9f03e717969a";
    let slack_time = "x-slack-request-timestamp: 1531420618";
    let slack_now = Timestamp::from_millis(1_531_420_618_000);
    // Klaviyo's form: the time is a date of HTTP, and stands behind the body.
    let klaviyo = "scheme = \"hmac-sha256\"\nheader = \"klaviyo-signature\"\nencoding = \"hex\"\nsecret = { env = \"hush\" }
        timestamp = { header = \"klaviyo-timestamp\", signed = \"{body}{timestamp}\" }";
    let klaviyo_signed =
        "klaviyo-signature: c447521be7d34670a3e093f52636e1dfb12b92730e9f284538698a94d279671d";
    let klaviyo_time = "klaviyo-timestamp: Mon, 09 Mar 2026 19:31:08 GMT";
    let klaviyo_now = Timestamp::from_millis(1_773_084_668_000);
    // SendGrid's form, signed with OpenSSL.
    let sendgrid = "scheme = \"ecdsa-p256\"\nheader = \"x-twilio-email-event-webhook-signature\"
        public_key = \"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEdHFMOXhkixkePXx+rfGNYm6GjPNXagJSXq5mDmTaqqpEOavEWYe2sabGfH982BdB4plsUatz0fNh3GucrPfPnQ==\"
        timestamp = { header = \"x-twilio-email-event-webhook-timestamp\", signed = \"{timestamp}{body}\" }";
    let another_key = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEETnRo45TRbUWGWPRZkhUzeRn4wuOllnXsXYdOkaLR3yPowRsdDAMfsK3+4nzLhzyM72xc3/QS1hMShRNnHqBXw==";
    let changed = &sendgrid
        .replace(
            "public_key = \"",
            &format!("public_key = \"{another_key}\"\nprevious = [\"-----BEGIN PUBLIC KEY-----\\n"),
        )
        .replace("nQ==\"", "nQ==\\n-----END PUBLIC KEY-----\"]");
    let sendgrid_signed = "x-twilio-email-event-webhook-signature: MEQCICb29em/l7Y3A6PjfuBp2nxbRVBTNyY1CEhWYREiE25AAiAhvtonC3DDmZGyjfxWM04OH2zIkoVdxeXLIs1p/pnLCg==";
    let sendgrid_time = "x-twilio-email-event-webhook-timestamp: 1600112502";
    let sendgrid_now = Timestamp::from_millis(1_600_112_502_000);
    let opened = r#"[{"email":"anna@example.com","event":"open"}]"#;
    for (declared, headers, body, now, believed) in [
        (shopify, vec![base64], order, NOW, true),
        (shopify, vec![base64], &order[1..], NOW, false),
        (shopify, vec!["x-shopify-hmac-sha256: not base64"], order, NOW, false),
        (shopify, vec![], order, NOW, false),
        (&shopify.replace("hush", "other"), vec![base64], order, NOW, false),
        (github, vec![&format!("x-hub-signature-256: sha256={hex}")], order, NOW, true),
        (github, vec![&format!("x-hub-signature-256: {hex}")], order, NOW, false),
        (github, vec![&format!("x-hub-signature-256: sha1={hex}")], order, NOW, false),
        (slack, vec![slack_signed, slack_time], slack_body, slack_now, true),
        (slack, vec![slack_signed, slack_time], slack_body, NOW, false),
        (slack, vec![slack_signed], slack_body, slack_now, false),
        (klaviyo, vec![klaviyo_signed, klaviyo_time], order, klaviyo_now, true),
        (klaviyo, vec![klaviyo_signed, klaviyo_time], order, NOW, false),
        (klaviyo, vec![klaviyo_signed, "klaviyo-timestamp: yesterday"], order, klaviyo_now, false),
        (sendgrid, vec![sendgrid_signed, sendgrid_time], opened, sendgrid_now, true),
        (changed, vec![sendgrid_signed, sendgrid_time], opened, sendgrid_now, true),
        (sendgrid, vec![sendgrid_signed, sendgrid_time], opened, NOW, false),
        (sendgrid, vec![sendgrid_signed, sendgrid_time], &opened[1..], sendgrid_now, false),
        (sendgrid, vec![sendgrid_signed, &sendgrid_time.replace("02", "03")], opened, sendgrid_now, false),
        (sendgrid, vec![&sendgrid_signed.replace("MEQ", "MEU"), sendgrid_time], opened, sendgrid_now, false),
        (
            sendgrid,
            vec!["x-twilio-email-event-webhook-signature: ?", sendgrid_time],
            opened,
            sendgrid_now,
            false,
        ),
        (sendgrid, vec![sendgrid_signed], opened, sendgrid_now, false),
        (bearer, vec!["authorization: Bearer s3cret"], "", NOW, true),
        (bearer, vec!["authorization: bearer old"], "", NOW, true),
        (bearer, vec!["authorization: Bearer s3cre"], "", NOW, false),
        (bearer, vec!["authorization: Bearer "], "", NOW, false),
        (bearer, vec!["authorization: Basic s3cret"], "", NOW, false),
        // RFC 7617, section 2.
        (basic, vec!["authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="], "", NOW, true),
        (basic, vec!["authorization: Basic QWxhZGRpbjpvcGVu"], "", NOW, false),
        (api_key, vec!["x-api-key: s3cret"], "", NOW, true),
        (api_key, vec!["x-api-key: s3cretly"], "", NOW, false),
        (api_key, vec![], "", NOW, false),
        ("scheme = \"none\"", vec![], "", NOW, true),
    ] {
        let result = check(&verifier(declared), &headers, body, now);
        assert_eq!(result.is_ok(), believed, "{declared} {headers:?} {result:?}");
    }
}

/// Stripe's, with two signatures of one time while the secret is being changed.
const STRIPE: &str = "scheme = \"hmac-sha256\"\nheader = \"stripe-signature\"\nfield = \"v1\"\nencoding = \"hex\"\nsecret = { env = \"whsec_hush\" }
    timestamp = { header = \"stripe-signature\", field = \"t\" }";

#[test]
fn a_list_in_a_header_holds_the_time_and_several_signatures() {
    // Computed with Python's hmac.
    let order = r#"{"id":820982911946154508,"email":"jon@example.com"}"#;
    let new = "c7b6fc7951b63cbea9af80c62d3132a32376ea727508d1dd72219f7609e1014b";
    let old = "e7db66b911cec60010176f3cad6ab7fd03ae5b42ca70db6b7cf4b18ebab18320";
    let rotated = STRIPE.replace("secret =", "previous = [{ env = \"whsec_old\" }]\nsecret =");
    for (declared, value, now, believed) in [
        (STRIPE, format!("t=1614265330,v1={new}"), NOW, true),
        (STRIPE, format!("t=1614265330,v1={old},v1={new},v0={old}"), NOW, true),
        (STRIPE, format!(" t=1614265330 ; v1={new}"), NOW, true),
        (STRIPE, format!("t=1614265330,v1={old}"), NOW, false),
        (&rotated, format!("t=1614265330,v1={old}"), NOW, true),
        (STRIPE, format!("t=1614265330,v0={new}"), NOW, false),
        (STRIPE, format!("t=1614265330,v10={new}"), NOW, false),
        (STRIPE, format!("v1={new}"), NOW, false),
        (STRIPE, format!("t=,v1={new}"), NOW, false),
        (STRIPE, format!("t=1614265331,v1={new}"), NOW, false),
        (STRIPE, format!("t=1614265330,{}v1={new}", "v1=00,".repeat(40)), NOW, false),
        (STRIPE, format!("t=1614265330,v1={new}"), NOW + Duration::from_secs(301), false),
        (STRIPE, String::new(), NOW, false),
        (STRIPE, new.to_owned(), NOW, false),
    ] {
        let header = format!("stripe-signature: {value}");
        let result = check(&verifier(declared), &[&header], order, now);
        assert_eq!(result.is_ok(), believed, "{declared} {value} {result:?}");
    }
    let stripe = verifier(STRIPE);
    assert_eq!(stripe.replay_window(), Some(Duration::from_secs(600)));
    let key = |value: &str| {
        check(&stripe, &[&format!("stripe-signature: {value}")], order, NOW).unwrap().replay_key
    };
    let first = key(&format!("t=1614265330,v1={new}"));
    assert!(first.is_some());
    assert_eq!(key(&format!("t=1614265330,v1={old},v1={new}")), first, "padded, it is the same message");
}

#[test]
fn an_address_that_is_signed_is_the_declared_one_with_the_requests_query() {
    // Square's example (the key and the address of its documentation), and HubSpot's third version, which signs a time too; by
    // Python's hmac.
    let square = "scheme = \"hmac-sha256\"\nheader = \"x-square-hmacsha256-signature\"\nsecret = { env = \"asdf1234\" }
        signed = \"{url}{body}\"\nurl = \"https://example.com/webhook\"";
    let hubspot = "scheme = \"hmac-sha256\"\nheader = \"x-hubspot-signature-v3\"\nsecret = { env = \"hush\" }\nurl = \"https://example.com/webhook\"
        timestamp = { header = \"x-hubspot-request-timestamp\", signed = \"POST{url}{body}{timestamp}\" }";
    let order = r#"{"id":820982911946154508,"email":"jon@example.com"}"#;
    let body = r#"{"hello":"world"}"#;
    let plain = ("x-square-hmacsha256-signature", "2kRE5qRU2tR+tBGlDwMEw2avJ7QM4ikPYD/PJ3bd9Og=");
    let asked = ("x-square-hmacsha256-signature", "kv3COV9+yRMDmX2XEHdAI0EPwpr9pU0izhlAuXwINPE=");
    let timed = ("x-hubspot-signature-v3", "NH50vpdHOfUMQx38tY6m0wtibzDfXGD6aIkgMwS42lA=");
    let time = ("x-hubspot-request-timestamp", "1614265330000");
    let moved = square.replace("/webhook", "/hooks");
    for (declared, headers, query, body, believed) in [
        (square, vec![plain], "", body, true),
        (square, vec![asked], "shop=1", body, true),
        (square, vec![plain], "shop=1", body, false),
        (square, vec![asked], "shop=2", body, false),
        (square, vec![plain], "", order, false),
        (square, vec![], "", body, false),
        (&moved, vec![plain], "", body, false),
        (hubspot, vec![timed, time], "", order, true),
        (hubspot, vec![timed, time], "", body, false),
        (hubspot, vec![timed], "", order, false),
    ] {
        let header =
            |name: &str| headers.iter().find(|(one, _)| *one == name).map(|(_, value)| value.as_bytes());
        let result = verifier(declared).check(header, query, body.as_bytes(), NOW);
        assert_eq!(result.is_ok(), believed, "{declared} {headers:?} {query} {result:?}");
    }
}

#[test]
fn a_declaration_that_cannot_be_signed_by_says_what_it_lacks() {
    let declared = "scheme = \"hmac-sha256\"\nheader = \"x-sig\"\nsecret = { env = \"hush\" }\n";
    for (rest, wanted) in [
        ("url = \"https://example.com\"", "use {url} and {body}, once each"),
        ("signed = \"{url}{body}\"", "use {body}, once each"),
        ("signed = \"{body}\"\ntimestamp = { header = \"x-time\" }", "signed stands beside timestamp"),
        ("timestamp = { header = \"x-time\", signed = \"{body}\" }", "use {timestamp} and {body}, once each"),
        (
            "url = \"https://example.com/a?b=c\"\nsigned = \"{url}{body}\"",
            "is not an address that a vendor calls",
        ),
        ("field = \"v1=\"", "is no name in a list"),
        ("field = \"\"", "is no name in a list"),
    ] {
        let declared: Verify = toml::from_str(&format!("{declared}{rest}")).expect(rest);
        let error = Verifier::new(&declared, |_| Ok(Secret::new(b"hush"))).expect_err(rest).to_string();
        assert!(error.contains(wanted), "{rest}: {error}");
    }
}

#[test]
fn a_refusal_says_nothing_of_what_was_expected() {
    let verifier = verifier("scheme = \"api-key\"\nheader = \"x-api-key\"\nkey = { env = \"s3cret\" }");
    let refusal = check(&verifier, &["x-api-key: gue55"], "", NOW).expect_err("it is the wrong key");
    let shown = format!("{refusal} {refusal:?} {} {verifier:?}", refusal.remedy());
    assert!(!shown.contains("s3cret") && !shown.contains("gue55"), "{shown}");
    assert_eq!(verifier.credential_headers(), ["x-api-key"]);
}

#[test]
fn a_write_key_is_a_user_without_a_password() {
    let site = verifier("scheme = \"write-key\"\nkey = { env = \"abc123\" }\nprevious = [{ env = \"old\" }]");
    // The example of Segment's documentation.
    for (authorization, known) in [
        ("Basic YWJjMTIzOg==", true),
        ("basic YWJjMTIzOg==", true),
        ("Basic b2xkOg==", true),
        ("Basic YWJjMTI0Og==", false),
        ("Basic YWJjMTIz", false),
        ("Bearer YWJjMTIzOg==", false),
        ("", false),
    ] {
        assert_eq!(site.has_write_key(authorization.as_bytes()), known, "{authorization}");
        let header = format!("authorization: {authorization}");
        assert_eq!(check(&site, &[&header], "", NOW).is_ok(), known, "{authorization}");
    }
    assert_eq!(write_key_authorization("abc123"), "Basic YWJjMTIzOg==");
    let basic = verifier("scheme = \"basic\"\nuser = \"abc123\"\npassword = { env = \"x\" }");
    assert!(!basic.has_write_key(b"Basic YWJjMTIzOng="));
    let colon: Verify = toml::from_str("scheme = \"write-key\"\nkey = { env = \"a\" }").unwrap();
    let error = Verifier::new(&colon, |_| Ok(Secret::new(b"a:b"))).unwrap_err();
    assert!(matches!(error, SchemeError::WriteKey(_)), "{error}");
}

#[test]
fn a_key_in_the_query_is_compared_and_not_kept() {
    let audience = verifier(
        "scheme = \"api-key-query\"\nparameter = \"secret\"\nkey = { env = \"s3 cret\" }\nprevious = [{ env = \"old\" }]",
    );
    for (query, believed, kept) in [
        ("secret=s3+cret", true, ""),
        ("list=7&secret=s3%20cret&a=%26", true, "list=7&a=%26"),
        ("secret=old", true, ""),
        ("secret=s3", false, ""),
        ("secret=", false, ""),
        ("secrets=s3+cret", false, "secrets=s3+cret"),
        ("", false, ""),
    ] {
        let result = audience.check(|_| None, query, b"", NOW);
        assert_eq!(result.is_ok(), believed, "{query}: {result:?}");
        assert_eq!(audience.without_credential(query), kept, "{query}");
    }
    let wrong = audience.check(|_| None, "secret=gue55", b"", NOW).unwrap_err();
    let shown = format!("{wrong} {wrong:?} {audience:?}");
    assert!(!shown.contains("gue55") && !shown.contains("s3 cret"), "{shown}");
    let other = verifier("scheme = \"none\"");
    assert_eq!(other.without_credential("secret=x&b=%zz"), "secret=x&b=%zz", "as it was sent");
}

#[test]
fn a_public_key_is_of_the_curve_that_is_declared() {
    for public_key in
        ["", "AAAA", "not base64", "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="]
    {
        let declared = format!("scheme = \"ecdsa-p256\"\nheader = \"x-sig\"\npublic_key = \"{public_key}\"");
        let declared: Verify = toml::from_str(&declared).unwrap();
        let error = Verifier::new(&declared, |_| Ok(Secret::new(b""))).unwrap_err();
        assert!(error.to_string().contains("no key of ECDSA P-256"), "{error}");
    }
}
