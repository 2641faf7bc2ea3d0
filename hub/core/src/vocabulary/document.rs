//! Checks a document that somebody wrote or captured: a whole event, or the data of one. Decides nothing about the event.

use serde_json::Value;

use super::{Violation, Vocabulary};

/// What was checked, and what was found.
#[derive(Debug, PartialEq, Eq)]
pub struct Checked {
    /// The type that the data were checked against.
    pub kind: String,
    /// Whether the document was a whole event, with its envelope.
    pub enveloped: bool,
    /// Pointers are into the document.
    pub violations: Vec<Violation>,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    #[error(
        "failed to tell the type: this is no CloudEvent (it has no specversion and type), so name the type"
    )]
    TypeNotNamed,
    #[error("failed to check against {0:?}: the vocabulary has no such type; `snodo schema list` shows all")]
    NoSuchType(String),
    #[error("failed to check as {named:?}: the event says that its type is {told:?}")]
    OtherType { named: String, told: String },
}

impl Vocabulary {
    /// Checks a whole CloudEvent, or the data of an event of the named type.
    pub fn check_document(&self, document: &Value, named: Option<&str>) -> Result<Checked, DocumentError> {
        let told = document["specversion"].as_str().and(document["type"].as_str());
        let kind = match (told, named) {
            (Some(told), Some(named)) if told != named => {
                return Err(DocumentError::OtherType { named: named.into(), told: told.into() });
            }
            (Some(kind), _) | (None, Some(kind)) => kind,
            (None, None) => return Err(DocumentError::TypeNotNamed),
        };
        let Some(known) = self.get(kind) else {
            return Err(DocumentError::NoSuchType(kind.into()));
        };
        let violations = match told {
            None => self.check_against(known, &document.into()).err().unwrap_or_default(),
            Some(_) => {
                let around = self.check_against(&self.envelope, &document.into()).err().unwrap_or_default();
                let within = self.check_against(known, &(&document["data"]).into()).err().unwrap_or_default();
                around
                    .into_iter()
                    .chain(within.into_iter().map(|violation| violation.below("/data")))
                    .collect()
            }
        };
        Ok(Checked { kind: kind.to_owned(), enveloped: told.is_some(), violations })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_is_a_whole_event_or_the_data_of_a_named_type() {
        let vocabulary = Vocabulary::load();
        let order = json!({ "order": { "id": "1001" } });
        let event = |data: &Value| json!({ "specversion": "1.0", "id": "1", "source": "snodo://acme/shop", "type": "commerce.order.placed", "data": data });
        let pointers = |document: &Value, named: Option<&str>| {
            vocabulary.check_document(document, named).map(|checked| {
                checked.violations.into_iter().map(|violation| violation.pointer).collect::<Vec<_>>()
            })
        };
        assert_eq!(pointers(&event(&order), None), Ok(vec![]));
        assert_eq!(pointers(&event(&json!({ "order": {} })), None), Ok(vec!["/data/order".to_owned()]));
        assert_eq!(pointers(&order, Some("commerce.order.paid")), Ok(vec![]));
        assert_eq!(pointers(&json!({}), Some("commerce.order.paid")), Ok(vec![String::new()]));
        assert_eq!(pointers(&order, None), Err(DocumentError::TypeNotNamed));
        assert_eq!(pointers(&order, Some("a.b.c")), Err(DocumentError::NoSuchType("a.b.c".into())));
        let other = DocumentError::OtherType {
            named: "voc.survey.sent".into(),
            told: "commerce.order.placed".into(),
        };
        assert_eq!(pointers(&event(&order), Some("voc.survey.sent")), Err(other));
    }
}
