//! One trait per role. A connector implements those it plays, and names them to `export!`.

use crate::{Context, Delivery, Draft, Event, Exchange, Fault, Message, Plan, Reply, Step};

/// Foreign messages in, events out.
///
/// ```
/// use serde::Deserialize;
/// use serde_json::json;
/// use snodo_connector::{Context, Draft, Fault, Message, Source, contact, time};
///
/// pub struct Bell;
///
/// #[derive(Deserialize)]
/// struct Rung {
///     bell: String,
///     count: u64,
///     at_ms: u64,
///     caller: String,
/// }
///
/// impl Source for Bell {
///     fn decode(_: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
///         let rung: Rung = message.json()?;
///         let customer = match contact::email(&rung.caller) {
///             Some(email) => json!({"identifiers": [{"namespace": "email", "value": email, "authenticated": "asserted"}]}),
///             None => json!({"anonymous": true}),
///         };
///         let time = time::from_epoch_millis(rung.at_ms)
///             .ok_or_else(|| Fault::permanent_at("/at_ms", "the time of the ring is out of all bounds"))?;
///         let data = json!({"customer": customer, "device": {"id": rung.bell}, "alert": {"code": "help-wanted", "severity": "info"}});
///         let key = format!("{}/{}", rung.bell, rung.count);
///         Ok(vec![Draft::new("iot.alert.raised", &data).with_key(key).with_time(time)])
///     }
/// }
///
/// snodo_connector::export!(Bell: source);
///
/// let body = br#"{"bell": "b7", "count": 4, "at_ms": 1772353800250, "caller": "Anna@Example.com"}"#.to_vec();
/// let message = Message { id: "m1".into(), received_at: 0, headers: vec![], name: String::new(), body };
/// let ctx = Context { channel: "bells".into(), config: b"{}".to_vec(), now: 0 };
/// let drafts = Bell::decode(&ctx, message).unwrap();
/// assert_eq!(drafts[0].time.as_deref(), Some("2026-03-01T08:30:00.250Z"));
/// ```
pub trait Source {
    /// What one message says. A fault keeps the whole message in quarantine; its neighbours are not touched.
    fn decode(ctx: &Context, message: Message) -> Result<Vec<Draft>, Fault>;
}

/// A source that must be asked.
///
/// The hub sends what is asked, comes back with the answer, and keeps the cursor once the events of the page are durable.
///
/// ```
/// use serde::Deserialize;
/// use serde_json::Value;
/// use snodo_connector::{Answer, Context, Draft, Fault, Poll, Reply, Request, Step, url};
///
/// pub struct Reviews;
///
/// #[derive(Deserialize)]
/// struct Found {
///     reviews: Vec<Value>,
///     next: Option<String>,
/// }
///
/// impl Poll for Reviews {
///     fn next(_: &Context, cursor: Option<Vec<u8>>, reply: Option<Reply>) -> Result<Step, Fault> {
///         let cursor = cursor.unwrap_or_default();
///         let Some(Reply { answer, .. }) = reply else {
///             let after = String::from_utf8_lossy(&cursor);
///             let query = url::form([("limit", "100"), ("after", &after)]);
///             let target = format!("https://reviews.example.com/v1/reviews?{query}");
///             let request = Request { method: "GET".into(), target, headers: vec![], body: vec![] };
///             // The state comes back with the reply. Here nothing need be remembered.
///             return Ok(Step::ask(request, vec![]));
///         };
///         if !answer.is_success() {
///             return Err(answer.fault("the reviews could not be fetched"));
///         }
///         let found: Found = answer.json().ok_or_else(|| Fault::retry("what was answered is no list of reviews"))?;
///         // The event for what has no mapping yet: with the record whole, so that nothing is lost.
///         let drafts = found.reviews.iter().map(|review| Draft::unknown(None, review)).collect();
///         Ok(match found.next {
///             Some(next) => Step::more(drafts, next.into_bytes()),
///             None => Step::done(drafts, cursor, None),
///         })
///     }
/// }
///
/// snodo_connector::export!(Reviews: poll);
///
/// let ctx = Context { channel: "reviews".into(), config: b"{}".to_vec(), now: 0 };
/// let Ok(Step::Ask(question)) = Reviews::next(&ctx, Some(b"r 9".to_vec()), None) else { panic!("it asks first") };
/// assert_eq!(question.request.target, "https://reviews.example.com/v1/reviews?limit=100&after=r+9");
/// let body = br#"{"reviews": [{"stars": 5}], "next": "r 10"}"#.to_vec();
/// let reply = Reply { state: question.state, answer: Answer { status: 200, headers: vec![], body } };
/// let Ok(Step::Page(page)) = Reviews::next(&ctx, None, Some(reply)) else { panic!("it says what it found") };
/// assert_eq!((page.events.len(), page.cursor.as_slice(), page.more), (1, &b"r 10"[..], true));
/// ```
pub trait Poll {
    /// Without a reply: what to ask. With one: what it says, or what else to ask before that can be said.
    fn next(ctx: &Context, cursor: Option<Vec<u8>>, reply: Option<Reply>) -> Result<Step, Fault>;
}

