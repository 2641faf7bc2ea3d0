//! What is written: comments on tickets, and messages of a conversation.
//! <https://developer.zendesk.com/api-reference/webhooks/event-types/messaging-events/>

use serde_json::{Value, json};
use snodo_connector::fields::{Fields, Take};

use super::ticket::about;
use super::{Story, Told, customer, take_id, user};

/// Public ones go to or come from the customer; others are notes of the staff.
pub fn commented(story: &mut Story, id: &str) -> Option<Told> {
    let mut comment = story.event.object("comment")?;
    let public = comment.take("is_public", Value::as_bool)?;
    let mut author = comment.object("author").unwrap_or_default();
    let staff = author.take("is_staff", Value::as_bool).unwrap_or(false);
    let writer = take_id(&mut author, "id");
    let name = author.text("name");
    let comment_id = comment.text("id");
    let text = comment.text("body");
    let mut data = about(story);
    if !public {
        let mut note = Fields::new();
        note.leave("id", comment_id);
        note.insert("kind".into(), "note".into());
        note.leave("text", text);
        note.insert("related_to".into(), format!("ticket/{id}").into());
        note.leave("started_at", story.at.clone());
        note.leave("owner", operator(writer, name));
        leave(story, comment, author);
        data.insert("activity".into(), note.into());
        return Told::new("crm.activity.logged", format!("ticket/{id}"), data);
    }
    let mut message = Fields::new();
    message.leave("id", comment_id);
    message.leave("text", text);
    message.leave("html", comment.text("html_body"));
    message.leave("sent_at", story.at.clone());
    message.insert("direction".into(), if staff { "outbound" } else { "inbound" }.into());
    match data.get("touchpoint").and_then(|touchpoint| touchpoint["channel"].as_str()) {
        Some("contact_center.email") => message.leave("medium", "email"),
        Some("contact_center.chat") => message.leave("medium", "chat"),
        _ => {}
    }
    if staff {
        if let Some(agent) = operator(writer, name) {
            let touchpoint = data.entry("touchpoint").or_insert_with(|| json!({}));
            touchpoint["operator"] = agent.into();
        }
    } else if let Some(writer) = writer {
        // Somebody in copy may have written, who is not the one that asked.
        let mut traits = Fields::new();
        traits.leave("name", name);
        data.insert("customer".into(), customer(vec![user(&writer)], traits).into());
    }
    leave(story, comment, author);
    let mut interaction = Fields::new();
    interaction.insert("id".into(), id.into());
    interaction.insert("ticket_id".into(), id.into());
    interaction.leave("subject", story.detail.text("subject"));
    story.detail.shift_remove("id");
    data.insert("message".into(), message.into());
    data.insert("interaction".into(), interaction.into());
    let kind = if staff { "contactcentre.message.sent" } else { "contactcentre.message.received" };
    Told::new(kind, format!("ticket/{id}"), data)
}

fn leave(story: &mut Story, mut comment: Fields, author: Fields) {
    comment.leave("author", author);
    story.event.leave("comment", comment);
}

fn operator(id: Option<String>, name: Option<String>) -> Option<Fields> {
    let mut operator = Fields::new();
    operator.leave("id", id);
    operator.leave("name", name);
    Some(operator).filter(|operator| !operator.is_empty())
}

/// `messaging_ticket.message_added`: what a customer, an agent or a bot wrote in a conversation.
pub fn chatted(story: &mut Story) -> Option<Told> {
    if story.kind != "messaging_ticket.message_added" {
        return None;
    }
    let ticket = story.detail.text("id");
    let mut said = story.event.object("message")?;
    let mut actor = story.event.object("actor").unwrap_or_default();
    let role = actor.text("type")?;
    let conversation = story.event.text("conversation_id").or_else(|| ticket.clone())?;
    let received = matches!(role.as_str(), "end_user" | "end-user" | "user");
    let (writer, name) = (take_id(&mut actor, "id"), actor.text("name"));
    let mut message = said.texts(&[("id", "id"), ("body", "text")]);
    message.insert("conversation_id".into(), conversation.clone().into());
    message.insert("medium".into(), "chat".into());
    message.insert("direction".into(), if received { "inbound" } else { "outbound" }.into());
    message.leave("sent_at", story.at.clone());
    let mut data = Fields::new();
    let mut touchpoint = json!({"channel": "contact_center.messaging"});
    if received {
        // The conversation's own name of the customer, which is not the one that tickets have.
        let known = |id: String| json!({"namespace": "zendesk:messaging_user", "value": id});
        let mut traits = Fields::new();
        traits.leave("name", name);
        data.leave("customer", customer(writer.map(known).into_iter().collect(), traits));
    } else if let Some(mut agent) = operator(writer, name) {
        agent.insert("kind".into(), if role == "agent" { "human" } else { "bot" }.into());
        touchpoint["operator"] = agent.into();
    }
    story.event.leave("message", said);
    story.event.leave("actor", actor);
    let mut interaction = Fields::new();
    interaction.insert("id".into(), conversation.clone().into());
    interaction.insert("medium".into(), "messaging".into());
    interaction.leave("ticket_id", ticket.clone());
    data.insert("touchpoint".into(), touchpoint);
    data.insert("message".into(), message.into());
    data.insert("interaction".into(), interaction.into());
    let kind = if received { "contactcentre.message.received" } else { "contactcentre.message.sent" };
    let subject = ticket.map_or_else(|| format!("conversation/{conversation}"), |id| format!("ticket/{id}"));
    Told::new(kind, subject, data)
}
