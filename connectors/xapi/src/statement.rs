//! A statement taken apart into the places where a field can be found, and put together again from what nobody took.

use serde_json::Value;
use snodo_connector::fields::{self, Fields, Take};

use crate::vocabulary::{Kind, last_word};

/// The object of a statement, or an activity of its context.
#[derive(Debug, Default)]
pub struct Activity {
    pub whole: Fields,
    pub definition: Fields,
    pub extensions: Fields,
}

#[derive(Debug)]
pub struct Statement {
    pub verb: String,
    /// Of the context: in which language names are read.
    pub language: Option<String>,
    pub object: Activity,
    pub result: Fields,
    pub result_extensions: Fields,
    pub context: Fields,
    pub context_extensions: Fields,
    pub rest: Fields,
}

impl Activity {
    fn of(mut whole: Fields) -> Self {
        let mut definition = whole.object("definition").unwrap_or_default();
        let extensions = definition.object("extensions").unwrap_or_default();
        Self { whole, definition, extensions }
    }

    pub fn type_word(&self) -> String {
        self.definition.get("type").and_then(Value::as_str).map(last_word).unwrap_or_default()
    }

    /// An id that stands for a kind of thing (`…/activities/vrObject`), as OmiLAXR writes it, says nothing of the thing.
    pub fn id_is_kind(&self) -> bool {
        let id = self.whole.get("id").and_then(Value::as_str).unwrap_or_default();
        id.contains("/activities/") && Kind::of(&last_word(id)).is_some()
    }

    pub fn kind(&self) -> Option<Kind> {
        let by_type = Kind::of(&self.type_word());
        by_type.or_else(|| {
            let id = self.whole.get("id")?.as_str()?;
            id.contains("/activities/").then(|| Kind::of(&last_word(id)))?
        })
    }

    pub fn id(&mut self) -> Option<String> {
        if self.id_is_kind() { None } else { self.whole.text("id") }
    }

    /// What a person calls it: an extension of OmiLAXR, else the definition's name.
    pub fn name(&mut self, language: Option<&str>) -> Option<String> {
        const NAMES: [&str; 5] = ["vrObjectName", "roomName", "areaName", "sceneName", "aoiName"];
        let named = NAMES.iter().find_map(|name| extension(&mut self.extensions, name, fields::text));
        named.or_else(|| word_in(&mut self.definition, "name", language))
    }

    /// `id` and `name` as canonical fields.
    pub fn called(&mut self, language: Option<&str>) -> Fields {
        let mut found = Fields::new();
        found.leave("id", self.id());
        found.leave("name", self.name(language));
        found
    }

    fn put_together(mut self) -> Fields {
        self.definition.leave("extensions", self.extensions);
        self.whole.leave("definition", self.definition);
        if self.whole.get("objectType").and_then(Value::as_str) == Some("Activity") {
            self.whole.shift_remove("objectType");
        }
        self.whole
    }
}

impl Statement {
    /// `None` for what has no verb or whose object is no activity: an agent, another statement.
    pub fn of(mut rest: Fields) -> Option<Self> {
        let verb = rest.get("verb")?.get("id")?.as_str()?.to_owned();
        let object = rest.get("object")?.as_object()?;
        let is_activity = object.get("objectType").is_none_or(|of| of == "Activity");
        object.get("id")?.as_str().filter(|_| is_activity)?;
        let object = Activity::of(rest.object("object")?);
        let mut result = rest.object("result").unwrap_or_default();
        let result_extensions = result.object("extensions").unwrap_or_default();
        let mut context = rest.object("context").unwrap_or_default();
        let context_extensions = context.object("extensions").unwrap_or_default();
        let language = context.get("language").and_then(fields::text);
        Some(Self { verb, language, object, result, result_extensions, context, context_extensions, rest })
    }

    /// What is left of it, as it was sent. The verb stays: one event has many verbs.
    pub fn put_together(self) -> Fields {
        let Self { object, mut result, result_extensions, mut context, context_extensions, mut rest, .. } =
            self;
        result.leave("extensions", result_extensions);
        context.leave("extensions", context_extensions);
        rest.leave("object", object.put_together());
        rest.leave("result", result);
        rest.leave("context", context);
        rest
    }

    /// `id` and `name` of the object.
    pub fn called(&mut self) -> Fields {
        self.object.called(self.language.as_deref())
    }

    pub fn object_name(&mut self) -> Option<String> {
        self.object.name(self.language.as_deref())
    }

    pub fn has_extension(&self, name: &str) -> bool {
        let all = [&self.object.extensions, &self.result_extensions, &self.context_extensions];
        all.into_iter().flat_map(Fields::keys).any(|key| key.rsplit(['/', '#']).next() == Some(name))
    }

