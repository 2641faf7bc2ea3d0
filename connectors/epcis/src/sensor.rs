//! Sensor elements: reports of one device become its telemetry, those with an exception its alerts
//! (EPCIS 2.0, 7.3.7: `sensorMetadata` and `sensorReport`).

use serde_json::{Number, Value, json};
use snodo_connector::fields::{self, Fields, Take};

use crate::event::{Base, Made};
use crate::word;

const LIST: &str = "sensorElementList";

/// One report, with what its element says of all of its reports.
struct Report {
    device: Fields,
    at: Option<String>,
    from: Option<String>,
    to: Option<String>,
    name: Option<String>,
    value: Option<Number>,
    unit: Option<String>,
    minimum: Option<Number>,
    maximum: Option<Number>,
    exception: Option<String>,
    /// What is left of the element, with this report alone.
    rest: Fields,
}

impl Report {
    fn device_id(&self) -> Option<&str> {
        self.device.get("id")?.as_str()
    }

    /// Telemetry has a place for a span of one measure only.
    fn is_span(&self) -> bool {
        self.from.is_some() || self.to.is_some() || self.minimum.is_some() || self.maximum.is_some()
    }
}

pub fn drafts(base: &Base, event: &mut Fields) -> Vec<Made> {
    let Some(elements) = event.get(LIST).and_then(Value::as_array) else { return Vec::new() };
    let reports: Vec<Report> = elements.iter().flat_map(|element| reports(base, element)).collect();
    // An element that cannot be read is kept where it is, with all others: the event is not told in part.
    let is_whole = !reports.is_empty()
        && reports.iter().all(|report| report.device_id().is_some())
        && elements.iter().all(|element| element.get("sensorReport").is_some_and(Value::is_array));
    if !is_whole {
        return Vec::new();
    }
    let mut made: Vec<Made> = Vec::new();
    let mut unclaimed: Vec<Value> = Vec::new();
    let (spans, points): (Vec<Report>, Vec<Report>) = reports.into_iter().partition(Report::is_span);
    let mut devices: Vec<(String, Vec<Report>)> = Vec::new();
    for report in points {
        let device = report.device_id().unwrap_or_default().to_owned();
        match devices.iter_mut().find(|(known, _)| *known == device) {
            Some((_, reports)) => reports.push(report),
            None => devices.push((device, vec![report])),
        }
    }
    for (device, reports) in devices {
        let rest: Vec<Value> = reports.iter().map(|report| report.rest.clone().into()).collect();
        claim(&mut made, &mut unclaimed, points_of(base, &device, reports), rest);
    }
    for (number, report) in spans.into_iter().enumerate() {
        let rest = vec![report.rest.clone().into()];
        claim(&mut made, &mut unclaimed, span(base, number, report), rest);
    }
    // Reports of texts only: they go with the others, or else the event stays as it came.
    if let Some(first) = made.first_mut() {
        event.shift_remove(LIST);
        if let Some((_, Value::Array(rest))) = &mut first.rest {
            rest.append(&mut unclaimed);
        }
    }
    made
}

/// What is left of reports belongs to the first event that was made of them.
fn claim(made: &mut Vec<Made>, unclaimed: &mut Vec<Value>, mut new: Vec<Made>, mut rest: Vec<Value>) {
    match new.first_mut() {
        Some(first) => first.rest = Some((LIST, rest.into())),
        None => unclaimed.append(&mut rest),
    }
    made.append(&mut new);
}

/// Several at a time, each with its moment.
fn points_of(base: &Base, device: &str, reports: Vec<Report>) -> Vec<Made> {
    let mut made: Vec<Made> = alerts(base, &reports);
    let readings: Vec<Value> = reports
        .iter()
        .filter(|report| report.value.is_some())
        .map(|Report { name, value, unit, at, .. }| json!({"name": name, "value": value, "unit": unit, "at": at}))
        .collect();
    let known = reports.into_iter().next().map(|report| report.device).unwrap_or_default();
    if !readings.is_empty() {
        let mut data = Fields::new();
        data.leave("device", known);
        data.leave("telemetry", json!({"readings": readings}));
        made.insert(0, Made::new(base, "iot.telemetry.sampled", device, data));
    }
    made
}

