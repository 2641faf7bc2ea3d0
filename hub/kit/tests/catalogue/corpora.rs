//! Real payloads that nobody here wrote, through the connectors that read them: each becomes valid events, nothing is lost, and it is
//! printed how much of them has a place of its own in the canonical event. What has none is named.

mod channel;
mod payload;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use serde_json::Value;
use snodo_core::vocabulary::Vocabulary;
use snodo_host::{Connector, Context, Draft, Message};

use self::payload::Payload;
use super::{repository, sandbox};

const UNKNOWN: &str = "unknown.message.received";
const RECEIVED_MS: u64 = 1_767_225_600_000;

/// Payloads of one sort. `reach_min` is the share, in percent, that must have a place outside `vendor`: a little less than was measured.
struct Family {
    /// A folder of the corpora, or one file.
    folder: &'static str,
    connector: &'static str,
    /// As a channel has it, in TOML.
    config: &'static str,
    reach_min: f64,
    read: fn(&Path) -> Vec<Payload>,
}

const FAMILIES: [Family; 16] = [
    Family {
        folder: "webhook-samples/shopify",
        connector: "shopify",
        config: "",
        reach_min: 60.0,
        read: payload::captured,
    },
    Family {
        folder: "webhook-samples/stripe",
        connector: "stripe",
        config: "",
        reach_min: 46.0,
        read: payload::captured,
    },
    Family {
        folder: "webhook-samples/bigcommerce",
        connector: "bigcommerce",
        config: "",
        reach_min: 57.0,
        read: payload::captured,
    },
    Family {
        folder: "webhook-samples/hubspot",
        connector: "hubspot",
        config: "currency = \"USD\"",
        reach_min: 12.0,
        read: payload::captured,
    },
    Family {
        folder: "webhook-samples/pipedrive",
        connector: "pipedrive",
        config: "",
        reach_min: 40.0,
        read: payload::captured,
    },
    // Products and coupons only, for which there is no word.
    Family {
        folder: "webhook-samples/woocommerce",
        connector: "woocommerce",
        config: "",
        reach_min: 0.0,
        read: payload::captured,
    },
    Family { folder: "square-events", connector: "square", config: "", reach_min: 62.0, read: payload::bare },
    Family { folder: "whatsapp", connector: "whatsapp", config: "", reach_min: 72.0, read: payload::bare },
    Family {
        folder: "poslog",
        connector: "poslog",
        config: "currency = \"USD\"\nutc_offset = \"-06:00\"",
        reach_min: 23.0,
        read: payload::transactions,
    },
    Family {
        folder: "identity",
        connector: "csv",
        config: include_str!("channels/people.toml"),
        reach_min: 99.0,
        read: payload::rows,
    },
    Family {
        folder: "vendor-sources/auth0_source.json",
        connector: "json",
        config: include_str!("channels/auth0.toml"),
        reach_min: 10.0,
        read: payload::cases,
    },
    Family {
        folder: "vendor-sources/braze_source_input.json",
        connector: "json",
        config: include_str!("channels/braze.toml"),
        reach_min: 85.0,
        read: payload::cases,
    },
    Family {
        folder: "vendor-sources/customerio_source_input.json",
        connector: "json",
        config: include_str!("channels/customerio.toml"),
        reach_min: 72.0,
        read: payload::cases,
    },
    Family {
        folder: "vendor-sources/monday_source_input.json",
        connector: "json",
        config: include_str!("channels/monday.toml"),
        reach_min: 38.0,
        read: payload::cases,
    },
    Family {
        folder: "vendor-sources/olark_source.json",
        connector: "json",
        config: include_str!("channels/olark.toml"),
        reach_min: 65.0,
        read: payload::cases,
    },
    Family {
        folder: "vendor-sources/satismeter_source.json",
        connector: "survey",
        config: include_str!("channels/satismeter.toml"),
        reach_min: 64.0,
        read: payload::cases,
    },
];

