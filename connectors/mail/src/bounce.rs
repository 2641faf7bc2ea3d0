//! Whether a mail is a report that another did not arrive (RFC 3464, RFC 5321 4.5.5), and what it says of it. Only what such
//! reports write in a fixed form is read: fields of the report, and the lines by which Postfix and its like name a recipient.

use serde_json::Value;
use snodo_connector::contact;
use snodo_connector::fields::Fields;

use crate::inbound::is_automatic;

/// The names by which mail servers write.
const SERVERS: [&str; 3] = ["mailer-daemon", "postmaster", "mail-daemon"];

/// A longer line is cut off: it quotes what is of no use here.
const REASON_BYTES_MAX: usize = 500;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Hard,
    Soft,
    /// It is still being tried.
    Delayed,
}

#[derive(Debug)]
pub struct Report {
    pub kind: Kind,
    pub code: Option<String>,
    pub reason: Option<String>,
    pub recipient: Option<String>,
}

pub fn read(mail: &Fields) -> Option<Report> {
    if !is_report(mail) {
        return None;
    }
    let text = mail.get("text").and_then(Value::as_str).unwrap_or_default();
    let lines = || text.lines().map(str::trim);
    let field = |name: &str| {
        lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    };
    let named = ["Final-Recipient", "Original-Recipient"].iter().find_map(|name| {
        let value = field(name)?;
        contact::email(value.split_once(';').map_or(value, |(_, address)| address))
    });
    // "<anna@example.com>: host mx.example.com said: 550 5.1.1 …"
    let line = lines().find_map(|line| {
        let (address, rest) = line.strip_prefix('<')?.split_once('>')?;
        Some((contact::email(address)?, rest.trim_start_matches(':').trim()))
    });
    let (told, after) = line.map_or((None, None), |(address, rest)| (Some(address), Some(rest)));
    let code = field("Status").and_then(enhanced).or_else(|| lines().find_map(enhanced));
    let reason = field("Diagnostic-Code").or(after.filter(|rest| !rest.is_empty()));
    let reason = reason.map(|reason| snodo_connector::text::truncate(reason, REASON_BYTES_MAX).to_owned());
    let action = field("Action").map(str::to_ascii_lowercase);
    let kind = match (action.as_deref(), code.as_deref()) {
        (Some("delayed"), _) => Kind::Delayed,
        // A full mailbox (RFC 3463, x.2.2) is emptied some day.
        (_, Some(code)) if code.starts_with('5') && code != "5.2.2" => Kind::Hard,
        _ => Kind::Soft,
    };
    // "delivered", "relayed" and "expanded" are good news.
    let good = matches!(action.as_deref(), Some("delivered" | "relayed" | "expanded"));
    (!good).then_some(Report { kind, code, reason, recipient: named.or(told) })
}

/// With its own part for machines, or sent by nobody in a mail server's name: the null reverse-path.
fn is_report(mail: &Fields) -> bool {
    let attached = mail.get("attachments").and_then(Value::as_array).is_some_and(|attachments| {
        attachments.iter().any(|one| {
            one["type"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("message/delivery-status"))
        })
    });
    let sender = mail.get("envelope").and_then(|envelope| envelope.get("from")?.as_str());
    let by_nobody = matches!(sender.map(str::trim), Some("" | "<>"));
    let from = mail.get("from").and_then(|from| from["address"].as_str()).unwrap_or_default();
    let local = from.split('@').next().unwrap_or_default().to_lowercase();
    let by_server = SERVERS.contains(&local.as_str());
    let automatic = mail.get("auto_submitted").and_then(Value::as_str).is_some_and(is_automatic);
    attached || by_server && (by_nobody || automatic)
}

/// The first `5.1.1` in a line (RFC 3463).
fn enhanced(line: &str) -> Option<String> {
    let is_code = |word: &&str| {
        let parts: Vec<&str> = word.split('.').collect();
        let number =
            |part: &&str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        parts.len() == 3 && matches!(parts[0], "4" | "5") && parts.iter().all(number)
    };
    let mut words = line.split(|c: char| !c.is_ascii_digit() && c != '.').map(|word| word.trim_matches('.'));
    words.find(is_code).map(str::to_owned)
}
