//! Text as PostgreSQL takes it. It has no NUL, and a sender's words may have one: what goes in comes out again.

use std::borrow::Cow;

/// A character that nobody assigns, of the last planes for private use: followed by `0` it stands for NUL, by `1` for itself.
const ESCAPE: char = '\u{10fffd}';

pub fn kept(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', ESCAPE]) {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\0' => kept.extend([ESCAPE, '0']),
            ESCAPE => kept.extend([ESCAPE, '1']),
            c => kept.push(c),
        }
    }
    kept.into()
}

pub fn given(text: String) -> String {
    if !text.contains(ESCAPE) {
        return text;
    }
    let mut given = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ESCAPE if chars.next() == Some('0') => given.push('\0'),
            c => given.push(c),
        }
    }
    given
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out() {
        for text in ["", "order/1", "a\0b", "\u{10fffd}", "\u{10fffd}0\0", "\0\0"] {
            assert!(!kept(text).contains('\0'), "{text:?}");
            assert_eq!(given(kept(text).into_owned()), text);
        }
    }
}
