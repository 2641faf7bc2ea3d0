//! Expressions over an event and its customer, in CEL (the Common Expression Language, cel.dev): what a route's `when` and
//! `map` are written in. Compiled once; an evaluation has no effects and no loops of its own.

use std::sync::{Arc, LazyLock};

use cel::{Context, Env, Program};
use serde_json::{Map, Value};

use crate::Body;

/// The names an expression may begin with.
const ROOTS: [&str; 2] = ["event", "customer"];

/// A longer expression is a program, and belongs in a connector.
const SOURCE_BYTES_MAX: usize = 4096;

static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

pub struct Expression {
    source: String,
    program: Program,
    /// The parts of `event` and `customer` that it looks at, as JSON Pointers: only those are handed over.
    reads: Vec<String>,
}

impl Expression {
    pub fn parse(source: &str) -> Result<Self, String> {
        if source.len() > SOURCE_BYTES_MAX {
            return Err(format!("longer than {SOURCE_BYTES_MAX} bytes: such logic belongs in a connector"));
        }
        // The parser reports what it finds on the way; the first line says what it is about.
        let program = ENVIRONMENT.compile(source).map_err(|errors| {
            let text = errors.to_string();
            text.lines().next().unwrap_or("not an expression").trim().to_owned()
        })?;
        let references = program.references();
        let strange = |name: &&str| !ROOTS.contains(name) && !is_bound(source, name);
        if let Some(stranger) = references.variables().into_iter().find(strange) {
            return Err(format!(
                "there is no {stranger:?} here: an expression begins with `event` or `customer`"
            ));
        }
        let reads = reads(source);
        Ok(Self { source: source.to_owned(), program, reads })
    }

    pub fn source(&self) -> &str {
        &self.source
    }

    /// `scope` is an object with `event` and `customer`.
    pub fn evaluate(&self, scope: &Scope) -> Result<Value, String> {
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        for root in ROOTS {
            let seen = self.seen(scope, root);
            context.add_variable(root, seen).map_err(|error| format!("failed to read {root}: {error}"))?;
        }
        let value = self.program.execute(&context).map_err(|error| error.to_string())?;
        value.json().map_err(|_| "its value cannot be written as JSON".to_owned())
    }

    /// The part of a root that the expression reads, and nothing else of it.
    fn seen(&self, scope: &Scope, root: &str) -> Value {
        let mut seen = Value::Object(Map::new());
        for pointer in &self.reads {
            let Some(path) = pointer.strip_prefix(root) else { continue };
            match scope.at(root, path) {
                Some(value) => graft(&mut seen, path, value),
                None => graft_way(&mut seen, path, |way| scope.at(root, way)),
            }
        }
        seen
    }
}

/// What expressions see of one event.
pub struct Scope<'a> {
    /// The envelope: `type`, `source`, `subject`, `time`, `channel` and the attributes.
    pub envelope: &'a Map<String, Value>,
    pub data: &'a Body<'a>,
    pub customer: &'a Value,
}

impl Scope<'_> {
    fn at(&self, root: &str, path: &str) -> Option<Value> {
        match (root, path.strip_prefix("/data")) {
            ("customer", _) => self.customer.pointer(path).cloned(),
            (_, Some(rest)) if rest.is_empty() || rest.starts_with('/') => {
                self.data.pointer(rest).map(Body::to_value)
            }
            (_, None) if path.is_empty() => {
                let mut event = self.envelope.clone();
                event.insert("data".into(), self.data.to_value());
                Some(event.into())
            }
            _ => self.envelope.get(path.strip_prefix('/')?).cloned(),
        }
    }
}

/// Whether the name is one that a macro gives to the items of a list: `tags.exists(tag, tag == "vip")`.
fn is_bound(source: &str, name: &str) -> bool {
    source.match_indices('(').any(|(at, _)| {
        let inside = source[at + 1..].trim_start();
        inside.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with(','))
    })
}