/// Events in, requests out; answers in, outcomes out.
///
/// ```
/// use serde::Deserialize;
/// use serde_json::{Value, json};
/// use snodo_connector::{Context, Delivery, Destination, Event, Exchange, Outcome, Plan, Request, url};
///
/// pub struct Pager;
///
/// #[derive(Deserialize)]
/// struct Config {
///     base_url: String,
/// }
///
/// fn page(config: &Config, delivery: &Delivery) -> Result<Request, Outcome> {
///     // What comes from an event is percent-encoded in a target.
///     let subject = delivery.event.subject.as_deref().and_then(url::segment);
///     let subject = subject.ok_or_else(|| Outcome::ignored("the event is about nothing that has a page"))?;
///     let target = format!("{}/v1/pages/{subject}", config.base_url);
///     Ok(Request::json("PUT", target, &json!({"text": delivery.event.kind})))
/// }
///
/// impl Destination for Pager {
///     fn encode(ctx: &Context, deliveries: Vec<Delivery>) -> Plan {
///         Plan::one_by_one(ctx.config(), &deliveries, page)
///     }
///
///     fn interpret(_: &Context, exchange: Exchange) -> Plan {
///         let outcome = match exchange.answer.is_success() {
///             true => Outcome::Accepted(exchange.answer.json::<Value>().and_then(|page| Some(page["id"].as_str()?.to_owned()))),
///             // What the status says by HTTP's own rules: 429 waits, 5xx is tried again, 401 wants another credential.
///             false => Outcome::Failed(exchange.answer.fault("the pager refused it")),
///         };
///         Plan::settle_all(exchange.deliveries.len(), &outcome)
///     }
/// }
///
/// snodo_connector::export!(Pager: destination);
///
/// let event = Event {
///     id: "e1".into(),
///     kind: "iot.alert.raised".into(),
///     source: "/bells".into(),
///     subject: Some("device/b7".into()),
///     time: "2026-03-01T09:30:00+01:00".into(),
///     dataschema: String::new(),
///     ordering_key: "b7".into(),
///     attributes: vec![],
///     data: b"{}".to_vec(),
/// };
/// let delivery = Delivery { idempotency_key: "k1".into(), attempt: 1, customer: None, event };
/// let config = br#"{"base_url": "https://pager.example.com"}"#.to_vec();
/// let ctx = Context { channel: "pager".into(), config, now: 0 };
/// let plan = Pager::encode(&ctx, vec![delivery]);
/// assert_eq!(plan.calls[0].request.target, "https://pager.example.com/v1/pages/device%2Fb7");
/// ```
pub trait Destination {
    /// Plans the whole batch: every delivery covered by exactly one call, or settled at once.
    fn encode(ctx: &Context, deliveries: Vec<Delivery>) -> Plan;

    /// What an answer means for the deliveries its call covered. Places count within the exchange.
    fn interpret(ctx: &Context, exchange: Exchange) -> Plan;
}

