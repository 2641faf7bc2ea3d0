//! Which destinations an event goes to, and why not to the others. Every route is considered for every event.

use serde_json::{Map, Value, json};

use crate::consent::{self, Basis, Consents};
use crate::expression::{Expression, Scope};
use crate::{Body, ChannelName, Class, CustomerId, Event, RouteName, Stuck};

/// A declared route, compiled.
pub struct Route {
    pub name: RouteName,
    pub from: Vec<ChannelName>,
    pub events: Vec<Pattern>,
    pub when: Option<Expression>,
    pub map: Mapping,
    pub to: ChannelName,
    pub purpose: String,
    pub basis: Basis,
    pub stuck: Stuck,
    /// `None` goes by the type and the basis.
    pub priority: Option<Class>,
}

/// `commerce.order.placed`, `commerce.order.*`, or `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn matches(&self, kind: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(start) => kind.starts_with(start),
            None => kind == self.0,
        }
    }
}

/// What a route does with an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    Deliver,
    /// It comes from another channel, or is of another type: said by the declaration alone.
    Unwanted,
    /// The condition said no, or could not be judged.
    Filtered(String),
    /// The customer has not agreed to the purpose.
    Suppressed(String),
}

/// An event with what the hub knows about it, as routes see it.
pub struct Subject<'a> {
    pub event: &'a Event,
    pub channel: &'a ChannelName,
    pub data: &'a Body<'a>,
    pub customer: Option<CustomerId>,
    pub consents: &'a Consents,
    views: std::cell::OnceCell<(Map<String, Value>, Value)>,
}

impl<'a> Subject<'a> {
    pub const fn new(
        event: &'a Event,
        channel: &'a ChannelName,
        data: &'a Body<'a>,
        customer: Option<CustomerId>,
        consents: &'a Consents,
    ) -> Self {
        Self { event, channel, data, customer, consents, views: std::cell::OnceCell::new() }
    }

    /// What expressions see. Made when the first expression asks.
    fn scope(&self) -> Scope<'_> {
        let (envelope, customer) = self.views.get_or_init(|| {
            let mut envelope = Map::new();
            for (name, value) in &self.event.attributes {
                envelope.insert(name.clone(), json!(value));
            }
            envelope.insert("id".into(), json!(self.event.id.to_string()));
            envelope.insert("type".into(), json!(&*self.event.kind));
            envelope.insert("source".into(), json!(&*self.event.source));
            envelope.insert("channel".into(), json!(self.channel.as_str()));
            envelope.insert("subject".into(), json!(self.event.subject));
            envelope.insert("time".into(), json!(self.event.time));
            let said =
                self.consents.iter().map(|(purpose, state, _)| (purpose.to_owned(), json!(state.as_str())));
            let customer = json!({
                "known": self.customer.is_some(),
                "id": self.customer.map(|id| id.to_string()),
                "consent": said.collect::<Map<_, _>>(),
            });
            (envelope, customer)
        });
        Scope { envelope, data: self.data, customer }
    }
}

/// Types of event that a person has a right to have heard before others.
const PRIVACY: [&str; 2] = ["consent.", "privacy."];

impl Route {
    /// Who an event of this type goes before, at the route's destination.
    pub fn class(&self, kind: &str) -> Class {
        let by_basis = match self.basis {
            Basis::Consent | Basis::LegitimateInterest => Class::Marketing,
            Basis::Contract | Basis::LegalObligation => Class::Service,
        };
        let by_type = PRIVACY.iter().any(|domain| kind.starts_with(domain)).then_some(Class::Privacy);
        self.priority.or(by_type).unwrap_or(by_basis)
    }

    pub fn decide(&self, subject: &Subject<'_>) -> Decision {
        if !self.from.contains(subject.channel)
            || !self.events.iter().any(|one| one.matches(&subject.event.kind))
        {
            return Decision::Unwanted;
        }
        if let Some(when) = &self.when {
            match when.evaluate(&subject.scope()) {
                Ok(Value::Bool(true)) => {}
                Ok(Value::Bool(false)) => return Decision::Filtered("its condition says no".into()),
                Ok(_) => return Decision::Filtered("its condition is neither true nor false".into()),
                Err(problem) => {
                    return Decision::Filtered(format!("its condition cannot be judged: {problem}"));
                }
            }
        }
        let consents = subject.customer.map(|_| subject.consents);
        match consent::judge(&self.purpose, self.basis, consents) {
            Ok(()) => Decision::Deliver,
            Err(why) => Decision::Suppressed(why),
        }
    }
}

/// The declarative map of a route: places in the body, each with the expression that fills it.
#[derive(Default)]
pub struct Mapping(Vec<(Vec<String>, Expression)>);

