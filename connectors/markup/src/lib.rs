//! Makes a parsed XML document of a message's bytes: encoding, bounds, well-formedness. No connector: the ones that read XML
//! (`poslog`, `xml`) share it. It never quotes what it could not read, and never follows what a document points to.

use std::borrow::Cow;

use roxmltree::{Document, Error, ParsingOptions};
use snodo_connector::Fault;

/// Elements in elements. A POSLog of version 6 needs 15. What it is read with calls itself once for each level, and each level may
/// be an object in a list of an event's data, of which readers of JSON take 127.
pub const DEPTH_MAX: usize = 50;

/// Attributes of one element. The parser compares each with each; the standard's richest element has about 20.
const ATTRIBUTES_MAX: usize = 256;

/// Elements and texts of one document: more than the densest megabyte of tags can hold.
const NODES_MAX: u32 = 1 << 19;

const NO_DTD: &str = "failed to read the XML: a document type declaration is not accepted";

/// The text of a message. Systems write UTF-8, UTF-16 with its mark, or the encoding of an old Windows.
pub fn text(body: &[u8]) -> Result<Cow<'_, str>, Fault> {
    match body {
        [0xff, 0xfe, rest @ ..] => return utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => return utf16(rest, u16::from_be_bytes),
        _ => {}
    }
    if let Ok(text) = std::str::from_utf8(body) {
        return Ok(Cow::Borrowed(text.trim_start_matches('\u{feff}').trim_start()));
    }
    match declared_encoding(body).as_deref() {
        Some("iso-8859-1" | "latin1" | "windows-1252" | "cp1252") => {
            Ok(Cow::Owned(body.iter().map(|byte| windows_1252(*byte)).collect()))
        }
        _ => Err(Fault::permanent(
            "failed to read the body as text: send UTF-8, UTF-16 with a byte order mark, ISO-8859-1 or windows-1252, and name the last two in the XML declaration",
        )),
    }
}

/// The document in a text, inside its bounds.
pub fn parse(text: &str) -> Result<Document<'_>, Fault> {
    check_bounds(text.as_bytes())?;
    let options = ParsingOptions { allow_dtd: false, nodes_limit: NODES_MAX, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|error| Fault::permanent(describe(&error)))
}

/// What is wrong and where, in our words: the parser's own message quotes names and characters.
fn describe(error: &Error) -> String {
    let reason = match error {
        Error::DtdDetected => return NO_DTD.into(),
        Error::NodesLimitReached | Error::AttributesLimitReached | Error::NamespacesLimitReached => {
            return "failed to read the XML: it has more elements, attributes or namespaces than a message may have".into();
        }
        Error::UnexpectedCloseTag(..) => "a closing tag does not match the tag that is open",
        Error::UnclosedRootNode | Error::UnexpectedEndOfStream => "it ends before its root element is closed",
        Error::NoRootNode => "it has no root element",
        Error::UnknownNamespace(..) => "a prefix is not declared",
        Error::UnknownEntityReference(..) | Error::MalformedEntityReference(_) => {
            "an entity is not one of XML's own"
        }
        Error::DuplicatedAttribute(..) => "an attribute is given twice",
        Error::NonXmlChar(..) => "a character is not allowed in XML",
        _ => "it is not well-formed",
    };
    let at = error.pos();
    format!("failed to read the XML at line {}, column {}: {reason}", at.row, at.col)
}

/// Depth and attributes, before the parser meets them: its time grows with the square of either.
fn check_bounds(text: &[u8]) -> Result<(), Fault> {
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(open) = find(text, at, b"<") {
        let tag = &text[open..];
        at = if tag.starts_with(b"<!--") {
            past(text, open, b"-->")
        } else if tag.starts_with(b"<![CDATA[") {
            past(text, open, b"]]>")
        } else if tag.starts_with(b"<?") {
            past(text, open, b"?>")
        } else if tag.starts_with(b"<!DOCTYPE") {
            return Err(Fault::permanent(NO_DTD));
        } else if tag.starts_with(b"</") {
            depth = depth.saturating_sub(1);
            past(text, open, b">")
        } else {
            let (end, attributes) = start_tag(text, open);
            if attributes > ATTRIBUTES_MAX {
                return Err(Fault::permanent(format!(
                    "failed to read the XML: an element has more than {ATTRIBUTES_MAX} attributes"
                )));
            }
            depth += usize::from(text.get(end.wrapping_sub(2)) != Some(&b'/'));
            if depth > DEPTH_MAX {
                return Err(Fault::permanent(format!(
                    "failed to read the XML: elements are nested more than {DEPTH_MAX} deep"
                )));
            }
            end
        };
    }
    Ok(())
}

