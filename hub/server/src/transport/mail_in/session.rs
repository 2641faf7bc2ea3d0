//! What an SMTP server says to each command (RFC 5321), and what it does then. Pure: bytes are the business of whoever serves.

use std::borrow::Cow;
use std::net::IpAddr;

use smtp_proto::{
    EXT_8BIT_MIME, EXT_ENHANCED_STATUS_CODES, EXT_PIPELINING, EXT_SIZE, EXT_SMTP_UTF8, EXT_START_TLS,
    EhloResponse, Error, Request,
};
use snodo_core::ChannelName;

use super::{Found, Rules};

/// Recipients of one mail (RFC 5321, 4.5.3.1.8).
const RECIPIENTS_MAX: usize = 100;

/// Refusals on one connection: whoever has so many is guessing, or broken.
const REFUSALS_MAX: usize = 20;

/// Whose mail it is, and to whom of those who are here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Empty for what a mail system says itself.
    pub from: String,
    pub to: Vec<Recipient>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    pub address: String,
    pub channel: ChannelName,
    /// The channel's words for it.
    pub pattern: String,
}

/// What is done after the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    GoOn,
    /// The mail comes now.
    TakeData,
    Encrypt,
    Close,
}

pub struct Session<'a> {
    rules: &'a Rules,
    peer: IpAddr,
    is_encrypted: bool,
    has_greeted: bool,
    envelope: Option<Envelope>,
    refusals: usize,
}

impl<'a> Session<'a> {
    pub const fn new(rules: &'a Rules, peer: IpAddr) -> Self {
        Self { rules, peer, is_encrypted: false, has_greeted: false, envelope: None, refusals: 0 }
    }

    /// What was said in the clear counts for nothing (RFC 3207, 4.2).
    pub fn encrypted(rules: &'a Rules, peer: IpAddr) -> Self {
        Self { is_encrypted: true, ..Self::new(rules, peer) }
    }

    pub fn greeting(&self) -> (String, Then) {
        match self.rules.knows(self.peer) {
            true => (format!("220 {} ESMTP\r\n", self.rules.hostname), Then::GoOn),
            false => ("554 5.7.1 no mail is taken from there\r\n".to_owned(), Then::Close),
        }
    }

    /// The mail that was announced, once.
    pub fn take_envelope(&mut self) -> Option<Envelope> {
        self.envelope.take()
    }

    pub fn command(&mut self, request: Result<Request<Cow<'_, str>>, Error>) -> (String, Then) {
        let (answer, then) = match request {
            Ok(request) => self.answer(request),
            Err(error) => (unread(&error).to_owned(), Then::GoOn),
        };
        if answer.starts_with('5') {
            self.refusals += 1;
            if self.refusals >= REFUSALS_MAX {
                return ("421 4.7.0 too many of your commands were refused\r\n".to_owned(), Then::Close);
            }
        }
        (answer, then)
    }

    fn answer(&mut self, request: Request<Cow<'_, str>>) -> (String, Then) {
        let say = |answer: &str| (format!("{answer}\r\n"), Then::GoOn);
        match request {
            Request::Ehlo { .. } => {
                (self.has_greeted, self.envelope) = (true, None);
                (self.capabilities(), Then::GoOn)
            }
            Request::Helo { .. } => {
                (self.has_greeted, self.envelope) = (true, None);
                say(&format!("250 {}", self.rules.hostname))
            }
            Request::Mail { .. } if !self.has_greeted => say("503 5.5.1 say EHLO first"),
            Request::Mail { .. } if self.envelope.is_some() => say("503 5.5.1 one mail at a time"),
            Request::Mail { from } if from.size > self.rules.bytes_max => {
                say("552 5.3.4 the mail is too long")
            }
            Request::Mail { from } => {
                self.envelope = Some(Envelope { from: from.address.into_owned(), to: Vec::new() });
                say("250 2.1.0 from there")
            }
            Request::Rcpt { to } => say(self.recipient(&to.address)),
            Request::Data => match &self.envelope {
                None => say("503 5.5.1 say MAIL first"),
                Some(envelope) if envelope.to.is_empty() => say("554 5.5.1 it is for nobody here"),
                Some(_) => ("354 end it with a dot on a line of its own\r\n".to_owned(), Then::TakeData),
            },
            Request::StartTls if self.rules.offers_tls && !self.is_encrypted => {
                ("220 2.0.0 go ahead\r\n".to_owned(), Then::Encrypt)
            }
            Request::Rset => {
                self.envelope = None;
                say("250 2.0.0 forgotten")
            }
            Request::Noop { .. } => say("250 2.0.0 here"),
            Request::Quit => ("221 2.0.0 bye\r\n".to_owned(), Then::Close),
            // Neither yes nor no: addresses are nobody's business (RFC 5321, 3.5.3).
            Request::Vrfy { .. } => say("252 2.5.1 send it and see"),
            Request::Help { .. } => say("214 2.0.0 RFC 5321"),
            _ => say("502 5.5.1 not here"),
        }
    }

