//! Tickets: <https://developer.zendesk.com/api-reference/webhooks/event-types/ticket-events/>.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};

use super::{Story, Told, channel, customer, message, status, take_id, user};

pub fn told(story: &mut Story) -> Option<Told> {
    let id = story.detail.get("id").and_then(fields::text)?;
    let kind = story.kind.clone();
    match kind.strip_prefix("ticket.")? {
        "comment_added" => message::commented(story, &id),
        "csat_received" => rated(story, &id),
        "csat_requested" => asked(story, &id),
        "agent_assignment_changed" => assigned(story, &id),
        "created" => {
            let mut data = about(story);
            data.insert("ticket".into(), ticket(story).into());
            Told::new("contactcentre.ticket.created", format!("ticket/{id}"), data)
        }
        "status_changed" => {
            let current = story.event.take("current", |word| word.as_str().map(status))?;
            let previous = story.event.take("previous", |word| word.as_str().map(status));
            changed(story, &id, (current, previous))
        }
        "soft_deleted" => changed(story, &id, ("deleted".into(), None)),
        "permanently_deleted" => changed(story, &id, ("permanently_deleted".into(), None)),
        "marked_as_spam" => changed(story, &id, ("spam".into(), None)),
        "merged" => changed(story, &id, ("merged".into(), None)),
        "undeleted" => {
            let current = story.detail.get("status").and_then(Value::as_str).map(status)?;
            changed(story, &id, (current, Some("deleted".into())))
        }
        _ => None,
    }
}

fn changed(story: &mut Story, id: &str, (current, previous): (String, Option<String>)) -> Option<Told> {
    let mut data = about(story);
    let mut ticket = ticket(story);
    if current == "solved" {
        ticket.leave("solved_at", story.at.clone());
    }
    // Of a ticket that was deleted or merged it is told which status it had.
    let held = ticket.get("status").and_then(fields::text).filter(|held| *held != current);
    ticket.insert("status".into(), current.into());
    ticket.leave("previous_status", previous.or(held));
    data.insert("ticket".into(), ticket.into());
    Told::new("contactcentre.ticket.status_changed", format!("ticket/{id}"), data)
}

/// Takes what `detail` says of the ticket.
pub fn ticket(story: &mut Story) -> Fields {
    let from = &mut story.detail;
    let mut ticket = from.texts(&[("id", "id"), ("subject", "subject"), ("description", "text")]);
    let lower = |word: &Value| word.as_str().filter(|word| !word.is_empty()).map(str::to_lowercase);
    ticket.leave("status", from.take("status", |word| lower(word).as_deref().map(status)));
    ticket.leave("priority", from.take("priority", lower));
    ticket.leave("kind", from.take("type", lower));
    let texts = |value: &Value| value.as_array()?.iter().map(fields::text).collect::<Option<Vec<_>>>();
    ticket.leave("tags", from.take("tags", texts));
    if let Some(mut via) = from.object("via") {
        ticket.leave("via", via.text("channel"));
        from.leave("via", via);
    }
    ticket.leave("assignee", take_id(from, "assignee_id").map(|id| json!({"id": id})));
    ticket.leave("group", take_id(from, "group_id"));
    ticket.leave("created_at", from.moment("created_at"));
    ticket.leave("updated_at", from.moment("updated_at"));
    ticket
}

/// Whose ticket it is, and how it came in.
pub fn about(story: &mut Story) -> Fields {
    let requester = take_id(&mut story.detail, "requester_id");
    let mut data = Fields::new();
    data.leave("customer", customer(requester.as_deref().map(user).into_iter().collect(), Fields::new()));
    let via = story.detail.get("via").and_then(|via| via.get("channel")).and_then(Value::as_str);
    data.leave("touchpoint", via.and_then(channel).map(|channel| json!({"channel": channel})));
    data
}

/// A ticket is given to somebody: the contact that it stands for is.
fn assigned(story: &mut Story, id: &str) -> Option<Told> {
    let agent = take_id(&mut story.event, "current")?;
    let mut data = about(story);
    let mut interaction = Fields::new();
    interaction.insert("id".into(), id.into());
    interaction.insert("ticket_id".into(), id.into());
    interaction.insert("agent".into(), json!({"id": agent}));
    interaction.leave("subject", story.detail.text("subject"));
    story.detail.shift_remove("id");
    data.insert("interaction".into(), interaction.into());
    Told::new("contactcentre.interaction.assigned", format!("ticket/{id}"), data)
}

/// Good or bad, or points from 1 to 5 in the surveys since 2024.
fn rated(story: &mut Story, id: &str) -> Option<Told> {
    let mut rating = story.event.object("satisfaction_score")?;
    let word = rating.get("score").or_else(|| rating.get("rating"))?.clone();
    let mut score = match (word.as_str().map(str::to_lowercase).as_deref(), word.as_f64()) {
        (Some("good"), _) => json!({"value": 1, "minimum": 0, "maximum": 1, "group": "satisfied"}),
        (Some("bad"), _) => json!({"value": 0, "minimum": 0, "maximum": 1, "group": "dissatisfied"}),
        (Some(text), _) if text.parse::<u8>().is_ok_and(|points| (1..=5).contains(&points)) => {
            json!({"value": text.parse::<u8>().ok()?, "minimum": 1, "maximum": 5})
        }
        (_, Some(points)) if (1.0..=5.0).contains(&points) => {
            json!({"value": word, "minimum": 1, "maximum": 5})
        }
        _ => return None,
    };
    for name in ["score", "rating"] {
        rating.shift_remove(name);
    }
    score["metric"] = "csat".into();
    score["about"] = format!("ticket/{id}").into();
    if let Some(at) = &story.at {
        score["at"] = at.clone().into();
    }
    if let Some(comment) = rating.text("comment") {
        score["comment"] = comment.into();
    }
    story.event.leave("satisfaction_score", rating);
    let mut data = about(story);
    data.insert("score".into(), score);
    data.insert("ticket".into(), ticket(story).into());
    Told::new("contactcentre.ticket.csat_received", format!("ticket/{id}"), data)
}

fn asked(story: &mut Story, id: &str) -> Option<Told> {
    let mut survey = Fields::new();
    survey.insert("name".into(), "Zendesk CSAT".into());
    survey.insert("kind".into(), "csat".into());
    survey.insert("trigger".into(), "ticket".into());
    survey.insert("about".into(), format!("ticket/{id}").into());
    survey.leave("sent_at", story.at.clone());
    let mut data = about(story);
    data.insert("survey".into(), survey.into());
    Told::new("voc.survey.sent", format!("ticket/{id}"), data)
}
