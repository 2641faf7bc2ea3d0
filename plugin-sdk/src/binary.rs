//! Bytes as text: hexadecimal and Base64.
//!
//! ```
//! use snodo_connector::binary;
//!
//! assert_eq!(binary::from_hex("00fF").as_deref(), Some(&[0, 255][..]));
//! assert_eq!(binary::from_base64("aGk_").as_deref(), Some(&b"hi?"[..]));
//! assert_eq!(binary::to_base64(b"hi?"), "aGk/");
//! ```

use std::fmt::Write;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Two digits of either case for each byte.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}

/// In lower case.
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a text takes all that is written to it");
        text
    })
}

/// Base64 or Base64url (RFC 4648), with its padding or without any. `None` for anything else, blanks and left-over bits included:
/// of one text there is one reading.
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    if padding > 0 && (padding > 2 || !text.len().is_multiple_of(4)) {
        return None;
    }
    let (mut bytes, mut bits, mut held) = (Vec::with_capacity(digits.len() * 3 / 4), 0_u32, 0_u32);
    for digit in digits.bytes() {
        let digit = match digit {
            b'-' => 62,
            b'_' => 63,
            digit => ALPHABET.iter().position(|&one| one == digit)?,
        };
        bits = (bits << 6 | digit as u32) & 0xffff;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xff) as u8);
        }
    }
    // Six bits that are left are a digit too many; two or four must say nothing.
    (held < 6 && bits & ((1 << held) - 1) == 0).then_some(bytes)
}

/// Base64 with its padding.
pub fn to_base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits =
            chunk.iter().chain([&0; 3]).take(3).fold(0_usize, |bits, &byte| bits << 8 | usize::from(byte));
        for place in 0..4 {
            let digit = char::from(ALPHABET[bits >> (18 - 6 * place) & 63]);
            text.push(if place <= chunk.len() { digit } else { '=' });
        }
    }
    text
}
