//! A raw message: what a touchpoint sent, kept as it came until everything that follows from it is settled.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{ChannelName, MessageId, Timestamp};

/// A source that sends more than this is misconfigured: the largest real payload seen was 300 KiB.
pub const BODY_BYTES_MAX: usize = 1 << 20;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub id: MessageId,
    pub channel: ChannelName,
    pub received: Timestamp,
    pub envelope: Envelope,
    pub body: Bytes,
}

/// What came around the body. Credentials and signatures are taken out before it gets here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Envelope {
    /// Names in lower case.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The query of the request, or the name of the file.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Not a header: no sender can say it.
    #[serde(skip_serializing_if = "Form::is_foreign")]
    pub form: Form,
}

/// Whose words the body is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// The touchpoint's: its connector reads them.
    #[default]
    Foreign,
    /// The hub's own: events as a connector told them, when it was asked or made them of others.
    Drafts,
}

impl Form {
    const fn is_foreign(&self) -> bool {
        matches!(self, Self::Foreign)
    }
}