/// One measure summed up.
fn span(base: &Base, number: usize, report: Report) -> Vec<Made> {
    let reports = [report];
    let mut made = alerts(base, &reports);
    let [report] = reports;
    let which = format!("{}/{number}", report.device_id().unwrap_or_default());
    // What has neither a value nor a mean has at least its bounds; without any it is only an alert.
    let value = report.value.clone().or_else(|| report.maximum.clone()).or_else(|| report.minimum.clone());
    if let Some(value) = value {
        let mut data = Fields::new();
        data.leave("device", report.device);
        let telemetry = json!({
            "name": report.name, "value": value, "unit": report.unit,
            "minimum": report.minimum, "maximum": report.maximum,
            "from": report.from.or_else(|| report.at.clone()), "to": report.to.or(report.at),
        });
        data.leave("telemetry", telemetry);
        made.insert(0, Made::new(base, "iot.telemetry.sampled", &which, data));
    }
    made
}

/// `ALARM_CONDITION` and `ERROR_CONDITION`.
fn alerts(base: &Base, reports: &[Report]) -> Vec<Made> {
    let mut made: Vec<Made> = Vec::new();
    for report in reports {
        let Some(exception) = &report.exception else { continue };
        let mut data = Fields::new();
        data.leave("device", report.device.clone());
        let raised = report.at.as_ref().or(report.to.as_ref()).or(base.time.as_ref());
        data.leave("alert", json!({"code": exception, "component": report.name, "raised_at": raised}));
        let device = report.device_id().unwrap_or_default();
        let name = report.name.as_deref().unwrap_or_default();
        let which = format!("{device}/{exception}/{name}/{}", raised.map_or("", String::as_str));
        if !made.iter().any(|known| known.draft.key.as_ref().is_some_and(|key| key.ends_with(&which))) {
            made.push(Made::new(base, "iot.alert.raised", &which, data));
        }
    }
    made
}

fn reports(base: &Base, element: &Value) -> Vec<Report> {
    let Value::Object(element) = element else { return Vec::new() };
    let mut shared = element.clone();
    let mut metadata = shared.object("sensorMetadata").unwrap_or_default();
    let list = shared.list("sensorReport").unwrap_or_default();
    let at = metadata.take("time", fields::moment);
    let from = metadata.take("startTime", fields::moment);
    let to = metadata.take("endTime", fields::moment);
    let device = metadata.text("deviceID");
    shared.leave("sensorMetadata", metadata);
    let one = |report: Value| {
        let Value::Object(mut report) = report else { return None };
        let whole = report.clone();
        let of_its_own = report.text("deviceID");
        let id = of_its_own
            .or_else(|| device.clone())
            .or_else(|| base.object.clone())
            .or_else(|| base.read_point.clone());
        let mut device = Fields::new();
        device.leave("id", id);
        device.insert("class".to_owned(), "sensor".into());
        let number = |report: &mut Fields, name: &str| report.take(name, number);
        let value = number(&mut report, "value")
            .or_else(|| number(&mut report, "meanValue"))
            .or_else(|| report.take("booleanValue", |truth| Some(u8::from(truth.as_bool()?).into())));
        // What was found, where the report does not say which measure it is.
        let of = ["microorganism", "chemicalSubstance"].into_iter().find(|name| report.contains_key(*name));
        let name = report
            .take("type", |kind| Some(word::measure(kind.as_str()?)))
            .or_else(|| Some(of.map_or_else(|| "measurement".to_owned(), word::measure)));
        let exception = report.take("exception", |word| {
            let word = word::standard(word.as_str()?);
            (!word.is_empty()).then(|| word.to_owned())
        });
        let minimum = number(&mut report, "minValue");
        let maximum = number(&mut report, "maxValue");
        let unit = report.text("uom");
        let own = report.take("time", fields::moment);
        // A report of texts says nothing that telemetry has a place for: it is kept whole.
        let says_nothing = value.is_none() && minimum.is_none() && maximum.is_none() && exception.is_none();
        let left = if says_nothing { whole } else { report };
        let mut rest = shared.clone();
        rest.leave("sensorReport", Value::from(vec![left]));
        Some(Report {
            device,
            at: own.or_else(|| at.clone()),
            from: from.clone(),
            to: to.clone(),
            name,
            value,
            unit,
            minimum,
            maximum,
            exception,
            rest,
        })
    };
    list.into_iter().filter_map(one).collect()
}

/// JSON-LD writers also put numbers into text.
fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Number(number) => Some(number.clone()),
        Value::String(text) => Number::from_f64(snodo_connector::money::decimal(text)?.parse().ok()?),
        _ => None,
    }
}