/// Every chain `event.a.b` in the text, as `event/a/b`. It may name more than is evaluated, never less: a chain that goes on
/// with an index or a call is taken up to there.
fn reads(source: &str) -> Vec<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut reads = Vec::new();
    for root in ROOTS {
        for (at, _) in source.match_indices(root) {
            let before = source[..at].chars().next_back();
            let mut rest = &source[at + root.len()..];
            if before.is_some_and(|c| is_word(c) || c == '.') || rest.starts_with(is_word) {
                continue;
            }
            let mut segments = vec![root];
            while let Some(next) = rest.strip_prefix('.') {
                let end = next.find(|c| !is_word(c)).unwrap_or(next.len());
                let (segment, after) = next.split_at(end);
                if segment.is_empty() || after.starts_with('(') {
                    break;
                }
                segments.push(segment);
                rest = after;
            }
            reads.push(segments.join("/"));
        }
    }
    // A shorter chain brings the longer ones with it.
    reads.sort();
    reads.dedup_by(|longer, shorter| {
        longer.strip_prefix(shorter.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    reads
}

/// Puts `value` at `path` (`/a/b`), making the objects on the way.
fn graft(target: &mut Value, path: &str, value: Value) {
    let Some(path) = path.strip_prefix('/') else {
        *target = value;
        return;
    };
    let mut place = target;
    for segment in path.split('/') {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        let object = place.as_object_mut().expect("it was made an object just above");
        place = object.entry(segment).or_insert(Value::Null);
    }
    *place = value;
}

/// Of a path that leads nowhere, the part that is there: so that the error names the step that is missing.
fn graft_way(target: &mut Value, path: &str, at: impl Fn(&str) -> Option<Value>) {
    let mut way = path;
    while let Some((shorter, _)) = way.rsplit_once('/').filter(|(shorter, _)| !shorter.is_empty()) {
        way = shorter;
        match at(way) {
            Some(Value::Object(_)) if target.pointer(way).is_some() => return,
            Some(Value::Object(_)) => return graft(target, way, Value::Object(Map::new())),
            Some(value) => return graft(target, way, value),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn evaluate(source: &str) -> Result<Value, String> {
        let envelope = json!({"type": "commerce.order.placed", "channel": "shop"});
        let data = json!({"order": {"total": {"amount": "80.50", "currency": "EUR"}, "tags": ["vip"]}});
        let customer = json!({"id": "c1", "consent": {"marketing.email": "granted"}});
        let envelope = envelope.as_object().unwrap();
        Expression::parse(source)?.evaluate(&Scope {
            envelope,
            data: &Body::from(&data),
            customer: &customer,
        })
    }

    #[test]
    fn an_expression_sees_the_event_and_the_customer() {
        for (source, value) in [
            (r#"event.type == "commerce.order.placed""#, json!(true)),
            (r#"double(event.data.order.total.amount) > 50.0"#, json!(true)),
            (r#"event.data.order.tags.exists(t, t == "vip")"#, json!(true)),
            (r#"event.data.order["total"].currency"#, json!("EUR")),
            (r#"has(event.data.refund)"#, json!(false)),
            (r#"has(event.data.order.total) && event.channel.startsWith("sh")"#, json!(true)),
            (r#"customer.consent["marketing.email"] == "granted""#, json!(true)),
            (r#"event["data"].order.total"#, json!({"amount": "80.50", "currency": "EUR"})),
            (r#"customer.id + "-x""#, json!("c1-x")),
        ] {
            assert_eq!(evaluate(source), Ok(value), "{source}");
        }
    }

    #[test]
    fn what_cannot_be_evaluated_says_why() {
        for (source, part) in [
            ("event.data.refund.id == 'x'", "refund"),
            ("event.type ==", ""),
            ("order.total > 1", "`event` or `customer`"),
        ] {
            let problem = evaluate(source).expect_err(source);
            assert!(problem.contains(part), "{source}: {problem}");
        }
    }

    #[test]
    fn only_what_is_read_is_handed_over() {
        for (source, expected) in [
            ("event.data.a.b == event.data.a", vec!["event/data/a"]),
            ("event.data.ab == event.data.a", vec!["event/data/a", "event/data/ab"]),
            ("event.data.tags.exists(t, t == 'event')", vec!["event"]),
            ("preevent", vec![]),
            ("x.event.y", vec![]),
            ("customer.id == event.subject", vec!["customer/id", "event/subject"]),
        ] {
            assert_eq!(reads(source), expected, "{source}");
        }
    }
}
