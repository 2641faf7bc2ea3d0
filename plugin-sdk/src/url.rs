//! Parts of addresses, and bodies of HTML forms: what Twilio, Slack's commands and many payment pages post.
//!
//! What comes from an event must be percent-encoded where it stands in a request's target: without that a customer's id may lead
//! to another address, or name a secret.
//!
//! ```
//! use snodo_connector::url;
//!
//! assert_eq!(url::segment("a/b {{secret:x}}").as_deref(), Some("a%2Fb%20%7B%7Bsecret%3Ax%7D%7D"));
//! assert_eq!(url::segment(".."), None);
//! assert_eq!(url::form([("To", "+39 06"), ("Body", "Ciao & a presto")]), "To=%2B39+06&Body=Ciao+%26+a+presto");
//! assert_eq!(url::form_pairs(b"To=%2B39+06&Empty="), [("To".into(), "+39 06".into()), ("Empty".into(), String::new())]);
//! ```

use std::fmt::Write;

/// One segment of a path: everything but RFC 3986's unreserved characters is percent-encoded. `None` for "", "." and "..": a path
/// has no way to say those, and the host would send the request elsewhere.
pub fn segment(text: &str) -> Option<String> {
    let encoded = encoded(text, "-._~", "%20");
    (!["", ".", ".."].contains(&text)).then_some(encoded)
}

/// A body of `application/x-www-form-urlencoded`, or a query, by the rules that browsers have (URL Standard, 5.2).
pub fn form<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let pair = |(name, value)| encoded(name, "*-._", "+") + "=" + &encoded(value, "*-._", "+");
    pairs.into_iter().map(pair).collect::<Vec<_>>().join("&")
}

/// The names and values of such a body or query, in their order; a name may come several times (URL Standard, 5.1). What is not
/// UTF-8 becomes U+FFFD.
pub fn form_pairs(body: &[u8]) -> Vec<(String, String)> {
    let parts = body.split(|&byte| byte == b'&').filter(|part| !part.is_empty());
    let pair = |part: &[u8]| {
        let equals = part.iter().position(|&byte| byte == b'=');
        let (name, value) = equals.map_or((part, &[][..]), |at| (&part[..at], &part[at + 1..]));
        (decoded(name), decoded(value))
    };
    parts.map(pair).collect()
}

fn encoded(text: &str, plain: &str, blank: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match char::from(byte) {
            letter if letter.is_ascii_alphanumeric() || plain.contains(letter) => out.push(letter),
            ' ' => out.push_str(blank),
            _ => write!(out, "%{byte:02X}").expect("a text takes all that is written to it"),
        }
    }
    out
}

fn decoded(part: &[u8]) -> String {
    let mut out = Vec::with_capacity(part.len());
    let mut rest = part;
    while let Some((&first, after)) = rest.split_first() {
        let hex = |at: usize| char::from(*after.get(at)?).to_digit(16).map(|digit| digit as u8);
        let byte;
        (byte, rest) = match (first, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => (high << 4 | low, &after[2..]),
            (b'+', ..) => (b' ', after),
            _ => (first, after),
        };
        out.push(byte);
    }
    String::from_utf8_lossy(&out).into_owned()
}