#[test]
fn real_payloads_become_valid_events_and_what_has_no_place_is_named() {
    let corpora = repository().join("../shared/corpora");
    if !corpora.exists() {
        println!("the corpora are not at hand beside the repository: nothing to read");
        return;
    }
    let (sandbox, vocabulary) = (sandbox(), Vocabulary::load());
    let mut short = Vec::new();
    for family in FAMILIES {
        let embedded = snodo_catalogue::catalogue().iter().find(|one| one.name == family.connector);
        let embedded = embedded.unwrap_or_else(|| panic!("there is no connector {}", family.connector));
        let connector = sandbox.load(embedded.component).unwrap();
        let config = channel::config(family.config);
        let mut tally = Tally::default();
        for path in payload::files(&corpora.join(family.folder)) {
            for payload in (family.read)(&path) {
                let decoded = decode(&connector, &config, &payload);
                tally.add(decoded, &vocabulary, &payload, &path);
            }
        }
        tally.print(&family);
        assert!(tally.payloads > 0, "{}: no payload", family.folder);
        if tally.reach() < family.reach_min {
            short.push(format!("{}: only {:.1} %", family.folder, tally.reach()));
        }
    }
    assert!(short.is_empty(), "{short:?}");
}

#[derive(Default)]
struct Tally {
    payloads: usize,
    kinds: BTreeMap<String, usize>,
    fields: usize,
    reached: usize,
    /// Names of fields that stay under `vendor`, and of those that are nowhere.
    kept: BTreeMap<String, usize>,
    lost: BTreeSet<String>,
}

impl Tally {
    fn add(
        &mut self,
        decoded: Result<Vec<Draft>, String>,
        vocabulary: &Vocabulary,
        payload: &Payload,
        path: &Path,
    ) {
        let drafts = decoded.unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        self.payloads += 1;
        assert!(!drafts.is_empty(), "{}: nothing was told", path.display());
        let (mut events, mut unknown) = (Vec::new(), false);
        for draft in drafts {
            let data: Value = serde_json::from_slice(&draft.data).unwrap();
            let violations = vocabulary.check(&draft.kind, &(&data).into());
            assert_eq!(violations, Ok(()), "{}: {}", path.display(), draft.kind);
            let kind = match data["topic"].as_str() {
                Some(topic) => format!("{} ({topic})", draft.kind),
                None => draft.kind.clone(),
            };
            *self.kinds.entry(kind).or_default() += 1;
            unknown |= draft.kind == UNKNOWN;
            events.push(Event::of(draft, data));
        }
        // Kept whole: it has no word of its own.
        if unknown {
            return;
        }
        leaves(&payload.says, "", &mut |at, leaf| {
            self.fields += 1;
            let kept = |event: &Event| event.vendor.contains(&(last(at), text(leaf)));
            // What one of several events has made of it stays under `vendor` in the others.
            if events.iter().any(|event| !kept(event) && event.tells(leaf)) {
                self.reached += 1;
            } else if events.iter().any(kept) {
                *self.kept.entry(name(at)).or_default() += 1;
            } else {
                let file = path.file_name().unwrap().display();
                self.lost.insert(format!("{} = {} ({file})", name(at), text(leaf)));
            }
        });
    }

    fn reach(&self) -> f64 {
        let count = |count: usize| f64::from(u32::try_from(count).expect("there are few fields"));
        100.0 * count(self.reached) / count(self.fields.max(1))
    }

    fn print(&self, family: &Family) {
        let Self { payloads, kinds, fields, kept, lost, .. } = self;
        println!("\n{}: {payloads} payloads, {:.1} % of {fields} fields", family.folder, self.reach());
        let list = |counts: &BTreeMap<String, usize>| {
            counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
        };
        println!("  types: {}", list(kinds));
        println!("  under vendor: {}", list(kept));
        println!("  told in other words, or nowhere: {}", Vec::from_iter(lost.iter().cloned()).join(", "));
    }
}

