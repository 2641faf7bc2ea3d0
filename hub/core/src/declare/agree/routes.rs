//! What a route says against the channels, the purposes, the vocabulary and the language of expressions.

use serde_json::Value;

use super::{accepts, emits, is_junction, manifest, meet};
use crate::ChannelName;
use crate::declare::document::{Document, Spot, escape};
use crate::declare::load::Loaded;
use crate::declare::{Known, Manifest, Mistake, wording};
use crate::expression::Expression;

pub fn check(loaded: &Loaded<'_>, known: Known<'_>) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for found in loaded.routes.values() {
        let Some(document) = &found.document else { continue };
        let mut check = Check { document, loaded, known, mistakes: &mut mistakes };
        check.ends();
        check.events();
        check.purpose();
        check.expressions();
    }
    mistakes
}

struct Check<'a, 'd> {
    document: &'a Document<'d>,
    loaded: &'a Loaded<'d>,
    known: Known<'a>,
    mistakes: &'a mut Vec<Mistake>,
}

impl<'a> Check<'a, '_> {
    fn say(&mut self, at: &str, message: impl Into<String>, remedy: impl Into<String>) {
        self.mistakes.push(self.document.mistake(&Spot::Value(at), message, remedy));
    }

    fn note(&mut self, at: &str, message: impl Into<String>, remedy: impl Into<String>) {
        self.mistakes.push(self.document.mistake(&Spot::Value(at), message, remedy).noted());
    }

    /// The texts of a list, with their places.
    fn listed(&self, key: &str) -> Vec<(String, &'a str)> {
        let entries =
            self.document.value.get(key).and_then(Value::as_array).into_iter().flatten().enumerate();
        entries.filter_map(|(place, entry)| Some((format!("/{key}/{place}"), entry.as_str()?))).collect()
    }

    /// The channels there are that have the section, or are both ends of routes without it.
    fn channels_with(&self, section: &str) -> Vec<&'a str> {
        let junction = |document: &Document<'_>| {
            manifest(self.known, document.text("/connector"))
                .is_some_and(|manifest| is_junction(document, manifest))
        };
        let has = |document: &Option<Document<'_>>| {
            document.as_ref().is_none_or(|document| document.has(section) || junction(document))
        };
        let channels = self.loaded.channels.iter().filter(|(_, found)| has(&found.document));
        channels.map(|(name, _)| name.as_str()).collect()
    }

    /// What a channel says, and its connector.
    fn declared(&self, channel: &str) -> Option<(&'a Document<'a>, &'a Manifest)> {
        let document = self.loaded.channels.get(channel)?.document.as_ref()?;
        Some((document, manifest(self.known, document.text("/connector"))?))
    }

    fn ends(&mut self) {
        let to = self.document.text("/to");
        let mut seen: Vec<&str> = Vec::new();
        for (at, name) in self.listed("from") {
            if to == Some(name) {
                let message = format!("the route comes from {name:?} and goes back to it");
                self.say(
                    &at,
                    message,
                    "a route goes from some channels to another one: change `from` or `to`",
                );
            } else {
                self.end(&at, name, "/receive");
            }
            if seen.contains(&name) {
                self.say(&at, format!("{name:?} stands twice in `from`"), "leave one of them out");
            }
            seen.push(name);
        }
        if let Some(name) = to {
            self.end("/to", name, "/send");
        }
    }

    fn end(&mut self, at: &str, name: &str, section: &str) {
        if name.parse::<ChannelName>().is_err() {
            return; // Its shape has been spoken of.
        }
        let choices = self.channels_with(section);
        if !self.loaded.channels.contains_key(name) {
            let remedy = match choices.is_empty() {
                true => format!("add channels/{name}.toml"),
                false => format!("{}; or add channels/{name}.toml", wording::choose(name, &choices)),
            };
            return self.say(at, format!("there is no channel {name:?}"), remedy);
        }
        if !choices.contains(&name) {
            let way =
                if section == "/receive" { "nothing comes in through" } else { "nothing goes out through" };
            let message = format!("{way} the channel {name:?}");
            let remedy = match choices.is_empty() {
                true => format!("add [{}] to channels/{name}.toml", &section[1..]),
                false => {
                    let others = wording::list(&choices);
                    format!("add [{}] to channels/{name}.toml, or choose one of: {others}", &section[1..])
                }
            };
            self.say(at, message, remedy);
        }
    }

    fn events(&mut self) {
        let sources: Vec<_> = self.listed("from").into_iter().map(|(_, name)| self.declared(name)).collect();
        let told = sources.iter().flatten().flat_map(|(document, manifest)| emits(document, manifest));
        let emits: Vec<&str> = told.map(String::as_str).collect();
        let destination = self.document.text("/to").and_then(|name| self.declared(name));
        let taken = destination.map(|(document, manifest)| accepts(document, manifest));
        let accepts: Vec<&str> = taken.into_iter().flatten().map(String::as_str).collect();
        for (at, pattern) in self.listed("events") {
            if !self.event_type(&at, pattern) {
                continue;
            }
            if sources.iter().all(Option::is_some)
                && !emits.is_empty()
                && !emits.iter().any(|one| meet(one, pattern))
            {
                let message = format!("no channel of `from` tells of {pattern:?}, so nothing comes of it");
                self.note(&at, message, format!("they tell of: {}", wording::list(&emits)));
                continue;
            }
            if !accepts.is_empty() && !accepts.iter().any(|one| meet(one, pattern)) {
                let message = format!("the channel of `to` takes nothing of {pattern:?}");
                self.note(&at, message, format!("it takes: {}", wording::list(&accepts)));
            }
        }
    }

    /// Whether it is a type of event, or the beginning of some.
    fn event_type(&mut self, at: &str, pattern: &str) -> bool {
        if pattern == "*" {
            return true;
        }
        let start = pattern.strip_suffix('*');
        if start.is_some_and(|start| !start.ends_with('.')) || start.unwrap_or(pattern).contains('*') {
            let before = pattern.split('*').next().unwrap_or("").trim_end_matches('.');
            let remedy = format!("a star stands for all that follows, after a point: \"{before}.*\"");
            self.say(at, format!("{pattern:?} is not a type of event"), remedy);
            return false;
        }
        let fits = |kind: &&&str| start.map_or(**kind == pattern, |start| kind.starts_with(start));
        if self.known.types.iter().any(|kind| fits(&kind)) {
            return true;
        }
        let message = format!("there is no type of event {pattern:?}");
        let beneath = format!("{pattern}.");
        let remedy = match (start, wording::nearest(pattern, self.known.types)) {
            _ if self.known.types.iter().any(|kind| kind.starts_with(&beneath)) => {
                format!("write \"{pattern}.*\" for all types that begin so")
            }
            (None, Some(meant)) => format!("did you mean {meant:?}? `snodo schema list` shows all"),
            (start, _) => {
                let domain = start.unwrap_or(pattern).split('.').next().unwrap_or("");
                let mut domains: Vec<&str> =
                    self.known.types.iter().filter_map(|kind| kind.split('.').next()).collect();
                domains.sort_unstable();
                domains.dedup();
                match wording::nearest(domain, &domains) {
                    Some(meant) if meant != domain => {
                        format!("did you mean \"{meant}.…\"? `snodo schema list` shows all")
                    }
                    _ => "`snodo schema list` shows all types".to_owned(),
                }
            }
        };
        self.say(at, message, remedy);
        false
    }

    fn purpose(&mut self) {
        let Some(purpose) = self.document.text("/purpose") else { return };
        let Some(hub) = self.loaded.hub.as_ref().and_then(|hub| hub.document.as_ref()) else { return };
        let declared = hub.value.get("purposes").and_then(Value::as_object);
        let declared: Vec<&str> =
            declared.into_iter().flat_map(|all| all.keys()).map(String::as_str).collect();
        if declared.contains(&purpose) {
            return;
        }
        let declare =
            format!("declare it in hub.toml: [purposes.{}] with title and basis", wording::key(purpose));
        let remedy = match declared.is_empty() {
            true => declare,
            false => format!("{}; or {declare}", wording::choose(purpose, &declared)),
        };
        self.say("/purpose", format!("there is no purpose {purpose:?} in hub.toml"), remedy);
    }

    fn expressions(&mut self) {
        if let Some(when) = self.document.text("/when") {
            self.expression("/when", "when", when);
        }
        let map = self.document.value.get("map").and_then(Value::as_object);
        for (place, expression) in map.into_iter().flatten() {
            let at = format!("/map/{}", escape(place));
            let inner = ["event.data.", "event.", "data."].iter().find_map(|start| place.strip_prefix(start));
            if let Some(inner) = inner {
                let remedy =
                    format!("write {inner} = …: the places of a map are in the event's data already");
                self.say(&at, format!("{place:?} is not a place in the event's data"), remedy);
            }
            if let Some(expression) = expression.as_str() {
                self.expression(&at, place, expression);
            }
        }
    }

    fn expression(&mut self, at: &str, key: &str, text: &str) {
        if let Err(problem) = Expression::parse(text) {
            let message = format!("the expression of `{key}` cannot be read: {problem}");
            self.say(at, message, improve(text));
        }
    }
}

/// What is usually wrong with an expression like that.
fn improve(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().map(|word| word.trim_matches(['(', ')'])).collect();
    let says = |word: &str| words.iter().any(|one| one.eq_ignore_ascii_case(word));
    let operators: String = text.replace("==", "").replace("!=", "").replace(">=", "").replace("<=", "");
    if operators.contains('=') {
        return "two equals signs compare: event.type == 'commerce.order.placed'".to_owned();
    }
    if says("and") || says("or") || says("not") {
        return "`and`, `or` and `not` are written &&, || and !".to_owned();
    }
    if text.trim().is_empty() {
        return "leave `when` out to let every event through".to_owned();
    }
    "write CEL over `event` and `customer`: event.data.order.currency == 'EUR' && customer.known".to_owned()
}
