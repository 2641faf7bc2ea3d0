//! One event of an app's subscription. It names the record, and of the record no more than the property that has changed.

use serde_json::{Value, json};
use snodo_connector::Draft;
use snodo_connector::fields::{self, Fields, Take};

use super::{Told, contact, moment, object, operator, person, record, touchpoint};
use crate::config::Config;

struct Happened {
    /// contact, company, deal and so on.
    object: String,
    /// creation, propertyChange and so on.
    what: String,
    id: String,
    portal: Option<String>,
    rest: Fields,
}

pub fn draft(event: &Value, config: &Config) -> Draft {
    let kind = ["subscriptionType", "eventType"].iter().find_map(|name| event[*name].as_str());
    let told = Happened::read(event, kind).and_then(|mut happened| {
        let by = operator(happened.rest.get("sourceId").and_then(Value::as_str));
        if by.is_some() {
            happened.rest.shift_remove("sourceId");
        }
        let mut told = happened.tell(by.as_ref(), config)?;
        told.data.leave("touchpoint", touchpoint(by));
        told.data.leave("vendor", happened.rest);
        Some(told)
    });
    let mut draft = match told {
        Some(Told { kind, subject, data }) => Draft::new(kind, &data).with_subject(subject),
        None => Draft::unknown(kind, event),
    };
    draft.key = key(event, kind);
    draft.time = moment(&event["occurredAt"]);
    draft
}

/// An event's id need not be its own alone, HubSpot says; with the record, the property and the time it is.
fn key(event: &Value, kind: Option<&str>) -> Option<String> {
    let text = |name: &str| fields::text(&event[name]);
    let id = text("eventId")?;
    let about =
        ["portalId", "objectTypeId", "objectId", "fromObjectId", "toObjectId", "messageId", "propertyName"];
    let about = about.iter().filter_map(|name| text(name));
    let parts = std::iter::once(kind?.to_owned()).chain(about).chain([id]).chain(text("occurredAt"));
    Some(parts.collect::<Vec<_>>().join("/"))
}

impl Happened {
    fn read(event: &Value, kind: Option<&str>) -> Option<Self> {
        let mut rest = event.as_object()?.clone();
        let (object, what) = kind?.split_once('.')?;
        let object = match object {
            "object" => super::object(&text_of(&rest, &["objectTypeId", "fromObjectTypeId"])?)?,
            legacy => legacy,
        };
        let (object, what) = (object.to_owned(), what.to_owned());
        let id = match what.as_str() {
            "merge" => text_of(&rest, &["newObjectId", "primaryObjectId", "objectId"])?,
            "associationChange" => text_of(&rest, &["fromObjectId"])?,
            _ => text_of(&rest, &["objectId"])?,
        };
        let portal = rest.get("portalId").and_then(fields::text);
        for name in ["subscriptionType", "eventType", "objectId", "occurredAt", "attemptNumber"] {
            rest.shift_remove(name);
        }
        Some(Self { object, what, id, portal, rest })
    }

    /// `None` for what the vocabulary has no word for, and for what says too little for it: a deal that was created has a stage,
    /// but the event does not say which.
    fn tell(&mut self, by: Option<&Value>, config: &Config) -> Option<Told> {
        match (self.object.as_str(), self.what.as_str()) {
            ("contact", "creation") => self.contact("crm.contact.created", by),
            ("contact", "propertyChange") => self.contact_changed(by),
            ("contact", "restore") => self.contact("crm.contact.updated", by),
            ("contact", "deletion" | "privacyDeletion") => self.contact("crm.contact.deleted", by),
            ("contact", "merge") => self.contacts_merged(by),
            ("company", "creation") => self.company("crm.account.created", by, config),
            ("company", "propertyChange" | "restore" | "merge") => {
                self.company("crm.account.updated", by, config)
            }
            ("contact" | "company", "associationChange") => self.joined(),
            ("deal", "propertyChange") => {
                let mut property = self.property()?;
                let deal = record::deal(&self.id, &mut property, config);
                deal.get("stage")?;
                let data = Fields::from_iter([("opportunity".to_owned(), deal.into())]);
                Some(Told::new("crm.opportunity.stage_changed", "deal", &self.id, data))
            }
            ("ticket", "creation") => {
                let data = Fields::from_iter([("ticket".to_owned(), json!({"id": self.id}))]);
                Some(Told::new("contactcentre.ticket.created", "ticket", &self.id, data))
            }
            ("ticket", "propertyChange") => {
                let mut property = self.property()?;
                let ticket = record::ticket(&self.id, &mut property);
                ticket.get("status")?;
                let data = Fields::from_iter([("ticket".to_owned(), ticket.into())]);
                Some(Told::new("contactcentre.ticket.status_changed", "ticket", &self.id, data))
            }
            ("conversation", "creation") => self.conversation("contactcentre.interaction.started", None),
            ("conversation", "propertyChange") => self.conversation_changed(),
            ("lead", "creation") => {
                let data = Fields::from_iter([("lead".to_owned(), json!({"id": self.id}))]);
                Some(Told::new("crm.lead.created", "lead", &self.id, data))
            }
            ("task", "propertyChange") => self.task_done(by),
            ("call" | "meeting" | "note" | "email" | "communication" | "postal_mail", "creation") => {
                let activity = json!({"id": self.id, "kind": self.object});
                let data = Fields::from_iter([("activity".to_owned(), activity)]);
                Some(Told::new("crm.activity.logged", &self.object, &self.id, data))
            }
            _ => None,
        }
    }