    /// An extension wherever it stands: of the activity, the result or the context.
    pub fn extension<T>(&mut self, name: &str, read: impl Fn(&Value) -> Option<T>) -> Option<T> {
        [&mut self.object.extensions, &mut self.result_extensions, &mut self.context_extensions]
            .into_iter()
            .find_map(|extensions| extension(extensions, name, &read))
    }

    /// `result.duration` in milliseconds.
    pub fn duration(&mut self) -> Option<u64> {
        self.result.take("duration", |value| milliseconds(value.as_str()?))
    }

    /// The first activity of the context that is of that kind; without one, the first parent.
    pub fn context_activity(&mut self, kind: Kind) -> Option<Fields> {
        let mut activities = self.context.object("contextActivities")?;
        // 1.0 allows one in place of a list.
        for relation in RELATIONS {
            if let Some(one) = activities.object(relation) {
                activities.insert(relation.to_owned(), Value::Array(vec![Value::Object(one)]));
            }
        }
        let mut found = None;
        let of_kind = |one: &Value| {
            let activity = one.as_object().cloned().map(Activity::of);
            activity.and_then(|activity| activity.kind()) == Some(kind)
        };
        let place = RELATIONS.iter().find_map(|relation| {
            let place = activities.get(*relation)?.as_array()?.iter().position(of_kind)?;
            Some((*relation, place))
        });
        let parent = activities.get("parent").and_then(|parents| parents.get(0)?.as_object());
        let (relation, place) = place.or_else(|| parent.map(|_| ("parent", 0))).unwrap_or(("", 0));
        if let Some(Value::Array(mut list)) = activities.get(relation).cloned()
            && let Some(Value::Object(fields)) = list.get(place).cloned()
        {
            let mut activity = Activity::of(fields);
            found = Some(activity.called(self.language.as_deref())).filter(|called| !called.is_empty());
            list[place] = Value::Object(activity.put_together());
            activities.insert(relation.to_owned(), list.into());
        }
        self.context.leave("contextActivities", activities);
        found
    }
}

const RELATIONS: [&str; 4] = ["parent", "grouping", "category", "other"];

/// The extension whose IRI ends in that name.
fn extension<T>(extensions: &mut Fields, name: &str, read: impl Fn(&Value) -> Option<T>) -> Option<T> {
    let ends = |key: &&String| key.rsplit(['/', '#']).next() == Some(name);
    let key = extensions.keys().filter(ends).min()?.clone();
    extensions.take(&key, read)
}

/// Takes one word out of a language map: in the statement's language, else in English, else in the first by its tag.
pub fn word_in(fields: &mut Fields, name: &str, language: Option<&str>) -> Option<String> {
    let mut map = fields.object(name)?;
    let is = |tag: &&String| language.is_some_and(|language| tag.eq_ignore_ascii_case(language));
    let english = |tag: &&String| tag.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("en"));
    let tags = || map.keys();
    let tag = tags().find(is).or_else(|| tags().filter(english).min()).or_else(|| tags().min()).cloned();
    let word = tag.and_then(|tag| map.text(&tag));
    fields.leave(name, map);
    word
}

/// An ISO 8601 duration. Years and months have no fixed length, so they are none.
pub fn milliseconds(text: &str) -> Option<u64> {
    let text = text.trim().strip_prefix('P')?;
    let (days, time) = text.split_once('T').unwrap_or((text, ""));
    let mut found = None;
    for (part, units) in [
        (days, [('W', 604_800_000.0), ('D', 86_400_000.0), ('\0', 0.0)]),
        (time, [('H', 3_600_000.0), ('M', 60_000.0), ('S', 1_000.0)]),
    ] {
        let mut rest = part;
        while !rest.is_empty() {
            let end = rest.find(|c: char| c.is_ascii_alphabetic())?;
            let number: f64 = rest[..end].replace(',', ".").parse().ok()?;
            let letter = rest[end..].chars().next()?;
            let unit = units.iter().find(|(name, _)| *name == letter)?.1;
            found = Some(found.unwrap_or(0.0) + number * unit);
            rest = &rest[end + 1..];
        }
    }
    whole(found?)
}

/// Seconds as a number, in milliseconds.
pub fn seconds(value: &Value) -> Option<u64> {
    whole(value.as_f64()? * 1_000.0)
}

/// A hundred years in milliseconds: what is longer is no span that anybody means.
const SPAN_MAX: f64 = 3.2e12;

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(millis: f64) -> Option<u64> {
    (0.0..SPAN_MAX).contains(&millis).then(|| millis.round() as u64)
}
