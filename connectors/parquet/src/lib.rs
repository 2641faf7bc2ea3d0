//! Events as Parquet files, one for each day of a batch: the same events are the same file, byte for byte.

mod batch;
mod file;
mod thrift;

use declarative::columns;
use serde::Deserialize;
use serde_json::Value;
use snodo_connector::{Context, Delivery, Destination, Exchange, Fault, Outcome, Plan, Request, url};

use crate::batch::Column;

pub struct Parquet;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    name: String,
    url: Option<String>,
    columns: Vec<Column>,
}

impl Default for Config {
    fn default() -> Self {
        Self { name: "events".into(), url: None, columns: Vec::new() }
    }
}

/// <https://www.iana.org/assignments/media-types/application/vnd.apache.parquet>
const MEDIA: &str = "application/vnd.apache.parquet";

impl Destination for Parquet {
    fn encode(ctx: &Context, deliveries: Vec<Delivery>) -> Plan {
        let config: Config = match ctx.config() {
            Ok(config) => config,
            Err(fault) => return Plan::settle_all(deliveries.len(), &Outcome::Failed(fault)),
        };
        let mut plan = Plan::new();
        let mut days: Vec<(String, Vec<u32>, Vec<Value>)> = Vec::new();
        for (place, delivery) in (0..).zip(&deliveries) {
            let event = columns::event(delivery);
            let (event, day) = match event.and_then(|event| Ok((event, day(delivery)?))) {
                Ok(found) => found,
                Err(fault) => {
                    plan.settle(place, Outcome::Failed(fault));
                    continue;
                }
            };
            match days.iter_mut().find(|(known, ..)| *known == day) {
                Some((_, places, events)) => {
                    places.push(place);
                    events.push(event);
                }
                None => days.push((day, vec![place], vec![event])),
            }
        }
        for (day, places, events) in days {
            let body = file::write(&batch::columns(&config.columns, &events), events.len());
            let ids = places.iter().map(|&place| deliveries[place as usize].event.id.as_str());
            let target = config.target(&day, ids);
            let headers = vec![("content-type".to_owned(), MEDIA.to_owned())];
            plan.call(Request { method: "PUT".into(), target, headers, body }, places, Vec::new());
        }
        plan
    }

    fn interpret(_: &Context, exchange: Exchange) -> Plan {
        let answer = &exchange.answer;
        let outcome = match answer.status {
            200..=299 => Outcome::Accepted(None),
            // S3 sends whoever asks at another region's address on. The hub follows no redirect.
            300..=399 => Outcome::Failed(Fault::misconfigured(format!(
                "the store answered {}: the bucket is at another address; set the channel's url",
                answer.status
            ))),
            status => Outcome::Failed(answer.fault(format!("the store answered {status}"))),
        };
        Plan::settle_all(exchange.deliveries.len(), &outcome)
    }
}

/// The day in UTC, by which files lie in folders.
fn day(delivery: &Delivery) -> Result<String, Fault> {
    let time = snodo_connector::time::epoch_millis(&delivery.event.time)
        .and_then(snodo_connector::time::from_epoch_millis)
        .and_then(|time| snodo_connector::time::day(&time));
    time.ok_or_else(|| Fault::permanent_at("/time", "the event's time is no moment with an offset"))
}

impl Config {
    /// Named by all that is in it: a file is never written over by one that holds fewer events.
    fn target<'d>(&self, day: &str, ids: impl Iterator<Item = &'d str> + Clone) -> String {
        let first = ids.clone().next().unwrap_or_default();
        let first: String =
            first.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(40).collect();
        let hash = hash(ids);
        match &self.url {
            Some(url) => {
                let name = url::segment(&format!("{first}-{hash:016x}.parquet"));
                let name = name.expect("a name that ends in .parquet is a segment");
                // The folder is `dt=`. S3 encodes the sign before it checks a signature, and so must who signs:
                // <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>.
                format!("{url}/dt%3D{day}/{name}")
            }
            None => format!("{}-{day}-{first}-{hash:016x}.parquet", self.name),
        }
    }
}

/// FNV-1a, 64 bit (RFC 9923). A NUL ends each id, so that "a","bc" is not "ab","c".
fn hash<'d>(ids: impl Iterator<Item = &'d str>) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let bytes = ids.flat_map(|id| id.bytes().chain([0]));
    bytes.fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}

snodo_connector::export!(Parquet: destination);