    /// The property that has changed, by its name. Empty text takes a value away.
    fn property(&mut self) -> Option<Fields> {
        let name = self.rest.text("propertyName")?;
        let value = self.rest.shift_remove("propertyValue").unwrap_or_default();
        Some(Fields::from_iter([(name, value)]))
    }

    /// What was done to the record.
    fn change(&mut self, by: Option<&Value>) -> Fields {
        let mut change = Fields::from_iter([("record_id".to_owned(), self.id.clone().into())]);
        change.leave("by", by.cloned());
        change.leave("source", self.rest.text("changeSource"));
        change
    }

    fn customer(&self, id: &str) -> Option<Fields> {
        let identifiers = json!([contact(self.portal.as_deref(), id)?]);
        Some(Fields::from_iter([("identifiers".to_owned(), identifiers)]))
    }

    fn contact(&mut self, kind: &'static str, by: Option<&Value>) -> Option<Told> {
        let mut change = self.change(by);
        match self.what.as_str() {
            "privacyDeletion" => {
                change.insert("gdpr".into(), true.into());
            }
            "restore" => {
                change.insert("reason".into(), "restored".into());
            }
            _ => {}
        }
        let mut data = Fields::new();
        data.leave("customer", self.customer(&self.id)?);
        data.leave("contact_change", change);
        Some(Told::new(kind, "contact", &self.id, data))
    }

    fn contact_changed(&mut self, by: Option<&Value>) -> Option<Told> {
        let mut customer = self.customer(&self.id)?;
        let mut change = self.change(by);
        let mut property = self.property()?;
        if let Some(told) = self.scored(&mut property, &customer) {
            if let Some(source) = change.shift_remove("source") {
                self.rest.insert("changeSource".into(), source);
            }
            return Some(told);
        }
        change.insert("fields".into(), changed(&property));
        let mut data = Fields::new();
        data.leave("consent", person::consent(&mut property));
        let (identifiers, traits) = person::known(&mut property);
        customer.entry("identifiers").and_modify(|known| {
            known.as_array_mut().expect("a customer begins with a list of one").extend(identifiers);
        });
        customer.leave("traits", traits);
        data.leave("customer", customer);
        data.leave("contact_change", change);
        Some(Told::new("crm.contact.updated", "contact", &self.id, data))
    }

    /// HubSpot scores contacts by its own properties.
    fn scored(&self, property: &mut Fields, customer: &Fields) -> Option<Told> {
        let name = property.keys().next()?.clone();
        let is_score = name == "hubspotscore" || name.starts_with("hs_predictivecontactscore");
        let score = |value: &Value| value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
        let score = property.take(&name, score).filter(|score: &f64| score.is_finite() && is_score);
        let lead = json!({"id": self.id, "score": score?, "score_model": name});
        let mut data = Fields::new();
        data.leave("customer", customer.clone());
        data.leave("lead", lead);
        Some(Told::new("crm.lead.score_changed", "contact", &self.id, data))
    }

    /// The record that remains may be a new one: then the first of the two has gone, too.
    fn merged(&mut self, change: &mut Fields) -> Option<Vec<String>> {
        let ids = |value: &Value| value.as_array()?.iter().map(fields::text).collect::<Option<Vec<_>>>();
        let mut gone = self.rest.take("mergedObjectIds", ids)?;
        gone.extend(self.rest.text("primaryObjectId"));
        self.rest.shift_remove("newObjectId");
        gone.retain(|id| *id != self.id);
        gone.dedup();
        change.insert("kept_id".into(), self.id.clone().into());
        change.leave("merged_ids", gone.clone());
        (!gone.is_empty()).then_some(gone)
    }

