//! Fetches what has changed, object by object, in the order of the changes. Each page is a query of its own, from the last record on:
//! the place holds for ever, and a record that changes meanwhile comes again at the end.

mod soql;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use snodo_connector::{Context, Draft, Fault, Poll, Reply, Request, Step, time, url};

use crate::config::Config;
use crate::{Salesforce, answer, told};

/// A record is stamped when it is written, and seen when its transaction ends: what is younger than this waits for the next time.
const SETTLING_MS: u64 = 120_000;

/// How far the fetching has come.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Cursor {
    /// The object that is being fetched, if the last walk was not at its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<String>,
    /// The last record of each object.
    at: BTreeMap<String, Place>,
    /// Up to when each object was known before this walk: what was made later is new.
    known: BTreeMap<String, i64>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Place {
    /// `SystemModstamp`, in milliseconds since 1970.
    stamp: i64,
    id: String,
}

/// A page of a query: <https://developer.salesforce.com/docs/platform/api-rest/guide/resources-queryall.html>.
#[derive(Deserialize)]
struct Found {
    done: bool,
    records: Vec<Value>,
}

impl Poll for Salesforce {
    fn next(ctx: &Context, cursor: Option<Vec<u8>>, reply: Option<Reply>) -> Result<Step, Fault> {
        let config: Config = ctx.config()?;
        let mut cursor: Cursor =
            cursor.and_then(|cursor| serde_json::from_slice(&cursor).ok()).unwrap_or_default();
        let at =
            cursor.object.as_ref().and_then(|object| config.objects.iter().position(|one| one == object));
        let at = at.unwrap_or_default();
        let object =
            config.objects.get(at).ok_or_else(|| Fault::misconfigured("the channel names no object"))?;
        let Some(Reply { answer, .. }) = reply else {
            return Ok(Step::ask(question(ctx, &config, object, cursor.at.get(object)), Vec::new()));
        };
        if !answer.is_success() {
            return Err(answer::refused(&answer));
        }
        let Some(Found { done, records }) = answer.json() else {
            return Err(Fault::retry("what Salesforce answered is no page of a query"));
        };
        let known = cursor.known.get(object).copied();
        let last = records.iter().filter_map(Place::of).chain(cursor.at.get(object).cloned()).max();
        let events: Vec<Draft> =
            records.iter().map(|record| told::draft(&config, object, known, record)).collect();
        if !done {
            if last.as_ref() == cursor.at.get(object) {
                return Err(Fault::retry(
                    "no record of Salesforce's page says when it changed: there is no place to go on",
                ));
            }
            cursor.at.extend(last.map(|last| (object.clone(), last)));
            cursor.object = Some(object.clone());
            return Ok(Step::more(events, cursor.kept()));
        }
        if let Some(last) = last {
            cursor.known.insert(object.clone(), last.stamp);
            cursor.at.insert(object.clone(), last);
        }
        cursor.object = config.objects.get(at + 1).cloned();
        Ok(match cursor.object {
            Some(_) => Step::more(events, cursor.kept()),
            None => Step::done(events, cursor.kept(), None),
        })
    }
}

impl Cursor {
    fn kept(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and numbers are always JSON")
    }
}

/// What a record's id is at most: eighteen letters and digits.
const ID_BYTES_MAX: usize = 18;

impl Place {
    fn of(record: &Value) -> Option<Self> {
        let stamp = time::epoch_millis(record["SystemModstamp"].as_str()?)?;
        let id = record["Id"].as_str().filter(|id| id.len() <= ID_BYTES_MAX)?;
        Some(Self { stamp, id: id.to_owned() })
    }
}

fn question(ctx: &Context, config: &Config, object: &str, after: Option<&Place>) -> Request {
    let until = i64::try_from(ctx.now.saturating_sub(SETTLING_MS)).unwrap_or(i64::MAX);
    let query = soql::query(config, object, after, until);
    // Those that were deleted, too: so an erased contact is told of, and what it was merged into.
    let target = config.url(&format!("/queryAll?{}", url::form([("q", query.as_str())])));
    Request {
        method: "GET".into(),
        target,
        headers: vec![("accept".into(), "application/json".into())],
        body: vec![],
    }
}