    fn capabilities(&self) -> String {
        let mut response = EhloResponse::new(self.rules.hostname.as_str());
        response.capabilities =
            EXT_PIPELINING | EXT_SIZE | EXT_8BIT_MIME | EXT_SMTP_UTF8 | EXT_ENHANCED_STATUS_CODES;
        if self.rules.offers_tls && !self.is_encrypted {
            response.capabilities |= EXT_START_TLS;
        }
        response.size = self.rules.bytes_max;
        let mut answer = Vec::new();
        response.write(&mut answer).expect("memory takes everything");
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn recipient(&mut self, address: &str) -> &'static str {
        let Some(envelope) = &mut self.envelope else { return "503 5.5.1 say MAIL first" };
        if envelope.to.len() >= RECIPIENTS_MAX {
            return "452 4.5.3 too many recipients";
        }
        match self.rules.find(address, self.peer) {
            Found::Here { channel, pattern } => {
                let (channel, pattern) = (channel.clone(), pattern.to_owned());
                envelope.to.push(Recipient { address: address.to_owned(), channel, pattern });
                "250 2.1.5 here"
            }
            Found::NotFromThere => "550 5.7.1 not from there",
            Found::Unknown => "550 5.1.1 nobody of that name is here",
        }
    }
}

const fn unread(error: &Error) -> &'static str {
    match error {
        Error::UnknownCommand | Error::InvalidResponse { .. } => "500 5.5.1 no such command\r\n",
        Error::InvalidSenderAddress => "501 5.1.7 that is no address\r\n",
        Error::InvalidRecipientAddress => "501 5.1.3 that is no address\r\n",
        Error::UnsupportedParameter { .. } => "555 5.5.4 no such parameter\r\n",
        Error::InvalidParameter { .. } | Error::SyntaxError { .. } => "501 5.5.4 that cannot be read\r\n",
        Error::ResponseTooLong | Error::NeedsMoreData { .. } => "500 5.5.2 the line is too long\r\n",
    }
}

#[cfg(test)]
mod tests {
    use smtp_proto::request::receiver::RequestReceiver;
    use snodo_core::declare::channel::MailPattern;

    use super::super::Postbox;
    use super::*;

    fn rules() -> Rules {
        let postbox = |name: &str, pattern: &str, networks: &[&str]| {
            std::sync::Arc::new(Postbox {
                channel: name.parse().unwrap(),
                patterns: vec![(pattern.to_owned(), MailPattern::parse(pattern).unwrap())],
                networks: networks.iter().map(|text| text.parse().unwrap()).collect(),
            })
        };
        Rules {
            hostname: "hub.example".into(),
            bytes_max: 1000,
            body_bytes_max: 1000,
            connections_max: 1,
            offers_tls: true,
            postboxes: vec![
                postbox("all", "*@shop.example", &["127.0.0.0/8"]),
                postbox("help", "help@shop.example", &["127.0.0.0/8"]),
                postbox("far", "far@other.example", &["10.0.0.0/8"]),
            ],
        }
    }

    /// The answers to these lines, by their codes, and what is done after the last.
    fn talk(session: &mut Session<'_>, lines: &str) -> (String, Then) {
        let (mut receiver, mut bytes) = (RequestReceiver::default(), lines.as_bytes().iter());
        let (mut codes, mut last) = (Vec::new(), Then::GoOn);
        while bytes.len() > 0 {
            let (answer, then) = session.command(receiver.ingest(&mut bytes));
            codes.push(
                answer.split(' ').take(2).collect::<Vec<_>>().join(" ").split('-').next().unwrap().to_owned(),
            );
            last = then;
        }
        (codes.join(", "), last)
    }