    fn contacts_merged(&mut self, by: Option<&Value>) -> Option<Told> {
        let mut change = self.change(by);
        let gone = self.merged(&mut change)?;
        let ids = std::iter::once(&self.id).chain(&gone);
        let identifiers: Option<Vec<Value>> = ids.map(|id| contact(self.portal.as_deref(), id)).collect();
        let mut data = Fields::new();
        data.insert("customer".into(), json!({"identifiers": identifiers?}));
        data.leave("contact_change", change);
        Some(Told::new("crm.contact.merged", "contact", &self.id, data))
    }

    fn company(&mut self, kind: &'static str, by: Option<&Value>, config: &Config) -> Option<Told> {
        let mut change = self.change(by);
        let account = match self.what.as_str() {
            "propertyChange" => {
                let mut property = self.property()?;
                change.insert("fields".into(), changed(&property));
                record::account(&self.id, &mut property, config)
            }
            "merge" => {
                self.merged(&mut change)?;
                record::account(&self.id, &mut Fields::new(), config)
            }
            what => {
                if what == "restore" {
                    change.insert("reason".into(), "restored".into());
                }
                record::account(&self.id, &mut Fields::new(), config)
            }
        };
        let mut data = Fields::new();
        data.leave("account", account);
        data.leave("contact_change", change);
        Some(Told::new(kind, "company", &self.id, data))
    }

    /// A contact that now belongs to a company. Either side tells of it; there is no word for parting.
    fn joined(&mut self) -> Option<Told> {
        let removed = self.rest.get("associationRemoved").and_then(Value::as_bool)?;
        let side = |end: &str| {
            let type_id = self.rest.get(&format!("{end}ObjectTypeId")).and_then(fields::text);
            let named = || {
                let (from, to) = self.rest.get("associationType")?.as_str()?.split_once("_TO_")?;
                Some(if end == "from" { from.to_lowercase() } else { to.to_lowercase() })
            };
            type_id.as_deref().and_then(object).map(str::to_owned).or_else(named)
        };
        let ends = (side("from")?, side("to")?);
        let (person, company) = match (ends.0.as_str(), ends.1.as_str()) {
            ("contact", "company") => ("fromObjectId", "toObjectId"),
            ("company", "contact") => ("toObjectId", "fromObjectId"),
            _ => return None,
        };
        let (person, company) = (text_of(&self.rest, &[person])?, text_of(&self.rest, &[company])?);
        if removed {
            return None;
        }
        let customer = self.customer(&person)?;
        for name in ["fromObjectId", "toObjectId", "associationRemoved"] {
            self.rest.shift_remove(name);
        }
        let mut data = Fields::new();
        data.leave("customer", customer);
        data.insert("group".into(), json!({"id": company, "kind": "company"}));
        Some(Told::new("identity.group.joined", "contact", &person, data))
    }

    fn conversation(&self, kind: &'static str, agent: Option<Value>) -> Option<Told> {
        let mut interaction = Fields::from_iter([("id".to_owned(), self.id.clone().into())]);
        interaction.leave("agent", agent);
        let data = Fields::from_iter([("interaction".to_owned(), interaction.into())]);
        Some(Told::new(kind, "conversation", &self.id, data))
    }

    /// <https://developers.hubspot.com/docs/api-reference/legacy/webhooks/guide>, under conversations: `assignedTo`, `status`,
    /// `isArchived`.
    fn conversation_changed(&mut self) -> Option<Told> {
        let property = self.property()?;
        let (name, value) = property.iter().next()?;
        match (name.as_str(), fields::text(value)?.as_str()) {
            ("status", "CLOSED" | "closed") => self.conversation("contactcentre.interaction.ended", None),
            ("assignedTo", agent) => {
                self.conversation("contactcentre.interaction.assigned", Some(json!({"id": agent})))
            }
            _ => None,
        }
    }

    fn task_done(&mut self, by: Option<&Value>) -> Option<Told> {
        let property = self.property()?;
        (property.get("hs_task_status")?.as_str()? == "COMPLETED").then_some(())?;
        let mut task = Fields::from_iter([
            ("id".to_owned(), self.id.clone().into()),
            ("status".to_owned(), "completed".into()),
        ]);
        task.leave("completed_by", by.cloned());
        let data = Fields::from_iter([("task".to_owned(), task.into())]);
        Some(Told::new("crm.task.completed", "task", &self.id, data))
    }
}

/// For `contact_change`. HubSpot does not say what it was before.
fn changed(property: &Fields) -> Value {
    let field = |(name, value): (&String, &Value)| {
        let mut field = Fields::from_iter([("name".to_owned(), name.clone().into())]);
        if !value.is_object() && !value.is_array() {
            field.leave("new", value.clone());
        }
        Value::Object(field)
    };
    property.iter().map(field).collect()
}

fn text_of(event: &Fields, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| event.get(*name).and_then(fields::text))
}
