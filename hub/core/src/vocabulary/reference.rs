//! Writes the reference of the events, `docs/events.md`, from the schemas. A test compares the two.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::Value;

use super::{Type, Vocabulary};
use crate::event::UNKNOWN;
use crate::privacy::{Class, Privacy};

/// What every type may hold; told once, above the tables.
const COMMON: [&str; 4] = ["customer", "consent", "touchpoint", "vendor"];

/// The domains in the order of a customer's way, with their headings. A domain that is not here fails the test.
const DOMAINS: [(&str, &[&str]); 17] = [
    ("Who it is, and what they allow", &["identity", "consent", "privacy"]),
    ("Web", &["web"]),
    ("Mobile app", &["mobile"]),
    ("Commerce", &["commerce"]),
    ("Subscription, loyalty, gift cards", &["subscription", "loyalty", "giftcard"]),
    ("Till (POS)", &["pos"]),
    ("CRM", &["crm"]),
    ("Contact centre", &["contactcentre"]),
    ("Chatbot and AI assistant", &["bot"]),
    ("E-mail, SMS, push, in-app", &["message"]),
    ("Social networks and messaging", &["social"]),
    ("Advertising", &["ad"]),
    ("AR and VR", &["xr"]),
    ("Smart products and in the shop", &["iot", "store"]),
    ("Voice of the customer", &["voc"]),
    ("Third-party data, and the hub's own", &["thirdparty", "quality", "delivery"]),
    ("Anything else", &["unknown"]),
];

/// The whole page, as Markdown.
pub fn page() -> String {
    let vocabulary = Vocabulary::load();
    let privacy = Privacy::new(&vocabulary);
    let mut out = String::new();
    opening(&mut out, &vocabulary);
    for (heading, domains) in DOMAINS {
        line(&mut out, &format!("\n## {heading}\n"));
        line(&mut out, "| type | what happened | holds | personal data | from |");
        line(&mut out, "| --- | --- | --- | --- | --- |");
        let domain_of = |known: &Type| known.kind.split('.').next().unwrap_or_default().to_owned();
        for domain in domains {
            for known in vocabulary.types().filter(|known| domain_of(known) == *domain) {
                type_row(&mut out, known, &privacy);
            }
        }
    }
    line(&mut out, "\n## The envelope\n");
    line(&mut out, vocabulary.envelope().description.as_str());
    fields_table(&mut out, vocabulary.envelope().schema());
    line(&mut out, "\n## Shared definitions\n\nA field in **bold** must be there.");
    for (name, schema) in vocabulary.shared() {
        line(&mut out, &format!("\n### {name}\n\n{}", text(schema, "description")));
        if schema["properties"].is_object() {
            fields_table(&mut out, schema);
        }
    }
    out
}

/// Whether the page has a place for each type.
pub fn undescribed() -> Vec<String> {
    let described = |kind: &str| {
        let domain = kind.split('.').next().unwrap_or_default();
        DOMAINS.iter().any(|(_, domains)| domains.contains(&domain))
    };
    Vocabulary::load().kinds().filter(|kind| !described(kind)).map(str::to_owned).collect()
}

fn opening(out: &mut String, vocabulary: &Vocabulary) {
    let count = vocabulary.kinds().filter(|kind| *kind != UNKNOWN).count();
    let classes = Class::ALL.map(Class::as_str).join(", ");
    let text = format!(
        "# Canonical events\n\n\
        Made from `schemas/` by `cargo test -p snodo-core`; edit the schemas, not this page (`UPDATE_GOLDEN=1` writes it anew).\n\n\
        {count} types of events, and one for messages that the vocabulary has no word for. Each is a CloudEvent whose `data` one schema\n\
        describes, `snodo:snodo/<type>/<version>`. The data of every type may hold `customer` (whom it is about), `consent` (what they\n\
        agreed to), `touchpoint` (where and how) and `vendor` (what the model has no place for, under the vendor's names). Nothing else is\n\
        open: a field that a schema does not name is a violation. In the tables, *holds* lists what else the type has: **bold** must be\n\
        there, with what it must have in parentheses (a slash: one of them is enough).\n\n\
        *Personal data* are the classes that the type's own fields can hold, beside those of the customer and the touchpoint:\n\
        {classes}. What each means stands in `schemas/README.md`."
    );
    line(out, &text);
}

