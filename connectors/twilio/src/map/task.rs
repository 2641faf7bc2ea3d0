//! TaskRouter, the queues behind Twilio Flex: <https://www.twilio.com/docs/taskrouter/api/event/reference>.

use serde_json::Value;
use snodo_connector::fields::{self, Fields, Take};

use super::{Address, Told, customer, plain, seconds_ms, take_moment, touchpoint};

pub fn told(form: &mut Fields) -> Option<Told> {
    let event = form.get("EventType")?.as_str()?.to_owned();
    let id = form.get("TaskSid").and_then(fields::text)?;
    let queue = queue(form);
    let kind = match event.as_str() {
        // Before a workflow has found a queue for it, a task waits for none.
        "task.created" if queue.is_empty() => "contactcentre.interaction.started",
        "task.created" | "task-queue.entered" => "contactcentre.interaction.queued",
        "task-queue.moved" | "task.transfer-completed" => "contactcentre.interaction.transferred",
        "task-queue.timeout" => "contactcentre.interaction.dequeued",
        "reservation.accepted" => "contactcentre.interaction.assigned",
        "task.canceled" => "contactcentre.interaction.abandoned",
        "task.wrapup" => "contactcentre.interaction.ended",
        "task.completed" => "contactcentre.wrapup.completed",
        _ => return None,
    };
    form.shift_remove("TaskSid");
    let agent = agent(form);
    let needs = match kind {
        "contactcentre.interaction.queued" | "contactcentre.interaction.dequeued" => !queue.is_empty(),
        "contactcentre.interaction.assigned" => !agent.is_empty(),
        _ => true,
    };
    if !needs {
        return None;
    }
    let mut about = attributes(form, "TaskAttributes");
    let (medium, channel) = medium(form, &about);
    let time = take_moment(form);
    let own = form.text("Sid");
    let resource = form.text("ResourceSid").unwrap_or_else(|| id.clone());
    let key = own.unwrap_or_else(|| format!("{event}/{resource}/{}", time.as_deref().unwrap_or_default()));
    let mut call = Fields::new();
    call.insert("id".into(), id.clone().into());
    call.leave(
        "parent_id",
        ["call_sid", "conversationSid", "channelSid"].iter().find_map(|name| about.text(name)),
    );
    call.insert("medium".into(), medium.into());
    let direction = about.take("direction", |one| {
        let one = one.as_str()?;
        if one.starts_with("outbound") { Some("outbound") } else { (one == "inbound").then_some("inbound") }
    });
    call.leave("direction", direction);
    let mut take =
        |names: &[&str]| names.iter().find_map(|name| about.text(name)).map(|text| Address { text });
    let outbound = direction == Some("outbound");
    let (from, to) = (take(&["from", "caller", "customerAddress"]), take(&["to", "called", "outbound_to"]));
    call.leave("from", plain(from.as_ref()));
    call.leave("to", plain(to.as_ref()));
    let (them, us) = if outbound { (&to, &from) } else { (&from, &to) };
    let customer = customer(them.as_ref(), about.text("customerName"));
    let touchpoint = touchpoint(channel, plain(us.as_ref()));
    call.leave("priority", form.text("TaskPriority"));
    call.leave("status", form.text("TaskAssignmentStatus"));
    if kind == "contactcentre.interaction.transferred" {
        call.leave("transfer", transfer(form, &queue, event == "task-queue.moved"));
    }
    call.leave("queue", queue);
    let mut wrapup = Fields::new();
    match kind {
        "contactcentre.interaction.assigned" => {
            call.leave("answered_at", time.clone());
            call.leave("wait_ms", seconds_ms(form, "TaskAge"));
        }
        "contactcentre.interaction.queued" | "contactcentre.interaction.started" => {
            call.leave("started_at", time.clone());
        }
        "contactcentre.interaction.ended" => {
            call.leave("ended_at", time.clone());
            call.leave("duration_ms", seconds_ms(form, "TaskAge"));
        }
        "contactcentre.interaction.abandoned" => {
            call.leave("ended_at", time.clone());
            call.leave("wait_ms", seconds_ms(form, "TaskAge"));
            call.leave("end_reason", form.text("TaskCanceledReason"));
        }
        "contactcentre.wrapup.completed" => {
            wrapup.leave("name", form.text("TaskCompletedReason"));
            let outcome = about.get_mut("conversations").and_then(Value::as_object_mut);
            wrapup.leave("code", outcome.and_then(|one| one.text("outcome")));
            wrapup.leave("agent", agent.clone());
        }
        _ => {}
    }
    if kind != "contactcentre.wrapup.completed" {
        call.leave("agent", agent);
    }
    form.shift_remove("EventType");
    form.shift_remove("ResourceType");
    form.leave("TaskAttributes", about);
    let mut data = Fields::new();
    if kind == "contactcentre.wrapup.completed" {
        data.insert("wrapup".into(), wrapup.into());
    }
    data.leave("interaction", call);
    data.leave("customer", customer);
    data.leave("touchpoint", touchpoint);
    // A transfer without its ends is none.
    if kind == "contactcentre.interaction.transferred" && data["interaction"].get("transfer").is_none() {
        return None;
    }
    Some(Told { kind, key, subject: Some(format!("interaction/{id}")), time, data })
}

