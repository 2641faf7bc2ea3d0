//! Activities, notes and the tasks of projects: <https://developers.pipedrive.com/docs/api/v1/Activities>,
//! <https://developers.pipedrive.com/docs/api/v1/Notes>, <https://developers.pipedrive.com/docs/api/v2/Tasks>.

use serde_json::{Value, json};
use snodo_connector::fields::{Fields, Take};
use snodo_connector::time;

use super::{Told, account, person};
use crate::hook::{Hook, reference, utc};

/// Planned or done: Pipedrive's log holds both, and `vendor` says which.
pub fn logged(hook: &mut Hook) -> Option<Told> {
    let kind = hook.record.text("type")?;
    let mut activity = begun(hook);
    activity.insert("kind".into(), kind.into());
    let mut data = around(hook);
    let record = &mut hook.record;
    activity.extend(record.texts(&[("subject", "subject")]));
    activity.leave("text", record.text("note").or_else(|| record.text("public_description")));
    activity.leave("started_at", due(record));
    activity.leave("ended_at", record.take("marked_as_done_time", utc));
    activity.leave("duration_ms", duration(record));
    activity.leave("owner", assignee(record));
    activity.leave("place", place(record));
    data.leave("activity", activity);
    Some(Told { kind: "crm.activity.logged", subject: format!("activity/{}", hook.id), data })
}

/// An activity, or a task of a project, that was not done before.
pub fn done(hook: &mut Hook) -> Option<Told> {
    let mut task = begun(hook);
    task.insert("status".into(), "completed".into());
    task.leave("completed_by", hook.by());
    let mut data = around(hook);
    let record = &mut hook.record;
    record.shift_remove("done");
    hook.previous.shift_remove("done");
    task.leave("subject", record.text("subject").or_else(|| record.text("title")));
    task.extend(record.texts(&[("type", "kind")]));
    let text = ["note", "public_description", "description"].iter().find_map(|name| record.text(name));
    task.leave("text", text);
    task.leave("due_at", due(record));
    task.leave("completed_at", record.take("marked_as_done_time", utc));
    task.leave("owner", assignee(record));
    let subject = format!("{}/{}", hook.object, hook.id);
    data.leave("task", task);
    Some(Told { kind: "crm.task.completed", subject, data })
}

pub fn note(hook: &mut Hook) -> Option<Told> {
    let mut note = begun(hook);
    note.insert("kind".into(), "note".into());
    let mut data = around(hook);
    let record = &mut hook.record;
    note.extend(record.texts(&[("content", "text")]));
    note.leave("started_at", record.take("add_time", utc));
    if let Some((id, _)) = reference(record, "user_id") {
        let mut owner = Fields::from_iter([("id".to_owned(), id.into())]);
        if let Some(user) = record.get_mut("user").and_then(Value::as_object_mut) {
            owner.extend(user.texts(&[("name", "name"), ("email", "email")]));
        }
        note.leave("owner", owner);
    }
    data.leave("activity", note);
    Some(Told { kind: "crm.activity.logged", subject: format!("note/{}", hook.id), data })
}

/// Its id, and the lead that it is about: a deal has a place of its own.
fn begun(hook: &mut Hook) -> Fields {
    hook.record.shift_remove("id");
    let mut activity = Fields::from_iter([("id".to_owned(), hook.id.clone().into())]);
    activity.leave("related_to", hook.record.text("lead_id").map(|id| format!("lead/{id}")));
    activity
}

/// Whom it was with.
fn around(hook: &mut Hook) -> Fields {
    let mut data = Fields::new();
    data.leave("customer", person::of(hook));
    data.leave("account", account::named(hook));
    if let Some((id, named)) = reference(&mut hook.record, "deal_id") {
        let within = hook.record.get_mut("deal").and_then(Value::as_object_mut);
        let within = within.and_then(|deal| deal.text("title"));
        let mut deal = Fields::from_iter([("id".to_owned(), id.into())]);
        deal.leave("name", hook.record.text("deal_title").or(named).or(within));
        data.leave("opportunity", deal);
    }
    data
}

fn assignee(record: &mut Fields) -> Option<Value> {
    let name = ["owner_id", "assigned_to_user_id", "user_id", "assignee_id"];
    let name = name.iter().find(|name| record.get(**name).is_some_and(|value| !value.is_null()))?;
    account::owner(record, name)
}

/// Day and time of day stand apart, the latter in UTC. A day alone is no moment, and stays where it is.
fn due(record: &mut Fields) -> Option<String> {
    let clock = clock(record.get("due_time")?)?;
    let day = record.get("due_date")?.as_str().and_then(time::day)?;
    let moment = time::local(&format!("{day}T{clock}"), "Z")?;
    record.shift_remove("due_date");
    record.shift_remove("due_time");
    Some(moment)
}

/// `10:30`, also `{"value": "10:30:00"}`.
fn clock(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.get("value")?.as_str()).filter(|text| !text.is_empty())
}

/// `01:30` or `01:30:00`, in milliseconds.
fn duration(record: &mut Fields) -> Option<u64> {
    record.take("duration", |value| {
        let mut parts = clock(value)?.split(':').map(|part| part.parse::<u64>().ok());
        let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?);
        let sound = parts.next().is_none() && hours < 1_000 && minutes < 60 && seconds < 60;
        sound.then_some(((hours * 60 + minutes) * 60 + seconds) * 1_000)
    })
}

/// A text, or an address in parts.
fn place(record: &mut Fields) -> Option<Value> {
    if let Some(text) = record.text("location") {
        return Some(json!(text));
    }
    Some(json!(record.get_mut("location")?.as_object_mut()?.text("value")?))
}