    #[test]
    fn only_mail_for_those_who_are_here_is_taken() {
        const BEGIN: &str = "EHLO a\r\nMAIL FROM:<x@y.example> SIZE=10\r\n";
        for (lines, expected, then) in [
            ("MAIL FROM:<x@y.example>\r\n", "503 5.5.1", Then::GoOn),
            ("EHLO a\r\nRCPT TO:<help@shop.example>\r\n", "250, 503 5.5.1", Then::GoOn),
            ("EHLO a\r\nDATA\r\n", "250, 503 5.5.1", Then::GoOn),
            (
                &format!("{BEGIN}RCPT TO:<a@shop.example>\r\nDATA\r\n"),
                "250, 250 2.1.0, 250 2.1.5, 354 end",
                Then::TakeData,
            ),
            (
                &format!("{BEGIN}RCPT TO:<a@else.example>\r\nDATA\r\n"),
                "250, 250 2.1.0, 550 5.1.1, 554 5.5.1",
                Then::GoOn,
            ),
            (&format!("{BEGIN}RCPT TO:<far@other.example>\r\n"), "250, 250 2.1.0, 550 5.7.1", Then::GoOn),
            (
                &format!("{BEGIN}RCPT TO:<a%else.example@shop.example>\r\n"),
                "250, 250 2.1.0, 250 2.1.5",
                Then::GoOn,
            ),
            (&format!("{BEGIN}MAIL FROM:<x@y.example>\r\n"), "250, 250 2.1.0, 503 5.5.1", Then::GoOn),
            (&format!("{BEGIN}RSET\r\nDATA\r\n"), "250, 250 2.1.0, 250 2.0.0, 503 5.5.1", Then::GoOn),
            ("EHLO a\r\nMAIL FROM:<> SIZE=1001\r\nMAIL FROM:<>\r\n", "250, 552 5.3.4, 250 2.1.0", Then::GoOn),
            ("EHLO a\r\nSTARTTLS\r\n", "250, 220 2.0.0", Then::Encrypt),
            ("EHLO a\r\nAUTH PLAIN AGEAYg==\r\n", "250, 502 5.5.1", Then::GoOn),
            ("EHLO a\r\nBDAT 5 LAST\r\n", "250, 502 5.5.1", Then::GoOn),
            ("VRFY help\r\nNOOP\r\nQUIT\r\n", "252 2.5.1, 250 2.0.0, 221 2.0.0", Then::Close),
            ("GET / HTTP/1.1\r\n", "500 5.5.1", Then::GoOn),
        ] {
            let rules = rules();
            let mut session = Session::new(&rules, "127.0.0.1".parse().unwrap());
            assert_eq!(talk(&mut session, lines), (expected.to_owned(), then), "{lines}");
        }
    }

    #[test]
    fn an_address_that_is_named_stands_before_its_domain() {
        let rules = rules();
        let mut session = Session::new(&rules, "127.0.0.1".parse().unwrap());
        talk(
            &mut session,
            "HELO a\r\nMAIL FROM:<>\r\nRCPT TO:<Help@Shop.example>\r\nRCPT TO:<x@shop.example>\r\n",
        );
        let envelope = session.take_envelope().unwrap();
        let found: Vec<(&str, &str)> =
            envelope.to.iter().map(|one| (one.channel.as_str(), one.pattern.as_str())).collect();
        assert_eq!(found, [("help", "help@shop.example"), ("all", "*@shop.example")]);
        assert_eq!(session.take_envelope(), None);
    }

    #[test]
    fn strangers_and_those_who_guess_are_sent_away() {
        let rules = rules();
        assert_eq!(Session::new(&rules, "192.0.2.1".parse().unwrap()).greeting().1, Then::Close);
        let mut session = Session::new(&rules, "127.0.0.1".parse().unwrap());
        let guesses =
            "EHLO a\r\nMAIL FROM:<>\r\n".to_owned() + &"RCPT TO:<a@else.example>\r\n".repeat(REFUSALS_MAX);
        assert_eq!(talk(&mut session, &guesses).1, Then::Close);
    }
}
