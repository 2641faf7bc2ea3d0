//! Asks form by form for the leads that were sent since the last one, page by page. How far it has come in a form is known once the
//! form's last page was read: Meta does not say in which order it tells them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use snodo_connector::{Context, Draft, Fault, Poll, Reply, Request, Step, time, url};

use crate::config::Config;
use crate::{MetaLeads, answer, lead};

/// A lead may be seen a while after it was made: so much before the last one is asked for again.
const OVERLAP_SECONDS: i64 = 600;

/// How many leads of that while are remembered, over all forms: a cursor has 16 KiB, and the form that is being read has two places.
/// With more of them the while is shorter.
const SEEN_MAX: usize = 150;

/// Ids of leads have up to seventeen digits. A longer one is not remembered: the hub knows it by its key.
const ID_BYTES_MAX: usize = 20;

/// Meta's names for places have some hundred letters.
const AFTER_BYTES_MAX: usize = 2048;

/// Of all that can be asked of a lead, as `Lead` in Meta's own clients names it.
const FIELDS: &str = "id,created_time,form_id,platform,is_organic,ad_id,ad_name,adset_id,adset_name,campaign_id,campaign_name,\
                      partner_name,retailer_item_id,field_data,custom_disclaimer_responses";

/// How far the fetching has come.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Cursor {
    forms: BTreeMap<String, Place>,
    /// The form that is being fetched, if the last walk was not at its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    walk: Option<Walk>,
}

/// How far it has come in one form. Times are seconds since 1970, as the API filters by them.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Place {
    /// Earlier leads are not asked for.
    from: i64,
    /// When the last lead was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<i64>,
    /// The leads that will be told again, and when they were sent.
    #[serde(default)]
    seen: BTreeMap<String, i64>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Walk {
    form: String,
    /// The form's pages that were read.
    #[serde(skip_serializing_if = "Option::is_none")]
    read: Option<Pages>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Pages {
    /// Meta's name for the place behind the last one.
    after: String,
    /// The form's place, once the others are read, too.
    place: Place,
}

/// What a question was about, for its reply.
#[derive(Debug, Deserialize, Serialize)]
struct Question {
    from: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

/// <https://developers.facebook.com/docs/graph-api/results>.
#[derive(Deserialize)]
struct Found {
    data: Vec<Value>,
    paging: Option<Value>,
}

impl Poll for MetaLeads {
    fn next(ctx: &Context, cursor: Option<Vec<u8>>, reply: Option<Reply>) -> Result<Step, Fault> {
        let config: Config = ctx.config()?;
        let mut cursor: Cursor =
            cursor.and_then(|cursor| serde_json::from_slice(&cursor).ok()).unwrap_or_default();
        cursor.forms.retain(|form, _| config.forms.contains(form));
        cursor.walk.take_if(|walk| !config.forms.contains(&walk.form));
        let form = match &cursor.walk {
            Some(walk) => walk.form.clone(),
            None => config.forms.first().cloned().ok_or_else(|| Fault::misconfigured("name a form"))?,
        };
        let now = i64::try_from(ctx.now / 1000).unwrap_or(i64::MAX);
        let known = cursor.forms.get(&form).cloned();
        let known = known.unwrap_or_else(|| Place::new(config.start().unwrap_or(now)));
        let read = cursor.walk.take().and_then(|walk| walk.read);
        let after = read.as_ref().map(|read| read.after.clone());
        let Some(Reply { answer, state }) = reply else {
            return Ok(question(&config, &form, &known, after));
        };
        // A first walk begins when it asked, not when it was answered.
        let Question { from, after } =
            serde_json::from_slice(&state).unwrap_or(Question { from: known.from, after });
        let known = Place { from, ..known };
        if let Some(fault) = answer::refusal(&answer) {
            // Meta's places do not hold for ever. What is told once more has the same keys.
            if after.is_some() && answer::is_of_the_place(&answer) {
                return Ok(question(&config, &form, &known, None));
            }
            return Err(fault);
        }
        let Some(Found { data, paging }) = answer.json() else {
            return Err(Fault::retry("what Meta answered is no page of leads"));
        };
        let further = further(paging.as_ref(), after.as_deref())?;
        let is_new = |lead: &&Value| lead["id"].as_str().is_none_or(|id| !known.seen.contains_key(id));
        let events: Vec<Draft> =
            data.iter().filter(is_new).map(|lead| lead::draft(&config, &form, lead)).collect();
        let read = read.filter(|_| after.is_some());
        let mut place = read.map_or_else(|| known.clone(), |read| read.place);
        place.come_by(&data, SEEN_MAX / config.forms.len());
        if let Some(after) = further {
            cursor.forms.insert(form.clone(), known);
            cursor.walk = Some(Walk { form, read: Some(Pages { after, place }) });
            return Ok(Step::more(events, cursor.kept()));
        }
        cursor.walk = config.next(&form).map(|form| Walk { form, read: None });
        cursor.forms.insert(form, place);
        Ok(match cursor.walk {
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

impl Place {
    const fn new(from: i64) -> Self {
        Self { from, last: None, seen: BTreeMap::new() }
    }

    /// The first second that is asked for.
    fn floor(&self) -> i64 {
        self.last.map_or(self.from, |last| (last - OVERLAP_SECONDS).max(self.from))
    }

    fn come_by(&mut self, leads: &[Value], seen_max: usize) {
        for lead in leads {
            let sent = lead["created_time"].as_str().and_then(time::epoch_millis);
            let Some(sent) = sent.map(|millis| millis.div_euclid(1000)) else { continue };
            self.last = self.last.max(Some(sent));
            if let Some(id) = lead["id"].as_str().filter(|id| id.len() <= ID_BYTES_MAX) {
                self.seen.insert(id.to_owned(), sent);
            }
        }
        let floor = self.floor();
        self.seen.retain(|_, sent| *sent >= floor);
        if self.seen.len() > seen_max {
            let mut times: Vec<i64> = self.seen.values().copied().collect();
            times.sort_unstable();
            // What cannot be remembered is not asked for again.
            self.from = times[times.len() - 1 - seen_max] + 1;
            self.seen.retain(|_, sent| *sent >= self.from);
        }
    }
}

/// Where the next page begins. `after` stands on the last page, too; that there is a next one, `next` says.
fn further(paging: Option<&Value>, asked: Option<&str>) -> Result<Option<String>, Fault> {
    let Some(paging) = paging.filter(|paging| !paging["next"].is_null()) else {
        return Ok(None);
    };
    match paging["cursors"]["after"].as_str() {
        Some(after) if (1..=AFTER_BYTES_MAX).contains(&after.len()) && asked != Some(after) => {
            Ok(Some(after.to_owned()))
        }
        _ => Err(Fault::retry("Meta says that there are more leads, but not where to go on")),
    }
}

fn question(config: &Config, form: &str, known: &Place, after: Option<String>) -> Step {
    let filter = json!([{"field": "time_created", "operator": "GREATER_THAN", "value": known.floor() - 1}]);
    let (filter, limit) = (filter.to_string(), config.page_size.to_string());
    let mut query = vec![("fields", FIELDS), ("filtering", &filter), ("limit", &limit)];
    query.extend(after.as_deref().map(|after| ("after", after)));
    let request = Request {
        method: "GET".into(),
        target: config.url(&format!("{form}/leads?{}", url::form(query))),
        headers: vec![("accept".into(), "application/json".into())],
        body: vec![],
    };
    let state = serde_json::to_vec(&Question { from: known.from, after });
    Step::ask(request, state.expect("texts and numbers are always JSON"))
}
