//! The formats of a channel that is mail.

use crate::declare::channel::{MailPattern, Network, is_mail_address};
use crate::declare::wording;

pub fn of_format(format: &str, text: &str, subject: &str) -> Option<(String, String)> {
    let shown = || wording::value(&text.into());
    let (fits, message, remedy) = match format {
        "mail-pattern" => (
            MailPattern::parse(text).is_some(),
            format!("{} is not an address of mail", shown()),
            "write one address, \"support@example.com\", or all of a domain, \"*@example.com\"",
        ),
        "mail-address" => (
            is_mail_address(text),
            format!("{subject} is {}, which is not an address of mail", shown()),
            "write \"name@example.com\"; what people call it is a key of its own",
        ),
        "network" => (
            text.parse::<Network>().is_ok(),
            format!("{} is not a network", shown()),
            "write an address, \"10.1.2.3\", or an address and how many of its bits count, \"10.0.0.0/8\"",
        ),
        _ => return None,
    };
    (!fits).then(|| (message, remedy.to_owned()))
}