fn type_row(out: &mut String, known: &Type, privacy: &Privacy) {
    let schema = known.schema();
    let required = strings(&schema["required"]);
    let fields = schema["properties"].as_object().into_iter().flatten();
    let shown =
        fields.filter(|(name, _)| !COMMON.contains(&name.as_str()) || required.contains(&name.as_str()));
    let mut holds = Vec::new();
    let mut classes = BTreeSet::new();
    for (name, field) in shown {
        let needs = needs(field);
        let name_shown = if required.contains(&name.as_str()) { format!("**{name}**") } else { name.clone() };
        holds.push(if needs.is_empty() { name_shown } else { format!("{name_shown} ({needs})") });
        if !COMMON.contains(&name.as_str()) {
            classes.extend(privacy.classes_of_field(&known.kind, name));
        }
    }
    let classes = classes.into_iter().map(Class::as_str).collect::<Vec<_>>().join(", ");
    let row = [
        format!("`{}`", known.kind),
        format!("{}. {}", known.title, known.description),
        holds.join(", "),
        classes,
        known.standards.join("; "),
    ];
    line(out, &format!("| {} |", row.map(|cell| cell.replace('|', "\\|")).join(" | ")));
}

/// What a type asks of a field beyond what the field's definition does.
fn needs(field: &Value) -> String {
    let all = strings(&field["required"]).join(", ");
    let one_of = field["anyOf"].as_array().into_iter().flatten();
    let one_of = one_of.flat_map(|branch| strings(&branch["required"])).collect::<Vec<_>>().join("/");
    [all, one_of].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

fn fields_table(out: &mut String, schema: &Value) {
    let required = strings(&schema["required"]);
    line(out, "\n| field | form | what it is | personal data |\n| --- | --- | --- | --- |");
    rows(out, "", schema, &required);
}

/// One row for each field, and for the fields of objects that have no definition of their own.
fn rows(out: &mut String, prefix: &str, schema: &Value, required: &[&str]) {
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{prefix}{name}");
        let shown = if required.contains(&name.as_str()) { format!("**{path}**") } else { path.clone() };
        let class = text(field, "x-personal-data");
        let row = [shown, form(field), text(field, "description").to_owned(), class.to_owned()];
        line(out, &format!("| {} |", row.map(|cell| cell.replace('|', "\\|")).join(" | ")));
        let item = field.get("items").unwrap_or(field);
        let value = item.get("additionalProperties").filter(|value| value.is_object());
        match value {
            Some(value) => rows(out, &format!("{path}.*."), value, &[]),
            None => rows(out, &format!("{path}."), item, &[]),
        }
    }
}

/// The form of a field's values, in a few words.
fn form(field: &Value) -> String {
    if let Some(id) = field["$ref"].as_str() {
        let name = definition_of(id);
        return format!("[{name}](#{name})");
    }
    if let Some(options) = field["enum"].as_array() {
        return options.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
    }
    if let Some(only) = field["const"].as_str() {
        return format!("`{only}`");
    }
    match field["type"].as_str() {
        Some("array") => format!("list of {}", form(&field["items"])),
        Some("object") if field["additionalProperties"].is_object() => "map".into(),
        Some("string") => match text(field, "format") {
            "" if text(field, "pattern").starts_with("^-?[0-9]+") => "decimal".into(),
            "" => "text".into(),
            "date-time" => "time".into(),
            format => format.into(),
        },
        Some(other) => other.into(),
        None => match strings(&field["type"]) {
            several if several.is_empty() => "any".into(),
            several => several.join(" or "),
        },
    }
}

fn definition_of(id: &str) -> &str {
    id.trim_start_matches("snodo:snodo/shared/").split('/').next().unwrap_or(id)
}

fn strings(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn text<'a>(schema: &'a Value, key: &str) -> &'a str {
    schema[key].as_str().unwrap_or_default()
}

fn line(out: &mut String, text: &str) {
    writeln!(out, "{text}").expect("writing to a String does not fail");
}
