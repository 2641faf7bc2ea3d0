//! The documents of a body: one, several behind each other (JSON Lines, <https://jsonlines.org>), or the elements of an array.

use serde_json::Value;
use snodo_connector::Fault;

/// What some editors put before UTF-8 (RFC 8259, 8.1 lets a parser ignore it).
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

pub fn of(body: &[u8]) -> Result<Vec<Value>, Fault> {
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    let mut documents = Vec::new();
    for read in serde_json::Deserializer::from_slice(body).into_iter::<Value>() {
        match read {
            Ok(Value::Array(elements)) => documents.extend(elements),
            Ok(document) => documents.push(document),
            Err(error) => return Err(Fault::permanent(format!("failed to read the body as JSON: {error}"))),
        }
    }
    match documents.is_empty() && body.trim_ascii().is_empty() {
        true => Err(Fault::permanent("failed to read the body as JSON: it is empty")),
        false => Ok(documents),
    }
}