impl Mapping {
    /// `place` is a dotted path into the body; an expression whose value is null takes the place away.
    pub fn push(&mut self, place: &str, expression: Expression) {
        self.0.push((place.split('.').map(str::to_owned).collect(), expression));
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The body as the destination is to see it. Every expression sees the event as it was accepted.
    pub fn apply(&self, subject: &Subject<'_>) -> Result<Value, String> {
        let mut mapped = subject.data.to_value();
        for (place, expression) in &self.0 {
            let value = expression
                .evaluate(&subject.scope())
                .map_err(|problem| format!("failed to map {}: {problem}", place.join(".")))?;
            put(&mut mapped, place, value);
        }
        Ok(mapped)
    }
}

fn put(target: &mut Value, place: &[String], value: Value) {
    let Some((last, way)) = place.split_last() else { return };
    let mut object = target;
    for step in way {
        if !object.is_object() {
            *object = Value::Object(Map::new());
        }
        object =
            object.as_object_mut().expect("made one just above").entry(step.as_str()).or_insert(Value::Null);
    }
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    let object = object.as_object_mut().expect("made one just above");
    match value {
        Value::Null => object.remove(last),
        value => object.insert(last.clone(), value),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consent::{Change, State};
    use crate::{EventId, Timestamp};

    fn event(kind: &str) -> Event {
        Event {
            id: EventId::of_key("s", "1", Timestamp::from_millis(1)),
            kind: kind.into(),
            source: "snodo://acme/shop".into(),
            subject: Some("order/1".into()),
            time: "2026-01-01T10:00:00+01:00".into(),
            dataschema: "snodo:snodo/x/1-0-0".into(),
            ordering_key: None,
            attributes: vec![],
            data: bytes::Bytes::from_static(b"{}"),
        }
    }

    fn route(events: &str, when: &str, purpose: &str, basis: Basis) -> Route {
        Route {
            name: "r".parse().unwrap(),
            from: vec!["shop".parse().unwrap()],
            events: vec![Pattern::new(events)],
            when: (!when.is_empty()).then(|| Expression::parse(when).unwrap()),
            map: Mapping::default(),
            to: "crm".parse().unwrap(),
            purpose: purpose.into(),
            basis,
            stuck: Stuck::Block,
            priority: None,
        }
    }

    #[test]
    fn each_route_says_what_it_does_with_an_event() {
        let placed = event("commerce.order.placed");
        let data = json!({"order": {"total": {"amount": "80.00"}}});
        let mut consents = Consents::default();
        let at = Timestamp::from_millis(1);
        consents.apply(&Change { purpose: "marketing.email".into(), state: State::Granted, at });
        let customer = Some(CustomerId::first_seen_in(placed.id, at));
        let (shop, till): (ChannelName, ChannelName) = ("shop".parse().unwrap(), "till".parse().unwrap());

        use Basis::{Consent, Contract};
        for (channel, customer, route, expected) in [
            (&shop, customer, route("commerce.*", "", "orders", Contract), "deliver"),
            (&till, customer, route("commerce.*", "", "orders", Contract), "unwanted"),
            (&shop, customer, route("crm.*", "", "orders", Contract), "unwanted"),
            (
                &shop,
                customer,
                route("*", "double(event.data.order.total.amount) > 50.0", "orders", Contract),
                "deliver",
            ),
            (
                &shop,
                customer,
                route("*", "double(event.data.order.total.amount) > 90.0", "orders", Contract),
                "filtered",
            ),
            (&shop, customer, route("*", "event.data.nothing.there == 1", "orders", Contract), "filtered"),
            (
                &shop,
                customer,
                route("*", "customer.consent['marketing.email'] == 'granted'", "o", Contract),
                "deliver",
            ),
            (&shop, customer, route("*", "", "marketing.email", Consent), "deliver"),
            (&shop, customer, route("*", "", "marketing.sms", Consent), "suppressed"),
            (&shop, None, route("*", "", "marketing.email", Consent), "suppressed"),
        ] {
            let decision =
                route.decide(&Subject::new(&placed, channel, &(&data).into(), customer, &consents));
            let name = format!("{decision:?}").to_lowercase();
            assert!(name.starts_with(expected), "{}: {name}", route.purpose);
        }
    }

    #[test]
    fn a_map_fills_places_and_takes_them_away() {
        let placed = event("commerce.order.placed");
        let data = json!({"order": {"total": {"amount": "80.00"}, "note": "ring twice"}});
        let data = Body::from(&data);
        let (consents, shop) = (Consents::default(), "shop".parse().unwrap());
        let subject = Subject::new(&placed, &shop, &data, None, &consents);
        let mut map = Mapping::default();
        map.push("vendor.origin", Expression::parse("event.channel + ':' + event.subject").unwrap());
        map.push("order.note", Expression::parse("null").unwrap());
        let mapped = map.apply(&subject).unwrap();
        assert_eq!(
            mapped,
            json!({"order": {"total": {"amount": "80.00"}}, "vendor": {"origin": "shop:order/1"}})
        );
    }
}
