//! One rule: when it fits, and what it makes.

use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_json::{Map, Value, json};
use snodo_connector::{Draft, Fault};

use crate::field::{Field, Fields};
use crate::place::{Place, Scope, Template, text};
use crate::topic::Pattern;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    #[serde(default)]
    when: Vec<Condition>,
    #[serde(rename = "type")]
    kind: String,
    /// Pointer to a list in the document: one event for each element.
    pub each: Option<String>,
    key: Option<Template>,
    #[serde(default, deserialize_with = "time")]
    time: Option<Field>,
    subject: Option<Template>,
    #[serde(default)]
    identifiers: Vec<Identifier>,
    #[serde(default)]
    fields: Fields,
    /// Further rules may make events of the same thing.
    #[serde(default)]
    pub also: bool,
}

/// All that it says must hold.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Condition {
    topic: Option<Pattern>,
    at: Option<Place>,
    equals: Option<Value>,
    one_of: Option<Vec<Value>>,
    starts_with: Option<String>,
    exists: Option<bool>,
}

/// Under which name the source knows the customer.
#[derive(Debug)]
struct Identifier {
    namespace: String,
    kind: Option<String>,
    value: Field,
}

/// An event, whose data is still to be completed.
pub struct Begun {
    draft: Draft,
    pub data: Map<String, Value>,
}

impl Begun {
    pub fn finish(self) -> Draft {
        let data = serde_json::to_vec(&self.data).expect("a JSON value is always JSON");
        Draft { data, ..self.draft }
    }
}

impl Rule {
    /// `None` if the rule does not fit.
    pub fn event(&self, scope: &Scope<'_>) -> Result<Option<Begun>, Fault> {
        let mut topic = Vec::new();
        for condition in &self.when {
            let Some(named) = condition.holds(scope) else { return Ok(None) };
            topic.extend(named);
        }
        let scope = &scope.with_topic(topic);
        let Some(mut data) = self.fields.read(scope)? else { return Ok(None) };
        if !self.identify(&mut data, scope)? {
            return Ok(None);
        }
        let mut draft = Draft::new(self.kind.as_str(), &());
        draft.key = self.key.as_ref().and_then(|key| key.text(scope));
        draft.subject = self.subject.as_ref().and_then(|subject| subject.text(scope));
        if let Some(time) = &self.time {
            draft.time = time.read(scope)?.as_ref().and_then(text);
            if time.required && draft.time.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(Begun { draft, data }))
    }

    /// Adds to `customer.identifiers`. `false` if one that is required has nothing.
    fn identify(&self, data: &mut Map<String, Value>, scope: &Scope<'_>) -> Result<bool, Fault> {
        let mut found = Vec::new();
        for identifier in &self.identifiers {
            match identifier.value.read(scope)?.as_ref().and_then(text) {
                Some(value) => found.push(identifier.with(&value)),
                None if identifier.value.required => return Ok(false),
                None => {}
            }
        }
        if found.is_empty() {
            return Ok(true);
        }
        let customer = data.entry("customer").or_insert_with(|| json!({}));
        let known = customer
            .as_object_mut()
            .and_then(|customer| customer.entry("identifiers").or_insert_with(|| json!([])).as_array_mut())
            .ok_or_else(|| Fault::misconfigured("a field of a rule stands where identifiers belong"))?;
        known.extend(found);
        Ok(true)
    }
}

impl Condition {
    /// What its topic names, if it holds.
    fn holds<'b>(&'b self, scope: &Scope<'b>) -> Option<Vec<(&'b str, &'b str)>> {
        let named = match &self.topic {
            Some(pattern) => pattern.read(&scope.about.message.name)?,
            None => Vec::new(),
        };
        let value = self.at.as_ref().and_then(|at| scope.read(at));
        let written = value.as_deref().and_then(text);
        let is = |wanted: &Value| written.is_some() && text(wanted) == written;
        let holds = self.exists.is_none_or(|exists| exists == value.is_some())
            && self.equals.as_ref().is_none_or(is)
            && self.one_of.as_ref().is_none_or(|wanted| wanted.iter().any(is))
            && self.starts_with.as_ref().is_none_or(|start| {
                written.as_ref().is_some_and(|written| written.starts_with(start.as_str()))
            });
        holds.then_some(named)
    }
}

impl Identifier {
    fn with(&self, value: &str) -> Value {
        let Self { namespace, kind, .. } = self;
        match kind {
            Some(kind) => json!({"namespace": namespace, "value": value, "kind": kind}),
            None => json!({"namespace": namespace, "value": value}),
        }
    }
}

impl<'de> Deserialize<'de> for Identifier {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut written = Map::deserialize(deserializer)?;
        let mut own = |name: &str| match written.remove(name) {
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(D::Error::custom(format!("the {name} of an identifier is text"))),
            None => Ok(None),
        };
        let (namespace, kind) = (own("namespace")?, own("kind")?);
        let namespace = namespace.ok_or_else(|| D::Error::custom("an identifier needs its namespace"))?;
        Ok(Self { namespace, kind, value: Field::of(Value::Object(written)).map_err(D::Error::custom)? })
    }
}

/// A time that does not say how it is written is RFC 3339.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Field>, D::Error> {
    let mut written = match Value::deserialize(deserializer)? {
        Value::String(text) => Map::from_iter([("from".to_owned(), Value::String(text))]),
        Value::Object(written) => written,
        _ => return Err(D::Error::custom("a time is a place or a table")),
    };
    written.entry("as").or_insert_with(|| "time".into());
    Field::of(Value::Object(written)).map(Some).map_err(D::Error::custom)
}
