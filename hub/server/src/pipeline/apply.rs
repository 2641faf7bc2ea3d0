//! deliveries → messages: the route's map, then a transform, which makes zero, one or more events of each. They come to the line
//! as a message of the transform's channel.

use snodo_core::{Event, Fate, Message};
use snodo_host::{Draft, Failure, Outcome};
use snodo_store::home::Reading;
use snodo_store::{Due, Settled, StoreError};

use super::drafts::{self, Moment, Origin};
use super::encode::{self, Carried, Ready};
use super::interpret::{self, Told};
use super::{Channel, Line};

/// How many times over an event may be made of one that was made. Two or three are a chain that somebody meant; more is a circle.
const HOPS_MAX: u32 = 8;

/// What the hub writes on an event that was made of another. The first two are what event stores call so.
const CAUSATION: &str = "causationid";
const CORRELATION: &str = "correlationid";
const HOPS: &str = "hops";

#[derive(Default)]
pub struct Applied {
    pub settled: Vec<Settled>,
    /// To be kept in the commit that settles.
    pub made: Vec<Message>,
}

pub fn apply(
    line: &Line,
    channel: &Channel,
    dues: Vec<Due>,
    store: &dyn Reading,
    moment: Moment<'_>,
) -> Result<Applied, StoreError> {
    let now = moment.now;
    let (circling, dues): (Vec<_>, Vec<_>) = dues.into_iter().partition(|due| hops(&due.event) >= HOPS_MAX);
    let Ready { carried, settled } = encode::make_ready(line, channel, dues, store, now)?;
    let mut applied = Applied { settled, made: Vec::new() };
    let why =
        format!("it was made of events that were made, {HOPS_MAX} times over: the routes go in a circle");
    let stopped = |due: &Due| interpret::without_sending(due, Fate::Quarantined, &why, now);
    applied.settled.extend(circling.iter().map(stopped));
    if carried.is_empty() {
        return Ok(applied);
    }
    let told = {
        let deliveries: Vec<_> = carried.iter().map(Carried::for_connector).collect();
        let events: Vec<_> = deliveries.iter().map(|delivery| delivery.event).collect();
        let fitted = channel.fitted();
        fitted.connector.apply(&channel.context(fitted, now), &events)
    };
    for (one, told) in carried.iter().zip(told) {
        let origin = Origin { channel: &channel.name, name: &one.idempotency_key, moment };
        applied.take(line, one, told, origin);
    }
    Ok(applied)
}

impl Applied {
    fn take(&mut self, line: &Line, of: &Carried, told: Result<Vec<Draft>, Failure>, origin: Origin<'_>) {
        let now = origin.moment.now;
        let outcome = match told {
            Ok(told) if told.is_empty() => {
                let settled = interpret::without_sending(&of.due, Fate::Delivered, "made no event", now);
                return self.settled.push(settled);
            }
            Ok(told) => {
                let made = drafts::messages(origin, descend(&of.due.event, told));
                let id = made.first().map(|message| message.id.to_string());
                self.made.extend(made);
                Ok(Outcome::Accepted(id))
            }
            Err(Failure::Fault(fault)) => Ok(Outcome::Failed(fault)),
            Err(failure) => Err(failure),
        };
        let told = Told { round: 1, sent: None, now, fails: false };
        self.settled.push(interpret::settle(line, &of.due, &outcome, told));
    }
}

fn attribute<'a>(event: &'a Event, name: &str) -> Option<&'a str> {
    event.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// An attribute of that name that is no number is somebody else's, and counts for nothing.
fn hops(event: &Event) -> u32 {
    attribute(event, HOPS).and_then(|hops| hops.parse().ok()).unwrap_or(0)
}

/// Says of drafts what they were made of. What the transform leaves open it has from there too, so that making it again makes
/// the same.
fn descend(cause: &Event, drafts: Vec<Draft>) -> Vec<Draft> {
    let id = cause.id.to_string();
    let correlation = attribute(cause, CORRELATION).unwrap_or(&id).to_owned();
    let hops = (hops(cause) + 1).to_string();
    let descend = |(place, mut draft): (usize, Draft)| {
        draft.key.get_or_insert_with(|| format!("{id}.{place}"));
        draft.time.get_or_insert_with(|| cause.time.clone());
        let own = std::mem::take(&mut draft.attributes);
        let ours = [(CAUSATION, id.clone()), (CORRELATION, correlation.clone()), (HOPS, hops.clone())];
        draft.attributes.extend(ours.map(|(name, value)| (name.to_owned(), value)));
        let is_own = |(name, _): &(String, String)| ![CAUSATION, CORRELATION, HOPS].contains(&name.as_str());
        draft.attributes.extend(own.into_iter().filter(is_own));
        draft
    };
    drafts.into_iter().enumerate().map(descend).collect()
}

#[cfg(test)]
mod tests {
    use snodo_core::{EventId, Timestamp};

    use super::*;

    fn event(attributes: &[(&str, &str)]) -> Event {
        Event {
            id: EventId::of_key("s", "1", Timestamp::from_millis(1)),
            kind: "iot.alert.raised".into(),
            source: "s".into(),
            subject: None,
            time: "2026-03-01T10:00:00+01:00".into(),
            dataschema: "".into(),
            ordering_key: None,
            attributes: attributes.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
            data: bytes::Bytes::new(),
        }
    }

    fn draft(key: Option<&str>, time: Option<&str>, attributes: &[(&str, &str)]) -> Draft {
        Draft {
            key: key.map(str::to_owned),
            kind: "iot.alert.raised".into(),
            subject: None,
            time: time.map(str::to_owned),
            ordering_key: None,
            attributes: event(attributes).attributes,
            data: b"{}".to_vec(),
        }
    }

    #[test]
    fn what_is_made_says_what_it_was_made_of() {
        let id = event(&[]).id.to_string();
        let (first, second, time) = (format!("{id}.0"), format!("{id}.1"), event(&[]).time);
        for (cause, correlation, hops) in [
            (&[][..], id.as_str(), "1"),
            (&[("correlationid", "c"), ("causationid", "x"), ("hops", "3")], "c", "4"),
            (&[("hops", "barley")], &id, "1"),
        ] {
            let ours = [("causationid", id.as_str()), ("correlationid", correlation), ("hops", hops)];
            let made = descend(
                &event(cause),
                vec![
                    draft(None, None, &[("hops", "0"), ("correlationid", "mine"), ("own", "1")]),
                    draft(None, Some("2026-01-01T00:00:00Z"), &[]),
                    draft(Some("mine"), None, &[]),
                ],
            );
            let with_own: Vec<_> = ours.iter().copied().chain([("own", "1")]).collect();
            assert_eq!(
                made,
                [
                    draft(Some(&first), Some(&time), &with_own),
                    draft(Some(&second), Some("2026-01-01T00:00:00Z"), &ours),
                    draft(Some("mine"), Some(&time), &ours),
                ]
            );
        }
    }
}
