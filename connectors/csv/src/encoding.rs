//! Bytes of a file as text.

use std::borrow::Cow;

use serde::Deserialize;
use snodo_connector::Fault;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// As everybody means it: windows-1252, which has signs where ISO 8859-1 has none (Encoding Standard, 4.2).
    #[serde(rename = "latin-1")]
    Latin1,
    /// Little-endian, unless a byte order mark says otherwise.
    #[serde(rename = "utf-16")]
    Utf16,
}

/// What windows-1252 has from 0x80 to 0x9F (Encoding Standard, index-windows-1252).
const SIGNS: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

impl Encoding {
    pub fn text(self, bytes: &[u8]) -> Result<Cow<'_, str>, Fault> {
        match self {
            Self::Utf8 => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text).into()),
                Err(error) => Err(Fault::permanent(format!(
                    "failed to read the body as UTF-8 at byte {}: set the channel's encoding",
                    error.valid_up_to()
                ))),
            },
            Self::Latin1 => Ok(bytes.iter().map(|byte| sign(*byte)).collect()),
            Self::Utf16 => utf16(bytes).map(Cow::Owned),
        }
    }
}

fn sign(byte: u8) -> char {
    match byte {
        0x80..=0x9f => SIGNS[usize::from(byte - 0x80)],
        byte => char::from(byte),
    }
}

fn utf16(bytes: &[u8]) -> Result<String, Fault> {
    let (bytes, unit): (_, fn([u8; 2]) -> u16) = match bytes {
        [0xfe, 0xff, rest @ ..] => (rest, u16::from_be_bytes),
        [0xff, 0xfe, rest @ ..] => (rest, u16::from_le_bytes),
        bytes => (bytes, u16::from_le_bytes),
    };
    let (pairs, rest) = bytes.as_chunks::<2>();
    let text = String::from_utf16(&pairs.iter().copied().map(unit).collect::<Vec<u16>>());
    match text {
        Ok(text) if rest.is_empty() => Ok(text),
        _ => Err(Fault::permanent("failed to read the body as UTF-16: set the channel's encoding")),
    }
}
