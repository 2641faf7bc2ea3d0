//! How deeply JSON is nested, by one look at its bytes. Never parses: text that is not JSON has a depth too.

/// The byte at which more than `depth_max` levels are open.
pub fn too_deep_at(body: &[u8], depth_max: usize) -> Option<usize> {
    // Most bodies have fewer brackets than levels are allowed, and counting is ten times quicker than looking at each.
    if body.iter().filter(|byte| matches!(byte, b'{' | b'[')).count() <= depth_max {
        return None;
    }
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = body.get(at) {
        match byte {
            b'"' => at = text_end(body, at + 1),
            b'{' | b'[' if depth == depth_max => return Some(at),
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    None
}

/// Where the text that begins at `at` has its closing quotation mark.
fn text_end(body: &[u8], mut at: usize) -> usize {
    loop {
        // Eight bytes at a time while there is neither mark nor backslash among them.
        while let Some(eight) = body.get(at..).and_then(<[u8]>::first_chunk) {
            let eight = u64::from_le_bytes(*eight);
            if has(eight, b'"') || has(eight, b'\\') {
                break;
            }
            at += 8;
        }
        match body.get(at) {
            None | Some(b'"') => return at,
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
        }
    }
}

/// Whether one of the eight bytes is this one: the others, with it taken off, are not zero.
const fn has(eight: u64, byte: u8) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let off = eight ^ (ONES * byte as u64);
    off.wrapping_sub(ONES) & !off & (ONES << 7) != 0
}

#[cfg(test)]
mod tests {
    use super::too_deep_at;

    #[test]
    fn only_brackets_outside_of_text_count() {
        for (body, at) in [
            (r#"{"a":[{"b":1}]}"#, None),
            (r#"{"a":[{"b":[]}]}"#, Some(11)),
            (r#"[[[],[],[]],[[]]]"#, None),
            (r#"{"a":"[[[[[["}"#, None),
            (r#"{"a":"\"[[[[[["}"#, None),
            (r#"{"a":"\\"}[[[["#, Some(13)),
            ("]]]][[[[", Some(7)),
            (r#"[[["a long text, [ and \" in it, over eight bytes",[["#, Some(51)),
            (r#"[["it never ends: [[[[[[[[[[[[[[[[["#, None),
            (r#"[["it ends in a backslash: \"#, None),
            ("", None),
        ] {
            assert_eq!(too_deep_at(body.as_bytes(), 3), at, "{body}");
        }
    }
}