/// Where a start tag ends, and how many values in quotes it has.
fn start_tag(text: &[u8], open: usize) -> (usize, usize) {
    let (mut quote, mut values) = (None, 0);
    for (at, byte) in text.iter().enumerate().skip(open) {
        match (quote, byte) {
            (Some(mark), byte) if mark == *byte => quote = None,
            (None, b'"' | b'\'') => {
                quote = Some(*byte);
                values += 1;
            }
            (None, b'>') => return (at + 1, values),
            _ => {}
        }
    }
    (text.len(), values)
}

/// The place after the next occurrence, or the end.
fn past(text: &[u8], from: usize, end: &[u8]) -> usize {
    find(text, from, end).map_or(text.len(), |at| at + end.len())
}

fn find(text: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    text[from..].windows(what.len()).position(|window| window == what).map(|at| from + at)
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Cow<'_, str>, Fault> {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let text: Result<String, _> = char::decode_utf16(units).collect();
    match text {
        Ok(text) if bytes.len().is_multiple_of(2) => Ok(Cow::Owned(text)),
        _ => Err(Fault::permanent("failed to read the body as UTF-16, which its byte order mark says it is")),
    }
}

/// The encoding that the XML declaration names, in lower case.
fn declared_encoding(body: &[u8]) -> Option<String> {
    let declaration = body.strip_prefix(b"<?xml")?.split(|byte| *byte == b'>').next()?;
    let declaration = String::from_utf8_lossy(declaration).to_ascii_lowercase();
    let value = declaration.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|mark| matches!(mark, '"' | '\''))?;
    Some(value[1..].split(quote).next()?.to_owned())
}

/// ISO-8859-1 is read as windows-1252, which only adds characters: <https://encoding.spec.whatwg.org/#names-and-labels>.
fn windows_1252(byte: u8) -> char {
    const FROM_80: [u16; 32] = [
        0x20ac, 0x81, 0x201a, 0x192, 0x201e, 0x2026, 0x2020, 0x2021, 0x2c6, 0x2030, 0x160, 0x2039, 0x152,
        0x8d, 0x17d, 0x8f, 0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x2dc, 0x2122,
        0x161, 0x203a, 0x153, 0x9d, 0x17e, 0x178,
    ];
    match byte {
        0x80..=0x9f => {
            char::from_u32(FROM_80[usize::from(byte - 0x80)].into()).expect("the table holds characters only")
        }
        _ => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        match parse(text) {
            Err(Fault::Permanent(problem)) => problem.message,
            Err(_) => panic!("the fault is not permanent"),
            Ok(_) => panic!("it parsed"),
        }
    }

    #[test]
    fn reads_the_encodings_that_systems_write() {
        let utf16 = |big: bool| -> Vec<u8> {
            "\u{feff}<a>é€</a>"
                .encode_utf16()
                .flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() })
                .collect()
        };
        for (bytes, expected) in [
            ("<a>é€</a>".as_bytes().to_vec(), "<a>é€</a>"),
            ("\u{feff}<a>é€</a>".as_bytes().to_vec(), "<a>é€</a>"),
            (utf16(false), "<a>é€</a>"),
            (utf16(true), "<a>é€</a>"),
            (
                b"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9\x80</a>".to_vec(),
                "<?xml version='1.0' encoding='ISO-8859-1'?><a>é€</a>",
            ),
        ] {
            assert_eq!(text(&bytes).expect(expected), expected);
        }
        assert!(text(b"<a>\xe9</a>").is_err(), "an unnamed encoding is not guessed");
    }

    #[test]
    fn says_where_the_xml_breaks_and_quotes_nothing() {
        for (text, says) in [
            ("<a>\n  <Secret>x</b></a>", "line 2, column"),
            ("<a><b>", "ends before"),
            ("<a>&secret;</a>", "line 1, column 4: an entity"),
            ("", "no root element"),
            ("<!DOCTYPE a [<!ENTITY secret 'x'>]><a>&secret;</a>", "document type declaration"),
            (
                &format!("<!DOCTYPE a [{}]><a/>", "<!ENTITY secret 'x'>".repeat(99)),
                "document type declaration",
            ),
            ("<secret:a/>", "a prefix is not declared"),
        ] {
            let message = fault(text);
            assert!(message.contains(says), "{text}: {message}");
            assert!(!message.to_lowercase().contains("secret"), "{message}");
        }
    }

    #[test]
    fn refuses_what_would_cost_too_much_before_it_is_parsed() {
        let deep = "<a>".repeat(DEPTH_MAX + 1) + &"</a>".repeat(DEPTH_MAX + 1);
        assert!(fault(&deep).contains("nested"));
        let wide: String = (0..=ATTRIBUTES_MAX).map(|n| format!(" a{n} = 'x'")).collect();
        assert!(fault(&format!("<a{wide}/>")).contains("attributes"));
    }

    #[test]
    fn counts_no_depth_for_siblings_comments_and_data() {
        let siblings = "<b x='a>b'/><b>1</b><!-- <c> --><![CDATA[<c>]]><?c <c> ?>".repeat(200);
        assert!(parse(&format!("<a>{siblings}</a>")).is_ok());
    }
}
