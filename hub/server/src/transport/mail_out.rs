//! Mail out, by one mail server: composes what a connector asks for, and hands it over. A mail counts as sent once the server
//! has taken it for all of its recipients; if it refuses one of them, it gets none. Never retries: that is the schedule's. No
//! address and no word of a server's is in an error or a log.

mod compose;
mod fail;
mod server;

use std::time::{Duration, Instant, SystemTime};

use lettre::Address;
use lettre::message::Mailbox;
use snodo_core::ChannelName;
use snodo_core::declare::channel::{MailOutlet, MailPattern};
use snodo_core::secret::Secret;

use super::{Answer, Request};
pub use compose::describe;
pub use fail::MailError;
use server::Server;

/// Sends the mail of one channel.
pub struct MailOut {
    server: Server,
    from: Mailbox,
    /// Empty for anybody.
    recipients: Vec<MailPattern>,
    timeout: Duration,
}

impl MailOut {
    /// Calls nobody: the server may well be away now.
    pub fn new(channel: ChannelName, outlet: &MailOutlet, password: Option<Secret>) -> anyhow::Result<Self> {
        let address: Address = outlet.from.address.parse()?;
        let patterns = outlet.recipients.iter().filter_map(|text| MailPattern::parse(text));
        Ok(Self {
            server: Server::new(channel, outlet, address.domain(), password)?,
            from: Mailbox::new(outlet.from.name.clone(), address),
            recipients: patterns.collect(),
            timeout: outlet.timeout.0,
        })
    }

    /// Resolves once the server has taken the mail.
    pub async fn send(&self, request: &Request) -> Result<Answer, MailError> {
        let started = Instant::now();
        let letter = compose::compose(request, &self.from, SystemTime::now())?;
        let allowed = |address: &Address| {
            self.recipients.is_empty() || self.recipients.iter().any(|one| one.fits(address.as_ref()))
        };
        if let Some(place) = letter.recipients.iter().position(|address| !allowed(address)) {
            return Err(MailError::Recipient { place: place + 1, of: letter.recipients.len() });
        }
        let from = self.from.email.clone();
        let handed_over = self.server.hand_over(from, &letter.recipients, &letter.bytes);
        let done = tokio::time::timeout(self.timeout, handed_over).await;
        let done = done.unwrap_or(Err(MailError::Timeout(self.timeout)));
        self.server.tell(done.as_ref().err());
        done?;
        let body = serde_json::json!({ "message_id": letter.message_id }).to_string();
        Ok(Answer { status: 200, headers: Vec::new(), body: body.into(), elapsed: started.elapsed() })
    }
}