/// All words of an event, in lower case, and what it keeps under `vendor`: last names and values.
struct Event {
    told: HashSet<String>,
    vendor: HashSet<(String, String)>,
}

impl Event {
    fn of(draft: Draft, mut data: Value) -> Self {
        let (mut told, mut vendor) = (HashSet::new(), HashSet::new());
        let left = data.as_object_mut().unwrap().remove("vendor").unwrap_or_default();
        leaves(&left, "", &mut |at, leaf| {
            vendor.insert((last(at), text(leaf)));
        });
        leaves(&data, "", &mut |at, leaf| {
            told.insert(text(leaf).to_lowercase());
            // Traits that the company has named.
            if let Some((_, name)) = at.split_once("/custom/") {
                told.insert(name.to_lowercase());
            }
        });
        let around = [draft.key, draft.subject, draft.time].into_iter().flatten();
        let around = around.chain(draft.attributes.into_iter().map(|(_, value)| value));
        told.extend(around.map(|text| text.to_lowercase()));
        Self { told, vendor }
    }

    fn tells(&self, leaf: &Value) -> bool {
        leaf.is_boolean() || is_told(&self.told, &text(leaf).to_lowercase())
    }
}

fn decode(connector: &Connector, config: &str, payload: &Payload) -> Result<Vec<Draft>, String> {
    let ctx = Context { channel: "corpus", config: config.as_bytes(), now: RECEIVED_MS };
    let Payload { headers, body, .. } = payload;
    let message = Message { id: "1", received_at: RECEIVED_MS, headers, name: "", body };
    let decoded = connector.decode(&ctx, &[message]).pop().expect("one message has one result");
    decoded.map_err(|failure| failure.to_string())
}

/// As it is, as another writing of the same number, moment or telephone, as a part of something, or one of its words.
fn is_told(told: &HashSet<String>, leaf: &str) -> bool {
    let numbers = || number(leaf).into_iter().flat_map(|one| [one, one / 100.0, one / 1000.0]);
    let moment = |one: f64| {
        let millis = if one > 1e11 { one } else { one * 1000.0 };
        jiff::Timestamp::from_millisecond(millis as i64).ok().map(|at| at.to_string()[..19].to_lowercase())
    };
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    told.contains(leaf)
        || numbers().any(|one| told.iter().any(|other| number(other) == Some(one)))
        || leaf.len() > 2 && told.iter().any(|other| other.contains(leaf))
        || told.iter().any(|other| other.split(' ').any(|word| word == leaf))
        || number(leaf).and_then(moment).is_some_and(|at| told.iter().any(|other| other.starts_with(&at)))
        || leaf
            .get(..19)
            .is_some_and(|second| told.iter().any(|other| other.starts_with(&second.replace(' ', "t"))))
        || digits(leaf).len() > 6 && told.iter().any(|other| digits(other).ends_with(&digits(leaf)))
}

/// Everything in it that is neither null nor empty, by its JSON Pointer.
fn leaves<'a>(value: &'a Value, at: &str, found: &mut impl FnMut(&str, &'a Value)) {
    match value {
        Value::Null => {}
        Value::String(text) if text.trim().is_empty() => {}
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(place, item)| leaves(item, &format!("{at}/{place}"), found));
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(name, field)| leaves(field, &format!("{at}/{name}"), found));
        }
        leaf => found(at, leaf),
    }
}

/// The pointer with `*` for places in lists.
fn name(at: &str) -> String {
    let step = |step: &str| {
        if step.bytes().all(|byte| byte.is_ascii_digit()) { "*".to_owned() } else { step.to_owned() }
    };
    at.split('/').skip(1).map(step).collect::<Vec<_>>().join(".")
}

/// The last name in the pointer; an element's text has its element's.
fn last(at: &str) -> String {
    let is_name = |step: &&str| *step != "#text" && !step.bytes().all(|byte| byte.is_ascii_digit());
    at.rsplit('/').find(is_name).unwrap_or_default().to_owned()
}

/// Without white edges.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), |text| text.trim().to_owned())
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}
