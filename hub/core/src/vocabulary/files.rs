//! The files of `schemas/`, embedded. Knows their layout: `domain/object.action/1-0-0.json`, `shared/noun/1-0-0.json`,
//! `envelope/1-0-0.json`, and `examples/` beside a schema.

use include_dir::{Dir, include_dir};
use serde_json::Value;

static SCHEMAS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../schemas");

pub(super) struct SchemaFile {
    pub domain: &'static str,
    /// Empty for the envelope.
    pub object: &'static str,
    pub version: &'static str,
    pub text: &'static str,
}

pub(super) fn schemas() -> Vec<SchemaFile> {
    let mut found = Vec::new();
    for domain in SCHEMAS.dirs() {
        found.extend(in_folder(domain, ""));
        for object in domain.dirs().filter(|folder| name_of(folder) != "examples") {
            found.extend(in_folder(object, name_of(object)));
        }
    }
    found
}

fn in_folder(folder: &'static Dir<'static>, object: &'static str) -> impl Iterator<Item = SchemaFile> {
    folder.files().filter_map(move |file| {
        Some(SchemaFile {
            domain: folder.path().iter().next()?.to_str()?,
            object,
            version: file.path().file_name()?.to_str()?.strip_suffix(".json")?,
            text: file.contents_utf8()?,
        })
    })
}

/// One example of a type.
#[derive(Debug)]
pub struct Example {
    /// The file's name without what every file has: `click_and_collect`.
    pub name: &'static str,
    pub expectation: Expectation,
    pub data: Value,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Expectation {
    Valid,
    /// Where it breaks the schema, as a JSON pointer into the data.
    FailsAt(String),
}

pub(super) fn examples(kind: &str) -> Vec<Example> {
    let folder = match kind.split_once('.') {
        Some((domain, object)) => format!("{domain}/{object}/examples"),
        None => format!("{kind}/examples"),
    };
    let files = SCHEMAS.get_dir(folder).into_iter().flat_map(Dir::files);
    let mut found: Vec<_> = files
        .filter_map(|file| {
            let name = file.path().file_stem()?.to_str()?;
            let mut content = parse(file.contents_utf8()?);
            match name.strip_prefix("invalid-") {
                None => Some(Example {
                    name: name.strip_prefix("valid-")?,
                    expectation: Expectation::Valid,
                    data: content,
                }),
                Some(name) => Some(Example {
                    name,
                    expectation: Expectation::FailsAt(content["fails_at"].as_str()?.to_owned()),
                    data: content["data"].take(),
                }),
            }
        })
        .collect();
    found.sort_by_key(|example| (example.expectation != Expectation::Valid, example.name));
    found
}

pub(super) fn parse(text: &str) -> Value {
    serde_json::from_str(text).expect("a file of schemas/ is JSON: a test reads each")
}

fn name_of(folder: &'static Dir<'static>) -> &'static str {
    folder.path().file_name().and_then(|name| name.to_str()).unwrap_or_default()
}
