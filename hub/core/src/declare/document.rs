//! A TOML file as values with their places in the text, so that whatever is wrong with one can be shown where it stands.

use std::collections::HashMap;

use serde_json::{Map, Number, Value};
use toml::de::{DeTable, DeValue};

use super::{Mistake, SourceFile, syntax};

pub struct Document<'a> {
    pub file: &'a SourceFile,
    pub value: Value,
    /// By JSON Pointer, as offsets into the text. What came from a connector's defaults has none.
    places: HashMap<String, Place>,
}

#[derive(Clone, Copy)]
struct Place {
    key: usize,
    value: usize,
}

/// What a mistake points at, by JSON Pointer.
pub enum Spot<'p> {
    /// The key, or the header of the section.
    Key(&'p str),
    Value(&'p str),
}

impl<'a> Document<'a> {
    /// All errors of syntax at once.
    pub fn parse(file: &'a SourceFile) -> Result<Self, Vec<Mistake>> {
        let Ok(table) = DeTable::parse(&file.text) else { return Err(syntax::check(file)) };
        let mut places = HashMap::new();
        let value = read_table(table.get_ref(), "", &mut places);
        Ok(Self { file, value, places })
    }

    pub fn mistake(&self, spot: &Spot<'_>, message: impl Into<String>, remedy: impl Into<String>) -> Mistake {
        let (line, column) = line_and_column(&self.file.text, self.offset(spot));
        Mistake { line, column, ..Mistake::of_file(&self.file.path, message, remedy) }
    }

    /// What serde refuses although it has the declared shape.
    pub fn unread(&self, error: &serde_json::Error) -> Mistake {
        let remedy = "compare the file with the commented example that `snodo init` writes";
        self.mistake(&Spot::Key(""), format!("this cannot be read: {error}"), remedy)
    }

    /// Where that is, or where the nearest thing around it is that stands in the text.
    fn offset(&self, spot: &Spot<'_>) -> usize {
        let (Spot::Key(whole) | Spot::Value(whole)) = spot;
        let mut pointer = *whole;
        loop {
            match self.places.get(pointer) {
                Some(place) if pointer == *whole && matches!(spot, Spot::Value(_)) => return place.value,
                Some(place) => return place.key,
                None => {}
            }
            match pointer.rfind('/') {
                Some(end) => pointer = &pointer[..end],
                None => return 0,
            }
        }
    }

    pub fn has(&self, pointer: &str) -> bool {
        self.value.pointer(pointer).is_some()
    }

    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.value.pointer(pointer).and_then(Value::as_str)
    }

    /// Puts `value` there unless something is, if there is an object to put it into.
    pub fn fill(&mut self, object: &str, key: &str, value: impl Into<Value>) {
        if let Some(object) = self.value.pointer_mut(object).and_then(Value::as_object_mut) {
            object.entry(key).or_insert_with(|| value.into());
        }
    }

    /// Makes one level of the tables in tables there: `a.b = …` is a key of TOML's with a table, and meant as one key here.
    pub fn flatten(&mut self, at: &str) {
        let Some(Value::Object(nested)) = self.value.pointer(at).cloned() else { return };
        let mut flat = Map::new();
        collect(&nested, "", &mut flat);
        if let Some(object) = self.value.pointer_mut(at) {
            *object = flat.into();
        }
        for key in nested.keys() {
            self.collect_places(at, key);
        }
    }

    /// Lets the places of what stood in tables below `at`/`key` be found by their dotted keys too.
    fn collect_places(&mut self, at: &str, key: &str) {
        let start = format!("{at}/{}/", escape(key));
        let moved: Vec<(String, Place)> = self
            .places
            .iter()
            .filter(|(pointer, _)| pointer.starts_with(&start))
            .map(|(pointer, place)| (format!("{at}/{}", pointer[at.len() + 1..].replace('/', ".")), *place))
            .collect();
        self.places.extend(moved);
    }
}

fn collect(nested: &Map<String, Value>, before: &str, flat: &mut Map<String, Value>) {
    for (key, value) in nested {
        let dotted = format!("{before}{key}");
        match value {
            Value::Object(inner) => collect(inner, &format!("{dotted}."), flat),
            value => drop(flat.insert(dotted, value.clone())),
        }
    }
}

fn read_table(table: &DeTable<'_>, at: &str, places: &mut HashMap<String, Place>) -> Value {
    let mut entries: Vec<_> = table.iter().collect();
    // In the order of the file, for listings.
    entries.sort_by_key(|(key, _)| key.span().start);
    let mut object = Map::new();
    for (key, value) in entries {
        let pointer = format!("{at}/{}", escape(key.get_ref()));
        places.insert(pointer.clone(), Place { key: key.span().start, value: value.span().start });
        object.insert(key.get_ref().to_string(), read_value(value.get_ref(), &pointer, places));
    }
    object.into()
}

fn read_value(value: &DeValue<'_>, at: &str, places: &mut HashMap<String, Place>) -> Value {
    match value {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Integer(integer) => match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(number) => number.into(),
            Err(_) => integer.to_string().into(),
        },
        DeValue::Float(float) => match float.as_str().parse().ok().and_then(Number::from_f64) {
            Some(number) => number.into(),
            None => float.to_string().into(),
        },
        DeValue::Boolean(truth) => (*truth).into(),
        DeValue::Datetime(moment) => moment.to_string().into(),
        DeValue::Array(items) => {
            let items = items.iter().enumerate().map(|(place, item)| {
                let pointer = format!("{at}/{place}");
                let start = item.span().start;
                places.insert(pointer.clone(), Place { key: start, value: start });
                read_value(item.get_ref(), &pointer, places)
            });
            items.collect()
        }
        DeValue::Table(table) => read_table(table, at, places),
    }
}

/// A key as a part of a JSON Pointer (RFC 6901, section 3).
pub fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Both from 1; the column in characters.
pub fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
}