fn queue(form: &mut Fields) -> Fields {
    let mut queue = form.texts(&[("TaskQueueSid", "id"), ("TaskQueueName", "name")]);
    if !queue.is_empty() {
        let priority =
            form.get("TaskPriority").and_then(fields::text).and_then(|one| one.parse::<i64>().ok());
        queue.leave("priority", priority);
    }
    queue
}

fn agent(form: &mut Fields) -> Fields {
    let mut about = attributes(form, "WorkerAttributes");
    let mut agent = form.texts(&[("WorkerSid", "id")]);
    if agent.is_empty() {
        form.leave("WorkerAttributes", about);
        return agent;
    }
    agent.leave("name", about.text("full_name").or_else(|| form.text("WorkerName")));
    agent.leave("email", about.text("email"));
    agent.insert("kind".into(), "human".into());
    form.leave("WorkerAttributes", about);
    agent
}

fn transfer(form: &mut Fields, queue: &Fields, moved: bool) -> Fields {
    let mut transfer = Fields::new();
    if moved {
        transfer.leave("to_queue", queue.clone());
        return transfer;
    }
    let kind = form.take("TransferMode", |mode| match mode.as_str()? {
        "COLD" => Some("blind"),
        "WARM" => Some("consult"),
        _ => None,
    });
    transfer.leave("kind", kind);
    for (name, side) in [("TransferInitiatingWorkerSid", "from"), ("TransferTo", "to")] {
        // Workers begin with WK, queues with WQ.
        let is_queue = form.get(name).and_then(Value::as_str).is_some_and(|sid| sid.starts_with("WQ"));
        let end = form.texts(&[(name, "id")]);
        transfer.leave(if is_queue { "to_queue" } else { side }, end);
    }
    transfer
}

/// JSON in a parameter. What is none stays text.
fn attributes(form: &mut Fields, name: &str) -> Fields {
    form.take(name, |text| serde_json::from_str(text.as_str()?).ok()).unwrap_or_default()
}

fn medium(form: &Fields, about: &Fields) -> (&'static str, &'static str) {
    let text = |fields: &Fields, name: &str| fields.get(name).and_then(Value::as_str).map(str::to_lowercase);
    let channel = text(about, "channelType").or_else(|| text(form, "TaskChannelUniqueName"));
    match channel.unwrap_or_default().as_str() {
        "voice" => ("voice", "contact_center.voice"),
        "video" => ("video", "contact_center.voice"),
        "web" | "chat" => ("chat", "contact_center.chat"),
        "sms" => ("sms", "contact_center.messaging"),
        "whatsapp" | "messenger" | "rcs" => ("messaging", "contact_center.messaging"),
        "email" => ("email", "contact_center.email"),
        _ => ("other", "contact_center.chat"),
    }
}