/// Events in, events out.
///
/// ```
/// use serde_json::Value;
/// use snodo_connector::{Context, Draft, Event, Fault, Transform, locale};
///
/// /// Writes every customer's locale in one way.
/// pub struct Locales;
///
/// impl Transform for Locales {
///     fn apply(_: &Context, event: Event) -> Result<Vec<Draft>, Fault> {
///         let mut data: Value = event.data()?;
///         if let Some(said) = data.pointer_mut("/customer/traits/locale")
///             && let Some(tag) = said.as_str().and_then(locale::tag)
///         {
///             *said = tag.into();
///         }
///         let mut draft = Draft::new(event.kind, &data).with_time(event.time).with_ordering_key(event.ordering_key);
///         draft.subject = event.subject;
///         Ok(vec![draft])
///     }
/// }
///
/// snodo_connector::export!(Locales: transform);
///
/// let event = Event {
///     id: "e1".into(),
///     kind: "crm.contact.updated".into(),
///     source: "/crm".into(),
///     subject: None,
///     time: "2026-03-01T09:30:00+01:00".into(),
///     dataschema: String::new(),
///     ordering_key: "c7".into(),
///     attributes: vec![],
///     data: br#"{"customer": {"traits": {"locale": "it_it"}}}"#.to_vec(),
/// };
/// let ctx = Context { channel: "locales".into(), config: b"{}".to_vec(), now: 0 };
/// let drafts = Locales::apply(&ctx, event).unwrap();
/// assert_eq!(drafts[0].data, br#"{"customer":{"traits":{"locale":"it-IT"}}}"#);
/// ```
pub trait Transform {
    /// Zero, one or more events in the place of one.
    fn apply(ctx: &Context, event: Event) -> Result<Vec<Draft>, Fault>;
}

/// Makes a type a component: `export!(Shopify: source)`, or several roles: `export!(Hubspot: source, destination)`. The roles are
/// `source`, `poll`, `destination` and `transform`; the type implements the trait of each.
#[macro_export]
macro_rules! export {
    ($connector:ty: $($role:ident),+ $(,)?) => {
        // Only a component has these exports: a native linker refuses their names.
        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Exported;
            $($crate::export!(@$role $connector);)+
        };
    };
    (@source $connector:ty) => {
        impl $crate::source::exports::snodo::connector::source::Guest for Exported {
            fn decode(
                ctx: $crate::Context,
                messages: Vec<$crate::Message>,
            ) -> Vec<Result<Vec<$crate::Draft>, $crate::Fault>> {
                $crate::tell_where_it_panics();
                messages
                    .into_iter()
                    .map(|message| <$connector as $crate::Source>::decode(&ctx, message))
                    .collect()
            }
        }
        $crate::source::export_source!(Exported with_types_in $crate::source);
    };
    (@poll $connector:ty) => {
        impl $crate::poll::exports::snodo::connector::poll::Guest for Exported {
            fn next(
                ctx: $crate::Context,
                cursor: Option<Vec<u8>>,
                reply: Option<$crate::Reply>,
            ) -> Result<$crate::Step, $crate::Fault> {
                $crate::tell_where_it_panics();
                <$connector as $crate::Poll>::next(&ctx, cursor, reply)
            }
        }
        $crate::poll::export_poll!(Exported with_types_in $crate::poll);
    };
    (@destination $connector:ty) => {
        impl $crate::destination::exports::snodo::connector::destination::Guest for Exported {
            fn encode(ctx: $crate::Context, deliveries: Vec<$crate::Delivery>) -> $crate::Plan {
                $crate::tell_where_it_panics();
                <$connector as $crate::Destination>::encode(&ctx, deliveries)
            }
            fn interpret(ctx: $crate::Context, exchanges: Vec<$crate::Exchange>) -> Vec<$crate::Plan> {
                $crate::tell_where_it_panics();
                exchanges
                    .into_iter()
                    .map(|exchange| <$connector as $crate::Destination>::interpret(&ctx, exchange))
                    .collect()
            }
        }
        $crate::destination::export_destination!(Exported with_types_in $crate::destination);
    };
    (@transform $connector:ty) => {
        impl $crate::transform::exports::snodo::connector::transform::Guest for Exported {
            fn apply(
                ctx: $crate::Context,
                events: Vec<$crate::Event>,
            ) -> Vec<Result<Vec<$crate::Draft>, $crate::Fault>> {
                $crate::tell_where_it_panics();
                events
                    .into_iter()
                    .map(|event| <$connector as $crate::Transform>::apply(&ctx, event))
                    .collect()
            }
        }
        $crate::transform::export_transform!(Exported with_types_in $crate::transform);
    };
}
