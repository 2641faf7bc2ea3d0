//! The readings that the SDK has in all its languages: each is given what `readings.json` says, and the same must come out. The
//! JavaScript and the Python of it read the same file.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use snodo_connector::{binary, contact, locale, money, name, text, time, url};

#[derive(Clone, Copy)]
struct Given<'a>(&'a [Value]);

impl<'a> Given<'a> {
    fn text(self, place: usize) -> &'a str {
        self.0[place].as_str().expect("text is given")
    }

    /// A number as it stands in the file, or text.
    fn shown(self, place: usize) -> String {
        self.0[place].as_str().map_or_else(|| self.0[place].to_string(), str::to_owned)
    }

    fn number<T: TryFrom<i64>>(self, place: usize) -> T {
        let number = self.0[place].as_i64().and_then(|number| T::try_from(number).ok());
        number.expect("a number that fits is given")
    }

    fn texts(self) -> Vec<&'a str> {
        self.0[0].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
    }

    fn bytes(self) -> Vec<u8> {
        serde_json::from_value(self.0[0].clone()).unwrap()
    }

    fn pairs(self) -> Vec<(String, String)> {
        serde_json::from_value(self.0[0].clone()).unwrap()
    }
}

fn read(reading: &str, given: Given<'_>) -> Value {
    let first = || given.text(0);
    match reading {
        "text.trim" => json!(text::trim(first())),
        "text.filled" => json!(text::filled(first())),
        "text.truncate" => json!(text::truncate(first(), given.number(1))),
        "text.pointer" => json!(text::pointer(given.texts())),
        "text.pointer_step" => json!(text::pointer_step(first())),
        "time.rfc3339" => json!(time::rfc3339(first())),
        "time.local" => json!(time::local(first(), given.text(1))),
        "time.day" => json!(time::day(first())),
        "time.offset" => json!(time::offset(first())),
        "time.rfc2822" => json!(time::rfc2822(first())),
        "time.from_epoch_seconds" => json!(time::from_epoch_seconds(given.shown(0))),
        "time.from_epoch_millis" => json!(time::from_epoch_millis(given.shown(0))),
        "time.from_now" => json!(time::from_now(given.number(0), given.number(1))),
        "time.epoch_millis" => json!(time::epoch_millis(first())),
        "time.epoch_micros" => json!(time::epoch_micros(first())),
        "money.decimal" => json!(money::decimal(first())),
        "money.decimal_comma" => json!(money::decimal_comma(first())),
        "money.from_minor" => json!(money::from_minor(given.shown(0), given.number(1))),
        "money.currency" => json!(money::currency(first())),
        "money.minor_digits" => json!(money::minor_digits(first())),
        "money.money" => json!(money::Money::new(first(), given.text(1))),
        "money.money_from_minor" => json!(money::Money::from_minor(given.shown(0), given.text(1))),
        "money.add" => json!(money::add(first(), given.text(1))),
        "money.subtract" => json!(money::subtract(first(), given.text(1))),
        "money.negative" => json!(money::negative(first())),
        "money.compare" => json!(money::compare(first(), given.text(1)).map(|order| order as i8)),
        "contact.email" => json!(contact::email(first())),
        "contact.phone" => json!(contact::phone(first())),
        "contact.phone_in" => json!(contact::phone_in(first(), given.text(1))),
        "name.family_comma_given" => json!(name::family_comma_given(first())),
        "name.last_word_is_family" => json!(name::last_word_is_family(first())),
        "name.join" => json!(name::join(given.texts())),
        "locale.tag" => json!(locale::tag(first())),
        "locale.accept_language" => json!(locale::accept_language(first())),
        "locale.country" => json!(locale::country(first())),
        "url.segment" => json!(url::segment(first())),
        "url.form" => {
            let pairs = given.pairs();
            json!(url::form(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))))
        }
        "url.form_pairs" => json!(url::form_pairs(first().as_bytes())),
        "binary.from_hex" => json!(binary::from_hex(first())),
        "binary.to_hex" => json!(binary::to_hex(&given.bytes())),
        "binary.from_base64" => json!(binary::from_base64(first())),
        "binary.to_base64" => json!(binary::to_base64(&given.bytes())),
        unknown => panic!("readings.json has {unknown}, which is none of the SDK's"),
    }
}

#[test]
fn what_is_given_is_read_as_the_file_says() {
    let readings: BTreeMap<String, Vec<Vec<Value>>> =
        serde_json::from_str(include_str!("../readings.json")).unwrap();
    let mut wrong = Vec::new();
    for (reading, cases) in &readings {
        for case in cases {
            let (expected, given) = case.split_last().unwrap();
            let found = read(reading, Given(given));
            if found != *expected {
                wrong.push(format!("{reading} of {given:?}: {found}, not {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every public function of the modules stands in the file, so that none is in one language only.
#[test]
fn the_file_has_every_reading() {
    let readings: BTreeMap<String, Value> = serde_json::from_str(include_str!("../readings.json")).unwrap();
    let mut written = BTreeSet::new();
    for (module, source) in [
        ("text", include_str!("../src/text.rs")),
        ("time", include_str!("../src/time.rs")),
        ("time", include_str!("../src/time/mail.rs")),
        ("money", include_str!("../src/money.rs")),
        ("contact", include_str!("../src/contact.rs")),
        ("name", include_str!("../src/name.rs")),
        ("locale", include_str!("../src/locale.rs")),
        ("url", include_str!("../src/url.rs")),
        ("binary", include_str!("../src/binary.rs")),
    ] {
        let functions =
            source.lines().filter_map(|line| line.strip_prefix("pub fn ")?.split(['(', '<']).next());
        written.extend(functions.map(|function| format!("{module}.{function}")));
    }
    // In Rust these two make a value: `Money::new` and `Money::from_minor`.
    written.extend(["money.money", "money.money_from_minor"].map(str::to_owned));
    assert_eq!(written, readings.into_keys().collect());
}
